//! Which code may run, and how it gets into the interpreter.

use crate::{
	abi::{Account, Address, CodeHash, Creation, Info, HANDLE, MAX_CODE, MAX_MEMORY_PAGES, MEMORY, MODULE},
	gas,
	host::{self, State},
	run::{Host, MAX_DEPTH, MAX_STACK},
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;
use wasmi::{CompilationMode, Config, Engine, Error, Extern, Instance, Module, StackLimits, Store};
use wasmparser::{
	BinaryReaderError, DataKind, ElementItems, ElementKind, Encoding, ExternalKind, FuncType, Parser,
	Payload, RefType, TypeRef, ValType, Validator, WasmFeatures,
};

/// Sections that code may have, custom ones included.
pub const MAX_SECTIONS: u32 = 64;
/// Types that code may have.
pub const MAX_TYPES: u32 = 512;
/// Functions that code may import; it may import one more than once.
pub const MAX_IMPORTS: u32 = 32;
/// Functions that code may define.
pub const MAX_FUNCTIONS: u32 = 2048;
/// Globals that code may have.
pub const MAX_GLOBALS: u32 = 256;
/// Exports that code may have.
pub const MAX_EXPORTS: u32 = 256;
/// Places that the table may have.
pub const MAX_TABLE: u32 = 4096;
/// Segments of elements that code may have.
pub const MAX_ELEMENT_SEGMENTS: u32 = 64;
/// Elements that all segments may have together.
pub const MAX_ELEMENTS: u32 = 4096;
/// Segments of data that code may have.
pub const MAX_DATA_SEGMENTS: u32 = 256;

/// WebAssembly 1.0 without floating point, and with sign extension.
const SUPPORTED: WasmFeatures = WasmFeatures::MUTABLE_GLOBAL.union(WasmFeatures::SIGN_EXTENSION);

/// What tells unsupported code from malformed code: later proposals, as far as compilers emit them.
const KNOWN: WasmFeatures = SUPPORTED
	.union(WasmFeatures::FLOATS)
	.union(WasmFeatures::SATURATING_FLOAT_TO_INT)
	.union(WasmFeatures::REFERENCE_TYPES)
	.union(WasmFeatures::GC_TYPES)
	.union(WasmFeatures::MULTI_VALUE)
	.union(WasmFeatures::BULK_MEMORY)
	.union(WasmFeatures::SIMD)
	.union(WasmFeatures::THREADS)
	.union(WasmFeatures::TAIL_CALL)
	.union(WasmFeatures::MULTI_MEMORY)
	.union(WasmFeatures::EXCEPTIONS)
	.union(WasmFeatures::MEMORY64)
	.union(WasmFeatures::EXTENDED_CONST);

/// The prefix of SIMD instructions, which is all that the validator is built to know of them.
const SIMD_PREFIX: u8 = 0xfd;

const I32: ValType = ValType::I32;

/// The host functions: name, parameters, results.
const IMPORTS: [(&str, &[ValType], &[ValType]); 13] = [
	("info", &[I32], &[I32]),
	("input_len", &[], &[I32]),
	("input", &[I32], &[]),
	("read", &[I32, I32, I32, I32], &[I32]),
	("write", &[I32, I32, I32, I32], &[]),
	("remove", &[I32, I32], &[]),
	("send", &[I32, I32], &[]),
	("create", &[I32, I32, I32], &[]),
	("become", &[I32], &[]),
	("end", &[I32], &[]),
	("refuse", &[I32, I32], &[]),
	("gas_left", &[], &[ValType::I64]),
	("log", &[I32, I32], &[]),
];

/// Why code can't be an actor's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum CodeError {
	/// It is longer than [`MAX_CODE`].
	TooLong,
	/// It is not a valid WebAssembly module.
	Malformed {
		/// The position of the first byte that can't be.
		at: u32,
	},
	/// It uses floating point, whose results are not the same everywhere.
	Float {
		/// Where first.
		at: u32,
	},
	/// It uses a proposal to WebAssembly that came after 1.0: SIMD, threads, bulk memory, reference types, several
	/// results, tail calls, 64-bit memory, ….
	Unsupported {
		/// Where first.
		at: u32,
	},
	/// It has a start function.
	Start,
	/// It imports what is not a host function of that name and signature.
	Import,
	/// It doesn't export a function of the name and signature of [`HANDLE`].
	NoHandle,
	/// It doesn't export a memory of its own by the name [`MEMORY`].
	NoMemory,
	/// It has more of something than it may.
	Exceeds(Limit),
	/// A segment of data or elements doesn't fit into the memory or table at its start.
	Segment,
	/// The interpreter can't compile a function: it has too many locals or branches.
	TooComplex,
}

