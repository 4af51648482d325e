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
	/// See the benchmark `on_finalize`.
	fn on_finalize(b: u32) -> Weight;
	/// See the benchmark `acknowledge`.
	fn acknowledge(b: u32) -> Weight;
	/// See the benchmark `deliver`.
	fn deliver(b: u32, m: u32) -> Weight;
	/// See the benchmark `deliver_returned`.
	fn deliver_returned(b: u32, m: u32) -> Weight;
}

/// With the runtime's weights of database accesses.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn on_finalize(b: u32) -> Weight {
		Weight::from_parts(10_000_000, 4_096)
			.saturating_add(T::DbWeight::get().reads_writes(1, 1))
			.saturating_add(Weight::from_parts(80_000_000, 16_384).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads_writes(4, 5).saturating_mul(b.into()))
	}

	fn acknowledge(b: u32) -> Weight {
		Weight::from_parts(20_000_000, 8_192)
			.saturating_add(T::DbWeight::get().reads_writes(1, 1))
			.saturating_add(Weight::from_parts(20_000_000, 8_192).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads_writes(2, 2).saturating_mul(b.into()))
	}

	fn deliver(b: u32, m: u32) -> Weight {
		Weight::from_parts(40_000_000, 8_192)
			.saturating_add(T::DbWeight::get().reads_writes(5, 4))
			.saturating_add(Weight::from_parts(160_000_000, 16_384).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads_writes(4, 4).saturating_mul(b.into()))
			.saturating_add(Weight::from_parts(80_000_000, 512).saturating_mul(m.into()))
	}

	fn deliver_returned(b: u32, m: u32) -> Weight {
		Weight::from_parts(40_000_000, 8_192)
			.saturating_add(T::DbWeight::get().reads_writes(5, 4))
			.saturating_add(Weight::from_parts(120_000_000, 16_384).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads_writes(4, 3).saturating_mul(b.into()))
			.saturating_add(Weight::from_parts(60_000_000, 512).saturating_mul(m.into()))
			.saturating_add(T::DbWeight::get().reads_writes(1, 1).saturating_mul(m.into()))
	}
}

/// With RocksDB's weights of database accesses, for tests.
impl WeightInfo for () {
	fn on_finalize(b: u32) -> Weight {
		Weight::from_parts(10_000_000, 4_096)
			.saturating_add(RocksDbWeight::get().reads_writes(1, 1))
			.saturating_add(Weight::from_parts(80_000_000, 16_384).saturating_mul(b.into()))
			.saturating_add(RocksDbWeight::get().reads_writes(4, 5).saturating_mul(b.into()))
	}

	fn acknowledge(b: u32) -> Weight {
		Weight::from_parts(20_000_000, 8_192)
			.saturating_add(RocksDbWeight::get().reads_writes(1, 1))
			.saturating_add(Weight::from_parts(20_000_000, 8_192).saturating_mul(b.into()))
			.saturating_add(RocksDbWeight::get().reads_writes(2, 2).saturating_mul(b.into()))
	}

	fn deliver(b: u32, m: u32) -> Weight {
		Weight::from_parts(40_000_000, 8_192)
			.saturating_add(RocksDbWeight::get().reads_writes(5, 4))
			.saturating_add(Weight::from_parts(160_000_000, 16_384).saturating_mul(b.into()))
			.saturating_add(RocksDbWeight::get().reads_writes(4, 4).saturating_mul(b.into()))
			.saturating_add(Weight::from_parts(80_000_000, 512).saturating_mul(m.into()))
	}

	fn deliver_returned(b: u32, m: u32) -> Weight {
		Weight::from_parts(40_000_000, 8_192)
			.saturating_add(RocksDbWeight::get().reads_writes(5, 4))
			.saturating_add(Weight::from_parts(120_000_000, 16_384).saturating_mul(b.into()))
			.saturating_add(RocksDbWeight::get().reads_writes(4, 3).saturating_mul(b.into()))
			.saturating_add(Weight::from_parts(60_000_000, 512).saturating_mul(m.into()))
			.saturating_add(RocksDbWeight::get().reads_writes(1, 1).saturating_mul(m.into()))
	}
}
