//! Epochs on a mock runtime: each block is begun with a header of its own, as `frame_executive` does it.

use super::*;
use crate as pallet_epochs;
use asterism_primitives::{
	certificate::{Round, ENGINE_ID},
	digest::round_item,
	epoch::{ends_epoch, epoch_note},
};
use core::cell::{Cell, RefCell};
use polkadot_sdk::{
	frame_support::{derive_impl, traits::Hooks},
	sp_io::TestExternalities,
	sp_runtime::{BuildStorage, Digest, DigestItem},
};
use proptest::prelude::*;

#[frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(RuntimeCall, RuntimeEvent, RuntimeError, RuntimeOrigin, RuntimeTask)]
	pub struct Test;
	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Epochs = pallet_epochs;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlockU32<Test>;
}

std::thread_local! {
	static LENGTH: Cell<BlockNumber> = const { Cell::new(8) };
	/// The newest epoch whose committee is ready.
	static READY: Cell<Epoch> = const { Cell::new(0) };
	static HEARD: RefCell<Vec<EpochNote>> = const { RefCell::new(Vec::new()) };
}

pub struct Length;
impl Get<BlockNumber> for Length {
	fn get() -> BlockNumber {
		LENGTH.get()
	}
}

pub struct Committees;
impl NextCommittee for Committees {
	fn ready(next: Epoch) -> bool {
		READY.get() >= next
	}
}

pub struct Listener;
impl Handover for Listener {
	fn on_signal(next: Epoch) {
		HEARD.with_borrow_mut(|heard| heard.push(EpochNote::Signal { next }));
	}
	fn on_end(next: Epoch) {
		HEARD.with_borrow_mut(|heard| heard.push(EpochNote::End { next }));
	}
	fn weight() -> Weight {
		Weight::from_parts(5, 0)
	}
}

impl Config for Test {
	type Length = Length;
	type NextCommittee = Committees;
	type Handover = Listener;
	type WeightInfo = ();
}

fn new_test_ext(length: BlockNumber) -> TestExternalities {
	LENGTH.set(length);
	READY.set(0);
	HEARD.with_borrow_mut(Vec::clear);
	RuntimeGenesisConfig::default().build_storage().unwrap().into()
}

fn begin(number: BlockNumber, logs: Vec<DigestItem>) -> Weight {
	System::reset_events();
	System::initialize(&number, &Default::default(), &Digest { logs });
	Epochs::on_initialize(number)
}

/// A whole block of this epoch; the digest at its end.
fn block(number: BlockNumber, epoch: Epoch) -> Digest {
	let round = Round {
		epoch,
		view: number.into(),
	};
	begin(number, vec![round_item(round)]);
	Epochs::on_finalize(number);
	Epochs::do_try_state(number).unwrap();
	System::finalize().digest
}

#[test]
fn a_chain_goes_through_its_epochs() {
	new_test_ext(8).execute_with(|| {
		assert_eq!(Epochs::current(), (0, 1));
		READY.set(2);
		let mut notes = Vec::new();
		for number in 1..=24 {
			let (epoch, start) = Epochs::current();
			assert_eq!(
				(epoch, start),
				(u64::from((number - 1) / 8), (number - 1) / 8 * 8 + 1)
			);
			let digest = block(number, epoch);
			if let Some(note) = epoch_note(&digest).unwrap() {
				assert_eq!(ends_epoch(&digest).is_some(), number % 8 == 0);
				notes.push((number, note));
			}
		}
		// The committee of epoch 3 isn't ready: epoch 2 goes on.
		let signal = |next| EpochNote::Signal { next };
		let end = |next| EpochNote::End { next };
		let expected = [
			(3, signal(1)),
			(8, end(1)),
			(11, signal(2)),
			(16, end(2)),
			(19, signal(3)),
		];
		assert_eq!(notes, expected);
		assert_eq!(
			HEARD.take(),
			expected.map(|(_, note)| note),
			"the runtime hears what the header says"
		);
		assert_eq!(Epochs::current(), (2, 17));
		READY.set(3);
		assert_eq!(ends_epoch(&block(25, 2)), Some(3));
		assert_eq!(Epochs::current(), (3, 26));
	});
}

