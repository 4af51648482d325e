use super::*;
use crate::{
	mock::*,
	network::{Lane, TestLane},
};
use asterism_primitives::committee::Committee;
use commonware_consensus::{
	simplex::types::{ConflictingNotarize, Notarize},
	types::{Epoch, View},
};
use polkadot_sdk::sp_runtime::OpaqueExtrinsic;
use std::sync::atomic::{AtomicUsize, Ordering};

const INTERVAL: Duration = Duration::from_millis(10);
/// Longer than anything here takes that happens at all.
const SOON: Duration = Duration::from_secs(20);

/// An application whose engine, network and chain are the test.
struct Rig {
	chain: Arc<MemoryChain>,
	mailbox: Mailbox,
	lane: TestLane,
	committee: Committee,
	evidence: Arc<AtomicUsize>,
}

impl Rig {
	fn new() -> Self {
		let chain = Arc::new(MemoryChain::default());
		let (lane, ends) = TestLane::new(Lane::Blocks);
		let evidence = Arc::new(AtomicUsize::new(0));
		let sink = {
			let evidence = evidence.clone();
			Arc::new(move |_: &Activity<Scheme, Digest>| {
				evidence.fetch_add(1, Ordering::SeqCst);
			})
		};
		let (mailbox, task) = start(chain.clone(), INTERVAL, ends, Metrics::new(None).unwrap(), sink);
		tokio::spawn(task);
		Rig {
			chain,
			mailbox,
			lane,
			committee: committee(0),
			evidence,
		}
	}

	fn context(&self, view: u64, parent: Hash) -> Context<Digest, Identity> {
		Context {
			round: EngineRound::new(Epoch::zero(), View::new(view)),
			leader: identity(&self.committee, 0),
			parent: (View::new(view - 1), to_digest(parent)),
		}
	}

	async fn verify(&mut self, view: u64, parent: Hash, block: Hash) -> bool {
		let answer = self
			.mailbox
			.verify(self.context(view, parent), to_digest(block))
			.await;
		tokio::time::timeout(SOON, answer)
			.await
			.expect("an answer in time")
			.expect("an answer")
	}

	async fn push_bytes(&self, bytes: Vec<u8>) {
		self.lane
			.feed
			.send((identity(&self.committee, 1), bytes.into()))
			.await
			.unwrap();
	}

	async fn push(&self, block: &OpaqueBlock) {
		self.push_bytes(BlockMessage::Block(block.clone()).encode()).await;
	}

	/// The next block message that was sent.
	async fn sent(&mut self) -> (Recipients<Identity>, BlockMessage) {
		let sent = tokio::time::timeout(SOON, self.lane.sent())
			.await
			.expect("a message in time");
		(sent.0, decode(&sent.1).expect("well-formed"))
	}

	/// The next block that was asked for, of all.
	async fn asked(&mut self) -> Hash {
		match self.sent().await {
			(Recipients::All, BlockMessage::Request(hash)) => hash,
			other => panic!("expected a request, got {other:?}"),
		}
	}
}

fn round(view: u64) -> Round {
	Round { epoch: 0, view }
}

/// `count` blocks one upon the other, the first upon `parent`, in views from 1.
fn blocks(parent: &Header, count: u64) -> Vec<OpaqueBlock> {
	let mut parent = parent.clone();
	let upon = |view| {
		let block = block_upon(&parent, round(view), view);
		parent = block.header().clone();
		block
	};
	(1..=count).map(upon).collect()
}

async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
	let start = Instant::now();
	while !condition() {
		assert!(start.elapsed() < SOON, "{what}");
		tokio::time::sleep(Duration::from_millis(5)).await;
	}
}

#[tokio::test]
async fn a_proposal_names_its_round_and_goes_to_all() {
	let mut rig = Rig::new();
	let genesis = rig.chain.genesis().hash();
	let hash = to_hash(rig.mailbox.propose(rig.context(4, genesis)).await.await.unwrap());
	let header = rig.chain.header(hash).unwrap();
	assert_eq!((header.number, header.parent_hash), (1, genesis));
	assert_eq!(digest::round(header.digest()), Some(round(4)));

	rig.mailbox.broadcast(
		to_digest(hash),
		Plan::Propose {
			round: rig.context(4, genesis).round,
		},
	);
	let (to, message) = rig.sent().await;
	assert!(matches!((&to, &message), (Recipients::All, BlockMessage::Block(b)) if b.header() == &header));

	// The next one is not built before the interval has passed.
	let first = rig.chain.timestamp(hash).unwrap();
	let second = to_hash(rig.mailbox.propose(rig.context(5, hash)).await.await.unwrap());
	assert!(rig.chain.timestamp(second).unwrap() >= first + INTERVAL.as_millis() as u64);

	let silent = vec![identity(&rig.committee, 2)];
	let plan = Plan::Forward {
		round: rig.context(5, hash).round,
		recipients: Recipients::Some(silent.clone()),
	};
	rig.mailbox.broadcast(to_digest(second), plan);
	assert!(matches!(rig.sent().await.0, Recipients::Some(to) if to == silent));
}

