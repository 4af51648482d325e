//! Finds a chain spec by name or file.

use asterism_chain_specs::{self as chain_specs, ChainSpec, Extensions, Network};
use asterism_consensus::keys;
use asterism_primitives::{committee::Member, ChainId};
use std::{
	path::{Path, PathBuf},
	sync::OnceLock,
};

/// Makes the member of a development seed.
pub fn derive(suri: &str) -> Result<Member, String> {
	keys::member(suri).map_err(|e| e.to_string())
}

/// The ready network for development. Making it executes runtimes, so it is made once.
pub fn development() -> Result<&'static Network, String> {
	static DEVELOPMENT: OnceLock<Result<Network, String>> = OnceLock::new();
	let made = DEVELOPMENT.get_or_init(|| chain_specs::development(&derive).map_err(|e| e.to_string()));
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
			let network = chain_specs::local(&derive).map_err(|e| e.to_string())?;
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
