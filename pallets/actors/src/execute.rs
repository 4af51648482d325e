//! Executing what is in the queue (Thinkey §5.1, §5.4).

use super::*;
use asterism_actor_vm::{
	abi::{self, Incoming, Info},
	run, Context, Created, Effects, Failure, Host,
};
use asterism_order::queue::{Turn, TurnOf, Waiting};
use asterism_primitives::message::{Body, Call as Said, MessageBody, Words};
use frame_support::{storage::with_storage_layer, weights::WeightMeter};

/// Why a processing has no effect.
pub(crate) enum Halt {
	/// For a reason that its sender is told.
	Reason(BounceReason),
	/// Its effects can't be applied, as those that the account can't pay for.
	Effects(DispatchError),
}

impl From<DispatchError> for Halt {
	fn from(error: DispatchError) -> Self {
		Halt::Effects(error)
	}
}

impl Halt {
	pub(crate) fn reason(self) -> BounceReason {
		match self {
			Halt::Reason(reason) => reason,
			Halt::Effects(_) => BounceReason::Failed,
		}
	}
}

/// What a processing came to.
pub(crate) struct Handled {
	pub result: Result<Vec<SentNote>, BounceReason>,
	pub gas_used: u64,
	/// Why it failed, if the code did.
	pub failure: Option<Failure>,
	/// Why its effects can't be applied, if the code didn't fail.
	pub error: Option<DispatchError>,
	/// What it sends, creations first. Kept in dry runs only, and so is the log.
	pub sends: Vec<(Address, Balance, u64, Vec<u8>)>,
	pub log: Vec<Vec<u8>>,
}

/// What an actor's code can ask.
struct Reader<'a, T> {
	actor: &'a AccountId,
	_config: PhantomData<T>,
}

impl<T: Config> Host for Reader<'_, T> {
	fn read(&self, key: &[u8]) -> Option<Vec<u8>> {
		let key = Key::try_from(key.to_vec()).ok()?;
		Some(Stored::<T>::get(self.actor, key)?.into_inner())
	}

	fn has_code(&self, code: &abi::CodeHash) -> bool {
		Codes::<T>::contains_key(Hash::from(*code))
	}

	fn account(&self, creation: &abi::Creation) -> Option<abi::Account> {
		let account = actor_account(self.actor, &Hash::from(creation.code), &creation.salt);
		(!Actors::<T>::contains_key(&account)).then(|| account.into())
	}

	fn items(&self) -> u32 {
		Actors::<T>::get(self.actor).map_or(0, |actor| actor.items)
	}
}

/// A reason as actors are told.
fn told(reason: &BounceReason) -> abi::Reason {
	match reason {
		BounceReason::Rejected { words } => abi::Reason::Refused(words.to_vec()),
		BounceReason::OutOfGas => abi::Reason::OutOfGas,
		BounceReason::Failed => abi::Reason::Failed,
		BounceReason::UnknownCurrency
		| BounceReason::BelowMinimum
		| BounceReason::Refused
		| BounceReason::NoRecipient
		| BounceReason::TooMuchGas
		| BounceReason::MailboxFull
		| BounceReason::QueueFull
		| BounceReason::TooDeep
		| BounceReason::NoChannel => abi::Reason::Undeliverable,
	}
}

fn reason_of(failure: &Failure) -> BounceReason {
	match failure {
		Failure::OutOfGas => BounceReason::OutOfGas,
		Failure::Refused(words) => BounceReason::Rejected {
			// Within the bound, as the code's limits are the same.
			words: Words::truncate_from(words.clone()),
		},
		_ => BounceReason::Failed,
	}
}

impl<T: Config> Pallet<T> {
	/// The weight of so much gas.
	pub(crate) fn gas_weight(gas: u64) -> Weight {
		Weight::from_parts(gas.saturating_mul(T::WeightPerGas::get()), 0)
	}

	/// The most that processing a message with this gas takes.
	pub(crate) fn step_weight(gas: u64) -> Weight {
		T::WeightInfo::step().saturating_add(Self::gas_weight(gas))
	}

