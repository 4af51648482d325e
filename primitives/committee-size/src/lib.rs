//! How large a committee must be, computed from how likely it may fail and not guessed (Thinkey §6.1).
//!
//! # Overview
//!
//! `n` of `N` nodes are drawn into a committee, `K` of the `N` are malicious. The committee fails if more than `r` of its
//! members are malicious. The number of malicious members is hypergeometrically distributed, so
//!
//! ```text
//!           n    C(K, x) · C(N − K, n − x)
//!  Pr[A] =  Σ    ─────────────────────────        (6.1)       Pr[any of m committees fails] ≤ m · Pr[A]   (6.2)
//!         x=r+1          C(N, n)
//! ```
//!
//! | what | by |
//! |---|---|
//! | `Pr[A]` | [`failure_probability`], [`ln_failure_probability`] |
//! | the smallest committee that fails rarely enough | [`committee_size`] |
//! | from which size on every committee does | [`steady_committee_size`] |
//! | whether a given size does | [`is_sufficient`], [`check`] |
//! | the curves of the papers | [`curve`] |
//!
//! # Flow
//!
//! ```text
//!  population, malicious, tolerated ──► Pr[A] of a size ──┐
//!  probability of failure, committees ──► bound (6.2) ────┴──► the smallest size that keeps it ──► chain specs, committee-size
//! ```
//!
//! # Rounding
//!
//! The malicious are `K = ⌈λN⌉`, never fewer than their fraction; the tolerated `r` as [`Tolerance`] says, never more than
//! theirs. A larger committee isn't always a safer one: with 3 members more one more may be malicious, with 1 or 2 members
//! more none. So the probability is a saw's edge over the size.
//!
//! # Numerics
//!
//! The first term of the sum comes from `libm`'s log-gamma function, the others from the one before by a product of integers. Only
//! the tail is summed that has the smaller terms, from its largest term on, so nothing cancels out. Log-gamma of up to
//! [`MAX_POPULATION`] is at most 1.3·10⁷ and has an error of 10⁻⁸ at most after the nine of them are added up; so has
//! the relative error of the result. Where a verdict depends on less than a millionth, it is made with big integers instead:
//! [`is_sufficient`] and the sizes are exact.
//!
//! # Assumptions
//!
//! - Nodes are drawn with the same chance each. Sortition draws by stake: think of the units of stake as the nodes then.
//! - A committee has as many members as asked for. Sortition draws around as many, and fills up if there are fewer; take the
//!   steady size if a larger one must be safe too.

#[cfg(feature = "chart")]
pub mod chart;
pub mod curve;
mod fraction;
mod hypergeometric;

pub use fraction::{Fraction, ParseFractionError};
pub use hypergeometric::{failure_probability, ln_failure_probability};

use std::fmt;
use std::str::FromStr;

/// The most nodes that are computed with.
pub const MAX_POPULATION: u32 = 1_000_000;

/// How many malicious members a committee tolerates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tolerance {
	/// As many as its consensus does: ⌊(n − 1) / 3⌋ of n members.
	Byzantine,
	/// This fraction of its members, rounded down: the ρ of eq. (6.1).
	Fraction(Fraction),
}

impl Tolerance {
	/// How many malicious members a committee of `size` tolerates.
	pub fn members(&self, size: u32) -> u32 {
		match self {
			Self::Byzantine => size.saturating_sub(1) / 3,
			Self::Fraction(fraction) => fraction.floor_of(size),
		}
	}
}

impl fmt::Display for Tolerance {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Byzantine => f.write_str("bft"),
			Self::Fraction(fraction) => fraction.fmt(f),
		}
	}
}

impl FromStr for Tolerance {
	type Err = ParseFractionError;

	/// `bft`, or a [`Fraction`].
	fn from_str(s: &str) -> Result<Self, Self::Err> {
		match s {
			"bft" => Ok(Self::Byzantine),
			_ => s.parse().map(Self::Fraction),
		}
	}
}

/// What a committee's size is computed from. Valid as soon as it is made: see [`Parameters::new`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
	population: u32,
	malicious: Fraction,
	tolerated: Tolerance,
	failure: Fraction,
	committees: u32,
}

/// Why a committee's size can't be computed, or is not enough.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
	/// There is no node, or there are too many to compute with.
	#[error("population: expected 1 to {MAX_POPULATION} nodes, got {0}")]
	Population(u32),
	/// More than all nodes are malicious.
	#[error("malicious: expected a fraction from 0 to 1, got {0}")]
	Malicious(Fraction),
	/// More than all members are tolerated.
	#[error("tolerated: expected `bft` or a fraction from 0 to 1, got {0}")]
	Tolerated(Fraction),
	/// The probability is no probability, or would never be reached.
	#[error("failure: expected a probability above 0 and not above 1, got {0}")]
	Failure(Fraction),
	/// There is no committee.
	#[error("committees: expected 1 or more, got 0")]
	Committees,
	/// The committee would have no member, or more members than there are nodes.
	#[error("committee size: expected 1 to {population} (the population), got {size}")]
	Size {
		/// The size.
		size: u32,
		/// The nodes there are.
		population: u32,
	},
	/// No committee of any size fails rarely enough.
	#[error(
		"failure: no committee of {population} nodes of which {malicious} are malicious fails as rarely as that; expected a \
		 higher probability, a lower malicious fraction or a higher tolerated one"
	)]
	Impossible {
		/// The nodes there are.
		population: u32,
		/// How many of them are malicious.
		malicious: u32,
	},
	/// A committee of this size fails too often.
	#[error("committee size: {size} fails with probability {probability:.3e} in one of the committees; {}", describe_needed(.needed))]
	Insufficient {
		/// The size.
		size: u32,
		/// The bound of eq. (6.2), rounded.
		probability: f64,
		/// The smallest size that is enough, if there is one.
		needed: Option<u32>,
	},
}

