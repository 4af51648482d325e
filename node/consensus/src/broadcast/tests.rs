use super::*;
use crate::{
	committees::CommitteeSource,
	mock::*,
	network::wire::Wire,
	scheme::{from_finalization, from_notarization, Scheme},
};
use asterism_primitives::{
	certificate::{CertificateError, CertificateKind, Round},
	committee::{Committee, Epoch},
	BlockNumber,
};
use codec::Decode;
use futures::channel::mpsc;
use parking_lot::Mutex;
use proptest::prelude::*;
use std::{collections::HashSet, sync::LazyLock};

// To derive keys takes long.
static COMMITTEE: LazyLock<Committee> = LazyLock::new(|| committee(0));
static MEMBERS: LazyLock<Vec<Scheme>> = LazyLock::new(|| signers(REALM, &COMMITTEE, &NAMES));
static GOOD: LazyLock<Vec<u8>> = LazyLock::new(|| encode_push(&finalized(&chain(1)[0]), &chain(1)[0]));

struct OnRecord;

impl CommitteeSource for OnRecord {
	fn committee(&self, epoch: Epoch) -> Option<Committee> {
		(epoch == 0).then(|| COMMITTEE.clone())
	}

	fn epoch(&self) -> Option<Epoch> {
		Some(0)
	}

	fn progress(&self) -> BlockNumber {
		0
	}
}

fn certifier() -> Arc<Certifier> {
	Arc::new(Certifier::new(REALM, Arc::new(OnRecord)))
}

fn genesis() -> Header {
	MemoryChain::default().genesis().clone()
}

/// A certificate of a block that all members sign, in the round that its header names.
fn certified(block: &OpaqueBlock, kind: CertificateKind) -> Certificate {
	let round = asterism_primitives::digest::round(block.header().digest()).unwrap();
	let proposal = proposal(round.epoch, round.view, block.hash());
	match kind {
		CertificateKind::Finalization => from_finalization(&finalization(&MEMBERS, proposal)),
		CertificateKind::Notarization => from_notarization(&notarization(&MEMBERS, proposal)),
	}
	.unwrap()
}

fn finalized(block: &OpaqueBlock) -> Certificate {
	certified(block, CertificateKind::Finalization)
}

/// `count` blocks one upon the other, the first upon genesis.
fn chain(count: u64) -> Vec<OpaqueBlock> {
	let mut parent = genesis();
	let upon = |view| {
		let block = block_upon(&parent, Round { epoch: 0, view }, view);
		parent = block.header().clone();
		block
	};
	(1..=count).map(upon).collect()
}

/// A node's blocks: all of one chain, of which it has imported some.
#[derive(Clone, Default)]
struct Held(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
	blocks: HashMap<Hash, (OpaqueBlock, Option<Certificate>)>,
	best: BlockNumber,
	finalized: BlockNumber,
}

impl Held {
	fn new() -> Self {
		let held = Held::default();
		held.put(&OpaqueBlock::new(genesis(), vec![]), None);
		held
	}

	/// Imports a block; with a certificate it is final.
	fn put(&self, block: &OpaqueBlock, certificate: Option<Certificate>) {
		let mut state = self.0.lock();
		let number = *block.header().number();
		state.best = state.best.max(number);
		if certificate.is_some() {
			state.finalized = state.finalized.max(number);
		}
		state.blocks.insert(block.hash(), (block.clone(), certificate));
	}
}

impl Blocks for Held {
	fn imported(&self, hash: Hash) -> bool {
		self.0.lock().blocks.contains_key(&hash)
	}

	fn best(&self) -> BlockNumber {
		self.0.lock().best
	}

	fn finalized(&self) -> BlockNumber {
		self.0.lock().finalized
	}

	fn certificate(&self, hash: Hash) -> Option<Certificate> {
		self.0.lock().blocks.get(&hash)?.1.clone()
	}

	fn block(&self, hash: Hash) -> Option<OpaqueBlock> {
		Some(self.0.lock().blocks.get(&hash)?.0.clone())
	}
}

