//! Measures runtimes and the machine, as `polkadot benchmark` does.
//!
//! | command | what it measures |
//! |---|---|
//! | `pallet` | the calls and hooks of a runtime's pallets; makes files of weights |
//! | `overhead` | an empty block, and an extrinsic that does nothing |
//! | `block` | blocks of a chain's database, executed again |
//! | `storage` | reads and writes of a chain's database |
//! | `machine` | whether the machine keeps up with the reference hardware |

use crate::{cli::Cli, command::open};
use asterism_primitives::{Hashing, OpaqueBlock};
use polkadot_sdk::frame_benchmarking_cli::{BenchmarkCmd, SUBSTRATE_REFERENCE_HARDWARE};
use sc_cli::{CliConfiguration, LoggerBuilder, Result, SubstrateCli};
use sc_service::ChainSpec;

/// What runtimes need beside Substrate's host functions and those that benchmarks bring.
type Pairings = sp_crypto_ec_utils::bls12_381::host_calls::HostFunctions;

/// The chain spec that the command names. It need not: a runtime can be given as a file.
fn spec(cli: &Cli, cmd: &BenchmarkCmd) -> Result<Option<Box<dyn ChainSpec>>> {
	let id = cmd.shared_params().chain.as_deref();
	Ok(id.map(|id| cli.load_spec(id)).transpose()?)
}

fn init_logger(cmd: &BenchmarkCmd) -> Result<()> {
	LoggerBuilder::new(cmd.log_filters()?).init()?;
	Ok(())
}

/// Carries out a benchmark command.
///
/// # Errors
/// What the operator should read.
pub fn run(cli: &Cli, command: &BenchmarkCmd) -> Result<()> {
	match command {
		BenchmarkCmd::Pallet(cmd) => {
			init_logger(command)?;
			cmd.run_with_spec::<Hashing, Pairings>(spec(cli, command)?)
		}
		BenchmarkCmd::Overhead(cmd) => {
			init_logger(command)?;
			cmd.run_with_default_builder_and_spec::<OpaqueBlock, asterism_chain_specs::HostFunctions>(spec(
				cli, command,
			)?)
		}
		BenchmarkCmd::Block(cmd) => cli.create_runner(command)?.sync_run(|config| {
			let opened = open(cli, &config)?;
			cmd.run(opened.client)
		}),
		BenchmarkCmd::Storage(cmd) => cli.create_runner(command)?.sync_run(|config| {
			let opened = open(cli, &config)?;
			let db = opened.backend.expose_db();
			let storage = opened.backend.expose_storage();
			let cache = opened.backend.expose_shared_trie_cache();
			cmd.run(config, opened.client, db, storage, cache)
		}),
		BenchmarkCmd::Machine(cmd) => cli
			.create_runner(command)?
			.sync_run(|config| cmd.run(&config, SUBSTRATE_REFERENCE_HARDWARE.clone())),
		BenchmarkCmd::Extrinsic(_) => Err(
			"benchmark extrinsic: this node knows no runtime to make extrinsics of; use benchmark pallet"
				.into(),
		),
	}
}
