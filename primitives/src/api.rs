//! Runtime APIs: all that the node asks a runtime beyond what every Substrate node does. The node knows no runtime
//! but through these.

use crate::{
	certificate::Certificate,
	committee::{Committee, Epoch, MemberId},
	digest::RootRef,
	message::{BounceReason, Delivery, MessageId, Outcome},
	root_state::{Anchor, ChannelRecord},
	AccountId, Balance, BlockNumber, ChainId, ChainParameters, CurrencyId, Hash, Header, Nonce,
};
use alloc::{string::String, vec::Vec};
use codec::{Decode, Encode};
use polkadot_sdk::{
	sp_api,
	sp_runtime::{DispatchError, Weight},
};
use scale_info::TypeInfo;
use serde::Serialize;

/// A chain on record at the root chain.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct ChainRecord {
	/// The hash of its genesis block.
	pub genesis: Hash,
	/// Its parameters.
	pub parameters: ChainParameters,
	/// Its current epoch.
	pub epoch: Epoch,
	/// Its newest checkpointed block; genesis at first.
	pub head: RootRef,
}

/// An amount in flight on a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct InFlight {
	/// The chain it left.
	pub from: ChainId,
	/// The chain it goes to.
	pub to: ChainId,
	/// The currency.
	pub currency: CurrencyId,
	/// How much.
	pub amount: Balance,
}

/// What a transaction chain itself knows of a message that it sent.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum SentState {
	/// No message has this nonce yet.
	Unknown,
	/// The block included it; the destination has not been seen to take it in.
	Included {
		/// That block.
		number: BlockNumber,
	},
	/// The destination took it in.
	Delivered,
	/// The destination took it in, couldn't execute it, and its value came back.
	Bounced {
		/// Why.
		reason: BounceReason,
	},
}

/// What a chain has on record of an actor.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct ActorView {
	/// The hash of the code that handles its next message.
	pub code: Hash,
	/// The keys of its storage.
	pub items: u32,
	/// The bytes of its storage's keys and values.
	pub bytes: u64,
	/// What is held from it for itself and its storage, in the native currency's smallest unit.
	pub deposit: Balance,
	/// The messages that wait for it.
	pub waiting: u32,
}

/// What a chain has on record of code.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct CodeView {
	/// Who uploaded it, and may remove it.
	pub owner: AccountId,
	/// What is held from the owner for it, in the native currency's smallest unit.
	pub deposit: Balance,
	/// How many actors have it.
	pub users: u32,
	/// The least gas that a message to it takes.
	pub load_gas: u64,
	/// The module.
	pub bytes: Vec<u8>,
}

/// What a user may try out.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum DryRunCall {
	/// A message to an account of this chain.
	Call {
		/// The account.
		destination: AccountId,
		/// The value that the message brings.
		value: Balance,
		/// The gas that it carries.
		gas: u64,
		/// What it says.
		body: Vec<u8>,
	},
	/// A new actor.
	Instantiate {
		/// The hash of its code.
		code: Hash,
		/// Tells apart the actors that a user makes from the same code.
		salt: [u8; 32],
		/// The value of its first message.
		value: Balance,
		/// The gas of its first message.
		gas: u64,
		/// The body of its first message.
		body: Vec<u8>,
	},
}

/// A message that would be sent.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct DryRunMessage {
	/// The recipient's chain.
	pub chain: ChainId,
	/// The recipient there.
	pub account: AccountId,
	/// The value that it would bring.
	pub value: Balance,
	/// The gas that it would carry.
	pub gas: u64,
	/// What it would say.
	pub body: Vec<u8>,
}

/// How something that was tried out ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum DryRunOutcome {
	/// The message would be processed, with all effects.
	#[default]
	Done,
	/// It would come back.
	Bounced {
		/// Why.
		reason: BounceReason,
		/// What went wrong in the code, for its developer; empty if nothing did.
		detail: String,
	},
	/// It could not even be sent.
	Refused {
		/// Why.
		error: DispatchError,
		/// The same in the runtime's own words; the name alone of a pallet's error.
		text: String,
	},
}

