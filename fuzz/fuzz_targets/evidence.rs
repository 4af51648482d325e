//! Evidence of misconduct: as anybody submits it, and as the consensus engine reports it.
#![no_main]

use asterism_fuzz::canonical;
use asterism_primitives::offence::{contradiction, in_both, linked, Contradiction, Evidence, Proof, Votes};
use libfuzzer_sys::fuzz_target;

/// Sizes of committees, around those at which the bitmap of signers gets another byte.
const SIZES: [u32; 6] = [1, 4, 7, 8, 9, 256];

fn signers(votes: &Votes, size: u32) -> Vec<u32> {
	let signers = votes.signers(size).unwrap_or_default();
	assert!(signers.windows(2).all(|pair| pair[0] < pair[1]));
	assert!(signers.iter().all(|signer| *signer < size));
	signers
}

fn judge(first: &Votes, second: &Votes, size: u32) {
	let (a, b) = ((first.round, first.vote), (second.round, second.vote));
	assert_eq!(contradiction(a, b), contradiction(b, a));
	assert!(contradiction(a, a).is_err());
	let (first, second) = (signers(first, size), signers(second, size));
	let both = in_both(&first, &second);
	assert_eq!(both, in_both(&second, &first));
	assert!(both.iter().all(|member| first.contains(member)));
}

fuzz_target!(|bytes: &[u8]| {
	if let Some(evidence) = canonical::<Evidence>(bytes) {
		match &evidence.proof {
			Proof::Votes { first, second } => {
				SIZES.iter().for_each(|size| judge(first, second, *size));
			}
			Proof::Checkpoint { headers, certificate } => {
				if linked(headers, certificate).is_ok() {
					assert!(headers
						.last()
						.is_some_and(|last| last.hash() == certificate.block_hash));
				}
			}
		}
	}
	let Some((kind, votes)) = bytes.split_first() else {
		return;
	};
	let kind = match kind % 3 {
		0 => Contradiction::ConflictingNotarize,
		1 => Contradiction::ConflictingFinalize,
		_ => Contradiction::NullifyFinalize,
	};
	for size in SIZES {
		let Some(proof) = Proof::from_engine(kind, size, votes) else {
			continue;
		};
		let Proof::Votes { first, second } = &proof else {
			panic!("the engine reports votes");
		};
		// Each vote is one member's. That they contradict each other is for the chain to see.
		assert_eq!([signers(first, size).len(), signers(second, size).len()], [1, 1]);
		judge(first, second, size);
		if let Ok(found) = contradiction((first.round, first.vote), (second.round, second.vote)) {
			assert_eq!(found, kind);
		}
	}
});
