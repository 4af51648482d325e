//! Values of portable types: what bytes mean, and bytes to mean something.
#![allow(dead_code)] // Each test uses some of it.

use asterism_interface::{Interface, MessageType};
use codec::{Compact, Decode, Encode};
use scale_info::{
	form::PortableForm, Field, Path, PortableRegistry, PortableType, Type, TypeDef, TypeDefArray,
	TypeDefBitSequence, TypeDefCompact, TypeDefComposite, TypeDefPrimitive, TypeDefSequence, TypeDefTuple,
	TypeDefVariant, Variant,
};

/// What an encoding means, independently of how types are called, of wrappers, and of the width of compact integers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
	Primitive(TypeDefPrimitive, Vec<u8>),
	Compact(u128),
	Product(Vec<(Option<String>, Value)>),
	Variant(u8, String, Vec<(Option<String>, Value)>),
	List(Vec<Value>),
	Array(Vec<Value>),
	Bits(u32, Vec<u8>),
}

/// Why bytes mean nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaningless;

const TOO_MANY: usize = 100_000;

/// What the bytes mean as type `id`, all of them.
pub fn meaning(types: &PortableRegistry, id: u32, mut bytes: &[u8]) -> Result<Value, Meaningless> {
	let mut fuel = TOO_MANY;
	let value = walk(types, id, &mut bytes, &mut fuel)?;
	if bytes.is_empty() {
		Ok(value)
	} else {
		Err(Meaningless)
	}
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8], Meaningless> {
	let (head, tail) = bytes.split_at_checked(length).ok_or(Meaningless)?;
	*bytes = tail;
	Ok(head)
}

fn length(bytes: &mut &[u8]) -> Result<u32, Meaningless> {
	Ok(Compact::<u32>::decode(bytes).map_err(|_| Meaningless)?.0)
}

pub fn width(primitive: &TypeDefPrimitive) -> usize {
	use TypeDefPrimitive::*;
	match primitive {
		Bool | U8 | I8 | Str => 1,
		U16 | I16 => 2,
		Char | U32 | I32 => 4,
		U64 | I64 => 8,
		U128 | I128 => 16,
		U256 | I256 => 32,
	}
}

fn name(ty: &Type<PortableForm>) -> &str {
	match &ty.path.segments[..] {
		[name] => name,
		_ => "",
	}
}

fn distinct(values: &[Value]) -> bool {
	values
		.iter()
		.enumerate()
		.all(|(i, value)| !values[..i].contains(value))
}

