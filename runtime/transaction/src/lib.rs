//! The runtime of a transaction chain: the same blob for all of them. Which chain it is, and its parameters, are in the
//! genesis of `RootView`.
//!
//! # Overview
//!
//! | pallet | what for |
//! |---|---|
//! | `System`, `Timestamp` | as in every Substrate chain |
//! | `Balances` | the native currency, noOs |
//! | `Utility`, `Multisig`, `Proxy` | conveniences for users |
//! | [`RootView`] | the newest finalized root block, and what it says |
//! | [`Messages`] | channels to and from other chains |
//! | [`Epochs`] | which committee a block belongs to, and when the next one takes over |
//! | [`Actors`] | transfers, actors with code and their messages, within this chain and to others; the pot for dust |
//! | [`Composition`] | actors composed by the types of their messages: connections, pipelines, interfaces of other chains' actors |
//!
//! # Flow
//!
//! A block begins with up to three inherents, in this order: the time; the root block that it builds on, with the anchors
//! that it needs; the messages that those anchors prove. Then come messages to actors that earlier blocks left, users'
//! transactions, and as many messages to actors as there is time for. At its end the header states the
//! block's traffic, which is its checkpoint on the root chain.
//!
//! # Assumptions
//!
//! - `RootView` stands before `Messages`, and both after `Timestamp`: inherents run in the order of pallets.
//! - No fees are taken on any chain, so there is no payment among the transaction extensions.
//! - This runtime knows no committee, only its epoch. Blocks are certified outside of it.
#![cfg_attr(not(feature = "std"), no_std)]
// FRAME's macros make public items that can't be documented.
#![allow(missing_docs)]
#![recursion_limit = "512"]

extern crate alloc;

#[cfg(feature = "std")]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

mod apis;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarks;
mod configs;

#[cfg(test)]
mod tests;

pub use apis::{api, RuntimeApi};
pub use configs::ProxyType;

use alloc::borrow::Cow;
use alloc::vec::Vec;
use asterism_primitives::{AccountId, AccountNonce, Header, Signature};
use asterism_runtime_common::TxExtension;
use polkadot_sdk::{
	frame_executive, frame_support, frame_system,
	sp_runtime::{generic, MultiAddress},
	sp_version::{self, runtime_version, RuntimeVersion},
	*,
};

/// The address of a user's transaction.
pub type Address = MultiAddress<AccountId, ()>;
/// A block.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;
/// An extrinsic.
pub type UncheckedExtrinsic =
	generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension<Runtime>>;
/// What a user signs.
pub type SignedPayload = generic::SignedPayload<RuntimeCall, TxExtension<Runtime>>;
/// Executes blocks.
pub type Executive = frame_executive::Executive<
	Runtime,
	Block,
	frame_system::ChainContext<Runtime>,
	Runtime,
	AllPalletsWithSystem,
>;

/// The version of this runtime.
#[runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
	spec_name: Cow::Borrowed("asterism-transaction"),
	impl_name: Cow::Borrowed("asterism-transaction"),
	authoring_version: 1,
	spec_version: 1,
	impl_version: 1,
	apis: apis::VERSIONS,
	transaction_version: 1,
	system_version: 1,
};

#[frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeFreezeReason,
		RuntimeHoldReason,
		RuntimeSlashReason,
		RuntimeLockId,
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Runtime;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Timestamp = pallet_timestamp;
	#[runtime::pallet_index(2)]
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(4)]
	pub type Utility = pallet_utility;
	#[runtime::pallet_index(5)]
	pub type Multisig = pallet_multisig;
	#[runtime::pallet_index(6)]
	pub type Proxy = pallet_proxy;
	#[runtime::pallet_index(10)]
	pub type RootView = pallet_root_view;
	#[runtime::pallet_index(11)]
	pub type Messages = pallet_messages;
	#[runtime::pallet_index(12)]
	pub type Actors = pallet_actors;
	#[runtime::pallet_index(13)]
	pub type Epochs = pallet_epochs;
	#[runtime::pallet_index(14)]
	pub type Composition = pallet_composition;
}

/// The number of an account's next transaction.
pub type Nonce = AccountNonce;
