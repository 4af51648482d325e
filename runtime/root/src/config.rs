//! What each pallet is told.

use super::*;
use crate::periods::{AdoptionPeriod, ClaimPeriod, DealingPeriod, EpochLength, ReadinessPeriod};
use asterism_primitives::{
	committee::{Epoch, MemberId},
	AccountNonce, Balance, BlockNumber, ChainId, Hash,
};
use asterism_runtime_common::{
	bls::HostBls, deposit, BlockHashCount, BlockLength, BlockWeights, ExistentialDeposit, Ss58Prefix, UNIT,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	derive_impl, parameter_types,
	traits::{
		tokens::imbalance::ResolveTo, ConstU128, ConstU32, ConstU64, Get, InstanceFilter, VariantCountOf,
	},
	weights::{constants::RocksDbWeight, Weight},
	PalletId,
};
use pallet_chains::{ChainRegistry, OnEpoch, Succession};
use pallet_elections::StakeWeight;
use pallet_stake::Stakers;
use polkadot_sdk::frame_system::EnsureRoot;
use scale_info::TypeInfo;
use sp_runtime::{
	traits::{AccountIdConversion, BlakeTwo256},
	Perbill,
};

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
	/// Everything but moving balances, acting as superuser, and running a node: who chooses a node's keys can lose its stake.
	NonTransfer,
}

