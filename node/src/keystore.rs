//! A node's keystore: one that knows its consensus keys by their public keys, and makes each key pair once.
//!
//! A keystore holds the ed25519 key that a consensus key is derived from, under the former's public key. Runtimes list the latter
//! among a node's keys. So `author_hasSessionKeys` would always say no; here it says what is so.
//!
//! Substrate's keystore makes the key pair from its phrase for each signature, by thousands of hashes: more than a third of what a
//! small network's node computes. Here pairs are kept for as long as the keystore has their phrase.

use asterism_consensus::keys::Keys;
use asterism_primitives::{
	committee::BlsPublic,
	keys::{CONSENSUS_KEY, IDENTITY_KEY, SORTITION_KEY},
};
use parking_lot::RwLock;
use polkadot_sdk::{
	sc_keystore::LocalKeystore,
	sp_application_crypto::{AppCrypto, AppPair},
	sp_core::{
		crypto::{KeyTypeId, VrfSecret},
		ecdsa, ed25519, sr25519, Pair,
	},
	sp_keystore::{Error, Keystore, KeystorePtr},
};
use std::{collections::HashMap, sync::Arc};

/// The types by which the keystore names its pairs.
mod app {
	use super::{CONSENSUS_KEY, IDENTITY_KEY, SORTITION_KEY};
	use polkadot_sdk::sp_application_crypto::{app_crypto, ed25519, sr25519};

	pub mod identity {
		use super::*;
		app_crypto!(sr25519, IDENTITY_KEY);
	}
	pub mod sortition {
		use super::*;
		app_crypto!(sr25519, SORTITION_KEY);
	}
	pub mod consensus {
		use super::*;
		app_crypto!(ed25519, CONSENSUS_KEY);
	}
}

/// Pairs that were made, by their public keys. A node has few.
struct Pairs<P: Pair>(RwLock<HashMap<P::Public, P>>);

impl<P: Pair> Default for Pairs<P> {
	fn default() -> Self {
		Pairs(RwLock::new(HashMap::new()))
	}
}

impl<P: Pair + Clone> Pairs<P> {
	/// The pair of this public key, if the keystore has it.
	fn get<A>(&self, keystore: &LocalKeystore, public: &P::Public) -> Result<Option<P>, Error>
	where
		A: AppPair<Generic = P> + Into<P>,
		<A as AppCrypto>::Public: From<P::Public>,
	{
		if !keystore.has_keys(&[(public.as_ref().to_vec(), A::ID)]) {
			self.0.write().remove(public);
			return Ok(None);
		}
		if let Some(pair) = self.0.read().get(public) {
			return Ok(Some(pair.clone()));
		}
		let made = keystore.key_pair::<A>(&public.clone().into());
		let Some(pair) = made.map_err(|error| Error::Other(error.to_string()))? else {
			return Ok(None);
		};
		let pair: P = pair.into();
		self.0.write().insert(public.clone(), pair.clone());
		Ok(Some(pair))
	}
}

/// A keystore on disk or in memory. What is not said here is up to it.
pub struct NodeKeystore {
	inner: Arc<LocalKeystore>,
	identities: Pairs<sr25519::Pair>,
	sortition: Pairs<sr25519::Pair>,
	consensus: Pairs<ed25519::Pair>,
}

impl NodeKeystore {
	/// Wraps a keystore.
	pub fn new(inner: Arc<LocalKeystore>) -> Self {
		NodeKeystore {
			inner,
			identities: Pairs::default(),
			sortition: Pairs::default(),
			consensus: Pairs::default(),
		}
	}

	/// The pair of an sr25519 key of one of our types; `None` for keys of other types.
	fn sr25519(
		&self,
		key_type: KeyTypeId,
		public: &sr25519::Public,
	) -> Option<Result<Option<sr25519::Pair>, Error>> {
		match key_type {
			IDENTITY_KEY => Some(self.identities.get::<app::identity::Pair>(&self.inner, public)),
			SORTITION_KEY => Some(self.sortition.get::<app::sortition::Pair>(&self.inner, public)),
			_ => None,
		}
	}
}

