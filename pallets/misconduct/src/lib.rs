//! Punishes members of committees whose own signatures prove that they broke the rules.
//!
//! # Overview
//!
//! Anybody reports [evidence](asterism_primitives::offence), free of charge and without an account: [`Pallet::report`] is
//! authorized by what it proves. Each culprit loses a part of its stake, of which the reporter it names gets a share, and is
//! excluded from committees until it registers again. A member is punished once for its service in one committee: it is
//! excluded by then, and else a convict, whose signatures cost nothing any more, could fill blocks with
//! evidence against itself.
//!
//! # Flow
//!
//! ```text
//!  any node ── report ──► pool: authorize ──────────────────────────► block: authorize, then dispatch
//!                         1. cheap: votes contradict, headers linked   again all of it
//!                         2. committee on record, signers, operators   Punish: slash, reward, exclude
//!                         3. signatures                                Convicted
//!                         4. FlowJudge, for a checkpoint's traffic
//! ```
//!
//! The pool never holds two reports of the same culprit: each provides the tag (chain, epoch, member) for every one.
//!
//! # Who is guilty
//!
//! Nobody honest is ever punished, however many others are corrupt; in return, not all that goes wrong can be punished.
//!
//! - **Votes.** Which two votes convict their member, why those of different views never do, and how the guilty of two
//!   certificates for blocks of one height are found in the earlier of their views: see
//!   [`asterism_primitives::offence`]. An aggregate convicts each member that it names, since each of them contributed:
//!   every key on record has a proof of possession, without which a made-up key could cancel an honest one out.
//! - **Traffic.** A member signs the finalization of a block only after it has executed the block and all before it.
//!   An honest runtime states no traffic that is malformed, that its outbox root doesn't commit to, or that moves what the
//!   chain doesn't hold. So all that signed the certificate are guilty. Only headers of the certificate's own
//!   epoch count: a committee doesn't answer for what the one before it certified.
//!
//! # Errors
//!
//! Each refusal is an [`Error`] of its own, and nothing is changed by it. The pool reports it as
//! `InvalidTransaction::Custom(code)`, except for `NotBegun`, which the chain's next checkpoint may mend:
//! `UnknownTransaction::Custom(22)`.
//!
//! | code | error | code | error | code | error |
//! |---|---|---|---|---|---|
//! | 1 | `UnknownChain` | 8 | `BadSigners` | 15 | `WrongKind` |
//! | 2 | `NoCommittee` | 9 | `NoCulprit` | 16 | `WrongBlock` |
//! | 3 | `TooOld` | 10 | `AlreadyPunished` | 17 | `WrongParent` |
//! | 4 | `OtherEpoch` | 11 | `NoOperator` | 18 | `RoundOfOtherEpoch` |
//! | 5 | `OtherView` | 12 | `BadSignature` | 19 | `NoQuorum` |
//! | 6 | `SameVote` | 13 | `NoHeaders` | 20 | `Consistent` |
//! | 7 | `Compatible` | 14 | `HeaderTooLarge` | 21 | `NotNext` |
//! | 22 | `NotBegun` | | | | |
//!
//! # Assumptions
//!
//! - The runtime's transaction extensions contain [`frame_system::AuthorizeCall`], which runs the authorization
//!   both in the pool and before dispatch. A dispatch therefore does not check signatures a second time.
//! - Stake can't be withdrawn before evidence of its member's service is too old: unbonding takes longer than
//!   [`Config::Lifetime`] after the end of the epoch.
//! - A member that takes over its chain's state from others, instead of executing all blocks, compares what the chain has
//!   issued with what the root chain says that it holds, before it says that it is ready. Else it could be made to pay for
//!   currency that an earlier, corrupt committee made up.
//! - A report is public before it is in a block. Who proposes the block may put its own account in the reporter's place;
//!   the culprit is punished all the same.
#![cfg_attr(not(feature = "std"), no_std)]
// The one call carries evidence, which is large.
#![allow(clippy::large_enum_variant)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod impl_check;
#[cfg(test)]
mod tests;
mod traits;
pub mod weights;

pub use pallet::*;
pub use traits::{Acquittal, FlowJudge, Operators, Punish};
pub use weights::WeightInfo;

