//! The plumbing of the real client: runtime APIs at the final block, extrinsics upon the newest one, and the task's end.

use super::*;
use crate::{
	root::ClientRoot,
	worker::{run_committees, CommitteesParams},
	ClientProgress,
};
use asterism_beacon::ReadyHandle;
use asterism_checkpoints::RootPool;
use asterism_primitives::{
	api::{ChainApi, ChainRecord, InFlight, RootApi},
	beacon::{Attempt, BeaconApi, MemberIds, Resharing, Seed, Sharing},
	certificate::Certificate,
	committee::{BlsPublic, BlsSignature},
	election::{Claim, ElectionsApi, SortitionProof},
	offence::MisconductApi,
	root_state::{Anchor, ChannelRecord},
	ChainParameters, Header, OpaqueBlock as Block,
};
use codec::Encode;
use polkadot_sdk::{
	sc_client_api::{
		BlockchainEvents, FinalityNotifications, ImportNotifications, StorageEventStream, StorageKey,
	},
	sc_transaction_pool_api::error::Error as PoolError,
	sc_utils,
	sp_api::{mock_impl_runtime_apis, ApiRef, ProvideRuntimeApi},
	sp_blockchain::{self, BlockStatus, HeaderBackend, Info, Result as ClientResult},
	sp_consensus::NoNetwork,
	sp_runtime::{
		transaction_validity::{InvalidTransaction, UnknownTransaction},
		Digest, OpaqueExtrinsic,
	},
};

/// What the mocked runtime says.
#[derive(Default)]
struct Says {
	group_key: Option<BlsPublic>,
	sharings: BTreeMap<Epoch, Sharing>,
	resharing: Option<Resharing>,
}

struct MockClient(Arc<Mutex<Says>>);

#[derive(Clone)]
struct MockApi(Arc<Mutex<Says>>);

mock_impl_runtime_apis! {
	impl RootApi<Block> for MockApi {
		fn chains(&self) -> Vec<ChainId> { vec![CHAIN] }
		fn chain(&self, chain: ChainId) -> Option<ChainRecord> {
			(chain == CHAIN).then(|| ChainRecord {
				genesis: Hash::zero(),
				parameters: ChainParameters::default(),
				epoch: 0,
				head: HEAD,
			})
		}
		fn committee(_: ChainId, epoch: Epoch) -> Option<Committee> { Some(committee(epoch, &NAMES)) }
		fn excluded(_: ChainId, _: Epoch) -> Vec<MemberId> { vec![] }
		fn epoch(_: ChainId) -> Option<Epoch> { None }
		fn anchor(_: ChainId, _: BlockNumber) -> Option<Anchor> { None }
		fn channel(_: ChainId, _: ChainId) -> ChannelRecord { ChannelRecord::default() }
		fn waiting_sources(_: ChainId) -> Vec<ChainId> { vec![] }
		fn holdings() -> Vec<(ChainId, CurrencyId, Balance)> {
			vec![(CHAIN, CurrencyId::NATIVE, 5), (ChainId(2), CurrencyId::NATIVE, 7)]
		}
		fn in_flight() -> Vec<InFlight> { vec![] }
		fn checkpoint_extrinsic(_: ChainId, _: Vec<Header>, _: Certificate) -> OpaqueExtrinsic {
			OpaqueExtrinsic::from_blob(vec![])
		}
	}

	impl ChainApi<Block> for MockApi {
		fn chain_id() -> ChainId { CHAIN }
		fn parameters() -> ChainParameters { ChainParameters::default() }
		fn timestamp() -> u64 { 0 }
		fn issuance() -> Vec<(CurrencyId, Balance)> { vec![(CurrencyId::NATIVE, 5)] }
	}

	impl ElectionsApi<Block> for MockApi {
		fn elections() -> Vec<(ChainId, Election)> { vec![(CHAIN, election(1, open()))] }
		fn election(_: ChainId) -> Option<Election> { None }
		fn operator(identity: MemberId) -> Option<AccountId> {
			(identity == member("//Alice")).then(|| operator("//Alice"))
		}
		fn candidacy(_: ChainId, _: AccountId) -> Option<Candidacy> {
			Some(Candidacy {
				sortition: keys::node_keys("//Alice", None).unwrap().sortition,
				share: 100,
				claimed: false,
			})
		}
		fn elected(_: ChainId) -> u32 { 3 }
		fn ready_members(_: ChainId) -> Vec<(MemberId, Option<SharingId>)> { vec![(member("//Bob"), None)] }
		fn claim_extrinsic(claim: Claim) -> OpaqueExtrinsic { OpaqueExtrinsic::from_blob(claim.encode()) }
		fn ready_extrinsic(readiness: Readiness, signature: [u8; 64]) -> OpaqueExtrinsic {
			OpaqueExtrinsic::from_blob((readiness, signature).encode())
		}
	}

	impl BeaconApi<Block> for MockApi {
		fn group_key(&self) -> Option<BlsPublic> { self.0.lock().group_key }
		fn last_seed() -> Option<Seed> { None }
		fn seed(_: BlockNumber) -> Option<Seed> { None }
		fn sharing(&self, epoch: Epoch) -> Option<Sharing> { self.0.lock().sharings.get(&epoch).cloned() }
		fn sharing_output(_: Epoch) -> Option<Vec<u8>> { None }
		fn resharing(&self) -> Option<Resharing> { self.0.lock().resharing.clone() }
		fn dealer_logs(_: Attempt) -> Vec<(MemberId, Vec<u8>)> { vec![] }
		fn log_extrinsic(_: Attempt, _: MemberId, _: Vec<u8>, _: [u8; 64]) -> Option<OpaqueExtrinsic> { None }
		fn output_extrinsic(_: Epoch, _: Vec<u8>) -> Option<OpaqueExtrinsic> { None }
	}

	impl MisconductApi<Block> for MockApi {
		fn is_convicted(_: ChainId, _: Epoch, index: u32) -> bool { index == 3 }
		fn report_extrinsic(evidence: Evidence, reporter: Option<AccountId>) -> OpaqueExtrinsic {
			OpaqueExtrinsic::from_blob((evidence, reporter).encode())
		}
	}
}

