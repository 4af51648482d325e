//! The curves of the papers: how likely a committee fails, by its size.
//!
//! Points are given for sizes of 3f + 1 members alone, which tolerate f malicious ones: one or two members more tolerate none
//! more, and only add teeth to the curve.

use crate::{ln_failure_probability, Error, Fraction, Tolerance, MAX_POPULATION};
use std::f64::consts::LN_10;
use std::fmt;

/// The numbers of malicious nodes in the curves of Constellation's Figure 4.
pub const FIGURE4_MALICIOUS: [u32; 5] = [200, 300, 400, 500, 600];
/// The population of Constellation's Figure 4.
pub const FIGURE4_POPULATION: u32 = 2_000;
/// The malicious fractions in the curves of Thinkey's eq. (6.1) and (6.2), in percent.
pub const THINKEY_MALICIOUS: [u32; 5] = [10, 15, 20, 25, 30];

/// One curve.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
	/// What it is of.
	pub label: String,
	/// Curves with the same number belong together.
	pub group: usize,
	/// Whether it is drawn dashed.
	pub dashed: bool,
	/// Sizes, and the decimal logarithms of the probabilities; −∞ for 0.
	pub points: Vec<(u32, f64)>,
}

/// Curves over the same sizes.
#[derive(Clone, Debug, PartialEq)]
pub struct Curves {
	/// What they show.
	pub title: String,
	/// More about that.
	pub subtitle: String,
	/// The curves.
	pub series: Vec<Series>,
}

/// The sizes 4, 7, 10, … up to `largest`.
fn sizes(largest: u32) -> impl Iterator<Item = u32> + Clone {
	(1..).map(|f| 3 * f + 1).take_while(move |size| *size <= largest)
}

/// Constellation's Figure 4 (after K. Cong): the probability that more than (n − 1)/3 of n members are malicious, if t of 2000
/// nodes are, for several t.
pub fn figure4(largest: u32) -> Curves {
	let population = FIGURE4_POPULATION;
	let series = FIGURE4_MALICIOUS.iter().enumerate().map(|(group, t)| Series {
		label: format!("t = {t}"),
		group,
		dashed: false,
		points: sizes(largest.min(population))
			.map(|size| {
				let tolerated = Tolerance::Byzantine.members(size);
				(
					size,
					ln_failure_probability(population, *t, size, tolerated) / LN_10,
				)
			})
			.collect(),
	});
	Curves {
		title: "Probability of more than (n − 1)/3 malicious members".into(),
		subtitle: format!("Constellation, Figure 4: t of {population} nodes are malicious; n = 3f + 1"),
		series: series.collect(),
	}
}

/// Thinkey's eq. (6.1) for one committee, dashed, and eq. (6.2) for all ⌈N/n⌉ committees that the population is divided
/// into, for several malicious fractions.
///
/// # Errors
/// [`Error::Population`] or [`Error::Tolerated`] if it is out of its range.
pub fn thinkey(population: u32, tolerated: Tolerance, largest: u32) -> Result<Curves, Error> {
	if !(1..=MAX_POPULATION).contains(&population) {
		return Err(Error::Population(population));
	}
	if let Tolerance::Fraction(fraction) = tolerated {
		if !fraction.is_proper() {
			return Err(Error::Tolerated(fraction));
		}
	}
	let mut series = Vec::new();
	for (group, percent) in THINKEY_MALICIOUS.iter().enumerate() {
		let malicious = Fraction::from_parts_per_million(percent * 10_000).ceil_of(population);
		let one: Vec<_> = sizes(largest.min(population))
			.map(|size| {
				let ln = ln_failure_probability(population, malicious, size, tolerated.members(size));
				(size, ln / LN_10)
			})
			.collect();
		let any = one.iter().map(|(size, log)| {
			let committees = f64::from(population.div_ceil(*size));
			(*size, (log + committees.log10()).min(0.0))
		});
		series.push(Series {
			label: format!("λ = {percent} %, any (6.2)"),
			group,
			dashed: false,
			points: any.collect(),
		});
		series.push(Series {
			label: format!("λ = {percent} %, one (6.1)"),
			group,
			dashed: true,
			points: one,
		});
	}
	let rho = match tolerated {
		Tolerance::Byzantine => "(n − 1)/3".to_string(),
		Tolerance::Fraction(fraction) => format!("{fraction} · n"),
	};
	Ok(Curves {
		title: "Probability that a committee fails".into(),
		subtitle: format!(
			"Thinkey, eq. (6.1), (6.2): N = {population}, m = ⌈N/n⌉ committees, more than {rho} malicious members"
		),
		series,
	})
}

