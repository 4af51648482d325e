//! Evidence that members broke the rules: two votes in one view that no honest member gives; two certificates, which are the votes
//! of many; or a block that a committee made final and that does not execute to what its header says.
//!
//! Evidence is verified before it is kept (a member's signature is on both votes), kept in the client's auxiliary
//! storage so that it survives a restart, and bounded.
//!
//! Contradictions convict by themselves. A refused block may: the root chain, which doesn't execute it, judges what its header says
//! of its traffic.

use crate::scheme::{Digest, Scheme};
use asterism_primitives::{
	certificate::{Certificate, CertificateKind, Round},
	committee::{Committee, Epoch, MemberId, MAX_MEMBERS},
	offence::{contradiction, linked, Votes},
	Hash, Header,
};
use codec::{Decode, Encode};
use commonware_codec::Encode as _;
use commonware_consensus::simplex::types::{Activity, Attributable};
use commonware_consensus::{Epochable, Viewable};
use commonware_parallel::Sequential;
use log::{error, warn};
use parking_lot::Mutex;
use polkadot_sdk::{
	sc_client_api::AuxStore,
	substrate_prometheus_endpoint::{register, Counter, PrometheusError, Registry, U64},
};
use std::sync::Arc;

const LOG_TARGET: &str = "consensus::evidence";
const KEY: &[u8] = b"asterism_consensus_evidence";
const CERTIFICATES_KEY: &[u8] = b"asterism_consensus_conflicting_certificates";
const REFUSED_KEY: &[u8] = b"asterism_consensus_refused_blocks";

/// How many pieces of evidence are kept. Those of the oldest epochs make room for newer ones.
pub const MAX_EVIDENCE: usize = MAX_MEMBERS as usize * MAX_OF_MEMBER;
/// How many pieces of evidence are kept against one member in one epoch, the oldest: a single one convicts it, and nobody
/// shall crowd out the evidence against others with evidence against itself.
pub const MAX_OF_MEMBER: usize = 4;
/// How many pairs of certificates are kept. Those of the oldest epochs make room for newer ones.
pub const MAX_CERTIFICATES: usize = MAX_MEMBERS as usize;
/// The first byte of a pair of certificates among the [encoded](EvidenceStore::encoded) evidence.
pub const CERTIFICATES: u8 = 3;
/// How many refused blocks are kept. Those of the oldest epochs make room for newer ones.
pub const MAX_REFUSED: usize = 8;
/// The first byte of a refused block among the [encoded](EvidenceStore::encoded) evidence.
pub const REFUSED: u8 = 4;
/// The size that the header of a refused block may have, in bytes of its encoding: the root chain takes no larger one, neither in a
/// checkpoint nor as evidence.
pub const MAX_HEADER_BYTES: usize = 16 * 1024;

/// How a member contradicted itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Contradiction {
	/// It voted to notarize two blocks in one view.
	ConflictingNotarize,
	/// It voted to finalize two blocks in one view.
	ConflictingFinalize,
	/// It voted to skip a view and to finalize a block in it.
	NullifyFinalize,
}

/// Verified evidence that a member has contradicted itself.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Evidence {
	/// How.
	pub contradiction: Contradiction,
	/// In which round.
	pub round: Round,
	/// Who.
	pub member: MemberId,
	/// Both votes, in the engine's encoding.
	pub votes: Vec<u8>,
}

/// Two certificates of one round that contradict each other: who signed both has contradicted itself.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ConflictingCertificates {
	first: Certificate,
	second: Certificate,
}

impl ConflictingCertificates {
	/// The pair, in whichever order; `None` if it convicts nobody. Signatures are not verified, nor is it known whether the
	/// signers are members of a committee.
	pub fn new(a: Certificate, b: Certificate) -> Option<Self> {
		// One order, so that no pair is there twice.
		let (first, second) = match a.encode() < b.encode() {
			true => (a, b),
			false => (b, a),
		};
		let pair = ConflictingCertificates { first, second };
		let (first, second) = pair.votes();
		contradiction((first.round, first.vote), (second.round, second.vote)).ok()?;
		(first.signers.len() == second.signers.len() && pair.both().any(|byte| byte != 0)).then_some(pair)
	}

	/// Of which round both are.
	pub fn round(&self) -> Round {
		self.first.round
	}

	/// Both as votes.
	pub fn votes(&self) -> (Votes, Votes) {
		(self.first.clone().into(), self.second.clone().into())
	}

	/// The places in the committee of those that signed both, in ascending order.
	pub fn culprits(&self) -> Vec<u32> {
		let bits = (0u32..).zip(self.both()).flat_map(|(at, byte)| {
			(0..8)
				.filter(move |bit| byte & (1 << bit) != 0)
				.map(move |bit| 8 * at + bit)
		});
		bits.collect()
	}

	/// The bitmap of those that signed both.
	fn both(&self) -> impl Iterator<Item = u8> + '_ {
		let pairs = self.first.signers.iter().zip(self.second.signers.iter());
		pairs.map(|(first, second)| first & second)
	}
}

