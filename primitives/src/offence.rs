//! Evidence that members of a committee broke its rules: what signatures alone prove (Thinkey §4.1, DESIGN §6).
//!
//! # Overview
//!
//! | evidence | what it shows | who is guilty |
//! |---|---|---|
//! | [`Proof::Votes`] | two votes of one round that no honest member gives both | who signed both |
//! | [`Proof::Checkpoint`] | certified headers that state a traffic which can't be | who signed the certificate |
//!
//! [`Votes`] are one member's, or the aggregate of many: a certificate is nothing else ([`Votes::from`]). So one rule,
//! [`contradiction`], decides on a member that was caught voting twice, and on two certificates for different blocks.
//!
//! # Which votes contradict each other
//!
//! In one round (view) of the engine, an honest member gives at most one vote to notarize and one to finalize, and
//! never both finalizes and nullifies. It journals each vote before it sends it, so this survives a restart. Hence:
//!
//! | | notarize A | finalize A | nullify |
//! |---|---|---|---|
//! | notarize A | the same vote | innocent: finalizing follows notarizing | innocent: it timed out after its vote |
//! | notarize B | **guilty** | innocent: it voted for B, then saw that A is notarized | innocent |
//! | finalize B | innocent | **guilty** | **guilty** |
//!
//! A and B differ if the block or the view of its parent does; both are part of what is signed.
//!
//! # Two certificates for blocks of one height
//!
//! In one view, two quorums for different blocks share more than a third of the members, and all that they share are
//! guilty by the table above. In *different* views v < w the signers of both certificates may be honest: who finalized A
//! in v, and then sees v nullified by others, must go on without A, and may vote for B in w. No pair of votes of different
//! views proves anything about the member that gave them, so [`contradiction`] never takes such a pair, whatever heights
//! the blocks have. The guilty of such a fork are found in the view v itself:
//!
//! - B's branch skips v, or has another block than A in v. Take its first block after v; its honest voters held a
//!   nullification of v, or a notarization of that other block in v.
//! - That certificate and the one of A are both of view v: a nullification beside a finalization, or two notarizations
//!   (of A there is one, as nobody honest finalizes without). They contradict each other; two quorums have signed
//!   them; so again more than a third of the members are guilty, and nobody else.
//!
//! So whoever sees two blocks of one height finalized reports the two certificates of the earlier view, which members
//! that followed B's branch hold. The heights themselves add nothing to the proof, and headers are not needed for it.
//!
//! An epoch's last block is proposed again in later views until it is final. Its votes are for one block in several
//! views, and prove nothing either.

use crate::{
	certificate::{
		vote_bytes, Certificate, CertificateKind, Realm, Round, View, FINALIZE, NOTARIZE, NULLIFY,
	},
	committee::{BlsSignature, Epoch, MAX_MEMBERS},
	AccountId, ChainId, Hash, Header,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	sp_api,
	sp_core::{bounded::BoundedVec, ConstU32},
};
use scale_info::TypeInfo;

/// The headers that evidence may have: as many as a checkpoint, so that whatever would be one can be evidence.
pub const MAX_HEADERS: u32 = 64;

/// A vote of a committee's member in a round.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Vote {
	/// The proposal is valid.
	Notarize(Proposal),
	/// The round shall be skipped: the member will not finalize anything in it.
	Nullify,
	/// The proposal is notarized, and the member will not skip the round.
	Finalize(Proposal),
}

/// What a round's leader proposes.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Proposal {
	/// The view of the block that it is proposed upon.
	pub parent_view: View,
	/// The block.
	pub block_hash: Hash,
}

impl Vote {
	/// The bytes that a member signs with this vote.
	pub fn signed_bytes(&self, realm: Realm, round: Round) -> Vec<u8> {
		let (suffix, proposal) = match self {
			Vote::Notarize(proposal) => (NOTARIZE, Some(proposal)),
			Vote::Nullify => (NULLIFY, None),
			Vote::Finalize(proposal) => (FINALIZE, Some(proposal)),
		};
		let proposal = proposal.map(|p| (p.parent_view, p.block_hash));
		vote_bytes(realm, suffix, round, proposal)
	}
}

/// The same vote of one or more members of a committee.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Votes {
	/// In which round.
	pub round: Round,
	/// For what.
	pub vote: Vote,
	/// Who signed: as of [`Certificate::signers`]. The members need not be a quorum.
	pub signers: BoundedVec<u8, ConstU32<{ MAX_MEMBERS / 8 }>>,
	/// The signers' aggregated signature; of one member, its own.
	pub signature: BlsSignature,
}

