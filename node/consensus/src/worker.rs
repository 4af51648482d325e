//! Runs a node's part in the committees of a chain, from its keys to its blocks, epoch after epoch.
//!
//! # Specification
//!
//! - The epoch is what the newest final block says: the one in its header, or the next if that block ends it.
//! - A node that is a member of the committee of this epoch, or of the next one as soon as that is on record, takes a seat
//!   in its channel. So the next committee's members are connected when their epoch begins.
//!   The next one may be replaced by another, if its election comes to nothing: then the seat is that one's, or none.
//! - A member of the current committee runs its engine until the epoch's last block is final. Then that engine ends, with its
//!   channel and its vote journal, before the next one starts: the engines of two epochs never share a thing.
//! - A node that is no member follows the chain, and looks again when a block is final.
//! - If the chain's committees pass a secret on, each member of the current committee and of the next is acquainted with all others of
//!   both.
//! - Members of these two committees whose nodes are excluded are cut off, and taken back, as the root chain's newest final block
//!   has it: see [`exclusion`](crate::exclusion). Who is cut off from all committees that it is in is nobody's acquaintance either.

use crate::{
	application,
	chain::Chain,
	committees::Certifier,
	engine::{self, EngineParams, Start},
	evidence::EvidenceStore,
	exclusion::{self, Change},
	forks::Witness,
	host::Process,
	import,
	keys::Keys,
	metrics::Metrics,
	network::{CommitteeNetwork, Handshake, Lanes, MembersLane},
	scheme,
};
use asterism_primitives::{
	certificate::CertificateKind,
	committee::{Committee, Epoch, MemberId},
	digest,
	epoch::epoch_after,
	BlockNumber, Hash, Header, OpaqueBlock,
};
use commonware_consensus::simplex::types::Activity;
use commonware_cryptography::bls12381::primitives::group::Private;
use futures::{channel::oneshot, FutureExt};
use log::{debug, error, info, warn};
use parking_lot::Mutex;
use polkadot_sdk::{
	sc_authority_discovery::{self, AuthorityDiscovery},
	sc_client_api::AuxStore,
	sc_network::{
		multiaddr::Protocol,
		service::traits::{NetworkService, NotificationService},
		Multiaddr, NetworkPeers, NetworkStateInfo, ProtocolName,
	},
	sc_network_types::PeerId,
	sp_api::ApiError,
	sp_authority_discovery::AuthorityId,
	sp_blockchain::HeaderBackend,
	sp_core::ByteArray,
	sp_runtime::{traits::Header as _, Justifications},
};
use std::{
	collections::{BTreeMap, BTreeSet, HashSet},
	path::{Path, PathBuf},
	sync::Arc,
	time::Duration,
};

const LOG_TARGET: &str = "consensus";

/// How often keys and committees are looked at, beside at each final block.
const MEMBERSHIP_CHECK: Duration = Duration::from_secs(3);
/// How often the members' addresses are looked at.
const DISCOVERY_CHECK: Duration = Duration::from_secs(2);

/// What a member needs.
pub struct WorkerParams<A> {
	/// The chain to run.
	pub chain: Arc<dyn Chain>,
	/// Verifies certificates, and knows the committees.
	pub certifier: Arc<Certifier>,
	/// The node's keys.
	pub keys: Keys,
	/// The block interval.
	pub interval: Duration,
	/// Where the vote journal is.
	pub directory: PathBuf,
	/// The chain's network.
	pub network: Arc<dyn NetworkService>,
	/// The committee's protocol on it.
	pub notifications: Box<dyn NotificationService>,
	/// Finds the members' addresses.
	pub discovery: sc_authority_discovery::Service,
	/// Keeps evidence.
	pub evidence: Arc<EvidenceStore<A>>,
	/// Told of what the engines agree on, against the final chain or though it is refused.
	pub witness: Arc<dyn Witness>,
	/// Whether the members of a committee and of the next one talk to each other, to pass a secret on.
	pub acquaint: bool,
	/// Shows metrics.
	pub metrics: Metrics,
}

/// The authorities that authority discovery looks for: the members of the chain's committees on record, current and next.
pub struct Members<C> {
	/// The chain's client.
	pub client: Arc<C>,
	/// Knows the committees.
	pub certifier: Arc<Certifier>,
}

