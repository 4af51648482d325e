//! Each refusal has its own error, in the pool and at dispatch, and changes nothing.

use super::*;
use asterism_primitives::digest::{MAX_PEERS, TRAFFIC_ID};
use asterism_protocol::channel::{CAPACITY, MAX_BATCH};
use polkadot_sdk::sp_runtime::{
	transaction_validity::{TransactionValidityError, UnknownTransaction},
	DigestItem,
};

pub(super) type Refusal = Error<Test>;

/// The pool refuses it with this error's code, a dispatch with this error, and the state stays as it was.
#[track_caller]
pub(super) fn refused(chain: ChainId, headers: &Headers, certificate: &Certificate, error: Refusal) {
	let before = state();
	let expected: TransactionValidityError = match error {
		// Not wrong, but early: the pool may see it fit later.
		Refusal::Gap | Refusal::NextNotReady | Refusal::NotBegun => {
			UnknownTransaction::Custom(error.code()).into()
		}
		_ => InvalidTransaction::Custom(error.code()).into(),
	};
	assert_eq!(
		pool(chain, headers, certificate),
		Err(expected),
		"expected {error:?}"
	);
	assert_eq!(state(), before);
	let of_certificate = [
		Refusal::BadSigners,
		Refusal::NoQuorum,
		Refusal::BadSignature,
		Refusal::NoCommittee,
	];
	if of_certificate.iter().all(|other| other.code() != error.code()) {
		// A call runs in a storage layer of its own.
		let result = frame_support::storage::with_storage_layer(|| dispatch(chain, headers, certificate));
		assert_eq!(result, Err(error.into()));
		assert_eq!(state(), before);
	}
}

/// A block of A upon its genesis with this traffic is refused, although it is certified.
#[track_caller]
fn traffic_refused(bad: Traffic, error: Refusal) {
	let headers = run(&genesis_header(A), [Some(bad)]);
	refused(A, &headers, &certify(A, &headers), error);
}

#[test]
fn short_of_a_quorum() {
	new_test_ext().execute_with(|| {
		let headers = quiet(A, 1);
		let good = certify_by(A, &headers[0], &[0, 1, 3]);
		refused(
			A,
			&headers,
			&certify_by(A, &headers[0], &[0, 3]),
			Refusal::NoQuorum,
		);
		// Naming a third signer doesn't make it one.
		let forged = Certificate {
			signers: Certificate::bitmap(SIZE, [0, 1, 3]).unwrap(),
			..certify_by(A, &headers[0], &[0, 3])
		};
		refused(A, &headers, &forged, Refusal::BadSignature);
		let beyond = Certificate {
			signers: Certificate::bitmap(8, [0, 1, 3, 7]).unwrap(),
			..good.clone()
		};
		refused(A, &headers, &beyond, Refusal::BadSigners);
		let long = Certificate {
			signers: Certificate::bitmap(16, [0, 1, 3]).unwrap(),
			..good
		};
		refused(A, &headers, &long, Refusal::BadSigners);
	});
}

#[test]
fn of_another_committee_or_epoch() {
	new_test_ext().execute_with(|| {
		let headers = quiet(A, 1);
		let good = certify(A, &headers);
		refused(
			A,
			&headers,
			&sign(B, A, &[0, 1, 3], good.clone()),
			Refusal::BadSignature,
		);
		// A's members, but for another chain.
		refused(
			A,
			&headers,
			&sign(A, B, &[0, 1, 3], good.clone()),
			Refusal::BadSignature,
		);
		let mut other_epoch = good.clone();
		other_epoch.round.epoch = 1;
		refused(
			A,
			&headers,
			&sign(A, A, &[0, 1, 3], other_epoch),
			Refusal::NotBegun,
		);
		let notarized = Certificate {
			kind: CertificateKind::Notarization,
			..good
		};
		refused(
			A,
			&headers,
			&sign(A, A, &[0, 1, 3], notarized),
			Refusal::WrongKind,
		);
	});
}

#[test]
fn over_another_block() {
	new_test_ext().execute_with(|| {
		let headers = quiet(A, 3);
		let of_the_second = certify_by(A, &headers[1], &[0, 1, 2]);
		refused(A, &headers, &of_the_second, Refusal::WrongBlock);
		// The right hash under a signature over another block.
		let moved = Certificate {
			block_hash: headers[2].hash(),
			..of_the_second
		};
		refused(A, &headers, &moved, Refusal::BadSignature);
		let mut flipped = certify(A, &headers);
		flipped.signature.0[20] ^= 4;
		refused(A, &headers, &flipped, Refusal::BadSignature);
	});
}

