//! Whatever bytes arrive, the types that cross a border decode or they don't: nothing panics, and no two encodings mean the
//! same value. `fuzz/` searches further with the same properties.

use asterism_primitives::{
	certificate::{Certificate, CertificateKind, Realm, Round, VerifyAggregate},
	committee::{BlsPublic, BlsSignature, Committee, Member, MemberId, MAX_MEMBERS},
	digest::{self, Received, RootRef, Sent, Traffic},
	inherents::RootViewData,
	message::{
		batch_root, batch_value, outbox_root, value_hash, BounceReason, Call, Delivery, Message, MessageBody,
		OutboxLeaf,
	},
	protocol::{channel::Batch, ledger::Flow},
	root_state::{Anchor, ChannelRecord},
	AccountId, ChainId, CurrencyId, Hash, Header,
};
use codec::{DecodeAll, Encode};
use polkadot_sdk::sp_runtime::{Digest, DigestItem};
use proptest::{collection::vec, prelude::*};
use std::fmt::Debug;

/// Bytes of `valid` with a few of them changed, put in, taken out, or cut off.
fn mutated(valid: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
	vec((any::<prop::sample::Index>(), 0u8..5, any::<u8>()), 0..4).prop_map(move |mutations| {
		let mut bytes = valid.clone();
		for (at, kind, byte) in mutations {
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

/// Any bytes, and bytes that are nearly valid.
fn bytes_like(valid: impl Encode) -> impl Strategy<Value = Vec<u8>> {
	prop_oneof![vec(any::<u8>(), 0..2_000), mutated(valid.encode())]
}

/// The value that the bytes encode, if they encode one; they must be its only encoding.
fn canonical<T: DecodeAll + Encode + Debug>(bytes: &[u8]) -> Option<T> {
	let value = T::decode_all(&mut &bytes[..]).ok()?;
	assert_eq!(value.encode(), bytes, "another encoding of {value:?}");
	Some(value)
}

fn header(logs: Vec<DigestItem>) -> Header {
	Header {
		parent_hash: Hash::repeat_byte(1),
		number: 70_000,
		state_root: Hash::repeat_byte(2),
		extrinsics_root: Hash::repeat_byte(3),
		digest: Digest { logs },
	}
}

fn a_traffic() -> Traffic {
	let flow = |peer| Flow {
		peer: ChainId(peer),
		currency: CurrencyId::NATIVE,
		amount: 1 << 80,
	};
	let mut traffic = Traffic {
		outbox_root: Hash::zero(),
		sent: vec![Sent {
			destination: ChainId(2),
			batch: Batch {
				first_nonce: 7,
				count: 3,
			},
			root: Hash::repeat_byte(4),
		}]
		.try_into()
		.unwrap(),
		received: vec![Received {
			source: ChainId(3),
			next_nonce: 9,
		}]
		.try_into()
		.unwrap(),
		outflows: vec![flow(2)].try_into().unwrap(),
		inflows: vec![flow(3)].try_into().unwrap(),
	};
	traffic.outbox_root = outbox_root(&traffic.leaves());
	traffic
}

fn a_certificate() -> Certificate {
	Certificate {
		kind: CertificateKind::Finalization,
		round: Round { epoch: 3, view: 300 },
		parent_view: 299,
		block_hash: Hash::repeat_byte(5),
		signers: Certificate::bitmap(10, [0, 1, 2, 3, 4, 5, 9]).unwrap(),
		signature: BlsSignature([6; 48]),
	}
}

fn a_committee() -> Committee {
	let member = |i| Member {
		id: MemberId([i; 32]),
		key: BlsPublic([i; 96]),
	};
	Committee::new(3, (0..10).map(member).collect()).unwrap()
}

fn messages(first_nonce: u64, values: &[u128]) -> Vec<Message> {
	let message = |(i, value): (usize, &u128)| Message {
		nonce: first_nonce.wrapping_add(i as u64),
		sender: AccountId::new([1; 32]),
		recipient: AccountId::new([2; 32]),
		currency: CurrencyId(i as u32 % 2),
		value: *value,
		body: if i % 3 == 2 {
			MessageBody::Bounce {
				nonce: 4,
				reason: BounceReason::Refused,
				call: Some(Call {
					gas: 5,
					depth: 1,
					body: vec![7; 9].try_into().unwrap(),
				}),
			}
		} else {
			MessageBody::Add
		},
	};
	values.iter().enumerate().map(message).collect()
}

/// The delivery of a batch for chain 5, its outbox root, and all that chain 5 learns from it.
fn a_delivery() -> (Delivery, Hash) {
	let batch = messages(10, &[1, 0, 3, 1 << 90]);
	let leaf = |destination, messages: &[Message]| OutboxLeaf {
		destination: ChainId(destination),
		batch: Batch {
			first_nonce: 10,
			count: messages.len() as u32,
		},
		root: batch_root(messages),
		value: value_hash(&batch_value(messages).unwrap()),
	};
	let leaves = [leaf(2, &batch[..1]), leaf(5, &batch), leaf(6, &batch[..2])];
	let delivery = Delivery::prove(ChainId(1), 77, &leaves, ChainId(5), batch.try_into().unwrap()).unwrap();
	(delivery, outbox_root(&leaves))
}

/// Takes any signature for good: what is left to refuse is everything else.
struct Gullible;
impl VerifyAggregate for Gullible {
	fn verify_aggregate<'a>(_: impl Iterator<Item = &'a BlsPublic>, _: &[u8], _: &BlsSignature) -> bool {
		true
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(1_000))]

	#[test]
	fn certificates(bytes in bytes_like(a_certificate())) {
		let Some(certificate) = canonical::<Certificate>(&bytes) else { return Ok(()) };
		prop_assert!(certificate.signer_indices().all(|i| i < MAX_MEMBERS));
		let realm = Realm { chain: ChainId(1), genesis: Hash::repeat_byte(9) };
		let committee = a_committee();
		if certificate.verify::<Gullible>(realm, &committee).is_ok() {
			prop_assert_eq!(certificate.round.epoch, committee.epoch());
			prop_assert_eq!(certificate.signers.len(), 2);
			let signed: Vec<_> = certificate.signer_indices().collect();
			prop_assert!(signed.len() as u32 >= committee.quorum());
			prop_assert!(signed.iter().all(|i| *i < committee.size()));
		}
	}

	#[test]
	fn committees(bytes in bytes_like(a_committee())) {
		let Some(committee) = canonical::<Committee>(&bytes) else { return Ok(()) };
		if committee.check().is_ok() {
			prop_assert_eq!(Committee::new(committee.epoch(), committee.members().to_vec()), Ok(committee.clone()));
			prop_assert!(2 * committee.quorum() > committee.size() + committee.faults());
		}
	}

	#[test]
	fn headers(bytes in bytes_like(header(vec![
		digest::round_item(Round { epoch: 1, view: 2 }),
		digest::root_ref_item(RootRef { number: 3, hash: Hash::repeat_byte(4) }),
		digest::traffic_item(&a_traffic()),
	]))) {
		let Some(header) = canonical::<Header>(&bytes) else { return Ok(()) };
		let item = |item: DigestItem| header.digest.logs().contains(&item);
		prop_assert!(digest::round(&header.digest).is_none_or(|round| item(digest::round_item(round))));
		prop_assert!(digest::root_ref(&header.digest).is_none_or(|root| item(digest::root_ref_item(root))));
		prop_assert!(digest::traffic(&header.digest).is_none_or(|traffic| item(digest::traffic_item(&traffic))));
	}

	#[test]
	fn traffic_that_is_consistent_commits_to_itself(bytes in bytes_like(a_traffic())) {
		let Some(traffic) = canonical::<Traffic>(&bytes) else { return Ok(()) };
		if traffic.is_consistent() {
			prop_assert_eq!(traffic.outbox_root, outbox_root(&traffic.leaves()));
			prop_assert_eq!(traffic.outbox_root.is_zero(), traffic.sent.is_empty());
		}
	}

	#[test]
	fn a_proof_is_of_its_own_messages_only(bytes in bytes_like(a_delivery().0)) {
		let Some(delivery) = canonical::<Delivery>(&bytes) else { return Ok(()) };
		let (good, root) = a_delivery();
		if delivery.verify(ChainId(5), root).is_ok() {
			prop_assert_eq!(delivery.messages, good.messages);
		}
	}

	#[test]
	fn batches_of_any_messages_are_bounded(first_nonce: u64, values in vec(any::<u128>(), 0..5)) {
		let delivery = Delivery {
			source: ChainId(1),
			number: 1,
			leaves: 1,
			index: 0,
			path: Default::default(),
			messages: messages(first_nonce, &values).try_into().unwrap(),
		};
		if let Ok(batch) = delivery.verify(ChainId(5), Hash::zero()) {
			prop_assert!(false, "{batch:?} is proved against nothing");
		}
		if let Ok(batch) = delivery.batch() {
			prop_assert_eq!(batch.count as usize, values.len());
		}
	}

	#[test]
	fn what_a_proposer_brings_in(bytes in bytes_like(RootViewData {
		header: header(Vec::new()),
		anchors: vec![(ChainId(1), 5), (ChainId(2), 6)],
		acknowledgements: vec![ChainId(2)],
		proof: vec![vec![1; 40], vec![2; 70]],
	})) {
		canonical::<RootViewData>(&bytes);
		canonical::<Vec<Delivery>>(&bytes);
	}

	#[test]
	fn what_chains_read_of_the_root_chain(bytes in vec(any::<u8>(), 0..300)) {
		canonical::<Anchor>(&bytes);
		canonical::<ChannelRecord>(&bytes);
		canonical::<RootRef>(&bytes);
	}

	#[test]
	fn keys_in_json(text in prop_oneof![".{0,80}", "\"(0x)?[0-9a-f]{0,200}\""]) {
		let _ = serde_json::from_str::<MemberId>(&text);
		let _ = serde_json::from_str::<BlsPublic>(&text);
		let _ = serde_json::from_str::<BlsSignature>(&text);
		let _ = serde_json::from_str::<Member>(&text);
	}
}
