//! Counting words on several chains, as map and reduce (Constellation, "Smart contracts as microservices"): what the
//! actors say to each other, and how a text is cut.
//!
//! # Overview
//!
//! | actor | what it does |
//! |---|---|
//! | mappers, on any chains | count the words of a chunk of text each time, and forget it |
//! | reducer, one for a text | adds the counts up |
//!
//! ```text
//!  the text's owner ── Count{chunk, text} ──► mappers ── Counts{chunk, part} ──► reducer: word → count
//!         ▲                                                                         │
//!         └─────────────────────────────── Total ◄── when all chunks were added ────┘
//! ```
//!
//! The owner cuts the text by [`chunks`], numbers the chunks, and sends each to any one mapper. The counts are read from
//! the reducer's storage. They are the same for any number of mappers, and any order of arrival.
//!
//! # As a pipeline
//!
//! Mappers on k chains and the reducer can be declared as a pipeline of two stages, and the chunks sent as its batches:
//!
//! | stage | role | input | output |
//! |---|---|---|---|
//! | 0 | map | `mapper` | `to_reducer` |
//! | 1 | reduce, without a key | `reducer` | `total` |
//!
//! Each mapper learns from the message itself which reducer it is to tell.
//!
//! # Words
//!
//! A word is a run of ASCII letters and digits that is as long as can be, in lower case: what
//! `tr -cs '[:alnum:]' '\n' | tr '[:upper:]' '[:lower:]'` prints line by line in the C locale. Of a word that is longer
//! than [`MAX_WORD`] bytes, only these count: a key of storage has no room for more.
//!
//! # Rules
//!
//! - The reducer takes counts only from its mappers, and only of chunks that its owner sent them.
//! - Each part of each chunk is added once; so a chunk that was lost for want of gas, in part or as a whole, is just sent
//!   again, to any mapper.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use alloc::vec::Vec;
use asterism_actor::Address;
use codec::{Decode, Encode};
use scale_info::TypeInfo;

/// Bytes of a word that count.
pub const MAX_WORD: usize = 48;
/// Bytes of text that a chunk may have: what a message has room for, beside its other fields.
pub const MAX_TEXT: usize = 2_000;
/// Words that [`Counts`] may have: each is a change of the reducer's storage, which has two more.
pub const MAX_COUNTS: usize = 60;
/// Parts that the counts of a chunk may have.
pub const MAX_PARTS: u8 = 32;
/// Mappers that a reducer may have.
pub const MAX_MAPPERS: usize = 32;

/// What a mapper accepts. It may be paid for its upkeep without a message.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum Mapper {
	/// Counts the words of a chunk; from anybody.
	#[codec(index = 0)]
	Count {
		/// Whom to tell the counts.
		reducer: Address,
		/// The number of the chunk.
		chunk: u32,
		/// The text. A word must not go on in another chunk.
		text: Vec<u8>,
	},
}

/// What a reducer accepts.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum Reducer {
	/// The first message, from the owner of the text. It may bring value.
	#[codec(index = 0)]
	Start {
		/// The mappers, at most [`MAX_MAPPERS`].
		mappers: Vec<Address>,
		/// How many chunks there are.
		chunks: u32,
	},
	/// Adds counts; from a mapper.
	#[codec(index = 1)]
	Counts(Counts),
}

/// What the reducer tells its owner, once, when all chunks were added.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct Total {
	/// How many chunks there were.
	pub chunks: u32,
	/// How many words they had together.
	pub words: u64,
}

/// Counts of words of a chunk.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct Counts {
	/// Who sent the chunk.
	pub owner: Address,
	/// The number of the chunk.
	pub chunk: u32,
	/// Which part of the chunk's counts this is, from 0.
	pub part: u8,
	/// How many parts there are, 1 to [`MAX_PARTS`].
	pub parts: u8,
	/// Words, each at most [`MAX_WORD`] bytes, and how often they occur. At most [`MAX_COUNTS`], all different.
	pub counts: Vec<(Vec<u8>, u32)>,
}

/// Whether a byte is part of a word.
fn is_word(byte: &u8) -> bool {
	byte.is_ascii_alphanumeric()
}

/// The words of a text, which is in lower case already.
pub fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
	text.split(|byte| !is_word(byte))
		.filter(|word| !word.is_empty())
		.map(|word| word.get(..MAX_WORD).unwrap_or(word))
}

/// Cuts a text into chunks of at most [`MAX_TEXT`] bytes, which together have the words of the text. An empty text has
/// none.
pub fn chunks(mut text: &[u8]) -> impl Iterator<Item = &[u8]> {
	core::iter::from_fn(move || {
		let Some(window) = text.get(..=MAX_TEXT) else {
			let rest = core::mem::take(&mut text);
			return (!rest.is_empty()).then_some(rest);
		};
		// A chunk ends before the last byte of the window that is not part of a word.
		let end = window.iter().rposition(|byte| !is_word(byte));
		let (chunk, rest) = match end.filter(|end| *end > 0) {
			Some(end) => text.split_at(end),
			None => {
				// One word that is longer than a chunk, and counts by its first bytes.
				let start = usize::from(end.is_some());
				let word = text.get(start..).unwrap_or_default();
				let length = word.iter().position(|byte| !is_word(byte)).unwrap_or(word.len());
				let (word, rest) = word.split_at(length);
				(word.get(..MAX_WORD).unwrap_or(word), rest)
			}
		};
		text = rest;
		Some(chunk)
	})
}
