//! # Messages pallet
//!
//! Ordered channels between chains: the outbox, with a Merkle root in each block's header, and the inbox, with proof
//! verification (Thinkey §4.3, §5.2).
//!
//! ## Overview
//!
//! - **Outbox.** Other pallets send by [`SendMessage`]. All messages of a block for one destination are a batch; the
//!   header's [`Traffic`] holds the root over all batches. Messages stay in state until they are acknowledged, so they
//!   can be delivered, with their proof, after an outage of any length.
//! - **Inbox.** The inherent [`Call::deliver`] brings in batches with their proofs against anchors that this block's root
//!   view has read. They are accepted by the rules of [`protocol::channel`](asterism_primitives::protocol::channel):
//!   exactly once and in order.
//! - **Execution.** [`Config::Handler`] executes each message, or refuses and leaves no trace; then the value goes
//!   back to the sender in a message of the opposite channel.
//!
//! ## Flow
//!
//! ```text
//!   pallet ──SendMessage::send──► Outbounds, Messages ──on_finalize──► Outboxes, digest: traffic
//!                                                                           │ checkpoint
//!                                                                       root chain
//!                                                                           │ root view
//!   Handler ◄──each, in order── Inbounds ◄──Delivery::verify── deliver ◄────┘
//!      └─refused─► bounce: Outbounds of the opposite channel
//! ```
//!
//! A block runs `RootView::set` first: acknowledgements in it make room, anchors in it verify deliveries, and the chains
//! that it lists are those that can be sent to.
//!
//! ## Merging
//!
//! Deposits of a block with the same sender, recipient and currency become one message (Thinkey §5.6). Their values are added up
//! when the block ends, before anything is hashed, so a deposit takes the same time however many messages the batch has.
//!
//! ## Conservation
//!
//! The caller of [`SendMessage::send`] has burned what the message carries; the handler mints what it keeps. The flows
//! of a block's [`Traffic`] are the exact sums over its messages: per peer and currency, outflows less inflows
//! is what the block has burned less what it has minted. An accepted message that bounces is an inflow and an outflow.
//!
//! ## Assumptions
//!
//! - `deliver` is mandatory: a block with a delivery that is not acceptable is invalid as a whole, so a proposer's
//!   [`ProvideInherent::create_inherent`](frame_support::inherent::ProvideInherent::create_inherent) leaves such
//!   deliveries out, by the same checks.
//! - A delivery's value is covered by what is in flight at the root chain: its leaf in the outbox commits to
//!   the value, and the root chain has checked the leaf against the outflow that it booked.
//! - Half of a channel's places are reserved for values that go back, and a delivery is accepted only if all of it
//!   could go back: so a bounce never fails.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

