//! Runs a node's part in the committees of a chain, from its keys to its blocks, epoch after epoch.
//!
//! # Specification
//!
//! - The epoch is what the newest final block says: the one in its header, or the next if that block ends it.
//! - A node that is a member of the committee of this epoch, or of the next one as soon as that is on record, takes a seat
//!   in its channel. So the next committee's members are connected when their epoch begins.
//! - A member of the current committee runs its engine until the epoch's last block is final. Then that engine ends, with its
//!   channel and its vote journal, before the next one starts: the engines of two epochs never share a thing.
//! - A node that is no member follows the chain, and looks again when a block is final.
//! - If the chain's committees pass a secret on, each member of the current committee and of the next is acquainted with all others of
//!   both.

use crate::{
	application,
	chain::Chain,
	committees::Certifier,
	engine::{self, EngineParams, Start},
	evidence::EvidenceStore,
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
	Hash, Header, OpaqueBlock,
};
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
	collections::{BTreeMap, HashSet},
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

/// The committees that the node has a seat in, with the member that it is, and its acquaintances.
#[derive(Default)]
struct Places {
	seats: BTreeMap<Epoch, (Committee, MemberId)>,
	acquaintances: HashSet<MemberId>,
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
		self.seats.lock().seats.retain(|of, _| *of >= epoch);
		for epoch in epochs.into_iter().flatten() {
			if self.seats.lock().seats.contains_key(&epoch) {
				continue;
			}
			if let Some(seat) = self.take_seat(epoch) {
				let place = (seat.committee.clone(), seat.member);
				self.seats.lock().seats.insert(epoch, place);
				taken.insert(epoch, seat);
			}
		}
		if self.acquaint {
			let source = self.certifier.source();
			let committees = epochs
				.into_iter()
				.flatten()
				.filter_map(|epoch| source.committee(epoch));
			self.make_acquainted(committees);
		}
	}

	/// Lets the members of these committees use the members' lane, if this node has a seat in any.
	fn make_acquainted(&self, committees: impl Iterator<Item = Committee>) {
		let mut places = self.seats.lock();
		let mut others: HashSet<_> = committees
			.flat_map(|committee| committee.members().iter().map(|m| m.id).collect::<Vec<_>>())
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

	fn take_seat(&self, epoch: Epoch) -> Option<Seat> {
		let realm = self.certifier.realm();
		let committee = self.certifier.source().committee(epoch)?;
		let (member, secret) = match self.keys.membership(&committee) {
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
			committee,
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
			let (store, scheme, committee, metrics) = (
				self.evidence.clone(),
				scheme.clone(),
				committee.clone(),
				self.metrics.clone(),
			);
			Arc::new(move |activity: &_| store.add(activity, &scheme, &committee, &metrics))
		};
		let (mailbox, application) = application::start(
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

/// The newest block that was agreed on in the committee's epoch and is final here; else the last one before the epoch.
/// `look` finds a block's header and justifications; `None` if a final block of the epoch is not found.
fn start_point(
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
		let others = others(&seats.lock());
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

/// All members that this node shares a committee with or is acquainted with, itself left out.
fn others(places: &Places) -> HashSet<MemberId> {
	let others = places.seats.values().flat_map(|(committee, me)| {
		committee
			.members()
			.iter()
			.map(|m| m.id)
			.filter(move |id| id != me)
	});
	others.chain(places.acquaintances.iter().copied()).collect()
}

#[cfg(test)]
mod tests;
