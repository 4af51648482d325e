//! One message, handled by code.

use crate::{
	abi::{Account, CodeHash, Creation, Incoming, Info, Kind, Outgoing, Reason, MAX_BODY, MAX_REASON},
	code::{self, CodeError},
	gas,
	host::{State, Stop},
	overlay::{Change, Deposit},
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;
use wasmi::{core::TrapCode, CompilationMode, Error, Store};

/// Calls of functions that may be open at once.
pub const MAX_DEPTH: u32 = 256;
/// Cells of 8 bytes that locals and temporaries of all open calls may take together: 256 KiB.
pub const MAX_STACK: u32 = 32 * 1024;

/// What code can ask of the chain. Answers must not change while a message is handled, and must be the same on all
/// nodes.
pub trait Host {
	/// The value under a key of the actor's storage, as it is before the message.
	fn read(&self, key: &[u8]) -> Option<Vec<u8>>;
	/// Whether code with this hash has been uploaded to the chain.
	fn has_code(&self, code: &CodeHash) -> bool;
	/// The account of the actor that this creation by the running actor makes, a function of the creator, the code and
	/// the salt; none if there is such an actor already.
	fn account(&self, creation: &Creation) -> Option<Account>;
	/// How many keys the actor's storage has, as it is before the message.
	fn items(&self) -> u32;
}

/// A message to handle, and all that its code can know beside what it asks.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
	/// About the actor and the block. The balance has the value of the message in it.
	pub info: Info,
	/// The message.
	pub incoming: &'a Incoming,
	/// The gas that may be used and passed on together.
	pub gas: u64,
	/// Whether to keep the log: in a dry run. It changes nothing else.
	pub keep_log: bool,
}

/// How handling a message ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
	/// The gas to pay for, at most that of the context: all of it if it ran out.
	pub gas_used: u64,
	/// The gas that sends and creations take along: with what is used, at most that of the context. 0 with a failure,
	/// which drops them.
	pub gas_passed: u64,
	/// The effects, of which all are to be applied; or why there are none.
	pub result: Result<Effects, Failure>,
	/// The lines that the code logged, also of a failure; none unless they were to be kept.
	pub log: Vec<Vec<u8>>,
}

/// What a message does. The chain applies creations before sends, so that an actor's first message reaches it first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
	/// The actors to create, in the order of the code, at most [`MAX_CREATIONS`](crate::abi::MAX_CREATIONS).
	pub creations: Vec<Created>,
	/// The messages to send, in the order of the code, at most [`MAX_SENDS`](crate::abi::MAX_SENDS). The values of sends
	/// and creations together are within the balance.
	pub sends: Vec<Outgoing>,
	/// The code that handles the messages after this one, if it changes.
	pub next_code: Option<CodeHash>,
	/// Who gets what the actor has once all else is done, if it ends with this message; another account. The next code means
	/// nothing then, and the changes leave nothing in its storage.
	pub heir: Option<Account>,
	/// The changes of the actor's storage, ordered by key, at most [`MAX_CHANGES`](crate::abi::MAX_CHANGES).
	pub changes: Vec<Change>,
	/// What these changes mean for the storage deposit.
	pub deposit: Deposit,
}

/// An actor to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
	/// Its account.
	pub account: Account,
	/// What the code asked for.
	pub creation: Creation,
}

/// Why a message failed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Failure {
	/// The gas didn't suffice.
	OutOfGas,
	/// The code trapped.
	Trap(Trap),
	/// The code refused the message, with this reason of at most [`MAX_REASON`](crate::abi::MAX_REASON) bytes.
	Refused(Vec<u8>),
	/// The code can't run.
	BadCode(CodeError),
	/// A host function was given a range that is not within the memory.
	OutOfBounds,
	/// A host function was given bytes that don't decode, or with others after them.
	Undecodable,
	/// A key is longer than [`MAX_KEY`](crate::abi::MAX_KEY).
	KeyTooLong,
	/// A value is longer than [`MAX_VALUE`](crate::abi::MAX_VALUE).
	ValueTooLong,
	/// A body, of the message itself or of one that it sends, is longer than [`MAX_BODY`](crate::abi::MAX_BODY).
	BodyTooLong,
	/// A reason is longer than [`MAX_REASON`](crate::abi::MAX_REASON).
	ReasonTooLong,
	/// More than [`MAX_CHANGES`](crate::abi::MAX_CHANGES) keys change.
	TooManyChanges,
	/// More than [`MAX_SENDS`](crate::abi::MAX_SENDS) messages are sent.
	TooManySends,
	/// More than [`MAX_CREATIONS`](crate::abi::MAX_CREATIONS) actors are created.
	TooManyCreations,
	/// Sends and creations take more value than the balance.
	Overspent,
	/// No code with this hash has been uploaded.
	UnknownCode,
	/// There is an actor from this code and salt of this creator already.
	AlreadyCreated,
	/// An actor that ends can't be its own heir.
	OwnHeir,
	/// An actor can't end while there is something in its storage.
	NotEmpty,
}

