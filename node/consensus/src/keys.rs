//! A node's keys: in its keystore, and from secret URIs.
//!
//! Consensus keys are derived from ed25519 keys in the keystore, which any keystore can sign with: see
//! [`asterism_primitives::keys`]. So `key insert`, `author_insertKey`, `author_rotateKeys`, passwords and remote keystores work
//! for them as for all other keys, and no secret is read from a file here.

use crate::scheme::public_key;
use asterism_primitives::{
	committee::{BlsPublic, BlsSignature, Committee, Member, MemberId, BLS_SIGNATURE_LEN},
	keys::{
		NodeKeys, NodeKeysProof, SortitionPublic, CONSENSUS_KEY, CONSENSUS_SEED, IDENTITY_KEY, SORTITION_KEY,
	},
	AccountId, Hash,
};
use commonware_codec::Encode;
use commonware_cryptography::bls12381::primitives::{
	group::{Private, Scalar},
	ops,
	variant::{MinSig, Variant},
};
use polkadot_sdk::{
	sp_core::{ed25519, sr25519, Pair},
	sp_keystore::{Keystore, KeystorePtr},
};

/// Why a key can't be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
	/// The URI is not understood.
	#[error("secret URI: expected a phrase or seed with hard junctions only, like \"//Alice\": {0}")]
	Uri(String),
	/// The keystore doesn't take a key.
	#[error("the keystore did not take the key")]
	Keystore,
	/// The keystore doesn't sign with a key that it lists.
	#[error(
		"the keystore does not sign with the ed25519 key {public} of type \"bls_\": expected the secret URI of this very key in \
		 its file, and the keystore's password if it has one: {reason}"
	)]
	Unusable {
		/// Which key.
		public: String,
		/// Why.
		reason: String,
	},
}

/// The secret keys that one secret URI gives.
struct Secrets {
	identity: sr25519::Pair,
	consensus: ed25519::Pair,
}

impl Secrets {
	fn new(suri: &str, password: Option<&str>) -> Result<Self, KeyError> {
		let uri = |e| KeyError::Uri(format!("{e:?}"));
		Ok(Secrets {
			identity: sr25519::Pair::from_string(suri, password).map_err(uri)?,
			consensus: ed25519::Pair::from_string(suri, password).map_err(uri)?,
		})
	}

	fn private(&self) -> Private {
		secret(&self.consensus.sign(CONSENSUS_SEED))
	}

	fn node_keys(&self) -> NodeKeys {
		let public = self.identity.public().0;
		NodeKeys {
			identity: MemberId(public),
			sortition: SortitionPublic(public),
			consensus: public_key(&self.private()),
		}
	}
}

/// The secret consensus key of an ed25519 signature over [`CONSENSUS_SEED`].
fn secret(signature: &ed25519::Signature) -> Private {
	Private::new(Scalar::map(CONSENSUS_SEED, &signature.0))
}

/// The secret consensus key of a secret URI, and its public key.
///
/// # Errors
/// [`KeyError::Uri`].
pub fn derive(suri: &str, password: Option<&str>) -> Result<(Private, BlsPublic), KeyError> {
	let pair = ed25519::Pair::from_string(suri, password).map_err(|e| KeyError::Uri(format!("{e:?}")))?;
	let secret = secret(&pair.sign(CONSENSUS_SEED));
	let public = public_key(&secret);
	Ok((secret, public))
}

/// The public keys of the node whose keys come from one secret URI. Its identity and its sortition key are the same
/// sr25519 key then.
///
/// # Errors
/// [`KeyError::Uri`].
pub fn node_keys(suri: &str, password: Option<&str>) -> Result<NodeKeys, KeyError> {
	Ok(Secrets::new(suri, password)?.node_keys())
}

/// The keys of a secret URI, and the proof that they are `owner`'s on the network whose root chain has this genesis block.
///
/// # Errors
/// [`KeyError::Uri`].
pub fn prove(
	suri: &str,
	password: Option<&str>,
	genesis: Hash,
	owner: &AccountId,
) -> Result<(NodeKeys, NodeKeysProof), KeyError> {
	let secrets = Secrets::new(suri, password)?;
	let keys = secrets.node_keys();
	let statement = keys.ownership_statement(genesis, owner);
	let point = ops::sign::<MinSig>(&secrets.private(), MinSig::PROOF_OF_POSSESSION, &statement).encode();
	let mut consensus = [0; BLS_SIGNATURE_LEN];
	consensus.copy_from_slice(&point);
	let proof = NodeKeysProof {
		identity: secrets.identity.sign(&statement).0,
		sortition: secrets.identity.sign(&statement).0,
		consensus: BlsSignature(consensus),
	};
	Ok((keys, proof))
}

