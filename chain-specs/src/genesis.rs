//! From a checked network file to chain specs.

use crate::{
	ChainPlan, ChainSpec, Error, Extensions, HostFunctions, Network, Plan, DECIMALS, EXISTENTIAL_DEPOSIT,
	SS58_PREFIX, SYMBOL,
};
use asterism_primitives::{AccountId, Balance, ChainId, CurrencyId, Header, OpaqueBlock};
use codec::{Decode, Encode};
use polkadot_sdk::{
	sc_chain_spec::{construct_genesis_block, json_patch, resolve_state_version_from_wasm, Properties},
	sc_executor::WasmExecutor,
	sp_core::{
		storage::{well_known_keys, Storage},
		traits::{CallContext, CodeExecutor, RuntimeCode, WrappedRuntimeCode},
	},
	sp_io::SubstrateHostFunctions,
	sp_runtime::{
		traits::{BlakeTwo256, Hash as _},
		BuildStorage,
	},
	sp_state_machine::BasicExternalities,
};
use serde_json::{json, Value};
use std::{collections::BTreeMap, sync::LazyLock};

type Executor = WasmExecutor<(SubstrateHostFunctions, HostFunctions)>;

/// Compiling a runtime takes seconds, so all that is asked of one here is asked of the same executor. What runs from raw specs
/// never makes it.
static EXECUTOR: LazyLock<Executor> = LazyLock::new(|| Executor::builder().build());

/// Makes the specs of a network.
pub(crate) fn network(plan: &Plan) -> Result<Network, Error> {
	let root_wasm = asterism_root_runtime::WASM_BINARY.ok_or(Error::NoWasm { runtime: "root" })?;
	let transaction_wasm = asterism_transaction_runtime::WASM_BINARY.ok_or(Error::NoWasm {
		runtime: "transaction",
	})?;
	let mut chains = BTreeMap::new();
	let mut states = BTreeMap::new();
	let mut genesis = Vec::new();
	for (chain, of) in plan.chains.iter().filter(|(chain, _)| !chain.is_root()) {
		let patch = transaction_genesis(*chain, of);
		let failed = |reason| Error::Genesis {
			chain: *chain,
			reason,
		};
		let storage = state(transaction_wasm, patch.clone()).map_err(failed)?;
		let header = header_of(&storage).map_err(failed)?;
		let holdings = issuance(storage.clone()).map_err(failed)?;
		states.insert(*chain, storage);
		genesis.push(json!({
			"id": chain,
			"genesis": header,
			"parameters": of.parameters,
			"members": of.committee.members(),
			"holdings": holdings,
		}));
		chains.insert(*chain, spec(plan, *chain, of, transaction_wasm, patch));
	}

	let of = plan.chains.get(&ChainId::ROOT).ok_or(Error::Genesis {
		chain: ChainId::ROOT,
		reason: "the plan has no root chain".into(),
	})?;
	let patch = root_genesis(plan, of, genesis);
	let storage = state(root_wasm, patch.clone()).map_err(|reason| Error::Genesis {
		chain: ChainId::ROOT,
		reason,
	})?;
	states.insert(ChainId::ROOT, storage);
	let root = spec(plan, ChainId::ROOT, of, root_wasm, patch);
	Ok(Network { root, chains, states })
}

fn spec(plan: &Plan, chain: ChainId, of: &ChainPlan, wasm: &[u8], genesis: Value) -> ChainSpec {
	let id = plan.spec_id(chain);
	let extensions = Extensions {
		chain_id: chain,
		root_chain: (!chain.is_root()).then(|| plan.spec_id(ChainId::ROOT)),
	};
	let mut builder = ChainSpec::builder(wasm, extensions)
		.with_name(&of.name)
		.with_id(&id)
		.with_protocol_id(&id)
		.with_chain_type(plan.chain_type.clone())
		.with_properties(properties())
		.with_boot_nodes(of.boot_nodes.clone())
		.with_genesis_config_patch(genesis);
	if let Some(telemetry) = &plan.telemetry {
		builder = builder.with_telemetry_endpoints(telemetry.clone());
	}
	builder.build()
}

/// What wallets show amounts and addresses with.
fn properties() -> Properties {
	let mut properties = Properties::new();
	properties.insert("tokenSymbol".into(), SYMBOL.into());
	properties.insert("tokenDecimals".into(), DECIMALS.into());
	properties.insert("ss58Format".into(), SS58_PREFIX.into());
	properties
}

