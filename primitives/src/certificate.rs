//! Certificates: a committee's proof that it agreed on a block (Thinkey §4.2, the package of aggregated signatures).
//!
//! A certificate is what commonware's simplex makes with its attributable BLS12-381 multi-signature scheme, in a SCALE
//! encoding: the proposal, a bitmap of its signers and their aggregated signature. [`Certificate::signed_bytes`]
//! restores the very bytes that the members signed, so a runtime can verify it without the engine.
//!
//! Who verifies many certificates of one committee prepares its keys once, see [`CommitteeKeys`].
//!
//! Justifications of blocks are encoded certificates under [`ENGINE_ID`].

use crate::{
	committee::{quorum, BlsPublic, BlsSignature, Committee, Epoch, MAX_MEMBERS},
	ChainId, Hash,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, FullCodec, MaxEncodedLen};
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

/// Ends the namespace of votes for a proposal.
pub(crate) const NOTARIZE: &[u8] = b"_NOTARIZE";
/// Ends the namespace of votes to make a proposal final.
pub(crate) const FINALIZE: &[u8] = b"_FINALIZE";
/// Ends the namespace of votes to skip a view.
pub(crate) const NULLIFY: &[u8] = b"_NULLIFY";

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

/// The arithmetic of committees' keys (BLS12-381, keys in G2, signatures in G1), for pallets that know no curve.
pub trait CommitteeKeys {
	/// The keys of one committee in a form that aggregated signatures are verified against fast.
	///
	/// It is as trustworthy as where it is kept: reading it back checks nothing of what [`Self::prepare`] made sure of. So
	/// it belongs into a chain's own state, and an implementation offers no way to take it from a transaction.
	type Prepared: FullCodec + MaxEncodedLen + TypeInfo + Clone + PartialEq + fmt::Debug + 'static;

	/// Whether this key may be put on record: a point of the right subgroup, in its one encoding, and not the identity.
	fn validate(key: &BlsPublic) -> bool;

	/// Prepares a committee's keys, each of which has passed [`Self::validate`] before. `None` if one is not even a point of
	/// the curve.
	fn prepare(committee: &Committee) -> Option<Self::Prepared>;

	/// How many members the committee has.
	fn size(keys: &Self::Prepared) -> u32;

	/// Whether `signature` is the aggregate of a signature by each of the members at the indices `signers`, in any order,
	/// over `message`, hashed to the curve as commonware does. `false` also for a malformed signature, an index that the
	/// committee doesn't have or that is there twice, and for keys that cancel each other out.
	fn verify(keys: &Self::Prepared, signers: &[u32], message: &[u8], signature: &BlsSignature) -> bool;
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
		let suffix: &[u8] = match self.kind {
			CertificateKind::Notarization => NOTARIZE,
			CertificateKind::Finalization => FINALIZE,
		};
		vote_bytes(
			realm,
			suffix,
			self.round,
			Some((self.parent_view, self.block_hash)),
		)
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
		let members = committee.members();
		let signers = self.check_signers(committee.epoch(), committee.size())?;
		// None of the indices is out of range: that is checked.
		let keys = signers
			.iter()
			.filter_map(|i| members.get(*i as usize))
			.map(|member| &member.key);
		if !V::verify_aggregate(keys, &self.signed_bytes(realm), &self.signature) {
			return Err(CertificateError::BadSignature);
		}
		Ok(())
	}

	/// Verifies the certificate against the prepared keys of the committee of `epoch`.
	///
	/// # Errors
	/// The same as of [`Certificate::verify`].
	pub fn verify_prepared<K: CommitteeKeys>(
		&self,
		realm: Realm,
		epoch: Epoch,
		keys: &K::Prepared,
	) -> Result<(), CertificateError> {
		let signers = self.check_signers(epoch, K::size(keys))?;
		if !K::verify(keys, &signers, &self.signed_bytes(realm), &self.signature) {
			return Err(CertificateError::BadSignature);
		}
		Ok(())
	}

	/// Checks that the named signers are a quorum of a committee of `size` in `epoch`. Their indices, in ascending order.
	fn check_signers(&self, epoch: Epoch, size: u32) -> Result<Vec<u32>, CertificateError> {
		if self.round.epoch != epoch {
			return Err(CertificateError::WrongEpoch {
				expected: epoch,
				got: self.round.epoch,
			});
		}
		if self.signers.len() as u32 != size.div_ceil(8) {
			return Err(CertificateError::BadSigners);
		}
		let signers: Vec<u32> = self.signer_indices().collect();
		// Indices ascend: if the last is in range, all are.
		if signers.last().is_some_and(|last| *last >= size) {
			return Err(CertificateError::BadSigners);
		}
		let (needed, signed) = (quorum(size), signers.len() as u32);
		// A committee of nobody would need no vote.
		if size == 0 || signed < needed {
			return Err(CertificateError::NoQuorum { needed, signed });
		}
		Ok(signers)
	}
}

