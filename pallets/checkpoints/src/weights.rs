//! Weights of the calls. Set by hand on the safe side; `benchmarking.rs` measures them.

use core::marker::PhantomData;
use polkadot_sdk::{
	frame_support::{traits::Get, weights::Weight},
	frame_system,
};

/// The weights of this pallet's calls.
pub trait WeightInfo {
	/// Putting `n` headers with `t` entries of traffic on record.
	fn submit(n: u32, t: u32) -> Weight;
	/// Authorizing that, with a certificate of `m` signers.
	fn authorize_submit(n: u32, t: u32, m: u32) -> Weight;
}

/// Weights on the database of the runtime.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn submit(n: u32, t: u32) -> Weight {
		let db = T::DbWeight::get();
		// A header: hashing, decoding, its anchor in and an old one out. An entry: a channel of up to 5 KiB, the index of
		// waiting sources, an anchor; or two amounts.
		Weight::from_parts(30_000_000, 4_000)
			.saturating_add(db.reads_writes(3, 2))
			.saturating_add(
				Weight::from_parts(20_000_000, 300)
					.saturating_add(db.reads_writes(2, 2))
					.saturating_mul(n.into()),
			)
			.saturating_add(
				Weight::from_parts(25_000_000, 6_000)
					.saturating_add(db.reads_writes(3, 3))
					.saturating_mul(t.into()),
			)
	}

	fn authorize_submit(n: u32, t: u32, m: u32) -> Weight {
		// One pairing check with hashing to the curve; decompressing and adding a key for each signer.
		Self::submit(n, t)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(Weight::from_parts(6_000_000_000, 35_000))
			.saturating_add(Weight::from_parts(700_000_000, 0).saturating_mul(m.into()))
	}
}

impl WeightInfo for () {
	fn submit(n: u32, t: u32) -> Weight {
		Weight::from_parts(30_000_000, 4_000)
			.saturating_add(Weight::from_parts(120_000_000, 300).saturating_mul(n.into()))
			.saturating_add(Weight::from_parts(200_000_000, 6_000).saturating_mul(t.into()))
	}

	fn authorize_submit(n: u32, t: u32, m: u32) -> Weight {
		Self::submit(n, t)
			.saturating_add(Weight::from_parts(6_000_000_000, 35_000))
			.saturating_add(Weight::from_parts(700_000_000, 0).saturating_mul(m.into()))
	}
}
