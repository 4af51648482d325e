//! Who is elected, in private: a node draws a number from the election's seed by its VRF, and is elected if the number
//! is small enough for its weight (Thinkey §4.1, DESIGN §6). Nobody else can draw it, anybody can check it.
//!
//! # Overview
//!
//! A node of weight `w`, out of a total `W`, for a committee of `n` expected members, has the [share] `min(n·w, W)` of
//! `W`: it is elected with probability `share / W`, so the expected number of elected nodes is at most `n`, and each
//! node's expectation is proportional to its weight. With the drawn number `o`, uniform in 0..2^128, it is
//!
//! - elected if `o / 2^128 < share / W`;
//! - on standby if `o / 2^128 <` [`STANDBY`] `· share / W`: it may fill up a committee that too few came forward for;
//! - nothing otherwise.
//!
//! Its score is `o / share`, the lower the better: what a node needs to be elected is a score below one bound that is the
//! same for all. All of it is integer arithmetic of 256 bits, without any rounding: every node agrees on each verdict.
//!
//! # Fairness
//!
//! A weight that is spread over many nodes draws as many members on average as in one node: `k` shares of `n·w/(k·W)`
//! add up to `n·w/W`. Only one thing differs. A node is a member once, so a weight above `W/n` gains nothing more for
//! this node, neither in probability nor in score; its owner gets back to proportionality, and never beyond, by
//! registering several.

use core::cmp::Ordering;
use primitive_types::U256;

/// How many times the score of the elected a node on standby may have.
pub const STANDBY: u32 = 3;

/// What a drawn number is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
	/// The node is elected.
	Elected,
	/// The node may fill up a committee of too few.
	Standby,
	/// Neither.
	Neither,
}

/// The numerator of the probability of a node to be elected; `total` is the denominator. It is
/// `min(expected · weight, total)`: no probability is above 1.
///
/// - `weight`: the node's, in any unit;
/// - `total`: all nodes' weight in the same unit;
/// - `expected`: how many members are wanted.
pub fn share(weight: u128, total: u128, expected: u32) -> u128 {
	weight.saturating_mul(expected.into()).min(total)
}

/// What the number `output` is good for, drawn by a node with this [`share`] of `total`. A share above `total` counts
/// as `total`; a share of nothing, or of a total of nothing, is never good for anything.
pub fn standing(output: u128, share: u128, total: u128) -> Standing {
	// output · total < share · 2^128, exactly: the lower 128 bits of the left side can't change the verdict. Neither
	// side overflows 256 bits, even with three times the share.
	let drawn = (U256::from(output) * U256::from(total)) >> 128;
	let share = U256::from(share.min(total));
	if drawn < share {
		Standing::Elected
	} else if drawn < share * U256::from(STANDBY) {
		Standing::Standby
	} else {
		Standing::Neither
	}
}

/// A drawn number with the [`share`] that it was drawn for: what candidates are ranked by.
#[derive(Clone, Copy, Debug)]
pub struct Ticket {
	output: u128,
	share: u128,
}

impl Ticket {
	/// The ticket of `output` for a `share`; `None` for a share of nothing, which has no score.
	pub fn new(output: u128, share: u128) -> Option<Self> {
		(share > 0).then_some(Ticket { output, share })
	}

