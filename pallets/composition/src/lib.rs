//! # Composition pallet
//!
//! Actors composed by the types of their messages (Constellation, "Smart contracts as microservices": services are "chained and
//! composed into distributed applications with just an understanding of each microservice's SLA and/or type signature").
//!
//! ## Overview
//!
//! - **Interfaces.** Those of this chain's actors are on record with their code ([`InterfaceOf`]). Those of other chains' actors
//!   are announced: [`Call::announce`] sends an actor's interface to another chain, where this pallet keeps it.
//! - **Connections.** [`Call::connect`] puts on record that what one actor emits fits what another one accepts, by
//!   [`asterism_interface::connect`].
//! - **Pipelines.** [`Call::declare`] puts a pipeline of map, filter and reduce actors on record, checked by
//!   [`Pipeline::check`]; [`Call::run`] sends a batch to its first stage.
//!
//! ## Flow
//!
//! ```text
//!  chain A: announce ──► message, from this pallet's account to the same account on B ──► chain B: Announced
//!                                                                                            │
//!  connect, declare ──► interfaces: InterfaceOf (own actors), Announced (others') ◄──────────┘
//!                         ├─ they fit: on record, with a deposit
//!                         └─ they don't: Refused, PipelineRefused, with the path of the offender
//!  run ──► item by item: a replica of the first stage ──► Deliver: the signer's message ──► actors, stage by stage
//! ```
//!
//! ## What a misfit looks like
//!
//! A call that fails leaves no event, and its error has no room for a path. So `connect` and `declare` *succeed* if the types
//! don't fit, with an event that tells the path and what doesn't fit there, and without any other effect. All other
//! refusals are errors.
//!
//! ## What this pallet doesn't do
//!
//! It checks and remembers, and it sends batches. What flows from actor to actor, the actors send themselves: each one knows from
//! its own messages whom to send to. So a connection permits nothing, and forbids nothing.
//!
//! ## Code that changes
//!
//! An actor may swap its code, and its interface with it. Connections and pipelines remember the hashes of the code that was
//! checked. A pipeline of which any actor is known to have other code now doesn't run until it is declared again. Of other
//! chains' actors, this chain knows what was announced last.
//!
//! ## Bounds
//!
//! - Announced interfaces: [`Config::MaxAnnounced`] for each chain; one more takes the place of the oldest.
//! - Connections and pipelines: so many for each account, each paid for by a hold.
//! - A pipeline: [`MAX_ACTORS`], and [`MAX_BYTES`] of different interfaces; a batch: [`MAX_ITEMS`].
//!
//! ## Assumptions
//!
//! - Nobody has the key of this pallet's account, which is the same on each chain: so a message from it was sent by this pallet.
//! - A chain is believed what it says of its own actors. A corrupt committee can lie about them, but about no others.
//! - [`Router`] hands over what arrives for this pallet's account.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

