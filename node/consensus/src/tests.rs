//! Whole members in one process: network task, application and engine, with a chain in memory each. In real time.

mod bytes;

use crate::{
	application,
	chain::Chain,
	committees::{Certifier, CommitteeSource},
	engine::{self, EngineLanes, EngineParams, Start},
	host::Process,
	import, keys,
	metrics::Metrics,
	mock::*,
	network::{wire::Wire, CommitteeNetwork, Handshake, Lanes, Membership},
	votes,
};
use asterism_primitives::{
	certificate::{CertificateKind, Realm, ENGINE_ID},
	committee::{Committee, Epoch},
	BlockNumber, ChainId,
};
use codec::Encode;
use futures::channel::oneshot;
use polkadot_sdk::{
	sc_network_types::PeerId,
	sp_core::{sr25519, Pair},
};
use std::{
	sync::Arc,
	time::{Duration, Instant},
};

const INTERVAL: Duration = Duration::from_millis(200);

struct OnRecord;

impl CommitteeSource for OnRecord {
	fn committee(&self, epoch: Epoch) -> Option<Committee> {
		(epoch == 0).then(|| committee(0))
	}

	fn epoch(&self) -> Option<Epoch> {
		Some(0)
	}

	fn progress(&self) -> BlockNumber {
		0
	}
}

fn realm() -> Realm {
	Realm {
		chain: ChainId(1),
		genesis: MemoryChain::default().genesis().hash(),
	}
}

