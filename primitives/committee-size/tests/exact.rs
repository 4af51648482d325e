//! The probabilities and sizes are those of exact sums of big rationals.

use asterism_committee_size::{
	check, committee_size, failure_probability, is_sufficient, ln_failure_probability, steady_committee_size,
	Error, Fraction, Parameters, Tolerance, MAX_POPULATION,
};
use num_bigint::BigInt;
use num_rational::BigRational;
use proptest::prelude::*;

/// The ways to choose `k` of `n`, by Pascal's rule, one row after the other. Rows are symmetric: the first halves are kept.
struct Pascal(Vec<Vec<BigInt>>);

impl Pascal {
	fn new(largest: usize) -> Self {
		let one = || std::iter::once(BigInt::from(1));
		let mut row: Vec<BigInt> = one().collect();
		let mut halves = vec![row.clone()];
		for n in 1..=largest {
			let inner = row.windows(2).map(|pair| &pair[0] + &pair[1]);
			row = one().chain(inner).chain(one()).collect();
			halves.push(row[..=n / 2].to_vec());
		}
		Pascal(halves)
	}

	fn choose(&self, n: u32, k: u32) -> BigInt {
		match n.checked_sub(k) {
			Some(rest) => self.0[n as usize][k.min(rest) as usize].clone(),
			None => BigInt::from(0),
		}
	}

	/// Eq. (6.1), term by term.
	fn failure(&self, population: u32, malicious: u32, size: u32, tolerated: u32) -> BigRational {
		let ways = (tolerated + 1..=size)
			.map(|x| self.choose(malicious, x) * self.choose(population - malicious, size - x))
			.sum::<BigInt>();
		BigRational::new(ways, self.choose(population, size))
	}
}

fn fraction(s: &str) -> Fraction {
	s.parse().unwrap()
}

fn rational(fraction: Fraction) -> BigRational {
	BigRational::new(fraction.numerator().into(), fraction.denominator().into())
}

/// A rational as a floating point number and a power of two, however small it is.
fn log2(value: &BigRational) -> f64 {
	let log = |number: &BigInt| {
		let bits = number.bits();
		let shift = bits.saturating_sub(60);
		let head: u64 = (number >> shift).try_into().unwrap();
		(head as f64).log2() + shift as f64
	};
	log(value.numer()) - log(value.denom())
}

#[track_caller]
fn assert_is(computed_ln: f64, exact: &BigRational) {
	if *exact == BigRational::from(BigInt::from(0)) {
		assert_eq!(computed_ln, f64::NEG_INFINITY);
	} else {
		let difference = computed_ln - log2(exact) * std::f64::consts::LN_2;
		// Relative, so of the logarithms' difference; the exact one is rounded too.
		assert!(difference.abs() < 1e-10, "off by {difference}");
	}
}

#[test]
fn every_tail_of_small_populations() {
	let pascal = Pascal::new(24);
	for population in 1..=24 {
		for malicious in 0..=population {
			for size in 1..=population {
				for tolerated in 0..=size {
					let exact = pascal.failure(population, malicious, size, tolerated);
					assert_is(
						ln_failure_probability(population, malicious, size, tolerated),
						&exact,
					);
				}
			}
		}
	}
}

#[test]
fn tails_of_large_populations() {
	let pascal = Pascal::new(2_000);
	for population in [100, 400, 999, 2_000] {
		for percent in [0, 1, 10, 20, 25, 33, 34, 50, 99, 100] {
			let malicious = population * percent / 100;
			for size in [
				1,
				2,
				3,
				4,
				5,
				10,
				31,
				64,
				100,
				256,
				population / 2,
				population - 1,
				population,
			] {
				let size = size.min(population);
				for tolerated in [0, (size - 1) / 3, size / 3, size / 2, size - 1, size] {
					let exact = pascal.failure(population, malicious, size, tolerated);
					assert_is(
						ln_failure_probability(population, malicious, size, tolerated),
						&exact,
					);
				}
			}
		}
	}
}

