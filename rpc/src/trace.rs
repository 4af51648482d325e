//! `messages_trace`: a message and all that it caused, over the chains whose nodes run in this process.
//!
//! # How it is found
//!
//! ```text
//!  inner message   the block that sent it is in its name ──────────────► from there on, block by block: where it ended
//!  outer message   bisection: the first block in which its destination
//!                  expects a later nonce ──────────────────────────────► from there on, the same
//!                                              what the block in which it ended sent because of it: the next ones ◄──┘
//! ```
//!
//! What a block did with messages, its own runtime says ([`Hop`]). The search is a function of that: of any [`Traced`] chains.
//!
//! # Bounds
//!
//! Of messages in the answer ([`MAX_MESSAGES`]), of blocks that are searched for the end of one message ([`MAX_BLOCKS`]), of
//! questions to runtimes ([`MAX_READS`]) and of hops that are looked at ([`MAX_HOPS`]). Messages are searched breadth first, each
//! name once. The answer says if it isn't complete.

use crate::{
	error,
	params::{self, Param},
	BlockInfo,
};
use asterism_primitives::{
	api::{ActorsApi, Hop, MessagesApi, SentState},
	message::{BounceReason, MessageId, Outcome},
	AccountId, BlockNumber, ChainId, Hash, Nonce, OpaqueBlock,
};
use jsonrpsee::{core::RpcResult, proc_macros::rpc, types::ErrorObjectOwned};
use parking_lot::RwLock;
use polkadot_sdk::{
	sc_client_api::BlockBackend, sp_api::ProvideRuntimeApi, sp_blockchain::HeaderBackend,
	sp_consensus::BlockStatus,
};
use serde::Serialize;
use serde_json::Value;
use std::{
	collections::{BTreeMap, BTreeSet, VecDeque},
	rc::Rc,
	sync::Arc,
};

/// Messages in an answer.
pub const MAX_MESSAGES: u32 = 1_024;
/// Blocks after the one in which a message was sent, or arrived, that are searched for its end.
pub const MAX_BLOCKS: u32 = 256;
/// Questions to runtimes for one answer.
pub const MAX_READS: u32 = 4_096;
/// Hops that are looked at for one answer.
pub const MAX_HOPS: usize = 200_000;

/// Names a message in the whole network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Name {
	/// It was sent on a chain, for an account of that chain.
	Inner {
		/// The chain.
		chain: ChainId,
		/// The block that it was sent in.
		block: BlockNumber,
		/// The number of such messages before it in that block.
		index: u32,
	},
	/// It goes from chain to chain.
	Outer {
		/// The chain that sent it.
		source: ChainId,
		/// The chain that it is for.
		destination: ChainId,
		/// Its place in the channel.
		nonce: Nonce,
	},
}

impl Name {
	/// The name of a message that `chain` calls so.
	pub fn new(chain: ChainId, id: MessageId) -> Self {
		match id {
			MessageId::Inner { block, index } => Name::Inner { chain, block, index },
			MessageId::Outer {
				source,
				destination,
				nonce,
			} => Name::Outer {
				source,
				destination,
				nonce,
			},
		}
	}

	/// What chains call it.
	pub fn id(self) -> MessageId {
		match self {
			Name::Inner { block, index, .. } => MessageId::Inner { block, index },
			Name::Outer {
				source,
				destination,
				nonce,
			} => MessageId::Outer {
				source,
				destination,
				nonce,
			},
		}
	}

	/// The chain on which its way ends.
	pub fn ends_on(self) -> ChainId {
		match self {
			Name::Inner { chain, .. } => chain,
			Name::Outer { destination, .. } => destination,
		}
	}

	/// Whether it goes from the chain where the other one ended to the one that sent that: as all do that return a message.
	fn returns(self, other: Name) -> bool {
		match (self, other) {
			(
				Name::Outer {
					source, destination, ..
				},
				Name::Outer {
					source: from,
					destination: to,
					..
				},
			) => (source, destination) == (to, from),
			_ => false,
		}
	}
}

/// Why a chain can't say something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
	/// The state is not kept any more.
	Pruned,
	/// Anything else.
	Failed(String),
}

