//! Properties of the verdicts on random interfaces, with random values of their types as witnesses.

mod common;

use asterism_interface::*;
use codec::Encode;
use common::*;
use proptest::prelude::*;
use scale_info::{form::PortableForm, Field, PortableType, Type, TypeDef, TypeDefPrimitive};

/// The last types of each random interface; the others may refer to all.
const PRIMITIVES: [TypeDefPrimitive; 10] = [
	TypeDefPrimitive::U8,
	TypeDefPrimitive::U16,
	TypeDefPrimitive::U32,
	TypeDefPrimitive::U64,
	TypeDefPrimitive::U128,
	TypeDefPrimitive::I64,
	TypeDefPrimitive::U256,
	TypeDefPrimitive::Bool,
	TypeDefPrimitive::Char,
	TypeDefPrimitive::Str,
];

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// How many types of a random interface are not primitive.
const TYPES: u32 = 8;

/// Where the primitive types are.
fn primitive(random: &mut Random, of: std::ops::Range<usize>) -> u32 {
	TYPES + of.start as u32 + random.below(of.len()) as u32
}

fn unsigned(random: &mut Random) -> u32 {
	primitive(random, 0..5)
}

fn some_fields(random: &mut Random, any: &dyn Fn(&mut Random) -> u32) -> Vec<Field<PortableForm>> {
	let named = random.one_in(2);
	(0..random.below(4))
		.map(|i| field(named.then_some(NAMES[i]), any(random)))
		.collect()
}

/// A type that refers to later ones, or, where its values can do without, to any.
fn some_type(random: &mut Random, id: u32, refined: &mut Vec<Type<PortableForm>>) -> Type<PortableForm> {
	let all = TYPES as usize + PRIMITIVES.len();
	// Rather what isn't primitive, and rather what comes soon.
	let any = |random: &mut Random| {
		let among = if random.one_in(3) { all } else { TYPES as usize };
		random.below(among) as u32
	};
	let later = |random: &mut Random| {
		let left = all - id as usize - 1;
		id + 1
			+ if random.one_in(2) {
				random.below(left)
			} else {
				random.below(left.min(3))
			} as u32
	};
	let extra = |refined: &mut Vec<_>, ty| {
		refined.push(ty);
		all as u32 + refined.len() as u32 - 1
	};
	let kind = random.below(if id < 2 { 6 } else { 13 });
	match kind {
		0 | 1 => of(composite(some_fields(random, &later))),
		2 => of(tuple((0..random.below(4)).map(|_| later(random)).collect())),
		3..=5 => {
			let mut list = vec![variant("Nothing", 0, vec![])];
			let mut index = 0;
			for name in NAMES.iter().take(random.below(4)) {
				index += 1 + random.below(3) as u8;
				list.push(variant(name, index, some_fields(random, &any)));
			}
			of(variants(list))
		}
		6 => of(sequence(any(random))),
		7 => of(array(random.below(4) as u32, later(random))),
		8 => of(compact(unsigned(random))),
		9 => {
			let order = called(["Lsb0", "Msb0"][random.below(2)], composite(vec![]));
			let order = extra(refined, order);
			of(bits(primitive(random, 0..4), order))
		}
		10 => {
			let (name, number) = [("NonZeroU8", 0), ("NonZeroU32", 2), ("NonZeroI64", 5)][random.below(3)];
			called(name, composite(vec![field(None, TYPES + number)]))
		}
		11 => {
			let element = later(random);
			let list = extra(refined, of(sequence(element)));
			called(
				["BTreeSet", "BinaryHeap"][random.below(2)],
				composite(vec![field(None, list)]),
			)
		}
		_ => {
			let entry = extra(refined, of(tuple(vec![later(random), later(random)])));
			let list = extra(refined, of(sequence(entry)));
			called("BTreeMap", composite(vec![field(None, list)]))
		}
	}
}

/// A random interface that is valid.
fn some_interface(random: &mut Random) -> Interface {
	loop {
		let mut refined = Vec::new();
		let mut types: Vec<_> = (0..TYPES).map(|id| some_type(random, id, &mut refined)).collect();
		types.extend(PRIMITIVES.map(of));
		types.append(&mut refined);
		let candidate = interface(types).strip();
		if candidate.clone().validate().is_ok() {
			return candidate;
		}
	}
}

fn add(types: &mut Vec<PortableType>, ty: Type<PortableForm>) -> u32 {
	let id = types.len() as u32;
	types.push(PortableType::new(id, ty));
	id
}

