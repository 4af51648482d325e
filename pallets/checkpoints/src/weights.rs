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
	/// See the benchmark `submit`.
	fn submit(n: u32, t: u32) -> Weight;
	/// See the benchmark `authorize_submit`.
	fn authorize_submit(n: u32, t: u32, m: u32) -> Weight;
}

/// With the runtime's weights of database accesses.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn submit(n: u32, t: u32) -> Weight {
		Weight::from_parts(60_000_000, 4_000)
			.saturating_add(T::DbWeight::get().reads_writes(4, 3))
			.saturating_add(Weight::from_parts(30_000_000, 300).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads_writes(2, 2).saturating_mul(n.into()))
			.saturating_add(Weight::from_parts(60_000_000, 12_000).saturating_mul(t.into()))
			.saturating_add(T::DbWeight::get().reads_writes(5, 4).saturating_mul(t.into()))
	}

	fn authorize_submit(n: u32, t: u32, m: u32) -> Weight {
		Weight::from_parts(8_000_000_000, 60_000)
			.saturating_add(T::DbWeight::get().reads_writes(6, 3))
			.saturating_add(Weight::from_parts(30_000_000, 300).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads_writes(2, 2).saturating_mul(n.into()))
			.saturating_add(Weight::from_parts(60_000_000, 12_000).saturating_mul(t.into()))
			.saturating_add(T::DbWeight::get().reads_writes(5, 4).saturating_mul(t.into()))
			.saturating_add(Weight::from_parts(20_000_000, 0).saturating_mul(m.into()))
	}
}

/// With RocksDB's weights of database accesses, for tests.
impl WeightInfo for () {
	fn submit(n: u32, t: u32) -> Weight {
		Weight::from_parts(60_000_000, 4_000)
			.saturating_add(RocksDbWeight::get().reads_writes(4, 3))
			.saturating_add(Weight::from_parts(30_000_000, 300).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads_writes(2, 2).saturating_mul(n.into()))
			.saturating_add(Weight::from_parts(60_000_000, 12_000).saturating_mul(t.into()))
			.saturating_add(RocksDbWeight::get().reads_writes(5, 4).saturating_mul(t.into()))
	}

	fn authorize_submit(n: u32, t: u32, m: u32) -> Weight {
		Weight::from_parts(8_000_000_000, 60_000)
			.saturating_add(RocksDbWeight::get().reads_writes(6, 3))
			.saturating_add(Weight::from_parts(30_000_000, 300).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads_writes(2, 2).saturating_mul(n.into()))
			.saturating_add(Weight::from_parts(60_000_000, 12_000).saturating_mul(t.into()))
			.saturating_add(RocksDbWeight::get().reads_writes(5, 4).saturating_mul(t.into()))
			.saturating_add(Weight::from_parts(20_000_000, 0).saturating_mul(m.into()))
	}
}
