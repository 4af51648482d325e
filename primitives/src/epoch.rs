//! The end of one epoch and the beginning of the next, as a chain's headers tell it (DESIGN §6).
//!
//! A chain says by [`EpochNote::Signal`] that it needs its next committee, and by [`EpochNote::End`] that a block is its
//! epoch's last: the next block belongs to the next committee. Both are certified, being part of the header.

use crate::{certificate::Round, committee::Epoch, digest::round, BlockNumber};
use codec::{Decode, DecodeAll, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::sp_runtime::{ConsensusEngineId, Digest, DigestItem};
use scale_info::TypeInfo;

/// Marks the digest item that holds an [`EpochNote`].
pub const EPOCH_ID: ConsensusEngineId = *b"epch";

/// What a header says of epochs. A header holds at most one note.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum EpochNote {
	/// The chain needs the committee of this epoch, the next one.
	Signal {
		/// The next epoch.
		next: Epoch,
	},
	/// This block is the last one of its epoch.
	End {
		/// The epoch of the block that follows.
		next: Epoch,
	},
}

/// The item that holds a note.
pub fn epoch_item(note: EpochNote) -> DigestItem {
	DigestItem::Consensus(EPOCH_ID, note.encode())
}

/// The note in a header's digest: `Ok(None)` if there is none.
///
/// # Errors
/// If there are several, or one that can't be decoded.
pub fn epoch_note(digest: &Digest) -> Result<Option<EpochNote>, MalformedNote> {
	let mut notes = digest.logs().iter().filter_map(|item| match item {
		DigestItem::Consensus(EPOCH_ID, bytes) => Some(bytes),
		_ => None,
	});
	let Some(bytes) = notes.next() else {
		return Ok(None);
	};
	if notes.next().is_some() {
		return Err(MalformedNote);
	}
	EpochNote::decode_all(&mut &bytes[..])
		.map(Some)
		.map_err(|_| MalformedNote)
}

/// Whether this is the header of an epoch's last block: `None` unless it says so, well-formed.
pub fn ends_epoch(digest: &Digest) -> Option<Epoch> {
	match epoch_note(digest) {
		Ok(Some(EpochNote::End { next })) => Some(next),
		_ => None,
	}
}

/// The epoch of the block after one of this number and digest: the one that the block ends with its note, else the one in
/// its round; 0 after genesis. `None` if the digest names no round.
pub fn epoch_after(number: BlockNumber, digest: &Digest) -> Option<Epoch> {
	if let Some(next) = ends_epoch(digest) {
		return Some(next);
	}
	match round(digest) {
		Some(round) => Some(round.epoch),
		None => (number == 0).then_some(0),
	}
}

/// Whether a certificate of this round may be for a block with this digest. It is of the round that the header names; but the
/// last block of an epoch is proposed again in later views of the epoch, until it is final.
pub fn may_certify(digest: &Digest, certified: Round) -> bool {
	round(digest).is_some_and(|own| {
		own == certified
			|| (ends_epoch(digest).is_some() && own.epoch == certified.epoch && own.view < certified.view)
	})
}

/// A header's statement on epochs is not exactly one well-formed note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedNote;

#[cfg(test)]
mod tests {
	use super::*;
	use crate::digest::round_item;

	#[test]
	fn one_note_is_read_back_and_anything_else_refused() {
		let note = EpochNote::End { next: 7 };
		let mut digest = Digest::default();
		assert_eq!(epoch_note(&digest), Ok(None));
		digest.push(epoch_item(note));
		assert_eq!(epoch_note(&digest), Ok(Some(note)));
		assert_eq!(ends_epoch(&digest), Some(7));
		digest.push(epoch_item(EpochNote::Signal { next: 8 }));
		assert_eq!(epoch_note(&digest), Err(MalformedNote));
		assert_eq!(ends_epoch(&digest), None);
		let trailing = [note.encode(), alloc::vec![0]].concat();
		let digest = Digest {
			logs: alloc::vec![DigestItem::Consensus(EPOCH_ID, trailing)],
		};
		assert_eq!(epoch_note(&digest), Err(MalformedNote));
	}

	#[test]
	fn the_last_block_of_an_epoch_may_be_certified_later() {
		let round = |epoch, view| Round { epoch, view };
		let mut digest = Digest {
			logs: alloc::vec![round_item(round(3, 7))],
		};
		assert_eq!(
			(epoch_after(9, &digest), epoch_after(0, &Digest::default())),
			(Some(3), Some(0))
		);
		assert_eq!(epoch_after(9, &Digest::default()), None);
		assert!(may_certify(&digest, round(3, 7)));
		assert!(!may_certify(&digest, round(3, 8)));
		digest.push(epoch_item(EpochNote::End { next: 4 }));
		assert_eq!(epoch_after(9, &digest), Some(4));
		assert!(may_certify(&digest, round(3, 7)) && may_certify(&digest, round(3, 8)));
		assert!(!may_certify(&digest, round(3, 6)) && !may_certify(&digest, round(4, 8)));
		assert!(!may_certify(&Digest::default(), round(0, 0)));
	}
}
