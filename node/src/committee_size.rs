//! `asterism committee-size`: how large a committee must be, and the curves behind it.

use asterism_committee_size::{
	chart, committee_size, curve, steady_committee_size, Fraction, Parameters, Tolerance,
};
use clap::{Parser, ValueEnum};
use sc_cli::Result;
use std::path::PathBuf;

/// Prints how many members a committee needs so that it hardly ever fails: with more malicious ones than it tolerates.
///
/// The number alone goes to standard output, what it means to standard error. With `--curve` a table is printed instead: how
/// likely committees fail, by their size.
#[derive(Debug, Parser)]
pub struct CommitteeSizeCmd {
	/// The nodes that committees are drawn from, each with the same chance.
	#[arg(long, value_name = "NODES", default_value_t = 2_000)]
	pub population: u32,

	/// The fraction of the nodes that is malicious, like 0.25, 25% or 1/4.
	#[arg(long, value_name = "FRACTION", default_value = "1/4")]
	pub malicious: Fraction,

	/// The fraction of a committee's members that may be malicious, or `bft` for what its consensus tolerates: (n - 1)/3
	/// of n members, rounded down.
	#[arg(long, value_name = "FRACTION", default_value = "bft")]
	pub tolerated: Tolerance,

	/// How likely any of the committees may fail, like 1e-6 or 2^-20.
	#[arg(long, value_name = "PROBABILITY", default_value = "1e-6")]
	pub failure: Fraction,

	/// How many committees are drawn: the chains, times the epochs for which all is to go well.
	#[arg(long, value_name = "NUMBER", default_value_t = 1)]
	pub committees: u32,

	/// Prints a curve of the papers instead of a size.
	#[arg(long)]
	pub curve: Option<Curve>,

	/// The largest committee on the curve.
	#[arg(long, value_name = "MEMBERS", default_value_t = 400, requires = "curve")]
	pub largest: u32,

	/// Draws the curve into this file, too.
	#[arg(long, value_name = "FILE", requires = "curve")]
	pub png: Option<PathBuf>,
}

/// A curve of the papers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Curve {
	/// Constellation's Figure 4: population 2000, several numbers of malicious nodes.
	Figure4,
	/// Thinkey's eq. (6.1) and (6.2): the given population and tolerated fraction, several malicious fractions.
	Thinkey,
}

impl CommitteeSizeCmd {
	/// Prints what was asked for.
	///
	/// # Errors
	/// If a parameter is out of its range, no committee is sufficient, or the picture can't be written.
	pub fn run(&self) -> Result<()> {
		let failed = |e: asterism_committee_size::Error| e.to_string();
		let Some(of) = self.curve else {
			let parameters = Parameters::new(
				self.population,
				self.malicious,
				self.tolerated,
				self.failure,
				self.committees,
			)
			.map_err(failed)?;
			let size = committee_size(&parameters).map_err(failed)?;
			println!("{size}");
			eprintln!(
				"A committee of {size} out of {}, {} of them malicious, has more than {} malicious members with \
				 probability {:.2e}; any of {} committees, with at most {:.2e}.",
				parameters.population(),
				parameters.malicious(),
				parameters.tolerated(size),
				parameters.failure_of_one(size).map_err(failed)?,
				parameters.committees(),
				parameters.failure_of_any(size).map_err(failed)?,
			);
			match steady_committee_size(&parameters) {
				Ok(steady) if steady == size => eprintln!("Every larger committee is sufficient, too."),
				Ok(steady) => eprintln!("From {steady} members on every committee is sufficient."),
				Err(_) => eprintln!("Not every larger committee is sufficient."),
			}
			return Ok(());
		};
		let curves = match of {
			Curve::Figure4 => curve::figure4(self.largest),
			Curve::Thinkey => {
				curve::thinkey(self.population, self.tolerated, self.largest).map_err(failed)?
			}
		};
		print!("{curves}");
		if let Some(path) = &self.png {
			let picture = chart::png(&curves).map_err(|e| format!("--png: {e}"))?;
			std::fs::write(path, picture).map_err(|e| format!("--png {}: {e}", path.display()))?;
			eprintln!("{} written", path.display());
		}
		Ok(())
	}
}
