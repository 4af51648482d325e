//! What other pallets ask the registry, and what it tells them.

use alloc::vec::Vec;
use asterism_primitives::{
	certificate::CommitteeKeys,
	committee::{Committee, Epoch},
	Balance, BlockNumber, ChainId, ChainParameters, CurrencyId, Hash, Header,
};
use polkadot_sdk::frame_support::weights::Weight;

/// Who runs a chain in an epoch. Who verifies certificates needs no more.
pub trait CommitteeProvider {
	/// How committees' keys are prepared.
	type Keys: CommitteeKeys;
	/// The committee of a chain in an epoch; `None` if there is none on record.
	fn committee(chain: ChainId, epoch: Epoch) -> Option<Committee>;
	/// The prepared keys of that committee, for [`Certificate::verify_prepared`]; `None` if there is none on record.
	///
	/// [`Certificate::verify_prepared`]: asterism_primitives::certificate::Certificate::verify_prepared
	fn prepared(chain: ChainId, epoch: Epoch) -> Option<<Self::Keys as CommitteeKeys>::Prepared>;
}

/// Which chains there are.
pub trait ChainRegistry {
	/// Whether this is a transaction chain on record. The root chain is none.
	fn is_transaction_chain(chain: ChainId) -> bool;
	/// The hash of a chain's genesis block.
	fn genesis(chain: ChainId) -> Option<Hash>;
	/// The current epoch of a chain.
	fn epoch(chain: ChainId) -> Option<Epoch>;
	/// The parameters of a chain.
	fn parameters(chain: ChainId) -> Option<ChainParameters>;
	/// All transaction chains, in ascending order.
	fn transaction_chains() -> Vec<ChainId>;
}

/// When the epochs of chains ended.
pub trait CommitteeHistory {
	/// The block in which the root chain learned that this epoch of a chain is over. `None` if it isn't, or if its committee
	/// is not on record any more.
	fn ended(chain: ChainId, epoch: Epoch) -> Option<BlockNumber>;
}

/// Hands chains over from one committee to the next.
pub trait Succession {
	/// A certified block says that the chain needs the committee of this epoch. It may be said again.
	fn signal(chain: ChainId, next: Epoch);
	/// Whether the committee of this epoch is on record, and a quorum of its members has said that it is ready.
	fn is_ready(chain: ChainId, epoch: Epoch) -> bool;
	/// A certified block is the last of the chain's current epoch.
	///
	/// # Errors
	/// [`NotReady`]; nothing is changed then.
	fn advance(chain: ChainId) -> Result<(), NotReady>;
	/// What the heavier of [`Self::signal`] and [`Self::advance`] weighs.
	fn weight() -> Weight;
}

/// The chain has no next committee that may take over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotReady;

/// Hears of chains' epochs.
pub trait OnEpoch {
	/// A chain needs the committee of this epoch. It may be said again.
	fn on_signal(chain: ChainId, next: Epoch);
	/// A chain's epoch before this one is over: its committee has nothing to sign any more.
	fn on_end(chain: ChainId, next: Epoch);
	/// The committee of this epoch of a chain is not on record any more.
	fn on_forget(chain: ChainId, epoch: Epoch);
	/// What the heaviest of a signal, and an end with what is forgotten then, weighs.
	fn weight() -> Weight;
}

impl OnEpoch for () {
	fn on_signal(_: ChainId, _: Epoch) {}
	fn on_end(_: ChainId, _: Epoch) {}
	fn on_forget(_: ChainId, _: Epoch) {}
	fn weight() -> Weight {
		Weight::zero()
	}
}

/// Hears of each new transaction chain.
pub trait OnRegister {
	/// A chain enters the registry with this genesis header, holding these amounts (nothing, but for chains of the
	/// root chain's own genesis).
	///
	/// # Errors
	/// If the amounts do not add up; the chain is not registered then.
	fn on_register(
		chain: ChainId,
		genesis: &Header,
		holdings: &[(CurrencyId, Balance)],
	) -> polkadot_sdk::sp_runtime::DispatchResult;
}

impl OnRegister for () {
	fn on_register(
		_: ChainId,
		_: &Header,
		_: &[(CurrencyId, Balance)],
	) -> polkadot_sdk::sp_runtime::DispatchResult {
		Ok(())
	}
}
