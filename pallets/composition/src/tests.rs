//! Interfaces, connections and pipelines between two chains, and what hostile users and chains try.
#![allow(dead_code)] // Some types are there for their description only.

use crate::{
	mock::{Composition, *},
	*,
};
use asterism_interface::{pipeline::PipelineFault, Stage, Why, MAX_ENCODED};
use asterism_primitives::{
	api::{ActorAddress, CompositionFault, StageRole},
	message::{Body, Call as Said, MessageBody},
	CurrencyId,
};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, assert_storage_noop, storage::with_storage_layer},
	sp_runtime::TokenError,
};
use scale_info::TypeInfo;

#[derive(TypeInfo)]
struct Kitty {
	id: u64,
}

#[derive(TypeInfo)]
struct Bid {
	kitty: Kitty,
	price: u128,
}

#[derive(TypeInfo)]
struct NarrowKitty {
	id: u32,
}

#[derive(TypeInfo)]
struct NarrowBid {
	kitty: NarrowKitty,
	price: u128,
}

fn interface<A: TypeInfo + 'static, E: TypeInfo + 'static>() -> Vec<u8> {
	let built = Interface::builder()
		.accepts::<A>("take")
		.emits::<E>("give")
		.build();
	built.unwrap().encode()
}

/// An actor of chain 1.
fn actor(number: u8, interface: Vec<u8>) -> Address {
	set_interface(&account(number), Hash::repeat_byte(number), interface);
	at(1, number)
}

fn at(chain: u32, number: u8) -> Address {
	Address {
		chain,
		account: [number; 32],
	}
}

fn name(text: &str) -> Name {
	text.as_bytes().to_vec().try_into().unwrap()
}

fn link(from: Address, to: Address) -> Link {
	Link {
		from,
		output: name("give"),
		to,
		input: name("take"),
	}
}

fn user(number: u8) -> RuntimeOrigin {
	RuntimeOrigin::signed(account(number))
}

fn connect(owner: u8, link: &Link) -> DispatchResult {
	with_storage_layer(|| {
		Composition::connect(user(owner), link.clone())
			.map(|_| ())
			.map_err(|e| e.error)
	})
}

fn declare(owner: u8, pipeline: &Pipeline) -> DispatchResult {
	with_storage_layer(|| {
		Composition::declare(user(owner), pipeline.clone())
			.map(|_| ())
			.map_err(|e| e.error)
	})
}

fn run(by: u8, id: Hash, batch: Batch, value: Balance) -> DispatchResult {
	with_storage_layer(|| Composition::run(user(by), id, batch, value, 1_000))
}

fn announced(number: u8, interface: Vec<u8>) -> Announcement {
	Announcement {
		account: account(number),
		code: Hash::repeat_byte(number),
		interface: interface.try_into().unwrap(),
	}
}

fn message(sender: AccountId, body: Vec<u8>) -> Message {
	Message {
		nonce: 0,
		sender,
		recipient: Composition::account(),
		currency: CurrencyId::NATIVE,
		value: 0,
		body: MessageBody::Call(Said {
			gas: 0,
			depth: 0,
			body: body.try_into().unwrap(),
		}),
	}
}

/// What chain 2 says of its actor arrives.
fn learn(number: u8, interface: Vec<u8>) -> Address {
	let body = announced(number, interface).encode();
	assert_ok!(receive(2, &message(Composition::account(), body)));
	at(2, number)
}

fn stage(role: Role, replicas: &[Address]) -> Stage {
	Stage {
		role,
		replicas: replicas.to_vec(),
		input: "take".into(),
		output: "give".into(),
	}
}

fn batch(keys: &[&str]) -> Batch {
	let item = |key: &&str| Item {
		key: key.as_bytes().to_vec().try_into().unwrap(),
		body: b"said".to_vec().try_into().unwrap(),
	};
	keys.iter().map(item).collect::<Vec<_>>().try_into().unwrap()
}

fn held(reason: HoldReason, owner: u8) -> Balance {
	Balances::balance_on_hold(&reason.into(), &account(owner))
}

fn has_event(event: Event<Test>) -> bool {
	let event = RuntimeEvent::from(event);
	System::events().into_iter().any(|record| record.event == event)
}

