//! The random beacon: a seed for each round, verified with one group key for ever, and the public board on which that key is
//! passed on from one root committee to the next (Thinkey §4.1, DESIGN §5).
//!
//! # Overview
//!
//! - An inherent, [`Call::set`], brings in the [`Seed`] of a round that is over. It is optional: a leader that withholds it
//!   delays it by a block. A wrong one makes the block invalid.
//! - Others read seeds as [`Randomness`], by [`Pallet::seed`], or hear of each by [`OnSeed`].
//! - The *board*: each holder of a share deals it to the next committee, and puts its signed log here by [`Call::post_log`].
//!   Whoever has the logs of an attempt computes the same new sharing.
//! - [`Reshare`] is what elections ask for: begin, and adopt what the next committee is ready with.
//!
//! # Flow
//!
//! ```text
//!  inherent data ──Seed──► set ──► LastSeed, Seeds ──► OnSeed (elections open), Randomness, BeaconApi
//!
//!  elections: Reshare::start ─► Resharing ◄─ post_log (dealers, until the deadline)
//!                                  │  too few logs, or not adopted in time: the next attempt
//!  elections: quorum is ready ─► Reshare::adopt ─► Sharings ◄─ publish_output (anybody who computed it)
//! ```
//!
//! An attempt takes logs in the blocks `opened ..= deadline`, and is adopted in `deadline + 1 ..= expires`. While attempts fail
//! the old sharing stays in force, and the old committee with it: its epoch doesn't end before the next one is ready.
//!
//! # Codes of the pool
//!
//! A log or output that is refused is [`InvalidTransaction::Custom`] with the number that [`Error::code`] gives.
//!
//! | code | error | code | error | code | error |
//! |---|---|---|---|---|---|
//! | 1 | `NoAttempt` | 5 | `LogTooLarge` | 9 | `AlreadyPublished` |
//! | 2 | `WrongAttempt` | 6 | `BadLogSignature` | 10 | `WrongOutput` |
//! | 3 | `NoDealer` | 7 | `TooLate` | | |
//! | 4 | `AlreadyDealt` | 8 | `UnknownSharing` | | |
//!
//! # Assumptions
//!
//! - The runtime can't tell whether the members signed a round only when its block was final. If less than a third of them is
//!   faulty, they did: no quorum without an honest member.
//! - The chain doesn't look into logs and outputs, which are commonware's: it makes sure of who sent them, and that all read the same
//!   ones in the same order. A log that proves nothing takes up its dealer's place and is passed over by all who compute.
//! - An adopted output has the same group key. Each honest member checks that before it says it is ready, and a quorum
//!   said so.
//! - The runtime's transaction extensions contain [`frame_system::AuthorizeCall`].
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(test)]
mod tests;
pub mod weights;

pub use pallet::*;
pub use weights::WeightInfo;

use alloc::vec::Vec;
use asterism_primitives::{
	beacon::{
		log_statement, max_log_bytes, output_hash, Attempt, GenesisBeacon, LogBytes, MemberIds, OutputBytes,
		Resharing, Seed, Sharing, SharingId, VerifySeed, BEACON, MAX_OUTPUT_BYTES,
	},
	committee::{BlsPublic, Epoch, MemberId, MAX_MEMBERS},
	BlockNumber, Hash,
};
use codec::Encode;
use polkadot_sdk::{
	frame_support::{self, pallet_prelude::*, traits::Randomness},
	frame_system::{self, pallet_prelude::*},
	sp_core::sr25519,
	sp_inherents::{InherentData, InherentIdentifier, IsFatalError},
	sp_io,
	sp_runtime::{
		traits::{Hash as _, UniqueSaturatedInto, Zero},
		transaction_validity::{InvalidTransaction, TransactionValidityError, TransactionValidityWithRefund},
	},
};

/// How many of the newest seeds are kept.
pub const MAX_SEEDS: u32 = 256;

/// For how many root blocks a log or an output waits in the pool.
const LONGEVITY: u64 = 16;

