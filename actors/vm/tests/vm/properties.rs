//! Whatever the code is: no panic, one outcome, and gas that only decides whether it suffices.

use super::*;
use asterism_actor_vm::{gas, validate};
use codec::Encode;
use proptest::{collection::vec, prelude::*};
use std::fmt::Write;

/// Where the tests put an encoded message and an encoded creation.
const MESSAGE: u32 = 1024;
const CREATION: u32 = 2048;

#[derive(Clone, Debug)]
enum Step {
	Compute(u8, i32),
	Load(u32),
	Store(u32),
	Grow(u8),
	Info(u32),
	Input(u32),
	Read(u32, u32, u32, u32),
	Write(u32, u32, u32, u32),
	Remove(u32, u32),
	Send(u32, u32),
	Create(u32, u32),
	Become(u32),
	End(u32),
	Log(u32, u32),
	Call,
	Refuse(u32),
	Repeat(u8, Vec<Step>),
	If(Vec<Step>),
}

fn pointer() -> impl Strategy<Value = u32> {
	prop_oneof![8 => 0u32..4000, 1 => 65_400u32..65_700, 1 => any::<u32>()]
}

fn length() -> impl Strategy<Value = u32> {
	prop_oneof![12 => 0u32..70, 1 => 0u32..5000, 1 => any::<u32>()]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
	let step = prop_oneof![
		(any::<u8>(), any::<i32>()).prop_map(|(op, value)| Step::Compute(op, value)),
		pointer().prop_map(Step::Load),
		pointer().prop_map(Step::Store),
		any::<u8>().prop_map(Step::Grow),
		pointer().prop_map(Step::Info),
		pointer().prop_map(Step::Input),
		(pointer(), length(), pointer(), length()).prop_map(|(a, b, c, d)| Step::Read(a, b, c, d)),
		(pointer(), length(), pointer(), length()).prop_map(|(a, b, c, d)| Step::Write(a, b, c, d)),
		(pointer(), length()).prop_map(|(a, b)| Step::Remove(a, b)),
		prop_oneof![3 => Just((MESSAGE, 67)), 1 => (pointer(), length())]
			.prop_map(|(at, len)| Step::Send(at, len)),
		prop_oneof![3 => Just((CREATION, 93)), 1 => (pointer(), length())]
			.prop_map(|(at, len)| Step::Create(at, len)),
		prop_oneof![3 => Just(CREATION), 1 => pointer()].prop_map(Step::Become),
		pointer().prop_map(Step::End),
		(pointer(), length()).prop_map(|(a, b)| Step::Log(a, b)),
		Just(Step::Call),
		length().prop_map(Step::Refuse),
	];
	let step = step.prop_recursive(3, 40, 8, |inner| {
		prop_oneof![
			(0u8..20, vec(inner.clone(), 0..8)).prop_map(|(times, steps)| Step::Repeat(times, steps)),
			vec(inner, 0..8).prop_map(Step::If),
		]
	});
	vec(step, 0..12)
}

/// Writes steps as text; each loop has its own counter.
fn text(steps: &[Step], out: &mut String, loops: &mut u32) {
	for step in steps {
		match step {
			Step::Compute(op, value) => {
				let op = ["add", "sub", "mul", "xor", "div_s", "rem_u", "shl", "rotr"][usize::from(op % 8)];
				write!(out, "(local.set $x (i32.{op} (local.get $x) (i32.const {value})))")
			}
			Step::Load(at) => write!(out, "(local.set $x (i32.load (i32.const {at})))"),
			Step::Store(at) => write!(out, "(i32.store (i32.const {at}) (local.get $x))"),
			Step::Grow(pages) => write!(out, "(local.set $x (memory.grow (i32.const {pages})))"),
			Step::Info(at) => write!(out, "(drop (call $info (i32.const {at})))"),
			Step::Input(at) => write!(
				out,
				"(call $input (i32.const {at})) (local.set $x (call $input_len))"
			),
			Step::Read(a, b, c, d) => write!(
				out,
				"(local.set $x (call $read (i32.const {a}) (i32.const {b}) (i32.const {c}) (i32.const {d})))"
			),
			Step::Write(a, b, c, d) => write!(
				out,
				"(call $write (i32.const {a}) (i32.const {b}) (i32.const {c}) (i32.const {d}))"
			),
			Step::Remove(a, b) => write!(out, "(call $remove (i32.const {a}) (i32.const {b}))"),
			Step::Send(at, len) => write!(out, "(call $send (i32.const {at}) (i32.const {len}))"),
			Step::Create(at, len) => write!(
				out,
				"(call $create (i32.const {at}) (i32.const {len}) (i32.const 100))"
			),
			Step::Become(at) => write!(out, "(call $become (i32.const {at}))"),
			Step::End(at) => write!(out, "(call $end (i32.const {at}))"),
			Step::Log(a, b) => write!(out, "(call $log (i32.const {a}) (i32.const {b}))"),
			Step::Call => write!(out, "(local.set $x (call $f (local.get $x)))"),
			Step::Refuse(len) => write!(
				out,
				"(if (i32.and (local.get $x) (i32.const 7)) (then (call $refuse (i32.const 0) (i32.const {len}))))"
			),
			Step::Repeat(times, steps) => {
				let i = *loops;
				*loops += 1;
				write!(out, "(local.set $i{i} (i32.const 0)) (loop $l{i} ").unwrap();
				text(steps, out, loops);
				write!(
					out,
					"(br_if $l{i} (i32.lt_u (local.tee $i{i} (i32.add (local.get $i{i}) (i32.const 1))) (i32.const {times}))))"
				)
			}
			Step::If(steps) => {
				write!(out, "(if (i32.and (local.get $x) (i32.const 1)) (then ").unwrap();
				text(steps, out, loops);
				write!(out, "))")
			}
		}
		.unwrap();
	}
}

