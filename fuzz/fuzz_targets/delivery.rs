//! Messages with their proofs.
#![no_main]

use asterism_fuzz::canonical;
use asterism_primitives::{
	message::{batch_root, batch_value, outbox_root, value_hash, Delivery, OutboxLeaf},
	protocol::channel::Batch,
	ChainId, Hash,
};
use libfuzzer_sys::fuzz_target;

const US: ChainId = ChainId(5);

fuzz_target!(|bytes: &[u8]| {
	let Some(delivery) = canonical::<Delivery>(bytes) else {
		return;
	};
	assert!(delivery.verify(US, Hash::zero()).is_err());
	let (Ok(batch), Some(value)) = (delivery.batch(), batch_value(&delivery.messages)) else {
		return;
	};
	assert_eq!(batch.count as usize, delivery.messages.len());
	// Among others, in an outbox that sends just this: the proof holds. In one whose value or range is another it doesn't.
	let leaf = OutboxLeaf {
		destination: US,
		batch,
		root: batch_root(&delivery.messages),
		value: value_hash(&value),
	};
	let other = OutboxLeaf {
		destination: ChainId(7),
		..leaf
	};
	let prove = |leaf| {
		let leaves = [leaf, other];
		let delivery = Delivery::prove(
			delivery.source,
			delivery.number,
			&leaves,
			US,
			delivery.messages.clone(),
		);
		delivery
			.expect("there is a leaf for us")
			.verify(US, outbox_root(&leaves))
	};
	assert_eq!(prove(leaf), Ok(batch));
	assert!(
		prove(OutboxLeaf {
			value: value_hash(&[]),
			..leaf
		})
		.is_err() || value.is_empty()
	);
	assert!(prove(OutboxLeaf {
		batch: Batch {
			first_nonce: batch.first_nonce ^ 1,
			..batch
		},
		..leaf
	})
	.is_err());
});