/// Hears of each seed.
pub trait OnSeed {
	/// A seed is on record, newer than all before. Its round is over, and nobody knew it before that block was final.
	/// Accounts for its own weight.
	fn on_seed(round: BlockNumber, randomness: Hash);
}

impl OnSeed for () {
	fn on_seed(_: BlockNumber, _: Hash) {}
}

/// What elections of root committees ask of the beacon.
pub trait Reshare {
	/// Begins to pass the group key on to the root committee of `epoch`, with these members in any order. If an attempt is under
	/// way, it is over: another committee has been elected, since that one didn't get ready.
	///
	/// # Errors
	/// [`Error::NoBeacon`] on a network without beacon: the committee needs no shares then. [`Error::UnknownSharing`] if the
	/// epoch is not the one after that of the newest sharing, [`Error::BadPlayers`]. Nothing is changed then.
	fn start(epoch: Epoch, players: Vec<MemberId>) -> DispatchResult;

	/// Adopts the sharing that a quorum of the members of `epoch` is ready with. Whoever asks has counted them, each by its
	/// newest word.
	///
	/// # Errors
	/// [`Error::NoAttempt`], [`Error::WrongAttempt`] if the sharing is of another attempt than the one under way,
	/// [`Error::TooEarly`] while logs may still come.
	fn adopt(epoch: Epoch, sharing: SharingId) -> DispatchResult;

	/// Whether the sharing for `epoch` is on record; `true` on a network without beacon.
	fn is_adopted(epoch: Epoch) -> bool;

	/// The attempt for `epoch` that is under way, if there is one.
	fn attempt(epoch: Epoch) -> Option<Attempt>;

	/// What [`Self::start`] would weigh now.
	fn weight_of_starting() -> Weight;

	/// What [`Self::adopt`] weighs.
	fn weight_of_adopting() -> Weight;
}

/// What a runtime puts into benchmarks that this pallet can't make.
#[cfg(feature = "runtime-benchmarks")]
pub trait BenchmarkHelper {
	/// A group key.
	fn key() -> BlsPublic;
	/// Its signature.
	fn sign(message: &[u8]) -> asterism_primitives::committee::BlsSignature;
}

/// Why a proposer's seed can't be used: no check of a block returns it, since the call itself refuses what is wrong.
#[derive(Encode, Debug)]
pub enum InherentError {}

impl IsFatalError for InherentError {
	fn is_fatal_error(&self) -> bool {
		match *self {}
	}
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
		polkadot_sdk::frame_system::Config<Hash = Hash, RuntimeEvent: From<Event<Self>>>
	{
		/// Verifies seeds. Whoever can fool it chooses every committee.
		type Verify: VerifySeed;
		/// Hears of each seed.
		type OnSeed: OnSeed;
		/// For how many blocks an attempt takes logs, 3 or more: enough for dealings, acknowledgements and the logs' way into
		/// blocks. It may depend on the state; an attempt under way keeps its deadline.
		type DealingPeriod: Get<BlockNumber>;
		/// For how many blocks after that an attempt may be adopted, 1 or more. It may depend on the state, too.
		type ReadyPeriod: Get<BlockNumber>;
		/// The weights of the calls.
		type WeightInfo: WeightInfo;
		/// Prepares benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: BenchmarkHelper;
	}

	/// The key that all seeds are signed with. It never changes; none on a network without beacon.
	#[pallet::storage]
	pub type GroupKey<T> = StorageValue<_, BlsPublic>;

	/// The newest seed.
	#[pallet::storage]
	pub type LastSeed<T> = StorageValue<_, Seed>;

	/// The block that brought it in.
	#[pallet::storage]
	pub type LastSetIn<T> = StorageValue<_, BlockNumber, ValueQuery>;

	/// The newest seeds, by round.
	#[pallet::storage]
	pub type Seeds<T> = StorageMap<_, Twox64Concat, BlockNumber, Seed>;

	/// The rounds of [`Seeds`], ascending.
	#[pallet::storage]
	pub type Rounds<T> = StorageValue<_, BoundedVec<BlockNumber, ConstU32<MAX_SEEDS>>, ValueQuery>;

