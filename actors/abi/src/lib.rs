//! What uploaded actor code and the chain that runs it agree on: the encoding of messages, the limits, and the host
//! functions (Thinkey §5.1 and §5.2).
//!
//! # Overview
//!
//! An actor is an account with code: a WebAssembly module that exports its [`MEMORY`] and the function [`HANDLE`]. The
//! chain calls [`HANDLE`] once for each message to the account. In it, the code may send messages, create actors, read
//! and change the account's storage, and name the code that handles the next message: the three things that an actor
//! can do (Thinkey §5.1). It may end the actor as well. Effects take place together after [`HANDLE`] has returned, and
//! not at all if it failed.
//!
//! Everything that crosses is SCALE-encoded, with nothing after it.
//!
//! # Host functions
//!
//! Imported from the module [`MODULE`]. Pointers and lengths are unsigned 32-bit numbers of bytes in the exported
//! memory. A range outside of the memory, bytes that don't decode, and more than a limit allows end the message: it
//! fails, and its value goes back to the sender.
//!
//! | function | what it does |
//! |---|---|
//! | `info(out: i32) -> i32` | writes [`Info`], and returns its length, [`Info::ENCODED_LEN`] |
//! | `input_len() -> i32` | the length of the encoded [`Incoming`] |
//! | `input(out: i32)` | writes the encoded [`Incoming`] |
//! | `read(key: i32, key_len: i32, out: i32, out_cap: i32) -> i32` | the length of the value under a key, or [`NOT_FOUND`]; the value is written if it fits into `out_cap`, and otherwise nothing is |
//! | `write(key: i32, key_len: i32, value: i32, value_len: i32)` | puts a value, which may be empty, under a key |
//! | `remove(key: i32, key_len: i32)` | removes the value under a key, if there is one |
//! | `send(message: i32, len: i32)` | sends an encoded [`Outgoing`] |
//! | `create(creation: i32, len: i32, out: i32)` | creates an actor from an encoded [`Creation`], and writes its account, 32 bytes |
//! | `become(code: i32)` | names the code, by its hash of 32 bytes, that handles the messages after this one |
//! | `end(heir: i32)` | ends the actor after this message: what it then has, its deposit too, goes to the heir, an account of 32 bytes on this chain. Its storage has to be empty by then |
//! | `refuse(reason: i32, len: i32)` | never returns: drops all effects, and sends the value back with the reason |
//! | `gas_left() -> i64` | the gas that is left to this message |
//! | `log(text: i32, len: i32)` | a line for the developer, kept in dry runs only |
//!
//! # Flow
//!
//! ```text
//!  chain: Incoming ──► input ──► code: handle() ──► read, write, send, create, become ──► chain: all effects, or none
//!                                             └───► refuse, a trap, no gas left ────────► chain: the value goes back, with a Reason
//! ```
//!
//! # Assumptions
//!
//! - The types say what is encoded; the chain enforces the limits. A type that exceeds one can be encoded, but not sent.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// The module that host functions are imported from.
pub const MODULE: &str = "asterism";
/// The exported function, without parameters and results, that is called for each message.
pub const HANDLE: &str = "handle";
/// The exported memory.
pub const MEMORY: &str = "memory";

/// What `read` returns if there is no value under the key.
pub const NOT_FOUND: i32 = -1;

/// Bytes that an uploaded module may have.
pub const MAX_CODE: u32 = 128 * 1024;
/// Pages of 64 KiB that an actor's memory may have. The stack that Rust's linker sets aside unless told otherwise takes
/// all of them: link with `-zstack-size=65536` or the like.
pub const MAX_MEMORY_PAGES: u32 = 16;
/// Bytes that the body of a message may have.
pub const MAX_BODY: u32 = 2 * 1024;
/// Bytes that the reason of a refusal may have.
pub const MAX_REASON: u32 = 128;
/// Bytes that a storage key may have. The empty key is a key.
pub const MAX_KEY: u32 = 64;
/// Bytes that a stored value may have. The empty value is a value.
pub const MAX_VALUE: u32 = 4 * 1024;
/// Different keys that may be written or removed while one message is handled.
pub const MAX_CHANGES: u32 = 64;
/// Messages that may be sent while one message is handled.
pub const MAX_SENDS: u32 = 32;
/// Actors that may be created while one message is handled.
pub const MAX_CREATIONS: u32 = 4;
/// Bytes that all lines of the log of one message may have together; what exceeds them is left out.
pub const MAX_LOG: u32 = 4 * 1024;

