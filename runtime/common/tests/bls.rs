//! Our verification against commonware's: the same verdict on every input, good or bad.

use asterism_primitives::{
	certificate::{
		Certificate, CertificateError, CertificateKind, CommitteeKeys, Realm, Round, VerifyAggregate,
	},
	committee::{BlsPublic, BlsSignature, Committee, Member, MemberId},
	ChainId, Hash,
};
use asterism_runtime_common::bls::{HostBls, Prepared};
use codec::{Decode, DecodeWithMemTracking, Encode as _, MaxEncodedLen};
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
		group::{Private, Scalar, G1, G2},
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
	let valid = keys.iter().all(HostBls::validate);
	let verdict = HostBls::verify_aggregate(keys.iter(), message, signature);
	// The same keys as a committee, all of which signed.
	let prepared = committee(keys).and_then(|committee| HostBls::prepare(&committee));
	if let (true, Some(prepared)) = (valid, prepared) {
		let all: Vec<u32> = (0..keys.len() as u32).collect();
		assert_eq!(HostBls::verify(&prepared, &all, message, signature), verdict);
	}
	valid && verdict
}

/// The committee of these keys, in this order. None if one is there twice, or there is none.
fn committee(keys: &[BlsPublic]) -> Option<Committee> {
	let member = |(i, key): (usize, &BlsPublic)| {
		let mut id = [0; 32];
		id[..4].copy_from_slice(&(i as u32).to_be_bytes());
		Member {
			id: MemberId(id),
			key: *key,
		}
	};
	Committee::new(4, keys.iter().enumerate().map(member).collect()).ok()
}

fn prepare(keys: &[BlsPublic]) -> Prepared {
	HostBls::prepare(&committee(keys).unwrap()).unwrap()
}

/// The key with the opposite sign: together they are the identity.
fn negative(key: &BlsPublic) -> BlsPublic {
	let mut negative = *key;
	negative.0[0] ^= 0x20;
	negative
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
		prop_assert_eq!(HostBls::validate(&keys[member % n]), G2::decode(&keys[member % n].0[..]).is_ok());
		prop_assert!(!ours(&keys, &message, &good));
		prop_assert!(!commonware(&keys, &message, &good));
	}

	/// Whoever signs, and whoever is said to have signed: the verdict against prepared keys is that against the keys.
	#[test]
	fn prepared_keys_give_the_same_verdict(
		n in 1usize..40,
		seed: u64,
		message in proptest::collection::vec(any::<u8>(), 0..100),
		signed in proptest::collection::vec(any::<bool>(), 40),
		named in proptest::collection::vec(any::<bool>(), 40),
		opposite in proptest::collection::vec((0usize..40, 0usize..40), 0..3),
	) {
		let mut rng = StdRng::seed_from_u64(seed);
		let mut pairs: Vec<_> = (0..n).map(|_| ops::keypair::<_, MinSig>(&mut rng)).collect();
		// Some members have others' keys with the opposite sign.
		for (a, b) in opposite {
			let (a, b) = (a % n, b % n);
			if a != b {
				let mut secret = Scalar::zero();
				secret -= &pairs[a].0.clone().expose_unwrap();
				let secret = Private::new(secret);
				pairs[b] = (secret.clone(), ops::compute_public::<MinSig>(&secret));
			}
		}
		let keys: Vec<_> = pairs.iter().map(|(_, key)| public(key)).collect();
		prop_assume!(committee(&keys).is_some());
		let prepared = prepare(&keys);
		prop_assert_eq!(HostBls::size(&prepared), n as u32);
		prop_assert_eq!(&Prepared::decode(&mut &prepared.encode()[..]).unwrap(), &prepared);

		let chosen = |list: &[bool]| -> Vec<u32> { (0..n as u32).filter(|i| list[*i as usize]).collect() };
		let mut sum = G1::zero();
		for i in chosen(&signed) {
			sum += &ops::sign::<MinSig>(&pairs[i as usize].0, MinSig::MESSAGE, &message);
		}
		let aggregate = signature(&sum);
		for signers in [chosen(&signed), chosen(&named), (0..n as u32).collect()] {
			let of_signers: Vec<_> = signers.iter().map(|i| keys[*i as usize]).collect();
			let verdict = HostBls::verify(&prepared, &signers, &message, &aggregate);
			prop_assert_eq!(verdict, HostBls::verify_aggregate(of_signers.iter(), &message, &aggregate));
			prop_assert_eq!(verdict, commonware(&of_signers, &message, &aggregate));
			prop_assert_eq!(
				HostBls::verify(&prepared, &signers.iter().rev().copied().collect::<Vec<_>>(), &message, &aggregate),
				verdict
			);
			if signers == chosen(&signed) {
				// The signers' own signature is refused in one case only.
				prop_assert_eq!(verdict, sum != G1::zero());
			}
		}
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
		prop_assert_eq!(HostBls::validate(&k), G2::decode(&k.0[..]).is_ok());
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
	assert!(!HostBls::validate(&identity_key));
	let (keys, good) = sign(2, 5, b"message");
	assert!(!ours(&keys, b"message", &identity_signature));
	assert!(!ours(&[keys[0], keys[1], identity_key], b"message", &good));
	assert!(!ours(&[], b"message", &good));
	// A key and its negative: the sign flag turned.
	let negative = negative(&keys[0]);
	assert!(HostBls::validate(&negative));
	assert!(!ours(&[keys[0], negative], b"message", &good));
	assert!(!ours(&[keys[0], negative], b"message", &identity_signature));
	assert!(!commonware(&[keys[0], negative], b"message", &good));
}

