mod code;
mod properties;

use crate::{
	mock::{Actors, *},
	*,
};
use asterism_primitives::{api::SentState, message::MessageBody};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_runtime::{DispatchResult, TokenError},
};
use proptest::prelude::*;

const A: ChainId = ChainId(1);
const B: ChainId = ChainId(2);

fn at(chain: ChainId, n: u8) -> Address {
	Address {
		chain,
		account: account(n),
	}
}

fn transfer(from: u8, to: Address, amount: Balance) -> DispatchResult {
	Actors::transfer(RuntimeOrigin::signed(account(from)), to, amount)
}

fn balance(n: u8) -> Balance {
	Balances::free_balance(account(n))
}

/// One of many accounts of chain B. What is sent to one account in a block would be one message.
fn one_of_many(n: u32) -> Address {
	let mut id = [7; 32];
	id[..4].copy_from_slice(&n.to_le_bytes());
	Address {
		chain: B,
		account: AccountId::new(id),
	}
}

fn message(recipient: u8, value: Balance) -> Message {
	Message {
		nonce: 0,
		sender: account(9),
		recipient: account(recipient),
		currency: CurrencyId::NATIVE,
		value,
		body: MessageBody::Add,
	}
}

/// Runs on one chain, whose state must hold together after it.
fn scenario(run: impl FnOnce()) {
	new_test_ext().execute_with(|| {
		run();
		Actors::do_try_state().unwrap();
	});
}

#[test]
fn the_pot_has_its_deposit_at_genesis() {
	scenario(|| {
		assert_eq!(Balances::free_balance(Actors::pot()), MINIMUM);
		assert_eq!(Balances::total_issuance(), 3_000 + MINIMUM);
		Actors::do_try_state().unwrap();
	});
}

#[test]
fn an_inner_transfer_is_executed_at_once() {
	scenario(|| {
		assert_ok!(transfer(1, at(A, 2), 100));
		assert_eq!((balance(1), balance(2)), (900, 1_100));
		let event = Event::<Test>::Transferred {
			from: account(1),
			to: at(A, 2),
			amount: 100,
			nonce: None,
		};
		System::assert_last_event(event.into());
	});
}

#[test]
fn an_outer_transfer_is_burned_and_sent() {
	scenario(|| {
		let issuance = Balances::total_issuance();
		assert_ok!(transfer(1, at(B, 2), 100));
		assert_eq!((balance(1), balance(2)), (900, 1_000));
		assert_eq!(Balances::total_issuance(), issuance - 100);
		let event = Event::<Test>::Transferred {
			from: account(1),
			to: at(B, 2),
			amount: 100,
			nonce: Some(0),
		};
		System::assert_last_event(event.into());
		assert_eq!(Messages::sent_state(B, 0), SentState::Included { number: 1 });
	});
}

#[test]
fn what_can_not_be_transferred_stays() {
	scenario(|| {
		assert_noop!(transfer(1, at(B, 2), 0), Error::<Test>::ZeroAmount);
		assert_noop!(transfer(1, at(A, 2), 0), Error::<Test>::ZeroAmount);
		assert_noop!(
			transfer(1, at(ChainId::ROOT, 2), 5),
			Error::<Test>::RootDestination
		);
		assert_noop!(
			polkadot_sdk::frame_support::storage::with_storage_layer(|| transfer(1, at(ChainId(4), 2), 5)),
			Error::<Test>::UnknownDestination
		);
		assert_noop!(transfer(1, at(B, 2), 1_001), TokenError::FundsUnavailable);
		assert_noop!(transfer(7, at(B, 2), 1), TokenError::FundsUnavailable);
		assert_noop!(transfer(1, at(A, 7), MINIMUM - 1), TokenError::BelowMinimum);
		// A block sends no more than a batch.
		for n in 0..256u32 {
			assert_ok!(transfer(1, one_of_many(n), 1));
		}
		assert_noop!(
			polkadot_sdk::frame_support::storage::with_storage_layer(|| transfer(1, at(B, 2), 1)),
			Error::<Test>::BlockFull
		);
	});
}

#[test]
fn dust_goes_to_the_pot() {
	scenario(|| {
		let issuance = Balances::total_issuance();
		assert_ok!(transfer(1, at(B, 2), 995));
		assert_eq!(balance(1), 0);
		assert_eq!(Balances::total_issuance(), issuance - 995);
		assert_eq!(Balances::free_balance(Actors::pot()), MINIMUM + 5);
		assert_ok!(transfer(2, at(A, 3), 993));
		assert_eq!(Balances::free_balance(Actors::pot()), MINIMUM + 12);
		assert_eq!(Balances::total_issuance(), issuance - 995);
		Actors::do_try_state().unwrap();
	});
}

#[test]
fn deposits_are_minted_or_refused() {
	scenario(|| {
		assert_eq!(Actors::receive(B, &message(7, MINIMUM)), Ok(()));
		assert_eq!(balance(7), MINIMUM);
		assert_eq!(Actors::receive(B, &message(1, 1)), Ok(()));
		assert_eq!(
			Actors::receive(B, &message(8, MINIMUM - 1)),
			Err(BounceReason::BelowMinimum)
		);
		assert_eq!(
			Actors::receive(B, &message(1, Balance::MAX)),
			Err(BounceReason::Refused)
		);
		let mut other = message(1, 5);
		other.currency = CurrencyId(1);
		assert_eq!(Actors::receive(B, &other), Err(BounceReason::UnknownCurrency));
		assert_eq!(balance(1), 1_001);
	});
}

