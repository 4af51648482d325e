//! The engine of one epoch, on commonware's runtime in a thread of its own.
//!
//! The vote journal lies under [`EngineParams::directory`], one partition an epoch. The engine syncs each vote to
//! it before sending, and replays it after a restart: a restarted member never contradicts itself.

use crate::{
	application::Mailbox,
	network::{LaneReceiver, LaneSender, MemberBlocker},
	scheme::{to_digest, Digest, Identity, Scheme},
};
use asterism_primitives::{committee::Epoch, Hash};
use commonware_consensus::{
	simplex::{
		config::{Config, Floor, ForwardingPolicy},
		elector::RoundRobin,
		types::{Activity, Context, Finalization},
		Engine, Plan,
	},
	types::{Epoch as EngineEpoch, ViewDelta},
	CertifiableAutomaton, Relay, Reporter,
};
use commonware_p2p::Blocker;
use commonware_parallel::Sequential;
use commonware_runtime::{buffer::paged::CacheRef, tokio, Runner, Spawner, Supervisor};
use futures::channel::oneshot;
use log::{error, info};
use std::{
	num::{NonZeroU16, NonZeroUsize},
	path::PathBuf,
	time::Duration,
};
use tracing::Instrument;

const LOG_TARGET: &str = "consensus";

/// Views below the final one that the engine remembers, so that late votes still count.
const ACTIVITY_VIEWS: u64 = 256;
/// A leader that was silent for so many of its views is skipped without waiting.
const SKIP_VIEWS: u64 = 32;

const MAILBOX: NonZeroUsize = NonZeroUsize::new(1024).unwrap();
pub(crate) const REPLAY_BUFFER: NonZeroUsize = NonZeroUsize::new(1024 * 1024).unwrap();
pub(crate) const WRITE_BUFFER: NonZeroUsize = NonZeroUsize::new(1024 * 1024).unwrap();
/// The size of a page of the vote journal, in bytes.
pub const PAGE_SIZE: NonZeroU16 = NonZeroU16::new(4096).unwrap();
/// How many pages of the vote journal are held in memory.
pub const PAGES: NonZeroUsize = NonZeroUsize::new(256).unwrap();
const FETCHES: NonZeroUsize = NonZeroUsize::new(4).unwrap();

/// How long the engine waits, from the block interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
	/// For the leader's proposal, from entering the view. The leader itself waits for the block interval, so less
	/// than that would skip honest leaders.
	pub leader: Duration,
	/// For the view to end, from entering it.
	pub certification: Duration,
	/// Before the vote to skip a view is repeated.
	pub retry: Duration,
	/// For an answer to a request for a certificate.
	pub fetch: Duration,
}

impl Timeouts {
	/// The waits for a block interval: it, and at least a second for building, sending and executing the block.
	pub fn new(interval: Duration) -> Self {
		let slack = interval.max(Duration::from_secs(1));
		Timeouts {
			leader: interval + slack,
			certification: interval + 2 * slack,
			retry: 2 * slack,
			fetch: slack,
		}
	}
}

/// What an engine starts from.
pub enum Start {
	/// The block that the epoch begins upon.
	Epoch(Hash),
	/// A block that was agreed on in this epoch.
	Agreed(Box<Finalization<Scheme, Digest>>),
}

/// The ends of the network that an engine uses.
pub struct EngineLanes {
	/// Votes.
	pub votes: (LaneSender, LaneReceiver),
	/// Certificates.
	pub certificates: (LaneSender, LaneReceiver),
	/// The resolver's requests.
	pub resolver: (LaneSender, LaneReceiver),
	/// Cuts members off.
	pub blocker: MemberBlocker,
}

/// What an engine needs.
pub struct EngineParams {
	/// The epoch.
	pub epoch: Epoch,
	/// Signs and verifies.
	pub scheme: Scheme,
	/// Where it starts.
	pub start: Start,
	/// The block interval.
	pub interval: Duration,
	/// Where the vote journal is.
	pub directory: PathBuf,
	/// The application.
	pub mailbox: Mailbox,
	/// The network.
	pub lanes: EngineLanes,
}

/// How long the tasks of an engine that was stopped may take to end; it is done at once.
const TASKS_END_WITHIN: Duration = Duration::from_secs(5);

