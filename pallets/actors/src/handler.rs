//! Messages from other chains.

use super::*;
use asterism_primitives::message::{Call as Said, MessageBody};
use frame_support::storage::with_storage_layer;

impl<T: Config> Pallet<T> {
	/// Puts a call from another chain, or one that came back from there, into the queue.
	fn queue_from(source: ChainId, message: &Message, kind: Kind, call: &Said) -> Result<(), execute::Halt> {
		let id = MessageId::Outer {
			source,
			destination: T::Messages::chain_id(),
			nonce: message.nonce,
		};
		let queued = Queued {
			id,
			parent: None,
			sender: Address {
				chain: source,
				account: message.sender.clone(),
			},
			kind,
			value: message.value,
			gas: call.gas.min(T::MaxGas::get()),
			body: call.body.clone(),
		};
		Self::bring_in(message.value)?;
		Self::enqueue(&message.recipient, call.depth.into(), queued).map_err(execute::Halt::Reason)?;
		Self::deposit_event(Event::Arrived { id });
		Ok(())
	}

	fn receive_call(source: ChainId, message: &Message, call: &Said) -> Result<(), BounceReason> {
		if call.gas > T::MaxGas::get() {
			return Err(BounceReason::TooMuchGas);
		}
		// What fails later may have to wait for room in the channel: all that waits is bounded together.
		let waiting = Self::queue().len().saturating_add(Self::returns_waiting());
		if waiting >= T::QueueLimits::get().total {
			return Err(BounceReason::QueueFull);
		}
		Self::queue_from(source, message, Kind::Relay, call).map_err(execute::Halt::reason)
	}
}

impl<T: Config> HandleMessage for Pallet<T> {
	fn receive(source: ChainId, message: &Message) -> Result<(), BounceReason> {
		let Message {
			sender,
			recipient,
			currency,
			value,
			body,
			..
		} = message;
		if *currency != CurrencyId::NATIVE {
			return Err(BounceReason::UnknownCurrency);
		}
		let from = Address {
			chain: source,
			account: sender.clone(),
		};
		match body {
			MessageBody::Call(call) if Actors::<T>::contains_key(recipient) => {
				return Self::receive_call(source, message, call)
			}
			MessageBody::Call(call) => {
				Self::deposit(recipient, *value)?;
				Self::deposit_event(Event::Received {
					from,
					to: recipient.clone(),
					amount: *value,
					body: call.body.clone(),
				});
			}
			MessageBody::Add | MessageBody::Bounce { .. } => {
				Self::deposit(recipient, *value)?;
				Self::deposit_event(Event::Deposited {
					from,
					to: recipient.clone(),
					amount: *value,
				});
			}
		}
		Ok(())
	}

	fn returned(destination: ChainId, message: &Message, _: Nonce, reason: BounceReason) {
		let Message {
			sender,
			recipient,
			currency,
			value,
			body,
			..
		} = message;
		if *currency != CurrencyId::NATIVE {
			// This chain has never sent any, and the root chain doesn't let a chain send what it doesn't hold.
			log::error!(target: LOG, "chain {destination} returned unknown currency {}", currency.0);
			return;
		}
		if let MessageBody::Bounce { call: Some(call), .. } = body {
			let kind = Kind::Bounce {
				reason: reason.clone(),
			};
			let queued = Actors::<T>::contains_key(recipient)
				&& with_storage_layer(|| Self::queue_from(destination, message, kind, call)).is_ok();
			if queued {
				return;
			}
		}
		let unclaimed = *value > 0 && Self::deposit(recipient, *value).is_err();
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
		T::WeightInfo::receive()
			.max(T::WeightInfo::returned())
			.max(T::WeightInfo::enqueue())
	}
}