#[test]
fn of_an_unknown_chain() {
	new_test_ext().execute_with(|| {
		let headers = quiet(A, 1);
		let certificate = certify(A, &headers);
		refused(ChainId(9), &headers, &certificate, Refusal::UnknownChain);
		refused(ChainId::ROOT, &headers, &certificate, Refusal::UnknownChain);
		// B's genesis is not A's.
		refused(B, &headers, &certificate, Refusal::WrongParent);
		pallet_chains::Prepared::<Test>::remove(A, 0);
		refused(A, &headers, &certificate, Refusal::NoCommittee);
	});
}

#[test]
fn twice_out_of_order_or_with_a_gap() {
	new_test_ext().execute_with(|| {
		let headers = quiet(A, 6);
		let part = |range: core::ops::Range<usize>| Headers::try_from(headers[range].to_vec()).unwrap();
		submit(A, &part(0..2));
		for (bad, error) in [
			(part(0..2), Refusal::Stale),
			(part(1..2), Refusal::Stale),
			(part(0..4), Refusal::Stale),
			(part(3..4), Refusal::Gap),
			(part(4..6), Refusal::Gap),
		] {
			refused(A, &bad, &certify(A, &bad), error);
		}
		let swapped = vec![headers[3].clone(), headers[2].clone(), headers[4].clone()];
		let swapped = Headers::try_from(swapped).unwrap();
		refused(A, &swapped, &certify(A, &swapped), Refusal::Gap);
		let holed = Headers::try_from(vec![headers[2].clone(), headers[4].clone()]).unwrap();
		refused(A, &holed, &certify(A, &holed), Refusal::Gap);
		// A fork: the right height upon another parent.
		let mut fork = part(2..3);
		fork[0].parent_hash = Hash::zero();
		refused(A, &fork, &certify(A, &fork), Refusal::WrongParent);
		let none = Headers::new();
		refused(
			A,
			&none,
			&certify_by(A, &headers[2], &[0, 1, 2]),
			Refusal::NoHeaders,
		);
		Heads::<Test>::mutate(A, |head| head.as_mut().unwrap().number = u32::MAX);
		refused(A, &part(2..3), &certify(A, &part(2..3)), Refusal::HeightOverflow);
	});
}

#[test]
fn with_a_bad_header() {
	new_test_ext().execute_with(|| {
		let with_logs = |logs| {
			let mut header = child(&genesis_header(A), None);
			header.digest = Digest { logs };
			Headers::try_from(vec![header]).unwrap()
		};
		let round = |epoch| round_item(Round { epoch, view: 1 });
		let junk = |bytes: usize| DigestItem::Consensus(TRAFFIC_ID, vec![0xff; bytes]);
		let empty = traffic_item(&Traffic::default());
		let trailing = DigestItem::Consensus(TRAFFIC_ID, [Traffic::default().encode(), vec![0]].concat());
		let peers = (
			Hash::zero(),
			vec![sent(B, 0, 1); MAX_PEERS as usize + 1],
			0u8,
			0u8,
			0u8,
		)
			.encode();
		for (logs, error) in [
			(vec![], Refusal::NoRound),
			(vec![round(0), round(0)], Refusal::NoRound),
			(vec![round(1)], Refusal::RoundOfOtherEpoch),
			(vec![round(0), junk(3)], Refusal::MalformedTraffic),
			(vec![round(0), empty.clone(), empty], Refusal::MalformedTraffic),
			(vec![round(0), trailing], Refusal::MalformedTraffic),
			(
				vec![round(0), DigestItem::Consensus(TRAFFIC_ID, peers)],
				Refusal::MalformedTraffic,
			),
			(vec![round(0), junk(MAX_HEADER_BYTES)], Refusal::HeaderTooLarge),
			(
				vec![round(0), DigestItem::Other(vec![0; MAX_HEADER_BYTES])],
				Refusal::HeaderTooLarge,
			),
		] {
			let headers = with_logs(logs);
			refused(A, &headers, &certify(A, &headers), error);
		}
	});
}

#[test]
fn more_headers_than_allowed_do_not_decode() {
	let bytes = vec![genesis_header(A); MAX_HEADERS as usize + 1].encode();
	assert!(Headers::decode(&mut &bytes[..]).is_err());
}

#[test]
fn the_largest_honest_header_fits() {
	assert!(Traffic::max_encoded_len() + 1024 < MAX_HEADER_BYTES);
}

