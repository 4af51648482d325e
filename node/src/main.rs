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
//! | `keys` | shows, proves and inserts a member's keys |
//! | `keystore` | the keystore as the RPC sees it |
//! | `service` | wires a chain's node together, root or transaction |
//! | `network` | several chains of a network in one process |
//! | `beacon` | the random beacon in a root node |
//! | `actors` | asks a node about actors and messages |
//! | `committee_size` | computes how large committees must be |
//! | `benchmark` | measures runtimes and the machine; only with the feature `runtime-benchmarks` |
//! | `api` | the types of a client whose runtime is only known by its APIs |
//!
//! # Flow
//!
//! ```text
//!  asterism --chain root.json                            a root node
//!  asterism --chain 1.json -- --chain root.json          root node ◄── in-process ── node of chain 1
//!  asterism --network <folder of specs>, or --dev        root node ◄── in-process ── nodes of all chains
//! ```
//!
//! # Assumptions
//!
//! - A transaction chain's node trusts the root node in its own process, and no other one.
//! - Two nodes never run with the same member's keys, and a member's vote journal is never older than its votes.
//! - The data folder, the keystore in it, the command line and the local RPC methods are the operator's alone.
#![warn(missing_docs)]
// The error type of `sc-cli` is large, and is made once in a process.
#![allow(clippy::result_large_err)]

mod actors;
mod api;
mod beacon;
#[cfg(feature = "runtime-benchmarks")]
mod benchmark;
mod cli;
mod command;
mod committee_size;
mod keys;
mod keystore;
mod network;
mod service;
mod specs;

fn main() -> sc_cli::Result<()> {
	command::run()
}