use alloc::vec::Vec;
use asterism_primitives::{
	digest::{self, Received, Sent, Traffic, MAX_FLOWS, MAX_PEERS},
	inherents::{Deliveries, DELIVERIES},
	message::{
		batch_root, batch_value, outbox_root, value_hash, BounceReason, Delivery, Message, MessageBody,
		Messages as Batched, OutboxLeaf,
	},
	protocol::{
		channel::{ChannelError, Inbound, Outbound, MAX_BATCH},
		ledger::Flow,
	},
	AccountId, Balance, BlockNumber, ChainId, CurrencyId, Hash, Nonce,
};
use codec::{Decode, Encode, MaxEncodedLen};
use pallet_root_view::{OnAcknowledged, RootState};
use polkadot_sdk::{
	frame_support::{self, traits::Get, weights::Weight},
	frame_system,
	sp_inherents::{InherentData, InherentIdentifier, IsFatalError},
	sp_runtime::SaturatedConversion,
};
use scale_info::TypeInfo;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod inbox;
#[cfg(test)]
mod mock;
mod outbox;
#[cfg(test)]
mod tests;
mod types;
pub mod weights;

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
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// The root view. It must run before this pallet in a block.
		type RootState: RootState;
		/// Executes the messages.
		type Handler: HandleMessage;
		/// Messages that one block takes in. Below [`MAX_BATCH`], a full batch could never be delivered.
		#[pallet::constant]
		type MaxDeliveries: Get<u32>;
		/// Weights of calls and hooks.
		type WeightInfo: WeightInfo;
	}

	/// This chain's end of the channel to each destination.
	#[pallet::storage]
	pub type Outbounds<T> = StorageMap<_, Twox64Concat, ChainId, Outbound, ValueQuery>;

	/// This chain's end of the channel from each source.
	#[pallet::storage]
	pub type Inbounds<T> = StorageMap<_, Twox64Concat, ChainId, Inbound, ValueQuery>;

	/// The messages to a destination in a block, until they are acknowledged.
	#[pallet::storage]
	pub type Messages<T> =
		StorageDoubleMap<_, Twox64Concat, ChainId, Twox64Concat, BlockNumber, Batched, ValueQuery>;

	/// The outbox of a block, until all its batches are acknowledged.
	#[pallet::storage]
	pub type Outboxes<T> = StorageMap<_, Twox64Concat, BlockNumber, BlockOutbox, OptionQuery>;

	/// The messages that bounced, by destination and the remainder of the nonce by [`BOUNCES`].
	#[pallet::storage]
	pub type Bounces<T> =
		StorageDoubleMap<_, Twox64Concat, ChainId, Twox64Concat, u32, (Nonce, BounceReason), OptionQuery>;

	/// The deposits of the current block by destination, sender, recipient and currency: those after the first are merged with
	/// it. Empty between blocks.
	#[pallet::storage]
	pub type OpenDeposits<T> = StorageDoubleMap<
		_,
		Twox64Concat,
		ChainId,
		Blake2_128Concat,
		(AccountId, AccountId, CurrencyId),
		OpenDeposit,
		OptionQuery,
	>;

	/// The traffic of the current block so far.
	#[pallet::storage]
	pub type Current<T> = StorageValue<_, BlockTraffic, ValueQuery>;

	/// What happened to messages.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A message is on its way. There is one event for each part of a message that was merged.
		Sent {
			/// To which chain.
			destination: ChainId,
			/// Its place in the channel.
			nonce: Nonce,
			/// The account that sent it.
			sender: AccountId,
			/// The account it is for.
			recipient: AccountId,
			/// The currency of the value.
			currency: CurrencyId,
			/// The value that left.
			value: Balance,
		},
		/// A message from another chain has been executed.
		Delivered {
			/// From which chain.
			source: ChainId,
			/// Its place in the channel.
			nonce: Nonce,
		},
		/// A message from another chain could not be executed; its value goes back.
		Refused {
			/// From which chain.
			source: ChainId,
			/// Its place in the channel.
			nonce: Nonce,
			/// Why.
			reason: BounceReason,
			/// The place of the message that takes the value back, in the opposite channel.
			returned: Nonce,
		},
		/// A message of this chain could not be executed at its destination; its value came back.
		Bounced {
			/// To which chain it went.
			destination: ChainId,
			/// Its place in the channel.
			nonce: Nonce,
			/// Why.
			reason: BounceReason,
		},
	}

	/// Why deliveries are refused. It is a mandatory inherent: a block with such a call is invalid.
	#[pallet::error]
	#[derive(PartialEq, Eq)]
	pub enum Error<T> {
		/// This block has its deliveries already.
		AlreadyDelivered,
		/// There is no delivery in the call.
		NothingToDeliver,
		/// A delivery is from this chain itself, or from the root chain.
		BadSource,
		/// The root view of this block has not read the anchor of a delivery's block.
		UnknownAnchor,
		/// A delivery has no messages.
		Empty,
		/// The messages of a delivery are not in order.
		NotConsecutive,
		/// A delivery was not sent by its block, in this form, to this chain.
		BadProof,
		/// The values of the messages don't fit into 128 bits.
		ValueOverflow,
		/// A delivery was taken in before.
		Repeated,
		/// Messages before a delivery have not been taken in yet.
		Gap,
		/// A batch has more messages than it may, or its nonces don't fit into 64 bits.
		BadBatch,
		/// More messages than one block takes in.
		TooManyMessages,
		/// Messages from, or value of, more chains and currencies than one block takes in.
		TooManyFlows,
		/// The channel back to the source has no room for all that could bounce.
		NoRoomToBounce,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_initialize(_: BlockNumberFor<T>) -> Weight {
			// What each message adds to it is part of the weight of what sends it.
			T::WeightInfo::on_finalize(0)
		}

		fn on_finalize(number: BlockNumberFor<T>) {
			Self::close_outbox(number.saturated_into());
		}

		fn integrity_test() {
			assert!(
				T::MaxDeliveries::get() >= MAX_BATCH,
				"a full batch can be delivered"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Takes in batches of messages from other chains. At most once a block.
		#[pallet::call_index(0)]
		#[pallet::weight((
			Pallet::<T>::deliver_weight(
				deliveries.len() as u32,
				deliveries.iter().map(|delivery| delivery.messages.len() as u32).fold(0, u32::saturating_add),
			),
			DispatchClass::Mandatory,
		))]
		pub fn deliver(origin: OriginFor<T>, deliveries: Vec<Delivery>) -> DispatchResult {
			ensure_none(origin)?;
			Self::do_deliver(deliveries)
		}
	}

	#[pallet::inherent]
	impl<T: Config> ProvideInherent for Pallet<T> {
		type Call = Call<T>;
		type Error = InherentError;
		const INHERENT_IDENTIFIER: InherentIdentifier = DELIVERIES;

		fn create_inherent(data: &InherentData) -> Option<Self::Call> {
			let deliveries = Self::acceptable(data);
			(!deliveries.is_empty()).then_some(Call::deliver { deliveries })
		}

		fn is_inherent(call: &Self::Call) -> bool {
			matches!(call, Call::deliver { .. })
		}
	}
}
