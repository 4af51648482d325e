//! Ordered channels: the two ends of the one-way stream of messages from a source chain to a destination.
//!
//! # Specification
//!
//! A message is named by `(source, destination, nonce)`; nonces of a channel count from 0 without gap.
//!
//! - **Send.** The source gives the next nonce to a message, unless [`CAPACITY`] − [`RESERVED`] blocks with messages
//!   on this channel are not yet acknowledged; then sending fails at once, and nothing is in flight.
//! - **Return.** A message that returns a value finds room up to [`CAPACITY`] blocks; the destination accepts no
//!   batch before there is room to return all of it.
//! - **Batch.** All messages of one source block for one destination form a [`Batch`]: the range
//!   `first_nonce .. first_nonce + count`, committed to by the block's outbox root.
//! - **Accept.** The destination accepts a proved batch iff `first_nonce` is the next nonce it expects; then it
//!   expects the nonce after the batch. So a batch can neither be repeated, nor skipped, nor overtaken.
//! - **Acknowledge.** What the destination expects next travels back through its checkpoint; the source forgets
//!   the messages before it. Acknowledgements never go back, and never pass what was sent.

use crate::types::{BlockNumber, Nonce};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Unacknowledged batches that a channel may hold. The root chain keeps an anchor for each of them, which is
/// why there is a bound; at one block a second it is over four minutes of uninterrupted sending to a destination
/// that delivers nothing.
pub const CAPACITY: u32 = 256;

/// How many of these places only returned values may take. Without them two chains that fill the channels to each
/// other could deliver nothing any more: a delivery needs room for what bounces. A delivery frees one place and
/// takes at most one of the other channel, so while new messages stop short of these, both never run out at once.
pub const RESERVED: u32 = CAPACITY / 2;

/// Messages that a batch may hold. A destination takes a batch in as a whole, so this bounds what one block
/// must be able to execute.
pub const MAX_BATCH: u32 = 256;

/// A contiguous range of nonces: the messages of one source block for one destination.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Batch {
	/// The nonce of the first message.
	pub first_nonce: Nonce,
	/// The number of messages, 1 to [`MAX_BATCH`].
	pub count: u32,
}

impl Batch {
	/// The nonce after the last message.
	///
	/// # Errors
	/// [`ChannelError::NonceOverflow`] if it doesn't fit.
	pub fn end(&self) -> Result<Nonce, ChannelError> {
		self.first_nonce
			.checked_add(self.count.into())
			.ok_or(ChannelError::NonceOverflow)
	}
}

/// Why a channel refuses.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum ChannelError {
	/// As many blocks with messages as the channel can hold wait for acknowledgement; send again later.
	Full,
	/// The block's batch for this destination holds as many messages as a batch may; send in a later block.
	BatchFull,
	/// The batch holds no message, or more than a batch may.
	BadCount {
		/// What it holds.
		count: u32,
	},
	/// The batch was accepted before.
	Repeated {
		/// The nonce that is expected next.
		expected: Nonce,
		/// The batch's first nonce.
		got: Nonce,
	},
	/// Messages before this batch have not been accepted yet.
	Gap {
		/// The nonce that is expected next.
		expected: Nonce,
		/// The batch's first nonce.
		got: Nonce,
	},
	/// An acknowledgement of messages that were not sent.
	NotSent {
		/// The nonce that will be sent next.
		next: Nonce,
		/// The nonce that was said to be expected next.
		got: Nonce,
	},
	/// A nonce does not fit into 64 bits.
	NonceOverflow,
}

/// A batch and the source's block that holds it.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct BlockBatch {
	/// The source's block.
	pub number: BlockNumber,
	/// The messages.
	pub batch: Batch,
}

/// The batches of one channel that are not yet acknowledged: both the source and the root chain keep one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct ChannelRecord {
	/// The nonce after the last recorded message.
	pub recorded: Nonce,
	/// What the destination expects next.
	pub acknowledged: Nonce,
	/// Recorded batches that are not acknowledged, oldest first; at most [`CAPACITY`].
	pub waiting: Vec<BlockBatch>,
}

