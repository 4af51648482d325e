//! Where committees come from: the root chain's state (Thinkey §4.1: the root chain records the election results).

use crate::scheme::{self, Scheme};
use asterism_primitives::{
	api::RootApi,
	certificate::{Certificate, CertificateError, Realm},
	committee::{Committee, Epoch, MemberId},
	BlockNumber, ChainId, OpaqueBlock,
};
use parking_lot::Mutex;
use polkadot_sdk::{sp_api::ProvideRuntimeApi, sp_blockchain::HeaderBackend};
use std::{
	collections::HashMap,
	sync::Arc,
	time::{Duration, Instant},
};

/// Knows the committees of one chain.
pub trait CommitteeSource: Send + Sync + 'static {
	/// The committee of an epoch; `None` if it is not on record (yet). That of an epoch after the [current](Self::epoch) one may
	/// be replaced, if its election comes to nothing; every other stays as it is.
	fn committee(&self, epoch: Epoch) -> Option<Committee>;
	/// The members of an epoch's committee whose nodes are excluded now; `None` if that can't be read. Nobody, unless the source
	/// knows better.
	fn excluded(&self, _epoch: Epoch) -> Option<Vec<MemberId>> {
		Some(Vec::new())
	}
	/// The chain's current epoch; `None` if the chain is not on record (yet).
	fn epoch(&self) -> Option<Epoch>;
	/// How far the source has come itself: the number of its newest final block.
	fn progress(&self) -> BlockNumber;
}

/// Reads the committees of a chain from a root client's state.
pub struct RootCommittees<C> {
	root: Arc<C>,
	chain: ChainId,
}

impl<C> RootCommittees<C> {
	/// The committees of `chain` on record at `root`.
	pub fn new(root: Arc<C>, chain: ChainId) -> Self {
		RootCommittees { root, chain }
	}
}

impl<C> CommitteeSource for RootCommittees<C>
where
	C: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock> + Send + Sync + 'static,
	C::Api: RootApi<OpaqueBlock>,
{
	fn committee(&self, epoch: Epoch) -> Option<Committee> {
		// Only what is final counts: a committee can't be undone.
		let at = self.root.info().finalized_hash;
		let committee = self
			.root
			.runtime_api()
			.committee(at, self.chain, epoch)
			.ok()
			.flatten()?;
		(committee.check().is_ok() && committee.epoch() == epoch).then_some(committee)
	}

	fn excluded(&self, epoch: Epoch) -> Option<Vec<MemberId>> {
		// Only what is final counts here, too: a punishment that is taken back is none.
		let at = self.root.info().finalized_hash;
		self.root.runtime_api().excluded(at, self.chain, epoch).ok()
	}

	fn epoch(&self) -> Option<Epoch> {
		let at = self.root.info().finalized_hash;
		self.root.runtime_api().epoch(at, self.chain).ok().flatten()
	}

	fn progress(&self) -> BlockNumber {
		self.root.info().finalized_number
	}
}

/// Why a certificate is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
	/// The committee of its epoch is not on record.
	#[error("the committee of epoch {0} is not on record at the root chain")]
	UnknownCommittee(Epoch),
	/// The committee on record has a bad key.
	#[error(transparent)]
	BadKey(#[from] scheme::BadKey),
	/// The committee did not sign it.
	#[error("{0}")]
	Certificate(CertificateError),
}

/// Verifies the certificates of one chain, of any epoch.
pub struct Certifier {
	realm: Realm,
	source: Arc<dyn CommitteeSource>,
	schemes: Mutex<HashMap<Epoch, Held>>,
}

/// The keys of a committee, decoded.
#[derive(Clone)]
struct Held {
	keys: Arc<(Committee, Scheme)>,
	/// Whether its epoch has begun as far as the source knows: then no other committee can replace it.
	settled: bool,
}

impl Certifier {
	/// How many epochs' keys are held, decoded.
	pub(crate) const HELD: usize = 16;
	/// How long a source that makes no progress is waited for.
	const PATIENCE: Duration = Duration::from_secs(30);
	/// How often it is looked at meanwhile.
	const LOOK_AGAIN: Duration = Duration::from_millis(200);

	/// A verifier of the certificates of `realm`.
	pub fn new(realm: Realm, source: Arc<dyn CommitteeSource>) -> Self {
		Certifier {
			realm,
			source,
			schemes: Default::default(),
		}
	}

	/// The chain that certificates are verified for.
	pub fn realm(&self) -> Realm {
		self.realm
	}

	/// Where the committees come from.
	pub fn source(&self) -> &Arc<dyn CommitteeSource> {
		&self.source
	}

	/// How many are held.
	#[cfg(test)]
	pub(crate) fn held(&self) -> usize {
		self.schemes.lock().len()
	}

	fn scheme(&self, epoch: Epoch) -> Result<Arc<(Committee, Scheme)>, VerifyError> {
		let held = self.schemes.lock().get(&epoch).cloned();
		if let Some(held) = held.as_ref().filter(|held| held.settled) {
			return Ok(held.keys.clone());
		}
		// In this order: what is read of an epoch that has begun is settled.
		let settled = self.source.epoch().is_some_and(|current| epoch <= current);
		let committee = self
			.source
			.committee(epoch)
			.ok_or(VerifyError::UnknownCommittee(epoch))?;
		let keys = match held {
			Some(held) if held.keys.0 == committee => held.keys,
			_ => {
				let verifier = scheme::verifier(self.realm, &committee)?;
				Arc::new((committee, verifier))
			}
		};
		let mut schemes = self.schemes.lock();
		if schemes.len() >= Self::HELD && !schemes.contains_key(&epoch) {
			if let Some(oldest) = schemes.keys().min().copied() {
				schemes.remove(&oldest);
			}
		}
		let held = Held {
			keys: keys.clone(),
			settled,
		};
		schemes.insert(epoch, held);
		Ok(keys)
	}

	/// Waits until the committee of an epoch is on record. Gives up when the source has made no progress for
	/// [`PATIENCE`](Self::PATIENCE).
	pub async fn await_committee(&self, epoch: Epoch) {
		let (mut progress, mut since) = (self.source.progress(), Instant::now());
		while matches!(self.scheme(epoch), Err(VerifyError::UnknownCommittee(_))) {
			if since.elapsed() >= Self::PATIENCE {
				return;
			}
			tokio::time::sleep(Self::LOOK_AGAIN).await;
			let now = self.source.progress();
			if now != progress {
				(progress, since) = (now, Instant::now());
			}
		}
	}

	/// Verifies a certificate against the committee of its epoch.
	///
	/// # Errors
	/// [`VerifyError`].
	pub fn verify(&self, certificate: &Certificate) -> Result<(), VerifyError> {
		let entry = self.scheme(certificate.round.epoch)?;
		scheme::verify(&entry.1, &entry.0, certificate).map_err(VerifyError::Certificate)
	}
}
