//! Makes root views for tests and benchmarks: a root chain's state of chains, anchors and channel records, with proofs.

use alloc::{
	collections::{BTreeMap, BTreeSet},
	vec::Vec,
};
use asterism_primitives::{
	committee::Epoch,
	inherents::RootViewData,
	root_state::{anchor_key, chains_key, channel_key, ready_key, Anchor, ChannelRecord},
	BlockNumber, ChainId, Hash, Hashing, Header,
};
use codec::Encode;
use polkadot_sdk::sp_trie::Trie;
use polkadot_sdk::{
	sp_runtime::traits::Header as HeaderT,
	sp_trie::{trie_types::TrieDBMutBuilderV1, LayoutV1, MemoryDB, Recorder, TrieDBBuilder, TrieMut},
};

/// The part of a root chain's state that transaction chains read.
#[derive(Clone)]
pub struct RootFixture {
	entries: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// A network without transaction chains.
impl Default for RootFixture {
	fn default() -> Self {
		let mut fixture = RootFixture {
			entries: BTreeMap::new(),
		};
		fixture.set_chains([]);
		fixture
	}
}

impl RootFixture {
	/// Records which transaction chains there are.
	pub fn set_chains(&mut self, chains: impl IntoIterator<Item = ChainId>) {
		let chains: BTreeSet<ChainId> = chains.into_iter().collect();
		self.entries.insert(chains_key(), chains.encode());
	}

	/// Records that a chain's committee of this epoch may take over.
	pub fn set_ready(&mut self, chain: ChainId, epoch: Epoch) {
		self.entries.insert(ready_key(chain), epoch.encode());
	}

	/// Removes what is under a key.
	pub fn remove(&mut self, key: &[u8]) {
		self.entries.remove(key);
	}

	/// Records an anchor.
	pub fn set_anchor(&mut self, chain: ChainId, number: BlockNumber, anchor: Anchor) {
		self.entries.insert(anchor_key(chain, number), anchor.encode());
	}

	/// Records a channel.
	pub fn set_channel(&mut self, source: ChainId, destination: ChainId, record: &ChannelRecord) {
		self.entries
			.insert(channel_key(source, destination), record.encode());
	}

	/// Puts any bytes under any key.
	pub fn set_raw(&mut self, key: Vec<u8>, value: Vec<u8>) {
		self.entries.insert(key, value);
	}

	/// The view of `own` on this state at root block `number`.
	pub fn view(
		&self,
		own: ChainId,
		number: BlockNumber,
		anchors: &[(ChainId, BlockNumber)],
		acknowledgements: &[ChainId],
	) -> RootViewData {
		let mut db = MemoryDB::<Hashing>::default();
		let mut root = Hash::default();
		{
			let mut trie = TrieDBMutBuilderV1::<Hashing>::new(&mut db, &mut root).build();
			for (key, value) in &self.entries {
				trie.insert(key, value).expect("the trie is in memory");
			}
			trie.commit();
		}
		let mut recorder = Recorder::<LayoutV1<Hashing>>::new();
		{
			let trie = TrieDBBuilder::<LayoutV1<Hashing>>::new(&db, &root)
				.with_recorder(&mut recorder)
				.build();
			let keys = anchors.iter().map(|(chain, number)| anchor_key(*chain, *number));
			let keys = keys.chain(acknowledgements.iter().map(|d| channel_key(own, *d)));
			for key in keys.chain([chains_key(), ready_key(own)]) {
				trie.get(&key).expect("the trie is in memory");
			}
		}
		let mut proof: Vec<Vec<u8>> = recorder.drain().into_iter().map(|record| record.data).collect();
		proof.sort();
		proof.dedup();
		RootViewData {
			header: Header::new(
				number,
				Default::default(),
				root,
				Default::default(),
				Default::default(),
			),
			anchors: anchors.to_vec(),
			acknowledgements: acknowledgements.to_vec(),
			proof,
		}
	}
}
