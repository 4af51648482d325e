//! Reads parameters, with errors that name them.
//!
//! They arrive as optional JSON values, so that a missing or malformed one is refused here, by name.

use crate::error::{invalid, unknown_block};
use asterism_primitives::{BlockNumber, ChainId, Hash, OpaqueBlock};
use jsonrpsee::types::ErrorObjectOwned;
use polkadot_sdk::sp_blockchain::HeaderBackend;
use serde_json::Value;

/// A parameter as it arrived.
pub type Param = Option<Value>;

type Result<T> = std::result::Result<T, ErrorObjectOwned>;

/// The longest decimal string that can be an integer of 64 bits.
const MAX_DIGITS: usize = 20;

/// A block, by hash or number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockParam {
	/// By hash.
	Hash(Hash),
	/// By number.
	Number(BlockNumber),
}

impl BlockParam {
	/// The block's hash in this client's chain.
	///
	/// # Errors
	/// One that names `field` if there is no such block.
	pub fn hash<C: HeaderBackend<OpaqueBlock>>(self, field: &str, client: &C) -> Result<Hash> {
		let hash = match self {
			BlockParam::Hash(hash) => client.number(hash).map_err(crate::error::client)?.map(|_| hash),
			BlockParam::Number(number) => client.hash(number).map_err(crate::error::client)?,
		};
		hash.ok_or_else(|| unknown_block(field))
	}
}

/// Reads a chain id.
///
/// # Errors
/// One that names `field` if it is missing or no chain id.
pub fn chain(field: &str, given: Param) -> Result<ChainId> {
	integer(
		field,
		"a chain id (an integer from 0 to 4294967295)",
		&given,
		u32::MAX.into(),
	)
	.map(|id| ChainId(id as u32))
}

/// Reads a block number.
///
/// # Errors
/// One that names `field` if it is missing or no block number.
pub fn number(field: &str, given: Param) -> Result<BlockNumber> {
	integer(
		field,
		"a block number (an integer from 0 to 4294967295)",
		&given,
		u32::MAX.into(),
	)
	.map(|number| number as BlockNumber)
}

/// Reads an integer of 64 bits.
///
/// # Errors
/// One that names `field` if it is missing or no such integer.
pub fn u64(field: &str, given: Param) -> Result<u64> {
	let expected = "an integer from 0 to 18446744073709551615, as a number or a decimal string";
	integer(field, expected, &given, u64::MAX)
}

/// Reads a block's hash or number.
///
/// # Errors
/// One that names `field` if it is missing or neither.
pub fn block(field: &str, given: Param) -> Result<BlockParam> {
	let expected = "a block's hash (0x and 64 hex digits) or number (an integer from 0 to 4294967295)";
	if let Some(Value::String(text)) = &given {
		if text.len() == 66 && text.starts_with("0x") && text.is_ascii() {
			return text
				.parse()
				.map(BlockParam::Hash)
				.map_err(|_| invalid(field, expected, &describe(&given)));
		}
	}
	integer(field, expected, &given, u32::MAX.into()).map(|number| BlockParam::Number(number as BlockNumber))
}

/// Reads a block's hash or number if there is one.
///
/// # Errors
/// One that names `field` if it is neither.
pub fn optional_block(field: &str, given: Param) -> Result<Option<BlockParam>> {
	given.map(|value| block(field, Some(value))).transpose()
}

fn integer(field: &str, expected: &str, given: &Param, max: u64) -> Result<u64> {
	let value = match given {
		Some(Value::Number(number)) => number.as_u64(),
		Some(Value::String(digits)) if (1..=MAX_DIGITS).contains(&digits.len()) => digits
			.bytes()
			.all(|b| b.is_ascii_digit())
			.then(|| digits.parse().ok())
			.flatten(),
		_ => None,
	};
	value
		.filter(|value| *value <= max)
		.ok_or_else(|| invalid(field, expected, &describe(given)))
}