/// A supertype of each type, by construction: more variants, wider compact integers, nothing refined, and wrappers.
fn widen(interface: &Interface, random: &mut Random) -> Interface {
	let mut wide = interface.clone();
	let types = &mut wide.types.types;
	for id in 0..types.len() {
		if !random.one_in(2) {
			continue;
		}
		let is_order = |ty: &Type<PortableForm>| ty.path.segments.iter().any(|name| name.ends_with("sb0"));
		let number = matches!(&types[id].ty.type_def, TypeDef::Primitive(_));
		match &types[id].ty.type_def {
			TypeDef::Variant(of_type) => {
				let mut of_type = of_type.clone();
				let used: Vec<u8> = of_type.variants.iter().map(|v| v.index).collect();
				for index in 0..12 {
					if !used.contains(&index) && random.one_in(3) {
						let any = random.below(types.len()) as u32;
						let name = format!("New{}_{index}", types.len());
						of_type
							.variants
							.push(variant(&name, index, vec![field(None, any)]));
					}
				}
				types[id].ty.type_def = of_type.into();
			}
			TypeDef::Compact(of_type) => {
				let inner = types[of_type.type_param.id as usize].ty.clone();
				let wider = [
					TypeDefPrimitive::U8,
					TypeDefPrimitive::U16,
					TypeDefPrimitive::U32,
					TypeDefPrimitive::U64,
					TypeDefPrimitive::U128,
				]
				.into_iter()
				.rfind(|wide| match &inner.type_def {
					TypeDef::Primitive(narrow) => wide > narrow,
					_ => false,
				});
				if let Some(wider) = wider {
					let number = add(types, of(wider));
					types[id].ty.type_def = compact(number);
				}
			}
			TypeDef::Composite(of_type) if !is_order(&types[id].ty) => {
				let positional = of_type.fields.iter().all(|field| field.name.is_none());
				let fields: Vec<u32> = of_type.fields.iter().map(|field| field.ty.id).collect();
				types[id].ty.path.segments.clear();
				if positional && random.one_in(2) {
					types[id].ty.type_def = tuple(fields);
				}
			}
			_ => {}
		}
		// Whatever refers to a number or an order may need just that.
		if !number && !is_order(&types[id].ty) && types[id].ty.path.segments.is_empty() && random.one_in(3) {
			let refers = types.iter().any(|other| !other.ty.path.segments.is_empty());
			if !refers {
				let inner = types[id].ty.clone();
				let inner = add(types, inner);
				types[id].ty = of(composite(vec![field(None, inner)]));
			}
		}
	}
	wide.strip()
}

/// A small change somewhere, which may or may not make a difference that matters.
fn mutate(interface: &Interface, random: &mut Random) -> Interface {
	let mut other = interface.clone();
	let types = &mut other.types.types;
	let count = types.len();
	let chosen = random.below(count);
	let any = random.below(count) as u32;
	match &mut types[chosen].ty.type_def {
		TypeDef::Composite(of_type) => match random.below(4) {
			0 => {
				of_type.fields.pop();
			}
			1 => of_type.fields.reverse(),
			2 => of_type.fields.iter_mut().for_each(|field| field.name = None),
			_ => of_type
				.fields
				.iter_mut()
				.take(1)
				.for_each(|field| field.ty = any.into()),
		},
		TypeDef::Variant(of_type) => match random.below(4) {
			0 => {
				of_type.variants.pop();
			}
			1 => of_type.variants.iter_mut().for_each(|variant| variant.index ^= 1),
			2 => of_type
				.variants
				.iter_mut()
				.take(2)
				.for_each(|variant| variant.fields.clear()),
			_ => of_type
				.variants
				.iter_mut()
				.flat_map(|variant| &mut variant.fields)
				.take(1)
				.for_each(|field| field.ty = any.into()),
		},
		TypeDef::Sequence(of_type) => of_type.type_param = any.into(),
		TypeDef::Array(of_type) if random.one_in(2) => of_type.type_param = any.into(),
		TypeDef::Array(of_type) => of_type.len ^= 1,
		TypeDef::Tuple(of_type) if random.one_in(2) => of_type.fields.reverse(),
		TypeDef::Tuple(of_type) => {
			of_type.fields.pop();
		}
		TypeDef::Primitive(of_type) => *of_type = PRIMITIVES[random.below(PRIMITIVES.len())].clone(),
		TypeDef::Compact(of_type) => of_type.type_param = any.into(),
		TypeDef::BitSequence(of_type) => of_type.bit_store_type = any.into(),
	}
	other.strip()
}

/// Lets all types have the values that they seem to have.
fn unrefine(interface: &mut Interface) {
	for ty in &mut interface.types.types {
		if matches!(&ty.ty.type_def, TypeDef::Composite(of_type) if !of_type.fields.is_empty()) {
			ty.ty.path.segments.clear();
		}
	}
}

