//! What a type is, apart from how it is called.

use alloc::string::{String, ToString};
use core::fmt;
use scale_info::{
	form::{Form, PortableForm},
	Field, PortableRegistry, Type, TypeDef, TypeDefPrimitive, Variant,
};

/// A reference to a type of the same registry.
pub(crate) type Symbol = <PortableForm as Form>::Type;

/// Types of the standard library that have fewer values than their description shows; scale-info gives them a path
/// of this one segment, and nothing else one of them.
const REFINED: [&str; 14] = [
	"BTreeMap",
	"BTreeSet",
	"BinaryHeap",
	"Duration",
	"NonZeroI128",
	"NonZeroI16",
	"NonZeroI32",
	"NonZeroI64",
	"NonZeroI8",
	"NonZeroU128",
	"NonZeroU16",
	"NonZeroU32",
	"NonZeroU64",
	"NonZeroU8",
];

/// The orders of a bit sequence's bits in its store: types without content, told apart by their names alone.
const BIT_ORDERS: [&str; 2] = ["Lsb0", "Msb0"];

/// Which refined type of the standard library it is.
pub(crate) fn refinement(ty: &Type<PortableForm>) -> Option<&'static str> {
	match &ty.path.segments[..] {
		[name] => REFINED.into_iter().find(|known| *known == name),
		_ => None,
	}
}

/// Which order of bits it is.
pub(crate) fn bit_order(ty: &Type<PortableForm>) -> Option<&'static str> {
	let name = ty.path.segments.last()?;
	let order = BIT_ORDERS.into_iter().find(|known| *known == name)?;
	matches!(&ty.type_def, TypeDef::Composite(composite) if composite.fields.is_empty()).then_some(order)
}

/// Whether a refined type is made of what the one of this name in the standard library is made of.
pub(crate) fn is_refinement(name: &str, ty: &Type<PortableForm>, types: &PortableRegistry) -> bool {
	let TypeDef::Composite(composite) = &ty.type_def else {
		return false;
	};
	if composite.fields.iter().any(|field| field.name.is_some()) {
		return false;
	}
	let def = |field: &Field<PortableForm>| types.resolve(field.ty.id).map(|ty| &ty.type_def);
	match (name, &composite.fields[..]) {
		("Duration", [seconds, nanoseconds]) => {
			matches!(def(seconds), Some(TypeDef::Primitive(TypeDefPrimitive::U64)))
				&& matches!(def(nanoseconds), Some(TypeDef::Primitive(TypeDefPrimitive::U32)))
		}
		("BTreeSet" | "BinaryHeap", [elements]) => matches!(def(elements), Some(TypeDef::Sequence(_))),
		("BTreeMap", [entries]) => match def(entries) {
			Some(TypeDef::Sequence(entries)) => matches!(
				types.resolve(entries.type_param.id).map(|ty| &ty.type_def),
				Some(TypeDef::Tuple(entry)) if entry.fields.len() == 2
			),
			_ => false,
		},
		(_, [number]) => match (name.strip_prefix("NonZero"), def(number)) {
			(Some(expected), Some(TypeDef::Primitive(found))) => {
				expected.eq_ignore_ascii_case(primitive_name(found))
			}
			_ => false,
		},
		_ => false,
	}
}

/// A primitive type's name in Rust.
fn primitive_name(primitive: &TypeDefPrimitive) -> &'static str {
	match primitive {
		TypeDefPrimitive::Bool => "bool",
		TypeDefPrimitive::Char => "char",
		TypeDefPrimitive::Str => "str",
		TypeDefPrimitive::U8 => "u8",
		TypeDefPrimitive::U16 => "u16",
		TypeDefPrimitive::U32 => "u32",
		TypeDefPrimitive::U64 => "u64",
		TypeDefPrimitive::U128 => "u128",
		TypeDefPrimitive::U256 => "u256",
		TypeDefPrimitive::I8 => "i8",
		TypeDefPrimitive::I16 => "i16",
		TypeDefPrimitive::I32 => "i32",
		TypeDefPrimitive::I64 => "i64",
		TypeDefPrimitive::I128 => "i128",
		TypeDefPrimitive::I256 => "i256",
	}
}

/// The bits of the integer that is encoded compactly: type `id`, or what that wraps. None if it is no unsigned integer of
/// up to 128 bits.
pub(crate) fn compact_bits(types: &PortableRegistry, mut id: u32) -> Option<u8> {
	for _ in 0..=types.types.len() {
		let ty = types.resolve(id)?;
		if refinement(ty).is_some() {
			return None;
		}
		id = match &ty.type_def {
			TypeDef::Primitive(TypeDefPrimitive::U8) => return Some(8),
			TypeDef::Primitive(TypeDefPrimitive::U16) => return Some(16),
			TypeDef::Primitive(TypeDefPrimitive::U32) => return Some(32),
			TypeDef::Primitive(TypeDefPrimitive::U64) => return Some(64),
			TypeDef::Primitive(TypeDefPrimitive::U128) => return Some(128),
			TypeDef::Composite(composite) => match &composite.fields[..] {
				[only] => only.ty.id,
				_ => return None,
			},
			TypeDef::Tuple(tuple) => match tuple.fields[..] {
				[only] => only.id,
				_ => return None,
			},
			_ => return None,
		};
	}
	None
}

