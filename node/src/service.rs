//! Wires a chain's node together: database, client, pool, network, consensus, and for a transaction chain the courier and the
//! submission of checkpoints, with the root node that runs in the same process.

use crate::{
	api::{Backend, Client, Executor, Pool, RuntimeApi},
	beacon::{BeaconChannel, RootTier},
	keystore::NodeKeystore,
};
use asterism_beacon::{run_beacon, BeaconInherents, BeaconParams, ReadyHandle, SeedHandle};
use asterism_checkpoints::{run_checkpoint_submitter, CheckpointSubmitterParams};
use asterism_committees::{run_committees, ClientProgress, CommitteesParams, Served, ServedChains};
use asterism_consensus::{
	broadcast,
	chain::{Follow, Verdict},
	client::{ClientChain, Tier},
	committees::{Certifier, RootCommittees},
	evidence::EvidenceStore,
	forks::{ClientFinal, Forks, Witness},
	import, keys,
	metrics::{BroadcastMetrics, Metrics},
	network::{self as committee_network, MembersLane},
	worker,
};
use asterism_messages::{
	request_response_config, run_courier, ChainsProtocol, ClientSource, CourierInherents, CourierParams,
	DeliveryPool, LocalSources, NetworkFetch, ServingPeers,
};
use asterism_primitives::{
	api::ChainApi, certificate::Realm, digest, ChainId, ChainParameters, Hash, Header, OpaqueBlock,
};
use asterism_rpc::trace::{ClientHistory, Tracers};
use async_trait::async_trait;
use futures::{future::BoxFuture, FutureExt, StreamExt};
use log::info;
use polkadot_sdk::{
	sc_authority_discovery,
	sc_basic_authorship::ProposerFactory,
	sc_client_api::Backend as _,
	sc_consensus::{import_queue::ImportQueue, DefaultImportQueue},
	sc_executor::{HeapAllocStrategy, DEFAULT_HEAP_ALLOC_STRATEGY},
	sc_network::{
		config::{FullNetworkConfiguration, NetworkBackendType},
		service::traits::NetworkService,
		Event, Litep2pNetworkBackend, NetworkBackend, NetworkEventStream, NetworkWorker, ProtocolName,
	},
	sc_network_sync::SyncingService,
	sc_offchain,
	sc_telemetry::{Telemetry, TelemetryWorker},
	sc_tracing,
	sc_transaction_pool::Builder as PoolBuilder,
	sc_transaction_pool_api::{ChainEvent, MaintainedTransactionPool, OffchainTransactionPoolFactory},
	sp_api::{self, ProvideRuntimeApi},
	sp_blockchain::HeaderBackend,
	sp_core::traits::SpawnEssentialNamed,
	sp_inherents::{InherentData, InherentDataProvider},
	sp_keystore::KeystorePtr,
	sp_runtime::traits::Header as HeaderT,
};
use sc_service::{
	build_network, config::KeystoreConfig, new_full_parts, spawn_tasks, BuildNetworkParams, ChainType,
	Configuration, Error as ServiceError, SpawnTaskHandle, SpawnTasksParams, TaskManager,
};
use std::{path::PathBuf, sync::Arc, time::Duration};

/// A chain whose database is open, and nothing runs.
pub struct Opened {
	/// The client.
	pub client: Arc<Client>,
	/// The database.
	pub backend: Arc<Backend>,
	/// Verifies what is imported.
	pub import_queue: DefaultImportQueue<OpaqueBlock>,
	/// Runs the import queue.
	pub task_manager: TaskManager,
	executor: Executor,
	keystore: KeystorePtr,
	certifier: Arc<Certifier>,
	evidence: Arc<EvidenceStore<Backend>>,
	witness: Arc<dyn Witness>,
	pool: Arc<Pool>,
	telemetry: Option<Telemetry>,
}

