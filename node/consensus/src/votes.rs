//! Checks a vote journal: an honest member never votes twice in a view, whatever happened to its node.
//!
//! # Specification
//!
//! - The engine writes each vote to its journal before it sends it ([`crate::engine`]), so what was sent is in there, of
//!   the views that the engine still remembers.
//! - In one view, a member must not vote to notarize two blocks, to finalize two, to finalize another than it notarized,
//!   or to skip the view and to finalize a block in it. To notarize a block and then to skip the view is allowed.
//! - All votes of a journal are one member's.
//!
//! # Assumptions
//!
//! A journal is checked in a copy: to open one repairs it. While a node runs, the copy may be of different moments; votes
//! may be missing from it then, but none are made up.

use crate::{
	engine::{partition, PAGES, PAGE_SIZE, REPLAY_BUFFER, WRITE_BUFFER},
	scheme::{to_hash, Digest, Scheme},
};
use asterism_primitives::{
	certificate::{Round, View},
	committee::{Epoch, MAX_MEMBERS},
	Hash,
};
use commonware_consensus::{
	simplex::types::{Artifact, Attributable, Proposal},
	types::Round as EngineRound,
};
use commonware_runtime::{buffer::paged::CacheRef, tokio, Runner, Supervisor};
use commonware_storage::journal::{
	segmented::variable::{Config, Journal},
	Error as StorageError,
};
use futures::StreamExt;
use std::{
	collections::{BTreeMap, BTreeSet},
	fmt,
	path::{Path, PathBuf},
};

/// How deep below a directory journals are looked for.
const MAX_DEPTH: usize = 8;

/// What a vote says of its view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Choice {
	/// The block is valid.
	Notarize(Proposed),
	/// The view is to be skipped.
	Nullify,
	/// The block is final.
	Finalize(Proposed),
}

/// What is voted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Proposed {
	/// The view of the block that it builds upon.
	pub parent: View,
	/// The block.
	pub block: Hash,
}

/// A vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Vote {
	/// In which round.
	pub round: Round,
	/// The place of the member in its committee.
	pub member: u32,
	/// What it says.
	pub choice: Choice,
}

/// Votes that no honest member gives both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
	/// One of them.
	pub first: Vote,
	/// The other one.
	pub second: Vote,
}

impl fmt::Display for Vote {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let Round { epoch, view } = self.round;
		write!(f, "member {} in epoch {epoch}, view {view}: ", self.member)?;
		match self.choice {
			Choice::Notarize(p) => write!(f, "notarize {:?} upon view {}", p.block, p.parent),
			Choice::Nullify => write!(f, "nullify"),
			Choice::Finalize(p) => write!(f, "finalize {:?} upon view {}", p.block, p.parent),
		}
	}
}

impl fmt::Display for Conflict {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "{} — and {}", self.first, self.second)
	}
}

/// Whether no honest member gives both votes in one view.
fn contradict(a: Choice, b: Choice) -> bool {
	use Choice::{Finalize, Notarize, Nullify};
	match (a, b) {
		(Notarize(a) | Finalize(a), Notarize(b) | Finalize(b)) => a != b,
		(Nullify, Finalize(_)) | (Finalize(_), Nullify) => true,
		(Nullify, Nullify | Notarize(_)) | (Notarize(_), Nullify) => false,
	}
}

/// The votes that contradict each other among those of one journal. Order and repetition make no difference.
pub fn conflicts(votes: impl IntoIterator<Item = Vote>) -> Vec<Conflict> {
	let votes: BTreeSet<Vote> = votes.into_iter().collect();
	let mut rounds: BTreeMap<(u32, Round), Vec<Vote>> = BTreeMap::new();
	for vote in &votes {
		rounds.entry((vote.member, vote.round)).or_default().push(*vote);
	}
	let mut found = Vec::new();
	for given in rounds.values() {
		for (i, first) in given.iter().enumerate() {
			for second in &given[i + 1..] {
				if contradict(first.choice, second.choice) {
					found.push(Conflict {
						first: *first,
						second: *second,
					});
				}
			}
		}
	}
	// The journal of one member holds no vote of another.
	if let Some(first) = votes.first() {
		let other = votes.iter().find(|vote| vote.member != first.member);
		found.extend(other.map(|second| Conflict {
			first: *first,
			second: *second,
		}));
	}
	found
}

