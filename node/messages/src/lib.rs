//! The courier: brings messages, with the proof that they were sent, from chain to chain (Thinkey §4.3).
//!
//! # Overview
//!
//! A message leaves chain A in a block whose checkpoint the root chain anchors. Chain B takes it in when a leader
//! of B puts the [`Delivery`](asterism_primitives::message::Delivery) of that block into its own, with a proof of
//! the anchor from a final root block. This crate finds out what waits for B, fetches it, and hands it to B's
//! leaders.
//!
//! | part | job |
//! |---|---|
//! | [`source`] | reads deliveries from a chain that runs in this process |
//! | [`server`] | answers other nodes' requests for deliveries of the chains that this node runs |
//! | [`peers`] | tells the peers of the root network which chains this node runs, and keeps what they tell |
//! | [`courier`] | fetches what waits for this node's chain, and verifies it |
//! | [`pool`] | keeps it until it is taken in |
//! | [`select`](mod@select) | the rule by which a block takes from the pool: in order, contiguous, within bounds |
//! | [`inherent`] | makes a block's inherent data of it: root view with state proof, and deliveries |
//!
//! # Flow
//!
//! ```text
//!                 final root block: what waits for B?
//!                                │
//!   chain A in this process ─────┤
//!                                ├──► verify against the anchor ──► pool ──► select ──► inherent data ──► B's block
//!   a peer that runs chain A ────┘             │
//!        ▲                                     └─ wrong: costs the peer reputation
//!        └── found by the `chains` protocol on the root network, asked by the `messages` protocol
//! ```
//!
//! # Assumptions
//!
//! - All nodes run a root node, so the root network connects nodes of different chains.
//! - Nobody who delivers is trusted: what doesn't match the anchor in this node's own final root state is dropped. A
//!   peer that lies or is silent can delay a message only as long as it is the only one asked.
//! - B's runtime verifies everything again. The courier of a leader can leave messages out for the length of its
//!   turn, but not change, repeat, or reorder them.

pub mod courier;
pub mod inherent;
mod metrics;
pub mod peers;
pub mod pool;
pub mod protocol;
pub mod select;
pub mod server;
pub mod source;

#[cfg(test)]
mod mock;

pub use courier::{run_courier, CourierParams, NetworkFetch, PeerFetch};
pub use inherent::{inherent_data, CourierInherentDataProvider, CourierInherents, InherentError};
pub use peers::{ChainsProtocol, ServingPeers};
pub use pool::DeliveryPool;
pub use select::select;
pub use server::{request_response_config, DeliveryServer};
pub use source::{ClientSource, DeliverySource, LocalSources, SourceError};

/// The target of this crate's log lines.
pub const LOG_TARGET: &str = "messages";
