//! A member that votes twice in a view, to test that it is found and punished. Compiled with the feature `equivocation` alone,
//! which no node but a test's has.

use crate::scheme::{Digest, Scheme};
use bytes::Bytes;
use commonware_codec::{DecodeExt, Encode};
use commonware_consensus::simplex::types::{Notarize, Proposal, Vote};
use commonware_cryptography::{sha256::Sha256, Hasher as _};

/// A vote that contradicts a vote to notarize: the same member's, in the same view, for a block that nobody has. `None` for
/// every other message.
pub fn contradiction(scheme: &Scheme, message: &[u8]) -> Option<Bytes> {
	let Vote::Notarize(vote) = Vote::<Scheme, Digest>::decode(message).ok()? else {
		return None;
	};
	let Proposal {
		round,
		parent,
		payload,
	} = vote.proposal;
	let other = Proposal::new(round, parent, Sha256::hash(payload.as_ref()));
	let vote = Notarize::<Scheme, Digest>::sign(scheme, other)?;
	Some(Vote::Notarize(vote).encode())
}
