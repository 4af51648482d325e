//! An executor that runs on the queue: its blocks pass the check, their orders linearized have the same effects, and no
//! mutation of an order passes that isn't equivalent to it.

use asterism_order::{
	order::{
		canonical, check, equivalent, linearize, AccountOrder, Destination, Facts, Input, MessageId, Order,
		OrderError, Place, Processing, Produced, Relay, Sent, Step, MAX_SENDS,
	},
	queue::{Limits, Memory, Queue},
};
use codec::{Decode, Encode};
use proptest::{collection::vec, prelude::*, sample::Index};
use std::collections::{BTreeMap, BTreeSet};

const ACCOUNTS: u8 = 4;

/// Mixes its arguments, so that no two executions that differ have the same effects.
fn mix(a: u64, b: u64) -> u64 {
	let mut x = a ^ b.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17);
	x ^= x >> 30;
	x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
	x ^= x >> 27;
	x = x.wrapping_mul(0x94d0_49bb_1331_11eb);
	x ^ (x >> 31)
}

/// What an account sends, to whom and with which content, depends on its state and on what it is given, and so does its next
/// state.
fn process(account: u8, state: &mut u64, content: u64) -> Vec<(Destination<u8>, u64)> {
	*state = mix(mix(*state, content), account.into());
	let sends = [0, 1, 1, 2][(*state % 4) as usize];
	(0..sends)
		.map(|i| {
			let content = mix(*state, i + 1);
			let recipient = (content >> 32) as u8 % (ACCOUNTS + 1);
			let to = if recipient < ACCOUNTS {
				Destination::Here(recipient)
			} else {
				Destination::Elsewhere
			};
			(to, content)
		})
		.collect()
}

/// A message: a number that no other has, and its content.
type Message = (u32, u64);

/// A chain's state between blocks.
#[derive(Clone, Default)]
struct Chain {
	states: BTreeMap<u8, u64>,
	queue: Memory<u8, Message>,
	messages: u32,
}

/// What came of a block.
#[derive(Debug)]
struct Block {
	before: BTreeMap<u8, u64>,
	after: BTreeMap<u8, u64>,
	contents: Vec<u64>,
	facts: Facts<u8, u32>,
}

impl Chain {
	fn number(&mut self) -> u32 {
		self.messages += 1;
		self.messages
	}

	/// Executes a block of at most `weight` processings.
	fn execute(&mut self, limits: Limits, inputs: &[(u8, u64)], weight: usize) -> Block {
		let before = self.states.clone();
		let mut facts = Facts::default();
		let mut contents = vec![];
		for ((recipient, _), waiting) in &self.queue.messages {
			let (message, content) = waiting.payload;
			facts.inputs.push(Input {
				message,
				recipient: *recipient,
			});
			contents.push(content);
		}
		let mut queue = Queue::new(std::mem::take(&mut self.queue), limits);
		for (recipient, content) in inputs {
			let message = self.number();
			if queue.insert(*recipient, (message, *content)).is_ok() {
				facts.inputs.push(Input {
					message,
					recipient: *recipient,
				});
				contents.push(*content);
			}
		}
		for _ in 0..weight {
			let Some(turn) = queue.pop().unwrap() else {
				break;
			};
			let (received, content) = turn.message.payload;
			let mut sent = vec![];
			for (to, content) in process(
				turn.recipient,
				self.states.entry(turn.recipient).or_default(),
				content,
			) {
				let message = self.number();
				let is_sent = match to {
					Destination::Here(recipient) => queue
						.send(turn.message.depth, recipient, (message, content))
						.is_ok(),
					Destination::Elsewhere => true,
				};
				if is_sent {
					sent.push(Produced { message, to });
				}
			}
			facts.record(turn.recipient, Step { received, sent });
		}
		queue.audit().unwrap();
		self.queue = queue.into_storage();
		facts
			.left
			.extend(self.queue.messages.values().map(|waiting| waiting.payload.0));
		Block {
			before,
			after: self.states.clone(),
			contents,
			facts,
		}
	}
}

