//! The scheduler: which message of which account is executed next.
//!
//! # Specification
//!
//! - **Mailbox.** Messages wait with their recipient, and are taken in the sequence in which they came.
//! - **Turns.** Recipients with waiting messages stand in a ring. The first one's first message is next; if it has more, it goes
//!   to the ring's end. So between two turns of a recipient, each one that was waiting has a turn, and nobody's full
//!   mailbox delays another by more than one message a round.
//! - **Depth.** An input has depth 0, what is sent while a message is processed has one more than that message. A message deeper
//!   than [`Limits::depth`] is refused: no input sets off an endless chain of messages, not even over many blocks.
//! - **Bounds.** A mailbox and the whole queue hold so many messages, no more. One that finds no place is refused, and is the
//!   caller's again; nothing has changed then, and it can be returned to its sender.
//! - **Blocks.** A block may end at any time. What is left stays as it is: ahead of all later messages of the same
//!   recipient, and each recipient ahead of all that become active later.
//!
//! # Storage
//!
//! The queue keeps nothing itself. It reads and writes a [`Storage`] piece by piece, at most [`MAX_ACCESSES`] pieces an operation
//! however much is waiting, and always leaves it consistent; what is rolled back there never happened. A mailbox and the ring
//! are each a [`Span`] of positions, and an item at every position within.

use alloc::collections::{BTreeMap, BTreeSet};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Pieces of storage that an operation other than [`Queue::audit`] may read and write.
pub const MAX_ACCESSES: u32 = 9;

/// How much may wait, and how long a chain of messages may become.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Limits {
	/// The greatest depth of a message.
	pub depth: u32,
	/// Messages that may wait for one recipient.
	pub mailbox: u32,
	/// Messages that may wait for all recipients together.
	pub total: u32,
}

/// Consecutive positions, of which items are added at one end and removed at the other. After `u32::MAX` comes 0.
#[derive(
	Clone,
	Copy,
	Debug,
	Default,
	PartialEq,
	Eq,
	Hash,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct Span {
	/// The position of the first item.
	pub head: u32,
	/// The position after the last item.
	pub tail: u32,
}

impl Span {
	/// The number of items.
	pub const fn len(&self) -> u32 {
		self.tail.wrapping_sub(self.head)
	}

	/// Whether there is no item.
	pub const fn is_empty(&self) -> bool {
		self.head == self.tail
	}

	/// The position of the first item; `None` if there is none.
	pub fn first(&self) -> Option<u32> {
		(!self.is_empty()).then_some(self.head)
	}

	/// All positions, from the first one on.
	pub fn positions(&self) -> impl Iterator<Item = u32> {
		let head = self.head;
		(0..self.len()).map(move |offset| head.wrapping_add(offset))
	}

	/// Adds a position at the end, and returns it. There must be less than `u32::MAX`, which bounds below that ensure.
	fn push(&mut self) -> u32 {
		let position = self.tail;
		self.tail = position.wrapping_add(1);
		position
	}

	/// Removes the first position, and returns it. An empty span begins at 0 again.
	fn pop(&mut self) -> Option<u32> {
		let position = self.first()?;
		self.head = position.wrapping_add(1);
		if self.is_empty() {
			*self = Span::default();
		}
		Some(position)
	}
}

/// The queue's own piece of storage.
#[derive(
	Clone,
	Copy,
	Debug,
	Default,
	PartialEq,
	Eq,
	Hash,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct State {
	/// The ring of recipients with waiting messages.
	pub turns: Span,
	/// The number of waiting messages.
	pub total: u32,
}

/// A message in the queue.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Waiting<P> {
	/// What the recipient is given.
	pub payload: P,
	/// How many messages caused each other before it, from an input on.
	pub depth: u32,
}

/// Where the pieces are kept. Absent means none, or the default. Each method is one read or one write.
pub trait Storage {
	/// A recipient.
	type Account: Clone + Ord;
	/// What a message holds.
	type Payload;

	/// The ring and the number of messages.
	fn state(&self) -> State;
	/// Sets the ring and the number of messages.
	fn set_state(&mut self, state: State);
	/// The recipient at a position of the ring.
	fn turn(&self, position: u32) -> Option<Self::Account>;
	/// Sets or removes the recipient at a position of the ring.
	fn set_turn(&mut self, position: u32, recipient: Option<Self::Account>);
	/// The positions of a recipient's messages.
	fn mailbox(&self, recipient: &Self::Account) -> Span;
	/// Sets the positions of a recipient's messages; an empty span is the default and needs no storage.
	fn set_mailbox(&mut self, recipient: &Self::Account, mailbox: Span);
	/// A recipient's message at a position.
	fn message(&self, recipient: &Self::Account, position: u32) -> Option<Waiting<Self::Payload>>;
	/// Sets or removes a recipient's message at a position.
	fn set_message(
		&mut self,
		recipient: &Self::Account,
		position: u32,
		message: Option<Waiting<Self::Payload>>,
	);
}

