//! What is kept of code, actors and messages.

use super::*;
use asterism_actor_vm::abi;
use asterism_interface::MAX_ENCODED;
use asterism_primitives::message::{Body, Call as Said};
use polkadot_sdk::sp_core::{bounded::BoundedVec, ConstU32};

pub use asterism_primitives::message::{MessageId, Outcome};

/// A module of WebAssembly.
pub type CodeBytesOf = BoundedVec<u8, ConstU32<{ abi::MAX_CODE }>>;
/// An encoded interface.
pub type InterfaceBytes = BoundedVec<u8, ConstU32<{ MAX_ENCODED as u32 }>>;
/// A key of an actor's storage.
pub type Key = BoundedVec<u8, ConstU32<{ abi::MAX_KEY }>>;
/// A value of an actor's storage.
pub type Value = BoundedVec<u8, ConstU32<{ abi::MAX_VALUE }>>;

// Messages between chains hold what actors may say.
const _: () = assert!(asterism_primitives::message::MAX_BODY == abi::MAX_BODY);
const _: () = assert!(asterism_primitives::message::MAX_REASON == abi::MAX_REASON);
// One processing sends all messages of the code, the first ones of its creations, and one that goes back.
const _: () = assert!(abi::MAX_SENDS + abi::MAX_CREATIONS < asterism_order::order::MAX_SENDS);

/// An account of the network.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Address {
	/// Its chain.
	pub chain: ChainId,
	/// Its id there.
	pub account: AccountId,
}

impl From<&Address> for abi::Address {
	fn from(address: &Address) -> Self {
		abi::Address {
			chain: address.chain.0,
			account: address.account.clone().into(),
		}
	}
}

impl From<abi::Address> for Address {
	fn from(address: abi::Address) -> Self {
		Address {
			chain: ChainId(address.chain),
			account: AccountId::new(address.account),
		}
	}
}

/// How a message came about (Thinkey §5.2).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum Kind {
	/// A user of this chain signed it.
	External,
	/// An actor sent it, or it is from another chain.
	Relay,
	/// The recipient had sent it, and it came back.
	Bounce {
		/// Why.
		reason: BounceReason,
	},
}

/// A message in the queue. The pot holds its value in transit.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Queued {
	/// Its name.
	pub id: MessageId,
	/// The message whose processing sent it; none if none did, on this chain.
	pub parent: Option<MessageId>,
	/// Who sent it; of a bounce, whom it had been sent to.
	pub sender: Address,
	/// How it came about.
	pub kind: Kind,
	/// The value that it brings, in the native currency's smallest unit.
	pub value: Balance,
	/// The gas that it carries, at most [`Config::MaxGas`].
	pub gas: u64,
	/// What it says.
	pub body: Body,
}

/// Value that goes back to another chain as soon as the channel has room. The pot holds it in transit until then.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Return {
	/// The chain that it came from.
	pub source: ChainId,
	/// The place of the message that brought it, in the channel from there.
	pub nonce: Nonce,
	/// The account that couldn't take it.
	pub from: AccountId,
	/// The account that it goes back to.
	pub to: AccountId,
	/// How much.
	pub value: Balance,
	/// Why.
	pub reason: BounceReason,
	/// What the message said.
	pub call: Said,
}

/// What is on record of code.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct CodeInfo {
	/// Who uploaded it, and may remove it.
	pub owner: AccountId,
	/// What is held from the owner for it.
	pub deposit: Balance,
	/// How many actors have it. It can't be removed while there are any.
	pub users: u32,
	/// The least gas that a message to it takes.
	pub load_gas: u64,
}

/// What is on record of an actor.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct ActorInfo {
	/// The hash of the code that handles its next message.
	pub code: Hash,
	/// The keys of its storage.
	pub items: u32,
	/// The bytes of its storage's keys and values.
	pub bytes: u64,
	/// What is held from it for itself and its storage.
	pub deposit: Balance,
}

/// A message that a processing sent, as the check of the block's order needs it: whom it is for, if on this chain.
pub(crate) type SentNote = (MessageId, Option<AccountId>);

/// A processing, as the check of the block's order needs it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct TraceStep {
	/// Who processed.
	pub account: AccountId,
	/// What it received.
	pub received: MessageId,
	/// What it sent.
	pub sent: Vec<(MessageId, Option<AccountId>)>,
}
