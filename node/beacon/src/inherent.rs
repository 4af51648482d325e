//! Hands the newest seed to whoever proposes a block.

use crate::LOG_TARGET;
use asterism_primitives::{
	beacon::{BeaconApi, Seed, BEACON},
	Hash, OpaqueBlock,
};
use parking_lot::Mutex;
use polkadot_sdk::{
	sp_api::ProvideRuntimeApi,
	sp_blockchain::HeaderBackend,
	sp_inherents::{Error, InherentData, InherentDataProvider, InherentIdentifier},
};
use std::sync::Arc;

/// The newest seed that this node has recovered or seen.
#[derive(Clone, Debug, Default)]
pub struct SeedHandle(Arc<Mutex<Option<Seed>>>);

impl SeedHandle {
	/// The newest seed.
	pub fn newest(&self) -> Option<Seed> {
		*self.0.lock()
	}

	/// Takes note of a seed, if it is newer.
	pub fn set(&self, seed: Seed) {
		let mut newest = self.0.lock();
		if newest.is_none_or(|newest| seed.round > newest.round) {
			*newest = Some(seed);
		}
	}
}

/// Makes a [`BeaconInherentDataProvider`] for each root block that a node proposes.
pub struct BeaconInherents<C> {
	client: Arc<C>,
	seeds: SeedHandle,
}

impl<C> Clone for BeaconInherents<C> {
	fn clone(&self) -> Self {
		BeaconInherents {
			client: self.client.clone(),
			seeds: self.seeds.clone(),
		}
	}
}

impl<C> BeaconInherents<C>
where
	C: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock>,
	C::Api: BeaconApi<OpaqueBlock>,
{
	/// For the root client and the seeds that the beacon's task makes.
	pub fn new(client: Arc<C>, seeds: SeedHandle) -> Self {
		BeaconInherents { client, seeds }
	}

	/// The seed for the block upon `parent`: the newest one, unless an ancestor has it or a newer one. Without, the block is
	/// valid too.
	pub fn at(&self, parent: Hash) -> BeaconInherentDataProvider {
		BeaconInherentDataProvider(self.seeds.newest().filter(|seed| {
			match (
				self.client.runtime_api().last_seed(parent),
				self.client.number(parent),
			) {
				(Ok(last), Ok(Some(number))) => {
					last.is_none_or(|last| seed.round > last.round) && seed.round <= number
				}
				(Err(error), _) => {
					log::warn!(target: LOG_TARGET, "no seed in this block: {error}");
					false
				}
				_ => false,
			}
		}))
	}
}

/// Puts a seed into a block's inherent data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BeaconInherentDataProvider(pub Option<Seed>);

#[async_trait::async_trait]
impl InherentDataProvider for BeaconInherentDataProvider {
	async fn provide_inherent_data(&self, data: &mut InherentData) -> Result<(), Error> {
		match &self.0 {
			Some(seed) => data.put_data(BEACON, seed),
			None => Ok(()),
		}
	}

	async fn try_handle_error(&self, _: &InherentIdentifier, _: &[u8]) -> Option<Result<(), Error>> {
		None
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use asterism_primitives::committee::BlsSignature;

	#[test]
	fn the_handle_never_goes_back() {
		let seed = |round| Seed {
			round,
			signature: BlsSignature([round as u8; 48]),
		};
		let handle = SeedHandle::default();
		assert_eq!(handle.newest(), None);
		for (given, newest) in [(3, 3), (2, 3), (3, 3), (7, 7)] {
			handle.set(seed(given));
			assert_eq!(handle.newest(), Some(seed(newest)));
		}
	}

	#[tokio::test]
	async fn the_provider_puts_the_seed_into_the_data() {
		let seed = Seed {
			round: 5,
			signature: BlsSignature([1; 48]),
		};
		let mut data = InherentData::new();
		BeaconInherentDataProvider(None)
			.provide_inherent_data(&mut data)
			.await
			.unwrap();
		assert_eq!(data.len(), 0);
		BeaconInherentDataProvider(Some(seed))
			.provide_inherent_data(&mut data)
			.await
			.unwrap();
		assert_eq!(data.get_data::<Seed>(&BEACON).unwrap(), Some(seed));
	}
}
