use super::wire::Wire;
use super::*;
use crate::{keys, mock::*};
use asterism_primitives::{ChainId, Hash};
use std::time::Duration;

const REALM: Realm = Realm {
	chain: ChainId(1),
	genesis: Hash::repeat_byte(1),
};

fn sign(suri: &'static str) -> impl Fn(&[u8]) -> Option<[u8; 64]> {
	move |message| Some(sr25519::Pair::from_string(suri, None).unwrap().sign(message).0)
}

#[test]
fn only_a_members_own_peer_is_let_in() {
	let alice = keys::member("//Alice").unwrap();
	let eve = keys::member("//Eve").unwrap();
	let committee = Committee::new(0, vec![alice.clone(), keys::member("//Bob").unwrap()]).unwrap();
	let (peer, other) = (PeerId::random(), PeerId::random());
	let good = Handshake::new(REALM, alice.id, &peer, sign("//Alice"))
		.unwrap()
		.encode();
	let wanted = |id: &MemberId| committee.members().iter().any(|m| m.id == *id);
	let verify = |bytes: &[u8], realm, peer: &PeerId| Handshake::verify(bytes, realm, wanted, peer);

	assert_eq!(verify(&good, REALM, &peer), Some(alice.id));
	assert_eq!(verify(&good, REALM, &other), None, "a copied handshake");
	assert_eq!(
		verify(
			&good,
			Realm {
				chain: ChainId(2),
				..REALM
			},
			&peer
		),
		None,
		"of another chain"
	);
	let forged = Handshake::new(REALM, alice.id, &peer, sign("//Eve"))
		.unwrap()
		.encode();
	assert_eq!(verify(&forged, REALM, &peer), None, "signed by another");
	let outsider = Handshake::new(REALM, eve.id, &peer, sign("//Eve"))
		.unwrap()
		.encode();
	assert_eq!(verify(&outsider, REALM, &peer), None, "no member");
	for bytes in [
		&[][..],
		&good[..good.len() - 1],
		&[&good[..], &[0]].concat()[..],
		&[0xff; 9000][..],
	] {
		assert_eq!(verify(bytes, REALM, &peer), None, "malformed");
	}
}

#[test]
fn lanes_have_the_first_five_numbers() {
	for lane in Lane::ALL {
		assert_eq!(Lane::of(lane as u8), Some(lane));
	}
	assert_eq!(Lane::of(5), None);
	assert_eq!(Lane::of(255), None);
}

/// A committee's member on a [`Wire`].
struct Peer {
	id: PeerId,
	name: &'static str,
	network: CommitteeNetwork,
	members: MembersLane,
	lanes: Lanes,
}

fn proof(name: &'static str, peer: &PeerId) -> Handshake {
	Handshake::new(REALM, keys::member(name).unwrap().id, peer, sign(name)).unwrap()
}

/// Joins a member of [`NAMES`] and runs its task.
fn join(wire: &Wire, name: &'static str) -> Peer {
	join_committee(wire, name, committee(0))
}

fn join_committee(wire: &Wire, name: &'static str, committee: Committee) -> Peer {
	let id = PeerId::random();
	let (service, peers) = wire.join(id);
	let (network, members, task) = CommitteeNetwork::new(REALM, Box::new(service), peers);
	tokio::spawn(task);
	let lanes = take_seat(&network, name, &id, committee);
	Peer {
		id,
		name,
		network,
		members,
		lanes,
	}
}

/// Tries to connect until it succeeds: what a node was told takes effect in its own time.
async fn open_soon(wire: &Wire, from: PeerId, to: PeerId) {
	for _ in 0..500 {
		if wire.open(from, to).await {
			// Either end may think better of it.
			tokio::time::sleep(Duration::from_millis(10)).await;
			if wire.is_open(from, to) {
				return;
			}
		}
		tokio::time::sleep(Duration::from_millis(2)).await;
	}
	panic!("the peer is not welcome");
}

fn take_seat(network: &CommitteeNetwork, name: &'static str, peer: &PeerId, committee: Committee) -> Lanes {
	network.join(committee, keys::member(name).unwrap().id, proof(name, peer))
}

/// What a member sends on a lane in epoch 0.
fn frame(lane: Lane, payload: &[u8]) -> Vec<u8> {
	[&0u64.to_le_bytes()[..], &[lane as u8], payload].concat()
}

fn member_identity(name: &str) -> Identity {
	keys::member(name).unwrap().id.into()
}

const PING: &[u8] = b"ping";

