use super::*;
use crate::mock::{call, error_of, transaction_node};
use proptest::prelude::*;
use serde_json::json;
use std::sync::atomic::{AtomicU32, Ordering};

const A: ChainId = ChainId(1);
const B: ChainId = ChainId(2);
const C: ChainId = ChainId(3);

/// A chain in memory.
#[derive(Default)]
struct Memory {
	head: BlockNumber,
	/// The first block whose state is kept.
	kept: BlockNumber,
	hops: BTreeMap<BlockNumber, Vec<Hop>>,
	arrivals: Vec<(BlockNumber, ChainId, Nonce)>,
	reads: AtomicU32,
}

impl Memory {
	fn read(&self, number: BlockNumber) -> Result<(), Unread> {
		assert!(number <= self.head, "only final blocks are asked for");
		self.reads.fetch_add(1, Ordering::Relaxed);
		if number < self.kept {
			Err(Unread::Pruned)
		} else {
			Ok(())
		}
	}
}

impl Traced for Memory {
	fn head(&self) -> BlockNumber {
		self.head
	}

	fn hash(&self, number: BlockNumber) -> Result<Hash, Unread> {
		Ok(Hash::from_low_u64_be(number.into()))
	}

	fn hops(&self, number: BlockNumber) -> Result<Vec<Hop>, Unread> {
		self.read(number)?;
		Ok(self.hops.get(&number).cloned().unwrap_or_default())
	}

	fn expected(&self, number: BlockNumber, source: ChainId) -> Result<Nonce, Unread> {
		self.read(number)?;
		let arrived = |arrival: &&(BlockNumber, ChainId, Nonce)| arrival.0 <= number && arrival.1 == source;
		let nonces = self.arrivals.iter().filter(arrived).map(|arrival| arrival.2 + 1);
		Ok(nonces.max().unwrap_or(0))
	}

	fn has_sent(&self, to: ChainId, place: Nonce) -> Result<bool, Unread> {
		let is_it = |hop: &Hop| match hop {
			Hop::Sent {
				id: MessageId::Outer {
					destination, nonce, ..
				},
				..
			} => (*destination, *nonce) == (to, place),
			_ => false,
		};
		Ok(self.hops.values().flatten().any(is_it))
	}
}

/// Chains in memory, each with this many blocks.
struct World(BTreeMap<ChainId, Memory>);

impl World {
	fn new(chains: &[ChainId], head: BlockNumber) -> Self {
		let memory = || Memory {
			head,
			..Memory::default()
		};
		World(chains.iter().map(|chain| (*chain, memory())).collect())
	}

	fn on(&mut self, chain: ChainId) -> &mut Memory {
		self.0.get_mut(&chain).unwrap()
	}

	/// A block of a chain sends a message.
	fn sends(&mut self, chain: ChainId, block: BlockNumber, name: Name, parent: Option<Name>) {
		let hop = Hop::Sent {
			id: name.id(),
			parent: parent.map(Name::id),
			chain: name.ends_on(),
			account: Some(account(9)),
		};
		self.on(chain).hops.entry(block).or_default().push(hop);
	}

	/// A message arrives.
	fn arrives(&mut self, block: BlockNumber, name: Name) {
		let Name::Outer {
			source,
			destination,
			nonce,
		} = name
		else {
			panic!("{name:?} arrives nowhere");
		};
		self.on(destination).arrivals.push((block, source, nonce));
	}

	/// A message's way ends.
	fn ends(&mut self, block: BlockNumber, name: Name, outcome: Outcome) {
		let hop = Hop::Ended {
			id: name.id(),
			parent: None,
			recipient: Some(account(7)),
			outcome,
			gas_used: 11,
		};
		let chain = name.ends_on();
		self.on(chain).hops.entry(block).or_default().push(hop);
	}

	/// The chains as the search finds them.
	fn here(self) -> Tracers {
		let tracers = Tracers::default();
		for (chain, memory) in self.0 {
			tracers.insert(chain, Arc::new(memory));
		}
		tracers
	}

