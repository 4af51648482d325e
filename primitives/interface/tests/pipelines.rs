//! Pipelines that can run, and what is said of others.
#![allow(dead_code)] // The types are there for their description only.

use asterism_interface::{
	pipeline::{PipelineFault, MAX_REPLICAS, MAX_STAGES},
	Address, Interface, Pipeline, PipelineError, Role, Stage, Valid,
};
use codec::{Compact, DecodeAll, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use std::collections::BTreeMap;

/// What is counted.
#[derive(TypeInfo)]
struct Word {
	word: String,
	count: Compact<u32>,
}

/// The same, counted by more.
#[derive(TypeInfo)]
struct WideWord {
	word: String,
	count: Compact<u64>,
}

/// The same, counted by less.
#[derive(TypeInfo)]
struct NarrowWord {
	word: String,
	count: Compact<u8>,
}

fn address(number: u8) -> Address {
	Address {
		chain: u32::from(number) % 3 + 1,
		account: [number; 32],
	}
}

fn actor<A: TypeInfo + 'static, E: TypeInfo + 'static>() -> Valid<Interface> {
	Interface::builder()
		.accepts::<A>("take")
		.emits::<E>("give")
		.build()
		.unwrap()
}

fn stage(role: Role, replicas: &[u8]) -> Stage {
	Stage {
		role,
		replicas: replicas.iter().copied().map(address).collect(),
		input: "take".into(),
		output: "give".into(),
	}
}

fn by(key: &str) -> Role {
	Role::Reduce {
		key: Some(key.into()),
	}
}

type Actors = BTreeMap<Address, Valid<Interface>>;

/// Counts the words of texts.
fn words() -> (Pipeline, Actors) {
	let stages = vec![
		stage(Role::Map, &[1, 2, 3]),
		stage(Role::Filter, &[4]),
		stage(by("word"), &[5, 6]),
		stage(Role::Reduce { key: None }, &[7]),
	];
	let actors = [
		(1, actor::<String, Word>()),
		(2, actor::<String, Word>()),
		(3, actor::<String, NarrowWord>()),
		(4, actor::<Word, Word>()),
		(5, actor::<Word, Word>()),
		(6, actor::<WideWord, NarrowWord>()),
		(7, actor::<Word, Vec<Word>>()),
	];
	let actors = actors
		.into_iter()
		.map(|(number, actor)| (address(number), actor))
		.collect();
	(Pipeline { stages }, actors)
}

fn said((pipeline, actors): &(Pipeline, Actors)) -> String {
	match pipeline.check(|address| actors.get(address)) {
		Ok(()) => "runs".into(),
		Err(error) => error.to_string(),
	}
}

#[test]
fn a_pipeline_of_fitting_stages_runs() {
	let (pipeline, actors) = words();
	assert_eq!(said(&(pipeline.clone(), actors.clone())), "runs");
	// Interfaces may as well be given away.
	assert_eq!(pipeline.check(|address| actors.get(address).cloned()), Ok(()));
}

#[test]
fn each_stage_fits_the_next() {
	let with = |number: u8, actor: Valid<Interface>| {
		let mut words = words();
		words.1.insert(address(number), actor);
		said(&words)
	};
	for (number, actor, expected) in [
		// The first replica stands for its stage.
		(
			1,
			actor::<String, WideWord>(),
			"stages[1]: accepts.take.count: expected compact u32, found compact u64",
		),
		(
			4,
			actor::<NarrowWord, NarrowWord>(),
			"stages[1]: accepts.take.count: expected compact u8, found compact u32",
		),
		(4, actor::<WideWord, NarrowWord>(), "runs"),
		(
			7,
			actor::<Vec<Word>, u8>(),
			"stages[3]: accepts.take: expected sequence, found struct",
		),
		// Others can take its place.
		(2, actor::<String, NarrowWord>(), "runs"),
		(
			2,
			actor::<String, WideWord>(),
			"stages[0].replicas[1]: emits.give.count: expected compact u32, found compact u64",
		),
		(
			2,
			actor::<u8, Word>(),
			"stages[0].replicas[1]: accepts.take: expected u8, found str",
		),
		(
			6,
			actor::<NarrowWord, Word>(),
			"stages[2].replicas[1]: accepts.take.count: expected compact u8, found compact u32",
		),
		// A filter makes nothing.
		(
			4,
			actor::<Word, WideWord>(),
			"stages[1]: accepts.take.count: expected compact u32, found compact u64",
		),
		(
			4,
			actor::<Word, String>(),
			"stages[1]: accepts.take: expected struct, found str",
		),
	] {
		assert_eq!(with(number, actor), expected);
	}
}

#[test]
fn messages_and_actors_are_there() {
	let mut unknown = words();
	unknown.1.remove(&address(6));
	assert_eq!(said(&unknown), "stages[2].replicas[1]: has no interface");
	let mut renamed = words();
	renamed.0.stages[3].input = "get".into();
	assert_eq!(said(&renamed), "stages[3].replicas[0]: accepts.get: missing");
	let mut renamed = words();
	renamed.0.stages[3].output = "get".into();
	assert_eq!(said(&renamed), "stages[3].replicas[0]: emits.get: missing");
	let mut misnamed = words();
	misnamed.0.stages[1].input = "a b".into();
	assert_eq!(said(&misnamed), "stages[1].input: not a name");
	let mut misnamed = words();
	misnamed.0.stages[1].output = String::new();
	assert_eq!(said(&misnamed), "stages[1].output: not a name");
}

#[test]
fn keys_are_fields_and_belong_to_one_replica() {
	let with = |role: Role, replicas: &[u8]| {
		let mut words = words();
		words.0.stages[2] = stage(role, replicas);
		said(&words)
	};
	assert_eq!(with(by("count"), &[5, 6]), "runs");
	assert_eq!(
		with(by("letter"), &[5, 6]),
		"stages[2].key: not a field of the input"
	);
	assert_eq!(with(by(""), &[5, 6]), "stages[2].key: not a name");
	assert_eq!(with(Role::Reduce { key: None }, &[5]), "runs");
	assert_eq!(
		with(Role::Reduce { key: None }, &[5, 6]),
		"stages[2].replicas: expected one replica, for there is no key, found 2"
	);
	assert_eq!(
		with(by("word"), &[5, 6, 5]),
		"stages[2].replicas[2]: is stages[2].replicas[0] already"
	);
	let mut keyless = words();
	keyless.0.stages = vec![stage(by("0"), &[8])];
	keyless.1.insert(address(8), actor::<(u8, u8), u8>());
	assert_eq!(said(&keyless), "stages[0].key: not a name");
	keyless.0.stages = vec![stage(by("x"), &[8])];
	assert_eq!(said(&keyless), "stages[0].key: not a field of the input");
}

#[test]
fn nothing_flows_in_circles() {
	let mut circle = words();
	circle.0.stages[3].replicas = vec![address(4)];
	assert_eq!(
		said(&circle),
		"stages[3].replicas[0]: is stages[1].replicas[0] already"
	);
}

#[test]
fn limits_are_kept() {
	let none = Pipeline { stages: vec![] };
	assert_eq!(said(&(none, Actors::new())), "stages: expected at least one");
	let mut idle = words();
	idle.0.stages[1].replicas.clear();
	assert_eq!(said(&idle), "stages[1].replicas: expected at least one");

	let unary = || actor::<u8, u8>();
	let actors: Actors = (0..=MAX_REPLICAS as u8).map(|n| (address(n), unary())).collect();
	let all: Vec<u8> = (0..=MAX_REPLICAS as u8).collect();
	let of = |stages: Vec<Stage>| said(&(Pipeline { stages }, actors.clone()));
	let long = |count: usize| all[..count].iter().map(|n| stage(Role::Map, &[*n])).collect();
	assert_eq!(of(long(MAX_STAGES)), "runs");
	assert_eq!(of(long(MAX_STAGES + 1)), "stages: expected at most 16, found 17");
	assert_eq!(of(vec![stage(Role::Map, &all[1..])]), "runs");
	assert_eq!(
		of(vec![stage(Role::Map, &all)]),
		"stages[0].replicas: expected at most 64, found 65"
	);
}

#[test]
fn encodings_are_bounded() {
	let name = || "n".repeat(asterism_interface::MAX_NAME);
	let largest = Pipeline {
		stages: (0..MAX_STAGES)
			.map(|_| Stage {
				role: Role::Reduce { key: Some(name()) },
				replicas: vec![address(0); MAX_REPLICAS],
				input: name(),
				output: name(),
			})
			.collect(),
	};
	assert_eq!(largest.encoded_size(), Pipeline::max_encoded_len());
	assert_eq!(Pipeline::decode_all(&mut &largest.encode()[..]), Ok(largest));
	let error = PipelineError {
		path: "stages".into(),
		why: PipelineFault::Empty,
	};
	assert_eq!(PipelineError::decode_all(&mut &error.encode()[..]), Ok(error));
}
