//! Markets of kitties on three chains, with users on all of them.

use asterism_actor::{
	asterism_interface::connect,
	ensure, interface,
	testing::{gas, Random, World},
	Actor, Address, Context, Kind, Refusal,
};
use codec::{Decode, Encode};
use kitties::{Auctioneer, Bid, Collector, Kitty, Lot, Payment, Recorder, Sale};
use kitties_auctioneer::{AUCTIONS, UNCLAIMED};
use kitties_collector::{Record, KITTIES};
use kitties_recorder::TALLIES;
use std::collections::BTreeMap;

const CHAINS: u32 = 3;
/// Blocks that auctions are open.
const BLOCKS: u32 = 100;

/// The collector is on chain 1, the recorder on chain 2, and an auctioneer on each chain.
struct Market {
	world: World,
	founder: Address,
	collector: Address,
	recorder: Address,
	auctioneers: Vec<Address>,
}

impl Market {
	fn new() -> Self {
		let mut world = World::new(CHAINS);
		let founders: Vec<Address> = (1..=CHAINS)
			.map(|chain| world.user(chain, "founder", 0))
			.collect();
		let collector = world.create::<kitties_collector::Collector>(&founders[0], &Collector::Start, 0);
		let start = Recorder::Start { collector };
		let recorder = world.create::<kitties_recorder::Recorder>(&founders[1], &start, 0);
		let start = Auctioneer::Start { collector, recorder };
		let auctioneers: Vec<Address> = founders
			.iter()
			.map(|founder| world.create::<kitties_auctioneer::Auctioneer>(founder, &start, 0))
			.collect();
		let named = Collector::Found {
			recorder,
			auctioneers: auctioneers.clone(),
		};
		world.send(&founders[0], &collector, &named, 0);
		let named = Recorder::Found {
			auctioneers: auctioneers.clone(),
		};
		world.send(&founders[1], &recorder, &named, 0);
		world.run();
		Self {
			world,
			founder: founders[0],
			collector,
			recorder,
			auctioneers,
		}
	}

	fn tell(&mut self, from: Address, to: Address, message: &impl Encode) {
		self.world.send(&from, &to, message, 0);
		self.world.run();
		self.world.assert_conserved();
	}

	/// Why a message is refused; none if it isn't.
	fn refusal(&mut self, from: Address, to: Address, message: &impl Encode, value: u128) -> Option<String> {
		let before = self.world.received(&from).len();
		self.world.send(&from, &to, message, value);
		self.world.run();
		self.world.assert_conserved();
		let received = &self.world.received(&from)[before..];
		received.iter().find_map(|message| message.refusal())
	}

	fn breed(&mut self, owner: Address) {
		self.tell(self.founder, self.collector, &Collector::Breed { owner });
	}

	/// The owner offers a kitty for sale by some of the auctioneers, and those get it.
	fn sell(&mut self, kitty: Kitty, reserve: u128, shares: &[usize]) {
		let owner = self.record(kitty).owner;
		let offer = self.offer(kitty, reserve, shares);
		self.tell(owner, self.collector, &offer);
		for share in shares {
			self.tell(
				self.founder,
				self.auctioneers[*share],
				&Auctioneer::Request { kitty },
			);
		}
	}

	fn offer(&self, kitty: Kitty, reserve: u128, shares: &[usize]) -> Collector {
		Collector::Sell {
			kitty,
			reserve,
			blocks: BLOCKS,
			auctioneers: shares.iter().map(|share| self.auctioneers[*share]).collect(),
		}
	}

	/// Why a bid is refused; none if it isn't.
	fn bid(
		&mut self,
		bidder: Address,
		share: usize,
		kitty: Kitty,
		sale: Sale,
		amount: u128,
	) -> Option<String> {
		self.refusal(
			bidder,
			self.auctioneers[share],
			&Auctioneer::Bid { kitty, sale },
			amount,
		)
	}

