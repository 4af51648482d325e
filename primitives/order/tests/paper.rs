//! The examples of the paper: the order of figure 8 with its graph of figure 9, and the payments of figure 10.

use asterism_order::order::{
	canonical, check, edges, equivalent, linearize, AccountOrder, Destination, Event, Facts, Input,
	MessageId, Order, OrderError, Origin, Processing, Produced, Relay, Sent, Step,
};
use std::collections::{BTreeMap, BTreeSet};

/// The paper counts messages from 1.
fn m(number: u32) -> MessageId {
	MessageId(number - 1)
}

fn processing(received: u32, sent: &[(u32, Relay)]) -> Processing {
	Processing {
		received: m(received),
		sent: sent
			.iter()
			.map(|(number, relay)| Sent {
				message: m(*number),
				relay: *relay,
			})
			.collect(),
	}
}

fn order(inputs: u32, produced: u32, accounts: &[(u8, &[Processing])]) -> Order<u8> {
	Order {
		inputs,
		produced,
		accounts: accounts
			.iter()
			.map(|(account, processings)| AccountOrder {
				account: *account,
				processings: processings.to_vec(),
			})
			.collect(),
	}
}

mod figure_8 {
	use super::*;
	use Relay::{Inner, Outer};

	fn sigma() -> Order<u8> {
		order(
			3,
			8,
			&[
				(
					1,
					&[
						processing(1, &[(4, Inner)]),
						processing(8, &[]),
						processing(6, &[(9, Outer)]),
					],
				),
				(
					2,
					&[
						processing(2, &[(5, Inner), (6, Inner)]),
						processing(4, &[(7, Inner), (10, Outer)]),
					],
				),
				(
					3,
					&[
						processing(5, &[(11, Outer)]),
						processing(3, &[(8, Inner)]),
						processing(7, &[]),
					],
				),
			],
		)
	}

	/// Messages 4 to 8 go to the accounts that figure 8 shows, and the last three to other chains.
	fn facts() -> Facts<u8, u32> {
		let recipient = |number| match number {
			1 | 6 | 8 => Destination::Here(1),
			2 | 4 => Destination::Here(2),
			3 | 5 | 7 => Destination::Here(3),
			_ => Destination::Elsewhere,
		};
		let mut facts = Facts::default();
		for number in 1..=3 {
			facts.inputs.push(Input {
				message: number,
				recipient: number as u8,
			});
		}
		for entry in sigma().accounts {
			for Processing { received, sent } in entry.processings {
				let sent = sent.iter().map(|sent| sent.message.0 + 1);
				facts.record(
					entry.account,
					Step {
						received: received.0 + 1,
						sent: sent
							.map(|message| Produced {
								message,
								to: recipient(message),
							})
							.collect(),
					},
				);
			}
		}
		facts
	}

	#[test]
	fn the_order_is_valid() {
		let verified = check(&sigma(), &facts()).unwrap();
		for number in 1..=11 {
			let origin = match number {
				1..=3 => Origin::Input,
				4..=8 => Origin::Inner,
				_ => Origin::Outer,
			};
			assert_eq!(verified.origin(m(number)), Some(origin));
		}
		assert_eq!(verified.origin(m(12)), None);
		assert!(verified.left().is_empty());
		assert_eq!(verified.linear(), linearize(&sigma()).unwrap());
	}

	#[test]
	fn the_graph_is_that_of_figure_9() {
		let received = |number| Event::Received(m(number));
		let sent = |number| Event::Sent(m(number));
		let expected = [
			// σ_1
			(received(1), sent(4)),
			(received(1), received(8)),
			(received(8), received(6)),
			(received(6), sent(9)),
			// σ_2
			(received(2), sent(5)),
			(received(2), sent(6)),
			(received(2), received(4)),
			(received(4), sent(7)),
			(received(4), sent(10)),
			// σ_3
			(received(5), sent(11)),
			(received(5), received(3)),
			(received(3), sent(8)),
			(received(3), received(7)),
			// Sent before received.
			(sent(4), received(4)),
			(sent(5), received(5)),
			(sent(6), received(6)),
			(sent(7), received(7)),
			(sent(8), received(8)),
		];
		let edges = edges(&sigma());
		assert_eq!(edges.len(), expected.len());
		assert_eq!(BTreeSet::from_iter(edges), BTreeSet::from(expected));
	}

