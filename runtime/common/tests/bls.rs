//! Our verification against commonware's: the same verdict on every input, good or bad.

use asterism_primitives::{
	certificate::{Certificate, CertificateError, CertificateKind, Realm, Round, VerifyAggregate},
	committee::{BlsPublic, BlsSignature, Committee, Member, MemberId},
	ChainId, Hash,
};
use asterism_runtime_common::bls::{validate_key, HostBls};
use commonware_codec::{DecodeExt, Encode};
use commonware_consensus::{
	simplex::{
		scheme::bls12381_multisig::Scheme,
		types::{Finalization, Finalize, Notarization, Notarize, Proposal},
	},
	types::{Epoch, Round as SimplexRound, View},
};
use commonware_cryptography::{
	bls12381::primitives::{
		group::{Private, G1, G2},
		ops::{self, aggregate},
		variant::{MinSig, Variant},
	},
	ed25519, sha256, Signer,
};
use commonware_math::algebra::{Additive, CryptoGroup, Random};
use commonware_parallel::Sequential;
use commonware_utils::{ordered::BiMap, TryCollect};
use proptest::prelude::*;
use rand::{rngs::StdRng, SeedableRng};

fn public(key: &G2) -> BlsPublic {
	BlsPublic::try_from(&key.encode()[..]).unwrap()
}

fn signature(point: &G1) -> BlsSignature {
	BlsSignature::try_from(&point.encode()[..]).unwrap()
}

/// commonware's verdict on the same bytes.
fn commonware(keys: &[BlsPublic], message: &[u8], signature: &BlsSignature) -> bool {
	let Ok(keys) = keys
		.iter()
		.map(|key| G2::decode(&key.0[..]))
		.collect::<Result<Vec<_>, _>>()
	else {
		return false;
	};
	let Ok(signature) = G1::decode(&signature.0[..]) else {
		return false;
	};
	let mut sum = G2::zero();
	for key in &keys {
		sum += key;
	}
	!keys.is_empty() && ops::verify::<MinSig>(&sum, MinSig::MESSAGE, message, &signature).is_ok()
}

fn ours(keys: &[BlsPublic], message: &[u8], signature: &BlsSignature) -> bool {
	keys.iter().all(validate_key) && HostBls::verify_aggregate(keys.iter(), message, signature)
}

/// The keys of `n` members and their aggregated signature over a message.
fn sign(n: usize, seed: u64, message: &[u8]) -> (Vec<BlsPublic>, BlsSignature) {
	let mut rng = StdRng::seed_from_u64(seed);
	let (mut keys, mut sum) = (Vec::new(), G1::zero());
	for _ in 0..n {
		let (private, key) = ops::keypair::<_, MinSig>(&mut rng);
		keys.push(public(&key));
		sum += &ops::sign::<MinSig>(&private, MinSig::MESSAGE, message);
	}
	(keys, signature(&sum))
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(24))]

	#[test]
	fn verdicts_are_commonwares(
		n in 1usize..12,
		seed: u64,
		message in proptest::collection::vec(any::<u8>(), 0..200),
		bit in 0usize..48 * 8,
		key_bit in 0usize..96 * 8,
		member in 0usize..12,
	) {
		let (mut keys, good) = sign(n, seed, &message);
		prop_assert!(ours(&keys, &message, &good));
		prop_assert!(commonware(&keys, &message, &good));

		let other = [&message[..], b"!"].concat();
		prop_assert!(!ours(&keys, &other, &good));
		prop_assert!(!commonware(&keys, &other, &good));

		let mut bad = good;
		bad.0[bit / 8] ^= 1 << (bit % 8);
		prop_assert!(!ours(&keys, &message, &bad));
		prop_assert!(!commonware(&keys, &message, &bad));

		let stranger = sign(1, seed.wrapping_add(1), b"").0[0];
		let mine = std::mem::replace(&mut keys[member % n], stranger);
		prop_assert!(!ours(&keys, &message, &good));
		prop_assert!(!commonware(&keys, &message, &good));

		keys[member % n] = mine;
		keys[member % n].0[key_bit / 8] ^= 1 << (key_bit % 8);
		prop_assert_eq!(validate_key(&keys[member % n]), G2::decode(&keys[member % n].0[..]).is_ok());
		prop_assert!(!ours(&keys, &message, &good));
		prop_assert!(!commonware(&keys, &message, &good));
	}

	/// Random bytes with the flags of a compressed point: mostly not on the curve, sometimes on it and outside the
	/// subgroup.
	#[test]
	fn random_points_get_the_same_verdict(mut key: [u8; 32], mut point: [u8; 32]) {
		key[0] = 0x80 | key[0] & 0x3f;
		point[0] = 0x80 | point[0] & 0x3f;
		let (mut k, mut p) = (BlsPublic([0; 96]), BlsSignature([0; 48]));
		k.0[..32].copy_from_slice(&key);
		p.0[..32].copy_from_slice(&point);
		prop_assert_eq!(validate_key(&k), G2::decode(&k.0[..]).is_ok());
		prop_assert_eq!(ours(&[k], b"", &p), commonware(&[k], b"", &p));
		let (keys, _) = sign(1, 0, b"");
		prop_assert_eq!(ours(&keys, b"", &p), commonware(&keys, b"", &p));
	}
}

