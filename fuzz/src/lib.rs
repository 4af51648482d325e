//! What the fuzz targets share.

use codec::{DecodeAll, Encode};
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