/// Executes an order in a sequence of its processings, from what is known before it: the states, and the contents of the inputs.
/// The states after it, and what is seen; each message gets the number of its turn.
fn replay(order: &Order<u8>, block: &Block, sequence: &[Place]) -> (BTreeMap<u8, u64>, Facts<u8, u32>) {
	let mut states = block.before.clone();
	let mut contents: BTreeMap<_, _> = (0..).map(MessageId).zip(block.contents.iter().copied()).collect();
	let mut names: BTreeMap<_, _> = (0..order.inputs).map(|input| (MessageId(input), input)).collect();
	let mut facts = Facts::default();
	for (message, input) in (0..).zip(&block.facts.inputs) {
		facts.inputs.push(Input {
			message,
			recipient: input.recipient,
		});
	}
	let mut left = names.clone();
	for place in sequence {
		let processing = order.processing(*place).unwrap();
		let account = *order.account(*place).unwrap();
		let content = contents[&processing.received];
		let produced = process(account, states.entry(account).or_default(), content);
		assert_eq!(produced.len(), processing.sent.len());
		let mut sent = vec![];
		for (item, (to, content)) in processing.sent.iter().zip(produced) {
			let name = names.len() as u32;
			names.insert(item.message, name);
			contents.insert(item.message, content);
			if to != Destination::Elsewhere {
				left.insert(item.message, name);
			}
			sent.push(Produced { message: name, to });
		}
		left.remove(&processing.received).unwrap();
		let received = names[&processing.received];
		facts.record(account, Step { received, sent });
	}
	facts.left.extend(left.values());
	(states, facts)
}

/// Any sequence in which an order can be executed: `choose` picks one of so many accounts that can go on.
fn interleave(order: &Order<u8>, mut choose: impl FnMut(usize) -> usize) -> Vec<Place> {
	let mut sent: BTreeSet<_> = (0..order.inputs).map(MessageId).collect();
	let mut next = vec![0; order.accounts.len()];
	let mut sequence = vec![];
	loop {
		let heads = (0..).zip(&next).map(|(account, processing)| Place {
			account,
			processing: *processing,
		});
		let ready: Vec<_> = heads
			.filter(|place| {
				order
					.processing(*place)
					.is_some_and(|head| sent.contains(&head.received))
			})
			.collect();
		if ready.is_empty() {
			return sequence;
		}
		let place = ready[choose(ready.len())];
		sent.extend(
			order
				.processing(place)
				.unwrap()
				.sent
				.iter()
				.map(|sent| sent.message),
		);
		next[place.account as usize] += 1;
		sequence.push(place);
	}
}

const ROOMY: Limits = Limits {
	depth: u32::MAX,
	mailbox: u32::MAX,
	total: u32::MAX,
};

type Inputs = Vec<(u8, u64)>;

fn inputs() -> impl Strategy<Value = Inputs> {
	vec((0..ACCOUNTS, any::<u64>()), 0..6)
}

