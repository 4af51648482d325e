//! One process of the network.

use anyhow::{ensure, Context, Result};
use serde::{de::DeserializeOwned, Deserialize};
use std::{
	fs::File,
	io::Write,
	net::TcpListener,
	path::{Path, PathBuf},
	process::{Child, Command, Stdio},
	sync::atomic::{AtomicU16, Ordering},
	time::Duration,
};
use subxt::{
	rpcs::{client::RpcParams, rpc_params, RpcClient},
	OnlineClient, PolkadotConfig,
};

use crate::definition::{Keys, NodeDefinition};

/// How long a node may take to answer a question.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// The ports of one chain in one process.
#[derive(Clone, Copy, Debug)]
struct Ports {
	p2p: u16,
	rpc: u16,
}

impl Ports {
	/// Ports that nobody uses, and that no other node of this process gets. They are below those that the system gives
	/// to outgoing connections, so that a node that is started again finds its own free.
	fn free() -> Result<Self> {
		static NEXT: AtomicU16 = AtomicU16::new(0);
		// Another run of the tests begins elsewhere.
		let begin = u16::try_from(std::process::id() % 100)? * 100;
		let next = || {
			(0..10_000).find_map(|_| {
				let port = 20_000 + begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000;
				TcpListener::bind(("127.0.0.1", port)).is_ok().then_some(port)
			})
		};
		let all_taken = "no port from 20000 to 29999 is free";
		Ok(Ports {
			p2p: next().context(all_taken)?,
			rpc: next().context(all_taken)?,
		})
	}

	/// Ports of as many chains as one process runs: those of each are one above those of the chain before.
	fn free_for(chains: u16) -> Result<Self> {
		for _ in 0..1_000 {
			let first = Self::free()?;
			let mut others = (1..chains).map(|i| (first.p2p + 2 * i, first.rpc + 2 * i));
			// Ports are given out in pairs: the next pairs are those of the next calls.
			if others.all(|expected| Self::free().is_ok_and(|next| (next.p2p, next.rpc) == expected)) {
				// The lower half for the network, the upper one for JSON-RPC.
				return Ok(Ports {
					p2p: first.p2p,
					rpc: first.p2p + chains,
				});
			}
		}
		anyhow::bail!("no {} ports in a row are free", 2 * chains)
	}

	/// The ports of the chain that comes so many after this one.
	fn up(self, by: u16) -> Self {
		Ports {
			p2p: self.p2p + by,
			rpc: self.rpc + by,
		}
	}

	fn args(self) -> [String; 4] {
		// Without it, a node that is no member would listen for WebSockets, and its address would be another.
		let listen = format!("/ip4/127.0.0.1/tcp/{}", self.p2p);
		[
			"--listen-addr".into(),
			listen,
			"--rpc-port".into(),
			self.rpc.to_string(),
		]
	}
}

/// A chain's node key, and the address that is known by it.
#[derive(Clone, Debug)]
struct Identity {
	key: String,
	address: String,
}

impl Identity {
	fn new(binary: &Path, key: u64, port: u16) -> Result<Self> {
		let key = format!("{key:064x}");
		let mut inspect = Command::new(binary)
			.args(["key", "inspect-node-key"])
			.stdin(Stdio::piped())
			.stdout(Stdio::piped())
			.stderr(Stdio::null())
			.spawn()?;
		inspect
			.stdin
			.take()
			.context("stdin is piped")?
			.write_all(key.as_bytes())?;
		let output = inspect.wait_with_output()?;
		ensure!(
			output.status.success(),
			"asterism key inspect-node-key: {}",
			output.status
		);
		let peer = String::from_utf8(output.stdout)?;
		Ok(Identity {
			key,
			address: format!("/ip4/127.0.0.1/tcp/{port}/p2p/{}", peer.trim()),
		})
	}
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
	let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
	format!("0x{digits}")
}

/// Puts a member's keys into a keystore.
fn insert_member(binary: &Path, seed: &str, keystore: &Path, specs: &[(u32, PathBuf)]) -> Result<()> {
	let output = Command::new(binary)
		.args(["key", "insert-member", "--suri", seed, "--keystore-path"])
		.arg(keystore)
		.arg("--chain")
		.arg(&specs.first().context("a network has chains")?.1)
		.stdin(Stdio::null())
		.output()?;
	ensure!(
		output.status.success(),
		"asterism key insert-member: {}: {}",
		output.status,
		String::from_utf8_lossy(&output.stderr)
	);
	Ok(())
}

