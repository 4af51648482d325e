//! The members-only channel of a chain's committees, over the node's own p2p service.
//!
//! # Flow
//!
//! ```text
//!  engine (its own thread)          this task                     sc-network
//!  Sender ──Outgoing──► commands ──► peer of each recipient ────► notification to peer
//!  Receiver ◄─────────── lanes ◄──── member behind the peer ◄──── notification from peer
//! ```
//!
//! One notification protocol, encrypted and multiplexed by sc-network, carries four [`Lane`]s for each epoch: votes,
//! certificates and the resolver's requests of the engine, and blocks of the application. A notification names its
//! epoch, so that what one epoch's members say never reaches another's engine. The fifth lane is of no epoch: on the
//! [`MembersLane`] the members of a committee and of the next one talk to each other, to pass a secret on.
//!
//! # Membership
//!
//! A node takes a [seat](CommitteeNetwork::join) in the committee of an epoch, before the epoch begins if it can, and leaves
//! it by dropping it. A peer is let in if its handshake proves that it is a member of a committee in which this node has a
//! seat: the handshake names the member and carries that member's signature over the realm and the *peer id*, which
//! sc-network has authenticated. A handshake copied from somebody else names another peer id and proves nothing. A node with a
//! seat also lets its [acquaintances](CommitteeNetwork::acquaint) in, who may use the members' lane alone.
//! Everybody else is refused, before a byte of theirs reaches the engine.
//!
//! Members are found by authority discovery: their addresses become reserved peers of this protocol.
//!
//! # Exclusion
//!
//! A node cuts members of an epoch's committee off whose nodes are [excluded](CommitteeNetwork::cut_off): in that epoch they count
//! as strangers, until it takes them back. That is of one epoch; whoever the engine has found to be misbehaving is
//! [blocked](MemberBlocker) altogether. Being cut off takes a block's place: who has paid for it and comes back is heard again.
//!
//! # Limits
//!
//! Notifications are bounded by [`MAX_NOTIFICATION`], each lane's queue by [`LANE_CAPACITY`]: beyond it messages are
//! dropped, which consensus survives by design (it rebroadcasts).

use crate::scheme::Identity;
use asterism_primitives::{
	certificate::Realm,
	committee::{Committee, Epoch, MemberId},
};
use bytes::{Buf, Bytes};
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
	collections::{BTreeMap, BTreeSet, HashMap, HashSet},
	fmt,
	future::Future,
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

/// The bytes before a notification's payload: its epoch and its lane.
const FRAME: usize = size_of::<Epoch>() + 1;

/// What a message is for. The number follows the epoch in a notification.
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
	/// What the members of a committee and of the next one say to each other, of no epoch.
	Members = 4,
}

impl Lane {
	const ALL: [Lane; 5] = [
		Lane::Votes,
		Lane::Certificates,
		Lane::Resolver,
		Lane::Blocks,
		Lane::Members,
	];

	fn of(byte: u8) -> Option<Lane> {
		Lane::ALL.get(usize::from(byte)).copied()
	}
}

/// A notification's epoch, lane and payload; `None` if it is too short or names no lane.
pub fn decode_notification(notification: Vec<u8>) -> Option<(Epoch, Lane, Bytes)> {
	let mut payload = Bytes::from(notification);
	if payload.len() < FRAME {
		return None;
	}
	let epoch = payload.get_u64_le();
	let lane = Lane::of(payload.get_u8())?;
	Some((epoch, lane, payload))
}

/// The name of the protocol on a chain's network.
pub fn protocol_name(realm: Realm, fork_id: Option<&str>) -> ProtocolName {
	named(realm, fork_id, "committee")
}

