use super::{canonical, total, AccountOrder, MessageId, Order, OrderError, Processing, Relay, Sent};
use alloc::{
	collections::{BTreeMap, BTreeSet},
	vec::Vec,
};

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Destination<A> {
	/// To an account of this chain.
	Here(A),
	/// To another chain.
	Elsewhere,
}

/// A message that was there before the block.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Input<A, M> {
	/// The message.
	pub message: M,
	/// The account that it is for.
	pub recipient: A,
}

/// A message that was seen to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Produced<A, M> {
	/// The message.
	pub message: M,
	/// Where it goes.
	pub to: Destination<A>,
}

/// A processing that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Step<A, M> {
	/// The message that the account was given.
	pub received: M,
	/// What it sent, in that sequence.
	pub sent: Vec<Produced<A, M>>,
}

/// What a verifier has seen himself of a block's execution: the ground that [`check`](super::check) judges an order on.
///
/// `A` is an account. `M` identifies a message to the verifier, who knows nothing of the numbers in the order:
///
/// - If he executed the block as a whole, whatever is unique, such as a count. Then the check accepts exactly the orders
///   that are [`equivalent`](super::equivalent) to that of his own execution.
/// - If he replayed each account by itself, along the order's sequences, the message itself or its hash. Then the check
///   accepts exactly the orders that an execution of all accounts together can bring about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Facts<A, M> {
	/// The inputs, in the sequence of their numbers. A message that an earlier block left in the queue, and this block doesn't
	/// process, may be left out here and in `left`.
	pub inputs: Vec<Input<A, M>>,
	/// What each account did.
	pub accounts: BTreeMap<A, Vec<Step<A, M>>>,
	/// Which messages are in the queue at the block's end, in any sequence.
	pub left: Vec<M>,
}

impl<A, M> Default for Facts<A, M> {
	/// What is seen of a block without messages.
	fn default() -> Self {
		Facts {
			inputs: Vec::new(),
			accounts: BTreeMap::new(),
			left: Vec::new(),
		}
	}
}

impl<A: Ord + Clone, M: Ord> Facts<A, M> {
	/// Notes the next processing of an account.
	pub fn record(&mut self, account: A, step: Step<A, M>) {
		self.accounts.entry(account).or_default().push(step);
	}

	/// The order of the execution that was seen, in the form of [`canonical`].
	///
	/// # Errors
	/// - [`OrderError::Ambiguous`] if `M` is not unique.
	/// - [`OrderError::NeverSent`] if a message that was processed is neither an input nor sent.
	/// - Those of [`linearize`](super::linearize).
	pub fn order(&self) -> Result<Order<A>, OrderError<A>> {
		let sends = || self.accounts.values().flatten().map(|step| step.sent.len());
		let inputs = u32::try_from(self.inputs.len()).unwrap_or(u32::MAX);
		let produced = u32::try_from(sends().sum::<usize>()).unwrap_or(u32::MAX);
		let messages = total(inputs, produced).ok_or(OrderError::TooManyMessages { inputs, produced })?;

		let produced_messages = self
			.accounts
			.values()
			.flatten()
			.flat_map(|step| &step.sent)
			.map(|produced| &produced.message);
		let mut numbers = BTreeMap::new();
		let all = self
			.inputs
			.iter()
			.map(|input| &input.message)
			.chain(produced_messages);
		for (message, number) in all.zip((0..messages).map(MessageId)) {
			if numbers.insert(message, number).is_some() {
				return Err(OrderError::Ambiguous { message: number });
			}
		}
		let received: BTreeSet<_> = self
			.accounts
			.values()
			.flatten()
			.map(|step| &step.received)
			.collect();

		let mut next = (inputs..messages).map(MessageId);
		let mut accounts = Vec::new();
		for (account, steps) in self.accounts.iter().filter(|(_, steps)| !steps.is_empty()) {
			let mut processings = Vec::new();
			for (step, position) in steps.iter().zip(0u32..) {
				let number = numbers.get(&step.received).ok_or_else(|| OrderError::NeverSent {
					account: account.clone(),
					position,
				})?;
				let sent = step.sent.iter().zip(&mut next).map(|(produced, message)| {
					let relay = match produced.to {
						Destination::Elsewhere => Relay::Outer,
						Destination::Here(_) if received.contains(&produced.message) => Relay::Inner,
						Destination::Here(_) => Relay::Deferred,
					};
					Sent { message, relay }
				});
				processings.push(Processing {
					received: *number,
					sent: sent.collect(),
				});
			}
			accounts.push(AccountOrder {
				account: account.clone(),
				processings,
			});
		}
		canonical(&Order {
			inputs,
			produced,
			accounts,
		})
	}
}
