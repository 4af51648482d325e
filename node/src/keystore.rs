//! The keystore as the RPC sees it: one that knows its consensus keys by their public keys.
//!
//! A keystore holds the ed25519 key that a consensus key is derived from, under the former's public key. Runtimes list the latter
//! among a node's keys. So `author_hasSessionKeys` would always say no; here it says what is so.

use asterism_consensus::keys::Keys;
use asterism_primitives::{committee::BlsPublic, keys::CONSENSUS_KEY};
use polkadot_sdk::{
	sp_core::{crypto::KeyTypeId, ecdsa, ed25519, sr25519},
	sp_keystore::{Error, Keystore, KeystorePtr},
};

/// Says that it has a consensus key if it has the ed25519 key that this is derived from. All else is up to the keystore inside.
pub struct NodeKeystore(KeystorePtr);

impl NodeKeystore {
	/// Wraps a keystore.
	pub fn new(keystore: KeystorePtr) -> Self {
		NodeKeystore(keystore)
	}
}

impl Keystore for NodeKeystore {
	fn has_keys(&self, public_keys: &[(Vec<u8>, KeyTypeId)]) -> bool {
		let (consensus, others): (Vec<_>, Vec<_>) =
			public_keys.iter().cloned().partition(|(public, key_type)| {
				*key_type == CONSENSUS_KEY && BlsPublic::try_from(&public[..]).is_ok()
			});
		let keys = Keys::new(self.0.clone());
		let has = |public: &[u8]| BlsPublic::try_from(public).is_ok_and(|key| keys.has_consensus(&key));
		self.0.has_keys(&others) && consensus.iter().all(|(public, _)| has(public))
	}

	fn insert(&self, key_type: KeyTypeId, suri: &str, public: &[u8]) -> Result<(), ()> {
		self.0.insert(key_type, suri, public)
	}

	fn keys(&self, key_type: KeyTypeId) -> Result<Vec<Vec<u8>>, Error> {
		self.0.keys(key_type)
	}

	fn sr25519_public_keys(&self, key_type: KeyTypeId) -> Vec<sr25519::Public> {
		self.0.sr25519_public_keys(key_type)
	}

	fn sr25519_generate_new(
		&self,
		key_type: KeyTypeId,
		seed: Option<&str>,
	) -> Result<sr25519::Public, Error> {
		self.0.sr25519_generate_new(key_type, seed)
	}

	fn sr25519_sign(
		&self,
		key_type: KeyTypeId,
		public: &sr25519::Public,
		message: &[u8],
	) -> Result<Option<sr25519::Signature>, Error> {
		self.0.sr25519_sign(key_type, public, message)
	}

	fn sr25519_vrf_sign(
		&self,
		key_type: KeyTypeId,
		public: &sr25519::Public,
		data: &sr25519::vrf::VrfSignData,
	) -> Result<Option<sr25519::vrf::VrfSignature>, Error> {
		self.0.sr25519_vrf_sign(key_type, public, data)
	}

	fn sr25519_vrf_pre_output(
		&self,
		key_type: KeyTypeId,
		public: &sr25519::Public,
		input: &sr25519::vrf::VrfInput,
	) -> Result<Option<sr25519::vrf::VrfPreOutput>, Error> {
		self.0.sr25519_vrf_pre_output(key_type, public, input)
	}

	fn ed25519_public_keys(&self, key_type: KeyTypeId) -> Vec<ed25519::Public> {
		self.0.ed25519_public_keys(key_type)
	}

	fn ed25519_generate_new(
		&self,
		key_type: KeyTypeId,
		seed: Option<&str>,
	) -> Result<ed25519::Public, Error> {
		self.0.ed25519_generate_new(key_type, seed)
	}

	fn ed25519_sign(
		&self,
		key_type: KeyTypeId,
		public: &ed25519::Public,
		message: &[u8],
	) -> Result<Option<ed25519::Signature>, Error> {
		self.0.ed25519_sign(key_type, public, message)
	}

	fn ecdsa_public_keys(&self, key_type: KeyTypeId) -> Vec<ecdsa::Public> {
		self.0.ecdsa_public_keys(key_type)
	}

	fn ecdsa_generate_new(&self, key_type: KeyTypeId, seed: Option<&str>) -> Result<ecdsa::Public, Error> {
		self.0.ecdsa_generate_new(key_type, seed)
	}

	fn ecdsa_sign(
		&self,
		key_type: KeyTypeId,
		public: &ecdsa::Public,
		message: &[u8],
	) -> Result<Option<ecdsa::Signature>, Error> {
		self.0.ecdsa_sign(key_type, public, message)
	}

	fn ecdsa_sign_prehashed(
		&self,
		key_type: KeyTypeId,
		public: &ecdsa::Public,
		message: &[u8; 32],
	) -> Result<Option<ecdsa::Signature>, Error> {
		self.0.ecdsa_sign_prehashed(key_type, public, message)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use asterism_consensus::keys;
	use asterism_primitives::keys::{IDENTITY_KEY, SORTITION_KEY};
	use polkadot_sdk::sp_keystore::testing::MemoryKeystore;
	use std::sync::Arc;

	#[test]
	fn a_consensus_key_is_there_if_what_it_is_derived_from_is() {
		let keystore = NodeKeystore::new(Arc::new(MemoryKeystore::new()));
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
}