#[async_trait::async_trait]
impl<C: HeaderBackend<OpaqueBlock>> AuthorityDiscovery<OpaqueBlock> for Members<C> {
	async fn authorities(&self, _: Hash) -> Result<Vec<AuthorityId>, ApiError> {
		let source = self.certifier.source();
		let Some(epoch) = current_epoch(&*self.client) else {
			return Ok(Vec::new());
		};
		let committees = [Some(epoch), epoch.checked_add(1)]
			.into_iter()
			.flatten()
			.filter_map(|epoch| source.committee(epoch));
		let members: HashSet<_> = committees
			.flat_map(|c| c.members().iter().map(|m| m.id).collect::<Vec<_>>())
			.collect();
		Ok(members.into_iter().map(authority).collect())
	}

	async fn best_hash(&self) -> Result<Hash, sc_authority_discovery::Error> {
		Ok(self.client.info().best_hash)
	}
}

fn authority(id: MemberId) -> AuthorityId {
	AuthorityId::from_slice(&id.0).expect("a member's id has the length of an sr25519 key; qed")
}

/// The epoch of the block after the newest final one; `None` if that block's header can't be read.
pub fn current_epoch<C: HeaderBackend<OpaqueBlock>>(client: &C) -> Option<Epoch> {
	let header = client.header(client.info().finalized_hash).ok().flatten()?;
	epoch_after(header.number, header.digest())
}

/// This node's seat in one committee.
struct Seat {
	committee: Committee,
	member: MemberId,
	secret: Private,
	lanes: Lanes,
}

/// The committees that the node has a seat in, with the member that it is; whom it has cut off; and its acquaintances.
#[derive(Default)]
struct Places {
	seats: BTreeMap<Epoch, (Committee, MemberId)>,
	/// The members that are cut off of each committee that was looked at, whether this node has a seat in it or not.
	cut_off: BTreeMap<Epoch, BTreeSet<MemberId>>,
	/// The root chain's block by which that was found out.
	looked_at: Option<BlockNumber>,
	acquaintances: HashSet<MemberId>,
}

impl Places {
	/// Whom this node talks to: the other members of its committees that are not cut off, and its acquaintances.
	fn others(&self) -> HashSet<MemberId> {
		let others = self.seats.iter().flat_map(|(epoch, (committee, me))| {
			self.not_cut_off(*epoch, committee).filter(move |id| id != me)
		});
		others.chain(self.acquaintances.iter().copied()).collect()
	}

	/// The members of a committee that are not cut off.
	fn not_cut_off<'a>(
		&'a self,
		epoch: Epoch,
		committee: &'a Committee,
	) -> impl Iterator<Item = MemberId> + 'a {
		let cut_off = self.cut_off.get(&epoch);
		let members = committee.members().iter().map(|member| member.id);
		members.filter(move |id| !cut_off.is_some_and(|cut_off| cut_off.contains(id)))
	}
}

type Seats = Arc<Mutex<Places>>;

/// A node's part in the chain's committees, to run for as long as the node lives, and the members' lane. The task ends only if
/// something fails that the node can't go on without.
pub fn run<A: AuxStore + Send + Sync + 'static>(
	params: WorkerParams<A>,
) -> (impl std::future::Future<Output = ()>, MembersLane) {
	let protocol = params.notifications.protocol().clone();
	let (channel, lane, task) = CommitteeNetwork::new(
		params.certifier.realm(),
		params.notifications,
		params.network.clone(),
	);
	let seats = Seats::default();
	let discovery = discover(seats.clone(), params.discovery, params.network.clone(), protocol);
	let worker = Worker {
		chain: params.chain,
		certifier: params.certifier,
		keys: params.keys,
		interval: params.interval,
		directory: params.directory,
		peer: params.network.local_peer_id(),
		evidence: params.evidence,
		witness: params.witness,
		acquaint: params.acquaint,
		metrics: params.metrics,
		channel,
		seats,
	};
	let run = async move {
		futures::select! {
			_ = Box::pin(task).fuse() => {},
			_ = Box::pin(discovery).fuse() => {},
			_ = Box::pin(worker.run()).fuse() => {},
		}
		error!(target: LOG_TARGET, "committee consensus has ended");
	};
	(run, lane)
}

/// All of it but for finding the other members.
struct Worker<A> {
	chain: Arc<dyn Chain>,
	certifier: Arc<Certifier>,
	keys: Keys,
	interval: Duration,
	directory: PathBuf,
	peer: PeerId,
	evidence: Arc<EvidenceStore<A>>,
	witness: Arc<dyn Witness>,
	acquaint: bool,
	metrics: Metrics,
	channel: CommitteeNetwork,
	seats: Seats,
}

