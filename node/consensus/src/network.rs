//! The members-only channel of a committee, over the node's own p2p service.
//!
//! # Flow
//!
//! ```text
//!  engine (its own thread)          this task                     sc-network
//!  Sender ──Outgoing──► commands ──► peer of each recipient ────► notification to peer
//!  Receiver ◄─────────── lanes ◄──── member behind the peer ◄──── notification from peer
//! ```
//!
//! One notification protocol, encrypted and multiplexed by sc-network, carries four [`Lane`]s: votes, certificates and
//! the resolver's requests of the engine, and blocks of the application.
//!
//! # Membership
//!
//! A peer is a member if its handshake proves it: it names the member and carries that member's signature over the
//! realm and the *peer id*, which sc-network has authenticated. A handshake copied from somebody else names another
//! peer id and proves nothing. Everybody else is refused, before a byte of theirs reaches the engine.
//!
//! Members are found by authority discovery: their addresses become reserved peers of this protocol.
//!
//! # Limits
//!
//! Notifications are bounded by [`MAX_NOTIFICATION`], each lane's queue by [`LANE_CAPACITY`]: beyond it messages are
//! dropped, which consensus survives by design (it rebroadcasts).

use crate::scheme::Identity;
use asterism_primitives::{
	certificate::Realm,
	committee::{Committee, MemberId},
};
use bytes::Bytes;
use codec::{Decode, DecodeAll, Encode};
use commonware_actor::{Feedback, Unreliable};
use commonware_p2p::{Blocker, CheckedSender, LimitedSender, Message, Receiver, Recipients};
use commonware_runtime::IoBufs;
use futures::{FutureExt, StreamExt};
use log::{debug, info, trace, warn};
use polkadot_sdk::{
	sc_network::{
		config::{NonReservedPeerMode, SetConfig},
		peer_store::PeerStoreProvider,
		service::{
			traits::{NotificationEvent, NotificationService, ValidationResult},
			NotificationMetrics,
		},
		types::ProtocolName,
		NetworkBackend, NetworkPeers, ReputationChange,
	},
	sc_network_types::PeerId,
	sc_utils::mpsc::{tracing_unbounded, TracingUnboundedReceiver, TracingUnboundedSender},
	sp_core::{sr25519, Pair},
	sp_runtime::traits::Block as BlockT,
};
use std::{
	collections::{HashMap, HashSet},
	fmt,
	sync::Arc,
	time::SystemTime,
};
use tokio::sync::mpsc;

const LOG_TARGET: &str = "consensus::network";

/// The largest notification in bytes: a full block and its frame.
pub const MAX_NOTIFICATION: u64 = 8 * 1024 * 1024;
/// How many received messages a lane holds.
pub const LANE_CAPACITY: usize = 1024;

const MALFORMED: ReputationChange = ReputationChange::new(-(1 << 12), "committee: malformed message");
const NOT_A_MEMBER: ReputationChange = ReputationChange::new(-(1 << 8), "committee: not a member");
const BLOCKED: ReputationChange = ReputationChange::new_fatal("committee: misbehaving member");

/// What a message is for. The number is its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
	/// The engine's votes.
	Votes = 0,
	/// The engine's certificates.
	Certificates = 1,
	/// The engine's requests for certificates.
	Resolver = 2,
	/// Blocks, and requests for them.
	Blocks = 3,
}

impl Lane {
	const ALL: [Lane; 4] = [Lane::Votes, Lane::Certificates, Lane::Resolver, Lane::Blocks];

	fn of(byte: u8) -> Option<Lane> {
		Lane::ALL.get(usize::from(byte)).copied()
	}
}

/// The name of the protocol on a chain's network.
pub fn protocol_name(realm: Realm, fork_id: Option<&str>) -> ProtocolName {
	let genesis: String = realm
		.genesis
		.as_bytes()
		.iter()
		.map(|b| format!("{b:02x}"))
		.collect();
	match fork_id {
		Some(fork) => format!("/{genesis}/{fork}/committee/1").into(),
		None => format!("/{genesis}/committee/1").into(),
	}
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
		None,
		// Anybody may knock, the handshake decides; we ourselves call on members only, who are reserved.
		SetConfig {
			in_peers: asterism_primitives::committee::MAX_MEMBERS,
			out_peers: 0,
			reserved_nodes: Vec::new(),
			non_reserved_mode: NonReservedPeerMode::Accept,
		},
		metrics,
		peer_store,
	)
}

