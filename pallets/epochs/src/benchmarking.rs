//! Benchmarks of the hooks.

use super::*;
use asterism_primitives::{certificate::Round, digest::round_item};
use polkadot_sdk::{frame_benchmarking::v2::*, frame_support::traits::Hooks, sp_runtime::Digest};

#[benchmarks]
mod benches {
	use super::*;

	/// A block that signals, if the chain has epochs: ending one needs a committee that is ready, and costs the same but for
	/// what [`Handover`] accounts for itself.
	#[benchmark]
	fn block() {
		let number = BlockNumberFor::<T>::from(T::Length::get().saturating_add(1));
		let round = Round { epoch: 0, view: 1 };
		let digest = Digest {
			logs: [round_item(round)].to_vec(),
		};
		Current::<T>::put(Progress {
			epoch: 0,
			start: 1,
			signalled: false,
		});
		frame_system::Pallet::<T>::initialize(&number, &Default::default(), &digest);

		#[block]
		{
			Pallet::<T>::on_initialize(number);
			Pallet::<T>::on_finalize(number);
		}

		assert_eq!(Current::<T>::get().signalled, T::Length::get() > 0);
	}
}