fn walk(
	types: &PortableRegistry,
	id: u32,
	bytes: &mut &[u8],
	fuel: &mut usize,
) -> Result<Value, Meaningless> {
	*fuel = fuel.checked_sub(1).ok_or(Meaningless)?;
	let ty = types.resolve(id).ok_or(Meaningless)?;
	let value = match &ty.type_def {
		TypeDef::Composite(composite) => product(fields(types, &composite.fields, bytes, fuel)?),
		TypeDef::Tuple(tuple) => product(
			tuple
				.fields
				.iter()
				.map(|field| Ok((None, walk(types, field.id, bytes, fuel)?)))
				.collect::<Result<_, _>>()?,
		),
		TypeDef::Variant(of) => {
			let index = take(bytes, 1)?[0];
			let variant = of.variants.iter().find(|v| v.index == index).ok_or(Meaningless)?;
			Value::Variant(
				index,
				variant.name.clone(),
				fields(types, &variant.fields, bytes, fuel)?,
			)
		}
		TypeDef::Sequence(sequence) => {
			let mut list = Vec::new();
			for _ in 0..length(bytes)? {
				list.push(walk(types, sequence.type_param.id, bytes, fuel)?);
			}
			Value::List(list)
		}
		TypeDef::Array(array) => {
			let mut list = Vec::new();
			for _ in 0..array.len {
				list.push(walk(types, array.type_param.id, bytes, fuel)?);
			}
			Value::Array(list)
		}
		TypeDef::Primitive(primitive) => {
			let content = match primitive {
				TypeDefPrimitive::Str => {
					let length = length(bytes)? as usize;
					let text = take(bytes, length)?;
					std::str::from_utf8(text).map_err(|_| Meaningless)?;
					text
				}
				other => take(bytes, width(other))?,
			};
			let good = match primitive {
				TypeDefPrimitive::Bool => content[0] < 2,
				TypeDefPrimitive::Char => {
					char::from_u32(u32::from_le_bytes(content.try_into().unwrap())).is_some()
				}
				_ => true,
			};
			if !good {
				return Err(Meaningless);
			}
			Value::Primitive(primitive.clone(), content.to_vec())
		}
		TypeDef::Compact(compact) => {
			let mut inner = compact.type_param.id;
			loop {
				inner = match &types.resolve(inner).ok_or(Meaningless)?.type_def {
					TypeDef::Composite(composite) => composite.fields[0].ty.id,
					TypeDef::Tuple(tuple) => tuple.fields[0].id,
					_ => break,
				}
			}
			let number = match &types.resolve(inner).ok_or(Meaningless)?.type_def {
				TypeDef::Primitive(TypeDefPrimitive::U8) => Compact::<u8>::decode(bytes).map(|n| n.0.into()),
				TypeDef::Primitive(TypeDefPrimitive::U16) => {
					Compact::<u16>::decode(bytes).map(|n| n.0.into())
				}
				TypeDef::Primitive(TypeDefPrimitive::U32) => {
					Compact::<u32>::decode(bytes).map(|n| n.0.into())
				}
				TypeDef::Primitive(TypeDefPrimitive::U64) => {
					Compact::<u64>::decode(bytes).map(|n| n.0.into())
				}
				_ => Compact::<u128>::decode(bytes).map(|n| n.0),
			};
			Value::Compact(number.map_err(|_| Meaningless)?)
		}
		TypeDef::BitSequence(bits) => {
			let store = match &types.resolve(bits.bit_store_type.id).ok_or(Meaningless)?.type_def {
				TypeDef::Primitive(store) => width(store),
				_ => return Err(Meaningless),
			};
			let length = length(bytes)?;
			let stores = (length as usize).div_ceil(store * 8);
			Value::Bits(length, take(bytes, stores * store)?.to_vec())
		}
	};
	let good = match (name(ty), &value) {
		("BTreeSet", Value::List(list)) => distinct(list),
		("BTreeMap", Value::List(list)) => {
			let keys: Vec<Value> = list
				.iter()
				.map(|entry| match entry {
					Value::Product(entry) => entry[0].1.clone(),
					other => panic!("an entry of {other:?}"),
				})
				.collect();
			distinct(&keys)
		}
		("Duration", Value::Product(fields)) => match &fields[1].1 {
			Value::Primitive(_, nanoseconds) => {
				u32::from_le_bytes(nanoseconds[..].try_into().unwrap()) < 1_000_000_000
			}
			_ => false,
		},
		(name, Value::Primitive(_, number)) if name.starts_with("NonZero") => number.iter().any(|b| *b != 0),
		_ => true,
	};
	if good {
		Ok(value)
	} else {
		Err(Meaningless)
	}
}

fn fields(
	types: &PortableRegistry,
	fields: &[Field<PortableForm>],
	bytes: &mut &[u8],
	fuel: &mut usize,
) -> Result<Vec<(Option<String>, Value)>, Meaningless> {
	fields
		.iter()
		.map(|field| Ok((field.name.clone(), walk(types, field.ty.id, bytes, fuel)?)))
		.collect()
}

fn product(mut fields: Vec<(Option<String>, Value)>) -> Value {
	match &fields[..] {
		[(None, _)] => fields.remove(0).1,
		_ => Value::Product(fields),
	}
}

/// A stream of numbers.
pub struct Random(pub u64);

impl Random {
	pub fn next(&mut self) -> u64 {
		self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
		let mut z = self.0;
		z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
		z ^ (z >> 31)
	}

	pub fn below(&mut self, bound: usize) -> usize {
		(self.next() % bound.max(1) as u64) as usize
	}

	pub fn one_in(&mut self, bound: usize) -> bool {
		self.below(bound) == 0
	}

	/// A number of any length up to so many bits, in little endian.
	fn number(&mut self, bytes: usize) -> Vec<u8> {
		let used = self.below(bytes + 1);
		(0..bytes)
			.map(|i| if i < used { self.next() as u8 } else { 0 })
			.collect()
	}
}

