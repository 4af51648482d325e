//! Which messages fit which, as a table, and what the real codec says of it.
#![allow(dead_code)] // Many types are there for their description only.

mod common;

use asterism_interface::{connect, substitutes, Deadline, Interface, Misfit, ServiceLevel, Valid, Why};
use codec::{Compact, DecodeAll, Encode};
use common::*;
use scale_info::{form::PortableForm, Type, TypeDefPrimitive, TypeInfo};
use std::{
	collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque},
	num::{NonZeroU32, NonZeroU8},
	time::Duration,
};

/// Types as the accepting actor describes them.
mod there {
	use codec::{Compact, Decode, Encode};
	use scale_info::TypeInfo;

	#[derive(Encode, Decode, TypeInfo)]
	pub struct Bid {
		pub kitty: Kitty,
		pub price: u128,
	}

	#[derive(Encode, Decode, TypeInfo)]
	pub struct Kitty {
		pub id: u64,
		pub genes: [u8; 32],
	}

	#[derive(Encode, Decode, TypeInfo)]
	pub enum Event {
		Born(Kitty),
		Sold { price: u128 },
		Gone,
	}

	#[derive(Encode, Decode, TypeInfo)]
	pub struct Tree {
		pub label: Compact<u64>,
		pub children: Vec<Tree>,
	}

	#[derive(Encode, Decode, TypeInfo)]
	pub enum List {
		End,
		Item(u8, Box<List>),
		Skip(Box<List>),
	}

	/// Just a name for a number.
	#[derive(Encode, Decode, TypeInfo)]
	pub struct Metres(pub u32);
}

/// Types as emitting actors describe them.
mod here {
	use codec::{Compact, Decode, Encode};
	use scale_info::TypeInfo;

	#[derive(Encode, Decode, TypeInfo)]
	pub struct Offer {
		pub kitty: Cat,
		pub price: u128,
	}

	#[derive(Encode, Decode, TypeInfo)]
	pub struct Cat {
		pub id: u64,
		pub genes: [u8; 32],
	}

	#[derive(Encode, Decode, TypeInfo)]
	pub enum OnlySold {
		#[codec(index = 1)]
		Sold { price: u128 },
	}

	#[derive(Encode, Decode, TypeInfo)]
	pub struct Bush {
		pub label: Compact<u8>,
		pub children: Vec<Twig>,
	}

	/// The same again, unfolded once more.
	#[derive(Encode, Decode, TypeInfo)]
	pub struct Twig {
		pub label: Compact<u16>,
		pub children: Vec<Bush>,
	}

	#[derive(Encode, Decode, TypeInfo)]
	pub enum Chain {
		End,
		Item(u8, Box<OtherChain>),
	}

	#[derive(Encode, Decode, TypeInfo)]
	pub enum OtherChain {
		End,
		Item(u8, Box<Chain>),
	}

	/// Where it differs is three unfoldings away.
	#[derive(Encode, Decode, TypeInfo)]
	pub enum Knot {
		End,
		Item(u8, Box<Knot2>),
	}

	#[derive(Encode, Decode, TypeInfo)]
	pub enum Knot2 {
		End,
		Item(u8, Box<Knot3>),
	}

	#[derive(Encode, Decode, TypeInfo)]
	pub enum Knot3 {
		End,
		Item(u16, Box<Knot>),
	}
}

fn actor<A: TypeInfo + 'static, E: TypeInfo + 'static>() -> Valid<Interface> {
	Interface::builder()
		.accepts::<A>("bid")
		.emits::<E>("offer")
		.build()
		.unwrap()
}

/// The verdict on an emitted and an accepted type.
fn verdict<E: TypeInfo + 'static, A: TypeInfo + 'static>() -> String {
	match connect(&actor::<(), E>(), "offer", &actor::<A, ()>(), "bid") {
		Ok(()) => "fits".into(),
		Err(misfit) => misfit.to_string(),
	}
}