	fn trace(self, name: Name) -> Result<Trace, TraceError> {
		trace(&self.here(), name, Limits::default())
	}
}

fn account(n: u8) -> AccountId {
	AccountId::new([n; 32])
}

fn inner(chain: ChainId, block: BlockNumber, index: u32) -> Name {
	Name::Inner { chain, block, index }
}

fn outer(source: ChainId, destination: ChainId, nonce: Nonce) -> Name {
	Name::Outer {
		source,
		destination,
		nonce,
	}
}

fn refused() -> Outcome {
	Outcome::Failed {
		reason: BounceReason::NoRecipient,
	}
}

/// Name, block and outcome of each message.
fn told(trace: &Trace) -> Vec<(Name, Option<BlockNumber>, Progress)> {
	let tell = |message: &TracedMessage| {
		let block = message.block.map(|block| block.number);
		(message.id, block, message.outcome.clone())
	};
	trace.messages.iter().map(tell).collect()
}

/// A user's message on chain 1 makes another one there, and one to chain 2, whose recipient sends one to chain 3 that bounces.
fn three_chains() -> World {
	let mut world = World::new(&[A, B, C], 40);
	let (first, second) = (inner(A, 5, 0), inner(A, 5, 1));
	world.sends(A, 5, first, None);
	world.sends(A, 5, second, Some(first));
	world.sends(A, 5, outer(A, B, 0), Some(first));
	world.ends(5, first, Outcome::Handled);
	world.ends(7, second, Outcome::Credited);
	world.arrives(9, outer(A, B, 0));
	world.ends(11, outer(A, B, 0), Outcome::Handled);
	world.sends(B, 11, outer(B, C, 4), Some(outer(A, B, 0)));
	world.arrives(3, outer(B, C, 4));
	world.ends(3, outer(B, C, 4), refused());
	world.sends(C, 3, outer(C, B, 0), Some(outer(B, C, 4)));
	world.arrives(20, outer(C, B, 0));
	world.ends(21, outer(C, B, 0), Outcome::Handled);
	world
}

#[test]
fn a_tree_is_followed_over_three_chains_and_back() {
	let trace = three_chains().trace(inner(A, 5, 0)).unwrap();
	let reason = BounceReason::NoRecipient;
	let expected = [
		(inner(A, 5, 0), Some(5), Progress::Handled),
		(inner(A, 5, 1), Some(7), Progress::Credited),
		(outer(A, B, 0), Some(11), Progress::Handled),
		(outer(B, C, 4), Some(3), Progress::Failed { reason }),
		(outer(C, B, 0), Some(21), Progress::Handled),
	];
	assert_eq!(told(&trace), expected);
	assert!(trace.complete);
	let first = &trace.messages[0];
	assert_eq!(first.children, [inner(A, 5, 1), outer(A, B, 0)]);
	assert_eq!((first.parent, first.gas_used), (None, Some(11)));
	assert_eq!(first.recipient, Some(account(7)));
	let parents: Vec<_> = trace.messages[1..].iter().map(|message| message.parent).collect();
	let caused = [inner(A, 5, 0), inner(A, 5, 0), outer(A, B, 0), outer(B, C, 4)];
	assert_eq!(parents, caused.map(Some));
	// From its middle on, what is before it isn't looked for.
	let trace = three_chains().trace(outer(B, C, 4)).unwrap();
	assert_eq!(told(&trace), expected[3..]);
	// The message that a chain's own names for: the block says it.
	let trace = three_chains().trace(inner(A, 5, 1)).unwrap();
	assert_eq!(trace.messages[0].parent, Some(inner(A, 5, 0)));
}

