use crate::{
	path::{Side, Step, Steps, Trail},
	shape::{Fields, Shape, View},
	Deadline, Interface, MessageType, Valid, MAX_TYPES,
};
use alloc::{
	collections::{BTreeSet, VecDeque},
	string::{String, ToString},
};
use codec::{Decode, DecodeWithMemTracking, Encode};
use core::fmt;
use scale_info::{form::PortableForm, PortableRegistry, TypeInfo, Variant};

/// Pairs of an emitted and an accepted type that one verdict may depend on. It bounds the time that a verdict takes; two
/// versions of one interface have no more pairs than types, and only contrived recursive types have more than this.
pub const MAX_ASSUMPTIONS: usize = 4_096;

/// Why something doesn't fit, and where.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Misfit {
	/// The offender, by the names of the accepted message: `accepts.bid.kitty.id` is field `id` of field `kitty` of the
	/// message accepted as `bid`; `[]` is the element of a sequence or array. Fields without name go by their position,
	/// counted from 0. Among several offenders it is one of those nearest to the message.
	pub path: String,
	/// What doesn't fit. *Expected* is what is accepted there, *found* is what may come.
	pub why: Why,
}

/// What doesn't fit.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Why {
	/// The message or field is expected, but there is none.
	Missing,
	/// The message, field or variant may come, but isn't accepted.
	Unexpected,
	/// The type is of another kind.
	Kind {
		/// What is accepted, e.g. `u64`, `compact u64`, `struct`, `array of 32`.
		expected: String,
		/// What may come.
		found: String,
	},
	/// The field at this position, or the variant of this index, has another name.
	Name {
		/// The accepted one.
		expected: String,
		/// The one that may come.
		found: String,
	},
	/// The variant of this name has another index.
	Index {
		/// The accepted one.
		expected: u8,
		/// The one that may come.
		found: u8,
	},
	/// The types are too intricate to tell: there are more than [`MAX_ASSUMPTIONS`] pairs to compare.
	TooComplex,
	/// A message of another interface than it is said to be, or one that isn't valid.
	Unresolved,
	/// A message costs more.
	Price {
		/// What it may cost, in the smallest unit of the native currency.
		expected: u128,
		/// What it costs.
		found: u128,
	},
	/// The answer may come later, or is promised in another unit of time.
	Deadline {
		/// When it has to be there.
		expected: Deadline,
		/// What is promised, if anything.
		found: Option<Deadline>,
	},
}

impl fmt::Display for Misfit {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "{}: {}", self.path, self.why)
	}
}

impl fmt::Display for Why {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Why::Missing => f.write_str("missing"),
			Why::Unexpected => f.write_str("not accepted"),
			Why::Kind { expected, found } => write!(f, "expected {expected}, found {found}"),
			Why::Name { expected, found } => write!(f, "expected the name {expected}, found {found}"),
			Why::Index { expected, found } => write!(f, "expected the index {expected}, found {found}"),
			Why::TooComplex => f.write_str("too complex to compare"),
			Why::Unresolved => f.write_str("not a message of this interface"),
			Why::Price { expected, found } => write!(f, "expected at most {expected}, found {found}"),
			Why::Deadline { expected, found } => {
				write!(f, "expected at most {expected}, found ")?;
				match found {
					Some(found) => found.fmt(f),
					None => f.write_str("none"),
				}
			}
		}
	}
}

impl core::error::Error for Misfit {}

/// Whether every emitted message can be taken for an accepted one: it decodes, whole, and means the same. The
/// [table](crate#what-fits) says what that comes to for each kind of type.
///
/// Between messages without [`Why::TooComplex`] this is a preorder: a message fits itself, and what fits something that
/// fits a third one fits that too.
///
/// # Errors
/// The [`Misfit`].
pub fn fits(
	emitted: (&Valid<Interface>, &MessageType),
	accepted: (&Valid<Interface>, &MessageType),
) -> Result<(), Misfit> {
	message_fits(Side::Accepts, emitted, accepted)
}

/// Whether what `a` emits as `emits` may be connected to what `b` accepts as `accepts` (Constellation, "EVM vs JVM": "if
/// we mix incompatible microservices or distributed applications, we will know immediately").
///
/// # Errors
/// The [`Misfit`]; [`Why::Missing`] if an actor has no such message.
pub fn connect(a: &Valid<Interface>, emits: &str, b: &Valid<Interface>, accepts: &str) -> Result<(), Misfit> {
	let emitted = a
		.emitted(emits)
		.ok_or_else(|| Misfit::of(Side::Emits, emits, Why::Missing))?;
	let accepted = b
		.accepted(accepts)
		.ok_or_else(|| Misfit::of(Side::Accepts, accepts, Why::Missing))?;
	fits((a, emitted), (b, accepted))
}

