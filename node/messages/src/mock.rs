//! Small chains for tests.

use crate::source::{DeliverySource, SourceError};
use asterism_primitives::{
	api::{ChainRecord, InFlight, MessagesApi, RootApi, SentState},
	certificate::Certificate,
	committee::{Committee, Epoch, MemberId},
	digest::RootRef,
	message::{
		batch_root, batch_value, outbox_root, value_hash, Delivery, Message, MessageBody, Messages,
		OutboxLeaf,
	},
	protocol::channel::{Batch, BlockBatch},
	root_state::{anchor_key, chains_key, channel_key, Anchor, ChannelRecord},
	AccountId, Balance, BlockNumber, ChainId, CurrencyId, Hash, Hashing, Header, Nonce, OpaqueBlock,
};
use codec::Encode;
use parking_lot::Mutex;
use polkadot_sdk::{
	sc_client_api::{
		BlockchainEvents, CompactProof, FinalityNotifications, ImportNotifications, ProofProvider,
		StorageEventStream, StorageKey, StorageProof,
	},
	sc_utils::mpsc::tracing_unbounded,
	sp_api::{mock_impl_runtime_apis, ApiRef, ProvideRuntimeApi},
	sp_blockchain::{BlockStatus, Error, HeaderBackend, Info, Result as ClientResult},
	sp_runtime::{traits::Header as _, Digest, OpaqueExtrinsic, StateVersion},
	sp_state_machine::{prove_read, InMemoryBackend, KeyValueStates, KeyValueStorageLevel},
	sp_storage::{ChildInfo, Storage},
};
use std::{
	collections::{BTreeMap, HashMap},
	sync::Arc,
};

type Block = OpaqueBlock;

/// The chain that messages are for.
pub const B: ChainId = ChainId(2);

/// The transaction chains on record at the root chain.
pub const CHAINS: [ChainId; 3] = [ChainId(1), B, ChainId(4)];

/// The outbox root of a block that sends messages to [`B`] and to two others, and the delivery for [`B`].
pub fn outbox(source: ChainId, number: BlockNumber, first_nonce: Nonce, count: u32) -> (Hash, Delivery) {
	let message = |nonce| Message {
		nonce,
		sender: AccountId::new([source.0 as u8; 32]),
		recipient: AccountId::new([2; 32]),
		currency: CurrencyId::NATIVE,
		value: u128::from(nonce) + 1,
		body: MessageBody::Add,
	};
	let messages: Messages = (first_nonce..first_nonce + u64::from(count))
		.map(message)
		.collect::<Vec<_>>()
		.try_into()
		.unwrap();
	let batch = Batch { first_nonce, count };
	let (root, value) = (
		batch_root(&messages),
		value_hash(&batch_value(&messages).unwrap()),
	);
	let leaves = [ChainId(0), B, ChainId(70)].map(|destination| OutboxLeaf {
		destination,
		batch,
		root,
		value,
	});
	(
		outbox_root(&leaves),
		Delivery::prove(source, number, &leaves, B, messages).unwrap(),
	)
}

/// A source that has what it is given.
#[derive(Default)]
pub struct MapSource(pub Mutex<HashMap<(BlockNumber, ChainId), Delivery>>);

impl DeliverySource for MapSource {
	fn delivery(&self, number: BlockNumber, destination: ChainId) -> Result<Option<Delivery>, SourceError> {
		Ok(self.0.lock().get(&(number, destination)).cloned())
	}
}

fn header(number: BlockNumber, state_root: Hash) -> Header {
	Header::new(number, Hash::zero(), state_root, Hash::zero(), Digest::default())
}

fn info(header: &Header) -> Info<Block> {
	let (hash, number) = (header.hash(), header.number);
	Info {
		best_hash: hash,
		best_number: number,
		genesis_hash: Hash::zero(),
		finalized_hash: hash,
		finalized_number: number,
		finalized_state: None,
		number_leaves: 1,
		block_gap: None,
	}
}

/// A client that knows one block.
trait OneBlock: Send + Sync {
	fn block(&self) -> Header;
}

macro_rules! one_block {
	($client:ty) => {
		impl HeaderBackend<Block> for $client {
			fn header(&self, hash: Hash) -> ClientResult<Option<Header>> {
				Ok(Some(self.block()).filter(|header| header.hash() == hash))
			}
			fn info(&self) -> Info<Block> {
				info(&self.block())
			}
			fn status(&self, _: Hash) -> ClientResult<BlockStatus> {
				Ok(BlockStatus::InChain)
			}
			fn number(&self, hash: Hash) -> ClientResult<Option<u32>> {
				Ok(self.header(hash)?.map(|header| header.number))
			}
			fn hash(&self, number: u32) -> ClientResult<Option<Hash>> {
				Ok(Some(self.block())
					.filter(|header| header.number == number)
					.map(|header| header.hash()))
			}
		}
	};
}