impl<A: AuxStore + Send + Sync + 'static> Worker<A> {
	/// Ends if an engine fails.
	async fn run(self) {
		let mut taken: BTreeMap<Epoch, Seat> = BTreeMap::new();
		let mut told = None;
		loop {
			let Some(epoch) = self.epoch() else {
				error!(target: LOG_TARGET, "the final block's header can't be read");
				return;
			};
			self.take_seats(epoch, &mut taken);
			if let Some(seat) = taken.remove(&epoch) {
				if !self.serve(epoch, seat, &mut taken).await {
					return;
				}
				continue;
			}
			if told != Some(epoch) && self.certifier.source().committee(epoch).is_some() {
				told = Some(epoch);
				info!(
					target: LOG_TARGET,
					"no member of the committee of chain {} in epoch {epoch} has its identity key (\"audi\") and consensus key \
					(\"bls_\") in this keystore: this node follows the chain", self.certifier.realm().chain
				);
			}
			self.something_new().await;
		}
	}

	/// The epoch of the block after the newest final one.
	fn epoch(&self) -> Option<Epoch> {
		let header = self.chain.header(self.chain.finalized().1)?;
		epoch_after(header.number, header.digest())
	}

	/// Waits until a block is final, but not long.
	async fn something_new(&self) {
		let _ = tokio::time::timeout(MEMBERSHIP_CHECK, self.chain.finality()).await;
	}

	/// Takes the seats of the current epoch and the next that this node has a right to, and gives up those that are over.
	fn take_seats(&self, epoch: Epoch, taken: &mut BTreeMap<Epoch, Seat>) {
		let epochs = [Some(epoch), epoch.checked_add(1)];
		taken.retain(|of, _| *of >= epoch);
		{
			let mut places = self.seats.lock();
			places.seats.retain(|of, _| *of >= epoch);
			places.cut_off.retain(|of, _| *of >= epoch);
		}
		let committees: Vec<_> = epochs
			.into_iter()
			.flatten()
			.filter_map(|epoch| self.certifier.source().committee(epoch))
			.collect();
		for committee in &committees {
			let epoch = committee.epoch();
			let held = self
				.seats
				.lock()
				.seats
				.get(&epoch)
				.map(|(held, _)| held == committee);
			match held {
				Some(false) if taken.contains_key(&epoch) => {
					// Its election came to nothing, and another committee is on record. The old seat is left first.
					info!(target: LOG_TARGET, "another committee is elected for epoch {epoch}");
					taken.remove(&epoch);
					self.seats.lock().seats.remove(&epoch);
				}
				Some(_) => continue,
				None => {}
			}
			if let Some(seat) = self.take_seat(committee) {
				let mut places = self.seats.lock();
				places.seats.insert(epoch, (committee.clone(), seat.member));
				// The channel has not been told whom to cut off.
				places.cut_off.remove(&epoch);
				taken.insert(epoch, seat);
			}
		}
		self.cut_off_excluded(&committees);
		if self.acquaint {
			self.make_acquainted(&committees);
		}
	}

	/// Cuts off those members of these committees whose nodes are excluded by now, and takes back those whose are not any more.
	fn cut_off_excluded(&self, committees: &[Committee]) {
		let source = self.certifier.source();
		let at = source.progress();
		{
			let places = self.seats.lock();
			let all_known = committees
				.iter()
				.all(|committee| places.cut_off.contains_key(&committee.epoch()));
			if places.looked_at == Some(at) && all_known {
				return;
			}
		}
		// What can't be read now stays as it is.
		let found: Vec<_> = committees
			.iter()
			.filter_map(|committee| {
				let excluded = source.excluded(committee.epoch())?;
				Some((committee.epoch(), exclusion::to_cut_off(committee, &excluded)))
			})
			.collect();
		let mut places = self.seats.lock();
		places.looked_at = Some(at);
		for (epoch, now) in found {
			let before = places.cut_off.insert(epoch, now.clone()).unwrap_or_default();
			let Some((_, me)) = places.seats.get(&epoch) else {
				continue;
			};
			if let Some(change) = Change::between(&before, &now) {
				tell(epoch, &change, me);
				self.channel.cut_off(epoch, now);
			}
		}
		let of_seats = places.seats.keys().filter_map(|epoch| places.cut_off.get(epoch));
		let cut_off: BTreeSet<_> = of_seats.flatten().collect();
		self.metrics.excluded.set(cut_off.len() as u64);
	}

	/// Lets the members of these committees that are not cut off use the members' lane, if this node has a seat in any.
	fn make_acquainted(&self, committees: &[Committee]) {
		let mut places = self.seats.lock();
		let mut others: HashSet<_> = committees
			.iter()
			.flat_map(|committee| places.not_cut_off(committee.epoch(), committee))
			.collect();
		if places.seats.is_empty() {
			others.clear();
		}
		for (_, me) in places.seats.values() {
			others.remove(me);
		}
		if others != places.acquaintances {
			places.acquaintances = others.clone();
			self.channel.acquaint(others);
		}
	}

	fn take_seat(&self, committee: &Committee) -> Option<Seat> {
		let (realm, epoch) = (self.certifier.realm(), committee.epoch());
		let (member, secret) = match self.keys.membership(committee) {
			Ok(found) => found?,
			Err(e) => {
				warn!(target: LOG_TARGET, "{e}");
				return None;
			}
		};
		let sign = |message: &[u8]| self.keys.sign(member.id, message);
		let Some(handshake) = Handshake::new(realm, member.id, &self.peer, sign) else {
			warn!(target: LOG_TARGET, "the identity key of member {} does not sign", member.id);
			return None;
		};
		info!(
			target: LOG_TARGET,
			"🔑 this node is member {} of the committee of chain {} in epoch {epoch}, {} members",
			member.id, realm.chain, committee.size()
		);
		let lanes = self.channel.join(committee.clone(), member.id, handshake);
		Some(Seat {
			committee: committee.clone(),
			member: member.id,
			secret,
			lanes,
		})
	}

	/// Runs the engine of an epoch until that is over, and takes the next seat meanwhile. `false` if the engine fails.
	async fn serve(&self, epoch: Epoch, seat: Seat, taken: &mut BTreeMap<Epoch, Seat>) -> bool {
		let realm = self.certifier.realm();
		let Seat {
			committee,
			member,
			secret,
			lanes,
		} = seat;
		let scheme = match scheme::signer(realm, &committee, secret) {
			Ok(Some(scheme)) => scheme,
			Ok(None) => {
				error!(target: LOG_TARGET, "the consensus key of member {member} is not the one on record");
				return false;
			}
			Err(e) => {
				error!(target: LOG_TARGET, "{e}");
				return false;
			}
		};
		let Lanes {
			votes,
			certificates,
			resolver,
			blocks,
			blocker,
			membership,
			..
		} = lanes;
		#[cfg(feature = "equivocation")]
		let votes = {
			let (sender, receiver) = votes;
			let scheme = scheme.clone();
			let twice = move |vote: &[u8]| crate::equivocation::contradiction(&scheme, vote);
			(sender.twice(std::sync::Arc::new(twice)), receiver)
		};
		let evidence = {
			let (store, witness, chain, scheme, committee) = (
				self.evidence.clone(),
				self.witness.clone(),
				self.chain.clone(),
				scheme.clone(),
				committee.clone(),
			);
			Arc::new(move |activity: &_| match activity {
				Activity::Finalization(finalization) => {
					if let Some(certificate) = scheme::from_finalization(finalization) {
						witness.verified(&certificate);
						if let Some(header) = chain.refused(certificate.block_hash) {
							witness.refused(&header, &certificate);
						}
					}
				}
				contradiction => store.add(contradiction, &scheme, &committee),
			})
		};
		let (mailbox, application) = application::start(
			Arc::new(Process),
			self.chain.clone(),
			self.interval,
			blocks,
			self.metrics.clone(),
			evidence,
		);
		let start = start_point(self.chain.finalized().1, &scheme, &committee, |hash| {
			Some((self.chain.header(hash)?, self.chain.justifications(hash)))
		});
		let Some(start) = start else {
			error!(target: LOG_TARGET, "a final block of epoch {epoch} can't be read");
			return false;
		};
		forget_journals(&self.directory, epoch);
		self.metrics.epoch.set(epoch);
		let (stop, stopped) = oneshot::channel();
		let engine = engine::start(
			EngineParams {
				epoch,
				scheme,
				start,
				interval: self.interval,
				directory: self.directory.clone(),
				mailbox,
				lanes: engine::EngineLanes {
					votes,
					certificates,
					resolver,
					blocker,
				},
			},
			stopped,
		);
		let engine = match engine {
			Ok(engine) => engine.fuse(),
			Err(e) => {
				error!(target: LOG_TARGET, "the committee's thread can't be started: {e}");
				return false;
			}
		};
		futures::pin_mut!(engine);
		let over = async {
			loop {
				self.something_new().await;
				match self.epoch() {
					Some(now) if now == epoch => self.take_seats(epoch, taken),
					_ => return,
				}
			}
		};
		futures::select! {
			_ = over.fuse() => {},
			_ = application.fuse() => return false,
			_ = engine => return false,
		}
		info!(target: LOG_TARGET, "🏁 epoch {epoch} of chain {} is over", realm.chain);
		drop(stop);
		// Its journal must be closed before the next engine opens its own.
		engine.await;
		drop(membership);
		true
	}
}

