//! Claims: what they must be, judged without changing anything, and how they are put on record.

use super::*;
use asterism_protocol::{
	election::{place, Candidate, Refusal},
	sortition::{share, standing, Standing, Ticket},
};

/// A claim that may be put on record.
pub(crate) struct CheckedClaim {
	/// What it would be on record.
	record: Claimed,
	/// Its place among the claims on record.
	index: usize,
	/// Those claims.
	claims: BoundedVec<Claimed, ConstU32<MAX_CLAIMS>>,
	/// Whether the node is elected or on standby.
	standing: Standing,
	/// When the election is decided.
	deadline: BlockNumber,
}

impl<T> From<Refusal> for Error<T> {
	fn from(refusal: Refusal) -> Self {
		match refusal {
			Refusal::NotElected => Self::NotElected,
			Refusal::Late => Self::Late,
			Refusal::EarlyStandby => Self::EarlyStandby,
			Refusal::NotNeeded => Self::NotNeeded,
		}
	}
}

impl Claimed {
	/// The claim as a candidate, by its operator.
	pub(crate) fn candidate(&self) -> Option<Candidate<AccountId>> {
		Some(Candidate {
			id: self.operator.clone(),
			ticket: Ticket::new(self.number, self.share)?,
		})
	}

	/// Whether the node is elected or on standby, in an election of this total.
	pub(crate) fn standing(&self, total: u128) -> Standing {
		standing(self.number, self.share, total)
	}
}

/// How many of the claims are of elected nodes.
pub(crate) fn count_elected(claims: &[Claimed], total: u128) -> u32 {
	// They come first.
	claims.partition_point(|claim| claim.standing(total) == Standing::Elected) as u32
}

impl<T: Config> Pallet<T> {
	/// Authorizes a claim: everything that the dispatch requires, and the proof.
	pub(crate) fn authorize_claim(_: TransactionSource, claim: &Claim) -> TransactionValidityWithRefund {
		let checked = Self::check_claim(claim, true).map_err(|error| error.validity())?;
		let validity = ValidTransaction {
			// They are few, and of no use after the deadline: before whatever pays for its place.
			priority: match checked.standing {
				Standing::Elected => TransactionPriority::MAX / 2,
				_ => TransactionPriority::MAX / 4,
			},
			requires: Vec::new(),
			provides: alloc::vec![
				(*b"claim", claim.chain, claim.epoch, claim.round, &claim.operator).encode()
			],
			longevity: checked.deadline.saturating_sub(Self::now()).max(1).into(),
			propagate: true,
		};
		Ok((validity, Weight::zero()))
	}

	/// Everything that must hold for a claim to be taken, its proof included only if `prove`.
	///
	/// # Errors
	/// The first [`Error`] found.
	fn check_claim(claim: &Claim, prove: bool) -> Result<CheckedClaim, Error<T>> {
		let election = Elections::<T>::get(claim.chain).ok_or(Error::<T>::NoElection)?;
		ensure!(claim.epoch == election.epoch, Error::<T>::WrongEpoch);
		let (round, seed) = match election.phase {
			Phase::AwaitingSeed => return Err(Error::NotOpen),
			Phase::Open { round, seed, .. } => (round, seed),
			Phase::Recorded { .. } | Phase::Ready => return Err(Error::Late),
		};
		let window = election.window().ok_or(Error::<T>::NotOpen)?;
		ensure!(claim.round == round, Error::<T>::WrongSeed);
		ensure!(Self::now() < window.deadline, Error::<T>::Late);

		let node = T::Stakers::node(&claim.operator).ok_or(Error::<T>::UnknownNode)?;
		// The last change that counts may have been any time before it left: ask for that first.
		ensure!(node.status == pallet_stake::Status::Active, Error::<T>::NotActive);
		ensure!(node.eligible(election.signalled), Error::<T>::ChangedAfterSignal);
		let claims = Claims::<T>::get(claim.chain);
		ensure!(
			claims.iter().all(|other| other.operator != claim.operator),
			Error::<T>::AlreadyClaimed
		);

		let key = node.keys.sortition;
		let proved = !prove || claim.proof.verify(&key, seed, claim.chain, claim.epoch);
		ensure!(proved, Error::<T>::BadProof);
		let number = claim
			.proof
			.number(&key, seed, claim.chain, claim.epoch)
			.ok_or(Error::<T>::BadProof)?;
		let record = Claimed {
			operator: claim.operator.clone(),
			number,
			share: share(
				T::Weight::weight(claim.chain, &claim.operator, &node),
				election.total,
				election.expected,
			),
		};
		let standing = record.standing(election.total);
		let elected = count_elected(&claims, election.total);
		window.accepts(Self::now(), standing, elected, election.expected)?;
		let candidate = record.candidate().ok_or(Error::<T>::NotElected)?;
		let others: Vec<_> = claims.iter().filter_map(Claimed::candidate).collect();
		let index = place(&others, &candidate, MAX_CLAIMS).ok_or(Error::<T>::Outbid)?;
		Ok(CheckedClaim {
			record,
			index,
			claims,
			standing,
			deadline: window.deadline,
		})
	}

	/// Puts a claim on record whose proof is right.
	///
	/// # Errors
	/// The first [`Error`] found; nothing is changed then.
	pub(crate) fn apply_claim(claim: &Claim) -> Result<(), Error<T>> {
		let CheckedClaim {
			record,
			index,
			mut claims,
			standing,
			..
		} = Self::check_claim(claim, false)?;
		let operator = record.operator.clone();
		// The place is within the list's bounds, and the worst one is driven out of a full list.
		claims
			.force_insert_keep_left(index, record)
			.map_err(|_| Error::<T>::Outbid)?;
		Claims::<T>::insert(claim.chain, claims);
		Self::deposit_event(Event::Claimed {
			chain: claim.chain,
			epoch: claim.epoch,
			operator,
			elected: standing == Standing::Elected,
		});
		Ok(())
	}

	/// How many elected nodes came forward in a chain's open election.
	pub fn elected(chain: ChainId) -> u32 {
		let total = Elections::<T>::get(chain).map_or(0, |election| election.total);
		count_elected(&Claims::<T>::get(chain), total)
	}

	/// What a node needs to take part in a chain's open election; `None` if it can't.
	pub fn candidacy(chain: ChainId, operator: &AccountId) -> Option<Candidacy> {
		let election = Elections::<T>::get(chain)?;
		let window = election.window()?;
		let node = T::Stakers::node(operator)
			.filter(|node| node.eligible(election.signalled) && Self::now() < window.deadline)?;
		Some(Candidacy {
			sortition: node.keys.sortition,
			share: share(
				T::Weight::weight(chain, operator, &node),
				election.total,
				election.expected,
			),
			claimed: Claims::<T>::get(chain)
				.iter()
				.any(|claim| claim.operator == *operator),
		})
	}
}
