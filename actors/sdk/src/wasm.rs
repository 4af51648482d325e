//! The module that a chain runs: host functions, the function that handles messages, and the allocator.

use crate::{
	abi::{Creation, Incoming, Outgoing, MAX_VALUE},
	dispatch, Account, Actor, CodeHash, Context, Info, Refusal,
};
use alloc::vec::Vec;
use codec::{DecodeAll, Encode};
use core::{
	alloc::{GlobalAlloc, Layout},
	arch::wasm32,
	cell::Cell,
	marker::PhantomData,
	mem::MaybeUninit,
	ptr, slice,
};

/// The functions of [`crate::abi`].
mod imports {
	#[link(wasm_import_module = "asterism")]
	unsafe extern "C" {
		pub fn info(out: *mut u8) -> i32;
		pub fn input_len() -> i32;
		pub fn input(out: *mut u8);
		pub fn read(key: *const u8, key_len: usize, out: *mut u8, out_cap: usize) -> i32;
		pub fn write(key: *const u8, key_len: usize, value: *const u8, value_len: usize);
		pub fn remove(key: *const u8, key_len: usize);
		pub fn send(message: *const u8, len: usize);
		pub fn create(creation: *const u8, len: usize, out: *mut u8);
		#[link_name = "become"]
		pub fn become_code(code: *const u8);
		pub fn end(heir: *const u8);
		pub fn refuse(reason: *const u8, len: usize);
		pub fn gas_left() -> i64;
		pub fn log(text: *const u8, len: usize);
	}
}

/// The chain.
pub(crate) struct Host<'a>(PhantomData<&'a ()>);

impl Host<'_> {
	pub fn info(&self) -> Info {
		let mut bytes = [0; Info::ENCODED_LEN];
		// SAFETY: as many bytes are written.
		unsafe { imports::info(bytes.as_mut_ptr()) };
		decode(&bytes)
	}

	pub fn read<R>(&self, key: &[u8], then: impl FnOnce(Option<&[u8]>) -> R) -> R {
		let mut value = [MaybeUninit::<u8>::uninit(); MAX_VALUE as usize];
		// SAFETY: nothing is written beyond the buffer's length.
		let length =
			unsafe { imports::read(key.as_ptr(), key.len(), value.as_mut_ptr().cast(), value.len()) };
		then(match usize::try_from(length) {
			Err(_) => None,
			// SAFETY: of a value that fits into the buffer, all bytes were written.
			Ok(length) if length <= value.len() => {
				Some(unsafe { slice::from_raw_parts(value.as_ptr().cast(), length) })
			}
			Ok(_) => wasm32::unreachable(),
		})
	}

	pub fn write(&mut self, key: &[u8], value: &[u8]) {
		// SAFETY: the host reads the two slices.
		unsafe { imports::write(key.as_ptr(), key.len(), value.as_ptr(), value.len()) }
	}

	pub fn remove(&mut self, key: &[u8]) {
		// SAFETY: the host reads the slice.
		unsafe { imports::remove(key.as_ptr(), key.len()) }
	}

	pub fn send(&mut self, message: Outgoing) {
		let message = message.encode();
		// SAFETY: the host reads the slice.
		unsafe { imports::send(message.as_ptr(), message.len()) }
	}

	pub fn create(&mut self, creation: Creation) -> Account {
		let creation = creation.encode();
		let mut account = Account::default();
		// SAFETY: the host reads the slice, and writes as many bytes as an account has.
		unsafe { imports::create(creation.as_ptr(), creation.len(), account.as_mut_ptr()) }
		account
	}

	pub fn become_code(&mut self, code: &CodeHash) {
		// SAFETY: the host reads as many bytes as a hash has.
		unsafe { imports::become_code(code.as_ptr()) }
	}

	pub fn end(&mut self, heir: &Account) {
		// SAFETY: the host reads as many bytes as an account has.
		unsafe { imports::end(heir.as_ptr()) }
	}

	pub fn gas_left(&self) -> u64 {
		// SAFETY: it touches no memory.
		unsafe { imports::gas_left() as u64 }
	}

	pub fn log(&self, text: &str) {
		// SAFETY: the host reads the slice.
		unsafe { imports::log(text.as_ptr(), text.len()) }
	}
}

/// What the chain says decodes.
fn decode<T: DecodeAll>(mut bytes: &[u8]) -> T {
	T::decode_all(&mut bytes).unwrap_or_else(|_| wasm32::unreachable())
}

/// Handles the message that the chain has for the actor.
pub fn handle<A: Actor>() {
	if let Err(refusal) = receive::<A>() {
		let reason = refusal.text();
		// SAFETY: the host reads the slice.
		unsafe { imports::refuse(reason.as_ptr(), reason.len()) }
	}
}

fn receive<A: Actor>() -> Result<(), Refusal> {
	// SAFETY: it touches no memory.
	let length = unsafe { imports::input_len() } as usize;
	let mut bytes = Vec::<u8>::with_capacity(length);
	// SAFETY: the host writes as many bytes as it said.
	unsafe {
		imports::input(bytes.as_mut_ptr());
		bytes.set_len(length);
	}
	let Incoming {
		sender,
		kind,
		value,
		body,
	} = decode(&bytes);
	dispatch::<A>(&mut Context::new(Host(PhantomData), sender, kind, value), &body)
}

/// An allocator that moves forward through the memory, which is fresh for each message. Only the newest block can grow
/// in its place, and be used again.
pub struct Bump {
	/// Where the next block may begin; 0 before the first one.
	next: Cell<usize>,
}

// SAFETY: a module has one thread.
unsafe impl Sync for Bump {}

impl Bump {
	/// An allocator of all memory behind the module's own data.
	#[allow(clippy::new_without_default)]
	pub const fn new() -> Self {
		Self { next: Cell::new(0) }
	}

	/// Takes the memory from `start` to `start + size`, or tells that there isn't as much.
	fn take(&self, start: usize, size: usize) -> Option<()> {
		const PAGE: usize = 64 * 1024;
		let end = start.checked_add(size)?;
		let missing = end.div_ceil(PAGE).saturating_sub(wasm32::memory_size::<0>());
		if missing > 0 && wasm32::memory_grow::<0>(missing) == usize::MAX {
			return None;
		}
		self.next.set(end);
		Some(())
	}

	fn is_newest(&self, block: *mut u8, layout: Layout) -> bool {
		block as usize + layout.size() == self.next.get()
	}
}

// SAFETY: blocks are aligned and don't overlap: each begins where all earlier ones that are in use have ended.
unsafe impl GlobalAlloc for Bump {
	unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
		unsafe extern "C" {
			/// Where the module's data and stack end; the linker sets its address.
			static __heap_base: u8;
		}
		let next = match self.next.get() {
			0 => &raw const __heap_base as usize,
			next => next,
		};
		next.checked_next_multiple_of(layout.align())
			.filter(|start| self.take(*start, layout.size()).is_some())
			.map_or(ptr::null_mut(), |start| start as *mut u8)
	}

	unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
		if self.is_newest(block, layout) {
			self.next.set(block as usize);
		}
	}

	unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
		if self.is_newest(block, layout) {
			return self
				.take(block as usize, size)
				.map_or(ptr::null_mut(), |()| block);
		}
		if size <= layout.size() {
			return block;
		}
		// SAFETY: the caller vouches for the alignment, and that the size, rounded up to it, doesn't overflow.
		let new = unsafe { self.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
		if !new.is_null() {
			// SAFETY: both blocks are at least as long as the old one.
			unsafe { ptr::copy_nonoverlapping(block, new, layout.size()) };
		}
		new
	}
}