impl MaxEncodedLen for ChannelRecord {
	fn max_encoded_len() -> usize {
		// The compact length of up to CAPACITY entries takes 2 bytes.
		2 * Nonce::max_encoded_len() + 2 + CAPACITY as usize * BlockBatch::max_encoded_len()
	}
}

impl ChannelRecord {
	/// Records a batch of the source's block `number`.
	///
	/// # Errors
	/// [`ChannelError::Full`], [`ChannelError::BadCount`], [`ChannelError::Repeated`], [`ChannelError::Gap`] or
	/// [`ChannelError::NonceOverflow`]; nothing is changed then.
	pub fn record(&mut self, number: BlockNumber, batch: Batch) -> Result<(), ChannelError> {
		if batch.count == 0 || batch.count > MAX_BATCH {
			return Err(ChannelError::BadCount { count: batch.count });
		}
		let (expected, got) = (self.recorded, batch.first_nonce);
		if got < expected {
			return Err(ChannelError::Repeated { expected, got });
		}
		if got > expected {
			return Err(ChannelError::Gap { expected, got });
		}
		if self.waiting.len() >= CAPACITY as usize {
			return Err(ChannelError::Full);
		}
		self.recorded = batch.end()?;
		self.waiting.push(BlockBatch { number, batch });
		Ok(())
	}

	/// Takes note that the destination expects `nonce` next; returns the source's blocks whose batches this
	/// completes.
	///
	/// # Errors
	/// [`ChannelError::NotSent`] if less is recorded, [`ChannelError::Repeated`] if more was acknowledged before;
	/// nothing is changed then.
	pub fn acknowledge(&mut self, nonce: Nonce) -> Result<Vec<BlockNumber>, ChannelError> {
		if nonce > self.recorded {
			return Err(ChannelError::NotSent {
				next: self.recorded,
				got: nonce,
			});
		}
		if nonce < self.acknowledged {
			return Err(ChannelError::Repeated {
				expected: self.acknowledged,
				got: nonce,
			});
		}
		self.acknowledged = nonce;
		let done = self
			.waiting
			.iter()
			.position(|w| w.batch.end().map_or(true, |end| end > nonce))
			.unwrap_or(self.waiting.len());
		Ok(self.waiting.drain(..done).map(|w| w.number).collect())
	}
}

/// The source's end of a channel.
#[derive(
	Clone, Debug, Default, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Outbound {
	/// The batches of earlier blocks.
	pub closed: ChannelRecord,
	/// Messages in the batch of the current block.
	pub open: u32,
}

impl Outbound {
	/// The nonce of the next message; `None` if it doesn't fit into 64 bits.
	pub fn next_nonce(&self) -> Option<Nonce> {
		self.closed.recorded.checked_add(self.open.into())
	}

	/// Gives the next nonce to a message, which joins the current block's batch.
	///
	/// # Errors
	/// [`ChannelError::Full`], [`ChannelError::BatchFull`], [`ChannelError::NonceOverflow`]; nothing is changed then.
	pub fn send(&mut self) -> Result<Nonce, ChannelError> {
		if self.closed.waiting.len() >= (CAPACITY - RESERVED) as usize {
			return Err(ChannelError::Full);
		}
		self.send_back()
	}

	/// Like [`Outbound::send`], for a message that returns a value: it may take a reserved place.
	///
	/// # Errors
	/// Those of [`Outbound::send`]; nothing is changed then.
	pub fn send_back(&mut self) -> Result<Nonce, ChannelError> {
		if self.closed.waiting.len() >= CAPACITY as usize {
			return Err(ChannelError::Full);
		}
		if self.open >= MAX_BATCH {
			return Err(ChannelError::BatchFull);
		}
		let nonce = self.next_nonce().ok_or(ChannelError::NonceOverflow)?;
		nonce.checked_add(1).ok_or(ChannelError::NonceOverflow)?;
		self.open += 1;
		Ok(nonce)
	}

