//! The task: observes, asks [`decide`], and submits.

use crate::{
	decide::{decide, Decision, Observation, Waiting, MAX_HEADERS},
	metrics::Metrics,
	Backoff, LOG_TARGET,
};
use asterism_primitives::{
	api::RootApi,
	certificate::{Certificate, CertificateKind, ENGINE_ID},
	digest::RootRef,
	epoch::ends_epoch,
	BlockNumber, ChainId, Hash, Header, OpaqueBlock,
};
use codec::{DecodeAll, MaxEncodedLen};
use futures::{stream, StreamExt};
use polkadot_sdk::{
	sc_client_api::{BlockBackend, BlockchainEvents},
	sc_transaction_pool_api::{
		error::{Error as PoolError, IntoPoolError},
		TransactionPool, TransactionSource,
	},
	sp_api::ProvideRuntimeApi,
	sp_blockchain::HeaderBackend,
	sp_consensus::SyncOracle,
	sp_runtime::OpaqueExtrinsic,
	substrate_prometheus_endpoint::Registry,
};
use rand::Rng;
use std::{sync::Arc, time::Duration};
use tokio::time::{sleep_until, Instant};

/// A submission is repeated after this time if the root chain's head has not moved: the pool may have dropped it.
pub const RESUBMIT_AFTER: Duration = Duration::from_secs(12);
/// The first pause after a refusal.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause after refusals in a row, and between two looks at the clients if neither says anything.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The pause before a pool that lags behind its chain is asked again.
const AGAIN_AFTER: Duration = Duration::from_millis(200);
/// How often to look while waiting for something that no notification announces.
const LOOK_EVERY: Duration = Duration::from_secs(6);

/// The root chain's transaction pool, as far as it matters here. Every [`TransactionPool`] is one.
#[async_trait::async_trait]
pub trait RootPool: Send + Sync {
	/// Submits an extrinsic that is valid upon the block `at`.
	///
	/// # Errors
	/// Why the pool refuses it.
	async fn submit(&self, at: Hash, extrinsic: OpaqueExtrinsic) -> Result<(), PoolError>;
}

#[async_trait::async_trait]
impl<P: TransactionPool<Block = OpaqueBlock>> RootPool for P {
	async fn submit(&self, at: Hash, extrinsic: OpaqueExtrinsic) -> Result<(), PoolError> {
		match self.submit_one(at, TransactionSource::Local, extrinsic).await {
			Ok(_) => Ok(()),
			Err(error) => Err(error
				.into_pool_error()
				.unwrap_or_else(|error| PoolError::InvalidBlockId(error.to_string()))),
		}
	}
}

/// What [`run_checkpoint_submitter`] needs.
pub struct CheckpointSubmitterParams<C, R, P, S> {
	/// The transaction chain.
	pub chain: ChainId,
	/// Its client.
	pub client: Arc<C>,
	/// The root chain's client, in this process.
	pub root_client: Arc<R>,
	/// The root chain's transaction pool.
	pub root_pool: Arc<P>,
	/// Tells whether the root client is syncing.
	pub root_sync: S,
	/// How long to leave a new checkpoint to others before submitting it: a member's place in the committee times a
	/// fraction of the block interval. With the same delay everywhere all members submit at once, which costs the
	/// root network's bandwidth; with one of many seconds a transfer takes longer while the earlier members are down.
	/// Up to a quarter is added at random. It is asked for each checkpoint, as committees change.
	pub delay: Arc<dyn Fn() -> Duration + Send + Sync>,
	/// Where to register metrics.
	pub registry: Option<Registry>,
}

/// The finalization certificate that the local chain holds for the block `hash`; `None` if it holds none, or one
/// that is malformed or for another block.
pub fn certificate_of<C: BlockBackend<OpaqueBlock>>(client: &C, hash: Hash) -> Option<Certificate> {
	let justifications = client.justifications(hash).ok()??;
	let encoded = justifications.get(ENGINE_ID)?;
	if encoded.len() > Certificate::max_encoded_len() {
		return None;
	}
	let certificate = Certificate::decode_all(&mut &encoded[..]).ok()?;
	(certificate.kind == CertificateKind::Finalization && certificate.block_hash == hash)
		.then_some(certificate)
}

