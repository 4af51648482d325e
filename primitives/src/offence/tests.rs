use super::*;
use crate::digest::round_item;
use polkadot_sdk::sp_runtime::{traits::Header as _, Digest};
use proptest::{collection::vec, prelude::*};

const REALM: Realm = Realm {
	chain: ChainId(1),
	genesis: Hash::repeat_byte(9),
};

fn proposal(parent_view: View, block: u8) -> Proposal {
	Proposal {
		parent_view,
		block_hash: Hash::repeat_byte(block),
	}
}

fn round(epoch: u64, view: View) -> Round {
	Round { epoch, view }
}

/// Every vote on two blocks, each upon two parents.
fn all_votes() -> Vec<Vote> {
	let proposals = [(6, 1), (6, 2), (5, 1), (5, 2)].map(|(parent, block)| proposal(parent, block));
	let mut votes = alloc::vec![Vote::Nullify];
	for proposal in proposals {
		votes.extend([Vote::Notarize(proposal), Vote::Finalize(proposal)]);
	}
	votes
}

/// What the table in the module's page says of two votes of one round.
fn by_the_table(a: Vote, b: Vote) -> Result<Contradiction, Harmless> {
	let kind = |vote| match vote {
		Vote::Notarize(_) => 'n',
		Vote::Finalize(_) => 'f',
		Vote::Nullify => 'x',
	};
	if a == b {
		return Err(Harmless::SameVote);
	}
	match (kind(a), kind(b)) {
		('n', 'n') => Ok(Contradiction::ConflictingNotarize),
		('f', 'f') => Ok(Contradiction::ConflictingFinalize),
		('f', 'x') | ('x', 'f') => Ok(Contradiction::NullifyFinalize),
		_ => Err(Harmless::Compatible),
	}
}

#[test]
fn only_votes_of_one_round_contradict_each_other() {
	for a in all_votes() {
		for b in all_votes() {
			let at = round(3, 7);
			assert_eq!(contradiction((at, a), (at, b)), by_the_table(a, b), "{a:?} {b:?}");
			assert_eq!(contradiction((at, a), (round(3, 8), b)), Err(Harmless::OtherView));
			assert_eq!(
				contradiction((at, a), (round(4, 7), b)),
				Err(Harmless::OtherEpoch)
			);
		}
	}
}

#[test]
fn an_epochs_last_block_may_be_proposed_again() {
	// In view 8 upon itself, having been notarized in view 7.
	let again = Vote::Finalize(proposal(7, 1));
	for first in [Vote::Notarize(proposal(6, 1)), Vote::Finalize(proposal(6, 1))] {
		assert_eq!(
			contradiction((round(0, 7), first), (round(0, 8), again)),
			Err(Harmless::OtherView)
		);
	}
}

/// How an honest member of the engine votes in one view, whatever happens to it there: `construct_notarize`,
/// `construct_finalize` and `construct_nullify` of commonware's voter.
#[derive(Default)]
struct Honest {
	notarized: Option<Proposal>,
	finalized: bool,
	nullified: bool,
	slot: Option<Proposal>,
	equivocated: bool,
}

#[derive(Clone, Copy, Debug)]
enum Happening {
	/// The leader's proposal comes in and is valid.
	Proposed(Proposal),
	/// A certificate for a proposal comes in, and the block is there.
	Notarized(Proposal),
	/// The time is over.
	Timeout,
}

impl Honest {
	fn hears(&mut self, happening: Happening) -> Option<Vote> {
		match happening {
			Happening::Proposed(proposal) => {
				let known = *self.slot.get_or_insert(proposal);
				let free = self.notarized.is_none() && !self.nullified && !self.equivocated;
				self.equivocated |= known != proposal;
				(free && known == proposal).then(|| {
					self.notarized = Some(proposal);
					Vote::Notarize(proposal)
				})
			}
			Happening::Notarized(proposal) => {
				self.equivocated |= self.slot.is_some_and(|known| known != proposal);
				self.slot = Some(proposal);
				let free = !self.finalized && !self.nullified && !self.equivocated;
				free.then(|| {
					self.finalized = true;
					Vote::Finalize(proposal)
				})
			}
			Happening::Timeout => (!self.finalized).then(|| {
				self.nullified = true;
				Vote::Nullify
			}),
		}
	}
}

