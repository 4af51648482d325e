//! The import queue of nodes that follow a chain: blocks come with the committee's certificate, or shortly before one.
//!
//! # Specification
//!
//! - A block with a finalization certificate of the committee of its epoch is executed and final at once. If it displaces others,
//!   their transactions go back to the pool before.
//! - A block with a notarization certificate is executed, and final when a descendant is.
//! - A block without a certificate (not every view ends with one of its own: an ancestor is final with its descendant) is
//!   executed, yet never the best block, and only up to [`MAX_UNCERTIFIED`] above the final block, which bounds the work
//!   that a liar can cause.
//! - A certificate must be for this very block and for the round in its header, or for a later view of the same epoch if
//!   the block is the last one of its epoch. A wrong certificate refuses the block.
//! - A block whose certificate is right and contradicts the final chain is refused by the client; the certificate is told to a
//!   [`Witness`] first.
//! - A block with a finalization certificate that does not execute to what its header says is refused, and told to the witness with
//!   its certificate: no honest member certifies such a block. Only if the body is the one that the header commits to: else it is
//!   the fault of whoever sent it.
//! - The committee of a block's epoch may not be on record yet: the root chain is behind. Then the block waits, as long as the
//!   root chain goes on.

use crate::{
	application::is_body_of, chain::Follow, committees::Certifier, forks::Witness, worker::current_epoch,
};
use asterism_primitives::{
	certificate::{Certificate, CertificateError, CertificateKind, ENGINE_ID},
	digest,
	epoch::may_certify,
	BlockNumber, Header, OpaqueBlock,
};
use async_trait::async_trait;
use codec::DecodeAll;
use displace::Displacing;
use polkadot_sdk::{
	sc_client_api::{Backend, Finalizer},
	sc_consensus::{
		import_queue::{BasicQueue, BoxBlockImport, DefaultImportQueue, Verifier},
		BlockCheckParams, BlockImport, BlockImportParams, ForkChoiceStrategy, ImportResult,
	},
	sp_blockchain::{Error as ClientError, HeaderBackend},
	sp_consensus::{BlockOrigin, Error as ConsensusError},
	sp_core::traits::SpawnEssentialNamed,
	sp_runtime::{traits::Header as HeaderT, Justifications, OpaqueExtrinsic},
	substrate_prometheus_endpoint::Registry,
};
use std::{marker::PhantomData, sync::Arc};

mod displace;

/// How far above the final block a block without certificate may be.
pub const MAX_UNCERTIFIED: BlockNumber = 128;
/// How the executor begins to say that a runtime refuses a block: by a panic with a message or without one. When the state can't be
/// read, it says otherwise.
const ABORTED: [&str; 2] = [
	"Execution aborted due to panic: ",
	"Execution aborted due to trap: ",
];

/// Why a block is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
	/// The header does not name one round.
	#[error("header: expected exactly one round in its digest")]
	NoRound,
	/// The justification is no certificate.
	#[error("justification: expected a SCALE-encoded certificate")]
	Malformed,
	/// The certificate is for something else.
	#[error("justification: {0}")]
	Certificate(CertificateError),
	/// The certificate is for another round than the header names.
	#[error("justification: its round is not the one in the header")]
	WrongRound,
	/// The certificate can't be verified.
	#[error("justification: {0}")]
	Unverified(#[from] crate::committees::VerifyError),
	/// Too many blocks without certificate.
	#[error("block {number} has no certificate and is more than {MAX_UNCERTIFIED} above the final block {finalized}")]
	Uncertified {
		/// The block's number.
		number: BlockNumber,
		/// The final block's number.
		finalized: BlockNumber,
	},
}

/// The certificate among a block's justifications.
///
/// # Errors
/// [`ImportError::Malformed`].
pub fn certificate(justifications: Option<&Justifications>) -> Result<Option<Certificate>, ImportError> {
	match justifications.and_then(|j| j.get(ENGINE_ID)) {
		None => Ok(None),
		Some(bytes) => Certificate::decode_all(&mut &bytes[..])
			.map(Some)
			.map_err(|_| ImportError::Malformed),
	}
}

/// Checks a block's header and certificate; returns the certificate's kind if there is one.
///
/// # Errors
/// [`ImportError`].
pub fn check(
	certifier: &Certifier,
	header: &Header,
	justifications: Option<&Justifications>,
	finalized: BlockNumber,
) -> Result<Option<CertificateKind>, ImportError> {
	digest::round(header.digest()).ok_or(ImportError::NoRound)?;
	let Some(certificate) = certificate(justifications)? else {
		let number = *header.number();
		return if number.saturating_sub(finalized) <= MAX_UNCERTIFIED {
			Ok(None)
		} else {
			Err(ImportError::Uncertified { number, finalized })
		};
	};
	if certificate.block_hash != header.hash() {
		return Err(ImportError::Certificate(CertificateError::WrongBlock));
	}
	if !may_certify(header.digest(), certificate.round) {
		return Err(ImportError::WrongRound);
	}
	certifier.verify(&certificate)?;
	Ok(Some(certificate.kind))
}

