//! Benchmarks.

use super::*;
use alloc::vec::Vec;
use asterism_primitives::root_state::MAX_CHAINS;
use fixture::RootFixture;
use polkadot_sdk::{frame_benchmarking, frame_benchmarking::v2::*, frame_system::RawOrigin};

#[benchmarks]
mod benchmarks {
	use super::*;

	/// `keys`: the list of chains, and some of 1,024 anchors; the proof's bytes follow from them.
	#[benchmark]
	fn set(keys: Linear<2, MAX_ANCHORS>) {
		Chain::<T>::put(ChainId(1));
		let mut root = RootFixture::default();
		let anchor = Anchor {
			block_hash: Hash::repeat_byte(1),
			state_root: Hash::repeat_byte(2),
			outbox_root: Hash::repeat_byte(3),
			unacknowledged: 1,
		};
		for number in 0..1_024 {
			root.set_anchor(ChainId(7), number, anchor);
		}
		root.set_chains((1..=MAX_CHAINS).map(ChainId));
		let wanted: Vec<_> = (1..keys).map(|number| (ChainId(7), number)).collect();
		let data = root.view(Chain::<T>::get(), 1, &wanted, &[]);

		#[extrinsic_call]
		_(RawOrigin::None, data);

		assert_eq!(View::<T>::get().map(|view| view.number), Some(1));
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
