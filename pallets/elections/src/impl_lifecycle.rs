//! How an election comes, goes on and ends.

use super::*;
use alloc::collections::BTreeMap;
use asterism_primitives::committee::{Committee, Member};
use asterism_protocol::{
	election::{compose, decides, Candidate},
	sortition::{Standing, Ticket},
};
use pallet_stake::Status;
use polkadot_sdk::{frame_support::storage::with_storage_layer, sp_io::hashing::blake2_128};

/// What the log lines of this pallet are marked with.
const LOG_TARGET: &str = "runtime::elections";

/// Puts a chain into an agenda; one that is in it already gets another block.
fn schedule(agenda: &mut Agenda, block: BlockNumber, chain: ChainId) {
	agenda.retain(|(_, other)| *other != chain);
	let index = agenda.partition_point(|entry| *entry < (block, chain));
	// There is room: each chain is in it at most once, and there are no more chains than that.
	if agenda.try_insert(index, (block, chain)).is_err() {
		log::error!(target: LOG_TARGET, "chain {chain}: more elections than there may be chains");
	}
}

/// Who may stay from the serving committee, the first ones before the others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
	/// Its node is active.
	Active,
	/// It is nobody's node: it serves since the chain's genesis.
	Founder,
	/// Its node is leaving, but can still be slashed.
	Leaving,
}

impl<T: Config> Pallet<T> {
	/// Puts on record who answers for a committee, and begins their duty.
	fn put_roster(chain: ChainId, epoch: Epoch, operators: Vec<(MemberId, AccountId)>) {
		for (_, operator) in &operators {
			T::Stakers::begin_duty(operator);
		}
		let roster = Roster {
			// A committee has no more members, and they are in order.
			operators: BoundedVec::truncate_from(operators),
			on_duty: true,
		};
		Rosters::<T>::insert(chain, epoch, roster);
	}

	/// Ends the duty of who answers for a committee, once.
	fn end_duty(chain: ChainId, epoch: Epoch) {
		Rosters::<T>::mutate(chain, epoch, |roster| {
			let Some(roster) = roster.as_mut().filter(|roster| roster.on_duty) else {
				return;
			};
			for (_, operator) in &roster.operators {
				T::Stakers::end_duty(operator);
			}
			roster.on_duty = false;
		});
	}

	/// Begins an election: from this block on nothing may change that counts in it.
	fn begin(chain: ChainId, epoch: Epoch, attempt: u32) {
		let now = Self::now();
		let election = Election {
			epoch,
			attempt,
			signalled: now,
			total: T::Weight::total(chain),
			expected: T::Chains::expected(chain).unwrap_or(1).clamp(1, MAX_MEMBERS),
			phase: Phase::AwaitingSeed,
		};
		Elections::<T>::insert(chain, election);
		Claims::<T>::remove(chain);
		NewMembers::<T>::remove(chain);
		Self::forget_due(chain);
		Awaiting::<T>::mutate(|awaiting| schedule(awaiting, now, chain));
	}

	/// Nothing is due any more for a chain.
	pub(crate) fn forget_due(chain: ChainId) {
		Due::<T>::mutate(|due| due.retain(|(_, other)| *other != chain));
	}

	/// Opens elections with a seed that nobody knew when they were signalled, the oldest first.
	fn open(round: BlockNumber, seed: Hash) -> u32 {
		let mut awaiting = Awaiting::<T>::get();
		let decided = awaiting
			.iter()
			.take(MAX_OPENINGS as usize)
			.take_while(|(signalled, _)| decides(round, *signalled))
			.count();
		if decided == 0 {
			return 0;
		}
		let now = Self::now();
		let deadline = now.saturating_add(T::ClaimPeriod::get());
		let mut due = Due::<T>::get();
		let opened: Vec<_> = awaiting.drain(..decided).collect();
		for (_, chain) in opened {
			let Some(mut election) = Elections::<T>::get(chain) else {
				continue;
			};
			election.phase = Phase::Open {
				round,
				seed,
				opened: now,
				deadline,
			};
			Elections::<T>::insert(chain, election);
			schedule(&mut due, deadline, chain);
			Self::deposit_event(Event::Opened {
				chain,
				epoch: election.epoch,
				round,
				deadline,
			});
		}
		Awaiting::<T>::put(awaiting);
		Due::<T>::put(due);
		decided as u32
	}

