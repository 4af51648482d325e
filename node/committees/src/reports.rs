//! Evidence as the root chain takes it, and whose turn it is to report it: functions of values.
//!
//! All members of a committee see much the same misconduct at the same time. They take turns by their place in the committee, so
//! that usually one report is made; where to begin changes with the view, so that nobody always has the reward or the work.

use asterism_consensus::evidence::{
	ConflictingCertificates, Contradiction as Seen, Evidence as Kept, RefusedBlock, MAX_HEADER_BYTES,
};
use asterism_primitives::{
	certificate::Round,
	committee::{Committee, MemberId},
	digest::RootRef,
	offence::{contradiction, in_both, linked, Contradiction, Proof, Votes, MAX_HEADERS},
	ChainId, Hash, Header,
};
use codec::Encode;
use polkadot_sdk::sp_crypto_hashing::{blake2_128, blake2_256};
use std::{sync::Arc, time::Duration};

/// How long a turn is: a report gets on record, and final, in this time.
pub const TURN: Duration = Duration::from_secs(3);
/// The last turn. Whoever's turn would come later, or who is no member, shares this one.
pub const LAST_TURN: u32 = 10;

/// A proof, as a node knows it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exhibit {
	/// What it is about. Which headers come before a refused block changes with what is on record, and this doesn't.
	pub id: Hash,
	/// What proves it: shared, as it may be large, and convict many members.
	pub proof: Arc<Proof>,
}

impl From<Proof> for Exhibit {
	fn from(proof: Proof) -> Self {
		let id = match &proof {
			Proof::Votes { .. } => Hash::from(blake2_256(&proof.encode())),
			Proof::Checkpoint { certificate, .. } => certificate.block_hash,
		};
		Exhibit {
			id,
			proof: Arc::new(proof),
		}
	}
}

fn contradiction_of(seen: Seen) -> Contradiction {
	match seen {
		Seen::ConflictingNotarize => Contradiction::ConflictingNotarize,
		Seen::ConflictingFinalize => Contradiction::ConflictingFinalize,
		Seen::NullifyFinalize => Contradiction::NullifyFinalize,
	}
}

/// What kept evidence proves against a member of this committee, and the member's index in it. `None` if it proves nothing: the
/// member or the round is another one, or the bytes are not votes that contradict each other. Signatures are not verified.
pub fn proof(kept: &Kept, committee: &Committee) -> Option<(u32, Proof)> {
	if kept.round.epoch != committee.epoch() {
		return None;
	}
	let index = index_of(committee, &kept.member)?;
	let wanted = contradiction_of(kept.contradiction);
	let proof = Proof::from_engine(wanted, committee.size(), &kept.votes)?;
	let Proof::Votes { first, second } = &proof else {
		return None;
	};
	for votes in [first, second] {
		if votes.round != kept.round || votes.signers(committee.size())? != [index] {
			return None;
		}
	}
	let found = contradiction((first.round, first.vote), (second.round, second.vote));
	(found == Ok(wanted)).then_some((index, proof))
}

/// What two certificates prove against members of this committee, and the indices of those, in ascending order; at least one.
/// `None` if they prove nothing: they are of another committee, or don't contradict each other. Signatures are not verified.
pub fn proof_of_certificates(
	pair: &ConflictingCertificates,
	committee: &Committee,
) -> Option<(Vec<u32>, Proof)> {
	let (first, second) = pair.votes();
	if first.round.epoch != committee.epoch() {
		return None;
	}
	contradiction((first.round, first.vote), (second.round, second.vote)).ok()?;
	let size = committee.size();
	let guilty = in_both(&first.signers(size)?, &second.signers(size)?);
	(!guilty.is_empty()).then_some((guilty, Proof::Votes { first, second }))
}

/// What a refused block may prove against members of this committee: those that made it final, by their indices, in ascending order;
/// at least a quorum. Whether it does is for the root chain to judge. `None` if it can't: it is of another committee, or has no
/// quorum. Signatures are not verified.
///
/// The root chain judges traffic that is malformed wherever the block stands, and any other only if the headers go on from the
/// chain's `head` on record. So all headers from there on are part of the proof, if they are here (`imported` finds them), are of
/// the certificate's epoch, and are no more than a proof may have; else the refused one alone is.
pub fn proof_of_block(
	block: &RefusedBlock,
	committee: &Committee,
	head: Option<RootRef>,
	imported: impl Fn(Hash) -> Option<Header>,
) -> Option<(Vec<u32>, Proof)> {
	let certificate = block.certificate();
	if certificate.round.epoch != committee.epoch() {
		return None;
	}
	let guilty = Votes::from(certificate.clone()).signers(committee.size())?;
	if guilty.len() < committee.quorum() as usize {
		return None;
	}
	let headers = head
		.and_then(|head| run(head, block, imported))
		.unwrap_or_else(|| vec![block.header().clone()]);
	linked(&headers, certificate).ok()?;
	let proof = Proof::Checkpoint {
		headers: headers.try_into().ok()?,
		certificate: certificate.clone(),
	};
	Some((guilty, proof))
}

