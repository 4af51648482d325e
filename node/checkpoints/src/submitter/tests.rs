use super::*;
use asterism_primitives::{
	api::{ChainRecord, InFlight},
	certificate::Round,
	committee::{BlsSignature, Committee, Epoch, MemberId},
	epoch::{epoch_item, EpochNote},
	root_state::{Anchor, ChannelRecord},
	Balance, ChainParameters, CurrencyId,
};
use codec::{Decode, Encode};
use parking_lot::Mutex;
use polkadot_sdk::{
	sc_client_api::{FinalityNotifications, ImportNotifications, StorageEventStream, StorageKey},
	sp_api::{mock_impl_runtime_apis, ApiRef},
	sp_blockchain::{BlockStatus, Info, Result as ClientResult},
	sp_consensus,
	sp_core::H256,
	sp_runtime::{
		generic::SignedBlock,
		traits::{BlakeTwo256, Hash as _, Header as _},
		transaction_validity::InvalidTransaction,
		Digest, Justifications,
	},
	*,
};

type Block = OpaqueBlock;
const CHAIN: ChainId = ChainId(1);

/// A chain of empty blocks; those in `certified` have a certificate.
#[derive(Default)]
struct MockChain {
	headers: Mutex<Vec<Header>>,
	certified: Mutex<Vec<BlockNumber>>,
	/// Justifications that are not what consensus makes, by height.
	odd: Mutex<Vec<(BlockNumber, Vec<u8>)>>,
}

fn certificate(kind: CertificateKind, block_hash: Hash) -> Certificate {
	Certificate {
		kind,
		round: Round { epoch: 0, view: 1 },
		parent_view: 0,
		block_hash,
		signers: Certificate::bitmap(1, [0]).unwrap(),
		signature: BlsSignature([1; 48]),
	}
}

impl MockChain {
	fn new(length: u32) -> Arc<Self> {
		let chain = Arc::new(MockChain::default());
		for _ in 0..=length {
			chain.grow();
		}
		chain
	}

	fn grow(&self) {
		self.grow_by(Digest::default());
	}

	fn grow_by(&self, digest: Digest) {
		let mut headers = self.headers.lock();
		let parent = headers.last().map(|h| h.hash()).unwrap_or_default();
		let number = headers.len() as u32;
		headers.push(Header::new(
			number,
			Hash::zero(),
			Hash::repeat_byte(1),
			parent,
			digest,
		));
		self.certified.lock().push(number);
	}

	fn at(&self, number: u32) -> RootRef {
		RootRef {
			number,
			hash: self.headers.lock()[number as usize].hash(),
		}
	}
}

impl HeaderBackend<Block> for MockChain {
	fn header(&self, hash: Hash) -> ClientResult<Option<Header>> {
		Ok(self.headers.lock().iter().find(|h| h.hash() == hash).cloned())
	}
	fn info(&self) -> Info<Block> {
		let headers = self.headers.lock();
		let (first, last) = (headers.first().unwrap().hash(), headers.last().unwrap());
		Info {
			best_hash: last.hash(),
			best_number: last.number,
			genesis_hash: first,
			finalized_hash: last.hash(),
			finalized_number: last.number,
			finalized_state: None,
			number_leaves: 1,
			block_gap: None,
		}
	}
	fn status(&self, _: Hash) -> ClientResult<BlockStatus> {
		Ok(BlockStatus::InChain)
	}
	fn number(&self, hash: Hash) -> ClientResult<Option<u32>> {
		Ok(self.header(hash)?.map(|h| h.number))
	}
	fn hash(&self, number: u32) -> ClientResult<Option<Hash>> {
		Ok(self.headers.lock().get(number as usize).map(|h| h.hash()))
	}
}

impl BlockBackend<Block> for MockChain {
	fn block_body(&self, _: Hash) -> ClientResult<Option<Vec<OpaqueExtrinsic>>> {
		Ok(None)
	}
	fn block_indexed_body(&self, _: Hash) -> ClientResult<Option<Vec<Vec<u8>>>> {
		Ok(None)
	}
	fn block_indexed_hashes(&self, _: Hash) -> ClientResult<Option<Vec<H256>>> {
		Ok(None)
	}
	fn block(&self, _: Hash) -> ClientResult<Option<SignedBlock<Block>>> {
		Ok(None)
	}
	fn block_status(&self, _: Hash) -> ClientResult<sp_consensus::BlockStatus> {
		Ok(sp_consensus::BlockStatus::InChainWithState)
	}
	fn justifications(&self, hash: Hash) -> ClientResult<Option<Justifications>> {
		let Some(number) = self.number(hash)? else {
			return Ok(None);
		};
		if let Some((_, bytes)) = self.odd.lock().iter().find(|(n, _)| *n == number) {
			return Ok(Some((ENGINE_ID, bytes.clone()).into()));
		}
		let certified = self.certified.lock().contains(&number);
		Ok(certified.then(|| {
			(
				ENGINE_ID,
				certificate(CertificateKind::Finalization, hash).encode(),
			)
				.into()
		}))
	}
	fn block_hash(&self, number: u32) -> ClientResult<Option<Hash>> {
		self.hash(number)
	}
	fn indexed_transaction(&self, _: H256) -> ClientResult<Option<Vec<u8>>> {
		Ok(None)
	}
	fn requires_full_sync(&self) -> bool {
		false
	}
}