	fn close(&mut self, kitty: Kitty, shares: &[usize]) {
		for share in shares {
			self.tell(
				self.founder,
				self.auctioneers[*share],
				&Auctioneer::Close { kitty },
			);
		}
	}

	fn pass_blocks(&mut self, blocks: u32) {
		(1..=CHAINS).for_each(|chain| self.world.advance(chain, blocks));
	}

	fn record(&self, kitty: Kitty) -> Record {
		self.world
			.entry(&self.collector, &KITTIES, &kitty)
			.expect("there is the kitty")
	}

	fn users<const N: usize>(&mut self, names: [&str; N], balance: u128) -> [Address; N] {
		let mut chain = 0;
		names.map(|name| {
			chain = chain % CHAINS + 1;
			self.world.user(chain, name, balance)
		})
	}
}

/// A bid that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sent {
	kitty: Kitty,
	share: usize,
	bid: Bid,
}

/// A thousand bids for fifty kitties, the first of which is auctioned on three chains, arriving in an order of the seed.
/// The winners have to be those that are computed from nothing but the bids, and which of them came back as what.
fn auction_fifty_kitties(seed: u64) {
	const KITTIES_FOR_SALE: u32 = 50;
	const BIDS: usize = 1_000;
	const WEALTH: u128 = 1_000_000;
	let mut random = Random::new(seed);
	let mut market = Market::new();
	let sellers: Vec<Address> = (0..10)
		.map(|seller| {
			market
				.world
				.user(seller % CHAINS + 1, &format!("seller {seller}"), 0)
		})
		.collect();
	let bidders: Vec<Address> = (0..30)
		.map(|bidder| {
			market
				.world
				.user(bidder % CHAINS + 1, &format!("bidder {bidder}"), WEALTH)
		})
		.collect();

	let mut for_sale = Vec::new();
	for kitty in 0..KITTIES_FOR_SALE {
		let seller = sellers[random.below(10) as usize];
		market.breed(seller);
		let shares = match kitty {
			0 => vec![0, 1, 2],
			_ => vec![random.below(3) as usize],
		};
		let reserve = u128::from(random.below(300));
		market.sell(kitty, reserve, &shares);
		for_sale.push((seller, reserve, shares));
	}

	let mut sent = Vec::new();
	for number in 0..BIDS {
		if number == BIDS * 9 / 10 {
			// On one chain time is over; what is under way to it, and what is sent from now on, is late.
			market.world.advance(3, BLOCKS);
		}
		let kitty = if random.below(5) == 0 {
			0
		} else {
			random.below(KITTIES_FOR_SALE.into()) as u32
		};
		let shares = &for_sale[kitty as usize].2;
		let share = shares[random.below(shares.len() as u64) as usize];
		let bid = Bid {
			bidder: bidders[random.below(30) as usize],
			amount: random.below(1_000).into(),
		};
		market.world.send(
			&bid.bidder,
			&market.auctioneers[share],
			&Auctioneer::Bid { kitty, sale: 1 },
			bid.amount,
		);
		sent.push(Sent { kitty, share, bid });
		for _ in 0..random.below(6) {
			market.world.deliver_any(&mut random);
		}
		market.world.assert_conserved();
	}
	market.world.run_shuffled(&mut random);

	// What came back: late bids don't count, and the others that came back must not have been the highest.
	let (mut in_time, mut taken) = (sent.clone(), sent);
	let mut reasons = BTreeMap::<String, u32>::new();
	for bidder in &bidders {
		for message in market.world.received(bidder) {
			let Some(reason) = message.refusal() else {
				let paid = message.decode::<Payment>();
				assert!(
					matches!(paid, Some(Payment::Outbid { sale: 1, .. })),
					"{message:?}"
				);
				continue;
			};
			let Some(Auctioneer::Bid { kitty, sale: 1 }) = message.decode() else {
				panic!("{message:?}");
			};
			let share = market.auctioneers.iter().position(|other| *other == message.from);
			let back = Sent {
				kitty,
				share: share.unwrap(),
				bid: Bid {
					bidder: *bidder,
					amount: message.value,
				},
			};
			let forget = |bids: &mut Vec<Sent>| {
				let place = bids.iter().position(|bid| *bid == back);
				bids.swap_remove(place.expect("what came back was sent"));
			};
			forget(&mut taken);
			if reason == "the auction is over" {
				forget(&mut in_time);
			}
			*reasons.entry(reason).or_default() += 1;
		}
	}
	let reasons: Vec<&str> = reasons.keys().map(|reason| &reason[..]).collect();
	let all = [
		"the auction is over",
		"the bid is below the reserve",
		"there is a bid as high",
	];
	assert_eq!(reasons, all, "seed {seed}");

	// Anybody closes the auctions, more than once, in any order.
	market.pass_blocks(BLOCKS);
	let mut closings: Vec<(Kitty, usize)> = (0..)
		.zip(&for_sale)
		.flat_map(|(kitty, (_, _, shares))| shares.iter().map(move |share| (kitty, *share)))
		.flat_map(|closing| [closing; 2])
		.collect();
	while !closings.is_empty() {
		let (kitty, share) = closings.swap_remove(random.below(closings.len() as u64) as usize);
		let to = market.auctioneers[share];
		market
			.world
			.send(&market.founder, &to, &Auctioneer::Close { kitty }, 0);
		for _ in 0..random.below(6) {
			market.world.deliver_any(&mut random);
		}
	}
	market.world.run_shuffled(&mut random);
	market.world.assert_conserved();

	let mut balances: BTreeMap<Address, u128> = bidders.iter().map(|bidder| (*bidder, WEALTH)).collect();
	for (kitty, (seller, reserve, shares)) in (0..).zip(&for_sale) {
		let of = |bids: &[Sent], share: usize| -> Vec<Bid> {
			let bids = bids
				.iter()
				.filter(|sent| sent.kitty == kitty && sent.share == share);
			bids.map(|sent| sent.bid)
				.filter(|bid| bid.amount > 0 && bid.amount >= *reserve)
				.collect()
		};
		let highest = |share: &usize| of(&in_time, *share).iter().map(|bid| bid.amount).max();
		let highest_of_all = shares.iter().filter_map(highest).max();
		let winner = highest_of_all.map(|amount| {
			let share = shares
				.iter()
				.filter(|share| highest(share) == Some(amount))
				.min_by_key(|share| market.auctioneers[**share])
				.expect("one of them has it");
			let winners = of(&taken, *share);
			let mut winners = winners.iter().filter(|bid| bid.amount == amount);
			let winner = winners.next().expect("the highest bid was taken");
			assert_eq!(winners.next(), None, "of equal bids, one was taken");
			*balances.entry(*seller).or_default() += amount;
			*balances.get_mut(&winner.bidder).expect("a bidder won") -= amount;
			winner.bidder
		});
		let record = market.record(kitty);
		assert_eq!(
			record.owner,
			winner.unwrap_or(*seller),
			"seed {seed}, kitty {kitty}"
		);
		assert_eq!((record.sale, record.offer), (1, None));
		for share in shares {
			let auction = market.world.entry(&market.auctioneers[*share], &AUCTIONS, &kitty);
			assert_eq!(auction, None);
		}
	}
	assert!(market
		.world
		.entry(&market.collector, &KITTIES, &KITTIES_FOR_SALE)
		.is_none());
	for (user, balance) in balances {
		assert_eq!(market.world.balance(&user), balance, "seed {seed}");
	}
	for actor in market
		.auctioneers
		.iter()
		.chain([&market.collector, &market.recorder])
	{
		assert_eq!(market.world.balance(actor), 0, "seed {seed}");
	}
}

