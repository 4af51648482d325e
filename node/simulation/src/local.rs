//! A node without its tasks: its disk, its view of the chain, its pool.

use crate::{
	keystore::keystore,
	ledger::{opaque_extrinsic, Ledger},
	pool::Pool,
};
use asterism_beacon::{
	board::{Board, BoardError, View},
	SeedHandle,
};
use asterism_committees::{
	attempts::Outcome,
	root::{Position, RootChain, RootError, Submission},
	Progress,
};
use asterism_consensus::{
	chain::{already_final, Chain, ChainError, Verdict},
	committees::CommitteeSource,
	host::Host,
	keys::Keys,
};
use asterism_primitives::{
	api::runtime_decl_for_root_api::RootApiV1,
	beacon::{runtime_decl_for_beacon_api::BeaconApiV1, Attempt, Sharing, SharingId, BEACON},
	certificate::{Certificate, Realm, Round, ENGINE_ID},
	committee::{Committee, Epoch, MemberId},
	digest::RootRef,
	election::{runtime_decl_for_elections_api::ElectionsApiV1, Candidacy, Claim, Election},
	epoch::epoch_after,
	offence::runtime_decl_for_misconduct_api::MisconductApiV1,
	AccountId, Balance, BlockNumber, ChainId, CurrencyId, Hash, Header, OpaqueBlock,
};
use asterism_root_runtime::{Block, Runtime};
use async_trait::async_trait;
use codec::{DecodeAll, Encode};
use commonware_runtime::{deterministic::Context, Clock, Spawner, Supervisor};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use polkadot_sdk::{
	sc_client_api::in_mem,
	sc_transaction_pool_api::error::Error as PoolError,
	sp_block_builder::runtime_decl_for_block_builder::BlockBuilderV6,
	sp_inherents::InherentData,
	sp_runtime::{
		traits::{Block as _, Header as _},
		Justifications, OpaqueExtrinsic,
	},
	sp_timestamp,
};
use std::{
	collections::{BTreeSet, HashSet},
	sync::Arc,
	time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;
use tokio::sync::Notify;

/// Simulated time and tasks.
pub struct Simulated {
	context: Context,
	began: SystemTime,
	origin: Instant,
}

impl Simulated {
	/// Of this context, whose tasks end with it.
	pub fn new(context: Context) -> Self {
		Simulated {
			began: context.current(),
			origin: Instant::now(),
			context,
		}
	}

	/// The time since this began.
	pub fn elapsed(&self) -> Duration {
		self.context
			.current()
			.duration_since(self.began)
			.unwrap_or_default()
	}
}

impl Host for Simulated {
	fn instant(&self) -> Instant {
		self.origin + self.elapsed()
	}

	fn unix_millis(&self) -> u64 {
		let now = self.context.current().duration_since(UNIX_EPOCH);
		now.unwrap_or_default().as_millis() as u64
	}

	fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
		Box::pin(self.context.sleep(duration))
	}

	fn spawn(&self, task: BoxFuture<'static, ()>) {
		self.context.child("task").spawn(|_| task);
	}
}

/// Tells of blocks that become final. (Whom tokio's own channel for this wakes first is left to chance.)
#[derive(Default)]
pub struct Finality(Notify);

impl Finality {
	/// Waits until a block above this height is final on a disk. The height of the newest.
	pub async fn after(&self, seen: BlockNumber, disk: &Disk) -> BlockNumber {
		loop {
			let news = self.0.notified();
			let (newest, _) = disk.finalized();
			if newest > seen {
				return newest;
			}
			news.await;
		}
	}
}

/// A claim that left its node.
#[derive(Clone, Debug)]
pub struct Published {
	/// The claim.
	pub claim: Claim,
	/// The newest block that was final at the node then.
	pub finalized: Hash,
}

/// What a node has beyond its process.
pub struct Disk {
	/// Shares of the beacon's key.
	pub shares: TempDir,
	/// Executed blocks.
	imported: Mutex<HashSet<Hash>>,
	/// Final blocks by their height, with their certificates.
	finals: Mutex<Vec<(Hash, Option<Certificate>)>>,
	/// Evidence.
	pub aux: Arc<in_mem::Blockchain<OpaqueBlock>>,
	/// For the checks alone: claims that left the node.
	pub published: Mutex<Vec<Published>>,
	/// For the checks alone: what the node finds wrong with what others did.
	pub complaints: Mutex<BTreeSet<String>>,
}

