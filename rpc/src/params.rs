//! Reads parameters, with errors that name them.
//!
//! They arrive as optional JSON values, so that a missing or malformed one is refused here, by name.

use crate::error::{invalid, unknown_block};
use asterism_primitives::{AccountId, Balance, BlockNumber, ChainId, Hash, OpaqueBlock};
use jsonrpsee::types::ErrorObjectOwned;
use polkadot_sdk::{sp_blockchain::HeaderBackend, sp_core::bytes::from_hex};
use serde_json::{Map, Value};

/// A parameter as it arrived.
pub type Param = Option<Value>;

type Result<T> = std::result::Result<T, ErrorObjectOwned>;

/// The longest decimal string that can be an integer of 64 bits.
const MAX_DIGITS: usize = 20;
/// The longest decimal string that can be an integer of 128 bits.
const MAX_AMOUNT_DIGITS: usize = 39;
/// Characters of an account in hex, with `0x`; in SS58 it has fewer.
const MAX_ACCOUNT: usize = 66;

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

/// Reads an integer of 32 bits.
///
/// # Errors
/// One that names `field` if it is missing or no such integer.
pub fn u32(field: &str, given: Param) -> Result<u32> {
	let max = u32::MAX.into();
	integer(field, "an integer from 0 to 4294967295", &given, max).map(|integer| integer as u32)
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

/// Reads an account.
///
/// # Errors
/// One that names `field` if it is missing or no account.
pub fn account(field: &str, given: Param) -> Result<AccountId> {
	let account = match &given {
		Some(Value::String(text)) if text.len() <= MAX_ACCOUNT => text.parse().ok(),
		_ => None,
	};
	let expected = "an account (an SS58 address, or 0x and 64 hex digits)";
	account.ok_or_else(|| invalid(field, expected, &describe(&given)))
}

/// Reads a hash.
///
/// # Errors
/// One that names `field` if it is missing or no hash.
pub fn hash(field: &str, given: Param) -> Result<Hash> {
	let hash = match &given {
		Some(Value::String(text)) if text.len() == 66 && text.starts_with("0x") => text.parse().ok(),
		_ => None,
	};
	hash.ok_or_else(|| invalid(field, "a hash (0x and 64 hex digits)", &describe(&given)))
}

/// Reads bytes, at most `max` of them.
///
/// # Errors
/// One that names `field` if it is missing, no hex string, or too long.
pub fn bytes(field: &str, given: Param, max: u32) -> Result<Vec<u8>> {
	let bytes = match &given {
		Some(Value::String(text)) => text
			.strip_prefix("0x")
			.filter(|digits| digits.len() % 2 == 0 && digits.len() / 2 <= max as usize)
			.and_then(|_| from_hex(text).ok()),
		_ => None,
	};
	let expected = format!("at most {max} bytes (0x and two hex digits for each)");
	bytes.ok_or_else(|| invalid(field, &expected, &describe(&given)))
}

/// Reads an amount.
///
/// # Errors
/// One that names `field` if it is missing or no amount.
pub fn amount(field: &str, given: Param) -> Result<Balance> {
	let amount = match &given {
		Some(Value::Number(number)) => number.as_u64().map(Balance::from),
		Some(Value::String(digits)) if (1..=MAX_AMOUNT_DIGITS).contains(&digits.len()) => digits
			.bytes()
			.all(|b| b.is_ascii_digit())
			.then(|| digits.parse().ok())
			.flatten(),
		_ => None,
	};
	let expected = "an amount in the smallest unit (a decimal string of an integer of 128 bits)";
	amount.ok_or_else(|| invalid(field, expected, &describe(&given)))
}

/// Reads a boolean; it is false if it is missing.
///
/// # Errors
/// One that names `field` if it is none.
pub fn flag(field: &str, given: Param) -> Result<bool> {
	match given {
		None | Some(Value::Null) => Ok(false),
		Some(Value::Bool(flag)) => Ok(flag),
		_ => Err(invalid(field, "true or false", &describe(&given))),
	}
}

/// Reads an object that has no other fields than these.
///
/// # Errors
/// One that names `field` if it is missing, no object, or has other fields.
pub fn object(field: &str, given: Param, fields: &[&str]) -> Result<Map<String, Value>> {
	let expected = format!("an object with fields among {}", fields.join(", "));
	match given {
		Some(Value::Object(map)) if map.keys().all(|key| fields.contains(&key.as_str())) => Ok(map),
		Some(Value::Object(_)) => Err(invalid(field, &expected, "an object with other ones")),
		_ => Err(invalid(field, &expected, &describe(&given))),
	}
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

/// What was given, without repeating more of it than a short number.
pub(crate) fn describe(given: &Param) -> String {
	match given {
		None | Some(Value::Null) => "nothing".into(),
		Some(Value::Bool(_)) => "a boolean".into(),
		Some(Value::Number(number)) => {
			// It may be kept as it was written, however long that is.
			let text = number.to_string();
			if text.len() <= MAX_AMOUNT_DIGITS {
				text
			} else {
				format!("a number of {} characters", text.len())
			}
		}
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
		// Not by `json!`, which would round it.
		let long = serde_json::from_str(&"2".repeat(300)).unwrap();
		let error = u64("nonce", Some(long)).unwrap_err();
		assert!(error.message().len() < 200, "{error:?}");
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

	#[test]
	fn accounts_are_addresses_or_hex() {
		let alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
		let hex = "0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d";
		let read = |text: &str| account("origin", Some(json!(text)));
		assert_eq!(read(alice).unwrap(), read(hex).unwrap());
		assert_eq!(format!("{:?}", hash("code", Some(json!(hex))).unwrap()), hex);
		let misspelt = alice.replace('Q', "R");
		let long = "5".repeat(1_000_000);
		for bad in ["", "0x", "alice", &hex[..64], misspelt.as_str(), long.as_str()] {
			let error = read(bad).unwrap_err();
			assert!(
				error.message().starts_with("origin: expected an account"),
				"{error:?}"
			);
			assert!(error.message().len() < 200);
			assert!(hash("code", Some(json!(bad))).is_err());
		}
		assert!(hash("code", Some(json!(hex[2..]))).is_err());
		assert!(account("origin", None).is_err());
	}

	#[test]
	fn bytes_are_bounded_hex() {
		let read = |text: &str| bytes("key", Some(json!(text)), 3);
		assert_eq!(read("0x").unwrap(), [0u8; 0]);
		assert_eq!(read("0x01fFab").unwrap(), [1, 255, 171]);
		for bad in ["", "01", "0x1", "0x0102030405", "0xzz", "0x01\u{e9}"] {
			let error = read(bad).unwrap_err();
			assert!(
				error.message().starts_with("key: expected at most 3 bytes"),
				"{error:?}"
			);
		}
		assert!(bytes("key", Some(json!([1])), 3).is_err());
	}

	#[test]
	fn amounts_have_128_bits() {
		let read = |value: Value| amount("value", Some(value));
		assert_eq!(read(json!(u128::MAX.to_string())).unwrap(), u128::MAX);
		assert_eq!((read(json!(7)).unwrap(), read(json!("0")).unwrap()), (7, 0));
		let above = "340282366920938463463374607431768211456";
		for bad in [
			json!(above),
			json!(-1),
			json!("-1"),
			json!(1.5),
			json!("1e3"),
			json!(""),
			json!(true),
		] {
			let error = read(bad).unwrap_err();
			assert!(
				error.message().starts_with("value: expected an amount"),
				"{error:?}"
			);
		}
	}

	#[test]
	fn objects_have_known_fields_only() {
		let read = |value: Value| object("call", Some(value), &["gas", "body"]);
		assert_eq!(read(json!({ "gas": 1 })).unwrap()["gas"], json!(1));
		for bad in [json!({ "gas": 1, "gaz": 2 }), json!([1]), json!(null)] {
			let error = read(bad).unwrap_err();
			let start = "call: expected an object with fields among gas, body";
			assert!(error.message().starts_with(start), "{error:?}");
		}
		assert!(!flag("bytes", None).unwrap() && flag("bytes", Some(json!(true))).unwrap());
		assert!(flag("bytes", Some(json!(1))).is_err());
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
