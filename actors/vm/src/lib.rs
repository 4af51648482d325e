//! Runs uploaded actor code: WebAssembly, metered and deterministic, by an interpreter inside the chain's runtime
//! (Thinkey §5.1 and §5.2). What code and chain agree on is in [`abi`].
//!
//! # Overview
//!
//! - [`validate`] decides, when code is uploaded, whether it may ever run.
//! - [`run`] lets code handle one message. It returns the [`Effects`], which the chain applies, or a [`Failure`], with
//!   which nothing is applied; and the gas that is to be paid for in either case, by the schedule in [`gas`].
//! - [`Host`] is what code can ask of the chain. It can only read.
//!
//! # Flow
//!
//! ```text
//!  upload ──► validate ──► code by its hash
//!                              │
//!  message, gas ──► run ◄──────┘ ◄──reads── Host
//!                    ├─ Ok:  creations, sends, next code, changed keys, deposit ──► the chain applies all of it
//!                    └─ Err: nothing; the value goes back to the sender
//! ```
//!
//! # Determinism
//!
//! The outcome, gas included, is a function of code, context, and what the host answers: no clock, no randomness, no
//! floating point, and nothing that depends on the machine. It may change with the interpreter, which is part of the
//! runtime, so it changes for all nodes in the same block.
//!
//! # Bounds
//!
//! Nothing that code does makes this crate panic, and nothing is allocated that is not bounded by a constant: the code's
//! memory and table, the interpreter's stacks (on the heap, by [`MAX_DEPTH`] and [`MAX_STACK`]; calls of the code don't
//! use the stack of the runtime), the effects, and the log. Time is bounded by gas.
//!
//! # Assumptions
//!
//! - [`run`] is given code that [`validate`] accepted. It is safe with other code too, which fails with
//!   [`Failure::BadCode`], though only once it gets to what is wrong.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod code;
pub mod gas;
mod host;
mod overlay;
mod run;

pub use asterism_actor_abi as abi;
pub use code::{
	validate, CodeError, Facts, Limit, MAX_DATA_SEGMENTS, MAX_ELEMENTS, MAX_ELEMENT_SEGMENTS, MAX_EXPORTS,
	MAX_FUNCTIONS, MAX_GLOBALS, MAX_IMPORTS, MAX_SECTIONS, MAX_TABLE, MAX_TYPES,
};
pub use overlay::{Change, Deposit};
pub use run::{run, Context, Created, Effects, Failure, Host, Outcome, Trap, MAX_DEPTH, MAX_STACK};
