//! What always holds.

use super::*;
use alloc::collections::BTreeSet;
use asterism_protocol::sortition::{Standing, Ticket};
use polkadot_sdk::sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
	/// Checks the pallet's invariants:
	///
	/// 1. an election waits for a seed exactly if it is in that list, under the block that asked for it; it is on the agenda exactly
	///    if it is open or has a committee on record, under the block in which it is due;
	/// 2. an election is for the epoch after the chain's current one, or was for the current one and is ready;
	/// 3. claims are in order of their scores, one for each operator, each good enough; only open elections have any;
	/// 4. exactly the elections with a committee on record have members, in order, and a roster that names only members and
	///    is on duty; the election is ready only if a quorum of them are. (It need not be if they are, as those that are excluded
	///    when they speak don't count);
	/// 5. no roster on duty is of an epoch before the chain's current one;
	/// 6. an election has time for claims and for words.
	///
	/// # Errors
	/// What doesn't hold.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		ensure!(
			T::ClaimPeriod::get() >= 2 && T::ReadyPeriod::get() >= 1,
			"an election has no time for claims or for words"
		);
		let ascends = |agenda: &Agenda| agenda.windows(2).all(|pair| pair[0] < pair[1]);
		let (awaiting, due) = (Awaiting::<T>::get(), Due::<T>::get());
		ensure!(ascends(&awaiting) && ascends(&due), "an agenda is not in order");
		let (mut expected_awaiting, mut expected_due) = (BTreeSet::new(), BTreeSet::new());
		for (chain, election) in Elections::<T>::iter() {
			match election.phase {
				Phase::AwaitingSeed => expected_awaiting.insert((election.signalled, chain)),
				Phase::Open { deadline, .. } => expected_due.insert((deadline, chain)),
				Phase::Recorded { until, .. } => expected_due.insert((until, chain)),
				Phase::Ready => true,
			};
			let serving = T::Chains::serving(chain).ok_or("an election of an unknown chain")?;
			let next = serving.epoch().saturating_add(1);
			let over = election.epoch == serving.epoch() && election.phase == Phase::Ready;
			ensure!(
				election.epoch == next || over,
				"an election is for neither the next epoch nor the current one"
			);
			ensure!(
				(1..=MAX_MEMBERS).contains(&election.expected),
				"an election expects no member, or more than there may be"
			);
			Self::try_claims(chain, &election)?;
			Self::try_members(chain, &election)?;
		}
		ensure!(
			awaiting.into_iter().collect::<BTreeSet<_>>() == expected_awaiting,
			"the elections that wait for a seed are not those listed"
		);
		ensure!(
			due.into_iter().collect::<BTreeSet<_>>() == expected_due,
			"the elections with something due are not those on the agenda"
		);
		let known = |chain| Elections::<T>::contains_key(chain);
		ensure!(
			Claims::<T>::iter_keys().all(known) && NewMembers::<T>::iter_keys().all(known),
			"there are claims or members of no election"
		);
		for (chain, epoch, roster) in Rosters::<T>::iter() {
			let serving = T::Chains::serving(chain).ok_or("a roster of an unknown chain")?;
			ensure!(
				!roster.on_duty || epoch >= serving.epoch(),
				"an old committee is on duty"
			);
		}
		Ok(())
	}

	fn try_claims(chain: ChainId, election: &Election) -> Result<(), TryRuntimeError> {
		let claims = Claims::<T>::get(chain);
		ensure!(
			claims.is_empty() || election.window().is_some(),
			"there are claims in an election that is not open"
		);
		let operators: BTreeSet<_> = claims.iter().map(|claim| &claim.operator).collect();
		ensure!(operators.len() == claims.len(), "an operator has two claims");
		let mut candidates = Vec::new();
		for claim in &claims {
			ensure!(
				claim.standing(election.total) != Standing::Neither,
				"a claim is not good enough"
			);
			ensure!(
				Ticket::new(claim.number, claim.share).is_some(),
				"a claim has no share"
			);
			candidates.extend(claim.candidate());
		}
		ensure!(
			candidates
				.windows(2)
				.all(|pair| pair[0].compare(&pair[1]).is_lt()),
			"claims are not in order"
		);
		Ok(())
	}

	fn try_members(chain: ChainId, election: &Election) -> Result<(), TryRuntimeError> {
		let members = NewMembers::<T>::get(chain);
		let recorded = matches!(election.phase, Phase::Recorded { .. } | Phase::Ready);
		ensure!(
			recorded != members.is_empty(),
			"members without committee, or none"
		);
		ensure!(
			members.windows(2).all(|pair| pair[0].id < pair[1].id),
			"members are not in order"
		);
		let quorum = asterism_primitives::committee::quorum(members.len() as u32) as usize;
		let agreed = |word: &Option<Word>| members.iter().filter(|member| member.word == *word).count();
		let complete = members
			.iter()
			.any(|member| member.word.is_some() && agreed(&member.word) >= quorum);
		ensure!(
			complete || election.phase != Phase::Ready,
			"a committee is ready without a quorum"
		);
		let Some(roster) = Rosters::<T>::get(chain, election.epoch) else {
			ensure!(!recorded, "a committee on record has no roster");
			return Ok(());
		};
		ensure!(recorded && roster.on_duty, "a committee on record is not on duty");
		let ids: BTreeSet<_> = members.iter().map(|member| member.id).collect();
		ensure!(
			roster.operators.iter().all(|(id, _)| ids.contains(id)),
			"a roster names somebody who is no member"
		);
		ensure!(
			roster.operators.windows(2).all(|pair| pair[0].0 < pair[1].0),
			"a roster is not in order"
		);
		Ok(())
	}
}
