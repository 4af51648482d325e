//! Checkpoints: the root chain takes note of every final block of every transaction chain, and of what each chain holds.
//!
//! # Overview
//!
//! A checkpoint is a contiguous run of a chain's headers, the last one certified by the chain's committee (Thinkey §4.3,
//! Constellation's checkpoint blocks). Anybody may submit one, free of charge: [`Pallet::submit`] is authorized by the
//! certificate in it and not by a signature. The pallet keeps
//!
//! - [`Heads`], the newest checkpointed block of each chain;
//! - [`Anchors`], what transaction chains need to verify messages of recent blocks, and of all blocks with
//!   undelivered messages;
//! - [`Channels`], how far messages between each two chains were sent and delivered;
//! - [`Holdings`] and [`InFlight`], so that a chain can't spend what it doesn't hold.
//!
//! A header may also say that its chain needs its next committee, or that it is the last of its epoch
//! ([`asterism_primitives::epoch`]); the registry hears of it. All headers of a checkpoint are of one epoch, the chain's
//! current one on record, so the one that ends it is the checkpoint's last.
//!
//! Transaction chains read `Anchors` and `Channels` by proof: their keys are fixed in
//! [`asterism_primitives::root_state`].
//!
//! # Flow
//!
//! ```text
//!  any node ── submit ──► pool: authorize ─────────────────────────────► block: authorize, then dispatch
//!                         1. cheap: chain, size, order, digests          again all of it
//!                         2. the certificate: one pairing check          ledger, channels, anchors, head: kept
//!                         3. ledger, channels: tried and rolled back
//! ```
//!
//! The pool never holds two checkpoints of a chain from the same height: each provides the tag (chain, first height),
//! and the one that reaches higher replaces the other.
//!
//! # Errors
//!
//! Each refusal is an [`Error`] of its own, and nothing is changed by it. The pool reports it as
//! `InvalidTransaction::Custom(code)`, except for what later blocks can mend: `UnknownTransaction::Custom(code)` for
//! `Gap`, `NextNotReady` and `NotBegun`.
//!
//! | code | error | code | error | code | error |
//! |---|---|---|---|---|---|
//! | 1 | `UnknownChain` | 14 | `WrongParent` | 27 | `BadBatchSize` |
//! | 2 | `NoCommittee` | 15 | `HeightOverflow` | 28 | `BatchRepeated` |
//! | 3 | `NoHeaders` | 16 | `NoRound` | 29 | `BatchGap` |
//! | 4 | `HeaderTooLarge` | 17 | `MalformedTraffic` | 30 | `NonceOverflow` |
//! | 5 | `WrongKind` | 18 | `UnsortedTraffic` | 31 | `AcknowledgedUnsent` |
//! | 6 | `WrongBlock` | 19 | `OutboxMismatch` | 32 | `AcknowledgementReversed` |
//! | 7 | `WrongEpoch` | 20 | `UnknownPeer` | 33 | `InconsistentTraffic` |
//! | 8 | `BadSigners` | 21 | `SelfTraffic` | 34 | `MalformedNote` |
//! | 9 | `NoQuorum` | 22 | `FlowWithoutBatch` | 35 | `NoteOfOtherEpoch` |
//! | 10 | `BadSignature` | 23 | `OutflowExceedsHoldings` | 36 | `AfterTheEnd` |
//! | 11 | `RoundOfOtherEpoch` | 24 | `InflowExceedsFlight` | 37 | `NextNotReady` |
//! | 12 | `Stale` | 25 | `AmountOverflow` | 38 | `NotBegun` |
//! | 13 | `Gap` | 26 | `ChannelFull` | | |
//!
//! # Assumptions
//!
//! - The runtime's transaction extensions contain [`frame_system::AuthorizeCall`], which runs the authorization
//!   both in the pool and before dispatch. A dispatch therefore does not check the certificate's signature a second time.
//! - At most a third of a committee is faulty. If more are, its chain may claim anything about itself, and still moves
//!   nothing beyond its own holdings: see [`asterism_protocol::ledger`]. Nor can it prove a message that carries more
//!   than the outflow that is booked for it, as each outbox root commits to the value under it.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod impl_apply;
mod impl_check;
mod impl_judge;
mod impl_register;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod impl_try_state;
#[cfg(test)]
mod tests;
pub mod weights;

pub use pallet::*;
pub use weights::WeightInfo;

