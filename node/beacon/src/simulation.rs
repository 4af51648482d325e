//! Deterministic simulation of a network of beacon members, with faults: messages lost, repeated and reordered, members that are
//! silent, wrong or restarted, leaders that withhold seeds.
//!
//! Every run prints its seed when it fails. [`SEEDS`] of them run by default; `ASTERISM_BEACON_SEEDS=1000` sets another number, and
//! `ASTERISM_BEACON_SEED=42` runs one alone.

use crate::{
	board::{Board, BoardError, View},
	ceremony::Ceremony,
	dealt,
	dkg::{watch, Action, DkgError, Participation, Stored, Terms},
	identity::IdentitySigner,
	member::{Effect, Identities, Member, ReadyHandle},
	output::{verify_seed, PublicOutput},
	rounds::{Fault, Rounds, AHEAD, WINDOW},
	store::Store,
	wire::Message,
};
use asterism_primitives::{
	beacon::{log_statement, output_hash, Attempt, MemberIds, Resharing, Seed, Sharing, SharingId},
	committee::{faults, quorum, BlsPublic, BlsSignature, Epoch, MemberId},
	BlockNumber, Hash,
};
use async_trait::async_trait;
use codec::Encode;
use commonware_cryptography::bls12381::primitives::group::Share;
use parking_lot::Mutex;
use polkadot_sdk::sp_core::{bounded::BoundedVec, sr25519, Pair};
use rand::{rngs::StdRng, seq::SliceRandom, Rng, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use tempfile::TempDir;

/// How many seeds each scenario runs with by default.
const SEEDS: u64 = 6;

const GENESIS: Hash = Hash::repeat_byte(5);
/// For how many blocks an attempt takes logs, and may be adopted after.
const DEALING: BlockNumber = 9;
const READY: BlockNumber = 4;

/// Runs a simulation for each seed, and names the one that fails.
fn seeds(simulation: impl Fn(u64) + std::panic::RefUnwindSafe) {
	let number = |name: &str| {
		std::env::var(name)
			.ok()
			.and_then(|value| value.parse::<u64>().ok())
	};
	let chosen: Vec<u64> = match number("ASTERISM_BEACON_SEED") {
		Some(seed) => vec![seed],
		None => (0..number("ASTERISM_BEACON_SEEDS").unwrap_or(SEEDS)).collect(),
	};
	for seed in chosen {
		if let Err(panic) = std::panic::catch_unwind(|| simulation(seed)) {
			eprintln!("failed with ASTERISM_BEACON_SEED={seed}");
			std::panic::resume_unwind(panic);
		}
	}
}

fn signer(i: u8) -> IdentitySigner {
	IdentitySigner::from_seed(&[i; 32])
}

fn id(i: u8) -> MemberId {
	signer(i).id()
}

fn ids(members: &[u8]) -> MemberIds {
	let mut ids: Vec<_> = members.iter().map(|i| id(*i)).collect();
	ids.sort_unstable();
	MemberIds::truncate_from(ids)
}

/// One node has the key of one member.
struct OneKey(u8);
impl Identities for OneKey {
	fn signer(&self, member: MemberId) -> Option<IdentitySigner> {
		(id(self.0) == member).then(|| signer(self.0))
	}
}

/// The chain: what pallet-beacon does, in a few lines.
struct Chain {
	number: BlockNumber,
	epoch: Epoch,
	group_key: BlsPublic,
	last_seed: Option<Seed>,
	sharings: BTreeMap<Epoch, Sharing>,
	outputs: BTreeMap<Epoch, Vec<u8>>,
	resharing: Option<Resharing>,
	last_attempt: Attempt,
	logs: BTreeMap<Attempt, Vec<(MemberId, Vec<u8>)>>,
	/// What the next committee is ready with.
	ready: BTreeMap<MemberId, SharingId>,
	/// The committee to which the key is passed on once its sharing is there.
	failed: u32,
}

struct MockBoard(Mutex<Chain>);

impl Chain {
	fn begin(&mut self, players: &[u8]) {
		let sharing = self.sharings[&self.epoch].clone();
		self.attempt(self.epoch, sharing.players, ids(players));
	}

	fn attempt(&mut self, from: Epoch, dealers: MemberIds, players: MemberIds) {
		self.logs.remove(&self.last_attempt);
		self.last_attempt += 1;
		self.ready.clear();
		self.resharing = Some(Resharing {
			epoch: from + 1,
			attempt: self.last_attempt,
			from,
			opened: self.number,
			deadline: self.number + DEALING,
			expires: self.number + DEALING + READY,
			dealers,
			players,
			dealt: MemberIds::default(),
		});
	}

	/// A block, with a seed or without.
	fn block(&mut self, seed: Option<Seed>) {
		self.number += 1;
		if let Some(seed) = seed {
			let newer = self.last_seed.is_none_or(|last| seed.round > last.round);
			assert!(
				seed.round < self.number,
				"a seed of a round that is not over exists"
			);
			assert!(
				verify_seed(&self.group_key, GENESIS, &seed),
				"a wrong seed is proposed"
			);
			if newer {
				self.last_seed = Some(seed);
			}
		}
		let Some(resharing) = self.resharing.clone() else {
			return;
		};
		let mut votes: BTreeMap<SharingId, u32> = BTreeMap::new();
		for id in self.ready.values() {
			*votes.entry(*id).or_default() += 1;
		}
		let needed = quorum(resharing.players.len() as u32);
		let adopted = votes
			.iter()
			.find(|(id, count)| **count >= needed && id.attempt == resharing.attempt)
			.map(|(id, _)| *id);
		if let Some(id) = adopted.filter(|_| self.number > resharing.deadline) {
			self.resharing = None;
			self.sharings.insert(
				resharing.epoch,
				Sharing {
					id,
					players: resharing.players,
				},
			);
			if let Some(old) = resharing.from.checked_sub(1) {
				self.sharings.remove(&old);
				self.outputs.remove(&old);
			}
			return;
		}
		let hopeless =
			self.number > resharing.deadline && (resharing.dealt.len() as u32) < resharing.required();
		if hopeless || self.number > resharing.expires {
			self.failed += 1;
			self.attempt(resharing.from, resharing.dealers, resharing.players);
		}
	}

	fn view(&self) -> View {
		View {
			finalized: self.number,
			epoch: self.epoch,
			group_key: Some(self.group_key),
			last_seed: self.last_seed,
			current: self.sharings.get(&self.epoch).cloned(),
			next: self.sharings.get(&(self.epoch + 1)).cloned(),
			resharing: self.resharing.clone(),
		}
	}

	fn post(&mut self, attempt: Attempt, dealer: MemberId, log: Vec<u8>, signature: [u8; 64]) {
		let number = self.number;
		let Some(resharing) = self.resharing.as_mut() else {
			return;
		};
		let signed = sr25519::Pair::verify(
			&sr25519::Signature::from_raw(signature),
			log_statement(GENESIS, attempt, &log),
			&sr25519::Public::from_raw(dealer.0),
		);
		let taken = signed
			&& resharing.attempt == attempt
			&& number <= resharing.deadline
			&& resharing.dealers.contains(&dealer)
			&& !resharing.dealt.contains(&dealer)
			&& log.len()
				<= asterism_primitives::beacon::max_log_bytes(resharing.players.len() as u32) as usize;
		if taken {
			resharing.dealt.try_push(dealer).unwrap();
			self.logs.entry(attempt).or_default().push((dealer, log));
		}
	}

	fn publish(&mut self, epoch: Epoch, output: Vec<u8>) {
		if self.sharings.get(&epoch).map(|sharing| sharing.id.output) == Some(output_hash(&output)) {
			self.outputs.insert(epoch, output);
		}
	}
}

#[async_trait]
impl Board for MockBoard {
	fn view(&self) -> Result<View, BoardError> {
		Ok(self.0.lock().view())
	}
	fn sharing(&self, epoch: Epoch) -> Result<Option<Sharing>, BoardError> {
		Ok(self.0.lock().sharings.get(&epoch).cloned())
	}
	fn output(&self, epoch: Epoch) -> Result<Option<Vec<u8>>, BoardError> {
		Ok(self.0.lock().outputs.get(&epoch).cloned())
	}
	fn logs(&self, attempt: Attempt) -> Result<Vec<(MemberId, Vec<u8>)>, BoardError> {
		let mut logs = self.0.lock().logs.get(&attempt).cloned().unwrap_or_default();
		logs.sort();
		Ok(logs)
	}
	async fn post_log(&self, _: Attempt, _: MemberId, _: Vec<u8>, _: [u8; 64]) -> Result<(), BoardError> {
		unreachable!("the simulation performs effects itself")
	}
	async fn publish_output(&self, _: Epoch, _: Vec<u8>) -> Result<(), BoardError> {
		unreachable!("the simulation performs effects itself")
	}
}

/// How a member behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behaviour {
	Honest,
	/// It neither sends nor takes anything.
	Silent,
	/// It sends wrong partial signatures and dealings, and puts garbage on the board.
	Wrong,
}

