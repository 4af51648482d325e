//! Explores the message protocol exhaustively, within small bounds: two chains and a root, which run the very functions
//! of this crate.
//!
//! What the network does to them: a checkpoint or a delivery may be lost or delayed (the step isn't taken), repeated or
//! overtaken (any block may be submitted, any batch offered, at any time). In [`honest_chains`] both chains keep the
//! rules; in [`a_corrupt_chain`] the second one's committee certifies any claim at all.
//!
//! What cryptography rules out is not a step: a batch is offered as its block's outbox root commits to it, with the value
//! that the root chain booked.

use asterism_protocol::{
	anchors,
	channel::{Batch, ChannelRecord, Inbound, Outbound},
	ledger::{self, Flow, Ledger, MapLedger},
	sequence::{self, BlockRef, Link},
	Balance, BlockNumber, ChainId, CurrencyId, Nonce,
};
use stateright::{Checker, Model, Property};
use std::collections::BTreeMap;

const CURRENCY: CurrencyId = CurrencyId::NATIVE;
/// What each chain holds at genesis.
const ENDOWMENT: Balance = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Kind {
	/// Can be executed.
	Good,
	/// Can't: its value goes back.
	Bad,
	/// Brings a value back.
	Return,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Message {
	value: Balance,
	kind: Kind,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Traffic {
	batch: Option<Batch>,
	messages: Vec<Message>,
	received: Option<Nonce>,
	inflow: Balance,
	outflow: Balance,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Chain {
	outbound: Outbound,
	inbound: Inbound,
	balance: Balance,
	/// The current block's traffic.
	current: Traffic,
	/// Its final blocks, from 1.
	blocks: Vec<Traffic>,
	/// All that it has sent, and all that it has taken in, in order.
	sent: Vec<Message>,
	taken: Vec<Message>,
	/// Values sent by accounts rather than sent back.
	transfers: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
	chains: [Chain; 2],
	ledger: MapLedger,
	heads: [BlockRef<u32>; 2],
	/// From each chain to the other.
	channels: [ChannelRecord; 2],
	/// The batches that the root chain's anchors prove.
	anchors: [BTreeMap<BlockNumber, (Batch, Vec<Message>)>; 2],
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Action {
	/// An account sends one unit.
	Send { chain: usize, kind: Kind },
	/// The committee finalizes the block.
	Finalize { chain: usize },
	/// Somebody submits blocks `first` to `last`.
	Submit { chain: usize, first: usize, last: usize },
	/// Somebody offers a batch to the other chain.
	Deliver { source: usize, number: BlockNumber },
	/// The chain's proposer brings in what the root chain knows.
	Acknowledge { chain: usize },
	/// A corrupt committee certifies any block.
	Claim { traffic: Traffic },
}

struct Network {
	corrupt: bool,
	transfers: u8,
	blocks: usize,
}

fn id(chain: usize) -> ChainId {
	ChainId(chain as u32 + 1)
}

impl State {
	fn new() -> Self {
		let chain = || Chain {
			outbound: Outbound::default(),
			inbound: Inbound::default(),
			balance: ENDOWMENT,
			current: Traffic::default(),
			blocks: vec![],
			sent: vec![],
			taken: vec![],
			transfers: 0,
		};
		let mut ledger = MapLedger::default();
		for chain in 0..2 {
			ledger::register(&mut ledger, id(chain), CURRENCY, ENDOWMENT).unwrap();
		}
		State {
			chains: [chain(), chain()],
			ledger,
			heads: [BlockRef { number: 0, hash: 0 }; 2],
			channels: Default::default(),
			anchors: Default::default(),
		}
	}

	fn send(&mut self, chain: usize, kind: Kind) -> Option<()> {
		let me = &mut self.chains[chain];
		me.balance = me.balance.checked_sub(1)?;
		me.outbound.send().ok()?;
		me.transfers += 1;
		me.post(Message { value: 1, kind });
		Some(())
	}

	fn finalize(&mut self, chain: usize) {
		let me = &mut self.chains[chain];
		let number = me.blocks.len() as u32 + 1;
		let mut block = std::mem::take(&mut me.current);
		block.batch = me.outbound.close(number).expect("sending has checked it");
		me.blocks.push(block);
	}

	fn submit(&mut self, chain: usize, first: usize, last: usize) -> Option<()> {
		let blocks: Vec<Traffic> = self.chains[chain].blocks[first - 1..last].to_vec();
		let run = (first..=last).map(|number| {
			let number = number as u32;
			Link {
				block: BlockRef { number, hash: number },
				parent: number - 1,
			}
		});
		self.heads[chain] = sequence::extend(self.heads[chain], run).ok()?;
		for (number, traffic) in (first..=last).zip(&blocks) {
			self.book(chain, number as u32, traffic)?;
		}
		Some(())
	}

	/// What the root chain does with one block's traffic; `None` if it refuses.
	fn book(&mut self, chain: usize, number: BlockNumber, traffic: &Traffic) -> Option<()> {
		let peer = 1 - chain;
		let flow = |amount| Flow {
			peer: id(peer),
			currency: CURRENCY,
			amount,
		};
		ledger::apply(
			&mut self.ledger,
			id(chain),
			&[flow(traffic.inflow)],
			&[flow(traffic.outflow)],
		)
		.ok()?;
		if let Some(batch) = traffic.batch {
			self.channels[chain].record(number, batch).ok()?;
			self.anchors[chain].insert(number, (batch, traffic.messages.clone()));
		}
		if let Some(nonce) = traffic.received {
			let head = self.heads[peer].number;
			for done in self.channels[peer].acknowledge(nonce).ok()? {
				// One destination, so one batch a block.
				if anchors::forgettable(done, 0, head) {
					self.anchors[peer].remove(&done);
				}
			}
		}
		Some(())
	}

	fn deliver(&mut self, source: usize, number: BlockNumber) -> Option<()> {
		let (batch, messages) = self.anchors[source].get(&number)?.clone();
		let me = &mut self.chains[1 - source];
		let returnable = messages
			.iter()
			.filter(|message| message.kind != Kind::Return)
			.count() as u32;
		if me.outbound.room() < returnable {
			return None;
		}
		me.inbound.accept(batch).ok()?;
		me.current.received = Some(me.inbound.next_nonce);
		for message in messages {
			me.taken.push(message);
			me.current.inflow += message.value;
			if message.kind == Kind::Bad {
				me.outbound.send_back().expect("there is room");
				me.post(Message {
					value: message.value,
					kind: Kind::Return,
				});
			} else {
				me.balance += message.value;
			}
		}
		Some(())
	}

	fn acknowledge(&mut self, chain: usize) -> Option<()> {
		let nonce = self.channels[chain].acknowledged;
		self.chains[chain].outbound.acknowledge(nonce).ok()?;
		Some(())
	}

	fn claim(&mut self, traffic: &Traffic) -> Option<()> {
		let number = self.heads[1].number + 1;
		self.heads[1] = BlockRef { number, hash: number };
		self.book(1, number, traffic)
	}

	/// Everybody does what there is to do, for as long as it takes, and nobody sends anything new.
	fn settled(&self, chains: &[usize]) -> Option<State> {
		let mut state = self.clone();
		for _ in 0..4 {
			for &chain in chains {
				state.acknowledge(chain)?;
				let offers: Vec<_> = state.anchors[1 - chain].keys().copied().collect();
				for number in offers {
					let mut next = state.clone();
					if next.deliver(1 - chain, number).is_some() {
						state = next;
					}
				}
				state.finalize(chain);
				let (first, last) = (
					state.heads[chain].number as usize + 1,
					state.chains[chain].blocks.len(),
				);
				state.submit(chain, first, last)?;
			}
		}
		Some(state)
	}

	/// The sum over final and current blocks that the root chain hasn't seen, of inflows and of outflows.
	fn unseen(&self, chain: usize) -> (Balance, Balance) {
		let me = &self.chains[chain];
		let blocks = me.blocks[self.heads[chain].number as usize..]
			.iter()
			.chain([&me.current]);
		blocks.fold((0, 0), |(inn, out), block| {
			(inn + block.inflow, out + block.outflow)
		})
	}

	/// The root chain's account of a chain, with what it hasn't seen, is what the chain has.
	fn covered(&self, chain: usize) -> bool {
		let (inn, out) = self.unseen(chain);
		self.ledger.holdings(id(chain), CURRENCY) + inn == self.chains[chain].balance + out
	}

	/// What the other chain has taken in is what this one has sent, in order, once.
	fn in_order(&self, source: usize) -> bool {
		self.chains[source]
			.sent
			.starts_with(&self.chains[1 - source].taken)
			&& self.chains[1 - source].taken.len() as u64 == self.chains[1 - source].inbound.next_nonce
	}

	/// Each message that this chain has sent is taken in, or is still in its outbox, and what of that the root chain
	/// has booked is provable.
	fn none_lost(&self, source: usize) -> bool {
		let outbound = &self.chains[source].outbound;
		let first_kept = outbound
			.closed
			.waiting
			.first()
			.map_or(outbound.closed.recorded, |w| w.batch.first_nonce);
		first_kept <= self.chains[1 - source].inbound.next_nonce
			&& outbound.next_nonce() == Some(self.chains[source].sent.len() as u64)
			&& self.channels[source]
				.waiting
				.iter()
				.all(|w| self.anchors[source].contains_key(&w.number))
	}
}

impl Chain {
	fn post(&mut self, message: Message) {
		self.current.outflow += message.value;
		self.current.messages.push(message);
		self.sent.push(message);
	}
}

/// All small claims of a corrupt committee. The leaves of its outbox commit to the outflow, as the root chain checks.
fn claims() -> Vec<Traffic> {
	let mut all = vec![];
	for outflow in [0, 1, ENDOWMENT + 1] {
		for inflow in [0, 1] {
			for received in [None, Some(0), Some(1), Some(2)] {
				let claim = Traffic {
					batch: None,
					messages: vec![],
					received,
					inflow,
					outflow,
				};
				all.push(claim.clone());
				for first_nonce in [0, 1] {
					for kind in [Kind::Good, Kind::Bad, Kind::Return] {
						let batch = Some(Batch {
							first_nonce,
							count: 1,
						});
						let messages = vec![Message { value: outflow, kind }];
						all.push(Traffic {
							batch,
							messages,
							..claim.clone()
						});
					}
				}
			}
		}
	}
	all
}

impl Model for Network {
	type State = State;
	type Action = Action;

	fn init_states(&self) -> Vec<State> {
		vec![State::new()]
	}

	fn actions(&self, state: &State, actions: &mut Vec<Action>) {
		let honest = if self.corrupt { 1 } else { 2 };
		for chain in 0..honest {
			let me = &state.chains[chain];
			let blocks = me.blocks.len();
			if blocks < self.blocks {
				if me.transfers < self.transfers {
					actions.push(Action::Send {
						chain,
						kind: Kind::Good,
					});
					actions.push(Action::Send {
						chain,
						kind: Kind::Bad,
					});
				}
				actions.extend(state.anchors[1 - chain].keys().map(|number| Action::Deliver {
					source: 1 - chain,
					number: *number,
				}));
				actions.push(Action::Acknowledge { chain });
				// An empty block changes nothing but its height.
				if me.current != Traffic::default() {
					actions.push(Action::Finalize { chain });
				}
			}
			for first in 1..=blocks {
				actions.extend((first..=blocks).map(|last| Action::Submit { chain, first, last }));
			}
		}
		if self.corrupt && (state.heads[1].number as usize) < self.blocks {
			actions.extend(claims().into_iter().map(|traffic| Action::Claim { traffic }));
		}
	}

	fn next_state(&self, state: &State, action: Action) -> Option<State> {
		let mut next = state.clone();
		match action {
			Action::Send { chain, kind } => next.send(chain, kind)?,
			Action::Finalize { chain } => next.finalize(chain),
			Action::Submit { chain, first, last } => next.submit(chain, first, last)?,
			Action::Deliver { source, number } => next.deliver(source, number)?,
			Action::Acknowledge { chain } => next.acknowledge(chain)?,
			Action::Claim { traffic } => next.claim(&traffic)?,
		}
		Some(next)
	}

	fn properties(&self) -> Vec<Property<Self>> {
		let mut properties = vec![
			Property::<Self>::always("conservation", |_, state| {
				state.ledger.total(CURRENCY) == Some(2 * ENDOWMENT)
			}),
			Property::<Self>::always("an honest chain's accounts are covered", |_, state| {
				state.covered(0)
			}),
			Property::<Self>::always("an honest chain's checkpoints are accepted", |_, state| {
				state.settled(&[0]).is_some()
			}),
		];
		if !self.corrupt {
			properties.extend([
				Property::<Self>::always("both chains' accounts are covered", |_, state| state.covered(1)),
				Property::<Self>::always("in order and once", |_, state| {
					state.in_order(0) && state.in_order(1)
				}),
				Property::<Self>::always("nothing is lost", |_, state| {
					state.none_lost(0) && state.none_lost(1)
				}),
				Property::<Self>::always("everything can still arrive", |_, state| {
					let Some(end) = state.settled(&[0, 1]) else {
						return false;
					};
					let arrived = |source: usize| end.chains[source].sent == end.chains[1 - source].taken;
					arrived(0)
						&& arrived(1) && end.ledger.in_flight.values().all(|amount| *amount == 0)
						&& end.channels.iter().all(|channel| channel.waiting.is_empty())
				}),
				// The model does reach what it is about.
				Property::<Self>::sometimes("a value comes back", |_, state| {
					state.chains[0]
						.taken
						.iter()
						.any(|message| message.kind == Kind::Return)
				}),
			]);
		} else {
			properties.push(Property::<Self>::sometimes(
				"a corrupt chain is heard",
				|_, state| !state.chains[0].taken.is_empty(),
			));
		}
		properties
	}
}

fn explore(name: &str, network: Network) {
	let checker = network.checker().threads(2).spawn_bfs().join();
	println!(
		"{name}: {} states, depth {}",
		checker.unique_state_count(),
		checker.max_depth()
	);
	checker.assert_properties();
	assert!(
		checker.unique_state_count() > 5_000,
		"the bounds leave something to explore"
	);
}

#[test]
fn honest_chains() {
	explore(
		"honest chains",
		Network {
			corrupt: false,
			transfers: 2,
			blocks: 2,
		},
	);
}

#[test]
fn a_corrupt_chain() {
	explore(
		"a corrupt chain",
		Network {
			corrupt: true,
			transfers: 2,
			blocks: 2,
		},
	);
}
