use crate::{
	abi::{Creation, Outgoing, MAX_BODY, MAX_CREATIONS, MAX_SENDS},
	host::Host,
	Address, CodeHash, Info, Kind, Refusal,
};
use alloc::vec::Vec;
use codec::Encode;
use core::cell::Cell;

/// The message that is handled, and what an actor can do upon it (Thinkey §5.1).
///
/// Effects take place once the message has been handled: messages are sent then, and not before.
pub struct Context<'a> {
	pub(crate) host: Host<'a>,
	sender: Address,
	kind: Kind,
	value: u128,
	info: Cell<Option<Info>>,
	spent: u128,
	sends: u32,
	creations: u32,
}

impl<'a> Context<'a> {
	#[cfg(any(feature = "std", target_arch = "wasm32"))]
	pub(crate) fn new(host: Host<'a>, sender: Address, kind: Kind, value: u128) -> Self {
		Self {
			host,
			sender,
			kind,
			value,
			info: Cell::new(None),
			spent: 0,
			sends: 0,
			creations: 0,
		}
	}

	/// Who sent the message; of a bounce, whom it had been sent to. The chain vouches for it.
	pub fn sender(&self) -> Address {
		self.sender
	}

	/// How the message came about.
	pub fn kind(&self) -> &Kind {
		&self.kind
	}

	/// The value that the message brings, in the native currency's smallest unit. It is in [`Context::balance`] already.
	pub fn value(&self) -> u128 {
		self.value
	}

	/// What the actor can know about itself and the time, as it was when the message arrived.
	pub fn info(&self) -> Info {
		// The chain's answer doesn't change while a message is handled, and costs gas.
		let info = self.info.get().unwrap_or_else(|| self.host.info());
		self.info.set(Some(info));
		info
	}

	/// This actor.
	pub fn this(&self) -> Address {
		self.info().this
	}

	/// What this actor can still send, in the native currency's smallest unit.
	pub fn balance(&self) -> u128 {
		self.info().balance.saturating_sub(self.spent)
	}

	/// The gas that is left to this message.
	pub fn gas_left(&self) -> u64 {
		self.host.gas_left()
	}

	/// Refuses value that has no meaning for the message, lest it be lost to its sender.
	///
	/// # Errors
	/// If the message brings any.
	pub fn no_value(&self) -> Result<(), Refusal> {
		if self.value == 0 {
			Ok(())
		} else {
			Err("this message takes no value".into())
		}
	}

	/// Sends a message, with value from this actor's balance, and gas for its handling from the gas of this message.
	/// To plain accounts, any message is fine; they need no gas.
	///
	/// More gas than is left fails the message that is handled.
	///
	/// # Errors
	/// If the message is longer than [`MAX_BODY`] bytes, if [`MAX_SENDS`] messages were sent already, and if the balance
	/// is smaller than the value.
	pub fn send(
		&mut self,
		to: &Address,
		message: &impl Encode,
		value: u128,
		gas: u64,
	) -> Result<(), Refusal> {
		let body = body(message)?;
		if self.sends >= MAX_SENDS {
			return Err("too many messages to send".into());
		}
		self.spend(value)?;
		self.sends = self.sends.saturating_add(1);
		self.host.send(Outgoing {
			to: *to,
			value,
			gas,
			body,
		});
		Ok(())
	}

	/// Creates an actor from code that was uploaded to this chain, and sends it its first message. The actor's address
	/// depends on this actor, the code and the salt.
	///
	/// Code that wasn't uploaded, the same code and salt again, and more gas than is left fail the message that is
	/// handled.
	///
	/// # Errors
	/// If the message is longer than [`MAX_BODY`] bytes, if [`MAX_CREATIONS`] actors were created already, and if the
	/// balance is smaller than the value.
	pub fn create(
		&mut self,
		code: CodeHash,
		salt: [u8; 32],
		message: &impl Encode,
		value: u128,
		gas: u64,
	) -> Result<Address, Refusal> {
		let body = body(message)?;
		if self.creations >= MAX_CREATIONS {
			return Err("too many actors to create".into());
		}
		self.spend(value)?;
		self.creations = self.creations.saturating_add(1);
		let chain = self.info().this.chain;
		let account = self.host.create(Creation {
			code,
			salt,
			value,
			gas,
			body,
		});
		Ok(Address { chain, account })
	}

	/// Names the code that handles the messages after this one: the actor becomes another. It keeps address, balance and
	/// storage.
	///
	/// Code that wasn't uploaded to this chain fails the message that is handled.
	pub fn become_code(&mut self, code: &CodeHash) {
		self.host.become_code(code);
	}

	/// Ends this actor once the message has been handled. What it has then, its deposit too, goes to the heir; its code may
	/// be removed once no other actor has it.
	///
	/// Its storage has to be empty by then, or the message that is handled fails. What comes back later, and value that is
	/// sent to the actor later, is nobody's: end when no answer is due any more.
	///
	/// # Errors
	/// If the heir is on another chain, and if it is this actor.
	pub fn end(&mut self, heir: &Address) -> Result<(), Refusal> {
		let this = self.this();
		if heir.chain != this.chain {
			return Err("the heir is on another chain".into());
		}
		if heir.account == this.account {
			return Err("an actor can't be its own heir".into());
		}
		self.host.end(&heir.account);
		Ok(())
	}

	/// Leaves a line for the developer. It is kept in dry runs only, and shown by tests.
	pub fn log(&self, line: &str) {
		self.host.log(line);
	}

	fn spend(&mut self, value: u128) -> Result<(), Refusal> {
		if value == 0 {
			return Ok(());
		}
		if value > self.balance() {
			return Err("the balance is too small".into());
		}
		self.spent = self.spent.saturating_add(value);
		Ok(())
	}
}

fn body(message: &impl Encode) -> Result<Vec<u8>, Refusal> {
	let body = message.encode();
	if body.len() > MAX_BODY as usize {
		return Err("a message to send is too long".into());
	}
	Ok(body)
}