struct Node {
	member: Member<OneKey>,
	ready: ReadyHandle,
	disk: TempDir,
	behaviour: Behaviour,
}

struct World {
	rng: StdRng,
	board: MockBoard,
	nodes: BTreeMap<u8, Node>,
	/// Messages on their way: from, to, bytes.
	flying: Vec<(MemberId, MemberId, Vec<u8>)>,
	/// Of 100 messages, how many get lost, and how many arrive twice.
	lost: u32,
	twice: u32,
	/// Of 100 leaders, how many withhold their seed.
	withheld: u32,
	/// The seeds that nodes recovered, by round.
	recovered: BTreeMap<BlockNumber, BlsSignature>,
}

impl World {
	/// A network of these nodes, the first committee being `committee`, with dealt shares on the disks of its members.
	fn new(seed: u64, nodes: &[u8], committee: &[u8]) -> World {
		let players = ids(committee);
		let mut rng = StdRng::seed_from_u64(seed);
		// Not the development key: the shares have to be on disk to be used.
		let (output, shares) = fresh_sharing(&mut rng, &players);
		let chain = Chain {
			number: 0,
			epoch: 0,
			group_key: output.group_key(),
			last_seed: None,
			sharings: BTreeMap::from([(
				0,
				Sharing {
					id: SharingId {
						attempt: 0,
						output: output.hash(),
					},
					players,
				},
			)]),
			outputs: BTreeMap::from([(0, output.encode())]),
			resharing: None,
			last_attempt: 0,
			logs: BTreeMap::new(),
			ready: BTreeMap::new(),
			failed: 0,
		};
		let mut world = World {
			rng,
			board: MockBoard(Mutex::new(chain)),
			nodes: BTreeMap::new(),
			flying: Vec::new(),
			lost: 0,
			twice: 0,
			withheld: 0,
			recovered: BTreeMap::new(),
		};
		for i in nodes {
			let disk = tempfile::tempdir().unwrap();
			if let Some((_, share)) = shares.iter().find(|(member, _)| *member == id(*i)) {
				Store::open(disk.path().into())
					.unwrap()
					.put_share(0, 0, share, &output.encode())
					.unwrap();
			}
			world.boot(*i, disk, Behaviour::Honest);
		}
		world
	}