fn broadcaster(held: &Held, seed: u64) -> Broadcaster<Held, StdRng> {
	let metrics = BroadcastMetrics::new(None).unwrap();
	let random = StdRng::seed_from_u64(seed);
	Broadcaster::new(held.clone(), certifier(), Arc::new(()), random, metrics)
}

/// A broadcaster with the given numbers of peers that follow and of authorities.
fn with_peers(held: &Held, follow: usize, authorities: usize) -> (Broadcaster<Held, StdRng>, Vec<PeerId>) {
	let mut broadcaster = broadcaster(held, 1);
	let peers: Vec<_> = (0..follow + authorities).map(|_| PeerId::random()).collect();
	for (i, peer) in peers.iter().enumerate() {
		let role = if i < follow {
			ObservedRole::Full
		} else {
			ObservedRole::Authority
		};
		broadcaster.on_opened(*peer, role);
	}
	(broadcaster, peers)
}

fn sent(actions: &[Action]) -> Vec<PeerId> {
	let to = actions.iter().filter_map(|action| match action {
		Action::Send { to, .. } => Some(to.clone()),
		_ => None,
	});
	to.flatten().collect()
}

fn imported(actions: &[Action]) -> Vec<Hash> {
	let hashes = actions.iter().filter_map(|action| match action {
		Action::Import { push, .. } => Some(push.hash),
		_ => None,
	});
	hashes.collect()
}

#[test]
fn a_push_goes_to_the_root_of_the_number_of_peers() {
	let expected = [
		(0, 0),
		(1, 1),
		(2, 2),
		(4, 2),
		(5, 3),
		(9, 3),
		(10, 4),
		(16, 4),
		(49, 7),
		(50, 8),
		(64, 8),
		(65, 8),
		(10_000, 8),
		(usize::MAX, 8),
	];
	for (peers, few) in expected {
		assert_eq!(fan_out(peers), few, "of {peers}");
	}
}

#[test]
fn the_protocol_is_named_after_network_and_fork() {
	let name = |fork| protocol_name(REALM, fork).to_string();
	assert_eq!(name(None), format!("/{}/blocks/1", "01".repeat(32)));
	assert_eq!(name(Some("x")), format!("/{}/x/blocks/1", "01".repeat(32)));
}

const NEW: Standing = Standing {
	finalized: 0,
	known: false,
};

fn judged(bytes: &[u8]) -> Result<Push, Refusal> {
	judge(bytes, &certifier(), |_| NEW)
}

#[test]
fn a_certified_block_with_its_body_is_taken() {
	let block = &chain(1)[0];
	for kind in [CertificateKind::Finalization, CertificateKind::Notarization] {
		let certificate = certified(block, kind);
		let (header, body) = block.clone().deconstruct();
		let expected = Push {
			hash: block.hash(),
			certificate: certificate.clone(),
			header,
			body,
		};
		assert_eq!(judged(&encode_push(&certificate, block)), Ok(expected));
	}
}

#[test]
fn known_and_old_blocks_are_dropped_before_anything_is_verified() {
	let block = &chain(5)[4];
	let mut certificate = finalized(block);
	let right = encode_push(&certificate, block);
	certificate.signature.0[3] ^= 1;
	let wrong = encode_push(&certificate, block);
	let standing = |finalized, known| Standing { finalized, known };
	for (push, certificate) in [(&right, &finalized(block)), (&wrong, &certificate)] {
		let late = Refusal::Late(Box::new(certificate.clone()));
		assert_eq!(late.penalty(), None);
		for (standing, expected) in [
			(standing(0, true), Refusal::Redundant),
			(standing(5, false), late),
			(standing(u32::MAX, true), Refusal::Redundant),
		] {
			let refusal = judge(push, &certifier(), |hash| {
				assert_eq!(hash, block.hash());
				standing
			});
			assert_eq!(refusal, Err(expected));
		}
	}
	assert!(judge(&right, &certifier(), |_| standing(4, false)).is_ok());
	assert_eq!(Refusal::Redundant.penalty(), None);
}

/// Says of each certificate what it is told to, and remembers them.
struct Judge(Offered, Mutex<Vec<Certificate>>);

