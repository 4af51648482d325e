//! Partial broadcasting of final blocks (Thinkey §4.4): the body to a few peers, the announcement to the rest, who pull.
//!
//! # Overview
//!
//! The committee has a block before it is final: its leader sends it to all members ([`crate::application`]). Everybody
//! else gets it here. Bodies travel as *pushes* over a notification protocol of the chain's own network; announcements
//! and pulls are those of ordinary sync.
//!
//! # Flow
//!
//! ```text
//!  the member that built it          a node                                     its peers
//!  block is final ── push to ⌈√n⌉ ─► certificate, body ── push on to 2 ───────► …
//!         │                               └─► import queue ──► block is final
//!         └── later: announcement ──► (known) or pull                └── later: announcement ──► …
//! ```
//!
//! # Specification
//!
//! - **Push**: once a block is final, the member that built it sends it with its certificate to [`fan_out`] peers, chosen
//!   at random among those that are no authorities: the committee has it. One member and not all, so that a node gets a
//!   few copies however large the committee is.
//! - **Judge** ([`judge`]): a push is taken if its certificate is the committee's, for this block and the round in its
//!   header, and its body is the one that the header commits to. The certificate comes first: until it has proved
//!   that a quorum stands behind the header, no body is looked at. A block that is known, or not above the final one,
//!   is dropped before that; the certificate of the latter is shown to a [`Witness`], as it may be proof of a fork. A wrong certificate or body, and bytes that are no push, cost their sender reputation; a
//!   certificate of a committee that is not on record here (yet) does not.
//! - **Pass on**: what is taken goes to [`PASSED_ON`] more peers, at once and once. With two, a node gets about two copies
//!   on average (Thinkey figure 6), and four in five nodes get one.
//! - **Import**: what is taken goes to the import queue if its parent is imported or on its way there; else sync
//!   brings both.
//! - **Announce**: each node announces each block [`ANNOUNCE_AFTER`] it has become final there with a certificate, to all
//!   peers that have not announced it themselves. Who has no body by then pulls. So nothing depends on pushes, and a
//!   faulty leader that makes none delays its block by that time only.
//!
//! # Limits
//!
//! A push is at most [`MAX_NOTIFICATION`] bytes. Each peer's pushes are bounded by [`PUSHES`]. A peer that does not read
//! what it is sent is sent no more. What is remembered of blocks is bounded by [`REMEMBERED`].

use crate::{
	application::is_body_of,
	budget::{Budget, Limit},
	committees::{Certifier, VerifyError},
	forks::{Offered, Witness},
	import::{self, ImportError},
	metrics::BroadcastMetrics,
	network::MAX_NOTIFICATION,
};
use asterism_primitives::{
	certificate::{Certificate, Realm, ENGINE_ID},
	BlockNumber, Hash, Header, OpaqueBlock,
};
use codec::{Decode, DecodeWithMemLimit, Encode};
use futures::{FutureExt, Stream, StreamExt};
use log::{debug, error, trace};
use polkadot_sdk::{
	sc_client_api::{BlockBackend, BlockchainEvents},
	sc_consensus::{import_queue::ImportQueueService, IncomingBlock},
	sc_network::{
		config::{NonReservedPeerMode, SetConfig},
		multiaddr::{Multiaddr, Protocol},
		peer_store::PeerStoreProvider,
		service::{
			traits::{NotificationEvent, NotificationService, ValidationResult},
			NotificationMetrics,
		},
		types::ProtocolName,
		utils::LruHashSet,
		NetworkBackend, NetworkBlock, NetworkPeers, ObservedRole, ReputationChange,
	},
	sc_network_sync::{SyncEvent, SyncEventStream},
	sc_network_types::PeerId,
	sp_blockchain::{BlockStatus, HeaderBackend},
	sp_consensus::BlockOrigin,
	sp_runtime::{
		traits::{Block as BlockT, Header as HeaderT},
		Justifications, OpaqueExtrinsic,
	},
};
use rand::{rngs::StdRng, seq::IteratorRandom, Rng, SeedableRng};
use std::{
	collections::{HashMap, VecDeque},
	num::NonZeroUsize,
	sync::Arc,
	time::{Duration, Instant},
};

const LOG_TARGET: &str = "consensus::broadcast";