/// A chain as the search sees it: its final blocks.
pub trait Traced: Send + Sync {
	/// The newest final block.
	fn head(&self) -> BlockNumber;
	/// The hash of a final block.
	///
	/// # Errors
	/// [`Unread::Failed`].
	fn hash(&self, number: BlockNumber) -> Result<Hash, Unread>;
	/// What a final block did with messages.
	///
	/// # Errors
	/// [`Unread`].
	fn hops(&self, number: BlockNumber) -> Result<Vec<Hop>, Unread>;
	/// The nonce that is expected next from `source` after a final block. It never falls.
	///
	/// # Errors
	/// [`Unread`].
	fn expected(&self, number: BlockNumber, source: ChainId) -> Result<Nonce, Unread>;
	/// Whether the chain has sent a message with this nonce to `destination` by its newest final block.
	///
	/// # Errors
	/// [`Unread`].
	fn has_sent(&self, destination: ChainId, nonce: Nonce) -> Result<bool, Unread>;
}

/// Finds the chains that can be searched.
pub trait Chains {
	/// A chain, if it runs here.
	fn chain(&self, chain: ChainId) -> Option<Arc<dyn Traced>>;
}

/// The chains that run in this process. Clones share their content.
#[derive(Clone, Default)]
pub struct Tracers(Arc<RwLock<BTreeMap<ChainId, Arc<dyn Traced>>>>);

impl Tracers {
	/// Adds a chain, or replaces it.
	pub fn insert(&self, chain: ChainId, traced: Arc<dyn Traced>) {
		self.0.write().insert(chain, traced);
	}
}

impl Chains for Tracers {
	fn chain(&self, chain: ChainId) -> Option<Arc<dyn Traced>> {
		self.0.read().get(&chain).cloned()
	}
}

/// A chain that is read through its client.
pub struct ClientHistory<C>(Arc<C>);

impl<C> ClientHistory<C> {
	/// Reads from this client.
	pub fn new(client: Arc<C>) -> Self {
		ClientHistory(client)
	}
}

fn failed(error: impl std::fmt::Display) -> Unread {
	Unread::Failed(error.to_string())
}

impl<C> ClientHistory<C>
where
	C: HeaderBackend<OpaqueBlock> + BlockBackend<OpaqueBlock>,
{
	fn known(&self, number: BlockNumber) -> Result<Hash, Unread> {
		let hash = HeaderBackend::hash(&*self.0, number).map_err(failed)?;
		hash.ok_or_else(|| failed(format!("block {number} is not here")))
	}

	/// The block's hash, if its state is kept.
	fn kept(&self, number: BlockNumber) -> Result<Hash, Unread> {
		let hash = self.known(number)?;
		match self.0.block_status(hash).map_err(failed)? {
			BlockStatus::InChainPruned => Err(Unread::Pruned),
			_ => Ok(hash),
		}
	}
}

impl<C> Traced for ClientHistory<C>
where
	C: ProvideRuntimeApi<OpaqueBlock>
		+ HeaderBackend<OpaqueBlock>
		+ BlockBackend<OpaqueBlock>
		+ Send
		+ Sync
		+ 'static,
	C::Api: ActorsApi<OpaqueBlock> + MessagesApi<OpaqueBlock>,
{
	fn head(&self) -> BlockNumber {
		self.0.info().finalized_number
	}

	fn hash(&self, number: BlockNumber) -> Result<Hash, Unread> {
		self.known(number)
	}

	fn hops(&self, number: BlockNumber) -> Result<Vec<Hop>, Unread> {
		let at = self.kept(number)?;
		self.0.runtime_api().hops(at).map_err(failed)
	}

	fn expected(&self, number: BlockNumber, source: ChainId) -> Result<Nonce, Unread> {
		let at = self.kept(number)?;
		self.0.runtime_api().expected(at, source).map_err(failed)
	}

	fn has_sent(&self, destination: ChainId, nonce: Nonce) -> Result<bool, Unread> {
		let at = self.0.info().finalized_hash;
		let state = self.0.runtime_api().sent_state(at, destination, nonce);
		Ok(state.map_err(failed)? != SentState::Unknown)
	}
}

