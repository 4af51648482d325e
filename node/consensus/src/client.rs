//! A Substrate client as the [`Chain`] of consensus.

use crate::{
	chain::{already_final, Chain, ChainError, Follow, Verdict},
	evidence::MAX_HEADER_BYTES,
	import::is_blocks_fault,
};
use asterism_primitives::{
	api::ChainApi,
	certificate::{Certificate, Round, ENGINE_ID},
	digest, BlockNumber, Hash, Header, OpaqueBlock,
};
use async_trait::async_trait;
use codec::Encode;
use futures::StreamExt;
use parking_lot::Mutex;
use polkadot_sdk::{
	sc_client_api::{Backend, BlockBackend, BlockchainEvents, Finalizer},
	sc_consensus::{
		BlockImport, BlockImportParams, ForkChoiceStrategy, ImportResult, StateAction, StorageChanges,
	},
	sp_api::{ApiExt, ProvideRuntimeApi},
	sp_block_builder::BlockBuilder,
	sp_blockchain::{BlockStatus, HeaderBackend},
	sp_consensus::{BlockOrigin, Environment, Error as ConsensusError, ProposeArgs, Proposer},
	sp_inherents::InherentData,
	sp_runtime::{traits::Block as BlockT, Digest, Justifications},
	sp_timestamp,
};
use std::{
	collections::{BTreeMap, VecDeque},
	marker::PhantomData,
	sync::Arc,
	time::Duration,
};

/// How many headers of refused blocks are remembered, the newest: a view has one block to refuse, and a committee that agrees on
/// it does so soon.
const MAX_REFUSED: usize = 16;

/// What differs between the two tiers: the inherents of a block beside its time, and what a proposal refers to.
#[async_trait]
pub trait Tier: Send + Sync + 'static {
	/// Adds the inherent data of a block upon `parent`.
	///
	/// # Errors
	/// Why there can be none.
	async fn provide(&self, parent: Hash, data: &mut InherentData) -> Result<(), String>;

	/// Judges what a proposal says of other chains.
	fn check(&self, parent: &Header, header: &Header) -> Verdict;
}

/// The headers of the newest blocks that were refused for what they are.
#[derive(Default)]
struct Refused(VecDeque<(Hash, Header)>);

impl Refused {
	fn insert(&mut self, header: Header) {
		let hash = header.hash();
		if header.encoded_size() > MAX_HEADER_BYTES || self.get(hash).is_some() {
			return;
		}
		if self.0.len() >= MAX_REFUSED {
			self.0.pop_front();
		}
		self.0.push_back((hash, header));
	}

	fn get(&self, hash: Hash) -> Option<&Header> {
		let found = self.0.iter().find(|(of, _)| *of == hash);
		found.map(|(_, header)| header)
	}
}

/// Heights above the newest final block, and whether more than one block was imported there.
#[derive(Default)]
struct Heights(BTreeMap<BlockNumber, (Hash, bool)>);

impl Heights {
	/// A block was imported.
	fn insert(&mut self, number: BlockNumber, hash: Hash) {
		let (first, contested) = self.0.entry(number).or_insert((hash, false));
		*contested |= *first != hash;
	}

	/// Forgets what a final block of this height settles: whether that displaces a block.
	fn settle(&mut self, number: BlockNumber) -> bool {
		let above = self.0.split_off(&number.saturating_add(1));
		let settled = std::mem::replace(&mut self.0, above);
		settled.into_values().any(|(_, contested)| contested)
	}
}

/// A Substrate client, block builder and tier as one chain.
pub struct ClientChain<C, B, E, T> {
	client: Arc<C>,
	proposers: Mutex<E>,
	tier: T,
	follow: Follow,
	refused: Mutex<Refused>,
	heights: Mutex<Heights>,
	_backend: PhantomData<fn() -> B>,
}

impl<C, B, E, T> ClientChain<C, B, E, T> {
	/// The chain of a client, and what has transactions wait for its blocks.
	pub fn new(client: Arc<C>, proposers: E, tier: T, follow: Follow) -> Self {
		ClientChain {
			client,
			proposers: Mutex::new(proposers),
			tier,
			follow,
			refused: Mutex::default(),
			heights: Mutex::default(),
			_backend: PhantomData,
		}
	}
}

fn error(e: impl std::fmt::Display) -> ChainError {
	ChainError(e.to_string())
}

/// Puts blocking work, like executing a block, where it holds no other task up.
async fn blocking<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> Result<R, ChainError> {
	tokio::task::spawn_blocking(work).await.map_err(error)
}