/// Waits until messages of `from` reach `to`.
async fn heard(from: &Peer, to: &mut Peer) {
	wait_for("a ping arrives", || {
		from.lanes.votes.0.send_bytes(Recipients::All, PING);
		to.lanes.votes.1 .0.try_recv().is_ok()
	})
	.await;
}

/// The next message that is no ping.
async fn received(lane: &mut LaneReceiver) -> (Identity, Bytes) {
	loop {
		let message = tokio::time::timeout(Duration::from_secs(20), lane.next()).await;
		let message = message.expect("in time").expect("open");
		if message.1 != PING {
			return message;
		}
	}
}

#[tokio::test]
async fn members_reach_each_other_on_all_lanes() {
	let wire = Wire::default();
	let mut alice = join(&wire, "//Alice");
	let mut bob = join(&wire, "//Bob");
	let mut dave = join(&wire, "//Dave");
	assert!(wire.open(alice.id, bob.id).await && wire.open(dave.id, alice.id).await);
	heard(&alice, &mut bob).await;
	heard(&alice, &mut dave).await;

	let from = member_identity("//Alice");
	alice.lanes.votes.0.send_bytes(Recipients::All, vec![1]);
	assert_eq!(
		received(&mut bob.lanes.votes.1).await,
		(from.clone(), vec![1].into())
	);
	assert_eq!(
		received(&mut dave.lanes.votes.1).await,
		(from.clone(), vec![1].into())
	);
	let to_dave = Recipients::Some(vec![member_identity("//Dave"), member_identity("//Charlie")]);
	alice.lanes.certificates.0.send_bytes(to_dave, vec![2]);
	assert_eq!(
		received(&mut dave.lanes.certificates.1).await,
		(from.clone(), vec![2].into())
	);
	alice
		.lanes
		.resolver
		.0
		.send_bytes(Recipients::One(member_identity("//Bob")), vec![]);
	assert_eq!(received(&mut bob.lanes.resolver.1).await, (from, Bytes::new()));
	bob.lanes.blocks.0.send_bytes(Recipients::All, vec![4; 100_000]);
	assert_eq!(
		received(&mut alice.lanes.blocks.1).await,
		(member_identity("//Bob"), vec![4; 100_000].into())
	);
	// What is too large is not sent, and does not end the task.
	bob.lanes
		.blocks
		.0
		.send_bytes(Recipients::All, vec![5; MAX_NOTIFICATION as usize]);
	bob.lanes.blocks.0.send_bytes(Recipients::All, vec![6]);
	assert_eq!(received(&mut alice.lanes.blocks.1).await.1, Bytes::from(vec![6]));
	assert!(
		bob.lanes.certificates.1 .0.try_recv().is_err(),
		"not among the recipients"
	);
}

#[tokio::test]
async fn strangers_and_impostors_stay_outside() {
	let wire = Wire::default();
	let alice = join(&wire, "//Alice");
	let stranger = |handshake: Vec<u8>| {
		let id = PeerId::random();
		let joined = wire.join(id);
		wire.set_handshake(id, handshake);
		(id, joined)
	};
	let bobs_peer = PeerId::random();
	for handshake in [vec![], vec![0; 96], proof("//Bob", &bobs_peer).encode()] {
		let (id, _joined) = stranger(handshake);
		assert!(!wire.open(id, alice.id).await);
	}
	// Who accepts Alice's own call proves itself as well.
	let (id, (mut service, _peers)) = stranger(vec![]);
	let result = tokio::spawn({
		let (wire, from) = (wire.clone(), alice.id);
		async move { wire.open(from, id).await }
	});
	match service.next_event().await {
		Some(NotificationEvent::ValidateInboundSubstream { result_tx, .. }) => {
			result_tx.send(ValidationResult::Accept).unwrap();
		}
		other => panic!("{other:?}"),
	}
	assert!(result.await.unwrap());
	wait_for("the impostor is cut off", || !wire.is_open(alice.id, id)).await;
	assert_eq!(wire.reports(id), [NOT_A_MEMBER.value]);
	// A member does not connect to itself.
	let own = PeerId::random();
	let _joined = wire.join(own);
	wire.set_handshake(own, proof("//Alice", &own).encode());
	assert!(!wire.open(own, alice.id).await);
}

async fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
	for _ in 0..2_000 {
		if condition() {
			return;
		}
		tokio::time::sleep(Duration::from_millis(5)).await;
	}
	panic!("{what}");
}

