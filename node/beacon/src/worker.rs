//! The task: follows root finality, talks to the other members, and brings what is due to the board.

use crate::{
	board::{Board, ClientBoard},
	inherent::SeedHandle,
	member::{lag, Effect, Identities, Member, ReadyHandle},
	metrics::Metrics,
	store::{Store, StoreError},
	wire::Channel,
	LOG_TARGET,
};
use asterism_primitives::{
	api::RootApi,
	beacon::{Attempt, BeaconApi},
	committee::Epoch,
	Hash, OpaqueBlock,
};
use codec::Encode;
use futures::{FutureExt, StreamExt};
use polkadot_sdk::{
	sc_client_api::BlockchainEvents, sc_transaction_pool_api::TransactionPool, sp_api::ProvideRuntimeApi,
	sp_blockchain::HeaderBackend, sp_keystore::KeystorePtr, substrate_prometheus_endpoint::Registry,
};
use rand::rngs::OsRng;
use std::{
	collections::HashMap,
	path::PathBuf,
	sync::Arc,
	time::{Duration, Instant},
};

/// How often what may have got lost is sent again while no block becomes final.
const TICK: Duration = Duration::from_secs(1);
/// How many messages are taken before the board is looked at again.
const MAX_BURST: usize = 256;
/// How long to wait before the same is submitted to the pool again.
const SUBMIT_AGAIN: Duration = Duration::from_secs(6);

/// What [`run_beacon`] needs.
pub struct BeaconParams<C, P, N> {
	/// The root chain's client.
	pub client: Arc<C>,
	/// Its pool.
	pub pool: Arc<P>,
	/// The channel among members of root committees.
	pub channel: N,
	/// Where the identity keys are.
	pub keystore: KeystorePtr,
	/// Where shares are kept, for this network alone.
	pub directory: PathBuf,
	/// Where the newest seed goes.
	pub seeds: SeedHandle,
	/// Where to register metrics.
	pub registry: Option<Registry>,
}

/// The beacon's task, ready to run.
pub struct Beacon<C, P, N> {
	client: Arc<C>,
	worker: Worker<ClientBoard<C, P>, N, KeystorePtr>,
}

/// Opens the share directory. The task that it returns runs until the client or the channel ends; the handle tells with which
/// sharing this node is ready.
///
/// # Errors
/// [`StoreError`] if the directory can't be had.
pub fn run_beacon<C, P, N>(
	params: BeaconParams<C, P, N>,
) -> Result<(impl std::future::Future<Output = ()> + Send, ReadyHandle), StoreError>
where
	C: ProvideRuntimeApi<OpaqueBlock>
		+ HeaderBackend<OpaqueBlock>
		+ BlockchainEvents<OpaqueBlock>
		+ Send
		+ Sync
		+ 'static,
	C::Api: BeaconApi<OpaqueBlock> + RootApi<OpaqueBlock>,
	P: TransactionPool<Block = OpaqueBlock> + 'static,
	N: Channel + 'static,
{
	let BeaconParams {
		client,
		pool,
		channel,
		keystore,
		directory,
		seeds,
		registry,
	} = params;
	let genesis: Hash = client.info().genesis_hash;
	let member = Member::new(genesis, keystore, Store::open(directory)?);
	let ready = member.ready();
	let board = ClientBoard::new(client.clone(), pool);
	let worker = Worker::new(board, channel, member, seeds, registry.as_ref());
	Ok((Beacon { client, worker }.run(), ready))
}

impl<C, P, N> Beacon<C, P, N>
where
	C: ProvideRuntimeApi<OpaqueBlock>
		+ HeaderBackend<OpaqueBlock>
		+ BlockchainEvents<OpaqueBlock>
		+ Send
		+ Sync
		+ 'static,
	C::Api: BeaconApi<OpaqueBlock> + RootApi<OpaqueBlock>,
	P: TransactionPool<Block = OpaqueBlock> + 'static,
	N: Channel + 'static,
{
	async fn run(mut self) {
		// The notifications are dropped at once: each pins its block.
		let mut finality = self
			.client
			.finality_notification_stream()
			.map(drop)
			.boxed()
			.fuse();
		drop(self.client);
		loop {
			self.worker.step().await;
			let ended = futures::select! {
				event = finality.next() => event.is_none(),
				message = self.worker.channel.receive().fuse() => match message {
					Some((from, bytes)) => {
						self.worker.receive(from, bytes).await;
						// Messages come in bursts: the board has not changed since.
						self.worker.drain().await;
						false
					}
					None => true,
				},
				_ = Box::pin(tokio::time::sleep(TICK)).fuse() => false,
			};
			if ended {
				log::debug!(target: LOG_TARGET, "client or channel has shut down, the beacon ends");
				return;
			}
		}
	}
}

