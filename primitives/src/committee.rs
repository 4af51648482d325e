//! Committees: who runs a chain's consensus in an epoch (Thinkey §4.1).

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::fmt;
use polkadot_sdk::sp_core::{bounded::BoundedVec, bytes, ConstU32};
use scale_info::TypeInfo;
use serde::{de::Error as _, Deserialize, Deserializer, Serialize, Serializer};

/// Counts a chain's committees, from 0 at genesis.
pub type Epoch = u64;

/// The members that a committee may have.
pub const MAX_MEMBERS: u32 = 256;

/// Bytes of a compressed BLS12-381 public key (in G2).
pub const BLS_PUBLIC_LEN: usize = 96;
/// Bytes of a compressed BLS12-381 signature (in G1).
pub const BLS_SIGNATURE_LEN: usize = 48;

macro_rules! fixed_bytes {
	($(#[$doc:meta])* $name:ident, $len:expr) => {
		$(#[$doc])*
		#[derive(
			Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen,
			TypeInfo,
		)]
		pub struct $name(pub [u8; $len]);

		impl AsRef<[u8]> for $name {
			fn as_ref(&self) -> &[u8] {
				&self.0
			}
		}

		impl TryFrom<&[u8]> for $name {
			type Error = core::array::TryFromSliceError;
			fn try_from(bytes: &[u8]) -> Result<Self, Self::Error> {
				bytes.try_into().map(Self)
			}
		}

		impl fmt::Debug for $name {
			fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
				f.write_str(&bytes::to_hex(&self.0, false))
			}
		}

		impl fmt::Display for $name {
			fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
				f.write_str(&bytes::to_hex(&self.0, false))
			}
		}

		impl Serialize for $name {
			fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
				bytes::serialize(&self.0, serializer)
			}
		}

		impl<'de> Deserialize<'de> for $name {
			fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
				let given = bytes::deserialize(deserializer)?;
				Self::try_from(&given[..]).map_err(|_| {
					D::Error::custom(alloc::format!(
						concat!(stringify!($name), ": expected {} bytes in hex, got {}"),
						$len,
						given.len()
					))
				})
			}
		}
	};
}

pub(crate) use fixed_bytes;

fixed_bytes!(
	/// A member's identity: the sr25519 key by which it is found (authority discovery) and opens its channels to
	/// other members.
	MemberId,
	32
);
fixed_bytes!(
	/// A member's consensus key: a BLS12-381 public key in G2, compressed.
	BlsPublic,
	BLS_PUBLIC_LEN
);
fixed_bytes!(
	/// A BLS12-381 signature in G1, compressed; of one member, or the aggregate of several.
	BlsSignature,
	BLS_SIGNATURE_LEN
);

/// A member of a committee.
#[derive(
	Clone,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Member {
	/// Who it is.
	pub id: MemberId,
	/// What its votes are signed with.
	pub key: BlsPublic,
}

/// Why a list of members is no committee.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum CommitteeError {
	/// It has no member.
	Empty,
	/// It has more than [`MAX_MEMBERS`].
	TooLarge,
	/// The members are not in ascending order of their ids, or one appears twice.
	NotSorted,
	/// Two members have the same consensus key.
	SharedKey,
}

impl fmt::Display for CommitteeError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Empty => f.write_str("a committee needs at least one member"),
			Self::TooLarge => write!(f, "a committee has at most {MAX_MEMBERS} members"),
			Self::NotSorted => f.write_str("members must be sorted by id, each once"),
			Self::SharedKey => f.write_str("two members have the same consensus key"),
		}
	}
}

/// The members that run a chain's consensus in one epoch, in ascending order of their ids. A member's place in
/// this order is its index in certificates.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize,
)]
pub struct Committee {
	/// The epoch.
	epoch: Epoch,
	/// The members.
	members: BoundedVec<Member, ConstU32<MAX_MEMBERS>>,
}

impl Committee {
	/// Makes a committee of the given members, in any order.
	///
	/// # Errors
	/// [`CommitteeError`] if there are none or too many, or two share an id or a key.
	pub fn new(epoch: Epoch, mut members: Vec<Member>) -> Result<Self, CommitteeError> {
		members.sort_by_key(|m| m.id);
		let members = BoundedVec::try_from(members).map_err(|_| CommitteeError::TooLarge)?;
		let committee = Committee { epoch, members };
		committee.check()?;
		Ok(committee)
	}

