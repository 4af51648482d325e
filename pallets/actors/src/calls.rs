//! What users ask for, and trying it out.

use super::*;
use asterism_primitives::{
	api::{ActorView, CodeView, DryRun, DryRunCall, DryRunMessage, DryRunOutcome},
	message::{Body, Call as Said, MessageBody},
};
use frame_support::storage::{with_transaction, TransactionOutcome};

impl<T> From<BounceReason> for Error<T> {
	/// Of what a message that is sent here can be refused for.
	fn from(reason: BounceReason) -> Self {
		match reason {
			BounceReason::MailboxFull => Error::MailboxFull,
			BounceReason::QueueFull => Error::QueueFull,
			BounceReason::NoRecipient => Error::NoRecipient,
			BounceReason::BelowMinimum => Error::BelowMinimum,
			_ => Error::RecipientUnable,
		}
	}
}

/// A refusal in words: what leaves the runtime has no name of a pallet's error any more.
fn refusal(error: DispatchError) -> DryRunOutcome {
	let text: &'static str = error.into();
	DryRunOutcome::Refused {
		error,
		text: text.into(),
	}
}

impl<T: Config> Pallet<T> {
	/// Sends a user's message, here or to another chain. What was done before an error is not taken back here.
	///
	/// # Errors
	/// Those of [`Call::call`].
	pub fn do_call(
		from: AccountId,
		to: Address,
		value: Balance,
		gas: u64,
		body: Body,
	) -> Result<MessageId, DispatchError> {
		ensure!(!to.chain.is_root(), Error::<T>::RootDestination);
		ensure!(gas <= T::MaxGas::get(), Error::<T>::TooMuchGas);
		let own = T::Messages::chain_id();
		let id = if to.chain == own {
			match Actors::<T>::get(&to.account).and_then(|actor| Codes::<T>::get(actor.code)) {
				Some(code) => ensure!(gas >= code.load_gas, Error::<T>::TooLittleGas),
				None => Self::takes(&to.account, value, Provenance::Extant).map_err(Error::<T>::from)?,
			}
			Self::queue_external(&from, &to.account, value, gas, body)?
		} else {
			Self::send_off(&from, value, Preservation::Expendable)?;
			let payload = Payload {
				sender: from.clone(),
				recipient: to.account.clone(),
				currency: CurrencyId::NATIVE,
				value,
				body: MessageBody::Call(Said { gas, depth: 0, body }),
			};
			let nonce = T::Messages::send(to.chain, payload).map_err(Error::<T>::from)?;
			Self::send_out(value)?;
			MessageId::Outer {
				source: own,
				destination: to.chain,
				nonce,
			}
		};
		Self::deposit_event(Event::Called { id, from, to, value });
		Ok(id)
	}

	/// Creates an actor, with its first message.
	pub(crate) fn do_instantiate(
		from: AccountId,
		code: Hash,
		salt: [u8; 32],
		value: Balance,
		gas: u64,
		body: Body,
	) -> Result<AccountId, DispatchError> {
		ensure!(gas <= T::MaxGas::get(), Error::<T>::TooMuchGas);
		let info = Codes::<T>::get(code).ok_or(Error::<T>::UnknownCode)?;
		ensure!(gas >= info.load_gas, Error::<T>::TooLittleGas);
		let account = actor_account(&from, &code, &salt);
		Self::create(&from, &account, code, Preservation::Preserve)?;
		let id = Self::queue_external(&from, &account, value, gas, body)?;
		let to = Address {
			chain: T::Messages::chain_id(),
			account: account.clone(),
		};
		Self::deposit_event(Event::Called { id, from, to, value });
		Ok(account)
	}

	fn queue_external(
		from: &AccountId,
		to: &AccountId,
		value: Balance,
		gas: u64,
		body: Body,
	) -> Result<MessageId, DispatchError> {
		Self::send_off(from, value, Preservation::Expendable)?;
		let id = Self::next_id();
		let message = Queued {
			id,
			parent: None,
			sender: Address {
				chain: T::Messages::chain_id(),
				account: from.clone(),
			},
			kind: Kind::External,
			value,
			gas,
			body,
		};
		Self::enqueue(to, 0, message).map_err(Error::<T>::from)?;
		Ok(id)
	}