impl Disk {
	/// A new one.
	pub fn new(genesis: Hash) -> Self {
		// Files are flushed, which takes long where they are on a real disk.
		let memory = std::path::Path::new("/dev/shm");
		let shares = match memory.is_dir() {
			true => tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()),
			false => tempfile::tempdir(),
		};
		Disk {
			shares: shares.expect("there is room for files"),
			imported: Mutex::new(HashSet::from([genesis])),
			finals: Mutex::new(vec![(genesis, None)]),
			aux: Default::default(),
			published: Default::default(),
			complaints: Default::default(),
		}
	}

	/// The newest final block.
	pub fn finalized(&self) -> (BlockNumber, Hash) {
		let finals = self.finals.lock();
		let (hash, _) = finals.last().expect("genesis is final");
		(finals.len() as BlockNumber - 1, *hash)
	}

	/// All final blocks by their height, with their certificates.
	pub fn finals(&self) -> Vec<(Hash, Option<Certificate>)> {
		self.finals.lock().clone()
	}

	/// The final block of a height, with its certificate.
	pub fn final_block(&self, number: BlockNumber) -> Option<(Hash, Option<Certificate>)> {
		self.finals.lock().get(number as usize).cloned()
	}
}

/// What all tasks of a node's process share.
pub struct Local {
	/// The chain's blocks.
	pub ledger: Arc<Ledger>,
	/// What survives the process.
	pub disk: Arc<Disk>,
	/// Time and tasks.
	pub host: Arc<Simulated>,
	/// The secret keys.
	pub keys: Keys,
	/// The newest seed.
	pub seeds: SeedHandle,
	pool: Mutex<Pool>,
	best: Mutex<(BlockNumber, Hash)>,
	finality: Finality,
	/// The newest final block that a peer told of.
	heard: Mutex<BlockNumber>,
}

/// How far behind its peers a node is that doesn't trust its state.
const MAJOR_SYNC: BlockNumber = 5;

impl Local {
	/// The node of this number, upon what it has on disk.
	pub fn new(node: usize, ledger: Arc<Ledger>, disk: Arc<Disk>, host: Arc<Simulated>) -> Self {
		let finalized = disk.finalized();
		Local {
			ledger,
			host,
			keys: Keys::new(keystore(node)),
			seeds: SeedHandle::default(),
			pool: Default::default(),
			best: Mutex::new(finalized),
			finality: Finality::default(),
			heard: Mutex::new(0),
			disk,
		}
	}

	/// Where members sign.
	pub fn realm(&self) -> Realm {
		Realm {
			chain: ChainId::ROOT,
			genesis: self.ledger.genesis(),
		}
	}

	/// Waits until a block above this height is final. The height of the newest.
	pub async fn final_after(&self, seen: BlockNumber) -> BlockNumber {
		self.finality.after(seen, &self.disk).await
	}

	/// The epoch of the block after the newest final one.
	pub fn epoch(&self) -> Epoch {
		let header = self.ledger.header(self.disk.finalized().1);
		epoch_after(header.number, header.digest()).expect("final blocks name their round")
	}

	/// How many members sign the seed of a round whose block is final here: those of the epoch that this block leads to, whichever
	/// it is by now.
	pub fn signers(&self, round: BlockNumber) -> u32 {
		let block = Progress::final_hash(self, round).expect("the round's block is final here");
		let sharing = self.ledger.at(block, || {
			let epoch =
				<Runtime as RootApiV1<Block>>::epoch(ChainId::ROOT).expect("the root chain has epochs");
			<Runtime as BeaconApiV1<Block>>::sharing(epoch)
		});
		sharing.expect("each epoch has a sharing").players.len() as u32
	}

	/// A peer has this final block.
	pub fn hear(&self, number: BlockNumber) {
		let mut heard = self.heard.lock();
		*heard = number.max(*heard);
	}

	/// The newest block that extends the final ones.
	fn best(&self) -> (BlockNumber, Hash) {
		let finalized = self.disk.finalized();
		let best = *self.best.lock();
		let mut at = best;
		while at.0 > finalized.0 {
			at = (at.0 - 1, *self.ledger.header(at.1).parent_hash());
		}
		if at == finalized {
			best
		} else {
			finalized
		}
	}

	fn imported(&self, hash: Hash) -> bool {
		self.disk.imported.lock().contains(&hash)
	}

	fn keep(&self, block: &OpaqueBlock) {
		let (number, hash) = (*block.header().number(), block.header().hash());
		self.disk.imported.lock().insert(hash);
		let mut best = self.best.lock();
		if number > best.0 {
			*best = (number, hash);
		}
	}

