//! What always holds.

use super::*;
use alloc::collections::{BTreeMap, BTreeSet};
use asterism_protocol::{anchors, channel::CAPACITY};
use polkadot_sdk::sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
	/// Checks the pallet's invariants:
	///
	/// 1. for every currency, all holdings and all value in flight add up to the issuance;
	/// 2. an anchor's unacknowledged batches are those that wait in the channels, and each of them has its anchor;
	/// 3. no anchor is kept that may be forgotten;
	/// 4. the index of waiting sources names exactly the channels that have batches waiting.
	///
	/// # Errors
	/// What doesn't hold.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let mut totals = BTreeMap::<CurrencyId, Balance>::new();
		let held = Holdings::<T>::iter().map(|(_, currency, amount)| (currency, amount));
		let flying = InFlight::<T>::iter().map(|((_, _, currency), amount)| (currency, amount));
		for (currency, amount) in held.chain(flying) {
			ensure!(amount != 0, "a zero amount is stored");
			let total = totals.entry(currency).or_default();
			*total = total.checked_add(amount).ok_or("amounts overflow")?;
		}
		for (currency, issuance) in Issuance::<T>::iter() {
			ensure!(
				totals.remove(&currency).unwrap_or(0) == issuance,
				"currency was created or lost"
			);
		}
		ensure!(totals.is_empty(), "there is currency without issuance");

		let mut waiting = BTreeMap::<(ChainId, BlockNumber), u32>::new();
		let mut sources = BTreeSet::new();
		for (source, destination, channel) in Channels::<T>::iter() {
			ensure!(
				channel.waiting.len() <= CAPACITY as usize,
				"a channel is over its capacity"
			);
			ensure!(
				channel.acknowledged <= channel.recorded,
				"more is acknowledged than was sent"
			);
			for batch in &channel.waiting {
				*waiting.entry((source, batch.number)).or_default() += 1;
			}
			if !channel.waiting.is_empty() {
				sources.insert((destination, source));
			}
		}
		for (chain, number, anchor) in Anchors::<T>::iter() {
			let head = Heads::<T>::get(chain).ok_or("an anchor of an unknown chain")?;
			let batches = waiting.remove(&(chain, number)).unwrap_or(0);
			ensure!(
				anchor.unacknowledged == batches,
				"unacknowledged batches are miscounted"
			);
			ensure!(
				!anchors::forgettable(number, batches, head.number),
				"an old anchor is kept"
			);
		}
		ensure!(waiting.is_empty(), "a waiting batch has no anchor");
		let index: BTreeSet<_> = Waiting::<T>::iter_keys().collect();
		ensure!(index == sources, "the index of waiting sources is wrong");
		Ok(())
	}
}
