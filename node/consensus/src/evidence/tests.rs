use super::*;
use crate::mock::*;
use asterism_primitives::{
	certificate::{CertificateKind, Realm},
	committee::BlsSignature,
	digest::round_item,
	ChainId, Hash, OpaqueBlock,
};
use commonware_consensus::{
	simplex::types::{
		Activity, ConflictingFinalize, ConflictingNotarize, Finalize, Notarize, Nullify, NullifyFinalize,
	},
	types::{Epoch, Round as EngineRound, View},
};
use polkadot_sdk::{
	sc_client_api::in_mem,
	sp_runtime::{generic, DigestItem},
};

/// Auxiliary storage in memory.
pub(crate) type Memory = in_mem::Blockchain<OpaqueBlock>;

/// The three contradictions of a signer in a view.
fn contradictions(by: &Scheme, view: u64) -> [Activity<Scheme, Digest>; 3] {
	let block = |byte| proposal(0, view, Hash::repeat_byte(byte));
	let notarize = |byte| Notarize::sign(by, block(byte)).unwrap();
	let finalize = |byte| Finalize::sign(by, block(byte)).unwrap();
	let nullify = Nullify::sign::<Digest>(by, EngineRound::new(Epoch::zero(), View::new(view))).unwrap();
	[
		Activity::ConflictingNotarize(ConflictingNotarize::new(notarize(1), notarize(2))),
		Activity::ConflictingFinalize(ConflictingFinalize::new(finalize(1), finalize(2))),
		Activity::NullifyFinalize(NullifyFinalize::new(nullify, finalize(1))),
	]
}

#[test]
fn evidence_is_kept_once_and_over_a_restart() {
	let aux = Arc::new(Memory::default());
	let committee = committee(0);
	let by = signers(REALM, &committee, &NAMES);
	let store = EvidenceStore::new(aux.clone());
	for _ in 0..2 {
		for activity in contradictions(&by[2], 5) {
			store.add(&activity, &by[0], &committee);
		}
	}
	let kept = store.all();
	let kinds = [
		Contradiction::ConflictingNotarize,
		Contradiction::ConflictingFinalize,
		Contradiction::NullifyFinalize,
	];
	assert_eq!(kept.iter().map(|e| e.contradiction).collect::<Vec<_>>(), kinds);
	assert!(kept.iter().all(|e| e.member == committee.members()[2].id));
	assert!(kept.iter().all(|e| e.round == Round { epoch: 0, view: 5 }));
	assert_eq!(EvidenceStore::new(aux).all(), kept);
	assert_eq!(store.found.get(), 3);
}

#[test]
fn forged_evidence_and_single_votes_are_not_kept() {
	let committee = committee(0);
	let by = signers(REALM, &committee, &NAMES);
	let store = EvidenceStore::new(Arc::new(Memory::default()));
	// Signed for another chain: proves nothing here.
	let elsewhere = signers(
		Realm {
			chain: ChainId(2),
			..REALM
		},
		&committee,
		&NAMES,
	);
	for activity in contradictions(&elsewhere[2], 5) {
		store.add(&activity, &by[0], &committee);
	}
	let vote = Notarize::sign(&by[1], proposal(0, 5, Hash::zero())).unwrap();
	store.add(&Activity::Notarize(vote), &by[0], &committee);
	assert!(store.all().is_empty());
	assert_eq!(store.found.get(), 0);
}

#[test]
fn evidence_is_bounded_and_unreadable_evidence_is_dropped() {
	let aux = Arc::new(Memory::default());
	let committee = committee(0);
	let by = signers(REALM, &committee, &NAMES);
	aux.insert_aux(&[(KEY, &[0xff; 7][..])], &[]).unwrap();
	let store = EvidenceStore::new(aux);
	assert!(store.all().is_empty());

	// Nobody crowds out the evidence against others.
	for view in 1..10 {
		for activity in contradictions(&by[0], view) {
			store.add(&activity, &by[0], &committee);
		}
	}
	assert_eq!(store.all().len(), MAX_OF_MEMBER);
	assert_eq!(store.all()[0].round.view, 1);
	store.add(&contradictions(&by[1], 9)[0], &by[0], &committee);
	assert_eq!(store.all().len(), MAX_OF_MEMBER + 1);
	assert_eq!(store.found.get(), MAX_OF_MEMBER as u64 + 1);

	// When all places are taken, the oldest epochs make room for newer ones, and not the other way round.
	let piece = |epoch, i: u32| {
		let mut one = store.all()[0].clone();
		one.round.epoch = epoch;
		one.member.0[..4].copy_from_slice(&i.to_le_bytes());
		one
	};
	let mut kept: Vec<_> = (0..MAX_EVIDENCE as u32)
		.map(|i| piece(1 + u64::from(i % 2), i))
		.collect();
	let full = kept.clone();
	assert!(!make_room(&mut kept, &piece(1, u32::MAX)) && kept == full);
	assert!(make_room(&mut kept, &piece(2, u32::MAX)));
	assert_eq!(kept.len(), MAX_EVIDENCE / 2);
	assert!(kept.iter().all(|piece| piece.round.epoch == 2));
}