impl BlockchainEvents<Block> for MockChain {
	fn import_notification_stream(&self) -> ImportNotifications<Block> {
		sc_utils::mpsc::tracing_unbounded("import", 1).1
	}
	fn every_import_notification_stream(&self) -> ImportNotifications<Block> {
		sc_utils::mpsc::tracing_unbounded("import", 1).1
	}
	fn finality_notification_stream(&self) -> FinalityNotifications<Block> {
		sc_utils::mpsc::tracing_unbounded("finality", 1).1
	}
	fn storage_changes_notification_stream(
		&self,
		_: Option<&[StorageKey]>,
		_: Option<&[(StorageKey, Option<Vec<StorageKey>>)]>,
	) -> ClientResult<StorageEventStream<Hash>> {
		Err(polkadot_sdk::sp_blockchain::Error::Backend("not mocked".into()))
	}
}

/// A root chain whose only state is the head of [`CHAIN`].
struct MockRoot {
	chain: Arc<MockChain>,
	head: Arc<Mutex<Option<RootRef>>>,
}

#[derive(Clone)]
struct MockApi {
	head: Arc<Mutex<Option<RootRef>>>,
}

mock_impl_runtime_apis! {
	impl RootApi<Block> for MockApi {
		fn chains(&self) -> Vec<ChainId> { vec![CHAIN] }
		fn chain(&self, chain: ChainId) -> Option<ChainRecord> {
			let head = (*self.head.lock())?;
			(chain == CHAIN).then(|| ChainRecord {
				genesis: Hash::zero(),
				parameters: ChainParameters::default(),
				epoch: 0,
				head,
			})
		}
		fn committee(_: ChainId, _: Epoch) -> Option<Committee> { None }
		fn excluded(_: ChainId, _: Epoch) -> Vec<MemberId> { vec![] }
		fn epoch(_: ChainId) -> Option<Epoch> { None }
		fn anchor(_: ChainId, _: BlockNumber) -> Option<Anchor> { None }
		fn channel(_: ChainId, _: ChainId) -> ChannelRecord { ChannelRecord::default() }
		fn waiting_sources(_: ChainId) -> Vec<ChainId> { vec![] }
		fn holdings() -> Vec<(ChainId, CurrencyId, Balance)> { vec![] }
		fn in_flight() -> Vec<InFlight> { vec![] }
		fn checkpoint_extrinsic(chain: ChainId, headers: Vec<Header>, certificate: Certificate) -> OpaqueExtrinsic {
			OpaqueExtrinsic::from_blob((chain, headers, certificate).encode())
		}
	}
}

impl ProvideRuntimeApi<Block> for MockRoot {
	type Api = MockApi;
	fn runtime_api(&self) -> ApiRef<'_, MockApi> {
		MockApi {
			head: self.head.clone(),
		}
		.into()
	}
}

impl HeaderBackend<Block> for MockRoot {
	fn header(&self, hash: Hash) -> ClientResult<Option<Header>> {
		self.chain.header(hash)
	}
	fn info(&self) -> Info<Block> {
		self.chain.info()
	}
	fn status(&self, hash: Hash) -> ClientResult<BlockStatus> {
		self.chain.status(hash)
	}
	fn number(&self, hash: Hash) -> ClientResult<Option<u32>> {
		self.chain.number(hash)
	}
	fn hash(&self, number: u32) -> ClientResult<Option<Hash>> {
		HeaderBackend::hash(&*self.chain, number)
	}
}

impl BlockchainEvents<Block> for MockRoot {
	fn import_notification_stream(&self) -> ImportNotifications<Block> {
		self.chain.import_notification_stream()
	}
	fn every_import_notification_stream(&self) -> ImportNotifications<Block> {
		self.chain.every_import_notification_stream()
	}
	fn finality_notification_stream(&self) -> FinalityNotifications<Block> {
		self.chain.finality_notification_stream()
	}
	fn storage_changes_notification_stream(
		&self,
		keys: Option<&[StorageKey]>,
		children: Option<&[(StorageKey, Option<Vec<StorageKey>>)]>,
	) -> ClientResult<StorageEventStream<Hash>> {
		self.chain.storage_changes_notification_stream(keys, children)
	}
}