impl<C, B, E, T> ClientChain<C, B, E, T>
where
	C: BlockImport<OpaqueBlock, Error = ConsensusError> + Send + Sync + 'static,
	for<'a> &'a C: BlockImport<OpaqueBlock, Error = ConsensusError>,
{
	async fn import_params(&self, params: BlockImportParams<OpaqueBlock>) -> Result<(), ChainError> {
		let (client, header) = (self.client.clone(), params.header.clone());
		let (number, hash) = (header.number, header.hash());
		let result = blocking(move || futures::executor::block_on(client.import_block(params))).await?;
		if result.as_ref().is_err_and(is_blocks_fault) {
			self.refused.lock().insert(header);
		}
		match result.map_err(error)? {
			ImportResult::Imported(_) | ImportResult::AlreadyInChain => {
				self.heights.lock().insert(number, hash);
				Ok(())
			}
			other => Err(ChainError(format!("not imported: {other:?}"))),
		}
	}
}

#[async_trait]
impl<C, B, E, T> Chain for ClientChain<C, B, E, T>
where
	C: ProvideRuntimeApi<OpaqueBlock>
		+ HeaderBackend<OpaqueBlock>
		+ BlockBackend<OpaqueBlock>
		+ BlockchainEvents<OpaqueBlock>
		+ BlockImport<OpaqueBlock, Error = ConsensusError>
		+ Finalizer<OpaqueBlock, B>
		+ Send
		+ Sync
		+ 'static,
	for<'a> &'a C: BlockImport<OpaqueBlock, Error = ConsensusError>,
	C::Api: ChainApi<OpaqueBlock> + BlockBuilder<OpaqueBlock> + ApiExt<OpaqueBlock>,
	B: Backend<OpaqueBlock> + 'static,
	E: Environment<OpaqueBlock> + Send + 'static,
	E::Proposer: Proposer<OpaqueBlock>,
	T: Tier,
{
	fn header(&self, hash: Hash) -> Option<Header> {
		match self.client.status(hash) {
			Ok(BlockStatus::InChain) => self.client.header(hash).ok().flatten(),
			_ => None,
		}
	}

	fn block(&self, hash: Hash) -> Option<OpaqueBlock> {
		self.client.block(hash).ok().flatten().map(|signed| signed.block)
	}

	fn finalized(&self) -> (BlockNumber, Hash) {
		let info = self.client.info();
		(info.finalized_number, info.finalized_hash)
	}

	fn final_hash(&self, number: BlockNumber) -> Result<Option<Hash>, ChainError> {
		// Up to the newest final block, the client's canonical chain is the final one.
		self.client.hash(number).map_err(error)
	}

	fn justifications(&self, hash: Hash) -> Option<Justifications> {
		self.client.justifications(hash).ok().flatten()
	}

	async fn finality(&self) {
		let mut notifications = self.client.finality_notification_stream();
		notifications.next().await;
	}

	fn timestamp(&self, hash: Hash) -> Result<u64, ChainError> {
		self.client.runtime_api().timestamp(hash).map_err(error)
	}

	async fn build(
		&self,
		parent: &Header,
		round: Round,
		deadline: Duration,
	) -> Result<OpaqueBlock, ChainError> {
		let parent_hash = parent.hash();
		let mut data = InherentData::new();
		let time = sp_timestamp::Timestamp::current();
		data.put_data(sp_timestamp::INHERENT_IDENTIFIER, &time)
			.map_err(error)?;
		self.tier
			.provide(parent_hash, &mut data)
			.await
			.map_err(ChainError)?;

		let creation = self.proposers.lock().init(parent);
		let proposer = creation.await.map_err(error)?;
		let args = ProposeArgs {
			inherent_data: data,
			inherent_digests: Digest {
				logs: vec![digest::round_item(round)],
			},
			max_duration: deadline,
			..Default::default()
		};
		let proposal = proposer.propose(args).await.map_err(error)?;

		let (header, body) = proposal.block.clone().deconstruct();
		let mut params = BlockImportParams::new(BlockOrigin::Own, header);
		params.body = Some(body);
		params.state_action = StateAction::ApplyChanges(StorageChanges::Changes(proposal.storage_changes));
		params.fork_choice = Some(ForkChoiceStrategy::LongestChain);
		self.import_params(params).await?;
		Ok(proposal.block)
	}

	async fn check(&self, parent: &Header, block: &OpaqueBlock) -> Verdict {
		match self.tier.check(parent, block.header()) {
			Verdict::Valid => {}
			other => return other,
		}
		let mut data = InherentData::new();
		let time = sp_timestamp::Timestamp::current();
		if let Err(e) = data.put_data(sp_timestamp::INHERENT_IDENTIFIER, &time) {
			return Verdict::Unknown(e.to_string());
		}
		let (client, block, parent_hash) = (self.client.clone(), block.clone(), parent.hash());
		let checked = blocking(move || {
			client
				.runtime_api()
				.check_inherents(parent_hash, block.into(), data)
		})
		.await;
		let result = match checked {
			Ok(Ok(result)) => result,
			// The runtime may fail on a malformed block, and on a missing state: neither is to be voted for.
			Ok(Err(e)) => return Verdict::Invalid(format!("its inherents can't be checked: {e}")),
			Err(e) => return Verdict::Unknown(e.to_string()),
		};
		if result.ok() {
			return Verdict::Valid;
		}
		let Some((identifier, bytes)) = result.into_errors().next() else {
			return Verdict::Invalid("its inherents are wrong".into());
		};
		match sp_timestamp::InherentError::try_from(&identifier, &bytes) {
			// Its time comes.
			Some(sp_timestamp::InherentError::TooFarInFuture) => {
				Verdict::Unknown("its time is in the future".into())
			}
			Some(e) => Verdict::Invalid(e.to_string()),
			None => Verdict::Invalid(format!(
				"inherent {} is wrong",
				String::from_utf8_lossy(&identifier)
			)),
		}
	}

	async fn import(&self, block: OpaqueBlock) -> Result<(), ChainError> {
		let (header, body) = block.deconstruct();
		let mut params = BlockImportParams::new(BlockOrigin::ConsensusBroadcast, header);
		params.body = Some(body);
		params.state_action = StateAction::Execute;
		params.fork_choice = Some(ForkChoiceStrategy::LongestChain);
		self.import_params(params).await
	}

	fn refused(&self, hash: Hash) -> Option<Header> {
		self.refused.lock().get(hash).cloned()
	}

	async fn before_final(&self, hash: Hash) {
		let Ok(Some(number)) = self.client.number(hash) else {
			return;
		};
		if !self.heights.lock().settle(number) {
			return;
		}
		let best = match self.client.hash(number) {
			Ok(canonical) if canonical == Some(hash) => self.client.info().best_hash,
			_ => hash,
		};
		(self.follow)(best).await;
	}

	fn finalize(&self, hash: Hash, certificate: Option<Certificate>) -> Result<(), ChainError> {
		let number = self.client.number(hash).map_err(error)?;
		let is_final = || match number {
			Some(number) => already_final((number, hash), self.client.info().finalized_number, |number| {
				self.final_hash(number)
			}),
			None => Ok(false),
		};
		if is_final()? {
			return Ok(());
		}
		let justification = certificate.map(|c| (ENGINE_ID, c.encode()));
		match self.client.finalize_block(hash, justification, true) {
			Ok(()) => Ok(()),
			// Sync may have made it final in the meantime, by itself or with a descendant.
			Err(_) if is_final()? => Ok(()),
			Err(e) => Err(error(e)),
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use polkadot_sdk::sp_runtime::DigestItem;

	fn header(number: BlockNumber) -> Header {
		let zero = Hash::zero();
		Header {
			parent_hash: zero,
			number,
			state_root: zero,
			extrinsics_root: zero,
			digest: Default::default(),
		}
	}

	#[test]
	fn a_final_block_displaces_what_was_imported_beside_it_or_below() {
		let hash = |n| Hash::repeat_byte(n);
		let mut heights = Heights::default();
		for (number, of) in [
			(1, 1),
			(1, 1),
			(2, 2),
			(3, 3),
			(3, 30),
			(4, 4),
			(5, 50),
			(5, 5),
			(5, 50),
		] {
			heights.insert(number, hash(of));
		}
		assert!(!heights.settle(2));
		assert!(heights.settle(4));
		assert!(!heights.settle(4));
		assert!(heights.settle(BlockNumber::MAX));
		assert!(heights.0.is_empty());
	}

	#[test]
	fn the_newest_refused_blocks_are_remembered() {
		let mut refused = Refused::default();
		let mut large = header(0);
		large.digest.push(DigestItem::Other(vec![0; MAX_HEADER_BYTES]));
		refused.insert(large);
		assert!(refused.0.is_empty());
		for number in 0..3 * MAX_REFUSED as BlockNumber {
			for _ in 0..2 {
				refused.insert(header(number));
			}
			assert!(refused.0.len() <= MAX_REFUSED);
			assert_eq!(refused.get(header(number).hash()), Some(&header(number)));
		}
		assert_eq!(refused.0.len(), MAX_REFUSED);
		assert_eq!(refused.get(header(0).hash()), None);
	}
}
