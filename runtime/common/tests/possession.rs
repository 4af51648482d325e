//! Consensus keys and proofs of possession against commonware's: the same keys, the same verdicts.

use asterism_primitives::{
	certificate::VerifyAggregate,
	committee::{BlsPublic, BlsSignature},
	keys::{
		NodeKeys, NodeKeysProof, OwnershipError, VerifyPossession, CONSENSUS_KEY, CONSENSUS_SEED,
		IDENTITY_KEY, SORTITION_KEY,
	},
	AccountId, Hash,
};
use asterism_runtime_common::{
	bls::HostBls,
	possession::{Secret, DST},
	session_keys,
};
use codec::{DecodeAll, Encode as _};
use commonware_codec::{DecodeExt, Encode};
use commonware_cryptography::bls12381::primitives::{
	group::{Private, Scalar, G2},
	ops,
	variant::{MinSig, Variant},
};
use polkadot_sdk::{
	sp_io::TestExternalities,
	sp_keystore::{testing::MemoryKeystore, Keystore, KeystoreExt},
};
use proptest::prelude::*;
use std::sync::Arc;

/// What commonware derives from an ed25519 signature.
fn commonware(signature: &[u8; 64]) -> (Private, BlsPublic) {
	let secret = Private::new(Scalar::map(CONSENSUS_SEED, signature));
	let public = ops::compute_public::<MinSig>(&secret).encode();
	(secret, BlsPublic::try_from(&public[..]).unwrap())
}

fn sign(secret: &Private, domain: &'static [u8], message: &[u8]) -> BlsSignature {
	BlsSignature::try_from(&ops::sign::<MinSig>(secret, domain, message).encode()[..]).unwrap()
}

fn bytes64() -> impl Strategy<Value = [u8; 64]> {
	proptest::collection::vec(any::<u8>(), 64).prop_map(|bytes| bytes.try_into().unwrap())
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(64))]

	#[test]
	fn keys_and_proofs_are_those_of_commonware(
		signature in bytes64(),
		statement in proptest::collection::vec(any::<u8>(), 0..300),
	) {
		let (secret, public) = commonware(&signature);
		let ours = Secret::derive(&signature).unwrap();
		prop_assert_eq!(ours.public(), public);
		let proof = ours.prove(&statement).unwrap();
		prop_assert_eq!(proof, sign(&secret, MinSig::PROOF_OF_POSSESSION, &statement));
		prop_assert!(HostBls::verify_possession(&public, &statement, &proof));
	}

	#[test]
	fn what_is_not_proved_is_refused(
		signature in bytes64(),
		other in bytes64(),
		statement in proptest::collection::vec(any::<u8>(), 1..300),
		flip in any::<(usize, u8)>(),
	) {
		prop_assume!(signature != other);
		let (secret, public) = commonware(&signature);
		let proof = sign(&secret, MinSig::PROOF_OF_POSSESSION, &statement);
		let bit = 1u8 << (flip.1 % 8);
		let mut bent = proof;
		bent.0[flip.0 % 48] ^= bit;
		prop_assert!(!HostBls::verify_possession(&public, &statement, &bent));
		let mut bent = public;
		bent.0[flip.0 % 96] ^= bit;
		prop_assert!(!HostBls::verify_possession(&bent, &statement, &proof));
		let mut bent = statement.clone();
		bent[flip.0 % statement.len()] ^= bit;
		prop_assert!(!HostBls::verify_possession(&public, &bent, &proof));
		prop_assert!(!HostBls::verify_possession(&commonware(&other).1, &statement, &proof));
		// A vote over the statement is no proof, and a proof is no vote.
		let vote = sign(&secret, MinSig::MESSAGE, &statement);
		prop_assert!(!HostBls::verify_possession(&public, &statement, &vote));
		prop_assert!(!HostBls::verify_aggregate([&public].into_iter(), &statement, &proof));
	}
}

#[test]
fn the_domain_is_commonwares() {
	assert_eq!(DST, MinSig::PROOF_OF_POSSESSION);
}

#[test]
fn points_at_infinity_and_garbage_prove_nothing() {
	let (secret, public) = commonware(&[1; 64]);
	let proof = sign(&secret, MinSig::PROOF_OF_POSSESSION, b"statement");
	let (mut no_key, mut no_proof) = (BlsPublic([0; 96]), BlsSignature([0; 48]));
	assert!(!HostBls::verify_possession(&no_key, b"statement", &proof));
	assert!(!HostBls::verify_possession(&public, b"statement", &no_proof));
	no_key.0[0] = 0xc0;
	no_proof.0[0] = 0xc0;
	assert!(!HostBls::verify_possession(&no_key, b"statement", &no_proof));
	assert!(!HostBls::verify_possession(&public, b"statement", &no_proof));
	assert!(!HostBls::verify_possession(&no_key, b"statement", &proof));
}

