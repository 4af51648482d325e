use super::*;
use crate::{
	committees::{CommitteeSource, VerifyError},
	mock::*,
	scheme::{self, from_finalization, from_notarization},
};
use asterism_primitives::{
	certificate::Round,
	committee::{Committee, Epoch},
	Hash,
};
use codec::Encode;
use polkadot_sdk::sp_runtime::DigestItem;

/// The committee of epoch 0 and no other; that of epoch 2 has a key that is no point.
struct OnRecord;

impl CommitteeSource for OnRecord {
	fn committee(&self, epoch: Epoch) -> Option<Committee> {
		match epoch {
			0 => Some(committee(0)),
			2 => {
				let mut members = committee(2).members().to_vec();
				members[0].key.0 = [0xff; 96];
				Some(Committee::new(2, members).unwrap())
			}
			_ => None,
		}
	}

	fn epoch(&self) -> Option<Epoch> {
		Some(0)
	}
}

fn certifier() -> Certifier {
	Certifier::new(REALM, Arc::new(OnRecord))
}

fn header(number: BlockNumber, rounds: &[Round]) -> Header {
	let mut header = Header::new(
		number,
		Hash::zero(),
		Hash::zero(),
		Hash::zero(),
		Default::default(),
	);
	header.digest.logs = rounds.iter().map(|round| digest::round_item(*round)).collect();
	header
}

/// Both certificates of a block in a round, by all members.
fn certified(block: Hash, round: Round) -> [Certificate; 2] {
	let by = signers(REALM, &committee(round.epoch), &NAMES);
	let proposal = proposal(round.epoch, round.view, block);
	[
		from_finalization(&finalization(&by, proposal.clone())).unwrap(),
		from_notarization(&notarization(&by, proposal)).unwrap(),
	]
}

fn justified(certificate: &Certificate) -> Option<Justifications> {
	Some((ENGINE_ID, certificate.encode()).into())
}

const ROUND: Round = Round { epoch: 0, view: 5 };

#[test]
fn a_certified_block_says_how_it_is_certified() {
	let header = header(3, &[ROUND]);
	let [final_one, notarized] = certified(header.hash(), ROUND);
	let check =
		|justifications: Option<Justifications>| check(&certifier(), &header, justifications.as_ref(), 0);
	assert_eq!(
		check(justified(&final_one)),
		Ok(Some(CertificateKind::Finalization))
	);
	assert_eq!(
		check(justified(&notarized)),
		Ok(Some(CertificateKind::Notarization))
	);
	assert_eq!(check(None), Ok(None));
	// Another engine's justification is none.
	assert_eq!(check(Some((*b"FRNK", vec![1, 2, 3]).into())), Ok(None));
}

