//! Prints how long it takes to verify a certificate, natively, by committee size:
//! `cargo run -p asterism-runtime-common --example bls`. What it takes in Wasm is measured by the benchmarks of
//! `pallet-checkpoints`.

use asterism_primitives::{
	certificate::{CommitteeKeys, VerifyAggregate},
	committee::{quorum, BlsPublic, BlsSignature, Committee, Member, MemberId},
};
use asterism_runtime_common::bls::{HostBls, Prepared, DST};
use blst::min_sig::{AggregateSignature, SecretKey};
use codec::{Decode, Encode};
use std::time::{Duration, Instant};

const RUNS: u32 = 20;

/// The time of the fastest run: what else the machine does only ever adds.
fn time(mut run: impl FnMut() -> bool) -> Duration {
	let run = |_| {
		let start = Instant::now();
		assert!(run());
		start.elapsed()
	};
	(0..RUNS).map(run).min().unwrap_or_default()
}

/// The signature of the first `n` of these members.
fn sign(secrets: &[SecretKey], n: u32, message: &[u8]) -> BlsSignature {
	let shares: Vec<_> = secrets[..n as usize]
		.iter()
		.map(|s| s.sign(message, DST, &[]))
		.collect();
	let sum =
		AggregateSignature::aggregate(&shares.iter().collect::<Vec<_>>(), false).expect("somebody signs");
	BlsSignature(sum.to_signature().to_bytes())
}

fn main() {
	let message = [7u8; 128];
	println!("Certificates against prepared keys, signed by a quorum and by all; against the quorum's keys as they are; and");
	println!("what preparing the committee takes, reading that from its encoding, its size, and checking one key.\n");
	println!(
		"{:>8}  {:>8}  {:>10}  {:>10}  {:>12}  {:>10}  {:>10}  {:>8}  {:>10}",
		"members", "quorum", "by quorum", "by all", "unprepared", "prepare", "read", "bytes", "key check"
	);
	for n in [1u32, 4, 16, 64, 128, 171, 256] {
		let secret = |i: u32| {
			let mut seed = [7; 32];
			seed[..4].copy_from_slice(&i.to_be_bytes());
			SecretKey::key_gen(&seed, &[]).expect("32 bytes are enough")
		};
		let secrets: Vec<_> = (0..n).map(secret).collect();
		let keys: Vec<_> = secrets
			.iter()
			.map(|s| BlsPublic(s.sk_to_pk().to_bytes()))
			.collect();
		let member = |(i, key): (usize, &BlsPublic)| {
			let mut id = [0; 32];
			id[..8].copy_from_slice(&(i as u64).to_be_bytes());
			Member {
				id: MemberId(id),
				key: *key,
			}
		};
		let committee =
			Committee::new(0, keys.iter().enumerate().map(member).collect()).expect("each is there once");
		let prepared = HostBls::prepare(&committee).expect("these are keys");
		let bytes = prepared.encode();
		let quorum = quorum(n);
		let (few, all): (Vec<u32>, Vec<u32>) = ((0..quorum).collect(), (0..n).collect());
		let (by_few, by_all) = (sign(&secrets, quorum, &message), sign(&secrets, n, &message));
		println!(
			"{n:>8}  {quorum:>8}  {:>10.2?}  {:>10.2?}  {:>12.2?}  {:>10.2?}  {:>10.2?}  {:>8}  {:>10.2?}",
			time(|| HostBls::verify(&prepared, &few, &message, &by_few)),
			time(|| HostBls::verify(&prepared, &all, &message, &by_all)),
			time(|| HostBls::verify_aggregate(keys[..quorum as usize].iter(), &message, &by_few)),
			time(|| HostBls::prepare(&committee).is_some()),
			time(|| Prepared::decode(&mut &bytes[..]).is_ok()),
			bytes.len(),
			time(|| HostBls::validate(&keys[0])),
		);
	}
}
