//! What an operator can watch.

use crate::LOG_TARGET;
use polkadot_sdk::substrate_prometheus_endpoint::{register, Counter, Gauge, PrometheusError, Registry, U64};

/// The metrics of a node's part in elections.
#[derive(Clone)]
pub(crate) struct Metrics {
	/// Elections that take claims.
	pub open: Gauge<U64>,
	/// Seats of this node in next committees on record that are not ready.
	pub seats: Gauge<U64>,
	/// Claims that the root pool took.
	pub claims: Counter<U64>,
	/// Words of readiness that the root pool took.
	pub words: Counter<U64>,
	/// Reports of evidence that the root pool took.
	pub reports: Counter<U64>,
	/// Words and reports that were refused or could not be submitted. Not claims: a refused one would tell what was drawn.
	pub refused: Counter<U64>,
	/// Steps that failed.
	pub failures: Counter<U64>,
}

impl Metrics {
	pub(crate) fn new(registry: Option<&Registry>) -> Option<Self> {
		Self::register(registry?)
			.map_err(|error| log::warn!(target: LOG_TARGET, "metrics are not available: {error}"))
			.ok()
	}

	fn register(registry: &Registry) -> Result<Self, PrometheusError> {
		let gauge = |name, help| register(Gauge::new(name, help)?, registry);
		let counter = |name, help| register(Counter::new(name, help)?, registry);
		Ok(Metrics {
			open: gauge(
				"asterism_committees_elections_open",
				"Elections that take claims, at the newest final root block",
			)?,
			seats: gauge(
				"asterism_committees_seats",
				"Seats of this node in next committees that get ready",
			)?,
			claims: counter(
				"asterism_committees_claims",
				"Claims of this node that the root pool took",
			)?,
			words: counter(
				"asterism_committees_ready_words",
				"Words of readiness of this node that the root pool took",
			)?,
			reports: counter(
				"asterism_committees_evidence_reported",
				"Reports of evidence of this node that the root pool took",
			)?,
			refused: counter(
				"asterism_committees_refused",
				"Words of readiness and reports that were refused or could not be submitted",
			)?,
			failures: counter(
				"asterism_committees_failures",
				"Looks at the root chain's state that failed",
			)?,
		})
	}
}
