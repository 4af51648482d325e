//! The task, over a root chain in memory and real keystores; and the real client's plumbing, over a mocked runtime.

use crate::{
	attempts::{misconduct, Outcome},
	node::{Keyring, Node, Notice},
	readiness::{Obstacle, Place},
	root::{Position, RootChain, RootError, Submission},
	served::{EvidenceSource, Progress, Served, ServedChains},
	view::{Fault, Reader, Shares, View, CHARGES_EVERY, MAX_IDENTITIES},
	worker::Worker,
};
use asterism_consensus::{
	evidence::{ConflictingCertificates, Evidence as Kept, EvidenceStore, RefusedBlock},
	keys::{self, Keys},
	scheme,
};
use asterism_primitives::{
	beacon::SharingId,
	certificate::{Certificate, Realm, Round, VerifyAggregate},
	committee::{Committee, Epoch, Member, MemberId},
	digest::{round, round_item, RootRef},
	election::{Candidacy, Election, Phase, Readiness},
	keys::IDENTITY_KEY,
	offence::{contradiction, linked, Contradiction, Evidence, Proof, Votes},
	root_state::MAX_CHAINS,
	AccountId, Balance, BlockNumber, ChainId, CurrencyId, Hash, Header, OpaqueBlock,
};
use asterism_runtime_common::bls::HostBls;
use async_trait::async_trait;
use parking_lot::Mutex;
use polkadot_sdk::{
	sc_client_api::in_mem,
	sp_core::{sr25519, Pair},
	sp_keystore::{testing::MemoryKeystore, Keystore, KeystorePtr},
	sp_runtime::Digest,
	substrate_prometheus_endpoint::{prometheus::proto::MetricFamily, Registry},
};
use std::{
	collections::{BTreeMap, BTreeSet},
	sync::Arc,
	time::Duration,
};

mod client;

const CHAIN: ChainId = ChainId(1);
const NAMES: [&str; 4] = ["//Alice", "//Bob", "//Charlie", "//Dave"];
const GENESIS: Hash = Hash::repeat_byte(1);
const HEAD: RootRef = RootRef {
	number: 20,
	hash: Hash::repeat_byte(20),
};

fn member(suri: &str) -> MemberId {
	keys::node_keys(suri, None).unwrap().identity
}

fn operator(suri: &str) -> AccountId {
	AccountId::new(
		sr25519::Pair::from_string(&format!("{suri}//operator"), None)
			.unwrap()
			.public()
			.0,
	)
}

fn committee(epoch: Epoch, names: &[&str]) -> Committee {
	let members = names.iter().map(|name| keys::member(name).unwrap());
	Committee::new(epoch, members.collect()).unwrap()
}

fn keystore(names: &[&str]) -> KeystorePtr {
	let keystore = MemoryKeystore::new();
	for name in names {
		keys::insert(&keystore, name, None).unwrap();
	}
	Arc::new(keystore)
}

/// What the root chain's state says.
#[derive(Default)]
struct State {
	broken: bool,
	syncing: bool,
	finalized: BlockNumber,
	elections: Vec<(ChainId, Election)>,
	operators: BTreeMap<MemberId, AccountId>,
	candidacies: BTreeMap<(ChainId, AccountId), Candidacy>,
	ready: Vec<(MemberId, Option<SharingId>)>,
	committees: BTreeMap<(ChainId, Epoch), Committee>,
	held: Balance,
	/// The newest block of a chain on record, if it is not [`HEAD`].
	head: Option<RootRef>,
	attempt: Option<Option<u64>>,
	convicted: BTreeSet<(ChainId, Epoch, u32)>,
	submitted: Vec<Submission>,
	refuse: Option<Outcome>,
}

#[derive(Clone, Default)]
struct MockRoot(Arc<Mutex<State>>);

impl MockRoot {
	fn read<T>(&self, read: impl FnOnce(&State) -> T) -> Result<T, RootError> {
		let state = self.0.lock();
		match state.broken {
			true => Err(RootError("there is no such API".into())),
			false => Ok(read(&state)),
		}
	}

	fn set(&self, set: impl FnOnce(&mut State)) {
		set(&mut self.0.lock())
	}

	fn submitted(&self) -> Vec<Submission> {
		std::mem::take(&mut self.0.lock().submitted)
	}
}