/// The vote that a record of the journal is, if it is one: others are certificates.
pub fn vote(artifact: &Artifact<Scheme, Digest>) -> Option<Vote> {
	let round = |round: EngineRound| Round {
		epoch: round.epoch().get(),
		view: round.view().get(),
	};
	let proposed = |proposal: &Proposal<Digest>| Proposed {
		parent: proposal.parent.get(),
		block: to_hash(proposal.payload),
	};
	match artifact {
		Artifact::Notarize(vote) => Some(Vote {
			round: round(vote.proposal.round),
			member: vote.signer().get(),
			choice: Choice::Notarize(proposed(&vote.proposal)),
		}),
		Artifact::Nullify(vote) => Some(Vote {
			round: round(vote.round),
			member: vote.signer().get(),
			choice: Choice::Nullify,
		}),
		Artifact::Finalize(vote) => Some(Vote {
			round: round(vote.proposal.round),
			member: vote.signer().get(),
			choice: Choice::Finalize(proposed(&vote.proposal)),
		}),
		Artifact::Notarization(_)
		| Artifact::Certification(..)
		| Artifact::Nullification(_)
		| Artifact::Finalization(_) => None,
	}
}

/// Why a journal can't be read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
	/// The directory is not named as one.
	#[error("{0}: expected a directory named votes-<epoch>")]
	Name(PathBuf),
	/// A file can't be read or copied.
	#[error("{0}: {1}")]
	File(PathBuf, std::io::Error),
	/// The records are damaged.
	#[error("{0}: {1}")]
	Records(PathBuf, StorageError),
}

fn epoch(journal: &Path) -> Option<Epoch> {
	let epoch = journal
		.file_name()?
		.to_str()?
		.strip_prefix("votes-")?
		.parse()
		.ok()?;
	// No other spelling of the number is a journal's.
	(partition(epoch) == journal.file_name()?.to_str()?).then_some(epoch)
}

/// The journals in a directory and below it, in order: the directories named `votes-<epoch>`. Links are not followed.
///
/// # Errors
/// [`JournalError::File`].
pub fn journals(directory: &Path) -> Result<Vec<PathBuf>, JournalError> {
	let mut found = Vec::new();
	let mut open = vec![(directory.to_path_buf(), 0)];
	while let Some((at, depth)) = open.pop() {
		if epoch(&at).is_some() {
			found.push(at);
			continue;
		}
		let error = |e| JournalError::File(at.clone(), e);
		for entry in std::fs::read_dir(&at).map_err(error)? {
			let entry = entry.map_err(error)?;
			if depth < MAX_DEPTH && entry.file_type().map_err(error)?.is_dir() {
				open.push((entry.path(), depth + 1));
			}
		}
	}
	found.sort();
	Ok(found)
}

/// The votes in the journal of an epoch, oldest view first. The journal itself is not touched. Not to be called within
/// an asynchronous task: it runs a runtime of its own.
///
/// # Errors
/// [`JournalError`].
pub fn read(journal: &Path) -> Result<Vec<Vote>, JournalError> {
	let epoch = epoch(journal).ok_or_else(|| JournalError::Name(journal.to_path_buf()))?;
	let error = |e| JournalError::File(journal.to_path_buf(), e);
	let scratch = tempfile::tempdir().map_err(error)?;
	let copy = scratch.path().join(partition(epoch));
	std::fs::create_dir(&copy).map_err(error)?;
	for entry in std::fs::read_dir(journal).map_err(error)? {
		let entry = entry.map_err(error)?;
		match std::fs::copy(entry.path(), copy.join(entry.file_name())) {
			Ok(_) => {}
			// A node that runs has dropped an old view meanwhile.
			Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
			Err(e) => return Err(JournalError::File(entry.path(), e)),
		}
	}
	let runtime = tokio::Config::new()
		.with_storage_directory(scratch.path().to_path_buf())
		.with_worker_threads(1);
	tokio::Runner::new(runtime)
		.start(|context| records(context, epoch))
		.map_err(|e| JournalError::Records(journal.to_path_buf(), e))
}

async fn records(context: tokio::Context, epoch: Epoch) -> Result<Vec<Vote>, StorageError> {
	let config = Config {
		partition: partition(epoch),
		compression: None,
		codec_config: MAX_MEMBERS as usize,
		page_cache: CacheRef::from_pooler(&context, PAGE_SIZE, PAGES),
		write_buffer: WRITE_BUFFER,
	};
	let journal = Journal::<_, Artifact<Scheme, Digest>>::init(context.child("journal"), config).await?;
	let mut votes = Vec::new();
	{
		let records = journal.replay(0, 0, REPLAY_BUFFER).await?;
		futures::pin_mut!(records);
		while let Some(record) = records.next().await {
			let (_, _, _, artifact) = record?;
			votes.extend(vote(&artifact));
		}
	}
	Ok(votes)
}

#[cfg(test)]
mod tests;
