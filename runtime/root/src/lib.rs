//! The runtime of the root chain: it coordinates the network and is its source of trust (Thinkey §3.2).
//!
//! # Overview
//!
//! A thin composition: what it does is in its pallets, beside those of the Polkadot SDK. Root keeps accounts with noOs of its
//! own; they are no part of the transaction chains' ledger.
//!
//! | pallet | what it keeps |
//! |---|---|
//! | [`pallet_chains`] | the registry: chains and their committees |
//! | [`pallet_checkpoints`] | certified blocks of transaction chains, and what each chain holds |
//! | [`pallet_stake`] | nodes that may be elected |
//! | [`pallet_epochs`] | the root chain's own epochs |
//! | [`pallet_beacon`] | random seeds, and the sharing of the key that makes them |
//! | [`pallet_elections`] | who runs which chain next |
//! | [`pallet_misconduct`] | punishment of members |
//!
//! # Flow
//!
//! Nodes ask [`asterism_primitives::api::RootApi`] for committees, anchors and channels, and submit checkpoints with the
//! extrinsic that it makes. Transaction chains read `Checkpoints.Anchors` and `Checkpoints.Channels` by state proof, so the
//! names of that pallet and these maps are part of the protocol.
//!
//! ```text
//!  checkpoint with a signal ──► Checkpoints ──► Chains ──┐
//!  own block with a signal ──► Epochs ──► Chains ────────┴─ OnEpoch ──► Elections ◄── OnSeed ── Beacon ◄── inherent
//!                                                                      │     ▲                  ▲
//!  Chains.Ready, by proof to the chain ◄── Chains ◄── CommitteeRecorder ┘     └ claims, words    └ Reshare, of Elections
//! ```
//!
//! A network without a beacon has no seeds, so nobody is ever elected: its chains keep the committees of their genesis.
//!
//! # Assumptions
//!
//! - The sudo key may register chains and replace the runtime. A network that doesn't want it leaves it out of its genesis.
//! - The account [`dust_pot`] is endowed with the existential deposit at genesis. Otherwise the first dust is burned, until
//!   somebody endows it.
#![cfg_attr(not(feature = "std"), no_std)]
// FRAME's macros make public items that can't be documented.
#![allow(missing_docs)]
// The macro that implements the runtime APIs recurses once for each call.
#![recursion_limit = "256"]

extern crate alloc;

#[cfg(feature = "std")]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

pub mod apis;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarks;
mod config;
mod periods;

pub use config::{dust_pot, slash_pot, MINIMUM_STAKE};
pub use periods::Periods;

use alloc::borrow::Cow;
use alloc::vec::Vec;
use asterism_primitives::{AccountId, Header, Signature};
use polkadot_sdk::{
	frame_executive, frame_support, frame_system, pallet_balances, pallet_multisig, pallet_proxy,
	pallet_sudo, pallet_timestamp, pallet_utility,
	sp_runtime::{self, generic, MultiAddress},
	sp_version::{runtime_version, RuntimeVersion},
};

/// How a transaction names an account.
pub type Address = MultiAddress<AccountId, ()>;
/// See [`asterism_runtime_common::TxExtension`].
pub type TxExtension = asterism_runtime_common::TxExtension<Runtime>;
/// An extrinsic.
pub type UncheckedExtrinsic = generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;
/// A block.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;
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
	spec_name: Cow::Borrowed("asterism-root"),
	impl_name: Cow::Borrowed("asterism-root"),
	authoring_version: 1,
	spec_version: 1,
	impl_version: 1,
	apis: apis::RUNTIME_API_VERSIONS,
	transaction_version: 1,
	system_version: 1,
};

#[frame_support::runtime]
mod runtime {
	use super::*;

	/// The runtime.
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

	/// Accounts, blocks, events.
	#[runtime::pallet_index(0)]
	pub type System = frame_system::Pallet<Runtime>;
	/// The time of a block.
	#[runtime::pallet_index(1)]
	pub type Timestamp = pallet_timestamp::Pallet<Runtime>;
	/// Balances in noOs.
	#[runtime::pallet_index(2)]
	pub type Balances = pallet_balances::Pallet<Runtime>;
	/// The superuser of development networks.
	#[runtime::pallet_index(3)]
	pub type Sudo = pallet_sudo::Pallet<Runtime>;
	/// Batches of calls.
	#[runtime::pallet_index(4)]
	pub type Utility = pallet_utility::Pallet<Runtime>;
	/// Accounts of several signers.
	#[runtime::pallet_index(5)]
	pub type Multisig = pallet_multisig::Pallet<Runtime>;
	/// Accounts that act for others.
	#[runtime::pallet_index(6)]
	pub type Proxy = pallet_proxy::Pallet<Runtime>;
	/// The registry of chains.
	#[runtime::pallet_index(10)]
	pub type Chains = pallet_chains::Pallet<Runtime>;
	/// Checkpoints of transaction chains. Its name is part of the protocol: [`asterism_primitives::root_state`].
	#[runtime::pallet_index(11)]
	pub type Checkpoints = pallet_checkpoints::Pallet<Runtime>;
	/// Nodes that may be elected to committees.
	#[runtime::pallet_index(12)]
	pub type Stake = pallet_stake::Pallet<Runtime>;
	/// The root chain's own epochs.
	#[runtime::pallet_index(13)]
	pub type Epochs = pallet_epochs::Pallet<Runtime>;
	/// The random beacon.
	#[runtime::pallet_index(14)]
	pub type Beacon = pallet_beacon::Pallet<Runtime>;
	/// Elections of committees.
	#[runtime::pallet_index(15)]
	pub type Elections = pallet_elections::Pallet<Runtime>;
	/// Punishment of members of committees.
	#[runtime::pallet_index(16)]
	pub type Misconduct = pallet_misconduct::Pallet<Runtime>;
}
