//! A network in memory, in the place of sc-network: it authenticates peers, and carries handshakes and notifications.

use super::*;
use async_trait::async_trait;
use parking_lot::Mutex;
use polkadot_sdk::sc_network::{
	config::MultiaddrWithPeerId,
	error,
	service::traits::{Direction, MessageSink},
	Multiaddr, ObservedRole,
};
use tokio::sync::oneshot;

#[derive(Default)]
struct State {
	/// Where each peer's events go.
	events: HashMap<PeerId, mpsc::UnboundedSender<NotificationEvent>>,
	handshakes: HashMap<PeerId, Vec<u8>>,
	/// Open streams, in both directions.
	open: HashSet<(PeerId, PeerId)>,
	reports: Vec<(PeerId, i32)>,
	/// Who does not read.
	clogged: HashSet<PeerId>,
	/// Whom each peer has reserved.
	reserved: HashSet<(PeerId, PeerId)>,
}

/// The network.
#[derive(Clone, Default)]
pub(crate) struct Wire(Arc<Mutex<State>>);

impl Wire {
	/// Joins the network as a peer.
	pub(crate) fn join(&self, peer: PeerId) -> (WireService, WirePeers) {
		let (sender, events) = mpsc::unbounded_channel();
		self.0.lock().events.insert(peer, sender);
		let service = WireService {
			wire: self.clone(),
			me: peer,
			events,
			protocol: "/committee/1".into(),
		};
		(
			service,
			WirePeers {
				wire: self.clone(),
				me: peer,
			},
		)
	}

	/// Sets what a peer says of itself, when no task does it.
	pub(crate) fn set_handshake(&self, peer: PeerId, handshake: Vec<u8>) {
		self.0.lock().handshakes.insert(peer, handshake);
	}

	/// `from` opens a stream to `to`; whether `to` accepts it.
	pub(crate) async fn open(&self, from: PeerId, to: PeerId) -> bool {
		let handshake = |peer| loop_until(move || self.0.lock().handshakes.get(&peer).cloned());
		let (of_from, of_to) = (handshake(from).await, handshake(to).await);
		let (result_tx, result) = oneshot::channel();
		self.tell(
			to,
			NotificationEvent::ValidateInboundSubstream {
				peer: from,
				handshake: of_from.clone(),
				result_tx,
			},
		);
		if !matches!(result.await, Ok(ValidationResult::Accept)) {
			return false;
		}
		self.0.lock().open.extend([(from, to), (to, from)]);
		let opened = |peer, handshake, direction| NotificationEvent::NotificationStreamOpened {
			peer,
			direction,
			handshake,
			negotiated_fallback: None,
		};
		self.tell(to, opened(from, of_from, Direction::Inbound));
		self.tell(from, opened(to, of_to, Direction::Outbound));
		true
	}

	pub(crate) fn close(&self, a: PeerId, b: PeerId) {
		let was_open = {
			let mut state = self.0.lock();
			let was_open = state.open.remove(&(a, b));
			state.open.remove(&(b, a));
			was_open
		};
		if was_open {
			self.tell(a, NotificationEvent::NotificationStreamClosed { peer: b });
			self.tell(b, NotificationEvent::NotificationStreamClosed { peer: a });
		}
	}

	pub(crate) fn is_open(&self, a: PeerId, b: PeerId) -> bool {
		self.0.lock().open.contains(&(a, b))
	}

	/// Makes a peer stop reading.
	pub(crate) fn clog(&self, peer: PeerId) {
		self.0.lock().clogged.insert(peer);
	}

	/// Whether a peer has reserved another.
	pub(crate) fn is_reserved(&self, by: PeerId, peer: PeerId) -> bool {
		self.0.lock().reserved.contains(&(by, peer))
	}

	/// What has been reported of a peer.
	pub(crate) fn reports(&self, of: PeerId) -> Vec<i32> {
		self.0
			.lock()
			.reports
			.iter()
			.filter(|(peer, _)| *peer == of)
			.map(|(_, value)| *value)
			.collect()
	}

	pub(crate) fn send(&self, from: PeerId, to: PeerId, notification: Vec<u8>) {
		if self.is_open(from, to) {
			self.tell(
				to,
				NotificationEvent::NotificationReceived {
					peer: from,
					notification,
				},
			);
		}
	}

	fn tell(&self, peer: PeerId, event: NotificationEvent) {
		if let Some(events) = self.0.lock().events.get(&peer) {
			let _ = events.send(event);
		}
	}
}

async fn loop_until<T>(mut look: impl FnMut() -> Option<T>) -> T {
	loop {
		if let Some(value) = look() {
			return value;
		}
		tokio::time::sleep(std::time::Duration::from_millis(1)).await;
	}
}