/// Submits a transaction chain's checkpoints to the root pool for as long as the clients run.
pub async fn run_checkpoint_submitter<C, R, P, S>(params: CheckpointSubmitterParams<C, R, P, S>)
where
	C: HeaderBackend<OpaqueBlock> + BlockBackend<OpaqueBlock> + BlockchainEvents<OpaqueBlock>,
	R: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock> + BlockchainEvents<OpaqueBlock>,
	R::Api: RootApi<OpaqueBlock>,
	P: RootPool,
	S: SyncOracle,
{
	let mut events = events(&*params.client, &*params.root_client);
	let mut submitter = Submitter::new(params);
	loop {
		let next = submitter.round().await;
		futures::select! {
			event = events.next() => if event.is_none() {
				log::debug!(target: LOG_TARGET, "clients have shut down, submission of checkpoints ends");
				return;
			},
			_ = futures::FutureExt::fuse(Box::pin(sleep_until(next))) => {},
		}
	}
}

/// Something happened on one of the chains. The notifications themselves are dropped at once: each pins its block.
fn events<C, R>(client: &C, root_client: &R) -> impl futures::stream::FusedStream<Item = ()> + Unpin
where
	C: BlockchainEvents<OpaqueBlock>,
	R: BlockchainEvents<OpaqueBlock>,
{
	let local = client.finality_notification_stream().map(drop);
	let root = root_client
		.import_notification_stream()
		.filter_map(|block| futures::future::ready(block.is_new_best.then_some(())));
	let root_final = root_client.finality_notification_stream().map(drop);
	stream::select(local, stream::select(root.boxed(), root_final)).fuse()
}

/// A submission of this node.
#[derive(Clone, Copy, Debug)]
struct Submission {
	/// The head that it extends.
	head: RootRef,
	/// When the pool took it.
	at: Instant,
}

/// A chance to submit that is left to others for a while.
#[derive(Clone, Copy, Debug)]
struct Turn {
	/// The head that it starts from.
	head: RootRef,
	/// When it is this node's turn.
	at: Instant,
}

struct Submitter<C, R, P, S> {
	params: CheckpointSubmitterParams<C, R, P, S>,
	metrics: Option<Metrics>,
	submission: Option<Submission>,
	turn: Option<Turn>,
	backoff: Backoff,
	not_before: Option<Instant>,
	/// The trouble that was logged last, so that it isn't logged at every block.
	complained: Option<Trouble>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
	Conflict(RootRef),
	MissingCertificate(RootRef),
	UnknownChain,
}

