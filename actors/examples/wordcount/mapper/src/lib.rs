//! A mapper: counts the words of a chunk of text, and tells the counts to the reducer.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use alloc::vec::Vec;
use asterism_actor::{
	abi::MAX_BODY, actor, ensure, Actor, Address, Context, Interface, MessageType, Refusal,
};
use codec::Encode;
use scale_info::meta_type;
use wordcount::{words, Counts, Mapper as Message, Reducer, MAX_COUNTS, MAX_PARTS};

/// The actor.
pub struct Mapper;
actor!(Mapper);

impl Actor for Mapper {
	type Accepts = Message;

	fn handle(context: &mut Context, message: Message) -> Result<(), Refusal> {
		context.no_value()?;
		let Message::Count {
			reducer,
			chunk,
			mut text,
		} = message;
		text.make_ascii_lowercase();
		let parts = parts(&text, context.sender(), chunk)?;
		let gas = context.gas_left() / (parts.len() as u64 + 1);
		for part in parts {
			context.send(&reducer, &Reducer::Counts(part), 0, gas)?;
		}
		Ok(())
	}

	fn paid(_: &mut Context) -> Result<(), Refusal> {
		Ok(())
	}
}

impl Interface for Mapper {
	const NAME: &'static str = "mapper";
	const EMITS: &'static [MessageType] = &[("to_reducer", meta_type::<Reducer>)];
	const DEADLINE: Option<u32> = Some(0);
}

/// The counts of a chunk, in messages that are short enough. A chunk without words has one part too, without counts.
fn parts(text: &[u8], owner: Address, chunk: u32) -> Result<Vec<Counts>, Refusal> {
	let empty = Counts {
		owner,
		chunk,
		part: 0,
		parts: 0,
		counts: Vec::new(),
	};
	// The message's variant takes a byte more.
	let overhead = empty.encoded_size().saturating_add(1);
	let mut words: Vec<&[u8]> = words(text).collect();
	words.sort_unstable();

	let mut parts = Vec::new();
	let (mut part, mut size) = (empty.clone(), overhead);
	for same in words.chunk_by(|one, other| one == other) {
		let Some(word) = same.first() else { continue };
		let count = u32::try_from(same.len()).map_err(|_| "there are too many words")?;
		let more = word.encoded_size().saturating_add(count.encoded_size());
		if part.counts.len() >= MAX_COUNTS || size.saturating_add(more) > MAX_BODY as usize {
			parts.push(core::mem::replace(&mut part, empty.clone()));
			size = overhead;
		}
		size = size.saturating_add(more);
		part.counts.push((word.to_vec(), count));
	}
	parts.push(part);

	let count = u8::try_from(parts.len()).unwrap_or(u8::MAX);
	ensure!(count <= MAX_PARTS, "there are too many words");
	for (number, part) in (0..count).zip(&mut parts) {
		(part.part, part.parts) = (number, count);
	}
	Ok(parts)
}