/// Whether the client refused a block for what it is: the runtime does not execute it, or to another state than its header says.
/// Anything else that keeps a block from being imported, such as a parent or a state that is not here, a database that fails, or
/// another final block, is not the block's fault.
pub fn is_blocks_fault(error: &ConsensusError) -> bool {
	// The client tells its errors as text alone.
	let ConsensusError::ClientImport(reason) = error else {
		return false;
	};
	*reason == ClientError::InvalidStateRoot.to_string()
		|| ABORTED.iter().any(|aborted| reason.contains(aborted))
}

/// Imports blocks, and tells a witness of those that a committee made final and that are refused for what they are.
struct Watched {
	inner: BoxBlockImport<OpaqueBlock>,
	witness: Arc<dyn Witness>,
}

/// Header and body of a block that its certificate makes final, with the certificate.
fn agreed(block: &BlockImportParams<OpaqueBlock>) -> Option<(Header, Vec<OpaqueExtrinsic>, Certificate)> {
	// Only a block whose certificate was verified is to be final at once.
	if !block.finalized {
		return None;
	}
	let certificate = certificate(block.justifications.as_ref()).ok().flatten()?;
	let is_agreed =
		certificate.kind == CertificateKind::Finalization && certificate.block_hash == block.header.hash();
	is_agreed.then_some((block.header.clone(), block.body.clone()?, certificate))
}

#[async_trait]
impl BlockImport<OpaqueBlock> for Watched {
	type Error = ConsensusError;

	async fn check_block(
		&self,
		block: BlockCheckParams<OpaqueBlock>,
	) -> Result<ImportResult, ConsensusError> {
		self.inner.check_block(block).await
	}

	async fn import_block(
		&self,
		block: BlockImportParams<OpaqueBlock>,
	) -> Result<ImportResult, ConsensusError> {
		let agreed = agreed(&block);
		let result = self.inner.import_block(block).await;
		if let (Err(error), Some((header, body, certificate))) = (&result, agreed) {
			if is_blocks_fault(error) && is_body_of(&header, &body) {
				self.witness.refused(&header, &certificate);
			}
		}
		result
	}
}

/// Verifies blocks from the network, or from a file, before they are executed.
pub struct CertificateVerifier<C> {
	client: Arc<C>,
	certifier: Arc<Certifier>,
	witness: Arc<dyn Witness>,
}

#[async_trait]
impl<C: HeaderBackend<OpaqueBlock>> Verifier<OpaqueBlock> for CertificateVerifier<C> {
	async fn verify(
		&self,
		mut block: BlockImportParams<OpaqueBlock>,
	) -> Result<BlockImportParams<OpaqueBlock>, String> {
		// The state of a genesis or warp sync carries its own proof.
		if block.with_state() || block.origin == BlockOrigin::Genesis {
			block.fork_choice = Some(ForkChoiceStrategy::Custom(block.with_state()));
			return Ok(block);
		}
		let finalized = self.client.info().finalized_number;
		self.await_committee(&block.header).await;
		let kind = check(
			&self.certifier,
			&block.header,
			block.justifications.as_ref(),
			finalized,
		)
		.map_err(|e| e.to_string())?;
		if let Ok(Some(certificate)) = certificate(block.justifications.as_ref()) {
			self.witness.verified(&certificate);
		}
		// Only this engine's justifications are kept.
		block.justifications = block
			.justifications
			.take()
			.and_then(|j| j.into_justification(ENGINE_ID))
			.map(|j| (ENGINE_ID, j).into());
		block.finalized = kind == Some(CertificateKind::Finalization);
		block.fork_choice = Some(match kind {
			Some(_) => ForkChoiceStrategy::LongestChain,
			None => ForkChoiceStrategy::Custom(false),
		});
		Ok(block)
	}
}

impl<C: HeaderBackend<OpaqueBlock>> CertificateVerifier<C> {
	/// Waits for the committee of a block's epoch, if that is the current one or the next: an honest block's committee is
	/// on record by the time that it is certified, but the root chain may be behind here.
	async fn await_committee(&self, header: &Header) {
		let (Some(round), Some(current)) = (digest::round(header.digest()), current_epoch(&*self.client))
		else {
			return;
		};
		if round.epoch <= current.saturating_add(1) {
			self.certifier.await_committee(round.epoch).await;
		}
	}
}

/// The import queue of a chain. `witness` is told of every certificate that comes in and verifies, and of every block that is refused
/// despite a certificate that makes it final. `follow` is called for a block that displaces others, before it is final.
pub fn import_queue<C, B>(
	client: Arc<C>,
	block_import: BoxBlockImport<OpaqueBlock>,
	certifier: Arc<Certifier>,
	witness: Arc<dyn Witness>,
	follow: Follow,
	spawner: &impl SpawnEssentialNamed,
	registry: Option<&Registry>,
) -> DefaultImportQueue<OpaqueBlock>
where
	C: HeaderBackend<OpaqueBlock> + Finalizer<OpaqueBlock, B> + 'static,
	B: Backend<OpaqueBlock> + 'static,
{
	let displacing = Displacing {
		inner: block_import,
		client: client.clone(),
		follow,
		backend: PhantomData,
	};
	let watched = Watched {
		inner: Box::new(displacing),
		witness: witness.clone(),
	};
	BasicQueue::new(
		CertificateVerifier {
			client,
			certifier,
			witness,
		},
		Box::new(watched),
		None,
		spawner,
		registry,
	)
}

#[cfg(test)]
mod tests;
