//! The two protocols by which nodes bring each other messages.
#![no_main]

use asterism_messages::protocol::{decode_handshake, decode_request, decode_response, MAX_SERVED};
use codec::Encode;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
	if let Some(request) = decode_request(bytes) {
		assert_eq!(request.encode(), bytes);
	}
	if let Some(response) = decode_response(bytes) {
		assert_eq!(response.encode(), bytes);
	}
	if let Some(chains) = decode_handshake(bytes) {
		assert!(chains.len() <= MAX_SERVED as usize);
		assert_eq!(chains.encode(), bytes);
	}
});
