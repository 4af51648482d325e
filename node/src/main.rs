//! `asterism`: one binary for every chain of a network.
//!
//! # Overview
//!
//! The binary is an omni node: it knows no runtime but through the runtime APIs of `asterism-primitives`; runtimes are
//! Wasm blobs inside chain specs.
//!
//! | module | concern |
//! |---|---|
//! | `cli` | what can be said on the command line; the second command line after `--`, for the embedded root node |
//! | `command` | carries it out |
//! | `specs` | finds a chain spec by name or file |
//! | `keys` | inserts a member's keys |
//! | `service` | wires a chain's node together, root or transaction |
//! | `dev` | a whole network in one process |
//! | `api` | the types of a client whose runtime is only known by its APIs |
//!
//! # Flow
//!
//! ```text
//!  asterism --chain root.json                            a root node
//!  asterism --chain 1.json -- --chain root.json          root node ◄── in-process ── node of chain 1
//!  asterism --dev                                        root node ◄── in-process ── nodes of chains 1 and 2
//! ```
#![warn(missing_docs)]
// The error type of `sc-cli` is large, and is made once in a process.
#![allow(clippy::result_large_err)]

mod api;
mod cli;
mod command;
mod dev;
mod keys;
mod service;
mod specs;

fn main() -> sc_cli::Result<()> {
	command::run()
}