impl Witness for Judge {
	fn verified(&self, _: &Certificate) {
		unreachable!("nothing of what is pushed is verified before")
	}

	fn offered(&self, certificate: &Certificate) -> Offered {
		self.1.lock().push(certificate.clone());
		self.0
	}

	fn refused(&self, _: &Header, _: &Certificate) {
		unreachable!("nothing is executed here")
	}
}

#[test]
fn certificates_of_blocks_that_come_late_are_shown_to_a_witness() {
	let ours = chain(3);
	let held = Held::new();
	for block in &ours {
		held.put(block, Some(finalized(block)));
	}
	// Another block of height 2, of which this node knows nothing.
	let fork = block_upon(ours[0].header(), Round { epoch: 0, view: 2 }, 77);
	let push = encode_push(&finalized(&fork), &fork);
	for (says, expected) in [
		(Offered::Nothing, vec![]),
		(Offered::Busy, vec![]),
		(Offered::Kept, vec![]),
		(Offered::Forged, vec![BAD_CERTIFICATE]),
	] {
		let witness = Arc::new(Judge(says, Mutex::default()));
		let (mut broadcaster, peers) = with_peers(&held, 3, 0);
		broadcaster.witness = witness.clone();
		// Blocks that are known, or above the final one, are none of its business.
		let next = block_upon(ours[2].header(), Round { epoch: 0, view: 4 }, 4);
		for other in [&ours[1], &next] {
			broadcaster.on_push(peers[1], encode_push(&finalized(other), other), Instant::now());
		}
		let actions = broadcaster.on_push(peers[0], push.clone(), Instant::now());
		let expected: Vec<_> = expected
			.into_iter()
			.map(|change| Action::Report(peers[0], change))
			.collect();
		assert_eq!(actions, expected);
		assert_eq!(*witness.1.lock(), [finalized(&fork)]);
	}
}

#[test]
fn wrong_certificates_are_refused_and_cost_much() {
	let blocks = chain(2);
	let block = &blocks[0];
	let good = finalized(block);
	let change = |change: &dyn Fn(&mut Certificate)| {
		let mut certificate = good.clone();
		change(&mut certificate);
		certificate
	};
	let cases = [
		("another block's", finalized(&blocks[1])),
		("signature", change(&|c| c.signature.0[9] ^= 1)),
		("no point", change(&|c| c.signature.0 = [0xff; 48])),
		("round", change(&|c| c.round.view += 1)),
		("kind", change(&|c| c.kind = CertificateKind::Notarization)),
		("parent", change(&|c| c.parent_view += 1)),
		(
			"no quorum",
			change(&|c| c.signers = Certificate::bitmap(4, [0, 1]).unwrap()),
		),
		("signers", change(&|c| c.signers = Default::default())),
	];
	for (name, certificate) in cases {
		let refusal = judged(&encode_push(&certificate, block)).unwrap_err();
		assert!(matches!(refusal, Refusal::Certificate(_)), "{name}: {refusal:?}");
		assert_eq!(refusal.penalty(), Some(BAD_CERTIFICATE), "{name}");
	}
	// The certificate comes first: with a wrong one, a wrong body makes no difference.
	let (header, _) = block.clone().deconstruct();
	let neither = OpaqueBlock::new(header, vec![]);
	let refusal = judged(&encode_push(&change(&|c| c.signature.0[9] ^= 1), &neither)).unwrap_err();
	assert_eq!(
		refusal,
		Refusal::Certificate(ImportError::Unverified(VerifyError::Certificate(
			CertificateError::BadSignature
		)))
	);
}

#[test]
fn a_certificate_of_an_unknown_committee_is_nobodys_fault() {
	let block = block_upon(&genesis(), Round { epoch: 1, view: 1 }, 1);
	let refusal = judged(&encode_push(&finalized(&block), &block)).unwrap_err();
	assert!(matches!(refusal, Refusal::Unverifiable(_)), "{refusal:?}");
	assert_eq!(refusal.penalty(), None);
}

