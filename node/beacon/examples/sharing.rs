//! Prints what one dealer's log takes, by the number of players, in the protocol that the beacon uses and in the other one that
//! commonware offers: `cargo run -p asterism-beacon --example sharing [players…]`. A sharing takes as many logs as a quorum of
//! the dealers.

use asterism_beacon::{
	dkg::{watch, Action, Participation, Stored, Terms},
	identity::IdentitySigner,
};
use asterism_primitives::{beacon::max_log_bytes, committee::MemberId, Hash};
use commonware_codec::EncodeSize;
use commonware_cryptography::bls12381::dkg::golden;
use commonware_math::algebra::Random;
use commonware_parallel::Sequential;
use commonware_utils::{ordered::Set, N3f1};
use rand::rngs::OsRng;
use std::{
	collections::BTreeMap,
	num::NonZeroU32,
	time::{Duration, Instant},
};

/// What a run gives, and how long it takes.
fn time<T>(run: impl FnOnce() -> T) -> (T, Duration) {
	let start = Instant::now();
	let value = run();
	(value, start.elapsed())
}

fn signer(i: u32) -> IdentitySigner {
	let mut seed = [7; 32];
	seed[..4].copy_from_slice(&i.to_be_bytes());
	IdentitySigner::from_seed(&seed)
}

/// Feldman/Desmedt: with the round of messages between dealer and players.
fn feldman_desmedt(n: u32) {
	let mut players: Vec<MemberId> = (0..n).map(|i| signer(i).id()).collect();
	players.sort_unstable();
	let terms = Terms {
		realm: Hash::zero(),
		attempt: 0,
		previous: None,
		dealers: vec![signer(0).id()],
		players,
	};
	let join = |i| {
		Participation::new(&terms, signer(i), None, Stored::default(), [9; 32]).expect("the terms are sound")
	};
	let ((mut dealer, _), deal) = time(|| join(0));
	let mut parts: BTreeMap<_, _> = (1..n).map(|i| (signer(i).id(), join(i).0)).collect();
	let mut check = Duration::ZERO;
	for action in dealer.tick(false, false) {
		let Action::Send(to, message) = action else {
			continue;
		};
		let part = parts.get_mut(&to).expect("it deals to players");
		let (actions, took) = time(|| part.receive(signer(0).id(), message).expect("it is honest"));
		check += took;
		for action in actions {
			if let Action::Send(_, ack) = action {
				dealer.receive(to, ack).expect("it is honest");
			}
		}
	}
	let (actions, seal) = time(|| dealer.tick(false, false));
	let Some(Action::Post(log)) = actions.into_iter().next() else {
		unreachable!("everybody has acknowledged")
	};
	let length = log.len();
	let logs = vec![(signer(0).id(), log)];
	let (output, verify) = time(|| watch(&terms, &logs));
	assert!(output.is_ok() && length <= max_log_bytes(n) as usize);
	println!(
		"{:>16}  {n:>7}  {length:>8}  {:>10.2?}  {:>10.2?}  {:>10.2?}",
		"feldman_desmedt",
		deal + seal,
		check / (n - 1).max(1),
		verify
	);
}

/// Golden: without messages, with proofs. Its keys and signatures are of the other variant of BLS than the chain's.
fn golden(setup: &golden::Setup, n: u32) {
	let me = golden::PrivateKey::random(OsRng);
	let dealers = Set::from_iter_dedup([me.public()]);
	let players = Set::from_iter_dedup((0..n).map(|_| golden::PrivateKey::random(OsRng).public()));
	let info = golden::Info::new::<N3f1>(b"example", 0, None, dealers, players).expect("the terms are sound");
	let (signed, deal) =
		time(|| golden::deal(&mut OsRng, setup, &info, &me, None, &Sequential).expect("it is a dealer"));
	let length = signed.encode_size();
	let (_, verify) = time(|| {
		let logs = BTreeMap::from([signed.identify(&info).expect("it is signed")]);
		golden::observe(&mut OsRng, setup, &info, logs, &Sequential).expect("it is honest")
	});
	println!(
		"{:>16}  {n:>7}  {length:>8}  {deal:>10.2?}  {:>10}  {verify:>10.2?}",
		"golden", "-"
	);
}

fn main() {
	let mut sizes: Vec<u32> = std::env::args().skip(1).filter_map(|n| n.parse().ok()).collect();
	if sizes.is_empty() {
		sizes = vec![4, 16, 64];
	}
	println!(
		"{:>16}  {:>7}  {:>8}  {:>10}  {:>10}  {:>10}",
		"protocol", "players", "bytes", "dealer", "player", "observer"
	);
	for n in &sizes {
		feldman_desmedt((*n).clamp(1, 256));
	}
	let most = sizes.iter().copied().max().and_then(NonZeroU32::new);
	let most = most.unwrap_or(NonZeroU32::MIN);
	let (setup, took) = time(|| golden::Setup::new(most));
	println!(
		"{:>16}  once, for up to {most} players: {took:.2?}",
		"golden set-up"
	);
	for n in sizes {
		golden(&setup, n.max(1));
	}
}
