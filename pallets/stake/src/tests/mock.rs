//! A runtime with balances, and operators with real keys.

use crate as pallet_stake;
use crate::*;
use asterism_primitives::committee::BlsSignature;
use asterism_runtime_common::bls::HostBls;
use commonware_codec::Encode as _;
use commonware_cryptography::bls12381::primitives::{
	group::{Private, Scalar},
	ops::{compute_public, sign},
	variant::{MinSig, Variant},
};
use polkadot_sdk::{
	frame_support::{
		derive_impl, parameter_types,
		traits::{ConstU128, ConstU32, VariantCountOf},
	},
	frame_system::RawOrigin,
	pallet_balances,
	sp_core::{sr25519, Pair},
	sp_io::TestExternalities,
	sp_keystore::{testing::MemoryKeystore, KeystoreExt},
	sp_runtime::{traits::IdentityLookup, BuildStorage},
};

#[frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeHoldReason,
		RuntimeFreezeReason,
		RuntimeTask
	)]
	pub struct Test;
	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(2)]
	pub type Stake = pallet_stake;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlockU32<Test>;
	type AccountId = AccountId;
	type Lookup = IdentityLookup<AccountId>;
	type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
	type Balance = Balance;
	type ExistentialDeposit = ConstU128<EXISTENTIAL>;
	type RuntimeHoldReason = RuntimeHoldReason;
	type FreezeIdentifier = RuntimeFreezeReason;
	type RuntimeFreezeReason = RuntimeFreezeReason;
	type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
}

/// The least balance of an account.
pub const EXISTENTIAL: Balance = 10;
/// The least stake.
pub const MINIMUM: Balance = 1_000;
/// The unbonding time in blocks.
pub const UNBONDING: BlockNumber = 20;
/// What each account of the mock has at genesis.
pub const ENDOWMENT: Balance = 10_000;

parameter_types! {
	pub const ReporterShare: Perbill = Perbill::from_percent(10);
	/// What was slashed and nobody got.
	pub static Confiscated: Balance = 0;
}

/// Counts what it burns.
pub struct Confiscate;
impl OnUnbalanced<Credit<AccountId, Balances>> for Confiscate {
	fn on_nonzero_unbalanced(credit: Credit<AccountId, Balances>) {
		Confiscated::mutate(|amount| *amount += credit.peek());
	}
}

impl Config for Test {
	type RuntimeHoldReason = RuntimeHoldReason;
	type Currency = Balances;
	type Keys = HostBls;
	type OnSlash = Confiscate;
	type MinimumStake = ConstU128<MINIMUM>;
	type Unbonding = ConstU32<UNBONDING>;
	type EvidenceLifetime = ConstU32<{ UNBONDING - 1 }>;
	type ReporterShare = ReporterShare;
	type MaxRetired = ConstU32<4>;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = Helper;
}

#[cfg(feature = "runtime-benchmarks")]
pub struct Helper;
#[cfg(feature = "runtime-benchmarks")]
impl BenchmarkHelper for Helper {
	fn key(number: u32) -> BlsPublic {
		Secrets::new(number as u8).keys().consensus
	}
	fn sign(number: u32, statement: &[u8]) -> BlsSignature {
		Secrets::new(number as u8).possession(statement)
	}
}

/// The secrets of a node.
#[derive(Clone)]
pub struct Secrets {
	pub identity: sr25519::Pair,
	pub sortition: sr25519::Pair,
	pub consensus: Private,
}

impl Secrets {
	/// Others for each seed.
	pub fn new(seed: u8) -> Self {
		let pair =
			|name: &str| sr25519::Pair::from_string(&alloc::format!("//{name}//{seed}"), None).unwrap();
		Secrets {
			identity: pair("identity"),
			sortition: pair("sortition"),
			consensus: Private::new(Scalar::map(b"TEST", &[seed])),
		}
	}

