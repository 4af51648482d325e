//! How the pallets are put together.

use crate::*;
use asterism_order::queue::Limits;
use asterism_primitives::{Balance, BlockNumber, Hash, Hashing};
use asterism_runtime_common::{
	deposit, BlockHashCount, BlockLength, BlockWeights, ExistentialDeposit, Ss58Prefix,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	frame_support::{
		derive_impl, parameter_types,
		traits::{ConstU32, ConstU64, Get, InstanceFilter, VariantCountOf},
		PalletId,
	},
	sp_runtime::{
		traits::{AccountIdLookup, BlakeTwo256},
		Perbill,
	},
};
use scale_info::TypeInfo;

parameter_types! {
	pub const Version: RuntimeVersion = VERSION;
	pub const PotId: PalletId = PalletId(*b"ast/pot0");
	pub const CompositionId: PalletId = PalletId(*b"ast/comp");
	/// The part of a block that is set aside for messages which earlier blocks left.
	pub const QueueShare: Perbill = Perbill::from_percent(40);
	/// Messages that may wait on a chain: at most 10 MB of them.
	pub const QueueLimits: Limits = Limits { depth: 64, mailbox: 256, total: 4_096 };
	pub const DepositPerItem: Balance = deposit(1, 0);
	pub const DepositPerByte: Balance = deposit(0, 1);
	pub const MultisigDepositBase: Balance = deposit(1, 88);
	pub const MultisigDepositFactor: Balance = deposit(0, 32);
	pub const ProxyDepositBase: Balance = deposit(1, 8);
	pub const ProxyDepositFactor: Balance = deposit(0, 33);
	pub const AnnouncementDepositBase: Balance = deposit(1, 8);
	pub const AnnouncementDepositFactor: Balance = deposit(0, 66);
}

/// The least time between two blocks in milliseconds: half of what the chain's parameters aim at.
pub struct MinimumPeriod;

impl Get<u64> for MinimumPeriod {
	fn get() -> u64 {
		u64::from(RootView::parameters().block_interval) / 2
	}
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
	type Block = Block;
	type BlockWeights = BlockWeights;
	type BlockLength = BlockLength;
	type AccountId = AccountId;
	type Nonce = Nonce;
	type Hash = Hash;
	type Hashing = Hashing;
	type Lookup = AccountIdLookup<AccountId, ()>;
	type BlockHashCount = BlockHashCount;
	type DbWeight = frame_support::weights::constants::RocksDbWeight;
	type Version = Version;
	type AccountData = pallet_balances::AccountData<Balance>;
	type SS58Prefix = Ss58Prefix;
	type SystemWeightInfo = frame_system::weights::SubstrateWeight<Runtime>;
	type MaxConsumers = ConstU32<16>;
}

impl pallet_timestamp::Config for Runtime {
	type Moment = u64;
	type OnTimestampSet = ();
	type MinimumPeriod = MinimumPeriod;
	type WeightInfo = pallet_timestamp::weights::SubstrateWeight<Runtime>;
}

impl pallet_balances::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeHoldReason = RuntimeHoldReason;
	type RuntimeFreezeReason = RuntimeFreezeReason;
	type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
	type Balance = Balance;
	type DustRemoval = pallet_actors::DustToPot<Runtime>;
	type ExistentialDeposit = ExistentialDeposit;
	type AccountStore = System;
	type ReserveIdentifier = [u8; 8];
	type FreezeIdentifier = RuntimeFreezeReason;
	type MaxLocks = ConstU32<50>;
	type MaxReserves = ConstU32<50>;
	type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
	type DoneSlashHandler = ();
}

impl pallet_utility::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type PalletsOrigin = OriginCaller;
	type WeightInfo = pallet_utility::weights::SubstrateWeight<Runtime>;
}

impl pallet_multisig::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type Currency = Balances;
	type DepositBase = MultisigDepositBase;
	type DepositFactor = MultisigDepositFactor;
	type MaxSignatories = ConstU32<100>;
	type WeightInfo = pallet_multisig::weights::SubstrateWeight<Runtime>;
	type BlockNumberProvider = System;
}

/// What a proxy may do for the account that made it one.
#[derive(
	Copy,
	Clone,
	Debug,
	Default,
	Eq,
	PartialEq,
	Ord,
	PartialOrd,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum ProxyType {
	/// Everything.
	#[default]
	Any,
	/// All that moves no value.
	NonTransfer,
	/// Rejecting announced calls of other proxies.
	CancelProxy,
}

