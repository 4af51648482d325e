//! What a block's header says beside its roots: the round it was proposed in, the root block it builds on, and its
//! traffic with other chains. The header's hash is what a committee signs, so all of this is certified.

use crate::{
	certificate::{Round, ENGINE_ID},
	message::{outbox_root, value_hash, OutboxLeaf},
	BlockNumber, ChainId, Hash, Nonce,
};
use alloc::vec::Vec;
use asterism_protocol::{channel::Batch, ledger::Flow};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	sp_core::{bounded::BoundedVec, ConstU32},
	sp_runtime::{generic::OpaqueDigestItemId, ConsensusEngineId, Digest, DigestItem},
};
use scale_info::TypeInfo;

/// Marks the digest item that holds a [`RootRef`].
pub const ROOT_VIEW_ID: ConsensusEngineId = *b"root";
/// Marks the digest item that holds a [`Traffic`].
pub const TRAFFIC_ID: ConsensusEngineId = *b"trfc";

/// The chains that one block may send messages to, and take messages from.
pub const MAX_PEERS: u32 = 64;
/// The flows in each direction that one block may have: peers times the currencies that move.
pub const MAX_FLOWS: u32 = 128;

/// Names a final block of the root chain.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	serde::Serialize,
	serde::Deserialize,
)]
pub struct RootRef {
	/// Its height.
	pub number: BlockNumber,
	/// Its hash.
	pub hash: Hash,
}

/// A batch of messages for one destination.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Sent {
	/// The destination.
	pub destination: ChainId,
	/// The messages.
	pub batch: Batch,
	/// The Merkle root of the messages, see [`batch_root`](crate::message::batch_root).
	pub root: Hash,
}

/// How far a block has taken in a channel.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Received {
	/// The source.
	pub source: ChainId,
	/// The nonce that is expected next.
	pub next_nonce: Nonce,
}

/// A block's traffic with other chains: the part of its checkpoint that is not in every header (DESIGN §2).
#[derive(
	Clone, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Traffic {
	/// The Merkle root of the block's outer messages, see [`outbox_root`]; zero without any.
	pub outbox_root: Hash,
	/// The batches under that root, in ascending order of destinations.
	pub sent: BoundedVec<Sent, ConstU32<MAX_PEERS>>,
	/// The channels that the block took batches from, in ascending order of sources.
	pub received: BoundedVec<Received, ConstU32<MAX_PEERS>>,
	/// The value that left, in ascending order of destinations and currencies.
	pub outflows: BoundedVec<Flow, ConstU32<MAX_FLOWS>>,
	/// The value that arrived, in ascending order of sources and currencies.
	pub inflows: BoundedVec<Flow, ConstU32<MAX_FLOWS>>,
}

impl Traffic {
	/// Whether the block had none.
	pub fn is_empty(&self) -> bool {
		self.sent.is_empty()
			&& self.received.is_empty()
			&& self.outflows.is_empty()
			&& self.inflows.is_empty()
	}

	/// The leaves of the outbox tree that batches and outflows amount to.
	pub fn leaves(&self) -> Vec<OutboxLeaf> {
		let value = |destination| -> Vec<_> {
			let to = self.outflows.iter().filter(|flow| flow.peer == destination);
			to.map(|flow| (flow.currency, flow.amount)).collect()
		};
		self.sent
			.iter()
			.map(|sent| OutboxLeaf {
				destination: sent.destination,
				batch: sent.batch,
				root: sent.root,
				value: value_hash(&value(sent.destination)),
			})
			.collect()
	}

	/// Whether everything is in its order, without repeats or zero flows, and the outbox root commits to just these
	/// batches and to just these outflows. The root chain refuses a checkpoint whose traffic isn't: else a corrupt chain
	/// could prove messages that carry value which never left its holdings, and the destination that takes them in could
	/// not checkpoint any more.
	pub fn is_consistent(&self) -> bool {
		let flows_in_order = |flows: &[Flow]| {
			flows
				.windows(2)
				.all(|w| (w[0].peer, w[0].currency) < (w[1].peer, w[1].currency))
				&& flows.iter().all(|flow| flow.amount > 0)
		};
		self.sent.windows(2).all(|w| w[0].destination < w[1].destination)
			&& self.received.windows(2).all(|w| w[0].source < w[1].source)
			&& flows_in_order(&self.outflows)
			&& flows_in_order(&self.inflows)
			&& self
				.outflows
				.iter()
				.all(|flow| self.sent.iter().any(|sent| sent.destination == flow.peer))
			&& self.outbox_root == outbox_root(&self.leaves())
	}
}

/// The item that says in which round a block is proposed. Its proposer puts it into the header.
pub fn round_item(round: Round) -> DigestItem {
	DigestItem::PreRuntime(ENGINE_ID, round.encode())
}