use alloc::vec::Vec;
use asterism_interface::{Address, Interface, Misfit, Pipeline, PipelineError, Role, Valid};
use asterism_primitives::{
	message::{BounceReason, Message, MessageId},
	AccountId, Balance, BlockNumber, ChainId, Hash, Nonce,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::marker::PhantomData;
use pallet_messages::{HandleMessage, SendError, SendMessage};
use polkadot_sdk::{
	frame_support::{
		self,
		dispatch::{DispatchResult, DispatchResultWithPostInfo},
		ensure,
		traits::{
			fungible::{InspectHold, Mutate, MutateHold},
			tokens::Precision,
			Get,
		},
		weights::Weight,
		PalletId,
	},
	frame_system,
	sp_io::hashing::blake2_256,
	sp_runtime::{traits::AccountIdConversion, DispatchError, SaturatedConversion},
};
use scale_info::TypeInfo;

mod actors;
mod announcements;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod connections;
#[cfg(test)]
mod mock;
mod pipelines;
#[cfg(test)]
mod tests;
mod types;
mod views;
pub mod weights;

pub use actors::OfActors;
pub use announcements::Router;
pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::pallet_prelude::*;
	use frame_system::pallet_prelude::*;

	/// The pallet.
	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// What the pallet needs.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config<AccountId = AccountId> {
		/// The runtime's reasons for holds.
		type RuntimeHoldReason: From<HoldReason>;
		/// The native currency.
		type Currency: Mutate<AccountId, Balance = Balance>
			+ InspectHold<AccountId, Balance = Balance, Reason = Self::RuntimeHoldReason>
			+ MutateHold<AccountId, Balance = Balance, Reason = Self::RuntimeHoldReason>;
		/// Sends messages to other chains.
		type Messages: SendMessage;
		/// The interfaces of this chain's actors.
		type Interfaces: InterfaceOf;
		/// Sends messages for users.
		type Deliver: Deliver;
		/// The pallet's account is derived from it. It must be the same on all chains.
		#[pallet::constant]
		type PalletId: Get<PalletId>;
		/// What is held for each connection, and twice for a pipeline.
		#[pallet::constant]
		type DepositPerItem: Get<Balance>;
		/// What is held for each byte of a connection or pipeline.
		#[pallet::constant]
		type DepositPerByte: Get<Balance>;
		/// Connections that an account may have.
		#[pallet::constant]
		type MaxConnections: Get<u32>;
		/// Pipelines that an account may have.
		#[pallet::constant]
		type MaxPipelines: Get<u32>;
		/// Announced interfaces that are kept for each chain, at least 1.
		#[pallet::constant]
		type MaxAnnounced: Get<u32>;
		/// Weights of the calls.
		type WeightInfo: WeightInfo;
	}

	/// Why the pallet holds value.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// For connections on record.
		Connection,
		/// For pipelines on record.
		Pipeline,
	}

	/// What is known of other chains' actors.
	#[pallet::storage]
	pub type Announced<T> = StorageDoubleMap<
		_,
		Twox64Concat,
		ChainId,
		Blake2_128Concat,
		AccountId,
		AnnouncedInterface,
		OptionQuery,
	>;

	/// The actors in [`Announced`], each in its slot.
	#[pallet::storage]
	pub type Slots<T> = StorageDoubleMap<_, Twox64Concat, ChainId, Twox64Concat, u32, AccountId, OptionQuery>;

	/// The slot that a chain's next new actor takes: a free one, or that of the oldest.
	#[pallet::storage]
	pub type Cursors<T> = StorageMap<_, Twox64Concat, ChainId, u32, ValueQuery>;

	/// Connections, by [`Pallet::connection_id`].
	#[pallet::storage]
	pub type Connections<T> = StorageMap<_, Identity, Hash, Connection, OptionQuery>;

	/// Pipelines, by [`Pallet::pipeline_id`].
	#[pallet::storage]
	pub type Pipelines<T> = StorageMap<_, Identity, Hash, Declared, OptionQuery>;

	/// How often the pipelines ran that ran at all.
	#[pallet::storage]
	pub type Runs<T> = StorageMap<_, Identity, Hash, Progress, ValueQuery>;

	/// How much each account has on record.
	#[pallet::storage]
	pub type Owners<T> = StorageMap<_, Blake2_128Concat, AccountId, Holdings, ValueQuery>;

	/// What happened to interfaces, connections and pipelines.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// The interface of an actor of this chain is on its way to another chain.
		Announced {
			/// The actor.
			actor: AccountId,
			/// The hash of its code.
			code: Hash,
			/// The other chain.
			destination: ChainId,
			/// The message's place in the channel.
			nonce: Nonce,
		},
		/// The interface of another chain's actor arrived.
		Learned {
			/// That chain.
			chain: ChainId,
			/// The actor.
			actor: AccountId,
			/// The hash of its code.
			code: Hash,
		},
		/// The interface of another chain's actor made room for a newer one.
		Forgotten {
			/// That chain.
			chain: ChainId,
			/// The actor.
			actor: AccountId,
		},
		/// An announcement came back.
		AnnouncementReturned {
			/// The chain that it was for.
			destination: ChainId,
			/// Its place in the channel.
			nonce: Nonce,
			/// Why.
			reason: BounceReason,
		},
		/// What one actor emits fits what another one accepts: that is on record.
		Connected {
			/// The connection.
			id: Hash,
			/// Who connected.
			owner: AccountId,
			/// What is connected.
			link: Link,
		},
		/// What one actor emits doesn't fit what the other one accepts: nothing is on record.
		Refused {
			/// Who wanted to connect.
			owner: AccountId,
			/// What was to be connected.
			link: Link,
			/// Where it doesn't fit, and why.
			misfit: Misfit,
		},
		/// A connection isn't on record any more.
		Disconnected {
			/// The connection.
			id: Hash,
			/// Who had connected.
			owner: AccountId,
		},
		/// A pipeline is on record.
		Declared {
			/// The pipeline.
			pipeline: Hash,
			/// Who declared it.
			owner: AccountId,
		},
		/// A pipeline can't run: it isn't on record.
		PipelineRefused {
			/// Who wanted to declare it.
			owner: AccountId,
			/// Where it is at fault, and why.
			error: PipelineError,
		},
		/// A pipeline isn't on record any more.
		Withdrawn {
			/// The pipeline.
			pipeline: Hash,
			/// Who had declared it.
			owner: AccountId,
		},
		/// A batch is on its way to the first stage of a pipeline.
		Ran {
			/// The pipeline.
			pipeline: Hash,
			/// Whose batch it is.
			by: AccountId,
			/// The number of the run, from 0.
			run: u32,
			/// The messages, one for each item, in order.
			items: Vec<MessageId>,
		},
	}

	/// Why a call is refused.
	#[pallet::error]
	pub enum Error<T> {
		/// The account has no code, or code without interface.
		NoInterface,
		/// The interface is longer than what can be announced.
		InterfaceTooLong,
		/// The root chain takes no messages.
		RootDestination,
		/// On its own chain, an actor needs no announcement.
		OwnChain,
		/// No transaction chain with this id is on record at the root chain, as far as this chain has seen.
		UnknownDestination,
		/// The channel to that chain is full until that chain catches up; try again later.
		ChannelFull,
		/// This block sends as much, or to as many chains, as it may; try again in the next block.
		BlockFull,
		/// The message has no place in the channel any more.
		Overflow,
		/// The name of a message isn't one: at most 64 letters, digits and underscores, not beginning with a digit.
		BadName,
		/// No interface of the actor that emits is known here; one of another chain must be announced.
		UnknownSender,
		/// No interface of the actor that accepts is known here; one of another chain must be announced.
		UnknownRecipient,
		/// An interface that another chain announced is not valid.
		InvalidInterface,
		/// The account has this connection already.
		AlreadyConnected,
		/// The account has as many connections as it may.
		TooManyConnections,
		/// There is no such connection.
		UnknownConnection,
		/// The pipeline has more actors than it may.
		TooManyActors,
		/// The interfaces of the pipeline's actors are too long together.
		InterfacesTooLong,
		/// The account has this pipeline already.
		AlreadyDeclared,
		/// The account has as many pipelines as it may.
		TooManyPipelines,
		/// There is no such pipeline.
		UnknownPipeline,
		/// Only the account that put it on record may remove it.
		NotOwner,
		/// There is no item in the batch.
		EmptyBatch,
		/// Since the pipeline was declared, an actor of it has changed its code, or isn't known any more: declare it again.
		Changed,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(
				T::MaxAnnounced::get() > 0,
				"at least one announced interface of each chain is kept"
			);
			let class = <T as frame_system::Config>::BlockWeights::get()
				.get(frame_support::dispatch::DispatchClass::Normal)
				.max_extrinsic;
			let most = Self::declare_weight(MAX_ACTORS)
				.max(T::WeightInfo::connect(2 * asterism_interface::MAX_ENCODED as u32))
				.max(Self::run_weight(MAX_ITEMS));
			assert!(
				class.is_none_or(|class| most.all_lte(class)),
				"the heaviest call fits into a block"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Sends the interface of an actor of this chain to another chain, where it can be connected then. Anybody may do so for
		/// any actor; what was announced of it before is replaced.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::announce().saturating_add(T::Messages::closing_weight()))]
		pub fn announce(origin: OriginFor<T>, actor: AccountId, destination: ChainId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_announce(actor, destination)
		}

		/// Puts on record that what `link.from` emits as `link.output` fits what `link.to` accepts as `link.input`. What that
		/// takes is held from the caller until it is removed.
		///
		/// If it doesn't fit, the only effect is the event `Refused`, with the path of the offender.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::connect(2 * asterism_interface::MAX_ENCODED as u32))]
		pub fn connect(origin: OriginFor<T>, link: Link) -> DispatchResultWithPostInfo {
			let bytes = Self::do_connect(ensure_signed(origin)?, link)?;
			Ok(Some(T::WeightInfo::connect(bytes)).into())
		}

		/// Removes a connection of the caller, and returns its deposit.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::disconnect())]
		pub fn disconnect(origin: OriginFor<T>, id: Hash) -> DispatchResult {
			Self::do_disconnect(ensure_signed(origin)?, id)
		}

		/// Puts a pipeline on record, if it can run. What that takes is held from the caller until it is removed.
		///
		/// If it can't, the only effect is the event `PipelineRefused`, with the path of the offender.
		#[pallet::call_index(3)]
		#[pallet::weight(Pallet::<T>::declare_weight(pipelines::actors(pipeline)))]
		pub fn declare(origin: OriginFor<T>, pipeline: Pipeline) -> DispatchResultWithPostInfo {
			let used = Self::do_declare(ensure_signed(origin)?, pipeline)?;
			Ok(Some(used).into())
		}

		/// Removes a pipeline of the caller, and returns its deposit.
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::withdraw())]
		pub fn withdraw(origin: OriginFor<T>, pipeline: Hash) -> DispatchResult {
			Self::do_withdraw(ensure_signed(origin)?, pipeline)
		}

		/// Sends each item of a batch to a replica of a pipeline's first stage: in turn, or by its key to a stage that reduces. Each
		/// is a message of the caller, with `value` of the caller's balance and with `gas`. All are sent, or none.
		#[pallet::call_index(5)]
		#[pallet::weight(Pallet::<T>::run_weight(batch.len() as u32))]
		pub fn run(
			origin: OriginFor<T>,
			pipeline: Hash,
			batch: Batch,
			#[pallet::compact] value: Balance,
			#[pallet::compact] gas: u64,
		) -> DispatchResult {
			Self::do_run(ensure_signed(origin)?, pipeline, batch, value, gas)
		}
	}
}