impl ProvideRuntimeApi<Block> for MockClient {
	type Api = MockApi;
	fn runtime_api(&self) -> ApiRef<'_, MockApi> {
		MockApi(self.0.clone()).into()
	}
}

const FINAL: Hash = Hash::repeat_byte(0xf1);
const BEST: Hash = Hash::repeat_byte(0xbe);

impl HeaderBackend<Block> for MockClient {
	fn header(&self, _: Hash) -> ClientResult<Option<Header>> {
		Ok(Some(Header {
			parent_hash: Hash::zero(),
			number: 12,
			state_root: Hash::zero(),
			extrinsics_root: Hash::zero(),
			digest: Digest::default(),
		}))
	}
	fn info(&self) -> Info<Block> {
		Info {
			best_hash: BEST,
			best_number: 13,
			genesis_hash: GENESIS,
			finalized_hash: FINAL,
			finalized_number: 12,
			finalized_state: None,
			number_leaves: 1,
			block_gap: None,
		}
	}
	fn status(&self, _: Hash) -> ClientResult<BlockStatus> {
		Ok(BlockStatus::InChain)
	}
	fn number(&self, _: Hash) -> ClientResult<Option<u32>> {
		Ok(Some(12))
	}
	fn hash(&self, number: u32) -> ClientResult<Option<Hash>> {
		Ok(Some(Hash::from_low_u64_be(number.into())))
	}
}

impl BlockchainEvents<Block> for MockClient {
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
		Err(sp_blockchain::Error::Backend("not mocked".into()))
	}
}

#[derive(Default)]
struct MockPool {
	taken: Mutex<Vec<Vec<u8>>>,
	answer: Mutex<Option<PoolError>>,
}

#[async_trait]
impl RootPool for MockPool {
	async fn submit(&self, at: Hash, extrinsic: OpaqueExtrinsic) -> Result<(), PoolError> {
		assert_eq!(at, BEST, "it is for the block after the newest one");
		if let Some(error) = self.answer.lock().take() {
			return Err(error);
		}
		self.taken.lock().push(extrinsic.inner().to_vec());
		Ok(())
	}
}

fn root() -> (Arc<Mutex<Says>>, Arc<MockPool>, impl RootChain) {
	let says = Arc::new(Mutex::new(Says::default()));
	let pool = Arc::new(MockPool::default());
	let client = Arc::new(MockClient(says.clone()));
	let root = ClientRoot::new(client, pool.clone(), NoNetwork);
	(says, pool, root)
}

