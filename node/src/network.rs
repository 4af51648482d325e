//! Several chains of a network in one process, each with its own ports: the development network, or the root chain and
//! every transaction chain of a folder of chain specs.

use crate::{
	cli::{Cli, P2P_PORT, PROMETHEUS_PORT, RPC_PORT},
	service, specs,
};
use asterism_messages::LocalSources;
use asterism_primitives::ChainId;
use log::info;
use sc_cli::{Result, RunCmd, SubstrateCli};
use sc_service::Configuration;
use std::{collections::BTreeMap, path::Path};

/// The chains to run, each with what names its spec on a command line.
pub type Chains = BTreeMap<ChainId, String>;

/// The chains of the development network.
///
/// # Errors
/// If its specs can't be made.
pub fn development() -> Result<Chains> {
	let name = |chain: ChainId| match chain {
		ChainId::ROOT => "dev".to_string(),
		chain => format!("dev-{chain}"),
	};
	let chains = specs::development()?.chains.keys().copied();
	Ok(chains
		.chain([ChainId::ROOT])
		.map(|chain| (chain, name(chain)))
		.collect())
}

/// The chains whose specs are in a folder: every file `*.json`.
///
/// # Errors
/// If a file is no chain spec, two are of one chain, or there is none of the root chain.
pub fn folder(path: &Path) -> Result<Chains> {
	let named = |e: &dyn std::fmt::Display| format!("--network {}: {e}", path.display());
	let entries = std::fs::read_dir(path).map_err(|e| named(&e))?;
	let mut chains = Chains::new();
	for entry in entries {
		let file = entry.map_err(|e| named(&e))?.path();
		if file.extension().is_none_or(|extension| extension != "json") {
			continue;
		}
		let name = file
			.to_str()
			.ok_or_else(|| named(&"expected file names in UTF-8"))?;
		let chain = specs::chain_id(&*specs::load(name)?).map_err(|e| format!("{name}: {e}"))?;
		if let Some(other) = chains.insert(chain, name.into()) {
			return Err(named(&format!("{other} and {name} are both of chain {chain}")).into());
		}
	}
	if !chains.contains_key(&ChainId::ROOT) {
		return Err(
			named(&"expected the chain specs of a network, that of its root chain among them").into(),
		);
	}
	Ok(chains)
}

/// The command line of one of the chains.
fn for_chain(base: &RunCmd, chain: ChainId, spec: &str) -> Result<RunCmd> {
	let up = |port: Option<u16>, default: u16| -> Result<u16> {
		let offset = u16::try_from(chain.0).map_err(|_| format!("chain {chain} has no port"))?;
		port.unwrap_or(default)
			.checked_add(offset)
			.ok_or_else(|| format!("port: chain {chain} would need one above 65535").into())
	};
	let mut run = base.clone();
	run.shared_params.chain = Some(spec.into());
	run.rpc_params.rpc_port = Some(up(base.rpc_params.rpc_port, RPC_PORT)?);
	run.network_params.port = Some(up(base.network_params.port, P2P_PORT)?);
	run.prometheus_params.prometheus_port =
		Some(up(base.prometheus_params.prometheus_port, PROMETHEUS_PORT)?);
	Ok(run)
}

fn endpoint(chain: ChainId, config: &Configuration) -> Option<String> {
	let port = config.rpc.addr.as_ref()?.first()?.listen_addr.port();
	let name = config.chain_spec.name();
	let what = if chain.is_root() {
		"root chain".to_string()
	} else {
		format!("chain {chain}")
	};
	Some(format!(
		"🌌 {what} ({name}): ws://127.0.0.1:{port}  https://polkadot.js.org/apps/?rpc=ws%3A%2F%2F127.0.0.1%3A{port}#/explorer"
	))
}

/// Runs the chains until the process is told to stop.
///
/// # Errors
/// What the operator should read.
pub fn run(cli: &Cli, mut chains: Chains) -> Result<()> {
	let root_spec = chains
		.remove(&ChainId::ROOT)
		.ok_or("expected a root chain among the chains to run")?;
	let root_run = for_chain(&cli.run, ChainId::ROOT, &root_spec)?;
	let runner = cli.create_runner(&root_run)?;
	runner.run_node_until_exit(|config| async move {
		let base_path = config.base_path.path().to_path_buf();
		let mut configs = Vec::new();
		for (chain, spec) in &chains {
			let mut run = for_chain(&cli.run, *chain, spec)?;
			// All chains live under one base path, a temporary one included, which the root node's configuration owns.
			run.shared_params.base_path = Some(base_path.clone());
			run.tmp = false;
			configs.push((
				*chain,
				cli.create_configuration(&run, config.tokio_handle.clone())?,
			));
		}
		let served = configs.iter().map(|(chain, _)| *chain).collect();
		let mut endpoints: Vec<_> = endpoint(ChainId::ROOT, &config).into_iter().collect();
		let root = service::start_root(config, LocalSources::default(), served).await?;
		let mut task_manager = root.task_manager;
		for (chain, config) in configs {
			endpoints.extend(endpoint(chain, &config));
			task_manager.add_child(service::start_transaction(config, chain, &root.handle).await?);
		}
		for line in endpoints {
			info!("{line}");
		}
		Ok::<_, sc_cli::Error>(task_manager)
	})
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_folder_needs_a_root_chain_and_each_chain_once() {
		let folder_of = |files: &[(&str, &str)]| {
			let directory = tempfile::tempdir().unwrap();
			for (name, content) in files {
				std::fs::write(directory.path().join(name), content).unwrap();
			}
			folder(directory.path()).map_err(|e| e.to_string())
		};
		let root = specs::development().unwrap().raw(ChainId::ROOT).unwrap();
		let root = sc_service::ChainSpec::as_json(&root, true).unwrap();
		let error = folder_of(&[]).unwrap_err();
		assert!(error.contains("that of its root chain"), "{error}");
		let error = folder_of(&[("a.json", "{}")]).unwrap_err();
		assert!(error.contains("a.json"), "{error}");
		let error = folder_of(&[("a.json", &root), ("b.json", &root)]).unwrap_err();
		assert!(error.contains("both of chain 0"), "{error}");
		let chains = folder_of(&[("a.json", &root), ("notes.txt", "no spec")]).unwrap();
		assert_eq!(chains.keys().copied().collect::<Vec<_>>(), [ChainId::ROOT]);
		assert!(folder(Path::new("no/such/folder")).is_err());
	}
}
