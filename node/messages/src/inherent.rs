//! What a leader brings into its block from the root chain and from other chains.
//!
//! # Specification
//!
//! For a block upon parent P, with F the newest final root block that this node knows:
//! - If F is older than the root block that P has seen, there is no inherent data: the chain's view never goes back.
//! - The deliveries are those of the pool that [`select_all`] chooses, as far as F's state has their anchors.
//! - The root view is F's header, with the list of chains, the anchors of these deliveries and the channel records of the
//!   destinations that P has not seen everything acknowledged by, all proved by nodes of F's state trie.
//! - If F is the block that P has seen and there is nothing to deliver, there is no inherent data either.

use crate::{
	pool::DeliveryPool,
	select::{select_all, Offer, BLOCK_BUDGET},
	LOG_TARGET,
};
use asterism_primitives::{
	api::{MessagesApi, RootApi},
	digest::MAX_PEERS,
	inherents::{Deliveries, RootViewData, DELIVERIES, ROOT_VIEW},
	root_state::{anchor_key, chains_key, channel_key, ready_key},
	BlockNumber, ChainId, Hash, OpaqueBlock,
};
use polkadot_sdk::{
	sc_client_api::ProofProvider,
	sp_api::{ApiError, ProvideRuntimeApi},
	sp_blockchain::{Error as ClientError, HeaderBackend},
	sp_inherents::{Error, InherentData, InherentDataProvider, InherentIdentifier},
};
use std::{collections::BTreeSet, sync::Arc};