/// What was given, without repeating more of it than a number.
fn describe(given: &Param) -> String {
	match given {
		None | Some(Value::Null) => "nothing".into(),
		Some(Value::Bool(_)) => "a boolean".into(),
		Some(Value::Number(number)) => number.to_string(),
		Some(Value::String(text)) => format!("a string of {} characters", text.chars().count()),
		Some(Value::Array(_)) => "an array".into(),
		Some(Value::Object(_)) => "an object".into(),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;
	use serde_json::json;

	#[test]
	fn integers_are_numbers_or_decimal_strings() {
		assert_eq!(chain("chain", Some(json!(7))).unwrap(), ChainId(7));
		assert_eq!(
			u64("nonce", Some(json!("18446744073709551615"))).unwrap(),
			u64::MAX
		);
		assert_eq!(number("number", Some(json!("12"))).unwrap(), 12);
		let bad = [
			json!(-1),
			json!(1.5),
			json!("0x10"),
			json!(""),
			json!("+1"),
			json!("9".repeat(1_000_000)),
			json!([1]),
		];
		for value in bad.into_iter().map(Some).chain([None]) {
			let error = u64("nonce", value).unwrap_err();
			assert!(
				error.message().starts_with("nonce: expected an integer"),
				"{error:?}"
			);
			assert!(error.message().len() < 200);
		}
		let error = chain("destination", Some(json!(1u64 << 32))).unwrap_err();
		assert!(error.message().contains("destination: expected a chain id"));
		assert!(error.message().ends_with("got 4294967296"));
	}

	#[test]
	fn blocks_are_hashes_or_numbers() {
		let hash = Hash::repeat_byte(0xab);
		assert_eq!(
			block("block", Some(json!(format!("{hash:?}")))).unwrap(),
			BlockParam::Hash(hash)
		);
		assert_eq!(block("block", Some(json!(9))).unwrap(), BlockParam::Number(9));
		let long = format!("0x{}", "zz".repeat(32));
		for bad in [
			json!("0x12"),
			json!(long),
			json!("ab".repeat(32)),
			json!(true),
			json!({}),
		] {
			let error = block("block", Some(bad)).unwrap_err();
			assert!(
				error.message().starts_with("block: expected a block's hash"),
				"{error:?}"
			);
		}
		assert_eq!(optional_block("at", None).unwrap(), None);
		assert!(optional_block("at", Some(json!("x"))).is_err());
	}

	/// Any JSON value, some of them nearly a parameter.
	fn json_value() -> impl Strategy<Value = Value> {
		let leaf = prop_oneof![
			Just(Value::Null),
			any::<bool>().prop_map(Value::from),
			any::<u64>().prop_map(Value::from),
			any::<i64>().prop_map(Value::from),
			any::<f64>().prop_map(Value::from),
			".{0,80}".prop_map(Value::from),
			"[0-9]{0,24}".prop_map(Value::from),
			"0x[0-9a-fA-F]{62,66}".prop_map(Value::from),
		];
		leaf.prop_recursive(3, 8, 3, |inner| {
			prop_oneof![
				proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
				proptest::collection::btree_map(".{0,5}", inner, 0..3)
					.prop_map(|map| Value::Object(map.into_iter().collect())),
			]
		})
	}

	/// Whether an integer is all that the value says: as a number, or as its decimal digits.
	fn says(value: &Value, integer: u64) -> bool {
		match value {
			Value::Number(number) => number.as_u64() == Some(integer),
			// Leading zeros are the caller's own.
			Value::String(digits) => {
				digits.trim_start_matches('0') == integer.to_string().trim_start_matches('0')
			}
			_ => false,
		}
	}

	fn is_short(error: ErrorObjectOwned) -> bool {
		error.message().len() < 250 && error.data().is_none_or(|data| data.get().len() < 250)
	}

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(1_000))]

		#[test]
		fn any_value_is_refused_shortly_or_says_what_is_taken(value in json_value()) {
			match chain("chain", Some(value.clone())) {
				Ok(chain) => prop_assert!(says(&value, chain.0.into())),
				Err(error) => prop_assert!(is_short(error)),
			}
			match number("number", Some(value.clone())) {
				Ok(number) => prop_assert!(says(&value, number.into())),
				Err(error) => prop_assert!(is_short(error)),
			}
			match u64("nonce", Some(value.clone())) {
				Ok(nonce) => prop_assert!(says(&value, nonce)),
				Err(error) => prop_assert!(is_short(error)),
			}
			match block("block", Some(value.clone())) {
				Ok(BlockParam::Number(number)) => prop_assert!(says(&value, number.into())),
				Ok(BlockParam::Hash(hash)) => {
					let text = value.as_str().unwrap().to_ascii_lowercase();
					prop_assert_eq!(format!("{hash:?}"), text);
				}
				Err(error) => prop_assert!(is_short(error)),
			}
		}
	}
}
