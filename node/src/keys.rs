//! Committee members' keys on the command line.

use crate::{
	cli::{Cli, InsertMemberCmd, InspectMemberCmd, ProveMemberCmd},
	specs,
};
use asterism_consensus::keys::{self, KeyError};
use asterism_primitives::keys::NodeKeys;
use codec::Encode;
use polkadot_sdk::{
	sc_keystore::LocalKeystore,
	sp_core::{
		bytes::to_hex,
		crypto::{ExposeSecret, SecretString, Ss58Codec},
		sr25519,
	},
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

fn exposed(password: &Option<SecretString>) -> Option<&str> {
	password
		.as_ref()
		.map(|password| password.expose_secret().as_str())
}

fn input(error: KeyError) -> sc_cli::Error {
	sc_cli::Error::Input(error.to_string())
}

fn print(keys: &NodeKeys) {
	println!(
		"id:        {}",
		sr25519::Public::from_raw(keys.identity.0).to_ss58check()
	);
	println!("           {}", keys.identity);
	println!("sortition: {}", to_hex(&keys.sortition.0, false));
	println!("key:       {}", keys.consensus);
}

impl InspectMemberCmd {
	/// Prints the public keys.
	pub fn run(&self) -> sc_cli::Result<()> {
		let password = self.keystore_params.read_password()?;
		let keys = keys::node_keys(&suri(&self.suri)?, exposed(&password)).map_err(input)?;
		print(&keys);
		Ok(())
	}
}

impl ProveMemberCmd {
	/// Prints the public keys and their proof.
	pub fn run(&self) -> sc_cli::Result<()> {
		let genesis = match (&self.genesis, &self.chain) {
			(Some(genesis), _) => *genesis,
			(None, Some(chain)) => {
				let spec = specs::load(chain)?;
				if specs::root_chain(&*spec).is_some() {
					return Err(sc_cli::Error::Input(format!(
						"--chain {chain}: expected the root chain's spec, whose genesis block the proof names"
					)));
				}
				asterism_chain_specs::genesis_header(&*spec)?.hash()
			}
			(None, None) => {
				return Err(sc_cli::Error::Input(
					"expected --chain with the root chain's spec, or --genesis with the hash of its genesis block".into(),
				))
			}
		};
		let password = self.keystore_params.read_password()?;
		let (keys, proof) =
			keys::prove(&suri(&self.suri)?, exposed(&password), genesis, &self.owner).map_err(input)?;
		print(&keys);
		println!("owner:     {}", self.owner);
		println!("genesis:   {genesis:?}");
		println!("keys:      {}", to_hex(&keys.encode(), false));
		println!("proof:     {}", to_hex(&proof.encode(), false));
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
			LocalKeystore::open(&path, password.clone()).map_err(|e| sc_cli::Error::Input(e.to_string()))?;
		keys::insert(&keystore, &suri, exposed(&password)).map_err(input)?;
		println!("inserted into {}", path.display());
		Ok(())
	}
}
