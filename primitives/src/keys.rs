//! The keys of a node that may be elected to committees, and the proof that they are its own (Thinkey §4.1).
//!
//! # Overview
//!
//! | key | kind | in the keystore |
//! |---|---|---|
//! | identity | sr25519 | as type [`IDENTITY_KEY`] |
//! | sortition | sr25519 | as type [`SORTITION_KEY`] |
//! | consensus | BLS12-381 | an ed25519 key of type [`CONSENSUS_KEY`], which its secret is derived from |
//!
//! # Specification
//!
//! The secret of a consensus key is the hash to the scalar field of BLS12-381 (RFC 9380 §5.2 with `expand_message_xmd`,
//! SHA-256 and 48 bytes) of an ed25519 signature over [`CONSENSUS_SEED`], under the domain [`CONSENSUS_SEED`]. Such
//! signatures are deterministic (RFC 8032), so any keystore that can sign can hold a consensus key, without its secret being
//! read from a file.
//!
//! # Assumptions
//!
//! An ed25519 key of type [`CONSENSUS_KEY`] signs nothing else, and this signature leaves the node as little as a secret key.

use crate::{
	committee::{fixed_bytes, BlsPublic, BlsSignature, MemberId},
	AccountId, Hash,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use polkadot_sdk::{
	sp_core::{
		bytes,
		crypto::{key_types, KeyTypeId},
		sr25519,
	},
	sp_runtime::traits::Verify,
};
use scale_info::TypeInfo;
use serde::{de::Error as _, Deserialize, Deserializer, Serialize, Serializer};

/// The keystore's type of identity keys (sr25519): that of authority discovery.
pub const IDENTITY_KEY: KeyTypeId = key_types::AUTHORITY_DISCOVERY;
/// The keystore's type of sortition keys (sr25519).
pub const SORTITION_KEY: KeyTypeId = KeyTypeId(*b"vrf_");
/// The keystore's type of the ed25519 keys that consensus keys are derived from.
pub const CONSENSUS_KEY: KeyTypeId = KeyTypeId(*b"bls_");

/// What the ed25519 key signs to make a consensus key, and the domain that this signature is hashed under.
pub const CONSENSUS_SEED: &[u8] = b"ASTERISM_BLS12381_KEYGEN";

/// Separates statements of ownership from all else that these keys sign.
const OWNERSHIP: &[u8] = b"ASTERISM_OWNERSHIP";

fixed_bytes!(
	/// An sr25519 key whose VRF decides elections.
	SortitionPublic,
	32
);

/// The public keys of a node.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeKeys {
	/// By which members of a committee find and recognize each other.
	pub identity: MemberId,
	/// Whose VRF decides elections.
	pub sortition: SortitionPublic,
	/// With which a member votes.
	pub consensus: BlsPublic,
}

impl NodeKeys {
	/// What each of the keys signs to say that it belongs to `owner`, on the network whose root chain has this genesis
	/// block. It names all three keys: a key is bound to the others, so it can't be taken over by somebody else.
	pub fn ownership_statement(&self, genesis: Hash, owner: &AccountId) -> Vec<u8> {
		let mut bytes = OWNERSHIP.to_vec();
		(genesis, owner, self).encode_to(&mut bytes);
		bytes
	}

	/// Whether `proof` says that all three keys belong to `owner`, on the network whose root chain has this genesis block.
	///
	/// # Errors
	/// The first [`OwnershipError`] found.
	pub fn verify_ownership<V: VerifyPossession>(
		&self,
		genesis: Hash,
		owner: &AccountId,
		proof: &NodeKeysProof,
	) -> Result<(), OwnershipError> {
		let statement = self.ownership_statement(genesis, owner);
		let signed = |key: [u8; 32], signature: [u8; 64]| {
			let key = sr25519::Public::from_raw(key);
			sr25519::Signature::from_raw(signature).verify(&statement[..], &key)
		};
		if !signed(self.identity.0, proof.identity) {
			return Err(OwnershipError::Identity);
		}
		if !signed(self.sortition.0, proof.sortition) {
			return Err(OwnershipError::Sortition);
		}
		if !V::verify_possession(&self.consensus, &statement, &proof.consensus) {
			return Err(OwnershipError::Consensus);
		}
		Ok(())
	}
}

