//! The application that the engine drives: it proposes, verifies, certifies and finalizes blocks of a [`Chain`].
//!
//! # Specification
//!
//! - **Propose** `(round, parent)`: have the parent; wait until its time plus the block interval; build, execute and
//!   import a block whose header names the round; give its hash to the engine, and the block to all members.
//!   If the parent is the last block of the epoch, nothing can follow in this epoch: that very block is proposed again,
//!   until it is final.
//! - **Verify** `(round, parent, hash)`: have the block and its parent. Refuse it unless its header names this parent and
//!   this round, and nothing else about rounds. Ask the chain to [check](Chain::check) what execution doesn't; while the
//!   answer is unknown, ask again. Execute and import it; refuse it if that fails. Only then vote. The engine cancels
//!   the request when the view is over.
//! - **Certify** `(round, hash)`: have the block, executed. So a quorum that finalizes a block also holds it.
//! - **Finalize** `(certificate)`: have the block; make its ancestors final, oldest first, each with its notarization if
//!   that is known; make the block final with the certificate as justification. If it neither is final nor descends
//!   from the final blocks, two blocks were agreed on: that is an error, which is counted and logged, and nothing
//!   changes. If the chain refuses the block for what it is, a quorum agreed on what can't be: that is told as evidence.
//! - **Serve** `(request)`: send the block to the member that asks for it, within that member's budget
//!   ([`REQUESTS`]). Requests beyond it are dropped and counted: an honest member asks again, and asks all.
//!
//! *Have* a block means: imported here, or pushed by a member, or asked of the members until one answers; its
//! ancestors likewise, up to [`MAX_BACKFILL`]. Beyond that ordinary sync brings them.
//!
//! A block's header names its round, so one block can't be proposed twice, and a certificate's round must be that of
//! the block that it certifies.
//!
//! A block that a member pushes is held only if its body is the one that its header commits to: nobody can spoil
//! another's proposal by pushing its header with other extrinsics.

use crate::{
	budget::{Budget, Limit},
	chain::{already_final, Chain, ChainError, Verdict},
	host::Host,
	metrics::Metrics,
	network::{LaneReceiver, LaneSender, MAX_NOTIFICATION},
	scheme::{self, to_digest, to_hash, Digest, Identity, Scheme},
};
use asterism_primitives::{
	certificate::{Certificate, Round},
	digest,
	epoch::epoch_after,
	Hash, Hashing, Header, OpaqueBlock,
};
use codec::{Decode, DecodeAll, Encode};
use commonware_actor::Feedback;
use commonware_consensus::{
	simplex::{
		types::{Activity, Context, Finalization},
		Plan,
	},
	types::Round as EngineRound,
	Automaton, CertifiableAutomaton, Relay, Reporter,
};
use commonware_p2p::Recipients;
use commonware_utils::channel::oneshot;
use futures::StreamExt;
use log::{debug, error, info, warn};
use parking_lot::Mutex;
use polkadot_sdk::{
	sc_utils::mpsc::{tracing_unbounded, TracingUnboundedReceiver, TracingUnboundedSender},
	sp_runtime::{
		traits::{Block as BlockT, Hash as HashT, Header as HeaderT},
		OpaqueExtrinsic, StateVersion,
	},
};
use std::{
	collections::{HashMap, VecDeque},
	sync::Arc,
	time::{Duration, Instant},
};
use tokio::sync::Notify;

const LOG_TARGET: &str = "consensus";

