//! The processing order of a block (Thinkey §5.3).
//!
//! # Specification
//!
//! For each account that processed anything, σ holds the sequence of its processings, each with the message received and
//! the messages sent while it was processed: `σ_1 = (m1 : m4 | m8 | m6 : m9)`. A message is named by a number that counts
//! within the block: inputs from 0, then those that the block produced, in any sequence.
//!
//! - **Input.** External, or sent by another chain, or left over in the queue from an earlier block. It is processed once, by
//!   its recipient, or stays in the queue.
//! - **Inner.** Sent by exactly one processing, for an account of this chain, which processes it once in this block.
//! - **Outer.** Sent by exactly one processing, for an account of another chain; nobody processes it here.
//! - **Deferred.** Sent by exactly one processing, for an account of this chain, and in the queue at the block's end.
//!
//! The graph G_σ ([`edges`]) tells what precedes what: a reception what is sent while it is processed, a processing the next
//! one of the same account, and the sending of a message its reception. **Theorem 1:** the order can have happened
//! if and only if the graph has no cycle.
//!
//! Two orders are [`equivalent`] if all accounts do the same in the same sequence. How the accounts' processings interleave is
//! free and changes nothing; [`linearize`] picks one interleaving, the same for all equivalent orders.

mod check;
mod facts;
mod graph;

pub use check::{check, OrderError, Verified};
pub use facts::{Destination, Facts, Input, Produced, Step};
pub use graph::{canonical, edges, equivalent, linearize, Event};

use alloc::vec::Vec;
use codec::{Compact, Decode, DecodeWithMemTracking, Encode, Error, MaxEncodedLen};
use scale_info::TypeInfo;

/// Messages that a block may have, inputs and produced ones together.
pub const MAX_MESSAGES: u32 = 1 << 16;

/// Accounts that may process messages in a block: as many as there may be messages, for each has processed one at least.
pub const MAX_ACCOUNTS: u32 = MAX_MESSAGES;

/// Messages that one processing may send.
pub const MAX_SENDS: u32 = 64;

/// Names a message within a block: below [`Order::inputs`] an input, from there on a message that the block produced.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Hash,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct MessageId(#[codec(compact)] pub u32);

impl MessageId {
	fn index(self) -> usize {
		self.0 as usize
	}
}

/// Where a message of a block comes from and goes to: its status in the block (Thinkey §5.3).
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Origin {
	/// It was there before: external, or from another chain, or left over from an earlier block.
	Input,
	/// It was produced here and processed here.
	Inner,
	/// It was produced here for an account of another chain.
	Outer,
	/// It was produced here for an account of this chain, and is processed in a later block.
	Deferred,
}

/// What a message that the block produced is marked as in the order (Thinkey §5.4).
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Relay {
	/// It is processed in this block.
	Inner,
	/// It goes to another chain.
	Outer,
	/// It is in the queue at the block's end.
	Deferred,
}

impl From<Relay> for Origin {
	fn from(relay: Relay) -> Self {
		match relay {
			Relay::Inner => Origin::Inner,
			Relay::Outer => Origin::Outer,
			Relay::Deferred => Origin::Deferred,
		}
	}
}

/// A message that was sent while another was processed.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Sent {
	/// The message.
	pub message: MessageId,
	/// Where it goes.
	pub relay: Relay,
}

/// An account processes a message: `m1 : m4` in the paper.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, TypeInfo)]
pub struct Processing {
	/// The message that it received.
	pub received: MessageId,
	/// What it sent, in that sequence; at most [`MAX_SENDS`].
	pub sent: Vec<Sent>,
}

/// All that an account did in a block: σ_i.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, TypeInfo)]
pub struct AccountOrder<A> {
	/// The account.
	pub account: A,
	/// Its processings, in their sequence; at least one.
	pub processings: Vec<Processing>,
}

/// Where a processing stands in an order.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Hash,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct Place {
	/// The account's position in [`Order::accounts`].
	pub account: u32,
	/// The processing's position in [`AccountOrder::processings`].
	pub processing: u32,
}

/// The processing order of a block: σ.
///
/// As a value it may claim anything, and [`check`] tells whether it is true. Decoding keeps the bounds of this module: no more
/// than [`MAX_MESSAGES`] messages and [`MAX_ACCOUNTS`] accounts, no more processings than messages, no more sends than produced
/// messages, and at most [`MAX_SENDS`] in a processing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, TypeInfo)]
pub struct Order<A> {
	/// The number of inputs.
	#[codec(compact)]
	pub inputs: u32,
	/// The number of messages that the block produced.
	#[codec(compact)]
	pub produced: u32,
	/// The accounts that processed anything, in ascending order.
	pub accounts: Vec<AccountOrder<A>>,
}