/// Why a message finds no place.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Refusal {
	/// It is deeper than allowed. It would be refused at any time.
	TooDeep {
		/// The greatest depth allowed.
		limit: u32,
	},
	/// As many messages wait for the recipient as may.
	MailboxFull {
		/// How many may.
		limit: u32,
	},
	/// As many messages wait as may.
	QueueFull {
		/// How many may.
		limit: u32,
	},
}

/// A message that found no place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused<P> {
	/// What it holds.
	pub payload: P,
	/// Why.
	pub reason: Refusal,
}

/// The message that is executed next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn<A, P> {
	/// Whose turn it is.
	pub recipient: A,
	/// The message.
	pub message: Waiting<P>,
}

/// A turn of the queue over a storage.
pub type TurnOf<S> = Turn<<S as Storage>::Account, <S as Storage>::Payload>;

/// The storage contradicts itself. The queue never leaves it so: something else has written there.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Fault<A> {
	/// No recipient is at this position of the ring.
	NoTurn {
		/// The position.
		position: u32,
	},
	/// A recipient in the ring has no messages.
	NoMail {
		/// The recipient.
		recipient: A,
	},
	/// No message is at this position of a mailbox.
	NoMessage {
		/// The recipient.
		recipient: A,
		/// The position.
		position: u32,
	},
	/// A recipient is in the ring twice.
	TwoTurns {
		/// The recipient.
		recipient: A,
	},
	/// The number of messages is not what the mailboxes hold together.
	Total {
		/// The number.
		total: u32,
		/// What the mailboxes of recipients in the ring hold.
		counted: u32,
	},
}

/// The queue over a storage, within limits.
#[derive(Clone, Debug)]
pub struct Queue<S> {
	storage: S,
	limits: Limits,
}

impl<S: Storage> Queue<S> {
	/// Uses a storage, which is empty or was left by a queue before. If the limits were higher then, what is waiting stays, and
	/// more is taken in when there is less than now allowed.
	pub fn new(storage: S, limits: Limits) -> Self {
		Queue { storage, limits }
	}

	/// The storage.
	pub fn storage(&self) -> &S {
		&self.storage
	}

	/// Gives the storage back.
	pub fn into_storage(self) -> S {
		self.storage
	}

	/// The number of waiting messages.
	pub fn len(&self) -> u32 {
		self.storage.state().total
	}

	/// Whether no message is waiting.
	pub fn is_empty(&self) -> bool {
		self.len() == 0
	}

	/// The number of messages that wait for a recipient.
	pub fn waiting(&self, recipient: &S::Account) -> u32 {
		self.storage.mailbox(recipient).len()
	}

	/// Puts an input into the queue: it has depth 0.
	///
	/// # Errors
	/// [`Refusal::MailboxFull`] or [`Refusal::QueueFull`], and the message; nothing is changed then.
	pub fn insert(&mut self, recipient: S::Account, payload: S::Payload) -> Result<(), Refused<S::Payload>> {
		self.add(recipient, Some(0), payload)
	}

	/// Puts a message into the queue that is sent while a message of depth `parent` is processed.
	///
	/// # Errors
	/// Any [`Refusal`], and the message; nothing is changed then.
	pub fn send(
		&mut self,
		parent: u32,
		recipient: S::Account,
		payload: S::Payload,
	) -> Result<(), Refused<S::Payload>> {
		self.add(recipient, parent.checked_add(1), payload)
	}

	/// A depth of `None` is greater than any.
	fn add(
		&mut self,
		recipient: S::Account,
		depth: Option<u32>,
		payload: S::Payload,
	) -> Result<(), Refused<S::Payload>> {
		let Limits {
			depth: deepest,
			mailbox: most,
			total,
		} = self.limits;
		let refused = |payload, reason| Err(Refused { payload, reason });
		let Some(depth) = depth.filter(|depth| *depth <= deepest) else {
			return refused(payload, Refusal::TooDeep { limit: deepest });
		};
		let mut mailbox = self.storage.mailbox(&recipient);
		if mailbox.len() >= most {
			return refused(payload, Refusal::MailboxFull { limit: most });
		}
		let mut state = self.storage.state();
		let Some(more) = state.total.checked_add(1).filter(|more| *more <= total) else {
			return refused(payload, Refusal::QueueFull { limit: total });
		};
		state.total = more;
		if mailbox.is_empty() {
			self.storage.set_turn(state.turns.push(), Some(recipient.clone()));
		}
		let position = mailbox.push();
		self.storage
			.set_message(&recipient, position, Some(Waiting { payload, depth }));
		self.storage.set_mailbox(&recipient, mailbox);
		self.storage.set_state(state);
		Ok(())
	}

