//! The registry of the network's chains and their committees.
//!
//! # Overview
//!
//! The root chain coordinates the network: it knows each transaction chain's genesis and parameters, and the committee
//! that runs it in each epoch (Thinkey §3.2, §4.1). Its own parameters and committee are here too, under
//! [`ChainId::ROOT`]. Chains enter with the root chain's genesis, or later by [`Pallet::register`]. Their first committee is of
//! epoch 0; elections put each next one on record.
//!
//! # Flow
//!
//! ```text
//!  GenesisConfig ──┐                              ┌──► ChainRegistry, CommitteeProvider: pallet-checkpoints, runtime APIs
//!                  ├──► checks ──► Chains, Committees, Prepared, Ids
//!  register ───────┘                              └──► OnRegister: pallet-checkpoints sets head and holdings
//!
//!  certified block: Signal ──► Succession::signal ──► OnEpoch::on_signal: elections
//!  elections ──► CommitteeRecorder::record: Committees, Prepared; set_ready: Ready ──proof──► the chain itself
//!  certified block: End ──► Succession::advance: epoch, Ended; the oldest committee is forgotten ──► OnEpoch::on_end, on_forget
//! ```
//!
//! # Assumptions
//!
//! - Who calls [`Succession`] has seen a certificate of the chain's current committee on the block that says so; or is the
//!   root chain's own block. Other pallets ask for committees through [`CommitteeProvider`] alone.
//! - A committee doesn't change any more once it is [`Ready`]. It stays on record for [`Config::HistoryDepth`] epochs after
//!   its own, for evidence against it.
//! - Only chains of the root chain's own genesis hold currency from the start. A chain that is registered later holds
//!   none, so registration never creates currency.
//! - Every consensus key on record has passed [`CommitteeKeys::validate`]: here, if it comes with a chain; before, if it comes
//!   from an election, whose nodes have proved that they possess their keys. [`Prepared`] is made of these keys when a committee
//!   is put on record, so that a certificate of it is verified without reading [`Committees`] or decompressing a key.
//! - Chains never leave. Transaction chains read [`Ids`] by proof, and send to none but these; and [`Ready`], before they
//!   end an epoch. The keys of both are fixed in [`asterism_primitives::root_state`].
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(test)]
mod tests;
mod traits;
pub mod weights;

pub use pallet::*;
pub use traits::{
	ChainRegistry, CommitteeHistory, CommitteeProvider, NotReady, OnEpoch, OnRegister, Succession,
};
pub use weights::WeightInfo;

use alloc::{boxed::Box, vec::Vec};
use asterism_primitives::{
	certificate::CommitteeKeys,
	committee::{Committee, CommitteeError, Epoch, Member, MAX_MEMBERS},
	election::CommitteeRecorder,
	root_state::{ChainIds, MAX_CHAINS},
	Balance, BlockNumber, ChainId, ChainParameters, CurrencyId, Hash, Header,
};
use codec::{Decode, Encode, MaxEncodedLen};
use polkadot_sdk::{
	frame_support::{self, pallet_prelude::*},
	frame_system::{self, pallet_prelude::*},
	sp_runtime::traits::{Header as _, SaturatedConversion, Zero},
};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// What the registry knows of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct ChainInfo {
	/// The hash of its genesis block. Zero for the root chain, whose state can't hold its own hash: ask
	/// [`ChainRegistry::genesis`].
	pub genesis: Hash,
	/// Its parameters.
	pub parameters: ChainParameters,
	/// Its current epoch.
	pub epoch: Epoch,
}

/// The root chain in a genesis configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GenesisRoot {
	/// Its parameters.
	pub parameters: ChainParameters,
	/// The members of its first committee, in any order.
	pub members: Vec<Member>,
}