impl<A> Default for Order<A> {
	/// The order of a block without messages.
	fn default() -> Self {
		Order {
			inputs: 0,
			produced: 0,
			accounts: Vec::new(),
		}
	}
}

impl<A> Order<A> {
	/// The number of all messages; `None` if there are more than [`MAX_MESSAGES`].
	pub fn messages(&self) -> Option<u32> {
		total(self.inputs, self.produced)
	}

	/// Whether the number is that of an input.
	pub fn is_input(&self, message: MessageId) -> bool {
		message.0 < self.inputs
	}

	/// The account at a place, if there is one.
	pub fn account(&self, place: Place) -> Option<&A> {
		Some(&self.accounts.get(place.account as usize)?.account)
	}

	/// The processing at a place, if there is one.
	pub fn processing(&self, place: Place) -> Option<&Processing> {
		let account = self.accounts.get(place.account as usize)?;
		account.processings.get(place.processing as usize)
	}
}

fn total(inputs: u32, produced: u32) -> Option<u32> {
	inputs
		.checked_add(produced)
		.filter(|messages| *messages <= MAX_MESSAGES)
}

/// Reads the length of a list, and takes it off what the lists of its kind may still hold together.
fn length<I: codec::Input>(input: &mut I, rest: &mut u32) -> Result<u32, Error> {
	let length = Compact::<u32>::decode(input)?.0;
	*rest = rest
		.checked_sub(length)
		.ok_or("Order: a list is longer than allowed")?;
	Ok(length)
}

/// Appends to a list that grows with what is read, so that a length alone takes no memory.
fn push<I: codec::Input, T>(input: &mut I, list: &mut Vec<T>, item: T) -> Result<(), Error> {
	input.on_before_alloc_mem(core::mem::size_of::<T>())?;
	list.push(item);
	Ok(())
}

impl<A: Decode> Decode for Order<A> {
	fn decode<I: codec::Input>(input: &mut I) -> Result<Self, Error> {
		let inputs = Compact::<u32>::decode(input)?.0;
		let produced = Compact::<u32>::decode(input)?.0;
		let messages = total(inputs, produced).ok_or("Order: too many messages")?;
		let (mut places, mut receptions, mut sends) = (messages.min(MAX_ACCOUNTS), messages, produced);
		let mut accounts = Vec::new();
		for _ in 0..length(input, &mut places)? {
			let account = A::decode(input)?;
			let mut processings = Vec::new();
			for _ in 0..length(input, &mut receptions)? {
				let received = MessageId::decode(input)?;
				let count = length(input, &mut sends)?;
				if count > MAX_SENDS {
					return Err("Order: a processing sends too much".into());
				}
				let mut sent = Vec::new();
				for _ in 0..count {
					let item = Sent::decode(input)?;
					push(input, &mut sent, item)?;
				}
				push(input, &mut processings, Processing { received, sent })?;
			}
			push(input, &mut accounts, AccountOrder { account, processings })?;
		}
		Ok(Order {
			inputs,
			produced,
			accounts,
		})
	}
}

impl<A: DecodeWithMemTracking> DecodeWithMemTracking for Order<A> {}