/// How many ancestors are asked of the members one by one, before sync is relied on.
pub const MAX_BACKFILL: usize = 64;
/// How many bytes of pushed, not yet imported blocks are held.
const MAX_PENDING_BYTES: usize = 64 * 1024 * 1024;
/// What a held block costs at least, in bytes: so that tiny ones are bounded too.
const PENDING_OVERHEAD: usize = 1024;
/// How many notarizations of not yet final blocks are held.
const MAX_NOTARIZATIONS: usize = 512;
/// How long a block is waited for before it is asked for again.
const REQUEST_AFTER: Duration = Duration::from_millis(300);
/// How long a block is waited for at most before it is asked for again.
const LONGEST_PATIENCE: Duration = Duration::from_secs(5);
/// The part of the block interval that users' tools have to take note of a block before they are told that it is final.
const INCLUSION_FIRST: u32 = 4;
/// What one member may ask for. Who backfills asks for one block after the other, and for each only after
/// [`REQUEST_AFTER`]: at most four a second. So four of the largest blocks a second are always served, and twice as much
/// at once; of small blocks, a whole backfill a second, for a member also asks for several views at once.
pub const REQUESTS: Limit = Limit {
	messages: MAX_BACKFILL as u64,
	messages_burst: 2 * MAX_BACKFILL as u64,
	bytes: 4 * MAX_NOTIFICATION,
	bytes_burst: 8 * MAX_NOTIFICATION,
};
/// How long to wait before a check that had no answer is repeated.
const RECHECK_AFTER: Duration = Duration::from_millis(50);

/// What members tell each other about blocks.
#[derive(Debug, PartialEq, Eq, Encode, Decode)]
pub enum BlockMessage {
	/// A block, proposed or asked for.
	Block(OpaqueBlock),
	/// Asks for a block.
	Request(Hash),
}

/// What the engine asks of the application.
enum Command {
	Propose {
		context: Context<Digest, Identity>,
		response: oneshot::Sender<Digest>,
	},
	Verify {
		context: Context<Digest, Identity>,
		payload: Digest,
		response: oneshot::Sender<bool>,
	},
	Certify {
		payload: Digest,
		response: oneshot::Sender<bool>,
	},
	Broadcast {
		payload: Digest,
		recipients: Recipients<Identity>,
	},
	Report(Box<Activity<Scheme, Digest>>),
}

/// The engine's side of the application.
#[derive(Clone)]
pub struct Mailbox(TracingUnboundedSender<Command>);

impl Mailbox {
	fn put(&self, command: Command) -> Feedback {
		match self.0.unbounded_send(command) {
			Ok(()) => Feedback::Ok,
			Err(_) => Feedback::Closed,
		}
	}
}

impl Automaton for Mailbox {
	type Context = Context<Digest, Identity>;
	type Digest = Digest;

	async fn propose(&mut self, context: Self::Context) -> oneshot::Receiver<Digest> {
		let (response, receiver) = oneshot::channel();
		self.put(Command::Propose { context, response });
		receiver
	}

	async fn verify(&mut self, context: Self::Context, payload: Digest) -> oneshot::Receiver<bool> {
		let (response, receiver) = oneshot::channel();
		self.put(Command::Verify {
			context,
			payload,
			response,
		});
		receiver
	}
}

impl CertifiableAutomaton for Mailbox {
	async fn certify(&mut self, _round: EngineRound, payload: Digest) -> oneshot::Receiver<bool> {
		let (response, receiver) = oneshot::channel();
		self.put(Command::Certify { payload, response });
		receiver
	}
}

impl Relay for Mailbox {
	type Digest = Digest;
	type PublicKey = Identity;
	type Plan = Plan<Identity>;

	fn broadcast(&mut self, payload: Digest, plan: Plan<Identity>) -> Feedback {
		let recipients = match plan {
			Plan::Propose { .. } => Recipients::All,
			Plan::Forward { recipients, .. } => recipients,
		};
		self.put(Command::Broadcast { payload, recipients })
	}
}

impl Reporter for Mailbox {
	type Activity = Activity<Scheme, Digest>;

	fn report(&mut self, activity: Self::Activity) -> Feedback {
		match activity {
			// Single votes are of no use here: certificates name their signers.
			Activity::Notarize(_)
			| Activity::Nullify(_)
			| Activity::Finalize(_)
			| Activity::Certification(_) => Feedback::Ok,
			other => self.put(Command::Report(Box::new(other))),
		}
	}
}