fn happening() -> impl Strategy<Value = Happening> {
	let any_proposal = || (5u64..7, 1u8..4).prop_map(|(parent, block)| proposal(parent, block));
	prop_oneof![
		any_proposal().prop_map(Happening::Proposed),
		any_proposal().prop_map(Happening::Notarized),
		Just(Happening::Timeout),
	]
}

proptest! {
	/// Whatever leaders and the network do to an honest member in two views, no two of its votes convict it.
	#[test]
	fn nobody_honest_is_guilty(views in [vec(happening(), 0..12), vec(happening(), 0..12)]) {
		let mut votes = Vec::new();
		for (view, happenings) in views.into_iter().enumerate() {
			let mut member = Honest::default();
			for happening in happenings {
				votes.extend(member.hears(happening).map(|vote| (round(0, view as u64 + 7), vote)));
			}
		}
		for a in &votes {
			for b in &votes {
				prop_assert!(contradiction(*a, *b).is_err(), "{:?} {:?}", a, b);
			}
		}
	}

	/// What is signed tells all votes, rounds and chains apart.
	#[test]
	fn signed_bytes_are_unique(
		a in (0u64..300, 0u64..300, 0usize..9, 0u32..3), b in (0u64..300, 0u64..300, 0usize..9, 0u32..3),
	) {
		let bytes = |(epoch, view, vote, chain): (u64, u64, usize, u32)| {
			all_votes()[vote].signed_bytes(Realm { chain: ChainId(chain), ..REALM }, round(epoch, view))
		};
		prop_assert_eq!(bytes(a) == bytes(b), a == b);
	}

	/// Two quorums share more members than may be faulty: two contradicting certificates convict somebody.
	#[test]
	fn contradicting_certificates_convict_more_than_a_third(
		size in 1u32..=MAX_MEMBERS, skip_a in any::<u32>(), skip_b in any::<u32>(),
	) {
		let quorum = crate::committee::quorum(size);
		let signers = |skip: u32| {
			let mut all: Vec<u32> = (0..size).map(|i| (i + skip % size) % size).take(quorum as usize).collect();
			all.sort_unstable();
			all
		};
		let guilty = in_both(&signers(skip_a), &signers(skip_b));
		prop_assert!(guilty.len() as u32 > crate::committee::faults(size));
		prop_assert!(guilty.windows(2).all(|pair| pair[0] < pair[1]));
	}
}

#[test]
fn nullify_is_signed_as_the_engine_does() {
	let bytes = Vote::Nullify.signed_bytes(REALM, round(2, 300));
	let namespace = [b"asterism".as_slice(), &1u32.to_le_bytes(), &[9; 32], b"_NULLIFY"].concat();
	let expected = [&[52u8][..], &namespace, &[2, 0xac, 0x02]].concat();
	assert_eq!(bytes, expected);
}

fn certificate(kind: CertificateKind, block_hash: Hash) -> Certificate {
	Certificate {
		kind,
		round: round(2, 7),
		parent_view: 6,
		block_hash,
		signers: Certificate::bitmap(10, [0, 3, 9]).unwrap(),
		signature: BlsSignature([7; 48]),
	}
}

#[test]
fn a_certificate_is_the_votes_of_its_signers() {
	for kind in [CertificateKind::Notarization, CertificateKind::Finalization] {
		let certificate = certificate(kind, Hash::repeat_byte(1));
		let votes = Votes::from(certificate.clone());
		assert_eq!(votes.signed_bytes(REALM), certificate.signed_bytes(REALM));
		assert_eq!(
			(votes.round, votes.signature),
			(certificate.round, certificate.signature)
		);
		assert_eq!(votes.signers(10), Some(alloc::vec![0, 3, 9]));
	}
}