#[test]
fn the_generator_is_a_key() {
	assert!(HostBls::validate(&public(&G2::generator())));
}

#[test]
fn prepared_keys_that_cancel_each_other_verify_nothing() {
	let message = b"message";
	let (mut keys, _) = sign(3, 5, message);
	keys.push(negative(&keys[0]));
	// All four together are keys 1 and 2 alone, whose signature is a good one of that pair, and one of all.
	let prepared = prepare(&keys);
	let pair = {
		let mut rng = StdRng::seed_from_u64(5);
		let secrets: Vec<_> = (0..3).map(|_| ops::keypair::<_, MinSig>(&mut rng).0).collect();
		let mut sum = G1::zero();
		for secret in &secrets[1..] {
			sum += &ops::sign::<MinSig>(secret, MinSig::MESSAGE, message);
		}
		signature(&sum)
	};
	assert!(HostBls::verify(&prepared, &[1, 2], message, &pair));
	assert!(HostBls::verify(&prepared, &[0, 1, 2, 3], message, &pair));
	assert!(!HostBls::verify(&prepared, &[0, 1, 2], message, &pair));
	assert!(!HostBls::verify(&prepared, &[0, 3], message, &pair));

	// A committee whose keys are nothing together: the sum of all has no coordinates, those of others have.
	let keys = [
		keys[0],
		negative(&keys[0]),
		keys[1],
		negative(&keys[1]),
		keys[2],
		negative(&keys[2]),
	];
	let prepared = prepare(&keys);
	let mut identity = BlsSignature([0; 48]);
	identity.0[0] = 0xc0;
	for signers in [&[][..], &[0, 1], &[0, 1, 2, 3], &[0, 1, 2, 3, 4, 5]] {
		for signature in [&pair, &identity] {
			assert!(
				!HostBls::verify(&prepared, signers, message, signature),
				"{signers:?}"
			);
		}
	}
	// By adding two, and by subtracting two from nothing.
	assert!(HostBls::verify(&prepared, &[2, 4], message, &pair));
	assert!(HostBls::verify(&prepared, &[0, 1, 2, 4], message, &pair));
	assert!(!HostBls::verify(&prepared, &[0, 1, 3, 5], message, &pair));
}

#[test]
fn signers_are_members_each_once() {
	let (keys, good) = sign(4, 1, b"message");
	let prepared = prepare(&keys);
	assert!(HostBls::verify(&prepared, &[0, 1, 2, 3], b"message", &good));
	for bad in [
		&[0, 1, 2, 3, 3][..],
		&[0, 1, 2, 2],
		&[0, 1, 2],
		&[0, 1, 2, 4],
		&[0, 1, 2, 3, 4],
		&[0, 1, 2, 3, u32::MAX],
		&[],
	] {
		assert!(!HostBls::verify(&prepared, bad, b"message", &good), "{bad:?}");
	}
}

#[test]
fn what_is_no_point_is_not_prepared() {
	let (mut keys, _) = sign(3, 1, b"");
	for bad in [[0xff; 96], [0; 96]] {
		keys[1].0 = bad;
		assert_eq!(HostBls::prepare(&committee(&keys).unwrap()), None);
	}
	keys[1].0 = [0; 96];
	keys[1].0[0] = 0xc0;
	assert_eq!(HostBls::prepare(&committee(&keys).unwrap()), None, "the identity");
}

