//! Where value is: with accounts, in transit, or kept in the pot for an account that couldn't hold it.

use super::*;

impl<T: Config> Pallet<T> {
	/// The account of the pot.
	pub fn pot() -> AccountId {
		T::PotId::get().into_account_truncating()
	}

	/// Whether an account exists, with code or without.
	pub(crate) fn exists(account: &AccountId) -> bool {
		frame_system::Pallet::<T>::account_exists(account)
	}

	/// Whether an account can take value now; none is taken by whoever exists.
	///
	/// # Errors
	/// [`BounceReason::NoRecipient`], [`BounceReason::BelowMinimum`], [`BounceReason::Refused`].
	pub(crate) fn takes(
		account: &AccountId,
		value: Balance,
		provenance: Provenance,
	) -> Result<(), BounceReason> {
		if value == 0 {
			return if Self::exists(account) {
				Ok(())
			} else {
				Err(BounceReason::NoRecipient)
			};
		}
		match T::Currency::can_deposit(account, value, provenance) {
			DepositConsequence::Success => Ok(()),
			DepositConsequence::BelowMinimum => Err(BounceReason::BelowMinimum),
			_ => Err(BounceReason::Refused),
		}
	}

	/// The pot takes value of an account into transit.
	pub(crate) fn send_off(from: &AccountId, value: Balance, preservation: Preservation) -> DispatchResult {
		if value > 0 {
			T::Currency::transfer_and_hold(
				&HoldReason::Transit.into(),
				from,
				&Self::pot(),
				value,
				Precision::Exact,
				preservation,
				Fortitude::Polite,
			)?;
		}
		Ok(())
	}

	/// The pot takes value from another chain into transit.
	pub(crate) fn bring_in(value: Balance) -> DispatchResult {
		if value > 0 {
			T::Currency::mint_into(&Self::pot(), value)?;
			T::Currency::hold(&HoldReason::Transit.into(), &Self::pot(), value)?;
		}
		Ok(())
	}

	/// Value in transit leaves for another chain.
	pub(crate) fn send_out(value: Balance) -> DispatchResult {
		if value > 0 {
			T::Currency::burn_held(
				&HoldReason::Transit.into(),
				&Self::pot(),
				value,
				Precision::Exact,
				Fortitude::Polite,
			)?;
		}
		Ok(())
	}

	/// An account takes value that is in transit, and with it what the pot keeps for it.
	///
	/// # Errors
	/// Those of [`Self::takes`]; nothing is changed then.
	pub(crate) fn arrive(account: &AccountId, value: Balance) -> Result<(), BounceReason> {
		Self::takes(account, value, Provenance::Extant)?;
		if value > 0 {
			T::Currency::transfer_on_hold(
				&HoldReason::Transit.into(),
				&Self::pot(),
				account,
				value,
				Precision::Exact,
				Restriction::Free,
				Fortitude::Polite,
			)
			.map_err(|_| BounceReason::Refused)?;
			Self::release(account);
		}
		Ok(())
	}

	/// Gives value that is in transit to the account that it came from; if that can't hold it, the pot keeps it. Whether the
	/// pot does.
	pub(crate) fn settle(account: &AccountId, value: Balance) -> bool {
		if value == 0 || Self::arrive(account, value).is_ok() {
			return false;
		}
		let released =
			T::Currency::release(&HoldReason::Transit.into(), &Self::pot(), value, Precision::Exact);
		if let Err(error) = released {
			// The pot holds all that is in transit.
			log::error!(target: LOG, "{value} in transit can't be released: {error:?}");
			return false;
		}
		Self::keep_in_pot(account, value);
		true
	}

	/// Pays out what the pot keeps for an account; whether it could.
	pub(crate) fn release(account: &AccountId) -> bool {
		let amount = Unclaimed::<T>::get(account);
		if amount == 0 {
			return false;
		}
		let paid = T::Currency::transfer(&Self::pot(), account, amount, Preservation::Preserve).is_ok();
		if paid {
			Unclaimed::<T>::remove(account);
			Self::deposit_event(Event::Claimed {
				account: account.clone(),
				amount,
			});
		}
		paid
	}

	/// Mints to an account, and gives it what the pot keeps for it.
	///
	/// # Errors
	/// Why the account can't take it; nothing is changed then.
	pub(crate) fn deposit(account: &AccountId, amount: Balance) -> Result<(), BounceReason> {
		Self::takes(account, amount, Provenance::Minted)?;
		T::Currency::mint_into(account, amount).map_err(|_| BounceReason::Refused)?;
		Self::release(account);
		Ok(())
	}

	/// Mints value for an account that can't hold it, into the pot.
	pub(crate) fn keep(account: &AccountId, amount: Balance) {
		if let Err(error) = T::Currency::mint_into(&Self::pot(), amount) {
			// The network's issuance fits into 128 bits, and so does any part of it.
			log::error!(target: LOG, "the pot can't keep {amount}: {error:?}");
			return;
		}
		Self::keep_in_pot(account, amount);
	}

	/// Keeps value for an account that is in the pot already. Once there is enough for the account to hold, it is paid out.
	fn keep_in_pot(account: &AccountId, amount: Balance) {
		Unclaimed::<T>::mutate(account, |kept| *kept = kept.saturating_add(amount));
		Self::release(account);
	}

	/// What is held for an actor with this much storage.
	pub(crate) fn storage_deposit(items: u32, bytes: u64) -> Balance {
		// The actor itself is an item.
		let items = Balance::from(items).saturating_add(1);
		T::DepositPerItem::get()
			.saturating_mul(items)
			.saturating_add(T::DepositPerByte::get().saturating_mul(bytes.into()))
	}

	/// What is held for code of so many bytes, with its interface.
	pub(crate) fn code_deposit(bytes: usize) -> Balance {
		T::DepositPerItem::get()
			.saturating_mul(2)
			.saturating_add(T::DepositPerByte::get().saturating_mul(bytes as Balance))
	}
}
