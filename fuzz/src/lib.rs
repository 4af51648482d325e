//! What the fuzz targets share.

use asterism_primitives::protocol::channel::Batch;
use codec::{Decode, DecodeAll, Encode};
use std::fmt::Debug;

/// The value that the bytes encode, if they encode one.
///
/// # Panics
/// If the value has another encoding: then two different byte strings would mean the same.
pub fn canonical<T: DecodeAll + Encode + Debug>(bytes: &[u8]) -> Option<T> {
	let value = T::decode_all(&mut &bytes[..]).ok()?;
	assert_eq!(value.encode(), bytes, "another encoding of {value:?}");
	Some(value)
}

/// What may happen to the ends of a channel.
#[derive(Debug, Decode, Encode)]
pub enum Step {
	/// The root chain records a batch of the source's block with this number.
	Record(u32, Batch),
	/// The root chain records that the destination expects this nonce next.
	Acknowledge(u64),
	/// The destination accepts a batch.
	Accept(Batch),
	/// The source sends a message.
	Send,
	/// The source sends a message that returns a value.
	SendBack,
	/// The source's block with this number ends.
	Close(u32),
	/// The source learns that the destination expects this nonce next.
	News(u64),
}