/// What code may have only so much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Limit {
	/// [`MAX_SECTIONS`].
	Sections,
	/// [`MAX_TYPES`].
	Types,
	/// [`MAX_IMPORTS`].
	Imports,
	/// [`MAX_FUNCTIONS`].
	Functions,
	/// [`MAX_GLOBALS`].
	Globals,
	/// [`MAX_EXPORTS`].
	Exports,
	/// [`MAX_TABLE`].
	Table,
	/// [`MAX_ELEMENT_SEGMENTS`].
	ElementSegments,
	/// [`MAX_ELEMENTS`].
	Elements,
	/// [`MAX_DATA_SEGMENTS`].
	DataSegments,
	/// [`MAX_MEMORY_PAGES`], at the start. It can't grow beyond them, whatever maximum it declares.
	Memory,
}

/// What is known of code that may run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct Facts {
	/// Its bytes.
	pub len: u32,
	/// Entries of its sections and its table, of which [`gas::ENTRY`] says what they cost.
	pub entries: u32,
	/// The functions that it defines.
	pub functions: u32,
	/// The pages of memory that it starts with.
	pub pages: u32,
}

impl Facts {
	/// The least gas that a message to this code takes: to load it, before it is called.
	pub fn load_gas(&self) -> u64 {
		let bytes = u64::from(self.len).saturating_mul(gas::CODE_BYTE);
		gas::MESSAGE
			.saturating_add(bytes)
			.saturating_add(self.entry_gas())
	}

	/// The part of [`Facts::load_gas`] that takes a look into the code.
	pub(crate) fn entry_gas(&self) -> u64 {
		let entries = u64::from(self.entries).saturating_mul(gas::ENTRY);
		entries.saturating_add(u64::from(self.pages).saturating_mul(gas::PAGE))
	}
}

impl From<BinaryReaderError> for CodeError {
	fn from(error: BinaryReaderError) -> Self {
		Self::Malformed { at: position(&error) }
	}
}

fn position(error: &BinaryReaderError) -> u32 {
	error.offset() as u32
}

/// Decides whether code may run. It takes time in proportion to the length of the code.
///
/// # Errors
/// The first [`CodeError`] found.
pub fn validate(code: &[u8]) -> Result<Facts, CodeError> {
	let facts = check(code).map_err(|error| match error {
		CodeError::Malformed { .. } => judge(code),
		error => error,
	})?;
	// All functions are compiled, so that this can't fail when they are called.
	let engine = engine(CompilationMode::Eager);
	let nobody = Address {
		chain: 0,
		account: Account::default(),
	};
	let info = Info {
		this: nobody,
		balance: 0,
		block: 0,
		time_ms: 0,
	};
	let module = module(&engine, code).map_err(|_| judge(code))?;
	instance(
		&mut store(&engine, State::new(&Nothing, info, Vec::new(), false)),
		&module,
	)?;
	Ok(facts)
}

/// Nothing to read.
struct Nothing;

impl Host for Nothing {
	fn read(&self, _: &[u8]) -> Option<Vec<u8>> {
		None
	}

	fn has_code(&self, _: &CodeHash) -> bool {
		false
	}

	fn account(&self, _: &Creation) -> Option<Account> {
		None
	}

	fn items(&self) -> u32 {
		0
	}
}