/// A block that a committee made final, and that is refused here: no honest member certifies such a block.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RefusedBlock {
	header: Header,
	certificate: Certificate,
}

impl RefusedBlock {
	/// The block of this header with its certificate; `None` if the certificate does not make this very block final, in the header's
	/// own epoch, or if the header is larger than [`MAX_HEADER_BYTES`]. The signature is not verified.
	pub fn new(header: Header, certificate: Certificate) -> Option<Self> {
		let is_evidence = certificate.kind == CertificateKind::Finalization
			&& header.encoded_size() <= MAX_HEADER_BYTES
			&& linked(std::slice::from_ref(&header), &certificate).is_ok();
		is_evidence.then_some(RefusedBlock { header, certificate })
	}

	/// Its header.
	pub fn header(&self) -> &Header {
		&self.header
	}

	/// The certificate that makes it final.
	pub fn certificate(&self) -> &Certificate {
		&self.certificate
	}

	/// Its hash.
	pub fn hash(&self) -> Hash {
		self.certificate.block_hash
	}

	/// In which round it was made final.
	pub fn round(&self) -> Round {
		self.certificate.round
	}
}

/// Keeps evidence, and counts it.
pub struct EvidenceStore<A> {
	aux: Arc<A>,
	kept: Mutex<Vec<Evidence>>,
	certificates: Mutex<Vec<ConflictingCertificates>>,
	refused: Mutex<Vec<RefusedBlock>>,
	/// The pieces that were kept since this was opened.
	found: Counter<U64>,
}

/// What is kept under a key.
fn read<A: AuxStore, T: Decode>(aux: &A, key: &[u8]) -> Vec<T> {
	match aux.get_aux(key) {
		Ok(Some(bytes)) => Vec::decode(&mut &bytes[..]).unwrap_or_else(|e| {
			error!(target: LOG_TARGET, "kept evidence is unreadable and is dropped: {e}");
			Vec::new()
		}),
		Ok(None) => Vec::new(),
		Err(e) => {
			error!(target: LOG_TARGET, "kept evidence can't be read: {e}");
			Vec::new()
		}
	}
}

impl<A: AuxStore> EvidenceStore<A> {
	/// Opens the evidence in a client's auxiliary storage.
	pub fn new(aux: Arc<A>) -> Self {
		EvidenceStore {
			kept: Mutex::new(read(&*aux, KEY)),
			certificates: Mutex::new(read(&*aux, CERTIFICATES_KEY)),
			refused: Mutex::new(read(&*aux, REFUSED_KEY)),
			found: Counter::new(
				"asterism_consensus_evidence",
				"Pieces of evidence of misconduct that were found",
			)
			.expect("the name is one of a metric; qed"),
			aux,
		}
	}

	/// Shows how many pieces of evidence were found since this was opened, of all kinds.
	///
	/// # Errors
	/// [`PrometheusError`] if the registry has a metric of this name.
	pub fn register(&self, registry: &Registry) -> Result<(), PrometheusError> {
		register(self.found.clone(), registry).map(drop)
	}

	/// All votes that are kept, oldest first.
	pub fn all(&self) -> Vec<Evidence> {
		self.kept.lock().clone()
	}

	/// All pairs of certificates that are kept, oldest first.
	pub fn certificates(&self) -> Vec<ConflictingCertificates> {
		self.certificates.lock().clone()
	}

	/// All refused blocks that are kept, oldest first.
	pub fn refused(&self) -> Vec<RefusedBlock> {
		self.refused.lock().clone()
	}

	/// All that is kept, each piece SCALE encoded: votes as [`Evidence`], which begins with its [`Contradiction`]; then certificates as
	/// [`ConflictingCertificates`] after the byte [`CERTIFICATES`]; then blocks as [`RefusedBlock`] after the byte [`REFUSED`].
	pub fn encoded(&self) -> Vec<Vec<u8>> {
		let votes = self.all().into_iter().map(|votes| votes.encode());
		let pairs = self.certificates().into_iter();
		let blocks = self.refused().into_iter();
		votes
			.chain(pairs.map(|pair| (CERTIFICATES, pair).encode()))
			.chain(blocks.map(|block| (REFUSED, block).encode()))
			.collect()
	}

	/// Whether a pair of certificates convicts somebody whom no pair of its epoch that is kept does, and there is room for it.
	pub fn is_news(&self, pair: &ConflictingCertificates) -> bool {
		is_news(&self.certificates.lock(), pair)
	}