/// Runs on chain 1, whose state must hold together after it.
fn scenario(run: impl FnOnce()) {
	chain(1).execute_with(|| {
		run();
		Composition::do_try_state().unwrap();
	});
}

/// The recipients of the messages that a run sent, by its event.
fn ran() -> Vec<MessageId> {
	let last = System::events()
		.into_iter()
		.rev()
		.find_map(|record| match record.event {
			RuntimeEvent::Composition(Event::Ran { items, .. }) => Some(items),
			_ => None,
		});
	last.unwrap()
}

#[test]
fn what_fits_is_connected_and_paid_for_until_it_is_disconnected() {
	scenario(|| {
		let link = link(
			actor(11, interface::<u8, Bid>()),
			actor(12, interface::<Bid, u8>()),
		);
		let id = Composition::connection_id(&account(1), &link);
		assert_ok!(connect(1, &link));
		assert!(has_event(Event::Connected {
			id,
			owner: account(1),
			link: link.clone(),
		}));
		let deposit = Connections::<Test>::get(id).unwrap().deposit;
		assert!(deposit > 2);
		assert_eq!(held(HoldReason::Connection, 1), deposit);
		assert_noop!(connect(1, &link), Error::<Test>::AlreadyConnected);
		// Another account may have the same.
		assert_ok!(connect(2, &link));
		assert!(Composition::connection_view(id).unwrap().current);

		assert_noop!(Composition::disconnect(user(2), id), Error::<Test>::NotOwner);
		Composition::do_try_state().unwrap();
		assert_ok!(Composition::disconnect(user(1), id));
		assert_eq!(held(HoldReason::Connection, 1), 0);
		assert!(!Owners::<Test>::contains_key(account(1)));
		assert_noop!(
			Composition::disconnect(user(1), id),
			Error::<Test>::UnknownConnection
		);
	});
}

#[test]
fn a_misfit_is_refused_with_its_path_and_nothing_else() {
	scenario(|| {
		let (from, to) = (
			actor(11, interface::<u8, NarrowBid>()),
			actor(12, interface::<Bid, u8>()),
		);
		let link = link(from, to);
		assert_ok!(connect(1, &link));
		let misfit = Misfit {
			path: "accepts.take.kitty.id".into(),
			why: Why::Kind {
				expected: "u64".into(),
				found: "u32".into(),
			},
		};
		assert!(has_event(Event::Refused {
			owner: account(1),
			link: link.clone(),
			misfit,
		}));
		assert_eq!(Connections::<Test>::iter().count(), 0);
		assert_eq!(held(HoldReason::Connection, 1), 0);
		// The node tells the same beforehand.
		let end = |number| ActorAddress {
			chain: ChainId(1),
			account: account(number),
		};
		let check = |from, output: &str, to, input: &str| {
			Composition::check_connection(end(from), output.into(), end(to), input.into())
		};
		let fault = |path: &str, why: &str| {
			Err(CompositionFault {
				path: path.into(),
				why: why.into(),
			})
		};
		assert_eq!(
			check(11, "give", 12, "take"),
			fault("accepts.take.kitty.id", "expected u64, found u32")
		);
		assert_eq!(check(11, "got", 12, "take"), fault("emits.got", "missing"));
		assert_eq!(check(11, "give", 12, "took"), fault("accepts.took", "missing"));
		assert_eq!(check(11, "a b", 12, "take"), fault("output", "not a name"));
		assert_eq!(
			check(13, "give", 12, "take"),
			fault("from", "no interface is known here")
		);
		assert_eq!(
			check(11, "give", 13, "take"),
			fault("to", "no interface is known here")
		);
		actor(14, interface::<u8, Bid>());
		assert_eq!(check(14, "give", 12, "take"), Ok(()));
	});
}

