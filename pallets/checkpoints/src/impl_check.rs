//! What a checkpoint must be, judged without changing anything: cheap checks, then the certificate.

use super::*;
use asterism_primitives::{
	certificate::{CertificateError, CertificateKind, Realm},
	committee::Epoch,
	digest::{self, Traffic, TRAFFIC_ID},
	epoch::{epoch_note, EpochNote, EPOCH_ID},
};
use asterism_protocol::{
	channel::{ChannelError, MAX_BATCH},
	sequence::{self, Link, SequenceError},
};
use polkadot_sdk::{
	frame_support::storage::{with_transaction, TransactionOutcome},
	sp_runtime::{Digest, DigestItem},
};

/// What certificates are verified with.
type KeysOf<T> = <<T as Config>::Chains as CommitteeProvider>::Keys;

/// A block of a run that passed [`Pallet::check`].
pub(crate) struct CheckedBlock {
	/// Its height.
	pub number: BlockNumber,
	/// What will be remembered of it; nothing is acknowledged yet.
	pub anchor: Anchor,
	/// Its traffic, well-formed.
	pub traffic: Traffic,
	/// What it says of epochs.
	pub note: Option<EpochNote>,
}

/// A run of headers that extends the chain on record and is well-formed. Who certified it is another question.
pub(crate) struct CheckedRun {
	/// The last block.
	pub tip: BlockRef<Hash>,
	/// All blocks, in order.
	pub blocks: Vec<CheckedBlock>,
}

impl<T> From<SequenceError> for Error<T> {
	fn from(error: SequenceError) -> Self {
		match error {
			SequenceError::Empty => Self::NoHeaders,
			SequenceError::Stale { .. } => Self::Stale,
			SequenceError::Gap { .. } => Self::Gap,
			SequenceError::WrongParent { .. } => Self::WrongParent,
			SequenceError::Overflow => Self::HeightOverflow,
		}
	}
}

impl<T> From<CertificateError> for Error<T> {
	fn from(error: CertificateError) -> Self {
		match error {
			CertificateError::WrongKind => Self::WrongKind,
			CertificateError::WrongEpoch { .. } => Self::WrongEpoch,
			CertificateError::WrongBlock => Self::WrongBlock,
			CertificateError::BadSigners => Self::BadSigners,
			CertificateError::NoQuorum { .. } => Self::NoQuorum,
			CertificateError::BadSignature => Self::BadSignature,
		}
	}
}

impl<T> From<ChannelError> for Error<T> {
	fn from(error: ChannelError) -> Self {
		match error {
			ChannelError::Full => Self::ChannelFull,
			ChannelError::BatchFull | ChannelError::BadCount { .. } => Self::BadBatchSize,
			ChannelError::Repeated { .. } => Self::BatchRepeated,
			ChannelError::Gap { .. } => Self::BatchGap,
			ChannelError::NotSent { .. } => Self::AcknowledgedUnsent,
			ChannelError::NonceOverflow => Self::NonceOverflow,
		}
	}
}

/// The traffic that a header states: none if it says nothing, and never two statements.
pub(crate) fn read_traffic<T>(digest: &Digest) -> Result<Traffic, Error<T>> {
	let mut statements = digest.logs().iter().filter_map(|item| match item {
		DigestItem::Consensus(TRAFFIC_ID, bytes) => Some(bytes),
		_ => None,
	});
	let Some(bytes) = statements.next() else {
		return Ok(Traffic::default());
	};
	ensure!(statements.next().is_none(), Error::<T>::MalformedTraffic);
	let mut rest = &bytes[..];
	let traffic = Traffic::decode(&mut rest).map_err(|_| Error::<T>::MalformedTraffic)?;
	ensure!(rest.is_empty(), Error::<T>::MalformedTraffic);
	Ok(traffic)
}

/// Whether the keys ascend, each once.
fn ascends<K: Ord>(keys: impl Iterator<Item = K> + Clone) -> bool {
	keys.clone().zip(keys.skip(1)).all(|(a, b)| a < b)
}