	/// The sharings of the group key, by the root chain's epoch: the newest two.
	#[pallet::storage]
	pub type Sharings<T> = StorageMap<_, Twox64Concat, Epoch, Sharing>;

	/// Their public outputs, as far as they are published.
	#[pallet::storage]
	pub type Outputs<T> = StorageMap<_, Twox64Concat, Epoch, OutputBytes>;

	/// The epoch of the newest sharing.
	#[pallet::storage]
	pub type NewestSharing<T> = StorageValue<_, Epoch>;

	/// The attempt that is under way.
	#[pallet::storage]
	#[pallet::getter(fn resharing)]
	pub type UnderWay<T> = StorageValue<_, Resharing>;

	/// The newest attempt that ever began.
	#[pallet::storage]
	pub type LastAttempt<T> = StorageValue<_, Attempt, ValueQuery>;

	/// The logs of the newest attempt. They outlast its success until the next attempt begins, so that a member that was away
	/// can still compute its share.
	#[pallet::storage]
	pub type Logs<T> = StorageDoubleMap<_, Twox64Concat, Attempt, Twox64Concat, MemberId, LogBytes>;

	/// The beacon at genesis.
	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// What the first root committee has made. Without it, the network has no beacon.
		pub beacon: Option<GenesisBeacon>,
		/// Marks the runtime.
		#[serde(skip)]
		pub _runtime: core::marker::PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		/// # Panics
		/// If a field is out of its range, with the field's name and what was expected.
		fn build(&self) {
			let Some(beacon) = &self.beacon else {
				return;
			};
			assert!(
				T::Verify::validate(&beacon.group_key),
				"beacon.beacon.groupKey: expected a compressed point of BLS12-381's G2, not the identity, got {}",
				beacon.group_key,
			);
			let ascending = beacon.players.windows(2).all(|pair| pair[0] < pair[1]);
			assert!(
				ascending && !beacon.players.is_empty() && beacon.players.len() <= MAX_MEMBERS as usize,
				"beacon.beacon.players: expected 1 to {MAX_MEMBERS} member ids in ascending order, each once",
			);
			assert!(
				!beacon.output.is_empty() && beacon.output.len() <= MAX_OUTPUT_BYTES as usize,
				"beacon.beacon.output: expected 1 to {MAX_OUTPUT_BYTES} bytes, got {}",
				beacon.output.len(),
			);
			GroupKey::<T>::put(beacon.group_key);
			Sharings::<T>::insert(
				0,
				Sharing {
					id: SharingId {
						attempt: 0,
						output: output_hash(&beacon.output),
					},
					players: MemberIds::truncate_from(beacon.players.clone()),
				},
			);
			Outputs::<T>::insert(0, OutputBytes::truncate_from(beacon.output.clone()));
			NewestSharing::<T>::put(0);
		}
	}

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// There is a new seed.
		SeedSet {
			/// Its round.
			round: BlockNumber,
			/// Its randomness.
			randomness: Hash,
		},
		/// An attempt to pass the group key on began.
		AttemptBegan {
			/// The epoch whose committee gets the shares.
			epoch: Epoch,
			/// The attempt.
			attempt: Attempt,
			/// The last block that takes logs.
			deadline: BlockNumber,
		},
		/// An attempt came to nothing; the next one begins at once.
		AttemptFailed {
			/// The attempt.
			attempt: Attempt,
			/// How many dealers put a log on the board.
			dealt: u32,
			/// How many would have been enough.
			required: u32,
		},
		/// A dealer's log is on the board.
		LogPosted {
			/// The attempt.
			attempt: Attempt,
			/// The dealer.
			dealer: MemberId,
		},
		/// The committee of an epoch holds shares of the group key.
		Adopted {
			/// The epoch.
			epoch: Epoch,
			/// The sharing.
			sharing: SharingId,
		},
		/// The public output of an adopted sharing is on record.
		OutputPublished {
			/// The epoch.
			epoch: Epoch,
		},
	}

	/// Why something is refused.
	#[pallet::error]
	pub enum Error<T> {
		/// This network has no beacon.
		NoBeacon,
		/// This block has its seed already.
		AlreadySet,
		/// The seed is of a round that is not newer than the newest seed's.
		OldRound,
		/// The seed is of a round that is not over: its block is this one, or a later one.
		FutureRound,
		/// The signature is not that of the group key over this round on this network.
		BadSeed,
		/// No attempt to pass the group key on is under way, or it is for another epoch.
		NoAttempt,
		/// Another attempt is under way.
		WrongAttempt,
		/// The member holds no share that it could deal.
		NoDealer,
		/// The dealer's log is on the board already.
		AlreadyDealt,
		/// The log has more bytes than any honest one for this committee.
		LogTooLarge,
		/// The signature is not the dealer's over this log and attempt on this network.
		BadLogSignature,
		/// The deadline is over.
		TooLate,
		/// No sharing for this epoch is on record, or the epoch is not the next one.
		UnknownSharing,
		/// The output is on record already.
		AlreadyPublished,
		/// This is not the output that the committee agreed on.
		WrongOutput,
		/// The players are none, too many, or one of them appears twice.
		BadPlayers,
		/// Logs may still come.
		TooEarly,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_initialize(_: BlockNumberFor<T>) -> Weight {
			Self::retry()
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Brings in the seed of a round that is over. At most once a block.
		///
		/// # Errors
		/// [`Error::NoBeacon`], [`Error::AlreadySet`], [`Error::OldRound`], [`Error::FutureRound`], [`Error::BadSeed`]. As it
		/// is mandatory, a block with such a call is invalid.
		#[pallet::call_index(0)]
		#[pallet::weight((T::WeightInfo::set(), DispatchClass::Mandatory))]
		pub fn set(origin: OriginFor<T>, seed: Seed) -> DispatchResult {
			ensure_none(origin)?;
			Self::check_seed(&seed)?;
			LastSetIn::<T>::put(Self::now());
			LastSeed::<T>::put(seed);
			let forgotten = Rounds::<T>::mutate(|rounds| {
				let forgotten = (rounds.len() >= MAX_SEEDS as usize).then(|| rounds.remove(0));
				// There is room: one is gone if it was full.
				let _ = rounds.try_push(seed.round);
				forgotten
			});
			if let Some(round) = forgotten {
				Seeds::<T>::remove(round);
			}
			Seeds::<T>::insert(seed.round, seed);
			let randomness = seed.randomness();
			Self::deposit_event(Event::SeedSet {
				round: seed.round,
				randomness,
			});
			T::OnSeed::on_seed(seed.round, randomness);
			Ok(())
		}

		/// Puts a dealer's log on the board. The first one of a dealer counts.
		///
		/// # Errors
		/// [`Error::NoAttempt`], [`Error::WrongAttempt`], [`Error::TooLate`], [`Error::NoDealer`], [`Error::AlreadyDealt`],
		/// [`Error::LogTooLarge`], [`Error::BadLogSignature`]; nothing is changed then.
		#[pallet::call_index(1)]
		#[pallet::weight((T::WeightInfo::post_log(log.len() as u32), DispatchClass::Operational))]
		#[pallet::authorize(Pallet::<T>::authorize_post_log)]
		#[pallet::weight_of_authorize(T::WeightInfo::authorize_post_log(log.len() as u32))]
		pub fn post_log(
			origin: OriginFor<T>,
			attempt: Attempt,
			dealer: MemberId,
			log: LogBytes,
			signature: [u8; 64],
		) -> DispatchResult {
			frame_system::ensure_authorized(origin)?;
			// The authorization has verified it.
			let _ = signature;
			let mut resharing = Self::check_log(attempt, &dealer, &log)?;
			resharing
				.dealt
				.try_push(dealer)
				.map_err(|_| Error::<T>::AlreadyDealt)?;
			Logs::<T>::insert(attempt, dealer, log);
			UnderWay::<T>::put(resharing);
			Self::deposit_event(Event::LogPosted { attempt, dealer });
			Ok(())
		}

		/// Puts the public output of an adopted sharing on record. Anybody may: it is known by its hash.
		///
		/// # Errors
		/// [`Error::UnknownSharing`], [`Error::AlreadyPublished`], [`Error::WrongOutput`]; nothing is changed then.
		#[pallet::call_index(2)]
		#[pallet::weight((T::WeightInfo::publish_output(output.len() as u32), DispatchClass::Operational))]
		#[pallet::authorize(Pallet::<T>::authorize_publish_output)]
		#[pallet::weight_of_authorize(T::WeightInfo::publish_output(output.len() as u32))]
		pub fn publish_output(origin: OriginFor<T>, epoch: Epoch, output: OutputBytes) -> DispatchResult {
			frame_system::ensure_authorized(origin)?;
			Self::check_output(epoch, &output)?;
			Outputs::<T>::insert(epoch, output);
			Self::deposit_event(Event::OutputPublished { epoch });
			Ok(())
		}
	}

	#[pallet::inherent]
	impl<T: Config> ProvideInherent for Pallet<T> {
		type Call = Call<T>;
		type Error = InherentError;
		const INHERENT_IDENTIFIER: InherentIdentifier = BEACON;

		fn create_inherent(data: &InherentData) -> Option<Self::Call> {
			let seed = data.get_data::<Seed>(&BEACON).ok().flatten()?;
			match Self::check_seed(&seed) {
				Ok(()) => Some(Call::set { seed }),
				// An ancestor of this block has this seed or a newer one: nothing is wrong with it.
				Err(Error::OldRound) => None,
				Err(error) => {
					log::warn!(target: "runtime::beacon", "leaving out the seed of round {}: {error:?}", seed.round);
					None
				}
			}
		}

		fn is_inherent(call: &Self::Call) -> bool {
			matches!(call, Call::set { .. })
		}
	}
}

