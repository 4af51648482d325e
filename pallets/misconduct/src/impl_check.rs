//! What evidence proves, judged without changing anything: cheap checks, then the signatures, then the traffic.

use super::*;
use asterism_primitives::{
	certificate::{Certificate, CertificateError, CertificateKind, CommitteeKeys, Realm},
	committee::Committee,
	offence::{contradiction, in_both, linked, Harmless, Unlinked, Votes},
};
use polkadot_sdk::sp_runtime::SaturatedConversion;

/// What signatures are verified with.
type KeysOf<T> = <<T as Config>::Chains as CommitteeProvider>::Keys;

/// Whether the signatures are still to be verified.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signatures {
	/// They are.
	Verify,
	/// They have been.
	Verified,
}

impl<T> From<Harmless> for Error<T> {
	fn from(harmless: Harmless) -> Self {
		match harmless {
			Harmless::OtherEpoch => Self::OtherEpoch,
			Harmless::OtherView => Self::OtherView,
			Harmless::SameVote => Self::SameVote,
			Harmless::Compatible => Self::Compatible,
		}
	}
}

impl<T> From<Unlinked> for Error<T> {
	fn from(unlinked: Unlinked) -> Self {
		match unlinked {
			Unlinked::Empty => Self::NoHeaders,
			Unlinked::OtherBlock => Self::WrongBlock,
			Unlinked::WrongParent => Self::WrongParent,
			Unlinked::OtherEpoch => Self::RoundOfOtherEpoch,
		}
	}
}

impl<T> From<Acquittal> for Error<T> {
	fn from(acquittal: Acquittal) -> Self {
		match acquittal {
			Acquittal::Consistent => Self::Consistent,
			Acquittal::NotNext => Self::NotNext,
		}
	}
}

impl<T: Config> Pallet<T> {
	/// Everything that must hold for evidence to be taken; storage is left as it was.
	///
	/// # Errors
	/// The first [`Error`] found.
	pub(crate) fn check(evidence: &Evidence, signatures: Signatures) -> Result<Case<T::AccountId>, Error<T>> {
		match &evidence.proof {
			Proof::Votes { first, second } => Self::check_votes(evidence.chain, first, second, signatures),
			Proof::Checkpoint { headers, certificate } => {
				Self::check_checkpoint(evidence.chain, headers, certificate, signatures)
			}
		}
	}

	fn check_votes(
		chain: ChainId,
		first: &Votes,
		second: &Votes,
		signatures: Signatures,
	) -> Result<Case<T::AccountId>, Error<T>> {
		let genesis = T::Chains::genesis(chain).ok_or(Error::<T>::UnknownChain)?;
		let contradiction = contradiction((first.round, first.vote), (second.round, second.vote))?;
		// They are of one epoch, or they would not contradict each other.
		let epoch = first.round.epoch;
		let committee = Self::committee(chain, epoch)?;
		let of = |votes: &Votes| votes.signers(committee.size()).ok_or(Error::<T>::BadSigners);
		let (first_signers, second_signers) = (of(first)?, of(second)?);
		let guilty = in_both(&first_signers, &second_signers);
		ensure!(!guilty.is_empty(), Error::<T>::NoCulprit);
		let culprits = Self::operators(chain, &committee, guilty)?;
		if signatures == Signatures::Verify {
			let realm = Realm { chain, genesis };
			let keys = T::Chains::prepared(chain, epoch).ok_or(Error::<T>::NoCommittee)?;
			for (votes, signers) in [(first, &first_signers), (second, &second_signers)] {
				let message = votes.signed_bytes(realm);
				ensure!(
					KeysOf::<T>::verify(&keys, signers, &message, &votes.signature),
					Error::<T>::BadSignature
				);
			}
		}
		Ok(Case {
			chain,
			epoch,
			offence: Offence::Votes(contradiction),
			culprits,
		})
	}