/// To how many peers a push is passed on.
pub const PASSED_ON: usize = 2;
/// How long after a block has become final it is announced. In this time most nodes get and execute what is pushed: an
/// announcement of a block that a node does not have yet makes it pull the body once more.
pub const ANNOUNCE_AFTER: Duration = Duration::from_millis(200);
/// What one peer may push. It pushes a block at most once and only new ones, so that these bounds are met only by a
/// chain of the shortest interval with the largest blocks, or by a peer that floods.
pub const PUSHES: Limit = Limit {
	messages: 32,
	messages_burst: 64,
	bytes: 2 * MAX_NOTIFICATION,
	bytes_burst: 4 * MAX_NOTIFICATION,
};
/// How many blocks are remembered, so that none is passed on twice.
pub const REMEMBERED: NonZeroUsize = NonZeroUsize::new(1024).unwrap();
/// How far above the best block a block is imported whose parent is in the import queue, but not imported yet.
const MAX_QUEUED: BlockNumber = 16;
/// How many bytes a push may take in memory when it is decoded.
const MAX_MEMORY: usize = 8 * MAX_NOTIFICATION as usize;

/// A peer sent bytes that are no push.
pub const MALFORMED: ReputationChange = ReputationChange::new(-(1 << 12), "blocks: malformed push");
/// A peer sent more than it may.
pub const FLOOD: ReputationChange = ReputationChange::new(-(1 << 8), "blocks: too many pushes");
/// A peer sent a block whose certificate is wrong. Three of these ban it.
pub const BAD_CERTIFICATE: ReputationChange =
	ReputationChange::new(-(1 << 29), "blocks: invalid certificate");
/// A peer sent a block with a body that is not its own.
pub const BAD_BODY: ReputationChange = ReputationChange::new(-(1 << 29), "blocks: wrong body");

/// The name of the protocol on a chain's network.
pub fn protocol_name(realm: Realm, fork_id: Option<&str>) -> ProtocolName {
	crate::network::named(realm, fork_id, "blocks")
}

/// The configuration of the protocol, for the network to be built with, and its service.
pub fn notification_config<B: BlockT, N: NetworkBackend<B, B::Hash>>(
	protocol: ProtocolName,
	metrics: NotificationMetrics,
	peer_store: Arc<dyn PeerStoreProvider>,
) -> (N::NotificationProtocolConfig, Box<dyn NotificationService>) {
	N::notification_config(
		protocol,
		Vec::new(),
		MAX_NOTIFICATION,
		// The network's own: the node's role.
		None,
		// The peers are those of sync: they are added as that connects to them.
		SetConfig {
			in_peers: 0,
			out_peers: 0,
			reserved_nodes: Vec::new(),
			non_reserved_mode: NonReservedPeerMode::Deny,
		},
		metrics,
		peer_store,
	)
}

/// How many of `peers` peers the member that built a block pushes it to: ⌈√peers⌉, at least 2 and at most 8.
pub fn fan_out(peers: usize) -> usize {
	let root = (0..8).take_while(|root| root * root < peers).count();
	root.clamp(2, 8).min(peers)
}

/// The bytes that push a block: certificate, header, body.
pub fn encode_push(certificate: &Certificate, block: &OpaqueBlock) -> Vec<u8> {
	(certificate, block.header(), block.extrinsics()).encode()
}

/// A push that was judged to be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
	/// The block's hash.
	pub hash: Hash,
	/// Its certificate.
	pub certificate: Certificate,
	/// Its header.
	pub header: Header,
	/// Its body.
	pub body: Vec<OpaqueExtrinsic>,
}

/// What a node knows of a block that it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
	/// The number of the newest final block.
	pub finalized: BlockNumber,
	/// Whether the block is imported here, or was taken before.
	pub known: bool,
}

/// Why a push is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
	/// It is no push.
	#[error("malformed: expected a certificate, a header and a body of at most {MAX_NOTIFICATION} bytes")]
	Malformed,
	/// The block is known.
	#[error("the block is known")]
	Redundant,
	/// The block is not above the final one. Its certificate is not verified.
	#[error("the block is not above the final one")]
	Late(Box<Certificate>),
	/// The committee that should have signed it is not known here, or not usable: the sender may be ahead.
	#[error("{0}")]
	Unverifiable(ImportError),
	/// The certificate is not the committee's for this block.
	#[error("{0}")]
	Certificate(ImportError),
	/// The body is not the header's.
	#[error("body: expected the extrinsics that the header's root commits to")]
	Body,
}

