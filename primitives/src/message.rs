//! Messages between chains, and the proof that a block sent them (Thinkey §4.3, §5.2).
//!
//! # The outbox
//!
//! All messages that a block sends to one destination form a batch. The batch's root is the Merkle root of its
//! messages; the outbox root is the Merkle root of one leaf for each destination, in ascending order:
//!
//! ```text
//!                    outbox_root                    in the block's header, certified, anchored
//!                   /           \
//!        leaf(chain 2)         leaf(chain 5)        destination, first nonce, count, batch root, value
//!        /    |     \
//!   message message message                         all of them travel, in order
//! ```
//!
//! So one [`Delivery`] with one path proves all messages of a block for a destination. A leaf has
//! 80 bytes and an inner node hashes 64, so neither can pass for the other.
//!
//! A leaf also commits to the value that its messages carry, and the root chain checks that against the outflows that it
//! books ([`Traffic::is_consistent`](crate::digest::Traffic::is_consistent)). So a corrupt committee can't send messages
//! with more value than the ledger took from its chain: such a batch has no proof, and the destination's own inflows are
//! always covered by what is in flight to it.

use crate::{AccountId, Balance, BlockNumber, ChainId, CurrencyId, Hash, Hashing, Nonce};
use alloc::{collections::BTreeMap, vec::Vec};
use asterism_protocol::channel::{Batch, MAX_BATCH};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	binary_merkle_tree,
	sp_core::{bounded::BoundedVec, ConstU32},
	sp_runtime::traits::Hash as HashT,
};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::digest::MAX_PEERS;

/// Bytes that the body of a call may have.
pub const MAX_BODY: u32 = 2 * 1024;
/// Bytes that the reason of a rejection may have.
pub const MAX_REASON: u32 = 128;

/// What a call says, in an encoding of the actors' own.
pub type Body = BoundedVec<u8, ConstU32<MAX_BODY>>;
/// Why an actor's code rejected a message, in its own words.
pub type Words = BoundedVec<u8, ConstU32<MAX_REASON>>;

/// Why a message was not executed and its value went back to the sender.
#[derive(
	Clone,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub enum BounceReason {
	/// The destination does not have the currency.
	#[codec(index = 0)]
	UnknownCurrency,
	/// The recipient's account can't hold so little.
	#[codec(index = 1)]
	BelowMinimum,
	/// The recipient's balance would overflow, or its account is not able to receive.
	#[codec(index = 2)]
	Refused,
	/// It brings no value, and there is neither code nor an account to take it.
	#[codec(index = 3)]
	NoRecipient,
	/// The gas that it carried didn't suffice.
	#[codec(index = 4)]
	OutOfGas,
	/// It carried more gas than a message may on the destination.
	#[codec(index = 5)]
	TooMuchGas,
	/// The recipient's code trapped or exceeded a limit, or the recipient can't pay for what it did.
	#[codec(index = 6)]
	Failed,
	/// The recipient's code refused it, with these words.
	#[codec(index = 7)]
	Rejected {
		/// The words.
		words: Words,
	},
	/// As many messages wait for the recipient as may.
	#[codec(index = 8)]
	MailboxFull,
	/// As many messages wait on the destination as may.
	#[codec(index = 9)]
	QueueFull,
	/// Too many messages caused each other before it.
	#[codec(index = 10)]
	TooDeep,
	/// It couldn't leave its chain: its destination is not on record, or takes no messages, or the channel to it is full.
	#[codec(index = 11)]
	NoChannel,
}

/// A message to an actor's code, apart from sender, recipient and value (Thinkey §5.2).
#[derive(
	Clone,
	Debug,
	Default,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub struct Call {
	/// The gas that it takes along for its handling; of a returned one, what was left.
	pub gas: u64,
	/// How many messages caused each other before it: 0 if a user sent it.
	pub depth: u8,
	/// What it says.
	pub body: Body,
}

