use crate::{validate, Builder, Fault};
use alloc::{string::String, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::{fmt, ops::Deref};
use scale_info::{PortableRegistry, TypeInfo};

/// What an actor accepts and emits, at what service level (Constellation, "Smart contracts as microservices").
///
/// Nothing is promised of one that was only decoded: [`Interface::validate`] tells whether it is sound.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Interface {
	/// The messages that the actor accepts, at most [`MAX_MESSAGES`](crate::MAX_MESSAGES), each with a name of its own.
	pub accepts: Vec<MessageType>,
	/// The messages that it emits: as many, with names apart from those of the accepted.
	pub emits: Vec<MessageType>,
	/// The types of the messages, and of what those are made of: at most [`MAX_TYPES`](crate::MAX_TYPES).
	pub types: PortableRegistry,
	/// What the actor promises; none is the same as the default, that is nothing, for nothing.
	pub service: Option<ServiceLevel>,
}

/// A message of an interface.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MessageType {
	/// Its name: [`is_name`](crate::is_name).
	pub name: String,
	/// The place of its type in the interface's registry.
	#[codec(compact)]
	pub ty: u32,
}

/// What an actor promises to everybody who sends it messages: the SLA of Constellation, "Smart contracts as
/// microservices" ("services for agreed upon amounts").
#[derive(
	Clone,
	Copy,
	Debug,
	Default,
	PartialEq,
	Eq,
	Hash,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ServiceLevel {
	/// What it asks for each message that it accepts, in the smallest unit of the native currency.
	pub price: u128,
	/// When it has emitted its answer at the latest, if it promises any such thing.
	pub deadline: Option<Deadline>,
}

/// A time from the inclusion of a message on the actor's chain on.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Deadline {
	/// Blocks of the actor's chain; 0 is the very block that includes the message.
	Blocks(u32),
	/// Milliseconds by the timestamps of the chain's blocks.
	Milliseconds(u64),
}

impl Deadline {
	/// Whether this is no later than `other`. Blocks and milliseconds can't be compared: then it isn't.
	pub fn meets(&self, other: &Deadline) -> bool {
		match (self, other) {
			(Deadline::Blocks(this), Deadline::Blocks(other)) => this <= other,
			(Deadline::Milliseconds(this), Deadline::Milliseconds(other)) => this <= other,
			_ => false,
		}
	}
}

impl fmt::Display for Deadline {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Deadline::Blocks(blocks) => write!(f, "{blocks} blocks"),
			Deadline::Milliseconds(milliseconds) => write!(f, "{milliseconds} ms"),
		}
	}
}

impl Interface {
	/// Starts the interface of an actor that is written in Rust.
	pub fn builder() -> Builder {
		Builder::default()
	}

	/// Decodes an interface. All of the bytes have to be used. It takes no more than about a megabyte of memory, whatever
	/// they are.
	///
	/// # Errors
	/// [`Problem::TooLong`](crate::Problem::TooLong), before anything is decoded, and
	/// [`Problem::Undecodable`](crate::Problem::Undecodable).
	pub fn from_bytes(bytes: &[u8]) -> Result<Self, Fault> {
		validate::decode(bytes)
	}

	/// Takes the interface for valid if it keeps all limits, and if all its types are there and describe values that can
	/// be sent.
	///
	/// It also has to be without ballast, as [`Interface::strip`] leaves it.
	///
	/// # Errors
	/// The first [`Fault`] in the order of the interface's parts, messages breadth first.
	pub fn validate(self) -> Result<Valid<Self>, Fault> {
		validate::check(&self)?;
		Ok(Valid(self))
	}

	/// The message of this name that the actor accepts.
	pub fn accepted(&self, name: &str) -> Option<&MessageType> {
		self.accepts.iter().find(|message| message.name == name)
	}

	/// The message of this name that the actor emits.
	pub fn emitted(&self, name: &str) -> Option<&MessageType> {
		self.emits.iter().find(|message| message.name == name)
	}
}

/// What was validated.
#[derive(Clone, Debug, PartialEq, Eq, Encode)]
pub struct Valid<T>(T);

impl<T> Valid<T> {
	/// The value itself.
	pub fn into_inner(self) -> T {
		self.0
	}
}

impl Valid<Interface> {
	/// Decodes and validates an interface.
	///
	/// # Errors
	/// Those of [`Interface::from_bytes`] and of [`Interface::validate`].
	pub fn from_bytes(bytes: &[u8]) -> Result<Self, Fault> {
		Interface::from_bytes(bytes)?.validate()
	}
}

impl<T> Deref for Valid<T> {
	type Target = T;

	fn deref(&self) -> &T {
		&self.0
	}
}