	#[test]
	fn its_linear_sequence_takes_the_lowest_account_that_can_go_on() {
		let sigma = sigma();
		let sequence: Vec<_> = linearize(&sigma)
			.unwrap()
			.into_iter()
			.map(|place| {
				let received = sigma.processing(place).unwrap().received;
				(*sigma.account(place).unwrap(), received.0 + 1)
			})
			.collect();
		assert_eq!(
			sequence,
			[(1, 1), (2, 2), (2, 4), (3, 5), (3, 3), (1, 8), (1, 6), (3, 7)]
		);
	}

	#[test]
	fn derived_from_facts_it_is_equivalent() {
		let derived = facts().order().unwrap();
		assert!(equivalent(&derived, &sigma()));
		assert_ne!(derived, sigma());
		assert_eq!(derived, canonical(&sigma()).unwrap());
	}

	/// Account 1 processes m6 before m1, and account 2 processes m4, which m1 causes, before m2, which causes m6.
	#[test]
	fn effects_before_their_causes_are_refused() {
		let mut circular = sigma();
		circular.accounts[0].processings.rotate_right(1);
		circular.accounts[1].processings.reverse();
		let mut facts = facts();
		facts.accounts.get_mut(&1).unwrap().rotate_right(1);
		facts.accounts.get_mut(&2).unwrap().reverse();
		assert_eq!(
			check(&circular, &facts),
			Err(OrderError::Cycle {
				messages: vec![m(6), m(1), m(4), m(2)]
			})
		);
	}
}

/// Algorithm 1: an account that keeps a balance.
mod figure_10 {
	use super::*;

	const ALICE: u8 = 1;
	const BOB: u8 = 2;
	const CHARLIE: u8 = 3;

	#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
	enum Message {
		Tran { from: u8, to: u8, bill: u32 },
		Add { from: u8, to: u8, bill: u32 },
	}
	use Message::{Add, Tran};

	impl Message {
		fn recipient(self) -> u8 {
			match self {
				Tran { from, .. } => from,
				Add { to, .. } => to,
			}
		}
	}

	/// What the account sends.
	fn process(balance: &mut u32, message: Message) -> Option<Message> {
		match message {
			Tran { from, to, bill } => {
				*balance = balance.checked_sub(bill)?;
				Some(Add { from, to, bill })
			}
			Add { bill, .. } => {
				*balance += bill;
				None
			}
		}
	}

	/// The messages of the figure, m1 to m4.
	const MESSAGES: [Message; 4] = [
		Tran {
			from: ALICE,
			to: BOB,
			bill: 10,
		},
		Add {
			from: ALICE,
			to: BOB,
			bill: 10,
		},
		Tran {
			from: BOB,
			to: CHARLIE,
			bill: 10,
		},
		Add {
			from: BOB,
			to: CHARLIE,
			bill: 10,
		},
	];

	/// Some accounts that share a chain, and the messages that it takes in.
	struct Chain {
		balances: BTreeMap<u8, u32>,
		inputs: Vec<Message>,
	}

	/// Why a claim is refused.
	#[derive(Debug, PartialEq)]
	enum Refusal {
		Order(OrderError<u8>),
		/// An account sends other messages.
		#[allow(dead_code)]
		Content {
			sender: u8,
		},
	}

	/// A chain's order in the paper's notation, which needs no numbers: what each account received and sent.
	type Sigma = BTreeMap<u8, Vec<(Message, Vec<Message>)>>;

