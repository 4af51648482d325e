//! Certificates: a committee's proof that it agreed on a block (Thinkey §4.2, the package of aggregated signatures).
//!
//! A certificate is what commonware's simplex makes with its attributable BLS12-381 multi-signature scheme, in a SCALE
//! encoding: the proposal, a bitmap of its signers and their aggregated signature. [`Certificate::signed_bytes`]
//! restores the very bytes that the members signed, so a runtime can verify it without the engine.
//!
//! Justifications of blocks are encoded certificates under [`ENGINE_ID`].

use crate::{
	committee::{BlsPublic, BlsSignature, Committee, Epoch, MAX_MEMBERS},
	ChainId, Hash,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use polkadot_sdk::{
	sp_core::{bounded::BoundedVec, ConstU32},
	sp_runtime::ConsensusEngineId,
};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Marks this engine's digests and justifications.
pub const ENGINE_ID: ConsensusEngineId = *b"smpx";

/// The first bytes of all that committees sign.
const NAMESPACE: &[u8] = b"asterism";

/// Counts the rounds of an epoch's consensus, from 1; view 0 is the block that the epoch starts from.
pub type View = u64;

/// A round of consensus.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Hash,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
pub struct Round {
	/// The epoch.
	pub epoch: Epoch,
	/// The view in that epoch.
	pub view: View,
}

/// What a committee's members said of a block.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Hash,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub enum CertificateKind {
	/// A quorum has verified the block: it may become final.
	Notarization,
	/// A quorum knows the notarization and will never skip the view: the block, and all its ancestors, are final.
	Finalization,
}

/// The chain that a certificate is valid on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Realm {
	/// The chain.
	pub chain: ChainId,
	/// The hash of its genesis block, so that networks with the same ids don't accept each other's votes.
	pub genesis: Hash,
}

impl Realm {
	/// The namespace that committees of this chain sign under.
	pub fn namespace(&self) -> Vec<u8> {
		let mut bytes = NAMESPACE.to_vec();
		bytes.extend_from_slice(&self.chain.0.to_le_bytes());
		bytes.extend_from_slice(self.genesis.as_ref());
		bytes
	}
}

/// A committee's proof that it agreed on a block.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize,
)]
#[serde(rename_all = "camelCase")]
pub struct Certificate {
	/// What was agreed.
	pub kind: CertificateKind,
	/// In which round.
	pub round: Round,
	/// The view of the block that this one was proposed upon.
	pub parent_view: View,
	/// The block.
	pub block_hash: Hash,
	/// Who signed: bit `i % 8` (lowest first) of byte `i / 8` stands for the committee's member `i`.
	pub signers: BoundedVec<u8, ConstU32<{ MAX_MEMBERS / 8 }>>,
	/// The signers' aggregated signature.
	pub signature: BlsSignature,
}

/// Why a certificate proves nothing.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum CertificateError {
	/// It is of another kind than is needed.
	WrongKind,
	/// It is of another epoch than the committee's.
	WrongEpoch {
		/// The committee's.
		expected: Epoch,
		/// The certificate's.
		got: Epoch,
	},
	/// It is for another block.
	WrongBlock,
	/// The bitmap has another length than the committee needs, or names a member that the committee doesn't have.
	BadSigners,
	/// Too few members signed.
	NoQuorum {
		/// How many are needed.
		needed: u32,
		/// How many signed.
		signed: u32,
	},
	/// The signature is not that of the named members of this committee over this proposal.
	BadSignature,
}

impl fmt::Display for CertificateError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::WrongKind => f.write_str("certificate is of another kind than is needed"),
			Self::WrongEpoch { expected, got } => {
				write!(f, "certificate is of epoch {got}, expected epoch {expected}")
			}
			Self::WrongBlock => f.write_str("certificate is for another block"),
			Self::BadSigners => f.write_str("signers' bitmap does not fit the committee"),
			Self::NoQuorum { needed, signed } => {
				write!(f, "{signed} members signed, a quorum is {needed}")
			}
			Self::BadSignature => {
				f.write_str("aggregated signature is not that of the named members over this block")
			}
		}
	}
}

