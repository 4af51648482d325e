use super::{graph, total, Destination, Facts, MessageId, Order, Origin, Place, Relay, Step, MAX_SENDS};
use alloc::{collections::BTreeMap, vec, vec::Vec};

/// Why an order is refused. Each variant names the offender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderError<A> {
	/// There are more than [`MAX_MESSAGES`](super::MAX_MESSAGES) messages.
	TooManyMessages {
		/// The inputs.
		inputs: u32,
		/// The messages that the block produced.
		produced: u32,
	},
	/// A processing sends more than [`MAX_SENDS`] messages.
	TooManySends {
		/// The message that it received.
		received: MessageId,
		/// How many it sends.
		count: usize,
	},
	/// An account does not come after the one before it; possibly it occurs twice.
	NotAscending {
		/// The account.
		account: A,
	},
	/// An account is listed though it processes nothing.
	Idle {
		/// The account.
		account: A,
	},
	/// A number that no message of the block has.
	UnknownMessage {
		/// The number.
		message: MessageId,
	},
	/// An input is said to be sent in this block.
	InputSent {
		/// The input.
		message: MessageId,
	},
	/// A message is sent more than once.
	SentTwice {
		/// The message.
		message: MessageId,
	},
	/// Nobody sends a message that the block is said to have produced.
	NotSent {
		/// The message.
		message: MessageId,
	},
	/// A message is processed more than once.
	ReceivedTwice {
		/// The message.
		message: MessageId,
	},
	/// Nobody processes a message that is marked as inner.
	NotReceived {
		/// The message.
		message: MessageId,
	},
	/// A message is processed though it is marked as outer or deferred.
	NotInner {
		/// The message.
		message: MessageId,
		/// What it is marked as.
		relay: Relay,
	},
	/// The graph G_σ has a cycle: none of these processings can have come first (Thinkey, theorem 1).
	Cycle {
		/// The messages received along one cycle. Each had to be received before the next, and the last before the first.
		messages: Vec<MessageId>,
	},
	/// There are not as many inputs as were seen.
	InputCount {
		/// In the order.
		order: u32,
		/// Seen.
		seen: usize,
	},
	/// An account processes messages of which none was seen to.
	UnknownAccount {
		/// The account.
		account: A,
	},
	/// An account was seen to process messages, and is not in the order.
	MissingAccount {
		/// The account.
		account: A,
	},
	/// An account does not have as many processings as were seen.
	ProcessingCount {
		/// The account.
		account: A,
		/// In the order.
		order: usize,
		/// Seen.
		seen: usize,
	},
	/// A processing does not send as many messages as were seen.
	SendCount {
		/// The message that it received.
		received: MessageId,
		/// In the order.
		order: usize,
		/// Seen.
		seen: usize,
	},
	/// A message for another chain is not marked as outer, or one for this chain is.
	WrongRelay {
		/// The message.
		message: MessageId,
		/// What it is marked as.
		relay: Relay,
	},
	/// An account was seen to process another message at this position.
	WrongMessage {
		/// The account.
		account: A,
		/// The processing's position in its sequence.
		position: u32,
		/// The message that the order has there.
		message: MessageId,
	},
	/// A message is processed by an account that it is not for.
	WrongRecipient {
		/// The message.
		message: MessageId,
		/// The account.
		account: A,
	},
	/// A message for an account of this chain is neither processed nor left in the queue.
	Lost {
		/// The message.
		message: MessageId,
	},
	/// A message is left in the queue though it was processed, or sent to another chain; or it is there more than once.
	Kept {
		/// The message.
		message: MessageId,
	},
	/// A message is left in the queue that is neither an input nor sent in this block.
	UnknownLeft {
		/// Its position in [`Facts::left`].
		position: usize,
	},
	/// Two messages seen have the same identity, so no order can be derived.
	Ambiguous {
		/// The number that the second one would have had.
		message: MessageId,
	},
	/// A message was seen to be processed that is neither an input nor sent in this block, so no order can be derived.
	NeverSent {
		/// The account that processed it.
		account: A,
		/// The processing's position in the account's sequence.
		position: u32,
	},
}

/// An order that has passed the [`check`], and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
	origins: Vec<Origin>,
	left: Vec<MessageId>,
	linear: Vec<Place>,
}

impl Verified {
	/// Where a message comes from and goes to; `None` if the block has no such message.
	pub fn origin(&self, message: MessageId) -> Option<Origin> {
		self.origins.get(message.index()).copied()
	}

	/// The messages that stay in the queue, inputs and deferred ones, in ascending order.
	pub fn left(&self) -> &[MessageId] {
		&self.left
	}