	fn chain(accounts: &[u8], inputs: &[usize]) -> Chain {
		let balance = |account: &u8| match *account {
			ALICE => 20,
			BOB => 5,
			_ => 10,
		};
		Chain {
			balances: accounts
				.iter()
				.map(|account| (*account, balance(account)))
				.collect(),
			inputs: inputs.iter().map(|number| MESSAGES[number - 1]).collect(),
		}
	}

	/// The numbers of what is received and of what is sent.
	type Numbers = (usize, Option<usize>);

	fn sigma(accounts: &[(u8, &[Numbers])]) -> Sigma {
		let sequence = |steps: &[Numbers]| {
			steps
				.iter()
				.map(|(received, sent)| {
					let sent = sent.iter().map(|number| MESSAGES[number - 1]);
					(MESSAGES[received - 1], sent.collect())
				})
				.collect()
		};
		accounts
			.iter()
			.map(|(account, steps)| (*account, sequence(steps)))
			.collect()
	}

	impl Chain {
		fn is_here(&self, account: u8) -> bool {
			self.balances.contains_key(&account)
		}

		fn destination(&self, message: Message) -> Destination<u8> {
			match message.recipient() {
				account if self.is_here(account) => Destination::Here(account),
				_ => Destination::Elsewhere,
			}
		}

		/// All orders that executing one message after the other can bring about, each with the balances after it. With
		/// `to_the_end`, no message stays in the queue.
		fn executions(&self, to_the_end: bool) -> BTreeSet<(Sigma, BTreeMap<u8, u32>)> {
			let mut all = BTreeSet::new();
			let start = (Sigma::new(), self.balances.clone(), self.inputs.clone());
			let mut open = vec![start];
			while let Some((sigma, balances, waiting)) = open.pop() {
				if waiting.is_empty() || !to_the_end {
					all.insert((sigma.clone(), balances.clone()));
				}
				for (i, message) in waiting.iter().enumerate() {
					let (mut sigma, mut balances, mut waiting) =
						(sigma.clone(), balances.clone(), waiting.clone());
					waiting.remove(i);
					let account = message.recipient();
					let sent = process(balances.get_mut(&account).unwrap(), *message);
					waiting.extend(sent.filter(|sent| self.is_here(sent.recipient())));
					sigma
						.entry(account)
						.or_default()
						.push((*message, sent.into_iter().collect()));
					open.push((sigma, balances, waiting));
				}
			}
			all
		}

		/// What a verifier says to a leader's claim: he replays each account by itself, checks the order, and that the messages
		/// which the block says to be sent are those which are.
		fn verify(&self, claim: &Sigma) -> Result<(), Refusal> {
			let mut facts = Facts::default();
			for message in &self.inputs {
				facts.inputs.push(Input {
					message: *message,
					recipient: message.recipient(),
				});
				facts.left.push(*message);
			}
			for (account, steps) in claim {
				let mut balance = self.balances[account];
				for (message, _) in steps {
					let sent = process(&mut balance, *message);
					let produced = sent.map(|message| Produced {
						message,
						to: self.destination(message),
					});
					facts
						.left
						.extend(sent.filter(|sent| self.is_here(sent.recipient())));
					facts.record(
						*account,
						Step {
							received: *message,
							sent: produced.into_iter().collect(),
						},
					);
				}
			}
			for (message, _) in claim.values().flatten() {
				if let Some(at) = facts.left.iter().position(|left| left == message) {
					facts.left.remove(at);
				}
			}
			check(&self.numbered(claim), &facts).map_err(Refusal::Order)?;
			for (account, steps) in claim {
				for ((_, claimed), step) in steps.iter().zip(&facts.accounts[account]) {
					if !claimed.iter().eq(step.sent.iter().map(|sent| &sent.message)) {
						return Err(Refusal::Content { sender: *account });
					}
				}
			}
			Ok(())
		}

