//! Carries out the command line.

use crate::{
	cli::{BuildNetworkCmd, Cli, KeyCmd, RootCli, Subcommand},
	dev, service, specs,
};
use asterism_chain_specs::Network;
use sc_cli::{Result, SubstrateCli};
use sc_service::Configuration;

fn root_config(cli: &Cli, config: &Configuration) -> Result<Configuration> {
	// Some launchers write the separator twice. A root node has no node of its own inside, so the second says nothing.
	let root_args: Vec<_> = cli.root_args.iter().filter(|arg| *arg != "--").cloned().collect();
	let root_cli = RootCli::parse(
		&root_args,
		specs::root_chain(&*config.chain_spec),
		config.base_path.path(),
	);
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
fn open(cli: &Cli, config: &Configuration) -> Result<service::Opened> {
	let chain = specs::chain_id(&*config.chain_spec)?;
	if chain.is_root() {
		Ok(service::open(config, chain, None)?)
	} else {
		let root_config = root_config(cli, config)?;
		let root = service::open(&root_config, asterism_primitives::ChainId::ROOT, None)?;
		let mut opened = service::open(config, chain, Some(&root))?;
		opened.root = Some(Box::new(root));
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
		Some(Subcommand::Key(KeyCmd::InsertMember(cmd))) => cmd.run(&cli),
		Some(Subcommand::BuildNetwork(cmd)) => build_network(cmd),
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
		None if cli.run.shared_params.is_dev() && cli.run.shared_params.chain.is_none() => dev::run(&cli),
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
	let network =
		Network::from_file(&cmd.file, &specs::derive).map_err(|e| format!("{}: {e}", cmd.file.display()))?;
	for path in network.write(&cmd.output, cmd.raw).map_err(|e| e.to_string())? {
		println!("{}", path.display());
	}
	Ok(())
}