#[test]
fn with_ill_formed_traffic() {
	new_test_ext().execute_with(|| {
		let both = [sent(B, 0, 1), sent(C, 0, 1)];
		let reverse = [both[1], both[0]];
		traffic_refused(traffic(&reverse, &[], &[], &[]), Refusal::UnsortedTraffic);
		traffic_refused(
			traffic(&[both[0], both[0]], &[], &[], &[]),
			Refusal::UnsortedTraffic,
		);
		traffic_refused(
			traffic(&both, &[], &[flow(C, 1), flow(B, 1)], &[]),
			Refusal::UnsortedTraffic,
		);
		traffic_refused(
			traffic(&both, &[], &[flow(B, 1), flow(B, 1)], &[]),
			Refusal::UnsortedTraffic,
		);
		let acks = [received(B, 0), received(B, 0)];
		traffic_refused(traffic(&[], &acks, &[], &[]), Refusal::UnsortedTraffic);
		traffic_refused(
			traffic(&[], &acks[..1], &[], &[flow(B, 1), flow(B, 1)]),
			Refusal::UnsortedTraffic,
		);

		let rootless = Traffic {
			outbox_root: Hash::zero(),
			..traffic(&both, &[], &[], &[])
		};
		traffic_refused(rootless, Refusal::OutboxMismatch);
		let hollow = Traffic {
			outbox_root: Hash::repeat_byte(1),
			..Default::default()
		};
		traffic_refused(hollow, Refusal::OutboxMismatch);

		for peer in [ChainId::ROOT, ChainId(9)] {
			traffic_refused(traffic(&[sent(peer, 0, 1)], &[], &[], &[]), Refusal::UnknownPeer);
			traffic_refused(traffic(&[], &[received(peer, 0)], &[], &[]), Refusal::UnknownPeer);
		}
		traffic_refused(traffic(&[sent(A, 0, 1)], &[], &[], &[]), Refusal::SelfTraffic);
		traffic_refused(traffic(&[], &[received(A, 0)], &[], &[]), Refusal::SelfTraffic);

		traffic_refused(
			traffic(&both[..1], &[], &[flow(C, 1)], &[]),
			Refusal::FlowWithoutBatch,
		);
		traffic_refused(
			traffic(&[], &[received(C, 0)], &[], &[flow(B, 1)]),
			Refusal::FlowWithoutBatch,
		);
		for count in [0, MAX_BATCH + 1, u32::MAX] {
			traffic_refused(
				traffic(&[sent(B, 0, count)], &[], &[], &[]),
				Refusal::BadBatchSize,
			);
		}
	});
}

#[test]
fn whose_outbox_commits_to_other_traffic() {
	new_test_ext().execute_with(|| {
		let good = traffic(
			&[sent(B, 0, 2), sent(C, 0, 1)],
			&[received(B, 0)],
			&[flow(B, 700), flow(C, 30)],
			&[],
		);
		let changed = |change: &dyn Fn(&mut Traffic)| {
			let mut bad = good.clone();
			change(&mut bad);
			traffic_refused(bad, Refusal::InconsistentTraffic);
		};
		// The messages carry 700, of which only 1 is booked; or nothing; or it is booked for another chain.
		changed(&|t| t.outflows[0].amount = 1);
		changed(&|t| {
			t.outflows.remove(0);
		});
		changed(&|t| (t.outflows[0].amount, t.outflows[1].amount) = (30, 700));
		changed(&|t| t.outflows[0].currency = CurrencyId(1));
		// Other messages than the batches that are recorded.
		changed(&|t| t.sent[0].batch.count = 1);
		changed(&|t| t.sent[1].root = Hash::zero());
		changed(&|t| {
			t.sent.truncate(1);
			t.outflows.truncate(1);
		});
		changed(&|t| t.outbox_root = Hash::repeat_byte(3));
		// Flows of nothing, whether or not the root commits to them.
		let nothing = [flow(B, 0)];
		traffic_refused(
			traffic(&[sent(B, 0, 1)], &[], &nothing, &[]),
			Refusal::InconsistentTraffic,
		);
		traffic_refused(
			traffic(&[], &[received(B, 0)], &[], &nothing),
			Refusal::InconsistentTraffic,
		);
		let headers = run(&genesis_header(A), [Some(good.clone())]);
		submit(A, &headers);
	});
}

