//! `messages_*`: what became of messages between chains.

use crate::{
	error,
	params::{self, Param},
	BlockInfo,
};
use asterism_primitives::{
	api::{MessagesApi, RootApi, SentState},
	message::{BounceReason, Delivery, MessageBody},
	protocol::channel::ChannelRecord,
	AccountId, BlockNumber, ChainId, CurrencyId, Hash, Nonce, OpaqueBlock,
};
use codec::Encode;
use jsonrpsee::{core::RpcResult, proc_macros::rpc};
use polkadot_sdk::{sp_api::ProvideRuntimeApi, sp_blockchain::HeaderBackend, sp_core::Bytes};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

/// How far a message is.
///
/// ```text
/// unknown ─► included ─► anchored ─► delivered
///                                        └────► bounced
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
	/// The source has sent no such message.
	Unknown,
	/// A block of the source has it.
	Included,
	/// A final root block anchors that block.
	Anchored,
	/// The destination has taken it in, as a final root block says.
	Delivered,
	/// The destination couldn't execute it, and its value has come back.
	Bounced,
}

/// The state of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageState {
	/// How far it is.
	pub state: Stage,
	/// The source's block that included it, as long as that is kept: until it is delivered.
	pub block: Option<BlockInfo>,
	/// The final root block that this answer rests on; `null` if the answer is the source's alone.
	pub root_block: Option<BlockInfo>,
	/// Why it bounced.
	pub reason: Option<BounceReason>,
}

/// A message in a proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageInfo {
	/// Its place in the channel.
	pub nonce: Nonce,
	/// Who sent it.
	pub sender: AccountId,
	/// Whom it is for.
	pub recipient: AccountId,
	/// The currency of the value.
	pub currency: CurrencyId,
	/// The value in the currency's smallest unit, in decimal.
	pub value: String,
	/// What it does.
	pub body: MessageBody,
}

/// The messages of one block for a destination, with their proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryInfo {
	/// The chain that sent them.
	pub source: ChainId,
	/// In which of its blocks.
	pub number: BlockNumber,
	/// The number of leaves of that block's outbox.
	pub leaves: u32,
	/// The destination's place among them.
	pub index: u32,
	/// The siblings on the path from its leaf to the outbox root.
	pub path: Vec<Hash>,
	/// The messages.
	pub messages: Vec<MessageInfo>,
	/// All of it in its SCALE encoding, as `messages.deliver` takes it.
	pub encoded: Bytes,
}

impl From<Delivery> for DeliveryInfo {
	fn from(delivery: Delivery) -> Self {
		let encoded = delivery.encode().into();
		let Delivery {
			source,
			number,
			leaves,
			index,
			path,
			messages,
		} = delivery;
		let messages = messages
			.into_iter()
			.map(|message| MessageInfo {
				nonce: message.nonce,
				sender: message.sender,
				recipient: message.recipient,
				currency: message.currency,
				value: message.value.to_string(),
				body: message.body,
			})
			.collect();
		DeliveryInfo {
			source,
			number,
			leaves,
			index,
			path: path.into_inner(),
			messages,
			encoded,
		}
	}
}

/// A batch that is not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitingBatch {
	/// The source's block.
	pub number: BlockNumber,
	/// The nonce of its first message.
	pub first_nonce: Nonce,
	/// How many messages it has.
	pub count: u32,
}

/// The root chain's record of a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelInfo {
	/// The nonce after the last anchored message.
	pub recorded: Nonce,
	/// What the destination expects next.
	pub acknowledged: Nonce,
	/// The anchored batches that are not acknowledged, oldest first.
	pub waiting: Vec<WaitingBatch>,
	/// The final root block that says so.
	pub root_block: BlockInfo,
}