#[test]
fn the_highest_of_a_thousand_bids_for_fifty_kitties_win() {
	(0..5).for_each(auction_fifty_kitties);
}

#[test]
fn a_kitty_changes_hands_and_the_others_are_paid_back() {
	let mut market = Market::new();
	let [seller, ann, ben] = market.users(["seller", "ann", "ben"], 100);
	market.breed(seller);
	market.sell(0, 10, &[2]);
	assert_eq!(
		market.bid(ann, 2, 0, 1, 9).as_deref(),
		Some("the bid is below the reserve")
	);
	assert_eq!(market.bid(ann, 2, 0, 1, 10), None);
	assert_eq!(market.world.balance(&ann), 90);
	assert_eq!(
		market.bid(ben, 2, 0, 1, 10).as_deref(),
		Some("there is a bid as high")
	);
	assert_eq!(market.bid(ben, 2, 0, 1, 11), None);
	assert_eq!(market.world.balance(&ann), 100);
	let paid = market.world.received(&ann).last().unwrap();
	assert_eq!(paid.decode(), Some(Payment::Outbid { kitty: 0, sale: 1 }));
	let closing = Auctioneer::Close { kitty: 0 };
	let auctioneer = market.auctioneers[2];
	assert_eq!(
		market.refusal(ann, auctioneer, &closing, 0).as_deref(),
		Some("the auction is open")
	);
	market.pass_blocks(BLOCKS);
	assert_eq!(
		market.bid(ann, 2, 0, 1, 50).as_deref(),
		Some("the auction is over")
	);
	market.close(0, &[2]);
	assert_eq!(market.record(0).owner, ben);
	assert_eq!(market.world.balance(&seller), 111);
	let paid = market.world.received(&seller).last().unwrap();
	assert_eq!(paid.decode(), Some(Payment::Proceeds { kitty: 0, sale: 1 }));
	assert_eq!(
		market.bid(ann, 2, 0, 1, 50).as_deref(),
		Some("there is no such auction")
	);
}