/// Verifies aggregated BLS12-381 signatures (keys in G2, signatures in G1) over one message.
pub trait VerifyAggregate {
	/// Whether `signature` is the aggregate of a signature by each of `keys` over `message`, hashed to the curve as
	/// commonware does. Malformed keys or signatures are `false`.
	fn verify_aggregate<'a>(
		keys: impl Iterator<Item = &'a BlsPublic>,
		message: &[u8],
		signature: &BlsSignature,
	) -> bool;
}

impl Certificate {
	/// The members' indices that signed, in ascending order.
	pub fn signer_indices(&self) -> impl Iterator<Item = u32> + '_ {
		(0..self.signers.len() as u32 * 8).filter(|i| self.signers[(i / 8) as usize] & (1 << (i % 8)) != 0)
	}

	/// Makes the bitmap of the given member indices for a committee of `size`.
	pub fn bitmap(
		size: u32,
		indices: impl IntoIterator<Item = u32>,
	) -> Option<BoundedVec<u8, ConstU32<{ MAX_MEMBERS / 8 }>>> {
		let mut bytes = alloc::vec![0u8; size.div_ceil(8) as usize];
		for i in indices {
			if i >= size {
				return None;
			}
			bytes[(i / 8) as usize] |= 1 << (i % 8);
		}
		BoundedVec::try_from(bytes).ok()
	}

	/// The bytes that each signer signed: the namespace of chain and vote, prefixed with its length, and the
	/// proposal, in commonware's encoding.
	pub fn signed_bytes(&self, realm: Realm) -> Vec<u8> {
		let mut namespace = realm.namespace();
		namespace.extend_from_slice(match self.kind {
			CertificateKind::Notarization => b"_NOTARIZE",
			CertificateKind::Finalization => b"_FINALIZE",
		});
		let mut bytes = Vec::with_capacity(namespace.len() + 64);
		put_varint(&mut bytes, namespace.len() as u64);
		bytes.extend_from_slice(&namespace);
		put_varint(&mut bytes, self.round.epoch);
		put_varint(&mut bytes, self.round.view);
		put_varint(&mut bytes, self.parent_view);
		bytes.extend_from_slice(self.block_hash.as_ref());
		bytes
	}

	/// Verifies the certificate against the committee of its epoch.
	///
	/// # Errors
	/// The first [`CertificateError`] found; the cheap checks come first.
	pub fn verify<V: VerifyAggregate>(
		&self,
		realm: Realm,
		committee: &Committee,
	) -> Result<(), CertificateError> {
		if self.round.epoch != committee.epoch() {
			return Err(CertificateError::WrongEpoch {
				expected: committee.epoch(),
				got: self.round.epoch,
			});
		}
		let members = committee.members();
		if self.signers.len() != members.len().div_ceil(8) {
			return Err(CertificateError::BadSigners);
		}
		let mut keys = Vec::with_capacity(members.len());
		for i in self.signer_indices() {
			keys.push(&members.get(i as usize).ok_or(CertificateError::BadSigners)?.key);
		}
		let (needed, signed) = (committee.quorum(), keys.len() as u32);
		if signed < needed {
			return Err(CertificateError::NoQuorum { needed, signed });
		}
		if !V::verify_aggregate(keys.into_iter(), &self.signed_bytes(realm), &self.signature) {
			return Err(CertificateError::BadSignature);
		}
		Ok(())
	}
}

