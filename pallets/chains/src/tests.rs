//! The registry on a mock runtime: what it takes, what it refuses, and that a refusal changes nothing.

use super::*;
use crate as pallet_chains;
use asterism_primitives::committee::{BlsPublic, MemberId};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, derive_impl, traits::ConstU32},
	frame_system::{EnsureRoot, RawOrigin},
	sp_io::TestExternalities,
	sp_runtime::BuildStorage,
};

#[frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(RuntimeCall, RuntimeEvent, RuntimeError, RuntimeOrigin, RuntimeTask)]
	pub struct Test;
	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Chains = pallet_chains;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlockU32<Test>;
}

/// Takes every key but zeros.
pub struct NotZero;
impl ValidateKey for NotZero {
	fn validate_key(key: &BlsPublic) -> bool {
		key.0 != [0; 96]
	}
}

impl Config for Test {
	type RegisterOrigin = EnsureRoot<u64>;
	type ValidateKey = NotZero;
	type OnRegister = ();
	type MaxChains = ConstU32<3>;
	type WeightInfo = ();
}

fn member(i: u8) -> Member {
	Member {
		id: MemberId([i; 32]),
		key: BlsPublic([i; 96]),
	}
}

fn header(seed: u8) -> Header {
	Header::new(
		0,
		Hash::zero(),
		Hash::repeat_byte(seed),
		Hash::zero(),
		Default::default(),
	)
}

fn chain(id: u32) -> GenesisChain {
	GenesisChain {
		id: ChainId(id),
		genesis: header(id as u8),
		parameters: ChainParameters { block_interval: 500 },
		members: alloc::vec![member(3), member(2)],
		holdings: alloc::vec![(CurrencyId::NATIVE, 100)],
	}
}

fn genesis(chains: Vec<GenesisChain>) -> TestExternalities {
	let root = GenesisRoot {
		parameters: ChainParameters::default(),
		members: alloc::vec![member(1)],
	};
	let mut ext: TestExternalities = RuntimeGenesisConfig {
		chains: pallet_chains::GenesisConfig {
			root,
			chains,
			..Default::default()
		},
		..Default::default()
	}
	.build_storage()
	.unwrap()
	.into();
	ext.execute_with(|| System::set_block_number(1));
	ext
}

fn register(id: u32, genesis: Header, parameters: ChainParameters, members: Vec<Member>) -> DispatchResult {
	Chains::register(
		RawOrigin::Root.into(),
		ChainId(id),
		Box::new(genesis),
		parameters,
		members.try_into().unwrap(),
	)
}

#[test]
fn genesis_puts_all_chains_on_record() {
	genesis(alloc::vec![chain(1), chain(2)]).execute_with(|| {
		assert_eq!(Chains::transaction_chains(), [ChainId(1), ChainId(2)]);
		assert_eq!(Chains::genesis(ChainId(2)), Some(header(2).hash()));
		assert_eq!(Chains::parameters(ChainId(1)).unwrap().block_interval, 500);
		assert_eq!(Chains::epoch(ChainId::ROOT), Some(0));
		let committee = Chains::committee(ChainId(1), 0).unwrap();
		assert_eq!(committee.members(), [member(2), member(3)]);
		assert_eq!(Chains::committee(ChainId(1), 1), None);
		assert_eq!(Chains::committee(ChainId::ROOT, 0).unwrap().size(), 1);
		assert!(!Chains::is_transaction_chain(ChainId::ROOT));
		Chains::do_try_state().unwrap();
	});
}

#[test]
fn genesis_configuration_is_read_from_json() {
	let config: pallet_chains::GenesisConfig<Test> = serde_json::from_value(serde_json::json!({
		"root": { "parameters": { "blockInterval": 1000 }, "members": [member(1)] },
		"chains": [chain(1)],
	}))
	.unwrap();
	assert_eq!(config.chains, [chain(1)]);
	let unknown = serde_json::json!({ "root": GenesisRoot::default(), "chains": [], "chain": [] });
	assert!(serde_json::from_value::<pallet_chains::GenesisConfig<Test>>(unknown).is_err());
}