	/// Executes messages from the queue while there is weight for the next one. All of what is taken from `meter` is bounded by
	/// its limit.
	pub(crate) fn work(meter: &mut WeightMeter) {
		loop {
			if meter.try_consume(T::WeightInfo::peek()).is_err() {
				return;
			}
			let mut queue = Self::queue();
			let gas = match queue.peek() {
				Some(next) => next.message.payload.gas.min(T::MaxGas::get()),
				// Nothing is waiting, or `pop` tells what is wrong.
				None => 0,
			};
			if queue.is_empty() || !meter.can_consume(Self::step_weight(gas)) {
				return;
			}
			match queue.pop() {
				Ok(Some(turn)) => {
					let gas_used = Self::step(turn);
					meter.consume(Self::step_weight(gas_used.min(gas)));
				}
				Ok(None) => return,
				Err(fault) => {
					log::error!(target: LOG, "the queue contradicts itself: {fault:?}");
					meter.consume(T::WeightInfo::step());
				}
			}
		}
	}

	/// Processes a message that was taken from the queue; returns the gas to pay for.
	fn step(turn: TurnOf<Store<T>>) -> u64 {
		let Turn {
			recipient,
			message: Waiting {
				payload: message,
				depth,
			},
		} = turn;
		let (result, gas_used, outcome) = match Actors::<T>::get(&recipient) {
			Some(actor) => {
				let handled = Self::handle(&recipient, actor, &message, depth, false);
				(handled.result, handled.gas_used, Outcome::Handled)
			}
			None => {
				let credited = Self::arrive(&recipient, message.value);
				if credited.is_ok() {
					Self::deposit_event(Event::Received {
						from: message.sender.clone(),
						to: recipient.clone(),
						amount: message.value,
						body: message.body.clone(),
					});
				}
				(credited.map(|()| Vec::new()), 0, Outcome::Credited)
			}
		};
		let (id, parent) = (message.id, message.parent);
		let (outcome, sent) = match result {
			Ok(sent) => (outcome, sent),
			Err(reason) => {
				let left = match reason {
					BounceReason::OutOfGas => 0,
					_ => message.gas.saturating_sub(gas_used),
				};
				let back = Self::give_back(&recipient, message, depth, reason.clone(), left);
				(Outcome::Failed { reason }, back.into_iter().collect())
			}
		};
		trace::record::<T>(&recipient, id, sent);
		Self::deposit_event(Event::Processed {
			id,
			parent,
			recipient,
			outcome,
			gas_used,
		});
		gas_used
	}

	/// Lets an actor's code handle a message. Without success nothing is changed: the value is still in transit.
	pub(crate) fn handle(
		account: &AccountId,
		actor: ActorInfo,
		message: &Queued,
		depth: u32,
		keep: bool,
	) -> Handled {
		let mut handled = Handled {
			result: Ok(Vec::new()),
			gas_used: 0,
			failure: None,
			error: None,
			sends: Vec::new(),
			log: Vec::new(),
		};
		let chain = T::Messages::chain_id();
		let done = with_storage_layer::<Vec<SentNote>, Halt, _>(|| {
			Self::arrive(account, message.value).map_err(Halt::Reason)?;
			let code = CodeBytes::<T>::get(actor.code).ok_or(Halt::Reason(BounceReason::Failed))?;
			let info = Info {
				this: abi::Address {
					chain: chain.0,
					account: account.clone().into(),
				},
				balance: T::Currency::reducible_balance(account, Preservation::Preserve, Fortitude::Polite),
				block: Self::block(),
				time_ms: T::Time::now().as_millis() as u64,
			};
			let kind = match &message.kind {
				Kind::External => abi::Kind::External,
				Kind::Relay => abi::Kind::Relay,
				Kind::Bounce { reason } => abi::Kind::Bounce { reason: told(reason) },
			};
			let incoming = Incoming {
				sender: (&message.sender).into(),
				kind,
				value: message.value,
				body: message.body.to_vec(),
			};
			let context = Context {
				info,
				incoming: &incoming,
				gas: message.gas.min(T::MaxGas::get()),
				keep_log: keep,
			};
			let host = Reader::<T> {
				actor: account,
				_config: PhantomData,
			};
			let outcome = run(&code, &context, &host);
			handled.gas_used = outcome.gas_used;
			handled.log = outcome.log;
			let effects = match outcome.result {
				Ok(effects) => effects,
				Err(failure) => {
					let reason = reason_of(&failure);
					handled.failure = Some(failure);
					return Err(Halt::Reason(reason));
				}
			};
			if keep {
				let created = effects.creations.iter().map(|Created { account, creation }| {
					let to = Address {
						chain,
						account: AccountId::new(*account),
					};
					(to, creation.value, creation.gas, creation.body.clone())
				});
				let sends = effects
					.sends
					.iter()
					.map(|send| (Address::from(send.to), send.value, send.gas, send.body.clone()));
				handled.sends = created.chain(sends).collect();
			}
			Self::apply(account, &actor, effects, message.id, depth)
		});
		if let Err(Halt::Effects(error)) = &done {
			handled.error = Some(*error);
		}
		if done.is_err() {
			handled.sends.clear();
		}
		handled.result = done.map_err(Halt::reason);
		handled
	}

