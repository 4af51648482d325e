//! When something is tried again, and what a refusal means.
//!
//! A submission that the pool takes may still be lost, so it is repeated until it is on record, ever more slowly. Times are
//! durations since the task began.

use asterism_checkpoints::Backoff;
use polkadot_sdk::{
	sc_transaction_pool_api::error::Error as PoolError, sp_runtime::transaction_validity::InvalidTransaction,
};
use std::{collections::BTreeMap, time::Duration};

/// The pause before the first repetition: a few blocks, in which a claim gets on record.
pub const FIRST_PAUSE: Duration = Duration::from_secs(3);
/// The longest pause between two submissions of the same.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The pause before something is submitted again that was only early.
pub const EARLY_PAUSE: Duration = Duration::from_secs(1);

/// Codes of refusals of `pallet-elections`, as far as they decide what this
/// crate does next.
pub mod elections {
	/// The account operates no node.
	pub const UNKNOWN_NODE: u8 = 6;
	/// The node is leaving, or is excluded.
	pub const NOT_ACTIVE: u8 = 7;
	/// The node has changed since the signal.
	pub const CHANGED_AFTER_SIGNAL: u8 = 8;
	/// The proof is not the key's.
	pub const BAD_PROOF: u8 = 9;
	/// What was drawn is not good enough.
	pub const NOT_ELECTED: u8 = 10;
	/// The committee has no such member.
	pub const NO_MEMBER: u8 = 17;
	/// The signature is not the member's.
	pub const BAD_SIGNATURE: u8 = 20;

	/// Whether a claim with this refusal is refused for good. Other refusals are about the state of the newest block, which may
	/// not become final.
	pub fn ends_claim(code: u8) -> bool {
		matches!(
			code,
			UNKNOWN_NODE | NOT_ACTIVE | CHANGED_AFTER_SIGNAL | BAD_PROOF | NOT_ELECTED
		)
	}

	/// Whether a word of readiness with this refusal is refused for good.
	pub fn ends_word(code: u8) -> bool {
		matches!(code, NO_MEMBER | BAD_SIGNATURE)
	}
}

/// Codes of refusals of `pallet-misconduct`, as far as they decide what this crate does next.
pub mod misconduct {
	/// No chain has this id.
	pub const UNKNOWN_CHAIN: u8 = 1;
	/// The committee is not on record.
	pub const NO_COMMITTEE: u8 = 2;
	/// The epoch has been over for too long.
	pub const TOO_OLD: u8 = 3;
	/// All culprits have been punished.
	pub const ALREADY_PUNISHED: u8 = 10;
	/// No stake answers for any of the culprits.
	pub const NO_OPERATOR: u8 = 11;
	/// Nothing is wrong with the traffic of certified headers.
	pub const CONSISTENT: u8 = 20;
	/// The headers' traffic is well-formed, and they are not the next ones of their chain on record.
	pub const NOT_NEXT: u8 = 21;

	/// Whether no other evidence against the same member would be taken either.
	pub fn ends_case(code: u8) -> bool {
		matches!(
			code,
			UNKNOWN_CHAIN | NO_COMMITTEE | TOO_OLD | ALREADY_PUNISHED | NO_OPERATOR
		)
	}

	/// Whether the same evidence may be taken later: when more of the chain is on record.
	pub fn may_count_later(code: u8) -> bool {
		code == NOT_NEXT
	}
}

/// What became of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
	/// The pool took it.
	Taken,
	/// The pool has it, or another one that does the same.
	Known,
	/// It is not its time yet.
	Early,
	/// The pallet refuses it, with this code.
	Refused(u8),
	/// It could not be submitted.
	Failed(String),
}

impl From<Result<(), PoolError>> for Outcome {
	fn from(result: Result<(), PoolError>) -> Self {
		match result {
			Ok(()) => Outcome::Taken,
			Err(PoolError::AlreadyImported(_) | PoolError::TooLowPriority { .. }) => Outcome::Known,
			Err(PoolError::UnknownTransaction(_)) => Outcome::Early,
			Err(PoolError::InvalidTransaction(InvalidTransaction::Custom(code))) => Outcome::Refused(code),
			Err(error) => Outcome::Failed(error.to_string()),
		}
	}
}

#[derive(Clone, Copy, Debug)]
struct Attempt {
	backoff: Backoff,
	due: Duration,
	over: bool,
}

/// What was tried, and when it is tried again.
#[derive(Clone, Debug)]
pub struct Attempts<K>(BTreeMap<K, Attempt>);

impl<K> Default for Attempts<K> {
	fn default() -> Self {
		Attempts(BTreeMap::new())
	}
}

impl<K: Ord + Clone> Attempts<K> {
	fn entry(&mut self, key: &K) -> &mut Attempt {
		self.0.entry(key.clone()).or_insert(Attempt {
			backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
			due: Duration::ZERO,
			over: false,
		})
	}

	/// Whether this may be tried now.
	pub fn is_due(&self, key: &K, now: Duration) -> bool {
		self.0
			.get(key)
			.is_none_or(|attempt| !attempt.over && now >= attempt.due)
	}

	/// It is being tried. Until [`FIRST_PAUSE`] or, after more tries, up to [`LONGEST_PAUSE`] from now it isn't again.
	pub fn tried(&mut self, key: &K, now: Duration) {
		let attempt = self.entry(key);
		attempt.due = now.saturating_add(attempt.backoff.fail());
	}

