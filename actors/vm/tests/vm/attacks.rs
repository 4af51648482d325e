//! What hostile code does has its own failure, costs it gas, and has no effect.

use super::*;
use asterism_actor_vm::{
	abi::{
		Reason, MAX_BODY, MAX_CHANGES, MAX_CREATIONS, MAX_KEY, MAX_MEMORY_PAGES, MAX_REASON, MAX_SENDS,
		MAX_VALUE,
	},
	gas, validate, Trap, MAX_DEPTH,
};
use codec::Encode;

/// A value under an empty key, which is not to be there afterwards.
const EFFECT: &str = "(call $write (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1))";

#[test]
fn endless_code_runs_out_of_gas() {
	for body in [
		"(loop $again (br $again))",
		"(loop $again (call $log (i32.const 0) (i32.const 0)) (br $again))",
		"(loop $again (drop (memory.grow (i32.const 0))) (br $again))",
		"(loop $again (drop (memory.grow (i32.const 99999))) (br $again))",
		"(loop $again (drop (call $read (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))) (br $again))",
		"(loop $again (call $write (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)) (br $again))",
	] {
		assert_eq!(failure(&handler(&format!("{EFFECT} {body}"))), Failure::OutOfGas, "{body}");
	}
}

#[test]
fn traps_have_their_names() {
	for (fields, body, trap) in [
		("", "(unreachable)", Trap::Unreachable),
		("", "(drop (i32.load (i32.const 65533)))", Trap::MemoryOutOfBounds),
		(
			"",
			"(i64.store offset=0xffffffff (i32.const -1) (i64.const 0))",
			Trap::MemoryOutOfBounds,
		),
		(
			"",
			"(drop (i32.div_u (i32.const 1) (i32.const 0)))",
			Trap::DivisionByZero,
		),
		(
			"",
			"(drop (i64.rem_s (i64.const 1) (i64.const 0)))",
			Trap::DivisionByZero,
		),
		(
			"",
			"(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))",
			Trap::IntegerOverflow,
		),
		(
			"(table 1 funcref)",
			"(call_indirect (i32.const 0))",
			Trap::NullCall,
		),
		(
			"(table 1 funcref)",
			"(call_indirect (i32.const 1))",
			Trap::TableOutOfBounds,
		),
		(
			"(table 1 funcref) (func $f (param i64)) (elem (i32.const 0) $f)",
			"(call_indirect (i32.const 0))",
			Trap::BadSignature,
		),
	] {
		let code = module(&format!(
			r#"(memory (export "memory") 1) {fields} (func (export "handle") {EFFECT} {body})"#
		));
		assert_eq!(failure(&code), Failure::Trap(trap), "{body}");
	}
}

#[test]
fn recursion_is_bounded() {
	let recursion = |fields: &str| {
		module(&format!(
			r#"(memory (export "memory") 1) {fields} (func (export "handle") {EFFECT} (call $f (i32.const 0)))"#
		))
	};
	let overflow = Failure::Trap(Trap::StackOverflow);
	for fields in [
		"(func $f (param i32) (call $f (local.get 0)))",
		"(func $f (param i32) (call $g)) (func $g (call $f (i32.const 0)))",
		"(func $f (param i32) (call_indirect (param i32) (i32.const 0) (i32.const 0)))
			(table 1 funcref) (elem (i32.const 0) $f)",
	] {
		assert_eq!(failure(&recursion(fields)), overflow, "{fields}");
	}
	// Much on the stack in few calls.
	let fields = format!(
		"(func $f (param i32) (local {}) (call $f (local.get 0)))",
		"i64 ".repeat(9000)
	);
	assert_eq!(failure(&recursion(&fields)), overflow);

	let deep = |depth: u32| {
		recursion(&format!(
			"(func $f (param i32) (if (i32.lt_u (local.get 0) (i32.const {depth}))
				(then (call $f (i32.add (local.get 0) (i32.const 1))))))"
		))
	};
	effects(&deep(MAX_DEPTH - 2));
	assert_eq!(failure(&deep(MAX_DEPTH)), overflow);
}

