//! Pipelines: actors chained stage by stage, as map, filter and reduce (Constellation, "Smart contracts as
//! microservices": "This is where MapReduce operators come into play"; the introduction: operations "fed into an
//! asynchronous DAG of computation").
//!
//! # Specification
//!
//! A pipeline is a list of stages. All that the replicas of a stage emit as its output is input of the next stage. Of a
//! stage,
//!
//! - **map** answers each input with outputs of its own, and **filter** passes some of its inputs on: what it emits fits
//!   what it accepts. Any replica may get any input;
//! - **reduce** turns all inputs of the same key into one output. The key is a field of the input; each key belongs to
//!   exactly one replica. Without a key all inputs are reduced to one, so there is exactly one replica.
//!
//! # Invariants
//!
//! - An actor is in one place of a pipeline only, so what flows through it never comes back: it is acyclic.
//! - The first replica of a stage stands for the stage: what the stage before emits fits its input, and what it emits fits
//!   the next stage's. Each other replica may take its place: it accepts all that the first one accepts, and emits nothing
//!   but what that emits. Since what fits is transitive, anything that any replica emits can be taken by any of the next.
//!   So the number of comparisons grows with that of the replicas, and not with its square.
//! - Whatever fits the input of a stage that reduces has the key's field at the same place, under the same name and in the
//!   same encoding, so all replicas before it agree on the key of a message: it is the bytes of that field.

use crate::{
	count,
	fitting::message_fits,
	is_name,
	path::Side,
	shape::{Shape, View},
	Interface, MessageType, Misfit, Valid, Why, MAX_NAME,
};
use alloc::{boxed::Box, collections::BTreeMap, format, string::String, vec::Vec};
use asterism_actor_abi::Address;
use codec::{Compact, CompactLen, Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::{borrow::Borrow, fmt};
use scale_info::TypeInfo;

/// Stages that a pipeline may have.
pub const MAX_STAGES: usize = 16;

/// Replicas that a stage may have.
pub const MAX_REPLICAS: usize = 64;

/// What a stage does to the messages that flow through it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Role {
	/// It answers each message with others.
	Map,
	/// It passes some of the messages on.
	Filter,
	/// It turns all messages of the same key into one.
	Reduce {
		/// The field of the input that is the key; with none, all inputs are of the same key.
		key: Option<String>,
	},
}

/// A stage of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Stage {
	/// What it does.
	pub role: Role,
	/// The actors that do it side by side, 1 to [`MAX_REPLICAS`]. The first one stands for the stage.
	pub replicas: Vec<Address>,
	/// The message that they accept.
	pub input: String,
	/// The message that they emit.
	pub output: String,
}

/// Actors chained stage by stage.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Pipeline {
	/// The stages in the order in which messages flow through them, 1 to [`MAX_STAGES`].
	pub stages: Vec<Stage>,
}

impl MaxEncodedLen for Pipeline {
	fn max_encoded_len() -> usize {
		let list = |most: usize, each: usize| {
			Compact::<u32>::compact_len(&count(most)).saturating_add(most.saturating_mul(each))
		};
		let name = list(MAX_NAME, 1);
		// A role is the longest with a key: two bytes say that it has one.
		let stage = 2 + name + list(MAX_REPLICAS, Address::max_encoded_len()) + name + name;
		list(MAX_STAGES, stage)
	}
}

impl Pipeline {
	/// Whether the pipeline can run: [`check`].
	///
	/// # Errors
	/// The [`PipelineError`].
	pub fn check<I: Borrow<Valid<Interface>>>(
		&self,
		lookup: impl FnMut(&Address) -> Option<I>,
	) -> Result<(), PipelineError> {
		check(&self.stages, lookup)
	}
}

/// Why a pipeline can't run, and where.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PipelineError {
	/// The offender, e.g. `stages[1].replicas[2]`, counted from 0.
	pub path: String,
	/// What is wrong with it.
	pub why: PipelineFault,
}

/// What makes a pipeline unfit to run.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum PipelineFault {
	/// There are no stages, or no replicas.
	Empty,
	/// There are more stages than [`MAX_STAGES`], or replicas than [`MAX_REPLICAS`].
	TooMany {
		/// The bound.
		most: u32,
		/// How many.
		found: u32,
	},
	/// The name isn't [one](is_name).
	BadName,
	/// The actor is in another place of the pipeline already.
	Repeated {
		/// That place.
		first: String,
	},
	/// The actor has no interface on record.
	Unknown,
	/// Of a stage: what the stage before emits doesn't fit its input, or, of a filter, its output isn't among its inputs. Of
	/// a replica: it has no such message, or can't take the place of the first.
	Misfit(Box<Misfit>),
	/// The input isn't a struct with such a field.
	NoKey,
	/// A stage that reduces everything to one message has more than one replica.
	NotOne {
		/// How many.
		found: u32,
	},
}

impl fmt::Display for PipelineError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "{}: {}", self.path, self.why)
	}
}

impl fmt::Display for PipelineFault {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			PipelineFault::Empty => f.write_str("expected at least one"),
			PipelineFault::TooMany { most, found } => write!(f, "expected at most {most}, found {found}"),
			PipelineFault::BadName => f.write_str("not a name"),
			PipelineFault::Repeated { first } => write!(f, "is {first} already"),
			PipelineFault::Unknown => f.write_str("has no interface"),
			PipelineFault::Misfit(misfit) => misfit.fmt(f),
			PipelineFault::NoKey => f.write_str("not a field of the input"),
			PipelineFault::NotOne { found } => {
				write!(f, "expected one replica, for there is no key, found {found}")
			}
		}
	}
}

