//! Weights of the pallet's calls: conservative numbers, by hand.

use core::marker::PhantomData;
use polkadot_sdk::{
	frame_support::{traits::Get, weights::Weight},
	frame_system,
};

/// What each call takes.
pub trait WeightInfo {
	/// [`set`](crate::Call::set) with `keys` to read, the list of chains included, and `bytes` of proof.
	fn set(keys: u32, bytes: u32) -> Weight;
}

/// For a runtime with its own database weights.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn set(keys: u32, bytes: u32) -> Weight {
		base(keys, bytes).saturating_add(T::DbWeight::get().reads_writes(4, 4))
	}
}

impl WeightInfo for () {
	fn set(keys: u32, bytes: u32) -> Weight {
		base(keys, bytes)
	}
}

/// Each key is one lookup of some ten nodes; each byte is copied and hashed.
fn base(keys: u32, bytes: u32) -> Weight {
	// The list of known chains has up to 4 KiB.
	Weight::from_parts(60_000_000, 8_192)
		.saturating_add(Weight::from_parts(40_000_000, 0).saturating_mul(keys.into()))
		.saturating_add(Weight::from_parts(10_000, 0).saturating_mul(bytes.into()))
}