#[async_trait]
impl RootChain for MockRoot {
	fn genesis(&self) -> Hash {
		GENESIS
	}
	fn position(&self) -> Position {
		let state = self.0.lock();
		Position {
			syncing: state.syncing,
			finalized: RootRef {
				number: state.finalized,
				hash: Hash::from_low_u64_be(state.finalized.into()),
			},
			next: state.finalized + 1,
		}
	}
	fn elections(&self, _: Hash) -> Result<Vec<(ChainId, Election)>, RootError> {
		self.read(|state| state.elections.clone())
	}
	fn operator(&self, _: Hash, identity: MemberId) -> Result<Option<AccountId>, RootError> {
		self.read(|state| state.operators.get(&identity).cloned())
	}
	fn candidacy(
		&self,
		_: Hash,
		chain: ChainId,
		operator: AccountId,
	) -> Result<Option<Candidacy>, RootError> {
		self.read(|state| state.candidacies.get(&(chain, operator)).copied())
	}
	fn elected(&self, _: Hash, _: ChainId) -> Result<u32, RootError> {
		self.read(|_| 0)
	}
	fn ready_members(&self, _: Hash, _: ChainId) -> Result<Vec<(MemberId, Option<SharingId>)>, RootError> {
		self.read(|state| state.ready.clone())
	}
	fn committee(&self, _: Hash, chain: ChainId, epoch: Epoch) -> Result<Option<Committee>, RootError> {
		self.read(|state| state.committees.get(&(chain, epoch)).cloned())
	}
	fn head(&self, _: Hash, _: ChainId) -> Result<Option<RootRef>, RootError> {
		self.read(|state| state.head.or(Some(HEAD)))
	}
	fn holdings(&self, _: Hash, _: ChainId) -> Result<Vec<(CurrencyId, Balance)>, RootError> {
		self.read(|state| vec![(CurrencyId::NATIVE, state.held)])
	}
	fn attempt(&self, _: Hash, _: Epoch) -> Result<Option<Option<u64>>, RootError> {
		self.read(|state| state.attempt)
	}
	fn is_convicted(&self, _: Hash, chain: ChainId, epoch: Epoch, member: u32) -> Result<bool, RootError> {
		self.read(|state| state.convicted.contains(&(chain, epoch, member)))
	}
	async fn submit(&self, submission: Submission) -> Outcome {
		let mut state = self.0.lock();
		state.submitted.push(submission);
		state.refuse.clone().unwrap_or(Outcome::Taken)
	}
}

/// A chain that runs here.
#[derive(Clone, Copy)]
struct Here {
	finalized: BlockNumber,
	at_head: Hash,
	issued: Option<Balance>,
}

const WELL: Here = Here {
	finalized: 22,
	at_head: HEAD.hash,
	issued: Some(1_000),
};

impl Progress for Mutex<Here> {
	fn finalized(&self) -> BlockNumber {
		self.lock().finalized
	}
	fn final_hash(&self, number: BlockNumber) -> Option<Hash> {
		let here = self.lock();
		(number <= here.finalized).then_some(here.at_head)
	}
	fn issued(&self, at: Hash) -> Option<Vec<(CurrencyId, Balance)>> {
		assert_eq!(at, HEAD.hash);
		self.lock()
			.issued
			.map(|issued| vec![(CurrencyId::NATIVE, issued)])
	}
	fn header_of(&self, _: Hash) -> Option<Header> {
		None
	}
}

/// A chain of which these blocks are imported.
struct Imported(Vec<Header>);

impl Progress for Imported {
	fn finalized(&self) -> BlockNumber {
		HEAD.number
	}
	fn final_hash(&self, _: BlockNumber) -> Option<Hash> {
		None
	}
	fn issued(&self, _: Hash) -> Option<Vec<(CurrencyId, Balance)>> {
		None
	}
	fn header_of(&self, hash: Hash) -> Option<Header> {
		self.0.iter().find(|header| header.hash() == hash).cloned()
	}
}

#[derive(Default)]
struct Found(Mutex<Vec<Kept>>);
impl EvidenceSource for Found {
	fn evidence(&self) -> Vec<Kept> {
		self.0.lock().clone()
	}
}

#[derive(Clone, Default)]
struct Share(Arc<Mutex<Option<SharingId>>>);
impl Shares for Share {
	fn share(&self, _: Epoch) -> Option<SharingId> {
		*self.0.lock()
	}
}

struct World {
	root: MockRoot,
	served: ServedChains,
	share: Share,
	registry: Registry,
	worker: Worker<MockRoot, KeystorePtr, Share>,
}

fn election(epoch: Epoch, phase: Phase) -> Election {
	Election {
		epoch,
		attempt: 0,
		signalled: 10,
		total: 100,
		expected: 4,
		phase,
	}
}

fn open() -> Phase {
	Phase::Open {
		round: 10,
		seed: Hash::repeat_byte(9),
		opened: 12,
		deadline: 40,
	}
}

const RECORDED: Phase = Phase::Recorded { round: 10, until: 90 };

/// A node with Alice's keys on a network where hers is elected by any draw.
fn world(keystore: KeystorePtr, expected: &[ChainId]) -> World {
	let root = MockRoot::default();
	root.set(|state| {
		state.finalized = 12;
		state.held = 1_000;
		state.operators.insert(member("//Alice"), operator("//Alice"));
		for chain in [ChainId::ROOT, CHAIN, ChainId(2)] {
			let candidacy = Candidacy {
				sortition: keys::node_keys("//Alice", None).unwrap().sortition,
				share: 100,
				claimed: false,
			};
			state.candidacies.insert((chain, operator("//Alice")), candidacy);
			state.committees.insert((chain, 1), committee(1, &NAMES));
		}
	});
	let served = ServedChains::new(expected.iter().copied());
	let (share, registry) = (Share::default(), Registry::new());
	let worker = Worker::new(
		root.clone(),
		keystore,
		served.clone(),
		share.clone(),
		Some(&registry),
	);
	World {
		root,
		served,
		share,
		registry,
		worker,
	}
}