fn fit(emitted: &Valid<Interface>, accepted: &Valid<Interface>) -> Result<(), Misfit> {
	connect(emitted, "m", accepted, "m")
}

fn valid(interface: &Interface) -> Valid<Interface> {
	interface.clone().validate().unwrap()
}

/// Every value of the emitted type means the same as a value of the accepted one.
fn check_sound(emitted: &Interface, accepted: &Interface, random: &mut Random) -> Result<(), TestCaseError> {
	for _ in 0..8 {
		let Some(bytes) = sample(&emitted.types, emitted.emits[0].ty, random) else {
			return Ok(());
		};
		let meant = meaning(&emitted.types, emitted.emits[0].ty, &bytes);
		prop_assert!(meant.is_ok(), "the sample {bytes:?} means nothing");
		let understood = meaning(&accepted.types, accepted.accepts[0].ty, &bytes);
		prop_assert_eq!(understood, meant, "of {:?}", bytes);
	}
	Ok(())
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(512))]

	#[test]
	fn every_message_fits_itself(seed: u64) {
		let mut random = Random(seed);
		let interface = some_interface(&mut random);
		let one = valid(&interface);
		prop_assert_eq!(fit(&one, &one), Ok(()));
		prop_assert_eq!(substitutes(&one, &one), Ok(()));
		check_sound(&interface, &interface, &mut random)?;
	}

	#[test]
	fn values_of_a_type_are_values_of_a_wider_one(seed: u64) {
		let mut random = Random(seed);
		let narrow = some_interface(&mut random);
		let wide = widen(&narrow, &mut random);
		let wider = widen(&wide, &mut random);
		// New variants may make it too deep.
		if wide.clone().validate().and(wider.clone().validate()).is_err() {
			return Ok(());
		}
		prop_assert_eq!(fit(&valid(&narrow), &valid(&wide)), Ok(()));
		prop_assert_eq!(fit(&valid(&wide), &valid(&wider)), Ok(()));
		prop_assert_eq!(fit(&valid(&narrow), &valid(&wider)), Ok(()));
		check_sound(&narrow, &wide, &mut random)?;
		check_sound(&narrow, &wider, &mut random)?;
	}

	#[test]
	fn accepted_types_may_be_widened_and_emitted_ones_narrowed(seed: u64) {
		let mut random = Random(seed);
		let narrow = some_interface(&mut random);
		let wide = widen(&narrow, &mut random);
		let of = |accepts: &Interface, emits: &Interface| {
			// Both sides' types in one registry.
			let mut both = accepts.clone();
			let offset = both.types.types.len() as u32;
			both.types.types.extend(emits.types.types.iter().map(|ty| {
				PortableType::new(ty.id + offset, moved(&ty.ty, offset))
			}));
			both.emits = emits.emits.clone();
			both.emits[0].ty += offset;
			both.strip().validate()
		};
		let (Ok(old), Ok(new)) = (of(&narrow, &wide), of(&wide, &narrow)) else {
			return Ok(());
		};
		prop_assert_eq!(substitutes(&new, &old), Ok(()));
		let back = fit(&valid(&wide), &valid(&narrow));
		prop_assert_eq!(substitutes(&old, &new).is_ok(), back.is_ok());
	}

	#[test]
	fn what_fits_is_understood(seed: u64) {
		let mut random = Random(seed);
		let interface = some_interface(&mut random);
		let mut other = interface.clone();
		if random.one_in(3) {
			unrefine(&mut other);
		} else {
			for _ in 0..1 + random.below(3) {
				other = mutate(&other, &mut random);
			}
		}
		if other.clone().validate().is_err() {
			return Ok(());
		}
		for (emitted, accepted) in [(&interface, &other), (&other, &interface)] {
			if fit(&valid(emitted), &valid(accepted)).is_ok() {
				check_sound(emitted, accepted, &mut random)?;
			}
		}
	}

	#[test]
	fn what_fits_is_transitive(seed: u64) {
		let mut random = Random(seed);
		let a = some_interface(&mut random);
		let b = if random.one_in(2) { widen(&a, &mut random) } else { mutate(&a, &mut random) };
		let c = if random.one_in(2) { widen(&b, &mut random) } else { mutate(&b, &mut random) };
		let Ok(all) = [a, b, c].into_iter().map(Interface::validate).collect::<Result<Vec<_>, _>>() else {
			return Ok(());
		};
		for (x, y, z) in [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)] {
			let (x, y, z) = (&all[x], &all[y], &all[z]);
			if fit(x, y).is_ok() && fit(y, z).is_ok() {
				prop_assert_eq!(fit(x, z), Ok(()));
			}
		}
	}

	#[test]
	fn stripped_interfaces_stay_so(seed: u64) {
		let mut random = Random(seed);
		let interface = some_interface(&mut random);
		prop_assert_eq!(interface.clone().strip(), interface.clone());
		let bytes = interface.encode();
		prop_assert_eq!(Interface::from_bytes(&bytes), Ok(interface));
	}

	#[test]
	fn any_bytes_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
		judge(&bytes)?;
	}

	#[test]
	fn damaged_interfaces_are_judged(seed: u64, damage in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..6)) {
		let mut random = Random(seed);
		let mut bytes = some_interface(&mut random).encode();
		let length = bytes.len();
		for (place, byte) in damage {
			bytes[usize::from(place) % length] = if byte % 3 == 0 { byte / 3 } else { byte };
		}
		judge(&bytes)?;
	}

	#[test]
	fn damaged_registries_are_judged(seed: u64) {
		let mut random = Random(seed);
		let mut other = some_interface(&mut random);
		for ty in &mut other.types.types {
			let id = (random.below(24) as u32).into();
			match &mut ty.ty.type_def {
				TypeDef::Sequence(of_type) => of_type.type_param = id,
				TypeDef::Array(of_type) => of_type.type_param = id,
				TypeDef::Compact(of_type) => of_type.type_param = id,
				TypeDef::Composite(of_type) => of_type.fields.iter_mut().for_each(|field| field.ty = id),
				TypeDef::BitSequence(of_type) => of_type.bit_order_type = id,
				_ => {}
			}
		}
		judge(&other.encode())?;
	}
}

