//! Evidence as the root chain takes it, and whose turn it is to report it: functions of values.
//!
//! All members of a committee see much the same misconduct at the same time. They take turns by their place in the committee, so
//! that usually one report is made; where to begin changes with the view, so that nobody always has the reward or the work.

use asterism_consensus::evidence::{ConflictingCertificates, Contradiction as Seen, Evidence as Kept};
use asterism_primitives::{
	certificate::Round,
	committee::{Committee, MemberId},
	offence::{contradiction, in_both, Contradiction, Proof},
	ChainId,
};
use codec::Encode;
use polkadot_sdk::sp_crypto_hashing::blake2_128;
use std::time::Duration;

/// How long a turn is: a report gets on record, and final, in this time.
pub const TURN: Duration = Duration::from_secs(3);
/// The last turn. Whoever's turn would come later, or who is no member, shares this one.
pub const LAST_TURN: u32 = 10;

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
	use asterism_primitives::{
		certificate::{Certificate, CertificateKind},
		committee::{BlsPublic, BlsSignature, Member, MAX_MEMBERS},
		Hash,
	};
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
