//! When a member of the next committee may say that it is ready: functions of values.
//!
//! A chain's epoch ends only when a quorum of the next committee is ready. A member that says so too early makes the chain
//! wait for it later; one that never says so makes the election be repeated.

use asterism_primitives::{
	beacon::{Attempt, SharingId},
	digest::RootRef,
	BlockNumber, Hash,
};

/// How far a chain may be behind its newest block on record at the root chain, in blocks: it gets the few that are missing
/// before the epoch ends.
pub const MARGIN: BlockNumber = 4;

/// Whether what a chain has issued is what the root chain says that it holds. Who executed all blocks knows; who took
/// over the chain's state from others must look, or it could be made to answer for currency that an earlier, corrupt committee
/// made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issuance {
	/// It is, at a block on record.
	Agrees,
	/// It is not.
	Differs,
	/// It has not been read yet: the chain has not reached the block on record, or not its state.
	Unread,
}

/// A chain that runs in this process, as a member sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progressed {
	/// Its newest final block here.
	pub finalized: BlockNumber,
	/// Its newest block on record at the root chain; `None` if the root chain has no such chain.
	pub head: Option<RootRef>,
	/// The final block of the head's height here, if the chain has come so far.
	pub local_at_head: Option<Hash>,
	/// Whether it holds what it should.
	pub issuance: Issuance,
}

/// Where a member's chain runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
	/// Not in this process.
	Elsewhere,
	/// In this process, but it has not started yet.
	Starting,
	/// In this process, without this member's keys.
	WithoutKeys,
	/// In this process, with the member's keys.
	Here(Progressed),
}

/// What a member needs of the beacon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
	/// Nothing: not the root chain, no beacon, or the sharing is adopted already.
	Nothing,
	/// A share of this attempt's sharing.
	ShareOf(Attempt),
	/// A share of an attempt's sharing, and none is under way.
	NoAttempt,
}

/// A member of a committee on record that gets ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standpoint {
	/// Where its chain runs.
	pub place: Place,
	/// What it needs of the beacon.
	pub needed: Needed,
	/// The sharing for the committee's epoch that this node has its share of.
	pub share: Option<SharingId>,
	/// What the member has said on record: with which sharing it is ready, if it said so.
	pub said: Option<Option<SharingId>>,
}

/// Why a member is not ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Obstacle {
	/// This process doesn't run the chain.
	#[error("this node must run the chain and doesn't: start it with the chain's spec, or with --network")]
	NotServed,
	/// The chain has not started.
	#[error("the chain is starting")]
	Starting,
	/// The chain's node can't serve as this member.
	#[error(
		"the chain's node can't serve as this member: its keystore needs the identity key (\"audi\") and the consensus key \
		 (\"bls_\") that are on record, and a node serves as one member of a committee"
	)]
	WithoutKeys,
	/// The root chain doesn't know the chain.
	#[error("the chain is not on record at the root chain")]
	UnknownChain,
	/// The chain is behind.
	#[error("the chain is syncing")]
	Behind,
	/// The chain has another block than the one on record.
	#[error("the chain's final block is not the one on record at the root chain: this node follows a fork, or has another spec")]
	Forked,
	/// The chain has issued more or less than it holds.
	#[error("what the chain has issued is not what the root chain says that it holds: its state is wrong")]
	WrongIssuance,
	/// The chain's state at the block on record can't be read.
	#[error(
		"the chain's state at the block on record is not there to be compared with what the root chain says"
	)]
	UnreadIssuance,
	/// There is no share yet.
	#[error("the share of the beacon's key is not there yet")]
	NoShare,
}

/// What a member does about being ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
	/// It says that it is ready, with this sharing.
	Say(Option<SharingId>),
	/// It has said so.
	Said,
	/// It can't yet.
	Wait(Obstacle),
}

