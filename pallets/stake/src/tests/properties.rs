//! Random sequences of calls: stakes are what is on hold, and nothing is made or lost.

use super::mock::*;
use crate::*;
use polkadot_sdk::frame_support::traits::fungible::Inspect;
use proptest::prelude::*;

/// What somebody does.
#[derive(Clone, Debug)]
enum Action {
	Register {
		who: u8,
		keys: u8,
		amount: Balance,
	},
	Add {
		who: u8,
		amount: Balance,
	},
	Rotate {
		who: u8,
		keys: (u8, u8, u8),
	},
	Leave {
		who: u8,
	},
	Withdraw {
		who: u8,
	},
	Slash {
		who: u8,
		percent: u32,
		reporter: Option<u8>,
	},
	Exclude {
		who: u8,
	},
	Begin {
		who: u8,
	},
	End {
		who: u8,
	},
	Wait {
		blocks: BlockNumber,
	},
}

fn action() -> impl Strategy<Value = Action> {
	// 7 and 8 have no balance.
	let who = 1u8..=8;
	let key = 0u8..8;
	prop_oneof![
		4 => (who.clone(), key.clone(), 0..2 * ENDOWMENT).prop_map(|(who, keys, amount)| Action::Register { who, keys, amount }),
		2 => (who.clone(), 0..ENDOWMENT).prop_map(|(who, amount)| Action::Add { who, amount }),
		3 => (who.clone(), (key.clone(), key.clone(), key)).prop_map(|(who, keys)| Action::Rotate { who, keys }),
		2 => who.clone().prop_map(|who| Action::Leave { who }),
		3 => who.clone().prop_map(|who| Action::Withdraw { who }),
		2 => (who.clone(), 0u32..=100, proptest::option::of(who.clone()))
			.prop_map(|(who, percent, reporter)| Action::Slash { who, percent, reporter }),
		1 => who.clone().prop_map(|who| Action::Exclude { who }),
		1 => who.clone().prop_map(|who| Action::Begin { who }),
		2 => who.prop_map(|who| Action::End { who }),
		3 => (1..UNBONDING + 2).prop_map(|blocks| Action::Wait { blocks }),
	]
}

fn apply(action: &Action) {
	let transactional = |call: &dyn Fn() -> DispatchResult| {
		let before = Nodes::<Test>::iter().collect::<alloc::collections::BTreeMap<_, _>>();
		let result = polkadot_sdk::frame_support::storage::with_storage_layer(call);
		if result.is_err() {
			let after = Nodes::<Test>::iter().collect::<alloc::collections::BTreeMap<_, _>>();
			assert!(before == after, "a refusal changed something");
		}
	};
	match action {
		Action::Register { who, keys, amount } => {
			transactional(&|| register(*who, &Secrets::new(*keys), *amount))
		}
		Action::Add { who, amount } => transactional(&|| Stake::add(signed(*who), *amount)),
		Action::Rotate { who, keys: (a, b, c) } => {
			let secrets = Secrets {
				identity: Secrets::new(*a).identity,
				sortition: Secrets::new(*b).sortition,
				consensus: Secrets::new(*c).consensus,
			};
			transactional(&|| rotate(*who, &secrets));
		}
		Action::Leave { who } => {
			let excluded = || Stake::node(&account(*who)).is_some_and(|node| node.is_excluded());
			let before = excluded();
			transactional(&|| Stake::leave(signed(*who)));
			assert_eq!(excluded(), before);
		}
		Action::Withdraw { who } => {
			let before = Stake::node(&account(*who));
			transactional(&|| Stake::withdraw(signed(*who)));
			if let (Some(node), None) = (before, Stake::node(&account(*who))) {
				let Status::Leaving { withdrawable_at, .. } = node.status else {
					panic!("only who leaves withdraws")
				};
				assert!(node.duties == 0 && withdrawable_at <= System::block_number());
				assert!(node.relieved == 0 || node.relieved + UNBONDING <= System::block_number());
			}
		}
		Action::Slash {
			who,
			percent,
			reporter,
		} => {
			let before = Stake::node(&account(*who)).map_or(0, |node| node.stake);
			let reporter = reporter.map(account);
			let amount = Stake::slash(&account(*who), Perbill::from_percent(*percent), reporter.as_ref());
			assert_eq!(amount, (before * Balance::from(*percent)).div_ceil(100));
		}
		Action::Exclude { who } => {
			let before = Stake::node(&account(*who)).is_some_and(|node| !node.is_excluded());
			assert_eq!(Stake::exclude(&account(*who)), before);
			assert!(Stake::node(&account(*who)).is_none_or(|node| node.is_excluded() && node.weight() == 0));
		}
		Action::Begin { who } => Stake::begin_duty(&account(*who)),
		Action::End { who } => Stake::end_duty(&account(*who)),
		Action::Wait { blocks } => at(System::block_number() + blocks),
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(48))]

	#[test]
	fn stakes_are_always_on_hold_and_nothing_is_lost(actions in proptest::collection::vec(action(), 1..60)) {
		network(&[genesis_node(1), genesis_node(2)]).execute_with(|| {
			let issued = Balances::total_issuance();
			for action in &actions {
				apply(action);
				Stake::do_try_state().unwrap_or_else(|e| panic!("after {action:?}: {e:?}"));
				let owned: Balance = (1..=8).map(|i| Balances::total_balance(&account(i))).sum();
				assert_eq!(owned + Confiscated::get(), issued, "after {action:?}");
				assert_eq!(Balances::total_issuance(), owned, "after {action:?}");
			}
		});
	}
}