/// What something that was tried out would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct DryRun {
	/// The weight of the processing.
	pub weight: Weight,
	/// The gas that it would use, without what its messages take along.
	pub gas_used: u64,
	/// The messages that it would send, the first ones of new actors before others.
	pub messages: Vec<DryRunMessage>,
	/// How it would end.
	pub outcome: DryRunOutcome,
	/// What the code would log, line by line.
	pub log: Vec<Vec<u8>>,
}

/// What a block did with a message. Of each message that is sent there is one [`Hop::Sent`], in a block of the chain that sent it
/// (one for each deposit that was merged into it), and at last one [`Hop::Ended`]: of an inner message, of one from another chain,
/// and of one that was meant to leave and couldn't, in a block of this chain.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum Hop {
	/// It was sent.
	Sent {
		/// Its name.
		id: MessageId,
		/// The message that caused it; none if a user sent it.
		parent: Option<MessageId>,
		/// The recipient's chain.
		chain: ChainId,
		/// The recipient there, if that is known.
		account: Option<AccountId>,
	},
	/// Its way is at an end.
	Ended {
		/// Its name.
		id: MessageId,
		/// The message that caused it; none if a user sent it, or another chain did.
		parent: Option<MessageId>,
		/// Whom it was for, if that is known.
		recipient: Option<AccountId>,
		/// What became of it.
		outcome: Outcome,
		/// The gas that its processing used, without what it passed on.
		gas_used: u64,
	},
}

/// An account of the network.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActorAddress {
	/// Its chain.
	pub chain: ChainId,
	/// Its id there.
	pub account: AccountId,
}

/// Why actors are not composed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CompositionFault {
	/// The offender, as `accepts.bid.kitty.id` or `stages[1].replicas[2]`, or the argument at fault.
	pub path: String,
	/// What is wrong with it.
	pub why: String,
}

/// What a chain knows of the interface of an actor of any chain.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct InterfaceView {
	/// The hash of the actor's code.
	pub code: Hash,
	/// The interface, encoded.
	pub interface: Vec<u8>,
	/// Of an actor of another chain: the block of this chain in which its announcement arrived.
	pub announced: Option<BlockNumber>,
}

/// A connection on record.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct ConnectionView {
	/// Who connected.
	pub owner: AccountId,
	/// What is held from the owner for it, in the native currency's smallest unit.
	pub deposit: Balance,
	/// The actor that emits.
	pub from: ActorAddress,
	/// The name of the message that it emits.
	pub output: String,
	/// The actor that accepts.
	pub to: ActorAddress,
	/// The name of the message that it accepts.
	pub input: String,
	/// Whether both actors still have the code that was checked, as far as this chain knows.
	pub current: bool,
}

/// What a stage of a pipeline does.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum StageRole {
	/// It answers each message with others.
	Map,
	/// It passes some of the messages on.
	Filter,
	/// It turns all messages of the same key into one.
	Reduce {
		/// The field of the input that is the key; with none, all inputs are of the same key.
		key: Option<String>,
	},
}

/// A stage of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StageView {
	/// What it does.
	pub role: StageRole,
	/// The actors that do it side by side.
	pub replicas: Vec<ActorAddress>,
	/// The message that they accept.
	pub input: String,
	/// The message that they emit.
	pub output: String,
}

/// A pipeline on record.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct PipelineView {
	/// Who declared it.
	pub owner: AccountId,
	/// What is held from the owner for it, in the native currency's smallest unit.
	pub deposit: Balance,
	/// Its stages in the order in which messages flow through them.
	pub stages: Vec<StageView>,
	/// How often it ran.
	pub runs: u32,
	/// Whether all actors still have the code that was checked, as far as this chain knows: without that it doesn't run.
	pub current: bool,
}

