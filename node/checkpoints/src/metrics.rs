//! What an operator can watch.

use polkadot_sdk::substrate_prometheus_endpoint::{register, Counter, Gauge, PrometheusError, Registry, U64};

/// The submitter's metrics.
#[derive(Clone)]
pub(crate) struct Metrics {
	/// Checkpoints that the root pool took.
	pub submitted: Counter<U64>,
	/// Moves of the head after a submission of this node.
	pub accepted: Counter<U64>,
	/// Checkpoints that the root pool refused.
	pub refused: Counter<U64>,
	/// Final blocks that the root chain doesn't have yet.
	pub lag: Gauge<U64>,
}

impl Metrics {
	pub(crate) fn register(registry: &Registry) -> Result<Self, PrometheusError> {
		Ok(Metrics {
			submitted: register(
				Counter::new(
					"asterism_checkpoints_submitted",
					"Checkpoints that the root pool took",
				)?,
				registry,
			)?,
			accepted: register(
				Counter::new(
					"asterism_checkpoints_accepted",
					"Submissions of this node after which the root chain's head of this chain moved",
				)?,
				registry,
			)?,
			refused: register(
				Counter::new(
					"asterism_checkpoints_refused",
					"Checkpoints that the root pool refused",
				)?,
				registry,
			)?,
			lag: register(
				Gauge::new(
					"asterism_checkpoints_lag",
					"Final blocks that the root chain doesn't have yet",
				)?,
				registry,
			)?,
		})
	}
}
