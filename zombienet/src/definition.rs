//! The network's definition, `network.toml`: what of zombienet's format the tests need.

use anyhow::{ensure, Context, Result};
use serde::Deserialize;
use std::{
	fs,
	path::{Path, PathBuf},
};

/// A network as zombienet sees it: the root chain is its relay chain, the transaction chains its parachains.
#[derive(Debug, Deserialize)]
struct File {
	relaychain: RootChain,
	#[serde(default)]
	parachains: Vec<TransactionChain>,
}

#[derive(Debug, Deserialize)]
struct RootChain {
	chain_spec_path: PathBuf,
	nodes: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct TransactionChain {
	id: u32,
	chain_spec_path: PathBuf,
	collators: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
struct Entry {
	name: String,
	#[serde(default)]
	args: Vec<String>,
}

/// What of a network file matters here.
#[derive(Debug, Deserialize)]
struct NetworkFile {
	id: String,
	#[serde(default)]
	chains: Vec<NetworkChain>,
	#[serde(default)]
	nodes: Vec<StakedNode>,
}

#[derive(Debug, Deserialize)]
struct NetworkChain {
	id: u32,
}

#[derive(Debug, Deserialize)]
struct StakedNode {
	seed: String,
}

/// A chain of the network.
#[derive(Clone, Debug)]
pub struct ChainDefinition {
	/// The chain's id; 0 is the root chain.
	pub id: u32,
	/// The name of its spec's file.
	pub spec: String,
}

/// The keys of a node that serves every chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keys {
	/// They come of a secret URI, and are in its keystore from the start.
	Of(String),
	/// It makes them itself, when its operator asks for them.
	Own,
}

/// A node of the network: one process.
#[derive(Clone, Debug)]
pub struct NodeDefinition {
	/// Its name, of which there is one in the network.
	pub name: String,
	/// The transaction chain that it runs, or 0 if it runs the root chain alone.
	pub chain: u32,
	/// Arguments for the chain's node.
	pub args: Vec<String>,
	/// Arguments for the embedded root node.
	pub root_args: Vec<String>,
	/// The keys of a node that serves every chain of the network in one process; `None` if it runs its chain alone.
	pub serves_all: Option<Keys>,
}

impl NodeDefinition {
	/// A node of an entry. Arguments that zombienet is told to take away were never added here.
	fn new(entry: &Entry, chain: u32) -> Self {
		let mut own = entry.args.iter().filter(|arg| !arg.starts_with("-:")).cloned();
		NodeDefinition {
			name: entry.name.clone(),
			chain,
			args: own.by_ref().take_while(|arg| arg != "--").collect(),
			root_args: own.collect(),
			serves_all: None,
		}
	}

	/// The chains on which this node is a member of the committee, by the development keys that it gets.
	pub fn member_of(&self) -> Vec<u32> {
		let is_member = |args: &[String]| {
			args.iter()
				.any(|arg| ["--alice", "--bob", "--charlie", "--dave"].contains(&arg.as_str()))
		};
		let mut chains = Vec::new();
		if is_member(&self.root_args) || (self.chain == 0 && is_member(&self.args)) {
			chains.push(0);
		}
		if self.chain != 0 && is_member(&self.args) {
			chains.push(self.chain);
		}
		chains
	}
}

/// A whole network.
#[derive(Clone, Debug)]
pub struct Definition {
	/// The chains, the root chain first.
	pub chains: Vec<ChainDefinition>,
	/// The nodes, those of the root chain alone first. The first node of each chain is its boot node.
	pub nodes: Vec<NodeDefinition>,
}

impl Definition {
	/// Reads a definition.
	///
	/// # Errors
	/// If the file can't be read, isn't one of zombienet, or has a chain without a node.
	pub fn read(path: &Path) -> Result<Self> {
		let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
		let file: File = toml::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
		let root = (0, file.relaychain.chain_spec_path, file.relaychain.nodes);
		let others = file
			.parachains
			.into_iter()
			.map(|chain| (chain.id, chain.chain_spec_path, chain.collators));
		let mut definition = Definition {
			chains: Vec::new(),
			nodes: Vec::new(),
		};
		for (id, spec, entries) in std::iter::once(root).chain(others) {
			ensure!(!entries.is_empty(), "{}: chain {id} has no node", path.display());
			let spec = spec.file_name().and_then(|name| name.to_str());
			definition.chains.push(ChainDefinition {
				id,
				spec: spec
					.with_context(|| format!("chain {id}: chain_spec_path names no file"))?
					.into(),
			});
			definition
				.nodes
				.extend(entries.iter().map(|entry| NodeDefinition::new(entry, id)));
		}
		Ok(definition)
	}

	/// Reads a network file whose committees are elected: each node that it names becomes a process that serves every chain.
	///
	/// # Errors
	/// If the file can't be read, isn't a network file, or names no node.
	pub fn read_elected(path: &Path) -> Result<Self> {
		let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
		let file: NetworkFile =
			toml::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
		ensure!(!file.nodes.is_empty(), "{}: there is no node", path.display());
		let root = (0, format!("{}-root.json", file.id));
		let others = file
			.chains
			.iter()
			.map(|chain| (chain.id, format!("{}-{}.json", file.id, chain.id)));
		let node = |node: &StakedNode| NodeDefinition {
			name: node.seed.trim_start_matches('/').into(),
			chain: 0,
			args: Vec::new(),
			root_args: Vec::new(),
			serves_all: Some(Keys::Of(node.seed.clone())),
		};
		Ok(Definition {
			chains: std::iter::once(root)
				.chain(others)
				.map(|(id, spec)| ChainDefinition { id, spec })
				.collect(),
			nodes: file.nodes.iter().map(node).collect(),
		})
	}

	/// The members of a chain's committee.
	pub fn members(&self, chain: u32) -> Vec<&NodeDefinition> {
		self.nodes
			.iter()
			.filter(|node| node.member_of().contains(&chain))
			.collect()
	}
}
