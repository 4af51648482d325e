//! A world of chains in memory, in which actors run natively: for tests of applications, by `cargo test`.
//!
//! # Overview
//!
//! A [`World`] has users, who hold balances and sign messages, and actors. It is deterministic, and keeps to what chains
//! keep to:
//!
//! - A message takes its value from the sender at once, and is delivered later. From one chain to another, and within a
//!   chain, messages arrive in the order in which they were sent. Otherwise, any order may come about:
//!   [`World::run_shuffled`] picks one by a seed, [`World::deliver`] lets the test pick.
//! - All effects of a message take place, or none. One that fails comes back to its sender, with its value and the
//!   reason. What comes back can't be sent back again: its value stays.
//! - No value is made or lost: [`World::assert_conserved`].
//! - The limits of [`abi`](crate::abi) are enforced.
//!
//! # What it doesn't know
//!
//! Instructions are not counted: gas is what messages take along, and a round amount for each use of the chain, see
//! [`gas`]; what comes back brings the gas that it had left. There are no fees, and no deposits for accounts and their
//! storage. How much gas a message needs is learned by a dry run on a node.

use crate::{
	abi::{
		Creation, Incoming, Outgoing, MAX_BODY, MAX_CHANGES, MAX_CREATIONS, MAX_KEY, MAX_SENDS, MAX_VALUE,
	},
	dispatch, Account, Actor, Address, CodeHash, Context, Info, Item, Kind, Map, Reason, Refusal,
};
use codec::{Decode, DecodeAll, Encode};
use std::{
	any::type_name,
	cell::RefCell,
	collections::{BTreeMap, VecDeque},
	panic::{catch_unwind, resume_unwind, AssertUnwindSafe},
};

/// What gas is taken for. The amounts are in the order of those that a chain takes.
pub mod gas {
	/// What a user's message carries unless the test says otherwise.
	pub const DEFAULT: u64 = 100_000_000;
	/// Handling a message, whatever is done in it.
	pub const MESSAGE: u64 = 200_000;
	/// Asking the chain for anything.
	pub const CALL: u64 = 200;
	/// Reading a value, beyond [`CALL`].
	pub const READ: u64 = 5_000;
	/// Writing or removing a value, beyond [`CALL`].
	pub const WRITE: u64 = 25_000;
	/// Sending a message, beyond [`CALL`] and the gas that it takes along.
	pub const SEND: u64 = 30_000;
	/// Creating an actor, beyond [`CALL`] and the gas of its first message.
	pub const CREATE: u64 = 70_000;
	/// Naming the code of the next message, beyond [`CALL`].
	pub const BECOME: u64 = 20_000;
	/// Ending, beyond [`CALL`].
	pub const END: u64 = 60_000;
}

/// Milliseconds from block to block.
const BLOCK_MS: u64 = 1_000;
/// The time of block 0, in milliseconds since the Unix epoch.
const GENESIS_MS: u64 = 1_750_000_000_000;

type Storage = BTreeMap<Vec<u8>, Vec<u8>>;
type Code = fn(&mut Context<'_>, &[u8]) -> Result<(), Refusal>;

/// Chains, their accounts, and the messages between them.
pub struct World {
	/// The height of each chain, from chain 1 on.
	heights: Vec<u32>,
	accounts: BTreeMap<Address, Holder>,
	codes: BTreeMap<CodeHash, Code>,
	/// Messages under way, by the chains that they are from and to, each with its number.
	channels: BTreeMap<(u32, u32), VecDeque<(u64, Message)>>,
	/// Messages sent so far.
	sent: u64,
	/// Actors created by users so far.
	created: u64,
	issuance: u128,
}

struct Holder {
	balance: u128,
	role: Role,
}

enum Role {
	User { received: Vec<Received> },
	Actor { code: CodeHash, storage: Storage },
}

impl Holder {
	fn user(balance: u128) -> Self {
		Self {
			balance,
			role: Role::User { received: Vec::new() },
		}
	}

	fn actor(code: CodeHash) -> Self {
		Self {
			balance: 0,
			role: Role::Actor {
				code,
				storage: Storage::new(),
			},
		}
	}
}

/// A message under way.
struct Message {
	from: Address,
	to: Address,
	kind: Kind,
	value: u128,
	gas: u64,
	body: Vec<u8>,
}

/// A message that a user received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
	/// Who sent it; of a bounce, whom it had been sent to.
	pub from: Address,
	/// How it came about.
	pub kind: Kind,
	/// The value that it brought.
	pub value: u128,
	/// What it says; of a bounce, what it had said.
	pub body: Vec<u8>,
}

