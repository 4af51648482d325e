//! The benchmarks of this runtime's pallets, and what ours need of a runtime.

use super::*;
use alloc::boxed::Box;
use asterism_primitives::{
	committee::{BlsPublic, BlsSignature, Member, MemberId},
	keys::{NodeKeys, SortitionPublic},
	ChainId, Hash,
};
use asterism_runtime_common::{bls::benchmarking, possession};
use pallet_chains::CommitteeProvider;
use polkadot_sdk::{frame_benchmarking, frame_system_benchmarking};

pub use frame_benchmarking::baseline::Pallet as Baseline;
pub use frame_system_benchmarking::{extensions::Pallet as SystemExtensions, Pallet as SystemBenchmarks};

frame_benchmarking::define_benchmarks!(
	[frame_benchmarking, Baseline::<Runtime>]
	[frame_system, SystemBenchmarks::<Runtime>]
	[frame_system_extensions, SystemExtensions::<Runtime>]
	[pallet_balances, Balances]
	[pallet_multisig, Multisig]
	[pallet_proxy, Proxy]
	[pallet_sudo, Sudo]
	[pallet_timestamp, Timestamp]
	[pallet_utility, Utility]
	[pallet_chains, Chains]
	[pallet_checkpoints, Checkpoints]
	[pallet_stake, Stake]
	[pallet_epochs, Epochs]
	[pallet_beacon, Beacon]
	[pallet_elections, Elections]
	[pallet_misconduct, Misconduct]
);

impl frame_benchmarking::baseline::Config for Runtime {}
impl frame_system_benchmarking::Config for Runtime {}

/// Registers chains, with committees whose secrets are known.
pub struct Helper;

impl pallet_chains::BenchmarkHelper for Helper {
	fn key(number: u32) -> BlsPublic {
		benchmarking::key(number)
	}
}

impl pallet_stake::BenchmarkHelper for Helper {
	fn key(number: u32) -> BlsPublic {
		benchmarking::key(number)
	}

	fn sign(number: u32, statement: &[u8]) -> BlsSignature {
		possession::benchmarking::prove(number, statement)
	}
}

impl pallet_beacon::BenchmarkHelper for Helper {
	fn key() -> BlsPublic {
		benchmarking::key(0)
	}

	fn sign(message: &[u8]) -> BlsSignature {
		benchmarking::sign(&[0], message)
	}
}

/// The encoding of a point of the group of sortition keys: its base point.
const POINT: [u8; 32] = [
	0xe2, 0xf2, 0xae, 0x0a, 0x6a, 0xbc, 0x4e, 0x71, 0xa8, 0x84, 0xa9, 0x61, 0xc5, 0x00, 0x51, 0x5f, 0x58,
	0xe3, 0x0b, 0x6a, 0xa5, 0x82, 0xdd, 0x8d, 0xb6, 0xa6, 0x59, 0x45, 0xe0, 0x8d, 0x2d, 0x76,
];

impl pallet_elections::BenchmarkHelper for Helper {
	fn node(number: u32) -> AccountId {
		// Apart from the members of chains, whose ids begin with their numbers.
		let mut id = [0xee; 32];
		id[28..].copy_from_slice(&number.to_be_bytes());
		let keys = NodeKeys {
			identity: MemberId(id),
			sortition: SortitionPublic(POINT),
			// Apart from theirs, too.
			consensus: benchmarking::key(10_000_u32.saturating_add(number)),
		};
		let operator = AccountId::new(id);
		let node = pallet_stake::Node {
			keys,
			// The total stays what it is: the node weighs more.
			stake: 1_000_000 * MINIMUM_STAKE,
			since: 0,
			status: pallet_stake::Status::Active,
			duties: 0,
			relieved: 0,
		};
		pallet_stake::Nodes::<Runtime>::insert(&operator, node);
		for key in pallet_stake::NodeKey::all(&keys) {
			pallet_stake::KeyOwner::<Runtime>::insert(key, &operator);
		}
		operator
	}

	fn chain(chain: ChainId, members: u32) {
		let genesis = Header {
			parent_hash: Hash::zero(),
			number: 0,
			state_root: Hash::zero(),
			extrinsics_root: Hash::zero(),
			digest: Default::default(),
		};
		<Self as pallet_checkpoints::BenchmarkHelper>::register(chain, &genesis, members);
	}
}

impl pallet_misconduct::BenchmarkHelper for Helper {
	fn register(chain: ChainId, members: u32) -> Hash {
		let genesis = Header {
			parent_hash: Hash::zero(),
			number: 0,
			state_root: Hash::zero(),
			extrinsics_root: Hash::zero(),
			digest: Default::default(),
		};
		<Self as pallet_checkpoints::BenchmarkHelper>::register(chain, &genesis, members);
		let committee = Chains::committee(chain, 0).expect("it has just been registered");
		for member in committee.members() {
			// Punishment itself has a weight of its own, so it doesn't matter that this operator has no node.
			let key = pallet_stake::NodeKey::Identity(member.id);
			pallet_stake::KeyOwner::<Runtime>::insert(key, AccountId::new(member.id.0));
		}
		genesis.hash()
	}

	fn sign(signers: &[u32], message: &[u8]) -> BlsSignature {
		benchmarking::sign(signers, message)
	}
}

impl pallet_checkpoints::BenchmarkHelper for Helper {
	fn register(chain: ChainId, genesis: &Header, members: u32) {
		// Ids in the order of the keys: what is signed by index is signed by these keys.
		let member = |i: u32| {
			let mut id = [0; 32];
			id[..4].copy_from_slice(&i.to_be_bytes());
			Member {
				id: MemberId(id),
				key: benchmarking::key(i),
			}
		};
		let members: Vec<_> = (0..members).map(member).collect();
		Chains::register(
			frame_system::RawOrigin::Root.into(),
			chain,
			Box::new(genesis.clone()),
			Default::default(),
			members
				.try_into()
				.expect("as many members as a committee may have"),
		)
		.expect("the chain is new and valid");
	}

	fn sign(signers: &[u32], message: &[u8]) -> BlsSignature {
		benchmarking::sign(signers, message)
	}
}
