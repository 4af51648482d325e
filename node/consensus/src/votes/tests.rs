use super::*;
use crate::mock::{committee, notarization, proposal, signers, NAMES, REALM};
use commonware_consensus::{
	simplex::types::{Finalize, Notarize, Nullify},
	types::{Epoch as EngineEpoch, View as EngineView},
};
use proptest::prelude::*;
use std::fs;

fn at(view: u64, choice: Choice) -> Vote {
	Vote {
		round: Round { epoch: 0, view },
		member: 2,
		choice,
	}
}

fn block(byte: u8) -> Proposed {
	Proposed {
		parent: 1,
		block: Hash::repeat_byte(byte),
	}
}

use Choice::{Finalize as F, Notarize as N, Nullify as Skip};

#[test]
fn what_an_honest_member_votes_is_no_conflict() {
	let honest = [
		at(1, N(block(1))),
		at(1, F(block(1))),
		// Too late: it skips what it has notarized.
		at(2, N(block(2))),
		at(2, Skip),
		at(3, Skip),
		// It had not seen the proposal, only its notarization.
		at(4, F(block(4))),
		// The same proposal in another view or epoch.
		at(5, N(block(1))),
		Vote {
			round: Round { epoch: 1, view: 1 },
			..at(1, N(block(9)))
		},
	];
	assert_eq!(conflicts(honest), []);
	// A journal may repeat itself.
	assert_eq!(conflicts(honest.into_iter().chain(honest)), []);
	assert_eq!(conflicts([]), []);
}

#[test]
fn contradictory_votes_are_found() {
	let elsewhere = Proposed {
		parent: 0,
		..block(1)
	};
	for (first, second) in [
		(N(block(1)), N(block(2))),
		(F(block(1)), F(block(2))),
		(N(block(1)), F(block(2))),
		(Skip, F(block(1))),
		(N(block(1)), N(elsewhere)),
		(F(block(1)), F(elsewhere)),
	] {
		let (first, second) = (at(7, first), at(7, second));
		let honest = [at(6, N(block(1))), at(8, Skip), at(9, F(block(3)))];
		for votes in [[first, second], [second, first]] {
			let found = conflicts(honest.into_iter().chain(votes).chain(votes));
			assert_eq!(found.len(), 1, "{first} — {second}");
			let [first, second] = [first.min(second), first.max(second)];
			assert_eq!(found[0], Conflict { first, second });
			assert!(found[0].to_string().contains("view 7"));
		}
		// In different views they are none.
		let second = Vote {
			round: Round { epoch: 0, view: 10 },
			..second
		};
		assert_eq!(conflicts([first, second]), []);
	}
}

#[test]
fn a_journal_is_one_members() {
	let other = Vote {
		member: 3,
		..at(2, Skip)
	};
	let found = conflicts([at(1, Skip), other, at(2, Skip)]);
	assert_eq!(found.len(), 1);
	assert_eq!((found[0].first.member, found[0].second.member), (2, 3));
}

fn any_choice() -> impl Strategy<Value = Choice> {
	prop_oneof![
		(0u8..3).prop_map(|i| N(block(i))),
		Just(Skip),
		(0u8..3).prop_map(|i| F(block(i))),
	]
}

proptest! {
	/// There is none exactly if in each view all blocks voted for are one, and no view is both skipped and final.
	#[test]
	fn the_rule_is_that_of_each_view(votes in proptest::collection::vec((0u64..4, any_choice()), 0..8)) {
		let votes: Vec<_> = votes.into_iter().map(|(view, choice)| at(view, choice)).collect();
		let honest = (0..4).all(|view| {
			let choices = || votes.iter().filter(move |vote| vote.round.view == view).map(|vote| vote.choice);
			let blocks: BTreeSet<_> = choices()
				.filter_map(|choice| match choice {
					N(block) | F(block) => Some(block),
					Skip => None,
				})
				.collect();
			let both = choices().any(|c| c == Skip) && choices().any(|c| matches!(c, F(_)));
			blocks.len() <= 1 && !both
		});
		prop_assert_eq!(conflicts(votes).is_empty(), honest);
	}
}

