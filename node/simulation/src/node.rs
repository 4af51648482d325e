//! A node's process: the same parts as in the node, each a task on the simulated runtime.
//!
//! | task | as in the node |
//! |---|---|
//! | [`serve`] | `asterism_consensus::worker`: the engine of the epoch, with the real application |
//! | [`follow`] | sync and broadcast: final blocks from peers, verified by their certificates alone |
//! | [`pass_on`] | the pool: extrinsics to and from peers |
//! | [`beacon`] | `asterism_beacon::worker` |
//! | [`elections`] | `asterism_committees::worker` |

use crate::{
	ledger::INTERVAL,
	local::{Disk, Local, Root, Simulated},
	network::{self, bridge, open, take_seat, Access, Ends, Extrinsics, Final, Seat, Sync, Wires},
	run::Diary,
};
use asterism_beacon::{
	board::Board,
	member::{Effect, Member},
	store::Store,
	ReadyHandle,
};
use asterism_committees::{
	node::{Action, Node, Notice},
	root::{RootChain, Submission},
	view::Reader,
	Served, ServedChains,
};
use asterism_consensus::{
	application,
	chain::Chain,
	committees::{Certifier, CommitteeSource},
	engine,
	evidence::EvidenceStore,
	import,
	metrics::Metrics,
	scheme::{self, Identity},
	worker::start_point,
};
use asterism_primitives::{
	certificate::{CertificateKind, ENGINE_ID},
	committee::{Epoch, MemberId},
	BlockNumber, ChainId, OpaqueBlock,
};
use codec::{DecodeAll, Encode};
use commonware_consensus::simplex::{types::Activity, Engine};
use commonware_p2p::{Receiver as _, Recipients, Sender as _};
use commonware_runtime::{
	buffer::paged::CacheRef, deterministic::Context, Clock, Handle, Spawner, Supervisor,
};
use polkadot_sdk::{
	sc_client_api::in_mem,
	sp_runtime::{
		traits::{Block as _, Header as _},
		Justifications,
	},
};
use rand::Rng;
use std::{
	collections::{BTreeMap, HashMap},
	sync::Arc,
	time::Duration,
};

/// How often a part looks while no block becomes final.
const TICK: Duration = Duration::from_secs(1);
/// How often the node looks for its seats while no block becomes final, as in the node.
const MEMBERSHIP_CHECK: Duration = Duration::from_secs(3);
/// How often what is in the pool is passed on again.
const PASS_ON: Duration = Duration::from_secs(3);
/// How long to wait before the same is put into the pool again, as in the node.
const SUBMIT_AGAIN: Duration = Duration::from_secs(6);
/// The least time between two requests for blocks.
const ASK_AGAIN: Duration = Duration::from_millis(300);
/// Final blocks that one answer has at most.
const BATCH: usize = 16;

/// What a node is made of, whatever becomes of its process.
#[derive(Clone)]
pub struct Machine {
	/// Its number.
	pub node: usize,
	/// Its identity in the network.
	pub identity: Identity,
	/// The chain's blocks.
	pub ledger: Arc<crate::ledger::Ledger>,
	/// Its disk.
	pub disk: Arc<Disk>,
	/// All nodes' disks: for checks alone.
	pub disks: Arc<Vec<Arc<Disk>>>,
	/// The network.
	pub wires: Wires,
	/// Where it tells what happens.
	pub diary: Diary,
}

/// All that the tasks of one process share.
#[derive(Clone)]
struct Process {
	machine: Machine,
	local: Arc<Local>,
	access: Access,
	certifier: Arc<Certifier>,
	evidence: Arc<EvidenceStore<in_mem::Blockchain<OpaqueBlock>>>,
}

