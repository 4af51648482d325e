//! Benchmarks of the calls.

use super::*;
use asterism_primitives::committee::BlsSignature;
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	frame_support::traits::fungible::{Inspect, Mutate},
	frame_system::RawOrigin,
	sp_core::{crypto::KeyTypeId, sr25519},
	sp_io::crypto::{sr25519_generate, sr25519_sign},
};

const TYPE: KeyTypeId = KeyTypeId(*b"bnch");

fn key() -> sr25519::Public {
	sr25519_generate(TYPE, None)
}

fn sign(key: &sr25519::Public, statement: &[u8]) -> [u8; 64] {
	sr25519_sign(TYPE, key, statement)
		.expect("the key was just made")
		.0
}

/// Fresh keys with the consensus key of this number, and their proof for the operator.
fn keys<T: Config>(operator: &AccountId, number: u32) -> (NodeKeys, NodeKeysProof) {
	let (identity, sortition) = (key(), key());
	let keys = NodeKeys {
		identity: MemberId(identity.0),
		sortition: SortitionPublic(sortition.0),
		consensus: T::BenchmarkHelper::key(number),
	};
	let genesis = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero());
	let statement = keys.ownership_statement(genesis, operator);
	let consensus: BlsSignature = T::BenchmarkHelper::sign(number, &statement);
	let proof = NodeKeysProof {
		identity: sign(&identity, &statement),
		sortition: sign(&sortition, &statement),
		consensus,
	};
	(keys, proof)
}

/// An operator with thrice the least stake.
fn operator<T: Config<Currency: Mutate<AccountId>>>() -> AccountId {
	let operator: AccountId = whitelisted_caller();
	let balance = T::MinimumStake::get()
		.saturating_mul(3)
		.saturating_add(T::Currency::minimum_balance());
	T::Currency::set_balance(&operator, balance);
	operator
}

fn registered<T: Config<Currency: Mutate<AccountId>>>() -> Result<AccountId, BenchmarkError> {
	let operator = operator::<T>();
	let (keys, proof) = keys::<T>(&operator, 1);
	Pallet::<T>::register(
		RawOrigin::Signed(operator.clone()).into(),
		keys,
		proof,
		T::MinimumStake::get(),
	)?;
	Ok(operator)
}

/// Gives the operator as many retired keys as it may have, which are forgotten from `until` on.
fn retire<T: Config>(operator: &AccountId, until: BlockNumber) {
	let keys: Vec<_> = (0..T::MaxRetired::get())
		.map(|i| {
			let mut bytes = [0; 96];
			bytes[..4].copy_from_slice(&i.to_le_bytes());
			let key = NodeKey::Consensus(BlsPublic(bytes));
			KeyOwner::<T>::insert(key, operator);
			RetiredKey { key, until }
		})
		.collect();
	Retired::<T>::insert(operator, BoundedVec::truncate_from(keys));
}

#[benchmarks(where T::Currency: Mutate<AccountId>)]
mod benches {
	use super::*;

	/// Again, with other keys: the longer way.
	#[benchmark]
	fn register() -> Result<(), BenchmarkError> {
		let operator = registered::<T>()?;
		Pallet::<T>::exclude(&operator);
		let (keys, proof) = keys::<T>(&operator, 2);

		#[extrinsic_call]
		_(
			RawOrigin::Signed(operator.clone()),
			keys,
			proof,
			T::MinimumStake::get(),
		);

		assert_eq!(Nodes::<T>::get(&operator).map(|node| node.keys), Some(keys));
		Ok(())
	}

	#[benchmark]
	fn add() -> Result<(), BenchmarkError> {
		let operator = registered::<T>()?;
		let least = T::MinimumStake::get();

		#[extrinsic_call]
		_(RawOrigin::Signed(operator.clone()), least);

		assert_eq!(
			Nodes::<T>::get(&operator).map(|node| node.stake),
			Some(least.saturating_mul(2))
		);
		Ok(())
	}

	#[benchmark]
	fn rotate() -> Result<(), BenchmarkError> {
		let operator = registered::<T>()?;
		retire::<T>(&operator, 0);
		let (keys, proof) = keys::<T>(&operator, 2);

		#[extrinsic_call]
		_(RawOrigin::Signed(operator.clone()), keys, proof);

		assert_eq!(Retired::<T>::get(&operator).len(), 3);
		Ok(())
	}

	#[benchmark]
	fn leave() -> Result<(), BenchmarkError> {
		let operator = registered::<T>()?;

		#[extrinsic_call]
		_(RawOrigin::Signed(operator.clone()));

		assert_eq!(Total::<T>::get(), 0);
		Ok(())
	}

	#[benchmark]
	fn withdraw() -> Result<(), BenchmarkError> {
		let operator = registered::<T>()?;
		retire::<T>(&operator, 0);
		Nodes::<T>::mutate_extant(&operator, |node| {
			node.status = Status::Leaving {
				withdrawable_at: 0,
				excluded: false,
			};
		});
		Total::<T>::kill();

		#[extrinsic_call]
		_(RawOrigin::Signed(operator.clone()));

		assert!(!Nodes::<T>::contains_key(&operator));
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::tests::mock::network(&[]), crate::tests::mock::Test);
}
