use super::*;
use crate::mock::{self, committee, committee_of, notarization, proposal, signers, NAMES, REALM};
use asterism_primitives::{certificate::VerifyAggregate, ChainId};
use blst::{min_sig, BLST_ERROR};
use commonware_consensus::simplex::types::{Finalize, Notarize};

/// Verification by plain blst: nothing of the engine's own code.
struct Blst;

impl VerifyAggregate for Blst {
	fn verify_aggregate<'a>(
		keys: impl Iterator<Item = &'a BlsPublic>,
		message: &[u8],
		signature: &BlsSignature,
	) -> bool {
		let Ok(signature) = min_sig::Signature::from_bytes(&signature.0) else {
			return false;
		};
		let keys: Result<Vec<_>, _> = keys.map(|key| min_sig::PublicKey::from_bytes(&key.0)).collect();
		let Ok(keys) = keys else { return false };
		let keys: Vec<_> = keys.iter().collect();
		let tag = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_";
		signature.fast_aggregate_verify(true, message, tag, &keys) == BLST_ERROR::BLST_SUCCESS
	}
}

const BLOCK: Hash = Hash::repeat_byte(5);

/// Certificates of both kinds by members 0, 1 and 3 of the committee of epoch 7, in view 300.
fn certificates() -> (Committee, [Certificate; 2]) {
	let committee = committee(7);
	let mut by = signers(REALM, &committee, &NAMES);
	by.remove(2);
	let proposal = proposal(7, 300, BLOCK);
	let both = [
		from_finalization(&mock::finalization(&by, proposal.clone())).unwrap(),
		from_notarization(&notarization(&by, proposal)).unwrap(),
	];
	(committee, both)
}

fn check(committee: &Committee, realm: Realm, certificate: &Certificate) -> Result<(), CertificateError> {
	let by_engine = verify(&verifier(realm, committee).unwrap(), committee, certificate);
	// The runtime's way of verifying must agree with the node's, on everything.
	assert_eq!(certificate.verify::<Blst>(realm, committee), by_engine);
	by_engine
}

#[test]
fn the_engines_certificates_are_the_chains() {
	let (committee, both) = certificates();
	let proposal = proposal(7, 300, BLOCK);
	for certificate in &both {
		assert_eq!(certificate.round, Round { epoch: 7, view: 300 });
		assert_eq!((certificate.parent_view, certificate.block_hash), (299, BLOCK));
		assert_eq!(certificate.signer_indices().collect::<Vec<_>>(), [0, 1, 3]);
		assert_eq!(check(&committee, REALM, certificate), Ok(()));
	}
	assert_eq!(
		both.each_ref().map(|c| c.kind),
		[CertificateKind::Finalization, CertificateKind::Notarization]
	);
	// And back: the engine can start from it.
	let scheme = verifier(REALM, &committee).unwrap();
	let back = finalization(&scheme, &committee, &both[0]).unwrap();
	assert_eq!(back.proposal, proposal);
	assert_eq!(from_finalization(&back).as_ref(), Some(&both[0]));
	assert_eq!(
		finalization(&scheme, &committee, &both[1]).err(),
		Some(CertificateError::WrongKind),
		"a notarization makes nothing final"
	);
}

#[test]
fn signed_bytes_are_what_a_member_signs() {
	let (committee, [final_one, notarized]) = certificates();
	let single = |signature: &[u8], certificate: &Certificate, member: usize| {
		let key = &committee.members()[member].key;
		let signature = BlsSignature::try_from(signature).unwrap();
		Blst::verify_aggregate([key].into_iter(), &certificate.signed_bytes(REALM), &signature)
	};
	for (i, scheme) in signers(REALM, &committee, &NAMES).iter().enumerate() {
		let finalize = Finalize::sign(scheme, proposal(7, 300, BLOCK)).unwrap();
		let notarize = Notarize::sign(scheme, proposal(7, 300, BLOCK)).unwrap();
		let finalize = finalize.attestation.signature.get().unwrap().encode();
		let notarize = notarize.attestation.signature.get().unwrap().encode();
		assert!(single(&finalize, &final_one, i) && single(&notarize, &notarized, i));
		assert!(!single(&finalize, &notarized, i) && !single(&notarize, &final_one, i));
	}
	// Lengths, epochs and views of more than one byte.
	let by = signers(REALM, &committee, &NAMES);
	for (epoch, view) in [(0, 1), (127, 127), (128, 128), (u64::MAX, u64::MAX)] {
		let members = mock::committee(epoch);
		let certificate = from_finalization(&finalization_of(&by, epoch, view)).unwrap();
		assert_eq!(check(&members, REALM, &certificate), Ok(()), "{epoch} {view}");
	}
}