	/// The processings in the sequence of [`linearize`](super::linearize).
	pub fn linear(&self) -> &[Place] {
		&self.linear
	}
}

/// Where each message is sent and received, by its number.
pub(super) struct Tables {
	pub(super) sent: Vec<Option<(Place, Relay)>>,
	pub(super) received: Vec<Option<Place>>,
}

impl Tables {
	/// Goes through an order, and refuses all that is wrong with it without knowing any fact, except for cycles.
	pub(super) fn new<A: Ord + Clone>(order: &Order<A>) -> Result<Self, OrderError<A>> {
		let Order { inputs, produced, .. } = *order;
		let messages = total(inputs, produced).ok_or(OrderError::TooManyMessages { inputs, produced })?;
		let mut sent: Vec<Option<(Place, Relay)>> = vec![None; messages as usize];
		let mut received: Vec<Option<Place>> = vec![None; messages as usize];

		// No list needs a bound here: one that has more items than there are messages repeats one of them.
		let mut last: Option<&A> = None;
		for (entry, account) in order.accounts.iter().zip(0u32..) {
			if last.is_some_and(|last| *last >= entry.account) {
				return Err(OrderError::NotAscending {
					account: entry.account.clone(),
				});
			}
			last = Some(&entry.account);
			if entry.processings.is_empty() {
				return Err(OrderError::Idle {
					account: entry.account.clone(),
				});
			}
			for (step, processing) in entry.processings.iter().zip(0u32..) {
				let place = Place { account, processing };
				let message = step.received;
				let reception = received
					.get_mut(message.index())
					.ok_or(OrderError::UnknownMessage { message })?;
				if reception.replace(place).is_some() {
					return Err(OrderError::ReceivedTwice { message });
				}
				if step.sent.len() > MAX_SENDS as usize {
					return Err(OrderError::TooManySends {
						received: message,
						count: step.sent.len(),
					});
				}
				for item in &step.sent {
					let message = item.message;
					if order.is_input(message) {
						return Err(OrderError::InputSent { message });
					}
					let sending = sent
						.get_mut(message.index())
						.ok_or(OrderError::UnknownMessage { message })?;
					if sending.replace((place, item.relay)).is_some() {
						return Err(OrderError::SentTwice { message });
					}
				}
			}
		}

		let produced_messages = (0..messages)
			.map(MessageId)
			.zip(sent.iter().zip(&received))
			.skip(inputs as usize);
		for (message, (sending, reception)) in produced_messages {
			match (sending, reception) {
				(None, _) => return Err(OrderError::NotSent { message }),
				(Some((_, Relay::Inner)), None) => return Err(OrderError::NotReceived { message }),
				(Some((_, relay @ (Relay::Outer | Relay::Deferred))), Some(_)) => {
					return Err(OrderError::NotInner {
						message,
						relay: *relay,
					})
				}
				(Some((_, Relay::Inner)), Some(_)) | (Some(_), None) => (),
			}
		}
		Ok(Tables { sent, received })
	}
}

/// What the facts say of a message that the order has given a number to.
struct Known<'a, A, M> {
	message: &'a M,
	/// The account of this chain that it is for, if it is for one.
	recipient: Option<&'a A>,
}

/// Checks an order against what the verifier has seen himself: that it is well formed, that it tells of each processing which
/// message was received and which were sent, that each message was processed by the account that it is for and none is lost or
/// invented, and that all this can have happened, for the graph G_σ has no cycle (Thinkey §5.3, theorem 1).
///
/// Takes time in O(n log n) for n messages.
///
/// # Errors
/// Any [`OrderError`] but [`OrderError::Ambiguous`] and [`OrderError::NeverSent`]: the first one found.
pub fn check<A: Ord + Clone, M: Ord>(
	order: &Order<A>,
	facts: &Facts<A, M>,
) -> Result<Verified, OrderError<A>> {
	let tables = Tables::new(order)?;
	if order.inputs as usize != facts.inputs.len() {
		return Err(OrderError::InputCount {
			order: order.inputs,
			seen: facts.inputs.len(),
		});
	}
	let accounts = match_accounts(order, facts)?;
	let known = name(order, facts, &accounts)?;

	for (entry, steps) in order.accounts.iter().zip(&accounts) {
		for ((processing, step), position) in entry.processings.iter().zip(steps.iter()).zip(0u32..) {
			let message = processing.received;
			let account = || entry.account.clone();
			let seen = known
				.get(message.index())
				.ok_or(OrderError::UnknownMessage { message })?;
			if *seen.message != step.received {
				return Err(OrderError::WrongMessage {
					account: account(),
					position,
					message,
				});
			}
			if seen.recipient != Some(&entry.account) {
				return Err(OrderError::WrongRecipient {
					message,
					account: account(),
				});
			}
		}
	}

	let left = check_left(&tables, facts, &known)?;
	let linear = graph::linear(order, &tables)?;
	let origins = tables
		.sent
		.iter()
		.map(|sending| sending.map_or(Origin::Input, |(_, relay)| relay.into()))
		.collect();
	Ok(Verified {
		origins,
		left,
		linear,
	})
}

