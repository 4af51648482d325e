//! Which code may run.

use super::*;
use asterism_actor_vm::{
	abi::{MAX_CODE, MAX_MEMORY_PAGES},
	gas, validate, CodeError, Facts, Limit, MAX_DATA_SEGMENTS, MAX_ELEMENTS, MAX_ELEMENT_SEGMENTS,
	MAX_EXPORTS, MAX_FUNCTIONS, MAX_GLOBALS, MAX_IMPORTS, MAX_SECTIONS, MAX_TABLE, MAX_TYPES,
};

const MEMORY: &str = r#"(memory (export "memory") 1)"#;
const HANDLE: &str = r#"(func (export "handle"))"#;

/// Code of this text alone.
fn bare(fields: &str) -> Vec<u8> {
	let text = format!("(module {fields})");
	wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn with(fields: &str) -> Vec<u8> {
	bare(&format!("{MEMORY} {HANDLE} {fields}"))
}

/// Why code is refused; it can't run either.
fn refused(code: &[u8]) -> CodeError {
	let error = validate(code).unwrap_err();
	let outcome = run_on(code, &Chain::default());
	assert!(outcome.gas_used >= gas::MESSAGE + code.len().min(MAX_CODE as usize) as u64);
	match outcome.result {
		// Functions are compiled when they are called, so what is wrong with them may not show.
		Ok(effects) => assert_eq!(effects, Effects::default()),
		Err(Failure::BadCode(_)) => {}
		Err(failure) => panic!("{failure:?}"),
	}
	error
}

fn float(code: &[u8]) -> bool {
	matches!(refused(code), CodeError::Float { .. })
}

fn unsupported(code: &[u8]) -> bool {
	matches!(refused(code), CodeError::Unsupported { .. })
}

fn malformed(code: &[u8]) -> bool {
	matches!(refused(code), CodeError::Malformed { .. })
}

fn many(number: u32, field: impl Fn(u32) -> String) -> String {
	(0..number).map(field).collect()
}

#[test]
fn facts_are_what_the_code_says() {
	let code = with(
		r#"(table 3 funcref) (func $f) (elem (i32.const 1) $f $f) (global i32 (i32.const 1)) (data (i32.const 0) "x")"#,
	);
	let facts = Facts {
		len: code.len() as u32,
		// A type, 2 functions, 3 places, 1 global, 2 exports, 1 segment of 2 elements, 1 segment of data.
		entries: 1 + 2 + 3 + 1 + 2 + 1 + 2 + 1,
		functions: 2,
		pages: 1,
	};
	assert_eq!(validate(&code), Ok(facts));
}

#[test]
fn floating_point_is_refused() {
	assert!(float(&with("(func (drop (f32.const 1)))")));
	assert!(float(&with("(func (param f64))")));
	assert!(float(&with("(func (local f32))")));
	assert!(float(&with("(global f64 (f64.const 0))")));
	assert!(float(&with("(func (drop (f32.load (i32.const 0))))")));
	assert!(float(&with("(func (drop (i32.reinterpret_f32 (f32.const 1))))")));
	assert!(float(&with(
		"(func (param i32) (drop (f64.convert_i32_s (local.get 0))))"
	)));
	assert_eq!(
		refused(&with("(func (drop (i64.const 0)) (drop (f64.const 1)))")),
		CodeError::Float { at: 56 }
	);
}

#[test]
fn later_proposals_are_refused() {
	for fields in [
		// SIMD.
		"(func (drop (v128.const i64x2 0 0)))",
		"(func (drop (i32x4.add (v128.const i64x2 0 0) (v128.const i64x2 0 0))))",
		"(func (local v128))",
		// Bulk memory.
		"(func (memory.copy (i32.const 0) (i32.const 0) (i32.const 0)))",
		"(func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))",
		r#"(data "passive")"#,
		"(elem func)",
		"(elem declare func)",
		// Saturating conversions.
		"(func (drop (i32.trunc_sat_f32_s (f32.const 1))))",
		// Several results, and parameters of blocks.
		"(func (result i32 i32) (i32.const 0) (i32.const 0))",
		"(func (i32.const 0) (block (param i32) (drop)))",
		// Reference types.
		"(func (drop (ref.null func)))",
		"(table 1 externref)",
		"(table 1 funcref) (table 1 funcref)",
		// Tail calls.
		"(func $f (return_call $f))",
		// Threads.
		"(func (drop (i32.atomic.load (i32.const 0))))",
		// More memories.
		"(memory 1)",
		// Exceptions.
		"(tag)",
		// Expressions in constants.
		"(global i32 (i32.add (i32.const 1) (i32.const 1)))",
	] {
		assert!(unsupported(&with(fields)), "{fields}");
	}
	for memory in ["i64 1", "1 1 shared"] {
		let code = bare(&format!(r#"(memory (export "memory") {memory}) {HANDLE}"#));
		assert!(unsupported(&code), "{memory}");
	}
	assert!(unsupported(b"\0asm\x0d\0\x01\0"));
}

#[test]
fn malformed_code_is_refused() {
	assert!(malformed(b""));
	assert!(malformed(b"\0asm"));
	assert!(malformed(b"\x7fELF"));
	assert!(malformed(b"(module)"));
	let not_valid = [
		"(func (result i32))",
		"(func (drop))",
		"(func (local.set 3 (i32.const 0)))",
		"(func (call 99))",
		"(func (i64.add (i32.const 0) (i32.const 0)) (drop))",
		"(func (br 7))",
		"(func (i32.store align=8 (i32.const 0) (i32.const 0)))",
		"(func (global.set 0 (i32.const 0))) (global i32 (i32.const 0))",
	];
	for fields in not_valid {
		assert!(malformed(&with(fields)), "{fields}");
	}
	// A name that is exported twice.
	assert!(malformed(&with(r#"(func (export "x")) (func (export "x"))"#)));
}

#[test]
fn no_part_of_code_is_code() {
	// Without data and names at its end, which code is code without.
	let code = bare(&format!(
		r#"(import "asterism" "input" (func (param i32))) {MEMORY} (global (mut i32) (i32.const 5))
		(table 1 funcref) (elem (i32.const 0) 1)
		(func (export "handle") (if (global.get 0) (then (call 0 (i32.const 0)))))"#
	));
	validate(&code).unwrap();
	for len in 0..code.len() {
		refused(&code[..len]);
	}
	let longer = [&code[..], &[0]].concat();
	assert!(malformed(&longer));
}

#[test]
fn a_start_function_is_refused() {
	assert_eq!(refused(&with("(func $f) (start $f)")), CodeError::Start);
}

#[test]
fn only_host_functions_can_be_imported() {
	for import in [
		r#"(import "asterism" "nothing" (func))"#,
		r#"(import "env" "info" (func (param i32) (result i32)))"#,
		r#"(import "asterism" "info" (func))"#,
		r#"(import "asterism" "info" (func (param i64) (result i32)))"#,
		r#"(import "asterism" "info" (func (param i32)))"#,
		r#"(import "asterism" "send" (func (param i32 i32 i32)))"#,
		r#"(import "asterism" "gas_left" (func (result i32)))"#,
		r#"(import "asterism" "info" (global i32))"#,
		r#"(import "asterism" "memory" (memory 1))"#,
		r#"(import "asterism" "table" (table 1 funcref))"#,
	] {
		let code = bare(&format!("{import} {MEMORY} {HANDLE}"));
		assert_eq!(refused(&code), CodeError::Import, "{import}");
	}
	let memory = bare(&format!(r#"(import "asterism" "memory" (memory 1)) {HANDLE}"#));
	assert_eq!(refused(&memory), CodeError::Import);
	// The same twice is harmless.
	let twice = r#"(import "asterism" "input_len" (func (result i32)))"#;
	validate(&bare(&format!("{twice} {twice} {MEMORY} {HANDLE}"))).unwrap();
}

#[test]
fn handler_and_memory_have_to_be_exported() {
	for fields in [
		"(func)",
		r#"(func (export "Handle"))"#,
		r#"(func (export "handle") (param i32))"#,
		r#"(func (export "handle") (result i32) (i32.const 0))"#,
		r#"(global (export "handle") i32 (i32.const 0))"#,
	] {
		let code = bare(&format!("{MEMORY} {fields}"));
		assert_eq!(refused(&code), CodeError::NoHandle, "{fields}");
	}
	for fields in [
		"",
		"(memory 1)",
		r#"(memory (export "mem") 1)"#,
		r#"(func (export "memory"))"#,
		r#"(global (export "memory") i32 (i32.const 0))"#,
	] {
		let code = bare(&format!("{HANDLE} {fields}"));
		assert_eq!(refused(&code), CodeError::NoMemory, "{fields}");
	}
	let none = bare(&format!(r#"{HANDLE} (export "memory" (memory 0))"#));
	assert_eq!(refused(&none), CodeError::NoMemory);
}

#[test]
fn there_is_a_limit_to_everything() {
	let accepted = |fields: &str, limit: Limit| {
		assert!(validate(&with(fields)).is_ok(), "{limit:?}");
	};
	let exceeds = |fields: &str, limit: Limit| {
		assert_eq!(refused(&with(fields)), CodeError::Exceeds(limit));
	};
	let globals = |n| many(n, |_| "(global i32 (i32.const 0))".into());
	accepted(&globals(MAX_GLOBALS), Limit::Globals);
	exceeds(&globals(MAX_GLOBALS + 1), Limit::Globals);
	let functions = |n| many(n - 1, |_| "(func)".into());
	accepted(&functions(MAX_FUNCTIONS), Limit::Functions);
	exceeds(&functions(MAX_FUNCTIONS + 1), Limit::Functions);
	let exports = |n| many(n - 2, |i| format!(r#"(export "{i}" (func 0))"#));
	accepted(&exports(MAX_EXPORTS), Limit::Exports);
	exceeds(&exports(MAX_EXPORTS + 1), Limit::Exports);
	let types = |n| many(n - 1, |_| "(type (func (param i32)))".into());
	accepted(&types(MAX_TYPES), Limit::Types);
	exceeds(&types(MAX_TYPES + 1), Limit::Types);
	let table = |n| format!("(table {n} funcref)");
	accepted(&table(MAX_TABLE), Limit::Table);
	exceeds(&table(MAX_TABLE + 1), Limit::Table);
	exceeds(&table(u32::MAX), Limit::Table);
	let segments = |n| {
		format!(
			"(table 1 funcref) {}",
			many(n, |_| "(elem (i32.const 0) 0)".into())
		)
	};
	accepted(&segments(MAX_ELEMENT_SEGMENTS), Limit::ElementSegments);
	exceeds(&segments(MAX_ELEMENT_SEGMENTS + 1), Limit::ElementSegments);
	let elements = |n| {
		format!(
			"{} (elem (i32.const 0) {}) (elem (i32.const 0) 0)",
			table(MAX_TABLE),
			many(n - 1, |_| "0 ".into())
		)
	};
	accepted(&elements(MAX_ELEMENTS), Limit::Elements);
	exceeds(&elements(MAX_ELEMENTS + 1), Limit::Elements);
	let segments = |n| many(n, |_| r#"(data (i32.const 0) "x")"#.into());
	accepted(&segments(MAX_DATA_SEGMENTS), Limit::DataSegments);
	exceeds(&segments(MAX_DATA_SEGMENTS + 1), Limit::DataSegments);
	exceeds(
		&many(MAX_SECTIONS, |_| r#"(@custom "x" "")"#.into()),
		Limit::Sections,
	);

	let imports = |n| {
		let imports = many(n, |_| r#"(import "asterism" "become" (func (param i32)))"#.into());
		bare(&format!("{imports} {MEMORY} {HANDLE}"))
	};
	assert!(validate(&imports(MAX_IMPORTS)).is_ok());
	assert_eq!(
		refused(&imports(MAX_IMPORTS + 1)),
		CodeError::Exceeds(Limit::Imports)
	);

	let memory = |pages| bare(&format!(r#"(memory (export "memory") {pages}) {HANDLE}"#));
	assert!(validate(&memory(MAX_MEMORY_PAGES)).is_ok());
	assert_eq!(
		refused(&memory(MAX_MEMORY_PAGES + 1)),
		CodeError::Exceeds(Limit::Memory)
	);
	assert_eq!(refused(&memory(65536)), CodeError::Exceeds(Limit::Memory));

	let len = |n: usize| {
		let rest = with("").len() + 1 + 3 + 1 + 1;
		with(&format!(r#"(@custom "x" "{}")"#, "y".repeat(n - rest)))
	};
	let longest = len(MAX_CODE as usize);
	assert_eq!(longest.len(), MAX_CODE as usize);
	validate(&longest).unwrap();
	assert_eq!(refused(&len(MAX_CODE as usize + 1)), CodeError::TooLong);
	assert_eq!(refused(&vec![0; 1 << 20]), CodeError::TooLong);
}

#[test]
fn what_the_interpreter_can_not_compile_is_refused() {
	let locals = with(&format!("(func (local {}))", "i64 ".repeat(40_000)));
	assert_eq!(refused(&locals), CodeError::TooComplex);
	let locals = with(&format!("(func (local {}))", "i64 ".repeat(60_000)));
	assert!(malformed(&locals));
}

#[test]
fn segments_have_to_fit() {
	assert_eq!(
		refused(&with(r#"(data (i32.const 65536) "x")"#)),
		CodeError::Segment
	);
	assert_eq!(refused(&with(r#"(data (i32.const -1) "x")"#)), CodeError::Segment);
	assert_eq!(
		refused(&with("(table 1 funcref) (elem (i32.const 1) 0)")),
		CodeError::Segment
	);
	assert_eq!(
		refused(&with("(table 1 funcref) (elem (i32.const -1) 0)")),
		CodeError::Segment
	);
	validate(&with(r#"(data (i32.const 65535) "x")"#)).unwrap();
}

#[test]
fn bad_functions_show_when_they_are_called() {
	let code = bare(&format!(
		r#"{MEMORY} (func $bad (drop (f32.const 1))) (func (export "handle") (call $bad))"#
	));
	assert!(float(&code));
	let failure = run_on(&code, &Chain::default()).result.unwrap_err();
	assert!(matches!(failure, Failure::BadCode(_)));
}