/// A member's proof that a peer is its own.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Handshake {
	member: MemberId,
	signature: [u8; 64],
}

impl Handshake {
	fn message(realm: Realm, peer: &PeerId) -> Vec<u8> {
		let mut bytes = realm.namespace();
		bytes.extend_from_slice(b"_HANDSHAKE");
		bytes.extend_from_slice(&peer.to_bytes());
		bytes
	}

	/// The proof that `peer` is the member's; `sign` signs with the member's identity key.
	pub fn new(
		realm: Realm,
		member: MemberId,
		peer: &PeerId,
		sign: impl FnOnce(&[u8]) -> Option<[u8; 64]>,
	) -> Option<Self> {
		Some(Handshake {
			member,
			signature: sign(&Self::message(realm, peer))?,
		})
	}

	/// The member that the handshake proves the peer to be; `None` if it proves nothing.
	pub fn verify(bytes: &[u8], realm: Realm, committee: &Committee, peer: &PeerId) -> Option<MemberId> {
		let handshake = Handshake::decode_all(&mut &bytes[..]).ok()?;
		committee.members().iter().find(|m| m.id == handshake.member)?;
		sr25519::Pair::verify(
			&sr25519::Signature::from_raw(handshake.signature),
			Self::message(realm, peer),
			&sr25519::Public::from_raw(handshake.member.0),
		)
		.then_some(handshake.member)
	}
}

/// What the engine and the application ask of the network.
enum Command {
	Send {
		recipients: Recipients<Identity>,
		lane: Lane,
		payload: Bytes,
	},
	Block(MemberId),
}

/// The sending end of a lane.
#[derive(Clone)]
pub struct LaneSender {
	commands: TracingUnboundedSender<Command>,
	members: Arc<Vec<Identity>>,
	lane: Lane,
}

impl LaneSender {
	/// Sends to the given members; those that are not connected miss it.
	pub fn send_bytes(&self, recipients: Recipients<Identity>, payload: impl Into<Bytes>) -> bool {
		let command = Command::Send {
			recipients,
			lane: self.lane,
			payload: payload.into(),
		};
		self.commands.unbounded_send(command).is_ok()
	}
}

impl fmt::Debug for LaneSender {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "LaneSender({:?})", self.lane)
	}
}

/// A send that no rate limit holds back: sc-network has its own.
pub struct Unlimited<'a> {
	sender: &'a LaneSender,
	recipients: Recipients<Identity>,
}

impl LimitedSender for LaneSender {
	type PublicKey = Identity;
	type Checked<'a> = Unlimited<'a>;

	fn check(&mut self, recipients: Recipients<Identity>) -> Result<Self::Checked<'_>, SystemTime> {
		Ok(Unlimited {
			sender: self,
			recipients,
		})
	}
}

impl CheckedSender for Unlimited<'_> {
	type PublicKey = Identity;

	fn recipients(&self) -> Vec<Identity> {
		match &self.recipients {
			Recipients::All => self.sender.members.to_vec(),
			Recipients::Some(members) => members.clone(),
			Recipients::One(member) => vec![member.clone()],
		}
	}

	fn send(self, message: impl Into<IoBufs> + Send, _priority: bool) -> Unreliable<Feedback> {
		let payload: Bytes = message.into().coalesce().into();
		Unreliable::new(if self.sender.send_bytes(self.recipients, payload) {
			Feedback::Ok
		} else {
			Feedback::Closed
		})
	}
}

/// The receiving end of a lane.
#[derive(Debug)]
pub struct LaneReceiver(mpsc::Receiver<(Identity, Bytes)>);

impl LaneReceiver {
	/// The next message and its sender; `None` when the network has stopped.
	pub async fn next(&mut self) -> Option<(Identity, Bytes)> {
		self.0.recv().await
	}
}

/// The network has stopped.
#[derive(Debug, thiserror::Error)]
#[error("the committee's network has stopped")]
pub struct Closed;

impl Receiver for LaneReceiver {
	type Error = Closed;
	type PublicKey = Identity;

	async fn recv(&mut self) -> Result<Message<Identity>, Closed> {
		let (member, payload) = self.0.recv().await.ok_or(Closed)?;
		Ok((member, payload.into()))
	}
}