#[tokio::test]
async fn a_pushed_block_is_executed_before_the_vote() {
	let mut rig = Rig::new();
	let genesis = rig.chain.genesis().clone();
	let block = &blocks(&genesis, 1)[0];
	let unknown = || Verdict::Unknown("not yet".into());
	rig.chain.answer([unknown(), unknown(), Verdict::Valid]);
	rig.push(block).await;
	assert!(rig.verify(1, genesis.hash(), block.hash()).await);
	assert_eq!(rig.chain.checks(), 3, "asked again while the answer was unknown");
	assert!(rig.chain.header(block.hash()).is_some());
}

#[tokio::test]
async fn bad_proposals_are_refused() {
	let mut rig = Rig::new();
	let genesis = rig.chain.genesis().clone();
	let [first, second] = blocks(&genesis, 2).try_into().unwrap();
	rig.push(&first).await;
	assert!(rig.verify(1, genesis.hash(), first.hash()).await);
	let checks = rig.chain.checks();

	let changed = |change: &dyn Fn(&mut Header)| {
		let (mut header, body) = second.clone().deconstruct();
		change(&mut header);
		OpaqueBlock::new(header, body)
	};
	let rounds = |rounds: &[u64]| -> Vec<_> {
		rounds
			.iter()
			.map(|view| digest::round_item(round(*view)))
			.collect()
	};
	let unbuilt = blocks(&genesis, 1)[0].clone();
	let cases = [
		("wrong parent", changed(&|h| h.parent_hash = genesis.hash())),
		(
			"its own parent",
			changed(&|h| h.parent_hash = Hash::repeat_byte(9)),
		),
		("an earlier round", changed(&|h| h.digest.logs = rounds(&[1]))),
		("a later round", changed(&|h| h.digest.logs = rounds(&[3]))),
		(
			"another epoch",
			changed(&|h| h.digest.logs = vec![digest::round_item(Round { epoch: 1, view: 2 })]),
		),
		("no round", changed(&|h| h.digest.logs = rounds(&[]))),
		("two rounds", changed(&|h| h.digest.logs = rounds(&[2, 2]))),
		("the parent's number", changed(&|h| h.number = 1)),
		("a later number", changed(&|h| h.number = 3)),
		("the largest number", changed(&|h| h.number = u32::MAX)),
		("proposed before", unbuilt),
	];
	for (name, block) in cases {
		rig.push(&block).await;
		assert!(!rig.verify(2, first.hash(), block.hash()).await, "{name}");
	}
	assert_eq!(
		rig.chain.checks(),
		checks,
		"none of these costs more than a look at its header"
	);

	let not_executing = changed(&|h| h.state_root = Hash::repeat_byte(1));
	rig.push(&not_executing).await;
	assert!(!rig.verify(2, first.hash(), not_executing.hash()).await);
	assert!(rig.chain.header(not_executing.hash()).is_none());
	rig.chain.answer([Verdict::Invalid("its time is wrong".into())]);
	rig.push(&second).await;
	assert!(!rig.verify(2, first.hash(), second.hash()).await);
	assert!(rig.chain.header(second.hash()).is_none(), "not executed");
	// Nothing of this has spoiled the good block.
	assert!(rig.verify(2, first.hash(), second.hash()).await);
}

#[tokio::test]
async fn a_missing_block_is_asked_for_with_its_ancestors() {
	let mut rig = Rig::new();
	let genesis = rig.chain.genesis().clone();
	let chain = blocks(&genesis, 4);
	let answer = rig
		.mailbox
		.certify(rig.context(4, Hash::zero()).round, to_digest(chain[3].hash()))
		.await;
	for block in chain.iter().rev() {
		// It may be asked for twice if the answer is slow, never for anything else.
		while rig.asked().await != block.hash() {}
		rig.push(block).await;
	}
	assert!(tokio::time::timeout(SOON, answer).await.unwrap().unwrap());
	assert!(chain.iter().all(|block| rig.chain.header(block.hash()).is_some()));
}

