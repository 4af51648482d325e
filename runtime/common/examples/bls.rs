//! Prints how long it takes to verify a certificate, by committee size: `cargo run -p asterism-runtime-common --example bls`.

use asterism_primitives::{
	certificate::VerifyAggregate,
	committee::{BlsPublic, BlsSignature},
};
use asterism_runtime_common::bls::{validate_key, HostBls};
use std::time::{Duration, Instant};

const RUNS: u32 = 20;

/// The mean time of a run.
fn time(mut run: impl FnMut() -> bool) -> Duration {
	let start = Instant::now();
	for _ in 0..RUNS {
		assert!(run());
	}
	start.elapsed() / RUNS
}

fn main() {
	let message = [7u8; 128];
	println!("{:>8}  {:>12}  {:>12}", "signers", "certificate", "key check");
	for n in [1usize, 4, 16, 64, 171] {
		let secrets: Vec<_> = (0..n)
			.map(|i| blst::min_sig::SecretKey::key_gen(&[i as u8 + 1; 32], &[]).expect("32 bytes are enough"))
			.collect();
		let keys: Vec<_> = secrets
			.iter()
			.map(|s| BlsPublic(s.sk_to_pk().to_bytes()))
			.collect();
		let shares: Vec<_> = secrets
			.iter()
			.map(|s| s.sign(&message, asterism_runtime_common::bls::DST, &[]))
			.collect();
		let shares: Vec<_> = shares.iter().collect();
		let sum = blst::min_sig::AggregateSignature::aggregate(&shares, false).expect("there is a share");
		let signature = BlsSignature(sum.to_signature().to_bytes());
		let certificate = time(|| HostBls::verify_aggregate(keys.iter(), &message, &signature));
		let key = time(|| validate_key(&keys[0]));
		println!("{n:>8}  {certificate:>12.2?}  {key:>12.2?}");
	}
}
