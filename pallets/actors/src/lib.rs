//! # Actors pallet
//!
//! Accounts as actors that act upon each other by messages (Thinkey §5.1 to §5.4): plain accounts, which hold a balance of the
//! native currency, and accounts with uploaded code, which handle the messages that they receive.
//!
//! ## Overview
//!
//! - [`Call::transfer`] sends value to an account of any transaction chain. On the same chain it is there at once; to another
//!   one it is burned here, travels, and is minted there (`add` of Thinkey §5.4). No code is called.
//! - [`Call::upload`] puts WebAssembly on record, [`Call::instantiate`] creates an actor from it, [`Call::call`] sends a message
//!   to an account: on the same chain, into the queue; to another chain, into the outbox.
//! - The **queue** holds the messages for accounts of this chain, turn by turn for each recipient ([`asterism_order::queue`]).
//!   What an earlier block left is executed first, with a bounded share of the block, then transactions, then what there is time
//!   for.
//! - An actor handles a message alone, by [`asterism_actor_vm::run`]. Its effects are applied together or not at all: storage,
//!   new actors, messages, the code for the next message.
//! - [`HandleMessage`] takes in what arrives from other chains: deposits, calls, and what comes back.
//! - A **pot**, an account of this pallet, takes in dust, holds what is in transit, and keeps what came back for accounts that
//!   can't hold it.
//!
//! ## Flow
//!
//! ```text
//!  call, instantiate ──► transit, queue ◄── receive ◄── other chains
//!                          │    ▲
//!                    step: │    └─ inner messages, bounces to actors
//!                          ▼    │
//!      plain account: value     │
//!      code: run ──► effects ───┴─► outer messages: burn ──► SendMessage::send ──► other chains
//!               └──► failure: the value goes back ──► sender here, or SendMessage::send_back
//! ```
//!
//! ## Order and names
//!
//! Each message has a [`MessageId`]. [`Event::Relayed`] names the message that caused it, and [`Event::Processed`] tells what became
//! of it: so a trace can be followed from an external message through all actors, and over chains by nonces ([`Pallet::hops`]).
//! What a block has processed is a processing order as in
//! Thinkey §5.3; tests and `try-runtime` derive it and check that it can have happened (theorem 1).
//!
//! ## Deposits
//!
//! Code is paid for by a hold on its uploader's balance; an actor and its storage by one on the actor's own. Who creates an actor
//! pays that deposit and the minimum balance. Holds follow what is stored, and are returned when it is removed: to the actor, or,
//! if it ends, to its heir. An account whose actor has ended may become the same actor again, if its creator creates it again.
//!
//! ## Conservation
//!
//! Value is minted only for a message that brings it, and burned only for one that takes it away. Dust is not burned:
//! with [`DustToPot`] it stays in circulation. So this chain's issuance is its genesis issuance, plus inflows, less
//! outflows, exactly. What the pot holds in transit is what queued messages, and those that wait to go back, bring.
//!
//! ## Bounds
//!
//! - Gas of a message: [`Config::MaxGas`], which fits into what is set aside for the queue at the beginning of a block. So the
//!   first message is always executed in the next block, whatever else the block does.
//! - Messages that wait, for one recipient and together, and how many cause each other: [`Config::QueueLimits`]. What finds no
//!   place goes back to its sender; a call by a user is refused.
//!
//! ## Assumptions
//!
//! - The pot has the existential deposit from genesis on and never goes below it.
//! - The currency's `DustRemoval` is [`DustToPot`].
//! - Nobody has the key of an actor's account, which is a hash.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