/// An id of an account on its chain.
pub type Account = [u8; 32];
/// The hash of a module, by which the chain stores it.
pub type CodeHash = [u8; 32];

/// The address of an account of the network (Thinkey §5.2). Messages may hold it, so it has a type description.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Hash,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Address {
	/// Its chain; 0 is the root chain, where there are no actors.
	pub chain: u32,
	/// Its id there.
	pub account: Account,
}

impl Address {
	/// Bytes of its encoding.
	pub const ENCODED_LEN: usize = 36;
}

/// Why a message came back to its sender.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking)]
pub enum Reason {
	/// The recipient's code refused it, with these bytes of its own choice; at most [`MAX_REASON`].
	#[codec(index = 0)]
	Refused(Vec<u8>),
	/// The gas that it carried didn't suffice.
	#[codec(index = 1)]
	OutOfGas,
	/// The recipient's code trapped, or exceeded a limit.
	#[codec(index = 2)]
	Failed,
	/// The recipient can't receive it: no such account, or one that can't hold the value.
	#[codec(index = 3)]
	Undeliverable,
}

/// How a message came about (Thinkey §5.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking)]
pub enum Kind {
	/// The sender signed it.
	#[codec(index = 0)]
	External,
	/// The sender's execution produced it.
	#[codec(index = 1)]
	Relay,
	/// This actor sent it, and it came back.
	#[codec(index = 2)]
	Bounce {
		/// Why.
		reason: Reason,
	},
}

/// The message that is handled, what `input` writes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking)]
pub struct Incoming {
	/// Who sent it; of a bounce, whom it had been sent to. The chain vouches for it.
	pub sender: Address,
	/// How it came about.
	pub kind: Kind,
	/// The value that it brings, in the native currency's smallest unit. It is in [`Info::balance`] already.
	pub value: u128,
	/// What it says, in an encoding of the actors' own; of a bounce, what it had said. At most [`MAX_BODY`] bytes.
	pub body: Vec<u8>,
}

impl Incoming {
	/// Bytes that its encoding has at most.
	pub const MAX_ENCODED_LEN: usize =
		Address::ENCODED_LEN + (1 + 1 + 2 + MAX_REASON as usize) + 16 + (2 + MAX_BODY as usize);
}

/// A message to send, what `send` takes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking)]
pub struct Outgoing {
	/// Whom it is for.
	pub to: Address,
	/// The value that it takes along, from this account's balance.
	pub value: u128,
	/// The gas that it takes along for its own handling, from the gas of the message that is handled.
	pub gas: u64,
	/// What it says. At most [`MAX_BODY`] bytes.
	pub body: Vec<u8>,
}

impl Outgoing {
	/// Bytes that its encoding has at most.
	pub const MAX_ENCODED_LEN: usize = Address::ENCODED_LEN + 16 + 8 + (2 + MAX_BODY as usize);
}

/// An actor to create on this chain, and its first message, what `create` takes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking)]
pub struct Creation {
	/// Its code, which has been uploaded to this chain.
	pub code: CodeHash,
	/// Tells apart the actors that this one creates from the same code: the account is derived from the creator, the
	/// code and the salt.
	pub salt: [u8; 32],
	/// The value of its first message, from this account's balance.
	pub value: u128,
	/// The gas of its first message, from the gas of the message that is handled.
	pub gas: u64,
	/// The body of its first message. At most [`MAX_BODY`] bytes.
	pub body: Vec<u8>,
}

impl Creation {
	/// Bytes that its encoding has at most.
	pub const MAX_ENCODED_LEN: usize = 32 + 32 + 16 + 8 + (2 + MAX_BODY as usize);
}

