//! Benchmarks of calls and hooks.

use super::*;
use asterism_primitives::election::SortitionProof;
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	frame_system::RawOrigin,
	sp_core::{crypto::KeyTypeId, sr25519},
	sp_io::crypto::{sr25519_generate, sr25519_sign},
};

const CHAIN: ChainId = ChainId(u32::MAX);
const KEY: KeyTypeId = KeyTypeId(*b"bnch");

/// The members that a serving committee is benchmarked with at most.
const MAX_SERVING: u32 = MAX_MEMBERS / 2;

/// The encoding of a point of the curve: its base point.
const POINT: [u8; 32] = [
	0xe2, 0xf2, 0xae, 0x0a, 0x6a, 0xbc, 0x4e, 0x71, 0xa8, 0x84, 0xa9, 0x61, 0xc5, 0x00, 0x51, 0x5f, 0x58,
	0xe3, 0x0b, 0x6a, 0xa5, 0x82, 0xdd, 0x8d, 0xb6, 0xa6, 0x59, 0x45, 0xe0, 0x8d, 0x2d, 0x76,
];

/// An open election of a chain served by `members`.
fn opened<T: Config>(members: u32) -> Election {
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

/// A claim of this node, with numbers for a proof that are not its.
fn claim_of(operator: &AccountId) -> Claim {
	// Scalars, as all numbers are of which the last byte is small.
	let mut scalar = [0x55; 32];
	scalar[31] = 0x05;
	let mut proof = [0; 64];
	proof[..32].copy_from_slice(&scalar);
	proof[32..].copy_from_slice(&scalar);
	Claim {
		chain: CHAIN,
		epoch: 1,
		round: 1,
		operator: operator.clone(),
		proof: SortitionProof {
			pre_output: POINT,
			proof,
		},
	}
}

/// As many claims on record as there may be, all worse than any other.
fn put_all_claims<T: Config>(total: u128) {
	put_claims::<T>(MAX_CLAIMS, total, |i| {
		let mut id = [255; 32];
		id[28..].copy_from_slice(&i.to_be_bytes());
		AccountId::new(id)
	});
}

/// The members' ids of a committee that is as large as it may be.
fn largest_committee() -> Vec<MemberId> {
	let id = |i: u32| {
		let mut id = [0; 32];
		id[..4].copy_from_slice(&i.to_be_bytes());
		MemberId(id)
	};
	(0..MAX_MEMBERS).map(id).collect()
}

/// A committee on record in which all are ready that a quorum needs, but for `missing`. The word of one more.
fn nearly_ready<T: Config>(mut ids: Vec<MemberId>, missing: u32) -> Readiness {
	let election = opened::<T>(1);
	Elections::<T>::insert(
		CHAIN,
		Election {
			phase: Phase::Recorded { round: 1, until: 99 },
			..election
		},
	);
	ids.sort_unstable();
	let spoken = asterism_primitives::committee::quorum(ids.len() as u32).saturating_sub(missing) as usize;
	let member = ids[spoken];
	let members = ids.into_iter().enumerate().map(|(i, id)| NewMember {
		id,
		word: (i < spoken).then_some(Word { sharing: None }),
	});
	let members: BoundedVec<_, ConstU32<MAX_MEMBERS>> = BoundedVec::truncate_from(members.collect());
	NewMembers::<T>::insert(CHAIN, members);
	Readiness {
		chain: CHAIN,
		epoch: 1,
		round: 1,
		member,
		sharing: None,
	}
}

#[benchmarks]
mod benches {
	use super::*;

	/// Among as many as there may be.
	#[benchmark]
	fn claim() -> Result<(), BenchmarkError> {
		let node = T::BenchmarkHelper::node(0);
		let election = opened::<T>(1);
		put_all_claims::<T>(election.total);

		#[extrinsic_call]
		_(RawOrigin::Authorized, claim_of(&node));

		assert!(Claims::<T>::get(CHAIN)
			.iter()
			.any(|claimed| claimed.operator == node));
		Ok(())
	}

	/// What authorizing takes more: the proof, of which a wrong one takes as long.
	#[benchmark]
	fn prove_claim() -> Result<(), BenchmarkError> {
		let said = claim_of(&T::BenchmarkHelper::node(0));
		let election = opened::<T>(1);
		put_all_claims::<T>(election.total);
		let verdict;

		#[block]
		{
			verdict = Pallet::<T>::authorize_claim(TransactionSource::External, &said);
		}

		assert_eq!(verdict.err(), Some(Error::<T>::BadProof.validity()));
		Ok(())
	}

	/// A word in the largest committee that is not the last one.
	#[benchmark]
	fn ready() -> Result<(), BenchmarkError> {
		let readiness = nearly_ready::<T>(largest_committee(), 2);

		#[extrinsic_call]
		_(RawOrigin::Authorized, readiness, [0; 64]);

		assert!(!Pallet::<T>::is_ready(CHAIN, 1));
		Ok(())
	}

	/// Authorizing that.
	#[benchmark]
	fn authorize_ready() -> Result<(), BenchmarkError> {
		let keys: Vec<_> = (0..MAX_MEMBERS).map(|_| sr25519_generate(KEY, None)).collect();
		let readiness = nearly_ready::<T>(keys.iter().map(|key| MemberId(key.0)).collect(), 2);
		let key = sr25519::Public::from_raw(readiness.member.0);
		let signature = sr25519_sign(KEY, &key, &readiness.statement(Pallet::<T>::genesis()))
			.expect("the key was just made");
		let verdict;

		#[block]
		{
			verdict = Pallet::<T>::authorize_ready(TransactionSource::External, &readiness, &signature.0);
		}

		assert!(verdict.is_ok());
		Ok(())
	}

	/// The word that completes the quorum of the largest committee: nodes are looked up for all of it, past a roster that has none
	/// of them.
	#[benchmark]
	fn count_nodes() -> Result<(), BenchmarkError> {
		let node = |i| {
			let operator = T::BenchmarkHelper::node(i);
			T::Stakers::node(&operator).map(|node| node.keys.identity)
		};
		let ids = (0..MAX_MEMBERS)
			.map(node)
			.collect::<Option<Vec<_>>>()
			.ok_or(BenchmarkError::Stop("the nodes are on record"))?;
		let readiness = nearly_ready::<T>(ids, 1);
		let others = largest_committee()
			.into_iter()
			.map(|id| (id, AccountId::new(id.0)));
		let roster = Roster {
			operators: BoundedVec::truncate_from(others.collect()),
			on_duty: true,
		};
		Rosters::<T>::insert(CHAIN, 1, roster);

		#[block]
		{
			Pallet::<T>::apply_ready(&readiness).map_err(|_| BenchmarkError::Stop("the word is taken"))?;
		}

		assert!(Pallet::<T>::is_ready(CHAIN, 1));
		Ok(())
	}

	/// `m`: claims of as many nodes, beside one founder.
	#[benchmark]
	fn decide(m: Linear<1, MAX_CLAIMS>) -> Result<(), BenchmarkError> {
		let nodes: Vec<_> = (0..m).map(T::BenchmarkHelper::node).collect();
		let election = opened::<T>(1);
		put_claims::<T>(m, election.total, |i| nodes[i as usize].clone());
		let deadline = 1 + T::ClaimPeriod::get();
		frame_system::Pallet::<T>::set_block_number(deadline.into());

		#[block]
		{
			Pallet::<T>::attend(deadline);
		}

		// The founder may stay.
		assert!(NewMembers::<T>::get(CHAIN).len() as u32 >= m);
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
		opened::<T>(1);

		#[block]
		{
			Pallet::<T>::attend(1);
		}

		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::tests::new_test_ext(), crate::tests::Test);
}
