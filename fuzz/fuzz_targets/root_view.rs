//! What a block's proposer brings in from outside, and what is read of the root chain's state.
#![no_main]

use asterism_fuzz::canonical;
use asterism_primitives::{
	inherents::{Deliveries, RootViewData},
	root_state::{Anchor, ChannelRecord},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
	if let Some(data) = canonical::<RootViewData>(bytes) {
		let _ = data.header.hash();
	}
	if let Some(deliveries) = canonical::<Deliveries>(bytes) {
		for delivery in deliveries {
			let _ = delivery.batch();
		}
	}
	canonical::<Anchor>(bytes);
	canonical::<ChannelRecord>(bytes);
});
