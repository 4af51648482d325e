//! Verifies certificates' signatures inside a runtime: BLS12-381 with keys in G2 and signatures in G1, as commonware's
//! `MinSig` variant makes them. The scalar multiplications and pairings run in the host, the rest in Wasm.
//!
//! # Overview
//!
//! | | keys as members write them | keys that are prepared |
//! |---|---|---|
//! | form | compressed points, 96 bytes each | coordinates, 192 bytes each, and the sum of all |
//! | verifying by s of n members | decompresses and adds s keys | adds s keys, or subtracts n − s from the sum: whichever is fewer |
//! | trait | [`VerifyAggregate`] | [`CommitteeKeys`] |
//!
//! Decompressing a key takes a square root, some hundred times as long as adding it. A quorum leaves out less than a third
//! of the members, so a certificate against prepared keys costs at most 85 additions. The example `bls` prints
//! the times.
//!
//! # Specification
//!
//! - Points are in the ZCash compressed format. The identity is refused, both as a key and as a signature.
//! - A message is hashed to G1 by RFC 9380's `BLS12381G1_XMD:SHA-256_SSWU_RO_` under [`DST`].
//! - An aggregate signature `s` of the keys `p₁ … pₙ` over the message `m` is valid iff `s` is in the subgroup,
//!   `p₁ + … + pₙ` is not the identity, and `e(H(m), p₁ + … + pₙ) = e(s, g₂)`.
//!
//! # Assumptions
//!
//! - Keys passed [`CommitteeKeys::validate`] before they got on record: neither verification nor preparing checks their
//!   subgroup again, which for a large committee would take longer than everything else together.
//! - Keys are on record with their owners' consent. Whoever may put a committee on record must ask each member for a
//!   proof of possession, or a member could choose its key so that it cancels others'.
//! - Prepared keys are read from where they were written, the chain's own state: see [`Prepared`].

use alloc::vec::Vec;
use ark_bls12_381::{g1::Config as G1Map, Fq, Fq2};
use ark_ec::{
	hashing::{curve_maps::wb::WBMap, map_to_curve_hasher::MapToCurve},
	pairing::Pairing,
	AffineRepr, CurveGroup,
};
use ark_ff::{
	field_hashers::{DefaultFieldHasher, HashToField},
	Zero,
};
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize, Compress, Validate};
use asterism_primitives::{
	certificate::{CommitteeKeys, VerifyAggregate},
	committee::{BlsPublic, BlsSignature, Committee, MAX_MEMBERS},
};
use codec::{Decode, Encode, MaxEncodedLen};
use polkadot_sdk::sp_core::{bounded::BoundedVec, ConstU32};
use scale_info::TypeInfo;
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
		let add = |sum: G2Projective, key| Some(sum + parse_key(key, Validate::No)?);
		keys.into_iter()
			.try_fold(G2Projective::zero(), add)
			.and_then(|sum| verify(DST, sum, message, signature))
			.unwrap_or(false)
	}
}

impl CommitteeKeys for HostBls {
	type Prepared = Prepared;

	fn validate(key: &BlsPublic) -> bool {
		parse_key(key, Validate::Yes).is_some()
	}

	fn prepare(committee: &Committee) -> Option<Prepared> {
		let mut sum = G2Projective::zero();
		let mut keys = Vec::with_capacity(committee.members().len());
		for member in committee.members() {
			let key = parse_key(&member.key, Validate::No)?;
			sum += key;
			keys.push(Point::new(&key)?);
		}
		Some(Prepared {
			sum: Point::new(&sum.into_affine()),
			keys: keys.try_into().ok()?,
		})
	}

	fn size(keys: &Prepared) -> u32 {
		keys.keys.len() as u32
	}

	fn verify(keys: &Prepared, signers: &[u32], message: &[u8], signature: &BlsSignature) -> bool {
		keys.sum_of(signers)
			.and_then(|sum| verify(DST, sum, message, signature))
			.unwrap_or(false)
	}
}

/// The keys of a committee, prepared by [`HostBls`]. 49 KiB for the largest committee.
///
/// It can't be put together from outside: its fields are private, and it is none of the types that a transaction may
/// hold (it lacks `DecodeWithMemTracking`). Decoding checks lengths alone. Bytes that are no coordinates verify nothing.
///
/// ```compile_fail
/// use asterism_runtime_common::bls::Prepared;
/// let mine = Prepared { sum: None, keys: Default::default() };
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Prepared {
	/// The sum of all keys; none if they cancel each other out.
	sum: Option<Point>,
	/// The keys in the committee's order.
	keys: BoundedVec<Point, ConstU32<MAX_MEMBERS>>,
}

