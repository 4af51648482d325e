//! A node's part in elections of committees (Thinkey §4.1, DESIGN §6): it draws in private, comes forward if it is elected, says
//! when it is ready to take over, and reports members that contradicted themselves, or that made a block final which can't be.
//!
//! # Overview
//!
//! | module | concern |
//! |---|---|
//! | [`candidacy`] | which elections may be drawn for, and what a draw is good for: pure |
//! | [`readiness`] | when a member of the next committee may say that it is ready: pure |
//! | [`reports`] | evidence as the root chain takes it, and whose turn it is to report: pure |
//! | [`attempts`] | when something is tried again, and what a refusal means: pure |
//! | [`node`] | all of it for a node: actions and notices from views and time |
//! | [`view`] | what the root chain's final state, and this node's chains, say |
//! | [`served`] | the chains that run in this process |
//! | [`root`] | the root chain as its client and its pool |
//! | [`worker`] | the task that runs it |
//!
//! # Flow
//!
//! ```text
//!  final root block ─► view ─► node: draw ─► judge ─► claim ──────┐
//!  chains served ────────┘       │  members ─► ready ─► sign ─────┼─► root pool ─► outcome ─► node
//!  evidence of the chains ───────┘  charges ─► turn ─► report ────┘
//! ```
//!
//! Nothing is kept on disk: what is on record at the root chain is not done again, and what a key draws is always the same.
//! So a restarted node goes on where it was.
//!
//! # Unpredictability
//!
//! A draw is made only for an election that is open in a *final* block, from a seed whose round is not before the signal: see
//! [`candidacy::Open`], without which there is no draw. What was drawn leaves the node as a claim, and only if the claim would be
//! taken now: of the elected at once, of nodes on standby in the window's second half, while too few are elected. Until then
//! neither a log line above the level `debug` nor a metric depends on it.
//!
//! # Assumptions
//!
//! - The root node in this process is trusted; what its runtime says is checked for sense, not for truth.
//! - The keystore of the root node has identity and sortition key. The keystore of each served chain has identity and
//!   consensus key, or the node can't serve there, and says so.
//! - A chain that is [served](served::ServedChains) runs its committee's engine whenever its keystore has a member's keys.
//! - Claims, words and reports are free of charge, and the pool takes only those that the chain would.

pub mod attempts;
pub mod candidacy;
mod metrics;
pub mod node;
pub mod readiness;
pub mod reports;
pub mod root;
pub mod served;
pub mod view;
pub mod worker;

#[cfg(test)]
mod tests;

pub use served::{ClientProgress, EvidenceSource, Progress, Served, ServedChains};
pub use worker::{run_committees, CommitteesParams};

/// The target of this crate's log lines.
pub const LOG_TARGET: &str = "committees";