impl<T> Error<T> {
	/// The number under which the pool reports this refusal; see the table in the [crate page](crate). 0 for what no
	/// transaction of the pool is refused for.
	pub fn code(&self) -> u8 {
		match self {
			Self::NoAttempt => 1,
			Self::WrongAttempt => 2,
			Self::NoDealer => 3,
			Self::AlreadyDealt => 4,
			Self::LogTooLarge => 5,
			Self::BadLogSignature => 6,
			Self::TooLate => 7,
			Self::UnknownSharing => 8,
			Self::AlreadyPublished => 9,
			Self::WrongOutput => 10,
			_ => 0,
		}
	}
}

impl<T: Config> From<Error<T>> for TransactionValidityError {
	fn from(error: Error<T>) -> Self {
		InvalidTransaction::Custom(error.code()).into()
	}
}

impl<T: Config> Pallet<T> {
	/// The height of the block that is executed.
	fn now() -> BlockNumber {
		frame_system::Pallet::<T>::block_number().unique_saturated_into()
	}

	/// The hash of this chain's genesis block.
	fn genesis() -> Hash {
		frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero())
	}

	/// The seed of a round, while it is kept.
	pub fn seed(round: BlockNumber) -> Option<Seed> {
		Seeds::<T>::get(round)
	}

	/// The logs of an attempt in ascending order of their dealers.
	pub fn logs(attempt: Attempt) -> Vec<(MemberId, Vec<u8>)> {
		let mut logs: Vec<_> = Logs::<T>::iter_prefix(attempt)
			.map(|(dealer, log)| (dealer, log.into_inner()))
			.collect();
		logs.sort_unstable_by_key(|(dealer, _)| *dealer);
		logs
	}

	/// Whether the block that is executed may have this seed; the cheap checks come first.
	fn check_seed(seed: &Seed) -> Result<(), Error<T>> {
		let key = GroupKey::<T>::get().ok_or(Error::<T>::NoBeacon)?;
		let now = Self::now();
		if let Some(last) = LastSeed::<T>::get() {
			ensure!(LastSetIn::<T>::get() < now, Error::<T>::AlreadySet);
			ensure!(seed.round > last.round, Error::<T>::OldRound);
		}
		ensure!(seed.round < now, Error::<T>::FutureRound);
		ensure!(
			seed.verify::<T::Verify>(&key, Self::genesis()),
			Error::<T>::BadSeed
		);
		Ok(())
	}

	/// Whether the board takes a log of this dealer; its signature is looked at elsewhere. The attempt under way, if so.
	fn check_log(attempt: Attempt, dealer: &MemberId, log: &[u8]) -> Result<Resharing, Error<T>> {
		let resharing = UnderWay::<T>::get().ok_or(Error::<T>::NoAttempt)?;
		ensure!(resharing.attempt == attempt, Error::<T>::WrongAttempt);
		ensure!(Self::now() <= resharing.deadline, Error::<T>::TooLate);
		ensure!(
			resharing.dealers.binary_search(dealer).is_ok(),
			Error::<T>::NoDealer
		);
		ensure!(!resharing.dealt.contains(dealer), Error::<T>::AlreadyDealt);
		ensure!(
			log.len() <= max_log_bytes(resharing.players.len() as u32) as usize,
			Error::<T>::LogTooLarge
		);
		Ok(resharing)
	}

	/// Whether this is the output of the sharing for `epoch`, and not on record yet.
	fn check_output(epoch: Epoch, output: &[u8]) -> Result<SharingId, Error<T>> {
		let sharing = Sharings::<T>::get(epoch).ok_or(Error::<T>::UnknownSharing)?;
		ensure!(!Outputs::<T>::contains_key(epoch), Error::<T>::AlreadyPublished);
		ensure!(output_hash(output) == sharing.id.output, Error::<T>::WrongOutput);
		Ok(sharing.id)
	}

	fn authorize_post_log(
		_: TransactionSource,
		attempt: &Attempt,
		dealer: &MemberId,
		log: &LogBytes,
		signature: &[u8; 64],
	) -> TransactionValidityWithRefund {
		Self::check_log(*attempt, dealer, log)?;
		let signed = sp_io::crypto::sr25519_verify(
			&sr25519::Signature::from_raw(*signature),
			&log_statement(Self::genesis(), *attempt, log),
			&sr25519::Public::from_raw(dealer.0),
		);
		if !signed {
			return Err(Error::<T>::BadLogSignature.into());
		}
		Ok((Self::validity((b"log", attempt, dealer).encode()), Weight::zero()))
	}

	fn authorize_publish_output(
		_: TransactionSource,
		epoch: &Epoch,
		output: &OutputBytes,
	) -> TransactionValidityWithRefund {
		let id = Self::check_output(*epoch, output)?;
		Ok((Self::validity((b"output", epoch, id).encode()), Weight::zero()))
	}

	fn validity(tag: Vec<u8>) -> ValidTransaction {
		ValidTransaction {
			// The attempt has a deadline: before ordinary transactions.
			priority: TransactionPriority::MAX / 2,
			requires: Vec::new(),
			provides: alloc::vec![(b"beacon", tag).encode()],
			longevity: LONGEVITY,
			propagate: true,
		}
	}

	/// Ends an attempt that came to nothing, and begins the next one. What it weighs.
	fn retry() -> Weight {
		let read = T::DbWeight::get().reads(1);
		let Some(resharing) = UnderWay::<T>::get() else {
			return read;
		};
		let now = Self::now();
		let dealt = resharing.dealt.len() as u32;
		let hopeless = now > resharing.deadline && dealt < resharing.required();
		if !hopeless && now <= resharing.expires {
			return read;
		}
		Self::note_failure(&resharing);
		Self::begin(
			resharing.epoch,
			resharing.from,
			resharing.dealers,
			resharing.players,
		);
		read.saturating_add(T::WeightInfo::begin(dealt))
	}

	/// An attempt came to nothing.
	fn note_failure(resharing: &Resharing) {
		Self::deposit_event(Event::AttemptFailed {
			attempt: resharing.attempt,
			dealt: resharing.dealt.len() as u32,
			required: resharing.required(),
		});
	}

	/// Begins an attempt in this block.
	fn begin(epoch: Epoch, from: Epoch, dealers: MemberIds, players: MemberIds) {
		let former = LastAttempt::<T>::get();
		// No more logs than dealers are there: none is left.
		let _ = Logs::<T>::clear_prefix(former, MAX_MEMBERS, None);
		let attempt = former.saturating_add(1);
		LastAttempt::<T>::put(attempt);
		let opened = Self::now();
		let deadline = opened.saturating_add(T::DealingPeriod::get());
		UnderWay::<T>::put(Resharing {
			epoch,
			attempt,
			from,
			opened,
			deadline,
			expires: deadline.saturating_add(T::ReadyPeriod::get()),
			dealers,
			players,
			dealt: MemberIds::default(),
		});
		Self::deposit_event(Event::AttemptBegan {
			epoch,
			attempt,
			deadline,
		});
	}

	/// Seeds are listed in order, sharings are the newest two, logs are those of the newest attempt's dealers, and an attempt
	/// has time for them.
	///
	/// # Errors
	/// What doesn't hold.
	#[cfg(any(feature = "std", feature = "try-runtime"))]
	pub fn do_try_state() -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
		ensure!(
			T::DealingPeriod::get() >= 3 && T::ReadyPeriod::get() >= 1,
			"an attempt has no time for dealings, logs or readiness"
		);
		let rounds = Rounds::<T>::get();
		ensure!(
			rounds.windows(2).all(|pair| pair[0] < pair[1]),
			"rounds are not in ascending order"
		);
		let last = LastSeed::<T>::get();
		ensure!(
			rounds.last().copied() == last.map(|seed| seed.round),
			"the newest seed is not the last one listed"
		);
		ensure!(
			Seeds::<T>::iter().count() == rounds.len(),
			"seeds are kept that are not listed"
		);
		for round in &rounds {
			let seed = Seeds::<T>::get(round).ok_or("a listed seed is not kept")?;
			ensure!(seed.round == *round, "a seed is kept under another round");
			ensure!(*round < Self::now(), "a seed is of a round that is not over");
		}
		let key = GroupKey::<T>::get();
		if let Some(seed) = last {
			let valid = key.is_some_and(|key| seed.verify::<T::Verify>(&key, Self::genesis()));
			ensure!(valid, "the newest seed is not signed with the group key");
		}
		let newest = NewestSharing::<T>::get();
		ensure!(
			key.is_some() == newest.is_some(),
			"there is a group key without sharing, or a sharing without group key"
		);
		for (epoch, sharing) in Sharings::<T>::iter() {
			let newest = newest.ok_or("sharings without a newest one")?;
			ensure!(
				epoch <= newest && epoch.saturating_add(1) >= newest,
				"an old sharing is kept"
			);
			ensure!(
				is_list_of_members(&sharing.players),
				"players are no list of members"
			);
		}
		if let Some(newest) = newest {
			ensure!(
				Sharings::<T>::contains_key(newest),
				"the newest sharing is not kept"
			);
		}
		for (epoch, output) in Outputs::<T>::iter() {
			let sharing = Sharings::<T>::get(epoch).ok_or("an output without sharing")?;
			ensure!(
				output_hash(&output) == sharing.id.output,
				"an output is not the sharing's"
			);
		}
		let attempt = LastAttempt::<T>::get();
		ensure!(
			Logs::<T>::iter_keys().all(|(of, _)| of == attempt),
			"logs of an old attempt are kept"
		);
		if let Some(resharing) = UnderWay::<T>::get() {
			ensure!(
				resharing.attempt == attempt,
				"the attempt under way is not the newest"
			);
			ensure!(
				is_list_of_members(&resharing.dealers) && is_list_of_members(&resharing.players),
				"dealers or players are no list of members"
			);
			ensure!(
				newest == Some(resharing.from) && Some(resharing.epoch) == resharing.from.checked_add(1),
				"the attempt under way does not follow the newest sharing"
			);
			let mut dealt = resharing.dealt.into_inner();
			dealt.sort_unstable();
			ensure!(
				dealt
					.iter()
					.all(|dealer| resharing.dealers.binary_search(dealer).is_ok()),
				"somebody dealt who is no dealer"
			);
			let posted: Vec<_> = Self::logs(attempt)
				.into_iter()
				.map(|(dealer, _)| dealer)
				.collect();
			ensure!(posted == dealt, "the logs are not those of who dealt");
		}
		Ok(())
	}
}

