//! The root chain: the real runtime, executed natively. What a block does depends on nothing but its parent's state, so each is
//! executed once for all nodes of a run.

use crate::keystore::{id, keys};
use asterism_beacon::dealt;
use asterism_primitives::{
	certificate::Round, digest::round_item, AccountId, Balance, BlockNumber, Hash, Header, OpaqueBlock,
};
use asterism_root_runtime::{Block, Executive, Runtime, RuntimeGenesisConfig, UncheckedExtrinsic};
use asterism_runtime_common::UNIT;
use codec::{Decode, DecodeAll, Encode};
use parking_lot::Mutex;
use polkadot_sdk::{
	frame_support::genesis_builder_helper,
	sp_block_builder::runtime_decl_for_block_builder::BlockBuilderV6,
	sp_core::storage::{StateVersion, Storage},
	sp_inherents::InherentData,
	sp_io::storage,
	sp_runtime::{
		traits::{Block as _, Header as _},
		transaction_validity::{TransactionSource, TransactionValidity},
		Digest, OpaqueExtrinsic,
	},
	sp_state_machine::BasicExternalities,
};
use std::{
	collections::HashMap,
	panic::{catch_unwind, AssertUnwindSafe},
	sync::Arc,
};

/// Nodes of the network.
pub const NODES: usize = 7;
/// The first so many of them are the first committee; as many members an election is expected to have.
pub const COMMITTEE: usize = 4;
/// Blocks of an epoch: fewer than its steps need, so that each epoch ends as soon as the next committee is ready.
pub const EPOCH_LENGTH: BlockNumber = 8;
/// The block interval in milliseconds.
pub const INTERVAL: u32 = 1_000;

/// The operator of a node.
pub fn operator(node: usize) -> AccountId {
	AccountId::new([node as u8 + 1; 32])
}

/// The genesis configuration: all nodes have the same stake.
fn genesis() -> serde_json::Value {
	let stake = 10_000 * UNIT as u64;
	let balances: Vec<_> = (0..NODES).map(|i| (operator(i), 2 * stake)).collect();
	let nodes: Vec<_> = (0..NODES)
		.map(|i| serde_json::json!({ "operator": operator(i), "keys": keys(i), "stake": stake }))
		.collect();
	let members: Vec<_> = (0..COMMITTEE)
		.map(|i| serde_json::json!({ "id": keys(i).identity, "key": keys(i).consensus }))
		.collect();
	let players: Vec<_> = (0..COMMITTEE).map(id).collect();
	let parameters = serde_json::json!({
		"blockInterval": INTERVAL,
		"epochLength": EPOCH_LENGTH,
		"committeeSize": COMMITTEE,
	});
	serde_json::json!({
		"balances": { "balances": balances },
		"chains": { "root": { "parameters": parameters, "members": members } },
		"stake": { "nodes": nodes },
		"beacon": { "beacon": dealt::genesis(&players) },
	})
}

/// A block with the state after it.
struct Entry {
	block: OpaqueBlock,
	state: Storage,
	/// The same, as it is read.
	reading: Mutex<Option<BasicExternalities>>,
	/// Whether it was executed as others' blocks are, and not only built.
	executed: bool,
}

/// The blocks of a run that somebody built or executed.
pub struct Ledger {
	genesis: Header,
	entries: Mutex<HashMap<Hash, Arc<Entry>>>,
}

/// Does something upon a state, which is changed by it.
fn upon<R>(state: &mut Storage, f: impl FnOnce() -> R) -> R {
	BasicExternalities::execute_with_storage(state, f)
}

/// Does something whose changes to the state are taken back.
fn dry<R>(f: impl FnOnce() -> R) -> R {
	storage::start_transaction();
	let result = f();
	storage::rollback_transaction();
	result
}

fn opaque(block: &Block) -> OpaqueBlock {
	OpaqueBlock::decode_all(&mut &block.encode()[..]).expect("blocks differ in how extrinsics are read")
}

/// An extrinsic of the runtime as nodes pass it on.
pub fn opaque_extrinsic(extrinsic: &UncheckedExtrinsic) -> OpaqueExtrinsic {
	OpaqueExtrinsic::decode_all(&mut &extrinsic.encode()[..]).expect("it has its length before it")
}

impl Ledger {
	/// With the genesis block.
	pub fn new() -> Self {
		let mut state = Storage::default();
		let root = upon(&mut state, || {
			let mut full = serde_json::to_value(RuntimeGenesisConfig::default()).expect("it serializes");
			for (pallet, config) in genesis().as_object().expect("it is an object") {
				for (field, value) in config.as_object().expect("it is an object") {
					full[pallet][field] = value.clone();
				}
			}
			genesis_builder_helper::build_state::<RuntimeGenesisConfig>(full.to_string().into_bytes())
				.expect("the genesis configuration is one");
			storage::root(StateVersion::V1)
		});
		let state_root = Hash::from_slice(&root);
		let header = Header::new(0, Hash::zero(), state_root, Hash::zero(), Digest::default());
		let entry = Entry {
			block: OpaqueBlock::new(header.clone(), Vec::new()),
			state,
			reading: Mutex::new(None),
			executed: true,
		};
		Ledger {
			entries: Mutex::new(HashMap::from([(header.hash(), Arc::new(entry))])),
			genesis: header,
		}
	}

