//! Who runs which chain: a notification protocol on the root network whose handshake says it.
//!
//! # Specification
//!
//! - A node opens the protocol with each peer that it syncs the root chain with. No notification is ever sent; one
//!   that arrives costs its sender reputation.
//! - The handshake is the SCALE encoding of the chains that a node runs, at most
//!   [`MAX_SERVED`](crate::protocol::MAX_SERVED). One that doesn't decode is refused.
//! - The table holds each connected peer's word; it may be a lie, which costs the liar time and reputation when
//!   asked.

use crate::{
	protocol::{chains_protocol, decode_handshake, ServedChains, MAX_HANDSHAKE},
	LOG_TARGET,
};
use asterism_primitives::{ChainId, Hash, OpaqueBlock};
use codec::Encode;
use futures::{FutureExt, StreamExt};
use parking_lot::RwLock;
use polkadot_sdk::{
	sc_network::{
		config::{NonReservedPeerMode, NotificationHandshake, SetConfig},
		multiaddr::{Multiaddr, Protocol},
		peer_store::PeerStoreProvider,
		service::{
			traits::{NotificationEvent, NotificationService, ValidationResult},
			NotificationMetrics,
		},
		NetworkBackend, NetworkPeers, ProtocolName, ReputationChange,
	},
	sc_network_sync::{SyncEvent, SyncEventStream},
	sc_network_types::PeerId,
};
use std::{collections::HashMap, sync::Arc};

/// A peer's handshake doesn't decode.
pub const BAD_HANDSHAKE: ReputationChange = ReputationChange::new(-(1 << 12), "chains: malformed handshake");
/// A peer sent a notification on a protocol that has none.
pub const UNEXPECTED: ReputationChange = ReputationChange::new(-(1 << 12), "chains: unexpected notification");

/// Bytes that a notification may have. None is ever sent; the network takes this as the bound of handshakes, too.
const MAX_NOTIFICATION: u64 = MAX_HANDSHAKE as u64;

/// Which connected peers run which chains. Clones share their content.
#[derive(Clone, Default)]
pub struct ServingPeers(Arc<RwLock<HashMap<PeerId, ServedChains>>>);

impl ServingPeers {
	/// The peers that say they run a chain.
	pub fn of(&self, chain: ChainId) -> Vec<PeerId> {
		self.0
			.read()
			.iter()
			.filter(|(_, chains)| chains.contains(&chain))
			.map(|(peer, _)| *peer)
			.collect()
	}

	/// The number of peers in the table.
	pub fn len(&self) -> usize {
		self.0.read().len()
	}

	/// Whether no peer is connected.
	pub fn is_empty(&self) -> bool {
		self.0.read().is_empty()
	}

	/// Takes a peer at its word.
	pub(crate) fn insert(&self, peer: PeerId, chains: ServedChains) {
		self.0.write().insert(peer, chains);
	}

	fn remove(&self, peer: &PeerId) {
		self.0.write().remove(peer);
	}
}

/// The protocol by which nodes tell each other which chains they run.
pub struct ChainsProtocol {
	name: ProtocolName,
	notifications: Box<dyn NotificationService>,
	served: ServedChains,
	peers: ServingPeers,
}

impl ChainsProtocol {
	/// Makes the protocol, and its configuration to be given to the root network before it starts. `root_genesis` and
	/// `fork_id` are the root chain's; `served` are the transaction chains that this node runs, of which at most
	/// [`MAX_SERVED`](crate::protocol::MAX_SERVED) are told.
	pub fn new<N: NetworkBackend<OpaqueBlock, Hash>>(
		root_genesis: Hash,
		fork_id: Option<&str>,
		served: Vec<ChainId>,
		metrics: NotificationMetrics,
		peer_store: Arc<dyn PeerStoreProvider>,
	) -> (Self, N::NotificationProtocolConfig) {
		let name = chains_protocol(root_genesis, fork_id);
		let served = ServedChains::truncate_from(served);
		let (config, notifications) = N::notification_config(
			name.clone(),
			Vec::new(),
			MAX_NOTIFICATION,
			Some(NotificationHandshake::new(served.clone())),
			// The peers are those of root chain sync: they are added as that connects to them.
			SetConfig {
				in_peers: 0,
				out_peers: 0,
				reserved_nodes: Vec::new(),
				non_reserved_mode: NonReservedPeerMode::Deny,
			},
			metrics,
			peer_store,
		);
		(
			ChainsProtocol {
				name,
				notifications,
				served,
				peers: ServingPeers::default(),
			},
			config,
		)
	}

	/// The table that the protocol keeps.
	pub fn peers(&self) -> ServingPeers {
		self.peers.clone()
	}

	/// Follows the root network's sync peers until it shuts down.
	pub async fn run<N: NetworkPeers, S: SyncEventStream>(mut self, network: N, sync: S) {
		// The network sets every protocol's handshake to the node's role when it starts: ours is set after that.
		if self
			.notifications
			.set_handshake(self.served.encode())
			.await
			.is_err()
		{
			log::warn!(target: LOG_TARGET, "the protocol {} is closed: no peer is told which chains run here", self.name);
			return;
		}
		let mut sync_events = sync.event_stream("asterism-chains").fuse();
		self.follow(&network, &mut sync_events).await
	}