/// Appends an unsigned LEB128 integer, commonware's encoding of lengths, epochs and views.
fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
	while value >= 0x80 {
		bytes.push(value as u8 | 0x80);
		value >>= 7;
	}
	bytes.push(value as u8);
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::committee::Member;

	/// Accepts a signature whose first byte is the number of keys: enough to test all that comes before it.
	struct Counting;
	impl VerifyAggregate for Counting {
		fn verify_aggregate<'a>(
			keys: impl Iterator<Item = &'a BlsPublic>,
			_: &[u8],
			signature: &BlsSignature,
		) -> bool {
			keys.count() == signature.0[0] as usize
		}
	}

	fn committee(n: u8, epoch: Epoch) -> Committee {
		let member = |i| Member {
			id: crate::committee::MemberId([i; 32]),
			key: BlsPublic([i; 96]),
		};
		Committee::new(epoch, (0..n).map(member).collect()).unwrap()
	}

	fn certificate(size: u32, signers: &[u32]) -> Certificate {
		Certificate {
			kind: CertificateKind::Finalization,
			round: Round { epoch: 7, view: 300 },
			parent_view: 299,
			block_hash: Hash::repeat_byte(5),
			signers: Certificate::bitmap(size, signers.iter().copied()).unwrap(),
			signature: BlsSignature([signers.len() as u8; 48]),
		}
	}

	const REALM: Realm = Realm {
		chain: ChainId(1),
		genesis: Hash::repeat_byte(9),
	};

	#[test]
	fn a_quorum_of_the_epochs_committee_is_needed() {
		let members = committee(10, 7);
		assert_eq!(
			certificate(10, &[0, 1, 2, 3, 4, 5, 9]).verify::<Counting>(REALM, &members),
			Ok(())
		);
		assert_eq!(
			certificate(10, &[0, 1, 2, 3, 4, 5]).verify::<Counting>(REALM, &members),
			Err(CertificateError::NoQuorum { needed: 7, signed: 6 })
		);
		assert_eq!(
			certificate(10, &[0, 1, 2, 3, 4, 5, 9]).verify::<Counting>(REALM, &committee(10, 8)),
			Err(CertificateError::WrongEpoch { expected: 8, got: 7 })
		);
		// A bit beyond the committee, and a bitmap of another length.
		assert_eq!(
			certificate(16, &[0, 1, 2, 3, 4, 5, 15]).verify::<Counting>(REALM, &members),
			Err(CertificateError::BadSigners)
		);
		assert_eq!(
			certificate(17, &[0, 1, 2, 3, 4, 5, 6]).verify::<Counting>(REALM, &members),
			Err(CertificateError::BadSigners)
		);
		let mut bad = certificate(10, &[0, 1, 2, 3, 4, 5, 9]);
		bad.signature.0[0] = 1;
		assert_eq!(
			bad.verify::<Counting>(REALM, &members),
			Err(CertificateError::BadSignature)
		);
	}

	#[test]
	fn oversized_bitmaps_do_not_decode() {
		let mut bytes = certificate(10, &[1]).encode();
		// The bitmap's compact length follows kind, round, parent view and block hash.
		let at = 1 + 8 + 8 + 8 + 32;
		assert_eq!(bytes[at], 2 << 2);
		bytes.splice(at..at + 3, (alloc::vec![0u8; 33]).encode());
		assert!(Certificate::decode(&mut &bytes[..]).is_err());
	}

	#[test]
	fn signed_bytes_differ_by_chain_kind_and_round() {
		let base = certificate(4, &[0, 1, 2]);
		let bytes = base.signed_bytes(REALM);
		assert_ne!(
			bytes,
			base.signed_bytes(Realm {
				chain: ChainId(2),
				..REALM
			})
		);
		assert_ne!(
			bytes,
			base.signed_bytes(Realm {
				genesis: Hash::zero(),
				..REALM
			})
		);
		assert_ne!(
			bytes,
			Certificate {
				kind: CertificateKind::Notarization,
				..base.clone()
			}
			.signed_bytes(REALM)
		);
		assert_ne!(
			bytes,
			Certificate {
				round: Round { epoch: 8, view: 300 },
				..base
			}
			.signed_bytes(REALM)
		);
	}
}
