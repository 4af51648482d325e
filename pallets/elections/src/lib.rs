//! Elections: who runs a chain in its next epoch (Thinkey §4.1, DESIGN §6).
//!
//! # Overview
//!
//! Every chain, the root chain included, gets a new committee for each epoch. Nodes with a stake draw lots in private, and
//! publish only what was drawn well ([`asterism_protocol::sortition`]). This pallet runs the election on the root chain: it
//! fixes who and what counts, takes the claims of the elected, composes the committee and puts it on record, and waits
//! until a quorum of it is ready to take over.
//!
//! # Flow
//!
//! ```text
//!            on_signal            OnSeed, of a round           deadline                  quorum of words
//!  (nothing) ────────► AwaitingSeed ─────────────────► Open ───────────► Recorded ─────────────────────► Ready
//!                            ▲      not before the signal │ claim           │ ready                        │
//!                            └── nobody came, or too few were ready in time ┘      the epoch ends: on_end ─┘
//! ```
//!
//! - **Signal**: the chain's checkpoint, or the root chain's own block, asks for the next committee. From then on a node counts
//!   only as it was before that block: a raised stake or a new key disqualifies it for this election.
//! - **Seed**: the first one whose round is not before the signal's block. It is made only after that block is final, so
//!   nobody knew it when keys and weights were fixed.
//! - **Claims**: [`Pallet::claim`] takes the elected until the deadline. From the middle on it also takes nodes on standby,
//!   as long as fewer than expected elected nodes have come forward. Only the [`MAX_CLAIMS`] best are kept.
//! - **Decision**: [`asterism_protocol::election::compose`]. If too few came forward it fills up with nodes on standby, then
//!   with members of the serving committee.
//! - **Readiness**: [`Pallet::ready`] takes the members' words. On the root chain a word names the sharing of the beacon's group
//!   key that the member has a share of, and the quorum must agree on it. Members whose nodes are excluded by then don't count, and
//!   the quorum is that of the whole committee all the same: with more of them than a committee stands, it never takes over.
//! - If there is no quorum in time, or nobody to put into a committee at all, the election is repeated with another seed. The old
//!   committee serves on meanwhile: a chain never stalls for lack of an election.
//!
//! # Codes of the pool
//!
//! Each refusal is an [`Error`] of its own, and nothing is changed by it. The pool reports it as
//! `InvalidTransaction::Custom(code)`; those marked `*` as `UnknownTransaction::Custom(code)`, as they are not wrong but early.
//!
//! | code | error | code | error | code | error |
//! |---|---|---|---|---|---|
//! | 1 | `NoElection` | 8 | `ChangedAfterSignal` | 15 | `NotRecorded`* |
//! | 2 | `WrongEpoch` | 9 | `BadProof` | 16 | `AlreadySettled` |
//! | 3 | `NotOpen`* | 10 | `NotElected` | 17 | `NoMember` |
//! | 4 | `WrongSeed` | 11 | `EarlyStandby`* | 18 | `AlreadyReady` |
//! | 5 | `Late` | 12 | `NotNeeded` | 19 | `WrongSharing` |
//! | 6 | `UnknownNode` | 13 | `AlreadyClaimed` | 20 | `BadSignature` |
//! | 7 | `NotActive` | 14 | `Outbid` | 21 | `SharingRefused`* |
//!
//! # Assumptions
//!
//! - The runtime's transaction extensions contain [`frame_system::AuthorizeCall`], which runs the authorization both in the
//!   pool and before dispatch. A dispatch therefore does not check the proof or the signature a second time.
//! - Whoever calls [`OnEpoch`] does so for what the chain's committee certified. A corrupt committee can ask for its successor
//!   early, nothing more.
//! - A seed of a round is made only when the root block of this number is final.
//! - The calls are free of charge: there are as many valid ones as there are elected nodes and members.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod impl_claim;
mod impl_lifecycle;
mod impl_ready;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod impl_try_state;
#[cfg(test)]
mod tests;
mod traits;
pub mod weights;