impl InstanceFilter<RuntimeCall> for ProxyType {
	fn filter(&self, call: &RuntimeCall) -> bool {
		match self {
			ProxyType::Any => true,
			// Calls within utility and multisig are filtered again when they are dispatched.
			ProxyType::NonTransfer => matches!(
				call,
				RuntimeCall::System(_)
					| RuntimeCall::Utility(_)
					| RuntimeCall::Multisig(_)
					| RuntimeCall::Proxy(_)
			),
			ProxyType::CancelProxy => {
				matches!(
					call,
					RuntimeCall::Proxy(pallet_proxy::Call::reject_announcement { .. })
				)
			}
		}
	}

	fn is_superset(&self, other: &Self) -> bool {
		match (self, other) {
			(a, b) if a == b => true,
			(ProxyType::Any, _) => true,
			(_, ProxyType::Any) => false,
			(ProxyType::NonTransfer, ProxyType::CancelProxy) => true,
			_ => false,
		}
	}
}

impl pallet_proxy::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type Currency = Balances;
	type ProxyType = ProxyType;
	type ProxyDepositBase = ProxyDepositBase;
	type ProxyDepositFactor = ProxyDepositFactor;
	type MaxProxies = ConstU32<32>;
	type WeightInfo = pallet_proxy::weights::SubstrateWeight<Runtime>;
	type MaxPending = ConstU32<32>;
	type CallHasher = BlakeTwo256;
	type AnnouncementDepositBase = AnnouncementDepositBase;
	type AnnouncementDepositFactor = AnnouncementDepositFactor;
	type BlockNumberProvider = System;
}

/// The length of this chain's epochs.
pub struct EpochLength;

impl Get<BlockNumber> for EpochLength {
	fn get() -> BlockNumber {
		RootView::parameters().epoch_length
	}
}

impl pallet_epochs::Config for Runtime {
	type Length = EpochLength;
	type NextCommittee = RootView;
	// A checkpoint tells the root chain.
	type Handover = ();
	type WeightInfo = pallet_epochs::weights::SubstrateWeight<Runtime>;
}

impl pallet_root_view::Config for Runtime {
	type OnAcknowledged = Messages;
	type WeightInfo = pallet_root_view::weights::SubstrateWeight<Runtime>;
}

impl pallet_messages::Config for Runtime {
	type RootState = RootView;
	type Handler = pallet_composition::Router<Runtime, Actors>;
	type MaxDeliveries = ConstU32<512>;
	type WeightInfo = pallet_messages::weights::SubstrateWeight<Runtime>;
}

/// Picoseconds of a gas in WebAssembly, at most: what an indirect call takes for its gas, rounded up.
const WEIGHT_PER_GAS: u64 = 30_000;
/// Gas that a message may carry: 150 ms.
const MAX_GAS: u64 = 5_000_000;

impl pallet_actors::Config for Runtime {
	type RuntimeHoldReason = RuntimeHoldReason;
	type Currency = Balances;
	type Messages = Messages;
	type Time = Timestamp;
	type PotId = PotId;
	type DepositPerItem = DepositPerItem;
	type DepositPerByte = DepositPerByte;
	type WeightPerGas = ConstU64<WEIGHT_PER_GAS>;
	type MaxGas = ConstU64<MAX_GAS>;
	type QueueShare = QueueShare;
	type QueueLimits = QueueLimits;
	type WeightInfo = pallet_actors::weights::SubstrateWeight<Runtime>;
}

impl pallet_composition::Config for Runtime {
	type RuntimeHoldReason = RuntimeHoldReason;
	type Currency = Balances;
	type Messages = Messages;
	type Interfaces = pallet_composition::OfActors<Runtime>;
	type Deliver = pallet_composition::OfActors<Runtime>;
	type PalletId = CompositionId;
	type DepositPerItem = DepositPerItem;
	type DepositPerByte = DepositPerByte;
	type MaxConnections = ConstU32<256>;
	type MaxPipelines = ConstU32<32>;
	type MaxAnnounced = ConstU32<1_024>;
	type WeightInfo = pallet_composition::weights::SubstrateWeight<Runtime>;
}
