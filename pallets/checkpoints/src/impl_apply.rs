//! What a checkpoint changes.

use super::{impl_check::CheckedRun, *};
use asterism_primitives::{
	digest::{Received, Sent},
	epoch::EpochNote,
};
use asterism_protocol::{
	anchors,
	channel::ChannelError,
	ledger::{self, Ledger, LedgerError},
};

/// The ledger in this pallet's storage. Zero is not stored.
pub(crate) struct StorageLedger<T>(core::marker::PhantomData<T>);

impl<T> StorageLedger<T> {
	pub(crate) fn new() -> Self {
		Self(core::marker::PhantomData)
	}
}

impl<T: Config> Ledger for StorageLedger<T> {
	fn holdings(&self, chain: ChainId, currency: CurrencyId) -> Balance {
		Holdings::<T>::get(chain, currency)
	}
	fn set_holdings(&mut self, chain: ChainId, currency: CurrencyId, amount: Balance) {
		if amount == 0 {
			Holdings::<T>::remove(chain, currency);
		} else {
			Holdings::<T>::insert(chain, currency, amount);
		}
	}
	fn in_flight(&self, from: ChainId, to: ChainId, currency: CurrencyId) -> Balance {
		InFlight::<T>::get((from, to, currency))
	}
	fn set_in_flight(&mut self, from: ChainId, to: ChainId, currency: CurrencyId, amount: Balance) {
		if amount == 0 {
			InFlight::<T>::remove((from, to, currency));
		} else {
			InFlight::<T>::insert((from, to, currency), amount);
		}
	}
}

impl<T> From<LedgerError> for Error<T> {
	fn from(error: LedgerError) -> Self {
		match error {
			LedgerError::OutflowExceedsHoldings { .. } => Self::OutflowExceedsHoldings,
			LedgerError::InflowExceedsFlight { .. } => Self::InflowExceedsFlight,
			LedgerError::SelfFlow => Self::SelfTraffic,
			LedgerError::Overflow => Self::AmountOverflow,
		}
	}
}

impl<T: Config> Pallet<T> {
	/// Takes a checked run.
	///
	/// # Errors
	/// Any [`Error`]. Storage may then be changed in part: the caller rolls it back, as the dispatch of a call does.
	pub(crate) fn apply(chain: ChainId, run: CheckedRun) -> Result<(), Error<T>> {
		for block in run.blocks {
			let traffic = block.traffic;
			ledger::apply(
				&mut StorageLedger::<T>::new(),
				chain,
				&traffic.inflows,
				&traffic.outflows,
			)?;
			Anchors::<T>::insert(chain, block.number, block.anchor);
			for sent in &traffic.sent {
				Self::record(chain, block.number, sent)?;
			}
			for received in &traffic.received {
				Self::acknowledge(chain, received)?;
			}
			match block.note {
				None => {}
				Some(EpochNote::Signal { next }) => T::Chains::signal(chain, next),
				Some(EpochNote::End { .. }) => {
					T::Chains::advance(chain).map_err(|_| Error::<T>::NextNotReady)?
				}
			}
			// The anchor that falls out of the window with this block; others go when their last batch is acknowledged.
			if let Some(number) = block.number.checked_sub(anchors::WINDOW) {
				Self::forget(chain, number, block.number);
			}
		}
		Heads::<T>::insert(chain, run.tip);
		Ok(())
	}

	/// Records a batch of block `number` of `source`.
	fn record(source: ChainId, number: BlockNumber, sent: &Sent) -> Result<(), Error<T>> {
		Channels::<T>::try_mutate(source, sent.destination, |channel| {
			channel.record(number, sent.batch)
		})?;
		Waiting::<T>::insert(sent.destination, source, ());
		Ok(())
	}

	/// Takes note of how far `destination` has taken in a channel.
	fn acknowledge(destination: ChainId, received: &Received) -> Result<(), Error<T>> {
		let Received { source, next_nonce } = *received;
		let (completed, drained) = Channels::<T>::try_mutate(source, destination, |channel| {
			let completed = channel.acknowledge(next_nonce)?;
			Ok::<_, ChannelError>((completed, channel.waiting.is_empty()))
		})
		.map_err(|error| match error {
			ChannelError::Repeated { .. } => Error::<T>::AcknowledgementReversed,
			other => other.into(),
		})?;
		if drained {
			Waiting::<T>::remove(destination, source);
		}
		let head = Heads::<T>::get(source).map_or(0, |head| head.number);
		for number in completed {
			Anchors::<T>::mutate(source, number, |anchor| {
				if let Some(anchor) = anchor {
					anchor.unacknowledged = anchor.unacknowledged.saturating_sub(1);
				}
			});
			Self::forget(source, number, head);
		}
		Ok(())
	}

	/// Removes an anchor that need not be kept any more.
	fn forget(chain: ChainId, number: BlockNumber, head: BlockNumber) {
		if let Some(anchor) = Anchors::<T>::get(chain, number) {
			if anchors::forgettable(number, anchor.unacknowledged, head) {
				Anchors::<T>::remove(chain, number);
			}
		}
	}
}