#[test]
fn the_state_is_read_as_it_is() {
	let (says, _, root) = root();
	assert_eq!(root.genesis(), GENESIS);
	let position = root.position();
	assert_eq!(
		position.finalized,
		RootRef {
			number: 12,
			hash: FINAL
		}
	);
	assert_eq!((position.next, position.syncing), (14, false));
	assert_eq!(root.head(FINAL, CHAIN), Ok(Some(HEAD)));
	assert_eq!(root.head(FINAL, ChainId(2)), Ok(None));
	assert_eq!(root.holdings(FINAL, CHAIN), Ok(vec![(CurrencyId::NATIVE, 5)]));
	assert_eq!(root.elected(FINAL, CHAIN), Ok(3));
	assert_eq!(
		root.ready_members(FINAL, CHAIN),
		Ok(vec![(member("//Bob"), None)])
	);
	assert_eq!(root.is_convicted(FINAL, CHAIN, 1, 3), Ok(true));
	assert_eq!(root.is_convicted(FINAL, CHAIN, 1, 2), Ok(false));

	// The beacon: none; no attempt; one for another epoch; one for this; adopted.
	assert_eq!(root.attempt(FINAL, 4), Ok(None));
	says.lock().group_key = Some(BlsPublic([1; 96]));
	assert_eq!(root.attempt(FINAL, 4), Ok(Some(None)));
	says.lock().resharing = Some(Resharing {
		epoch: 5,
		attempt: 9,
		from: 4,
		opened: 1,
		deadline: 2,
		expires: 3,
		dealers: MemberIds::default(),
		players: MemberIds::default(),
		dealt: MemberIds::default(),
	});
	assert_eq!(root.attempt(FINAL, 4), Ok(Some(None)));
	assert_eq!(root.attempt(FINAL, 5), Ok(Some(Some(9))));
	let id = SharingId {
		attempt: 9,
		output: Hash::zero(),
	};
	let sharing = Sharing {
		id,
		players: MemberIds::default(),
	};
	says.lock().sharings.insert(5, sharing);
	assert_eq!(root.attempt(FINAL, 5), Ok(None));

	let progress = ClientProgress::new(Arc::new(MockClient(says)));
	assert_eq!(progress.finalized(), 12);
	assert_eq!(progress.final_hash(12), Some(Hash::from_low_u64_be(12)));
	assert_eq!(progress.final_hash(13), None, "it is not final");
	assert_eq!(progress.issued(FINAL), Some(vec![(CurrencyId::NATIVE, 5)]));
}

#[tokio::test]
async fn everything_goes_into_the_pool_and_its_answers_come_back() {
	let (_, pool, root) = root();
	let claim = Claim {
		chain: CHAIN,
		epoch: 1,
		round: 10,
		operator: operator("//Alice"),
		proof: SortitionProof {
			pre_output: [1; 32],
			proof: [2; 64],
		},
	};
	let word = Readiness {
		chain: CHAIN,
		epoch: 1,
		round: 10,
		member: member("//Alice"),
		sharing: None,
	};
	let evidence = Evidence {
		chain: CHAIN,
		proof: Proof::Votes {
			first: votes(1),
			second: votes(2),
		},
	};
	let reporter = Some(operator("//Alice"));
	let all = [
		(Submission::Claim(claim.clone()), claim.encode()),
		(
			Submission::Ready(word.clone(), [3; 64]),
			(word, [3u8; 64]).encode(),
		),
		(
			Submission::Report(Box::new(evidence.clone()), reporter.clone()),
			(evidence, reporter).encode(),
		),
	];
	for (submission, bytes) in all.clone() {
		assert_eq!(root.submit(submission).await, Outcome::Taken);
		assert_eq!(pool.taken.lock().pop(), Some(bytes));
	}
	for (error, outcome) in [
		(
			PoolError::InvalidTransaction(InvalidTransaction::Custom(9)),
			Outcome::Refused(9),
		),
		(
			PoolError::UnknownTransaction(UnknownTransaction::Custom(3)),
			Outcome::Early,
		),
		(PoolError::TooLowPriority { old: 1, new: 1 }, Outcome::Known),
	] {
		*pool.answer.lock() = Some(error);
		assert_eq!(root.submit(all[0].0.clone()).await, outcome);
	}
}

fn votes(byte: u8) -> asterism_primitives::offence::Votes {
	use asterism_primitives::{
		certificate::Round,
		offence::{Vote, Votes},
	};
	Votes::single(
		Round { epoch: 1, view: 1 },
		Vote::Nullify,
		4,
		1,
		BlsSignature([byte; 48]),
	)
	.unwrap()
}

#[tokio::test]
async fn the_task_takes_part_and_ends_with_the_client() {
	let pool = Arc::new(MockPool::default());
	let params = CommitteesParams {
		client: Arc::new(MockClient(Arc::default())),
		pool: pool.clone(),
		sync: NoNetwork,
		keystore: keystore(&["//Alice"]),
		served: ServedChains::default(),
		shares: ReadyHandle::default(),
		registry: Some(Registry::new()),
	};
	// The mock's notification streams are closed from the start.
	tokio::spawn(run_committees(params)).await.unwrap();
	assert_eq!(pool.taken.lock().len(), 1);
}
