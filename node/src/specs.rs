//! Finds a chain spec by name or file.

use asterism_beacon::{dealt, output::PublicOutput};
use asterism_chain_specs::{self as chain_specs, ChainSpec, Extensions, Network};
use asterism_consensus::keys;
use asterism_primitives::{
	beacon::GenesisBeacon,
	committee::{Member, MemberId},
	ChainId,
};
use std::{
	path::{Path, PathBuf},
	sync::OnceLock,
};

/// What chain specs are made with: the keys of consensus, and the shares of the beacon.
pub struct Cryptography;

impl chain_specs::Cryptography for Cryptography {
	fn member(&self, seed: &str) -> Result<Member, String> {
		keys::member(seed).map_err(|e| e.to_string())
	}

	fn deal(&self, members: &[MemberId]) -> Result<GenesisBeacon, String> {
		dealt::genesis(members).ok_or_else(|| "the committee can't be dealt shares".into())
	}

	fn check(&self, beacon: &GenesisBeacon) -> Result<(), String> {
		PublicOutput::checked(&beacon.output, &beacon.group_key, &beacon.players)
			.map(drop)
			.map_err(|e| e.to_string())
	}
}

/// The ready network for development. Making it executes runtimes, so it is made once.
pub fn development() -> Result<&'static Network, String> {
	static DEVELOPMENT: OnceLock<Result<Network, String>> = OnceLock::new();
	let made = DEVELOPMENT.get_or_init(|| chain_specs::development(&Cryptography).map_err(|e| e.to_string()));
	made.as_ref().map_err(Clone::clone)
}

/// Finds a chain spec: `dev`, `dev-1`, `dev-2`, `local`, `local-1`, `local-2`, the id of one of these specs, or a file.
pub fn load(id: &str) -> Result<Box<dyn sc_service::ChainSpec>, String> {
	if id.is_empty() {
		return Err(
			"--chain: expected a chain spec file, or dev, dev-1, dev-2, local, local-1 or local-2".into(),
		);
	}
	let (name, chain) = match id.rsplit_once('-') {
		Some((name, "root")) => (name, Some(ChainId::ROOT)),
		Some((name, number)) => (name, number.parse().ok().map(ChainId)),
		None => (id, Some(ChainId::ROOT)),
	};
	let unknown = |chain| format!("--chain {id}: this network has no chain {chain}");
	match (name, chain) {
		("dev" | "asterism-dev", Some(chain)) => {
			Ok(Box::new(development()?.raw(chain).ok_or_else(|| unknown(chain))?))
		}
		("local" | "asterism-local", Some(chain)) => {
			let network = chain_specs::local(&Cryptography).map_err(|e| e.to_string())?;
			Ok(Box::new(
				network.spec(chain).cloned().ok_or_else(|| unknown(chain))?,
			))
		}
		_ => file(id),
	}
}

fn file(path: &str) -> Result<Box<dyn sc_service::ChainSpec>, String> {
	if !Path::new(path).is_file() {
		return Err(format!(
			"--chain {path}: there is no such file; expected a chain spec file, or dev, dev-1, dev-2, local, local-1 or local-2"
		));
	}
	let spec = ChainSpec::from_json_file(PathBuf::from(path)).map_err(|e| format!("--chain {path}: {e}"))?;
	Ok(Box::new(spec))
}

/// The chain that a spec is of.
pub fn chain_id(spec: &dyn sc_service::ChainSpec) -> Result<ChainId, String> {
	Extensions::of(spec)
		.map(|e| e.chain_id)
		.ok_or_else(|| format!("chain spec {}: expected the field chainId", spec.id()))
}

/// The root chain that a transaction chain's spec names.
pub fn root_chain(spec: &dyn sc_service::ChainSpec) -> Option<String> {
	Extensions::of(spec).and_then(|e| e.root_chain.clone())
}
