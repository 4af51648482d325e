//! Evidence that proves nothing is refused with an error of its own, in the pool and at dispatch, and changes nothing.

use super::*;
use asterism_primitives::committee::BLS_SIGNATURE_LEN;
use codec::DecodeAll;
use polkadot_sdk::sp_runtime::DigestItem;
use proptest::prelude::*;

type Refusal = Error<Test>;

#[track_caller]
fn refused(evidence: &Evidence, error: Refusal) {
	let before = state();
	let expected: TransactionValidityError = match error {
		// Not wrong, but early.
		Refusal::NotBegun => UnknownTransaction::Custom(22).into(),
		_ => InvalidTransaction::Custom(error.code()).into(),
	};
	assert_eq!(pool(evidence), Err(expected), "expected {error:?}");
	// Signatures are verified before a dispatch, and not again.
	if error.code() != Refusal::BadSignature.code() {
		assert_eq!(dispatch(evidence, Some(42)), Err(error.into()));
	}
	assert_eq!(state(), before);
	assert!(System::events().is_empty());
}

#[test]
fn codes_are_unique() {
	let errors = [
		Refusal::UnknownChain,
		Refusal::NoCommittee,
		Refusal::TooOld,
		Refusal::OtherEpoch,
		Refusal::OtherView,
		Refusal::SameVote,
		Refusal::Compatible,
		Refusal::BadSigners,
		Refusal::NoCulprit,
		Refusal::AlreadyPunished,
		Refusal::NoOperator,
		Refusal::BadSignature,
		Refusal::NoHeaders,
		Refusal::HeaderTooLarge,
		Refusal::WrongKind,
		Refusal::WrongBlock,
		Refusal::WrongParent,
		Refusal::RoundOfOtherEpoch,
		Refusal::NoQuorum,
		Refusal::Consistent,
		Refusal::NotNext,
		Refusal::NotBegun,
	];
	for (code, error) in (1..).zip(errors) {
		assert_eq!(error.code(), code);
	}
}

#[test]
fn votes_that_an_honest_member_gives() {
	new_test_ext().execute_with(|| {
		let both = |a, b| evidence(votes(a, &[1]), votes(b, &[1]));
		for vote in [notarize(1), finalize(1), Vote::Nullify] {
			refused(&both(vote, vote), Refusal::SameVote);
		}
		for (a, b) in [
			(notarize(1), finalize(1)),
			// It voted for one block, and saw that another is notarized.
			(notarize(1), finalize(2)),
			(notarize(1), Vote::Nullify),
			(Vote::Nullify, notarize(1)),
		] {
			refused(&both(a, b), Refusal::Compatible);
		}
	});
}

#[test]
fn votes_of_different_rounds() {
	new_test_ext().execute_with(|| {
		let of = |round, vote| votes_at(round, vote, &[1]);
		let at = round(EPOCH, 7);
		refused(
			&evidence(of(at, finalize(1)), of(round(EPOCH, 8), finalize(2))),
			Refusal::OtherView,
		);
		refused(
			&evidence(of(at, notarize(1)), of(round(4, 7), notarize(2))),
			Refusal::OtherEpoch,
		);
		// The epoch's last block, proposed again upon itself in a later view.
		let again = Proposal {
			parent_view: 7,
			..proposal(1)
		};
		for (first, second) in [
			(notarize(1), Vote::Notarize(again)),
			(finalize(1), Vote::Finalize(again)),
			(notarize(1), Vote::Finalize(again)),
		] {
			refused(
				&evidence(of(at, first), of(round(EPOCH, 8), second)),
				Refusal::OtherView,
			);
		}
	});
}

/// Two blocks of one height, final in two views: the signers of both certificates may be honest.
#[test]
fn certificates_of_two_views_for_one_height() {
	new_test_ext().execute_with(|| {
		let of = |view, block| votes_at(round(EPOCH, view), finalize(block), &[0, 1, 2]);
		refused(&evidence(of(7, 1), of(9, 2)), Refusal::OtherView);
	});
}

