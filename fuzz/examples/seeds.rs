//! Writes valid inputs of the targets, for their search to begin with.
//!
//! usage: `seeds <folder>`; those of a target are in `<folder>/<target>`.

use asterism_fuzz::Step;
use asterism_interface::{Deadline, Interface, ServiceLevel};
use asterism_primitives::{
	certificate::{Certificate, CertificateKind, Round},
	committee::{BlsPublic, BlsSignature, Committee, Member, MemberId},
	digest::{self, Received, RootRef, Sent, Traffic},
	inherents::RootViewData,
	message::{
		batch_root, batch_value, outbox_root, value_hash, BounceReason, Call, Delivery, Message, MessageBody,
		OutboxLeaf,
	},
	offence::{Evidence, Proof, Proposal, Vote, Votes},
	protocol::{
		channel::{Batch, BlockBatch, ChannelRecord, CAPACITY},
		ledger::Flow,
	},
	root_state::Anchor,
	AccountId, ChainId, CurrencyId, Hash, Header,
};
use codec::Encode;
// All that is built here calls the fuzzer's counters: it has to be linked.
use libfuzzer_sys as _;
use std::{env, fs, io, path::PathBuf};

const SOURCE: ChainId = ChainId(1);
const DESTINATION: ChainId = ChainId(2);

/// What the fuzzer would run: it wants one.
#[no_mangle]
extern "C" fn rust_fuzzer_test_input() -> i32 {
	0
}

fn main() -> io::Result<()> {
	let folder = PathBuf::from(env::args_os().nth(1).expect("usage: seeds <folder>"));
	let targets = [
		("certificate", certificates()),
		("channel", channels()),
		("checkpoint", checkpoints()),
		("delivery", vec![delivery().encode()]),
		("evidence", evidence()),
		("interface", interfaces()),
		("root_view", root_views()),
	];
	#[cfg(feature = "node")]
	let targets = targets.into_iter().chain(of_node()?);
	for (target, seeds) in targets {
		let folder = folder.join(target);
		fs::create_dir_all(&folder)?;
		for (number, seed) in seeds.iter().enumerate() {
			fs::write(folder.join(format!("seed-{number}")), seed)?;
		}
	}
	Ok(())
}

/// The certificate of a quorum of a committee of this size.
fn certificate(size: u32) -> Certificate {
	Certificate {
		kind: CertificateKind::Finalization,
		round: Round { epoch: 1, view: 3 },
		parent_view: 2,
		block_hash: Hash::repeat_byte(1),
		signers: Certificate::bitmap(size, 0..size).expect("there are no more members"),
		signature: BlsSignature([2; 48]),
	}
}

/// Two votes for different blocks, as they are submitted and as the engine reports them.
fn evidence() -> Vec<Vec<u8>> {
	let votes = |block: u8| Votes {
		round: Round { epoch: 1, view: 3 },
		vote: Vote::Finalize(Proposal {
			parent_view: 2,
			block_hash: Hash::repeat_byte(block),
		}),
		signers: Certificate::bitmap(4, 0..3).expect("there are no more members"),
		signature: BlsSignature([2; 48]),
	};
	let proof = Proof::Votes {
		first: votes(1),
		second: votes(2),
	};
	let submitted = Evidence { chain: SOURCE, proof };
	// Epoch, view, the parent's view, the block, the signer's index, its signature.
	let vote = |block: u8| [&[1, 3, 2][..], &[block; 32], &[0], &[2; 48]].concat();
	// The first byte chooses what the engine calls it.
	let reported = [&[1][..], &vote(1), &vote(2)].concat();
	vec![submitted.encode(), reported]
}

fn certificates() -> Vec<Vec<u8>> {
	let member = |i| Member {
		id: MemberId([i; 32]),
		key: BlsPublic([i; 96]),
	};
	let committee = Committee::new(1, (0..4).map(member).collect()).expect("the members differ");
	let mut seeds = vec![committee.encode()];
	seeds.extend([1, 4, 10, 255].map(|size| certificate(size).encode()));
	seeds
}

