//! Two small chains for tests, and ways to call methods as a user does.

use crate::{
	root_namespaces,
	trace::{ClientHistory, Tracers},
	transaction_namespaces, EvidenceSource,
};
use asterism_interface::{Deadline, Interface, ServiceLevel};
use asterism_primitives::{
	api::{
		ActorAddress, ActorView, ActorsApi, ChainRecord, CodeView, CompositionApi, CompositionFault,
		ConnectionView, DryRun, DryRunCall, DryRunMessage, DryRunOutcome, Hop, InFlight, InterfaceView,
		MessagesApi, PipelineView, RootApi, SentState, StageRole, StageView,
	},
	beacon::{Attempt, BeaconApi, Resharing, Seed, Sharing, SharingId},
	certificate::{Certificate, CertificateKind, Round, ENGINE_ID},
	committee::{BlsPublic, BlsSignature, Committee, Epoch, Member, MemberId},
	digest::{round_item, RootRef},
	election::{Candidacy, Claim, Election, ElectionsApi, Phase, Readiness},
	message::{
		batch_root, batch_value, value_hash, BounceReason, Delivery, Message, MessageBody, MessageId,
		OutboxLeaf, Outcome,
	},
	protocol::channel::{Batch, BlockBatch},
	root_state::{Anchor, ChannelRecord},
	AccountId, Balance, BlockNumber, ChainId, ChainParameters, CurrencyId, Hash, Header, Nonce, OpaqueBlock,
};
use codec::Encode;
use jsonrpsee::RpcModule;
use polkadot_sdk::{
	sc_client_api::BlockBackend,
	sp_api::{mock_impl_runtime_apis, ApiRef, ProvideRuntimeApi},
	sp_blockchain::{BlockStatus, HeaderBackend, Info, Result as ClientResult},
	sp_consensus::{self, NoNetwork, SyncOracle},
	sp_core::H256,
	sp_runtime::{
		generic::SignedBlock, traits::Header as _, Digest, DispatchError, Justifications, OpaqueExtrinsic,
		Weight,
	},
};
use serde_json::{json, Value};
use std::sync::Arc;

type Block = OpaqueBlock;

/// A chain of four blocks, the third of which is final and certified.
pub struct MockClient(Vec<Header>);

impl MockClient {
	/// Its newest final block.
	pub const FINALIZED: BlockNumber = 2;

	fn new(seed: u8) -> Arc<Self> {
		let mut headers: Vec<Header> = Vec::new();
		for number in 0..4u32 {
			let parent = headers.last().map(|header| header.hash()).unwrap_or_default();
			let mut digest = Digest::default();
			if number > 0 {
				digest.push(round_item(Round {
					epoch: 0,
					view: number.into(),
				}));
			}
			headers.push(Header::new(
				number,
				Hash::zero(),
				Hash::repeat_byte(seed),
				parent,
				digest,
			));
		}
		Arc::new(MockClient(headers))
	}

	/// The hash of a block.
	pub fn at(&self, number: BlockNumber) -> Hash {
		self.0[number as usize].hash()
	}
}

impl HeaderBackend<Block> for MockClient {
	fn header(&self, hash: Hash) -> ClientResult<Option<Header>> {
		Ok(self.0.iter().find(|header| header.hash() == hash).cloned())
	}
	fn info(&self) -> Info<Block> {
		Info {
			best_hash: self.at(3),
			best_number: 3,
			genesis_hash: self.at(0),
			finalized_hash: self.at(Self::FINALIZED),
			finalized_number: Self::FINALIZED,
			finalized_state: None,
			number_leaves: 1,
			block_gap: None,
		}
	}
	fn status(&self, _: Hash) -> ClientResult<BlockStatus> {
		Ok(BlockStatus::InChain)
	}
	fn number(&self, hash: Hash) -> ClientResult<Option<u32>> {
		Ok(self.header(hash)?.map(|header| header.number))
	}
	fn hash(&self, number: u32) -> ClientResult<Option<Hash>> {
		Ok(self.0.get(number as usize).map(|header| header.hash()))
	}
}

impl BlockBackend<Block> for MockClient {
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
		let certificate = Certificate {
			kind: CertificateKind::Finalization,
			round: Round { epoch: 0, view: 2 },
			parent_view: 1,
			block_hash: hash,
			signers: Certificate::bitmap(4, [0, 2]).unwrap(),
			signature: BlsSignature([1; 48]),
		};
		Ok((hash == self.at(2)).then(|| (ENGINE_ID, certificate.encode()).into()))
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

/// The runtimes of both chains.
pub struct MockApi;

impl ProvideRuntimeApi<Block> for MockClient {
	type Api = MockApi;
	fn runtime_api(&self) -> ApiRef<'_, MockApi> {
		MockApi.into()
	}
}

