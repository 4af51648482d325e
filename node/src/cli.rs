//! What can be said on the command line.

use asterism_primitives::{AccountId, Hash};
use clap::{CommandFactory, FromArgMatches, Parser};
use polkadot_sdk::sc_telemetry::TelemetryEndpoints;
use sc_cli::{
	CliConfiguration, DefaultConfigurationValues, ImportParams, KeystoreParams, NetworkParams, RpcEndpoint,
	RunCmd, SharedParams, SubstrateCli,
};
use sc_service::{
	config::{PrometheusConfig, RpcBatchRequestConfig, TransactionPoolOptions},
	BasePath, Role,
};
use std::path::PathBuf;

/// The address space of chains of one process: chain `n` listens `n` ports above the root chain.
pub const P2P_PORT: u16 = 30333;
/// The root chain's JSON-RPC port.
pub const RPC_PORT: u16 = 9944;
/// The root chain's Prometheus port.
pub const PROMETHEUS_PORT: u16 = 9615;

/// A node of an Asterism network.
///
/// `asterism --chain root.json` runs a node of the root chain. `asterism --chain 1.json -- --chain root.json` runs a node of
/// a transaction chain together with a root node in the same process; what follows `--` is for the root node.
/// `asterism --network specs` runs nodes of all chains whose specs are in a folder. `asterism --dev` runs a whole small network.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Cli {
	/// Something else than running a node.
	#[command(subcommand)]
	pub subcommand: Option<Subcommand>,

	/// How to run.
	#[command(flatten)]
	pub run: RunCmd,

	/// Runs the root chain and every transaction chain whose spec is in this folder, in one process: a node that serves any
	/// committee that it is elected to. Chain n listens n ports above the given ones. They share one keystore if
	/// --keystore-path is given.
	#[arg(long, value_name = "FOLDER")]
	pub network: Option<PathBuf>,

	/// Arguments of the embedded root node, for a node of a transaction chain.
	#[arg(raw = true)]
	pub root_args: Vec<String>,
}

/// Everything else than running a node.
#[derive(Debug, clap::Subcommand)]
#[allow(clippy::large_enum_variant)]
pub enum Subcommand {
	/// Makes, shows and inserts keys.
	#[command(subcommand)]
	Key(KeyCmd),

	/// Makes the chain specs of a network from a network file.
	BuildNetwork(BuildNetworkCmd),

	/// Prints how many members a committee needs so that it hardly ever fails.
	CommitteeSize(crate::committee_size::CommitteeSizeCmd),

	/// Asks a node of a transaction chain about actors: what they are, what a call would do, what a message caused.
	Actors(crate::actors::ActorsCmd),

	/// Makes the key of the random beacon, in a ceremony among the members of the first root committee.
	#[command(subcommand)]
	Beacon(asterism_beacon::ceremony::BeaconCmd),

	/// Prints a chain spec.
	#[allow(deprecated)]
	BuildSpec(sc_cli::BuildSpecCmd),

	/// Prints a chain spec, without default boot nodes.
	ExportChainSpec(sc_cli::ExportChainSpecCmd),

	/// Executes a block again.
	CheckBlock(sc_cli::CheckBlockCmd),

	/// Writes blocks to a file.
	ExportBlocks(sc_cli::ExportBlocksCmd),

	/// Writes the state of a block as a chain spec.
	ExportState(sc_cli::ExportStateCmd),

	/// Reads blocks from a file, verifying their certificates.
	ImportBlocks(sc_cli::ImportBlocksCmd),

	/// Removes a chain's database and vote journal.
	PurgeChain(sc_cli::PurgeChainCmd),

	/// Takes back blocks that are not final.
	Revert(sc_cli::RevertCmd),

	/// Measures pallets, blocks, the database or the machine.
	#[cfg(feature = "runtime-benchmarks")]
	#[command(subcommand)]
	Benchmark(polkadot_sdk::frame_benchmarking_cli::BenchmarkCmd),
}

/// Key commands: Substrate's, and those of committee members.
#[derive(Debug, clap::Subcommand)]
#[allow(clippy::large_enum_variant)]
pub enum KeyCmd {
	/// Substrate's key commands.
	#[command(flatten)]
	Substrate(sc_cli::KeySubcommand),

	/// Prints the identity, the sortition and the consensus key of a secret URI.
	InspectMember(InspectMemberCmd),

	/// Inserts the identity, the sortition and the consensus key of a secret URI into a node's keystore.
	InsertMember(InsertMemberCmd),