/// Whether an actor with interface `new` may take the place of one with interface `old`, without anybody's noticing
/// who is connected to that (Constellation, "EVM vs JVM"):
///
/// - it accepts every message that the old one accepted, so its accepted types may be wider: *contravariant*;
/// - it emits no message that the old one didn't emit, so its emitted types may be narrower: *covariant*;
/// - it asks no higher price, and keeps a deadline of the same unit that is no later, if the old one promised any.
///
/// # Errors
/// The first [`Misfit`], in this order. Of accepted messages, *found* is what the old one accepted, which may come, and
/// *expected* is what the new one accepts; of emitted ones, *found* is what the new one emits.
pub fn substitutes(new: &Valid<Interface>, old: &Valid<Interface>) -> Result<(), Misfit> {
	let mut accepts = Check::new(&old.types, &new.types);
	for message in &old.accepts {
		let accepted = new
			.accepted(&message.name)
			.ok_or_else(|| Misfit::of(Side::Accepts, &message.name, Why::Missing))?;
		accepts.message(Side::Accepts, message, accepted)?;
	}
	let mut emits = Check::new(&new.types, &old.types);
	for message in &new.emits {
		let accepted = old
			.emitted(&message.name)
			.ok_or_else(|| Misfit::of(Side::Emits, &message.name, Why::Unexpected))?;
		emits.message(Side::Emits, message, accepted)?;
	}
	let (new, old) = (new.service.unwrap_or_default(), old.service.unwrap_or_default());
	if new.price > old.price {
		return Err(Misfit {
			path: "service.price".into(),
			why: Why::Price {
				expected: old.price,
				found: new.price,
			},
		});
	}
	match (old.deadline, new.deadline) {
		(None, _) => Ok(()),
		(Some(old), Some(new)) if new.meets(&old) => Ok(()),
		(Some(expected), found) => Err(Misfit {
			path: "service.deadline".into(),
			why: Why::Deadline { expected, found },
		}),
	}
}

/// Whether a message of one interface fits one of another, `accepted` being on either side of its interface.
pub(crate) fn message_fits(
	side: Side,
	emitted: (&Valid<Interface>, &MessageType),
	accepted: (&Valid<Interface>, &MessageType),
) -> Result<(), Misfit> {
	Check::new(&emitted.0.types, &accepted.0.types).message(side, emitted.1, accepted.1)
}

impl Misfit {
	pub(crate) fn of(side: Side, message: &str, why: Why) -> Self {
		Misfit {
			path: Step::Message(side, message).to_string(),
			why,
		}
	}
}

/// Compares the types of two registries, from messages on, breadth first.
///
/// A pair of types that is met again is assumed to fit: it is either compared already or about to be. If no comparison
/// ends in a misfit, all these assumptions hold together, which is what it means for recursive types to fit. Nothing is
/// ever tried out and taken back, for no kind of type fits in two ways.
struct Check<'a> {
	emitted: &'a PortableRegistry,
	accepted: &'a PortableRegistry,
	trail: Trail<'a>,
	assumed: BTreeSet<(u32, u32)>,
	ahead: VecDeque<Pair<'a>>,
}

/// Two types to compare.
struct Pair<'a> {
	/// Their place on the trail.
	place: usize,
	emitted: View<'a>,
	accepted: View<'a>,
}

impl<'a> Check<'a> {
	fn new(emitted: &'a PortableRegistry, accepted: &'a PortableRegistry) -> Self {
		Check {
			emitted,
			accepted,
			trail: Trail::new(),
			assumed: BTreeSet::new(),
			ahead: VecDeque::new(),
		}
	}

	fn misfit<T>(&self, from: usize, steps: Steps<'a>, why: Why) -> Result<T, Misfit> {
		Err(Misfit {
			path: self.trail.path(Some(from), steps),
			why,
		})
	}

	/// Compares two messages. What was found to fit before isn't compared again.
	fn message(
		&mut self,
		side: Side,
		emitted: &'a MessageType,
		accepted: &'a MessageType,
	) -> Result<(), Misfit> {
		let root = self
			.trail
			.mark(None, [Some(Step::Message(side, &accepted.name)), None]);
		self.assume(root, [None, None], emitted.ty, accepted.ty)?;
		while let Some(pair) = self.ahead.pop_front() {
			self.compare(pair)?;
		}
		Ok(())
	}

	/// Takes a pair of types for fitting until it is compared.
	fn assume(&mut self, from: usize, steps: Steps<'a>, emitted: u32, accepted: u32) -> Result<(), Misfit> {
		let (emitted, accepted) = match self.unwrap(emitted, accepted) {
			Ok(pair) => pair,
			Err(why) => return self.misfit(from, steps, why),
		};
		let ids = (emitted.id, accepted.id);
		if self.assumed.contains(&ids) {
			return Ok(());
		}
		if self.assumed.len() >= MAX_ASSUMPTIONS {
			return self.misfit(from, steps, Why::TooComplex);
		}
		self.assumed.insert(ids);
		let place = self.trail.mark(Some(from), steps);
		self.ahead.push_back(Pair {
			place,
			emitted,
			accepted,
		});
		Ok(())
	}