impl<T: Config> Pallet<T> {
	/// Everything that must hold for a checkpoint to be taken; storage is left as it was.
	///
	/// # Errors
	/// The first [`Error`] found.
	pub fn verify(
		chain: ChainId,
		headers: &Headers,
		certificate: &Certificate,
	) -> Result<BlockRef<Hash>, Error<T>> {
		let run = Self::check(chain, headers, certificate)?;
		let tip = run.tip;
		Self::check_certificate(chain, certificate)?;
		with_transaction(|| {
			// The outer result says whether storage layers are at their limit, which a transaction's start never is.
			TransactionOutcome::Rollback(Ok::<_, DispatchError>(Self::apply(chain, run)))
		})
		.unwrap_or(Err(Error::<T>::UnknownChain))?;
		Ok(tip)
	}

	/// All checks that need no curve arithmetic and change nothing.
	///
	/// # Errors
	/// The first [`Error`] found.
	pub(crate) fn check(
		chain: ChainId,
		headers: &Headers,
		certificate: &Certificate,
	) -> Result<CheckedRun, Error<T>> {
		let head = Heads::<T>::get(chain).ok_or(Error::<T>::UnknownChain)?;
		let epoch = T::Chains::epoch(chain).ok_or(Error::<T>::UnknownChain)?;
		ensure!(
			certificate.kind == CertificateKind::Finalization,
			Error::<T>::WrongKind
		);
		ensure!(certificate.round.epoch <= epoch, Error::<T>::NotBegun);
		ensure!(certificate.round.epoch == epoch, Error::<T>::WrongEpoch);
		ensure!(
			headers
				.iter()
				.all(|header| header.encoded_size() <= MAX_HEADER_BYTES),
			Error::<T>::HeaderTooLarge
		);

		let links: Vec<_> = headers
			.iter()
			.map(|header| Link {
				block: BlockRef {
					number: header.number,
					hash: header.hash(),
				},
				parent: header.parent_hash,
			})
			.collect();
		let tip = sequence::extend(head, links.iter().copied())?;
		ensure!(certificate.block_hash == tip.hash, Error::<T>::WrongBlock);

		let mut blocks = Vec::with_capacity(headers.len());
		for (header, link) in headers.iter().zip(&links) {
			let round = digest::round(&header.digest).ok_or(Error::<T>::NoRound)?;
			ensure!(round.epoch == epoch, Error::<T>::RoundOfOtherEpoch);
			let last = link.block == tip;
			let note = Self::check_note(chain, epoch, &header.digest, last)?;
			let traffic = read_traffic(&header.digest)?;
			Self::check_traffic(chain, &traffic)?;
			let anchor = Anchor {
				block_hash: link.block.hash,
				state_root: header.state_root,
				outbox_root: traffic.outbox_root,
				unacknowledged: traffic.sent.len() as u32,
			};
			blocks.push(CheckedBlock {
				number: header.number,
				anchor,
				traffic,
				note,
			});
		}
		Ok(CheckedRun { tip, blocks })
	}

	/// Checks what a block of `epoch` says of epochs. Nothing of the epoch may follow the block that ends it: `last` tells
	/// whether the block is the run's last.
	fn check_note(
		chain: ChainId,
		epoch: Epoch,
		digest: &Digest,
		last: bool,
	) -> Result<Option<EpochNote>, Error<T>> {
		let note = epoch_note(digest).map_err(|_| Error::<T>::MalformedNote)?;
		let next = match note {
			None => return Ok(None),
			Some(EpochNote::Signal { next }) | Some(EpochNote::End { next }) => next,
		};
		ensure!(epoch.checked_add(1) == Some(next), Error::<T>::NoteOfOtherEpoch);
		if matches!(note, Some(EpochNote::End { .. })) {
			ensure!(last, Error::<T>::AfterTheEnd);
			ensure!(T::Chains::is_ready(chain, next), Error::<T>::NextNotReady);
		}
		Ok(note)
	}