/// The bytes that a member signs with a vote in a round: for a proposal (the view of its parent, and its payload), or for
/// none.
pub(crate) fn vote_bytes(
	realm: Realm,
	suffix: &[u8],
	round: Round,
	proposal: Option<(View, Hash)>,
) -> Vec<u8> {
	let mut namespace = realm.namespace();
	namespace.extend_from_slice(suffix);
	let mut bytes = Vec::with_capacity(namespace.len() + 64);
	put_varint(&mut bytes, namespace.len() as u64);
	bytes.extend_from_slice(&namespace);
	put_varint(&mut bytes, round.epoch);
	put_varint(&mut bytes, round.view);
	if let Some((parent_view, payload)) = proposal {
		put_varint(&mut bytes, parent_view);
		bytes.extend_from_slice(payload.as_ref());
	}
	bytes
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

	impl CommitteeKeys for Counting {
		type Prepared = u32;
		fn validate(_: &BlsPublic) -> bool {
			true
		}
		fn prepare(committee: &Committee) -> Option<u32> {
			Some(committee.size())
		}
		fn size(keys: &u32) -> u32 {
			*keys
		}
		fn verify(_: &u32, signers: &[u32], _: &[u8], signature: &BlsSignature) -> bool {
			signers.len() == signature.0[0] as usize
		}
	}

	/// The verdict against the committee, which must be that against its prepared keys.
	fn verify(certificate: &Certificate, committee: &Committee) -> Result<(), CertificateError> {
		let verdict = certificate.verify::<Counting>(REALM, committee);
		let prepared = Counting::prepare(committee).unwrap();
		assert_eq!(
			certificate.verify_prepared::<Counting>(REALM, committee.epoch(), &prepared),
			verdict
		);
		verdict
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
		assert_eq!(verify(&certificate(10, &[0, 1, 2, 3, 4, 5, 9]), &members), Ok(()));
		assert_eq!(
			verify(&certificate(10, &[0, 1, 2, 3, 4, 5]), &members),
			Err(CertificateError::NoQuorum { needed: 7, signed: 6 })
		);
		assert_eq!(
			verify(&certificate(10, &[0, 1, 2, 3, 4, 5, 9]), &committee(10, 8)),
			Err(CertificateError::WrongEpoch { expected: 8, got: 7 })
		);
		// A bit beyond the committee, and a bitmap of another length.
		assert_eq!(
			verify(&certificate(16, &[0, 1, 2, 3, 4, 5, 15]), &members),
			Err(CertificateError::BadSigners)
		);
		assert_eq!(
			verify(&certificate(17, &[0, 1, 2, 3, 4, 5, 6]), &members),
			Err(CertificateError::BadSigners)
		);
		let mut bad = certificate(10, &[0, 1, 2, 3, 4, 5, 9]);
		bad.signature.0[0] = 1;
		assert_eq!(verify(&bad, &members), Err(CertificateError::BadSignature));
		// Nobody's certificate over nothing.
		assert_eq!(
			certificate(0, &[]).verify_prepared::<Counting>(REALM, 7, &0),
			Err(CertificateError::NoQuorum { needed: 0, signed: 0 })
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
