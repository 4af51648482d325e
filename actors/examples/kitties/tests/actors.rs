//! Each actor on its own, with users in the place of the others: what comes late, twice, or from the wrong side.

use asterism_actor::{testing::World, Address};
use codec::Encode;
use kitties::{Auctioneer, Bid, Collector, Lot, Payment, Recorder, Sale};
use kitties_auctioneer::AUCTIONS;
use kitties_collector::{Record, KITTIES};

/// Why a message is refused; none if it isn't.
fn refusal(
	world: &mut World,
	from: &Address,
	to: &Address,
	message: &impl Encode,
	value: u128,
) -> Option<String> {
	let before = world.received(from).len();
	world.send(from, to, message, value);
	world.run();
	world.assert_conserved();
	let received = &world.received(from)[before..];
	received.iter().find_map(|message| message.refusal())
}

#[test]
fn the_collector_hears_of_each_sale_once() {
	let mut world = World::new(1);
	let [founder, recorder, auctioneer, other, seller, ann, ben] = [
		"founder",
		"recorder",
		"auctioneer",
		"other",
		"seller",
		"ann",
		"ben",
	]
	.map(|name| world.user(1, name, 0));
	let collector = world.create::<kitties_collector::Collector>(&founder, &Collector::Start, 0);
	let mut tell = |from: Address, message: Collector| {
		let refusal = refusal(&mut world, &from, &collector, &message, 0);
		let record: Option<Record> = world.entry(&collector, &KITTIES, &0);
		let lots: Vec<Option<Auctioneer>> = world
			.received(&auctioneer)
			.iter()
			.map(|message| message.decode())
			.collect();
		(
			refusal.unwrap_or_default(),
			record.map(|record| record.owner),
			lots,
		)
	};
	let found = Collector::Found {
		recorder,
		auctioneers: vec![auctioneer, other],
	};
	assert_eq!(tell(founder, found.clone()).0, "");
	assert_eq!(tell(founder, found).0, "the actors are named already");
	assert_eq!(tell(founder, Collector::Breed { owner: seller }).0, "");
	let request = Collector::Request { kitty: 0 };
	assert_eq!(tell(auctioneer, request.clone()).0, "the kitty is not for sale");
	let sell = Collector::Sell {
		kitty: 0,
		reserve: 3,
		blocks: 5,
		auctioneers: vec![auctioneer],
	};
	assert_eq!(tell(seller, sell.clone()).0, "");
	assert_eq!(tell(other, request.clone()).0, "the seller named others");
	let lot = Auctioneer::Lot(Lot {
		kitty: 0,
		sale: 1,
		seller,
		reserve: 3,
		blocks: 5,
		shares: 1,
	});
	assert_eq!(tell(auctioneer, request.clone()).2.last(), Some(&Some(lot)));

	let sold = |sale, winner| Collector::Sold {
		kitty: 0,
		sale,
		winner,
	};
	for sale in [0, 2] {
		assert_eq!(tell(recorder, sold(sale, Some(ann))).0, "that sale is over");
	}
	assert_eq!(
		tell(auctioneer, sold(1, Some(ann))).0,
		"only the recorder may do that"
	);
	assert_eq!(tell(recorder, sold(1, Some(ann))).1, Some(ann));
	assert_eq!(tell(auctioneer, request).0, "the kitty is not for sale");
	// The kitty went on; what comes late must not bring it back.
	assert_eq!(tell(ann, Collector::Give { kitty: 0, to: ben }).1, Some(ben));
	assert_eq!(tell(recorder, sold(1, Some(ann))).0, "that sale is over");
	assert_eq!(tell(ben, sell).0, "");
	assert_eq!(tell(recorder, sold(1, Some(ann))).0, "that sale is over");
	let (refusal, owner, _) = tell(recorder, sold(2, None));
	assert_eq!((&refusal[..], owner), ("", Some(ben)));
}