/// Starts a node's process, the `started`th one of the run. It ends with the handle.
pub fn start(context: Context, machine: Machine, started: u64) -> Handle<()> {
	let context = context.child("node").with_attribute("started", started);
	context.spawn(move |context| async move {
		let host = Arc::new(Simulated::new(context.child("host")));
		let local = Arc::new(Local::new(
			machine.node,
			machine.ledger.clone(),
			machine.disk.clone(),
			host,
		));
		let process = Process {
			access: machine.wires.control(machine.identity.clone()),
			certifier: Arc::new(Certifier::new(local.realm(), local.clone())),
			evidence: Arc::new(EvidenceStore::new(machine.disk.aux.clone())),
			local,
			machine,
		};
		let member = Member::new(
			process.local.ledger.genesis(),
			process.local.keys.keystore().clone(),
			Store::open(process.machine.disk.shares.path().into()).expect("there is room for files"),
		);
		let ready = member.ready();
		let lane = open(&process.access, network::BEACON).await;
		let pool = open(&process.access, network::POOL).await;
		let sync = open(&process.access, network::SYNC).await;
		let (extrinsics, outgoing) = tokio::sync::mpsc::unbounded_channel();
		let tasks = [
			context.child("beacon").spawn({
				let (process, extrinsics) = (process.clone(), extrinsics.clone());
				|context| beacon(context, process, member, lane, extrinsics)
			}),
			context.child("elections").spawn({
				let process = process.clone();
				|context| elections(context, process, ready, extrinsics)
			}),
			context.child("pool").spawn({
				let process = process.clone();
				|context| pass_on(context, process, pool, outgoing)
			}),
			context.child("follow").spawn({
				let process = process.clone();
				|context| follow(context, process, sync)
			}),
			context.child("serve").spawn(|context| serve(context, process)),
		];
		futures::future::join_all(tasks).await;
	})
}

/// Tells that the pool has something new.
type Wake = tokio::sync::mpsc::UnboundedSender<()>;

fn interval() -> Duration {
	Duration::from_millis(INTERVAL.into())
}

/// Runs the engine of each epoch that the node is a member in, until the epoch's last block is final.
async fn serve(context: Context, process: Process) {
	let mut taken = BTreeMap::new();
	loop {
		let epoch = process.local.epoch();
		process.take_seats([epoch, epoch + 1], &mut taken).await;
		taken.retain(|of, _| *of >= epoch);
		match taken.remove(&epoch) {
			Some(seat) => process.run_engine(&context, epoch, seat, &mut taken).await,
			None => process.something_new(&context).await,
		}
	}
}

impl Process {
	/// Waits until a block is final, but not long.
	async fn something_new(&self, context: &Context) {
		tokio::select! {
			biased;
			_ = Chain::finality(&*self.local) => {}
			_ = context.sleep(MEMBERSHIP_CHECK) => {}
		}
	}

	/// Takes the seats of these epochs that the node has a right to.
	async fn take_seats(&self, epochs: impl IntoIterator<Item = Epoch>, taken: &mut BTreeMap<Epoch, Seat>) {
		for epoch in epochs {
			let Some(committee) = self.local.committee(epoch) else {
				continue;
			};
			// Another committee may be elected in the place of one that never gets ready.
			if taken.get(&epoch).is_some_and(|seat| seat.committee == committee) {
				continue;
			}
			taken.remove(&epoch);
			let found = self
				.local
				.keys
				.membership(&committee)
				.expect("the keystore signs");
			if let Some((member, _)) = found {
				let seat = take_seat(&self.access, committee, member.id).await;
				taken.insert(epoch, seat);
			}
		}
	}

