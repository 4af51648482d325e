//! A node's pool: what it puts into the blocks that it builds, and passes on.

use crate::ledger::Ledger;
use asterism_primitives::{Hash, Hashing};
use codec::Encode;
use polkadot_sdk::{
	sc_transaction_pool_api::error::Error,
	sp_runtime::{traits::Hash as _, transaction_validity::TransactionValidityError, OpaqueExtrinsic},
};
use std::time::Duration;

/// How long an extrinsic is kept at most.
const KEPT: Duration = Duration::from_secs(60);
/// How many are kept at most.
const MAX: usize = 64;

struct Pending {
	hash: Hash,
	extrinsic: OpaqueExtrinsic,
	/// What it does: another one that does the same is not taken.
	provides: Vec<Vec<u8>>,
	since: Duration,
}

fn hash(extrinsic: &OpaqueExtrinsic) -> Hash {
	Hashing::hash(&extrinsic.encode())
}

/// Valid extrinsics, the oldest first.
#[derive(Default)]
pub struct Pool(Vec<Pending>);

impl Pool {
	/// Takes an extrinsic that is valid upon the block `at`.
	///
	/// # Errors
	/// As the node's pool.
	pub fn submit(
		&mut self,
		ledger: &Ledger,
		at: Hash,
		extrinsic: OpaqueExtrinsic,
		now: Duration,
	) -> Result<(), Error> {
		let hash = hash(&extrinsic);
		if self.0.iter().any(|pending| pending.hash == hash) {
			return Err(Error::AlreadyImported(Box::new(())));
		}
		let valid = match ledger.validate(at, &extrinsic) {
			Ok(valid) => valid,
			Err(TransactionValidityError::Invalid(reason)) => return Err(Error::InvalidTransaction(reason)),
			Err(TransactionValidityError::Unknown(reason)) => return Err(Error::UnknownTransaction(reason)),
		};
		if self.0.iter().any(|pending| pending.provides == valid.provides) {
			return Err(Error::TooLowPriority {
				old: valid.priority,
				new: valid.priority,
			});
		}
		if self.0.len() >= MAX {
			return Err(Error::ImmediatelyDropped);
		}
		self.0.push(Pending {
			hash,
			extrinsic,
			provides: valid.provides,
			since: now,
		});
		Ok(())
	}

	/// All that is in it.
	pub fn all(&self) -> Vec<OpaqueExtrinsic> {
		self.0.iter().map(|pending| pending.extrinsic.clone()).collect()
	}

	/// Whether this is in it.
	pub fn has(&self, extrinsic: &OpaqueExtrinsic) -> bool {
		let hash = hash(extrinsic);
		self.0.iter().any(|pending| pending.hash == hash)
	}

	/// A block with these is final.
	pub fn prune(&mut self, included: &[OpaqueExtrinsic], now: Duration) {
		let included: Vec<_> = included.iter().map(hash).collect();
		self.0
			.retain(|pending| !included.contains(&pending.hash) && now.saturating_sub(pending.since) < KEPT);
	}
}
