//! In which order a block processes the messages of its accounts: how it comes about, and how it is checked, as pure data
//! structures without node, clock or network (Thinkey §5).
//!
//! # Overview
//!
//! Accounts are actors: each has a mailbox, processes its messages one after the other, and acts on others only by sending
//! them messages (Thinkey §5.1, §5.2). Different accounts share nothing, so all that matters of a block's execution is the
//! sequence in which each account has processed its messages. These sequences are the *processing order* σ.
//!
//! | module | concern | paper |
//! |---|---|---|
//! | [`queue`] | which message is executed next: mailboxes, turns, and the bounds on both | Thinkey §5.1 |
//! | [`order`] | the processing order of a block, and the check that it can have happened | Thinkey §5.3, theorem 1 |
//!
//! # Flow
//!
//! ```text
//!  inputs ──insert──► Queue ──pop──► an account processes the message ──► messages for other chains
//!                       ▲                 │        │
//!                       └──────send───────┘        └──record──► Facts ──order──► Order, in the block
//!            (what is left: the next block's)                     │                │
//!                                                                 └─────► check ◄──┘
//! ```
//!
//! - The executor puts inputs into the queue and executes what the queue gives it, until the queue is empty or the block
//!   has no weight left. It records each processing as a fact, under message names of its own that need only be unique.
//! - [`Facts::order`](order::Facts::order) derives the order from them.
//! - Whoever verifies a block checks its order against facts of his own: either he executes the block like the leader, or he
//!   takes the sequences of the order and replays each account by itself, all of them in parallel. Then each account may be
//!   right while the whole can't have happened, because effects were their own causes: [`order::check`] refuses that.
//!
//! # Assumptions
//!
//! - What a processing does depends on nothing but the account's own state and the message.
//! - The verifier has checked the inputs: signatures and nonces of external messages, proofs of relay messages.
//! - An order says who processed what and when, not with which result. A leader is free to choose among the orders that can
//!   have happened; the block's state root binds it to the outcome of that one.
//! - A message that the queue refuses is none of the block's messages. Whether it is refused for want of a place depends on
//!   the schedule, which an order doesn't hold: a verifier who replays accounts by themselves, instead of executing
//!   the schedule, must be told of those refusals.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod order;
pub mod queue;
