//! Runs a committee member, from its keys to its blocks: waits until the node is a member of the chain's committee,
//! joins the committee's channel, finds the others, and runs the engine until it ends.

use crate::{
	application,
	chain::Chain,
	committees::Certifier,
	engine::{self, EngineParams, Start},
	evidence::EvidenceStore,
	import,
	keys::Keys,
	metrics::Metrics,
	network::{CommitteeNetwork, Handshake},
	scheme,
};
use asterism_primitives::{
	certificate::CertificateKind,
	committee::{Committee, MemberId},
	Hash, OpaqueBlock,
};
use futures::{channel::oneshot, FutureExt};
use log::{debug, error, info, warn};
use polkadot_sdk::{
	sc_authority_discovery::{self, AuthorityDiscovery},
	sc_client_api::{AuxStore, BlockBackend},
	sc_network::{
		multiaddr::Protocol,
		service::traits::{NetworkService, NotificationService},
		Multiaddr, NetworkPeers, NetworkStateInfo, ProtocolName,
	},
	sp_api::ApiError,
	sp_authority_discovery::AuthorityId,
	sp_blockchain::HeaderBackend,
	sp_core::ByteArray,
	sp_runtime::traits::Header as _,
};
use std::{collections::HashSet, path::PathBuf, sync::Arc, time::Duration};

const LOG_TARGET: &str = "consensus";

/// How often keys and committee are looked at until the node is a member.
const MEMBERSHIP_CHECK: Duration = Duration::from_secs(3);
/// How often the members' addresses are looked at.
const DISCOVERY_CHECK: Duration = Duration::from_secs(2);

/// What a member needs.
pub struct WorkerParams<C, A> {
	/// The client: reads justifications and blocks.
	pub client: Arc<C>,
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
	/// Shows metrics.
	pub metrics: Metrics,
}

/// The authorities that authority discovery looks for: the members of the chain's committee on record.
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
		let committee = source.epoch().and_then(|epoch| source.committee(epoch));
		Ok(committee
			.map(|c| c.members().iter().map(|m| authority(m.id)).collect())
			.unwrap_or_default())
	}

	async fn best_hash(&self) -> Result<Hash, sc_authority_discovery::Error> {
		Ok(self.client.info().best_hash)
	}
}

fn authority(id: MemberId) -> AuthorityId {
	AuthorityId::from_slice(&id.0).expect("a member's id has the length of an sr25519 key; qed")
}

