//! Weights of the calls. Set by hand on the safe side; `benchmarking.rs` measures them.

use core::marker::PhantomData;
use polkadot_sdk::{
	frame_support::{traits::Get, weights::Weight},
	frame_system,
};

/// The weights of this pallet's calls.
pub trait WeightInfo {
	/// Registering a chain with a committee of `m` members.
	fn register(m: u32) -> Weight;
}

/// Weights on the database of the runtime.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn register(m: u32) -> Weight {
		// Parsing a key and checking its subgroup takes about 1 ms in Wasm; a member has 128 bytes.
		Weight::from_parts(60_000_000, 8_000)
			.saturating_add(Weight::from_parts(1_500_000_000, 128).saturating_mul(m.into()))
			.saturating_add(T::DbWeight::get().reads_writes(4, 6))
	}
}

impl WeightInfo for () {
	fn register(m: u32) -> Weight {
		Weight::from_parts(60_000_000, 8_000)
			.saturating_add(Weight::from_parts(1_500_000_000, 128).saturating_mul(m.into()))
	}
}
