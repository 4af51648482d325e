//! Benchmarks of the calls.

use super::*;
use asterism_primitives::{
	certificate::{CertificateKind, Realm, Round},
	committee::{quorum, BlsSignature},
	digest::{round_item, traffic_item, Received, Traffic, MAX_PEERS},
};
use asterism_protocol::{
	anchors,
	channel::{Batch, BlockBatch, CAPACITY},
};
use polkadot_sdk::{frame_benchmarking::v2::*, frame_system::RawOrigin, sp_runtime::Digest};

const CHAIN: ChainId = ChainId(u32::MAX);

/// The genesis header of a chain.
fn genesis(chain: ChainId) -> Header {
	Header {
		parent_hash: Hash::zero(),
		number: 0,
		state_root: Hash::repeat_byte(chain.0 as u8),
		extrinsics_root: Hash::zero(),
		digest: Digest::default(),
	}
}

/// A chain that fills its channel to [`CHAIN`], and whose first anchor may be forgotten once its batch is acknowledged.
fn peer<T: Config>(chain: ChainId) {
	T::BenchmarkHelper::register(chain, &genesis(chain), 1);
	let waiting = (0..CAPACITY)
		.map(|number| BlockBatch {
			number,
			batch: Batch {
				first_nonce: number.into(),
				count: 1,
			},
		})
		.collect();
	let record = ChannelRecord {
		recorded: CAPACITY.into(),
		acknowledged: 0,
		waiting,
	};
	Channels::<T>::insert(chain, CHAIN, record);
	Waiting::<T>::insert(CHAIN, chain, ());
	// Only the first of its batches is going to be acknowledged.
	let anchor = Anchor {
		block_hash: Hash::repeat_byte(1),
		state_root: Hash::repeat_byte(2),
		outbox_root: Hash::repeat_byte(3),
		unacknowledged: 1,
	};
	Anchors::<T>::insert(chain, 0, anchor);
	let head = BlockRef {
		number: CAPACITY + anchors::WINDOW,
		hash: Hash::repeat_byte(4),
	};
	Heads::<T>::insert(chain, head);
}

/// A registered chain of `m` members, and a run of `n` headers upon its genesis. The last one has `t` entries of traffic, of
/// the most expensive kind: each takes in a batch from another chain, in a channel that is full. (What was sent is paid
/// for by the checkpoint that sent it, so each entry pays for the one anchor that it lets go.) A quorum has signed.
fn run<T: Config>(n: u32, t: u32, m: u32) -> (Headers, Certificate) {
	T::BenchmarkHelper::register(CHAIN, &genesis(CHAIN), m);
	let received: Vec<_> = (1..=t)
		.map(|id| {
			let source = ChainId(0x1000_0000 | id);
			peer::<T>(source);
			Received {
				source,
				next_nonce: 1,
			}
		})
		.collect();
	let traffic = Traffic {
		received: BoundedVec::truncate_from(received),
		..Default::default()
	};
	let mut parent = genesis(CHAIN).hash();
	let mut headers = Headers::new();
	for number in 1..=n {
		let round = Round {
			epoch: 0,
			view: number.into(),
		};
		let mut logs = alloc::vec![round_item(round)];
		if number == n && t > 0 {
			logs.push(traffic_item(&traffic));
		}
		let header = Header {
			parent_hash: parent,
			number,
			state_root: Hash::repeat_byte(1),
			extrinsics_root: Hash::zero(),
			digest: Digest { logs },
		};
		parent = header.hash();
		headers.force_push(header);
	}
	// Those who did not sign are as many as can be: each of them is subtracted.
	let signers: Vec<u32> = (0..quorum(m)).collect();
	let mut certificate = Certificate {
		kind: CertificateKind::Finalization,
		round: Round {
			epoch: 0,
			view: n.into(),
		},
		parent_view: u64::from(n).saturating_sub(1),
		block_hash: parent,
		signers: Certificate::bitmap(m, signers.iter().copied()).expect("a bit for each member"),
		signature: BlsSignature([0; 48]),
	};
	let realm = Realm {
		chain: CHAIN,
		genesis: genesis(CHAIN).hash(),
	};
	certificate.signature = T::BenchmarkHelper::sign(&signers, &certificate.signed_bytes(realm));
	(headers, certificate)
}

#[benchmarks]
mod benches {
	use super::*;

	/// `n`: headers. `t`: entries of traffic.
	#[benchmark]
	fn submit(n: Linear<1, MAX_HEADERS>, t: Linear<0, MAX_PEERS>) -> Result<(), BenchmarkError> {
		let (headers, certificate) = run::<T>(n, t, 1);

		#[extrinsic_call]
		_(RawOrigin::Authorized, CHAIN, headers, certificate);

		assert_eq!(Pallet::<T>::head(CHAIN).map(|head| head.number), Some(n));
		Ok(())
	}

	/// `n`: headers. `t`: entries of traffic. `m`: members of the committee, two thirds of which have signed.
	#[benchmark]
	fn authorize_submit(
		n: Linear<1, MAX_HEADERS>,
		t: Linear<0, MAX_PEERS>,
		m: Linear<1, MAX_MEMBERS>,
	) -> Result<(), BenchmarkError> {
		let (headers, certificate) = run::<T>(n, t, m);
		let verdict;

		#[block]
		{
			verdict = Pallet::<T>::verify(CHAIN, &headers, &certificate);
		}

		assert_eq!(verdict.map(|tip| tip.number).ok(), Some(n));
		// It was tried and rolled back.
		assert_eq!(Pallet::<T>::head(CHAIN).map(|head| head.number), Some(0));
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::tests::new_test_ext(), crate::tests::Test);
}