macro_rules! table {
	($($emitted:ty => $accepted:ty: $verdict:literal;)*) => {
		$(assert_eq!(
			verdict::<$emitted, $accepted>(),
			$verdict,
			"{} => {}",
			stringify!($emitted),
			stringify!($accepted)
		);)*
	};
}

#[test]
fn primitive_types_are_themselves() {
	table! {
		u32 => u32: "fits";
		u32 => u64: "accepts.bid: expected u64, found u32";
		u64 => u32: "accepts.bid: expected u32, found u64";
		u32 => i32: "accepts.bid: expected i32, found u32";
		u8 => bool: "accepts.bid: expected bool, found u8";
		bool => u8: "accepts.bid: expected u8, found bool";
		u32 => char: "accepts.bid: expected char, found u32";
		String => String: "fits";
		&'static str => String: "fits";
		String => Vec<u8>: "accepts.bid: expected sequence, found str";
		Vec<u8> => String: "accepts.bid: expected str, found sequence";
		() => (): "fits";
		() => u8: "accepts.bid: expected u8, found unit";
	}
}

#[test]
fn compact_integers_may_be_widened() {
	table! {
		Compact<u8> => Compact<u128>: "fits";
		Compact<u32> => Compact<u64>: "fits";
		Compact<u64> => Compact<u32>: "accepts.bid: expected compact u32, found compact u64";
		Compact<u32> => u32: "accepts.bid: expected u32, found compact u32";
		u32 => Compact<u32>: "accepts.bid: expected compact u32, found u32";
		Vec<(Compact<u16>,)> => VecDeque<Compact<u32>>: "fits";
	}
	// As the codec has it.
	for number in (0..=u16::MAX).chain([0x3f, 0x40, 0x3fff, 0x4000]) {
		let bytes = Compact(number).encode();
		assert_eq!(
			Compact::<u32>::decode_all(&mut &bytes[..]),
			Ok(Compact(number.into()))
		);
		assert_eq!(
			Compact::<u128>::decode_all(&mut &bytes[..]),
			Ok(Compact(number.into()))
		);
	}
	for number in [0, 1 << 29, (1 << 30) - 1, 1 << 30, u32::MAX] {
		let bytes = Compact(number).encode();
		assert_eq!(
			Compact::<u64>::decode_all(&mut &bytes[..]),
			Ok(Compact(number.into()))
		);
		assert_eq!(
			Compact::<u128>::decode_all(&mut &bytes[..]),
			Ok(Compact(number.into()))
		);
	}
	for shift in 0..64 {
		let bytes = Compact(u64::MAX >> shift).encode();
		assert_eq!(
			Compact::<u128>::decode_all(&mut &bytes[..]),
			Ok(Compact((u64::MAX >> shift).into()))
		);
	}
}

