//! `network_*`: the chains of the network, as the root chain sees them.

use crate::{
	error,
	params::{self, Param},
	BlockInfo, Oracle,
};
use asterism_primitives::{
	api::{ChainRecord, RootApi},
	committee::Epoch,
	ChainId, ChainParameters, CurrencyId, Hash, OpaqueBlock,
};
use jsonrpsee::{core::RpcResult, proc_macros::rpc};
use polkadot_sdk::{sp_api::ProvideRuntimeApi, sp_blockchain::HeaderBackend};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

/// A transaction chain on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChainInfo {
	/// Its id.
	pub chain: ChainId,
	/// The hash of its genesis block.
	pub genesis: Hash,
	/// Its parameters.
	pub parameters: ChainParameters,
	/// Its current epoch.
	pub epoch: Epoch,
	/// Its newest checkpointed block.
	pub head: BlockInfo,
}

/// What a chain holds of a currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Holding {
	/// The chain.
	pub chain: ChainId,
	/// The currency.
	pub currency: CurrencyId,
	/// How much, in the currency's smallest unit, in decimal.
	pub amount: String,
}

/// What is on its way between two chains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InFlightInfo {
	/// The chain it left.
	pub from: ChainId,
	/// The chain it goes to.
	pub to: ChainId,
	/// The currency.
	pub currency: CurrencyId,
	/// How much, in the currency's smallest unit, in decimal.
	pub amount: String,
}

/// How far one chain has synced here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChainSync {
	/// The newest block.
	pub best: BlockInfo,
	/// The newest final block.
	pub finalized: BlockInfo,
	/// Whether this node is far behind its peers.
	pub syncing: bool,
}

/// How far this node has synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SyncState {
	/// The root chain.
	pub root: ChainSync,
	/// This node's transaction chain; `null` on a root node.
	pub chain: Option<ChainSync>,
}

/// The methods. `at` is a root block's hash or number, by default of the newest final one.
#[rpc(server, namespace = "network")]
pub trait NetworkRpc {
	/// All transaction chains.
	#[method(name = "chains", blocking)]
	fn chains(&self, at: Option<Value>) -> RpcResult<Vec<ChainInfo>>;

	/// What each chain holds of each currency. With `network_inFlight` at the same root block it sums up to the
	/// issuance.
	#[method(name = "holdings", blocking)]
	fn holdings(&self, at: Option<Value>) -> RpcResult<Vec<Holding>>;

	/// What has left a chain and not arrived at another.
	#[method(name = "inFlight", blocking)]
	fn in_flight(&self, at: Option<Value>) -> RpcResult<Vec<InFlightInfo>>;

	/// The newest checkpointed block of a chain.
	#[method(name = "head", blocking)]
	fn head(&self, chain: Option<Value>, at: Option<Value>) -> RpcResult<BlockInfo>;

	/// How far this node has synced.
	#[method(name = "syncState", blocking)]
	fn sync_state(&self) -> RpcResult<SyncState>;
}

/// Serves `network_*`.
pub struct Network<R, C> {
	root_client: Arc<R>,
	root_sync: Oracle,
	chain: Option<(Arc<C>, Oracle)>,
}

impl<R, C> Network<R, C> {
	/// On a root node.
	pub fn root(root_client: Arc<R>, root_sync: Oracle) -> Self {
		Network {
			root_client,
			root_sync,
			chain: None,
		}
	}

	/// On a transaction chain's node.
	pub fn transaction(root_client: Arc<R>, root_sync: Oracle, client: Arc<C>, sync: Oracle) -> Self {
		Network {
			root_client,
			root_sync,
			chain: Some((client, sync)),
		}
	}
}

impl<R, C> Network<R, C>
where
	R: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock>,
	R::Api: RootApi<OpaqueBlock>,
{
	fn at(&self, at: Param) -> RpcResult<Hash> {
		match params::optional_block("at", at)? {
			Some(block) => block.hash("at", &*self.root_client),
			None => Ok(self.root_client.info().finalized_hash),
		}
	}

	fn record(&self, at: Hash, chain: ChainId) -> RpcResult<Option<ChainRecord>> {
		self.root_client
			.runtime_api()
			.chain(at, chain)
			.map_err(error::api)
	}
}

fn sync_of<C: HeaderBackend<OpaqueBlock>>(client: &C, oracle: &Oracle) -> ChainSync {
	let info = client.info();
	ChainSync {
		best: BlockInfo {
			number: info.best_number,
			hash: info.best_hash,
		},
		finalized: BlockInfo {
			number: info.finalized_number,
			hash: info.finalized_hash,
		},
		syncing: oracle.is_major_syncing(),
	}
}

