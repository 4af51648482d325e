//! The task: follows root finality, and brings what is due to the root pool.

use crate::{
	attempts::Outcome,
	metrics::Metrics,
	node::{Action, Keyring, Node, Notice, Step},
	root::{ClientRoot, RootChain, Submission},
	served::{ServedChains, Serving},
	view::{Fault, Reader, Shares, View},
	LOG_TARGET,
};
use asterism_beacon::ReadyHandle;
use asterism_checkpoints::RootPool;
use asterism_primitives::{
	api::RootApi,
	beacon::BeaconApi,
	election::{ElectionsApi, Readiness},
	offence::MisconductApi,
	OpaqueBlock,
};
use futures::{FutureExt, StreamExt};
use polkadot_sdk::{
	sc_client_api::BlockchainEvents, sp_api::ProvideRuntimeApi, sp_blockchain::HeaderBackend,
	sp_consensus::SyncOracle, sp_keystore::KeystorePtr, substrate_prometheus_endpoint::Registry,
};
use std::{collections::HashSet, sync::Arc, time::Duration};
use tokio::time::Instant;

/// How often to look while no root block becomes final.
const TICK: Duration = Duration::from_secs(1);
/// How many finality notifications that came together are answered by one look.
const MAX_BURST: usize = 1024;
/// How many faults are remembered, so that they are not logged again.
const MAX_FAULTS: usize = 1024;

/// What [`run_committees`] needs.
pub struct CommitteesParams<C, P, S> {
	/// The root chain's client.
	pub client: Arc<C>,
	/// Its pool.
	pub pool: Arc<P>,
	/// Tells whether it is syncing.
	pub sync: S,
	/// The root node's keystore: where identity and sortition keys are.
	pub keystore: KeystorePtr,
	/// The chains that this process serves. They may start later.
	pub served: ServedChains,
	/// Tells with which sharing of the beacon's key this node is ready; the default on a network without beacon.
	pub shares: ReadyHandle,
	/// Where to register metrics.
	pub registry: Option<Registry>,
}

/// Takes a node's part in elections, and reports misconduct, for as long as the root client runs.
pub async fn run_committees<C, P, S>(params: CommitteesParams<C, P, S>)
where
	C: ProvideRuntimeApi<OpaqueBlock>
		+ HeaderBackend<OpaqueBlock>
		+ BlockchainEvents<OpaqueBlock>
		+ Send
		+ Sync
		+ 'static,
	C::Api: RootApi<OpaqueBlock>
		+ ElectionsApi<OpaqueBlock>
		+ BeaconApi<OpaqueBlock>
		+ MisconductApi<OpaqueBlock>,
	P: RootPool + 'static,
	S: SyncOracle + Send + Sync + 'static,
{
	let CommitteesParams {
		client,
		pool,
		sync,
		keystore,
		served,
		shares,
		registry,
	} = params;
	// The notifications are dropped at once: each pins its block.
	let mut finality = client
		.finality_notification_stream()
		.map(drop)
		.ready_chunks(MAX_BURST)
		.boxed()
		.fuse();
	let root = ClientRoot::new(client, pool, sync);
	let mut worker = Worker::new(root, keystore, served, shares, registry.as_ref());
	loop {
		worker.step().await;
		let ended = futures::select! {
			event = finality.next() => event.is_none(),
			_ = Box::pin(tokio::time::sleep(TICK)).fuse() => false,
		};
		if ended {
			log::debug!(target: LOG_TARGET, "the client has shut down, the part in elections ends");
			return;
		}
	}
}

/// Joins a node with the root chain.
pub(crate) struct Worker<R, K, B> {
	root: R,
	reader: Reader<B>,
	node: Node<K>,
	metrics: Option<Metrics>,
	began: Instant,
	/// The trouble with reading that was logged last.
	complained: Option<String>,
	/// The faults that were logged.
	faults: HashSet<Fault>,
}

impl<R: RootChain, K: Keyring, B: Shares> Worker<R, K, B> {
	pub(crate) fn new(
		root: R,
		keyring: K,
		served: ServedChains,
		shares: B,
		registry: Option<&Registry>,
	) -> Self {
		Worker {
			root,
			reader: Reader::new(served, shares),
			node: Node::new(keyring),
			metrics: Metrics::new(registry),
			began: Instant::now(),
			complained: None,
			faults: HashSet::new(),
		}
	}

	/// One look at the root chain's final state, and what follows from it.
	pub(crate) async fn step(&mut self) {
		let identities = self.node.identities();
		let view = match self.reader.view(&self.root, identities) {
			Ok(view) => view,
			Err(error) => return self.complain(error.to_string()),
		};
		self.complained = None;
		self.note(&view);
		let Step { actions, notices } = self.node.step(&view, self.began.elapsed());
		tell(notices);
		for action in actions {
			let outcome = self.perform(&action).await;
			self.count(&action, &outcome);
			tell(self.node.outcome(&action, &outcome, self.began.elapsed()));
		}
	}

	/// Logs what makes no sense, once, and shows the figures.
	fn note(&mut self, view: &View) {
		if self.faults.len() >= MAX_FAULTS {
			self.faults.clear();
		}
		for fault in &view.faults {
			if self.faults.insert(fault.clone()) {
				log::warn!(target: LOG_TARGET, "{fault}");
			}
		}
		if let Some(metrics) = self.metrics.as_ref().filter(|_| !view.syncing) {
			metrics.open.set(view.open.len() as u64);
			metrics.seats.set(view.seats.len() as u64);
		}
	}

	/// Logs that the root chain can't be read, once until it can.
	fn complain(&mut self, trouble: String) {
		if let Some(metrics) = &self.metrics {
			metrics.failures.inc();
		}
		if self.complained.as_ref() != Some(&trouble) {
			log::warn!(target: LOG_TARGET, "{trouble}");
			self.complained = Some(trouble);
		}
	}

	async fn perform(&self, action: &Action) -> Outcome {
		let submission = match action {
			Action::Claim(claim, _) => Submission::Claim(claim.clone()),
			Action::Ready(readiness) => match self.sign(readiness) {
				Some(signature) => Submission::Ready(readiness.clone(), signature),
				None => {
					return Outcome::Failed(format!(
						"the keystore does not sign with the identity key of {}",
						readiness.member
					))
				}
			},
			Action::Report(report) => {
				Submission::Report(Box::new(report.evidence.clone()), report.reporter.clone())
			}
		};
		self.root.submit(submission).await
	}

	/// Signs with the keystore of the chain that the member serves.
	fn sign(&self, readiness: &Readiness) -> Option<[u8; 64]> {
		let Serving::Yes(served) = self.reader.served().get(readiness.chain) else {
			return None;
		};
		let statement = readiness.statement(self.root.genesis());
		served.keys.sign(readiness.member, &statement)
	}

	fn count(&self, action: &Action, outcome: &Outcome) {
		let Some(metrics) = &self.metrics else {
			return;
		};
		match (action, outcome) {
			(Action::Claim(..), Outcome::Taken) => metrics.claims.inc(),
			(Action::Ready(_), Outcome::Taken) => metrics.words.inc(),
			(Action::Report(_), Outcome::Taken) => metrics.reports.inc(),
			(Action::Ready(_) | Action::Report(_), Outcome::Refused(_) | Outcome::Failed(_)) => {
				metrics.refused.inc()
			}
			_ => {}
		}
	}
}

fn tell(notices: Vec<Notice>) {
	for notice in notices {
		log::log!(target: LOG_TARGET, notice.level(), "{notice}");
	}
}