#[test]
fn what_is_not_at_its_end_says_so() {
	let mut world = World::new(&[A, B], 30);
	let first = inner(A, 5, 0);
	world.sends(A, 5, first, None);
	world.ends(5, first, Outcome::Handled);
	let children = [inner(A, 5, 1), outer(A, B, 0), outer(A, B, 1), outer(A, C, 0)];
	for child in children {
		world.sends(A, 5, child, Some(first));
	}
	world.arrives(8, outer(A, B, 0));
	let trace = world.trace(first).unwrap();
	let states = [
		Progress::Waiting,
		Progress::Waiting,
		Progress::UnderWay,
		Progress::Elsewhere,
	];
	let expected: Vec<_> = children.into_iter().zip(states).collect();
	let found: Vec<_> = told(&trace)
		.into_iter()
		.skip(1)
		.map(|(name, block, state)| {
			assert_eq!(block, None);
			(name, state)
		})
		.collect();
	assert_eq!(found, expected);
	// Whom they are for is known from where they were sent.
	assert_eq!(trace.messages[4].recipient, Some(account(9)));
	// What is elsewhere may have caused more.
	assert!(!trace.complete);
}

#[test]
fn what_waits_for_room_to_go_back_says_so_and_is_found_then() {
	let waiting = || {
		let mut world = World::new(&[A, B], 60);
		world.sends(A, 2, outer(A, B, 0), None);
		world.arrives(4, outer(A, B, 0));
		world.ends(5, outer(A, B, 0), refused());
		world
	};
	let reason = BounceReason::NoRecipient;
	let trace = waiting().trace(outer(A, B, 0)).unwrap();
	assert_eq!(
		told(&trace),
		[(outer(A, B, 0), Some(5), Progress::Returning { reason })]
	);
	assert!(trace.complete);

	let mut world = waiting();
	world.sends(B, 33, outer(B, A, 0), Some(outer(A, B, 0)));
	world.arrives(40, outer(B, A, 0));
	// That it couldn't be handled there either is its end.
	world.ends(40, outer(B, A, 0), refused());
	let trace = world.trace(outer(A, B, 0)).unwrap();
	assert!(matches!(trace.messages[0].outcome, Progress::Failed { .. }));
	assert_eq!(trace.messages[0].children, [outer(B, A, 0)]);
	assert_eq!(trace.messages[1].block.map(|block| block.number), Some(40));
	assert!(trace.messages[1].children.is_empty() && trace.complete);
}

#[test]
fn names_of_no_message_are_told_apart_from_messages_under_way() {
	let trace = |name| three_chains().trace(name);
	assert_eq!(trace(inner(A, 41, 0)), Err(TraceError::NotFinal { head: 40 }));
	assert_eq!(
		trace(inner(A, u32::MAX, u32::MAX)),
		Err(TraceError::NotFinal { head: 40 })
	);
	for name in [
		inner(A, 5, 2),
		inner(A, 0, 0),
		inner(B, 5, 0),
		outer(A, B, 1),
		outer(A, B, u64::MAX),
		outer(A, A, 0),
		outer(C, A, u64::MAX),
	] {
		assert_eq!(trace(name), Err(TraceError::Unknown), "{name:?}");
	}
	// Chains that don't run here, the root chain among them, can't be asked.
	for name in [
		inner(ChainId(77), 1, 0),
		outer(A, ChainId(77), 0),
		outer(A, ChainId::ROOT, 0),
	] {
		let trace = trace(name).unwrap();
		assert_eq!(trace.messages[0].outcome, Progress::Elsewhere);
		assert!(!trace.complete);
	}
	let unseen = trace(outer(ChainId(77), A, 5)).unwrap();
	assert_eq!(unseen.messages[0].outcome, Progress::UnderWay);
}

/// A message with so many children.
fn wide(children: u32) -> World {
	let mut world = World::new(&[A], 3);
	world.sends(A, 1, inner(A, 1, 0), None);
	world.ends(1, inner(A, 1, 0), Outcome::Handled);
	for index in 1..=children {
		world.sends(A, 1, inner(A, 1, index), Some(inner(A, 1, 0)));
		world.ends(2, inner(A, 1, index), Outcome::Handled);
	}
	world
}