impl Refusal {
	/// What it costs the sender.
	pub fn penalty(&self) -> Option<ReputationChange> {
		match self {
			Refusal::Malformed => Some(MALFORMED),
			Refusal::Certificate(_) => Some(BAD_CERTIFICATE),
			Refusal::Body => Some(BAD_BODY),
			Refusal::Redundant | Refusal::Late(_) | Refusal::Unverifiable(_) => None,
		}
	}
}

/// Judges what a peer has pushed. `standing` tells what is known here of a block.
///
/// # Errors
/// The first [`Refusal`] found.
pub fn judge(
	mut bytes: &[u8],
	certifier: &Certifier,
	standing: impl FnOnce(Hash) -> Standing,
) -> Result<Push, Refusal> {
	if bytes.len() as u64 > MAX_NOTIFICATION {
		return Err(Refusal::Malformed);
	}
	let certificate = Certificate::decode(&mut bytes).map_err(|_| Refusal::Malformed)?;
	let header = Header::decode_with_mem_limit(&mut bytes, MAX_MEMORY).map_err(|_| Refusal::Malformed)?;
	let hash = header.hash();
	let Standing { finalized, known } = standing(hash);
	if known {
		return Err(Refusal::Redundant);
	}
	if *header.number() <= finalized {
		return Err(Refusal::Late(Box::new(certificate)));
	}
	let justifications = Justifications::from((ENGINE_ID, certificate.encode()));
	import::check(certifier, &header, Some(&justifications), finalized).map_err(|e| match e {
		ImportError::Unverified(VerifyError::UnknownCommittee(_) | VerifyError::BadKey(_)) => {
			Refusal::Unverifiable(e)
		}
		e => Refusal::Certificate(e),
	})?;
	let body = Vec::<OpaqueExtrinsic>::decode_with_mem_limit(&mut bytes, MAX_MEMORY);
	match body {
		Ok(body) if bytes.is_empty() && is_body_of(&header, &body) => Ok(Push {
			hash,
			certificate,
			header,
			body,
		}),
		_ => Err(Refusal::Body),
	}
}

/// What broadcasting asks of a chain.
pub trait Blocks: Send + 'static {
	/// Whether a block is imported.
	fn imported(&self, hash: Hash) -> bool;
	/// The number of the best block.
	fn best(&self) -> BlockNumber;
	/// The number of the newest final block.
	fn finalized(&self) -> BlockNumber;
	/// The certificate that a block has become final with.
	fn certificate(&self, hash: Hash) -> Option<Certificate>;
	/// An imported block.
	fn block(&self, hash: Hash) -> Option<OpaqueBlock>;
}

/// A client's blocks.
struct ClientBlocks<C>(Arc<C>);

impl<C: HeaderBackend<OpaqueBlock> + BlockBackend<OpaqueBlock> + 'static> Blocks for ClientBlocks<C> {
	fn imported(&self, hash: Hash) -> bool {
		matches!(self.0.status(hash), Ok(BlockStatus::InChain))
	}

	fn best(&self) -> BlockNumber {
		self.0.info().best_number
	}

	fn finalized(&self) -> BlockNumber {
		self.0.info().finalized_number
	}

	fn certificate(&self, hash: Hash) -> Option<Certificate> {
		let justifications = self.0.justifications(hash).ok().flatten();
		import::certificate(justifications.as_ref()).ok().flatten()
	}

	fn block(&self, hash: Hash) -> Option<OpaqueBlock> {
		self.0.block(hash).ok().flatten().map(|signed| signed.block)
	}
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Action {
	/// Send a push.
	Send { to: Vec<PeerId>, push: Vec<u8> },
	/// Import a block that a peer has sent.
	Import { push: Box<Push>, from: PeerId },
	/// Change a peer's reputation.
	Report(PeerId, ReputationChange),
	/// Announce a final block, later.
	Announce(Hash),
}

struct Peer {
	/// It is no member of a committee as far as its role tells, so it needs bodies.
	follows: bool,
	budget: Budget,
}

