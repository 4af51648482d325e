//! The epochs of a chain: which committee its blocks belong to, and when the next one takes over.
//!
//! # Overview
//!
//! The same pallet on every chain. It counts the chain's epochs by the rule of [`asterism_protocol::epochs`], and says in
//! the header ([`asterism_primitives::epoch`]) that the chain needs its next committee, and that a block is its epoch's
//! last. So both are certified by the committee itself, and a checkpoint tells the root chain of them.
//!
//! # Flow
//!
//! ```text
//!  on_initialize   the header's round must be of the current epoch ── else the block is invalid
//!       │
//!  extrinsics      (here a root view, or a member's word, may make the next committee ready)
//!       │
//!  on_finalize     epochs::step ──► digest: Signal or End ──► Handover: on_signal, on_end
//!                       ▲
//!                  NextCommittee::ready
//! ```
//!
//! | | [`NextCommittee`] | [`Handover`] |
//! |---|---|---|
//! | root chain | the registry, which the elections report to | opens the election; advances the root chain's own epoch |
//! | transaction chain | what the newest root view proves | nothing: the checkpoint tells the root chain |
//!
//! # Assumptions
//!
//! - The header's round is what the committee's consensus engine agreed on; voters refuse a block that names another
//!   round than the one that it is proposed in. This pallet adds that the round is of the right epoch, so engines of two
//!   epochs can't both extend the chain. Nobody can know the epoch of a block better than the state that it is executed
//!   on, and a block has no other way to refuse itself: [`Hooks::on_initialize`] panics, which makes it invalid.
//! - Calls outside of a block (the pool's, and those of RPC) don't run that hook, and need no round.
//! - The epoch's last block may be proposed again, as the very same block, in later views of its epoch. Nothing of that is
//!   visible here.
#![cfg_attr(not(feature = "std"), no_std)]

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(test)]
mod tests;
pub mod weights;

pub use pallet::*;
pub use weights::WeightInfo;

use asterism_primitives::{
	committee::Epoch,
	digest,
	epoch::{epoch_item, EpochNote},
	BlockNumber,
};
use asterism_protocol::epochs::{self, Progress, Turn};
use polkadot_sdk::{
	frame_support::{self, pallet_prelude::*},
	frame_system::{self, pallet_prelude::*},
	sp_runtime::SaturatedConversion,
};

/// Knows whether a committee may take over.
pub trait NextCommittee {
	/// Whether the committee of this epoch of the chain is on record, and a quorum of its members has said that it is ready.
	fn ready(next: Epoch) -> bool;
}

/// Hears of what the chain says of its epochs, in the block that says it.
pub trait Handover {
	/// The chain needs the committee of this epoch.
	fn on_signal(next: Epoch);
	/// The block is the last before this epoch.
	fn on_end(next: Epoch);
	/// What the heavier of the two weighs.
	fn weight() -> Weight;
}

impl Handover for () {
	fn on_signal(_: Epoch) {}
	fn on_end(_: Epoch) {}
	fn weight() -> Weight {
		Weight::zero()
	}
}

#[frame_support::pallet]
pub mod pallet {
	use super::*;

	/// The pallet.
	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// What the runtime decides.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// How many blocks an epoch has at least; 0 if it never ends. See
		/// [`ChainParameters::epoch_length`](asterism_primitives::ChainParameters::epoch_length).
		type Length: Get<BlockNumber>;
		/// Knows whether the next committee may take over. If it says so too early, the chain waits for a committee that
		/// isn't there.
		type NextCommittee: NextCommittee;
		/// Hears of signals and ends.
		type Handover: Handover;
		/// The weight of the hooks.
		type WeightInfo: WeightInfo;
	}

	/// Where the chain stands: the epoch of the block that is executed, or of the next one between blocks.
	#[pallet::storage]
	pub type Current<T> = StorageValue<_, Progress, ValueQuery>;

	/// Nothing to configure: every chain starts with epoch 0, at its first block.
	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// Marks the runtime.
		#[serde(skip)]
		pub _runtime: core::marker::PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			Current::<T>::put(Progress {
				epoch: 0,
				start: 1,
				signalled: false,
			});
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// # Panics
		/// If the header doesn't name exactly one round, or names one of another epoch than the current one. The block is
		/// invalid then, and nobody imports it.
		fn on_initialize(_: BlockNumberFor<T>) -> Weight {
			let current = Current::<T>::get().epoch;
			let Some(round) = digest::round(&frame_system::Pallet::<T>::digest()) else {
				panic!("header: expected exactly one round, of epoch {current}, in its digest");
			};
			assert!(
				round.epoch == current,
				"header: expected a round of epoch {current}, got one of epoch {}",
				round.epoch
			);
			// What `on_finalize` takes is part of it.
			T::WeightInfo::block().saturating_add(T::Handover::weight())
		}

		fn on_finalize(number: BlockNumberFor<T>) {
			let (turn, next) = epochs::step(
				Current::<T>::get(),
				number.saturated_into(),
				T::Length::get(),
				T::NextCommittee::ready,
			);
			let note = match turn {
				Turn::None => return,
				Turn::Signal { next } => {
					T::Handover::on_signal(next);
					EpochNote::Signal { next }
				}
				Turn::End { next } => {
					T::Handover::on_end(next);
					EpochNote::End { next }
				}
			};
			Current::<T>::put(next);
			frame_system::Pallet::<T>::deposit_log(epoch_item(note));
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(number: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state(number.saturated_into())
		}
	}
}

impl<T: Config> Pallet<T> {
	/// The epoch of the block that is executed, or of the next one between blocks, and the height of its first block.
	pub fn current() -> (Epoch, BlockNumber) {
		let progress = Current::<T>::get();
		(progress.epoch, progress.start)
	}

	/// Checks, between blocks or in block `number`, that the current epoch begins with the next block at the latest.
	///
	/// # Errors
	/// What doesn't hold.
	#[cfg(any(feature = "std", feature = "try-runtime"))]
	pub fn do_try_state(number: BlockNumber) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
		let progress = Current::<T>::get();
		ensure!(
			progress.start <= number.saturating_add(1),
			"the current epoch begins after the next block"
		);
		ensure!(
			!progress.signalled || progress.start <= number,
			"an epoch has signalled before its first block"
		);
		ensure!(
			progress.epoch == 0 || T::Length::get() != 0,
			"an epoch has ended although epochs have no length"
		);
		Ok(())
	}
}