	fn boot(&mut self, i: u8, disk: TempDir, behaviour: Behaviour) {
		let member = Member::new(GENESIS, OneKey(i), Store::open(disk.path().into()).unwrap());
		let ready = member.ready();
		self.nodes.insert(
			i,
			Node {
				member,
				ready,
				disk,
				behaviour,
			},
		);
	}

	/// A node's process ends and begins again with the same disk.
	fn restart(&mut self, i: u8) {
		let node = self.nodes.remove(&i).unwrap();
		self.boot(i, node.disk, node.behaviour);
	}

	fn set(&mut self, members: &[u8], behaviour: Behaviour) {
		for i in members {
			self.nodes.get_mut(i).unwrap().behaviour = behaviour;
		}
	}

	fn perform(&mut self, from: u8, effects: Vec<Effect>) {
		let behaviour = self.nodes[&from].behaviour;
		for effect in effects {
			match effect {
				Effect::Send(to, message) => {
					for to in to {
						let message = match behaviour {
							Behaviour::Honest => message.clone(),
							Behaviour::Silent => continue,
							Behaviour::Wrong => self.spoil(&message),
						};
						if self.rng.gen_range(0..100) < self.lost {
							continue;
						}
						let copies = if self.rng.gen_range(0..100) < self.twice {
							2
						} else {
							1
						};
						for _ in 0..copies {
							self.flying.push((id(from), to, message.encode()));
						}
					}
				}
				Effect::PostLog {
					attempt,
					dealer,
					log,
					signature,
				} => match behaviour {
					Behaviour::Honest => self.board.0.lock().post(attempt, dealer, log, signature),
					Behaviour::Silent => {}
					// A log that says nothing, or somebody else's, signed well for the board.
					Behaviour::Wrong => {
						let mut log = log;
						if self.rng.gen() {
							log = vec![7; 100];
						} else {
							let at = self.rng.gen_range(0..log.len());
							log[at] ^= 1;
						}
						let signature = signer(from)
							.try_sign(&log_statement(GENESIS, attempt, &log))
							.unwrap();
						self.board.0.lock().post(attempt, dealer, log, signature);
					}
				},
				Effect::PublishOutput { epoch, output } => {
					if behaviour == Behaviour::Honest {
						self.board.0.lock().publish(epoch, output);
					}
				}
			}
		}
	}

	/// What a wrong member sends instead.
	fn spoil(&mut self, message: &Message) -> Message {
		match message {
			Message::Partials(partials) => {
				// A valid point, of another round or of another key: the worst that passes decoding.
				let wrong: Vec<_> = partials
					.iter()
					.map(|(round, _)| {
						let signature = match self.rng.gen_range(0..3) {
							0 => BlsSignature([self.rng.gen(); 48]),
							_ => {
								let other = dealt::deal(&[id(99)]).unwrap();
								let partial =
									crate::output::sign_partial(&other.shares[0].1, GENESIS, *round);
								crate::output::to_signature(&partial.value)
							}
						};
						(*round, signature)
					})
					.collect();
				Message::Partials(BoundedVec::truncate_from(wrong))
			}
			Message::Dealing {
				attempt,
				commitment,
				share,
			} => {
				let mut share = *share;
				share[31] ^= 1;
				Message::Dealing {
					attempt: *attempt,
					commitment: commitment.clone(),
					share,
				}
			}
			Message::Ack { attempt, signature } => {
				let mut signature = *signature;
				signature[0] ^= 1;
				Message::Ack {
					attempt: *attempt,
					signature,
				}
			}
		}
	}

	/// Takes note of a node's newest seed, which must be the one that any other node got.
	fn note(&mut self, i: u8) {
		if let Some(seed) = self.nodes[&i].member.newest() {
			let known = *self.recovered.entry(seed.round).or_insert(seed.signature);
			assert_eq!(
				known, seed.signature,
				"the seed of round {} depends on who aggregates",
				seed.round
			);
		}
	}

	fn deliver(&mut self) {
		// All that is on its way arrives, in any order; answers too, unless they are of the last wave.
		for _ in 0..3 {
			let mut wave = std::mem::take(&mut self.flying);
			wave.shuffle(&mut self.rng);
			for (from, to, bytes) in wave {
				let Some(i) = self.nodes.keys().copied().find(|i| id(*i) == to) else {
					continue;
				};
				let node = self.nodes.get_mut(&i).unwrap();
				if node.behaviour == Behaviour::Silent {
					continue;
				}
				let mut effects = Vec::new();
				node.member
					.receive(from, &bytes, &mut self.rng, &mut effects)
					.unwrap();
				self.perform(i, effects);
				self.note(i);
			}
		}
	}