/// A transaction chain in a genesis configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GenesisChain {
	/// Its id, from 1.
	pub id: ChainId,
	/// The header of its genesis block.
	pub genesis: Header,
	/// Its parameters.
	pub parameters: ChainParameters,
	/// The members of its first committee, in any order.
	pub members: Vec<Member>,
	/// The total issuance of each currency in its genesis state.
	pub holdings: Vec<(CurrencyId, Balance)>,
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
		/// Who may register a chain: whoever may give a committee the right to be believed by the network.
		type RegisterOrigin: EnsureOrigin<Self::RuntimeOrigin>;
		/// Checks and prepares consensus keys. If it lets a point outside the subgroup pass, certificates can be forged.
		type Keys: CommitteeKeys;
		/// Hears of new transaction chains.
		type OnRegister: OnRegister;
		/// How many transaction chains there may be. Reading all of them is one runtime call.
		#[pallet::constant]
		type MaxChains: Get<u32>;
		/// For how many epochs after its own a committee stays on record.
		#[pallet::constant]
		type HistoryDepth: Get<Epoch>;
		/// Hears of chains' epochs.
		type OnEpoch: OnEpoch;
		/// The weights of the calls.
		type WeightInfo: WeightInfo;
		/// Prepares benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: BenchmarkHelper;
	}

	/// Makes what a benchmark needs and this pallet can't.
	#[cfg(feature = "runtime-benchmarks")]
	pub trait BenchmarkHelper {
		/// A valid consensus key, another one for each number.
		fn key(number: u32) -> asterism_primitives::committee::BlsPublic;
	}

	/// Every chain on record, the root chain included.
	#[pallet::storage]
	pub type Chains<T> = CountedStorageMap<_, Twox64Concat, ChainId, ChainInfo>;

	/// The committee of each chain in each epoch.
	#[pallet::storage]
	pub type Committees<T> = StorageDoubleMap<_, Twox64Concat, ChainId, Twox64Concat, Epoch, Committee>;

	/// The keys of each of these committees, prepared for verification.
	#[pallet::storage]
	pub type Prepared<T: Config> =
		StorageDoubleMap<_, Twox64Concat, ChainId, Twox64Concat, Epoch, <T::Keys as CommitteeKeys>::Prepared>;

	/// The newest epoch of each chain whose committee may take over. None for a chain that has elected none.
	#[pallet::storage]
	pub type Ready<T> = StorageMap<_, Twox64Concat, ChainId, Epoch>;

	/// The block in which each epoch ended whose committee is still on record.
	#[pallet::storage]
	pub type Ended<T> = StorageDoubleMap<_, Twox64Concat, ChainId, Twox64Concat, Epoch, BlockNumber>;

	/// The ids of all transaction chains. They are only ever added to.
	#[pallet::storage]
	pub type Ids<T> = StorageValue<_, ChainIds, ValueQuery>;

	/// The network at genesis.
	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// The root chain.
		pub root: GenesisRoot,
		/// The transaction chains.
		pub chains: Vec<GenesisChain>,
		/// Marks the runtime.
		#[serde(skip)]
		pub _runtime: core::marker::PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		/// # Panics
		/// If a field is out of its range, with the field's name and what was expected. A state with no root member at
		/// all is left without a committee (a runtime's default genesis, which no network can start from).
		fn build(&self) {
			// Even of no chain: a transaction chain that reads no list at all takes it for an error.
			Ids::<T>::put(ChainIds::new());
			if self.root.members.is_empty() && self.chains.is_empty() {
				Chains::<T>::insert(
					ChainId::ROOT,
					ChainInfo {
						genesis: Hash::zero(),
						parameters: self.root.parameters,
						epoch: 0,
					},
				);
				return;
			}
			let root =
				Pallet::<T>::check(self.root.parameters, self.root.members.clone()).and_then(|committee| {
					Pallet::<T>::put(ChainId::ROOT, Hash::zero(), self.root.parameters, committee)
				});
			if let Err(error) = root {
				panic!("chains.root: {}", expectation(&error));
			}
			for (i, chain) in self.chains.iter().enumerate() {
				let GenesisChain {
					id,
					genesis,
					parameters,
					members,
					holdings,
				} = chain;
				if let Err(error) =
					Pallet::<T>::do_register(*id, genesis, *parameters, members.clone(), holdings)
				{
					panic!("chains.chains[{i}] (id {id}): {}", expectation(&error));
				}
			}
		}
	}

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A transaction chain joined the network.
		Registered {
			/// The chain.
			chain: ChainId,
			/// The hash of its genesis block.
			genesis: Hash,
		},
		/// A chain's next committee has taken over.
		Advanced {
			/// The chain.
			chain: ChainId,
			/// The new epoch.
			epoch: Epoch,
		},
	}

	/// Why a chain is not registered, or a committee is not put on record.
	#[pallet::error]
	pub enum Error<T> {
		/// Id 0 is the root chain's.
		IdOfRoot,
		/// Another chain has this id.
		IdTaken,
		/// There are as many chains as there may be.
		TooManyChains,
		/// A parameter is out of its range.
		ParametersOutOfRange,
		/// The header is not that of a genesis block: its number isn't 0, or it has a parent.
		NotGenesis,
		/// The committee has no member.
		NoMembers,
		/// The committee has more members than a committee may.
		TooManyMembers,
		/// A member appears twice.
		MemberTwice,
		/// Two members have the same consensus key.
		SharedKey,
		/// A consensus key is not a point of the right subgroup.
		BadKey,
		/// A currency is listed twice, or the holdings don't fit into 128 bits.
		BadHoldings,
		/// No chain has this id.
		UnknownChain,
		/// The committee is not of the epoch after the chain's current one.
		NotNext,
		/// The committee of this epoch may take over already.
		AlreadyReady,
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Registers a transaction chain: its id, the header of its genesis block, its parameters and the members of its
		/// first committee, in any order. It starts with zero holdings.
		///
		/// # Errors
		/// Any [`Error`]; nothing is changed then.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::register(members.len() as u32))]
		pub fn register(
			origin: OriginFor<T>,
			chain: ChainId,
			genesis: Box<Header>,
			parameters: ChainParameters,
			members: BoundedVec<Member, ConstU32<MAX_MEMBERS>>,
		) -> DispatchResult {
			T::RegisterOrigin::ensure_origin(origin)?;
			Self::do_register(chain, &genesis, parameters, members.into_inner(), &[])?;
			Self::deposit_event(Event::Registered {
				chain,
				genesis: genesis.hash(),
			});
			Ok(())
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(
				T::MaxChains::get() <= MAX_CHAINS,
				"transaction chains can read the ids of all chains"
			);
			assert!(
				!T::HistoryDepth::get().is_zero(),
				"evidence against the committee before counts"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}
}

/// What a genesis configuration should have said.
fn expectation(error: &DispatchError) -> alloc::string::String {
	match error {
		DispatchError::Module(module) => alloc::format!(
			"{}; expected: a unique id from 1 (chains), parameters.blockInterval from {} to {} ms, \
			 parameters.epochLength 0 or from {}, parameters.committeeSize from 1 to {}, a genesis header of number 0 without parent, 1 to {MAX_MEMBERS} members with ids and valid BLS12-381 keys of their own, and each \
			 currency once in holdings",
			module.message.unwrap_or("refused"),
			ChainParameters::MIN_BLOCK_INTERVAL,
			ChainParameters::MAX_BLOCK_INTERVAL,
			ChainParameters::MIN_EPOCH_LENGTH,
			ChainParameters::MAX_COMMITTEE_SIZE,
		),
		other => alloc::format!("{other:?}"),
	}
}

impl<T> From<CommitteeError> for Error<T> {
	fn from(error: CommitteeError) -> Self {
		match error {
			CommitteeError::Empty => Self::NoMembers,
			CommitteeError::TooLarge => Self::TooManyMembers,
			CommitteeError::NotSorted => Self::MemberTwice,
			CommitteeError::SharedKey => Self::SharedKey,
		}
	}
}

impl<T: Config> Pallet<T> {
	/// Checks parameters and members, and makes the committee of epoch 0.
	fn check(parameters: ChainParameters, members: Vec<Member>) -> Result<Committee, DispatchError> {
		ensure!(parameters.is_valid(), Error::<T>::ParametersOutOfRange);
		let committee = Committee::new(0, members).map_err(Error::<T>::from)?;
		let valid = committee
			.members()
			.iter()
			.all(|member| T::Keys::validate(&member.key));
		ensure!(valid, Error::<T>::BadKey);
		Ok(committee)
	}

	/// Puts a committee on record whose keys have all passed [`CommitteeKeys::validate`].
	///
	/// # Errors
	/// [`Error::BadKey`] if a key can't be prepared, which those that passed can.
	fn put_committee(chain: ChainId, committee: Committee) -> DispatchResult {
		let prepared = T::Keys::prepare(&committee).ok_or(Error::<T>::BadKey)?;
		let epoch = committee.epoch();
		Prepared::<T>::insert(chain, epoch, prepared);
		Committees::<T>::insert(chain, epoch, committee);
		Ok(())
	}

	/// Puts a checked chain on record.
	///
	/// # Errors
	/// As of [`Self::put_committee`].
	fn put(
		chain: ChainId,
		genesis: Hash,
		parameters: ChainParameters,
		committee: Committee,
	) -> DispatchResult {
		let epoch = committee.epoch();
		Self::put_committee(chain, committee)?;
		Chains::<T>::insert(
			chain,
			ChainInfo {
				genesis,
				parameters,
				epoch,
			},
		);
		Ok(())
	}

	/// Registers a transaction chain with these holdings.
	fn do_register(
		chain: ChainId,
		genesis: &Header,
		parameters: ChainParameters,
		members: Vec<Member>,
		holdings: &[(CurrencyId, Balance)],
	) -> DispatchResult {
		ensure!(!chain.is_root(), Error::<T>::IdOfRoot);
		ensure!(!Chains::<T>::contains_key(chain), Error::<T>::IdTaken);
		// The root chain is on record too, and not counted.
		ensure!(
			Chains::<T>::count() <= T::MaxChains::get(),
			Error::<T>::TooManyChains
		);
		ensure!(
			genesis.number.is_zero() && *genesis.parent_hash() == Hash::zero(),
			Error::<T>::NotGenesis
		);
		let once = holdings
			.iter()
			.enumerate()
			.all(|(i, (c, _))| holdings[..i].iter().all(|(other, _)| other != c));
		ensure!(once, Error::<T>::BadHoldings);
		let committee = Self::check(parameters, members)?;
		let mut ids = Ids::<T>::get();
		ids.try_insert(chain).map_err(|_| Error::<T>::TooManyChains)?;
		T::OnRegister::on_register(chain, genesis, holdings).map_err(|_| Error::<T>::BadHoldings)?;
		Ids::<T>::put(ids);
		Self::put(chain, genesis.hash(), parameters, committee)
	}

	/// Every chain has a valid committee in its epoch, and one in an epoch that is ready; each committee's prepared keys are its
	/// own; committees are on record for as long as they should, with the end of each epoch that is over; and there are no
	/// more chains than there may be.
	///
	/// # Errors
	/// What doesn't hold.
	#[cfg(any(feature = "std", feature = "try-runtime"))]
	pub fn do_try_state() -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
		for (chain, info) in Chains::<T>::iter() {
			ensure!(
				info.parameters.is_valid(),
				"parameters of a chain are out of range"
			);
			let committee = Committees::<T>::get(chain, info.epoch).ok_or("a chain has no committee")?;
			ensure!(committee.check().is_ok(), "a committee is not valid");
			ensure!(committee.epoch() == info.epoch, "a committee is of another epoch");
			let next = info.epoch.saturating_add(1);
			if let Some(ready) = Ready::<T>::get(chain) {
				ensure!(
					ready == info.epoch || ready == next,
					"another epoch than the current or the next one is ready"
				);
				ensure!(
					Committees::<T>::contains_key(chain, ready),
					"an epoch without a committee is ready"
				);
			}
			let oldest = info.epoch.saturating_sub(T::HistoryDepth::get());
			ensure!(
				Committees::<T>::iter_key_prefix(chain).all(|epoch| (oldest..=next).contains(&epoch)),
				"a committee is on record for too long"
			);
			let over = (oldest..info.epoch).all(|epoch| Ended::<T>::contains_key(chain, epoch));
			let listed = Ended::<T>::iter_key_prefix(chain).count() as u64;
			ensure!(
				over && listed == info.epoch - oldest,
				"the ends of epochs are not those of the committees on record"
			);
		}
		for (chain, epoch, committee) in Committees::<T>::iter() {
			ensure!(
				Chains::<T>::contains_key(chain) && committee.epoch() == epoch,
				"a committee is of another chain or epoch"
			);
			ensure!(
				Prepared::<T>::get(chain, epoch) == T::Keys::prepare(&committee),
				"the prepared keys are not those of the committee"
			);
		}
		ensure!(
			Prepared::<T>::iter_keys().count() == Committees::<T>::iter_keys().count(),
			"there are prepared keys of no committee"
		);
		let recorded: ChainIds = Chains::<T>::iter_keys()
			.filter(|chain| !chain.is_root())
			.collect::<alloc::collections::BTreeSet<_>>()
			.try_into()
			.map_err(|_| "more chains than transaction chains can read")?;
		ensure!(
			Ids::<T>::get() == recorded,
			"the list of ids is not that of the chains"
		);
		ensure!(
			Chains::<T>::iter().count() == Chains::<T>::count() as usize,
			"the count of chains is wrong"
		);
		ensure!(
			Chains::<T>::count() <= T::MaxChains::get().saturating_add(1),
			"too many chains"
		);
		Ok(())
	}
}

