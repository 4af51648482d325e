//! Which elections may be drawn for, and what a draw is good for: functions of values.

use asterism_primitives::{
	committee::Epoch,
	election::{Candidacy, Election, Phase},
	BlockNumber, ChainId, Hash,
};
use asterism_protocol::{
	election::{decides, Refusal, Window},
	sortition::{standing, Standing},
};

/// An election that nodes come forward in, found to be sound. Only [`Open::of`] makes one, and nothing is drawn without: so
/// no draw is ever made from a seed that may have been known when the election was announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open {
	chain: ChainId,
	epoch: Epoch,
	round: BlockNumber,
	seed: Hash,
	window: Window,
	total: u128,
	expected: u32,
}

/// What is wrong with an open election on record. Nothing is drawn for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Unsound {
	/// The seed may have been known to who announced the election.
	#[error(
		"its seed is of round {round}, expected {signalled} or later, the block that announced the election"
	)]
	EarlySeed {
		/// The seed's round.
		round: BlockNumber,
		/// The block that announced the election.
		signalled: BlockNumber,
	},
	/// A seed's round is a final block, and the next block at the earliest opens with it.
	#[error("it opened in block {opened} with the seed of round {round}, expected an earlier round")]
	SeedOfFuture {
		/// The seed's round.
		round: BlockNumber,
		/// The block that opened the election.
		opened: BlockNumber,
	},
	/// The final state can't know of later blocks.
	#[error("it opened in block {opened}, expected {finalized} at the latest, the newest final block")]
	OpenedInFuture {
		/// The block that opened the election.
		opened: BlockNumber,
		/// The newest final block.
		finalized: BlockNumber,
	},
	/// There is no time for claims.
	#[error("it opened in block {opened} and is decided in block {deadline}, expected a later one")]
	NoTime {
		/// The block that opened the election.
		opened: BlockNumber,
		/// The block that decides it.
		deadline: BlockNumber,
	},
}

impl Open {
	/// The election for `chain`'s committee as it is on record in the final block `finalized`; `None` if it is not open.
	///
	/// # Errors
	/// [`Unsound`] if nothing may be drawn for it.
	pub fn of(chain: ChainId, election: &Election, finalized: BlockNumber) -> Result<Option<Self>, Unsound> {
		let Phase::Open {
			round,
			seed,
			opened,
			deadline,
		} = election.phase
		else {
			return Ok(None);
		};
		let signalled = election.signalled;
		if !decides(round, signalled) {
			return Err(Unsound::EarlySeed { round, signalled });
		}
		if round >= opened {
			return Err(Unsound::SeedOfFuture { round, opened });
		}
		if opened > finalized {
			return Err(Unsound::OpenedInFuture { opened, finalized });
		}
		if deadline <= opened {
			return Err(Unsound::NoTime { opened, deadline });
		}
		Ok(Some(Open {
			chain,
			epoch: election.epoch,
			round,
			seed,
			window: Window { opened, deadline },
			total: election.total,
			expected: election.expected,
		}))
	}

	/// The chain that elects.
	pub fn chain(&self) -> ChainId {
		self.chain
	}

	/// The epoch that the committee is for.
	pub fn epoch(&self) -> Epoch {
		self.epoch
	}

	/// The seed's round.
	pub fn round(&self) -> BlockNumber {
		self.round
	}

	/// The seed's randomness.
	pub fn seed(&self) -> Hash {
		self.seed
	}

	/// What a node does that drew `number`.
	///
	/// - `elected`: how many elected nodes came forward;
	/// - `next`: the next root block, the first that a claim may get into.
	pub fn judge(&self, candidacy: &Candidacy, number: u128, elected: u32, next: BlockNumber) -> Verdict {
		if candidacy.claimed {
			return Verdict::OnRecord;
		}
		let standing = standing(number, candidacy.share, self.total);
		match self.window.accepts(next, standing, elected, self.expected) {
			Ok(()) => Verdict::Claim(standing),
			Err(refusal) => Verdict::Silence(refusal),
		}
	}
}

/// What a node does in an open election.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
	/// It comes forward.
	Claim(Standing),
	/// It has come forward: its claim is on record.
	OnRecord,
	/// It says nothing, for now or for good.
	Silence(Refusal),
}

#[cfg(test)]
mod tests {
	use super::*;
	use asterism_primitives::keys::SortitionPublic;
	use proptest::prelude::*;