impl<T> From<SendError> for Error<T> {
	fn from(error: SendError) -> Self {
		use asterism_primitives::protocol::channel::ChannelError;
		match error {
			SendError::RootChain => Error::RootDestination,
			SendError::OwnChain => Error::OwnChain,
			SendError::UnknownDestination => Error::UnknownDestination,
			SendError::Channel(ChannelError::Full) => Error::ChannelFull,
			SendError::Channel(ChannelError::BatchFull)
			| SendError::TooManyFlows
			| SendError::TooManyBytes => Error::BlockFull,
			SendError::WrongBody | SendError::ValueOverflow | SendError::Channel(_) => Error::Overflow,
		}
	}
}

impl<T: Config> Pallet<T> {
	/// The pallet's account, the same on each chain.
	pub fn account() -> AccountId {
		T::PalletId::get().into_account_truncating()
	}

	/// The number of the current block.
	pub(crate) fn block() -> BlockNumber {
		frame_system::Pallet::<T>::block_number().saturated_into()
	}

	/// The hash of an actor's code, as far as this chain knows.
	pub(crate) fn code_of(address: &Address) -> Option<Hash> {
		let (chain, account) = split(address);
		if chain == T::Messages::chain_id() {
			return T::Interfaces::code_of(&account);
		}
		Some(Announced::<T>::get(chain, account)?.code)
	}

