//! Benchmarks of the calls.

use super::*;
use asterism_primitives::beacon::{signed_bytes, MAX_LOG_BYTES};
use polkadot_sdk::{frame_benchmarking::v2::*, frame_system::RawOrigin, sp_core::crypto::KeyTypeId};

const KEY: KeyTypeId = KeyTypeId(*b"benc");

/// As many members as a committee may have, ascending.
fn members() -> MemberIds {
	let ids = (0..MAX_MEMBERS).map(|i| {
		let mut id = MemberId([0; 32]);
		id.0[..4].copy_from_slice(&i.to_be_bytes());
		id
	});
	MemberIds::truncate_from(ids.collect())
}

/// A network with a beacon whose shares are held by these members.
fn found<T: Config>(players: MemberIds, output: &[u8]) {
	GroupKey::<T>::put(T::BenchmarkHelper::key());
	Sharings::<T>::insert(
		0,
		Sharing {
			id: SharingId {
				attempt: 0,
				output: output_hash(output),
			},
			players,
		},
	);
	NewestSharing::<T>::put(0);
}

#[benchmarks]
mod benches {
	use super::*;

	#[benchmark]
	fn set() {
		GroupKey::<T>::put(T::BenchmarkHelper::key());
		let sign = |round| Seed {
			round,
			signature: T::BenchmarkHelper::sign(&signed_bytes(Pallet::<T>::genesis(), round)),
		};
		for round in 0..MAX_SEEDS {
			Seeds::<T>::insert(round, sign(round));
		}
		Rounds::<T>::put(BoundedVec::truncate_from((0..MAX_SEEDS).collect()));
		LastSeed::<T>::put(sign(MAX_SEEDS - 1));
		frame_system::Pallet::<T>::set_block_number((MAX_SEEDS + 1).into());
		let seed = sign(MAX_SEEDS);

		#[extrinsic_call]
		_(RawOrigin::None, seed);

		assert_eq!(LastSeed::<T>::get(), Some(seed));
	}

	/// `b`: the bytes of the log.
	#[benchmark]
	fn post_log(b: Linear<1, MAX_LOG_BYTES>) {
		found::<T>(members(), b"output");
		Pallet::<T>::start(1, members().into_inner()).expect("the attempt is the first");
		let dealer = members()[0];
		let log = LogBytes::truncate_from(alloc::vec![7; b as usize]);

		#[extrinsic_call]
		_(RawOrigin::Authorized, 1, dealer, log, [0; 64]);

		assert!(Logs::<T>::contains_key(1, dealer));
	}

	/// `b`: the bytes of the log.
	#[benchmark]
	fn authorize_post_log(b: Linear<1, MAX_LOG_BYTES>) {
		let public = sp_io::crypto::sr25519_generate(KEY, None);
		let dealer = MemberId(public.0);
		let mut dealers = members().into_inner();
		dealers[0] = dealer;
		dealers.sort_unstable();
		found::<T>(MemberIds::truncate_from(dealers), b"output");
		Pallet::<T>::start(1, members().into_inner()).expect("the attempt is the first");
		let log = LogBytes::truncate_from(alloc::vec![7; b as usize]);
		let statement = log_statement(Pallet::<T>::genesis(), 1, &log);
		let signature = sp_io::crypto::sr25519_sign(KEY, &public, &statement).expect("the key is there");

		#[block]
		{
			Pallet::<T>::authorize_post_log(TransactionSource::External, &1, &dealer, &log, &signature.0)
				.expect("the log is signed");
		}
	}

	/// `b`: the bytes of the output.
	#[benchmark]
	fn publish_output(b: Linear<1, MAX_OUTPUT_BYTES>) {
		let output = OutputBytes::truncate_from(alloc::vec![7; b as usize]);
		found::<T>(members(), &output);

		#[extrinsic_call]
		_(RawOrigin::Authorized, 0, output);

		assert!(Outputs::<T>::contains_key(0));
	}

	/// `l`: the logs of the attempt before.
	#[benchmark]
	fn begin(l: Linear<0, MAX_MEMBERS>) {
		for member in members().iter().take(l as usize) {
			let log = LogBytes::truncate_from(alloc::vec![7; MAX_LOG_BYTES as usize]);
			Logs::<T>::insert(0, member, log);
		}

		#[block]
		{
			Pallet::<T>::begin(1, 0, members(), members());
		}

		assert_eq!(Logs::<T>::iter().count(), 0);
	}

	/// A sharing among as many members as there may be, in the place of one of which the output was published.
	#[benchmark]
	fn adopt() {
		let output = OutputBytes::truncate_from(alloc::vec![7; MAX_OUTPUT_BYTES as usize]);
		let sharing = Sharing {
			id: SharingId {
				attempt: 0,
				output: output_hash(&output),
			},
			players: members(),
		};
		GroupKey::<T>::put(T::BenchmarkHelper::key());
		for epoch in 0..2 {
			Sharings::<T>::insert(epoch, sharing.clone());
			Outputs::<T>::insert(epoch, output.clone());
		}
		NewestSharing::<T>::put(1);
		Pallet::<T>::start(2, members().into_inner()).expect("the attempt is the first");
		let now = T::DealingPeriod::get().saturating_add(2);
		frame_system::Pallet::<T>::set_block_number(now.into());
		let adopted = SharingId {
			attempt: 1,
			output: sharing.id.output,
		};

		#[block]
		{
			Pallet::<T>::adopt(2, adopted).expect("it is under way");
		}

		assert_eq!(NewestSharing::<T>::get(), Some(2));
		assert!(!Sharings::<T>::contains_key(0));
	}

	impl_benchmark_test_suite!(Pallet, crate::tests::with_keystore(), crate::tests::Test);
}
