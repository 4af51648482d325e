//! Blocks that come as final ones and displace others.

use super::*;

/// Imports blocks. One that is final at once and displaces the best block is made final in a second step: in between, what holds
/// waiting transactions takes back those of the displaced blocks, whose bodies are gone after it.
///
/// After a crash between the two steps the block is there with its certificate, and final with a descendant.
pub(super) struct Displacing<C, B> {
	pub inner: BoxBlockImport<OpaqueBlock>,
	pub client: Arc<C>,
	pub follow: Follow,
	pub backend: PhantomData<fn() -> B>,
}

impl<C: HeaderBackend<OpaqueBlock>, B> Displacing<C, B> {
	/// Whether a block that is not imported yet becomes the best one in place of a block that it is not built upon.
	fn displaces(&self, header: &Header) -> bool {
		let info = self.client.info();
		if header.parent_hash == info.best_hash {
			return false;
		}
		// What doesn't extend the final chain is refused at once; one that far above it is not seen.
		let (mut number, mut hash) = (header.number.saturating_sub(1), header.parent_hash);
		for _ in 0..MAX_UNCERTIFIED {
			if number <= info.finalized_number {
				break;
			}
			match self.client.header(hash) {
				Ok(Some(parent)) => (number, hash) = (parent.number.saturating_sub(1), parent.parent_hash),
				_ => return false,
			}
		}
		(number, hash) == (info.finalized_number, info.finalized_hash)
	}
}

