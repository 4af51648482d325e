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
	/// See the benchmark `announce`.
	fn announce() -> Weight;
	/// See the benchmark `learn`.
	fn learn() -> Weight;
	/// See the benchmark `connect`.
	fn connect(b: u32) -> Weight;
	/// See the benchmark `disconnect`.
	fn disconnect() -> Weight;
	/// See the benchmark `declare`.
	fn declare(a: u32, b: u32, c: u32) -> Weight;
	/// See the benchmark `withdraw`.
	fn withdraw() -> Weight;
	/// See the benchmark `run`.
	fn run(i: u32) -> Weight;
}

/// With the runtime's weights of database accesses.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn announce() -> Weight {
		Weight::from_parts(120_000_000, 32_768).saturating_add(T::DbWeight::get().reads_writes(9, 4))
	}

	fn learn() -> Weight {
		Weight::from_parts(60_000_000, 16_384).saturating_add(T::DbWeight::get().reads_writes(3, 4))
	}

	// By what decoding and validating an interface take, 2 µs a byte, and what the longest comparison takes, of `MAX_ASSUMPTIONS`
	// pairs of types.
	fn connect(b: u32) -> Weight {
		Weight::from_parts(4_000_000_000, 65_536)
			.saturating_add(Weight::from_parts(2_000_000, 1).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads_writes(8, 3))
	}

	fn disconnect() -> Weight {
		Weight::from_parts(60_000_000, 8_192).saturating_add(T::DbWeight::get().reads_writes(4, 4))
	}

	// As `connect`: each comparison as long as it may take.
	fn declare(a: u32, b: u32, c: u32) -> Weight {
		Weight::from_parts(100_000_000, 65_536)
			.saturating_add(Weight::from_parts(10_000_000, 16_384).saturating_mul(a.into()))
			.saturating_add(T::DbWeight::get().reads(2).saturating_mul(a.into()))
			.saturating_add(Weight::from_parts(2_000_000, 1).saturating_mul(b.into()))
			.saturating_add(Weight::from_parts(2_000_000_000, 0).saturating_mul(c.into()))
			.saturating_add(T::DbWeight::get().reads_writes(4, 4))
	}

	fn withdraw() -> Weight {
		Weight::from_parts(80_000_000, 65_536).saturating_add(T::DbWeight::get().reads_writes(4, 5))
	}

	// With the code of as many actors as there may be; each item as a call of `pallet-actors`.
	fn run(i: u32) -> Weight {
		Weight::from_parts(400_000_000, 262_144)
			.saturating_add(T::DbWeight::get().reads_writes(52, 2))
			.saturating_add(Weight::from_parts(220_000_000, 32_768).saturating_mul(i.into()))
			.saturating_add(T::DbWeight::get().reads_writes(11, 9).saturating_mul(i.into()))
	}
}

/// With RocksDB's weights of database accesses, for tests.
impl WeightInfo for () {
	fn announce() -> Weight {
		Weight::from_parts(120_000_000, 32_768).saturating_add(RocksDbWeight::get().reads_writes(9, 4))
	}

	fn learn() -> Weight {
		Weight::from_parts(60_000_000, 16_384).saturating_add(RocksDbWeight::get().reads_writes(3, 4))
	}

	// By what decoding and validating an interface take, 2 µs a byte, and what the longest comparison takes, of `MAX_ASSUMPTIONS`
	// pairs of types.
	fn connect(b: u32) -> Weight {
		Weight::from_parts(4_000_000_000, 65_536)
			.saturating_add(Weight::from_parts(2_000_000, 1).saturating_mul(b.into()))
			.saturating_add(RocksDbWeight::get().reads_writes(8, 3))
	}

	fn disconnect() -> Weight {
		Weight::from_parts(60_000_000, 8_192).saturating_add(RocksDbWeight::get().reads_writes(4, 4))
	}

	// As `connect`: each comparison as long as it may take.
	fn declare(a: u32, b: u32, c: u32) -> Weight {
		Weight::from_parts(100_000_000, 65_536)
			.saturating_add(Weight::from_parts(10_000_000, 16_384).saturating_mul(a.into()))
			.saturating_add(RocksDbWeight::get().reads(2).saturating_mul(a.into()))
			.saturating_add(Weight::from_parts(2_000_000, 1).saturating_mul(b.into()))
			.saturating_add(Weight::from_parts(2_000_000_000, 0).saturating_mul(c.into()))
			.saturating_add(RocksDbWeight::get().reads_writes(4, 4))
	}

	fn withdraw() -> Weight {
		Weight::from_parts(80_000_000, 65_536).saturating_add(RocksDbWeight::get().reads_writes(4, 5))
	}

	// With the code of as many actors as there may be; each item as a call of `pallet-actors`.
	fn run(i: u32) -> Weight {
		Weight::from_parts(400_000_000, 262_144)
			.saturating_add(RocksDbWeight::get().reads_writes(52, 2))
			.saturating_add(Weight::from_parts(220_000_000, 32_768).saturating_mul(i.into()))
			.saturating_add(RocksDbWeight::get().reads_writes(11, 9).saturating_mul(i.into()))
	}
}
