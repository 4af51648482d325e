//! What an operator can watch.

use crate::LOG_TARGET;
use polkadot_sdk::substrate_prometheus_endpoint::{
	register, Counter, Gauge, Histogram, HistogramOpts, PrometheusError, Registry, U64,
};

/// The courier's metrics.
#[derive(Clone)]
pub(crate) struct CourierMetrics {
	/// Deliveries fetched and verified.
	pub fetched: Counter<U64>,
	/// Attempts that brought nothing.
	pub missed: Counter<U64>,
	/// Answers of peers that were wrong.
	pub wrong: Counter<U64>,
	/// Deliveries that wait to be taken in.
	pub pooled: Gauge<U64>,
	/// Seconds from the first attempt to the delivery.
	pub fetch_time: Histogram,
}

impl CourierMetrics {
	pub fn new(registry: Option<&Registry>) -> Option<Self> {
		available(registry, |registry| {
			Ok(CourierMetrics {
				fetched: counter(
					registry,
					"asterism_messages_fetched",
					"Deliveries fetched and verified",
				)?,
				missed: counter(
					registry,
					"asterism_messages_missed",
					"Attempts to fetch a delivery in vain",
				)?,
				wrong: counter(
					registry,
					"asterism_messages_wrong",
					"Wrong answers to requests for deliveries",
				)?,
				pooled: register(
					Gauge::new("asterism_messages_pooled", "Deliveries that wait to be taken in")?,
					registry,
				)?,
				fetch_time: register(
					Histogram::with_opts(HistogramOpts::new(
						"asterism_messages_fetch_seconds",
						"Time that a successful attempt to fetch a delivery took",
					))?,
					registry,
				)?,
			})
		})
	}
}

/// The server's metrics.
#[derive(Clone)]
pub(crate) struct ServerMetrics {
	/// Requests answered with a delivery.
	pub served: Counter<U64>,
	/// Requests for something that isn't here.
	pub unknown: Counter<U64>,
	/// Requests refused as malformed or too many.
	pub refused: Counter<U64>,
}

impl ServerMetrics {
	pub fn new(registry: Option<&Registry>) -> Option<Self> {
		available(registry, |registry| {
			Ok(ServerMetrics {
				served: counter(
					registry,
					"asterism_messages_served",
					"Requests answered with a delivery",
				)?,
				unknown: counter(
					registry,
					"asterism_messages_unknown",
					"Requests for deliveries that are not here",
				)?,
				refused: counter(
					registry,
					"asterism_messages_refused",
					"Requests malformed or over the limit",
				)?,
			})
		})
	}
}

fn counter(registry: &Registry, name: &str, help: &str) -> Result<Counter<U64>, PrometheusError> {
	register(Counter::new(name, help)?, registry)
}

fn available<M>(
	registry: Option<&Registry>,
	make: impl FnOnce(&Registry) -> Result<M, PrometheusError>,
) -> Option<M> {
	make(registry?)
		.map_err(|error| log::warn!(target: LOG_TARGET, "metrics are not available: {error}"))
		.ok()
}