	/// It was early: it is tried again soon.
	pub fn early(&mut self, key: &K, now: Duration) {
		let attempt = self.entry(key);
		attempt.backoff.succeed();
		attempt.due = now.saturating_add(EARLY_PAUSE);
	}

	/// It is never tried again.
	pub fn end(&mut self, key: &K) {
		self.entry(key).over = true;
	}

	/// Another thing is tried in its place, at once.
	pub fn restart(&mut self, key: &K) {
		self.0.remove(key);
	}

	/// Forgets all but these.
	pub fn retain(&mut self, keep: impl Fn(&K) -> bool) {
		self.0.retain(|key, _| keep(key));
	}

	/// How many are known.
	pub fn len(&self) -> usize {
		self.0.len()
	}

	/// Whether none is known.
	pub fn is_empty(&self) -> bool {
		self.0.is_empty()
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use polkadot_sdk::sp_runtime::transaction_validity::UnknownTransaction;
	use proptest::prelude::*;

	#[test]
	fn codes_are_those_of_the_pallets() {
		use pallet_elections::Error as Elections;
		use pallet_misconduct::Error as Misconduct;
		type E = Elections<()>;
		type M = Misconduct<()>;
		for (code, error) in [
			(elections::UNKNOWN_NODE, E::UnknownNode),
			(elections::NOT_ACTIVE, E::NotActive),
			(elections::CHANGED_AFTER_SIGNAL, E::ChangedAfterSignal),
			(elections::BAD_PROOF, E::BadProof),
			(elections::NOT_ELECTED, E::NotElected),
			(elections::NO_MEMBER, E::NoMember),
			(elections::BAD_SIGNATURE, E::BadSignature),
		] {
			assert_eq!(code, error.code(), "code {}", error.code());
		}
		for (code, error) in [
			(misconduct::UNKNOWN_CHAIN, M::UnknownChain),
			(misconduct::NO_COMMITTEE, M::NoCommittee),
			(misconduct::TOO_OLD, M::TooOld),
			(misconduct::ALREADY_PUNISHED, M::AlreadyPunished),
			(misconduct::NO_OPERATOR, M::NoOperator),
			(misconduct::CONSISTENT, M::Consistent),
			(misconduct::NOT_NEXT, M::NotNext),
		] {
			assert_eq!(code, error.code(), "code {}", error.code());
		}
		// What another block may mend is not the end.
		for error in [
			E::NoElection,
			E::WrongEpoch,
			E::WrongSeed,
			E::Late,
			E::NotNeeded,
			E::AlreadyClaimed,
			E::Outbid,
			E::AlreadySettled,
			E::AlreadyReady,
			E::WrongSharing,
		] {
			assert!(!elections::ends_claim(error.code()), "code {}", error.code());
			assert!(!elections::ends_word(error.code()), "code {}", error.code());
		}
		for error in [
			M::BadSignature,
			M::Compatible,
			M::BadSigners,
			M::Consistent,
			M::NotBegun,
		] {
			assert!(!misconduct::ends_case(error.code()), "code {}", error.code());
			assert!(
				!misconduct::may_count_later(error.code()),
				"code {}",
				error.code()
			);
		}
		assert!(!misconduct::ends_case(M::NotNext.code()));
		assert!(misconduct::may_count_later(M::NotNext.code()));
	}

	#[test]
	fn the_pools_answers_are_told_apart() {
		let outcome = |error: PoolError| Outcome::from(Err(error));
		assert_eq!(Outcome::from(Ok(())), Outcome::Taken);
		assert_eq!(outcome(PoolError::AlreadyImported(Box::new(()))), Outcome::Known);
		assert_eq!(
			outcome(PoolError::TooLowPriority { old: 2, new: 1 }),
			Outcome::Known
		);
		assert_eq!(
			outcome(PoolError::UnknownTransaction(UnknownTransaction::Custom(11))),
			Outcome::Early
		);
		assert_eq!(
			outcome(PoolError::InvalidTransaction(InvalidTransaction::Custom(9))),
			Outcome::Refused(9)
		);
		for error in [
			PoolError::InvalidTransaction(InvalidTransaction::Stale),
			PoolError::TemporarilyBanned,
			PoolError::ImmediatelyDropped,
		] {
			assert!(matches!(outcome(error), Outcome::Failed(_)));
		}
	}

	proptest! {
		/// However often something is looked at, it is tried at most once in each pause; pauses grow up to the longest one and
		/// no further; and what is over is never tried again.
		#[test]
		fn pauses_are_kept(steps in prop::collection::vec((0u64..20_000, 0u8..20), 1..200)) {
			let mut attempts = Attempts::default();
			let (mut now, mut last, mut tries, mut over) = (Duration::ZERO, None::<Duration>, 0u32, false);
			let mut pause = Duration::ZERO;
			for (millis, event) in steps {
				now += Duration::from_millis(millis);
				let due = attempts.is_due(&1, now);
				prop_assert!(!(due && over));
				if let (true, Some(last)) = (due, last) {
					prop_assert!(now - last >= pause);
				}
				if !over && last.is_none_or(|last| now - last >= LONGEST_PAUSE) {
					prop_assert!(due);
				}
				if due {
					attempts.tried(&1, now);
					last = Some(now);
					pause = (FIRST_PAUSE * 2u32.saturating_pow(tries.min(10))).min(LONGEST_PAUSE);
					tries += 1;
					match event {
						0 => {
							attempts.end(&1);
							over = true;
						},
						1 => {
							attempts.early(&1, now);
							(pause, tries) = (EARLY_PAUSE, 0);
						},
						_ => {},
					}
				}
			}
		}
	}
}
