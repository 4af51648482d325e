//! What the tests share: a committee with its secrets, what it signs, and a chain in memory.

use crate::{
	chain::{already_final, Chain, ChainError, Verdict},
	host::{Host, Process},
	keys,
	scheme::{self, to_digest, Digest, Identity, Scheme},
};
use asterism_primitives::{
	certificate::{Certificate, Realm, Round, ENGINE_ID},
	committee::Committee,
	digest,
	epoch::{epoch_after, epoch_item, EpochNote},
	BlockNumber, ChainId, Hash, Hashing, Header, OpaqueBlock,
};
use async_trait::async_trait;
use codec::{Decode, Encode};
use commonware_consensus::{
	simplex::types::{Finalization, Finalize, Notarization, Notarize, Proposal},
	types::{Epoch, Round as EngineRound, View},
};
use commonware_parallel::Sequential;
use parking_lot::Mutex;
use polkadot_sdk::sp_runtime::{
	generic,
	traits::{Block as _, Hash as _, Header as _},
	Justifications, OpaqueExtrinsic, StateVersion,
};
use std::{
	collections::{HashMap, VecDeque},
	time::Duration,
};

pub const REALM: Realm = Realm {
	chain: ChainId(1),
	genesis: Hash::repeat_byte(1),
};
pub const NAMES: [&str; 4] = ["//Alice", "//Bob", "//Charlie", "//Dave"];

/// A committee of the named members.
pub fn committee_of(epoch: u64, names: &[&str]) -> Committee {
	Committee::new(
		epoch,
		names.iter().map(|name| keys::member(name).unwrap()).collect(),
	)
	.unwrap()
}

/// The committee of [`NAMES`].
pub fn committee(epoch: u64) -> Committee {
	committee_of(epoch, &NAMES)
}

/// The members' schemes to sign with, in the committee's order.
pub fn signers(realm: Realm, committee: &Committee, names: &[&str]) -> Vec<Scheme> {
	let secret = |key| {
		let mut pairs = names.iter().map(|name| keys::derive(name, None).unwrap());
		pairs.find(|(_, public)| *public == key).unwrap().0
	};
	let members = committee.members().iter();
	members
		.map(|m| scheme::signer(realm, committee, secret(m.key)).unwrap().unwrap())
		.collect()
}

/// A proposal of `block` in a round, upon the block of the view before it.
pub fn proposal(epoch: u64, view: u64, block: Hash) -> Proposal<Digest> {
	let round = EngineRound::new(Epoch::new(epoch), View::new(view));
	Proposal::new(round, View::new(view.saturating_sub(1)), to_digest(block))
}

/// The finalization that the given schemes sign.
pub fn finalization(by: &[Scheme], proposal: Proposal<Digest>) -> Finalization<Scheme, Digest> {
	let votes: Vec<_> = by
		.iter()
		.map(|s| Finalize::sign(s, proposal.clone()).unwrap())
		.collect();
	Finalization::from_finalizes(&by[0], votes.iter(), &Sequential).unwrap()
}

/// The notarization that the given schemes sign.
pub fn notarization(by: &[Scheme], proposal: Proposal<Digest>) -> Notarization<Scheme, Digest> {
	let votes: Vec<_> = by
		.iter()
		.map(|s| Notarize::sign(s, proposal.clone()).unwrap())
		.collect();
	Notarization::from_notarizes(&by[0], votes.iter(), &Sequential).unwrap()
}

/// The identity of a committee's member.
pub fn identity(committee: &Committee, index: usize) -> Identity {
	committee.members()[index].id.into()
}

/// The body that a header's root commits to.
fn body_root(body: &[OpaqueExtrinsic]) -> Hash {
	Hashing::ordered_trie_root(body.iter().map(Encode::encode).collect(), StateVersion::V0)
}

/// A block upon `parent` whose only extrinsic is its time.
pub fn block_upon(parent: &Header, round: Round, time: u64) -> OpaqueBlock {
	let body = vec![OpaqueExtrinsic::from_blob(time.encode())];
	let header = Header {
		parent_hash: parent.hash(),
		number: parent.number + 1,
		state_root: Hash::zero(),
		extrinsics_root: body_root(&body),
		digest: generic::Digest {
			logs: vec![digest::round_item(round)],
		},
	};
	OpaqueBlock::new(header, body)
}

/// The same block, which states another state than it executes to.
pub fn refusable(block: OpaqueBlock) -> OpaqueBlock {
	let (mut header, body) = block.deconstruct();
	header.state_root = Hash::repeat_byte(13);
	OpaqueBlock::new(header, body)
}

/// The same block, with a note that it is the last one of its epoch.
pub fn ending_epoch(block: OpaqueBlock) -> OpaqueBlock {
	let (mut header, body) = block.deconstruct();
	let round = digest::round(&header.digest).expect("a block names its round");
	header.digest.push(epoch_item(EpochNote::End {
		next: round.epoch + 1,
	}));
	OpaqueBlock::new(header, body)
}

/// A chain in memory. A block executes if its state root is zero, its body its own, and its round of the right epoch.
pub struct MemoryChain {
	genesis: Header,
	/// How many blocks an epoch has; 0 if it never ends.
	epoch_length: BlockNumber,
	state: Mutex<State>,
}

struct State {
	blocks: HashMap<Hash, OpaqueBlock>,
	finalized: Vec<(BlockNumber, Hash, Option<Certificate>)>,
	verdicts: VecDeque<Verdict>,
	checks: usize,
	refused: HashMap<Hash, Header>,
}

