//! Fetches what waits for this node's chain.
//!
//! # Specification
//!
//! On every final root block, for each source that the root chain has batches of waiting for this chain:
//! - what the chain has taken in (at its final block) leaves the pool;
//! - of the rest, the oldest [`MAX_PER_SOURCE`] batches are fetched: from the source
//!   chain if it runs in this process, else from up to [`PEERS_PER_ATTEMPT`] of its peers in random order;
//! - an answer is kept iff it proves the batch on record against the anchor in this node's final root state. A wrong
//!   answer costs the peer reputation, no answer costs nothing;
//! - an attempt in vain is repeated after a pause that doubles from one second to a minute.

use crate::{
	metrics::CourierMetrics,
	peers::ServingPeers,
	pool::{DeliveryPool, Verified, MAX_PER_SOURCE},
	protocol::{decode_response, DeliveryRequest, REQUEST_TIMEOUT},
	source::LocalSources,
	LOG_TARGET,
};
use asterism_primitives::{
	api::{MessagesApi, RootApi},
	protocol::channel::{BlockBatch, ChannelRecord},
	BlockNumber, ChainId, Hash, Nonce, OpaqueBlock,
};
use codec::Encode;
use futures::{future::BoxFuture, stream::FuturesUnordered, FutureExt, StreamExt};
use polkadot_sdk::{
	sc_client_api::BlockchainEvents,
	sc_network::{IfDisconnected, NetworkPeers, NetworkRequest, ProtocolName, ReputationChange},
	sc_network_types::PeerId,
	sp_api::{ApiError, ProvideRuntimeApi},
	sp_blockchain::HeaderBackend,
	substrate_prometheus_endpoint::Registry,
};
use rand::seq::SliceRandom;
use std::{
	collections::{BTreeMap, VecDeque},
	sync::Arc,
	time::Duration,
};
use tokio::time::{sleep_until, timeout, Instant};

/// Peers that one attempt asks, one after the other.
pub const PEERS_PER_ATTEMPT: usize = 3;
/// Deliveries that are fetched at the same time.
const MAX_FETCHES: usize = 32;
/// The first pause after an attempt in vain; the source may be a block behind.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause after attempts in vain.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How often to look for attempts that are due.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A peer's answer doesn't decode, or doesn't match the anchor.
pub const WRONG_ANSWER: ReputationChange = ReputationChange::new(-(1 << 14), "messages: wrong delivery");
/// A peer's answer was of use.
pub const GOOD_ANSWER: ReputationChange = ReputationChange::new(1 << 4, "messages: delivery");

/// Asks peers.
#[async_trait::async_trait]
pub trait PeerFetch: Send + Sync {
	/// Sends a peer an encoded [`DeliveryRequest`], and returns its answer.
	///
	/// # Errors
	/// Why there is none, for the log.
	async fn request(&self, peer: PeerId, request: Vec<u8>) -> Result<Vec<u8>, String>;

	/// Changes a peer's reputation.
	fn report(&self, peer: PeerId, change: ReputationChange);
}

/// Asks peers of the root network.
pub struct NetworkFetch<N> {
	network: N,
	protocol: ProtocolName,
}

impl<N> NetworkFetch<N> {
	/// Asks through this network service, under the name that [`DeliveryServer`](crate::DeliveryServer) answers to.
	pub fn new(network: N, protocol: ProtocolName) -> Self {
		NetworkFetch { network, protocol }
	}
}

#[async_trait::async_trait]
impl<N: NetworkRequest + NetworkPeers + Send + Sync> PeerFetch for NetworkFetch<N> {
	async fn request(&self, peer: PeerId, request: Vec<u8>) -> Result<Vec<u8>, String> {
		self.network
			.request(
				peer,
				self.protocol.clone(),
				request,
				None,
				IfDisconnected::ImmediateError,
			)
			.await
			.map(|(answer, _)| answer)
			.map_err(|error| error.to_string())
	}

	fn report(&self, peer: PeerId, change: ReputationChange) {
		self.network.report_peer(peer, change)
	}
}

/// What [`run_courier`] needs.
pub struct CourierParams<C, R, F> {
	/// The chain that messages are fetched for.
	pub chain: ChainId,
	/// Its client.
	pub client: Arc<C>,
	/// The root chain's client, in this process.
	pub root_client: Arc<R>,
	/// The chains that run in this process.
	pub sources: LocalSources,
	/// Who else runs which chain.
	pub peers: ServingPeers,
	/// Asks them.
	pub fetch: Arc<F>,
	/// Where to put what is verified; the chain's leader takes from it.
	pub pool: DeliveryPool,
	/// Where to register metrics.
	pub registry: Option<Registry>,
}

