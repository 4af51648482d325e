//! Answers other nodes' requests for deliveries.
//!
//! # Specification
//!
//! - A request that is malformed, asks for a channel from a chain to itself, or comes from a peer beyond
//!   [`REQUESTS_PER_SECOND`], is refused and costs the peer reputation.
//! - A request for a chain that this node doesn't run, or a batch that it doesn't have at its final block, is
//!   answered with `None`: the asker may be ahead.

use crate::{
	metrics::ServerMetrics,
	protocol::{
		decode_request, messages_protocol, DeliveryRequest, MAX_REQUEST, MAX_RESPONSE, REQUEST_TIMEOUT,
	},
	source::LocalSources,
	LOG_TARGET,
};
use asterism_primitives::{message::Delivery, Hash, OpaqueBlock};
use codec::Encode;
use polkadot_sdk::{
	sc_network::{
		config::{IncomingRequest, OutgoingResponse},
		NetworkBackend, ProtocolName, ReputationChange,
	},
	sc_network_types::PeerId,
	substrate_prometheus_endpoint::Registry,
};
use std::{
	collections::HashMap,
	time::{Duration, Instant},
};

/// Requests that wait to be answered; more are dropped, which the asker sees as a failure.
const QUEUE: usize = 64;
/// Requests of one peer that are answered within a second.
pub const REQUESTS_PER_SECOND: u32 = 64;
/// Peers whose requests are counted. Beyond that, counting starts anew.
const COUNTED_PEERS: usize = 1_024;

/// A peer sent bytes that are no request.
pub const MALFORMED: ReputationChange = ReputationChange::new(-(1 << 12), "messages: malformed request");
/// A peer sent more requests than it may.
pub const FLOOD: ReputationChange = ReputationChange::new(-(1 << 8), "messages: too many requests");

/// Makes the request/response protocol on the root network: the server that answers, and its configuration, to be
/// given to the root network before it starts. `root_genesis` and `fork_id` are the root chain's.
pub fn request_response_config<N: NetworkBackend<OpaqueBlock, Hash>>(
	root_genesis: Hash,
	fork_id: Option<&str>,
	sources: LocalSources,
	registry: Option<&Registry>,
) -> (DeliveryServer, N::RequestResponseProtocolConfig) {
	let (sender, requests) = async_channel::bounded(QUEUE);
	let name = messages_protocol(root_genesis, fork_id);
	let config = N::request_response_config(
		name.clone(),
		Vec::new(),
		MAX_REQUEST,
		MAX_RESPONSE,
		REQUEST_TIMEOUT,
		Some(sender),
	);
	(DeliveryServer::new(name, requests, sources, registry), config)
}

/// Answers requests for deliveries of the chains that this node runs.
pub struct DeliveryServer {
	name: ProtocolName,
	requests: async_channel::Receiver<IncomingRequest>,
	sources: LocalSources,
	limits: Limits,
	metrics: Option<ServerMetrics>,
}

impl DeliveryServer {
	fn new(
		name: ProtocolName,
		requests: async_channel::Receiver<IncomingRequest>,
		sources: LocalSources,
		registry: Option<&Registry>,
	) -> Self {
		let metrics = ServerMetrics::new(registry);
		DeliveryServer {
			name,
			requests,
			sources,
			limits: Limits::default(),
			metrics,
		}
	}

	/// The protocol's name, which the courier sends its requests under.
	pub fn protocol_name(&self) -> ProtocolName {
		self.name.clone()
	}

	/// Answers until the network shuts down. It calls runtimes: spawn it as a blocking task.
	pub async fn run(mut self) {
		while let Ok(IncomingRequest {
			peer,
			payload,
			pending_response,
		}) = self.requests.recv().await
		{
			let response = match self.answer(peer, &payload, Instant::now()) {
				Ok(delivery) => OutgoingResponse {
					result: Ok(delivery.encode()),
					reputation_changes: Vec::new(),
					sent_feedback: None,
				},
				Err(change) => {
					log::debug!(target: LOG_TARGET, "refused a request of {peer}: {}", change.reason);
					OutgoingResponse {
						result: Err(()),
						reputation_changes: vec![change],
						sent_feedback: None,
					}
				}
			};
			if pending_response.send(response).is_err() {
				log::trace!(target: LOG_TARGET, "{peer} did not wait for its answer");
			}
		}
	}

	fn answer(
		&mut self,
		peer: PeerId,
		payload: &[u8],
		now: Instant,
	) -> Result<Option<Delivery>, ReputationChange> {
		let refuse = |change| {
			if let Some(metrics) = &self.metrics {
				metrics.refused.inc();
			}
			Err(change)
		};
		if !self.limits.admit(peer, now) {
			return refuse(FLOOD);
		}
		let Some(request) = decode_request(payload) else {
			return refuse(MALFORMED);
		};
		if request.source == request.destination {
			return refuse(MALFORMED);
		}
		let delivery = self.find(request);
		if let Some(metrics) = &self.metrics {
			if delivery.is_some() {
				&metrics.served
			} else {
				&metrics.unknown
			}
			.inc();
		}
		Ok(delivery)
	}

