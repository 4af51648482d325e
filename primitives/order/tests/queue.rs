//! The queue is fair, in sequence, bounded, loses nothing, and touches a bounded number of pieces of storage an operation.

use asterism_order::queue::{
	Fault, Limits, Memory, Queue, Refusal, Refused, Span, State, Storage, Waiting, MAX_ACCESSES,
};
use proptest::{collection::vec, prelude::*};
use std::{
	cell::Cell,
	collections::{BTreeMap, BTreeSet},
};

const RECIPIENTS: u8 = 5;

const ROOMY: Limits = Limits {
	depth: 3,
	mailbox: 1000,
	total: 1000,
};

/// A storage that counts how often it is accessed.
#[derive(Default)]
struct Counting {
	memory: Memory<u8, u32>,
	accesses: Cell<u32>,
}

impl Counting {
	fn count(&self) {
		self.accesses.set(self.accesses.get() + 1);
	}
}

impl Storage for Counting {
	type Account = u8;
	type Payload = u32;

	fn state(&self) -> State {
		self.count();
		self.memory.state()
	}
	fn set_state(&mut self, state: State) {
		self.count();
		self.memory.set_state(state);
	}
	fn turn(&self, position: u32) -> Option<u8> {
		self.count();
		self.memory.turn(position)
	}
	fn set_turn(&mut self, position: u32, recipient: Option<u8>) {
		self.count();
		self.memory.set_turn(position, recipient);
	}
	fn mailbox(&self, recipient: &u8) -> Span {
		self.count();
		self.memory.mailbox(recipient)
	}
	fn set_mailbox(&mut self, recipient: &u8, mailbox: Span) {
		self.count();
		self.memory.set_mailbox(recipient, mailbox);
	}
	fn message(&self, recipient: &u8, position: u32) -> Option<Waiting<u32>> {
		self.count();
		self.memory.message(recipient, position)
	}
	fn set_message(&mut self, recipient: &u8, position: u32, message: Option<Waiting<u32>>) {
		self.count();
		self.memory.set_message(recipient, position, message);
	}
}

#[derive(Clone, Copy, Debug)]
enum Operation {
	Insert {
		recipient: u8,
	},
	Send {
		parent: u32,
		recipient: u8,
	},
	Pop,
	/// The block ends: the queue is dropped, and only its storage stays.
	EndBlock,
}

