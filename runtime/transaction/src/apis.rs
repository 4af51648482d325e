//! The runtime APIs.

use crate::*;
use alloc::{string::String, vec, vec::Vec};
use asterism_primitives::{
	api::{
		ActorAddress, ActorView, CodeView, CompositionFault, ConnectionView, DryRun, DryRunCall, Hop,
		InterfaceView, PipelineView, SentState,
	},
	committee::Epoch,
	digest::RootRef,
	message::Delivery,
	Balance, BlockNumber, ChainId, ChainParameters, CurrencyId, Hash, Nonce as MessageNonce,
};
use asterism_runtime_common::session_keys;
use polkadot_sdk::{
	frame_support::genesis_builder_helper::{build_state, get_preset},
	sp_api::impl_runtime_apis,
	sp_core::{crypto::KeyTypeId, OpaqueMetadata},
	sp_genesis_builder::PresetId,
	sp_inherents::{CheckInherentsResult, InherentData},
	sp_runtime::{
		traits::Block as BlockT,
		transaction_validity::{TransactionSource, TransactionValidity},
		ApplyExtrinsicResult, ExtrinsicInclusionMode,
	},
	sp_session::OpaqueGeneratedSessionKeys,
};

/// The versions of the APIs.
pub(crate) const VERSIONS: sp_version::ApisVec = RUNTIME_API_VERSIONS;

