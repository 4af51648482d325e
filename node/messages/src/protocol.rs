//! What travels between nodes: names, messages and bounds of the two protocols on the root network.
//!
//! - `/<root genesis>[/<fork id>]/messages/1`: request [`DeliveryRequest`], response SCALE `Option<Delivery>`.
//! - `/<root genesis>[/<fork id>]/chains/1`: a notification protocol without notifications; its handshake is the
//!   [`ServedChains`] of the sender.

use asterism_primitives::{message::Delivery, BlockNumber, ChainId, Hash};
use codec::{Decode, DecodeAll, Encode};
use polkadot_sdk::{
	sc_network::ProtocolName,
	sp_core::{bounded::BoundedVec, ConstU32},
};
use std::time::Duration;

/// Bytes that a request may have.
pub const MAX_REQUEST: u64 = 64;
/// Bytes that a response may have.
pub const MAX_RESPONSE: u64 = 1024 * 1024;
/// How long a peer may take to answer.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// Chains that a node may say it serves.
pub const MAX_SERVED: u32 = 64;
/// Bytes that a handshake may have: a compact length and the chains.
pub const MAX_HANDSHAKE: usize = 2 + 4 * MAX_SERVED as usize;

/// Asks for the batch that a block sent to a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub struct DeliveryRequest {
	/// The chain that sent it.
	pub source: ChainId,
	/// The number of the block that sent it.
	pub number: BlockNumber,
	/// The chain that it is for.
	pub destination: ChainId,
}

/// The chains that a node runs beside the root chain.
pub type ServedChains = BoundedVec<ChainId, ConstU32<MAX_SERVED>>;

/// Decodes a request; `None` if it has other bytes than one.
pub fn decode_request(bytes: &[u8]) -> Option<DeliveryRequest> {
	if bytes.len() as u64 > MAX_REQUEST {
		return None;
	}
	DeliveryRequest::decode_all(&mut &bytes[..]).ok()
}

/// Decodes a response; `None` if it is oversized or malformed.
pub fn decode_response(bytes: &[u8]) -> Option<Option<Delivery>> {
	if bytes.len() as u64 > MAX_RESPONSE {
		return None;
	}
	Option::<Delivery>::decode_all(&mut &bytes[..]).ok()
}

/// Decodes a handshake; `None` if it is oversized or malformed.
pub fn decode_handshake(bytes: &[u8]) -> Option<ServedChains> {
	if bytes.len() > MAX_HANDSHAKE {
		return None;
	}
	ServedChains::decode_all(&mut &bytes[..]).ok()
}

/// The name of the request/response protocol.
pub fn messages_protocol(root_genesis: Hash, fork_id: Option<&str>) -> ProtocolName {
	protocol_name(root_genesis, fork_id, "messages")
}

/// The name of the notification protocol.
pub fn chains_protocol(root_genesis: Hash, fork_id: Option<&str>) -> ProtocolName {
	protocol_name(root_genesis, fork_id, "chains")
}