#[test]
fn of_equal_results_the_lower_address_wins_in_whatever_order_they_arrive() {
	for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
		let mut market = Market::new();
		let [seller, ann, ben, cid] = market.users(["seller", "ann", "ben", "cid"], 100);
		market.breed(seller);
		market.sell(0, 1, &order);
		for (share, bidder, amount) in [(0, ann, 20), (1, ben, 30), (2, cid, 30)] {
			assert_eq!(market.bid(bidder, share, 0, 1, amount), None);
		}
		market.pass_blocks(BLOCKS);
		market.close(0, &order[..2]);
		assert!(market.record(0).offer.is_some(), "a result is missing");
		market.close(0, &order[2..]);
		assert_eq!(market.record(0).owner, ben);
		let balances = [seller, ann, ben, cid].map(|user| market.world.balance(&user));
		assert_eq!(balances, [130, 100, 70, 100]);
	}
}

#[test]
fn what_nobody_bids_for_stays_its_owners() {
	let mut market = Market::new();
	let [seller, ann] = market.users(["seller", "ann"], 100);
	market.breed(seller);
	market.sell(0, 0, &[0, 1]);
	assert_eq!(
		market.bid(ann, 0, 0, 1, 0).as_deref(),
		Some("the bid is below the reserve"),
		"nothing is no bid"
	);
	market.pass_blocks(BLOCKS);
	market.close(0, &[0, 1]);
	assert_eq!((market.record(0).owner, market.record(0).offer), (seller, None));
	market.tell(seller, market.collector, &Collector::Give { kitty: 0, to: ann });
	assert_eq!(market.record(0).owner, ann);
}