#[test]
fn identities_and_cancelling_keys_are_refused() {
	let mut identity_key = BlsPublic([0; 96]);
	identity_key.0[0] = 0xc0;
	let mut identity_signature = BlsSignature([0; 48]);
	identity_signature.0[0] = 0xc0;
	assert!(!validate_key(&identity_key));
	let (keys, good) = sign(2, 5, b"message");
	assert!(!ours(&keys, b"message", &identity_signature));
	assert!(!ours(&[keys[0], keys[1], identity_key], b"message", &good));
	assert!(!ours(&[], b"message", &good));
	// A key and its negative: the sign flag turned.
	let mut negative = keys[0];
	negative.0[0] ^= 0x20;
	assert!(validate_key(&negative));
	assert!(!ours(&[keys[0], negative], b"message", &good));
	assert!(!ours(&[keys[0], negative], b"message", &identity_signature));
	assert!(!commonware(&[keys[0], negative], b"message", &good));
}

#[test]
fn the_generator_is_a_key() {
	assert!(validate_key(&public(&G2::generator())));
}

const REALM: Realm = Realm {
	chain: ChainId(3),
	genesis: Hash::repeat_byte(7),
};

/// A committee of `n`, and a simplex scheme for each member, in the committee's order.
#[allow(clippy::type_complexity)]
fn simplex(n: u64) -> (Committee, Vec<Scheme<ed25519::PublicKey, MinSig>>) {
	let mut rng = StdRng::seed_from_u64(n);
	let mut members: Vec<_> = (0..n)
		.map(|i| {
			let id = ed25519::PrivateKey::from_seed(i).public_key();
			let private = Private::random(&mut rng);
			(id, ops::compute_public::<MinSig>(&private), private)
		})
		.collect();
	members.sort_by(|a, b| a.0.cmp(&b.0));
	let participants: BiMap<_, _> = members
		.iter()
		.map(|(id, key, _)| (id.clone(), *key))
		.try_collect()
		.unwrap();
	let schemes = members
		.iter()
		.map(|(_, _, private)| {
			Scheme::signer(&REALM.namespace(), participants.clone(), private.clone()).unwrap()
		})
		.collect();
	let committee = members
		.iter()
		.map(|(id, key, _)| Member {
			id: MemberId::try_from(id.as_ref()).unwrap(),
			key: public(key),
		})
		.collect();
	(Committee::new(4, committee).unwrap(), schemes)
}

/// Certificates of simplex, in our encoding, verify; and not on another chain, or as another kind.
#[test]
fn certificates_of_simplex_are_verified() {
	// The size of the committee, and the first of a quorum of its members.
	for (n, first) in [(1u64, 0), (4, 0), (4, 1), (7, 0), (7, 2), (10, 3)] {
		let (committee, schemes) = simplex(n);
		let hash = Hash::repeat_byte(0xab);
		let proposal = Proposal::new(
			SimplexRound::new(Epoch::new(4), View::new(300)),
			View::new(298),
			sha256::Digest(hash.0),
		);
		let signers = first..first + committee.quorum();
		let quorum = &schemes[first as usize..signers.end as usize];
		let finalizes: Vec<_> = quorum
			.iter()
			.map(|s| Finalize::sign(s, proposal.clone()).unwrap())
			.collect();
		let finalization = Finalization::from_finalizes(&schemes[0], &finalizes, &Sequential).unwrap();
		let notarizes: Vec<_> = quorum
			.iter()
			.map(|s| Notarize::sign(s, proposal.clone()).unwrap())
			.collect();
		let notarization = Notarization::from_notarizes(&schemes[0], &notarizes, &Sequential).unwrap();

		let ours = |kind, sum: &aggregate::Signature<MinSig>| Certificate {
			kind,
			round: Round { epoch: 4, view: 300 },
			parent_view: 298,
			block_hash: hash,
			signers: Certificate::bitmap(n as u32, signers.clone()).unwrap(),
			signature: BlsSignature::try_from(&sum.encode()[..]).unwrap(),
		};
		let finalized = ours(
			CertificateKind::Finalization,
			finalization.certificate.signature.get().unwrap(),
		);
		let notarized = ours(
			CertificateKind::Notarization,
			notarization.certificate.signature.get().unwrap(),
		);
		let theirs: Vec<u32> = finalization.certificate.signers.iter().map(|i| i.get()).collect();
		assert_eq!(finalized.signer_indices().collect::<Vec<_>>(), theirs);
		assert_eq!(finalized.verify::<HostBls>(REALM, &committee), Ok(()));
		assert_eq!(notarized.verify::<HostBls>(REALM, &committee), Ok(()));

		let refused = Err(CertificateError::BadSignature);
		let passed_off = Certificate {
			kind: CertificateKind::Finalization,
			..notarized
		};
		assert_eq!(passed_off.verify::<HostBls>(REALM, &committee), refused);
		let elsewhere = Realm {
			chain: ChainId(4),
			..REALM
		};
		assert_eq!(finalized.verify::<HostBls>(elsewhere, &committee), refused);
		let other_network = Realm {
			genesis: Hash::zero(),
			..REALM
		};
		assert_eq!(finalized.verify::<HostBls>(other_network, &committee), refused);
		let other_block = Certificate {
			block_hash: Hash::zero(),
			..finalized.clone()
		};
		assert_eq!(other_block.verify::<HostBls>(REALM, &committee), refused);
		let other_view = Certificate {
			round: Round { epoch: 4, view: 301 },
			..finalized
		};
		assert_eq!(other_view.verify::<HostBls>(REALM, &committee), refused);
	}
}