#[test]
fn structs_have_the_same_fields() {
	#[derive(TypeInfo)]
	struct Short {
		id: u32,
		genes: [u8; 32],
	}
	#[derive(TypeInfo)]
	struct ShortBid {
		kitty: Short,
		price: u128,
	}
	#[derive(TypeInfo)]
	struct Cheap {
		kitty: there::Kitty,
	}
	#[derive(TypeInfo)]
	struct Turned {
		price: u128,
		kitty: there::Kitty,
	}
	#[derive(TypeInfo)]
	struct Long {
		kitty: there::Kitty,
		price: u128,
		note: Option<String>,
	}
	#[derive(TypeInfo)]
	struct Late {
		at: u32,
		kitty: there::Kitty,
		price: u128,
	}
	#[derive(TypeInfo)]
	struct Renamed {
		kitty: there::Kitty,
		amount: u128,
	}
	#[derive(TypeInfo)]
	struct Costly {
		price: u128,
	}
	#[derive(TypeInfo)]
	struct Raw {
		r#type: u8,
	}
	#[derive(TypeInfo)]
	struct Pair(there::Kitty, u128);

	table! {
		here::Offer => there::Bid: "fits";
		there::Bid => here::Offer: "fits";
		ShortBid => there::Bid: "accepts.bid.kitty.id: expected u64, found u32";
		Cheap => there::Bid: "accepts.bid.price: missing";
		there::Bid => Cheap: "accepts.bid.price: not accepted";
		Long => there::Bid: "accepts.bid.note: not accepted";
		Late => there::Bid: "accepts.bid.at: not accepted";
		Costly => there::Bid: "accepts.bid.kitty: missing";
		Turned => there::Bid: "accepts.bid.kitty: expected the name kitty, found price";
		Renamed => there::Bid: "accepts.bid.price: expected the name price, found amount";
		Pair => there::Bid: "accepts.bid: expected struct, found tuple";
		Pair => (here::Cat, u128): "fits";
		(here::Cat, u128) => Pair: "fits";
		Pair => (here::Cat, u64): "accepts.bid.1: expected u64, found u128";
		Pair => (here::Cat,): "accepts.bid: expected struct, found tuple";
		Pair => (here::Cat, u128, u8): "accepts.bid.2: missing";
		(here::Cat, u128, u8) => Pair: "accepts.bid.2: not accepted";
		Costly => (u128, u128): "accepts.bid: expected tuple, found struct";
		Costly => u128: "accepts.bid: expected u128, found struct";
		() => Costly: "accepts.bid.price: missing";
		Costly => (): "accepts.bid.price: not accepted";
		Raw => Raw: "fits";
		Raw => Costly: "accepts.bid.price: expected the name price, found type";
	}
}

#[test]
fn wrappers_are_what_they_wrap() {
	table! {
		u32 => there::Metres: "fits";
		there::Metres => u32: "fits";
		(there::Metres,) => ((u32,),): "fits";
		Vec<there::Metres> => BinaryHeap<u32>: "accepts.bid: expected BinaryHeap, found sequence";
		Vec<there::Metres> => Vec<u64>: "accepts.bid[]: expected u64, found u32";
		Box<u8> => u8: "fits";
	}
}

#[test]
fn enums_may_emit_less() {
	#[derive(TypeInfo)]
	enum Moved {
		Gone,
		Sold { price: u128 },
	}
	#[derive(TypeInfo)]
	enum Other {
		#[codec(index = 1)]
		Bought { price: u128 },
	}
	#[derive(TypeInfo)]
	enum More {
		Lost = 7,
	}
	#[derive(TypeInfo)]
	enum Narrow {
		#[codec(index = 1)]
		Sold { price: u64 },
	}
	#[derive(TypeInfo)]
	enum Tupled {
		#[codec(index = 1)]
		Sold(u128),
	}
	#[derive(TypeInfo)]
	enum Taxed {
		#[codec(index = 1)]
		Sold { price: u128, tax: u128 },
	}
	#[derive(TypeInfo)]
	enum Unsorted {
		#[codec(index = 9)]
		B,
		#[codec(index = 3)]
		A,
	}
	#[derive(TypeInfo)]
	enum Sorted {
		#[codec(index = 3)]
		A,
		#[codec(index = 9)]
		B,
	}
	#[derive(TypeInfo)]
	enum Never {}

	table! {
		there::Event => there::Event: "fits";
		here::OnlySold => there::Event: "fits";
		there::Event => here::OnlySold: "accepts.bid.Born: not accepted";
		Moved => there::Event: "accepts.bid.Gone: expected the index 2, found 0";
		Other => there::Event: "accepts.bid.Sold: expected the name Sold, found Bought";
		More => there::Event: "accepts.bid.Lost: not accepted";
		Narrow => there::Event: "accepts.bid.Sold.price: expected u128, found u64";
		Tupled => there::Event: "accepts.bid.Sold.price: expected the name price, found 0";
		Taxed => there::Event: "accepts.bid.Sold.tax: not accepted";
		Unsorted => Sorted: "fits";
		Sorted => Unsorted: "fits";
		Never => there::Event: "fits";
		there::Event => Never: "accepts.bid.Born: not accepted";
		Option<u8> => Option<u8>: "fits";
		Option<u8> => Option<u16>: "accepts.bid.Some.0: expected u16, found u8";
		u8 => Option<u8>: "accepts.bid: expected enum, found u8";
		Result<u8, ()> => Result<u8, ()>: "fits";
		Result<u8, String> => Result<u8, u8>: "accepts.bid.Err.0: expected u8, found str";
		Option<here::OnlySold> => Option<there::Event>: "fits";
		Result<u8, ()> => Option<u8>: "accepts.bid.None: expected the name None, found Ok";
	}
}

