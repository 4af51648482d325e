//! Each host function, and what of WebAssembly is supported, does what it says.

use super::*;
use asterism_actor_vm::{
	abi::{Reason, MAX_LOG, NOT_FOUND},
	gas, validate, Change, Created, Deposit,
};
use codec::Encode;

fn put(key: &[u8], value: &[u8]) -> Change {
	Change {
		key: key.to_vec(),
		value: Some(value.to_vec()),
	}
}

/// Code whose result, an i32, is the value that it writes under the empty key.
fn result(chain: &Chain, fields: &str, body: &str) -> i32 {
	let code = module(&format!(
		r#"(memory (export "memory") 1) {fields}
		(func $result (result i32) {body})
		(func (export "handle")
			(i32.store (i32.const 60000) (call $result))
			(call $write (i32.const 0) (i32.const 0) (i32.const 60000) (i32.const 4)))"#
	));
	let changes = effects_on(&code, chain).changes;
	let value = changes[0].value.clone().unwrap();
	i32::from_le_bytes(value.try_into().unwrap())
}

#[test]
fn code_that_does_nothing_has_no_effects() {
	assert_eq!(effects(&handler("")), Effects::default());
}

#[test]
fn info_is_about_the_actor_and_the_block() {
	let code = handler("(call $write (i32.const 0) (i32.const 0) (i32.const 8) (call $info (i32.const 8)))");
	assert_eq!(effects(&code).changes, [put(b"", &info().encode())]);
}

#[test]
fn the_input_is_the_message() {
	let code = handler(
		"(call $input (i32.const 8))
		(call $write (i32.const 0) (i32.const 0) (i32.const 8) (call $input_len))",
	);
	assert_eq!(effects(&code).changes, [put(b"", &incoming().encode())]);

	let bounce = Incoming {
		kind: Kind::Bounce {
			reason: Reason::Refused(b"no".to_vec()),
		},
		..incoming()
	};
	let context = Context {
		info: info(),
		incoming: &bounce,
		gas: GAS,
		keep_log: false,
	};
	let changes = run(&code, &context, &Chain::default()).result.unwrap().changes;
	assert_eq!(changes, [put(b"", &bounce.encode())]);
}

#[test]
fn read_finds_values_that_were_there_and_that_were_written() {
	let chain = Chain([(b"key".to_vec(), b"value".to_vec())].into());
	let key = data(0, b"key");
	let read = |cap| format!("(call $read (i32.const 0) (i32.const 3) (i32.const 100) (i32.const {cap}))");
	let is = |fields: &str, body: &str| result(&chain, &format!("{key} {fields}"), body);

	assert_eq!(is("", &read(5)), 5);
	assert_eq!(
		is("", &format!("(drop {}) (i32.load (i32.const 101))", read(5))),
		i32::from_le_bytes(*b"alue")
	);
	// Too long for the place: only its length.
	assert_eq!(
		is("", &format!("(drop {}) (i32.load (i32.const 100))", read(4))),
		0
	);
	assert_eq!(is("", &read(4)), 5);
	assert_eq!(
		is(
			"",
			"(call $read (i32.const 0) (i32.const 2) (i32.const 100) (i32.const 9))"
		),
		NOT_FOUND
	);
	let write = "(call $write (i32.const 0) (i32.const 3) (i32.const 0) (i32.const 2))";
	assert_eq!(is("", &format!("{write} {}", read(5))), 2);
	let empty = "(call $write (i32.const 0) (i32.const 3) (i32.const 0) (i32.const 0))";
	assert_eq!(is("", &format!("{empty} {}", read(5))), 0);
	let remove = "(call $remove (i32.const 0) (i32.const 3))";
	assert_eq!(is("", &format!("{remove} {}", read(5))), NOT_FOUND);
	assert_eq!(is("", &format!("{remove} {write} {}", read(5))), 2);
}

#[test]
fn changes_and_the_deposit_say_what_becomes_of_storage() {
	let chain = Chain(
		[
			(b"a".to_vec(), b"old".to_vec()),
			(b"b".to_vec(), b"gone".to_vec()),
		]
		.into(),
	);
	let write =
		|key, len| format!("(call $write (i32.const {key}) (i32.const 1) (i32.const 8) (i32.const {len}))");
	let remove = |key| format!("(call $remove (i32.const {key}) (i32.const 1))");
	let effects = |body: &str| effects_on(&handler_with(0, b"abc.....12345678", body), &chain);

	let nothing = effects(&format!("{} {} {}", remove(2), write(2, 4), remove(2)));
	assert_eq!(nothing, Effects::default());

	let all = effects(&format!(
		"{} {} {} {}",
		write(2, 8),
		write(0, 4),
		write(0, 5),
		remove(1)
	));
	let gone = Change {
		key: b"b".to_vec(),
		value: None,
	};
	assert_eq!(all.changes, [put(b"a", b"12345"), gone, put(b"c", b"12345678")]);
	assert_eq!(
		all.deposit,
		Deposit {
			items: 0,
			bytes: 2 - 5 + 9
		}
	);

	let shrunk = effects(&format!("{} {}", remove(0), remove(1)));
	assert_eq!(shrunk.deposit, Deposit { items: -2, bytes: -9 });
	let back = effects(&format!("{} {}", remove(0), write(0, 3)));
	assert_eq!(back.deposit, Deposit::default());
}

