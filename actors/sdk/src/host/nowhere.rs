use crate::{
	abi::{Creation, Outgoing},
	Account, CodeHash, Info,
};
use core::marker::PhantomData;

/// Nobody to ask: outside of WebAssembly, and without the world for tests, no message is ever handled.
pub(crate) struct Host<'a>(Nobody, PhantomData<&'a ()>);

enum Nobody {}

impl Host<'_> {
	pub fn info(&self) -> Info {
		match self.0 {}
	}

	pub fn read<R>(&self, _: &[u8], _: impl FnOnce(Option<&[u8]>) -> R) -> R {
		match self.0 {}
	}

	pub fn write(&mut self, _: &[u8], _: &[u8]) {
		match self.0 {}
	}

	pub fn remove(&mut self, _: &[u8]) {
		match self.0 {}
	}

	pub fn send(&mut self, _: Outgoing) {
		match self.0 {}
	}

	pub fn create(&mut self, _: Creation) -> Account {
		match self.0 {}
	}

	pub fn become_code(&mut self, _: &CodeHash) {
		match self.0 {}
	}

	pub fn end(&mut self, _: &Account) {
		match self.0 {}
	}

	pub fn gas_left(&self) -> u64 {
		match self.0 {}
	}

	pub fn log(&self, _: &str) {
		match self.0 {}
	}
}