use alloc::vec::Vec;
use asterism_primitives::{
	api::InFlight as InFlightAmount,
	certificate::Certificate,
	committee::MAX_MEMBERS,
	root_state::{Anchor, ChannelRecord},
	Balance, BlockNumber, ChainId, CurrencyId, Hash, Header,
};
use asterism_protocol::sequence::BlockRef;
use pallet_chains::{ChainRegistry, CommitteeProvider, Succession};
use polkadot_sdk::{
	frame_support::{self, dispatch::DispatchClass, pallet_prelude::*},
	frame_system::{self, pallet_prelude::*},
	sp_runtime::transaction_validity::{
		InvalidTransaction, TransactionValidityError, TransactionValidityWithRefund, UnknownTransaction,
	},
};

/// The headers that one checkpoint may have: a submitter that was away for longer sends several, one after the other.
pub const MAX_HEADERS: u32 = 64;

/// The size that a header may have, in bytes of its encoding. The largest honest one, with as much traffic as a block may
/// have, takes about 8 KiB.
pub const MAX_HEADER_BYTES: usize = 16 * 1024;

/// For how many root blocks a checkpoint waits in the pool. Its chain's next one replaces it before.
const LONGEVITY: u64 = 32;

/// A run of headers of one chain.
pub type Headers = BoundedVec<Header, ConstU32<MAX_HEADERS>>;

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
		/// Which chains there are, and who their committees are. The provider's
		/// [`Keys`](CommitteeProvider::Keys) verify certificates: whoever can fool them owns every chain.
		type Chains: ChainRegistry + CommitteeProvider + Succession;
		/// The weights of the calls.
		type WeightInfo: WeightInfo;
		/// Prepares benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: BenchmarkHelper;
	}

	/// Puts into the runtime what a benchmark needs and this pallet can't make.
	#[cfg(feature = "runtime-benchmarks")]
	pub trait BenchmarkHelper {
		/// Registers a transaction chain with this id and genesis, with a committee of so many members.
		fn register(chain: ChainId, genesis: &Header, members: u32);
		/// The aggregated signature of these members of its committee.
		fn sign(signers: &[u32], message: &[u8]) -> asterism_primitives::committee::BlsSignature;
	}

	/// The newest checkpointed block of each transaction chain; its genesis at first.
	#[pallet::storage]
	pub type Heads<T> = StorageMap<_, Twox64Concat, ChainId, BlockRef<Hash>>;

	/// What is remembered of checkpointed blocks, see [`asterism_protocol::anchors`].
	#[pallet::storage]
	pub type Anchors<T> = StorageDoubleMap<_, Twox64Concat, ChainId, Twox64Concat, BlockNumber, Anchor>;

	/// How far the messages from one chain to another got, see [`asterism_protocol::channel`].
	#[pallet::storage]
	pub type Channels<T> =
		StorageDoubleMap<_, Twox64Concat, ChainId, Twox64Concat, ChainId, ChannelRecord, ValueQuery>;

	/// For each destination, the sources whose batches wait for it.
	#[pallet::storage]
	pub type Waiting<T> = StorageDoubleMap<_, Twox64Concat, ChainId, Twox64Concat, ChainId, ()>;

	/// What each chain holds of each currency. Absent means nothing.
	#[pallet::storage]
	pub type Holdings<T> =
		StorageDoubleMap<_, Twox64Concat, ChainId, Twox64Concat, CurrencyId, Balance, ValueQuery>;

	/// What is on its way from one chain to another, of each currency. Absent means nothing.
	#[pallet::storage]
	pub type InFlight<T> = StorageNMap<
		_,
		(
			NMapKey<Twox64Concat, ChainId>,
			NMapKey<Twox64Concat, ChainId>,
			NMapKey<Twox64Concat, CurrencyId>,
		),
		Balance,
		ValueQuery,
	>;

	/// What all transaction chains held of each currency when they were registered. It never changes after.
	#[pallet::storage]
	pub type Issuance<T> = StorageMap<_, Twox64Concat, CurrencyId, Balance, ValueQuery>;

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A chain's blocks up to this one are final, and on record.
		Checkpointed {
			/// The chain.
			chain: ChainId,
			/// The height of its newest block.
			number: BlockNumber,
			/// That block's hash.
			hash: Hash,
			/// Who signed it: see [`Certificate::signers`].
			signers: BoundedVec<u8, ConstU32<{ MAX_MEMBERS / 8 }>>,
		},
	}

	/// Why a checkpoint is refused.
	#[pallet::error]
	pub enum Error<T> {
		/// No transaction chain has this id.
		UnknownChain,
		/// The chain has no committee in its current epoch.
		NoCommittee,
		/// There is no header.
		NoHeaders,
		/// A header is larger than any honest one.
		HeaderTooLarge,
		/// The certificate is not one of finalization.
		WrongKind,
		/// The certificate is over another block than the last header's.
		WrongBlock,
		/// The certificate is of an epoch that is over.
		WrongEpoch,
		/// The bitmap of signers doesn't fit the committee.
		BadSigners,
		/// Fewer members than a quorum signed.
		NoQuorum,
		/// The signature is not that of the named members over this block.
		BadSignature,
		/// A header says that it was proposed in another epoch than the certificate's.
		RoundOfOtherEpoch,
		/// The blocks, or the first of them, are on record already.
		Stale,
		/// Blocks before these are not on record yet: submit them first.
		Gap,
		/// A header's parent is not the block before it.
		WrongParent,
		/// A height doesn't fit into 32 bits.
		HeightOverflow,
		/// A header doesn't say in which round it was proposed.
		NoRound,
		/// A header's statement of its traffic doesn't decode, is oversized, or is there twice.
		MalformedTraffic,
		/// A list of a header's traffic is out of order, or names something twice.
		UnsortedTraffic,
		/// A header has an outbox root without batches, or batches without an outbox root.
		OutboxMismatch,
		/// The other end of some traffic is no transaction chain.
		UnknownPeer,
		/// A chain has traffic with itself.
		SelfTraffic,
		/// Value moved between two chains without a message.
		FlowWithoutBatch,
		/// The chain sends more than it holds.
		OutflowExceedsHoldings,
		/// The chain takes in more than was on its way to it.
		InflowExceedsFlight,
		/// An amount doesn't fit into 128 bits.
		AmountOverflow,
		/// The channel holds as many unacknowledged batches as it can.
		ChannelFull,
		/// A batch holds no message, or more than a batch may.
		BadBatchSize,
		/// A batch repeats messages that were sent before.
		BatchRepeated,
		/// A batch leaves messages out.
		BatchGap,
		/// A nonce doesn't fit into 64 bits.
		NonceOverflow,
		/// The chain took in messages that were not sent.
		AcknowledgedUnsent,
		/// The chain takes back an acknowledgement.
		AcknowledgementReversed,
		/// A header's outbox root doesn't commit to its batches with the value that left, or it states a flow of nothing:
		/// see [`Traffic::is_consistent`](asterism_primitives::digest::Traffic::is_consistent).
		InconsistentTraffic,
		/// A header's statement on epochs doesn't decode, or is there twice.
		MalformedNote,
		/// A header signals, or ends the epoch before, another epoch than the one after the chain's current one.
		NoteOfOtherEpoch,
		/// A header follows the one that ends the epoch. It belongs to the next committee, in a checkpoint of its own.
		AfterTheEnd,
		/// A header ends the epoch, and no quorum of the next committee's members has said that it is ready.
		NextNotReady,
		/// The certificate is of a later epoch than the chain's current one: submit the end of that one first.
		NotBegun,
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Puts a contiguous run of a chain's blocks on record, the last one certified.
		///
		/// # Errors
		/// The first [`Error`] found; nothing is changed then.
		#[pallet::call_index(0)]
		#[pallet::weight((
			T::WeightInfo::submit(headers.len() as u32, Pallet::<T>::traffic_entries(headers))
				.saturating_add(Pallet::<T>::weight_of_notes(headers)),
			DispatchClass::Operational,
		))]
		#[pallet::authorize(Pallet::<T>::authorize_submit)]
		#[pallet::weight_of_authorize(T::WeightInfo::authorize_submit(
			headers.len() as u32,
			Pallet::<T>::traffic_entries(headers),
			// A bitmap of another length than the committee needs is refused before any arithmetic.
			(certificate.signers.len() as u32).saturating_mul(8),
		).saturating_add(Pallet::<T>::weight_of_notes(headers)))]
		pub fn submit(
			origin: OriginFor<T>,
			chain: ChainId,
			headers: Headers,
			certificate: Certificate,
		) -> DispatchResult {
			frame_system::ensure_authorized(origin)?;
			let run = Self::check(chain, &headers, &certificate)?;
			let BlockRef { number, hash } = run.tip;
			Self::apply(chain, run)?;
			Self::deposit_event(Event::Checkpointed {
				chain,
				number,
				hash,
				signers: certificate.signers,
			});
			Ok(())
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
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
			Self::NoHeaders => 3,
			Self::HeaderTooLarge => 4,
			Self::WrongKind => 5,
			Self::WrongBlock => 6,
			Self::WrongEpoch => 7,
			Self::BadSigners => 8,
			Self::NoQuorum => 9,
			Self::BadSignature => 10,
			Self::RoundOfOtherEpoch => 11,
			Self::Stale => 12,
			Self::Gap => 13,
			Self::WrongParent => 14,
			Self::HeightOverflow => 15,
			Self::NoRound => 16,
			Self::MalformedTraffic => 17,
			Self::UnsortedTraffic => 18,
			Self::OutboxMismatch => 19,
			Self::UnknownPeer => 20,
			Self::SelfTraffic => 21,
			Self::FlowWithoutBatch => 22,
			Self::OutflowExceedsHoldings => 23,
			Self::InflowExceedsFlight => 24,
			Self::AmountOverflow => 25,
			Self::ChannelFull => 26,
			Self::BadBatchSize => 27,
			Self::BatchRepeated => 28,
			Self::BatchGap => 29,
			Self::NonceOverflow => 30,
			Self::AcknowledgedUnsent => 31,
			Self::AcknowledgementReversed => 32,
			Self::InconsistentTraffic => 33,
			Self::MalformedNote => 34,
			Self::NoteOfOtherEpoch => 35,
			Self::AfterTheEnd => 36,
			Self::NextNotReady => 37,
			Self::NotBegun => 38,
			Self::__Ignore(..) => 0,
		}
	}

	/// How the pool reports this refusal. A checkpoint from above the head on record is not wrong, it is early: the
	/// pool may just not have seen the newest block. The same goes for one of an epoch that has not begun, and for one that
	/// ends an epoch before it is known that the next committee is ready. So they are unknown, which doesn't ban them.
	fn validity(&self) -> TransactionValidityError {
		match self {
			Self::Gap | Self::NextNotReady | Self::NotBegun => UnknownTransaction::Custom(self.code()).into(),
			_ => InvalidTransaction::Custom(self.code()).into(),
		}
	}
}