fn finalization_of(by: &[Scheme], epoch: u64, view: u64) -> Finalization<Scheme, Digest> {
	mock::finalization(by, proposal(epoch, view, BLOCK))
}

#[test]
fn certificates_of_something_else_are_refused() {
	let (committee, both) = certificates();
	let bitmap = |size, indices: &[u32]| Certificate::bitmap(size, indices.iter().copied()).unwrap();
	for good in both {
		let changed = |change: &dyn Fn(&mut Certificate)| {
			let mut certificate = good.clone();
			change(&mut certificate);
			assert_ne!(certificate, good);
			check(&committee, REALM, &certificate)
		};
		let bad = Err(CertificateError::BadSignature);

		let too_few = Err(CertificateError::NoQuorum { needed: 3, signed: 2 });
		assert_eq!(
			changed(&|c| c.signers = bitmap(4, &[0, 1])),
			too_few,
			"a signer removed"
		);
		assert_eq!(
			changed(&|c| c.signers = bitmap(4, &[0, 1, 2, 3])),
			bad,
			"a signer added"
		);
		assert_eq!(
			changed(&|c| c.signers = bitmap(4, &[0, 1, 2])),
			bad,
			"a signer exchanged"
		);
		for other in [
			bitmap(9, &[0, 1, 3]),
			bitmap(0, &[]),
			bitmap(8, &[0, 1, 3, 4]),
			bitmap(8, &[0, 1, 3, 7]),
		] {
			assert_eq!(
				changed(&|c| c.signers = other.clone()),
				Err(CertificateError::BadSigners),
				"{other:?}"
			);
		}
		assert_eq!(
			changed(&|c| c.block_hash = Hash::repeat_byte(6)),
			bad,
			"another block"
		);
		assert_eq!(changed(&|c| c.round.view = 301), bad, "another view");
		assert_eq!(changed(&|c| c.parent_view = 298), bad, "another parent");
		let other_kind = |kind| match kind {
			CertificateKind::Finalization => CertificateKind::Notarization,
			CertificateKind::Notarization => CertificateKind::Finalization,
		};
		assert_eq!(changed(&|c| c.kind = other_kind(c.kind)), bad, "another vote");
		let other_epoch = Err(CertificateError::WrongEpoch { expected: 7, got: 8 });
		assert_eq!(changed(&|c| c.round.epoch = 8), other_epoch, "another epoch");
		for at in 0..good.signature.0.len() {
			assert_eq!(
				changed(&|c| c.signature.0[at] ^= 1),
				bad,
				"byte {at} of the signature"
			);
		}
		for filled in [0x00, 0xff, 0xc0] {
			assert_eq!(changed(&|c| c.signature.0 = [filled; 48]), bad, "{filled}");
		}
		// The point at infinity, well encoded.
		let infinity = |c: &mut Certificate| {
			c.signature.0 = [0; 48];
			c.signature.0[0] = 0xc0;
		};
		assert_eq!(changed(&infinity), bad, "the point at infinity");

		for realm in [
			Realm {
				chain: ChainId(2),
				..REALM
			},
			Realm {
				genesis: Hash::repeat_byte(2),
				..REALM
			},
		] {
			assert_eq!(check(&committee, realm, &good), bad, "another chain");
		}
		let of_another_epoch = Err(CertificateError::WrongEpoch { expected: 8, got: 7 });
		assert_eq!(check(&mock::committee(8), REALM, &good), of_another_epoch);
		let others = committee_of(7, &["//Alice", "//Bob", "//Charlie", "//Eve"]);
		assert_eq!(check(&others, REALM, &good), bad, "other members");
	}
}

#[test]
fn keys_that_are_no_points_are_named() {
	let mut members = committee(7).members().to_vec();
	members[2].key = BlsPublic([0xff; 96]);
	let id = members[2].id;
	let committee = Committee::new(7, members).unwrap();
	assert_eq!(
		verifier(REALM, &committee).err(),
		Some(BadKey { epoch: 7, member: id })
	);
}

#[test]
fn who_is_no_member_signs_nothing() {
	let (secret, _) = crate::keys::derive("//Eve", None).unwrap();
	assert!(signer(REALM, &committee(0), secret).unwrap().is_none());
	let verifier = verifier(REALM, &committee(0)).unwrap();
	assert!(Finalize::sign(&verifier, proposal(0, 1, BLOCK)).is_none());
}

#[test]
fn participants_are_in_the_committees_order() {
	let committee = committee(0);
	let participants = participants(&committee).unwrap();
	let ids: Vec<_> = participants.keys().iter().map(MemberId::from).collect();
	assert_eq!(ids, committee.members().iter().map(|m| m.id).collect::<Vec<_>>());
}
