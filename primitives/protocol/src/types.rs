use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use scale_info::TypeInfo;

/// An amount of a currency in its smallest unit.
pub type Balance = u128;
/// The height of a block; genesis is 0.
pub type BlockNumber = u32;
/// The position of a message in its channel, counted from 0.
pub type Nonce = u64;

/// Identifies a chain of the network: 0 is the root chain, the others are transaction chains (Thinkey §3.2).
#[derive(
	Clone,
	Copy,
	Debug,
	Default,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Hash,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[cfg_attr(
	feature = "serde",
	derive(serde::Serialize, serde::Deserialize),
	serde(transparent)
)]
pub struct ChainId(pub u32);

impl ChainId {
	/// The root chain.
	pub const ROOT: ChainId = ChainId(0);

	/// Whether this is the root chain.
	pub const fn is_root(self) -> bool {
		self.0 == Self::ROOT.0
	}
}

impl fmt::Display for ChainId {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		self.0.fmt(f)
	}
}

/// Identifies a currency of the network; 0 is the native one, noOs.
#[derive(
	Clone,
	Copy,
	Debug,
	Default,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Hash,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[cfg_attr(
	feature = "serde",
	derive(serde::Serialize, serde::Deserialize),
	serde(transparent)
)]
pub struct CurrencyId(pub u32);

impl CurrencyId {
	/// The native currency, noOs.
	pub const NATIVE: CurrencyId = CurrencyId(0);
}
