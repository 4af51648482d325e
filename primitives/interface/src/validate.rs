use crate::{
	count,
	path::{Side, Step, Steps, Trail},
	shape::{bit_order, bit_store, compact_bits, is_refinement, refinement, Fields},
	Interface, MessageType,
};
use alloc::{
	collections::{BTreeSet, VecDeque},
	string::String,
	vec,
	vec::Vec,
};
use codec::{Decode, DecodeAll, DecodeWithMemTracking, Encode};
use core::fmt;
use scale_info::{form::PortableForm, Field, PortableRegistry, Type, TypeDef, TypeInfo, Variant};

/// Bytes that an interface may take.
pub const MAX_ENCODED: usize = 16 * 1024;

/// Messages that an actor may accept, and as many that it may emit.
pub const MAX_MESSAGES: usize = 32;

/// Types that an interface may describe.
pub const MAX_TYPES: usize = 256;

/// Fields that a struct, a tuple or a variant may have.
pub const MAX_FIELDS: usize = 32;

/// Variants that an enum may have: as many as there are indices.
pub const MAX_VARIANTS: usize = 256;

/// References that it may take from a message to a type, by the shortest way. A recursive type refers to itself once; how
/// deep its values go is up to those who decode them.
pub const MAX_DEPTH: u32 = 32;

/// Bytes that a name may take.
pub const MAX_NAME: usize = 64;

/// What even the smallest value of a type may be made of: primitive values, and the structs, enums and so on around them.
/// Without this bound, arrays of arrays would describe messages that no machine can hold.
pub const MAX_NODES: u64 = 65_536;

/// Why an interface isn't valid, and where.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Fault {
	/// The offender: `accepts.bid.kitty.id` is field `id` of field `kitty` of the accepted message `bid`; `[]` is the
	/// element of a sequence or array. What has no good name is there by its position, counted from 0. `interface` is
	/// the whole.
	pub path: String,
	/// What is wrong with it.
	pub problem: Problem,
}

/// What makes an interface invalid.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Problem {
	/// It takes more bytes than [`MAX_ENCODED`].
	TooLong {
		/// How many.
		found: u32,
	},
	/// The bytes don't encode an interface.
	Undecodable,
	/// There are more messages than [`MAX_MESSAGES`], types than [`MAX_TYPES`], fields than [`MAX_FIELDS`], or variants
	/// than [`MAX_VARIANTS`].
	TooMany {
		/// The bound.
		most: u32,
		/// How many.
		found: u32,
	},
	/// Its name isn't [one](is_name).
	BadName,
	/// Another one beside it has the same name.
	Repeated,
	/// The registry has no type of this number.
	Unresolved {
		/// The number.
		ty: u32,
	},
	/// The registry's type at this place says that it is at another one.
	Misplaced {
		/// That other one.
		ty: u32,
	},
	/// It takes more references than [`MAX_DEPTH`] to get from any message to this type.
	TooDeep,
	/// It has documentation, a name, type parameters or names of types, which [`Interface::strip`] would have removed.
	Ballast,
	/// No message needs it.
	Unused,
	/// Some of its fields have names and some have none.
	MixedFields,
	/// The variants don't come in ascending order of their indices, without repeat.
	VariantOrder,
	/// It is encoded compactly, but isn't an unsigned integer of up to 128 bits.
	NotCompact,
	/// It is a bit sequence, but its store or its order isn't any.
	BadBits,
	/// It has the name of a type of the standard library, but isn't made of what that is.
	BadRefinement,
	/// Each of its values would hold another one of its kind, without end.
	Infinite,
	/// Its smallest value is made of more than [`MAX_NODES`].
	TooLarge,
	/// It is a sequence of elements that may take no byte at all: a few bytes could stand for billions of them.
	EmptyElements,
}

impl fmt::Display for Fault {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "{}: {}", self.path, self.problem)
	}
}

