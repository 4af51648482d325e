//! Certificates that contradict this node's final chain: the proof that members of a committee agreed on two blocks in one view. And
//! certificates of blocks that are refused here for what they are.
//!
//! # Specification
//!
//! - A certificate for a block that is not in the final chain is held against the final chain's certificate of the *same round*, if
//!   there is one: votes of different views prove nothing, see [`asterism_primitives::offence`]. Both are of a quorum, so more than
//!   a third of the committee signed both if they contradict each other.
//! - The pair is kept as [evidence](EvidenceStore::add_certificates) if both verify against the committee on record and it convicts
//!   somebody whom no other pair does.
//! - Where a certificate has been verified anyhow (blocks to import, the engine's own), the check costs the header of the newest
//!   final block: certificates of later rounds are not looked at any further. Where it has not (pushed blocks that are not above
//!   the final one), it is only verified if the pair would be kept, and as often as [`VERIFICATIONS`] allows, whoever sends
//!   how much.
//! - A block that a verified certificate makes final, and that does not execute to what its header says, is kept as
//!   [evidence](EvidenceStore::add_refused) with that certificate.

use crate::{
	budget::Bucket,
	committees::{Certifier, VerifyError},
	evidence::{ConflictingCertificates, EvidenceStore, RefusedBlock},
	import,
};
use asterism_primitives::{
	certificate::{Certificate, Round},
	digest, BlockNumber, Hash, Header, OpaqueBlock,
};
use parking_lot::Mutex;
use polkadot_sdk::{
	sc_client_api::{AuxStore, BlockBackend},
	sp_blockchain::HeaderBackend,
};
use std::{sync::Arc, time::Instant};

/// How many certificates that peers bring are verified on suspicion, a second and at once.
pub const VERIFICATIONS: (u64, u64) = (4, 16);

/// What became of a certificate that a peer brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
	/// It contradicts nothing, or nothing new.
	Nothing,
	/// It is not looked at now: too many were.
	Busy,
	/// It would contradict the final chain, and the committee did not sign it.
	Forged,
	/// It contradicts the final chain: the evidence is kept.
	Kept,
}

/// Whoever is told of certificates that may contradict the final chain, or that make blocks final which can't be.
pub trait Witness: Send + Sync {
	/// Takes note of a certificate that was verified.
	fn verified(&self, certificate: &Certificate);

	/// Takes note of a certificate that was not verified.
	fn offered(&self, certificate: &Certificate) -> Offered;

	/// Takes note of a certificate that was verified, and whose block was refused for what it is: see
	/// [`is_blocks_fault`](import::is_blocks_fault).
	fn refused(&self, header: &Header, certificate: &Certificate);
}

/// Nobody.
impl Witness for () {
	fn verified(&self, _: &Certificate) {}

	fn offered(&self, _: &Certificate) -> Offered {
		Offered::Nothing
	}

	fn refused(&self, _: &Header, _: &Certificate) {}
}

/// The final chain, as far as it is asked here.
pub trait FinalChain: Send + Sync {
	/// The number of the newest final block.
	fn finalized(&self) -> BlockNumber;

	/// The header of the final block of a height; `None` if it is not here.
	fn header(&self, number: BlockNumber) -> Option<Header>;

	/// The certificate that a final block is kept with, if it has one.
	fn certificate(&self, hash: Hash) -> Option<Certificate>;
}

/// The final chain of a client.
pub struct ClientFinal<C>(pub Arc<C>);

impl<C> FinalChain for ClientFinal<C>
where
	C: HeaderBackend<OpaqueBlock> + BlockBackend<OpaqueBlock> + Send + Sync,
{
	fn finalized(&self) -> BlockNumber {
		self.0.info().finalized_number
	}

	fn header(&self, number: BlockNumber) -> Option<Header> {
		// Up to the newest final block, the client's canonical chain is the final one.
		let hash = self.0.hash(number).ok().flatten()?;
		self.0.header(hash).ok().flatten()
	}

	fn certificate(&self, hash: Hash) -> Option<Certificate> {
		let justifications = self.0.justifications(hash).ok().flatten();
		import::certificate(justifications.as_ref()).ok().flatten()
	}
}