/// Blocks that members have pushed and that are not imported yet, bounded in bytes; the oldest goes first.
#[derive(Default)]
struct Pending {
	blocks: HashMap<Hash, OpaqueBlock>,
	order: VecDeque<(Hash, usize)>,
	bytes: usize,
}

impl Pending {
	fn insert(&mut self, hash: Hash, block: OpaqueBlock, size: usize) {
		let size = size.saturating_add(PENDING_OVERHEAD);
		if size > MAX_PENDING_BYTES || self.blocks.contains_key(&hash) {
			return;
		}
		self.blocks.insert(hash, block);
		self.order.push_back((hash, size));
		self.bytes += size;
		while self.bytes > MAX_PENDING_BYTES {
			let Some((oldest, size)) = self.order.pop_front() else {
				break;
			};
			self.blocks.remove(&oldest);
			self.bytes -= size;
		}
	}
}

/// Notarizations of blocks that are not final yet, bounded; the oldest goes first.
#[derive(Default)]
struct Notarizations {
	certificates: HashMap<Hash, Certificate>,
	order: VecDeque<Hash>,
}

impl Notarizations {
	fn insert(&mut self, certificate: Certificate) {
		let hash = certificate.block_hash;
		if self.certificates.insert(hash, certificate).is_none() {
			self.order.push_back(hash);
			if self.order.len() > MAX_NOTARIZATIONS {
				if let Some(oldest) = self.order.pop_front() {
					self.certificates.remove(&oldest);
				}
			}
		}
	}
}

/// What is told about evidence that a member has contradicted itself, and about finalizations of blocks that can't be final: as
/// others are, or as they are [refused](Chain::refused).
pub type EvidenceSink = Arc<dyn Fn(&Activity<Scheme, Digest>) + Send + Sync>;

/// What the engine has agreed on, in the chain's form and in its own.
type Agreed = (Certificate, Finalization<Scheme, Digest>);

/// The application of one member in one epoch.
pub struct Application {
	host: Arc<dyn Host>,
	chain: Arc<dyn Chain>,
	interval: Duration,
	blocks: LaneSender,
	pending: Mutex<Pending>,
	notarizations: Mutex<Notarizations>,
	arrived: Notify,
	seen: Mutex<HashMap<Hash, Instant>>,
	metrics: Metrics,
}

/// Starts the application, and returns the engine's side of it. Its time and its tasks are the host's. `evidence` is told of every
/// contradiction, and of finalizations of blocks that can't be final.
pub fn start(
	host: Arc<dyn Host>,
	chain: Arc<dyn Chain>,
	interval: Duration,
	blocks: (LaneSender, LaneReceiver),
	metrics: Metrics,
	evidence: EvidenceSink,
) -> (Mailbox, impl std::future::Future<Output = ()> + Send) {
	let (sender, commands) = tracing_unbounded("consensus_application_commands", 10_000);
	let (block_sender, block_receiver) = blocks;
	let application = Arc::new(Application {
		host,
		chain,
		interval,
		blocks: block_sender,
		pending: Default::default(),
		notarizations: Default::default(),
		arrived: Notify::new(),
		seen: Default::default(),
		metrics,
	});
	let task = async move {
		let (finalizations, queue) = tracing_unbounded("consensus_finalizations", 10_000);
		futures::future::select_all([
			Box::pin(application.clone().serve_blocks(block_receiver))
				as futures::future::BoxFuture<'static, ()>,
			Box::pin(application.clone().finalize_all(queue, evidence.clone())),
			Box::pin(application.clone().obey(commands, finalizations, evidence)),
		])
		.await;
	};
	(Mailbox(sender), task)
}

/// Whether a block is the last one of a round's epoch.
fn is_last(header: &Header, round: Round) -> bool {
	epoch_after(*header.number(), header.digest()).is_some_and(|next| next > round.epoch)
}

