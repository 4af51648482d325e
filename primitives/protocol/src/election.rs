//! How an election runs, and who is in the committee that comes out of it (Thinkey §4.1, DESIGN §6).
//!
//! # Flow
//!
//! ```text
//!  signal, block s ──► first seed of a round ≥ s ──► elected claim ──► standbys too, ──► deadline: compose
//!                      which nobody knew at s        (all the time)    while too few     elected, standbys, old members
//!                                                   └── first half ──┘└─ second half ─┘
//! ```
//!
//! Nobody who isn't elected needs to show up in the first half: who is on standby shows itself only if it is needed.

use crate::{
	sortition::{Standing, Ticket},
	BlockNumber,
};
use alloc::{collections::BTreeSet, vec::Vec};
use core::cmp::Ordering;

/// Whether the seed of `round` may decide an election that was signalled in block `signalled`. The seed of a round is made
/// when the block of this number is final. So the seed of an earlier round may have been known to who gave the signal, or
/// to who registered just before it.
pub fn decides(round: BlockNumber, signalled: BlockNumber) -> bool {
	round >= signalled
}

/// When claims are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
	/// The block that opened the election.
	pub opened: BlockNumber,
	/// The block at whose beginning the election is decided: claims are taken before it.
	pub deadline: BlockNumber,
}

/// Why a claim is not taken now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
	/// The node is neither elected nor on standby.
	NotElected,
	/// The deadline is reached.
	Late,
	/// It is not yet the turn of nodes on standby.
	EarlyStandby,
	/// So many elected nodes came forward that nobody on standby is needed.
	NotNeeded,
}

impl Window {
	/// The first block that takes claims of nodes on standby: the one in the middle.
	pub fn standby_from(&self) -> BlockNumber {
		// Rounded up, so that it is never before the middle.
		let half = self.deadline.saturating_sub(self.opened).div_ceil(2);
		self.opened.saturating_add(half)
	}

	/// Whether block `now` takes the claim of a node of this standing, after `elected` elected nodes came forward of which
	/// `expected` are wanted.
	///
	/// # Errors
	/// Why it doesn't.
	pub fn accepts(
		&self,
		now: BlockNumber,
		standing: Standing,
		elected: u32,
		expected: u32,
	) -> Result<(), Refusal> {
		if standing == Standing::Neither {
			return Err(Refusal::NotElected);
		}
		if now >= self.deadline {
			return Err(Refusal::Late);
		}
		if standing == Standing::Standby {
			if elected >= expected {
				return Err(Refusal::NotNeeded);
			}
			if now < self.standby_from() {
				return Err(Refusal::EarlyStandby);
			}
		}
		Ok(())
	}
}

/// Somebody with a ticket.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<I> {
	/// Who.
	pub id: I,
	/// The ticket.
	pub ticket: Ticket,
}

impl<I: Ord> Candidate<I> {
	/// The order in which candidates are preferred: by score, and by id where two scores are the same.
	pub fn compare(&self, other: &Self) -> Ordering {
		self.ticket
			.compare(&other.ticket)
			.then_with(|| self.id.cmp(&other.id))
	}
}

/// Where a candidate goes in a list of at most `max` that is in order of preference: `Some(index)`, or `None` if the list
/// is full of better ones. Who is on the list already, is not looked for.
pub fn place<I: Ord>(list: &[Candidate<I>], candidate: &Candidate<I>, max: u32) -> Option<usize> {
	let index = list.partition_point(|other| other.compare(candidate).is_lt());
	(index < max as usize).then_some(index)
}

/// The members of a new committee, by what made them so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composition<I> {
	/// Elected, the best score first.
	pub elected: Vec<I>,
	/// Filled up from those on standby, the best score first.
	pub standby: Vec<I>,
	/// Kept from the old committee, in the order of preference that was given.
	pub kept: Vec<I>,
}

impl<I> Composition<I> {
	/// How many members there are.
	pub fn size(&self) -> usize {
		self.elected.len() + self.standby.len() + self.kept.len()
	}

	/// All members: the elected, those on standby, the old ones.
	pub fn into_members(self) -> Vec<I> {
		let Self {
			mut elected,
			standby,
			kept,
		} = self;
		elected.extend(standby);
		elected.extend(kept);
		elected
	}
}

