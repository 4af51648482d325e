//! Where the application has its time and its tasks from: the node's process, or a simulation.

use futures::future::BoxFuture;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tracing::Instrument;

/// Time and tasks.
pub trait Host: Send + Sync + 'static {
	/// A clock that never goes back.
	fn instant(&self) -> Instant;

	/// The time in milliseconds since the Unix epoch.
	fn unix_millis(&self) -> u64;

	/// Waits for so long.
	fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

	/// Runs a task beside the others.
	fn spawn(&self, task: BoxFuture<'static, ()>);
}

/// The process, with tokio's runtime.
#[derive(Clone, Copy, Debug, Default)]
pub struct Process;

impl Host for Process {
	fn instant(&self) -> Instant {
		Instant::now()
	}

	fn unix_millis(&self) -> u64 {
		SystemTime::now()
			.duration_since(UNIX_EPOCH)
			.map_or(0, |d| d.as_millis() as u64)
	}

	fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
		Box::pin(tokio::time::sleep(duration))
	}

	/// Its log lines carry the same prefix as those of the task that spawns it.
	fn spawn(&self, task: BoxFuture<'static, ()>) {
		tokio::spawn(task.in_current_span());
	}
}
