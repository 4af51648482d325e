//! Which anchors the root chain keeps.
//!
//! # Specification
//!
//! An anchor is what the root chain remembers of one checkpointed block. It is kept while it is among the chain's
//! newest [`WINDOW`] blocks, or holds a batch that its destination hasn't acknowledged. So a destination may be down for
//! any time and still find the proof of every message sent to it, and yet the set is bounded:
//! at most [`WINDOW`] + ([`crate::channel::CAPACITY`] × destinations) for each chain.

use crate::types::BlockNumber;

/// How many of a chain's newest anchors the root chain keeps in any case.
pub const WINDOW: BlockNumber = 256;

/// Whether an anchor of block `number` with `unacknowledged` batches may be forgotten when the chain's newest
/// checkpointed block is `head`.
pub fn forgettable(number: BlockNumber, unacknowledged: u32, head: BlockNumber) -> bool {
	unacknowledged == 0 && head.saturating_sub(number) >= WINDOW
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn undelivered_anchors_stay_beyond_the_window() {
		assert!(!forgettable(10, 0, 10 + WINDOW - 1));
		assert!(forgettable(10, 0, 10 + WINDOW));
		assert!(!forgettable(10, 1, 10 + 100 * WINDOW));
	}
}
