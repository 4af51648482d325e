//! Brings a transaction chain's certified blocks to the root chain, as checkpoints (Thinkey §4.3).
//!
//! # Overview
//!
//! Any node of a transaction chain may run [`run_checkpoint_submitter`], several do, and none is trusted: a
//! checkpoint is a run of headers whose last one carries its committee's certificate, and the root chain verifies
//! both. So the worst that a submitter can do is nothing, and then another one does it.
//!
//! # Flow
//!
//! ```text
//!  chain's client ──finality──┐                                    ┌─► root pool ─► gossip ─► root leader
//!                             ├─► observe ─► decide ─► (stagger) ─►┤
//!  root client ────import─────┘   (values)   (pure)                └─ refused: back off
//! ```
//!
//! Each round starts from the root chain's state: the newest checkpointed block of the chain, its *head*. The
//! submitter keeps nothing on disk, so a restart resumes with neither gap nor repeat. [`decide`] names the blocks to
//! submit next: those after the head, up to the newest one that has a certificate, at most [`MAX_HEADERS`].
//!
//! It doesn't flood the root pool: from one head, a node submits once, and again only after [`RESUBMIT_AFTER`]
//! without any progress. Members stagger by [`CheckpointSubmitterParams::delay`], so that usually one of them
//! submits and the others see the head move before their turn. What the pool refuses is tried again with
//! exponential back-off.
//!
//! # Assumptions
//!
//! - Blocks below the local finalized block never change; a root head that contradicts them means that the node
//!   follows another chain than the one on record, which it reports and can't repair.
//! - Among any [`MAX_HEADERS`] consecutive final blocks one has a finalization certificate of its own. Consensus
//!   makes one for nearly every block.

mod backoff;
mod decide;
mod metrics;
mod submitter;

pub use backoff::Backoff;
pub use decide::{decide, Decision, Observation, Waiting, MAX_HEADERS};
pub use submitter::{
	certificate_of, run_checkpoint_submitter, CheckpointSubmitterParams, RootPool, RESUBMIT_AFTER,
};

/// The target of this crate's log lines.
pub const LOG_TARGET: &str = "checkpoints";