fn operation() -> impl Strategy<Value = Operation> {
	// One recipient gets much more than the others.
	let recipient = || prop_oneof![3 => Just(0), 2 => 0..RECIPIENTS];
	prop_oneof![
		3 => recipient().prop_map(|recipient| Operation::Insert { recipient }),
		3 => (0u32..5, recipient()).prop_map(|(parent, recipient)| Operation::Send { parent, recipient }),
		5 => Just(Operation::Pop),
		1 => Just(Operation::EndBlock),
	]
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(1024))]

	#[test]
	fn messages_come_out_once_in_sequence_and_within_bounds(
		operations in vec(operation(), 0..200),
		depth in 0u32..5,
		mailbox in 0u32..6,
		total in 0u32..15,
	) {
		let limits = Limits { depth, mailbox, total };
		let mut queue = Queue::new(Counting::default(), limits);
		// What is to come out, by recipient.
		let mut expected: BTreeMap<u8, Vec<(u32, u32)>> = BTreeMap::new();
		for (payload, operation) in (0..).zip(operations) {
			let all = expected.values().map(Vec::len).sum::<usize>() as u32;
			queue.storage().accesses.set(0);
			match operation {
				Operation::Insert { recipient } | Operation::Send { recipient, .. } => {
					let (result, at) = match operation {
						Operation::Send { parent, .. } => (queue.send(parent, recipient, payload), parent + 1),
						_ => (queue.insert(recipient, payload), 0),
					};
					let accesses = queue.storage().accesses.get();
					prop_assert!(accesses <= MAX_ACCESSES, "{accesses}");
					let own = expected.entry(recipient).or_default();
					let reason = if at > depth {
						Some(Refusal::TooDeep { limit: depth })
					} else if own.len() as u32 >= mailbox {
						Some(Refusal::MailboxFull { limit: mailbox })
					} else if all >= total {
						Some(Refusal::QueueFull { limit: total })
					} else {
						own.push((payload, at));
						None
					};
					prop_assert_eq!(result, reason.map_or(Ok(()), |reason| Err(Refused { payload, reason })));
				}
				Operation::Pop => {
					let peeked = queue.peek();
					queue.storage().accesses.set(0);
					let popped = queue.pop().unwrap();
					let accesses = queue.storage().accesses.get();
					prop_assert!(accesses <= MAX_ACCESSES, "{accesses}");
					prop_assert_eq!(&popped, &peeked);
					match popped {
						None => prop_assert_eq!(all, 0),
						Some(turn) => {
							let (payload, depth) = expected.get_mut(&turn.recipient).unwrap().remove(0);
							prop_assert_eq!(turn.message, Waiting { payload, depth });
						}
					}
				}
				Operation::EndBlock => queue = Queue::new(queue.into_storage(), limits),
			}
			let all = expected.values().map(Vec::len).sum::<usize>() as u32;
			prop_assert_eq!(queue.len(), all);
			prop_assert_eq!(queue.is_empty(), all == 0);
			for recipient in 0..RECIPIENTS {
				let waiting = expected.get(&recipient).map_or(0, Vec::len) as u32;
				prop_assert_eq!(queue.waiting(&recipient), waiting);
			}
			prop_assert_eq!(queue.audit(), Ok(()));
			// Nothing is kept of what is gone.
			let memory = &queue.storage().memory;
			prop_assert_eq!(memory.messages.len() as u32, all);
			let active = expected.values().filter(|waiting| !waiting.is_empty()).count();
			prop_assert_eq!((memory.turns.len(), memory.mailboxes.len()), (active, active));
		}
	}

	/// Between two turns of a recipient, each one that was waiting has a turn.
	#[test]
	fn nobody_starves(operations in vec(operation(), 0..300)) {
		let mut queue = Queue::new(Memory::default(), ROOMY);
		// For each recipient: who was waiting at its last turn and has had none since.
		let mut owed: BTreeMap<u8, BTreeSet<u8>> = BTreeMap::new();
		for (payload, operation) in (0u32..).zip(operations) {
			match operation {
				Operation::Insert { recipient } => queue.insert(recipient, payload).unwrap(),
				Operation::Send { recipient, .. } => queue.send(0, recipient, payload).unwrap(),
				Operation::EndBlock => queue = Queue::new(queue.into_storage(), ROOMY),
				Operation::Pop => {
					let Some(turn) = queue.pop().unwrap() else {
						continue;
					};
					let starved = owed.remove(&turn.recipient).unwrap_or_default();
					prop_assert!(starved.is_empty(), "{} before {starved:?}", turn.recipient);
					for others in owed.values_mut() {
						others.remove(&turn.recipient);
					}
					let waiting = (0..RECIPIENTS).filter(|other| *other != turn.recipient && queue.waiting(other) > 0);
					owed.insert(turn.recipient, waiting.collect());
				}
			}
		}
	}

	/// Whoever waits gets his first message within as many turns as there are recipients waiting, whatever comes later.
	#[test]
	fn what_is_left_comes_first(
		left in vec(0..RECIPIENTS, 1..60),
		later in vec(0..RECIPIENTS * 2, 0..60),
	) {
		let mut queue = Queue::new(Memory::default(), ROOMY);
		for (payload, recipient) in (0u32..).zip(&left) {
			queue.insert(*recipient, payload).unwrap();
		}
		let waiting: BTreeSet<_> = left.iter().copied().collect();
		let mut queue = Queue::new(queue.into_storage(), ROOMY);
		for (payload, recipient) in (1000u32..).zip(&later) {
			queue.insert(*recipient, payload).unwrap();
		}
		let mut turns = vec![];
		while let Some(turn) = queue.pop().unwrap() {
			turns.push((turn.recipient, turn.message.payload));
		}
		prop_assert_eq!(turns.len(), left.len() + later.len());
		let first: BTreeSet<_> = turns.iter().take(waiting.len()).map(|(recipient, _)| *recipient).collect();
		prop_assert_eq!(first, waiting);
		for recipient in 0..RECIPIENTS * 2 {
			let own: Vec<_> = turns.iter().filter(|(other, _)| *other == recipient).map(|(_, payload)| *payload).collect();
			prop_assert!(own.is_sorted());
		}
	}

	/// Storage that something else has written to makes no operation panic, and taking out ends.
	#[test]
	fn contradictions_are_passed_over(
		turns in proptest::collection::btree_map(0u32..6, 0u8..3, 0..6),
		mailboxes in proptest::collection::btree_map(0u8..3, (0u32..4, 0u32..4), 0..3),
		messages in proptest::collection::btree_map((0u8..3, 0u32..4), any::<u32>(), 0..9),
		(head, length, total) in (prop_oneof![0u32..6, u32::MAX - 3..=u32::MAX], 0u32..6, any::<u32>()),
	) {
		let span = |(head, length): (u32, u32)| Span { head, tail: head.wrapping_add(length) };
		let memory = Memory {
			state: State { turns: span((head, length)), total },
			turns,
			mailboxes: mailboxes.into_iter().map(|(recipient, at)| (recipient, span(at))).collect(),
			messages: messages.into_iter().map(|(at, payload)| (at, Waiting { payload, depth: 0 })).collect(),
		};
		let mut queue = Queue::new(memory, ROOMY);
		let _ = queue.audit();
		let _ = queue.peek();
		let _ = queue.insert(0, 0);
		let mut ended = false;
		for _ in 0..100 {
			let peeked = queue.peek();
			match queue.pop() {
				Ok(None) => ended = true,
				Ok(turn) => prop_assert_eq!(turn, peeked),
				Err(_) => prop_assert_eq!(peeked, None),
			}
		}
		prop_assert!(ended);
	}
}

