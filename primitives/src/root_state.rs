//! What transaction chains read from the root chain's state, by storage key and proof.
//!
//! The keys are those of `pallet-checkpoints` under the name `Checkpoints`, and of `pallet-chains` under the name `Chains`,
//! in the root runtime; a test of that runtime holds the two together.

use crate::{BlockNumber, ChainId, Hash};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	sp_core::{bounded::BoundedBTreeSet, ConstU32},
	sp_crypto_hashing::{twox_128, twox_64},
};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

pub use asterism_protocol::channel::ChannelRecord;

/// What the root chain remembers of a checkpointed block.
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
#[serde(rename_all = "camelCase")]
pub struct Anchor {
	/// The block's hash.
	pub block_hash: Hash,
	/// The root of its state.
	pub state_root: Hash,
	/// The root of its outbox.
	pub outbox_root: Hash,
	/// How many of its batches are not acknowledged yet.
	pub unacknowledged: u32,
}

/// How many transaction chains there may be at most.
pub const MAX_CHAINS: u32 = 1024;

/// The transaction chains of the network. Chains join, and never leave.
pub type ChainIds = BoundedBTreeSet<ChainId, ConstU32<MAX_CHAINS>>;

/// The name of `pallet-chains` in the root runtime.
pub const CHAINS: &str = "Chains";
/// The name of the value that holds the [`ChainIds`].
pub const IDS: &str = "Ids";
/// The name of the map by chain of the newest [`Epoch`](crate::committee::Epoch) whose committee may take over. A chain that has elected none has no
/// value.
pub const READY: &str = "Ready";
/// The name of `pallet-checkpoints` in the root runtime.
pub const CHECKPOINTS: &str = "Checkpoints";
/// The name of the map of [`Anchor`]s by chain and block number.
pub const ANCHORS: &str = "Anchors";
/// The name of the map of [`ChannelRecord`]s by source and destination.
pub const CHANNELS: &str = "Channels";

/// The key of the [`ChainIds`]. There is a value from genesis on.
pub fn chains_key() -> Vec<u8> {
	[twox_128(CHAINS.as_bytes()), twox_128(IDS.as_bytes())].concat()
}

/// The key of the newest epoch of a chain whose committee may take over, an [`Epoch`](crate::committee::Epoch).
pub fn ready_key(chain: ChainId) -> Vec<u8> {
	let mut key = Vec::with_capacity(44);
	key.extend(twox_128(CHAINS.as_bytes()));
	key.extend(twox_128(READY.as_bytes()));
	chain.using_encoded(|bytes| {
		key.extend(twox_64(bytes));
		key.extend(bytes);
	});
	key
}

/// The key of the anchor of a chain's block.
pub fn anchor_key(chain: ChainId, number: BlockNumber) -> Vec<u8> {
	double_map_key(ANCHORS, &chain.encode(), &number.encode())
}

/// The key of the record of the channel from `source` to `destination`.
pub fn channel_key(source: ChainId, destination: ChainId) -> Vec<u8> {
	double_map_key(CHANNELS, &source.encode(), &destination.encode())
}

/// The key in a storage double map with `Twox64Concat` hashers.
fn double_map_key(map: &str, first: &[u8], second: &[u8]) -> Vec<u8> {
	let mut key = Vec::with_capacity(64);
	key.extend(twox_128(CHECKPOINTS.as_bytes()));
	key.extend(twox_128(map.as_bytes()));
	for part in [first, second] {
		key.extend(twox_64(part));
		key.extend(part);
	}
	key
}