pub use pallet::*;
pub use traits::{ElectionWeight, StakeWeight};
pub use weights::WeightInfo;

use alloc::vec::Vec;
use asterism_primitives::{
	beacon::SharingId,
	committee::{Epoch, MemberId, MAX_MEMBERS},
	election::{Candidacy, Claim, CommitteeRecorder, Election, Phase, Readiness},
	root_state::MAX_CHAINS,
	AccountId, BlockNumber, ChainId, Hash,
};
use codec::{Decode, Encode, MaxEncodedLen};
use impl_ready::Counted;
use pallet_beacon::{OnSeed, Reshare};
use pallet_chains::OnEpoch;
use pallet_stake::Stakers;
use polkadot_sdk::{
	frame_support::{self, dispatch::DispatchClass, pallet_prelude::*},
	frame_system::{self, pallet_prelude::*},
	sp_runtime::{
		traits::{SaturatedConversion, Zero},
		transaction_validity::{
			InvalidTransaction, TransactionValidityError, TransactionValidityWithRefund, UnknownTransaction,
		},
	},
};
use scale_info::TypeInfo;

/// The claims that are kept of an election: the best ones. No more than a committee's members can ever count.
pub const MAX_CLAIMS: u32 = MAX_MEMBERS;

/// The elections that one seed opens at most. If more wait, the rest is opened by the next seed.
pub const MAX_OPENINGS: u32 = 32;

/// The elections that one block decides or repeats at most, and stops before if they take more than an eighth of it.
const MAX_DECISIONS: u32 = 64;

/// The chains that may have an election: the transaction chains and the root chain.
pub type MaxElections = ConstU32<{ MAX_CHAINS + 1 }>;

/// Elections, each by the block in which something is due, or was asked for. Ascending.
pub type Agenda = BoundedVec<(BlockNumber, ChainId), MaxElections>;

/// A claim on record.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Claimed {
	/// The node, by its operator.
	pub operator: AccountId,
	/// The number that it drew.
	pub number: u128,
	/// Its share of the election's total.
	pub share: u128,
}

/// A member of a committee that gets ready.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct NewMember {
	/// Who.
	pub id: MemberId,
	/// Its newest word, if it gave one.
	pub word: Option<Word>,
}

/// A member's word that it is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Word {
	/// The sharing that it has a share of, if one is needed.
	pub sharing: Option<SharingId>,
}

/// Who answers for the members of a committee.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Roster {
	/// The operators of the members, in ascending order of the members. Those of nobody's node are missing, which only
	/// members of a chain's first committee can be.
	pub operators: BoundedVec<(MemberId, AccountId), ConstU32<MAX_MEMBERS>>,
	/// Whether they have been told that their duty began, and not that it ended.
	pub on_duty: bool,
}

impl Roster {
	/// Who answers for a member.
	fn operator(&self, member: &MemberId) -> Option<AccountId> {
		let index = self.operators.binary_search_by_key(member, |(id, _)| *id).ok()?;
		self.operators.get(index).map(|(_, operator)| operator.clone())
	}
}

/// Why an election is repeated.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Reason {
	/// Nobody came forward, and no member of the serving committee can stay.
	Nobody,
	/// The committee could not be put on record.
	NotRecordable,
	/// Fewer members than a quorum said in time that they are ready.
	NotReady,
}

#[frame_support::pallet]
pub mod pallet {
	use super::*;

