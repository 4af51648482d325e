//! The members' channel: the byte behind the epoch says which parser gets the rest.
#![no_main]

use asterism_consensus::{
	application::decode_block_message,
	import, keys,
	network::{decode_notification, Handshake, Lane},
	scheme::{self, Digest, Scheme},
};
use asterism_primitives::{
	certificate::{Realm, ENGINE_ID},
	committee::{Committee, MemberId},
	ChainId, Hash,
};
use commonware_codec::{Decode as _, DecodeExt as _, Encode as _};
use commonware_consensus::simplex::types::{Certificate, Vote};
use commonware_cryptography::certificate::Scheme as _;
use libfuzzer_sys::fuzz_target;
use polkadot_sdk::{sc_network_types::PeerId, sp_runtime::Justifications};
use std::sync::LazyLock;

const REALM: Realm = Realm {
	chain: ChainId(1),
	genesis: Hash::repeat_byte(1),
};

static COMMITTEE: LazyLock<(Committee, Scheme, PeerId)> = LazyLock::new(|| {
	let members = ["//Alice", "//Bob", "//Charlie", "//Dave"].map(|name| keys::member(name).expect("a seed"));
	let committee = Committee::new(0, members.to_vec()).expect("the members differ");
	let scheme = scheme::verifier(REALM, &committee).expect("the keys are good");
	(committee, scheme, PeerId::random())
});

fuzz_target!(|bytes: &[u8]| {
	let (committee, scheme, peer) = &*COMMITTEE;
	match decode_notification(bytes.to_vec()) {
		Some((_, Lane::Votes, payload)) => {
			if let Ok(vote) = Vote::<Scheme, Digest>::decode(payload.clone()) {
				assert_eq!(vote.encode(), payload);
			}
		}
		Some((_, Lane::Certificates, payload)) => {
			let limit = scheme.certificate_codec_config();
			if let Ok(certificate) = Certificate::<Scheme, Digest>::decode_cfg(payload.clone(), &limit) {
				assert_eq!(certificate.encode(), payload);
			}
		}
		Some((_, Lane::Blocks, payload)) => {
			if let Some(message) = decode_block_message(&payload) {
				assert_eq!(codec::Encode::encode(&message), payload);
			}
		}
		// What these two carry is parsed by the library, and by the crate of the beacon: here their bytes are taken for a
		// justification.
		Some((_, Lane::Resolver | Lane::Members, payload)) => {
			let justifications = Justifications::from((ENGINE_ID, payload.to_vec()));
			if let Ok(Some(certificate)) = import::certificate(Some(&justifications)) {
				assert_eq!(codec::Encode::encode(&certificate), payload);
				assert!(
					scheme::verify(scheme, committee, &certificate).is_err(),
					"a forged certificate"
				);
			}
		}
		None => {
			let is_member = |id: &MemberId| committee.members().iter().any(|member| member.id == *id);
			assert!(
				Handshake::verify(bytes, REALM, is_member, peer).is_none(),
				"a forged handshake"
			);
		}
	}
});
