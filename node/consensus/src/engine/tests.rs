//! Committees in simulated time over a simulated network: each run is decided by its seed.

use super::*;
use crate::{
	mock::*,
	scheme::{self, to_hash},
};
use asterism_primitives::{
	certificate::{Certificate, CertificateKind},
	committee::Committee,
	Hashing,
};
use codec::Encode;
use commonware_actor::Feedback;
use commonware_consensus::{types::Round as EngineRound, Automaton};
use commonware_p2p::simulated::{self, Link, Network, Oracle};
use commonware_runtime::{deterministic, Clock, Quota};
use commonware_utils::channel::oneshot as reply;
use parking_lot::Mutex;
use polkadot_sdk::sp_runtime::traits::Hash as _;
use std::{collections::BTreeMap, num::NonZeroU32, sync::Arc};

const INTERVAL: Duration = Duration::from_secs(1);

/// What a member has been told.
#[derive(Default)]
struct Told {
	finalized: BTreeMap<u64, Certificate>,
	notarized: BTreeMap<u64, Certificate>,
	nullified: Vec<u64>,
	contradictions: usize,
}

/// An application whose blocks are nothing but a hash.
#[derive(Clone)]
struct Toy {
	me: usize,
	told: Arc<Mutex<Told>>,
}

fn answer<T: Send + 'static>(value: T) -> reply::Receiver<T> {
	let (sender, receiver) = reply::channel();
	let _ = sender.send(value);
	receiver
}

impl Automaton for Toy {
	type Context = Context<Digest, Identity>;
	type Digest = Digest;

	async fn propose(&mut self, context: Self::Context) -> reply::Receiver<Digest> {
		let seed = (
			to_hash(context.parent.1),
			context.round.view().get(),
			self.me as u64,
		);
		answer(to_digest(Hashing::hash(&seed.encode())))
	}

	async fn verify(&mut self, _: Self::Context, _: Digest) -> reply::Receiver<bool> {
		answer(true)
	}
}

impl CertifiableAutomaton for Toy {
	async fn certify(&mut self, _: EngineRound, _: Digest) -> reply::Receiver<bool> {
		answer(true)
	}
}

impl Relay for Toy {
	type Digest = Digest;
	type PublicKey = Identity;
	type Plan = Plan<Identity>;

	fn broadcast(&mut self, _: Digest, _: Plan<Identity>) -> Feedback {
		Feedback::Ok
	}
}

impl Reporter for Toy {
	type Activity = Activity<Scheme, Digest>;

	fn report(&mut self, activity: Self::Activity) -> Feedback {
		let mut told = self.told.lock();
		match activity {
			Activity::Notarization(n) => {
				let certificate = scheme::from_notarization(&n).unwrap();
				told.notarized.insert(certificate.round.view, certificate);
			}
			Activity::Finalization(f) => {
				let certificate = scheme::from_finalization(&f).unwrap();
				told.finalized.insert(certificate.round.view, certificate);
			}
			Activity::Nullification(n) => told.nullified.push(n.round.view().get()),
			Activity::ConflictingNotarize(_)
			| Activity::ConflictingFinalize(_)
			| Activity::NullifyFinalize(_) => told.contradictions += 1,
			_ => {}
		}
		Feedback::Ok
	}
}

type Handle = commonware_runtime::Handle<()>;

/// Four members, of which some run, and the network between them.
struct Simulation {
	context: deterministic::Context,
	committee: Committee,
	schemes: Vec<Scheme>,
	oracle: Oracle<Identity, deterministic::Context>,
	told: Vec<Arc<Mutex<Told>>>,
	running: BTreeMap<usize, Handle>,
	started: u64,
}

const GOOD: Link = Link {
	latency: Duration::from_millis(20),
	jitter: Duration::from_millis(5),
	success_rate: 1.0,
};
const LOSSY: Link = Link {
	latency: Duration::from_millis(80),
	jitter: Duration::from_millis(60),
	success_rate: 0.8,
};

impl Simulation {
	async fn new(context: deterministic::Context, link: Link) -> Self {
		let committee = committee(0);
		let identities: Vec<_> = (0..4).map(|i| identity(&committee, i)).collect();
		let config = simulated::Config {
			max_size: 1024 * 1024,
			disconnect_on_block: true,
			tracked_peer_sets: NonZeroUsize::MIN,
		};
		let (network, oracle) =
			Network::new_with_peers(context.child("network"), config, identities.clone()).await;
		network.start();
		let this = Simulation {
			schemes: signers(REALM, &committee, &NAMES),
			told: (0..4).map(|_| Default::default()).collect(),
			context,
			committee,
			oracle,
			running: BTreeMap::new(),
			started: 0,
		};
		this.link(&link, |_, _| true).await;
		this
	}

