//! Benchmarks.

use super::*;
use asterism_interface::{
	benchmarking::{to_compare, SHORTEST},
	ServiceLevel, Stage, MAX_ENCODED,
};
use asterism_primitives::{
	message::{Body, Call as Said, MessageBody, MAX_BODY},
	CurrencyId,
};
use polkadot_sdk::{
	frame_benchmarking::v2::*, frame_support::traits::fungible::Inspect as _, frame_system::RawOrigin,
};

/// Chains that a pipeline's actors are on: enough for each to keep the announcements, and for one block to send them all bytes.
const CHAINS: u32 = 16;

/// An interface of at most so many bytes.
fn interface(bytes: u32) -> Vec<u8> {
	to_compare(bytes, false, service(0))
}

/// The same messages, of types that are compared to those for as long as can be, at a price of its own.
fn other(bytes: u32, price: u32) -> Vec<u8> {
	to_compare(bytes, true, service(price))
}

/// Each interface has one, so that all have room for as many types.
fn service(price: u32) -> Option<ServiceLevel> {
	Some(ServiceLevel {
		price: price.into(),
		deadline: None,
	})
}

fn user<T: Config>() -> AccountId {
	let account = AccountId::new([1; 32]);
	let amount = Pallet::<T>::deposit(16, 64 * 1024)
		.saturating_add(T::Currency::minimum_balance().saturating_mul(1_000_000));
	T::Currency::mint_into(&account, amount).expect("a new account can be endowed");
	account
}

/// An actor of this chain with an interface.
fn actor<T: Config>(number: u8, interface: Vec<u8>) -> Address {
	let account = [number; 32];
	T::Interfaces::set_interface(&AccountId::new(account), Hash::repeat_byte(number), interface);
	Address {
		chain: T::Messages::chain_id().0,
		account,
	}
}

/// An actor of another chain, with as long an interface as can be announced.
fn foreign<T: Config>(chain: ChainId, number: u8) -> Address {
	T::Messages::make_known(chain);
	let message = announcement::<T>(number);
	Pallet::<T>::learn(chain, &message).expect("it is an announcement");
	Address {
		chain: chain.0,
		account: [number; 32],
	}
}

fn announcement<T: Config>(number: u8) -> Message {
	let said = Announcement {
		account: AccountId::new([number; 32]),
		code: Hash::repeat_byte(number),
		interface: AnnouncedBytes::truncate_from(interface(MAX_ANNOUNCED)),
	};
	Message {
		nonce: 0,
		sender: Pallet::<T>::account(),
		recipient: Pallet::<T>::account(),
		currency: CurrencyId::NATIVE,
		value: 0,
		body: MessageBody::Call(Said {
			gas: 0,
			depth: 0,
			body: Body::truncate_from(said.encode()),
		}),
	}
}

fn name(text: &str) -> Name {
	Name::truncate_from(text.as_bytes().to_vec())
}

fn link<T: Config>(bytes: u32) -> Link {
	Link {
		from: actor::<T>(11, interface(bytes / 2)),
		output: name("give"),
		to: actor::<T>(12, other(bytes / 2, 0)),
		input: name("take"),
	}
}

/// A pipeline of one stage.
fn pipeline(replicas: Vec<Address>) -> Pipeline {
	let stage = Stage {
		role: Role::Map,
		replicas,
		input: "take".into(),
		output: "give".into(),
	};
	Pipeline {
		stages: alloc::vec![stage],
	}
}

