//! Actors in a world of chains: what they can do, and what the world keeps to.

use asterism_actor::{
	abi::{MAX_BODY, MAX_CHANGES, MAX_CREATIONS, MAX_KEY, MAX_SENDS, MAX_VALUE},
	asterism_interface::connect,
	ensure, interface, interface_hex,
	testing::{gas, Random, World},
	Actor, Address, CodeHash, Context, Interface, Item, Kind, Map, MessageType, Reason, Refusal, Unclaimed,
};
use codec::{Decode, Encode};
use scale_info::{meta_type, TypeInfo};

/// What [`Puppet`] does, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
enum Act {
	Send {
		to: Address,
		body: Vec<u8>,
		value: u128,
		gas: u64,
	},
	Create {
		code: CodeHash,
		salt: u8,
		first: Vec<Act>,
		value: u128,
	},
	Become(CodeHash),
	End(Address),
	Set(u32, Vec<u8>),
	SetMany(u32),
	SetLong {
		key: u32,
		value: u32,
	},
	Remove(u32),
	SendMany(u32),
	SendLong(u32),
	CreateMany(CodeHash, u32),
	Learn,
	Refuse,
	Panic,
	Claim(Address),
}

/// Does what it is told.
struct Puppet;

const CELLS: Map<u32, Vec<u8>> = Map::new("cells");
const LONG: Map<Vec<u8>, Vec<u8>> = Map::new("long");
const LEARNT: Item<(Address, u128, u128, u32, u64)> = Item::new("learnt");
const BOUNCES: Item<Vec<(Address, Reason, Vec<u8>)>> = Item::new("bounces");
const PAID: Item<u128> = Item::new("paid");
const UNCLAIMED: Unclaimed = Unclaimed::new("unclaimed");

impl Actor for Puppet {
	type Accepts = Vec<Act>;

	fn handle(context: &mut Context, acts: Vec<Act>) -> Result<(), Refusal> {
		let this = context.this();
		for act in acts {
			match act {
				Act::Send { to, body, value, gas } => context.send(&to, &Raw(body), value, gas)?,
				Act::Create {
					code,
					salt,
					first,
					value,
				} => {
					let gas = context.gas_left() / 2;
					let actor = context.create(code, [salt; 32], &first, value, gas)?;
					CELLS.set(context, &u32::from(salt), &actor.encode())?;
				}
				Act::Become(code) => context.become_code(&code),
				Act::End(heir) => context.end(&heir)?,
				Act::Set(key, value) => CELLS.set(context, &key, &value)?,
				Act::SetMany(count) => {
					for key in 0..count {
						CELLS.set(context, &key, &Vec::new())?;
					}
				}
				Act::SetLong { key, value } => {
					LONG.set(context, &vec![0; key as usize], &vec![0; value as usize])?
				}
				Act::Remove(key) => CELLS.remove(context, &key)?,
				Act::SendMany(count) => {
					for _ in 0..count {
						context.send(&this, &Vec::<Act>::new(), 0, 0)?;
					}
				}
				Act::SendLong(length) => context.send(&this, &Raw(vec![0; length as usize]), 0, 0)?,
				Act::CreateMany(code, count) => {
					for salt in 0..count {
						context.create(code, [salt as u8; 32], &Vec::<Act>::new(), 0, 0)?;
					}
				}
				Act::Learn => {
					let info = context.info();
					let learnt = (
						context.sender(),
						context.value(),
						context.balance(),
						info.block,
						info.time_ms,
					);
					LEARNT.set(context, &learnt)?;
				}
				Act::Refuse => ensure!(false, "as told"),
				Act::Panic => panic!("as told"),
				Act::Claim(to) => UNCLAIMED.claim(context, &to, &(), 0)?,
			}
		}
		Ok(())
	}

	fn paid(context: &mut Context) -> Result<(), Refusal> {
		let paid = PAID.get(context)?.unwrap_or_default();
		PAID.set(context, &paid.saturating_add(context.value()))
	}