#[test]
fn connections_need_names_interfaces_room_and_a_balance() {
	scenario(|| {
		let (from, to) = (actor(11, interface::<u8, u8>()), actor(12, interface::<u8, u8>()));
		let good = link(from, to);
		let bad = |change: &dyn Fn(&mut Link)| {
			let mut link = good.clone();
			change(&mut link);
			connect(1, &link)
		};
		assert_noop!(bad(&|link| link.output = name("1st")), Error::<Test>::BadName);
		assert_noop!(bad(&|link| link.input = Name::default()), Error::<Test>::BadName);
		assert_noop!(
			bad(&|link| link.input = vec![0xff, 0xfe].try_into().unwrap()),
			Error::<Test>::BadName
		);
		assert_noop!(bad(&|link| link.from = at(1, 9)), Error::<Test>::UnknownSender);
		assert_noop!(bad(&|link| link.to = at(1, 9)), Error::<Test>::UnknownRecipient);
		// The actor of the same account on another chain is another one.
		assert_noop!(bad(&|link| link.to = at(2, 12)), Error::<Test>::UnknownRecipient);
		assert_noop!(connect(9, &good), TokenError::FundsUnavailable);
		for number in 20..23 {
			let other = actor(number, interface::<u8, u8>());
			assert_ok!(connect(1, &link(from, other)));
		}
		assert_noop!(connect(1, &good), Error::<Test>::TooManyConnections);
		assert_ok!(connect(2, &good));
	});
}

#[test]
fn an_interface_is_announced_from_chain_to_chain() {
	let encoded = interface::<u8, Bid>();
	let sent = chain(2).execute_with(|| {
		set_interface(&account(21), Hash::repeat_byte(21), encoded.clone());
		assert_ok!(Composition::announce(user(1), account(21), ChainId(1)));
		end_block(1)
	});
	assert_eq!(sent.len(), 1);
	assert_eq!(sent[0].value, 0);
	scenario(|| {
		let known = || {
			Composition::interface_view(ActorAddress {
				chain: ChainId(2),
				account: account(21),
			})
		};
		assert_eq!(known(), None);
		assert_ok!(receive(2, &sent[0]));
		let view = known().unwrap();
		assert_eq!((view.code, &view.interface), (Hash::repeat_byte(21), &encoded));
		assert_eq!(view.announced, Some(1));
		assert!(has_event(Event::Learned {
			chain: ChainId(2),
			actor: account(21),
			code: Hash::repeat_byte(21),
		}));
		// It fits an actor here, and is of no other chain.
		let to = actor(12, interface::<Bid, u8>());
		assert_ok!(connect(1, &link(at(2, 21), to)));
		assert_noop!(connect(1, &link(at(3, 21), to)), Error::<Test>::UnknownSender);
	});
}

#[test]
fn what_can_not_be_announced_is_refused() {
	scenario(|| {
		let announce = |number: u8, to: u32| {
			with_storage_layer(|| Composition::announce(user(1), account(number), ChainId(to)))
		};
		actor(11, interface::<u8, u8>());
		assert_noop!(announce(9, 2), Error::<Test>::NoInterface);
		assert_noop!(announce(11, 0), Error::<Test>::RootDestination);
		assert_noop!(announce(11, 1), Error::<Test>::OwnChain);
		assert_noop!(announce(11, 100), Error::<Test>::UnknownDestination);
		// The longest that fits into a message, and one byte more.
		actor(12, vec![0; MAX_ANNOUNCED as usize]);
		actor(13, vec![0; MAX_ANNOUNCED as usize + 1]);
		assert_ok!(announce(12, 2));
		assert_noop!(announce(13, 2), Error::<Test>::InterfaceTooLong);
		let sent = end_block(2);
		let MessageBody::Call(said) = &sent[0].body else {
			panic!("not a call")
		};
		assert_eq!(said.body.len(), asterism_primitives::message::MAX_BODY as usize);
	});
}