#[test]
fn a_kitty_is_sold_again_and_what_belongs_to_the_sale_before_is_refused() {
	let mut market = Market::new();
	let [seller, ann, ben] = market.users(["seller", "ann", "ben"], 100);
	market.breed(seller);
	market.sell(0, 1, &[0]);
	assert_eq!(market.bid(ann, 0, 0, 1, 5), None);
	let give = Collector::Give { kitty: 0, to: ben };
	let collector = market.collector;
	assert_eq!(
		market.refusal(seller, collector, &give, 0).as_deref(),
		Some("the kitty is for sale")
	);
	let again = market.offer(0, 1, &[1]);
	assert_eq!(
		market.refusal(seller, collector, &again, 0).as_deref(),
		Some("the kitty is for sale")
	);
	market.pass_blocks(BLOCKS);
	market.close(0, &[0]);
	assert_eq!(
		market.refusal(seller, collector, &give, 0).as_deref(),
		Some("only the owner may do that")
	);

	market.sell(0, 1, &[0, 1]);
	assert_eq!(market.record(0).sale, 2);
	assert_eq!(
		market.bid(ben, 0, 0, 1, 9).as_deref(),
		Some("there is no such auction")
	);
	assert_eq!(market.bid(ben, 1, 0, 2, 9), None);
	market.pass_blocks(BLOCKS);
	market.close(0, &[0, 1]);
	assert_eq!(market.record(0).owner, ben);
	let balances = [seller, ann, ben].map(|user| market.world.balance(&user));
	assert_eq!(balances, [105, 104, 91]);
}

#[test]
fn forged_messages_are_refused() {
	let mut market = Market::new();
	let [seller, ann, eve] = market.users(["seller", "ann", "eve"], 100);
	market.breed(seller);
	market.sell(0, 1, &[0]);
	assert_eq!(market.bid(ann, 0, 0, 1, 5), None);
	let Market {
		collector,
		recorder,
		auctioneers,
		..
	} = &market;
	let (collector, recorder, auctioneers) = (*collector, *recorder, auctioneers.clone());
	let lot = Lot {
		kitty: 1,
		sale: 1,
		seller: eve,
		reserve: 1,
		blocks: 1,
		shares: 1,
	};
	let verdict = Auctioneer::Verdict {
		kitty: 0,
		sale: 1,
		won: true,
	};
	let mut auctioneer = |message: &Auctioneer, value| {
		market
			.refusal(eve, auctioneers[0], message, value)
			.unwrap_or_default()
	};
	assert_eq!(
		auctioneer(&Auctioneer::Lot(lot), 0),
		"only the collector may do that"
	);
	assert_eq!(auctioneer(&verdict, 0), "only the recorder may do that");
	assert_eq!(
		auctioneer(&Auctioneer::Start { collector, recorder }, 0),
		"the actors are named already"
	);
	assert_eq!(
		auctioneer(&Auctioneer::Claim { to: eve }, 0),
		"nothing is kept for the sender"
	);
	assert_eq!(
		auctioneer(&Auctioneer::Close { kitty: 0 }, 1),
		"this message takes no value"
	);
	assert_eq!(
		auctioneer(&Auctioneer::Close { kitty: 1 }, 0),
		"there is no such auction"
	);

	let mut told = |message: &Collector| market.refusal(eve, collector, message, 0).unwrap_or_default();
	let sold = Collector::Sold {
		kitty: 0,
		sale: 1,
		winner: Some(eve),
	};
	assert_eq!(told(&sold), "only the recorder may do that");
	assert_eq!(told(&Collector::Request { kitty: 0 }), "the seller named others");
	assert_eq!(told(&Collector::Request { kitty: 1 }), "there is no such kitty");
	assert_eq!(told(&Collector::Start), "there is a founder already");
	assert_eq!(
		told(&Collector::Breed { owner: eve }),
		"only the founder may do that"
	);
	let found = Collector::Found {
		recorder: eve,
		auctioneers: vec![eve],
	};
	assert_eq!(told(&found), "only the founder may do that");
	let give = Collector::Give { kitty: 0, to: eve };
	assert_eq!(told(&give), "only the owner may do that");

	let mut told = |message: &Recorder| market.refusal(eve, recorder, message, 0).unwrap_or_default();
	let result = Recorder::Result {
		kitty: 0,
		sale: 1,
		shares: 1,
		top: Some(Bid {
			bidder: eve,
			amount: 1_000,
		}),
	};
	assert_eq!(told(&result), "only an auctioneer may do that");
	assert_eq!(told(&Recorder::Start { collector }), "there is a founder already");
	assert_eq!(
		told(&Recorder::Found { auctioneers }),
		"only the founder may do that"
	);
	assert_eq!(
		told(&Recorder::Announce { kitty: 0, sale: 1 }),
		"there was no such sale"
	);

	market.pass_blocks(BLOCKS);
	market.close(0, &[0]);
	assert_eq!(market.record(0).owner, ann);
	assert_eq!(market.world.balance(&eve), 100);
}

