//! Exact fractions, as people write them.

use std::fmt;
use std::str::FromStr;

/// The largest numerator and denominator: times the largest population or number of committees, they fit into 128 bits.
const MAX: u128 = 1_000_000_000_000_000_000_000_000_000; // 10^27

/// An exact fraction that is not negative.
#[derive(Clone, Copy, Debug)]
pub struct Fraction {
	numerator: u128,
	denominator: u128,
}

/// Text that is no fraction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
	"expected a fraction like 1/3, 0.25, 25%, 1e-9 or 2^-40, with numerator and denominator of at most 10^27, got `{0}`"
)]
pub struct ParseFractionError(String);

impl Fraction {
	/// `numerator / denominator`; `None` if the denominator is 0 or either is above 10²⁷.
	pub fn new(numerator: u128, denominator: u128) -> Option<Self> {
		let valid = denominator != 0 && numerator <= MAX && denominator <= MAX;
		valid.then_some(Fraction {
			numerator,
			denominator,
		})
	}

	/// So many millionths.
	pub fn from_parts_per_million(parts: u32) -> Self {
		Fraction {
			numerator: parts.into(),
			denominator: 1_000_000,
		}
	}

	/// The numerator.
	pub fn numerator(&self) -> u128 {
		self.numerator
	}

	/// The denominator.
	pub fn denominator(&self) -> u128 {
		self.denominator
	}

	/// Whether it is 0.
	pub fn is_zero(&self) -> bool {
		self.numerator == 0
	}

	/// Whether it is not above 1.
	pub fn is_proper(&self) -> bool {
		self.numerator <= self.denominator
	}

	/// The nearest floating point number.
	pub fn to_f64(&self) -> f64 {
		self.numerator as f64 / self.denominator as f64
	}

	/// This part of `whole`, rounded down.
	pub fn floor_of(&self, whole: u32) -> u32 {
		let part = self.numerator * u128::from(whole) / self.denominator;
		u32::try_from(part).unwrap_or(u32::MAX)
	}

	/// This part of `whole`, rounded up.
	pub fn ceil_of(&self, whole: u32) -> u32 {
		let part = (self.numerator * u128::from(whole)).div_ceil(self.denominator);
		u32::try_from(part).unwrap_or(u32::MAX)
	}
}

impl PartialEq for Fraction {
	fn eq(&self, other: &Self) -> bool {
		let wide = |a: u128, b: u128| num_bigint::BigUint::from(a) * b;
		wide(self.numerator, other.denominator) == wide(other.numerator, self.denominator)
	}
}

impl Eq for Fraction {}

impl fmt::Display for Fraction {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		if self.denominator == 1 {
			write!(f, "{}", self.numerator)
		} else {
			write!(f, "{}/{}", self.numerator, self.denominator)
		}
	}
}

impl FromStr for Fraction {
	type Err = ParseFractionError;

	/// Reads `1/3`, `0.25`, `25%`, `1e-9` or `2^-40`.
	fn from_str(s: &str) -> Result<Self, Self::Err> {
		parse(s).ok_or_else(|| ParseFractionError(s.chars().take(80).collect()))
	}
}

fn parse(s: &str) -> Option<Fraction> {
	if let Some((numerator, denominator)) = s.split_once('/') {
		return Fraction::new(digits(numerator)?, digits(denominator)?);
	}
	if let Some(exponent) = s.strip_prefix("2^-") {
		let exponent = u32::try_from(digits(exponent)?).ok()?;
		return Fraction::new(1, 1u128.checked_shl(exponent)?);
	}
	let (s, mut shift) = match s.strip_suffix('%') {
		Some(s) => (s, -2),
		None => (s, 0),
	};
	let (mantissa, exponent) = match s.split_once(['e', 'E']) {
		Some((mantissa, exponent)) => {
			let (negative, exponent) = match exponent.strip_prefix('-') {
				Some(exponent) => (true, exponent),
				None => (false, exponent.strip_prefix('+').unwrap_or(exponent)),
			};
			let exponent = i32::try_from(digits(exponent)?).ok()?;
			(mantissa, if negative { -exponent } else { exponent })
		}
		None => (s, 0),
	};
	let (whole, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
	if whole.is_empty() && decimals.is_empty() {
		return None;
	}
	shift += exponent.checked_sub(i32::try_from(decimals.len()).ok()?)?;
	let value = digits(&[whole, decimals].concat())?;
	let power = 10u128.checked_pow(shift.unsigned_abs())?;
	if shift < 0 {
		Fraction::new(value, power)
	} else {
		Fraction::new(value.checked_mul(power)?, 1)
	}
}

/// Reads a number of decimal digits, without any sign.
fn digits(s: &str) -> Option<u128> {
	let plain = !s.is_empty() && s.bytes().all(|byte| byte.is_ascii_digit());
	plain.then(|| s.parse().ok())?
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	#[test]
	fn people_write_fractions_in_many_ways() {
		let quarter = Fraction::new(1, 4).unwrap();
		for s in [
			"1/4",
			"0.25",
			".25",
			"25%",
			"2.5e-1",
			"25E-2",
			"2^-2",
			"250000/1000000",
			"0.025e1",
		] {
			assert_eq!(s.parse::<Fraction>(), Ok(quarter), "{s}");
		}
		assert_eq!("1e-27".parse(), Ok(Fraction::new(1, MAX).unwrap()));
		assert_eq!("2^-40".parse(), Ok(Fraction::new(1, 1 << 40).unwrap()));
		assert_eq!("0".parse(), Ok(Fraction::new(0, 1).unwrap()));
		assert_eq!("1".parse(), Ok(Fraction::new(1, 1).unwrap()));
		assert_eq!("1e2".parse(), Ok(Fraction::new(100, 1).unwrap()));
		assert_eq!(Fraction::from_parts_per_million(250_000), quarter);
	}

	#[test]
	fn what_is_no_fraction_is_refused_by_name() {
		let bad = [
			"",
			".",
			"%",
			"-1",
			"+1",
			"1/0",
			"1/",
			"/3",
			"1/3/4",
			"a",
			"1e",
			"1e-",
			"1e-28",
			"1e28",
			"2^40",
			"2^-400",
			"0x1",
			"1 / 3",
			"NaN",
			"inf",
			"1e99999999999",
			"1e-99999999999",
			"1%%",
			"1/3%",
			"1.2.3",
			"0.0000000000000000000000000001",
		];
		for s in bad {
			let error = s.parse::<Fraction>().unwrap_err().to_string();
			assert!(
				error.contains("expected a fraction like") && error.contains(s),
				"{s}"
			);
		}
		assert!(Fraction::new(1, 0).is_none() && Fraction::new(MAX + 1, 1).is_none());
	}

	#[test]
	fn parts_are_rounded_as_they_say() {
		let third: Fraction = "1/3".parse().unwrap();
		assert_eq!((third.floor_of(10), third.ceil_of(10)), (3, 4));
		assert_eq!((third.floor_of(9), third.ceil_of(9)), (3, 3));
		let large = Fraction::new(MAX, 1).unwrap();
		assert_eq!((large.floor_of(u32::MAX), large.ceil_of(1)), (u32::MAX, u32::MAX));
	}

	proptest! {
		#[test]
		fn any_text_is_read_or_refused(s in ".{0,30}") {
			let _ = s.parse::<Fraction>();
		}

		#[test]
		fn printed_fractions_are_read_back(numerator in 0..=MAX, denominator in 1..=MAX) {
			let fraction = Fraction::new(numerator, denominator).unwrap();
			prop_assert_eq!(fraction.to_string().parse(), Ok(fraction));
		}
	}
}