	/// One root block, final at once, and what members do upon it.
	fn block(&mut self) {
		let leaders: Vec<u8> = self.committee();
		let leader = leaders[self.board.0.lock().number as usize % leaders.len()];
		let withheld = self.rng.gen_range(0..100) < self.withheld;
		let proposer = &self.nodes[&leader];
		let seed = (!withheld && proposer.behaviour == Behaviour::Honest)
			.then(|| proposer.member.newest())
			.flatten();
		self.board.0.lock().block(seed);
		let mut order: Vec<u8> = self.nodes.keys().copied().collect();
		order.shuffle(&mut self.rng);
		for i in order {
			let view = self.board.view().unwrap();
			let node = self.nodes.get_mut(&i).unwrap();
			if node.behaviour == Behaviour::Silent {
				continue;
			}
			let mut effects = Vec::new();
			// Failed attempts are errors of a step; what else must not be, the tests see by its consequences.
			let _ = node.member.step(&view, &self.board, &mut self.rng, &mut effects);
			if node.behaviour == Behaviour::Honest {
				if let Some(id_of_sharing) = node.ready.ready(view.epoch + 1) {
					self.board.0.lock().ready.insert(id(i), id_of_sharing);
				}
			}
			self.perform(i, effects);
			self.note(i);
		}
		self.deliver();
	}

	fn blocks(&mut self, count: u32) {
		for _ in 0..count {
			self.block();
		}
	}

	/// The nodes of the current committee.
	fn committee(&self) -> Vec<u8> {
		let chain = self.board.0.lock();
		let players = &chain.sharings[&chain.epoch].players;
		let nodes = self.nodes.keys().copied();
		nodes.filter(|i| players.contains(&id(*i))).collect()
	}

	fn last_round(&self) -> Option<BlockNumber> {
		self.board.0.lock().last_seed.map(|seed| seed.round)
	}

	/// Passes the key on to these members, and lets their epoch begin. After how many blocks.
	fn pass_on(&mut self, players: &[u8]) -> u32 {
		self.board.0.lock().begin(players);
		for blocks in 1..=8 * (DEALING + READY) {
			self.block();
			let mut chain = self.board.0.lock();
			let next = chain.epoch + 1;
			// The output is on the board too: the next committee has all that it needs.
			if chain.sharings.contains_key(&next) && chain.outputs.contains_key(&next) {
				chain.epoch = next;
				return blocks;
			}
		}
		panic!(
			"the key was not passed on in time, {} attempts failed",
			self.board.0.lock().failed
		);
	}

	/// Seeds come on: within so many blocks there is one for a round that is not over yet.
	fn assert_lives(&mut self) {
		let from = self.board.0.lock().number;
		for _ in 0..40 {
			self.block();
			if self.last_round().is_some_and(|round| round > from) {
				return;
			}
		}
		panic!("no seed within 40 blocks");
	}
}

/// A sharing with a key that depends on the generator.
fn fresh_sharing(rng: &mut StdRng, players: &MemberIds) -> (PublicOutput, Vec<(MemberId, Share)>) {
	use commonware_cryptography::bls12381::{
		dkg::feldman_desmedt::deal,
		primitives::{sharing::Mode, variant::MinSig},
	};
	let set = crate::output::identities(players).unwrap();
	let (output, shares) = deal::<MinSig, _, commonware_utils::N3f1>(rng, Mode::default(), set).unwrap();
	let shares = shares
		.iter_pairs()
		.map(|(player, share)| (MemberId::from(player), share.clone()))
		.collect();
	(PublicOutput(output), shares)
}

const SEVEN: [u8; 7] = [1, 2, 3, 4, 5, 6, 7];

#[test]
fn seeds_come_with_f_members_silent() {
	seeds(|seed| {
		let mut world = World::new(seed, &SEVEN, &SEVEN);
		let silent = world.rng.gen_range(1..=6);
		world.set(&[silent, silent + 1], Behaviour::Silent);
		world.assert_lives();
		world.blocks(5);
		assert!(world.recovered.len() >= 5);
	});
}

#[test]
fn seeds_come_with_f_members_wrong_who_are_blamed() {
	seeds(|seed| {
		let mut world = World::new(seed, &SEVEN, &SEVEN);
		let wrong = world.rng.gen_range(1..=6);
		world.set(&[wrong, wrong + 1], Behaviour::Wrong);
		world.assert_lives();
		world.blocks(5);
		for (i, node) in &world.nodes {
			for (member, fault) in node.member.faults().keys() {
				let guilty = [id(wrong), id(wrong + 1)].contains(member);
				assert!(guilty, "node {i} blames an honest member for {fault:?}");
			}
		}
		let blamed: BTreeSet<_> = world
			.nodes
			.values()
			.flat_map(|node| node.member.faults().keys().map(|(member, _)| *member))
			.collect();
		assert_eq!(blamed.len(), 2, "both are found out");
	});
}

#[test]
fn no_seed_comes_with_more_than_f_members_silent() {
	let mut world = World::new(1, &SEVEN, &SEVEN);
	world.set(&[1, 2, 3], Behaviour::Silent);
	world.blocks(30);
	assert!(world.recovered.is_empty());
	assert_eq!(world.last_round(), None);
	// And it comes back with them.
	world.set(&[1], Behaviour::Honest);
	world.assert_lives();
}

