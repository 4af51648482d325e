//! JSON-RPC namespaces of Asterism, beside those of every Substrate node.
//!
//! # Overview
//!
//! | namespace | file | what it tells |
//! |---|---|---|
//! | `actors_*` | [`actors`] | actors, their code, storage and interfaces, and what a call would do |
//! | `consensus_*` | [`consensus`] | a block's certificate, the committee, epoch and round, evidence of conflicting votes |
//! | `messages_*` | [`messages`], [`trace`] | what became of a message, its proof, the state of a channel; a message and all that it caused |
//! | `composition_*` | [`composition`] | which actors fit together, pipelines, interfaces of actors |
//! | `beacon_*`, `elections_*` | [`elections`] | seeds of the random beacon, and how far elections of committees are |
//! | `network_*` | [`network`] | all chains, what they hold, what is in flight, how far this node has synced |
//!
//! State, chain, author, system, transaction pool, `chainHead`, `archive` and `transaction` come from `sc-service`;
//! [`root_full`] and [`transaction_full`] add `system_accountNextIndex` and the namespaces above.
//!
//! # Flow
//!
//! ```text
//!  user ──JSON──► params: bounded, named ──► runtime APIs of the chain's and the root chain's client ──► JSON
//! ```
//!
//! # Conventions
//!
//! - Amounts are decimal strings: they don't fit into the numbers of JavaScript. Nonces, heights and views are
//!   numbers; as parameters, decimal strings are taken too.
//! - What a parameter lacks is said with its name: `destination: expected a chain id (an integer from 0 to
//!   4294967295), got a string of 3 characters`. Codes of errors are in [`error`].
//! - What the root chain says is read at its final block, what a chain says of its actors at its best one, unless a parameter
//!   `at` names another one.
//!
//! # Assumptions
//!
//! Callers are hostile: no method writes, each answer is bounded by what the runtime keeps, and each runs on a
//! thread for blocking work, so that a slow one doesn't hold up the others.

pub mod actors;
pub mod composition;
pub mod consensus;
pub mod elections;
pub mod error;
pub mod messages;
pub mod network;
pub mod params;
pub mod trace;

#[cfg(test)]
mod mock;

pub use consensus::EvidenceSource;

use crate::{
	actors::{Actors, ActorsRpcServer},
	composition::{Composition, CompositionRpcServer},
	consensus::{Consensus, ConsensusRpcServer},
	elections::{BeaconRpcServer, Elections, ElectionsRpcServer},
	messages::{Channels, ChannelsRpcServer, Messages, MessagesRpcServer},
	network::{Network, NetworkRpcServer},
	trace::{TraceRpcServer, Tracers, Tracing},
};
use asterism_primitives::{
	api::{ActorsApi, CompositionApi, MessagesApi, RootApi},
	beacon::BeaconApi,
	digest::RootRef,
	election::ElectionsApi,
	AccountId, AccountNonce, BlockNumber, ChainId, Hash, OpaqueBlock,
};
use jsonrpsee::{core::RegisterMethodError, RpcModule};
use polkadot_sdk::{
	sc_client_api::BlockBackend,
	sc_rpc::dev::{Dev, DevApiServer},
	sc_transaction_pool_api::TransactionPool,
	sp_api::ProvideRuntimeApi,
	sp_block_builder::BlockBuilder,
	sp_blockchain::HeaderBackend,
	sp_consensus::SyncOracle,
	substrate_frame_rpc_system::{AccountNonceApi, System, SystemApiServer},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Tells whether a chain is syncing.
pub type Oracle = Arc<dyn SyncOracle + Send + Sync>;

/// Names a block in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockInfo {
	/// Its height.
	pub number: BlockNumber,
	/// Its hash.
	pub hash: Hash,
}

impl From<RootRef> for BlockInfo {
	fn from(RootRef { number, hash }: RootRef) -> Self {
		BlockInfo { number, hash }
	}
}

/// What a root node's namespaces need.
pub struct RootDeps<R, P> {
	/// The root chain's client.
	pub client: Arc<R>,
	/// Its transaction pool.
	pub pool: Arc<P>,
	/// Tells whether it is syncing.
	pub sync: Oracle,
	/// Evidence of conflicting votes on this chain.
	pub evidence: Arc<dyn EvidenceSource>,
}

/// What a transaction chain's namespaces need.
pub struct TransactionDeps<C, P, R> {
	/// The transaction chain.
	pub chain: ChainId,
	/// Its client.
	pub client: Arc<C>,
	/// Its transaction pool.
	pub pool: Arc<P>,
	/// Tells whether it is syncing.
	pub sync: Oracle,
	/// Evidence of conflicting votes on this chain.
	pub evidence: Arc<dyn EvidenceSource>,
	/// The root chain's client, in this process.
	pub root_client: Arc<R>,
	/// Tells whether the root chain is syncing.
	pub root_sync: Oracle,
	/// The transaction chains in this process, over which messages are traced.
	pub tracers: Tracers,
}

