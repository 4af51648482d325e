//! Why there are no chain specs: each error names a field, what was expected, and what was found.

use asterism_primitives::{
	committee::{CommitteeError, BLS_PUBLIC_LEN},
	Balance, BlockNumber, ChainId, ChainParameters,
};
use std::{fmt, io, path::PathBuf};

/// Why there are no chain specs. Nothing is written in any of these cases.
#[derive(Debug, thiserror::Error)]
pub enum Error {
	/// A file can't be read or written.
	#[error("{}: {reason}", .path.display())]
	File {
		/// The file.
		path: PathBuf,
		/// What the system said.
		reason: io::Error,
	},
	/// The network file is no TOML. The reason names line and column.
	#[error("network file: {reason}")]
	Syntax {
		/// What the TOML parser said.
		reason: String,
	},
	/// A field of the network file is wrong.
	#[error("{field}: {problem}")]
	Field {
		/// The field's path, such as `chains[1].committee[0].key`; counts from 0.
		field: String,
		/// What was expected, and what was found.
		problem: Problem,
	},
	/// This build holds no Wasm of a runtime: it was built with `SKIP_WASM_BUILD`.
	#[error("this build has no Wasm of the {runtime} runtime; build it again without SKIP_WASM_BUILD")]
	NoWasm {
		/// Which runtime: `root` or `transaction`.
		runtime: &'static str,
	},
	/// A runtime refused its genesis. The checks of the network file are meant to rule this out.
	#[error("the runtime of chain {chain} refused its genesis: {reason}")]
	Genesis {
		/// The chain.
		chain: ChainId,
		/// What the runtime, or its executor, said.
		reason: String,
	},
}

impl Error {
	pub(crate) fn field(field: impl Into<String>, problem: Problem) -> Self {
		Error::Field {
			field: field.into(),
			problem,
		}
	}
}

/// What is wrong with a field of the network file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
	/// It is not there.
	Missing {
		/// What it should be.
		expected: &'static str,
	},
	/// There is no such field.
	Unknown {
		/// The fields that exist in this place.
		known: &'static [&'static str],
	},
	/// It is a TOML value of another type.
	Type {
		/// What it should be.
		expected: &'static str,
		/// The type that was found.
		got: &'static str,
	},
	/// It is empty, longer than allowed, or has characters that are not allowed.
	Text {
		/// What it should be.
		expected: &'static str,
		/// What was found.
		got: String,
	},
	/// It is not one of the words allowed here.
	Choice {
		/// The words.
		expected: &'static [&'static str],
		/// What was found.
		got: String,
	},
	/// A number out of its range.
	Range {
		/// The smallest value allowed.
		min: i64,
		/// The largest value allowed.
		max: i64,
		/// What was found.
		got: i64,
	},
	/// A BLS public key of another length.
	KeyLength {
		/// Its length in bytes.
		got: usize,
	},
	/// A BLS public key that is no point of the group, or the point at infinity.
	KeyPoint,
	/// A BLS public key that is not written in hex digits.
	KeyHex,
	/// Neither an ss58 address, nor 32 bytes in hex, nor a development seed.
	Account {
		/// What was found.
		got: String,
	},
	/// An address of another network: the prefix is part of an ss58 address.
	Prefix {
		/// The prefix that was found.
		got: u16,
	},
	/// A development seed in a live network: everybody knows its secret.
	SeedInLive,
	/// A development seed that no key can be made from.
	Seed {
		/// What the key derivation said.
		reason: String,
	},
	/// Not an amount.
	Amount {
		/// What was found.
		got: String,
	},
	/// An amount that is less than an account may hold.
	BelowMinimum {
		/// The existential deposit in units.
		minimum: Balance,
		/// What was found, in units.
		got: Balance,
	},
	/// A stake that is less than a node's must be.
	StakeTooSmall {
		/// The least stake in units.
		minimum: Balance,
		/// What was found, in units.
		got: Balance,
	},
	/// A stake that its operator's account on the root chain doesn't have beside the existential deposit.
	Unbacked {
		/// What the account must have, in units.
		expected: Balance,
		/// What it has, in units.
		got: Balance,
	},
	/// The sum of the amounts doesn't fit into 128 bits.
	SumOverflow,
	/// The same thing stands in another place.
	Duplicate {
		/// The other place.
		first: String,
	},
	/// More of them than there may be.
	TooMany {
		/// How many there may be.
		max: usize,
		/// How many there are.
		got: usize,
	},
	/// The members make no committee.
	Committee(CommitteeError),
	/// A length of epochs that is out of its range.
	EpochLength {
		/// What was found.
		got: i64,
	},
	/// Committees are to be elected, and the network has no beacon.
	NoBeacon,
	/// A dealt beacon in a live network: everybody knows its shares.
	DealtInLive,
	/// Not the beacon that a ceremony, or a dealer, has made.
	Beacon {
		/// What is wrong with it.
		reason: String,
	},
	/// The shares of the beacon's key are not held by the first root committee.
	BeaconOfOthers,
	/// The network file names a file, and it is in no folder that this could be in.
	NoFolder,
	/// A fraction or probability, or what it says, is wrong.
	Security {
		/// What was expected, and what was found.
		reason: String,
	},
	/// Committees of this size fail too often.
	Insecure {
		/// How likely any of them fails, as people read it.
		probability: String,
		/// The smallest size that is sufficient, if one is that may be asked for.
		needed: Option<u32>,
		/// What was found.
		got: u32,
	},
	/// Not a network address that ends in `/p2p/<peer id>`.
	Address {
		/// What was found.
		got: String,
	},
	/// Not the URL of a telemetry server.
	Url {
		/// What was found.
		got: String,
	},
}