/// What a message does.
#[derive(
	Clone,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub enum MessageBody {
	/// Deposits the value with the recipient (`add` of Thinkey §5.4).
	#[codec(index = 0)]
	Add,
	/// Returns the value of an earlier message of the opposite channel, which couldn't be executed. It can't bounce itself.
	#[codec(index = 1)]
	Bounce {
		/// The nonce of that message.
		nonce: Nonce,
		/// Why.
		reason: BounceReason,
		/// What it said, if it was a call, and the gas that is left of it.
		call: Option<Call>,
	},
	/// Brings the value, and has the recipient's code handle the call.
	#[codec(index = 2)]
	Call(Call),
}

impl MessageBody {
	/// Whether this is a message that returns a value, and so can't be returned itself.
	pub fn is_bounce(&self) -> bool {
		matches!(self, MessageBody::Bounce { .. })
	}
}

/// An outer relay message: produced by an account's execution, for an account of another chain (Thinkey §5.2).
#[derive(
	Clone,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub struct Message {
	/// Its place in the channel.
	pub nonce: Nonce,
	/// Who sent it, an account of the source.
	pub sender: AccountId,
	/// Whom it is for, an account of the destination.
	pub recipient: AccountId,
	/// The currency of the value.
	pub currency: CurrencyId,
	/// The value that it carries, in the currency's smallest unit.
	pub value: Balance,
	/// What it does.
	pub body: MessageBody,
}

/// Names a message, as the events that tell what became of it do.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub enum MessageId {
	/// It was sent on this chain, for an account of this chain.
	Inner {
		/// The block that it was sent in.
		block: BlockNumber,
		/// The number of such messages before it in that block.
		index: u32,
	},
	/// It goes from chain to chain.
	Outer {
		/// The chain that sent it.
		source: ChainId,
		/// The chain that it is for.
		destination: ChainId,
		/// Its place in the channel.
		nonce: Nonce,
	},
}

/// What became of a message.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, Serialize, Deserialize,
)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
	/// A plain account has its value, or the chain itself took it.
	Credited,
	/// The actor's code handled it.
	Handled,
	/// It had no effect, and its value goes back. Of a bounce, which can't go back again, the recipient has the value.
	Failed {
		/// Why.
		reason: BounceReason,
	},
}

/// The messages of one block for one destination.
pub type Messages = BoundedVec<Message, ConstU32<MAX_BATCH>>;

/// One destination's leaf in the tree of the outbox.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct OutboxLeaf {
	/// The destination.
	pub destination: ChainId,
	/// Which messages.
	pub batch: Batch,
	/// The Merkle root of the messages.
	pub root: Hash,
	/// The hash of the value that they carry together, see [`value_hash`].
	pub value: Hash,
}

/// The value that messages carry, by currency in ascending order, without zeros; `None` if a sum doesn't fit into 128 bits.
pub fn batch_value(messages: &[Message]) -> Option<Vec<(CurrencyId, Balance)>> {
	let mut sums = BTreeMap::<CurrencyId, Balance>::new();
	for message in messages.iter().filter(|message| message.value > 0) {
		let sum = sums.entry(message.currency).or_default();
		*sum = sum.checked_add(message.value)?;
	}
	Some(sums.into_iter().collect())
}

/// The hash of a batch's value, as its leaf commits to it.
pub fn value_hash(value: &[(CurrencyId, Balance)]) -> Hash {
	<Hashing as HashT>::hash(&value.encode())
}

/// The Merkle root of a batch's messages.
pub fn batch_root(messages: &[Message]) -> Hash {
	binary_merkle_tree::merkle_root::<Hashing, _>(messages.iter().map(Encode::encode))
}

/// The Merkle root of a block's outbox; zero if it is empty. Leaves are in ascending order of destinations.
pub fn outbox_root(leaves: &[OutboxLeaf]) -> Hash {
	if leaves.is_empty() {
		return Hash::zero();
	}
	binary_merkle_tree::merkle_root::<Hashing, _>(leaves.iter().map(Encode::encode))
}

