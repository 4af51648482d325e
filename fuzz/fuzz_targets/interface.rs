//! Interfaces as actors declare them: what is valid is bounded, has one encoding, and fits itself.
#![no_main]

use asterism_interface::{connect, fits, substitutes, Interface, Valid, MAX_ENCODED, MAX_TYPES};
use codec::{Decode, Encode};
use libfuzzer_sys::fuzz_target;

/// The interface, if it is valid.
fn judge(interface: Interface) -> Option<Valid<Interface>> {
	let bytes = interface.encode();
	if bytes.len() <= MAX_ENCODED {
		assert_eq!(Interface::from_bytes(&bytes), Ok(interface.clone()));
	}
	let stripped = interface.clone().strip();
	assert_eq!(
		stripped.clone().strip(),
		stripped,
		"stripping leaves nothing to strip"
	);
	let valid = match interface.validate() {
		Ok(valid) => valid,
		Err(fault) => {
			assert!(fault.to_string().len() < 10_000, "{fault}");
			return None;
		}
	};
	assert!(bytes.len() <= MAX_ENCODED && valid.types.types.len() <= MAX_TYPES);
	assert!(stripped.validate().is_ok());
	assert_eq!(substitutes(&valid, &valid), Ok(()));
	for message in valid.accepts.iter().chain(&valid.emits) {
		assert_eq!(fits((&valid, message), (&valid, message)), Ok(()));
	}
	Some(valid)
}

fuzz_target!(|bytes: &[u8]| {
	let mut input = bytes;
	let Ok(first) = Interface::decode(&mut input) else {
		return;
	};
	assert_eq!(
		first.encode(),
		bytes[..bytes.len() - input.len()],
		"another encoding of {first:?}"
	);
	let (Some(a), Some(b)) = (judge(first), Interface::decode(&mut input).ok().and_then(judge)) else {
		return;
	};
	for emitted in &a.emits {
		for accepted in &b.accepts {
			if let Err(misfit) = connect(&a, &emitted.name, &b, &accepted.name) {
				assert!(misfit.to_string().len() < 10_000, "{misfit}");
			}
		}
	}
	if substitutes(&a, &b).is_ok() {
		for message in &b.accepts {
			let accepted = a
				.accepted(&message.name)
				.expect("it accepts whatever the other one does");
			assert_eq!(fits((&b, message), (&a, accepted)), Ok(()));
		}
	}
});
