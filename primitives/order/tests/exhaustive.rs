//! Theorem 1 by exhaustion: of all orders of a few accounts and messages, [`check`] accepts those and only those for which a
//! sequence of processings, tried out one after the other, realizes them.
//!
//! Every order is tried with the facts that a verifier sees who replays the accounts one by one: each does what the order says,
//! and only together they may be impossible.

use asterism_order::order::{
	check, edges, linearize, AccountOrder, Destination, Event, Facts, Input, MessageId, Order, OrderError,
	Place, Processing, Produced, Relay, Sent, Step,
};
use std::collections::{BTreeMap, BTreeSet};

/// All vectors of digits with these numbers of values.
fn product(radices: Vec<usize>) -> impl Iterator<Item = Vec<usize>> {
	let count = radices.iter().product();
	(0..count).map(move |mut number: usize| {
		radices
			.iter()
			.map(|radix| {
				let digit = number % radix;
				number /= radix;
				digit
			})
			.collect()
	})
}

fn permutations(items: &[u32]) -> Vec<Vec<u32>> {
	if items.is_empty() {
		return vec![vec![]];
	}
	let mut all = vec![];
	for (i, first) in items.iter().enumerate() {
		let mut rest = items.to_vec();
		rest.remove(i);
		for mut permutation in permutations(&rest) {
			permutation.insert(0, *first);
			all.push(permutation);
		}
	}
	all
}

/// Messages with their destinations, inputs first, and who receives them in which sequence while sending what.
struct Case {
	inputs: u32,
	destinations: Vec<Option<u8>>,
	/// For each account, what it receives, each with what it sends.
	sequences: Vec<Vec<(u32, Vec<u32>)>>,
}

impl Case {
	fn is_received(&self, message: u32) -> bool {
		self.sequences
			.iter()
			.flatten()
			.any(|(received, _)| *received == message)
	}

	/// Tries out all sequences of processings: an account can process what is in its mailbox.
	fn is_possible(&self) -> bool {
		let mut mailboxes = vec![BTreeSet::new(); self.sequences.len()];
		for (message, destination) in (0..self.inputs).zip(&self.destinations) {
			if let Some(account) = destination {
				mailboxes[*account as usize].insert(message);
			}
		}
		self.goes_on(&mut vec![0; self.sequences.len()], &mailboxes)
	}

	fn goes_on(&self, next: &mut Vec<usize>, mailboxes: &[BTreeSet<u32>]) -> bool {
		if next
			.iter()
			.zip(&self.sequences)
			.all(|(next, sequence)| *next == sequence.len())
		{
			return true;
		}
		for account in 0..next.len() {
			let Some((received, sent)) = self.sequences[account].get(next[account]) else {
				continue;
			};
			let mut mailboxes = mailboxes.to_vec();
			if !mailboxes[account].remove(received) {
				continue;
			}
			for message in sent {
				if let Some(recipient) = self.destinations[*message as usize] {
					mailboxes[recipient as usize].insert(*message);
				}
			}
			next[account] += 1;
			let possible = self.goes_on(next, &mailboxes);
			next[account] -= 1;
			if possible {
				return true;
			}
		}
		false
	}

	fn order(&self) -> Order<u8> {
		let sent = |message: &u32| Sent {
			message: MessageId(*message),
			relay: match self.destinations[*message as usize] {
				None => Relay::Outer,
				Some(_) if self.is_received(*message) => Relay::Inner,
				Some(_) => Relay::Deferred,
			},
		};
		let accounts = (0..)
			.zip(&self.sequences)
			.filter(|(_, sequence)| !sequence.is_empty());
		Order {
			inputs: self.inputs,
			produced: self.destinations.len() as u32 - self.inputs,
			accounts: accounts
				.map(|(account, sequence)| AccountOrder {
					account,
					processings: sequence
						.iter()
						.map(|(received, messages)| Processing {
							received: MessageId(*received),
							sent: messages.iter().map(sent).collect(),
						})
						.collect(),
				})
				.collect(),
		}
	}

	fn facts(&self) -> Facts<u8, u32> {
		let mut facts = Facts::default();
		for (message, destination) in (0..).zip(&self.destinations) {
			if let Some(recipient) = *destination {
				if message < self.inputs {
					facts.inputs.push(Input { message, recipient });
				}
				if !self.is_received(message) {
					facts.left.push(message);
				}
			}
		}
		for (account, sequence) in (0..).zip(&self.sequences) {
			for (received, sent) in sequence {
				let to = |message: &u32| {
					self.destinations[*message as usize].map_or(Destination::Elsewhere, Destination::Here)
				};
				let step = Step {
					received: *received,
					sent: sent
						.iter()
						.map(|message| Produced {
							message: *message,
							to: to(message),
						})
						.collect(),
				};
				facts.record(account, step);
			}
		}
		facts
	}
}