/// What a malicious leader may do to an order.
#[derive(Clone, Debug)]
enum Mutation {
	SwapProcessings(Index, Index),
	MoveProcessing(Index, Index),
	DropProcessing(Index),
	RepeatProcessing(Index, Index),
	Receive(Index, u32),
	SwapReceived(Index, Index),
	SwapSends(Index, Index),
	MoveSend(Index, Index),
	DropSend(Index),
	RepeatSend(Index, Index),
	Send(Index, u32, Relay),
	Resend(Index, Index),
	Mark(Index, Relay),
	SwapAccounts(Index, Index),
	Rename(Index, u8),
	DropAccount(Index),
	AddAccount(u8, u32),
	ReverseAccounts,
	Inputs(u32),
	Produced(u32),
	/// Gives two messages each other's number everywhere.
	Renumber(Index, Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
	use Mutation::*;
	let i = any::<Index>;
	let message = || 0u32..24;
	let relay = || prop_oneof![Just(Relay::Inner), Just(Relay::Outer), Just(Relay::Deferred)];
	prop_oneof![
		1 => (i(), i()).prop_map(|(a, b)| SwapProcessings(a, b)),
		1 => (i(), i()).prop_map(|(a, b)| MoveProcessing(a, b)),
		1 => i().prop_map(DropProcessing),
		1 => (i(), i()).prop_map(|(a, b)| RepeatProcessing(a, b)),
		1 => (i(), message()).prop_map(|(a, m)| Receive(a, m)),
		1 => (i(), i()).prop_map(|(a, b)| SwapReceived(a, b)),
		1 => (i(), i()).prop_map(|(a, b)| SwapSends(a, b)),
		1 => (i(), i()).prop_map(|(a, b)| MoveSend(a, b)),
		1 => i().prop_map(DropSend),
		1 => (i(), i()).prop_map(|(a, b)| RepeatSend(a, b)),
		1 => (i(), message(), relay()).prop_map(|(a, m, r)| Send(a, m, r)),
		1 => (i(), i()).prop_map(|(a, b)| Resend(a, b)),
		1 => (i(), relay()).prop_map(|(a, r)| Mark(a, r)),
		1 => (i(), i()).prop_map(|(a, b)| SwapAccounts(a, b)),
		1 => (i(), 0..=ACCOUNTS).prop_map(|(a, b)| Rename(a, b)),
		1 => i().prop_map(DropAccount),
		1 => (0..=ACCOUNTS, message()).prop_map(|(a, m)| AddAccount(a, m)),
		1 => Just(ReverseAccounts),
		1 => message().prop_map(Inputs),
		1 => message().prop_map(Produced),
		4 => (i(), i()).prop_map(|(a, b)| Renumber(a, b)),
	]
}

/// The places of all processings.
fn places(order: &Order<u8>) -> Vec<(usize, usize)> {
	let sizes = order
		.accounts
		.iter()
		.map(|entry| entry.processings.len())
		.enumerate();
	sizes
		.flat_map(|(account, size)| (0..size).map(move |i| (account, i)))
		.collect()
}

/// The places of all sends.
fn sends(order: &Order<u8>) -> Vec<(usize, usize, usize)> {
	let sizes = places(order).into_iter().map(|(account, i)| {
		let size = order.accounts[account].processings[i].sent.len();
		(account, i, size)
	});
	sizes
		.flat_map(|(account, i, size)| (0..size).map(move |j| (account, i, j)))
		.collect()
}

fn pick<T: Copy>(index: &Index, items: &[T]) -> Option<T> {
	(!items.is_empty()).then(|| *index.get(items))
}

fn for_each_id(order: &mut Order<u8>, mut change: impl FnMut(&mut MessageId)) {
	for processing in order.accounts.iter_mut().flat_map(|entry| &mut entry.processings) {
		change(&mut processing.received);
		processing
			.sent
			.iter_mut()
			.for_each(|sent| change(&mut sent.message));
	}
}

impl Mutation {
	/// `None` if there is nothing to do it to.
	fn apply(&self, order: &mut Order<u8>) -> Option<()> {
		use Mutation::*;
		let (places, sends) = (places(order), sends(order));
		let accounts: Vec<_> = (0..order.accounts.len()).collect();
		fn at(order: &mut Order<u8>, (account, i): (usize, usize)) -> &mut Processing {
			&mut order.accounts[account].processings[i]
		}
		fn sent(order: &mut Order<u8>, (account, i, j): (usize, usize, usize)) -> &mut Sent {
			&mut at(order, (account, i)).sent[j]
		}
		match self {
			SwapProcessings(a, b) => {
				let (account, i) = pick(a, &places)?;
				let processings = &mut order.accounts[account].processings;
				let j = b.index(processings.len());
				processings.swap(i, j);
			}
			MoveProcessing(a, b) => {
				let (account, i) = pick(a, &places)?;
				let processing = order.accounts[account].processings.remove(i);
				let to = pick(b, &accounts)?;
				order.accounts[to].processings.push(processing);
			}
			DropProcessing(a) => {
				let (account, i) = pick(a, &places)?;
				order.accounts[account].processings.remove(i);
			}
			RepeatProcessing(a, b) => {
				let processing = at(order, pick(a, &places)?).clone();
				let to = pick(b, &accounts)?;
				order.accounts[to].processings.push(processing);
			}
			Receive(a, message) => at(order, pick(a, &places)?).received = MessageId(*message),
			SwapReceived(a, b) => {
				let (a, b) = (pick(a, &places)?, pick(b, &places)?);
				let (of_a, of_b) = (at(order, a).received, at(order, b).received);
				at(order, a).received = of_b;
				at(order, b).received = of_a;
			}
			SwapSends(a, b) => {
				let (a, b) = (pick(a, &sends)?, pick(b, &sends)?);
				let (of_a, of_b) = (*sent(order, a), *sent(order, b));
				*sent(order, a) = of_b;
				*sent(order, b) = of_a;
			}
			MoveSend(a, b) => {
				let (account, i, j) = pick(a, &sends)?;
				let moved = at(order, (account, i)).sent.remove(j);
				at(order, pick(b, &places)?).sent.push(moved);
			}
			DropSend(a) => {
				let (account, i, j) = pick(a, &sends)?;
				at(order, (account, i)).sent.remove(j);
			}
			RepeatSend(a, b) => {
				let repeated = *sent(order, pick(a, &sends)?);
				at(order, pick(b, &places)?).sent.push(repeated);
			}
			Send(a, message, relay) => at(order, pick(a, &places)?).sent.push(Sent {
				message: MessageId(*message),
				relay: *relay,
			}),
			Resend(a, b) => {
				let message = sent(order, pick(a, &sends)?).message;
				sent(order, pick(b, &sends)?).message = message;
			}
			Mark(a, relay) => sent(order, pick(a, &sends)?).relay = *relay,
			SwapAccounts(a, b) => {
				let (a, b) = (pick(a, &accounts)?, pick(b, &accounts)?);
				let (of_a, of_b) = (order.accounts[a].account, order.accounts[b].account);
				order.accounts[a].account = of_b;
				order.accounts[b].account = of_a;
			}
			Rename(a, account) => order.accounts[pick(a, &accounts)?].account = *account,
			DropAccount(a) => {
				order.accounts.remove(pick(a, &accounts)?);
			}
			AddAccount(account, message) => order.accounts.push(AccountOrder {
				account: *account,
				processings: vec![Processing {
					received: MessageId(*message),
					sent: vec![],
				}],
			}),
			ReverseAccounts => order.accounts.reverse(),
			Inputs(count) => order.inputs = *count,
			Produced(count) => order.produced = *count,
			Renumber(a, b) => {
				// Mostly of two produced messages, which makes no difference if it is done everywhere.
				let (a, b) = (pick(a, &sends)?, pick(b, &sends)?);
				let (a, b) = (sent(order, a).message, sent(order, b).message);
				for_each_id(order, |id| {
					if *id == a {
						*id = b;
					} else if *id == b {
						*id = a;
					}
				});
			}
		}
		Some(())
	}
}

/// A few blocks, of which the last one is looked at.
fn run(blocks: &[(Inputs, usize)], limits: Limits) -> Option<Block> {
	let mut chain = Chain::default();
	let mut last = None;
	for (inputs, weight) in blocks {
		last = Some(chain.execute(limits, inputs, *weight));
	}
	last
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(512))]

	/// Whatever the limits, and wherever blocks end.
	#[test]
	fn what_was_executed_passes_the_check(
		blocks in vec((inputs(), 0usize..16), 1..5),
		depth in 0u32..6,
		mailbox in 0u32..6,
		total in 0u32..12,
	) {
		let mut chain = Chain::default();
		for (inputs, weight) in blocks {
			let block = chain.execute(Limits { depth, mailbox, total }, &inputs, weight);
			let order = block.facts.order().unwrap();
			let verified = check(&order, &block.facts).unwrap();
			prop_assert_eq!(verified.left().len(), block.facts.left.len());
			prop_assert_eq!(Order::<u8>::decode(&mut &order.encode()[..]), Ok(order));
		}
	}

	/// How the accounts' processings interleave makes no difference: they have the same effects, and the same order.
	#[test]
	fn all_sequences_have_the_same_effects(
		blocks in vec((inputs(), 0usize..16), 1..5),
		choices in vec(any::<Index>(), 16),
	) {
		let block = run(&blocks, ROOMY).unwrap();
		let order = block.facts.order().unwrap();
		let linear = linearize(&order).unwrap();
		prop_assert_eq!(&linear, &interleave(&order, |_| 0));
		let mut choices = choices.into_iter();
		let other = interleave(&order, |count| choices.next().unwrap().index(count));
		for sequence in [linear, other] {
			let (states, facts) = replay(&order, &block, &sequence);
			prop_assert_eq!(&states, &block.after);
			prop_assert_eq!(facts.order(), Ok(order.clone()));
			prop_assert!(check(&order, &facts).is_ok());
		}
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(4096))]

	#[test]
	fn only_equivalent_orders_pass(
		blocks in vec((inputs(), 1usize..12), 1..4),
		mutations in vec(mutation(), 1..4),
	) {
		let block = run(&blocks, ROOMY).unwrap();
		let order = block.facts.order().unwrap();
		let mut mutant = order.clone();
		for mutation in &mutations {
			mutation.apply(&mut mutant);
		}
		let verdict = check(&mutant, &block.facts);
		prop_assert_eq!(verdict.is_ok(), equivalent(&mutant, &order), "{:?}: {:?}", mutant, verdict);
		prop_assert_eq!(equivalent(&order, &mutant), equivalent(&mutant, &order));
		if verdict.is_ok() {
			prop_assert_eq!(canonical(&mutant), Ok(order.clone()));
			let (states, facts) = replay(&mutant, &block, &linearize(&mutant).unwrap());
			prop_assert_eq!(states, block.after);
			prop_assert_eq!(facts.order(), Ok(order));
		} else if let Ok(form) = canonical(&mutant) {
			prop_assert_ne!(form, order);
		}
	}

	/// Orders and facts that have nothing to do with each other.
	#[test]
	fn nothing_makes_the_check_panic(
		a in vec((inputs(), 1usize..12), 1..3),
		b in vec((inputs(), 1usize..12), 1..3),
		mutations in vec(mutation(), 0..6),
	) {
		let (a, b) = (run(&a, ROOMY).unwrap(), run(&b, ROOMY).unwrap());
		let mut order = a.facts.order().unwrap();
		for mutation in &mutations {
			mutation.apply(&mut order);
		}
		let _ = check(&order, &b.facts);
		let _ = linearize(&order);
		let _ = canonical(&order);
	}
}

