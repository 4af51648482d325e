//! New transaction chains enter with their genesis as head, and their genesis issuance as holdings.

use super::{impl_apply::StorageLedger, *};
use asterism_protocol::ledger;
use pallet_chains::OnRegister;

impl<T: Config> OnRegister for Pallet<T> {
	fn on_register(chain: ChainId, genesis: &Header, holdings: &[(CurrencyId, Balance)]) -> DispatchResult {
		for (currency, amount) in holdings {
			// All holdings and all that is in flight add up to the issuance, so none of them can overflow once it fits.
			let issuance = Issuance::<T>::get(currency)
				.checked_add(*amount)
				.ok_or(Error::<T>::AmountOverflow)?;
			ledger::register(&mut StorageLedger::<T>::new(), chain, *currency, *amount)
				.map_err(Error::<T>::from)?;
			Issuance::<T>::insert(currency, issuance);
		}
		Heads::<T>::insert(
			chain,
			BlockRef {
				number: genesis.number,
				hash: genesis.hash(),
			},
		);
		Ok(())
	}
}