	fn check_checkpoint(
		chain: ChainId,
		headers: &[Header],
		certificate: &Certificate,
		signatures: Signatures,
	) -> Result<Case<T::AccountId>, Error<T>> {
		ensure!(T::Chains::is_transaction_chain(chain), Error::<T>::UnknownChain);
		let genesis = T::Chains::genesis(chain).ok_or(Error::<T>::UnknownChain)?;
		ensure!(
			certificate.kind == CertificateKind::Finalization,
			Error::<T>::WrongKind
		);
		ensure!(
			headers
				.iter()
				.all(|header| header.encoded_size() <= MAX_HEADER_BYTES),
			Error::<T>::HeaderTooLarge
		);
		linked(headers, certificate)?;
		let epoch = certificate.round.epoch;
		let committee = Self::committee(chain, epoch)?;
		let guilty = Votes::from(certificate.clone())
			.signers(committee.size())
			.ok_or(Error::<T>::BadSigners)?;
		ensure!(guilty.len() as u32 >= committee.quorum(), Error::<T>::NoQuorum);
		let culprits = Self::operators(chain, &committee, guilty)?;
		if signatures == Signatures::Verify {
			let keys = T::Chains::prepared(chain, epoch).ok_or(Error::<T>::NoCommittee)?;
			certificate
				.verify_prepared::<KeysOf<T>>(Realm { chain, genesis }, epoch, &keys)
				.map_err(|error| match error {
					CertificateError::BadSigners => Error::<T>::BadSigners,
					CertificateError::NoQuorum { .. } => Error::<T>::NoQuorum,
					CertificateError::WrongKind => Error::<T>::WrongKind,
					CertificateError::WrongBlock => Error::<T>::WrongBlock,
					CertificateError::WrongEpoch { .. } => Error::<T>::RoundOfOtherEpoch,
					CertificateError::BadSignature => Error::<T>::BadSignature,
				})?;
		}
		T::Judge::judge(chain, headers)?;
		Ok(Case {
			chain,
			epoch,
			offence: Offence::Traffic,
			culprits,
		})
	}

	/// The committee of a chain in an epoch, if evidence against it counts. One whose epoch has not begun may still be
	/// replaced.
	fn committee(chain: ChainId, epoch: Epoch) -> Result<Committee, Error<T>> {
		let current = T::Chains::epoch(chain).ok_or(Error::<T>::UnknownChain)?;
		ensure!(epoch <= current, Error::<T>::NotBegun);
		if epoch < current {
			// One that is not on record any more has been forgotten.
			let end = T::Chains::ended(chain, epoch).ok_or(Error::<T>::TooOld)?;
			let now: BlockNumber = frame_system::Pallet::<T>::block_number().saturated_into();
			ensure!(now.saturating_sub(end) <= T::Lifetime::get(), Error::<T>::TooOld);
		}
		T::Chains::committee(chain, epoch).ok_or(Error::<T>::NoCommittee)
	}

	/// The guilty that are not convicted yet, and whose stake can answer for them. At least one.
	fn operators(
		chain: ChainId,
		committee: &Committee,
		guilty: Vec<u32>,
	) -> Result<Vec<Culprit<T::AccountId>>, Error<T>> {
		let epoch = committee.epoch();
		let convicted = Convicted::<T>::get(chain, epoch).unwrap_or_default();
		let fresh: Vec<u32> = guilty.into_iter().filter(|i| !marked(&convicted, *i)).collect();
		ensure!(!fresh.is_empty(), Error::<T>::AlreadyPunished);
		let culprit = |index: u32| {
			let member = committee.members().get(index as usize)?.id;
			let operator = T::Operators::operator_of(chain, epoch, &member)?;
			Some(Culprit {
				index,
				member,
				operator,
			})
		};
		let culprits: Vec<_> = fresh.into_iter().filter_map(culprit).collect();
		ensure!(!culprits.is_empty(), Error::<T>::NoOperator);
		Ok(culprits)
	}
}
