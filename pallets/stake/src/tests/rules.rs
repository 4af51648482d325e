//! What must pass.

use super::mock::*;
use crate::*;
use polkadot_sdk::frame_support::{assert_noop, assert_ok, traits::fungible::Inspect};

#[test]
fn a_node_registers_grows_leaves_and_withdraws() {
	network(&[]).execute_with(|| {
		let secrets = Secrets::new(1);
		at(5);
		assert_ok!(register(1, &secrets, 1_500));
		let expected = Node {
			keys: secrets.keys(),
			stake: 1_500,
			since: 5,
			status: Status::Active,
			duties: 0,
			relieved: 0,
		};
		assert_eq!(node(1), expected);
		assert_eq!((Stake::total(), node(1).weight()), (1_500, 1_500));
		assert_eq!(
			Balances::reducible_balance(
				&account(1),
				frame_support::traits::tokens::Preservation::Expendable,
				frame_support::traits::tokens::Fortitude::Polite
			),
			ENDOWMENT - 1_500 - EXISTENTIAL,
			"a stake is not to be spent"
		);
		assert_eq!(Stake::operator_of(&secrets.keys().identity), Some(account(1)));
		assert_eq!(
			Stake::operator_of_key(&secrets.keys().consensus),
			Some(account(1))
		);
		// An election that was announced in the same block may know of the node; a later one does.
		assert!(!node(1).eligible(5) && node(1).eligible(6));

		at(8);
		assert_ok!(Stake::add(signed(1), 500));
		assert_eq!((node(1).stake, node(1).since, Stake::total()), (2_000, 8, 2_000));
		assert!(!node(1).eligible(8) && node(1).eligible(9));

		at(10);
		assert_ok!(Stake::leave(signed(1)));
		assert_eq!(
			node(1).status,
			Status::Leaving {
				withdrawable_at: 10 + UNBONDING,
				excluded: false,
			}
		);
		assert_eq!((Stake::total(), node(1).weight(), node(1).stake), (0, 0, 2_000));
		assert!(!node(1).eligible(100));
		Stake::do_try_state().unwrap();

		at(10 + UNBONDING);
		assert_ok!(Stake::withdraw(signed(1)));
		assert_eq!(Stake::node(&account(1)), None);
		assert_eq!(Stake::operator_of(&secrets.keys().identity), None);
		assert_eq!(Balances::free_balance(account(1)), ENDOWMENT);
		System::assert_last_event(
			Event::<Test>::Withdrawn {
				operator: account(1),
				amount: 2_000,
			}
			.into(),
		);
		// With the same keys, should it like to.
		assert_ok!(register(1, &secrets, MINIMUM));
		Stake::do_try_state().unwrap();
	});
}

#[test]
fn genesis_nodes_are_as_registered_ones() {
	network(&[genesis_node(1), genesis_node(2)]).execute_with(|| {
		assert_eq!(Stake::total(), 2 * MINIMUM);
		assert_eq!((node(2).since, node(2).weight()), (0, MINIMUM));
		assert!(node(2).eligible(1));
		Stake::do_try_state().unwrap();
		at(3);
		assert_ok!(Stake::leave(signed(2)));
		at(3 + UNBONDING);
		assert_ok!(Stake::withdraw(signed(2)));
		assert_eq!(Balances::free_balance(account(2)), ENDOWMENT);
	});
}

#[test]
fn a_genesis_configuration_is_read_from_json() {
	let config: pallet::GenesisConfig<Test> =
		serde_json::from_value(serde_json::json!({ "nodes": [genesis_node(1)] })).unwrap();
	assert_eq!(config.nodes, [genesis_node(1)]);
	let text = serde_json::to_string(&genesis_node(1)).unwrap();
	for name in ["operator", "keys", "stake", "identity", "sortition", "consensus"] {
		assert!(text.contains(&alloc::format!("\"{name}\":")), "{text}");
	}
}