impl<T: Config> CommitteeProvider for Pallet<T> {
	type Keys = T::Keys;

	fn committee(chain: ChainId, epoch: Epoch) -> Option<Committee> {
		Committees::<T>::get(chain, epoch)
	}

	fn prepared(chain: ChainId, epoch: Epoch) -> Option<<T::Keys as CommitteeKeys>::Prepared> {
		Prepared::<T>::get(chain, epoch)
	}
}

impl<T: Config> CommitteeHistory for Pallet<T> {
	fn ended(chain: ChainId, epoch: Epoch) -> Option<BlockNumber> {
		Ended::<T>::get(chain, epoch)
	}
}

impl<T: Config> CommitteeRecorder for Pallet<T> {
	fn serving(chain: ChainId) -> Option<Committee> {
		Committees::<T>::get(chain, Chains::<T>::get(chain)?.epoch)
	}

	fn expected(chain: ChainId) -> Option<u32> {
		Chains::<T>::get(chain).map(|info| info.parameters.committee_size)
	}

	fn record(chain: ChainId, committee: Committee) -> DispatchResult {
		let info = Chains::<T>::get(chain).ok_or(Error::<T>::UnknownChain)?;
		ensure!(
			info.epoch.checked_add(1) == Some(committee.epoch()),
			Error::<T>::NotNext
		);
		ensure!(
			!Self::is_ready(chain, committee.epoch()),
			Error::<T>::AlreadyReady
		);
		committee.check().map_err(Error::<T>::from)?;
		Self::put_committee(chain, committee)
	}