impl core::error::Error for PipelineError {}

/// Whether a pipeline of these stages can run: it keeps the bounds and the invariants of this [module](self).
///
/// - `lookup`: the interface of an actor, if it has one on record; it is called once for each replica, in order.
///
/// It makes up to two comparisons of messages for each replica, and two for each stage.
///
/// # Errors
/// The first [`PipelineError`], in the order of the stages.
pub fn check<I: Borrow<Valid<Interface>>>(
	stages: &[Stage],
	mut lookup: impl FnMut(&Address) -> Option<I>,
) -> Result<(), PipelineError> {
	bound(|| "stages".into(), MAX_STAGES, stages.len())?;
	let mut places = BTreeMap::new();
	for (number, stage) in stages.iter().enumerate() {
		bound(
			|| format!("stages[{number}].replicas"),
			MAX_REPLICAS,
			stage.replicas.len(),
		)?;
		for (replica, address) in stage.replicas.iter().enumerate() {
			if let Some(first) = places.insert(address, place(number, replica)) {
				return error(&place(number, replica), PipelineFault::Repeated { first });
			}
		}
		let key = match &stage.role {
			Role::Reduce { key: Some(key) } => Some(("key", key)),
			Role::Reduce { key: None } if stage.replicas.len() != 1 => {
				let found = count(stage.replicas.len());
				return error(
					&format!("stages[{number}].replicas"),
					PipelineFault::NotOne { found },
				);
			}
			Role::Reduce { key: None } | Role::Map | Role::Filter => None,
		};
		let names = [("input", &stage.input), ("output", &stage.output)];
		for (what, name) in names.into_iter().chain(key) {
			if !is_name(name) {
				return error(&format!("stages[{number}].{what}"), PipelineFault::BadName);
			}
		}
	}

	let mut before: Option<(I, &Stage)> = None;
	for (number, stage) in stages.iter().enumerate() {
		let mut contract: Option<I> = None;
		for (replica, address) in stage.replicas.iter().enumerate() {
			let Some(actor) = lookup(address) else {
				return error(&place(number, replica), PipelineFault::Unknown);
			};
			let misfit = |misfit: Misfit| PipelineError {
				path: place(number, replica),
				why: PipelineFault::Misfit(Box::new(misfit)),
			};
			let (input, output) = ends(actor.borrow(), stage).map_err(misfit)?;
			match &contract {
				None => {
					head(number, stage, actor.borrow(), before.as_ref())?;
					contract = Some(actor);
				}
				Some(first) if first.borrow() == actor.borrow() => {}
				Some(first) => {
					let first = first.borrow();
					let (first_input, first_output) = ends(first, stage).map_err(misfit)?;
					message_fits(Side::Accepts, (first, first_input), (actor.borrow(), input))
						.map_err(misfit)?;
					message_fits(Side::Emits, (actor.borrow(), output), (first, first_output))
						.map_err(misfit)?;
				}
			}
		}
		before = contract.map(|contract| (contract, stage));
	}
	Ok(())
}

/// Checks the first replica of a stage by itself, and with that of the stage before.
fn head<I: Borrow<Valid<Interface>>>(
	number: usize,
	stage: &Stage,
	actor: &Valid<Interface>,
	before: Option<&(I, &Stage)>,
) -> Result<(), PipelineError> {
	let misfit = |misfit: Misfit| PipelineError {
		path: format!("stages[{number}]"),
		why: PipelineFault::Misfit(Box::new(misfit)),
	};
	let (input, output) = ends(actor, stage).map_err(misfit)?;
	if let Some((from, stage)) = before {
		let (_, emitted) = ends(from.borrow(), stage).map_err(misfit)?;
		message_fits(Side::Accepts, (from.borrow(), emitted), (actor, input)).map_err(misfit)?;
	}
	match &stage.role {
		Role::Filter => message_fits(Side::Accepts, (actor, output), (actor, input)).map_err(misfit),
		Role::Reduce { key: Some(key) } => {
			let shape = View::of(&actor.types, input.ty).map(|view| view.shape);
			match shape {
				Some(Shape::Product(fields)) if fields.has(Some(key)) => Ok(()),
				_ => error(&format!("stages[{number}].key"), PipelineFault::NoKey),
			}
		}
		Role::Reduce { key: None } | Role::Map => Ok(()),
	}
}

/// What an actor accepts and emits in a stage.
fn ends<'a>(
	actor: &'a Valid<Interface>,
	stage: &Stage,
) -> Result<(&'a MessageType, &'a MessageType), Misfit> {
	let input = actor
		.accepted(&stage.input)
		.ok_or_else(|| Misfit::of(Side::Accepts, &stage.input, Why::Missing))?;
	let output = actor
		.emitted(&stage.output)
		.ok_or_else(|| Misfit::of(Side::Emits, &stage.output, Why::Missing))?;
	Ok((input, output))
}

fn place(stage: usize, replica: usize) -> String {
	format!("stages[{stage}].replicas[{replica}]")
}

fn error<T>(path: &str, why: PipelineFault) -> Result<T, PipelineError> {
	Err(PipelineError {
		path: path.into(),
		why,
	})
}

fn bound(path: impl Fn() -> String, most: usize, found: usize) -> Result<(), PipelineError> {
	if found == 0 {
		return error(&path(), PipelineFault::Empty);
	}
	if found > most {
		let (most, found) = (count(most), count(found));
		return error(&path(), PipelineFault::TooMany { most, found });
	}
	Ok(())
}
