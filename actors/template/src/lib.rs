//! An actor that counts. Its owner, who sends the first message, may set the count; anybody may add to it, and is told
//! the new count.
#![cfg_attr(target_arch = "wasm32", no_std)]

use asterism_actor::{actor, ensure, Actor, Address, Context, Interface, Item, MessageType, Refusal};
use codec::{Decode, Encode};
use scale_info::{meta_type, TypeInfo};

/// What the counter accepts.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum Message {
	/// The first message, from whom the counter belongs to.
	#[codec(index = 0)]
	Start,
	/// Adds so much.
	#[codec(index = 1)]
	Add(u64),
	/// Sets the count; from the owner.
	#[codec(index = 2)]
	Set(u64),
}

/// What the counter answers to [`Message::Add`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum Answer {
	/// The count is now this.
	#[codec(index = 0)]
	Count(u64),
}

/// Whom the counter belongs to.
pub const OWNER: Item<Address> = Item::new("owner");
/// What was counted.
pub const COUNT: Item<u64> = Item::new("count");

/// The actor.
pub struct Counter;
actor!(Counter);

impl Actor for Counter {
	type Accepts = Message;

	fn handle(context: &mut Context, message: Message) -> Result<(), Refusal> {
		let owner = OWNER.get(context)?;
		let sender = context.sender();
		match message {
			Message::Start => {
				ensure!(owner.is_none(), "the counter has an owner already");
				// It may bring value, from which the chain holds back the price of storage.
				OWNER.set(context, &sender)
			}
			Message::Add(by) => {
				context.no_value()?;
				let count = COUNT.get(context)?.unwrap_or_default();
				let count = count.checked_add(by).ok_or("the count would be too large")?;
				COUNT.set(context, &count)?;
				let gas = context.gas_left() / 2;
				context.send(&sender, &Answer::Count(count), 0, gas)
			}
			Message::Set(count) => {
				context.no_value()?;
				ensure!(owner == Some(sender), "only the owner may set the count");
				COUNT.set(context, &count)
			}
		}
	}
}

impl Interface for Counter {
	const NAME: &'static str = "counter";
	const EMITS: &'static [MessageType] = &[("answer", meta_type::<Answer>)];
	const DEADLINE: Option<u32> = Some(0);
}