#[test]
fn an_answer_is_bounded() {
	let full = wide(MAX_MESSAGES - 1).trace(inner(A, 1, 0)).unwrap();
	assert_eq!((full.messages.len(), full.complete), (1_024, true));
	let cut = wide(MAX_MESSAGES).trace(inner(A, 1, 0)).unwrap();
	assert_eq!((cut.messages.len(), cut.complete), (1_024, false));

	// Each message causes the next one, for ever; and one that was before it.
	let mut world = World::new(&[A], 3_000);
	world.sends(A, 0, inner(A, 0, 0), None);
	for block in 0..3_000 {
		world.ends(block, inner(A, block, 0), Outcome::Handled);
		world.sends(A, block, inner(A, block + 1, 0), Some(inner(A, block, 0)));
		world.sends(A, block + 1, inner(A, block + 1, 0), Some(inner(A, block, 0)));
		world.sends(A, block, inner(A, 0, 0), Some(inner(A, block, 0)));
	}
	let deep = world.trace(inner(A, 0, 0)).unwrap();
	assert_eq!((deep.messages.len(), deep.complete), (1_024, false));
	let names: BTreeSet<_> = deep.messages.iter().map(|message| message.id).collect();
	assert_eq!(names.len(), 1_024);
}

#[test]
fn a_search_is_bounded() {
	// Nobody ever processes it.
	let mut world = World::new(&[A], 1_000_000);
	world.sends(A, 7, inner(A, 7, 0), None);
	let memory = Arc::new(world.0.remove(&A).unwrap());
	let tracers = Tracers::default();
	tracers.insert(A, memory.clone());
	let trace_with = |limits| trace(&tracers, inner(A, 7, 0), limits).unwrap();
	let lost = trace_with(Limits::default());
	assert_eq!(lost.messages[0].outcome, Progress::NotFound);
	assert!(!lost.complete);
	assert_eq!(memory.reads.load(Ordering::Relaxed), MAX_BLOCKS + 1);
	let limits = Limits {
		reads: 10,
		..Limits::default()
	};
	let lost = trace_with(limits);
	assert_eq!(lost.messages[0].outcome, Progress::NotSearched);
	assert!(!lost.complete);
	assert_eq!(memory.reads.load(Ordering::Relaxed), MAX_BLOCKS + 11);

	let limits = Limits {
		hops: 5,
		..Limits::default()
	};
	let lost = trace(&wide(9).here(), inner(A, 1, 0), limits).unwrap();
	assert_eq!((lost.messages.len(), lost.complete), (1, false));
}

#[test]
fn pruned_states_are_told() {
	let pruned = |chain, kept, name| {
		let mut world = three_chains();
		world.on(chain).kept = kept;
		world.trace(name)
	};
	assert_eq!(pruned(A, 6, inner(A, 5, 0)), Err(TraceError::Pruned(A)));
	// When it arrived can't be told, only that it has.
	assert_eq!(pruned(B, 10, outer(A, B, 0)), Err(TraceError::Pruned(B)));
	let trace = pruned(B, 10, inner(A, 5, 0)).unwrap();
	assert_eq!(trace.messages[2].outcome, Progress::Pruned);
	assert_eq!((trace.messages.len(), trace.complete), (3, false));
	// The state before it is kept.
	let trace = pruned(B, 8, outer(A, B, 0)).unwrap();
	assert_eq!(trace.messages[0].outcome, Progress::Handled);
}

proptest! {
	/// Bisection finds what looking at each block would.
	#[test]
	fn the_block_of_arrival_is_found(
		head in 1u32..200,
		blocks in proptest::collection::btree_set(1u32..200, 1..8),
		kept in 0u32..200,
		nonce in 0u64..9,
	) {
		let mut world = World::new(&[B], head);
		for (place, block) in blocks.iter().enumerate() {
			world.arrives(*block, outer(A, B, place as u64));
			world.ends(*block, outer(A, B, place as u64), Outcome::Credited);
		}
		let kept = kept.min(head);
		world.on(B).kept = kept;
		let arrival = blocks.iter().nth(nonce as usize).copied().filter(|block| *block <= head);
		let found = world.trace(outer(A, B, nonce));
		match arrival {
			Some(block) if block > kept || (kept == 0 && block >= 1) => {
				let found = found.unwrap();
				prop_assert_eq!(found.messages[0].block.map(|info| info.number), Some(block));
			}
			// The first one that is kept: it may have arrived before. The head alone is known to have it otherwise.
			Some(block) => match found {
				Err(error) => prop_assert_eq!(error, TraceError::Pruned(B)),
				Ok(trace) => prop_assert_eq!(trace.messages[0].block.map(|info| info.number), Some(block)),
			},
			None => {
				let found = found.unwrap();
				prop_assert_eq!(&found.messages[0].outcome, &Progress::UnderWay);
			}
		}
	}
}