/// The root chain's state, as far as the courier reads it.
#[derive(Clone, Default)]
pub struct RootState {
	number: BlockNumber,
	anchors: BTreeMap<(ChainId, BlockNumber), Anchor>,
	channels: BTreeMap<(ChainId, ChainId), ChannelRecord>,
}

impl RootState {
	fn backend(&self) -> InMemoryBackend<Hashing> {
		let anchors = self
			.anchors
			.iter()
			.map(|((c, n), anchor)| (anchor_key(*c, *n), anchor.encode()));
		let channels = self
			.channels
			.iter()
			.map(|((s, d), record)| (channel_key(*s, *d), record.encode()));
		let chains = [(chains_key(), CHAINS.to_vec().encode())];
		let other = [(b"other".to_vec(), vec![1; 100])];
		let top = anchors.chain(channels).chain(chains).chain(other).collect();
		(
			Storage {
				top,
				children_default: Default::default(),
			},
			StateVersion::V1,
		)
			.into()
	}
}

/// A root chain of one final block.
#[derive(Clone, Default)]
pub struct MockRoot(Arc<Mutex<RootState>>);

impl MockRoot {
	/// Anchors a block.
	pub fn anchor(&self, chain: ChainId, number: BlockNumber, outbox_root: Hash) {
		let anchor = Anchor {
			block_hash: Hash::zero(),
			state_root: Hash::zero(),
			outbox_root,
			unacknowledged: 1,
		};
		self.0.lock().anchors.insert((chain, number), anchor);
	}
	/// Forgets an anchor.
	pub fn forget_anchor(&self, chain: ChainId, number: BlockNumber) {
		self.0.lock().anchors.remove(&(chain, number));
	}
	/// Records a batch for [`B`].
	pub fn record(&self, source: ChainId, number: BlockNumber, batch: Batch) {
		let mut state = self.0.lock();
		let record = state.channels.entry((source, B)).or_default();
		record.recorded = batch.end().unwrap();
		record.waiting.push(BlockBatch { number, batch });
	}
	/// Forgets a channel to [`B`].
	pub fn forget(&self, source: ChainId) {
		self.0.lock().channels.remove(&(source, B));
	}
	/// Sets what a destination has acknowledged.
	pub fn acknowledge(&self, source: ChainId, destination: ChainId, nonce: Nonce) {
		self.0
			.lock()
			.channels
			.entry((source, destination))
			.or_default()
			.acknowledged = nonce;
	}
	/// Makes another block the final one.
	pub fn finalize(&self, number: BlockNumber) {
		self.0.lock().number = number;
	}
}

impl OneBlock for MockRoot {
	fn block(&self) -> Header {
		let state = self.0.lock();
		header(state.number, *state.backend().root())
	}
}
one_block!(MockRoot);

mock_impl_runtime_apis! {
	impl RootApi<Block> for MockRoot {
		fn chains(&self) -> Vec<ChainId> { CHAINS.to_vec() }
		fn chain(_: ChainId) -> Option<ChainRecord> { None }
		fn committee(_: ChainId, _: Epoch) -> Option<Committee> { None }
		fn excluded(_: ChainId, _: Epoch) -> Vec<MemberId> { vec![] }
		fn epoch(_: ChainId) -> Option<Epoch> { None }
		fn anchor(&self, chain: ChainId, number: BlockNumber) -> Option<Anchor> {
			self.0.lock().anchors.get(&(chain, number)).copied()
		}
		fn channel(&self, source: ChainId, destination: ChainId) -> ChannelRecord {
			self.0.lock().channels.get(&(source, destination)).cloned().unwrap_or_default()
		}
		fn waiting_sources(&self, destination: ChainId) -> Vec<ChainId> {
			let state = self.0.lock();
			let waiting = state.channels.iter().filter(|((_, d), record)| *d == destination && !record.waiting.is_empty());
			waiting.map(|((source, _), _)| *source).collect()
		}
		fn holdings() -> Vec<(ChainId, CurrencyId, Balance)> { vec![] }
		fn in_flight() -> Vec<InFlight> { vec![] }
		fn checkpoint_extrinsic(_: ChainId, _: Vec<Header>, _: Certificate) -> OpaqueExtrinsic {
			OpaqueExtrinsic::from_blob(vec![])
		}
	}
}

