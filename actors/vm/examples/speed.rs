//! Prints how long code takes to validate, to load and to run, and what it is charged:
//! `cargo run --release -p asterism-actor-vm --example speed`. A chain's weights say how much time a gas is; no line
//! should take much more time for its gas than the instructions do.

use asterism_actor_vm::{
	abi::{Account, Address, CodeHash, Creation, Incoming, Info, Kind},
	run, validate, Context, Host,
};
use std::time::Instant;

struct Chain;

impl Host for Chain {
	fn read(&self, _: &[u8]) -> Option<Vec<u8>> {
		Some(vec![1; 4096])
	}

	fn has_code(&self, _: &CodeHash) -> bool {
		true
	}

	fn account(&self, _: &Creation) -> Option<Account> {
		None
	}

	fn items(&self) -> u32 {
		1
	}
}

const MEMORY: &str = r#"(memory (export "memory") 1)"#;
const EMPTY: &str = r#"(func (export "handle"))"#;

fn repeat(number: usize, field: &str) -> String {
	field.repeat(number)
}

fn looping(body: &str, times: u32) -> String {
	format!(
		r#"{MEMORY} (func $f (param i32) (result i32) (local.get 0))
		(func $locals (local {}))
		(type $t (func (param i32) (result i32))) (table 1 funcref) (elem (i32.const 0) $f)
		(func (export "handle") (local $i i32) (local $x i32) (local $y i64)
			(local.set $i (i32.const {times}))
			(loop $l {body} (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1))))))"#,
		repeat(4000, "i64 ")
	)
}

fn main() {
	let host = |call: &str| {
		format!(
			r#"(import "asterism" "read" (func $read (param i32 i32 i32 i32) (result i32)))
			(import "asterism" "write" (func $write (param i32 i32 i32 i32)))
			(import "asterism" "input" (func $input (param i32)))
			(import "asterism" "gas_left" (func $gas_left (result i64))) {}"#,
			looping(call, 1000)
		)
	};
	let long = repeat(
		8000,
		"(i32.store (i32.const 0) (local.get 0)) (local.set 0 (i32.add (local.get 0) (i32.const 1)))",
	);
	let branches = format!("(block (br_table {} (i32.const 1)))", repeat(100_000, "0 "));
	let blocks = format!("{} {}", repeat(20_000, "(block "), repeat(20_000, ")"));
	let programs = [
		("nothing", format!("{MEMORY} {EMPTY}")),
		("128 KiB of custom section", format!(r#"{MEMORY} {EMPTY} (@custom "x" "{}")"#, repeat(130_000, "x"))),
		("120 KiB of data", format!(r#"(memory (export "memory") 2) {EMPTY} (data (i32.const 0) "{}")"#, repeat(120_000, "x"))),
		("2000 functions", format!("{MEMORY} {EMPTY} {}", repeat(2000, "(func)"))),
		("500 types", format!("{MEMORY} {EMPTY} {}", repeat(500, "(type (func (param i32 i64 i32 i64 i32 i64 i32 i64)))"))),
		("250 globals", format!("{MEMORY} {EMPTY} {}", repeat(250, "(global i64 (i64.const 77))"))),
		("4000 elements", format!("{MEMORY} {EMPTY} (table 4000 funcref) (elem (i32.const 0) {})", repeat(4000, "0 "))),
		("250 segments of data", format!("{MEMORY} {EMPTY} {}", repeat(250, r#"(data (i32.const 0) "x")"#))),
		("16 pages", format!(r#"(memory (export "memory") 16) {EMPTY}"#)),
		("a function of 128 KB", format!(r#"{MEMORY} (func (export "handle") (local i32) {long})"#)),
		("a branch to 100000 places", format!(r#"{MEMORY} (func (export "handle") {branches})"#)),
		("20000 nested blocks", format!(r#"{MEMORY} (func (export "handle") {blocks})"#)),
		("add, xor, shift", looping("(local.set $x (i32.rotl (i32.xor (i32.add (local.get $x) (local.get $i)) (i32.const 99)) (i32.const 7)))", 1_000_000)),
		("64-bit multiply, divide", looping("(local.set $y (i64.div_u (i64.mul (i64.add (local.get $y) (i64.const 3)) (i64.const 0x9e3779b97f4a7c15)) (i64.const 7)))", 1_000_000)),
		("load, store", looping("(i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.load offset=4 (i32.and (local.get $i) (i32.const 0x7fff)))))", 1_000_000)),
		("call", looping("(local.set $x (call $f (local.get $i)))", 1_000_000)),
		("call_indirect", looping("(local.set $x (call_indirect (type $t) (local.get $i) (i32.const 0)))", 1_000_000)),
		("call with 4000 locals", looping("(call $locals)", 10_000)),
		("memory.grow", looping("(drop (memory.grow (i32.const 1)))", 1000)),
		("gas_left", host("(drop (call $gas_left))")),
		("input", host("(call $input (i32.const 0))")),
		("read 4 KiB", host("(drop (call $read (i32.const 0) (i32.const 4) (i32.const 100) (i32.const 4096)))")),
		("write 4 KiB", host("(i32.store (i32.const 0) (i32.and (local.get $i) (i32.const 63))) (call $write (i32.const 0) (i32.const 4) (i32.const 100) (i32.const 4096))")),
	];
	let info = Info {
		this: Address {
			chain: 1,
			account: [1; 32],
		},
		balance: 0,
		block: 1,
		time_ms: 1,
	};
	let incoming = Incoming {
		sender: info.this,
		kind: Kind::External,
		value: 0,
		body: vec![0; 2048],
	};
	println!(
		"{:<28}{:>9}{:>14}{:>12}{:>12}{:>10}",
		"code", "bytes", "validate µs", "gas", "run µs", "ns/gas"
	);
	for (name, fields) in programs {
		let code = wat::parse_str(format!("(module {fields})")).expect("the programs are well-formed");
		let start = Instant::now();
		let valid = validate(&code);
		let validated = start.elapsed();
		if let Err(error) = valid {
			println!("{name:<28}{:>9}  {error:?}", code.len());
			continue;
		}
		let context = Context {
			info,
			incoming: &incoming,
			gas: u64::MAX,
			keep_log: false,
		};
		let (mut best, mut gas) = (u128::MAX, 0);
		for _ in 0..10 {
			let start = Instant::now();
			let outcome = run(&code, &context, &Chain);
			best = best.min(start.elapsed().as_nanos());
			assert!(outcome.result.is_ok(), "{name}: {:?}", outcome.result);
			gas = outcome.gas_used;
		}
		println!(
			"{name:<28}{:>9}{:>14.1}{gas:>12}{:>12.1}{:>10.2}",
			code.len(),
			validated.as_nanos() as f64 / 1e3,
			best as f64 / 1e3,
			best as f64 / gas as f64,
		);
	}
}