#[test]
fn of_another_chain_epoch_or_genesis() {
	new_test_ext().execute_with(|| {
		let good = evidence(votes(notarize(1), &[1]), votes(notarize(2), &[1]));
		let on = |chain| Evidence {
			chain,
			..good.clone()
		};
		refused(&on(ChainId(9)), Refusal::UnknownChain);
		// B's and the root chain's members are others, and sign under another namespace.
		refused(&on(B), Refusal::BadSignature);
		refused(&on(ChainId::ROOT), Refusal::BadSignature);
		// A's own members, with the right keys, but for other chains.
		for other in [
			realm(B),
			Realm {
				genesis: Hash::repeat_byte(77),
				..realm(A)
			},
		] {
			let of = |vote: Vote| Votes {
				signature: signature(A, &[1], &vote.signed_bytes(other, round(EPOCH, 7))),
				..votes(vote, &[1])
			};
			refused(&evidence(of(notarize(1)), of(notarize(2))), Refusal::BadSignature);
			// One of the two is enough to make it worthless.
			refused(
				&evidence(votes(notarize(1), &[1]), of(notarize(2))),
				Refusal::BadSignature,
			);
		}
		// Signed in one epoch, said to be of another.
		let moved = |mut votes: Votes| {
			votes.round.epoch = 4;
			votes
		};
		refused(
			&evidence(moved(votes(notarize(1), &[1])), moved(votes(notarize(2), &[1]))),
			Refusal::BadSignature,
		);
	});
}

#[test]
fn too_old_or_too_early() {
	new_test_ext().execute_with(|| {
		for (epoch, error) in [
			(0, Refusal::TooOld),
			(2, Refusal::TooOld),
			(3, Refusal::TooOld),
			(EPOCH + 1, Refusal::NotBegun),
			(Epoch::MAX, Refusal::NotBegun),
		] {
			let of = |vote| votes_at(round(epoch, 7), vote, &[1]);
			refused(&evidence(of(notarize(1)), of(notarize(2))), error);
			let error = match epoch {
				0..=3 => Refusal::TooOld,
				_ => Refusal::NotBegun,
			};
			refused(&certified(&[round(epoch, 7)], &[0, 1, 2]), error);
		}
	});
}

#[test]
fn against_others_than_the_committee() {
	new_test_ext().execute_with(|| {
		let good = |signers| votes(notarize(1), signers);
		let with = |bitmap: &[u8]| Votes {
			signers: bitmap.to_vec().try_into().unwrap(),
			..votes(notarize(2), &[1])
		};
		for bitmap in [&[0b1_0000][..], &[0b10, 0], &[0], &[]] {
			refused(&evidence(good(&[1]), with(bitmap)), Refusal::BadSigners);
			refused(&evidence(with(bitmap), good(&[1])), Refusal::BadSigners);
		}
		refused(
			&evidence(good(&[0, 1]), votes(notarize(2), &[2, 3])),
			Refusal::NoCulprit,
		);
		// Naming somebody else doesn't make it a culprit.
		refused(&evidence(good(&[0, 1]), with(&[0b1])), Refusal::BadSignature);
		refused(&evidence(good(&[0, 1]), with(&[0b11])), Refusal::BadSignature);
		// Nobody's stake answers for the last member.
		refused(
			&evidence(good(&[3]), votes(notarize(2), &[3])),
			Refusal::NoOperator,
		);
		report(&evidence(good(&[1]), votes(notarize(2), &[1])), None);
		System::reset_events();
		// In whichever view.
		let later = |vote| votes_at(round(EPOCH, 8), vote, &[1]);
		refused(
			&evidence(later(notarize(1)), later(notarize(2))),
			Refusal::AlreadyPunished,
		);
	});
}

#[test]
fn with_a_bad_signature() {
	new_test_ext().execute_with(|| {
		let good = votes(notarize(1), &[1]);
		for bad in [
			[0; BLS_SIGNATURE_LEN],
			[0xff; BLS_SIGNATURE_LEN],
			good.signature.0,
			{
				// The identity, compressed.
				let mut identity = [0; BLS_SIGNATURE_LEN];
				identity[0] = 0xc0;
				identity
			},
		] {
			let bad = Votes {
				signature: BlsSignature(bad),
				..votes(notarize(2), &[1])
			};
			refused(&evidence(good.clone(), bad.clone()), Refusal::BadSignature);
			refused(&evidence(bad, good.clone()), Refusal::BadSignature);
		}
	});
}

