use super::{check::Tables, AccountOrder, MessageId, Order, OrderError, Place, Processing, Sent};
use alloc::{
	collections::{btree_map::Entry, BTreeMap, BTreeSet},
	vec,
	vec::Vec,
};

/// A node of the graph G_σ (Thinkey §5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
	/// An account receives the message.
	Received(MessageId),
	/// An account sends the message.
	Sent(MessageId),
}

/// The edges of the graph G_σ: pairs of events of which the first precedes the second. They come account by account and
/// processing by processing, and of each processing in this sequence: from the reception of the one before it, from the sending
/// of the message that it receives, to all that it sends.
///
/// The order needn't be well formed.
pub fn edges<A>(order: &Order<A>) -> Vec<(Event, Event)> {
	let mut edges = Vec::new();
	for account in &order.accounts {
		let mut last = None;
		for Processing { received, sent } in &account.processings {
			let reception = Event::Received(*received);
			if let Some(last) = last.replace(reception) {
				edges.push((last, reception));
			}
			if !order.is_input(*received) {
				edges.push((Event::Sent(*received), reception));
			}
			edges.extend(sent.iter().map(|sent| (reception, Event::Sent(sent.message))));
		}
	}
	edges
}

/// Puts the processings of all accounts into one sequence, in which each account's are in the account's own and a message is
/// sent before it is received. To execute an order in this sequence has the same effects as the block's execution had.
///
/// Of the accounts that could be next, the lowest is, so that equivalent orders have the same sequence.
///
/// # Errors
/// [`OrderError::Cycle`] if there is no such sequence; or what else is wrong with the order, as far as can be told without
/// [`Facts`](super::Facts).
pub fn linearize<A: Ord + Clone>(order: &Order<A>) -> Result<Vec<Place>, OrderError<A>> {
	linear(order, &Tables::new(order)?)
}

/// The equivalent order in which the messages that the block produced are numbered in the sequence of [`linearize`]. Two
/// orders have the same canonical form if and only if they are [`equivalent`].
///
/// # Errors
/// Those of [`linearize`].
pub fn canonical<A: Ord + Clone>(order: &Order<A>) -> Result<Order<A>, OrderError<A>> {
	let sent = linearize(order)?
		.into_iter()
		.filter_map(|place| order.processing(place))
		.flat_map(|processing| &processing.sent);
	let numbers: BTreeMap<_, _> = sent
		.map(|sent| sent.message)
		.zip((order.inputs..).map(MessageId))
		.collect();
	// Inputs keep theirs.
	let number = |message: MessageId| numbers.get(&message).copied().unwrap_or(message);
	let processing = |processing: &Processing| Processing {
		received: number(processing.received),
		sent: processing
			.sent
			.iter()
			.map(|sent| Sent {
				message: number(sent.message),
				relay: sent.relay,
			})
			.collect(),
	};
	let accounts = order
		.accounts
		.iter()
		.map(|entry| AccountOrder {
			account: entry.account.clone(),
			processings: entry.processings.iter().map(processing).collect(),
		})
		.collect();
	Ok(Order {
		inputs: order.inputs,
		produced: order.produced,
		accounts,
	})
}

/// Whether all accounts receive and send the same messages in the same sequence in both orders. How produced messages are
/// numbered makes no difference, as long as each has one number.
pub fn equivalent<A: PartialEq>(a: &Order<A>, b: &Order<A>) -> bool {
	if (a.inputs, a.produced) != (b.inputs, b.produced) || a.accounts.len() != b.accounts.len() {
		return false;
	}
	let mut names = Names::default();
	a.accounts.iter().zip(&b.accounts).all(|(a, b)| {
		a.account == b.account && a.processings.len() == b.processings.len() && {
			a.processings.iter().zip(&b.processings).all(|(a, b)| {
				let sent = || a.sent.iter().zip(&b.sent);
				a.sent.len() == b.sent.len()
					&& sent().all(|(a, b)| a.relay == b.relay)
					&& names.same(a.received, b.received)
					&& sent().all(|(a, b)| names.same(a.message, b.message))
			})
		}
	}) && names.keep(a)
}

/// Which number of one order is which of another.
#[derive(Default)]
struct Names {
	there: BTreeMap<MessageId, MessageId>,
	back: BTreeMap<MessageId, MessageId>,
}