impl Received {
	/// The message, if it is one of this type.
	pub fn decode<T: Decode>(&self) -> Option<T> {
		T::decode_all(&mut &self.body[..]).ok()
	}

	/// The text with which an actor refused it; none if it is no bounce, or has another reason.
	pub fn refusal(&self) -> Option<String> {
		match &self.kind {
			Kind::Bounce {
				reason: Reason::Refused(text),
			} => Some(String::from_utf8_lossy(text).into()),
			_ => None,
		}
	}
}

impl World {
	/// A world of so many chains, numbered from 1.
	pub fn new(chains: u32) -> Self {
		Self {
			heights: (0..chains).map(|_| 1).collect(),
			accounts: BTreeMap::new(),
			codes: BTreeMap::new(),
			channels: BTreeMap::new(),
			sent: 0,
			created: 0,
			issuance: 0,
		}
	}

	/// A user of this name on a chain, with a balance that is issued for it. Users of one name on different chains have
	/// different addresses.
	///
	/// # Panics
	/// If there is no such chain, if the name is longer than 32 bytes, and if the chain has a user of this name.
	pub fn user(&mut self, chain: u32, name: &str, balance: u128) -> Address {
		self.height(chain);
		let mut account = Account::default();
		account
			.get_mut(..name.len())
			.expect("a user's name has at most 32 bytes")
			.copy_from_slice(name.as_bytes());
		let address = Address { chain, account };
		self.issuance = self
			.issuance
			.checked_add(balance)
			.expect("the issuance fits into 128 bits");
		assert!(
			self.accounts.insert(address, Holder::user(balance)).is_none(),
			"chain {chain} has a user {name} already"
		);
		address
	}

	/// Uploads the code of an actor to all chains, and returns its hash.
	pub fn upload<A: Actor>(&mut self) -> CodeHash {
		let hash = digest(&[b"code", type_name::<A>().as_bytes()]);
		self.codes.insert(hash, dispatch::<A>);
		hash
	}

	/// Creates an actor on a user's chain, and sends it its first message with value from the user's balance.
	///
	/// # Panics
	/// As [`World::send`].
	pub fn create<A: Actor>(&mut self, creator: &Address, first: &impl Encode, value: u128) -> Address {
		let code = self.upload::<A>();
		self.created += 1;
		let account = account(creator, &code, &digest(&[&self.created.to_le_bytes()]));
		let address = Address {
			chain: creator.chain,
			account,
		};
		self.accounts.insert(address, Holder::actor(code));
		self.send(creator, &address, first, value);
		address
	}

	/// A user signs a message: its value is taken from the balance, and it is under way. `()` is a message without body.
	///
	/// # Panics
	/// If the sender is no user or its balance is too small, and if the message is longer than [`MAX_BODY`].
	pub fn send(&mut self, from: &Address, to: &Address, message: &impl Encode, value: u128) {
		self.send_with_gas(from, to, message, value, gas::DEFAULT);
	}

