//! Benchmarks of calls and hooks. The proof of a draw and the preparation of consensus keys are measured where they are made: the
//! state here has none.

use super::*;
use asterism_primitives::election::SortitionProof;
use polkadot_sdk::{
	frame_benchmarking::{self, v2::*},
	frame_system::RawOrigin,
};

const CHAIN: ChainId = ChainId(u32::MAX);

/// The members that a serving committee is benchmarked with at most.
const MAX_SERVING: u32 = MAX_MEMBERS / 2;

/// The encoding of a point of the curve: its base point.
const POINT: [u8; 32] = [
	0xe2, 0xf2, 0xae, 0x0a, 0x6a, 0xbc, 0x4e, 0x71, 0xa8, 0x84, 0xa9, 0x61, 0xc5, 0x00, 0x51, 0x5f, 0x58,
	0xe3, 0x0b, 0x6a, 0xa5, 0x82, 0xdd, 0x8d, 0xb6, 0xa6, 0x59, 0x45, 0xe0, 0x8d, 0x2d, 0x76,
];

/// An open election of a chain served by `members`.
fn open<T: Config>(members: u32) -> Election {
	frame_system::Pallet::<T>::set_block_number(1u32.into());
	T::BenchmarkHelper::chain(CHAIN, members);
	Pallet::<T>::on_signal(CHAIN, 1);
	Pallet::<T>::on_seed(1, Hash::repeat_byte(1));
	let mut election = Elections::<T>::get(CHAIN).expect("it has begun");
	// A node that weighs all is always elected.
	election.total = election.total.max(1);
	Elections::<T>::insert(CHAIN, election);
	election
}

/// `n` claims on record, worse than any other.
fn put_claims<T: Config>(n: u32, total: u128, operator: impl Fn(u32) -> AccountId) {
	let claims = (0..n).map(|i| Claimed {
		operator: operator(i),
		number: u128::MAX - u128::from(n - i),
		share: total,
	});
	let claims: BoundedVec<_, ConstU32<MAX_CLAIMS>> = BoundedVec::truncate_from(claims.collect());
	Claims::<T>::insert(CHAIN, claims);
}

/// A committee of `m` on record, of whom all are ready that a quorum needs but one. Its word.
fn nearly_ready<T: Config>(m: u32) -> Readiness {
	let election = open::<T>(1);
	Elections::<T>::insert(
		CHAIN,
		Election {
			phase: Phase::Recorded { round: 1, until: 99 },
			..election
		},
	);
	let last = asterism_primitives::committee::quorum(m).saturating_sub(1);
	let member = |i: u32| {
		let mut id = [0; 32];
		id[..4].copy_from_slice(&i.to_be_bytes());
		NewMember {
			id: MemberId(id),
			word: (i < last).then_some(Word { sharing: None }),
		}
	};
	let members: BoundedVec<_, ConstU32<MAX_MEMBERS>> =
		BoundedVec::truncate_from((0..m).map(member).collect());
	NewMembers::<T>::insert(CHAIN, members);
	Readiness {
		chain: CHAIN,
		epoch: 1,
		round: 1,
		member: member(last).id,
		sharing: None,
	}
}

#[benchmarks]
mod benches {
	use super::*;

	#[benchmark]
	fn claim() -> Result<(), BenchmarkError> {
		let node = T::BenchmarkHelper::node(0);
		let election = open::<T>(1);
		put_claims::<T>(MAX_CLAIMS, election.total, |i| {
			AccountId::new(
				[[255; 28].as_slice(), &i.to_be_bytes()]
					.concat()
					.try_into()
					.expect("32 bytes"),
			)
		});
		let claim = Claim {
			chain: CHAIN,
			epoch: 1,
			round: 1,
			operator: node.clone(),
			proof: SortitionProof {
				pre_output: POINT,
				proof: [0; 64],
			},
		};

		#[extrinsic_call]
		_(RawOrigin::Authorized, claim);

		assert!(Claims::<T>::get(CHAIN).iter().any(|claim| claim.operator == node));
		Ok(())
	}

	#[benchmark]
	fn ready() -> Result<(), BenchmarkError> {
		let readiness = nearly_ready::<T>(MAX_MEMBERS);

		#[extrinsic_call]
		_(RawOrigin::Authorized, readiness, [0; 64]);

		assert!(Pallet::<T>::is_ready(CHAIN, 1));
		Ok(())
	}

	/// `m`: claims of as many nodes, beside one founder.
	#[benchmark]
	fn decide(m: Linear<1, MAX_CLAIMS>) -> Result<(), BenchmarkError> {
		let nodes: Vec<_> = (0..m).map(T::BenchmarkHelper::node).collect();
		let election = open::<T>(1);
		put_claims::<T>(m, election.total, |i| nodes[i as usize].clone());
		let deadline = 1 + T::ClaimPeriod::get();
		frame_system::Pallet::<T>::set_block_number(deadline.into());

		#[block]
		{
			Pallet::<T>::attend(deadline);
		}

		assert_eq!(NewMembers::<T>::get(CHAIN).len() as u32, m);
		Ok(())
	}

	/// `n`: elections that wait.
	#[benchmark]
	fn open_elections(n: Linear<1, MAX_OPENINGS>) -> Result<(), BenchmarkError> {
		frame_system::Pallet::<T>::set_block_number(1u32.into());
		for i in 0..n {
			T::BenchmarkHelper::chain(ChainId(u32::MAX - i), 1);
			Pallet::<T>::on_signal(ChainId(u32::MAX - i), 1);
		}

		#[block]
		{
			Pallet::<T>::on_seed(1, Hash::repeat_byte(1));
		}

		assert!(Pallet::<T>::election(CHAIN).is_some_and(|election| election.window().is_some()));
		Ok(())
	}

	/// `m`: members of the serving committee.
	#[benchmark]
	fn turn(m: Linear<1, MAX_SERVING>) -> Result<(), BenchmarkError> {
		frame_system::Pallet::<T>::set_block_number(1u32.into());
		T::BenchmarkHelper::chain(CHAIN, m);

		#[block]
		{
			Pallet::<T>::on_signal(CHAIN, 1);
			Pallet::<T>::on_end(CHAIN, 1);
		}

		assert!(Pallet::<T>::election(CHAIN).is_some());
		Ok(())
	}

	#[benchmark]
	fn idle() -> Result<(), BenchmarkError> {
		open::<T>(1);

		#[block]
		{
			Pallet::<T>::attend(1);
		}

		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::tests::new_test_ext(), crate::tests::Test);
}