	/// Prints the keys of a secret URI and the proof that they are an account's, to register a node with or to replace its keys:
	/// what author_rotateKeysWithOwner answers for new keys. Needs no node.
	ProveMember(ProveMemberCmd),
}

/// Prints a member's public keys.
#[derive(Debug, Parser)]
pub struct InspectMemberCmd {
	/// The secret URI: a phrase or seed with hard junctions only. Read from standard input if it is not given.
	#[arg(long)]
	pub suri: Option<String>,

	#[allow(missing_docs)]
	#[command(flatten)]
	pub keystore_params: KeystoreParams,
}

/// Proves that a member's keys are an account's.
#[derive(Debug, Parser)]
pub struct ProveMemberCmd {
	/// The secret URI: a phrase or seed with hard junctions only. Read from standard input if it is not given.
	#[arg(long)]
	pub suri: Option<String>,

	/// The account that registers the node: its operator.
	#[arg(long)]
	pub owner: AccountId,

	/// The root chain's spec.
	#[arg(long, required_unless_present = "genesis", conflicts_with = "genesis")]
	pub chain: Option<String>,

	/// The hash of the root chain's genesis block, in place of its spec.
	#[arg(long)]
	pub genesis: Option<Hash>,

	#[allow(missing_docs)]
	#[command(flatten)]
	pub keystore_params: KeystoreParams,
}

/// Inserts a member's keys into the keystore that `--keystore-path` names, or else into that of the node with this `--chain` and
/// `--base-path`.
#[derive(Debug, Parser)]
pub struct InsertMemberCmd {
	/// The secret URI: a phrase or seed with hard junctions only. Read from standard input if it is not given.
	#[arg(long)]
	pub suri: Option<String>,

	#[allow(missing_docs)]
	#[command(flatten)]
	pub shared_params: SharedParams,

	#[allow(missing_docs)]
	#[command(flatten)]
	pub keystore_params: KeystoreParams,
}

impl CliConfiguration for InsertMemberCmd {
	fn shared_params(&self) -> &SharedParams {
		&self.shared_params
	}

	fn keystore_params(&self) -> Option<&KeystoreParams> {
		Some(&self.keystore_params)
	}
}

/// Makes chain specs.
#[derive(Debug, Parser)]
pub struct BuildNetworkCmd {
	/// The network file.
	pub file: PathBuf,

	/// The folder to write `<network>-root.json`, `<network>-1.json`, … to.
	#[arg(long, short, default_value = ".")]
	pub output: PathBuf,

	/// Writes storage keys and values: the form to distribute.
	#[arg(long)]
	pub raw: bool,
}

/// Makes the single-state pool the default: finality follows within a block here, so there are no long forks to track,
/// and the fork-aware pool of this release can panic when its views change during a submission.
fn single_state_pool(command: clap::Command) -> clap::Command {
	command.mut_arg("pool_type", |arg| arg.default_value("single-state"))
}

impl Cli {
	/// Parses the process's command line; tells the operator what is wrong with it and ends the process if anything is.
	pub fn parse_args() -> Self {
		let command = single_state_pool(Self::setup_command(Self::command()));
		Self::from_arg_matches(&command.get_matches()).unwrap_or_else(|e| e.exit())
	}
}

impl SubstrateCli for Cli {
	fn impl_name() -> String {
		"Asterism".into()
	}

	fn impl_version() -> String {
		env!("CARGO_PKG_VERSION").into()
	}

	fn description() -> String {
		env!("CARGO_PKG_DESCRIPTION").into()
	}

	fn author() -> String {
		env!("CARGO_PKG_AUTHORS").into()
	}

	fn support_url() -> String {
		"the README's section on support".into()
	}

	fn copyright_start_year() -> i32 {
		2026
	}

	fn load_spec(&self, id: &str) -> Result<Box<dyn sc_service::ChainSpec>, String> {
		crate::specs::load(id)
	}
}

/// The command line of the embedded root node: what follows `--`.
#[derive(Debug)]
pub struct RootCli {
	/// How to run it.
	pub run: RunCmd,
	chain: Option<String>,
	base_path: PathBuf,
}

impl RootCli {
	/// Parses the arguments after `--`. `chain` is the root chain that the transaction chain's spec names, `base_path` the
	/// transaction node's.
	pub fn parse(args: &[String], chain: Option<String>, base_path: &std::path::Path) -> Self {
		let command = single_state_pool(RunCmd::command())
			.no_binary_name(true)
			.name("asterism … --");
		let matches = command.get_matches_from(args);
		let run = RunCmd::from_arg_matches(&matches).unwrap_or_else(|e| e.exit());
		RootCli {
			run,
			chain,
			base_path: base_path.join("root"),
		}
	}
}

