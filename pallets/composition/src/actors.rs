//! The actors that [`pallet_actors`] keeps, as this pallet asks for them.

use super::*;
use asterism_primitives::message::Body;

/// Interfaces and messages of the actors of `T`.
pub struct OfActors<T>(PhantomData<T>);

impl<T: pallet_actors::Config> InterfaceOf for OfActors<T> {
	fn code_of(account: &AccountId) -> Option<Hash> {
		Some(pallet_actors::Actors::<T>::get(account)?.code)
	}

	fn interface_of(account: &AccountId) -> Option<(Hash, Vec<u8>)> {
		let code = Self::code_of(account)?;
		Some((code, pallet_actors::Pallet::<T>::interface(code)?))
	}

	#[cfg(any(test, feature = "runtime-benchmarks"))]
	fn set_interface(account: &AccountId, code: Hash, interface: Vec<u8>) {
		let info = pallet_actors::CodeInfo {
			owner: account.clone(),
			deposit: 0,
			users: 1,
			load_gas: 0,
		};
		pallet_actors::Codes::<T>::insert(code, info);
		let interface = pallet_actors::InterfaceBytes::try_from(interface).expect("it is short enough");
		pallet_actors::Interfaces::<T>::insert(code, interface);
		let actor = pallet_actors::ActorInfo {
			code,
			items: 0,
			bytes: 0,
			deposit: 0,
		};
		pallet_actors::Actors::<T>::insert(account, actor);
	}
}

impl<T: pallet_actors::Config> Deliver for OfActors<T> {
	fn deliver(
		from: AccountId,
		to: Address,
		value: Balance,
		gas: u64,
		body: Body,
	) -> Result<MessageId, DispatchError> {
		pallet_actors::Pallet::<T>::do_call(from, to.into(), value, gas, body)
	}
}