fn round_of(round: EngineRound) -> Round {
	Round {
		epoch: round.epoch().get(),
		view: round.view().get(),
	}
}

impl Application {
	async fn obey(
		self: Arc<Self>,
		mut commands: TracingUnboundedReceiver<Command>,
		finalizations: TracingUnboundedSender<Agreed>,
		evidence: EvidenceSink,
	) {
		while let Some(command) = commands.next().await {
			let this = self.clone();
			match command {
				Command::Propose {
					context,
					mut response,
				} => {
					self.host.spawn(Box::pin(async move {
						tokio::select! {
							biased;
							_ = response.closed() => {},
							hash = this.propose(&context) => if let Some(hash) = hash {
								let _ = response.send(to_digest(hash));
							},
						}
					}));
				}
				Command::Verify {
					context,
					payload,
					mut response,
				} => {
					self.host.spawn(Box::pin(async move {
						tokio::select! {
							biased;
							_ = response.closed() => {},
							valid = this.verify(&context, to_hash(payload)) => { let _ = response.send(valid); },
						}
					}));
				}
				Command::Certify {
					payload,
					mut response,
				} => {
					self.host.spawn(Box::pin(async move {
						tokio::select! {
							biased;
							_ = response.closed() => {},
							_ = this.have(to_hash(payload)) => { let _ = response.send(true); },
						}
					}));
				}
				Command::Broadcast { payload, recipients } => self.push(to_hash(payload), recipients),
				Command::Report(activity) => self.report(*activity, &finalizations, &evidence),
			}
		}
	}

	async fn propose(&self, context: &Context<Digest, Identity>) -> Option<Hash> {
		let round = round_of(context.round);
		let parent = self.have(to_hash(context.parent.1)).await;
		let due = match self.chain.timestamp(parent.hash()) {
			Ok(time) => time.saturating_add(self.interval.as_millis() as u64),
			Err(e) => {
				warn!(target: LOG_TARGET, "can't propose in view {}: {e}", round.view);
				return None;
			}
		};
		let wait = due.saturating_sub(self.host.unix_millis()).min(60_000);
		self.host.sleep(Duration::from_millis(wait)).await;
		if is_last(&parent, round) {
			let hash = parent.hash();
			info!(target: LOG_TARGET, "🎁 proposed the epoch's last block {} ({hash}) again in view {}", parent.number(), round.view);
			return Some(hash);
		}
		match self.chain.build(&parent, round, self.interval / 2).await {
			Ok(block) => {
				let hash = block.header().hash();
				info!(target: LOG_TARGET, "🎁 proposed block {} ({hash}) in view {}", block.header().number(), round.view);
				self.saw(hash);
				Some(hash)
			}
			Err(e) => {
				warn!(target: LOG_TARGET, "can't propose in view {}: {e}", round.view);
				None
			}
		}
	}

	async fn verify(&self, context: &Context<Digest, Identity>, hash: Hash) -> bool {
		let round = round_of(context.round);
		let refuse = |reason: &str| {
			warn!(target: LOG_TARGET, "refused block {hash} of leader {} in view {}: {reason}", context.leader, round.view);
			self.metrics.refused.inc();
			false
		};
		let parent_hash = to_hash(context.parent.1);
		if hash == parent_hash {
			let parent = self.have(parent_hash).await;
			return is_last(&parent, round)
				|| refuse("it is its own parent, and not the last block of the epoch");
		}
		let block = self.get(hash).await;
		self.saw(hash);
		if *block.header().parent_hash() != parent_hash {
			return refuse("its parent is not the block that the view builds upon");
		}
		if digest::round(block.header().digest()) != Some(round) {
			return refuse("its header does not name this round");
		}
		let parent = self.have(parent_hash).await;
		if is_last(&parent, round) {
			return refuse("its parent is the last block of the epoch");
		}
		if parent.number().checked_add(1) != Some(*block.header().number()) {
			return refuse("its number does not follow its parent's");
		}
		loop {
			match self.chain.check(&parent, &block).await {
				Verdict::Valid => break,
				Verdict::Invalid(reason) => return refuse(&reason),
				Verdict::Unknown(reason) => {
					debug!(target: LOG_TARGET, "block {hash} waits: {reason}");
					self.host.sleep(RECHECK_AFTER).await;
				}
			}
		}
		if self.chain.header(hash).is_some() {
			return true;
		}
		match self.chain.import(block).await {
			Ok(()) => true,
			Err(e) => refuse(&e.to_string()),
		}
	}