/// What a transaction chain's node needs of the root node in its process.
#[derive(Clone)]
pub struct RootHandle {
	client: Arc<Client>,
	executor: Executor,
	pool: Arc<Pool>,
	sync: Arc<SyncingService<OpaqueBlock>>,
	network: Arc<dyn NetworkService>,
	sources: LocalSources,
	serving: ServingPeers,
	committees_of: ServedChains,
	messages_protocol: ProtocolName,
	tracers: Tracers,
}

/// A root node that runs.
pub struct RootNode {
	/// Its tasks.
	pub task_manager: TaskManager,
	/// What transaction chains in this process need of it.
	pub handle: RootHandle,
}

/// Marks the log lines of a chain: several run in one process. Tasks inherit it from where they are spawned.
fn log_prefix(chain: ChainId) -> tracing::Span {
	let name = if chain.is_root() {
		"Root".to_string()
	} else {
		format!("Chain {chain}")
	};
	tracing::info_span!(sc_tracing::logging::PREFIX_LOG_SPAN, name = name.as_str())
}

fn api_error(e: sp_api::ApiError) -> ServiceError {
	ServiceError::Other(format!("the chain's runtime is not one of Asterism: {e}"))
}

/// Where a chain's vote journal is.
pub fn journal(config: &Configuration) -> PathBuf {
	config
		.base_path
		.config_dir(config.chain_spec.id())
		.join("consensus")
}

/// Spawns the tasks of a command. A node fails when an essential task ends; a command ends its own with its work, which
/// is no failure.
#[derive(Clone)]
struct CommandTasks(SpawnTaskHandle);

impl SpawnEssentialNamed for CommandTasks {
	fn spawn_essential_blocking(
		&self,
		name: &'static str,
		group: Option<&'static str>,
		future: BoxFuture<'static, ()>,
	) {
		self.0.spawn_blocking(name, group, future);
	}

	fn spawn_essential(
		&self,
		name: &'static str,
		group: Option<&'static str>,
		future: BoxFuture<'static, ()>,
	) {
		self.0.spawn(name, group, future);
	}
}

/// Opens a chain's database for a command that works on it and ends. `root` is the root chain, for a transaction chain.
///
/// # Errors
/// If the database, the keystore or telemetry can't be opened.
pub fn open(config: &Configuration, chain: ChainId, root: Option<&Opened>) -> Result<Opened, ServiceError> {
	let root = root.map(|root| (root.client.clone(), root.executor.clone()));
	open_beside(config, chain, root, |tasks| {
		Box::new(CommandTasks(tasks.spawn_handle()))
	})
}

/// Opens a chain's database for a node, as [`open`] does for a command.
fn open_node(
	config: &Configuration,
	chain: ChainId,
	root: Option<(Arc<Client>, Executor)>,
) -> Result<Opened, ServiceError> {
	open_beside(config, chain, root, |tasks| {
		Box::new(tasks.spawn_essential_handle())
	})
}

/// The folder in the base path in which compiled runtimes are kept.
const RUNTIMES: &str = "runtimes";

/// What executes runtimes, as `sc_service::new_wasm_executor` makes it, with what it compiled on disk: else each start would
/// compile for seconds.
fn executor(config: &Configuration) -> Executor {
	let config_of = &config.executor;
	let heap = match config_of.default_heap_pages {
		Some(pages) => HeapAllocStrategy::Static {
			extra_pages: pages as u32,
		},
		None => DEFAULT_HEAP_ALLOC_STRATEGY,
	};
	Executor::builder()
		.with_execution_method(config_of.wasm_method)
		.with_onchain_heap_alloc_strategy(heap)
		.with_offchain_heap_alloc_strategy(heap)
		.with_max_runtime_instances(config_of.max_runtime_instances)
		.with_runtime_cache_size(config_of.runtime_cache_size)
		.with_cache_path(config.base_path.path().join(RUNTIMES))
		.build()
}