	async fn follow<N: NetworkPeers>(
		&mut self,
		network: &N,
		sync_events: &mut (impl futures::stream::FusedStream<Item = SyncEvent> + Unpin),
	) {
		loop {
			futures::select! {
				event = sync_events.next() => match event {
					Some(event) => self.on_sync_event(network, event),
					None => return,
				},
				event = self.notifications.next_event().fuse() => match event {
					Some(event) => {
						if let Some((peer, change)) = on_notification_event(&self.peers, event) {
							network.report_peer(peer, change);
						}
					},
					None => return,
				},
			}
		}
	}

	fn on_sync_event<N: NetworkPeers>(&self, network: &N, event: SyncEvent) {
		let result = match event {
			SyncEvent::PeerConnected { peer_id, .. } => {
				let address: Multiaddr = std::iter::once(Protocol::P2p(peer_id.into())).collect();
				network.add_peers_to_reserved_set(self.name.clone(), [address].into())
			}
			SyncEvent::PeerDisconnected(peer) => {
				network.remove_peers_from_reserved_set(self.name.clone(), vec![peer])
			}
		};
		if let Err(error) = result {
			log::error!(target: LOG_TARGET, "can't follow the root network's peers: {error}");
		}
	}
}

/// Keeps the table; returns who is to be reported, if somebody is.
fn on_notification_event(
	peers: &ServingPeers,
	event: NotificationEvent,
) -> Option<(PeerId, ReputationChange)> {
	match event {
		NotificationEvent::ValidateInboundSubstream {
			peer,
			handshake,
			result_tx,
		} => {
			let valid = decode_handshake(&handshake).is_some();
			// If nobody waits for the result any more, the peer is gone.
			let _ = result_tx.send(if valid {
				ValidationResult::Accept
			} else {
				ValidationResult::Reject
			});
			(!valid).then_some((peer, BAD_HANDSHAKE))
		}
		NotificationEvent::NotificationStreamOpened { peer, handshake, .. } => {
			match decode_handshake(&handshake) {
				Some(chains) => {
					log::debug!(target: LOG_TARGET, "{peer} runs chains {:?}", chains.as_slice());
					peers.insert(peer, chains);
					None
				}
				None => Some((peer, BAD_HANDSHAKE)),
			}
		}
		NotificationEvent::NotificationStreamClosed { peer } => {
			peers.remove(&peer);
			None
		}
		NotificationEvent::NotificationReceived { peer, .. } => Some((peer, UNEXPECTED)),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use polkadot_sdk::sc_network::service::traits::Direction;

	fn opened(peer: PeerId, handshake: Vec<u8>) -> NotificationEvent {
		NotificationEvent::NotificationStreamOpened {
			peer,
			direction: Direction::Inbound,
			handshake,
			negotiated_fallback: None,
		}
	}

	fn validated(peer: PeerId, handshake: Vec<u8>) -> (ValidationResult, Option<(PeerId, ReputationChange)>) {
		let (result_tx, mut result) = tokio::sync::oneshot::channel();
		let event = NotificationEvent::ValidateInboundSubstream {
			peer,
			handshake,
			result_tx,
		};
		let report = on_notification_event(&ServingPeers::default(), event);
		(result.try_recv().unwrap(), report)
	}

	#[test]
	fn the_table_follows_what_peers_say() {
		let peers = ServingPeers::default();
		let (a, b, c) = (PeerId::random(), PeerId::random(), PeerId::random());
		let say = |chains: &[u32]| chains.iter().map(|c| ChainId(*c)).collect::<Vec<_>>().encode();
		assert_eq!(on_notification_event(&peers, opened(a, say(&[1, 2]))), None);
		assert_eq!(on_notification_event(&peers, opened(b, say(&[2]))), None);
		assert_eq!(on_notification_event(&peers, opened(c, say(&[]))), None);
		assert_eq!(peers.of(ChainId(1)), [a]);
		assert_eq!(peers.of(ChainId(2)).len(), 2);
		assert!(peers.of(ChainId(3)).is_empty());
		on_notification_event(&peers, NotificationEvent::NotificationStreamClosed { peer: a });
		assert!(peers.of(ChainId(1)).is_empty());
		assert_eq!(peers.len(), 2);
	}

	#[test]
	fn malformed_handshakes_and_notifications_cost_reputation() {
		let peers = ServingPeers::default();
		let peer = PeerId::random();
		let good = vec![ChainId(1)].encode();
		let oversized = (0..65).map(ChainId).collect::<Vec<_>>().encode();
		assert_eq!(validated(peer, good), (ValidationResult::Accept, None));
		for bad in [vec![], vec![0xff; 10], oversized, vec![0; 5_000]] {
			assert_eq!(
				validated(peer, bad.clone()),
				(ValidationResult::Reject, Some((peer, BAD_HANDSHAKE)))
			);
			assert_eq!(
				on_notification_event(&peers, opened(peer, bad)),
				Some((peer, BAD_HANDSHAKE))
			);
		}
		assert!(peers.is_empty());
		let noise = NotificationEvent::NotificationReceived {
			peer,
			notification: vec![1],
		};
		assert_eq!(on_notification_event(&peers, noise), Some((peer, UNEXPECTED)));
	}
}
