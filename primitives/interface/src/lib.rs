//! The typed interfaces of actors: which messages an actor accepts and which it emits, at what service level, and
//! whether what one emits may be connected to what another accepts (Constellation, "Smart contracts as microservices":
//! services are "chained and composed into distributed applications with just an understanding of each microservice's
//! SLA and/or type signature").
//!
//! # Overview
//!
//! | item | what it is | paper |
//! |---|---|---|
//! | [`Interface`] | the messages of an actor, their types, and a [`ServiceLevel`] | Constellation, "Smart contracts as microservices" |
//! | [`Valid`] | an interface that [`Interface::validate`] found to be sound and bounded | |
//! | [`fits`], [`connect`] | whether what is emitted may be taken for what is accepted | Constellation, "EVM vs JVM": "designed with covariant and contravariant typing in mind" |
//! | [`substitutes`] | whether an actor may take the place of another one | the same |
//! | [`pipeline`] | actors chained as map, filter and reduce | Constellation, "Smart contracts as microservices": "This is where MapReduce operators come into play" |
//!
//! ```
//! use asterism_interface::{connect, Interface};
//! use scale_info::TypeInfo;
//!
//! #[derive(TypeInfo)]
//! struct Offer { kitty: u32 }
//!
//! #[derive(TypeInfo)]
//! struct Bid { kitty: u64 }
//!
//! let seller = Interface::builder().emits::<Offer>("offer").build()?;
//! let auction = Interface::builder().accepts::<Bid>("bid").build()?;
//! let misfit = connect(&seller, "offer", &auction, "bid").unwrap_err();
//! assert_eq!(misfit.to_string(), "accepts.bid.kitty: expected u64, found u32");
//! # Ok::<(), asterism_interface::Fault>(())
//! ```
//!
//! # Flow
//!
//! ```text
//!  Rust types ──► Builder ──┐
//!  bytes from outside ──────┴──► validate ──► Valid ──► connect, substitutes, Pipeline::check ──► ok, or a Misfit with its path
//! ```
//!
//! # What fits
//!
//! An emitted type fits an accepted one if *every* encoding of a value of the emitted type decodes, with no byte left,
//! as the accepted type, and means the same there. That is decided on the structure of the types, whatever they are
//! called:
//!
//! | accepted | what fits |
//! |---|---|
//! | a primitive type | itself: integers are not widened, for `u32` takes 4 bytes and `u64` takes 8; `str` is no sequence of bytes |
//! | compact integer | a compact integer that is no wider: compact encoding doesn't depend on the width |
//! | struct with named fields | the same names in the same order, each field fitting |
//! | tuple, struct with unnamed fields | as many unnamed fields, each fitting; of one unnamed field, it is that field |
//! | enum, so `Option` and `Result` too | a subset of its variants: for each one emitted, one of the same index and name, each field fitting |
//! | sequence | a sequence, its elements fitting |
//! | array | an array of the same length, its elements fitting |
//! | bit sequence | one with the same store and order |
//! | `BTreeMap`, `BTreeSet`, `BinaryHeap`, `Duration`, `NonZero…` of the standard library | itself, its contents fitting; each of them also fits what it is made of, but not the other way round: it has fewer values |
//! | a recursive type | one with which no misfit can be found, however far both are unfolded |
//!
//! **No fields beyond.** A struct with more fields than the accepted one doesn't fit, not even if they are last in the
//! message: actors decode the whole message, and bytes that are left make it invalid. A decoder that ignored them would
//! give one meaning to several byte strings, and anywhere but at the very end it would take them for what comes next.
//!
//! **What isn't seen.** A description by scale-info doesn't show every condition on a type's values, e.g. the bound of a
//! bounded vector, or what a hand-written decoder refuses. Types fit as they are described; an actor still has to
//! cope with a message that doesn't decode.
//!
//! # Assumptions
//!
//! - Messages are SCALE-encoded values of the described types, decoded whole.
//! - Whether a type fits is only asked of [`Valid`] interfaces: all recursion and all loops are bounded by the limits
//!   that those keep, and by [`MAX_ASSUMPTIONS`].
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(any(test, feature = "runtime-benchmarks"))]
pub mod benchmarking;
mod builder;
mod fitting;
mod interface;
mod path;
pub mod pipeline;
mod shape;
mod validate;

pub use asterism_actor_abi::Address;
pub use builder::Builder;
pub use fitting::{connect, fits, substitutes, Misfit, Why, MAX_ASSUMPTIONS};
pub use interface::{Deadline, Interface, MessageType, ServiceLevel, Valid};
pub use pipeline::{Pipeline, PipelineError, Role, Stage};
pub use validate::{
	is_name, Fault, Problem, MAX_DEPTH, MAX_ENCODED, MAX_FIELDS, MAX_MESSAGES, MAX_NAME, MAX_NODES,
	MAX_TYPES, MAX_VARIANTS,
};

/// A length as errors state it.
fn count(length: usize) -> u32 {
	length.try_into().unwrap_or(u32::MAX)
}
