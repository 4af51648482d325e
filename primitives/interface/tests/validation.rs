//! What makes an interface valid, and what is said of one that isn't.
#![allow(dead_code)] // Many types are there for their description only.

mod common;

use asterism_interface::*;
use codec::{Compact, DecodeAll, Encode};
use common::*;
use scale_info::{form::PortableForm, Path, Type, TypeDef, TypeDefPrimitive, TypeInfo, TypeParameter};
use std::{collections::BTreeMap, marker::PhantomData, num::NonZeroI64, time::Duration};

type Types = Vec<Type<PortableForm>>;

fn primitive() -> Type<PortableForm> {
	of(TypeDefPrimitive::U32)
}

fn fault(interface: Interface) -> String {
	match interface.validate() {
		Ok(_) => "valid".into(),
		Err(fault) => fault.to_string(),
	}
}

fn fault_of(types: Types) -> String {
	fault(interface(types))
}

/// The smallest struct with these fields around a number.
fn number_fields(fields: &[Option<&str>]) -> TypeDef<PortableForm> {
	composite(fields.iter().map(|name| field(*name, 1)).collect())
}

#[test]
fn limits_are_kept() {
	let names: Vec<String> = (0..300).map(|i| format!("a{i}")).collect();
	let message = |name: &String| MessageType {
		name: name.clone(),
		ty: 0,
	};
	let with = |accepts: usize, emits: usize| Interface {
		accepts: names.iter().take(accepts).map(message).collect(),
		emits: names.iter().take(emits).map(message).collect(),
		types: registry(vec![primitive()]),
		service: None,
	};
	assert_eq!(fault(with(MAX_MESSAGES, MAX_MESSAGES)), "valid");
	assert_eq!(
		fault(with(MAX_MESSAGES + 1, 0)),
		"accepts: expected at most 32, found 33"
	);
	assert_eq!(
		fault(with(0, MAX_MESSAGES + 1)),
		"emits: expected at most 32, found 33"
	);

	let with = |fields: usize| {
		let names: Vec<_> = names
			.iter()
			.take(fields)
			.map(|name| Some(name.as_str()))
			.collect();
		vec![of(number_fields(&names)), primitive()]
	};
	assert_eq!(fault_of(with(MAX_FIELDS)), "valid");
	assert_eq!(
		fault_of(with(MAX_FIELDS + 1)),
		"accepts.m: expected at most 32, found 33"
	);
	assert_eq!(
		fault_of(vec![of(tuple(vec![1; MAX_FIELDS + 1])), primitive()]),
		"accepts.m: expected at most 32, found 33"
	);
	let with = |count: usize| {
		let of_index = |(index, name): (usize, &String)| variant(name, index as u8, vec![]);
		let list = names.iter().take(count).enumerate().map(of_index).collect();
		vec![of(variants(list))]
	};
	assert_eq!(fault_of(with(MAX_VARIANTS)), "valid");
	assert_eq!(
		fault_of(with(MAX_VARIANTS + 1)),
		"accepts.m: expected at most 256, found 257"
	);

	let chain = |length: u32| -> Types {
		let link = |id| {
			if id + 1 == length {
				primitive()
			} else {
				of(sequence(id + 1))
			}
		};
		(0..length).map(link).collect()
	};
	assert_eq!(fault_of(chain(MAX_DEPTH + 1)), "valid");
	assert_eq!(
		fault_of(chain(MAX_DEPTH + 2)),
		format!(
			"accepts.m{}: more than 32 references away from any message",
			"[]".repeat(33)
		)
	);
	let mut many: Types = vec![of(tuple((1..=20).collect()))];
	many.extend((1..=20).map(|i| of(tuple((0..20).map(|j| 20 * i + j + 1).collect()))));
	many.extend((0..400).map(|_| primitive()));
	assert_eq!(fault_of(many), "types: expected at most 256, found 421");
}

