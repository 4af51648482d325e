//! Whatever bytes a peer sends: nothing panics, and what is taken has one encoding. `fuzz/` searches further with the same
//! properties.

use crate::{
	application::{decode_block_message, BlockMessage},
	import,
	mock::*,
	network::{decode_notification, Handshake},
	scheme::{self, Digest, Scheme},
};
use asterism_primitives::{
	certificate::{Round, ENGINE_ID},
	committee::MemberId,
	Hash,
};
use codec::Encode;
use commonware_codec::{Decode as _, DecodeExt as _, Encode as _};
use commonware_consensus::simplex::types::{Certificate as EngineCertificate, Notarize, Vote};
use commonware_cryptography::certificate::Scheme as _;
use polkadot_sdk::{
	sc_network_types::PeerId,
	sp_core::{sr25519, Pair},
	sp_runtime::Justifications,
};
use proptest::{collection::vec, prelude::*};
use std::sync::LazyLock;

/// Any bytes, and those of `valid` with a few changed, put in, taken out, or cut off.
fn bytes_like(valid: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
	let changes = vec((any::<prop::sample::Index>(), 0u8..5, any::<u8>()), 0..4);
	let mutated = changes.prop_map(move |changes| {
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
	});
	prop_oneof![vec(any::<u8>(), 0..500), mutated]
}

static SCHEMES: LazyLock<Vec<Scheme>> = LazyLock::new(|| signers(REALM, &committee(0), &NAMES));

fn block() -> Vec<u8> {
	let chain = MemoryChain::default();
	BlockMessage::Block(block_upon(chain.genesis(), Round { epoch: 0, view: 1 }, 7)).encode()
}

fn vote() -> Vec<u8> {
	let vote = Notarize::sign(&SCHEMES[0], proposal(0, 3, Hash::repeat_byte(5))).unwrap();
	Vote::Notarize(vote).encode().to_vec()
}

fn finalization_bytes() -> Vec<u8> {
	let finalization = finalization(&SCHEMES[..3], proposal(0, 3, Hash::repeat_byte(5)));
	EngineCertificate::Finalization(finalization).encode().to_vec()
}

fn justification() -> Vec<u8> {
	let finalization = finalization(&SCHEMES[..3], proposal(0, 3, Hash::repeat_byte(5)));
	scheme::from_finalization(&finalization).unwrap().encode()
}

fn handshake(peer: &PeerId) -> Vec<u8> {
	let alice = sr25519::Pair::from_string("//Alice", None).unwrap();
	let id = crate::keys::member("//Alice").unwrap().id;
	Handshake::new(REALM, id, peer, |message| Some(alice.sign(message).0))
		.unwrap()
		.encode()
}

fn is_member(id: &MemberId) -> bool {
	committee(0).members().iter().any(|member| member.id == *id)
}

static PEER: LazyLock<PeerId> = LazyLock::new(PeerId::random);
// A signature is different each time: the tests change this one.
static HANDSHAKE: LazyLock<Vec<u8>> = LazyLock::new(|| handshake(&PEER));

#[test]
fn what_these_tests_change_is_valid() {
	assert!(decode_block_message(&block()).is_some());
	assert!(Vote::<Scheme, Digest>::decode(&vote()[..]).is_ok());
	let limit = SCHEMES[0].certificate_codec_config();
	assert!(EngineCertificate::<Scheme, Digest>::decode_cfg(&finalization_bytes()[..], &limit).is_ok());
	assert!(Handshake::verify(&HANDSHAKE, REALM, is_member, &PEER).is_some());
	let justifications = Justifications::from((ENGINE_ID, justification()));
	assert!(import::certificate(Some(&justifications)).unwrap().is_some());
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(1_000))]

	#[test]
	fn notifications(bytes in vec(any::<u8>(), 0..40)) {
		match decode_notification(bytes.clone()) {
			Some((epoch, lane, payload)) => {
				prop_assert_eq!([&epoch.to_le_bytes()[..], &[lane as u8], &payload].concat(), bytes);
			}
			None => prop_assert!(bytes.get(8).is_none_or(|lane| *lane > 4)),
		}
	}

	#[test]
	fn block_messages(bytes in bytes_like(block())) {
		if let Some(message) = decode_block_message(&bytes) {
			prop_assert_eq!(message.encode(), bytes);
		}
	}

	#[test]
	fn votes(bytes in bytes_like(vote())) {
		if let Ok(vote) = Vote::<Scheme, Digest>::decode(&bytes[..]) {
			prop_assert_eq!(vote.encode().to_vec(), bytes);
		}
	}

	#[test]
	fn certificates(bytes in bytes_like(finalization_bytes())) {
		let limit = SCHEMES[0].certificate_codec_config();
		if let Ok(certificate) = EngineCertificate::<Scheme, Digest>::decode_cfg(&bytes[..], &limit) {
			prop_assert_eq!(certificate.encode().to_vec(), bytes);
		}
	}

	#[test]
	fn justifications(bytes in bytes_like(justification())) {
		let justifications = Justifications::from((ENGINE_ID, bytes.clone()));
		if let Ok(certificate) = import::certificate(Some(&justifications)) {
			prop_assert_eq!(certificate.map(|certificate| certificate.encode()), Some(bytes));
		}
	}
}

proptest! {
	// Each case costs a signature's verification.
	#![proptest_config(ProptestConfig::with_cases(200))]

	#[test]
	fn no_other_bytes_prove_membership(bytes in bytes_like(HANDSHAKE.clone())) {
		let proves = Handshake::verify(&bytes, REALM, is_member, &PEER).is_some();
		prop_assert_eq!(proves, bytes == *HANDSHAKE);
	}

	#[test]
	fn no_other_bytes_certify(bytes in bytes_like(justification())) {
		let justifications = Justifications::from((ENGINE_ID, bytes.clone()));
		if let Ok(Some(certificate)) = import::certificate(Some(&justifications)) {
			let valid = scheme::verify(&SCHEMES[0], &committee(0), &certificate).is_ok();
			prop_assert_eq!(valid, bytes == justification());
		}
	}
}