fn delivery() -> Delivery {
	let message = Message {
		nonce: 1,
		sender: AccountId::new([1; 32]),
		recipient: AccountId::new([2; 32]),
		currency: CurrencyId::NATIVE,
		value: Balance::MAX,
		body: MessageBody::Add,
	};
	let batch = Batch {
		first_nonce: 1,
		count: 1,
	};
	let messages = [message.clone()];
	let (root, value) = (
		batch_root(&messages),
		value_hash(&batch_value(&messages).unwrap()),
	);
	let leaves = [ChainId(2), ChainId(3)].map(|destination| OutboxLeaf {
		destination,
		batch,
		root,
		value,
	});
	Delivery::prove(
		ChainId(1),
		2,
		&leaves,
		ChainId(2),
		vec![message].try_into().unwrap(),
	)
	.unwrap()
}

fn seed(round: BlockNumber) -> Seed {
	Seed {
		round,
		signature: BlsSignature([round as u8; 48]),
	}
}

fn election(phase: Phase) -> Election {
	Election {
		epoch: 1,
		attempt: 0,
		signalled: 5,
		total: 1 << 64,
		expected: 4,
		phase,
	}
}

/// The actor of the mock, and its code.
pub const ACTOR: AccountId = AccountId::new([7; 32]);
/// The hash of its code.
pub const CODE: Hash = H256([0xc0; 32]);

fn interface() -> Interface {
	let service = ServiceLevel {
		price: Balance::MAX,
		deadline: Some(Deadline::Blocks(3)),
	};
	Interface::builder()
		.accepts::<u32>("bid")
		.emits::<u64>("sold")
		.service(service)
		.build()
		.unwrap()
		.into_inner()
}

/// Sends what it gets on to chain 2 if it is called; a new actor of its code bounces, and one of any other is refused.
fn dry_run(origin: AccountId, call: DryRunCall) -> DryRun {
	let (outcome, messages) = match call {
		DryRunCall::Call {
			destination,
			value,
			gas,
			body,
		} => {
			assert_eq!((origin, destination), (AccountId::new([1; 32]), ACTOR));
			let message = DryRunMessage {
				chain: ChainId(2),
				account: ACTOR,
				value,
				gas,
				body,
			};
			(DryRunOutcome::Done, vec![message])
		}
		DryRunCall::Instantiate { code, .. } if code == CODE => {
			let bounced = DryRunOutcome::Bounced {
				reason: BounceReason::Failed,
				detail: "Trap".into(),
			};
			(bounced, vec![])
		}
		DryRunCall::Instantiate { .. } => {
			let refused = DryRunOutcome::Refused {
				error: DispatchError::Unavailable,
				text: "UnknownCode".into(),
			};
			(refused, vec![])
		}
	};
	DryRun {
		weight: Weight::from_parts(1_000, 2),
		gas_used: 77,
		messages,
		outcome,
		log: vec![b"h\xffi".to_vec()],
	}
}