	pub fn keys(&self) -> NodeKeys {
		let consensus = compute_public::<MinSig>(&self.consensus).encode();
		NodeKeys {
			identity: MemberId(self.identity.public().0),
			sortition: SortitionPublic(self.sortition.public().0),
			consensus: BlsPublic::try_from(&consensus[..]).unwrap(),
		}
	}

	/// The consensus key's signature in the domain of proofs.
	pub fn possession(&self, statement: &[u8]) -> BlsSignature {
		self.bls(MinSig::PROOF_OF_POSSESSION, statement)
	}

	/// The consensus key's signature in the domain of votes.
	pub fn vote(&self, message: &[u8]) -> BlsSignature {
		self.bls(MinSig::MESSAGE, message)
	}

	fn bls(&self, domain: &'static [u8], message: &[u8]) -> BlsSignature {
		let signature = sign::<MinSig>(&self.consensus, domain, message).encode();
		BlsSignature::try_from(&signature[..]).unwrap()
	}

	/// The proof that these keys are the owner's, on the network with this genesis block.
	pub fn prove_on(&self, genesis: Hash, owner: &AccountId) -> NodeKeysProof {
		self.sign(&self.keys().ownership_statement(genesis, owner))
	}

	/// The signatures of all keys under a statement.
	pub fn sign(&self, statement: &[u8]) -> NodeKeysProof {
		NodeKeysProof {
			identity: self.identity.sign(statement).0,
			sortition: self.sortition.sign(statement).0,
			consensus: self.possession(statement),
		}
	}

	/// The proof that these keys are the owner's, here.
	pub fn prove(&self, owner: &AccountId) -> NodeKeysProof {
		self.prove_on(genesis(), owner)
	}
}

/// The hash of this network's genesis block.
pub fn genesis() -> Hash {
	System::block_hash(0)
}

/// An account, endowed for 1 to 6.
pub fn account(i: u8) -> AccountId {
	AccountId::new([i; 32])
}

/// A node of account `i` in a genesis configuration.
pub fn genesis_node(i: u8) -> GenesisNode {
	GenesisNode {
		operator: account(i),
		keys: Secrets::new(i).keys(),
		stake: MINIMUM,
	}
}

/// A network in block 1 with these nodes at genesis.
pub fn network(nodes: &[GenesisNode]) -> TestExternalities {
	let mut ext: TestExternalities = RuntimeGenesisConfig {
		balances: pallet_balances::GenesisConfig {
			balances: (1..=6).map(|i| (account(i), ENDOWMENT)).collect(),
			..Default::default()
		},
		stake: pallet_stake::GenesisConfig {
			nodes: nodes.to_vec(),
			..Default::default()
		},
		..Default::default()
	}
	.build_storage()
	.unwrap()
	.into();
	ext.register_extension(KeystoreExt::new(MemoryKeystore::new()));
	ext.execute_with(|| {
		System::set_block_number(1);
		Confiscated::set(0);
		frame_system::BlockHash::<Test>::insert(0, Hash::repeat_byte(7));
	});
	ext
}

/// Registers account `i` with the keys of `secrets`, proved as they should be.
pub fn register(i: u8, secrets: &Secrets, amount: Balance) -> DispatchResult {
	let operator = account(i);
	let proof = secrets.prove(&operator);
	Stake::register(signed(i), secrets.keys(), proof, amount)
}

/// Replaces the keys of account `i` by those of `secrets`, proved as they should be.
pub fn rotate(i: u8, secrets: &Secrets) -> DispatchResult {
	let operator = account(i);
	let proof = secrets.prove(&operator);
	Stake::rotate(signed(i), secrets.keys(), proof)
}

/// The origin of a transaction of account `i`.
pub fn signed(i: u8) -> RuntimeOrigin {
	RawOrigin::Signed(account(i)).into()
}

/// The node of account `i`.
pub fn node(i: u8) -> Node {
	Stake::node(&account(i)).unwrap()
}

/// Goes on to a block.
pub fn at(number: BlockNumber) {
	assert!(number >= System::block_number(), "time goes on");
	System::set_block_number(number);
}
