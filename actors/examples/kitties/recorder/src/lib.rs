//! The recorder: collects the results of an auction, and says who won.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use alloc::vec::Vec;
use asterism_actor::{actor, ensure, Actor, Address, Context, Interface, Item, Map, MessageType, Refusal};
use codec::{Decode, Encode};
use kitties::{Auctioneer, Bid, Collector, Kitty, Recorder as Message, Sale, MAX_AUCTIONEERS};
use scale_info::meta_type;

/// The results of a sale.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Tally {
	/// How many auctioneers hold it.
	pub shares: u8,
	/// The results so far, each with its auctioneer.
	pub results: Vec<(Address, Option<Bid>)>,
}

impl Tally {
	/// Whether all results are there.
	pub fn is_complete(&self) -> bool {
		self.results.len() >= usize::from(self.shares)
	}

	/// The highest bid, with its auctioneer; of equal ones, that of the auctioneer with the lower address.
	pub fn winner(&self) -> Option<(Address, Bid)> {
		let mut winner: Option<(Address, Bid)> = None;
		for (auctioneer, bid) in &self.results {
			let Some(bid) = bid else { continue };
			let wins = winner.is_none_or(|(other, top)| {
				bid.amount > top.amount || bid.amount == top.amount && *auctioneer < other
			});
			if wins {
				winner = Some((*auctioneer, *bid));
			}
		}
		winner
	}
}

/// Who sent the first message.
pub const FOUNDER: Item<Address> = Item::new("founder");
/// The collector.
pub const COLLECTOR: Item<Address> = Item::new("collector");
/// The auctioneers.
pub const AUCTIONEERS: Item<Vec<Address>> = Item::new("auctioneers");
/// All sales.
pub const TALLIES: Map<(Kitty, Sale), Tally> = Map::new("tallies");

/// The actor.
pub struct Recorder;
actor!(Recorder);

impl Actor for Recorder {
	type Accepts = Message;

	fn handle(context: &mut Context, message: Message) -> Result<(), Refusal> {
		if !matches!(message, Message::Start { .. }) {
			context.no_value()?;
		}
		match message {
			Message::Start { collector } => {
				ensure!(FOUNDER.get(context)?.is_none(), "there is a founder already");
				let founder = context.sender();
				FOUNDER.set(context, &founder)?;
				COLLECTOR.set(context, &collector)
			}
			Message::Found { auctioneers } => {
				ensure!(
					FOUNDER.get(context)? == Some(context.sender()),
					"only the founder may do that"
				);
				ensure!(
					AUCTIONEERS.get(context)?.is_none(),
					"the actors are named already"
				);
				ensure!(!auctioneers.is_empty(), "there has to be an auctioneer");
				ensure!(
					auctioneers.len() <= MAX_AUCTIONEERS,
					"there are too many auctioneers"
				);
				AUCTIONEERS.set(context, &auctioneers)
			}
			Message::Result {
				kitty,
				sale,
				shares,
				top,
			} => result(context, kitty, sale, shares, top),
			Message::Announce { kitty, sale } => {
				let tally = TALLIES.get(context, &(kitty, sale))?;
				let tally = tally.ok_or("there was no such sale")?;
				ensure!(tally.is_complete(), "results are missing");
				announce(context, kitty, sale, &tally)
			}
		}
	}
}

impl Interface for Recorder {
	const NAME: &'static str = "recorder";
	const EMITS: &'static [MessageType] = &[
		("to_auctioneer", meta_type::<Auctioneer>),
		("to_collector", meta_type::<Collector>),
	];
}

fn result(
	context: &mut Context,
	kitty: Kitty,
	sale: Sale,
	shares: u8,
	top: Option<Bid>,
) -> Result<(), Refusal> {
	let auctioneer = context.sender();
	let auctioneers = AUCTIONEERS.get(context)?.unwrap_or_default();
	ensure!(
		auctioneers.contains(&auctioneer),
		"only an auctioneer may do that"
	);
	ensure!(
		shares > 0 && usize::from(shares) <= auctioneers.len(),
		"there are not as many auctioneers"
	);
	let tally = TALLIES.get(context, &(kitty, sale))?;
	let mut tally = tally.unwrap_or(Tally {
		shares,
		results: Vec::new(),
	});
	ensure!(!tally.is_complete(), "that sale is over");
	ensure!(tally.shares == shares, "other auctioneers know of another sale");
	ensure!(
		tally.results.iter().all(|(other, _)| *other != auctioneer),
		"the result is known"
	);
	tally.results.push((auctioneer, top));
	TALLIES.set(context, &(kitty, sale), &tally)?;
	if tally.is_complete() {
		announce(context, kitty, sale, &tally)?;
	}
	Ok(())
}

/// Tells all that take part how a sale ended.
fn announce(context: &mut Context, kitty: Kitty, sale: Sale, tally: &Tally) -> Result<(), Refusal> {
	let collector = COLLECTOR.get(context)?.ok_or("the actors are not named")?;
	let winner = tally.winner();
	// A share for each message, and one for sending them.
	let gas = context.gas_left() / (tally.results.len() as u64 + 2);
	let sold = Collector::Sold {
		kitty,
		sale,
		winner: winner.map(|(_, bid)| bid.bidder),
	};
	context.send(&collector, &sold, 0, gas)?;
	for (auctioneer, _) in &tally.results {
		let won = winner.is_some_and(|(winner, _)| winner == *auctioneer);
		context.send(auctioneer, &Auctioneer::Verdict { kitty, sale, won }, 0, gas)?;
	}
	Ok(())
}
