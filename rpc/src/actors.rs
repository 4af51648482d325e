//! `actors_*`: actors, their code, storage and interfaces, and what a call would do.

use crate::{
	error,
	params::{self, Param},
};
use asterism_interface::{Deadline, Interface, MessageType};
use asterism_primitives::{
	api::{ActorsApi, DryRun, DryRunCall, DryRunMessage, DryRunOutcome},
	message::{BounceReason, MAX_BODY},
	AccountId, ChainId, Hash, OpaqueBlock,
};
use jsonrpsee::{core::RpcResult, proc_macros::rpc};
use polkadot_sdk::{sp_api::ProvideRuntimeApi, sp_blockchain::HeaderBackend, sp_core::Bytes};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

/// Bytes that a key of an actor's storage may have, as in `asterism-actor-abi`.
const MAX_KEY: u32 = 64;

/// An actor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActorInfo {
	/// Its account.
	pub account: AccountId,
	/// The hash of the code that handles its next message.
	pub code: Hash,
	/// The keys of its storage.
	pub items: u32,
	/// The bytes of its storage's keys and values.
	pub bytes: u64,
	/// What is held from it for itself and its storage, in the smallest unit, in decimal.
	pub deposit: String,
	/// The messages that wait for it.
	pub waiting: u32,
}

/// Code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CodeInfo {
	/// Its hash.
	pub hash: Hash,
	/// Who uploaded it, and may remove it.
	pub owner: AccountId,
	/// What is held from the owner for it, in the smallest unit, in decimal.
	pub deposit: String,
	/// How many actors have it.
	pub users: u32,
	/// The least gas that a message to it takes.
	pub load_gas: u64,
	/// How many bytes the module has.
	pub size: u32,
	/// The module, if it was asked for.
	pub bytes: Option<Bytes>,
}

/// What code promises to whoever sends it messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceInfo {
	/// What it asks for each message, in the smallest unit, in decimal.
	pub price: String,
	/// When it has answered at the latest.
	pub deadline: Option<DeadlineInfo>,
}

/// A time after a message was included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum DeadlineInfo {
	/// Blocks of the actor's chain.
	Blocks(u32),
	/// Milliseconds by the timestamps of its blocks.
	Milliseconds(u64),
}

/// The interface of code.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InterfaceInfo {
	/// The hash of the code.
	pub code: Hash,
	/// The messages that it accepts, each with the place of its type in `types`.
	pub accepts: Vec<MessageType>,
	/// The messages that it emits.
	pub emits: Vec<MessageType>,
	/// The types, as in a chain's metadata.
	pub types: Value,
	/// What it promises, if anything.
	pub service: Option<ServiceInfo>,
	/// All of it in its SCALE encoding, as `actors.upload` takes it.
	pub encoded: Bytes,
}

/// A message that would be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DryRunMessageInfo {
	/// The recipient's chain.
	pub chain: ChainId,
	/// The recipient there.
	pub account: AccountId,
	/// The value that it would bring, in the smallest unit, in decimal.
	pub value: String,
	/// The gas that it would carry.
	pub gas: u64,
	/// What it would say.
	pub body: Bytes,
}

impl From<DryRunMessage> for DryRunMessageInfo {
	fn from(message: DryRunMessage) -> Self {
		DryRunMessageInfo {
			chain: message.chain,
			account: message.account,
			value: message.value.to_string(),
			gas: message.gas,
			body: message.body.into(),
		}
	}
}

/// How something that was tried out ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum DryRunEnd {
	/// The message would be processed, with all effects.
	Done,
	/// It would come back.
	Bounced {
		/// Why.
		reason: BounceReason,
		/// What went wrong in the code, for its developer; empty if nothing did.
		detail: String,
	},
	/// It could not even be sent.
	Refused {
		/// The name of the runtime's error.
		error: String,
	},
}

/// The weight of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WeightInfo {
	/// Picoseconds on the reference machine.
	pub ref_time: u64,
	/// Bytes of proof.
	pub proof_size: u64,
}

