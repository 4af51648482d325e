//! What the application asks of the chain it serves: a small trait, so that the protocol runs over a real client
//! and over a simulated one.

use asterism_primitives::{
	certificate::{Certificate, Round},
	BlockNumber, Hash, Header, OpaqueBlock,
};
use async_trait::async_trait;
use std::time::Duration;

/// The chain can't do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct ChainError(pub String);

/// What a member thinks of a proposed block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
	/// It may be voted for, once it has executed.
	Valid,
	/// This can't be told yet, for the given reason: ask again.
	Unknown(String),
	/// It must never be voted for, for the given reason.
	Invalid(String),
}

/// A chain with blocks to build, verify, import and finalize.
#[async_trait]
pub trait Chain: Send + Sync + 'static {
	/// The header of an imported block.
	fn header(&self, hash: Hash) -> Option<Header>;

	/// An imported block, while its body is kept.
	fn block(&self, hash: Hash) -> Option<OpaqueBlock>;

	/// The newest final block.
	fn finalized(&self) -> (BlockNumber, Hash);

	/// The time of an imported block in milliseconds since the Unix epoch; 0 for genesis.
	///
	/// # Errors
	/// [`ChainError`] if its state is gone.
	fn timestamp(&self, hash: Hash) -> Result<u64, ChainError>;

	/// Builds a block for a round upon an imported parent, within `deadline`, and imports it.
	///
	/// # Errors
	/// [`ChainError`].
	async fn build(
		&self,
		parent: &Header,
		round: Round,
		deadline: Duration,
	) -> Result<OpaqueBlock, ChainError>;

	/// Judges what execution doesn't: inherents against the own clock, references to other chains against own
	/// clients.
	async fn check(&self, parent: &Header, block: &OpaqueBlock) -> Verdict;

	/// Executes and imports a block upon an imported parent.
	///
	/// # Errors
	/// [`ChainError`] if it does not execute to the state that its header claims.
	async fn import(&self, block: OpaqueBlock) -> Result<(), ChainError>;

	/// Makes an imported block and its ancestors final, and keeps its certificate as justification.
	///
	/// # Errors
	/// [`ChainError`].
	fn finalize(&self, hash: Hash, certificate: Option<Certificate>) -> Result<(), ChainError>;
}