impl<R, C> NetworkRpcServer for Network<R, C>
where
	R: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock> + Send + Sync + 'static,
	R::Api: RootApi<OpaqueBlock>,
	C: HeaderBackend<OpaqueBlock> + 'static,
{
	fn chains(&self, at: Param) -> RpcResult<Vec<ChainInfo>> {
		let at = self.at(at)?;
		let mut chains = Vec::new();
		for chain in self.root_client.runtime_api().chains(at).map_err(error::api)? {
			if let Some(ChainRecord {
				genesis,
				parameters,
				epoch,
				head,
			}) = self.record(at, chain)?
			{
				chains.push(ChainInfo {
					chain,
					genesis,
					parameters,
					epoch,
					head: head.into(),
				});
			}
		}
		Ok(chains)
	}

	fn holdings(&self, at: Param) -> RpcResult<Vec<Holding>> {
		let holdings = self
			.root_client
			.runtime_api()
			.holdings(self.at(at)?)
			.map_err(error::api)?;
		let holding = |(chain, currency, amount): (_, _, u128)| Holding {
			chain,
			currency,
			amount: amount.to_string(),
		};
		Ok(holdings.into_iter().map(holding).collect())
	}

	fn in_flight(&self, at: Param) -> RpcResult<Vec<InFlightInfo>> {
		let in_flight = self
			.root_client
			.runtime_api()
			.in_flight(self.at(at)?)
			.map_err(error::api)?;
		Ok(in_flight
			.into_iter()
			.map(|flow| InFlightInfo {
				from: flow.from,
				to: flow.to,
				currency: flow.currency,
				amount: flow.amount.to_string(),
			})
			.collect())
	}

	fn head(&self, chain: Param, at: Param) -> RpcResult<BlockInfo> {
		let chain = params::chain("chain", chain)?;
		let at = self.at(at)?;
		let record = self
			.record(at, chain)?
			.ok_or_else(|| error::unknown_chain("chain", chain))?;
		Ok(record.head.into())
	}

	fn sync_state(&self) -> RpcResult<SyncState> {
		Ok(SyncState {
			root: sync_of(&*self.root_client, &self.root_sync),
			chain: self
				.chain
				.as_ref()
				.map(|(client, oracle)| sync_of(&**client, oracle)),
		})
	}
}

#[cfg(test)]
mod tests {
	use crate::mock::{call, error_of, root_node, transaction_node};
	use asterism_primitives::Hash;
	use serde_json::json;

	#[tokio::test]
	async fn both_kinds_of_node_know_the_network() {
		let (tx, ..) = transaction_node();
		let (root, _) = root_node();
		for module in [tx, root] {
			let chains = call(&module, "network_chains", json!([])).await;
			assert_eq!(chains.as_array().unwrap().len(), 2);
			let head = json!({ "number": 5, "hash": Hash::repeat_byte(5) });
			assert_eq!(chains[0]["chain"], json!(1));
			assert_eq!(
				chains[0]["parameters"],
				json!({ "blockInterval": 1000, "epochLength": 0, "committeeSize": 4 })
			);
			assert_eq!(chains[0]["head"], head);
			assert_eq!(call(&module, "network_head", json!([1])).await, head);
			assert_eq!(
				call(&module, "network_head", json!({ "chain": 1, "at": 1 })).await,
				head
			);
		}
	}

	#[tokio::test]
	async fn amounts_are_decimal_strings() {
		let (module, _) = root_node();
		let max = u128::MAX.to_string();
		let holdings = call(&module, "network_holdings", json!([])).await;
		assert_eq!(holdings[1], json!({ "chain": 2, "currency": 0, "amount": max }));
		let in_flight = call(&module, "network_inFlight", json!([1])).await;
		assert_eq!(
			in_flight,
			json!([{ "from": 1, "to": 2, "currency": 0, "amount": "9007199254740993" }])
		);
	}

	#[tokio::test]
	async fn the_sync_state_tells_root_and_chain() {
		let (module, client, root_client) = transaction_node();
		let state = call(&module, "network_syncState", json!([])).await;
		assert_eq!(
			state["root"]["finalized"],
			json!({ "number": 2, "hash": root_client.at(2) })
		);
		assert_eq!(
			state["chain"]["best"],
			json!({ "number": 3, "hash": client.at(3) })
		);
		assert_eq!(
			(&state["root"]["syncing"], &state["chain"]["syncing"]),
			(&json!(false), &json!(true))
		);
		let (module, _) = root_node();
		assert_eq!(
			call(&module, "network_syncState", json!([])).await["chain"],
			json!(null)
		);
	}

	#[tokio::test]
	async fn bad_parameters_are_refused_by_name() {
		let (module, _) = root_node();
		for (method, params, code, start) in [
			("network_head", json!([]), -32602, "chain: expected a chain id"),
			(
				"network_head",
				json!([1, "0x"]),
				-32602,
				"at: expected a block's hash",
			),
			(
				"network_head",
				json!([1, 99]),
				crate::error::UNKNOWN_BLOCK,
				"at: this node has no such block",
			),
			(
				"network_head",
				json!([9]),
				crate::error::UNKNOWN_CHAIN,
				"chain: the root chain has no chain 9",
			),
			(
				"network_holdings",
				json!([[]]),
				-32602,
				"at: expected a block's hash",
			),
			(
				"network_inFlight",
				json!(["f".repeat(1_000_000)]),
				-32602,
				"at: expected a block's hash",
			),
			(
				"network_chains",
				json!([true]),
				-32602,
				"at: expected a block's hash",
			),
		] {
			let (got, message) = error_of(&module, method, params).await;
			assert_eq!(got, code, "{method}: {message}");
			assert!(message.starts_with(start), "{method}: {message}");
			assert!(message.len() < 200);
		}
	}
}
