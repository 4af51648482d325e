//! Benchmarks.

use super::*;
use asterism_actor_vm::{abi, MAX_FUNCTIONS, MAX_TYPES};
use asterism_interface::{
	benchmarking::{to_validate, SHORTEST},
	MAX_ENCODED,
};
use asterism_primitives::message::{Call as Said, MessageBody};
use polkadot_sdk::{frame_benchmarking::v2::*, frame_system::RawOrigin};

/// Bytes that a module has at least that has as many functions and types as it may.
const FULL: u32 = 16 * 1024;

/// A number as WebAssembly encodes it, in so many bytes, of which it may need fewer.
fn number<const N: usize>(mut number: u32) -> [u8; N] {
	core::array::from_fn(|i| {
		let byte = (number & 0x7f) as u8;
		number >>= 7;
		if i + 1 < N {
			byte | 0x80
		} else {
			byte
		}
	})
}

fn section(module: &mut Vec<u8>, id: u8, content: &[u8]) {
	module.push(id);
	module.extend(number::<5>(content.len() as u32));
	module.extend(content);
}

fn list(length: u32, entry: impl Fn(u32) -> Vec<u8>) -> Vec<u8> {
	let mut list = number::<5>(length).to_vec();
	list.extend((0..length).flat_map(entry));
	list
}

/// A module that does nothing: so many functions and types, and a page of memory. The first function handles messages. The last one
/// has so many instructions of a byte each.
fn module_of(functions: u32, types: u32, instructions: usize) -> Vec<u8> {
	let mut module = b"\0asm\x01\0\0\0".to_vec();
	section(&mut module, 1, &list(types, |_| alloc::vec![0x60, 0, 0]));
	section(
		&mut module,
		3,
		&list(functions, |i| number::<2>(i % types).to_vec()),
	);
	section(&mut module, 5, &[1, 0, 1]);
	section(&mut module, 7, b"\x02\x06handle\0\0\x06memory\x02\0");
	let bodies = list(functions, |i| {
		if i + 1 < functions || instructions == 0 {
			return alloc::vec![2, 0, 0x0b];
		}
		// No locals; a zero, the question many times whether it is one, and the answer is dropped.
		let mut body = alloc::vec![0, 0x41, 0];
		body.resize(body.len() + instructions, 0x45);
		body.extend([0x1a, 0x0b]);
		[number::<5>(body.len() as u32).to_vec(), body].concat()
	});
	section(&mut module, 10, &bodies);
	module
}

/// A module of this length, from [`FULL`] on, that takes as long to validate as can be.
fn full_module(len: u32) -> CodeBytesOf {
	let shortest = module_of(MAX_FUNCTIONS, MAX_TYPES, 1).len();
	let instructions = 1 + (len as usize).saturating_sub(shortest);
	CodeBytesOf::truncate_from(module_of(MAX_FUNCTIONS, MAX_TYPES, instructions))
}

/// The smallest module, with a custom section that makes it as long as it may be.
fn long_module() -> CodeBytesOf {
	let mut module = module_of(1, 1, 0);
	let content = (abi::MAX_CODE as usize).saturating_sub(module.len() + 6);
	// A name without letters, and zeros.
	section(&mut module, 0, &alloc::vec![0; content]);
	CodeBytesOf::truncate_from(module)
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
	let code = long_module();
	let hash = Hash::from(blake2_256(&code));
	Pallet::<T>::do_upload(user.clone(), code, None).expect("the code is valid");
	let value = T::Currency::minimum_balance();
	let body = Body::truncate_from(alloc::vec![0; abi::MAX_BODY as usize]);
	Pallet::<T>::do_instantiate(user, hash, [0; 32], value, T::MaxGas::get(), body)
		.expect("the actor can be created")
}

/// The account that sends, or calls.
fn endowed<T: Config>() -> AccountId {
	let account = AccountId::new([0xb1; 32]);
	let amount = T::Currency::minimum_balance() * 1_000;
	T::Currency::mint_into(&account, amount).expect("a new account can be endowed");
	account
}

/// An account that doesn't exist, and for which the pot keeps this amount.
fn waiting<T: Config>(amount: Balance) -> AccountId {
	let account = AccountId::new([0xb2; 32]);
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
			account: AccountId::new([0xb2; 32]),
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

	/// `c`: bytes of the code, `i`: bytes of the interface.
	#[benchmark]
	fn upload(c: Linear<FULL, { abi::MAX_CODE }>, i: Linear<0, { MAX_ENCODED as u32 }>) {
		let user = user::<T>();
		let code = full_module(c);
		let hash = Hash::from(blake2_256(&code));
		let interface = (i >= SHORTEST).then(|| InterfaceBytes::truncate_from(to_validate(i)));

		#[extrinsic_call]
		_(RawOrigin::Signed(user), code, interface);

		assert!(Codes::<T>::contains_key(hash));
	}

	#[benchmark]
	fn remove() {
		let user = user::<T>();
		let code = long_module();
		let hash = Hash::from(blake2_256(&code));
		Pallet::<T>::do_upload(user.clone(), code, None).expect("the code is valid");

		#[extrinsic_call]
		_(RawOrigin::Signed(user), hash);

		assert!(!Codes::<T>::contains_key(hash));
	}

	#[benchmark]
	fn instantiate() {
		let user = user::<T>();
		let code = CodeBytesOf::truncate_from(module_of(1, 1, 0));
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
			account: AccountId::new([0xb2; 32]),
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
			from: AccountId::new([0xb1; 32]),
			to: AccountId::new([0xb2; 32]),
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