mock_impl_runtime_apis! {
	impl BeaconApi<Block> for MockApi {
		fn group_key() -> Option<BlsPublic> { Some(BlsPublic([9; 96])) }
		fn last_seed() -> Option<Seed> { Some(seed(7)) }
		fn seed(round: BlockNumber) -> Option<Seed> { (round <= 7).then(|| seed(round)) }
		fn sharing(_: Epoch) -> Option<Sharing> { None }
		fn sharing_output(_: Epoch) -> Option<Vec<u8>> { None }
		fn resharing() -> Option<Resharing> { None }
		fn dealer_logs(_: Attempt) -> Vec<(MemberId, Vec<u8>)> { vec![] }
		fn log_extrinsic(_: Attempt, _: MemberId, _: Vec<u8>, _: [u8; 64]) -> Option<OpaqueExtrinsic> { None }
		fn output_extrinsic(_: Epoch, _: Vec<u8>) -> Option<OpaqueExtrinsic> { None }
	}

	impl ElectionsApi<Block> for MockApi {
		fn elections() -> Vec<(ChainId, Election)> {
			let open = Phase::Open { round: 6, seed: Hash::repeat_byte(6), opened: 7, deadline: 19 };
			vec![
				(ChainId(0), election(open)),
				(ChainId(1), election(Phase::Recorded { round: 6, until: 40 })),
			]
		}
		fn election(chain: ChainId) -> Option<Election> {
			(chain == ChainId(1)).then(|| election(Phase::Recorded { round: 6, until: 40 }))
		}
		fn operator(_: MemberId) -> Option<AccountId> { None }
		fn candidacy(_: ChainId, _: AccountId) -> Option<Candidacy> { None }
		fn elected(_: ChainId) -> u32 { 3 }
		fn ready_members(chain: ChainId) -> Vec<(MemberId, Option<SharingId>)> {
			if chain == ChainId(1) { vec![(MemberId([1; 32]), None)] } else { vec![] }
		}
		fn claim_extrinsic(_: Claim) -> OpaqueExtrinsic { OpaqueExtrinsic::from_blob(vec![]) }
		fn ready_extrinsic(_: Readiness, _: [u8; 64]) -> OpaqueExtrinsic { OpaqueExtrinsic::from_blob(vec![]) }
	}

	impl RootApi<Block> for MockApi {
		fn chains() -> Vec<ChainId> { vec![ChainId(1), ChainId(2)] }
		fn chain(chain: ChainId) -> Option<ChainRecord> {
			(1..=2).contains(&chain.0).then(|| ChainRecord {
				genesis: Hash::repeat_byte(chain.0 as u8),
				parameters: ChainParameters::default(),
				epoch: 0,
				head: RootRef { number: 5, hash: Hash::repeat_byte(5) },
			})
		}
		fn committee(_: ChainId, epoch: Epoch) -> Option<Committee> {
			let member = |i| Member { id: MemberId([i; 32]), key: BlsPublic([i; 96]) };
			(epoch == 0).then(|| Committee::new(0, (1..=4).map(member).collect()).unwrap())
		}
		fn excluded(_: ChainId, _: Epoch) -> Vec<MemberId> { vec![] }
		fn epoch(_: ChainId) -> Option<Epoch> { Some(0) }
		fn anchor(_: ChainId, _: BlockNumber) -> Option<Anchor> { None }
		fn channel(source: ChainId, destination: ChainId) -> ChannelRecord {
			let waiting = vec![BlockBatch { number: 2, batch: Batch { first_nonce: 1, count: 1 } }];
			if (source, destination) == (ChainId(1), ChainId(2)) {
				ChannelRecord { recorded: 2, acknowledged: 1, waiting }
			} else {
				ChannelRecord::default()
			}
		}
		fn waiting_sources(_: ChainId) -> Vec<ChainId> { vec![] }
		fn holdings() -> Vec<(ChainId, CurrencyId, Balance)> {
			vec![(ChainId(1), CurrencyId::NATIVE, 7), (ChainId(2), CurrencyId::NATIVE, Balance::MAX)]
		}
		fn in_flight() -> Vec<InFlight> {
			// More than a JavaScript number holds.
			let amount = (1 << 53) + 1;
			vec![InFlight { from: ChainId(1), to: ChainId(2), currency: CurrencyId::NATIVE, amount }]
		}
		fn checkpoint_extrinsic(_: ChainId, _: Vec<Header>, _: Certificate) -> OpaqueExtrinsic {
			OpaqueExtrinsic::from_blob(vec![])
		}
	}

	impl CompositionApi<Block> for MockApi {
		fn interface_of(actor: ActorAddress) -> Option<InterfaceView> {
			let view = InterfaceView { code: Hash::repeat_byte(6), interface: vec![1, 2, 3], announced: Some(9) };
			(actor.chain == ChainId(2)).then_some(view)
		}
		fn check_connection(
			_: ActorAddress,
			_: String,
			to: ActorAddress,
			_: String,
		) -> Result<(), CompositionFault> {
			if to.chain == ChainId(2) {
				return Ok(());
			}
			Err(CompositionFault { path: "accepts.take.kitty.id".into(), why: "expected u64, found u32".into() })
		}
		fn check_pipeline(encoded: Vec<u8>) -> Result<(), CompositionFault> {
			if encoded == [0] {
				return Ok(());
			}
			Err(CompositionFault { path: "stages".into(), why: "expected a pipeline".into() })
		}
		fn connection(id: Hash) -> Option<ConnectionView> {
			let actor = |chain, n| ActorAddress { chain: ChainId(chain), account: AccountId::new([n; 32]) };
			let view = ConnectionView {
				owner: AccountId::new([1; 32]),
				deposit: Balance::MAX,
				from: actor(1, 2),
				output: "give".into(),
				to: actor(2, 3),
				input: "take".into(),
				current: false,
			};
			(id == Hash::repeat_byte(7)).then_some(view)
		}
		fn pipeline(id: Hash) -> Option<PipelineView> {
			let stage = StageView {
				role: StageRole::Reduce { key: Some("word".into()) },
				replicas: vec![ActorAddress { chain: ChainId(2), account: AccountId::new([2; 32]) }],
				input: "take".into(),
				output: "give".into(),
			};
			let view = PipelineView {
				owner: AccountId::new([1; 32]),
				deposit: Balance::MAX,
				stages: vec![stage],
				runs: 3,
				current: true,
			};
			(id == Hash::repeat_byte(7)).then_some(view)
		}
	}

	impl MessagesApi<Block> for MockApi {
		fn root_view() -> Option<RootRef> { None }
		fn expected(_: ChainId) -> Nonce { 0 }
		fn delivery_room(_: ChainId) -> u32 { 0 }
		fn unacknowledged() -> Vec<ChainId> { vec![] }
		fn delivery(destination: ChainId, number: BlockNumber) -> Option<Delivery> {
			((destination, number) == (ChainId(2), 2)).then(delivery)
		}
		fn sent_state(_: ChainId, nonce: Nonce) -> SentState {
			match nonce {
				0 => SentState::Delivered,
				1 => SentState::Included { number: 2 },
				2 => SentState::Included { number: 3 },
				9 => SentState::Bounced { reason: BounceReason::BelowMinimum },
				_ => SentState::Unknown,
			}
		}
	}

	impl ActorsApi<Block> for MockApi {
		fn actor(account: AccountId) -> Option<ActorView> {
			(account == ACTOR).then_some(ActorView {
				code: CODE,
				items: 2,
				bytes: 40,
				deposit: Balance::MAX,
				waiting: 1,
			})
		}
		fn code(code: Hash) -> Option<CodeView> {
			(code == CODE).then(|| CodeView {
				owner: AccountId::new([1; 32]),
				deposit: 9,
				users: 1,
				load_gas: 5_000,
				bytes: vec![0, 97, 115, 109],
			})
		}
		fn storage(account: AccountId, key: Vec<u8>) -> Option<Vec<u8>> {
			(account == ACTOR && key == [7]).then(|| vec![1, 2])
		}
		fn interface(code: Hash) -> Option<Vec<u8>> {
			(code == CODE).then(|| interface().encode())
		}
		fn dry_run(origin: AccountId, call: DryRunCall) -> DryRun {
			dry_run(origin, call)
		}
		fn hops() -> Vec<Hop> {
			let id = MessageId::Inner { block: 1, index: 0 };
			let child = MessageId::Outer { source: ChainId(1), destination: ChainId(2), nonce: 1 };
			let account = Some(ACTOR);
			vec![
				Hop::Sent { id, parent: None, chain: ChainId(1), account: account.clone() },
				Hop::Ended { id, parent: None, recipient: account.clone(), outcome: Outcome::Handled, gas_used: 5 },
				Hop::Sent { id: child, parent: Some(id), chain: ChainId(2), account },
			]
		}
	}
}

