//! A node's keystore whose signatures are decided by the message alone: with random ones, as of every other keystore, no block
//! would have the same hash in two runs of a seed.

use crate::ledger::NODES;
use asterism_consensus::keys::node_keys;
use asterism_primitives::{
	committee::MemberId,
	keys::{NodeKeys, CONSENSUS_KEY, IDENTITY_KEY, SORTITION_KEY},
};
use polkadot_sdk::{
	sp_core::{
		crypto::KeyTypeId,
		ecdsa, ed25519,
		sr25519::{
			self,
			vrf::{VrfPreOutput, VrfProof, VrfSignData, VrfSignature, VrfTranscript},
		},
		Pair,
	},
	sp_keystore::{Error, Keystore, KeystorePtr},
};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use schnorrkel::{context::attach_rng, signing_context, Keypair};
use std::sync::{Arc, LazyLock};

/// The keys of one node, those that one secret URI gives.
#[derive(Clone)]
struct Seeded {
	sr25519: sr25519::Pair,
	ed25519: ed25519::Pair,
	public: NodeKeys,
}

/// It takes long to make keys of URIs.
static ALL: LazyLock<Vec<Seeded>> = LazyLock::new(|| {
	let seeded = |node| {
		let suri = format!("//Simulated//{node}");
		Seeded {
			sr25519: sr25519::Pair::from_string(&suri, None).expect("the URI is one"),
			ed25519: ed25519::Pair::from_string(&suri, None).expect("the URI is one"),
			public: node_keys(&suri, None).expect("the URI is one"),
		}
	};
	(0..NODES).map(seeded).collect()
});

/// The public keys of a node, by its number.
pub fn keys(node: usize) -> NodeKeys {
	ALL[node].public
}

/// The member that a node is, wherever it serves.
pub fn id(node: usize) -> MemberId {
	ALL[node].public.identity
}

/// The keystore of a node.
pub fn keystore(node: usize) -> KeystorePtr {
	Arc::new(ALL[node].clone())
}

impl Seeded {
	fn sr25519(&self, key_type: KeyTypeId, public: &sr25519::Public) -> Option<&Keypair> {
		let has = self.sr25519_public_keys(key_type).contains(public);
		has.then(|| self.sr25519.as_ref())
	}
}

/// What stands for randomness.
fn no_rng() -> ChaCha20Rng {
	ChaCha20Rng::from_seed([0; 32])
}

impl Keystore for Seeded {
	fn sr25519_public_keys(&self, key_type: KeyTypeId) -> Vec<sr25519::Public> {
		match key_type {
			IDENTITY_KEY | SORTITION_KEY => vec![self.sr25519.public()],
			_ => Vec::new(),
		}
	}

	fn sr25519_generate_new(&self, _: KeyTypeId, _: Option<&str>) -> Result<sr25519::Public, Error> {
		Err(Error::Unavailable)
	}

	fn sr25519_sign(
		&self,
		key_type: KeyTypeId,
		public: &sr25519::Public,
		message: &[u8],
	) -> Result<Option<sr25519::Signature>, Error> {
		Ok(self.sr25519(key_type, public).map(|pair| {
			let transcript = attach_rng(signing_context(b"substrate").bytes(message), no_rng());
			pair.sign(transcript).into()
		}))
	}

	fn sr25519_vrf_sign(
		&self,
		key_type: KeyTypeId,
		public: &sr25519::Public,
		data: &VrfSignData,
	) -> Result<Option<VrfSignature>, Error> {
		Ok(self.sr25519(key_type, public).map(|pair| {
			let input = AsRef::<VrfTranscript>::as_ref(data).0.clone();
			let extra = attach_rng(VrfTranscript::new(b"VRF", &[]).0, no_rng());
			let (output, proof, _) = pair.vrf_sign_extra(input, extra);
			VrfSignature {
				pre_output: VrfPreOutput(output.to_preout()),
				proof: VrfProof(proof),
			}
		}))
	}