#[test]
fn a_checkpoint_that_is_none() {
	new_test_ext().execute_with(|| {
		let rounds = [round(EPOCH, 6), round(EPOCH, 7)];
		let run = headers(&rounds);
		let last = run[1].hash();
		let finalization = |signers| certificate(CertificateKind::Finalization, last, EPOCH, signers);
		let good = finalization(&[0, 1, 2]);
		let with = |certificate| checkpoint(run.clone(), certificate);
		pool(&with(good.clone())).unwrap();

		refused(&checkpoint(vec![], good.clone()), Refusal::NoHeaders);
		refused(
			&checkpoint(vec![run[0].clone()], good.clone()),
			Refusal::WrongBlock,
		);
		let stranger = headers(&[round(EPOCH, 5)]).remove(0);
		refused(
			&checkpoint(vec![stranger, run[1].clone()], good.clone()),
			Refusal::WrongParent,
		);
		let notarization = certificate(CertificateKind::Notarization, last, EPOCH, &[0, 1, 2]);
		refused(&with(notarization), Refusal::WrongKind);
		refused(&with(finalization(&[0, 1])), Refusal::NoQuorum);
		let forged = Certificate {
			signers: good.signers.clone(),
			..finalization(&[0, 1])
		};
		refused(&with(forged), Refusal::BadSignature);
		let beyond = Certificate {
			signers: vec![0b1_0011].try_into().unwrap(),
			..good.clone()
		};
		refused(&with(beyond), Refusal::BadSigners);
		// The certificate of A's members over that block on B.
		let elsewhere = Certificate {
			signature: signature(A, &[0, 1, 2], &good.signed_bytes(realm(B))),
			..good.clone()
		};
		refused(&with(elsewhere), Refusal::BadSignature);

		let mut large = run.clone();
		large[1].digest.push(DigestItem::Other(vec![0; MAX_HEADER_BYTES]));
		refused(&checkpoint(large, good.clone()), Refusal::HeaderTooLarge);
		// The header before is of the epoch before: this committee doesn't answer for it.
		let over = headers(&[round(EPOCH - 1, 6), round(EPOCH, 7)]);
		let certificate = certificate(CertificateKind::Finalization, over[1].hash(), EPOCH, &[0, 1, 2]);
		refused(&checkpoint(over, certificate), Refusal::RoundOfOtherEpoch);
		// The root chain has no traffic.
		let root = Evidence {
			chain: ChainId::ROOT,
			..with(good.clone())
		};
		refused(&root, Refusal::UnknownChain);

		for (verdict, error) in [(1, Refusal::Consistent), (2, Refusal::NotNext)] {
			Verdict::put(verdict);
			refused(&with(good.clone()), error);
		}
	});
}

/// Good evidence of either kind.
fn samples() -> Vec<Evidence> {
	vec![
		evidence(votes(notarize(1), &[1]), votes(notarize(2), &[1])),
		evidence(votes(finalize(1), &[0, 1, 2]), votes(Vote::Nullify, &[1, 2, 3])),
		certified(&[round(EPOCH, 6), round(EPOCH, 7)], &[0, 1, 2]),
	]
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(256))]

	/// However evidence is changed: it is refused, and then nothing changes; or it convicts nobody but whom the original
	/// convicts. (Its signatures can't be changed, but votes that it doesn't need may be left out or swapped.)
	#[test]
	fn changed_evidence_convicts_nobody_else(
		sample in 0usize..3,
		changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
	) {
		new_test_ext().execute_with(|| {
			let good = &samples()[sample];
			let mut bytes = good.encode();
			for (at, change) in changes {
				let at = at.index(bytes.len());
				bytes[at] ^= change;
			}
			let Ok(changed) = Evidence::decode_all(&mut &bytes[..]) else {
				return;
			};
			let before = state();
			match Misconduct::verify(&changed) {
				Err(error) => {
					let expected = Err(error.validity());
					assert_eq!(pool(&changed), expected);
				},
				Ok(()) => {
					assert_eq!(pool(&changed), pool(good));
					assert_eq!(&changed, good, "every byte of evidence counts");
				},
			}
			assert_eq!(state(), before);
		});
	}
}
