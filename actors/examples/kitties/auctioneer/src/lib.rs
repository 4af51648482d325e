//! An auctioneer: takes bids for kitties, holds the highest one, and pays it to the seller or back.
#![cfg_attr(target_arch = "wasm32", no_std)]

use asterism_actor::{
	actor, ensure, Actor, Address, Context, Interface, Item, Map, MessageType, Refusal, Unclaimed,
};
use codec::{Decode, Encode};
use kitties::{Auctioneer as Message, Bid, Collector, Kitty, Lot, Payment, Recorder, Sale};
use scale_info::meta_type;

/// An auction that isn't decided.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Auction {
	/// What is auctioned.
	pub lot: Lot,
	/// The first block in which it is over.
	pub end: u32,
	/// The highest bid. Its amount is in this actor's balance.
	pub top: Option<Bid>,
}

/// The collector and the recorder.
pub const PARTNERS: Item<(Address, Address)> = Item::new("partners");
/// Auctions that aren't decided.
pub const AUCTIONS: Map<Kitty, Auction> = Map::new("auctions");
/// The last sale of a kitty that there was an auction for here.
pub const LAST: Map<Kitty, Sale> = Map::new("last");
/// What bidders and sellers didn't take.
pub const UNCLAIMED: Unclaimed = Unclaimed::new("unclaimed");

/// The actor.
pub struct Auctioneer;
actor!(Auctioneer);

impl Actor for Auctioneer {
	type Accepts = Message;

	fn handle(context: &mut Context, message: Message) -> Result<(), Refusal> {
		match message {
			Message::Bid { .. } | Message::Start { .. } => {}
			_ => context.no_value()?,
		}
		match message {
			Message::Start { collector, recorder } => {
				ensure!(PARTNERS.get(context)?.is_none(), "the actors are named already");
				PARTNERS.set(context, &(collector, recorder))
			}
			Message::Request { kitty } => {
				let (collector, _) = partners(context)?;
				let gas = context.gas_left() / 2;
				context.send(&collector, &Collector::Request { kitty }, 0, gas)
			}
			Message::Lot(lot) => open(context, lot),
			Message::Bid { kitty, sale } => bid(context, kitty, sale),
			Message::Close { kitty } => close(context, kitty),
			Message::Verdict { kitty, sale, won } => settle(context, kitty, sale, won),
			Message::Claim { to } => {
				let gas = context.gas_left() / 2;
				UNCLAIMED.claim(context, &to, &Payment::Claimed, gas)
			}
		}
	}

	fn bounced(context: &mut Context, _: &[u8]) -> Result<(), Refusal> {
		// Only payments carry value.
		UNCLAIMED.keep(context)
	}
}

impl Interface for Auctioneer {
	const NAME: &'static str = "auctioneer";
	const EMITS: &'static [MessageType] = &[
		("to_collector", meta_type::<Collector>),
		("to_recorder", meta_type::<Recorder>),
		("payment", meta_type::<Payment>),
	];
}

fn partners(context: &Context) -> Result<(Address, Address), Refusal> {
	PARTNERS
		.get(context)?
		.ok_or_else(|| "the actors are not named".into())
}

fn auction(context: &Context, kitty: Kitty) -> Result<Auction, Refusal> {
	AUCTIONS
		.get(context, &kitty)?
		.ok_or_else(|| "there is no such auction".into())
}

fn open(context: &mut Context, lot: Lot) -> Result<(), Refusal> {
	let (collector, _) = partners(context)?;
	ensure!(context.sender() == collector, "only the collector may do that");
	let kitty = lot.kitty;
	let last = LAST.get(context, &kitty)?.unwrap_or_default();
	ensure!(lot.sale > last, "that auction was held");
	// The verdict on the sale before may come later than this, and the bid that is held has to be paid first.
	ensure!(
		AUCTIONS.get(context, &kitty)?.is_none(),
		"the auction before is not settled"
	);
	LAST.set(context, &kitty, &lot.sale)?;
	let auction = Auction {
		end: context.info().block.saturating_add(lot.blocks),
		lot,
		top: None,
	};
	AUCTIONS.set(context, &kitty, &auction)
}

fn bid(context: &mut Context, kitty: Kitty, sale: Sale) -> Result<(), Refusal> {
	let mut auction = auction(context, kitty)?;
	let bid = Bid {
		bidder: context.sender(),
		amount: context.value(),
	};
	ensure!(auction.lot.sale == sale, "there is no such auction");
	ensure!(context.info().block < auction.end, "the auction is over");
	ensure!(
		bid.amount > 0 && bid.amount >= auction.lot.reserve,
		"the bid is below the reserve"
	);
	let top = auction.top.replace(bid);
	ensure!(
		top.is_none_or(|top| bid.amount > top.amount),
		"there is a bid as high"
	);
	AUCTIONS.set(context, &kitty, &auction)?;
	match top {
		Some(outbid) => pay_back(context, outbid, kitty, sale),
		None => Ok(()),
	}
}

fn close(context: &mut Context, kitty: Kitty) -> Result<(), Refusal> {
	let (_, recorder) = partners(context)?;
	let auction = auction(context, kitty)?;
	ensure!(context.info().block >= auction.end, "the auction is open");
	let result = Recorder::Result {
		kitty,
		sale: auction.lot.sale,
		shares: auction.lot.shares,
		top: auction.top,
	};
	let gas = context.gas_left() / 2;
	context.send(&recorder, &result, 0, gas)
}

fn settle(context: &mut Context, kitty: Kitty, sale: Sale, won: bool) -> Result<(), Refusal> {
	let (_, recorder) = partners(context)?;
	ensure!(context.sender() == recorder, "only the recorder may do that");
	let Auction { lot, top, .. } = auction(context, kitty)?;
	ensure!(lot.sale == sale, "there is no such auction");
	AUCTIONS.remove(context, &kitty)?;
	match top {
		None => Ok(()),
		Some(top) if won => {
			let gas = context.gas_left() / 2;
			context.send(&lot.seller, &Payment::Proceeds { kitty, sale }, top.amount, gas)
		}
		Some(top) => pay_back(context, top, kitty, sale),
	}
}

fn pay_back(context: &mut Context, bid: Bid, kitty: Kitty, sale: Sale) -> Result<(), Refusal> {
	let gas = context.gas_left() / 2;
	context.send(&bid.bidder, &Payment::Outbid { kitty, sale }, bid.amount, gas)
}
