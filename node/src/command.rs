//! Carries out the command line.

use crate::{
	cli::{BuildNetworkCmd, Cli, KeyCmd, RootCli, Subcommand},
	network, service, specs,
};
use asterism_chain_specs::Network;
use sc_cli::{Result, SubstrateCli};
use sc_service::Configuration;
use std::path::Path;

/// What `--chain` says, to the node or to a command that opens a chain's database.
fn given_chain(cli: &Cli) -> Option<&str> {
	let shared = match &cli.subcommand {
		None => &cli.run.shared_params,
		Some(Subcommand::CheckBlock(cmd)) => &cmd.shared_params,
		Some(Subcommand::ExportBlocks(cmd)) => &cmd.shared_params,
		Some(Subcommand::ExportState(cmd)) => &cmd.shared_params,
		Some(Subcommand::ImportBlocks(cmd)) => &cmd.shared_params,
		Some(Subcommand::Revert(cmd)) => &cmd.shared_params,
		Some(_) => return None,
	};
	shared.chain.as_deref()
}

/// Where the spec of a transaction chain's root chain is: in the file that `build-network` writes beside the chain's own,
/// if that is there; else what the chain's spec calls it.
fn root_spec(cli: &Cli, config: &Configuration) -> Option<String> {
	let id = specs::root_chain(&*config.chain_spec)?;
	let beside = given_chain(cli)
		.map(Path::new)
		.filter(|spec| spec.is_file())
		.map(|spec| spec.with_file_name(format!("{id}.json")))
		.filter(|spec| spec.is_file())
		.and_then(|spec| spec.to_str().map(String::from));
	Some(beside.unwrap_or(id))
}

fn root_config(cli: &Cli, config: &Configuration) -> Result<Configuration> {
	// Some launchers write the separator twice. A root node has no node of its own inside, so the second says nothing.
	let root_args: Vec<_> = cli.root_args.iter().filter(|arg| *arg != "--").cloned().collect();
	let root_cli = RootCli::parse(&root_args, root_spec(cli, config), config.base_path.path());
	let root = SubstrateCli::create_configuration(&root_cli, &root_cli, config.tokio_handle.clone())
		.map_err(|e| format!("arguments of the root node (after --): {e}"))?;
	let chain = specs::chain_id(&*root.chain_spec)?;
	if !chain.is_root() {
		return Err(format!(
			"arguments of the root node (after --): --chain: expected a root chain, got chain {chain}"
		)
		.into());
	}
	Ok(root)
}

/// Opens a chain's database, and for a transaction chain its root node's, which knows the committees.
pub(crate) fn open(cli: &Cli, config: &Configuration) -> Result<service::Opened> {
	let chain = specs::chain_id(&*config.chain_spec)?;
	if chain.is_root() {
		Ok(service::open(config, chain, None)?)
	} else {
		let root_config = root_config(cli, config)?;
		let root = service::open(&root_config, asterism_primitives::ChainId::ROOT, None)?;
		let mut opened = service::open(config, chain, Some(&root))?;
		opened.task_manager.add_child(root.task_manager);
		Ok(opened)
	}
}