/// How deep the flattest value of each type is.
fn heights(types: &PortableRegistry) -> Vec<usize> {
	let mut heights = vec![usize::MAX; types.types.len()];
	for _ in 0..heights.len() {
		for id in 0..heights.len() {
			let of =
				|ids: &mut dyn Iterator<Item = u32>| ids.map(|id| heights[id as usize]).max().unwrap_or(0);
			let below = match &types.types[id].ty.type_def {
				TypeDef::Composite(composite) => of(&mut composite.fields.iter().map(|f| f.ty.id)),
				TypeDef::Tuple(tuple) => of(&mut tuple.fields.iter().map(|f| f.id)),
				TypeDef::Variant(of_type) => of_type
					.variants
					.iter()
					.map(|v| of(&mut v.fields.iter().map(|f| f.ty.id)))
					.min()
					.unwrap_or(usize::MAX),
				TypeDef::Array(array) => of(&mut [array.type_param.id].into_iter()),
				_ => 0,
			};
			heights[id] = heights[id].min(below.saturating_add(1));
		}
	}
	heights
}

/// The encoding of some value of type `id`; none if it has none.
pub fn sample(types: &PortableRegistry, id: u32, random: &mut Random) -> Option<Vec<u8>> {
	let heights = heights(types);
	if heights[id as usize] == usize::MAX {
		return None;
	}
	let mut bytes = Vec::new();
	emit(types, &heights, id, 8, random, &mut bytes);
	Some(bytes)
}

fn emit(
	types: &PortableRegistry,
	heights: &[usize],
	id: u32,
	depth: usize,
	random: &mut Random,
	bytes: &mut Vec<u8>,
) {
	let ty = types.resolve(id).unwrap();
	let name = name(ty);
	let below = depth.saturating_sub(1);
	match &ty.type_def {
		TypeDef::Composite(_) if name == "Duration" => {
			random.next().encode_to(bytes);
			(random.below(1_000_000_000) as u32).encode_to(bytes);
		}
		TypeDef::Composite(composite) if name == "BTreeSet" || name == "BTreeMap" => {
			let mut list = Vec::new();
			emit(
				types,
				heights,
				composite.fields[0].ty.id,
				depth,
				random,
				&mut list,
			);
			if meaning(types, id, &list).is_err() {
				// What is in there twice may as well not be there.
				list = vec![0];
			}
			bytes.append(&mut list);
		}
		TypeDef::Composite(composite) => {
			let start = bytes.len();
			for field in &composite.fields {
				emit(types, heights, field.ty.id, below, random, bytes);
			}
			if name.starts_with("NonZero") {
				bytes[start] |= 1;
			}
		}
		TypeDef::Tuple(tuple) => {
			for field in &tuple.fields {
				emit(types, heights, field.id, below, random, bytes);
			}
		}
		TypeDef::Variant(of) => {
			let height = |variant: &Variant<PortableForm>| {
				variant
					.fields
					.iter()
					.map(|f| heights[f.ty.id as usize])
					.max()
					.unwrap_or(0)
			};
			let least = of.variants.iter().map(height).min().unwrap();
			let most = least.max(below.min(usize::MAX - 1));
			let possible: Vec<_> = of.variants.iter().filter(|v| height(v) <= most).collect();
			let variant = possible[random.below(possible.len())];
			bytes.push(variant.index);
			for field in &variant.fields {
				emit(types, heights, field.ty.id, below, random, bytes);
			}
		}
		TypeDef::Sequence(sequence) => {
			let element = sequence.type_param.id;
			let length = if heights[element as usize] > below {
				0
			} else {
				random.below(4)
			};
			Compact(length as u32).encode_to(bytes);
			for _ in 0..length {
				emit(types, heights, element, below, random, bytes);
			}
		}
		TypeDef::Array(array) => {
			for _ in 0..array.len {
				emit(types, heights, array.type_param.id, below, random, bytes);
			}
		}
		TypeDef::Primitive(primitive) => match primitive {
			TypeDefPrimitive::Bool => bytes.push(random.below(2) as u8),
			TypeDefPrimitive::Char => {
				u32::from(['a', 'ß', '✨', '\u{10ffff}'][random.below(4)]).encode_to(bytes)
			}
			TypeDefPrimitive::Str => ["", "a", "Sternbild ✨"][random.below(3)].encode_to(bytes),
			other => bytes.append(&mut random.number(width(other))),
		},
		TypeDef::Compact(compact) => {
			let mut inner = compact.type_param.id;
			let width = loop {
				inner = match &types.resolve(inner).unwrap().type_def {
					TypeDef::Composite(composite) => composite.fields[0].ty.id,
					TypeDef::Tuple(tuple) => tuple.fields[0].id,
					TypeDef::Primitive(primitive) => break width(primitive),
					other => panic!("compact {other:?}"),
				}
			};
			let number = random.number(width);
			let byte = |i: usize| number.get(i).copied().unwrap_or(0);
			// By the type's own width, as an actor of that type encodes it.
			match width {
				1 => Compact(byte(0)).encode_to(bytes),
				2 => Compact(u16::from_le_bytes(std::array::from_fn(byte))).encode_to(bytes),
				4 => Compact(u32::from_le_bytes(std::array::from_fn(byte))).encode_to(bytes),
				8 => Compact(u64::from_le_bytes(std::array::from_fn(byte))).encode_to(bytes),
				_ => Compact(u128::from_le_bytes(std::array::from_fn(byte))).encode_to(bytes),
			}
		}
		TypeDef::BitSequence(bits) => {
			let TypeDef::Primitive(store) = &types.resolve(bits.bit_store_type.id).unwrap().type_def else {
				panic!("a bit sequence without store");
			};
			let length = random.below(70);
			Compact(length as u32).encode_to(bytes);
			let stores = length.div_ceil(width(store) * 8);
			bytes.extend((0..stores * width(store)).map(|_| random.next() as u8));
		}
	}
}

