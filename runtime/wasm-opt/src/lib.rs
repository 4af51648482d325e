//! What the build of a runtime's Wasm needs of Binaryen's `wasm-opt`, in plain Rust.
//!
//! # Overview
//!
//! `substrate-wasm-builder` depends on the crate `wasm-opt`, bindings that bring and compile the whole of Binaryen, for
//! minutes of a first build. It asks for two passes only, and for no optimization:
//!
//! * [`Pass::SignextLowering`]: the five instructions that extend a sign, which came to WebAssembly after its first release and
//!   which the executor refuses, become two shifts each, `x << n >> n`;
//! * [`Pass::StripDwarf`]: the sections with debugging information go.
//!
//! This crate has just these under the names of the bindings, and the workspace puts it in their place (`[patch.crates-io]`).
//! Whoever builds our runtimes from another workspace gets the bindings; the modules behave alike.
//!
//! # Flow
//!
//! [`OptimizationOptions::run`] reads a module, re-encodes it by `wasm-encoder` with the passes asked for, checks the result by
//! `wasmparser`'s validator, and only then writes it. All other sections stay as they are, in their order; the names of functions
//! stay too.
//!
//! # Assumptions
//!
//! The module is one that our own build has just made. A broken one is refused, and nothing is written.

use std::{fs, io, path::Path};
use wasm_encoder::{
	reencode::{self, Reencode},
	CodeSection, CustomSection, Instruction, Module,
};
use wasmparser::{CustomSectionReader, FunctionBody, KnownCustom, Operator, Parser, Validator, WasmFeatures};

/// The instructions of the first release of WebAssembly, and globals that can change, which the executor knows too.
const FIRST_RELEASE: WasmFeatures = WasmFeatures::WASM1;

/// A pass over a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
	/// Replaces `i32.extend8_s` and its like by shifts.
	SignextLowering,
	/// Drops the sections with debugging information in the format DWARF.
	StripDwarf,
}

/// Why a module was not written.
#[derive(Debug, thiserror::Error)]
pub enum OptimizationError {
	/// The file can't be read or written.
	#[error("{path}: {error}")]
	File {
		/// Which file.
		path: String,
		/// What the system says.
		error: io::Error,
	},
	/// It is no module that can be re-encoded.
	#[error("expected a WebAssembly module: {0}")]
	Module(String),
	/// The result is no module of the features asked for.
	#[error("expected a module of WebAssembly's first release, after the passes {passes:?}: {error}")]
	Features {
		/// The passes that were made.
		passes: Vec<Pass>,
		/// What is wrong, and where in the result.
		error: wasmparser::BinaryReaderError,
	},
}

/// What to do to a module.
#[derive(Clone, Debug, Default)]
pub struct OptimizationOptions {
	passes: Vec<Pass>,
	first_release_only: bool,
	drop_names: bool,
}

impl OptimizationOptions {
	/// No optimization, and no pass yet. The names of functions go unless [`Self::debug_info`] keeps them.
	pub fn new_opt_level_0() -> Self {
		Self {
			drop_names: true,
			..Self::default()
		}
	}

	/// Refuses a result that uses more than WebAssembly's first release.
	pub fn mvp_features_only(&mut self) -> &mut Self {
		self.first_release_only = true;
		self
	}

	/// Whether the names of functions stay.
	pub fn debug_info(&mut self, keep: bool) -> &mut Self {
		self.drop_names = !keep;
		self
	}

	/// Adds a pass. Passes don't depend on each other, in any order they give the same.
	pub fn add_pass(&mut self, pass: Pass) -> &mut Self {
		self.passes.push(pass);
		self
	}

	/// Reads a module, makes the passes, and writes the result, which may be the same file.
	///
	/// # Errors
	///
	/// If the file can't be read or written, if it isn't a module, or if the result uses features that were not asked for; then
	/// nothing is written.
	pub fn run(&self, infile: impl AsRef<Path>, outfile: impl AsRef<Path>) -> Result<(), OptimizationError> {
		let (infile, outfile) = (infile.as_ref(), outfile.as_ref());
		let at = |path: &Path| {
			let path = path.display().to_string();
			|error| OptimizationError::File { path, error }
		};
		let module = self.transform(&fs::read(infile).map_err(at(infile))?)?;
		fs::write(outfile, module).map_err(at(outfile))
	}

	/// Makes the passes over a module.
	///
	/// # Errors
	///
	/// As [`Self::run`].
	pub fn transform(&self, module: &[u8]) -> Result<Vec<u8>, OptimizationError> {
		let mut result = Module::new();
		Passes(self)
			.parse_core_module(&mut result, Parser::new(0), module)
			.map_err(|error| OptimizationError::Module(error.to_string()))?;
		let result = result.finish();
		let features = if self.first_release_only {
			FIRST_RELEASE
		} else {
			WasmFeatures::default()
		};
		Validator::new_with_features(features)
			.validate_all(&result)
			.map_err(|error| OptimizationError::Features {
				passes: self.passes.clone(),
				error,
			})?;
		Ok(result)
	}

	fn has(&self, pass: Pass) -> bool {
		self.passes.contains(&pass)
	}
}

/// Re-encodes a module and changes what the passes are about.
struct Passes<'a>(&'a OptimizationOptions);

impl Reencode for Passes<'_> {
	type Error = std::convert::Infallible;

	fn parse_custom_section(
		&mut self,
		module: &mut Module,
		section: CustomSectionReader<'_>,
	) -> Result<(), reencode::Error> {
		let goes = match section.name() {
			name if name.starts_with(".debug_") => self.0.has(Pass::StripDwarf),
			// Tells which features the compiler was allowed: of no use to an executor, and wrong after a lowering.
			"target_features" => self.0.has(Pass::SignextLowering),
			_ => matches!(section.as_known(), KnownCustom::Name(_)) && self.0.drop_names,
		};
		if !goes {
			module.section(&CustomSection {
				name: section.name().into(),
				data: section.data().into(),
			});
		}
		Ok(())
	}

	fn parse_function_body(
		&mut self,
		code: &mut CodeSection,
		body: FunctionBody<'_>,
	) -> Result<(), reencode::Error> {
		let lowers = self.0.has(Pass::SignextLowering);
		let mut function = self.new_function_with_parsed_locals(&body)?;
		let mut operators = body.get_operators_reader()?;
		while !operators.eof() {
			let operator = operators.read()?;
			match sign_extension(&operator) {
				Some(instructions) if lowers => instructions.iter().for_each(|instruction| {
					function.instruction(instruction);
				}),
				_ => {
					function.instruction(&self.instruction(operator)?);
				}
			}
		}
		code.function(&function);
		Ok(())
	}
}

/// The shifts that do what an instruction does that extends a sign, or nothing for another one.
fn sign_extension(operator: &Operator<'_>) -> Option<[Instruction<'static>; 4]> {
	let narrow = |bits: i32| {
		let unused = Instruction::I32Const(32 - bits);
		[unused.clone(), Instruction::I32Shl, unused, Instruction::I32ShrS]
	};
	let wide = |bits: i64| {
		let unused = Instruction::I64Const(64 - bits);
		[unused.clone(), Instruction::I64Shl, unused, Instruction::I64ShrS]
	};
	match operator {
		Operator::I32Extend8S => Some(narrow(8)),
		Operator::I32Extend16S => Some(narrow(16)),
		Operator::I64Extend8S => Some(wide(8)),
		Operator::I64Extend16S => Some(wide(16)),
		Operator::I64Extend32S => Some(wide(32)),
		_ => None,
	}
}
