//! Benchmarks.

use super::*;
use asterism_primitives::message::MessageBody;
use polkadot_sdk::{
	frame_benchmarking::{self, v2::*},
	frame_system::RawOrigin,
};

/// The account that sends, or calls.
fn endowed<T: Config>() -> AccountId {
	let account = AccountId::new([1; 32]);
	let amount = T::Currency::minimum_balance() * 1_000;
	T::Currency::mint_into(&account, amount).expect("a new account can be endowed");
	account
}

/// An account that doesn't exist, and for which the pot keeps this amount.
fn waiting<T: Config>(amount: Balance) -> AccountId {
	let account = AccountId::new([2; 32]);
	T::Currency::mint_into(&Pallet::<T>::pot(), amount + T::Currency::minimum_balance())
		.expect("the pot takes everything");
	if amount > 0 {
		Unclaimed::<T>::insert(&account, amount);
	}
	account
}

fn message(recipient: &AccountId, value: Balance) -> Message {
	Message {
		nonce: 0,
		sender: AccountId::new([3; 32]),
		recipient: recipient.clone(),
		currency: CurrencyId::NATIVE,
		value,
		body: MessageBody::Add,
	}
}

#[benchmarks]
mod benchmarks {
	use super::*;

	/// To another chain, which takes more than one within this chain.
	#[benchmark]
	fn transfer() {
		let from = endowed::<T>();
		let chain = ChainId(T::Messages::chain_id().0 + 1);
		T::Messages::make_known(chain);
		let destination = Address {
			chain,
			account: AccountId::new([2; 32]),
		};
		let amount = T::Currency::minimum_balance() * 10;

		#[extrinsic_call]
		_(RawOrigin::Signed(from.clone()), destination, amount);

		assert_eq!(T::Currency::balance(&from), T::Currency::minimum_balance() * 990);
	}

	#[benchmark]
	fn claim() {
		let caller = endowed::<T>();
		let amount = T::Currency::minimum_balance() * 10;
		let account = waiting::<T>(amount);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), account.clone());

		assert_eq!(T::Currency::balance(&account), amount);
	}

	/// A message for an account that gets, by the way, what the pot keeps for it.
	#[benchmark]
	fn receive() {
		let amount = T::Currency::minimum_balance() * 10;
		let account = waiting::<T>(amount);
		let message = message(&account, amount);
		let received;

		#[block]
		{
			received = <Pallet<T> as HandleMessage>::receive(ChainId(u32::MAX), &message);
		}

		assert_eq!(received, Ok(()));
		assert_eq!(T::Currency::balance(&account), amount * 2);
	}

	/// A message that brings back too little for the account to hold: the pot keeps it.
	#[benchmark]
	fn returned() {
		let account = waiting::<T>(0);
		let message = message(&account, 1);

		#[block]
		{
			<Pallet<T> as HandleMessage>::returned(ChainId(u32::MAX), &message, 0, BounceReason::Refused);
		}

		assert_eq!(Unclaimed::<T>::get(&account), 1);
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
