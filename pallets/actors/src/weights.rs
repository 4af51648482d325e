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
	/// See the benchmark `transfer`.
	fn transfer() -> Weight;
	/// See the benchmark `claim`.
	fn claim() -> Weight;
	/// See the benchmark `receive`.
	fn receive() -> Weight;
	/// See the benchmark `returned`.
	fn returned() -> Weight;
}

/// With the runtime's weights of database accesses.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn transfer() -> Weight {
		Weight::from_parts(140_000_000, 24_000).saturating_add(T::DbWeight::get().reads_writes(8, 7))
	}

	fn claim() -> Weight {
		Weight::from_parts(80_000_000, 8_192).saturating_add(T::DbWeight::get().reads_writes(4, 4))
	}

	fn receive() -> Weight {
		Weight::from_parts(120_000_000, 8_192).saturating_add(T::DbWeight::get().reads_writes(4, 4))
	}

	fn returned() -> Weight {
		Weight::from_parts(120_000_000, 8_192).saturating_add(T::DbWeight::get().reads_writes(4, 4))
	}
}

/// With RocksDB's weights of database accesses, for tests.
impl WeightInfo for () {
	fn transfer() -> Weight {
		Weight::from_parts(140_000_000, 24_000).saturating_add(RocksDbWeight::get().reads_writes(8, 7))
	}

	fn claim() -> Weight {
		Weight::from_parts(80_000_000, 8_192).saturating_add(RocksDbWeight::get().reads_writes(4, 4))
	}

	fn receive() -> Weight {
		Weight::from_parts(120_000_000, 8_192).saturating_add(RocksDbWeight::get().reads_writes(4, 4))
	}

	fn returned() -> Weight {
		Weight::from_parts(120_000_000, 8_192).saturating_add(RocksDbWeight::get().reads_writes(4, 4))
	}
}
