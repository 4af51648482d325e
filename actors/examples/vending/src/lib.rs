//! A vending machine, the point of sale of Constellation, "Own Your Meme": patrons pay on any chain, and get their goods as
//! fast as messages are final.
//!
//! # Overview
//!
//! The actor keeps the machine's books. The machine itself is a device with an account: it follows the chain as a light
//! client does, and reports what it has done.
//!
//! ```text
//!  patron ──Buy, with value──► actor ──Dispense──► device
//!     ▲                         │ ▲                  │
//!     └──Receipt, with change───┘ └──── Dispensed ───┘   the price is the operator's
//!     └──Refund, with the price─┘ └──── Jammed ──────┘   or the patron's again; as it is after a time without report
//! ```
//!
//! # Rules
//!
//! - The price is held until the device reports. It is due to the operator once the goods are dispensed, to the patron if
//!   the machine is jammed, or if the patron cancels after the machine's patience has passed without a report.
//! - A device reports [`Message::Dispensed`] first, and lets go of the goods once that is final: then nobody can have goods
//!   and refund.
//! - Who can't be paid has a claim: see [`Message::Claim`].
#![cfg_attr(target_arch = "wasm32", no_std)]

use asterism_actor::{
	actor, ensure, Actor, Address, Context, Interface, Item, Map, MessageType, Refusal, Unclaimed,
};
use codec::{Decode, Encode};
use scale_info::{meta_type, TypeInfo};

/// The number of a sale, from 0.
pub type Sale = u32;

/// What the machine accepts.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum Message {
	/// The first message, from the machine's operator. It may bring value.
	#[codec(index = 0)]
	Install {
		/// The account that the device signs its reports with.
		device: Address,
		/// Blocks after which a patron may cancel a sale that the device didn't report on.
		patience: u32,
	},
	/// Tells what is in a slot from now on; from the operator.
	#[codec(index = 1)]
	Fill {
		/// The slot.
		slot: u8,
		/// The price of one, at least 1.
		price: u128,
		/// How many there are.
		count: u32,
	},
	/// Buys one from a slot, for the value that the message brings: what exceeds the price is given back. From anybody.
	#[codec(index = 2)]
	Buy {
		/// The slot.
		slot: u8,
	},
	/// Reports that the goods are dispensed; from the device.
	#[codec(index = 3)]
	Dispensed(Sale),
	/// Reports that the goods can't be dispensed: the slot is out of order until it is filled again. From the device.
	#[codec(index = 4)]
	Jammed(Sale),
	/// Cancels a sale that the device didn't report on; from its patron.
	#[codec(index = 5)]
	Cancel(Sale),
	/// Pays out what was earned; from the operator.
	#[codec(index = 6)]
	Collect,
	/// Pays what the sender should have been paid, and didn't take.
	#[codec(index = 7)]
	Claim {
		/// Whom to pay it to.
		to: Address,
	},
}

/// What the device is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum Order {
	/// Dispense one from a slot.
	#[codec(index = 0)]
	Dispense {
		/// The sale to report on.
		sale: Sale,
		/// The slot.
		slot: u8,
	},
}

/// What is paid to patrons and the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum Payment {
	/// One was bought; the value is the change.
	#[codec(index = 0)]
	Receipt {
		/// The sale.
		sale: Sale,
		/// The slot.
		slot: u8,
		/// What it cost.
		price: u128,
	},
	/// The price of what wasn't dispensed.
	#[codec(index = 1)]
	Refund {
		/// The sale.
		sale: Sale,
	},
	/// What was earned.
	#[codec(index = 2)]
	Earnings,
	/// What was claimed.
	#[codec(index = 3)]
	Claimed,
}

/// Whose the machine is.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Machine {
	/// Who fills it, and earns with it.
	pub operator: Address,
	/// The device's account.
	pub device: Address,
	/// Blocks after which a patron may cancel.
	pub patience: u32,
}

/// What is in a slot.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Slot {
	/// The price of one.
	pub price: u128,
	/// How many there are that aren't sold.
	pub count: u32,
}

/// A sale that the device didn't report on.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Open {
	/// Who bought it.
	pub patron: Address,
	/// Where it is.
	pub slot: u8,
	/// What was paid for it.
	pub price: u128,
	/// In which block.
	pub block: u32,
}

/// Whose the machine is.
pub const MACHINE: Item<Machine> = Item::new("machine");
/// What is in the slots.
pub const SLOTS: Map<u8, Slot> = Map::new("slots");
/// The number of the next sale.
pub const NEXT: Item<Sale> = Item::new("next");
/// The sales that the device didn't report on.
pub const OPEN: Map<Sale, Open> = Map::new("open");
/// What was earned and not paid out.
pub const EARNINGS: Item<u128> = Item::new("earnings");
/// What patrons and the operator didn't take.
pub const UNCLAIMED: Unclaimed = Unclaimed::new("unclaimed");