#[tokio::test]
async fn malformed_messages_cost_reputation_and_a_full_lane_drops() {
	let wire = Wire::default();
	let mut alice = join(&wire, "//Alice");
	let bob = join(&wire, "//Bob");
	assert!(wire.open(bob.id, alice.id).await);
	let too_short = vec![0; FRAME - 1];
	let mut no_lane = frame(Lane::Votes, &[1, 2]);
	no_lane[FRAME - 1] = Lane::ALL.len() as u8;
	for bad in [vec![], too_short, no_lane] {
		wire.send(bob.id, alice.id, bad);
	}
	wait_for("three reports", || wire.reports(bob.id) == [MALFORMED.value; 3]).await;
	for i in 0..LANE_CAPACITY as u32 + 100 {
		wire.send(bob.id, alice.id, frame(Lane::Votes, &i.to_le_bytes()));
	}
	// The other lanes are not held up.
	wire.send(bob.id, alice.id, frame(Lane::Blocks, &[7]));
	assert_eq!(received(&mut alice.lanes.blocks.1).await.1, Bytes::from(vec![7]));
	for i in 0..LANE_CAPACITY as u32 {
		assert_eq!(
			received(&mut alice.lanes.votes.1).await.1,
			Bytes::from(i.to_le_bytes().to_vec())
		);
	}
	assert!(alice.lanes.votes.1 .0.try_recv().is_err());
}

#[tokio::test]
async fn a_blocked_member_stays_outside() {
	let wire = Wire::default();
	let mut alice = join(&wire, "//Alice");
	let bob = join(&wire, "//Bob");
	assert!(wire.open(bob.id, alice.id).await);
	let _ = alice.lanes.blocker.block(member_identity("//Bob"));
	wait_for("Bob is cut off", || !wire.is_open(alice.id, bob.id)).await;
	assert_eq!(wire.reports(bob.id), [BLOCKED.value]);
	assert!(!wire.open(bob.id, alice.id).await);
	let again = join(&wire, "//Bob");
	assert!(!wire.open(again.id, alice.id).await, "under another peer id");
}

fn ids<const N: usize>(names: [&str; N]) -> BTreeSet<MemberId> {
	names.map(|name| keys::member(name).unwrap().id).into()
}

#[tokio::test]
async fn an_excluded_member_is_a_stranger_until_it_is_taken_back() {
	let wire = Wire::default();
	let mut alice = join(&wire, "//Alice");
	let mut bob = join(&wire, "//Bob");
	let mut dave = join(&wire, "//Dave");
	for peer in [bob.id, dave.id] {
		assert!(wire.open(peer, alice.id).await);
	}
	heard(&bob, &mut alice).await;
	heard(&alice, &mut dave).await;

	alice.network.cut_off(0, ids(["//Bob"]));
	wait_for("Bob is cut off", || !wire.is_open(alice.id, bob.id)).await;
	// It is no offence to be connected, nor to knock again; under another peer id he is not let in either.
	assert!(wire.reports(bob.id).is_empty());
	assert!(!wire.open(bob.id, alice.id).await);
	let again = join(&wire, "//Bob");
	assert!(!wire.open(again.id, alice.id).await);
	// What he says arrives nowhere, on whichever lane; what she says to all reaches the others.
	for lane in Lane::ALL {
		wire.send(bob.id, alice.id, frame(lane, &[1]));
	}
	bob.lanes.votes.0.send_bytes(Recipients::All, vec![2]);
	bob.members.send(&[keys::member("//Alice").unwrap().id], vec![3]);
	alice.members.send(&[keys::member("//Bob").unwrap().id], vec![4]);
	alice.lanes.votes.0.send_bytes(Recipients::All, vec![5]);
	assert_eq!(received(&mut dave.lanes.votes.1).await.1, Bytes::from(vec![5]));
	heard(&dave, &mut alice).await;
	for lane in [&mut alice.lanes.votes.1, &mut bob.lanes.votes.1] {
		while let Ok((_, payload)) = lane.0.try_recv() {
			assert_eq!(payload, PING);
		}
	}
	assert!(alice.members.received.try_recv().is_err() && bob.members.received.try_recv().is_err());
	for (_, lane) in [
		&mut alice.lanes.certificates,
		&mut alice.lanes.resolver,
		&mut alice.lanes.blocks,
	] {
		assert!(lane.0.try_recv().is_err());
	}

	alice.network.cut_off(0, BTreeSet::new());
	open_soon(&wire, bob.id, alice.id).await;
	heard(&bob, &mut alice).await;
	heard(&alice, &mut bob).await;
}