/// What something that was tried out would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DryRunInfo {
	/// How it would end.
	pub outcome: DryRunEnd,
	/// The weight of the processing.
	pub weight: WeightInfo,
	/// The gas that it would use, without what its messages take along.
	pub gas_used: u64,
	/// The messages that it would send, the first ones of new actors before others.
	pub messages: Vec<DryRunMessageInfo>,
	/// What the code would log, line by line. What is no UTF-8 is replaced.
	pub log: Vec<String>,
}

impl From<DryRun> for DryRunInfo {
	fn from(run: DryRun) -> Self {
		let outcome = match run.outcome {
			DryRunOutcome::Done => DryRunEnd::Done,
			DryRunOutcome::Bounced { reason, detail } => DryRunEnd::Bounced { reason, detail },
			DryRunOutcome::Refused { text, .. } => DryRunEnd::Refused { error: text },
		};
		DryRunInfo {
			outcome,
			weight: WeightInfo {
				ref_time: run.weight.ref_time(),
				proof_size: run.weight.proof_size(),
			},
			gas_used: run.gas_used,
			messages: run.messages.into_iter().map(Into::into).collect(),
			log: run
				.log
				.iter()
				.map(|line| String::from_utf8_lossy(line).into_owned())
				.collect(),
		}
	}
}

/// The methods of a transaction chain's node. `at` is a block's hash or number, by default of the best block.
#[rpc(server, namespace = "actors")]
pub trait ActorsRpc {
	/// An actor; `null` if the account has no code.
	#[method(name = "actor", blocking)]
	fn actor(&self, account: Option<Value>, at: Option<Value>) -> RpcResult<Option<ActorInfo>>;

	/// Code by its hash, with the module if `bytes` is true; `null` if there is none.
	#[method(name = "code", blocking)]
	fn code(
		&self,
		hash: Option<Value>,
		at: Option<Value>,
		bytes: Option<Value>,
	) -> RpcResult<Option<CodeInfo>>;

	/// The value under a key of an actor's storage; `null` if there is none.
	#[method(name = "storage", blocking)]
	fn storage(
		&self,
		account: Option<Value>,
		key: Option<Value>,
		at: Option<Value>,
	) -> RpcResult<Option<Bytes>>;

	/// The interface of code, or of an actor's; `null` if it was uploaded without, or there is no such code.
	#[method(name = "interface", blocking)]
	fn interface(&self, of: Option<Value>, at: Option<Value>) -> RpcResult<Option<InterfaceInfo>>;

	/// What a call by `origin` would do if its message was the next one to be processed: `call` is
	/// `{ "call": { "destination", "value", "gas", "body" } }` with an account of this chain, or
	/// `{ "instantiate": { "code", "salt", "value", "gas", "body" } }`. Without them, `value` and `salt` are zero, and `body` is
	/// empty.
	#[method(name = "dryRun", blocking)]
	fn dry_run(&self, origin: Option<Value>, call: Option<Value>, at: Option<Value>)
		-> RpcResult<DryRunInfo>;
}

/// Serves `actors_*` for a transaction chain.
pub struct Actors<C>(Arc<C>);

impl<C> Actors<C>
where
	C: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock>,
	C::Api: ActorsApi<OpaqueBlock>,
{
	/// From the chain's client.
	pub fn new(client: Arc<C>) -> Self {
		Actors(client)
	}

	fn at(&self, at: Param) -> RpcResult<Hash> {
		match params::optional_block("at", at)? {
			Some(block) => block.hash("at", &*self.0),
			None => Ok(self.0.info().best_hash),
		}
	}

	/// The hash of the code that is meant: by its hash, or by an actor that has it.
	fn code_of(&self, at: Hash, of: Param) -> RpcResult<Option<Hash>> {
		let expected =
			"the hash of code (0x and 64 hex digits), or an account (an SS58 address, or 0x and 64 hex digits)";
		let account = params::account("of", of.clone())
			.map_err(|_| error::invalid("of", expected, &params::describe(&of)))?;
		let api = self.0.runtime_api();
		if let Ok(hash) = params::hash("of", of) {
			if api.code(at, hash).map_err(error::api)?.is_some() {
				return Ok(Some(hash));
			}
		}
		let actor = self.0.runtime_api().actor(at, account).map_err(error::api)?;
		Ok(actor.map(|actor| actor.code))
	}
}