	/// Checks what decoding does not: order, uniqueness, and that there is a member.
	///
	/// # Errors
	/// The first [`CommitteeError`] found.
	pub fn check(&self) -> Result<(), CommitteeError> {
		if self.members.is_empty() {
			return Err(CommitteeError::Empty);
		}
		if self.members.windows(2).any(|pair| pair[0].id >= pair[1].id) {
			return Err(CommitteeError::NotSorted);
		}
		let mut keys: Vec<_> = self.members.iter().map(|m| m.key).collect();
		keys.sort_unstable();
		if keys.windows(2).any(|pair| pair[0] == pair[1]) {
			return Err(CommitteeError::SharedKey);
		}
		Ok(())
	}

	/// The epoch that it serves.
	pub fn epoch(&self) -> Epoch {
		self.epoch
	}

	/// The members in ascending order of their ids.
	pub fn members(&self) -> &[Member] {
		&self.members
	}

	/// The number of members, 1 to [`MAX_MEMBERS`].
	pub fn size(&self) -> u32 {
		self.members.len() as u32
	}

	/// How many faulty members it tolerates: the largest f with 3f + 1 ≤ size.
	pub fn faults(&self) -> u32 {
		faults(self.size())
	}

	/// How many votes make a certificate: size − f.
	pub fn quorum(&self) -> u32 {
		quorum(self.size())
	}

	/// Who leads a view: the members take turns (Thinkey §4.2).
	pub fn leader(&self, view: u64) -> Option<&Member> {
		let turn = view.checked_add(self.epoch)? % u64::from(self.size().max(1));
		self.members.get(turn as usize)
	}
}

/// How many faulty members a committee of `size` tolerates: the largest f with 3f + 1 ≤ size.
pub const fn faults(size: u32) -> u32 {
	size.saturating_sub(1) / 3
}

/// How many votes make a certificate in a committee of `size`: size − f.
pub const fn quorum(size: u32) -> u32 {
	size - faults(size)
}

#[cfg(test)]
mod tests {
	use super::*;

	fn member(i: u8) -> Member {
		Member {
			id: MemberId([i; 32]),
			key: BlsPublic([i; BLS_PUBLIC_LEN]),
		}
	}

	#[test]
	fn a_committee_is_sorted_and_unique() {
		let committee = Committee::new(3, alloc::vec![member(2), member(1), member(9), member(4)]).unwrap();
		assert_eq!(
			committee.members().iter().map(|m| m.id.0[0]).collect::<Vec<_>>(),
			[1, 2, 4, 9]
		);
		assert_eq!(
			(committee.size(), committee.faults(), committee.quorum()),
			(4, 1, 3)
		);
		assert_eq!(Committee::new(0, alloc::vec![]), Err(CommitteeError::Empty));
		assert_eq!(
			Committee::new(0, alloc::vec![member(1), member(1)]),
			Err(CommitteeError::NotSorted)
		);
		let twin = Member {
			key: member(1).key,
			..member(2)
		};
		assert_eq!(
			Committee::new(0, alloc::vec![member(1), twin]),
			Err(CommitteeError::SharedKey)
		);
		let many = (0..=MAX_MEMBERS).map(|i| {
			let mut m = member(0);
			m.id.0[..4].copy_from_slice(&i.to_be_bytes());
			m.key.0[..4].copy_from_slice(&i.to_be_bytes());
			m
		});
		assert_eq!(Committee::new(0, many.collect()), Err(CommitteeError::TooLarge));
	}

	#[test]
	fn decoding_leaves_order_to_check() {
		let bytes = (0u64, alloc::vec![member(2), member(1)]).encode();
		let committee = Committee::decode(&mut &bytes[..]).unwrap();
		assert_eq!(committee.check(), Err(CommitteeError::NotSorted));
	}

	#[test]
	fn json_names_what_was_expected() {
		let error = serde_json::from_str::<MemberId>("\"0x0102\"")
			.unwrap_err()
			.to_string();
		assert!(
			error.contains("MemberId: expected 32 bytes in hex, got 2"),
			"{error}"
		);
	}

	#[test]
	fn quorum_outvotes_the_faulty() {
		for n in 1..=MAX_MEMBERS {
			let (f, q) = (faults(n), quorum(n));
			assert_eq!(f + q, n);
			// Two quorums share more members than may be faulty.
			assert!(2 * q > n + f);
		}
	}
}