/// One block to make each mistake in: m0 and m1 go to account 0, m2 to account 1. Account 0 sends m3 to account 1 and m4 to
/// another chain while it processes m0; and while it processes m1, m5 to account 1, which stays in the queue.
fn example() -> (Order<u8>, Facts<u8, u32>) {
	let input = |message, recipient| Input { message, recipient };
	let here = |message, account| Produced {
		message,
		to: Destination::Here(account),
	};
	let mut facts = Facts {
		inputs: vec![input(0, 0), input(1, 0), input(2, 1)],
		left: vec![5],
		..Facts::default()
	};
	let abroad = Produced {
		message: 4,
		to: Destination::Elsewhere,
	};
	let step = |received, sent| Step { received, sent };
	facts.record(0, step(0, vec![here(3, 1), abroad]));
	facts.record(0, step(1, vec![here(5, 1)]));
	facts.record(1, step(2, vec![]));
	facts.record(1, step(3, vec![]));
	let order = facts.order().unwrap();
	assert_eq!(check(&order, &facts).unwrap().left(), [MessageId(5)]);
	(order, facts)
}

#[test]
fn each_mistake_in_an_order_has_its_name() {
	use OrderError::*;
	type Change = fn(&mut Order<u8>);
	let m = MessageId;
	fn of(order: &mut Order<u8>, account: usize, i: usize) -> &mut Processing {
		&mut order.accounts[account].processings[i]
	}
	fn deferred(number: u32) -> Sent {
		Sent {
			message: MessageId(number),
			relay: Relay::Deferred,
		}
	}
	let mistakes: &[(Change, OrderError<u8>)] = &[
		(
			|o| o.inputs = u32::MAX,
			TooManyMessages {
				inputs: u32::MAX,
				produced: 3,
			},
		),
		(
			|o| of(o, 0, 1).sent = (0..=MAX_SENDS).map(deferred).collect(),
			TooManySends {
				received: m(1),
				count: MAX_SENDS as usize + 1,
			},
		),
		(|o| o.accounts.reverse(), NotAscending { account: 0 }),
		(|o| o.accounts[1].account = 0, NotAscending { account: 0 }),
		(|o| o.accounts[1].processings.clear(), Idle { account: 1 }),
		(
			|o| of(o, 1, 0).received = MessageId(6),
			UnknownMessage { message: m(6) },
		),
		(
			|o| of(o, 0, 1).sent[0].message = MessageId(7),
			UnknownMessage { message: m(7) },
		),
		(
			|o| of(o, 0, 1).sent[0].message = MessageId(2),
			InputSent { message: m(2) },
		),
		(
			|o| of(o, 0, 1).sent[0].message = MessageId(4),
			SentTwice { message: m(4) },
		),
		(|o| of(o, 0, 1).sent.clear(), NotSent { message: m(5) }),
		(
			|o| of(o, 1, 1).received = MessageId(0),
			ReceivedTwice { message: m(0) },
		),
		(
			|o| drop(o.accounts[1].processings.pop()),
			NotReceived { message: m(3) },
		),
		(
			|o| of(o, 1, 1).received = MessageId(4),
			NotReceived { message: m(3) },
		),
		(
			|o| of(o, 1, 0).received = MessageId(5),
			NotInner {
				message: m(5),
				relay: Relay::Deferred,
			},
		),
		(
			|o| of(o, 1, 0).received = MessageId(4),
			NotInner {
				message: m(4),
				relay: Relay::Outer,
			},
		),
		(|o| drop(o.accounts.remove(0)), NotSent { message: m(3) }),
		(|o| o.accounts[1].account = 7, MissingAccount { account: 1 }),
		(
			|o| {
				let processing = o.accounts[0].processings.pop().unwrap();
				o.accounts[1].processings.push(processing);
			},
			ProcessingCount {
				account: 0,
				order: 1,
				seen: 2,
			},
		),
		(
			|o| of(o, 0, 0).sent.swap(0, 1),
			WrongRelay {
				message: m(4),
				relay: Relay::Outer,
			},
		),
		(
			|o| {
				let sent = of(o, 0, 0).sent.remove(1);
				of(o, 0, 1).sent.push(sent);
			},
			SendCount {
				received: m(0),
				order: 1,
				seen: 2,
			},
		),
		(
			|o| o.accounts[1].processings.swap(0, 1),
			WrongMessage {
				account: 1,
				position: 0,
				message: m(3),
			},
		),
	];
	for (change, error) in mistakes {
		let (mut order, facts) = example();
		change(&mut order);
		assert_eq!(check(&order, &facts), Err(error.clone()));
	}
}

