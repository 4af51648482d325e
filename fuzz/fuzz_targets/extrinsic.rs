//! Extrinsics as users submit them, of both runtimes.
#![no_main]

use codec::{DecodeLimit, Encode};
use libfuzzer_sys::fuzz_target;

/// As deep as the runtimes' executive lets calls nest.
const DEPTH: u32 = 256;

fn check<T: DecodeLimit + Encode>(bytes: &[u8]) {
	if let Ok(extrinsic) = T::decode_all_with_depth_limit(DEPTH, &mut &bytes[..]) {
		assert_eq!(extrinsic.encode(), bytes);
	}
}

fuzz_target!(|bytes: &[u8]| {
	check::<asterism_root_runtime::UncheckedExtrinsic>(bytes);
	check::<asterism_transaction_runtime::UncheckedExtrinsic>(bytes);
	check::<asterism_root_runtime::RuntimeCall>(bytes);
	check::<asterism_transaction_runtime::RuntimeCall>(bytes);
});
