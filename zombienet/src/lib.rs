//! Multi-node tests: the network of `network.toml`, as real processes that find each other over real connections.
//!
//! # Overview
//!
//! The tests in `tests/` tell stories: a member is killed, a committee loses its quorum, a node comes late. Each reads
//! like what it tells, in the words of [`Network`].
//!
//! | module | what it is |
//! |---|---|
//! | [`definition`] | reads `network.toml`, which zombienet spawns for a person, and network files of elected committees |
//! | [`node`] | one process: started, asked over JSON-RPC, killed |
//! | [`network`] | all of them, and what a story says about them |
//! | [`stake`] | a staked node on the root chain: what is on record of it, how it joins and leaves |
//! | [`transfer`] | a transfer between two chains, made with subxt |
//!
//! # Flow
//!
//! ```text
//!  network.toml ──Definition──► chain specs (asterism build-network) ──► processes ──► every chain makes blocks ──► story
//! ```
//!
//! # Assumptions
//!
//! - The binary is the one that `scripts/dev` builds, or the one that the variable `ASTERISM` names.
//! - The tests start the processes themselves, with what zombienet would say on their command lines: zombienet's SDK
//!   brings a thousand crates, most of a Polkadot node's client among them, which would double the time of a first build.
//! - Free ports from 20000 to 29999 are taken, so a network of `scripts/dev` or zombienet may run beside.

pub mod definition;
pub mod network;
pub mod node;
pub mod stake;
pub mod transfer;

pub use network::{tell, tell_of, Network};