	/// Reads the state after the newest final block.
	pub fn at_final<R>(&self, f: impl FnOnce() -> R) -> R {
		self.ledger.at(self.disk.finalized().1, f)
	}

	/// What is in the pool.
	pub fn pooled(&self) -> Vec<OpaqueExtrinsic> {
		self.pool.lock().all()
	}

	/// Takes an extrinsic of a peer into the pool; whether it is news.
	pub fn take(&self, extrinsic: OpaqueExtrinsic) -> bool {
		!self.pool.lock().has(&extrinsic) && self.put(extrinsic).is_ok()
	}

	/// Takes an extrinsic into the pool.
	///
	/// # Errors
	/// As the node's pool.
	pub fn put(&self, extrinsic: OpaqueExtrinsic) -> Result<(), PoolError> {
		let (_, at) = self.best();
		self.pool
			.lock()
			.submit(&self.ledger, at, extrinsic, self.host.elapsed())
	}

	fn inherent_data(&self) -> Result<InherentData, ChainError> {
		let mut data = InherentData::new();
		let time = sp_timestamp::Timestamp::new(self.host.unix_millis());
		data.put_data(sp_timestamp::INHERENT_IDENTIFIER, &time)
			.map_err(|e| ChainError(e.to_string()))?;
		Ok(data)
	}
}

#[async_trait]
impl Chain for Local {
	fn header(&self, hash: Hash) -> Option<Header> {
		self.imported(hash).then(|| self.ledger.header(hash))
	}

	fn block(&self, hash: Hash) -> Option<OpaqueBlock> {
		self.imported(hash).then(|| self.ledger.block(hash))
	}

	fn finalized(&self) -> (BlockNumber, Hash) {
		self.disk.finalized()
	}

	fn final_hash(&self, number: BlockNumber) -> Result<Option<Hash>, ChainError> {
		Ok(self.disk.final_block(number).map(|(hash, _)| hash))
	}

	fn justifications(&self, hash: Hash) -> Option<Justifications> {
		let number = self.header(hash)?.number;
		let (_, certificate) = self.disk.final_block(number).filter(|(of, _)| *of == hash)?;
		Some((ENGINE_ID, certificate?.encode()).into())
	}

	async fn finality(&self) {
		self.final_after(self.disk.finalized().0).await;
	}

	fn timestamp(&self, hash: Hash) -> Result<u64, ChainError> {
		Ok(self.ledger.at(hash, asterism_root_runtime::Timestamp::get))
	}

	async fn build(&self, parent: &Header, round: Round, _: Duration) -> Result<OpaqueBlock, ChainError> {
		let mut data = self.inherent_data()?;
		let last = self
			.ledger
			.at(parent.hash(), <Runtime as BeaconApiV1<Block>>::last_seed);
		let seed = self
			.seeds
			.newest()
			.filter(|seed| last.is_none_or(|last| seed.round > last.round) && seed.round <= parent.number);
		if let Some(seed) = seed {
			data.put_data(BEACON, &seed)
				.map_err(|e| ChainError(e.to_string()))?;
		}
		let block = self
			.ledger
			.build(parent, round, data, self.pooled())
			.map_err(ChainError)?;
		self.keep(&block);
		Ok(block)
	}

	async fn check(&self, parent: &Header, block: &OpaqueBlock) -> Verdict {
		let data = match self.inherent_data() {
			Ok(data) => data,
			Err(e) => return Verdict::Unknown(e.to_string()),
		};
		let Ok(typed) = Block::decode_all(&mut &block.encode()[..]) else {
			return Verdict::Invalid("it does not decode".into());
		};
		let result = self.ledger.at(parent.hash(), || {
			<Runtime as BlockBuilderV6<Block>>::check_inherents(typed.into(), data)
		});
		if result.ok() {
			return Verdict::Valid;
		}
		match result.into_errors().next() {
			Some((identifier, bytes)) => match sp_timestamp::InherentError::try_from(&identifier, &bytes) {
				Some(sp_timestamp::InherentError::TooFarInFuture) => {
					Verdict::Unknown("its time is in the future".into())
				}
				_ => Verdict::Invalid(format!("inherent {identifier:?} is wrong")),
			},
			None => Verdict::Invalid("its inherents are wrong".into()),
		}
	}

	async fn import(&self, block: OpaqueBlock) -> Result<(), ChainError> {
		if !self.imported(*block.header().parent_hash()) {
			return Err(ChainError("its parent is not here".into()));
		}
		self.ledger.execute(&block).map_err(ChainError)?;
		self.keep(&block);
		Ok(())
	}