#[test]
fn a_withheld_seed_comes_with_the_next_leader() {
	seeds(|seed| {
		let mut world = World::new(seed, &SEVEN, &SEVEN);
		world.withheld = 60;
		world.blocks(60);
		let on_chain = world.last_round().expect("one of 60 leaders included a seed");
		assert!(on_chain + 40 > 60, "only round {on_chain} of 60 is on chain");
	});
}

#[test]
fn seeds_come_over_a_bad_network_and_through_restarts() {
	seeds(|seed| {
		let mut world = World::new(seed, &SEVEN, &SEVEN);
		(world.lost, world.twice) = (40, 30);
		for _ in 0..10 {
			world.blocks(3);
			let i = world.rng.gen_range(1..=7);
			world.restart(i);
		}
		world.assert_lives();
		// Being restarted is no fault, and neither is a message that comes twice.
		assert!(world.nodes.values().all(|node| node.member.faults().is_empty()));
	});
}

#[test]
fn the_key_stays_over_five_resharings_with_full_turnover() {
	seeds(|seed| {
		let committees: [&[u8]; 6] = [
			&[1, 2, 3, 4],
			&[5, 6, 7, 8, 9, 10, 11],
			&[12, 13, 14, 15],
			&[16],
			&[1, 2, 3, 4, 5],
			&[6, 7, 8, 9],
		];
		let nodes: Vec<u8> = (1..=16).collect();
		let mut world = World::new(seed, &nodes, committees[0]);
		(world.lost, world.twice, world.withheld) = (10, 10, 10);
		let key = world.board.0.lock().group_key;
		for (i, committee) in committees.iter().enumerate().skip(1) {
			world.assert_lives();
			world.pass_on(committee);
			let chain = world.board.0.lock();
			assert_eq!(chain.epoch, i as u64);
			let output = PublicOutput::decode(&chain.outputs[&chain.epoch]).unwrap();
			assert_eq!(output.group_key(), key);
			assert_eq!(output.players(), ids(committee).to_vec());
		}
		world.assert_lives();
		// Whose epoch is over has no share any more: nor has anybody else than the last committee.
		for (i, node) in &world.nodes {
			let files = std::fs::read_dir(node.disk.path()).unwrap();
			let shares = files.filter(|file| {
				let name = file.as_ref().unwrap().file_name();
				name.to_string_lossy().starts_with("share-")
			});
			assert_eq!(shares.count(), usize::from(committees[5].contains(i)), "node {i}");
		}
	});
}

#[test]
fn f_members_of_either_committee_dont_stop_a_resharing() {
	seeds(|seed| {
		let nodes: Vec<u8> = (1..=14).collect();
		let mut world = World::new(seed, &nodes, &SEVEN);
		(world.lost, world.twice) = (20, 20);
		let next: Vec<u8> = (8..=14).collect();
		let f = faults(7) as usize;
		for committee in [&SEVEN[..], &next[..]] {
			let mut members = committee.to_vec();
			members.shuffle(&mut world.rng);
			for i in &members[..f] {
				let behaviour = if world.rng.gen() {
					Behaviour::Silent
				} else {
					Behaviour::Wrong
				};
				world.set(&[*i], behaviour);
			}
		}
		world.pass_on(&next);
		world.assert_lives();
	});
}

#[test]
fn a_resharing_goes_on_through_restarts_of_everybody() {
	seeds(|seed| {
		let nodes: Vec<u8> = (1..=8).collect();
		let mut world = World::new(seed, &nodes, &[1, 2, 3, 4]);
		world.lost = 20;
		world.board.0.lock().begin(&[5, 6, 7, 8]);
		for _ in 0..DEALING + 3 {
			world.block();
			let i = world.rng.gen_range(1..=8);
			world.restart(i);
		}
		world.blocks(8 * (DEALING + READY));
		let chain = world.board.0.lock();
		assert!(
			chain.sharings.contains_key(&1),
			"{} attempts failed",
			chain.failed
		);
	});
}

#[test]
fn too_few_dealers_fail_and_the_next_attempt_works() {
	seeds(|seed| {
		let nodes: Vec<u8> = (1..=8).collect();
		let mut world = World::new(seed, &nodes, &[1, 2, 3, 4]);
		world.assert_lives();
		world.board.0.lock().begin(&[5, 6, 7, 8]);
		// Two of four: more than f.
		world.set(&[1, 2], Behaviour::Silent);
		world.blocks(DEALING + 1);
		assert_eq!(world.board.0.lock().failed, 1);
		assert!(!world.board.0.lock().sharings.contains_key(&1));
		world.set(&[1, 2], Behaviour::Honest);
		// The old sharing is as good as before.
		world.assert_lives();
		for _ in 0..4 * (DEALING + READY) {
			world.block();
			if world.board.0.lock().outputs.contains_key(&1) {
				break;
			}
		}
		world.board.0.lock().epoch = 1;
		world.assert_lives();
	});
}