#[test]
fn repetition_changes_nothing() {
	let mut market = Market::new();
	let [seller, ann] = market.users(["seller", "ann"], 100);
	market.breed(seller);
	market.sell(0, 1, &[0, 1]);
	let request = Auctioneer::Request { kitty: 0 };
	assert_eq!(market.bid(ann, 0, 0, 1, 5), None);
	market.tell(ann, market.auctioneers[0], &request);
	assert_eq!(
		market.bid(ann, 0, 0, 1, 5).as_deref(),
		Some("there is a bid as high")
	);
	market.pass_blocks(BLOCKS);
	market.close(0, &[0, 0]);
	assert_eq!(market.record(0).owner, seller, "the other result is missing");
	market.tell(ann, market.auctioneers[0], &request);
	market.close(0, &[1]);
	assert_eq!(market.record(0).owner, ann);
	for announcement in 0..2 {
		market.tell(ann, market.recorder, &Recorder::Announce { kitty: 0, sale: 1 });
		market.tell(ann, market.auctioneers[0], &request);
		market.close(0, &[0, 1]);
		assert_eq!(market.record(0).owner, ann, "announcement {announcement}");
		assert_eq!(
			(market.world.balance(&seller), market.world.balance(&ann)),
			(105, 95)
		);
	}
}

#[test]
fn what_is_lost_for_want_of_gas_is_said_again() {
	let mut market = Market::new();
	let [seller, ann] = market.users(["seller", "ann"], 100);
	market.breed(seller);
	let offer = market.offer(0, 1, &[0]);
	market.tell(seller, market.collector, &offer);
	let (auctioneer, recorder) = (market.auctioneers[0], market.recorder);
	let say = |market: &mut Market, to: Address, message: Vec<u8>, gas| {
		market.world.send_with_gas(&ann, &to, &Raw(message), 0, gas);
		market.world.run();
		market.world.assert_conserved();
	};
	// As much as the first actor needs, and too little for the next one.
	let little = gas::MESSAGE * 2;

	let request = Auctioneer::Request { kitty: 0 }.encode();
	say(&mut market, auctioneer, request.clone(), little);
	assert_eq!(
		market.bid(ann, 0, 0, 1, 5).as_deref(),
		Some("there is no such auction")
	);
	say(&mut market, auctioneer, request, gas::DEFAULT);
	assert_eq!(market.bid(ann, 0, 0, 1, 5), None);

	market.pass_blocks(BLOCKS);
	let close = Auctioneer::Close { kitty: 0 }.encode();
	say(&mut market, auctioneer, close.clone(), little);
	let tally = market.world.entry(&recorder, &TALLIES, &(0, 1));
	assert_eq!(tally, None);
	// Enough for the recorder, and too little for those that it tells.
	say(&mut market, auctioneer, close, gas::MESSAGE * 6);
	let tally = market.world.entry(&recorder, &TALLIES, &(0, 1));
	assert!(tally.is_some_and(|tally| tally.is_complete()));
	assert_eq!(market.record(0).owner, seller);
	assert_eq!(market.world.balance(&seller), 100);
	let announce = Recorder::Announce { kitty: 0, sale: 1 }.encode();
	say(&mut market, recorder, announce, gas::DEFAULT);
	assert_eq!(market.record(0).owner, ann);
	assert_eq!(market.world.balance(&seller), 105);
}