/// Runs a member for as long as the node lives. Ends only if the engine fails: the node can't go on then.
pub async fn run<C, A>(params: WorkerParams<C, A>)
where
	C: HeaderBackend<OpaqueBlock> + BlockBackend<OpaqueBlock> + 'static,
	A: AuxStore + Send + Sync + 'static,
{
	let realm = params.certifier.realm();
	let (committee, member, secret) = membership(&params.certifier, &params.keys).await;
	let scheme = match scheme::signer(realm, &committee, secret) {
		Ok(Some(scheme)) => scheme,
		Ok(None) => {
			error!(target: LOG_TARGET, "the consensus key of member {member} is not the one on record");
			return;
		}
		Err(e) => {
			error!(target: LOG_TARGET, "{e}");
			return;
		}
	};
	info!(
		target: LOG_TARGET,
		"🔑 this node is member {member} of the committee of chain {}, {} members", realm.chain, committee.size()
	);

	let peer = params.network.local_peer_id();
	let Some(handshake) = Handshake::new(realm, member, &peer, |m| params.keys.sign(member, m)) else {
		error!(target: LOG_TARGET, "the identity key of member {member} does not sign");
		return;
	};
	let protocol = params.notifications.protocol().clone();
	let (network, lanes) = CommitteeNetwork::new(
		realm,
		committee.clone(),
		member,
		params.notifications,
		params.network.clone(),
	);

	let evidence = {
		let (store, scheme, committee, metrics) = (
			params.evidence,
			scheme.clone(),
			committee.clone(),
			params.metrics.clone(),
		);
		Arc::new(move |activity: &_| store.add(activity, &scheme, &committee, &metrics))
	};
	let crate::network::Lanes {
		votes,
		certificates,
		resolver,
		blocks,
		blocker,
	} = lanes;
	let (mailbox, application) =
		application::start(params.chain, params.interval, blocks, params.metrics, evidence);

	let start = start_point(&*params.client, &scheme, &committee, realm.genesis);
	let (_stop, stopped) = oneshot::channel();
	let engine = engine::start(
		EngineParams {
			epoch: committee.epoch(),
			scheme,
			start,
			interval: params.interval,
			directory: params.directory,
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
		Ok(engine) => engine,
		Err(e) => {
			error!(target: LOG_TARGET, "the committee's thread can't be started: {e}");
			return;
		}
	};

	let discovery = discover(committee, member, params.discovery, params.network, protocol);
	futures::select! {
		_ = network.run(handshake).fuse() => {},
		_ = application.fuse() => {},
		_ = discovery.fuse() => {},
		_ = engine.fuse() => {},
	}
	error!(target: LOG_TARGET, "committee consensus has ended");
}

async fn membership(
	certifier: &Certifier,
	keys: &Keys,
) -> (
	Committee,
	MemberId,
	commonware_cryptography::bls12381::primitives::group::Private,
) {
	let source = certifier.source();
	let mut told = false;
	loop {
		if let Some(committee) = source.epoch().and_then(|epoch| source.committee(epoch)) {
			match keys.membership(&committee) {
				Ok(Some((member, secret))) => return (committee, member.id, secret),
				Ok(None) if !told => {
					told = true;
					info!(
						target: LOG_TARGET,
						"no member of the committee of chain {} has both its keys in this keystore (types \"audi\" and \"bls_\"): \
						this node follows the chain until they are inserted", certifier.realm().chain
					);
				}
				Ok(None) => {}
				Err(e) => warn!(target: LOG_TARGET, "{e}"),
			}
		}
		tokio::time::sleep(MEMBERSHIP_CHECK).await;
	}
}

/// The newest block that was agreed on in the committee's epoch and is final here; else the epoch's first.
fn start_point<C>(client: &C, scheme: &scheme::Scheme, committee: &Committee, genesis: Hash) -> Start
where
	C: HeaderBackend<OpaqueBlock> + BlockBackend<OpaqueBlock>,
{
	let mut hash = client.info().finalized_hash;
	while let Ok(Some(header)) = client.header(hash) {
		let justifications = client.justifications(hash).ok().flatten();
		if let Ok(Some(certificate)) = import::certificate(justifications.as_ref()) {
			if certificate.round.epoch != committee.epoch() {
				break;
			}
			if certificate.kind == CertificateKind::Finalization {
				match scheme::finalization(scheme, committee, &certificate) {
					Ok(finalization) => return Start::Agreed(Box::new(finalization)),
					Err(e) => {
						warn!(target: LOG_TARGET, "the certificate of block {hash} is passed over: {e}")
					}
				}
			}
		}
		hash = *header.parent_hash();
	}
	Start::Epoch(genesis)
}

/// Keeps the other members reserved on the committee's protocol, under the addresses that they publish.
async fn discover(
	committee: Committee,
	me: MemberId,
	mut discovery: sc_authority_discovery::Service,
	network: Arc<dyn NetworkService>,
	protocol: ProtocolName,
) {
	let own_peer = network.local_peer_id();
	let mut reserved = HashSet::new();
	loop {
		let mut wanted: HashSet<Multiaddr> = HashSet::new();
		for member in committee.members().iter().filter(|m| m.id != me) {
			let addresses = discovery
				.get_addresses_by_authority_id(authority(member.id))
				.await
				.unwrap_or_default();
			for address in addresses {
				let of_us = address
					.iter()
					.any(|part| matches!(part, Protocol::P2p(id) if id == *own_peer.as_ref()));
				if !of_us {
					wanted.insert(address);
				}
			}
		}
		if !wanted.is_empty() && wanted != reserved {
			debug!(target: LOG_TARGET, "members' addresses: {wanted:?}");
			if let Err(e) = network.set_reserved_peers(protocol.clone(), wanted.clone()) {
				warn!(target: LOG_TARGET, "a member's published address is not usable: {e}");
			}
			reserved = wanted;
		}
		tokio::time::sleep(DISCOVERY_CHECK).await;
	}
}
