//! Verifies certificates' signatures inside a runtime: BLS12-381 with keys in G2 and signatures in G1, as commonware's
//! `MinSig` variant makes them. The scalar multiplications and pairings run in the host, the rest in Wasm.
//!
//! # Specification
//!
//! - Points are in the ZCash compressed format. The identity is refused, both as a key and as a signature.
//! - A message is hashed to G1 by RFC 9380's `BLS12381G1_XMD:SHA-256_SSWU_RO_` under [`DST`].
//! - An aggregate signature `s` of the keys `p₁ … pₙ` over the message `m` is valid iff `s` is in the subgroup and
//!   `e(H(m), p₁ + … + pₙ) = e(s, g₂)`.
//!
//! # Assumptions
//!
//! - Keys passed [`validate_key`] before they got on record: [`HostBls`] doesn't check their subgroup again, which for a
//!   large committee would take longer than everything else together.
//! - Keys are on record with their owners' consent. Whoever may put a committee on record must ask each member for a
//!   proof of possession, or a member could choose its key so that it cancels others'.

use alloc::vec::Vec;
use ark_bls12_381::{g1::Config as G1Map, Fq};
use ark_ec::{
	hashing::{curve_maps::wb::WBMap, map_to_curve_hasher::MapToCurve},
	pairing::Pairing,
	AffineRepr, CurveGroup,
};
use ark_ff::{
	field_hashers::{DefaultFieldHasher, HashToField},
	Zero,
};
use ark_serialize::{CanonicalDeserialize, Compress, Validate};
use asterism_primitives::{
	certificate::VerifyAggregate,
	committee::{BlsPublic, BlsSignature},
};
use sha2::Sha256;
use sp_crypto_ec_utils::bls12_381::{Bls12_381, G1Affine, G2Affine, G2Projective};

/// The domain of signatures over messages, the same as in commonware.
pub const DST: &[u8] = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_";

/// Verifies aggregated signatures with the host's curve arithmetic.
pub struct HostBls;

impl VerifyAggregate for HostBls {
	fn verify_aggregate<'a>(
		keys: impl Iterator<Item = &'a BlsPublic>,
		message: &[u8],
		signature: &BlsSignature,
	) -> bool {
		verify(keys, message, signature).unwrap_or(false)
	}
}

/// Whether this is the compressed form of a point of G2's subgroup, other than the identity.
pub fn validate_key(key: &BlsPublic) -> bool {
	parse_key(key, Validate::Yes).is_some()
}

/// `None` if a key or the signature is malformed.
fn verify<'a>(
	keys: impl Iterator<Item = &'a BlsPublic>,
	message: &[u8],
	signature: &BlsSignature,
) -> Option<bool> {
	let signature = parse_signature(signature)?;
	let mut sum = G2Projective::zero();
	for key in keys {
		sum += parse_key(key, Validate::No)?;
	}
	// Keys that cancel each other out would make any signature a valid one of somebody.
	if sum.is_zero() {
		return Some(false);
	}
	let hash = hash_to_curve(message)?;
	// One product of two pairings: e(H(m), p) · e(s, −g₂) = 1.
	let g1: Vec<G1Affine> = alloc::vec![hash, signature];
	let g2: Vec<G2Affine> = alloc::vec![sum.into_affine(), -G2Affine::generator()];
	let product = Bls12_381::final_exponentiation(Bls12_381::multi_miller_loop(g1, g2))?;
	Some(product.is_zero())
}

fn parse_key(key: &BlsPublic, validate: Validate) -> Option<G2Affine> {
	let point = G2Affine::deserialize_with_mode(&key.0[..], Compress::Yes, validate).ok()?;
	(!point.is_zero()).then_some(point)
}

fn parse_signature(signature: &BlsSignature) -> Option<G1Affine> {
	let point = G1Affine::deserialize_with_mode(&signature.0[..], Compress::Yes, Validate::Yes).ok()?;
	(!point.is_zero()).then_some(point)
}

/// Hashes a message to G1. `None` only if the two mapped points cancel out, which nobody can bring about.
fn hash_to_curve(message: &[u8]) -> Option<G1Affine> {
	let hasher = <DefaultFieldHasher<Sha256> as HashToField<Fq>>::new(DST);
	let [u, v] = hasher.hash_to_field::<2>(message);
	let map = |element| <WBMap<G1Map> as MapToCurve<ark_bls12_381::G1Projective>>::map_to_curve(element).ok();
	let sum = (map(u)? + map(v)?).into_affine();
	let (x, y) = sum.xy()?;
	// The same curve under another name: from here on the host multiplies.
	Some(G1Affine::new_unchecked(x, y).clear_cofactor())
}
