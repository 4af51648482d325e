//! Which members of a committee the others cut off: those whose nodes are excluded, as far as the committee stands it.
//!
//! # Specification
//!
//! - A node is excluded from when its punishment is final at the root chain until its operator has registered it again. The root
//!   chain tells which members of a committee that concerns; the committee on record stays the same, and with it what certifies
//!   its blocks.
//! - The others cut such a member off: they don't connect to it, and neither send it anything nor take anything from it. So its
//!   votes are in no certificate any more, its proposals reach nobody, and the views that it leads are skipped.
//! - At most [`Committee::faults`] members are cut off at a time. A quorum needs all others, so with one more the chain would stand
//!   still for good: only its own blocks hand it over to the next committee. If more are excluded, it is the first ones in the
//!   committee's order, which all nodes agree on: if they cut different ones off, fewer than a quorum might hear each other. The rest
//!   go on; more than a committee stands were dishonest, and can do nothing now that they couldn't before.
//! - Who is cut off counts as one of the faulty members that a committee stands: with f cut off, nobody else may be missing.

use asterism_primitives::committee::{Committee, MemberId};
use std::collections::BTreeSet;

/// The members of a committee to cut off, of those whose nodes are excluded: the first [`Committee::faults`] in the committee's
/// order. Who is not a member makes no difference, nor does order or repetition.
pub fn to_cut_off(committee: &Committee, excluded: &[MemberId]) -> BTreeSet<MemberId> {
	let excluded: BTreeSet<_> = excluded.iter().collect();
	let members = committee.members().iter().map(|member| member.id);
	members
		.filter(|id| excluded.contains(id))
		.take(committee.faults() as usize)
		.collect()
}

/// Who is cut off, or taken back, that was not before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
	/// Cut off from now on.
	pub cut_off: Vec<MemberId>,
	/// Taken back.
	pub taken_back: Vec<MemberId>,
}

impl Change {
	/// What changes from one set of members that are cut off to another; `None` if they are the same.
	pub fn between(before: &BTreeSet<MemberId>, now: &BTreeSet<MemberId>) -> Option<Self> {
		(before != now).then(|| Change {
			cut_off: now.difference(before).copied().collect(),
			taken_back: before.difference(now).copied().collect(),
		})
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use asterism_primitives::committee::{faults, quorum, BlsPublic, Member};
	use proptest::prelude::*;

	fn id(i: u8) -> MemberId {
		MemberId([i; 32])
	}

	/// Members 0, 1, …
	fn committee(size: u8) -> Committee {
		let members = (0..size).map(|i| Member {
			id: id(i),
			key: BlsPublic([i; 96]),
		});
		Committee::new(0, members.collect()).unwrap()
	}

	fn cut_off(size: u8, excluded: &[u8]) -> Vec<u8> {
		let excluded: Vec<_> = excluded.iter().map(|i| id(*i)).collect();
		to_cut_off(&committee(size), &excluded)
			.into_iter()
			.map(|id| id.0[0])
			.collect()
	}

	#[test]
	fn the_excluded_are_cut_off_as_far_as_the_committee_stands_it() {
		assert!(cut_off(4, &[]).is_empty());
		assert_eq!(cut_off(4, &[2]), [2]);
		assert_eq!(cut_off(7, &[5, 2]), [2, 5]);
		// One more than a committee stands: the first ones.
		assert_eq!(cut_off(4, &[3, 2]), [2]);
		assert_eq!(cut_off(7, &[6, 5, 4, 3, 2, 1, 0]), [0, 1]);
		// Small committees stand nobody's absence.
		for size in 1..=3 {
			assert!(cut_off(size, &[0]).is_empty());
		}
		// Who is no member, and who is named twice.
		assert_eq!(cut_off(4, &[9, 3, 3, 200]), [3]);
	}

	#[test]
	fn changes_are_told_once() {
		let set = |ids: &[u8]| ids.iter().map(|i| id(*i)).collect::<BTreeSet<_>>();
		assert_eq!(Change::between(&set(&[1, 2]), &set(&[2, 1])), None);
		assert_eq!(
			Change::between(&set(&[1, 2]), &set(&[2, 3])),
			Some(Change {
				cut_off: vec![id(3)],
				taken_back: vec![id(1)],
			})
		);
	}

	proptest! {
		/// Whatever is said: the others are a quorum, nobody else is cut off, and the order of what is said is of no account.
		#[test]
		fn a_quorum_always_remains(size in 1u8..=200, excluded in prop::collection::vec(any::<u8>(), 0..300)) {
			let cut = cut_off(size, &excluded);
			prop_assert!(u32::from(size) - cut.len() as u32 >= quorum(size.into()));
			prop_assert!(cut.iter().all(|i| excluded.contains(i) && *i < size));
			let members: BTreeSet<_> = excluded.iter().filter(|i| **i < size).collect();
			prop_assert_eq!(cut.len(), members.len().min(faults(size.into()) as usize));
			let mut other = excluded;
			other.reverse();
			prop_assert_eq!(cut_off(size, &other), cut);
		}
	}
}
