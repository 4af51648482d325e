//! Prometheus metrics of consensus.

use polkadot_sdk::substrate_prometheus_endpoint::{
	register, Counter, Gauge, Histogram, HistogramOpts, PrometheusError, Registry, U64,
};

/// What an operator sees of consensus.
#[derive(Clone)]
pub struct Metrics {
	/// The epoch that this member serves in.
	pub epoch: Gauge<U64>,
	/// The newest view that ended.
	pub view: Gauge<U64>,
	/// Views that were skipped.
	pub nullified: Counter<U64>,
	/// Proposals that this member refused.
	pub refused: Counter<U64>,
	/// Members that signed the newest finalization.
	pub signers: Gauge<U64>,
	/// Seconds from a proposal's arrival to its notarization.
	pub time_to_notarize: Histogram,
	/// Seconds from a proposal's arrival to its finalization.
	pub time_to_finalize: Histogram,
	/// Members of this member's committees that are cut off, as their nodes are excluded.
	pub excluded: Gauge<U64>,
	/// Requests of members for blocks that were dropped: they asked for too much.
	pub dropped_requests: Counter<U64>,
	/// Blocks that were agreed on against a final one: more than a third of the committee is faulty.
	pub conflicts: Counter<U64>,
}

impl Metrics {
	/// Registers the metrics; without a registry they are counted and not shown.
	///
	/// # Errors
	/// [`PrometheusError`] if the registry has metrics of these names.
	pub fn new(registry: Option<&Registry>) -> Result<Self, PrometheusError> {
		let buckets = vec![
			0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0,
		];
		let histogram = |name: &str, help: &str| {
			Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.clone()))
		};
		let metrics = Metrics {
			epoch: Gauge::new("asterism_consensus_epoch", "Epoch that this member serves in")?,
			view: Gauge::new("asterism_consensus_view", "Newest view that ended")?,
			nullified: Counter::new("asterism_consensus_nullified_views", "Views that were skipped")?,
			refused: Counter::new(
				"asterism_consensus_refused_proposals",
				"Proposals that this member refused",
			)?,
			signers: Gauge::new(
				"asterism_consensus_signers",
				"Members that signed the newest finalization",
			)?,
			time_to_notarize: histogram(
				"asterism_consensus_time_to_notarize",
				"Seconds from a proposal's arrival to its notarization",
			)?,
			time_to_finalize: histogram(
				"asterism_consensus_time_to_finalize",
				"Seconds from a proposal's arrival to its finalization",
			)?,
			excluded: Gauge::new(
				"asterism_consensus_excluded_members",
				"Members of this member's committees that are cut off, as their nodes are excluded",
			)?,
			dropped_requests: Counter::new(
				"asterism_consensus_dropped_requests",
				"Requests of members for blocks that were dropped",
			)?,
			conflicts: Counter::new(
				"asterism_consensus_conflicting_finalizations",
				"Blocks that were agreed on against a final one",
			)?,
		};
		if let Some(registry) = registry {
			register(metrics.epoch.clone(), registry)?;
			register(metrics.view.clone(), registry)?;
			register(metrics.nullified.clone(), registry)?;
			register(metrics.refused.clone(), registry)?;
			register(metrics.signers.clone(), registry)?;
			register(metrics.time_to_notarize.clone(), registry)?;
			register(metrics.time_to_finalize.clone(), registry)?;
			register(metrics.excluded.clone(), registry)?;
			register(metrics.dropped_requests.clone(), registry)?;
			register(metrics.conflicts.clone(), registry)?;
		}
		Ok(metrics)
	}
}

/// What an operator sees of the broadcasting of blocks.
#[derive(Clone)]
pub struct BroadcastMetrics {
	/// Bodies sent to a peer that had not asked for them.
	pub sent: Counter<U64>,
	/// Peers that could not take a body in time, and were sent none.
	pub busy: Counter<U64>,
	/// Bodies that peers sent.
	pub received: Counter<U64>,
	/// Of these, those that were handed to the import queue.
	pub taken: Counter<U64>,
	/// Of these, those of blocks that were known already.
	pub redundant: Counter<U64>,
	/// Of these, those that were malformed, or whose certificate or body was wrong.
	pub refused: Counter<U64>,
	/// Of these, those beyond their sender's budget.
	pub flooded: Counter<U64>,
}

impl BroadcastMetrics {
	/// Registers the metrics; without a registry they are counted and not shown.
	///
	/// # Errors
	/// [`PrometheusError`] if the registry has metrics of these names.
	pub fn new(registry: Option<&Registry>) -> Result<Self, PrometheusError> {
		let counter = |name: &str, help: &str| {
			let counter = Counter::new(name, help)?;
			match registry {
				Some(registry) => register(counter, registry),
				None => Ok(counter),
			}
		};
		Ok(BroadcastMetrics {
			sent: counter("asterism_broadcast_sent", "Bodies of blocks pushed to a peer")?,
			busy: counter(
				"asterism_broadcast_busy",
				"Peers that were pushed no body for they could not take it",
			)?,
			received: counter(
				"asterism_broadcast_received",
				"Bodies of blocks that peers pushed",
			)?,
			taken: counter("asterism_broadcast_taken", "Pushed blocks that are imported")?,
			redundant: counter("asterism_broadcast_redundant", "Pushed blocks that were known")?,
			refused: counter(
				"asterism_broadcast_refused",
				"Pushed blocks that were malformed or wrong",
			)?,
			flooded: counter(
				"asterism_broadcast_flooded",
				"Pushed blocks beyond their sender's budget",
			)?,
		})
	}
}