	/// Applies the effects of a processing, in this order: storage with its deposit, creations, sends, the next code or the end.
	fn apply(
		actor: &AccountId,
		before: &ActorInfo,
		effects: Effects,
		id: MessageId,
		depth: u32,
	) -> Result<Vec<SentNote>, Halt> {
		let mut info = before.clone();
		let Effects {
			creations,
			sends,
			next_code,
			heir,
			changes,
			deposit,
		} = effects;
		let failed = Halt::Reason(BounceReason::Failed);
		let (Some(items), Some(bytes)) = (
			info.items.checked_add_signed(deposit.items),
			info.bytes.checked_add_signed(deposit.bytes),
		) else {
			return Err(failed);
		};
		(info.items, info.bytes) = (items, bytes);
		let held = info.deposit;
		info.deposit = Self::storage_deposit(items, bytes);
		let reason = HoldReason::Storage.into();
		if let Some(more) = info.deposit.checked_sub(held).filter(|more| *more > 0) {
			T::Currency::hold(&reason, actor, more)?;
		} else if held > info.deposit {
			let less = held.saturating_sub(info.deposit);
			T::Currency::release(&reason, actor, less, Precision::Exact)?;
		}
		for change in changes {
			let key = Key::try_from(change.key).map_err(|_| Halt::Reason(BounceReason::Failed))?;
			match change.value {
				Some(value) => {
					let value = Value::try_from(value).map_err(|_| Halt::Reason(BounceReason::Failed))?;
					Stored::<T>::insert(actor, key, value);
				}
				None => Stored::<T>::remove(actor, key),
			}
		}

		let this = Address {
			chain: T::Messages::chain_id(),
			account: actor.clone(),
		};
		let depth = depth.saturating_add(1);
		let mut sent = Vec::with_capacity(creations.len().saturating_add(sends.len()));
		for Created { account, creation } in creations {
			let account = AccountId::new(account);
			Self::create(actor, &account, Hash::from(creation.code), Preservation::Preserve)?;
			let message = Self::letter(
				id,
				&this,
				creation.value,
				creation.gas,
				Body::truncate_from(creation.body),
			);
			Self::send_off(actor, creation.value, Preservation::Preserve)?;
			let name = message.id;
			// An actor is not created without its first message.
			Self::enqueue(&account, depth, message).map_err(Halt::Reason)?;
			Self::tell_relayed(name, id, this.chain, &account);
			sent.push((name, Some(account)));
		}
		for send in sends {
			let to = Address::from(send.to);
			let message = Self::letter(id, &this, send.value, send.gas, Body::truncate_from(send.body));
			Self::send_off(actor, send.value, Preservation::Preserve)?;
			sent.extend(Self::relay(&to, message, depth));
		}

		if let Some(heir) = heir {
			Self::end(actor, info, AccountId::new(heir))?;
			return Ok(sent);
		}
		if let Some(next) = next_code.map(Hash::from).filter(|next| *next != info.code) {
			Self::add_user(next)?;
			Self::drop_user(info.code);
			info.code = next;
		}
		Actors::<T>::insert(actor, info);
		Ok(sent)
	}

