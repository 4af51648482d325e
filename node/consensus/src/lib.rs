//! One committee consensus for both tiers: commonware's simplex, deciding on Substrate blocks (Thinkey §4.2).
//!
//! # Overview
//!
//! | module | concern |
//! |---|---|
//! | [`scheme`] | signatures, and certificates in the engine's and in the chain's form |
//! | [`keys`] | a member's keys in the keystore |
//! | [`committees`] | committees from the root chain's state; verification of certificates |
//! | [`network`] | the members-only channel over the node's own p2p service |
//! | [`chain`] | what consensus asks of a chain |
//! | [`client`] | a Substrate client as such a chain |
//! | [`broadcast`] | final blocks to everybody else: the body to a few, the announcement to the rest |
//! | [`budget`] | how much a peer may ask for or send |
//! | [`application`] | proposes, verifies, certifies and finalizes blocks |
//! | [`host`] | the application's time and tasks |
//! | [`engine`] | simplex on its own runtime, with its vote journal |
//! | [`import`] | the import queue, which verifies certificates |
//! | [`evidence`] | contradictory votes and certificates, and certified blocks that are refused |
//! | [`forks`] | certificates that contradict the final chain, or whose blocks are refused |
//! | [`exclusion`] | which members the others cut off, as their nodes are excluded |
//! | [`votes`] | checks a vote journal for contradictions |
//! | [`worker`] | joins them: runs a member from its keys to its blocks |
//!
//! # Flow
//!
//! ```text
//!   sc-network ◄──► network ◄─ votes, certificates ─► engine (own thread)
//!                      ▲                                │ propose, verify, certify, report
//!                      └────────── blocks ─────► application ──► chain: build, execute, import, finalize
//!                                                                  │
//!   sync, broadcast ──► import queue: certificate verified ───────► client ──► broadcast: push, announce
//! ```
//!
//! # How Thinkey §4.2 maps onto simplex
//!
//! Proposal: the leader's `notarize` and its block. Preparation: `notarize` or `nullify` votes. Confirmation: the
//! notarization certificate, then `finalize` votes. The agreed block or the empty one: finalization or nullification certificates.
//!
//! # Assumptions
//!
//! - Fewer than a third of a committee's members are faulty. With more, nothing is agreed, or two blocks are: then the
//!   root chain's ledger bounds the harm to this chain (DESIGN §2).
//! - The clocks of honest members differ by less than the runtime's limit on timestamps in the future (30 s).
//! - The vote journal and the database survive together; a member that lost its journal must take new keys.

pub mod application;
pub mod broadcast;
pub mod budget;
pub mod chain;
pub mod client;
pub mod committees;
pub mod engine;
#[cfg(feature = "equivocation")]
pub mod equivocation;
pub mod evidence;
pub mod exclusion;
pub mod forks;
pub mod host;
pub mod import;
pub mod keys;
pub mod metrics;
pub mod network;
pub mod scheme;
pub mod votes;
pub mod worker;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