/// Reads what is to be tried out.
fn dry_run_call(given: Param) -> RpcResult<DryRunCall> {
	let mut call = params::object("call", given, &["call", "instantiate"])?;
	let or = |given: Param, default: &str| given.or_else(|| Some(default.into()));
	match (call.remove("call"), call.remove("instantiate")) {
		(Some(call), None) => {
			let fields = ["destination", "value", "gas", "body"];
			let mut call = params::object("call.call", Some(call), &fields)?;
			Ok(DryRunCall::Call {
				destination: params::account("call.call.destination", call.remove("destination"))?,
				value: params::amount("call.call.value", or(call.remove("value"), "0"))?,
				gas: params::u64("call.call.gas", call.remove("gas"))?,
				body: params::bytes("call.call.body", or(call.remove("body"), "0x"), MAX_BODY)?,
			})
		}
		(None, Some(call)) => {
			let fields = ["code", "salt", "value", "gas", "body"];
			let mut call = params::object("call.instantiate", Some(call), &fields)?;
			let salt = match call.remove("salt") {
				None | Some(Value::Null) => Hash::zero(),
				salt => params::hash("call.instantiate.salt", salt)?,
			};
			Ok(DryRunCall::Instantiate {
				code: params::hash("call.instantiate.code", call.remove("code"))?,
				salt: salt.0,
				value: params::amount("call.instantiate.value", or(call.remove("value"), "0"))?,
				gas: params::u64("call.instantiate.gas", call.remove("gas"))?,
				body: params::bytes("call.instantiate.body", or(call.remove("body"), "0x"), MAX_BODY)?,
			})
		}
		(given, _) => {
			let got = if given.is_some() { "both" } else { "neither" };
			let expected = "an object with either call or instantiate";
			Err(error::invalid("call", expected, got))
		}
	}
}

/// An interface as callers see it.
///
/// # Errors
/// Why the interface on record can't be shown.
fn interface_info(code: Hash, encoded: Vec<u8>) -> Result<InterfaceInfo, String> {
	let Interface {
		accepts,
		emits,
		types,
		service,
	} = Interface::from_bytes(&encoded).map_err(|e| e.to_string())?;
	let deadline = |deadline| match deadline {
		Deadline::Blocks(blocks) => DeadlineInfo::Blocks(blocks),
		Deadline::Milliseconds(milliseconds) => DeadlineInfo::Milliseconds(milliseconds),
	};
	Ok(InterfaceInfo {
		code,
		accepts,
		emits,
		types: serde_json::to_value(&types).map_err(|e| e.to_string())?,
		service: service.map(|service| ServiceInfo {
			price: service.price.to_string(),
			deadline: service.deadline.map(deadline),
		}),
		encoded: encoded.into(),
	})
}