use alloc::vec::Vec;
use asterism_order::queue::{Limits, Span, State as QueueState, Waiting};
use asterism_primitives::{
	message::{Body, BounceReason, Message, MessageBody},
	AccountId, Balance, BlockNumber, ChainId, CurrencyId, Hash, Nonce,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::marker::PhantomData;
use pallet_messages::{HandleMessage, Payload, SendError, SendMessage};
use polkadot_sdk::{
	frame_support::{
		self,
		dispatch::DispatchResult,
		ensure,
		traits::{
			fungible::{Balanced, Credit, Inspect, InspectHold, Mutate, MutateHold},
			tokens::{DepositConsequence, Fortitude, Precision, Preservation, Provenance, Restriction},
			Get, Imbalance, OnUnbalanced, UnixTime,
		},
		weights::{Weight, WeightMeter},
		PalletId,
	},
	frame_system,
	sp_io::hashing::blake2_256,
	sp_runtime::{traits::AccountIdConversion, DispatchError, Perbill, SaturatedConversion},
};
use scale_info::TypeInfo;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod calls;
mod codes;
mod execute;
mod handler;
mod hops;
#[cfg(test)]
mod mock;
mod queue;
#[cfg(test)]
mod tests;
mod trace;
mod types;
mod value;
pub mod weights;

pub use codes::actor_account;
pub use pallet::*;
pub use types::*;
pub use weights::WeightInfo;

pub(crate) use queue::Store;

/// Values that a block tries to send back to chains whose channels had no room.
pub const RETURNS_A_BLOCK: u32 = 16;

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::{pallet_prelude::*, DefaultNoBound};
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
			+ Balanced<AccountId, Balance = Balance>
			+ InspectHold<AccountId, Balance = Balance, Reason = Self::RuntimeHoldReason>
			+ MutateHold<AccountId, Balance = Balance, Reason = Self::RuntimeHoldReason>;
		/// Sends messages to other chains.
		type Messages: SendMessage;
		/// The time of the block, as actors see it.
		type Time: UnixTime;
		/// The pot's account is derived from it.
		#[pallet::constant]
		type PotId: Get<PalletId>;
		/// What is held for each actor, each key of an actor's storage, and twice for code.
		#[pallet::constant]
		type DepositPerItem: Get<Balance>;
		/// What is held for each byte of code, interfaces, and keys and values of actors' storage.
		#[pallet::constant]
		type DepositPerByte: Get<Balance>;
		/// Picoseconds of a gas on the reference machine, at most.
		#[pallet::constant]
		type WeightPerGas: Get<u64>;
		/// Gas that a message may carry.
		#[pallet::constant]
		type MaxGas: Get<u64>;
		/// The part of a block that is set aside for messages which earlier blocks left in the queue.
		#[pallet::constant]
		type QueueShare: Get<Perbill>;
		/// How many messages may wait, and cause each other.
		#[pallet::constant]
		type QueueLimits: Get<Limits>;
		/// Weights of the calls.
		type WeightInfo: WeightInfo;
	}

	/// Why the pallet holds value.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// In the pot: it belongs to messages that are not processed yet.
		Transit,
		/// From who uploaded code: for its storage.
		Code,
		/// From an actor: for itself and its storage.
		Storage,
	}

	/// Value in the pot that belongs to an account, which could not hold it when it came back.
	#[pallet::storage]
	pub type Unclaimed<T> = StorageMap<_, Blake2_128Concat, AccountId, Balance, ValueQuery>;

	/// Code by its hash.
	#[pallet::storage]
	pub type Codes<T> = StorageMap<_, Identity, Hash, CodeInfo, OptionQuery>;

	/// The modules by their hash.
	#[pallet::storage]
	pub type CodeBytes<T> = StorageMap<_, Identity, Hash, CodeBytesOf, OptionQuery>;

	/// The interfaces of code, as uploaded with it, by the code's hash. Each is a
	/// [`Valid`](asterism_interface::Valid) one.
	#[pallet::storage]
	pub type Interfaces<T> = StorageMap<_, Identity, Hash, InterfaceBytes, OptionQuery>;

	/// The accounts with code.
	#[pallet::storage]
	pub type Actors<T> = StorageMap<_, Blake2_128Concat, AccountId, ActorInfo, OptionQuery>;

	/// The storage of actors.
	#[pallet::storage]
	pub type Stored<T> =
		StorageDoubleMap<_, Blake2_128Concat, AccountId, Blake2_128Concat, Key, Value, OptionQuery>;

	/// The queue: its ring, and how many messages wait.
	#[pallet::storage]
	pub type Waits<T> = StorageValue<_, QueueState, ValueQuery>;

	/// The queue: the recipients in the ring.
	#[pallet::storage]
	pub type Turns<T> = StorageMap<_, Twox64Concat, u32, AccountId, OptionQuery>;

	/// The queue: where a recipient's messages are.
	#[pallet::storage]
	pub type Mailboxes<T> = StorageMap<_, Blake2_128Concat, AccountId, Span, ValueQuery>;

	/// The queue: the messages, by recipient.
	#[pallet::storage]
	pub type Mail<T> =
		StorageDoubleMap<_, Blake2_128Concat, AccountId, Twox64Concat, u32, Waiting<Queued>, OptionQuery>;

	/// The last block in which a message was sent for this chain, and how many there were.
	#[pallet::storage]
	pub type Serial<T> = StorageValue<_, (BlockNumber, u32), ValueQuery>;

	/// Values that wait for a channel to have room, to go back to another chain. Together with the queue there are at most as many
	/// as the queue may hold, and those that were queued before.
	#[pallet::storage]
	pub type Returns<T> = StorageMap<_, Twox64Concat, u32, Return, OptionQuery>;

	/// The positions of [`Returns`]: the first, and the one after the last.
	#[pallet::storage]
	pub type ReturnSpan<T> = StorageValue<_, (u32, u32), ValueQuery>;

	/// What the block has processed, for the check of its order. Only tests and `try-runtime` write it, and it is empty between
	/// blocks; the weight of a block bounds it.
	#[pallet::storage]
	#[pallet::unbounded]
	pub type Trace<T> = StorageValue<_, Vec<TraceStep>, ValueQuery>;

	/// Endows the pot with the existential deposit, unless the balances at genesis have done so.
	#[pallet::genesis_config]
	#[derive(DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		#[serde(skip)]
		#[allow(missing_docs)]
		pub _config: PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			let (pot, minimum) = (Pallet::<T>::pot(), T::Currency::minimum_balance());
			if T::Currency::balance(&pot) < minimum {
				T::Currency::mint_into(&pot, minimum).expect("actors: the pot can be endowed at genesis");
			}
		}
	}

	/// What happened to value, code and messages.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// An account sent value.
		Transferred {
			/// The account.
			from: AccountId,
			/// The account that it is for.
			to: Address,
			/// How much.
			amount: Balance,
			/// The message's place in the channel; none if the recipient is on this chain and has it already.
			nonce: Option<Nonce>,
		},
		/// Value from an account of another chain was deposited.
		Deposited {
			/// The account that sent it.
			from: Address,
			/// The account that has it now.
			to: AccountId,
			/// How much.
			amount: Balance,
		},
		/// Value that could not be deposited at its destination came back.
		Bounced {
			/// The account that had sent it, and has it again.
			to: AccountId,
			/// The account that it was sent to.
			from: Address,
			/// How much.
			amount: Balance,
			/// Why.
			reason: BounceReason,
			/// Whether the account can't hold so little, and the pot keeps it.
			unclaimed: bool,
		},
		/// A plain account received a message.
		Received {
			/// Who sent it.
			from: Address,
			/// The account.
			to: AccountId,
			/// The value that it brought.
			amount: Balance,
			/// What it said.
			body: Body,
		},
		/// Code was uploaded.
		Uploaded {
			/// Its hash.
			code: Hash,
			/// Who uploaded it.
			owner: AccountId,
			/// What is held for it.
			deposit: Balance,
		},
		/// Code was removed, and what was held for it returned.
		Removed {
			/// Its hash.
			code: Hash,
			/// Who had uploaded it.
			owner: AccountId,
		},
		/// There is a new actor.
		Created {
			/// Its account.
			actor: AccountId,
			/// Who created it.
			creator: AccountId,
			/// The hash of its code.
			code: Hash,
		},
		/// A user sent a message.
		Called {
			/// The message.
			id: MessageId,
			/// The user.
			from: AccountId,
			/// Whom it is for.
			to: Address,
			/// The value that it brings.
			value: Balance,
		},
		/// A message that another one caused is on its way, here or to another chain.
		Relayed {
			/// The message.
			id: MessageId,
			/// The message that caused it.
			parent: Option<MessageId>,
			/// Whom it is for.
			to: Address,
		},
		/// An actor's message found no place here, or couldn't leave for another chain, and goes back.
		Unsent {
			/// The message.
			id: MessageId,
			/// The message that caused it.
			parent: Option<MessageId>,
			/// Whom it was for.
			to: Address,
			/// Why.
			reason: BounceReason,
		},
		/// A message for an actor arrived from another chain, or came back from there, and is in the queue.
		Arrived {
			/// The message.
			id: MessageId,
		},
		/// A message from the queue was processed.
		Processed {
			/// The message.
			id: MessageId,
			/// The message whose processing sent it; none if it is external, or from another chain.
			parent: Option<MessageId>,
			/// The account that it was for.
			recipient: AccountId,
			/// What became of it.
			outcome: Outcome,
			/// The gas that its processing used, without what it passed on.
			gas_used: u64,
		},
		/// The pot gave an account what it kept for it.
		Claimed {
			/// The account.
			account: AccountId,
			/// How much.
			amount: Balance,
		},
		/// There is an actor less.
		Ended {
			/// Its account.
			actor: AccountId,
			/// Who has now what it had.
			heir: AccountId,
			/// How much that was, with its deposit.
			amount: Balance,
		},
	}

	/// Why a call is refused.
	#[pallet::error]
	pub enum Error<T> {
		/// There is nothing to transfer.
		ZeroAmount,
		/// The root chain takes no messages.
		RootDestination,
		/// No transaction chain with this id is on record at the root chain, as far as this chain has seen.
		UnknownDestination,
		/// The channel to that chain is full until that chain catches up; try again later.
		ChannelFull,
		/// This block sends as many messages, to as many chains, as it may; try again in the next block.
		BlockFull,
		/// The message has no place in the channel any more, or the block's value doesn't fit into 128 bits.
		Overflow,
		/// The pot keeps nothing for the account.
		NothingToClaim,
		/// What the pot keeps for the account is less than it can hold; it is paid out with the next deposit.
		StillBelowMinimum,
		/// This block sends as many bytes to that chain as it may; try again in the next block.
		BytesFull,
		/// Such code is on record already.
		AlreadyUploaded,
		/// The code is longer than code may be.
		CodeTooLong,
		/// The code is not a valid WebAssembly module.
		MalformedCode,
		/// The code uses floating point, whose results are not the same everywhere.
		FloatInCode,
		/// The code uses what came to WebAssembly after 1.0, but for sign extension.
		UnsupportedCode,
		/// The code has a start function.
		CodeHasStart,
		/// The code imports what is not a host function of that name and signature.
		UnknownImport,
		/// The code doesn't export `handle`, a function without parameters and results.
		NoHandle,
		/// The code doesn't export `memory`, a memory of its own.
		NoMemory,
		/// The code has more types, functions, globals, memory or the like than it may.
		CodeExceedsLimit,
		/// A segment of the code's data or elements doesn't fit into its memory or table.
		BadSegment,
		/// A function of the code has too many locals or branches.
		CodeTooComplex,
		/// Loading the code takes more gas than a message may carry.
		CodeTooHeavy,
		/// The interface doesn't decode, exceeds a limit, or describes what can't be sent.
		InvalidInterface,
		/// There is no code with this hash.
		UnknownCode,
		/// Only who uploaded the code may remove it.
		NotOwner,
		/// Actors have this code.
		CodeInUse,
		/// There is an actor from this code and salt of this creator already.
		AlreadyCreated,
		/// The message carries more gas than it may.
		TooMuchGas,
		/// The message carries less gas than loading the recipient's code takes.
		TooLittleGas,
		/// The body is longer than it may be.
		BodyTooLong,
		/// The message brings no value, and there is no account to take it.
		NoRecipient,
		/// The recipient doesn't exist, and can't hold so little.
		BelowMinimum,
		/// The recipient can't take the value.
		RecipientUnable,
		/// As many messages wait for the recipient as may; try again later.
		MailboxFull,
		/// As many messages wait on this chain as may; try again later.
		QueueFull,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// After the inherents, so that the block has its time, and the channels the room that acknowledgements have made.
		fn on_poll(_: BlockNumberFor<T>, meter: &mut WeightMeter) {
			let share = Self::queue_share().min(meter.remaining());
			let mut own = WeightMeter::with_limit(share);
			Self::flush_returns(&mut own);
			Self::work(&mut own);
			meter.consume(own.consumed());
		}

		fn on_idle(_: BlockNumberFor<T>, remaining: Weight) -> Weight {
			let mut meter = WeightMeter::with_limit(remaining);
			Self::work(&mut meter);
			meter.consumed()
		}

		#[cfg(any(test, feature = "try-runtime"))]
		fn on_finalize(_: BlockNumberFor<T>) {
			if let Err(error) = trace::check::<T>() {
				log::error!(target: LOG, "{error}");
				#[cfg(test)]
				panic!("{error}");
			}
		}

		fn integrity_test() {
			let returns = T::WeightInfo::give_back().saturating_mul(RETURNS_A_BLOCK.into());
			let first = Self::step_weight(T::MaxGas::get())
				.saturating_add(T::WeightInfo::peek())
				.saturating_add(returns);
			assert!(
				first.all_lte(Self::queue_share()),
				"a message with all the gas that it may carry fits into the queue's share of a block"
			);
			assert!(
				T::QueueLimits::get().depth <= u8::MAX.into(),
				"depths fit into messages between chains"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Transfers `amount` of the native currency to an account of any transaction chain on record at the root chain. An account that is left with
		/// less than the existential deposit ends, and the rest is lost to it.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::transfer().saturating_add(T::Messages::closing_weight()))]
		pub fn transfer(
			origin: OriginFor<T>,
			destination: Address,
			#[pallet::compact] amount: Balance,
		) -> DispatchResult {
			let from = ensure_signed(origin)?;
			ensure!(amount > 0, Error::<T>::ZeroAmount);
			ensure!(!destination.chain.is_root(), Error::<T>::RootDestination);
			let nonce = if destination.chain == T::Messages::chain_id() {
				T::Currency::transfer(&from, &destination.account, amount, Preservation::Expendable)?;
				None
			} else {
				T::Currency::burn_from(
					&from,
					amount,
					Preservation::Expendable,
					Precision::Exact,
					Fortitude::Polite,
				)?;
				let payload = Payload {
					sender: from.clone(),
					recipient: destination.account.clone(),
					currency: CurrencyId::NATIVE,
					value: amount,
					body: MessageBody::Add,
				};
				Some(T::Messages::send(destination.chain, payload).map_err(Error::<T>::from)?)
			};
			Self::deposit_event(Event::Transferred {
				from,
				to: destination,
				amount,
				nonce,
			});
			Ok(())
		}

		/// Pays an account what the pot keeps for it. Anybody may call it for anybody.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::claim())]
		pub fn claim(origin: OriginFor<T>, account: AccountId) -> DispatchResult {
			ensure_signed(origin)?;
			ensure!(Unclaimed::<T>::contains_key(&account), Error::<T>::NothingToClaim);
			ensure!(Self::release(&account), Error::<T>::StillBelowMinimum);
			Ok(())
		}

		/// Uploads code, with its interface if it has one. What that takes is held from the caller until it is removed.
		///
		/// Its hash is the Blake2 hash of 256 bits of the module.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::upload(
			code.len() as u32,
			interface.as_ref().map_or(0, |interface| interface.len() as u32),
		))]
		pub fn upload(
			origin: OriginFor<T>,
			code: CodeBytesOf,
			interface: Option<InterfaceBytes>,
		) -> DispatchResult {
			Self::do_upload(ensure_signed(origin)?, code, interface)
		}

		/// Removes code that the caller uploaded, and that no actor has any more.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::remove())]
		pub fn remove(origin: OriginFor<T>, code: Hash) -> DispatchResult {
			Self::do_remove(ensure_signed(origin)?, code)
		}

		/// Creates an actor from uploaded code, and sends it its first message. Beside that message's value, the caller pays the
		/// actor's deposit and the existential deposit.
		///
		/// The account is [`actor_account`].
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::instantiate())]
		pub fn instantiate(
			origin: OriginFor<T>,
			code: Hash,
			salt: [u8; 32],
			#[pallet::compact] value: Balance,
			#[pallet::compact] gas: u64,
			body: Body,
		) -> DispatchResult {
			Self::do_instantiate(ensure_signed(origin)?, code, salt, value, gas, body).map(|_| ())
		}

		/// Sends a message to an account of any transaction chain on record at the root chain, with value and gas for the code
		/// that handles it. It is processed after this call, in this block or a later one.
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::call().saturating_add(T::Messages::closing_weight()))]
		pub fn call(
			origin: OriginFor<T>,
			destination: Address,
			#[pallet::compact] value: Balance,
			#[pallet::compact] gas: u64,
			body: Body,
		) -> DispatchResult {
			Self::do_call(ensure_signed(origin)?, destination, value, gas, body).map(|_| ())
		}
	}
}

