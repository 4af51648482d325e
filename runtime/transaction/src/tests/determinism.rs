//! Whatever actors do, a block is the same, twice executed natively and once in WebAssembly: results, state root and digest.

use super::*;
use asterism_primitives::{message::Body, Hash};
use pallet_actors::{actor_account, Address, Event};
use polkadot_sdk::{
	sc_executor::WasmExecutor,
	sp_core::traits::{CallContext, CodeExecutor, RuntimeCode, WrappedRuntimeCode},
	sp_io::{hashing::blake2_256, SubstrateHostFunctions},
};
use proptest::{collection::vec, prelude::*};
use std::{fmt::Write, sync::LazyLock};

/// What an actor of a test may do with a message. Numbers are reduced to what there is.
#[derive(Clone, Debug)]
enum Step {
	/// To an account: this actor, or one that was made before it, or a user; here, or on the other chain.
	Send {
		to: usize,
		away: bool,
		value: u8,
		/// By how much the gas that is left is divided.
		share: u8,
		body: u8,
	},
	Create {
		code: usize,
		value: u8,
		share: u8,
	},
	Become {
		code: usize,
	},
	/// For a user.
	End,
	Write {
		key: u8,
		len: u16,
	},
	Remove {
		key: u8,
	},
	/// So many function calls in each other.
	Recurse(u16),
	Loop,
	Trap,
	Refuse,
}

/// A step that is taken if the first byte of the body has one of these bits.
type Guarded = (u8, Step);

fn step() -> impl Strategy<Value = Guarded> {
	let step = prop_oneof![
		6 => (any::<usize>(), any::<bool>(), any::<u8>(), 2u8..6, any::<u8>())
			.prop_map(|(to, away, value, share, body)| Step::Send { to, away, value, share, body }),
		2 => (any::<usize>(), any::<u8>(), 2u8..6).prop_map(|(code, value, share)| Step::Create { code, value, share }),
		1 => any::<usize>().prop_map(|code| Step::Become { code }),
		1 => Just(Step::End),
		3 => (any::<u8>(), 0u16..600).prop_map(|(key, len)| Step::Write { key, len }),
		1 => any::<u8>().prop_map(|key| Step::Remove { key }),
		1 => any::<u16>().prop_map(Step::Recurse),
		1 => Just(Step::Loop),
		1 => Just(Step::Trap),
		1 => Just(Step::Refuse),
	];
	(any::<u8>(), step)
}

/// What is known when a program is written: the programs before it.
struct Known {
	codes: Vec<Hash>,
	accounts: Vec<AccountId>,
}

const MESSAGES: usize = 8192;
const MESSAGE: usize = 128;

