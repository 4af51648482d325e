//! Texts that are counted on one chain and on several, against counts that are made here.

use asterism_actor::{
	asterism_interface::{connect, Interface, Pipeline, Role, Stage, Valid},
	interface,
	testing::{gas, Random, World},
	Address,
};
use std::collections::BTreeMap;
use wordcount::{chunks, words, Counts, Mapper, Reducer, Total, MAX_TEXT, MAX_WORD};
use wordcount_reducer::{Progress, PROGRESS, WORDS};

const TEXT: &str = "When receiving a message, the actor can concurrently: send a finite number of messages to other \
	actors; create a finite number of new actors; designate the behavior to be used when the NEXT message is received.";

/// The counts of a text's words, by characters.
fn counted(text: &[u8]) -> BTreeMap<String, u64> {
	let mut counts = BTreeMap::new();
	let mut word = String::new();
	for character in text.iter().map(|byte| char::from(*byte)).chain([' ']) {
		if character.is_ascii() && character.is_alphanumeric() {
			word.push(character.to_ascii_lowercase());
		} else if !word.is_empty() {
			word.truncate(MAX_WORD);
			*counts.entry(std::mem::take(&mut word)).or_default() += 1;
		}
	}
	counts
}

/// A text of so many words, some of them frequent, with other bytes between them.
fn random_text(random: &mut Random, length: u32) -> Vec<u8> {
	const BETWEEN: [&[u8]; 6] = [b" ", b"\n", b", ", b"-", b"\0\xff", "äß—".as_bytes()];
	let mut text = Vec::new();
	for _ in 0..length {
		let rare = random.below(400);
		let word = random.below(rare + 1) * 7919;
		let word = match random.below(40) {
			0 => "x".repeat(word as usize % 120),
			1 => word.to_string(),
			_ => format!("{word:X}Word{}", word % 7),
		};
		text.extend(word.as_bytes());
		text.extend(BETWEEN[random.below(6) as usize]);
	}
	text
}

/// A reducer on chain 1, and mappers on so many chains.
struct Counting {
	world: World,
	owner: Address,
	mappers: Vec<Address>,
	reducer: Address,
}

impl Counting {
	fn new(chains: u32, pieces: usize) -> Self {
		let mut world = World::new(chains);
		let users: Vec<Address> = (1..=chains).map(|chain| world.user(chain, "owner", 0)).collect();
		let mappers: Vec<Address> = users
			.iter()
			.map(|user| world.create::<wordcount_mapper::Mapper>(user, &(), 0))
			.collect();
		let start = Reducer::Start {
			mappers: mappers.clone(),
			chunks: pieces as u32,
		};
		let owner = users[0];
		let reducer = world.create::<wordcount_reducer::Reducer>(&owner, &start, 0);
		world.run();
		Self {
			world,
			owner,
			mappers,
			reducer,
		}
	}

	fn send(&mut self, from: Address, chunk: u32, mapper: usize, text: &[u8], gas: u64) {
		let count = Mapper::Count {
			reducer: self.reducer,
			chunk,
			text: text.into(),
		};
		self.world
			.send_with_gas(&from, &self.mappers[mapper], &count, 0, gas);
	}

	/// Compares all counts, and that there are no others.
	fn check(&self, pieces: usize, text: &[u8]) {
		let expected = counted(text);
		for (word, count) in &expected {
			let found = self
				.world
				.entry(&self.reducer, &WORDS, &word.clone().into_bytes());
			assert_eq!(found, Some(*count), "{word}");
		}
		let progress = Progress {
			chunks: pieces as u32,
			words: expected.values().sum(),
		};
		assert_eq!(self.world.item(&self.reducer, &PROGRESS), Some(progress.clone()));
		// The owner is told once.
		let received = self.world.received(&self.owner).iter();
		let told: Vec<Total> = received
			.filter(|received| received.from == self.reducer && received.refusal().is_none())
			.filter_map(|received| received.decode())
			.collect();
		let total = Total {
			chunks: progress.chunks,
			words: progress.words,
		};
		assert_eq!(told, [total]);
	}
}

fn count_on(chains: u32, text: &[u8], seed: u64) {
	let mut random = Random::new(seed);
	let pieces: Vec<&[u8]> = chunks(text).collect();
	let mut counting = Counting::new(chains, pieces.len());
	for (chunk, piece) in (0..).zip(&pieces) {
		let mapper = random.below(chains.into()) as usize;
		counting.send(counting.owner, chunk, mapper, piece, gas::DEFAULT);
	}
	counting.world.run_shuffled(&mut random);
	counting.check(pieces.len(), text);
}

#[test]
fn counts_are_the_same_on_any_number_of_chains() {
	let text = random_text(&mut Random::new(1), 4_000);
	assert!(chunks(&text).count() > 10);
	for chains in 1..=5 {
		count_on(chains, &text, chains.into());
		count_on(chains, TEXT.as_bytes(), chains.into());
	}
}

#[test]
fn a_chunk_of_as_many_words_as_can_be_is_counted() {
	let digits = b"0123456789abcdefghijklmnopqrstuvwxyz";
	let mut text: Vec<u8> = digits.iter().flat_map(|digit| [*digit, b' ']).collect();
	'fill: for first in digits {
		for second in digits {
			if text.len() + 3 > MAX_TEXT {
				break 'fill;
			}
			text.extend([*first, *second, b' ']);
		}
	}
	assert!(counted(&text).len() > 670);
	count_on(1, &text, 0);
	let long: String = (10..50)
		.map(|number| format!("{}{number}.", "x".repeat(MAX_WORD - 2)))
		.collect();
	count_on(2, long.as_bytes(), 0);
}