#[test]
fn memory_is_bounded() {
	for declared in ["1", "1 65536", "16 65536"] {
		let code = module(&format!(
			r#"(memory (export "memory") {declared})
			(func (export "handle")
				(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
				(i32.store (i32.const 0) (memory.size))
				(i32.store (i32.const 4) (memory.grow (i32.const 65535)))
				(i32.store (i32.const 8) (memory.grow (i32.const -1)))
				(call $write (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 12)))"#
		));
		let value = effects(&code).changes[0].value.clone().unwrap();
		assert_eq!(value[..4], MAX_MEMORY_PAGES.to_le_bytes());
		assert_eq!(value[4..], [0xff; 8]);
	}
	// A maximum of its own binds, and growing is paid for.
	let grow = |pages| {
		let code = module(&format!(
			r#"(memory (export "memory") 1 3) (func (export "handle") (drop (memory.grow (i32.const {pages}))))"#
		));
		effects(&code);
		run_on(&code, &Chain::default()).gas_used
	};
	assert_eq!(grow(2) - grow(0), 2 * gas::PAGE);
	assert_eq!(grow(3), grow(0));
}

#[test]
fn long_messages_are_refused() {
	let receive = |body: u32, reason: u32| {
		let incoming = Incoming {
			body: vec![0; body as usize],
			kind: Kind::Bounce {
				reason: Reason::Refused(vec![0; reason as usize]),
			},
			..incoming()
		};
		let context = Context {
			info: info(),
			incoming: &incoming,
			gas: GAS,
			keep_log: false,
		};
		let outcome = run(&handler(EFFECT), &context, &Chain::default());
		assert!(outcome.gas_used >= gas::MESSAGE);
		outcome.result.map(|effects| effects.changes.len())
	};
	assert_eq!(receive(MAX_BODY, MAX_REASON), Ok(1));
	assert_eq!(receive(MAX_BODY + 1, 0), Err(Failure::BodyTooLong));
	assert_eq!(receive(0, MAX_REASON + 1), Err(Failure::ReasonTooLong));

	let send = |body: u32| {
		let message = Outgoing {
			body: vec![1; body as usize],
			..outgoing(0, 0)
		};
		let bytes = message.encode();
		handler_with(
			0,
			&bytes,
			&format!("{EFFECT} (call $send (i32.const 0) (i32.const {}))", bytes.len()),
		)
	};
	assert_eq!(effects(&send(MAX_BODY)).sends[0].body.len(), MAX_BODY as usize);
	assert_eq!(failure(&send(MAX_BODY + 1)), Failure::BodyTooLong);
	let create = |body: u32| {
		let creation = Creation {
			body: vec![1; body as usize],
			..creation(1, 0, 0)
		};
		let bytes = creation.encode();
		handler_with(
			0,
			&bytes,
			&format!(
				"{EFFECT} (call $create (i32.const 0) (i32.const {}) (i32.const 0))",
				bytes.len()
			),
		)
	};
	assert_eq!(effects(&create(MAX_BODY)).creations.len(), 1);
	assert_eq!(failure(&create(MAX_BODY + 1)), Failure::BodyTooLong);
	for (len, expected) in [
		(MAX_REASON, Failure::Refused(vec![0; MAX_REASON as usize])),
		(MAX_REASON + 1, Failure::ReasonTooLong),
		(u32::MAX, Failure::ReasonTooLong),
	] {
		let code = handler(&format!("(call $refuse (i32.const 0) (i32.const {len}))"));
		assert_eq!(failure(&code), expected);
	}
}

#[test]
fn a_storm_of_messages_ends() {
	let storm = |number: u32, value, gas| {
		let bytes = outgoing(value, gas).encode();
		handler_with(
			0,
			&bytes,
			&format!(
				"(local $i i32) {EFFECT}
				(loop $more
					(call $send (i32.const 0) (i32.const {}))
					(br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const {number}))))",
				bytes.len()
			),
		)
	};
	assert_eq!(effects(&storm(MAX_SENDS, 0, 0)).sends.len(), MAX_SENDS as usize);
	assert_eq!(failure(&storm(MAX_SENDS + 1, 0, 0)), Failure::TooManySends);
	// Messages share the gas of the one that they come from, and its actor's balance.
	assert_eq!(failure(&storm(2, 0, GAS / 2)), Failure::OutOfGas);
	assert_eq!(failure(&storm(1, 0, u64::MAX)), Failure::OutOfGas);
	assert_eq!(effects(&storm(10, 100, 0)).sends.len(), 10);
	assert_eq!(failure(&storm(11, 100, 0)), Failure::Overspent);
	assert_eq!(failure(&storm(1, 1001, 0)), Failure::Overspent);
	assert_eq!(failure(&storm(2, u128::MAX, 0)), Failure::Overspent);
}

