use super::*;
use crate::{
	committees::CommitteeSource,
	evidence::tests::Memory,
	mock::*,
	scheme::{from_finalization, from_notarization, Scheme},
};
use asterism_primitives::{
	certificate::CertificateKind,
	committee::{Committee, Epoch},
};
use std::{
	sync::{
		atomic::{AtomicUsize, Ordering},
		LazyLock,
	},
	time::Duration,
};

struct OnRecord;

impl CommitteeSource for OnRecord {
	fn committee(&self, epoch: Epoch) -> Option<Committee> {
		static COMMITTEES: LazyLock<[Committee; 2]> = LazyLock::new(|| [0, 1].map(committee));
		COMMITTEES.get(usize::try_from(epoch).ok()?).cloned()
	}

	fn epoch(&self) -> Option<Epoch> {
		Some(1)
	}

	fn progress(&self) -> BlockNumber {
		0
	}
}

/// A final chain in a list, genesis first, each block with its certificate; it counts how often it is read.
struct Final {
	blocks: Vec<(Header, Option<Certificate>)>,
	reads: Arc<AtomicUsize>,
}

impl FinalChain for Final {
	fn finalized(&self) -> BlockNumber {
		self.blocks.len() as BlockNumber - 1
	}

	fn header(&self, number: BlockNumber) -> Option<Header> {
		self.reads.fetch_add(1, Ordering::SeqCst);
		self.blocks.get(number as usize).map(|(header, _)| header.clone())
	}

	fn certificate(&self, hash: Hash) -> Option<Certificate> {
		let found = self.blocks.iter().find(|(header, _)| header.hash() == hash);
		found.and_then(|(_, certificate)| certificate.clone())
	}
}

type Found = Forks<Final, Memory>;

fn by(epoch: Epoch, signers_at: &[usize]) -> Vec<Scheme> {
	static ALL: LazyLock<[Vec<Scheme>; 2]> =
		LazyLock::new(|| [0, 1].map(|epoch| signers(REALM, &committee(epoch), &NAMES)));
	let all = &ALL[epoch as usize];
	signers_at.iter().map(|i| all[*i].clone()).collect()
}

/// The certificate that the members with these places sign.
fn certified(kind: CertificateKind, round: Round, block: Hash, at: &[usize]) -> Certificate {
	let by = by(round.epoch, at);
	let proposal = proposal(round.epoch, round.view, block);
	match kind {
		CertificateKind::Finalization => from_finalization(&finalization(&by, proposal)),
		CertificateKind::Notarization => from_notarization(&notarization(&by, proposal)),
	}
	.unwrap()
}

fn finalized(round: Round, block: Hash, at: &[usize]) -> Certificate {
	certified(CertificateKind::Finalization, round, block, at)
}

const fn round(epoch: Epoch, view: u64) -> Round {
	Round { epoch, view }
}

/// The rounds of blocks 1, 2, …: views are skipped, and the epoch ends.
const ROUNDS: [Round; 6] = [
	round(0, 1),
	round(0, 2),
	round(0, 4),
	round(0, 7),
	round(1, 1),
	round(1, 3),
];

/// A chain of [`ROUNDS`]. The first three members have signed each certificate; block 2 is final by its descendant, block 3 has a
/// notarization, and block 4, the last one of its epoch, was agreed on two views after it was proposed first.
fn forks() -> Found {
	static BLOCKS: LazyLock<Vec<(Header, Option<Certificate>)>> = LazyLock::new(final_blocks);
	let chain = Final {
		blocks: BLOCKS.clone(),
		reads: Arc::default(),
	};
	let certifier = Arc::new(Certifier::new(REALM, Arc::new(OnRecord)));
	let evidence = Arc::new(EvidenceStore::new(Arc::new(Memory::default())));
	Forks::new(chain, certifier, evidence)
}

fn final_blocks() -> Vec<(Header, Option<Certificate>)> {
	let mut blocks = vec![(MemoryChain::default().genesis().clone(), None)];
	for (number, round) in (1..).zip(ROUNDS) {
		let parent = &blocks.last().unwrap().0;
		let (header, _) =
			polkadot_sdk::sp_runtime::traits::Block::deconstruct(block_upon(parent, round, number));
		let hash = header.hash();
		let certificate = match number {
			2 => None,
			3 => Some(certified(CertificateKind::Notarization, round, hash, &[0, 1, 2])),
			4 => Some(finalized(Round { view: 9, ..round }, hash, &[0, 1, 2])),
			_ => Some(finalized(round, hash, &[0, 1, 2])),
		};
		blocks.push((header, certificate));
	}
	blocks
}