impl fmt::Display for Problem {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Problem::TooLong { found } => write!(f, "expected at most {MAX_ENCODED} bytes, found {found}"),
			Problem::Undecodable => f.write_str("doesn't decode"),
			Problem::TooMany { most, found } => write!(f, "expected at most {most}, found {found}"),
			Problem::BadName => write!(
				f,
				"expected a name of at most {MAX_NAME} letters, digits and underscores that doesn't start with a digit"
			),
			Problem::Repeated => f.write_str("has the name of another one"),
			Problem::Unresolved { ty } => write!(f, "there is no type {ty}"),
			Problem::Misplaced { ty } => write!(f, "has the number {ty}"),
			Problem::TooDeep => write!(f, "more than {MAX_DEPTH} references away from any message"),
			Problem::Ballast => f.write_str("carries what an interface has no use for"),
			Problem::Unused => f.write_str("no message needs it"),
			Problem::MixedFields => f.write_str("has fields with and without names"),
			Problem::VariantOrder => f.write_str("comes after a variant with the same or a higher index"),
			Problem::NotCompact => f.write_str("expected an unsigned integer, for compact encoding"),
			Problem::BadBits => f.write_str("expected a bit sequence of u8 to u64, Lsb0 or Msb0"),
			Problem::BadRefinement => {
				f.write_str("isn't what the type of this name is in the standard library")
			}
			Problem::Infinite => f.write_str("contains itself without end"),
			Problem::TooLarge => write!(f, "its smallest value is made of more than {MAX_NODES} values"),
			Problem::EmptyElements => f.write_str("expected elements that take at least a byte"),
		}
	}
}

impl core::error::Error for Fault {}

/// Whether this can be the name of a message, field or variant: 1 to [`MAX_NAME`] ASCII letters, digits and underscores,
/// not starting with a digit.
pub fn is_name(name: &str) -> bool {
	name.len() <= MAX_NAME
		&& name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
		&& name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Decodes an interface of at most [`MAX_ENCODED`] bytes.
pub(crate) fn decode(bytes: &[u8]) -> Result<Interface, Fault> {
	let fault = |problem| Fault {
		path: "interface".into(),
		problem,
	};
	if bytes.len() > MAX_ENCODED {
		return Err(fault(Problem::TooLong {
			found: count(bytes.len()),
		}));
	}
	Interface::decode_all(&mut &bytes[..]).map_err(|_| fault(Problem::Undecodable))
}

/// Whether an interface is valid.
pub(crate) fn check(interface: &Interface) -> Result<(), Fault> {
	let of = |path: &str, most: usize, found: usize| {
		(found > most).then(|| Fault {
			path: path.into(),
			problem: Problem::TooMany {
				most: count(most),
				found: count(found),
			},
		})
	};
	let (accepts, emits) = (interface.accepts.len(), interface.emits.len());
	let too_many = of("accepts", MAX_MESSAGES, accepts)
		.or_else(|| of("emits", MAX_MESSAGES, emits))
		.or_else(|| of("types", MAX_TYPES, interface.types.types.len()));
	if let Some(fault) = too_many {
		return Err(fault);
	}
	let found = interface.encoded_size();
	if found > MAX_ENCODED {
		return Err(Fault {
			path: "interface".into(),
			problem: Problem::TooLong { found: count(found) },
		});
	}
	for (place, ty) in interface.types.types.iter().enumerate() {
		if usize::try_from(ty.id) != Ok(place) {
			return Err(Fault {
				path: alloc::format!("types[{place}]"),
				problem: Problem::Misplaced { ty: ty.id },
			});
		}
	}
	let mut walk = Walk::new(&interface.types);
	walk.messages(Side::Accepts, &interface.accepts)?;
	walk.messages(Side::Emits, &interface.emits)?;
	walk.types()?;
	walk.values()
}

/// Visits all types from the messages on, breadth first.
struct Walk<'a> {
	types: &'a PortableRegistry,
	trail: Trail<'a>,
	/// Where each type was met first: its place on the trail, and how many references it took.
	met: Vec<Option<(usize, u32)>>,
	/// The types in the order in which they were met.
	order: Vec<u32>,
	/// Those whose own references have not been followed yet.
	ahead: VecDeque<u32>,
}