/// A peer's events, and its way to send.
pub(crate) struct WireService {
	wire: Wire,
	me: PeerId,
	events: mpsc::UnboundedReceiver<NotificationEvent>,
	protocol: ProtocolName,
}

impl fmt::Debug for WireService {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "WireService({})", self.me)
	}
}

#[async_trait]
impl NotificationService for WireService {
	async fn open_substream(&mut self, _: PeerId) -> Result<(), ()> {
		Err(())
	}

	async fn close_substream(&mut self, _: PeerId) -> Result<(), ()> {
		Err(())
	}

	fn send_sync_notification(&mut self, peer: &PeerId, notification: Vec<u8>) {
		self.wire.send(self.me, *peer, notification);
	}

	async fn send_async_notification(&mut self, peer: &PeerId, bytes: Vec<u8>) -> Result<(), error::Error> {
		self.wire.send(self.me, *peer, bytes);
		Ok(())
	}

	async fn set_handshake(&mut self, handshake: Vec<u8>) -> Result<(), ()> {
		self.try_set_handshake(handshake)
	}

	fn try_set_handshake(&mut self, handshake: Vec<u8>) -> Result<(), ()> {
		self.wire.set_handshake(self.me, handshake);
		Ok(())
	}

	async fn next_event(&mut self) -> Option<NotificationEvent> {
		self.events.recv().await
	}

	fn clone(&mut self) -> Result<Box<dyn NotificationService>, ()> {
		Err(())
	}

	fn protocol(&self) -> &ProtocolName {
		&self.protocol
	}

	fn message_sink(&self, peer: &PeerId) -> Option<Box<dyn MessageSink>> {
		let sink = WireSink {
			wire: self.wire.clone(),
			from: self.me,
			to: *peer,
		};
		self.wire.is_open(self.me, *peer).then(|| Box::new(sink) as _)
	}
}

/// A peer's way to send to one other, which may not read.
struct WireSink {
	wire: Wire,
	from: PeerId,
	to: PeerId,
}

#[async_trait]
impl MessageSink for WireSink {
	fn send_sync_notification(&self, notification: Vec<u8>) {
		self.wire.send(self.from, self.to, notification);
	}

	async fn send_async_notification(&self, notification: Vec<u8>) -> Result<(), error::Error> {
		if self.wire.0.lock().clogged.contains(&self.to) {
			futures::future::pending::<()>().await;
		}
		self.wire.send(self.from, self.to, notification);
		Ok(())
	}
}

/// A peer's hold on its connections.
pub(crate) struct WirePeers {
	wire: Wire,
	me: PeerId,
}

#[async_trait]
impl NetworkPeers for WirePeers {
	fn set_authorized_peers(&self, _: HashSet<PeerId>) {}

	fn set_authorized_only(&self, _: bool) {}

	fn add_known_address(&self, _: PeerId, _: Multiaddr) {}

	fn report_peer(&self, peer: PeerId, change: ReputationChange) {
		self.wire.0.lock().reports.push((peer, change.value));
	}

	fn peer_reputation(&self, _: &PeerId) -> i32 {
		0
	}

	fn disconnect_peer(&self, peer: PeerId, _: ProtocolName) {
		self.wire.close(self.me, peer);
	}

	fn accept_unreserved_peers(&self) {}

	fn deny_unreserved_peers(&self) {}

	fn add_reserved_peer(&self, _: MultiaddrWithPeerId) -> Result<(), String> {
		Ok(())
	}

	fn remove_reserved_peer(&self, _: PeerId) {}

	fn set_reserved_peers(&self, _: ProtocolName, _: HashSet<Multiaddr>) -> Result<(), String> {
		Ok(())
	}

	fn add_peers_to_reserved_set(&self, _: ProtocolName, peers: HashSet<Multiaddr>) -> Result<(), String> {
		let peers = peers.iter().filter_map(PeerId::try_from_multiaddr);
		let pairs = peers.map(|peer| (self.me, peer));
		self.wire.0.lock().reserved.extend(pairs);
		Ok(())
	}

	fn remove_peers_from_reserved_set(&self, _: ProtocolName, peers: Vec<PeerId>) -> Result<(), String> {
		for peer in peers {
			self.wire.0.lock().reserved.remove(&(self.me, peer));
		}
		Ok(())
	}

	fn sync_num_connected(&self) -> usize {
		0
	}

	fn peer_role(&self, _: PeerId, handshake: Vec<u8>) -> Option<ObservedRole> {
		match handshake[..] {
			[1] => Some(ObservedRole::Full),
			[4] => Some(ObservedRole::Authority),
			_ => None,
		}
	}

	async fn reserved_peers(&self) -> Result<Vec<PeerId>, ()> {
		Ok(Vec::new())
	}
}