/// A pair of certificates of an epoch, signed by these members.
fn pair(epoch: u64, first: &[u32], second: &[u32]) -> ConflictingCertificates {
	let certificate = |block, signers: &[u32]| Certificate {
		kind: CertificateKind::Finalization,
		round: Round { epoch, view: 5 },
		parent_view: 4,
		block_hash: Hash::repeat_byte(block),
		signers: Certificate::bitmap(MAX_MEMBERS, signers.iter().copied()).unwrap(),
		signature: BlsSignature([block; 48]),
	};
	ConflictingCertificates::new(certificate(1, first), certificate(2, second)).unwrap()
}

#[test]
fn pairs_of_certificates_are_kept_once_and_over_a_restart() {
	let aux = Arc::new(Memory::default());
	let store = EvidenceStore::new(aux.clone());
	assert!(store.add_certificates(pair(1, &[0, 1, 2], &[1, 2, 3])));
	assert!(!store.add_certificates(pair(1, &[0, 1, 2], &[1, 2, 3])));
	assert!(!store.add_certificates(pair(1, &[2, 9], &[2, 8])), "nobody new");
	assert!(store.add_certificates(pair(1, &[2, 9], &[2, 9])));
	assert!(store.add_certificates(pair(2, &[2], &[2])), "of another epoch");
	let kept = store.certificates();
	assert_eq!(EvidenceStore::new(aux).certificates(), kept);
	assert_eq!(store.found.get(), 3);
	// Votes come first, and each piece says what it is.
	let encoded = store.encoded();
	assert_eq!(encoded.len(), 3);
	for (piece, pair) in encoded.iter().zip(&kept) {
		assert_eq!(piece[0], CERTIFICATES);
		let decoded = <(Certificate, Certificate)>::decode(&mut &piece[1..]).unwrap();
		assert_eq!(&ConflictingCertificates::new(decoded.1, decoded.0).unwrap(), pair);
	}
	assert_eq!(Contradiction::NullifyFinalize.encode(), [CERTIFICATES - 1]);
}

#[test]
fn pairs_of_certificates_are_bounded() {
	let store = EvidenceStore::new(Arc::new(Memory::default()));
	let of = |epoch, member: u32| pair(epoch, &[member], &[member]);
	for epoch in [5, 7] {
		for member in 0..MAX_MEMBERS / 2 {
			assert!(store.add_certificates(of(epoch, member)));
		}
	}
	assert_eq!(store.certificates().len(), MAX_CERTIFICATES);
	// An older epoch's makes no room, a newer one's does.
	for epoch in [4, 5] {
		assert!(!store.add_certificates(of(epoch, MAX_MEMBERS - 1)));
	}
	assert!(store.add_certificates(of(7, MAX_MEMBERS - 1)));
	let kept = store.certificates();
	assert_eq!(kept.len(), MAX_CERTIFICATES / 2 + 1);
	assert!(kept.iter().all(|pair| pair.round().epoch == 7));
}

#[test]
fn only_certificates_that_contradict_each_other_are_a_pair() {
	let (a, b) = (pair(1, &[0, 1], &[1, 2]).first, pair(1, &[0, 1], &[1, 2]).second);
	let pair = |change: &dyn Fn(&mut Certificate)| {
		let mut b = b.clone();
		change(&mut b);
		ConflictingCertificates::new(a.clone(), b)
	};
	let good = pair(&|_| {}).unwrap();
	assert_eq!(good.culprits(), [1]);
	assert_eq!(ConflictingCertificates::new(b.clone(), a.clone()), Some(good));
	assert_eq!(ConflictingCertificates::new(a.clone(), a.clone()), None);
	// The view of the parent is part of what is signed.
	assert!(pair(&|b| (b.block_hash, b.parent_view) = (a.block_hash, 3)).is_some());
	let nothing: [&dyn Fn(&mut Certificate); 6] = [
		&|b| b.block_hash = a.block_hash,
		&|b| b.round.view += 1,
		&|b| b.round.epoch += 1,
		&|b| b.kind = CertificateKind::Notarization,
		&|b| b.signers = Certificate::bitmap(MAX_MEMBERS, [2, 3]).unwrap(),
		&|b| b.signers = Certificate::bitmap(8, [1]).unwrap(),
	];
	for change in nothing {
		assert_eq!(pair(change), None);
	}
}

