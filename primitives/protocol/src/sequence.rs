//! The order of a chain's checkpoints at the root chain: each block once, none left out, no fork.
//!
//! A submission carries a contiguous run of headers, of which the last is certified; the parent links certify
//! the others (simplex finalizes a block together with all its ancestors).

use crate::types::BlockNumber;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Names a block.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct BlockRef<H> {
	/// Its height.
	pub number: BlockNumber,
	/// Its hash.
	pub hash: H,
}

/// A block and its parent's hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Link<H> {
	/// The block.
	pub block: BlockRef<H>,
	/// Its parent's hash.
	pub parent: H,
}

/// Why a run of headers does not extend the chain on record.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum SequenceError {
	/// The run is empty.
	Empty,
	/// The first header is at or below the height on record: an older, or the same, checkpoint again.
	Stale {
		/// The height that is expected.
		expected: BlockNumber,
		/// The height that was given.
		got: BlockNumber,
	},
	/// Blocks between the height on record and the first header are left out.
	Gap {
		/// The height that is expected.
		expected: BlockNumber,
		/// The height that was given.
		got: BlockNumber,
	},
	/// A header's parent is not the block before it.
	WrongParent {
		/// The height of that header.
		at: BlockNumber,
	},
	/// A height does not fit into 32 bits.
	Overflow,
}

/// Checks that a run of headers extends `head`, and returns the new head.
///
/// # Errors
/// The first [`SequenceError`] found.
pub fn extend<H: Copy + Eq>(
	head: BlockRef<H>,
	run: impl IntoIterator<Item = Link<H>>,
) -> Result<BlockRef<H>, SequenceError> {
	let mut tip = head;
	let mut first = true;
	for Link { block, parent } in run {
		let expected = tip.number.checked_add(1).ok_or(SequenceError::Overflow)?;
		let got = block.number;
		if got < expected {
			return Err(SequenceError::Stale { expected, got });
		}
		if got > expected {
			return Err(SequenceError::Gap { expected, got });
		}
		if parent != tip.hash {
			return Err(SequenceError::WrongParent { at: got });
		}
		tip = block;
		first = false;
	}
	if first {
		return Err(SequenceError::Empty);
	}
	Ok(tip)
}

#[cfg(test)]
mod tests {
	use super::*;

	fn link(number: u32, hash: u8, parent: u8) -> Link<u8> {
		Link {
			block: BlockRef { number, hash },
			parent,
		}
	}

	#[test]
	fn only_the_next_blocks_extend() {
		let head = BlockRef {
			number: 5,
			hash: 50u8,
		};
		assert_eq!(
			extend(head, [link(6, 60, 50), link(7, 70, 60)]),
			Ok(BlockRef { number: 7, hash: 70 })
		);
		assert_eq!(extend(head, []), Err(SequenceError::Empty));
		assert_eq!(
			extend(head, [link(5, 50, 40)]),
			Err(SequenceError::Stale { expected: 6, got: 5 })
		);
		assert_eq!(
			extend(head, [link(7, 70, 60)]),
			Err(SequenceError::Gap { expected: 6, got: 7 })
		);
		assert_eq!(
			extend(head, [link(6, 60, 51)]),
			Err(SequenceError::WrongParent { at: 6 })
		);
		assert_eq!(
			extend(head, [link(6, 60, 50), link(7, 70, 61)]),
			Err(SequenceError::WrongParent { at: 7 })
		);
		assert_eq!(
			extend(head, [link(6, 60, 50), link(6, 60, 50)]),
			Err(SequenceError::Stale { expected: 7, got: 6 })
		);
		let top = BlockRef {
			number: u32::MAX,
			hash: 1u8,
		};
		assert_eq!(extend(top, [link(0, 2, 1)]), Err(SequenceError::Overflow));
	}
}