#[tokio::test]
async fn other_blocks_do_not_put_a_request_off() {
	let mut rig = Rig::new();
	let genesis = rig.chain.genesis().clone();
	let wanted = blocks(&genesis, 1)[0].clone();
	let feed = rig.lane.feed.clone();
	let from = identity(&rig.committee, 1);
	let others = tokio::spawn(async move {
		for view in 1000.. {
			let message = BlockMessage::Block(block_upon(&genesis, round(view), view)).encode();
			if feed.send((from.clone(), message.into())).await.is_err() {
				return;
			}
			tokio::time::sleep(REQUEST_AFTER / 20).await;
		}
	});
	let _answer = rig
		.mailbox
		.certify(rig.context(1, Hash::zero()).round, to_digest(wanted.hash()))
		.await;
	assert_eq!(rig.asked().await, wanted.hash());
	others.abort();
}

#[tokio::test]
async fn requests_are_answered_to_who_asked() {
	let mut rig = Rig::new();
	let genesis = rig.chain.genesis().clone();
	let block = blocks(&genesis, 1)[0].clone();
	rig.push_bytes(BlockMessage::Request(Hash::repeat_byte(7)).encode())
		.await;
	rig.push(&block).await;
	rig.push_bytes(BlockMessage::Request(block.hash()).encode()).await;
	match rig.sent().await {
		(Recipients::One(to), BlockMessage::Block(sent)) => {
			assert_eq!((to, sent), (identity(&rig.committee, 1), block));
		}
		other => panic!("expected the block, got {other:?}"),
	}
}

#[tokio::test]
async fn malformed_messages_are_ignored() {
	let mut rig = Rig::new();
	let genesis = rig.chain.genesis().clone();
	let block = blocks(&genesis, 1)[0].clone();
	let good = BlockMessage::Block(block.clone()).encode();
	// A compact length of 2^30 − 1 extrinsics, and nothing behind it.
	let many = [&[0][..], &block.header().encode(), &[0xfe, 0xff, 0xff, 0xff]].concat();
	for bad in [
		vec![],
		vec![0],
		vec![1],
		vec![2; 40],
		vec![0xff; 4096],
		good[..good.len() - 1].to_vec(),
		[&good[..], &[0]].concat(),
		many,
		vec![0; MAX_NOTIFICATION as usize + 1],
	] {
		assert!(decode(&bad.clone().into()).is_none());
		rig.push_bytes(bad).await;
	}
	rig.push(&block).await;
	assert!(rig.verify(1, genesis.hash(), block.hash()).await);
}

#[tokio::test]
async fn a_header_with_a_foreign_body_does_not_spoil_a_proposal() {
	let mut rig = Rig::new();
	let genesis = rig.chain.genesis().clone();
	let block = blocks(&genesis, 1)[0].clone();
	for body in [vec![], vec![OpaqueExtrinsic::from_blob(vec![1, 2, 3])]] {
		let forged = OpaqueBlock::new(block.header().clone(), body);
		assert_eq!(forged.hash(), block.hash());
		assert!(!has_own_body(&forged));
		// Before the good one, and after it.
		rig.push(&forged).await;
		rig.push(&block).await;
		rig.push(&forged).await;
	}
	assert!(rig.verify(1, genesis.hash(), block.hash()).await);
}

#[test]
fn both_forms_of_a_bodys_root_are_known() {
	// Longer than the 32 bytes from which on the two forms differ.
	let body = vec![OpaqueExtrinsic::from_blob(vec![7; 100])];
	let encoded = || body.iter().map(Encode::encode).collect();
	let roots =
		[StateVersion::V0, StateVersion::V1].map(|version| Hashing::ordered_trie_root(encoded(), version));
	assert_ne!(roots[0], roots[1]);
	for root in roots {
		let header = Header::new(1, root, Hash::zero(), Hash::zero(), Default::default());
		assert!(has_own_body(&OpaqueBlock::new(header, body.clone())));
	}
}

#[tokio::test]
async fn a_finalization_makes_ancestors_final_with_their_notarizations() {
	let mut rig = Rig::new();
	let genesis = rig.chain.genesis().clone();
	let chain = blocks(&genesis, 4);
	let by = signers(REALM, &rig.committee, &NAMES);
	for view in [1, 3] {
		let signed = notarization(&by, proposal(0, view, chain[view as usize - 1].hash()));
		rig.mailbox.report(Activity::Notarization(signed));
	}
	// It is reported before its block, and its ancestors, have come.
	rig.mailbox.report(Activity::Finalization(finalization(
		&by,
		proposal(0, 3, chain[2].hash()),
	)));
	for block in chain.iter().rev().skip(1) {
		rig.push(block).await;
	}
	let memory = rig.chain.clone();
	eventually("block 3 is final", || memory.finalized().0 == 3).await;
	// An older one changes nothing, and the next one follows.
	rig.mailbox.report(Activity::Finalization(finalization(
		&by,
		proposal(0, 2, chain[1].hash()),
	)));
	rig.push(&chain[3]).await;
	rig.mailbox.report(Activity::Finalization(finalization(
		&by,
		proposal(0, 4, chain[3].hash()),
	)));
	eventually("block 4 is final", || memory.finalized().0 == 4).await;

	use asterism_primitives::certificate::CertificateKind::{Finalization, Notarization};
	let kinds: Vec<_> = memory
		.all_final()
		.into_iter()
		.map(|(number, hash, c)| (number, hash, c.map(|c| c.kind)))
		.collect();
	let expected = [
		(0, genesis.hash(), None),
		(1, chain[0].hash(), Some(Notarization)),
		(2, chain[1].hash(), None),
		(3, chain[2].hash(), Some(Finalization)),
		(4, chain[3].hash(), Some(Finalization)),
	];
	assert_eq!(kinds, expected);
}