/// Makes a pool follow the chain that ends with a block.
fn follow(pool: Arc<Pool>) -> Follow {
	Box::new(move |hash| {
		let pool = pool.clone();
		Box::pin(async move {
			// The pool computes the route itself.
			let tree_route = None;
			pool.maintain(ChainEvent::NewBestBlock { hash, tree_route }).await
		})
	})
}

/// Opens a chain's database beside a root client, whose executor it shares: a runtime is compiled once in a process.
fn open_beside(
	config: &Configuration,
	chain: ChainId,
	root: Option<(Arc<Client>, Executor)>,
	essential: fn(&TaskManager) -> Box<dyn SpawnEssentialNamed>,
) -> Result<Opened, ServiceError> {
	let telemetry = config
		.telemetry_endpoints
		.clone()
		.filter(|endpoints| !endpoints.is_empty())
		.map(|endpoints| -> Result<_, ServiceError> {
			let worker = TelemetryWorker::new(16)?;
			let telemetry = worker.handle().new_telemetry(endpoints);
			Ok((worker, telemetry))
		})
		.transpose()?;
	let (root, executor) = match root {
		Some((client, executor)) => (Some(client), executor),
		None => (None, executor(config)),
	};
	let (client, backend, keystore, task_manager) = new_full_parts::<OpaqueBlock, RuntimeApi, _>(
		config,
		telemetry.as_ref().map(|(_, telemetry)| telemetry.handle()),
		executor.clone(),
		Vec::new(),
	)?;
	let client: Arc<Client> = Arc::new(client);
	let keystore: KeystorePtr = Arc::new(NodeKeystore::new(keystore.local_keystore()));
	let telemetry = telemetry.map(|(worker, telemetry)| {
		task_manager.spawn_handle().spawn("telemetry", None, worker.run());
		telemetry
	});

	let genesis = client.info().genesis_hash;
	let claimed = client
		.runtime_api()
		.chain_id(client.info().finalized_hash)
		.map_err(api_error)?;
	if claimed != chain {
		return Err(ServiceError::Other(format!(
			"chain spec {}: chainId is {chain}, but its state says chain {claimed}",
			config.chain_spec.id()
		)));
	}
	let source = Arc::new(RootCommittees::new(root.unwrap_or_else(|| client.clone()), chain));
	let certifier = Arc::new(Certifier::new(Realm { chain, genesis }, source));

	let evidence = Arc::new(EvidenceStore::new(backend.clone()));
	let witness: Arc<dyn Witness> = Arc::new(Forks::new(
		ClientFinal(client.clone()),
		certifier.clone(),
		evidence.clone(),
	));

	let registry = config.prometheus_registry();
	if let Some(registry) = registry {
		evidence.register(registry)?;
	}
	let essential = essential(&task_manager);
	let pool: Arc<Pool> = Arc::from(
		PoolBuilder::new(
			essential.clone(),
			client.clone(),
			config.role.is_authority().into(),
		)
		.with_options(config.transaction_pool.clone())
		.with_prometheus(registry)
		.build(),
	);
	let import_queue = import::import_queue::<_, Backend>(
		client.clone(),
		Box::new(client.clone()),
		certifier.clone(),
		witness.clone(),
		follow(pool.clone()),
		&essential,
		registry,
	);
	Ok(Opened {
		client,
		backend,
		import_queue,
		task_manager,
		executor,
		keystore,
		certifier,
		evidence,
		witness,
		pool,
		telemetry,
	})
}

/// Starts a root node. `sources` are the transaction chains in this process, as they start; `served` all that will.
///
/// # Errors
/// If the node can't be started.
pub async fn start_root(
	config: Configuration,
	sources: LocalSources,
	served: Vec<ChainId>,
) -> Result<RootNode, ServiceError> {
	match config.network.network_backend {
		NetworkBackendType::Libp2p => start_root_on::<NetworkWorker<_, _>>(config, sources, served),
		NetworkBackendType::Litep2p => start_root_on::<Litep2pNetworkBackend>(config, sources, served),
	}
}