	fn finalize(&self, hash: Hash, certificate: Option<Certificate>) -> Result<(), ChainError> {
		let header = self
			.header(hash)
			.ok_or_else(|| ChainError("the block is not here".into()))?;
		let (finalized, newest) = self.disk.finalized();
		let at = (header.number, hash);
		if already_final(at, finalized, |number| Chain::final_hash(self, number))? {
			return Ok(());
		}
		let mut blocks = vec![(hash, certificate)];
		let mut parent = *header.parent_hash();
		while blocks.len() < (header.number - finalized) as usize {
			blocks.push((parent, None));
			parent = *self.ledger.header(parent).parent_hash();
		}
		if parent != newest {
			return Err(ChainError(format!(
				"safety violation: block {} ({hash}) does not descend from the final block {finalized} ({newest})",
				header.number
			)));
		}
		let mut pool = self.pool.lock();
		for (hash, certificate) in blocks.into_iter().rev() {
			pool.prune(self.ledger.block(hash).extrinsics(), self.host.elapsed());
			self.disk.finals.lock().push((hash, certificate));
		}
		self.finality.0.notify_waiters();
		Ok(())
	}
}

impl CommitteeSource for Local {
	fn committee(&self, epoch: Epoch) -> Option<Committee> {
		self.at_final(|| <Runtime as RootApiV1<Block>>::committee(ChainId::ROOT, epoch))
			.filter(|committee| committee.check().is_ok() && committee.epoch() == epoch)
	}

	fn epoch(&self) -> Option<Epoch> {
		self.at_final(|| <Runtime as RootApiV1<Block>>::epoch(ChainId::ROOT))
	}

	fn progress(&self) -> BlockNumber {
		self.disk.finalized().0
	}
}

impl Progress for Local {
	fn finalized(&self) -> BlockNumber {
		self.disk.finalized().0
	}

	fn final_hash(&self, number: BlockNumber) -> Option<Hash> {
		self.disk.final_block(number).map(|(hash, _)| hash)
	}

	fn issued(&self, _: Hash) -> Option<Vec<(CurrencyId, Balance)>> {
		None
	}

	fn header_of(&self, hash: Hash) -> Option<Header> {
		Chain::header(self, hash)
	}
}

/// The node's part in the beacon reads the final state.
#[async_trait]
impl Board for Local {
	fn view(&self) -> Result<View, BoardError> {
		let epoch = CommitteeSource::epoch(self).unwrap_or_default();
		Ok(self.at_final(|| View {
			finalized: self.disk.finalized().0,
			epoch,
			group_key: <Runtime as BeaconApiV1<Block>>::group_key(),
			last_seed: <Runtime as BeaconApiV1<Block>>::last_seed(),
			current: <Runtime as BeaconApiV1<Block>>::sharing(epoch),
			next: <Runtime as BeaconApiV1<Block>>::sharing(epoch + 1),
			resharing: <Runtime as BeaconApiV1<Block>>::resharing(),
		}))
	}

	fn sharing(&self, epoch: Epoch) -> Result<Option<Sharing>, BoardError> {
		Ok(self.at_final(|| <Runtime as BeaconApiV1<Block>>::sharing(epoch)))
	}

	fn output(&self, epoch: Epoch) -> Result<Option<Vec<u8>>, BoardError> {
		Ok(self.at_final(|| <Runtime as BeaconApiV1<Block>>::sharing_output(epoch)))
	}

	fn logs(&self, attempt: Attempt) -> Result<Vec<(MemberId, Vec<u8>)>, BoardError> {
		Ok(self.at_final(|| <Runtime as BeaconApiV1<Block>>::dealer_logs(attempt)))
	}

	async fn post_log(
		&self,
		attempt: Attempt,
		dealer: MemberId,
		log: Vec<u8>,
		signature: [u8; 64],
	) -> Result<(), BoardError> {
		let extrinsic = self
			.at_final(|| <Runtime as BeaconApiV1<Block>>::log_extrinsic(attempt, dealer, log, signature))
			.ok_or_else(|| BoardError("the runtime makes no such extrinsic".into()))?;
		self.put(opaque_extrinsic(&extrinsic))
			.map_err(|error| BoardError(error.to_string()))
	}

