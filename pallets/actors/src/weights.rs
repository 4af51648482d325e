//! Weights of the pallet's calls: conservative numbers, by hand.

use core::marker::PhantomData;
use polkadot_sdk::{
	frame_support::{traits::Get, weights::Weight},
	frame_system,
};

/// What each call takes.
pub trait WeightInfo {
	/// [`transfer`](crate::Call::transfer) to another chain, which takes more than one within this chain.
	fn transfer() -> Weight;
	/// [`claim`](crate::Call::claim).
	fn claim() -> Weight;
}

/// For a runtime with its own database weights, and `M`'s weights of messages.
pub struct SubstrateWeight<T, M>(PhantomData<(T, M)>);

impl<T: frame_system::Config, M: pallet_messages::WeightInfo> WeightInfo for SubstrateWeight<T, M> {
	fn transfer() -> Weight {
		Weight::from_parts(70_000_000, 8_192)
			.saturating_add(T::DbWeight::get().reads_writes(3, 3))
			.saturating_add(M::send())
	}

	fn claim() -> Weight {
		Weight::from_parts(80_000_000, 8_192).saturating_add(T::DbWeight::get().reads_writes(3, 3))
	}
}

impl WeightInfo for () {
	fn transfer() -> Weight {
		Weight::from_parts(1, 0)
	}
	fn claim() -> Weight {
		Weight::from_parts(1, 0)
	}
}
