//! # Actors pallet
//!
//! Accounts as actors that act upon each other by relay messages (Thinkey §5.4). For now there is one kind: the payment
//! actor, an account with a balance of the native currency.
//!
//! ## Overview
//!
//! - [`Call::transfer`] sends value to an account of any transaction chain. On the same chain that is an *inner* message,
//!   executed at once; on another one an *outer* message: the value is burned here, travels, and is minted there
//!   (`add` of Thinkey §5.4).
//! - [`HandleMessage`] executes what arrives: deposits, and values that come back.
//! - A **pot**, an account of this pallet, takes in dust, and keeps what came back for accounts that can't hold it.
//!
//! ## Flow
//!
//! ```text
//!  transfer ──same chain──► balances
//!     └──known chain──► burn ──► SendMessage::send ··· receive ──► mint to the recipient
//!                                                         └ refused: bounces ··· returned ──► mint to the sender
//!                                                                                   └ below minimum: pot, Unclaimed
//!                                                                                        └─ next deposit or claim
//! ```
//!
//! ## Conservation
//!
//! Value is minted only for a message that brings it, and burned only for one that takes it away. Dust is not burned:
//! with [`DustToPot`] it stays in circulation. So this chain's issuance is its genesis issuance, plus inflows, less
//! outflows, exactly.
//!
//! ## Assumptions
//!
//! - The pot has the existential deposit from genesis on and never goes below it.
//! - The currency's `DustRemoval` is [`DustToPot`].
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