		/// A claim, which need not be true, as an order: each send has a number of its own, and a message that was received
		/// has the number of a send of it, if there is one.
		fn numbered(&self, claim: &Sigma) -> Order<u8> {
			let inputs = self.inputs.len() as u32;
			let sent: Vec<_> = claim.values().flatten().flat_map(|(_, sent)| sent).collect();
			let all: Vec<_> = self.inputs.iter().chain(sent.iter().copied()).collect();
			let number = |message: &Message| {
				let at = all.iter().position(|known| *known == message);
				MessageId(at.unwrap_or(all.len()) as u32)
			};
			let is_received =
				|message: &Message| claim.values().flatten().any(|(received, _)| received == message);
			let mut next = inputs..;
			let mut accounts = vec![];
			for (account, steps) in claim.iter().filter(|(_, steps)| !steps.is_empty()) {
				let processings = steps
					.iter()
					.map(|(received, sent)| Processing {
						received: number(received),
						sent: sent
							.iter()
							.map(|message| Sent {
								message: MessageId(next.next().unwrap()),
								relay: match self.destination(*message) {
									Destination::Elsewhere => Relay::Outer,
									Destination::Here(_) if is_received(message) => Relay::Inner,
									Destination::Here(_) => Relay::Deferred,
								},
							})
							.collect(),
					})
					.collect();
				accounts.push(AccountOrder {
					account: *account,
					processings,
				});
			}
			Order {
				inputs,
				produced: sent.len() as u32,
				accounts,
			}
		}

		/// All claims with up to two processings an account, each of which receives any message and sends nothing or any deposit.
		fn claims(&self) -> Vec<Sigma> {
			let deposits = MESSAGES
				.into_iter()
				.filter(|message| matches!(message, Add { .. }));
			let sends = std::iter::once(vec![]).chain(deposits.map(|message| vec![message]));
			let steps: Vec<_> = sends
				.flat_map(|sent| MESSAGES.map(|received| (received, sent.clone())))
				.collect();
			let mut sequences = vec![vec![]];
			sequences.extend(steps.iter().map(|step| vec![step.clone()]));
			for first in &steps {
				sequences.extend(steps.iter().map(|second| vec![first.clone(), second.clone()]));
			}
			let mut claims = vec![Sigma::new()];
			for account in self.balances.keys() {
				// Charlie has nothing to do but to take money in: with more for him there would be too many.
				let most = if *account == CHARLIE { 1 } else { 2 };
				claims = claims
					.into_iter()
					.flat_map(|claim| {
						sequences
							.iter()
							.filter(move |steps| steps.len() <= most)
							.map(move |steps| {
								let mut claim = claim.clone();
								if !steps.is_empty() {
									claim.insert(*account, steps.clone());
								}
								claim
							})
					})
					// What already repeats a message stays wrong.
					.filter(|claim| {
						let received: Vec<_> =
							claim.values().flatten().map(|(received, _)| received).collect();
						BTreeSet::from_iter(&received).len() == received.len()
					})
					.collect();
			}
			claims
		}

		/// Of all claims, the check accepts those and only those which an execution brings about.
		fn assert_sound_and_complete(&self) {
			let executions: BTreeSet<_> = self
				.executions(false)
				.into_iter()
				.map(|(sigma, _)| sigma)
				.collect();
			let claims = self.claims();
			assert!(executions.iter().all(|sigma| claims.contains(sigma)));
			for claim in claims {
				let verdict = self.verify(&claim);
				assert_eq!(
					verdict.is_ok(),
					executions.contains(&claim),
					"{claim:?}: {verdict:?}"
				);
			}
		}
	}

	fn complete(chain: &Chain) -> BTreeSet<Sigma> {
		chain
			.executions(true)
			.into_iter()
			.map(|(sigma, _)| sigma)
			.collect()
	}

