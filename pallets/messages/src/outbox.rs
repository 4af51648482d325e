//! The outbox: sending, closing a block's batches, forgetting what is acknowledged, and what the node asks about it.

use super::*;
use asterism_primitives::api::SentState;
use polkadot_sdk::{
	frame_support::dispatch::DispatchClass,
	sp_core::{bounded::BoundedVec, ConstU32},
};

impl<T: Config> SendMessage for Pallet<T> {
	fn chain_id() -> ChainId {
		T::RootState::chain_id()
	}

	fn send(destination: ChainId, payload: Payload) -> Result<Nonce, SendError> {
		let Payload {
			sender,
			recipient,
			currency,
			value,
			body,
		} = payload;
		Self::ensure_other(destination)?;
		if body.is_bounce() {
			return Err(SendError::WrongBody);
		}
		// What goes back need not ask: its destination has just proved a message by its anchor on the root chain.
		if !T::RootState::is_known(destination) {
			return Err(SendError::UnknownDestination);
		}
		let draft = Message {
			nonce: 0,
			sender,
			recipient,
			currency,
			value,
			body,
		};
		if draft.body != MessageBody::Add {
			return Self::enqueue(destination, draft, Outbound::send);
		}
		let key = (draft.sender.clone(), draft.recipient.clone(), currency);
		match OpenDeposits::<T>::get(destination, &key) {
			Some(open) => Self::merge(destination, key, open, value),
			None => {
				let nonce = Self::enqueue(destination, draft, Outbound::send)?;
				OpenDeposits::<T>::insert(destination, key, OpenDeposit { nonce, more: 0 });
				Ok(nonce)
			}
		}
	}

	fn send_back(destination: ChainId, payload: Payload) -> Result<Nonce, SendError> {
		let Payload {
			sender,
			recipient,
			currency,
			value,
			body,
		} = payload;
		Self::ensure_other(destination)?;
		if !body.is_bounce() {
			return Err(SendError::WrongBody);
		}
		let draft = Message {
			nonce: 0,
			sender,
			recipient,
			currency,
			value,
			body,
		};
		Self::enqueue(destination, draft, Outbound::send_back)
	}

	fn closing_weight() -> Weight {
		// As if each were the only one for its destination.
		T::WeightInfo::on_finalize(1).saturating_sub(T::WeightInfo::on_finalize(0))
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn make_known(chain: ChainId) {
		T::RootState::make_known(chain);
	}
}

impl<T: Config> Pallet<T> {
	fn ensure_other(destination: ChainId) -> Result<(), SendError> {
		if destination == T::RootState::chain_id() {
			return Err(SendError::OwnChain);
		}
		if destination.is_root() {
			return Err(SendError::RootChain);
		}
		Ok(())
	}

	/// Books value that leaves.
	fn book_outflow(
		current: &mut BlockTraffic,
		destination: ChainId,
		currency: CurrencyId,
		value: Balance,
	) -> Result<(), SendError> {
		book(&mut current.outflows, destination, currency, value).map_err(|error| match error {
			FlowError::TooMany => SendError::TooManyFlows,
			FlowError::Overflow => SendError::ValueOverflow,
		})
	}

	/// Adds value to a deposit of this block.
	fn merge(
		destination: ChainId,
		key: (AccountId, AccountId, CurrencyId),
		open: OpenDeposit,
		value: Balance,
	) -> Result<Nonce, SendError> {
		let mut current = Current::<T>::get();
		Self::book_outflow(&mut current, destination, key.2, value)?;
		let OpenDeposit { nonce, more } = open;
		let more = more.checked_add(value).ok_or(SendError::ValueOverflow)?;
		OpenDeposits::<T>::insert(destination, &key, OpenDeposit { nonce, more });
		Current::<T>::put(current);
		let (sender, recipient, currency) = key;
		Self::deposit_event(Event::Sent {
			destination,
			nonce,
			sender,
			recipient,
			currency,
			value,
		});
		Ok(nonce)
	}

	/// The messages of the current block for a destination, from this nonce on, with the values of merged deposits.
	fn merged(destination: ChainId, number: BlockNumber, first_nonce: Nonce) -> Batched {
		let mut messages = Messages::<T>::get(destination, number);
		let mut changed = false;
		for (_, OpenDeposit { nonce, more }) in OpenDeposits::<T>::drain_prefix(destination) {
			let place = nonce
				.checked_sub(first_nonce)
				.and_then(|place| usize::try_from(place).ok());
			if let Some(message) = place.and_then(|place| messages.get_mut(place)) {
				// Their sum has been booked, so it fits.
				message.value = message.value.saturating_add(more);
				changed |= more > 0;
			}
		}
		if changed {
			Messages::<T>::insert(destination, number, &messages);
		}
		messages
	}