/// Cuts off members whose messages the engine has found to be invalid.
#[derive(Clone)]
pub struct MemberBlocker(TracingUnboundedSender<Command>);

impl Blocker for MemberBlocker {
	type PublicKey = Identity;

	fn block(&mut self, peer: Identity) -> Feedback {
		match self.0.unbounded_send(Command::Block(MemberId::from(&peer))) {
			Ok(()) => Feedback::Ok,
			Err(_) => Feedback::Closed,
		}
	}
}

/// The ends of all lanes.
pub struct Lanes {
	/// Votes.
	pub votes: (LaneSender, LaneReceiver),
	/// Certificates.
	pub certificates: (LaneSender, LaneReceiver),
	/// The resolver's requests.
	pub resolver: (LaneSender, LaneReceiver),
	/// Blocks.
	pub blocks: (LaneSender, LaneReceiver),
	/// Cuts members off.
	pub blocker: MemberBlocker,
}

/// The task that joins lanes and network.
pub struct CommitteeNetwork<S> {
	realm: Realm,
	committee: Committee,
	me: MemberId,
	service: Box<dyn NotificationService>,
	peers: S,
	commands: TracingUnboundedReceiver<Command>,
	lanes: HashMap<Lane, mpsc::Sender<(Identity, Bytes)>>,
	members: HashMap<MemberId, PeerId>,
	by_peer: HashMap<PeerId, MemberId>,
	blocked: HashSet<MemberId>,
}

impl<S: NetworkPeers> CommitteeNetwork<S> {
	/// Joins the channel of a committee as its member `me`. Run the task for the channel to work.
	pub fn new(
		realm: Realm,
		committee: Committee,
		me: MemberId,
		service: Box<dyn NotificationService>,
		peers: S,
	) -> (Self, Lanes) {
		let (command_sender, commands) = tracing_unbounded("committee_network_commands", 10_000);
		let others: Arc<Vec<_>> = Arc::new(
			committee
				.members()
				.iter()
				.filter(|m| m.id != me)
				.map(|m| m.id.into())
				.collect(),
		);
		let mut lanes = HashMap::new();
		let mut lane = |lane| {
			let (sender, receiver) = mpsc::channel(LANE_CAPACITY);
			lanes.insert(lane, sender);
			let sender = LaneSender {
				commands: command_sender.clone(),
				members: others.clone(),
				lane,
			};
			(sender, LaneReceiver(receiver))
		};
		let ends = Lanes {
			votes: lane(Lane::Votes),
			certificates: lane(Lane::Certificates),
			resolver: lane(Lane::Resolver),
			blocks: lane(Lane::Blocks),
			blocker: MemberBlocker(command_sender.clone()),
		};
		let network = CommitteeNetwork {
			realm,
			committee,
			me,
			service,
			peers,
			commands,
			lanes,
			members: HashMap::new(),
			by_peer: HashMap::new(),
			blocked: HashSet::new(),
		};
		(network, ends)
	}

	/// Runs until the network or the engine stops. `handshake` proves to others who we are.
	pub async fn run(mut self, handshake: Handshake) {
		if self.service.set_handshake(handshake.encode()).await.is_err() {
			warn!(target: LOG_TARGET, "the committee's protocol is closed");
			return;
		}
		loop {
			futures::select! {
				event = self.service.next_event().fuse() => match event {
					Some(event) => self.on_event(event),
					None => return,
				},
				command = self.commands.next() => match command {
					Some(command) => self.on_command(command),
					None => return,
				},
			}
		}
	}

	fn identify(&self, peer: &PeerId, handshake: &[u8]) -> Option<MemberId> {
		let member = Handshake::verify(handshake, self.realm, &self.committee, peer)?;
		(member != self.me && !self.blocked.contains(&member)).then_some(member)
	}

