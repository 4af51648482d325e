//! The queue's pieces in the pallet's storage.

use super::*;
use asterism_order::queue::{Queue, Refusal, Span, State as QueueState, Storage, Waiting};

/// The queue over this pallet's storage.
pub(crate) type QueueOf<T> = Queue<Store<T>>;

/// This pallet's storage as the queue's.
pub(crate) struct Store<T>(PhantomData<T>);

impl<T: Config> Storage for Store<T> {
	type Account = AccountId;
	type Payload = Queued;

	fn state(&self) -> QueueState {
		Waits::<T>::get()
	}

	fn set_state(&mut self, state: QueueState) {
		if state == QueueState::default() {
			Waits::<T>::kill();
		} else {
			Waits::<T>::put(state);
		}
	}

	fn turn(&self, position: u32) -> Option<AccountId> {
		Turns::<T>::get(position)
	}

	fn set_turn(&mut self, position: u32, recipient: Option<AccountId>) {
		Turns::<T>::set(position, recipient);
	}

	fn mailbox(&self, recipient: &AccountId) -> Span {
		Mailboxes::<T>::get(recipient)
	}

	fn set_mailbox(&mut self, recipient: &AccountId, mailbox: Span) {
		if mailbox.is_empty() {
			Mailboxes::<T>::remove(recipient);
		} else {
			Mailboxes::<T>::insert(recipient, mailbox);
		}
	}

	fn message(&self, recipient: &AccountId, position: u32) -> Option<Waiting<Queued>> {
		Mail::<T>::get(recipient, position)
	}

	fn set_message(&mut self, recipient: &AccountId, position: u32, message: Option<Waiting<Queued>>) {
		Mail::<T>::set(recipient, position, message);
	}
}

impl<T: Config> Pallet<T> {
	/// The queue.
	pub(crate) fn queue() -> QueueOf<T> {
		Queue::new(Store(PhantomData), T::QueueLimits::get())
	}

	/// Puts a message of this depth into the queue. Its value must be in transit.
	///
	/// # Errors
	/// [`BounceReason::TooDeep`], [`BounceReason::MailboxFull`], [`BounceReason::QueueFull`]; nothing is changed then.
	pub(crate) fn enqueue(recipient: &AccountId, depth: u32, message: Queued) -> Result<(), BounceReason> {
		let mut queue = Self::queue();
		let added = match depth.checked_sub(1) {
			Some(parent) => queue.send(parent, recipient.clone(), message),
			None => queue.insert(recipient.clone(), message),
		};
		added.map_err(|refused| match refused.reason {
			Refusal::TooDeep { .. } => BounceReason::TooDeep,
			Refusal::MailboxFull { .. } => BounceReason::MailboxFull,
			Refusal::QueueFull { .. } => BounceReason::QueueFull,
		})
	}

	/// The name of the next message that is sent on this chain, for this chain.
	pub(crate) fn next_id() -> MessageId {
		let block = Self::block();
		let index = match Serial::<T>::get() {
			(last, next) if last == block => next,
			_ => 0,
		};
		Serial::<T>::put((block, index.saturating_add(1)));
		MessageId::Inner { block, index }
	}

	/// The number of the current block.
	pub(crate) fn block() -> BlockNumber {
		frame_system::Pallet::<T>::block_number().saturated_into()
	}
}
