//! The rules by which chains exchange messages and change their committees, and the root chain keeps them honest, as
//! pure state machines: functions of values, without node, clock, network or storage. The pallets run these very rules
//! over their storage, and `tests/model.rs` explores those of messages exhaustively.
//!
//! # Overview
//!
//! | module | rule | paper |
//! |---|---|---|
//! | [`channel`] | messages between two chains are delivered exactly once and in order | Thinkey §4.3, §5.2 |
//! | [`ledger`] | a chain can't spend what it doesn't hold; balances + value in flight = issuance | DESIGN §2 |
//! | [`sequence`] | checkpoints of a chain extend each other, without gap, repeat or fork | Thinkey §4.3 |
//! | [`epochs`] | when a chain asks for its next committee, and when its epoch ends | Thinkey §4.1, DESIGN §6 |
//! | [`sortition`] | who is elected, in private and in proportion to weight | Thinkey §4.1, DESIGN §6 |
//! | [`election`] | when claims are taken, and which committee comes out | Thinkey §4.1, DESIGN §6 |
//! | [`anchors`] | which anchors the root chain keeps: a window, and all that hold undelivered messages | Thinkey §4.3 |
//!
//! # Flow
//!
//! ```text
//!  chain A                     root chain                        chain B
//!  Outbound::send ──batch──►   sequence::extend
//!                              Ledger: A's outflow → in flight
//!                              ChannelRecord::record ──proof──► Inbound::accept
//!                              Ledger: in flight → B's holdings ◄─ checkpoint of B
//!  Outbound::acknowledge ◄──── ChannelRecord::acknowledge
//! ```
//!
//! # Assumptions
//!
//! - A checkpoint reaches these rules only after its certificate has been verified against the committee on
//!   record; a batch only after its Merkle proof has been verified against an anchor of a final root block.
//! - Counters are `u64` nonces and `u32` block numbers. All arithmetic is checked: an overflow is an error,
//!   never a wrap.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod anchors;
pub mod channel;
pub mod election;
pub mod epochs;
pub mod ledger;
pub mod sequence;
pub mod sortition;
mod types;

pub use types::{Balance, BlockNumber, ChainId, CurrencyId, Nonce};