/// Why inherent data can't be made.
#[derive(Debug, thiserror::Error)]
pub enum InherentError {
	/// A runtime failed.
	#[error("runtime API: {0}")]
	Api(#[from] ApiError),
	/// A client failed.
	#[error("client: {0}")]
	Client(#[from] ClientError),
	/// The parent is not in the chain's database.
	#[error("parent block {0:?} is unknown")]
	UnknownParent(Hash),
}

/// Makes the inherent data of `chain`'s block upon `parent`; `None` if there is nothing new to bring in.
///
/// # Errors
/// [`InherentError`] if one of the clients can't be read.
pub fn inherent_data<C, R>(
	parent: Hash,
	chain: ChainId,
	client: &C,
	root_client: &R,
	pool: &DeliveryPool,
) -> Result<Option<(RootViewData, Deliveries)>, InherentError>
where
	C: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock>,
	C::Api: MessagesApi<OpaqueBlock>,
	R: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock> + ProofProvider<OpaqueBlock>,
	R::Api: RootApi<OpaqueBlock>,
{
	let root = root_client.info().finalized_hash;
	let header = root_client.expect_header(root)?;
	let api = client.runtime_api();
	// The root chain's genesis has nothing to tell.
	let seen = api.root_view(parent)?.map_or(0, |view| view.number);
	if header.number < seen {
		return Ok(None);
	}
	let number = client
		.number(parent)?
		.ok_or(InherentError::UnknownParent(parent))?;

	let mut offers = Vec::new();
	for source in pool.sources() {
		offers.push(Offer {
			source,
			expected: api.expected(parent, source)?,
			room: api.delivery_room(parent, source)?,
			available: pool.available(source),
		});
	}
	let root_api = root_client.runtime_api();
	let mut deliveries = Deliveries::new();
	let mut anchors: Vec<(ChainId, BlockNumber)> = Vec::new();
	let mut cut = BTreeSet::new();
	for (source, item) in select_all(&offers, BLOCK_BUDGET, number) {
		if cut.contains(&source) {
			continue;
		}
		let verified = pool.get(source, item.batch.first_nonce);
		let anchor = root_api.anchor(root, source, item.number)?;
		match (verified, anchor) {
			(Some(verified), Some(anchor)) if anchor.outbox_root == verified.outbox_root => {
				anchors.push((source, item.number));
				deliveries.push(verified.delivery);
			}
			// Without this batch, later ones of the source would leave a gap.
			_ => {
				cut.insert(source);
			}
		}
	}
	if header.number == seen && deliveries.is_empty() {
		return Ok(None);
	}

	let mut acknowledgements = api.unacknowledged(parent)?;
	acknowledgements.sort_unstable();
	acknowledgements.dedup();
	acknowledgements.truncate(MAX_PEERS as usize);
	let keys: Vec<Vec<u8>> = anchors
		.iter()
		.map(|(source, number)| anchor_key(*source, *number))
		.chain(
			acknowledgements
				.iter()
				.map(|destination| channel_key(chain, *destination)),
		)
		.chain([chains_key(), ready_key(chain)])
		.collect();
	let proof = root_client
		.read_proof(root, &mut keys.iter().map(Vec::as_slice))?
		.into_iter_nodes()
		.collect();
	Ok(Some((
		RootViewData {
			header,
			anchors,
			acknowledgements,
			proof,
		},
		deliveries,
	)))
}

/// Makes a [`CourierInherentDataProvider`] for each block that a node of a chain proposes.
pub struct CourierInherents<C, R> {
	chain: ChainId,
	client: Arc<C>,
	root_client: Arc<R>,
	pool: DeliveryPool,
}

impl<C, R> Clone for CourierInherents<C, R> {
	fn clone(&self) -> Self {
		CourierInherents {
			chain: self.chain,
			client: self.client.clone(),
			root_client: self.root_client.clone(),
			pool: self.pool.clone(),
		}
	}
}

impl<C, R> CourierInherents<C, R>
where
	C: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock>,
	C::Api: MessagesApi<OpaqueBlock>,
	R: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock> + ProofProvider<OpaqueBlock>,
	R::Api: RootApi<OpaqueBlock>,
{
	/// For a chain, its client, the root client in this process and the pool that the courier fills.
	pub fn new(chain: ChainId, client: Arc<C>, root_client: Arc<R>, pool: DeliveryPool) -> Self {
		CourierInherents {
			chain,
			client,
			root_client,
			pool,
		}
	}

	/// The inherent data of the block upon `parent`. If it can't be made, that is logged, and the block has none:
	/// it is valid without, and the next leader brings in what is missing.
	pub fn at(&self, parent: Hash) -> CourierInherentDataProvider {
		let data = inherent_data(parent, self.chain, &*self.client, &*self.root_client, &self.pool);
		CourierInherentDataProvider(data.unwrap_or_else(|error| {
			log::warn!(target: LOG_TARGET, "chain {}: no root view in this block: {error}", self.chain);
			None
		}))
	}
}

/// Puts a root view and deliveries into a block's inherent data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CourierInherentDataProvider(pub Option<(RootViewData, Deliveries)>);

#[async_trait::async_trait]
impl InherentDataProvider for CourierInherentDataProvider {
	async fn provide_inherent_data(&self, data: &mut InherentData) -> Result<(), Error> {
		if let Some((view, deliveries)) = &self.0 {
			data.put_data(ROOT_VIEW, view)?;
			if !deliveries.is_empty() {
				data.put_data(DELIVERIES, deliveries)?;
			}
		}
		Ok(())
	}

	async fn try_handle_error(&self, id: &InherentIdentifier, _: &[u8]) -> Option<Result<(), Error>> {
		// The pallets never refuse a block for what is or isn't in it: a voter checks the root reference itself.
		(*id == ROOT_VIEW || *id == DELIVERIES).then_some(Ok(()))
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		mock::{outbox, MockChain, MockRoot, B},
		pool::Verified,
	};
	use asterism_primitives::{
		digest::RootRef,
		protocol::channel::Batch,
		root_state::{Anchor, ChainIds, ChannelRecord},
		Hashing, Nonce,
	};
	use codec::DecodeAll;
	use polkadot_sdk::sp_trie::{read_trie_value, LayoutV1, StorageProof};

	const A: ChainId = ChainId(1);
	const D: ChainId = ChainId(4);

	struct World {
		root: MockRoot,
		chain: MockChain,
		pool: DeliveryPool,
	}

	fn world() -> World {
		World {
			root: MockRoot::default(),
			chain: MockChain::default(),
			pool: DeliveryPool::default(),
		}
	}

	impl World {
		/// A batch in the pool, anchored at the root chain.
		fn delivery(&self, source: ChainId, number: BlockNumber, first_nonce: Nonce, count: u32) {
			let (outbox_root, delivery) = outbox(source, number, first_nonce, count);
			self.root.anchor(source, number, outbox_root);
			let batch = Batch { first_nonce, count };
			self.pool.insert(Verified {
				batch,
				outbox_root,
				delivery,
			});
		}
		fn data(&self) -> Option<(RootViewData, Deliveries)> {
			inherent_data(self.chain.parent(), B, &self.chain, &self.root, &self.pool).unwrap()
		}
	}

	/// Reads all that a root view proves, as the runtime does.
	fn read(view: &RootViewData) -> (Vec<ChainId>, Vec<Anchor>, Vec<ChannelRecord>) {
		let db = StorageProof::new(view.proof.iter().cloned()).into_memory_db::<Hashing>();
		let value = |key: Vec<u8>| {
			read_trie_value::<LayoutV1<Hashing>, _>(&db, &view.header.state_root, &key, None, None)
				.unwrap()
				.unwrap()
		};
		let chains = ChainIds::decode_all(&mut &value(chains_key())[..]).unwrap();
		let anchors = view
			.anchors
			.iter()
			.map(|(c, n)| Anchor::decode_all(&mut &value(anchor_key(*c, *n))[..]).unwrap());
		let records = view
			.acknowledgements
			.iter()
			.map(|c| ChannelRecord::decode_all(&mut &value(channel_key(B, *c))[..]).unwrap());
		(chains.into_iter().collect(), anchors.collect(), records.collect())
	}

	#[test]
	fn deliveries_come_with_proofs_of_their_anchors_and_acknowledgements() {
		let world = world();
		world.delivery(A, 3, 0, 2);
		world.delivery(A, 5, 2, 1);
		world.delivery(D, 9, 7, 4);
		world.chain.expect(D, 7);
		world.chain.unacknowledged(&[D]);
		world.root.acknowledge(B, D, 33);
		world.root.finalize(12);
		let (view, deliveries) = world.data().unwrap();
		assert_eq!(view.header.number, 12);
		assert_eq!(view.anchors, [(A, 3), (A, 5), (D, 9)]);
		assert_eq!(
			deliveries
				.iter()
				.map(|d| (d.source, d.number))
				.collect::<Vec<_>>(),
			view.anchors
		);
		let (chains, anchors, records) = read(&view);
		assert_eq!(chains, [A, B, D]);
		for (anchor, delivery) in anchors.iter().zip(&deliveries) {
			assert!(delivery.verify(B, anchor.outbox_root).is_ok());
		}
		assert_eq!(records[0].acknowledged, 33);
	}

	#[test]
	fn the_view_never_goes_back_and_is_left_out_without_news() {
		let world = world();
		world.root.finalize(12);
		let seen = |number| {
			world.chain.see(RootRef {
				number,
				hash: Hash::zero(),
			})
		};
		seen(13);
		world.delivery(A, 3, 0, 2);
		world.root.finalize(12);
		assert_eq!(world.data(), None);
		// The same root block again is worth it only for more deliveries.
		seen(12);
		assert_eq!(world.data().unwrap().1.len(), 1);
		world.chain.expect(A, 2);
		assert_eq!(world.data(), None);
		seen(11);
		let (view, deliveries) = world.data().unwrap();
		assert_eq!((view.anchors.len(), deliveries.len()), (0, 0));
		// Which chains there are is proved in any case.
		assert_eq!(read(&view), (vec![A, B, D], vec![], vec![]));
	}

	#[test]
	fn genesis_is_no_news() {
		let world = world();
		world.root.finalize(0);
		assert_eq!(world.data(), None);
	}

	#[test]
	fn a_batch_without_its_anchor_and_all_after_it_wait() {
		let world = world();
		for (number, first) in [(3, 0), (4, 1), (5, 2)] {
			world.delivery(A, number, first, 1);
		}
		world.delivery(D, 9, 0, 1);
		world.root.forget_anchor(A, 4);
		world.root.finalize(12);
		assert_eq!(world.data().unwrap().0.anchors, [(A, 3), (D, 9)]);
		// Nor is another one good enough.
		world.root.anchor(A, 4, Hash::repeat_byte(0xaa));
		world.root.finalize(13);
		assert_eq!(world.data().unwrap().0.anchors, [(A, 3), (D, 9)]);
	}

	#[test]
	fn room_and_budget_bound_a_block() {
		let world = world();
		for i in 0..5 {
			world.delivery(A, 10 + i, u64::from(i) * 200, 200);
			world.delivery(D, 10 + i, u64::from(i) * 100, 100);
		}
		world.root.finalize(12);
		world.chain.room(D, 150);
		let count = |deliveries: &Deliveries| deliveries.iter().map(|d| d.messages.len()).sum::<usize>();
		assert_eq!(count(&world.data().unwrap().1), 500);
		world.chain.room(A, 0);
		assert_eq!(count(&world.data().unwrap().1), 100);
	}

	#[test]
	fn an_unknown_parent_is_an_error() {
		let world = world();
		let result = inherent_data(Hash::repeat_byte(0xcc), B, &world.chain, &world.root, &world.pool);
		assert!(matches!(result, Err(InherentError::UnknownParent(_))));
	}

	#[tokio::test]
	async fn the_provider_fills_inherent_data() {
		let world = world();
		world.delivery(A, 3, 0, 2);
		world.root.finalize(12);
		let parent = world.chain.parent();
		let (root, chain, pool) = (Arc::new(world.root), Arc::new(world.chain), world.pool);
		let provider = CourierInherents::new(B, chain, root, pool).at(parent);
		let data = provider.create_inherent_data().await.unwrap();
		let (view, deliveries) = provider.0.clone().unwrap();
		assert_eq!(data.get_data::<RootViewData>(&ROOT_VIEW).unwrap(), Some(view));
		assert_eq!(
			data.get_data::<Deliveries>(&DELIVERIES).unwrap(),
			Some(deliveries)
		);
		let empty = CourierInherentDataProvider::default()
			.create_inherent_data()
			.await
			.unwrap();
		assert_eq!(empty.len(), 0);
		assert!(provider.try_handle_error(&ROOT_VIEW, &[]).await.is_some());
		assert!(provider.try_handle_error(b"timstap0", &[]).await.is_none());
	}
}
