//! Actors with code: what they do, why they can't, and what hostile ones get.

use super::*;
use asterism_actor_vm::abi::{self, Outgoing};
use asterism_interface::Interface;
use asterism_primitives::{
	api::{DryRunCall, DryRunOutcome, Hop},
	message::{Call as Said, Words},
	protocol::channel::MAX_BATCH,
};
use codec::Encode;
use polkadot_sdk::frame_support::{storage::with_storage_layer, traits::Hooks};

pub const GAS: u64 = 1_000_000;

/// A module that imports everything, has a page of memory, and whose handler does this.
pub fn handler(fields: &str, body: &str) -> Vec<u8> {
	let text = format!(
		r#"(module
			(import "asterism" "info" (func $info (param i32) (result i32)))
			(import "asterism" "input_len" (func $input_len (result i32)))
			(import "asterism" "input" (func $input (param i32)))
			(import "asterism" "read" (func $read (param i32 i32 i32 i32) (result i32)))
			(import "asterism" "write" (func $write (param i32 i32 i32 i32)))
			(import "asterism" "remove" (func $remove (param i32 i32)))
			(import "asterism" "send" (func $send (param i32 i32)))
			(import "asterism" "create" (func $create (param i32 i32 i32)))
			(import "asterism" "become" (func $become (param i32)))
			(import "asterism" "end" (func $end (param i32)))
			(import "asterism" "refuse" (func $refuse (param i32 i32)))
			(import "asterism" "gas_left" (func $gas_left (result i64)))
			(import "asterism" "log" (func $log (param i32 i32)))
			(memory (export "memory") 1) {fields} (func (export "handle") {body}))"#
	);
	wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Writes the message that it handles under the key of one zero byte.
pub fn recorder() -> Vec<u8> {
	handler(
		"",
		"(call $input (i32.const 8)) (call $write (i32.const 0) (i32.const 1) (i32.const 8) (call $input_len))",
	)
}

/// Sends the message that it is told by users; of others, it writes how they came about under the empty key. A message to send
/// has 61 bytes, behind sender, kind, value and a length of one byte.
pub fn proxy() -> Vec<u8> {
	handler(
		"",
		"(call $input (i32.const 0))
		(if (i32.eqz (i32.load8_u (i32.const 36)))
			(then (if (i32.eq (call $input_len) (i32.const 115))
				(then (call $send (i32.const 54) (i32.const 61)))))
			(else (call $write (i32.const 0) (i32.const 0) (i32.const 36) (i32.const 2))))",
	)
}

/// Refuses everything that has a body.
pub fn refuser() -> Vec<u8> {
	handler(
		r#"(data (i32.const 0) "no!")"#,
		"(if (i32.gt_u (call $input_len) (i32.const 54)) (then (call $refuse (i32.const 0) (i32.const 3))))",
	)
}

/// Never ends once it has a body.
pub fn looper() -> Vec<u8> {
	handler(
		"",
		"(if (i32.gt_u (call $input_len) (i32.const 54)) (then (loop $again (br $again))))",
	)
}

pub fn rich() -> RuntimeOrigin {
	RuntimeOrigin::signed(account(RICH))
}

pub fn body(bytes: &[u8]) -> Body {
	bytes.to_vec().try_into().unwrap()
}

pub fn upload(code: &[u8]) -> Hash {
	assert_ok!(Actors::upload(rich(), code.to_vec().try_into().unwrap(), None));
	Hash::from(blake2_256(code))
}

/// A new actor, whose first message, without a body, is processed.
pub fn actor(code: &[u8], value: Balance) -> AccountId {
	let hash = Hash::from(blake2_256(code));
	if !Codes::<Test>::contains_key(hash) {
		upload(code);
	}
	let salt = (0u8..255)
		.map(|n| [n; 32])
		.find(|salt| !crate::Actors::<Test>::contains_key(actor_account(&account(RICH), &hash, salt)))
		.unwrap();
	assert_ok!(Actors::instantiate(
		rich(),
		hash,
		salt,
		value,
		GAS,
		Body::default()
	));
	idle();
	actor_account(&account(RICH), &hash, &salt)
}

