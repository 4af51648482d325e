//! Benchmarks of the calls and hooks. What the handler does with a message, it measures itself.

use super::*;
use asterism_primitives::{
	protocol::channel::{Batch, CAPACITY, RESERVED},
	root_state::Anchor,
};
use polkadot_sdk::{frame_benchmarking::v2::*, frame_system::RawOrigin};

/// The block of the source that the deliveries are from.
const BLOCK: BlockNumber = 1;
/// Messages of a full batch beside its first.
const FURTHER: u32 = MAX_BATCH - 1;
/// Batches that can be sent to a chain that acknowledges nothing.
const UNACKNOWLEDGED: u32 = CAPACITY - RESERVED;

fn payload() -> Payload {
	Payload {
		sender: AccountId::new([1; 32]),
		recipient: AccountId::new([2; 32]),
		currency: CurrencyId::NATIVE,
		value: 1,
		body: MessageBody::Add,
	}
}

/// Known chains that are neither this one nor the root chain.
fn peers<T: Config>(n: u32) -> Vec<ChainId> {
	let own = T::RootState::chain_id().0;
	(1..=n)
		.map(|i| {
			let chain = ChainId(own + i);
			T::RootState::make_known(chain);
			chain
		})
		.collect()
}

/// Deliveries from `sources` chains of one message each, but for the first, which has `further` more; with their anchors.
fn deliveries<T: Config>(sources: u32, further: u32, message: impl Fn(Nonce) -> Message) -> Deliveries {
	let own = T::RootState::chain_id();
	peers::<T>(sources)
		.into_iter()
		.enumerate()
		.map(|(i, source)| {
			let count = if i == 0 { 1 + further } else { 1 };
			let messages = Batched::truncate_from((0..count.into()).map(&message).collect());
			let leaf = OutboxLeaf {
				destination: own,
				batch: Batch {
					first_nonce: 0,
					count,
				},
				root: batch_root(&messages),
				value: value_hash(&batch_value(&messages).expect("it is small")),
			};
			let anchor = Anchor {
				block_hash: Hash::repeat_byte(1),
				state_root: Hash::repeat_byte(2),
				outbox_root: outbox_root(&[leaf]),
				unacknowledged: 1,
			};
			T::RootState::set_anchor(source, BLOCK, anchor);
			Delivery::prove(source, BLOCK, &[leaf], own, messages).expect("the leaf is there")
		})
		.collect()
}

#[benchmarks]
mod benchmarks {
	use super::*;

	/// `b`: destinations with one message each.
	#[benchmark]
	fn on_finalize(b: Linear<0, MAX_PEERS>) {
		for peer in peers::<T>(b) {
			Pallet::<T>::send(peer, payload()).expect("there is room");
		}
		let now = frame_system::Pallet::<T>::block_number();

		#[block]
		{
			Pallet::<T>::close_outbox(now.saturated_into());
		}

		assert_eq!(Pallet::<T>::unacknowledged().len(), b as usize);
	}

	/// `b`: batches that are acknowledged at once, each the only one of its block.
	#[benchmark]
	fn acknowledge(b: Linear<1, UNACKNOWLEDGED>) {
		let peer = peers::<T>(1)[0];
		for number in 1..=b {
			frame_system::Pallet::<T>::set_block_number(number.into());
			Pallet::<T>::send(peer, payload()).expect("there is room");
			Pallet::<T>::close_outbox(number);
		}

		#[block]
		{
			<Pallet<T> as OnAcknowledged>::acknowledged(peer, b.into());
		}

		assert!(Pallet::<T>::unacknowledged().is_empty());
	}

	/// Messages that are all refused. `b`: batches, `m`: messages beside the first of each.
	#[benchmark]
	fn deliver(b: Linear<1, MAX_PEERS>, m: Linear<0, FURTHER>) {
		let deliveries = deliveries::<T>(b, m, |nonce| Message {
			nonce,
			sender: AccountId::new([1; 32]),
			recipient: AccountId::new([2; 32]),
			// Nobody takes it.
			currency: CurrencyId(u32::MAX),
			value: 1,
			body: MessageBody::Add,
		});
		let first = deliveries[0].source;

		#[extrinsic_call]
		deliver(RawOrigin::None, deliveries);

		assert_eq!(Outbounds::<T>::get(first).open, 1 + m);
	}

	/// Messages that bring back what this chain sent. `b`: batches, `m`: messages beside the first of each.
	#[benchmark]
	fn deliver_returned(b: Linear<1, MAX_PEERS>, m: Linear<0, FURTHER>) {
		let deliveries = deliveries::<T>(b, m, |nonce| Message {
			nonce,
			sender: AccountId::new([1; 32]),
			recipient: AccountId::new([2; 32]),
			currency: CurrencyId::NATIVE,
			value: 1_000_000_000_000,
			body: MessageBody::Bounce {
				nonce,
				reason: BounceReason::Refused,
				call: None,
			},
		});
		for delivery in &deliveries {
			Outbounds::<T>::mutate(delivery.source, |outbound| {
				outbound.closed.recorded = MAX_BATCH.into();
			});
		}
		let first = deliveries[0].source;

		#[extrinsic_call]
		deliver(RawOrigin::None, deliveries);

		assert_eq!(Inbounds::<T>::get(first).next_nonce, Nonce::from(1 + m));
		assert_eq!(Bounces::<T>::iter_prefix(first).count(), 1 + m as usize);
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(ChainId(1)), crate::mock::Test);
}