	/// Gives a message its place in the channel and adds it to the block's batch.
	pub(crate) fn enqueue(
		destination: ChainId,
		mut message: Message,
		place: impl FnOnce(&mut Outbound) -> Result<Nonce, ChannelError>,
	) -> Result<Nonce, SendError> {
		let mut current = Current::<T>::get();
		let mut outbound = Outbounds::<T>::get(destination);
		let mut bytes = current.destinations.get(&destination).copied().unwrap_or(0);
		if !message.body.is_bounce() {
			bytes = bytes.saturating_add(message.encoded_size() as u32);
			if bytes > BATCH_BYTES {
				return Err(SendError::TooManyBytes);
			}
		}
		current
			.destinations
			.try_insert(destination, bytes)
			.map_err(|_| SendError::TooManyFlows)?;
		Self::book_outflow(&mut current, destination, message.currency, message.value)?;
		let nonce = place(&mut outbound).map_err(SendError::Channel)?;
		message.nonce = nonce;
		Messages::<T>::try_append(destination, Self::now(), &message)
			.map_err(|()| SendError::Channel(ChannelError::BatchFull))?;
		Outbounds::<T>::insert(destination, outbound);
		Current::<T>::put(current);
		let Message {
			sender,
			recipient,
			currency,
			value,
			..
		} = message;
		Self::deposit_event(Event::Sent {
			destination,
			nonce,
			sender,
			recipient,
			currency,
			value,
		});
		Ok(nonce)
	}

	/// The number of the current block.
	fn now() -> BlockNumber {
		frame_system::Pallet::<T>::block_number().saturated_into()
	}

	/// Ends the block's batches, and states its traffic in the header.
	pub(crate) fn close_outbox(number: BlockNumber) {
		let BlockTraffic {
			destinations,
			sources,
			outflows,
			inflows,
			..
		} = Current::<T>::take();
		let mut leaves = BoundedVec::<OutboxLeaf, ConstU32<MAX_PEERS>>::default();
		for destination in destinations.keys() {
			let leaf = Outbounds::<T>::mutate(destination, |outbound| outbound.close(number))
				.ok()
				.flatten()
				.and_then(|batch| {
					let messages = Self::merged(*destination, number, batch.first_nonce);
					let value = value_hash(&batch_value(&messages)?);
					Some(OutboxLeaf {
						destination: *destination,
						batch,
						root: batch_root(&messages),
						value,
					})
				});
			match leaf {
				// As many leaves as destinations, which have the same bound.
				Some(leaf) => drop(leaves.try_push(leaf)),
				// `send` has ruled out all errors of `close`.
				None => log::error!(target: LOG, "no batch for chain {destination} in block {number}"),
			}
		}
		let received = sources.iter().map(|(source, next_nonce)| Received {
			source: *source,
			next_nonce: *next_nonce,
		});
		let sent = leaves.iter().map(|leaf| Sent {
			destination: leaf.destination,
			batch: leaf.batch,
			root: leaf.root,
		});
		let traffic = Traffic {
			outbox_root: outbox_root(&leaves),
			sent: BoundedVec::truncate_from(sent.collect()),
			received: BoundedVec::truncate_from(received.collect()),
			outflows: flow_list(&outflows),
			inflows: flow_list(&inflows),
		};
		if !leaves.is_empty() {
			let unacknowledged = leaves.len() as u32;
			Outboxes::<T>::insert(
				number,
				BlockOutbox {
					leaves,
					unacknowledged,
				},
			);
		}
		if !traffic.is_empty() {
			frame_system::Pallet::<T>::deposit_log(digest::traffic_item(&traffic));
		}
	}

	/// The destinations that have not acknowledged everything.
	pub fn unacknowledged() -> Vec<ChainId> {
		let mut waiting: Vec<_> = Outbounds::<T>::iter()
			.filter(|(_, outbound)| !outbound.closed.waiting.is_empty())
			.map(|(destination, _)| destination)
			.collect();
		waiting.sort();
		waiting
	}

	/// The proved batch that block `number` sent to `destination`, while it is not acknowledged.
	pub fn delivery(destination: ChainId, number: BlockNumber) -> Option<Delivery> {
		let outbox = Outboxes::<T>::get(number)?;
		let messages = Messages::<T>::get(destination, number);
		if messages.is_empty() {
			return None;
		}
		Delivery::prove(
			T::RootState::chain_id(),
			number,
			&outbox.leaves,
			destination,
			messages,
		)
	}

