//! A purse: the account of Thinkey §5.4, with standing orders.
//!
//! # Overview
//!
//! A purse holds value for its owner, who pays from it with [`Message::Tran`]; anybody pays into it with [`Message::Add`].
//! [`Message::Order`] lets it pay the same again and again. Chains don't wake actors up, so somebody has to send
//! [`Message::Settle`] when a payment is due. It doesn't matter who, how often, or when: each payment is made once.
//!
//! ```text
//!  owner ── Tran{to, bill} ──► purse ── Add, with the bill as its value ──► purse, or any account
//! ```
//!
//! # Rules
//!
//! - A bill that the balance doesn't cover is not paid, and nothing changes (Algorithm 1, line 4).
//! - Payments of one order that are due together are made as one (§5.6: "10 'add' messages ... can be combined into one").
//!   If the balance covers some of them only, those are made, and the others stay due.
//! - An order whose payment comes back is cancelled.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use alloc::vec::Vec;
use asterism_actor::{actor, ensure, Actor, Address, Context, Interface, Item, MessageType, Refusal};
use codec::{Decode, Encode};
use scale_info::{meta_type, TypeInfo};

/// Standing orders that a purse may have: one message settles them all.
pub const MAX_ORDERS: usize = 16;

/// What a purse accepts.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum Message {
	/// The first message, from the purse's owner. It may bring value.
	#[codec(index = 0)]
	Open,
	/// Pays a bill; from the owner (`tran`, Thinkey §5.4).
	#[codec(index = 1)]
	Tran {
		/// Whom to pay.
		to: Address,
		/// How much, at least 1.
		bill: u128,
	},
	/// Takes the value that the message brings; from anybody (`add`, Thinkey §5.4).
	#[codec(index = 2)]
	Add {
		/// The payer's order that this is paid by, if it is.
		order: Option<u32>,
	},
	/// Adds a standing order; from the owner. Orders are numbered from 0.
	#[codec(index = 3)]
	Order(Terms),
	/// Cancels the standing order of this number; from the owner.
	#[codec(index = 4)]
	Cancel(u32),
	/// Makes all payments that are due; from anybody.
	#[codec(index = 5)]
	Settle,
	/// Ends the purse, and gives the owner what it has; from the owner, who has to be on the purse's chain, once there are no
	/// standing orders. A payment that comes back after that is lost.
	#[codec(index = 6)]
	Close,
}

/// What a standing order says.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct Terms {
	/// Whom to pay.
	pub to: Address,
	/// How much each time, at least 1.
	pub bill: u128,
	/// The block in which the first payment is due.
	pub first: u32,
	/// Blocks from one payment to the next, at least 1.
	pub every: u32,
}

impl Terms {
	/// How many payments are due in a block.
	fn due(&self, block: u32) -> u32 {
		match block.checked_sub(self.first) {
			Some(since) => since.checked_div(self.every).unwrap_or(0).saturating_add(1),
			None => 0,
		}
	}
}

/// A standing order.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Order {
	/// Its number.
	pub number: u32,
	/// What it says; `first` is the first payment that hasn't been made.
	pub terms: Terms,
}

/// Whom the purse belongs to.
pub const OWNER: Item<Address> = Item::new("owner");
/// The standing orders, at most [`MAX_ORDERS`].
pub const ORDERS: Item<Vec<Order>> = Item::new("orders");
/// The number of the next order.
pub const NEXT: Item<u32> = Item::new("next");

/// The actor.
pub struct Purse;
actor!(Purse);

impl Actor for Purse {
	type Accepts = Message;

	fn handle(context: &mut Context, message: Message) -> Result<(), Refusal> {
		match message {
			Message::Open => {
				ensure!(OWNER.get(context)?.is_none(), "the purse has an owner already");
				let owner = context.sender();
				OWNER.set(context, &owner)
			}
			Message::Tran { to, bill } => {
				from_owner(context)?;
				ensure!(bill > 0, "there is nothing to pay");
				ensure!(context.balance() >= bill, "the balance is smaller than the bill");
				let gas = context.gas_left() / 2;
				context.send(&to, &Message::Add { order: None }, bill, gas)
			}
			Message::Add { .. } => Ok(()),
			Message::Order(terms) => add_order(context, terms),
			Message::Cancel(number) => {
				from_owner(context)?;
				ensure!(cancel(context, number)?, "there is no such order");
				Ok(())
			}
			Message::Settle => settle(context),
			Message::Close => close(context),
		}
	}

	fn paid(_: &mut Context) -> Result<(), Refusal> {
		Ok(())
	}

	fn bounced(context: &mut Context, mut body: &[u8]) -> Result<(), Refusal> {
		if let Ok(Message::Add { order: Some(number) }) = Message::decode(&mut body) {
			cancel(context, number)?;
		}
		Ok(())
	}
}

impl Interface for Purse {
	const NAME: &'static str = "purse";
	const EMITS: &'static [MessageType] = &[("payment", meta_type::<Message>)];
}

fn from_owner(context: &Context) -> Result<(), Refusal> {
	context.no_value()?;
	ensure!(
		OWNER.get(context)? == Some(context.sender()),
		"only the owner may do that"
	);
	Ok(())
}

fn add_order(context: &mut Context, terms: Terms) -> Result<(), Refusal> {
	from_owner(context)?;
	ensure!(terms.bill > 0, "there is nothing to pay");
	ensure!(terms.every > 0, "payments have to be a block apart");
	let mut orders = ORDERS.get(context)?.unwrap_or_default();
	ensure!(orders.len() < MAX_ORDERS, "there are too many orders");
	let number = NEXT.get(context)?.unwrap_or_default();
	let next = number.checked_add(1).ok_or("there were too many orders")?;
	orders.push(Order { number, terms });
	NEXT.set(context, &next)?;
	ORDERS.set(context, &orders)
}

/// Cancels an order; whether there was one.
fn cancel(context: &mut Context, number: u32) -> Result<bool, Refusal> {
	let mut orders = ORDERS.get(context)?.unwrap_or_default();
	let before = orders.len();
	orders.retain(|order| order.number != number);
	let found = orders.len() < before;
	if found {
		ORDERS.set(context, &orders)?;
	}
	Ok(found)
}

fn close(context: &mut Context) -> Result<(), Refusal> {
	from_owner(context)?;
	let orders = ORDERS.get(context)?.unwrap_or_default();
	ensure!(orders.is_empty(), "there are standing orders");
	OWNER.remove(context);
	ORDERS.remove(context);
	NEXT.remove(context);
	let owner = context.sender();
	context.end(&owner)
}

fn settle(context: &mut Context) -> Result<(), Refusal> {
	context.no_value()?;
	let block = context.info().block;
	let mut orders = ORDERS.get(context)?.unwrap_or_default();
	let gas = context.gas_left() / (MAX_ORDERS as u64 + 1);
	let mut made = 0u32;
	for Order { number, terms } in &mut orders {
		let covered = context.balance().checked_div(terms.bill).unwrap_or(0);
		let count = terms.due(block).min(u32::try_from(covered).unwrap_or(u32::MAX));
		if count == 0 {
			continue;
		}
		let sum = terms.bill.checked_mul(count.into());
		let sum = sum.ok_or("a payment is too large")?;
		let order = Some(*number);
		context.send(&terms.to, &Message::Add { order }, sum, gas)?;
		terms.first = count
			.checked_mul(terms.every)
			.and_then(|blocks| terms.first.checked_add(blocks))
			.unwrap_or(u32::MAX);
		made = made.saturating_add(1);
	}
	ensure!(made > 0, "no payment is due and covered");
	ORDERS.set(context, &orders)
}