#[test]
fn one_key_is_replaced_and_stays_taken_for_a_time() {
	network(&[]).execute_with(|| {
		let old = Secrets::new(1);
		assert_ok!(register(1, &old, MINIMUM));
		at(2);
		let new = Secrets {
			sortition: Secrets::new(9).sortition,
			..old.clone()
		};
		assert_ok!(rotate(1, &new));
		assert_eq!((node(1).keys, node(1).since), (new.keys(), 2));
		assert_eq!(Retired::<Test>::get(account(1)).len(), 1);
		Stake::do_try_state().unwrap();

		// Nobody can take the old key, its owner included.
		let reused = Secrets {
			sortition: old.sortition.clone(),
			..Secrets::new(2)
		};
		assert_noop!(register(2, &reused, MINIMUM), Error::<Test>::SortitionTaken);
		assert_noop!(rotate(1, &old), Error::<Test>::SortitionTaken);

		// After the unbonding time, the next change of keys forgets it.
		at(2 + UNBONDING);
		let newest = Secrets {
			consensus: Secrets::new(9).consensus,
			..new
		};
		assert_ok!(rotate(1, &newest));
		assert_ok!(register(2, &reused, MINIMUM));
		Stake::do_try_state().unwrap();
		// What was replaced points to its owner as long as it is not forgotten.
		assert_eq!(Stake::operator_of_key(&old.keys().consensus), Some(account(1)));
	});
}

#[test]
fn a_slashed_stake_goes_to_the_reporter_and_to_where_the_runtime_says() {
	network(&[]).execute_with(|| {
		assert_ok!(register(1, &Secrets::new(1), 2_001));
		assert_ok!(register(2, &Secrets::new(2), 1_000));
		let issuance = Balances::total_issuance();
		// Rounded up.
		let amount = Stake::slash(&account(1), Perbill::from_percent(50), Some(&account(3)));
		assert_eq!((amount, node(1).stake, Stake::total()), (1_001, 1_000, 2_000));
		assert_eq!(Balances::free_balance(account(3)), ENDOWMENT + 100);
		assert_eq!(Confiscated::get(), 901);
		assert_eq!(Balances::total_issuance(), issuance - 901);
		System::assert_last_event(
			Event::<Test>::Slashed {
				operator: account(1),
				amount: 1_001,
				reward: 100,
			}
			.into(),
		);
		Stake::do_try_state().unwrap();

		// No reporter, an operator who reports itself, or an account that can't live on the reward: nobody gets it.
		for reporter in [None, Some(account(2)), Some(account(77))] {
			let before = Confiscated::get();
			let amount = Stake::slash(&account(2), Perbill::from_percent(5), reporter.as_ref());
			assert!(amount > 0);
			assert_eq!(Confiscated::get() - before, amount);
		}
		assert_eq!(Balances::free_balance(account(77)), 0);
		// All of it; and then there is nothing left.
		let rest = node(1).stake;
		assert_eq!(Stake::slash(&account(1), Perbill::one(), None), rest);
		assert_eq!((node(1).stake, node(1).weight()), (0, 0));
		assert_eq!(Stake::slash(&account(1), Perbill::one(), None), 0);
		assert_eq!(Stake::slash(&account(5), Perbill::one(), None), 0, "no node");
		Stake::do_try_state().unwrap();
	});
}

#[test]
fn an_excluded_node_weighs_nothing_until_it_registers_again() {
	network(&[]).execute_with(|| {
		let secrets = Secrets::new(1);
		assert_ok!(register(1, &secrets, 1_200));
		Stake::slash(&account(1), Perbill::from_percent(50), None);
		assert!(Stake::exclude(&account(1)));
		assert!(!Stake::exclude(&account(1)), "once");
		assert!(!Stake::exclude(&account(2)), "no node");
		assert_eq!(
			(node(1).status, node(1).weight(), Stake::total()),
			(Status::Excluded, 0, 0)
		);
		assert!(!node(1).eligible(100));
		// It can still be slashed, and its keys are still its own.
		assert_eq!(Stake::slash(&account(1), Perbill::from_percent(50), None), 300);
		assert_eq!(
			Stake::operator_of_key(&secrets.keys().consensus),
			Some(account(1))
		);

		at(4);
		assert_noop!(register(1, &secrets, 699), Error::<Test>::StakeTooSmall);
		assert_ok!(register(1, &secrets, 700));
		assert_eq!((node(1).stake, node(1).since, Stake::total()), (1_000, 4, 1_000));
		assert_eq!(node(1).status, Status::Active);

		// With other keys as well, which retires the old ones.
		Stake::exclude(&account(1));
		assert_ok!(register(1, &Secrets::new(9), 0));
		assert_eq!(Retired::<Test>::get(account(1)).len(), 3);
		Stake::do_try_state().unwrap();

		// Or it leaves, which undoes nothing.
		Stake::exclude(&account(1));
		assert_ok!(Stake::leave(signed(1)));
		assert!(node(1).is_excluded() && !Stake::exclude(&account(1)));
		assert_eq!(Stake::total(), 0);
		at(4 + UNBONDING);
		assert_ok!(Stake::withdraw(signed(1)));
		assert_eq!(KeyOwner::<Test>::iter().count(), 0, "all keys are forgotten");
		Stake::do_try_state().unwrap();
	});
}