#[tokio::test]
async fn the_answer_names_blocks_and_what_is_elsewhere() {
	let (module, client, _) = transaction_node();
	let params = json!({ "id": { "inner": { "block": 1, "index": 0 } } });
	let trace = call(&module, "messages_trace", params).await;
	let first = json!({ "inner": { "chain": 1, "block": 1, "index": 0 } });
	let second = json!({ "outer": { "source": 1, "destination": 2, "nonce": 1 } });
	let messages = trace["messages"].as_array().unwrap();
	assert_eq!(messages.len(), 2);
	assert_eq!(messages[0]["id"], first);
	assert_eq!(messages[0]["chain"], json!(1));
	assert_eq!(messages[0]["block"], json!({ "number": 1, "hash": client.at(1) }));
	assert_eq!(messages[0]["outcome"], json!({ "state": "handled" }));
	assert_eq!(messages[0]["gasUsed"], json!(5));
	assert_eq!(messages[0]["children"], json!([second]));
	assert_eq!((&messages[1]["id"], &messages[1]["parent"]), (&second, &first));
	assert_eq!(messages[1]["outcome"], json!({ "state": "elsewhere" }));
	assert_eq!(trace["complete"], json!(false));
	let trace = call(
		&module,
		"messages_trace",
		json!([{ "inner": { "block": 1, "index": 0 } }, 1]),
	)
	.await;
	assert_eq!(trace["messages"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn malformed_names_are_refused_by_field() {
	let (module, ..) = transaction_node();
	let good = json!({ "inner": { "block": 1, "index": 0 } });
	for (params, start) in [
		(json!([]), "id: expected an object with fields among inner, outer"),
		(json!(["1/0"]), "id: expected an object"),
		(
			json!([{}]),
			"id: expected an object with either inner or outer, got neither",
		),
		(
			json!([{ "inner": {}, "outer": {} }]),
			"id: expected an object with either inner or outer, got both",
		),
		(
			json!([{ "inner": { "block": 1 } }]),
			"id.inner.index: expected an integer from 0 to 4294967295",
		),
		(
			json!([{ "inner": { "block": -1, "index": 0 } }]),
			"id.inner.block: expected",
		),
		(
			json!([{ "inner": { "block": 1, "index": 0, "nonce": 1 } }]),
			"id.inner: expected an object",
		),
		(
			json!([{ "outer": { "source": 1, "destination": "x", "nonce": 1 } }]),
			"id.outer.destination: expected",
		),
		(
			json!([{ "outer": { "source": 1, "destination": 2 } }]),
			"id.outer.nonce: expected",
		),
		(
			json!([good, 0]),
			"limit: expected an integer from 1 to 1024, got 0",
		),
		(
			json!([good, 1025]),
			"limit: expected an integer from 1 to 1024, got 1025",
		),
		(json!([good, "many"]), "limit: expected an integer"),
	] {
		let (code, message) = error_of(&module, "messages_trace", params).await;
		assert_eq!(code, -32602, "{message}");
		assert!(message.starts_with(start), "{message}");
	}
	let unknown = json!([{ "inner": { "block": 1, "index": 77 } }]);
	let (code, _) = error_of(&module, "messages_trace", unknown).await;
	assert_eq!(code, error::UNKNOWN_MESSAGE);
	let ahead = json!([{ "inner": { "block": 3, "index": 0 } }]);
	let (code, message) = error_of(&module, "messages_trace", ahead).await;
	assert_eq!(code, error::UNKNOWN_BLOCK);
	assert!(
		message.starts_with("id.inner.block: this block is not final here"),
		"{message}"
	);
}