impl<T: Config> Pallet<T> {
	/// Authorizes a submission: everything that the dispatch requires, and the certificate's signature.
	fn authorize_submit(
		_: TransactionSource,
		chain: &ChainId,
		headers: &Headers,
		certificate: &Certificate,
	) -> TransactionValidityWithRefund {
		let tip = Self::verify(*chain, headers, certificate).map_err(|error| error.validity())?;
		let first = headers.first().map_or(0, |header| header.number);
		let validity = ValidTransaction {
			priority: tip.number.into(),
			requires: Vec::new(),
			provides: alloc::vec![(*b"checkpoint", chain, first).encode()],
			longevity: LONGEVITY,
			propagate: true,
		};
		Ok((validity, Weight::zero()))
	}

	/// The newest checkpointed block of a transaction chain.
	pub fn head(chain: ChainId) -> Option<BlockRef<Hash>> {
		Heads::<T>::get(chain)
	}

	/// The sources that have batches for `destination` waiting, in ascending order.
	pub fn waiting_sources(destination: ChainId) -> Vec<ChainId> {
		let mut sources: Vec<_> = Waiting::<T>::iter_key_prefix(destination).collect();
		sources.sort_unstable();
		sources
	}

	/// What each chain holds, in ascending order.
	pub fn holdings() -> Vec<(ChainId, CurrencyId, Balance)> {
		let mut all: Vec<_> = Holdings::<T>::iter().collect();
		all.sort_unstable();
		all
	}

	/// What is on its way, in ascending order of source, destination and currency.
	pub fn in_flight() -> Vec<InFlightAmount> {
		let mut all: Vec<_> = InFlight::<T>::iter()
			.map(|((from, to, currency), amount)| InFlightAmount {
				from,
				to,
				currency,
				amount,
			})
			.collect();
		all.sort_unstable_by_key(|f| (f.from, f.to, f.currency));
		all
	}
}
