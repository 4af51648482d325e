//! What a block takes in: functions of values.
//!
//! # Specification
//!
//! - **Contiguous.** From a source, the batches taken start with the nonce that the chain expects next, and each
//!   starts where the one before it ends.
//! - **Whole.** A batch is taken whole or not at all, because its proof is for the whole batch.
//! - **Within bounds.** The messages from a source are at most its *room*, those from all sources at most the block's
//!   *budget*, and the batches at most what a root view can prove.
//! - **Fair.** Which source comes first changes from block to block, so that a busy one can't keep the others out for
//!   ever.

use asterism_primitives::{protocol::channel::Batch, BlockNumber, ChainId, Nonce};

/// Messages that a block takes in from all sources together.
pub const BLOCK_BUDGET: u32 = 512;
/// Batches that a block takes in: the anchors that one root view proves.
pub const MAX_BATCHES: usize = 256;
/// Sources that a block takes from.
pub const MAX_SOURCES: usize = asterism_primitives::digest::MAX_PEERS as usize;

/// A batch that is at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Available {
	/// The source's block.
	pub number: BlockNumber,
	/// Its messages.
	pub batch: Batch,
}

/// Which of the available batches of one source to take: consecutive ones from `expected` on, with at most `room`
/// messages and at most `budget`. `available` is in ascending order of nonces; what is out of order, repeated or of
/// bad size ends the selection.
pub fn select(expected: Nonce, available: &[Available], room: u32, budget: u32) -> Vec<Available> {
	let mut left = room.min(budget);
	let mut next = expected;
	let mut taken = Vec::new();
	for item in available {
		let Ok(end) = item.batch.end() else { break };
		if end <= next {
			// Taken in before.
			continue;
		}
		if item.batch.first_nonce != next || item.batch.count > left {
			break;
		}
		left -= item.batch.count;
		next = end;
		taken.push(*item);
	}
	taken
}

/// What there is from one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
	/// The source.
	pub source: ChainId,
	/// The nonce that the chain expects from it next.
	pub expected: Nonce,
	/// How many messages from it the chain can take in.
	pub room: u32,
	/// The batches at hand, in ascending order of nonces.
	pub available: Vec<Available>,
}