fn serve(keystore: KeystorePtr, here: Here) -> Served {
	Served {
		progress: Arc::new(Mutex::new(here)),
		keys: Keys::new(keystore),
		evidence: Arc::new(Found::default()),
	}
}

impl World {
	async fn step(&mut self) -> Vec<Submission> {
		self.worker.step().await;
		self.root.submitted()
	}

	fn metric(&self, name: &str) -> f64 {
		let families = self.registry.gather();
		let family = families
			.iter()
			.find(|family: &&MetricFamily| family.get_name() == name)
			.unwrap();
		let metric = &family.get_metric()[0];
		metric.get_gauge().get_value() + metric.get_counter().get_value()
	}
}

fn assert_signed(readiness: &Readiness, signature: &[u8; 64]) {
	assert!(sr25519::Pair::verify(
		&sr25519::Signature::from_raw(*signature),
		readiness.statement(GENESIS),
		&sr25519::Public::from_raw(readiness.member.0),
	));
}

#[tokio::test(start_paused = true)]
async fn from_the_signal_to_readiness() {
	let keystore = keystore(&["//Alice"]);
	let mut world = world(keystore.clone(), &[CHAIN]);
	let root = world.root.clone();
	let advance = || tokio::time::advance(Duration::from_secs(60));

	root.set(|state| state.elections = vec![(CHAIN, election(1, Phase::AwaitingSeed))]);
	assert_eq!(world.step().await, []);
	root.set(|state| state.elections = vec![(CHAIN, election(1, open()))]);
	let [Submission::Claim(claim)] = &world.step().await[..] else {
		panic!("one claim");
	};
	assert_eq!((&claim.operator, claim.round), (&operator("//Alice"), 10));
	let key = keys::node_keys("//Alice", None).unwrap().sortition;
	assert!(claim.proof.verify(&key, Hash::repeat_byte(9), CHAIN, 1));
	assert_eq!(world.metric("asterism_committees_elections_open"), 1.0);
	assert_eq!(world.metric("asterism_committees_claims"), 1.0);
	assert_eq!(world.step().await, [], "it is in the pool");
	root.set(|state| {
		let own = (CHAIN, operator("//Alice"));
		state.candidacies.get_mut(&own).unwrap().claimed = true;
	});
	advance().await;
	assert_eq!(world.step().await, [], "it is on record");

	// The chain starts only now, and is behind at first.
	root.set(|state| state.elections = vec![(CHAIN, election(1, RECORDED))]);
	assert_eq!(world.step().await, []);
	assert_eq!(world.metric("asterism_committees_seats"), 1.0);
	let progress = Arc::new(Mutex::new(Here { finalized: 3, ..WELL }));
	let served = Served {
		progress: progress.clone(),
		..serve(keystore, WELL)
	};
	world.served.insert(CHAIN, served);
	assert_eq!(world.step().await, []);
	*progress.lock() = WELL;
	let [Submission::Ready(word, signature)] = &world.step().await[..] else {
		panic!("one word");
	};
	assert_signed(word, signature);
	assert_eq!(
		(word.chain, word.epoch, word.round, word.member),
		(CHAIN, 1, 10, member("//Alice"))
	);
	assert_eq!(world.metric("asterism_committees_ready_words"), 1.0);
	root.set(|state| state.ready = vec![(member("//Alice"), None)]);
	advance().await;
	assert_eq!(world.step().await, []);
	assert_eq!(world.metric("asterism_committees_refused"), 0.0);
}

#[tokio::test(start_paused = true)]
async fn a_root_member_waits_for_its_share() {
	let keystore = keystore(&["//Alice"]);
	let mut world = world(keystore.clone(), &[]);
	world.root.set(|state| {
		// A root chain that is as far as its own final block.
		state.finalized = 20;
		state.elections = vec![(ChainId::ROOT, election(1, RECORDED))];
		state.attempt = Some(Some(3));
	});
	let here = Here {
		at_head: Hash::from_low_u64_be(20),
		..WELL
	};
	world.served.insert(ChainId::ROOT, serve(keystore, here));
	assert_eq!(world.step().await, []);
	let sharing = |attempt| SharingId {
		attempt,
		output: Hash::repeat_byte(attempt as u8),
	};
	*world.share.0.lock() = Some(sharing(2));
	assert_eq!(world.step().await, [], "of an attempt that failed");
	*world.share.0.lock() = Some(sharing(3));
	let [Submission::Ready(word, signature)] = &world.step().await[..] else {
		panic!("one word");
	};
	assert_eq!(word.sharing, Some(sharing(3)));
	assert_signed(word, signature);
	// Without a beacon, no share is named.
	world.root.set(|state| state.attempt = None);
	let [Submission::Ready(word, _)] = &world.step().await[..] else {
		panic!("one word");
	};
	assert_eq!(word.sharing, None);
}