/// Decides what is pushed, taken, passed on and announced; does nothing itself.
struct Broadcaster<B, R> {
	blocks: B,
	certifier: Arc<Certifier>,
	witness: Arc<dyn Witness>,
	peers: HashMap<PeerId, Peer>,
	/// Blocks that were built here.
	own: LruHashSet<Hash>,
	/// Blocks that were pushed or passed on.
	sent: LruHashSet<Hash>,
	/// Blocks that were handed to the import queue.
	queued: LruHashSet<Hash>,
	random: R,
	metrics: BroadcastMetrics,
}

impl<B: Blocks, R: Rng> Broadcaster<B, R> {
	fn new(
		blocks: B,
		certifier: Arc<Certifier>,
		witness: Arc<dyn Witness>,
		random: R,
		metrics: BroadcastMetrics,
	) -> Self {
		Broadcaster {
			blocks,
			certifier,
			witness,
			peers: HashMap::new(),
			own: LruHashSet::new(REMEMBERED),
			sent: LruHashSet::new(REMEMBERED),
			queued: LruHashSet::new(REMEMBERED),
			random,
			metrics,
		}
	}

	fn on_opened(&mut self, peer: PeerId, role: ObservedRole) {
		let peer_state = Peer {
			follows: !matches!(role, ObservedRole::Authority),
			budget: Budget::new(PUSHES),
		};
		self.peers.insert(peer, peer_state);
	}

	fn on_closed(&mut self, peer: &PeerId) {
		self.peers.remove(peer);
	}

	fn on_built(&mut self, hash: Hash) {
		self.own.insert(hash);
	}

	/// Up to `count` random peers that need bodies, other than `except`; `count` is told how many there are.
	fn choose(&mut self, except: Option<PeerId>, count: impl FnOnce(usize) -> usize) -> Vec<PeerId> {
		let mut candidates: Vec<PeerId> = self
			.peers
			.iter()
			.filter(|(peer, state)| state.follows && Some(**peer) != except)
			.map(|(peer, _)| *peer)
			.collect();
		// A map's order is random by itself: sorted, a seed decides the choice.
		candidates.sort_unstable();
		let count = count(candidates.len());
		candidates.into_iter().choose_multiple(&mut self.random, count)
	}

	/// A block has become final.
	fn on_final(&mut self, hash: Hash) -> Vec<Action> {
		let Some(certificate) = self.blocks.certificate(hash) else {
			// A descendant has made it final: who pulls that one pulls this one as well.
			return Vec::new();
		};
		let mut actions = Vec::new();
		if self.own.contains(&hash) && self.sent.insert(hash) {
			let push = self
				.blocks
				.block(hash)
				.map(|block| encode_push(&certificate, &block))
				.filter(|push| push.len() as u64 <= MAX_NOTIFICATION);
			match push {
				Some(push) => {
					let to = self.choose(None, fan_out);
					actions.push(Action::Send { to, push });
				}
				None => debug!(target: LOG_TARGET, "block {hash} is gone or too large to be pushed"),
			}
		}
		actions.push(Action::Announce(hash));
		actions
	}

	/// A peer has sent something.
	fn on_push(&mut self, from: PeerId, bytes: Vec<u8>, now: Instant) -> Vec<Action> {
		let Some(peer) = self.peers.get_mut(&from) else {
			return Vec::new();
		};
		self.metrics.received.inc();
		if !(peer.budget.take_message(now) && peer.budget.take_bytes(bytes.len(), now)) {
			self.metrics.flooded.inc();
			return vec![Action::Report(from, FLOOD)];
		}
		let judged = judge(&bytes, &self.certifier, |hash| Standing {
			finalized: self.blocks.finalized(),
			known: self.sent.contains(&hash) || self.blocks.imported(hash),
		});
		let push = match judged {
			Ok(push) => push,
			Err(refusal) => {
				debug!(target: LOG_TARGET, "a push of {from} is not taken: {refusal}");
				let penalty = match &refusal {
					Refusal::Late(certificate) => {
						let is_forged = self.witness.offered(certificate) == Offered::Forged;
						is_forged.then_some(BAD_CERTIFICATE)
					}
					refusal => refusal.penalty(),
				};
				if penalty.is_some() {
					self.metrics.refused.inc();
				} else if matches!(refusal, Refusal::Redundant | Refusal::Late(_)) {
					self.metrics.redundant.inc();
				}
				return penalty
					.map(|change| Action::Report(from, change))
					.into_iter()
					.collect();
			}
		};
		// Only now: else a header with a wrong certificate would keep the right one out.
		self.sent.insert(push.hash);
		let mut actions = Vec::new();
		let to = self.choose(Some(from), |_| PASSED_ON);
		if !to.is_empty() {
			actions.push(Action::Send { to, push: bytes });
		}
		let parent = push.header.parent_hash();
		let queued = self.queued.contains(parent)
			&& push.header.number().saturating_sub(self.blocks.best()) <= MAX_QUEUED;
		if queued || self.blocks.imported(*parent) {
			self.queued.insert(push.hash);
			self.metrics.taken.inc();
			actions.push(Action::Import {
				push: Box::new(push),
				from,
			});
		} else {
			trace!(target: LOG_TARGET, "block {} of {from} waits for sync: its parent is not here", push.hash);
		}
		actions
	}
}