#[test]
fn who_leaves_can_be_excluded_and_nobody_escapes_by_leaving() {
	network(&[]).execute_with(|| {
		assert_ok!(register(1, &Secrets::new(1), MINIMUM));
		assert_ok!(Stake::leave(signed(1)));
		let Status::Leaving { withdrawable_at, .. } = node(1).status else {
			panic!("it is leaving")
		};
		assert!(!node(1).is_excluded());
		assert!(Stake::exclude(&account(1)));
		assert!(node(1).is_excluded() && !node(1).eligible(100));
		assert_eq!(
			node(1).status,
			Status::Leaving {
				withdrawable_at,
				excluded: true,
			}
		);
		assert_eq!((Stake::total(), node(1).weight()), (0, 0));
		Stake::do_try_state().unwrap();
		// It can't come back but by withdrawing and registering.
		assert_noop!(register(1, &Secrets::new(1), 0), Error::<Test>::Leaving);
		at(withdrawable_at);
		assert_ok!(Stake::withdraw(signed(1)));
		assert_ok!(register(1, &Secrets::new(1), MINIMUM));
		assert!(!node(1).is_excluded());
		Stake::do_try_state().unwrap();
	});
}

#[test]
fn duties_delay_the_withdrawal() {
	network(&[]).execute_with(|| {
		assert_ok!(register(1, &Secrets::new(1), MINIMUM));
		Stake::begin_duty(&account(1));
		Stake::begin_duty(&account(1));
		Stake::begin_duty(&account(2));
		at(2);
		assert_ok!(Stake::leave(signed(1)));
		at(2 + UNBONDING);
		assert_noop!(Stake::withdraw(signed(1)), Error::<Test>::OnDuty);
		Stake::end_duty(&account(1));
		assert_noop!(Stake::withdraw(signed(1)), Error::<Test>::OnDuty);
		at(30);
		Stake::end_duty(&account(1));
		assert_noop!(Stake::withdraw(signed(1)), Error::<Test>::Slashable);
		at(30 + UNBONDING - 1);
		assert_noop!(Stake::withdraw(signed(1)), Error::<Test>::Slashable);
		assert!(Stake::slash(&account(1), Perbill::from_percent(1), None) > 0);
		at(30 + UNBONDING);
		assert_ok!(Stake::withdraw(signed(1)));
		Stake::do_try_state().unwrap();
	});
}

#[test]
fn broken_states_are_found() {
	let broken: [fn(); 7] = [
		|| Total::<Test>::put(1),
		|| Nodes::<Test>::mutate_extant(account(1), |node| node.stake += 1),
		|| KeyOwner::<Test>::remove(NodeKey::Identity(node(1).keys.identity)),
		|| KeyOwner::<Test>::insert(NodeKey::Identity(MemberId([9; 32])), account(1)),
		|| Nodes::<Test>::mutate_extant(account(1), |node| node.since = 1_000),
		|| {
			let key = NodeKey::Identity(node(1).keys.identity);
			let retired = RetiredKey { key, until: 3 };
			Retired::<Test>::insert(account(1), BoundedVec::truncate_from(alloc::vec![retired]));
		},
		|| {
			let retired = BoundedVec::truncate_from(alloc::vec![]);
			Retired::<Test>::insert(account(3), retired);
		},
	];
	for break_it in broken {
		network(&[genesis_node(1)]).execute_with(|| {
			Stake::do_try_state().unwrap();
			break_it();
			assert!(Stake::do_try_state().is_err());
		});
	}
}

#[test]
fn the_statement_names_the_genesis_block_that_frame_remembers_for_ever() {
	network(&[]).execute_with(|| {
		let before = genesis();
		for number in 2..2_000 {
			System::initialize(&number, &Hash::repeat_byte(1), &Default::default());
			System::finalize();
		}
		assert_eq!(System::block_hash(100), Hash::zero(), "others are forgotten");
		assert_eq!(genesis(), before);
	});
}