const LOG: &str = "runtime::actors";

impl<T> From<SendError> for Error<T> {
	fn from(error: SendError) -> Self {
		use asterism_primitives::protocol::channel::ChannelError;
		match error {
			SendError::RootChain => Error::RootDestination,
			SendError::UnknownDestination => Error::UnknownDestination,
			SendError::Channel(ChannelError::Full) => Error::ChannelFull,
			SendError::Channel(ChannelError::BatchFull) | SendError::TooManyFlows => Error::BlockFull,
			// A transfer within this chain is not sent.
			SendError::TooManyBytes => Error::BytesFull,
			SendError::OwnChain | SendError::WrongBody | SendError::ValueOverflow | SendError::Channel(_) => {
				Error::Overflow
			}
		}
	}
}

impl<T: Config> Pallet<T> {
	/// The part of a block that is set aside for what waits in the queue.
	pub(crate) fn queue_share() -> Weight {
		let block = <T as frame_system::Config>::BlockWeights::get().max_block;
		T::QueueShare::get() * block
	}

	#[cfg(any(test, feature = "try-runtime"))]
	#[allow(dead_code)]
	pub(crate) fn do_try_state() -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
		use alloc::collections::BTreeMap;
		let kept = Unclaimed::<T>::iter_values()
			.try_fold(T::Currency::minimum_balance(), Balance::checked_add)
			.ok_or("what the pot keeps fits into 128 bits")?;
		let pot = Self::pot();
		ensure!(
			T::Currency::balance(&pot) >= kept,
			"the pot has its existential deposit and all that it keeps for accounts"
		);
		let queued = Mail::<T>::iter_values().map(|waiting| waiting.payload.value);
		let returning = Returns::<T>::iter_values().map(|back| back.value);
		let transit = queued
			.chain(returning)
			.try_fold(0, Balance::checked_add)
			.ok_or("what is in transit fits into 128 bits")?;
		ensure!(
			T::Currency::balance_on_hold(&HoldReason::Transit.into(), &pot) == transit,
			"the pot holds what waiting messages bring"
		);
		Self::queue().audit().map_err(|_| "the queue is consistent")?;
		ensure!(
			Mail::<T>::iter_keys().count() == Self::queue().len() as usize,
			"each message is in the queue"
		);
		ensure!(
			Returns::<T>::iter_keys().count() == Self::returns_waiting() as usize,
			"values that go back are where they are looked for"
		);