/// Nothing panics; what is valid can be sent, keeps the limits, and fits itself.
fn judge(bytes: &[u8]) -> Result<(), TestCaseError> {
	let Ok(interface) = Interface::from_bytes(bytes) else {
		return Ok(());
	};
	prop_assert_eq!(&interface.encode()[..], bytes);
	let stripped = interface.clone().strip();
	let _ = stripped.clone().validate();
	let Ok(valid) = interface.validate() else {
		return Ok(());
	};
	prop_assert!(stripped.clone().validate().is_ok(), "{stripped:?}");
	prop_assert_eq!(substitutes(&valid, &valid), Ok(()));
	for accepted in &valid.accepts {
		for emitted in &valid.emits {
			let _ = fits((&valid, emitted), (&valid, accepted));
		}
	}
	Ok(())
}

/// The type with all references moved.
fn moved(ty: &Type<PortableForm>, offset: u32) -> Type<PortableForm> {
	let mut ty = ty.clone();
	let add = |id: u32| (id + offset).into();
	match &mut ty.type_def {
		TypeDef::Composite(of_type) => of_type.fields.iter_mut().for_each(|f| f.ty = add(f.ty.id)),
		TypeDef::Variant(of_type) => of_type
			.variants
			.iter_mut()
			.flat_map(|v| &mut v.fields)
			.for_each(|f| f.ty = add(f.ty.id)),
		TypeDef::Sequence(of_type) => of_type.type_param = add(of_type.type_param.id),
		TypeDef::Array(of_type) => of_type.type_param = add(of_type.type_param.id),
		TypeDef::Tuple(of_type) => of_type.fields.iter_mut().for_each(|f| *f = add(f.id)),
		TypeDef::Primitive(_) => {}
		TypeDef::Compact(of_type) => of_type.type_param = add(of_type.type_param.id),
		TypeDef::BitSequence(of_type) => {
			of_type.bit_store_type = add(of_type.bit_store_type.id);
			of_type.bit_order_type = add(of_type.bit_order_type.id);
		}
	}
	ty
}

/// The properties above are about something: random interfaces fit, don't fit, are refused, and have values.
#[test]
fn random_interfaces_are_of_all_kinds() {
	let mut random = Random(1);
	let (mut fitting, mut misfits, mut values, mut recursive) = (0, 0, 0, 0);
	for _ in 0..400 {
		let interface = some_interface(&mut random);
		let other = mutate(&interface, &mut random);
		if let Ok(other) = other.validate() {
			match fit(&other, &valid(&interface)) {
				Ok(()) => fitting += 1,
				Err(_) => misfits += 1,
			}
		}
		let bytes = sample(&interface.types, interface.emits[0].ty, &mut random).unwrap();
		values += usize::from(bytes.len() > 4);
		recursive += usize::from(interface.types.types.iter().any(|ty| {
			matches!(&ty.ty.type_def, TypeDef::Variant(of_type)
				if of_type.variants.iter().flat_map(|v| &v.fields).any(|f| f.ty.id <= ty.id))
		}));
	}
	assert!(
		fitting > 60 && misfits > 60 && values > 100 && recursive > 60,
		"{fitting} {misfits} {values} {recursive}"
	);
}