/// Starts the engine. It stops when `stop` is dropped or fires; the returned future ends with it.
///
/// # Errors
/// If the thread can't be started.
pub fn start(
	params: EngineParams,
	stop: oneshot::Receiver<()>,
) -> std::io::Result<impl std::future::Future<Output = ()> + Send> {
	let (ended_sender, ended) = oneshot::channel::<()>();
	let span = tracing::Span::current();
	std::thread::Builder::new()
		.name("committee".into())
		.spawn(move || {
			// Dropped when the engine has ended, however it ends.
			let ended = ended_sender;
			let runtime = tokio::Config::new()
				.with_storage_directory(params.directory.clone())
				.with_worker_threads(2)
				.with_max_blocking_threads(16);
			let context =
				tokio::Runner::new(runtime).start(|context| run(context, params, stop).instrument(span));
			drop(ended);
			// Whoever drops the last context ends the runtime, which none of its own tasks may do. The engine's are dropped by
			// the runtime's threads as soon as they see that they are over.
			std::thread::sleep(TASKS_END_WITHIN);
			drop(context);
		})?;
	Ok(async move {
		let _ = ended.await;
	})
}

/// The name of the vote journal's partition.
pub(crate) fn partition(epoch: Epoch) -> String {
	format!("votes-{epoch}")
}

/// The epoch of the vote journal that is in a partition; `None` if it holds something else.
pub(crate) fn journal_epoch(partition: &str) -> Option<Epoch> {
	partition.strip_prefix("votes-")?.parse().ok()
}

/// The engine's configuration for an application: the same wherever it runs.
pub fn config<M, B>(
	epoch: Epoch,
	scheme: Scheme,
	start: Start,
	interval: Duration,
	mailbox: M,
	blocker: B,
	page_cache: CacheRef,
) -> Config<Scheme, RoundRobin, B, Digest, M, M, M, Sequential>
where
	M: CertifiableAutomaton<Context = Context<Digest, Identity>, Digest = Digest>
		+ Relay<Digest = Digest, PublicKey = Identity, Plan = Plan<Identity>>
		+ Reporter<Activity = Activity<Scheme, Digest>>
		+ Clone,
	B: Blocker<PublicKey = Identity>,
{
	let timeouts = Timeouts::new(interval);
	Config {
		scheme,
		elector: <RoundRobin>::default(),
		blocker,
		automaton: mailbox.clone(),
		relay: mailbox.clone(),
		reporter: mailbox,
		strategy: Sequential,
		partition: partition(epoch),
		mailbox_size: MAILBOX,
		epoch: EngineEpoch::new(epoch),
		floor: match start {
			Start::Epoch(hash) => Floor::Genesis(to_digest(hash)),
			Start::Agreed(finalization) => Floor::Finalized(*finalization),
		},
		replay_buffer: REPLAY_BUFFER,
		write_buffer: WRITE_BUFFER,
		page_cache,
		leader_timeout: timeouts.leader,
		certification_timeout: timeouts.certification,
		timeout_retry: timeouts.retry,
		activity_timeout: ViewDelta::new(ACTIVITY_VIEWS),
		skip_timeout: ViewDelta::new(SKIP_VIEWS),
		fetch_timeout: timeouts.fetch,
		fetch_concurrent: FETCHES,
		forwarding: ForwardingPolicy::SilentVoters,
	}
}

/// Runs an engine until it is told to stop. Returns a context of its runtime, which keeps that from ending.
async fn run(context: tokio::Context, params: EngineParams, stop: oneshot::Receiver<()>) -> tokio::Context {
	let EngineParams {
		epoch,
		scheme,
		start,
		interval,
		mailbox,
		lanes,
		..
	} = params;
	info!(target: LOG_TARGET, "🗳️ committee consensus of epoch {epoch} starts");
	let pages = CacheRef::from_pooler(&context, PAGE_SIZE, PAGES);
	let config = config(epoch, scheme, start, interval, mailbox, lanes.blocker, pages);
	let engine = Engine::new(context.child("simplex"), config);
	let handle = engine.start(lanes.votes, lanes.certificates, lanes.resolver);
	match futures::future::select(stop, handle).await {
		futures::future::Either::Left(_) => {
			// The journal is synchronized and closed.
			if let Err(e) = context.child("end").stop(0, Some(TASKS_END_WITHIN)).await {
				error!(target: LOG_TARGET, "committee consensus of epoch {epoch} does not end: {e}");
			}
		}
		futures::future::Either::Right((result, _)) => {
			error!(target: LOG_TARGET, "committee consensus has stopped: {result:?}");
		}
	}
	context
}

#[cfg(test)]
mod tests;