#[test]
fn signers_are_of_the_committee() {
	let of = |bytes: &[u8]| Votes {
		round: round(2, 7),
		vote: Vote::Nullify,
		signers: bytes.to_vec().try_into().unwrap(),
		signature: BlsSignature([7; 48]),
	};
	assert_eq!(of(&[0b100]).signers(3), Some(alloc::vec![2]));
	// The committee is smaller; or needs a longer bitmap, or a shorter one; nobody signed; there is no bitmap.
	assert_eq!(of(&[0b100]).signers(2), None);
	assert_eq!(of(&[0b100]).signers(9), None);
	assert_eq!(of(&[0b100, 0]).signers(3), None);
	assert_eq!(of(&[0]).signers(3), None);
	assert_eq!(of(&[]).signers(0), None);
	let single = |member| Votes::single(round(2, 7), Vote::Nullify, 10, member, BlsSignature([7; 48]));
	assert_eq!(single(9).unwrap().signers(10), Some(alloc::vec![9]));
	assert!(single(10).is_none());
	assert_eq!(in_both(&[0, 2, 5, 7], &[1, 2, 7, 8]), [2, 7]);
	assert!(in_both(&[0, 1], &[2]).is_empty());
}

fn header(number: u32, parent_hash: Hash, rounds: &[Round]) -> Header {
	let logs = rounds.iter().map(|round| round_item(*round)).collect();
	Header::new(
		number,
		Default::default(),
		Default::default(),
		parent_hash,
		Digest { logs },
	)
}

#[test]
fn a_certificate_vouches_for_a_run_of_its_epoch() {
	let first = header(5, Hash::repeat_byte(4), &[round(2, 6)]);
	let second = header(6, first.hash(), &[round(2, 7)]);
	let good = certificate(CertificateKind::Finalization, second.hash());
	assert_eq!(linked(core::slice::from_ref(&second), &good), Ok(()));
	assert_eq!(linked(&[first.clone(), second.clone()], &good), Ok(()));
	assert_eq!(linked(&[], &good), Err(Unlinked::Empty));
	assert_eq!(
		linked(core::slice::from_ref(&first), &good),
		Err(Unlinked::OtherBlock)
	);
	assert_eq!(
		linked(&[second.clone(), first.clone()], &good),
		Err(Unlinked::OtherBlock)
	);
	let run = |first: Header, number, rounds: &[Round]| {
		let last = header(number, first.hash(), rounds);
		let certificate = certificate(CertificateKind::Finalization, last.hash());
		linked(&[first, last], &certificate)
	};
	let other = header(5, Hash::repeat_byte(3), &[round(2, 6)]);
	assert_eq!(linked(&[other, second], &good), Err(Unlinked::WrongParent));
	assert_eq!(run(first.clone(), 7, &[round(2, 7)]), Err(Unlinked::WrongParent));
	let top = header(u32::MAX, Hash::zero(), &[round(2, 6)]);
	assert_eq!(run(top, 0, &[round(2, 7)]), Err(Unlinked::WrongParent));
	// The block before is of the epoch before: its own committee answers for it.
	let before = header(5, Hash::zero(), &[round(1, 6)]);
	assert_eq!(run(before, 6, &[round(2, 7)]), Err(Unlinked::OtherEpoch));
	assert_eq!(run(first.clone(), 6, &[]), Err(Unlinked::OtherEpoch));
	assert_eq!(
		run(first, 6, &[round(2, 7), round(2, 7)]),
		Err(Unlinked::OtherEpoch)
	);
}

#[test]
fn evidence_is_bounded() {
	let first = header(5, Hash::zero(), &[]);
	let good = certificate(CertificateKind::Finalization, first.hash());
	let encoded = |headers: usize| {
		// Chain, variant, headers, certificate.
		(ChainId(1), 1u8, alloc::vec![first.clone(); headers], &good).encode()
	};
	let decode = |bytes: Vec<u8>| Evidence::decode(&mut &bytes[..]);
	assert!(decode(encoded(MAX_HEADERS as usize)).is_ok());
	assert!(decode(encoded(MAX_HEADERS as usize + 1)).is_err());
	let mut votes = Votes::from(good).encode();
	// Round, variant, proposal, then the bitmap's length.
	let at = 16 + 1 + 8 + 32;
	assert_eq!(votes[at], 2 << 2);
	votes.splice(at..at + 3, alloc::vec![0u8; 33].encode());
	assert!(Votes::decode(&mut &votes[..]).is_err());
}

