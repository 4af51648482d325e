//! Justifications and certificates, and committees as they are on record.
#![no_main]

use asterism_fuzz::canonical;
use asterism_primitives::{
	certificate::{Certificate, Realm, VerifyAggregate},
	committee::{BlsPublic, BlsSignature, Committee, Member, MemberId},
	ChainId, Hash,
};
use libfuzzer_sys::fuzz_target;

/// Takes any signature for good: what is left to refuse is everything else.
struct Gullible;

impl VerifyAggregate for Gullible {
	fn verify_aggregate<'a>(_: impl Iterator<Item = &'a BlsPublic>, _: &[u8], _: &BlsSignature) -> bool {
		true
	}
}

fn committee(epoch: u64, size: u8) -> Committee {
	let member = |i| Member {
		id: MemberId([i; 32]),
		key: BlsPublic([i; 96]),
	};
	Committee::new(epoch, (0..size).map(member).collect()).expect("the members differ")
}

fuzz_target!(|bytes: &[u8]| {
	if let Some(committee) = canonical::<Committee>(bytes) {
		if committee.check().is_ok() {
			assert_eq!(
				Committee::new(committee.epoch(), committee.members().to_vec()),
				Ok(committee)
			);
		}
	}
	let Some(certificate) = canonical::<Certificate>(bytes) else {
		return;
	};
	let realm = Realm {
		chain: ChainId(1),
		genesis: Hash::repeat_byte(9),
	};
	for size in [1, 4, 7, 10, 255] {
		let committee = committee(certificate.round.epoch, size);
		if certificate.verify::<Gullible>(realm, &committee).is_ok() {
			let signed: Vec<_> = certificate.signer_indices().collect();
			assert!(signed.len() as u32 >= committee.quorum());
			assert!(signed.iter().all(|i| *i < committee.size()));
		}
	}
});
