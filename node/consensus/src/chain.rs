//! What the application asks of the chain it serves: a small trait, so that the protocol runs over a real client
//! and over a simulated one.

use asterism_primitives::{
	certificate::{Certificate, Round},
	BlockNumber, Hash, Header, OpaqueBlock,
};
use async_trait::async_trait;
use futures::future::BoxFuture;
use polkadot_sdk::sp_runtime::Justifications;
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

/// Whether a block is final already: whether it is the one that is final at its height. `finalized` is the number of
/// the newest final block, `final_hash` tells the final block of a height up to that one.
///
/// # Errors
/// [`ChainError`] if another block is final at its height. For a block with a finalization certificate that means that
/// two blocks were agreed on: more than a third of the committee is faulty.
pub fn already_final(
	(number, hash): (BlockNumber, Hash),
	finalized: BlockNumber,
	final_hash: impl FnOnce(BlockNumber) -> Result<Option<Hash>, ChainError>,
) -> Result<bool, ChainError> {
	if number > finalized {
		return Ok(false);
	}
	match final_hash(number)? {
		Some(other) if other != hash => Err(ChainError(format!(
			"safety violation: block {number} is {hash}, but {other} is final at this height"
		))),
		Some(_) => Ok(true),
		None => Err(ChainError(format!(
			"block {number} ({hash}) is not above the final block {finalized}, and which one is final at its height is not \
			known"
		))),
	}
}

/// Makes what holds waiting transactions follow the chain that ends with a block. It takes back those of blocks that the chain
/// has left, so their bodies must still be there.
pub type Follow = Box<dyn Fn(Hash) -> BoxFuture<'static, ()> + Send + Sync>;

/// A chain with blocks to build, verify, import and finalize.
#[async_trait]
pub trait Chain: Send + Sync + 'static {
	/// The header of an imported block.
	fn header(&self, hash: Hash) -> Option<Header>;

	/// An imported block, while its body is kept.
	fn block(&self, hash: Hash) -> Option<OpaqueBlock>;

	/// The newest final block.
	fn finalized(&self) -> (BlockNumber, Hash);

	/// The final block of a height that is at most the newest final block's; `None` if that is not known here.
	///
	/// # Errors
	/// [`ChainError`].
	fn final_hash(&self, number: BlockNumber) -> Result<Option<Hash>, ChainError>;

	/// What a final block is kept with: the certificate, if it has one.
	fn justifications(&self, hash: Hash) -> Option<Justifications>;

	/// Waits until another block is final.
	async fn finality(&self);

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

	/// The header of a block that [`import`](Self::import) refused for what it is, as long as that is remembered: not because
	/// something was not here, or failed. Nothing is remembered, unless the chain knows better.
	fn refused(&self, _hash: Hash) -> Option<Header> {
		None
	}

	/// Told before an imported block is made final. The blocks that this displaces are forgotten with it: what is to be kept of
	/// them, like their transactions, must be taken from them now.
	async fn before_final(&self, _hash: Hash) {}

	/// Makes an imported block and its ancestors final, and keeps its certificate as justification. A block that is
	/// final already stays as it is.
	///
	/// # Errors
	/// [`ChainError`]; in particular if another block is final at its height.
	fn finalize(&self, hash: Hash, certificate: Option<Certificate>) -> Result<(), ChainError>;
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_block_is_final_if_it_is_the_final_one_at_its_height() {
		let (ours, other) = (Hash::repeat_byte(1), Hash::repeat_byte(2));
		let at = |number, finalized, found| {
			already_final((number, ours), finalized, |asked| {
				assert_eq!(asked, number);
				found
			})
		};
		assert!(at(4, 5, Ok(Some(ours))).unwrap());
		assert!(at(5, 5, Ok(Some(ours))).unwrap());
		assert!(at(0, 0, Ok(Some(ours))).unwrap());
		for (number, finalized) in [(4, 5), (5, 5), (0, 0), (1, u32::MAX)] {
			let error = at(number, finalized, Ok(Some(other))).unwrap_err().0;
			assert!(
				error.contains("safety violation") && error.contains(&format!("{other}")),
				"{error}"
			);
			assert!(at(number, finalized, Ok(None)).is_err());
			assert!(at(number, finalized, Err(ChainError("gone".into()))).is_err());
		}
	}

	#[test]
	fn above_the_final_block_nothing_is_final() {
		for (number, finalized) in [(1, 0), (6, 5), (u32::MAX, u32::MAX - 1)] {
			let result = already_final((number, Hash::zero()), finalized, |_| {
				panic!("nobody needs to look")
			});
			assert!(!result.unwrap());
		}
	}
}