	/// The hash of the genesis block.
	pub fn genesis(&self) -> Hash {
		self.genesis.hash()
	}

	fn entry(&self, hash: Hash) -> Option<Arc<Entry>> {
		self.entries.lock().get(&hash).cloned()
	}

	/// A block.
	///
	/// # Panics
	/// If nobody has it.
	pub fn block(&self, hash: Hash) -> OpaqueBlock {
		self.entry(hash).expect("the block exists").block.clone()
	}

	/// Its header.
	///
	/// # Panics
	/// If nobody has it.
	pub fn header(&self, hash: Hash) -> Header {
		self.entry(hash).expect("the block exists").block.header().clone()
	}

	/// Reads the state after a block, as runtime calls do.
	///
	/// # Panics
	/// If nobody has the block.
	pub fn at<R>(&self, hash: Hash, f: impl FnOnce() -> R) -> R {
		let entry = self.entry(hash).expect("the block exists");
		let mut reading = entry.reading.lock();
		let ext = reading.get_or_insert_with(|| BasicExternalities::new(entry.state.clone()));
		ext.execute_with(|| dry(f))
	}

	/// What the pool says of an extrinsic upon a block.
	///
	/// # Panics
	/// If nobody has the block.
	pub fn validate(&self, at: Hash, extrinsic: &OpaqueExtrinsic) -> TransactionValidity {
		let extrinsic = UncheckedExtrinsic::decode_all(&mut &extrinsic.encode()[..])
			.expect("honest nodes submit extrinsics of the runtime");
		self.at(at, || {
			Executive::validate_transaction(TransactionSource::External, extrinsic, at)
		})
	}

	/// Builds a block, with as many of the given extrinsics as are valid.
	///
	/// # Errors
	/// If an inherent is refused.
	pub fn build(
		&self,
		parent: &Header,
		round: Round,
		data: InherentData,
		extrinsics: Vec<OpaqueExtrinsic>,
	) -> Result<OpaqueBlock, String> {
		let parent_hash = parent.hash();
		let mut state = self.entry(parent_hash).ok_or("no parent")?.state.clone();
		let digest = Digest {
			logs: vec![round_item(round)],
		};
		let first = Header::new(parent.number + 1, Hash::zero(), Hash::zero(), parent_hash, digest);
		let built = upon(&mut state, || {
			Executive::initialize_block(&first);
			let mut body = <Runtime as BlockBuilderV6<Block>>::inherent_extrinsics(data);
			for inherent in &body {
				match Executive::apply_extrinsic(inherent.clone()) {
					Ok(Ok(())) => {}
					refused => return Err(format!("an inherent is refused: {refused:?}")),
				}
			}
			for extrinsic in extrinsics {
				let extrinsic = UncheckedExtrinsic::decode(&mut &extrinsic.encode()[..])
					.map_err(|error| error.to_string())?;
				storage::start_transaction();
				match Executive::apply_extrinsic(extrinsic.clone()) {
					Ok(_) => {
						storage::commit_transaction();
						body.push(extrinsic);
					}
					Err(_) => storage::rollback_transaction(),
				}
			}
			Ok(Block {
				header: Executive::finalize_block(),
				extrinsics: body,
			})
		})?;
		let block = opaque(&built);
		self.keep(block.clone(), state, false);
		Ok(block)
	}

	/// Executes a block upon its parent.
	///
	/// # Errors
	/// If it doesn't execute to the state that its header claims.
	pub fn execute(&self, block: &OpaqueBlock) -> Result<(), String> {
		let known = self.entry(block.header().hash());
		if known.is_some_and(|known| known.executed && known.block.extrinsics() == block.extrinsics()) {
			return Ok(());
		}
		let parent = self.entry(*block.header().parent_hash()).ok_or("no parent")?;
		let mut state = parent.state.clone();
		let typed = Block::decode_all(&mut &block.encode()[..]).map_err(|error| error.to_string())?;
		// The runtime panics on an invalid block.
		catch_unwind(AssertUnwindSafe(|| {
			upon(&mut state, || Executive::execute_block(typed.into()))
		}))
		.map_err(|_| "the block is invalid")?;
		self.keep(block.clone(), state, true);
		Ok(())
	}

	fn keep(&self, block: OpaqueBlock, state: Storage, executed: bool) {
		let hash = block.header().hash();
		let entry = Entry {
			block,
			state,
			reading: Mutex::new(None),
			executed,
		};
		self.entries.lock().insert(hash, Arc::new(entry));
	}
}

/// What nodes of this kind hold in balances and stake altogether.
pub fn issued() -> Balance {
	asterism_root_runtime::Balances::total_issuance()
}