fn start_root_on<N: NetworkBackend<OpaqueBlock, Hash>>(
	mut config: Configuration,
	sources: LocalSources,
	served: Vec<ChainId>,
) -> Result<RootNode, ServiceError> {
	let _prefix = log_prefix(ChainId::ROOT).entered();
	// Blocks are announced when they are final: whoever pulls one gets its certificate with it.
	config.announce_block = false;
	let opened = open_node(&config, ChainId::ROOT, None)?;
	let registry = config.prometheus_registry().cloned();
	let genesis = opened.client.info().genesis_hash;
	let fork_id = config.chain_spec.fork_id().map(String::from);

	let mut net_config = FullNetworkConfiguration::<_, _, N>::new(&config.network, registry.clone());
	let (server, server_config) =
		request_response_config::<N>(genesis, fork_id.as_deref(), sources.clone(), registry.as_ref());
	let messages_protocol = server.protocol_name();
	net_config.add_request_response_protocol(server_config);
	let (chains, chains_config) = ChainsProtocol::new::<N>(
		genesis,
		fork_id.as_deref(),
		served.clone(),
		N::register_notification_metrics(registry.as_ref()),
		net_config.peer_store_handle(),
	);
	let serving = chains.peers();
	net_config.add_notification_protocol(chains_config);

	let (client, pool, executor) = (
		opened.client.clone(),
		opened.pool.clone(),
		opened.executor.clone(),
	);
	let committees_of = ServedChains::new(served.iter().copied().chain([ChainId::ROOT]));
	let seeds = SeedHandle::default();
	let tier = RootTier(BeaconInherents::new(client.clone(), seeds.clone()));
	let keystore = opened.keystore.clone();
	let shares = shares(&config);
	let running = start_chain::<N, _>(
		config,
		ChainId::ROOT,
		opened,
		net_config,
		None,
		&committees_of,
		tier,
	)?;
	let Running {
		task_manager,
		network,
		sync,
		members,
	} = running;
	let handle = task_manager.spawn_handle();
	let mut ready = ReadyHandle::default();
	if let (Some(members), Some(directory)) = (members, shares) {
		let (beacon, handle_of_shares) = run_beacon(BeaconParams {
			client: client.clone(),
			pool: pool.clone(),
			channel: BeaconChannel(members),
			keystore: keystore.clone(),
			directory,
			seeds,
			registry: registry.clone(),
		})
		.map_err(|e| ServiceError::Other(format!("the beacon's shares: {e}")))?;
		handle.spawn_blocking("beacon", Some("consensus"), beacon);
		ready = handle_of_shares;
	}
	let committees = run_committees(CommitteesParams {
		client: client.clone(),
		pool: pool.clone(),
		sync: sync.clone(),
		keystore,
		served: committees_of.clone(),
		shares: ready,
		registry: registry.clone(),
	});
	handle.spawn_blocking("committees", Some("consensus"), committees);
	handle.spawn_blocking("messages-server", Some("messages"), server.run());
	handle.spawn(
		"messages-chains",
		Some("messages"),
		chains.run(network.clone(), sync.clone()),
	);
	Ok(RootNode {
		task_manager,
		handle: RootHandle {
			client,
			executor,
			pool,
			sync,
			network,
			sources,
			serving,
			committees_of,
			messages_protocol,
			tracers: Tracers::default(),
		},
	})
}

/// Starts the node of a transaction chain beside the root node in this process.
///
/// # Errors
/// If the node can't be started.
pub async fn start_transaction(
	config: Configuration,
	chain: ChainId,
	root: &RootHandle,
) -> Result<TaskManager, ServiceError> {
	match config.network.network_backend {
		NetworkBackendType::Libp2p => start_transaction_on::<NetworkWorker<_, _>>(config, chain, root),
		NetworkBackendType::Litep2p => start_transaction_on::<Litep2pNetworkBackend>(config, chain, root),
	}
}

