//! Checks vote journals: prints what is in them, and fails if a member has voted twice in a view.
//!
//! usage: votes <directory>…
//!
//! Each directory is searched for journals (`consensus/votes-<epoch>` in a chain's folder, so a node's base path will
//! do). They are checked in a copy. Ends with 0 if no votes contradict each other, with 1 if some do, and with 2 if there
//! is no journal or one can't be read.

use asterism_consensus::votes::{conflicts, journals, read, JournalError};
use std::{path::Path, process::ExitCode};

/// How many contradictions there are in the journals at and below a directory, and how many journals.
fn check(directory: &Path) -> Result<(usize, usize), JournalError> {
	let found = journals(directory)?;
	let mut contradictions = 0;
	for journal in &found {
		let votes = read(journal)?;
		let views = votes.iter().map(|vote| vote.round.view);
		let range = views.clone().min().zip(views.max());
		let range = range.map_or_else(String::new, |(from, to)| format!(" in views {from} to {to}"));
		println!("{}: {} votes{range}", journal.display(), votes.len());
		for conflict in conflicts(votes) {
			eprintln!("{}: contradictory votes: {conflict}", journal.display());
			contradictions += 1;
		}
	}
	Ok((contradictions, found.len()))
}

fn main() -> ExitCode {
	let directories: Vec<_> = std::env::args_os().skip(1).collect();
	if directories.is_empty() {
		eprintln!("usage: votes <directory with vote journals>…");
		return ExitCode::from(2);
	}
	let mut contradictions = 0;
	for directory in directories {
		let directory = Path::new(&directory);
		match check(directory) {
			Ok((_, 0)) => {
				eprintln!("{}: expected a vote journal, found none", directory.display());
				return ExitCode::from(2);
			}
			Ok((more, _)) => contradictions += more,
			Err(e) => {
				eprintln!("{e}");
				return ExitCode::from(2);
			}
		}
	}
	if contradictions > 0 {
		eprintln!("{contradictions} contradictions");
		return ExitCode::from(1);
	}
	println!("no member voted twice in a view");
	ExitCode::SUCCESS
}