#[test]
fn the_block_after_the_last_is_of_the_next_epoch() {
	new_test_ext(4).execute_with(|| {
		READY.set(1);
		for number in 1..=4 {
			block(number, 0);
		}
		assert_eq!(Epochs::current(), (1, 5));
		block(5, 1);
	});
}

#[test]
#[should_panic(expected = "header: expected a round of epoch 1, got one of epoch 0")]
fn a_block_of_the_epoch_before_is_invalid() {
	new_test_ext(4).execute_with(|| {
		READY.set(1);
		for number in 1..=5 {
			block(number, 0);
		}
	});
}

#[test]
#[should_panic(expected = "header: expected a round of epoch 0, got one of epoch 1")]
fn a_block_of_the_epoch_after_is_invalid() {
	new_test_ext(4).execute_with(|| {
		READY.set(1);
		block(1, 1);
	});
}

#[test]
#[should_panic(expected = "header: expected a round of epoch 0, got one of epoch 1")]
fn without_a_length_the_first_committee_stays_for_ever() {
	new_test_ext(0).execute_with(|| {
		READY.set(Epoch::MAX);
		for number in 1..200 {
			assert_eq!(epoch_note(&block(number, 0)), Ok(None));
		}
		assert_eq!((Epochs::current(), HEARD.take()), ((0, 1), vec![]));
		block(200, 1);
	});
}

#[test]
#[should_panic(expected = "header: expected exactly one round, of epoch 0, in its digest")]
fn a_block_without_a_round_is_invalid() {
	new_test_ext(8).execute_with(|| begin(1, vec![]));
}

#[test]
#[should_panic(expected = "header: expected exactly one round, of epoch 0, in its digest")]
fn a_block_of_two_rounds_is_invalid() {
	let round = |view| round_item(Round { epoch: 0, view });
	new_test_ext(8).execute_with(|| begin(1, vec![round(1), round(2)]));
}

#[test]
#[should_panic(expected = "header: expected exactly one round, of epoch 0, in its digest")]
fn a_block_of_a_malformed_round_is_invalid() {
	let item = DigestItem::PreRuntime(ENGINE_ID, vec![0; 15]);
	new_test_ext(8).execute_with(|| begin(1, vec![item]));
}

#[test]
fn the_weight_has_room_for_the_handover() {
	new_test_ext(8).execute_with(|| {
		let weight = begin(1, vec![round_item(Round { epoch: 0, view: 1 })]);
		assert_eq!(weight, <() as WeightInfo>::block() + Weight::from_parts(5, 0));
	});
}

#[test]
fn the_state_is_checked() {
	new_test_ext(8).execute_with(|| {
		let with = |epoch, start, signalled| {
			Current::<Test>::put(Progress {
				epoch,
				start,
				signalled,
			});
			Epochs::do_try_state(10).is_ok()
		};
		assert!(with(3, 11, false) && with(3, 10, true));
		assert!(!with(3, 12, false));
		assert!(!with(3, 11, true));
		LENGTH.set(0);
		assert!(!with(1, 5, false) && with(0, 1, false));
	});
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(64))]

	/// However late committees get ready, the chain goes on: each block is of the epoch that the headers before it lead to,
	/// and the headers say just what the runtime heard.
	#[test]
	fn headers_lead_from_epoch_to_epoch(
		length in 4u32..20,
		ready in proptest::collection::vec(0u64..3, 1..120),
	) {
		new_test_ext(length).execute_with(|| {
			let (mut epoch, mut said) = (0, Vec::new());
			for (i, ahead) in ready.into_iter().enumerate() {
				READY.set((epoch + ahead).max(READY.get()));
				if let Some(note) = epoch_note(&block(i as u32 + 1, epoch)).unwrap() {
					said.push(note);
					match note {
						EpochNote::Signal { next } => assert_eq!(next, epoch + 1),
						EpochNote::End { next } => {
							assert_eq!(next, epoch + 1);
							assert!(READY.get() >= next);
							epoch = next;
						},
					}
				}
			}
			assert_eq!(said, HEARD.take());
		});
	}
}