impl Prepared {
	/// The sum of the keys of these members. `None` if there is no such sum: an index is out of range or there twice, or
	/// a point can't be read.
	fn sum_of(&self, signers: &[u32]) -> Option<G2Projective> {
		let mut signed = alloc::vec![false; self.keys.len()];
		for i in signers {
			let signed = signed.get_mut(*i as usize)?;
			if core::mem::replace(signed, true) {
				return None;
			}
		}
		// Whichever takes fewer additions: those who signed, or all less those who didn't.
		let subtract = signers.len() > self.keys.len() / 2;
		let mut sum = match &self.sum {
			Some(all) if subtract => all.read()?.into_group(),
			_ => G2Projective::zero(),
		};
		for (key, signed) in self.keys.iter().zip(signed) {
			match (subtract, signed) {
				(true, false) => sum -= key.read()?,
				(false, true) => sum += key.read()?,
				_ => (),
			}
		}
		Some(sum)
	}
}

/// Bytes of a coordinate of a point of G2.
const COORDINATE: usize = 96;

/// A point of G2 other than the identity: both its coordinates. Reading checks that they are elements of the field.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
struct Point([u8; 2 * COORDINATE]);

impl Point {
	/// `None` for the identity.
	fn new(point: &G2Affine) -> Option<Self> {
		let mut bytes = [0; 2 * COORDINATE];
		let (x, y) = bytes.split_at_mut(COORDINATE);
		point.x()?.serialize_uncompressed(x).ok()?;
		point.y()?.serialize_uncompressed(y).ok()?;
		Some(Point(bytes))
	}

	fn read(&self) -> Option<G2Affine> {
		let (x, y) = self.0.split_at(COORDINATE);
		let coordinate = |bytes| Fq2::deserialize_uncompressed_unchecked(bytes).ok();
		Some(G2Affine::new_unchecked(coordinate(x)?, coordinate(y)?))
	}
}

/// Verifies against the sum of the signers' keys, in this domain. `None` if the signature is malformed.
pub(crate) fn verify(
	domain: &[u8],
	sum: G2Projective,
	message: &[u8],
	signature: &BlsSignature,
) -> Option<bool> {
	let signature = parse_signature(signature)?;
	// Keys that cancel each other out would make any signature a valid one of somebody.
	if sum.is_zero() {
		return Some(false);
	}
	let sum = sum.into_affine();
	// Prepared keys that were not prepared here: the host would fail at them.
	if !sum.is_on_curve() {
		return None;
	}
	let hash = hash_to_curve(domain, message)?;
	// One product of two pairings: e(H(m), p) · e(s, −g₂) = 1.
	let g1: Vec<G1Affine> = alloc::vec![hash, signature];
	let g2: Vec<G2Affine> = alloc::vec![sum, -G2Affine::generator()];
	let product = Bls12_381::final_exponentiation(Bls12_381::multi_miller_loop(g1, g2))?;
	Some(product.is_zero())
}

pub(crate) fn parse_key(key: &BlsPublic, validate: Validate) -> Option<G2Affine> {
	let point = G2Affine::deserialize_with_mode(&key.0[..], Compress::Yes, validate).ok()?;
	(!point.is_zero()).then_some(point)
}

fn parse_signature(signature: &BlsSignature) -> Option<G1Affine> {
	let point = G1Affine::deserialize_with_mode(&signature.0[..], Compress::Yes, Validate::Yes).ok()?;
	(!point.is_zero()).then_some(point)
}

/// Hashes a message to G1, in this domain. `None` only if the two mapped points cancel out, which nobody can bring about.
pub(crate) fn hash_to_curve(domain: &[u8], message: &[u8]) -> Option<G1Affine> {
	let hasher = <DefaultFieldHasher<Sha256> as HashToField<Fq>>::new(domain);
	let [u, v] = hasher.hash_to_field::<2>(message);
	let map = |element| <WBMap<G1Map> as MapToCurve<ark_bls12_381::G1Projective>>::map_to_curve(element).ok();
	let sum = (map(u)? + map(v)?).into_affine();
	let (x, y) = sum.xy()?;
	// The same curve under another name: from here on the host multiplies.
	Some(G1Affine::new_unchecked(x, y).clear_cofactor())
}

/// Makes committees for benchmarks, whose members' secrets everybody knows.
#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking {
	use super::*;

	/// The key of member `i`, whose secret is `i + 1`.
	pub fn key(i: u32) -> BlsPublic {
		let point = G2Affine::generator().mul_bigint([u64::from(i) + 1]);
		let mut bytes = [0; 96];
		point
			.into_affine()
			.serialize_compressed(&mut bytes[..])
			.expect("a compressed point of G2 has 96 bytes");
		BlsPublic(bytes)
	}

	/// The aggregated signature of these members.
	///
	/// # Panics
	/// If there is no signer: the identity is no signature.
	pub fn sign(signers: &[u32], message: &[u8]) -> BlsSignature {
		let secrets: u64 = signers.iter().map(|i| u64::from(*i) + 1).sum();
		assert!(secrets > 0, "somebody signs");
		let hash = hash_to_curve(DST, message).expect("nobody finds a message without a hash");
		let mut bytes = [0; 48];
		hash.mul_bigint([secrets])
			.into_affine()
			.serialize_compressed(&mut bytes[..])
			.expect("a compressed point of G1 has 48 bytes");
		BlsSignature(bytes)
	}
}
