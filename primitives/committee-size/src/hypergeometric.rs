//! The tail of the hypergeometric distribution: in floating point, and exactly.

use crate::Fraction;
use num_bigint::BigUint;

/// How far a floating point verdict must be from the border to be trusted, relatively. The error is smaller by a hundred.
const MARGIN: f64 = 1e-6;

/// Numbers of white and black balls that can be drawn, and from where on there are too many black ones.
struct Tail {
	population: u32,
	black: u32,
	drawn: u32,
	/// The first number of black balls that is too many.
	from: u32,
	/// The fewest black balls that can be drawn.
	least: u32,
	/// The most black balls that can be drawn.
	most: u32,
}

impl Tail {
	/// More than `tolerated` of `drawn` balls are black, of `population` balls that `black` are of. More balls than there
	/// are count as all.
	fn new(population: u32, black: u32, drawn: u32, tolerated: u32) -> Self {
		let (black, drawn) = (black.min(population), drawn.min(population));
		Tail {
			population,
			black,
			drawn,
			from: tolerated.saturating_add(1),
			least: drawn.saturating_sub(population - black),
			most: black.min(drawn),
		}
	}

	/// The logarithm of the probability of exactly `x` black balls, which is possible.
	fn ln_term(&self, x: u32) -> f64 {
		ln_choose(self.black, x) + ln_choose(self.population - self.black, self.drawn - x)
			- ln_choose(self.population, self.drawn)
	}

	/// Numerator and denominator of the probability of `x + 1` black balls as a multiple of that of `x`.
	fn ratio(&self, x: u32) -> (u64, u64) {
		let (x, black, drawn) = (u64::from(x), u64::from(self.black), u64::from(self.drawn));
		let white = u64::from(self.population) - black;
		((black - x) * (drawn - x), (x + 1) * (white + x + 1 - drawn))
	}

	/// `Some` if it is certain that the tail has this probability, 0 or 1.
	fn trivial(&self) -> Option<bool> {
		if self.from > self.most {
			Some(false)
		} else if self.from <= self.least {
			Some(true)
		} else {
			None
		}
	}

	/// The logarithm of the probability.
	fn ln(&self) -> f64 {
		match self.trivial() {
			Some(false) => return f64::NEG_INFINITY,
			Some(true) => return 0.0,
			None => {}
		}
		let quotient = |(a, b): (u64, u64)| a as f64 / b as f64;
		// Terms rise up to the mode and fall after it. Sum from the border away from the mode: the first is the largest.
		let falling = quotient(self.ratio(self.from - 1)) <= 1.0;
		let start = if falling { self.from } else { self.from - 1 };
		let (mut x, mut term, mut sum) = (start, 1.0f64, 1.0f64);
		while term > sum * f64::EPSILON / 16.0 {
			if falling {
				if x == self.most {
					break;
				}
				term *= quotient(self.ratio(x));
				x += 1;
			} else {
				if x == self.least {
					break;
				}
				term /= quotient(self.ratio(x - 1));
				x -= 1;
			}
			sum += term;
		}
		let ln = self.ln_term(start) + sum.ln();
		if falling {
			ln.min(0.0)
		} else {
			// This is the rest's: at least the mode's side of the distribution is in the tail.
			libm::log1p(-libm::exp(ln).min(1.0))
		}
	}

	/// Whether `multiple` times the probability is at most `bound`, with big integers.
	fn at_most_exactly(&self, bound: Fraction, multiple: u32) -> bool {
		match self.trivial() {
			Some(false) => return true,
			Some(true) => return u128::from(multiple) * bound.denominator() <= bound.numerator(),
			None => {}
		}
		let limit = choose(self.population, self.drawn) * bound.numerator();
		let mut term =
			choose(self.black, self.from) * choose(self.population - self.black, self.drawn - self.from);
		let mut sum = term.clone();
		for x in self.from..self.most {
			let (numerator, denominator) = self.ratio(x);
			// The division has no remainder: what comes out is the next product of binomial coefficients.
			term = term * numerator / denominator;
			sum += &term;
		}
		sum * multiple * bound.denominator() <= limit
	}
}

/// The logarithm of the number of ways to choose `k` of `n`.
fn ln_choose(n: u32, k: u32) -> f64 {
	let ln_factorial = |n: u32| libm::lgamma(f64::from(n) + 1.0);
	ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

/// The number of ways to choose `k` of `n`.
fn choose(n: u32, k: u32) -> BigUint {
	let k = k.min(n - k);
	(0..k).fold(BigUint::from(1u32), |product, i| product * (n - i) / (i + 1))
}

/// The natural logarithm of [`failure_probability`]: a number even where that is too small to be one. −∞ for 0.
pub fn ln_failure_probability(population: u32, malicious: u32, size: u32, tolerated: u32) -> f64 {
	Tail::new(population, malicious, size, tolerated).ln()
}

/// The probability that more than `tolerated` of the members of a committee of `size` are malicious, if it is drawn from a
/// `population` that `malicious` are of: eq. (6.1). Its relative error is below 10⁻⁷ for populations of up to
/// [`MAX_POPULATION`](crate::MAX_POPULATION). A malicious part, or a committee, that is larger than the population
/// counts as all of it.
pub fn failure_probability(population: u32, malicious: u32, size: u32, tolerated: u32) -> f64 {
	libm::exp(ln_failure_probability(population, malicious, size, tolerated))
}

/// Whether `multiple` times that probability is at most `bound`, exactly.
pub(crate) fn at_most(
	population: u32,
	malicious: u32,
	size: u32,
	tolerated: u32,
	bound: Fraction,
	multiple: u32,
) -> bool {
	let tail = Tail::new(population, malicious, size, tolerated);
	let ln = tail.ln();
	let ln_bound = libm::log(bound.to_f64()) - libm::log(f64::from(multiple));
	if ln == f64::NEG_INFINITY {
		true
	} else if (ln - ln_bound).abs() > MARGIN {
		ln < ln_bound
	} else {
		tail.at_most_exactly(bound, multiple)
	}
}