	/// What became of a message to `destination`. A bounce is remembered for [`BOUNCES`] messages.
	pub fn sent_state(destination: ChainId, nonce: Nonce) -> SentState {
		if let Some((bounced, reason)) = Bounces::<T>::get(destination, bounce_slot(nonce)) {
			if bounced == nonce {
				return SentState::Bounced { reason };
			}
		}
		let Outbound { closed, open } = Outbounds::<T>::get(destination);
		if nonce < closed.acknowledged {
			return SentState::Delivered;
		}
		let within = |first: Nonce, count: u32| nonce.checked_sub(first).is_some_and(|at| at < count.into());
		let batch = closed
			.waiting
			.iter()
			.find(|waiting| within(waiting.batch.first_nonce, waiting.batch.count));
		match batch {
			Some(waiting) => SentState::Included {
				number: waiting.number,
			},
			None if within(closed.recorded, open) => SentState::Included { number: Self::now() },
			None => SentState::Unknown,
		}
	}

	/// Remembers that the message `nonce` to `destination` bounced.
	pub(crate) fn note_bounce(destination: ChainId, nonce: Nonce, reason: BounceReason) {
		Bounces::<T>::insert(destination, bounce_slot(nonce), (nonce, reason));
	}

	#[cfg(any(test, feature = "try-runtime"))]
	#[allow(dead_code)]
	pub(crate) fn do_try_state() -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
		use alloc::collections::BTreeMap;
		use frame_support::ensure;
		let mut unacknowledged = BTreeMap::<BlockNumber, u32>::new();
		let mut batches = 0;
		for (destination, outbound) in Outbounds::<T>::iter() {
			ensure!(outbound.open == 0, "no batch stays open after its block");
			for waiting in outbound.closed.waiting {
				let messages = Messages::<T>::get(destination, waiting.number);
				ensure!(
					messages.len() == waiting.batch.count as usize,
					"each waiting message is kept"
				);
				ensure!(
					messages
						.iter()
						.zip(waiting.batch.first_nonce..)
						.all(|(message, nonce)| message.nonce == nonce),
					"messages are kept in order"
				);
				ensure!(
					Self::delivery(destination, waiting.number).is_some(),
					"each waiting batch has its proof"
				);
				*unacknowledged.entry(waiting.number).or_default() += 1;
				batches += 1;
			}
		}
		ensure!(
			Messages::<T>::iter_keys().count() == batches,
			"acknowledged messages are forgotten"
		);
		let kept: BTreeMap<_, _> = Outboxes::<T>::iter()
			.map(|(number, outbox)| (number, outbox.unacknowledged))
			.collect();
		ensure!(
			kept == unacknowledged,
			"an outbox is kept while one of its batches waits"
		);
		ensure!(
			OpenDeposits::<T>::iter_keys().next().is_none(),
			"deposits are merged at the end of their block"
		);
		ensure!(
			!Current::<T>::exists(),
			"traffic is stated at the end of its block"
		);
		Ok(())
	}
}

pub(crate) const LOG: &str = "runtime::messages";

fn bounce_slot(nonce: Nonce) -> u32 {
	// Less than BOUNCES.
	(nonce % Nonce::from(BOUNCES)) as u32
}

impl<T: Config> OnAcknowledged for Pallet<T> {
	fn acknowledged(destination: ChainId, nonce: Nonce) {
		let mut outbound = Outbounds::<T>::get(destination);
		let done = match outbound.acknowledge(nonce) {
			Ok(done) => done,
			Err(error) => {
				// The root chain knows only messages of this chain's final blocks. It harms nobody to wait here for the
				// state that holds them.
				log::error!(target: LOG, "chain {destination} is said to have taken in unsent messages: {error:?}");
				return;
			}
		};
		Outbounds::<T>::insert(destination, outbound);
		for number in &done {
			Messages::<T>::remove(destination, number);
			Outboxes::<T>::mutate_exists(number, |outbox| {
				*outbox = outbox.take().and_then(|mut outbox| {
					outbox.unacknowledged = outbox.unacknowledged.saturating_sub(1);
					(outbox.unacknowledged > 0).then_some(outbox)
				});
			});
		}
		frame_system::Pallet::<T>::register_extra_weight_unchecked(
			T::WeightInfo::acknowledge(done.len() as u32),
			DispatchClass::Mandatory,
		);
	}
}