/// What the broadcaster's task needs.
pub struct BroadcastParams<C, N, S> {
	/// The client.
	pub client: Arc<C>,
	/// Verifies certificates.
	pub certifier: Arc<Certifier>,
	/// Told of certificates of blocks that are not above the final one.
	pub witness: Arc<dyn Witness>,
	/// Imports what peers push.
	pub import: Box<dyn ImportQueueService<OpaqueBlock>>,
	/// The chain's network.
	pub network: N,
	/// The chain's sync: its peers are ours, and it announces blocks.
	pub sync: S,
	/// The protocol on the network.
	pub notifications: Box<dyn NotificationService>,
	/// Shows metrics.
	pub metrics: BroadcastMetrics,
}

/// Broadcasts the final blocks of a chain, and takes those that peers push, until the network shuts down. It hashes
/// bodies and verifies signatures: spawn it as a blocking task.
pub async fn run<C, N, S>(params: BroadcastParams<C, N, S>)
where
	C: HeaderBackend<OpaqueBlock> + BlockBackend<OpaqueBlock> + BlockchainEvents<OpaqueBlock> + 'static,
	N: NetworkPeers,
	S: SyncEventStream + NetworkBlock<Hash, BlockNumber>,
{
	let BroadcastParams {
		client,
		certifier,
		witness,
		import,
		network,
		sync,
		notifications,
		metrics,
	} = params;
	let built = client.import_notification_stream().filter_map(|imported| {
		futures::future::ready((imported.origin == BlockOrigin::Own).then_some(imported.hash))
	});
	let finalized = client
		.finality_notification_stream()
		.map(|finalized| finalized.hash);
	let sync_events = sync.event_stream("asterism-blocks");
	let task = Task {
		broadcaster: Broadcaster::new(
			ClientBlocks(client),
			certifier,
			witness,
			StdRng::from_entropy(),
			metrics,
		),
		import,
		network,
		announce: move |hash| sync.announce_block(hash, None),
		notifications,
		announcements: VecDeque::new(),
	};
	task.drive(built, finalized, sync_events).await;
}

/// Joins a broadcaster with network, sync and client.
struct Task<B, R, N, A> {
	broadcaster: Broadcaster<B, R>,
	import: Box<dyn ImportQueueService<OpaqueBlock>>,
	network: N,
	announce: A,
	notifications: Box<dyn NotificationService>,
	/// What is to be announced and when, in this order.
	announcements: VecDeque<(tokio::time::Instant, Hash)>,
}

impl<B: Blocks, R: Rng, N: NetworkPeers, A: Fn(Hash)> Task<B, R, N, A> {
	async fn drive(
		mut self,
		mut built: impl Stream<Item = Hash> + Unpin,
		mut finalized: impl Stream<Item = Hash> + Unpin,
		mut sync_events: impl Stream<Item = SyncEvent> + Unpin,
	) {
		loop {
			let due = self.announcements.front().map(|(due, _)| *due);
			tokio::select! {
				hash = built.next() => match hash {
					Some(hash) => self.broadcaster.on_built(hash),
					None => return,
				},
				hash = finalized.next() => match hash {
					Some(hash) => {
						// It was built before it became final, yet both may have been told meanwhile.
						while let Some(Some(hash)) = built.next().now_or_never() {
							self.broadcaster.on_built(hash);
						}
						let actions = self.broadcaster.on_final(hash);
						self.perform(actions);
					},
					None => return,
				},
				event = sync_events.next() => match event {
					Some(event) => self.on_sync_event(event),
					None => return,
				},
				event = self.notifications.next_event() => match event {
					Some(event) => self.on_notification_event(event),
					None => return,
				},
				() = wait_until(due) => {
					if let Some((_, hash)) = self.announcements.pop_front() {
						(self.announce)(hash);
					}
				},
			}
		}
	}