	fn election(
		signalled: BlockNumber,
		round: BlockNumber,
		opened: BlockNumber,
		deadline: BlockNumber,
	) -> Election {
		Election {
			epoch: 3,
			attempt: 0,
			signalled,
			total: 40,
			expected: 2,
			phase: Phase::Open {
				round,
				seed: Hash::repeat_byte(9),
				opened,
				deadline,
			},
		}
	}

	fn candidacy(share: u128, claimed: bool) -> Candidacy {
		Candidacy {
			sortition: SortitionPublic([1; 32]),
			share,
			claimed,
		}
	}

	#[test]
	fn only_sound_elections_are_drawn_for() {
		let chain = ChainId(1);
		let of = |signalled, round, opened, deadline, finalized| {
			Open::of(chain, &election(signalled, round, opened, deadline), finalized)
		};
		let open = of(5, 5, 6, 16, 6).unwrap().unwrap();
		assert_eq!((open.chain(), open.epoch(), open.round()), (chain, 3, 5));
		assert_eq!(
			of(5, 4, 6, 16, 6),
			Err(Unsound::EarlySeed {
				round: 4,
				signalled: 5
			})
		);
		assert_eq!(
			of(5, 6, 6, 16, 6),
			Err(Unsound::SeedOfFuture { round: 6, opened: 6 })
		);
		assert_eq!(
			of(5, 5, 7, 16, 6),
			Err(Unsound::OpenedInFuture {
				opened: 7,
				finalized: 6
			})
		);
		assert_eq!(
			of(5, 5, 6, 6, 6),
			Err(Unsound::NoTime {
				opened: 6,
				deadline: 6
			})
		);
		for phase in [
			Phase::AwaitingSeed,
			Phase::Recorded { round: 5, until: 9 },
			Phase::Ready,
		] {
			let election = Election {
				phase,
				..election(5, 5, 6, 16)
			};
			assert_eq!(Open::of(chain, &election, 6), Ok(None));
		}
	}

	/// Every block of a window, every standing, every number of elected that came forward.
	#[test]
	fn who_comes_forward_when() {
		// One in four is elected, three in four are on standby at least.
		let quarter = 1u128 << 126;
		let open = Open::of(ChainId(1), &election(5, 5, 10, 15), 10)
			.unwrap()
			.unwrap();
		for next in 10..18 {
			for elected in 0..5 {
				let judge = |number| open.judge(&candidacy(10, false), number, elected, next);
				let in_time = next < 15;
				let claim_of_elected = judge(quarter - 1) == Verdict::Claim(Standing::Elected);
				assert_eq!(claim_of_elected, in_time);
				let claim_of_standby = judge(quarter) == Verdict::Claim(Standing::Standby);
				assert_eq!(claim_of_standby, in_time && next >= 13 && elected < 2);
				assert_eq!(judge(3 * quarter), Verdict::Silence(Refusal::NotElected));
				for number in [0, quarter, u128::MAX] {
					let again = open.judge(&candidacy(10, true), number, elected, next);
					assert_eq!(again, Verdict::OnRecord);
				}
			}
		}
	}

	proptest! {
		/// Whatever the root chain says: who comes forward is taken by the chain's own rules, and who is neither elected nor on
		/// standby never does.
		#[test]
		fn a_claim_is_one_that_the_chain_takes(
			signalled in 0u32..12, round in 0u32..12, opened in 0u32..14, deadline in 0u32..30, finalized in 0u32..30,
			next in 0u32..32, number: u128, share: u128, total: u128, expected in 0u32..6, elected in 0u32..8,
			claimed: bool,
		) {
			let mut election = election(signalled, round, opened, deadline);
			(election.total, election.expected) = (total, expected);
			let Ok(Some(open)) = Open::of(ChainId(1), &election, finalized) else {
				let sound =
					round >= signalled && round < opened && opened <= finalized && opened < deadline;
				prop_assert!(!sound);
				return Ok(());
			};
			prop_assert!(round >= signalled && round < opened && opened <= finalized);
			if let Verdict::Claim(as_what) = open.judge(&candidacy(share, claimed), number, elected, next) {
				prop_assert!(!claimed);
				prop_assert_eq!(as_what, standing(number, share, total));
				let window = Window { opened, deadline };
				prop_assert_eq!(window.accepts(next, as_what, elected, expected), Ok(()));
				prop_assert!(as_what != Standing::Neither && next < deadline);
				if as_what == Standing::Standby {
					prop_assert!(elected < expected && next >= window.standby_from());
				}
			}
		}
	}
}
