//! Chain specs: from a short file that a person writes to what the nodes of a network start from.
//!
//! # Overview
//!
//! A network is a root chain and its transaction chains. All of it stands in one *network file*, in TOML: names,
//! block intervals, committees, epochs, the beacon, accounts, nodes. `networks/public-template.toml` explains every field.
//!
//! | type | what it is |
//! |---|---|
//! | [`Plan`] | a network file that has been checked |
//! | [`Network`] | the chain specs made from it: one of the root chain, one of each transaction chain |
//! | [`Error`] | why not: the field, what was expected, and what was found |
//!
//! Ready networks are [`development`], the one of `asterism --dev`, and [`local`], with four members in each committee.
//! `networks/rotation.toml` is a network of twelve nodes whose committees change every minute.
//!
//! # Flow
//!
//! ```text
//!  network file ──Plan::parse──► Plan ──► a spec of each transaction chain ──► its genesis header and issuance
//!                                 │            (runtime's Wasm executed)                    │
//!                                 └───────────────────► spec of the root chain ◄────────────┘
//!                                                                │
//!                                        Network ◄───────────────┘ ──write──► <id>-root.json, <id>-1.json, …
//! ```
//!
//! The root chain's genesis names the genesis header of each transaction chain, and what it holds; so the specs of
//! a network belong together, and a change in any of them makes another network.
//!
//! # Assumptions
//!
//! - The runtimes are those that this crate was built with. A chain spec carries its runtime's Wasm, so a node of
//!   another build runs it just as well.
//! - This crate knows neither how consensus keys are derived nor how shares of a beacon are dealt and checked: who calls it
//!   brings both ([`Cryptography`]). The `id` of a development seed's [`Member`] is taken as its account, too.
//! - What a network file says is checked before anything is executed or written.

mod error;
mod genesis;
mod plan;
mod reader;
#[cfg(test)]
mod tests;

pub use error::{Error, Problem};
pub use genesis::genesis_header;
pub use plan::{ChainPlan, NodePlan, Plan};

pub use asterism_runtime_common::{EXISTENTIAL_DEPOSIT, SS58_PREFIX};

use asterism_primitives::{
	beacon::GenesisBeacon,
	committee::{Member, MemberId},
	ChainId,
};
use polkadot_sdk::{
	sc_chain_spec::{self, GenericChainSpec, NoExtension},
	sp_core::storage::Storage,
};
use serde::{Deserialize, Serialize};
use std::{
	any::{Any, TypeId},
	collections::BTreeMap,
	fs,
	path::{Path, PathBuf},
};

/// The symbol of the native currency.
pub const SYMBOL: &str = "noOs";
/// The decimals of the native currency: 1 noOs is 10¹² units.
pub const DECIMALS: u32 = 12;

/// The host functions that the runtimes need beside Substrate's: pairings for certificates.
#[cfg(not(feature = "runtime-benchmarks"))]
pub type HostFunctions = sp_crypto_ec_utils::bls12_381::host_calls::HostFunctions;
/// The host functions that the runtimes need beside Substrate's: pairings for certificates, and clocks for benchmarks.
#[cfg(feature = "runtime-benchmarks")]
pub type HostFunctions = (
	sp_crypto_ec_utils::bls12_381::host_calls::HostFunctions,
	polkadot_sdk::frame_benchmarking::benchmarking::HostFunctions,
);

/// A chain spec of Asterism, of the root chain or of a transaction chain.
pub type ChainSpec = GenericChainSpec<Extensions, HostFunctions>;

/// What the node knows and this crate doesn't: how keys are derived, and the mathematics of the beacon.
pub trait Cryptography {
	/// The keys of a development seed such as `//Alice`.
	///
	/// # Errors
	/// What is wrong with the seed.
	fn member(&self, seed: &str) -> Result<Member, String>;

	/// A beacon for development, whose shares everybody can compute: dealt to these members, in ascending order, each once.
	///
	/// # Errors
	/// Why they can't be dealt.
	fn deal(&self, members: &[MemberId]) -> Result<GenesisBeacon, String>;

	/// Checks that the beacon's output is a sharing of its group key among its players.
	///
	/// # Errors
	/// What is wrong.
	fn check(&self, beacon: &GenesisBeacon) -> Result<(), String>;
}

/// What Asterism adds to a chain spec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Extensions {
	/// The chain's id; 0 is the root chain.
	pub chain_id: ChainId,
	/// The spec id of the network's root chain, in specs of transaction chains.
	#[serde(default, skip_serializing_if = "Option::is_none")]
	pub root_chain: Option<String>,
}