fn channels() -> Vec<Vec<u8>> {
	let batch = Batch {
		first_nonce: 0,
		count: 1,
	};
	let delivered = [
		Step::Send,
		Step::Close(1),
		Step::Record(1, batch),
		Step::Accept(batch),
		Step::Acknowledge(1),
		Step::News(1),
	];
	// Both records of a channel with no place left.
	let sent = (0..=CAPACITY).flat_map(|number| [Step::SendBack, Step::Close(number)]);
	let recorded = (0..=CAPACITY).map(|number| {
		let first_nonce = number.into();
		Step::Record(number, Batch { first_nonce, ..batch })
	});
	// Not as vectors: their lengths don't go in front.
	vec![
		delivered.iter().flat_map(Encode::encode).collect(),
		sent.flat_map(|step| step.encode()).collect(),
		recorded.flat_map(|step| step.encode()).collect(),
	]
}

fn messages() -> Vec<Message> {
	let call = Call {
		gas: 1_000,
		depth: 1,
		body: vec![1, 2, 3].try_into().expect("it is short"),
	};
	let bounce = MessageBody::Bounce {
		nonce: 7,
		reason: BounceReason::Rejected {
			words: b"no".to_vec().try_into().expect("it is short"),
		},
		call: Some(call.clone()),
	};
	let bodies = [MessageBody::Add, bounce, MessageBody::Call(call)];
	bodies
		.into_iter()
		.zip(0..)
		.map(|(body, nonce)| Message {
			nonce,
			sender: AccountId::new([1; 32]),
			recipient: AccountId::new([2; 32]),
			currency: CurrencyId::NATIVE,
			value: 5,
			body,
		})
		.collect()
}

fn batch() -> Batch {
	Batch {
		first_nonce: 0,
		count: messages().len() as u32,
	}
}

fn delivery() -> Delivery {
	let leaf = OutboxLeaf {
		destination: DESTINATION,
		batch: batch(),
		root: batch_root(&messages()),
		value: value_hash(&batch_value(&messages()).expect("the values are small")),
	};
	let other = OutboxLeaf {
		destination: ChainId(3),
		..leaf
	};
	let messages = messages().try_into().expect("they are few");
	Delivery::prove(SOURCE, 1, &[leaf, other], DESTINATION, messages).expect("one is for it")
}

fn traffic() -> Traffic {
	let sent = Sent {
		destination: DESTINATION,
		batch: batch(),
		root: batch_root(&messages()),
	};
	let received = Received {
		source: DESTINATION,
		next_nonce: 1,
	};
	let flow = Flow {
		peer: DESTINATION,
		currency: CurrencyId::NATIVE,
		amount: 15,
	};
	let mut traffic = Traffic {
		sent: vec![sent].try_into().expect("it is one"),
		received: vec![received].try_into().expect("it is one"),
		outflows: vec![flow].try_into().expect("it is one"),
		inflows: vec![flow].try_into().expect("it is one"),
		..Default::default()
	};
	traffic.outbox_root = outbox_root(&traffic.leaves());
	traffic
}

/// The header of block 1 or 2.
fn header(number: u32, parent_hash: Hash) -> Header {
	let root = RootRef {
		number: 1,
		hash: Hash::repeat_byte(4),
	};
	let mut header = Header {
		parent_hash,
		number,
		state_root: Hash::repeat_byte(5),
		extrinsics_root: Hash::repeat_byte(6),
		digest: Default::default(),
	};
	let view = number.into();
	header.digest.push(digest::round_item(Round { epoch: 0, view }));
	header.digest.push(digest::root_ref_item(root));
	header.digest.push(digest::traffic_item(&traffic()));
	header
}

fn checkpoints() -> Vec<Vec<u8>> {
	let first = header(1, Hash::zero());
	let second = header(2, first.hash());
	vec![
		traffic().encode(),
		(SOURCE, vec![first, second], certificate(4)).encode(),
	]
}