/// A certificate is the votes of a quorum.
impl From<Certificate> for Votes {
	fn from(certificate: Certificate) -> Self {
		let proposal = Proposal {
			parent_view: certificate.parent_view,
			block_hash: certificate.block_hash,
		};
		Votes {
			round: certificate.round,
			vote: match certificate.kind {
				CertificateKind::Notarization => Vote::Notarize(proposal),
				CertificateKind::Finalization => Vote::Finalize(proposal),
			},
			signers: certificate.signers,
			signature: certificate.signature,
		}
	}
}

impl Votes {
	/// The vote of the member with this index in a committee of `size`. `None` if the committee has no such member.
	pub fn single(round: Round, vote: Vote, size: u32, member: u32, signature: BlsSignature) -> Option<Self> {
		Some(Votes {
			round,
			vote,
			signers: Certificate::bitmap(size, [member])?,
			signature,
		})
	}

	/// The bytes that each signer signed.
	pub fn signed_bytes(&self, realm: Realm) -> Vec<u8> {
		self.vote.signed_bytes(realm, self.round)
	}

	/// The indices of the signers in a committee of `size`, in ascending order. `None` if there is none, if one is not of
	/// the committee, or if the bitmap has another length than the committee needs.
	pub fn signers(&self, size: u32) -> Option<Vec<u32>> {
		if self.signers.len() as u32 != size.div_ceil(8) {
			return None;
		}
		let bits = 0..self.signers.len() as u32 * 8;
		let signers: Vec<u32> = bits
			.filter(|i| self.signers[(i / 8) as usize] & (1 << (i % 8)) != 0)
			.collect();
		// They ascend: if the last is in range, all are.
		signers.last().is_some_and(|last| *last < size).then_some(signers)
	}
}

/// How two votes contradict each other.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Contradiction {
	/// Two proposals are notarized in one round.
	ConflictingNotarize,
	/// Two proposals are finalized in one round.
	ConflictingFinalize,
	/// A proposal is finalized in a round that is skipped.
	NullifyFinalize,
}

/// Why two votes don't contradict each other.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Harmless {
	/// They are of different epochs.
	OtherEpoch,
	/// They are of different views, be it for the same block or for another.
	OtherView,
	/// They are the same vote.
	SameVote,
	/// An honest member may give both.
	Compatible,
}

/// Whether a member that gave both votes broke the rules, and how. Who gave them, and whether anybody did, is another
/// question.
///
/// # Errors
/// [`Harmless`] if an honest member may have given both.
pub fn contradiction(a: (Round, Vote), b: (Round, Vote)) -> Result<Contradiction, Harmless> {
	use Vote::*;
	let ((round_a, vote_a), (round_b, vote_b)) = (a, b);
	if round_a.epoch != round_b.epoch {
		return Err(Harmless::OtherEpoch);
	}
	if round_a.view != round_b.view {
		return Err(Harmless::OtherView);
	}
	if vote_a == vote_b {
		return Err(Harmless::SameVote);
	}
	match (vote_a, vote_b) {
		(Notarize(_), Notarize(_)) => Ok(Contradiction::ConflictingNotarize),
		(Finalize(_), Finalize(_)) => Ok(Contradiction::ConflictingFinalize),
		(Nullify, Finalize(_)) | (Finalize(_), Nullify) => Ok(Contradiction::NullifyFinalize),
		(Notarize(_), Finalize(_) | Nullify) | (Finalize(_) | Nullify, Notarize(_)) => {
			Err(Harmless::Compatible)
		}
		// Equal, which is excluded.
		(Nullify, Nullify) => Err(Harmless::SameVote),
	}
}

/// How members broke the rules.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Offence {
	/// They gave votes that contradict each other.
	Votes(Contradiction),
	/// They certified a traffic that can't be.
	Traffic,
}

/// The members of both lists. Each list ascends.
pub fn in_both(a: &[u32], b: &[u32]) -> Vec<u32> {
	a.iter().copied().filter(|i| b.binary_search(i).is_ok()).collect()
}

/// Evidence against members of a chain's committee.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Evidence {
	/// The chain.
	pub chain: ChainId,
	/// What proves it.
	pub proof: Proof,
}

/// What proves that members broke the rules.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Proof {
	/// Who signed both broke the rules, if they [contradict](contradiction) each other.
	Votes {
		/// Votes.
		first: Votes,
		/// Votes of the same round.
		second: Votes,
	},
	/// A checkpoint whose certificate is good and whose traffic can't be.
	Checkpoint {
		/// A contiguous run of headers of one epoch.
		headers: BoundedVec<Header, ConstU32<MAX_HEADERS>>,
		/// The certificate of the last one.
		certificate: Certificate,
	},
}