/// Bytes as they are.
struct Raw(Vec<u8>);

impl Encode for Raw {
	fn encode(&self) -> Vec<u8> {
		self.0.clone()
	}
}

/// An actor that says what users tell it to, and takes nothing from other actors.
struct Grump;

#[derive(Encode, Decode)]
struct Say {
	to: Address,
	message: Auctioneer,
	value: u128,
}

impl Actor for Grump {
	type Accepts = Say;

	fn handle(context: &mut Context, Say { to, message, value }: Say) -> Result<(), Refusal> {
		ensure!(*context.kind() == Kind::External, "go away");
		let gas = context.gas_left() / 2;
		context.send(&to, &message, value, gas)
	}

	fn paid(_: &mut Context) -> Result<(), Refusal> {
		Ok(())
	}
}

#[test]
fn who_does_not_take_a_payment_claims_it_later() {
	let mut market = Market::new();
	let [seller, ann, ben] = market.users(["seller", "ann", "ben"], 100);
	let grump = market.world.create::<Grump>(&ann, &(), 20);
	market.breed(seller);
	market.sell(0, 1, &[0]);
	let auctioneer = market.auctioneers[0];
	let bid = Say {
		to: auctioneer,
		message: Auctioneer::Bid { kitty: 0, sale: 1 },
		value: 20,
	};
	market.tell(ann, grump, &bid);
	assert_eq!(
		market.bid(ben, 0, 0, 1, 30),
		None,
		"nobody can keep others from outbidding them"
	);
	assert_eq!(market.world.balance(&grump), 0);
	assert_eq!(market.world.entry(&auctioneer, UNCLAIMED.map(), &grump), Some(20));
	market.pass_blocks(BLOCKS);
	market.close(0, &[0]);
	assert_eq!(
		(market.record(0).owner, market.world.balance(&seller)),
		(ben, 130)
	);
	let claim = Say {
		to: auctioneer,
		message: Auctioneer::Claim { to: ann },
		value: 0,
	};
	market.tell(ann, grump, &claim);
	assert_eq!(market.world.balance(&ann), 100);
	assert_eq!(market.world.balance(&auctioneer), 0);
	market.tell(ann, grump, &claim);
	assert_eq!(market.world.balance(&ann), 100);
}

#[test]
fn bad_offers_are_refused() {
	let mut market = Market::new();
	let [seller] = market.users(["seller"], 0);
	market.breed(seller);
	let nobody = Address {
		chain: 1,
		account: [9; 32],
	};
	let (collector, one) = (market.collector, market.auctioneers[0]);
	for (blocks, auctioneers, reason) in [
		(0, vec![one], "the auction has to be open for a block"),
		(1, vec![], "there has to be an auctioneer"),
		(1, vec![one, nobody], "there is no such auctioneer"),
		(1, vec![one, one], "an auctioneer is named twice"),
	] {
		let offer = Collector::Sell {
			kitty: 0,
			reserve: 0,
			blocks,
			auctioneers,
		};
		assert_eq!(
			market.refusal(seller, collector, &offer, 0).as_deref(),
			Some(reason)
		);
	}
}

#[test]
fn the_interfaces_fit_together() {
	let collector = interface::<kitties_collector::Collector>().unwrap();
	let auctioneer = interface::<kitties_auctioneer::Auctioneer>().unwrap();
	let recorder = interface::<kitties_recorder::Recorder>().unwrap();
	connect(&auctioneer, "to_collector", &collector, "collector").unwrap();
	connect(&auctioneer, "to_recorder", &recorder, "recorder").unwrap();
	connect(&collector, "to_auctioneer", &auctioneer, "auctioneer").unwrap();
	connect(&recorder, "to_auctioneer", &auctioneer, "auctioneer").unwrap();
	connect(&recorder, "to_collector", &collector, "collector").unwrap();
	assert!(connect(&recorder, "to_collector", &auctioneer, "auctioneer").is_err());
}