/// All cases of a size. An input goes to the account of its number.
fn for_each_case(accounts: usize, inputs: usize, produced: usize, mut visit: impl FnMut(Case)) {
	let messages = inputs + produced;
	// The last value stands for none, and for another chain.
	for destinations in product(vec![accounts + 1; produced]) {
		let destinations: Vec<_> = (0..inputs)
			.map(|input| input % accounts)
			.chain(destinations)
			.map(|account| (account < accounts).then_some(account as u8))
			.collect();
		for receivers in product(vec![accounts + 1; messages]) {
			let received = |account| {
				let of = (0..)
					.zip(&receivers)
					.filter(|(_, receiver)| **receiver == account);
				of.map(|(message, _)| message).collect::<Vec<u32>>()
			};
			let choices: Vec<_> = (0..accounts)
				.map(|account| permutations(&received(account)))
				.collect();
			for choice in product(choices.iter().map(Vec::len).collect()) {
				let sequences: Vec<_> = choice.iter().zip(&choices).map(|(i, all)| &all[*i]).collect();
				let processings = sequences.iter().map(|sequence| sequence.len()).sum();
				for senders in product(vec![processings; produced]) {
					let mut processing = 0..;
					let sequences = sequences
						.iter()
						.map(|sequence| {
							let steps = sequence
								.iter()
								.zip(&mut processing)
								.map(|(received, processing)| {
									let sent = (inputs as u32..)
										.zip(&senders)
										.filter(|(_, sender)| **sender == processing);
									(*received, sent.map(|(message, _)| message).collect())
								});
							steps.collect()
						})
						.collect();
					visit(Case {
						inputs: inputs as u32,
						destinations: destinations.clone(),
						sequences,
					});
				}
			}
		}
	}
}

/// Whether an event precedes itself, by however many edges.
fn is_cyclic(edges: &[(Event, Event)]) -> bool {
	edges.iter().any(|(first, _)| {
		let mut reached = vec![*first];
		let mut visited = 0;
		while let Some(event) = reached.get(visited).copied() {
			visited += 1;
			for (_, next) in edges.iter().filter(|(from, _)| *from == event) {
				if next == first {
					return true;
				}
				if !reached.contains(next) {
					reached.push(*next);
				}
			}
		}
		false
	})
}

/// A cycle is one of the graph's, and comes by no message twice.
fn assert_cycle(order: &Order<u8>, messages: &[MessageId]) {
	assert!(!messages.is_empty());
	assert_eq!(BTreeSet::from_iter(messages).len(), messages.len());
	let edges = BTreeSet::from_iter(edges(order));
	let next = messages.iter().cycle().skip(1);
	for (a, b) in messages.iter().zip(next) {
		let (a, b, sending) = (Event::Received(*a), Event::Received(*b), Event::Sent(*b));
		let by_sending = edges.contains(&(a, sending)) && edges.contains(&(sending, b));
		assert!(
			edges.contains(&(a, b)) || by_sending,
			"{a:?} does not precede {b:?} in {order:?}"
		);
	}
}

/// A linear sequence has all processings, and goes along the edges.
fn assert_linear(order: &Order<u8>, places: &[Place]) {
	let mut happened = BTreeMap::new();
	for (time, place) in places.iter().enumerate() {
		let processing = order.processing(*place).unwrap();
		happened.insert(Event::Received(processing.received), time);
		happened.extend(
			processing
				.sent
				.iter()
				.map(|sent| (Event::Sent(sent.message), time)),
		);
	}
	let processings = order
		.accounts
		.iter()
		.map(|entry| entry.processings.len())
		.sum::<usize>();
	assert_eq!(places.len(), processings);
	for (a, b) in edges(order) {
		let within = matches!((a, b), (Event::Received(_), Event::Sent(_)));
		assert!(happened[&a] < happened[&b] || (within && happened[&a] == happened[&b]));
	}
}

fn explore(accounts: usize, inputs: usize, produced: usize) {
	let (mut accepted, mut cycles, mut others) = (0, 0, 0);
	for_each_case(accounts, inputs, produced, |case| {
		let (order, facts) = (case.order(), case.facts());
		let verdict = check(&order, &facts);
		assert_eq!(verdict.is_ok(), case.is_possible(), "{order:?}: {verdict:?}");
		let is_cyclic = is_cyclic(&edges(&order));
		match verdict {
			Ok(verified) => {
				accepted += 1;
				assert!(!is_cyclic);
				assert_linear(&order, verified.linear());
				assert_eq!(linearize(&order).as_deref(), Ok(verified.linear()));
				assert_eq!(
					facts.order().map(|derived| check(&derived, &facts).is_ok()),
					Ok(true)
				);
			}
			Err(OrderError::Cycle { messages }) => {
				cycles += 1;
				assert!(is_cyclic);
				assert_cycle(&order, &messages);
			}
			Err(OrderError::WrongRecipient { .. } | OrderError::NotInner { .. }) => others += 1,
			Err(other) => panic!("{order:?}: {other:?}"),
		}
	});
	println!(
		"{accounts} accounts, {inputs} inputs, {produced} produced: {accepted} accepted, {cycles} cycles, {others} others"
	);
	assert!(accepted > 0 || inputs == 0);
	assert!(cycles > 0 || produced == 0);
}

#[test]
fn one_account() {
	explore(1, 0, 2);
	explore(1, 1, 3);
	explore(1, 2, 2);
}

#[test]
fn two_accounts() {
	explore(2, 0, 3);
	explore(2, 2, 0);
	explore(2, 2, 2);
}

#[test]
fn two_accounts_and_three_produced() {
	explore(2, 1, 3);
}

#[test]
fn three_accounts() {
	explore(3, 1, 2);
	explore(3, 3, 1);
}
