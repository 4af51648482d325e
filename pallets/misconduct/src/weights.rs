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
	/// See the benchmark `report`.
	fn report(m: u32, c: u32) -> Weight;
	/// See the benchmark `authorize_report`.
	fn authorize_report(m: u32, c: u32) -> Weight;
}

/// With the runtime's weights of database accesses.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn report(m: u32, c: u32) -> Weight {
		Weight::from_parts(60_000_000, 4_000)
			.saturating_add(T::DbWeight::get().reads_writes(6, 1))
			.saturating_add(Weight::from_parts(500_000, 128).saturating_mul(m.into()))
			.saturating_add(Weight::from_parts(10_000_000, 0).saturating_mul(c.into()))
	}

	fn authorize_report(m: u32, c: u32) -> Weight {
		Weight::from_parts(16_000_000_000, 60_000)
			.saturating_add(T::DbWeight::get().reads(8))
			.saturating_add(Weight::from_parts(40_000_000, 128).saturating_mul(m.into()))
			.saturating_add(Weight::from_parts(1_000_000, 0).saturating_mul(c.into()))
	}
}

/// With RocksDB's weights of database accesses, for tests.
impl WeightInfo for () {
	fn report(m: u32, c: u32) -> Weight {
		Weight::from_parts(60_000_000, 4_000)
			.saturating_add(RocksDbWeight::get().reads_writes(6, 1))
			.saturating_add(Weight::from_parts(500_000, 128).saturating_mul(m.into()))
			.saturating_add(Weight::from_parts(10_000_000, 0).saturating_mul(c.into()))
	}

	fn authorize_report(m: u32, c: u32) -> Weight {
		Weight::from_parts(16_000_000_000, 60_000)
			.saturating_add(RocksDbWeight::get().reads(8))
			.saturating_add(Weight::from_parts(40_000_000, 128).saturating_mul(m.into()))
			.saturating_add(Weight::from_parts(1_000_000, 0).saturating_mul(c.into()))
	}
}