/// The actor.
pub struct Vending;
actor!(Vending);

impl Actor for Vending {
	type Accepts = Message;

	fn handle(context: &mut Context, message: Message) -> Result<(), Refusal> {
		let sender = context.sender();
		if let Message::Install { device, patience } = message {
			ensure!(
				MACHINE.get(context)?.is_none(),
				"the machine is installed already"
			);
			let machine = Machine {
				operator: sender,
				device,
				patience,
			};
			return MACHINE.set(context, &machine);
		}
		let machine = MACHINE.get(context)?.ok_or("the machine is not installed")?;
		if let Message::Buy { slot } = message {
			return buy(context, &machine, slot);
		}
		context.no_value()?;
		match message {
			Message::Install { .. } | Message::Buy { .. } => Ok(()),
			Message::Fill { slot, price, count } => {
				ensure!(sender == machine.operator, "only the operator may do that");
				ensure!(price > 0, "the goods have to have a price");
				SLOTS.set(context, &slot, &Slot { price, count })
			}
			Message::Dispensed(sale) => {
				ensure!(sender == machine.device, "only the device may do that");
				let open = end(context, sale)?;
				let earnings = EARNINGS.get(context)?.unwrap_or_default();
				let earnings = earnings
					.checked_add(open.price)
					.ok_or("the earnings are too high")?;
				EARNINGS.set(context, &earnings)
			}
			Message::Jammed(sale) => {
				ensure!(sender == machine.device, "only the device may do that");
				let open = end(context, sale)?;
				stock(context, open.slot, |_| 0)?;
				refund(context, sale, &open)
			}
			Message::Cancel(sale) => {
				let open = end(context, sale)?;
				ensure!(sender == open.patron, "only the patron may do that");
				let since = context.info().block.saturating_sub(open.block);
				ensure!(since >= machine.patience, "the device still has time to report");
				// The goods are there: the device lets go of them after it has reported.
				stock(context, open.slot, |count| count.saturating_add(1))?;
				refund(context, sale, &open)
			}
			Message::Collect => {
				ensure!(sender == machine.operator, "only the operator may do that");
				let earnings = EARNINGS.get(context)?.ok_or("nothing was earned")?;
				EARNINGS.remove(context);
				let gas = context.gas_left() / 2;
				context.send(&sender, &Payment::Earnings, earnings, gas)
			}
			Message::Claim { to } => {
				let gas = context.gas_left() / 2;
				UNCLAIMED.claim(context, &to, &Payment::Claimed, gas)
			}
		}
	}

	fn bounced(context: &mut Context, _: &[u8]) -> Result<(), Refusal> {
		UNCLAIMED.keep(context)
	}
}

impl Interface for Vending {
	const NAME: &'static str = "vending";
	const EMITS: &'static [MessageType] = &[("order", meta_type::<Order>), ("payment", meta_type::<Payment>)];
	const DEADLINE: Option<u32> = Some(0);
}

fn buy(context: &mut Context, machine: &Machine, number: u8) -> Result<(), Refusal> {
	let slot = SLOTS.get(context, &number)?;
	let mut slot = slot.ok_or("there is no such slot")?;
	slot.count = slot.count.checked_sub(1).ok_or("the slot is empty")?;
	let price = slot.price;
	let change = context.value().checked_sub(price).ok_or("the price is higher")?;
	SLOTS.set(context, &number, &slot)?;

	let sale = NEXT.get(context)?.unwrap_or_default();
	NEXT.set(context, &sale.checked_add(1).ok_or("there were too many sales")?)?;
	let open = Open {
		patron: context.sender(),
		slot: number,
		price,
		block: context.info().block,
	};
	OPEN.set(context, &sale, &open)?;

	let gas = context.gas_left() / 3;
	context.send(&machine.device, &Order::Dispense { sale, slot: number }, 0, gas)?;
	let receipt = Payment::Receipt {
		sale,
		slot: number,
		price,
	};
	context.send(&open.patron, &receipt, change, gas)
}

/// Takes an open sale off the books.
fn end(context: &mut Context, sale: Sale) -> Result<Open, Refusal> {
	let open = OPEN.get(context, &sale)?.ok_or("there is no such sale open")?;
	OPEN.remove(context, &sale)?;
	Ok(open)
}

/// Changes how many there are in a slot.
fn stock(context: &mut Context, number: u8, change: impl FnOnce(u32) -> u32) -> Result<(), Refusal> {
	if let Some(mut slot) = SLOTS.get(context, &number)? {
		slot.count = change(slot.count);
		SLOTS.set(context, &number, &slot)?;
	}
	Ok(())
}

fn refund(context: &mut Context, sale: Sale, open: &Open) -> Result<(), Refusal> {
	let gas = context.gas_left() / 2;
	context.send(&open.patron, &Payment::Refund { sale }, open.price, gas)
}