const OTHER: Hash = Hash::repeat_byte(66);

/// Both ways to tell of a certificate keep these many pairs.
#[track_caller]
fn keeps(certificate: &Certificate, pairs: usize) {
	let told = forks();
	told.verified(certificate);
	let shown = forks();
	let offered = shown.offered(certificate);
	assert_eq!(told.evidence.certificates().len(), pairs);
	assert_eq!(shown.evidence.certificates(), told.evidence.certificates());
	assert_eq!(offered == Offered::Kept, pairs > 0, "{offered:?}");
}

#[test]
fn two_certificates_of_one_height_convict_who_signed_both() {
	let forks = forks();
	let theirs = finalized(ROUNDS[0], OTHER, &[1, 2, 3]);
	forks.verified(&theirs);
	let kept = forks.evidence.certificates();
	assert_eq!(kept.len(), 1);
	assert_eq!((kept[0].round(), kept[0].culprits()), (ROUNDS[0], vec![1, 2]));
	let (first, second) = kept[0].votes();
	let hashes = [first, second].map(|votes| match votes.vote {
		asterism_primitives::offence::Vote::Finalize(proposal) => proposal.block_hash,
		other => panic!("{other:?}"),
	});
	assert!(hashes.contains(&OTHER) && hashes.contains(&forks.chain.blocks[1].0.hash()));
	// Once is enough.
	forks.verified(&theirs);
	assert_eq!(forks.offered(&theirs), Offered::Nothing);
	assert_eq!(forks.evidence.certificates(), kept);
	// Another pair of the same two adds nothing; one that convicts somebody else does.
	forks.verified(&finalized(ROUNDS[4], OTHER, &[1, 2, 3]));
	forks.verified(&finalized(ROUNDS[0], Hash::repeat_byte(67), &[1, 2, 3]));
	forks.verified(&finalized(ROUNDS[0], Hash::repeat_byte(68), &[0, 2, 3]));
	let found: Vec<_> = forks
		.evidence
		.certificates()
		.iter()
		.map(|pair| (pair.round().epoch, pair.culprits()))
		.collect();
	assert_eq!(found, [(0, vec![1, 2]), (1, vec![1, 2]), (0, vec![0, 2])]);
}

#[test]
fn each_block_of_the_final_chain_is_found_by_the_round_that_it_was_agreed_on_in() {
	for found in [
		finalized(round(0, 1), OTHER, &[0, 1, 3]),
		certified(CertificateKind::Notarization, round(0, 4), OTHER, &[0, 1, 3]),
		finalized(round(0, 9), OTHER, &[0, 1, 3]),
		finalized(round(1, 1), OTHER, &[0, 1, 3]),
		finalized(round(1, 3), OTHER, &[0, 1, 3]),
	] {
		keeps(&found, 1);
	}
}

#[test]
fn what_an_honest_chain_may_have_is_no_evidence() {
	let own = final_blocks();
	for certificate in own.iter().filter_map(|(_, certificate)| certificate.as_ref()) {
		// The same certificate again, and other signatures for the same block.
		keeps(certificate, 0);
		let by_others = certified(
			certificate.kind,
			certificate.round,
			certificate.block_hash,
			&[1, 2, 3],
		);
		keeps(&by_others, 0);
	}
	for harmless in [
		// Blocks of other heights: their views are others.
		finalized(round(0, 3), OTHER, &[0, 1, 2]),
		finalized(round(0, 8), OTHER, &[0, 1, 2]),
		finalized(round(0, 10), OTHER, &[0, 1, 2]),
		finalized(round(1, 2), OTHER, &[0, 1, 2]),
		finalized(round(1, 4), OTHER, &[0, 1, 2]),
		// In this view the last block of the epoch was proposed first. Not agreed on: others may have been, for all that is here.
		finalized(round(0, 7), OTHER, &[0, 1, 2]),
		// Our block has no certificate of its own.
		finalized(round(0, 2), OTHER, &[0, 1, 2]),
		// Who voted for one block may see that another is notarized, and finalize that.
		certified(CertificateKind::Notarization, round(0, 1), OTHER, &[0, 1, 2]),
		finalized(round(0, 4), OTHER, &[0, 1, 2]),
	] {
		keeps(&harmless, 0);
	}
}