	/// What two types are made of, as far as neither needs the other to be refined.
	fn unwrap(&self, emitted: u32, accepted: u32) -> Result<(View<'a>, View<'a>), Why> {
		let mut emitted = View::of(self.emitted, emitted).ok_or(Why::Unresolved)?;
		let mut accepted = View::of(self.accepted, accepted).ok_or(Why::Unresolved)?;
		for _ in 0..=MAX_TYPES {
			match (emitted.refined, accepted.refined) {
				(None, None) => return Ok((emitted, accepted)),
				(Some(found), Some(expected)) if found == expected => {
					accepted = accepted.inside(self.accepted).ok_or(Why::Unresolved)?;
				}
				(Some(_), None) => {}
				_ => return Err(other_kind(&emitted, &accepted)),
			}
			emitted = emitted.inside(self.emitted).ok_or(Why::Unresolved)?;
		}
		Err(Why::Unresolved)
	}

	fn compare(&mut self, pair: Pair<'a>) -> Result<(), Misfit> {
		let place = pair.place;
		let element = [Some(Step::Element), None];
		match (pair.emitted.shape, pair.accepted.shape) {
			(Shape::Primitive(emitted), Shape::Primitive(accepted)) if emitted == accepted => Ok(()),
			(Shape::Compact { bits: emitted }, Shape::Compact { bits: accepted }) if emitted <= accepted => {
				Ok(())
			}
			(Shape::Sequence(emitted), Shape::Sequence(accepted)) => {
				self.assume(place, element, emitted, accepted)
			}
			(
				Shape::Array {
					length: found,
					element: emitted,
				},
				Shape::Array {
					length: expected,
					element: accepted,
				},
			) if found == expected => self.assume(place, element, emitted, accepted),
			(
				Shape::Bits {
					store: found_store,
					order: found_order,
				},
				Shape::Bits { store, order },
			) if found_store == store && found_order == order => Ok(()),
			(Shape::Product(emitted), Shape::Product(accepted))
				if emitted.named() == accepted.named() || emitted.len() == 0 || accepted.len() == 0 =>
			{
				self.fields(place, None, emitted, accepted)
			}
			(Shape::Sum(emitted), Shape::Sum(accepted)) => self.variants(place, emitted, accepted),
			_ => self.misfit(place, [None, None], other_kind(&pair.emitted, &pair.accepted)),
		}
	}

	/// Compares the fields of two structs or, behind a step, of two variants.
	fn fields(
		&mut self,
		place: usize,
		step: Option<Step<'a>>,
		emitted: Fields<'a>,
		accepted: Fields<'a>,
	) -> Result<(), Misfit> {
		let behind = |name, position| match step {
			Some(step) => [Some(step), Some(Step::field(name, position))],
			None => [Some(Step::field(name, position)), None],
		};
		for position in 0..emitted.len().max(accepted.len()) {
			match (emitted.get(position), accepted.get(position)) {
				(Some((found, emitted)), Some((expected, accepted))) if found == expected => {
					self.assume(place, behind(expected, position), emitted, accepted)?;
				}
				(Some((found, _)), Some((expected, _))) => {
					let missing = !emitted.has(expected);
					let unexpected = !accepted.has(found);
					return match (missing, unexpected) {
						(true, false) => self.misfit(place, behind(expected, position), Why::Missing),
						(false, true) => self.misfit(place, behind(found, position), Why::Unexpected),
						_ => {
							let name =
								|name: Option<&str>| name.map_or_else(|| position.to_string(), String::from);
							let (expected_name, found) = (name(expected), name(found));
							self.misfit(
								place,
								behind(expected, position),
								Why::Name {
									expected: expected_name,
									found,
								},
							)
						}
					};
				}
				(None, Some((expected, _))) => {
					return self.misfit(place, behind(expected, position), Why::Missing)
				}
				(Some((found, _)), None) => {
					return self.misfit(place, behind(found, position), Why::Unexpected)
				}
				(None, None) => break,
			}
		}
		Ok(())
	}

	/// Compares the variants of two enums, both in ascending order of their indices.
	fn variants(
		&mut self,
		place: usize,
		emitted: &'a [Variant<PortableForm>],
		accepted: &'a [Variant<PortableForm>],
	) -> Result<(), Misfit> {
		let mut rest = accepted.iter().peekable();
		for variant in emitted {
			while rest.next_if(|other| other.index < variant.index).is_some() {}
			let same_index = rest.peek().copied().filter(|other| other.index == variant.index);
			match same_index {
				Some(other) if other.name == variant.name => self.fields(
					place,
					Some(Step::Name(&other.name)),
					Fields::Of(&variant.fields),
					Fields::Of(&other.fields),
				)?,
				_ => {
					let same_name = accepted.iter().find(|other| other.name == variant.name);
					let (name, why) = match (same_name, same_index) {
						(Some(other), _) => (
							&variant.name,
							Why::Index {
								expected: other.index,
								found: variant.index,
							},
						),
						(None, Some(other)) => (
							&other.name,
							Why::Name {
								expected: other.name.clone(),
								found: variant.name.clone(),
							},
						),
						(None, None) => (&variant.name, Why::Unexpected),
					};
					return self.misfit(place, [Some(Step::Name(name)), None], why);
				}
			}
		}
		Ok(())
	}
}

/// The two kinds, which differ.
fn other_kind(emitted: &View, accepted: &View) -> Why {
	Why::Kind {
		expected: accepted.kind(),
		found: emitted.kind(),
	}
}