#[test]
fn lists_have_fitting_elements() {
	table! {
		Vec<u8> => VecDeque<u8>: "fits";
		Vec<here::Cat> => Vec<there::Kitty>: "fits";
		Vec<Vec<u8>> => Vec<Vec<bool>>: "accepts.bid[][]: expected bool, found u8";
		[u8; 32] => [u8; 32]: "fits";
		[u8; 20] => [u8; 32]: "accepts.bid: expected array of 32, found array of 20";
		[u8; 32] => Vec<u8>: "accepts.bid: expected sequence, found array of 32";
		[Compact<u8>; 2] => [Compact<u32>; 2]: "fits";
		(u8, u8) => [u8; 2]: "accepts.bid: expected array of 2, found tuple";
	}
}

#[test]
fn refined_types_of_the_standard_library_fit_one_way() {
	table! {
		NonZeroU32 => u32: "fits";
		u32 => NonZeroU32: "accepts.bid: expected NonZeroU32, found u32";
		NonZeroU32 => NonZeroU32: "fits";
		NonZeroU8 => NonZeroU32: "accepts.bid: expected NonZeroU32, found NonZeroU8";
		NonZeroU8 => u32: "accepts.bid: expected u32, found u8";
		BTreeSet<u8> => Vec<u8>: "fits";
		Vec<u8> => BTreeSet<u8>: "accepts.bid: expected BTreeSet, found sequence";
		BTreeSet<here::OnlySold> => BTreeSet<there::Event>: "fits";
		BTreeMap<u8, here::Cat> => BTreeMap<u8, there::Kitty>: "fits";
		BTreeMap<u8, u8> => Vec<(u8, u8)>: "fits";
		BTreeMap<u8, u8> => BTreeMap<u8, u16>: "accepts.bid[].1: expected u16, found u8";
		BTreeMap<u8, u8> => BTreeSet<(u8, u8)>: "accepts.bid: expected BTreeSet, found BTreeMap";
		Duration => Duration: "fits";
		Duration => (u64, u32): "fits";
		(u64, u32) => Duration: "accepts.bid: expected Duration, found tuple";
		Option<(NonZeroU8,)> => Option<u8>: "fits";
	}
	// As the codec has it.
	assert!(NonZeroU32::decode_all(&mut &0u32.encode()[..]).is_err());
	assert!(Duration::decode_all(&mut &(0u64, u32::MAX).encode()[..]).is_err());
}

#[test]
fn recursive_types_fit_if_no_unfolding_doesn_t() {
	table! {
		there::Tree => there::Tree: "fits";
		here::Bush => there::Tree: "fits";
		there::Tree => here::Bush: "accepts.bid.label: expected compact u8, found compact u64";
		here::Chain => there::List: "fits";
		here::Chain => here::OtherChain: "fits";
		there::List => here::Chain: "accepts.bid.Skip: not accepted";
		here::Knot => there::List: "accepts.bid.Item.1.Item.1.Item.0: expected u8, found u16";
		here::Bush => here::Bush: "fits";
		here::Twig => here::Bush: "accepts.bid.label: expected compact u8, found compact u16";
	}
}