/// The store of a bit sequence, if it can be one.
pub(crate) fn bit_store(types: &PortableRegistry, id: u32) -> Option<&'static str> {
	match &types.resolve(id)?.type_def {
		TypeDef::Primitive(
			store @ (TypeDefPrimitive::U8
			| TypeDefPrimitive::U16
			| TypeDefPrimitive::U32
			| TypeDefPrimitive::U64),
		) => Some(primitive_name(store)),
		_ => None,
	}
}

/// The fields of a struct, of a variant or of a tuple.
#[derive(Clone, Copy)]
pub(crate) enum Fields<'a> {
	Of(&'a [Field<PortableForm>]),
	Tuple(&'a [Symbol]),
}

impl<'a> Fields<'a> {
	pub(crate) fn len(self) -> usize {
		match self {
			Fields::Of(fields) => fields.len(),
			Fields::Tuple(fields) => fields.len(),
		}
	}

	/// The name and the type of a field.
	pub(crate) fn get(self, position: usize) -> Option<(Option<&'a str>, u32)> {
		match self {
			Fields::Of(fields) => {
				let field = fields.get(position)?;
				Some((field.name.as_deref(), field.ty.id))
			}
			Fields::Tuple(fields) => Some((None, fields.get(position)?.id)),
		}
	}

	/// Whether a field has this name.
	pub(crate) fn has(self, name: Option<&str>) -> bool {
		match self {
			Fields::Of(fields) => fields.iter().any(|field| field.name.as_deref() == name),
			Fields::Tuple(_) => false,
		}
	}

	/// Whether the fields have names.
	pub(crate) fn named(self) -> bool {
		self.get(0).is_some_and(|(name, _)| name.is_some())
	}

	/// The type of the only field, if that has no name.
	fn wrapped(self) -> Option<u32> {
		match (self.len(), self.get(0)) {
			(1, Some((None, ty))) => Some(ty),
			_ => None,
		}
	}
}

/// The structure of a type.
#[derive(Clone, Copy)]
pub(crate) enum Shape<'a> {
	Primitive(&'a TypeDefPrimitive),
	Compact {
		bits: u8,
	},
	Product(Fields<'a>),
	Sum(&'a [Variant<PortableForm>]),
	Sequence(u32),
	Array {
		length: u32,
		element: u32,
	},
	Bits {
		store: &'static str,
		order: &'static str,
	},
}

/// A type behind all that only wraps it.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
	/// Its place in the registry.
	pub id: u32,
	/// If it has fewer values than its shape shows.
	pub refined: Option<&'static str>,
	pub shape: Shape<'a>,
}

impl<'a> View<'a> {
	/// The type `id`; none if it isn't in the registry, is nothing but wrappers, or is of no shape.
	pub(crate) fn of(types: &'a PortableRegistry, mut id: u32) -> Option<Self> {
		for _ in 0..=types.types.len() {
			let ty = types.resolve(id)?;
			let refined = refinement(ty);
			let shape = match &ty.type_def {
				TypeDef::Primitive(primitive) => Shape::Primitive(primitive),
				TypeDef::Compact(compact) => Shape::Compact {
					bits: compact_bits(types, compact.type_param.id)?,
				},
				TypeDef::Composite(composite) => Shape::Product(Fields::Of(&composite.fields)),
				TypeDef::Tuple(tuple) => Shape::Product(Fields::Tuple(&tuple.fields)),
				TypeDef::Variant(variant) => Shape::Sum(&variant.variants),
				TypeDef::Sequence(sequence) => Shape::Sequence(sequence.type_param.id),
				TypeDef::Array(array) => Shape::Array {
					length: array.len,
					element: array.type_param.id,
				},
				TypeDef::BitSequence(bits) => Shape::Bits {
					store: bit_store(types, bits.bit_store_type.id)?,
					order: bit_order(types.resolve(bits.bit_order_type.id)?)?,
				},
			};
			match shape {
				Shape::Product(fields) if refined.is_none() => match fields.wrapped() {
					Some(inner) => id = inner,
					None => return Some(View { id, refined, shape }),
				},
				_ => return Some(View { id, refined, shape }),
			}
		}
		None
	}

	/// What a refined type is made of.
	pub(crate) fn inside(self, types: &'a PortableRegistry) -> Option<Self> {
		match self.shape {
			Shape::Product(fields) if fields.wrapped().is_some() => Self::of(types, fields.wrapped()?),
			_ => Some(View {
				refined: None,
				..self
			}),
		}
	}

	/// The kind of type, for errors.
	pub(crate) fn kind(&self) -> String {
		match (self.refined, self.shape) {
			(Some(name), _) => name.to_string(),
			(None, shape) => shape.to_string(),
		}
	}
}

impl fmt::Display for Shape<'_> {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Shape::Primitive(primitive) => f.write_str(primitive_name(primitive)),
			Shape::Compact { bits } => write!(f, "compact u{bits}"),
			Shape::Product(fields) if fields.len() == 0 => f.write_str("unit"),
			Shape::Product(fields) if fields.named() => f.write_str("struct"),
			Shape::Product(_) => f.write_str("tuple"),
			Shape::Sum(_) => f.write_str("enum"),
			Shape::Sequence(_) => f.write_str("sequence"),
			Shape::Array { length, .. } => write!(f, "array of {length}"),
			Shape::Bits { store, order } => write!(f, "bit sequence of {store} {order}"),
		}
	}
}