#[test]
fn chunks_have_the_words_of_the_text() {
	let mut texts = vec![
		b"".to_vec(),
		b"one".to_vec(),
		vec![b'.'; 3 * MAX_TEXT],
		vec![b'x'; MAX_TEXT],
		vec![b'x'; MAX_TEXT + 1],
		[&[b'.'][..], &vec![b'x'; 3 * MAX_TEXT]].concat(),
		[&b"one "[..], &vec![b'x'; 3 * MAX_TEXT], b" two"].concat(),
	];
	let mut random = Random::new(7);
	for length in [1, 10, 300, 1_000] {
		texts.push(random_text(&mut random, length));
	}
	for text in texts {
		let pieces: Vec<&[u8]> = chunks(&text).collect();
		assert!(pieces.iter().all(|piece| piece.len() <= MAX_TEXT));
		let of_pieces: Vec<&[u8]> = pieces.iter().copied().flat_map(words).collect();
		assert_eq!(of_pieces, words(&text).collect::<Vec<_>>());
	}
}

#[test]
fn a_chunk_is_counted_once_and_may_be_sent_again() {
	let text = random_text(&mut Random::new(2), 600);
	let pieces: Vec<&[u8]> = chunks(&text).collect();
	let mut counting = Counting::new(3, pieces.len());
	let owner = counting.owner;
	for (chunk, piece) in (0..).zip(&pieces) {
		// Too little gas for the mapper, then for the reducer, then enough, twice.
		for (mapper, gas) in [gas::MESSAGE / 2, gas::MESSAGE * 2, gas::DEFAULT, gas::DEFAULT]
			.into_iter()
			.enumerate()
		{
			counting.send(owner, chunk, mapper % 3, piece, gas);
		}
	}
	counting.world.run_shuffled(&mut Random::new(3));
	counting.check(pieces.len(), &text);
}

#[test]
fn only_the_owners_chunks_count_and_only_from_mappers() {
	let mut counting = Counting::new(2, 1);
	let eve = counting.world.user(2, "eve", 0);
	let (owner, reducer) = (counting.owner, counting.reducer);
	counting.send(eve, 0, 0, b"eve was here", gas::DEFAULT);
	counting.send(owner, 1, 0, b"no such chunk", gas::DEFAULT);
	let counts = Counts {
		owner,
		chunk: 0,
		part: 0,
		parts: 1,
		counts: vec![(b"eve".to_vec(), 1)],
	};
	counting.world.send(&eve, &reducer, &Reducer::Counts(counts), 0);
	counting.world.run();
	assert_eq!(
		counting.world.refusal(&eve).as_deref(),
		Some("only a mapper may do that")
	);
	assert_eq!(counting.world.item(&reducer, &PROGRESS), None);
	let start = Reducer::Start {
		mappers: vec![eve],
		chunks: 1,
	};
	counting.world.send(&eve, &reducer, &start, 0);
	counting.world.run();
	assert_eq!(
		counting.world.refusal(&eve).as_deref(),
		Some("there is a job already")
	);
	counting.send(owner, 0, 1, TEXT.as_bytes(), gas::DEFAULT);
	counting.world.run();
	counting.check(1, TEXT.as_bytes());
}

#[test]
fn the_interfaces_fit_together() {
	let mapper = interface::<wordcount_mapper::Mapper>().unwrap();
	let reducer = interface::<wordcount_reducer::Reducer>().unwrap();
	connect(&mapper, "to_reducer", &reducer, "reducer").unwrap();
}

/// The pipeline of mappers and a reducer.
fn pipeline(mappers: &[Address], reducer: Address, output: &str) -> Pipeline {
	let stage = |role, replicas: &[Address], input: &str, output: &str| Stage {
		role,
		replicas: replicas.to_vec(),
		input: input.into(),
		output: output.into(),
	};
	Pipeline {
		stages: vec![
			stage(Role::Map, mappers, "mapper", output),
			stage(Role::Reduce { key: None }, &[reducer], "reducer", "total"),
		],
	}
}

#[test]
fn mappers_on_several_chains_and_a_reducer_are_a_pipeline() {
	let (of_mappers, of_reducer) = (
		interface::<wordcount_mapper::Mapper>().unwrap(),
		interface::<wordcount_reducer::Reducer>().unwrap(),
	);
	for chains in 1..=3 {
		let text = random_text(&mut Random::new(chains.into()), 1_000);
		let pieces: Vec<&[u8]> = chunks(&text).collect();
		let mut counting = Counting::new(chains, pieces.len());
		let reducer = counting.reducer;
		let lookup = |actor: &Address| -> Option<Valid<Interface>> {
			Some(if *actor == reducer {
				of_reducer.clone()
			} else {
				of_mappers.clone()
			})
		};
		let checked = pipeline(&counting.mappers, reducer, "to_reducer").check(lookup);
		assert_eq!(checked, Ok(()));
		let refused = pipeline(&counting.mappers, reducer, "counts").check(lookup);
		assert_eq!(
			refused.unwrap_err().to_string(),
			"stages[0].replicas[0]: emits.counts: missing"
		);
		// A batch goes to the mappers in turn.
		for (chunk, piece) in (0..).zip(&pieces) {
			let mapper = chunk as usize % counting.mappers.len();
			counting.send(counting.owner, chunk, mapper, piece, gas::DEFAULT);
		}
		counting.world.run();
		counting.check(pieces.len(), &text);
	}
}
