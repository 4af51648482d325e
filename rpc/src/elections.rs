//! `beacon_*` and `elections_*`: the random beacon's seeds, and the elections of committees, as the root chain has them.

use crate::{
	error,
	params::{self, Param},
};
use asterism_primitives::{
	beacon::{BeaconApi, Seed},
	committee::{BlsPublic, BlsSignature, Epoch, MemberId},
	election::{Election, ElectionsApi, Phase},
	BlockNumber, ChainId, Hash, OpaqueBlock,
};
use jsonrpsee::{core::RpcResult, proc_macros::rpc};
use polkadot_sdk::{sp_api::ProvideRuntimeApi, sp_blockchain::HeaderBackend};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

/// A seed of the random beacon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SeedInfo {
	/// Its round: nobody knew it before the root block of this height was final.
	pub round: BlockNumber,
	/// The signature of the group key, which anybody can verify.
	pub signature: BlsSignature,
	/// The seed as 32 bytes.
	pub randomness: Hash,
}

impl From<Seed> for SeedInfo {
	fn from(seed: Seed) -> Self {
		SeedInfo {
			round: seed.round,
			signature: seed.signature,
			randomness: seed.randomness(),
		}
	}
}

/// How far an election is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "name")]
pub enum PhaseInfo {
	/// It waits for a seed.
	AwaitingSeed,
	/// Nodes come forward.
	Open {
		/// The seed's round.
		round: BlockNumber,
		/// The seed.
		seed: Hash,
		/// The root block at whose beginning it is decided.
		deadline: BlockNumber,
		/// How many elected nodes came forward.
		elected: u32,
	},
	/// The committee is on record, and gets ready.
	Recorded {
		/// The seed's round.
		round: BlockNumber,
		/// The root block at whose beginning the election is repeated if too few are ready.
		until: BlockNumber,
	},
	/// The committee takes over at the end of the epoch.
	Ready,
}

/// The election of a chain's next committee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ElectionInfo {
	/// The chain.
	pub chain: ChainId,
	/// The epoch that the committee is for.
	pub epoch: Epoch,
	/// How many elections for this epoch came to nothing before.
	pub attempt: u32,
	/// The root block that asked for it.
	pub signalled: BlockNumber,
	/// All nodes' weight then, in decimal.
	pub total: String,
	/// How many members are wanted.
	pub expected: u32,
	/// How far it is.
	pub phase: PhaseInfo,
	/// The members of the committee on record that are ready.
	pub ready: Vec<MemberId>,
}

/// The beacon's methods. `at` is a root block's hash or number, by default of the newest final one.
#[rpc(server, namespace = "beacon")]
pub trait BeaconRpc {
	/// The key that all seeds are signed with; `null` on a network without beacon.
	#[method(name = "groupKey", blocking)]
	fn group_key(&self, at: Option<Value>) -> RpcResult<Option<BlsPublic>>;

	/// The seed of a round, by default the newest; `null` if there is none, or it is not kept any more.
	#[method(name = "seed", blocking)]
	fn seed(&self, round: Option<Value>, at: Option<Value>) -> RpcResult<Option<SeedInfo>>;
}

/// The elections' methods. `at` is a root block's hash or number, by default of the newest final one.
#[rpc(server, namespace = "elections")]
pub trait ElectionsRpc {
	/// All elections that are under way.
	#[method(name = "all", blocking)]
	fn all(&self, at: Option<Value>) -> RpcResult<Vec<ElectionInfo>>;

	/// The newest election for a chain's next committee; `null` if there was none.
	#[method(name = "of", blocking)]
	fn of(&self, chain: Option<Value>, at: Option<Value>) -> RpcResult<Option<ElectionInfo>>;
}

/// Serves `beacon_*` and `elections_*`.
pub struct Elections<R>(Arc<R>);

impl<R> Clone for Elections<R> {
	fn clone(&self) -> Self {
		Elections(self.0.clone())
	}
}

impl<R> Elections<R>
where
	R: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock>,
	R::Api: ElectionsApi<OpaqueBlock>,
{
	/// From the root chain's client.
	pub fn new(root_client: Arc<R>) -> Self {
		Elections(root_client)
	}

	fn at(&self, at: Param) -> RpcResult<Hash> {
		match params::optional_block("at", at)? {
			Some(block) => block.hash("at", &*self.0),
			None => Ok(self.0.info().finalized_hash),
		}
	}

	fn info(&self, at: Hash, chain: ChainId, election: Election) -> RpcResult<ElectionInfo> {
		let api = self.0.runtime_api();
		let phase = match election.phase {
			Phase::AwaitingSeed => PhaseInfo::AwaitingSeed,
			Phase::Open {
				round,
				seed,
				deadline,
				..
			} => PhaseInfo::Open {
				round,
				seed,
				deadline,
				elected: api.elected(at, chain).map_err(error::api)?,
			},
			Phase::Recorded { round, until } => PhaseInfo::Recorded { round, until },
			Phase::Ready => PhaseInfo::Ready,
		};
		let ready = api.ready_members(at, chain).map_err(error::api)?;
		Ok(ElectionInfo {
			chain,
			epoch: election.epoch,
			attempt: election.attempt,
			signalled: election.signalled,
			total: election.total.to_string(),
			expected: election.expected,
			phase,
			ready: ready.into_iter().map(|(member, _)| member).collect(),
		})
	}
}