	fn bounced(context: &mut Context, body: &[u8]) -> Result<(), Refusal> {
		ensure!(body != [0xff], "a bounce that isn't wanted");
		let Kind::Bounce { reason } = context.kind().clone() else {
			return Err("no bounce".into());
		};
		let mut bounces = BOUNCES.get(context)?.unwrap_or_default();
		bounces.push((context.sender(), reason, body.into()));
		BOUNCES.set(context, &bounces)?;
		UNCLAIMED.keep(context)
	}
}

impl Interface for Puppet {
	const NAME: &'static str = "acts";
	const EMITS: &'static [MessageType] = &[("more_acts", meta_type::<Vec<Act>>)];
	const DEADLINE: Option<u32> = Some(1);
}

/// Takes nothing but numbers.
struct Number;

impl Actor for Number {
	type Accepts = u32;

	fn handle(context: &mut Context, number: u32) -> Result<(), Refusal> {
		context.no_value()?;
		context.log("a number");
		Item::new("number").set(context, &number)
	}
}

const NUMBER: Item<u32> = Item::new("number");

/// Bytes as they are.
struct Raw(Vec<u8>);

impl Encode for Raw {
	fn encode(&self) -> Vec<u8> {
		self.0.clone()
	}
}

struct Stage {
	world: World,
	alice: Address,
	puppet: Address,
}

impl Stage {
	fn new() -> Self {
		let mut world = World::new(2);
		let alice = world.user(1, "alice", 1_000);
		let puppet = world.create::<Puppet>(&alice, &Vec::<Act>::new(), 0);
		world.run();
		Self { world, alice, puppet }
	}

	fn tell(&mut self, acts: &[Act], value: u128) {
		self.world.send(&self.alice, &self.puppet, &acts.to_vec(), value);
		self.world.run();
		self.world.assert_conserved();
	}

	/// Why the last message came back; none if it didn't.
	fn came_back(&mut self, acts: &[Act], value: u128) -> Option<Reason> {
		let before = self.world.received(&self.alice).len();
		self.tell(acts, value);
		let received = self.world.received(&self.alice).get(before..)?;
		received.iter().find_map(|message| match &message.kind {
			Kind::Bounce { reason } => Some(reason.clone()),
			_ => None,
		})
	}

	fn refused(&mut self, acts: &[Act]) -> String {
		match self.came_back(acts, 0) {
			Some(Reason::Refused(text)) => String::from_utf8(text).unwrap(),
			other => panic!("{other:?}"),
		}
	}

	fn cell(&self, key: u32) -> Option<Vec<u8>> {
		self.world.entry(&self.puppet, &CELLS, &key)
	}
}

#[test]
fn an_actor_sends_creates_and_becomes() {
	let mut stage = Stage::new();
	let puppet = stage.world.upload::<Puppet>();
	let number = stage.world.upload::<Number>();
	let bob = stage.world.user(2, "bob", 0);
	stage.tell(
		&[
			Act::Send {
				to: bob,
				body: vec![1, 2],
				value: 30,
				gas: 0,
			},
			Act::Create {
				code: puppet,
				salt: 7,
				first: vec![Act::Learn],
				value: 5,
			},
			Act::Become(number),
		],
		50,
	);
	let received = &stage.world.received(&bob)[0];
	assert_eq!(
		(received.from, received.value, &received.body, &received.kind),
		(stage.puppet, 30, &vec![1, 2], &Kind::Relay)
	);
	assert_eq!(stage.world.balance(&bob), 30);

	let child = Address::decode(&mut &stage.cell(7).unwrap()[..]).unwrap();
	assert_eq!(child.chain, 1);
	assert_eq!(stage.world.balance(&child), 5);
	let learnt = stage.world.item(&child, &LEARNT).unwrap();
	assert_eq!((learnt.0, learnt.1, learnt.2), (stage.puppet, 5, 5));

	assert_eq!(stage.world.balance(&stage.puppet), 15);
	assert_eq!(stage.world.code(&stage.puppet), Some(number));
	let (alice, actor) = (stage.alice, stage.puppet);
	stage.world.send(&alice, &actor, &9u32, 0);
	stage.world.run();
	assert_eq!(stage.world.item(&actor, &NUMBER), Some(9));
	assert!(stage.cell(7).is_some(), "storage stays when the code changes");
}

