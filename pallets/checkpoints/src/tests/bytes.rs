//! Whatever bytes are submitted: no panic, one encoding a call, and no call is let in but the one that was certified.

use super::*;
use codec::DecodeAll;
use proptest::{collection::vec, prelude::*};

/// A certified run of three blocks, one of them with traffic.
fn valid() -> Vec<u8> {
	let some = traffic(&[sent(B, 0, 2)], &[], &[flow(B, 5)], &[]);
	let headers = run(&genesis_header(A), [None, Some(some), None]);
	call(A, &headers, &certify(A, &headers)).encode()
}

/// The valid call with a few bytes changed, put in, taken out, or cut off.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
	let valid = valid();
	let changes = vec((any::<prop::sample::Index>(), 0u8..5, any::<u8>()), 0..3);
	changes.prop_map(move |changes| {
		let mut bytes = valid.clone();
		for (at, kind, byte) in changes {
			let at = at.index(bytes.len() + 1);
			match kind {
				0 => bytes.insert(at, byte),
				1 => bytes.truncate(at),
				_ if at == bytes.len() => bytes.push(byte),
				2 => drop(bytes.remove(at)),
				3 => bytes[at] = byte,
				_ => bytes[at] ^= 1 << (byte % 8),
			}
		}
		bytes
	})
}

proptest! {
	#[test]
	fn only_what_was_certified_is_let_in(bytes in prop_oneof![1 => vec(any::<u8>(), 0..600), 4 => mutated()]) {
		let Ok(call) = RuntimeCall::decode_all(&mut &bytes[..]) else { return Ok(()) };
		prop_assert_eq!(call.encode(), bytes.clone());
		let RuntimeCall::Checkpoints(Call::submit { chain, headers, certificate }) = call else { return Ok(()) };
		new_test_ext().execute_with(|| {
			let before = state();
			let let_in = pool(chain, &headers, &certificate).is_ok();
			prop_assert_eq!(let_in, bytes == valid());
			prop_assert_eq!(state(), before);
			Ok(())
		})?;
	}
}