	/// [`World::send`] with so much gas.
	///
	/// # Panics
	/// As [`World::send`].
	pub fn send_with_gas(
		&mut self,
		from: &Address,
		to: &Address,
		message: &impl Encode,
		value: u128,
		gas: u64,
	) {
		let body = message.encode();
		assert!(
			body.len() <= MAX_BODY as usize,
			"a message of {} bytes is too long",
			body.len()
		);
		let sender = self.accounts.get_mut(from);
		let sender = sender.filter(|sender| matches!(sender.role, Role::User { .. }));
		let sender = sender.expect("messages are signed by users");
		sender.balance = sender
			.balance
			.checked_sub(value)
			.expect("a user's balance suffices for what it sends");
		self.push(Message {
			from: *from,
			to: *to,
			kind: Kind::External,
			value,
			gas,
			body,
		});
	}

	/// The channels, by the chains they are from and to, that messages are under way on.
	pub fn pending(&self) -> Vec<(u32, u32)> {
		self.channels.keys().copied().collect()
	}

	/// Delivers the next message from one chain to another, or within a chain, if there is one; whether there was one.
	pub fn deliver(&mut self, from: u32, to: u32) -> bool {
		let Some(channel) = self.channels.get_mut(&(from, to)) else {
			return false;
		};
		let message = channel.pop_front();
		if channel.is_empty() {
			self.channels.remove(&(from, to));
		}
		let Some((_, message)) = message else {
			return false;
		};
		self.receive(message);
		true
	}

	/// Delivers all messages in the order in which they were sent, until none is under way.
	pub fn run(&mut self) {
		loop {
			let first = self
				.channels
				.iter()
				.filter_map(|(channel, messages)| messages.front().map(|(number, _)| (*number, *channel)))
				.min();
			let Some((_, (from, to))) = first else {
				return;
			};
			self.deliver(from, to);
		}
	}

	/// Delivers all messages, until none is under way, each time from a channel picked at random.
	pub fn run_shuffled(&mut self, random: &mut Random) {
		while self.deliver_any(random) {}
	}

	/// Delivers the next message of a channel picked at random; whether there was any.
	pub fn deliver_any(&mut self, random: &mut Random) -> bool {
		let channels = self.pending();
		match channels.get(random.below(channels.len() as u64) as usize) {
			Some((from, to)) => self.deliver(*from, *to),
			None => false,
		}
	}

	/// Goes on by so many blocks on a chain, one a second.
	///
	/// # Panics
	/// If there is no such chain.
	pub fn advance(&mut self, chain: u32, blocks: u32) {
		let height = self.height(chain);
		self.heights[chain as usize - 1] = height.checked_add(blocks).expect("a height fits into 32 bits");
	}

	/// The balance of an account; 0 if there is no such account.
	pub fn balance(&self, of: &Address) -> u128 {
		self.accounts.get(of).map_or(0, |holder| holder.balance)
	}

	/// What a user received so far, bounces too; nothing for who is no user.
	pub fn received(&self, user: &Address) -> &[Received] {
		match self.accounts.get(user).map(|holder| &holder.role) {
			Some(Role::User { received }) => received,
			_ => &[],
		}
	}

	/// The text with which the last message that a user received was refused; none if that is no refusal.
	pub fn refusal(&self, user: &Address) -> Option<String> {
		self.received(user).last().and_then(Received::refusal)
	}

	/// The code of an actor.
	pub fn code(&self, actor: &Address) -> Option<CodeHash> {
		match self.accounts.get(actor)?.role {
			Role::Actor { code, .. } => Some(code),
			Role::User { .. } => None,
		}
	}

	/// The item of an actor, or none if there is none.
	///
	/// # Panics
	/// If what is stored there is something else.
	pub fn item<T: Encode + Decode>(&self, actor: &Address, item: &Item<T>) -> Option<T> {
		self.stored(actor, &item.key())
	}

	/// The value under a key of an actor's map, or none if there is none.
	///
	/// # Panics
	/// If what is stored there is something else.
	pub fn entry<K: Encode, V: Encode + Decode>(
		&self,
		actor: &Address,
		map: &Map<K, V>,
		key: &K,
	) -> Option<V> {
		self.stored(actor, &map.key(key))
	}

