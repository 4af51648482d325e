//! The runtime APIs: those of every Substrate node, and ours.

use super::*;
use alloc::{vec, vec::Vec};
use asterism_primitives::{
	api::{ChainRecord, InFlight},
	beacon::{Attempt, LogBytes, OutputBytes, Resharing, Seed, Sharing, SharingId},
	certificate::Certificate,
	committee::{BlsPublic, Committee, Epoch, MemberId},
	digest::RootRef,
	election::{Candidacy, Claim, Election, Readiness},
	offence::Evidence,
	root_state::{Anchor, ChannelRecord},
	AccountNonce, Balance, BlockNumber, ChainId, ChainParameters, CurrencyId,
};
use asterism_runtime_common::{session_keys, tx_extension};
use frame_support::{genesis_builder_helper, BoundedVec};
use pallet_chains::{ChainRegistry, CommitteeProvider};
use pallet_stake::Stakers;
use polkadot_sdk::{
	frame_system_rpc_runtime_api,
	sp_api::{self, impl_runtime_apis},
	sp_block_builder,
	sp_core::{crypto::KeyTypeId, OpaqueMetadata},
	sp_genesis_builder,
	sp_inherents::{CheckInherentsResult, InherentData},
	sp_offchain,
	sp_runtime::{
		generic::Era,
		traits::Block as BlockT,
		transaction_validity::{TransactionSource, TransactionValidity},
		ApplyExtrinsicResult, ExtrinsicInclusionMode,
	},
	sp_session, sp_transaction_pool,
};