use alloc::vec::Vec;
use asterism_primitives::{
	committee::{Epoch, MemberId, MAX_MEMBERS},
	offence::{Evidence, Offence, Proof},
	Balance, BlockNumber, ChainId, Hash, Header,
};
use pallet_chains::{ChainRegistry, CommitteeHistory, CommitteeProvider};
use polkadot_sdk::{
	frame_support::{self, dispatch::DispatchClass, pallet_prelude::*},
	frame_system::{self, pallet_prelude::*},
	sp_runtime::{
		transaction_validity::{
			InvalidTransaction, TransactionValidityError, TransactionValidityWithRefund, UnknownTransaction,
		},
		Perbill,
	},
};

/// The size that a header may have, in bytes of its encoding; as of a checkpoint's.
pub const MAX_HEADER_BYTES: usize = 16 * 1024;

/// For how many root blocks a report waits in the pool.
const LONGEVITY: u64 = 256;

/// Marks members of a committee: bit `i % 8` (lowest first) of byte `i / 8` stands for member `i`.
pub type Members = BoundedVec<u8, ConstU32<{ MAX_MEMBERS / 8 }>>;

#[frame_support::pallet]
pub mod pallet {
	use super::*;

	/// The pallet.
	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// What the runtime decides.
	#[pallet::config]
	pub trait Config:
		polkadot_sdk::frame_system::Config<Hash = Hash, RuntimeEvent: From<Event<Self>>>
	{
		/// Which chains there are, who their committees are and were, and when their epochs ended. The provider's
		/// [`Keys`](CommitteeProvider::Keys) verify votes: whoever can fool them takes anybody's stake.
		type Chains: ChainRegistry + CommitteeProvider + CommitteeHistory;
		/// Whose stake answers for a member.
		type Operators: Operators<Self::AccountId>;
		/// Punishes operators.
		type Punish: Punish<Self::AccountId>;
		/// Judges the traffic of certified headers.
		type Judge: FlowJudge;
		/// The part of a culprit's stake that it loses.
		#[pallet::constant]
		type SlashFraction: Get<Perbill>;
		/// For how many root blocks after the end of an epoch evidence against its committee counts.
		#[pallet::constant]
		type Lifetime: Get<BlockNumber>;
		/// The weights of the calls.
		type WeightInfo: WeightInfo;
		/// Prepares benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: BenchmarkHelper;
	}

	/// Puts into the runtime what a benchmark needs and this pallet can't make.
	#[cfg(feature = "runtime-benchmarks")]
	pub trait BenchmarkHelper {
		/// Registers a transaction chain with a committee of so many members in epoch 0, each with an operator that has a
		/// stake. The hash of its genesis block.
		fn register(chain: ChainId, members: u32) -> Hash;
		/// The aggregated signature of these members of its committee.
		fn sign(signers: &[u32], message: &[u8]) -> asterism_primitives::committee::BlsSignature;
	}