/// Fetches what waits for a chain, for as long as the root client runs. It calls runtimes: spawn it as a blocking
/// task.
pub async fn run_courier<C, R, F>(params: CourierParams<C, R, F>)
where
	C: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock>,
	C::Api: MessagesApi<OpaqueBlock>,
	R: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock> + BlockchainEvents<OpaqueBlock>,
	R::Api: RootApi<OpaqueBlock>,
	F: PeerFetch + 'static,
{
	// Only the news is kept of each notification: holding it would pin its block.
	let mut finality = params.root_client.finality_notification_stream().map(drop).fuse();
	let mut courier = Courier::new(params);
	courier.round();
	let mut look = Instant::now() + LOOK_EVERY;
	loop {
		futures::select! {
			news = finality.next() => match news {
				Some(()) => courier.round(),
				None => {
					log::debug!(target: LOG_TARGET, "root client has shut down, the courier ends");
					return;
				},
			},
			done = courier.fetches.select_next_some() => courier.fetched(done),
			_ = sleep_until(look).boxed().fuse() => {
				look = Instant::now() + LOOK_EVERY;
				if courier.is_due() {
					courier.round();
				}
			},
		}
	}
}

/// A batch that is to be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Want {
	source: ChainId,
	waiting: BlockBatch,
	outbox_root: Hash,
}

/// The batches on record that a chain which expects `expected` next has not taken in: the oldest ones.
fn wanted(expected: Nonce, record: &ChannelRecord) -> impl Iterator<Item = BlockBatch> + '_ {
	let new = move |waiting: &&BlockBatch| waiting.batch.end().is_ok_and(|end| end > expected);
	record.waiting.iter().filter(new).take(MAX_PER_SOURCE).copied()
}

/// How the attempts to fetch a batch went.
#[derive(Clone, Copy, Debug)]
enum Attempt {
	/// One is under way or about to start.
	Running { failures: u32 },
	/// The next is due then.
	Paused { failures: u32, until: Instant },
}

/// The end of an attempt.
struct Done {
	want: Want,
	started: Instant,
	delivery: Option<Verified>,
	wrong: u32,
}

struct Courier<C, R, F> {
	params: CourierParams<C, R, F>,
	metrics: Option<CourierMetrics>,
	attempts: BTreeMap<(ChainId, BlockNumber), Attempt>,
	queue: VecDeque<Want>,
	fetches: FuturesUnordered<BoxFuture<'static, Done>>,
}