/// The member whose keys come from one secret URI: what development networks use.
///
/// # Errors
/// [`KeyError::Uri`].
pub fn member(suri: &str) -> Result<Member, KeyError> {
	let keys = node_keys(suri, None)?;
	Ok(Member {
		id: keys.identity,
		key: keys.consensus,
	})
}

/// Puts all keys of a secret URI into the keystore, whose password, if it has one, is the URI's too.
///
/// # Errors
/// [`KeyError`].
pub fn insert(keystore: &dyn Keystore, suri: &str, password: Option<&str>) -> Result<(), KeyError> {
	let secrets = Secrets::new(suri, password)?;
	let (sr25519, ed25519) = (secrets.identity.public(), secrets.consensus.public());
	for (key_type, public) in [
		(IDENTITY_KEY, sr25519.as_ref()),
		(SORTITION_KEY, sr25519.as_ref()),
		(CONSENSUS_KEY, ed25519.as_ref()),
	] {
		let public: &[u8] = public;
		keystore
			.insert(key_type, suri, public)
			.map_err(|()| KeyError::Keystore)?;
	}
	Ok(())
}

/// Where this node's secret keys are.
#[derive(Clone)]
pub struct Keys {
	keystore: KeystorePtr,
}

impl Keys {
	/// Keys in the given keystore.
	pub fn new(keystore: KeystorePtr) -> Self {
		Keys { keystore }
	}

	/// The keystore.
	pub fn keystore(&self) -> &KeystorePtr {
		&self.keystore
	}

	/// The first member of a committee for which this node has both keys, with its secret consensus key.
	///
	/// # Errors
	/// [`KeyError::Unusable`] if there is none, and a key that might have been a member's can't be used.
	pub fn membership(&self, committee: &Committee) -> Result<Option<(Member, Private)>, KeyError> {
		let ours: Vec<&Member> = committee
			.members()
			.iter()
			.filter(|member| self.keystore.has_keys(&[(member.id.0.to_vec(), IDENTITY_KEY)]))
			.collect();
		// A keystore may be far away: nothing is signed for a committee that is not ours.
		if ours.is_empty() {
			return Ok(None);
		}
		let mut unusable = None;
		let mut secrets = Vec::new();
		for public in self.keystore.ed25519_public_keys(CONSENSUS_KEY) {
			match self.consensus(&public) {
				Ok(secret) => secrets.push((public_key(&secret), secret)),
				Err(e) => unusable = Some(e),
			}
		}
		for member in ours {
			if let Some(i) = secrets.iter().position(|(key, _)| *key == member.key) {
				return Ok(Some((member.clone(), secrets.swap_remove(i).1)));
			}
		}
		unusable.map_or(Ok(None), Err)
	}

	/// Whether a consensus key is derived from an ed25519 key in the keystore.
	pub fn has_consensus(&self, key: &BlsPublic) -> bool {
		self.keystore
			.ed25519_public_keys(CONSENSUS_KEY)
			.iter()
			.any(|public| {
				self.consensus(public)
					.is_ok_and(|secret| public_key(&secret) == *key)
			})
	}

	/// The secret consensus key that is derived from an ed25519 key in the keystore.
	fn consensus(&self, public: &ed25519::Public) -> Result<Private, KeyError> {
		let unusable = |reason: String| KeyError::Unusable {
			public: public.to_string(),
			reason,
		};
		match self.keystore.ed25519_sign(CONSENSUS_KEY, public, CONSENSUS_SEED) {
			Ok(Some(signature)) => Ok(secret(&signature)),
			Ok(None) => Err(unusable("it has no such key".into())),
			Err(e) => Err(unusable(e.to_string())),
		}
	}