	/// The header of an imported block; imports it and its ancestors first.
	async fn have(&self, hash: Hash) -> Header {
		loop {
			if let Some(header) = self.chain.header(hash) {
				return header;
			}
			let mut missing = vec![self.get(hash).await];
			while let Some(youngest) = missing.last() {
				let parent = *youngest.header().parent_hash();
				if self.chain.header(parent).is_some() || missing.len() >= MAX_BACKFILL {
					break;
				}
				missing.push(self.get(parent).await);
			}
			while let Some(block) = missing.pop() {
				let at = *block.header().number();
				if self.chain.header(block.header().hash()).is_some() {
					continue;
				}
				if let Err(e) = self.chain.import(block).await {
					debug!(target: LOG_TARGET, "ancestor {at} of {hash} is not imported yet: {e}");
					break;
				}
			}
			if self.chain.header(hash).is_none() {
				self.host.sleep(REQUEST_AFTER).await;
			}
		}
	}

	/// A block, from wherever it comes first.
	async fn get(&self, hash: Hash) -> OpaqueBlock {
		let mut patience = REQUEST_AFTER;
		// A point in time and not a pause: other blocks that arrive don't put the request off.
		let mut request_at = self.host.instant() + patience;
		loop {
			let arrival = self.arrived.notified();
			if let Some(block) = self.known(hash) {
				return block;
			}
			let pause = request_at.saturating_duration_since(self.host.instant());
			let arrived = tokio::select! {
				biased;
				_ = arrival => true,
				_ = self.host.sleep(pause) => false,
			};
			if !arrived {
				self.blocks
					.send_bytes(Recipients::All, BlockMessage::Request(hash).encode());
				patience = (patience * 2).min(LONGEST_PATIENCE);
				request_at = self.host.instant() + patience;
			}
		}
	}

	fn known(&self, hash: Hash) -> Option<OpaqueBlock> {
		let pushed = self.pending.lock().blocks.get(&hash).cloned();
		pushed.or_else(|| self.chain.block(hash))
	}

	fn push(&self, hash: Hash, recipients: Recipients<Identity>) {
		match self.known(hash) {
			Some(block) => {
				self.blocks
					.send_bytes(recipients, BlockMessage::Block(block).encode());
			}
			None => debug!(target: LOG_TARGET, "block {hash} is not here to be sent"),
		}
	}

	async fn serve_blocks(self: Arc<Self>, mut messages: LaneReceiver) {
		// The network lets members in only, so there are no more budgets than members.
		let mut budgets: HashMap<Identity, Budget> = HashMap::new();
		while let Some((member, bytes)) = messages.next().await {
			match decode_block_message(&bytes) {
				Some(BlockMessage::Block(block)) => {
					let hash = block.header().hash();
					if !is_body_of(block.header(), block.extrinsics()) {
						debug!(target: LOG_TARGET, "block {hash} of member {member} has a body that is not its own");
						continue;
					}
					if self.chain.header(hash).is_none() {
						self.pending.lock().insert(hash, block, bytes.len());
					}
					self.arrived.notify_waiters();
				}
				Some(BlockMessage::Request(hash)) => {
					let budget = budgets
						.entry(member.clone())
						.or_insert_with(|| Budget::new(REQUESTS));
					self.answer(member, hash, budget, self.host.instant());
				}
				None => debug!(target: LOG_TARGET, "malformed block message of member {member}"),
			}
		}
	}