#[test]
fn only_the_pallets_own_account_announces() {
	scenario(|| {
		let own = Composition::account();
		let body = announced(21, interface::<u8, u8>()).encode();
		let words = |message: &Message| match receive(2, message) {
			Err(BounceReason::Rejected { words }) => String::from_utf8(words.into_inner()).unwrap(),
			other => panic!("{other:?}"),
		};
		// The same bytes from an ordinary account, or from the actor itself.
		for sender in [account(1), account(21)] {
			let forged = message(sender, body.clone());
			assert_eq!(words(&forged), "only a chain itself may announce");
		}
		let good = message(own.clone(), body.clone());
		let with = |change: &dyn Fn(&mut Message)| {
			let mut message = good.clone();
			change(&mut message);
			words(&message)
		};
		assert_eq!(with(&|m| m.value = 1), "an announcement brings no value");
		assert_eq!(with(&|m| m.body = MessageBody::Add), "not an announcement");
		for bad in [vec![], body[1..].to_vec(), [&body[..], &[0]].concat()] {
			assert_eq!(words(&message(own.clone(), bad)), "not an announcement");
		}
		assert_eq!(Announced::<Test>::iter().count(), 0);
		// To another account, it is a message like any other.
		let other = Message {
			recipient: account(1),
			..good.clone()
		};
		assert_ok!(receive(2, &other));
		assert_eq!(Announced::<Test>::iter().count(), 0);
		assert_ok!(receive(2, &good));
		assert_eq!(Announced::<Test>::iter().count(), 1);
	});
}

#[test]
fn the_oldest_announcement_makes_room_and_a_newer_one_replaces_its_own() {
	scenario(|| {
		for number in 0..KEPT as u8 {
			learn(20 + number, interface::<u8, u8>());
		}
		// It keeps its slot.
		learn(20, interface::<u8, u16>());
		learn(21, interface::<u8, u16>());
		assert_eq!(Announced::<Test>::iter_prefix(ChainId(2)).count(), KEPT as usize);
		// Another chain's don't count.
		let body = announced(20, interface::<u8, u8>()).encode();
		assert_ok!(receive(3, &message(Composition::account(), body)));
		learn(40, interface::<u8, u8>());
		assert!(has_event(Event::Forgotten {
			chain: ChainId(2),
			actor: account(20),
		}));
		assert!(!Announced::<Test>::contains_key(ChainId(2), account(20)));
		assert!(Announced::<Test>::contains_key(ChainId(3), account(20)));
		for number in 0..100 {
			learn(100 + number, interface::<u8, u8>());
			Composition::do_try_state().unwrap();
		}
		assert_eq!(Announced::<Test>::iter_prefix(ChainId(2)).count(), KEPT as usize);
	});
}

#[test]
fn an_announcement_that_isnt_valid_is_of_no_use() {
	scenario(|| {
		let from = learn(21, vec![0xff; 40]);
		let to = actor(12, interface::<u8, u8>());
		assert_noop!(connect(1, &link(from, to)), Error::<Test>::InvalidInterface);
		let pipeline = Pipeline {
			stages: vec![stage(Role::Map, &[from])],
		};
		assert_noop!(declare(1, &pipeline), Error::<Test>::InvalidInterface);
	});
}

#[test]
fn what_comes_back_stays_in_circulation() {
	scenario(|| {
		let issuance = Balances::total_issuance();
		let back = |value| Message {
			value,
			body: MessageBody::Bounce {
				nonce: 7,
				reason: BounceReason::NoChannel,
				call: None,
			},
			..message(Composition::account(), Vec::new())
		};
		let returned = |message: &Message| {
			<Test as pallet_messages::Config>::Handler::returned(
				ChainId(2),
				message,
				7,
				BounceReason::NoChannel,
			)
		};
		returned(&back(0));
		assert!(has_event(Event::AnnouncementReturned {
			destination: ChainId(2),
			nonce: 7,
			reason: BounceReason::NoChannel,
		}));
		// No announcement has value, but a chain may claim so.
		returned(&back(1_000));
		assert_eq!(Balances::total_issuance(), issuance + 1_000);
	});
}