#[test]
fn each_contradiction_to_facts_has_its_name() {
	use OrderError::*;
	type Change = fn(&mut Facts<u8, u32>);
	let m = MessageId;
	let mistakes: &[(Change, OrderError<u8>)] = &[
		(|f| f.inputs.truncate(2), InputCount { order: 3, seen: 2 }),
		(|f| drop(f.accounts.remove(&1)), UnknownAccount { account: 1 }),
		(
			|f| {
				let steps = f.accounts[&1].clone();
				f.accounts.insert(2, steps);
			},
			MissingAccount { account: 2 },
		),
		(
			|f| f.inputs[2].recipient = 0,
			WrongRecipient {
				message: m(2),
				account: 1,
			},
		),
		(
			|f| f.accounts.get_mut(&0).unwrap()[0].sent[0].to = Destination::Here(0),
			WrongRecipient {
				message: m(3),
				account: 1,
			},
		),
		(
			|f| f.accounts.get_mut(&0).unwrap()[0].sent[0].to = Destination::Elsewhere,
			WrongRelay {
				message: m(3),
				relay: Relay::Inner,
			},
		),
		(|f| f.left.clear(), Lost { message: m(5) }),
		(|f| f.left.push(0), Kept { message: m(0) }),
		(|f| f.left.push(4), Kept { message: m(4) }),
		(|f| f.left.push(5), Kept { message: m(5) }),
		(|f| f.left.push(9), UnknownLeft { position: 1 }),
	];
	for (change, error) in mistakes {
		let (order, mut facts) = example();
		change(&mut facts);
		assert_eq!(check(&order, &facts), Err(error.clone()));
	}
}