/// What trapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Trap {
	/// `unreachable`, with which a panic ends.
	Unreachable,
	/// A load or store outside of the memory.
	MemoryOutOfBounds,
	/// An indirect call outside of the table.
	TableOutOfBounds,
	/// An indirect call of an empty place in the table.
	NullCall,
	/// An indirect call of a function with another signature.
	BadSignature,
	/// A division by zero.
	DivisionByZero,
	/// A division whose result doesn't fit.
	IntegerOverflow,
	/// More open calls than [`MAX_DEPTH`], or a stack higher than [`MAX_STACK`].
	StackOverflow,
}

impl Outcome {
	fn failed(gas_used: u64, failure: Failure) -> Self {
		Self {
			gas_used,
			gas_passed: 0,
			result: Err(failure),
			log: Vec::new(),
		}
	}
}

/// Lets `code` handle a message.
///
/// The same outcome comes with any gas of at least [`Outcome::gas_used`] and what was passed on, unless the code asks
/// how much is left; with less, it is [`Failure::OutOfGas`].
pub fn run(code: &[u8], context: &Context<'_>, host: &dyn Host) -> Outcome {
	let limit = context.gas;
	let mut used = gas::MESSAGE.saturating_add((code.len() as u64).saturating_mul(gas::CODE_BYTE));
	if used > limit {
		return Outcome::failed(limit, Failure::OutOfGas);
	}
	let facts = match code::check(code) {
		Ok(facts) => facts,
		Err(error) => return Outcome::failed(used, Failure::BadCode(error)),
	};
	used = used.saturating_add(facts.entry_gas());
	if used > limit {
		return Outcome::failed(limit, Failure::OutOfGas);
	}
	if let Err(failure) = within_limits(context.incoming) {
		return Outcome::failed(used, failure);
	}

	let engine = code::engine(CompilationMode::Lazy);
	let input = context.incoming.encode();
	let mut store = code::store(&engine, State::new(host, context.info, input, context.keep_log));
	let result = store
		.set_fuel(limit.saturating_sub(used))
		.map_err(failure)
		.and_then(|()| handle(&mut store, code));
	let left = store.get_fuel().unwrap_or(0);
	let state = store.into_data();

	let gas_used = limit.saturating_sub(left).saturating_sub(state.passed);
	let result = result.and_then(|()| {
		let (changes, deposit) = state.overlay.finish();
		let is_empty = || host.items().checked_add_signed(deposit.items) == Some(0);
		if state.effects.heir.is_some() && !is_empty() {
			return Err(Failure::NotEmpty);
		}
		Ok(Effects {
			changes,
			deposit,
			..state.effects
		})
	});
	match result {
		Ok(effects) => Outcome {
			gas_used,
			gas_passed: state.passed,
			result: Ok(effects),
			log: state.log,
		},
		Err(failure) => Outcome {
			log: state.log,
			// The interpreter stops before the instruction that it can't pay for, but how far before is its own matter.
			..Outcome::failed(
				if failure == Failure::OutOfGas {
					limit
				} else {
					gas_used
				},
				failure,
			)
		},
	}
}

fn within_limits(incoming: &Incoming) -> Result<(), Failure> {
	if incoming.body.len() > MAX_BODY as usize {
		return Err(Failure::BodyTooLong);
	}
	match &incoming.kind {
		Kind::Bounce {
			reason: Reason::Refused(bytes),
		} if bytes.len() > MAX_REASON as usize => Err(Failure::ReasonTooLong),
		_ => Ok(()),
	}
}

fn handle(store: &mut Store<State<'_>>, code: &[u8]) -> Result<(), Failure> {
	let module = code::module(store.engine(), code).map_err(failure)?;
	let instance = code::instance(store, &module).map_err(Failure::BadCode)?;
	let handle = instance
		.get_typed_func::<(), ()>(&*store, crate::abi::HANDLE)
		.map_err(|_| Failure::BadCode(CodeError::NoHandle))?;
	handle.call(store, ()).map_err(failure)
}

/// What an error of the interpreter says about the code.
fn failure(error: Error) -> Failure {
	if let Some(code) = error.as_trap_code() {
		return match code {
			TrapCode::OutOfFuel => Failure::OutOfGas,
			TrapCode::UnreachableCodeReached => Failure::Trap(Trap::Unreachable),
			TrapCode::MemoryOutOfBounds => Failure::Trap(Trap::MemoryOutOfBounds),
			TrapCode::TableOutOfBounds => Failure::Trap(Trap::TableOutOfBounds),
			TrapCode::IndirectCallToNull => Failure::Trap(Trap::NullCall),
			TrapCode::BadSignature => Failure::Trap(Trap::BadSignature),
			TrapCode::IntegerDivisionByZero => Failure::Trap(Trap::DivisionByZero),
			TrapCode::IntegerOverflow => Failure::Trap(Trap::IntegerOverflow),
			TrapCode::StackOverflow => Failure::Trap(Trap::StackOverflow),
			// Of floating point, and of a setting that is off.
			TrapCode::BadConversionToInteger | TrapCode::GrowthOperationLimited => {
				Failure::BadCode(CodeError::TooComplex)
			}
		};
	}
	match error.downcast::<Stop>() {
		Some(Stop(failure)) => failure,
		// A function that is compiled only now, and could not be.
		None => Failure::BadCode(CodeError::TooComplex),
	}
}