#[test]
fn code_that_replicates_itself_ends() {
	let replicate = |creations: &[Creation]| {
		let bytes: Vec<_> = creations.iter().map(Encode::encode).collect();
		let len = bytes.first().map_or(0, Vec::len);
		let calls: String = (0..bytes.len())
			.map(|i| {
				format!(
					"(call $create (i32.const {}) (i32.const {len}) (i32.const 60000))",
					i * len
				)
			})
			.collect();
		handler_with(0, &bytes.concat(), &format!("{EFFECT} {calls}"))
	};
	let different: Vec<_> = (0..=MAX_CREATIONS as u8)
		.map(|salt| creation(salt, 1, 1))
		.collect();
	let most = &different[..MAX_CREATIONS as usize];
	assert_eq!(effects(&replicate(most)).creations.len(), MAX_CREATIONS as usize);
	assert_eq!(failure(&replicate(&different)), Failure::TooManyCreations);
	assert_eq!(
		failure(&replicate(&[creation(1, 0, 0), creation(1, 0, 0)])),
		Failure::AlreadyCreated
	);
	assert_eq!(
		failure(&replicate(&[creation(TAKEN[0], 0, 0)])),
		Failure::AlreadyCreated
	);
	let half = GAS / 2;
	assert_eq!(
		failure(&replicate(&[creation(1, 0, half), creation(2, 0, half)])),
		Failure::OutOfGas
	);
	assert_eq!(
		failure(&replicate(&[creation(1, 600, 0), creation(2, 600, 0)])),
		Failure::Overspent
	);
	let unknown = Creation {
		code: [1; 32],
		..creation(1, 0, 0)
	};
	assert_eq!(failure(&replicate(&[unknown])), Failure::UnknownCode);
}

#[test]
fn value_is_spent_once_by_sends_and_creations() {
	let (send, create) = (outgoing(600, 0).encode(), creation(1, 401, 0).encode());
	let code = handler_with(
		0,
		&[&send[..], &create].concat(),
		&format!(
			"(call $send (i32.const 0) (i32.const {})) (call $create (i32.const {}) (i32.const {}) (i32.const 999))",
			send.len(),
			send.len(),
			create.len()
		),
	);
	assert_eq!(failure(&code), Failure::Overspent);
}

#[test]
fn a_storage_bomb_is_bounded() {
	let keys = |number: u32, call: &str| {
		handler(&format!(
			"(local $i i32)
			(loop $more
				(i32.store (i32.const 0) (local.get $i))
				{call}
				(br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const {number}))))"
		))
	};
	let write = "(call $write (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 4096))";
	let most = effects(&keys(MAX_CHANGES, write));
	assert_eq!(most.changes.len(), MAX_CHANGES as usize);
	assert_eq!(most.deposit.bytes, i64::from(MAX_CHANGES) * (4 + 4096));
	assert_eq!(failure(&keys(MAX_CHANGES + 1, write)), Failure::TooManyChanges);
	let remove = "(call $remove (i32.const 0) (i32.const 4))";
	assert_eq!(failure(&keys(MAX_CHANGES + 1, remove)), Failure::TooManyChanges);

	let write = |key, value| {
		handler(&format!(
			"(call $write (i32.const 0) (i32.const {key}) (i32.const 0) (i32.const {value}))"
		))
	};
	effects(&write(MAX_KEY, MAX_VALUE));
	for len in [MAX_KEY + 1, u32::MAX] {
		assert_eq!(failure(&write(len, 0)), Failure::KeyTooLong);
		for body in [
			format!("(call $remove (i32.const 0) (i32.const {len}))"),
			format!("(drop (call $read (i32.const 0) (i32.const {len}) (i32.const 0) (i32.const 0)))"),
		] {
			assert_eq!(failure(&handler(&body)), Failure::KeyTooLong);
		}
	}
	for len in [MAX_VALUE + 1, u32::MAX] {
		assert_eq!(failure(&write(0, len)), Failure::ValueTooLong);
	}
}