	/// Signs with a member's identity key; `None` if the keystore doesn't have it.
	pub fn sign(&self, id: MemberId, message: &[u8]) -> Option<[u8; 64]> {
		self.keystore
			.sr25519_sign(IDENTITY_KEY, &sr25519::Public::from_raw(id.0), message)
			.ok()
			.flatten()
			.map(|signature| signature.0)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use asterism_primitives::keys::OwnershipError;
	use asterism_runtime_common::bls::HostBls;
	use std::path::{Path, PathBuf};

	#[test]
	fn derivation_is_deterministic_and_hard() {
		let alice = member("//Alice").unwrap();
		assert_eq!(alice, member("//Alice").unwrap());
		assert_ne!(alice.key, member("//Bob").unwrap().key);
		assert_ne!(derive("//Alice", Some("pass")).unwrap().1, alice.key);
		assert_eq!(derive("//Alice", None).unwrap().1, alice.key);
		assert!(matches!(derive("//Alice/soft", None), Err(KeyError::Uri(_))));
		assert!(matches!(member("//Alice/soft"), Err(KeyError::Uri(_))));
		assert!(matches!(derive("no phrase at all", None), Err(KeyError::Uri(_))));
	}

	#[test]
	fn keys_are_proved_to_be_somebodys_on_some_network() {
		let (genesis, owner) = (Hash::repeat_byte(1), AccountId::new([2; 32]));
		let (keys, proof) = prove("//Alice", None, genesis, &owner).unwrap();
		assert_eq!(keys, node_keys("//Alice", None).unwrap());
		assert_eq!(keys.verify_ownership::<HostBls>(genesis, &owner, &proof), Ok(()));
		let refused = Err(OwnershipError::Identity);
		let elsewhere = Hash::repeat_byte(2);
		assert_eq!(
			keys.verify_ownership::<HostBls>(elsewhere, &owner, &proof),
			refused
		);
		let thief = AccountId::new([3; 32]);
		assert_eq!(keys.verify_ownership::<HostBls>(genesis, &thief, &proof), refused);
	}

	fn open(directory: &Path, password: Option<&str>) -> Keys {
		let password = password.map(|password| password.to_string().into());
		let keystore = polkadot_sdk::sc_keystore::LocalKeystore::open(directory, password).unwrap();
		Keys::new(keystore.into())
	}

	fn file_of(directory: &Path, suri: &str) -> PathBuf {
		let public = ed25519::Pair::from_string(suri, None).unwrap().public();
		let hex: String = public.0.iter().map(|b| format!("{b:02x}")).collect();
		directory.join(format!("626c735f{hex}"))
	}

	#[test]
	fn a_node_is_the_member_whose_two_keys_it_has() {
		let directory = tempfile::tempdir().unwrap();
		let keys = open(directory.path(), None);
		let committee = crate::mock::committee(0);
		assert!(keys.membership(&committee).unwrap().is_none());

		insert(&**keys.keystore(), "//Eve", None).unwrap();
		assert!(keys.membership(&committee).unwrap().is_none(), "no member");
		let bob = member("//Bob").unwrap();
		keys.keystore().insert(IDENTITY_KEY, "//Bob", &bob.id.0).unwrap();
		assert!(keys.membership(&committee).unwrap().is_none(), "one key only");
		// As `key insert --key-type bls_ --scheme ed25519` and `author_insertKey` do it.
		let public = ed25519::Pair::from_string("//Bob", None).unwrap().public();
		keys.keystore().insert(CONSENSUS_KEY, "//Bob", &public.0).unwrap();
		for keys in [keys, open(directory.path(), None)] {
			let (found, secret) = keys.membership(&committee).unwrap().unwrap();
			assert_eq!((&found, public_key(&secret)), (&bob, bob.key));
			let signature = keys.sign(bob.id, b"message").unwrap();
			let public = sr25519::Public::from_raw(bob.id.0);
			assert!(sr25519::Pair::verify(
				&sr25519::Signature::from_raw(signature),
				b"message",
				&public
			));
			assert!(keys.sign(member("//Alice").unwrap().id, b"message").is_none());
		}
	}

	#[test]
	fn a_keystore_has_a_password() {
		let directory = tempfile::tempdir().unwrap();
		let keys = open(directory.path(), Some("secret"));
		insert(&**keys.keystore(), "//Bob", Some("secret")).unwrap();
		let node = node_keys("//Bob", Some("secret")).unwrap();
		let bob = Member {
			id: node.identity,
			key: node.consensus,
		};
		let committee = Committee::new(0, vec![bob.clone()]).unwrap();
		assert_eq!(keys.membership(&committee).unwrap().unwrap().0, bob);
		let without = open(directory.path(), None);
		assert!(matches!(
			without.membership(&committee),
			Err(KeyError::Unusable { .. })
		));
	}

	#[test]
	fn keys_that_can_not_be_used_are_named() {
		let directory = tempfile::tempdir().unwrap();
		let keys = open(directory.path(), None);
		let committee = crate::mock::committee(0);
		insert(&**keys.keystore(), "//Bob", None).unwrap();
		let file = file_of(directory.path(), "//Bob");
		assert!(file.is_file());
		let public = ed25519::Pair::from_string("//Bob", None).unwrap().public();
		for content in [
			"",
			"//Bob",
			"{\"uri\":\"//Bob\"}",
			"\"//Charlie\"",
			"\"no phrase at all\"",
		] {
			std::fs::write(&file, content).unwrap();
			let error = keys.membership(&committee).unwrap_err();
			assert!(matches!(error, KeyError::Unusable { .. }), "{error}");
			let error = error.to_string();
			assert!(error.contains(&public.to_string()), "{error}");
			assert!(!error.contains("Charlie"), "a secret is told: {error}");
		}
		// Another member's keys that are right are found beside them, and a file of another form is no key.
		insert(&**keys.keystore(), "//Alice", None).unwrap();
		std::fs::write(
			directory.path().join(format!("626c735f{}", "00".repeat(96))),
			"\"//Bob\"",
		)
		.unwrap();
		let alice = member("//Alice").unwrap();
		assert_eq!(keys.membership(&committee).unwrap().unwrap().0, alice);
	}
}
