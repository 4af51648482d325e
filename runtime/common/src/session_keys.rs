//! What the `SessionKeys` API of both runtimes answers, so that operators make a node's keys with `author_rotateKeys` and
//! `author_rotateKeysWithOwner` as on any other Substrate chain.
//!
//! # Flow
//!
//! ```text
//!  author_rotateKeysWithOwner(owner) ──► generate ──► keystore: three new keys
//!                                           └──► keys and proof, the arguments of Stake.register and Stake.rotate
//! ```
//!
//! # Assumptions
//!
//! These functions are called by runtime APIs alone, where the node offers its keystore to the runtime. No block's execution
//! may call [`generate`]: there is no keystore then.

use crate::possession::Secret;
use alloc::{vec, vec::Vec};
use asterism_primitives::{
	committee::MemberId,
	keys::{
		NodeKeys, NodeKeysProof, SortitionPublic, CONSENSUS_KEY, CONSENSUS_SEED, IDENTITY_KEY, SORTITION_KEY,
	},
	AccountId, Hash,
};
use codec::{DecodeAll, Encode};
use polkadot_sdk::{
	sp_core::crypto::KeyTypeId,
	sp_io::crypto::{ed25519_generate, ed25519_sign, sr25519_generate, sr25519_sign},
	sp_session::OpaqueGeneratedSessionKeys,
};

/// Makes a node's keys in the keystore, and the proof that they are `owner`'s: the 32 bytes of an account. There is no proof
/// if it is none, or if the genesis hash of the root chain is not known.
///
/// Keys of a `seed` are kept in memory only, as the keystore has it.
///
/// # Panics
/// If the keystore makes no keys, or `seed` is not UTF-8: the caller's request fails.
pub fn generate(owner: &[u8], seed: Option<Vec<u8>>, genesis: Option<Hash>) -> OpaqueGeneratedSessionKeys {
	let identity = sr25519_generate(IDENTITY_KEY, seed.clone());
	let sortition = sr25519_generate(SORTITION_KEY, seed.clone());
	let consensus = ed25519_generate(CONSENSUS_KEY, seed);
	let secret = ed25519_sign(CONSENSUS_KEY, &consensus, CONSENSUS_SEED)
		.and_then(|signature| Secret::derive(&signature.0))
		.expect("the keystore signs with the key that it made");
	let keys = NodeKeys {
		identity: MemberId(identity.0),
		sortition: SortitionPublic(sortition.0),
		consensus: secret.public(),
	};
	let prove = |genesis: Hash| {
		let owner = AccountId::decode_all(&mut &owner[..]).ok()?;
		let statement = keys.ownership_statement(genesis, &owner);
		Some(NodeKeysProof {
			identity: sr25519_sign(IDENTITY_KEY, &identity, &statement)?.0,
			sortition: sr25519_sign(SORTITION_KEY, &sortition, &statement)?.0,
			consensus: secret.prove(&statement)?,
		})
	};
	OpaqueGeneratedSessionKeys {
		keys: keys.encode(),
		proof: genesis
			.and_then(prove)
			.map_or_else(Vec::new, |proof| proof.encode()),
	}
}

/// The keys of an encoded [`NodeKeys`], with the keystore's types. `None` if these bytes are no such.
pub fn decode(encoded: &[u8]) -> Option<Vec<(Vec<u8>, KeyTypeId)>> {
	let keys = NodeKeys::decode_all(&mut &encoded[..]).ok()?;
	Some(vec![
		(keys.identity.0.to_vec(), IDENTITY_KEY),
		(keys.sortition.0.to_vec(), SORTITION_KEY),
		(keys.consensus.0.to_vec(), CONSENSUS_KEY),
	])
}