#[test]
fn what_comes_back_to_an_ended_account_is_kept_for_it() {
	scenario(|| {
		let back = |value| Actors::returned(B, &message(7, value), 3, BounceReason::BelowMinimum);
		let claim = || Actors::claim(RuntimeOrigin::signed(account(1)), account(7));
		assert_noop!(claim(), Error::<Test>::NothingToClaim);
		back(4);
		assert_eq!(Unclaimed::<Test>::get(account(7)), 4);
		assert_eq!(Balances::free_balance(Actors::pot()), MINIMUM + 4);
		Actors::do_try_state().unwrap();
		assert_noop!(claim(), Error::<Test>::StillBelowMinimum);
		// Together it is enough.
		back(6);
		assert_eq!((balance(7), Unclaimed::<Test>::get(account(7))), (10, 0));
		// Kept again; the next deposit brings it along.
		assert_ok!(transfer(7, at(A, 1), 10));
		back(4);
		assert_eq!(Actors::receive(B, &message(7, MINIMUM)), Ok(()));
		assert_eq!(balance(7), 14);
		// Kept again; the account is endowed otherwise, and claims.
		assert_ok!(transfer(7, at(A, 1), 14));
		back(4);
		assert_ok!(transfer(1, at(A, 7), 20));
		assert_ok!(claim());
		assert_eq!(balance(7), 24);
		assert_eq!(Balances::free_balance(Actors::pot()), MINIMUM);
		Actors::do_try_state().unwrap();
	});
}

#[test]
fn value_moves_between_chains() {
	let mut network = Network::new(2);
	network.on(1, || {
		assert_ok!(transfer(1, at(B, 7), 300));
	});
	network.end_block(1);
	// Before the root chain has it, nothing can be delivered.
	network.inherents(2, false);
	assert_eq!(network.on(2, || balance(7)), 0);
	network.end_block(2);
	network.checkpoint(1);
	network.inherents(2, true);
	network.on(2, || {
		assert_eq!(balance(7), 300);
		let event = Event::<Test>::Deposited {
			from: at(A, 1),
			to: account(7),
			amount: 300,
		};
		System::assert_has_event(event.into());
	});
	network.end_block(2);
	network.checkpoint(2);
	network.inherents(1, false);
	network.on(1, || assert_eq!(Messages::sent_state(B, 0), SentState::Delivered));
	network.settle();
	assert_eq!(network.on(1, || balance(1)), 700);
	assert_eq!(network.on(2, || balance(7)), 300);
}

#[test]
fn value_that_can_not_arrive_comes_back() {
	let mut network = Network::new(2);
	// Below the minimum of a new account.
	network.on(1, || {
		assert_ok!(transfer(1, at(B, 7), MINIMUM - 1));
	});
	network.on(1, || {
		assert_ok!(transfer(2, at(B, 7), MINIMUM));
	});
	network.settle();
	network.on(2, || assert_eq!(balance(7), MINIMUM));
	network.on(1, || {
		assert_eq!((balance(1), balance(2)), (1_000, 990));
		let reason = BounceReason::BelowMinimum;
		assert_eq!(Messages::sent_state(B, 0), SentState::Bounced { reason });
		assert_eq!(Messages::sent_state(B, 1), SentState::Delivered);
	});
}

#[test]
fn an_outage_loses_nothing() {
	let mut network = Network::new(2);
	for _ in 0..20 {
		network.on(1, || {
			assert_ok!(transfer(1, at(B, 7), 10));
		});
		network.on(2, || {
			assert_ok!(transfer(1, at(A, 7), 20));
		});
		network.end_block(1);
		network.end_block(2);
	}
	network.settle();
	assert_eq!(network.on(1, || balance(7)), 400);
	assert_eq!(network.on(2, || balance(7)), 200);
}

#[derive(Clone, Debug)]
enum Step {
	Transfer {
		chain: u32,
		from: u8,
		to_chain: u32,
		to: u8,
		amount: Balance,
	},
	End(u32),
	Checkpoint(u32),
	Inherents(u32),
}

fn step() -> impl Strategy<Value = Step> {
	let chain = || 1u32..4;
	prop_oneof![
		4 => (chain(), 1u8..6, chain(), 1u8..9, 1u128..1_200).prop_map(|(chain, from, to_chain, to, amount)| {
			// Many are small, so that they bounce, and leave dust.
			let amount = if amount > 600 { amount } else { amount % 25 + 1 };
			Step::Transfer { chain, from, to_chain, to, amount }
		}),
		2 => chain().prop_map(Step::End),
		// Lost submissions are those that don't come.
		1 => chain().prop_map(Step::Checkpoint),
		1 => chain().prop_map(Step::Inherents),
	]
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(64))]

	/// At every step, Σ balances + value in flight = issuance; and in the end all has arrived.
	#[test]
	fn no_currency_is_created_or_lost(steps in proptest::collection::vec(step(), 1..120)) {
		let mut network = Network::new(3);
		for step in steps {
			match step {
				Step::Transfer { chain, from, to_chain, to, amount } => {
					let _ = network.on(chain, || polkadot_sdk::frame_support::storage::with_storage_layer(
						|| transfer(from, at(ChainId(to_chain), to), amount)
					));
					network.check();
				},
				Step::End(chain) => network.end_block(chain),
				Step::Checkpoint(chain) => network.checkpoint(chain),
				// A new block for its inherents: they come first.
				Step::Inherents(chain) => {
					network.end_block(chain);
					network.inherents(chain, true);
				},
			}
		}
		network.settle();
	}
}
