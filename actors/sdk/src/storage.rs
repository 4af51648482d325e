use crate::{
	abi::{MAX_KEY, MAX_VALUE},
	Context, Refusal,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeAll, Encode};
use core::marker::PhantomData;

/// Bytes that the name of an [`Item`] or a [`Map`] may have. It leaves room in a key for an address.
pub const MAX_NAME: usize = 27;

/// A value that an actor remembers.
///
/// It is stored under the SCALE encoding of its name, a string; items and maps of one actor have different names. At most
/// [`MAX_CHANGES`](crate::abi::MAX_CHANGES) different keys may be set or removed while one message is handled: more fail
/// the message.
pub struct Item<T> {
	name: &'static str,
	value: PhantomData<fn() -> T>,
}

impl<T> Item<T> {
	/// An item with this name.
	///
	/// # Panics
	/// If the name is longer than [`MAX_NAME`]; of a constant, this is an error of its compilation.
	pub const fn new(name: &'static str) -> Self {
		assert!(name.len() <= MAX_NAME, "the name is too long");
		Self {
			name,
			value: PhantomData,
		}
	}

	/// The key that it is stored under.
	pub fn key(&self) -> Vec<u8> {
		self.name.encode()
	}
}

impl<T: Encode + Decode> Item<T> {
	/// The value, or none if there is none.
	///
	/// # Errors
	/// If what is stored is something else, left by code that this actor ran before.
	pub fn get(&self, context: &Context) -> Result<Option<T>, Refusal> {
		get(context, &self.key())
	}

	/// Sets the value.
	///
	/// # Errors
	/// If its encoding is longer than [`MAX_VALUE`] bytes.
	pub fn set(&self, context: &mut Context, value: &T) -> Result<(), Refusal> {
		set(context, &self.key(), value)
	}

	/// Removes the value, if there is one.
	pub fn remove(&self, context: &mut Context) {
		context.host.remove(&self.key());
	}
}

/// Values that an actor remembers by keys.
///
/// Each is stored under the SCALE encoding of the map's name, a string, followed by that of the key: at most [`MAX_KEY`]
/// bytes together. A map can't be listed; who needs that keeps an [`Item`] with the keys. For the rest see [`Item`].
pub struct Map<K, V> {
	name: &'static str,
	entry: PhantomData<fn() -> (K, V)>,
}

impl<K: Encode, V> Map<K, V> {
	/// A map with this name.
	///
	/// # Panics
	/// If the name is longer than [`MAX_NAME`]; of a constant, this is an error of its compilation.
	pub const fn new(name: &'static str) -> Self {
		assert!(name.len() <= MAX_NAME, "the name is too long");
		Self {
			name,
			entry: PhantomData,
		}
	}

	/// The key that a value is stored under.
	pub fn key(&self, key: &K) -> Vec<u8> {
		let mut bytes = self.name.encode();
		key.encode_to(&mut bytes);
		bytes
	}

	fn checked_key(&self, key: &K) -> Result<Vec<u8>, Refusal> {
		let key = self.key(key);
		if key.len() > MAX_KEY as usize {
			return Err("a key is too long".into());
		}
		Ok(key)
	}
}

impl<K: Encode, V: Encode + Decode> Map<K, V> {
	/// The value under a key, or none if there is none.
	///
	/// # Errors
	/// If the key is too long, and if what is stored is something else, left by code that this actor ran before.
	pub fn get(&self, context: &Context, key: &K) -> Result<Option<V>, Refusal> {
		get(context, &self.checked_key(key)?)
	}

	/// Sets the value under a key.
	///
	/// # Errors
	/// If the key is too long, and if the value's encoding is longer than [`MAX_VALUE`] bytes.
	pub fn set(&self, context: &mut Context, key: &K, value: &V) -> Result<(), Refusal> {
		set(context, &self.checked_key(key)?, value)
	}

	/// Removes the value under a key, if there is one.
	///
	/// # Errors
	/// If the key is too long.
	pub fn remove(&self, context: &mut Context, key: &K) -> Result<(), Refusal> {
		context.host.remove(&self.checked_key(key)?);
		Ok(())
	}
}

fn get<T: Decode>(context: &Context, key: &[u8]) -> Result<Option<T>, Refusal> {
	context.host.read(key, |value| {
		value
			.map(|mut value| T::decode_all(&mut value).map_err(|_| "a stored value doesn't decode".into()))
			.transpose()
	})
}

fn set(context: &mut Context, key: &[u8], value: &impl Encode) -> Result<(), Refusal> {
	let value = value.encode();
	if value.len() > MAX_VALUE as usize {
		return Err("a value to store is too long".into());
	}
	context.host.write(key, &value);
	Ok(())
}