	fn on_event(&mut self, event: NotificationEvent) {
		match event {
			NotificationEvent::ValidateInboundSubstream {
				peer,
				handshake,
				result_tx,
			} => {
				let result = match self.identify(&peer, &handshake) {
					Some(_) => ValidationResult::Accept,
					None => {
						trace!(target: LOG_TARGET, "refused {peer}: its handshake proves no membership");
						ValidationResult::Reject
					}
				};
				let _ = result_tx.send(result);
			}
			NotificationEvent::NotificationStreamOpened { peer, handshake, .. } => {
				match self.identify(&peer, &handshake) {
					Some(member) => {
						info!(target: LOG_TARGET, "🤝 member {member} is connected as {peer}");
						let former = self.members.insert(member, peer);
						self.by_peer.insert(peer, member);
						// A member has one stream: the newest, for the other may be of a node that is gone.
						if let Some(former) = former.filter(|former| *former != peer) {
							self.by_peer.remove(&former);
							self.peers
								.disconnect_peer(former, self.service.protocol().clone());
						}
					}
					None => {
						self.peers.report_peer(peer, NOT_A_MEMBER);
						self.peers.disconnect_peer(peer, self.service.protocol().clone());
					}
				}
			}
			NotificationEvent::NotificationStreamClosed { peer } => {
				if let Some(member) = self.by_peer.remove(&peer) {
					info!(target: LOG_TARGET, "member {member} has left");
					if self.members.get(&member) == Some(&peer) {
						self.members.remove(&member);
					}
				}
			}
			NotificationEvent::NotificationReceived { peer, notification } => {
				let Some(member) = self.by_peer.get(&peer) else {
					return;
				};
				let mut payload = Bytes::from(notification);
				let lane = (!payload.is_empty())
					.then(|| payload.split_to(1)[0])
					.and_then(Lane::of);
				let Some(lane) = lane else {
					debug!(target: LOG_TARGET, "malformed message of member {member}: expected a lane of 0 to 3 first");
					self.peers.report_peer(peer, MALFORMED);
					return;
				};
				if let Some(sender) = self.lanes.get(&lane) {
					if sender.try_send((Identity::from(*member), payload)).is_err() {
						debug!(target: LOG_TARGET, "{lane:?} of member {member} dropped: the queue is full");
					}
				}
			}
		}
	}

	fn on_command(&mut self, command: Command) {
		match command {
			Command::Send {
				recipients,
				lane,
				payload,
			} => {
				let mut frame = Vec::with_capacity(payload.len() + 1);
				frame.push(lane as u8);
				frame.extend_from_slice(&payload);
				if frame.len() as u64 > MAX_NOTIFICATION {
					warn!(target: LOG_TARGET, "{lane:?} of {} bytes is too large to send", frame.len());
					return;
				}
				let peers: Vec<PeerId> = match recipients {
					Recipients::All => self.members.values().copied().collect(),
					Recipients::Some(ids) => ids
						.iter()
						.filter_map(|id| self.members.get(&MemberId::from(id)))
						.copied()
						.collect(),
					Recipients::One(id) => self
						.members
						.get(&MemberId::from(&id))
						.copied()
						.into_iter()
						.collect(),
				};
				for peer in peers {
					self.service.send_sync_notification(&peer, frame.clone());
				}
			}
			Command::Block(member) => {
				warn!(target: LOG_TARGET, "member {member} sent invalid messages and is cut off");
				self.blocked.insert(member);
				if let Some(peer) = self.members.remove(&member) {
					self.by_peer.remove(&peer);
					self.peers.report_peer(peer, BLOCKED);
					self.peers.disconnect_peer(peer, self.service.protocol().clone());
				}
			}
		}
	}
}

/// A lane whose network is the test.
#[cfg(test)]
pub(crate) struct TestLane {
	/// Where the test takes what was sent from.
	sent: TracingUnboundedReceiver<Command>,
	/// Where the test puts what is received.
	pub(crate) feed: mpsc::Sender<(Identity, Bytes)>,
}

#[cfg(test)]
impl TestLane {
	/// Makes a lane.
	pub(crate) fn new(lane: Lane) -> (TestLane, (LaneSender, LaneReceiver)) {
		let (commands, sent) = tracing_unbounded("test_lane", 10_000);
		let (feed, receiver) = mpsc::channel(LANE_CAPACITY);
		let sender = LaneSender {
			commands,
			members: Arc::new(Vec::new()),
			lane,
		};
		(TestLane { sent, feed }, (sender, LaneReceiver(receiver)))
	}

	/// The next message that was sent, and to whom.
	pub(crate) async fn sent(&mut self) -> (Recipients<Identity>, Bytes) {
		loop {
			match self.sent.next().await.expect("the lane is open") {
				Command::Send {
					recipients, payload, ..
				} => return (recipients, payload),
				Command::Block(_) => {}
			}
		}
	}
}

#[cfg(test)]
pub(crate) mod wire;

#[cfg(test)]
mod tests;