	/// Runs the engine of an epoch until that is over, and takes the next seat meanwhile.
	async fn run_engine(
		&self,
		context: &Context,
		epoch: Epoch,
		seat: Seat,
		taken: &mut BTreeMap<Epoch, Seat>,
	) {
		let Seat {
			committee,
			votes,
			certificates,
			resolver,
			blocks,
		} = seat;
		let local = &self.local;
		let (_, secret) = local
			.keys
			.membership(&committee)
			.expect("the keystore signs")
			.expect("the seat is a member's");
		let scheme = scheme::signer(local.realm(), &committee, secret)
			.expect("the keys on record are valid")
			.expect("the secret is a member's");
		let metrics = Metrics::new(None).expect("no registry refuses them");
		let evidence = {
			let (this, scheme, committee) = (self.clone(), scheme.clone(), committee.clone());
			Arc::new(move |activity: &_| match activity {
				Activity::Finalization(agreed) => this.complain(format!("{agreed:?} is not final")),
				other => this.evidence.add(other, &scheme, &committee),
			})
		};
		let context = context
			.child("epoch")
			.with_attribute("epoch", epoch)
			.with_attribute("node", self.machine.node);
		let (mailbox, application) = application::start(
			local.host.clone(),
			local.clone(),
			interval(),
			bridge(context.child("blocks"), blocks),
			metrics,
			evidence,
		);
		let start = start_point(local.disk.finalized().1, &scheme, &committee, |hash| {
			Some((local.header(hash)?, local.justifications(hash)))
		})
		.expect("final blocks can be read");
		self.machine.diary.note(|| {
			let from = local.disk.finalized().0;
			format!(
				"node {} starts the engine of epoch {epoch} after block {from}",
				self.machine.node
			)
		});
		let pages = CacheRef::from_pooler(&context, engine::PAGE_SIZE, engine::PAGES);
		let mut config = engine::config(
			epoch,
			scheme,
			start,
			interval(),
			mailbox,
			self.access.clone(),
			pages,
		);
		// All nodes have one disk here.
		config.partition = format!("node-{}-{}", self.machine.node, config.partition);
		let mut application = context.child("application").spawn(|_| application);
		let mut engine = Engine::new(context.child("simplex"), config).start(votes, certificates, resolver);
		loop {
			tokio::select! {
				biased;
				_ = self.something_new(&context) => {}
				_ = &mut application => panic!("the application of node {} has ended", self.machine.node),
				_ = &mut engine => panic!("the engine of node {} has ended", self.machine.node),
			}
			if local.epoch() != epoch {
				break;
			}
			self.take_seats([epoch + 1], taken).await;
		}
		engine.abort();
		application.abort();
		let _ = engine.await;
	}
}

/// The final blocks from a height on, as far as one answer goes.
fn finals(local: &Local, from: BlockNumber) -> Vec<Final> {
	let block = |number| {
		let (hash, certificate) = local.disk.final_block(number)?;
		Some((local.ledger.block(hash), certificate))
	};
	(from.max(1)..).map_while(block).take(BATCH).collect()
}

/// Takes final blocks from peers, which prove themselves by the certificates of the committees on record.
async fn follow(context: Context, process: Process, (mut sender, mut receiver): Ends) {
	let local = process.local.clone();
	let mut rng = context.child("peers");
	let peers: Vec<Identity> = (0..crate::ledger::NODES)
		.filter(|i| *i != process.machine.node)
		.map(|i| crate::keystore::id(i).into())
		.collect();
	let mut told = local.disk.finalized().0;
	let mut asked = None;
	let mut next_tick = context.current() + TICK;
	loop {
		tokio::select! {
			biased;
			newest = local.final_after(told) => {
				process.push(&mut sender, told + 1, newest);
				told = newest;
			}
			message = receiver.recv() => {
				let Ok((from, bytes)) = message else { return };
				let bytes: bytes::Bytes = bytes.into();
				let newest = match Sync::decode_all(&mut &bytes[..]).expect("nobody here sends garbage") {
					Sync::Newest(number) => number,
					Sync::Ask(number) => {
						let blocks = Sync::Blocks(finals(&local, number)).encode();
						sender.send(Recipients::One(from), blocks, false);
						continue;
					}
					Sync::Blocks(blocks) => {
						let newest = blocks.last().map_or(0, |(block, _)| *block.header().number());
						process.take_blocks(blocks).await;
						newest
					}
				};
				local.hear(newest);
				let finalized = local.disk.finalized().0;
				let now = local.host.elapsed();
				let patient = asked.is_none_or(|at| now >= at + ASK_AGAIN);
				if newest > finalized && patient {
					asked = Some(now);
					sender.send(Recipients::One(from), Sync::Ask(finalized + 1).encode(), false);
				}
			}
			_ = context.sleep_until(next_tick) => {
				next_tick = context.current() + TICK;
				let peer = peers[rng.gen_range(0..peers.len())].clone();
				let newest = Sync::Newest(local.disk.finalized().0).encode();
				sender.send(Recipients::One(peer), newest, false);
			}
		}
	}
}

