//! Runtime APIs: all that the node asks a runtime beyond what every Substrate node does. The node knows no runtime
//! but through these.

use crate::{
	certificate::Certificate,
	committee::{Committee, Epoch, MemberId},
	digest::RootRef,
	message::{BounceReason, Delivery},
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
	}
}