#[tokio::test]
async fn exclusion_is_of_one_epoch() {
	let wire = Wire::default();
	let mut alice = join(&wire, "//Alice");
	let mut bob = join(&wire, "//Bob");
	let mut alices = take_seat(&alice.network, alice.name, &alice.id, committee(1));
	let mut bobs = take_seat(&bob.network, bob.name, &bob.id, committee(1));
	open_soon(&wire, bob.id, alice.id).await;
	heard(&bob, &mut alice).await;

	// More of the next committee are excluded than it stands, so that Bob stays in it.
	alice.network.cut_off(0, ids(["//Bob"]));
	alice.network.cut_off(5, ids(["//Bob"]));
	let in_next = |payload: u8| [&1u64.to_le_bytes()[..], &[Lane::Votes as u8], &[payload]].concat();
	let has = |lane: &mut LaneReceiver, wanted: u8| {
		let mut all = std::iter::from_fn(|| lane.0.try_recv().ok());
		all.any(|(_, payload)| payload == [wanted][..])
	};
	for attempt in 0.. {
		assert!(attempt < 200, "Bob is heard in epoch 0");
		// They arrive in this order: when the second is there, so is the first.
		wire.send(bob.id, alice.id, frame(Lane::Votes, &[attempt]));
		wire.send(bob.id, alice.id, in_next(attempt));
		assert_eq!(received(&mut alices.votes.1).await.1, Bytes::from(vec![attempt]));
		if !has(&mut alice.lanes.votes.1, attempt) {
			break;
		}
	}
	alice.lanes.votes.0.send_bytes(Recipients::All, vec![3]);
	alices.votes.0.send_bytes(Recipients::All, vec![4]);
	assert_eq!(received(&mut bobs.votes.1).await.1, Bytes::from(vec![4]));
	assert!(!has(&mut bob.lanes.votes.1, 3));
	assert!(wire.is_open(alice.id, bob.id));

	// When she leaves the next committee as well, he is a stranger.
	drop(alices);
	wait_for("Bob is cut off", || !wire.is_open(alice.id, bob.id)).await;
	assert!(!wire.open(bob.id, alice.id).await);
}

#[tokio::test]
async fn who_has_paid_is_not_blocked_any_more() {
	let wire = Wire::default();
	let mut alice = join(&wire, "//Alice");
	let bob = join(&wire, "//Bob");
	assert!(wire.open(bob.id, alice.id).await);
	let _ = alice.lanes.blocker.block(member_identity("//Bob"));
	wait_for("Bob is cut off", || !wire.is_open(alice.id, bob.id)).await;
	// Being taken back is for whom was cut off.
	alice.network.cut_off(0, ids(["//Dave"]));
	alice.network.cut_off(0, BTreeSet::new());
	assert!(!wire.open(bob.id, alice.id).await);

	alice.network.cut_off(0, ids(["//Bob"]));
	// What is still under way from before.
	let _ = alice.lanes.blocker.block(member_identity("//Bob"));
	assert!(!wire.open(bob.id, alice.id).await);
	alice.network.cut_off(0, BTreeSet::new());
	open_soon(&wire, bob.id, alice.id).await;
	heard(&bob, &mut alice).await;
	// And if he goes on as before, so does she.
	let _ = alice.lanes.blocker.block(member_identity("//Bob"));
	wait_for("Bob is cut off again", || !wire.is_open(alice.id, bob.id)).await;
	assert!(!wire.open(bob.id, alice.id).await);
}

#[tokio::test]
async fn a_members_newest_stream_counts() {
	let wire = Wire::default();
	let mut alice = join(&wire, "//Alice");
	let (mut old, mut new) = (join(&wire, "//Bob"), join(&wire, "//Bob"));
	assert!(wire.open(old.id, alice.id).await && wire.open(new.id, alice.id).await);
	wait_for("the old stream is closed", || !wire.is_open(alice.id, old.id)).await;
	alice.lanes.votes.0.send_bytes(Recipients::All, vec![1]);
	assert_eq!(received(&mut new.lanes.votes.1).await.1, Bytes::from(vec![1]));
	assert!(old.lanes.votes.1 .0.try_recv().is_err());
	// It leaves and comes back.
	wire.close(alice.id, new.id);
	assert!(wire.open(alice.id, new.id).await);
	wait_for("Alice hears Bob again", || {
		new.lanes.votes.0.send_bytes(Recipients::All, vec![2]);
		alice.lanes.votes.1 .0.try_recv().is_ok()
	})
	.await;
}

/// The committee of the next epoch: Alice stays, Bob and Charlie leave, Eve comes.
fn next_committee() -> Committee {
	let members = ["//Alice", "//Eve"].map(|name| keys::member(name).unwrap());
	Committee::new(1, members.into()).unwrap()
}