/// A block of an epoch, proposed in view 5, with a certificate of that view.
fn refused(epoch: u64, number: u32) -> (Header, Certificate) {
	let round = Round { epoch, view: 5 };
	let header = Header {
		parent_hash: Hash::repeat_byte(3),
		number,
		state_root: Hash::zero(),
		extrinsics_root: Hash::zero(),
		digest: generic::Digest {
			logs: vec![round_item(round)],
		},
	};
	let certificate = Certificate {
		kind: CertificateKind::Finalization,
		round,
		parent_view: 4,
		block_hash: header.hash(),
		signers: Certificate::bitmap(4, [0, 1, 2]).unwrap(),
		signature: BlsSignature([7; 48]),
	};
	(header, certificate)
}

fn refused_block(epoch: u64, number: u32) -> RefusedBlock {
	let (header, certificate) = refused(epoch, number);
	RefusedBlock::new(header, certificate).unwrap()
}

#[test]
fn refused_blocks_are_kept_once_and_over_a_restart() {
	let aux = Arc::new(Memory::default());
	let store = EvidenceStore::new(aux.clone());
	assert!(store.add_certificates(pair(1, &[0, 1, 2], &[1, 2, 3])));
	assert!(store.add_refused(refused_block(1, 7)));
	assert!(!store.add_refused(refused_block(1, 7)));
	// Nor with another certificate.
	let (header, mut certificate) = refused(1, 7);
	certificate.signature.0[0] ^= 1;
	assert!(!store.add_refused(RefusedBlock::new(header, certificate).unwrap()));
	assert!(store.add_refused(refused_block(1, 8)));
	let kept = store.refused();
	assert_eq!(kept, [refused_block(1, 7), refused_block(1, 8)]);
	assert_eq!(store.found.get(), 3);
	// What was found before a restart is not found again.
	let again = EvidenceStore::new(aux);
	assert_eq!(again.refused(), kept);
	assert!(!again.add_refused(refused_block(1, 8)));
	assert_eq!(again.found.get(), 0);
	// They come after the certificates, and say what they are.
	let encoded = store.encoded();
	assert_eq!(
		encoded.iter().map(|piece| piece[0]).collect::<Vec<_>>(),
		[CERTIFICATES, REFUSED, REFUSED]
	);
	for (piece, block) in encoded[1..].iter().zip(&kept) {
		let (header, certificate) = <(Header, Certificate)>::decode(&mut &piece[1..]).unwrap();
		assert_eq!((&header, &certificate), (block.header(), block.certificate()));
	}
}

#[test]
fn refused_blocks_are_bounded() {
	let store = EvidenceStore::new(Arc::new(Memory::default()));
	let all = MAX_REFUSED as u32;
	for number in 0..all {
		assert!(store.add_refused(refused_block(5 + 2 * u64::from(number % 2), number)));
	}
	// An older epoch's makes no room, a newer one's does.
	for epoch in [4, 5] {
		assert!(!store.add_refused(refused_block(epoch, all)));
	}
	assert!(store.add_refused(refused_block(7, all)));
	let kept = store.refused();
	assert_eq!(kept.len(), MAX_REFUSED / 2 + 1);
	assert!(kept.iter().all(|block| block.round().epoch == 7));
	assert_eq!(store.found.get(), MAX_REFUSED as u64 + 1);
	// Unreadable ones are dropped.
	let aux = Arc::new(Memory::default());
	aux.insert_aux(&[(REFUSED_KEY, &[0xff; 7][..])], &[]).unwrap();
	assert!(EvidenceStore::new(aux).refused().is_empty());
}

#[test]
fn only_a_certificate_that_makes_the_very_block_final_is_held_against_its_signers() {
	type Change = dyn Fn(&mut Header, &mut Certificate);
	let block = |change: &Change| {
		let (mut header, mut certificate) = refused(1, 7);
		change(&mut header, &mut certificate);
		RefusedBlock::new(header, certificate)
	};
	assert!(block(&|_, _| {}).is_some());
	let nothing: [&Change; 6] = [
		&|_, c| c.kind = CertificateKind::Notarization,
		&|_, c| c.block_hash = Hash::repeat_byte(9),
		&|h, _| h.state_root = Hash::repeat_byte(9),
		&|_, c| c.round.epoch = 2,
		&|h, c| {
			h.digest = generic::Digest::default();
			c.block_hash = h.hash();
		},
		&|h, c| {
			h.digest.push(DigestItem::Other(vec![0; MAX_HEADER_BYTES]));
			c.block_hash = h.hash();
		},
	];
	for change in nothing {
		assert_eq!(block(change), None);
	}
}

#[test]
fn the_metric_counts_what_is_found() {
	let registry = Registry::new();
	let store = EvidenceStore::new(Arc::new(Memory::default()));
	store.register(&registry).unwrap();
	assert!(store.register(&registry).is_err(), "it is there already");
	store.add_refused(refused_block(1, 7));
	store.add_certificates(pair(1, &[0, 1, 2], &[1, 2, 3]));
	let families = registry.gather();
	assert_eq!(families[0].get_name(), "asterism_consensus_evidence");
	assert_eq!(families[0].get_metric()[0].get_counter().get_value(), 2.0);
}
