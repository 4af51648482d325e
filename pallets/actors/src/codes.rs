//! Uploading and removing code, and creating actors from it.

use super::*;
use asterism_actor_vm::{validate, CodeError};
use asterism_interface::{Interface, Valid};
use codec::Encode;

impl<T> From<CodeError> for Error<T> {
	fn from(error: CodeError) -> Self {
		match error {
			CodeError::TooLong => Error::CodeTooLong,
			CodeError::Malformed { .. } => Error::MalformedCode,
			CodeError::Float { .. } => Error::FloatInCode,
			CodeError::Unsupported { .. } => Error::UnsupportedCode,
			CodeError::Start => Error::CodeHasStart,
			CodeError::Import => Error::UnknownImport,
			CodeError::NoHandle => Error::NoHandle,
			CodeError::NoMemory => Error::NoMemory,
			CodeError::Exceeds(_) => Error::CodeExceedsLimit,
			CodeError::Segment => Error::BadSegment,
			CodeError::TooComplex => Error::CodeTooComplex,
		}
	}
}

/// The account of the actor that `creator` makes of `code` with this salt.
pub fn actor_account(creator: &AccountId, code: &Hash, salt: &[u8; 32]) -> AccountId {
	let creator: &[u8] = creator.as_ref();
	AccountId::new((b"asterism/actor", creator, code, salt).using_encoded(blake2_256))
}

impl<T: Config> Pallet<T> {
	pub(crate) fn do_upload(
		owner: AccountId,
		code: CodeBytesOf,
		interface: Option<InterfaceBytes>,
	) -> DispatchResult {
		let hash = Hash::from(blake2_256(&code));
		ensure!(!Codes::<T>::contains_key(hash), Error::<T>::AlreadyUploaded);
		let facts = validate(&code).map_err(Error::<T>::from)?;
		let load_gas = facts.load_gas();
		ensure!(load_gas <= T::MaxGas::get(), Error::<T>::CodeTooHeavy);
		let mut bytes = code.len();
		if let Some(interface) = interface {
			ensure!(
				Valid::<Interface>::from_bytes(&interface).is_ok(),
				Error::<T>::InvalidInterface
			);
			bytes = bytes.saturating_add(interface.len());
			Interfaces::<T>::insert(hash, interface);
		}
		let deposit = Self::code_deposit(bytes);
		T::Currency::hold(&HoldReason::Code.into(), &owner, deposit)?;
		let info = CodeInfo {
			owner: owner.clone(),
			deposit,
			users: 0,
			load_gas,
		};
		Codes::<T>::insert(hash, info);
		CodeBytes::<T>::insert(hash, code);
		Self::deposit_event(Event::Uploaded {
			code: hash,
			owner,
			deposit,
		});
		Ok(())
	}

	pub(crate) fn do_remove(owner: AccountId, hash: Hash) -> DispatchResult {
		let info = Codes::<T>::get(hash).ok_or(Error::<T>::UnknownCode)?;
		ensure!(info.owner == owner, Error::<T>::NotOwner);
		ensure!(info.users == 0, Error::<T>::CodeInUse);
		T::Currency::release(
			&HoldReason::Code.into(),
			&owner,
			info.deposit,
			Precision::BestEffort,
		)?;
		Codes::<T>::remove(hash);
		CodeBytes::<T>::remove(hash);
		Interfaces::<T>::remove(hash);
		Self::deposit_event(Event::Removed { code: hash, owner });
		Ok(())
	}

	/// Makes an actor, whose deposit and minimum balance the creator pays.
	///
	/// # Errors
	/// [`Error::UnknownCode`], [`Error::AlreadyCreated`], and what the currency says if the creator can't pay.
	pub(crate) fn create(
		creator: &AccountId,
		account: &AccountId,
		code: Hash,
		preservation: Preservation,
	) -> DispatchResult {
		ensure!(!Actors::<T>::contains_key(account), Error::<T>::AlreadyCreated);
		Self::add_user(code)?;
		let deposit = Self::storage_deposit(0, 0);
		let amount = deposit.saturating_add(T::Currency::minimum_balance());
		T::Currency::transfer(creator, account, amount, preservation)?;
		T::Currency::hold(&HoldReason::Storage.into(), account, deposit)?;
		let info = ActorInfo {
			code,
			items: 0,
			bytes: 0,
			deposit,
		};
		Actors::<T>::insert(account, info);
		Self::deposit_event(Event::Created {
			actor: account.clone(),
			creator: creator.clone(),
			code,
		});
		Ok(())
	}

	/// Ends an actor without storage, and gives all that it has to its heir. What is left is a plain account that nobody has
	/// the key of, and that is gone unless value arrives there.
	///
	/// # Errors
	/// What the currency says if the heir can't take it.
	pub(crate) fn end(actor: &AccountId, info: ActorInfo, heir: AccountId) -> DispatchResult {
		T::Currency::release(&HoldReason::Storage.into(), actor, info.deposit, Precision::Exact)?;
		let amount = T::Currency::reducible_balance(actor, Preservation::Expendable, Fortitude::Polite);
		T::Currency::transfer(actor, &heir, amount, Preservation::Expendable)?;
		Self::drop_user(info.code);
		Actors::<T>::remove(actor);
		Self::deposit_event(Event::Ended {
			actor: actor.clone(),
			heir,
			amount,
		});
		Ok(())
	}

	/// Code has one actor more.
	pub(crate) fn add_user(code: Hash) -> DispatchResult {
		Codes::<T>::try_mutate(code, |info| {
			let info = info.as_mut().ok_or(Error::<T>::UnknownCode)?;
			info.users = info.users.checked_add(1).ok_or(Error::<T>::Overflow)?;
			Ok(())
		})
	}

	/// Code has one actor less.
	pub(crate) fn drop_user(code: Hash) {
		Codes::<T>::mutate(code, |info| {
			if let Some(info) = info {
				info.users = info.users.saturating_sub(1);
			}
		});
	}
}