	/// How many more values the current block can return.
	pub fn room(&self) -> u32 {
		if self.closed.waiting.len() >= CAPACITY as usize {
			0
		} else {
			MAX_BATCH.saturating_sub(self.open)
		}
	}

	/// Ends block `number`: its batch, if it sent messages.
	///
	/// # Errors
	/// Those of [`ChannelRecord::record`], which [`Outbound::send`] has ruled out.
	pub fn close(&mut self, number: BlockNumber) -> Result<Option<Batch>, ChannelError> {
		if self.open == 0 {
			return Ok(None);
		}
		let batch = Batch {
			first_nonce: self.closed.recorded,
			count: self.open,
		};
		self.closed.record(number, batch)?;
		self.open = 0;
		Ok(Some(batch))
	}

	/// Takes note that the destination expects `nonce` next; returns the blocks whose batches are complete with
	/// that and can be forgotten. Older news changes nothing.
	///
	/// # Errors
	/// [`ChannelError::NotSent`] if the closed batches don't reach so far; nothing is changed then.
	pub fn acknowledge(&mut self, nonce: Nonce) -> Result<Vec<BlockNumber>, ChannelError> {
		if nonce <= self.closed.acknowledged {
			return Ok(Vec::new());
		}
		self.closed.acknowledge(nonce)
	}
}

/// The destination's end of a channel.
#[derive(
	Clone,
	Copy,
	Debug,
	Default,
	PartialEq,
	Eq,
	Hash,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct Inbound {
	/// The nonce of the next message to accept.
	pub next_nonce: Nonce,
}