		let mut users = BTreeMap::<Hash, u32>::new();
		for (account, actor) in Actors::<T>::iter() {
			let (mut items, mut bytes) = (0u32, 0u64);
			for (key, value) in Stored::<T>::iter_prefix(&account) {
				items = items.saturating_add(1);
				bytes = bytes.saturating_add((key.len() as u64).saturating_add(value.len() as u64));
			}
			ensure!(
				(items, bytes) == (actor.items, actor.bytes),
				"an actor's storage is counted"
			);
			ensure!(
				T::Currency::balance_on_hold(&HoldReason::Storage.into(), &account) == actor.deposit,
				"an actor's deposit is held"
			);
			*users.entry(actor.code).or_default() += 1;
		}
		let mut deposits = BTreeMap::<AccountId, Balance>::new();
		for (hash, code) in Codes::<T>::iter() {
			ensure!(CodeBytes::<T>::contains_key(hash), "code on record is there");
			ensure!(
				code.users == users.remove(&hash).unwrap_or(0),
				"the users of code are counted"
			);
			let sum = deposits.entry(code.owner).or_default();
			*sum = sum.saturating_add(code.deposit);
		}
		ensure!(users.is_empty(), "each actor's code is on record");
		for (owner, deposit) in deposits {
			ensure!(
				T::Currency::balance_on_hold(&HoldReason::Code.into(), &owner) == deposit,
				"deposits for code are held"
			);
		}
		Ok(())
	}
}

/// Gives the pot what is left of accounts that end, so that no issuance is lost.
pub struct DustToPot<T>(PhantomData<T>);

impl<T: Config> OnUnbalanced<Credit<AccountId, T::Currency>> for DustToPot<T> {
	fn on_nonzero_unbalanced(dust: Credit<AccountId, T::Currency>) {
		let amount = dust.peek();
		if T::Currency::resolve(&Pallet::<T>::pot(), dust).is_err() {
			log::error!(target: LOG, "the pot can't take {amount} of dust");
		}
	}
}