/// The name of one of this crate's protocols on a chain's network.
pub(crate) fn named(realm: Realm, fork_id: Option<&str>, protocol: &str) -> ProtocolName {
	match fork_id {
		Some(fork) => format!("/{:x}/{fork}/{protocol}/1", realm.genesis).into(),
		None => format!("/{:x}/{protocol}/1", realm.genesis).into(),
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

	/// The member that the handshake proves the peer to be; `None` if it proves nothing, or none that is `wanted`.
	pub fn verify(
		bytes: &[u8],
		realm: Realm,
		wanted: impl FnOnce(&MemberId) -> bool,
		peer: &PeerId,
	) -> Option<MemberId> {
		let handshake = Handshake::decode_all(&mut &bytes[..]).ok()?;
		if !wanted(&handshake.member) {
			return None;
		}
		sr25519::Pair::verify(
			&sr25519::Signature::from_raw(handshake.signature),
			Self::message(realm, peer),
			&sr25519::Public::from_raw(handshake.member.0),
		)
		.then_some(handshake.member)
	}
}

/// What the node, the engine and the application ask of the network.
enum Command {
	Join(Box<Seat>, Handshake),
	Leave(Epoch),
	Send {
		epoch: Epoch,
		recipients: Recipients<Identity>,
		lane: Lane,
		payload: Bytes,
	},
	SendToMembers {
		to: Vec<MemberId>,
		payload: Bytes,
	},
	Acquaint(HashSet<MemberId>),
	CutOff(Epoch, BTreeSet<MemberId>),
	Block(MemberId),
}

/// The sending end of a lane.
#[derive(Clone)]
pub struct LaneSender {
	commands: TracingUnboundedSender<Command>,
	members: Arc<Vec<Identity>>,
	epoch: Epoch,
	lane: Lane,
	#[cfg(feature = "equivocation")]
	twice: Option<Twice>,
}

/// What else to send with a message.
#[cfg(feature = "equivocation")]
pub type Twice = Arc<dyn Fn(&[u8]) -> Option<Bytes> + Send + Sync>;

impl LaneSender {
	/// The same lane, on which some messages are followed by others.
	#[cfg(feature = "equivocation")]
	pub fn twice(self, twice: Twice) -> Self {
		LaneSender {
			twice: Some(twice),
			..self
		}
	}

	/// Sends to the given members; those that are not connected miss it.
	pub fn send_bytes(&self, recipients: Recipients<Identity>, payload: impl Into<Bytes>) -> bool {
		let payload = payload.into();
		#[cfg(feature = "equivocation")]
		if let Some(other) = self.twice.as_ref().and_then(|twice| twice(&payload)) {
			self.send_command(recipients.clone(), other);
		}
		self.send_command(recipients, payload)
	}

	fn send_command(&self, recipients: Recipients<Identity>, payload: Bytes) -> bool {
		let command = Command::Send {
			epoch: self.epoch,
			recipients,
			lane: self.lane,
			payload,
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

/// The ends of all lanes of an epoch.
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
	/// Whoever drops it leaves the committee's channel.
	pub membership: Membership,
}

/// Both ends of the lane on which the members of a chain's committee and of the next one talk to each other.
pub struct MembersLane {
	commands: TracingUnboundedSender<Command>,
	received: mpsc::Receiver<(MemberId, Bytes)>,
}

impl MembersLane {
	/// Sends to each of these members that is connected; the others miss it.
	pub fn send(&self, to: &[MemberId], payload: impl Into<Bytes>) {
		let command = Command::SendToMembers {
			to: to.to_vec(),
			payload: payload.into(),
		};
		// If the task is gone, nobody is connected.
		let _ = self.commands.unbounded_send(command);
	}

	/// The next message and its sender; `None` when the network has stopped.
	pub async fn next(&mut self) -> Option<(MemberId, Bytes)> {
		self.received.recv().await
	}
}

/// A node's membership of one committee's channel, which ends when it is dropped.
pub struct Membership {
	commands: TracingUnboundedSender<Command>,
	epoch: Epoch,
}

impl Drop for Membership {
	fn drop(&mut self) {
		// If the task is gone, so is the channel.
		let _ = self.commands.unbounded_send(Command::Leave(self.epoch));
	}
}

/// This node's place in the committee of one epoch.
struct Seat {
	committee: Committee,
	me: MemberId,
	/// The members that this node doesn't talk to.
	cut_off: BTreeSet<MemberId>,
	lanes: HashMap<Lane, mpsc::Sender<(Identity, Bytes)>>,
}

impl Seat {
	/// Whether this is another member of the committee that this node talks to.
	fn has_other(&self, member: &MemberId) -> bool {
		*member != self.me && self.has(member)
	}

	/// Whether this is a member of the committee that is not cut off.
	fn has(&self, member: &MemberId) -> bool {
		// Members are in ascending order of their ids.
		let is_member = self
			.committee
			.members()
			.binary_search_by_key(member, |m| m.id)
			.is_ok();
		is_member && !self.cut_off.contains(member)
	}
}

/// The way to the task that joins lanes and network.
#[derive(Clone)]
pub struct CommitteeNetwork(TracingUnboundedSender<Command>);

impl CommitteeNetwork {
	/// The channel of a chain's committees, its members' lane, and the task that must run for them to work.
	pub fn new<S: NetworkPeers>(
		realm: Realm,
		service: Box<dyn NotificationService>,
		peers: S,
	) -> (Self, MembersLane, impl Future<Output = ()>) {
		let (sender, commands) = tracing_unbounded("committee_network_commands", 10_000);
		let (lane, received) = mpsc::channel(LANE_CAPACITY);
		let task = Task {
			realm,
			service,
			peers,
			seats: BTreeMap::new(),
			acquaintances: HashSet::new(),
			lane,
			members: HashMap::new(),
			by_peer: HashMap::new(),
			blocked: HashSet::new(),
		};
		let lane = MembersLane {
			commands: sender.clone(),
			received,
		};
		(CommitteeNetwork(sender), lane, task.run(commands))
	}

	/// Names the members of other committees that may use the members' lane while this node has a seat. Those that were
	/// named before and are not any more are cut off.
	pub fn acquaint(&self, others: HashSet<MemberId>) {
		// If the task is gone, so is the channel.
		let _ = self.0.unbounded_send(Command::Acquaint(others));
	}

	/// Names the members of an epoch's committee that this node, which has a seat in it, doesn't talk to. Those that were named
	/// before and are not any more are taken back.
	pub fn cut_off(&self, epoch: Epoch, members: BTreeSet<MemberId>) {
		// If the task is gone, so is the channel.
		let _ = self.0.unbounded_send(Command::CutOff(epoch, members));
	}

	/// Joins the channel of a committee as its member `me`; `handshake` proves to the others that it is. A node has at most
	/// one seat in an epoch.
	pub fn join(&self, committee: Committee, me: MemberId, handshake: Handshake) -> Lanes {
		let epoch = committee.epoch();
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
				commands: self.0.clone(),
				members: others.clone(),
				epoch,
				lane,
				#[cfg(feature = "equivocation")]
				twice: None,
			};
			(sender, LaneReceiver(receiver))
		};
		let ends = Lanes {
			votes: lane(Lane::Votes),
			certificates: lane(Lane::Certificates),
			resolver: lane(Lane::Resolver),
			blocks: lane(Lane::Blocks),
			blocker: MemberBlocker(self.0.clone()),
			membership: Membership {
				commands: self.0.clone(),
				epoch,
			},
		};
		let seat = Box::new(Seat {
			committee,
			me,
			cut_off: BTreeSet::new(),
			lanes,
		});
		if self.0.unbounded_send(Command::Join(seat, handshake)).is_err() {
			warn!(target: LOG_TARGET, "the committee's protocol is closed");
		}
		ends
	}
}

/// The task that joins lanes and network.
struct Task<S> {
	realm: Realm,
	service: Box<dyn NotificationService>,
	peers: S,
	seats: BTreeMap<Epoch, Seat>,
	acquaintances: HashSet<MemberId>,
	lane: mpsc::Sender<(MemberId, Bytes)>,
	members: HashMap<MemberId, PeerId>,
	by_peer: HashMap<PeerId, MemberId>,
	blocked: HashSet<MemberId>,
}

impl<S: NetworkPeers> Task<S> {
	/// Runs until the network stops, or nobody can ask for anything any more.
	async fn run(mut self, mut commands: TracingUnboundedReceiver<Command>) {
		loop {
			futures::select! {
				event = self.service.next_event().fuse() => match event {
					Some(event) => self.on_event(event),
					None => return,
				},
				command = commands.next() => match command {
					Some(command) => self.on_command(command).await,
					None => return,
				},
			}
		}
	}

	/// Who the peer proves to be, if it may come in.
	fn identify(&self, peer: &PeerId, handshake: &[u8]) -> Option<MemberId> {
		let welcome = |member: &MemberId| !self.blocked.contains(member) && self.knows(member);
		Handshake::verify(handshake, self.realm, welcome, peer)
	}

	/// Whether this is somebody to be connected with: another member of a committee in which this node has a seat and has not cut
	/// it off, or an acquaintance while it has any.
	fn knows(&self, member: &MemberId) -> bool {
		self.seats.values().any(|seat| seat.has_other(member))
			|| (!self.seats.is_empty() && self.acquaintances.contains(member))
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
							self.disconnect(former);
						}
					}
					None => {
						self.peers.report_peer(peer, NOT_A_MEMBER);
						self.disconnect(peer);
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
				self.on_notification(peer, notification)
			}
		}
	}

	fn on_notification(&mut self, peer: PeerId, notification: Vec<u8>) {
		let Some(member) = self.by_peer.get(&peer) else {
			return;
		};
		let Some((epoch, lane, payload)) = decode_notification(notification) else {
			debug!(target: LOG_TARGET, "malformed message of member {member}: expected an epoch and a lane of 0 to 4 first");
			self.peers.report_peer(peer, MALFORMED);
			return;
		};
		if lane == Lane::Members {
			if self.lane.try_send((*member, payload)).is_err() {
				debug!(target: LOG_TARGET, "{lane:?} of member {member} dropped: the queue is full, or nobody listens");
			}
			return;
		}
		// Others may be in an epoch that this node has left, or not begun: that is no fault.
		let seat = self.seats.get(&epoch).filter(|seat| seat.has(member));
		if let Some(sender) = seat.and_then(|seat| seat.lanes.get(&lane)) {
			if sender.try_send((Identity::from(*member), payload)).is_err() {
				debug!(target: LOG_TARGET, "{lane:?} of member {member} dropped: the queue is full");
			}
		}
	}

	async fn on_command(&mut self, command: Command) {
		match command {
			Command::Join(seat, handshake) => {
				if self.service.set_handshake(handshake.encode()).await.is_err() {
					warn!(target: LOG_TARGET, "the committee's protocol is closed");
				}
				self.seats.insert(seat.committee.epoch(), *seat);
			}
			Command::Leave(epoch) => {
				self.seats.remove(&epoch);
				self.drop_strangers();
			}
			Command::Acquaint(others) => {
				self.acquaintances = others;
				self.drop_strangers();
			}
			Command::CutOff(epoch, members) => {
				if let Some(seat) = self.seats.get_mut(&epoch) {
					for member in &members {
						self.blocked.remove(member);
					}
					seat.cut_off = members;
					self.drop_strangers();
				}
			}
			Command::SendToMembers { to, payload } => {
				let peers: Vec<_> = to.iter().filter_map(|id| self.members.get(id).copied()).collect();
				self.notify(peers, 0, Lane::Members, &payload);
			}
			Command::Send {
				epoch,
				recipients,
				lane,
				payload,
			} => self.send(epoch, recipients, lane, &payload),
			Command::Block(member) => {
				let is_cut_off = self.seats.values().any(|seat| seat.cut_off.contains(&member));
				if is_cut_off && !self.knows(&member) {
					return;
				}
				warn!(target: LOG_TARGET, "member {member} sent invalid messages and is cut off");
				self.blocked.insert(member);
				if let Some(peer) = self.drop_member(&member) {
					self.peers.report_peer(peer, BLOCKED);
				}
			}
		}
	}

	fn send(&mut self, epoch: Epoch, recipients: Recipients<Identity>, lane: Lane, payload: &[u8]) {
		let Some(seat) = self.seats.get(&epoch) else {
			return;
		};
		let peer_of = |member: &MemberId| self.members.get(member).filter(|_| seat.has(member)).copied();
		let peers: Vec<PeerId> = match recipients {
			Recipients::All => self.members.keys().filter_map(peer_of).collect(),
			Recipients::Some(ids) => ids.iter().filter_map(|id| peer_of(&id.into())).collect(),
			Recipients::One(id) => peer_of(&MemberId::from(&id)).into_iter().collect(),
		};
		self.notify(peers, epoch, lane, payload);
	}

	fn notify(&mut self, peers: Vec<PeerId>, epoch: Epoch, lane: Lane, payload: &[u8]) {
		let mut frame = Vec::with_capacity(FRAME + payload.len());
		frame.extend_from_slice(&epoch.to_le_bytes());
		frame.push(lane as u8);
		frame.extend_from_slice(payload);
		if frame.len() as u64 > MAX_NOTIFICATION {
			warn!(target: LOG_TARGET, "{lane:?} of {} bytes is too large to send", frame.len());
			return;
		}
		for peer in peers {
			self.service.send_sync_notification(&peer, frame.clone());
		}
	}

	/// Ends the streams of those that this node has nothing to do with any more.
	fn drop_strangers(&mut self) {
		let strangers: Vec<_> = self
			.members
			.keys()
			.filter(|member| !self.knows(member))
			.copied()
			.collect();
		for member in strangers {
			self.drop_member(&member);
		}
	}

	/// Ends the stream of a member; returns the peer that it had.
	fn drop_member(&mut self, member: &MemberId) -> Option<PeerId> {
		let peer = self.members.remove(member)?;
		self.by_peer.remove(&peer);
		self.disconnect(peer);
		Some(peer)
	}

	fn disconnect(&self, peer: PeerId) {
		self.peers.disconnect_peer(peer, self.service.protocol().clone());
	}
}

