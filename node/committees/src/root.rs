//! The root chain: its state at the newest final block, and its pool.

use crate::attempts::Outcome;
use asterism_checkpoints::RootPool;
use asterism_primitives::{
	api::RootApi,
	beacon::{BeaconApi, SharingId},
	committee::{Committee, Epoch, MemberId},
	digest::RootRef,
	election::{Candidacy, Claim, Election, ElectionsApi, Readiness},
	offence::{Evidence, MisconductApi},
	AccountId, Balance, BlockNumber, ChainId, CurrencyId, Hash, OpaqueBlock,
};
use async_trait::async_trait;
use polkadot_sdk::{
	sp_api::{ApiError, ProvideRuntimeApi},
	sp_blockchain::HeaderBackend,
	sp_consensus::SyncOracle,
};
use std::sync::Arc;

/// The root chain's state can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("root chain's runtime API: {0}")]
pub struct RootError(pub String);

impl From<ApiError> for RootError {
	fn from(error: ApiError) -> Self {
		RootError(error.to_string())
	}
}

/// How far the root chain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
	/// Whether it is far behind its network: what its state says is old then.
	pub syncing: bool,
	/// The newest final block.
	pub finalized: RootRef,
	/// The number of the next block, the first that a submission may get into.
	pub next: BlockNumber,
}

/// What goes into the pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submission {
	/// A claim.
	Claim(Claim),
	/// A word of readiness, signed.
	Ready(Readiness, [u8; 64]),
	/// A report of evidence, and who gets the reward.
	Report(Box<Evidence>, Option<AccountId>),
}

/// The root chain. All reading is at a block that is final, `at`, so nothing is taken back.
#[async_trait]
pub trait RootChain: Send + Sync {
	/// The hash of its genesis block.
	fn genesis(&self) -> Hash;
	/// How far it is.
	fn position(&self) -> Position;
	/// See [`ElectionsApi`].
	///
	/// # Errors
	/// [`RootError`]; as with all that follow.
	fn elections(&self, at: Hash) -> Result<Vec<(ChainId, Election)>, RootError>;
	/// See [`ElectionsApi`].
	fn operator(&self, at: Hash, identity: MemberId) -> Result<Option<AccountId>, RootError>;
	/// See [`ElectionsApi`].
	fn candidacy(
		&self,
		at: Hash,
		chain: ChainId,
		operator: AccountId,
	) -> Result<Option<Candidacy>, RootError>;
	/// See [`ElectionsApi`].
	fn elected(&self, at: Hash, chain: ChainId) -> Result<u32, RootError>;
	/// See [`ElectionsApi`].
	fn ready_members(
		&self,
		at: Hash,
		chain: ChainId,
	) -> Result<Vec<(MemberId, Option<SharingId>)>, RootError>;
	/// See [`RootApi`].
	fn committee(&self, at: Hash, chain: ChainId, epoch: Epoch) -> Result<Option<Committee>, RootError>;
	/// The newest block of a transaction chain on record.
	fn head(&self, at: Hash, chain: ChainId) -> Result<Option<RootRef>, RootError>;
	/// What a transaction chain holds.
	fn holdings(&self, at: Hash, chain: ChainId) -> Result<Vec<(CurrencyId, Balance)>, RootError>;
	/// The attempt that the next root committee of `epoch` needs a share of: `None` if it needs none, `Some(None)` if none is
	/// under way.
	fn attempt(&self, at: Hash, epoch: Epoch) -> Result<Option<Option<u64>>, RootError>;
	/// See [`MisconductApi`].
	fn is_convicted(&self, at: Hash, chain: ChainId, epoch: Epoch, member: u32) -> Result<bool, RootError>;
	/// Submits to the pool, upon the newest block.
	async fn submit(&self, submission: Submission) -> Outcome;
}

/// The root chain of a client, its pool, and what tells whether it is syncing.
pub struct ClientRoot<C, P, S> {
	client: Arc<C>,
	pool: Arc<P>,
	sync: S,
}