/// Whether this is a list of members, ascending, each once.
#[cfg(any(feature = "std", feature = "try-runtime"))]
fn is_list_of_members(ids: &[MemberId]) -> bool {
	!ids.is_empty() && ids.windows(2).all(|pair| pair[0] < pair[1])
}

impl<T: Config> Reshare for Pallet<T> {
	fn start(epoch: Epoch, mut players: Vec<MemberId>) -> DispatchResult {
		let from = NewestSharing::<T>::get().ok_or(Error::<T>::NoBeacon)?;
		ensure!(from.checked_add(1) == Some(epoch), Error::<T>::UnknownSharing);
		let sharing = Sharings::<T>::get(from).ok_or(Error::<T>::UnknownSharing)?;
		players.sort_unstable();
		let once = players.windows(2).all(|pair| pair[0] != pair[1]);
		ensure!(once && !players.is_empty(), Error::<T>::BadPlayers);
		let players = MemberIds::try_from(players).map_err(|_| Error::<T>::BadPlayers)?;
		if let Some(resharing) = UnderWay::<T>::get() {
			Self::note_failure(&resharing);
		}
		Self::begin(epoch, from, sharing.players, players);
		Ok(())
	}

	fn adopt(epoch: Epoch, sharing: SharingId) -> DispatchResult {
		let resharing = UnderWay::<T>::get()
			.filter(|resharing| resharing.epoch == epoch)
			.ok_or(Error::<T>::NoAttempt)?;
		ensure!(resharing.attempt == sharing.attempt, Error::<T>::WrongAttempt);
		ensure!(Self::now() > resharing.deadline, Error::<T>::TooEarly);
		UnderWay::<T>::kill();
		Sharings::<T>::insert(
			epoch,
			Sharing {
				id: sharing,
				players: resharing.players,
			},
		);
		NewestSharing::<T>::put(epoch);
		if let Some(old) = resharing.from.checked_sub(1) {
			Sharings::<T>::remove(old);
			Outputs::<T>::remove(old);
		}
		Self::deposit_event(Event::Adopted { epoch, sharing });
		Ok(())
	}

