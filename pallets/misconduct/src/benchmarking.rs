//! Benchmarks of the call: two votes of many members. What depends on the runtime's own types alone, finding and punishing an
//! operator and judging traffic, is accounted for by them.

use super::*;
use asterism_primitives::{
	certificate::{Certificate, Realm, Round},
	offence::{Proposal, Vote, Votes},
};
use polkadot_sdk::{frame_benchmarking::v2::*, frame_system::RawOrigin};

const CHAIN: ChainId = ChainId(u32::MAX);

/// Votes of a committee of `m`: all of them voted to finalize a block, and `c` of them also another.
fn evidence<T: Config>(m: u32, c: u32) -> Evidence {
	let genesis = T::BenchmarkHelper::register(CHAIN, m);
	let realm = Realm {
		chain: CHAIN,
		genesis,
	};
	let round = Round { epoch: 0, view: 7 };
	let votes = |block: u8, signers: &[u32]| {
		let vote = Vote::Finalize(Proposal {
			parent_view: 6,
			block_hash: Hash::repeat_byte(block),
		});
		Votes {
			round,
			vote,
			signers: Certificate::bitmap(m, signers.iter().copied()).expect("a bit for each member"),
			signature: T::BenchmarkHelper::sign(signers, &vote.signed_bytes(realm, round)),
		}
	};
	let all: Vec<u32> = (0..m).collect();
	let guilty: Vec<u32> = (0..c.min(m)).collect();
	Evidence {
		chain: CHAIN,
		proof: Proof::Votes {
			first: votes(1, &all),
			second: votes(2, &guilty),
		},
	}
}

#[benchmarks]
mod benches {
	use super::*;

	/// `m`: members of the committee. `c`: culprits.
	#[benchmark]
	fn report(m: Linear<1, MAX_MEMBERS>, c: Linear<1, MAX_MEMBERS>) {
		let evidence = evidence::<T>(m, c);

		#[extrinsic_call]
		_(RawOrigin::Authorized, evidence, None);

		assert!(Pallet::<T>::is_convicted(CHAIN, 0, c.min(m).saturating_sub(1)));
	}

	/// `m`: members of the committee. `c`: culprits.
	#[benchmark]
	fn authorize_report(m: Linear<1, MAX_MEMBERS>, c: Linear<1, MAX_MEMBERS>) {
		let evidence = evidence::<T>(m, c);
		let verdict;

		#[block]
		{
			verdict = Pallet::<T>::verify(&evidence);
		}

		assert!(verdict.is_ok());
		assert!(!Pallet::<T>::is_convicted(CHAIN, 0, 0));
	}
}
