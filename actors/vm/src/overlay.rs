//! Changes of an actor's storage that wait for its message to succeed.

use crate::{
	abi::MAX_CHANGES,
	run::{Failure, Host},
};
use alloc::{collections::BTreeMap, vec::Vec};
use codec::{Decode, Encode};
use scale_info::TypeInfo;

/// What becomes of a key of the actor's storage.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct Change {
	/// The key, at most [`MAX_KEY`](crate::abi::MAX_KEY) bytes.
	pub key: Vec<u8>,
	/// Its value from now on, at most [`MAX_VALUE`](crate::abi::MAX_VALUE) bytes; none if it is removed.
	pub value: Option<Vec<u8>>,
}

/// By how much the actor's storage grows, or shrinks where negative: what a chain takes a deposit for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct Deposit {
	/// Keys.
	pub items: i32,
	/// Bytes of keys and values together.
	pub bytes: i64,
}

struct Entry {
	/// The length of the value before the message; none if there was no value.
	before: Option<usize>,
	value: Option<Vec<u8>>,
}

/// The changes of one message, at most [`MAX_CHANGES`] keys.
#[derive(Default)]
pub(crate) struct Overlay(BTreeMap<Vec<u8>, Entry>);

impl Overlay {
	/// The value under a key as the code sees it.
	pub fn read(&self, key: &[u8], host: &dyn Host) -> Option<Vec<u8>> {
		match self.0.get(key) {
			Some(entry) => entry.value.clone(),
			None => host.read(key),
		}
	}

	/// Changes the value under a key.
	///
	/// # Errors
	/// [`Failure::TooManyChanges`].
	pub fn set(&mut self, key: Vec<u8>, value: Option<Vec<u8>>, host: &dyn Host) -> Result<(), Failure> {
		if let Some(entry) = self.0.get_mut(&key) {
			entry.value = value;
			return Ok(());
		}
		if self.0.len() >= MAX_CHANGES as usize {
			return Err(Failure::TooManyChanges);
		}
		let before = host.read(&key).map(|value| value.len());
		self.0.insert(key, Entry { before, value });
		Ok(())
	}

	/// What there is to apply, ordered by key, and what it means for the deposit.
	pub fn finish(self) -> (Vec<Change>, Deposit) {
		let mut deposit = Deposit::default();
		let mut changes = Vec::with_capacity(self.0.len());
		for (key, Entry { before, value }) in self.0 {
			if before.is_none() && value.is_none() {
				continue;
			}
			if let Some(len) = before {
				deposit.items -= 1;
				deposit.bytes -= (key.len() + len) as i64;
			}
			if let Some(value) = &value {
				deposit.items += 1;
				deposit.bytes += (key.len() + value.len()) as i64;
			}
			changes.push(Change { key, value });
		}
		(changes, deposit)
	}
}