/// How far a message is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum Progress {
	/// A plain account has its value.
	Credited,
	/// The actor's code handled it.
	Handled,
	/// It had no effect, and goes back.
	Failed {
		/// Why.
		reason: BounceReason,
	},
	/// It had no effect, and waits for room in the channel to its sender's chain to go back.
	Returning {
		/// Why it had no effect.
		reason: BounceReason,
	},
	/// It waits in the queue of its chain.
	Waiting,
	/// Its chain hasn't taken it in. Of a message that was asked for, whether it was sent at all is only known if the chain that
	/// sent it runs here.
	UnderWay,
	/// Its chain doesn't run in this process: ask a node of that.
	Elsewhere,
	/// States that tell of it are not kept any more.
	Pruned,
	/// It hadn't ended [`MAX_BLOCKS`] blocks after it was sent or arrived, where the search for it ended.
	NotFound,
	/// The search was over before its turn came.
	NotSearched,
}

/// A message of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TracedMessage {
	/// Its name.
	pub id: Name,
	/// The message that caused it, if one did, as far as that is known.
	pub parent: Option<Name>,
	/// The chain on which its way ends.
	pub chain: ChainId,
	/// The block of that chain in which its way ended.
	pub block: Option<BlockInfo>,
	/// Whom it is for, as far as that is known.
	pub recipient: Option<AccountId>,
	/// How far it is.
	pub outcome: Progress,
	/// The gas that its processing used, without what it passed on.
	pub gas_used: Option<u64>,
	/// The messages that it caused, in the order in which they were sent.
	pub children: Vec<Name>,
}

/// A message and all that it caused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
	/// The messages: the one that was asked for, then those that it caused, then those that these caused, and so on.
	pub messages: Vec<TracedMessage>,
	/// Whether nothing was left out: no limit of the search was met, no state was missing, and no chain.
	pub complete: bool,
}

/// Why there is no trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceError {
	/// No chain of this process knows such a message.
	Unknown,
	/// It is said to be of a block that isn't final here.
	NotFinal {
		/// The chain's newest final block.
		head: BlockNumber,
	},
	/// The states of this chain that tell of it are not kept any more.
	Pruned(ChainId),
	/// A chain can't be read.
	Failed(String),
}

/// How much may be searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
	/// Messages in the answer.
	pub messages: u32,
	/// Blocks for the end of one message, after its first one.
	pub blocks: u32,
	/// Questions to chains.
	pub reads: u32,
	/// Hops to look at.
	pub hops: usize,
}

impl Default for Limits {
	fn default() -> Self {
		Limits {
			messages: MAX_MESSAGES,
			blocks: MAX_BLOCKS,
			reads: MAX_READS,
			hops: MAX_HOPS,
		}
	}
}

/// Why the search for one message stops.
enum Stop {
	Unknown,
	NotFinal { head: BlockNumber },
	Pruned,
	Limit,
	Failed(String),
}

impl From<Unread> for Stop {
	fn from(unread: Unread) -> Self {
		match unread {
			Unread::Pruned => Stop::Pruned,
			Unread::Failed(why) => Stop::Failed(why),
		}
	}
}

/// What is known of a message that was sent.
struct Sent {
	parent: Option<MessageId>,
	account: Option<AccountId>,
}

/// What is known of a message whose way ended.
struct Ended {
	parent: Option<MessageId>,
	recipient: Option<AccountId>,
	outcome: Outcome,
	gas_used: u64,
}

/// What a block did, by message.
#[derive(Default)]
struct Block {
	sent: BTreeMap<MessageId, Sent>,
	children: BTreeMap<MessageId, Vec<MessageId>>,
	ended: BTreeMap<MessageId, Ended>,
}

impl Block {
	fn new(hops: Vec<Hop>) -> Self {
		let mut block = Block::default();
		for hop in hops {
			match hop {
				Hop::Sent {
					id, parent, account, ..
				} => {
					// Deposits that were merged are one message, told of several times.
					if block.sent.insert(id, Sent { parent, account }).is_none() {
						if let Some(parent) = parent {
							block.children.entry(parent).or_default().push(id);
						}
					}
				}
				Hop::Ended {
					id,
					parent,
					recipient,
					outcome,
					gas_used,
				} => {
					let ended = Ended {
						parent,
						recipient,
						outcome,
						gas_used,
					};
					block.ended.insert(id, ended);
				}
			}
		}
		block
	}
}

/// A chain with the head at which the search found it: one answer rests on one head.
#[derive(Clone)]
struct Found {
	id: ChainId,
	traced: Arc<dyn Traced>,
	head: BlockNumber,
}

/// A message to search for, and what is known of it from where it was sent.
struct Wanted {
	name: Name,
	parent: Option<Name>,
	recipient: Option<AccountId>,
}