/// A state whose node has an empty keystore, as in a call of a runtime API.
fn with_keystore() -> (TestExternalities, Arc<MemoryKeystore>) {
	let keystore = Arc::new(MemoryKeystore::new());
	let mut state = TestExternalities::default();
	state.register_extension(KeystoreExt(keystore.clone()));
	(state, keystore)
}

#[test]
fn rotated_keys_come_with_their_proof() {
	let (mut state, keystore) = with_keystore();
	let (genesis, owner) = (Hash::repeat_byte(9), AccountId::new([4; 32]));
	let made = state.execute_with(|| session_keys::generate(owner.as_ref(), None, Some(genesis)));
	let keys = NodeKeys::decode_all(&mut &made.keys[..]).unwrap();
	let proof = NodeKeysProof::decode_all(&mut &made.proof[..]).unwrap();
	let verify = |keys: &NodeKeys, genesis, owner: &AccountId| {
		TestExternalities::default().execute_with(|| keys.verify_ownership::<HostBls>(genesis, owner, &proof))
	};
	assert_eq!(verify(&keys, genesis, &owner), Ok(()));
	assert_eq!(verify(&keys, Hash::zero(), &owner), Err(OwnershipError::Identity));
	assert_eq!(
		verify(&keys, genesis, &AccountId::new([5; 32])),
		Err(OwnershipError::Identity)
	);

	// The keystore has what the keys are made from, and the node derives the same consensus key.
	assert!(keystore.has_keys(&[
		(keys.identity.0.to_vec(), IDENTITY_KEY),
		(keys.sortition.0.to_vec(), SORTITION_KEY)
	]));
	let public = keystore.ed25519_public_keys(CONSENSUS_KEY)[0];
	let signature = keystore
		.ed25519_sign(CONSENSUS_KEY, &public, CONSENSUS_SEED)
		.unwrap()
		.unwrap();
	assert_eq!(commonware(&signature.0).1, keys.consensus);
	assert!(G2::decode(&keys.consensus.0[..]).is_ok());

	// All keys are new each time, and of different secrets.
	let again = state.execute_with(|| session_keys::generate(owner.as_ref(), None, Some(genesis)));
	let again = NodeKeys::decode_all(&mut &again.keys[..]).unwrap();
	assert!(keys.identity != again.identity && keys.consensus != again.consensus);
	assert!(keys.sortition != again.sortition && keys.sortition.0 != keys.identity.0);
}

#[test]
fn keys_for_nobody_come_without_a_proof() {
	let (mut state, _) = with_keystore();
	let genesis = Some(Hash::zero());
	let owner = [1u8; 32];
	let cases: [(&[u8], Option<Hash>); 5] = [
		(&[], genesis),
		(&owner[..31], genesis),
		(&[1; 33], genesis),
		(&owner, None),
		(&[], None),
	];
	for (owner, genesis) in cases {
		let made = state.execute_with(|| session_keys::generate(owner, None, genesis));
		assert!(NodeKeys::decode_all(&mut &made.keys[..]).is_ok());
		assert!(made.proof.is_empty());
	}
	// Of a seed, always the same keys.
	let seeded = |seed: &str| {
		let (mut state, _) = with_keystore();
		let seed = Some(seed.as_bytes().to_vec());
		state
			.execute_with(|| session_keys::generate(&[], seed, None))
			.keys
	};
	assert_eq!(seeded("//Alice"), seeded("//Alice"));
	assert_ne!(seeded("//Alice"), seeded("//Bob"));
}

#[test]
fn keys_are_listed_with_their_types() {
	let (mut state, _) = with_keystore();
	let made = state.execute_with(|| session_keys::generate(&[], None, None));
	let keys = NodeKeys::decode_all(&mut &made.keys[..]).unwrap();
	let expected = vec![
		(keys.identity.0.to_vec(), IDENTITY_KEY),
		(keys.sortition.0.to_vec(), SORTITION_KEY),
		(keys.consensus.0.to_vec(), CONSENSUS_KEY),
	];
	assert_eq!(session_keys::decode(&keys.encode()), Some(expected));
	let mut long = keys.encode();
	long.push(0);
	assert_eq!(session_keys::decode(&long), None);
	assert_eq!(session_keys::decode(&long[..159]), None);
	assert_eq!(session_keys::decode(&[]), None);
}