/// The sizes are exactly those that exact sums give, also where the probability is just the bound.
#[test]
fn sizes() {
	let pascal = Pascal::new(200);
	let mut sufficient = 0;
	for population in [1, 2, 7, 30, 100, 200] {
		for malicious in ["0", "1/1000", "0.1", "0.2", "1/4", "0.3", "1/3", "0.4", "1"] {
			for tolerated in ["bft", "0", "1/3", "0.5", "1"] {
				let tolerance: Tolerance = tolerated.parse().unwrap();
				let black = fraction(malicious).ceil_of(population);
				let of_one: Vec<_> = (1..=population)
					.map(|size| pascal.failure(population, black, size, tolerance.members(size)))
					.collect();
				for failure in ["1", "1/2", "0.3", "0.1", "1e-3", "2^-20", "1e-9"] {
					for committees in [1, 3, 100] {
						let parameters = Parameters::new(
							population,
							fraction(malicious),
							tolerance,
							fraction(failure),
							committees,
						)
						.unwrap();
						let bound = rational(fraction(failure)) / BigInt::from(committees);
						let verdicts: Vec<_> = of_one.iter().map(|one| *one <= bound).collect();
						sufficient += u32::from(sizes_are(&parameters, &verdicts));
					}
				}
			}
		}
	}
	assert!(sufficient > 1_000, "the grid has cases that have a size");
}

/// Checks all that is said of sizes against the verdicts on sizes 1, 2, …; whether there is a size.
fn sizes_are(parameters: &Parameters, verdicts: &[bool]) -> bool {
	for (size, verdict) in (1..).zip(verdicts) {
		assert_eq!(
			is_sufficient(parameters, size),
			Ok(*verdict),
			"{parameters:?}, {size} members"
		);
	}
	let impossible = Error::Impossible {
		population: parameters.population(),
		malicious: parameters.malicious(),
	};
	let first = verdicts.iter().position(|ok| *ok).map(|i| i as u32 + 1);
	assert_eq!(committee_size(parameters), first.ok_or(impossible.clone()));
	let steady = match verdicts.iter().rposition(|ok| !ok) {
		None => Some(1),
		Some(i) if i + 1 < verdicts.len() => Some(i as u32 + 2),
		Some(_) => None,
	};
	assert_eq!(steady_committee_size(parameters), steady.ok_or(impossible));
	if let Some(first) = first {
		assert_eq!(check(parameters, first), Ok(()));
	}
	first.is_some()
}

/// Where the probability is the bound, rounding would decide: 3 of 10, one drawn, none tolerated, is 3/10.
#[test]
fn borders() {
	let parameters = |failure: &str, committees| {
		Parameters::new(
			10,
			fraction("0.3"),
			Tolerance::Byzantine,
			fraction(failure),
			committees,
		)
		.unwrap()
	};
	assert_eq!(is_sufficient(&parameters("3/10", 1), 1), Ok(true));
	assert_eq!(is_sufficient(&parameters("0.3", 1), 1), Ok(true));
	assert_eq!(
		is_sufficient(&parameters("0.299999999999999999999999999", 1), 1),
		Ok(false)
	);
	assert_eq!(is_sufficient(&parameters("0.9", 3), 1), Ok(true));
	assert_eq!(
		is_sufficient(&parameters("899999999/1000000000", 3), 1),
		Ok(false)
	);
}

/// Numbers that can be checked by hand, and one of Constellation's Figure 4.
#[test]
fn known_cases() {
	let half = failure_probability(4, 2, 2, 0);
	assert!((half - 5.0 / 6.0).abs() < 1e-14);
	assert_eq!(failure_probability(100, 0, 10, 0), 0.0);
	assert_eq!(failure_probability(100, 100, 10, 3), 1.0);
	assert_eq!(failure_probability(100, 34, 100, 33), 1.0);
	assert_eq!(failure_probability(100, 33, 100, 33), 0.0);
	// More than there are count as all.
	assert_eq!(failure_probability(10, 99, 99, 9), 1.0);
	// All tolerated, whatever is drawn.
	assert_eq!(failure_probability(10, 10, 5, u32::MAX), 0.0);
}

