//! The inbox: checking deliveries, for a proposer and in a block alike, and executing their messages.

use super::*;
use alloc::collections::BTreeMap;
use frame_support::{dispatch::DispatchResult, ensure, storage::with_storage_layer};
use polkadot_sdk::sp_runtime::{traits::Zero, DispatchError};

/// The checks on the deliveries of one block, one after the other. Nothing is written.
pub(crate) struct Checker<T> {
	inbounds: BTreeMap<ChainId, Inbound>,
	/// How many values can still go back to each source.
	room: BTreeMap<ChainId, u32>,
	acknowledged: BTreeMap<ChainId, Nonce>,
	inflows: Flows,
	messages: u32,
	_config: core::marker::PhantomData<T>,
}

impl<T: Config> Checker<T> {
	/// With acknowledgements that will be known, but are not in state yet.
	pub(crate) fn new(acknowledged: BTreeMap<ChainId, Nonce>) -> Self {
		Checker {
			inbounds: BTreeMap::new(),
			room: BTreeMap::new(),
			acknowledged,
			inflows: Flows::default(),
			messages: 0,
			_config: Default::default(),
		}
	}

	/// Accepts a delivery from a block with this outbox root.
	///
	/// # Errors
	/// Why it can't be accepted; the checker is as before then.
	pub(crate) fn accept(&mut self, delivery: &Delivery, outbox_root: Option<Hash>) -> Result<(), Error<T>> {
		let source = delivery.source;
		let own = T::RootState::chain_id();
		ensure!(source != own && !source.is_root(), Error::<T>::BadSource);
		let count = delivery.messages.len() as u32;
		let messages = self
			.messages
			.checked_add(count)
			.ok_or(Error::<T>::TooManyMessages)?;
		ensure!(messages <= T::MaxDeliveries::get(), Error::<T>::TooManyMessages);
		let outbox_root = outbox_root.ok_or(Error::<T>::UnknownAnchor)?;
		let batch = delivery.verify(own, outbox_root)?;

		let mut inbound = self
			.inbounds
			.get(&source)
			.copied()
			.unwrap_or_else(|| Inbounds::<T>::get(source));
		inbound.accept(batch)?;
		ensure!(
			self.inbounds.contains_key(&source) || self.inbounds.len() < MAX_PEERS as usize,
			Error::<T>::TooManyFlows
		);
		let mut inflows = self.inflows.clone();
		for (currency, value) in batch_value(&delivery.messages).ok_or(Error::<T>::ValueOverflow)? {
			book(&mut inflows, source, currency, value).map_err(|error| match error {
				FlowError::TooMany => Error::<T>::TooManyFlows,
				FlowError::Overflow => Error::<T>::ValueOverflow,
			})?;
		}
		let returnable = delivery
			.messages
			.iter()
			.filter(|message| !message.body.is_bounce())
			.count() as u32;
		let room = self
			.room(source)
			.checked_sub(returnable)
			.ok_or(Error::<T>::NoRoomToBounce)?;

		self.messages = messages;
		self.inbounds.insert(source, inbound);
		self.inflows = inflows;
		self.room.insert(source, room);
		Ok(())
	}

	fn room(&self, source: ChainId) -> u32 {
		self.room.get(&source).copied().unwrap_or_else(|| {
			let mut outbound = Outbounds::<T>::get(source);
			if let Some(nonce) = self.acknowledged.get(&source) {
				// What is refused here changes nothing in the block either.
				let _ = outbound.acknowledge(*nonce);
			}
			outbound.room()
		})
	}
}

impl<T> From<asterism_primitives::message::DeliveryError> for Error<T> {
	fn from(error: asterism_primitives::message::DeliveryError) -> Self {
		use asterism_primitives::message::DeliveryError;
		match error {
			DeliveryError::Empty => Error::Empty,
			DeliveryError::NotConsecutive => Error::NotConsecutive,
			DeliveryError::ValueOverflow => Error::ValueOverflow,
			DeliveryError::BadProof => Error::BadProof,
		}
	}
}

impl<T> From<ChannelError> for Error<T> {
	fn from(error: ChannelError) -> Self {
		match error {
			ChannelError::Repeated { .. } => Error::Repeated,
			ChannelError::Gap { .. } => Error::Gap,
			_ => Error::BadBatch,
		}
	}
}

impl<T: Config> Pallet<T> {
	/// What so many deliveries with so many messages together take, whatever becomes of each message.
	pub(crate) fn deliver_weight(deliveries: u32, messages: u32) -> Weight {
		// The first message of each delivery is part of the delivery's weight.
		let further = messages.saturating_sub(deliveries);
		let refused = T::WeightInfo::deliver(deliveries, further)
			.saturating_add(<Self as SendMessage>::closing_weight().saturating_mul(messages.into()));
		let returned = T::WeightInfo::deliver_returned(deliveries, further);
		refused
			.max(returned)
			.saturating_add(T::Handler::weight().saturating_mul(messages.into()))
	}