fn balances(accounts: &BTreeMap<AccountId, Balance>) -> Value {
	json!({ "balances": accounts.iter().collect::<Vec<_>>() })
}

fn transaction_genesis(chain: ChainId, of: &ChainPlan) -> Value {
	json!({
		"balances": balances(&of.accounts),
		"rootView": { "chainId": chain, "parameters": of.parameters },
	})
}

fn root_genesis(plan: &Plan, of: &ChainPlan, chains: Vec<Value>) -> Value {
	let nodes: Vec<Value> = plan
		.nodes
		.iter()
		.map(|node| json!({ "operator": node.operator, "keys": node.keys, "stake": node.stake }))
		.collect();
	let mut accounts = of.accounts.clone();
	accounts
		.entry(asterism_root_runtime::dust_pot())
		.or_insert(EXISTENTIAL_DEPOSIT);
	let mut genesis = json!({
		"balances": balances(&accounts),
		"sudo": { "key": plan.sudo },
		"chains": {
			"root": { "parameters": of.parameters, "members": of.committee.members() },
			"chains": chains,
		},
		"stake": { "nodes": nodes },
	});
	// A patch with a null would take the field out of the runtime's default.
	if let Some(beacon) = &plan.beacon {
		genesis["beacon"] = json!({ "beacon": beacon });
	}
	genesis
}

/// The header of the genesis block that nodes make of this spec.
///
/// # Errors
/// What the runtime, or its executor, said.
pub fn genesis_header(spec: &dyn BuildStorage) -> Result<Header, String> {
	header_of(&spec.build_storage()?)
}

fn header_of(storage: &Storage) -> Result<Header, String> {
	let version = resolve_state_version_from_wasm::<_, BlakeTwo256>(storage, &*EXECUTOR)
		.map_err(|error| error.to_string())?;
	let children = storage.children_default.values().map(|child| {
		let root = BlakeTwo256::trie_root(child.data.clone().into_iter().collect(), version);
		(
			child.child_info.prefixed_storage_key().into_inner(),
			root.encode(),
		)
	});
	let top = storage.top.clone().into_iter().chain(children).collect();
	let state_root = BlakeTwo256::trie_root(top, version);
	Ok(construct_genesis_block::<OpaqueBlock>(state_root, version).header)
}

/// The genesis state that a spec with this runtime and this patch of its default configuration leads to, as
/// `ChainSpec::build_storage` makes it with an executor of its own each time.
fn state(wasm: &[u8], patch: Value) -> Result<Storage, String> {
	let mut nothing = BasicExternalities::new_empty();
	let preset = call(&mut nothing, wasm, "GenesisBuilder_get_preset", None::<String>)?;
	let preset: Option<Vec<u8>> = decode(&preset)?;
	let preset = preset.ok_or("the runtime has no default configuration")?;
	let mut config = serde_json::from_slice(&preset).map_err(|error| error.to_string())?;
	json_patch::merge(&mut config, patch);

	let mut state = BasicExternalities::new_empty();
	let built = call(&mut state, wasm, "GenesisBuilder_build_state", config.to_string())?;
	decode::<Result<(), String>>(&built)??;
	let mut storage = state.into_storages();
	storage.top.insert(well_known_keys::CODE.to_vec(), wasm.to_vec());
	Ok(storage)
}

/// What a chain says of its issuance in its genesis state (`ChainApi::issuance`).
fn issuance(storage: Storage) -> Result<Vec<(CurrencyId, Balance)>, String> {
	let wasm = storage
		.top
		.get(well_known_keys::CODE)
		.cloned()
		.ok_or("the genesis state has no runtime")?;
	let mut state = BasicExternalities::new(storage);
	decode(&call(&mut state, &wasm, "ChainApi_issuance", ())?)
}

/// Calls a function of a runtime's API.
fn call(
	state: &mut BasicExternalities,
	wasm: &[u8],
	function: &str,
	arguments: impl Encode,
) -> Result<Vec<u8>, String> {
	let fetcher = WrappedRuntimeCode(wasm.into());
	let code = RuntimeCode {
		code_fetcher: &fetcher,
		heap_pages: None,
		hash: BlakeTwo256::hash(wasm).encode(),
	};
	let context = CallContext::Offchain;
	let (answer, _) = EXECUTOR.call(state, &code, function, &arguments.encode(), context);
	answer.map_err(|error| error.to_string())
}

fn decode<T: Decode>(mut bytes: &[u8]) -> Result<T, String> {
	T::decode(&mut bytes).map_err(|error| error.to_string())
}
