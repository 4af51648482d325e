//! Benchmarks.

use super::*;
use asterism_actor_vm::abi;
use asterism_primitives::message::{Call as Said, MessageBody};
use polkadot_sdk::{
	frame_benchmarking::{self, v2::*},
	frame_system::RawOrigin,
};

/// The smallest module that does nothing, with a custom section to make it of this length.
fn module(len: u32) -> CodeBytesOf {
	let mut code = alloc::vec![
		0, b'a', b's', b'm', 1, 0, 0, 0, // magic and version
		1, 4, 1, 0x60, 0, 0, // a type: no parameters, no results
		3, 2, 1, 0, // a function of it
		5, 3, 1, 0, 1, // a page of memory
		7, 19, 2, 6, b'h', b'a', b'n', b'd', b'l', b'e', 0, 0, // exports: the function,
		6, b'm', b'e', b'm', b'o', b'r', b'y', 2, 0, // and the memory
		10, 4, 1, 2, 0, 0x0b, // a body without instructions
	];
	// The length of the section takes five bytes, of which its name's length is none.
	let rest = (len as usize).saturating_sub(code.len());
	if let Some(content) = rest.checked_sub(6).filter(|content| *content > 0) {
		code.push(0);
		let mut left = content as u32;
		for last in [false, false, false, false, true] {
			let low = (left & 0x7f) as u8;
			left >>= 7;
			code.push(if last { low } else { low | 0x80 });
		}
		// A name without letters, and zeros.
		code.resize(code.len() + content, 0);
	}
	CodeBytesOf::truncate_from(code)
}

/// A user with enough for everything.
fn user<T: Config>() -> AccountId {
	let account = AccountId::new([4; 32]);
	let amount = Pallet::<T>::code_deposit(4 * abi::MAX_CODE as usize)
		.saturating_add(T::Currency::minimum_balance().saturating_mul(1_000_000));
	T::Currency::mint_into(&account, amount).expect("a new account can be endowed");
	account
}

/// An actor whose code is as long as it may be, and with its first message in the queue.
fn waiting_actor<T: Config>() -> AccountId {
	let user = user::<T>();
	let code = module(abi::MAX_CODE);
	let hash = Hash::from(blake2_256(&code));
	Pallet::<T>::do_upload(user.clone(), code, None).expect("the code is valid");
	let value = T::Currency::minimum_balance();
	let body = Body::truncate_from(alloc::vec![0; abi::MAX_BODY as usize]);
	Pallet::<T>::do_instantiate(user, hash, [0; 32], value, T::MaxGas::get(), body)
		.expect("the actor can be created")
}

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

	/// `c`: bytes of the code, `i`: bytes of the interface, which says nothing.
	#[benchmark]
	fn upload(c: Linear<64, { abi::MAX_CODE }>, i: Linear<0, 1>) {
		let user = user::<T>();
		let code = module(c);
		let hash = Hash::from(blake2_256(&code));
		// Without messages and types, and nothing promised. What an interface takes beyond is an estimate.
		let interface = (i > 0).then(|| InterfaceBytes::truncate_from(alloc::vec![0; 4]));

		#[extrinsic_call]
		_(RawOrigin::Signed(user), code, interface);

		assert!(Codes::<T>::contains_key(hash));
	}

	#[benchmark]
	fn remove() {
		let user = user::<T>();
		let code = module(abi::MAX_CODE);
		let hash = Hash::from(blake2_256(&code));
		Pallet::<T>::do_upload(user.clone(), code, None).expect("the code is valid");

		#[extrinsic_call]
		_(RawOrigin::Signed(user), hash);

		assert!(!Codes::<T>::contains_key(hash));
	}

	#[benchmark]
	fn instantiate() {
		let user = user::<T>();
		let code = module(64);
		let hash = Hash::from(blake2_256(&code));
		Pallet::<T>::do_upload(user.clone(), code, None).expect("the code is valid");
		let value = T::Currency::minimum_balance();
		let body = Body::truncate_from(alloc::vec![0; abi::MAX_BODY as usize]);

		#[extrinsic_call]
		_(
			RawOrigin::Signed(user),
			hash,
			[0; 32],
			value,
			T::MaxGas::get(),
			body,
		);

		assert_eq!(Pallet::<T>::queue().len(), 1);
	}

	/// To another chain, with as much to say as there may be.
	#[benchmark]
	fn call() {
		let user = user::<T>();
		let chain = ChainId(T::Messages::chain_id().0 + 1);
		T::Messages::make_known(chain);
		let destination = Address {
			chain,
			account: AccountId::new([2; 32]),
		};
		let value = T::Currency::minimum_balance();
		let body = Body::truncate_from(alloc::vec![0; abi::MAX_BODY as usize]);

		#[extrinsic_call]
		_(
			RawOrigin::Signed(user),
			destination,
			value,
			T::MaxGas::get(),
			body,
		);

		assert_eq!(
			T::Currency::balance_on_hold(&HoldReason::Transit.into(), &Pallet::<T>::pot()),
			0
		);
	}

	/// A call from another chain for an actor.
	#[benchmark]
	fn enqueue() {
		let actor = waiting_actor::<T>();
		let mut message = message(&actor, T::Currency::minimum_balance());
		message.body = MessageBody::Call(Said {
			gas: 0,
			depth: 0,
			body: Body::truncate_from(alloc::vec![0; abi::MAX_BODY as usize]),
		});
		let received;

		#[block]
		{
			received = <Pallet<T> as HandleMessage>::receive(ChainId(u32::MAX), &message);
		}

		assert_eq!(received, Ok(()));
		assert_eq!(Pallet::<T>::queue().len(), 2);
	}

	#[benchmark]
	fn peek() {
		waiting_actor::<T>();
		let next;

		#[block]
		{
			next = Pallet::<T>::queue().peek();
		}

		assert!(next.is_some());
	}

	/// A message to the longest code, which does nothing. Its gas is subtracted nowhere: the weight is on the safe side by that.
	#[benchmark]
	fn step() {
		waiting_actor::<T>();
		let mut meter = WeightMeter::new();

		#[block]
		{
			Pallet::<T>::work(&mut meter);
		}

		assert_eq!(Pallet::<T>::queue().len(), 0);
	}

	/// A value that found no room before.
	#[benchmark]
	fn give_back() {
		let value = T::Currency::minimum_balance();
		Pallet::<T>::bring_in(value).expect("the pot takes everything");
		let back = Return {
			source: ChainId(T::Messages::chain_id().0 + 1),
			nonce: 0,
			from: AccountId::new([1; 32]),
			to: AccountId::new([2; 32]),
			value,
			reason: BounceReason::Failed,
			call: Said {
				gas: 0,
				depth: 1,
				body: Body::truncate_from(alloc::vec![0; abi::MAX_BODY as usize]),
			},
		};
		Returns::<T>::insert(0, back);
		ReturnSpan::<T>::put((0, 1));
		let mut meter = WeightMeter::new();

		#[block]
		{
			Pallet::<T>::flush_returns(&mut meter);
		}

		assert_eq!(Pallet::<T>::returns_waiting(), 0);
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