/// Hashes on the path from a leaf to the root of an outbox: ⌈log₂ [`MAX_PEERS`]⌉.
pub const MAX_PATH: u32 = 6;
const _: () = assert!(1 << MAX_PATH >= MAX_PEERS);

/// All messages of one block for one destination, and the proof that the block sent them.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize,
)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
	/// The chain that sent them.
	pub source: ChainId,
	/// In which of its blocks.
	pub number: BlockNumber,
	/// The number of leaves of that block's outbox.
	pub leaves: u32,
	/// The destination's place among them.
	pub index: u32,
	/// The siblings on the path from its leaf to the outbox root.
	pub path: BoundedVec<Hash, ConstU32<MAX_PATH>>,
	/// The messages, in order.
	pub messages: Messages,
}

/// Why a delivery proves nothing.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum DeliveryError {
	/// It holds no message.
	Empty,
	/// The nonces of the messages are not consecutive.
	NotConsecutive,
	/// The value of the messages doesn't fit into 128 bits.
	ValueOverflow,
	/// The path doesn't lead from the messages, and the value that they carry, to the outbox root.
	BadProof,
}

impl Delivery {
	/// Makes the delivery of the batch for `destination` from all batches of a block's outbox, in ascending order of
	/// destinations; `None` if there is none for it.
	pub fn prove(
		source: ChainId,
		number: BlockNumber,
		leaves: &[OutboxLeaf],
		destination: ChainId,
		messages: Messages,
	) -> Option<Self> {
		let index = leaves.iter().position(|leaf| leaf.destination == destination)?;
		let proof = binary_merkle_tree::merkle_proof::<Hashing, _, _>(
			leaves.iter().map(Encode::encode),
			u32::try_from(index).ok()?,
		);
		Some(Delivery {
			source,
			number,
			leaves: u32::try_from(leaves.len()).ok()?,
			index: u32::try_from(index).ok()?,
			path: proof.proof.try_into().ok()?,
			messages,
		})
	}

	/// The range of nonces that the messages cover.
	///
	/// # Errors
	/// [`DeliveryError::Empty`], [`DeliveryError::NotConsecutive`].
	pub fn batch(&self) -> Result<Batch, DeliveryError> {
		let first_nonce = self.messages.first().ok_or(DeliveryError::Empty)?.nonce;
		let mut expected = Some(first_nonce);
		for message in &self.messages {
			if Some(message.nonce) != expected {
				return Err(DeliveryError::NotConsecutive);
			}
			expected = message.nonce.checked_add(1);
		}
		Ok(Batch {
			first_nonce,
			count: self.messages.len() as u32,
		})
	}