	/// A message that an actor sends, with a name of its own.
	fn letter(parent: MessageId, sender: &Address, value: Balance, gas: u64, body: Body) -> Queued {
		Queued {
			id: Self::next_id(),
			parent: Some(parent),
			sender: sender.clone(),
			kind: Kind::Relay,
			value,
			gas,
			body,
		}
	}

	/// Sends a message of an actor, whose value is in transit, here or to another chain. One that finds no place comes back.
	fn relay(to: &Address, message: Queued, depth: u32) -> Option<SentNote> {
		let own = T::Messages::chain_id();
		if to.chain == own {
			let id = message.id;
			let refused = Self::enqueue(&to.account, depth, message.clone());
			return match refused {
				Ok(()) => {
					Self::deposit_event(Event::Relayed {
						id,
						parent: message.parent,
						to: to.clone(),
					});
					Some((id, Some(to.account.clone())))
				}
				Err(reason) => {
					let gas = message.gas;
					Self::tell_unsent(&message, to, &reason);
					Self::give_back(&to.account, message, depth, reason, gas)
				}
			};
		}
		let deepest = T::QueueLimits::get().depth;
		let payload = Payload {
			sender: message.sender.account.clone(),
			recipient: to.account.clone(),
			currency: CurrencyId::NATIVE,
			value: message.value,
			body: MessageBody::Call(Said {
				gas: message.gas,
				depth: u8::try_from(depth).unwrap_or(u8::MAX),
				body: message.body.clone(),
			}),
		};
		let sent = if depth > deepest {
			Err(BounceReason::TooDeep)
		} else {
			Self::leave(to.chain, payload)
		};
		match sent {
			Ok(nonce) => {
				let id = MessageId::Outer {
					source: own,
					destination: to.chain,
					nonce,
				};
				Self::deposit_event(Event::Relayed {
					id,
					parent: message.parent,
					to: to.clone(),
				});
				Some((id, None))
			}
			Err(reason) => {
				let gas = message.gas;
				Self::tell_unsent(&message, to, &reason);
				Self::return_here(to.clone(), message, depth, reason, gas)
			}
		}
	}

	/// Sends value in transit to another chain; nothing is changed if that can't be.
	fn leave(destination: ChainId, payload: Payload) -> Result<Nonce, BounceReason> {
		let value = payload.value;
		with_storage_layer::<Nonce, Halt, _>(|| {
			let nonce =
				T::Messages::send(destination, payload).map_err(|_| Halt::Reason(BounceReason::NoChannel))?;
			Self::send_out(value)?;
			Ok(nonce)
		})
		.map_err(Halt::reason)
	}

	/// Sends a message back whose value is in transit, since `recipient`, an account of this chain, can't have it. This can't
	/// fail. Returns the message that goes back, if one does and its name is known already.
	pub(crate) fn give_back(
		recipient: &AccountId,
		message: Queued,
		depth: u32,
		reason: BounceReason,
		gas: u64,
	) -> Option<SentNote> {
		if let Kind::Bounce { .. } = message.kind {
			// It came from here, and stays.
			let unclaimed = Self::settle(recipient, message.value);
			Self::deposit_event(Event::Bounced {
				to: recipient.clone(),
				from: message.sender,
				amount: message.value,
				reason,
				unclaimed,
			});
			return None;
		}
		let own = T::Messages::chain_id();
		if message.sender.chain == own {
			let from = Address {
				chain: own,
				account: recipient.clone(),
			};
			return Self::return_here(from, message, depth.saturating_add(1), reason, gas);
		}
		let MessageId::Outer { source, nonce, .. } = message.id else {
			log::error!(target: LOG, "a message from another chain has the name {:?}", message.id);
			Self::settle(&message.sender.account, message.value);
			return None;
		};
		let back = Return {
			source,
			nonce,
			from: recipient.clone(),
			to: message.sender.account,
			value: message.value,
			reason,
			call: Said {
				gas,
				depth: u8::try_from(depth.saturating_add(1)).unwrap_or(u8::MAX),
				body: message.body,
			},
		};
		match Self::return_there(&back) {
			Some(id) => Some((id, None)),
			None => {
				Self::put_return(back);
				None
			}
		}
	}