/// A vote in the engine's encoding: integers as varints, then payload, signer and signature.
fn engine_vote(votes: &Votes, member: u64) -> Vec<u8> {
	let varint = |mut value: u64| {
		let mut bytes = Vec::new();
		while value >= 0x80 {
			bytes.push(value as u8 | 0x80);
			value >>= 7;
		}
		bytes.push(value as u8);
		bytes
	};
	let proposal = match votes.vote {
		Vote::Nullify => Vec::new(),
		Vote::Notarize(p) | Vote::Finalize(p) => {
			[varint(p.parent_view), p.block_hash.as_bytes().to_vec()].concat()
		}
	};
	[
		varint(votes.round.epoch),
		varint(votes.round.view),
		proposal,
		varint(member),
		votes.signature.0.to_vec(),
	]
	.concat()
}

#[test]
fn what_the_engine_reports_becomes_a_proof() {
	let votes = |vote, member, byte| {
		Votes::single(round(1, 300), vote, 200, member, BlsSignature([byte; 48])).unwrap()
	};
	for (contradiction, a, b) in [
		(
			Contradiction::ConflictingNotarize,
			Vote::Notarize(proposal(299, 1)),
			Vote::Notarize(proposal(299, 2)),
		),
		(
			Contradiction::ConflictingFinalize,
			Vote::Finalize(proposal(u64::MAX, 1)),
			Vote::Finalize(proposal(0, 2)),
		),
		(
			Contradiction::NullifyFinalize,
			Vote::Nullify,
			Vote::Finalize(proposal(128, 2)),
		),
	] {
		let (first, second) = (votes(a, 199, 1), votes(b, 199, 2));
		let bytes = [engine_vote(&first, 199), engine_vote(&second, 199)].concat();
		let proof = Proof::from_engine(contradiction, 200, &bytes);
		assert_eq!(proof, Some(Proof::Votes { first, second }));
		// Neither cut off nor with anything behind it; and the member is one of the committee.
		for end in 0..bytes.len() {
			assert_eq!(Proof::from_engine(contradiction, 200, &bytes[..end]), None);
		}
		assert_eq!(
			Proof::from_engine(contradiction, 200, &[&bytes[..], &[0]].concat()),
			None
		);
		assert_eq!(Proof::from_engine(contradiction, 199, &bytes), None);
	}
}

#[test]
fn integers_have_one_encoding() {
	let read = |mut bytes: &[u8]| read_varint(&mut bytes);
	assert_eq!(read(&[0]), Some(0));
	assert_eq!(read(&[0x7f]), Some(127));
	assert_eq!(read(&[0x80, 1]), Some(128));
	let max = [&[0xff; 9][..], &[1]].concat();
	assert_eq!(read(&max), Some(u64::MAX));
	// Longer than needed, too large, too long, cut off.
	assert_eq!(read(&[0x80, 0]), None);
	assert_eq!(read(&[&[0xff; 9][..], &[2]].concat()), None);
	assert_eq!(read(&[0x80; 11]), None);
	assert_eq!(read(&[0xff]), None);
	assert_eq!(read(&[]), None);
}

proptest! {
	/// Whatever bytes come: no panic, and what is read is written the same.
	#[test]
	fn any_bytes_of_the_engine(bytes in vec(any::<u8>(), 0..260)) {
		for contradiction in [
			Contradiction::ConflictingNotarize, Contradiction::ConflictingFinalize, Contradiction::NullifyFinalize,
		] {
			if let Some(Proof::Votes { first, second }) = Proof::from_engine(contradiction, MAX_MEMBERS, &bytes) {
				let member = |votes: &Votes| u64::from(votes.signers(MAX_MEMBERS).unwrap()[0]);
				let again = [engine_vote(&first, member(&first)), engine_vote(&second, member(&second))].concat();
				prop_assert_eq!(again, bytes.clone());
			}
		}
	}
}