fn start_transaction_on<N: NetworkBackend<OpaqueBlock, Hash>>(
	mut config: Configuration,
	chain: ChainId,
	root: &RootHandle,
) -> Result<TaskManager, ServiceError> {
	let _prefix = log_prefix(chain).entered();
	config.announce_block = false;
	let opened = open_node(&config, chain, Some((root.client.clone(), root.executor.clone())))?;
	let registry = config.prometheus_registry().cloned();
	let net_config = FullNetworkConfiguration::<_, _, N>::new(&config.network, registry.clone());
	let client = opened.client.clone();

	root.sources
		.insert(chain, Arc::new(ClientSource::new(client.clone())));
	root.tracers
		.insert(chain, Arc::new(ClientHistory::new(client.clone())));
	let deliveries = DeliveryPool::default();
	let tier = TransactionTier {
		root: root.client.clone(),
		inherents: CourierInherents::new(chain, client.clone(), root.client.clone(), deliveries.clone()),
	};
	let keystore = opened.keystore.clone();
	let certifier = opened.certifier.clone();
	let is_authority = config.role.is_authority();
	let running = start_chain::<N, _>(
		config,
		chain,
		opened,
		net_config,
		Some(root),
		&root.committees_of,
		tier,
	)?;
	let task_manager = running.task_manager;

	let handle = task_manager.spawn_handle();
	let courier = run_courier(CourierParams {
		chain,
		client: client.clone(),
		root_client: root.client.clone(),
		sources: root.sources.clone(),
		peers: root.serving.clone(),
		fetch: Arc::new(NetworkFetch::new(
			root.network.clone(),
			root.messages_protocol.clone(),
		)),
		pool: deliveries,
		registry: registry.clone(),
	});
	handle.spawn_blocking("messages-courier", Some("messages"), courier);

	let keys = is_authority.then(|| keys::Keys::new(keystore));
	let delay = Arc::new(move || turn(keys.as_ref().and_then(|keys| place(keys, &certifier))));
	let submitter = run_checkpoint_submitter(CheckpointSubmitterParams {
		chain,
		client,
		root_client: root.client.clone(),
		root_pool: root.pool.clone(),
		root_sync: root.sync.clone(),
		delay,
		registry,
	});
	handle.spawn_blocking("checkpoint-submitter", Some("checkpoints"), submitter);
	Ok(task_manager)
}

/// This node's place in the committee that serves now.
fn place(keys: &keys::Keys, certifier: &Certifier) -> Option<usize> {
	let source = certifier.source();
	let committee = source.epoch().and_then(|epoch| source.committee(epoch))?;
	let (member, _) = keys.membership(&committee).ok()??;
	committee.members().iter().position(|m| m.id == member.id)
}

/// How long a node waits with a checkpoint. Members take turns, so that usually one submission is made; everybody else waits
/// longer still.
fn turn(place: Option<usize>) -> Duration {
	const STEP: Duration = Duration::from_millis(200);
	STEP * place.and_then(|place| u32::try_from(place).ok()).unwrap_or(16)
}

/// The tier of transaction chains: a block brings in a final root block and messages that it proves.
struct TransactionTier {
	root: Arc<Client>,
	inherents: CourierInherents<Client, Client>,
}

#[async_trait]
impl Tier for TransactionTier {
	async fn provide(&self, parent: Hash, data: &mut InherentData) -> Result<(), String> {
		let inherents = self.inherents.clone();
		let provider = tokio::task::spawn_blocking(move || inherents.at(parent))
			.await
			.map_err(|e| e.to_string())?;
		provider
			.provide_inherent_data(data)
			.await
			.map_err(|e| e.to_string())
	}

	fn check(&self, _: &Header, header: &Header) -> Verdict {
		let Some(root) = digest::root_ref(header.digest()) else {
			return Verdict::Valid;
		};
		let info = self.root.info();
		if root.number > info.finalized_number {
			return Verdict::Unknown(format!("root block {} is not final here yet", root.number));
		}
		match self.root.hash(root.number) {
			Ok(Some(hash)) if hash == root.hash => Verdict::Valid,
			Ok(_) => Verdict::Invalid(format!(
				"it builds on root block {} ({}), which is not the final one",
				root.number, root.hash
			)),
			Err(e) => Verdict::Unknown(e.to_string()),
		}
	}
}

