//! The ends of a channel, driven by what a corrupt chain may state.
#![no_main]

use asterism_fuzz::Step;
use asterism_primitives::protocol::channel::{ChannelRecord, Inbound, Outbound, CAPACITY, MAX_BATCH};
use codec::Decode;
use libfuzzer_sys::fuzz_target;

fn check(record: &ChannelRecord) {
	assert!(record.acknowledged <= record.recorded);
	assert!(record.waiting.len() <= CAPACITY as usize);
	let mut end = None;
	for waiting in &record.waiting {
		assert!((1..=MAX_BATCH).contains(&waiting.batch.count));
		assert!(end.is_none_or(|end| end == waiting.batch.first_nonce));
		end = waiting.batch.end().ok();
	}
	assert!(end.is_none_or(|end| end == record.recorded));
}

fuzz_target!(|bytes: &[u8]| {
	let (mut record, mut inbound, mut outbound) =
		(ChannelRecord::default(), Inbound::default(), Outbound::default());
	let mut input = bytes;
	while let Ok(step) = Step::decode(&mut input) {
		let before = (record.clone(), inbound, outbound.clone());
		let done = match step {
			Step::Record(number, batch) => record.record(number, batch).is_ok(),
			Step::Acknowledge(nonce) => record.acknowledge(nonce).is_ok(),
			Step::Accept(batch) => inbound.accept(batch).is_ok(),
			Step::Send => outbound.send().is_ok(),
			Step::SendBack => outbound.send_back().is_ok(),
			Step::Close(number) => outbound.close(number).is_ok(),
			Step::News(nonce) => outbound.acknowledge(nonce).is_ok(),
		};
		if !done {
			assert_eq!(
				(record.clone(), inbound, outbound.clone()),
				before,
				"a refusal changes nothing"
			);
		}
		assert!(inbound.next_nonce >= before.1.next_nonce);
		assert!(record.recorded >= before.0.recorded && record.acknowledged >= before.0.acknowledged);
		assert!(outbound.open <= MAX_BATCH);
		check(&record);
		check(&outbound.closed);
	}
});
