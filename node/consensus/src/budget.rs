//! How much a peer may ask of this node, or send to it: token buckets over an injected time.
//!
//! # Specification
//!
//! - A [`Bucket`] holds at most `burst` tokens and regains `rate` of them a second. What is taken within any time span
//!   is at most `burst` plus `rate` times the span, exactly: it counts in billionths, without rounding.
//! - A [`Budget`] is a bucket of messages and a bucket of bytes.

use std::time::Instant;

/// Billionths of a token in a token: one comes back in a nanosecond at a rate of one a second.
const NANO: u128 = 1_000_000_000;

/// Tokens that come back at a steady rate, up to a bound.
#[derive(Clone, Debug)]
pub struct Bucket {
	/// Tokens a second.
	rate: u64,
	/// Tokens in a full bucket.
	burst: u64,
	/// Billionths of a token that are missing.
	missing: u128,
	/// When that was reckoned.
	at: Option<Instant>,
}

impl Bucket {
	/// A full bucket of `burst` tokens, which regains `rate` tokens a second.
	pub const fn new(rate: u64, burst: u64) -> Self {
		Bucket {
			rate,
			burst,
			missing: 0,
			at: None,
		}
	}

	/// Takes `amount` tokens, or nothing if there are fewer; whether they were taken. A time before an earlier call's
	/// counts as that one's.
	pub fn take(&mut self, amount: u64, now: Instant) -> bool {
		let since = self.at.unwrap_or(now);
		let regained = now
			.saturating_duration_since(since)
			.as_nanos()
			.saturating_mul(u128::from(self.rate));
		self.missing = self.missing.saturating_sub(regained);
		self.at = Some(since.max(now));
		// Both products are below 2^94.
		let missing = self.missing.saturating_add(u128::from(amount) * NANO);
		let granted = missing <= u128::from(self.burst) * NANO;
		if granted {
			self.missing = missing;
		}
		granted
	}
}

/// The bounds of a [`Budget`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
	/// Messages a second.
	pub messages: u64,
	/// Messages at once.
	pub messages_burst: u64,
	/// Bytes a second.
	pub bytes: u64,
	/// Bytes at once.
	pub bytes_burst: u64,
}

/// What one peer may still ask for or send.
#[derive(Clone, Debug)]
pub struct Budget {
	messages: Bucket,
	bytes: Bucket,
}

impl Budget {
	/// A budget of which nothing is spent.
	pub const fn new(limit: Limit) -> Self {
		Budget {
			messages: Bucket::new(limit.messages, limit.messages_burst),
			bytes: Bucket::new(limit.bytes, limit.bytes_burst),
		}
	}

	/// Spends one message; whether there was one left.
	pub fn take_message(&mut self, now: Instant) -> bool {
		self.messages.take(1, now)
	}

	/// Spends bytes; whether there were so many left.
	pub fn take_bytes(&mut self, bytes: usize, now: Instant) -> bool {
		self.bytes.take(u64::try_from(bytes).unwrap_or(u64::MAX), now)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;
	use std::time::Duration;

	#[test]
	fn a_full_bucket_gives_its_burst_and_then_its_rate() {
		let start = Instant::now();
		let mut bucket = Bucket::new(3, 5);
		let at = |millis| start + Duration::from_millis(millis);
		assert_eq!((0..10).filter(|_| bucket.take(1, start)).count(), 5);
		// A third of a second a token, less one nanosecond.
		assert!(!bucket.take(1, at(333)));
		assert!(bucket.take(1, at(334)));
		assert!(!bucket.take(1, at(334)));
		assert!(bucket.take(2, at(1_000)));
		assert!(!bucket.take(1, at(1_000)));
		// It never holds more than its burst.
		assert!(!bucket.take(6, at(1_000_000)));
		assert!(bucket.take(5, at(1_000_000)));
		assert!(!bucket.take(1, at(1_000_000)));
		// Time does not run backwards.
		assert!(!bucket.take(1, start));
		assert!(!bucket.take(1, at(1_000_000)));
		assert!(bucket.take(0, start));
	}

	#[test]
	fn extremes_neither_overflow_nor_open_the_bucket() {
		let start = Instant::now();
		let later = start + Duration::from_secs(1 << 30);
		let mut huge = Bucket::new(u64::MAX, u64::MAX);
		assert!(huge.take(u64::MAX, start) && !huge.take(1, start));
		assert!(huge.take(u64::MAX, later));
		let mut closed = Bucket::new(0, 0);
		assert!(!closed.take(1, start) && !closed.take(1, later));
		let mut once = Bucket::new(0, 1);
		assert!(once.take(1, start) && !once.take(1, later));
		assert!(!once.take(u64::MAX, later));
	}

	#[test]
	fn messages_and_bytes_are_counted_apart() {
		let now = Instant::now();
		let mut budget = Budget::new(Limit {
			messages: 1,
			messages_burst: 2,
			bytes: 10,
			bytes_burst: 100,
		});
		assert!(budget.take_bytes(100, now) && !budget.take_bytes(1, now));
		assert!(budget.take_message(now) && budget.take_message(now) && !budget.take_message(now));
		let later = now + Duration::from_secs(1);
		assert!(budget.take_message(later) && !budget.take_message(later));
		assert!(!budget.take_bytes(11, later) && budget.take_bytes(10, later));
		assert!(!budget.take_bytes(usize::MAX, later));
	}

	proptest! {
		/// What is taken in any span is within burst + rate · span; and a bucket that was left alone long enough is full.
		#[test]
		fn no_span_gives_more_than_burst_and_rate(
			rate in 1u64..1_000,
			burst in 1u64..1_000,
			steps in proptest::collection::vec((0u64..2_000, 0u64..200), 1..100),
		) {
			let start = Instant::now();
			let mut bucket = Bucket::new(rate, burst);
			let mut millis = 0;
			let mut taken: Vec<(u64, u64)> = Vec::new();
			for (wait, amount) in steps {
				millis += wait;
				if bucket.take(amount, start + Duration::from_millis(millis)) {
					taken.push((millis, amount));
				}
			}
			for (i, (from, _)) in taken.iter().enumerate() {
				let mut sum = 0;
				for (to, amount) in &taken[i..] {
					sum += amount;
					prop_assert!(sum * 1_000 <= burst * 1_000 + rate * (to - from));
				}
			}
			let full = start + Duration::from_millis(millis) + Duration::from_secs(burst);
			prop_assert!(bucket.take(burst, full));
		}
	}
}