impl<R> BeaconRpcServer for Elections<R>
where
	R: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock> + Send + Sync + 'static,
	R::Api: BeaconApi<OpaqueBlock> + ElectionsApi<OpaqueBlock>,
{
	fn group_key(&self, at: Param) -> RpcResult<Option<BlsPublic>> {
		let at = self.at(at)?;
		self.0.runtime_api().group_key(at).map_err(error::api)
	}

	fn seed(&self, round: Param, at: Param) -> RpcResult<Option<SeedInfo>> {
		let api = self.0.runtime_api();
		let seed = match round {
			None | Some(Value::Null) => api.last_seed(self.at(at)?),
			given => {
				let round = params::number("round", given)?;
				api.seed(self.at(at)?, round)
			}
		};
		Ok(seed.map_err(error::api)?.map(SeedInfo::from))
	}
}

impl<R> ElectionsRpcServer for Elections<R>
where
	R: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock> + Send + Sync + 'static,
	R::Api: ElectionsApi<OpaqueBlock>,
{
	fn all(&self, at: Param) -> RpcResult<Vec<ElectionInfo>> {
		let at = self.at(at)?;
		let elections = self.0.runtime_api().elections(at).map_err(error::api)?;
		elections
			.into_iter()
			.map(|(chain, election)| self.info(at, chain, election))
			.collect()
	}

	fn of(&self, chain: Param, at: Param) -> RpcResult<Option<ElectionInfo>> {
		let chain = params::chain("chain", chain)?;
		let at = self.at(at)?;
		let election = self.0.runtime_api().election(at, chain).map_err(error::api)?;
		election
			.map(|election| self.info(at, chain, election))
			.transpose()
	}
}

#[cfg(test)]
mod tests {
	use crate::mock::{call, error_of, root_node, transaction_node};
	use asterism_primitives::{beacon::Seed, committee::BlsSignature, Hash};
	use serde_json::json;

	#[tokio::test]
	async fn seeds_are_told_with_their_round() {
		let (root, _) = root_node();
		let (tx, ..) = transaction_node();
		for module in [root, tx] {
			let key = call(&module, "beacon_groupKey", json!([])).await;
			assert_eq!(key, json!(format!("0x{}", "09".repeat(96))));
			let newest = call(&module, "beacon_seed", json!([])).await;
			let signature = BlsSignature([7; 48]);
			let seed = Seed { round: 7, signature };
			assert_eq!(
				newest,
				json!({ "round": 7, "signature": signature, "randomness": seed.randomness() })
			);
			assert_eq!(call(&module, "beacon_seed", json!([null])).await, newest);
			assert_eq!(call(&module, "beacon_seed", json!([3])).await["round"], json!(3));
			assert_eq!(call(&module, "beacon_seed", json!([99])).await, json!(null));
		}
	}

	#[tokio::test]
	async fn elections_are_told_with_how_far_they_are() {
		let (module, _) = root_node();
		let all = call(&module, "elections_all", json!([])).await;
		let expected = json!([
			{
				"chain": 0, "epoch": 1, "attempt": 0, "signalled": 5, "total": "18446744073709551616", "expected": 4,
				"phase": { "name": "open", "round": 6, "seed": Hash::repeat_byte(6), "deadline": 19, "elected": 3 },
				"ready": []
			},
			{
				"chain": 1, "epoch": 1, "attempt": 0, "signalled": 5, "total": "18446744073709551616", "expected": 4,
				"phase": { "name": "recorded", "round": 6, "until": 40 },
				"ready": [format!("0x{}", "01".repeat(32))]
			},
		]);
		assert_eq!(all, expected);
		assert_eq!(call(&module, "elections_of", json!([1])).await, expected[1]);
		assert_eq!(call(&module, "elections_of", json!([9])).await, json!(null));
	}

	#[tokio::test]
	async fn bad_parameters_are_refused_by_name() {
		let (module, _) = root_node();
		for (method, params, start) in [
			("beacon_seed", json!([-1]), "round: expected a block number"),
			(
				"beacon_seed",
				json!(["x".repeat(1_000_000)]),
				"round: expected a block number",
			),
			("beacon_seed", json!([1, []]), "at: expected a block's hash"),
			("beacon_groupKey", json!(["0x"]), "at: expected a block's hash"),
			("elections_of", json!([]), "chain: expected a chain id"),
			("elections_of", json!(["one"]), "chain: expected a chain id"),
			("elections_all", json!([true]), "at: expected a block's hash"),
		] {
			let (code, message) = error_of(&module, method, params).await;
			assert_eq!(code, -32602, "{method}: {message}");
			assert!(message.starts_with(start), "{method}: {message}");
			assert!(message.len() < 200);
		}
	}
}