/// A pool that includes what it takes at once, or refuses it.
struct MockPool {
	head: Arc<Mutex<Option<RootRef>>>,
	taken: Mutex<Vec<(BlockNumber, BlockNumber)>>,
	refuse: Mutex<bool>,
	was_in_block: Mutex<bool>,
	include: Mutex<bool>,
	refused: Mutex<u32>,
}

#[async_trait::async_trait]
impl RootPool for MockPool {
	async fn submit(&self, _: Hash, extrinsic: OpaqueExtrinsic) -> Result<(), PoolError> {
		if *self.refuse.lock() {
			*self.refused.lock() += 1;
			return Err(PoolError::InvalidTransaction(InvalidTransaction::BadProof));
		}
		if *self.was_in_block.lock() {
			return Err(PoolError::TemporarilyBanned);
		}
		let (chain, headers, certificate) =
			<(ChainId, Vec<Header>, Certificate)>::decode(&mut extrinsic.inner()).unwrap();
		let head = self.head.lock().unwrap();
		assert_eq!(chain, CHAIN);
		assert_eq!(headers[0].parent_hash, head.hash);
		assert!(headers.windows(2).all(|w| w[1].parent_hash == w[0].hash()));
		let last = headers.last().unwrap();
		assert_eq!(certificate.block_hash, BlakeTwo256::hash_of(last));
		self.taken.lock().push((headers[0].number, last.number));
		if *self.include.lock() {
			*self.head.lock() = Some(RootRef {
				number: last.number,
				hash: last.hash(),
			});
		}
		Ok(())
	}
}

#[derive(Clone, Default)]
struct Sync(Arc<Mutex<bool>>);
impl SyncOracle for Sync {
	fn is_major_syncing(&self) -> bool {
		*self.0.lock()
	}
	fn is_offline(&self) -> bool {
		false
	}
}

struct World {
	chain: Arc<MockChain>,
	head: Arc<Mutex<Option<RootRef>>>,
	pool: Arc<MockPool>,
	sync: Sync,
	submitter: Submitter<MockChain, MockRoot, MockPool, Sync>,
}

fn world(length: u32, delay: Duration) -> World {
	let chain = MockChain::new(length);
	let head = Arc::new(Mutex::new(Some(chain.at(0))));
	let root = Arc::new(MockRoot {
		chain: MockChain::new(3),
		head: head.clone(),
	});
	let pool = Arc::new(MockPool {
		head: head.clone(),
		taken: Default::default(),
		refuse: Mutex::new(false),
		was_in_block: Mutex::new(false),
		include: Mutex::new(true),
		refused: Mutex::new(0),
	});
	let sync = Sync::default();
	let params = CheckpointSubmitterParams {
		chain: CHAIN,
		client: chain.clone(),
		root_client: root,
		root_pool: pool.clone(),
		root_sync: sync.clone(),
		delay: Arc::new(move || delay),
		registry: Some(Registry::new()),
	};
	World {
		chain,
		head,
		pool,
		sync,
		submitter: Submitter::new(params),
	}
}

impl World {
	fn taken(&self) -> Vec<(BlockNumber, BlockNumber)> {
		self.pool.taken.lock().clone()
	}
	fn metric(&self, get: impl Fn(&Metrics) -> u64) -> u64 {
		get(self.submitter.metrics.as_ref().unwrap())
	}
}

#[tokio::test(start_paused = true)]
async fn a_backlog_is_submitted_without_gap_or_repeat() {
	let mut world = world(150, Duration::ZERO);
	for _ in 0..5 {
		world.submitter.round().await;
	}
	assert_eq!(world.taken(), [(1, 64), (65, 128), (129, 150)]);
	world.chain.grow();
	world.submitter.round().await;
	assert_eq!(world.taken().last(), Some(&(151, 151)));
	world.submitter.round().await;
	assert_eq!(world.metric(|m| m.submitted.get()), 4);
	assert_eq!(world.metric(|m| m.accepted.get()), 4);
	assert_eq!(world.metric(|m| m.lag.get()), 0);
}

#[tokio::test(start_paused = true)]
async fn no_checkpoint_goes_beyond_the_end_of_an_epoch() {
	let mut world = world(4, Duration::ZERO);
	world.chain.grow_by(Digest {
		logs: vec![epoch_item(EpochNote::End { next: 1 })],
	});
	for _ in 0..5 {
		world.chain.grow();
	}
	for _ in 0..3 {
		world.submitter.round().await;
	}
	assert_eq!(world.taken(), [(1, 5), (6, 10)]);
	assert_eq!(world.metric(|m| m.refused.get()), 0);
}

#[tokio::test(start_paused = true)]
async fn a_restart_goes_on_from_the_root_chains_head() {
	let mut world = world(10, Duration::ZERO);
	*world.head.lock() = Some(world.chain.at(7));
	world.submitter.round().await;
	assert_eq!(world.taken(), [(8, 10)]);
}