#[test]
fn wrong_bodies_are_refused_and_cost_much() {
	let block = &chain(1)[0];
	let certificate = finalized(block);
	let (header, body) = block.clone().deconstruct();
	let with =
		|body: Vec<OpaqueExtrinsic>| encode_push(&certificate, &OpaqueBlock::new(header.clone(), body));
	let good = with(body.clone());
	let extrinsic = OpaqueExtrinsic::from_blob(vec![1, 2, 3]);
	let head = (&certificate, &header).encode();
	let after = |bytes: &[u8]| [&head[..], bytes].concat();
	let cases = [
		("none", with(vec![])),
		("another", with(vec![extrinsic.clone()])),
		("one more", with([&body[..], &[extrinsic]].concat())),
		("cut", good[..good.len() - 1].to_vec()),
		("trailing", [&good[..], &[0]].concat()),
		("nothing", head.clone()),
		// A compact length of 2^30 − 1 extrinsics, with nothing behind it.
		("length", after(&[0xfe, 0xff, 0xff, 0xff])),
		// As many empty extrinsics as there is room for: they would take far more in memory.
		(
			"empty ones",
			after(&[&codec::Compact(7_000_000u32).encode()[..], &vec![0; 7_000_000]].concat()),
		),
	];
	for (name, push) in cases {
		assert_eq!(judged(&push), Err(Refusal::Body), "{name}");
	}
	assert_eq!(Refusal::Body.penalty(), Some(BAD_BODY));
	assert!(judged(&good).is_ok());
}

#[test]
fn what_is_no_push_is_refused() {
	let block = &chain(1)[0];
	let good = encode_push(&finalized(block), block);
	let head = (finalized(block), block.header()).encode().len();
	let oversized = [&good[..], &vec![0; MAX_NOTIFICATION as usize]].concat();
	for bad in [&[][..], &[9], &[0xff; 500], &good[..head - 1], &oversized] {
		assert_eq!(judged(bad), Err(Refusal::Malformed));
	}
	assert_eq!(Refusal::Malformed.penalty(), Some(MALFORMED));
}

proptest! {
	/// No other bytes than those that were pushed are taken for the same block.
	#[test]
	fn a_push_has_one_encoding(at in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<bool>()) {
		let mut bad = GOOD.clone();
		let at = at.index(bad.len());
		if cut {
			bad.truncate(at);
		} else {
			bad[at] ^= 1 << bit;
		}
		prop_assert!(judged(&bad).is_err());
	}

	#[test]
	fn no_bytes_crash_the_judge(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
		prop_assert!(judged(&bytes).is_err());
	}
}

#[test]
fn only_who_built_a_block_pushes_it_once_and_everybody_announces() {
	let blocks = chain(2);
	let held = Held::new();
	let (mut broadcaster, peers) = with_peers(&held, 20, 3);
	held.put(&blocks[0], Some(finalized(&blocks[0])));
	broadcaster.on_built(blocks[0].hash());
	let actions = broadcaster.on_final(blocks[0].hash());
	let to: HashSet<_> = sent(&actions).into_iter().collect();
	assert_eq!(to.len(), fan_out(20));
	assert!(to.iter().all(|peer| peers[..20].contains(peer)), "no authority");
	let push = encode_push(&finalized(&blocks[0]), &blocks[0]);
	assert!(matches!(&actions[0], Action::Send { push: sent, .. } if *sent == push));
	assert_eq!(actions[1..], [Action::Announce(blocks[0].hash())]);
	assert_eq!(broadcaster.on_final(blocks[0].hash()), actions[1..]);

	held.put(&blocks[1], Some(finalized(&blocks[1])));
	let announced = [Action::Announce(blocks[1].hash())];
	assert_eq!(broadcaster.on_final(blocks[1].hash()), announced);
	// Without a certificate nobody could verify it.
	held.put(&blocks[1], None);
	broadcaster.on_built(blocks[1].hash());
	assert_eq!(broadcaster.on_final(blocks[1].hash()), []);
	assert_eq!(broadcaster.on_final(Hash::repeat_byte(9)), []);
}