/// Writes a journal of epoch 0 as the engine does, and returns its path.
fn write(directory: &Path, artifacts: Vec<Artifact<Scheme, Digest>>) -> PathBuf {
	let runtime = tokio::Config::new().with_storage_directory(directory.to_path_buf());
	tokio::Runner::new(runtime).start(|context| async move {
		let config = Config {
			partition: partition(0),
			compression: None,
			codec_config: NAMES.len(),
			page_cache: CacheRef::from_pooler(&context, PAGE_SIZE, PAGES),
			write_buffer: WRITE_BUFFER,
		};
		let mut journal = Journal::<_, Artifact<Scheme, Digest>>::init(context.child("journal"), config)
			.await
			.unwrap();
		for artifact in artifacts {
			let view = commonware_consensus::Viewable::view(&artifact).get();
			journal.append(view, &artifact).await.unwrap();
		}
		journal.sync_all().await.unwrap();
	});
	directory.join(partition(0))
}

/// Two views of an honest member's journal.
fn honest(by: &[Scheme]) -> Vec<Artifact<Scheme, Digest>> {
	let (me, first) = (&by[1], proposal(0, 1, Hash::repeat_byte(1)));
	let second = EngineRound::new(EngineEpoch::new(0), EngineView::new(2));
	vec![
		Artifact::Notarize(Notarize::sign(me, first.clone()).unwrap()),
		Artifact::Notarization(notarization(by, first.clone())),
		Artifact::Certification(first.round, true),
		Artifact::Finalize(Finalize::sign(me, first).unwrap()),
		Artifact::Nullify(Nullify::sign::<Digest>(me, second).unwrap()),
	]
}

/// All files of a journal.
fn files(journal: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
	let entries = fs::read_dir(journal).unwrap().map(|entry| entry.unwrap().path());
	entries
		.map(|path| (path.clone(), fs::read(path).unwrap()))
		.collect()
}

#[test]
fn votes_are_read_from_a_journal_which_stays_as_it_is() {
	let directory = tempfile::tempdir().unwrap();
	let by = signers(REALM, &committee(0), &NAMES);
	let journal = write(directory.path(), honest(&by));
	// The end of what a killed node has written may be torn.
	let newest = files(&journal).into_keys().next_back().unwrap();
	let mut bytes = fs::read(&newest).unwrap();
	bytes.extend([0x40, 1, 2, 3]);
	fs::write(&newest, bytes).unwrap();
	let before = files(&journal);
	let votes = read(&journal).unwrap();
	assert_eq!(files(&journal), before);
	let first = Proposed {
		parent: 0,
		block: Hash::repeat_byte(1),
	};
	let vote = |view, choice| Vote {
		member: 1,
		..at(view, choice)
	};
	assert_eq!(votes, [vote(1, N(first)), vote(1, F(first)), vote(2, Skip)]);
	assert_eq!(conflicts(votes), []);
}

#[test]
fn a_journal_with_contradictory_votes_is_found_out() {
	let directory = tempfile::tempdir().unwrap();
	let by = signers(REALM, &committee(0), &NAMES);
	let mut artifacts = honest(&by);
	let other = proposal(0, 1, Hash::repeat_byte(2));
	artifacts.push(Artifact::Notarize(Notarize::sign(&by[1], other).unwrap()));
	let votes = read(&write(directory.path(), artifacts)).unwrap();
	// Against the other notarization, and against the finalization.
	assert_eq!(conflicts(votes).len(), 2);
}

#[test]
fn journals_are_found_by_their_names() {
	let directory = tempfile::tempdir().unwrap();
	let root = directory.path();
	for path in [
		"chains/root/consensus/votes-0",
		"chains/root/consensus/votes-12",
		"chains/one/consensus/votes-0/votes-1",
		"chains/one/db/full",
		"votes-",
		"votes-01",
		"votes--1",
		"votes-x",
	] {
		fs::create_dir_all(root.join(path)).unwrap();
	}
	fs::write(root.join("votes-3"), "a file").unwrap();
	let expected = [
		"chains/one/consensus/votes-0",
		"chains/root/consensus/votes-0",
		"chains/root/consensus/votes-12",
	];
	assert_eq!(journals(root).unwrap(), expected.map(|path| root.join(path)));
	assert_eq!(
		journals(&root.join(expected[0])).unwrap(),
		[root.join(expected[0])]
	);
	assert!(journals(&root.join("missing")).is_err());
	// One that is empty has no votes.
	assert_eq!(read(&root.join(expected[2])).unwrap(), []);
	assert!(matches!(read(&root.join("votes-x")), Err(JournalError::Name(_))));
	assert!(matches!(
		read(&root.join("missing/votes-0")),
		Err(JournalError::File(..))
	));
}

#[test]
fn what_is_no_journal_is_refused() {
	let directory = tempfile::tempdir().unwrap();
	let journal = directory.path().join("votes-0");
	fs::create_dir(&journal).unwrap();
	fs::write(journal.join("notes.txt"), "not hexadecimal").unwrap();
	assert!(read(&journal).is_err());
}