/// A field, with or without a name.
pub fn field(name: Option<&str>, ty: u32) -> Field<PortableForm> {
	Field::new(name.map(Into::into), ty.into(), None, vec![])
}

pub fn variant(name: &str, index: u8, fields: Vec<Field<PortableForm>>) -> Variant<PortableForm> {
	Variant::new(name.into(), fields, index, vec![])
}

pub fn of(def: impl Into<TypeDef<PortableForm>>) -> Type<PortableForm> {
	Type::new(Path::default(), vec![], def, vec![])
}

pub fn called(name: &str, def: impl Into<TypeDef<PortableForm>>) -> Type<PortableForm> {
	Type::new(Path::from_segments_unchecked([name.into()]), vec![], def, vec![])
}

pub fn composite(fields: Vec<Field<PortableForm>>) -> TypeDef<PortableForm> {
	TypeDefComposite::new(fields).into()
}

pub fn variants(variants: Vec<Variant<PortableForm>>) -> TypeDef<PortableForm> {
	TypeDefVariant::new(variants).into()
}

pub fn sequence(ty: u32) -> TypeDef<PortableForm> {
	TypeDefSequence {
		type_param: ty.into(),
	}
	.into()
}

pub fn array(len: u32, ty: u32) -> TypeDef<PortableForm> {
	TypeDefArray {
		len,
		type_param: ty.into(),
	}
	.into()
}

pub fn tuple(fields: Vec<u32>) -> TypeDef<PortableForm> {
	TypeDefTuple::new_portable(fields.into_iter().map(Into::into)).into()
}

pub fn compact(ty: u32) -> TypeDef<PortableForm> {
	TypeDefCompact {
		type_param: ty.into(),
	}
	.into()
}

pub fn bits(store: u32, order: u32) -> TypeDef<PortableForm> {
	TypeDefBitSequence {
		bit_store_type: store.into(),
		bit_order_type: order.into(),
	}
	.into()
}

pub fn registry(types: Vec<Type<PortableForm>>) -> PortableRegistry {
	PortableRegistry {
		types: types
			.into_iter()
			.enumerate()
			.map(|(id, ty)| PortableType::new(id as u32, ty))
			.collect(),
	}
}

/// An interface that accepts and emits message `m`, of the first type.
pub fn interface(types: Vec<Type<PortableForm>>) -> Interface {
	let message = MessageType {
		name: "m".into(),
		ty: 0,
	};
	Interface {
		accepts: vec![message.clone()],
		emits: vec![message],
		types: registry(types),
		service: None,
	}
}
