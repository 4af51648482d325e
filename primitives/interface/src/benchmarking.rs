//! Interfaces that take as long as an interface of their length can, for benchmarks.

use crate::{Interface, MessageType, ServiceLevel, MAX_FIELDS};
use alloc::{format, string::String, vec, vec::Vec};
use codec::Encode;
use scale_info::{
	form::PortableForm, Field, Path, PortableRegistry, PortableType, Type, TypeDef, TypeDefVariant, Variant,
};

/// Bytes that the shortest of these interfaces has at most.
pub const SHORTEST: u32 = 64;

/// With so many types, two interfaces have the most pairs that a comparison looks at ([`crate::MAX_ASSUMPTIONS`]).
const TYPES_TO_COMPARE: u32 = 64;

/// With so many types, as many as there may be, it takes longest to see that each has a value that ends.
const TYPES_TO_VALIDATE: u32 = crate::MAX_TYPES as u32;

/// References that each type has at least.
const LEAST: u32 = 5;

/// How an interface is made.
#[derive(Clone, Copy)]
struct Plan {
	/// Recursive enums, or fewer if they don't fit.
	types: u32,
	/// Whether the values of an enum that end are those of another one within the next one, up to the last enum; else they have
	/// nothing in them.
	chained: bool,
	/// Which way the enums refer to each other.
	turned: bool,
	service: Option<ServiceLevel>,
}

/// A valid interface of at most so many bytes, and nearly as many, but at least the shortest one, that takes longest to validate.
pub fn to_validate(bytes: u32) -> Vec<u8> {
	let plan = Plan {
		types: TYPES_TO_VALIDATE,
		chained: true,
		turned: false,
		service: None,
	};
	interface(bytes, plan)
}

/// The same, but what takes longest is to compare `give`, which it emits, with `take`, which it accepts, of one that is turned and
/// one that isn't: each of its enums meets each. They fit, all being alike.
pub fn to_compare(bytes: u32, turned: bool, service: Option<ServiceLevel>) -> Vec<u8> {
	let plan = Plan {
		types: TYPES_TO_COMPARE,
		chained: false,
		turned,
		service,
	};
	interface(bytes, plan)
}

fn interface(bytes: u32, plan: Plan) -> Vec<u8> {
	let fits = |encoded: &Vec<u8>| encoded.len() <= bytes as usize;
	let made = |types, references| made(Plan { types, ..plan }, references).encode();
	let smaller = |size: &u32| fits(&made(*size, LEAST));
	let types = (2..=plan.types).take_while(smaller).last().unwrap_or(1);
	let longer = |references: &u32| fits(&made(types, *references));
	let references = (LEAST + 1..).take_while(longer).last().unwrap_or(LEAST);
	made(types, references)
}

fn made(plan: Plan, references: u32) -> Interface {
	let Plan {
		types,
		chained,
		turned,
		service,
	} = plan;
	let variant = |number: u32, fields: Vec<u32>| Variant {
		name: name(number),
		fields: fields
			.into_iter()
			.map(|ty| Field::<PortableForm>::new(None, ty.into(), None, Vec::new()))
			.collect(),
		index: number as u8,
		docs: Vec::new(),
	};
	let of = |id: u32| {
		let next = Some(id + 1).filter(|next| chained && *next < types);
		let mut variants = vec![variant(0, next.into_iter().collect())];
		let others: Vec<_> = (0..references)
			.map(|number| (id + step(number, turned)) % types)
			.collect();
		for (fields, number) in others.chunks(MAX_FIELDS).zip(1..) {
			variants.push(variant(number, fields.to_vec()));
		}
		let ty = Type {
			path: Path::default(),
			type_params: Vec::new(),
			type_def: TypeDef::Variant(TypeDefVariant::new(variants)),
			docs: Vec::new(),
		};
		PortableType::new(id, ty)
	};
	let message = |name: &str| MessageType {
		name: name.into(),
		ty: 0,
	};
	Interface {
		accepts: vec![message("take")],
		emits: vec![message("give")],
		types: PortableRegistry {
			types: (0..types).map(of).collect(),
		},
		service,
	}
}

/// How far on the enum is that an enum's reference of this number leads to. The first two are those by which one side of a pair goes
/// on while the other stays; some steps are wide, so that each enum is near the first one.
fn step(number: u32, turned: bool) -> u32 {
	match number {
		0 => turned.into(),
		1 => (!turned).into(),
		2 | 3 => number,
		4 => 17,
		_ => number - 1,
	}
}

fn name(number: u32) -> String {
	format!("v{number}")
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{fits, Misfit, Valid, Why, MAX_ENCODED};

	fn valid(bytes: u32, encoded: Vec<u8>) -> Valid<Interface> {
		assert!(encoded.len() <= bytes as usize && encoded.len() * 10 > bytes as usize * 8);
		Valid::<Interface>::from_bytes(&encoded).expect("it is valid")
	}

	fn compare(straight: &Valid<Interface>, turned: &Valid<Interface>) -> Result<(), Misfit> {
		let give = straight.emitted("give").expect("it is emitted");
		let take = turned.accepted("take").expect("it is accepted");
		fits((straight, give), (turned, take))
	}

	#[test]
	fn interfaces_of_all_lengths_are_valid_and_fit() {
		for bytes in [SHORTEST, 100, 1_000, 3_000, 10_000, MAX_ENCODED as u32] {
			valid(bytes, to_validate(bytes));
			let [straight, turned] =
				[false, true].map(|turned| valid(bytes, to_compare(bytes, turned, None)));
			assert_eq!(compare(&straight, &turned), Ok(()));
		}
	}

	#[test]
	fn as_many_pairs_are_compared_as_may_be() {
		// With one enum more there are too many.
		let most = MAX_ENCODED as u32;
		let [straight, turned] = [false, true].map(|turned| {
			let plan = Plan {
				types: TYPES_TO_COMPARE + 1,
				chained: false,
				turned,
				service: None,
			};
			valid(most, interface(most, plan))
		});
		let misfit = compare(&straight, &turned);
		assert!(
			matches!(
				misfit,
				Err(Misfit {
					why: Why::TooComplex,
					..
				})
			),
			"{misfit:?}"
		);
	}
}