#[test]
fn bit_sequences_have_the_same_store_and_order() {
	let of = |store: TypeDefPrimitive, order: &str| -> Valid<Interface> {
		let types: Vec<Type<PortableForm>> =
			vec![of(bits(1, 2)), of(store), called(order, composite(vec![]))];
		interface(types).validate().unwrap()
	};
	let (small, large) = (
		of(TypeDefPrimitive::U8, "Lsb0"),
		of(TypeDefPrimitive::U16, "Lsb0"),
	);
	let turned = of(TypeDefPrimitive::U8, "Msb0");
	assert_eq!(connect(&small, "m", &small, "m"), Ok(()));
	for (a, b, expected) in [
		(
			&large,
			&small,
			"accepts.m: expected bit sequence of u8 Lsb0, found bit sequence of u16 Lsb0",
		),
		(
			&small,
			&turned,
			"accepts.m: expected bit sequence of u8 Msb0, found bit sequence of u8 Lsb0",
		),
	] {
		assert_eq!(connect(a, "m", b, "m").unwrap_err().to_string(), expected);
	}
}

/// What fits decodes.
#[test]
fn the_codec_agrees() {
	fn as_accepted<A: codec::Decode>(emitted: impl Encode) -> A {
		A::decode_all(&mut &emitted.encode()[..]).unwrap()
	}
	let offer = here::Offer {
		kitty: here::Cat {
			id: 7,
			genes: [3; 32],
		},
		price: 9,
	};
	let bid: there::Bid = as_accepted(offer);
	assert_eq!((bid.kitty.id, bid.kitty.genes, bid.price), (7, [3; 32], 9));
	let event: there::Event = as_accepted(here::OnlySold::Sold { price: 5 });
	assert!(matches!(event, there::Event::Sold { price: 5 }));
	let tree: there::Tree = as_accepted(here::Bush {
		label: Compact(200),
		children: vec![here::Twig {
			label: Compact(40_000),
			children: vec![],
		}],
	});
	assert_eq!(
		(tree.label, tree.children[0].label),
		(Compact(200), Compact(40_000))
	);
	let list: there::List = as_accepted(here::Chain::Item(1, Box::new(here::OtherChain::End)));
	assert!(matches!(list, there::List::Item(1, rest) if matches!(*rest, there::List::End)));
	let metres: there::Metres = as_accepted(4u32);
	assert_eq!(metres.0, 4);
	assert_eq!(
		as_accepted::<Vec<(u8, u8)>>(BTreeMap::from([(1u8, 2u8)])),
		vec![(1, 2)]
	);
}

#[test]
fn messages_are_found_by_name() {
	let (a, b) = (actor::<(), u8>(), actor::<u8, ()>());
	assert_eq!(
		connect(&a, "bid", &b, "bid").unwrap_err().to_string(),
		"emits.bid: missing"
	);
	assert_eq!(
		connect(&a, "offer", &b, "offer").unwrap_err().to_string(),
		"accepts.offer: missing"
	);
}

fn level(price: u128, deadline: Option<Deadline>) -> Option<ServiceLevel> {
	Some(ServiceLevel { price, deadline })
}

#[test]
fn an_actor_is_replaced_by_one_that_accepts_more_and_emits_less() {
	fn of<Bid: TypeInfo + 'static, Event: TypeInfo + 'static>() -> Valid<Interface> {
		Interface::builder()
			.accepts::<Bid>("bid")
			.emits::<Event>("event")
			.build()
			.unwrap()
	}
	let said = |new: &Valid<Interface>, old: &Valid<Interface>| match substitutes(new, old) {
		Ok(()) => "yes".into(),
		Err(misfit) => misfit.to_string(),
	};
	let old = of::<Compact<u32>, there::Event>();
	assert_eq!(said(&old, &old), "yes");
	assert_eq!(said(&of::<Compact<u64>, here::OnlySold>(), &old), "yes");
	assert_eq!(
		said(&of::<Compact<u16>, there::Event>(), &old),
		"accepts.bid: expected compact u16, found compact u32"
	);
	assert_eq!(
		said(&old, &of::<Compact<u32>, here::OnlySold>()),
		"emits.event.Born: not accepted"
	);
	let more = Interface::builder()
		.accepts::<u8>("cancel")
		.accepts::<Compact<u32>>("bid")
		.build()
		.unwrap();
	assert_eq!(said(&more, &old), "yes");
	assert_eq!(said(&old, &more), "accepts.cancel: missing");
	let talkative = Interface::builder()
		.accepts::<Compact<u32>>("bid")
		.emits::<there::Event>("event")
		.emits::<u8>("gossip")
		.build()
		.unwrap();
	assert_eq!(said(&talkative, &old), "emits.gossip: not accepted");
	assert_eq!(said(&old, &talkative), "yes");
}