/// The public parts of the keys that a node has made, and the proof that they are its operator's; in hexadecimal.
#[derive(Clone, Debug, Deserialize)]
pub struct MemberKeys {
	/// Identity, sortition and consensus key: 32, 32 and 96 bytes.
	pub keys: String,
	/// The signature of each: 64, 64 and 48 bytes.
	pub proof: String,
}

/// A block, by number and hash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Block {
	/// Its number.
	pub number: u32,
	/// Its hash, in hexadecimal.
	pub hash: String,
}

/// What `consensus_certificate` says of a block.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Certificate {
	/// `notarization` or `finalization`.
	pub kind: String,
	/// The block that it is for.
	pub block_hash: String,
	/// The members that signed, by their place in the committee.
	pub signers: Vec<u32>,
}

/// A node: its files and ports for good, and its process while it runs.
pub struct Node {
	/// What it is.
	pub definition: NodeDefinition,
	binary: PathBuf,
	base_path: PathBuf,
	log: PathBuf,
	specs: Vec<(u32, PathBuf)>,
	/// Where each chain of it is found.
	places: Vec<(u32, Ports, Identity)>,
	process: Option<Child>,
}

impl Node {
	/// Prepares a node whose files are in a folder; `number` is one that no other node of the network has.
	///
	/// # Errors
	/// If there are no ports, or the binary doesn't work.
	pub fn new(
		definition: NodeDefinition,
		number: u64,
		binary: &Path,
		folder: &Path,
		specs: &[(u32, PathBuf)],
	) -> Result<Self> {
		let base_path = folder.join(&definition.name);
		let mut places = Vec::new();
		match &definition.serves_all {
			None => {
				let root = (definition.chain != 0).then_some((0, 2 * number + 2));
				for (chain, key) in [(definition.chain, 2 * number + 1)].into_iter().chain(root) {
					let ports = Ports::free()?;
					places.push((chain, ports, Identity::new(binary, key, ports.p2p)?));
				}
			}
			Some(keys) => {
				let first = Ports::free_for(u16::try_from(specs.len())?)?;
				for (chain, _) in specs {
					let ports = first.up(u16::try_from(*chain)?);
					places.push((*chain, ports, Identity::new(binary, 2 * number + 1, ports.p2p)?));
				}
				if let Keys::Of(seed) = keys {
					insert_member(binary, seed, &base_path.join("keystore"), specs)?;
				}
			}
		}
		// All nodes share what one of them has compiled: the machine has few cores.
		let runtimes = folder.join("runtimes");
		std::fs::create_dir_all(&runtimes)?;
		for path in [base_path.clone(), base_path.join("root")] {
			std::fs::create_dir_all(&path)?;
			std::os::unix::fs::symlink(&runtimes, path.join("runtimes"))?;
		}
		Ok(Node {
			places,
			binary: binary.into(),
			log: folder.join(format!("{}.log", definition.name)),
			base_path,
			specs: specs.to_vec(),
			process: None,
			definition,
		})
	}

	/// Runs another binary from the next start on.
	pub fn run_with(&mut self, binary: PathBuf) {
		self.binary = binary;
	}

	/// The chains that the node runs.
	pub fn chains(&self) -> Vec<u32> {
		let mut chains: Vec<_> = self.places.iter().map(|(chain, ..)| *chain).collect();
		chains.sort_unstable();
		chains
	}

	fn on(&self, chain: u32) -> Result<(&Ports, &Identity)> {
		let mut places = self.places.iter();
		let (_, ports, identity) = places
			.find(|(of, ..)| *of == chain)
			.with_context(|| format!("{} doesn't run chain {chain}", self.definition.name))?;
		Ok((ports, identity))
	}

	fn spec(&self, chain: u32) -> Result<&Path> {
		let spec = self.specs.iter().find(|(id, _)| *id == chain);
		let (_, path) = spec.with_context(|| format!("there is no spec of chain {chain}"))?;
		Ok(path)
	}

	/// Where the node is found on a chain's network.
	pub fn address(&self, chain: u32) -> Result<&str> {
		Ok(&self.on(chain)?.1.address)
	}

