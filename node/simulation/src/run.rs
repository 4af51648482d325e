//! Runs: a network from its first block over some handovers, each run decided by its seed.

use crate::{
	check,
	faults::{self, Fault, Kind, Roles},
	keystore::id,
	ledger::{Ledger, NODES},
	local::{Disk, Simulated},
	network::Wires,
	node::{self, Machine},
};
use asterism_consensus::scheme::Identity;
use asterism_primitives::{
	api::runtime_decl_for_root_api::RootApiV1,
	beacon::runtime_decl_for_beacon_api::BeaconApiV1,
	committee::Epoch,
	epoch::{ends_epoch, epoch_after},
	BlockNumber, ChainId, Hash,
};
use asterism_root_runtime::{Block, Epochs, Runtime};
use commonware_p2p::simulated::{self, Link, Network};
use commonware_runtime::{
	deterministic::{self, Context},
	Clock, Handle, Runner, Supervisor,
};
use parking_lot::Mutex;
use polkadot_sdk::sp_runtime::traits::Header as _;
use rand::{rngs::StdRng, SeedableRng};
use std::{
	collections::{BTreeMap, BTreeSet},
	num::NonZeroUsize,
	panic::{catch_unwind, AssertUnwindSafe},
	sync::{
		atomic::{AtomicU64, AtomicUsize, Ordering},
		Arc,
	},
	time::{Duration, UNIX_EPOCH},
};

/// Seeds that run by default.
const SEEDS: u64 = 50;
/// Handovers of a run.
pub const HANDOVERS: Epoch = 2;
/// How much simulated time they may take, with all that goes wrong.
const LIMIT: Duration = Duration::from_secs(1_800);
/// How much it may take, once nothing goes wrong any more, until all nodes have the same final blocks and new ones.
const HEALED: Duration = Duration::from_secs(180);
/// How many blocks all nodes must get then.
const NEWS: BlockNumber = 4;
/// When the network begins, since the Unix epoch.
const BEGIN: Duration = Duration::from_secs(1_800_000_000);
/// How often a run is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// What happened in a run.
#[derive(Clone, Default)]
pub struct Diary {
	lines: Arc<Mutex<Vec<String>>>,
	/// The simulated time in milliseconds, as of the last look.
	now: Arc<AtomicU64>,
}

impl Diary {
	/// Takes note of something.
	pub fn note(&self, what: impl FnOnce() -> String) {
		let seconds = self.now.load(Ordering::Relaxed) as f64 / 1_000.0;
		self.lines.lock().push(format!("{seconds:8.1} {}", what()));
	}
}

/// What a run ended in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
	/// A digest of all that happened.
	pub audit: String,
	/// The final blocks.
	pub finals: Vec<Hash>,
	/// How long it took, in simulated time.
	pub took: Duration,
}

/// A network.
struct World {
	context: Context,
	clock: Arc<Simulated>,
	ledger: Arc<Ledger>,
	wires: Wires,
	link: Link,
	linked: BTreeSet<(usize, usize)>,
	machines: Vec<Machine>,
	processes: BTreeMap<usize, Handle<()>>,
	started: u64,
	/// What goes wrong at the moment, and until when.
	faults: Vec<(Fault, Duration)>,
	silent: Option<usize>,
	diary: Diary,
}

impl World {
	async fn new(context: Context, rng: &mut StdRng, diary: Diary) -> Self {
		let clock = Arc::new(Simulated::new(context.child("clock")));
		let ledger = Arc::new(Ledger::new());
		let identities: Vec<Identity> = (0..NODES).map(|i| id(i).into()).collect();
		let config = simulated::Config {
			max_size: 1024 * 1024,
			disconnect_on_block: true,
			tracked_peer_sets: NonZeroUsize::MIN,
		};
		let (network, wires) =
			Network::new_with_peers(context.child("network"), config, identities.clone()).await;
		network.start();
		let disks = (0..NODES).map(|_| Arc::new(Disk::new(ledger.genesis())));
		let disks: Arc<Vec<_>> = Arc::new(disks.collect());
		let machines = identities
			.into_iter()
			.enumerate()
			.map(|(node, identity)| Machine {
				node,
				identity,
				ledger: ledger.clone(),
				disk: disks[node].clone(),
				disks: disks.clone(),
				wires: wires.clone(),
				diary: diary.clone(),
			})
			.collect();
		let mut world = World {
			link: faults::link(rng),
			linked: BTreeSet::new(),
			machines,
			processes: BTreeMap::new(),
			started: 0,
			faults: Vec::new(),
			silent: faults::silent(rng),
			context,
			clock,
			ledger,
			wires,
			diary,
		};
		let (loss, latency) = (1.0 - world.link.success_rate, world.link.latency);
		world.note(format!("{loss:.2} of the messages are lost, latency {latency:?}"));
		world.relink().await;
		let silent = world.silent;
		for node in (0..NODES).filter(|node| Some(*node) != silent) {
			world.start(node);
		}
		if let Some(node) = world.silent {
			world.note(format!("node {node} is silent"));
		}
		world
	}

