//! The root committee's part in the random beacon (Thinkey §4.1, DESIGN §5): it shares one secret key, signs each final round with
//! the shares, makes seeds of the partial signatures, and passes the key on to the next committee.
//!
//! # Overview
//!
//! | module | concern |
//! |---|---|
//! | [`rounds`] | which rounds to sign, and how partial signatures become seeds: pure |
//! | [`dkg`] | making a sharing and passing it on, over a public board: pure |
//! | [`member`] | both, for a node: what to do given the newest final block and messages |
//! | [`worker`] | the task that runs it: finality, channel, pool |
//! | [`inherent`] | hands the newest seed to whoever proposes a block |
//! | [`board`] | the board as a client of the root chain sees it |
//! | [`store`] | shares on disk |
//! | [`output`] | the public side of a sharing; verification of seeds |
//! | [`wire`] | messages, and what is asked of the channel among members |
//! | [`ceremony`] | the first committee makes the key before there is a chain |
//! | [`dealt`] | shares that everybody knows, for development networks |
//!
//! # Flow
//!
//! ```text
//!  root finality ─► rounds: sign ─► channel ─► other members
//!                     ▲                          │ partial signatures
//!                     └──────── quorum ◄─────────┘
//!                     │ seed
//!                     └─► inherent data of the next own block ─► pallet-beacon
//!
//!  pallet-beacon: Resharing ─► dkg: dealings ─► channel ─► acknowledgements ─► log ─► pool ─► board
//!  deadline ─► logs of the board ─► output, share ─► disk ─► ready (said by the committees' crate)
//! ```
//!
//! # Assumptions
//!
//! - Fewer than a third of a root committee is faulty: a quorum has to sign a seed, and honest members are one.
//! - The channel tells who sent a message, and keeps dealings secret: see [`wire::Channel`].
//! - Members delete their shares when their epoch is over. A quorum that didn't could foresee seeds for ever, though not choose them.
//! - A member that changes its identity key between two committees takes part under the key of the next one, and is a silent
//!   dealer of the old one.

pub mod board;
pub mod ceremony;
pub mod dealt;
pub mod dkg;
pub mod inherent;
pub mod member;
pub mod metrics;
pub mod output;
pub mod rounds;
pub mod store;
pub mod wire;
pub mod worker;

#[cfg(test)]
mod simulation;

pub use asterism_identity as identity;
pub use inherent::{BeaconInherents, SeedHandle};
pub use member::ReadyHandle;
pub use output::verify_seed;
pub use wire::Channel;
pub use worker::{run_beacon, BeaconParams};

/// The target of this crate's log lines.
pub const LOG_TARGET: &str = "beacon";
