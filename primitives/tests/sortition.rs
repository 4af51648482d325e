//! A sample of elections with real VRFs: their numbers are uniform, so what `asterism-protocol` shows of uniform numbers
//! holds for them.
//!
//! Keys and seeds are counted from 0: none was searched for. The bounds are such that each fails for one in a thousand random
//! choices of them.

use asterism_primitives::{
	election::{sign_data, SortitionProof},
	keys::SortitionPublic,
	protocol::sortition::{share, standing, Standing},
	ChainId, Hash,
};
use polkadot_sdk::{
	sp_core::{crypto::VrfSecret, sr25519, Pair},
	sp_crypto_hashing::blake2_256,
};

const NODES: u32 = 24;
const ELECTIONS: u32 = 200;
const CHAIN: ChainId = ChainId(1);

fn keys() -> Vec<(sr25519::Pair, SortitionPublic)> {
	let key = |i: u32| {
		let pair = sr25519::Pair::from_seed(&blake2_256(&i.to_le_bytes()));
		let public = SortitionPublic(pair.public().0);
		(pair, public)
	};
	(0..NODES).map(key).collect()
}

/// Each node's number in each election. The pre-output alone decides it: proofs are another matter.
fn numbers() -> Vec<Vec<u128>> {
	let keys = keys();
	let number = |(pair, public): &(sr25519::Pair, SortitionPublic), seed| {
		let data = sign_data(seed, CHAIN, 1);
		let draw = SortitionProof {
			pre_output: *pair.vrf_pre_output(data.as_ref()).0.as_bytes(),
			proof: [0; 64],
		};
		draw.number(public, seed, CHAIN, 1).unwrap()
	};
	(0..ELECTIONS)
		.map(|election| {
			let seed = Hash::from(blake2_256(&election.to_be_bytes()));
			keys.iter().map(|key| number(key, seed)).collect()
		})
		.collect()
}

#[test]
fn real_draws_are_uniform_and_elect_in_proportion() {
	let numbers = numbers();
	// χ² over the highest and over the lowest four bits, with 15 degrees of freedom: 37.70 at 99.9 %.
	for (name, shift) in [("high", 124), ("low", 0)] {
		let mut counts = [0u32; 16];
		for number in numbers.iter().flatten() {
			counts[(number >> shift) as usize & 15] += 1;
		}
		let mean = f64::from(NODES * ELECTIONS) / 16.0;
		let chi: f64 = counts
			.iter()
			.map(|count| (f64::from(*count) - mean).powi(2) / mean)
			.sum();
		println!("{name} bits: χ² = {chi:.1}");
		assert!(chi < 37.70, "{name} bits: χ² = {chi}");
	}
	// Stakes 1, 2, 3, …: all together, elected as often as expected, and so each third of the nodes.
	let stakes: Vec<u128> = (1..=NODES.into()).collect();
	let (total, expected) = (stakes.iter().sum::<u128>(), 6);
	for third in 0..3 {
		let (mut elected, mut mean, mut variance) = (0, 0.0, 0.0);
		for node in third * 8..(third + 1) * 8 {
			let share = share(stakes[node], total, expected);
			let is_elected =
				|numbers: &&Vec<u128>| standing(numbers[node], share, total) == Standing::Elected;
			elected += numbers.iter().filter(is_elected).count();
			let p = 6.0 * stakes[node] as f64 / total as f64;
			mean += f64::from(ELECTIONS) * p;
			variance += f64::from(ELECTIONS) * p * (1.0 - p);
		}
		let z = (elected as f64 - mean) / variance.sqrt();
		println!("third {third}: elected {elected} times, {mean:.1} expected, z = {z:.2}");
		// 99.9 % for all three, both sides.
		assert!(z.abs() < 3.59, "third {third}: z = {z}");
	}
}

#[test]
fn real_proofs_prove_the_numbers() {
	for (i, (pair, public)) in keys().iter().enumerate() {
		let seed = Hash::from(blake2_256(&(i as u32).to_be_bytes()));
		let proof = SortitionProof::from(&pair.vrf_sign(&sign_data(seed, CHAIN, 1)));
		assert!(proof.verify(public, seed, CHAIN, 1));
		let data = sign_data(seed, CHAIN, 1);
		assert_eq!(proof.pre_output, *pair.vrf_pre_output(data.as_ref()).0.as_bytes());
	}
}