	async fn publish_output(&self, epoch: Epoch, output: Vec<u8>) -> Result<(), BoardError> {
		let extrinsic = self
			.at_final(|| <Runtime as BeaconApiV1<Block>>::output_extrinsic(epoch, output))
			.ok_or_else(|| BoardError("the runtime makes no such extrinsic".into()))?;
		self.put(opaque_extrinsic(&extrinsic))
			.map_err(|error| BoardError(error.to_string()))
	}
}

/// The node's part in elections reads the final state.
pub struct Root(pub Arc<Local>);

impl Root {
	fn at<R>(&self, at: Hash, f: impl FnOnce() -> R) -> Result<R, RootError> {
		Ok(self.0.ledger.at(at, f))
	}
}

#[async_trait]
impl RootChain for Root {
	fn genesis(&self) -> Hash {
		self.0.ledger.genesis()
	}

	fn position(&self) -> Position {
		let (number, hash) = self.0.disk.finalized();
		Position {
			syncing: number.saturating_add(MAJOR_SYNC) < *self.0.heard.lock(),
			finalized: RootRef { number, hash },
			next: self.0.best().0 + 1,
		}
	}

	fn elections(&self, at: Hash) -> Result<Vec<(ChainId, Election)>, RootError> {
		self.at(at, <Runtime as ElectionsApiV1<Block>>::elections)
	}

	fn operator(&self, at: Hash, identity: MemberId) -> Result<Option<AccountId>, RootError> {
		self.at(at, || <Runtime as ElectionsApiV1<Block>>::operator(identity))
	}

	fn candidacy(
		&self,
		at: Hash,
		chain: ChainId,
		operator: AccountId,
	) -> Result<Option<Candidacy>, RootError> {
		self.at(at, || {
			<Runtime as ElectionsApiV1<Block>>::candidacy(chain, operator)
		})
	}

	fn elected(&self, at: Hash, chain: ChainId) -> Result<u32, RootError> {
		self.at(at, || <Runtime as ElectionsApiV1<Block>>::elected(chain))
	}

	fn ready_members(
		&self,
		at: Hash,
		chain: ChainId,
	) -> Result<Vec<(MemberId, Option<SharingId>)>, RootError> {
		self.at(at, || <Runtime as ElectionsApiV1<Block>>::ready_members(chain))
	}

	fn committee(&self, at: Hash, chain: ChainId, epoch: Epoch) -> Result<Option<Committee>, RootError> {
		self.at(at, || <Runtime as RootApiV1<Block>>::committee(chain, epoch))
	}

	fn head(&self, at: Hash, chain: ChainId) -> Result<Option<RootRef>, RootError> {
		self.at(at, || {
			<Runtime as RootApiV1<Block>>::chain(chain).map(|record| record.head)
		})
	}

	fn holdings(&self, _: Hash, _: ChainId) -> Result<Vec<(CurrencyId, Balance)>, RootError> {
		Ok(Vec::new())
	}

	fn attempt(&self, at: Hash, epoch: Epoch) -> Result<Option<Option<u64>>, RootError> {
		self.at(at, || {
			let needed = <Runtime as BeaconApiV1<Block>>::group_key().is_some()
				&& <Runtime as BeaconApiV1<Block>>::sharing(epoch).is_none();
			let resharing = <Runtime as BeaconApiV1<Block>>::resharing();
			needed.then(|| {
				resharing
					.filter(|resharing| resharing.epoch == epoch)
					.map(|resharing| resharing.attempt)
			})
		})
	}

	fn is_convicted(&self, at: Hash, chain: ChainId, epoch: Epoch, member: u32) -> Result<bool, RootError> {
		self.at(at, || {
			<Runtime as MisconductApiV1<Block>>::is_convicted(chain, epoch, member)
		})
	}

	async fn submit(&self, submission: Submission) -> Outcome {
		let local = &self.0;
		if let Submission::Claim(claim) = &submission {
			local.disk.published.lock().push(Published {
				claim: claim.clone(),
				finalized: local.disk.finalized().1,
			});
		}
		let (_, best) = local.best();
		let extrinsic = local.ledger.at(best, || match submission {
			Submission::Claim(claim) => <Runtime as ElectionsApiV1<Block>>::claim_extrinsic(claim),
			Submission::Ready(readiness, signature) => {
				<Runtime as ElectionsApiV1<Block>>::ready_extrinsic(readiness, signature)
			}
			Submission::Report(evidence, reporter) => {
				<Runtime as MisconductApiV1<Block>>::report_extrinsic(*evidence, reporter)
			}
		});
		local.put(opaque_extrinsic(&extrinsic)).into()
	}
}
