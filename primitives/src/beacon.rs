//! The random beacon: seeds that nobody can foresee or choose, and how the root committee's sharing of the one group key
//! passes from epoch to epoch (Thinkey §4.1, DESIGN §5).
//!
//! # Overview
//!
//! The root committee holds shares of one secret BLS12-381 key, by the threshold of a quorum. For each final root block,
//! the *round*, its members sign [`signed_bytes`] with their shares. Any quorum of these partial signatures gives the same
//! [`Seed`]: a BLS signature is unique. Anybody verifies it with the group key, which never changes.
//!
//! # Verifying a seed outside of the network
//!
//! [`Seed::verify`] needs the group key and the root chain's genesis hash, no state and no committee. Its [`VerifySeed`] is,
//! in a runtime, the host's arithmetic; natively, `asterism_beacon::verify_seed`. In other languages: hash
//! [`signed_bytes`] to G1 under `BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_` and check the pairing.
//!
//! # Assumptions
//!
//! Fewer than a third of the root committee's members are faulty. A quorum could foresee seeds, but not choose them.

use crate::{
	certificate::{CommitteeKeys, VerifyAggregate},
	committee::{quorum, BlsPublic, BlsSignature, Epoch, MemberId, MAX_MEMBERS},
	BlockNumber, Hash,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	sp_api,
	sp_core::{bounded::BoundedVec, ConstU32},
	sp_crypto_hashing::blake2_256,
	sp_inherents::InherentIdentifier,
};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Identifies a [`Seed`] in inherent data.
pub const BEACON: InherentIdentifier = *b"beacon__";

/// Separates seeds from all else that is signed with shares of the group key.
const SEED_NAMESPACE: &[u8] = b"ASTERISM_BEACON";
/// Separates a dealer's statement of its log from all else that identity keys sign.
const LOG_STATEMENT: &[u8] = b"ASTERISM_BEACON_LOG";

/// Counts attempts to make or pass on a sharing, failed ones too. 0 is the one that made the group key.
pub type Attempt = u64;

/// Bytes that a dealer's log may have, for the largest committee.
pub const MAX_LOG_BYTES: u32 = max_log_bytes(MAX_MEMBERS);
/// Bytes that the public output of a sharing may have, for the largest committees.
pub const MAX_OUTPUT_BYTES: u32 = 64 + 96 * quorum(MAX_MEMBERS) + 3 * 32 * MAX_MEMBERS;

/// Bytes that a dealer's log for `players` players may have: the commitment to its polynomial, one acknowledgement or
/// share for each player, and its own key and signature.
pub const fn max_log_bytes(players: u32) -> u32 {
	112 + 96 * quorum(players) + (32 + 1 + 64) * players
}

/// A list of members in ascending order, each once.
pub type MemberIds = BoundedVec<MemberId, ConstU32<MAX_MEMBERS>>;
/// A dealer's signed log, in commonware's encoding.
pub type LogBytes = BoundedVec<u8, ConstU32<MAX_LOG_BYTES>>;
/// The public output of a sharing, in commonware's encoding: the polynomial, who dealt, who holds the shares.
pub type OutputBytes = BoundedVec<u8, ConstU32<MAX_OUTPUT_BYTES>>;

/// The root chain's randomness of a round.
#[derive(
	Clone,
	Copy,
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
pub struct Seed {
	/// The round: the height of a root block. No honest member signed before that block was final.
	pub round: BlockNumber,
	/// The signature of the group key over [`signed_bytes`].
	pub signature: BlsSignature,
}

impl Seed {
	/// The seed as 32 uniformly distributed bytes.
	pub fn randomness(&self) -> Hash {
		Hash::from(blake2_256(&self.signature.0))
	}

	/// Whether this is the seed of its round on the network whose root chain has this genesis block.
	pub fn verify<V: VerifySeed>(&self, group_key: &BlsPublic, genesis: Hash) -> bool {
		V::verify(group_key, &signed_bytes(genesis, self.round), &self.signature)
	}
}

