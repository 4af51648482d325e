//! The types and runtime APIs that cross a border of Asterism: between node and runtime, or between chains.
//!
//! # Overview
//!
//! | module | what crosses | from → to |
//! |---|---|---|
//! | [`committee`] | the members that run a chain in an epoch | root runtime → every node |
//! | [`certificate`] | a committee's proof of a block | node → node, node → root runtime |
//! | [`digest`] | round, root reference and traffic in a block's header | runtime → node, chain → root chain |
//! | [`epoch`] | the end of an epoch in a block's header | runtime → node, chain → root chain |
//! | [`keys`] | a node's keys and the proof that they are its own | node → root runtime |
//! | [`beacon`] | random seeds, and the sharing of the key that makes them | root runtime ↔ root committee |
//! | [`election`] | claims, words of readiness, and how far an election has come | node ↔ root runtime |
//! | [`message`] | messages and the proof that a block sent them | chain → chain |
//! | [`offence`] | the proof that members of a committee broke its rules | node → root runtime |
//! | [`root_state`] | what transaction chains read from the root chain's state, by storage key | root chain → chains |
//! | [`inherents`] | what a block's proposer brings in from outside | node → runtime |
//! | [`api`] | runtime APIs | runtime → node |
//!
//! The rules that these types obey are in [`asterism_protocol`], re-exported here as [`protocol`].
//!
//! # Flow
//!
//! ```text
//!  chain ──digest, message──► node ──inherents──► chain             a chain's traffic, and what it takes in
//!  chain ──digest, certificate──► node ──extrinsic──► root runtime     checkpoints, evidence, claims, seeds
//!  root runtime ──api, root_state──► node, and by proof other chains  committees, anchors, channels
//! ```
//!
//! # Assumptions
//!
//! Each type that is decoded from outside bytes is bounded in its encoding, and has a `check` or `verify` where
//! decoding alone doesn't make it valid.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod api;
pub mod beacon;
pub mod certificate;
pub mod committee;
pub mod digest;
pub mod election;
pub mod epoch;
pub mod inherents;
pub mod keys;
pub mod message;
pub mod offence;
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
	/// How many blocks an epoch has at least: its committee serves on until the next one is ready.
	/// [`MIN_EPOCH_LENGTH`](Self::MIN_EPOCH_LENGTH) or more; 0 if the chain's first committee stays for ever.
	#[serde(default)]
	pub epoch_length: BlockNumber,
	/// How many members an election is expected to yield, 1 to [`MAX_COMMITTEE_SIZE`](Self::MAX_COMMITTEE_SIZE). As the
	/// lots fall, there may be more or fewer.
	#[serde(default = "default_committee_size")]
	pub committee_size: u32,
}

/// The [`ChainParameters::committee_size`] of a spec that doesn't name one.
fn default_committee_size() -> u32 {
	ChainParameters::DEFAULT_COMMITTEE_SIZE
}

impl ChainParameters {
	/// The shortest block interval in milliseconds.
	pub const MIN_BLOCK_INTERVAL: u32 = 200;
	/// The longest block interval in milliseconds.
	pub const MAX_BLOCK_INTERVAL: u32 = 60_000;
	/// The shortest epoch in blocks, such that an epoch is well begun when it asks for the next committee.
	pub const MIN_EPOCH_LENGTH: BlockNumber = asterism_protocol::epochs::SIGNAL_DIVISOR;
	/// The members that an election is expected to yield unless a spec says otherwise.
	pub const DEFAULT_COMMITTEE_SIZE: u32 = 4;
	/// The most members that an election may be expected to yield. Half of what a committee may have: the number that is
	/// elected is binomially distributed, so the best part of them would be cut off if it were more.
	pub const MAX_COMMITTEE_SIZE: u32 = committee::MAX_MEMBERS / 2;

	/// Whether each parameter is in its range.
	pub fn is_valid(&self) -> bool {
		(Self::MIN_BLOCK_INTERVAL..=Self::MAX_BLOCK_INTERVAL).contains(&self.block_interval)
			&& (self.epoch_length == 0 || self.epoch_length >= Self::MIN_EPOCH_LENGTH)
			&& (1..=Self::MAX_COMMITTEE_SIZE).contains(&self.committee_size)
	}
}

impl Default for ChainParameters {
	fn default() -> Self {
		ChainParameters {
			block_interval: 1_000,
			epoch_length: 0,
			committee_size: Self::DEFAULT_COMMITTEE_SIZE,
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn parameters_have_ranges_and_older_specs_stay_valid() {
		let default = ChainParameters::default();
		let old: ChainParameters = serde_json::from_str("{\"blockInterval\":1000}").unwrap();
		assert_eq!(old, default);
		assert!(serde_json::from_str::<ChainParameters>("{\"blockInterval\":1000,\"epochs\":1}").is_err());
		let with = |change: &dyn Fn(&mut ChainParameters)| {
			let mut parameters = default;
			change(&mut parameters);
			parameters.is_valid()
		};
		assert!(default.is_valid());
		for (length, valid) in [(0, true), (1, false), (3, false), (4, true), (u32::MAX, true)] {
			assert_eq!(with(&|p| p.epoch_length = length), valid, "epoch of {length}");
		}
		for (size, valid) in [
			(0, false),
			(1, true),
			(128, true),
			(129, false),
			(u32::MAX, false),
		] {
			assert_eq!(with(&|p| p.committee_size = size), valid, "committee of {size}");
		}
		for (interval, valid) in [(199, false), (200, true), (60_000, true), (60_001, false)] {
			assert_eq!(
				with(&|p| p.block_interval = interval),
				valid,
				"interval of {interval}"
			);
		}
	}
}
