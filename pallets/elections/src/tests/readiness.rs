//! Words of readiness: the quorum, the root committee's sharing, and what happens when they don't come.

use super::*;

/// A's election for epoch 1 is decided: the members.
fn decided() -> Vec<u8> {
	let randomness = seed_electing(4);
	open(randomness);
	for i in who(Standing::Elected, randomness, A, 1) {
		come_forward(i, A);
	}
	run_by(CLAIM_PERIOD);
	numbers(A, 1)
}

#[track_caller]
fn refused(signer: u8, readiness: &Readiness, error: Error<Test>) {
	let only_authorization = matches!(error, Error::BadSignature);
	refuses(&word_call(signer, readiness), error, only_authorization);
}

#[test]
fn a_quorum_is_needed() {
	new_test_ext().execute_with(|| {
		let members = decided();
		for i in &members[..2] {
			say(*i, &word(*i, A, None));
		}
		assert_eq!(Elections::ready_members(A).len(), 2);
		assert!(!Elections::is_ready(A, 1));
		let last = word(members[2], A, None);
		say(members[2], &last);
		assert!(Elections::is_ready(A, 1) && !Elections::is_ready(A, 2));
		// The fourth isn't needed any more.
		let late = Readiness {
			member: id(members[3]),
			..last
		};
		refused(members[3], &late, Error::AlreadySettled);
	});
}

#[test]
fn words_of_excluded_members_do_not_count() {
	new_test_ext().execute_with(|| {
		let members = decided();
		Registry::exclude(&operator(members[0]));
		for i in &members[..3] {
			say(*i, &word(*i, A, None));
		}
		assert_eq!(Elections::ready_members(A).len(), 3);
		assert!(!Elections::is_ready(A, 1), "two count");
		say(members[3], &word(members[3], A, None));
		assert!(Elections::is_ready(A, 1));
	});
}

#[test]
fn who_registers_again_counts_again() {
	new_test_ext().execute_with(|| {
		let members = decided();
		for i in &members[..2] {
			say(*i, &word(*i, A, None));
		}
		Registry::exclude(&operator(members[0]));
		say(members[2], &word(members[2], A, None));
		assert!(!Elections::is_ready(A, 1));
		Registry::exclude(&operator(members[3]));
		change(&operator(members[0]), |node| {
			node.status = Status::Active;
			node.since = System::block_number();
		});
		say(members[3], &word(members[3], A, None));
		assert!(Elections::is_ready(A, 1));
	});
}

#[test]
fn a_committee_with_too_many_excluded_members_never_takes_over() {
	new_test_ext().execute_with(|| {
		let members = decided();
		// One leaves and is excluded, which is the same.
		Registry::exclude(&operator(members[0]));
		change(&operator(members[1]), |node| {
			node.status = Status::Leaving {
				withdrawable_at: 99,
				excluded: true,
			}
		});
		for i in &members {
			say(*i, &word(*i, A, None));
		}
		assert!(!Elections::is_ready(A, 1));
		run_by(READY_PERIOD);
		assert_eq!((election(A).attempt, election(A).phase), (1, Phase::AwaitingSeed));
		// The next attempt does without them.
		run_by(1);
		let randomness = Hash::repeat_byte(42);
		seed(randomness);
		for i in 0..NODES {
			try_claim(&claim_of(i, A));
		}
		run_by(CLAIM_PERIOD);
		let again = numbers(A, 1);
		assert!(members[..2].iter().all(|i| !again.contains(i)));
		for i in again {
			if !Elections::is_ready(A, 1) {
				say(i, &word(i, A, None));
			}
		}
		assert!(Elections::is_ready(A, 1));
	});
}

#[test]
fn the_excluded_members_of_a_committee_are_known() {
	new_test_ext().execute_with(|| {
		let members = decided();
		let ids = recorded(A, 1);
		let excluded = |epoch| Elections::excluded(A, epoch, ids.iter().copied());
		assert_eq!(excluded(1), []);
		for i in [members[2], members[0]] {
			Registry::exclude(&operator(i));
		}
		// A node that is no member changes nothing, nor does a founder, who is nobody's node.
		let outsider = (0..NODES).find(|i| !members.contains(i)).unwrap();
		Registry::exclude(&operator(outsider));
		assert_eq!(Elections::excluded(A, 0, [id(200), id(201)]), []);
		let expected: Vec<_> = ids
			.iter()
			.copied()
			.filter(|member| [id(members[0]), id(members[2])].contains(member))
			.collect();
		assert_eq!(excluded(1), expected);
		// Without a roster it is whoever has the identity now.
		assert_eq!(excluded(7), expected);
		change(&operator(members[0]), |node| node.status = Status::Active);
		assert_eq!(excluded(1), [id(members[2])]);
	});
}