impl Keystore for NodeKeystore {
	fn has_keys(&self, public_keys: &[(Vec<u8>, KeyTypeId)]) -> bool {
		let (consensus, others): (Vec<_>, Vec<_>) =
			public_keys.iter().cloned().partition(|(public, key_type)| {
				*key_type == CONSENSUS_KEY && BlsPublic::try_from(&public[..]).is_ok()
			});
		let inner: KeystorePtr = self.inner.clone();
		let keys = Keys::new(inner);
		let has = |public: &[u8]| BlsPublic::try_from(public).is_ok_and(|key| keys.has_consensus(&key));
		self.inner.has_keys(&others) && consensus.iter().all(|(public, _)| has(public))
	}

	fn insert(&self, key_type: KeyTypeId, suri: &str, public: &[u8]) -> Result<(), ()> {
		self.inner.insert(key_type, suri, public)
	}

	fn keys(&self, key_type: KeyTypeId) -> Result<Vec<Vec<u8>>, Error> {
		self.inner.keys(key_type)
	}

	fn sr25519_public_keys(&self, key_type: KeyTypeId) -> Vec<sr25519::Public> {
		self.inner.sr25519_public_keys(key_type)
	}

	fn sr25519_generate_new(
		&self,
		key_type: KeyTypeId,
		seed: Option<&str>,
	) -> Result<sr25519::Public, Error> {
		self.inner.sr25519_generate_new(key_type, seed)
	}

	fn sr25519_sign(
		&self,
		key_type: KeyTypeId,
		public: &sr25519::Public,
		message: &[u8],
	) -> Result<Option<sr25519::Signature>, Error> {
		match self.sr25519(key_type, public) {
			Some(pair) => Ok(pair?.map(|pair| pair.sign(message))),
			None => self.inner.sr25519_sign(key_type, public, message),
		}
	}

	fn sr25519_vrf_sign(
		&self,
		key_type: KeyTypeId,
		public: &sr25519::Public,
		data: &sr25519::vrf::VrfSignData,
	) -> Result<Option<sr25519::vrf::VrfSignature>, Error> {
		match self.sr25519(key_type, public) {
			Some(pair) => Ok(pair?.map(|pair| pair.vrf_sign(data))),
			None => self.inner.sr25519_vrf_sign(key_type, public, data),
		}
	}

	fn sr25519_vrf_pre_output(
		&self,
		key_type: KeyTypeId,
		public: &sr25519::Public,
		input: &sr25519::vrf::VrfInput,
	) -> Result<Option<sr25519::vrf::VrfPreOutput>, Error> {
		self.inner.sr25519_vrf_pre_output(key_type, public, input)
	}

	fn ed25519_public_keys(&self, key_type: KeyTypeId) -> Vec<ed25519::Public> {
		self.inner.ed25519_public_keys(key_type)
	}

	fn ed25519_generate_new(
		&self,
		key_type: KeyTypeId,
		seed: Option<&str>,
	) -> Result<ed25519::Public, Error> {
		self.inner.ed25519_generate_new(key_type, seed)
	}

	fn ed25519_sign(
		&self,
		key_type: KeyTypeId,
		public: &ed25519::Public,
		message: &[u8],
	) -> Result<Option<ed25519::Signature>, Error> {
		match key_type {
			CONSENSUS_KEY => {
				let pair = self.consensus.get::<app::consensus::Pair>(&self.inner, public)?;
				Ok(pair.map(|pair| pair.sign(message)))
			}
			_ => self.inner.ed25519_sign(key_type, public, message),
		}
	}

	fn ecdsa_public_keys(&self, key_type: KeyTypeId) -> Vec<ecdsa::Public> {
		self.inner.ecdsa_public_keys(key_type)
	}

	fn ecdsa_generate_new(&self, key_type: KeyTypeId, seed: Option<&str>) -> Result<ecdsa::Public, Error> {
		self.inner.ecdsa_generate_new(key_type, seed)
	}

	fn ecdsa_sign(
		&self,
		key_type: KeyTypeId,
		public: &ecdsa::Public,
		message: &[u8],
	) -> Result<Option<ecdsa::Signature>, Error> {
		self.inner.ecdsa_sign(key_type, public, message)
	}

