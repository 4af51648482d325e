//! Connections: what one actor emits, and another one accepts.

use super::*;

/// What was found of a link whose ends are known: both hashes of code, and the bytes of both interfaces.
pub(crate) type Ends = ((Hash, Hash), u32);

impl<T: Config> Pallet<T> {
	/// The id of an account's connection.
	pub fn connection_id(owner: &AccountId, link: &Link) -> Hash {
		Hash::from((b"asterism/connection", owner, link).using_encoded(blake2_256))
	}

	/// Whether what one end emits fits what the other accepts, with what was compared.
	pub(crate) fn fitting(
		from: &Address,
		output: &str,
		to: &Address,
		input: &str,
	) -> (Option<Ends>, Result<(), Unfit>) {
		let Some((emitting, emits)) = Self::interface_at(from) else {
			return (None, Err(Unfit::UnknownSender));
		};
		let Some((accepting, accepts)) = Self::interface_at(to) else {
			return (None, Err(Unfit::UnknownRecipient));
		};
		let bytes = emits.len().saturating_add(accepts.len()) as u32;
		let ends = Some(((emitting, accepting), bytes));
		let valid = |bytes: &[u8]| Valid::<Interface>::from_bytes(bytes).map_err(|_| Unfit::Invalid);
		let verdict = valid(&emits).and_then(|emits| {
			let accepts = valid(&accepts)?;
			asterism_interface::connect(&emits, output, &accepts, input).map_err(Unfit::Misfit)
		});
		(ends, verdict)
	}

	/// Connects, or says why not; returns how many bytes of interfaces were compared.
	pub(crate) fn do_connect(owner: AccountId, link: Link) -> Result<u32, DispatchError> {
		let (Some(output), Some(input)) = (text(&link.output), text(&link.input)) else {
			return Err(Error::<T>::BadName.into());
		};
		let id = Self::connection_id(&owner, &link);
		ensure!(!Connections::<T>::contains_key(id), Error::<T>::AlreadyConnected);
		let (ends, verdict) = Self::fitting(&link.from, output, &link.to, input);
		let bytes = ends.map_or(0, |(_, bytes)| bytes);
		match verdict {
			Ok(()) => {}
			Err(Unfit::UnknownSender) => return Err(Error::<T>::UnknownSender.into()),
			Err(Unfit::UnknownRecipient) => return Err(Error::<T>::UnknownRecipient.into()),
			Err(Unfit::Invalid) => return Err(Error::<T>::InvalidInterface.into()),
			Err(Unfit::Misfit(misfit)) => {
				Self::deposit_event(Event::Refused { owner, link, misfit });
				return Ok(bytes);
			}
		}
		// Both ends are known, or there would be no verdict.
		let (codes, _) = ends.ok_or(Error::<T>::UnknownSender)?;
		Self::note(&owner, |holdings| {
			ensure!(
				holdings.connections < T::MaxConnections::get(),
				Error::<T>::TooManyConnections
			);
			holdings.connections = holdings.connections.saturating_add(1);
			Ok(())
		})?;
		let mut connection = Connection {
			owner: owner.clone(),
			deposit: 0,
			link: link.clone(),
			codes,
		};
		connection.deposit = Self::deposit(1, connection.encoded_size());
		T::Currency::hold(&HoldReason::Connection.into(), &owner, connection.deposit)?;
		Connections::<T>::insert(id, connection);
		Self::deposit_event(Event::Connected { id, owner, link });
		Ok(bytes)
	}

	pub(crate) fn do_disconnect(owner: AccountId, id: Hash) -> DispatchResult {
		let connection = Connections::<T>::get(id).ok_or(Error::<T>::UnknownConnection)?;
		ensure!(connection.owner == owner, Error::<T>::NotOwner);
		T::Currency::release(
			&HoldReason::Connection.into(),
			&owner,
			connection.deposit,
			Precision::BestEffort,
		)?;
		Connections::<T>::remove(id);
		Self::note(&owner, |holdings| {
			holdings.connections = holdings.connections.saturating_sub(1);
			Ok(())
		})?;
		Self::deposit_event(Event::Disconnected { id, owner });
		Ok(())
	}
}