impl<C, R, F> Courier<C, R, F>
where
	C: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock>,
	C::Api: MessagesApi<OpaqueBlock>,
	R: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock>,
	R::Api: RootApi<OpaqueBlock>,
	F: PeerFetch + 'static,
{
	fn new(params: CourierParams<C, R, F>) -> Self {
		let metrics = CourierMetrics::new(params.registry.as_ref());
		Courier {
			params,
			metrics,
			attempts: BTreeMap::new(),
			queue: VecDeque::new(),
			fetches: FuturesUnordered::new(),
		}
	}

	/// Whether an attempt that failed may be repeated now.
	fn is_due(&self) -> bool {
		let now = Instant::now();
		self.attempts
			.values()
			.any(|attempt| matches!(attempt, Attempt::Paused { until, .. } if *until <= now))
	}

	/// Looks up what waits, and starts to fetch it.
	fn round(&mut self) {
		if let Err(error) = self.look() {
			log::warn!(target: LOG_TARGET, "chain {}: can't find out what waits: {error}", self.params.chain);
		}
		self.start();
		if let Some(metrics) = &self.metrics {
			metrics.pooled.set(self.params.pool.len() as u64);
		}
	}

	fn look(&mut self) -> Result<(), ApiError> {
		let CourierParams {
			chain,
			client,
			root_client,
			pool,
			..
		} = &self.params;
		let (root, local) = (root_client.info().finalized_hash, client.info().finalized_hash);
		let (root_api, api) = (root_client.runtime_api(), client.runtime_api());
		for source in pool.sources() {
			pool.acknowledge(source, api.expected(local, source)?);
		}
		let now = Instant::now();
		let mut attempts = BTreeMap::new();
		for source in root_api.waiting_sources(root, *chain)? {
			let expected = api.expected(local, source)?;
			let record = root_api.channel(root, source, *chain)?;
			for waiting in wanted(expected, &record) {
				if pool.contains(source, waiting.batch.first_nonce) {
					continue;
				}
				let key = (source, waiting.number);
				let failures = match self.attempts.get(&key) {
					Some(attempt @ Attempt::Running { .. }) => {
						attempts.insert(key, *attempt);
						continue;
					}
					Some(attempt @ Attempt::Paused { until, .. }) if *until > now => {
						attempts.insert(key, *attempt);
						continue;
					}
					Some(Attempt::Paused { failures, .. }) => *failures,
					None => 0,
				};
				let Some(anchor) = root_api.anchor(root, source, waiting.number)? else {
					log::warn!(
						target: LOG_TARGET,
						"block {} of chain {source} has messages waiting but no anchor at the root chain",
						waiting.number
					);
					continue;
				};
				attempts.insert(key, Attempt::Running { failures });
				self.queue.push_back(Want {
					source,
					waiting,
					outbox_root: anchor.outbox_root,
				});
			}
		}
		// What is not waited for any more is forgotten, whatever came of it.
		self.queue
			.retain(|want| attempts.contains_key(&(want.source, want.waiting.number)));
		self.attempts = attempts;
		Ok(())
	}

	/// Starts fetches, as many as may run.
	fn start(&mut self) {
		while self.fetches.len() < MAX_FETCHES {
			let Some(want) = self.queue.pop_front() else {
				return;
			};
			let CourierParams {
				chain,
				sources,
				peers,
				fetch,
				..
			} = &self.params;
			let (sources, peers, fetch) = (sources.clone(), peers.clone(), fetch.clone());
			self.fetches
				.push(attempt(want, *chain, sources, peers, fetch).boxed());
		}
	}

	/// Takes note of an attempt's end.
	fn fetched(&mut self, done: Done) {
		let Done {
			want,
			started,
			delivery,
			wrong,
		} = done;
		let key = (want.source, want.waiting.number);
		let metrics = self.metrics.as_ref();
		if let Some(metrics) = metrics {
			metrics.wrong.inc_by(wrong.into());
		}
		match (delivery, self.attempts.get(&key).copied()) {
			(Some(delivery), Some(_)) => {
				log::debug!(
					target: LOG_TARGET,
					"fetched {} messages of block {} of chain {}",
					delivery.batch.count, want.waiting.number, want.source
				);
				self.params.pool.insert(delivery);
				self.attempts.remove(&key);
				if let Some(metrics) = metrics {
					metrics.fetched.inc();
					metrics.fetch_time.observe(started.elapsed().as_secs_f64());
				}
			}
			(None, Some(Attempt::Running { failures })) => {
				let until = Instant::now() + pause(failures);
				self.attempts.insert(
					key,
					Attempt::Paused {
						failures: failures.saturating_add(1),
						until,
					},
				);
				if let Some(metrics) = metrics {
					metrics.missed.inc();
				}
			}
			// It is not waited for any more.
			_ => {}
		}
		self.start();
		if let Some(metrics) = &self.metrics {
			metrics.pooled.set(self.params.pool.len() as u64);
		}
	}
}

/// How long to pause after an attempt in vain that comes after `failures` others.
fn pause(failures: u32) -> Duration {
	let factor = 1u32.checked_shl(failures.min(31)).unwrap_or(u32::MAX);
	FIRST_PAUSE
		.checked_mul(factor)
		.unwrap_or(LONGEST_PAUSE)
		.min(LONGEST_PAUSE)
}