#[test]
fn nodes_are_looked_at_and_paid_for_only_if_the_words_are_enough() {
	new_test_ext().execute_with(|| {
		let members = decided();
		let weight = |i: u8| {
			let call = word_call(i, &word(i, A, None));
			let done = call.dispatch(RawOrigin::Authorized.into()).unwrap();
			done.actual_weight.unwrap()
		};
		let alone = <() as WeightInfo>::ready();
		assert_eq!([weight(members[0]), weight(members[1])], [alone; 2]);
		let counted = <() as WeightInfo>::count_nodes() + Beacon::weight_of_adopting();
		assert_eq!(weight(members[2]), alone + counted);
	});
}

#[test]
fn words_are_the_members_own_and_count_once() {
	new_test_ext().execute_with(|| {
		let members = decided();
		let good = word(members[0], A, None);
		refused(members[1], &good, Error::BadSignature);
		refused(200, &word(200, A, None), Error::NoMember);
		let of_b = Readiness {
			chain: B,
			..good.clone()
		};
		refused(members[0], &of_b, Error::NoElection);
		let of_2 = Readiness {
			epoch: 2,
			..good.clone()
		};
		refused(members[0], &of_2, Error::WrongEpoch);
		let of_other_seed = Readiness {
			round: good.round + 1,
			..good.clone()
		};
		refused(members[0], &of_other_seed, Error::WrongSeed);
		let with_sharing = Readiness {
			sharing: Some(SharingId {
				attempt: 1,
				output: Hash::zero(),
			}),
			..good.clone()
		};
		refused(members[0], &with_sharing, Error::WrongSharing);
		say(members[0], &good);
		refused(members[0], &good, Error::AlreadyReady);
		// A signature for another chain's committee doesn't serve.
		let signature = identity(members[1]).sign(&of_b.statement(Elections::genesis())).0;
		let replayed = Call::<Test>::ready {
			readiness: word(members[1], A, None),
			signature,
		};
		refuses(&replayed.into(), Error::BadSignature, true);
	});
}

#[test]
fn words_before_the_decision_are_early() {
	new_test_ext().execute_with(|| {
		open(seed_electing(4));
		let Phase::Open { round, .. } = election(A).phase else {
			panic!("open")
		};
		let early = Readiness {
			chain: A,
			epoch: 1,
			round,
			member: id(200),
			sharing: None,
		};
		refused(200, &early, Error::NotRecorded);
	});
}

#[test]
fn without_a_quorum_the_election_is_repeated() {
	new_test_ext().execute_with(|| {
		let members = decided();
		let old = word(members[3], A, None);
		for i in &members[..2] {
			say(*i, &word(*i, A, None));
		}
		run_by(READY_PERIOD - 1);
		assert!(matches!(election(A).phase, Phase::Recorded { .. }));
		run_by(1);
		assert_eq!((election(A).attempt, election(A).phase), (1, Phase::AwaitingSeed));
		assert_eq!(election(A).signalled, System::block_number());
		let event = Event::<Test>::Repeated {
			chain: A,
			epoch: 1,
			attempt: 1,
			reason: Reason::NotReady,
		};
		System::assert_has_event(event.into());
		// Nobody is on duty for a committee that never served; the serving one is unchanged.
		assert!(Nodes::iter_values().all(|node| node.duties == 0));
		assert!(Rosters::<Test>::get(A, 1).is_none());
		assert_eq!(Registry::serving(A).unwrap().epoch(), 0);
		assert!(Elections::ready_members(A).is_empty());
		// What was asked for before the repetition doesn't decide it either.
		seed_of(election(A).signalled - 1, Hash::repeat_byte(1));
		assert_eq!(election(A).phase, Phase::AwaitingSeed);
		run_by(1);
		seed(Hash::repeat_byte(1));
		run_by(CLAIM_PERIOD);
		// A word for the first attempt's committee says nothing about the second's.
		let stale = Readiness {
			member: recorded(A, 1)[0],
			..old
		};
		let signer = numbers(A, 1)
			.into_iter()
			.find(|i| id(*i) == stale.member)
			.unwrap();
		refused(signer, &stale, Error::WrongSeed);
		for i in &numbers(A, 1)[..3] {
			say(*i, &word(*i, A, None));
		}
		assert!(Elections::is_ready(A, 1));
	});
}