/// How far a message is, from what its source and the root chain say of it, and the source's block that has it, if
/// one of them tells. The root chain may know more than the source, which learns of deliveries later, or is syncing
/// here.
pub fn stage(sent: &SentState, record: &ChannelRecord, nonce: Nonce) -> (Stage, Option<BlockNumber>) {
	let anchored_in = record
		.waiting
		.iter()
		.find(|waiting| {
			waiting.batch.first_nonce <= nonce && waiting.batch.end().is_ok_and(|end| nonce < end)
		})
		.map(|waiting| waiting.number);
	let included_in = match sent {
		SentState::Included { number } => Some(*number),
		_ => None,
	};
	let stage = match sent {
		SentState::Bounced { .. } => Stage::Bounced,
		SentState::Delivered => Stage::Delivered,
		_ if record.acknowledged > nonce => Stage::Delivered,
		_ if record.recorded > nonce => Stage::Anchored,
		SentState::Included { .. } => Stage::Included,
		SentState::Unknown => Stage::Unknown,
	};
	(stage, included_in.or(anchored_in))
}

/// The methods of a source chain's node.
#[rpc(server, namespace = "messages")]
pub trait MessagesRpc {
	/// The state of the message with this nonce that this chain has sent to `destination`.
	#[method(name = "state", blocking)]
	fn state(&self, destination: Option<Value>, nonce: Option<Value>) -> RpcResult<MessageState>;

	/// The messages, with proof, that this chain's final block `number` has sent to `destination`; `null` if it
	/// sent none, or they are acknowledged.
	#[method(name = "proof", blocking)]
	fn proof(&self, destination: Option<Value>, number: Option<Value>) -> RpcResult<Option<DeliveryInfo>>;
}

/// The methods of every node.
#[rpc(server, namespace = "messages")]
pub trait ChannelsRpc {
	/// The root chain's record of the channel from `source` to `destination`.
	#[method(name = "channel", blocking)]
	fn channel(&self, source: Option<Value>, destination: Option<Value>) -> RpcResult<ChannelInfo>;
}

/// Serves `messages_state` and `messages_proof` for a transaction chain.
pub struct Messages<C, R> {
	chain: ChainId,
	client: Arc<C>,
	root_client: Arc<R>,
}

impl<C, R> Messages<C, R> {
	/// For a chain, its client, and the root client.
	pub fn new(chain: ChainId, client: Arc<C>, root_client: Arc<R>) -> Self {
		Messages {
			chain,
			client,
			root_client,
		}
	}
}

impl<C, R> MessagesRpcServer for Messages<C, R>
where
	C: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock> + Send + Sync + 'static,
	C::Api: MessagesApi<OpaqueBlock>,
	R: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock> + Send + Sync + 'static,
	R::Api: RootApi<OpaqueBlock>,
{
	fn state(&self, destination: Param, nonce: Param) -> RpcResult<MessageState> {
		let destination = params::chain("destination", destination)?;
		let nonce = params::u64("nonce", nonce)?;
		let best = self.client.info().best_hash;
		let root = self.root_client.info();
		let sent = self
			.client
			.runtime_api()
			.sent_state(best, destination, nonce)
			.map_err(error::api)?;
		let record = self
			.root_client
			.runtime_api()
			.channel(root.finalized_hash, self.chain, destination)
			.map_err(error::api)?;
		let (state, number) = stage(&sent, &record, nonce);
		let block = match number {
			Some(number) => {
				let hash = self.client.hash(number).map_err(error::client)?;
				hash.map(|hash| BlockInfo { number, hash })
			}
			None => None,
		};
		let root_block = BlockInfo {
			number: root.finalized_number,
			hash: root.finalized_hash,
		};
		Ok(MessageState {
			state,
			block,
			root_block: matches!(state, Stage::Anchored | Stage::Delivered | Stage::Bounced)
				.then_some(root_block),
			reason: match sent {
				SentState::Bounced { reason } => Some(reason),
				_ => None,
			},
		})
	}

	fn proof(&self, destination: Param, number: Param) -> RpcResult<Option<DeliveryInfo>> {
		let destination = params::chain("destination", destination)?;
		let number = params::number("number", number)?;
		let info = self.client.info();
		if number > info.finalized_number {
			return Err(error::not_final("number", info.finalized_number));
		}
		let delivery = self
			.client
			.runtime_api()
			.delivery(info.finalized_hash, destination, number)
			.map_err(error::api)?;
		Ok(delivery.map(DeliveryInfo::from))
	}
}

