//! Committee members' keys on the command line.

use crate::cli::{Cli, InsertMemberCmd, InspectMemberCmd};
use asterism_consensus::keys;
use polkadot_sdk::{
	sc_keystore::LocalKeystore,
	sp_core::{crypto::Ss58Codec, sr25519},
};
use sc_cli::{CliConfiguration, SubstrateCli};
use sc_service::{config::KeystoreConfig, BasePath};
use std::io::Read;

fn suri(given: &Option<String>) -> sc_cli::Result<String> {
	match given {
		Some(suri) => Ok(suri.clone()),
		None => {
			let mut text = String::new();
			// A phrase has a few hundred bytes at most.
			std::io::stdin().take(4096).read_to_string(&mut text)?;
			Ok(text.trim().to_string())
		}
	}
}

impl InspectMemberCmd {
	/// Prints the public keys.
	pub fn run(&self) -> sc_cli::Result<()> {
		let member = keys::member(&suri(&self.suri)?).map_err(|e| sc_cli::Error::Input(e.to_string()))?;
		println!("id:   {}", sr25519::Public::from_raw(member.id.0).to_ss58check());
		println!("      {}", member.id);
		println!("key:  {}", member.key);
		Ok(())
	}
}

impl InsertMemberCmd {
	/// Inserts the keys.
	pub fn run(&self, cli: &Cli) -> sc_cli::Result<()> {
		let suri = suri(&self.suri)?;
		let base_path = self
			.shared_params
			.base_path()?
			.unwrap_or_else(|| BasePath::from_project("", "", &Cli::executable_name()));
		let chain_id = self.chain_id(self.is_dev()?)?;
		let spec = cli.load_spec(&chain_id)?;
		let config_dir = base_path.config_dir(spec.id());
		let KeystoreConfig::Path { path, password } = self.keystore_config(&config_dir)? else {
			return Err(sc_cli::Error::Input("keystore: expected a directory".into()));
		};
		let keystore =
			LocalKeystore::open(&path, password).map_err(|e| sc_cli::Error::Input(e.to_string()))?;
		keys::insert(&keystore, &suri).map_err(|e| sc_cli::Error::Input(e.to_string()))?;
		println!("inserted into {}", path.display());
		Ok(())
	}
}