/// Whether the chain runs here, and is near its newest block on record.
///
/// # Errors
/// What is missing.
pub fn near(place: &Place) -> Result<(), Obstacle> {
	let chain = match place {
		Place::Elsewhere => return Err(Obstacle::NotServed),
		Place::Starting => return Err(Obstacle::Starting),
		Place::WithoutKeys => return Err(Obstacle::WithoutKeys),
		Place::Here(chain) => chain,
	};
	let head = chain.head.ok_or(Obstacle::UnknownChain)?;
	if chain.finalized < head.number.saturating_sub(MARGIN) {
		return Err(Obstacle::Behind);
	}
	if chain.local_at_head.is_some_and(|local| local != head.hash) {
		return Err(Obstacle::Forked);
	}
	match chain.issuance {
		Issuance::Agrees => Ok(()),
		Issuance::Differs => Err(Obstacle::WrongIssuance),
		Issuance::Unread if chain.finalized < head.number => Err(Obstacle::Behind),
		Issuance::Unread => Err(Obstacle::UnreadIssuance),
	}
}

/// What a member does. The chain takes a word once; on the root chain once for each attempt to pass the beacon's key on.
pub fn decide(member: &Standpoint) -> Duty {
	let attempt = match member.needed {
		Needed::Nothing => None,
		Needed::ShareOf(attempt) => Some(attempt),
		Needed::NoAttempt => return Duty::Wait(Obstacle::NoShare),
	};
	let said = member.said.map(|sharing| sharing.map(|sharing| sharing.attempt));
	if said.is_some_and(|said| said >= attempt) {
		return Duty::Said;
	}
	if let Err(obstacle) = near(&member.place) {
		return Duty::Wait(obstacle);
	}
	match attempt {
		None => Duty::Say(None),
		Some(attempt) => match member.share.filter(|share| share.attempt == attempt) {
			Some(share) => Duty::Say(Some(share)),
			None => Duty::Wait(Obstacle::NoShare),
		},
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn at(finalized: BlockNumber, head: BlockNumber) -> Progressed {
		let hash = Hash::repeat_byte(7);
		Progressed {
			finalized,
			head: Some(RootRef { number: head, hash }),
			local_at_head: (finalized >= head).then_some(hash),
			issuance: Issuance::Agrees,
		}
	}

	fn standpoint(place: Place) -> Standpoint {
		Standpoint {
			place,
			needed: Needed::Nothing,
			share: None,
			said: None,
		}
	}

	fn sharing(attempt: Attempt) -> SharingId {
		SharingId {
			attempt,
			output: Hash::repeat_byte(attempt as u8),
		}
	}

	#[test]
	fn a_chain_is_near_its_head() {
		for head in [0, 1, MARGIN, MARGIN + 1, 100, u32::MAX] {
			for behind in 0..2 * MARGIN {
				let Some(finalized) = head.checked_sub(behind) else {
					continue;
				};
				let near = near(&Place::Here(at(finalized, head)));
				let expected = if behind <= MARGIN {
					Ok(())
				} else {
					Err(Obstacle::Behind)
				};
				assert_eq!(near, expected, "{finalized} of {head}");
			}
		}
		assert_eq!(near(&Place::Here(at(500, 100))), Ok(()));
	}

	#[test]
	fn nobody_is_ready_for_a_chain_that_does_not_run_well_here() {
		let wait = |place| match decide(&standpoint(place)) {
			Duty::Wait(obstacle) => Some(obstacle),
			_ => None,
		};
		assert_eq!(wait(Place::Elsewhere), Some(Obstacle::NotServed));
		assert_eq!(wait(Place::Starting), Some(Obstacle::Starting));
		assert_eq!(wait(Place::WithoutKeys), Some(Obstacle::WithoutKeys));
		let here = |change: &dyn Fn(&mut Progressed)| {
			let mut chain = at(100, 100);
			change(&mut chain);
			wait(Place::Here(chain))
		};
		assert_eq!(here(&|_| ()), None);
		assert_eq!(here(&|chain| chain.head = None), Some(Obstacle::UnknownChain));
		assert_eq!(here(&|chain| chain.finalized = 95), Some(Obstacle::Behind));
		let other = Some(Hash::repeat_byte(8));
		assert_eq!(here(&|chain| chain.local_at_head = other), Some(Obstacle::Forked));
		assert_eq!(
			here(&|chain| chain.issuance = Issuance::Differs),
			Some(Obstacle::WrongIssuance)
		);
		assert_eq!(
			here(&|chain| chain.issuance = Issuance::Unread),
			Some(Obstacle::UnreadIssuance)
		);
		let unread = |chain: &mut Progressed| {
			*chain = Progressed {
				issuance: Issuance::Unread,
				..at(98, 100)
			}
		};
		assert_eq!(here(&unread), Some(Obstacle::Behind));
	}

	#[test]
	fn a_root_member_needs_its_share() {
		let mut member = standpoint(Place::Here(at(9, 9)));
		assert_eq!(decide(&member), Duty::Say(None));
		member.needed = Needed::NoAttempt;
		member.share = Some(sharing(1));
		assert_eq!(decide(&member), Duty::Wait(Obstacle::NoShare));
		member.needed = Needed::ShareOf(2);
		assert_eq!(decide(&member), Duty::Wait(Obstacle::NoShare));
		member.share = Some(sharing(2));
		assert_eq!(decide(&member), Duty::Say(Some(sharing(2))));
		// It has spoken with this attempt; with the one after it speaks again.
		member.said = Some(Some(sharing(2)));
		assert_eq!(decide(&member), Duty::Said);
		member.needed = Needed::ShareOf(3);
		assert_eq!(decide(&member), Duty::Wait(Obstacle::NoShare));
		member.share = Some(sharing(3));
		assert_eq!(decide(&member), Duty::Say(Some(sharing(3))));
	}

	#[test]
	fn a_word_is_given_once() {
		for place in [Place::Here(at(9, 9)), Place::Elsewhere] {
			let member = Standpoint {
				said: Some(None),
				..standpoint(place)
			};
			assert_eq!(decide(&member), Duty::Said);
		}
	}

	fn places() -> impl Strategy<Value = Place> {
		let issuance = prop_oneof![
			4 => Just(Issuance::Agrees),
			1 => Just(Issuance::Differs),
			1 => Just(Issuance::Unread)
		];
		let here = (0u32..20, 0u32..20, any::<bool>(), any::<bool>(), issuance).prop_map(
			|(finalized, head, known, forked, issuance)| {
				let mut chain = at(finalized, head);
				chain.issuance = issuance;
				if !known {
					chain.head = None;
				}
				if forked {
					chain.local_at_head = chain.local_at_head.map(|_| Hash::zero());
				}
				Place::Here(chain)
			},
		);
		prop_oneof![
			6 => here,
			1 => Just(Place::Elsewhere),
			1 => Just(Place::Starting),
			1 => Just(Place::WithoutKeys)
		]
	}

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(2_000))]

		/// Who says that it is ready has all that it takes, and has not said so before.
		#[test]
		fn a_word_is_true_and_new(
			place in places(),
			needed in prop_oneof![
				Just(Needed::Nothing), (0u64..4).prop_map(Needed::ShareOf), Just(Needed::NoAttempt)
			],
			share in prop::option::of((0u64..4).prop_map(sharing)),
			said in prop::option::of(prop::option::of((0u64..4).prop_map(sharing))),
		) {
			let member = Standpoint { place, needed, share, said };
			if let Duty::Say(word) = decide(&member) {
				let Place::Here(chain) = place else {
					return Err(TestCaseError::fail("it runs elsewhere"));
				};
				let head = chain.head.unwrap();
				prop_assert!(chain.finalized + MARGIN >= head.number);
				prop_assert!(chain.local_at_head.is_none_or(|local| local == head.hash));
				prop_assert_eq!(chain.issuance, Issuance::Agrees);
				match needed {
					Needed::Nothing => prop_assert!(word.is_none()),
					Needed::ShareOf(attempt) => {
						prop_assert_eq!(word, share);
						prop_assert_eq!(word.unwrap().attempt, attempt);
					},
					Needed::NoAttempt => prop_assert!(false),
				}
				// The chain takes it: it has none, or one of an older attempt.
				let attempt = |sharing: Option<SharingId>| sharing.map(|sharing| sharing.attempt);
				prop_assert!(said.is_none_or(|said| attempt(said) < attempt(word)));
			}
		}
	}
}