	/// Keeps a pair of certificates, both of which the caller has verified, if it [is news](Self::is_news); whether it does.
	pub fn add_certificates(&self, pair: ConflictingCertificates) -> bool {
		let mut kept = self.certificates.lock();
		let Round { epoch, view } = pair.round();
		if !is_news(&kept, &pair)
			|| !free_place(&mut kept, MAX_CERTIFICATES, epoch, |other| other.round().epoch)
		{
			return false;
		}
		error!(
			target: LOG_TARGET,
			"⚖️ two blocks were agreed on in view {view} of epoch {epoch}, {:?} and {:?}: {} members signed both",
			pair.first.block_hash, pair.second.block_hash, pair.culprits().len()
		);
		kept.push(pair);
		self.found_one(CERTIFICATES_KEY, &*kept);
		true
	}

	/// Keeps a block that was refused for what it is, whose certificate the caller has verified, unless it is kept already or there
	/// is no room for it; whether it does.
	pub fn add_refused(&self, block: RefusedBlock) -> bool {
		let mut kept = self.refused.lock();
		let Round { epoch, view } = block.round();
		if kept.iter().any(|other| other.hash() == block.hash())
			|| !free_place(&mut kept, MAX_REFUSED, epoch, |other| other.round().epoch)
		{
			return false;
		}
		error!(
			target: LOG_TARGET,
			"⚖️ the committee of epoch {epoch} made block {} ({:?}) final in view {view}, which is refused here: it does not execute \
			 to what its header says; {} members signed it",
			block.header.number, block.hash(), block.certificate.signer_indices().count()
		);
		kept.push(block);
		self.found_one(REFUSED_KEY, &*kept);
		true
	}

	/// Counts a piece of evidence, and keeps it with all others of its kind over a restart.
	fn found_one(&self, key: &[u8], kept: &impl Encode) {
		self.found.inc();
		if let Err(e) = self.aux.insert_aux(&[(key, kept.encode().as_slice())], &[]) {
			error!(target: LOG_TARGET, "evidence can't be kept over a restart: {e}");
		}
	}

	/// Keeps an activity of the engine if it is a contradiction, verified against the committee's scheme.
	pub fn add(&self, activity: &Activity<Scheme, Digest>, scheme: &Scheme, committee: &Committee) {
		let (contradiction, signer, votes) = match activity {
			Activity::ConflictingNotarize(c) => (Contradiction::ConflictingNotarize, c.signer(), c.encode()),
			Activity::ConflictingFinalize(c) => (Contradiction::ConflictingFinalize, c.signer(), c.encode()),
			Activity::NullifyFinalize(c) => (Contradiction::NullifyFinalize, c.signer(), c.encode()),
			_ => return,
		};
		if !activity
			.clone()
			.verify(&mut rand::rngs::OsRng, scheme, &Sequential)
		{
			return;
		}
		let Some(member) = committee.members().get(usize::from(signer)) else {
			return;
		};
		let evidence = Evidence {
			contradiction,
			round: Round {
				epoch: activity.epoch().get(),
				view: activity.view().get(),
			},
			member: member.id,
			votes: votes.to_vec(),
		};
		let mut kept = self.kept.lock();
		if !make_room(&mut kept, &evidence) {
			return;
		}
		warn!(
			target: LOG_TARGET,
			"⚖️ member {} contradicted itself in view {}: {:?}", evidence.member, evidence.round.view, evidence.contradiction
		);
		kept.push(evidence);
		self.found_one(KEY, &*kept);
	}
}

/// See [`EvidenceStore::is_news`].
fn is_news(kept: &[ConflictingCertificates], pair: &ConflictingCertificates) -> bool {
	let epoch = pair.round().epoch;
	let mut fresh: Vec<u8> = pair.both().collect();
	for other in kept.iter().filter(|other| other.round().epoch == epoch) {
		for (fresh, known) in fresh.iter_mut().zip(other.both()) {
			*fresh &= !known;
		}
	}
	let has_room = kept.len() < MAX_CERTIFICATES || kept.iter().any(|other| other.round().epoch < epoch);
	has_room && fresh.iter().any(|byte| *byte != 0)
}

/// Whether evidence is news that is to be kept; [frees a place](free_place) for it.
fn make_room(kept: &mut Vec<Evidence>, evidence: &Evidence) -> bool {
	let place = |of: &Evidence| (of.round.epoch, of.member);
	let of_member = kept
		.iter()
		.filter(|other| place(other) == place(evidence))
		.count();
	!kept.contains(evidence)
		&& of_member < MAX_OF_MEMBER
		&& free_place(kept, MAX_EVIDENCE, evidence.round.epoch, |other| {
			other.round.epoch
		})
}

/// Whether there is a place for what is of this epoch; forgets what is of the oldest epoch for it if all places are taken.
fn free_place<T>(kept: &mut Vec<T>, places: usize, epoch: Epoch, epoch_of: impl Fn(&T) -> Epoch) -> bool {
	if kept.len() < places {
		return true;
	}
	match kept.iter().map(&epoch_of).min() {
		Some(oldest) if oldest < epoch => {
			kept.retain(|other| epoch_of(other) > oldest);
			true
		}
		_ => false,
	}
}

#[cfg(test)]
pub(crate) mod tests;