impl InstanceFilter<RuntimeCall> for ProxyType {
	fn filter(&self, call: &RuntimeCall) -> bool {
		match self {
			ProxyType::Any => true,
			ProxyType::NonTransfer => !matches!(
				call,
				RuntimeCall::Balances(..) | RuntimeCall::Sudo(..) | RuntimeCall::Stake(..)
			),
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

/// For how many epochs after its own a committee stays on record. Evidence against one that is forgotten doesn't count.
pub const HISTORY_DEPTH: Epoch = 64;

/// Who hears of chains' epochs.
pub struct EpochListeners;
impl OnEpoch for EpochListeners {
	fn on_signal(chain: ChainId, next: Epoch) {
		Elections::on_signal(chain, next);
	}
	fn on_end(chain: ChainId, next: Epoch) {
		Elections::on_end(chain, next);
	}
	fn on_forget(chain: ChainId, epoch: Epoch) {
		Elections::on_forget(chain, epoch);
		Misconduct::forget(chain, epoch);
	}
	fn weight() -> Weight {
		// The elections' part, and the convicts of a committee.
		<Elections as OnEpoch>::weight().saturating_add(RocksDbWeight::get().writes(1))
	}
}

/// The root chain's own committees, as the registry has them.
pub struct RootCommittees;
impl pallet_epochs::NextCommittee for RootCommittees {
	fn ready(next: Epoch) -> bool {
		Chains::is_ready(ChainId::ROOT, next)
	}
}
impl pallet_epochs::Handover for RootCommittees {
	fn on_signal(next: Epoch) {
		Chains::signal(ChainId::ROOT, next);
	}
	fn on_end(next: Epoch) {
		// The epoch ends only if the next committee is ready.
		if Chains::advance(ChainId::ROOT).is_err() {
			frame_support::defensive!("the root chain's next committee is not ready", next);
		}
	}
	fn weight() -> Weight {
		<Chains as Succession>::weight()
	}
}

impl pallet_epochs::Config for Runtime {
	type Length = EpochLength;
	type NextCommittee = RootCommittees;
	type Handover = RootCommittees;
	type WeightInfo = pallet_epochs::weights::SubstrateWeight<Runtime>;
}

/// The nodes, as they answer for members of committees.
pub struct Accountable;
impl pallet_misconduct::Operators<AccountId> for Accountable {
	fn operator_of(chain: ChainId, epoch: Epoch, member: &MemberId) -> Option<AccountId> {
		// Whoever registered the identity later doesn't answer for what its former owner signed.
		Elections::operator(chain, epoch, member)
	}
	fn weight() -> Weight {
		// The roster of a committee, and the owner of a key.
		Weight::from_parts(20_000_000, pallet_elections::Roster::max_encoded_len() as u64)
			.saturating_add(RocksDbWeight::get().reads(2))
	}
}
/// The culprit's node weighs nothing from then on, so it is not elected; its claims don't count in an election that is open; and
/// it does not stay from the serving committee. A committee that is on record already keeps it, so that its certificates are
/// verified as before; but the other members don't talk to it any more, as they learn of it by `RootApi::excluded`, and its word
/// of readiness doesn't count.
impl pallet_misconduct::Punish<AccountId> for Accountable {
	fn punish(operator: &AccountId, fraction: Perbill, reporter: Option<&AccountId>) -> Balance {
		let slashed = Stake::slash(operator, fraction, reporter);
		Stake::exclude(operator);
		slashed
	}
	fn weight() -> Weight {
		// The node and the total, twice; the operator's balance and hold, the reporter's and the pot's.
		Weight::from_parts(200_000_000, 20_000).saturating_add(RocksDbWeight::get().reads_writes(8, 8))
	}
}

impl pallet_misconduct::Config for Runtime {
	type Chains = Chains;
	type Operators = Accountable;
	type Punish = Accountable;
	type Judge = Checkpoints;
	type SlashFraction = SlashFraction;
	type Lifetime = ConstU32<EVIDENCE_LIFETIME>;
	type WeightInfo = pallet_misconduct::weights::SubstrateWeight<Runtime>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = crate::benchmarks::Helper;
}

impl pallet_beacon::Config for Runtime {
	type Verify = HostBls;
	type OnSeed = Elections;
	type DealingPeriod = DealingPeriod;
	type ReadyPeriod = AdoptionPeriod;
	type WeightInfo = pallet_beacon::weights::SubstrateWeight<Runtime>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = crate::benchmarks::Helper;
}

impl pallet_elections::Config for Runtime {
	type Chains = Chains;
	type Stakers = Stake;
	type Weight = StakeWeight<Stake>;
	type Beacon = Beacon;
	type ClaimPeriod = ClaimPeriod;
	type ReadyPeriod = ReadinessPeriod;
	type WeightInfo = pallet_elections::weights::SubstrateWeight<Runtime>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = crate::benchmarks::Helper;
}

impl pallet_chains::Config for Runtime {
	type RegisterOrigin = EnsureRoot<AccountId>;
	type Keys = HostBls;
	type OnRegister = Checkpoints;
	type MaxChains = ConstU32<{ asterism_primitives::root_state::MAX_CHAINS }>;
	type HistoryDepth = ConstU64<HISTORY_DEPTH>;
	type OnEpoch = EpochListeners;
	type WeightInfo = pallet_chains::weights::SubstrateWeight<Runtime>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = crate::benchmarks::Helper;
}

impl pallet_checkpoints::Config for Runtime {
	type Chains = Chains;
	type WeightInfo = pallet_checkpoints::weights::SubstrateWeight<Runtime>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = crate::benchmarks::Helper;
}

/// The account that slashed stake goes to, less what reporters get: the issuance doesn't change by punishment. Nobody has its
/// key.
pub fn slash_pot() -> AccountId {
	PalletId(*b"ast/slsh").into_account_truncating()
}

/// See [`slash_pot`].
pub struct SlashPot;
impl frame_support::traits::TypedGet for SlashPot {
	type Type = AccountId;
	fn get() -> AccountId {
		slash_pot()
	}
}

/// The least stake of a node.
pub const MINIMUM_STAKE: Balance = 100 * UNIT;

/// For how many root blocks evidence is accepted: four weeks of blocks of a second.
pub const EVIDENCE_LIFETIME: BlockNumber = 28 * 24 * 3_600;

parameter_types! {
	pub const ReporterShare: Perbill = Perbill::from_percent(10);
	pub const SlashFraction: Perbill = Perbill::from_percent(50);
}

impl pallet_stake::Config for Runtime {
	type RuntimeHoldReason = RuntimeHoldReason;
	type Currency = Balances;
	type Keys = HostBls;
	type OnSlash = ResolveTo<SlashPot, Balances>;
	type MinimumStake = ConstU128<MINIMUM_STAKE>;
	// A day more, for evidence to get into a block.
	type Unbonding = ConstU32<{ EVIDENCE_LIFETIME + 24 * 3_600 }>;
	type EvidenceLifetime = ConstU32<EVIDENCE_LIFETIME>;
	type ReporterShare = ReporterShare;
	type MaxRetired = ConstU32<30>;
	type WeightInfo = pallet_stake::weights::SubstrateWeight<Runtime>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = crate::benchmarks::Helper;
}
