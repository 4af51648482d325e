//! Benchmarks.

use super::*;
use alloc::{vec, vec::Vec};
use asterism_primitives::root_state::MAX_CHAINS;
use fixture::RootFixture;
use polkadot_sdk::{frame_benchmarking::v2::*, frame_system::RawOrigin};

/// Half of the bytes that a proof may have: the keys' own nodes need some of the other half.
const BYTES: u32 = MAX_PROOF_BYTES / 2;
/// The least that a node has in a proof of the most bytes with the most nodes.
const NODE_BYTES: u32 = MAX_PROOF_BYTES / MAX_PROOF_NODES;

#[benchmarks]
mod benchmarks {
	use super::*;

	/// `k`: keys to read: the list of chains, the epoch that is ready, and some of 1,024 anchors. `b`: bytes of proof in
	/// small nodes, beside those that the keys need.
	#[benchmark]
	fn set(k: Linear<2, MAX_ANCHORS>, b: Linear<0, BYTES>) {
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
		let wanted: Vec<_> = (2..k).map(|number| (ChainId(7), number)).collect();
		let mut data = root.view(Chain::<T>::get(), 1, &wanted, &[]);
		for i in 0..b / NODE_BYTES {
			let mut node = vec![0xff; NODE_BYTES as usize];
			node[..4].copy_from_slice(&i.to_le_bytes());
			data.proof.push(node);
		}

		#[extrinsic_call]
		_(RawOrigin::None, data);

		assert_eq!(View::<T>::get().map(|view| view.number), Some(1));
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