#[test]
fn a_long_encoding_is_refused_unseen() {
	let name = |i: usize| format!("{}{i:03}", "n".repeat(MAX_NAME - 3));
	let names: Vec<String> = (0..256).map(name).collect();
	let list = names
		.iter()
		.enumerate()
		.map(|(i, name)| variant(name, i as u8, vec![]));
	let long = interface(vec![of(variants(list.collect()))]);
	let bytes = long.encode();
	assert!(bytes.len() > MAX_ENCODED);
	let expected = format!("interface: expected at most 16384 bytes, found {}", bytes.len());
	assert_eq!(Interface::from_bytes(&bytes).unwrap_err().to_string(), expected);
	assert_eq!(fault(long), expected);
	assert_eq!(
		Interface::from_bytes(&[]).unwrap_err().to_string(),
		"interface: doesn't decode"
	);
	let mut bytes = interface(vec![primitive()]).encode();
	assert!(Valid::from_bytes(&bytes).is_ok());
	bytes.push(0);
	assert_eq!(
		Valid::from_bytes(&bytes).unwrap_err().problem,
		Problem::Undecodable
	);
}

#[test]
fn names_are_good_and_unique() {
	for good in ["a", "A_9", "_", &"n".repeat(MAX_NAME)] {
		assert!(is_name(good), "{good}");
	}
	for bad in [
		"",
		"9a",
		"a.b",
		"a b",
		"größe",
		"r#type",
		"a\n",
		&"n".repeat(MAX_NAME + 1),
	] {
		assert!(!is_name(bad), "{bad}");
		let mut of_message = interface(vec![primitive()]);
		of_message.emits[0].name = bad.into();
		assert!(fault(of_message).starts_with("emits[0]: expected a name"));
		let of_field = vec![of(number_fields(&[Some("a"), Some(bad)])), primitive()];
		assert!(fault_of(of_field).starts_with("accepts.m.1: expected a name"));
		let of_variant = vec![of(variants(vec![variant(bad, 0, vec![])]))];
		assert!(fault_of(of_variant).starts_with("accepts.m.0: expected a name"));
	}
	let mut twice = interface(vec![primitive()]);
	twice.accepts.push(twice.accepts[0].clone());
	assert_eq!(fault(twice), "accepts.m: has the name of another one");
	assert_eq!(
		fault_of(vec![
			of(number_fields(&[Some("a"), Some("b"), Some("a")])),
			primitive()
		]),
		"accepts.m.a: has the name of another one"
	);
	assert_eq!(
		fault_of(vec![of(variants(vec![
			variant("V", 0, vec![]),
			variant("V", 1, vec![])
		]))]),
		"accepts.m.V: has the name of another one"
	);
	assert_eq!(
		fault_of(vec![of(number_fields(&[Some("a"), None])), primitive()]),
		"accepts.m: has fields with and without names"
	);
	assert_eq!(
		fault_of(vec![
			of(variants(vec![variant(
				"V",
				0,
				vec![field(Some("x"), 1), field(None, 1)]
			)])),
			primitive()
		]),
		"accepts.m.V: has fields with and without names"
	);
}

#[test]
fn all_types_are_there_and_of_use() {
	let mut unknown = interface(vec![primitive()]);
	unknown.emits[0].ty = 1;
	assert_eq!(fault(unknown), "emits.m: there is no type 1");
	assert_eq!(
		fault_of(vec![of(composite(vec![field(Some("x"), u32::MAX)]))]),
		"accepts.m.x: there is no type 4294967295"
	);
	assert_eq!(fault_of(vec![of(compact(7))]), "accepts.m: there is no type 7");
	assert_eq!(
		fault_of(vec![primitive(), primitive()]),
		"types[1]: no message needs it"
	);
	let mut misplaced = interface(vec![of(sequence(1)), primitive()]);
	misplaced.types.types[1].id = 0;
	assert_eq!(fault(misplaced), "types[1]: has the number 0");
	assert_eq!(
		fault(Interface {
			accepts: vec![],
			emits: vec![],
			types: registry(vec![]),
			service: None
		}),
		"valid"
	);
}

