//! `composition_*`: what fits what, as a transaction chain knows the interfaces of actors, and what is on record.

use crate::{
	error::{self, invalid},
	params::{self, Param},
};
use asterism_primitives::{
	api::{ActorAddress, CompositionApi, CompositionFault, StageView},
	AccountId, BlockNumber, Hash, OpaqueBlock,
};
use jsonrpsee::{core::RpcResult, proc_macros::rpc};
use polkadot_sdk::{sp_api::ProvideRuntimeApi, sp_blockchain::HeaderBackend, sp_core::Bytes};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

/// Bytes that the name of a message may have.
const MAX_NAME: usize = 64;
/// Bytes that an encoded pipeline may have here; one that can be declared has fewer.
const MAX_PIPELINE: u32 = 16 * 1024;

/// Whether two ends fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
	/// Whether they do.
	pub fits: bool,
	/// The offender and what is wrong with it, if they don't.
	#[serde(flatten)]
	pub fault: Option<CompositionFault>,
}

impl From<Result<(), CompositionFault>> for Verdict {
	fn from(verdict: Result<(), CompositionFault>) -> Self {
		Verdict {
			fits: verdict.is_ok(),
			fault: verdict.err(),
		}
	}
}

/// The interface of an actor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InterfaceInfo {
	/// The hash of its code.
	pub code: Hash,
	/// The interface, SCALE-encoded.
	pub interface: Bytes,
	/// Of an actor of another chain: the block of this chain in which its announcement arrived.
	pub announced: Option<BlockNumber>,
}

/// A connection on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionInfo {
	/// Who connected.
	pub owner: AccountId,
	/// What is held from the owner for it, in the smallest unit, in decimal.
	pub deposit: String,
	/// The actor that emits.
	pub from: ActorAddress,
	/// The name of the message that it emits.
	pub output: String,
	/// The actor that accepts.
	pub to: ActorAddress,
	/// The name of the message that it accepts.
	pub input: String,
	/// Whether both actors still have the code that was checked.
	pub current: bool,
}

/// A pipeline on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PipelineInfo {
	/// Who declared it.
	pub owner: AccountId,
	/// What is held from the owner for it, in the smallest unit, in decimal.
	pub deposit: String,
	/// Its stages.
	pub stages: Vec<StageView>,
	/// How often it ran.
	pub runs: u32,
	/// Whether all actors still have the code that was checked.
	pub current: bool,
}

/// The methods of a transaction chain's node. Each reads the best block. Actors are objects of `chain` and `account`.
#[rpc(server, namespace = "composition")]
pub trait CompositionRpc {
	/// Whether what `from` emits as `output` could be connected now to what `to` accepts as `input`: the verdict of the call
	/// `composition.connect`, with the path of the offender.
	#[method(name = "check", blocking)]
	fn check(
		&self,
		from: Option<Value>,
		output: Option<Value>,
		to: Option<Value>,
		input: Option<Value>,
	) -> RpcResult<Verdict>;

	/// Whether a pipeline, SCALE-encoded as the call `composition.declare` takes it, could be declared now: the verdict of that
	/// call, with the path of the offender.
	#[method(name = "checkPipeline", blocking)]
	fn check_pipeline(&self, pipeline: Option<Value>) -> RpcResult<Verdict>;

	/// A connection on record, by its id; `null` if there is none.
	#[method(name = "connection", blocking)]
	fn connection(&self, id: Option<Value>) -> RpcResult<Option<ConnectionInfo>>;

	/// A pipeline on record, by its id; `null` if there is none.
	#[method(name = "pipeline", blocking)]
	fn pipeline(&self, id: Option<Value>) -> RpcResult<Option<PipelineInfo>>;

	/// The interface of an actor of any chain, as this chain knows it; `null` if it knows none.
	#[method(name = "interface", blocking)]
	fn interface(&self, actor: Option<Value>) -> RpcResult<Option<InterfaceInfo>>;
}

/// Serves `composition_*` for a transaction chain.
pub struct Composition<C>(Arc<C>);

impl<C> Composition<C> {
	/// From the chain's client.
	pub fn new(client: Arc<C>) -> Self {
		Composition(client)
	}
}

/// Reads an actor's address.
fn actor(field: &str, given: Param) -> RpcResult<ActorAddress> {
	let mut object = params::object(field, given, &["chain", "account"])?;
	Ok(ActorAddress {
		chain: params::chain(&format!("{field}.chain"), object.remove("chain"))?,
		account: params::account(&format!("{field}.account"), object.remove("account"))?,
	})
}

/// Reads the name of a message. Whether it is one, the runtime tells.
fn name(field: &str, given: Param) -> RpcResult<String> {
	let got = match given {
		Some(Value::String(text)) if text.len() <= MAX_NAME => return Ok(text),
		Some(Value::String(text)) => format!("{} bytes", text.len()),
		None | Some(Value::Null) => "nothing".into(),
		Some(_) => "something else".into(),
	};
	let expected = format!("the name of a message (a string of at most {MAX_NAME} bytes)");
	Err(invalid(field, &expected, &got))
}