impl_runtime_apis! {
	impl sp_api::Core<Block> for Runtime {
		fn version() -> RuntimeVersion {
			VERSION
		}

		fn execute_block(block: <Block as BlockT>::LazyBlock) {
			Executive::execute_block(block);
		}

		fn initialize_block(header: &<Block as BlockT>::Header) -> ExtrinsicInclusionMode {
			Executive::initialize_block(header)
		}
	}

	impl sp_api::Metadata<Block> for Runtime {
		fn metadata() -> OpaqueMetadata {
			OpaqueMetadata::new(Runtime::metadata().into())
		}

		fn metadata_at_version(version: u32) -> Option<OpaqueMetadata> {
			Runtime::metadata_at_version(version)
		}

		fn metadata_versions() -> Vec<u32> {
			Runtime::metadata_versions()
		}
	}

	impl sp_block_builder::BlockBuilder<Block> for Runtime {
		fn apply_extrinsic(extrinsic: <Block as BlockT>::Extrinsic) -> ApplyExtrinsicResult {
			Executive::apply_extrinsic(extrinsic)
		}

		fn finalize_block() -> <Block as BlockT>::Header {
			Executive::finalize_block()
		}

		fn inherent_extrinsics(data: InherentData) -> Vec<<Block as BlockT>::Extrinsic> {
			data.create_extrinsics()
		}

		fn check_inherents(block: <Block as BlockT>::LazyBlock, data: InherentData) -> CheckInherentsResult {
			data.check_extrinsics(&block)
		}
	}

	impl sp_transaction_pool::runtime_api::TaggedTransactionQueue<Block> for Runtime {
		fn validate_transaction(
			source: TransactionSource,
			tx: <Block as BlockT>::Extrinsic,
			block_hash: <Block as BlockT>::Hash,
		) -> TransactionValidity {
			Executive::validate_transaction(source, tx, block_hash)
		}
	}

	impl sp_offchain::OffchainWorkerApi<Block> for Runtime {
		fn offchain_worker(header: &<Block as BlockT>::Header) {
			Executive::offchain_worker(header)
		}
	}

	impl frame_system_rpc_runtime_api::AccountNonceApi<Block, AccountId, Nonce> for Runtime {
		fn account_nonce(account: AccountId) -> Nonce {
			System::account_nonce(account)
		}
	}

	impl sp_session::SessionKeys<Block> for Runtime {
		fn generate_session_keys(owner: Vec<u8>, seed: Option<Vec<u8>>) -> OpaqueGeneratedSessionKeys {
			// Nodes are registered on the root chain, whose genesis block this chain doesn't know: no proof here.
			session_keys::generate(&owner, seed, None)
		}

		fn decode_session_keys(encoded: Vec<u8>) -> Option<Vec<(Vec<u8>, KeyTypeId)>> {
			session_keys::decode(&encoded)
		}
	}

	impl sp_genesis_builder::GenesisBuilder<Block> for Runtime {
		fn build_state(config: Vec<u8>) -> sp_genesis_builder::Result {
			build_state::<RuntimeGenesisConfig>(config)?;
			// The pallet lets a default genesis pass; no chain spec may start from one.
			if <RootView as pallet_root_view::RootState>::chain_id().is_root() {
				return Err("rootView.chainId: expected the id of a transaction chain, 1 or more".into());
			}
			Ok(())
		}

		fn get_preset(id: &Option<PresetId>) -> Option<Vec<u8>> {
			get_preset::<RuntimeGenesisConfig>(id, |_| None)
		}

		fn preset_names() -> Vec<PresetId> {
			Vec::new()
		}
	}

	impl asterism_primitives::api::ChainApi<Block> for Runtime {
		fn chain_id() -> ChainId {
			<RootView as pallet_root_view::RootState>::chain_id()
		}

		fn parameters() -> ChainParameters {
			RootView::parameters()
		}

		fn timestamp() -> u64 {
			Timestamp::get()
		}

		fn issuance() -> Vec<(CurrencyId, Balance)> {
			vec![(CurrencyId::NATIVE, Balances::total_issuance())]
		}
	}

	impl asterism_primitives::api::EpochsApi<Block> for Runtime {
		fn current() -> (Epoch, BlockNumber) {
			Epochs::current()
		}
	}

	impl asterism_primitives::api::MessagesApi<Block> for Runtime {
		fn root_view() -> Option<RootRef> {
			RootView::view()
		}

		fn expected(source: ChainId) -> MessageNonce {
			Messages::expected(source)
		}

		fn delivery_room(source: ChainId) -> u32 {
			Messages::delivery_room(source)
		}

		fn unacknowledged() -> Vec<ChainId> {
			Messages::unacknowledged()
		}

		fn delivery(destination: ChainId, number: BlockNumber) -> Option<Delivery> {
			Messages::delivery(destination, number)
		}

		fn sent_state(destination: ChainId, nonce: MessageNonce) -> SentState {
			Messages::sent_state(destination, nonce)
		}
	}

	impl asterism_primitives::api::ActorsApi<Block> for Runtime {
		fn actor(account: AccountId) -> Option<ActorView> {
			Actors::actor(&account)
		}

		fn code(code: Hash) -> Option<CodeView> {
			Actors::code(code)
		}

		fn storage(account: AccountId, key: Vec<u8>) -> Option<Vec<u8>> {
			Actors::stored(&account, key)
		}

		fn interface(code: Hash) -> Option<Vec<u8>> {
			Actors::interface(code)
		}

		fn dry_run(origin: AccountId, call: DryRunCall) -> DryRun {
			Actors::dry_run(origin, call)
		}

		fn hops() -> Vec<Hop> {
			Actors::hops()
		}
	}

	impl asterism_primitives::api::CompositionApi<Block> for Runtime {
		fn interface_of(actor: ActorAddress) -> Option<InterfaceView> {
			Composition::interface_view(actor)
		}

		fn check_connection(
			from: ActorAddress,
			output: String,
			to: ActorAddress,
			input: String,
		) -> Result<(), CompositionFault> {
			Composition::check_connection(from, output, to, input)
		}

		fn check_pipeline(pipeline: Vec<u8>) -> Result<(), CompositionFault> {
			Composition::check_pipeline(pipeline)
		}

		fn connection(id: Hash) -> Option<ConnectionView> {
			Composition::connection_view(id)
		}

		fn pipeline(id: Hash) -> Option<PipelineView> {
			Composition::pipeline_view(id)
		}
	}

	#[cfg(feature = "runtime-benchmarks")]
	impl frame_benchmarking::Benchmark<Block> for Runtime {
		fn benchmark_metadata(extra: bool) -> (
			Vec<frame_benchmarking::BenchmarkList>,
			Vec<frame_support::traits::StorageInfo>,
		) {
			use crate::benchmarks::*;
			use frame_benchmarking::BenchmarkList;
			use frame_support::traits::StorageInfoTrait;

			let mut list = Vec::<BenchmarkList>::new();
			list_benchmarks!(list, extra);
			(list, AllPalletsWithSystem::storage_info())
		}

		fn dispatch_benchmark(
			config: frame_benchmarking::BenchmarkConfig,
		) -> Result<Vec<frame_benchmarking::BenchmarkBatch>, alloc::string::String> {
			use crate::benchmarks::*;
			use frame_benchmarking::BenchmarkBatch;
			use frame_support::traits::WhitelistedStorageKeys;

			let whitelist = AllPalletsWithSystem::whitelisted_storage_keys();
			let mut batches = Vec::<BenchmarkBatch>::new();
			let params = (&config, &whitelist);
			add_benchmarks!(params, batches);
			Ok(batches)
		}
	}
}