	/// The message that [`pop`](Self::pop) would return; `None` if it would return none, or a fault. By it the caller can tell
	/// whether the block has weight enough left.
	pub fn peek(&self) -> Option<TurnOf<S>> {
		let recipient = self.storage.turn(self.storage.state().turns.first()?)?;
		let position = self.storage.mailbox(&recipient).first()?;
		let message = self.storage.message(&recipient, position)?;
		Some(Turn { recipient, message })
	}

	/// Takes out the message that is next; `None` if none is waiting.
	///
	/// # Errors
	/// [`Fault::NoTurn`], [`Fault::NoMail`] or [`Fault::NoMessage`] for what should have been there. That is passed over: the next
	/// call goes on after it, so a fault can't stop the queue for good.
	pub fn pop(&mut self) -> Result<Option<TurnOf<S>>, Fault<S::Account>> {
		let mut state = self.storage.state();
		let Some(turn) = state.turns.pop() else {
			return Ok(None);
		};
		let Some(recipient) = self.storage.turn(turn) else {
			self.storage.set_state(state);
			return Err(Fault::NoTurn { position: turn });
		};
		self.storage.set_turn(turn, None);
		let mut mailbox = self.storage.mailbox(&recipient);
		let Some(position) = mailbox.pop() else {
			self.storage.set_state(state);
			return Err(Fault::NoMail { recipient });
		};
		if !mailbox.is_empty() {
			self.storage.set_turn(state.turns.push(), Some(recipient.clone()));
		}
		state.total = state.total.saturating_sub(1);
		self.storage.set_state(state);
		self.storage.set_mailbox(&recipient, mailbox);
		match self.storage.message(&recipient, position) {
			Some(message) => {
				self.storage.set_message(&recipient, position, None);
				Ok(Some(Turn { recipient, message }))
			}
			None => Err(Fault::NoMessage { recipient, position }),
		}
	}

	/// Reads all that is waiting, and checks that it is consistent. For tests and state checks: it takes time.
	///
	/// # Errors
	/// The first [`Fault`] found.
	pub fn audit(&self) -> Result<(), Fault<S::Account>> {
		let state = self.storage.state();
		let mut seen = BTreeSet::new();
		let mut counted = 0u32;
		for position in state.turns.positions() {
			let recipient = self.storage.turn(position).ok_or(Fault::NoTurn { position })?;
			let mailbox = self.storage.mailbox(&recipient);
			if mailbox.is_empty() {
				return Err(Fault::NoMail { recipient });
			}
			for position in mailbox.positions() {
				if self.storage.message(&recipient, position).is_none() {
					return Err(Fault::NoMessage { recipient, position });
				}
			}
			counted = counted.saturating_add(mailbox.len());
			if !seen.insert(recipient.clone()) {
				return Err(Fault::TwoTurns { recipient });
			}
		}
		if counted != state.total {
			return Err(Fault::Total {
				total: state.total,
				counted,
			});
		}
		Ok(())
	}
}

/// A storage as a plain value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory<A, P> {
	/// The ring and the number of messages.
	pub state: State,
	/// The recipients in the ring, by position.
	pub turns: BTreeMap<u32, A>,
	/// The positions of each recipient's messages.
	pub mailboxes: BTreeMap<A, Span>,
	/// The messages, by recipient and position.
	pub messages: BTreeMap<(A, u32), Waiting<P>>,
}

impl<A, P> Default for Memory<A, P> {
	/// Nothing is waiting.
	fn default() -> Self {
		Memory {
			state: State::default(),
			turns: BTreeMap::new(),
			mailboxes: BTreeMap::new(),
			messages: BTreeMap::new(),
		}
	}
}

/// Sets or removes an entry.
fn set<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
	match value {
		Some(value) => map.insert(key, value),
		None => map.remove(&key),
	};
}

impl<A: Clone + Ord, P: Clone> Storage for Memory<A, P> {
	type Account = A;
	type Payload = P;

	fn state(&self) -> State {
		self.state
	}
	fn set_state(&mut self, state: State) {
		self.state = state;
	}
	fn turn(&self, position: u32) -> Option<A> {
		self.turns.get(&position).cloned()
	}
	fn set_turn(&mut self, position: u32, recipient: Option<A>) {
		set(&mut self.turns, position, recipient);
	}
	fn mailbox(&self, recipient: &A) -> Span {
		self.mailboxes.get(recipient).copied().unwrap_or_default()
	}
	fn set_mailbox(&mut self, recipient: &A, mailbox: Span) {
		let mailbox = (!mailbox.is_empty()).then_some(mailbox);
		set(&mut self.mailboxes, recipient.clone(), mailbox);
	}
	fn message(&self, recipient: &A, position: u32) -> Option<Waiting<P>> {
		self.messages.get(&(recipient.clone(), position)).cloned()
	}
	fn set_message(&mut self, recipient: &A, position: u32, message: Option<Waiting<P>>) {
		set(&mut self.messages, (recipient.clone(), position), message);
	}
}