/// Which batches a block takes in, in ascending order of sources and nonces. `turn` is the block's number: it
/// says which source is served first.
pub fn select_all(offers: &[Offer], budget: u32, turn: BlockNumber) -> Vec<(ChainId, Available)> {
	let mut order: Vec<&Offer> = offers.iter().collect();
	order.sort_by_key(|offer| offer.source);
	order.dedup_by_key(|offer| offer.source);
	if !order.is_empty() {
		let first = turn as usize % order.len();
		order.rotate_left(first);
	}
	let (mut left, mut sources) = (budget, 0);
	let mut taken: Vec<(ChainId, Available)> = Vec::new();
	for offer in order {
		let mut batches = select(offer.expected, &offer.available, offer.room, left);
		batches.truncate(MAX_BATCHES.saturating_sub(taken.len()));
		if batches.is_empty() {
			continue;
		}
		if sources == MAX_SOURCES {
			break;
		}
		sources += 1;
		left -= batches.iter().map(|item| item.batch.count).sum::<u32>();
		taken.extend(batches.into_iter().map(|item| (offer.source, item)));
	}
	taken.sort_by_key(|(source, item)| (*source, item.batch.first_nonce));
	taken
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;
	use std::collections::BTreeSet;

	fn item(number: BlockNumber, first_nonce: Nonce, count: u32) -> Available {
		Available {
			number,
			batch: Batch { first_nonce, count },
		}
	}

	#[test]
	fn it_takes_consecutive_batches_within_room_and_budget() {
		let available = [item(1, 0, 3), item(4, 3, 2), item(5, 5, 4)];
		assert_eq!(select(0, &available, 100, 100), available);
		assert_eq!(select(3, &available, 100, 100), available[1..]);
		assert_eq!(select(0, &available, 5, 100), available[..2]);
		assert_eq!(select(0, &available, 100, 8), available[..2]);
		assert_eq!(select(0, &available, 2, 100), []);
		assert_eq!(select(0, &available, 0, 100), []);
		assert_eq!(select(9, &available, 100, 100), []);
	}

	#[test]
	fn a_gap_or_an_overlap_ends_it() {
		assert_eq!(select(0, &[item(1, 1, 1)], 100, 100), []);
		assert_eq!(
			select(0, &[item(1, 0, 1), item(3, 2, 1)], 100, 100),
			[item(1, 0, 1)]
		);
		assert_eq!(select(1, &[item(1, 0, 3)], 100, 100), []);
		assert_eq!(select(u64::MAX, &[item(1, u64::MAX, 1)], 100, 100), []);
		assert_eq!(
			select(0, &[item(1, 0, 0), item(2, 0, 1)], 100, 100),
			[item(2, 0, 1)]
		);
	}

	#[test]
	fn sources_take_turns_when_the_budget_is_short() {
		let offer = |source| Offer {
			source: ChainId(source),
			expected: 0,
			room: 100,
			available: vec![item(1, 0, 6)],
		};
		let offers = [offer(1), offer(2), offer(3)];
		let served = |turn| -> Vec<u32> {
			select_all(&offers, 12, turn)
				.into_iter()
				.map(|(source, _)| source.0)
				.collect()
		};
		assert_eq!(
			(served(0), served(1), served(2)),
			(vec![1, 2], vec![2, 3], vec![1, 3])
		);
		assert!(select_all(&[], 12, 5).is_empty());
	}

	fn availables() -> impl Strategy<Value = Vec<Available>> {
		proptest::collection::vec((0u64..4, 0u32..260), 0..12).prop_map(|steps| {
			// Mostly consecutive, now and then a gap.
			let mut next = 0;
			steps
				.into_iter()
				.enumerate()
				.map(|(i, (skip, count))| {
					let first = next + skip.saturating_sub(2);
					next = first + u64::from(count);
					item(i as u32, first, count)
				})
				.collect()
		})
	}

	proptest! {
		#[test]
		fn a_selection_is_contiguous_in_order_and_within_bounds(
			available in availables(),
			at in 0usize..12,
			room in 0u32..1_000,
			budget in 0u32..1_000,
		) {
			let expected = available.get(at).map_or(0, |item| item.batch.first_nonce);
			let taken = select(expected, &available, room, budget);
			let mut next = expected;
			let mut sum = 0;
			for item in &taken {
				prop_assert!(available.contains(item));
				prop_assert_eq!(item.batch.first_nonce, next);
				next = item.batch.end().unwrap();
				sum += item.batch.count;
			}
			prop_assert!(sum <= room && sum <= budget);
			// And it is the longest such.
			let more = available.iter().find(|item| item.batch.first_nonce == next && item.batch.count > 0);
			if let Some(more) = more {
				let stopped = available.iter().position(|item| item == more).unwrap();
				let blocked = available[..stopped].iter().any(|item| {
					item.batch.end().unwrap() > next && item.batch.first_nonce != next
				});
				prop_assert!(blocked || sum + more.batch.count > room.min(budget));
			}
		}

		#[test]
		fn a_block_is_within_its_bounds(
			offers in proptest::collection::vec((availables(), 0u32..600), 0..80),
			budget in 0u32..2_000,
			turn in any::<u32>(),
		) {
			let offers: Vec<Offer> = offers
				.into_iter()
				.enumerate()
				.map(|(i, (available, room))| Offer { source: ChainId(i as u32 + 1), expected: 0, room, available })
				.collect();
			let taken = select_all(&offers, budget, turn);
			prop_assert!(taken.iter().map(|(_, item)| item.batch.count).sum::<u32>() <= budget);
			prop_assert!(taken.len() <= MAX_BATCHES);
			let sources: BTreeSet<ChainId> = taken.iter().map(|(source, _)| *source).collect();
			prop_assert!(sources.len() <= MAX_SOURCES);
			prop_assert!(taken.windows(2).all(|w| (w[0].0, w[0].1.batch.first_nonce) < (w[1].0, w[1].1.batch.first_nonce)));
			for source in sources {
				let offer = &offers[source.0 as usize - 1];
				let mine: Vec<Available> =
					taken.iter().filter(|(s, _)| *s == source).map(|(_, item)| *item).collect();
				let all = select(0, &offer.available, offer.room, u32::MAX);
				prop_assert!(all.starts_with(&mine));
			}
		}
	}
}