use asterism_primitives::{
	message::{BounceReason, Message},
	AccountId, Balance, ChainId, CurrencyId, Nonce,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::marker::PhantomData;
use pallet_messages::{HandleMessage, Payload, SendError, SendMessage};
use polkadot_sdk::{
	frame_support::{
		self,
		traits::{
			fungible::{Balanced, Credit, Inspect, Mutate},
			tokens::{DepositConsequence, Fortitude, Precision, Preservation, Provenance},
			Get, Imbalance, OnUnbalanced,
		},
		weights::Weight,
		PalletId,
	},
	frame_system,
	sp_runtime::traits::AccountIdConversion,
};
use scale_info::TypeInfo;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
pub mod weights;

pub use pallet::*;
pub use weights::WeightInfo;

/// An account of the network.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Address {
	/// Its chain.
	pub chain: ChainId,
	/// Its id there.
	pub account: AccountId,
}

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::{pallet_prelude::*, DefaultNoBound};
	use frame_system::pallet_prelude::*;

	/// The pallet.
	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// What the pallet needs.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config<AccountId = AccountId> {
		/// The native currency.
		type Currency: Mutate<AccountId, Balance = Balance> + Balanced<AccountId, Balance = Balance>;
		/// Sends messages to other chains.
		type Messages: SendMessage;
		/// The pot's account is derived from it.
		#[pallet::constant]
		type PotId: Get<PalletId>;
		/// Weights of the calls.
		type WeightInfo: WeightInfo;
	}

	/// Value in the pot that belongs to an account, which could not hold it when it came back.
	#[pallet::storage]
	pub type Unclaimed<T> = StorageMap<_, Blake2_128Concat, AccountId, Balance, ValueQuery>;

	/// Endows the pot with the existential deposit, unless the balances at genesis have done so.
	#[pallet::genesis_config]
	#[derive(DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		#[serde(skip)]
		#[allow(missing_docs)]
		pub _config: PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			let (pot, minimum) = (Pallet::<T>::pot(), T::Currency::minimum_balance());
			if T::Currency::balance(&pot) < minimum {
				T::Currency::mint_into(&pot, minimum).expect("actors: the pot can be endowed at genesis");
			}
		}
	}

	/// What happened to value.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// An account sent value.
		Transferred {
			/// The account.
			from: AccountId,
			/// The account that it is for.
			to: Address,
			/// How much.
			amount: Balance,
			/// The message's place in the channel; none if the recipient is on this chain and has it already.
			nonce: Option<Nonce>,
		},
		/// Value from an account of another chain was deposited.
		Deposited {
			/// The account that sent it.
			from: Address,
			/// The account that has it now.
			to: AccountId,
			/// How much.
			amount: Balance,
		},
		/// Value that could not be deposited at its destination came back.
		Bounced {
			/// The account that had sent it, and has it again.
			to: AccountId,
			/// The account that it was sent to.
			from: Address,
			/// How much.
			amount: Balance,
			/// Why.
			reason: BounceReason,
			/// Whether the account can't hold so little, and the pot keeps it.
			unclaimed: bool,
		},
		/// The pot gave an account what it kept for it.
		Claimed {
			/// The account.
			account: AccountId,
			/// How much.
			amount: Balance,
		},
	}

	/// Why a call is refused.
	#[pallet::error]
	pub enum Error<T> {
		/// There is nothing to transfer.
		ZeroAmount,
		/// The root chain takes no messages.
		RootDestination,
		/// No transaction chain with this id is on record at the root chain, as far as this chain has seen.
		UnknownDestination,
		/// The channel to that chain is full until that chain catches up; try again later.
		ChannelFull,
		/// This block sends as many messages, to as many chains, as it may; try again in the next block.
		BlockFull,
		/// The message has no place in the channel any more, or the block's value doesn't fit into 128 bits.
		Overflow,
		/// The pot keeps nothing for the account.
		NothingToClaim,
		/// What the pot keeps for the account is less than it can hold; it is paid out with the next deposit.
		StillBelowMinimum,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Transfers `amount` of the native currency to an account of any transaction chain on record at the root chain. An account that is left with
		/// less than the existential deposit ends, and the rest is lost to it.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::transfer().saturating_add(T::Messages::closing_weight()))]
		pub fn transfer(
			origin: OriginFor<T>,
			destination: Address,
			#[pallet::compact] amount: Balance,
		) -> DispatchResult {
			let from = ensure_signed(origin)?;
			ensure!(amount > 0, Error::<T>::ZeroAmount);
			ensure!(!destination.chain.is_root(), Error::<T>::RootDestination);
			let nonce = if destination.chain == T::Messages::chain_id() {
				T::Currency::transfer(&from, &destination.account, amount, Preservation::Expendable)?;
				None
			} else {
				T::Currency::burn_from(
					&from,
					amount,
					Preservation::Expendable,
					Precision::Exact,
					Fortitude::Polite,
				)?;
				let payload = Payload {
					sender: from.clone(),
					recipient: destination.account.clone(),
					currency: CurrencyId::NATIVE,
					value: amount,
				};
				Some(T::Messages::send(destination.chain, payload).map_err(Error::<T>::from)?)
			};
			Self::deposit_event(Event::Transferred {
				from,
				to: destination,
				amount,
				nonce,
			});
			Ok(())
		}

		/// Pays an account what the pot keeps for it. Anybody may call it for anybody.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::claim())]
		pub fn claim(origin: OriginFor<T>, account: AccountId) -> DispatchResult {
			ensure_signed(origin)?;
			ensure!(Unclaimed::<T>::contains_key(&account), Error::<T>::NothingToClaim);
			ensure!(Self::release(&account), Error::<T>::StillBelowMinimum);
			Ok(())
		}
	}
}

const LOG: &str = "runtime::actors";

impl<T> From<SendError> for Error<T> {
	fn from(error: SendError) -> Self {
		use asterism_primitives::protocol::channel::ChannelError;
		match error {
			SendError::RootChain => Error::RootDestination,
			SendError::UnknownDestination => Error::UnknownDestination,
			SendError::Channel(ChannelError::Full) => Error::ChannelFull,
			SendError::Channel(ChannelError::BatchFull) | SendError::TooManyFlows => Error::BlockFull,
			// A transfer within this chain is not sent.
			SendError::OwnChain | SendError::ValueOverflow | SendError::Channel(_) => Error::Overflow,
		}
	}
}