#[async_trait]
impl<C, B> BlockImport<OpaqueBlock> for Displacing<C, B>
where
	C: HeaderBackend<OpaqueBlock> + Finalizer<OpaqueBlock, B> + 'static,
	B: Backend<OpaqueBlock> + 'static,
{
	type Error = ConsensusError;

	async fn check_block(
		&self,
		block: BlockCheckParams<OpaqueBlock>,
	) -> Result<ImportResult, ConsensusError> {
		self.inner.check_block(block).await
	}

	async fn import_block(
		&self,
		mut block: BlockImportParams<OpaqueBlock>,
	) -> Result<ImportResult, ConsensusError> {
		if !block.finalized || block.with_state() || !self.displaces(&block.header) {
			return self.inner.import_block(block).await;
		}
		let hash = block.post_hash();
		let certificate = block
			.justifications
			.clone()
			.and_then(|j| j.into_justification(ENGINE_ID));
		block.finalized = false;
		block.fork_choice = Some(ForkChoiceStrategy::Custom(true));
		let result = self.inner.import_block(block).await?;
		if let ImportResult::Imported(_) = result {
			(self.follow)(hash).await;
			self.client
				.finalize_block(hash, certificate.map(|bytes| (ENGINE_ID, bytes)), true)
				.map_err(|error| ConsensusError::ClientImport(error.to_string()))?;
		}
		Ok(result)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use asterism_primitives::Hash;
	use futures::FutureExt;
	use parking_lot::Mutex;
	use polkadot_sdk::{
		sc_client_api::{in_mem, ClientImportOperation},
		sp_blockchain::{self, BlockStatus, Info},
		sp_runtime::Justification,
	};
	use std::collections::HashMap;

	type Memory = in_mem::Backend<OpaqueBlock>;

	/// What happens to a block, in order.
	#[derive(Debug, PartialEq, Eq)]
	enum Step {
		Imported { is_final: bool, has_certificate: bool },
		Followed,
		Finalized { has_certificate: bool },
	}

	/// A client with these blocks, of which block 1 is final.
	struct Client {
		headers: HashMap<Hash, Header>,
		best: Header,
		finalized: Header,
		steps: Arc<Mutex<Vec<Step>>>,
	}

	impl HeaderBackend<OpaqueBlock> for Client {
		fn header(&self, hash: Hash) -> sp_blockchain::Result<Option<Header>> {
			Ok(self.headers.get(&hash).cloned())
		}

		fn info(&self) -> Info<OpaqueBlock> {
			Info {
				best_hash: self.best.hash(),
				best_number: self.best.number,
				genesis_hash: Hash::zero(),
				finalized_hash: self.finalized.hash(),
				finalized_number: self.finalized.number,
				finalized_state: None,
				number_leaves: 1,
				block_gap: None,
			}
		}

		fn status(&self, _: Hash) -> sp_blockchain::Result<BlockStatus> {
			Ok(BlockStatus::Unknown)
		}

		fn number(&self, _: Hash) -> sp_blockchain::Result<Option<BlockNumber>> {
			Ok(None)
		}

		fn hash(&self, _: BlockNumber) -> sp_blockchain::Result<Option<Hash>> {
			Ok(None)
		}
	}

	impl Finalizer<OpaqueBlock, Memory> for Client {
		fn apply_finality(
			&self,
			_: &mut ClientImportOperation<OpaqueBlock, Memory>,
			_: Hash,
			_: Option<Justification>,
			_: bool,
		) -> sp_blockchain::Result<()> {
			panic!("blocks are made final by themselves")
		}

		fn finalize_block(
			&self,
			_: Hash,
			justification: Option<Justification>,
			_: bool,
		) -> sp_blockchain::Result<()> {
			let has_certificate = justification.is_some();
			self.steps.lock().push(Step::Finalized { has_certificate });
			Ok(())
		}
	}

	/// Imports everything.
	struct Takes(Arc<Mutex<Vec<Step>>>);

	#[async_trait]
	impl BlockImport<OpaqueBlock> for Takes {
		type Error = ConsensusError;

		async fn check_block(
			&self,
			_: BlockCheckParams<OpaqueBlock>,
		) -> Result<ImportResult, ConsensusError> {
			Ok(ImportResult::imported(false))
		}

		async fn import_block(
			&self,
			block: BlockImportParams<OpaqueBlock>,
		) -> Result<ImportResult, ConsensusError> {
			self.0.lock().push(Step::Imported {
				is_final: block.finalized,
				has_certificate: block.justifications.is_some(),
			});
			Ok(ImportResult::imported(true))
		}
	}

	fn upon(parent: &Header, salt: u8) -> Header {
		Header::new(
			parent.number + 1,
			Hash::repeat_byte(salt),
			Hash::zero(),
			parent.hash(),
			Default::default(),
		)
	}

	#[tokio::test]
	async fn displaced_transactions_are_taken_back_before_a_block_is_final() {
		let genesis = Header::new(0, Hash::zero(), Hash::zero(), Hash::zero(), Default::default());
		let finalized = upon(&genesis, 1);
		let (ours, theirs) = (upon(&finalized, 2), upon(&finalized, 3));
		let other_chain = upon(&genesis, 4);
		let steps = Arc::new(Mutex::new(Vec::new()));
		let followed = steps.clone();
		let known = [&genesis, &finalized, &ours, &theirs, &other_chain];
		let import = Displacing {
			inner: Box::new(Takes(steps.clone())),
			client: Arc::new(Client {
				headers: known.map(|header| (header.hash(), header.clone())).into(),
				best: ours.clone(),
				finalized: finalized.clone(),
				steps: steps.clone(),
			}),
			follow: Box::new(move |_| {
				followed.lock().push(Step::Followed);
				async {}.boxed()
			}),
			backend: PhantomData,
		};
		let at_once = |is_final| {
			vec![Step::Imported {
				is_final,
				has_certificate: true,
			}]
		};
		let in_two_steps = || {
			vec![
				Step::Imported {
					is_final: false,
					has_certificate: true,
				},
				Step::Followed,
				Step::Finalized {
					has_certificate: true,
				},
			]
		};
		let unknown = upon(&upon(&theirs, 6), 7);
		for (header, is_final, expected) in [
			// A sibling of the best block, and one above a sibling.
			(upon(&finalized, 5), true, in_two_steps()),
			(upon(&theirs, 5), true, in_two_steps()),
			// Built upon the best block; not final at once.
			(upon(&ours, 5), true, at_once(true)),
			(upon(&theirs, 5), false, at_once(false)),
			// Not upon the final block, or upon who knows what: the client says what is wrong.
			(upon(&other_chain, 5), true, at_once(true)),
			(upon(&genesis, 5), true, at_once(true)),
			(unknown, true, at_once(true)),
		] {
			let mut block = BlockImportParams::new(BlockOrigin::NetworkBroadcast, header.clone());
			block.finalized = is_final;
			block.justifications = Some((ENGINE_ID, vec![1]).into());
			import.import_block(block).await.unwrap();
			assert_eq!(std::mem::take(&mut *steps.lock()), expected, "{header:?}");
		}
	}
}