/// The other side of a lane that is no part of the node's network: a simulation, or a test, carries what is sent.
pub struct FreeLane {
	sent: TracingUnboundedReceiver<Command>,
	feed: mpsc::Sender<(Identity, Bytes)>,
}

impl FreeLane {
	/// A lane, and its ends.
	pub fn new(lane: Lane) -> (FreeLane, (LaneSender, LaneReceiver)) {
		let (commands, sent) = tracing_unbounded("free_lane", 10_000);
		let (feed, receiver) = mpsc::channel(LANE_CAPACITY);
		let sender = LaneSender {
			commands,
			members: Arc::new(Vec::new()),
			epoch: 0,
			lane,
			#[cfg(feature = "equivocation")]
			twice: None,
		};
		(FreeLane { sent, feed }, (sender, LaneReceiver(receiver)))
	}

	/// The next message that was sent, and to whom; `None` when nothing will be sent any more.
	pub async fn sent(&mut self) -> Option<(Recipients<Identity>, Bytes)> {
		while let Some(command) = self.sent.next().await {
			if let Command::Send {
				recipients, payload, ..
			} = command
			{
				return Some((recipients, payload));
			}
		}
		None
	}

	/// Where messages that arrive are put, each with its sender. As in the node's network, those that the queue doesn't hold are
	/// to be dropped.
	pub fn feed(&self) -> mpsc::Sender<(Identity, Bytes)> {
		self.feed.clone()
	}
}

#[cfg(test)]
pub(crate) mod wire;

#[cfg(test)]
mod tests;