/// The final chain's certificate of a round, if a block was agreed on in that round and is kept with the certificate.
fn certificate_of(chain: &impl FinalChain, round: Round) -> Option<Certificate> {
	let newest = chain.finalized();
	let round_at = |number| digest::round(&chain.header(number)?.digest);
	// Rounds ascend with the height. Looked for is the highest block that was first proposed in this round or an earlier one: the
	// last block of an epoch may be agreed on in a later round than its header's. Genesis was proposed in none.
	let (mut low, mut high) = match round_at(newest)? <= round {
		true => (newest, newest),
		false => (0, newest),
	};
	while low < high {
		let middle = high - (high - low) / 2;
		if round_at(middle)? <= round {
			low = middle;
		} else {
			high = middle - 1;
		}
	}
	let hash = chain.header(low).filter(|_| low > 0)?.hash();
	chain
		.certificate(hash)
		.filter(|certificate| certificate.round == round && certificate.block_hash == hash)
}

/// Looks for contradictions to a final chain, and keeps them.
pub struct Forks<F, A> {
	chain: F,
	certifier: Arc<Certifier>,
	evidence: Arc<EvidenceStore<A>>,
	verifications: Mutex<Bucket>,
}

impl<F: FinalChain, A: AuxStore> Forks<F, A> {
	/// Looks for contradictions to `chain`, of which `certifier` verifies the certificates.
	pub fn new(chain: F, certifier: Arc<Certifier>, evidence: Arc<EvidenceStore<A>>) -> Self {
		let (rate, burst) = VERIFICATIONS;
		Forks {
			chain,
			certifier,
			evidence,
			verifications: Mutex::new(Bucket::new(rate, burst)),
		}
	}

	/// What the certificate proves together with the final chain's of the same round, if it is worth keeping. Neither is
	/// verified.
	fn suspicion(&self, certificate: &Certificate) -> Option<(ConflictingCertificates, Certificate)> {
		let ours = certificate_of(&self.chain, certificate.round)?;
		let pair = ConflictingCertificates::new(certificate.clone(), ours.clone())?;
		self.evidence.is_news(&pair).then_some((pair, ours))
	}

	/// Keeps a pair of which the final chain's is not verified yet: a node that took over the chain's state has not verified all
	/// certificates that it was given with the blocks before.
	fn keep(&self, pair: ConflictingCertificates, ours: &Certificate) -> bool {
		self.certifier.verify(ours).is_ok() && self.evidence.add_certificates(pair)
	}

	fn offered_at(&self, certificate: &Certificate, now: Instant) -> Offered {
		let Some((pair, ours)) = self.suspicion(certificate) else {
			return Offered::Nothing;
		};
		if !self.verifications.lock().take(1, now) {
			return Offered::Busy;
		}
		match self.certifier.verify(certificate) {
			Ok(()) if self.keep(pair, &ours) => Offered::Kept,
			// Which committee should have signed it is not known, which is nobody's fault.
			Ok(()) | Err(VerifyError::UnknownCommittee(_) | VerifyError::BadKey(_)) => Offered::Nothing,
			Err(VerifyError::Certificate(_)) => Offered::Forged,
		}
	}
}

impl<F: FinalChain, A: AuxStore + Send + Sync> Witness for Forks<F, A> {
	fn verified(&self, certificate: &Certificate) {
		if let Some((pair, ours)) = self.suspicion(certificate) {
			self.keep(pair, &ours);
		}
	}

	fn offered(&self, certificate: &Certificate) -> Offered {
		self.offered_at(certificate, Instant::now())
	}

	fn refused(&self, header: &Header, certificate: &Certificate) {
		if let Some(block) = RefusedBlock::new(header.clone(), certificate.clone()) {
			self.evidence.add_refused(block);
		}
	}
}

#[cfg(test)]
mod tests;
