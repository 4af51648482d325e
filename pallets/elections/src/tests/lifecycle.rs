//! An election from signal to decision, and what happens when too few take part.

use super::*;

#[test]
fn from_signal_to_committee() {
	new_test_ext().execute_with(|| {
		let randomness = seed_electing(5);
		open(randomness);
		assert_eq!(Elections::elections().len(), 1);
		let elected = who(Standing::Elected, randomness, A, 1);
		for i in &elected {
			assert!(!Elections::candidacy(A, &operator(*i)).unwrap().claimed);
			come_forward(*i, A);
			assert!(Elections::candidacy(A, &operator(*i)).unwrap().claimed);
		}
		assert_eq!(Elections::elected(A), 5);
		assert!(Committees::get(A, 1).is_none());
		run_by(CLAIM_PERIOD);
		// All five are in, although four were expected; each is on duty, and its operator known.
		assert_eq!(numbers(A, 1), elected);
		for i in &elected {
			assert_eq!(Elections::operator(A, 1, &id(*i)), Some(operator(*i)));
			assert_eq!(Nodes::get(operator(*i)).unwrap().duties, 1);
		}
		assert!(!Elections::is_ready(A, 1) && ReadyEpochs::get(A).is_none());
		for i in &elected[..quorum(5) as usize] {
			say(*i, &word(*i, A, None));
		}
		assert!(Elections::is_ready(A, 1));
		assert_eq!(ReadyEpochs::get(A), Some(1));
		// A ready committee is not elected again.
		run_by(2 * READY_PERIOD);
		assert_eq!(numbers(A, 1), elected);
		assert_eq!(election(A).phase, Phase::Ready);
		assert!(Elections::elections().is_empty());
	});
}

#[test]
fn duties_end_with_the_epoch_and_rosters_are_forgotten() {
	new_test_ext().execute_with(|| {
		let duties = || Nodes::iter_values().map(|node| node.duties).sum::<u32>();
		// A founder registers before the chain's first signal: it is on duty too.
		let founders = NodeKeys {
			identity: id(200),
			..keys(100)
		};
		put_node(operator(100), founders, STAKE);
		for epoch in 1..=6 {
			Elections::on_signal(A, epoch);
			run_by(1);
			let randomness = Hash::repeat_byte(epoch as u8);
			seed(randomness);
			let before = duties();
			for i in 0..NODES {
				try_claim(&claim_of(i, A));
			}
			run_by(CLAIM_PERIOD);
			let members = numbers(A, epoch);
			assert!(duties() > before);
			for i in &members {
				if election(A).phase != Phase::Ready {
					say(*i, &word(*i, A, None));
				}
			}
			assert!(Elections::is_ready(A, epoch));
			Epochs::insert(A, epoch);
			Elections::on_end(A, epoch);
			Elections::do_try_state().unwrap();
			let on_record = Rosters::<Test>::get(A, epoch).unwrap().operators.len();
			assert_eq!(
				duties() as usize,
				on_record,
				"only the serving committee is on duty"
			);
			// Told again, nothing changes.
			let before = state();
			Elections::on_end(A, epoch);
			assert_eq!(state(), before);
			if let Some(forgotten) = epoch.checked_sub(3) {
				Elections::on_forget(A, forgotten);
			}
			Elections::do_try_state().unwrap();
		}
		let mut kept: Vec<_> = Rosters::<Test>::iter_key_prefix(A).collect();
		kept.sort_unstable();
		assert_eq!(kept, [4, 5, 6]);
	});
}

#[test]
fn a_signal_counts_once_and_only_for_the_next_epoch() {
	new_test_ext().execute_with(|| {
		for (chain, epoch) in [(A, 0), (A, 2), (ChainId(9), 1)] {
			let before = state();
			Elections::on_signal(chain, epoch);
			assert_eq!(state(), before);
		}
		Elections::on_signal(A, 1);
		let (before, first) = (System::events().len(), election(A));
		run_by(3);
		Elections::on_signal(A, 1);
		assert_eq!(election(A), first);
		assert_eq!(System::events().len(), before);
		// Nor while it is open, decided or ready.
		seed(seed_electing(4));
		let opened = election(A);
		Elections::on_signal(A, 1);
		assert_eq!(election(A), opened);
	});
}

/// The order of events that makes elections unpredictable: signal in block s, s final, seed of round s, election. What was
/// known at s decides nothing.
#[test]
fn no_seed_of_before_the_signal_decides() {
	new_test_ext().execute_with(|| {
		run_to(20);
		Elections::on_signal(A, 1);
		assert_eq!(election(A).signalled, 20);
		// The seed of this very block's inherent, or one that is brought late, is of an earlier round.
		for round in [3, 18, 19] {
			seed_of(round, Hash::repeat_byte(1));
			assert_eq!(election(A).phase, Phase::AwaitingSeed);
		}
		assert_eq!(Elections::awaited_since(), Some(20));
		run_to(23);
		seed_of(19, Hash::repeat_byte(1));
		assert_eq!(election(A).phase, Phase::AwaitingSeed);
		assert!(Elections::candidacy(A, &operator(0)).is_none());
		// The seed of the signal's own block is made after that block is final.
		seed_of(20, Hash::repeat_byte(2));
		assert_eq!(
			election(A).phase,
			Phase::Open {
				round: 20,
				seed: Hash::repeat_byte(2),
				opened: 23,
				deadline: 23 + CLAIM_PERIOD,
			}
		);
		assert_eq!(Elections::awaited_since(), None);
		// No later seed replaces it.
		seed_of(21, Hash::repeat_byte(3));
		assert!(matches!(election(A).phase, Phase::Open { round: 20, .. }));
	});
}

