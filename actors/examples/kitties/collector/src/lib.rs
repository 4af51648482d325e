//! The collector: whose each kitty is, and which are for sale.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use alloc::vec::Vec;
use asterism_actor::{actor, ensure, Actor, Address, Context, Interface, Item, Map, MessageType, Refusal};
use codec::{Decode, Encode};
use kitties::{Auctioneer, Collector as Message, Kitty, Lot, Sale, MAX_AUCTIONEERS};
use scale_info::meta_type;

/// What is known of a kitty.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Record {
	/// Whose it is.
	pub owner: Address,
	/// The number of its last sale; 0 before the first one.
	pub sale: Sale,
	/// If it is for sale, how.
	pub offer: Option<Offer>,
}

/// How a kitty is for sale.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Offer {
	/// The lowest bid that counts.
	pub reserve: u128,
	/// Blocks that each auction is open.
	pub blocks: u32,
	/// The auctioneers that hold it.
	pub auctioneers: Vec<Address>,
}

/// Who sent the first message.
pub const FOUNDER: Item<Address> = Item::new("founder");
/// The recorder.
pub const RECORDER: Item<Address> = Item::new("recorder");
/// The auctioneers.
pub const AUCTIONEERS: Item<Vec<Address>> = Item::new("auctioneers");
/// How many kitties there are.
pub const COUNT: Item<Kitty> = Item::new("count");
/// All kitties.
pub const KITTIES: Map<Kitty, Record> = Map::new("kitties");

/// The actor.
pub struct Collector;
actor!(Collector);

impl Actor for Collector {
	type Accepts = Message;

	fn handle(context: &mut Context, message: Message) -> Result<(), Refusal> {
		match message {
			Message::Start => {
				ensure!(FOUNDER.get(context)?.is_none(), "there is a founder already");
				let founder = context.sender();
				FOUNDER.set(context, &founder)
			}
			Message::Found {
				recorder,
				auctioneers,
			} => found(context, recorder, auctioneers),
			Message::Breed { owner } => breed(context, owner),
			Message::Give { kitty, to } => {
				context.no_value()?;
				let mut record = of_owner(context, kitty)?;
				record.owner = to;
				KITTIES.set(context, &kitty, &record)
			}
			Message::Sell {
				kitty,
				reserve,
				blocks,
				auctioneers,
			} => {
				let offer = Offer {
					reserve,
					blocks,
					auctioneers,
				};
				sell(context, kitty, offer)
			}
			Message::Request { kitty } => request(context, kitty),
			Message::Sold { kitty, sale, winner } => sold(context, kitty, sale, winner),
		}
	}
}

impl Interface for Collector {
	const NAME: &'static str = "collector";
	const EMITS: &'static [MessageType] = &[("to_auctioneer", meta_type::<Auctioneer>)];
}

fn from_founder(context: &Context) -> Result<(), Refusal> {
	ensure!(
		FOUNDER.get(context)? == Some(context.sender()),
		"only the founder may do that"
	);
	Ok(())
}

fn found(context: &mut Context, recorder: Address, auctioneers: Vec<Address>) -> Result<(), Refusal> {
	context.no_value()?;
	from_founder(context)?;
	ensure!(RECORDER.get(context)?.is_none(), "the actors are named already");
	ensure!(!auctioneers.is_empty(), "there has to be an auctioneer");
	ensure!(
		auctioneers.len() <= MAX_AUCTIONEERS,
		"there are too many auctioneers"
	);
	RECORDER.set(context, &recorder)?;
	AUCTIONEERS.set(context, &auctioneers)
}

fn breed(context: &mut Context, owner: Address) -> Result<(), Refusal> {
	from_founder(context)?;
	let kitty = COUNT.get(context)?.unwrap_or_default();
	COUNT.set(
		context,
		&kitty.checked_add(1).ok_or("there are too many kitties")?,
	)?;
	let record = Record {
		owner,
		sale: 0,
		offer: None,
	};
	KITTIES.set(context, &kitty, &record)
}

fn record(context: &Context, kitty: Kitty) -> Result<Record, Refusal> {
	KITTIES
		.get(context, &kitty)?
		.ok_or_else(|| "there is no such kitty".into())
}

/// A kitty that its owner may dispose of.
fn of_owner(context: &Context, kitty: Kitty) -> Result<Record, Refusal> {
	let record = record(context, kitty)?;
	ensure!(record.owner == context.sender(), "only the owner may do that");
	ensure!(record.offer.is_none(), "the kitty is for sale");
	Ok(record)
}

fn sell(context: &mut Context, kitty: Kitty, offer: Offer) -> Result<(), Refusal> {
	context.no_value()?;
	let mut record = of_owner(context, kitty)?;
	ensure!(offer.blocks > 0, "the auction has to be open for a block");
	ensure!(!offer.auctioneers.is_empty(), "there has to be an auctioneer");
	let known = AUCTIONEERS.get(context)?.unwrap_or_default();
	for (place, auctioneer) in offer.auctioneers.iter().enumerate() {
		ensure!(known.contains(auctioneer), "there is no such auctioneer");
		ensure!(
			!offer
				.auctioneers
				.iter()
				.take(place)
				.any(|other| other == auctioneer),
			"an auctioneer is named twice"
		);
	}
	record.sale = record.sale.checked_add(1).ok_or("there were too many sales")?;
	record.offer = Some(offer);
	KITTIES.set(context, &kitty, &record)
}

fn request(context: &mut Context, kitty: Kitty) -> Result<(), Refusal> {
	context.no_value()?;
	let auctioneer = context.sender();
	let Record { owner, sale, offer } = record(context, kitty)?;
	let offer = offer.ok_or("the kitty is not for sale")?;
	ensure!(offer.auctioneers.contains(&auctioneer), "the seller named others");
	let lot = Lot {
		kitty,
		sale,
		seller: owner,
		reserve: offer.reserve,
		blocks: offer.blocks,
		shares: u8::try_from(offer.auctioneers.len()).map_err(|_| "there are too many auctioneers")?,
	};
	let gas = context.gas_left() / 2;
	context.send(&auctioneer, &Auctioneer::Lot(lot), 0, gas)
}

fn sold(context: &mut Context, kitty: Kitty, sale: Sale, winner: Option<Address>) -> Result<(), Refusal> {
	context.no_value()?;
	ensure!(
		RECORDER.get(context)? == Some(context.sender()),
		"only the recorder may do that"
	);
	let mut record = record(context, kitty)?;
	ensure!(record.sale == sale && record.offer.is_some(), "that sale is over");
	record.offer = None;
	record.owner = winner.unwrap_or(record.owner);
	KITTIES.set(context, &kitty, &record)
}