#[test]
fn a_push_is_imported_and_passed_on_once() {
	let block = &chain(1)[0];
	let push = encode_push(&finalized(block), block);
	let held = Held::new();
	let (mut broadcaster, peers) = with_peers(&held, 10, 3);
	let now = Instant::now();
	let actions = broadcaster.on_push(peers[0], push.clone(), now);
	let to = sent(&actions);
	assert_eq!(to.len(), PASSED_ON);
	assert!(
		to.iter().all(|peer| peers[1..10].contains(peer)),
		"not back, and to no authority"
	);
	assert!(matches!(&actions[0], Action::Send { push: sent, .. } if *sent == push));
	assert_eq!(imported(&actions), [block.hash()]);
	for peer in &peers {
		assert_eq!(broadcaster.on_push(*peer, push.clone(), now), []);
	}
	let metrics = &broadcaster.metrics;
	assert_eq!(
		(
			metrics.received.get(),
			metrics.taken.get(),
			metrics.redundant.get()
		),
		(14, 1, 13)
	);
	// A member that is pushed its own block does not push it.
	held.put(block, Some(finalized(block)));
	broadcaster.on_built(block.hash());
	assert_eq!(
		broadcaster.on_final(block.hash()),
		[Action::Announce(block.hash())]
	);
}

#[test]
fn a_liar_pays_and_keeps_no_block_out() {
	let block = &chain(1)[0];
	let (_, body) = block.clone().deconstruct();
	let certificate = finalized(block);
	let mut forged = certificate.clone();
	forged.signature.0[0] ^= 1;
	let bodiless = OpaqueBlock::new(block.header().clone(), vec![]);
	let (mut broadcaster, peers) = with_peers(&Held::new(), 10, 0);
	let now = Instant::now();
	for (push, penalty) in [
		(encode_push(&forged, block), BAD_CERTIFICATE),
		(encode_push(&certificate, &bodiless), BAD_BODY),
		(vec![1, 2, 3], MALFORMED),
		(body.encode(), MALFORMED),
	] {
		let actions = broadcaster.on_push(peers[0], push, now);
		assert_eq!(actions, [Action::Report(peers[0], penalty)]);
	}
	assert_eq!(broadcaster.metrics.refused.get(), 4);
	let push = encode_push(&certificate, block);
	assert_eq!(
		broadcaster.on_push(PeerId::random(), push.clone(), now),
		[],
		"a stranger"
	);
	assert_eq!(
		imported(&broadcaster.on_push(peers[1], push, now)),
		[block.hash()]
	);
}

#[test]
fn a_peers_pushes_are_bounded() {
	let block = &chain(1)[0];
	let push = encode_push(&finalized(block), block);
	let (mut broadcaster, peers) = with_peers(&Held::new(), 2, 0);
	let now = Instant::now();
	for _ in 0..PUSHES.messages_burst {
		broadcaster.on_push(peers[0], push.clone(), now);
	}
	let flooded = [Action::Report(peers[0], FLOOD)];
	assert_eq!(broadcaster.on_push(peers[0], push.clone(), now), flooded);
	assert_eq!(broadcaster.on_push(peers[1], push.clone(), now), []);
	let later = now + Duration::from_secs(1);
	assert_eq!(broadcaster.on_push(peers[0], push.clone(), later), []);
	// Large ones are bounded by their bytes.
	let large = vec![0; MAX_NOTIFICATION as usize];
	let most = PUSHES.bytes_burst / MAX_NOTIFICATION;
	for i in 0..most + 3 {
		let actions = broadcaster.on_push(peers[1], large.clone(), later);
		assert_eq!(
			actions == [Action::Report(peers[1], FLOOD)],
			i >= most,
			"push {i}"
		);
	}
	assert_eq!(broadcaster.metrics.flooded.get(), 4);
}