	fn find(
		&self,
		DeliveryRequest {
			source,
			number,
			destination,
		}: DeliveryRequest,
	) -> Option<Delivery> {
		self.sources
			.get(source)?
			.delivery(number, destination)
			.unwrap_or_else(|error| {
				log::warn!(target: LOG_TARGET, "can't answer for block {number} of chain {source}: {error}");
				None
			})
	}
}

/// Counts each peer's requests in the current second.
#[derive(Default)]
struct Limits(HashMap<PeerId, (Instant, u32)>);

impl Limits {
	fn admit(&mut self, peer: PeerId, now: Instant) -> bool {
		if self.0.len() >= COUNTED_PEERS && !self.0.contains_key(&peer) {
			self.0.clear();
		}
		let (since, count) = self.0.entry(peer).or_insert((now, 0));
		if now.saturating_duration_since(*since) >= Duration::from_secs(1) {
			(*since, *count) = (now, 0);
		}
		*count = count.saturating_add(1);
		*count <= REQUESTS_PER_SECOND
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		mock::{outbox, MapSource, B},
		protocol::decode_response,
	};
	use asterism_primitives::ChainId;
	use futures::channel::oneshot;
	use std::sync::Arc;

	fn server() -> (async_channel::Sender<IncomingRequest>, DeliveryServer, Delivery) {
		let (sender, requests) = async_channel::bounded(QUEUE);
		let (_, delivery) = outbox(ChainId(1), 7, 0, 2);
		let sources = LocalSources::default();
		let source = MapSource::default();
		source.0.lock().insert((7, B), delivery.clone());
		sources.insert(ChainId(1), Arc::new(source));
		let registry = Registry::new();
		let name = messages_protocol(Hash::zero(), None);
		(
			sender,
			DeliveryServer::new(name, requests, sources, Some(&registry)),
			delivery,
		)
	}

	async fn ask(
		sender: &async_channel::Sender<IncomingRequest>,
		peer: PeerId,
		payload: Vec<u8>,
	) -> OutgoingResponse {
		let (pending_response, response) = oneshot::channel();
		sender
			.send(IncomingRequest {
				peer,
				payload,
				pending_response,
			})
			.await
			.unwrap();
		response.await.unwrap()
	}

	fn request(source: u32, number: u32) -> Vec<u8> {
		DeliveryRequest {
			source: ChainId(source),
			number,
			destination: B,
		}
		.encode()
	}

	#[tokio::test]
	async fn it_answers_what_it_has_and_refuses_what_is_malformed() {
		let (sender, server, delivery) = server();
		let metrics = server.metrics.clone().unwrap();
		let task = tokio::spawn(server.run());
		let peer = PeerId::random();

		let good = ask(&sender, peer, request(1, 7)).await;
		assert_eq!(decode_response(&good.result.unwrap()), Some(Some(delivery)));
		assert!(good.reputation_changes.is_empty());
		for unknown in [request(1, 8), request(3, 7)] {
			let answer = ask(&sender, peer, unknown).await;
			assert_eq!(decode_response(&answer.result.unwrap()), Some(None));
			assert!(answer.reputation_changes.is_empty());
		}
		let oversized = vec![0; MAX_REQUEST as usize + 1];
		let trailing = [request(1, 7), vec![0]].concat();
		for bad in [vec![], vec![1, 2, 3], oversized, trailing, request(B.0, 7)] {
			let answer = ask(&sender, peer, bad).await;
			assert_eq!(answer.result, Err(()));
			assert_eq!(answer.reputation_changes, [MALFORMED]);
		}
		assert_eq!(
			(metrics.served.get(), metrics.unknown.get(), metrics.refused.get()),
			(1, 2, 5)
		);
		drop(sender);
		task.await.unwrap();
	}

	#[test]
	fn one_peer_cannot_flood() {
		let (_sender, mut server, _) = server();
		let (flooder, other, now) = (PeerId::random(), PeerId::random(), Instant::now());
		for _ in 0..REQUESTS_PER_SECOND {
			assert!(server.answer(flooder, &request(1, 7), now).is_ok());
		}
		assert_eq!(server.answer(flooder, &request(1, 7), now), Err(FLOOD));
		assert!(server.answer(other, &request(1, 7), now).is_ok());
		assert!(server
			.answer(flooder, &request(1, 7), now + Duration::from_secs(1))
			.is_ok());
		for _ in 0..2 * COUNTED_PEERS {
			server.limits.admit(PeerId::random(), now);
		}
		assert!(server.limits.0.len() <= COUNTED_PEERS);
	}
}
