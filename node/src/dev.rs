//! A whole network in one process: the root chain and each transaction chain of the development network, each with its
//! own ports, with one committee member each.

use crate::{
	cli::{Cli, P2P_PORT, PROMETHEUS_PORT, RPC_PORT},
	service, specs,
};
use asterism_messages::LocalSources;
use asterism_primitives::ChainId;
use log::info;
use sc_cli::{Result, RunCmd, SubstrateCli};
use sc_service::Configuration;

/// The command line of one of the chains.
fn for_chain(base: &RunCmd, network: &str, chain: ChainId) -> Result<RunCmd> {
	let up = |port: Option<u16>, default: u16| -> Result<u16> {
		let offset = u16::try_from(chain.0).map_err(|_| format!("chain {chain} has no port"))?;
		port.unwrap_or(default)
			.checked_add(offset)
			.ok_or_else(|| format!("port: chain {chain} would need one above 65535").into())
	};
	let mut run = base.clone();
	run.shared_params.chain = Some(if chain.is_root() {
		network.into()
	} else {
		format!("{network}-{chain}")
	});
	run.rpc_params.rpc_port = Some(up(base.rpc_params.rpc_port, RPC_PORT)?);
	run.network_params.port = Some(up(base.network_params.port, P2P_PORT)?);
	run.prometheus_params.prometheus_port =
		Some(up(base.prometheus_params.prometheus_port, PROMETHEUS_PORT)?);
	Ok(run)
}

fn endpoint(chain: ChainId, name: &str, config: &Configuration) -> Option<String> {
	let port = config.rpc.addr.as_ref()?.first()?.listen_addr.port();
	let what = if chain.is_root() {
		"root chain".to_string()
	} else {
		format!("chain {chain}")
	};
	Some(format!(
		"🌌 {what} ({name}): ws://127.0.0.1:{port}  https://polkadot.js.org/apps/?rpc=ws%3A%2F%2F127.0.0.1%3A{port}#/explorer"
	))
}

/// Runs the development network until the process is told to stop.
///
/// # Errors
/// What the operator should read.
pub fn run(cli: &Cli) -> Result<()> {
	let network = specs::development()?;
	let root_run = for_chain(&cli.run, "dev", ChainId::ROOT)?;
	let runner = cli.create_runner(&root_run)?;
	runner.run_node_until_exit(|config| async move {
		let base_path = config.base_path.path().to_path_buf();
		let mut configs = Vec::new();
		for chain in network.chains.keys().copied() {
			let mut run = for_chain(&cli.run, "dev", chain)?;
			// All chains live under one base path, a temporary one included, which the root node's configuration owns.
			run.shared_params.base_path = Some(base_path.clone());
			run.tmp = false;
			configs.push((
				chain,
				cli.create_configuration(&run, config.tokio_handle.clone())?,
			));
		}
		let served = configs.iter().map(|(chain, _)| *chain).collect();
		let mut endpoints: Vec<_> = endpoint(ChainId::ROOT, config.chain_spec.name(), &config)
			.into_iter()
			.collect();
		let root = service::start_root(config, LocalSources::default(), served).await?;
		let mut task_manager = root.task_manager;
		for (chain, config) in configs {
			endpoints.extend(endpoint(chain, config.chain_spec.name(), &config));
			task_manager.add_child(service::start_transaction(config, chain, &root.handle).await?);
		}
		for line in endpoints {
			info!("{line}");
		}
		Ok::<_, sc_cli::Error>(task_manager)
	})
}