	/// Verifies that the block with this outbox root sent exactly these messages to `destination`, and returns
	/// their range.
	///
	/// # Errors
	/// The first [`DeliveryError`] found.
	pub fn verify(&self, destination: ChainId, outbox_root: Hash) -> Result<Batch, DeliveryError> {
		let batch = self.batch()?;
		let value = value_hash(&batch_value(&self.messages).ok_or(DeliveryError::ValueOverflow)?);
		let leaf = OutboxLeaf {
			destination,
			batch,
			root: batch_root(&self.messages),
			value,
		}
		.encode();
		if self.leaves > MAX_PEERS || self.index >= self.leaves {
			return Err(DeliveryError::BadProof);
		}
		let proved = binary_merkle_tree::verify_proof::<Hashing, _, _>(
			&outbox_root,
			self.path.iter().copied(),
			self.leaves,
			self.index,
			&leaf,
		);
		proved.then_some(batch).ok_or(DeliveryError::BadProof)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn message(nonce: Nonce, value: Balance) -> Message {
		Message {
			nonce,
			sender: AccountId::new([1; 32]),
			recipient: AccountId::new([2; 32]),
			currency: CurrencyId::NATIVE,
			value,
			body: MessageBody::Add,
		}
	}

	/// An outbox with `counts[i]` messages for chain `i + 1`.
	fn outbox(counts: &[u32]) -> (Vec<OutboxLeaf>, Vec<Messages>) {
		let batches: Vec<Messages> = counts
			.iter()
			.map(|n| {
				(0..*n)
					.map(|i| message(10 + u64::from(i), u128::from(i) + 1))
					.collect::<Vec<_>>()
					.try_into()
					.unwrap()
			})
			.collect();
		let leaves = batches
			.iter()
			.enumerate()
			.map(|(i, m)| OutboxLeaf {
				destination: ChainId(i as u32 + 1),
				batch: Batch {
					first_nonce: 10,
					count: m.len() as u32,
				},
				root: batch_root(m),
				value: value_hash(&batch_value(m).unwrap()),
			})
			.collect();
		(leaves, batches)
	}

	#[test]
	fn a_changed_message_is_not_proved() {
		let (leaves, batches) = outbox(&[3, 2, 5]);
		let root = outbox_root(&leaves);
		let good = Delivery::prove(ChainId(9), 77, &leaves, ChainId(2), batches[1].clone()).unwrap();
		assert_eq!(
			good.verify(ChainId(2), root),
			Ok(Batch {
				first_nonce: 10,
				count: 2
			})
		);

		let changed = |change: &dyn Fn(&mut Delivery)| {
			let mut bad = good.clone();
			change(&mut bad);
			bad.verify(ChainId(2), root)
		};
		assert_eq!(
			changed(&|d| d.messages[0].value += 1),
			Err(DeliveryError::BadProof)
		);
		assert_eq!(
			changed(&|d| d.messages[0].recipient = AccountId::new([7; 32])),
			Err(DeliveryError::BadProof)
		);
		assert_eq!(
			changed(&|d| d.messages[0].nonce += 1),
			Err(DeliveryError::NotConsecutive)
		);
		assert_eq!(
			changed(&|d| d.messages.iter_mut().for_each(|m| m.nonce += 1)),
			Err(DeliveryError::BadProof)
		);
		assert_eq!(
			changed(&|d| {
				d.messages.pop();
			}),
			Err(DeliveryError::BadProof)
		);
		assert_eq!(
			changed(&|d| d.messages = Default::default()),
			Err(DeliveryError::Empty)
		);
		assert_eq!(changed(&|d| d.index = 0), Err(DeliveryError::BadProof));
		assert_eq!(changed(&|d| d.index = 3), Err(DeliveryError::BadProof));
		assert_eq!(changed(&|d| d.leaves = u32::MAX), Err(DeliveryError::BadProof));
		assert_eq!(changed(&|d| d.path.truncate(1)), Err(DeliveryError::BadProof));
		assert_eq!(good.verify(ChainId(3), root), Err(DeliveryError::BadProof));
		assert_eq!(
			good.verify(ChainId(2), Hash::zero()),
			Err(DeliveryError::BadProof)
		);
	}

	#[test]
	fn leaves_cannot_pass_for_inner_nodes() {
		assert_eq!(OutboxLeaf::max_encoded_len(), 80);
	}

	proptest! {
		#[test]
		fn each_batch_of_an_outbox_is_proved(counts in proptest::collection::vec(1u32..6, 1..MAX_PEERS as usize)) {
			let (leaves, batches) = outbox(&counts);
			let root = outbox_root(&leaves);
			for (i, messages) in batches.iter().enumerate() {
				let destination = ChainId(i as u32 + 1);
				let delivery = Delivery::prove(ChainId(0), 1, &leaves, destination, messages.clone()).unwrap();
				prop_assert_eq!(delivery.verify(destination, root), Ok(leaves[i].batch));
			}
		}
	}
}