	#[test]
	fn on_one_chain_there_are_two_orders() {
		let chain = chain(&[ALICE, BOB, CHARLIE], &[1, 3]);
		let paid = sigma(&[
			(ALICE, &[(1, Some(2))]),
			(BOB, &[(2, None), (3, Some(4))]),
			(CHARLIE, &[(4, None)]),
		]);
		// σ' = ((m1 : m2), (m3 | m2), ∅): Bob has only 5 when he is to pay 10.
		let unpaid = sigma(&[(ALICE, &[(1, Some(2))]), (BOB, &[(3, None), (2, None)])]);
		let balances = |balances: [u32; 3]| BTreeMap::from_iter((1..).zip(balances));
		assert_eq!(
			chain.executions(true),
			BTreeSet::from([
				(paid.clone(), balances([10, 5, 20])),
				(unpaid.clone(), balances([10, 15, 10]))
			])
		);
		assert_eq!(chain.verify(&paid), Ok(()));
		assert_eq!(chain.verify(&unpaid), Ok(()));
		chain.assert_sound_and_complete();
	}

	#[test]
	fn nobody_spends_what_he_does_not_have() {
		let chain = chain(&[ALICE, BOB, CHARLIE], &[1, 3]);
		let too_early = sigma(&[
			(ALICE, &[(1, Some(2))]),
			(BOB, &[(3, Some(4)), (2, None)]),
			(CHARLIE, &[(4, None)]),
		]);
		assert!(matches!(
			chain.verify(&too_early),
			Err(Refusal::Order(OrderError::SendCount {
				order: 1,
				seen: 0,
				..
			}))
		));
		let withheld = sigma(&[(ALICE, &[(1, Some(2))]), (BOB, &[(2, None), (3, None)])]);
		assert!(matches!(
			chain.verify(&withheld),
			Err(Refusal::Order(OrderError::SendCount {
				order: 0,
				seen: 1,
				..
			}))
		));
	}

	#[test]
	fn on_three_chains_each_has_its_own() {
		let alice = chain(&[ALICE], &[1]);
		assert_eq!(
			complete(&alice),
			BTreeSet::from([sigma(&[(ALICE, &[(1, Some(2))])])])
		);
		alice.assert_sound_and_complete();

		// Before m2 has arrived, and with it.
		let bob = chain(&[BOB], &[3]);
		assert_eq!(complete(&bob), BTreeSet::from([sigma(&[(BOB, &[(3, None)])])]));
		bob.assert_sound_and_complete();
		let bob = chain(&[BOB], &[2, 3]);
		assert_eq!(
			complete(&bob),
			BTreeSet::from([
				sigma(&[(BOB, &[(2, None), (3, Some(4))])]),
				sigma(&[(BOB, &[(3, None), (2, None)])]),
			])
		);
		bob.assert_sound_and_complete();

		let charlie = chain(&[CHARLIE], &[4]);
		assert_eq!(
			complete(&charlie),
			BTreeSet::from([sigma(&[(CHARLIE, &[(4, None)])])])
		);
		charlie.assert_sound_and_complete();
	}

	/// Alice's transfer to Bob pays for Bob's to her, and the other way round, as if money had always been there.
	#[test]
	fn money_is_not_its_own_cause() {
		let chain = Chain {
			balances: BTreeMap::from([(ALICE, 0), (BOB, 0)]),
			inputs: vec![
				Tran {
					from: ALICE,
					to: BOB,
					bill: 10,
				},
				Tran {
					from: BOB,
					to: ALICE,
					bill: 10,
				},
			],
		};
		let add = |from, to| Add { from, to, bill: 10 };
		let (to_bob, to_alice) = (add(ALICE, BOB), add(BOB, ALICE));
		let conjured = Sigma::from([
			(ALICE, vec![(to_alice, vec![]), (chain.inputs[0], vec![to_bob])]),
			(BOB, vec![(to_bob, vec![]), (chain.inputs[1], vec![to_alice])]),
		]);
		let refusal = chain.verify(&conjured).unwrap_err();
		let Refusal::Order(OrderError::Cycle { messages }) = refusal else {
			panic!("{refusal:?}");
		};
		assert_eq!(messages.len(), 4);
	}
}
