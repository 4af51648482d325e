//! How much time the steps of elections have, in root blocks.
//!
//! # Why they follow from the length of the root chain's epochs
//!
//! A network whose epochs have hours should give nodes minutes to come forward, so that neither an outage nor a few leaders that
//! leave claims out decide who is elected. A network whose epochs have a minute can't. So each step has its part of an epoch,
//! up to a limit beyond which more time is of no use:
//!
//! | step | part of an epoch | least | most |
//! |---|---|---|---|
//! | until the signal | 1/4 | | |
//! | claims | 1/5 | 12 | 600 |
//! | dealing, for the root chain's own committee | 3/10 | 18 | 900 |
//! | seed, words, and what is to spare | the rest, a quarter | | |
//!
//! # Why they have least values
//!
//! Clients act upon final blocks alone. On a healthy network a block is final two or three blocks later, and what a client then
//! submits is in a block two or three blocks after that: a step that waits for clients takes six blocks, however short the epochs.
//!
//! - Claims: six blocks for the elected, and six for nodes on standby, whose half begins in the middle.
//! - Dealing: a player that is away is waited for until two thirds of the time are over
//!   ([`seal_at`](asterism_primitives::beacon::Resharing::seal_at)), so the last third must have six blocks.
//! - Words: six blocks, and four to spare.
//!
//! Epochs of fewer than 60 blocks take as long as these need: the serving committee stays until the next one is ready.

use super::*;
use asterism_primitives::{BlockNumber, ChainId};
use frame_support::traits::Get;
use pallet_chains::ChainRegistry;

/// How much time each step has, in root blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Periods {
	/// For nodes to come forward in an election.
	pub claims: BlockNumber,
	/// For the dealers of an attempt to pass the beacon's key on.
	pub dealing: BlockNumber,
	/// For the next root committee to adopt what they dealt.
	pub adoption: BlockNumber,
	/// For a committee on record to get ready, before another one is elected in its place.
	pub readiness: BlockNumber,
}

impl Periods {
	/// The periods of a network whose root chain's epochs have this length; 0 if its committee stays for ever.
	pub fn of(length: BlockNumber) -> Self {
		let part =
			|of: u64, in_all: u64| u32::try_from(u64::from(length) * of / in_all).unwrap_or(BlockNumber::MAX);
		let claims = part(1, 5).clamp(12, 600);
		let dealing = part(3, 10).clamp(18, 900);
		let adoption = part(1, 6).clamp(10, 600);
		// Two attempts, each with the block that ends it. If that is little of an epoch, the members get more time to sync; but
		// not so much that a committee that never gets ready couldn't be replaced within the epoch.
		let attempts = 2 * (dealing + adoption + 1);
		Periods {
			claims,
			dealing,
			adoption,
			readiness: attempts.max(length / 4),
		}
	}

	/// The periods of this network.
	fn current() -> Self {
		Self::of(EpochLength::get())
	}
}

/// The length of the root chain's own epochs.
pub struct EpochLength;
impl Get<BlockNumber> for EpochLength {
	fn get() -> BlockNumber {
		Chains::parameters(ChainId::ROOT).map_or(0, |parameters| parameters.epoch_length)
	}
}

/// See [`Periods::claims`].
pub struct ClaimPeriod;
impl Get<BlockNumber> for ClaimPeriod {
	fn get() -> BlockNumber {
		Periods::current().claims
	}
}

/// See [`Periods::readiness`].
pub struct ReadinessPeriod;
impl Get<BlockNumber> for ReadinessPeriod {
	fn get() -> BlockNumber {
		Periods::current().readiness
	}
}

/// See [`Periods::dealing`].
pub struct DealingPeriod;
impl Get<BlockNumber> for DealingPeriod {
	fn get() -> BlockNumber {
		Periods::current().dealing
	}
}

/// See [`Periods::adoption`].
pub struct AdoptionPeriod;
impl Get<BlockNumber> for AdoptionPeriod {
	fn get() -> BlockNumber {
		Periods::current().adoption
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use asterism_primitives::protocol::epochs::SIGNAL_DIVISOR;

	/// What clients need to see a final block and to get something into another one.
	const REACTION: BlockNumber = 6;

	#[test]
	fn every_step_has_time_for_clients_to_react() {
		for length in [0, 4, 59, 60, 61, 600, 14_400, 86_400, BlockNumber::MAX] {
			let periods = Periods::of(length);
			assert!(periods.claims / 2 >= REACTION);
			assert!(periods.dealing / 3 >= REACTION);
			assert!(periods.adoption >= REACTION);
			// Two whole attempts: each is over one block after it expires.
			assert!(periods.readiness >= 2 * (periods.dealing + periods.adoption + 1));
		}
	}

	#[test]
	fn an_election_fits_into_its_epoch() {
		for length in [60, 61, 100, 600, 3_600, 14_400, 86_400, BlockNumber::MAX] {
			let Periods { claims, dealing, .. } = Periods::of(length);
			let signal = length / SIGNAL_DIVISOR + 1;
			// The signal's block is final, and its seed in a block; then the steps; then words.
			let ready = signal + REACTION + claims + dealing + REACTION;
			assert!(ready <= length, "epochs of {length}: ready after {ready} blocks");
		}
	}

	#[test]
	fn a_committee_that_never_gets_ready_is_replaced_within_a_long_epoch() {
		for length in [14_400, 86_400] {
			let Periods {
				claims, readiness, ..
			} = Periods::of(length);
			let two = 2 * (REACTION + claims) + readiness;
			assert!(length / SIGNAL_DIVISOR + 1 + two + readiness <= length);
		}
	}

	#[test]
	fn long_epochs_give_minutes_and_not_hours() {
		let hours = Periods {
			claims: 600,
			dealing: 900,
			adoption: 600,
			readiness: 3_600,
		};
		assert_eq!(Periods::of(4 * 3_600), hours);
		let minute = Periods {
			claims: 12,
			dealing: 18,
			adoption: 10,
			readiness: 58,
		};
		assert_eq!(Periods::of(60), minute);
		assert_eq!(Periods::of(0), minute);
	}
}