impl Process {
	/// Sends new final blocks to who is no member, if it is this node's turn: two members have it for each block.
	fn push(
		&self,
		sender: &mut commonware_p2p::simulated::Sender<Identity, Context>,
		first: BlockNumber,
		last: BlockNumber,
	) {
		for number in first..=last {
			let Some((hash, certificate)) = self.local.disk.final_block(number) else {
				return;
			};
			let block = self.local.ledger.block(hash);
			let round = asterism_primitives::digest::round(block.header().digest());
			let committee = round.and_then(|round| self.local.committee(round.epoch));
			let Some(committee) = committee else {
				continue;
			};
			let me = MemberId::from(&self.machine.identity);
			let place = committee.members().iter().position(|member| member.id == me);
			let size = committee.size();
			let turn = place.is_some_and(|place| (place as u32 + number) % size < 2);
			if !turn {
				continue;
			}
			let outsiders: Vec<Identity> = (0..crate::ledger::NODES)
				.map(crate::keystore::id)
				.filter(|id| committee.members().iter().all(|member| member.id != *id))
				.map(Identity::from)
				.collect();
			if !outsiders.is_empty() {
				let blocks = Sync::Blocks(vec![(block, certificate)]).encode();
				sender.send(Recipients::Some(outsiders), blocks, false);
			}
		}
	}

	/// Imports final blocks of a peer: as the import queue does, and final as soon as a certificate says so.
	async fn take_blocks(&self, blocks: Vec<Final>) {
		for (block, certificate) in blocks.into_iter().take(BATCH) {
			let (number, hash) = (*block.header().number(), block.header().hash());
			let (finalized, _) = self.local.disk.finalized();
			if number <= finalized {
				continue;
			}
			if self.local.header(*block.header().parent_hash()).is_none() {
				return;
			}
			let justifications: Option<Justifications> =
				certificate.as_ref().map(|c| (ENGINE_ID, c.encode()).into());
			let kind = import::check(
				&self.certifier,
				block.header(),
				justifications.as_ref(),
				finalized,
			);
			let result = match kind {
				Ok(kind) => match self.import(block).await {
					Ok(()) if kind == Some(CertificateKind::Finalization) => {
						self.local.finalize(hash, certificate).map_err(|e| e.to_string())
					}
					other => other,
				},
				Err(error) => Err(error.to_string()),
			};
			if let Err(error) = result {
				self.complain(format!("block {number} ({hash}) is refused: {error}"));
				return;
			}
		}
	}

	async fn import(&self, block: OpaqueBlock) -> Result<(), String> {
		if self.local.header(block.header().hash()).is_some() {
			return Ok(());
		}
		Chain::import(&*self.local, block)
			.await
			.map_err(|e| e.to_string())
	}
}

/// Passes extrinsics on to all peers, and takes theirs.
async fn pass_on(
	context: Context,
	process: Process,
	(mut sender, mut receiver): Ends,
	mut outgoing: tokio::sync::mpsc::UnboundedReceiver<()>,
) {
	let mut next = context.current() + PASS_ON;
	loop {
		tokio::select! {
			biased;
			wake = outgoing.recv() => if wake.is_none() { return },
			message = receiver.recv() => {
				let Ok((_, bytes)) = message else { return };
				let bytes: bytes::Bytes = bytes.into();
				let extrinsics = Extrinsics::decode_all(&mut &bytes[..]).expect("nobody here sends garbage");
				for extrinsic in extrinsics {
					process.local.take(extrinsic);
				}
				continue;
			}
			_ = context.sleep_until(next) => next = context.current() + PASS_ON,
		}
		let extrinsics = process.local.pooled();
		if !extrinsics.is_empty() {
			sender.send(Recipients::All, extrinsics.encode(), false);
		}
	}
}

/// What was submitted, and when.
#[derive(PartialEq, Eq, Hash)]
enum Submitted {
	Log(u64),
	Output(Epoch),
}

