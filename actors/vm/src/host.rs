//! The host functions, and the state that they work on.

use crate::{
	abi::{
		Account, CodeHash, Creation, Info, Outgoing, MAX_BODY, MAX_CREATIONS, MAX_KEY, MAX_LOG,
		MAX_MEMORY_PAGES, MAX_REASON, MAX_SENDS, MAX_VALUE, NOT_FOUND,
	},
	code::MAX_TABLE,
	gas,
	overlay::Overlay,
	run::{Created, Effects, Failure, Host},
};
use alloc::vec::Vec;
use codec::{DecodeAll, Encode};
use core::{fmt, ops::Range};
use wasmi::{
	core::{HostError, TrapCode},
	Caller, Error, Func, Memory, Store, StoreLimits, StoreLimitsBuilder,
};

/// Bytes of a page of memory.
const PAGE_SIZE: usize = 64 * 1024;

/// Ends the message from within a host function.
#[derive(Debug)]
pub(crate) struct Stop(pub Failure);

impl fmt::Display for Stop {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		fmt::Debug::fmt(&self.0, f)
	}
}

impl HostError for Stop {}

fn stop(failure: Failure) -> Error {
	Error::host(Stop(failure))
}

/// What a message has done so far.
pub(crate) struct State<'a> {
	host: &'a dyn Host,
	info: Info,
	/// The encoded message.
	input: Vec<u8>,
	/// The code's memory, once there is an instance.
	pub memory: Option<Memory>,
	pub limits: StoreLimits,
	/// All effects but the changes of storage.
	pub effects: Effects,
	pub overlay: Overlay,
	/// The value that sends and creations take along.
	spent: u128,
	/// The gas that sends and creations take along.
	pub passed: u64,
	keep_log: bool,
	pub log: Vec<Vec<u8>>,
	log_len: usize,
}

impl<'a> State<'a> {
	pub fn new(host: &'a dyn Host, info: Info, input: Vec<u8>, keep_log: bool) -> Self {
		Self {
			host,
			info,
			input,
			memory: None,
			limits: StoreLimitsBuilder::new()
				.memory_size(MAX_MEMORY_PAGES as usize * PAGE_SIZE)
				.table_elements(MAX_TABLE)
				.build(),
			effects: Effects::default(),
			overlay: Overlay::default(),
			spent: 0,
			passed: 0,
			keep_log,
			log: Vec::new(),
			log_len: 0,
		}
	}

	/// Takes note of value that is sent away.
	fn spend(&mut self, value: u128) -> Result<(), Failure> {
		self.spent = self
			.spent
			.checked_add(value)
			.filter(|spent| *spent <= self.info.balance)
			.ok_or(Failure::Overspent)?;
		Ok(())
	}
}

type Env<'a, 's> = Caller<'a, State<'s>>;

/// The host function with this name.
pub(crate) fn function<'s>(store: &mut Store<State<'s>>, name: &str) -> Option<Func> {
	Some(match name {
		"info" => Func::wrap(store, |env: Env<'_, 's>, out: u32| info(env, out)),
		"input_len" => Func::wrap(store, |env: Env<'_, 's>| input_len(env)),
		"input" => Func::wrap(store, |env: Env<'_, 's>, out: u32| input(env, out)),
		"read" => Func::wrap(
			store,
			|env: Env<'_, 's>, key: u32, key_len: u32, out: u32, out_cap: u32| {
				read(env, key, key_len, out, out_cap)
			},
		),
		"write" => Func::wrap(
			store,
			|env: Env<'_, 's>, key: u32, key_len: u32, value: u32, value_len: u32| {
				write(env, key, key_len, value, value_len)
			},
		),
		"remove" => Func::wrap(store, |env: Env<'_, 's>, key: u32, key_len: u32| {
			remove(env, key, key_len)
		}),
		"send" => Func::wrap(store, |env: Env<'_, 's>, message: u32, len: u32| {
			send(env, message, len)
		}),
		"create" => Func::wrap(store, |env: Env<'_, 's>, creation: u32, len: u32, out: u32| {
			create(env, creation, len, out)
		}),
		"become" => Func::wrap(store, |env: Env<'_, 's>, code: u32| become_(env, code)),
		"end" => Func::wrap(store, |env: Env<'_, 's>, heir: u32| end(env, heir)),
		"refuse" => Func::wrap(store, |env: Env<'_, 's>, reason: u32, len: u32| {
			refuse(env, reason, len)
		}),
		"gas_left" => Func::wrap(store, |env: Env<'_, 's>| gas_left(env)),
		"log" => Func::wrap(store, |env: Env<'_, 's>, text: u32, len: u32| log(env, text, len)),
		_ => return None,
	})
}

