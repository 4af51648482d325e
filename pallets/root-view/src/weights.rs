//! Weights, set by hand on the safe side; `scripts/benchmark` measures them.

use core::marker::PhantomData;
use polkadot_sdk::{
	frame_support::{
		traits::Get,
		weights::{constants::RocksDbWeight, Weight},
	},
	frame_system,
};

/// What each call, hook or part of them takes. The benchmark of the same name says what is measured, and what its
/// components count.
pub trait WeightInfo {
	/// See the benchmark `set`.
	fn set(k: u32, b: u32) -> Weight;
}

/// With the runtime's weights of database accesses.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn set(k: u32, b: u32) -> Weight {
		Weight::from_parts(60_000_000, 8_192)
			.saturating_add(T::DbWeight::get().reads_writes(5, 4))
			.saturating_add(Weight::from_parts(50_000_000, 0).saturating_mul(k.into()))
			.saturating_add(Weight::from_parts(10_000, 0).saturating_mul(b.into()))
	}
}

/// With RocksDB's weights of database accesses, for tests.
impl WeightInfo for () {
	fn set(k: u32, b: u32) -> Weight {
		Weight::from_parts(60_000_000, 8_192)
			.saturating_add(RocksDbWeight::get().reads_writes(5, 4))
			.saturating_add(Weight::from_parts(50_000_000, 0).saturating_mul(k.into()))
			.saturating_add(Weight::from_parts(10_000, 0).saturating_mul(b.into()))
	}
}