impl Extensions {
	/// The extensions of a spec, whatever its type; `None` if it isn't a spec of Asterism.
	pub fn of(spec: &dyn sc_chain_spec::ChainSpec) -> Option<&Self> {
		sc_chain_spec::get_extension(spec.extensions())
	}
}

impl sc_chain_spec::Extension for Extensions {
	type Forks = NoExtension;

	fn get<T: 'static>(&self) -> Option<&T> {
		(self as &dyn Any).downcast_ref()
	}

	fn get_any(&self, _: TypeId) -> &dyn Any {
		self
	}

	fn get_any_mut(&mut self, _: TypeId) -> &mut dyn Any {
		self
	}
}

/// The chain specs of a network.
#[derive(Clone)]
pub struct Network {
	/// The root chain's.
	pub root: ChainSpec,
	/// The transaction chains'.
	pub chains: BTreeMap<ChainId, ChainSpec>,
	/// The genesis states that the specs lead to.
	states: BTreeMap<ChainId, Storage>,
}

impl Network {
	/// Makes the specs of a checked network file.
	///
	/// # Errors
	/// [`Error::NoWasm`], [`Error::Genesis`].
	pub fn new(plan: &Plan) -> Result<Self, Error> {
		genesis::network(plan)
	}

	/// Reads a network file and makes its specs.
	///
	/// # Errors
	/// Any [`Error`].
	pub fn from_file(path: &Path, cryptography: &dyn Cryptography) -> Result<Self, Error> {
		Self::new(&Plan::read(path, cryptography)?)
	}

	/// The spec of a chain.
	pub fn spec(&self, chain: ChainId) -> Option<&ChainSpec> {
		if chain.is_root() {
			Some(&self.root)
		} else {
			self.chains.get(&chain)
		}
	}

	/// The spec of a chain as storage keys and values: a node starts from it without executing the runtime.
	pub fn raw(&self, chain: ChainId) -> Option<ChainSpec> {
		use sc_chain_spec::ChainSpec as _;
		let mut spec = self.spec(chain)?.clone();
		spec.set_storage(self.states.get(&chain)?.clone());
		Some(spec)
	}

	/// All specs, the root chain's first.
	pub fn specs(&self) -> impl Iterator<Item = (ChainId, &ChainSpec)> {
		std::iter::once((ChainId::ROOT, &self.root)).chain(self.chains.iter().map(|(id, spec)| (*id, spec)))
	}

	/// Writes each spec to `<spec id>.json` in a folder, which is made if it isn't there; with `raw`, as storage keys
	/// and values, the form to distribute. Returns the files, the root chain's first.
	///
	/// # Errors
	/// [`Error::Genesis`], before anything is written; [`Error::File`].
	pub fn write(&self, folder: &Path, raw: bool) -> Result<Vec<PathBuf>, Error> {
		let files = self
			.specs()
			.map(|(chain, spec)| {
				let json = spec
					.as_json(raw)
					.map_err(|reason| Error::Genesis { chain, reason })?;
				Ok((folder.join(format!("{}.json", spec.id())), json))
			})
			.collect::<Result<Vec<_>, Error>>()?;
		fs::create_dir_all(folder).map_err(|reason| Error::File {
			path: folder.into(),
			reason,
		})?;
		for (path, json) in &files {
			fs::write(path, json).map_err(|reason| Error::File {
				path: path.clone(),
				reason,
			})?;
		}
		Ok(files.into_iter().map(|(path, _)| path).collect())
	}
}

/// The ready network for development: the root chain and the chains 1 and 2, each with one member, Alice. The accounts
/// Alice to Ferdie are funded on all of them.
///
/// # Errors
/// [`Error::NoWasm`], and [`Error::Field`] if `cryptography` fails.
pub fn development(cryptography: &dyn Cryptography) -> Result<Network, Error> {
	Network::new(&Plan::parse(
		include_str!("../networks/development.toml"),
		None,
		cryptography,
	)?)
}

/// The ready network for several nodes on one machine: the root chain and the chains 1 and 2, each with the members
/// Alice, Bob, Charlie and Dave. The accounts Alice to Ferdie are funded on all of them.
///
/// # Errors
/// [`Error::NoWasm`], and [`Error::Field`] if `cryptography` fails.
pub fn local(cryptography: &dyn Cryptography) -> Result<Network, Error> {
	Network::new(&Plan::parse(
		include_str!("../networks/local.toml"),
		None,
		cryptography,
	)?)
}
