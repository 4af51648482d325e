//! The passes change nothing but what they are about, by running the modules before and after.

use proptest::prelude::*;
use wasm_opt::{OptimizationError, OptimizationOptions, Pass};
use wasmi::{Config, Engine, Instance, Linker, Module, Store};

/// All five instructions, each behind an export, and one that a lowering has nothing to do with, with a branch around it.
const MODULE: &str = r#"
	(module
		(func (export "narrow8") (param i32) (result i32) (i32.extend8_s (local.get 0)))
		(func (export "narrow16") (param i32) (result i32) (i32.extend16_s (local.get 0)))
		(func (export "wide8") (param i64) (result i64) (i64.extend8_s (local.get 0)))
		(func (export "wide16") (param i64) (result i64) (i64.extend16_s (local.get 0)))
		(func (export "wide32") (param i64) (result i64) (i64.extend32_s (local.get 0)))
		(func (export "mixed") (param i64) (result i64) (local i64)
			(local.set 1 (i64.const 7))
			(loop $again
				(local.set 1 (i64.add (local.get 1) (i64.extend8_s (local.get 0))))
				(local.set 0 (i64.shr_u (local.get 0) (i64.const 8)))
				(br_if $again (i32.wrap_i64 (local.get 0))))
			(local.get 1))
	)"#;

fn module() -> Vec<u8> {
	wat::parse_str(MODULE).expect("the text is right")
}

/// The options that the build of a runtime uses.
fn builds_options() -> OptimizationOptions {
	let mut options = OptimizationOptions::new_opt_level_0();
	options
		.mvp_features_only()
		.debug_info(true)
		.add_pass(Pass::StripDwarf)
		.add_pass(Pass::SignextLowering);
	options
}

/// A module that runs, with the instructions that extend signs or without.
fn instance(module: &[u8], with_extensions: bool) -> (Store<()>, Instance) {
	let mut config = Config::default();
	config.wasm_sign_extension(with_extensions);
	let engine = Engine::new(&config);
	let module = Module::new(&engine, module).expect("the module is valid for its features");
	let mut store = Store::new(&engine, ());
	let instance = Linker::new(&engine)
		.instantiate(&mut store, &module)
		.and_then(|instance| instance.start(&mut store))
		.expect("it has no imports and no start");
	(store, instance)
}

/// What a module's function makes of a value.
fn result_of(module: &[u8], with_extensions: bool, function: &str, value: i64) -> i64 {
	let (mut store, instance) = instance(module, with_extensions);
	if function.starts_with("narrow") {
		let function = instance
			.get_typed_func::<i32, i32>(&store, function)
			.expect("exported");
		function
			.call(&mut store, value as i32)
			.expect("it does not trap")
			.into()
	} else {
		let function = instance
			.get_typed_func::<i64, i64>(&store, function)
			.expect("exported");
		function.call(&mut store, value).expect("it does not trap")
	}
}

/// With a custom section at its end.
fn with_section(mut module: Vec<u8>, name: &str, data: &[u8]) -> Vec<u8> {
	let length = u8::try_from(1 + name.len() + data.len()).expect("short");
	assert!(length < 0x80, "one byte of LEB128");
	module.extend([0, length, name.len() as u8]);
	module.extend(name.as_bytes());
	module.extend(data);
	module
}

/// The names and data of a module's custom sections, in order.
fn sections(module: &[u8]) -> Vec<(String, Vec<u8>)> {
	wasmparser::Parser::new(0)
		.parse_all(module)
		.filter_map(|payload| match payload.expect("a module") {
			wasmparser::Payload::CustomSection(section) => {
				Some((section.name().to_string(), section.data().to_vec()))
			}
			_ => None,
		})
		.collect()
}