/// What an actor can know about itself and the time, what `info` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking)]
pub struct Info {
	/// This actor.
	pub this: Address,
	/// What it can spend while it handles this message, in the native currency's smallest unit: with the value that
	/// the message brought, and without what the chain holds back.
	pub balance: u128,
	/// The height of the block that the message is handled in.
	pub block: u32,
	/// That block's time, in milliseconds since the Unix epoch.
	pub time_ms: u64,
}

impl Info {
	/// Bytes of its encoding.
	pub const ENCODED_LEN: usize = Address::ENCODED_LEN + 16 + 4 + 8;
}

#[cfg(test)]
mod tests {
	use super::*;
	use codec::DecodeAll;

	const HERE: Address = Address {
		chain: 0x0403_0201,
		account: [7; 32],
	};

	#[test]
	fn the_encoding_is_what_actors_were_compiled_for() {
		let mut address = vec![1, 2, 3, 4];
		address.extend([7; 32]);
		assert_eq!(HERE.encode(), address);

		let incoming = Incoming {
			sender: HERE,
			kind: Kind::Bounce {
				reason: Reason::Refused(vec![9]),
			},
			value: 5,
			body: vec![6, 6],
		};
		let mut bytes = address.clone();
		bytes.extend([2, 0, 1 << 2, 9]);
		bytes.extend(5u128.to_le_bytes());
		bytes.extend([2 << 2, 6, 6]);
		assert_eq!(incoming.encode(), bytes);
		assert_eq!(Incoming::decode_all(&mut &bytes[..]), Ok(incoming));

		let outgoing = Outgoing {
			to: HERE,
			value: 5,
			gas: 8,
			body: vec![],
		};
		let mut bytes = address.clone();
		bytes.extend(5u128.to_le_bytes());
		bytes.extend(8u64.to_le_bytes());
		bytes.push(0);
		assert_eq!(outgoing.encode(), bytes);

		let creation = Creation {
			code: [1; 32],
			salt: [2; 32],
			value: 5,
			gas: 8,
			body: vec![],
		};
		let mut bytes = [[1; 32], [2; 32]].concat();
		bytes.extend(5u128.to_le_bytes());
		bytes.extend(8u64.to_le_bytes());
		bytes.push(0);
		assert_eq!(creation.encode(), bytes);

		let kinds = [
			(Kind::External, vec![0]),
			(Kind::Relay, vec![1]),
			(
				Kind::Bounce {
					reason: Reason::OutOfGas,
				},
				vec![2, 1],
			),
			(
				Kind::Bounce {
					reason: Reason::Failed,
				},
				vec![2, 2],
			),
			(
				Kind::Bounce {
					reason: Reason::Undeliverable,
				},
				vec![2, 3],
			),
		];
		for (kind, bytes) in kinds {
			assert_eq!(kind.encode(), bytes);
		}
	}

	#[test]
	fn lengths_are_those_of_the_largest() {
		assert_eq!(HERE.encode().len(), Address::ENCODED_LEN);
		let info = Info {
			this: HERE,
			balance: u128::MAX,
			block: u32::MAX,
			time_ms: u64::MAX,
		};
		assert_eq!(info.encode().len(), Info::ENCODED_LEN);
		let body = vec![0; MAX_BODY as usize];
		let incoming = Incoming {
			sender: HERE,
			kind: Kind::Bounce {
				reason: Reason::Refused(vec![0; MAX_REASON as usize]),
			},
			value: 0,
			body: body.clone(),
		};
		assert_eq!(incoming.encode().len(), Incoming::MAX_ENCODED_LEN);
		let outgoing = Outgoing {
			to: HERE,
			value: 0,
			gas: 0,
			body: body.clone(),
		};
		assert_eq!(outgoing.encode().len(), Outgoing::MAX_ENCODED_LEN);
		let creation = Creation {
			code: [0; 32],
			salt: [0; 32],
			value: 0,
			gas: 0,
			body,
		};
		assert_eq!(creation.encode().len(), Creation::MAX_ENCODED_LEN);
	}
}