#[test]
fn an_actor_ends_and_leaves_what_it_has() {
	let mut stage = Stage::new();
	let (alice, actor) = (stage.alice, stage.puppet);
	let away = stage.world.user(2, "bob", 0);
	stage.tell(&[Act::Set(1, vec![1])], 50);
	assert_eq!(stage.refused(&[Act::End(away)]), "the heir is on another chain");
	assert_eq!(
		stage.refused(&[Act::End(actor)]),
		"an actor can't be its own heir"
	);
	assert_eq!(stage.came_back(&[Act::End(alice)], 0), Some(Reason::Failed));
	assert_eq!(
		stage.came_back(&[Act::Remove(1), Act::End(alice), Act::Set(2, vec![])], 0),
		Some(Reason::Failed)
	);
	// What it sends with its last message is on its way, and may come back too late.
	let nobody = Address {
		chain: 2,
		account: [9; 32],
	};
	let send = |to, value| Act::Send {
		to,
		body: vec![],
		value,
		gas: 0,
	};
	let last = [Act::End(alice), send(away, 10), send(nobody, 5), Act::Remove(1)];
	stage.tell(&last, 0);
	assert_eq!(stage.world.code(&actor), None);
	assert_eq!(stage.world.balance(&alice), 1_000 - 15);
	assert_eq!(stage.world.balance(&away), 10);
	assert_eq!(stage.world.balance(&actor), 5);
	stage.world.assert_conserved();
}

#[test]
fn effects_take_place_together_or_not_at_all() {
	let mut stage = Stage::new();
	let (alice, number) = (stage.alice, stage.world.upload::<Number>());
	let effects = [
		Act::Set(2, vec![1]),
		Act::Send {
			to: alice,
			body: vec![],
			value: 5,
			gas: 0,
		},
		Act::Create {
			code: number,
			salt: 1,
			first: vec![],
			value: 1,
		},
		Act::Become(number),
	];
	for (end, reason) in [
		(Act::Refuse, Reason::Refused(b"as told".to_vec())),
		(Act::Panic, Reason::Failed),
	] {
		let acts = [&effects[..], &[end]].concat();
		assert_eq!(stage.came_back(&acts, 20), Some(reason));
		assert_eq!(stage.world.balance(&alice), 1_000);
		assert_eq!(stage.cell(2), None);
		assert_ne!(stage.world.code(&stage.puppet), Some(number));
	}
	assert_eq!(stage.came_back(&effects, 20), None);
	assert_eq!(stage.cell(2), Some(vec![1]));
}

#[test]
fn an_actor_learns_of_bounces_and_they_dont_bounce() {
	let mut stage = Stage::new();
	let number = stage.world.create::<Number>(&stage.alice, &1u32, 0);
	let nobody = Address {
		chain: 2,
		account: [9; 32],
	};
	let send = |to, body: &[u8], value, gas| Act::Send {
		to,
		body: body.to_vec(),
		value,
		gas,
	};
	stage.tell(
		&[
			send(number, &1u32.encode(), 1, gas::MESSAGE * 4),
			send(number, &[1], 2, gas::MESSAGE * 4),
			send(number, &[], 3, gas::MESSAGE * 4),
			send(number, &1u32.encode(), 4, 0),
			send(nobody, &[5], 5, gas::MESSAGE * 4),
			send(nobody, &[0xff], 6, gas::MESSAGE * 4),
		],
		100,
	);
	let refused = |text: &str| Reason::Refused(text.into());
	assert_eq!(
		stage.world.item(&stage.puppet, &BOUNCES).unwrap(),
		[
			(number, refused("this message takes no value"), 1u32.encode()),
			(number, refused("not a message for this actor"), vec![1]),
			(number, refused("no message"), vec![]),
			(nobody, Reason::Undeliverable, vec![5]),
		],
		"one that brought no gas isn't handled when it comes back, and one is refused"
	);
	assert_eq!(
		stage.world.balance(&stage.puppet),
		100,
		"the value of all of them is back"
	);
	assert_eq!(
		stage.world.entry(&stage.puppet, UNCLAIMED.map(), &number),
		Some(6)
	);
	assert_eq!(
		stage.world.entry(&stage.puppet, UNCLAIMED.map(), &nobody),
		Some(5)
	);
	let to = stage.alice;
	assert_eq!(stage.refused(&[Act::Claim(to)]), "nothing is kept for the sender");
}