/// What was seen of an account.
type Steps<'a, A, M> = &'a [Step<A, M>];

/// What was seen of each account of the order.
fn match_accounts<'a, A: Ord + Clone, M>(
	order: &Order<A>,
	facts: &'a Facts<A, M>,
) -> Result<Vec<Steps<'a, A, M>>, OrderError<A>> {
	let mut seen = facts.accounts.iter().filter(|(_, steps)| !steps.is_empty());
	let mut all = Vec::new();
	for entry in &order.accounts {
		// Both ascend.
		let steps = match seen.next() {
			Some((account, steps)) if *account == entry.account => steps,
			Some((account, _)) if *account < entry.account => {
				return Err(OrderError::MissingAccount {
					account: account.clone(),
				})
			}
			_ => {
				return Err(OrderError::UnknownAccount {
					account: entry.account.clone(),
				})
			}
		};
		if steps.len() != entry.processings.len() {
			return Err(OrderError::ProcessingCount {
				account: entry.account.clone(),
				order: entry.processings.len(),
				seen: steps.len(),
			});
		}
		all.push(steps.as_slice());
	}
	match seen.next() {
		Some((account, _)) => Err(OrderError::MissingAccount {
			account: account.clone(),
		}),
		None => Ok(all),
	}
}

/// Finds out which message has which number: inputs count in their sequence, and the order numbers what is sent.
fn name<'a, A: Ord + Clone, M>(
	order: &Order<A>,
	facts: &'a Facts<A, M>,
	accounts: &[Steps<'a, A, M>],
) -> Result<Vec<Known<'a, A, M>>, OrderError<A>> {
	let mut known: Vec<Option<_>> = facts
		.inputs
		.iter()
		.map(|input| {
			Some(Known {
				message: &input.message,
				recipient: Some(&input.recipient),
			})
		})
		.collect();
	known.extend((0..order.produced).map(|_| None));
	for (entry, steps) in order.accounts.iter().zip(accounts) {
		for (processing, step) in entry.processings.iter().zip(steps.iter()) {
			if processing.sent.len() != step.sent.len() {
				return Err(OrderError::SendCount {
					received: processing.received,
					order: processing.sent.len(),
					seen: step.sent.len(),
				});
			}
			for (sent, produced) in processing.sent.iter().zip(&step.sent) {
				let (message, relay) = (sent.message, sent.relay);
				let recipient = match &produced.to {
					Destination::Here(account) => Some(account),
					Destination::Elsewhere => None,
				};
				if recipient.is_none() != (relay == Relay::Outer) {
					return Err(OrderError::WrongRelay { message, relay });
				}
				let slot = known
					.get_mut(message.index())
					.ok_or(OrderError::UnknownMessage { message })?;
				*slot = Some(Known {
					message: &produced.message,
					recipient,
				});
			}
		}
	}
	known
		.into_iter()
		.zip((0u32..).map(MessageId))
		.map(|(known, message)| known.ok_or(OrderError::NotSent { message }))
		.collect()
}

/// Checks that the queue holds what is for this chain and was not processed, and nothing else.
fn check_left<A, M: Ord>(
	tables: &Tables,
	facts: &Facts<A, M>,
	known: &[Known<'_, A, M>],
) -> Result<Vec<MessageId>, OrderError<A>> {
	let mut queue: BTreeMap<&M, Vec<usize>> = BTreeMap::new();
	for (position, message) in facts.left.iter().enumerate() {
		queue.entry(message).or_default().push(position);
	}
	let numbered = || known.iter().zip((0u32..).map(MessageId));
	let mut left = Vec::new();
	for ((seen, message), reception) in numbered().zip(&tables.received) {
		if reception.is_none() && seen.recipient.is_some() {
			queue
				.get_mut(seen.message)
				.and_then(Vec::pop)
				.ok_or(OrderError::Lost { message })?;
			left.push(message);
		}
	}
	let surplus = queue
		.into_iter()
		.find_map(|(message, positions)| Some((message, *positions.first()?)));
	match surplus {
		None => Ok(left),
		Some((surplus, position)) => Err(numbered()
			.find(|(seen, _)| seen.message == surplus)
			.map_or(OrderError::UnknownLeft { position }, |(_, message)| {
				OrderError::Kept { message }
			})),
	}
}
