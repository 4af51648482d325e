//! Proofs that somebody has the secret of a consensus key: verifying them, making them, and deriving the secret from an
//! ed25519 signature (see [`asterism_primitives::keys`]).
//!
//! # Overview
//!
//! A member whose key nobody asked a proof for could choose it so that it cancels the others' keys, and sign for all of
//! them alone. A proof is a signature over a statement that names key and owner, in a domain of its own: [`DST`].
//!
//! # Assumptions
//!
//! Making keys and proofs happens in the runtime APIs that a node's operator calls, at the operator's own node: the secret
//! is in the memory of that call, and scalar multiplication is not constant in time.

use crate::bls::{hash_to_curve, parse_key, verify, HostBls};
use ark_bls12_381::Fr;
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{PrimeField, Zero};
use ark_serialize::{CanonicalSerialize, Validate};
use asterism_primitives::{
	committee::{BlsPublic, BlsSignature},
	keys::{VerifyPossession, CONSENSUS_SEED},
};
use sha2::{Digest, Sha256};
use sp_crypto_ec_utils::bls12_381::G2Affine;

/// The domain of proofs of possession, the same as in commonware.
pub const DST: &[u8] = b"BLS_POP_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_";

impl VerifyPossession for HostBls {
	fn verify_possession(key: &BlsPublic, statement: &[u8], signature: &BlsSignature) -> bool {
		parse_key(key, Validate::Yes)
			.and_then(|key| verify(DST, key.into_group(), statement, signature))
			.unwrap_or(false)
	}
}

/// The secret of a consensus key.
pub struct Secret(Fr);

impl Secret {
	/// Derives it from an ed25519 signature over [`CONSENSUS_SEED`]. `None` if that gives zero, which no signature is known
	/// for.
	pub fn derive(signature: &[u8; 64]) -> Option<Self> {
		let secret = Fr::from_be_bytes_mod_order(&expand(CONSENSUS_SEED, signature));
		(!secret.is_zero()).then_some(Secret(secret))
	}

	/// Its public key.
	pub fn public(&self) -> BlsPublic {
		let point = G2Affine::generator().mul_bigint(self.0.into_bigint());
		let mut bytes = [0; 96];
		point
			.into_affine()
			.serialize_compressed(&mut bytes[..])
			.expect("a compressed point of G2 has 96 bytes");
		BlsPublic(bytes)
	}

	/// Proves that its owner has it. `None` only if the statement has no hash, which nobody can bring about.
	pub fn prove(&self, statement: &[u8]) -> Option<BlsSignature> {
		let point = hash_to_curve(DST, statement)?.mul_bigint(self.0.into_bigint());
		let mut bytes = [0; 48];
		point
			.into_affine()
			.serialize_compressed(&mut bytes[..])
			.expect("a compressed point of G1 has 48 bytes");
		Some(BlsSignature(bytes))
	}
}

/// RFC 9380's `expand_message_xmd` with SHA-256, to 48 bytes.
///
/// arkworks' own pads the message to the length of a field element in place of the hash function's block. For the base field
/// both are 64 bytes; for the scalar field they differ.
fn expand(domain: &[u8], message: &[u8]) -> [u8; 48] {
	const BLOCK: [u8; 64] = [0; 64];
	let length = [domain.len() as u8];
	let hash = |parts: &[&[u8]]| -> [u8; 32] {
		let mut hasher = Sha256::new();
		for part in parts {
			hasher.update(part);
		}
		hasher.update(domain);
		hasher.update(length);
		hasher.finalize().into()
	};
	let b0 = hash(&[&BLOCK, message, &48u16.to_be_bytes(), &[0]]);
	let b1 = hash(&[&b0, &[1]]);
	let mut mixed = b0;
	for (byte, other) in mixed.iter_mut().zip(b1) {
		*byte ^= other;
	}
	let b2 = hash(&[&mixed, &[2]]);
	let mut bytes = [0; 48];
	bytes[..32].copy_from_slice(&b1);
	bytes[32..].copy_from_slice(&b2[..16]);
	bytes
}

/// Makes proofs for benchmarks, with secrets that everybody knows.
#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking {
	use super::*;

	/// The proof of the key of member `i` in [`crate::bls::benchmarking`].
	pub fn prove(i: u32, statement: &[u8]) -> BlsSignature {
		Secret(Fr::from(u64::from(i) + 1))
			.prove(statement)
			.expect("nobody finds a statement without a hash")
	}
}