#[test]
fn many_elections_wait_their_turn() {
	new_test_ext().execute_with(|| {
		let founders: Vec<_> = (0..SIZE as u8).map(founder).collect();
		let many = MAX_OPENINGS + 5;
		for i in 0..many {
			let chain = ChainId(100 + i);
			Epochs::insert(chain, 0);
			Committees::insert(chain, 0, Committee::new(0, founders.clone()).unwrap());
			Elections::on_signal(chain, 1);
		}
		run_by(1);
		let opened = || {
			let of = |i| election(ChainId(100 + i)).window().is_some();
			(0..many).filter(|i| of(*i)).count() as u32
		};
		seed(Hash::repeat_byte(1));
		assert_eq!(opened(), MAX_OPENINGS);
		run_by(1);
		seed(Hash::repeat_byte(2));
		assert_eq!(opened(), many);
		// All are decided, each with its founders, even if one block is too small for all.
		run_by(CLAIM_PERIOD + 3);
		for i in 0..many {
			assert_eq!(numbers(ChainId(100 + i), 1), [200, 201, 202, 203]);
		}
	});
}

#[test]
fn standbys_fill_up_then_the_old_committee() {
	new_test_ext().execute_with(|| {
		let randomness = seed_electing(2);
		open(randomness);
		let elected = who(Standing::Elected, randomness, A, 1);
		let standby = who(Standing::Standby, randomness, A, 1);
		for i in &elected {
			come_forward(*i, A);
		}
		run_by(CLAIM_PERIOD / 2);
		// One of them only: the fourth seat stays with a founder.
		come_forward(standby[0], A);
		run_by(CLAIM_PERIOD / 2);
		let members = numbers(A, 1);
		assert_eq!(members.len() as u32, SIZE);
		assert!(elected.iter().all(|i| members.contains(i)));
		assert!(members.contains(&standby[0]));
		assert_eq!(members.iter().filter(|i| **i >= 200).count(), 1);
		let event = Event::<Test>::Recorded {
			chain: A,
			epoch: 1,
			elected: 2,
			standby: 1,
			kept: 1,
		};
		System::assert_has_event(event.into());
	});
}

#[test]
fn the_best_standbys_are_taken() {
	new_test_ext().execute_with(|| {
		let randomness = seed_electing(1);
		open(randomness);
		let mut standby = who(Standing::Standby, randomness, A, 1);
		run_by(CLAIM_PERIOD / 2);
		for i in &standby {
			come_forward(*i, A);
		}
		run_by(CLAIM_PERIOD / 2);
		let number = |i: &u8| {
			proof(*i, randomness, A, 1)
				.number(&sortition_key(*i).1, randomness, A, 1)
				.unwrap()
		};
		standby.sort_by_key(number);
		assert_eq!(recorded(A, 1), ids(standby[..4].iter().copied()));
	});
}

#[test]
fn nobody_comes_forward() {
	new_test_ext().execute_with(|| {
		open(seed_electing(4));
		run_by(CLAIM_PERIOD);
		assert_eq!(numbers(A, 1), [200, 201, 202, 203]);
		// They are ready as any committee.
		for i in 200..203 {
			say(i, &word(i, A, None));
		}
		assert!(Elections::is_ready(A, 1));
	});
}

#[test]
fn old_members_stay_only_if_they_can_be_punished() {
	new_test_ext().execute_with(|| {
		// The serving committee: an active node, a leaving one, an excluded one, a founder.
		let member = |i: u8| Member {
			id: id(i),
			key: BlsPublic([i; 96]),
		};
		let serving = vec![member(0), member(1), member(2), founder(0)];
		Committees::insert(A, 0, Committee::new(0, serving).unwrap());
		change(&operator(1), |node| {
			node.status = Status::Leaving {
				withdrawable_at: 99,
				excluded: false,
			}
		});
		Registry::exclude(&operator(2));
		// The active one has new keys meanwhile: it stays under these.
		Elections::on_signal(A, 1);
		change(&operator(0), |node| {
			node.keys.consensus = BlsPublic([77; 96]);
			node.since = System::block_number();
		});
		run_by(1);
		seed(seed_electing(4));
		run_by(CLAIM_PERIOD);
		assert_eq!(recorded(A, 1), ids([0, 1, 200]));
		let committee = Committees::get(A, 1).unwrap();
		assert!(committee.members().iter().any(|member| member.key.0[0] == 77));
		assert_eq!(Nodes::get(operator(0)).unwrap().duties, 2);
	});
}

