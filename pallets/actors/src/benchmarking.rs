//! Benchmarks.

use super::*;
use polkadot_sdk::{frame_benchmarking, frame_benchmarking::v2::*, frame_system::RawOrigin};

#[benchmarks]
mod benchmarks {
	use super::*;

	fn endowed<T: Config>(seed: u8) -> AccountId {
		let account = AccountId::new([seed; 32]);
		let amount = T::Currency::minimum_balance() * 1_000;
		T::Currency::mint_into(&account, amount).expect("a new account can be endowed");
		account
	}

	#[benchmark]
	fn transfer() {
		let from = endowed::<T>(1);
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
		let caller = endowed::<T>(1);
		let account = AccountId::new([2; 32]);
		let amount = T::Currency::minimum_balance() * 10;
		T::Currency::mint_into(&Pallet::<T>::pot(), amount + T::Currency::minimum_balance())
			.expect("the pot takes everything");
		Unclaimed::<T>::insert(&account, amount);

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), account.clone());

		assert_eq!(T::Currency::balance(&account), amount);
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