	/// The pallet.
	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// What the runtime decides.
	#[pallet::config]
	pub trait Config:
		polkadot_sdk::frame_system::Config<
		AccountId = AccountId,
		Hash = Hash,
		RuntimeEvent: From<Event<Self>>,
	>
	{
		/// Where committees are put on record.
		type Chains: CommitteeRecorder;
		/// The nodes.
		type Stakers: Stakers;
		/// What they weigh.
		type Weight: ElectionWeight;
		/// Passes the key of the beacon on to root committees.
		type Beacon: Reshare;
		/// For how many blocks claims are taken, 2 or more: nodes on standby have the second half. It may depend on the state;
		/// an election that is open keeps its deadline.
		type ClaimPeriod: Get<BlockNumber>;
		/// For how many blocks a new committee may get ready, 1 or more. For the root chain's this must be enough for an
		/// attempt to pass the beacon's key on, better for two. It may depend on the state, too.
		type ReadyPeriod: Get<BlockNumber>;
		/// The weights of calls and hooks.
		type WeightInfo: WeightInfo;
		/// Prepares benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: BenchmarkHelper;
	}

	/// Puts into the runtime what a benchmark needs and this pallet can't make.
	#[cfg(feature = "runtime-benchmarks")]
	pub trait BenchmarkHelper {
		/// Puts an active node on record, another one for each number, with a weight of at least the total: it is always
		/// elected. Its last change was in block 0.
		fn node(number: u32) -> AccountId;
		/// Puts a chain on record that is served by a committee of `members`, which are nobody's nodes, in epoch 0.
		fn chain(chain: ChainId, members: u32);
	}

	/// The newest election for each chain's next committee.
	#[pallet::storage]
	pub type Elections<T> = StorageMap<_, Twox64Concat, ChainId, Election>;

	/// The claims in each open election, the best score first.
	#[pallet::storage]
	pub type Claims<T> =
		StorageMap<_, Twox64Concat, ChainId, BoundedVec<Claimed, ConstU32<MAX_CLAIMS>>, ValueQuery>;

	/// The members of each new committee on record, ascending, with their words.
	#[pallet::storage]
	pub type NewMembers<T> =
		StorageMap<_, Twox64Concat, ChainId, BoundedVec<NewMember, ConstU32<MAX_MEMBERS>>, ValueQuery>;

	/// The elections that wait for a seed, by the block that asked for them.
	#[pallet::storage]
	pub type Awaiting<T> = StorageValue<_, Agenda, ValueQuery>;

	/// The elections that are open or have a committee on record, by the block at whose beginning they are decided or
	/// repeated.
	#[pallet::storage]
	pub type Due<T> = StorageValue<_, Agenda, ValueQuery>;