/// Where a root node's shares of the beacon's key are: beside the keys in its keystore. `None` if that is in memory.
fn shares(config: &Configuration) -> Option<PathBuf> {
	match &config.keystore {
		KeystoreConfig::Path { path, .. } => Some(path.join(asterism_beacon::ceremony::SHARES)),
		KeystoreConfig::InMemory => None,
	}
}

/// How often members publish where they are if that is news, and look for each other. The members of the next committee are
/// known for less than half of an epoch before they must be connected.
fn rendezvous(parameters: &ChainParameters) -> Duration {
	const RARELY: Duration = Duration::from_secs(60);
	const OFTEN: Duration = Duration::from_secs(2);
	if parameters.epoch_length == 0 {
		return RARELY;
	}
	let epoch = u64::from(parameters.block_interval) * u64::from(parameters.epoch_length);
	Duration::from_millis(epoch / 16).clamp(OFTEN, RARELY)
}

/// A node that runs.
struct Running {
	task_manager: TaskManager,
	network: Arc<dyn NetworkService>,
	sync: Arc<SyncingService<OpaqueBlock>>,
	/// The lane among the members of committees, if the node may be one.
	members: Option<MembersLane>,
}

struct KeptEvidence(Arc<EvidenceStore<Backend>>);

impl asterism_rpc::EvidenceSource for KeptEvidence {
	fn evidence(&self) -> Vec<Vec<u8>> {
		self.0.encoded()
	}
}

