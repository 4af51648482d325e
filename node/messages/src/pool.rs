//! The deliveries that wait to be taken in.

use crate::select::Available;
use asterism_primitives::{message::Delivery, protocol::channel::Batch, BlockNumber, ChainId, Hash, Nonce};
use parking_lot::RwLock;
use std::{collections::BTreeMap, sync::Arc};

/// Batches that the pool keeps of each source. A block takes in at most this many, so more would only wait here.
pub const MAX_PER_SOURCE: usize = 64;
/// Sources that the pool keeps batches of.
pub const MAX_SOURCES: usize = 256;

/// A delivery that has been verified against an anchor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
	/// Its messages' range.
	pub batch: Batch,
	/// The outbox root that it was verified against.
	pub outbox_root: Hash,
	/// The delivery.
	pub delivery: Delivery,
}

impl Verified {
	/// Verifies a delivery, from anywhere, of the block `number` of `source` for `destination`: it must prove
	/// exactly the batch on record against the outbox root in the block's anchor.
	///
	/// # Errors
	/// What is wrong with it, for the log.
	pub fn verify(
		delivery: Delivery,
		(source, number): (ChainId, BlockNumber),
		destination: ChainId,
		recorded: Batch,
		outbox_root: Hash,
	) -> Result<Self, String> {
		if (delivery.source, delivery.number) != (source, number) {
			return Err(format!(
				"it is of block {} of chain {}, asked was block {number} of chain {source}",
				delivery.number, delivery.source
			));
		}
		let batch = delivery
			.verify(destination, outbox_root)
			.map_err(|error| format!("it does not match the anchor: {error:?}"))?;
		if batch != recorded {
			return Err(format!(
				"it holds {batch:?}, the root chain has recorded {recorded:?}"
			));
		}
		Ok(Verified {
			batch,
			outbox_root,
			delivery,
		})
	}
}

/// The verified deliveries for one chain, by source and first nonce. Clones share their content. Bounded: at most
/// [`MAX_PER_SOURCE`] batches, the oldest first, of at most [`MAX_SOURCES`] sources.
#[derive(Clone, Default)]
pub struct DeliveryPool(Arc<RwLock<BTreeMap<ChainId, BTreeMap<Nonce, Verified>>>>);

impl DeliveryPool {
	/// Keeps a delivery; whether there was room for it.
	pub fn insert(&self, verified: Verified) -> bool {
		let mut pool = self.0.write();
		let source = verified.delivery.source;
		if !pool.contains_key(&source) && pool.len() >= MAX_SOURCES {
			return false;
		}
		let batches = pool.entry(source).or_default();
		let first = verified.batch.first_nonce;
		batches.insert(first, verified);
		// What is needed last goes first.
		if batches.len() > MAX_PER_SOURCE {
			return batches.pop_last().is_some_and(|(dropped, _)| dropped != first);
		}
		true
	}

	/// Whether the delivery of a source's block is here.
	pub fn contains(&self, source: ChainId, first_nonce: Nonce) -> bool {
		self.0
			.read()
			.get(&source)
			.is_some_and(|batches| batches.contains_key(&first_nonce))
	}

	/// Forgets a source's messages before `expected`.
	pub fn acknowledge(&self, source: ChainId, expected: Nonce) {
		let mut pool = self.0.write();
		if let Some(batches) = pool.get_mut(&source) {
			batches.retain(|_, verified| verified.batch.end().is_ok_and(|end| end > expected));
			if batches.is_empty() {
				pool.remove(&source);
			}
		}
	}

	/// The sources that have something here, in ascending order.
	pub fn sources(&self) -> Vec<ChainId> {
		self.0.read().keys().copied().collect()
	}

	/// What is here of a source, in ascending order of nonces.
	pub fn available(&self, source: ChainId) -> Vec<Available> {
		let pool = self.0.read();
		let Some(batches) = pool.get(&source) else {
			return Vec::new();
		};
		batches
			.values()
			.map(|verified| Available {
				number: verified.delivery.number,
				batch: verified.batch,
			})
			.collect()
	}

	/// The delivery of a source that starts with a nonce.
	pub fn get(&self, source: ChainId, first_nonce: Nonce) -> Option<Verified> {
		self.0.read().get(&source)?.get(&first_nonce).cloned()
	}

	/// The number of deliveries here.
	pub fn len(&self) -> usize {
		self.0.read().values().map(BTreeMap::len).sum()
	}

	/// Whether nothing is here.
	pub fn is_empty(&self) -> bool {
		self.0.read().is_empty()
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::mock::{outbox, B};

	#[test]
	fn only_the_recorded_batch_of_the_block_is_verified() {
		let (root, delivery) = outbox(ChainId(1), 7, 10, 3);
		let batch = Batch {
			first_nonce: 10,
			count: 3,
		};
		let at = (ChainId(1), 7);
		let verify =
			|delivery: &Delivery, at, batch, root| Verified::verify(delivery.clone(), at, B, batch, root);
		assert!(verify(&delivery, at, batch, root).is_ok());
		assert!(verify(&delivery, (ChainId(3), 7), batch, root).is_err());
		assert!(verify(&delivery, (ChainId(1), 8), batch, root).is_err());
		assert!(verify(
			&delivery,
			at,
			Batch {
				first_nonce: 10,
				count: 2
			},
			root
		)
		.is_err());
		assert!(verify(&delivery, at, batch, Hash::zero()).is_err());
		let mut changed = delivery.clone();
		changed.messages[1].value += 1;
		assert!(verify(&changed, at, batch, root).is_err());
	}

	fn verified(source: u32, number: u32, first: Nonce) -> Verified {
		let (outbox_root, delivery) = outbox(ChainId(source), number, first, 1);
		Verified {
			batch: Batch {
				first_nonce: first,
				count: 1,
			},
			outbox_root,
			delivery,
		}
	}

	#[test]
	fn what_is_needed_first_stays() {
		let pool = DeliveryPool::default();
		for i in (0..MAX_PER_SOURCE as u32 + 10).rev() {
			pool.insert(verified(1, i, i.into()));
		}
		assert_eq!(pool.len(), MAX_PER_SOURCE);
		assert_eq!(pool.available(ChainId(1))[0].batch.first_nonce, 0);
		assert!(!pool.insert(verified(1, 900, 900)));
		pool.acknowledge(ChainId(1), 60);
		assert_eq!(pool.len(), 4);
		assert!(pool.contains(ChainId(1), 60) && !pool.contains(ChainId(1), 59));
		pool.acknowledge(ChainId(1), 64);
		assert!(pool.is_empty() && pool.sources().is_empty());
		for source in 0..MAX_SOURCES as u32 {
			assert!(pool.insert(verified(source, 1, 0)));
		}
		assert!(!pool.insert(verified(9_999, 1, 0)));
	}
}