#[test]
fn a_node_that_missed_its_dealing_recovers_its_share_from_the_board() {
	seeds(|seed| {
		let nodes: Vec<u8> = (1..=8).collect();
		let mut world = World::new(seed, &nodes, &[1, 2, 3, 4]);
		// It is away for the whole attempt: its shares are revealed.
		world.set(&[8], Behaviour::Silent);
		world.pass_on(&[5, 6, 7, 8]);
		world.blocks(3);
		assert!(!world.nodes[&8].member.signs());
		world.set(&[8], Behaviour::Honest);
		world.blocks(3);
		assert!(world.nodes[&8].member.signs());
		// So much that another one may go.
		world.set(&[5], Behaviour::Silent);
		world.assert_lives();
	});
}

#[test]
fn a_node_that_lost_its_disk_is_replaced_by_the_next_resharing() {
	seeds(|seed| {
		let nodes: Vec<u8> = (1..=8).collect();
		let mut world = World::new(seed, &nodes, &[1, 2, 3, 4]);
		world.pass_on(&[5, 6, 7, 8]);
		world.blocks(2);
		assert!(world.nodes[&8].member.signs());
		world.nodes.remove(&8).unwrap();
		world.boot(8, tempfile::tempdir().unwrap(), Behaviour::Honest);
		world.assert_lives();
		assert!(
			!world.nodes[&8].member.signs(),
			"it acknowledged what it no longer has"
		);
		// It gets a new share like everybody else, and the key is the same.
		world.pass_on(&[1, 5, 6, 8]);
		world.assert_lives();
		assert!(world.nodes[&8].member.signs());
	});
}

// Attacks on the state machines themselves.

fn rounds_of(n: u8) -> (Vec<Rounds>, PublicOutput) {
	let dealt = dealt::deal(&(1..=n).map(id).collect::<Vec<_>>()).unwrap();
	let rounds = dealt
		.shares
		.iter()
		.map(|(_, share)| Rounds::new(GENESIS, dealt.output.clone(), Some(share.clone())))
		.collect();
	(rounds, dealt.output)
}

#[test]
fn nothing_is_signed_before_it_is_final() {
	let mut rng = StdRng::seed_from_u64(1);
	let (mut rounds, output) = rounds_of(4);
	let players = output.players();
	let (partials, _) = rounds[1].finalized(10, &mut rng);
	assert_eq!(partials.iter().map(|(round, _)| *round).collect::<Vec<_>>(), [10]);
	// Others are ahead: their partial signatures are kept, and nothing is signed for them.
	let mut ahead = Vec::new();
	for i in [2, 3] {
		rounds[i].finalized(10, &mut rng);
		let (partials, _) = rounds[i].finalized(12, &mut rng);
		assert_eq!(partials.len(), 2);
		ahead.push((players[i], partials));
	}
	rounds[0].finalized(10, &mut rng);
	for (from, partials) in &ahead {
		assert!(rounds[0].receive(*from, partials, &mut rng).is_empty());
	}
	assert_eq!(rounds[0].newest(), None, "two of four are no quorum");
	assert_eq!(rounds[0].unanswered().len(), 1);
	// The block is final here: the own one makes the quorum.
	let (partials, faults) = rounds[0].finalized(12, &mut rng);
	assert!(faults.is_empty() && !partials.is_empty());
	assert_eq!(rounds[0].newest().unwrap().round, 12);
	// It never signs twice, or what finality took back.
	assert_eq!(rounds[0].finalized(12, &mut rng).0, []);
	assert_eq!(rounds[0].finalized(3, &mut rng).0, []);
}

/// All four are members of two committees in a row, and see the handover, block 10, at different times.
#[test]
fn at_a_handover_nobody_is_blamed_for_a_signature_by_the_other_share() {
	let mut rng = StdRng::seed_from_u64(1);
	let members: Vec<u8> = (1..=4).collect();
	let mut sharing = || {
		let (output, shares) = fresh_sharing(&mut rng, &ids(&members));
		let rounds = shares
			.iter()
			.map(|(_, share)| Rounds::new(GENESIS, output.clone(), Some(share.clone())));
		(rounds.collect::<Vec<_>>(), output.players())
	};
	let ((mut old, players), (mut new, _)) = (sharing(), sharing());
	let mut rng = StdRng::seed_from_u64(2);
	old[0].finalized(9, &mut rng);
	new[0].finalized(10, &mut rng);
	for i in 1..4 {
		// Who is ahead signs with the new share what is not final with the first one.
		let (ahead, _) = new[i].finalized(10, &mut rng);
		assert_eq!(old[0].receive(players[i], &ahead, &mut rng), []);
		// Who is behind signs with the old share what the first one is done with.
		let (behind, _) = old[i].finalized(9, &mut rng);
		assert_eq!(new[0].receive(players[i], &behind, &mut rng), []);
		assert_eq!(old[0].receive(players[i], &behind, &mut rng), []);
		assert_eq!(new[0].receive(players[i], &ahead, &mut rng), []);
	}
	let newest = |rounds: &Rounds| rounds.newest().unwrap().round;
	assert_eq!((newest(&old[0]), newest(&new[0])), (9, 10));
}