impl<C> CompositionRpcServer for Composition<C>
where
	C: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock> + Send + Sync + 'static,
	C::Api: CompositionApi<OpaqueBlock>,
{
	fn check(&self, from: Param, output: Param, to: Param, input: Param) -> RpcResult<Verdict> {
		let from = actor("from", from)?;
		let output = name("output", output)?;
		let to = actor("to", to)?;
		let input = name("input", input)?;
		let best = self.0.info().best_hash;
		let verdict = self
			.0
			.runtime_api()
			.check_connection(best, from, output, to, input)
			.map_err(error::api)?;
		Ok(verdict.into())
	}

	fn check_pipeline(&self, pipeline: Param) -> RpcResult<Verdict> {
		let pipeline = params::bytes("pipeline", pipeline, MAX_PIPELINE)?;
		let best = self.0.info().best_hash;
		let verdict = self
			.0
			.runtime_api()
			.check_pipeline(best, pipeline)
			.map_err(error::api)?;
		Ok(verdict.into())
	}

	fn connection(&self, id: Param) -> RpcResult<Option<ConnectionInfo>> {
		let id = params::hash("id", id)?;
		let best = self.0.info().best_hash;
		let found = self.0.runtime_api().connection(best, id).map_err(error::api)?;
		Ok(found.map(|found| ConnectionInfo {
			owner: found.owner,
			deposit: found.deposit.to_string(),
			from: found.from,
			output: found.output,
			to: found.to,
			input: found.input,
			current: found.current,
		}))
	}

	fn pipeline(&self, id: Param) -> RpcResult<Option<PipelineInfo>> {
		let id = params::hash("id", id)?;
		let best = self.0.info().best_hash;
		let found = self.0.runtime_api().pipeline(best, id).map_err(error::api)?;
		Ok(found.map(|found| PipelineInfo {
			owner: found.owner,
			deposit: found.deposit.to_string(),
			stages: found.stages,
			runs: found.runs,
			current: found.current,
		}))
	}

	fn interface(&self, actor: Param) -> RpcResult<Option<InterfaceInfo>> {
		let actor = self::actor("actor", actor)?;
		let best = self.0.info().best_hash;
		let found = self
			.0
			.runtime_api()
			.interface_of(best, actor)
			.map_err(error::api)?;
		Ok(found.map(|found| InterfaceInfo {
			code: found.code,
			interface: found.interface.into(),
			announced: found.announced,
		}))
	}
}

#[cfg(test)]
mod tests {
	use crate::mock::{call, error_of, transaction_node};
	use serde_json::{json, Value};

	fn actor(chain: u32, digit: char) -> Value {
		json!({ "chain": chain, "account": format!("0x{}", digit.to_string().repeat(64)) })
	}

	#[tokio::test]
	async fn a_misfit_is_told_with_its_path() {
		let (module, ..) = transaction_node();
		let good = json!([actor(1, '1'), "give", actor(2, '2'), "take"]);
		let verdict = call(&module, "composition_check", good).await;
		assert_eq!(verdict, json!({ "fits": true }));
		let bad = json!([actor(1, '1'), "give", actor(3, '2'), "take"]);
		let verdict = call(&module, "composition_check", bad).await;
		let why = "expected u64, found u32";
		assert_eq!(
			verdict,
			json!({ "fits": false, "path": "accepts.take.kitty.id", "why": why })
		);
	}

	#[tokio::test]
	async fn records_are_told_with_exact_amounts() {
		let (module, ..) = transaction_node();
		let id = format!("0x{}", "07".repeat(32));
		let found = call(&module, "composition_pipeline", json!([id])).await;
		assert_eq!(found["deposit"], json!(u128::MAX.to_string()));
		assert_eq!(found["stages"][0]["role"], json!({ "reduce": { "key": "word" } }));
		assert_eq!(found["stages"][0]["replicas"][0]["chain"], json!(2));
		let found = call(&module, "composition_connection", json!([id])).await;
		assert_eq!(found["deposit"], json!(u128::MAX.to_string()));
		assert_eq!(
			(&found["from"]["chain"], &found["input"], &found["current"]),
			(&json!(1), &json!("take"), &json!(false))
		);
		let verdict = call(&module, "composition_checkPipeline", json!(["0x00"])).await;
		assert_eq!(verdict, json!({ "fits": true }));
		let verdict = call(&module, "composition_checkPipeline", json!(["0x01"])).await;
		assert_eq!(
			verdict,
			json!({ "fits": false, "path": "stages", "why": "expected a pipeline" })
		);
		let other = format!("0x{}", "08".repeat(32));
		assert_eq!(
			call(&module, "composition_connection", json!([other])).await,
			json!(null)
		);
		assert_eq!(
			call(&module, "composition_pipeline", json!([other])).await,
			json!(null)
		);
		let found = call(
			&module,
			"composition_interface",
			json!({ "actor": actor(2, '2') }),
		)
		.await;
		assert_eq!(found["interface"], json!("0x010203"));
		assert_eq!(found["announced"], json!(9));
		let unknown = call(&module, "composition_interface", json!([actor(3, '2')])).await;
		assert_eq!(unknown, json!(null));
	}

	#[tokio::test]
	async fn malformed_parameters_are_refused_by_name() {
		let (module, ..) = transaction_node();
		let good = actor(1, '1');
		for (method, params, field) in [
			("composition_check", json!([]), "from: "),
			("composition_check", json!([good, 7, good, "take"]), "output: "),
			(
				"composition_check",
				json!([good, "x".repeat(65), good, "take"]),
				"output: ",
			),
			(
				"composition_check",
				json!([good, "give", { "chain": 1 }, "take"]),
				"to.account: ",
			),
			("composition_check", json!([good, "give", good]), "input: "),
			("composition_pipeline", json!(["0x07"]), "id: "),
			("composition_connection", json!([7]), "id: "),
			("composition_checkPipeline", json!(["07"]), "pipeline: "),
			("composition_checkPipeline", json!([]), "pipeline: "),
			(
				"composition_interface",
				json!([{ "chain": -1, "account": 0 }]),
				"actor.chain: ",
			),
			("composition_interface", json!(["5F"]), "actor: "),
		] {
			let (_, message) = error_of(&module, method, params).await;
			assert!(message.starts_with(field), "{method}: {message}");
			assert!(message.len() < 250);
		}
	}
}