/// Where the engine of a committee's epoch starts: from the newest block that was agreed on in the epoch and is final here; else
/// from the last one before the epoch. `look` finds a block's header and justifications; `None` if a final block of the epoch is not found.
pub fn start_point(
	finalized: Hash,
	scheme: &scheme::Scheme,
	committee: &Committee,
	look: impl Fn(Hash) -> Option<(Header, Option<Justifications>)>,
) -> Option<Start> {
	let mut hash = finalized;
	loop {
		let (header, justifications) = look(hash)?;
		let of_epoch = digest::round(header.digest()).is_some_and(|round| round.epoch == committee.epoch());
		if !of_epoch {
			return Some(Start::Epoch(hash));
		}
		if let Ok(Some(certificate)) = import::certificate(justifications.as_ref()) {
			if certificate.kind == CertificateKind::Finalization {
				match scheme::finalization(scheme, committee, &certificate) {
					Ok(finalization) => return Some(Start::Agreed(Box::new(finalization))),
					Err(e) => {
						warn!(target: LOG_TARGET, "the certificate of block {hash} is passed over: {e}")
					}
				}
			}
		}
		hash = *header.parent_hash();
	}
}

/// Removes the vote journals of epochs that are over: nobody can vote in them again, as their last block is final here.
fn forget_journals(directory: &Path, epoch: Epoch) {
	let entries = match std::fs::read_dir(directory) {
		Ok(entries) => entries,
		Err(_) => return,
	};
	for entry in entries.flatten() {
		let over = entry
			.file_name()
			.to_str()
			.and_then(engine::journal_epoch)
			.is_some_and(|of| of < epoch);
		if over {
			if let Err(e) = std::fs::remove_dir_all(entry.path()) {
				warn!(target: LOG_TARGET, "the vote journal of a former epoch can't be removed: {e}");
			}
		}
	}
}