fn describe_needed(size: &Option<u32>) -> String {
	match size {
		Some(size) => format!("expected {size}, the smallest size that is sufficient"),
		None => "no size is sufficient".into(),
	}
}

impl Parameters {
	/// Checks and takes the parameters:
	///
	/// - `population`: the nodes that committees are drawn from, 1 to [`MAX_POPULATION`];
	/// - `malicious`: the fraction of them that is malicious, 0 to 1;
	/// - `tolerated`: how many malicious members a committee tolerates;
	/// - `failure`: the probability that any committee fails must not be above this, more than 0 to 1;
	/// - `committees`: how many committees are drawn, 1 or more: the chains, times the epochs that shall go well.
	///
	/// # Errors
	/// An [`Error`] that names the parameter.
	pub fn new(
		population: u32,
		malicious: Fraction,
		tolerated: Tolerance,
		failure: Fraction,
		committees: u32,
	) -> Result<Self, Error> {
		if !(1..=MAX_POPULATION).contains(&population) {
			return Err(Error::Population(population));
		}
		if !malicious.is_proper() {
			return Err(Error::Malicious(malicious));
		}
		if let Tolerance::Fraction(fraction) = tolerated {
			if !fraction.is_proper() {
				return Err(Error::Tolerated(fraction));
			}
		}
		if failure.is_zero() || !failure.is_proper() {
			return Err(Error::Failure(failure));
		}
		if committees == 0 {
			return Err(Error::Committees);
		}
		Ok(Parameters {
			population,
			malicious,
			tolerated,
			failure,
			committees,
		})
	}

	/// The nodes that committees are drawn from.
	pub fn population(&self) -> u32 {
		self.population
	}

	/// How many of them are malicious.
	pub fn malicious(&self) -> u32 {
		self.malicious.ceil_of(self.population)
	}

	/// How many malicious members a committee of `size` tolerates.
	pub fn tolerated(&self, size: u32) -> u32 {
		self.tolerated.members(size)
	}

	/// How many committees are drawn.
	pub fn committees(&self) -> u32 {
		self.committees
	}

	/// The probability that one committee of `size` fails: eq. (6.1).
	///
	/// # Errors
	/// [`Error::Size`] if the population has no such committee.
	pub fn failure_of_one(&self, size: u32) -> Result<f64, Error> {
		self.check_range(size)?;
		Ok(failure_probability(
			self.population,
			self.malicious(),
			size,
			self.tolerated(size),
		))
	}

	/// The bound on the probability that any committee of `size` fails: eq. (6.2). At most 1.
	///
	/// # Errors
	/// [`Error::Size`] if the population has no such committee.
	pub fn failure_of_any(&self, size: u32) -> Result<f64, Error> {
		Ok((f64::from(self.committees) * self.failure_of_one(size)?).min(1.0))
	}

	fn check_range(&self, size: u32) -> Result<(), Error> {
		if (1..=self.population).contains(&size) {
			Ok(())
		} else {
			Err(Error::Size {
				size,
				population: self.population,
			})
		}
	}

	/// Whether committees of `size`, which is in range, are sufficient.
	fn suffices(&self, size: u32) -> bool {
		hypergeometric::at_most(
			self.population,
			self.malicious(),
			size,
			self.tolerated(size),
			self.failure,
			self.committees,
		)
	}
}

/// Whether committees of `size` are sufficient: `committees · Pr[A] ≤ failure`, exactly.
///
/// # Errors
/// [`Error::Size`] if the population has no such committee.
pub fn is_sufficient(parameters: &Parameters, size: u32) -> Result<bool, Error> {
	parameters.check_range(size)?;
	Ok(parameters.suffices(size))
}

/// The smallest size of a committee that is sufficient: `committees · Pr[A] ≤ failure`, exactly. Some larger committees
/// may not be; see [`steady_committee_size`].
///
/// # Errors
/// [`Error::Impossible`] if there is none.
pub fn committee_size(parameters: &Parameters) -> Result<u32, Error> {
	(1..=parameters.population)
		.find(|size| parameters.suffices(*size))
		.ok_or(Error::Impossible {
			population: parameters.population,
			malicious: parameters.malicious(),
		})
}

/// The smallest size from which on every committee is sufficient, up to the whole population.
///
/// # Errors
/// [`Error::Impossible`] if there is none: not even all nodes together are.
pub fn steady_committee_size(parameters: &Parameters) -> Result<u32, Error> {
	let largest_bad = (1..=parameters.population)
		.rev()
		.find(|size| !parameters.suffices(*size));
	match largest_bad {
		None => Ok(1),
		Some(bad) if bad < parameters.population => Ok(bad + 1),
		Some(_) => Err(Error::Impossible {
			population: parameters.population,
			malicious: parameters.malicious(),
		}),
	}
}

/// Checks that committees of `size` are sufficient: for the committee size of a chain's spec.
///
/// # Errors
/// [`Error::Size`] if the population has no such committee; [`Error::Insufficient`] with the size that is needed.
pub fn check(parameters: &Parameters, size: u32) -> Result<(), Error> {
	if is_sufficient(parameters, size)? {
		return Ok(());
	}
	Err(Error::Insufficient {
		size,
		probability: parameters.failure_of_any(size)?,
		needed: committee_size(parameters).ok(),
	})
}