impl<'a> Walk<'a> {
	fn new(types: &'a PortableRegistry) -> Self {
		Walk {
			types,
			trail: Trail::new(),
			met: vec![None; types.types.len()],
			order: Vec::new(),
			ahead: VecDeque::new(),
		}
	}

	fn fault<T>(&self, from: Option<usize>, steps: Steps<'a>, problem: Problem) -> Result<T, Fault> {
		Err(Fault {
			path: self.trail.path(from, steps),
			problem,
		})
	}

	fn messages(&mut self, side: Side, messages: &'a [MessageType]) -> Result<(), Fault> {
		let mut names = BTreeSet::new();
		for (position, message) in messages.iter().enumerate() {
			if !is_name(&message.name) {
				return self.fault(
					None,
					[Some(Step::MessageAt(side, position)), None],
					Problem::BadName,
				);
			}
			let steps = [Some(Step::Message(side, &message.name)), None];
			if !names.insert(&message.name) {
				return self.fault(None, steps, Problem::Repeated);
			}
			self.meet(None, steps, message.ty)?;
		}
		Ok(())
	}

	/// Follows a reference to a type.
	fn meet(&mut self, from: Option<(usize, u32)>, steps: Steps<'a>, ty: u32) -> Result<(), Fault> {
		let from_place = from.map(|(place, _)| place);
		let Some(met) = usize::try_from(ty).ok().and_then(|ty| self.met.get_mut(ty)) else {
			return self.fault(from_place, steps, Problem::Unresolved { ty });
		};
		if met.is_some() {
			return Ok(());
		}
		let depth = from.map_or(0, |(_, depth)| depth.saturating_add(1));
		if depth > MAX_DEPTH {
			return self.fault(from_place, steps, Problem::TooDeep);
		}
		*met = Some((self.trail.mark(from_place, steps), depth));
		self.order.push(ty);
		self.ahead.push_back(ty);
		Ok(())
	}

	/// Checks each type by itself, and follows its references.
	fn types(&mut self) -> Result<(), Fault> {
		while let Some(id) = self.ahead.pop_front() {
			if let (Some(ty), Some(at)) = (self.types.resolve(id), self.place(id)) {
				self.one(at, ty)?;
			}
		}
		match self.met.iter().position(Option::is_none) {
			None => Ok(()),
			Some(unused) => Err(Fault {
				path: alloc::format!("types[{unused}]"),
				problem: Problem::Unused,
			}),
		}
	}

	/// Where a type was met first.
	fn place(&self, id: u32) -> Option<(usize, u32)> {
		usize::try_from(id)
			.ok()
			.and_then(|id| self.met.get(id).copied().flatten())
	}