/// The round that a block was proposed in; `None` if the header doesn't say exactly one.
pub fn round(digest: &Digest) -> Option<Round> {
	let mut rounds = digest
		.logs()
		.iter()
		.filter_map(|item| item.try_as_raw(OpaqueDigestItemId::PreRuntime(&ENGINE_ID)));
	let bytes = rounds.next()?;
	if rounds.next().is_some() {
		return None;
	}
	decode_all(bytes)
}

/// The item that names the root block that a block builds on. The runtime deposits it.
pub fn root_ref_item(root: RootRef) -> DigestItem {
	DigestItem::Consensus(ROOT_VIEW_ID, root.encode())
}

/// The root block that a block brought in; `None` if it kept its parent's.
pub fn root_ref(digest: &Digest) -> Option<RootRef> {
	consensus_item(digest, &ROOT_VIEW_ID)
}

/// The item that states a block's traffic. The runtime deposits it.
pub fn traffic_item(traffic: &Traffic) -> DigestItem {
	DigestItem::Consensus(TRAFFIC_ID, traffic.encode())
}

/// A block's traffic; `None` if the header states none.
pub fn traffic(digest: &Digest) -> Option<Traffic> {
	consensus_item(digest, &TRAFFIC_ID)
}

fn consensus_item<T: Decode>(digest: &Digest, id: &ConsensusEngineId) -> Option<T> {
	digest
		.logs()
		.iter()
		.find_map(|item| item.try_as_raw(OpaqueDigestItemId::Consensus(id)))
		.and_then(decode_all)
}

fn decode_all<T: Decode>(mut bytes: &[u8]) -> Option<T> {
	let value = T::decode(&mut bytes).ok()?;
	bytes.is_empty().then_some(value)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_header_says_one_round() {
		let round_7 = Round { epoch: 1, view: 7 };
		let mut digest = Digest {
			logs: alloc::vec![round_item(round_7)],
		};
		assert_eq!(round(&digest), Some(round_7));
		digest.push(round_item(Round { epoch: 1, view: 8 }));
		assert_eq!(round(&digest), None);
		assert_eq!(round(&Digest::default()), None);
		let trailing = DigestItem::PreRuntime(ENGINE_ID, [round_7.encode(), alloc::vec![0]].concat());
		assert_eq!(
			round(&Digest {
				logs: alloc::vec![trailing]
			}),
			None
		);
	}

	#[test]
	fn the_outbox_root_commits_to_the_outflows() {
		let sent = Sent {
			destination: ChainId(2),
			batch: Batch {
				first_nonce: 3,
				count: 1,
			},
			root: Hash::repeat_byte(1),
		};
		let flow = |peer, amount| Flow {
			peer: ChainId(peer),
			currency: crate::CurrencyId::NATIVE,
			amount,
		};
		let mut good = Traffic {
			sent: alloc::vec![sent].try_into().unwrap(),
			outflows: alloc::vec![flow(2, 5)].try_into().unwrap(),
			..Default::default()
		};
		assert!(!good.is_consistent());
		good.outbox_root = outbox_root(&good.leaves());
		assert!(good.is_consistent() && Traffic::default().is_consistent());
		let changed = |change: &dyn Fn(&mut Traffic)| {
			let mut bad = good.clone();
			change(&mut bad);
			!bad.is_consistent()
		};
		// Less is booked than the messages carry; nothing; for another; without a message; unordered; zero.
		assert!(changed(&|t| t.outflows[0].amount = 4));
		assert!(changed(&|t| t.outflows = Default::default()));
		assert!(changed(&|t| t.sent[0].batch.count = 2));
		assert!(changed(&|t| t.outflows.try_push(flow(3, 1)).unwrap()));
		assert!(changed(
			&|t| t.inflows = alloc::vec![flow(3, 1), flow(2, 1)].try_into().unwrap()
		));
		assert!(changed(
			&|t| t.inflows = alloc::vec![flow(3, 0)].try_into().unwrap()
		));
		assert!(changed(&|t| t.outbox_root = Hash::zero()));
	}

	#[test]
	fn traffic_is_read_back_and_bounded() {
		let sent = Sent {
			destination: ChainId(2),
			batch: Batch {
				first_nonce: 3,
				count: 1,
			},
			root: Hash::zero(),
		};
		let traffic_1 = Traffic {
			sent: alloc::vec![sent].try_into().unwrap(),
			..Default::default()
		};
		let digest = Digest {
			logs: alloc::vec![traffic_item(&traffic_1)],
		};
		assert_eq!(traffic(&digest), Some(traffic_1));
		let oversized = (Hash::zero(), alloc::vec![sent; MAX_PEERS as usize + 1]).encode();
		let digest = Digest {
			logs: alloc::vec![DigestItem::Consensus(TRAFFIC_ID, oversized)],
		};
		assert_eq!(traffic(&digest), None);
	}
}