	/// Decides or repeats what is due, as far as the block's weight allows. What is left is done in the next block.
	pub(crate) fn attend(now: BlockNumber) -> Weight {
		let budget = T::BlockWeights::get().max_block / 8u64;
		let mut weight = T::WeightInfo::idle();
		for _ in 0..MAX_DECISIONS {
			let next = Due::<T>::get()
				.first()
				.copied()
				.filter(|(block, _)| *block <= now);
			let Some((_, chain)) = next else {
				break;
			};
			Self::forget_due(chain);
			if chain.is_root() {
				weight.saturating_accrue(T::Beacon::weight_of_starting());
			}
			let members = match Elections::<T>::get(chain) {
				Some(election) => match election.phase {
					Phase::Open { round, seed, .. } => Self::decide(chain, election, round, seed),
					Phase::Recorded { .. } => Self::repeat(chain, election, Reason::NotReady),
					// Neither is on the agenda.
					Phase::AwaitingSeed | Phase::Ready => 0,
				},
				None => 0,
			};
			weight.saturating_accrue(T::WeightInfo::decide(members));
			if weight.any_gt(budget) {
				break;
			}
		}
		weight
	}

	/// Begins an election again. The number of members that were involved.
	fn repeat(chain: ChainId, election: Election, reason: Reason) -> u32 {
		let members = NewMembers::<T>::decode_len(chain).unwrap_or(0) as u32;
		if matches!(election.phase, Phase::Recorded { .. }) {
			Self::end_duty(chain, election.epoch);
			Rosters::<T>::remove(chain, election.epoch);
		}
		let attempt = election.attempt.saturating_add(1);
		Self::begin(chain, election.epoch, attempt);
		Self::deposit_event(Event::Repeated {
			chain,
			epoch: election.epoch,
			attempt,
			reason,
		});
		members
	}

	/// Composes the committee of an election whose deadline is reached, and puts it on record. The number of nodes that
	/// were looked at.
	fn decide(chain: ChainId, election: Election, round: BlockNumber, seed: Hash) -> u32 {
		let claims = Claims::<T>::take(chain);
		let mut looked_at = claims.len() as u32;
		let mut people = BTreeMap::new();
		let (mut elected, mut standby) = (Vec::new(), Vec::new());
		for claim in claims {
			// Who has left or changed keys since its claim, or is excluded, is no candidate any more.
			let node = T::Stakers::node(&claim.operator).filter(|node| node.eligible(election.signalled));
			let (Some(node), Some(ticket)) = (node, Ticket::new(claim.number, claim.share)) else {
				continue;
			};
			let id = node.keys.identity;
			match claim.standing(election.total) {
				Standing::Elected => elected.push(Candidate { id, ticket }),
				Standing::Standby => standby.push(Candidate { id, ticket }),
				Standing::Neither => continue,
			}
			people.insert(id, (node.keys.consensus, Some(claim.operator)));
		}

		let serving = T::Chains::serving(chain);
		let mut old = Vec::new();
		let roster = serving
			.as_ref()
			.and_then(|committee| Rosters::<T>::get(chain, committee.epoch()));
		let roster = roster.unwrap_or_default();
		for member in serving.iter().flat_map(|committee| committee.members()) {
			looked_at = looked_at.saturating_add(1);
			let Some((rank, member, operator)) = Self::staying(&roster, member) else {
				continue;
			};
			// Nobody gets in twice, under another identity with the same key.
			let taken = people
				.iter()
				.any(|(id, (key, _))| *key == member.key && *id != member.id);
			if taken {
				continue;
			}
			old.push((rank, blake2_128(&(seed, member.id).encode()), member.id));
			people.entry(member.id).or_insert((member.key, operator));
		}
		// The seed decides who stays: nobody can choose an identity that always does.
		old.sort_unstable();
		let old: Vec<_> = old.into_iter().map(|(_, _, id)| id).collect();

		let composition = compose(&elected, &standby, &old, election.expected, MAX_MEMBERS);
		let (elected, standby, kept) = (
			composition.elected.len() as u32,
			composition.standby.len() as u32,
			composition.kept.len() as u32,
		);
		let mut ids = composition.into_members();
		if ids.is_empty() {
			Self::repeat(chain, election, Reason::Nobody);
			return looked_at;
		}
		ids.sort_unstable();
		let mut members = Vec::with_capacity(ids.len());
		let mut operators = Vec::with_capacity(ids.len());
		for id in &ids {
			if let Some((key, operator)) = people.remove(id) {
				members.push(Member { id: *id, key });
				operators.extend(operator.map(|operator| (*id, operator)));
			}
		}
		let recorded = with_storage_layer(|| {
			let committee = Committee::new(election.epoch, members)
				.map_err(|_| DispatchError::Other("the members are no committee"))?;
			T::Chains::record(chain, committee)
		});
		if let Err(error) = recorded {
			log::error!(
				target: LOG_TARGET,
				"chain {chain}: the committee of epoch {} can't be put on record: {error:?}",
				election.epoch,
			);
			Self::repeat(chain, election, Reason::NotRecordable);
			return looked_at;
		}

		let until = Self::now().saturating_add(T::ReadyPeriod::get());
		Elections::<T>::insert(
			chain,
			Election {
				phase: Phase::Recorded { round, until },
				..election
			},
		);
		Due::<T>::mutate(|due| schedule(due, until, chain));
		Self::put_roster(chain, election.epoch, operators);
		let new = ids.iter().map(|id| NewMember { id: *id, word: None }).collect();
		let new: BoundedVec<_, ConstU32<MAX_MEMBERS>> = BoundedVec::truncate_from(new);
		NewMembers::<T>::insert(chain, new);
		if chain.is_root() && !T::Beacon::is_adopted(election.epoch) {
			if let Err(error) = T::Beacon::start(election.epoch, ids) {
				log::error!(
					target: LOG_TARGET,
					"the beacon's key is not passed on to the root committee of epoch {}: {error:?}",
					election.epoch,
				);
			}
		}
		Self::deposit_event(Event::Recorded {
			chain,
			epoch: election.epoch,
			elected,
			standby,
			kept,
		});
		looked_at
	}