#[test]
fn bad_blocks_are_refused_and_told_why() {
	let good = header(3, &[ROUND]);
	let [of_good, notarized] = certified(good.hash(), ROUND);
	let of = |change: &dyn Fn(&mut Certificate)| {
		let mut certificate = of_good.clone();
		change(&mut certificate);
		justified(&certificate)
	};
	let bytes = |bytes: Vec<u8>| -> Option<Justifications> { Some((ENGINE_ID, bytes).into()) };
	let unverified = |error| Err(ImportError::Unverified(error));
	let bad_signature = unverified(VerifyError::Certificate(CertificateError::BadSignature));

	let other_round = Round { epoch: 0, view: 6 };
	let unknown = header(3, &[Round { epoch: 1, view: 5 }]);
	let bad_key = header(3, &[Round { epoch: 2, view: 5 }]);
	let named = |header: &Header, round| {
		let mut certificate = of_good.clone();
		(certificate.block_hash, certificate.round) = (header.hash(), round);
		justified(&certificate)
	};
	let late = header(3, &[other_round]);
	let mut two_items = good.clone();
	two_items.digest.push(DigestItem::PreRuntime(ENGINE_ID, vec![]));
	let mut malformed_round = good.clone();
	malformed_round.digest.logs = vec![DigestItem::PreRuntime(ENGINE_ID, vec![1, 2])];

	type Verdict = Result<Option<CertificateKind>, ImportError>;
	let cases: Vec<(&str, Header, Option<Justifications>, Verdict)> = vec![
		("no round", header(3, &[]), None, Err(ImportError::NoRound)),
		(
			"two rounds",
			header(3, &[ROUND, ROUND]),
			None,
			Err(ImportError::NoRound),
		),
		("two items", two_items, None, Err(ImportError::NoRound)),
		(
			"malformed round",
			malformed_round,
			None,
			Err(ImportError::NoRound),
		),
		(
			"no round, certified",
			header(3, &[]),
			justified(&of_good),
			Err(ImportError::NoRound),
		),
		("empty", good.clone(), bytes(vec![]), Err(ImportError::Malformed)),
		(
			"trailing",
			good.clone(),
			bytes([of_good.encode(), vec![0]].concat()),
			Err(ImportError::Malformed),
		),
		(
			"cut",
			good.clone(),
			bytes(of_good.encode()[..100].to_vec()),
			Err(ImportError::Malformed),
		),
		(
			"large",
			good.clone(),
			bytes(vec![0xff; 1 << 20]),
			Err(ImportError::Malformed),
		),
		(
			"another block's",
			header(4, &[ROUND]),
			justified(&of_good),
			Err(ImportError::Certificate(CertificateError::WrongBlock)),
		),
		(
			"round",
			good.clone(),
			of(&|c| c.round = other_round),
			Err(ImportError::WrongRound),
		),
		(
			"a later round's",
			late.clone(),
			named(&late, ROUND),
			Err(ImportError::WrongRound),
		),
		(
			"forged for its round",
			late.clone(),
			named(&late, other_round),
			bad_signature.clone(),
		),
		(
			"signature",
			good.clone(),
			of(&|c| c.signature.0[5] ^= 1),
			bad_signature.clone(),
		),
		(
			"kind",
			good.clone(),
			of(&|c| c.kind = CertificateKind::Notarization),
			bad_signature.clone(),
		),
		(
			"signers",
			good.clone(),
			of(&|c| c.signers = Certificate::bitmap(4, [0, 1]).unwrap()),
			unverified(VerifyError::Certificate(CertificateError::NoQuorum {
				needed: 3,
				signed: 2,
			})),
		),
		(
			"no committee",
			unknown.clone(),
			named(&unknown, Round { epoch: 1, view: 5 }),
			unverified(VerifyError::UnknownCommittee(1)),
		),
		(
			"bad key",
			bad_key.clone(),
			named(&bad_key, Round { epoch: 2, view: 5 }),
			unverified(VerifyError::BadKey(scheme::BadKey {
				epoch: 2,
				member: committee(2).members()[0].id,
			})),
		),
	];
	for (name, header, justifications, expected) in cases {
		assert_eq!(
			check(&certifier(), &header, justifications.as_ref(), 0),
			expected,
			"{name}"
		);
	}
	assert!(check(&certifier(), &good, justified(&notarized).as_ref(), 0).is_ok());
}

#[test]
fn uncertified_blocks_are_taken_only_shortly_above_the_final_one() {
	let at = |number, finalized| check(&certifier(), &header(number, &[ROUND]), None, finalized);
	let far = |number, finalized| Err(ImportError::Uncertified { number, finalized });
	assert_eq!(at(MAX_UNCERTIFIED, 0), Ok(None));
	assert_eq!(at(MAX_UNCERTIFIED + 1, 0), far(MAX_UNCERTIFIED + 1, 0));
	assert_eq!(at(MAX_UNCERTIFIED + 1, 1), Ok(None));
	assert_eq!(at(1, 1_000), Ok(None));
	assert_eq!(at(u32::MAX, 0), far(u32::MAX, 0));
	// A certificate lifts the limit.
	let header = header(u32::MAX, &[ROUND]);
	let [final_one, _] = certified(header.hash(), ROUND);
	let result = check(&certifier(), &header, justified(&final_one).as_ref(), 0);
	assert_eq!(result, Ok(Some(CertificateKind::Finalization)));
}

#[test]
fn verifiers_are_held_for_a_few_epochs() {
	struct All;
	impl CommitteeSource for All {
		fn committee(&self, epoch: Epoch) -> Option<Committee> {
			Some(committee(epoch))
		}
		fn epoch(&self) -> Option<Epoch> {
			None
		}
	}
	let certifier = Certifier::new(REALM, Arc::new(All));
	let by = signers(REALM, &committee(0), &NAMES);
	for epoch in (0..20).chain(0..2) {
		let signed = from_finalization(&finalization(&by, proposal(epoch, 1, Hash::zero()))).unwrap();
		assert_eq!(certifier.verify(&signed), Ok(()));
		assert!(certifier.held() <= Certifier::HELD);
	}
}