/// All that a root node adds to `sc-service`'s own methods.
///
/// # Errors
/// [`RegisterMethodError`] if two namespaces had a method of the same name.
pub fn root_full<R, P>(deps: RootDeps<R, P>) -> Result<RpcModule<()>, RegisterMethodError>
where
	R: ProvideRuntimeApi<OpaqueBlock>
		+ HeaderBackend<OpaqueBlock>
		+ BlockBackend<OpaqueBlock>
		+ Send
		+ Sync
		+ 'static,
	R::Api: RootApi<OpaqueBlock>
		+ BeaconApi<OpaqueBlock>
		+ ElectionsApi<OpaqueBlock>
		+ AccountNonceApi<OpaqueBlock, AccountId, AccountNonce>
		+ BlockBuilder<OpaqueBlock>,
	P: TransactionPool + 'static,
{
	let system = System::<_, _, OpaqueBlock>::new(deps.client.clone(), deps.pool);
	let dev = Dev::<OpaqueBlock, _>::new(deps.client.clone());
	let mut module = root_namespaces(deps.client, deps.sync, deps.evidence)?;
	module.merge(SystemApiServer::<Hash, AccountId, AccountNonce>::into_rpc(system))?;
	module.merge(DevApiServer::into_rpc(dev))?;
	Ok(module)
}

/// All that a transaction chain's node adds to `sc-service`'s own methods.
///
/// # Errors
/// [`RegisterMethodError`] if two namespaces had a method of the same name.
pub fn transaction_full<C, P, R>(deps: TransactionDeps<C, P, R>) -> Result<RpcModule<()>, RegisterMethodError>
where
	C: ProvideRuntimeApi<OpaqueBlock>
		+ HeaderBackend<OpaqueBlock>
		+ BlockBackend<OpaqueBlock>
		+ Send
		+ Sync
		+ 'static,
	C::Api: ActorsApi<OpaqueBlock>
		+ MessagesApi<OpaqueBlock>
		+ CompositionApi<OpaqueBlock>
		+ AccountNonceApi<OpaqueBlock, AccountId, AccountNonce>
		+ BlockBuilder<OpaqueBlock>,
	P: TransactionPool + 'static,
	R: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock> + Send + Sync + 'static,
	R::Api: RootApi<OpaqueBlock> + BeaconApi<OpaqueBlock> + ElectionsApi<OpaqueBlock>,
{
	let TransactionDeps {
		chain,
		client,
		pool,
		sync,
		evidence,
		root_client,
		root_sync,
		tracers,
	} = deps;
	let system = System::<_, _, OpaqueBlock>::new(client.clone(), pool);
	let dev = Dev::<OpaqueBlock, _>::new(client.clone());
	let mut module = transaction_namespaces(chain, client, sync, evidence, root_client, root_sync, tracers)?;
	module.merge(SystemApiServer::<Hash, AccountId, AccountNonce>::into_rpc(system))?;
	module.merge(DevApiServer::into_rpc(dev))?;
	Ok(module)
}

/// Our namespaces on a root node.
fn root_namespaces<R>(
	client: Arc<R>,
	sync: Oracle,
	evidence: Arc<dyn EvidenceSource>,
) -> Result<RpcModule<()>, RegisterMethodError>
where
	R: ProvideRuntimeApi<OpaqueBlock>
		+ HeaderBackend<OpaqueBlock>
		+ BlockBackend<OpaqueBlock>
		+ Send
		+ Sync
		+ 'static,
	R::Api: RootApi<OpaqueBlock> + BeaconApi<OpaqueBlock> + ElectionsApi<OpaqueBlock>,
{
	let mut module = RpcModule::new(());
	module.merge(Consensus::new(ChainId::ROOT, client.clone(), client.clone(), evidence).into_rpc())?;
	module.merge(Channels::new(client.clone()).into_rpc())?;
	merge_elections(&mut module, client.clone())?;
	module.merge(Network::<R, R>::root(client, sync).into_rpc())?;
	Ok(module)
}

/// Our namespaces on a transaction chain's node.
fn transaction_namespaces<C, R>(
	chain: ChainId,
	client: Arc<C>,
	sync: Oracle,
	evidence: Arc<dyn EvidenceSource>,
	root_client: Arc<R>,
	root_sync: Oracle,
	tracers: Tracers,
) -> Result<RpcModule<()>, RegisterMethodError>
where
	C: ProvideRuntimeApi<OpaqueBlock>
		+ HeaderBackend<OpaqueBlock>
		+ BlockBackend<OpaqueBlock>
		+ Send
		+ Sync
		+ 'static,
	C::Api: ActorsApi<OpaqueBlock> + MessagesApi<OpaqueBlock> + CompositionApi<OpaqueBlock>,
	R: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock> + Send + Sync + 'static,
	R::Api: RootApi<OpaqueBlock> + BeaconApi<OpaqueBlock> + ElectionsApi<OpaqueBlock>,
{
	let mut module = RpcModule::new(());
	module.merge(Consensus::new(chain, client.clone(), root_client.clone(), evidence).into_rpc())?;
	module.merge(Messages::new(chain, client.clone(), root_client.clone()).into_rpc())?;
	module.merge(Tracing::new(chain, tracers).into_rpc())?;
	module.merge(Actors::new(client.clone()).into_rpc())?;
	module.merge(Composition::new(client.clone()).into_rpc())?;
	module.merge(Channels::new(root_client.clone()).into_rpc())?;
	merge_elections(&mut module, root_client.clone())?;
	module.merge(Network::transaction(root_client, root_sync, client, sync).into_rpc())?;
	Ok(module)
}

/// What the root chain says of seeds and elections.
fn merge_elections<R>(module: &mut RpcModule<()>, root_client: Arc<R>) -> Result<(), RegisterMethodError>
where
	R: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock> + Send + Sync + 'static,
	R::Api: BeaconApi<OpaqueBlock> + ElectionsApi<OpaqueBlock>,
{
	let elections = Elections::new(root_client);
	module.merge(BeaconRpcServer::into_rpc(elections.clone()))?;
	module.merge(ElectionsRpcServer::into_rpc(elections))?;
	Ok(())
}
