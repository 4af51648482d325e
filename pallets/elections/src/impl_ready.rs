//! Words of readiness, and the quorum of them that lets a committee take over.

use super::*;
use asterism_primitives::committee::quorum;
use polkadot_sdk::{
	frame_support::storage::{with_transaction, TransactionOutcome},
	sp_core::sr25519,
	sp_io,
};

/// How much of a count of words was done.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
	/// The words alone: they were too few.
	Words,
	/// The words, and which of them are of excluded nodes.
	Nodes,
}

impl Counted {
	/// What a count takes at most, and what it lets happen.
	pub(crate) fn most<T: Config>() -> Weight {
		T::WeightInfo::count_nodes().saturating_add(T::Beacon::weight_of_adopting())
	}

	/// What of that was not spent.
	pub(crate) fn unspent<T: Config>(self) -> Weight {
		match self {
			Self::Words => Self::most::<T>(),
			Self::Nodes => Weight::zero(),
		}
	}
}

impl<T: Config> Pallet<T> {
	/// Authorizes a word: everything that the dispatch requires, and the member's signature.
	pub(crate) fn authorize_ready(
		_: TransactionSource,
		readiness: &Readiness,
		signature: &[u8; 64],
	) -> TransactionValidityWithRefund {
		let (until, counted) = Self::verify_ready(readiness, signature).map_err(|error| error.validity())?;
		let validity = ValidTransaction {
			// They are few, and the chain's next epoch waits for them.
			priority: TransactionPriority::MAX / 2,
			requires: Vec::new(),
			provides: alloc::vec![(
				*b"ready",
				readiness.chain,
				readiness.epoch,
				readiness.round,
				readiness.member,
				readiness.sharing.map(|sharing| sharing.attempt),
			)
				.encode()],
			longevity: until.saturating_sub(Self::now()).max(1).into(),
			propagate: true,
		};
		Ok((validity, counted.unspent::<T>()))
	}

	/// Everything that must hold for a word to be taken; storage is left as it was. The block at whose beginning the election
	/// is repeated, and how much of the count was done.
	///
	/// # Errors
	/// The first [`Error`] found.
	fn verify_ready(readiness: &Readiness, signature: &[u8; 64]) -> Result<(BlockNumber, Counted), Error<T>> {
		let (_, _, until) = Self::check_ready(readiness)?;
		let signed = sp_io::crypto::sr25519_verify(
			&sr25519::Signature::from_raw(*signature),
			&readiness.statement(Self::genesis()),
			&sr25519::Public::from_raw(readiness.member.0),
		);
		ensure!(signed, Error::<T>::BadSignature);
		let counted = with_transaction(|| {
			// The outer result says whether storage layers are at their limit, which a transaction's start never is.
			TransactionOutcome::Rollback(Ok::<_, DispatchError>(Self::apply_ready(readiness)))
		})
		.unwrap_or(Err(Error::<T>::NoElection))?;
		Ok((until, counted))
	}

	/// All checks but that of the signature. The committee's members, the place of the one that speaks, and the block at
	/// whose beginning the election is repeated.
	#[allow(clippy::type_complexity)]
	fn check_ready(
		readiness: &Readiness,
	) -> Result<(BoundedVec<NewMember, ConstU32<MAX_MEMBERS>>, usize, BlockNumber), Error<T>> {
		let Readiness {
			chain,
			epoch,
			round,
			member,
			sharing,
		} = readiness;
		let election = Elections::<T>::get(chain).ok_or(Error::<T>::NoElection)?;
		ensure!(*epoch == election.epoch, Error::<T>::WrongEpoch);
		let (of, until) = match election.phase {
			Phase::AwaitingSeed | Phase::Open { .. } => return Err(Error::NotRecorded),
			Phase::Recorded { round, until } => (round, until),
			Phase::Ready => return Err(Error::AlreadySettled),
		};
		ensure!(*round == of, Error::<T>::WrongSeed);
		let members = NewMembers::<T>::get(chain);
		let index = members
			.binary_search_by_key(member, |other| other.id)
			.map_err(|_| Error::<T>::NoMember)?;
		let needed = if chain.is_root() && !T::Beacon::is_adopted(*epoch) {
			// One that is not under way can't be adopted: without any, nobody can be ready.
			Some(T::Beacon::attempt(*epoch).ok_or(Error::<T>::WrongSharing)?)
		} else {
			None
		};
		ensure!(
			sharing.map(|sharing| sharing.attempt) == needed,
			Error::<T>::WrongSharing
		);
		// When an attempt to pass the key on has failed, members get ready with the next one.
		let newer = members
			.get(index)
			.and_then(|member| member.word)
			.is_none_or(|word| {
				word.sharing.map(|sharing| sharing.attempt) < sharing.map(|sharing| sharing.attempt)
			});
		ensure!(newer, Error::<T>::AlreadyReady);
		Ok((members, index, until))
	}

	/// Puts a signed word on record, and lets the committee take over if it completes a quorum. Words of members whose nodes are
	/// excluded are kept and don't count: the others will not talk to them, so without them there must be a quorum.
	///
	/// # Errors
	/// The first [`Error`] found. The caller then takes back what was changed.
	pub(crate) fn apply_ready(readiness: &Readiness) -> Result<Counted, Error<T>> {
		let (mut members, index, _) = Self::check_ready(readiness)?;
		let Readiness {
			chain,
			epoch,
			sharing,
			..
		} = *readiness;
		let word = Some(Word { sharing });
		if let Some(member) = members.get_mut(index) {
			member.word = word;
		}
		let needed = quorum(members.len() as u32) as usize;
		let agreed: Vec<_> = members
			.iter()
			.filter(|member| member.word == word)
			.map(|member| member.id)
			.collect();
		NewMembers::<T>::insert(chain, members);
		if agreed.len() < needed {
			return Ok(Counted::Words);
		}
		let spoken = agreed.len();
		if spoken.saturating_sub(Self::excluded(chain, epoch, agreed).len()) < needed {
			return Ok(Counted::Nodes);
		}
		if let Some(sharing) = sharing {
			T::Beacon::adopt(epoch, sharing).map_err(|_| Error::<T>::SharingRefused)?;
		}
		Elections::<T>::mutate(chain, |election| {
			if let Some(election) = election {
				election.phase = Phase::Ready;
			}
		});
		Self::forget_due(chain);
		T::Chains::set_ready(chain, epoch);
		Self::deposit_event(Event::Ready { chain, epoch });
		Ok(Counted::Nodes)
	}
}