#[test]
fn ballast_is_refused_and_stripped() {
	let mut documented = primitive();
	documented.docs.push("What it is.".into());
	let mut named = primitive();
	named.path = Path::from_segments_unchecked(["there".into(), "Metres".into()]);
	let mut generic = primitive();
	generic
		.type_params
		.push(TypeParameter::new_portable("T".into(), Some(0.into())));
	for ty in [documented, named, generic] {
		let ballast = interface(vec![ty]);
		assert_eq!(
			fault(ballast.clone()),
			"accepts.m: carries what an interface has no use for"
		);
		assert_eq!(ballast.strip(), interface(vec![primitive()]));
	}
	let mut typed = field(Some("x"), 1);
	typed.type_name = Some("u32".into());
	let ballast = interface(vec![of(composite(vec![typed])), primitive()]);
	assert_eq!(
		fault(ballast.clone()),
		"accepts.m.x: carries what an interface has no use for"
	);
	assert_eq!(
		ballast.strip(),
		interface(vec![of(number_fields(&[Some("x")])), primitive()])
	);
	let mut told = variant("V", 0, vec![]);
	told.docs.push("V.".into());
	let ballast = interface(vec![of(variants(vec![told]))]);
	assert_eq!(
		fault(ballast.clone()),
		"accepts.m.V: carries what an interface has no use for"
	);
	assert_eq!(fault(ballast.strip()), "valid");
}

#[test]
fn variants_are_in_order() {
	let unordered = interface(vec![of(variants(vec![
		variant("B", 4, vec![]),
		variant("A", 1, vec![]),
	]))]);
	assert_eq!(
		fault(unordered.clone()),
		"accepts.m.A: comes after a variant with the same or a higher index"
	);
	assert_eq!(fault(unordered.strip()), "valid");
	let same = interface(vec![of(variants(vec![
		variant("B", 4, vec![]),
		variant("A", 4, vec![]),
	]))]);
	assert_eq!(
		fault(same.strip()),
		"accepts.m.A: comes after a variant with the same or a higher index"
	);
}

#[test]
fn values_can_be_sent() {
	let endless = [
		vec![of(number_fields(&[Some("x")])), of(tuple(vec![0]))],
		vec![of(tuple(vec![0]))],
		vec![of(array(2, 0))],
		vec![of(variants(vec![variant("Again", 0, vec![field(None, 0)])]))],
	];
	for types in endless {
		assert_eq!(fault_of(types), "accepts.m: contains itself without end");
	}
	let ending = [
		vec![of(sequence(0))],
		vec![of(array(0, 0))],
		vec![of(tuple(vec![1])), of(sequence(0))],
		vec![of(variants(vec![
			variant("Again", 0, vec![field(None, 0)]),
			variant("End", 1, vec![]),
		]))],
		vec![of(variants(vec![]))],
	];
	for types in ending {
		assert_eq!(fault_of(types), "valid");
	}
	assert_eq!(fault_of(vec![of(array(65_535, 1)), primitive()]), "valid");
	assert_eq!(
		fault_of(vec![of(array(65_536, 1)), primitive()]),
		"accepts.m: its smallest value is made of more than 65536 values"
	);
	// Nested ones, of nothing.
	let mut huge: Types = (1..9).map(|id| of(array(u32::MAX, id))).collect();
	huge.push(of(tuple(vec![])));
	assert_eq!(
		fault_of(huge),
		"accepts.m: its smallest value is made of more than 65536 values"
	);
	// Behind a variant that a small value doesn't need.
	assert_eq!(
		fault_of(vec![
			of(variants(vec![
				variant("No", 0, vec![]),
				variant("Yes", 1, vec![field(None, 1)])
			])),
			of(array(u32::MAX, 2)),
			of(tuple(vec![])),
		]),
		"accepts.m.Yes.0: its smallest value is made of more than 65536 values"
	);
	for nothing in [
		vec![of(tuple(vec![]))],
		vec![of(composite(vec![]))],
		vec![of(array(0, 1))],
		vec![of(array(3, 2)), of(tuple(vec![]))],
	] {
		let types = [vec![of(sequence(1))], nothing].concat();
		assert_eq!(
			fault_of(types),
			"accepts.m: expected elements that take at least a byte"
		);
	}
}

#[test]
fn compact_types_are_numbers() {
	let sound = [
		vec![of(compact(1)), primitive()],
		vec![of(compact(1)), of(tuple(vec![2])), primitive()],
		vec![
			of(compact(1)),
			of(composite(vec![field(Some("x"), 2)])),
			primitive(),
		],
	];
	for types in sound {
		assert_eq!(fault_of(types), "valid");
	}
	let unsound = [
		vec![of(compact(0))],
		vec![of(compact(1)), of(TypeDefPrimitive::I8)],
		vec![of(compact(1)), of(TypeDefPrimitive::U256)],
		vec![of(compact(1)), of(tuple(vec![]))],
		vec![of(compact(1)), of(tuple(vec![2, 2])), primitive()],
		vec![of(compact(1)), of(tuple(vec![1]))],
		vec![
			of(compact(1)),
			called("NonZeroU32", composite(vec![field(None, 2)])),
			primitive(),
		],
	];
	for types in unsound {
		assert_eq!(
			fault_of(types),
			"accepts.m: expected an unsigned integer, for compact encoding"
		);
	}
}