	/// Gives value in transit back to the sender, an account of this chain: to its code, or if it has none, or there is no place
	/// in the queue, right away.
	fn return_here(
		from: Address,
		message: Queued,
		depth: u32,
		reason: BounceReason,
		gas: u64,
	) -> Option<SentNote> {
		let to = message.sender.account;
		if Actors::<T>::contains_key(&to) {
			let id = Self::next_id();
			let bounce = Queued {
				id,
				parent: Some(message.id),
				sender: from.clone(),
				kind: Kind::Bounce {
					reason: reason.clone(),
				},
				value: message.value,
				gas,
				body: message.body,
			};
			if Self::enqueue(&to, depth, bounce).is_ok() {
				Self::tell_relayed(id, message.id, T::Messages::chain_id(), &to);
				return Some((id, Some(to)));
			}
		}
		let unclaimed = Self::settle(&to, message.value);
		Self::deposit_event(Event::Bounced {
			to,
			from,
			amount: message.value,
			reason,
			unclaimed,
		});
		None
	}

	/// Sends value in transit back to another chain, if the channel has room.
	fn return_there(back: &Return) -> Option<MessageId> {
		let payload = Payload {
			sender: back.from.clone(),
			recipient: back.to.clone(),
			currency: CurrencyId::NATIVE,
			value: back.value,
			body: MessageBody::Bounce {
				nonce: back.nonce,
				reason: back.reason.clone(),
				call: Some(back.call.clone()),
			},
		};
		let sent = with_storage_layer::<Nonce, Halt, _>(|| {
			let nonce = T::Messages::send_back(back.source, payload)
				.map_err(|_| Halt::Reason(BounceReason::NoChannel))?;
			Self::send_out(back.value)?;
			Ok(nonce)
		});
		let nonce = sent.ok()?;
		let own = T::Messages::chain_id();
		let id = MessageId::Outer {
			source: own,
			destination: back.source,
			nonce,
		};
		let parent = MessageId::Outer {
			source: back.source,
			destination: own,
			nonce: back.nonce,
		};
		Self::tell_relayed(id, parent, back.source, &back.to);
		Some(id)
	}

	fn tell_relayed(id: MessageId, parent: MessageId, chain: ChainId, account: &AccountId) {
		Self::deposit_event(Event::Relayed {
			id,
			parent: Some(parent),
			to: Address {
				chain,
				account: account.clone(),
			},
		});
	}

	fn tell_unsent(message: &Queued, to: &Address, reason: &BounceReason) {
		Self::deposit_event(Event::Unsent {
			id: message.id,
			parent: message.parent,
			to: to.clone(),
			reason: reason.clone(),
		});
	}

	/// How many values wait for a channel to have room.
	pub(crate) fn returns_waiting() -> u32 {
		let (head, tail) = ReturnSpan::<T>::get();
		tail.wrapping_sub(head)
	}

	/// Lets a value wait until its channel has room.
	fn put_return(back: Return) {
		let (head, tail) = ReturnSpan::<T>::get();
		Returns::<T>::insert(tail, back);
		ReturnSpan::<T>::put((head, tail.wrapping_add(1)));
	}

	/// Tries to send waiting values back, the longest waiting first. What still finds no room waits behind the others, so that no
	/// chain keeps those of others waiting.
	pub(crate) fn flush_returns(meter: &mut WeightMeter) {
		let tries = Self::returns_waiting().min(RETURNS_A_BLOCK);
		for _ in 0..tries {
			if meter.try_consume(T::WeightInfo::give_back()).is_err() {
				return;
			}
			let (head, tail) = ReturnSpan::<T>::get();
			let Some(back) = Returns::<T>::take(head) else {
				log::error!(target: LOG, "no value waits at {head}");
				ReturnSpan::<T>::put((head.wrapping_add(1), tail));
				continue;
			};
			ReturnSpan::<T>::put((head.wrapping_add(1), tail));
			if Self::return_there(&back).is_none() {
				Self::put_return(back);
			}
		}
	}
}