	/// The members that were punished for their service in a chain's committee, as long as that committee is on record.
	#[pallet::storage]
	pub type Convicted<T> = StorageDoubleMap<_, Twox64Concat, ChainId, Twox64Concat, Epoch, Members>;

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A member of a committee broke the rules and was punished.
		Punished {
			/// The chain.
			chain: ChainId,
			/// The epoch.
			epoch: Epoch,
			/// The member.
			member: MemberId,
			/// How it broke the rules.
			offence: Offence,
			/// Whose stake answered for it.
			operator: T::AccountId,
			/// How much of that was taken.
			slashed: Balance,
			/// Who reported it.
			reporter: Option<T::AccountId>,
		},
	}

	/// Why evidence is refused.
	#[pallet::error]
	pub enum Error<T> {
		/// No chain has this id; or it is the root chain, which has no traffic.
		UnknownChain,
		/// The chain has no committee on record for that epoch.
		NoCommittee,
		/// The epoch has been over for too long.
		TooOld,
		/// The votes are of different epochs.
		OtherEpoch,
		/// The votes are of different views. That proves nothing, be they for one block, as an epoch's last, or for two.
		OtherView,
		/// It is the same vote twice.
		SameVote,
		/// An honest member may give both votes.
		Compatible,
		/// A bitmap of signers is empty, doesn't fit the committee, or names a member that the committee doesn't have.
		BadSigners,
		/// Nobody signed both votes.
		NoCulprit,
		/// All culprits have been punished for their service in this committee.
		AlreadyPunished,
		/// No stake answers for any of the culprits.
		NoOperator,
		/// A signature is not that of the named members over this vote on this chain.
		BadSignature,
		/// There is no header.
		NoHeaders,
		/// A header is larger than any honest one.
		HeaderTooLarge,
		/// The certificate is not one of finalization.
		WrongKind,
		/// The certificate is over another block than the last header's.
		WrongBlock,
		/// A header's parent is not the one before it.
		WrongParent,
		/// A header was proposed in another epoch than the certificate's, or doesn't say in which.
		RoundOfOtherEpoch,
		/// Fewer members than a quorum signed the certificate.
		NoQuorum,
		/// Nothing is wrong with the headers' traffic.
		Consistent,
		/// The headers' traffic is well-formed, and they are not the next ones of their chain on record.
		NotNext,
		/// The epoch has not begun, as far as the root chain knows.
		NotBegun,
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Punishes whom the evidence convicts, and rewards the reporter, if one is named.
		///
		/// # Errors
		/// The first [`Error`] found; nothing is changed then.
		#[pallet::call_index(0)]
		#[pallet::weight((Pallet::<T>::weight_of_report(evidence), DispatchClass::Operational))]
		#[pallet::authorize(Pallet::<T>::authorize_report)]
		#[pallet::weight_of_authorize(Pallet::<T>::weight_of_authorization(evidence))]
		pub fn report(
			origin: OriginFor<T>,
			evidence: Evidence,
			reporter: Option<T::AccountId>,
		) -> DispatchResult {
			frame_system::ensure_authorized(origin)?;
			let case = Self::check(&evidence, impl_check::Signatures::Verified)?;
			Self::punish(case, reporter);
			Ok(())
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(
				T::SlashFraction::get() > Perbill::zero(),
				"whoever breaks the rules loses something"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}
}

impl<T> Error<T> {
	/// The number under which the pool reports this refusal; see the table in the [crate page](crate).
	pub fn code(&self) -> u8 {
		match self {
			Self::UnknownChain => 1,
			Self::NoCommittee => 2,
			Self::TooOld => 3,
			Self::OtherEpoch => 4,
			Self::OtherView => 5,
			Self::SameVote => 6,
			Self::Compatible => 7,
			Self::BadSigners => 8,
			Self::NoCulprit => 9,
			Self::AlreadyPunished => 10,
			Self::NoOperator => 11,
			Self::BadSignature => 12,
			Self::NoHeaders => 13,
			Self::HeaderTooLarge => 14,
			Self::WrongKind => 15,
			Self::WrongBlock => 16,
			Self::WrongParent => 17,
			Self::RoundOfOtherEpoch => 18,
			Self::NoQuorum => 19,
			Self::Consistent => 20,
			Self::NotNext => 21,
			Self::NotBegun => 22,
			Self::__Ignore(..) => 0,
		}
	}

	/// How the pool reports this refusal. Evidence from a committee that the root chain has not seen in office is not wrong,
	/// it is early. So it is unknown, which doesn't ban it.
	fn validity(&self) -> TransactionValidityError {
		match self {
			Self::NotBegun => UnknownTransaction::Custom(self.code()).into(),
			_ => InvalidTransaction::Custom(self.code()).into(),
		}
	}
}

/// A member that is to be punished.
pub(crate) struct Culprit<AccountId> {
	/// Its index in the committee.
	pub index: u32,
	/// Who it is.
	pub member: MemberId,
	/// Whose stake answers for it.
	pub operator: AccountId,
}

/// What evidence proves.
pub(crate) struct Case<AccountId> {
	/// The chain.
	pub chain: ChainId,
	/// The epoch.
	pub epoch: Epoch,
	/// How the rules were broken.
	pub offence: Offence,
	/// Who is to be punished for it, in ascending order of indices; at least one.
	pub culprits: Vec<Culprit<AccountId>>,
}

impl<T: Config> Pallet<T> {
	/// Authorizes a report: everything that the dispatch requires, and the signatures.
	fn authorize_report(
		_: TransactionSource,
		evidence: &Evidence,
		_: &Option<T::AccountId>,
	) -> TransactionValidityWithRefund {
		let case = Self::check(evidence, impl_check::Signatures::Verify).map_err(|error| error.validity())?;
		let tag = |culprit: &Culprit<_>| (*b"misconduct", case.chain, case.epoch, culprit.index).encode();
		let validity = ValidTransaction {
			// A report that convicts more members replaces one that convicts fewer.
			priority: case.culprits.len() as u64,
			requires: Vec::new(),
			provides: case.culprits.iter().map(tag).collect(),
			longevity: LONGEVITY,
			propagate: true,
		};
		Ok((validity, Weight::zero()))
	}

	/// Checks evidence; storage is left as it was.
	///
	/// # Errors
	/// The first [`Error`] found.
	pub fn verify(evidence: &Evidence) -> Result<(), Error<T>> {
		Self::check(evidence, impl_check::Signatures::Verify).map(drop)
	}

	/// Whether a member was punished for its service in a chain's committee. Its index is that in the committee.
	pub fn is_convicted(chain: ChainId, epoch: Epoch, member: u32) -> bool {
		let convicted = Convicted::<T>::get(chain, epoch).unwrap_or_default();
		marked(&convicted, member)
	}

	/// Forgets who was punished for its service in a chain's committee: evidence against that doesn't count any more.
	pub fn forget(chain: ChainId, epoch: Epoch) {
		Convicted::<T>::remove(chain, epoch);
	}

	/// Punishes all culprits of a case.
	fn punish(case: Case<T::AccountId>, reporter: Option<T::AccountId>) {
		let Case {
			chain,
			epoch,
			offence,
			culprits,
		} = case;
		let mut convicted = Convicted::<T>::get(chain, epoch).unwrap_or_default();
		for Culprit {
			index,
			member,
			operator,
		} in culprits
		{
			mark(&mut convicted, index);
			let slashed = T::Punish::punish(&operator, T::SlashFraction::get(), reporter.as_ref());
			Self::deposit_event(Event::Punished {
				chain,
				epoch,
				member,
				offence,
				operator,
				slashed,
				reporter: reporter.clone(),
			});
		}
		Convicted::<T>::insert(chain, epoch, convicted);
	}

	/// How many members the evidence can concern.
	fn members(evidence: &Evidence) -> u32 {
		let bytes = match &evidence.proof {
			Proof::Votes { first, second } => first.signers.len().max(second.signers.len()),
			Proof::Checkpoint { certificate, .. } => certificate.signers.len(),
		};
		(bytes as u32).saturating_mul(8)
	}

	/// How many members the evidence can convict.
	fn culprits(evidence: &Evidence) -> u32 {
		let bits = |bitmap: &[u8]| bitmap.iter().map(|byte| byte.count_ones()).sum::<u32>();
		match &evidence.proof {
			Proof::Votes { first, second } => bits(&first.signers).min(bits(&second.signers)),
			Proof::Checkpoint { certificate, .. } => bits(&certificate.signers),
		}
	}

	/// What judging the evidence's traffic weighs.
	fn weight_of_judge(evidence: &Evidence) -> Weight {
		match &evidence.proof {
			Proof::Votes { .. } => Weight::zero(),
			Proof::Checkpoint { headers, .. } => T::Judge::weight(headers),
		}
	}

	fn weight_of_report(evidence: &Evidence) -> Weight {
		let culprits = Self::culprits(evidence);
		let each = T::Operators::weight().saturating_add(T::Punish::weight());
		T::WeightInfo::report(Self::members(evidence), culprits)
			.saturating_add(each.saturating_mul(culprits.into()))
			.saturating_add(Self::weight_of_judge(evidence))
	}

	fn weight_of_authorization(evidence: &Evidence) -> Weight {
		let culprits = Self::culprits(evidence);
		T::WeightInfo::authorize_report(Self::members(evidence), culprits)
			.saturating_add(T::Operators::weight().saturating_mul(culprits.into()))
			.saturating_add(Self::weight_of_judge(evidence))
	}

	/// Only members of committees on record are convicted.
	///
	/// # Errors
	/// What doesn't hold.
	#[cfg(any(feature = "std", feature = "try-runtime"))]
	pub fn do_try_state() -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
		for (chain, epoch, convicted) in Convicted::<T>::iter() {
			let committee = T::Chains::committee(chain, epoch).ok_or("a convict of no committee")?;
			let bits = 0..convicted.len() as u32 * 8;
			let convicts: Vec<u32> = bits.filter(|i| marked(&convicted, *i)).collect();
			ensure!(!convicts.is_empty(), "a committee without convicts is listed");
			ensure!(
				convicts.iter().all(|i| *i < committee.size()),
				"a convict is no member"
			);
		}
		Ok(())
	}
}

/// Whether member `i` is marked.
pub(crate) fn marked(members: &Members, i: u32) -> bool {
	members
		.get((i / 8) as usize)
		.is_some_and(|byte| byte & (1 << (i % 8)) != 0)
}

/// Marks member `i` of a committee, which has no more members than fit.
fn mark(members: &mut Members, i: u32) {
	let at = (i / 8) as usize;
	while members.len() <= at && members.try_push(0).is_ok() {}
	if let Some(byte) = members.get_mut(at) {
		*byte |= 1 << (i % 8);
	}
}