#[test]
fn a_block_is_imported_when_its_parent_is_here_or_under_way() {
	let blocks = chain(40);
	let pushes: Vec<_> = blocks
		.iter()
		.map(|block| encode_push(&finalized(block), block))
		.collect();
	let held = Held::new();
	let (mut broadcaster, peers) = with_peers(&held, 3, 0);
	let start = Instant::now();
	let push = |broadcaster: &mut Broadcaster<Held, StdRng>, i: usize| {
		let now = start + Duration::from_secs(i as u64);
		let actions = broadcaster.on_push(peers[0], pushes[i].clone(), now);
		assert_eq!(sent(&actions).len(), PASSED_ON, "it is passed on in any case");
		!imported(&actions).is_empty()
	};
	// Nothing is executed yet, so that the queue grows, up to its bound.
	for i in 0..20 {
		assert_eq!(
			push(&mut broadcaster, i),
			i < MAX_QUEUED as usize,
			"block {}",
			i + 1
		);
	}
	// With its parent, block 22 may be imported.
	held.put(&blocks[20], Some(finalized(&blocks[20])));
	assert!(push(&mut broadcaster, 21));
	assert!(push(&mut broadcaster, 22));
	// A gap is left to sync.
	assert!(!push(&mut broadcaster, 24));
	assert!(!push(&mut broadcaster, 25));
}

#[test]
fn what_is_remembered_is_bounded() {
	let held = Held::new();
	let mut broadcaster = broadcaster(&held, 1);
	let first = Hash::from_low_u64_be(0);
	for i in 0..3 * REMEMBERED.get() as u64 {
		broadcaster.on_built(Hash::from_low_u64_be(i));
	}
	assert!(!broadcaster.own.contains(&first));
	assert!(broadcaster
		.own
		.contains(&Hash::from_low_u64_be(3 * REMEMBERED.get() as u64 - 1)));
	// A peer that leaves is forgotten.
	let peer = PeerId::random();
	broadcaster.on_opened(peer, ObservedRole::Full);
	broadcaster.on_closed(&peer);
	assert!(broadcaster.peers.is_empty());
}

/// Thinkey figure 6: a network of nodes with ten peers each, of which one has built a block. Returns how many nodes were
/// pushed the body, and how many bodies were sent; checks that announcements bring it to the rest.
fn spread(nodes: usize, seed: u64) -> (usize, usize) {
	let block = &chain(1)[0];
	let certificate = finalized(block);
	let mut random = StdRng::seed_from_u64(seed);
	// Not random: their order is part of what the seed decides. The bytes are an identity multihash.
	let ids: Vec<_> = (0..nodes as u64)
		.map(|i| PeerId::from_bytes(&[&[0, 8][..], &i.to_be_bytes()].concat()).unwrap())
		.collect();
	let mut links: HashSet<(usize, usize)> = HashSet::new();
	for a in 0..nodes {
		// Each opens five, and gets about five.
		for b in (0..nodes).filter(|b| *b != a).choose_multiple(&mut random, 5) {
			links.extend([(a, b), (b, a)]);
		}
	}
	let certifier = certifier();
	let mut network: Vec<_> = (0..nodes)
		.map(|i| {
			let metrics = BroadcastMetrics::new(None).unwrap();
			let random = StdRng::seed_from_u64(seed + i as u64);
			Broadcaster::new(Held::new(), certifier.clone(), Arc::new(()), random, metrics)
		})
		.collect();
	for (a, b) in &links {
		network[*a].on_opened(ids[*b], ObservedRole::Full);
	}
	let index: HashMap<_, _> = ids.iter().enumerate().map(|(i, id)| (*id, i)).collect();
	network[0].blocks.put(block, Some(certificate));
	network[0].on_built(block.hash());
	let now = Instant::now();
	let (mut under_way, mut bodies) = (VecDeque::new(), 0);
	under_way.extend(
		network[0]
			.on_final(block.hash())
			.into_iter()
			.map(|action| (0, action)),
	);
	let mut reached: HashSet<usize> = [0].into();
	while let Some((at, action)) = under_way.pop_front() {
		match action {
			Action::Send { to, push } => {
				for peer in to {
					bodies += 1;
					let to = index[&peer];
					let actions = network[to].on_push(ids[at], push.clone(), now);
					under_way.extend(actions.into_iter().map(|action| (to, action)));
				}
			}
			Action::Import { push, .. } => {
				assert_eq!(push.hash, block.hash());
				assert!(reached.insert(at), "imported once");
			}
			Action::Report(..) => panic!("all are honest"),
			Action::Announce(_) => {}
		}
	}
	let mut told = reached.clone();
	while told.len() < nodes {
		let before = told.len();
		let next: Vec<_> = links
			.iter()
			.filter(|(a, _)| told.contains(a))
			.map(|(_, b)| *b)
			.collect();
		told.extend(next);
		assert!(told.len() > before, "announcements reach everybody");
	}
	(reached.len(), bodies)
}