/// Finds out what is wrong with code that didn't load.
fn judge(code: &[u8]) -> CodeError {
	let invalid = |features| Validator::new_with_features(features).validate_all(code).err();
	let Some(error) = invalid(SUPPORTED) else {
		return CodeError::TooComplex;
	};
	let at = position(&error);
	if invalid(SUPPORTED.union(WasmFeatures::FLOATS)).is_none() {
		return CodeError::Float { at };
	}
	match invalid(KNOWN) {
		None => CodeError::Unsupported { at },
		Some(error) if code.get(error.offset()) == Some(&SIMD_PREFIX) => CodeError::Unsupported { at },
		Some(_) => CodeError::Malformed { at },
	}
}

/// Checks all but the bodies of functions.
pub(crate) fn check(code: &[u8]) -> Result<Facts, CodeError> {
	if code.len() > MAX_CODE as usize {
		return Err(CodeError::TooLong);
	}
	let mut parser = Parser::new(0);
	parser.set_features(SUPPORTED);
	let mut header = Header {
		facts: Facts {
			len: code.len() as u32,
			..Facts::default()
		},
		..Header::default()
	};
	for payload in parser.parse_all(code) {
		header.add(payload?)?;
	}
	if !header.has_handle {
		return Err(CodeError::NoHandle);
	}
	if !header.has_memory {
		return Err(CodeError::NoMemory);
	}
	Ok(header.facts)
}

/// What the sections have shown so far.
#[derive(Default)]
struct Header {
	facts: Facts,
	sections: u32,
	types: Vec<FuncType>,
	/// The types of imported and defined functions.
	functions: Vec<u32>,
	has_own_memory: bool,
	elements: u32,
	has_handle: bool,
	has_memory: bool,
}

impl Header {
	fn add(&mut self, payload: Payload<'_>) -> Result<(), CodeError> {
		if !matches!(payload, Payload::CodeSectionEntry(_)) {
			count(&mut self.sections, 1, MAX_SECTIONS, Limit::Sections)?;
		}
		match payload {
			Payload::Version {
				encoding: Encoding::Component,
				range,
				..
			} => {
				return Err(CodeError::Unsupported {
					at: range.start as u32,
				})
			}
			Payload::TypeSection(section) => {
				self.entries(section.count(), MAX_TYPES, Limit::Types)?;
				for ty in section.into_iter_err_on_gc_types() {
					self.types.push(ty?);
				}
			}
			Payload::ImportSection(section) => {
				self.entries(section.count(), MAX_IMPORTS, Limit::Imports)?;
				for import in section {
					let import = import?;
					let TypeRef::Func(ty) = import.ty else {
						return Err(CodeError::Import);
					};
					let (_, params, results) = IMPORTS
						.iter()
						.find(|(name, ..)| import.module == MODULE && import.name == *name)
						.ok_or(CodeError::Import)?;
					if !self.is(ty, params, results) {
						return Err(CodeError::Import);
					}
					self.functions.push(ty);
				}
			}
			Payload::FunctionSection(section) => {
				self.entries(section.count(), MAX_FUNCTIONS, Limit::Functions)?;
				self.facts.functions = section.count();
				for ty in section {
					self.functions.push(ty?);
				}
			}
			Payload::TableSection(section) => {
				let at = section.range().start as u32;
				for table in section {
					let ty = table?.ty;
					if ty.element_type != RefType::FUNCREF {
						return Err(CodeError::Unsupported { at });
					}
					let places = u32::try_from(ty.initial).unwrap_or(u32::MAX);
					self.entries(places, MAX_TABLE, Limit::Table)?;
				}
			}
			Payload::MemorySection(section) => {
				for memory in section {
					let pages = u32::try_from(memory?.initial).unwrap_or(u32::MAX);
					count(&mut self.facts.pages, pages, MAX_MEMORY_PAGES, Limit::Memory)?;
					self.has_own_memory = true;
				}
			}
			Payload::GlobalSection(section) => {
				self.entries(section.count(), MAX_GLOBALS, Limit::Globals)?;
			}
			Payload::ExportSection(section) => {
				self.entries(section.count(), MAX_EXPORTS, Limit::Exports)?;
				for export in section {
					let export = export?;
					match export.kind {
						ExternalKind::Func if export.name == HANDLE => {
							let ty = self.functions.get(export.index as usize);
							self.has_handle = ty.is_some_and(|ty| self.is(*ty, &[], &[]));
						}
						ExternalKind::Memory if export.name == MEMORY => {
							self.has_memory = self.has_own_memory;
						}
						_ => {}
					}
				}
			}
			Payload::StartSection { .. } => return Err(CodeError::Start),
			Payload::ElementSection(section) => {
				self.entries(section.count(), MAX_ELEMENT_SEGMENTS, Limit::ElementSegments)?;
				let at = section.range().start as u32;
				for segment in section {
					let segment = segment?;
					if !matches!(segment.kind, ElementKind::Active { .. }) {
						return Err(CodeError::Unsupported { at });
					}
					let items = match segment.items {
						ElementItems::Functions(items) => items.count(),
						ElementItems::Expressions(_, items) => items.count(),
					};
					count(&mut self.elements, items, MAX_ELEMENTS, Limit::Elements)?;
					self.facts.entries = self.facts.entries.saturating_add(items);
				}
			}
			Payload::DataSection(section) => {
				self.entries(section.count(), MAX_DATA_SEGMENTS, Limit::DataSegments)?;
				let at = section.range().start as u32;
				for segment in section {
					if !matches!(segment?.kind, DataKind::Active { .. }) {
						return Err(CodeError::Unsupported { at });
					}
				}
			}
			// The interpreter judges the others.
			_ => {}
		}
		Ok(())
	}