#[test]
fn turns_go_round() {
	let mut queue = Queue::new(Memory::default(), ROOMY);
	for (recipient, payload) in [('a', 1), ('a', 2), ('a', 3), ('b', 4), ('c', 5), ('c', 6)] {
		queue.insert(recipient, payload).unwrap();
	}
	let mut turns = vec![];
	while let Some(turn) = queue.pop().unwrap() {
		turns.push(turn.message.payload);
		if turn.message.payload == 1 {
			// A newcomer is behind all who wait.
			queue.send(turn.message.depth, 'd', 7).unwrap();
		}
	}
	assert_eq!(turns, [1, 4, 5, 2, 7, 6, 3]);
}

#[test]
fn a_chain_of_messages_ends() {
	let mut queue = Queue::new(Memory::default(), ROOMY);
	queue.insert(0u8, ()).unwrap();
	let mut depths = vec![];
	while let Some(turn) = queue.pop().unwrap() {
		depths.push(turn.message.depth);
		let sent = queue.send(turn.message.depth, 1 - turn.recipient, ());
		assert_eq!(sent.is_err(), turn.message.depth == ROOMY.depth);
	}
	assert_eq!(depths, [0, 1, 2, 3]);
	let endless = Limits {
		depth: u32::MAX,
		..ROOMY
	};
	let mut queue = Queue::new(Memory::default(), endless);
	let refused = queue.send(u32::MAX, 0u8, ()).unwrap_err();
	assert_eq!(refused.reason, Refusal::TooDeep { limit: u32::MAX });
}

#[test]
fn positions_go_on_after_the_last_number() {
	let start = Span {
		head: u32::MAX - 1,
		tail: u32::MAX - 1,
	};
	let mut memory = Memory::default();
	memory.state.turns = start;
	let mut queue = Queue::new(memory, ROOMY);
	for payload in 0..4 {
		for recipient in 0u8..3 {
			queue.insert(recipient, payload).unwrap();
		}
	}
	queue.audit().unwrap();
	assert_eq!(
		queue.storage().turns.keys().copied().collect::<Vec<_>>(),
		[0, u32::MAX - 1, u32::MAX]
	);
	let mut turns = vec![];
	while let Some(turn) = queue.pop().unwrap() {
		queue.audit().unwrap();
		turns.push((turn.message.payload, turn.recipient));
	}
	assert_eq!(turns.len(), 12);
	assert!(turns.is_sorted());
	assert_eq!(queue.into_storage(), Memory::default());

	let span = Span {
		head: u32::MAX,
		tail: 1,
	};
	assert_eq!((span.len(), span.first()), (2, Some(u32::MAX)));
	assert_eq!(span.positions().collect::<Vec<_>>(), [u32::MAX, 0]);
}

#[test]
fn lower_limits_let_what_waits_stay() {
	let mut queue = Queue::new(Memory::default(), ROOMY);
	for payload in 0..4 {
		queue.insert(0u8, payload).unwrap();
	}
	let less = Limits {
		depth: 0,
		mailbox: 2,
		total: 3,
	};
	let mut queue = Queue::new(queue.into_storage(), less);
	let full = Refusal::MailboxFull { limit: 2 };
	assert_eq!(queue.insert(0, 4).unwrap_err().reason, full);
	assert_eq!(
		queue.insert(1, 4).unwrap_err().reason,
		Refusal::QueueFull { limit: 3 }
	);
	queue.pop().unwrap();
	queue.pop().unwrap();
	assert_eq!(queue.insert(0, 4).unwrap_err().reason, full);
	queue.insert(1, 4).unwrap();
	queue.audit().unwrap();
}

#[test]
fn each_contradiction_has_its_name() {
	type Change = fn(&mut Memory<u8, u32>);
	let faults: &[(Change, Fault<u8>)] = &[
		(
			|m| m.turns.retain(|at, _| *at != 0),
			Fault::NoTurn { position: 0 },
		),
		(
			|m| m.mailboxes.retain(|of, _| *of != 0),
			Fault::NoMail { recipient: 0 },
		),
		(
			|m| m.messages.retain(|at, _| *at != (0, 0)),
			Fault::NoMessage {
				recipient: 0,
				position: 0,
			},
		),
	];
	let full = || {
		let mut queue = Queue::new(Memory::default(), ROOMY);
		for (recipient, payload) in [(0, 0), (0, 1), (1, 2)] {
			queue.insert(recipient, payload).unwrap();
		}
		queue.into_storage()
	};
	for (change, fault) in faults {
		let mut memory = full();
		change(&mut memory);
		let mut queue = Queue::new(memory, ROOMY);
		assert_eq!(queue.audit(), Err(*fault));
		assert_eq!(queue.peek(), None);
		assert_eq!(queue.pop(), Err(*fault));
		assert_eq!(queue.pop().unwrap().unwrap().message.payload, 2);
	}

	let mut memory = full();
	memory.turns.insert(1, 0);
	let twice = Fault::TwoTurns { recipient: 0 };
	assert_eq!(Queue::new(memory, ROOMY).audit(), Err(twice));
	let mut memory = full();
	memory.state.total = 7;
	let total = Fault::Total { total: 7, counted: 3 };
	assert_eq!(Queue::new(memory, ROOMY).audit(), Err(total));
}