/// In which block something happened first.
enum First {
	In(BlockNumber),
	/// In none up to the head.
	NotYet,
	/// In none within the limit.
	Beyond,
}

struct Search<'a, C: ?Sized> {
	chains: &'a C,
	limits: Limits,
	heads: BTreeMap<ChainId, Option<Found>>,
	blocks: BTreeMap<(ChainId, BlockNumber), Rc<Block>>,
	/// None where the state is not kept.
	expected: BTreeMap<(ChainId, ChainId, BlockNumber), Option<Nonce>>,
}

impl<C: Chains + ?Sized> Search<'_, C> {
	fn found(&mut self, chain: ChainId) -> Option<Found> {
		let chains = self.chains;
		let found = self.heads.entry(chain).or_insert_with(|| {
			let traced = chains.chain(chain)?;
			Some(Found {
				id: chain,
				head: traced.head(),
				traced,
			})
		});
		found.clone()
	}

	fn count(&mut self) -> Result<(), Stop> {
		self.limits.reads = self.limits.reads.checked_sub(1).ok_or(Stop::Limit)?;
		Ok(())
	}

	fn block(&mut self, chain: &Found, number: BlockNumber) -> Result<Rc<Block>, Stop> {
		if let Some(block) = self.blocks.get(&(chain.id, number)) {
			return Ok(block.clone());
		}
		self.count()?;
		let hops = chain.traced.hops(number)?;
		self.limits.hops = self.limits.hops.checked_sub(hops.len()).ok_or(Stop::Limit)?;
		let block = Rc::new(Block::new(hops));
		self.blocks.insert((chain.id, number), block.clone());
		Ok(block)
	}

	/// What is expected next; none where the state is not kept.
	fn expected(
		&mut self,
		chain: &Found,
		source: ChainId,
		number: BlockNumber,
	) -> Result<Option<Nonce>, Stop> {
		if let Some(expected) = self.expected.get(&(chain.id, source, number)) {
			return Ok(*expected);
		}
		self.count()?;
		let expected = match chain.traced.expected(number, source) {
			Ok(nonce) => Some(nonce),
			Err(Unread::Pruned) => None,
			Err(Unread::Failed(why)) => return Err(Stop::Failed(why)),
		};
		self.expected.insert((chain.id, source, number), expected);
		Ok(expected)
	}

	/// The block in which a chain took in a message; none if it hasn't.
	fn arrival(&mut self, chain: &Found, source: ChainId, nonce: Nonce) -> Result<Option<BlockNumber>, Stop> {
		if self.expected(chain, source, chain.head)?.ok_or(Stop::Pruned)? <= nonce {
			return Ok(None);
		}
		// It had arrived by `high`, and hadn't by `low`, unless the state of `low` is gone: those that are kept are the newest.
		let (mut low, mut high) = (0, chain.head);
		let mut gone = false;
		while high.saturating_sub(low) > 1 {
			let middle = low.saturating_add(high.saturating_sub(low) / 2);
			match self.expected(chain, source, middle)? {
				Some(next) if next > nonce => high = middle,
				next => {
					low = middle;
					gone = next.is_none();
				}
			}
		}
		if gone {
			Err(Stop::Pruned)
		} else {
			Ok(Some(high))
		}
	}

	/// The first block from `first` on of which this is so.
	fn first_block(
		&mut self,
		chain: &Found,
		first: BlockNumber,
		is_so: impl Fn(&Block) -> bool,
	) -> Result<First, Stop> {
		let last = first.saturating_add(self.limits.blocks).min(chain.head);
		for number in first..=last {
			if is_so(self.block(chain, number)?.as_ref()) {
				return Ok(First::In(number));
			}
		}
		Ok(if last < chain.head {
			First::Beyond
		} else {
			First::NotYet
		})
	}

	/// Searches for a message, and lists those that it caused. Whether those are all.
	fn follow(
		&mut self,
		wanted: &Wanted,
		message: &mut TracedMessage,
		next: &mut Vec<Wanted>,
	) -> Result<bool, Stop> {
		let id = wanted.name.id();
		let Some(chain) = self.found(message.chain) else {
			message.outcome = Progress::Elsewhere;
			return Ok(false);
		};
		let first = match wanted.name {
			Name::Inner { block, .. } => {
				if block > chain.head {
					return Err(Stop::NotFinal { head: chain.head });
				}
				let sender = self.block(&chain, block)?;
				let sent = sender.sent.get(&id).ok_or(Stop::Unknown)?;
				message.recipient = message.recipient.take().or_else(|| sent.account.clone());
				message.parent = message
					.parent
					.or_else(|| sent.parent.map(|parent| Name::new(chain.id, parent)));
				Some(block)
			}
			Name::Outer {
				source,
				destination,
				nonce,
			} => {
				let arrival = self.arrival(&chain, source, nonce)?;
				if arrival.is_none() {
					if let Some(source) = self.found(source) {
						self.count()?;
						if !source.traced.has_sent(destination, nonce)? {
							return Err(Stop::Unknown);
						}
					}
				}
				arrival
			}
		};
		let Some(first) = first else {
			message.outcome = Progress::UnderWay;
			return Ok(true);
		};
		let number = match self.first_block(&chain, first, |block| block.ended.contains_key(&id))? {
			First::In(number) => number,
			First::NotYet => {
				message.outcome = Progress::Waiting;
				return Ok(true);
			}
			First::Beyond => {
				message.outcome = Progress::NotFound;
				return Ok(false);
			}
		};
		let mut block = self.block(&chain, number)?;
		let Some(ended) = block.ended.get(&id) else {
			return Ok(false);
		};
		message.block = Some(BlockInfo {
			number,
			hash: chain.traced.hash(number)?,
		});
		message.recipient = ended.recipient.clone().or_else(|| message.recipient.take());
		message.parent = message
			.parent
			.or_else(|| ended.parent.map(|parent| Name::new(chain.id, parent)));
		message.gas_used = Some(ended.gas_used);
		let mut goes_back = false;
		message.outcome = match ended.outcome.clone() {
			Outcome::Credited => Progress::Credited,
			Outcome::Handled => Progress::Handled,
			Outcome::Failed { reason } => {
				// What was returned itself stays where it is.
				goes_back = matches!(wanted.name, Name::Outer { .. })
					&& !message.parent.is_some_and(|parent| wanted.name.returns(parent));
				Progress::Failed { reason }
			}
		};
		let mut all = true;
		if goes_back && !block.children.contains_key(&id) {
			// It may have had to wait for room in the channel.
			match self.first_block(&chain, number, |block| block.children.contains_key(&id))? {
				First::In(later) => block = self.block(&chain, later)?,
				First::NotYet => {
					if let Progress::Failed { reason } = &message.outcome {
						message.outcome = Progress::Returning {
							reason: reason.clone(),
						};
					}
				}
				First::Beyond => all = false,
			}
		}
		for child in block.children.get(&id).into_iter().flatten() {
			let name = Name::new(chain.id, *child);
			message.children.push(name);
			next.push(Wanted {
				name,
				parent: Some(wanted.name),
				recipient: block.sent.get(child).and_then(|sent| sent.account.clone()),
			});
		}
		Ok(all)
	}
}

