//! Benchmarks. Deliveries that this runtime's root view has verified can't be made here, so what is measured is the
//! work on them, with messages that the outbox sends.

use super::*;
use polkadot_sdk::{frame_benchmarking, frame_benchmarking::v2::*};

#[benchmarks]
mod benchmarks {
	use super::*;

	fn payload() -> Payload {
		Payload {
			sender: AccountId::new([1; 32]),
			recipient: AccountId::new([2; 32]),
			currency: CurrencyId::NATIVE,
			value: 1,
		}
	}

	/// A known destination that is neither this chain nor the root chain.
	fn peer<T: Config>() -> ChainId {
		let chain = ChainId(T::RootState::chain_id().0 + 1);
		T::RootState::make_known(chain);
		chain
	}

	#[benchmark]
	fn send() {
		let peer = peer::<T>();
		for _ in 1..MAX_BATCH {
			Pallet::<T>::send(peer, payload()).expect("there is room");
		}

		#[block]
		{
			Pallet::<T>::send(peer, payload()).expect("there is room");
		}

		assert_eq!(Outbounds::<T>::get(peer).open, MAX_BATCH);
	}

	/// Closing a full batch.
	#[benchmark]
	fn on_finalize(messages: Linear<0, MAX_BATCH>) {
		let peer = peer::<T>();
		for _ in 0..messages {
			Pallet::<T>::send(peer, payload()).expect("there is room");
		}

		#[block]
		{
			Pallet::<T>::close_outbox(0);
		}

		assert_eq!(Outbounds::<T>::get(peer).open, 0);
	}

	#[benchmark]
	fn acknowledge(batches: Linear<1, 128>) {
		let peer = peer::<T>();
		for number in 0..batches {
			Pallet::<T>::send(peer, payload()).expect("there is room");
			Pallet::<T>::close_outbox(number);
		}

		#[block]
		{
			<Pallet<T> as OnAcknowledged>::acknowledged(peer, batches.into());
		}

		assert!(Pallet::<T>::unacknowledged().is_empty());
	}

	/// Verifying a batch, and returning all of it.
	#[benchmark]
	fn deliver(messages: Linear<1, MAX_BATCH>) {
		let peer = peer::<T>();
		let batch: Vec<_> = (0..messages.into())
			.map(|nonce| Message {
				nonce,
				sender: AccountId::new([1; 32]),
				recipient: AccountId::new([2; 32]),
				currency: CurrencyId(u32::MAX),
				value: 1,
				body: MessageBody::Add,
			})
			.collect();
		let batch = Batched::truncate_from(batch);
		let leaf = OutboxLeaf {
			destination: T::RootState::chain_id(),
			batch: asterism_primitives::protocol::channel::Batch {
				first_nonce: 0,
				count: messages,
			},
			root: batch_root(&batch),
			value: value_hash(&batch_value(&batch).expect("it is small")),
		};
		let root = outbox_root(&[leaf]);
		let delivery = Delivery::prove(peer, 1, &[leaf], leaf.destination, batch).expect("the leaf is there");

		#[block]
		{
			let mut checker = inbox::Checker::<T>::new(Default::default());
			assert!(checker.accept(&delivery, Some(root)).is_ok());
			for message in delivery.messages {
				Pallet::<T>::execute(delivery.source, message).expect("it bounces");
			}
		}

		assert_eq!(Outbounds::<T>::get(peer).open, messages);
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(ChainId(1)), crate::mock::Test);
}