impl Proof {
	/// The proof in what the engine reports of a member of a committee of `size`: both votes in the engine's encoding, one
	/// after the other, and a nullification first. `None` if the bytes are anything else.
	///
	/// A vote is its epoch, view and, unless it nullifies, parent's view and payload; then the signer's index and signature.
	pub fn from_engine(contradiction: Contradiction, size: u32, mut votes: &[u8]) -> Option<Self> {
		let bytes = &mut votes;
		let (first, second) = match contradiction {
			Contradiction::ConflictingNotarize => {
				let vote = |bytes: &mut &[u8]| read_vote(bytes, size, Some(Vote::Notarize));
				(vote(bytes)?, vote(bytes)?)
			}
			Contradiction::ConflictingFinalize => {
				let vote = |bytes: &mut &[u8]| read_vote(bytes, size, Some(Vote::Finalize));
				(vote(bytes)?, vote(bytes)?)
			}
			Contradiction::NullifyFinalize => (
				read_vote(bytes, size, None)?,
				read_vote(bytes, size, Some(Vote::Finalize))?,
			),
		};
		bytes.is_empty().then_some(Proof::Votes { first, second })
	}
}

/// Reads a vote in the engine's encoding: one of this kind for a proposal, or one that nullifies.
fn read_vote(bytes: &mut &[u8], size: u32, for_proposal: Option<fn(Proposal) -> Vote>) -> Option<Votes> {
	let round = Round {
		epoch: read_varint(bytes)?,
		view: read_varint(bytes)?,
	};
	let vote = match for_proposal {
		None => Vote::Nullify,
		Some(vote) => vote(Proposal {
			parent_view: read_varint(bytes)?,
			block_hash: Hash::from(read_array(bytes)?),
		}),
	};
	let member = u32::try_from(read_varint(bytes)?).ok()?;
	let signature = BlsSignature(read_array(bytes)?);
	Votes::single(round, vote, size, member, signature)
}

fn read_array<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
	let (array, rest) = bytes.split_first_chunk::<N>()?;
	*bytes = rest;
	Some(*array)
}

/// Reads an unsigned LEB128 integer in its shortest form.
fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
	let mut value = 0u64;
	for shift in (0..64).step_by(7) {
		let [byte] = read_array(bytes)?;
		let bits = u64::from(byte & 0x7f);
		// The tenth byte has room for one bit. A last byte of zero is one too many, but in zero itself.
		if bits << shift >> shift != bits || (byte == 0 && shift > 0) {
			return None;
		}
		value |= bits << shift;
		if byte & 0x80 == 0 {
			return Some(value);
		}
	}
	None
}

/// Why headers are no run that the certificate of the last one vouches for.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Unlinked {
	/// There is no header.
	Empty,
	/// The certificate is over another block than the last header's.
	OtherBlock,
	/// A header's parent is not the one before it, or its height doesn't follow.
	WrongParent,
	/// A header was proposed in another epoch than the certificate's, or doesn't say in which. Only the committee that voted
	/// for a block answers for it.
	OtherEpoch,
}

/// Checks that who signed the certificate vouched for each of these headers.
///
/// # Errors
/// The first [`Unlinked`] found.
pub fn linked(headers: &[Header], certificate: &Certificate) -> Result<(), Unlinked> {
	let last = headers.last().ok_or(Unlinked::Empty)?;
	if last.hash() != certificate.block_hash {
		return Err(Unlinked::OtherBlock);
	}
	let follows = |pair: &[Header]| {
		pair[1].parent_hash == pair[0].hash() && pair[0].number.checked_add(1) == Some(pair[1].number)
	};
	if !headers.windows(2).all(follows) {
		return Err(Unlinked::WrongParent);
	}
	let of_epoch = |header: &Header| {
		crate::digest::round(&header.digest).is_some_and(|round| round.epoch == certificate.round.epoch)
	};
	if !headers.iter().all(of_epoch) {
		return Err(Unlinked::OtherEpoch);
	}
	Ok(())
}

sp_api::decl_runtime_apis! {
	/// What the root chain says of misconduct.
	pub trait MisconductApi {
		/// Whether a member was punished for its service in a chain's committee. `member` is its index in the committee.
		fn is_convicted(chain: ChainId, epoch: Epoch, member: u32) -> bool;
		/// The extrinsic that reports evidence. `reporter` gets the reward, if one is named.
		fn report_extrinsic(evidence: Evidence, reporter: Option<AccountId>) -> Block::Extrinsic;
	}
}

#[cfg(test)]
mod tests;