#[test]
fn what_a_member_may_make_others_keep_is_bounded() {
	let mut rng = StdRng::seed_from_u64(1);
	let (mut rounds, output) = rounds_of(4);
	let players = output.players();
	rounds[0].finalized(100, &mut rng);
	let (mine, _) = rounds[1].finalized(100, &mut rng);
	let signature = mine[0].1;
	let far = [
		(100 + AHEAD + 1, signature),
		(100 - WINDOW, signature),
		(u32::MAX, signature),
		(0, signature),
	];
	assert_eq!(rounds[0].receive(players[1], &far, &mut rng), []);
	// No member.
	assert_eq!(
		rounds[0].receive(id(50), &mine, &mut rng),
		[(id(50), Fault::NotUnderstood)]
	);
	// The first one counts; the same again is no fault, another one is.
	assert_eq!(rounds[0].receive(players[1], &mine, &mut rng), []);
	assert_eq!(rounds[0].receive(players[1], &mine, &mut rng), []);
	let (other, _) = rounds[2].finalized(100, &mut rng);
	assert_eq!(
		rounds[0].receive(players[1], &other, &mut rng),
		[(players[1], Fault::TwoPartials)]
	);
	// No point at all: refused at once, and not looked at again.
	let garbage = [(100, BlsSignature([0xff; 48]))];
	assert_eq!(
		rounds[0].receive(players[3], &garbage, &mut rng),
		[(players[3], Fault::WrongPartial)]
	);
	assert_eq!(rounds[0].receive(players[3], &garbage, &mut rng), []);
	// A member's partial signature in another's name is wrong; the quorum comes without it.
	assert_eq!(rounds[0].newest(), None);
	assert_eq!(rounds[0].receive(players[2], &other, &mut rng), []);
	assert_eq!(rounds[0].newest().unwrap().round, 100);
}

#[test]
fn a_wrong_seed_from_the_chain_is_not_believed() {
	let mut rng = StdRng::seed_from_u64(1);
	let (mut rounds, _) = rounds_of(1);
	rounds[0].finalized(5, &mut rng);
	let seed = rounds[0].newest().unwrap();
	rounds[0].on_chain(Seed { round: 9, ..seed });
	assert_eq!(rounds[0].newest(), Some(seed));
}

#[test]
fn finality_that_jumps_makes_no_flood() {
	let mut rng = StdRng::seed_from_u64(1);
	let (mut rounds, _) = rounds_of(4);
	assert_eq!(rounds[0].finalized(5, &mut rng).0.len(), 1);
	let (partials, _) = rounds[0].finalized(1_000_000, &mut rng);
	assert_eq!(partials.len(), WINDOW as usize);
	assert_eq!(partials[0].0, 1_000_001 - WINDOW);
	assert_eq!(rounds[0].unanswered().len(), WINDOW as usize);
}

/// The logs of dealers.
type Logs = Vec<(MemberId, Vec<u8>)>;

/// A first sharing among `n` members by the protocol, without losses: logs, and how large they are.
fn protocol(n: u8) -> (Terms, Vec<Participation>, Logs) {
	let members = ids(&(1..=n).collect::<Vec<_>>()).to_vec();
	let terms = Terms {
		realm: GENESIS,
		attempt: 0,
		previous: None,
		dealers: members.clone(),
		players: members,
	};
	let mut parts: BTreeMap<MemberId, Participation> = (1..=n)
		.map(|i| {
			let part = Participation::new(&terms, signer(i), None, Stored::default(), [i; 32]);
			(id(i), part.unwrap().0)
		})
		.collect();
	let mut logs = BTreeMap::new();
	for _ in 0..2 {
		let mut messages = Vec::new();
		for (from, part) in &mut parts {
			for action in part.tick(false, false) {
				match action {
					Action::Send(to, message) => messages.push((*from, to, message)),
					Action::Post(log) => {
						logs.insert(*from, log);
					}
					_ => {}
				}
			}
		}
		while let Some((from, to, message)) = messages.pop() {
			for action in parts.get_mut(&to).unwrap().receive(from, message).unwrap() {
				if let Action::Send(back, message) = action {
					messages.push((to, back, message));
				}
			}
		}
	}
	(terms, parts.into_values().collect(), logs.into_iter().collect())
}

#[test]
fn everybody_computes_the_same_sharing_and_logs_are_bounded() {
	for n in [1, 4, 16] {
		let (terms, parts, logs) = protocol(n);
		assert_eq!(logs.len(), usize::from(n));
		for (_, log) in &logs {
			let bound = asterism_primitives::beacon::max_log_bytes(n.into()) as usize;
			assert!(
				log.len() <= bound && log.len() + 32 > bound,
				"{} of {bound}",
				log.len()
			);
		}
		let watched = watch(&terms, &logs).unwrap();
		for part in parts {
			let mut logs = logs.clone();
			logs.reverse();
			let (output, share) = part.finish(&logs).unwrap();
			assert_eq!(output, watched);
			let share = share.unwrap();
			assert!(output
				.players()
				.iter()
				.any(|member| output.is_share_of(&share, *member)));
		}
	}
}