/// Composes a committee:
///
/// 1. all elected, or the `max` best of them by score;
/// 2. while there are fewer than `expected`, who is on standby, by score;
/// 3. while there are still fewer, members of the old committee, in their given order.
///
/// Nobody is a member twice: the first of these rules that makes somebody a member counts, by its best ticket. The order
/// of `elected` and `standby` doesn't matter. `expected` counts as 1 at least, and as `max` at most.
///
/// So the committee is empty only if nobody came forward and there is no old member, or for a `max` of 0.
pub fn compose<I: Ord + Clone>(
	elected: &[Candidate<I>],
	standby: &[Candidate<I>],
	old: &[I],
	expected: u32,
	max: u32,
) -> Composition<I> {
	let (expected, max) = (expected.max(1).min(max) as usize, max as usize);
	let mut members = BTreeSet::new();
	let mut best = |candidates: &[Candidate<I>], room: usize| {
		let mut ranked: Vec<_> = candidates.iter().collect();
		ranked.sort_by(|a, b| a.compare(b));
		let mut taken = Vec::new();
		for Candidate { id, .. } in ranked {
			if taken.len() == room {
				break;
			}
			if members.insert(id.clone()) {
				taken.push(id.clone());
			}
		}
		taken
	};
	let elected = best(elected, max);
	let standby = best(standby, expected.saturating_sub(elected.len()));
	let room = expected.saturating_sub(elected.len() + standby.len());
	let mut kept = Vec::new();
	for id in old {
		if kept.len() == room {
			break;
		}
		if members.insert(id.clone()) {
			kept.push(id.clone());
		}
	}
	Composition {
		elected,
		standby,
		kept,
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use alloc::vec;
	use proptest::{collection::vec as vec_of, prelude::*};

	fn candidate(id: u8, output: u128) -> Candidate<u8> {
		Candidate {
			id,
			ticket: Ticket::new(output, 10).unwrap(),
		}
	}

	#[test]
	fn a_seed_decides_only_signals_before_it() {
		assert!(decides(7, 7) && decides(8, 7));
		assert!(!decides(6, 7));
	}

	#[test]
	fn standbys_wait_for_their_turn() {
		let window = Window {
			opened: 10,
			deadline: 15,
		};
		assert_eq!(window.standby_from(), 13);
		let accepts = |now, standing, elected| window.accepts(now, standing, elected, 4);
		assert_eq!(accepts(10, Standing::Elected, 9), Ok(()));
		assert_eq!(accepts(14, Standing::Elected, 0), Ok(()));
		assert_eq!(accepts(15, Standing::Elected, 0), Err(Refusal::Late));
		assert_eq!(accepts(12, Standing::Standby, 0), Err(Refusal::EarlyStandby));
		assert_eq!(accepts(13, Standing::Standby, 3), Ok(()));
		assert_eq!(accepts(13, Standing::Standby, 4), Err(Refusal::NotNeeded));
		assert_eq!(accepts(15, Standing::Standby, 0), Err(Refusal::Late));
		assert_eq!(accepts(14, Standing::Neither, 0), Err(Refusal::NotElected));
	}

	#[test]
	fn too_few_elected_are_filled_up() {
		let elected = [candidate(1, 9), candidate(2, 4)];
		let standby = [candidate(3, 25), candidate(4, 12)];
		let old = [9, 2, 8, 7];
		let enough = compose(&elected, &standby, &old, 2, 8);
		assert_eq!(enough.into_members(), [2, 1]);
		let filled = compose(&elected, &standby, &old, 3, 8);
		assert_eq!(
			(filled.elected, filled.standby, filled.kept),
			(vec![2, 1], vec![4], vec![])
		);
		let kept = compose(&elected, &standby, &old, 6, 8);
		assert_eq!(kept.into_members(), [2, 1, 4, 3, 9, 8]);
		// More than expected are elected: all are in, but no more than there may be.
		assert_eq!(compose(&elected, &standby, &old, 1, 8).into_members(), [2, 1]);
		assert_eq!(compose(&elected, &standby, &old, 1, 1).into_members(), [2]);
		// Nobody came: the old ones stay.
		assert_eq!(compose(&[], &[], &old, 3, 8).into_members(), [9, 2, 8]);
		assert_eq!(compose::<u8>(&[], &[], &[], 3, 8).size(), 0);
	}

	#[test]
	fn a_full_list_takes_only_better_ones() {
		let list = [candidate(1, 3), candidate(2, 5), candidate(5, 5)];
		assert_eq!(place(&list, &candidate(0, 1), 3), Some(0));
		assert_eq!(place(&list, &candidate(3, 5), 3), Some(2));
		assert_eq!(place(&list, &candidate(6, 5), 3), None);
		assert_eq!(place(&list, &candidate(6, 5), 4), Some(3));
	}

	fn candidates() -> impl Strategy<Value = Vec<Candidate<u8>>> {
		// Few ids and few scores, so that both collide.
		vec_of(
			(0u8..40, 0u128..30, 1u128..4).prop_map(|(id, output, share)| Candidate {
				id,
				ticket: Ticket::new(output, share).unwrap(),
			}),
			0..30,
		)
	}

	/// Who a candidate is beaten by: distinct others with a better ticket.
	fn better(all: &[Candidate<u8>], one: &Candidate<u8>) -> usize {
		let others = all
			.iter()
			.filter(|other| other.id != one.id && other.compare(one).is_lt());
		others.map(|other| other.id).collect::<BTreeSet<_>>().len()
	}

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(2_000))]

		#[test]
		fn composition(
			elected in candidates(), standby in candidates(), old in vec_of(0u8..60, 0..20),
			expected in 0u32..24, max in 1u32..24,
		) {
			let result = compose(&elected, &standby, &old, expected, max);
			let members = result.clone().into_members();
			let distinct: BTreeSet<_> = members.iter().copied().collect();
			// Nobody twice, nobody from nowhere, never more than may be.
			prop_assert_eq!(distinct.len(), members.len());
			prop_assert!(members.len() <= max as usize);
			prop_assert!(result.elected.iter().all(|id| elected.iter().any(|c| c.id == *id)));
			prop_assert!(result.standby.iter().all(|id| standby.iter().any(|c| c.id == *id)));
			prop_assert!(result.kept.iter().all(|id| old.contains(id)));
			// Every elected is in, but for those whom `max` better ones beat.
			for one in &elected {
				if better(&elected, one) < max as usize {
					prop_assert!(result.elected.contains(&one.id));
				}
			}
			// As many as expected, if there is anybody left to take.
			let everybody: BTreeSet<_> =
				elected.iter().chain(&standby).map(|c| c.id).chain(old.iter().copied()).collect();
			let wanted = expected.max(1).min(max) as usize;
			prop_assert!(members.len() >= wanted.min(everybody.len()));
			prop_assert_eq!(members.is_empty(), everybody.is_empty());
			// Filled up only as far as needed, and old members only after all on standby.
			if !result.standby.is_empty() || !result.kept.is_empty() {
				prop_assert!(members.len() <= wanted);
			}
			if !result.kept.is_empty() {
				prop_assert!(standby.iter().all(|c| distinct.contains(&c.id)));
			}
			// The order of candidates doesn't matter.
			let reversed = |list: &[Candidate<u8>]| list.iter().rev().copied().collect::<Vec<_>>();
			prop_assert_eq!(compose(&reversed(&elected), &reversed(&standby), &old, expected, max), result);
		}

		/// A member that draws better stays a member, and one more elected drives out nobody who is elected, unless there
		/// are as many as there may be.
		#[test]
		fn monotone(
			elected in candidates(), standby in candidates(), old in vec_of(0u8..60, 0..20),
			expected in 1u32..24, max in 1u32..24, which: prop::sample::Index, newcomer in 100u8..110,
		) {
			let before = compose(&elected, &standby, &old, expected, max);
			if !elected.is_empty() {
				let index = which.index(elected.len());
				let mut improved = elected.clone();
				improved[index].ticket = Ticket::new(0, 4).unwrap();
				let id = elected[index].id;
				if before.elected.contains(&id) {
					prop_assert!(compose(&improved, &standby, &old, expected, max).elected.contains(&id));
				}
			}
			let mut more = elected.clone();
			more.push(candidate(newcomer, 500));
			let after = compose(&more, &standby, &old, expected, max);
			prop_assert!(before.elected.iter().all(|id| after.elected.contains(id)));
			prop_assert!(after.elected.contains(&newcomer) || after.elected.len() == max as usize);
			prop_assert!(after.size() >= before.size());
		}

		/// Places keep a list the best ones in order, whatever the order of arrival.
		#[test]
		fn places_keep_the_best(arrivals in candidates(), max in 1u32..12) {
			let mut list: Vec<Candidate<u8>> = Vec::new();
			for one in &arrivals {
				if let Some(index) = place(&list, one, max) {
					list.insert(index, *one);
					list.truncate(max as usize);
				}
			}
			let mut all = arrivals.clone();
			all.sort_by(|a, b| a.compare(b));
			all.truncate(max as usize);
			let scores = |list: &[Candidate<u8>]| list.iter().map(|c| c.id).collect::<Vec<_>>();
			prop_assert_eq!(scores(&list), scores(&all));
		}
	}
}