	fn one(&mut self, at: (usize, u32), ty: &'a Type<PortableForm>) -> Result<(), Fault> {
		let here = Some(at.0);
		let refined = refinement(ty);
		let named = usize::from(refined.or_else(|| bit_order(ty)).is_some());
		if !ty.docs.is_empty() || !ty.type_params.is_empty() || ty.path.segments.len() != named {
			return self.fault(here, [None, None], Problem::Ballast);
		}
		if refined.is_some_and(|name| !is_refinement(name, ty, self.types)) {
			return self.fault(here, [None, None], Problem::BadRefinement);
		}
		let element = [Some(Step::Element), None];
		match &ty.type_def {
			TypeDef::Composite(composite) => self.fields(at, None, &composite.fields),
			TypeDef::Variant(variant) => self.variants(at, &variant.variants),
			TypeDef::Sequence(sequence) => self.meet(Some(at), element, sequence.type_param.id),
			TypeDef::Array(array) => self.meet(Some(at), element, array.type_param.id),
			TypeDef::Tuple(tuple) => {
				self.bound(here, None, MAX_FIELDS, tuple.fields.len())?;
				for (position, field) in tuple.fields.iter().enumerate() {
					self.meet(Some(at), [Some(Step::At(position)), None], field.id)?;
				}
				Ok(())
			}
			TypeDef::Primitive(_) => Ok(()),
			TypeDef::Compact(compact) => {
				self.meet(Some(at), [None, None], compact.type_param.id)?;
				match compact_bits(self.types, compact.type_param.id) {
					Some(_) => Ok(()),
					None => self.fault(here, [None, None], Problem::NotCompact),
				}
			}
			TypeDef::BitSequence(bits) => {
				let (store, order) = (bits.bit_store_type.id, bits.bit_order_type.id);
				self.meet(Some(at), [None, None], store)?;
				self.meet(Some(at), [None, None], order)?;
				let order = self.types.resolve(order).and_then(bit_order);
				match (bit_store(self.types, store), order) {
					(Some(_), Some(_)) => Ok(()),
					_ => self.fault(here, [None, None], Problem::BadBits),
				}
			}
		}
	}

	fn bound(
		&self,
		here: Option<usize>,
		step: Option<Step<'a>>,
		most: usize,
		found: usize,
	) -> Result<(), Fault> {
		if found <= most {
			return Ok(());
		}
		let (most, found) = (count(most), count(found));
		self.fault(here, [step, None], Problem::TooMany { most, found })
	}

	fn variants(&mut self, at: (usize, u32), variants: &'a [Variant<PortableForm>]) -> Result<(), Fault> {
		let here = Some(at.0);
		self.bound(here, None, MAX_VARIANTS, variants.len())?;
		let mut names = BTreeSet::new();
		let mut last = None;
		for (position, variant) in variants.iter().enumerate() {
			if !is_name(&variant.name) {
				return self.fault(here, [Some(Step::At(position)), None], Problem::BadName);
			}
			let step = Some(Step::Name(&variant.name));
			if !names.insert(&variant.name) {
				return self.fault(here, [step, None], Problem::Repeated);
			}
			if last.is_some_and(|last| last >= variant.index) {
				return self.fault(here, [step, None], Problem::VariantOrder);
			}
			last = Some(variant.index);
			if !variant.docs.is_empty() {
				return self.fault(here, [step, None], Problem::Ballast);
			}
			self.fields(at, step, &variant.fields)?;
		}
		Ok(())
	}

	/// Checks the fields of a struct or, behind a step, of a variant.
	fn fields(
		&mut self,
		at: (usize, u32),
		step: Option<Step<'a>>,
		fields: &'a [Field<PortableForm>],
	) -> Result<(), Fault> {
		let here = Some(at.0);
		let behind = |field| match step {
			Some(step) => [Some(step), Some(field)],
			None => [Some(field), None],
		};
		self.bound(here, step, MAX_FIELDS, fields.len())?;
		if fields.iter().any(|field| field.name.is_some()) && fields.iter().any(|field| field.name.is_none())
		{
			return self.fault(here, [step, None], Problem::MixedFields);
		}
		let mut names = BTreeSet::new();
		for (position, field) in fields.iter().enumerate() {
			let name = field.name.as_deref();
			if name.is_some_and(|name| !is_name(name)) {
				return self.fault(here, behind(Step::At(position)), Problem::BadName);
			}
			let steps = behind(Step::field(name, position));
			if name.is_some_and(|name| !names.insert(name)) {
				return self.fault(here, steps, Problem::Repeated);
			}
			if field.type_name.is_some() || !field.docs.is_empty() {
				return self.fault(here, steps, Problem::Ballast);
			}
			self.meet(Some(at), steps, field.ty.id)?;
		}
		Ok(())
	}