	/// Checks all deliveries, then executes their messages in order. Nothing is half applied: the call is transactional.
	pub(crate) fn do_deliver(deliveries: Vec<Delivery>) -> DispatchResult {
		ensure!(!Current::<T>::get().delivered, Error::<T>::AlreadyDelivered);
		ensure!(!deliveries.is_empty(), Error::<T>::NothingToDeliver);
		let mut checker = Checker::<T>::new(BTreeMap::new());
		for delivery in &deliveries {
			let anchor = T::RootState::anchor(delivery.source, delivery.number);
			checker.accept(delivery, anchor.map(|anchor| anchor.outbox_root))?;
		}
		Current::<T>::try_mutate(|current| -> DispatchResult {
			current.delivered = true;
			current.inflows = checker.inflows;
			for (source, inbound) in checker.inbounds {
				Inbounds::<T>::insert(source, inbound);
				current
					.sources
					.try_insert(source, inbound.next_nonce)
					.map_err(|_| Error::<T>::TooManyFlows)?;
			}
			Ok(())
		})?;
		for delivery in deliveries {
			for message in delivery.messages {
				Self::execute(delivery.source, message)?;
			}
		}
		Ok(())
	}

	/// Executes one message; what can't be executed goes back.
	pub(crate) fn execute(source: ChainId, message: Message) -> DispatchResult {
		let nonce = message.nonce;
		if let MessageBody::Bounce {
			nonce: of, reason, ..
		} = &message.body
		{
			let (of, reason) = (*of, reason.clone());
			T::Handler::returned(source, &message, of, reason.clone());
			// Whatever the source says: only what was sent can have come back.
			if of < Outbounds::<T>::get(source).closed.recorded {
				Self::note_bounce(source, of, reason.clone());
			}
			Self::deposit_event(Event::Delivered { source, nonce });
			Self::deposit_event(Event::Bounced {
				destination: source,
				nonce: of,
				reason,
			});
			return Ok(());
		}
		let mut refused = None;
		let executed = with_storage_layer(|| {
			T::Handler::receive(source, &message).map_err(|reason| {
				refused = Some(reason);
				DispatchError::Other("the message is refused")
			})
		});
		if executed.is_ok() {
			Self::deposit_event(Event::Delivered { source, nonce });
			return Ok(());
		}
		let reason = refused.unwrap_or(BounceReason::Refused);
		let back = Message {
			nonce: Nonce::zero(),
			sender: message.recipient,
			recipient: message.sender,
			currency: message.currency,
			value: message.value,
			body: MessageBody::Bounce {
				nonce,
				reason: reason.clone(),
				call: match message.body {
					MessageBody::Call(call) => Some(call),
					MessageBody::Add | MessageBody::Bounce { .. } => None,
				},
			},
		};
		let returned = Self::enqueue(source, back, Outbound::send_back).map_err(|error| match error {
			SendError::TooManyFlows => Error::<T>::TooManyFlows,
			SendError::ValueOverflow => Error::<T>::ValueOverflow,
			_ => Error::<T>::NoRoomToBounce,
		})?;
		Self::deposit_event(Event::Refused {
			source,
			nonce,
			reason,
			returned,
		});
		Ok(())
	}

	/// The deliveries in the inherent data that a block on the current state can have, in their order.
	pub(crate) fn acceptable(data: &InherentData) -> Deliveries {
		let Some(deliveries) = data.get_data::<Deliveries>(&DELIVERIES).ok().flatten() else {
			return Vec::new();
		};
		let Some(view) = T::RootState::preview(data) else {
			return Vec::new();
		};
		let mut checker = Checker::<T>::new(view.acknowledged);
		let accept = |delivery: &Delivery| {
			let anchor = view.anchors.get(&(delivery.source, delivery.number));
			match checker.accept(delivery, anchor.map(|anchor| anchor.outbox_root)) {
				Ok(()) => true,
				Err(error) => {
					let Delivery { source, number, .. } = delivery;
					log::debug!(target: outbox::LOG, "leaving out block {number} of chain {source}: {error:?}");
					false
				}
			}
		};
		deliveries.into_iter().filter(accept).collect()
	}

	/// What is expected next from a source.
	pub fn expected(source: ChainId) -> Nonce {
		Inbounds::<T>::get(source).next_nonce
	}

	/// How many messages a batch from this source may have to be taken in now.
	pub fn delivery_room(source: ChainId) -> u32 {
		Outbounds::<T>::get(source).room().min(T::MaxDeliveries::get())
	}
}