/// Why a round failed.
#[derive(Debug, thiserror::Error)]
enum RoundError {
	#[error("root chain's runtime API: {0}")]
	Api(#[from] polkadot_sdk::sp_api::ApiError),
	#[error("client: {0}")]
	Client(#[from] polkadot_sdk::sp_blockchain::Error),
	#[error("final block {0} is missing from the local chain")]
	MissingBlock(BlockNumber),
	#[error("root pool refused the checkpoint: {0}")]
	Refused(String),
	#[error("root pool has not seen the newest root block yet")]
	Early,
}

impl<C, R, P, S> Submitter<C, R, P, S>
where
	C: HeaderBackend<OpaqueBlock> + BlockBackend<OpaqueBlock>,
	R: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock>,
	R::Api: RootApi<OpaqueBlock>,
	P: RootPool,
	S: SyncOracle,
{
	fn new(params: CheckpointSubmitterParams<C, R, P, S>) -> Self {
		let metrics = params.registry.as_ref().and_then(|registry| {
			Metrics::register(registry)
				.map_err(|error| log::warn!(target: LOG_TARGET, "metrics are not available: {error}"))
				.ok()
		});
		Submitter {
			params,
			metrics,
			submission: None,
			turn: None,
			backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
			not_before: None,
			complained: None,
		}
	}

	/// One look at both chains, and what follows from it. Returns when to look again if nothing happens before.
	async fn round(&mut self) -> Instant {
		let now = Instant::now();
		if let Some(pause) = self.not_before.filter(|pause| *pause > now) {
			return pause;
		}
		self.not_before = None;
		match self.try_round(now).await {
			Ok(next) => next,
			Err(RoundError::Early) => {
				let again = now + AGAIN_AFTER;
				self.not_before = Some(again);
				log::debug!(target: LOG_TARGET, "chain {}: {}", self.params.chain, RoundError::Early);
				again
			}
			Err(error) => {
				if matches!(error, RoundError::Refused(_)) {
					self.count(|metrics| metrics.refused.inc());
				}
				let pause = self.pause();
				log::warn!(
					target: LOG_TARGET,
					"chain {}: {error}; trying again in {} s",
					self.params.chain,
					pause.as_secs()
				);
				now + pause
			}
		}
	}

	async fn try_round(&mut self, now: Instant) -> Result<Instant, RoundError> {
		let at = self.params.root_client.info().best_hash;
		let seen = self.observe(at)?;
		self.note_progress(&seen);
		match decide(&seen) {
			Decision::Wait(waiting) => {
				let trouble = match (waiting, seen.head) {
					(Waiting::MissingCertificate, Some(head)) => Some(Trouble::MissingCertificate(head)),
					(Waiting::UnknownChain, _) => Some(Trouble::UnknownChain),
					_ => None,
				};
				if let Some(trouble) = trouble {
					self.complain(trouble);
				}
				Ok(now + LOOK_EVERY)
			}
			Decision::Conflict { head, local } => {
				if self.complain(Trouble::Conflict(head)) {
					log::error!(
						target: LOG_TARGET,
						"chain {}: the root chain's checkpoint #{} is {:?}, but this node's final block #{} is {local:?}. One \
						 of them is on a fork, nothing is submitted. Check that this node's chain spec is the one \
						 registered at the root chain; if it is, purge this chain's database and sync again",
						self.params.chain, head.number, head.hash, head.number,
					);
				}
				Ok(now + self.pause())
			}
			Decision::Submit { first, last } => {
				self.complained = None;
				let Some(head) = seen.head else {
					return Ok(now + LOOK_EVERY);
				};
				if let Some(submission) = self.submission.filter(|s| s.head == head) {
					let again = submission.at + RESUBMIT_AFTER;
					if now < again {
						return Ok(again);
					}
				}
				let turn = self.turn(head, now);
				if now < turn.at {
					return Ok(turn.at);
				}
				self.submit(at, head, first, last).await?;
				self.backoff.succeed();
				self.submission = Some(Submission {
					head,
					at: Instant::now(),
				});
				Ok(Instant::now() + RESUBMIT_AFTER)
			}
		}
	}

	fn observe(&self, at: Hash) -> Result<Observation, RoundError> {
		let CheckpointSubmitterParams {
			chain,
			client,
			root_client,
			root_sync,
			..
		} = &self.params;
		let finalized = client.info().finalized_number;
		let mut seen = Observation {
			root_syncing: root_sync.is_major_syncing(),
			head: root_client
				.runtime_api()
				.chain(at, *chain)?
				.map(|record| record.head),
			local_at_head: None,
			finalized,
			certified: Vec::new(),
		};
		let Some(head) = seen.head.filter(|_| !seen.root_syncing) else {
			return Ok(seen);
		};
		seen.local_at_head = client.hash(head.number)?;
		let Some(first) = head.number.checked_add(1) else {
			return Ok(seen);
		};
		let mut limit = finalized.min(head.number.saturating_add(MAX_HEADERS));
		// The next epoch's committee certifies nothing of this one: a checkpoint ends with the epoch.
		for number in first..=limit {
			let hash = client.hash(number)?.ok_or(RoundError::MissingBlock(number))?;
			let header = client.header(hash)?.ok_or(RoundError::MissingBlock(number))?;
			if ends_epoch(&header.digest).is_some() {
				limit = number;
				break;
			}
		}
		// From the newest down: the first certificate found is the one to submit with.
		for number in (first..=limit).rev() {
			let hash = client.hash(number)?.ok_or(RoundError::MissingBlock(number))?;
			if certificate_of(&**client, hash).is_some() {
				seen.certified = vec![false; (number - first) as usize];
				seen.certified.push(true);
				break;
			}
		}
		Ok(seen)
	}

	/// Brings metrics up to date, and forgets what belongs to an older head.
	fn note_progress(&mut self, seen: &Observation) {
		let Some(head) = seen.head else { return };
		self.count(|metrics| metrics.lag.set(seen.finalized.saturating_sub(head.number).into()));
		if let Some(submission) = self.submission.filter(|s| s.head != head) {
			if head.number > submission.head.number {
				self.count(|metrics| metrics.accepted.inc());
				log::debug!(target: LOG_TARGET, "chain {}: root chain has #{}", self.params.chain, head.number);
			}
			self.submission = None;
		}
	}

	/// When it is this node's turn to submit from `head`.
	fn turn(&mut self, head: RootRef, now: Instant) -> Turn {
		if let Some(turn) = self.turn.filter(|turn| turn.head == head) {
			return turn;
		}
		let delay = (self.params.delay)();
		let jitter = delay.mul_f64(rand::thread_rng().gen_range(0.0..=0.25));
		let turn = Turn {
			head,
			at: now + delay + jitter,
		};
		self.turn = Some(turn);
		turn
	}

	async fn submit(
		&mut self,
		at: Hash,
		head: RootRef,
		first: BlockNumber,
		last: BlockNumber,
	) -> Result<(), RoundError> {
		let CheckpointSubmitterParams {
			chain,
			client,
			root_client,
			root_pool,
			..
		} = &self.params;
		let mut headers: Vec<Header> = Vec::with_capacity((last - first + 1) as usize);
		for number in first..=last {
			let hash = client.hash(number)?.ok_or(RoundError::MissingBlock(number))?;
			headers.push(client.header(hash)?.ok_or(RoundError::MissingBlock(number))?);
		}
		let last_hash = headers
			.last()
			.map(|header| header.hash())
			.ok_or(RoundError::MissingBlock(last))?;
		let certificate = certificate_of(&**client, last_hash).ok_or(RoundError::MissingBlock(last))?;
		let extrinsic = root_client
			.runtime_api()
			.checkpoint_extrinsic(at, *chain, headers, certificate)?;
		match root_pool.submit(at, extrinsic).await {
			Ok(()) => {
				self.count(|metrics| metrics.submitted.inc());
				log::debug!(
					target: LOG_TARGET,
					"chain {}: submitted #{first} to #{last} upon #{}",
					self.params.chain,
					head.number
				);
				Ok(())
			}
			// Somebody else's submission from this head is in the pool, or, as the pool takes nothing back for a while that was
			// in a block, in one that is not the newest here yet: as good as ours.
			Err(
				PoolError::AlreadyImported(_)
				| PoolError::TooLowPriority { .. }
				| PoolError::TemporarilyBanned,
			) => Ok(()),
			// The pool maintains itself after the block's import: it is asked again when it has caught up.
			Err(PoolError::UnknownTransaction(_)) => Err(RoundError::Early),
			Err(error) => Err(RoundError::Refused(error.to_string())),
		}
	}

	fn pause(&mut self) -> Duration {
		let pause = self.backoff.fail();
		self.not_before = Some(Instant::now() + pause);
		pause
	}

	/// Logs a trouble unless it was the last one logged; whether it is new.
	fn complain(&mut self, trouble: Trouble) -> bool {
		if self.complained == Some(trouble) {
			return false;
		}
		self.complained = Some(trouble);
		let chain = self.params.chain;
		match trouble {
			Trouble::Conflict(_) => {}
			Trouble::MissingCertificate(head) => log::warn!(
				target: LOG_TARGET,
				"chain {chain}: none of the {MAX_HEADERS} blocks after the root chain's checkpoint #{} has a certificate in this \
				 node's database; another node must submit them",
				head.number,
			),
			Trouble::UnknownChain => log::warn!(
				target: LOG_TARGET,
				"chain {chain} is not registered at the root chain; waiting until it is",
			),
		}
		true
	}

	fn count(&self, update: impl FnOnce(&Metrics)) {
		if let Some(metrics) = &self.metrics {
			update(metrics)
		}
	}
}

#[cfg(test)]
mod tests;