/// The namespace of seeds, as commonware's threshold signing takes it.
pub fn namespace(genesis: Hash) -> Vec<u8> {
	[SEED_NAMESPACE, genesis.as_ref()].concat()
}

/// The message of a round, as commonware's threshold signing takes it.
pub fn message(round: BlockNumber) -> [u8; 4] {
	round.to_le_bytes()
}

/// The bytes that the seed of a round is a signature over: the namespace, prefixed with its length, and the round. They
/// are what commonware's `threshold::sign_message` signs of [`namespace`] and [`message`].
pub fn signed_bytes(genesis: Hash, round: BlockNumber) -> Vec<u8> {
	let namespace = namespace(genesis);
	let mut bytes = Vec::with_capacity(1 + namespace.len() + 4);
	// A varint of one byte: the namespace is shorter than 128 bytes.
	bytes.push(namespace.len() as u8);
	bytes.extend_from_slice(&namespace);
	bytes.extend_from_slice(&message(round));
	bytes
}

/// The arithmetic that seeds are verified with. Every [`VerifyAggregate`] with [`CommitteeKeys`] is one.
pub trait VerifySeed {
	/// Whether `key` is a point of G2's subgroup, in its one encoding, and not the identity.
	fn validate(key: &BlsPublic) -> bool;
	/// Whether `signature` is the signature of `key` over `message`, hashed to the curve as commonware does. `key` passed
	/// [`Self::validate`]; a malformed signature is `false`.
	fn verify(key: &BlsPublic, message: &[u8], signature: &BlsSignature) -> bool;
}

impl<T: VerifyAggregate + CommitteeKeys> VerifySeed for T {
	fn validate(key: &BlsPublic) -> bool {
		<T as CommitteeKeys>::validate(key)
	}
	fn verify(key: &BlsPublic, message: &[u8], signature: &BlsSignature) -> bool {
		T::verify_aggregate(core::iter::once(key), message, signature)
	}
}

/// Names a sharing of the group key: by which attempt it was made, and its public output.
#[derive(
	Clone,
	Copy,
	Debug,
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
	Serialize,
	Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SharingId {
	/// The attempt.
	pub attempt: Attempt,
	/// The hash of its output, see [`output_hash`].
	pub output: Hash,
}

/// The hash of a public output.
pub fn output_hash(output: &[u8]) -> Hash {
	Hash::from(blake2_256(output))
}

/// A sharing of the group key on record.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize,
)]
#[serde(rename_all = "camelCase")]
pub struct Sharing {
	/// Which it is.
	pub id: SharingId,
	/// Who holds the shares.
	pub players: MemberIds,
}

/// An attempt to pass the group key on to the root committee of another epoch.
#[derive(
	Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Serialize,
)]
#[serde(rename_all = "camelCase")]
pub struct Resharing {
	/// The epoch that the shares are for.
	pub epoch: Epoch,
	/// The attempt.
	pub attempt: Attempt,
	/// The epoch whose sharing is passed on.
	pub from: Epoch,
	/// The block in which it began.
	pub opened: BlockNumber,
	/// The last block that takes a log.
	pub deadline: BlockNumber,
	/// The last block in which the new committee may say that it is ready with this attempt's output.
	pub expires: BlockNumber,
	/// Who deals: the holders of the shares.
	pub dealers: MemberIds,
	/// Who is to hold the new shares: the next committee.
	pub players: MemberIds,
	/// The dealers whose logs are on the board, in the order of their arrival.
	pub dealt: MemberIds,
}

impl Resharing {
	/// How many valid logs it takes.
	pub fn required(&self) -> u32 {
		quorum(self.dealers.len() as u32)
	}

	/// From which block on a dealer no longer waits for acknowledgements, and reveals the shares of those who are silent: the last
	/// third of the time belongs to the logs' way into blocks.
	pub fn seal_at(&self) -> BlockNumber {
		let time = self.deadline.saturating_sub(self.opened);
		self.opened.saturating_add(time - time / 3)
	}
}

