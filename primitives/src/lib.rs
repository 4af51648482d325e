//! The types and runtime APIs that cross a border of Asterism: between node and runtime, or between chains.
//!
//! # Overview
//!
//! | module | what crosses | from → to |
//! |---|---|---|
//! | [`committee`] | the members that run a chain in an epoch | root runtime → every node |
//! | [`certificate`] | a committee's proof of a block | node → node, node → root runtime |
//! | [`digest`] | round, root reference and traffic in a block's header | runtime → node, chain → root chain |
//! | [`message`] | messages and the proof that a block sent them | chain → chain |
//! | [`root_state`] | what transaction chains read from the root chain's state, by storage key | root chain → chains |
//! | [`inherents`] | what a block's proposer brings in from outside | node → runtime |
//! | [`api`] | runtime APIs | runtime → node |
//!
//! The rules that these types obey are in [`asterism_protocol`], re-exported here as [`protocol`].
//!
//! # Assumptions
//!
//! Each type that is decoded from outside bytes is bounded in its encoding, and has a `check` or `verify` where
//! decoding alone doesn't make it valid.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod api;
pub mod certificate;
pub mod committee;
pub mod digest;
pub mod inherents;
pub mod message;
pub mod root_state;

pub use asterism_protocol as protocol;
pub use asterism_protocol::{Balance, BlockNumber, ChainId, CurrencyId, Nonce};

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	sp_core::H256,
	sp_runtime::{
		generic,
		traits::{BlakeTwo256, IdentifyAccount, Verify},
		MultiSignature, OpaqueExtrinsic,
	},
};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// The hash of blocks and state.
pub type Hash = H256;
/// The hash function of blocks, state and Merkle trees.
pub type Hashing = BlakeTwo256;
/// A block header, on every chain.
pub type Header = generic::Header<BlockNumber, Hashing>;
/// A block as the node sees it: extrinsics are opaque bytes.
pub type OpaqueBlock = generic::Block<Header, OpaqueExtrinsic>;
/// A user's signature.
pub type Signature = MultiSignature;
/// A user's account, the same on every chain.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;
/// How many extrinsics an account has sent.
pub type AccountNonce = u32;

/// The parameters of a chain, fixed in its spec.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChainParameters {
	/// The target time between two blocks in milliseconds,
	/// [`MIN_BLOCK_INTERVAL`](Self::MIN_BLOCK_INTERVAL) to [`MAX_BLOCK_INTERVAL`](Self::MAX_BLOCK_INTERVAL).
	pub block_interval: u32,
}

impl ChainParameters {
	/// The shortest block interval in milliseconds.
	pub const MIN_BLOCK_INTERVAL: u32 = 200;
	/// The longest block interval in milliseconds.
	pub const MAX_BLOCK_INTERVAL: u32 = 60_000;

	/// Whether each parameter is in its range.
	pub fn is_valid(&self) -> bool {
		(Self::MIN_BLOCK_INTERVAL..=Self::MAX_BLOCK_INTERVAL).contains(&self.block_interval)
	}
}

impl Default for ChainParameters {
	fn default() -> Self {
		ChainParameters {
			block_interval: 1_000,
		}
	}
}