/// What was submitted, and when.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Submission {
	Log(Attempt),
	Output(Epoch),
}

/// Joins a member with its board and its channel.
pub(crate) struct Worker<B, N, I> {
	board: B,
	channel: N,
	member: Member<I>,
	seeds: SeedHandle,
	metrics: Option<Metrics>,
	submitted: HashMap<Submission, Instant>,
	complained: Option<String>,
	/// The final block at which the last step was made, and when.
	stepped: Option<(asterism_primitives::BlockNumber, Instant)>,
}

impl<B: Board, N: Channel, I: Identities> Worker<B, N, I> {
	pub(crate) fn new(
		board: B,
		channel: N,
		member: Member<I>,
		seeds: SeedHandle,
		registry: Option<&Registry>,
	) -> Self {
		Worker {
			board,
			channel,
			member,
			seeds,
			metrics: Metrics::new(registry),
			submitted: HashMap::new(),
			complained: None,
			stepped: None,
		}
	}

	/// Looks at the board, if it may have changed or it is time to send again.
	async fn step(&mut self) {
		let view = match self.board.view() {
			Ok(view) => view,
			Err(error) => return self.complain(error.to_string()),
		};
		let due = self
			.stepped
			.is_none_or(|(finalized, at)| finalized != view.finalized || at.elapsed() >= TICK);
		if !due {
			return;
		}
		self.stepped = Some((view.finalized, Instant::now()));
		let mut effects = Vec::new();
		let result = self.member.step(&view, &self.board, &mut OsRng, &mut effects);
		self.perform(effects).await;
		match result {
			Ok(()) => self.complained = None,
			Err(error) => self.complain(error.to_string()),
		}
		if let Some(metrics) = &self.metrics {
			let newest = self.member.newest();
			metrics.round.set(newest.map_or(0, |seed| seed.round.into()));
			metrics.lag.set(lag(view.finalized, newest).into());
			metrics.signs.set(self.member.signs().into());
			let faults = self
				.member
				.faults()
				.values()
				.fold(0u64, |sum, count| sum.saturating_add(*count));
			metrics.faults.set(faults);
		}
	}

	async fn receive(&mut self, from: asterism_primitives::committee::MemberId, bytes: Vec<u8>) {
		let mut effects = Vec::new();
		let result = self.member.receive(from, &bytes, &mut OsRng, &mut effects);
		self.perform(effects).await;
		if let Err(error) = result {
			self.complain(error.to_string());
		}
	}

	/// Takes messages that are there already: so many that a member who sends without end doesn't keep it from its blocks.
	async fn drain(&mut self) {
		for _ in 0..MAX_BURST {
			let Some(Some((from, bytes))) = self.channel.receive().now_or_never() else {
				return;
			};
			self.receive(from, bytes).await;
		}
	}

	/// Logs a trouble, once until it changes.
	fn complain(&mut self, trouble: String) {
		if let Some(metrics) = &self.metrics {
			metrics.failures.inc();
		}
		if self.complained.as_ref() != Some(&trouble) {
			log::warn!(target: LOG_TARGET, "{trouble}");
			self.complained = Some(trouble);
		}
	}

	/// Whether this may be submitted now: the pool gets the same again only after a while.
	fn may_submit(&mut self, submission: Submission) -> bool {
		self.submitted.retain(|_, at| at.elapsed() < SUBMIT_AGAIN);
		if self.submitted.contains_key(&submission) {
			return false;
		}
		self.submitted.insert(submission, Instant::now());
		true
	}

	async fn perform(&mut self, effects: Vec<Effect>) {
		if let Some(seed) = self.member.newest() {
			self.seeds.set(seed);
		}
		for effect in effects {
			let result = match effect {
				Effect::Send(to, message) => {
					self.channel.send(&to, message.encode());
					Ok(())
				}
				Effect::PostLog {
					attempt,
					dealer,
					log,
					signature,
				} if self.may_submit(Submission::Log(attempt)) => {
					self.board.post_log(attempt, dealer, log, signature).await
				}
				Effect::PublishOutput { epoch, output } if self.may_submit(Submission::Output(epoch)) => {
					self.board.publish_output(epoch, output).await
				}
				_ => Ok(()),
			};
			if let Err(error) = result {
				// Somebody else may have been faster, or the final block is behind: it is tried again if not.
				log::debug!(target: LOG_TARGET, "{error}");
			}
		}
	}
}