	fn stored<T: Decode>(&self, actor: &Address, key: &[u8]) -> Option<T> {
		let Role::Actor { storage, .. } = &self.accounts.get(actor)?.role else {
			return None;
		};
		let value = T::decode_all(&mut &storage.get(key)?[..]);
		Some(value.expect("what is stored has the type that is asked for"))
	}

	/// Checks that all balances, and what messages under way bring, are what was issued to users.
	///
	/// # Panics
	/// If they aren't.
	pub fn assert_conserved(&self) {
		let held: u128 = self.accounts.values().map(|holder| holder.balance).sum();
		let under_way = self.channels.values().flatten();
		let under_way: u128 = under_way.map(|(_, message)| message.value).sum();
		assert_eq!(held + under_way, self.issuance, "value was made or lost");
	}

	fn height(&self, chain: u32) -> u32 {
		let place = (chain as usize).checked_sub(1);
		let height = place.and_then(|place| self.heights.get(place));
		*height.unwrap_or_else(|| panic!("there is no chain {chain}"))
	}

	fn push(&mut self, message: Message) {
		let channel = (message.from.chain, message.to.chain);
		self.channels
			.entry(channel)
			.or_default()
			.push_back((self.sent, message));
		self.sent += 1;
	}

	fn receive(&mut self, message: Message) {
		let Some(holder) = self.accounts.get_mut(&message.to) else {
			if let Kind::Bounce { .. } = message.kind {
				// The actor that sent it has ended, and it can't go back once more.
				self.accounts.insert(message.to, Holder::user(message.value));
				return;
			}
			let gas = message.gas;
			return self.bounce(message, Reason::Undeliverable, gas);
		};
		holder.balance += message.value;
		if let Role::User { received } = &mut holder.role {
			return received.push(Received {
				from: message.from,
				kind: message.kind,
				value: message.value,
				body: message.body,
			});
		}
		let (result, effects) = self.handle(&message);
		match result {
			Ok(()) => self.apply(&message.to, effects),
			Err(_) if matches!(message.kind, Kind::Bounce { .. }) => {}
			Err(reason) => {
				if let Some(holder) = self.accounts.get_mut(&message.to) {
					holder.balance -= message.value;
				}
				self.bounce(message, reason, effects.gas);
			}
		}
	}

	/// Lets the recipient handle a message, whose value it has already.
	fn handle(&self, message: &Message) -> (Result<(), Reason>, Effects) {
		let effects = RefCell::new(Effects {
			gas: message.gas,
			spent: 0,
			changes: BTreeMap::new(),
			creations: Vec::new(),
			sends: Vec::new(),
			next_code: None,
			heir: None,
		});
		let result = match self.accounts.get(&message.to) {
			Some(Holder {
				balance,
				role: Role::Actor { code, storage },
			}) => {
				let block = self.height(message.to.chain);
				let host = Host {
					world: self,
					storage,
					info: Info {
						this: message.to,
						balance: *balance,
						block,
						time_ms: GENESIS_MS + u64::from(block) * BLOCK_MS,
					},
					effects: &effects,
				};
				host.run(code, message)
					.and_then(|()| effects.borrow().check_end(storage))
			}
			_ => Err(Reason::Undeliverable),
		};
		(result, effects.into_inner())
	}

	fn apply(&mut self, actor: &Address, effects: Effects) {
		if let Some(holder) = self.accounts.get_mut(actor) {
			holder.balance -= effects.spent;
			if let Role::Actor { code, storage } = &mut holder.role {
				*code = effects.next_code.unwrap_or(*code);
				for (key, value) in effects.changes {
					match value {
						Some(value) => storage.insert(key, value),
						None => storage.remove(&key),
					};
				}
			}
		}
		// Creations come first, so that the first message reaches a new actor first.
		for (to, creation) in effects.creations {
			self.accounts.insert(to, Holder::actor(creation.code));
			let Creation { value, gas, body, .. } = creation;
			self.relay(actor, to, value, gas, body);
		}
		for Outgoing { to, value, gas, body } in effects.sends {
			self.relay(actor, to, value, gas, body);
		}
		if let Some(account) = effects.heir {
			let chain = actor.chain;
			let left = self.accounts.remove(actor).map_or(0, |holder| holder.balance);
			let heir = self.accounts.entry(Address { chain, account });
			heir.or_insert_with(|| Holder::user(0)).balance += left;
		}
	}