	/// What is on record of an actor.
	pub fn actor(account: &AccountId) -> Option<ActorView> {
		let ActorInfo {
			code,
			items,
			bytes,
			deposit,
		} = Actors::<T>::get(account)?;
		Some(ActorView {
			code,
			items,
			bytes,
			deposit,
			waiting: Self::queue().waiting(account),
		})
	}

	/// What is on record of code.
	pub fn code(hash: Hash) -> Option<CodeView> {
		let info = Codes::<T>::get(hash)?;
		Some(CodeView {
			owner: info.owner,
			deposit: info.deposit,
			users: info.users,
			load_gas: info.load_gas,
			bytes: CodeBytes::<T>::get(hash)?.into_inner(),
		})
	}

	/// A value of an actor's storage.
	pub fn stored(account: &AccountId, key: Vec<u8>) -> Option<Vec<u8>> {
		Some(Stored::<T>::get(account, Key::try_from(key).ok()?)?.into_inner())
	}

	/// The interface that code was uploaded with, encoded.
	pub fn interface(code: Hash) -> Option<Vec<u8>> {
		Some(Interfaces::<T>::get(code)?.into_inner())
	}

	/// What a user's message would do if it was the next to be processed. Nothing is changed.
	pub fn dry_run(origin: AccountId, call: DryRunCall) -> DryRun {
		let tried = with_transaction(|| {
			TransactionOutcome::Rollback(Ok::<_, DispatchError>(Self::try_out(origin, call)))
		});
		tried.unwrap_or_else(|error| DryRun {
			outcome: refusal(error),
			..DryRun::default()
		})
	}

	fn try_out(origin: AccountId, call: DryRunCall) -> DryRun {
		let refused = |error: DispatchError| DryRun {
			outcome: refusal(error),
			..DryRun::default()
		};
		let body =
			|body: Vec<u8>| Body::try_from(body).map_err(|_| DispatchError::from(Error::<T>::BodyTooLong));
		let sent = match call {
			DryRunCall::Call {
				destination,
				value,
				gas,
				body: said,
			} => body(said).and_then(|body| {
				let to = Address {
					chain: T::Messages::chain_id(),
					account: destination.clone(),
				};
				Self::do_call(origin, to, value, gas, body).map(|_| destination)
			}),
			DryRunCall::Instantiate {
				code,
				salt,
				value,
				gas,
				body: said,
			} => body(said).and_then(|body| Self::do_instantiate(origin, code, salt, value, gas, body)),
		};
		let recipient = match sent {
			Ok(recipient) => recipient,
			Err(error) => return refused(error),
		};
		// It is the last one in its mailbox.
		let last = Mailboxes::<T>::get(&recipient).tail.wrapping_sub(1);
		let Some(waiting) = Mail::<T>::get(&recipient, last) else {
			return refused(DispatchError::Unavailable);
		};
		let Some(actor) = Actors::<T>::get(&recipient) else {
			return DryRun {
				weight: Self::step_weight(0),
				..DryRun::default()
			};
		};
		let handled = Self::handle(&recipient, actor, &waiting.payload, waiting.depth, true);
		let outcome = match handled.result {
			Ok(_) => DryRunOutcome::Done,
			Err(reason) => DryRunOutcome::Bounced {
				detail: match (&reason, handled.failure, handled.error) {
					// The reason has the actor's words already.
					(BounceReason::Rejected { .. }, ..) | (_, None, None) => alloc::string::String::new(),
					(_, Some(failure), _) => alloc::format!("{failure:?}"),
					(_, None, Some(error)) => {
						let text: &'static str = error.into();
						alloc::format!("its effects can't be applied: {text}")
					}
				},
				reason,
			},
		};
		let message = |(to, value, gas, body): (Address, Balance, u64, Vec<u8>)| DryRunMessage {
			chain: to.chain,
			account: to.account,
			value,
			gas,
			body,
		};
		DryRun {
			weight: Self::step_weight(handled.gas_used),
			gas_used: handled.gas_used,
			messages: handled.sends.into_iter().map(message).collect(),
			outcome,
			log: handled.log,
		}
	}
}