	/// Checks that each type has values that can be sent.
	fn values(&self) -> Result<(), Fault> {
		let nodes = least(self.types, |_| 1);
		let bytes = least(self.types, least_bytes);
		let of = |costs: &[u64], id: u32| usize::try_from(id).ok().and_then(|id| costs.get(id).copied());
		for id in &self.order {
			let here = self.place(*id).map(|(place, _)| place);
			let elements = match self.types.resolve(*id).map(|ty| &ty.type_def) {
				Some(TypeDef::Sequence(sequence)) => of(&bytes, sequence.type_param.id),
				_ => None,
			};
			let problem = match of(&nodes, *id) {
				None | Some(INFINITE) => Problem::Infinite,
				Some(nodes) if nodes > MAX_NODES => Problem::TooLarge,
				Some(_) if elements == Some(0) => Problem::EmptyElements,
				Some(_) => continue,
			};
			return self.fault(here, [None, None], problem);
		}
		Ok(())
	}
}

/// The cost of a value that has no end.
const INFINITE: u64 = u64::MAX;

/// The sum of two costs; of what ends, it is less than [`INFINITE`].
fn plus(a: u64, b: u64) -> u64 {
	match (a, b) {
		(INFINITE, _) | (_, INFINITE) => INFINITE,
		_ => a.saturating_add(b).min(INFINITE - 1),
	}
}

/// A cost many times.
fn times(count: u32, cost: u64) -> u64 {
	match (count, cost) {
		(0, _) => 0,
		(_, INFINITE) => INFINITE,
		_ => cost.saturating_mul(count.into()).min(INFINITE - 1),
	}
}

/// For each type, the cost of the value that costs least: that of all that it consists of, where `own` is what each type
/// adds by itself.
fn least(types: &PortableRegistry, own: impl Fn(&TypeDef<PortableForm>) -> u64) -> Vec<u64> {
	let mut costs = vec![INFINITE; types.types.len()];
	// In the cheapest value of a type, no value contains another one of its type: so one round for each type does.
	for _ in 0..types.types.len() {
		let mut changed = false;
		for (place, ty) in types.types.iter().enumerate() {
			let of = |id: u32| {
				usize::try_from(id)
					.ok()
					.and_then(|id| costs.get(id).copied())
					.unwrap_or(INFINITE)
			};
			let all = |fields: Fields| {
				(0..fields.len())
					.filter_map(|position| fields.get(position))
					.fold(0, |sum, (_, ty)| plus(sum, of(ty)))
			};
			let parts = match &ty.ty.type_def {
				TypeDef::Composite(composite) => all(Fields::Of(&composite.fields)),
				TypeDef::Tuple(tuple) => all(Fields::Tuple(&tuple.fields)),
				// An enum without variants has no value, but it doesn't contain itself either.
				TypeDef::Variant(variant) => variant
					.variants
					.iter()
					.map(|variant| all(Fields::Of(&variant.fields)))
					.min()
					.unwrap_or(0),
				TypeDef::Array(array) => times(array.len, of(array.type_param.id)),
				TypeDef::Sequence(_)
				| TypeDef::Primitive(_)
				| TypeDef::Compact(_)
				| TypeDef::BitSequence(_) => 0,
			};
			let cost = plus(own(&ty.ty.type_def), parts);
			if let Some(known) = costs.get_mut(place).filter(|known| cost < **known) {
				*known = cost;
				changed = true;
			}
		}
		if !changed {
			break;
		}
	}
	costs
}

/// Whether values of the type take a byte by themselves.
fn least_bytes(def: &TypeDef<PortableForm>) -> u64 {
	match def {
		TypeDef::Composite(_) | TypeDef::Tuple(_) | TypeDef::Array(_) => 0,
		TypeDef::Variant(_)
		| TypeDef::Sequence(_)
		| TypeDef::Primitive(_)
		| TypeDef::Compact(_)
		| TypeDef::BitSequence(_) => 1,
	}
}