	/// Sends a block to the member that asked for it, if its budget allows it.
	fn answer(&self, member: Identity, hash: Hash, budget: &mut Budget, now: Instant) {
		let drop = || {
			debug!(target: LOG_TARGET, "request of member {member} for block {hash} dropped: it asks for too much");
			self.metrics.dropped_requests.inc();
		};
		// Looking for a block costs something as well, even if it is not here.
		if !budget.take_message(now) {
			return drop();
		}
		let Some(block) = self.known(hash) else {
			debug!(target: LOG_TARGET, "block {hash} is not here to be sent");
			return;
		};
		let message = BlockMessage::Block(block).encode();
		if !budget.take_bytes(message.len(), now) {
			return drop();
		}
		self.blocks.send_bytes(Recipients::One(member), message);
	}

	fn saw(&self, hash: Hash) {
		let now = self.host.instant();
		let mut seen = self.seen.lock();
		if seen.len() > MAX_NOTARIZATIONS {
			let stale = Duration::from_secs(60);
			seen.retain(|_, at| now.saturating_duration_since(*at) < stale);
		}
		seen.entry(hash).or_insert(now);
	}

	/// How long ago this member saw a block for the first time.
	fn since(&self, hash: &Hash) -> Option<Duration> {
		let seen = self.seen.lock().get(hash).copied()?;
		Some(self.host.instant().saturating_duration_since(seen))
	}

	fn report(
		&self,
		activity: Activity<Scheme, Digest>,
		finalizations: &TracingUnboundedSender<Agreed>,
		evidence: &EvidenceSink,
	) {
		let elapsed = |hash: &Hash| self.since(hash).map(|since| since.as_secs_f64());
		match activity {
			Activity::Notarization(notarization) => {
				let Some(certificate) = scheme::from_notarization(&notarization) else {
					return;
				};
				self.metrics.view.set(certificate.round.view);
				if let Some(seconds) = elapsed(&certificate.block_hash) {
					self.metrics.time_to_notarize.observe(seconds);
				}
				self.notarizations.lock().insert(certificate);
			}
			Activity::Nullification(nullification) => {
				let view = nullification.round.view().get();
				info!(target: LOG_TARGET, "💤 view {view} was skipped: its leader gave no valid block in time");
				self.metrics.view.set(view);
				self.metrics.nullified.inc();
			}
			Activity::Finalization(finalization) => {
				let Some(certificate) = scheme::from_finalization(&finalization) else {
					return;
				};
				self.metrics
					.signers
					.set(certificate.signer_indices().count() as u64);
				if let Some(seconds) = elapsed(&certificate.block_hash) {
					self.metrics.time_to_finalize.observe(seconds);
				}
				let _ = finalizations.unbounded_send((certificate, finalization));
			}
			contradiction @ (Activity::ConflictingNotarize(_)
			| Activity::ConflictingFinalize(_)
			| Activity::NullifyFinalize(_)) => evidence(&contradiction),
			Activity::Notarize(_)
			| Activity::Nullify(_)
			| Activity::Finalize(_)
			| Activity::Certification(_) => {}
		}
	}

	async fn finalize_all(
		self: Arc<Self>,
		mut queue: TracingUnboundedReceiver<Agreed>,
		evidence: EvidenceSink,
	) {
		while let Some((certificate, finalization)) = queue.next().await {
			let hash = certificate.block_hash;
			match self.is_final(hash).await {
				Ok(true) => continue,
				Ok(false) => {}
				Err(e) => {
					self.metrics.conflicts.inc();
					error!(target: LOG_TARGET, "🚨 the block of view {} was agreed on, but: {e}", certificate.round.view);
					evidence(&Activity::Finalization(finalization));
					continue;
				}
			}
			let header = self.have_agreed(hash, finalization, &evidence).await;
			// With few members a block is final within milliseconds of its import. Users' tools that wait for
			// inclusion miss it if finality is told before they have looked at the block.
			let since = self.since(&hash).unwrap_or(Duration::MAX);
			let pause = (self.interval / INCLUSION_FIRST).saturating_sub(since);
			self.host.sleep(pause).await;
			self.chain.before_final(hash).await;
			if let Err(e) = self.finalize(&header, certificate) {
				error!(target: LOG_TARGET, "block {} ({hash}) was agreed on but can't be made final: {e}", header.number());
			}
		}
	}