	fn on_sync_event(&self, event: SyncEvent) {
		let protocol = self.notifications.protocol().clone();
		let result = match event {
			SyncEvent::PeerConnected { peer_id, .. } => {
				let address: Multiaddr = std::iter::once(Protocol::P2p(peer_id.into())).collect();
				self.network.add_peers_to_reserved_set(protocol, [address].into())
			}
			SyncEvent::PeerDisconnected(peer) => {
				self.network.remove_peers_from_reserved_set(protocol, vec![peer])
			}
		};
		if let Err(e) = result {
			error!(target: LOG_TARGET, "can't follow the peers of sync: {e}");
		}
	}

	fn on_notification_event(&mut self, event: NotificationEvent) {
		match event {
			NotificationEvent::ValidateInboundSubstream {
				peer,
				handshake,
				result_tx,
			} => {
				let result = match self.network.peer_role(peer, handshake) {
					Some(_) => ValidationResult::Accept,
					None => ValidationResult::Reject,
				};
				// If nobody waits for the result any more, the peer is gone.
				let _ = result_tx.send(result);
			}
			NotificationEvent::NotificationStreamOpened { peer, handshake, .. } => {
				match self.network.peer_role(peer, handshake) {
					Some(role) => self.broadcaster.on_opened(peer, role),
					None => self
						.network
						.disconnect_peer(peer, self.notifications.protocol().clone()),
				}
			}
			NotificationEvent::NotificationStreamClosed { peer } => self.broadcaster.on_closed(&peer),
			NotificationEvent::NotificationReceived { peer, notification } => {
				let actions = self.broadcaster.on_push(peer, notification, Instant::now());
				self.perform(actions);
			}
		}
	}

	fn perform(&mut self, actions: Vec<Action>) {
		for action in actions {
			match action {
				Action::Send { to, push } => to.iter().for_each(|peer| self.send(peer, push.clone())),
				Action::Import { push, from } => {
					let Push {
						hash,
						certificate,
						header,
						body,
					} = *push;
					let block = IncomingBlock {
						hash,
						header: Some(header),
						body: Some(body),
						indexed_body: None,
						justifications: Some((ENGINE_ID, certificate.encode()).into()),
						origin: Some(from),
						allow_missing_state: false,
						skip_execution: false,
						import_existing: false,
						state: None,
					};
					self.import
						.import_blocks(BlockOrigin::NetworkBroadcast, vec![block]);
				}
				Action::Report(peer, change) => self.network.report_peer(peer, change),
				Action::Announce(hash) => {
					let due = tokio::time::Instant::now() + ANNOUNCE_AFTER;
					self.announcements.push_back((due, hash));
				}
			}
		}
	}

	/// Sends a push, unless the peer has not yet read what it was sent: bodies don't pile up here.
	fn send(&self, peer: &PeerId, push: Vec<u8>) {
		let Some(sink) = self.notifications.message_sink(peer) else {
			return;
		};
		let metrics = &self.broadcaster.metrics;
		let sending = sink.send_async_notification(push);
		match tokio::task::unconstrained(sending).now_or_never() {
			Some(Ok(())) => metrics.sent.inc(),
			Some(Err(e)) => debug!(target: LOG_TARGET, "nothing was pushed to {peer}: {e}"),
			None => {
				debug!(target: LOG_TARGET, "nothing was pushed to {peer}, which does not read fast enough");
				metrics.busy.inc();
			}
		}
	}
}

async fn wait_until(due: Option<tokio::time::Instant>) {
	match due {
		Some(due) => tokio::time::sleep_until(due).await,
		None => futures::future::pending().await,
	}
}

#[cfg(test)]
mod tests;
