//! What a block did with messages, read back from its events: only the runtime knows their types.

use super::*;
use asterism_primitives::api::Hop;
use frame_system::EventRecord;

impl<T: Config> Pallet<T> {
	/// What the block of the current state did with messages, in its order. Only for runtime APIs: it reads all events.
	pub fn hops() -> Vec<Hop>
	where
		T: pallet_messages::Config,
		<T as frame_system::Config>::RuntimeEvent: TryInto<Event<T>> + TryInto<pallet_messages::Event<T>>,
	{
		let own = T::Messages::chain_id();
		let arrived = |source, nonce| MessageId::Outer {
			source,
			destination: own,
			nonce,
		};
		let mut hops = Vec::new();
		// The events of a message that arrives are followed by the one that tells that it did. Before that: whether it was queued,
		// and who has its value now.
		let (mut queued, mut holder) = (None, None);
		// What left last: to which chain, its nonce, who sent it, and to whom.
		let mut left = None;
		for record in frame_system::Pallet::<T>::read_events_no_consensus() {
			let EventRecord { event, .. } = *record;
			if let Ok(event) = TryInto::<Event<T>>::try_into(event.clone()) {
				match &event {
					Event::Arrived { id } => queued = Some(*id),
					Event::Deposited { to, .. } | Event::Received { to, .. } | Event::Bounced { to, .. } => {
						holder = Some(to.clone());
					}
					Event::Processed { .. } => holder = None,
					_ => {}
				}
				of_actors(own, event, &mut hops);
				continue;
			}
			match TryInto::<pallet_messages::Event<T>>::try_into(event) {
				Ok(pallet_messages::Event::Sent {
					destination,
					nonce,
					sender,
					recipient,
					..
				}) => left = Some((destination, nonce, sender, recipient)),
				Ok(pallet_messages::Event::Delivered { source, nonce }) => {
					let id = arrived(source, nonce);
					let recipient = holder.take();
					if queued.take() != Some(id) {
						hops.push(Hop::Ended {
							id,
							parent: None,
							recipient,
							outcome: Outcome::Credited,
							gas_used: 0,
						});
					}
				}
				// What goes back has just been sent: from the account that couldn't take it, to the one that had sent it.
				Ok(pallet_messages::Event::Refused {
					source,
					nonce,
					reason,
					returned,
				}) => {
					let (recipient, sender) = match left.take() {
						Some((destination, place, from, to))
							if (destination, place) == (source, returned) =>
						{
							(Some(from), Some(to))
						}
						_ => (None, None),
					};
					let id = arrived(source, nonce);
					hops.push(Hop::Ended {
						id,
						parent: None,
						recipient,
						outcome: Outcome::Failed { reason },
						gas_used: 0,
					});
					hops.push(Hop::Sent {
						id: MessageId::Outer {
							source: own,
							destination: source,
							nonce: returned,
						},
						parent: Some(id),
						chain: source,
						account: sender,
					});
				}
				_ => {}
			}
		}
		hops
	}
}

/// What an event of this pallet says of messages.
fn of_actors<T: Config>(own: ChainId, event: Event<T>, hops: &mut Vec<Hop>) {
	let sent = |id, parent, to: Address| Hop::Sent {
		id,
		parent,
		chain: to.chain,
		account: Some(to.account),
	};
	match event {
		Event::Called { id, to, .. } => hops.push(sent(id, None, to)),
		Event::Transferred {
			to,
			nonce: Some(nonce),
			..
		} => {
			let id = MessageId::Outer {
				source: own,
				destination: to.chain,
				nonce,
			};
			hops.push(sent(id, None, to));
		}
		Event::Relayed { id, parent, to } => hops.push(sent(id, parent, to)),
		Event::Unsent {
			id,
			parent,
			to,
			reason,
		} => {
			let recipient = Some(to.account.clone());
			hops.push(sent(id, parent, to));
			hops.push(Hop::Ended {
				id,
				parent,
				recipient,
				outcome: Outcome::Failed { reason },
				gas_used: 0,
			});
		}
		Event::Processed {
			id,
			parent,
			recipient,
			outcome,
			gas_used,
		} => hops.push(Hop::Ended {
			id,
			parent,
			recipient: Some(recipient),
			outcome,
			gas_used,
		}),
		_ => {}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::mock::{account, idle, new_test_ext, Actors, Network, RuntimeOrigin, MINIMUM};
	use polkadot_sdk::frame_support::assert_ok;

	const A: ChainId = ChainId(1);
	const B: ChainId = ChainId(2);

	fn outer(source: ChainId, destination: ChainId, nonce: Nonce) -> MessageId {
		MessageId::Outer {
			source,
			destination,
			nonce,
		}
	}

	fn call(chain: ChainId, to: u8, value: Balance) {
		let to = Address {
			chain,
			account: account(to),
		};
		assert_ok!(Actors::call(
			RuntimeOrigin::signed(account(1)),
			to,
			value,
			0,
			Body::default()
		));
	}

	#[test]
	fn a_message_within_the_chain_is_sent_and_ends() {
		new_test_ext().execute_with(|| {
			call(A, 2, 5);
			let id = MessageId::Inner { block: 1, index: 0 };
			let sent = Hop::Sent {
				id,
				parent: None,
				chain: A,
				account: Some(account(2)),
			};
			assert_eq!(Actors::hops(), std::slice::from_ref(&sent));
			idle();
			let ended = Hop::Ended {
				id,
				parent: None,
				recipient: Some(account(2)),
				outcome: Outcome::Credited,
				gas_used: 0,
			};
			assert_eq!(Actors::hops(), [sent, ended]);
		});
	}

	#[test]
	fn what_arrives_ends_once_and_what_is_refused_goes_back() {
		let mut network = Network::new(2);
		network.on(1, || {
			// The second is too little for a new account.
			call(B, 2, 5);
			call(B, 7, MINIMUM - 1);
			let sent = [(0, 2), (1, 7)].map(|(nonce, to)| Hop::Sent {
				id: outer(A, B, nonce),
				parent: None,
				chain: B,
				account: Some(account(to)),
			});
			assert_eq!(Actors::hops(), sent);
		});
		network.end_block(1);
		network.checkpoint(1);
		network.inherents(2, false);
		network.on(2, || {
			let ended = |nonce, to, outcome| Hop::Ended {
				id: outer(A, B, nonce),
				parent: None,
				recipient: Some(account(to)),
				outcome,
				gas_used: 0,
			};
			let reason = BounceReason::BelowMinimum;
			let back = Hop::Sent {
				id: outer(B, A, 0),
				parent: Some(outer(A, B, 1)),
				chain: A,
				account: Some(account(1)),
			};
			let expected = [
				ended(0, 2, Outcome::Credited),
				ended(1, 7, Outcome::Failed { reason }),
				back,
			];
			assert_eq!(Actors::hops(), expected);
		});
		network.end_block(2);
		network.checkpoint(2);
		network.inherents(1, false);
		network.on(1, || {
			let back = Hop::Ended {
				id: outer(B, A, 0),
				parent: None,
				recipient: Some(account(1)),
				outcome: Outcome::Credited,
				gas_used: 0,
			};
			assert_eq!(Actors::hops(), [back]);
		});
		network.settle();
	}
}
