//! What other pallets ask the registry, and what it tells them.

use alloc::vec::Vec;
use asterism_primitives::{
	committee::{BlsPublic, Committee, Epoch},
	Balance, ChainId, ChainParameters, CurrencyId, Hash, Header,
};

/// Who runs a chain in an epoch. Elections will implement it too; who verifies certificates needs no more.
pub trait CommitteeProvider {
	/// The committee of a chain in an epoch; `None` if there is none on record.
	fn committee(chain: ChainId, epoch: Epoch) -> Option<Committee>;
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

/// Checks consensus keys before a committee with them is put on record, so that verifying a certificate need not do it.
pub trait ValidateKey {
	/// Whether these bytes are a point of the right subgroup, and not its identity.
	fn validate_key(key: &BlsPublic) -> bool;
}
