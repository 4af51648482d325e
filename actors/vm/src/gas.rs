//! What gas is charged for. One gas is about the time of one simple instruction of the interpreter.
//!
//! | charged | gas |
//! |---|---|
//! | a message | [`MESSAGE`] |
//! | loading the code | [`CODE_BYTE`] a byte, [`ENTRY`] an entry, [`PAGE`] a page of initial memory |
//! | the first call of a function in a message: validating and compiling its body | 9 a byte |
//! | an instruction, after the interpreter has joined some and left out others | 1 |
//! | entering a function | 1 for each 8 of its locals and temporaries |
//! | `memory.grow` | [`PAGE`] a page |
//! | each call of a host function | [`CALL`], and what it does: |
//! | … bytes copied in or out | [`BYTE`] a byte |
//! | … `read` | [`READ`], [`READ_BYTE`] a byte of the value |
//! | … `write`, `remove` | [`WRITE`], [`WRITE_BYTE`] a byte of key and value |
//! | … `send` | [`SEND`], [`SEND_BYTE`] a byte, and the gas that the message takes along |
//! | … `create` | [`CREATE`], [`SEND_BYTE`] a byte, and the gas that the first message takes along |
//! | … `become` | [`BECOME`] |
//! | … `end` | [`END`] |
//!
//! For its gas, an indirect call takes the longest, about three times as long as simple instructions; host functions take
//! the least. So a chain should measure indirect calls to say how much time a gas is: `examples/speed.rs` does.
//!
//! Everything is charged before it is done, except for the value that `read` finds, which is bounded. The costs of the
//! interpreter are its own (1 an instruction, 64 bytes a gas, 9 a byte compiled). What the chain does to apply effects it
//! charges for by itself, beyond this.

/// A message, whatever it does: setting up the interpreter.
pub const MESSAGE: u64 = 5_000;
/// A byte of the code, when it is loaded for a message.
pub const CODE_BYTE: u64 = 1;
/// An entry of the code's sections (a type, import, function, global, export, segment or element), or of its table, when
/// it is loaded for a message.
pub const ENTRY: u64 = 150;
/// A page of 64 KiB of memory, initial or grown.
pub const PAGE: u64 = 1024;
/// A call of a host function.
pub const CALL: u64 = 50;
/// A byte that a host function copies.
pub const BYTE: u64 = 1;
/// `read`, which is a look-up in the chain's state.
pub const READ: u64 = 5_000;
/// A byte of the value that `read` finds.
pub const READ_BYTE: u64 = 2;
/// `write` or `remove`, which is a look-up in the chain's state, and a change of it at the end.
pub const WRITE: u64 = 20_000;
/// A byte of a key or value that is written or removed.
pub const WRITE_BYTE: u64 = 8;
/// `send`.
pub const SEND: u64 = 20_000;
/// A byte of an encoded message or creation.
pub const SEND_BYTE: u64 = 8;
/// `create`, which is two look-ups in the chain's state, and a new account at the end.
pub const CREATE: u64 = 60_000;
/// `become`, which is a look-up in the chain's state, and a change of it at the end.
pub const BECOME: u64 = 20_000;
/// `end`, with which an account ends and its heir is paid.
pub const END: u64 = 60_000;