/// Follows a message and all that it caused.
///
/// # Errors
/// [`TraceError`] if the message itself isn't found, or a chain can't be read at all. What can't be found of those that it caused
/// is said in the trace.
pub fn trace<C: Chains + ?Sized>(chains: &C, name: Name, limits: Limits) -> Result<Trace, TraceError> {
	let mut search = Search {
		chains,
		limits,
		heads: BTreeMap::new(),
		blocks: BTreeMap::new(),
		expected: BTreeMap::new(),
	};
	let mut trace = Trace {
		messages: Vec::new(),
		complete: true,
	};
	let mut seen = BTreeSet::from([name]);
	let mut queue = VecDeque::from([Wanted {
		name,
		parent: None,
		recipient: None,
	}]);
	while let Some(wanted) = queue.pop_front() {
		if trace.messages.len() >= limits.messages as usize {
			trace.complete = false;
			break;
		}
		let mut message = TracedMessage {
			id: wanted.name,
			parent: wanted.parent,
			chain: wanted.name.ends_on(),
			block: None,
			recipient: wanted.recipient.clone(),
			outcome: Progress::NotSearched,
			gas_used: None,
			children: Vec::new(),
		};
		let mut next = Vec::new();
		let is_first = trace.messages.is_empty();
		match search.follow(&wanted, &mut message, &mut next) {
			Ok(all) => trace.complete &= all,
			Err(Stop::Failed(why)) => return Err(TraceError::Failed(why)),
			Err(Stop::Unknown) if is_first => return Err(TraceError::Unknown),
			Err(Stop::NotFinal { head }) if is_first => return Err(TraceError::NotFinal { head }),
			Err(Stop::Pruned) if is_first => return Err(TraceError::Pruned(message.chain)),
			Err(stop) => {
				trace.complete = false;
				match stop {
					Stop::Pruned => message.outcome = Progress::Pruned,
					// What a final block sent is known to it; another answer would be the runtime's fault.
					Stop::Unknown | Stop::NotFinal { .. } => message.outcome = Progress::NotFound,
					// What the message came to may be known already, if only those that it caused aren't.
					Stop::Limit | Stop::Failed(_) => {}
				}
			}
		}
		trace.messages.push(message);
		queue.extend(next.into_iter().filter(|wanted| seen.insert(wanted.name)));
	}
	Ok(trace)
}