fn protocol_name(root_genesis: Hash, fork_id: Option<&str>, protocol: &str) -> ProtocolName {
	match fork_id {
		Some(fork_id) => format!("/{:x}/{fork_id}/{protocol}/1", root_genesis).into(),
		None => format!("/{:x}/{protocol}/1", root_genesis).into(),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use asterism_primitives::{
		message::{Message, MessageBody},
		AccountId, CurrencyId,
	};
	use codec::MaxEncodedLen;
	use proptest::prelude::*;

	#[test]
	fn what_is_valid_fits_the_bounds() {
		let request = DeliveryRequest {
			source: ChainId(u32::MAX),
			number: u32::MAX,
			destination: ChainId(u32::MAX),
		};
		assert!(request.encode().len() as u64 <= MAX_REQUEST);
		assert_eq!(decode_request(&request.encode()), Some(request));
		assert!(Option::<Delivery>::max_encoded_len() as u64 <= MAX_RESPONSE);
		assert_eq!(decode_response(&None::<Delivery>.encode()), Some(None));
		let chains = ServedChains::truncate_from((0..MAX_SERVED).map(ChainId).collect());
		assert!(chains.encode().len() <= MAX_HANDSHAKE);
		assert_eq!(decode_handshake(&chains.encode()), Some(chains));
	}

	#[test]
	fn what_is_not_valid_does_not_decode() {
		let request = DeliveryRequest {
			source: ChainId(1),
			number: 2,
			destination: ChainId(3),
		}
		.encode();
		assert_eq!(decode_request(&request[1..]), None);
		assert_eq!(decode_request(&[&request[..], &[0]].concat()), None);
		assert_eq!(decode_request(&[0; MAX_REQUEST as usize + 1]), None);
		assert_eq!(decode_response(&vec![0; MAX_RESPONSE as usize + 1]), None);
		assert_eq!(decode_response(&[1, 2, 3]), None);
		let many: Vec<ChainId> = (0..=MAX_SERVED).map(ChainId).collect();
		assert_eq!(decode_handshake(&many.encode()), None);
		assert_eq!(decode_handshake(&[]), None);
		// A length that announces more than there is.
		assert_eq!(decode_handshake(&[0xfe, 0xff, 0xff, 0xff]), None);
	}

	#[test]
	fn names_differ_by_network_and_fork() {
		let genesis = Hash::repeat_byte(0xab);
		assert_eq!(
			messages_protocol(genesis, None).to_string(),
			format!("/{}/messages/1", "ab".repeat(32))
		);
		assert_eq!(
			chains_protocol(genesis, Some("x")).to_string(),
			format!("/{}/x/chains/1", "ab".repeat(32))
		);
	}

	/// Any bytes, and bytes that are nearly those of `valid`.
	fn bytes_like(valid: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
		let changes = proptest::collection::vec((any::<prop::sample::Index>(), 0u8..4, any::<u8>()), 0..4);
		let mutated = changes.prop_map(move |changes| {
			let mut bytes = valid.clone();
			for (at, kind, byte) in changes {
				let at = at.index(bytes.len() + 1);
				match kind {
					0 => bytes.insert(at, byte),
					1 => bytes.truncate(at),
					_ if at == bytes.len() => bytes.push(byte),
					2 => drop(bytes.remove(at)),
					_ => bytes[at] = byte,
				}
			}
			bytes
		});
		prop_oneof![proptest::collection::vec(any::<u8>(), 0..400), mutated]
	}

	fn a_delivery() -> Delivery {
		let message = |nonce| Message {
			nonce,
			sender: AccountId::new([1; 32]),
			recipient: AccountId::new([2; 32]),
			currency: CurrencyId::NATIVE,
			value: 1 << 80,
			body: MessageBody::Add,
		};
		Delivery {
			source: ChainId(1),
			number: 2,
			leaves: 3,
			index: 1,
			path: vec![Hash::repeat_byte(3); 2].try_into().unwrap(),
			messages: vec![message(5), message(6)].try_into().unwrap(),
		}
	}

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(1_000))]

		#[test]
		fn a_request_has_one_encoding(bytes in bytes_like(DeliveryRequest {
			source: ChainId(1),
			number: 2,
			destination: ChainId(3),
		}.encode())) {
			if let Some(request) = decode_request(&bytes) {
				prop_assert_eq!(request.encode(), bytes);
			}
		}

		#[test]
		fn a_response_has_one_encoding(bytes in bytes_like(Some(a_delivery()).encode())) {
			if let Some(response) = decode_response(&bytes) {
				prop_assert_eq!(response.encode(), bytes);
			}
		}

		#[test]
		fn a_handshake_has_one_encoding(bytes in bytes_like(vec![ChainId(1), ChainId(7)].encode())) {
			if let Some(chains) = decode_handshake(&bytes) {
				prop_assert!(chains.len() <= MAX_SERVED as usize);
				prop_assert_eq!(chains.encode(), bytes);
			}
		}
	}
}
