//! What an operator can watch.

use crate::LOG_TARGET;
use polkadot_sdk::substrate_prometheus_endpoint::{register, Counter, Gauge, PrometheusError, Registry, U64};

/// The beacon's metrics.
#[derive(Clone)]
pub(crate) struct Metrics {
	/// The round of the newest seed.
	pub round: Gauge<U64>,
	/// Final root blocks after the newest seed's round.
	pub lag: Gauge<U64>,
	/// Whether this node holds a share for the current epoch.
	pub signs: Gauge<U64>,
	/// What members did wrong in this epoch.
	pub faults: Gauge<U64>,
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
		Ok(Metrics {
			round: gauge("asterism_beacon_round", "Round of the newest seed")?,
			lag: gauge(
				"asterism_beacon_lag",
				"Final root blocks after the round of the newest seed",
			)?,
			signs: gauge(
				"asterism_beacon_signs",
				"1 if this node holds a share of the group key for the current epoch",
			)?,
			faults: gauge(
				"asterism_beacon_faults",
				"Wrong messages of members of root committees since the epoch began",
			)?,
			failures: register(
				Counter::new("asterism_beacon_failures", "Steps of the beacon that failed")?,
				registry,
			)?,
		})
	}
}