/// What both tiers have in common: network, RPC, consensus.
fn start_chain<N: NetworkBackend<OpaqueBlock, Hash>, T: Tier>(
	config: Configuration,
	chain: ChainId,
	opened: Opened,
	mut net_config: FullNetworkConfiguration<OpaqueBlock, Hash, N>,
	root: Option<&RootHandle>,
	committees_of: &ServedChains,
	tier: T,
) -> Result<Running, ServiceError> {
	let Opened {
		client,
		backend,
		import_queue,
		mut task_manager,
		keystore,
		certifier,
		evidence,
		witness,
		pool,
		mut telemetry,
		..
	} = opened;
	let registry = config.prometheus_registry().cloned();
	let realm = certifier.realm();
	let metrics = N::register_notification_metrics(registry.as_ref());
	let (committee_config, notifications) = committee_network::notification_config::<OpaqueBlock, N>(
		committee_network::protocol_name(realm, config.chain_spec.fork_id()),
		metrics.clone(),
		net_config.peer_store_handle(),
	);
	net_config.add_notification_protocol(committee_config);
	let (blocks_config, block_notifications) = broadcast::notification_config::<OpaqueBlock, N>(
		broadcast::protocol_name(realm, config.chain_spec.fork_id()),
		metrics.clone(),
		net_config.peer_store_handle(),
	);
	net_config.add_notification_protocol(blocks_config);
	let import = import_queue.service();

	let (network, system_rpc_tx, tx_handler_controller, sync, _) = build_network(BuildNetworkParams {
		config: &config,
		net_config,
		client: client.clone(),
		transaction_pool: pool.clone(),
		spawn_handle: task_manager.spawn_handle(),
		spawn_essential_handle: task_manager.spawn_essential_handle(),
		import_queue,
		block_announce_validator_builder: None,
		warp_sync_config: None,
		block_relay: None,
		metrics,
		gap_sync_body_policy: None,
	})?;

	let broadcast = broadcast::run(broadcast::BroadcastParams {
		client: client.clone(),
		certifier: certifier.clone(),
		witness: witness.clone(),
		import,
		network: network.clone(),
		sync: sync.clone(),
		notifications: block_notifications,
		metrics: BroadcastMetrics::new(registry.as_ref())?,
	});
	task_manager
		.spawn_handle()
		.spawn_blocking("broadcast", Some("networking"), broadcast);

	if config.offchain_worker.enabled {
		let workers = sc_offchain::OffchainWorkers::new(sc_offchain::OffchainWorkerOptions {
			runtime_api_provider: client.clone(),
			is_validator: config.role.is_authority(),
			keystore: Some(keystore.clone()),
			offchain_db: backend.offchain_storage(),
			transaction_pool: Some(OffchainTransactionPoolFactory::new(pool.clone())),
			network_provider: Arc::new(network.clone()),
			enable_http_requests: false,
			custom_extensions: |_| vec![],
		})?;
		task_manager.spawn_handle().spawn(
			"offchain-workers-runner",
			Some("offchain-worker"),
			workers.run(client.clone(), task_manager.spawn_handle()).boxed(),
		);
	}

	let rpc_builder = {
		let (client, pool, sync, evidence, root) = (
			client.clone(),
			pool.clone(),
			sync.clone(),
			evidence.clone(),
			root.cloned(),
		);
		Box::new(move |_| {
			let evidence = Arc::new(KeptEvidence(evidence.clone()));
			let (client, pool, sync) = (client.clone(), pool.clone(), Arc::new(sync.clone()));
			let module = match root.clone() {
				None => asterism_rpc::root_full(asterism_rpc::RootDeps {
					client,
					pool,
					sync,
					evidence,
				}),
				Some(root) => asterism_rpc::transaction_full(asterism_rpc::TransactionDeps {
					chain,
					client,
					pool,
					sync,
					evidence,
					root_client: root.client,
					root_sync: Arc::new(root.sync),
					tracers: root.tracers,
				}),
			};
			module.map_err(|e| ServiceError::Other(format!("JSON-RPC: {e}")))
		})
	};

	let role = config.role;
	let name = config.network.node_name.clone();
	let dev_seed = config.dev_key_seed.clone();
	let mut public_addresses = config.network.public_addresses.clone();
	if public_addresses.is_empty()
		&& matches!(
			config.chain_spec.chain_type(),
			ChainType::Local | ChainType::Development
		) {
		// The members of such a chain are on one machine, or close by: where a node listens is where the others reach it.
		public_addresses = network.listen_addresses();
	}
	let publish_local = config.network.allow_non_globals_in_dht;
	let net_config_path = config.network.net_config_path.clone();
	let journal = journal(&config);
	let keys = keys::Keys::new(keystore.clone());

	spawn_tasks(SpawnTasksParams {
		config,
		client: client.clone(),
		backend: backend.clone(),
		task_manager: &mut task_manager,
		keystore: keystore.clone(),
		transaction_pool: pool.clone(),
		rpc_builder,
		network: network.clone(),
		system_rpc_tx,
		tx_handler_controller,
		sync_service: sync.clone(),
		telemetry: telemetry.as_mut(),
		tracing_execute_block: None,
	})?;

	let parameters = client
		.runtime_api()
		.parameters(client.info().finalized_hash)
		.map_err(api_error)?;
	let discovery_role = if role.is_authority() {
		sc_authority_discovery::Role::PublishAndDiscover(keystore.clone())
	} else {
		sc_authority_discovery::Role::Discover
	};
	let dht_events = network
		.event_stream("authority-discovery")
		.filter_map(|event| async move {
			match event {
				Event::Dht(event) => Some(event),
				_ => None,
			}
		});
	let (discovery_worker, discovery) = sc_authority_discovery::new_worker_and_service_with_config(
		sc_authority_discovery::WorkerConfig {
			publish_non_global_ips: publish_local,
			public_addresses,
			strict_record_validation: true,
			// A committee is small, and waits for its members.
			max_query_interval: rendezvous(&parameters),
			// How soon a node publishes where it is once it is a member.
			keystore_refresh_interval: rendezvous(&parameters),
			persisted_cache_directory: net_config_path,
			..Default::default()
		},
		Arc::new(worker::Members {
			client: client.clone(),
			certifier: certifier.clone(),
		}),
		Arc::new(network.clone()),
		Box::pin(dht_events),
		discovery_role,
		registry.clone(),
		task_manager.spawn_handle(),
	);
	task_manager
		.spawn_handle()
		.spawn("authority-discovery", Some("networking"), discovery_worker.run());

	let members = if role.is_authority() {
		if let Some(seed) = dev_seed {
			keys::insert(&*keystore, &seed, None).map_err(|e| ServiceError::Other(e.to_string()))?;
		}
		let interval = Duration::from_millis(parameters.block_interval.into());
		let follow = follow(pool.clone());
		let proposers = ProposerFactory::new(
			task_manager.spawn_handle(),
			client.clone(),
			pool,
			registry.as_ref(),
			telemetry.as_ref().map(|t| t.handle()),
		);
		let chain_of_consensus = Arc::new(ClientChain::<_, Backend, _, _>::new(
			client.clone(),
			proposers,
			tier,
			follow,
		));
		let metrics = Metrics::new(registry.as_ref())?;
		committees_of.insert(
			chain,
			Served {
				progress: Arc::new(ClientProgress::new(client)),
				keys: keys.clone(),
				evidence: evidence.clone(),
			},
		);
		let (worker, members) = worker::run(worker::WorkerParams {
			chain: chain_of_consensus,
			certifier,
			keys,
			interval,
			directory: journal,
			network: network.clone(),
			notifications,
			discovery,
			evidence,
			witness,
			// The root committees pass the beacon's key on.
			acquaint: chain.is_root(),
			metrics,
		});
		task_manager
			.spawn_essential_handle()
			.spawn("committee", Some("consensus"), worker);
		Some(members)
	} else {
		committees_of.follows(chain);
		// A node that follows opens no committee channel; the handle is kept, or the protocol would be closed.
		task_manager
			.spawn_handle()
			.spawn("committee-closed", Some("consensus"), decline(notifications));
		None
	};
	info!("🌌 chain {chain} runs as {name}");
	Ok(Running {
		task_manager,
		network,
		sync,
		members,
	})
}