	fn note(&self, what: String) {
		self.diary.note(|| what);
	}

	/// Lets time pass until the next look. The simulated time since the beginning.
	async fn look(&self) -> Duration {
		self.context.sleep(LOOK).await;
		let now = self.clock.elapsed();
		self.diary.now.store(now.as_millis() as u64, Ordering::Relaxed);
		now
	}

	fn start(&mut self, node: usize) {
		self.started += 1;
		let process = node::start(
			self.context.child("run"),
			self.machines[node].clone(),
			self.started,
		);
		self.processes.insert(node, process);
	}

	async fn stop(&mut self, node: usize) {
		if let Some(process) = self.processes.remove(&node) {
			process.abort();
			let _ = process.await;
		}
	}

	/// Links who reaches each other, and unlinks who doesn't.
	async fn relink(&mut self) {
		let side = |node| {
			let cut = |(fault, _): &(Fault, Duration)| fault.kind == Kind::Cut && fault.nodes.contains(&node);
			self.faults.iter().position(cut)
		};
		let pairs = (0..NODES).flat_map(|a| (0..NODES).map(move |b| (a, b)));
		let wanted: BTreeSet<_> = pairs.filter(|(a, b)| a != b && side(*a) == side(*b)).collect();
		let identity = |node: usize| self.machines[node].identity.clone();
		for (a, b) in self.linked.difference(&wanted) {
			let removed = self.wires.remove_link(identity(*a), identity(*b)).await;
			removed.expect("they were linked");
		}
		for (a, b) in wanted.difference(&self.linked) {
			let added = self
				.wires
				.add_link(identity(*a), identity(*b), self.link.clone())
				.await;
			added.expect("they were not linked");
		}
		self.linked = wanted;
	}

	/// The newest block that is final anywhere.
	fn newest(&self) -> (BlockNumber, Hash) {
		let finals = self.machines.iter().map(|machine| machine.disk.finalized());
		finals.max_by_key(|(number, _)| *number).expect("there are nodes")
	}

	/// The epoch of the block after the newest final one.
	fn epoch(&self) -> Epoch {
		let header = self.ledger.header(self.newest().1);
		epoch_after(header.number, header.digest()).expect("final blocks name their round")
	}

	fn roles(&self) -> Roles {
		let (_, newest) = self.newest();
		let epoch = self.epoch();
		let committee = self
			.ledger
			.at(newest, || {
				<Runtime as RootApiV1<Block>>::committee(ChainId::ROOT, epoch)
			})
			.expect("the serving committee is on record");
		let is_member = |node: &usize| committee.members().iter().any(|member| member.id == id(*node));
		let faulty = self
			.faults
			.iter()
			.flat_map(|(fault, _)| fault.nodes.iter().copied());
		Roles {
			serving: (0..NODES).filter(is_member).collect(),
			faulty: faulty.chain(self.silent).collect(),
		}
	}

	async fn begin(&mut self, fault: Fault) {
		self.note(format!("{fault:?}"));
		let until = self.clock.elapsed() + fault.lasts;
		if fault.kind != Kind::Cut {
			for node in &fault.nodes {
				self.stop(*node).await;
			}
		}
		if fault.kind == Kind::Restart {
			for node in &fault.nodes {
				self.start(*node);
			}
			return;
		}
		self.faults.push((fault, until));
		self.relink().await;
	}

	/// Ends what lasts no longer than this.
	async fn end(&mut self, now: Duration) {
		let (over, last): (Vec<_>, Vec<_>) = std::mem::take(&mut self.faults)
			.into_iter()
			.partition(|(_, until)| *until <= now);
		self.faults = last;
		if over.is_empty() {
			return;
		}
		for (fault, _) in over {
			if fault.kind == Kind::Down {
				for node in &fault.nodes {
					self.start(*node);
				}
			}
			self.note(format!("over: {:?} {:?}", fault.kind, fault.nodes));
		}
		self.relink().await;
	}