#[test]
fn an_order_is_derived_only_from_what_is_unique_and_known() {
	let (_, mut facts) = example();
	facts.inputs[1].message = 0;
	assert_eq!(
		facts.order(),
		Err(OrderError::Ambiguous {
			message: MessageId(1)
		})
	);
	let (_, mut facts) = example();
	facts.accounts.get_mut(&1).unwrap()[1].received = 9;
	assert_eq!(
		facts.order(),
		Err(OrderError::NeverSent {
			account: 1,
			position: 1
		})
	);
}

#[test]
fn a_processing_sends_so_much_and_no_more() {
	let facts = |count| {
		let mut facts = Facts::default();
		facts.inputs.push(Input {
			message: 0,
			recipient: 0u8,
		});
		let sent = (1..=count).map(|message| Produced {
			message,
			to: Destination::Elsewhere,
		});
		facts.record(
			0,
			Step {
				received: 0,
				sent: sent.collect(),
			},
		);
		facts
	};
	let most = facts(MAX_SENDS);
	assert!(check(&most.order().unwrap(), &most).is_ok());
	assert_eq!(
		facts(MAX_SENDS + 1).order(),
		Err(OrderError::TooManySends {
			received: MessageId(0),
			count: MAX_SENDS as usize + 1
		})
	);
}