proptest! {
	#[test]
	fn lowered_functions_give_the_same(value: i64) {
		let before = module();
		let after = builds_options().transform(&before).expect("the module can be lowered");
		for function in ["narrow8", "narrow16", "wide8", "wide16", "wide32", "mixed"] {
			prop_assert_eq!(
				result_of(&before, true, function, value),
				result_of(&after, false, function, value),
				"{} of {}", function, value
			);
		}
	}

	#[test]
	fn nothing_but_modules_is_taken(
		cut in 0..200_usize,
		tail in proptest::collection::vec(any::<u8>(), 0..20),
	) {
		let mut bytes = module();
		bytes.truncate(cut);
		bytes.extend(tail);
		let is_module = wasmparser::Validator::new().validate_all(&bytes).is_ok();
		let mut options = OptimizationOptions::new_opt_level_0();
		prop_assert_eq!(options.add_pass(Pass::SignextLowering).transform(&bytes).is_ok(), is_module);
	}
}

#[test]
fn without_a_lowering_the_extensions_are_no_first_release() {
	let error = OptimizationOptions::new_opt_level_0()
		.mvp_features_only()
		.transform(&module())
		.expect_err("the instructions are still there");
	assert!(matches!(error, OptimizationError::Features { .. }), "{error}");
	assert!(error.to_string().contains("sign extension"), "{error}");
}

#[test]
fn other_features_are_refused_if_only_the_first_release_is_allowed() {
	let module =
		wat::parse_str("(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))")
			.expect("the text is right");
	assert!(matches!(
		builds_options().transform(&module),
		Err(OptimizationError::Features { .. })
	));
	let mut any = OptimizationOptions::new_opt_level_0();
	any.add_pass(Pass::SignextLowering)
		.transform(&module)
		.expect("any feature is allowed");
}

#[test]
fn debugging_information_goes_and_the_rest_stays_in_order() {
	let sections_of = |options: &OptimizationOptions| {
		let mut module = wat::parse_str("(module)").expect("the text is right");
		for name in [
			"runtime_version",
			".debug_info",
			"name",
			".debug_str",
			"runtime_apis",
			"target_features",
		] {
			// A section of names may be empty, and says nothing then.
			let data: &[u8] = if name == "name" { &[] } else { &[1, 2, 3] };
			module = with_section(module, name, data);
		}
		sections(&options.transform(&module).expect("a module"))
	};
	let kept = |names: &[&str]| {
		let data = |name: &str| if name == "name" { vec![] } else { vec![1, 2, 3] };
		names
			.iter()
			.map(|name| (name.to_string(), data(name)))
			.collect::<Vec<_>>()
	};
	assert_eq!(
		sections_of(&builds_options()),
		kept(&["runtime_version", "name", "runtime_apis"])
	);

	let mut nothing = OptimizationOptions::new_opt_level_0();
	assert_eq!(
		sections_of(nothing.debug_info(true)),
		kept(&[
			"runtime_version",
			".debug_info",
			"name",
			".debug_str",
			"runtime_apis",
			"target_features"
		])
	);
	assert_eq!(
		sections_of(nothing.debug_info(false)),
		kept(&[
			"runtime_version",
			".debug_info",
			".debug_str",
			"runtime_apis",
			"target_features"
		])
	);
}

#[test]
fn files_are_written_only_if_all_is_well() {
	let folder = tempfile::tempdir().expect("a folder");
	let (good, bad) = (folder.path().join("good.wasm"), folder.path().join("bad.wasm"));
	std::fs::write(&good, module()).expect("written");
	std::fs::write(&bad, b"\0asm nothing").expect("written");

	builds_options()
		.run(&good, &good)
		.expect("a file may be its own result");
	assert_eq!(
		std::fs::read(&good).expect("there"),
		builds_options().transform(&module()).expect("a module")
	);

	assert!(matches!(
		builds_options().run(&bad, &good),
		Err(OptimizationError::Module(_))
	));
	assert_eq!(
		std::fs::read(&good).expect("there"),
		builds_options().transform(&module()).expect("a module")
	);

	let error = builds_options()
		.run(folder.path().join("none.wasm"), &good)
		.expect_err("no file");
	assert!(error.to_string().contains("none.wasm"), "{error}");
}