	/// Handovers, with all that goes wrong.
	async fn hand_over(&mut self, rng: &mut StdRng) {
		let mut next_fault = faults::pause(rng);
		let mut seen = 0;
		while self.epoch() < HANDOVERS {
			let now = self.look().await;
			assert!(now < LIMIT, "only {} handovers", self.epoch());
			self.end(now).await;
			let (number, newest) = self.newest();
			if number > seen {
				seen = number;
				if let Some(next) = ends_epoch(self.ledger.header(newest).digest()) {
					self.note(format!("block {number} is the last one before epoch {next}"));
					if let Some(fault) = self.roles().at_handover(rng) {
						self.begin(fault).await;
					}
				}
			}
			if now >= next_fault {
				next_fault = now + faults::pause(rng);
				if let Some(fault) = self.roles().fault(rng) {
					self.begin(fault).await;
				}
			}
		}
	}

	/// What is missing until all nodes have a final block of this height, and the serving committee has made a seed.
	fn missing(&self, goal: BlockNumber) -> Option<String> {
		for machine in &self.machines {
			let (newest, _) = machine.disk.finalized();
			if newest < goal {
				return Some(format!("node {} has no final block above {newest}", machine.node));
			}
		}
		let (round, start) = self.ledger.at(self.newest().1, || {
			let seed = <Runtime as BeaconApiV1<Block>>::last_seed();
			(seed.map_or(0, |seed| seed.round), Epochs::current().1)
		});
		(round < start).then(|| format!("no seed since block {start}"))
	}

	/// Nothing goes wrong any more: all nodes get the same final blocks, and new ones, and the key is of use.
	async fn heal(&mut self) {
		self.end(Duration::MAX).await;
		if let Some(node) = self.silent.take() {
			self.start(node);
		}
		self.note("all is well from here on".into());
		let (number, _) = self.newest();
		let goal = number + NEWS;
		let until = self.clock.elapsed() + HEALED;
		while let Some(missing) = self.missing(goal) {
			assert!(self.look().await < until, "{missing}");
		}
	}
}

/// A run from its seed.
fn run(seed: u64, diary: Diary) -> Story {
	let config = deterministic::Config::new()
		.with_seed(seed)
		.with_start_time(UNIX_EPOCH + BEGIN);
	deterministic::Runner::new(config).start(|context| async move {
		let auditor = context.auditor();
		let mut rng = StdRng::seed_from_u64(seed);
		let mut world = World::new(context, &mut rng, diary).await;
		world.hand_over(&mut rng).await;
		world.heal().await;
		let blocked = world.wires.blocked().await.expect("the network runs");
		assert!(blocked.is_empty(), "members were cut off: {blocked:?}");
		let took = world.clock.elapsed();
		for node in 0..NODES {
			world.stop(node).await;
		}
		let finals = check::all(&world.ledger, &world.machines);
		Story {
			audit: auditor.state(),
			finals,
			took,
		}
	})
}

/// Runs a seed, and tells what happened in it if it fails.
fn told(seed: u64) -> Result<Story, ()> {
	let diary = Diary::default();
	catch_unwind(AssertUnwindSafe(|| run(seed, diary.clone()))).map_err(|panic| {
		let lines = diary.lines.lock().join("\n");
		let reason = panic
			.downcast_ref::<String>()
			.map(String::as_str)
			.or_else(|| panic.downcast_ref::<&str>().copied())
			.unwrap_or_default();
		eprintln!("{lines}\n{reason}\nfailed with ASTERISM_SIMULATION_SEED={seed}");
	})
}

fn number(name: &str) -> Option<u64> {
	std::env::var(name).ok().and_then(|value| value.parse().ok())
}

#[test]
fn elections_the_beacons_key_and_handovers_go_on_through_faults() {
	let seeds: Vec<u64> = match number("ASTERISM_SIMULATION_SEED") {
		Some(seed) => vec![seed],
		None => (0..number("ASTERISM_SIMULATION_SEEDS").unwrap_or(SEEDS)).collect(),
	};
	let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
	let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
	let failed = Mutex::new(BTreeSet::new());
	std::thread::scope(|scope| {
		for _ in 0..threads.min(seeds.len()) {
			scope.spawn(|| {
				while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
					if told(*seed).is_err() {
						failed.lock().insert(*seed);
					}
					let done = done.fetch_add(1, Ordering::Relaxed) + 1;
					if done % SEEDS as usize == 0 {
						println!("{done} of {} seeds", seeds.len());
					}
				}
			});
		}
	});
	let failed = failed.into_inner();
	assert!(
		failed.is_empty(),
		"failed with ASTERISM_SIMULATION_SEED of {failed:?}"
	);
}

#[test]
fn a_run_is_decided_by_its_seed() {
	let seed = 1;
	let first = told(seed).expect("the run is good");
	assert_eq!(told(seed).expect("the run is good"), first);
}