#[test]
fn the_auctioneer_holds_each_auction_once() {
	let mut world = World::new(1);
	let [collector, recorder, seller, ann, ben] =
		["collector", "recorder", "seller", "ann", "ben"].map(|name| world.user(1, name, 100));
	let start = Auctioneer::Start { collector, recorder };
	let auctioneer = world.create::<kitties_auctioneer::Auctioneer>(&collector, &start, 0);
	let mut tell = |from: Address, message: Auctioneer, value| {
		refusal(&mut world, &from, &auctioneer, &message, value).unwrap_or_default()
	};
	let lot = |sale| {
		Auctioneer::Lot(Lot {
			kitty: 0,
			sale,
			seller,
			reserve: 3,
			blocks: 1,
			shares: 1,
		})
	};
	let verdict = |sale, won| Auctioneer::Verdict { kitty: 0, sale, won };
	let bid = |sale| Auctioneer::Bid { kitty: 0, sale };
	assert_eq!(tell(recorder, lot(1), 0), "only the collector may do that");
	assert_eq!(tell(collector, lot(1), 0), "");
	assert_eq!(tell(collector, lot(1), 0), "that auction was held");
	assert_eq!(tell(ann, bid(1), 10), "");
	assert_eq!(tell(collector, lot(2), 0), "the auction before is not settled");
	assert_eq!(tell(recorder, verdict(2, false), 0), "there is no such auction");
	assert_eq!(
		tell(collector, verdict(1, true), 0),
		"only the recorder may do that"
	);
	assert_eq!(tell(recorder, verdict(1, true), 0), "");
	assert_eq!(tell(recorder, verdict(1, true), 0), "there is no such auction");
	// The collector, which doesn't know the result, was asked again.
	assert_eq!(tell(collector, lot(1), 0), "that auction was held");
	assert_eq!(tell(collector, lot(2), 0), "");
	assert_eq!(tell(ben, bid(1), 10), "there is no such auction");
	assert_eq!(tell(ben, bid(2), 10), "");
	assert_eq!(tell(recorder, verdict(1, true), 0), "there is no such auction");
	let top = world
		.entry(&auctioneer, &AUCTIONS, &0)
		.and_then(|auction| auction.top);
	assert_eq!(
		top,
		Some(Bid {
			bidder: ben,
			amount: 10
		})
	);
	let balances = [seller, ann, ben, auctioneer].map(|account| world.balance(&account));
	assert_eq!(balances, [110, 90, 90, 10]);
	let paid = world
		.received(&seller)
		.last()
		.and_then(|message| message.decode());
	assert_eq!(paid, Some(Payment::Proceeds { kitty: 0, sale: 1 }));
}

#[test]
fn the_recorder_takes_each_result_once_and_none_after_the_last() {
	let mut world = World::new(1);
	let [collector, first, second, third, ann, ben] =
		["collector", "first", "second", "third", "ann", "ben"].map(|name| world.user(1, name, 0));
	let recorder = world.create::<kitties_recorder::Recorder>(&collector, &Recorder::Start { collector }, 0);
	let mut tell = |from: Address, message: Recorder| {
		let refusal = refusal(&mut world, &from, &recorder, &message, 0);
		let told: Vec<(Sale, Option<Address>)> = world
			.received(&collector)
			.iter()
			.filter_map(|message| match message.decode() {
				Some(Collector::Sold { sale, winner, .. }) => Some((sale, winner)),
				_ => None,
			})
			.collect();
		(refusal.unwrap_or_default(), told)
	};
	let found = Recorder::Found {
		auctioneers: vec![first, second, third],
	};
	assert_eq!(tell(collector, found.clone()).0, "");
	assert_eq!(tell(collector, found).0, "the actors are named already");
	let result = |sale, shares, bidder: Address, amount| Recorder::Result {
		kitty: 0,
		sale,
		shares,
		top: Some(Bid { bidder, amount }),
	};
	assert_eq!(
		tell(ann, result(1, 2, ann, 99)).0,
		"only an auctioneer may do that"
	);
	for shares in [0, 4] {
		assert_eq!(
			tell(first, result(1, shares, ann, 5)).0,
			"there are not as many auctioneers"
		);
	}
	assert_eq!(tell(first, result(1, 2, ann, 5)).0, "");
	assert_eq!(tell(first, result(1, 2, ann, 50)).0, "the result is known");
	assert_eq!(
		tell(second, result(1, 3, ben, 7)).0,
		"other auctioneers know of another sale"
	);
	let announce = |sale| Recorder::Announce { kitty: 0, sale };
	assert_eq!(tell(ann, announce(1)).0, "results are missing");
	assert_eq!(
		tell(second, result(1, 2, ben, 7)),
		(String::new(), vec![(1, Some(ben))])
	);
	assert_eq!(tell(third, result(1, 2, ann, 99)).0, "that sale is over");
	// Another sale doesn't make the first one forgotten.
	assert_eq!(
		tell(third, result(2, 1, ann, 1)).1,
		[(1, Some(ben)), (2, Some(ann))]
	);
	assert_eq!(
		tell(ann, announce(1)).1,
		[(1, Some(ben)), (2, Some(ann)), (1, Some(ben))]
	);
}