/// What a dealer signs with its identity key to put a log on the board.
pub fn log_statement(genesis: Hash, attempt: Attempt, log: &[u8]) -> Vec<u8> {
	let mut bytes = LOG_STATEMENT.to_vec();
	(genesis, attempt, blake2_256(log)).encode_to(&mut bytes);
	bytes
}

/// The beacon in a genesis configuration and in a network file: what a ceremony, or a dealer of development shares, has
/// made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GenesisBeacon {
	/// The group key.
	pub group_key: BlsPublic,
	/// Who holds its shares: the members of the first root committee, in ascending order.
	pub players: Vec<MemberId>,
	/// The public output in hex, at most [`MAX_OUTPUT_BYTES`].
	#[serde(with = "polkadot_sdk::sp_core::bytes")]
	pub output: Vec<u8>,
}

sp_api::decl_runtime_apis! {
	/// What the root chain says of the beacon.
	pub trait BeaconApi {
		/// The group key; `None` on a network without beacon.
		fn group_key() -> Option<BlsPublic>;
		/// The newest seed.
		fn last_seed() -> Option<Seed>;
		/// The seed of a round, while it is kept.
		fn seed(round: BlockNumber) -> Option<Seed>;
		/// The sharing for an epoch of the root chain, while it is kept: the newest two are.
		fn sharing(epoch: Epoch) -> Option<Sharing>;
		/// The public output of that sharing, once somebody has published it.
		fn sharing_output(epoch: Epoch) -> Option<Vec<u8>>;
		/// The attempt that is under way.
		fn resharing() -> Option<Resharing>;
		/// The logs of an attempt in ascending order of their dealers, until the next attempt begins.
		fn dealer_logs(attempt: Attempt) -> Vec<(MemberId, Vec<u8>)>;
		/// The extrinsic that puts a log on the board, with the dealer's signature over its [`log_statement`].
		fn log_extrinsic(attempt: Attempt, dealer: MemberId, log: Vec<u8>, signature: [u8; 64]) -> Option<Block::Extrinsic>;
		/// The extrinsic that publishes the output of an adopted sharing.
		fn output_extrinsic(epoch: Epoch, output: Vec<u8>) -> Option<Block::Extrinsic>;
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn signed_bytes_name_network_and_round() {
		let bytes = signed_bytes(Hash::repeat_byte(7), 0x0102);
		assert_eq!(bytes[0], 15 + 32);
		assert_eq!(&bytes[1..16], b"ASTERISM_BEACON");
		assert_eq!(&bytes[16..48], [7; 32]);
		assert_eq!(&bytes[48..], [2, 1, 0, 0]);
		assert_ne!(bytes, signed_bytes(Hash::repeat_byte(8), 0x0102));
		assert_ne!(bytes, signed_bytes(Hash::repeat_byte(7), 0x0103));
	}

	#[test]
	fn statements_of_logs_name_network_attempt_and_log() {
		let statement = log_statement(Hash::zero(), 1, b"log");
		assert_ne!(statement, log_statement(Hash::repeat_byte(1), 1, b"log"));
		assert_ne!(statement, log_statement(Hash::zero(), 2, b"log"));
		assert_ne!(statement, log_statement(Hash::zero(), 1, b"lag"));
	}

	#[test]
	fn a_third_of_the_time_is_left_for_the_logs() {
		let mut resharing = Resharing {
			epoch: 1,
			attempt: 1,
			from: 0,
			opened: 100,
			deadline: 112,
			expires: 120,
			dealers: MemberIds::default(),
			players: MemberIds::default(),
			dealt: MemberIds::default(),
		};
		assert_eq!(resharing.seal_at(), 108);
		resharing.deadline = 100;
		assert_eq!(resharing.seal_at(), 100);
	}
}