	/// Who answers for the members of each chain's committee in each epoch, as long as the committee is on record.
	#[pallet::storage]
	pub type Rosters<T> = StorageDoubleMap<_, Twox64Concat, ChainId, Twox64Concat, Epoch, Roster>;

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A chain needs its next committee.
		Signalled {
			/// The chain.
			chain: ChainId,
			/// The epoch that the committee is for.
			epoch: Epoch,
		},
		/// Nodes may come forward.
		Opened {
			/// The chain.
			chain: ChainId,
			/// The epoch that the committee is for.
			epoch: Epoch,
			/// The round of the seed.
			round: BlockNumber,
			/// The block at whose beginning the election is decided.
			deadline: BlockNumber,
		},
		/// A node came forward.
		Claimed {
			/// The chain.
			chain: ChainId,
			/// The epoch that the committee is for.
			epoch: Epoch,
			/// The node, by its operator.
			operator: AccountId,
			/// Whether it is elected; else it is on standby.
			elected: bool,
		},
		/// A committee is on record.
		Recorded {
			/// The chain.
			chain: ChainId,
			/// The epoch that it is for.
			epoch: Epoch,
			/// How many of its members are elected.
			elected: u32,
			/// How many were on standby.
			standby: u32,
			/// How many stay from the serving committee.
			kept: u32,
		},
		/// A committee may take over.
		Ready {
			/// The chain.
			chain: ChainId,
			/// The epoch that it is for.
			epoch: Epoch,
		},
		/// An election came to nothing, and begins again.
		Repeated {
			/// The chain.
			chain: ChainId,
			/// The epoch that the committee is for.
			epoch: Epoch,
			/// How many elections for it came to nothing by now.
			attempt: u32,
			/// Why.
			reason: Reason,
		},
	}

	/// Why a claim or a word is refused.
	#[pallet::error]
	pub enum Error<T> {
		/// The chain has no election.
		NoElection,
		/// The election is for another epoch.
		WrongEpoch,
		/// There is no seed yet.
		NotOpen,
		/// Another seed decides the election.
		WrongSeed,
		/// The deadline is over.
		Late,
		/// The account operates no node.
		UnknownNode,
		/// The node is leaving, or is excluded.
		NotActive,
		/// The node's weight rose, or its keys changed, in the block that asked for the election or later.
		ChangedAfterSignal,
		/// The proof is not what the node's sortition key draws from the election's seed.
		BadProof,
		/// What the node drew is not good enough for its weight.
		NotElected,
		/// It is not yet the turn of nodes on standby.
		EarlyStandby,
		/// So many elected nodes came forward that nobody on standby is needed.
		NotNeeded,
		/// The node has come forward before.
		AlreadyClaimed,
		/// There are as many better claims as can count.
		Outbid,
		/// The committee is not on record yet.
		NotRecorded,
		/// A quorum is ready already.
		AlreadySettled,
		/// The committee has no such member.
		NoMember,
		/// The member has said so before.
		AlreadyReady,
		/// The word names a sharing where none is needed, or none or an old one where one is.
		WrongSharing,
		/// The signature is not the member's under this word.
		BadSignature,
		/// The beacon doesn't take the sharing now that the quorum is ready with.
		SharingRefused,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_initialize(number: BlockNumberFor<T>) -> Weight {
			Self::attend(number.saturated_into())
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Puts on record that a node is elected, or on standby. Anybody may submit it, free of charge.
		///
		/// # Errors
		/// The first [`Error`] found; nothing is changed then.
		#[pallet::call_index(0)]
		#[pallet::weight((T::WeightInfo::claim(), DispatchClass::Operational))]
		#[pallet::authorize(Pallet::<T>::authorize_claim)]
		#[pallet::weight_of_authorize(T::WeightInfo::prove_claim().saturating_add(T::WeightInfo::claim()))]
		pub fn claim(origin: OriginFor<T>, claim: Claim) -> DispatchResult {
			frame_system::ensure_authorized(origin)?;
			Self::apply_claim(&claim)?;
			Ok(())
		}

		/// Puts on record that a member of a new committee could take over. Anybody may submit it, free of charge.
		///
		/// # Errors
		/// The first [`Error`] found; nothing is changed then.
		#[pallet::call_index(1)]
		#[pallet::weight((T::WeightInfo::ready().saturating_add(Counted::most::<T>()), DispatchClass::Operational))]
		#[pallet::authorize(Pallet::<T>::authorize_ready)]
		#[pallet::weight_of_authorize(T::WeightInfo::authorize_ready().saturating_add(Counted::most::<T>()))]
		pub fn ready(
			origin: OriginFor<T>,
			readiness: Readiness,
			signature: [u8; 64],
		) -> DispatchResultWithPostInfo {
			frame_system::ensure_authorized(origin)?;
			// The authorization has checked it.
			let _ = signature;
			let counted = Self::apply_ready(&readiness)?;
			let weight = T::WeightInfo::ready().saturating_add(Counted::most::<T>());
			Ok(Some(weight.saturating_sub(counted.unspent::<T>())).into())
		}
	}
}