pub fn here(account: &AccountId) -> Address {
	Address {
		chain: A,
		account: account.clone(),
	}
}

pub fn call(to: &AccountId, value: Balance, said: &[u8]) -> DispatchResult {
	with_storage_layer(|| Actors::call(rich(), here(to), value, GAS, body(said)))
}

/// What tells a proxy to send value to an account.
pub fn send_to(chain: ChainId, to: &AccountId, value: Balance, gas: u64) -> Vec<u8> {
	let outgoing = Outgoing {
		to: (&Address {
			chain,
			account: to.clone(),
		})
			.into(),
		value,
		gas,
		body: vec![],
	};
	outgoing.encode()
}

fn stored(actor: &AccountId, key: &[u8]) -> Option<Vec<u8>> {
	Actors::stored(actor, key.to_vec())
}

fn outcomes() -> Vec<Outcome> {
	System::events()
		.into_iter()
		.filter_map(|record| match record.event {
			RuntimeEvent::Actors(Event::Processed { outcome, .. }) => Some(outcome),
			_ => None,
		})
		.collect()
}

fn failed(reason: BounceReason) -> Outcome {
	Outcome::Failed { reason }
}

fn with_code(run: impl FnOnce()) {
	scenario(|| {
		endow();
		run();
		Actors::on_finalize(1);
	});
}

#[test]
fn code_is_uploaded_and_removed() {
	with_code(|| {
		let code = recorder();
		let interface: InterfaceBytes = Interface::builder()
			.accepts::<u32>("number")
			.build()
			.unwrap()
			.encode()
			.try_into()
			.unwrap();
		let bytes: CodeBytesOf = code.clone().try_into().unwrap();
		assert_ok!(Actors::upload(rich(), bytes.clone(), Some(interface.clone())));
		let hash = Hash::from(blake2_256(&code));
		let deposit = 2 * PER_ITEM + (code.len() + interface.len()) as Balance;
		assert_eq!(balance(RICH), FORTUNE - deposit);
		assert_eq!(Actors::interface(hash), Some(interface.to_vec()));
		assert_eq!(Actors::code(hash).unwrap().bytes, code);
		assert_noop!(
			Actors::upload(rich(), bytes, None),
			Error::<Test>::AlreadyUploaded
		);
		let other = RuntimeOrigin::signed(account(1));
		assert_noop!(Actors::remove(other, hash), Error::<Test>::NotOwner);
		actor(&code, 100);
		assert_noop!(Actors::remove(rich(), hash), Error::<Test>::CodeInUse);
		assert_noop!(Actors::remove(rich(), Hash::zero()), Error::<Test>::UnknownCode);
		let unused = upload(&proxy());
		let before = balance(RICH);
		assert_ok!(Actors::remove(rich(), unused));
		assert!(balance(RICH) > before);
		assert_eq!(Actors::code(unused), None);
	});
}

