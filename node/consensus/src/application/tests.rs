use super::*;
use crate::{
	host::Process,
	mock::*,
	network::{FreeLane, Lane},
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
	lane: FreeLane,
	committee: Committee,
	evidence: Arc<AtomicUsize>,
	metrics: Metrics,
}

impl Rig {
	fn new() -> Self {
		let chain = Arc::new(MemoryChain::default());
		let (lane, ends) = FreeLane::new(Lane::Blocks);
		let evidence = Arc::new(AtomicUsize::new(0));
		let sink = {
			let evidence = evidence.clone();
			Arc::new(move |_: &Activity<Scheme, Digest>| {
				evidence.fetch_add(1, Ordering::SeqCst);
			})
		};
		let metrics = Metrics::new(None).unwrap();
		let (mailbox, task) = start(
			Arc::new(Process),
			chain.clone(),
			INTERVAL,
			ends,
			metrics.clone(),
			sink,
		);
		tokio::spawn(task);
		Rig {
			chain,
			mailbox,
			lane,
			committee: committee(0),
			evidence,
			metrics,
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
			.feed()
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
			.expect("a message in time")
			.expect("the lane is open");
		(sent.0, decode_block_message(&sent.1).expect("well-formed"))
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
	let feed = rig.lane.feed();
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

/// An application that nothing drives but the test, its chain, and what it sends.
fn served() -> (Application, Arc<MemoryChain>, FreeLane) {
	let chain = Arc::new(MemoryChain::default());
	let (lane, (blocks, _)) = FreeLane::new(Lane::Blocks);
	let application = Application {
		host: Arc::new(Process),
		chain: chain.clone(),
		interval: INTERVAL,
		blocks,
		pending: Default::default(),
		notarizations: Default::default(),
		arrived: Notify::new(),
		seen: Default::default(),
		metrics: Metrics::new(None).unwrap(),
	};
	(application, chain, lane)
}

/// How many blocks were sent to a member since the last call, if none were sent to others.
fn sent_to(lane: &mut FreeLane, member: &Identity) -> u64 {
	let mut count = 0;
	while let Some(Some((to, message))) = futures::FutureExt::now_or_never(lane.sent()) {
		assert!(matches!(to, Recipients::One(one) if one == *member));
		assert!(matches!(
			decode_block_message(&message),
			Some(BlockMessage::Block(_))
		));
		count += 1;
	}
	count
}

#[tokio::test]
async fn a_member_is_served_within_its_budget_and_others_still_are() {
	let (application, chain, mut lane) = served();
	let [genesis, unknown] = [chain.genesis().hash(), Hash::repeat_byte(7)];
	let [flooder, other] = [0, 1].map(|index| identity(&committee(0), index));
	let mut budget = Budget::new(REQUESTS);
	let start = Instant::now();
	let flood = |budget: &mut Budget, hash, now| {
		for _ in 0..10 * REQUESTS.messages_burst {
			application.answer(flooder.clone(), hash, budget, now);
		}
	};
	flood(&mut budget, genesis, start);
	assert_eq!(sent_to(&mut lane, &flooder), REQUESTS.messages_burst);
	assert_eq!(
		application.metrics.dropped_requests.get(),
		9 * REQUESTS.messages_burst
	);
	application.answer(other.clone(), genesis, &mut Budget::new(REQUESTS), start);
	assert_eq!(sent_to(&mut lane, &other), 1);
	// The budget comes back, and requests in vain spend it as well.
	flood(&mut budget, genesis, start + Duration::from_secs(1));
	assert_eq!(sent_to(&mut lane, &flooder), REQUESTS.messages);
	flood(&mut budget, unknown, start + Duration::from_secs(2));
	application.answer(
		flooder.clone(),
		genesis,
		&mut budget,
		start + Duration::from_secs(2),
	);
	assert_eq!(sent_to(&mut lane, &flooder), 0);
}

#[tokio::test]
async fn large_blocks_are_served_by_their_bytes() {
	let (application, chain, mut lane) = served();
	let member = identity(&committee(0), 0);
	let size = 2 * 1024 * 1024;
	let body = vec![OpaqueExtrinsic::from_blob(vec![7; size])];
	let header = Header {
		extrinsics_root: Hashing::ordered_trie_root(
			body.iter().map(Encode::encode).collect(),
			StateVersion::V0,
		),
		number: 1,
		parent_hash: chain.genesis().hash(),
		state_root: Hash::zero(),
		digest: polkadot_sdk::sp_runtime::Digest {
			logs: vec![digest::round_item(round(1))],
		},
	};
	let large = OpaqueBlock::new(header, body);
	chain.import(large.clone()).await.unwrap();
	let mut budget = Budget::new(REQUESTS);
	let now = Instant::now();
	for _ in 0..REQUESTS.messages_burst {
		application.answer(member.clone(), large.hash(), &mut budget, now);
	}
	// A little more than its body is sent of each.
	let most = REQUESTS.bytes_burst / size as u64;
	assert!(most < REQUESTS.messages_burst);
	assert_eq!(sent_to(&mut lane, &member), most - 1);
}

#[tokio::test]
async fn a_flood_of_requests_does_not_keep_others_from_being_served() {
	let mut rig = Rig::new();
	let genesis = rig.chain.genesis().hash();
	let request = BlockMessage::Request(genesis).encode();
	let [flooder, other] = [1, 2].map(|index| identity(&rig.committee, index));
	let (flood, start) = (20 * REQUESTS.messages_burst, Instant::now());
	for _ in 0..flood {
		let from = (flooder.clone(), request.clone().into());
		rig.lane.feed().send(from).await.unwrap();
	}
	rig.lane
		.feed()
		.send((other.clone(), request.into()))
		.await
		.unwrap();
	let mut to_flooder = 0;
	loop {
		match rig.sent().await {
			(Recipients::One(to), BlockMessage::Block(_)) if to == flooder => to_flooder += 1,
			(Recipients::One(to), BlockMessage::Block(_)) if to == other => break,
			other => panic!("expected a block, got {other:?}"),
		}
	}
	let allowed = REQUESTS.messages_burst + REQUESTS.messages * (start.elapsed().as_secs() + 1);
	assert!(to_flooder <= allowed, "{to_flooder} of at most {allowed}");
	assert_eq!(rig.metrics.dropped_requests.get(), flood - to_flooder);
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
		assert!(decode_block_message(&bad).is_none());
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
		assert!(!is_body_of(forged.header(), forged.extrinsics()));
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
		assert!(is_body_of(&header, &body));
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

/// Blocks that were agreed on against final ones are told, change nothing, and hold nothing up.
async fn conflicts(agreed: impl Fn(&[OpaqueBlock]) -> Vec<OpaqueBlock>) {
	let mut rig = Rig::new();
	let genesis = rig.chain.genesis().clone();
	let by = signers(REALM, &rig.committee, &NAMES);
	let chain = blocks(&genesis, 4);
	let memory = rig.chain.clone();
	for block in &chain {
		rig.push(block).await;
	}
	let finalize = |mailbox: &mut Mailbox, view, block: &OpaqueBlock| {
		mailbox.report(Activity::Finalization(finalization(
			&by,
			proposal(0, view, block.hash()),
		)));
	};
	finalize(&mut rig.mailbox, 3, &chain[2]);
	eventually("block 3 is final", || memory.finalized().0 == 3).await;
	let before = memory.all_final();

	let other = agreed(&chain);
	for block in &other {
		rig.push(block).await;
	}
	finalize(&mut rig.mailbox, 9, other.last().unwrap());
	let metrics = rig.metrics.clone();
	eventually("the conflict is told", || metrics.conflicts.get() == 1).await;
	assert_eq!(memory.all_final(), before);
	// One that is final already is none, and the next one follows.
	finalize(&mut rig.mailbox, 2, &chain[1]);
	finalize(&mut rig.mailbox, 4, &chain[3]);
	eventually("block 4 is final", || memory.finalized().0 == 4).await;
	assert_eq!(metrics.conflicts.get(), 1);
	assert_eq!(
		rig.evidence.load(Ordering::SeqCst),
		1,
		"it may be half of a proof"
	);
	assert_eq!(memory.finalized().1, chain[3].hash());
}

#[tokio::test]
async fn another_block_at_a_final_height_is_an_error() {
	conflicts(|chain| vec![block_upon(chain[1].header(), round(9), 9)]).await;
	conflicts(|chain| vec![block_upon(chain[0].header(), round(9), 9)]).await;
}

#[tokio::test]
async fn a_block_that_does_not_descend_from_the_final_one_is_an_error() {
	conflicts(|chain| {
		let mut parent = chain[0].header().clone();
		let upon = |view| {
			let block = block_upon(&parent, round(view), view);
			parent = block.header().clone();
			block
		};
		(7..=9).map(upon).collect()
	})
	.await;
}

#[tokio::test]
async fn a_block_that_is_agreed_on_and_refused_is_told_once() {
	let mut rig = Rig::new();
	let genesis = rig.chain.genesis().clone();
	let by = signers(REALM, &rig.committee, &NAMES);
	let good = block_upon(&genesis, round(1), 1);
	let bad = refusable(block_upon(good.header(), round(2), 2));
	rig.push(&bad).await;
	rig.push(&good).await;
	assert!(!rig.verify(2, good.hash(), bad.hash()).await);
	// Members refuse blocks every day, and a notarization makes none final.
	let agreed = proposal(0, 2, bad.hash());
	let signed = notarization(&by, agreed.clone());
	rig.mailbox.report(Activity::Notarization(signed));
	rig.mailbox.report(Activity::Finalization(finalization(
		&by,
		proposal(0, 1, good.hash()),
	)));
	let memory = rig.chain.clone();
	eventually("the good one is final", || memory.finalized().0 == 1).await;
	tokio::time::sleep(2 * REQUEST_AFTER).await;
	assert_eq!(rig.evidence.load(Ordering::SeqCst), 0);
	rig.mailbox
		.report(Activity::Finalization(finalization(&by, agreed)));
	let evidence = rig.evidence.clone();
	eventually("it is told", || evidence.load(Ordering::SeqCst) == 1).await;
	tokio::time::sleep(4 * REQUEST_AFTER).await;
	assert_eq!(rig.evidence.load(Ordering::SeqCst), 1);
	assert_eq!(memory.finalized().0, 1);
	assert_eq!(rig.metrics.conflicts.get(), 0);
}

#[tokio::test]
async fn a_block_that_only_waits_for_its_parent_is_no_evidence() {
	let mut rig = Rig::new();
	let genesis = rig.chain.genesis().clone();
	let by = signers(REALM, &rig.committee, &NAMES);
	let chain = blocks(&genesis, 2);
	rig.push(&chain[1]).await;
	rig.mailbox.report(Activity::Finalization(finalization(
		&by,
		proposal(0, 2, chain[1].hash()),
	)));
	tokio::time::sleep(3 * REQUEST_AFTER).await;
	rig.push(&chain[0]).await;
	let memory = rig.chain.clone();
	eventually("both are final", || memory.finalized().0 == 2).await;
	assert_eq!(rig.evidence.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_chain_refuses_to_replace_a_final_block() {
	let chain = MemoryChain::default();
	let [first, other] = [1, 2].map(|view| block_upon(chain.genesis(), round(view), view));
	chain.import(first.clone()).await.unwrap();
	chain.import(other.clone()).await.unwrap();
	chain.finalize(first.hash(), None).unwrap();
	chain.finalize(first.hash(), None).unwrap();
	let error = chain.finalize(other.hash(), None).unwrap_err();
	assert!(error.0.contains("safety violation"), "{error}");
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

#[tokio::test]
async fn the_last_block_of_an_epoch_is_proposed_again_and_nothing_follows_it() {
	let mut rig = Rig::new();
	let genesis = rig.chain.genesis().clone();
	let last = ending_epoch(block_upon(&genesis, round(1), 1));
	rig.push(&last).await;
	assert!(rig.verify(1, genesis.hash(), last.hash()).await);

	let again = rig
		.mailbox
		.propose(rig.context(2, last.hash()))
		.await
		.await
		.unwrap();
	assert_eq!(to_hash(again), last.hash());
	assert!(rig.verify(2, last.hash(), last.hash()).await);
	assert!(rig.verify(9, last.hash(), last.hash()).await);

	// Neither of the old epoch nor, in the old epoch's engine, of the next one.
	for epoch in [0, 1] {
		let follower = block_upon(last.header(), Round { epoch, view: 2 }, 2);
		rig.push(&follower).await;
		assert!(!rig.verify(2, last.hash(), follower.hash()).await);
	}
	// Any other block is proposed once.
	let ordinary = block_upon(&genesis, round(3), 3);
	rig.push(&ordinary).await;
	assert!(rig.verify(3, genesis.hash(), ordinary.hash()).await);
	assert!(!rig.verify(4, ordinary.hash(), ordinary.hash()).await);
	assert_eq!(rig.metrics.refused.get(), 3);
}

#[tokio::test]
async fn the_next_epoch_builds_upon_the_last_block() {
	let mut rig = Rig::new();
	let genesis = rig.chain.genesis().clone();
	let last = ending_epoch(block_upon(&genesis, round(1), 1));
	rig.push(&last).await;
	assert!(rig.verify(1, genesis.hash(), last.hash()).await);
	let context = Context {
		round: EngineRound::new(Epoch::new(1), View::new(1)),
		leader: identity(&rig.committee, 0),
		parent: (View::zero(), to_digest(last.hash())),
	};
	let first = to_hash(rig.mailbox.propose(context.clone()).await.await.unwrap());
	let header = rig.chain.header(first).unwrap();
	assert_eq!((header.number, header.parent_hash), (2, last.hash()));
	let answer = rig.mailbox.verify(context, to_digest(first)).await;
	assert!(answer.await.unwrap());
}