fn program(steps: &[Step]) -> Vec<u8> {
	let (mut body, mut loops) = (String::new(), 0);
	text(steps, &mut body, &mut loops);
	let mut locals = String::from("(local $x i32)");
	for i in 0..loops {
		write!(locals, "(local $i{i} i32)").unwrap();
	}
	module(&format!(
		r#"(memory (export "memory") 1) {} {}
		(func $f (param i32) (result i32) (i32.add (local.get 0) (i32.const 7)))
		(func (export "handle") {locals} {body})"#,
		data(MESSAGE, &outgoing(50, 2000).encode()),
		data(CREATION, &creation(9, 50, 3000).encode())
	))
}

fn chain() -> Chain {
	Chain(
		[
			(vec![], b"some value".to_vec()),
			(vec![0], vec![]),
			(vec![0; 8], vec![1; 100]),
		]
		.into(),
	)
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

	#[test]
	fn bytes_never_panic(bytes in vec(any::<u8>(), 0..300), gas in 0..2 * GAS) {
		let _ = validate(&bytes);
		let outcome = run_with(&bytes, &chain(), gas);
		prop_assert!(outcome.result.is_err());
		prop_assert!(outcome.gas_used <= gas);

		let bytes = [&b"\0asm\x01\0\0\0"[..], &bytes].concat();
		let _ = validate(&bytes);
		let _ = run_with(&bytes, &chain(), gas);
	}

	#[test]
	fn damaged_code_never_panics(
		steps in steps(),
		damage in vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..8),
	) {
		let mut code = program(&steps);
		for (at, byte, kind) in damage {
			let at = at.index(code.len());
			match kind {
				0 => code[at] = byte,
				1 => code.insert(at, byte),
				_ => { code.remove(at); }
			}
		}
		let valid = validate(&code);
		let outcome = run_with(&code, &chain(), GAS);
		prop_assert!(outcome.gas_used + outcome.gas_passed <= GAS);
		if valid.is_ok() {
			prop_assert!(!matches!(outcome.result, Err(Failure::BadCode(_))));
		}
	}

	#[test]
	fn gas_decides_only_whether_it_suffices(steps in steps(), more in any::<u32>()) {
		let (code, chain) = (program(&steps), chain());
		let load = validate(&code).unwrap().load_gas();
		prop_assert!(load > gas::MESSAGE);
		let outcome = run_with(&code, &chain, GAS);
		prop_assert_eq!(&run_with(&code, &chain, GAS), &outcome);
		prop_assert!(outcome.gas_used + outcome.gas_passed <= GAS);
		if outcome.result == Err(Failure::OutOfGas) {
			return Ok(());
		}
		prop_assert_eq!(&run_with(&code, &chain, GAS + u64::from(more)), &outcome);

		let (mut short, mut enough) = (0, GAS);
		while enough - short > 1 {
			let gas = short + (enough - short) / 2;
			let tried = run_with(&code, &chain, gas);
			if tried == outcome {
				enough = gas;
			} else {
				prop_assert_eq!(&tried.result, &Err(Failure::OutOfGas));
				prop_assert_eq!((tried.gas_used, tried.gas_passed), (gas, 0));
				short = gas;
			}
		}
		prop_assert!(enough > load);
		match outcome.result {
			Ok(_) => prop_assert_eq!(enough, outcome.gas_used + outcome.gas_passed),
			// What it passed on is not taken in the end.
			Err(_) => prop_assert!(enough >= outcome.gas_used),
		}
	}

	#[test]
	fn effects_are_bounded_and_covered(steps in steps()) {
		let code = program(&steps);
		let Ok(effects) = run_with(&code, &chain(), GAS).result else { return Ok(()) };
		let sent: u128 = effects.sends.iter().map(|send| send.value).sum();
		let created: u128 = effects.creations.iter().map(|created| created.creation.value).sum();
		prop_assert!(sent + created <= info().balance);
		prop_assert!(effects.sends.len() <= 32 && effects.creations.len() <= 4 && effects.changes.len() <= 64);

		let mut after = chain().0;
		for change in effects.changes {
			match change.value {
				Some(value) => after.insert(change.key, value),
				None => after.remove(&change.key),
			};
		}
		let size = |storage: &BTreeMap<Vec<u8>, Vec<u8>>| -> i64 {
			storage.iter().map(|(key, value)| (key.len() + value.len()) as i64).sum()
		};
		prop_assert_eq!(effects.deposit.bytes, size(&after) - size(&chain().0));
		prop_assert_eq!(i64::from(effects.deposit.items), after.len() as i64 - chain().0.len() as i64);
	}
}