	/// A chain's JSON-RPC endpoint.
	pub fn url(&self, chain: u32) -> Result<String> {
		Ok(format!("ws://127.0.0.1:{}", self.on(chain)?.0.rpc))
	}

	/// Starts the process. `boot` are the boot nodes' addresses by chain.
	///
	/// # Errors
	/// If it can't be started; that it fails later is seen when it is asked.
	pub fn start(&mut self, boot: &[(u32, String)]) -> Result<()> {
		ensure!(self.process.is_none(), "{} runs already", self.definition.name);
		let log = File::options().create(true).append(true).open(&self.log)?;
		let chain_args = |chain: u32| -> Result<Vec<String>> {
			let (ports, identity) = self.on(chain)?;
			let spec = self.spec(chain)?;
			let mut args = vec!["--chain".into(), spec.display().to_string()];
			args.extend(ports.args());
			args.extend(["--node-key".into(), identity.key.clone()]);
			// Members find each other through the boot nodes and the DHT alone, as on a real network.
			args.extend(["--no-mdns", "--no-telemetry", "--no-prometheus"].map(String::from));
			for (_, address) in boot
				.iter()
				.filter(|(id, address)| *id == chain && *address != identity.address)
			{
				args.extend(["--bootnodes".into(), address.clone()]);
			}
			Ok(args)
		};
		let mut command = Command::new(&self.binary);
		command.arg("--base-path").arg(&self.base_path);
		if self.definition.serves_all.is_some() {
			let (ports, identity) = self.on(0)?;
			let specs = self.spec(0)?.parent().context("a spec is in a folder")?;
			// The boot nodes are in the specs: each chain has its own.
			command
				.arg("--network")
				.arg(specs)
				.arg("--keystore-path")
				.arg(self.base_path.join("keystore"))
				.args(["--validator", "--no-mdns", "--no-telemetry", "--no-prometheus"])
				.args([
					"--port",
					&ports.p2p.to_string(),
					"--rpc-port",
					&ports.rpc.to_string(),
				])
				.args(["--node-key", &identity.key, "--name", &self.definition.name]);
		} else {
			command
				.args(chain_args(self.definition.chain)?)
				.args(&self.definition.args);
			if self.definition.chain != 0 {
				command
					.arg("--")
					.args(chain_args(0)?)
					.args(&self.definition.root_args);
			}
		}
		command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
		self.process = Some(
			command
				.spawn()
				.with_context(|| format!("starting {}", self.binary.display()))?,
		);
		Ok(())
	}

	/// Kills the process with SIGKILL: it gets no chance to tidy up. The files stay.
	pub fn kill(&mut self) {
		if let Some(mut process) = self.process.take() {
			// An error says that it has ended already.
			let _ = process.kill();
			let _ = process.wait();
		}
	}

	/// The blocks of the root chain up to a number, as `export-blocks` writes them; the process must not run.
	///
	/// # Errors
	/// If it runs, or the command fails.
	pub fn export(&self, to: u32) -> Result<Vec<serde_json::Value>> {
		ensure!(!self.runs(), "{}: its database is in use", self.definition.name);
		ensure!(
			self.definition.chain == 0,
			"{} is no node of the root chain",
			self.definition.name
		);
		let file = self.base_path.with_extension("blocks");
		let output = Command::new(&self.binary)
			.arg("export-blocks")
			.args(["--from", "1", "--to", &to.to_string()])
			.arg("--base-path")
			.arg(&self.base_path)
			.arg("--chain")
			.arg(self.spec(0)?)
			.arg(&file)
			.stdin(Stdio::null())
			.output()?;
		ensure!(
			output.status.success(),
			"asterism export-blocks: {}",
			output.status
		);
		let text = std::fs::read_to_string(&file)?;
		let blocks = serde_json::Deserializer::from_str(&text)
			.into_iter()
			.collect::<Result<Vec<_>, _>>()?;
		ensure!(
			blocks.len() == to as usize,
			"asterism export-blocks: {} blocks, not {to}",
			blocks.len()
		);
		Ok(blocks)
	}