#[test]
fn stale_code_is_seen_as_soon_as_it_is_announced() {
	scenario(|| {
		let from = learn(21, interface::<u8, Bid>());
		let link = link(from, actor(12, interface::<Bid, u8>()));
		assert_ok!(connect(1, &link));
		let id = Composition::connection_id(&account(1), &link);
		let pipeline = Pipeline {
			stages: vec![stage(Role::Map, &[from])],
		};
		assert_ok!(declare(1, &pipeline));
		let declared = Composition::pipeline_id(&account(1), &pipeline);
		assert!(Composition::pipeline_view(declared).unwrap().current);
		assert_ok!(run(1, declared, batch(&["a"]), 0));
		// The actor swaps its code.
		let swapped = Announcement {
			code: Hash::repeat_byte(99),
			..announced(21, interface::<u8, NarrowBid>())
		};
		assert_ok!(receive(2, &message(Composition::account(), swapped.encode())));
		assert!(!Composition::connection_view(id).unwrap().current);
		assert!(!Composition::pipeline_view(declared).unwrap().current);
		assert_noop!(run(1, declared, batch(&["a"]), 0), Error::<Test>::Changed);
		assert_ok!(Composition::disconnect(user(1), id));
		assert_ok!(connect(1, &link));
		assert!(!Connections::<Test>::contains_key(id));
		// An actor of this chain is seen at once; back again, it runs without further ado.
		let own = actor(12, interface::<Bid, u8>());
		let pipeline = Pipeline {
			stages: vec![stage(Role::Map, &[own])],
		};
		assert_ok!(declare(1, &pipeline));
		let id = Composition::pipeline_id(&account(1), &pipeline);
		set_interface(&account(12), Hash::repeat_byte(98), interface::<Bid, u8>());
		assert_noop!(run(1, id, batch(&["a"]), 0), Error::<Test>::Changed);
		actor(12, interface::<Bid, u8>());
		assert_ok!(run(1, id, batch(&["a"]), 0));
	});
}

#[test]
fn a_pipeline_that_fits_is_declared_and_withdrawn() {
	scenario(|| {
		let maps = [
			actor(11, interface::<u8, Bid>()),
			learn(21, interface::<u8, Bid>()),
		];
		let last = actor(12, interface::<Bid, u8>());
		let pipeline = Pipeline {
			stages: vec![
				stage(Role::Map, &maps),
				stage(Role::Reduce { key: None }, &[last]),
			],
		};
		let id = Composition::pipeline_id(&account(1), &pipeline);
		assert_ok!(declare(1, &pipeline));
		let view = Composition::pipeline_view(id).unwrap();
		assert_eq!(view.stages.len(), 2);
		assert_eq!(view.stages[1].role, StageRole::Reduce { key: None });
		assert_eq!(view.deposit, held(HoldReason::Pipeline, 1));
		assert!(view.deposit > 4 && view.current && view.runs == 0);
		assert_eq!(Composition::check_pipeline(pipeline.encode()), Ok(()));
		assert_noop!(declare(1, &pipeline), Error::<Test>::AlreadyDeclared);
		assert_ok!(declare(2, &pipeline));
		assert_ok!(run(1, id, batch(&["a"]), 0));

		assert_noop!(Composition::withdraw(user(2), id), Error::<Test>::NotOwner);
		assert_ok!(Composition::withdraw(user(1), id));
		assert_eq!(held(HoldReason::Pipeline, 1), 0);
		assert!(!Runs::<Test>::contains_key(id));
		assert_noop!(Composition::withdraw(user(1), id), Error::<Test>::UnknownPipeline);
		assert_noop!(run(1, id, batch(&["a"]), 0), Error::<Test>::UnknownPipeline);
	});
}

