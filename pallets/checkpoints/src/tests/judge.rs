//! Which traffic convicts those who certified it.

use super::*;
use asterism_primitives::digest::TRAFFIC_ID;
use asterism_protocol::channel::{CAPACITY, MAX_BATCH};
use pallet_misconduct::{Acquittal, FlowJudge};
use polkadot_sdk::sp_runtime::DigestItem;

fn judge(chain: ChainId, headers: &[Header]) -> Result<(), Acquittal> {
	let before = state();
	let verdict = Checkpoints::judge(chain, headers);
	assert_eq!(state(), before, "judging changes nothing");
	verdict
}

/// What is said of a block with this traffic: as A's next one, and as one that is not.
fn verdicts(traffic: Traffic) -> [Result<(), Acquittal>; 2] {
	let next = run(&genesis_header(A), [Some(traffic.clone())]);
	let mut other = genesis_header(A);
	other.state_root = Hash::repeat_byte(77);
	[judge(A, &next), judge(A, &run(&other, [Some(traffic)]))]
}

#[test]
fn what_no_honest_block_says_convicts_wherever_it_stands() {
	new_test_ext().execute_with(|| {
		let good = traffic(&[sent(B, 0, 1)], &[], &[flow(B, 5)], &[]);
		let changed = |change: &dyn Fn(&mut Traffic)| {
			let mut bad = good.clone();
			change(&mut bad);
			bad
		};
		let rooted = |change: &dyn Fn(&mut Traffic)| {
			let mut bad = changed(change);
			bad.outbox_root = outbox_root(&bad.leaves());
			bad
		};
		for bad in [
			// The outbox carries another value than what is booked, or nothing.
			changed(&|t| t.outflows[0].amount = 4),
			changed(&|t| t.outbox_root = Hash::zero()),
			changed(&|t| t.outflows = Default::default()),
			changed(&|t| t.sent = Default::default()),
			rooted(&|t| t.sent[0].batch.count = 0),
			rooted(&|t| t.sent[0].batch.count = MAX_BATCH + 1),
			rooted(&|t| t.sent[0].destination = A),
			rooted(&|t| t.sent.try_push(sent(B, 1, 1)).unwrap()),
			rooted(&|t| t.outflows.try_push(flow(C, 1)).unwrap()),
			rooted(&|t| t.inflows.try_push(flow(B, 1)).unwrap()),
			rooted(&|t| t.received = vec![received(C, 1), received(B, 1)].try_into().unwrap()),
		] {
			assert_eq!(verdicts(bad.clone()), [Ok(()), Ok(())], "{bad:?}");
		}
		for logs in [
			vec![DigestItem::Consensus(TRAFFIC_ID, vec![0xff; 40])],
			vec![traffic_item(&good), traffic_item(&good)],
		] {
			let mut header = child(&genesis_header(A), None);
			header.digest.logs.extend(logs);
			assert_eq!(judge(A, &[header]), Ok(()));
		}
	});
}

#[test]
fn what_the_record_contradicts_convicts_only_next_to_it() {
	new_test_ext().execute_with(|| {
		for bad in [
			// A holds 1000.
			traffic(&[sent(B, 0, 1)], &[], &[flow(B, 1001)], &[]),
			traffic(&[sent(B, 0, 1)], &[], &[flow(B, Balance::MAX)], &[]),
			// Nothing is on its way to A, and nothing was sent to it.
			traffic(&[], &[received(B, 0)], &[], &[flow(B, 1)]),
			traffic(&[], &[received(B, 1)], &[], &[]),
			// A has sent nothing before.
			traffic(&[sent(B, 1, 1)], &[], &[], &[]),
		] {
			assert_eq!(
				verdicts(bad.clone()),
				[Ok(()), Err(Acquittal::NotNext)],
				"{bad:?}"
			);
		}
	});
}

#[test]
fn good_traffic_is_acquitted() {
	new_test_ext().execute_with(|| {
		let nothing = Traffic::default();
		let all = traffic(&[sent(B, 0, MAX_BATCH)], &[], &[flow(B, 1000)], &[]);
		// A chain that is not on record: refused as a checkpoint, but nothing is known to contradict it.
		let stranger = traffic(&[sent(ChainId(77), 0, 1)], &[], &[flow(ChainId(77), 1)], &[]);
		for good in [nothing, all, stranger] {
			assert_eq!(
				verdicts(good),
				[Err(Acquittal::Consistent), Err(Acquittal::NotNext)]
			);
		}
		assert_eq!(
			judge(ChainId(9), &quiet(A, 1)),
			Err(Acquittal::NotNext),
			"a chain without a record"
		);
	});
}

#[test]
fn a_run_is_judged_as_a_whole() {
	new_test_ext().execute_with(|| {
		let spend =
			|first_nonce, amount| Some(traffic(&[sent(B, first_nonce, 1)], &[], &[flow(B, amount)], &[]));
		let headers = run(&genesis_header(A), [spend(0, 600), None, spend(1, 401)]);
		assert_eq!(judge(A, &headers[..2]), Err(Acquittal::Consistent));
		assert_eq!(judge(A, &headers), Ok(()));
		// Once the first blocks are on record, the last is judged by itself.
		submit(A, &Headers::try_from(headers[..2].to_vec()).unwrap());
		assert_eq!(judge(A, &headers), Err(Acquittal::NotNext));
		assert_eq!(judge(A, &headers[2..]), Ok(()));
		// A batch that is on record, again; and one that leaves some out.
		for nonce in [0, 2] {
			let next = run(&headers[1], [spend(nonce, 1)]);
			assert_eq!(judge(A, &next), Ok(()));
		}
		assert_eq!(
			judge(A, &run(&headers[1], [spend(1, 400)])),
			Err(Acquittal::Consistent)
		);
	});
}

#[test]
fn a_full_channel_convicts_nobody() {
	new_test_ext().execute_with(|| {
		let mut parent = genesis_header(A);
		for nonce in 0..u64::from(CAPACITY) {
			let headers = run(&parent, [Some(traffic(&[sent(B, nonce, 1)], &[], &[], &[]))]);
			submit(A, &headers);
			parent = headers[0].clone();
		}
		let one_more = traffic(&[sent(B, CAPACITY.into(), 1)], &[], &[], &[]);
		let headers = run(&parent, [Some(one_more)]);
		assert!(pool(A, &headers, &certify(A, &headers)).is_err());
		assert_eq!(judge(A, &headers), Err(Acquittal::Consistent));
	});
}

#[test]
fn acknowledgements_that_are_taken_back_convict() {
	new_test_ext().execute_with(|| {
		submit(
			B,
			&run(
				&genesis_header(B),
				[Some(traffic(&[sent(A, 0, 3)], &[], &[], &[]))],
			),
		);
		let taken = run(
			&genesis_header(A),
			[Some(traffic(&[], &[received(B, 3)], &[], &[]))],
		);
		assert_eq!(judge(A, &taken), Err(Acquittal::Consistent));
		submit(A, &taken);
		let back = run(&taken[0], [Some(traffic(&[], &[received(B, 0)], &[], &[]))]);
		assert_eq!(judge(A, &back), Ok(()));
	});
}
