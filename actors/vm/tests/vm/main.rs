//! Code, written as text, handles messages.

mod attacks;
mod code;
mod handling;
mod properties;

use asterism_actor_vm::{
	abi::{Account, Address, CodeHash, Creation, Incoming, Info, Kind, Outgoing},
	run, Context, Effects, Failure, Host, Outcome,
};
use std::collections::BTreeMap;

/// Gas that suffices for all that doesn't run for ever.
const GAS: u64 = 10_000_000;
/// Code that has been uploaded.
const UPLOADED: CodeHash = [0xc0; 32];
/// The salt of an actor that has been created before.
const TAKEN: [u8; 32] = [0xee; 32];

/// A chain with this storage of the actor.
#[derive(Clone, Default)]
struct Chain(BTreeMap<Vec<u8>, Vec<u8>>);

impl Host for Chain {
	fn read(&self, key: &[u8]) -> Option<Vec<u8>> {
		self.0.get(key).cloned()
	}

	fn has_code(&self, code: &CodeHash) -> bool {
		*code == UPLOADED
	}

	fn account(&self, creation: &Creation) -> Option<Account> {
		(creation.salt != TAKEN).then(|| creation.salt.map(|byte| byte ^ 0xff))
	}

	fn items(&self) -> u32 {
		self.0.len() as u32
	}
}

fn address(account: u8) -> Address {
	Address {
		chain: 7,
		account: [account; 32],
	}
}

fn info() -> Info {
	Info {
		this: address(1),
		balance: 1000,
		block: 42,
		time_ms: 1_700_000_000_123,
	}
}

fn incoming() -> Incoming {
	Incoming {
		sender: address(2),
		kind: Kind::External,
		value: 100,
		body: b"hello".to_vec(),
	}
}

fn outgoing(value: u128, gas: u64) -> Outgoing {
	Outgoing {
		to: address(3),
		value,
		gas,
		body: b"news".to_vec(),
	}
}

fn creation(salt: u8, value: u128, gas: u64) -> Creation {
	Creation {
		code: UPLOADED,
		salt: [salt; 32],
		value,
		gas,
		body: b"born".to_vec(),
	}
}

/// A module that imports everything and has this text in it.
fn module(fields: &str) -> Vec<u8> {
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
			{fields})"#
	);
	wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// A module with a page of memory whose handler does this.
fn handler(body: &str) -> Vec<u8> {
	module(&format!(
		r#"(memory (export "memory") 1) (func (export "handle") {body})"#
	))
}

/// As [`handler`], with bytes in memory.
fn handler_with(at: u32, bytes: &[u8], body: &str) -> Vec<u8> {
	module(&format!(
		r#"(memory (export "memory") 1) {} (func (export "handle") {body})"#,
		data(at, bytes)
	))
}

fn data(at: u32, bytes: &[u8]) -> String {
	let text: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
	format!(r#"(data (i32.const {at}) "{text}")"#)
}

fn run_with(code: &[u8], chain: &Chain, gas: u64) -> Outcome {
	let context = Context {
		info: info(),
		incoming: &incoming(),
		gas,
		keep_log: false,
	};
	run(code, &context, chain)
}

fn run_on(code: &[u8], chain: &Chain) -> Outcome {
	run_with(code, chain, GAS)
}

/// What code does that is valid and succeeds.
fn effects(code: &[u8]) -> Effects {
	effects_on(code, &Chain::default())
}

fn effects_on(code: &[u8], chain: &Chain) -> Effects {
	asterism_actor_vm::validate(code).unwrap();
	let outcome = run_on(code, chain);
	let effects = outcome.result.unwrap();
	let passed = effects.sends.iter().map(|send| send.gas);
	let passed = passed.chain(effects.creations.iter().map(|created| created.creation.gas));
	assert_eq!(outcome.gas_passed, passed.sum::<u64>());
	assert!(outcome.gas_used > 0 && outcome.gas_used + outcome.gas_passed <= GAS);
	effects
}

/// Why valid code fails. That nothing is applied then is what [`Outcome`] can't express otherwise.
fn failure(code: &[u8]) -> Failure {
	failure_on(code, &Chain::default())
}

fn failure_on(code: &[u8], chain: &Chain) -> Failure {
	let load = asterism_actor_vm::validate(code).unwrap().load_gas();
	let outcome = run_on(code, chain);
	let failure = outcome.result.unwrap_err();
	assert!(outcome.gas_used > load, "{failure:?}");
	assert!(outcome.gas_used <= GAS);
	assert_eq!(outcome.gas_used == GAS, failure == Failure::OutOfGas);
	assert_eq!(outcome.gas_passed, 0);
	failure
}
