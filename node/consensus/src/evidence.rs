//! Evidence that a member has contradicted itself: two votes in one view that no honest member gives.
//!
//! Evidence is verified before it is kept (a member's signature is on both votes), kept in the client's auxiliary
//! storage so that it survives a restart, and bounded.

use crate::{
	metrics::Metrics,
	scheme::{Digest, Scheme},
};
use asterism_primitives::{
	certificate::Round,
	committee::{Committee, MemberId, MAX_MEMBERS},
};
use codec::{Decode, Encode};
use commonware_codec::Encode as _;
use commonware_consensus::simplex::types::{Activity, Attributable};
use commonware_consensus::{Epochable, Viewable};
use commonware_parallel::Sequential;
use log::{error, warn};
use parking_lot::Mutex;
use polkadot_sdk::sc_client_api::AuxStore;
use std::sync::Arc;

const LOG_TARGET: &str = "consensus::evidence";
const KEY: &[u8] = b"asterism_consensus_evidence";

/// How many pieces of evidence are kept. Those of the oldest epochs make room for newer ones.
pub const MAX_EVIDENCE: usize = MAX_MEMBERS as usize * MAX_OF_MEMBER;
/// How many pieces of evidence are kept against one member in one epoch, the oldest: a single one convicts it, and nobody
/// shall crowd out the evidence against others with evidence against itself.
pub const MAX_OF_MEMBER: usize = 4;

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

/// Keeps evidence.
pub struct EvidenceStore<A> {
	aux: Arc<A>,
	kept: Mutex<Vec<Evidence>>,
}

impl<A: AuxStore> EvidenceStore<A> {
	/// Opens the evidence in a client's auxiliary storage.
	pub fn new(aux: Arc<A>) -> Self {
		let kept = match aux.get_aux(KEY) {
			Ok(Some(bytes)) => Vec::decode(&mut &bytes[..]).unwrap_or_else(|e| {
				error!(target: LOG_TARGET, "kept evidence is unreadable and is dropped: {e}");
				Vec::new()
			}),
			Ok(None) => Vec::new(),
			Err(e) => {
				error!(target: LOG_TARGET, "kept evidence can't be read: {e}");
				Vec::new()
			}
		};
		EvidenceStore {
			aux,
			kept: Mutex::new(kept),
		}
	}

	/// All that is kept, oldest first.
	pub fn all(&self) -> Vec<Evidence> {
		self.kept.lock().clone()
	}

	/// Keeps an activity of the engine if it is a contradiction, verified against the committee's scheme.
	pub fn add(
		&self,
		activity: &Activity<Scheme, Digest>,
		scheme: &Scheme,
		committee: &Committee,
		metrics: &Metrics,
	) {
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
		metrics.evidence.inc();
		kept.push(evidence);
		if let Err(e) = self.aux.insert_aux(&[(KEY, kept.encode().as_slice())], &[]) {
			error!(target: LOG_TARGET, "evidence can't be kept over a restart: {e}");
		}
	}
}

/// Whether evidence is news that is to be kept; forgets that of the oldest epoch for it if all places are taken.
fn make_room(kept: &mut Vec<Evidence>, evidence: &Evidence) -> bool {
	let place = |of: &Evidence| (of.round.epoch, of.member);
	let of_member = kept
		.iter()
		.filter(|other| place(other) == place(evidence))
		.count();
	if kept.contains(evidence) || of_member >= MAX_OF_MEMBER {
		return false;
	}
	if kept.len() >= MAX_EVIDENCE {
		match kept.iter().map(|other| other.round.epoch).min() {
			Some(oldest) if oldest < evidence.round.epoch => kept.retain(|other| other.round.epoch > oldest),
			_ => return false,
		}
	}
	true
}

#[cfg(test)]
pub(crate) mod tests;