impl Names {
	/// Notes that two numbers are the same message's; whether that is consistent.
	fn same(&mut self, a: MessageId, b: MessageId) -> bool {
		let is = |entry: Entry<MessageId, MessageId>, name| *entry.or_insert(name) == name;
		is(self.there.entry(a), b) && is(self.back.entry(b), a)
	}

	/// Whether inputs have the same numbers in both orders, and others are in range in both or in none.
	fn keep<A>(&self, order: &Order<A>) -> bool {
		let produced = |message: &MessageId| {
			!order.is_input(*message) && message.0.checked_sub(order.inputs) < Some(order.produced)
		};
		self.there
			.iter()
			.all(|(a, b)| a == b || (produced(a) && produced(b)))
	}
}

/// [`linearize`] for an order whose tables are known.
pub(super) fn linear<A>(order: &Order<A>, tables: &Tables) -> Result<Vec<Place>, OrderError<A>> {
	let mut run = Run {
		order,
		tables,
		next: vec![0; order.accounts.len()],
		sent: (0u32..)
			.take(tables.sent.len())
			.map(|message| order.is_input(MessageId(message)))
			.collect(),
		ready: BTreeSet::new(),
	};
	let accounts = || (0u32..).take(order.accounts.len());
	accounts().for_each(|account| run.offer(account));
	let mut places = Vec::new();
	while let Some(place) = run.step() {
		places.push(place);
	}
	match accounts().find(|account| run.head(*account).is_some()) {
		Some(stuck) => Err(OrderError::Cycle {
			messages: run.cycle(stuck),
		}),
		None => Ok(places),
	}
}

/// An execution of an order.
struct Run<'a, A> {
	order: &'a Order<A>,
	tables: &'a Tables,
	/// The position of the next processing, by account.
	next: Vec<u32>,
	/// Whether a message has been sent, by message.
	sent: Vec<bool>,
	/// The accounts whose next message has been sent.
	ready: BTreeSet<u32>,
}

impl<'a, A> Run<'a, A> {
	/// The next processing of an account.
	fn head(&self, account: u32) -> Option<(Place, &'a Processing)> {
		let place = Place {
			account,
			processing: *self.next.get(account as usize)?,
		};
		Some((place, self.order.processing(place)?))
	}

	fn offer(&mut self, account: u32) {
		let received = self.head(account).map(|(_, processing)| processing.received);
		if received.is_some_and(|message| self.sent.get(message.index()) == Some(&true)) {
			self.ready.insert(account);
		}
	}

	/// Executes a processing that can be next.
	fn step(&mut self) -> Option<Place> {
		let account = self.ready.pop_first()?;
		let (place, processing) = self.head(account)?;
		*self.next.get_mut(account as usize)? = place.processing.checked_add(1)?;
		for sent in &processing.sent {
			*self.sent.get_mut(sent.message.index())? = true;
		}
		self.offer(account);
		for sent in &processing.sent {
			if let Some(Some(reception)) = self.tables.received.get(sent.message.index()) {
				self.offer(reception.account);
			}
		}
		Some(place)
	}

	/// The messages received along a cycle, once no account can go on and `stuck` has not finished.
	fn cycle(&self, stuck: u32) -> Vec<MessageId> {
		// An account that is stuck waits for a message that another one, stuck as well, would send later: so going from one
		// to the other comes round.
		let mut senders: Vec<Place> = Vec::new();
		let mut visits = BTreeMap::new();
		let mut account = stuck;
		let start = loop {
			if let Some(start) = visits.insert(account, senders.len()) {
				break start;
			}
			let awaited = self
				.head(account)
				.and_then(|(_, processing)| *self.tables.sent.get(processing.received.index())?);
			let Some((sender, _)) = awaited else {
				return Vec::new();
			};
			senders.push(sender);
			account = sender.account;
		};
		// From cause to effect: the sender's own receptions up to that during which it sends, then whoever waits for it.
		let mut messages = Vec::new();
		for sender in senders.iter().skip(start).rev() {
			let from = self
				.next
				.get(sender.account as usize)
				.copied()
				.unwrap_or_default();
			messages.extend((from..=sender.processing).filter_map(|processing| {
				let place = Place {
					account: sender.account,
					processing,
				};
				Some(self.order.processing(place)?.received)
			}));
		}
		messages
	}
}