#[test]
fn what_is_kept_can_be_claimed_once() {
	let mut stage = Stage::new();
	let alice = stage.alice;
	let other = stage.world.create::<Puppet>(&alice, &vec![Act::Learn], 0);
	let pay = Act::Send {
		to: other,
		body: vec![Act::Refuse].encode(),
		value: 40,
		gas: gas::MESSAGE * 3,
	};
	stage.tell(&[pay], 40);
	assert_eq!(
		stage.world.entry(&stage.puppet, UNCLAIMED.map(), &other),
		Some(40)
	);
	let claim = Act::Send {
		to: stage.puppet,
		body: vec![Act::Claim(alice)].encode(),
		value: 0,
		gas: gas::MESSAGE * 3,
	};
	stage.world.send(&alice, &other, &vec![claim.clone(), claim], 0);
	stage.world.run();
	assert_eq!(stage.world.balance(&alice), 1_000);
	let bounces = stage.world.item(&other, &BOUNCES).unwrap();
	assert_eq!(bounces.len(), 1, "the second claim is refused");
}

#[test]
fn limits_end_in_refusals_or_failures() {
	let mut stage = Stage::new();
	let (puppet, number) = (stage.world.upload::<Puppet>(), stage.world.upload::<Number>());
	assert_eq!(stage.came_back(&[Act::SendMany(MAX_SENDS)], 0), None);
	assert_eq!(
		stage.refused(&[Act::SendMany(MAX_SENDS + 1)]),
		"too many messages to send"
	);
	assert_eq!(stage.came_back(&[Act::SendLong(MAX_BODY)], 0), None);
	assert_eq!(
		stage.refused(&[Act::SendLong(MAX_BODY + 1)]),
		"a message to send is too long"
	);
	assert_eq!(stage.came_back(&[Act::SetMany(MAX_CHANGES)], 0), None);
	assert_eq!(
		stage.came_back(&[Act::SetMany(MAX_CHANGES + 1)], 0),
		Some(Reason::Failed)
	);
	// The map's name takes 5 bytes, the length of the key 1; that of the value takes 2.
	let (key, value) = (MAX_KEY - 6, MAX_VALUE - 2);
	assert_eq!(stage.came_back(&[Act::SetLong { key, value }], 0), None);
	let key_and = |more_key, more_value| Act::SetLong {
		key: key + more_key,
		value: value + more_value,
	};
	assert_eq!(stage.refused(&[key_and(1, 0)]), "a key is too long");
	assert_eq!(stage.refused(&[key_and(0, 1)]), "a value to store is too long");
	assert_eq!(
		stage.came_back(&[Act::CreateMany(number, MAX_CREATIONS)], 0),
		None
	);
	assert_eq!(
		stage.refused(&[Act::CreateMany(puppet, MAX_CREATIONS + 1)]),
		"too many actors to create"
	);
	assert_eq!(
		stage.came_back(&[Act::CreateMany(number, 1)], 0),
		Some(Reason::Failed),
		"there is one already"
	);
	assert_eq!(
		stage.came_back(&[Act::CreateMany([1; 32], 1)], 0),
		Some(Reason::Failed)
	);
	assert_eq!(stage.came_back(&[Act::Become([1; 32])], 0), Some(Reason::Failed));
	let to = stage.alice;
	let pay = |value| Act::Send {
		to,
		body: vec![],
		value,
		gas: 0,
	};
	assert_eq!(stage.refused(&[pay(1)]), "the balance is too small");
	assert_eq!(stage.came_back(&[pay(6), pay(4)], 10), None);
	assert!(matches!(
		stage.came_back(&[pay(6), pay(5)], 10),
		Some(Reason::Refused(_))
	));
}