/// A chain that is syncing.
struct Syncing;
impl SyncOracle for Syncing {
	fn is_major_syncing(&self) -> bool {
		true
	}
	fn is_offline(&self) -> bool {
		false
	}
}

/// A node that has seen a conflict.
struct Conflict;
impl EvidenceSource for Conflict {
	fn evidence(&self) -> Vec<Vec<u8>> {
		vec![vec![1, 2]]
	}
}

/// The namespaces of a node of chain 1, its client, and its root client.
pub fn transaction_node() -> (RpcModule<()>, Arc<MockClient>, Arc<MockClient>) {
	let (client, root) = (MockClient::new(1), MockClient::new(0));
	let tracers = Tracers::default();
	tracers.insert(ChainId(1), Arc::new(ClientHistory::new(client.clone())));
	let module = transaction_namespaces(
		ChainId(1),
		client.clone(),
		Arc::new(Syncing),
		Arc::new(Conflict),
		root.clone(),
		Arc::new(NoNetwork),
		tracers,
	);
	(module.unwrap(), client, root)
}

/// The namespaces of a root node, and its client.
pub fn root_node() -> (RpcModule<()>, Arc<MockClient>) {
	let root = MockClient::new(0);
	(
		root_namespaces(root.clone(), Arc::new(NoNetwork), Arc::new(())).unwrap(),
		root,
	)
}

async fn answer(module: &RpcModule<()>, method: &str, params: Value) -> Value {
	let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
	let (answer, _) = module.raw_json_request(&request, 1).await.unwrap();
	serde_json::from_str(&answer).unwrap()
}

/// Calls a method that succeeds.
pub async fn call(module: &RpcModule<()>, method: &str, params: Value) -> Value {
	let answer = answer(module, method, params).await;
	answer
		.get("result")
		.unwrap_or_else(|| panic!("{method}: {answer}"))
		.clone()
}

/// Calls a method that fails: code and message.
pub async fn error_of(module: &RpcModule<()>, method: &str, params: Value) -> (i32, String) {
	let answer = answer(module, method, params).await;
	let error = answer
		.get("error")
		.unwrap_or_else(|| panic!("{method}: {answer}"));
	(
		error["code"].as_i64().unwrap() as i32,
		error["message"].as_str().unwrap().to_string(),
	)
}
