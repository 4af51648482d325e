//! The registry of the network's chains and their committees.
//!
//! # Overview
//!
//! The root chain coordinates the network: it knows each transaction chain's genesis and parameters, and the committee
//! that runs it in each epoch (Thinkey §3.2, §4.1). Its own parameters and committee are here too, under
//! [`ChainId::ROOT`]. Chains enter with the root chain's genesis, or later by [`Pallet::register`].
//!
//! # Flow
//!
//! ```text
//!  GenesisConfig ──┐                              ┌──► ChainRegistry, CommitteeProvider: pallet-checkpoints, runtime APIs
//!                  ├──► checks ──► Chains, Committees, Ids
//!  register ───────┘                              └──► OnRegister: pallet-checkpoints sets head and holdings
//! ```
//!
//! # Assumptions
//!
//! - The epoch of every chain is 0: committees come from genesis or from registration, elections are not part of this
//!   pallet. Other pallets ask for committees through [`CommitteeProvider`] alone.
//! - Only chains of the root chain's own genesis hold currency from the start. A chain that is registered later holds
//!   none, so registration never creates currency.
//! - Every consensus key on record has passed [`ValidateKey`].
//! - Chains never leave. Transaction chains read [`Ids`] by proof, and send to none but these: its key is fixed in
//!   [`asterism_primitives::root_state`].
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(test)]
mod tests;
mod traits;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
pub use benchmarking::generator_key;
pub use pallet::*;
pub use traits::{ChainRegistry, CommitteeProvider, OnRegister, ValidateKey};
pub use weights::WeightInfo;

use alloc::{boxed::Box, vec::Vec};
use asterism_primitives::{
	committee::{Committee, CommitteeError, Epoch, Member, MAX_MEMBERS},
	root_state::{ChainIds, MAX_CHAINS},
	Balance, ChainId, ChainParameters, CurrencyId, Hash, Header,
};
use codec::{Decode, Encode, MaxEncodedLen};
use polkadot_sdk::{
	frame_support::{self, pallet_prelude::*},
	frame_system::{self, pallet_prelude::*},
	sp_runtime::traits::{Header as _, Zero},
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
		/// Checks consensus keys. If it lets a point outside the subgroup pass, certificates can be forged.
		type ValidateKey: ValidateKey;
		/// Hears of new transaction chains.
		type OnRegister: OnRegister;
		/// How many transaction chains there may be. Reading all of them is one runtime call.
		#[pallet::constant]
		type MaxChains: Get<u32>;
		/// The weights of the calls.
		type WeightInfo: WeightInfo;
	}

	/// Every chain on record, the root chain included.
	#[pallet::storage]
	pub type Chains<T> = CountedStorageMap<_, Twox64Concat, ChainId, ChainInfo>;

	/// The committee of each chain in each epoch.
	#[pallet::storage]
	pub type Committees<T> = StorageDoubleMap<_, Twox64Concat, ChainId, Twox64Concat, Epoch, Committee>;

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
			let root = Pallet::<T>::check(self.root.parameters, self.root.members.clone());
			match root {
				Ok(committee) => {
					Pallet::<T>::put(ChainId::ROOT, Hash::zero(), self.root.parameters, committee)
				}
				Err(error) => panic!("chains.root: {}", expectation(&error)),
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
	}

	/// Why a chain is not registered.
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
			"{}; expected: a unique id from 1 (chains), parameters.blockInterval from {} to {} ms, a genesis header of \
			 number 0 without parent, 1 to {MAX_MEMBERS} members with ids and valid BLS12-381 keys of their own, and each \
			 currency once in holdings",
			module.message.unwrap_or("refused"),
			ChainParameters::MIN_BLOCK_INTERVAL,
			ChainParameters::MAX_BLOCK_INTERVAL,
		),
		other => alloc::format!("{other:?}"),
	}
}

impl<T: Config> Pallet<T> {
	/// Checks parameters and members, and makes the committee of epoch 0.
	fn check(parameters: ChainParameters, members: Vec<Member>) -> Result<Committee, DispatchError> {
		ensure!(parameters.is_valid(), Error::<T>::ParametersOutOfRange);
		let committee = Committee::new(0, members).map_err(|error| match error {
			CommitteeError::Empty => Error::<T>::NoMembers,
			CommitteeError::TooLarge => Error::<T>::TooManyMembers,
			CommitteeError::NotSorted => Error::<T>::MemberTwice,
			CommitteeError::SharedKey => Error::<T>::SharedKey,
		})?;
		let valid = committee
			.members()
			.iter()
			.all(|member| T::ValidateKey::validate_key(&member.key));
		ensure!(valid, Error::<T>::BadKey);
		Ok(committee)
	}

	/// Puts a checked chain on record.
	fn put(chain: ChainId, genesis: Hash, parameters: ChainParameters, committee: Committee) {
		let epoch = committee.epoch();
		Chains::<T>::insert(
			chain,
			ChainInfo {
				genesis,
				parameters,
				epoch,
			},
		);
		Committees::<T>::insert(chain, epoch, committee);
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
		Self::put(chain, genesis.hash(), parameters, committee);
		Ok(())
	}

	/// Every chain has a valid committee in its epoch, and there are no more than there may be.
	///
	/// # Errors
	/// What doesn't hold.
	#[cfg(any(test, feature = "try-runtime"))]
	pub fn do_try_state() -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
		for (chain, info) in Chains::<T>::iter() {
			ensure!(
				info.parameters.is_valid(),
				"parameters of a chain are out of range"
			);
			let committee = Committees::<T>::get(chain, info.epoch).ok_or("a chain has no committee")?;
			ensure!(committee.check().is_ok(), "a committee is not valid");
			ensure!(committee.epoch() == info.epoch, "a committee is of another epoch");
		}
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
	fn committee(chain: ChainId, epoch: Epoch) -> Option<Committee> {
		Committees::<T>::get(chain, epoch)
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
