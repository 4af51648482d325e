//! Weights of the pallet's calls and hooks: conservative numbers, by hand.

use core::marker::PhantomData;
use polkadot_sdk::{
	frame_support::{traits::Get, weights::Weight},
	frame_system,
};

/// What each call and hook takes.
pub trait WeightInfo {
	/// [`deliver`](crate::Call::deliver) with so many batches of so many messages together, all of which bounce.
	fn deliver(batches: u32, messages: u32) -> Weight;
	/// One message that is sent: its storage, and its part in closing the outbox.
	fn send() -> Weight;
	/// The acknowledgement of so many batches.
	fn acknowledge(batches: u32) -> Weight;
	/// The end of a block without messages.
	fn on_finalize() -> Weight;
}

/// For a runtime with its own database weights.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn deliver(batches: u32, messages: u32) -> Weight {
		let db = T::DbWeight::get();
		Weight::from_parts(20_000_000, 4_096)
			.saturating_add(Weight::from_parts(60_000_000, 8_192).saturating_mul(batches.into()))
			.saturating_add(db.reads_writes(4, 3).saturating_mul(batches.into()))
			.saturating_add(Weight::from_parts(80_000_000, 512).saturating_mul(messages.into()))
			// The handler's two accounts and one more entry; the bounce's batch.
			.saturating_add(db.reads_writes(4, 4).saturating_mul(messages.into()))
			.saturating_add(Self::send().saturating_mul(messages.into()))
	}

	fn send() -> Weight {
		// The list of known chains, up to 4 KiB, is decoded for each message.
		Weight::from_parts(70_000_000, 16_384).saturating_add(T::DbWeight::get().reads_writes(5, 4))
	}

	fn acknowledge(batches: u32) -> Weight {
		let db = T::DbWeight::get();
		Weight::from_parts(20_000_000, 8_192)
			.saturating_add(db.reads_writes(1, 1))
			.saturating_add(Weight::from_parts(10_000_000, 8_192).saturating_mul(batches.into()))
			.saturating_add(db.reads_writes(1, 2).saturating_mul(batches.into()))
	}

	fn on_finalize() -> Weight {
		Weight::from_parts(10_000_000, 4_096).saturating_add(T::DbWeight::get().reads_writes(1, 2))
	}
}

impl WeightInfo for () {
	fn deliver(batches: u32, messages: u32) -> Weight {
		Weight::from_parts(1, 0).saturating_mul(u64::from(batches) + u64::from(messages))
	}
	fn send() -> Weight {
		Weight::from_parts(1, 0)
	}
	fn acknowledge(batches: u32) -> Weight {
		Weight::from_parts(batches.into(), 0)
	}
	fn on_finalize() -> Weight {
		Weight::zero()
	}
}
