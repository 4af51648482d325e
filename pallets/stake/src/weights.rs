//! Weights of the calls. Set by hand on the safe side; `scripts/benchmark` measures them.

use core::marker::PhantomData;
use polkadot_sdk::{
	frame_support::{traits::Get, weights::Weight},
	frame_system,
};

/// The weights of this pallet's calls.
pub trait WeightInfo {
	/// Registering a node, or registering it again.
	fn register() -> Weight;
	/// Adding to a stake.
	fn add() -> Weight;
	/// Replacing all keys of a node that has retired as many as it may.
	fn rotate() -> Weight;
	/// Leaving.
	fn leave() -> Weight;
	/// Withdrawing the stake of a node that has retired as many keys as it may.
	fn withdraw() -> Weight;
}

/// Weights on the database of the runtime.
pub struct SubstrateWeight<T>(PhantomData<T>);

/// Two sr25519 signatures, checking a key's subgroup, hashing to the curve and one pairing check, in Wasm.
const PROOF: Weight = Weight::from_parts(8_000_000_000, 0);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn register() -> Weight {
		Weight::from_parts(120_000_000, 12_000)
			.saturating_add(PROOF)
			.saturating_add(T::DbWeight::get().reads_writes(10, 10))
	}

	fn add() -> Weight {
		Weight::from_parts(80_000_000, 8_000).saturating_add(T::DbWeight::get().reads_writes(4, 4))
	}

	fn rotate() -> Weight {
		// Up to as many keys are forgotten as a node may have retired.
		Weight::from_parts(120_000_000, 20_000)
			.saturating_add(PROOF)
			.saturating_add(T::DbWeight::get().reads_writes(8, 48))
	}

	fn leave() -> Weight {
		Weight::from_parts(50_000_000, 5_000).saturating_add(T::DbWeight::get().reads_writes(2, 2))
	}

	fn withdraw() -> Weight {
		Weight::from_parts(120_000_000, 20_000).saturating_add(T::DbWeight::get().reads_writes(5, 48))
	}
}

impl WeightInfo for () {
	fn register() -> Weight {
		Weight::from_parts(120_000_000, 12_000).saturating_add(PROOF)
	}

	fn add() -> Weight {
		Weight::from_parts(80_000_000, 8_000)
	}

	fn rotate() -> Weight {
		Weight::from_parts(120_000_000, 20_000).saturating_add(PROOF)
	}

	fn leave() -> Weight {
		Weight::from_parts(50_000_000, 5_000)
	}

	fn withdraw() -> Weight {
		Weight::from_parts(120_000_000, 20_000)
	}
}
