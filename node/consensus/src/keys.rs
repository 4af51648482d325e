//! A member's consensus key in the node's keystore.
//!
//! The keystore holds BLS keys as it holds all others: one file `<hex of key type><hex of public key>` with the secret
//! URI as a JSON string. So `author_insertKey` and the operators' habits work. The secret scalar is derived from the
//! URI's 32-byte seed, the way ed25519 keys derive it (hard junctions only), by hashing to the scalar field.

use crate::scheme::public_key;
use asterism_primitives::committee::{BlsPublic, Committee, Member, MemberId};
use commonware_cryptography::bls12381::primitives::group::{Private, Scalar};
use polkadot_sdk::{
	sp_core::{crypto::KeyTypeId, ed25519, sr25519, Pair},
	sp_keystore::{Keystore, KeystorePtr},
};
use std::path::{Path, PathBuf};

/// The key type of consensus keys.
pub const BLS_KEY: KeyTypeId = KeyTypeId(*b"bls_");
/// The key type of members' identities: that of authority discovery.
pub const IDENTITY_KEY: KeyTypeId = polkadot_sdk::sp_core::crypto::key_types::AUTHORITY_DISCOVERY;

/// Separates this derivation from every other use of the same seed.
const DERIVATION: &[u8] = b"ASTERISM_BLS12381_KEYGEN";

/// Why a key can't be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
	/// The URI is not understood.
	#[error("secret URI: expected a phrase or seed with hard junctions only, like \"//Alice\": {0}")]
	Uri(String),
	/// The keystore refused.
	#[error("the keystore did not take the key")]
	Keystore,
	/// A key file can't be read.
	#[error("key file {file}: {reason}")]
	File {
		/// Which.
		file: PathBuf,
		/// Why.
		reason: String,
	},
}

/// The secret consensus key of a secret URI, and its public key.
///
/// # Errors
/// [`KeyError::Uri`].
pub fn derive(suri: &str, password: Option<&str>) -> Result<(Private, BlsPublic), KeyError> {
	let (_, seed) =
		ed25519::Pair::from_string_with_seed(suri, password).map_err(|e| KeyError::Uri(format!("{e:?}")))?;
	let seed = seed.ok_or_else(|| KeyError::Uri("it has no seed".into()))?;
	let secret = Private::new(Scalar::map(DERIVATION, &seed));
	let public = public_key(&secret);
	Ok((secret, public))
}

/// The member whose two keys come from one secret URI: what development networks use.
///
/// # Errors
/// [`KeyError::Uri`].
pub fn member(suri: &str) -> Result<Member, KeyError> {
	let identity = sr25519::Pair::from_string(suri, None).map_err(|e| KeyError::Uri(format!("{e:?}")))?;
	Ok(Member {
		id: MemberId(identity.public().0),
		key: derive(suri, None)?.1,
	})
}

/// Puts both keys of a secret URI into the keystore.
///
/// # Errors
/// [`KeyError`].
pub fn insert(keystore: &dyn Keystore, suri: &str) -> Result<(), KeyError> {
	let member = member(suri)?;
	keystore
		.insert(IDENTITY_KEY, suri, &member.id.0)
		.map_err(|()| KeyError::Keystore)?;
	keystore
		.insert(BLS_KEY, suri, &member.key.0)
		.map_err(|()| KeyError::Keystore)
}

/// Where this node's secret keys are.
#[derive(Clone)]
pub struct Keys {
	keystore: KeystorePtr,
	directory: Option<PathBuf>,
}

impl Keys {
	/// Keys in the given keystore, whose files are in `directory`; without one, there is no consensus key.
	pub fn new(keystore: KeystorePtr, directory: Option<PathBuf>) -> Self {
		Keys { keystore, directory }
	}

	/// The keystore.
	pub fn keystore(&self) -> &KeystorePtr {
		&self.keystore
	}