	/// Compares the scores `output / share`, exactly. `Less` is the better ticket.
	pub fn compare(&self, other: &Self) -> Ordering {
		let left = U256::from(self.output) * U256::from(other.share);
		let right = U256::from(other.output) * U256::from(self.share);
		left.cmp(&right)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	#[test]
	fn the_threshold_is_exact() {
		// One in four: elected below 2^126, on standby below 3 · 2^126.
		let quarter = 1u128 << 126;
		let share_1 = share(5, 40, 2);
		assert_eq!(share_1, 10);
		assert_eq!(standing(0, share_1, 40), Standing::Elected);
		assert_eq!(standing(quarter - 1, share_1, 40), Standing::Elected);
		assert_eq!(standing(quarter, share_1, 40), Standing::Standby);
		assert_eq!(standing(3 * quarter - 1, share_1, 40), Standing::Standby);
		assert_eq!(standing(3 * quarter, share_1, 40), Standing::Neither);
		// One in three: 2^128 / 3 is no integer, the largest output below it is elected and the next isn't.
		let third = u128::MAX / 3;
		assert_eq!(standing(third, 1, 3), Standing::Elected);
		assert_eq!(standing(third + 1, 1, 3), Standing::Standby);
	}

	#[test]
	fn edges() {
		// Nothing is never elected, not even by the best number, nor out of nothing.
		assert_eq!(standing(0, share(0, 10, 4), 10), Standing::Neither);
		assert_eq!(standing(0, share(0, 0, 4), 0), Standing::Neither);
		assert_eq!(standing(0, share(7, 0, 4), 0), Standing::Neither);
		assert_eq!(standing(0, share(7, 10, 0), 10), Standing::Neither);
		// A weight of the whole, and more, is always elected.
		assert_eq!(standing(u128::MAX, share(10, 10, 1), 10), Standing::Elected);
		assert_eq!(share(u128::MAX, u128::MAX, u32::MAX), u128::MAX);
		assert_eq!(standing(u128::MAX, u128::MAX, u128::MAX), Standing::Elected);
		assert_eq!(standing(u128::MAX, u128::MAX - 1, u128::MAX), Standing::Standby);
		assert!(Ticket::new(3, 0).is_none());
	}

	#[test]
	fn a_weight_above_the_cap_gains_nothing() {
		// 25 of 100 for 4 members is certain; 90 of 100 is no better, in score neither.
		assert_eq!(share(25, 100, 4), share(90, 100, 4));
		let ticket = |weight, output| Ticket::new(output, share(weight, 100, 4)).unwrap();
		assert_eq!(ticket(25, 7).compare(&ticket(90, 7)), Ordering::Equal);
		assert_eq!(ticket(24, 7).compare(&ticket(25, 7)), Ordering::Greater);
	}

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(2_000))]

		/// The verdict is that of exact fractions, computed another way: by long division of share · 2^128 by total.
		#[test]
		fn the_verdict_is_exact(output: u128, weight: u128, total: u128, expected in 0u32..=256) {
			prop_assume!(total > 0);
			let share = share(weight, total, expected);
			// The outputs below ceil(share · 2^128 / total) are elected.
			let product = U256::from(share).full_mul(U256::from(1) << 128);
			let (bound, rest) = product.div_mod(total.into());
			let elected = if rest.is_zero() { bound } else { bound + 1 };
			let verdict = primitive_types::U512::from(output) < elected;
			prop_assert_eq!(standing(output, share, total) == Standing::Elected, verdict);
		}

		/// More weight never harms, more competitors' weight never helps.
		#[test]
		fn monotone(output: u128, weight: u128, more: u128, total: u128, expected in 1u32..=256) {
			let rank = |standing| match standing {
				Standing::Elected => 2,
				Standing::Standby => 1,
				Standing::Neither => 0,
			};
			let verdict = |weight, total| rank(standing(output, share(weight, total, expected), total));
			let heavier = weight.saturating_add(more);
			prop_assert!(verdict(heavier, total) >= verdict(weight, total));
			prop_assert!(verdict(weight, total.saturating_add(more)) <= verdict(weight, total));
		}

		/// Scores are ordered totally, and a better score is never of a worse standing.
		#[test]
		fn scores_agree_with_standings(
			outputs: [u128; 3], weights in prop::array::uniform3(1u128..), total: u128, expected in 1u32..=256,
		) {
			prop_assume!(total > 0);
			let shares = weights.map(|weight| share(weight, total, expected));
			let ticket = |i: usize| Ticket::new(outputs[i], shares[i]).unwrap();
			let (a, b, c) = (ticket(0), ticket(1), ticket(2));
			prop_assert_eq!(a.compare(&b), b.compare(&a).reverse());
			if a.compare(&b).is_le() && b.compare(&c).is_le() {
				prop_assert!(a.compare(&c).is_le());
			}
			if a.compare(&b).is_le() && standing(outputs[1], shares[1], total) == Standing::Elected {
				prop_assert_eq!(standing(outputs[0], shares[0], total), Standing::Elected);
			}
		}
	}
}
