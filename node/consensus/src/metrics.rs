//! Prometheus metrics of consensus.

use polkadot_sdk::substrate_prometheus_endpoint::{
	register, Counter, Gauge, Histogram, HistogramOpts, PrometheusError, Registry, U64,
};

/// What an operator sees of consensus.
#[derive(Clone)]
pub struct Metrics {
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
	/// Contradictory votes that were found.
	pub evidence: Counter<U64>,
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
			evidence: Counter::new(
				"asterism_consensus_evidence",
				"Contradictory votes that were found",
			)?,
		};
		if let Some(registry) = registry {
			register(metrics.view.clone(), registry)?;
			register(metrics.nullified.clone(), registry)?;
			register(metrics.refused.clone(), registry)?;
			register(metrics.signers.clone(), registry)?;
			register(metrics.time_to_notarize.clone(), registry)?;
			register(metrics.time_to_finalize.clone(), registry)?;
			register(metrics.evidence.clone(), registry)?;
		}
		Ok(metrics)
	}
}