/// A pipeline of as many actors as there may be, on other chains.
fn declared<T: Config>(owner: &AccountId) -> Hash {
	let own = T::Messages::chain_id().0;
	let replicas = (0..MAX_ACTORS as u8)
		.map(|number| foreign::<T>(ChainId(own + 1 + u32::from(number) % CHAINS), 20 + number))
		.collect();
	let pipeline = pipeline(replicas);
	let id = Pallet::<T>::pipeline_id(owner, &pipeline);
	Pallet::<T>::do_declare(owner.clone(), pipeline).expect("the pipeline can be declared");
	assert!(Pipelines::<T>::contains_key(id));
	id
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn announce() {
		let user = user::<T>();
		let chain = ChainId(T::Messages::chain_id().0 + 1);
		T::Messages::make_known(chain);
		let address = actor::<T>(11, interface(MAX_ANNOUNCED));
		let account = AccountId::new(address.account);

		#[extrinsic_call]
		_(RawOrigin::Signed(user), account, chain);
	}

	/// An announcement that makes an older one be forgotten.
	#[benchmark]
	fn learn() {
		let chain = ChainId(T::Messages::chain_id().0 + 1);
		let message = announcement::<T>(11);
		let oldest = AccountId::new([12; 32]);
		let known = AnnouncedInterface {
			code: Hash::repeat_byte(12),
			interface: AnnouncedBytes::truncate_from(interface(MAX_ANNOUNCED)),
			at: 0,
			slot: 0,
		};
		Announced::<T>::insert(chain, &oldest, known);
		Slots::<T>::insert(chain, 0, &oldest);
		let learned;

		#[block]
		{
			learned = Pallet::<T>::learn(chain, &message);
		}

		assert_eq!(learned, Ok(()));
		assert!(!Announced::<T>::contains_key(chain, &oldest));
	}

	/// `b`: bytes of both interfaces together.
	#[benchmark]
	fn connect(b: Linear<{ 2 * SHORTEST }, { 2 * MAX_ENCODED as u32 }>) {
		let user = user::<T>();
		let link = link::<T>(b);
		let id = Pallet::<T>::connection_id(&user, &link);

		#[extrinsic_call]
		_(RawOrigin::Signed(user), link);

		assert!(Connections::<T>::contains_key(id));
	}

	#[benchmark]
	fn disconnect() {
		let user = user::<T>();
		let link = link::<T>(2 * SHORTEST);
		let id = Pallet::<T>::connection_id(&user, &link);
		Pallet::<T>::do_connect(user.clone(), link).expect("they fit");

		#[extrinsic_call]
		_(RawOrigin::Signed(user), id);

		assert!(!Connections::<T>::contains_key(id));
	}

	/// `a`: actors, `b`: bytes of their different interfaces, `c`: pairs of messages that are compared: two for the stage, and two for
	/// each replica that isn't like the first one.
	#[benchmark]
	fn declare(
		a: Linear<1, MAX_ACTORS>,
		b: Linear<{ 8 * SHORTEST }, { MAX_BYTES }>,
		c: Linear<2, { 2 * MAX_ACTORS }>,
	) {
		let user = user::<T>();
		let differing = (c / 2).min(a).saturating_sub(1);
		let kinds = differing.saturating_add(1).min(MAX_BYTES / MAX_ENCODED as u32);
		let bytes = (b / kinds).min(MAX_ENCODED as u32);
		let replicas = (0..a)
			.map(|number| {
				let kind = match number.checked_sub(1) {
					Some(other) if other < differing => 1 + other % (kinds - 1),
					_ => 0,
				};
				let interface = if kind > 0 {
					other(bytes, kind)
				} else {
					interface(bytes)
				};
				actor::<T>(20 + number as u8, interface)
			})
			.collect();
		let pipeline = pipeline(replicas);
		let id = Pallet::<T>::pipeline_id(&user, &pipeline);

		#[extrinsic_call]
		_(RawOrigin::Signed(user), pipeline);

		assert!(Pipelines::<T>::contains_key(id));
	}

	#[benchmark]
	fn withdraw() {
		let user = user::<T>();
		let id = declared::<T>(&user);
		Runs::<T>::insert(id, Progress { runs: 1, next: 0 });

		#[extrinsic_call]
		_(RawOrigin::Signed(user), id);

		assert!(!Pipelines::<T>::contains_key(id));
	}

	/// `i`: items, with as much to say as they may, for other chains.
	#[benchmark]
	fn run(i: Linear<1, MAX_ITEMS>) {
		let user = user::<T>();
		let id = declared::<T>(&user);
		let item = Item {
			key: Key::truncate_from(alloc::vec![0; MAX_KEY as usize]),
			body: Body::truncate_from(alloc::vec![0; MAX_BODY as usize]),
		};
		let batch = Batch::truncate_from(alloc::vec![item; i as usize]);
		let value: Balance = 1;
		let gas = 0u64;

		#[extrinsic_call]
		_(RawOrigin::Signed(user), id, batch, value, gas);

		assert_eq!(Runs::<T>::get(id).runs, 1);
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