impl Inbound {
	/// Accepts a proved batch.
	///
	/// # Errors
	/// [`ChannelError::BadCount`], [`ChannelError::Repeated`], [`ChannelError::Gap`],
	/// [`ChannelError::NonceOverflow`]; nothing is changed then.
	pub fn accept(&mut self, batch: Batch) -> Result<(), ChannelError> {
		if batch.count == 0 || batch.count > MAX_BATCH {
			return Err(ChannelError::BadCount { count: batch.count });
		}
		let (expected, got) = (self.next_nonce, batch.first_nonce);
		if got < expected {
			return Err(ChannelError::Repeated { expected, got });
		}
		if got > expected {
			return Err(ChannelError::Gap { expected, got });
		}
		self.next_nonce = batch.end()?;
		Ok(())
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	#[test]
	fn batches_are_accepted_in_order_and_once() {
		let (mut out, mut inn) = (Outbound::default(), Inbound::default());
		out.send().unwrap();
		out.send().unwrap();
		let first = out.close(1).unwrap().unwrap();
		out.send().unwrap();
		let second = out.close(2).unwrap().unwrap();
		assert_eq!(inn.accept(second), Err(ChannelError::Gap { expected: 0, got: 2 }));
		assert_eq!(inn.accept(first), Ok(()));
		assert_eq!(
			inn.accept(first),
			Err(ChannelError::Repeated { expected: 2, got: 0 })
		);
		assert_eq!(inn.accept(second), Ok(()));
		assert_eq!(inn.next_nonce, 3);
	}

	#[test]
	fn a_batch_of_wrong_size_is_refused() {
		let mut inn = Inbound::default();
		for count in [0, MAX_BATCH + 1, u32::MAX] {
			assert_eq!(
				inn.accept(Batch {
					first_nonce: 0,
					count
				}),
				Err(ChannelError::BadCount { count })
			);
		}
		let mut inn = Inbound { next_nonce: u64::MAX };
		assert_eq!(
			inn.accept(Batch {
				first_nonce: u64::MAX,
				count: 1
			}),
			Err(ChannelError::NonceOverflow)
		);
		assert_eq!(inn.next_nonce, u64::MAX);
	}

	#[test]
	fn a_full_channel_refuses_until_it_is_acknowledged() {
		let mut out = Outbound::default();
		for number in 0..CAPACITY - RESERVED {
			out.send().unwrap();
			out.close(number).unwrap();
		}
		assert_eq!(out.send(), Err(ChannelError::Full));
		assert_eq!(out.room(), MAX_BATCH);
		for number in CAPACITY - RESERVED..CAPACITY {
			out.send_back().unwrap();
			out.close(number).unwrap();
		}
		assert_eq!(out.send_back(), Err(ChannelError::Full));
		assert_eq!(out.room(), 0);
		assert_eq!(out.acknowledge(1), Ok(vec![0]));
		assert_eq!(out.send(), Err(ChannelError::Full));
		assert_eq!(out.send_back(), Ok(u64::from(CAPACITY)));
	}

	#[test]
	fn an_acknowledgement_of_unsent_messages_is_refused() {
		let mut out = Outbound::default();
		out.send().unwrap();
		assert_eq!(out.acknowledge(1), Err(ChannelError::NotSent { next: 0, got: 1 }));
		out.close(7).unwrap();
		assert_eq!(out.acknowledge(1), Ok(vec![7]));
		assert_eq!(out.acknowledge(0), Ok(vec![]));
		assert_eq!((out.closed.acknowledged, out.closed.waiting.len()), (1, 0));
	}

	fn batch(first_nonce: Nonce, count: u32) -> Batch {
		Batch { first_nonce, count }
	}

	#[test]
	fn acknowledgement_completes_whole_batches() {
		let mut record = ChannelRecord::default();
		record.record(1, batch(0, 2)).unwrap();
		record.record(4, batch(2, 3)).unwrap();
		assert_eq!(
			record.record(5, batch(6, 1)),
			Err(ChannelError::Gap { expected: 5, got: 6 })
		);
		assert_eq!(
			record.record(5, batch(4, 1)),
			Err(ChannelError::Repeated { expected: 5, got: 4 })
		);
		assert_eq!(
			record.record(5, batch(5, 0)),
			Err(ChannelError::BadCount { count: 0 })
		);
		assert_eq!(record.acknowledge(2), Ok(vec![1]));
		assert_eq!(
			record.acknowledge(1),
			Err(ChannelError::Repeated { expected: 2, got: 1 })
		);
		assert_eq!(
			record.acknowledge(6),
			Err(ChannelError::NotSent { next: 5, got: 6 })
		);
		assert_eq!(record.acknowledge(4), Ok(vec![]));
		assert_eq!(record.acknowledge(5), Ok(vec![4]));
		assert!(record.waiting.is_empty());
	}

	#[test]
	fn capacity_bounds_the_record_and_its_encoding() {
		let mut record = ChannelRecord::default();
		for i in 0..CAPACITY {
			record.record(i, batch(u64::from(i), 1)).unwrap();
		}
		assert_eq!(
			record.record(CAPACITY, batch(u64::from(CAPACITY), 1)),
			Err(ChannelError::Full)
		);
		assert!(record.encode().len() <= <ChannelRecord as MaxEncodedLen>::max_encoded_len());
	}

	proptest! {
		#[test]
		fn nonces_have_no_gap(blocks in proptest::collection::vec(0u32..=MAX_BATCH + 3, 0..40)) {
			let (mut out, mut inn) = (Outbound::default(), Inbound::default());
			let mut sent = 0u64;
			for (number, wish) in blocks.into_iter().enumerate() {
				let mut done = 0u32;
				for _ in 0..wish {
					match out.send() {
						Ok(nonce) => {
							prop_assert_eq!(nonce, sent);
							sent += 1;
							done += 1;
						},
						Err(error) => {
							prop_assert_eq!(error, ChannelError::BatchFull);
							prop_assert_eq!(done, MAX_BATCH);
						},
					}
				}
				if let Some(batch) = out.close(number as u32).unwrap() {
					prop_assert_eq!(batch.count, done);
					prop_assert_eq!(inn.accept(batch), Ok(()));
				}
			}
			prop_assert_eq!(inn.next_nonce, sent);
		}
	}
}
