//! The reducer: adds up the counts of all chunks of a text.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use alloc::vec::Vec;
use asterism_actor::{actor, ensure, Actor, Address, Context, Interface, Item, Map, MessageType, Refusal};
use codec::{Decode, Encode};
use scale_info::meta_type;
use wordcount::{Counts, Reducer as Message, Total, MAX_COUNTS, MAX_MAPPERS, MAX_PARTS};

/// What is counted, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Job {
	/// Whose text it is.
	pub owner: Address,
	/// The mappers.
	pub mappers: Vec<Address>,
	/// How many chunks the text has.
	pub chunks: u32,
}

/// How far the job is done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Progress {
	/// Chunks of which all parts were added.
	pub chunks: u32,
	/// Words that were added.
	pub words: u64,
}

/// What was added of a chunk.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Added {
	/// How many parts there are.
	pub parts: u8,
	/// A bit for each part that was added.
	pub set: u32,
}

/// What is counted.
pub const JOB: Item<Job> = Item::new("job");
/// How far that is done: completely, once there are as many chunks as in the job.
pub const PROGRESS: Item<Progress> = Item::new("progress");
/// What was added of each chunk.
pub const ADDED: Map<u32, Added> = Map::new("added");
/// How often each word occurs.
pub const WORDS: Map<Vec<u8>, u64> = Map::new("words");

/// The actor.
pub struct Reducer;
actor!(Reducer);

impl Actor for Reducer {
	type Accepts = Message;

	fn handle(context: &mut Context, message: Message) -> Result<(), Refusal> {
		match message {
			Message::Start { mappers, chunks } => {
				ensure!(JOB.get(context)?.is_none(), "there is a job already");
				ensure!(mappers.len() <= MAX_MAPPERS, "there are too many mappers");
				let owner = context.sender();
				let job = Job {
					owner,
					mappers,
					chunks,
				};
				JOB.set(context, &job)
			}
			Message::Counts(counts) => {
				context.no_value()?;
				add(context, counts)
			}
		}
	}
}

impl Interface for Reducer {
	const NAME: &'static str = "reducer";
	const EMITS: &'static [MessageType] = &[("total", meta_type::<Total>)];
}

fn add(context: &mut Context, counts: Counts) -> Result<(), Refusal> {
	let Counts {
		owner,
		chunk,
		part,
		parts,
		counts,
	} = counts;
	let job = JOB.get(context)?.ok_or("there is no job")?;
	ensure!(
		job.mappers.contains(&context.sender()),
		"only a mapper may do that"
	);
	ensure!(owner == job.owner, "only the owner may send chunks");
	ensure!(chunk < job.chunks, "there is no such chunk");
	ensure!(part < parts && parts <= MAX_PARTS, "there is no such part");
	ensure!(counts.len() <= MAX_COUNTS, "there are too many counts");

	let added = ADDED.get(context, &chunk)?;
	let mut added = added.unwrap_or(Added { parts, set: 0 });
	ensure!(added.parts == parts, "the chunk was another one before");
	let bit = 1u32.checked_shl(part.into()).ok_or("there is no such part")?;
	ensure!(added.set & bit == 0, "the part was added");
	added.set |= bit;
	ADDED.set(context, &chunk, &added)?;

	let mut progress = PROGRESS.get(context)?.unwrap_or_default();
	for (word, count) in counts {
		let sum = WORDS.get(context, &word)?.unwrap_or_default();
		let sum = sum.checked_add(count.into()).ok_or("a count is too large")?;
		WORDS.set(context, &word, &sum)?;
		progress.words = progress
			.words
			.checked_add(count.into())
			.ok_or("a count is too large")?;
	}
	if added.set.count_ones() == u32::from(parts) {
		progress.chunks = progress.chunks.saturating_add(1);
		if progress.chunks == job.chunks {
			let total = Total {
				chunks: progress.chunks,
				words: progress.words,
			};
			context.send(&job.owner, &total, 0, 0)?;
		}
	}
	PROGRESS.set(context, &progress)
}