#[test]
fn a_pipeline_that_does_not_fit_is_refused_with_the_path() {
	scenario(|| {
		let map = actor(11, interface::<u8, NarrowBid>());
		let reduce = actor(12, interface::<Bid, u8>());
		let refused = |stages: Vec<Stage>| {
			System::reset_events();
			let pipeline = Pipeline { stages };
			assert_ok!(declare(1, &pipeline));
			let told = Composition::check_pipeline(pipeline.encode()).unwrap_err();
			let error = System::events()
				.into_iter()
				.find_map(|record| match record.event {
					RuntimeEvent::Composition(Event::PipelineRefused { error, .. }) => Some(error),
					_ => None,
				});
			let error = error.unwrap();
			assert_eq!((&told.path, told.why), (&error.path, error.why.to_string()));
			error
		};
		let by = |key: &str| Role::Reduce {
			key: Some(key.into()),
		};
		let all = Role::Reduce { key: None };
		let error = refused(vec![stage(Role::Map, &[map]), stage(all.clone(), &[reduce])]);
		assert_eq!(error.path, "stages[1]");
		let PipelineFault::Misfit(misfit) = error.why else {
			panic!("not a misfit")
		};
		assert_eq!(misfit.path, "accepts.take.kitty.id");
		// A key that isn't there; two keys where the second stage has only one of them.
		let bids = actor(13, interface::<Bid, Bid>());
		let error = refused(vec![stage(by("breed"), &[bids])]);
		assert_eq!(
			(error.path.as_str(), error.why),
			("stages[0].key", PipelineFault::NoKey)
		);
		let kitties = actor(14, interface::<Bid, Kitty>());
		let prices = actor(15, interface::<Kitty, u8>());
		let error = refused(vec![
			stage(by("kitty"), &[kitties]),
			stage(by("price"), &[prices]),
		]);
		assert_eq!(
			(error.path.as_str(), error.why),
			("stages[1].key", PipelineFault::NoKey)
		);
		let error = refused(vec![stage(Role::Map, &[map, at(2, 77)])]);
		assert_eq!(
			(error.path.as_str(), error.why),
			("stages[0].replicas[1]", PipelineFault::Unknown)
		);
		let error = refused(vec![stage(all, &[bids, kitties])]);
		assert_eq!(
			(error.path.as_str(), error.why),
			("stages[0].replicas", PipelineFault::NotOne { found: 2 })
		);
		assert_eq!(refused(vec![]).why, PipelineFault::Empty);
		assert_eq!(Pipelines::<Test>::iter().count(), 0);
		assert_eq!(held(HoldReason::Pipeline, 1), 0);
	});
}

#[test]
fn pipelines_are_bounded() {
	scenario(|| {
		let short = interface::<u8, u8>();
		let actors: Vec<Address> = (0..=MAX_ACTORS as u8)
			.map(|number| actor(20 + number, short.clone()))
			.collect();
		let of = |actors: &[Address]| Pipeline {
			stages: vec![stage(Role::Map, actors)],
		};
		assert_noop!(declare(1, &of(&actors)), Error::<Test>::TooManyActors);
		assert_ok!(declare(1, &of(&actors[1..])));
		assert_ok!(declare(1, &of(&actors[..1])));
		assert_noop!(declare(1, &of(&actors[..2])), Error::<Test>::TooManyPipelines);
		assert_noop!(declare(9, &of(&actors[..2])), TokenError::FundsUnavailable);
		assert_ok!(declare(2, &of(&actors[..2])));
		// Different interfaces that are too long together; the same ones count once.
		let long = |salt: u8| {
			let mut interface = Interface::builder().accepts::<u8>("take").emits::<u8>("give");
			for number in 0..31 {
				interface = interface
					.accepts::<u8>(&format!("a{salt}_{number:059}"))
					.emits::<u8>(&format!("e{salt}_{number:059}"));
			}
			interface.build().unwrap().encode()
		};
		let most = MAX_BYTES as usize / long(0).len();
		assert!(most < MAX_ACTORS as usize);
		let many: Vec<Address> = (0..=most as u8)
			.map(|number| actor(100 + number, long(number)))
			.collect();
		assert_noop!(declare(2, &of(&many)), Error::<Test>::InterfacesTooLong);
		for number in 0..=most as u8 {
			actor(100 + number, long(0));
		}
		assert_ok!(declare(2, &of(&many)));
		assert!(long(0).len() < MAX_ENCODED);
	});
}

