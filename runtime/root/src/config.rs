//! What each pallet is told.

use super::*;
use asterism_primitives::{committee::BlsPublic, AccountNonce, Balance, ChainId, Hash};
use asterism_runtime_common::{
	bls::{self, HostBls},
	deposit, BlockHashCount, BlockLength, BlockWeights, ExistentialDeposit, Ss58Prefix,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	derive_impl, parameter_types,
	traits::{tokens::imbalance::ResolveTo, ConstU32, Get, InstanceFilter, VariantCountOf},
	weights::constants::RocksDbWeight,
	PalletId,
};
use pallet_chains::{ChainRegistry, ValidateKey};
use polkadot_sdk::frame_system::EnsureRoot;
use scale_info::TypeInfo;
use sp_runtime::traits::{AccountIdConversion, BlakeTwo256};

/// The account that the dust of reaped accounts goes to, so that the issuance never changes by dust.
pub fn dust_pot() -> AccountId {
	PalletId(*b"ast/dust").into_account_truncating()
}

/// See [`dust_pot`].
pub struct DustPot;
impl frame_support::traits::TypedGet for DustPot {
	type Type = AccountId;
	fn get() -> AccountId {
		dust_pot()
	}
}

parameter_types! {
	pub const Version: RuntimeVersion = VERSION;
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
	type Block = Block;
	type BlockWeights = BlockWeights;
	type BlockLength = BlockLength;
	type AccountId = AccountId;
	type Nonce = AccountNonce;
	type Hash = Hash;
	type Hashing = BlakeTwo256;
	type Lookup = sp_runtime::traits::AccountIdLookup<AccountId, ()>;
	type BlockHashCount = BlockHashCount;
	type DbWeight = RocksDbWeight;
	type Version = Version;
	type AccountData = pallet_balances::AccountData<Balance>;
	type SS58Prefix = Ss58Prefix;
	type MaxConsumers = ConstU32<16>;
	type SystemWeightInfo = frame_system::weights::SubstrateWeight<Runtime>;
	type ExtensionsWeightInfo = frame_system::SubstrateExtensionsWeight<Runtime>;
}

/// Half the block interval of the root chain, in milliseconds: the least time between two blocks.
pub struct MinimumPeriod;
impl Get<u64> for MinimumPeriod {
	fn get() -> u64 {
		let parameters = Chains::parameters(ChainId::ROOT).unwrap_or_default();
		u64::from(parameters.block_interval / 2)
	}
}

impl pallet_timestamp::Config for Runtime {
	type Moment = u64;
	type OnTimestampSet = ();
	type MinimumPeriod = MinimumPeriod;
	type WeightInfo = pallet_timestamp::weights::SubstrateWeight<Runtime>;
}

impl pallet_balances::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type Balance = Balance;
	type DustRemoval = ResolveTo<DustPot, Balances>;
	type ExistentialDeposit = ExistentialDeposit;
	type AccountStore = System;
	type ReserveIdentifier = [u8; 8];
	type FreezeIdentifier = RuntimeFreezeReason;
	type RuntimeHoldReason = RuntimeHoldReason;
	type RuntimeFreezeReason = RuntimeFreezeReason;
	type MaxLocks = ConstU32<50>;
	type MaxReserves = ConstU32<50>;
	type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
	type DoneSlashHandler = ();
	type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
}

impl pallet_sudo::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type WeightInfo = pallet_sudo::weights::SubstrateWeight<Runtime>;
}

impl pallet_utility::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type PalletsOrigin = OriginCaller;
	type WeightInfo = pallet_utility::weights::SubstrateWeight<Runtime>;
}

parameter_types! {
	// What the storage of a multisig operation or a proxy takes: an item, and its key and value.
	pub const MultisigDepositBase: Balance = deposit(1, 88);
	pub const MultisigDepositFactor: Balance = deposit(0, 32);
	pub const ProxyDepositBase: Balance = deposit(1, 8);
	pub const ProxyDepositFactor: Balance = deposit(0, 33);
	pub const AnnouncementDepositBase: Balance = deposit(1, 8);
	pub const AnnouncementDepositFactor: Balance = deposit(0, 66);
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

/// What a proxy may do.
#[derive(
	Clone,
	Copy,
	Debug,
	Default,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
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
	/// Everything but moving balances and acting as superuser.
	NonTransfer,
}

impl InstanceFilter<RuntimeCall> for ProxyType {
	fn filter(&self, call: &RuntimeCall) -> bool {
		match self {
			ProxyType::Any => true,
			ProxyType::NonTransfer => !matches!(call, RuntimeCall::Balances(..) | RuntimeCall::Sudo(..)),
		}
	}
	fn is_superset(&self, other: &Self) -> bool {
		self == &ProxyType::Any || self == other
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

/// Checks committees' keys with the host's curve arithmetic.
pub struct HostKeys;
impl ValidateKey for HostKeys {
	fn validate_key(key: &BlsPublic) -> bool {
		bls::validate_key(key)
	}
}

impl pallet_chains::Config for Runtime {
	type RegisterOrigin = EnsureRoot<AccountId>;
	type ValidateKey = HostKeys;
	type OnRegister = Checkpoints;
	type MaxChains = ConstU32<{ asterism_primitives::root_state::MAX_CHAINS }>;
	type WeightInfo = pallet_chains::weights::SubstrateWeight<Runtime>;
}

impl pallet_checkpoints::Config for Runtime {
	type Chains = Chains;
	type VerifyAggregate = HostBls;
	type WeightInfo = pallet_checkpoints::weights::SubstrateWeight<Runtime>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = RegisterForBenchmark;
}

/// Registers a chain whose only member has the generator of G2 as its key.
#[cfg(feature = "runtime-benchmarks")]
pub struct RegisterForBenchmark;

#[cfg(feature = "runtime-benchmarks")]
impl pallet_checkpoints::BenchmarkHelper for RegisterForBenchmark {
	fn register(chain: ChainId, genesis: &Header) {
		let member = asterism_primitives::committee::Member {
			id: asterism_primitives::committee::MemberId([1; 32]),
			key: pallet_chains::generator_key(),
		};
		let members = alloc::vec![member].try_into().expect("one member fits");
		Chains::register(
			frame_system::RawOrigin::Root.into(),
			chain,
			alloc::boxed::Box::new(genesis.clone()),
			Default::default(),
			members,
		)
		.expect("the chain is new and valid");
	}
}