/// A probability by its decimal logarithm, with three digits: also one that is too small for a floating point number.
fn scientific(log: f64) -> String {
	if log == f64::NEG_INFINITY {
		return "0".into();
	}
	let mut exponent = log.floor();
	// Rounded up to ten, it is one of the next power.
	let mut mantissa = (10f64.powf(log - exponent) * 100.0).round() / 100.0;
	if mantissa >= 10.0 {
		(mantissa, exponent) = (mantissa / 10.0, exponent + 1.0);
	}
	format!("{mantissa:.2}e{exponent:.0}")
}

impl fmt::Display for Curves {
	/// A table: sizes down, curves across.
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		writeln!(f, "{}", self.title)?;
		writeln!(f, "{}", self.subtitle)?;
		writeln!(f)?;
		write!(f, "{:>5}", "n")?;
		let width = |series: &Series| series.label.chars().count().max(9) + 2;
		for series in &self.series {
			write!(f, "{:>1$}", series.label, width(series))?;
		}
		writeln!(f)?;
		let rows = self.series.first().map_or(&[][..], |series| &series.points);
		for (row, (size, _)) in rows.iter().enumerate() {
			write!(f, "{size:>5}")?;
			for series in &self.series {
				let log = series.points.get(row).map_or(f64::NEG_INFINITY, |(_, log)| *log);
				write!(f, "{:>1$}", scientific(log), width(series))?;
			}
			writeln!(f)?;
		}
		Ok(())
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn small_probabilities_are_printed() {
		assert_eq!(scientific(0.0), "1.00e0");
		assert_eq!(scientific(-1.0), "1.00e-1");
		assert_eq!(scientific(-400.5), "3.16e-401");
		assert_eq!(scientific(-0.000_001), "1.00e0");
		assert_eq!(scientific(f64::NEG_INFINITY), "0");
	}

	#[test]
	fn the_curves_say_what_the_equations_do() {
		let curves = figure4(100);
		assert_eq!(curves.series.len(), 5);
		for (series, t) in curves.series.iter().zip(FIGURE4_MALICIOUS) {
			assert_eq!(series.points.len(), 33);
			for (size, log) in &series.points {
				let exact = crate::failure_probability(2_000, t, *size, (size - 1) / 3);
				assert!((10f64.powf(*log) / exact - 1.0).abs() < 1e-9);
			}
			// Among sizes of 3f + 1 more members are safer, but for the first step: of 600 in 2000, 7 members have more than 2
			// malicious ones more often than 4 have more than 1.
			assert!(series.points[1..].windows(2).all(|pair| pair[1].1 < pair[0].1));
		}
		let table = curves.to_string();
		assert_eq!(table.lines().count(), 4 + 33);
		assert!(table.contains("t = 600"));

		let curves = thinkey(2_000, Tolerance::Byzantine, 100).unwrap();
		for pair in curves.series.chunks(2) {
			for ((size, any), (_, one)) in pair[0].points.iter().zip(&pair[1].points) {
				let bound = (one + f64::from(2_000u32.div_ceil(*size)).log10()).min(0.0);
				assert!((any - bound).abs() < 1e-9);
			}
		}
		assert_eq!(thinkey(0, Tolerance::Byzantine, 9), Err(Error::Population(0)));
		let two = Fraction::new(2, 1).unwrap();
		assert_eq!(
			thinkey(9, Tolerance::Fraction(two), 9),
			Err(Error::Tolerated(two))
		);
		assert!(thinkey(3, Tolerance::Byzantine, 9).unwrap().series[0]
			.points
			.is_empty());
	}
}