#[test]
fn an_actor_is_not_replaced_by_one_of_worse_service() {
	use Deadline::*;
	let of = |service: Option<ServiceLevel>| {
		let mut interface = actor::<u8, u8>().into_inner();
		interface.service = service;
		interface.validate().unwrap()
	};
	for (new, old, expected) in [
		(None, None, "yes"),
		(level(0, None), None, "yes"),
		(level(0, Some(Blocks(1))), None, "yes"),
		(None, level(0, None), "yes"),
		(None, level(5, None), "yes"),
		(level(5, None), level(5, None), "yes"),
		(level(1, None), None, "service.price: expected at most 0, found 1"),
		(
			level(6, None),
			level(5, None),
			"service.price: expected at most 5, found 6",
		),
		(level(5, Some(Blocks(2))), level(5, Some(Blocks(2))), "yes"),
		(
			level(5, Some(Blocks(3))),
			level(5, Some(Blocks(2))),
			"service.deadline: expected at most 2 blocks, found 3 blocks",
		),
		(
			level(5, Some(Milliseconds(3))),
			level(5, Some(Milliseconds(2))),
			"service.deadline: expected at most 2 ms, found 3 ms",
		),
		(
			level(5, Some(Milliseconds(3))),
			level(5, Some(Blocks(2))),
			"service.deadline: expected at most 2 blocks, found 3 ms",
		),
		(
			None,
			level(5, Some(Milliseconds(2))),
			"service.deadline: expected at most 2 ms, found none",
		),
	] {
		let verdict =
			substitutes(&of(new), &of(old)).map_or_else(|misfit| misfit.to_string(), |()| "yes".into());
		assert_eq!(verdict, expected, "{new:?} for {old:?}");
	}
}

/// Enums that refer to each other in a circle.
fn circle(length: u32) -> Valid<Interface> {
	let types = (0..length).map(|id| {
		of(variants(vec![
			variant("End", 0, vec![]),
			variant("Next", 1, vec![field(None, (id + 1) % length)]),
		]))
	});
	let mut interface = interface(types.collect());
	// Messages of their own, lest some are too deep.
	for list in [&mut interface.accepts, &mut interface.emits] {
		list.truncate(0);
		for (number, ty) in (0..length).step_by(30).enumerate() {
			list.push(asterism_interface::MessageType {
				name: format!("m{number}"),
				ty,
			});
		}
	}
	interface.validate().unwrap()
}

#[test]
fn types_that_are_too_intricate_are_refused() {
	let (a, b) = (circle(256), circle(255));
	assert_eq!(connect(&a, "m0", &a, "m0"), Ok(()));
	let misfit = connect(&a, "m0", &b, "m0").unwrap_err();
	assert_eq!(misfit.why, Why::TooComplex);
	assert!(misfit.path.len() < 500, "{}", misfit.path);
	assert!(misfit.path.contains(" more)"), "{}", misfit.path);
	assert_eq!(connect(&circle(63), "m0", &circle(64), "m0"), Ok(()));
}

#[test]
fn a_misfit_has_an_encoding() {
	let misfit = connect(&actor::<(), u8>(), "offer", &actor::<u16, ()>(), "bid").unwrap_err();
	assert_eq!(Misfit::decode_all(&mut &misfit.encode()[..]), Ok(misfit));
}