fn interfaces() -> Vec<Vec<u8>> {
	let service = ServiceLevel {
		price: 10,
		deadline: Some(Deadline::Blocks(5)),
	};
	let server = Interface::builder()
		.accepts::<(u32, Option<Vec<String>>)>("ask")
		.emits::<Result<u64, [u8; 4]>>("answer")
		.emits::<MessageBody>("report")
		.service(service);
	let client = Interface::builder()
		.accepts::<Result<u64, [u8; 4]>>("answer")
		.emits::<(u32, Option<Vec<String>>)>("ask");
	let [server, client] = [server, client].map(|builder| builder.build().expect("it is valid").encode());
	// One alone, two that fit each other, and one that may take its own place.
	vec![
		server.clone(),
		[&client[..], &server].concat(),
		[&server[..], &server].concat(),
	]
}

fn root_views() -> Vec<Vec<u8>> {
	let data = RootViewData {
		header: header(1, Hash::zero()),
		anchors: vec![(SOURCE, 1)],
		acknowledgements: vec![SOURCE, DESTINATION],
		proof: vec![vec![1; 32], vec![2; 64]],
	};
	let anchor = Anchor {
		block_hash: Hash::repeat_byte(1),
		state_root: Hash::repeat_byte(2),
		outbox_root: Hash::repeat_byte(3),
		unacknowledged: 1,
	};
	let record = ChannelRecord {
		recorded: 3,
		acknowledged: 0,
		waiting: vec![BlockBatch {
			number: 1,
			batch: batch(),
		}],
	};
	vec![
		data.encode(),
		vec![delivery()].encode(),
		anchor.encode(),
		record.encode(),
	]
}

/// Those of the targets behind the feature `node`.
#[cfg(feature = "node")]
fn of_node() -> io::Result<[(&'static str, Vec<Vec<u8>>); 5]> {
	use asterism_consensus::{application::BlockMessage, network::Lane};
	use asterism_messages::protocol::{DeliveryRequest, ServedChains};
	use asterism_primitives::OpaqueBlock;
	use codec::Decode;

	let frame = |lane: Lane, payload: Vec<u8>| [&1u64.to_le_bytes()[..], &[lane as u8], &payload].concat();
	let block = OpaqueBlock {
		header: header(1, Hash::zero()),
		extrinsics: Vec::new(),
	};
	// `system.remark`, of both runtimes.
	let call = (0u8, 0u8, b"remark".to_vec()).encode();
	let root_call = Decode::decode(&mut &call[..]).expect("it is a call");
	let transaction_call = Decode::decode(&mut &call[..]).expect("it is a call");
	let request = DeliveryRequest {
		source: SOURCE,
		number: 1,
		destination: DESTINATION,
	};
	let served = ServedChains::try_from(vec![SOURCE, DESTINATION]).expect("they are few");
	let mut networks = Vec::new();
	for file in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../chain-specs/networks"))? {
		networks.push(fs::read(file?.path())?);
	}
	let values = [
		"7",
		r#""18446744073709551615""#,
		r#""0x0101010101010101010101010101010101010101010101010101010101010101""#,
	];
	Ok([
		(
			"committee_channel",
			vec![
				frame(Lane::Blocks, BlockMessage::Block(block).encode()),
				frame(Lane::Resolver, certificate(4).encode()),
			],
		),
		(
			"extrinsic",
			vec![
				asterism_root_runtime::UncheckedExtrinsic::new_bare(root_call).encode(),
				asterism_transaction_runtime::UncheckedExtrinsic::new_bare(transaction_call).encode(),
				call,
			],
		),
		(
			"messages_protocol",
			vec![request.encode(), Some(delivery()).encode(), served.encode()],
		),
		("network_file", networks),
		("rpc_params", values.map(Vec::from).to_vec()),
	])
}
