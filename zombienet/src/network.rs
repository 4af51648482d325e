//! A whole network, and what stories say about it.

use crate::{
	definition::{Definition, Keys, NodeDefinition},
	node::{Block, Node},
	stake::{leave, register, staked, Staked},
	transfer::{transfer, Transferred},
};
use anyhow::{bail, ensure, Context, Result};
use std::{
	collections::BTreeMap,
	env,
	path::{Path, PathBuf},
	process::{Command, Stdio},
	time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::time::sleep;

/// How long the network may take from start to its first blocks, on a machine with two cores that is busy elsewhere.
const START_WITHIN: Duration = Duration::from_secs(180);
/// How long each node may take of that.
const START_OF_ONE: Duration = Duration::from_secs(30);
/// How many hashes are asked for at once.
const HASHES_AT_ONCE: usize = 256;

/// Every final block that any node has ever named, by chain and number: its hash, and the node that named it first.
type Seen = BTreeMap<(u32, u32), (String, String)>;

/// A network of processes on this machine. They end when it is dropped; its files stay if the test fails.
pub struct Network {
	definition: Definition,
	nodes: Vec<Node>,
	binary: PathBuf,
	specs: Vec<(u32, PathBuf)>,
	boot: Vec<(u32, String)>,
	seen: Seen,
	start: Instant,
	folder: Option<TempDir>,
}

/// The node's binary: `ASTERISM`, or the one that `scripts/dev` builds.
fn binary() -> Result<PathBuf> {
	let path = match (
		env::var_os("ASTERISM"),
		env::var_os("XDG_CACHE_HOME"),
		env::var_os("HOME"),
	) {
		(Some(path), _, _) => path.into(),
		(None, Some(cache), _) => Path::new(&cache).join("asterism/target/debug/asterism"),
		(None, None, Some(home)) => Path::new(&home).join(".cache/asterism/target/debug/asterism"),
		(None, None, None) => bail!("neither ASTERISM nor HOME is set"),
	};
	ensure!(
		path.is_file(),
		"there is no node at {}: build it with scripts/dev, or name it in the variable ASTERISM",
		path.display()
	);
	Ok(path)
}

/// A file in this repository, by its path from this crate.
fn file(path: &str) -> PathBuf {
	Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Makes the chains' specs from a network file, as `make-specs` does; the definition names each by its file.
fn make_specs(
	binary: &Path,
	network: &Path,
	definition: &Definition,
	folder: &Path,
) -> Result<Vec<(u32, PathBuf)>> {
	let output = Command::new(binary)
		.args(["build-network", "--raw", "--output"])
		.args([folder, network])
		.stdin(Stdio::null())
		.output()?;
	ensure!(
		output.status.success(),
		"asterism build-network: {}: {}",
		output.status,
		String::from_utf8_lossy(&output.stderr)
	);
	let mut specs = Vec::new();
	for chain in &definition.chains {
		let path = folder.join(&chain.spec);
		ensure!(path.is_file(), "asterism build-network made no {}", chain.spec);
		specs.push((chain.id, path));
	}
	Ok(specs)
}

impl Network {
	/// Prepares the network of `network.toml`; nothing runs yet.
	///
	/// # Errors
	/// If there is no binary, or the chain specs can't be made.
	pub fn prepare() -> Result<Self> {
		let definition = Definition::read(&file("network.toml"))?;
		let nodes = definition.nodes.clone();
		let mut network = Self::without_nodes(definition, &file("../chain-specs/networks/local.toml"))?;
		for node in nodes {
			let (name, chain) = (node.name.clone(), node.chain);
			network.add(node)?;
			if network.boot.iter().all(|(id, _)| *id != chain) {
				let address = network.node(&name)?.address(chain)?.to_string();
				network.boot.push((chain, address));
			}
		}
		Ok(network)
	}

	/// Prepares a network whose committees are elected: a process for each node that the network file names, which serves
	/// every chain. The path is from this crate.
	///
	/// # Errors
	/// If there is no binary, or the chain specs can't be made.
	pub fn prepare_elected(path: &str) -> Result<Self> {
		let definition = Definition::read_elected(&file(path))?;
		let nodes = definition.nodes.clone();
		let mut network = Self::without_nodes(definition, &file(path))?;
		for node in nodes {
			network.add(node)?;
		}
		// All chains of a process have one command line, but boot nodes of their own: these are in the specs.
		for (chain, spec) in &network.specs {
			let mut json: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(spec)?)?;
			let boot: Vec<_> = network
				.nodes
				.iter()
				.take(2)
				.map(|node| node.address(*chain))
				.collect::<Result<_>>()?;
			json["bootNodes"] = serde_json::to_value(boot)?;
			std::fs::write(spec, serde_json::to_string(&json)?)?;
		}
		Ok(network)
	}

	fn without_nodes(definition: Definition, file: &Path) -> Result<Self> {
		let binary = binary()?;
		let folder = tempfile::Builder::new().prefix("asterism-network-").tempdir()?;
		let specs = folder.path().join("specs");
		Ok(Network {
			specs: make_specs(&binary, file, &definition, &specs)?,
			definition,
			nodes: Vec::new(),
			binary,
			boot: Vec::new(),
			seen: BTreeMap::new(),
			start: Instant::now(),
			folder: Some(folder),
		})
	}

	/// Starts all nodes, and waits until all committees have made blocks.
	///
	/// # Errors
	/// If they don't in time.
	pub async fn launch(&mut self) -> Result<()> {
		self.say(format!("starting {} nodes", self.nodes.len()));
		// The first node of each chain compiles its runtime, for all: see Node::new.
		for chain in self.chains() {
			let boot = self.boot.clone();
			let first = self.nodes.iter_mut().find(|node| node.chains().contains(&chain));
			let first = first.with_context(|| format!("chain {chain} has no node"))?;
			if !first.runs() {
				first.start(&boot)?;
			}
			let end = Instant::now() + START_OF_ONE;
			while first.finalized(chain).await.is_err() && Instant::now() < end {
				first.check_alive()?;
				sleep(Duration::from_millis(200)).await;
			}
		}
		for node in self.nodes.iter_mut().filter(|node| !node.runs()) {
			node.start(&self.boot)?;
		}
		let within = START_WITHIN.max(START_OF_ONE * u32::try_from(self.nodes.len())?);
		self.reach_everywhere(2, within).await?;
		self.say("every chain makes blocks");
		Ok(())
	}

	/// A line of the story, with the time since the network's start.
	pub fn say(&self, text: impl AsRef<str>) {
		println!("{:7.1} s  {}", self.start.elapsed().as_secs_f32(), text.as_ref());
	}

	fn add(&mut self, definition: NodeDefinition) -> Result<()> {
		let folder = self
			.folder
			.as_ref()
			.context("the folder is there until the end")?;
		let number = self.nodes.len() as u64;
		self.nodes.push(Node::new(
			definition,
			number,
			&self.binary,
			folder.path(),
			&self.specs,
		)?);
		Ok(())
	}

	/// The node of a name.
	pub fn node(&self, name: &str) -> Result<&Node> {
		let node = self.nodes.iter().find(|node| node.definition.name == name);
		node.with_context(|| format!("there is no node {name}"))
	}

	fn node_mut(&mut self, name: &str) -> Result<&mut Node> {
		let node = self.nodes.iter_mut().find(|node| node.definition.name == name);
		node.with_context(|| format!("there is no node {name}"))
	}

	/// The ids of all chains, the root chain's first.
	pub fn chains(&self) -> Vec<u32> {
		self.definition.chains.iter().map(|chain| chain.id).collect()
	}

	/// The nodes that run, with a chain that they run.
	fn running_on(&self, chain: u32) -> impl Iterator<Item = &Node> {
		self.nodes
			.iter()
			.filter(move |node| node.runs() && node.chains().contains(&chain))
	}

	/// Lets a node run another binary.
	///
	/// # Errors
	/// If there is no such node, or no such binary.
	pub fn run_with(&mut self, name: &str, binary: PathBuf) -> Result<()> {
		ensure!(binary.is_file(), "there is no node at {}", binary.display());
		self.node_mut(name)?.run_with(binary);
		Ok(())
	}

	/// What is on record of a development account's staked node, as another node has it.
	///
	/// # Errors
	/// If nobody answers, or nothing is on record.
	pub async fn staked(&self, name: &str) -> Result<Staked> {
		let asked = self.running_on(0).find(|node| node.definition.name != name);
		staked(asked.context("no other node runs")?, name).await
	}

	/// Starts a node that serves every chain, has no keys and is on record nowhere: its operator is the development account of
	/// its name.
	pub fn add_candidate(&mut self, name: &str) -> Result<()> {
		self.add_and_start(name, 0, Some(Keys::Own))?;
		self.say(format!("started {name}, which nobody knows yet"));
		Ok(())
	}

	/// Lets a running node make its keys, and registers them with this stake, in the smallest unit of noOs.
	///
	/// # Errors
	/// If the root chain refuses.
	pub async fn register(&self, name: &str, stake: u128) -> Result<()> {
		let asked = self.running_on(0).find(|node| node.definition.name != name);
		register(asked.context("no other node runs")?, self.node(name)?, stake).await?;
		self.say(format!("{name} is registered, and may be elected"));
		Ok(())
	}

	/// Takes a node out of all elections to come.
	///
	/// # Errors
	/// If the root chain refuses.
	pub async fn leave(&self, name: &str) -> Result<()> {
		let asked = self.running_on(0).next().context("no node runs")?;
		leave(asked, name).await?;
		self.say(format!("{name} leaves, and is elected no more"));
		Ok(())
	}

	/// Kills nodes: SIGKILL, without a word.
	pub fn kill(&mut self, names: &[&str]) -> Result<()> {
		for name in names {
			self.node_mut(name)?.kill();
		}
		self.say(format!("killed {}", names.join(" and ")));
		Ok(())
	}

	/// Starts nodes again, on the files that they have left.
	pub fn restart(&mut self, names: &[&str]) -> Result<()> {
		let boot = self.boot.clone();
		for name in names {
			self.node_mut(name)?.start(&boot)?;
		}
		self.say(format!("started {} again", names.join(" and ")));
		Ok(())
	}

	/// Adds a node of a chain that is a member of no committee and has no block yet, and starts it.
	pub fn add_follower(&mut self, name: &str, chain: u32) -> Result<()> {
		self.add_and_start(name, chain, None)?;
		self.say(format!(
			"started {name}, which follows chain {chain} and has no block of it"
		));
		Ok(())
	}

	fn add_and_start(&mut self, name: &str, chain: u32, serves_all: Option<Keys>) -> Result<()> {
		self.add(NodeDefinition {
			name: name.into(),
			chain,
			args: Vec::new(),
			root_args: Vec::new(),
			serves_all,
		})?;
		let boot = self.boot.clone();
		self.node_mut(name)?.start(&boot)
	}

	/// The newest final block of a chain that any of its nodes knows; number 0 if none answers.
	pub async fn height(&self, chain: u32) -> u32 {
		let mut height = 0;
		for node in self.running_on(chain) {
			if let Ok(block) = node.finalized(chain).await {
				height = height.max(block.number);
			}
		}
		height
	}

	/// The epoch of a chain, as its most advanced node knows it; 0 if none answers.
	pub async fn epoch(&self, chain: u32) -> u64 {
		let mut epoch = 0;
		for node in self.running_on(chain) {
			epoch = epoch.max(node.epoch(chain).await.unwrap_or(0));
		}
		epoch
	}

	/// The highest block of a chain that any node has named as final.
	fn last_seen(&self, chain: u32) -> u32 {
		last_of(&self.seen, chain)
	}

	fn check_alive(&mut self) -> Result<()> {
		self.nodes.iter_mut().try_for_each(Node::check_alive)
	}

	/// Waits until every running node of a chain has the block of a number, as final.
	///
	/// # Errors
	/// If one doesn't in time, or ends.
	pub async fn reach(&mut self, chain: u32, number: u32, within: Duration) -> Result<()> {
		let end = Instant::now() + within;
		loop {
			self.check_alive()?;
			let mut behind = Vec::new();
			for node in self.running_on(chain) {
				match node.finalized(chain).await {
					Ok(block) if block.number >= number => {}
					Ok(block) => behind.push(format!("{} is at {}", node.definition.name, block.number)),
					Err(error) => behind.push(format!("{error:#}")),
				}
			}
			if behind.is_empty() {
				return Ok(());
			}
			ensure!(
				Instant::now() < end,
				"chain {chain}: not every node has block {number} within {} s: {}",
				within.as_secs(),
				behind.join(", ")
			);
			sleep(Duration::from_millis(500)).await;
		}
	}

	async fn reach_everywhere(&mut self, number: u32, within: Duration) -> Result<()> {
		let end = Instant::now() + within;
		for chain in self.chains() {
			let left = end.saturating_duration_since(Instant::now());
			self.reach(chain, number, left).await?;
		}
		Ok(())
	}

	/// These chains go on: every running node of theirs makes so many more blocks final within the time.
	///
	/// # Errors
	/// If one doesn't.
	pub async fn go_on(&mut self, chains: &[u32], blocks: u32, within: Duration) -> Result<()> {
		let begin = Instant::now();
		let mut goals = Vec::new();
		for chain in chains {
			// A committee that is starting may not answer yet.
			let height = self.height(*chain).await.max(self.last_seen(*chain));
			goals.push((*chain, height + blocks));
		}
		for (chain, goal) in &goals {
			let left = within.saturating_sub(begin.elapsed());
			self.reach(*chain, *goal, left).await?;
		}
		let names: Vec<_> = goals
			.iter()
			.map(|(chain, goal)| format!("{chain} to block {goal}"))
			.collect();
		self.say(format!(
			"went on by {blocks} blocks in {:.1} s: chains {}",
			begin.elapsed().as_secs_f32(),
			names.join(", ")
		));
		Ok(())
	}

	/// A chain stands still for as long as `meanwhile` takes, which it must not fail. What was on its way to finality
	/// may arrive before that.
	///
	/// # Errors
	/// If the chain makes another block final.
	pub async fn stands_still<T>(
		&mut self,
		chain: u32,
		meanwhile: impl AsyncFnOnce(&mut Self) -> Result<T>,
	) -> Result<T> {
		sleep(Duration::from_secs(3)).await;
		let before = self.height(chain).await;
		ensure!(before > 0, "chain {chain}: nobody answers");
		let result = meanwhile(self).await?;
		let after = self.height(chain).await;
		ensure!(
			before == after,
			"chain {chain}: went on from block {before} to {after} without a quorum"
		);
		self.say(format!("chain {chain} stands at block {before}"));
		Ok(result)
	}

	/// Nothing has forked: at each height of each chain, every node that runs names the same final block as every node
	/// has named since the network's start, and nobody has evidence of conflicting votes.
	///
	/// # Errors
	/// If two nodes, or a node and its past, contradict each other.
	pub async fn agrees(&mut self) -> Result<()> {
		let mut seen = std::mem::take(&mut self.seen);
		for chain in self.chains() {
			let mut compared = 0;
			let mut heights = Vec::new();
			for node in self.running_on(chain) {
				let name = &node.definition.name;
				let evidence = node.evidence(chain).await?;
				ensure!(
					evidence == 0,
					"{name} holds {evidence} pieces of evidence of conflicting votes on chain {chain}"
				);
				let Block { number, .. } = node.finalized(chain).await?;
				heights.push(number);
				let numbers: Vec<u32> = (0..=number).collect();
				for numbers in numbers.chunks(HASHES_AT_ONCE) {
					let hashes = node.hashes(chain, numbers.to_vec()).await?;
					for (number, hash) in numbers.iter().zip(hashes) {
						let hash =
							hash.with_context(|| format!("{name} has no block {number} of chain {chain}"))?;
						let (first, who) = seen
							.entry((chain, *number))
							.or_insert_with(|| (hash.clone(), name.clone()));
						ensure!(
							*first == hash,
							"chain {chain} forked at {number}: {who} had {first}, {name} has {hash}"
						);
						compared += 1;
					}
				}
			}
			// A block that was final once must still be there.
			let last = last_of(&seen, chain);
			let height = heights.iter().copied().max().unwrap_or(0);
			ensure!(
				height >= last,
				"chain {chain}: block {last} was final, but nobody is beyond {height}"
			);
			self.say(format!(
				"chain {chain}: {} nodes agree on all blocks to {height} ({compared} compared)",
				heights.len()
			));
		}
		self.seen = seen;
		Ok(())
	}

	/// A node holds certificates, each of a quorum of the committee: for its newest final block, and how many of all.
	///
	/// # Errors
	/// If it has none for the newest one, or if one isn't of a quorum or is for another block.
	pub async fn certified(&self, name: &str, chain: u32) -> Result<()> {
		let node = self.node(name)?;
		let members = self.definition.members(chain).len();
		let quorum = members - (members - 1) / 3;
		let head = node.finalized(chain).await?;
		let numbers: Vec<u32> = (1..=head.number).collect();
		let mut certified = 0;
		for numbers in numbers.chunks(HASHES_AT_ONCE) {
			for (number, hash) in numbers.iter().zip(node.hashes(chain, numbers.to_vec()).await?) {
				let hash = hash.with_context(|| format!("{name} has no block {number} of chain {chain}"))?;
				let Some(certificate) = node.certificate(chain, &hash).await? else {
					ensure!(
						*number < head.number,
						"{name}: final block {number} of chain {chain} has no certificate"
					);
					continue;
				};
				let mut signers = certificate.signers.clone();
				signers.dedup();
				ensure!(
					certificate.kind == "finalization"
						&& certificate.block_hash == hash
						&& signers.len() >= quorum,
					"{name}: block {number} of chain {chain} ({hash}) has the certificate {certificate:?}"
				);
				certified += 1;
			}
		}
		self.say(format!(
			"{name} holds certificates of {certified} of {} blocks of chain {chain}",
			head.number
		));
		Ok(())
	}

	/// Blocks of the root chain are taken with the certificates that they have, and not with others: the blocks of a node,
	/// which must not run, go into new databases, as they are and forged.
	///
	/// # Errors
	/// If what is genuine is refused, or what is forged is taken.
	pub fn refuses_forgeries(&self, name: &str) -> Result<()> {
		const BLOCKS: u32 = 6;
		let node = self.node(name)?;
		let blocks = node.export(BLOCKS)?;
		let (taken, said) = node.import(&blocks)?;
		let all = format!("Best: #{BLOCKS}");
		ensure!(
			taken && said.contains(&all),
			"{name}'s own blocks are refused: {said}"
		);

		// A justification is a list of pairs of an engine's id and bytes.
		let certificate = "/justifications/0/1";
		let forged = |forge: &dyn Fn(&mut Vec<serde_json::Value>) -> Option<()>| {
			let mut blocks = blocks.clone();
			forge(&mut blocks).context("blocks have another form than expected")?;
			node.import(&blocks)
		};
		let (taken, said) = forged(&|blocks| {
			let bytes = blocks[3].pointer_mut(certificate)?.as_array_mut()?;
			let last = bytes.last_mut()?;
			*last = (last.as_u64()? ^ 1).into();
			Some(())
		})?;
		ensure!(
			!taken && said.contains("justification"),
			"a forged signature is taken: {said}"
		);
		let (taken, said) = forged(&|blocks| {
			let other = blocks[2].pointer(certificate)?.clone();
			*blocks[3].pointer_mut(certificate)? = other;
			Some(())
		})?;
		ensure!(
			!taken && said.contains("justification"),
			"the certificate of another block is taken: {said}"
		);
		let (_, said) = forged(&|blocks| {
			for block in blocks {
				*block.pointer_mut("/justifications")? = serde_json::Value::Null;
			}
			Some(())
		})?;
		ensure!(
			said.contains("Best: #0"),
			"blocks without any certificate are taken: {said}"
		);
		self.say(format!(
			"{name}'s blocks are taken with their certificates alone: not with forged ones, others or none"
		));
		Ok(())
	}

	/// Moves one noOs from Alice on one chain to Bob on another; each is asked at its first running node.
	///
	/// # Errors
	/// See [`transfer`].
	pub async fn transfer(&self, source: u32, destination: u32) -> Result<Transferred> {
		let on = |chain: u32| {
			self.running_on(chain)
				.next()
				.with_context(|| format!("no node of chain {chain} runs"))
		};
		let done = transfer(
			(on(source)?, source),
			(on(destination)?, destination),
			1_000_000_000_000,
		)
		.await?;
		self.say(format!(
			"message {} from chain {source} to chain {destination}: final after {:.1} s, its delivery after {:.1} s",
			done.nonce,
			done.sent_after.as_secs_f32(),
			done.delivered_after.as_secs_f32()
		));
		Ok(done)
	}
}

/// The highest number of a chain's blocks in the record.
fn last_of(seen: &Seen, chain: u32) -> u32 {
	let last = seen.range((chain, 0)..=(chain, u32::MAX)).next_back();
	last.map_or(0, |((_, number), _)| *number)
}

impl Drop for Network {
	fn drop(&mut self) {
		for node in &mut self.nodes {
			node.kill();
		}
	}
}

/// Tells a story of a network: starts one, and lets `story` happen to it. One network runs at a time. The nodes' logs
/// are kept if the story ends badly.
///
/// # Errors
/// The story's.
pub async fn tell<F>(story: F) -> Result<()>
where
	F: AsyncFnOnce(&mut Network) -> Result<()>,
{
	tell_of(Network::prepare, story).await
}

/// Tells a story of another network, as [`tell`] does.
///
/// # Errors
/// The story's.
pub async fn tell_of<F>(prepare: impl FnOnce() -> Result<Network>, story: F) -> Result<()>
where
	F: AsyncFnOnce(&mut Network) -> Result<()>,
{
	static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
	let _turn = ONE_AT_A_TIME.lock().await;
	let mut network = prepare()?;
	let result = match network.launch().await {
		Ok(()) => story(&mut network).await,
		Err(error) => Err(error),
	};
	if result.is_err() {
		if let Some(folder) = network.folder.take() {
			println!(
				"the nodes' files and logs are kept in {}",
				folder.keep().display()
			);
		}
	}
	result
}