#[tokio::test]
async fn contradictions_are_passed_on() {
	let rig = &mut Rig::new();
	let by = signers(REALM, &rig.committee, &NAMES);
	let vote = |block| Notarize::sign(&by[2], proposal(0, 5, block)).unwrap();
	let conflict = ConflictingNotarize::new(vote(Hash::repeat_byte(1)), vote(Hash::repeat_byte(2)));
	rig.mailbox.report(Activity::Notarize(vote(Hash::zero())));
	rig.mailbox.report(Activity::ConflictingNotarize(conflict));
	let evidence = rig.evidence.clone();
	eventually("the contradiction arrives", || {
		evidence.load(Ordering::SeqCst) == 1
	})
	.await;
}

#[tokio::test]
async fn a_view_that_is_over_takes_its_request_along() {
	let mut rig = Rig::new();
	let missing = blocks(rig.chain.genesis(), 1)[0].clone();
	let answer = rig
		.mailbox
		.verify(
			rig.context(1, rig.chain.genesis().hash()),
			to_digest(missing.hash()),
		)
		.await;
	assert_eq!(rig.asked().await, missing.hash());
	drop(answer);
	tokio::time::sleep(Duration::from_millis(50)).await;
	rig.push(&missing).await;
	tokio::time::sleep(Duration::from_millis(100)).await;
	assert!(
		rig.chain.header(missing.hash()).is_none(),
		"nobody asks for it any more"
	);
}

#[test]
fn pushed_blocks_are_bounded() {
	let genesis = MemoryChain::default().genesis().clone();
	let block = |view| block_upon(&genesis, round(view), view);
	let mut pending = Pending::default();
	let size = MAX_PENDING_BYTES / 10;
	let large: Vec<_> = (0..30).map(block).collect();
	for block in &large {
		for _ in 0..3 {
			pending.insert(block.hash(), block.clone(), size);
		}
		assert!(pending.bytes <= MAX_PENDING_BYTES && pending.blocks.len() <= 10);
		assert_eq!(pending.order.len(), pending.blocks.len());
		assert_eq!(pending.bytes, pending.blocks.len() * (size + PENDING_OVERHEAD));
		assert!(pending.blocks.contains_key(&block.hash()), "the newest stays");
	}
	assert!(!pending.blocks.contains_key(&large[0].hash()), "the oldest goes");
	// Tiny ones count too.
	let tiny = large[0].clone();
	for i in 0..100_000u32 {
		pending.insert(Hash::from_low_u64_be(i.into()), tiny.clone(), 0);
	}
	assert_eq!(pending.blocks.len(), MAX_PENDING_BYTES / PENDING_OVERHEAD);
	for oversized in [MAX_PENDING_BYTES, usize::MAX] {
		pending.insert(large[0].hash(), large[0].clone(), oversized);
		assert!(!pending.blocks.contains_key(&large[0].hash()));
	}
	assert_eq!(
		pending.blocks.len(),
		MAX_PENDING_BYTES / PENDING_OVERHEAD,
		"the others stay"
	);
}

#[test]
fn notarizations_are_bounded() {
	let by = signers(REALM, &committee(0), &NAMES);
	let one = scheme::from_notarization(&notarization(&by, proposal(0, 1, Hash::zero()))).unwrap();
	let mut held = Notarizations::default();
	for i in 0..3 * MAX_NOTARIZATIONS as u64 {
		for _ in 0..2 {
			held.insert(Certificate {
				block_hash: Hash::from_low_u64_be(i),
				..one.clone()
			});
		}
		assert!(held.certificates.len() <= MAX_NOTARIZATIONS && held.order.len() == held.certificates.len());
		assert!(held.certificates.contains_key(&Hash::from_low_u64_be(i)));
	}
	assert!(!held.certificates.contains_key(&Hash::zero()));
}