#[test]
fn storage_is_what_was_written_last() {
	let mut stage = Stage::new();
	stage.tell(
		&[Act::Set(1, vec![1]), Act::Set(1, vec![2]), Act::Set(2, vec![])],
		0,
	);
	assert_eq!((stage.cell(1), stage.cell(2)), (Some(vec![2]), Some(vec![])));
	stage.tell(&[Act::Remove(1), Act::Remove(3), Act::Set(2, vec![9])], 0);
	assert_eq!(
		(stage.cell(1), stage.cell(2), stage.cell(3)),
		(None, Some(vec![9]), None)
	);
	assert_eq!(CELLS.key(&1), ("cells", 1u32).encode(), "as clients compute it");
	assert_eq!(LEARNT.key(), "learnt".encode());
}

#[test]
fn gas_runs_out() {
	let Stage {
		mut world,
		alice,
		puppet,
	} = Stage::new();
	let acts = vec![Act::Set(1, vec![1])];
	world.send_with_gas(&alice, &puppet, &acts, 7, gas::MESSAGE);
	world.run();
	let last = world.received(&alice).last().unwrap();
	assert_eq!(
		last.kind,
		Kind::Bounce {
			reason: Reason::OutOfGas
		}
	);
	assert_eq!(world.balance(&alice), 1_000);
	let greedy = Act::Send {
		to: alice,
		body: vec![],
		value: 0,
		gas: gas::DEFAULT,
	};
	world.send(&alice, &puppet, &vec![greedy], 0);
	world.run();
	let last = world.received(&alice).last().unwrap();
	assert_eq!(
		last.kind,
		Kind::Bounce {
			reason: Reason::OutOfGas
		}
	);
}

#[test]
fn time_goes_on_chain_by_chain() {
	let mut stage = Stage::new();
	stage.tell(&[Act::Learn], 3);
	let first = stage.world.item(&stage.puppet, &LEARNT).unwrap();
	assert_eq!((first.0, first.1, first.2, first.3), (stage.alice, 3, 3, 1));
	stage.world.advance(1, 5);
	stage.world.advance(2, 50);
	stage.tell(&[Act::Learn], 0);
	let second = stage.world.item(&stage.puppet, &LEARNT).unwrap();
	assert_eq!((second.3, second.4), (6, first.4 + 5_000));
}

#[test]
fn messages_of_a_channel_stay_in_order_however_channels_interleave() {
	let mut orders = std::collections::BTreeSet::new();
	for seed in 0..20 {
		let mut world = World::new(3);
		let target = world.user(3, "target", 0);
		let senders = [world.user(1, "a", 100), world.user(2, "b", 100)];
		for value in 1u8..=5 {
			for sender in &senders {
				world.send(sender, &target, &value, value.into());
			}
		}
		let mut random = Random::new(seed);
		while world.deliver_any(&mut random) {
			world.assert_conserved();
		}
		let received = world.received(&target);
		for sender in &senders {
			let values = received
				.iter()
				.filter(|message| message.from == *sender)
				.map(|message| message.decode::<u8>());
			assert!(values.eq((1..=5).map(Some)));
		}
		orders.insert(
			received
				.iter()
				.map(|message| message.from.chain)
				.collect::<Vec<_>>(),
		);
	}
	assert!(orders.len() > 10);
}

#[test]
fn an_actor_takes_value_without_a_message_if_it_says_so() {
	let mut stage = Stage::new();
	let (alice, puppet) = (stage.alice, stage.puppet);
	stage.world.send(&alice, &puppet, &(), 11);
	stage.world.run();
	assert_eq!(stage.world.item(&puppet, &PAID), Some(11));
}

#[test]
fn the_interface_has_the_types_of_the_messages() {
	let puppet = interface::<Puppet>().unwrap();
	assert!(puppet.accepted("acts").is_some() && puppet.emitted("more_acts").is_some());
	connect(&puppet, "more_acts", &puppet, "acts").unwrap();
	assert!(puppet.service.is_some());
	let hex = interface_hex::<Puppet>().unwrap();
	assert_eq!(
		(hex.get(..4), hex.len()),
		(Some("0x04"), 2 + 2 * puppet.encoded_size())
	);
}

#[test]
fn addresses_are_encoded_as_the_abi_says() {
	let address = Address {
		chain: 3,
		account: [4; 32],
	};
	assert_eq!(address.encode(), [&3u32.to_le_bytes()[..], &[4; 32]].concat());
}