#[tokio::test]
async fn epochs_do_not_mix_on_one_channel() {
	let wire = Wire::default();
	let mut alice = join(&wire, "//Alice");
	let mut bob = join(&wire, "//Bob");
	assert!(wire.open(bob.id, alice.id).await);
	heard(&alice, &mut bob).await;

	// Eve is elected: she is a stranger until Alice takes her own seat in the next committee.
	let Peer {
		id: eve,
		lanes: mut eves,
		network: _network,
		members: _members,
		..
	} = join_committee(&wire, "//Eve", next_committee());
	assert!(!wire.open(eve, alice.id).await);
	let mut alices = take_seat(&alice.network, alice.name, &alice.id, next_committee());
	open_soon(&wire, eve, alice.id).await;
	assert!(wire.is_open(alice.id, bob.id));

	// Each hears of an epoch what its members say in it, and of no other.
	alices.votes.0.send_bytes(Recipients::All, vec![1]);
	alice.lanes.votes.0.send_bytes(Recipients::All, vec![0]);
	assert_eq!(received(&mut eves.votes.1).await.1, Bytes::from(vec![1]));
	assert_eq!(received(&mut bob.lanes.votes.1).await.1, Bytes::from(vec![0]));
	assert!(eves.votes.1 .0.try_recv().is_err() && bob.lanes.votes.1 .0.try_recv().is_err());

	// What Eve says in an epoch that she has no part in is dropped, and so is what Bob says in the next one.
	wire.send(eve, alice.id, frame(Lane::Votes, &[7]));
	let next = [&1u64.to_le_bytes()[..], &[Lane::Votes as u8], &[8]].concat();
	wire.send(bob.id, alice.id, next);
	eves.votes.0.send_bytes(Recipients::All, vec![9]);
	assert_eq!(
		received(&mut alices.votes.1).await,
		(member_identity("//Eve"), vec![9].into())
	);
	assert!(alices.votes.1 .0.try_recv().is_err());
	assert!(alice.lanes.votes.1 .0.try_recv().is_err());
	assert!(wire.reports(eve).is_empty() && wire.reports(bob.id).is_empty());

	// Alice leaves the old committee: Bob is cut off, Eve is not.
	drop(alice.lanes);
	wait_for("Bob is cut off", || !wire.is_open(alice.id, bob.id)).await;
	assert!(wire.is_open(alice.id, eve));
	assert!(!wire.open(bob.id, alice.id).await);
}

#[tokio::test]
async fn acquaintances_have_the_members_lane_alone() {
	let wire = Wire::default();
	let mut bob = join(&wire, "//Bob");
	let mut eve = join_committee(&wire, "//Eve", next_committee());
	let id_of = |name| keys::member(name).unwrap().id;
	let everybody: HashSet<_> = ["//Alice", "//Bob", "//Charlie", "//Eve"].map(id_of).into();
	let but = |name| {
		everybody
			.iter()
			.copied()
			.filter(|id| *id != id_of(name))
			.collect()
	};
	assert!(!wire.open(eve.id, bob.id).await, "they share no committee");
	bob.network.acquaint(but("//Bob"));
	eve.network.acquaint(but("//Eve"));
	open_soon(&wire, eve.id, bob.id).await;

	bob.members.send(&[id_of("//Eve"), id_of("//Alice")], vec![1]);
	eve.members.send(&[id_of("//Bob")], vec![2]);
	assert_eq!(
		eve.members.next().await,
		Some((id_of("//Bob"), Bytes::from(vec![1])))
	);
	assert_eq!(
		bob.members.next().await,
		Some((id_of("//Eve"), Bytes::from(vec![2])))
	);

	// Nothing of it, nor what she claims to be of his epoch, reaches his engine.
	wire.send(eve.id, bob.id, frame(Lane::Votes, &[3]));
	eve.lanes.votes.0.send_bytes(Recipients::All, vec![4]);
	eve.members.send(&[id_of("//Bob")], vec![5]);
	assert_eq!(bob.members.next().await.unwrap().1, Bytes::from(vec![5]));
	assert!(bob.lanes.votes.1 .0.try_recv().is_err());

	// An acquaintance that is none any more is cut off, and so are all when the last seat is given up.
	eve.network.acquaint(HashSet::new());
	wait_for("Bob is cut off", || !wire.is_open(bob.id, eve.id)).await;
	eve.network.acquaint(but("//Eve"));
	open_soon(&wire, bob.id, eve.id).await;
	drop(eve.lanes);
	wait_for("Bob is cut off again", || !wire.is_open(bob.id, eve.id)).await;
	assert!(!wire.open(bob.id, eve.id).await);
}