/// The node's part in the beacon.
async fn beacon(
	mut context: Context,
	process: Process,
	mut member: Member<polkadot_sdk::sp_keystore::KeystorePtr>,
	(mut sender, mut receiver): Ends,
	pool: Wake,
) {
	let local = process.local.clone();
	let mut seen = local.disk.finalized().0;
	let mut submitted: HashMap<Submitted, Duration> = HashMap::new();
	let mut next_tick = context.current();
	loop {
		let mut effects = Vec::new();
		tokio::select! {
			biased;
			newest = local.final_after(seen) => {
				seen = newest;
				let view = Board::view(&*local).expect("the state can be read");
				// Failed attempts are errors of a step.
				let _ = member.step(&view, &*local, &mut context, &mut effects);
				next_tick = context.current() + TICK;
			}
			message = receiver.recv() => {
				let Ok((from, bytes)) = message else { return };
				let bytes: bytes::Bytes = bytes.into();
				member
					.receive(MemberId::from(&from), &bytes, &mut context, &mut effects)
					.expect("the disk is there");
			}
			_ = context.sleep_until(next_tick) => {
				let view = Board::view(&*local).expect("the state can be read");
				let _ = member.step(&view, &*local, &mut context, &mut effects);
				next_tick = context.current() + TICK;
			}
		}
		if let Some(seed) = member.newest().filter(|seed| Some(*seed) != local.seeds.newest()) {
			local.seeds.set(seed);
			process.check_seed(seed.round);
		}
		for (member, fault) in member.faults().keys() {
			process.complain(format!("member {member} is blamed: {fault:?}"));
		}
		let now = local.host.elapsed();
		submitted.retain(|_, at| now < *at + SUBMIT_AGAIN);
		for effect in effects {
			match effect {
				Effect::Send(to, message) => {
					let to = to.into_iter().map(Identity::from).collect();
					sender.send(Recipients::Some(to), message.encode(), false);
				}
				Effect::PostLog {
					attempt,
					dealer,
					log,
					signature,
				} => {
					if submitted.insert(Submitted::Log(attempt), now).is_none() {
						let _ = local.post_log(attempt, dealer, log, signature).await;
						let _ = pool.send(());
					}
				}
				Effect::PublishOutput { epoch, output } => {
					if submitted.insert(Submitted::Output(epoch), now).is_none() {
						let _ = local.publish_output(epoch, output).await;
						let _ = pool.send(());
					}
				}
			}
		}
	}
}

/// The node's part in elections, and its reporting of misconduct.
async fn elections(context: Context, process: Process, shares: ReadyHandle, pool: Wake) {
	let local = process.local.clone();
	let served = ServedChains::new([]);
	served.insert(
		ChainId::ROOT,
		Served {
			progress: local.clone(),
			keys: local.keys.clone(),
			evidence: process.evidence.clone(),
		},
	);
	let root = Root(local.clone());
	let mut reader = Reader::new(served, shares);
	let mut node = Node::new(local.keys.keystore().clone());
	loop {
		let seen = local.disk.finalized().0;
		let view = reader
			.view(&root, node.identities())
			.expect("the state can be read");
		if let Some(fault) = view.faults.first() {
			process.complain(fault.to_string());
		}
		let step = node.step(&view, local.host.elapsed());
		process.tell(&step.notices);
		for action in step.actions {
			let submission = match &action {
				Action::Claim(claim, _) => Submission::Claim(claim.clone()),
				Action::Ready(readiness) => {
					let statement = readiness.statement(root.genesis());
					let signature = local
						.keys
						.sign(readiness.member, &statement)
						.expect("the keystore signs");
					Submission::Ready(readiness.clone(), signature)
				}
				Action::Report(report) => {
					Submission::Report(Box::new(report.evidence.clone()), report.reporter.clone())
				}
			};
			let outcome = root.submit(submission).await;
			let _ = pool.send(());
			process.tell(&node.outcome(&action, &outcome, local.host.elapsed()));
		}
		tokio::select! {
			biased;
			_ = local.final_after(seen) => {}
			_ = context.sleep(TICK) => {}
		}
	}
}

impl Process {
	/// A seed exists only when its round's block is final with the quorum that signed it.
	fn check_seed(&self, round: BlockNumber) {
		let disks = self.machine.disks.iter();
		let holders = disks.filter(|disk| disk.finalized().0 >= round).count();
		let needed = asterism_primitives::committee::quorum(self.local.signers(round)) as usize;
		assert!(
			holders >= needed,
			"node {} has the seed of round {round}, which is final with {holders} nodes, expected {needed}",
			self.machine.node
		);
	}

	/// Something is wrong with what honest nodes did.
	fn complain(&self, what: String) {
		let what = format!("node {}: {what}", self.machine.node);
		self.machine.disk.complaints.lock().insert(what);
	}

	fn tell(&self, notices: &[Notice]) {
		for notice in notices {
			self.machine
				.diary
				.note(|| format!("node {}: {notice}", self.machine.node));
			if let Notice::Unsound { .. } | Notice::CannotDraw { .. } = notice {
				self.complain(notice.to_string());
			}
		}
	}
}