	/// Links the pairs for which `joined` holds, and unlinks the others.
	async fn link(&self, link: &Link, joined: impl Fn(usize, usize) -> bool) {
		for (a, b) in (0..4)
			.flat_map(|a| (0..4).map(move |b| (a, b)))
			.filter(|(a, b)| a != b)
		{
			let (from, to) = (identity(&self.committee, a), identity(&self.committee, b));
			let _ = self.oracle.remove_link(from.clone(), to.clone()).await;
			if joined(a, b) {
				self.oracle.add_link(from, to, link.clone()).await.unwrap();
			}
		}
	}

	/// Starts a member, with the journal that it left if it ran before.
	async fn start(&mut self, member: usize, start: Start) {
		let control = self.oracle.control(identity(&self.committee, member));
		let quota = Quota::per_second(NonZeroU32::MAX);
		let votes = control.register(0, quota).await.unwrap();
		let certificates = control.register(1, quota).await.unwrap();
		let resolver = control.register(2, quota).await.unwrap();
		self.started += 1;
		let context = self.context.child("member").with_attribute("start", self.started);
		let pages = CacheRef::from_pooler(&context, PAGE_SIZE, PAGES);
		let toy = Toy {
			me: member,
			told: self.told[member].clone(),
		};
		let mut config = config(
			0,
			self.schemes[member].clone(),
			start,
			INTERVAL,
			toy,
			control,
			pages,
		);
		config.partition = format!("member-{member}");
		let engine = Engine::new(context.child("engine"), config);
		self.running
			.insert(member, engine.start(votes, certificates, resolver));
	}

	async fn start_all(&mut self, members: &[usize]) {
		for member in members {
			self.start(*member, Start::Epoch(REALM.genesis)).await;
		}
	}

	fn stop(&mut self, member: usize) {
		self.running.remove(&member).unwrap().abort();
	}

	/// How far a member is.
	fn view(&self, member: usize) -> u64 {
		self.told[member]
			.lock()
			.finalized
			.keys()
			.next_back()
			.copied()
			.unwrap_or(0)
	}

	/// Waits until all that run know a finalization of this view or a later one.
	async fn reach(&self, view: u64) {
		while self.running.keys().any(|member| self.view(*member) < view) {
			self.context.sleep(Duration::from_millis(50)).await;
		}
	}

	/// What must hold however the run went.
	fn check(&self) {
		let verifier = scheme::verifier(REALM, &self.committee).unwrap();
		let mut agreed: BTreeMap<u64, Hash> = BTreeMap::new();
		for told in &self.told {
			let told = told.lock();
			assert_eq!(told.contradictions, 0, "nobody here is faulty");
			for (view, certificate) in &told.finalized {
				assert_eq!(scheme::verify(&verifier, &self.committee, certificate), Ok(()));
				assert_eq!(certificate.kind, CertificateKind::Finalization);
				let block = agreed.entry(*view).or_insert(certificate.block_hash);
				assert_eq!(
					*block, certificate.block_hash,
					"two blocks are final in view {view}"
				);
				assert!(!told.nullified.contains(view), "view {view} is final and skipped");
			}
			for certificate in told.notarized.values() {
				assert_eq!(scheme::verify(&verifier, &self.committee, certificate), Ok(()));
			}
		}
		// Each final block builds upon the last one: its parent's view is that of the one before, or of a
		// notarized one between.
		let views: Vec<_> = agreed.keys().copied().collect();
		for pair in views.windows(2) {
			let parents = self
				.told
				.iter()
				.filter_map(|told| told.lock().finalized.get(&pair[1]).map(|c| c.parent_view));
			parents.for_each(|parent| {
				assert!(parent >= pair[0], "view {} skips final view {}", pair[1], pair[0])
			});
		}
	}
}

fn run<F: std::future::Future>(seed: u64, test: impl FnOnce(deterministic::Context) -> F) -> F::Output {
	let config = deterministic::Config::new()
		.with_seed(seed)
		.with_timeout(Some(Duration::from_secs(1_000)));
	deterministic::Runner::new(config).start(test)
}