	fn relay(&mut self, from: &Address, to: Address, value: u128, gas: u64, body: Vec<u8>) {
		self.push(Message {
			from: *from,
			to,
			kind: Kind::Relay,
			value,
			gas,
			body,
		});
	}

	fn bounce(&mut self, message: Message, reason: Reason, gas: u64) {
		self.push(Message {
			from: message.to,
			to: message.from,
			kind: Kind::Bounce { reason },
			gas,
			..message
		});
	}
}

/// What a message does, once it has been handled.
struct Effects {
	/// The gas that is left.
	gas: u64,
	/// The value that creations and sends take along.
	spent: u128,
	changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
	creations: Vec<(Address, Creation)>,
	sends: Vec<Outgoing>,
	next_code: Option<CodeHash>,
	heir: Option<Account>,
}

impl Effects {
	/// An actor that ends leaves nothing in its storage.
	fn check_end(&self, storage: &Storage) -> Result<(), Reason> {
		let kept = storage.keys().any(|key| !self.changes.contains_key(key));
		let written = self.changes.values().any(Option::is_some);
		if self.heir.is_some() && (kept || written) {
			return Err(Reason::Failed);
		}
		Ok(())
	}
}

/// Ends the message from within a call of the host.
struct Stop(Reason);

fn stop(reason: Reason) -> ! {
	resume_unwind(Box::new(Stop(reason)))
}

/// What an actor of the world can ask for.
pub(crate) struct Host<'a> {
	world: &'a World,
	storage: &'a Storage,
	info: Info,
	effects: &'a RefCell<Effects>,
}