#[test]
fn value_that_a_chain_does_not_have() {
	new_test_ext().execute_with(|| {
		let batch = [sent(B, 0, 1), sent(C, 0, 1)];
		traffic_refused(
			traffic(&batch, &[], &[flow(B, 1001)], &[]),
			Refusal::OutflowExceedsHoldings,
		);
		traffic_refused(
			traffic(&batch, &[], &[flow(B, 600), flow(C, 600)], &[]),
			Refusal::OutflowExceedsHoldings,
		);
		traffic_refused(
			traffic(&batch, &[], &[flow(B, Balance::MAX)], &[]),
			Refusal::OutflowExceedsHoldings,
		);
		traffic_refused(
			traffic(&[], &[received(B, 0)], &[], &[flow(B, 1)]),
			Refusal::InflowExceedsFlight,
		);
		// What is in flight to C is not B's.
		submit(
			A,
			&run(
				&genesis_header(A),
				[Some(traffic(&[sent(C, 0, 1)], &[], &[flow(C, 10)], &[]))],
			),
		);
		let headers = run(
			&genesis_header(B),
			[Some(traffic(&[], &[received(A, 0)], &[], &[flow(A, 10)]))],
		);
		refused(B, &headers, &certify(B, &headers), Refusal::InflowExceedsFlight);
		// A run is refused as a whole: its first block alone would be fine.
		let headers = run(
			&genesis_header(B),
			[
				Some(traffic(&[sent(A, 0, 1)], &[], &[flow(A, 500)], &[])),
				Some(traffic(&[sent(A, 1, 1)], &[], &[flow(A, 1)], &[])),
			],
		);
		refused(
			B,
			&headers,
			&certify(B, &headers),
			Refusal::OutflowExceedsHoldings,
		);
	});
}

#[test]
fn messages_out_of_order() {
	new_test_ext().execute_with(|| {
		let first = run(
			&genesis_header(A),
			[Some(traffic(&[sent(B, 0, 3)], &[], &[], &[]))],
		);
		submit(A, &first);
		for (nonce, error) in [
			(0, Refusal::BatchRepeated),
			(2, Refusal::BatchRepeated),
			(4, Refusal::BatchGap),
		] {
			let headers = run(&first[0], [Some(traffic(&[sent(B, nonce, 1)], &[], &[], &[]))]);
			refused(A, &headers, &certify(A, &headers), error);
		}
		let ack = |parent: &Header, nonce| run(parent, [Some(traffic(&[], &[received(A, nonce)], &[], &[]))]);
		let unsent = ack(&genesis_header(B), 4);
		refused(B, &unsent, &certify(B, &unsent), Refusal::AcknowledgedUnsent);
		let good = ack(&genesis_header(B), 3);
		submit(B, &good);
		let back = ack(&good[0], 2);
		refused(B, &back, &certify(B, &back), Refusal::AcknowledgementReversed);
		Channels::<Test>::mutate(A, C, |channel| channel.recorded = u64::MAX);
		let headers = run(&first[0], [Some(traffic(&[sent(C, u64::MAX, 1)], &[], &[], &[]))]);
		refused(A, &headers, &certify(A, &headers), Refusal::NonceOverflow);
	});
}

#[test]
fn more_batches_than_a_channel_holds() {
	new_test_ext().execute_with(|| {
		let mut parent = genesis_header(A);
		let batch = |i: u64| Some(traffic(&[sent(B, i, 1)], &[], &[], &[]));
		for start in (0..u64::from(CAPACITY)).step_by(MAX_HEADERS as usize) {
			let headers = run(&parent, (start..start + u64::from(MAX_HEADERS)).map(batch));
			submit(A, &headers);
			parent = headers.last().unwrap().clone();
		}
		let headers = run(&parent, [batch(CAPACITY.into())]);
		refused(A, &headers, &certify(A, &headers), Refusal::ChannelFull);
	});
}

#[test]
fn from_an_account() {
	new_test_ext().execute_with(|| {
		let headers = quiet(A, 1);
		let call = call(A, &headers, &certify(A, &headers));
		for origin in [RawOrigin::Signed(1), RawOrigin::None, RawOrigin::Root] {
			assert_eq!(
				call.clone().dispatch(origin.into()).unwrap_err().error,
				DispatchError::BadOrigin
			);
		}
	});
}

#[test]
fn codes_are_unique() {
	let code = |bytes: u8| Refusal::decode(&mut &[bytes][..]).map(|error| error.code());
	let codes: Vec<_> = (0..33).map(|i| code(i).unwrap()).collect();
	assert_eq!(codes, (1..=33).collect::<Vec<_>>());
}