/// The most characters of a wrong value that an error repeats.
const SHOWN: usize = 80;

/// The beginning of a wrong value, without control characters.
pub(crate) fn shown(value: &str) -> String {
	let mut text: String = value
		.chars()
		.take(SHOWN)
		.map(|c| if c.is_control() { '\u{fffd}' } else { c })
		.collect();
	if value.chars().nth(SHOWN).is_some() {
		text.push('…');
	}
	text
}

impl fmt::Display for Problem {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Missing { expected } => write!(f, "missing, expected {expected}"),
			Self::Unknown { known } => write!(f, "unknown field, expected one of {}", known.join(", ")),
			Self::Type { expected, got } => write!(f, "expected {expected}, got {got}"),
			Self::Text { expected, got } => write!(f, "expected {expected}, got `{got}`"),
			Self::Choice { expected, got } => write!(f, "expected one of {}, got `{got}`", expected.join(", ")),
			Self::Range { min, max, got } => write!(f, "expected {min} to {max}, got {got}"),
			Self::KeyLength { got } => {
				write!(f, "expected {BLS_PUBLIC_LEN} bytes in hex (a BLS12-381 public key in G2), got {got}")
			},
			Self::KeyPoint => f.write_str(
				"expected a BLS12-381 public key in G2, got bytes that are not a compressed point of that group",
			),
			Self::KeyHex => write!(
				f,
				"expected {BLS_PUBLIC_LEN} bytes in hex (a BLS12-381 public key in G2), got other characters"
			),
			Self::Account { got } => write!(
				f,
				"expected an ss58 address, 32 bytes in hex (0x…) or a development seed (//Alice), got `{got}`"
			),
			Self::Prefix { got } => write!(
				f,
				"expected an ss58 address with prefix {}, got one with prefix {got}: of another network",
				crate::SS58_PREFIX
			),
			Self::SeedInLive => f.write_str(
				"expected keys, got a development seed: everybody knows its secret, and type is \"live\"",
			),
			Self::Seed { reason } => write!(f, "expected a development seed such as //Alice: {reason}"),
			Self::Amount { got } => write!(
				f,
				"expected an amount of noOs with at most {} decimals such as \"1000.5\", or of the smallest unit \
				 such as \"1000000 units\", got `{got}`",
				crate::DECIMALS
			),
			Self::BelowMinimum { minimum, got } => {
				write!(f, "expected at least {minimum} units (the existential deposit), got {got}")
			},
			Self::StakeTooSmall { minimum, got } => {
				write!(f, "expected at least {minimum} units (the least stake), got {got}")
			},
			Self::Unbacked { expected, got } => write!(
				f,
				"expected an operator with at least {expected} units in root.accounts (the stake and the existential deposit), \
				 got one with {got}"
			),
			Self::SumOverflow => f.write_str("expected a sum of amounts that fits into 128 bits"),
			Self::Duplicate { first } => write!(f, "the same as {first}, expected each once"),
			Self::TooMany { max, got } => write!(f, "expected at most {max}, got {got}"),
			Self::Committee(error) => error.fmt(f),
			Self::EpochLength { got } => write!(
				f,
				"expected {} to {} blocks, or 0 if the first committee stays for ever, got {got}",
				ChainParameters::MIN_EPOCH_LENGTH,
				BlockNumber::MAX,
			),
			Self::NoBeacon => f.write_str(
				"expected 0 or the field beacon: a network without beacon has no seeds, so nobody is ever elected",
			),
			Self::DealtInLive => f.write_str(
				"expected { file = \"…\" } with the beacon of a ceremony, got \"dealt\": everybody knows its shares, and type \
				 is \"live\"",
			),
			Self::Beacon { reason } => {
				write!(f, "expected a beacon as `asterism beacon finish` writes it: {reason}")
			},
			Self::BeaconOfOthers => f.write_str(
				"expected the members of root.committee, got others: they must have made the beacon among themselves",
			),
			Self::NoFolder => f.write_str("expected no other file: this network file is in no folder"),
			Self::Security { reason } => f.write_str(reason),
			Self::Insecure {
				probability,
				needed: Some(needed),
				got,
			} => write!(
				f,
				"expected {needed}, the smallest size that is sufficient for what [security] asks, got {got}: any of the \
				 committees fails with probability {probability}"
			),
			Self::Insecure {
				probability, got, ..
			} => write!(
				f,
				"expected more members than may be asked for ({}): any of the committees fails with probability {probability} if \
				 it has {got}",
				ChainParameters::MAX_COMMITTEE_SIZE,
			),
			Self::Address { got } => write!(
				f,
				"expected a network address with peer id such as /dns/host/tcp/30333/p2p/12D3…, got `{got}`"
			),
			Self::Url { got } => {
				write!(f, "expected the URL of a telemetry server such as wss://host/submit/, got `{got}`")
			},
		}
	}
}

/// The range of block intervals as a problem.
pub(crate) fn block_interval_range(got: i64) -> Problem {
	Problem::Range {
		min: ChainParameters::MIN_BLOCK_INTERVAL.into(),
		max: ChainParameters::MAX_BLOCK_INTERVAL.into(),
		got,
	}
}