	/// That, and the actor's interface, encoded.
	pub(crate) fn interface_at(address: &Address) -> Option<(Hash, Vec<u8>)> {
		let (chain, account) = split(address);
		if chain == T::Messages::chain_id() {
			return T::Interfaces::interface_of(&account);
		}
		let known = Announced::<T>::get(chain, account)?;
		Some((known.code, known.interface.into_inner()))
	}

	/// What is held for so many items with so many bytes.
	pub(crate) fn deposit(items: u32, bytes: usize) -> Balance {
		T::DepositPerItem::get()
			.saturating_mul(items.into())
			.saturating_add(T::DepositPerByte::get().saturating_mul(bytes as Balance))
	}

	/// Changes what an account has; an account without anything isn't kept.
	pub(crate) fn note(
		owner: &AccountId,
		change: impl FnOnce(&mut Holdings) -> DispatchResult,
	) -> DispatchResult {
		let mut holdings = Owners::<T>::get(owner);
		change(&mut holdings)?;
		if holdings == Holdings::default() {
			Owners::<T>::remove(owner);
		} else {
			Owners::<T>::insert(owner, holdings);
		}
		Ok(())
	}

	#[cfg(any(test, feature = "try-runtime"))]
	#[allow(dead_code)]
	pub(crate) fn do_try_state() -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
		use alloc::collections::BTreeMap;
		let mut owners = BTreeMap::<AccountId, (Holdings, Balance, Balance)>::new();
		for (id, connection) in Connections::<T>::iter() {
			ensure!(
				Self::connection_id(&connection.owner, &connection.link) == id,
				"a connection is where it is looked for"
			);
			let (holdings, held, _) = owners.entry(connection.owner).or_default();
			holdings.connections = holdings.connections.saturating_add(1);
			*held = held.saturating_add(connection.deposit);
		}
		for (id, declared) in Pipelines::<T>::iter() {
			ensure!(
				Self::pipeline_id(&declared.owner, &declared.pipeline) == id,
				"a pipeline is where it is looked for"
			);
			ensure!(
				pipelines::actors(&declared.pipeline) as usize == declared.codes.len(),
				"the code of each actor of a pipeline is remembered"
			);
			let (holdings, _, held) = owners.entry(declared.owner).or_default();
			holdings.pipelines = holdings.pipelines.saturating_add(1);
			*held = held.saturating_add(declared.deposit);
		}
		ensure!(
			Owners::<T>::iter_keys().count() == owners.len(),
			"only who has something is counted"
		);
		for (owner, (holdings, connections, pipelines)) in owners {
			ensure!(
				Owners::<T>::get(&owner) == holdings,
				"what each account has is counted"
			);
			ensure!(
				T::Currency::balance_on_hold(&HoldReason::Connection.into(), &owner) == connections,
				"deposits for connections are held"
			);
			ensure!(
				T::Currency::balance_on_hold(&HoldReason::Pipeline.into(), &owner) == pipelines,
				"deposits for pipelines are held"
			);
		}
		ensure!(
			Runs::<T>::iter_keys().all(Pipelines::<T>::contains_key),
			"only pipelines on record ran"
		);
		for (chain, slot, account) in Slots::<T>::iter() {
			ensure!(
				slot < T::MaxAnnounced::get(),
				"slots are numbered up to the bound"
			);
			ensure!(
				Announced::<T>::get(chain, account).is_some_and(|known| known.slot == slot),
				"an actor knows its slot"
			);
		}
		ensure!(
			Announced::<T>::iter_keys().count() == Slots::<T>::iter_keys().count(),
			"each announced actor has a slot"
		);
		Ok(())
	}
}

/// An address as other pallets have it.
pub(crate) fn split(address: &Address) -> (ChainId, AccountId) {
	(ChainId(address.chain), AccountId::new(address.account))
}