/// The method of a transaction chain's node.
#[rpc(server, namespace = "messages")]
pub trait TraceRpc {
	/// A message and all that it caused: `id` is `{ "inner": { "chain", "block", "index" } }`, the chain by default this one, or
	/// `{ "outer": { "source", "destination", "nonce" } }`. `limit` is how many messages the answer has at most, from 1 to 1024.
	#[method(name = "trace", blocking)]
	fn trace(&self, id: Option<Value>, limit: Option<Value>) -> RpcResult<Trace>;
}

/// Serves `messages_trace` for a transaction chain.
pub struct Tracing {
	chain: ChainId,
	tracers: Tracers,
}

impl Tracing {
	/// For a chain, and all chains of this process.
	pub fn new(chain: ChainId, tracers: Tracers) -> Self {
		Tracing { chain, tracers }
	}
}

/// Reads a message's name; `own` is the chain of inner ones that don't say it.
fn name(own: ChainId, given: Param) -> Result<Name, ErrorObjectOwned> {
	let mut id = params::object("id", given, &["inner", "outer"])?;
	match (id.remove("inner"), id.remove("outer")) {
		(Some(inner), None) => {
			let mut inner = params::object("id.inner", Some(inner), &["chain", "block", "index"])?;
			let chain = match inner.remove("chain") {
				None | Some(Value::Null) => own,
				chain => params::chain("id.inner.chain", chain)?,
			};
			Ok(Name::Inner {
				chain,
				block: params::number("id.inner.block", inner.remove("block"))?,
				index: params::u32("id.inner.index", inner.remove("index"))?,
			})
		}
		(None, Some(outer)) => {
			let fields = ["source", "destination", "nonce"];
			let mut outer = params::object("id.outer", Some(outer), &fields)?;
			Ok(Name::Outer {
				source: params::chain("id.outer.source", outer.remove("source"))?,
				destination: params::chain("id.outer.destination", outer.remove("destination"))?,
				nonce: params::u64("id.outer.nonce", outer.remove("nonce"))?,
			})
		}
		(given, _) => {
			let got = if given.is_some() { "both" } else { "neither" };
			Err(error::invalid("id", "an object with either inner or outer", got))
		}
	}
}

/// Reads how many messages the answer may have.
fn limit(given: Param) -> Result<u32, ErrorObjectOwned> {
	if given.is_none() {
		return Ok(MAX_MESSAGES);
	}
	let limit = params::u64("limit", given)?;
	u32::try_from(limit)
		.ok()
		.filter(|limit| (1..=MAX_MESSAGES).contains(limit))
		.ok_or_else(|| error::invalid("limit", "an integer from 1 to 1024", &limit.to_string()))
}

impl TraceRpcServer for Tracing {
	fn trace(&self, id: Param, limit: Param) -> RpcResult<Trace> {
		let name = name(self.chain, id)?;
		let limits = Limits {
			messages: self::limit(limit)?,
			..Limits::default()
		};
		trace(&self.tracers, name, limits).map_err(|failure| match failure {
			TraceError::Unknown => error::unknown_message("id"),
			TraceError::NotFinal { head } => error::not_final("id.inner.block", head),
			TraceError::Pruned(chain) => error::pruned("id", chain),
			TraceError::Failed(why) => error::unreadable(&why),
		})
	}
}

#[cfg(test)]
mod tests;