impl Default for MemoryChain {
	fn default() -> Self {
		let genesis = Header {
			parent_hash: Hash::zero(),
			number: 0,
			state_root: Hash::zero(),
			extrinsics_root: body_root(&[]),
			digest: Default::default(),
		};
		let hash = genesis.hash();
		let state = State {
			blocks: HashMap::from([(hash, OpaqueBlock::new(genesis.clone(), Vec::new()))]),
			finalized: vec![(0, hash, None)],
			verdicts: VecDeque::new(),
			checks: 0,
			refused: HashMap::new(),
		};
		MemoryChain {
			genesis,
			epoch_length: 0,
			state: Mutex::new(state),
		}
	}
}

impl MemoryChain {
	/// A chain whose epochs have so many blocks.
	pub fn with_epochs(epoch_length: BlockNumber) -> Self {
		MemoryChain {
			epoch_length,
			..Default::default()
		}
	}

	pub fn genesis(&self) -> &Header {
		&self.genesis
	}

	/// The final blocks, oldest first, with the certificates that they were made final with.
	pub fn all_final(&self) -> Vec<(BlockNumber, Hash, Option<Certificate>)> {
		self.state.lock().finalized.clone()
	}

	/// What the next checks say; [`Verdict::Valid`] when there is none left.
	pub fn answer(&self, verdicts: impl IntoIterator<Item = Verdict>) {
		self.state.lock().verdicts = verdicts.into_iter().collect();
	}

	/// How many blocks were judged.
	pub fn checks(&self) -> usize {
		self.state.lock().checks
	}
}

#[async_trait]
impl Chain for MemoryChain {
	fn header(&self, hash: Hash) -> Option<Header> {
		self.state
			.lock()
			.blocks
			.get(&hash)
			.map(|block| block.header().clone())
	}

	fn block(&self, hash: Hash) -> Option<OpaqueBlock> {
		self.state.lock().blocks.get(&hash).cloned()
	}

	fn finalized(&self) -> (BlockNumber, Hash) {
		let state = self.state.lock();
		let (number, hash, _) = state.finalized.last().expect("genesis is final");
		(*number, *hash)
	}

	fn final_hash(&self, number: BlockNumber) -> Result<Option<Hash>, ChainError> {
		let state = self.state.lock();
		let at_height = state.finalized.iter().find(|(at, ..)| *at == number);
		Ok(at_height.map(|(_, hash, _)| *hash))
	}

	fn justifications(&self, hash: Hash) -> Option<Justifications> {
		let state = self.state.lock();
		let (.., certificate) = state.finalized.iter().find(|(_, at, _)| *at == hash)?;
		Some((ENGINE_ID, certificate.as_ref()?.encode()).into())
	}

	async fn finality(&self) {
		let before = self.finalized();
		while self.finalized() == before {
			tokio::time::sleep(Duration::from_millis(2)).await;
		}
	}

	fn timestamp(&self, hash: Hash) -> Result<u64, ChainError> {
		let block = self
			.block(hash)
			.ok_or_else(|| ChainError("no such block".into()))?;
		let time = block
			.extrinsics()
			.first()
			.map(|time| u64::decode(&mut time.inner()));
		time.transpose()
			.map(Option::unwrap_or_default)
			.map_err(|e| ChainError(e.to_string()))
	}

	async fn build(&self, parent: &Header, round: Round, _: Duration) -> Result<OpaqueBlock, ChainError> {
		let mut block = block_upon(parent, round, Process.unix_millis());
		let ends = block.header().number.checked_rem(self.epoch_length) == Some(0);
		if ends {
			block = ending_epoch(block);
		}
		self.import(block.clone()).await?;
		Ok(block)
	}

	async fn check(&self, _: &Header, _: &OpaqueBlock) -> Verdict {
		let mut state = self.state.lock();
		state.checks += 1;
		state.verdicts.pop_front().unwrap_or(Verdict::Valid)
	}

	async fn import(&self, block: OpaqueBlock) -> Result<(), ChainError> {
		let header = block.header().clone();
		let parent = self
			.header(*header.parent_hash())
			.ok_or_else(|| ChainError("no parent".into()))?;
		let executes = header.number == parent.number + 1
			&& header.state_root == Hash::zero()
			&& header.extrinsics_root == body_root(block.extrinsics())
			&& digest::round(&header.digest).map(|round| round.epoch)
				== epoch_after(parent.number, &parent.digest);
		if !executes {
			self.state.lock().refused.insert(header.hash(), header);
			return Err(ChainError("it does not execute".into()));
		}
		if header.number <= self.finalized().0 && self.header(header.hash()).is_none() {
			return Err(ChainError("it is not in the final chain".into()));
		}
		self.state.lock().blocks.insert(header.hash(), block);
		Ok(())
	}

	fn refused(&self, hash: Hash) -> Option<Header> {
		self.state.lock().refused.get(&hash).cloned()
	}

	fn finalize(&self, hash: Hash, certificate: Option<Certificate>) -> Result<(), ChainError> {
		let header = self
			.header(hash)
			.ok_or_else(|| ChainError("no such block".into()))?;
		let (number, last) = self.finalized();
		if already_final((header.number, hash), number, |number| self.final_hash(number))? {
			return Ok(());
		}
		if *header.parent_hash() != last {
			return Err(ChainError("its parent is not the newest final block".into()));
		}
		self.state
			.lock()
			.finalized
			.push((header.number, hash, certificate));
		Ok(())
	}
}
