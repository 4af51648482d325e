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
	/// See the benchmark `register`.
	fn register(m: u32) -> Weight;
	/// See the benchmark `advance`.
	fn advance() -> Weight;
}

/// With the runtime's weights of database accesses.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn register(m: u32) -> Weight {
		Weight::from_parts(60_000_000, 8_000)
			.saturating_add(T::DbWeight::get().reads_writes(4, 6))
			.saturating_add(Weight::from_parts(2_500_000_000, 320).saturating_mul(m.into()))
	}

	fn advance() -> Weight {
		Weight::from_parts(60_000_000, 40_000).saturating_add(T::DbWeight::get().reads_writes(6, 6))
	}
}

/// With RocksDB's weights of database accesses, for tests.
impl WeightInfo for () {
	fn register(m: u32) -> Weight {
		Weight::from_parts(60_000_000, 8_000)
			.saturating_add(RocksDbWeight::get().reads_writes(4, 6))
			.saturating_add(Weight::from_parts(2_500_000_000, 320).saturating_mul(m.into()))
	}

	fn advance() -> Weight {
		Weight::from_parts(60_000_000, 40_000).saturating_add(RocksDbWeight::get().reads_writes(6, 6))
	}
}
