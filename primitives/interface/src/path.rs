//! The ways from messages to the types that they are made of, by which errors name the offender.

use alloc::{
	string::{String, ToString},
	vec::Vec,
};
use core::fmt;

/// Steps that a path spells out; of a longer one, the middle is left out.
const MAX_STEPS: usize = 64;

/// Which messages of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
	Accepts,
	Emits,
}

impl fmt::Display for Side {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			Side::Accepts => "accepts",
			Side::Emits => "emits",
		})
	}
}

/// A step of a path.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'a> {
	/// A message by its name.
	Message(Side, &'a str),
	/// A message by its position.
	MessageAt(Side, usize),
	/// A field or variant by its name.
	Name(&'a str),
	/// A field or variant by its position.
	At(usize),
	/// An element of a sequence or array.
	Element,
}

impl fmt::Display for Step<'_> {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Step::Message(side, name) => write!(f, "{side}.{name}"),
			Step::MessageAt(side, position) => write!(f, "{side}[{position}]"),
			Step::Name(name) => write!(f, ".{name}"),
			Step::At(position) => write!(f, ".{position}"),
			Step::Element => f.write_str("[]"),
		}
	}
}

impl<'a> Step<'a> {
	/// The step to a field.
	pub(crate) fn field(name: Option<&'a str>, position: usize) -> Self {
		name.map_or(Step::At(position), Step::Name)
	}
}

/// How far it is from one place to the next: a field, or a variant's field.
pub(crate) type Steps<'a> = [Option<Step<'a>>; 2];

/// All places that were reached from messages, each with the way to it.
pub(crate) struct Trail<'a>(Vec<(Option<usize>, Steps<'a>)>);

impl<'a> Trail<'a> {
	pub(crate) fn new() -> Self {
		Trail(Vec::new())
	}

	/// Marks a place, `steps` after an earlier one.
	pub(crate) fn mark(&mut self, from: Option<usize>, steps: Steps<'a>) -> usize {
		self.0.push((from, steps));
		self.0.len() - 1
	}

	/// The path to what is `steps` after a place.
	pub(crate) fn path(&self, from: Option<usize>, steps: Steps<'a>) -> String {
		let mut all: Vec<Step> = steps.into_iter().rev().flatten().collect();
		let mut next = from;
		// Each place comes after the one that it was reached from, so this ends.
		while let Some((from, steps)) = next.and_then(|place| self.0.get(place)) {
			all.extend(steps.iter().rev().flatten());
			next = *from;
		}
		all.reverse();
		let spell = |steps: &[Step]| steps.iter().map(ToString::to_string).collect::<String>();
		match all.len().checked_sub(MAX_STEPS) {
			None | Some(0) => spell(&all),
			Some(left_out) => {
				let (head, rest) = all.split_at(MAX_STEPS / 2);
				let tail = rest.get(left_out..).unwrap_or_default();
				alloc::format!("{}.({left_out} more){}", spell(head), spell(tail))
			}
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn the_middle_of_a_long_path_is_left_out() {
		let mut trail = Trail::new();
		let mut at = trail.mark(None, [Some(Step::Message(Side::Emits, "m")), None]);
		for _ in 0..31 {
			at = trail.mark(Some(at), [Some(Step::Name("V")), Some(Step::At(0))]);
		}
		let whole = trail.path(Some(at), [Some(Step::Element), None]);
		assert_eq!(whole, alloc::format!("emits.m{}[]", ".V.0".repeat(31)));
		let cut = trail.path(Some(at), [Some(Step::Name("x")), Some(Step::Name("y"))]);
		let (head, tail) = (".V.0".repeat(15), ".V.0".repeat(15));
		assert_eq!(cut, alloc::format!("emits.m{head}.V.(1 more){tail}.x.y"));
	}
}
