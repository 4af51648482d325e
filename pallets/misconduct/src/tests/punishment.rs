//! What is proved is punished, once.

use super::*;
use polkadot_sdk::frame_support::dispatch::GetDispatchInfo;

#[test]
fn each_contradiction_of_one_member() {
	for (first, second, contradiction) in [
		(notarize(1), notarize(2), Contradiction::ConflictingNotarize),
		(finalize(1), finalize(2), Contradiction::ConflictingFinalize),
		(Vote::Nullify, finalize(1), Contradiction::NullifyFinalize),
		(finalize(1), Vote::Nullify, Contradiction::NullifyFinalize),
	] {
		new_test_ext().execute_with(|| {
			report(&evidence(votes(first, &[1]), votes(second, &[1])), Some(42));
			assert_eq!(punished(), [(1, Offence::Votes(contradiction))]);
			System::assert_last_event(
				Event::Punished {
					chain: A,
					epoch: EPOCH,
					member: id(A, 1),
					offence: Offence::Votes(contradiction),
					operator: operator(A, 1),
					slashed: 500,
					reporter: Some(42),
				}
				.into(),
			);
			assert_eq!(Stakes::get(operator(A, 1)), Some(500));
			assert!(Excluded::contains_key(operator(A, 1)) && Misconduct::is_convicted(A, EPOCH, 1));
			assert_eq!(Rewarded::get(), [42]);
			assert_eq!(Stakes::iter().count(), 1, "nobody else");
		});
	}
}

#[test]
fn one_block_upon_two_parents() {
	new_test_ext().execute_with(|| {
		let upon = |parent_view| {
			Vote::Notarize(Proposal {
				parent_view,
				..proposal(1)
			})
		};
		report(&evidence(votes(upon(5), &[0]), votes(upon(6), &[0])), None);
		assert_eq!(punished().len(), 1);
		assert!(Rewarded::get().is_empty());
	});
}

#[test]
fn who_signed_both_certificates() {
	new_test_ext().execute_with(|| {
		let of = |kind, block, signers: &[u32]| {
			Votes::from(certificate(kind, Hash::repeat_byte(block), EPOCH, signers))
		};
		let fork = evidence(
			of(CertificateKind::Finalization, 1, &[0, 1, 2]),
			of(CertificateKind::Finalization, 2, &[1, 2, 3]),
		);
		assert_eq!(pool(&fork).unwrap().provides.len(), 2);
		report(&fork, None);
		let offence = Offence::Votes(Contradiction::ConflictingFinalize);
		assert_eq!(punished(), [(1, offence), (2, offence)]);
	});
}

/// The fork of two views: A is final in view 7, and B's branch skipped that view. Both certificates are of view 7.
#[test]
fn who_skipped_the_view_of_a_final_block() {
	new_test_ext().execute_with(|| {
		let fork = evidence(votes(finalize(1), &[0, 2, 3]), votes(Vote::Nullify, &[0, 1, 2]));
		report(&fork, None);
		let offence = Offence::Votes(Contradiction::NullifyFinalize);
		assert_eq!(punished(), [(0, offence), (2, offence)]);
	});
}

#[test]
fn a_traffic_that_cannot_be() {
	new_test_ext().execute_with(|| {
		let rounds = [round(EPOCH, 6), round(EPOCH, 7)];
		report(&certified(&rounds, &[0, 1, 3]), Some(42));
		// Nobody answers for member 3.
		assert_eq!(punished(), [(0, Offence::Traffic), (1, Offence::Traffic)]);
		assert_eq!(Rewarded::get(), [42, 42]);
	});
}

#[test]
fn an_epoch_that_is_just_over() {
	new_test_ext().execute_with(|| {
		let at = round(4, 7);
		report(
			&evidence(votes_at(at, notarize(1), &[2]), votes_at(at, notarize(2), &[2])),
			None,
		);
		assert!(Misconduct::is_convicted(A, 4, 2) && !Misconduct::is_convicted(A, EPOCH, 2));
		// The member is still of the next committee, and answers for what it does there.
		report(
			&evidence(votes(notarize(1), &[2]), votes(notarize(2), &[2])),
			None,
		);
		assert_eq!(Stakes::get(operator(A, 2)), Some(250));
	});
}

#[test]
fn the_root_chains_members() {
	new_test_ext().execute_with(|| {
		let root = ChainId::ROOT;
		let at = round(EPOCH, 7);
		let of = |vote: Vote| Votes {
			signature: signature(root, &[1], &vote.signed_bytes(realm(root), at)),
			..votes(vote, &[1])
		};
		let evidence = Evidence {
			chain: root,
			proof: Proof::Votes {
				first: of(notarize(1)),
				second: of(notarize(2)),
			},
		};
		report(&evidence, None);
		assert!(Misconduct::is_convicted(root, EPOCH, 1));
	});
}

#[test]
fn nobody_twice() {
	new_test_ext().execute_with(|| {
		let alone = evidence(votes(notarize(1), &[1]), votes(notarize(2), &[1]));
		let more = evidence(votes(notarize(1), &[0, 1]), votes(notarize(2), &[0, 1]));
		let (one, two) = (pool(&alone).unwrap(), pool(&more).unwrap());
		// The pool takes one of them only, rather the one that convicts more.
		assert!(two.provides.contains(&one.provides[0]) && two.priority > one.priority);
		report(&alone, Some(42));
		assert_eq!(pool(&more).unwrap().provides.len(), 1);
		report(&more, Some(43));
		assert_eq!(punished().iter().map(|(i, _)| *i).collect::<Vec<_>>(), [1, 0]);
		assert_eq!(Rewarded::get(), [42, 43]);
		assert_eq!(Stakes::get(operator(A, 1)), Some(500));
	});
}

#[test]
fn convicts_are_forgotten_with_their_committee() {
	new_test_ext().execute_with(|| {
		report(
			&evidence(votes(notarize(1), &[1]), votes(notarize(2), &[1])),
			None,
		);
		Misconduct::forget(A, EPOCH - 1);
		assert!(Misconduct::is_convicted(A, EPOCH, 1));
		Misconduct::forget(A, EPOCH);
		assert_eq!(Convicted::<Test>::iter().count(), 0);
	});
}

#[test]
fn weights_have_room_for_each_culprit() {
	let weights = |evidence: &Evidence| {
		let info = call(evidence, None).get_dispatch_info();
		(info.call_weight, call(evidence, None).weight_of_authorize())
	};
	let each = |culprits: u64, headers: u64| Weight::from_parts(18 * culprits + 13 * headers, 0);
	let fork = evidence(votes(finalize(1), &[0, 2, 3]), votes(finalize(2), &[0, 2]));
	let (report, authorize) = weights(&fork);
	assert_eq!(report, <() as WeightInfo>::report(8, 2) + each(2, 0));
	assert_eq!(
		authorize,
		<() as WeightInfo>::authorize_report(8, 2) + Weight::from_parts(14, 0)
	);
	let traffic = certified(&[round(EPOCH, 6), round(EPOCH, 7)], &[0, 1, 3]);
	let (report, authorize) = weights(&traffic);
	assert_eq!(report, <() as WeightInfo>::report(8, 3) + each(3, 2));
	assert_eq!(
		authorize,
		<() as WeightInfo>::authorize_report(8, 3) + Weight::from_parts(21 + 26, 0)
	);
}