fn info(mut env: Env<'_, '_>, out: u32) -> Result<u32, Error> {
	let bytes = env.data().info.encode();
	charge(&mut env, gas::CALL + per(gas::BYTE, bytes.len()))?;
	give(&mut env, out, &bytes)?;
	Ok(bytes.len() as u32)
}

fn input_len(mut env: Env<'_, '_>) -> Result<u32, Error> {
	charge(&mut env, gas::CALL)?;
	Ok(env.data().input.len() as u32)
}

fn input(mut env: Env<'_, '_>, out: u32) -> Result<(), Error> {
	let len = env.data().input.len();
	charge(&mut env, gas::CALL + per(gas::BYTE, len))?;
	let memory = memory(&env)?;
	let (bytes, state) = memory.data_and_store_mut(&mut env);
	let out = range(out, len as u32).and_then(|range| bytes.get_mut(range));
	out.ok_or_else(|| stop(Failure::OutOfBounds))?
		.copy_from_slice(&state.input);
	Ok(())
}

fn read(mut env: Env<'_, '_>, key: u32, key_len: u32, out: u32, out_cap: u32) -> Result<i32, Error> {
	charge(&mut env, gas::CALL + gas::READ)?;
	let key = take_key(&mut env, key, key_len, gas::BYTE)?;
	slice(&env, out, out_cap)?;
	let state = env.data();
	let Some(value) = state.overlay.read(&key, state.host) else {
		return Ok(NOT_FOUND);
	};
	charge(&mut env, per(gas::READ_BYTE, value.len()))?;
	if value.len() <= out_cap as usize {
		give(&mut env, out, &value)?;
	}
	Ok(i32::try_from(value.len()).unwrap_or(i32::MAX))
}

fn write(mut env: Env<'_, '_>, key: u32, key_len: u32, value: u32, value_len: u32) -> Result<(), Error> {
	charge(&mut env, gas::CALL + gas::WRITE)?;
	let key = take_key(&mut env, key, key_len, gas::WRITE_BYTE)?;
	let value = take(
		&mut env,
		value,
		value_len,
		MAX_VALUE as usize,
		Failure::ValueTooLong,
		gas::WRITE_BYTE,
	)?;
	change(&mut env, key, Some(value))
}

fn remove(mut env: Env<'_, '_>, key: u32, key_len: u32) -> Result<(), Error> {
	charge(&mut env, gas::CALL + gas::WRITE)?;
	let key = take_key(&mut env, key, key_len, gas::WRITE_BYTE)?;
	change(&mut env, key, None)
}

fn change(env: &mut Env<'_, '_>, key: Vec<u8>, value: Option<Vec<u8>>) -> Result<(), Error> {
	let state = env.data_mut();
	state.overlay.set(key, value, state.host).map_err(stop)
}

fn send(mut env: Env<'_, '_>, message: u32, len: u32) -> Result<(), Error> {
	charge(&mut env, gas::CALL + gas::SEND)?;
	if env.data().effects.sends.len() >= MAX_SENDS as usize {
		return Err(stop(Failure::TooManySends));
	}
	let max = Outgoing::MAX_ENCODED_LEN;
	let bytes = take(&mut env, message, len, max, Failure::BodyTooLong, gas::SEND_BYTE)?;
	let message = Outgoing::decode_all(&mut &bytes[..]).map_err(|_| stop(Failure::Undecodable))?;
	if message.body.len() > MAX_BODY as usize {
		return Err(stop(Failure::BodyTooLong));
	}
	env.data_mut().spend(message.value).map_err(stop)?;
	pass(&mut env, message.gas)?;
	env.data_mut().effects.sends.push(message);
	Ok(())
}

fn create(mut env: Env<'_, '_>, creation: u32, len: u32, out: u32) -> Result<(), Error> {
	charge(&mut env, gas::CALL + gas::CREATE)?;
	if env.data().effects.creations.len() >= MAX_CREATIONS as usize {
		return Err(stop(Failure::TooManyCreations));
	}
	let max = Creation::MAX_ENCODED_LEN;
	let bytes = take(&mut env, creation, len, max, Failure::BodyTooLong, gas::SEND_BYTE)?;
	let creation = Creation::decode_all(&mut &bytes[..]).map_err(|_| stop(Failure::Undecodable))?;
	if creation.body.len() > MAX_BODY as usize {
		return Err(stop(Failure::BodyTooLong));
	}
	let state = env.data();
	if !state.host.has_code(&creation.code) {
		return Err(stop(Failure::UnknownCode));
	}
	let account = state
		.host
		.account(&creation)
		.filter(|account| !state.effects.creations.iter().any(|c| c.account == *account))
		.ok_or_else(|| stop(Failure::AlreadyCreated))?;
	env.data_mut().spend(creation.value).map_err(stop)?;
	pass(&mut env, creation.gas)?;
	give(&mut env, out, &account)?;
	env.data_mut()
		.effects
		.creations
		.push(Created { account, creation });
	Ok(())
}

