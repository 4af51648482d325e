//! Interfaces that travel from chain to chain.

use super::*;
use asterism_primitives::{
	message::{Body, Call as Said, MessageBody, Words},
	CurrencyId,
};
use codec::DecodeAll;
use pallet_messages::Payload;

/// Hands over what arrives for the composition pallet's account, and all else to `Next`.
pub struct Router<T, Next>(PhantomData<(T, Next)>);

impl<T: Config, Next: HandleMessage> HandleMessage for Router<T, Next> {
	fn receive(source: ChainId, message: &Message) -> Result<(), BounceReason> {
		if message.recipient == Pallet::<T>::account() {
			Pallet::<T>::learn(source, message)
		} else {
			Next::receive(source, message)
		}
	}

	fn returned(destination: ChainId, message: &Message, nonce: Nonce, reason: BounceReason) {
		// An announcement brings no value. Whatever else a chain returns to this account must stay in circulation.
		if message.recipient == Pallet::<T>::account() && message.value == 0 {
			Pallet::<T>::deposit_event(Event::AnnouncementReturned {
				destination,
				nonce,
				reason,
			});
		} else {
			Next::returned(destination, message, nonce, reason);
		}
	}

	fn weight() -> Weight {
		T::WeightInfo::learn().max(Next::weight())
	}
}

fn rejected(words: &str) -> BounceReason {
	BounceReason::Rejected {
		words: Words::truncate_from(words.as_bytes().to_vec()),
	}
}

impl<T: Config> Pallet<T> {
	pub(crate) fn do_announce(actor: AccountId, destination: ChainId) -> DispatchResult {
		let (code, interface) = T::Interfaces::interface_of(&actor).ok_or(Error::<T>::NoInterface)?;
		let interface = AnnouncedBytes::try_from(interface).map_err(|_| Error::<T>::InterfaceTooLong)?;
		let announcement = Announcement {
			account: actor.clone(),
			code,
			interface,
		};
		let body = Body::try_from(announcement.encode()).map_err(|_| Error::<T>::InterfaceTooLong)?;
		let payload = Payload {
			sender: Self::account(),
			recipient: Self::account(),
			currency: CurrencyId::NATIVE,
			value: 0,
			body: MessageBody::Call(Said {
				gas: 0,
				depth: 0,
				body,
			}),
		};
		let nonce = T::Messages::send(destination, payload).map_err(Error::<T>::from)?;
		Self::deposit_event(Event::Announced {
			actor,
			code,
			destination,
			nonce,
		});
		Ok(())
	}

	/// Takes in what another chain says of one of its actors. Messages of a chain arrive in the order in which they were sent,
	/// so what arrives is never older than what is known.
	///
	/// # Errors
	/// [`BounceReason::Rejected`] for all that isn't an announcement from this pallet's own account.
	pub(crate) fn learn(source: ChainId, message: &Message) -> Result<(), BounceReason> {
		if message.sender != Self::account() {
			return Err(rejected("only a chain itself may announce"));
		}
		if message.value != 0 {
			return Err(rejected("an announcement brings no value"));
		}
		let MessageBody::Call(said) = &message.body else {
			return Err(rejected("not an announcement"));
		};
		let Announcement {
			account,
			code,
			interface,
		} = Announcement::decode_all(&mut &said.body[..]).map_err(|_| rejected("not an announcement"))?;
		let slot = match Announced::<T>::get(source, &account) {
			Some(known) => known.slot,
			None => Self::take_slot(source, &account),
		};
		let known = AnnouncedInterface {
			code,
			interface,
			at: Self::block(),
			slot,
		};
		Announced::<T>::insert(source, &account, known);
		Self::deposit_event(Event::Learned {
			chain: source,
			actor: account,
			code,
		});
		Ok(())
	}

	/// Gives a new actor of a chain a slot, if need be that of the oldest, which is forgotten.
	fn take_slot(chain: ChainId, account: &AccountId) -> u32 {
		let slot = Cursors::<T>::get(chain);
		if let Some(oldest) = Slots::<T>::get(chain, slot) {
			Announced::<T>::remove(chain, &oldest);
			Self::deposit_event(Event::Forgotten { chain, actor: oldest });
		}
		Slots::<T>::insert(chain, slot, account);
		let next = slot
			.saturating_add(1)
			.checked_rem(T::MaxAnnounced::get())
			.unwrap_or(0);
		Cursors::<T>::insert(chain, next);
		slot
	}
}