	/// The first member of a committee for which this node has both keys, with its secret consensus key.
	///
	/// # Errors
	/// [`KeyError::File`] if a key file of a member can't be used.
	pub fn membership(&self, committee: &Committee) -> Result<Option<(Member, Private)>, KeyError> {
		let Some(directory) = &self.directory else {
			return Ok(None);
		};
		for member in committee.members() {
			if !self.keystore.has_keys(&[(member.id.0.to_vec(), IDENTITY_KEY)]) {
				continue;
			}
			if let Some(secret) = read(directory, &member.key)? {
				return Ok(Some((member.clone(), secret)));
			}
		}
		Ok(None)
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

fn read(directory: &Path, public: &BlsPublic) -> Result<Option<Private>, KeyError> {
	let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
	let file = directory.join(hex(&BLS_KEY.0) + &hex(&public.0));
	let error = |reason: String| KeyError::File {
		file: file.clone(),
		reason,
	};
	let text = match std::fs::read_to_string(&file) {
		Ok(text) => text,
		Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
		Err(e) => return Err(error(e.to_string())),
	};
	let suri: String =
		serde_json::from_str(&text).map_err(|_| error("expected a secret URI as a JSON string".into()))?;
	let (secret, derived) = derive(&suri, None).map_err(|e| error(e.to_string()))?;
	if derived != *public {
		return Err(error("its secret URI gives another public key".into()));
	}
	Ok(Some(secret))
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn derivation_is_deterministic_and_hard() {
		let alice = member("//Alice").unwrap();
		assert_eq!(alice, member("//Alice").unwrap());
		assert_ne!(alice.key, member("//Bob").unwrap().key);
		assert_ne!(derive("//Alice", Some("pass")).unwrap().1, alice.key);
		assert!(matches!(derive("//Alice/soft", None), Err(KeyError::Uri(_))));
		assert!(matches!(derive("no phrase at all", None), Err(KeyError::Uri(_))));
	}

	fn open(directory: &Path) -> Keys {
		let keystore = polkadot_sdk::sc_keystore::LocalKeystore::open(directory, None).unwrap();
		Keys::new(keystore.into(), Some(directory.into()))
	}

	fn file_of(directory: &Path, key: &BlsPublic) -> PathBuf {
		directory.join(format!("626c735f{}", key.to_string().trim_start_matches("0x")))
	}

	#[test]
	fn a_node_is_the_member_whose_two_keys_it_has() {
		let directory = tempfile::tempdir().unwrap();
		let keys = open(directory.path());
		let committee = crate::mock::committee(0);
		assert!(keys.membership(&committee).unwrap().is_none());

		insert(&**keys.keystore(), "//Eve").unwrap();
		assert!(keys.membership(&committee).unwrap().is_none(), "no member");
		let bob = member("//Bob").unwrap();
		keys.keystore().insert(IDENTITY_KEY, "//Bob", &bob.id.0).unwrap();
		assert!(keys.membership(&committee).unwrap().is_none(), "one key only");
		keys.keystore().insert(BLS_KEY, "//Bob", &bob.key.0).unwrap();
		for keys in [keys, open(directory.path())] {
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
		let elsewhere = Keys::new(open(directory.path()).keystore, None);
		assert!(elsewhere.membership(&committee).unwrap().is_none());
	}

	#[test]
	fn key_files_that_are_not_right_are_named() {
		let directory = tempfile::tempdir().unwrap();
		let keys = open(directory.path());
		let committee = crate::mock::committee(0);
		let bob = member("//Bob").unwrap();
		insert(&**keys.keystore(), "//Bob").unwrap();
		let file = file_of(directory.path(), &bob.key);
		assert!(file.is_file());
		for (content, reason) in [
			("", "expected a secret URI as a JSON string"),
			("//Bob", "expected a secret URI as a JSON string"),
			("{\"uri\":\"//Bob\"}", "expected a secret URI as a JSON string"),
			("\"//Charlie\"", "its secret URI gives another public key"),
		] {
			std::fs::write(&file, content).unwrap();
			let error = keys.membership(&committee).unwrap_err().to_string();
			assert!(
				error.contains(reason) && error.contains(file.to_str().unwrap()),
				"{error}"
			);
			assert!(!error.contains("Charlie"), "a secret is told: {error}");
		}
		std::fs::write(&file, "\"no phrase at all\"").unwrap();
		let error = keys.membership(&committee).unwrap_err();
		assert!(matches!(error, KeyError::File { .. }), "{error}");
		assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
	}
}