#[test]
fn most_nodes_are_pushed_a_body_and_few_get_many() {
	for nodes in [100, 200] {
		for seed in 0..3 {
			let (reached, bodies) = spread(nodes, seed);
			assert!(
				reached * 10 >= nodes * 6,
				"{reached} of {nodes} nodes, seed {seed}"
			);
			let most = fan_out(nodes) + PASSED_ON * reached;
			assert!(bodies <= most, "{bodies} bodies for {reached} nodes, seed {seed}");
		}
	}
	assert_eq!(spread(100, 7).0, spread(100, 7).0);
}

/// Where a node's task puts what it imports.
#[derive(Clone, Default)]
struct Imports(Arc<Mutex<Vec<Imported>>>);

type Imported = (BlockOrigin, IncomingBlock<OpaqueBlock>);

impl ImportQueueService<OpaqueBlock> for Imports {
	fn import_blocks(&mut self, origin: BlockOrigin, blocks: Vec<IncomingBlock<OpaqueBlock>>) {
		self.0
			.lock()
			.extend(blocks.into_iter().map(|block| (origin, block)));
	}

	fn import_justifications(&mut self, _: PeerId, _: Hash, _: BlockNumber, _: Justifications) {
		panic!("nothing but blocks is imported");
	}
}

/// A node on a [`Wire`] whose client and sync are the test.
struct Node {
	id: PeerId,
	held: Held,
	imports: Imports,
	announced: Arc<Mutex<Vec<Hash>>>,
	metrics: BroadcastMetrics,
	built: mpsc::UnboundedSender<Hash>,
	finalized: mpsc::UnboundedSender<Hash>,
	sync: mpsc::UnboundedSender<SyncEvent>,
}

impl Node {
	/// Joins the network with a role: 1 for a full node, 4 for an authority.
	fn start(wire: &Wire, role: u8) -> Self {
		let id = PeerId::random();
		let (service, network) = wire.join(id);
		wire.set_handshake(id, vec![role]);
		let (held, imports) = (Held::new(), Imports::default());
		let metrics = BroadcastMetrics::new(None).unwrap();
		let announced: Arc<Mutex<Vec<Hash>>> = Default::default();
		let (built, finalized, sync) = (mpsc::unbounded(), mpsc::unbounded(), mpsc::unbounded());
		let task = Task {
			broadcaster: Broadcaster::new(
				held.clone(),
				certifier(),
				Arc::new(()),
				StdRng::seed_from_u64(3),
				metrics.clone(),
			),
			import: Box::new(imports.clone()),
			network,
			announce: {
				let announced = announced.clone();
				move |hash| announced.lock().push(hash)
			},
			notifications: Box::new(service),
			announcements: VecDeque::new(),
		};
		tokio::spawn(task.drive(built.1, finalized.1, sync.1));
		Node {
			id,
			held,
			imports,
			announced,
			metrics,
			built: built.0,
			finalized: finalized.0,
			sync: sync.0,
		}
	}

	fn finalize(&self, block: &OpaqueBlock) {
		self.held.put(block, Some(finalized(block)));
		self.finalized.unbounded_send(block.hash()).unwrap();
	}

	fn build(&self, block: &OpaqueBlock) {
		self.built.unbounded_send(block.hash()).unwrap();
		self.finalize(block);
	}
}

async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
	for _ in 0..4_000 {
		if condition() {
			return;
		}
		tokio::time::sleep(Duration::from_millis(5)).await;
	}
	panic!("{what}");
}