#[test]
fn forged_certificates_are_not_kept() {
	let good = finalized(ROUNDS[0], OTHER, &[1, 2, 3]);
	let forged = |change: &dyn Fn(&mut Certificate)| {
		let mut certificate = good.clone();
		change(&mut certificate);
		certificate
	};
	let cases = [
		forged(&|c| c.signature.0[7] ^= 1),
		forged(&|c| c.block_hash = Hash::repeat_byte(9)),
		forged(&|c| c.parent_view += 1),
		// Who did not sign is not convicted by being named, nor is it enough that too few signed.
		forged(&|c| c.signers = Certificate::bitmap(4, [0, 1, 2, 3]).unwrap()),
		forged(&|c| c.signers = Certificate::bitmap(4, [1, 2]).unwrap()),
	];
	for certificate in cases {
		let forks = forks();
		assert_eq!(forks.offered(&certificate), Offered::Forged);
		assert!(forks.evidence.certificates().is_empty());
	}
	// A bitmap that fits no committee, and one that names nobody who signed ours.
	for certificate in [
		forged(&|c| c.signers = Default::default()),
		forged(&|c| c.signers = Certificate::bitmap(256, 0..256).unwrap()),
		forged(&|c| c.signers = Certificate::bitmap(4, [3]).unwrap()),
	] {
		let forks = forks();
		assert_eq!(forks.offered(&certificate), Offered::Nothing);
	}
	// Ours is wrong: it was never verified, as in a chain that was taken over with its state.
	let mut forks = forks();
	if let Some(certificate) = &mut forks.chain.blocks[1].1 {
		certificate.signature.0[7] ^= 1;
	}
	assert_eq!(forks.offered(&good), Offered::Nothing);
	forks.verified(&good);
	assert!(forks.evidence.certificates().is_empty());
}

#[test]
fn a_flood_of_forgeries_is_not_verified() {
	let forks = forks();
	let (rate, burst) = VERIFICATIONS;
	let now = Instant::now();
	let at = |millis| now + Duration::from_millis(millis);
	let mut forged = finalized(ROUNDS[0], OTHER, &[1, 2, 3]);
	forged.signature.0[7] ^= 1;
	let verified = |now| {
		(0..10 * burst)
			.filter(|i| {
				let mut forged = forged.clone();
				forged.block_hash.0[0] = *i as u8;
				match forks.offered_at(&forged, now) {
					Offered::Forged => true,
					Offered::Busy => false,
					other => panic!("{other:?}"),
				}
			})
			.count() as u64
	};
	assert_eq!(verified(at(0)), burst);
	assert_eq!(verified(at(1_000)), rate);
	// What contradicts nothing costs no verification, and what others have verified is kept all the same.
	let harmless = finalized(round(0, 3), OTHER, &[0, 1, 2]);
	assert_eq!(forks.offered_at(&harmless, at(1_000)), Offered::Nothing);
	forks.verified(&finalized(ROUNDS[0], OTHER, &[1, 2, 3]));
	assert_eq!(forks.evidence.certificates().len(), 1);
	// As is a good one, when it is its turn.
	let good = finalized(ROUNDS[5], OTHER, &[1, 2, 3]);
	assert_eq!(forks.offered_at(&good, at(1_000)), Offered::Busy);
	assert_eq!(forks.offered_at(&good, at(2_000)), Offered::Kept);
}

#[test]
fn a_block_above_the_final_one_costs_one_look() {
	let forks = forks();
	let next = finalized(round(1, 9), OTHER, &[0, 1, 2]);
	forks.verified(&next);
	assert!(forks.chain.reads.load(Ordering::SeqCst) <= 2);
	// And nothing is found in a chain that is not all here.
	let mut forks = forks;
	forks.chain.blocks.truncate(1);
	forks.verified(&next);
	forks.verified(&finalized(ROUNDS[0], OTHER, &[1, 2, 3]));
	assert!(forks.evidence.certificates().is_empty());
}

#[test]
fn a_refused_block_is_kept_with_the_certificate_that_makes_it_final() {
	let forks = forks();
	let upon = &forks.chain.blocks[6].0;
	let header = |view| {
		let block = refusable(block_upon(upon, round(1, view), 7));
		polkadot_sdk::sp_runtime::traits::Block::deconstruct(block).0
	};
	let (first, second) = (header(4), header(5));
	let agreed = finalized(round(1, 4), first.hash(), &[0, 1, 2]);
	let notarized = certified(
		CertificateKind::Notarization,
		round(1, 4),
		first.hash(),
		&[0, 1, 2],
	);
	forks.refused(&first, &notarized);
	forks.refused(&second, &agreed);
	assert!(forks.evidence.refused().is_empty());
	forks.refused(&first, &agreed);
	forks.refused(&first, &agreed);
	let kept = forks.evidence.refused();
	assert_eq!(kept.len(), 1);
	assert_eq!((kept[0].header(), kept[0].certificate()), (&first, &agreed));
	assert!(forks.evidence.certificates().is_empty());
}