/// The headers from the one after `head` up to a refused block's.
fn run(
	head: RootRef,
	block: &RefusedBlock,
	imported: impl Fn(Hash) -> Option<Header>,
) -> Option<Vec<Header>> {
	let length = block.header().number.checked_sub(head.number)?;
	if !(1..=MAX_HEADERS).contains(&length) {
		return None;
	}
	let mut headers = vec![block.header().clone()];
	let mut parent = block.header().parent_hash;
	for _ in 1..length {
		let header = imported(parent).filter(|header| header.encoded_size() <= MAX_HEADER_BYTES)?;
		parent = header.parent_hash;
		headers.push(header);
	}
	headers.reverse();
	(parent == head.hash && linked(&headers, block.certificate()).is_ok()).then_some(headers)
}

/// A member's index in a committee.
pub fn index_of(committee: &Committee, member: &MemberId) -> Option<u32> {
	let index = committee.members().iter().position(|other| other.id == *member)?;
	u32::try_from(index).ok()
}

/// How long a node leaves a report to others, from when it first could make it.
///
/// - `place`: its member's index in the committee of `size`; `None` if it is no member;
/// - `id`: the node's identity, by which those that share a turn spread over it.
pub fn delay(chain: ChainId, round: Round, size: u32, place: Option<u32>, id: Option<MemberId>) -> Duration {
	let turn = match place.filter(|place| *place < size) {
		Some(place) => {
			let first = (round.view % u64::from(size)) as u32;
			((place + size - first) % size).min(LAST_TURN)
		}
		None => LAST_TURN,
	};
	let [byte, ..] = blake2_128(&(chain, round, id).encode());
	// The last turn is for many: they have three times the time.
	let spread = if turn == LAST_TURN { 3 * TURN } else { TURN / 4 };
	TURN * turn + spread * u32::from(byte) / 256
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::tests::blocks_upon;
	use asterism_primitives::{
		certificate::{Certificate, CertificateKind},
		committee::{BlsPublic, BlsSignature, Member, MAX_MEMBERS},
		BlockNumber,
	};
	use polkadot_sdk::sp_runtime::DigestItem;
	use proptest::prelude::*;

	fn committee(size: u8) -> Committee {
		let members = (0..size).map(|i| Member {
			id: MemberId([i; 32]),
			key: BlsPublic([i; 96]),
		});
		Committee::new(3, members.collect()).unwrap()
	}

	#[test]
	fn members_take_turns() {
		let round = Round { epoch: 3, view: 6 };
		let delay = |place: u32| {
			delay(
				ChainId(1),
				round,
				4,
				Some(place),
				Some(MemberId([place as u8; 32])),
			)
		};
		// View 6 of 4 members begins with the third.
		for (turn, place) in [2, 3, 0, 1].into_iter().enumerate() {
			let turn = TURN * turn as u32;
			assert!(delay(place) >= turn && delay(place) < turn + TURN / 4);
		}
	}

	#[test]
	fn evidence_is_of_this_committee_and_what_it_says() {
		let committee = committee(4);
		let vote = |view: u8, member: u8, block: u8| {
			[&[3, view, view - 1][..], &[block; 32], &[member], &[1; 48]].concat()
		};
		let kept = |votes: Vec<u8>| Kept {
			contradiction: Seen::ConflictingNotarize,
			round: Round { epoch: 3, view: 6 },
			member: MemberId([2; 32]),
			votes,
		};
		let good = kept([vote(6, 2, 1), vote(6, 2, 2)].concat());
		let (index, proof_of_it) = proof(&good, &committee).unwrap();
		assert_eq!(index, 2);
		assert!(matches!(proof_of_it, Proof::Votes { .. }));
		let nothing = [
			// Another member's vote, another view, the same vote twice, or half of it.
			kept([vote(6, 2, 1), vote(6, 1, 2)].concat()),
			kept([vote(6, 1, 1), vote(6, 1, 2)].concat()),
			kept([vote(6, 2, 1), vote(7, 2, 2)].concat()),
			kept([vote(7, 2, 1), vote(7, 2, 2)].concat()),
			kept([vote(6, 2, 1), vote(6, 2, 1)].concat()),
			kept(vote(6, 2, 1)),
			kept(Vec::new()),
			Kept {
				contradiction: Seen::NullifyFinalize,
				..good.clone()
			},
			Kept {
				member: MemberId([9; 32]),
				..good.clone()
			},
			Kept {
				round: Round { epoch: 4, view: 6 },
				..good.clone()
			},
		];
		for kept in nothing {
			assert_eq!(proof(&kept, &committee), None, "{kept:?}");
		}
	}

	fn certificate(kind: CertificateKind, view: u64, block: u8, signers: &[u32]) -> Certificate {
		Certificate {
			kind,
			round: Round { epoch: 3, view },
			parent_view: view - 1,
			block_hash: Hash::repeat_byte(block),
			signers: Certificate::bitmap(4, signers.iter().copied()).unwrap(),
			signature: BlsSignature([block; 48]),
		}
	}

	#[test]
	fn two_certificates_convict_who_signed_both() {
		let committee = committee(4);
		let of = |block, signers: &[u32]| certificate(CertificateKind::Finalization, 6, block, signers);
		let pair = ConflictingCertificates::new(of(1, &[0, 1, 2]), of(2, &[1, 2, 3])).unwrap();
		let (guilty, proof) = proof_of_certificates(&pair, &committee).unwrap();
		assert_eq!(guilty, [1, 2]);
		let Proof::Votes { first, second } = proof else {
			panic!("votes")
		};
		assert_eq!(first.signature, BlsSignature([1; 48]));
		assert_eq!(second.signature, BlsSignature([2; 48]));
		// Another epoch's committee, and one that is smaller or larger than the signers' bitmap says.
		let members = |epoch, size: u8| {
			let member = |i| Member {
				id: MemberId([i; 32]),
				key: BlsPublic([i; 96]),
			};
			Committee::new(epoch, (0..size).map(member).collect()).unwrap()
		};
		for other in [members(4, 4), members(3, 3), members(3, 9)] {
			assert_eq!(proof_of_certificates(&pair, &other), None);
		}
	}

	/// A chain of so many blocks upon a head on record, block 20; all of epoch 3.
	fn chain(length: u32) -> (RootRef, Vec<Header>) {
		let head = RootRef {
			number: 20,
			hash: Hash::repeat_byte(20),
		};
		(head, upon(head, 3, length))
	}

	fn upon(head: RootRef, epoch: u64, length: u32) -> Vec<Header> {
		blocks_upon(head, Round { epoch, view: 1 }, length)
	}

	/// The last of these blocks, made final by the first three of four members, and refused.
	fn refused(headers: &[Header]) -> RefusedBlock {
		let last = headers.last().unwrap();
		let round = asterism_primitives::digest::round(&last.digest).unwrap();
		let certificate = Certificate {
			round,
			block_hash: last.hash(),
			..certificate(CertificateKind::Finalization, round.view, 0, &[0, 1, 2])
		};
		RefusedBlock::new(last.clone(), certificate).unwrap()
	}

	/// The headers that prove something of the last of these blocks, to a node that has imported all others of them.
	fn shown(head: Option<RootRef>, headers: &[Header]) -> Vec<Header> {
		let (last, others) = headers.split_last().unwrap();
		let imported = |hash| {
			assert_ne!(hash, last.hash(), "it is refused");
			others.iter().find(|header| header.hash() == hash).cloned()
		};
		let block = refused(headers);
		let (guilty, proof) = proof_of_block(&block, &committee(4), head, imported).unwrap();
		assert_eq!(guilty, [0, 1, 2]);
		let exhibit = Exhibit::from(proof.clone());
		assert_eq!(exhibit.id, last.hash());
		let Proof::Checkpoint { headers, certificate } = proof else {
			panic!("a checkpoint")
		};
		assert_eq!(&certificate, block.certificate());
		assert_eq!(linked(&headers, &certificate), Ok(()));
		headers.into_inner()
	}

	#[test]
	fn a_refused_block_is_shown_with_all_since_the_record() {
		for length in [1, 2, 3, MAX_HEADERS] {
			let (head, headers) = chain(length);
			assert_eq!(shown(Some(head), &headers), headers);
			// The record goes on.
			for (i, header) in headers[..headers.len() - 1].iter().enumerate() {
				let head = RootRef {
					number: header.number,
					hash: header.hash(),
				};
				assert_eq!(shown(Some(head), &headers), headers[i + 1..]);
			}
		}
	}

	#[test]
	fn a_refused_block_is_shown_alone_if_the_record_is_elsewhere() {
		let (head, headers) = chain(5);
		let alone = |head, headers: &[Header]| {
			assert_eq!(shown(head, headers), headers[headers.len() - 1..]);
		};
		// Nothing is on record; another branch is; the record is as far as the block, or further, be it by another block.
		alone(None, &headers);
		for (number, hash) in [
			(20, Hash::repeat_byte(9)),
			(21, Hash::repeat_byte(9)),
			(19, head.hash),
			(25, headers[4].hash()),
			(25, Hash::repeat_byte(9)),
			(26, Hash::repeat_byte(9)),
			(0, Hash::repeat_byte(9)),
			(BlockNumber::MAX, Hash::repeat_byte(9)),
		] {
			alone(Some(RootRef { number, hash }), &headers);
		}
		// An ancestor is not here; there are too many; one is of the epoch before; one is too large.
		alone(Some(head), &headers[2..]);
		alone(Some(head), &chain(MAX_HEADERS + 1).1);
		let mut two_epochs = upon(head, 2, 2);
		let last = two_epochs.last().unwrap();
		let end = RootRef {
			number: last.number,
			hash: last.hash(),
		};
		two_epochs.extend(upon(end, 3, 2));
		alone(Some(head), &two_epochs);
		assert_eq!(shown(Some(end), &two_epochs), two_epochs[2..]);
		let mut large = headers[0].clone();
		large.digest.push(DigestItem::Other(vec![0; MAX_HEADER_BYTES]));
		let upon_large = RootRef {
			number: large.number,
			hash: large.hash(),
		};
		let mut upon_it = vec![large];
		upon_it.extend(upon(upon_large, 3, 1));
		alone(Some(head), &upon_it);
	}

	#[test]
	fn a_refused_block_of_another_committee_proves_nothing() {
		let (head, headers) = chain(1);
		let block = refused(&headers);
		let proves =
			|committee: &Committee| proof_of_block(&block, committee, Some(head), |_| None).is_some();
		assert!(proves(&committee(4)));
		// Three of five are no quorum; two members are no three, and nine have a longer bitmap.
		for size in [2, 5, 9] {
			assert!(!proves(&committee(size)), "{size}");
		}
		let next = Committee::new(4, committee(4).members().to_vec()).unwrap();
		assert!(!proves(&next));
		assert_eq!(MAX_HEADER_BYTES, pallet_misconduct::MAX_HEADER_BYTES);
	}

	proptest! {
		/// Turns begin with one member, and end soon, whoever asks.
		#[test]
		fn turns_are_bounded(
			chain: u32, epoch: u64, view: u64, size in 1u32..=MAX_MEMBERS, place in prop::option::of(0u32..300), id: [u8; 32],
		) {
			let round = Round { epoch, view };
			let delay = |place, id| delay(ChainId(chain), round, size, place, Some(MemberId(id)));
			prop_assert!(delay(place, id) < TURN * (LAST_TURN + 3));
			if place.is_none_or(|place| place >= size) {
				prop_assert!(delay(place, id) >= TURN * LAST_TURN);
			}
			let at_once = (0..size).filter(|place| delay(Some(*place), id) < TURN).count();
			prop_assert_eq!(at_once, 1);
		}

		/// Whatever bytes a store has: no panic, and what comes out names the member alone.
		#[test]
		fn any_bytes(votes in prop::collection::vec(any::<u8>(), 0..300), view: u64, kind in 0u8..3) {
			let contradiction = match kind {
				0 => Seen::ConflictingNotarize,
				1 => Seen::ConflictingFinalize,
				_ => Seen::NullifyFinalize,
			};
			let kept = Kept { contradiction, round: Round { epoch: 3, view }, member: MemberId([1; 32]), votes };
			if let Some((index, Proof::Votes { first, second })) = proof(&kept, &committee(4)) {
				prop_assert_eq!(index, 1);
				prop_assert_eq!(first.signers(4), Some(vec![1]));
				prop_assert_eq!(second.signers(4), Some(vec![1]));
			}
		}
	}
}
