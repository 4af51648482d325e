//! Exponential back-off.

use std::time::Duration;

/// How long to wait after failures in a row: doubling from a first to a longest pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
	first: Duration,
	longest: Duration,
	failures: u32,
}

impl Backoff {
	/// A back-off without a failure so far.
	pub const fn new(first: Duration, longest: Duration) -> Self {
		Backoff {
			first,
			longest,
			failures: 0,
		}
	}

	/// Counts a failure, and returns how long to wait now.
	pub fn fail(&mut self) -> Duration {
		let factor = 1u32.checked_shl(self.failures.min(31)).unwrap_or(u32::MAX);
		self.failures = self.failures.saturating_add(1);
		self.first
			.checked_mul(factor)
			.unwrap_or(self.longest)
			.min(self.longest)
	}

	/// Forgets the failures.
	pub fn succeed(&mut self) {
		self.failures = 0;
	}

	/// Failures since the last success.
	pub fn failures(&self) -> u32 {
		self.failures
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn pauses_double_up_to_the_longest() {
		let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
		let pauses: Vec<u64> = (0..8).map(|_| backoff.fail().as_secs()).collect();
		assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
		for _ in 0..100 {
			assert_eq!(backoff.fail().as_secs(), 60);
		}
		backoff.succeed();
		assert_eq!((backoff.failures(), backoff.fail().as_secs()), (0, 1));
	}
}