fn view(world: &World, keystore: &KeystorePtr) -> View {
	let mut reader = Reader::new(world.served.clone(), world.share.clone());
	reader.view(&world.root, keystore.identities()).unwrap()
}

/// What keeps the node from being ready for a chain.
fn obstacle(world: &World, keystore: &KeystorePtr) -> Option<Obstacle> {
	let mut node = Node::new(keystore.clone());
	let step = node.step(&view(world, keystore), Duration::ZERO);
	step.notices.into_iter().find_map(|notice| match notice {
		Notice::NotReady { obstacle, .. } => Some(obstacle),
		_ => None,
	})
}

#[tokio::test(start_paused = true)]
async fn a_node_that_does_not_run_the_chain_well_never_says_that_it_is_ready() {
	let keystore = keystore(&["//Alice"]);
	let mut world = world(keystore.clone(), &[]);
	world
		.root
		.set(|state| state.elections = vec![(CHAIN, election(1, RECORDED))]);
	assert_eq!(obstacle(&world, &keystore), Some(Obstacle::NotServed));
	assert_eq!(world.step().await, []);
	// Another chain runs here.
	world.served.insert(ChainId(2), serve(keystore.clone(), WELL));
	assert_eq!(obstacle(&world, &keystore), Some(Obstacle::NotServed));

	// The chain has a keystore of its own, with another one's keys, or with the identity alone.
	let identity_only = MemoryKeystore::new();
	let alice = member("//Alice");
	identity_only.insert(IDENTITY_KEY, "//Alice", &alice.0).unwrap();
	for other in [
		self::keystore(&[]),
		self::keystore(&["//Eve"]),
		Arc::new(identity_only),
	] {
		world.served.insert(CHAIN, serve(other, WELL));
		assert_eq!(obstacle(&world, &keystore), Some(Obstacle::WithoutKeys));
		assert_eq!(world.step().await, []);
	}
	for (here, expected) in [
		(
			Here {
				finalized: 10,
				..WELL
			},
			Obstacle::Behind,
		),
		(
			Here {
				at_head: Hash::zero(),
				..WELL
			},
			Obstacle::Forked,
		),
		(
			Here {
				issued: Some(999),
				..WELL
			},
			Obstacle::WrongIssuance,
		),
		(Here { issued: None, ..WELL }, Obstacle::UnreadIssuance),
	] {
		world.served.insert(CHAIN, serve(keystore.clone(), here));
		assert_eq!(obstacle(&world, &keystore), Some(expected));
		assert_eq!(world.step().await, []);
	}
	world.served.insert(CHAIN, serve(keystore.clone(), WELL));
	assert_eq!(obstacle(&world, &keystore), None);
	assert_eq!(world.step().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_node_with_two_seats_serves_as_one_member() {
	let both = keystore(&["//Alice", "//Bob"]);
	let mut world = world(both.clone(), &[]);
	world.served.insert(CHAIN, serve(both.clone(), WELL));
	world
		.root
		.set(|state| state.elections = vec![(CHAIN, election(1, RECORDED))]);
	let (serves_as, _) = Keys::new(both.clone())
		.membership(&committee(1, &NAMES))
		.unwrap()
		.unwrap();
	for seat in view(&world, &both).seats {
		let here = matches!(seat.standpoint.place, Place::Here(_));
		assert_eq!(here, seat.member == serves_as.id);
	}
	let [Submission::Ready(word, signature)] = &world.step().await[..] else {
		panic!("one word");
	};
	assert_eq!(word.member, serves_as.id);
	assert_signed(word, signature);
}

#[tokio::test(start_paused = true)]
async fn a_restarted_node_goes_on_where_it_was() {
	let keystore = keystore(&["//Alice"]);
	let mut world = world(keystore.clone(), &[]);
	world.served.insert(CHAIN, serve(keystore.clone(), WELL));
	world
		.root
		.set(|state| state.elections = vec![(CHAIN, election(1, open()))]);
	let number = |submissions: &[Submission]| {
		let [Submission::Claim(claim)] = submissions else {
			panic!("one claim");
		};
		let key = keys::node_keys("//Alice", None).unwrap().sortition;
		claim.proof.number(&key, Hash::repeat_byte(9), CHAIN, 1).unwrap()
	};
	let before = number(&world.step().await);
	let restart = |world: &mut World| {
		let (root, served) = (world.root.clone(), world.served.clone());
		world.worker = Worker::new(root, keystore.clone(), served, world.share.clone(), None);
	};
	restart(&mut world);
	// The pool may have lost it. It draws the same.
	assert_eq!(number(&world.step().await), before);
	world.root.set(|state| {
		let own = (CHAIN, operator("//Alice"));
		state.candidacies.get_mut(&own).unwrap().claimed = true;
	});
	restart(&mut world);
	assert_eq!(world.step().await, []);
	world
		.root
		.set(|state| state.elections = vec![(CHAIN, election(1, RECORDED))]);
	assert_eq!(world.step().await.len(), 1);
	world
		.root
		.set(|state| state.ready = vec![(member("//Alice"), None)]);
	restart(&mut world);
	assert_eq!(world.step().await, []);
}

#[tokio::test(start_paused = true)]
async fn what_makes_no_sense_is_passed_over() {
	let keystore = keystore(&["//Alice"]);
	let mut world = world(keystore.clone(), &[]);
	for chain in [CHAIN, ChainId(2)] {
		world.served.insert(chain, serve(keystore.clone(), WELL));
	}
	// Out of order, or twice: the first of each counts.
	world.root.set(|state| {
		state.elections = vec![
			(ChainId(2), election(1, RECORDED)),
			(ChainId(2), election(1, RECORDED)),
			(CHAIN, election(1, RECORDED)),
		]
	});
	let seen = view(&world, &keystore);
	assert_eq!(seen.faults, [Fault::Order(ChainId(2)), Fault::Order(CHAIN)]);
	assert_eq!(seen.seats.len(), 1);
	// A committee of another epoch, or none: the other chain's is served.
	world.root.set(|state| {
		state.elections = vec![
			(CHAIN, election(1, RECORDED)),
			(ChainId(2), election(1, RECORDED)),
		];
		state.committees.insert((CHAIN, 1), committee(2, &NAMES));
	});
	assert_eq!(view(&world, &keystore).faults, [Fault::Committee(CHAIN, 1)]);
	world.root.set(|state| {
		state.committees.remove(&(CHAIN, 1));
	});
	let seen = view(&world, &keystore);
	assert_eq!(seen.faults, [Fault::Committee(CHAIN, 1)]);
	assert_eq!(
		seen.seats.iter().map(|seat| seat.chain).collect::<Vec<_>>(),
		[ChainId(2)]
	);
	assert_eq!(world.step().await.len(), 1);
	// More elections than there can be chains: none is looked at.
	let many = MAX_CHAINS + 2;
	world
		.root
		.set(|state| state.elections = (0..many).map(|i| (ChainId(i), election(1, RECORDED))).collect());
	let seen = view(&world, &keystore);
	assert_eq!(seen.faults, [Fault::TooManyElections(many as usize)]);
	assert!(seen.seats.is_empty() && seen.open.is_empty());
	// A seed of before the signal.
	let early = Phase::Open {
		round: 9,
		seed: Hash::zero(),
		opened: 12,
		deadline: 40,
	};
	world
		.root
		.set(|state| state.elections = vec![(CHAIN, election(1, early))]);
	assert_eq!(world.step().await, []);
}

#[tokio::test(start_paused = true)]
async fn it_goes_on_when_the_root_chain_can_be_read_again() {
	let keystore = keystore(&["//Alice"]);
	let mut world = world(keystore, &[]);
	world.root.set(|state| {
		state.elections = vec![(CHAIN, election(1, open()))];
		state.broken = true;
	});
	for _ in 0..3 {
		assert_eq!(world.step().await, []);
	}
	assert_eq!(world.metric("asterism_committees_failures"), 3.0);
	world
		.root
		.set(|state| (state.broken, state.syncing) = (false, true));
	assert_eq!(world.step().await, [], "what a syncing root chain says is old");
	world.root.set(|state| state.syncing = false);
	assert_eq!(world.step().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_without_a_registered_node_takes_part() {
	for keystore in [keystore(&[]), keystore(&["//Eve"])] {
		let mut world = world(keystore.clone(), &[]);
		world.served.insert(CHAIN, serve(keystore, WELL));
		world.root.set(|state| {
			state.elections = vec![(CHAIN, election(1, open())), (ChainId(2), election(1, RECORDED))]
		});
		assert_eq!(world.step().await, []);
		assert_eq!(world.metric("asterism_committees_seats"), 0.0);
	}
	// Some identities too many: the others are left out, and the operator is told.
	let names: Vec<_> = (0..MAX_IDENTITIES + 3).map(|i| format!("//Many{i}")).collect();
	let many = keystore(&names.iter().map(String::as_str).collect::<Vec<_>>());
	let world = world(many.clone(), &[]);
	assert_eq!(
		view(&world, &many).faults,
		[Fault::Identities(MAX_IDENTITIES + 3)]
	);
}

/// Auxiliary storage in memory.
type Memory = in_mem::Blockchain<OpaqueBlock>;

/// The evidence that the engine of one member finds when another one contradicts itself in all ways, in one view.
fn caught(suri: &str) -> EvidenceStore<Memory> {
	use commonware_consensus::{
		simplex::types::{
			Activity, ConflictingFinalize, ConflictingNotarize, Finalize, Notarize, Nullify, NullifyFinalize,
			Proposal,
		},
		types::{Epoch, Round as EngineRound, View},
	};
	let committee = committee(1, &NAMES);
	let (secret, _) = keys::derive(suri, None).unwrap();
	let by = scheme::signer(REALM, &committee, secret).unwrap().unwrap();
	let round = EngineRound::new(Epoch::new(1), View::new(300));
	let block = |byte| Proposal::new(round, View::new(299), scheme::to_digest(Hash::repeat_byte(byte)));
	let notarize = |byte| Notarize::sign(&by, block(byte)).unwrap();
	let finalize = |byte| Finalize::sign(&by, block(byte)).unwrap();
	let nullify = Nullify::sign::<scheme::Digest>(&by, round).unwrap();
	let store = EvidenceStore::new(Arc::new(Memory::default()));
	for activity in [
		Activity::ConflictingNotarize(ConflictingNotarize::new(notarize(1), notarize(2))),
		Activity::ConflictingFinalize(ConflictingFinalize::new(finalize(1), finalize(2))),
		Activity::NullifyFinalize(NullifyFinalize::new(nullify, finalize(1))),
	] {
		store.add(&activity, &by, &committee);
	}
	assert_eq!(store.all().len(), 3);
	store
}

const REALM: Realm = Realm {
	chain: CHAIN,
	genesis: Hash::repeat_byte(7),
};

#[test]
fn what_the_engine_finds_is_what_the_root_chain_verifies() {
	let committee = committee(1, &NAMES);
	let key = keys::member("//Charlie").unwrap().key;
	let kinds = [
		Contradiction::ConflictingNotarize,
		Contradiction::ConflictingFinalize,
		Contradiction::NullifyFinalize,
	];
	for (kept, kind) in caught("//Charlie").all().iter().zip(kinds) {
		let (index, proof) = crate::reports::proof(kept, &committee).unwrap();
		assert_eq!(committee.members()[index as usize].id, member("//Charlie"));
		let Proof::Votes { first, second } = proof else {
			panic!("votes")
		};
		assert_eq!(
			contradiction((first.round, first.vote), (second.round, second.vote)),
			Ok(kind)
		);
		for votes in [first, second] {
			let message = votes.signed_bytes(REALM);
			assert!(HostBls::verify_aggregate(
				std::iter::once(&key),
				&message,
				&votes.signature
			));
		}
	}
}

#[tokio::test(start_paused = true)]
async fn evidence_is_reported_until_its_member_is_punished() {
	let keystore = keystore(&["//Alice"]);
	let mut world = world(keystore.clone(), &[]);
	let served = Served {
		evidence: Arc::new(caught("//Charlie")),
		..serve(keystore, WELL)
	};
	world.served.insert(CHAIN, served);
	let root = world.root.clone();
	let charlie = committee(1, &NAMES)
		.members()
		.iter()
		.position(|other| other.id == member("//Charlie"))
		.unwrap();
	let mut reports = Vec::new();
	for _ in 0..80 {
		reports.extend(world.step().await);
		root.set(|state| state.finalized += 1);
		tokio::time::advance(Duration::from_secs(1)).await;
	}
	assert!((3..8).contains(&reports.len()), "{}", reports.len());
	for report in &reports {
		let Submission::Report(evidence, reporter) = report else {
			panic!("a report");
		};
		assert_eq!(reporter, &Some(operator("//Alice")));
		let Evidence { chain, proof } = &**evidence;
		assert_eq!(*chain, CHAIN);
		assert!(
			matches!(proof, Proof::Votes { first, .. } if first.signers(4) == Some(vec![charlie as u32]))
		);
	}
	assert_eq!(
		world.metric("asterism_committees_evidence_reported"),
		reports.len() as f64
	);
	root.set(|state| {
		state.convicted.insert((CHAIN, 1, charlie as u32));
		state.finalized += CHARGES_EVERY;
	});
	for _ in 0..80 {
		assert_eq!(world.step().await, []);
		root.set(|state| state.finalized += 1);
		tokio::time::advance(Duration::from_secs(1)).await;
	}
}

/// The schemes of all members to sign with, in the committee's order.
fn all_sign() -> Vec<scheme::Scheme> {
	let committee = committee(1, &NAMES);
	let scheme_of = |member: &Member| {
		let secrets = NAMES.iter().map(|name| keys::derive(name, None).unwrap());
		let (secret, _) = secrets.into_iter().find(|(_, key)| *key == member.key).unwrap();
		scheme::signer(REALM, &committee, secret).unwrap().unwrap()
	};
	committee.members().iter().map(scheme_of).collect()
}

/// The certificate with which these make a block final.
fn finalized(view: u64, block: Hash, by: &[scheme::Scheme]) -> Certificate {
	use commonware_consensus::{
		simplex::types::{Finalization, Finalize, Proposal},
		types::{Epoch, Round as EngineRound, View},
	};
	let round = EngineRound::new(Epoch::new(1), View::new(view));
	let proposal = Proposal::new(round, View::new(view - 1), scheme::to_digest(block));
	let votes: Vec<_> = by
		.iter()
		.map(|by| Finalize::sign(by, proposal.clone()).unwrap())
		.collect();
	let strategy = commonware_parallel::Sequential;
	let agreed = Finalization::from_finalizes(&by[0], votes.iter(), &strategy).unwrap();
	scheme::from_finalization(&agreed).unwrap()
}

/// The evidence of a node that saw the first three and the last three members agree on two blocks in one view.
fn forked() -> EvidenceStore<Memory> {
	let by = all_sign();
	let certificate = |block, by: &[scheme::Scheme]| finalized(300, Hash::repeat_byte(block), by);
	let pair = ConflictingCertificates::new(certificate(1, &by[..3]), certificate(2, &by[1..])).unwrap();
	let store = EvidenceStore::new(Arc::new(Memory::default()));
	assert!(store.add_certificates(pair));
	store
}

/// So many blocks upon another one, the first of them of this round.
pub(crate) fn blocks_upon(head: RootRef, first: Round, length: u32) -> Vec<Header> {
	let mut parent = head.hash;
	let header = |i| {
		let round = Round {
			view: first.view + u64::from(i),
			..first
		};
		let header = Header {
			parent_hash: parent,
			number: head.number + 1 + i,
			state_root: Hash::zero(),
			extrinsics_root: Hash::zero(),
			digest: Digest {
				logs: vec![round_item(round)],
			},
		};
		parent = header.hash();
		header
	};
	(0..length).map(header).collect()
}

/// So many blocks of epoch 1, upon the one on record.
fn upon_head(length: u32) -> Vec<Header> {
	let first = Round { epoch: 1, view: 300 };
	blocks_upon(HEAD, first, length)
}

/// A chain whose node has imported all of these blocks but for the last, which all members have made final, and which it refuses.
fn refusing(keystore: KeystorePtr, headers: &[Header]) -> Served {
	let (last, imported) = headers.split_last().unwrap();
	let view = round(&last.digest).unwrap().view;
	let block = RefusedBlock::new(last.clone(), finalized(view, last.hash(), &all_sign())).unwrap();
	let store = EvidenceStore::new(Arc::new(Memory::default()));
	assert!(store.add_refused(block));
	Served {
		progress: Arc::new(Imported(imported.to_vec())),
		evidence: Arc::new(store),
		..serve(keystore, WELL)
	}
}

impl World {
	/// What is submitted in so many seconds, with a root block in each.
	async fn seconds(&mut self, seconds: u32) -> Vec<Submission> {
		let mut submitted = Vec::new();
		for _ in 0..seconds {
			submitted.extend(self.step().await);
			self.root.set(|state| state.finalized += 1);
			tokio::time::advance(Duration::from_secs(1)).await;
		}
		submitted
	}
}

/// The headers of each report, all of which are of refused blocks.
fn shown(submitted: &[Submission]) -> Vec<Vec<Header>> {
	let headers = |submission: &Submission| match submission {
		Submission::Report(evidence, _) => match &evidence.proof {
			Proof::Checkpoint { headers, .. } => headers.to_vec(),
			other => panic!("{other:?}"),
		},
		other => panic!("{other:?}"),
	};
	submitted.iter().map(headers).collect()
}

#[tokio::test(start_paused = true)]
async fn a_block_that_was_made_final_and_is_refused_is_reported() {
	let committee = committee(1, &NAMES);
	let keystore = keystore(&["//Alice"]);
	let mut world = world(keystore.clone(), &[]);
	let headers = upon_head(3);
	world.served.insert(CHAIN, refusing(keystore, &headers));
	let submitted = world.seconds(40).await;
	let Some(Submission::Report(evidence, reporter)) = submitted.first() else {
		panic!("a report: {submitted:?}")
	};
	assert_eq!((evidence.chain, reporter), (CHAIN, &Some(operator("//Alice"))));
	let Proof::Checkpoint {
		headers: run,
		certificate,
	} = &evidence.proof
	else {
		panic!("a checkpoint")
	};
	assert_eq!(**run, headers);
	assert_eq!(linked(run, certificate), Ok(()));
	let votes = Votes::from(certificate.clone());
	let keys = committee.members().iter().map(|member| &member.key);
	assert!(HostBls::verify_aggregate(
		keys,
		&votes.signed_bytes(REALM),
		&votes.signature
	));
	// In turn, until all others are punished.
	assert!((2..6).contains(&submitted.len()), "{}", submitted.len());
	world.root.set(|state| {
		state.convicted.extend((0..4).map(|i| (CHAIN, 1, i)));
		state.finalized += CHARGES_EVERY;
	});
	assert_eq!(world.seconds(40).await, []);
}

#[tokio::test(start_paused = true)]
async fn a_refused_block_that_cant_be_judged_yet_is_reported_again_as_the_record_goes_on() {
	let keystore = keystore(&["//Alice"]);
	let mut world = world(keystore.clone(), &[]);
	let headers = upon_head(3);
	world.served.insert(CHAIN, refusing(keystore, &headers));
	world
		.root
		.set(|state| state.refuse = Some(Outcome::Refused(misconduct::NOT_NEXT)));
	let reported = shown(&world.seconds(60).await);
	assert!((3..7).contains(&reported.len()), "{}", reported.len());
	assert!(reported.iter().all(|run| *run == headers));
	world.root.set(|state| {
		state.refuse = None;
		state.head = Some(RootRef {
			number: headers[1].number,
			hash: headers[1].hash(),
		});
	});
	let reported = shown(&world.seconds(60).await);
	let last = reported.last().unwrap();
	assert_eq!(last[..], headers[2..]);
	// What isn't known on record is reported alone.
	world.root.set(|state| {
		state.head = Some(RootRef {
			number: 7,
			hash: Hash::repeat_byte(7),
		})
	});
	let reported = shown(&world.seconds(60).await);
	assert_eq!(reported.last().unwrap()[..], headers[2..]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_block_whose_traffic_is_consistent_is_dropped() {
	let keystore = keystore(&["//Alice"]);
	let mut world = world(keystore.clone(), &[]);
	let headers = upon_head(2);
	let served = refusing(keystore, &headers);
	world.served.insert(CHAIN, served.clone());
	world
		.root
		.set(|state| state.refuse = Some(Outcome::Refused(misconduct::CONSISTENT)));
	assert_eq!(shown(&world.seconds(80).await), [headers]);
	assert_eq!(world.metric("asterism_committees_refused"), 1.0);
	assert_eq!(
		served.evidence.refused().len(),
		1,
		"it is kept for who wants to look at it"
	);
}

#[tokio::test(start_paused = true)]
async fn a_refused_block_of_the_root_chain_or_of_a_committee_unknown_is_not_reported() {
	let keystore = keystore(&["//Alice"]);
	let headers = upon_head(2);
	let of_root = world(keystore.clone(), &[]);
	of_root
		.served
		.insert(ChainId::ROOT, refusing(keystore.clone(), &headers));
	let unknown = world(keystore.clone(), &[]);
	unknown.served.insert(CHAIN, refusing(keystore.clone(), &headers));
	unknown.root.set(|state| state.committees.clear());
	// Valid blocks leave no evidence.
	let well = world(keystore.clone(), &[]);
	well.served.insert(CHAIN, serve(keystore, WELL));
	for mut world in [of_root, unknown, well] {
		assert_eq!(world.seconds(60).await, []);
	}
}

#[tokio::test(start_paused = true)]
async fn two_certificates_are_reported_and_convict_all_that_signed_both() {
	let committee = committee(1, &NAMES);
	let alice = committee
		.members()
		.iter()
		.position(|other| other.id == member("//Alice"))
		.unwrap() as u32;
	let keystore = keystore(&["//Alice"]);
	let mut world = world(keystore.clone(), &[]);
	let served = Served {
		evidence: Arc::new(forked()),
		..serve(keystore, WELL)
	};
	world.served.insert(CHAIN, served);
	let root = world.root.clone();
	let mut reports = Vec::new();
	for _ in 0..40 {
		reports.extend(world.step().await);
		root.set(|state| state.finalized += 1);
		tokio::time::advance(Duration::from_secs(1)).await;
	}
	let Some(Submission::Report(evidence, _)) = reports.first() else {
		panic!("a report: {reports:?}")
	};
	let Proof::Votes { first, second } = &evidence.proof else {
		panic!("votes")
	};
	assert_eq!(
		(first.signers(4), second.signers(4)),
		(Some(vec![0, 1, 2]), Some(vec![1, 2, 3]))
	);
	for votes in [first, second] {
		let signers = votes.signers(4).unwrap();
		let keys = signers.iter().map(|i| &committee.members()[*i as usize].key);
		assert!(HostBls::verify_aggregate(
			keys,
			&votes.signed_bytes(REALM),
			&votes.signature
		));
	}
	// Each in its turn, as long as somebody else than Alice is not convicted.
	root.set(|state| {
		state
			.convicted
			.extend([1, 2].into_iter().filter(|i| *i != alice).map(|i| (CHAIN, 1, i)));
		state.finalized += CHARGES_EVERY;
	});
	for _ in 0..40 {
		assert_eq!(world.step().await, []);
		root.set(|state| state.finalized += 1);
		tokio::time::advance(Duration::from_secs(1)).await;
	}
}

#[tokio::test(start_paused = true)]
async fn a_node_reports_neither_itself_nor_members_of_committees_unknown() {
	let keystore = keystore(&["//Alice"]);
	let alice = Served {
		evidence: Arc::new(caught("//Alice")),
		..serve(keystore.clone(), WELL)
	};
	let own = world(keystore.clone(), &[]);
	own.served.insert(CHAIN, alice);
	let charlie = Served {
		evidence: Arc::new(caught("//Charlie")),
		..serve(keystore.clone(), WELL)
	};
	let unknown = world(keystore, &[]);
	unknown.served.insert(CHAIN, charlie);
	unknown.root.set(|state| state.committees.clear());
	for mut world in [own, unknown] {
		for _ in 0..80 {
			assert_eq!(world.step().await, []);
			world.root.set(|state| state.finalized += 1);
			tokio::time::advance(Duration::from_secs(1)).await;
		}
	}
}