impl Host<'_> {
	fn run(self, code: &CodeHash, message: &Message) -> Result<(), Reason> {
		let code = *self.world.codes.get(code).ok_or(Reason::Failed)?;
		let input = Incoming {
			sender: message.from,
			kind: message.kind.clone(),
			value: message.value,
			body: message.body.clone(),
		};
		let handled = catch_unwind(AssertUnwindSafe(|| {
			self.charge(gas::MESSAGE);
			let Incoming {
				sender,
				kind,
				value,
				body,
			} = input;
			code(&mut Context::new(self, sender, kind, value), &body)
		}));
		match handled {
			Ok(Ok(())) => Ok(()),
			Ok(Err(refusal)) => Err(Reason::Refused(refusal.text().into())),
			Err(panic) => Err(panic.downcast::<Stop>().map_or(Reason::Failed, |stop| stop.0)),
		}
	}

	fn charge(&self, amount: u64) {
		let mut effects = self.effects.borrow_mut();
		let left = effects.gas.checked_sub(amount);
		effects.gas = left.unwrap_or(0);
		if left.is_none() {
			stop(Reason::OutOfGas);
		}
	}

	fn spend(&self, value: u128) {
		let mut effects = self.effects.borrow_mut();
		let spent = effects.spent.checked_add(value);
		match spent.filter(|spent| *spent <= self.info.balance) {
			Some(spent) => effects.spent = spent,
			None => stop(Reason::Failed),
		}
	}

	fn change(&mut self, key: &[u8], value: Option<&[u8]>) {
		self.charge(gas::CALL + gas::WRITE);
		let changes = &mut self.effects.borrow_mut().changes;
		let is_new = !changes.contains_key(key);
		if key.len() > MAX_KEY as usize
			|| value.is_some_and(|value| value.len() > MAX_VALUE as usize)
			|| is_new && changes.len() >= MAX_CHANGES as usize
		{
			stop(Reason::Failed);
		}
		changes.insert(key.into(), value.map(Into::into));
	}

	pub(crate) fn info(&self) -> Info {
		self.charge(gas::CALL);
		self.info
	}

	pub(crate) fn read<R>(&self, key: &[u8], then: impl FnOnce(Option<&[u8]>) -> R) -> R {
		self.charge(gas::CALL + gas::READ);
		if key.len() > MAX_KEY as usize {
			stop(Reason::Failed);
		}
		let value = match self.effects.borrow().changes.get(key) {
			Some(change) => change.clone(),
			None => self.storage.get(key).cloned(),
		};
		then(value.as_deref())
	}

	pub(crate) fn write(&mut self, key: &[u8], value: &[u8]) {
		self.change(key, Some(value));
	}

	pub(crate) fn remove(&mut self, key: &[u8]) {
		self.change(key, None);
	}

	pub(crate) fn send(&mut self, message: Outgoing) {
		self.charge(gas::CALL + gas::SEND);
		self.charge(message.gas);
		self.spend(message.value);
		let sends = &mut self.effects.borrow_mut().sends;
		if sends.len() >= MAX_SENDS as usize || message.body.len() > MAX_BODY as usize {
			stop(Reason::Failed);
		}
		sends.push(message);
	}

	pub(crate) fn create(&mut self, creation: Creation) -> Account {
		self.charge(gas::CALL + gas::CREATE);
		self.charge(creation.gas);
		self.spend(creation.value);
		let account = account(&self.info.this, &creation.code, &creation.salt);
		let address = Address {
			chain: self.info.this.chain,
			account,
		};
		let creations = &mut self.effects.borrow_mut().creations;
		if creations.len() >= MAX_CREATIONS as usize
			|| creation.body.len() > MAX_BODY as usize
			|| !self.world.codes.contains_key(&creation.code)
			|| self.world.accounts.contains_key(&address)
			|| creations.iter().any(|(other, _)| *other == address)
		{
			stop(Reason::Failed);
		}
		creations.push((address, creation));
		account
	}

	pub(crate) fn become_code(&mut self, code: &CodeHash) {
		self.charge(gas::CALL + gas::BECOME);
		if !self.world.codes.contains_key(code) {
			stop(Reason::Failed);
		}
		self.effects.borrow_mut().next_code = Some(*code);
	}

	pub(crate) fn end(&mut self, heir: &Account) {
		self.charge(gas::CALL + gas::END);
		self.effects.borrow_mut().heir = Some(*heir);
	}

	pub(crate) fn gas_left(&self) -> u64 {
		self.charge(gas::CALL);
		self.effects.borrow().gas
	}

	pub(crate) fn log(&self, line: &str) {
		self.charge(gas::CALL);
		let Info { this, block, .. } = self.info;
		println!("chain {} block {block}: {line}", this.chain);
	}
}

/// The account of an actor.
fn account(creator: &Address, code: &CodeHash, salt: &[u8; 32]) -> Account {
	digest(&[b"actor", &creator.encode(), code, salt])
}

/// Tells byte strings apart, as well as tests need it: FNV-1a, four times.
fn digest(parts: &[&[u8]]) -> [u8; 32] {
	let mut digest = [0; 32];
	for (lane, out) in (0u8..).zip(digest.chunks_exact_mut(8)) {
		let lengths = parts.iter().map(|part| part.len() as u8);
		let bytes = parts.iter().copied().flatten().copied();
		let hash = [lane]
			.into_iter()
			.chain(lengths)
			.chain(bytes)
			.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
				(hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
			});
		out.copy_from_slice(&hash.to_le_bytes());
	}
	digest
}

/// Numbers that look random, and are the same for the same seed (SplitMix64).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
	/// The numbers of a seed.
	pub fn new(seed: u64) -> Self {
		Self(seed)
	}

	/// The next number, below `end`; 0 if that is 0.
	pub fn below(&mut self, end: u64) -> u64 {
		self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
		let mut mixed = self.0;
		mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
		(mixed ^ (mixed >> 31)).checked_rem(end).unwrap_or(0)
	}
}