#[test]
fn messages_are_sent_in_order_with_their_value_and_gas() {
	let messages = [outgoing(400, 1000), outgoing(600, 0), outgoing(0, 234)];
	let bytes: Vec<_> = messages.iter().map(Encode::encode).collect();
	let len = bytes[0].len();
	let calls: String = (0..3)
		.map(|i| format!("(call $send (i32.const {}) (i32.const {len}))", i * len))
		.collect();
	let code = handler_with(0, &bytes.concat(), &calls);
	assert_eq!(effects(&code).sends, messages);

	let outcome = run_on(&code, &Chain::default());
	assert_eq!(outcome.gas_passed, 1234);
	let least = outcome.gas_used + 1234;
	assert_eq!(run_with(&code, &Chain::default(), least), outcome);
	assert_eq!(
		run_with(&code, &Chain::default(), least - 1).result,
		Err(Failure::OutOfGas)
	);
}

#[test]
fn an_actor_is_created_with_its_first_message() {
	let creation = creation(5, 1000, 777);
	let bytes = creation.encode();
	let code = handler_with(
		0,
		&bytes,
		&format!(
			"(call $create (i32.const 0) (i32.const {}) (i32.const 500))
			(call $write (i32.const 0) (i32.const 0) (i32.const 500) (i32.const 32))",
			bytes.len()
		),
	);
	let effects = effects(&code);
	let account = [5 ^ 0xff; 32];
	assert_eq!(effects.changes, [put(b"", &account)]);
	assert_eq!(effects.creations, [Created { account, creation }]);
}

#[test]
fn the_next_code_is_the_last_that_was_named() {
	let code = handler_with(
		0,
		&UPLOADED,
		"(call $become (i32.const 0)) (call $become (i32.const 0))",
	);
	assert_eq!(effects(&code).next_code, Some(UPLOADED));
}

#[test]
fn an_actor_ends_with_empty_storage() {
	let chain = Chain([(b"\x09".to_vec(), b"old".to_vec())].into());
	let run = |body: &str| run_on(&handler_with(0, &[9; 32], body), &chain).result;
	let end = "(call $end (i32.const 0))";
	let remove = "(call $remove (i32.const 0) (i32.const 1))";
	let write = "(call $write (i32.const 0) (i32.const 2) (i32.const 0) (i32.const 1))";
	assert_eq!(run(end), Err(Failure::NotEmpty));
	assert_eq!(run(&format!("{remove} {end} {write}")), Err(Failure::NotEmpty));
	assert_eq!(run(remove).unwrap().heir, None);
	// In either order, and the last heir that is named.
	for body in [
		format!("{remove} {end}"),
		format!("(call $end (i32.const 32)) {end} {remove}"),
	] {
		let effects = run(&body).unwrap();
		assert_eq!((effects.heir, effects.deposit.items), (Some([9; 32]), -1));
	}
}

#[test]
fn a_refusal_drops_effects_and_gives_its_reason() {
	let send = outgoing(1, 5000).encode();
	let code = handler_with(
		0,
		&send,
		&format!(
			"(call $write (i32.const 0) (i32.const 3) (i32.const 0) (i32.const 3))
			(call $send (i32.const 0) (i32.const {}))
			(call $refuse (i32.const 0) (i32.const 4))
			(unreachable)",
			send.len()
		),
	);
	assert_eq!(failure(&code), Failure::Refused(vec![7, 0, 0, 0]));
}

#[test]
fn gas_left_is_what_the_outcome_leaves() {
	let code = handler(
		"(local $left i64)
		(i64.store (i32.const 0) (call $gas_left))
		(call $log (i32.const 0) (i32.const 8))
		(i64.store (i32.const 0) (call $gas_left))
		(call $log (i32.const 0) (i32.const 8))",
	);
	let context = Context {
		info: info(),
		incoming: &incoming(),
		gas: GAS,
		keep_log: true,
	};
	let outcome = run(&code, &context, &Chain::default());
	let left: Vec<_> = outcome
		.log
		.iter()
		.map(|line| u64::from_le_bytes(line[..].try_into().unwrap()))
		.collect();
	assert_eq!(left[0] - left[1], 2 * gas::CALL + 8 * gas::BYTE);
	assert_eq!(left[1] - (GAS - outcome.gas_used), gas::CALL + 8 * gas::BYTE);
}