#[tokio::test(start_paused = true)]
async fn one_submission_at_a_time_from_a_head() {
	let mut world = world(3, Duration::ZERO);
	*world.pool.include.lock() = false;
	for _ in 0..10 {
		world.submitter.round().await;
		world.chain.grow();
		tokio::time::advance(Duration::from_secs(1)).await;
	}
	assert_eq!(world.taken(), [(1, 3)]);
	// The pool seems to have dropped it.
	tokio::time::advance(RESUBMIT_AFTER).await;
	world.submitter.round().await;
	assert_eq!(world.taken(), [(1, 3), (1, 13)]);
}

#[tokio::test(start_paused = true)]
async fn a_later_member_leaves_the_turn_to_earlier_ones() {
	let mut world = world(3, Duration::from_secs(2));
	let turn = world.submitter.round().await;
	assert!(turn >= Instant::now() + Duration::from_secs(2));
	assert!(turn <= Instant::now() + Duration::from_millis(2_500));
	// Somebody else submits meanwhile, so the next turn starts anew.
	*world.head.lock() = Some(world.chain.at(2));
	tokio::time::advance(Duration::from_secs(3)).await;
	let turn = world.submitter.round().await;
	assert!(turn > Instant::now());
	assert!(world.taken().is_empty());
	tokio::time::advance(Duration::from_secs(3)).await;
	world.submitter.round().await;
	assert_eq!(world.taken(), [(3, 3)]);
}

#[tokio::test(start_paused = true)]
async fn what_was_in_a_block_already_is_no_refusal() {
	let mut world = world(10, Duration::ZERO);
	*world.pool.was_in_block.lock() = true;
	world.submitter.round().await;
	assert_eq!(world.metric(|m| m.refused.get()), 0);
	// The block arrives, and the next checkpoint is submitted without any pause.
	*world.pool.was_in_block.lock() = false;
	*world.head.lock() = Some(world.chain.at(10));
	world.chain.grow();
	world.submitter.round().await;
	assert_eq!(world.taken(), [(11, 11)]);
}

#[tokio::test(start_paused = true)]
async fn refusals_are_tried_again_ever_more_slowly() {
	let mut world = world(3, Duration::ZERO);
	*world.pool.refuse.lock() = true;
	for _ in 0..100 {
		world.submitter.round().await;
		tokio::time::advance(Duration::from_secs(1)).await;
	}
	// At 0, 1, 3, 7, 15, 31 and 63 seconds.
	assert_eq!(*world.pool.refused.lock(), 7);
	assert_eq!(world.metric(|m| m.refused.get()), 7);
	*world.pool.refuse.lock() = false;
	tokio::time::advance(LONGEST_PAUSE).await;
	world.submitter.round().await;
	assert_eq!(world.taken(), [(1, 3)]);
	assert_eq!(world.submitter.backoff.failures(), 0);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_submitted_while_the_root_chain_syncs_or_disagrees() {
	let mut world = world(3, Duration::ZERO);
	*world.sync.0.lock() = true;
	world.submitter.round().await;
	*world.sync.0.lock() = false;
	*world.head.lock() = Some(RootRef {
		number: 2,
		hash: Hash::repeat_byte(0xee),
	});
	world.submitter.round().await;
	assert!(world.taken().is_empty());
	assert_eq!(
		world
			.submitter
			.complained
			.map(|t| matches!(t, Trouble::Conflict(_))),
		Some(true)
	);
	assert!(world.submitter.not_before.is_some());
	*world.head.lock() = None;
	tokio::time::advance(LONGEST_PAUSE).await;
	world.submitter.round().await;
	assert_eq!(world.submitter.complained, Some(Trouble::UnknownChain));
}

#[tokio::test(start_paused = true)]
async fn only_a_blocks_own_finalization_certificate_counts() {
	let mut world = world(5, Duration::ZERO);
	let hash = world.chain.at(5).hash;
	*world.chain.odd.lock() = vec![
		(5, certificate(CertificateKind::Notarization, hash).encode()),
		(4, certificate(CertificateKind::Finalization, hash).encode()),
		(3, vec![0xff; 100_000]),
		(
			2,
			[
				certificate(CertificateKind::Finalization, world.chain.at(2).hash).encode(),
				vec![0],
			]
			.concat(),
		),
	];
	world.submitter.round().await;
	assert_eq!(world.taken(), [(1, 1)]);
}

#[tokio::test]
async fn the_task_ends_with_the_clients() {
	let world = world(3, Duration::ZERO);
	// The mock's notification streams are closed from the start.
	tokio::spawn(run_checkpoint_submitter(world.submitter.params))
		.await
		.unwrap();
	assert_eq!(world.pool.taken.lock().as_slice(), [(1, 3)]);
}