impl<A: MaxEncodedLen> MaxEncodedLen for Order<A> {
	fn max_encoded_len() -> usize {
		let length = Compact::<u32>::max_encoded_len();
		let account = A::max_encoded_len().saturating_add(length);
		let processing = MessageId::max_encoded_len().saturating_add(length);
		(3 * length)
			.saturating_add(account.saturating_mul(MAX_ACCOUNTS as usize))
			.saturating_add(processing.saturating_mul(MAX_MESSAGES as usize))
			.saturating_add(Sent::max_encoded_len().saturating_mul(MAX_MESSAGES as usize))
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use alloc::vec;
	use proptest::prelude::*;

	fn arbitrary() -> impl Strategy<Value = Order<u8>> {
		let relay = prop_oneof![Just(Relay::Inner), Just(Relay::Outer), Just(Relay::Deferred)];
		let sent = (0u32..12, relay).prop_map(|(message, relay)| Sent {
			message: MessageId(message),
			relay,
		});
		let processing =
			(0u32..12, proptest::collection::vec(sent, 0..4)).prop_map(|(received, sent)| Processing {
				received: MessageId(received),
				sent,
			});
		let account = (any::<u8>(), proptest::collection::vec(processing, 0..4))
			.prop_map(|(account, processings)| AccountOrder { account, processings });
		(0u32..12, 0u32..12, proptest::collection::vec(account, 0..4)).prop_map(
			|(inputs, produced, accounts)| Order {
				inputs,
				produced,
				accounts,
			},
		)
	}

	fn within_bounds(order: &Order<u8>) -> bool {
		let processings = || order.accounts.iter().flat_map(|account| &account.processings);
		order.messages().is_some_and(|messages| {
			order.accounts.len() <= messages as usize
				&& processings().count() <= messages as usize
				&& processings().map(|p| p.sent.len()).sum::<usize>() <= order.produced as usize
		})
	}

	fn one_account(inputs: u32, produced: u32, sends: &[u32]) -> Order<u8> {
		let mut next = inputs..;
		let processings = (0..)
			.zip(sends)
			.map(|(received, count)| Processing {
				received: MessageId(received),
				sent: next
					.by_ref()
					.take(*count as usize)
					.map(|message| Sent {
						message: MessageId(message),
						relay: Relay::Outer,
					})
					.collect(),
			})
			.collect();
		Order {
			inputs,
			produced,
			accounts: vec![AccountOrder {
				account: 0,
				processings,
			}],
		}
	}

	#[test]
	fn decoding_keeps_the_bounds() {
		let decodes = |order: &Order<u8>| Order::<u8>::decode(&mut &order.encode()[..]).is_ok();
		assert!(decodes(&Order::default()));
		assert!(decodes(&one_account(1, MAX_SENDS, &[MAX_SENDS])));
		assert!(!decodes(&one_account(1, MAX_SENDS + 1, &[MAX_SENDS + 1])));
		assert!(
			!decodes(&one_account(1, 1, &[2])),
			"more sends than produced messages"
		);
		assert!(
			!decodes(&one_account(1, 0, &[0, 0])),
			"more processings than messages"
		);
		assert!(decodes(&one_account(MAX_MESSAGES - 1, 1, &[1])));
		assert!(!decodes(&one_account(MAX_MESSAGES, 1, &[1])));
		assert!(!decodes(&one_account(u32::MAX, u32::MAX, &[])));
		let crowded = Order {
			inputs: 1,
			produced: 0,
			accounts: vec![
				AccountOrder {
					account: 0u8,
					processings: vec![]
				};
				2
			],
		};
		assert!(!decodes(&crowded), "more accounts than messages");
	}

	#[test]
	fn a_length_alone_takes_no_memory() {
		let mut bytes = (Compact(MAX_MESSAGES), Compact(0u32), Compact(MAX_ACCOUNTS)).encode();
		bytes.push(0);
		bytes.extend(Compact(MAX_MESSAGES).encode());
		assert!(Order::<u8>::decode(&mut &bytes[..]).is_err());
	}

	#[test]
	fn the_largest_order_fits() {
		let count = MAX_MESSAGES / 2;
		let accounts = (0..count)
			.map(|i| AccountOrder {
				account: [i as u8; 32],
				processings: vec![Processing {
					received: MessageId(i),
					sent: vec![Sent {
						message: MessageId(count + i),
						relay: Relay::Outer,
					}],
				}],
			})
			.collect();
		let order = Order {
			inputs: count,
			produced: count,
			accounts,
		};
		let bytes = order.encode();
		assert!(bytes.len() <= Order::<[u8; 32]>::max_encoded_len());
		assert_eq!(Order::decode(&mut &bytes[..]), Ok(order));
	}

	proptest! {
		#[test]
		fn orders_within_bounds_survive_encoding(order in arbitrary()) {
			let decoded = Order::<u8>::decode(&mut &order.encode()[..]).ok();
			prop_assert_eq!(decoded, within_bounds(&order).then_some(order));
		}

		#[test]
		fn no_bytes_make_decoding_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
			let mut rest = &bytes[..];
			if let Ok(order) = Order::<u8>::decode(&mut rest) {
				prop_assert!(within_bounds(&order));
				prop_assert_eq!(&bytes[..bytes.len() - rest.len()], &order.encode()[..]);
			}
		}
	}
}
