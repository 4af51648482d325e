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
use std::{io::Read, path::PathBuf};

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
	pub fn run(&self) -> sc_cli::Result<()> {
		// Before the phrase is asked for.
		let config_dir = self.config_dir()?;
		let suri = suri(&self.suri)?;
		let KeystoreConfig::Path { path, password } = self.keystore_config(&config_dir)? else {
			return Err(sc_cli::Error::Input("keystore: expected a directory".into()));
		};
		let keystore =
			LocalKeystore::open(&path, password.clone()).map_err(|e| sc_cli::Error::Input(e.to_string()))?;
		keys::insert(&keystore, &suri, exposed(&password)).map_err(input)?;
		println!("inserted into {}", path.display());
		Ok(())
	}

	/// The folder of the chain whose node has the keystore. Empty if the keystore is named itself, whichever chain it is of.
	fn config_dir(&self) -> sc_cli::Result<PathBuf> {
		if self.keystore_params.keystore_path.is_some() {
			return Ok(PathBuf::new());
		}
		let chain = self.chain_id(self.is_dev()?)?;
		if chain.is_empty() {
			return Err(sc_cli::Error::Input(
				"expected --keystore-path with the folder of the node's keystore, or --chain with the node's chain spec \
				 (and --base-path with its data)"
					.into(),
			));
		}
		let base_path = self
			.shared_params
			.base_path()?
			.unwrap_or_else(|| BasePath::from_project("", "", &Cli::executable_name()));
		Ok(base_path.config_dir(specs::load(&chain)?.id()))
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use clap::Parser;
	use std::path::Path;

	fn insert(arguments: &[&str]) -> sc_cli::Result<()> {
		let arguments = ["insert-member", "--suri", "//Alice"].iter().chain(arguments);
		let command =
			InsertMemberCmd::try_parse_from(arguments).map_err(|e| sc_cli::Error::Input(e.to_string()))?;
		command.run()
	}

	fn keys_in(folder: &Path) -> usize {
		std::fs::read_dir(folder).map_or(0, |entries| entries.count())
	}

	#[test]
	fn a_keystore_needs_no_chain() {
		let folder = tempfile::tempdir().unwrap();
		let keystore = folder.path().join("keystore");
		let path = keystore.to_str().unwrap();
		insert(&["--keystore-path", path]).unwrap();
		assert_eq!(keys_in(&keystore), 3);
		// Nor does it look at one.
		insert(&["--keystore-path", path, "--chain", "/no/such/spec.json"]).unwrap();
		assert_eq!(keys_in(&keystore), 3);
	}

	#[test]
	fn without_a_keystore_the_chain_says_where_it_is() {
		let folder = tempfile::tempdir().unwrap();
		let base = folder.path().to_str().unwrap();
		for nowhere in [&[][..], &["--base-path", base]] {
			let error = insert(nowhere).unwrap_err().to_string();
			assert!(
				error.contains("--keystore-path") && error.contains("--chain"),
				"{error}"
			);
		}
		let error = insert(&["--base-path", base, "--chain", "/no/such/spec.json"])
			.unwrap_err()
			.to_string();
		assert!(error.contains("no such file"), "{error}");
		assert_eq!(keys_in(folder.path()), 0);
	}
}
