//! The chains that run in this process.

use asterism_consensus::{
	evidence::{ConflictingCertificates, Evidence, EvidenceStore, RefusedBlock},
	keys::Keys,
};
use asterism_primitives::{
	api::ChainApi, Balance, BlockNumber, ChainId, CurrencyId, Hash, Header, OpaqueBlock,
};
use parking_lot::RwLock;
use polkadot_sdk::{sc_client_api::AuxStore, sp_api::ProvideRuntimeApi, sp_blockchain::HeaderBackend};
use std::{collections::BTreeMap, sync::Arc};

/// How far a chain is here.
pub trait Progress: Send + Sync {
	/// The height of its newest final block.
	fn finalized(&self) -> BlockNumber;
	/// The hash of its final block of this height; `None` if it has not come so far, or can't be read.
	fn final_hash(&self, number: BlockNumber) -> Option<Hash>;
	/// What it had issued after the block with this hash; `None` if the block's state is not there.
	fn issued(&self, at: Hash) -> Option<Vec<(CurrencyId, Balance)>>;
	/// The header of an imported block, final or not; `None` if it is not here.
	fn header_of(&self, hash: Hash) -> Option<Header>;
}

/// The progress of a chain's client.
pub struct ClientProgress<C>(Arc<C>);

impl<C> ClientProgress<C> {
	/// Of this client.
	pub fn new(client: Arc<C>) -> Self {
		ClientProgress(client)
	}
}

impl<C> Progress for ClientProgress<C>
where
	C: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock> + Send + Sync,
	C::Api: ChainApi<OpaqueBlock>,
{
	fn finalized(&self) -> BlockNumber {
		self.0.info().finalized_number
	}

	fn final_hash(&self, number: BlockNumber) -> Option<Hash> {
		if number > self.0.info().finalized_number {
			return None;
		}
		self.0.hash(number).ok().flatten()
	}

	fn issued(&self, at: Hash) -> Option<Vec<(CurrencyId, Balance)>> {
		self.0.runtime_api().issuance(at).ok()
	}

	fn header_of(&self, hash: Hash) -> Option<Header> {
		self.0.header(hash).ok().flatten()
	}
}

/// Where the evidence against members of a chain's committees is kept.
pub trait EvidenceSource: Send + Sync {
	/// All that is kept, oldest first. What is once in it stays at its place.
	fn evidence(&self) -> Vec<Evidence>;

	/// All pairs of certificates that are kept, oldest first. None, unless the source keeps such.
	fn certificates(&self) -> Vec<ConflictingCertificates> {
		Vec::new()
	}

	/// All blocks that are kept as they were made final and are refused here, oldest first. None, unless the source keeps such.
	fn refused(&self) -> Vec<RefusedBlock> {
		Vec::new()
	}
}

impl<A: AuxStore + Send + Sync> EvidenceSource for EvidenceStore<A> {
	fn certificates(&self) -> Vec<ConflictingCertificates> {
		EvidenceStore::certificates(self)
	}

	fn refused(&self) -> Vec<RefusedBlock> {
		EvidenceStore::refused(self)
	}

	fn evidence(&self) -> Vec<Evidence> {
		self.all()
	}
}

/// A chain whose committees' engines run in this process.
#[derive(Clone)]
pub struct Served {
	/// How far it is.
	pub progress: Arc<dyn Progress>,
	/// The keys that it serves with.
	pub keys: Keys,
	/// The evidence that its engines and its import queue have found.
	pub evidence: Arc<dyn EvidenceSource>,
}

/// What is known of a chain here.
#[derive(Clone)]
pub enum Serving {
	/// It doesn't run in this process, or serves no committee.
	No,
	/// It will, and has not started yet.
	Soon,
	/// It does.
	Yes(Served),
}

/// The chains that this process serves: the root chain or a transaction chain, or all with `--network`. Clones share their content.
#[derive(Clone, Default)]
pub struct ServedChains(Arc<RwLock<BTreeMap<ChainId, Option<Served>>>>);

impl ServedChains {
	/// With the chains that will start, as far as they will serve committees.
	pub fn new(expected: impl IntoIterator<Item = ChainId>) -> Self {
		let chains = expected.into_iter().map(|chain| (chain, None));
		ServedChains(Arc::new(RwLock::new(chains.collect())))
	}

	/// A chain has started.
	pub fn insert(&self, chain: ChainId, served: Served) {
		self.0.write().insert(chain, Some(served));
	}

	/// A chain runs here, and serves no committee.
	pub fn follows(&self, chain: ChainId) {
		self.0.write().remove(&chain);
	}

	/// What is known of a chain here.
	pub fn get(&self, chain: ChainId) -> Serving {
		match self.0.read().get(&chain) {
			None => Serving::No,
			Some(None) => Serving::Soon,
			Some(Some(served)) => Serving::Yes(served.clone()),
		}
	}

	/// The chains that run, in ascending order.
	pub fn running(&self) -> Vec<(ChainId, Served)> {
		let chains = self.0.read();
		chains
			.iter()
			.filter_map(|(chain, served)| Some((*chain, served.clone()?)))
			.collect()
	}
}