/// Far larger numbers than can be summed exactly in a test: they obey what exact ones do.
#[test]
fn the_largest_population() {
	let n = MAX_POPULATION;
	let ln = |size, tolerated| ln_failure_probability(n, n / 4, size, tolerated);
	// The whole population is drawn: certain either way.
	assert_eq!(ln(n, n / 4 - 1), 0.0);
	assert_eq!(ln(n, n / 4), f64::NEG_INFINITY);
	// One is drawn.
	assert!((ln(1, 0) - 0.25f64.ln()).abs() < 1e-7);
	// With so many nodes, drawing is nearly independent: the tail is nearly binomial, from which a size of 100 of a
	// million is off by less than 100²/10⁶ relatively.
	let binomial: f64 = (34..=100)
		.map(|x| {
			let choose: f64 = (0..x).map(|i| f64::from(100 - i) / f64::from(x - i)).product();
			choose * 0.25f64.powi(x) * 0.75f64.powi(100 - x)
		})
		.sum();
	assert!((ln(100, 33).exp() / binomial - 1.0).abs() < 0.01);
	// A tail and its complement add up to 1.
	let white = |size: u32, tolerated: u32| ln_failure_probability(n, n - n / 4, size, size - tolerated - 1);
	for (size, tolerated) in [(1_000, 250), (1_000, 230), (100_000, 25_100), (500_000, 125_000)] {
		let sum = ln(size, tolerated).exp() + white(size, tolerated).exp();
		assert!((sum - 1.0).abs() < 1e-7, "{sum}");
	}
	let parameters =
		Parameters::new(n, fraction("1/4"), Tolerance::Byzantine, fraction("1e-9"), 1_000).unwrap();
	let size = committee_size(&parameters).unwrap();
	assert!(is_sufficient(&parameters, size).unwrap() && !is_sufficient(&parameters, size - 1).unwrap());
}

#[test]
fn parameters_out_of_range_are_refused_by_name() {
	let (third, zero, two) = (fraction("1/3"), fraction("0"), fraction("2"));
	let new = |population, malicious, tolerated, failure, committees| {
		Parameters::new(population, malicious, tolerated, failure, committees)
			.unwrap_err()
			.to_string()
	};
	let bft = Tolerance::Byzantine;
	let cases = [
		(new(0, third, bft, third, 1), "population: expected 1 to"),
		(
			new(MAX_POPULATION + 1, third, bft, third, 1),
			"population: expected 1 to",
		),
		(
			new(9, two, bft, third, 1),
			"malicious: expected a fraction from 0 to 1, got 2",
		),
		(
			new(9, third, Tolerance::Fraction(two), third, 1),
			"tolerated: expected `bft` or a fraction",
		),
		(
			new(9, third, bft, zero, 1),
			"failure: expected a probability above 0",
		),
		(
			new(9, third, bft, two, 1),
			"failure: expected a probability above 0",
		),
		(new(9, third, bft, third, 0), "committees: expected 1 or more"),
	];
	for (error, expected) in cases {
		assert!(error.starts_with(expected), "{error}");
	}
	let parameters = Parameters::new(100, fraction("0.2"), bft, fraction("1e-3"), 2).unwrap();
	for size in [0, 101] {
		let error = check(&parameters, size).unwrap_err().to_string();
		assert!(error.starts_with("committee size: expected 1 to 100"), "{error}");
	}
	let error = check(&parameters, 4).unwrap_err().to_string();
	let needed = committee_size(&parameters).unwrap();
	assert!(error.contains(&format!("expected {needed}")), "{error}");
	assert!("third".parse::<Tolerance>().is_err());
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(300))]

	/// More malicious nodes are never safer, more tolerated ones never more dangerous, and nothing panics or leaves 0 to 1.
	#[test]
	fn monotone(population in 1u32..5_000, black: u32, drawn: u32, tolerated in 0u32..2_000) {
		let (black, drawn) = (black % (population + 1), drawn % population + 1);
		let failure = failure_probability(population, black, drawn, tolerated);
		prop_assert!((0.0..=1.0).contains(&failure));
		let slack = 1e-9 * failure + 1e-12;
		prop_assert!(failure_probability(population, black + 1, drawn, tolerated) >= failure - slack);
		prop_assert!(failure_probability(population, black, drawn, tolerated + 1) <= failure + slack);
	}
}
