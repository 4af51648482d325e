//! Deliveries from chains that run in this process.

use asterism_primitives::{api::MessagesApi, message::Delivery, BlockNumber, ChainId, OpaqueBlock};
use parking_lot::RwLock;
use polkadot_sdk::{
	sp_api::{ApiError, ProvideRuntimeApi},
	sp_blockchain::HeaderBackend,
};
use std::{collections::BTreeMap, sync::Arc};

/// Why a source can't say what it has.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
	/// The runtime failed.
	#[error("the source chain's runtime API failed: {0}")]
	Api(#[from] ApiError),
}

/// Something that reads a chain's deliveries.
pub trait DeliverySource: Send + Sync {
	/// The batch that block `number` sent to `destination`; `None` if it sent none, or it is not final here yet, or
	/// acknowledged already.
	///
	/// # Errors
	/// [`SourceError`] if the chain can't be read.
	fn delivery(&self, number: BlockNumber, destination: ChainId) -> Result<Option<Delivery>, SourceError>;
}

/// A chain that is read through its client, at its final block.
pub struct ClientSource<C>(Arc<C>);

impl<C> ClientSource<C> {
	/// A source that reads from this client.
	pub fn new(client: Arc<C>) -> Self {
		ClientSource(client)
	}
}

impl<C> DeliverySource for ClientSource<C>
where
	C: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock>,
	C::Api: MessagesApi<OpaqueBlock>,
{
	fn delivery(&self, number: BlockNumber, destination: ChainId) -> Result<Option<Delivery>, SourceError> {
		let info = self.0.info();
		if number > info.finalized_number {
			return Ok(None);
		}
		Ok(self
			.0
			.runtime_api()
			.delivery(info.finalized_hash, destination, number)?)
	}
}

/// The transaction chains that run in this process: usually one, all of them with `--dev`. Clones share their
/// content.
#[derive(Clone, Default)]
pub struct LocalSources(Arc<RwLock<BTreeMap<ChainId, Arc<dyn DeliverySource>>>>);

impl LocalSources {
	/// Adds a chain, or replaces it.
	pub fn insert(&self, chain: ChainId, source: Arc<dyn DeliverySource>) {
		self.0.write().insert(chain, source);
	}

	/// A chain's source, if it runs here.
	pub fn get(&self, chain: ChainId) -> Option<Arc<dyn DeliverySource>> {
		self.0.read().get(&chain).cloned()
	}

	/// The chains, in ascending order.
	pub fn chains(&self) -> Vec<ChainId> {
		self.0.read().keys().copied().collect()
	}
}
