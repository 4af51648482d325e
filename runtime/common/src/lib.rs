//! What the root and the transaction runtime share: limits of a block, the native currency's constants, the transaction
//! extensions, and the verification of committees' certificates.
//!
//! # Overview
//!
//! | item | what it decides |
//! |---|---|
//! | [`BlockWeights`], [`BlockLength`] | how much a block may do and hold |
//! | [`UNIT`], [`EXISTENTIAL_DEPOSIT`], [`SS58_PREFIX`] | the native currency, and how addresses look |
//! | [`TxExtension`] | what every transaction of a user carries, the same on each chain |
//! | [`bls`] | BLS12-381 verification by host functions |
//! | [`possession`] | proofs that somebody has the secret of a consensus key |
//! | [`session_keys`] | the keys of a node that `author_rotateKeys` makes |
//!
//! # Flow
//!
//! ```text
//!  limits, constants, TxExtension ──► Config implementations of both runtimes
//!  bls ──► pallets' verification of certificates ──► host functions ──► the node's native BLS12-381
//! ```
//!
//! # Assumptions
//!
//! Blocks come once a second or less often. With a shorter interval, down to 200 ms, the proposer stops filling a block when
//! its time is over, long before it reaches these limits.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod bls;
pub mod possession;
pub mod session_keys;

use asterism_primitives::Balance;
use polkadot_sdk::{
	frame_metadata_hash_extension::CheckMetadataHash,
	frame_support::{
		dispatch::{DispatchClass, DispatchInfo, PostDispatchInfo},
		parameter_types,
		weights::{
			constants::{BlockExecutionWeight, ExtrinsicBaseWeight, WEIGHT_REF_TIME_PER_MILLIS},
			Weight,
		},
	},
	frame_system::{self, limits},
	sp_runtime::{generic::Era, traits::Dispatchable, Perbill},
};

/// How addresses of users are prefixed: the generic Substrate prefix.
pub const SS58_PREFIX: u16 = 42;

/// One noOs, in the smallest unit.
pub const UNIT: Balance = 1_000_000_000_000;

/// What an account must hold to exist: a millionth of a noOs.
pub const EXISTENTIAL_DEPOSIT: Balance = 1_000_000;

/// The time that executing a block may take on the reference machine: half the target interval, since it is executed
/// once by its proposer and once more by each voter.
pub const MAX_BLOCK_TIME: Weight = Weight::from_parts(500 * WEIGHT_REF_TIME_PER_MILLIS, u64::MAX);

/// The part of a block that ordinary transactions may take. The rest is for checkpoints and inherents.
pub const NORMAL_RATIO: Perbill = Perbill::from_percent(75);

/// The bytes of extrinsics that a block may hold.
pub const MAX_BLOCK_BYTES: u32 = 5 * 1024 * 1024;

/// What is put aside for inherents and hooks when the pool is asked for transactions.
const INITIALIZATION_RATIO: Perbill = Perbill::from_percent(5);

/// What a deposit of `items` storage items with `bytes` bytes together costs, in the smallest unit. It is given back.
pub const fn deposit(items: u32, bytes: u32) -> Balance {
	items as Balance * UNIT / 10 + bytes as Balance * UNIT / 10_000
}

parameter_types! {
	/// The weight that a block, and an extrinsic in it, may have.
	pub BlockWeights: limits::BlockWeights = limits::BlockWeights::builder()
		.base_block(BlockExecutionWeight::get())
		.for_class(DispatchClass::all(), |weights| {
			weights.base_extrinsic = ExtrinsicBaseWeight::get();
		})
		.for_class(DispatchClass::Normal, |weights| {
			weights.max_total = Some(NORMAL_RATIO * MAX_BLOCK_TIME);
		})
		.for_class(DispatchClass::Operational, |weights| {
			weights.max_total = Some(MAX_BLOCK_TIME);
			weights.reserved = Some(MAX_BLOCK_TIME - NORMAL_RATIO * MAX_BLOCK_TIME);
		})
		.avg_block_initialization(INITIALIZATION_RATIO)
		.build_or_panic();
	/// The bytes that a block may hold.
	pub BlockLength: limits::BlockLength = limits::BlockLength::builder()
		.max_length(MAX_BLOCK_BYTES)
		.modify_max_length_for_class(DispatchClass::Normal, |bytes| *bytes = NORMAL_RATIO * MAX_BLOCK_BYTES)
		.build();
	/// For how many blocks hashes are remembered, which bounds how long a mortal transaction lives.
	pub const BlockHashCount: u32 = 4096;
	/// See [`SS58_PREFIX`].
	pub const Ss58Prefix: u16 = SS58_PREFIX;
	/// See [`EXISTENTIAL_DEPOSIT`].
	pub const ExistentialDeposit: Balance = EXISTENTIAL_DEPOSIT;
}

/// What a transaction carries beside its call. No chain takes fees (Constellation §3: reputation instead), so there is
/// no payment among them.
pub type TxExtension<Runtime> = (
	frame_system::AuthorizeCall<Runtime>,
	frame_system::CheckNonZeroSender<Runtime>,
	frame_system::CheckSpecVersion<Runtime>,
	frame_system::CheckTxVersion<Runtime>,
	frame_system::CheckGenesis<Runtime>,
	frame_system::CheckEra<Runtime>,
	frame_system::CheckNonce<Runtime>,
	frame_system::CheckWeight<Runtime>,
	CheckMetadataHash<Runtime>,
	frame_system::WeightReclaim<Runtime>,
);

/// The extensions of a transaction with this era and nonce. One that authorizes itself has no account: its nonce is
/// not looked at.
pub fn tx_extension<Runtime>(era: Era, nonce: Runtime::Nonce) -> TxExtension<Runtime>
where
	Runtime: frame_system::Config + Send + Sync,
	Runtime::RuntimeCall: Dispatchable<Info = DispatchInfo, PostInfo = PostDispatchInfo>,
{
	(
		frame_system::AuthorizeCall::new(),
		frame_system::CheckNonZeroSender::new(),
		frame_system::CheckSpecVersion::new(),
		frame_system::CheckTxVersion::new(),
		frame_system::CheckGenesis::new(),
		frame_system::CheckEra::from(era),
		frame_system::CheckNonce::from(nonce),
		frame_system::CheckWeight::new(),
		CheckMetadataHash::new(false),
		frame_system::WeightReclaim::new(),
	)
}