	/// Whether `import-blocks` takes these blocks of the root chain into a new database, and what it says.
	///
	/// # Errors
	/// If the command can't be run.
	pub fn import(&self, blocks: &[serde_json::Value]) -> Result<(bool, String)> {
		let folder = tempfile::tempdir()?;
		let file = folder.path().join("blocks");
		let text: Vec<_> = blocks.iter().map(ToString::to_string).collect();
		std::fs::write(&file, text.concat())?;
		let output = Command::new(&self.binary)
			.arg("import-blocks")
			.arg("--base-path")
			.arg(folder.path().join("database"))
			.arg("--chain")
			.arg(self.spec(0)?)
			.arg(&file)
			.stdin(Stdio::null())
			.output()?;
		let said = [output.stdout, output.stderr].concat();
		Ok((
			output.status.success(),
			String::from_utf8_lossy(&said).into_owned(),
		))
	}

	/// Whether the process was started and not killed by us.
	pub fn runs(&self) -> bool {
		self.process.is_some()
	}

	/// Fails if the process has ended by itself.
	pub fn check_alive(&mut self) -> Result<()> {
		if let Some(process) = &mut self.process {
			if let Some(status) = process.try_wait()? {
				anyhow::bail!(
					"{} has ended: {status}; its log is {}",
					self.definition.name,
					self.log.display()
				);
			}
		}
		Ok(())
	}

	/// Connects to a chain's JSON-RPC endpoint.
	pub async fn client(&self, chain: u32) -> Result<RpcClient> {
		let url = self.url(chain)?;
		let connect = tokio::time::timeout(ANSWER_WITHIN, RpcClient::from_insecure_url(&url));
		let connected = connect
			.await
			.with_context(|| format!("{}: {url} is silent", self.definition.name))?;
		connected.with_context(|| format!("{}: {url}", self.definition.name))
	}

	/// Connects to a chain with subxt.
	pub async fn subxt(&self, chain: u32) -> Result<OnlineClient<PolkadotConfig>> {
		let url = self.url(chain)?;
		OnlineClient::from_insecure_url(&url)
			.await
			.with_context(|| format!("subxt: connecting to {url}"))
	}

	/// Calls a method of a chain's JSON-RPC.
	pub async fn rpc<T: DeserializeOwned>(&self, chain: u32, method: &str, params: RpcParams) -> Result<T> {
		let client = self.client(chain).await?;
		let answer = tokio::time::timeout(ANSWER_WITHIN, client.request(method, params));
		let answer = answer
			.await
			.with_context(|| format!("{}: {method}: no answer", self.definition.name))?;
		answer.with_context(|| format!("{}: {method}", self.definition.name))
	}

	/// The newest final block of a chain.
	pub async fn finalized(&self, chain: u32) -> Result<Block> {
		#[derive(Deserialize)]
		struct Heads {
			finalized: Block,
		}
		let heads: Heads = self.rpc(chain, "consensus_round", rpc_params![]).await?;
		Ok(heads.finalized)
	}

	/// The epoch of a chain's next block.
	pub async fn epoch(&self, chain: u32) -> Result<u64> {
		let answer: String = self
			.rpc(chain, "state_call", rpc_params!["EpochsApi_current", "0x"])
			.await?;
		// The epoch and its first block, each in little-endian order.
		let digits = answer.get(2..18).context("EpochsApi_current: no epoch")?;
		let number = u64::from_str_radix(digits, 16)?;
		Ok(number.swap_bytes())
	}

	/// The hashes of a chain's blocks with these numbers, as far as the node has them.
	pub async fn hashes(&self, chain: u32, numbers: Vec<u32>) -> Result<Vec<Option<String>>> {
		self.rpc(chain, "chain_getBlockHash", rpc_params![numbers]).await
	}

	/// The certificate that the node holds for a block.
	pub async fn certificate(&self, chain: u32, hash: &str) -> Result<Option<Certificate>> {
		self.rpc(chain, "consensus_certificate", rpc_params![hash]).await
	}

	/// Makes new keys in the node's keystore, for an operator's account.
	pub async fn rotate_keys(&self, operator: [u8; 32]) -> Result<MemberKeys> {
		let params = rpc_params![hex(&operator)];
		self.rpc(0, "author_rotateKeysWithOwner", params).await
	}

	/// How many pieces of evidence of conflicting votes the node holds.
	pub async fn evidence(&self, chain: u32) -> Result<usize> {
		let evidence: Vec<serde_json::Value> = self.rpc(chain, "consensus_evidence", rpc_params![]).await?;
		Ok(evidence.len())
	}
}

impl Drop for Node {
	fn drop(&mut self) {
		self.kill();
	}
}
