//! CryptoKitties on several chains (Thinkey §5.5): what its actors say to each other.
//!
//! # Overview
//!
//! | actor | what it does |
//! |---|---|
//! | collector, one | knows whose each kitty is, and takes sellers' requests for auctions |
//! | auctioneers, one or more on any chains | hold auctions: the load of bidding is theirs |
//! | recorder, one | collects the results of an auction, and says who won |
//!
//! A hot kitty is auctioned by several auctioneers at once. Bidders choose any of them; the highest bid of all wins.
//!
//! # Flow
//!
//! ```text
//!  seller ──Sell──► collector ◄──Request── auctioneer(s) ◄──Request── anybody
//!                       │                   ▲   ▲  │
//!                       └─────── Lot ───────┘   │  │◄──Bid (value)── bidders; who is outbid is paid back
//!                                               │  │
//!                                               │  └──Result──► recorder, once the time is over and anybody says Close
//!                                            Verdict              │
//!                                               └─────────────────┤  with the results of all auctioneers
//!                       collector ◄────────── Sold ───────────────┘
//! ```
//!
//! With the verdict, the auctioneer that has the winning bid pays it to the seller, and the others pay theirs back.
//!
//! # Rules
//!
//! - Sales of a kitty are numbered. What belongs to an earlier one is refused, and so is what was said already.
//! - A bid counts if it arrives while the auction is open, is no lower than the reserve, and higher than all before it at
//!   this auctioneer: of equal bids, the first stays. Of equal results, that of the auctioneer with the lower address
//!   wins, whichever arrives first.
//! - Auctioneers say only what they heard themselves, and listen to their collector and recorder only; those listen to
//!   the auctioneers that their founder named. The founder of an actor is who sends its first message.
//! - Messages may be lost for want of gas. What moves an auction forward can be said again by anybody: `Request`, `Close`
//!   and `Announce` repeat what they led to, and repetition changes nothing.
//! - Who can't be paid has a claim: see [`Auctioneer::Claim`].
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use alloc::vec::Vec;
use asterism_actor::Address;
use codec::{Decode, Encode};
use scale_info::TypeInfo;

/// The number of a kitty, from 0.
pub type Kitty = u32;

/// The number of a kitty's sale, from 1.
pub type Sale = u32;

/// Auctioneers that there may be.
pub const MAX_AUCTIONEERS: usize = 16;

/// What the collector accepts.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum Collector {
	/// The first message. It may bring value.
	#[codec(index = 0)]
	Start,
	/// Names the other actors, once; from the founder.
	#[codec(index = 1)]
	Found {
		/// The recorder.
		recorder: Address,
		/// The auctioneers, 1 to [`MAX_AUCTIONEERS`].
		auctioneers: Vec<Address>,
	},
	/// Makes a kitty, with the next number; from the founder. It may bring value.
	#[codec(index = 2)]
	Breed {
		/// Whose it is.
		owner: Address,
	},
	/// Gives a kitty away; from its owner, unless it is for sale.
	#[codec(index = 3)]
	Give {
		/// The kitty.
		kitty: Kitty,
		/// Whose it is from now on.
		to: Address,
	},
	/// Offers a kitty for sale; from its owner.
	#[codec(index = 4)]
	Sell {
		/// The kitty.
		kitty: Kitty,
		/// The lowest bid that counts.
		reserve: u128,
		/// Blocks that each auction is open, at least 1.
		blocks: u32,
		/// The auctioneers that hold it, all different.
		auctioneers: Vec<Address>,
	},
	/// Asks for a kitty to auction; from an auctioneer that the seller named.
	#[codec(index = 5)]
	Request {
		/// The kitty.
		kitty: Kitty,
	},
	/// Tells how a sale ended; from the recorder.
	#[codec(index = 6)]
	Sold {
		/// The kitty.
		kitty: Kitty,
		/// The sale.
		sale: Sale,
		/// Whose it is from now on; none if nobody bid, and it stays its owner's.
		winner: Option<Address>,
	},
}

/// What an auctioneer accepts.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum Auctioneer {
	/// The first message. It may bring value.
	#[codec(index = 0)]
	Start {
		/// The collector.
		collector: Address,
		/// The recorder.
		recorder: Address,
	},
	/// Lets the auctioneer ask the collector for a kitty; from anybody.
	#[codec(index = 1)]
	Request {
		/// The kitty.
		kitty: Kitty,
	},
	/// Hands over a kitty to auction; from the collector.
	#[codec(index = 2)]
	Lot(Lot),
	/// Bids the value that the message brings; from anybody.
	#[codec(index = 3)]
	Bid {
		/// The kitty.
		kitty: Kitty,
		/// The sale.
		sale: Sale,
	},
	/// Ends an auction whose time is over; from anybody.
	#[codec(index = 4)]
	Close {
		/// The kitty.
		kitty: Kitty,
	},
	/// Tells whether this auctioneer has the winning bid; from the recorder.
	#[codec(index = 5)]
	Verdict {
		/// The kitty.
		kitty: Kitty,
		/// The sale.
		sale: Sale,
		/// Whether it has.
		won: bool,
	},
	/// Pays what the sender should have been paid, and didn't take.
	#[codec(index = 6)]
	Claim {
		/// Whom to pay it to.
		to: Address,
	},
}

/// A kitty to auction.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct Lot {
	/// The kitty.
	pub kitty: Kitty,
	/// The sale.
	pub sale: Sale,
	/// Whom to pay.
	pub seller: Address,
	/// The lowest bid that counts.
	pub reserve: u128,
	/// Blocks that the auction is open.
	pub blocks: u32,
	/// How many auctioneers hold it.
	pub shares: u8,
}

/// A bid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct Bid {
	/// Whose.
	pub bidder: Address,
	/// How much.
	pub amount: u128,
}

/// What the recorder accepts.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum Recorder {
	/// The first message. It may bring value.
	#[codec(index = 0)]
	Start {
		/// The collector.
		collector: Address,
	},
	/// Names the auctioneers, once; from the founder.
	#[codec(index = 1)]
	Found {
		/// The auctioneers, 1 to [`MAX_AUCTIONEERS`].
		auctioneers: Vec<Address>,
	},
	/// Tells the result of one auctioneer; from that one.
	#[codec(index = 2)]
	Result {
		/// The kitty.
		kitty: Kitty,
		/// The sale.
		sale: Sale,
		/// How many auctioneers hold it.
		shares: u8,
		/// The highest bid, if there was any.
		top: Option<Bid>,
	},
	/// Lets the recorder tell again how a sale ended; from anybody.
	#[codec(index = 3)]
	Announce {
		/// The kitty.
		kitty: Kitty,
		/// The sale.
		sale: Sale,
	},
}

/// What bidders and sellers are told, with the value that is theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub enum Payment {
	/// A bid comes back: a higher one was made.
	#[codec(index = 0)]
	Outbid {
		/// The kitty.
		kitty: Kitty,
		/// The sale.
		sale: Sale,
	},
	/// The proceeds of a sale.
	#[codec(index = 1)]
	Proceeds {
		/// The kitty.
		kitty: Kitty,
		/// The sale.
		sale: Sale,
	},
	/// What was claimed.
	#[codec(index = 2)]
	Claimed,
}