/// A module of these steps.
fn program(steps: &[Guarded], known: &Known) -> Vec<u8> {
	let (mut body, mut data) = (String::new(), String::new());
	let escaped = |bytes: &[u8]| {
		bytes
			.iter()
			.fold(String::new(), |text, byte| format!("{text}\\{byte:02x}"))
	};
	for (i, (mask, step)) in steps.iter().enumerate() {
		// The body begins at 100, whatever the kind of the message.
		write!(
			body,
			"(if (i32.and (i32.load8_u (i32.const 100)) (i32.const {mask})) (then "
		)
		.unwrap();
		let at = MESSAGES + i * MESSAGE;
		let place = |bytes: &[u8]| format!("(data (i32.const {at}) \"{}\")", escaped(bytes));
		match step {
			Step::Send {
				to,
				away,
				value,
				share,
				body: said,
			} => {
				let users = [Sr25519Keyring::Bob, Sr25519Keyring::Eve].map(|user| user.to_account_id());
				let accounts: Vec<&AccountId> = known.accounts.iter().chain(&users).collect();
				let chain = 1 + u32::from(*away);
				let account = accounts.get(to % (accounts.len() + 1));
				let id = account.map_or([0; 32], |account| (*account).clone().into());
				let value = u128::from(*value) * UNIT / 100;
				let bytes = (chain, id, value, 0u64, vec![*said]).encode();
				data += &place(&bytes);
				if account.is_none() {
					// Itself: what `info` wrote at 0.
					for word in 0..4 {
						let (from, to) = (4 + word * 8, at + 4 + word * 8);
						write!(body, "(i64.store (i32.const {to}) (i64.load (i32.const {from})))").unwrap();
					}
				}
				write!(
					body,
					"(i64.store (i32.const {}) (i64.div_u (call $gas_left) (i64.const {share})))
					(call $send (i32.const {at}) (i32.const {}))",
					at + 52,
					bytes.len()
				)
				.unwrap();
			}
			Step::Create { code, value, share } => {
				// There is none before the first one.
				let hash = known
					.codes
					.get(code % known.codes.len().max(1))
					.copied()
					.unwrap_or_default();
				let value = u128::from(*value) * UNIT / 100;
				let bytes = (hash, [i as u8; 32], value, 0u64, vec![0xffu8]).encode();
				data += &place(&bytes);
				write!(
					body,
					"(i64.store (i32.const {}) (call $gas_left))
					(i64.store (i32.const {}) (i64.div_u (call $gas_left) (i64.const {share})))
					(call $create (i32.const {at}) (i32.const {}) (i32.const 64))",
					at + 32,
					at + 80,
					bytes.len()
				)
				.unwrap();
			}
			Step::Become { code } => {
				let hash = known
					.codes
					.get(code % known.codes.len().max(1))
					.copied()
					.unwrap_or_default();
				data += &place(hash.as_ref());
				write!(body, "(call $become (i32.const {at}))").unwrap();
			}
			Step::End => {
				let heir: [u8; 32] = Sr25519Keyring::Eve.to_account_id().into();
				data += &place(&heir);
				write!(body, "(call $end (i32.const {at}))").unwrap();
			}
			Step::Write { key, len } => write!(
				body,
				"(i32.store8 (i32.const 99) (i32.const {key}))
				(call $write (i32.const 99) (i32.const 1) (i32.const 100) (i32.const {len}))"
			)
			.unwrap(),
			Step::Remove { key } => write!(
				body,
				"(i32.store8 (i32.const 99) (i32.const {key})) (call $remove (i32.const 99) (i32.const 1))"
			)
			.unwrap(),
			Step::Recurse(times) => write!(body, "(call $deep (i32.const {times}))").unwrap(),
			Step::Loop => body += "(loop $l (br $l))",
			Step::Trap => body += "(unreachable)",
			Step::Refuse => body += "(call $refuse (i32.const 0) (i32.const 16))",
		}
		body += "))";
	}
	let text = format!(
		r#"(module
			(import "asterism" "info" (func $info (param i32) (result i32)))
			(import "asterism" "input_len" (func $input_len (result i32)))
			(import "asterism" "input" (func $input (param i32)))
			(import "asterism" "write" (func $write (param i32 i32 i32 i32)))
			(import "asterism" "remove" (func $remove (param i32 i32)))
			(import "asterism" "send" (func $send (param i32 i32)))
			(import "asterism" "create" (func $create (param i32 i32 i32)))
			(import "asterism" "become" (func $become (param i32)))
			(import "asterism" "end" (func $end (param i32)))
			(import "asterism" "refuse" (func $refuse (param i32 i32)))
			(import "asterism" "gas_left" (func $gas_left (result i64)))
			(memory (export "memory") 1) {data}
			(func $deep (param i32) (if (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1))))))
			(func (export "handle")
				(drop (call $info (i32.const 0)))
				(call $input (i32.const 4096))
				(i32.store8 (i32.const 100)
					(i32.load8_u (i32.sub (i32.add (i32.const 4096) (call $input_len)) (i32.const 1))))
				{body}))"#
	);
	wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Executes blocks of a chain.
trait Execute {
	fn begin(&mut self, header: &Header);
	fn apply(&mut self, extrinsic: &UncheckedExtrinsic) -> Vec<u8>;
	fn end(&mut self) -> Header;
}

struct Native(TestExternalities);

impl Execute for Native {
	fn begin(&mut self, header: &Header) {
		self.0.execute_with(|| Executive::initialize_block(header));
	}