#[test]
fn pointers_have_to_be_into_memory() {
	let chain = Chain([(b"".to_vec(), vec![1; 8])].into());
	let end = 65536u32;
	let calls = [
		("(drop (call $info (i32.const PTR)))", 64),
		("(call $input (i32.const PTR))", 59),
		(
			"(drop (call $read (i32.const PTR) (i32.const LEN) (i32.const 0) (i32.const 8)))",
			4,
		),
		(
			"(drop (call $read (i32.const 0) (i32.const 0) (i32.const PTR) (i32.const LEN)))",
			8,
		),
		(
			"(call $write (i32.const PTR) (i32.const LEN) (i32.const 0) (i32.const 0))",
			4,
		),
		(
			"(call $write (i32.const 0) (i32.const 0) (i32.const PTR) (i32.const LEN))",
			4,
		),
		("(call $remove (i32.const PTR) (i32.const LEN))", 4),
		("(call $send (i32.const PTR) (i32.const LEN))", 67),
		("(call $create (i32.const PTR) (i32.const LEN) (i32.const 0))", 93),
		("(call $create (i32.const 0) (i32.const 93) (i32.const PTR))", 32),
		("(call $become (i32.const PTR))", 32),
		("(call $end (i32.const PTR))", 32),
		("(call $refuse (i32.const PTR) (i32.const LEN))", 4),
		("(call $log (i32.const PTR) (i32.const LEN))", 4),
	];
	let creation = creation(1, 0, 0).encode();
	assert_eq!((incoming().encode().len(), creation.len()), (59, 93));
	for (call, len) in calls {
		for ptr in [end - len + 1, end, u32::MAX - len + 1, u32::MAX, 1 << 31] {
			let call = call
				.replace("PTR", &ptr.to_string())
				.replace("LEN", &len.to_string());
			let code = handler_with(0, &creation, &format!("{EFFECT} {call}"));
			assert_eq!(failure_on(&code, &chain), Failure::OutOfBounds, "{call}");
		}
	}
	for (start, len) in [(8, end - 7), (8, u32::MAX - 7), (8, u32::MAX)] {
		let code = handler(&format!(
			"{EFFECT} (call $log (i32.const {start}) (i32.const {len}))"
		));
		assert_eq!(failure_on(&code, &chain), Failure::OutOfBounds, "{start} {len}");
	}
	// Nothing at the end of memory is within it, and nowhere else.
	let nothing = |ptr: u32| handler(&format!("(call $log (i32.const {ptr}) (i32.const 0))"));
	effects(&nothing(end));
	assert_eq!(failure(&nothing(end + 1)), Failure::OutOfBounds);
}

#[test]
fn undecodable_messages_fail() {
	let send = outgoing(1, 1).encode();
	let create = creation(1, 1, 1).encode();
	let sends = |bytes: &[u8]| {
		handler_with(
			0,
			bytes,
			&format!("{EFFECT} (call $send (i32.const 0) (i32.const {}))", bytes.len()),
		)
	};
	let creates = |bytes: &[u8]| {
		handler_with(
			0,
			bytes,
			&format!(
				"{EFFECT} (call $create (i32.const 0) (i32.const {}) (i32.const 60000))",
				bytes.len()
			),
		)
	};
	effects(&sends(&send));
	effects(&creates(&create));
	for len in 0..send.len() {
		assert_eq!(failure(&sends(&send[..len])), Failure::Undecodable);
	}
	for len in 0..create.len() {
		assert_eq!(failure(&creates(&create[..len])), Failure::Undecodable);
	}
	assert_eq!(failure(&sends(&[&send[..], &[0]].concat())), Failure::Undecodable);
	assert_eq!(
		failure(&creates(&[&create[..], &[0]].concat())),
		Failure::Undecodable
	);
	// A body that says that it has 2^30 - 1 bytes.
	let mut lie = send[..send.len() - 5].to_vec();
	lie.extend([0xfe, 0xff, 0xff, 0xff]);
	assert_eq!(failure(&sends(&lie)), Failure::Undecodable);
}

#[test]
fn unknown_code_can_not_be_next() {
	let code = handler(&format!("{EFFECT} (call $become (i32.const 0))"));
	assert_eq!(failure(&code), Failure::UnknownCode);
}

#[test]
fn an_actor_can_not_inherit_from_itself() {
	let code = handler_with(
		0,
		&info().this.account,
		&format!("{EFFECT} (call $end (i32.const 0))"),
	);
	assert_eq!(failure(&code), Failure::OwnHeir);
}

#[test]
fn gas_for_loading_is_due_first() {
	let code = handler("");
	let chain = Chain::default();
	let load = validate(&code).unwrap().load_gas();
	let least = run_on(&code, &chain).gas_used;
	for gas in [
		0,
		1,
		gas::MESSAGE - 1,
		gas::MESSAGE,
		load - 1,
		load,
		load + 1,
		least - 1,
	] {
		let outcome = run_with(&code, &chain, gas);
		assert_eq!(outcome.result, Err(Failure::OutOfGas), "{gas}");
		assert_eq!((outcome.gas_used, outcome.gas_passed), (gas, 0));
	}
	for gas in [least, least + 1, u64::MAX] {
		let outcome = run_with(&code, &chain, gas);
		assert_eq!(outcome.result, Ok(Effects::default()));
		assert_eq!(outcome.gas_used, least);
	}
	// A large function is paid for before it is compiled.
	let large = handler(&"(i32.store (i32.const 0) (i32.const 0))".repeat(5000));
	let used = run_on(&large, &chain).gas_used;
	assert!(used > validate(&large).unwrap().load_gas() + 9 * 5000 * 7);
}
