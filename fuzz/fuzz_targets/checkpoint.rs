//! Checkpoints: the arguments of the call, and what the root chain reads out of headers.
#![no_main]

use asterism_fuzz::canonical;
use asterism_primitives::{
	certificate::Certificate,
	digest::{self, Traffic},
	message::outbox_root,
	protocol::sequence::{self, BlockRef, Link},
	ChainId, Hash, Header,
};
use libfuzzer_sys::fuzz_target;

fn check(traffic: &Traffic) {
	if traffic.is_consistent() {
		assert_eq!(traffic.outbox_root, outbox_root(&traffic.leaves()));
		assert_eq!(traffic.outbox_root == Hash::zero(), traffic.sent.is_empty());
	}
}

fuzz_target!(|bytes: &[u8]| {
	if let Some(traffic) = canonical::<Traffic>(bytes) {
		check(&traffic);
	}
	let Some((_, headers, _)) = canonical::<(ChainId, Vec<Header>, Certificate)>(bytes) else {
		return;
	};
	for header in &headers {
		let has = |item| header.digest.logs().contains(&item);
		assert!(digest::round(&header.digest).is_none_or(|round| has(digest::round_item(round))));
		assert!(digest::root_ref(&header.digest).is_none_or(|root| has(digest::root_ref_item(root))));
		if let Some(traffic) = digest::traffic(&header.digest) {
			check(&traffic);
			assert!(has(digest::traffic_item(&traffic)));
		}
	}
	let head = BlockRef {
		number: 0,
		hash: Hash::zero(),
	};
	let links = headers.iter().map(|header| Link {
		block: BlockRef {
			number: header.number,
			hash: header.hash(),
		},
		parent: header.parent_hash,
	});
	if let Ok(tip) = sequence::extend(head, links) {
		assert_eq!(tip.number as usize, headers.len());
	}
});