#[test]
fn elections_repeat_until_one_succeeds() {
	new_test_ext().execute_with(|| {
		Elections::on_signal(A, 1);
		for attempt in 0..10 {
			assert_eq!(election(A).attempt, attempt);
			run_by(1);
			seed(Hash::repeat_byte(attempt as u8));
			run_by(CLAIM_PERIOD + READY_PERIOD);
		}
		assert!(ReadyEpochs::get(A).is_none());
		assert_eq!(Registry::serving(A).unwrap().epoch(), 0);
	});
}

fn sharing(attempt: u64, output: u8) -> Option<SharingId> {
	Some(SharingId {
		attempt,
		output: Hash::repeat_byte(output),
	})
}

/// The root chain's election is decided on a network with beacon: the founders stay.
fn root_decided() {
	Adopted::put(0);
	Elections::on_signal(ChainId::ROOT, 1);
	run_by(1);
	seed(Hash::repeat_byte(3));
	run_by(CLAIM_PERIOD);
	assert_eq!(numbers(ChainId::ROOT, 1), [200, 201, 202, 203]);
	assert_eq!(UnderWay::get(), Some((1, 1, true)));
}

fn logs_are_complete() {
	UnderWay::mutate(|attempt| {
		if let Some((_, _, dealing)) = attempt {
			*dealing = false;
		}
	});
}

#[test]
fn the_root_committee_agrees_on_a_sharing() {
	new_test_ext().execute_with(|| {
		root_decided();
		logs_are_complete();
		let root = ChainId::ROOT;
		refused(200, &word(200, root, None), Error::WrongSharing);
		refused(200, &word(200, root, sharing(2, 1)), Error::WrongSharing);
		// One says another output: three are needed that say the same.
		say(200, &word(200, root, sharing(1, 66)));
		say(201, &word(201, root, sharing(1, 1)));
		say(202, &word(202, root, sharing(1, 1)));
		assert!(!Elections::is_ready(root, 1));
		refused(200, &word(200, root, sharing(1, 1)), Error::AlreadyReady);
		say(203, &word(203, root, sharing(1, 1)));
		assert!(Elections::is_ready(root, 1));
		assert_eq!(Adopted::get(), Some(1));
	});
}

#[test]
fn a_sharing_is_not_adopted_before_its_logs_are_complete() {
	new_test_ext().execute_with(|| {
		root_decided();
		let root = ChainId::ROOT;
		for i in 200..202 {
			say(i, &word(i, root, sharing(1, 1)));
		}
		let last = word(202, root, sharing(1, 1));
		refused(202, &last, Error::SharingRefused);
		logs_are_complete();
		say(202, &last);
		assert!(Elections::is_ready(root, 1));
	});
}

#[test]
fn members_get_ready_again_with_the_next_attempt() {
	new_test_ext().execute_with(|| {
		root_decided();
		let root = ChainId::ROOT;
		for i in 200..202 {
			say(i, &word(i, root, sharing(1, 1)));
		}
		UnderWay::put((1, 2, false));
		// The old words don't count for the new attempt, and can't be repeated.
		refused(202, &word(202, root, sharing(1, 1)), Error::WrongSharing);
		for i in 200..203 {
			assert!(!Elections::is_ready(root, 1));
			say(i, &word(i, root, sharing(2, 2)));
		}
		assert!(Elections::is_ready(root, 1));
	});
}

#[test]
fn without_a_beacon_the_root_committee_needs_no_sharing() {
	new_test_ext().execute_with(|| {
		Elections::on_signal(ChainId::ROOT, 1);
		run_by(1);
		seed(Hash::repeat_byte(3));
		run_by(CLAIM_PERIOD);
		for i in 200..203 {
			say(i, &word(i, ChainId::ROOT, None));
		}
		assert!(Elections::is_ready(ChainId::ROOT, 1));
	});
}