/// An account that sends itself the message which it is processing.
#[test]
fn nothing_causes_itself() {
	let mut facts = Facts::default();
	let produced = Produced {
		message: 0,
		to: Destination::Here(0u8),
	};
	facts.record(
		0,
		Step {
			received: 0,
			sent: vec![produced],
		},
	);
	let cycle = || OrderError::Cycle {
		messages: vec![MessageId(0)],
	};
	assert_eq!(facts.order(), Err(cycle()));
	let order = Order {
		inputs: 0,
		produced: 1,
		accounts: vec![AccountOrder {
			account: 0,
			processings: vec![Processing {
				received: MessageId(0),
				sent: vec![Sent {
					message: MessageId(0),
					relay: Relay::Inner,
				}],
			}],
		}],
	};
	assert_eq!(check(&order, &facts), Err(cycle()));
}

#[test]
fn a_block_without_messages_has_the_empty_order() {
	let facts = Facts::<u8, u32>::default();
	assert_eq!(facts.order(), Ok(Order::default()));
	assert!(check(&Order::default(), &facts).unwrap().linear().is_empty());
}

/// A chain of messages as long as an order may have, back and forth between two accounts.
#[test]
fn the_longest_order_is_checked() {
	use asterism_order::order::MAX_MESSAGES;
	let mut facts = Facts::default();
	facts.inputs.push(Input {
		message: 0,
		recipient: 0u8,
	});
	for message in 0..MAX_MESSAGES {
		let to = Destination::Here((message + 1) as u8 % 2);
		let sent = (message + 1 < MAX_MESSAGES).then_some(Produced {
			message: message + 1,
			to,
		});
		facts.record(
			message as u8 % 2,
			Step {
				received: message,
				sent: sent.into_iter().collect(),
			},
		);
	}
	let order = facts.order().unwrap();
	let verified = check(&order, &facts).unwrap();
	let last = Place {
		account: 1,
		processing: MAX_MESSAGES / 2 - 1,
	};
	assert_eq!(verified.linear().last(), Some(&last));

	facts.inputs.push(Input {
		message: MAX_MESSAGES,
		recipient: 0,
	});
	assert!(matches!(facts.order(), Err(OrderError::TooManyMessages { .. })));
}
