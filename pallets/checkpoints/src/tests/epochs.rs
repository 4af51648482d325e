//! Checkpoints that signal and end epochs.

use super::{
	refusals::{refused, Refusal},
	*,
};
use asterism_primitives::{
	election::CommitteeRecorder,
	epoch::{epoch_item, EpochNote, EPOCH_ID},
};
use pallet_chains::{ChainRegistry, CommitteeHistory};
use polkadot_sdk::sp_runtime::{
	transaction_validity::{TransactionValidityError, UnknownTransaction},
	DigestItem,
};

const SIGNAL: EpochNote = EpochNote::Signal { next: 1 };
const END: EpochNote = EpochNote::End { next: 1 };

/// Headers of an epoch upon a parent, each with these items beside its round.
fn noted(parent: &Header, epoch: Epoch, items: impl IntoIterator<Item = Vec<DigestItem>>) -> Headers {
	let mut headers: Vec<Header> = Vec::new();
	for items in items {
		let mut header = child(headers.last().unwrap_or(parent), None);
		let view = header.number.into();
		header.digest.logs = [vec![round_item(Round { epoch, view })], items].concat();
		headers.push(header);
	}
	headers.try_into().unwrap()
}

fn note(note: EpochNote) -> Vec<DigestItem> {
	vec![epoch_item(note)]
}

/// The certificate of A's committee of epoch 1, whose members have B's keys.
fn certify_next(headers: &Headers) -> Certificate {
	let mut certificate = certify(A, headers);
	certificate.round.epoch = 1;
	sign(B, A, &[0, 1, 3], certificate)
}

/// Puts A's committee of epoch 1 on record.
fn elect() {
	let members = (0..SIZE).map(|i| member(B, i)).collect();
	Chains::record(A, Committee::new(1, members).unwrap()).unwrap();
}

#[test]
fn a_signal_is_passed_on_and_an_end_hands_the_chain_over() {
	new_test_ext().execute_with(|| {
		let genesis = genesis_header(A);
		let first = noted(&genesis, 0, [vec![], note(SIGNAL), vec![]]);
		submit(A, &first);
		assert_eq!(Heard::get(), [(A, 1)]);
		assert_eq!(Chains::epoch(A), Some(0));

		elect();
		Chains::set_ready(A, 1);
		System::set_block_number(9);
		let last = noted(&first[2], 0, [vec![], note(END)]);
		submit(A, &last);
		assert_eq!((Chains::epoch(A), Chains::ended(A, 0)), (Some(1), Some(9)));
		Chains::do_try_state().unwrap();

		// From here on only the next committee certifies.
		let late = noted(&last[1], 0, [vec![]]);
		refused(A, &late, &certify(A, &late), Refusal::WrongEpoch);
		let next = noted(&last[1], 1, [vec![]]);
		let mut usurped = certify(A, &next);
		usurped.round.epoch = 1;
		refused(A, &next, &sign(A, A, &[0, 1, 3], usurped), Refusal::BadSignature);
		// Not even blocks that are proposed in the epoch before.
		refused(A, &late, &certify_next(&late), Refusal::RoundOfOtherEpoch);
		let certificate = certify_next(&next);
		pool(A, &next, &certificate).unwrap();
		dispatch(A, &next, &certificate).unwrap();
		assert_eq!(Checkpoints::head(A).unwrap().hash, next[0].hash());
		Checkpoints::do_try_state().unwrap();
	});
}

#[test]
fn signal_and_end_may_come_in_one_checkpoint() {
	new_test_ext().execute_with(|| {
		elect();
		Chains::set_ready(A, 1);
		submit(
			A,
			&noted(&genesis_header(A), 0, [note(SIGNAL), vec![], note(END)]),
		);
		assert_eq!((Chains::epoch(A), Heard::get()), (Some(1), vec![(A, 1)]));
	});
}