/// Why a proof of ownership is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnershipError {
	/// The identity key didn't sign the statement.
	Identity,
	/// The sortition key didn't sign the statement.
	Sortition,
	/// The consensus key is not valid, or didn't sign the statement under the domain for proofs of possession.
	Consensus,
}

/// Verifies that somebody has the secret of a consensus key.
pub trait VerifyPossession {
	/// Whether `key` is a valid consensus key (as [`CommitteeKeys::validate`] has it) and `signature` its signature over
	/// `statement`, hashed to the curve under the domain `BLS_POP_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_`. Votes are hashed
	/// under another domain, so no vote is a proof.
	///
	/// [`CommitteeKeys::validate`]: crate::certificate::CommitteeKeys::validate
	fn verify_possession(key: &BlsPublic, statement: &[u8], signature: &BlsSignature) -> bool;
}

/// The signatures of a node's keys under their [ownership statement](NodeKeys::ownership_statement).
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct NodeKeysProof {
	/// Of the identity key (sr25519).
	pub identity: [u8; 64],
	/// Of the sortition key (sr25519).
	pub sortition: [u8; 64],
	/// Of the consensus key, under the domain for proofs of possession.
	pub consensus: BlsSignature,
}

#[cfg(test)]
mod tests {
	use super::*;
	use codec::DecodeAll;

	fn keys() -> NodeKeys {
		NodeKeys {
			identity: MemberId([1; 32]),
			sortition: SortitionPublic([2; 32]),
			consensus: BlsPublic([3; 96]),
		}
	}

	#[test]
	fn a_statement_names_network_owner_and_all_keys() {
		let statement = |keys: NodeKeys, genesis, owner| {
			keys.ownership_statement(Hash::repeat_byte(genesis), &AccountId::new([owner; 32]))
		};
		let expected: Vec<u8> = [
			&b"ASTERISM_OWNERSHIP"[..],
			&[8; 32],
			&[9; 32],
			&[1; 32],
			&[2; 32],
			&[3; 96],
		]
		.concat();
		assert_eq!(statement(keys(), 8, 9), expected);
		let others = [
			NodeKeys {
				identity: MemberId([7; 32]),
				..keys()
			},
			NodeKeys {
				sortition: SortitionPublic([7; 32]),
				..keys()
			},
			NodeKeys {
				consensus: BlsPublic([7; 96]),
				..keys()
			},
		];
		for other in others {
			assert_ne!(statement(other, 8, 9), expected);
		}
		assert_ne!(statement(keys(), 7, 9), expected);
		assert_ne!(statement(keys(), 8, 7), expected);
	}

	#[test]
	fn keys_and_proofs_have_one_length() {
		assert_eq!(keys().encode().len(), NodeKeys::max_encoded_len());
		assert_eq!(NodeKeys::max_encoded_len(), 160);
		assert_eq!(NodeKeysProof::max_encoded_len(), 176);
		assert!(NodeKeys::decode_all(&mut &[0; 161][..]).is_err());
		assert!(NodeKeys::decode_all(&mut &[0; 159][..]).is_err());
	}

	#[test]
	fn keys_are_hex_in_json() {
		let text = serde_json::to_string(&keys()).unwrap();
		assert!(text.contains("\"sortition\":\"0x0202"), "{text}");
		assert_eq!(serde_json::from_str::<NodeKeys>(&text).unwrap(), keys());
		let unknown = text.replace("sortition", "vrf");
		assert!(serde_json::from_str::<NodeKeys>(&unknown).is_err());
	}
}
