//! Whatever happens in whatever order: the invariants hold, and an election comes to its end as soon as nodes behave.

use super::*;
use proptest::{collection::vec, prelude::*};

#[derive(Clone, Copy, Debug)]
enum Step {
	Blocks(u8),
	Seed(u8),
	Signal(u8),
	Claim(u8, u8),
	Word(u8, u8),
	Exclude(u8),
	Leave(u8),
	Rotate(u8),
	Unrecordable(bool),
	Advance(u8),
}

fn step() -> impl Strategy<Value = Step> {
	// Most nodes stay as they are, else there would soon be none.
	let few = 0..NODES / 3;
	prop_oneof![
		4 => (1u8..6).prop_map(Step::Blocks),
		4 => any::<u8>().prop_map(Step::Seed),
		2 => (0u8..3).prop_map(Step::Signal),
		8 => (0..NODES, 0u8..3).prop_map(|(node, chain)| Step::Claim(node, chain)),
		8 => (0u8..6, 0u8..3).prop_map(|(member, chain)| Step::Word(member, chain)),
		1 => few.clone().prop_map(Step::Exclude),
		1 => few.clone().prop_map(Step::Leave),
		1 => few.prop_map(Step::Rotate),
		1 => any::<bool>().prop_map(Step::Unrecordable),
		2 => (0u8..3).prop_map(Step::Advance),
	]
}

/// The chain's next epoch.
fn next(chain: ChainId) -> Epoch {
	Epochs::get(chain).unwrap() + 1
}

fn claims(node: u8, chain: ChainId) {
	let open = Elections::election(chain).is_some_and(|election| election.window().is_some());
	if open {
		try_claim(&claim_of(node, chain));
	}
}

/// The `index`th member of a new committee says that it is ready.
fn says_ready(index: u8, chain: ChainId) {
	let recorded =
		Elections::election(chain).is_some_and(|election| matches!(election.phase, Phase::Recorded { .. }));
	let member = NewMembers::<Test>::get(chain)
		.get(usize::from(index))
		.map(|member| member.id);
	if let (true, Some(member)) = (recorded, member) {
		let i = (0..=255).find(|i| id(*i) == member).expect("one of ours");
		let call = word_call(i, &word(i, chain, None));
		if pool(&call).is_ok() {
			dispatch(&call).unwrap();
		}
	}
}

fn take(step: Step) {
	let chain = |i: u8| ChainId(i.into());
	let now = System::block_number();
	match step {
		Step::Blocks(blocks) => run_by(blocks.into()),
		Step::Seed(byte) => seed(Hash::repeat_byte(byte)),
		Step::Signal(i) => Elections::on_signal(chain(i), next(chain(i))),
		Step::Claim(node, i) => claims(node, chain(i)),
		Step::Word(index, i) => says_ready(index, chain(i)),
		Step::Exclude(i) => drop(Registry::exclude(&operator(i))),
		Step::Leave(i) => change(&operator(i), |node| {
			node.status = Status::Leaving {
				withdrawable_at: 0,
				excluded: false,
			}
		}),
		Step::Rotate(i) => change(&operator(i), |node| {
			// Back and forth between two identities.
			let other = if node.keys.identity == id(i) { 100 + i } else { i };
			node.keys = NodeKeys {
				identity: id(other),
				..node.keys
			};
			node.since = now;
		}),
		Step::Unrecordable(yes) => Unrecordable::put(yes),
		Step::Advance(i) => {
			let (chain, next) = (chain(i), next(chain(i)));
			if ReadyEpochs::get(chain) == Some(next) {
				assert!(Elections::is_ready(chain, next) && Committees::contains_key(chain, next));
				Epochs::insert(chain, next);
				Elections::on_end(chain, next);
			}
		}
	}
	Elections::do_try_state().unwrap();
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(32))]

	#[test]
	fn invariants_hold_and_elections_end(steps in vec(step(), 1..60)) {
		new_test_ext().execute_with(|| {
			for step in steps {
				take(step);
			}
			take(Step::Unrecordable(false));
			let epoch = next(A);
			take(Step::Signal(A.0 as u8));
			for block in 0..10 * (CLAIM_PERIOD + READY_PERIOD) {
				if Elections::is_ready(A, epoch) {
					break;
				}
				run_by(1);
				seed(Hash::repeat_byte(block as u8));
				for node in 0..NODES {
					claims(node, A);
				}
				for index in 0..NODES {
					says_ready(index, A);
				}
			}
			assert!(Elections::is_ready(A, epoch), "the chain stalls");
			take(Step::Advance(A.0 as u8));
			assert_eq!(next(A), epoch + 1);
		});
	}
}