impl<C> ActorsRpcServer for Actors<C>
where
	C: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock> + Send + Sync + 'static,
	C::Api: ActorsApi<OpaqueBlock>,
{
	fn actor(&self, account: Param, at: Param) -> RpcResult<Option<ActorInfo>> {
		let account = params::account("account", account)?;
		let at = self.at(at)?;
		let actor = self
			.0
			.runtime_api()
			.actor(at, account.clone())
			.map_err(error::api)?;
		Ok(actor.map(|actor| ActorInfo {
			account,
			code: actor.code,
			items: actor.items,
			bytes: actor.bytes,
			deposit: actor.deposit.to_string(),
			waiting: actor.waiting,
		}))
	}

	fn code(&self, hash: Param, at: Param, bytes: Param) -> RpcResult<Option<CodeInfo>> {
		let hash = params::hash("hash", hash)?;
		let at = self.at(at)?;
		let with_bytes = params::flag("bytes", bytes)?;
		let code = self.0.runtime_api().code(at, hash).map_err(error::api)?;
		Ok(code.map(|code| CodeInfo {
			hash,
			owner: code.owner,
			deposit: code.deposit.to_string(),
			users: code.users,
			load_gas: code.load_gas,
			// Code is bounded to far less.
			size: u32::try_from(code.bytes.len()).unwrap_or(u32::MAX),
			bytes: with_bytes.then(|| code.bytes.into()),
		}))
	}

	fn storage(&self, account: Param, key: Param, at: Param) -> RpcResult<Option<Bytes>> {
		let account = params::account("account", account)?;
		let key = params::bytes("key", key, MAX_KEY)?;
		let at = self.at(at)?;
		let value = self
			.0
			.runtime_api()
			.storage(at, account, key)
			.map_err(error::api)?;
		Ok(value.map(Bytes::from))
	}

	fn interface(&self, of: Param, at: Param) -> RpcResult<Option<InterfaceInfo>> {
		let at = self.at(at)?;
		let Some(code) = self.code_of(at, of)? else {
			return Ok(None);
		};
		let encoded = self.0.runtime_api().interface(at, code).map_err(error::api)?;
		encoded
			.map(|encoded| interface_info(code, encoded))
			.transpose()
			.map_err(|why| error::unreadable(&why))
	}

	fn dry_run(&self, origin: Param, call: Param, at: Param) -> RpcResult<DryRunInfo> {
		let origin = params::account("origin", origin)?;
		let call = dry_run_call(call)?;
		let at = self.at(at)?;
		let run = self
			.0
			.runtime_api()
			.dry_run(at, origin, call)
			.map_err(error::api)?;
		Ok(run.into())
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::mock::{call, error_of, root_node, transaction_node, ACTOR, CODE};
	use asterism_interface::Valid;
	use serde_json::json;

	#[tokio::test]
	async fn an_actor_is_found_by_address_and_hex() {
		let (module, client, _) = transaction_node();
		let expected = json!({
			"account": ACTOR,
			"code": CODE,
			"items": 2,
			"bytes": 40,
			"deposit": u128::MAX.to_string(),
			"waiting": 1,
		});
		let hex = format!("0x{}", "07".repeat(32));
		for params in [
			json!([ACTOR]),
			json!([hex]),
			json!({ "account": hex, "at": 1 }),
			json!([hex, client.at(3)]),
		] {
			assert_eq!(call(&module, "actors_actor", params).await, expected);
		}
		let other = format!("0x{}", "08".repeat(32));
		assert_eq!(call(&module, "actors_actor", json!([other])).await, json!(null));
		let (code, message) = error_of(&module, "actors_actor", json!([hex, 9])).await;
		assert_eq!(code, error::UNKNOWN_BLOCK);
		assert!(message.starts_with("at: "), "{message}");
	}

	#[tokio::test]
	async fn code_comes_with_its_module_if_that_is_asked_for() {
		let (module, ..) = transaction_node();
		let mut expected = json!({
			"hash": CODE,
			"owner": AccountId::new([1; 32]),
			"deposit": "9",
			"users": 1,
			"loadGas": 5_000,
			"size": 4,
			"bytes": null,
		});
		assert_eq!(call(&module, "actors_code", json!([CODE])).await, expected);
		expected["bytes"] = json!("0x0061736d");
		let params = json!({ "hash": CODE, "bytes": true });
		assert_eq!(call(&module, "actors_code", params).await, expected);
		let other = json!([Hash::zero()]);
		assert_eq!(call(&module, "actors_code", other).await, json!(null));
	}

	#[tokio::test]
	async fn storage_is_read_by_key() {
		let (module, ..) = transaction_node();
		let read = |key: &'static str| call(&module, "actors_storage", json!([ACTOR, key]));
		assert_eq!(read("0x07").await, json!("0x0102"));
		assert_eq!(read("0x").await, json!(null));
	}

	#[tokio::test]
	async fn an_interface_is_found_by_code_and_by_actor() {
		let (module, ..) = transaction_node();
		let of_code = call(&module, "actors_interface", json!([CODE])).await;
		assert_eq!(call(&module, "actors_interface", json!([ACTOR])).await, of_code);
		assert_eq!(of_code["code"], json!(CODE));
		assert_eq!(of_code["accepts"][0]["name"], json!("bid"));
		assert_eq!(of_code["emits"][0]["name"], json!("sold"));
		assert_eq!(of_code["types"]["types"].as_array().unwrap().len(), 2);
		let service = json!({ "price": u128::MAX.to_string(), "deadline": { "blocks": 3 } });
		assert_eq!(of_code["service"], service);
		let encoded: Bytes = serde_json::from_value(of_code["encoded"].clone()).unwrap();
		assert!(Valid::<Interface>::from_bytes(&encoded).is_ok());
		let other = json!([Hash::repeat_byte(5)]);
		assert_eq!(call(&module, "actors_interface", other).await, json!(null));
	}

	#[tokio::test]
	async fn a_dry_run_tells_messages_and_reasons() {
		let (module, ..) = transaction_node();
		let origin = AccountId::new([1; 32]);
		let said = json!({
			"call": { "destination": ACTOR, "value": u128::MAX.to_string(), "gas": 9, "body": "0x0102" },
		});
		let run = call(&module, "actors_dryRun", json!([origin, said])).await;
		let expected = json!({
			"outcome": { "state": "done" },
			"weight": { "refTime": 1_000, "proofSize": 2 },
			"gasUsed": 77,
			"messages": [{
				"chain": 2,
				"account": ACTOR,
				"value": u128::MAX.to_string(),
				"gas": 9,
				"body": "0x0102",
			}],
			"log": ["h\u{fffd}i"],
		});
		assert_eq!(run, expected);
		let new = json!({ "instantiate": { "code": CODE, "gas": 9 } });
		let run = call(&module, "actors_dryRun", json!([origin, new])).await;
		let bounced = json!({ "state": "bounced", "reason": "failed", "detail": "Trap" });
		assert_eq!(run["outcome"], bounced);
		let new = json!({ "instantiate": { "code": Hash::zero(), "salt": CODE, "gas": 9 } });
		let run = call(&module, "actors_dryRun", json!([origin, new])).await;
		assert_eq!(
			run["outcome"],
			json!({ "state": "refused", "error": "UnknownCode" })
		);
	}

	#[tokio::test]
	async fn malformed_and_oversized_parameters_are_refused_by_name() {
		let (module, ..) = transaction_node();
		let long = format!("0x{}", "00".repeat(100_000));
		let body = format!("0x{}", "00".repeat(2_049));
		let with = |field: &str, value: Value| {
			let mut call = json!({ "destination": ACTOR, "gas": 1 });
			call[field] = value;
			json!([ACTOR, { "call": call }])
		};
		for (method, params, start) in [
			("actors_actor", json!([]), "account: expected an account"),
			("actors_actor", json!([long]), "account: expected an account"),
			("actors_code", json!([ACTOR]), "hash: expected a hash"),
			(
				"actors_code",
				json!([CODE, 1, "yes"]),
				"bytes: expected true or false",
			),
			("actors_storage", json!([ACTOR]), "key: expected at most 64 bytes"),
			(
				"actors_storage",
				json!([ACTOR, long]),
				"key: expected at most 64 bytes",
			),
			("actors_interface", json!([7]), "of: expected the hash of code"),
			(
				"actors_dryRun",
				json!(["Alice", {}]),
				"origin: expected an account",
			),
			(
				"actors_dryRun",
				json!([ACTOR]),
				"call: expected an object with fields among",
			),
			(
				"actors_dryRun",
				json!([ACTOR, {}]),
				"call: expected an object with either call or instantiate, got neither",
			),
			(
				"actors_dryRun",
				json!([ACTOR, { "instantiate": { "gas": 1 } }]),
				"call.instantiate.code: expected a hash",
			),
			(
				"actors_dryRun",
				json!([ACTOR, { "instantiate": { "code": CODE, "gas": 1, "salt": "0x" } }]),
				"call.instantiate.salt: expected a hash",
			),
			("actors_dryRun", with("gas", json!(-1)), "call.call.gas: expected"),
			(
				"actors_dryRun",
				with("value", json!("1.5")),
				"call.call.value: expected an amount",
			),
			(
				"actors_dryRun",
				with("body", json!(body)),
				"call.call.body: expected at most 2048 bytes",
			),
			(
				"actors_dryRun",
				with("gaz", json!(1)),
				"call.call: expected an object with fields among",
			),
		] {
			let (code, message) = error_of(&module, method, params).await;
			assert_eq!(code, -32602, "{method}");
			assert!(message.starts_with(start), "{method}: {message}");
			assert!(message.len() < 250);
		}
		let (root, _) = root_node();
		assert!(root.method("actors_actor").is_none());
	}
}