#[test]
fn logs_of_others_and_of_other_attempts_count_for_nothing() {
	let (terms, _, logs) = protocol(4);
	let needed = quorum(4) as usize;
	assert!(watch(&terms, &logs[..needed]).is_ok());
	let fails = |logs: &[(MemberId, Vec<u8>)]| matches!(watch(&terms, logs), Err(DkgError::TooFewLogs(0)));
	assert!(fails(&logs[..needed - 1]));
	assert!(fails(&[]));
	// One log under several names.
	let copied: Vec<_> = logs
		.iter()
		.map(|(dealer, _)| (*dealer, logs[0].1.clone()))
		.collect();
	assert!(fails(&copied));
	// A changed one beside enough good ones, and instead of one.
	let mut changed = logs.clone();
	changed[0].1[60] ^= 1;
	assert!(watch(&terms, &changed).is_ok());
	assert!(fails(&changed[..needed]));
	let mut cut = logs.clone();
	cut[0].1.pop();
	cut[1].1.push(0);
	assert!(fails(&cut[..needed]));
	let other = Terms {
		attempt: 1,
		..terms.clone()
	};
	assert!(watch(&other, &logs).is_err());
	let elsewhere = Terms {
		realm: Hash::zero(),
		..terms.clone()
	};
	assert!(watch(&elsewhere, &logs).is_err());
	let twice = Terms {
		players: vec![id(1), id(1)],
		..terms
	};
	assert!(matches!(watch(&twice, &logs), Err(DkgError::Impossible { .. })));
}

#[test]
fn wrong_dealings_are_refused_and_honest_ones_not_replaced() {
	let members = ids(&[1, 2, 3, 4]).to_vec();
	let terms = Terms {
		realm: GENESIS,
		attempt: 0,
		previous: None,
		dealers: members.clone(),
		players: members,
	};
	let part = |i: u8, seed: u8| {
		Participation::new(&terms, signer(i), None, Stored::default(), [seed; 32])
			.unwrap()
			.0
	};
	let to_one = |mut part: Participation| {
		part.tick(false, false)
			.into_iter()
			.find_map(|action| match action {
				Action::Send(to, message) if to == id(1) => Some(message),
				_ => None,
			})
			.unwrap()
	};
	let mut player = part(1, 1);
	let first = to_one(part(2, 2));
	let second = to_one(part(2, 22));
	let acks = |actions: &[Action]| {
		actions
			.iter()
			.filter(|action| matches!(action, Action::Send(_, Message::Ack { .. })))
			.count()
	};
	let actions = player.receive(id(2), first.clone()).unwrap();
	assert!(
		matches!(actions[0], Action::StoreDealing(..)),
		"it is stored before it is acknowledged"
	);
	assert_eq!(acks(&actions), 1);
	// Again: acknowledged again, not stored again.
	let actions = player.receive(id(2), first).unwrap();
	assert_eq!((actions.len(), acks(&actions)), (1, 1));
	assert!(player.receive(id(2), second) == Err(Fault::TwoDealings));
	// Somebody else's dealing fits no sender but its own; a wrong share fits nothing.
	let Message::Dealing {
		attempt,
		commitment,
		mut share,
	} = to_one(part(3, 3))
	else {
		unreachable!()
	};
	share[31] ^= 1;
	let wrong = Message::Dealing {
		attempt,
		commitment,
		share,
	};
	assert!(player.receive(id(3), wrong.clone()) == Err(Fault::WrongDealing));
	assert!(
		player.receive(id(3), wrong) == Ok(vec![]),
		"it is not looked at again"
	);
	assert!(player.receive(id(40), to_one(part(4, 4))) == Err(Fault::WrongDealing));
	// Of another attempt: nothing.
	let Message::Dealing {
		commitment, share, ..
	} = to_one(part(4, 4))
	else {
		unreachable!()
	};
	let late = Message::Dealing {
		attempt: 9,
		commitment,
		share,
	};
	assert!(player.receive(id(4), late) == Ok(vec![]));
}

#[test]
fn a_ceremonys_key_serves_a_network() {
	// What the ceremony writes is what the chain and its members read.
	let shared = tempfile::tempdir().unwrap();
	let keystores: Vec<_> = (0..2).map(|_| tempfile::tempdir().unwrap()).collect();
	let members: Vec<_> = keystores
		.iter()
		.enumerate()
		.map(|(i, directory)| {
			use polkadot_sdk::{sp_core::Pair, sp_keystore::Keystore};
			let keystore = polkadot_sdk::sc_keystore::LocalKeystore::open(directory.path(), None).unwrap();
			let suri = format!("//M{i}");
			let pair = polkadot_sdk::sp_core::sr25519::Pair::from_string(&suri, None).unwrap();
			keystore
				.insert(asterism_primitives::keys::IDENTITY_KEY, &suri, &pair.public().0)
				.unwrap();
			MemberId(pair.public().0)
		})
		.collect();
	let open =
		|i: usize| Ceremony::open("net", members.clone(), shared.path().into(), keystores[i].path()).unwrap();
	for _ in 0..5 {
		for i in 0..2 {
			open(i).deal().unwrap();
		}
	}
	let beacon = open(0).finish().unwrap();
	assert_eq!(open(1).finish().unwrap(), beacon);
	let output = PublicOutput::checked(&beacon.output, &beacon.group_key, &beacon.players).unwrap();
	let mut rng = StdRng::seed_from_u64(1);
	let mut rounds: Vec<_> = keystores
		.iter()
		.map(|directory| {
			let store = Store::open(directory.path().join(crate::ceremony::SHARES)).unwrap();
			Rounds::new(GENESIS, output.clone(), store.share(0, 0).unwrap())
		})
		.collect();
	let (partials, _) = rounds[0].finalized(3, &mut rng);
	rounds[1].finalized(3, &mut rng);
	assert!(rounds[1].receive(members[0], &partials, &mut rng).is_empty());
	let seed = rounds[1].newest().unwrap();
	assert!(verify_seed(&beacon.group_key, GENESIS, &seed));
}