#[test]
fn a_batch_goes_round_the_replicas() {
	scenario(|| {
		let maps = [
			actor(11, interface::<u8, u8>()),
			learn(21, interface::<u8, u8>()),
			actor(12, interface::<u8, u8>()),
		];
		let pipeline = Pipeline {
			stages: vec![stage(Role::Map, &maps)],
		};
		let id = Composition::pipeline_id(&account(1), &pipeline);
		assert_ok!(declare(1, &pipeline));
		assert_noop!(run(2, id, Batch::default(), 0), Error::<Test>::EmptyBatch);
		assert_noop!(
			run(2, Hash::zero(), batch(&["a"]), 0),
			Error::<Test>::UnknownPipeline
		);
		let before = Balances::free_balance(account(2));
		// Keys don't matter.
		assert_ok!(run(2, id, batch(&["a", "a", "a", "a"]), 20));
		assert_eq!(Balances::free_balance(account(2)), before - 80);
		let waiting = |number| Actors::actor(&account(number)).unwrap().waiting;
		assert_eq!((waiting(11), waiting(12)), (2, 1));
		assert_eq!(ran().len(), 4);
		assert!(matches!(ran()[1], MessageId::Outer { nonce: 0, .. }));
		// The next batch begins where this one ended: with the replica on the other chain.
		assert_ok!(run(2, id, batch(&["a"]), 20));
		assert_eq!((waiting(11), waiting(12)), (2, 1));
		assert_eq!(Runs::<Test>::get(id), Progress { runs: 2, next: 2 });
		let sent = end_block(2);
		assert_eq!(sent.len(), 2);
		assert!(sent
			.iter()
			.all(|m| m.sender == account(2) && m.recipient == account(21) && m.value == 20));
	});
}

#[test]
fn a_keyed_batch_goes_where_its_keys_belong() {
	scenario(|| {
		let replicas = [
			actor(11, interface::<Bid, u8>()),
			actor(12, interface::<Bid, u8>()),
		];
		let role = Role::Reduce {
			key: Some("price".into()),
		};
		let pipeline = Pipeline {
			stages: vec![stage(role.clone(), &replicas)],
		};
		let id = Composition::pipeline_id(&account(1), &pipeline);
		assert_ok!(declare(1, &pipeline));
		let keys = ["a", "b", "c", "a", "b", "c"];
		assert_ok!(run(1, id, batch(&keys), 20));
		let first = keys
			.iter()
			.filter(|key| replica(&role, key.as_bytes(), 0, 2) == 0)
			.count() as u32;
		let waiting = |number| Actors::actor(&account(number)).unwrap().waiting;
		assert_eq!((waiting(11), waiting(12)), (first, 6 - first));
		// The turn doesn't matter, and both replicas get keys.
		let places: Vec<u32> = (0..64u8)
			.map(|key| replica(&role, &[key], key.into(), 2))
			.collect();
		assert!((16..48).contains(&places.iter().sum::<u32>()));
		assert_eq!(
			places,
			(0..64u8)
				.map(|key| replica(&role, &[key], 9, 2))
				.collect::<Vec<_>>()
		);
		assert_eq!(replica(&Role::Map, b"a", 5, 3), 2);
		assert_eq!(replica(&Role::Filter, b"b", u64::MAX, 1), 0);
	});
}

#[test]
fn a_batch_is_sent_as_a_whole_or_not_at_all() {
	scenario(|| {
		let maps = [actor(11, interface::<u8, u8>()), learn(21, interface::<u8, u8>())];
		let pipeline = Pipeline {
			stages: vec![stage(Role::Map, &maps)],
		};
		let id = Composition::pipeline_id(&account(1), &pipeline);
		assert_ok!(declare(1, &pipeline));
		// The last item lacks its value.
		let each = FORTUNE / 4 + 1_000;
		assert_storage_noop!(assert!(run(2, id, batch(&["a", "b", "c", "d"]), each).is_err()));
		assert_eq!(Actors::actor(&account(11)).unwrap().waiting, 0);
		assert_eq!(Runs::<Test>::get(id), Progress::default());
		// The mailbox of the first has room for eight.
		assert_noop!(
			run(2, id, batch(&["a"; 18]), 0),
			pallet_actors::Error::<Test>::MailboxFull
		);
		assert_ok!(run(2, id, batch(&["a"; 16]), 0));
		assert_eq!(end_block(2).len(), 8);
	});
}

#[test]
fn batches_are_bounded_when_they_are_decoded() {
	let many = vec![
		Item {
			key: Key::default(),
			body: Body::default(),
		};
		MAX_ITEMS as usize + 1
	];
	assert!(Batch::decode(&mut &many.encode()[..]).is_err());
	assert!(Batch::decode(&mut &many[1..].to_vec().encode()[..]).is_ok());
	assert!(Key::decode(&mut &vec![0u8; MAX_KEY as usize + 1].encode()[..]).is_err());
	assert!(Name::decode(&mut &vec![b'a'; 65].encode()[..]).is_err());
}
