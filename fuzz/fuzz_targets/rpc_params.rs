//! Parameters of the JSON-RPC methods.
#![no_main]

use asterism_rpc::params;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
	let Ok(value) = serde_json::from_slice::<serde_json::Value>(bytes) else {
		return;
	};
	let errors = [
		params::chain("chain", Some(value.clone())).err(),
		params::number("number", Some(value.clone())).err(),
		params::u64("nonce", Some(value.clone())).err(),
		params::block("block", Some(value.clone())).err(),
		params::optional_block("at", Some(value)).err(),
	];
	for error in errors.into_iter().flatten() {
		assert!(error.message().len() < 250, "{error:?}");
	}
});