/// Parses the command line and carries it out.
///
/// # Errors
/// What the operator should read.
pub fn run() -> Result<()> {
	let cli = Cli::parse_args();
	match &cli.subcommand {
		Some(Subcommand::Key(KeyCmd::Substrate(cmd))) => cmd.run(&cli),
		Some(Subcommand::Key(KeyCmd::InspectMember(cmd))) => cmd.run(),
		Some(Subcommand::Key(KeyCmd::InsertMember(cmd))) => cmd.run(),
		Some(Subcommand::Key(KeyCmd::ProveMember(cmd))) => cmd.run(),
		Some(Subcommand::BuildNetwork(cmd)) => build_network(cmd),
		Some(Subcommand::CommitteeSize(cmd)) => cmd.run(),
		Some(Subcommand::Actors(cmd)) => cmd.run(),
		Some(Subcommand::Beacon(cmd)) => cmd.run().map_err(|e| e.to_string().into()),
		#[allow(deprecated)]
		Some(Subcommand::BuildSpec(cmd)) => {
			let runner = cli.create_runner(cmd)?;
			runner.sync_run(|config| cmd.run(config.chain_spec, config.network))
		}
		Some(Subcommand::ExportChainSpec(cmd)) => cmd.run(cli.load_spec(&cmd.chain)?),
		Some(Subcommand::CheckBlock(cmd)) => {
			let runner = cli.create_runner(cmd)?;
			runner.async_run(|config| {
				let opened = open(&cli, &config)?;
				Ok((cmd.run(opened.client, opened.import_queue), opened.task_manager))
			})
		}
		Some(Subcommand::ExportBlocks(cmd)) => {
			let runner = cli.create_runner(cmd)?;
			runner.async_run(|config| {
				let opened = open(&cli, &config)?;
				Ok((cmd.run(opened.client, config.database), opened.task_manager))
			})
		}
		Some(Subcommand::ExportState(cmd)) => {
			let runner = cli.create_runner(cmd)?;
			runner.async_run(|config| {
				let opened = open(&cli, &config)?;
				Ok((cmd.run(opened.client, config.chain_spec), opened.task_manager))
			})
		}
		Some(Subcommand::ImportBlocks(cmd)) => {
			let runner = cli.create_runner(cmd)?;
			runner.async_run(|config| {
				let opened = open(&cli, &config)?;
				Ok((cmd.run(opened.client, opened.import_queue), opened.task_manager))
			})
		}
		Some(Subcommand::PurgeChain(cmd)) => {
			let runner = cli.create_runner(cmd)?;
			runner.sync_run(|config| {
				let journal = service::journal(&config);
				cmd.run(config.database)?;
				match std::fs::remove_dir_all(&journal) {
					Ok(()) => println!(
						"{journal:?} removed: a committee member must not vote again in views that it has voted in; \
						wait for a few views before you start it."
					),
					Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
					Err(e) => return Err(e.into()),
				}
				Ok(())
			})
		}
		Some(Subcommand::Revert(cmd)) => {
			let runner = cli.create_runner(cmd)?;
			runner.async_run(|config| {
				let opened = open(&cli, &config)?;
				Ok((cmd.run(opened.client, opened.backend, None), opened.task_manager))
			})
		}
		#[cfg(feature = "runtime-benchmarks")]
		Some(Subcommand::Benchmark(cmd)) => crate::benchmark::run(&cli, cmd),
		None if cli.run.shared_params.is_dev() && cli.run.shared_params.chain.is_none() => {
			network::run(&cli, network::development()?)
		}
		None if cli.network.is_some() => match (&cli.network, &cli.run.shared_params.chain) {
			(Some(path), None) if cli.root_args.is_empty() => network::run(&cli, network::folder(path)?),
			_ => {
				Err("--network: expected neither --chain nor arguments after --, its specs say it all".into())
			}
		},
		None => {
			let runner = cli.create_runner(&cli.run)?;
			runner.run_node_until_exit(|config| async move {
				let chain = specs::chain_id(&*config.chain_spec)?;
				if chain.is_root() {
					if !cli.root_args.is_empty() {
						return Err(sc_cli::Error::Input(
							"arguments after --: a root node has no other root node in it".into(),
						));
					}
					let root = service::start_root(config, Default::default(), Vec::new()).await?;
					Ok(root.task_manager)
				} else {
					let root_config = root_config(&cli, &config)?;
					let sources = asterism_messages::LocalSources::default();
					let root = service::start_root(root_config, sources, vec![chain]).await?;
					let mut task_manager = service::start_transaction(config, chain, &root.handle).await?;
					task_manager.add_child(root.task_manager);
					Ok(task_manager)
				}
			})
		}
	}
}

fn build_network(cmd: &BuildNetworkCmd) -> Result<()> {
	let network = Network::from_file(&cmd.file, &specs::Cryptography)
		.map_err(|e| format!("{}: {e}", cmd.file.display()))?;
	for path in network.write(&cmd.output, cmd.raw).map_err(|e| e.to_string())? {
		println!("{}", path.display());
	}
	Ok(())
}