#[test]
fn the_last_block_may_be_certified_in_a_later_view() {
	new_test_ext().execute_with(|| {
		elect();
		Chains::set_ready(A, 1);
		let headers = noted(&genesis_header(A), 0, [note(END)]);
		let mut again = certify(A, &headers);
		again.round.view = 7;
		again.parent_view = 1;
		let again = sign(A, A, &[0, 1, 3], again);
		pool(A, &headers, &again).unwrap();
		dispatch(A, &headers, &again).unwrap();
		assert_eq!(Chains::epoch(A), Some(1));
	});
}

#[test]
fn an_end_before_the_next_committee_is_ready() {
	new_test_ext().execute_with(|| {
		let headers = noted(&genesis_header(A), 0, [note(END)]);
		let certificate = certify(A, &headers);
		refused(A, &headers, &certificate, Refusal::NextNotReady);
		elect();
		refused(A, &headers, &certificate, Refusal::NextNotReady);
		// Another chain's committee is.
		Chains::record(B, Committee::new(1, vec![member(B, 0)]).unwrap()).unwrap();
		Chains::set_ready(B, 1);
		refused(A, &headers, &certificate, Refusal::NextNotReady);
		Chains::set_ready(A, 1);
		submit(A, &headers);
	});
}

#[test]
fn blocks_after_the_end() {
	new_test_ext().execute_with(|| {
		elect();
		Chains::set_ready(A, 1);
		let headers = noted(&genesis_header(A), 0, [note(END), vec![]]);
		refused(A, &headers, &certify(A, &headers), Refusal::AfterTheEnd);
		let twice = noted(&genesis_header(A), 0, [note(END), note(END)]);
		refused(A, &twice, &certify(A, &twice), Refusal::AfterTheEnd);
	});
}

#[test]
fn notes_of_other_epochs_and_malformed_ones() {
	new_test_ext().execute_with(|| {
		elect();
		Chains::set_ready(A, 1);
		for next in [0, 2, Epoch::MAX] {
			for bad in [EpochNote::Signal { next }, EpochNote::End { next }] {
				let headers = noted(&genesis_header(A), 0, [note(bad)]);
				refused(A, &headers, &certify(A, &headers), Refusal::NoteOfOtherEpoch);
			}
		}
		let junk = DigestItem::Consensus(EPOCH_ID, vec![7]);
		for bad in [
			vec![junk],
			[note(SIGNAL), note(END)].concat(),
			[note(END), note(END)].concat(),
		] {
			let headers = noted(&genesis_header(A), 0, [bad]);
			refused(A, &headers, &certify(A, &headers), Refusal::MalformedNote);
		}
		assert!(Heard::get().is_empty());
	});
}

#[test]
fn a_checkpoint_of_an_epoch_that_has_not_begun_is_early() {
	new_test_ext().execute_with(|| {
		elect();
		let headers = noted(&genesis_header(A), 1, [vec![]]);
		let certificate = certify_next(&headers);
		let early: TransactionValidityError = UnknownTransaction::Custom(38).into();
		assert_eq!(pool(A, &headers, &certificate), Err(early));
		refused(A, &headers, &certificate, Refusal::NotBegun);
	});
}

#[test]
fn notes_have_their_weight() {
	use polkadot_sdk::frame_support::dispatch::GetDispatchInfo;
	new_test_ext().execute_with(|| {
		let weights = |items: [Vec<DigestItem>; 2]| {
			let headers = noted(&genesis_header(A), 0, items);
			let call = call(A, &headers, &certify(A, &headers));
			(call.get_dispatch_info().call_weight, call.weight_of_authorize())
		};
		let (quiet, authorized) = weights([vec![], vec![]]);
		let both = <Chains as Succession>::weight().saturating_mul(2);
		assert!(both.all_gt(Weight::zero()));
		assert_eq!(
			weights([note(SIGNAL), note(END)]),
			(quiet + both, authorized + both)
		);
	});
}