/// Which of the addresses that members have published are to be reserved: those that end with a peer's id, other than our
/// own. The network takes all or none of them, so that one bad address would cut us off from all members.
fn reservable(published: impl IntoIterator<Item = Multiaddr>, own: &PeerId) -> HashSet<Multiaddr> {
	published
		.into_iter()
		.filter(|address| {
			let parts: Vec<_> = address.iter().collect();
			let of_us = parts
				.iter()
				.any(|part| matches!(part, Protocol::P2p(id) if id == own.as_ref()));
			!of_us && matches!(parts.last(), Some(Protocol::P2p(_)))
		})
		.collect()
}

/// Whether other addresses are to be reserved than before. Members that nothing is known of stay as they are; without any
/// other member, none is reserved.
fn is_news(reserved: &HashSet<Multiaddr>, wanted: &HashSet<Multiaddr>, has_others: bool) -> bool {
	wanted != reserved && (!wanted.is_empty() || !has_others)
}

/// Keeps the other members of all committees that this node has a seat in reserved on the committee's protocol, under the
/// addresses that they publish.
async fn discover(
	seats: Seats,
	mut discovery: sc_authority_discovery::Service,
	network: Arc<dyn NetworkService>,
	protocol: ProtocolName,
) {
	let own_peer = network.local_peer_id();
	let mut reserved = HashSet::new();
	loop {
		let others = seats.lock().others();
		let mut published = Vec::new();
		for member in &others {
			let addresses = discovery
				.get_addresses_by_authority_id(authority(*member))
				.await
				.unwrap_or_default();
			published.extend(addresses);
		}
		let wanted = reservable(published, &own_peer);
		if is_news(&reserved, &wanted, !others.is_empty()) {
			debug!(target: LOG_TARGET, "members' addresses: {wanted:?}");
			if let Err(e) = network.set_reserved_peers(protocol.clone(), wanted.clone()) {
				warn!(target: LOG_TARGET, "a member's published address is not usable: {e}");
			}
			reserved = wanted;
		}
		tokio::time::sleep(DISCOVERY_CHECK).await;
	}
}

/// Tells the operator of members that are cut off or taken back from now on.
fn tell(epoch: Epoch, change: &Change, me: &MemberId) {
	for member in &change.cut_off {
		if member == me {
			warn!(
				target: LOG_TARGET,
				"⛔ this node is excluded: in epoch {epoch} the other members don't talk to its member {member} until its operator \
				 registers it again"
			);
		} else {
			info!(target: LOG_TARGET, "⛔ member {member} is excluded, and cut off in epoch {epoch}");
		}
	}
	for member in &change.taken_back {
		info!(target: LOG_TARGET, "member {member} is registered again, and taken back in epoch {epoch}");
	}
}

#[cfg(test)]
mod tests;
