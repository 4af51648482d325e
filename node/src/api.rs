//! The types of a client whose runtime is known by its APIs only.
//!
//! The client is generic over the APIs that it may call; the calls themselves always go to the chain's Wasm. So the
//! implementation here is there for its type alone, and is never executed.

use asterism_primitives::{
	api::{
		ActorAddress, ActorView, ChainRecord, CodeView, CompositionFault, ConnectionView, DryRun, DryRunCall,
		Hop, InFlight, InterfaceView, PipelineView, SentState,
	},
	beacon::{Attempt, Resharing, Seed, Sharing, SharingId},
	certificate::Certificate,
	committee::{BlsPublic, Committee, Epoch, MemberId},
	digest::RootRef,
	election::{Candidacy, Claim, Election, Readiness},
	message::Delivery,
	offence::Evidence,
	root_state::{Anchor, ChannelRecord},
	AccountId, AccountNonce, Balance, BlockNumber, ChainId, ChainParameters, CurrencyId, Hash, Header, Nonce,
	OpaqueBlock as Block,
};
use polkadot_sdk::{
	frame_system_rpc_runtime_api, sc_executor, sp_api, sp_block_builder,
	sp_core::{crypto::KeyTypeId, OpaqueMetadata},
	sp_inherents::{CheckInherentsResult, InherentData},
	sp_io, sp_offchain,
	sp_runtime::{
		traits::Block as BlockT,
		transaction_validity::{TransactionSource, TransactionValidity},
		ApplyExtrinsicResult, ExtrinsicInclusionMode,
	},
	sp_session, sp_transaction_pool, sp_version,
};

/// The host functions that runtimes may call: Substrate's, and pairings for certificates.
pub type HostFunctions = (sp_io::SubstrateHostFunctions, asterism_chain_specs::HostFunctions);
/// Executes runtimes.
pub type Executor = sc_executor::WasmExecutor<HostFunctions>;
/// The client of any chain.
pub type Client = sc_service::TFullClient<Block, RuntimeApi, Executor>;
/// Its database.
pub type Backend = sc_service::TFullBackend<Block>;
/// Its transaction pool.
pub type Pool = polkadot_sdk::sc_transaction_pool::TransactionPoolHandle<Block, Client>;

/// Stands for any chain's runtime. Only its type is used.
#[allow(dead_code)]
pub struct Runtime;

macro_rules! in_wasm {
	() => {
		unreachable!("runtime APIs are executed in the chain's Wasm")
	};
}

