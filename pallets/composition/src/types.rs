//! What is kept of interfaces, connections and pipelines, and what the pallet asks of actors.

use super::*;
use asterism_interface::{is_name, MAX_NAME};
use asterism_primitives::message::{Body, MAX_BODY};
use polkadot_sdk::sp_core::{bounded::BoundedVec, ConstU32};

/// Bytes that an announced interface may have: what the body of a message has room for, beside an account, a hash, and the
/// length, which takes two bytes.
pub const MAX_ANNOUNCED: u32 = MAX_BODY - 32 - 32 - 2;
/// Actors that a pipeline may have in all its stages.
pub const MAX_ACTORS: u32 = 48;
/// Bytes that the different interfaces of a pipeline's actors may have together.
pub const MAX_BYTES: u32 = 48 * 1024;
/// Items that a batch may have.
pub const MAX_ITEMS: u32 = 64;
/// Bytes that the key of an item may have.
pub const MAX_KEY: u32 = 64;

/// An encoded interface that travels.
pub type AnnouncedBytes = BoundedVec<u8, ConstU32<MAX_ANNOUNCED>>;
/// The name of a message.
pub type Name = BoundedVec<u8, ConstU32<{ MAX_NAME as u32 }>>;
/// The key of an item.
pub type Key = BoundedVec<u8, ConstU32<MAX_KEY>>;
/// A batch of items.
pub type Batch = BoundedVec<Item, ConstU32<MAX_ITEMS>>;
/// The hashes of code of a pipeline's actors.
pub type CodeHashes = BoundedVec<Hash, ConstU32<MAX_ACTORS>>;

/// Where the interfaces of this chain's actors are.
pub trait InterfaceOf {
	/// The hash of an actor's code; none if the account has no code.
	fn code_of(account: &AccountId) -> Option<Hash>;

	/// That hash, and the interface that the code was uploaded with, encoded; none if it has none.
	fn interface_of(account: &AccountId) -> Option<(Hash, Vec<u8>)>;

	/// Makes an account an actor with this interface, which needs no gas.
	#[cfg(any(test, feature = "runtime-benchmarks"))]
	fn set_interface(account: &AccountId, code: Hash, interface: Vec<u8>);
}

/// Sends messages for users.
pub trait Deliver {
	/// Sends a message as if `from` had signed it, with this value of its balance. What was done before an error isn't taken
	/// back here.
	///
	/// # Errors
	/// Those of a user's own message.
	fn deliver(
		from: AccountId,
		to: Address,
		value: Balance,
		gas: u64,
		body: Body,
	) -> Result<MessageId, DispatchError>;
}

/// What a chain says of one of its actors to another chain: the body of a message from this pallet's account to itself.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Announcement {
	/// The actor.
	pub account: AccountId,
	/// The hash of its code.
	pub code: Hash,
	/// Its interface, encoded.
	pub interface: AnnouncedBytes,
}

const _: () = assert!(MAX_ANNOUNCED > 64 && MAX_BODY < 1 << 14);

/// What is known of an actor of another chain.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct AnnouncedInterface {
	/// The hash of its code, when that was announced.
	pub code: Hash,
	/// Its interface, encoded, as that chain says. It may be invalid: that is seen when it is used.
	pub interface: AnnouncedBytes,
	/// The block of this chain that it arrived in.
	pub at: BlockNumber,
	/// Its place among those of that chain.
	pub slot: u32,
}

/// Two ends to be connected.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Link {
	/// The actor that emits.
	pub from: Address,
	/// The name of the message that it emits.
	pub output: Name,
	/// The actor that accepts.
	pub to: Address,
	/// The name of the message that it accepts.
	pub input: Name,
}

/// A connection that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Connection {
	/// Who connected, and may disconnect.
	pub owner: AccountId,
	/// What is held from the owner for it.
	pub deposit: Balance,
	/// What is connected.
	pub link: Link,
	/// The hashes of both actors' code when that was checked: of who emits, of who accepts.
	pub codes: (Hash, Hash),
}

/// A pipeline that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Declared {
	/// Who declared it, and may withdraw it.
	pub owner: AccountId,
	/// What is held from the owner for it.
	pub deposit: Balance,
	/// Its stages.
	pub pipeline: Pipeline,
	/// The hashes of its actors' code when it was checked, stage by stage.
	pub codes: CodeHashes,
}

impl Declared {
	/// Its actors, each with the hash of its code when the pipeline was checked.
	pub fn actors(&self) -> impl Iterator<Item = (&Address, &Hash)> {
		let replicas = self.pipeline.stages.iter().flat_map(|stage| &stage.replicas);
		replicas.zip(&self.codes)
	}
}

/// How often a pipeline ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Progress {
	/// Runs so far.
	pub runs: u32,
	/// The replica of the first stage whose turn it is.
	pub next: u32,
}

/// What an account has here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Holdings {
	/// Connections.
	pub connections: u32,
	/// Pipelines.
	pub pipelines: u32,
}

/// An item of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Item {
	/// Its key, which tells the replica of a stage that reduces; another stage looks at none.
	pub key: Key,
	/// The message: an encoded value of the first stage's input.
	pub body: Body,
}

/// Why an actor isn't composed with another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
	/// No interface of the actor that emits is known here.
	UnknownSender,
	/// No interface of the actor that accepts is known here.
	UnknownRecipient,
	/// An interface that another chain announced isn't valid.
	Invalid,
	/// They don't fit.
	Misfit(Misfit),
}

/// A name as text.
pub(crate) fn text(name: &Name) -> Option<&str> {
	core::str::from_utf8(name).ok().filter(|name| is_name(name))
}

/// The replica, of so many, that an item goes to: by its key to a stage that reduces, and in turn to another. `turn` is any
/// number that grows by 1 from item to item.
pub fn replica(role: &Role, key: &[u8], turn: u64, replicas: u32) -> u32 {
	let number = match role {
		Role::Map | Role::Filter => turn,
		Role::Reduce { .. } => {
			let hash = blake2_256(key);
			let (head, _) = hash.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
			u64::from_le_bytes(*head)
		}
	};
	// Less than `replicas`.
	number.checked_rem(replicas.into()).unwrap_or(0) as u32
}
