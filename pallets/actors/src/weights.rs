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
	/// See the benchmark `upload`.
	fn upload(c: u32, i: u32) -> Weight;
	/// See the benchmark `remove`.
	fn remove() -> Weight;
	/// See the benchmark `instantiate`.
	fn instantiate() -> Weight;
	/// See the benchmark `call`.
	fn call() -> Weight;
	/// See the benchmark `enqueue`.
	fn enqueue() -> Weight;
	/// See the benchmark `peek`.
	fn peek() -> Weight;
	/// See the benchmark `step`.
	fn step() -> Weight;
	/// See the benchmark `give_back`.
	fn give_back() -> Weight;
}

/// With the runtime's weights of database accesses.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn transfer() -> Weight {
		Weight::from_parts(140_000_000, 24_000).saturating_add(T::DbWeight::get().reads_writes(9, 8))
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

	// By the validator's speed: 50 ns a byte and 3 µs a function natively, four times that in Wasm, for as many functions and
	// types as there may be.
	fn upload(c: u32, i: u32) -> Weight {
		Weight::from_parts(30_000_000_000, 16_384)
			.saturating_add(Weight::from_parts(250_000, 2).saturating_mul(c.into()))
			.saturating_add(Weight::from_parts(500_000, 2).saturating_mul(i.into()))
			.saturating_add(T::DbWeight::get().reads_writes(3, 5))
	}

	fn remove() -> Weight {
		Weight::from_parts(80_000_000, 200_000).saturating_add(T::DbWeight::get().reads_writes(3, 5))
	}

	fn instantiate() -> Weight {
		Weight::from_parts(300_000_000, 32_768).saturating_add(T::DbWeight::get().reads_writes(12, 12))
	}

	fn call() -> Weight {
		Weight::from_parts(200_000_000, 32_768).saturating_add(T::DbWeight::get().reads_writes(11, 9))
	}

	fn enqueue() -> Weight {
		Weight::from_parts(150_000_000, 16_384).saturating_add(T::DbWeight::get().reads_writes(8, 7))
	}

	fn peek() -> Weight {
		Weight::from_parts(10_000_000, 8_192).saturating_add(T::DbWeight::get().reads(4))
	}

	// Without the gas: taking the message out, loading the code, and sending the message back.
	fn step() -> Weight {
		Weight::from_parts(500_000_000, 262_144).saturating_add(T::DbWeight::get().reads_writes(20, 16))
	}

	fn give_back() -> Weight {
		Weight::from_parts(150_000_000, 32_768).saturating_add(T::DbWeight::get().reads_writes(7, 8))
	}
}

/// With RocksDB's weights of database accesses, for tests.
impl WeightInfo for () {
	fn transfer() -> Weight {
		Weight::from_parts(140_000_000, 24_000).saturating_add(RocksDbWeight::get().reads_writes(9, 8))
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

	// By the validator's speed: 50 ns a byte and 3 µs a function natively, four times that in Wasm, for as many functions and
	// types as there may be.
	fn upload(c: u32, i: u32) -> Weight {
		Weight::from_parts(30_000_000_000, 16_384)
			.saturating_add(Weight::from_parts(250_000, 2).saturating_mul(c.into()))
			.saturating_add(Weight::from_parts(500_000, 2).saturating_mul(i.into()))
			.saturating_add(RocksDbWeight::get().reads_writes(3, 5))
	}

	fn remove() -> Weight {
		Weight::from_parts(80_000_000, 200_000).saturating_add(RocksDbWeight::get().reads_writes(3, 5))
	}

	fn instantiate() -> Weight {
		Weight::from_parts(300_000_000, 32_768).saturating_add(RocksDbWeight::get().reads_writes(12, 12))
	}

	fn call() -> Weight {
		Weight::from_parts(200_000_000, 32_768).saturating_add(RocksDbWeight::get().reads_writes(11, 9))
	}

	fn enqueue() -> Weight {
		Weight::from_parts(150_000_000, 16_384).saturating_add(RocksDbWeight::get().reads_writes(8, 7))
	}

	fn peek() -> Weight {
		Weight::from_parts(10_000_000, 8_192).saturating_add(RocksDbWeight::get().reads(4))
	}

	// Without the gas: taking the message out, loading the code, and sending the message back.
	fn step() -> Weight {
		Weight::from_parts(500_000_000, 262_144).saturating_add(RocksDbWeight::get().reads_writes(20, 16))
	}

	fn give_back() -> Weight {
		Weight::from_parts(150_000_000, 32_768).saturating_add(RocksDbWeight::get().reads_writes(7, 8))
	}
}
