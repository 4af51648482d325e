//! The public board: the root chain's state at its newest final block, and the pool.

use asterism_primitives::{
	api::RootApi,
	beacon::{Attempt, BeaconApi, Resharing, Seed, Sharing},
	committee::{BlsPublic, Epoch, MemberId},
	BlockNumber, ChainId, Hash, OpaqueBlock,
};
use async_trait::async_trait;
use polkadot_sdk::{
	sc_transaction_pool_api::{error::IntoPoolError, TransactionPool, TransactionSource},
	sp_api::{ApiError, ProvideRuntimeApi},
	sp_blockchain::HeaderBackend,
	sp_runtime::OpaqueExtrinsic,
};
use std::sync::Arc;

/// The board can't be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BoardError(pub String);

impl From<ApiError> for BoardError {
	fn from(error: ApiError) -> Self {
		BoardError(format!("root chain's runtime API: {error}"))
	}
}

/// What the board says at one final block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
	/// That block's height.
	pub finalized: BlockNumber,
	/// The root chain's epoch.
	pub epoch: Epoch,
	/// The group key; `None` on a network without beacon.
	pub group_key: Option<BlsPublic>,
	/// The newest seed on chain.
	pub last_seed: Option<Seed>,
	/// The sharing of this epoch.
	pub current: Option<Sharing>,
	/// The sharing of the next epoch, once it is adopted.
	pub next: Option<Sharing>,
	/// The attempt that is under way.
	pub resharing: Option<Resharing>,
}

/// The board. All reading is at a block that is final, so it never takes anything back.
#[async_trait]
pub trait Board: Send + Sync {
	/// What it says now.
	///
	/// # Errors
	/// [`BoardError`].
	fn view(&self) -> Result<View, BoardError>;
	/// The sharing of an epoch, while it is kept.
	///
	/// # Errors
	/// [`BoardError`].
	fn sharing(&self, epoch: Epoch) -> Result<Option<Sharing>, BoardError>;
	/// The published output of that sharing.
	///
	/// # Errors
	/// [`BoardError`].
	fn output(&self, epoch: Epoch) -> Result<Option<Vec<u8>>, BoardError>;
	/// The logs of an attempt, while they are kept.
	///
	/// # Errors
	/// [`BoardError`].
	fn logs(&self, attempt: Attempt) -> Result<Vec<(MemberId, Vec<u8>)>, BoardError>;
	/// Submits a dealer's log, with its signature over the log's statement.
	///
	/// # Errors
	/// [`BoardError`] if the pool refuses it.
	async fn post_log(
		&self,
		attempt: Attempt,
		dealer: MemberId,
		log: Vec<u8>,
		signature: [u8; 64],
	) -> Result<(), BoardError>;
	/// Submits the output of an adopted sharing.
	///
	/// # Errors
	/// [`BoardError`] if the pool refuses it.
	async fn publish_output(&self, epoch: Epoch, output: Vec<u8>) -> Result<(), BoardError>;
}

/// The board of a root client and its pool.
pub struct ClientBoard<C, P> {
	client: Arc<C>,
	pool: Arc<P>,
}

impl<C, P> ClientBoard<C, P>
where
	C: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock>,
	P: TransactionPool<Block = OpaqueBlock>,
{
	/// The board as this client sees it.
	pub fn new(client: Arc<C>, pool: Arc<P>) -> Self {
		ClientBoard { client, pool }
	}

	fn at(&self) -> Hash {
		self.client.info().finalized_hash
	}

	async fn submit(&self, extrinsic: Option<OpaqueExtrinsic>) -> Result<(), BoardError> {
		let extrinsic = extrinsic.ok_or_else(|| BoardError("the runtime makes no such extrinsic".into()))?;
		// Against the newest block: the attempt may have gone on since the final one.
		let at = self.client.info().best_hash;
		match self
			.pool
			.submit_one(at, TransactionSource::Local, extrinsic)
			.await
		{
			Ok(_) => Ok(()),
			Err(error) => Err(BoardError(match error.into_pool_error() {
				Ok(error) => format!("root pool: {error}"),
				Err(error) => format!("root pool: {error}"),
			})),
		}
	}
}

#[async_trait]
impl<C, P> Board for ClientBoard<C, P>
where
	C: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock> + Send + Sync,
	C::Api: BeaconApi<OpaqueBlock> + RootApi<OpaqueBlock>,
	P: TransactionPool<Block = OpaqueBlock>,
{
	fn view(&self) -> Result<View, BoardError> {
		let info = self.client.info();
		let at = info.finalized_hash;
		let api = self.client.runtime_api();
		let epoch = api.epoch(at, ChainId::ROOT)?.unwrap_or_default();
		let next = match epoch.checked_add(1) {
			Some(next) => api.sharing(at, next)?,
			None => None,
		};
		Ok(View {
			finalized: info.finalized_number,
			epoch,
			group_key: api.group_key(at)?,
			last_seed: api.last_seed(at)?,
			current: api.sharing(at, epoch)?,
			next,
			resharing: api.resharing(at)?,
		})
	}

	fn sharing(&self, epoch: Epoch) -> Result<Option<Sharing>, BoardError> {
		Ok(self.client.runtime_api().sharing(self.at(), epoch)?)
	}

	fn output(&self, epoch: Epoch) -> Result<Option<Vec<u8>>, BoardError> {
		Ok(self.client.runtime_api().sharing_output(self.at(), epoch)?)
	}

	fn logs(&self, attempt: Attempt) -> Result<Vec<(MemberId, Vec<u8>)>, BoardError> {
		Ok(self.client.runtime_api().dealer_logs(self.at(), attempt)?)
	}

	async fn post_log(
		&self,
		attempt: Attempt,
		dealer: MemberId,
		log: Vec<u8>,
		signature: [u8; 64],
	) -> Result<(), BoardError> {
		let extrinsic =
			self.client
				.runtime_api()
				.log_extrinsic(self.at(), attempt, dealer, log, signature)?;
		self.submit(extrinsic).await
	}

	async fn publish_output(&self, epoch: Epoch, output: Vec<u8>) -> Result<(), BoardError> {
		let extrinsic = self
			.client
			.runtime_api()
			.output_extrinsic(self.at(), epoch, output)?;
		self.submit(extrinsic).await
	}
}