#[test]
#[should_panic(expected = "chains.chains[1] (id 1): IdTaken")]
fn genesis_with_an_id_twice_is_refused() {
	genesis(alloc::vec![chain(1), chain(1)]);
}

#[test]
#[should_panic(expected = "ParametersOutOfRange; expected: ")]
fn genesis_names_field_and_expectation() {
	genesis(alloc::vec![GenesisChain {
		parameters: ChainParameters { block_interval: 1 },
		..chain(4)
	}]);
}

#[test]
fn a_chain_joins_later() {
	genesis(alloc::vec![chain(1)]).execute_with(|| {
		assert_ok!(register(
			7,
			header(7),
			ChainParameters::default(),
			alloc::vec![member(9)]
		));
		assert_eq!(Chains::transaction_chains(), [ChainId(1), ChainId(7)]);
		// Ids are listed in order, whenever they come, each once.
		assert_ok!(register(
			5,
			header(5),
			ChainParameters::default(),
			alloc::vec![member(9)]
		));
		assert!(register(5, header(5), ChainParameters::default(), alloc::vec![member(9)]).is_err());
		let ids: Vec<_> = Ids::<Test>::get().into_iter().collect();
		assert_eq!(ids, [ChainId(1), ChainId(5), ChainId(7)]);
		System::assert_has_event(
			Event::<Test>::Registered {
				chain: ChainId(7),
				genesis: header(7).hash(),
			}
			.into(),
		);
		Chains::do_try_state().unwrap();
	});
}

#[test]
fn each_refusal_has_its_own_error() {
	genesis(alloc::vec![chain(1)]).execute_with(|| {
		let good = ChainParameters::default();
		let one = || alloc::vec![member(9)];
		assert_noop!(
			Chains::register(
				RawOrigin::Signed(1).into(),
				ChainId(7),
				Box::new(header(7)),
				good,
				one().try_into().unwrap()
			),
			DispatchError::BadOrigin
		);
		assert_noop!(register(0, header(7), good, one()), Error::<Test>::IdOfRoot);
		assert_noop!(register(1, header(7), good, one()), Error::<Test>::IdTaken);
		for block_interval in [0, 199, 60_001, u32::MAX] {
			assert_noop!(
				register(7, header(7), ChainParameters { block_interval }, one()),
				Error::<Test>::ParametersOutOfRange
			);
		}
		assert_noop!(
			register(
				7,
				Header {
					number: 1,
					..header(7)
				},
				good,
				one()
			),
			Error::<Test>::NotGenesis
		);
		assert_noop!(
			register(
				7,
				Header {
					parent_hash: Hash::repeat_byte(1),
					..header(7)
				},
				good,
				one()
			),
			Error::<Test>::NotGenesis
		);
		assert_noop!(
			register(7, header(7), good, alloc::vec![]),
			Error::<Test>::NoMembers
		);
		assert_noop!(
			register(7, header(7), good, alloc::vec![member(1), member(1)]),
			Error::<Test>::MemberTwice
		);
		let twin = Member {
			key: member(1).key,
			..member(2)
		};
		assert_noop!(
			register(7, header(7), good, alloc::vec![member(1), twin]),
			Error::<Test>::SharedKey
		);
		assert_noop!(
			register(7, header(7), good, alloc::vec![member(0)]),
			Error::<Test>::BadKey
		);
		for id in [2, 3] {
			assert_ok!(register(id, header(7), good, one()));
		}
		assert_noop!(register(4, header(7), good, one()), Error::<Test>::TooManyChains);
		Chains::do_try_state().unwrap();
	});
}

#[test]
fn a_network_without_transaction_chains_has_an_empty_list() {
	genesis(alloc::vec![]).execute_with(|| {
		assert!(Ids::<Test>::exists());
		assert_eq!(Chains::transaction_chains(), []);
		Chains::do_try_state().unwrap();
	});
}