	fn is_adopted(epoch: Epoch) -> bool {
		NewestSharing::<T>::get().is_none_or(|newest| epoch <= newest)
	}

	fn attempt(epoch: Epoch) -> Option<Attempt> {
		UnderWay::<T>::get()
			.filter(|resharing| resharing.epoch == epoch)
			.map(|resharing| resharing.attempt)
	}

	fn weight_of_starting() -> Weight {
		let dealt = UnderWay::<T>::get().map_or(0, |resharing| resharing.dealt.len());
		T::DbWeight::get()
			.reads(1)
			.saturating_add(T::WeightInfo::begin(dealt as u32))
	}

	fn weight_of_adopting() -> Weight {
		T::WeightInfo::adopt()
	}
}

/// The newest seed as randomness, known since its round's block was final: use it for what was fixed before that block.
/// Before the first seed it is known since genesis, so nothing may be decided by it.
impl<T: Config> Randomness<Hash, BlockNumberFor<T>> for Pallet<T> {
	fn random(subject: &[u8]) -> (Hash, BlockNumberFor<T>) {
		let seed = LastSeed::<T>::get();
		let randomness = seed.map(|seed| seed.randomness()).unwrap_or_default();
		let output = asterism_primitives::Hashing::hash_of(&(subject, randomness));
		(output, seed.map_or(0, |seed| seed.round).into())
	}
}
