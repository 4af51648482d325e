//! Deterministic simulation of a whole root chain, with faults: elections, the passing on of the beacon's key, and the handover from
//! committee to committee.
//!
//! # Overview
//!
//! Seven nodes run in simulated time over a simulated network. Real are: the runtime with all its pallets, executed natively;
//! consensus, with its application and its journals; the node's parts in the beacon and in elections; the verification of blocks
//! that come from peers; all keys and signatures. Played are the client with its database and its pool, and the network.
//!
//! | module | concern |
//! |---|---|
//! | `keystore` | keys whose signatures are the same in each run |
//! | `ledger` | the chain: blocks are built and executed by the root runtime |
//! | `pool` | extrinsics that wait for a block |
//! | `local` | one node's disk and view |
//! | `network` | channels and messages |
//! | `node` | one node's tasks |
//! | `faults` | what goes wrong in a run, by its seed |
//! | `check` | what must hold however a run went |
//! | `run` | runs, each decided by its seed |
//!
//! # Flow
//!
//! ```text
//!  seed ──► faults, keys, delays ──► run: nodes ◄──► network ──► what each node did and saw ──► check
//! ```
//!
//! # Faults
//!
//! Messages are lost and late. Up to f members of the serving committee, and any others, are cut off for a while, or their processes
//! end and begin again with what was on disk, at the moment of a handover too. One node may be silent until the end.
//!
//! # Running it
//!
//! 50 seeds run by default; `ASTERISM_SIMULATION_SEEDS=1000` sets another number, and `ASTERISM_SIMULATION_SEED=42` runs one alone.
//! A run that fails tells its seed, and what happened in it.
//!
//! # Assumptions
//!
//! - Nothing that is simulated reads the clock, the operating system's randomness, or an order of hash maps: the same seed is the
//!   same run.

#[cfg(test)]
mod check;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod keystore;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod local;
#[cfg(test)]
mod network;
#[cfg(test)]
mod node;
#[cfg(test)]
mod pool;
#[cfg(test)]
mod run;