#[tokio::test]
async fn a_block_travels_from_its_builder_over_a_node_to_the_next() {
	let wire = Wire::default();
	let [member, other] = [4, 4].map(|role| Node::start(&wire, role));
	let [near, far] = [1, 1].map(|role| Node::start(&wire, role));
	for (a, b) in [
		(&member, &other),
		(&member, &near),
		(&near, &far),
		(&near, &other),
	] {
		assert!(wire.open(a.id, b.id).await);
	}
	let block = &chain(1)[0];
	// What is sent before a stream is known to be open would be lost.
	tokio::time::sleep(Duration::from_millis(50)).await;
	member.build(block);
	for node in [&near, &far] {
		eventually("it is imported", || !node.imports.0.lock().is_empty()).await;
		let (origin, incoming) = node.imports.0.lock()[0].clone();
		assert_eq!(origin, BlockOrigin::NetworkBroadcast);
		let (header, body) = block.clone().deconstruct();
		assert_eq!((incoming.header, incoming.body), (Some(header), Some(body)));
		let justifications = incoming.justifications.unwrap();
		let certificate = justifications.get(ENGINE_ID).unwrap();
		assert_eq!(Certificate::decode(&mut &certificate[..]), Ok(finalized(block)));
		assert!(!incoming.allow_missing_state && !incoming.skip_execution);
		node.finalize(block);
	}
	for node in [&member, &near, &far] {
		eventually("it is announced", || *node.announced.lock() == [block.hash()]).await;
	}
	assert_eq!(other.metrics.received.get(), 0, "members get it otherwise");
	assert_eq!(member.metrics.received.get(), 0);
	assert_eq!((near.metrics.sent.get(), far.metrics.sent.get()), (1, 0));
}

#[tokio::test]
async fn liars_are_reported_and_strangers_refused() {
	let wire = Wire::default();
	let node = Node::start(&wire, 1);
	let liar = PeerId::random();
	let _joined = wire.join(liar);
	wire.set_handshake(liar, vec![1]);
	let stranger = PeerId::random();
	let _joined = wire.join(stranger);
	wire.set_handshake(stranger, vec![7, 7, 7]);
	assert!(!wire.open(stranger, node.id).await);
	assert!(wire.open(liar, node.id).await);
	let block = &chain(1)[0];
	let mut forged = finalized(block);
	forged.round.view += 1;
	wire.send(liar, node.id, encode_push(&forged, block));
	wire.send(liar, node.id, vec![0; 3]);
	eventually("it is reported", || {
		wire.reports(liar) == [BAD_CERTIFICATE.value, MALFORMED.value]
	})
	.await;
	assert_eq!(node.metrics.refused.get(), 2);
	assert!(node.imports.0.lock().is_empty());
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_sent_nothing() {
	let wire = Wire::default();
	let member = Node::start(&wire, 4);
	let [slow, good] = [1, 1].map(|role| Node::start(&wire, role));
	assert!(wire.open(member.id, slow.id).await && wire.open(member.id, good.id).await);
	wire.clog(slow.id);
	tokio::time::sleep(Duration::from_millis(50)).await;
	let block = &chain(1)[0];
	member.build(block);
	eventually("the other one gets it", || !good.imports.0.lock().is_empty()).await;
	eventually("that is counted", || {
		(member.metrics.sent.get(), member.metrics.busy.get()) == (1, 1)
	})
	.await;
	assert!(slow.imports.0.lock().is_empty());
}

#[tokio::test]
async fn the_peers_are_those_of_sync() {
	let wire = Wire::default();
	let node = Node::start(&wire, 1);
	let peer = PeerId::random();
	let connected = SyncEvent::PeerConnected {
		peer_id: peer,
		roles: polkadot_sdk::sc_network::Roles::FULL,
	};
	node.sync.unbounded_send(connected).unwrap();
	eventually("it is reserved", || wire.is_reserved(node.id, peer)).await;
	node.sync
		.unbounded_send(SyncEvent::PeerDisconnected(peer))
		.unwrap();
	eventually("it is no more", || !wire.is_reserved(node.id, peer)).await;
}