fn become_(mut env: Env<'_, '_>, code: u32) -> Result<(), Error> {
	charge(&mut env, gas::CALL + gas::BECOME)?;
	let mut hash = CodeHash::default();
	hash.copy_from_slice(slice(&env, code, 32)?);
	if !env.data().host.has_code(&hash) {
		return Err(stop(Failure::UnknownCode));
	}
	env.data_mut().effects.next_code = Some(hash);
	Ok(())
}

fn end(mut env: Env<'_, '_>, heir: u32) -> Result<(), Error> {
	charge(&mut env, gas::CALL + gas::END)?;
	let mut account = Account::default();
	account.copy_from_slice(slice(&env, heir, 32)?);
	if account == env.data().info.this.account {
		return Err(stop(Failure::OwnHeir));
	}
	env.data_mut().effects.heir = Some(account);
	Ok(())
}

fn refuse(mut env: Env<'_, '_>, reason: u32, len: u32) -> Result<(), Error> {
	charge(&mut env, gas::CALL)?;
	let reason = take(
		&mut env,
		reason,
		len,
		MAX_REASON as usize,
		Failure::ReasonTooLong,
		gas::BYTE,
	)?;
	Err(stop(Failure::Refused(reason)))
}

fn gas_left(mut env: Env<'_, '_>) -> Result<i64, Error> {
	charge(&mut env, gas::CALL)?;
	Ok(i64::try_from(env.get_fuel()?).unwrap_or(i64::MAX))
}

fn log(mut env: Env<'_, '_>, text: u32, len: u32) -> Result<(), Error> {
	charge(&mut env, gas::CALL)?;
	slice(&env, text, len)?;
	charge(&mut env, per(gas::BYTE, len as usize))?;
	let line = slice(&env, text, len)?;
	let state = env.data();
	// One more for the line itself, so that empty lines are bounded as well.
	let log_len = state.log_len.saturating_add(line.len()).saturating_add(1);
	if state.keep_log && log_len <= MAX_LOG as usize {
		let line = line.to_vec();
		let state = env.data_mut();
		state.log.push(line);
		state.log_len = log_len;
	}
	Ok(())
}

/// The gas of so many bytes.
fn per(gas: u64, bytes: usize) -> u64 {
	gas.saturating_mul(bytes as u64)
}

/// Takes gas for what is about to be done.
fn charge(env: &mut Env<'_, '_>, gas: u64) -> Result<(), Error> {
	let left = env.get_fuel()?.checked_sub(gas).ok_or(TrapCode::OutOfFuel)?;
	env.set_fuel(left)
}

/// Takes gas that a message or creation takes along.
fn pass(env: &mut Env<'_, '_>, gas: u64) -> Result<(), Error> {
	charge(env, gas)?;
	let state = env.data_mut();
	state.passed = state.passed.saturating_add(gas);
	Ok(())
}

fn range(start: u32, len: u32) -> Option<Range<usize>> {
	let start = start as usize;
	Some(start..start.checked_add(len as usize)?)
}

fn memory(env: &Env<'_, '_>) -> Result<Memory, Error> {
	env.data().memory.ok_or_else(|| stop(Failure::OutOfBounds))
}

/// A range of the code's memory.
fn slice<'e>(env: &'e Env<'_, '_>, start: u32, len: u32) -> Result<&'e [u8], Error> {
	let bytes = memory(env)?.data(env);
	range(start, len)
		.and_then(|range| bytes.get(range))
		.ok_or_else(|| stop(Failure::OutOfBounds))
}

/// Copies at most `max` bytes out of the code's memory, at so much gas a byte.
fn take(
	env: &mut Env<'_, '_>,
	start: u32,
	len: u32,
	max: usize,
	too_long: Failure,
	gas: u64,
) -> Result<Vec<u8>, Error> {
	if len as usize > max {
		return Err(stop(too_long));
	}
	slice(env, start, len)?;
	charge(env, per(gas, len as usize))?;
	Ok(slice(env, start, len)?.to_vec())
}

/// Copies a key out of the code's memory, at so much gas a byte.
fn take_key(env: &mut Env<'_, '_>, start: u32, len: u32, gas: u64) -> Result<Vec<u8>, Error> {
	take(env, start, len, MAX_KEY as usize, Failure::KeyTooLong, gas)
}

/// Copies bytes into the code's memory.
fn give(env: &mut Env<'_, '_>, start: u32, bytes: &[u8]) -> Result<(), Error> {
	let memory = memory(env)?.data_mut(env);
	range(start, bytes.len() as u32)
		.and_then(|range| memory.get_mut(range))
		.ok_or_else(|| stop(Failure::OutOfBounds))?
		.copy_from_slice(bytes);
	Ok(())
}
