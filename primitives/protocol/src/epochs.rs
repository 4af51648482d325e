//! When a chain asks for its next committee, and when its epoch ends (DESIGN §6, Thinkey §4.1).
//!
//! An epoch of `length` blocks or more: after a quarter of them a block says that the next committee is needed, which
//! leaves the rest for the election and for the elected to get ready. The block that completes the length says that it
//! is the epoch's last, if the next committee is ready; else a later one does. The old committee serves until then, so a
//! chain never stalls for lack of a successor.
//!
//! ```text
//!  start              start + length/4            start + length − 1, or later
//!    ├── blocks ──────── Signal ───── blocks ─────── End ┤ next epoch's start
//! ```

use crate::types::BlockNumber;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Counts a chain's committees, from 0 at genesis.
pub type Epoch = u64;

/// An epoch signals after one in so many of its blocks.
pub const SIGNAL_DIVISOR: BlockNumber = 4;

/// Where a chain stands in its epoch.
#[derive(
	Clone,
	Copy,
	Debug,
	Default,
	PartialEq,
	Eq,
	Hash,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct Progress {
	/// The epoch.
	pub epoch: Epoch,
	/// The height of its first block.
	pub start: BlockNumber,
	/// Whether it has asked for the next committee.
	pub signalled: bool,
}

/// What a block says of epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Turn {
	/// Nothing.
	None,
	/// The chain needs the committee of this epoch, the next one.
	Signal {
		/// The next epoch.
		next: Epoch,
	},
	/// This block is the last one of its epoch.
	End {
		/// The epoch of the block that follows.
		next: Epoch,
	},
}

/// What block `number` says, and where the chain stands after it. `length` is that of an epoch in blocks, 0 if the
/// epoch never ends. `ready` tells whether the committee of an epoch may take over; it is asked only if the answer matters.
///
/// A block says one thing at most, so an epoch that is overdue signals in one block and ends in a later one.
pub fn step(
	progress: Progress,
	number: BlockNumber,
	length: BlockNumber,
	ready: impl FnOnce(Epoch) -> bool,
) -> (Turn, Progress) {
	let Progress {
		epoch,
		start,
		signalled,
	} = progress;
	let (Some(next), false) = (epoch.checked_add(1), length == 0) else {
		return (Turn::None, progress);
	};
	// The number of the epoch's blocks, this one included.
	let blocks = number.saturating_sub(start).saturating_add(1);
	if !signalled {
		if blocks <= length / SIGNAL_DIVISOR {
			return (Turn::None, progress);
		}
		let signalled = Progress {
			signalled: true,
			..progress
		};
		return (Turn::Signal { next }, signalled);
	}
	// No block can follow the highest: it ends nothing.
	match number.checked_add(1) {
		Some(start) if blocks >= length && ready(next) => {
			let begun = Progress {
				epoch: next,
				start,
				signalled: false,
			};
			(Turn::End { next }, begun)
		}
		_ => (Turn::None, progress),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	/// The turns of the blocks 1, 2, ..., with whether the next committee is ready at each.
	fn run(length: BlockNumber, ready: impl IntoIterator<Item = bool>) -> Vec<Turn> {
		let mut progress = Progress {
			start: 1,
			..Default::default()
		};
		let turn = |(number, ready): (usize, bool)| {
			let (turn, next) = step(progress, number as u32 + 1, length, |_| ready);
			progress = next;
			turn
		};
		ready.into_iter().enumerate().map(turn).collect()
	}

	#[test]
	fn an_epoch_has_its_length_if_the_next_committee_is_ready() {
		let turns = run(8, [true; 16]);
		let mut expected = [Turn::None; 16];
		expected[2] = Turn::Signal { next: 1 };
		expected[7] = Turn::End { next: 1 };
		expected[10] = Turn::Signal { next: 2 };
		expected[15] = Turn::End { next: 2 };
		assert_eq!(turns, expected);
	}

	#[test]
	fn the_old_committee_serves_until_the_next_one_is_ready() {
		let turns = run(8, (1..=30).map(|number| number == 5 || number >= 21));
		let said: Vec<_> = (1..).zip(turns).filter(|(_, turn)| *turn != Turn::None).collect();
		assert_eq!(
			said,
			[
				(3, Turn::Signal { next: 1 }),
				(21, Turn::End { next: 1 }),
				(24, Turn::Signal { next: 2 }),
				(29, Turn::End { next: 2 }),
			]
		);
	}

	#[test]
	fn without_a_length_an_epoch_never_ends() {
		assert!(run(0, [true; 100]).iter().all(|turn| *turn == Turn::None));
	}

	#[test]
	fn the_ends_of_the_counters_end_nothing() {
		let last = Progress {
			epoch: Epoch::MAX,
			start: 0,
			signalled: false,
		};
		assert_eq!(step(last, 100, 4, |_| true), (Turn::None, last));
		let full = Progress {
			epoch: 0,
			start: 0,
			signalled: true,
		};
		assert_eq!(step(full, BlockNumber::MAX, 4, |_| true), (Turn::None, full));
		// A block below the epoch's start, which no chain has, is its first.
		let odd = Progress {
			epoch: 0,
			start: 100,
			signalled: false,
		};
		assert_eq!(step(odd, 7, 4, |_| true), (Turn::None, odd));
	}

	proptest! {
		/// Whatever becomes of elections: epochs follow each other without a gap, each with exactly one signal before its
		/// end, none is shorter than its length, none ends without a committee that is ready, and none goes on once the
		/// length is over and the committee is ready.
		#[test]
		fn signals_and_ends_alternate(
			length in 4u32..40,
			ready in proptest::collection::vec(any::<bool>(), 1..400),
		) {
			let (mut epoch, mut start, mut signalled) = (0, 1, None);
			for (i, turn) in run(length, ready.iter().copied()).into_iter().enumerate() {
				let number = i as u32 + 1;
				match turn {
					Turn::Signal { next } => {
						prop_assert_eq!((signalled, next), (None, epoch + 1));
						prop_assert_eq!(number, start + length / SIGNAL_DIVISOR);
						signalled = Some(number);
					},
					Turn::End { next } => {
						prop_assert!(signalled.is_some_and(|at| at < number));
						prop_assert!(ready[i] && number + 1 >= start + length);
						prop_assert_eq!(next, epoch + 1);
						(epoch, start, signalled) = (next, number + 1, None);
					},
					Turn::None => {
						let due = signalled.is_some() && number + 1 >= start + length;
						prop_assert!(!(due && ready[i]), "block {} ought to have ended its epoch", number);
						prop_assert!(signalled.is_some() || number < start + length / SIGNAL_DIVISOR);
					},
				}
			}
		}

		/// From any state whatsoever: no panic, the epoch moves only by an end, and a signal is never taken back within it.
		#[test]
		fn any_state_steps(
			epoch in any::<u64>(), start in any::<u32>(), signalled in any::<bool>(), number in any::<u32>(),
			length in any::<u32>(), ready in any::<bool>(),
		) {
			let before = Progress { epoch, start, signalled };
			let (turn, after) = step(before, number, length, |_| ready);
			match turn {
				Turn::None => prop_assert_eq!(after, before),
				Turn::Signal { next } => {
					prop_assert!(!signalled && length != 0);
					prop_assert_eq!((next - 1, after), (epoch, Progress { signalled: true, ..before }));
				},
				Turn::End { next } => {
					prop_assert!(signalled && ready && length != 0);
					let begun = Progress { epoch: next, start: number + 1, signalled: false };
					prop_assert_eq!((next - 1, after), (epoch, begun));
				},
			}
		}
	}
}