/// The extrinsic of a call that authorizes itself.
fn authorized(call: impl Into<RuntimeCall>) -> UncheckedExtrinsic {
	UncheckedExtrinsic::new_transaction(call.into(), tx_extension::<Runtime>(Era::Immortal, 0))
}

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

	impl frame_support::view_functions::runtime_api::RuntimeViewFunction<Block> for Runtime {
		fn execute_view_function(
			id: frame_support::view_functions::ViewFunctionId,
			input: Vec<u8>,
		) -> Result<Vec<u8>, frame_support::view_functions::ViewFunctionDispatchError> {
			Runtime::execute_view_function(id, input)
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

	impl sp_session::SessionKeys<Block> for Runtime {
		fn generate_session_keys(owner: Vec<u8>, seed: Option<Vec<u8>>) -> sp_session::OpaqueGeneratedSessionKeys {
			// Before block 1 the state doesn't know the hash of block 0: there are keys then, but no proof.
			let genesis = (System::block_number() > 0).then(|| System::block_hash(0));
			session_keys::generate(&owner, seed, genesis)
		}
		fn decode_session_keys(encoded: Vec<u8>) -> Option<Vec<(Vec<u8>, KeyTypeId)>> {
			session_keys::decode(&encoded)
		}
	}

	impl frame_system_rpc_runtime_api::AccountNonceApi<Block, AccountId, AccountNonce> for Runtime {
		fn account_nonce(account: AccountId) -> AccountNonce {
			System::account_nonce(account)
		}
	}

	impl sp_genesis_builder::GenesisBuilder<Block> for Runtime {
		fn build_state(config: Vec<u8>) -> sp_genesis_builder::Result {
			genesis_builder_helper::build_state::<RuntimeGenesisConfig>(config)
		}
		fn get_preset(id: &Option<sp_genesis_builder::PresetId>) -> Option<Vec<u8>> {
			genesis_builder_helper::get_preset::<RuntimeGenesisConfig>(id, |_| None)
		}
		fn preset_names() -> Vec<sp_genesis_builder::PresetId> {
			Vec::new()
		}
	}

	impl asterism_primitives::api::ChainApi<Block> for Runtime {
		fn chain_id() -> ChainId {
			ChainId::ROOT
		}
		fn parameters() -> ChainParameters {
			Chains::parameters(ChainId::ROOT).unwrap_or_default()
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

	impl asterism_primitives::api::RootApi<Block> for Runtime {
		fn chains() -> Vec<ChainId> {
			Chains::transaction_chains()
		}
		fn chain(chain: ChainId) -> Option<ChainRecord> {
			let head = Checkpoints::head(chain)?;
			Some(ChainRecord {
				genesis: Chains::genesis(chain)?,
				parameters: Chains::parameters(chain)?,
				epoch: Chains::epoch(chain)?,
				head: RootRef { number: head.number, hash: head.hash },
			})
		}
		fn committee(chain: ChainId, epoch: Epoch) -> Option<Committee> {
			Chains::committee(chain, epoch)
		}
		fn excluded(chain: ChainId, epoch: Epoch) -> Vec<MemberId> {
			let committee = Chains::committee(chain, epoch);
			let members = committee.iter().flat_map(|committee| committee.members());
			Elections::excluded(chain, epoch, members.map(|member| member.id))
		}
		fn epoch(chain: ChainId) -> Option<Epoch> {
			Chains::epoch(chain)
		}
		fn anchor(chain: ChainId, number: BlockNumber) -> Option<Anchor> {
			pallet_checkpoints::Anchors::<Runtime>::get(chain, number)
		}
		fn channel(source: ChainId, destination: ChainId) -> ChannelRecord {
			pallet_checkpoints::Channels::<Runtime>::get(source, destination)
		}
		fn waiting_sources(destination: ChainId) -> Vec<ChainId> {
			Checkpoints::waiting_sources(destination)
		}
		fn holdings() -> Vec<(ChainId, CurrencyId, Balance)> {
			Checkpoints::holdings()
		}
		fn in_flight() -> Vec<InFlight> {
			Checkpoints::in_flight()
		}
		fn checkpoint_extrinsic(
			chain: ChainId,
			headers: Vec<Header>,
			certificate: Certificate,
		) -> <Block as BlockT>::Extrinsic {
			// More headers than a checkpoint may have are cut off; the certificate doesn't fit the rest, and the pool says so.
			let headers = BoundedVec::truncate_from(headers);
			authorized(pallet_checkpoints::Call::submit { chain, headers, certificate })
		}
	}

	impl asterism_primitives::beacon::BeaconApi<Block> for Runtime {
		fn group_key() -> Option<BlsPublic> {
			pallet_beacon::GroupKey::<Runtime>::get()
		}
		fn last_seed() -> Option<Seed> {
			pallet_beacon::LastSeed::<Runtime>::get()
		}
		fn seed(round: BlockNumber) -> Option<Seed> {
			Beacon::seed(round)
		}
		fn sharing(epoch: Epoch) -> Option<Sharing> {
			pallet_beacon::Sharings::<Runtime>::get(epoch)
		}
		fn sharing_output(epoch: Epoch) -> Option<Vec<u8>> {
			pallet_beacon::Outputs::<Runtime>::get(epoch).map(BoundedVec::into_inner)
		}
		fn resharing() -> Option<Resharing> {
			Beacon::resharing()
		}
		fn dealer_logs(attempt: Attempt) -> Vec<(MemberId, Vec<u8>)> {
			Beacon::logs(attempt)
		}
		fn log_extrinsic(
			attempt: Attempt,
			dealer: MemberId,
			log: Vec<u8>,
			signature: [u8; 64],
		) -> Option<<Block as BlockT>::Extrinsic> {
			let log = LogBytes::try_from(log).ok()?;
			Some(authorized(pallet_beacon::Call::post_log { attempt, dealer, log, signature }))
		}
		fn output_extrinsic(epoch: Epoch, output: Vec<u8>) -> Option<<Block as BlockT>::Extrinsic> {
			let output = OutputBytes::try_from(output).ok()?;
			Some(authorized(pallet_beacon::Call::publish_output { epoch, output }))
		}
	}

	impl asterism_primitives::election::ElectionsApi<Block> for Runtime {
		fn elections() -> Vec<(ChainId, Election)> {
			Elections::elections()
		}
		fn election(chain: ChainId) -> Option<Election> {
			Elections::election(chain)
		}
		fn operator(identity: MemberId) -> Option<AccountId> {
			Stake::operator_of(&identity)
		}
		fn candidacy(chain: ChainId, operator: AccountId) -> Option<Candidacy> {
			Elections::candidacy(chain, &operator)
		}
		fn elected(chain: ChainId) -> u32 {
			Elections::elected(chain)
		}
		fn ready_members(chain: ChainId) -> Vec<(MemberId, Option<SharingId>)> {
			Elections::ready_members(chain)
		}
		fn claim_extrinsic(claim: Claim) -> <Block as BlockT>::Extrinsic {
			authorized(pallet_elections::Call::claim { claim })
		}
		fn ready_extrinsic(readiness: Readiness, signature: [u8; 64]) -> <Block as BlockT>::Extrinsic {
			authorized(pallet_elections::Call::ready { readiness, signature })
		}
	}

	impl asterism_primitives::offence::MisconductApi<Block> for Runtime {
		fn is_convicted(chain: ChainId, epoch: Epoch, member: u32) -> bool {
			Misconduct::is_convicted(chain, epoch, member)
		}
		fn report_extrinsic(evidence: Evidence, reporter: Option<AccountId>) -> <Block as BlockT>::Extrinsic {
			authorized(pallet_misconduct::Call::report { evidence, reporter })
		}
	}

	#[cfg(feature = "runtime-benchmarks")]
	impl polkadot_sdk::frame_benchmarking::Benchmark<Block> for Runtime {
		fn benchmark_metadata(extra: bool) -> (
			Vec<polkadot_sdk::frame_benchmarking::BenchmarkList>,
			Vec<frame_support::traits::StorageInfo>,
		) {
			use frame_support::traits::StorageInfoTrait;
			use polkadot_sdk::frame_benchmarking::BenchmarkList;
			use crate::benchmarks::*;

			let mut list = Vec::<BenchmarkList>::new();
			list_benchmarks!(list, extra);
			(list, AllPalletsWithSystem::storage_info())
		}

		fn dispatch_benchmark(
			config: polkadot_sdk::frame_benchmarking::BenchmarkConfig,
		) -> Result<Vec<polkadot_sdk::frame_benchmarking::BenchmarkBatch>, alloc::string::String> {
			use polkadot_sdk::frame_benchmarking::BenchmarkBatch;
			use frame_support::traits::WhitelistedStorageKeys;
			use crate::benchmarks::*;

			let whitelist = AllPalletsWithSystem::whitelisted_storage_keys();
			let mut batches = Vec::<BenchmarkBatch>::new();
			let params = (&config, &whitelist);
			add_benchmarks!(params, batches);
			Ok(batches)
		}
	}

	#[cfg(feature = "try-runtime")]
	impl polkadot_sdk::frame_try_runtime::TryRuntime<Block> for Runtime {
		fn on_runtime_upgrade(checks: polkadot_sdk::frame_try_runtime::UpgradeCheckSelect) -> (frame_support::weights::Weight, frame_support::weights::Weight) {
			let weight = Executive::try_runtime_upgrade(checks).expect("runtime upgrade succeeds");
			(weight, asterism_runtime_common::BlockWeights::get().max_block)
		}

		fn execute_block(
			block: <Block as BlockT>::LazyBlock,
			state_root_check: bool,
			signature_check: bool,
			select: frame_support::traits::TryStateSelect,
		) -> frame_support::weights::Weight {
			Executive::try_execute_block(block, state_root_check, signature_check, select).expect("block is valid")
		}
	}
}