	fn set_ready(chain: ChainId, epoch: Epoch) {
		let next = Chains::<T>::get(chain).and_then(|info| info.epoch.checked_add(1));
		if next == Some(epoch) && Committees::<T>::contains_key(chain, epoch) {
			Ready::<T>::insert(chain, epoch);
		}
	}
}

impl<T: Config> Succession for Pallet<T> {
	fn signal(chain: ChainId, next: Epoch) {
		T::OnEpoch::on_signal(chain, next);
	}

	fn is_ready(chain: ChainId, epoch: Epoch) -> bool {
		Ready::<T>::get(chain).is_some_and(|ready| ready >= epoch)
	}

	fn advance(chain: ChainId) -> Result<(), NotReady> {
		let mut info = Chains::<T>::get(chain).ok_or(NotReady)?;
		let next = info.epoch.checked_add(1).ok_or(NotReady)?;
		ensure!(Self::is_ready(chain, next), NotReady);
		let now: BlockNumber = frame_system::Pallet::<T>::block_number().saturated_into();
		Ended::<T>::insert(chain, info.epoch, now);
		let forgotten = info.epoch.checked_sub(T::HistoryDepth::get());
		info.epoch = next;
		Chains::<T>::insert(chain, info);
		Self::deposit_event(Event::Advanced { chain, epoch: next });
		T::OnEpoch::on_end(chain, next);
		if let Some(epoch) = forgotten {
			Committees::<T>::remove(chain, epoch);
			Prepared::<T>::remove(chain, epoch);
			Ended::<T>::remove(chain, epoch);
			T::OnEpoch::on_forget(chain, epoch);
		}
		Ok(())
	}

	fn weight() -> Weight {
		T::WeightInfo::advance().saturating_add(T::OnEpoch::weight())
	}
}

impl<T: Config> ChainRegistry for Pallet<T> {
	fn is_transaction_chain(chain: ChainId) -> bool {
		!chain.is_root() && Chains::<T>::contains_key(chain)
	}
	fn genesis(chain: ChainId) -> Option<Hash> {
		if chain.is_root() {
			return Some(frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero()));
		}
		Chains::<T>::get(chain).map(|info| info.genesis)
	}
	fn epoch(chain: ChainId) -> Option<Epoch> {
		Chains::<T>::get(chain).map(|info| info.epoch)
	}
	fn parameters(chain: ChainId) -> Option<ChainParameters> {
		Chains::<T>::get(chain).map(|info| info.parameters)
	}
	fn transaction_chains() -> Vec<ChainId> {
		Ids::<T>::get().into_iter().collect()
	}
}
