//! Weights of the calls. Set by hand on the safe side; `scripts/benchmark` measures them.

use core::marker::PhantomData;
use polkadot_sdk::{
	frame_support::{traits::Get, weights::Weight},
	frame_system,
};

/// The weights of this pallet's calls.
pub trait WeightInfo {
	/// Bringing in a seed.
	fn set() -> Weight;
	/// Putting a log of `b` bytes on the board.
	fn post_log(b: u32) -> Weight;
	/// Authorizing that.
	fn authorize_post_log(b: u32) -> Weight;
	/// Publishing an output of `b` bytes, or authorizing that.
	fn publish_output(b: u32) -> Weight;
	/// Beginning an attempt after one with `l` logs.
	fn begin(l: u32) -> Weight;
	/// Adopting the sharing of an attempt.
	fn adopt() -> Weight;
}

/// Weights on the database of the runtime.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn set() -> Weight {
		<()>::set().saturating_add(T::DbWeight::get().reads_writes(5, 5))
	}

	fn post_log(b: u32) -> Weight {
		<()>::post_log(b).saturating_add(T::DbWeight::get().reads_writes(1, 2))
	}

	fn authorize_post_log(b: u32) -> Weight {
		<()>::authorize_post_log(b).saturating_add(T::DbWeight::get().reads(2))
	}

	fn publish_output(b: u32) -> Weight {
		<()>::publish_output(b).saturating_add(T::DbWeight::get().reads_writes(2, 1))
	}

	fn begin(l: u32) -> Weight {
		<()>::begin(l).saturating_add(T::DbWeight::get().reads_writes(3, u64::from(l).saturating_add(3)))
	}

	fn adopt() -> Weight {
		<()>::adopt().saturating_add(T::DbWeight::get().reads_writes(3, 5))
	}
}

impl WeightInfo for () {
	fn set() -> Weight {
		// One pairing check with hashing to the curve; the list of rounds has 1 KiB.
		Weight::from_parts(7_000_000_000, 4_000)
	}

	fn post_log(b: u32) -> Weight {
		// The attempt on record has up to 24 KiB.
		Weight::from_parts(60_000_000, 26_000)
			.saturating_add(Weight::from_parts(1_000, 1).saturating_mul(b.into()))
	}

	fn authorize_post_log(b: u32) -> Weight {
		// One sr25519 verification, and hashing of the log.
		Weight::from_parts(150_000_000, 26_000)
			.saturating_add(Weight::from_parts(10_000, 0).saturating_mul(b.into()))
	}

	fn publish_output(b: u32) -> Weight {
		Weight::from_parts(40_000_000, 10_000)
			.saturating_add(Weight::from_parts(10_000, 1).saturating_mul(b.into()))
	}

	fn begin(l: u32) -> Weight {
		// Removing a log reads its trie nodes.
		Weight::from_parts(80_000_000, 30_000)
			.saturating_add(Weight::from_parts(10_000_000, 50_000).saturating_mul(l.into()))
	}

	fn adopt() -> Weight {
		// The attempt on record has up to 24 KiB, a sharing 8 KiB.
		Weight::from_parts(80_000_000, 34_000)
	}
}