#[test]
fn the_log_is_kept_in_dry_runs_only_and_bounded() {
	let code = handler_with(
		0,
		b"lines",
		"(call $log (i32.const 0) (i32.const 5)) (call $log (i32.const 0) (i32.const 0))
		(call $log (i32.const 0) (i32.const 5000)) (call $log (i32.const 4) (i32.const 1))",
	);
	let run = |keep_log| {
		let context = Context {
			info: info(),
			incoming: &incoming(),
			gas: GAS,
			keep_log,
		};
		run(&code, &context, &Chain::default())
	};
	let (dry, real) = (run(true), run(false));
	assert_eq!(dry.log, [&b"lines"[..], b"", b"s"]);
	assert!(real.log.is_empty());
	assert_eq!((dry.gas_used, dry.result), (real.gas_used, real.result));

	// What failed can be read about, too.
	let code = handler("(call $log (i32.const 0) (i32.const 3)) (unreachable)");
	let context = Context {
		info: info(),
		incoming: &incoming(),
		gas: GAS,
		keep_log: true,
	};
	let outcome = asterism_actor_vm::run(&code, &context, &Chain::default());
	assert_eq!(outcome.log, [[0, 0, 0]]);
	assert!(outcome.result.is_err());

	let storm = handler("(loop $again (call $log (i32.const 0) (i32.const 0)) (br $again))");
	let outcome = asterism_actor_vm::run(&storm, &context, &Chain::default());
	assert_eq!(outcome.log.len(), MAX_LOG as usize);
}

#[test]
fn what_compilers_emit_runs() {
	let none = Chain::default();
	assert_eq!(
		result(
			&none,
			"(global $g (mut i32) (i32.const 5))",
			"(global.set $g (i32.const 8)) (global.get $g)"
		),
		8
	);
	assert_eq!(result(&none, "", "(i32.extend8_s (i32.const 0xff))"), -1);
	assert_eq!(
		result(
			&none,
			"(type $t (func (result i32))) (table 2 funcref) (func $f (result i32) (i32.const 9))
			(elem (i32.const 1) $f)",
			"(call_indirect (type $t) (i32.const 1))"
		),
		9
	);
	let factorial = "(func $f (param i32) (result i32)
		(if (result i32) (i32.eqz (local.get 0)) (then (i32.const 1))
			(else (i32.mul (local.get 0) (call $f (i32.sub (local.get 0) (i32.const 1)))))))";
	assert_eq!(result(&none, factorial, "(call $f (i32.const 10))"), 3_628_800);
	assert_eq!(
		result(
			&none,
			"",
			"(drop (memory.grow (i32.const 3))) (i32.store (i32.const 262140) (i32.const 1)) (memory.size)"
		),
		4
	);
	// Values that are on the stack already don't change with their locals.
	let keeps = |body: &str, expected| {
		let function = format!("(func $f (param i32 i32) (result i32) {body})");
		assert_eq!(
			result(&none, &function, "(call $f (i32.const 3) (i32.const 5))"),
			expected,
			"{body}"
		);
	};
	keeps("local.get 0 loop i32.const 9 local.set 0 end", 3);
	keeps(
		"local.get 0 block i32.const 9 local.set 0 end local.get 0 i32.add",
		12,
	);
	keeps("local.get 0 local.get 1 if i32.const 9 local.set 0 end", 3);
	keeps(
		"local.get 0 local.get 1 local.set 0 local.set 1 local.get 0 i32.const 10 i32.mul local.get 1 i32.add",
		53,
	);
	keeps(
		"local.get 0 local.get 0 local.tee 1 local.set 0 local.get 1 i32.add",
		6,
	);
	assert_eq!(
		result(&none, "", "(i32.rem_s (i32.const 0x80000000) (i32.const -1))"),
		0
	);
}

/// A change of these figures is a change of the protocol, though one that a new runtime may make.
#[test]
fn gas_is_what_it_was() {
	let empty = handler("");
	let facts = validate(&empty).unwrap();
	assert_eq!((facts.entries, facts.functions, facts.pages), (25, 1, 1));
	assert_eq!(
		facts.load_gas(),
		gas::MESSAGE + empty.len() as u64 * gas::CODE_BYTE + 25 * gas::ENTRY + gas::PAGE
	);
	// Compiling a body of 2 bytes, entering it and returning.
	assert_eq!(
		run_on(&empty, &Chain::default()).gas_used,
		facts.load_gas() + 2 * 9 + 2
	);

	let sum = handler(
		"(local $i i32) (local $sum i64)
		(loop $again
			(local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (local.get $i))))
			(br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000))))
		(i64.store (i32.const 0) (local.get $sum))",
	);
	let used = run_on(&sum, &Chain::default()).gas_used - validate(&sum).unwrap().load_gas();
	assert_eq!(used, 4336);
}