/// A run of four members over a bad network: what it ended in.
fn lossy(seed: u64) -> (String, Vec<u64>) {
	run(seed, |context| async move {
		let auditor = context.auditor();
		let mut simulation = Simulation::new(context, LOSSY).await;
		simulation.start_all(&[0, 1, 2, 3]).await;
		simulation.reach(20).await;
		simulation.check();
		(auditor.state(), (0..4).map(|i| simulation.view(i)).collect())
	})
}

#[test]
fn members_agree_over_a_bad_network() {
	let ends: Vec<_> = (0..3).map(lossy).collect();
	assert_eq!(lossy(0), ends[0], "a run is decided by its seed");
	assert_ne!(ends[0].0, ends[1].0);
}

#[test]
fn members_lead_in_turn_and_a_silent_one_is_skipped() {
	run(1, |context| async move {
		let mut simulation = Simulation::new(context, GOOD).await;
		let silent = 2;
		simulation.start_all(&[0, 1, 3]).await;
		simulation.reach(30).await;
		simulation.check();
		let led_by = |view| simulation.committee.leader(view).unwrap().id;
		let silent = simulation.committee.members()[silent].id;
		let told = simulation.told[0].lock();
		for view in 1..30 {
			assert_eq!(
				told.nullified.contains(&view),
				led_by(view) == silent,
				"view {view}"
			);
			assert_eq!(
				told.finalized.contains_key(&view),
				led_by(view) != silent,
				"view {view}"
			);
		}
	});
}

#[test]
fn without_a_quorum_nothing_is_agreed_until_it_is_back() {
	run(2, |context| async move {
		let mut simulation = Simulation::new(context, GOOD).await;
		simulation.start_all(&[0, 1, 2, 3]).await;
		simulation.reach(5).await;
		simulation.link(&GOOD, |a, b| a / 2 == b / 2).await;
		// What was under way may still arrive.
		simulation.context.sleep(Duration::from_secs(1)).await;
		let views: Vec<_> = (0..4).map(|i| simulation.view(i)).collect();
		simulation.context.sleep(Duration::from_secs(60)).await;
		assert_eq!(views, (0..4).map(|i| simulation.view(i)).collect::<Vec<_>>());
		simulation.link(&GOOD, |_, _| true).await;
		let then = *views.iter().max().unwrap();
		simulation.reach(then + 10).await;
		simulation.check();
	});
}

#[test]
fn a_restarted_member_goes_on_without_contradicting_itself() {
	run(3, |context| async move {
		let mut simulation = Simulation::new(context, LOSSY).await;
		simulation.start_all(&[0, 1, 2, 3]).await;
		for restart in 0..6 {
			let member = restart % 4;
			simulation.reach(4 * (restart as u64 + 1)).await;
			simulation.stop(member);
			simulation.context.sleep(Duration::from_millis(300)).await;
			simulation.start(member, Start::Epoch(REALM.genesis)).await;
		}
		simulation.reach(40).await;
		// In particular: nobody was told of a contradiction.
		simulation.check();
	});
}

#[test]
fn a_member_that_starts_from_a_final_block_catches_up() {
	run(4, |context| async move {
		let mut simulation = Simulation::new(context, GOOD).await;
		simulation.start_all(&[0, 1, 3]).await;
		simulation.reach(20).await;
		let certificate = simulation.told[0]
			.lock()
			.finalized
			.values()
			.next_back()
			.unwrap()
			.clone();
		let scheme = &simulation.schemes[2];
		let floor = scheme::finalization(scheme, &simulation.committee, &certificate).unwrap();
		simulation.start(2, Start::Agreed(Box::new(floor))).await;
		simulation.reach(40).await;
		simulation.check();
		assert!(!simulation.told[2]
			.lock()
			.finalized
			.contains_key(&(certificate.round.view - 1)));
	});
}

#[test]
fn waits_leave_the_leader_its_interval() {
	for millis in [200, 1_000, 60_000] {
		let interval = Duration::from_millis(millis);
		let timeouts = Timeouts::new(interval);
		assert!(timeouts.leader >= interval + Duration::from_secs(1));
		assert!(timeouts.certification > timeouts.leader);
		assert!(timeouts.retry > Duration::ZERO && timeouts.fetch > Duration::ZERO);
	}
}
