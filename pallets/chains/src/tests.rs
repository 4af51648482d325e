//! The registry on a mock runtime: what it takes, what it refuses, and that a refusal changes nothing.

use super::*;
use crate as pallet_chains;
use asterism_primitives::committee::{BlsPublic, BlsSignature, MemberId};
use polkadot_sdk::{
	frame_support::{
		assert_noop, assert_ok, derive_impl,
		traits::{ConstU32, ConstU64},
	},
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

/// Takes every key but zeros, and prepares by taking all keys out of the committee. A key of 0xff bytes can't be prepared.
pub struct NotZero;
impl CommitteeKeys for NotZero {
	type Prepared = BoundedVec<BlsPublic, ConstU32<MAX_MEMBERS>>;
	fn validate(key: &BlsPublic) -> bool {
		key.0 != [0; 96]
	}
	fn prepare(committee: &Committee) -> Option<Self::Prepared> {
		let keys: Vec<_> = committee.members().iter().map(|member| member.key).collect();
		let known = keys.iter().all(|key| key.0 != [0xff; 96]);
		known.then_some(keys)?.try_into().ok()
	}
	fn size(keys: &Self::Prepared) -> u32 {
		keys.len() as u32
	}
	fn verify(_: &Self::Prepared, _: &[u32], _: &[u8], _: &BlsSignature) -> bool {
		false
	}
}

#[cfg(feature = "runtime-benchmarks")]
impl BenchmarkHelper for NotZero {
	fn key(number: u32) -> BlsPublic {
		let mut key = BlsPublic([1; 96]);
		key.0[..4].copy_from_slice(&number.to_le_bytes());
		key
	}
}

impl Config for Test {
	type RegisterOrigin = EnsureRoot<u64>;
	type Keys = NotZero;
	type OnRegister = ();
	type MaxChains = ConstU32<3>;
	type HistoryDepth = ConstU64<2>;
	type OnEpoch = Heard;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = NotZero;
}

std::thread_local! {
	static HEARD: core::cell::RefCell<Vec<(&'static str, ChainId, Epoch)>> = const { core::cell::RefCell::new(Vec::new()) };
}

/// What the registry said of epochs.
pub struct Heard;
impl OnEpoch for Heard {
	fn on_signal(chain: ChainId, next: Epoch) {
		HEARD.with_borrow_mut(|heard| heard.push(("signal", chain, next)));
	}
	fn on_end(chain: ChainId, next: Epoch) {
		assert_eq!(Chains::epoch(chain), Some(next));
		HEARD.with_borrow_mut(|heard| heard.push(("end", chain, next)));
	}
	fn on_forget(chain: ChainId, epoch: Epoch) {
		assert_eq!(Chains::committee(chain, epoch), None);
		HEARD.with_borrow_mut(|heard| heard.push(("forget", chain, epoch)));
	}
	fn weight() -> Weight {
		Weight::from_parts(5, 0)
	}
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
		parameters: ChainParameters {
			block_interval: 500,
			..Default::default()
		},
		members: alloc::vec![member(3), member(2)],
		holdings: alloc::vec![(CurrencyId::NATIVE, 100)],
	}
}

pub fn genesis(chains: Vec<GenesisChain>) -> TestExternalities {
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
		let prepared = Chains::prepared(ChainId(1), 0).unwrap();
		assert_eq!(prepared.to_vec(), [member(2).key, member(3).key]);
		assert_eq!(Chains::prepared(ChainId(1), 1), None);
		assert_eq!(
			Chains::prepared(ChainId::ROOT, 0).unwrap().to_vec(),
			[member(1).key]
		);
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
		parameters: ChainParameters {
			block_interval: 1,
			..Default::default()
		},
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
				register(
					7,
					header(7),
					ChainParameters {
						block_interval,
						..Default::default()
					},
					one()
				),
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
		assert_noop!(
			register(7, header(7), good, alloc::vec![member(0xff)]),
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

#[test]
fn prepared_keys_are_those_of_the_committee() {
	genesis(alloc::vec![chain(1)]).execute_with(|| {
		Chains::do_try_state().unwrap();
		let mut keys = Chains::prepared(ChainId(1), 0).unwrap();
		keys[0] = member(9).key;
		Prepared::<Test>::insert(ChainId(1), 0, keys);
		assert!(Chains::do_try_state().is_err());
	});
	genesis(alloc::vec![chain(1)]).execute_with(|| {
		Prepared::<Test>::remove(ChainId(1), 0);
		assert!(Chains::do_try_state().is_err());
	});
	genesis(alloc::vec![chain(1)]).execute_with(|| {
		Prepared::<Test>::insert(ChainId(1), 1, Chains::prepared(ChainId(1), 0).unwrap());
		assert!(Chains::do_try_state().is_err());
	});
}

/// The committee of an epoch, of one member that is told by it.
fn elected(epoch: Epoch) -> Committee {
	Committee::new(epoch, alloc::vec![member(100u8.wrapping_add(epoch as u8))]).unwrap()
}

const A: ChainId = ChainId(1);

#[test]
fn committees_take_over_one_after_the_other() {
	genesis(alloc::vec![chain(1), chain(2)]).execute_with(|| {
		HEARD.take();
		for next in 1..=4 {
			System::set_block_number(next as u32 * 10);
			Chains::signal(A, next);
			assert_eq!(
				Chains::serving(A).map(|committee| committee.epoch()),
				Some(next - 1)
			);
			assert_noop!(Chains::advance(A), NotReady);
			assert_ok!(Chains::record(A, elected(next)));
			assert_eq!(Chains::epoch(A), Some(next - 1));
			// It is on record, but not ready.
			assert!(!Chains::is_ready(A, next));
			assert_noop!(Chains::advance(A), NotReady);
			Chains::set_ready(A, next);
			assert!(Chains::is_ready(A, next) && !Chains::is_ready(A, next + 1));
			Chains::do_try_state().unwrap();
			assert_ok!(Chains::advance(A));
			assert_eq!(Chains::serving(A), Some(elected(next)));
			assert_eq!(Chains::ended(A, next - 1), Some(next as u32 * 10));
			assert_eq!(Chains::ended(A, next), None);
			System::assert_last_event(
				Event::<Test>::Advanced {
					chain: A,
					epoch: next,
				}
				.into(),
			);
			// One takes over once.
			assert_noop!(Chains::advance(A), NotReady);
			Chains::do_try_state().unwrap();
		}
		let heard = [
			("signal", A, 1),
			("end", A, 1),
			("signal", A, 2),
			("end", A, 2),
			("signal", A, 3),
			("end", A, 3),
			("forget", A, 0),
			("signal", A, 4),
			("end", A, 4),
			("forget", A, 1),
		];
		assert_eq!(HEARD.take(), heard);
		// Two epochs stay on record beside the current one.
		for (epoch, kept) in [(0, false), (1, false), (2, true), (3, true), (4, true)] {
			assert_eq!(Chains::committee(A, epoch).is_some(), kept);
			assert_eq!(Chains::prepared(A, epoch).is_some(), kept);
			assert_eq!(Chains::ended(A, epoch).is_some(), kept && epoch < 4);
		}
		// Other chains are where they were.
		assert_eq!(Chains::epoch(ChainId(2)), Some(0));
		assert_eq!(Chains::epoch(ChainId::ROOT), Some(0));
	});
}

#[test]
fn the_root_chains_own_committee_is_handed_over_too() {
	genesis(alloc::vec![]).execute_with(|| {
		assert_ok!(Chains::record(ChainId::ROOT, elected(1)));
		Chains::set_ready(ChainId::ROOT, 1);
		assert_ok!(Chains::advance(ChainId::ROOT));
		assert_eq!(Chains::epoch(ChainId::ROOT), Some(1));
		Chains::do_try_state().unwrap();
	});
}

#[test]
fn only_the_next_committee_is_recorded_until_it_is_ready() {
	genesis(alloc::vec![chain(1)]).execute_with(|| {
		assert_noop!(
			Chains::record(ChainId(9), elected(1)),
			Error::<Test>::UnknownChain
		);
		for epoch in [0, 2, Epoch::MAX] {
			assert_noop!(Chains::record(A, elected(epoch)), Error::<Test>::NotNext);
		}
		let unpreparable = Committee::new(1, alloc::vec![member(0xff)]).unwrap();
		assert_noop!(Chains::record(A, unpreparable), Error::<Test>::BadKey);
		let unsorted = (1u64, alloc::vec![member(2), member(1)]).encode();
		let unsorted = Committee::decode(&mut &unsorted[..]).unwrap();
		assert_noop!(Chains::record(A, unsorted), Error::<Test>::MemberTwice);

		// What isn't on record, or isn't the next, is not ready.
		for epoch in [0, 1, 2] {
			Chains::set_ready(A, epoch);
			assert!(!Ready::<Test>::contains_key(A));
		}
		// An election that came to nothing is repeated.
		assert_ok!(Chains::record(A, elected(1)));
		let again = Committee::new(1, alloc::vec![member(7)]).unwrap();
		assert_ok!(Chains::record(A, again.clone()));
		assert_eq!(Chains::committee(A, 1), Some(again.clone()));
		assert_eq!(Chains::prepared(A, 1).unwrap().to_vec(), [member(7).key]);
		Chains::set_ready(A, 1);
		assert_noop!(Chains::record(A, elected(1)), Error::<Test>::AlreadyReady);
		assert_eq!(Chains::committee(A, 1), Some(again));
		assert_eq!(Chains::expected(A), Some(4));
		assert_eq!(Chains::expected(ChainId(9)), None);
		Chains::do_try_state().unwrap();
	});
}

#[test]
fn a_wrong_state_of_epochs_is_found() {
	type Change = fn();
	let changes: [Change; 6] = [
		|| Ready::<Test>::insert(A, 2),
		|| Ready::<Test>::insert(A, 1),
		|| Ended::<Test>::insert(A, 0, 1),
		|| Committees::<Test>::insert(A, 2, elected(2)),
		|| Committees::<Test>::insert(A, 1, elected(2)),
		|| Chains::put_committee(ChainId(9), elected(0)).unwrap(),
	];
	for change in changes {
		genesis(alloc::vec![chain(1)]).execute_with(|| {
			Chains::do_try_state().unwrap();
			change();
			assert!(Chains::do_try_state().is_err());
		});
	}
}