/// Refuses everybody who knocks at the committee's channel of a node that is no member.
async fn decline(mut notifications: Box<dyn polkadot_sdk::sc_network::service::traits::NotificationService>) {
	use polkadot_sdk::sc_network::service::traits::{NotificationEvent, ValidationResult};
	while let Some(event) = notifications.next_event().await {
		if let NotificationEvent::ValidateInboundSubstream { result_tx, .. } = event {
			let _ = result_tx.send(ValidationResult::Reject);
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use polkadot_sdk::{
		sc_executor::error::{Error as ExecutorError, MessageWithBacktrace},
		sp_blockchain::Error as ClientError,
		sp_consensus::Error as ConsensusError,
	};

	/// Consensus tells by what the client says whether a block is to blame.
	#[test]
	fn a_runtime_that_refuses_a_block_is_told_from_a_host_that_fails() {
		let says = |error: ExecutorError| {
			let error = ClientError::Execution(Box::new(error));
			let error = ClientError::RuntimeApiError(error.into());
			ConsensusError::ClientImport(error.to_string())
		};
		let message = || MessageWithBacktrace {
			message: "Digest item must match that calculated.".into(),
			backtrace: None,
		};
		for refusal in [
			ExecutorError::AbortedDueToPanic(message()),
			ExecutorError::AbortedDueToTrap(message()),
		] {
			assert!(import::is_blocks_fault(&says(refusal)));
		}
		for failure in [
			ExecutorError::RuntimePanicked("Externalities not allowed to fail within runtime".into()),
			ExecutorError::Other("no instance is free".into()),
		] {
			assert!(!import::is_blocks_fault(&says(failure)));
		}
	}
}
