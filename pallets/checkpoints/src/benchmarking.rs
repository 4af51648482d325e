//! Benchmarks of the calls. The pairing check is measured by the example `bls` of `asterism-runtime-common`.

use super::*;
use asterism_primitives::{
	certificate::{CertificateKind, Round},
	committee::BlsSignature,
	digest::round_item,
};
use polkadot_sdk::{
	frame_benchmarking::{self, v2::*},
	frame_system::RawOrigin,
	sp_runtime::Digest,
};

const CHAIN: ChainId = ChainId(u32::MAX);

/// A registered chain and a run of `n` headers that extends its genesis.
fn run<T: Config>(n: u32) -> (Headers, Certificate) {
	let genesis = Header::new_genesis();
	T::BenchmarkHelper::register(CHAIN, &genesis);
	let mut parent = genesis.hash();
	let mut headers = Headers::new();
	for number in 1..=n {
		let round = Round {
			epoch: 0,
			view: number.into(),
		};
		let header = Header {
			parent_hash: parent,
			number,
			state_root: Hash::repeat_byte(1),
			extrinsics_root: Hash::zero(),
			digest: Digest {
				logs: alloc::vec![round_item(round)],
			},
		};
		parent = header.hash();
		headers.force_push(header);
	}
	let certificate = Certificate {
		kind: CertificateKind::Finalization,
		round: Round {
			epoch: 0,
			view: n.into(),
		},
		parent_view: u64::from(n).saturating_sub(1),
		block_hash: parent,
		signers: BoundedVec::truncate_from(alloc::vec![1]),
		signature: BlsSignature([0; 48]),
	};
	(headers, certificate)
}

/// Makes the header of an empty genesis block.
trait Genesis {
	fn new_genesis() -> Self;
}

impl Genesis for Header {
	fn new_genesis() -> Self {
		Header {
			parent_hash: Hash::zero(),
			number: 0,
			state_root: Hash::zero(),
			extrinsics_root: Hash::zero(),
			digest: Digest::default(),
		}
	}
}

#[benchmarks]
mod benches {
	use super::*;

	#[benchmark]
	fn submit(n: Linear<1, MAX_HEADERS>) -> Result<(), BenchmarkError> {
		let (headers, certificate) = run::<T>(n);

		#[extrinsic_call]
		_(RawOrigin::Authorized, CHAIN, headers, certificate);

		assert_eq!(Pallet::<T>::head(CHAIN).map(|head| head.number), Some(n));
		Ok(())
	}

	/// All of an authorization but the arithmetic: the signature is refused as malformed.
	#[benchmark]
	fn authorize_submit(n: Linear<1, MAX_HEADERS>) -> Result<(), BenchmarkError> {
		let (headers, certificate) = run::<T>(n);
		let verdict;

		#[block]
		{
			verdict = Pallet::<T>::verify(CHAIN, &headers, &certificate);
		}

		assert!(verdict.is_err());
		Ok(())
	}
}
