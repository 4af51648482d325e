//! Notes of accounts.
//!
//! # Overview
//!
//! An account may keep one note of at most [`Config::MaxLength`] bytes in the chain's state.
//!
//! # Flow
//!
//! [`Pallet::write`] replaces the caller's note, [`Pallet::erase`] takes it out of the state. Other pallets, and users by
//! their clients, read [`NoteOf`].
//!
//! # Assumptions
//!
//! - The bound keeps what an account can put into the state small; there is no deposit.
//! - A note is bytes: who shows it must not trust its content.
#![cfg_attr(not(feature = "std"), no_std)]

#[cfg(test)]
mod tests;

pub use pallet::*;

use polkadot_sdk::{
	frame_support::{self, pallet_prelude::*},
	frame_system::pallet_prelude::*,
};

#[frame_support::pallet]
pub mod pallet {
	use super::*;

	/// The pallet.
	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// What the runtime decides.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// The bytes that a note may have.
		#[pallet::constant]
		type MaxLength: Get<u32>;
	}

	/// The note of each account that keeps one.
	#[pallet::storage]
	pub type NoteOf<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, BoundedVec<u8, T::MaxLength>, OptionQuery>;

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(fn deposit_event)]
	pub enum Event<T: Config> {
		/// An account has another note.
		Written {
			/// The account.
			account: T::AccountId,
		},
		/// An account has no note any more.
		Erased {
			/// The account.
			account: T::AccountId,
		},
	}

	/// Why a call is refused.
	#[pallet::error]
	pub enum Error<T> {
		/// The account has no note.
		NoNote,
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Replaces the caller's note.
		#[pallet::call_index(0)]
		#[pallet::weight(T::DbWeight::get().writes(1))]
		pub fn write(origin: OriginFor<T>, note: BoundedVec<u8, T::MaxLength>) -> DispatchResult {
			let account = ensure_signed(origin)?;
			NoteOf::<T>::insert(&account, note);
			Self::deposit_event(Event::Written { account });
			Ok(())
		}

		/// Takes the caller's note out of the state.
		///
		/// # Errors
		/// [`Error::NoNote`].
		#[pallet::call_index(1)]
		#[pallet::weight(T::DbWeight::get().reads_writes(1, 1))]
		pub fn erase(origin: OriginFor<T>) -> DispatchResult {
			let account = ensure_signed(origin)?;
			NoteOf::<T>::take(&account).ok_or(Error::<T>::NoNote)?;
			Self::deposit_event(Event::Erased { account });
			Ok(())
		}
	}
}