#[test]
fn bit_sequences_have_a_store_and_an_order() {
	let order = |name| called(name, composite(vec![]));
	assert_eq!(
		fault_of(vec![of(bits(1, 2)), of(TypeDefPrimitive::U64), order("Msb0")]),
		"valid"
	);
	for types in [
		vec![of(bits(1, 2)), of(TypeDefPrimitive::U128), order("Msb0")],
		vec![of(bits(0, 1)), order("Msb0")],
		vec![of(bits(1, 1)), primitive()],
		vec![of(bits(1, 2)), primitive(), of(composite(vec![]))],
	] {
		assert_eq!(
			fault_of(types),
			"accepts.m: expected a bit sequence of u8 to u64, Lsb0 or Msb0"
		);
	}
}

#[test]
fn refined_types_are_what_their_names_say() {
	for (name, number) in [
		("NonZeroU32", TypeDefPrimitive::U64),
		("BTreeSet", TypeDefPrimitive::U32),
		("BTreeMap", TypeDefPrimitive::U32),
		("Duration", TypeDefPrimitive::U64),
	] {
		assert_eq!(
			fault_of(vec![called(name, composite(vec![field(None, 1)])), of(number)]),
			"accepts.m: isn't what the type of this name is in the standard library"
		);
	}
	assert_eq!(
		fault_of(vec![called("NonZeroU32", TypeDefPrimitive::U32)]),
		"accepts.m: isn't what the type of this name is in the standard library"
	);
	assert_eq!(
		fault_of(vec![called("Option", TypeDefPrimitive::U32)]),
		"accepts.m: carries what an interface has no use for"
	);
}

/// A generic type, with documentation.
#[derive(TypeInfo)]
struct Order<T> {
	/// What is ordered.
	goods: BTreeMap<NonZeroI64, T>,
	#[codec(compact)]
	amount: u64,
	within: Duration,
	marker: PhantomData<T>,
	rest: Option<Box<Order<T>>>,
}

#[test]
fn built_interfaces_are_valid_and_small() {
	let built = Interface::builder()
		.accepts::<Order<[u8; 4]>>("order")
		.accepts::<Compact<u32>>("cancel")
		.emits::<Result<u64, String>>("done")
		.service(ServiceLevel {
			price: 12,
			deadline: Some(Deadline::Blocks(10)),
		})
		.build()
		.unwrap();
	let bytes = built.encode();
	assert!(bytes.len() < 300, "{}", bytes.len());
	assert_eq!(Valid::from_bytes(&bytes), Ok(built.clone()));
	assert_eq!(built.clone().into_inner().strip(), built.clone().into_inner());
	assert_eq!(built.accepted("order").unwrap().ty, 0);
	assert!(built.emitted("order").is_none());
	assert_eq!(
		connect(&built, "done", &built, "order").unwrap_err().path,
		"accepts.order"
	);

	let fault = Interface::builder().accepts::<u8>("a b").build().unwrap_err();
	assert!(
		fault.to_string().starts_with("accepts[0]: expected a name"),
		"{fault}"
	);
	let fault = Interface::builder().emits::<Vec<()>>("void").build().unwrap_err();
	assert_eq!(
		fault.to_string(),
		"emits.void: expected elements that take at least a byte"
	);
	assert_eq!(Fault::decode_all(&mut &fault.encode()[..]), Ok(fault));
}

#[test]
fn stripping_keeps_what_is_unresolved() {
	let mut open = interface(vec![
		of(tuple(vec![3, 9, 2])),
		primitive(),
		of(sequence(0)),
		of(compact(40)),
	]);
	open.emits[0].ty = 12;
	let stripped = open.strip();
	assert_eq!(stripped.types.types.len(), 3);
	assert_eq!(stripped.emits[0].ty, u32::MAX);
	assert_eq!(fault(stripped), "emits.m: there is no type 4294967295");
}