	/// The header of a block that was agreed on, once it is imported. If it is refused instead, `evidence` is told, once.
	async fn have_agreed(
		&self,
		hash: Hash,
		finalization: Finalization<Scheme, Digest>,
		evidence: &EvidenceSink,
	) -> Header {
		let have = self.have(hash);
		futures::pin_mut!(have);
		let mut untold = Some(finalization);
		loop {
			tokio::select! {
				biased;
				header = &mut have => return header,
				_ = self.host.sleep(REQUEST_AFTER) => {}
			}
			if self.chain.refused(hash).is_some() {
				if let Some(finalization) = untold.take() {
					evidence(&Activity::Finalization(finalization));
				}
			}
		}
	}

	/// Whether a block that was agreed on is final already; an error if it neither is nor descends from the newest final
	/// block. Such a block can't be imported: it would be waited for in vain, and every later one behind it.
	async fn is_final(&self, hash: Hash) -> Result<bool, ChainError> {
		let mut next = hash;
		for _ in 0..=MAX_BACKFILL {
			let header = match self.chain.header(next) {
				Some(header) => header,
				None => self.get(next).await.header().clone(),
			};
			let (finalized, _) = self.chain.finalized();
			let at = (*header.number(), next);
			if already_final(at, finalized, |number| self.chain.final_hash(number))? {
				return Ok(next == hash);
			}
			next = *header.parent_hash();
		}
		// So far behind, sync brings the blocks.
		Ok(false)
	}

	fn finalize(&self, header: &Header, certificate: Certificate) -> Result<(), ChainError> {
		let (final_number, _) = self.chain.finalized();
		let mut ancestors = Vec::new();
		let mut next = *header.parent_hash();
		while let Some(ancestor) = self.chain.header(next).filter(|h| *h.number() > final_number) {
			next = *ancestor.parent_hash();
			ancestors.push(ancestor.hash());
		}
		for hash in ancestors.into_iter().rev() {
			let notarization = self.notarizations.lock().certificates.get(&hash).cloned();
			self.chain.finalize(hash, notarization)?;
		}
		debug!(target: LOG_TARGET, "block {} ({}) is final", header.number(), certificate.block_hash);
		self.chain.finalize(certificate.block_hash, Some(certificate))
	}
}

/// Decodes what a member says about blocks; `None` if it is oversized or malformed.
pub fn decode_block_message(bytes: &[u8]) -> Option<BlockMessage> {
	if bytes.len() as u64 > MAX_NOTIFICATION {
		return None;
	}
	BlockMessage::decode_all(&mut &bytes[..]).ok()
}

/// Whether the body is the one that the header commits to. The hash is only the header's: else a member could pass a
/// wrong body off as a good proposal's, and everybody would refuse that proposal. Both forms of the root are taken,
/// for it is the runtime's version that says which one it uses; either commits to the body.
pub(crate) fn is_body_of(header: &Header, body: &[OpaqueExtrinsic]) -> bool {
	let extrinsics: Vec<Vec<u8>> = body.iter().map(Encode::encode).collect();
	let root = *header.extrinsics_root();
	root == Hashing::ordered_trie_root(extrinsics.clone(), StateVersion::V0)
		|| root == Hashing::ordered_trie_root(extrinsics, StateVersion::V1)
}

#[cfg(test)]
mod tests;