impl<T: Config> Pallet<T> {
	/// The account of the pot.
	pub fn pot() -> AccountId {
		T::PotId::get().into_account_truncating()
	}

	/// Pays out what the pot keeps for an account; whether it could.
	fn release(account: &AccountId) -> bool {
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
	fn deposit(account: &AccountId, amount: Balance) -> Result<(), BounceReason> {
		match T::Currency::can_deposit(account, amount, Provenance::Minted) {
			DepositConsequence::Success => (),
			DepositConsequence::BelowMinimum => return Err(BounceReason::BelowMinimum),
			_ => return Err(BounceReason::Refused),
		}
		T::Currency::mint_into(account, amount).map_err(|_| BounceReason::Refused)?;
		Self::release(account);
		Ok(())
	}

	#[cfg(any(test, feature = "try-runtime"))]
	#[allow(dead_code)]
	pub(crate) fn do_try_state() -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
		let kept = Unclaimed::<T>::iter_values()
			.try_fold(T::Currency::minimum_balance(), Balance::checked_add)
			.ok_or("what the pot keeps fits into 128 bits")?;
		frame_support::ensure!(
			T::Currency::balance(&Self::pot()) >= kept,
			"the pot has its existential deposit and all that it keeps for accounts"
		);
		Ok(())
	}
}

impl<T: Config> HandleMessage for Pallet<T> {
	fn receive(source: ChainId, message: &Message) -> Result<(), BounceReason> {
		let Message {
			sender,
			recipient,
			currency,
			value,
			..
		} = message;
		if *currency != CurrencyId::NATIVE {
			return Err(BounceReason::UnknownCurrency);
		}
		Self::deposit(recipient, *value)?;
		let from = Address {
			chain: source,
			account: sender.clone(),
		};
		Self::deposit_event(Event::Deposited {
			from,
			to: recipient.clone(),
			amount: *value,
		});
		Ok(())
	}

	fn returned(destination: ChainId, message: &Message, _: Nonce, reason: BounceReason) {
		let Message {
			sender,
			recipient,
			currency,
			value,
			..
		} = message;
		if *currency != CurrencyId::NATIVE {
			// This chain has never sent any, and the root chain doesn't let a chain send what it doesn't hold.
			log::error!(target: LOG, "chain {destination} returned unknown currency {}", currency.0);
			return;
		}
		let unclaimed = Self::deposit(recipient, *value).is_err();
		if unclaimed {
			Self::keep(recipient, *value);
		}
		let from = Address {
			chain: destination,
			account: sender.clone(),
		};
		Self::deposit_event(Event::Bounced {
			to: recipient.clone(),
			from,
			amount: *value,
			reason,
			unclaimed,
		});
	}

	fn weight() -> Weight {
		T::WeightInfo::receive().max(T::WeightInfo::returned())
	}
}

impl<T: Config> Pallet<T> {
	/// Keeps value for an account in the pot. Once there is enough for the account to hold, it is paid out.
	fn keep(account: &AccountId, amount: Balance) {
		if let Err(error) = T::Currency::mint_into(&Self::pot(), amount) {
			// The network's issuance fits into 128 bits, and so does any part of it.
			log::error!(target: LOG, "the pot can't keep {amount}: {error:?}");
			return;
		}
		Unclaimed::<T>::mutate(account, |kept| *kept = kept.saturating_add(amount));
		Self::release(account);
	}
}

/// Gives the pot what is left of accounts that end, so that no issuance is lost.
pub struct DustToPot<T>(PhantomData<T>);

impl<T: Config> OnUnbalanced<Credit<AccountId, T::Currency>> for DustToPot<T> {
	fn on_nonzero_unbalanced(dust: Credit<AccountId, T::Currency>) {
		let amount = dust.peek();
		if T::Currency::resolve(&Pallet::<T>::pot(), dust).is_err() {
			log::error!(target: LOG, "the pot can't take {amount} of dust");
		}
	}
}