/// Tries to fetch a batch once.
async fn attempt<F: PeerFetch>(
	want: Want,
	chain: ChainId,
	sources: LocalSources,
	peers: ServingPeers,
	fetch: Arc<F>,
) -> Done {
	let started = Instant::now();
	let Want {
		source,
		waiting: BlockBatch { number, batch },
		outbox_root,
	} = want;
	let verify = |delivery| Verified::verify(delivery, (source, number), chain, batch, outbox_root);
	let mut done = Done {
		want,
		started,
		delivery: None,
		wrong: 0,
	};

	if let Some(local) = sources.get(source) {
		match local.delivery(number, chain).map(|found| found.map(verify)) {
			Ok(Some(Ok(delivery))) => {
				done.delivery = Some(delivery);
				return done;
			}
			Ok(Some(Err(error))) => log::error!(
				target: LOG_TARGET,
				"this node's own chain {source} has another block {number} than the root chain: {error}"
			),
			Ok(None) => {}
			Err(error) => log::warn!(target: LOG_TARGET, "chain {source} in this process: {error}"),
		}
	}

	let mut candidates = peers.of(source);
	candidates.shuffle(&mut rand::thread_rng());
	let request = DeliveryRequest {
		source,
		number,
		destination: chain,
	}
	.encode();
	for peer in candidates.into_iter().take(PEERS_PER_ATTEMPT) {
		let answer = match timeout(REQUEST_TIMEOUT, fetch.request(peer, request.clone())).await {
			Ok(Ok(answer)) => answer,
			Ok(Err(error)) => {
				log::debug!(target: LOG_TARGET, "{peer} did not answer for block {number} of chain {source}: {error}");
				continue;
			}
			Err(_) => {
				log::debug!(target: LOG_TARGET, "{peer} took too long to answer for block {number} of chain {source}");
				continue;
			}
		};
		let verified = match decode_response(&answer) {
			Some(None) => continue,
			Some(Some(delivery)) => verify(delivery),
			None => Err(format!("{} bytes that are no delivery", answer.len())),
		};
		match verified {
			Ok(delivery) => {
				fetch.report(peer, GOOD_ANSWER);
				done.delivery = Some(delivery);
				return done;
			}
			Err(error) => {
				log::debug!(target: LOG_TARGET, "{peer} answered wrong for block {number} of chain {source}: {error}");
				fetch.report(peer, WRONG_ANSWER);
				done.wrong += 1;
			}
		}
	}
	done
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		mock::{outbox, MapSource, MockChain, MockRoot, B},
		protocol::ServedChains,
	};
	use asterism_primitives::{message::Delivery, protocol::channel::Batch};
	use parking_lot::Mutex;
	use std::collections::HashMap;

	const A: ChainId = ChainId(1);

	/// What peers answer, and what they were reported for.
	#[derive(Default)]
	struct MockPeers {
		answers: Mutex<HashMap<PeerId, Result<Vec<u8>, String>>>,
		asked: Mutex<Vec<PeerId>>,
		reports: Mutex<Vec<(PeerId, ReputationChange)>>,
	}

	#[async_trait::async_trait]
	impl PeerFetch for MockPeers {
		async fn request(&self, peer: PeerId, _: Vec<u8>) -> Result<Vec<u8>, String> {
			self.asked.lock().push(peer);
			let answer = self.answers.lock().get(&peer).cloned();
			match answer {
				Some(answer) => answer,
				// Silence.
				None => futures::future::pending().await,
			}
		}
		fn report(&self, peer: PeerId, change: ReputationChange) {
			self.reports.lock().push((peer, change));
		}
	}

	struct World {
		root: Arc<MockRoot>,
		chain: Arc<MockChain>,
		local: Arc<MapSource>,
		net: Arc<MockPeers>,
		courier: Courier<MockChain, MockRoot, MockPeers>,
	}

	fn world(batches: &[(BlockNumber, u32)]) -> (World, Vec<Delivery>) {
		let root = Arc::new(MockRoot::default());
		let chain = Arc::new(MockChain::default());
		let mut first = 0;
		let mut deliveries = Vec::new();
		for (number, count) in batches {
			let (outbox_root, delivery) = outbox(A, *number, first, *count);
			root.anchor(A, *number, outbox_root);
			root.record(
				A,
				*number,
				Batch {
					first_nonce: first,
					count: *count,
				},
			);
			deliveries.push(delivery);
			first += u64::from(*count);
		}
		let net = Arc::new(MockPeers::default());
		let params = CourierParams {
			chain: B,
			client: chain.clone(),
			root_client: root.clone(),
			sources: LocalSources::default(),
			peers: ServingPeers::default(),
			fetch: net.clone(),
			pool: DeliveryPool::default(),
			registry: Some(Registry::new()),
		};
		let local = Arc::new(MapSource::default());
		(
			World {
				root,
				chain,
				local,
				net,
				courier: Courier::new(params),
			},
			deliveries,
		)
	}

	impl World {
		/// A round, and all that it fetches.
		async fn round(&mut self) {
			self.courier.round();
			while let Some(done) = self.courier.fetches.next().await {
				self.courier.fetched(done);
			}
		}
		fn peer(&self, answer: Option<Vec<u8>>) -> PeerId {
			let peer = PeerId::random();
			self.courier
				.params
				.peers
				.insert(peer, ServedChains::truncate_from(vec![A]));
			if let Some(answer) = answer {
				self.net.answers.lock().insert(peer, Ok(answer));
			}
			peer
		}
		fn pooled(&self) -> Vec<BlockNumber> {
			self.courier
				.params
				.pool
				.available(A)
				.iter()
				.map(|item| item.number)
				.collect()
		}
	}

	#[tokio::test(start_paused = true)]
	async fn a_chain_of_this_process_is_read_directly() {
		let (mut world, deliveries) = world(&[(3, 2), (5, 1), (6, 4)]);
		world.courier.params.sources.insert(A, world.local.clone());
		for delivery in &deliveries[..2] {
			world
				.local
				.0
				.lock()
				.insert((delivery.number, B), delivery.clone());
		}
		world.round().await;
		assert_eq!(world.pooled(), [3, 5]);
		world.local.0.lock().insert((6, B), deliveries[2].clone());
		assert!(!world.courier.is_due());
		tokio::time::advance(FIRST_PAUSE).await;
		assert!(world.courier.is_due());
		world.round().await;
		assert_eq!(world.pooled(), [3, 5, 6]);
		// What the chain has taken in leaves the pool, and is not fetched again.
		world.chain.expect(A, 3);
		world.round().await;
		assert_eq!(world.pooled(), [6]);
		let metrics = world.courier.metrics.as_ref().unwrap();
		assert_eq!(
			(metrics.fetched.get(), metrics.missed.get(), metrics.pooled.get()),
			(3, 1, 1)
		);
		assert!(world.net.asked.lock().is_empty());
	}

	#[tokio::test(start_paused = true)]
	async fn peers_are_asked_until_one_tells_the_truth() {
		let (mut world, deliveries) = world(&[(3, 2)]);
		let mut forged = deliveries[0].clone();
		forged.messages[0].value += 1;
		let liar = world.peer(Some(Some(forged).encode()));
		let garbler = world.peer(Some(vec![7; 100]));
		world.round().await;
		assert!(world.pooled().is_empty());
		let mut reports = world.net.reports.lock().clone();
		reports.sort_by_key(|(peer, _)| *peer);
		let mut wrong = vec![(liar, WRONG_ANSWER), (garbler, WRONG_ANSWER)];
		wrong.sort_by_key(|(peer, _)| *peer);
		assert_eq!(reports, wrong);
		assert_eq!(world.courier.metrics.as_ref().unwrap().wrong.get(), 2);

		let honest = world.peer(Some(Some(deliveries[0].clone()).encode()));
		tokio::time::advance(FIRST_PAUSE).await;
		world.round().await;
		assert_eq!(world.pooled(), [3]);
		assert!(world.net.reports.lock().contains(&(honest, GOOD_ANSWER)));
	}

	#[tokio::test(start_paused = true)]
	async fn silent_and_ignorant_peers_cost_time_but_no_reputation() {
		let (mut world, _) = world(&[(3, 2)]);
		for _ in 0..10 {
			world.peer(None);
		}
		let ignorant = world.peer(Some(None::<Delivery>.encode()));
		world.net.answers.lock().insert(ignorant, Err("refused".into()));
		let start = Instant::now();
		world.round().await;
		assert!(start.elapsed() <= REQUEST_TIMEOUT * PEERS_PER_ATTEMPT as u32 + Duration::from_millis(10));
		assert_eq!(world.net.asked.lock().len(), PEERS_PER_ATTEMPT);
		assert!(world.net.reports.lock().is_empty());
		assert!(world.pooled().is_empty());
	}

	#[tokio::test(start_paused = true)]
	async fn attempts_in_vain_become_rare() {
		let (mut world, _) = world(&[(3, 2)]);
		world.peer(Some(None::<Delivery>.encode()));
		for _ in 0..100 {
			world.round().await;
			tokio::time::advance(Duration::from_secs(1)).await;
		}
		// At 0, 1, 3, 7, 15, 31 and 63 seconds.
		assert_eq!(world.net.asked.lock().len(), 7);
		// Acknowledged elsewhere: nothing is left of it.
		world.root.forget(A);
		world.round().await;
		assert!(world.courier.attempts.is_empty());
	}

	#[tokio::test(start_paused = true)]
	async fn a_long_backlog_is_fetched_from_its_old_end() {
		let batches: Vec<_> = (1..=200).map(|number| (number, 1)).collect();
		let (mut world, deliveries) = world(&batches);
		world.courier.params.sources.insert(A, world.local.clone());
		for delivery in &deliveries {
			world
				.local
				.0
				.lock()
				.insert((delivery.number, B), delivery.clone());
		}
		world.courier.round();
		assert_eq!(world.courier.fetches.len(), MAX_FETCHES);
		world.round().await;
		assert_eq!(world.pooled(), (1..=MAX_PER_SOURCE as u32).collect::<Vec<_>>());
		world.chain.expect(A, 10);
		world.round().await;
		assert_eq!(
			world.pooled(),
			(11..=MAX_PER_SOURCE as u32 + 10).collect::<Vec<_>>()
		);
	}

	#[tokio::test]
	async fn the_task_ends_with_the_root_client() {
		let (world, _) = world(&[(3, 2)]);
		// The mock's notification stream is closed from the start.
		tokio::spawn(run_courier(world.courier.params)).await.unwrap();
	}
}