	/// Checks that a quorum of the chain's current committee signed the certificate.
	fn check_certificate(chain: ChainId, certificate: &Certificate) -> Result<(), Error<T>> {
		let genesis = T::Chains::genesis(chain).ok_or(Error::<T>::UnknownChain)?;
		let epoch = T::Chains::epoch(chain).ok_or(Error::<T>::UnknownChain)?;
		let keys = T::Chains::prepared(chain, epoch).ok_or(Error::<T>::NoCommittee)?;
		certificate.verify_prepared::<KeysOf<T>>(Realm { chain, genesis }, epoch, &keys)?;
		Ok(())
	}

	/// Checks what a block states of its traffic, as far as it can be judged by itself.
	fn check_traffic(chain: ChainId, traffic: &Traffic) -> Result<(), Error<T>> {
		Self::check_form(chain, traffic)?;
		ensure!(Self::peers_are_known(traffic), Error::<T>::UnknownPeer);
		// The most expensive check comes last: it hashes the whole outbox tree.
		ensure!(traffic.is_consistent(), Error::<T>::InconsistentTraffic);
		Ok(())
	}

	/// Whether the other ends of a traffic of good form are transaction chains on record.
	pub(crate) fn peers_are_known(traffic: &Traffic) -> bool {
		let known = T::Chains::is_transaction_chain;
		// Each flow has its batch or receipt.
		traffic.sent.iter().all(|s| known(s.destination)) && traffic.received.iter().all(|r| known(r.source))
	}

	/// Checks the form of a block's traffic: that of an honest block never fails, whatever its chain knows of others.
	pub(crate) fn check_form(chain: ChainId, traffic: &Traffic) -> Result<(), Error<T>> {
		let Traffic {
			outbox_root,
			sent,
			received,
			outflows,
			inflows,
		} = traffic;
		let sorted = ascends(sent.iter().map(|s| s.destination))
			&& ascends(received.iter().map(|r| r.source))
			&& ascends(outflows.iter().map(|f| (f.peer, f.currency)))
			&& ascends(inflows.iter().map(|f| (f.peer, f.currency)));
		ensure!(sorted, Error::<T>::UnsortedTraffic);
		ensure!(
			(*outbox_root == Hash::zero()) == sent.is_empty(),
			Error::<T>::OutboxMismatch
		);
		ensure!(
			sent.iter().all(|s| (1..=MAX_BATCH).contains(&s.batch.count)),
			Error::<T>::BadBatchSize
		);

		let mut peers = sent
			.iter()
			.map(|s| s.destination)
			.chain(received.iter().map(|r| r.source))
			.chain(outflows.iter().chain(inflows).map(|f| f.peer));
		ensure!(peers.all(|peer| peer != chain), Error::<T>::SelfTraffic);

		// Both lists are sorted by peer, so searching is cheap.
		let has_batch = |peer: &ChainId| sent.binary_search_by_key(peer, |s| s.destination).is_ok();
		let has_receipt = |peer: &ChainId| received.binary_search_by_key(peer, |r| r.source).is_ok();
		ensure!(
			outflows.iter().all(|f| has_batch(&f.peer)),
			Error::<T>::FlowWithoutBatch
		);
		ensure!(
			inflows.iter().all(|f| has_receipt(&f.peer)),
			Error::<T>::FlowWithoutBatch
		);
		Ok(())
	}

	/// What the headers' signals and ends of epochs weigh.
	pub(crate) fn weight_of_notes(headers: &[Header]) -> Weight {
		let has_note = |header: &&Header| {
			let mut logs = header.digest.logs().iter();
			logs.any(|item| matches!(item, DigestItem::Consensus(EPOCH_ID, _)))
		};
		let notes = headers.iter().filter(has_note).count() as u64;
		T::Chains::weight().saturating_mul(notes)
	}

	/// How many entries the headers' traffic has: what the weight of a submission grows with.
	pub(crate) fn traffic_entries(headers: &[Header]) -> u32 {
		let entries = |header: &Header| {
			let traffic = read_traffic::<T>(&header.digest).unwrap_or_default();
			traffic.sent.len() + traffic.received.len() + traffic.outflows.len() + traffic.inflows.len()
		};
		headers.iter().map(entries).sum::<usize>() as u32
	}
}