	fn apply(&mut self, extrinsic: &UncheckedExtrinsic) -> Vec<u8> {
		self.0
			.execute_with(|| Executive::apply_extrinsic(extrinsic.clone()).encode())
	}

	fn end(&mut self) -> Header {
		self.0.execute_with(Executive::finalize_block)
	}
}

static EXECUTOR: LazyLock<WasmExecutor<SubstrateHostFunctions>> =
	// Curves are for certificates only.
	LazyLock::new(|| {
		WasmExecutor::builder()
			.with_allow_missing_host_functions(true)
			.build()
	});

struct Wasm(TestExternalities);

impl Wasm {
	fn call(&mut self, method: &str, input: &[u8]) -> Vec<u8> {
		let wasm = WASM_BINARY.expect("the runtime is built with its WebAssembly");
		let code = RuntimeCode {
			code_fetcher: &WrappedRuntimeCode(wasm.into()),
			hash: blake2_256(wasm).to_vec(),
			heap_pages: None,
		};
		let (result, _) = EXECUTOR.call(
			&mut self.0.ext(),
			&code,
			method,
			input,
			CallContext::Onchain { import: false },
		);
		result.unwrap_or_else(|error| panic!("{method}: {error}"))
	}
}

impl Execute for Wasm {
	fn begin(&mut self, header: &Header) {
		self.call("Core_initialize_block", &header.encode());
	}

	fn apply(&mut self, extrinsic: &UncheckedExtrinsic) -> Vec<u8> {
		self.call("BlockBuilder_apply_extrinsic", &extrinsic.encode())
	}

	fn end(&mut self) -> Header {
		Header::decode(&mut &self.call("BlockBuilder_finalize_block", &[])[..]).unwrap()
	}
}

/// A chain that is executed three times at once.
struct Chain {
	native: [Native; 2],
	wasm: Wasm,
	number: u32,
	nonce: Nonce,
}

impl Chain {
	fn new() -> Self {
		let new = || build(genesis(1)).unwrap();
		Chain {
			native: [Native(new()), Native(new())],
			wasm: Wasm(new()),
			number: 0,
			nonce: 0,
		}
	}

	/// All executions of this are the same.
	fn all<R: PartialEq + std::fmt::Debug>(&mut self, run: impl Fn(&mut dyn Execute) -> R) -> R {
		let [first, second] = &mut self.native;
		let result = run(first);
		assert_eq!(result, run(second), "natively, once more");
		assert_eq!(result, run(&mut self.wasm), "in WebAssembly");
		result
	}

	/// A block of Alice's calls. Whether each one succeeded.
	fn block(&mut self, calls: Vec<RuntimeCall>) -> Vec<bool> {
		self.number += 1;
		let number = self.number;
		let header = header(number);
		self.all(|chain| chain.begin(&header));
		let inherents = self.native[0].0.execute_with(|| {
			let mut root = RootFixture::default();
			root.set_chains([1, 2].map(ChainId));
			inherents(number, Some(&root.view(ChainId(1), 7, &[], &[])))
		});
		for inherent in inherents {
			self.all(|chain| chain.apply(&inherent));
		}
		let mut done = Vec::new();
		for call in calls {
			let nonce = self.nonce;
			let extrinsic = self.native[0].0.execute_with(|| signed(call, nonce));
			let result = self.all(|chain| chain.apply(&extrinsic));
			let result = sp_runtime::ApplyExtrinsicResult::decode(&mut &result[..]).unwrap();
			self.nonce += 1;
			done.push(result.expect("valid").is_ok());
		}
		let header = self.all(|chain| chain.end());
		assert_ne!(header.state_root, Hash::zero());
		done
	}
}

const GAS: u64 = 3_000_000;