/// A running member.
struct Member {
	network: CommitteeNetwork,
	_membership: Membership,
	peer: PeerId,
	chain: Arc<MemoryChain>,
	metrics: Metrics,
	directory: tempfile::TempDir,
	stop: Option<oneshot::Sender<()>>,
	ended: tokio::task::JoinHandle<()>,
	tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Member {
	/// Starts the named member, with a chain and a journal of its own.
	fn start(wire: &Wire, name: &str) -> Self {
		Self::resume(wire, name, Default::default(), tempfile::tempdir().unwrap())
	}

	fn resume(wire: &Wire, name: &str, chain: Arc<MemoryChain>, directory: tempfile::TempDir) -> Self {
		let committee = committee(0);
		let id = keys::member(name).unwrap().id;
		let index = committee.members().iter().position(|m| m.id == id).unwrap();
		let scheme = signers(realm(), &committee, &NAMES).remove(index);
		let peer = PeerId::random();
		let sign = |message: &[u8]| Some(sr25519::Pair::from_string(name, None).unwrap().sign(message).0);
		let handshake = Handshake::new(realm(), id, &peer, sign).unwrap();
		let (service, peers) = wire.join(peer);
		let (network, _members, channel) = CommitteeNetwork::new(realm(), Box::new(service), peers);
		let Lanes {
			votes,
			certificates,
			resolver,
			blocks,
			blocker,
			membership,
			..
		} = network.join(committee, id, handshake);
		let metrics = Metrics::new(None).unwrap();
		let (mailbox, application) = application::start(
			Arc::new(Process),
			chain.clone(),
			INTERVAL,
			blocks,
			metrics.clone(),
			Arc::new(|_| panic!("nobody is faulty")),
		);
		let (stop, stopped) = oneshot::channel();
		let params = EngineParams {
			epoch: 0,
			scheme,
			start: Start::Epoch(realm().genesis),
			interval: INTERVAL,
			directory: directory.path().into(),
			mailbox,
			lanes: EngineLanes {
				votes,
				certificates,
				resolver,
				blocker,
			},
		};
		let ended = tokio::spawn(engine::start(params, stopped).unwrap());
		let tasks = vec![tokio::spawn(channel), tokio::spawn(application)];
		Member {
			network,
			_membership: membership,
			peer,
			chain,
			metrics,
			directory,
			stop: Some(stop),
			ended,
			tasks,
		}
	}

	/// Stops the engine's thread and all tasks; what is left is what a node has on its disk.
	async fn stop(mut self) -> (Arc<MemoryChain>, tempfile::TempDir) {
		self.stop.take();
		tokio::time::timeout(Duration::from_secs(20), self.ended)
			.await
			.expect("the engine stops")
			.unwrap();
		self.tasks.iter().for_each(|task| task.abort());
		(self.chain, self.directory)
	}

	fn final_number(&self) -> u32 {
		self.chain.finalized().0
	}
}

async fn connect(wire: &Wire, members: &[&Member]) {
	for (i, a) in members.iter().enumerate() {
		for b in &members[i + 1..] {
			if !wire.is_open(a.peer, b.peer) {
				assert!(wire.open(a.peer, b.peer).await);
			}
		}
	}
}

async fn reach(members: &[&Member], number: u32) {
	let start = Instant::now();
	while members.iter().any(|m| m.final_number() < number) {
		let numbers: Vec<_> = members.iter().map(|m| m.final_number()).collect();
		assert!(
			start.elapsed() < Duration::from_secs(60),
			"expected {number} final blocks, got {numbers:?}"
		);
		tokio::time::sleep(Duration::from_millis(20)).await;
	}
}

/// All have the same final blocks as far as they go, and whoever follows the chain takes their certificates.
fn check(members: &[&Member]) {
	let certifier = Certifier::new(realm(), Arc::new(OnRecord));
	let longest = members
		.iter()
		.map(|m| m.chain.all_final())
		.max_by_key(Vec::len)
		.unwrap();
	for member in members {
		let blocks = member.chain.all_final();
		for ((number, hash, certificate), (_, expected, _)) in blocks.iter().zip(&longest) {
			assert_eq!(hash, expected, "two blocks {number} are final");
			let Some(certificate) = certificate else { continue };
			let header = member.chain.header(*hash).unwrap();
			let justifications = (ENGINE_ID, certificate.encode()).into();
			let kind = import::check(&certifier, &header, Some(&justifications), 0).unwrap();
			assert_eq!(kind, Some(certificate.kind));
		}
		let (_, _, newest) = blocks.last().unwrap();
		assert_eq!(
			newest.as_ref().map(|c| c.kind),
			Some(CertificateKind::Finalization)
		);
	}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_members_make_blocks() {
	let wire = Wire::default();
	let members = NAMES.map(|name| Member::start(&wire, name));
	let all: Vec<_> = members.iter().collect();
	connect(&wire, &all).await;
	reach(&all, 10).await;
	check(&all);
	// Blocks keep their distance in time.
	let times: Vec<_> = members[0].chain.all_final()[1..]
		.iter()
		.map(|(_, hash, _)| members[0].chain.timestamp(*hash).unwrap())
		.collect();
	assert!(
		times
			.windows(2)
			.all(|pair| pair[1] >= pair[0] + INTERVAL.as_millis() as u64),
		"{times:?}"
	);
	assert!(members.iter().all(|m| m.metrics.refused.get() == 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_go_on_without_the_fourth_which_catches_up() {
	let wire = Wire::default();
	let first: Vec<_> = NAMES[..3].iter().map(|name| Member::start(&wire, name)).collect();
	let mut all: Vec<_> = first.iter().collect();
	connect(&wire, &all).await;
	reach(&all, 8).await;
	assert!(
		first[0].metrics.nullified.get() > 0,
		"the missing member's views are skipped"
	);
	// It has nothing, and there is no sync here: it asks the others for all blocks.
	let late = Member::start(&wire, NAMES[3]);
	all.push(&late);
	connect(&wire, &all).await;
	let then = first[0].final_number();
	reach(&all, then + 8).await;
	check(&all);
}

/// Whether a member's signature is in the newest certificate, and that one's block.
fn newest_signed_by(chain: &MemoryChain, index: u32) -> (u32, bool) {
	let (number, _, certificate) = chain.all_final().pop().unwrap();
	let signed = certificate.is_some_and(|certificate| certificate.signer_indices().any(|i| i == index));
	(number, signed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_hears_an_excluded_member_and_the_rest_go_on() {
	let wire = Wire::default();
	let members = NAMES.map(|name| Member::start(&wire, name));
	let all: Vec<_> = members.iter().collect();
	connect(&wire, &all).await;
	reach(&all, 4).await;

	let (excluded, rest) = (all[3], &all[..3]);
	let id = keys::member(NAMES[3]).unwrap().id;
	let index = committee(0)
		.members()
		.iter()
		.position(|member| member.id == id)
		.unwrap() as u32;
	for member in rest {
		member.network.cut_off(0, [id].into());
	}
	while rest.iter().any(|member| wire.is_open(member.peer, excluded.peer)) {
		tokio::time::sleep(Duration::from_millis(5)).await;
	}
	for member in rest {
		assert!(!wire.open(excluded.peer, member.peer).await);
	}
	// What was said before may be in a certificate or two.
	let then = rest[0].final_number();
	reach(rest, then + 4).await;
	let stands_at = excluded.final_number();
	for next in then + 5..=then + 10 {
		reach(rest, next).await;
		for member in rest {
			let (number, signed) = newest_signed_by(&member.chain, index);
			assert!(!signed, "its vote is in the certificate of block {number}");
		}
	}
	assert_eq!(excluded.final_number(), stands_at, "nobody tells it anything");
	assert!(
		rest[0].metrics.nullified.get() > 0,
		"the views that it leads are skipped"
	);

	// Its operator registers it again.
	for member in rest {
		member.network.cut_off(0, Default::default());
	}
	for member in rest {
		while !wire.is_open(member.peer, excluded.peer) {
			wire.open(excluded.peer, member.peer).await;
		}
	}
	let then = rest[0].final_number();
	reach(&all, then + 4).await;
	let start = Instant::now();
	while !newest_signed_by(&rest[0].chain, index).1 {
		assert!(start.elapsed() < Duration::from_secs(60), "its votes count again");
		tokio::time::sleep(Duration::from_millis(5)).await;
	}
	check(&all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_member_goes_on_with_its_journal() {
	let wire = Wire::default();
	let mut members: Vec<_> = NAMES.iter().map(|name| Member::start(&wire, name)).collect();
	connect(&wire, &members.iter().collect::<Vec<_>>()).await;
	for round in 1..=2 {
		reach(&members.iter().collect::<Vec<_>>(), 5 * round).await;
		let (chain, directory) = members.remove(0).stop().await;
		let name = NAMES[round as usize - 1];
		members.push(Member::resume(&wire, name, chain, directory));
		connect(&wire, &members.iter().collect::<Vec<_>>()).await;
	}
	let all: Vec<_> = members.iter().collect();
	reach(&all, 15).await;
	check(&all);
	for member in members {
		let (_, directory) = member.stop().await;
		let journal = directory.path().join("votes-0");
		let votes = tokio::task::spawn_blocking(move || votes::read(&journal))
			.await
			.unwrap()
			.unwrap();
		assert!(votes.len() >= 15, "{} votes", votes.len());
		assert_eq!(votes::conflicts(votes), []);
	}
}