impl SubstrateCli for RootCli {
	fn impl_name() -> String {
		Cli::impl_name()
	}
	fn impl_version() -> String {
		Cli::impl_version()
	}
	fn description() -> String {
		Cli::description()
	}
	fn author() -> String {
		Cli::author()
	}
	fn support_url() -> String {
		Cli::support_url()
	}
	fn copyright_start_year() -> i32 {
		Cli::copyright_start_year()
	}
	fn load_spec(&self, id: &str) -> Result<Box<dyn sc_service::ChainSpec>, String> {
		crate::specs::load(id)
	}
}

impl DefaultConfigurationValues for RootCli {
	fn p2p_listen_port() -> u16 {
		P2P_PORT + 1
	}
	fn rpc_listen_port() -> u16 {
		RPC_PORT + 1
	}
	fn prometheus_listen_port() -> u16 {
		PROMETHEUS_PORT + 1
	}
}

impl CliConfiguration<Self> for RootCli {
	fn shared_params(&self) -> &SharedParams {
		self.run.shared_params()
	}
	fn import_params(&self) -> Option<&ImportParams> {
		self.run.import_params()
	}
	fn network_params(&self) -> Option<&NetworkParams> {
		self.run.network_params()
	}
	fn keystore_params(&self) -> Option<&KeystoreParams> {
		self.run.keystore_params()
	}
	fn base_path(&self) -> sc_cli::Result<Option<BasePath>> {
		Ok(self
			.shared_params()
			.base_path()?
			.or_else(|| Some(BasePath::new(self.base_path.clone()))))
	}
	fn rpc_addr(&self, default_listen_port: u16) -> sc_cli::Result<Option<Vec<RpcEndpoint>>> {
		self.run.rpc_addr(default_listen_port)
	}
	fn prometheus_config(
		&self,
		default_listen_port: u16,
		spec: &Box<dyn sc_service::ChainSpec>,
	) -> sc_cli::Result<Option<PrometheusConfig>> {
		self.run.prometheus_config(default_listen_port, spec)
	}
	fn init<F>(&self, _: &String, _: &String, _: F) -> sc_cli::Result<()>
	where
		F: FnOnce(&mut sc_cli::LoggerBuilder),
	{
		unreachable!("the logger is set up by the transaction node's command line")
	}
	fn chain_id(&self, is_dev: bool) -> sc_cli::Result<String> {
		let given = self.run.chain_id(is_dev)?;
		Ok(if given.is_empty() {
			self.chain.clone().unwrap_or_default()
		} else {
			given
		})
	}
	fn role(&self, is_dev: bool) -> sc_cli::Result<Role> {
		self.run.role(is_dev)
	}
	fn transaction_pool(&self, is_dev: bool) -> sc_cli::Result<TransactionPoolOptions> {
		self.run.transaction_pool(is_dev)
	}
	fn rpc_methods(&self) -> sc_cli::Result<sc_service::config::RpcMethods> {
		self.run.rpc_methods()
	}
	fn rpc_max_connections(&self) -> sc_cli::Result<u32> {
		self.run.rpc_max_connections()
	}
	fn rpc_cors(&self, is_dev: bool) -> sc_cli::Result<Option<Vec<String>>> {
		self.run.rpc_cors(is_dev)
	}
	fn rpc_batch_config(&self) -> sc_cli::Result<RpcBatchRequestConfig> {
		self.run.rpc_batch_config()
	}
	fn telemetry_endpoints(
		&self,
		spec: &Box<dyn sc_service::ChainSpec>,
	) -> sc_cli::Result<Option<TelemetryEndpoints>> {
		self.run.telemetry_endpoints(spec)
	}
	fn network_config(
		&self,
		spec: &Box<dyn sc_service::ChainSpec>,
		is_dev: bool,
		is_validator: bool,
		net_config_dir: PathBuf,
		client_id: &str,
		node_name: &str,
		node_key: polkadot_sdk::sc_network::config::NodeKeyConfig,
		default_listen_port: u16,
	) -> sc_cli::Result<polkadot_sdk::sc_network::config::NetworkConfiguration> {
		self.run.network_config(
			spec,
			is_dev,
			is_validator,
			net_config_dir,
			client_id,
			node_name,
			node_key,
			default_listen_port,
		)
	}
	fn dev_key_seed(&self, is_dev: bool) -> sc_cli::Result<Option<String>> {
		self.run.dev_key_seed(is_dev)
	}
	fn node_name(&self) -> sc_cli::Result<String> {
		self.run.node_name()
	}
}