#[test]
fn who_is_excluded_does_not_stay_by_leaving() {
	new_test_ext().execute_with(|| {
		let member = |i: u8| Member {
			id: id(i),
			key: BlsPublic([i; 96]),
		};
		let serving = vec![member(0), member(1), founder(0)];
		Committees::insert(A, 0, Committee::new(0, serving).unwrap());
		for (i, excluded) in [(0, false), (1, true)] {
			change(&operator(i), |node| {
				node.status = Status::Leaving {
					withdrawable_at: 99,
					excluded,
				}
			});
		}
		open(seed_electing(4));
		run_by(CLAIM_PERIOD);
		assert_eq!(recorded(A, 1), ids([0, 200]));
	});
}

#[test]
fn without_anybody_at_all_the_old_committee_serves_on() {
	new_test_ext().execute_with(|| {
		let member = Member {
			id: id(2),
			key: BlsPublic([2; 96]),
		};
		Committees::insert(A, 0, Committee::new(0, vec![member]).unwrap());
		open(seed_electing(4));
		Registry::exclude(&operator(2));
		run_by(CLAIM_PERIOD);
		assert!(Committees::get(A, 1).is_none());
		let event = Event::<Test>::Repeated {
			chain: A,
			epoch: 1,
			attempt: 1,
			reason: Reason::Nobody,
		};
		System::assert_has_event(event.into());
		// Another seed, another election: who comes forward now is elected.
		assert_eq!(election(A).phase, Phase::AwaitingSeed);
		run_by(1);
		let randomness = Hash::repeat_byte(42);
		seed(randomness);
		for i in 0..NODES {
			try_claim(&claim_of(i, A));
		}
		run_by(CLAIM_PERIOD);
		assert!(!recorded(A, 1).is_empty());
	});
}

#[test]
fn a_committee_that_cannot_be_recorded_is_elected_again() {
	new_test_ext().execute_with(|| {
		open(seed_electing(4));
		Unrecordable::put(true);
		run_by(CLAIM_PERIOD);
		assert_eq!((election(A).attempt, election(A).phase), (1, Phase::AwaitingSeed));
		assert!(Nodes::iter_values().all(|node| node.duties == 0));
		Unrecordable::kill();
		run_by(1);
		seed(Hash::repeat_byte(5));
		run_by(CLAIM_PERIOD);
		assert_eq!(numbers(A, 1), [200, 201, 202, 203]);
	});
}

#[test]
fn who_leaves_or_is_excluded_after_its_claim_is_no_member() {
	new_test_ext().execute_with(|| {
		let randomness = seed_electing(4);
		open(randomness);
		let elected = who(Standing::Elected, randomness, A, 1);
		for i in &elected {
			come_forward(*i, A);
		}
		Registry::exclude(&operator(elected[0]));
		change(&operator(elected[1]), |node| {
			node.status = Status::Leaving {
				withdrawable_at: 99,
				excluded: false,
			}
		});
		// Nor who exchanges its keys: the new ones may have been chosen with the seed in view.
		change(&operator(elected[2]), |node| {
			node.keys.identity = id(150);
			node.since = System::block_number();
		});
		run_by(CLAIM_PERIOD);
		let members = numbers(A, 1);
		assert_eq!(members.len() as u32, SIZE);
		assert!(members.contains(&elected[3]) && !members.contains(&150));
		assert!(elected[..3].iter().all(|i| !members.contains(i)));
	});
}

#[test]
fn nobody_is_a_member_twice() {
	new_test_ext().execute_with(|| {
		let randomness = seed_electing(2);
		let elected = who(Standing::Elected, randomness, A, 1);
		// One of the elected serves already, and a founder has the consensus key of the other.
		let serving = vec![
			Member {
				id: id(elected[0]),
				key: BlsPublic([elected[0]; 96]),
			},
			Member {
				id: id(200),
				key: BlsPublic([elected[1]; 96]),
			},
			founder(1),
			founder(2),
		];
		Committees::insert(A, 0, Committee::new(0, serving).unwrap());
		open(randomness);
		for i in &elected {
			come_forward(*i, A);
		}
		run_by(CLAIM_PERIOD);
		assert_eq!(recorded(A, 1), ids([elected[0], elected[1], 201, 202]));
	});
}

#[test]
fn elections_of_several_chains_are_independent() {
	new_test_ext().execute_with(|| {
		for chain in [ChainId::ROOT, A, B] {
			Elections::on_signal(chain, 1);
		}
		run_by(1);
		let randomness = seed_electing(4);
		seed(randomness);
		let elected = |chain| who(Standing::Elected, randomness, chain, 1);
		assert!(elected(A) != elected(B) && elected(B) != elected(ChainId::ROOT));
		for chain in [ChainId::ROOT, A, B] {
			for i in elected(chain) {
				come_forward(i, chain);
			}
		}
		run_by(CLAIM_PERIOD);
		for chain in [ChainId::ROOT, A, B] {
			let members = numbers(chain, 1);
			assert!(elected(chain).iter().all(|i| members.contains(i)));
		}
	});
}