	/// Whether a member of the serving committee may stay, as who, with which keys, and who answers for it.
	fn staying(roster: &Roster, member: &Member) -> Option<(Rank, Member, Option<AccountId>)> {
		let Some(operator) = roster
			.operator(&member.id)
			.or_else(|| T::Stakers::operator_of(&member.id))
		else {
			return Some((Rank::Founder, member.clone(), None));
		};
		// Who is gone has nothing to lose any more.
		let node = T::Stakers::node(&operator).filter(|node| !node.is_excluded())?;
		let rank = match node.status {
			Status::Active => Rank::Active,
			Status::Leaving { .. } | Status::Excluded => Rank::Leaving,
		};
		let member = Member {
			id: node.keys.identity,
			key: node.keys.consensus,
		};
		Some((rank, member, Some(operator)))
	}
}

impl<T: Config> OnEpoch for Pallet<T> {
	/// Asked again, or for another epoch than the one after the chain's current one, this does nothing.
	fn on_signal(chain: ChainId, next: Epoch) {
		let Some(serving) = T::Chains::serving(chain) else {
			return;
		};
		let asked = Elections::<T>::get(chain).is_some_and(|election| election.epoch >= next);
		if asked || serving.epoch().checked_add(1) != Some(next) {
			return;
		}
		// A chain's first committee was not elected: from now on, too, somebody answers for its members.
		if !Rosters::<T>::contains_key(chain, serving.epoch()) {
			let operators = serving.members().iter().filter_map(|member| {
				let operator = T::Stakers::operator_of(&member.id)?;
				Some((member.id, operator))
			});
			Self::put_roster(chain, serving.epoch(), operators.collect());
		}
		Self::deposit_event(Event::Signalled { chain, epoch: next });
		Self::begin(chain, next, 0);
	}

	fn on_end(chain: ChainId, next: Epoch) {
		if let Some(ended) = next.checked_sub(1) {
			Self::end_duty(chain, ended);
		}
	}

	fn on_forget(chain: ChainId, epoch: Epoch) {
		Self::end_duty(chain, epoch);
		Rosters::<T>::remove(chain, epoch);
	}

	fn weight() -> Weight {
		T::WeightInfo::turn(MAX_MEMBERS)
	}
}

impl<T: Config> OnSeed for Pallet<T> {
	fn on_seed(round: BlockNumber, randomness: Hash) {
		let opened = Self::open(round, randomness);
		frame_system::Pallet::<T>::register_extra_weight_unchecked(
			T::WeightInfo::open_elections(opened),
			DispatchClass::Mandatory,
		);
	}
}
