//! What other pallets send and receive by, and what a block's traffic is kept in.

use super::*;
use polkadot_sdk::sp_core::{
	bounded::{BoundedBTreeMap, BoundedVec},
	ConstU32,
};

/// Bounces that are remembered for each destination: those among its last `BOUNCES` nonces.
pub const BOUNCES: u32 = 1_024;

/// What a message does at its destination: all of it but its place in the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
	/// Who sends it.
	pub sender: AccountId,
	/// Whom it is for, at the destination.
	pub recipient: AccountId,
	/// The currency of the value.
	pub currency: CurrencyId,
	/// The value that it carries, in the currency's smallest unit.
	pub value: Balance,
	/// What it does.
	pub body: MessageBody,
}

/// Bytes that the messages which a block newly sends to one destination may have together, encoded. What goes back to where it
/// came from isn't counted: it is as long as what arrived, and bounded by its number.
pub const BATCH_BYTES: u32 = 128 * 1024;

/// Why a message can't be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
	/// It is for this chain itself: no message is needed.
	OwnChain,
	/// It is for the root chain, which takes no messages.
	RootChain,
	/// No transaction chain with this id is on record in the newest root block that this chain has seen. If it went out, the
	/// root chain would refuse the block's checkpoint, and all after it.
	UnknownDestination,
	/// This block sends to as many chains, or moves as many currencies, as it may; send in a later one.
	TooManyFlows,
	/// The block's value to this destination would not fit into 128 bits.
	ValueOverflow,
	/// The block sends as many bytes to this destination as it may, [`BATCH_BYTES`]; send in a later one.
	TooManyBytes,
	/// Only [`SendMessage::send_back`] sends bounces, and it sends nothing else.
	WrongBody,
	/// The channel refuses.
	Channel(ChannelError),
}

/// Sends messages to other chains.
pub trait SendMessage {
	/// The id of this chain.
	fn chain_id() -> ChainId;

	/// Sends a message, whose value the caller has taken out of circulation. Returns its place in the channel.
	///
	/// A deposit with the same sender, recipient and currency as one before it in the block becomes one message with that
	/// (Thinkey §5.6), and has its place.
	///
	/// # Errors
	/// Any [`SendError`]; nothing is changed then.
	fn send(destination: ChainId, payload: Payload) -> Result<Nonce, SendError>;

	/// Sends a bounce to where the message came from that it returns. It may take a place that is reserved for that.
	///
	/// # Errors
	/// [`SendError::OwnChain`], [`SendError::RootChain`], [`SendError::WrongBody`], [`SendError::TooManyFlows`],
	/// [`SendError::ValueOverflow`], [`SendError::Channel`]; nothing is changed then.
	fn send_back(destination: ChainId, payload: Payload) -> Result<Nonce, SendError>;

	/// What a message adds to the end of the block that it is sent in: part of the weight of each call that sends one.
	fn closing_weight() -> Weight;

	/// Makes a chain known, as a root view would.
	#[cfg(feature = "runtime-benchmarks")]
	fn make_known(chain: ChainId);
}

/// A deposit of the current block: its place in the channel, and the value of those that came after it and are one message
/// with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct OpenDeposit {
	/// The place.
	pub nonce: Nonce,
	/// The value to be added when the block ends.
	pub more: Balance,
}

/// Executes messages from other chains.
pub trait HandleMessage {
	/// Executes a message, and puts the value that it carries into circulation.
	///
	/// # Errors
	/// Why it can't. All changes are dropped then, and the value goes back.
	fn receive(source: ChainId, message: &Message) -> Result<(), BounceReason>;

	/// Puts the value of a message that this chain sent back into circulation: `message` brings it from `destination`,
	/// for the account that sent it. This must not fail.
	fn returned(destination: ChainId, message: &Message, nonce: Nonce, reason: BounceReason);

	/// The most that executing or returning one message takes.
	fn weight() -> Weight;
}

/// The outbox of one block.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct BlockOutbox {
	/// Its leaves, in ascending order of destinations.
	pub leaves: BoundedVec<OutboxLeaf, ConstU32<MAX_PEERS>>,
	/// How many of them are not acknowledged yet.
	pub unacknowledged: u32,
}

/// Value that moves in one direction, by peer and currency.
pub type Flows = BoundedBTreeMap<(ChainId, CurrencyId), Balance, ConstU32<MAX_FLOWS>>;

/// The traffic of a block while it is executed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct BlockTraffic {
	/// Whether it has had its deliveries.
	pub delivered: bool,
	/// The chains that it sends messages to, and the bytes of those that are not bounces.
	pub destinations: BoundedBTreeMap<ChainId, u32, ConstU32<MAX_PEERS>>,
	/// The chains that it has taken messages from, and what it expects next of each.
	pub sources: BoundedBTreeMap<ChainId, Nonce, ConstU32<MAX_PEERS>>,
	/// The value that left.
	pub outflows: Flows,
	/// The value that arrived.
	pub inflows: Flows,
}

/// Why a value can't be booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlowError {
	TooMany,
	Overflow,
}

/// Books a value in one direction; a zero is none.
pub(crate) fn book(
	flows: &mut Flows,
	peer: ChainId,
	currency: CurrencyId,
	value: Balance,
) -> Result<(), FlowError> {
	if value == 0 {
		return Ok(());
	}
	let sum = flows
		.get(&(peer, currency))
		.copied()
		.unwrap_or(0)
		.checked_add(value)
		.ok_or(FlowError::Overflow)?;
	flows
		.try_insert((peer, currency), sum)
		.map_err(|_| FlowError::TooMany)?;
	Ok(())
}

/// Flows as a block's traffic states them.
pub(crate) fn flow_list(flows: &Flows) -> BoundedVec<Flow, ConstU32<MAX_FLOWS>> {
	let list = flows.iter().map(|((peer, currency), amount)| Flow {
		peer: *peer,
		currency: *currency,
		amount: *amount,
	});
	// As many as the map holds.
	BoundedVec::truncate_from(list.collect())
}

/// This pallet's inherent is never found wrong by comparison with inherent data.
#[derive(Encode, Debug)]
pub enum InherentError {}

impl IsFatalError for InherentError {
	fn is_fatal_error(&self) -> bool {
		match *self {}
	}
}