impl<C, P, S> ClientRoot<C, P, S> {
	/// Of these.
	pub fn new(client: Arc<C>, pool: Arc<P>, sync: S) -> Self {
		ClientRoot { client, pool, sync }
	}
}

#[async_trait]
impl<C, P, S> RootChain for ClientRoot<C, P, S>
where
	C: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock> + Send + Sync,
	C::Api: RootApi<OpaqueBlock>
		+ ElectionsApi<OpaqueBlock>
		+ BeaconApi<OpaqueBlock>
		+ MisconductApi<OpaqueBlock>,
	P: RootPool,
	S: SyncOracle + Send + Sync,
{
	fn genesis(&self) -> Hash {
		self.client.info().genesis_hash
	}

	fn position(&self) -> Position {
		let info = self.client.info();
		Position {
			syncing: self.sync.is_major_syncing(),
			finalized: RootRef {
				number: info.finalized_number,
				hash: info.finalized_hash,
			},
			next: info.best_number.max(info.finalized_number).saturating_add(1),
		}
	}

	fn elections(&self, at: Hash) -> Result<Vec<(ChainId, Election)>, RootError> {
		Ok(self.client.runtime_api().elections(at)?)
	}

	fn operator(&self, at: Hash, identity: MemberId) -> Result<Option<AccountId>, RootError> {
		Ok(self.client.runtime_api().operator(at, identity)?)
	}

	fn candidacy(
		&self,
		at: Hash,
		chain: ChainId,
		operator: AccountId,
	) -> Result<Option<Candidacy>, RootError> {
		Ok(self.client.runtime_api().candidacy(at, chain, operator)?)
	}

	fn elected(&self, at: Hash, chain: ChainId) -> Result<u32, RootError> {
		Ok(self.client.runtime_api().elected(at, chain)?)
	}

	fn ready_members(
		&self,
		at: Hash,
		chain: ChainId,
	) -> Result<Vec<(MemberId, Option<SharingId>)>, RootError> {
		Ok(self.client.runtime_api().ready_members(at, chain)?)
	}

	fn committee(&self, at: Hash, chain: ChainId, epoch: Epoch) -> Result<Option<Committee>, RootError> {
		Ok(self.client.runtime_api().committee(at, chain, epoch)?)
	}

	fn head(&self, at: Hash, chain: ChainId) -> Result<Option<RootRef>, RootError> {
		let record = self.client.runtime_api().chain(at, chain)?;
		Ok(record.map(|record| record.head))
	}

	fn holdings(&self, at: Hash, chain: ChainId) -> Result<Vec<(CurrencyId, Balance)>, RootError> {
		let all = self.client.runtime_api().holdings(at)?.into_iter();
		Ok(all
			.filter(|(holder, ..)| *holder == chain)
			.map(|(_, currency, amount)| (currency, amount))
			.collect())
	}

	fn attempt(&self, at: Hash, epoch: Epoch) -> Result<Option<Option<u64>>, RootError> {
		let api = self.client.runtime_api();
		if api.group_key(at)?.is_none() || api.sharing(at, epoch)?.is_some() {
			return Ok(None);
		}
		let resharing = api.resharing(at)?.filter(|resharing| resharing.epoch == epoch);
		Ok(Some(resharing.map(|resharing| resharing.attempt)))
	}

	fn is_convicted(&self, at: Hash, chain: ChainId, epoch: Epoch, member: u32) -> Result<bool, RootError> {
		Ok(self.client.runtime_api().is_convicted(at, chain, epoch, member)?)
	}

	async fn submit(&self, submission: Submission) -> Outcome {
		let at = self.client.info().best_hash;
		let extrinsic = {
			let api = self.client.runtime_api();
			match submission {
				Submission::Claim(claim) => api.claim_extrinsic(at, claim),
				Submission::Ready(readiness, signature) => api.ready_extrinsic(at, readiness, signature),
				Submission::Report(evidence, reporter) => api.report_extrinsic(at, *evidence, reporter),
			}
		};
		match extrinsic {
			Ok(extrinsic) => self.pool.submit(at, extrinsic).await.into(),
			Err(error) => Outcome::Failed(RootError::from(error).to_string()),
		}
	}
}