	fn sr25519_vrf_pre_output(
		&self,
		_: KeyTypeId,
		_: &sr25519::Public,
		_: &VrfTranscript,
	) -> Result<Option<VrfPreOutput>, Error> {
		Err(Error::Unavailable)
	}

	fn ed25519_public_keys(&self, key_type: KeyTypeId) -> Vec<ed25519::Public> {
		match key_type {
			CONSENSUS_KEY => vec![self.ed25519.public()],
			_ => Vec::new(),
		}
	}

	fn ed25519_generate_new(&self, _: KeyTypeId, _: Option<&str>) -> Result<ed25519::Public, Error> {
		Err(Error::Unavailable)
	}

	fn ed25519_sign(
		&self,
		key_type: KeyTypeId,
		public: &ed25519::Public,
		message: &[u8],
	) -> Result<Option<ed25519::Signature>, Error> {
		let has = self.ed25519_public_keys(key_type).contains(public);
		Ok(has.then(|| self.ed25519.sign(message)))
	}

	fn ecdsa_public_keys(&self, _: KeyTypeId) -> Vec<ecdsa::Public> {
		Vec::new()
	}

	fn ecdsa_generate_new(&self, _: KeyTypeId, _: Option<&str>) -> Result<ecdsa::Public, Error> {
		Err(Error::Unavailable)
	}

	fn ecdsa_sign(
		&self,
		_: KeyTypeId,
		_: &ecdsa::Public,
		_: &[u8],
	) -> Result<Option<ecdsa::Signature>, Error> {
		Ok(None)
	}

	fn ecdsa_sign_prehashed(
		&self,
		_: KeyTypeId,
		_: &ecdsa::Public,
		_: &[u8; 32],
	) -> Result<Option<ecdsa::Signature>, Error> {
		Ok(None)
	}

	fn insert(&self, _: KeyTypeId, _: &str, _: &[u8]) -> Result<(), ()> {
		Err(())
	}

	fn keys(&self, key_type: KeyTypeId) -> Result<Vec<Vec<u8>>, Error> {
		let sr25519 = self.sr25519_public_keys(key_type).into_iter().map(|key| key.0);
		let ed25519 = self.ed25519_public_keys(key_type).into_iter().map(|key| key.0);
		Ok(sr25519.chain(ed25519).map(|key| key.to_vec()).collect())
	}

	fn has_keys(&self, public_keys: &[(Vec<u8>, KeyTypeId)]) -> bool {
		public_keys.iter().all(|(public, key_type)| {
			self.keys(*key_type)
				.is_ok_and(|keys| keys.iter().any(|key| key == public))
		})
	}
}

#[test]
fn signatures_are_valid_and_always_the_same() {
	use asterism_primitives::{
		election::{sign_data, SortitionProof},
		keys::SortitionPublic,
		ChainId, Hash,
	};
	let (first, second) = (keystore(1), keystore(1));
	let public = sr25519::Public::from_raw(id(1).0);
	let sign = |keystore: &KeystorePtr| {
		keystore
			.sr25519_sign(IDENTITY_KEY, &public, b"message")
			.unwrap()
			.unwrap()
	};
	let signature = sign(&first);
	assert_eq!(signature, sign(&second));
	assert!(sr25519::Pair::verify(&signature, b"message", &public));
	let draw = |keystore: &KeystorePtr| {
		let data = sign_data(Hash::zero(), ChainId::ROOT, 1);
		let signature = keystore.sr25519_vrf_sign(SORTITION_KEY, &public, &data);
		SortitionProof::from(&signature.unwrap().unwrap())
	};
	let proof = draw(&first);
	assert_eq!(proof, draw(&second));
	assert!(proof.verify(&SortitionPublic(public.0), Hash::zero(), ChainId::ROOT, 1));
	// Of no other node, and of no other kind.
	let other = sr25519::Public::from_raw(id(2).0);
	assert_eq!(
		first.sr25519_sign(IDENTITY_KEY, &other, b"message").unwrap(),
		None
	);
	assert_eq!(
		first.sr25519_sign(CONSENSUS_KEY, &public, b"message").unwrap(),
		None
	);
}