/// Tells a type that a transaction may hold from one that it may not: the inherent constant is there only for the first.
struct Probe<T>(core::marker::PhantomData<T>);
trait Otherwise {
	const IN_CALLS: bool = false;
}
impl<T> Otherwise for Probe<T> {}
impl<T: DecodeWithMemTracking> Probe<T> {
	const IN_CALLS: bool = true;
}

#[test]
fn prepared_keys_are_no_argument_of_a_call() {
	const { assert!(Probe::<BlsPublic>::IN_CALLS) };
	const { assert!(!Probe::<Prepared>::IN_CALLS) };
}

#[test]
fn bytes_that_are_no_prepared_keys() {
	let (keys, good) = sign(4, 1, b"message");
	let bytes = prepare(&keys).encode();
	assert_eq!(bytes.len(), 1 + 192 + 1 + 4 * 192);
	assert_eq!(Prepared::max_encoded_len(), 1 + 192 + 2 + 256 * 192);
	// Cut short, and more keys than a committee has members.
	assert!(Prepared::decode(&mut &bytes[..bytes.len() - 1]).is_err());
	let many = [vec![0], codec::Compact(257u32).encode(), vec![1; 257 * 192]].concat();
	assert!(Prepared::decode(&mut &many[..]).is_err());
	// Coordinates that are no elements of the field verify nothing, and harm nobody; nor do points off the curve.
	let all = [0, 1, 2, 3];
	for at in [1, 1 + 96, 1 + 192 + 1, bytes.len() - 96] {
		for filled in [0xff, 0x01, 0x00] {
			let mut bad = bytes.clone();
			bad[at..at + 96].fill(filled);
			let bad = Prepared::decode(&mut &bad[..]).unwrap();
			for signers in [&all[..], &all[1..], &all[..1]] {
				let off = HostBls::verify(&bad, signers, b"message", &good);
				assert!(!off || at > 1 + 96, "{at} {filled} {signers:?}");
			}
		}
	}
}

/// The largest committee there may be, with as many absent as may be.
#[test]
fn a_full_committee_is_verified() {
	let message = b"message";
	let mut rng = StdRng::seed_from_u64(256);
	let pairs: Vec<_> = (0..256).map(|_| ops::keypair::<_, MinSig>(&mut rng)).collect();
	let keys: Vec<_> = pairs.iter().map(|(_, key)| public(key)).collect();
	let prepared = prepare(&keys);
	let signers: Vec<u32> = (85..256).collect();
	let mut sum = G1::zero();
	for (secret, _) in &pairs[85..] {
		sum += &ops::sign::<MinSig>(secret, MinSig::MESSAGE, message);
	}
	assert!(HostBls::verify(&prepared, &signers, message, &signature(&sum)));
	assert!(!HostBls::verify(
		&prepared,
		&signers[1..],
		message,
		&signature(&sum)
	));
	assert!(!HostBls::verify(
		&prepared,
		&(84..255).collect::<Vec<_>>(),
		message,
		&signature(&sum)
	));
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
		let prepared = HostBls::prepare(&committee).unwrap();
		// Against the committee and against its prepared keys, with one verdict.
		let verify = |certificate: &Certificate, realm| {
			let verdict = certificate.verify::<HostBls>(realm, &committee);
			assert_eq!(
				certificate.verify_prepared::<HostBls>(realm, 4, &prepared),
				verdict
			);
			verdict
		};
		assert_eq!(verify(&finalized, REALM), Ok(()));
		assert_eq!(verify(&notarized, REALM), Ok(()));

		let refused = Err(CertificateError::BadSignature);
		let passed_off = Certificate {
			kind: CertificateKind::Finalization,
			..notarized
		};
		assert_eq!(verify(&passed_off, REALM), refused);
		let elsewhere = Realm {
			chain: ChainId(4),
			..REALM
		};
		assert_eq!(verify(&finalized, elsewhere), refused);
		let other_network = Realm {
			genesis: Hash::zero(),
			..REALM
		};
		assert_eq!(verify(&finalized, other_network), refused);
		let other_block = Certificate {
			block_hash: Hash::zero(),
			..finalized.clone()
		};
		assert_eq!(verify(&other_block, REALM), refused);
		let other_view = Certificate {
			round: Round { epoch: 4, view: 301 },
			..finalized
		};
		assert_eq!(verify(&other_view, REALM), refused);
	}
}