sp_api::decl_runtime_apis! {
	/// What every chain of the network says of itself.
	pub trait ChainApi {
		/// Its id.
		fn chain_id() -> ChainId;
		/// Its parameters.
		fn parameters() -> ChainParameters;
		/// The time of the block in milliseconds since the Unix epoch; 0 at genesis.
		fn timestamp() -> u64;
		/// The total issuance of each currency on this chain, less what is not part of the network.
		fn issuance() -> Vec<(CurrencyId, Balance)>;
	}

	/// What every chain says of its epochs.
	pub trait EpochsApi {
		/// The epoch of the block that follows, and the height of that epoch's first block.
		fn current() -> (Epoch, BlockNumber);
	}

	/// What the root chain says of the network.
	pub trait RootApi {
		/// All transaction chains.
		fn chains() -> Vec<ChainId>;
		/// A transaction chain.
		fn chain(chain: ChainId) -> Option<ChainRecord>;
		/// The committee of a chain, the root chain included, in an epoch.
		fn committee(chain: ChainId, epoch: Epoch) -> Option<Committee>;
		/// The members of that committee whose nodes are excluded now, in the committee's order: they are not to serve in it until
		/// their operators have registered them again. None if no such committee is on record.
		fn excluded(chain: ChainId, epoch: Epoch) -> Vec<MemberId>;
		/// The current epoch of a chain, the root chain included.
		fn epoch(chain: ChainId) -> Option<Epoch>;
		/// The anchor of a chain's block, while it is kept.
		fn anchor(chain: ChainId, number: BlockNumber) -> Option<Anchor>;
		/// The record of the channel from `source` to `destination`.
		fn channel(source: ChainId, destination: ChainId) -> ChannelRecord;
		/// The sources that have batches for `destination` waiting.
		fn waiting_sources(destination: ChainId) -> Vec<ChainId>;
		/// What each chain holds.
		fn holdings() -> Vec<(ChainId, CurrencyId, Balance)>;
		/// What is on its way.
		fn in_flight() -> Vec<InFlight>;
		/// The extrinsic that submits a checkpoint: a contiguous run of headers, the last one certified.
		fn checkpoint_extrinsic(chain: ChainId, headers: Vec<Header>, certificate: Certificate) -> Block::Extrinsic;
	}

	/// What a transaction chain says of its traffic.
	pub trait MessagesApi {
		/// The newest root block that this chain has seen.
		fn root_view() -> Option<RootRef>;
		/// What is expected next from a source.
		fn expected(source: ChainId) -> Nonce;
		/// How many messages a batch from this source may have to be taken in now.
		fn delivery_room(source: ChainId) -> u32;
		/// The destinations that have not acknowledged everything.
		fn unacknowledged() -> Vec<ChainId>;
		/// The proved batch that block `number` sent to `destination`, while it is not acknowledged.
		fn delivery(destination: ChainId, number: BlockNumber) -> Option<Delivery>;
		/// What became of a message to `destination`.
		fn sent_state(destination: ChainId, nonce: Nonce) -> SentState;
	}

	/// What a transaction chain says of its actors.
	pub trait ActorsApi {
		/// An actor; none if the account has no code.
		fn actor(account: AccountId) -> Option<ActorView>;
		/// Code, by its hash.
		fn code(code: Hash) -> Option<CodeView>;
		/// A value of an actor's storage.
		fn storage(account: AccountId, key: Vec<u8>) -> Option<Vec<u8>>;
		/// The interface that code was uploaded with, encoded; none if it has none.
		fn interface(code: Hash) -> Option<Vec<u8>>;
		/// What a call by `origin` would do on this state, if its message was the next one to be processed.
		fn dry_run(origin: AccountId, call: DryRunCall) -> DryRun;
		/// What the block of this state did with messages, in its order.
		fn hops() -> Vec<Hop>;
	}

	/// What a transaction chain says of how actors are composed.
	pub trait CompositionApi {
		/// The interface of an actor of any chain; none if this chain knows none.
		fn interface_of(actor: ActorAddress) -> Option<InterfaceView>;
		/// Whether what `from` emits as `output` could be connected now to what `to` accepts as `input`.
		fn check_connection(
			from: ActorAddress,
			output: String,
			to: ActorAddress,
			input: String,
		) -> Result<(), CompositionFault>;
		/// Whether a pipeline, encoded as the call `declare` takes it, could be declared now.
		fn check_pipeline(pipeline: Vec<u8>) -> Result<(), CompositionFault>;
		/// A connection, by its id.
		fn connection(id: Hash) -> Option<ConnectionView>;
		/// A pipeline, by its id.
		fn pipeline(id: Hash) -> Option<PipelineView>;
	}
}