	/// Adds a section's entries to the facts.
	fn entries(&mut self, number: u32, max: u32, limit: Limit) -> Result<(), CodeError> {
		count(&mut 0, number, max, limit)?;
		self.facts.entries = self.facts.entries.saturating_add(number);
		Ok(())
	}

	/// Whether a type is this one.
	fn is(&self, ty: u32, params: &[ValType], results: &[ValType]) -> bool {
		self.types
			.get(ty as usize)
			.is_some_and(|ty| ty.params() == params && ty.results() == results)
	}
}

fn count(total: &mut u32, number: u32, max: u32, limit: Limit) -> Result<(), CodeError> {
	*total = total
		.checked_add(number)
		.filter(|total| *total <= max)
		.ok_or(CodeError::Exceeds(limit))?;
	Ok(())
}

/// An interpreter of what is supported.
pub(crate) fn engine(mode: CompilationMode) -> Engine {
	let mut config = Config::default();
	config
		.wasm_mutable_global(true)
		.wasm_sign_extension(true)
		.wasm_saturating_float_to_int(false)
		.wasm_multi_value(false)
		.wasm_multi_memory(false)
		.wasm_bulk_memory(false)
		.wasm_reference_types(false)
		.wasm_tail_call(false)
		.wasm_extended_const(false)
		.floats(false)
		.consume_fuel(true)
		.ignore_custom_sections(true)
		.compilation_mode(mode)
		.set_stack_limits(StackLimits {
			initial_value_stack_height: 128,
			maximum_value_stack_height: MAX_STACK as usize,
			maximum_recursion_depth: MAX_DEPTH as usize,
		});
	Engine::new(&config)
}

/// A store for one instance.
pub(crate) fn store<'s>(engine: &Engine, state: State<'s>) -> Store<State<'s>> {
	let mut store = Store::new(engine, state);
	store.limiter(|state| &mut state.limits);
	store
}

/// Reads code into the interpreter.
pub(crate) fn module(engine: &Engine, code: &[u8]) -> Result<Module, Error> {
	Module::new(engine, code)
}

/// Gives code its memory and host functions. No gas is taken, and nothing is called.
pub(crate) fn instance(store: &mut Store<State<'_>>, module: &Module) -> Result<Instance, CodeError> {
	let imports = module
		.imports()
		.map(|import| host::function(store, import.name()).map(Extern::Func))
		.collect::<Option<Vec<_>>>()
		.ok_or(CodeError::Import)?;
	let instance = Instance::new(&mut *store, module, &imports).map_err(|_| CodeError::Segment)?;
	store.data_mut().memory = instance.get_memory(&*store, MEMORY);
	Ok(instance)
}