proptest! {
	#![proptest_config(ProptestConfig::with_cases(12))]

	#[test]
	fn programs_run_the_same_everywhere(
		programs in vec(vec(step(), 0..6), 1..4),
		calls in vec((any::<usize>(), any::<u8>(), any::<u8>()), 1..24),
	) {
		let mut chain = Chain::new();
		let alice = Sr25519Keyring::Alice.to_account_id();
		let mut known = Known { codes: Vec::new(), accounts: Vec::new() };
		let (mut uploads, mut creations) = (Vec::new(), Vec::new());
		for (i, steps) in programs.iter().enumerate() {
			let code = program(steps, &known);
			let (hash, salt) = (Hash::from(blake2_256(&code)), [i as u8; 32]);
			if !known.codes.contains(&hash) {
				let code = code.try_into().unwrap();
				uploads.push(RuntimeCall::Actors(pallet_actors::Call::upload { code, interface: None }));
			}
			known.codes.push(hash);
			known.accounts.push(actor_account(&alice, &hash, &salt));
			creations.push(RuntimeCall::Actors(pallet_actors::Call::instantiate {
				code: hash,
				salt,
				value: 20 * UNIT,
				gas: GAS,
				body: Body::default(),
			}));
		}
		prop_assert!(chain.block(uploads).into_iter().all(|done| done));
		prop_assert!(chain.block(creations).into_iter().all(|done| done));
		for calls in calls.chunks(6) {
			let calls = calls.iter().map(|(to, value, first)| RuntimeCall::Actors(pallet_actors::Call::call {
				destination: Address {
					chain: ChainId(1),
					account: known.accounts[to % known.accounts.len()].clone(),
				},
				value: u128::from(*value) * UNIT / 100,
				gas: GAS,
				body: vec![*first].try_into().unwrap(),
			}));
			let calls = calls.collect();
			chain.block(calls);
		}
		// What the blocks had no time for.
		for _ in 0..3 {
			chain.block(Vec::new());
		}
	}
}

/// The property says something: programs do act.
#[test]
fn the_programs_do_what_they_say() {
	let mut chain = Chain::new();
	let alice = Sr25519Keyring::Alice.to_account_id();
	let none = Known {
		codes: Vec::new(),
		accounts: Vec::new(),
	};
	let send = |to, away| Step::Send {
		to,
		away,
		value: 50,
		share: 3,
		body: 0,
	};
	let write = Step::Write { key: 1, len: 40 };
	// To Bob, here and away, and to itself.
	let steps = [
		(1, send(0, false)),
		(1, send(0, true)),
		(1, send(2, false)),
		(1, write),
		(2, Step::Trap),
	];
	let code = program(&steps, &none);
	let hash = Hash::from(blake2_256(&code));
	let actor = actor_account(&alice, &hash, &[0; 32]);
	let done = chain.block(vec![
		RuntimeCall::Actors(pallet_actors::Call::upload {
			code: code.try_into().unwrap(),
			interface: None,
		}),
		RuntimeCall::Actors(pallet_actors::Call::instantiate {
			code: hash,
			salt: [0; 32],
			value: 20 * UNIT,
			gas: GAS,
			body: Body::default(),
		}),
	]);
	assert_eq!(done, [true, true]);
	let call = |first: u8| {
		RuntimeCall::Actors(pallet_actors::Call::call {
			destination: Address {
				chain: ChainId(1),
				account: actor.clone(),
			},
			value: 0,
			gas: GAS,
			body: vec![first].try_into().unwrap(),
		})
	};
	assert_eq!(chain.block(vec![call(1), call(2)]), [true, true]);
	chain.native[0].0.execute_with(|| {
		assert_eq!(
			Balances::free_balance(Sr25519Keyring::Bob.to_account_id()),
			UNIT / 2
		);
		assert_eq!(Actors::stored(&actor, vec![1]).unwrap().len(), 40);
		let outcomes: Vec<_> = System::events()
			.into_iter()
			.filter_map(|record| match record.event {
				RuntimeEvent::Actors(Event::Processed { outcome, .. }) => Some(format!("{outcome:?}")),
				_ => None,
			})
			.collect();
		assert!(
			outcomes.iter().any(|outcome| outcome.contains("Failed")),
			"{outcomes:?}"
		);
		assert!(
			outcomes
				.iter()
				.filter(|outcome| outcome.contains("Handled"))
				.count() >= 2,
			"{outcomes:?}"
		);
	});
}