sp_api::impl_runtime_apis! {
	impl sp_api::Core<Block> for Runtime {
		fn version() -> sp_version::RuntimeVersion { in_wasm!() }
		fn execute_block(_: <Block as BlockT>::LazyBlock) { in_wasm!() }
		fn initialize_block(_: &<Block as BlockT>::Header) -> ExtrinsicInclusionMode { in_wasm!() }
	}

	impl sp_api::Metadata<Block> for Runtime {
		fn metadata() -> OpaqueMetadata { in_wasm!() }
		fn metadata_at_version(_: u32) -> Option<OpaqueMetadata> { in_wasm!() }
		fn metadata_versions() -> Vec<u32> { in_wasm!() }
	}

	impl sp_block_builder::BlockBuilder<Block> for Runtime {
		fn apply_extrinsic(_: <Block as BlockT>::Extrinsic) -> ApplyExtrinsicResult { in_wasm!() }
		fn finalize_block() -> <Block as BlockT>::Header { in_wasm!() }
		fn inherent_extrinsics(_: InherentData) -> Vec<<Block as BlockT>::Extrinsic> { in_wasm!() }
		fn check_inherents(_: <Block as BlockT>::LazyBlock, _: InherentData) -> CheckInherentsResult { in_wasm!() }
	}

	impl sp_transaction_pool::runtime_api::TaggedTransactionQueue<Block> for Runtime {
		fn validate_transaction(
			_: TransactionSource,
			_: <Block as BlockT>::Extrinsic,
			_: <Block as BlockT>::Hash,
		) -> TransactionValidity { in_wasm!() }
	}

	impl sp_offchain::OffchainWorkerApi<Block> for Runtime {
		fn offchain_worker(_: &<Block as BlockT>::Header) { in_wasm!() }
	}

	impl sp_session::SessionKeys<Block> for Runtime {
		fn generate_session_keys(_: Vec<u8>, _: Option<Vec<u8>>) -> sp_session::OpaqueGeneratedSessionKeys { in_wasm!() }
		fn decode_session_keys(_: Vec<u8>) -> Option<Vec<(Vec<u8>, KeyTypeId)>> { in_wasm!() }
	}

	impl frame_system_rpc_runtime_api::AccountNonceApi<Block, AccountId, AccountNonce> for Runtime {
		fn account_nonce(_: AccountId) -> AccountNonce { in_wasm!() }
	}

	impl asterism_primitives::api::ChainApi<Block> for Runtime {
		fn chain_id() -> ChainId { in_wasm!() }
		fn parameters() -> ChainParameters { in_wasm!() }
		fn timestamp() -> u64 { in_wasm!() }
		fn issuance() -> Vec<(CurrencyId, Balance)> { in_wasm!() }
	}

	impl asterism_primitives::api::RootApi<Block> for Runtime {
		fn chains() -> Vec<ChainId> { in_wasm!() }
		fn chain(_: ChainId) -> Option<ChainRecord> { in_wasm!() }
		fn committee(_: ChainId, _: Epoch) -> Option<Committee> { in_wasm!() }
		fn excluded(_: ChainId, _: Epoch) -> Vec<MemberId> { in_wasm!() }
		fn epoch(_: ChainId) -> Option<Epoch> { in_wasm!() }
		fn anchor(_: ChainId, _: BlockNumber) -> Option<Anchor> { in_wasm!() }
		fn channel(_: ChainId, _: ChainId) -> ChannelRecord { in_wasm!() }
		fn waiting_sources(_: ChainId) -> Vec<ChainId> { in_wasm!() }
		fn holdings() -> Vec<(ChainId, CurrencyId, Balance)> { in_wasm!() }
		fn in_flight() -> Vec<InFlight> { in_wasm!() }
		fn checkpoint_extrinsic(_: ChainId, _: Vec<Header>, _: Certificate) -> <Block as BlockT>::Extrinsic { in_wasm!() }
	}

	impl asterism_primitives::api::EpochsApi<Block> for Runtime {
		fn current() -> (Epoch, BlockNumber) { in_wasm!() }
	}

	impl asterism_primitives::beacon::BeaconApi<Block> for Runtime {
		fn group_key() -> Option<BlsPublic> { in_wasm!() }
		fn last_seed() -> Option<Seed> { in_wasm!() }
		fn seed(_: BlockNumber) -> Option<Seed> { in_wasm!() }
		fn sharing(_: Epoch) -> Option<Sharing> { in_wasm!() }
		fn sharing_output(_: Epoch) -> Option<Vec<u8>> { in_wasm!() }
		fn resharing() -> Option<Resharing> { in_wasm!() }
		fn dealer_logs(_: Attempt) -> Vec<(MemberId, Vec<u8>)> { in_wasm!() }
		fn log_extrinsic(_: Attempt, _: MemberId, _: Vec<u8>, _: [u8; 64]) -> Option<<Block as BlockT>::Extrinsic> { in_wasm!() }
		fn output_extrinsic(_: Epoch, _: Vec<u8>) -> Option<<Block as BlockT>::Extrinsic> { in_wasm!() }
	}

	impl asterism_primitives::election::ElectionsApi<Block> for Runtime {
		fn elections() -> Vec<(ChainId, Election)> { in_wasm!() }
		fn election(_: ChainId) -> Option<Election> { in_wasm!() }
		fn operator(_: MemberId) -> Option<AccountId> { in_wasm!() }
		fn candidacy(_: ChainId, _: AccountId) -> Option<Candidacy> { in_wasm!() }
		fn elected(_: ChainId) -> u32 { in_wasm!() }
		fn ready_members(_: ChainId) -> Vec<(MemberId, Option<SharingId>)> { in_wasm!() }
		fn claim_extrinsic(_: Claim) -> <Block as BlockT>::Extrinsic { in_wasm!() }
		fn ready_extrinsic(_: Readiness, _: [u8; 64]) -> <Block as BlockT>::Extrinsic { in_wasm!() }
	}

	impl asterism_primitives::offence::MisconductApi<Block> for Runtime {
		fn is_convicted(_: ChainId, _: Epoch, _: u32) -> bool { in_wasm!() }
		fn report_extrinsic(_: Evidence, _: Option<AccountId>) -> <Block as BlockT>::Extrinsic { in_wasm!() }
	}

	impl asterism_primitives::api::ActorsApi<Block> for Runtime {
		fn actor(_: AccountId) -> Option<ActorView> { in_wasm!() }
		fn code(_: Hash) -> Option<CodeView> { in_wasm!() }
		fn storage(_: AccountId, _: Vec<u8>) -> Option<Vec<u8>> { in_wasm!() }
		fn interface(_: Hash) -> Option<Vec<u8>> { in_wasm!() }
		fn dry_run(_: AccountId, _: DryRunCall) -> DryRun { in_wasm!() }
		fn hops() -> Vec<Hop> { in_wasm!() }
	}

	impl asterism_primitives::api::CompositionApi<Block> for Runtime {
		fn interface_of(_: ActorAddress) -> Option<InterfaceView> { in_wasm!() }
		fn check_connection(
			_: ActorAddress,
			_: String,
			_: ActorAddress,
			_: String,
		) -> Result<(), CompositionFault> { in_wasm!() }
		fn check_pipeline(_: Vec<u8>) -> Result<(), CompositionFault> { in_wasm!() }
		fn connection(_: Hash) -> Option<ConnectionView> { in_wasm!() }
		fn pipeline(_: Hash) -> Option<PipelineView> { in_wasm!() }
	}

	impl asterism_primitives::api::MessagesApi<Block> for Runtime {
		fn root_view() -> Option<RootRef> { in_wasm!() }
		fn expected(_: ChainId) -> Nonce { in_wasm!() }
		fn delivery_room(_: ChainId) -> u32 { in_wasm!() }
		fn unacknowledged() -> Vec<ChainId> { in_wasm!() }
		fn delivery(_: ChainId, _: BlockNumber) -> Option<Delivery> { in_wasm!() }
		fn sent_state(_: ChainId, _: Nonce) -> SentState { in_wasm!() }
	}
}