impl ProvideRuntimeApi<Block> for MockRoot {
	type Api = MockRoot;
	fn runtime_api(&self) -> ApiRef<'_, MockRoot> {
		self.clone().into()
	}
}

impl BlockchainEvents<Block> for MockRoot {
	fn import_notification_stream(&self) -> ImportNotifications<Block> {
		tracing_unbounded("import", 1).1
	}
	fn every_import_notification_stream(&self) -> ImportNotifications<Block> {
		tracing_unbounded("import", 1).1
	}
	fn finality_notification_stream(&self) -> FinalityNotifications<Block> {
		tracing_unbounded("finality", 1).1
	}
	fn storage_changes_notification_stream(
		&self,
		_: Option<&[StorageKey]>,
		_: Option<&[(StorageKey, Option<Vec<StorageKey>>)]>,
	) -> ClientResult<StorageEventStream<Hash>> {
		Err(unsupported())
	}
}

fn unsupported() -> Error {
	Error::Backend("not part of this mock".into())
}

impl ProofProvider<Block> for MockRoot {
	fn read_proof(&self, _: Hash, keys: &mut dyn Iterator<Item = &[u8]>) -> ClientResult<StorageProof> {
		prove_read(self.0.lock().backend(), keys).map_err(|error| Error::Backend(error.to_string()))
	}
	fn read_child_proof(
		&self,
		_: Hash,
		_: &ChildInfo,
		_: &mut dyn Iterator<Item = &[u8]>,
	) -> ClientResult<StorageProof> {
		Err(unsupported())
	}
	fn execution_proof(&self, _: Hash, _: &str, _: &[u8]) -> ClientResult<(Vec<u8>, StorageProof)> {
		Err(unsupported())
	}
	fn read_proof_collection(&self, _: Hash, _: &[Vec<u8>], _: usize) -> ClientResult<(CompactProof, u32)> {
		Err(unsupported())
	}
	fn storage_collection(
		&self,
		_: Hash,
		_: &[Vec<u8>],
		_: usize,
	) -> ClientResult<Vec<(KeyValueStorageLevel, bool)>> {
		Err(unsupported())
	}
	fn verify_range_proof(
		&self,
		_: Hash,
		_: CompactProof,
		_: &[Vec<u8>],
	) -> ClientResult<(KeyValueStates, usize)> {
		Err(unsupported())
	}
}

/// A transaction chain's state, as far as the courier reads it.
#[derive(Default)]
pub struct ChainState {
	view: Option<RootRef>,
	expected: BTreeMap<ChainId, Nonce>,
	room: BTreeMap<ChainId, u32>,
	unacknowledged: Vec<ChainId>,
}

/// A transaction chain of one block.
#[derive(Clone, Default)]
pub struct MockChain(Arc<Mutex<ChainState>>);

impl MockChain {
	/// Its block.
	pub fn parent(&self) -> Hash {
		self.block().hash()
	}
	/// Sets the root block that it has seen.
	pub fn see(&self, view: RootRef) {
		self.0.lock().view = Some(view);
	}
	/// Sets what it expects.
	pub fn expect(&self, source: ChainId, nonce: Nonce) {
		self.0.lock().expected.insert(source, nonce);
	}
	/// Sets its room, which is ample otherwise.
	pub fn room(&self, source: ChainId, room: u32) {
		self.0.lock().room.insert(source, room);
	}
	/// Sets who has not acknowledged everything.
	pub fn unacknowledged(&self, chains: &[ChainId]) {
		self.0.lock().unacknowledged = chains.to_vec();
	}
}

impl OneBlock for MockChain {
	fn block(&self) -> Header {
		header(6, Hash::zero())
	}
}
one_block!(MockChain);

mock_impl_runtime_apis! {
	impl MessagesApi<Block> for MockChain {
		fn root_view(&self) -> Option<RootRef> { self.0.lock().view }
		fn expected(&self, source: ChainId) -> Nonce {
			self.0.lock().expected.get(&source).copied().unwrap_or_default()
		}
		fn delivery_room(&self, source: ChainId) -> u32 {
			self.0.lock().room.get(&source).copied().unwrap_or(10_000)
		}
		fn unacknowledged(&self) -> Vec<ChainId> { self.0.lock().unacknowledged.clone() }
		fn delivery(_: ChainId, _: BlockNumber) -> Option<Delivery> { None }
		fn sent_state(_: ChainId, _: Nonce) -> SentState { SentState::Unknown }
	}
}

impl ProvideRuntimeApi<Block> for MockChain {
	type Api = MockChain;
	fn runtime_api(&self) -> ApiRef<'_, MockChain> {
		self.clone().into()
	}
}