/// Serves `messages_channel`.
pub struct Channels<R>(Arc<R>);

impl<R> Channels<R> {
	/// From the root client.
	pub fn new(root_client: Arc<R>) -> Self {
		Channels(root_client)
	}
}

impl<R> ChannelsRpcServer for Channels<R>
where
	R: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock> + Send + Sync + 'static,
	R::Api: RootApi<OpaqueBlock>,
{
	fn channel(&self, source: Param, destination: Param) -> RpcResult<ChannelInfo> {
		let source = params::chain("source", source)?;
		let destination = params::chain("destination", destination)?;
		let info = self.0.info();
		let api = self.0.runtime_api();
		for (field, chain) in [("source", source), ("destination", destination)] {
			if api
				.chain(info.finalized_hash, chain)
				.map_err(error::api)?
				.is_none()
			{
				return Err(error::unknown_chain(field, chain));
			}
		}
		let record = api
			.channel(info.finalized_hash, source, destination)
			.map_err(error::api)?;
		let waiting = record
			.waiting
			.iter()
			.map(|waiting| WaitingBatch {
				number: waiting.number,
				first_nonce: waiting.batch.first_nonce,
				count: waiting.batch.count,
			})
			.collect();
		Ok(ChannelInfo {
			recorded: record.recorded,
			acknowledged: record.acknowledged,
			waiting,
			root_block: BlockInfo {
				number: info.finalized_number,
				hash: info.finalized_hash,
			},
		})
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::mock::{call, error_of, root_node, transaction_node};
	use asterism_primitives::protocol::channel::{Batch, BlockBatch};
	use codec::Decode;
	use serde_json::json;

	#[test]
	fn a_message_advances_through_its_stages() {
		let batch = Batch {
			first_nonce: 4,
			count: 3,
		};
		let record = |recorded, acknowledged| ChannelRecord {
			recorded,
			acknowledged,
			waiting: if recorded > acknowledged {
				vec![BlockBatch { number: 9, batch }]
			} else {
				vec![]
			},
		};
		let included = SentState::Included { number: 9 };
		let reason = BounceReason::Refused;
		assert_eq!(
			stage(&SentState::Unknown, &record(4, 4), 5),
			(Stage::Unknown, None)
		);
		assert_eq!(stage(&included, &record(4, 4), 5), (Stage::Included, Some(9)));
		assert_eq!(stage(&included, &record(5, 4), 5), (Stage::Included, Some(9)));
		assert_eq!(stage(&included, &record(7, 4), 5), (Stage::Anchored, Some(9)));
		assert_eq!(
			stage(&SentState::Unknown, &record(7, 4), 5),
			(Stage::Anchored, Some(9))
		);
		assert_eq!(stage(&included, &record(7, 5), 5), (Stage::Anchored, Some(9)));
		assert_eq!(stage(&included, &record(7, 6), 5), (Stage::Delivered, Some(9)));
		assert_eq!(stage(&SentState::Delivered, &record(7, 4), 5).0, Stage::Delivered);
		assert_eq!(
			stage(&SentState::Bounced { reason }, &record(7, 7), 5),
			(Stage::Bounced, None)
		);
		let top = Batch {
			first_nonce: u64::MAX,
			count: 1,
		};
		let overflow = ChannelRecord {
			waiting: vec![BlockBatch {
				number: 1,
				batch: top,
			}],
			..record(4, 4)
		};
		assert_eq!(
			stage(&SentState::Unknown, &overflow, u64::MAX),
			(Stage::Unknown, None)
		);
	}

	#[tokio::test]
	async fn states_name_their_blocks() {
		let (module, client, root) = transaction_node();
		let state = call(&module, "messages_state", json!([2, 0])).await;
		let root_block = json!({ "number": 2, "hash": root.at(2) });
		let block = json!({ "number": 2, "hash": client.at(2) });
		// The mock's channel: 0 is delivered, 1 anchored in block 2, 2 included in block 3, 3 unknown, 9 bounced.
		assert_eq!(
			state,
			json!({ "state": "delivered", "block": null, "rootBlock": root_block, "reason": null })
		);
		let state = call(&module, "messages_state", json!([2, "1"])).await;
		assert_eq!(
			state,
			json!({ "state": "anchored", "block": block, "rootBlock": root_block, "reason": null })
		);
		let state = call(&module, "messages_state", json!({ "destination": 2, "nonce": 2 })).await;
		let block = json!({ "number": 3, "hash": client.at(3) });
		assert_eq!(
			state,
			json!({ "state": "included", "block": block, "rootBlock": null, "reason": null })
		);
		let state = call(&module, "messages_state", json!([2, 3])).await;
		assert_eq!(
			state,
			json!({ "state": "unknown", "block": null, "rootBlock": null, "reason": null })
		);
		let state = call(&module, "messages_state", json!([2, 9])).await;
		assert_eq!(
			(&state["state"], &state["reason"]),
			(&json!("bounced"), &json!("belowMinimum"))
		);
	}

	#[tokio::test]
	async fn a_proof_has_exact_amounts_and_its_encoding() {
		let (module, ..) = transaction_node();
		let proof = call(&module, "messages_proof", json!([2, 2])).await;
		assert_eq!(proof["messages"][0]["value"], json!(u128::MAX.to_string()));
		assert_eq!(proof["messages"][0]["body"], json!("add"));
		assert!(proof["messages"][0]["recipient"]
			.as_str()
			.unwrap()
			.starts_with('5'));
		let encoded: Bytes = serde_json::from_value(proof["encoded"].clone()).unwrap();
		let delivery = Delivery::decode(&mut &encoded[..]).unwrap();
		assert_eq!(serde_json::to_value(DeliveryInfo::from(delivery)).unwrap(), proof);
		assert_eq!(call(&module, "messages_proof", json!([2, 1])).await, json!(null));
		let (code, message) = error_of(&module, "messages_proof", json!([2, 3])).await;
		assert_eq!(code, error::UNKNOWN_BLOCK);
		assert!(
			message.starts_with("number: this block is not final here"),
			"{message}"
		);
	}

	#[tokio::test]
	async fn malformed_and_oversized_parameters_are_refused_by_name() {
		let (module, ..) = transaction_node();
		let long = "7".repeat(1_000_000);
		for (method, params, field) in [
			("messages_state", json!([]), "destination"),
			("messages_state", json!([2]), "nonce"),
			("messages_state", json!(["two", 1]), "destination"),
			("messages_state", json!([2, -1]), "nonce"),
			("messages_state", json!([2, long]), "nonce"),
			("messages_state", json!([4294967296u64, 1]), "destination"),
			("messages_proof", json!([2, 1.5]), "number"),
			("messages_proof", json!([[2], 1]), "destination"),
			("messages_channel", json!([{}, 1]), "source"),
			("messages_channel", json!({ "source": 1 }), "destination"),
		] {
			let (code, message) = error_of(&module, method, params).await;
			assert_eq!(code, -32602, "{method}");
			assert!(
				message.starts_with(&format!("{field}: expected ")),
				"{method}: {message}"
			);
			assert!(message.len() < 200);
		}
	}

	#[tokio::test]
	async fn a_channel_is_the_root_chains_record() {
		let (module, _, root) = transaction_node();
		let expected = json!({
			"recorded": 2,
			"acknowledged": 1,
			"waiting": [{ "number": 2, "firstNonce": 1, "count": 1 }],
			"rootBlock": { "number": 2, "hash": root.at(2) },
		});
		assert_eq!(call(&module, "messages_channel", json!([1, 2])).await, expected);
		let (module, _) = root_node();
		assert_eq!(
			call(&module, "messages_channel", json!([1, 2])).await["recorded"],
			json!(2)
		);
		let (code, message) = error_of(&module, "messages_channel", json!([1, 77])).await;
		assert_eq!(code, error::UNKNOWN_CHAIN);
		assert!(
			message.starts_with("destination: the root chain has no chain 77"),
			"{message}"
		);
		assert!(module.method("messages_state").is_none());
	}
}