#[test]
fn bad_code_is_refused() {
	with_code(|| {
		let upload =
			|code: Vec<u8>| with_storage_layer(|| Actors::upload(rich(), code.try_into().unwrap(), None));
		let text = |text: &str| wat::parse_str(text).unwrap();
		assert_noop!(upload(vec![1, 2, 3]), Error::<Test>::MalformedCode);
		assert_noop!(upload(text("(module)")), Error::<Test>::NoHandle);
		assert_noop!(
			upload(text(r#"(module (func (export "handle")))"#)),
			Error::<Test>::NoMemory
		);
		assert_noop!(
			upload(text(r#"(module (import "a" "b" (func)))"#)),
			Error::<Test>::UnknownImport
		);
		assert_noop!(
			upload(handler("(func $f) (start $f)", "")),
			Error::<Test>::CodeHasStart
		);
		assert_noop!(
			upload(handler("", "(drop (f32.add (f32.const 1) (f32.const 1)))")),
			Error::<Test>::FloatInCode
		);
		assert_noop!(
			upload(handler(r#"(data (i32.const 65536) "x")"#, "")),
			Error::<Test>::BadSegment
		);
		let interface = Some(vec![0xff; 9].try_into().unwrap());
		assert_noop!(
			with_storage_layer(|| Actors::upload(rich(), recorder().try_into().unwrap(), interface)),
			Error::<Test>::InvalidInterface
		);
		// Who has nothing can't pay the deposit.
		let poor = RuntimeOrigin::signed(account(77));
		let refused = with_storage_layer(|| Actors::upload(poor, recorder().try_into().unwrap(), None));
		assert!(refused.is_err());
	});
}

#[test]
fn an_actor_handles_messages_and_pays_for_storage() {
	with_code(|| {
		let recorder = actor(&recorder(), 1_000);
		assert_ok!(call(&recorder, 5, b"hello"));
		assert_eq!(Actors::actor(&recorder).unwrap().waiting, 1);
		idle();
		let message = abi::Incoming {
			sender: (&here(&account(RICH))).into(),
			kind: abi::Kind::External,
			value: 5,
			body: b"hello".to_vec(),
		};
		assert_eq!(stored(&recorder, &[0]), Some(message.encode()));
		let view = Actors::actor(&recorder).unwrap();
		let bytes = 1 + message.encode().len() as u64;
		assert_eq!((view.items, view.bytes), (1, bytes));
		assert_eq!(view.deposit, 2 * PER_ITEM + Balance::from(bytes));
		assert_eq!(
			Balances::free_balance(&recorder),
			MINIMUM + PER_ITEM + 1_005 - view.deposit
		);
		assert_eq!(outcomes(), [Outcome::Handled, Outcome::Handled]);
	});
}

#[test]
fn actors_send_to_plain_accounts_and_to_each_other() {
	with_code(|| {
		let (proxy, recorder) = (actor(&proxy(), 1_000), actor(&recorder(), 1_000));
		assert_ok!(call(&proxy, 0, &send_to(A, &account(7), 50, 0)));
		idle();
		assert_eq!(balance(7), 50);
		let from = here(&proxy);
		System::assert_has_event(
			Event::<Test>::Received {
				from,
				to: account(7),
				amount: 50,
				body: Body::default(),
			}
			.into(),
		);
		assert_ok!(call(&proxy, 0, &send_to(A, &recorder, 60, 300_000)));
		idle();
		let got = stored(&recorder, &[0]).unwrap();
		assert_eq!(got[36], abi::Kind::Relay.encode()[0]);
		// A user's message can be followed to what it caused.
		let (mut ids, mut parents) = (Vec::new(), Vec::new());
		for record in System::events() {
			if let RuntimeEvent::Actors(Event::Processed { id, parent, .. }) = record.event {
				ids.push(id);
				parents.push(parent);
			}
		}
		assert_eq!(parents.last(), Some(&Some(ids[ids.len() - 2])));
	});
}

#[test]
fn what_fails_comes_back() {
	with_code(|| {
		let (proxy, refuser) = (actor(&proxy(), 1_000), actor(&refuser(), 1_000));
		let before = balance(RICH);
		assert_ok!(call(&refuser, 50, b"please"));
		assert_eq!(balance(RICH), before - 50);
		idle();
		assert_eq!(balance(RICH), before);
		let words: Words = b"no!".to_vec().try_into().unwrap();
		assert_eq!(outcomes().last(), Some(&failed(BounceReason::Rejected { words })));
		// An actor's code learns of it: kind 2, reason 3.
		let free = Balances::free_balance(&proxy);
		assert_ok!(call(&proxy, 0, &send_to(A, &account(99), MINIMUM - 1, 100_000)));
		idle();
		assert_eq!(stored(&proxy, b""), Some(vec![2, 3]));
		let paid = PER_ITEM + 2;
		assert_eq!(Balances::free_balance(&proxy), free - paid);
		// To no such chain, and to the root chain.
		for chain in [ChainId(9), ChainId::ROOT] {
			assert_ok!(call(&proxy, 0, &send_to(chain, &account(1), 20, 100_000)));
			idle();
			assert_eq!(Balances::free_balance(&proxy), free - paid);
		}
	});
}

#[test]
fn calls_that_can_not_succeed_are_refused_at_once() {
	with_code(|| {
		let looper = actor(&looper(), 1_000);
		let call_with =
			|to: Address, gas| with_storage_layer(|| Actors::call(rich(), to, 0, gas, Body::default()));
		assert_noop!(call_with(here(&looper), MAX_GAS + 1), Error::<Test>::TooMuchGas);
		assert_noop!(call_with(here(&looper), 100), Error::<Test>::TooLittleGas);
		assert_noop!(call_with(here(&account(99)), 0), Error::<Test>::NoRecipient);
		assert_noop!(call(&account(99), 1, b""), Error::<Test>::BelowMinimum);
		assert_noop!(
			call_with(at(ChainId::ROOT, 1), GAS),
			Error::<Test>::RootDestination
		);
		assert_noop!(
			call_with(at(ChainId(9), 1), GAS),
			Error::<Test>::UnknownDestination
		);
		let hash = Hash::from(blake2_256(&super::code::looper()));
		let instantiate = |code, gas| {
			with_storage_layer(|| Actors::instantiate(rich(), code, [0; 32], 0, gas, Body::default()))
		};
		assert_noop!(instantiate(hash, GAS), Error::<Test>::AlreadyCreated);
		assert_noop!(instantiate(hash, 100), Error::<Test>::TooLittleGas);
		assert_noop!(instantiate(Hash::zero(), GAS), Error::<Test>::UnknownCode);
		let limits = QueueLimits::get();
		for _ in 0..limits.mailbox {
			assert_ok!(call(&looper, 1, b""));
		}
		assert_noop!(call(&looper, 1, b""), Error::<Test>::MailboxFull);
		for n in 1..4 {
			for _ in 0..limits.mailbox {
				let _ = call(&account(n), 1, b"");
			}
		}
		assert_noop!(call(&account(4), 20, b""), Error::<Test>::QueueFull);
		idle();
		assert_eq!(Actors::queue().len(), 0);
	});
}

#[test]
fn a_block_stops_before_it_is_over_and_the_next_goes_on() {
	with_code(|| {
		let looper = actor(&looper(), 1_000);
		for _ in 0..4 {
			assert_ok!(call(&looper, 1, b"for ever"));
		}
		let one = Actors::step_weight(GAS);
		let limit = one.saturating_mul(2).saturating_add(one / 2);
		let used = Actors::on_idle(1, limit);
		assert!(used.all_lte(limit));
		assert_eq!(Actors::queue().len(), 2);
		Actors::do_try_state().unwrap();
		Actors::on_finalize(1);
		System::set_block_number(2);
		poll();
		assert_eq!(Actors::queue().len(), 0);
	});
}

/// Ends in favour of the account that the body names; a body that is longer makes it write something before.
pub fn mortal() -> Vec<u8> {
	handler(
		"",
		"(call $input (i32.const 0))
		(if (i32.gt_u (call $input_len) (i32.const 86))
			(then (call $write (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1))))
		(if (i32.gt_u (call $input_len) (i32.const 54)) (then (call $end (i32.const 54))))",
	)
}

#[test]
fn an_actor_ends_and_its_heir_has_what_it_had() {
	with_code(|| {
		let code = mortal();
		let hash = Hash::from(blake2_256(&code));
		let mortal = actor(&code, 1_000);
		let heir: [u8; 32] = account(7).into();
		// Not with something in its storage, and not in its own favour.
		for said in [&[&heir[..], &[0]].concat()[..], mortal.as_ref()] {
			assert_ok!(call(&mortal, 5, said));
			idle();
			assert_eq!(outcomes().last(), Some(&failed(BounceReason::Failed)));
			assert_eq!(Actors::actor(&mortal).unwrap().items, 0);
		}
		// The second message finds a plain account that doesn't exist any more.
		assert_ok!(call(&mortal, 5, &heir));
		let before = balance(RICH);
		assert_ok!(call(&mortal, MINIMUM - 1, b"too late"));
		idle();
		assert_eq!(Actors::actor(&mortal), None);
		assert_eq!(balance(7), 1_005 + PER_ITEM + MINIMUM);
		assert_eq!(Balances::total_balance(&mortal), 0);
		assert_eq!(balance(RICH), before);
		assert_eq!(outcomes().last(), Some(&failed(BounceReason::BelowMinimum)));
		System::assert_has_event(
			Event::<Test>::Ended {
				actor: mortal.clone(),
				heir: account(7),
				amount: 1_005 + PER_ITEM + MINIMUM,
			}
			.into(),
		);
		Actors::do_try_state().unwrap();

		// Value that arrives there later is the actor's once it is created again.
		assert_ok!(call(&mortal, 100, b"much too late"));
		idle();
		assert_eq!(actor(&code, 0), mortal);
		assert_eq!(Balances::free_balance(&mortal), 100 + MINIMUM);
		assert_ok!(call(&mortal, 0, &heir));
		idle();
		// Nobody has the code any more.
		assert_ok!(Actors::remove(rich(), hash));
		Actors::do_try_state().unwrap();
	});
}

#[test]
fn an_actor_becomes_what_it_names() {
	with_code(|| {
		// Becomes the code whose hash is the body.
		let caterpillar = handler(
			"",
			"(call $input (i32.const 0))
			(call $write (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1))
			(if (i32.gt_u (call $input_len) (i32.const 54)) (then (call $become (i32.const 54))))",
		);
		let old = Hash::from(blake2_256(&caterpillar));
		let butterfly = upload(&recorder());
		let actor = actor(&caterpillar, 1_000);
		let users = || [old, butterfly].map(|code| Codes::<Test>::get(code).map(|info| info.users));
		assert_eq!(users(), [Some(1), Some(0)]);
		assert_ok!(call(&actor, 0, Hash::zero().as_ref()));
		idle();
		assert_eq!(outcomes().last(), Some(&failed(BounceReason::Failed)));
		// The message behind it is handled by the next code already, and the storage stays.
		assert_ok!(call(&actor, 0, butterfly.as_ref()));
		assert_ok!(call(&actor, 1, b"fly"));
		idle();
		assert_eq!(users(), [Some(0), Some(1)]);
		assert!(stored(&actor, &[0]).unwrap().ends_with(b"fly"));
		assert_eq!(stored(&actor, b"").unwrap().len(), 1);
		assert_ok!(Actors::remove(rich(), old));
		assert_noop!(Actors::remove(rich(), butterfly), Error::<Test>::CodeInUse);
		Actors::do_try_state().unwrap();
	});
}

/// Each attack fails or is bounded, what it brought is back, and the chain's state holds together.
#[test]
fn attacks_come_to_nothing() {
	// What is sent, or created, is at 1000; the handler runs in full only with a body.
	let attack = |fields: &str, body: &str| {
		handler(
			fields,
			&format!("(if (i32.gt_u (call $input_len) (i32.const 54)) (then {body}))"),
		)
	};
	let table: [(&str, Vec<u8>, Option<BounceReason>); 5] = [
		(
			"endless loop",
			attack("", "(loop $l (br $l))"),
			Some(BounceReason::OutOfGas),
		),
		(
			"memory bomb",
			attack("", "(loop $l (drop (memory.grow (i32.const 1))) (br $l))"),
			Some(BounceReason::OutOfGas),
		),
		(
			"trap after effects",
			attack(
				"",
				"(call $write (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 9)) (unreachable)",
			),
			Some(BounceReason::Failed),
		),
		(
			// 40 values of 4 KiB, which the actor can't pay for.
			"storage bomb",
			attack(
				"",
				"(i32.store (i32.const 0) (i32.const 40))
				(loop $l
					(call $write (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 4096))
					(i32.store (i32.const 0) (i32.sub (i32.load (i32.const 0)) (i32.const 1)))
					(br_if $l (i32.load (i32.const 0))))",
			),
			Some(BounceReason::Failed),
		),
		(
			"spending more than it has",
			attack(
				"(data (i32.const 1000) \"\\01\\00\\00\\00\")",
				// The account at 1004 is all zeros; the value, at 1036, is huge.
				"(i64.store (i32.const 1044) (i64.const 1)) (call $send (i32.const 1000) (i32.const 61))",
			),
			Some(BounceReason::Failed),
		),
	];
	for (name, code, reason) in table {
		with_code(|| {
			let victim = actor(&code, 1_000);
			let (before, free) = (balance(RICH), Balances::free_balance(&victim));
			let gas = MAX_GAS;
			assert_ok!(Actors::call(rich(), here(&victim), 30, gas, body(b"go")));
			idle();
			assert_eq!(outcomes().last().cloned(), reason.map(failed), "{name}");
			assert_eq!(
				(balance(RICH), Balances::free_balance(&victim)),
				(before, free),
				"{name}"
			);
			assert_eq!(Actors::actor(&victim).unwrap().items, 0, "{name}");
		});
	}
}

#[test]
fn a_storm_ends() {
	with_code(|| {
		// Sends two messages to itself each time, with a third of its gas each.
		let code = handler(
			"",
			"(drop (call $info (i32.const 1000)))
			(i64.store (i32.const 1036) (i64.const 0))
			(i64.store (i32.const 1044) (i64.const 0))
			(i64.store (i32.const 1052) (i64.div_u (call $gas_left) (i64.const 3)))
			(i32.store8 (i32.const 1060) (i32.const 0))
			(call $send (i32.const 1000) (i32.const 61))
			(call $send (i32.const 1000) (i32.const 61))",
		);
		let storm = actor(&code, 1_000);
		for _ in 0..4 {
			let _ = call(&storm, 1, b"");
		}
		for number in 2..40 {
			idle();
			Actors::do_try_state().unwrap();
			Actors::on_finalize(number - 1);
			System::set_block_number(number);
			poll();
		}
		assert_eq!(Actors::queue().len(), 0);
	});
}

#[test]
fn replication_ends_with_the_money() {
	with_code(|| {
		// Creates an actor of its own code, whose hash is the body, with half of its gas and 100 of value.
		let code = handler(
			"",
			"(call $input (i32.const 0))
			(memory.grow (i32.const 0)) (drop)
			(i64.store (i32.const 1000) (i64.load (i32.const 54)))
			(i64.store (i32.const 1008) (i64.load (i32.const 62)))
			(i64.store (i32.const 1016) (i64.load (i32.const 70)))
			(i64.store (i32.const 1024) (i64.load (i32.const 78)))
			(i64.store (i32.const 1064) (i64.const 100))
			(i64.store (i32.const 1080) (i64.div_u (call $gas_left) (i64.const 2)))
			(i32.store8 (i32.const 1088) (i32.const 128))
			(i64.store (i32.const 1089) (i64.load (i32.const 54)))
			(i64.store (i32.const 1097) (i64.load (i32.const 62)))
			(i64.store (i32.const 1105) (i64.load (i32.const 70)))
			(i64.store (i32.const 1113) (i64.load (i32.const 78)))
			(if (i32.gt_u (call $input_len) (i32.const 54))
				(then (call $create (i32.const 1000) (i32.const 121) (i32.const 2000))))",
		);
		let first = actor(&code, 1_000);
		let hash = blake2_256(&code);
		assert_ok!(Actors::call(rich(), here(&first), 0, MAX_GAS, body(&hash)));
		idle();
		let count = crate::Actors::<Test>::iter().count();
		assert!((2..16).contains(&count), "{count}");
		assert_eq!(Actors::queue().len(), 0);
	});
}

#[test]
fn a_dry_run_tells_and_changes_nothing() {
	with_code(|| {
		let (proxy, refuser) = (actor(&proxy(), 1_000), actor(&refuser(), 1_000));
		let run = |to: &AccountId, said: &[u8]| {
			let call = DryRunCall::Call {
				destination: to.clone(),
				value: 5,
				gas: GAS,
				body: said.to_vec(),
			};
			Actors::dry_run(account(RICH), call)
		};
		let sends = run(&proxy, &send_to(A, &account(7), 50, 10));
		assert_eq!(sends.outcome, DryRunOutcome::Done);
		assert_eq!((sends.messages.len(), sends.messages[0].value), (1, 50));
		assert!(sends.gas_used > 0 && sends.gas_used < GAS);
		assert!(matches!(
			run(&refuser, b"x").outcome,
			DryRunOutcome::Bounced {
				reason: BounceReason::Rejected { .. },
				..
			}
		));
		assert!(matches!(
			run(&account(99), b"x").outcome,
			DryRunOutcome::Refused { text, .. } if text == "BelowMinimum"
		));
		assert_eq!(Actors::queue().len(), 0);
		// What is refused has no words twice, and what can't be paid for sends nothing, and says so.
		let detail = |outcome: DryRunOutcome| match outcome {
			DryRunOutcome::Bounced { detail, .. } => detail,
			other => panic!("{other:?}"),
		};
		assert_eq!(detail(run(&refuser, b"x").outcome), "");
		let poor = actor(
			&handler(
				"",
				"(if (i32.gt_u (call $input_len) (i32.const 54)) (then
					(call $input (i32.const 0))
					(call $send (i32.const 54) (i32.const 61))
					(call $write (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 4096))))",
			),
			100,
		);
		let tried = run(&poor, &send_to(A, &account(7), 50, 500_000));
		assert!(tried.messages.is_empty());
		assert!(
			tried.gas_used < GAS / 2,
			"what isn't passed on isn't used: {}",
			tried.gas_used
		);
		let why = detail(tried.outcome);
		assert!(why.starts_with("its effects can't be applied: "), "{why}");
	});
}

#[test]
fn hops_lead_from_a_message_to_all_that_it_caused() {
	with_code(|| {
		let proxy = actor(&proxy(), 1_000);
		System::reset_events();
		// There is no such chain: the proxy's message comes back to it.
		assert_ok!(call(&proxy, 0, &send_to(ChainId(9), &account(1), 20, 100_000)));
		idle();
		let id = |index| MessageId::Inner { block: 1, index };
		let told: Vec<_> = Actors::hops()
			.into_iter()
			.map(|hop| match hop {
				Hop::Sent { id, parent, .. } => (id, parent, None),
				Hop::Ended {
					id, parent, outcome, ..
				} => (id, parent, Some(outcome)),
			})
			.collect();
		let expected = [
			(id(1), None, None),
			(id(2), Some(id(1)), None),
			(id(2), Some(id(1)), Some(failed(BounceReason::NoChannel))),
			(id(3), Some(id(2)), None),
			(id(1), None, Some(Outcome::Handled)),
			(id(3), Some(id(2)), Some(Outcome::Handled)),
		];
		assert_eq!(told, expected);
	});
}

#[test]
fn calls_go_to_other_chains_and_back() {
	let mut network = Network::new(2);
	let (good, bad) = network.on(2, || (actor(&recorder(), 1_000), actor(&refuser(), 1_000)));
	network.on(1, || {
		for (to, value) in [(&good, 70), (&bad, 80)] {
			let to = Address {
				chain: B,
				account: to.clone(),
			};
			assert_ok!(Actors::call(rich(), to, value, GAS, body(b"over there")));
		}
	});
	let before = network.on(1, || balance(RICH));
	network.settle();
	network.on(2, || {
		let got = stored(&good, &[0]).unwrap();
		assert_eq!((got[36], &got[got.len() - 10..]), (1, &b"over there"[..]));
		assert_eq!(Actors::queue().len(), 0);
	});
	network.on(1, || {
		assert_eq!(balance(RICH), before + 80);
		let words: Words = b"no!".to_vec().try_into().unwrap();
		let reason = BounceReason::Rejected { words };
		assert_eq!(Messages::sent_state(B, 1), SentState::Bounced { reason });
		assert_eq!(Messages::sent_state(B, 0), SentState::Delivered);
	});
}

#[test]
fn an_actor_of_another_chain_gets_its_message_back() {
	let mut network = Network::new(2);
	let proxy = network.on(1, || actor(&proxy(), 1_000));
	let before = network.on(1, || Balances::free_balance(&proxy));
	network.on(1, || {
		// Account 99 doesn't exist there, and can't hold so little.
		let to = account(99);
		assert_ok!(call(&proxy, 0, &send_to(B, &to, MINIMUM - 1, 100_000)));
	});
	network.settle();
	network.on(1, || {
		assert_eq!(stored(&proxy, b""), Some(vec![2, 3]));
		assert_eq!(Balances::free_balance(&proxy), before - PER_ITEM - 2);
	});
}

#[test]
fn what_goes_back_waits_until_its_channel_has_room() {
	with_code(|| {
		let refuser = actor(&refuser(), 1_000);
		// The block sends as many messages to that chain as it may.
		for n in 0..MAX_BATCH {
			assert_ok!(transfer(RICH, one_of_many(n), 1));
		}
		let issuance = Balances::total_issuance();
		let arrives = |nonce| {
			let mut call = message(1, 20);
			call.nonce = nonce;
			call.recipient = refuser.clone();
			call.body = MessageBody::Call(Said {
				gas: GAS,
				depth: 0,
				body: body(b"please"),
			});
			Actors::receive(B, &call)
		};
		// All that waits, in the queue and to go back, is bounded together.
		let total = QueueLimits::get().total;
		for nonce in 0..total.into() {
			assert_eq!(arrives(nonce), Ok(()));
			idle();
		}
		assert_eq!((Actors::queue().len(), Actors::returns_waiting()), (0, total));
		assert_eq!(arrives(total.into()), Err(BounceReason::QueueFull));
		assert_eq!(Balances::total_issuance(), issuance + 20 * Balance::from(total));
		for (number, left) in [(2, total - RETURNS_A_BLOCK), (3, 0)] {
			Actors::do_try_state().unwrap();
			Messages::on_finalize(number - 1);
			Actors::on_finalize(number - 1);
			System::initialize(&number, &Default::default(), &Default::default());
			Messages::on_initialize(number);
			poll();
			assert_eq!(Actors::returns_waiting(), left);
		}
		assert_eq!(Balances::total_issuance(), issuance);
	});
}

#[test]
fn a_call_with_too_much_gas_goes_back_at_once() {
	with_code(|| {
		let looper = actor(&looper(), 1_000);
		let mut call = message(1, 5);
		call.recipient = looper;
		call.body = MessageBody::Call(Said {
			gas: MAX_GAS + 1,
			depth: 0,
			body: Body::default(),
		});
		let received = with_storage_layer::<(), DispatchError, _>(|| {
			assert_eq!(Actors::receive(B, &call), Err(BounceReason::TooMuchGas));
			Ok(())
		});
		assert_ok!(received);
		call.body = MessageBody::Call(Said {
			gas: GAS,
			depth: 13,
			body: Body::default(),
		});
		let received = with_storage_layer::<(), DispatchError, _>(|| {
			assert_eq!(Actors::receive(B, &call), Err(BounceReason::TooDeep));
			Err(DispatchError::Other("as the inbox does"))
		});
		assert!(received.is_err());
	});
}