	fn ecdsa_sign_prehashed(
		&self,
		key_type: KeyTypeId,
		public: &ecdsa::Public,
		message: &[u8; 32],
	) -> Result<Option<ecdsa::Signature>, Error> {
		self.inner.ecdsa_sign_prehashed(key_type, public, message)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use asterism_consensus::keys;
	use polkadot_sdk::{sp_core::crypto::VrfPublic, sp_runtime::traits::Verify};

	/// A keystore in memory takes no phrases, but seeds alone.
	fn on_disk() -> (NodeKeystore, tempfile::TempDir) {
		let folder = tempfile::tempdir().unwrap();
		let inner = LocalKeystore::open(folder.path(), None).unwrap();
		(NodeKeystore::new(Arc::new(inner)), folder)
	}

	#[test]
	fn a_consensus_key_is_there_if_what_it_is_derived_from_is() {
		let (keystore, _folder) = on_disk();
		let listed = |suri: &str| {
			let keys = keys::node_keys(suri, None).unwrap();
			vec![
				(keys.identity.0.to_vec(), IDENTITY_KEY),
				(keys.sortition.0.to_vec(), SORTITION_KEY),
				(keys.consensus.0.to_vec(), CONSENSUS_KEY),
			]
		};
		assert!(!keystore.has_keys(&listed("//Alice")));
		keys::insert(&keystore, "//Alice", None).unwrap();
		assert!(keystore.has_keys(&listed("//Alice")));
		assert!(!keystore.has_keys(&listed("//Bob")));
		let mut mixed = listed("//Alice");
		mixed[2] = listed("//Bob")[2].clone();
		assert!(!keystore.has_keys(&mixed), "somebody else's consensus key");
		mixed[2] = (vec![1; 95], CONSENSUS_KEY);
		assert!(!keystore.has_keys(&mixed), "no key at all");
		let public = keystore.ed25519_public_keys(CONSENSUS_KEY)[0];
		assert!(keystore.has_keys(&[(public.0.to_vec(), CONSENSUS_KEY)]));
	}

	/// All kinds of signatures, by keys of each type that a node has, twice: from the phrase, and from the pair that was kept.
	#[test]
	fn kept_pairs_sign_what_the_keystore_would() {
		let (keystore, _folder) = on_disk();
		let other = sr25519::Pair::from_string("//Other", None).unwrap().public();
		keys::insert(&keystore, "//Alice", None).unwrap();
		let message = b"message";
		let data = sr25519::vrf::VrfTranscript::new(b"label", &[(b"seed", &[7; 32])]).into_sign_data();
		for _ in 0..2 {
			for key_type in [IDENTITY_KEY, SORTITION_KEY] {
				let [public] = keystore.sr25519_public_keys(key_type)[..] else {
					panic!("one key of each type")
				};
				let signature = keystore
					.sr25519_sign(key_type, &public, message)
					.unwrap()
					.unwrap();
				assert!(signature.verify(&message[..], &public));
				let drawn = keystore
					.sr25519_vrf_sign(key_type, &public, &data)
					.unwrap()
					.unwrap();
				assert!(public.vrf_verify(&data, &drawn));
				assert_eq!(keystore.sr25519_sign(key_type, &other, message).unwrap(), None);
			}
			let public = keystore.ed25519_public_keys(CONSENSUS_KEY)[0];
			let signature = keystore
				.ed25519_sign(CONSENSUS_KEY, &public, message)
				.unwrap()
				.unwrap();
			assert!(signature.verify(&message[..], &public));
		}
		// A key of another type is not one of this type.
		let identity = keystore.sr25519_public_keys(IDENTITY_KEY)[0];
		keystore.insert(KeyTypeId(*b"none"), "//Other", &other.0).unwrap();
		assert_eq!(
			keystore.sr25519_sign(IDENTITY_KEY, &other, message).unwrap(),
			None
		);
		let signature = keystore
			.sr25519_sign(KeyTypeId(*b"none"), &other, message)
			.unwrap()
			.unwrap();
		assert!(signature.verify(&message[..], &other));
		assert_ne!(identity, other);
	}

	#[test]
	fn a_key_that_is_taken_away_signs_no_more() {
		let (keystore, folder) = on_disk();
		keys::insert(&keystore, "//Alice", None).unwrap();
		let public = keystore.sr25519_public_keys(IDENTITY_KEY)[0];
		let sign = || keystore.sr25519_sign(IDENTITY_KEY, &public, b"message").unwrap();
		assert!(sign().is_some() && sign().is_some());
		for file in std::fs::read_dir(folder.path()).unwrap() {
			std::fs::remove_file(file.unwrap().path()).unwrap();
		}
		assert_eq!(sign(), None);
	}
}