impl<T> Error<T> {
	/// The number under which the pool reports this refusal; see the table in the [crate page](crate).
	pub fn code(&self) -> u8 {
		match self {
			Self::NoElection => 1,
			Self::WrongEpoch => 2,
			Self::NotOpen => 3,
			Self::WrongSeed => 4,
			Self::Late => 5,
			Self::UnknownNode => 6,
			Self::NotActive => 7,
			Self::ChangedAfterSignal => 8,
			Self::BadProof => 9,
			Self::NotElected => 10,
			Self::EarlyStandby => 11,
			Self::NotNeeded => 12,
			Self::AlreadyClaimed => 13,
			Self::Outbid => 14,
			Self::NotRecorded => 15,
			Self::AlreadySettled => 16,
			Self::NoMember => 17,
			Self::AlreadyReady => 18,
			Self::WrongSharing => 19,
			Self::BadSignature => 20,
			Self::SharingRefused => 21,
			Self::__Ignore(..) => 0,
		}
	}

	/// How the pool reports this refusal. What is only early is unknown, which doesn't ban it.
	fn validity(&self) -> TransactionValidityError {
		match self {
			Self::NotOpen | Self::EarlyStandby | Self::NotRecorded | Self::SharingRefused => {
				UnknownTransaction::Custom(self.code()).into()
			}
			_ => InvalidTransaction::Custom(self.code()).into(),
		}
	}
}

impl<T: Config> Pallet<T> {
	/// The number of this block.
	fn now() -> BlockNumber {
		frame_system::Pallet::<T>::block_number().saturated_into()
	}

	/// The hash of the root chain's genesis block.
	fn genesis() -> Hash {
		frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero())
	}

	/// The newest election for a chain's next committee.
	pub fn election(chain: ChainId) -> Option<Election> {
		Elections::<T>::get(chain)
	}

	/// The elections that nodes take part in: all that are not ready, by chain.
	pub fn elections() -> Vec<(ChainId, Election)> {
		let mut elections: Vec<_> = Elections::<T>::iter()
			.filter(|(_, election)| election.phase != Phase::Ready)
			.collect();
		elections.sort_unstable_by_key(|(chain, _)| *chain);
		elections
	}

	/// Whether a chain's committee of this epoch is on record and a quorum of it is ready.
	pub fn is_ready(chain: ChainId, epoch: Epoch) -> bool {
		Elections::<T>::get(chain)
			.is_some_and(|election| election.epoch == epoch && election.phase == Phase::Ready)
	}

	/// The block that asked for the election that waits longest for a seed. The first seed of this round or a later one
	/// opens it.
	pub fn awaited_since() -> Option<BlockNumber> {
		Awaiting::<T>::get().first().map(|(signalled, _)| *signalled)
	}

	/// The members of a chain's next committee that said that they are ready, and with which sharing.
	pub fn ready_members(chain: ChainId) -> Vec<(MemberId, Option<SharingId>)> {
		let members = NewMembers::<T>::get(chain).into_iter();
		members
			.filter_map(|member| member.word.map(|word| (member.id, word.sharing)))
			.collect()
	}

	/// Which of these members of a chain's committee in an epoch are not to serve: their nodes are excluded now. In the given
	/// order. Whoever is nobody's node can't be excluded.
	pub fn excluded(
		chain: ChainId,
		epoch: Epoch,
		members: impl IntoIterator<Item = MemberId>,
	) -> Vec<MemberId> {
		let roster = Rosters::<T>::get(chain, epoch).unwrap_or_default();
		let is_excluded = |member: &MemberId| {
			roster
				.operator(member)
				.or_else(|| T::Stakers::operator_of(member))
				.and_then(|operator| T::Stakers::node(&operator))
				.is_some_and(|node| node.is_excluded())
		};
		members.into_iter().filter(is_excluded).collect()
	}

	/// The operator who answers for a member of a chain's committee in an epoch. For the members of a chain's first committee,
	/// and before its first signal, it is whoever has registered the identity.
	pub fn operator(chain: ChainId, epoch: Epoch, member: &MemberId) -> Option<AccountId> {
		let roster = Rosters::<T>::get(chain, epoch).unwrap_or_default();
		roster
			.operator(member)
			.or_else(|| T::Stakers::operator_of(member))
	}
}
