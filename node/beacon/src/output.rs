//! The public side of a sharing: its polynomial, by which partial signatures are verified, and who holds the shares.

use crate::identity::Identity;
use asterism_primitives::{
	beacon::{namespace, output_hash, GenesisBeacon, Seed, VerifySeed, MAX_OUTPUT_BYTES},
	committee::{quorum, BlsPublic, BlsSignature, MemberId, MAX_MEMBERS},
	Hash,
};
use commonware_codec::{DecodeExt, Encode, Read};
use commonware_cryptography::bls12381::{
	dkg::feldman_desmedt::Output,
	primitives::{
		group::{Share, G1, G2},
		ops::{self, threshold},
		sharing::{ModeVersion, Sharing},
		variant::{MinSig, PartialSignature, Variant},
	},
};
use commonware_utils::{ordered::Set, Participant};
use std::num::NonZeroU32;

/// The largest committee, as a limit of decoding.
pub(crate) const MAX_PARTICIPANTS: NonZeroU32 = match NonZeroU32::new(MAX_MEMBERS) {
	Some(max) => max,
	None => panic!("a committee may have members"),
};

/// Why bytes are not the public output of a sharing of the group key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutputError {
	/// They have too many bytes.
	#[error("output: expected at most {MAX_OUTPUT_BYTES} bytes, got {0}")]
	TooLarge(usize),
	/// They don't decode.
	#[error("output: expected a public output of commonware's distributed key generation: {0}")]
	Malformed(String),
	/// The polynomial doesn't fit the players.
	#[error(
		"output: expected a polynomial of {expected} coefficients for {players} players, of as many in total"
	)]
	WrongShape {
		/// How many coefficients are expected.
		expected: u32,
		/// How many players it names.
		players: usize,
	},
	/// It is a sharing of another key.
	#[error("output: expected a sharing of the group key {expected}, got one of {got}")]
	WrongKey {
		/// The group key.
		expected: Box<BlsPublic>,
		/// Its key.
		got: Box<BlsPublic>,
	},
	/// Others hold the shares.
	#[error("output: its players are not the members on record")]
	WrongPlayers,
}

/// The public output of a sharing, well-formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicOutput(pub(crate) Output<MinSig, Identity>);

impl PublicOutput {
	/// Decodes an output.
	///
	/// # Errors
	/// [`OutputError::TooLarge`], [`OutputError::Malformed`], [`OutputError::WrongShape`].
	pub fn decode(bytes: &[u8]) -> Result<Self, OutputError> {
		if bytes.len() > MAX_OUTPUT_BYTES as usize {
			return Err(OutputError::TooLarge(bytes.len()));
		}
		let mut rest = bytes;
		let output = Output::<MinSig, Identity>::read_cfg(&mut rest, &(MAX_PARTICIPANTS, ModeVersion::v0()))
			.map_err(|error| OutputError::Malformed(error.to_string()))?;
		if !rest.is_empty() {
			return Err(OutputError::Malformed(format!("{} bytes follow it", rest.len())));
		}
		let players = output.players().len();
		let expected = quorum(players as u32);
		// Mode, total, and the polynomial behind its length, which takes one or two bytes.
		let length = if expected < 128 { 1 } else { 2 };
		let shape = 1 + 4 + length + 96 * expected as usize;
		if output.public().total().get() as usize != players || output.public().encode().len() != shape {
			return Err(OutputError::WrongShape { expected, players });
		}
		Ok(PublicOutput(output))
	}

	/// Decodes an output, and checks that it shares this key among these members.
	///
	/// # Errors
	/// Any [`OutputError`].
	pub fn checked(bytes: &[u8], group_key: &BlsPublic, players: &[MemberId]) -> Result<Self, OutputError> {
		let output = Self::decode(bytes)?;
		output.check(group_key, players)?;
		Ok(output)
	}

	/// Checks that it shares this key among these members, which are in ascending order.
	///
	/// # Errors
	/// [`OutputError::WrongKey`], [`OutputError::WrongPlayers`].
	pub fn check(&self, group_key: &BlsPublic, players: &[MemberId]) -> Result<(), OutputError> {
		let got = self.group_key();
		if got != *group_key {
			return Err(OutputError::WrongKey {
				expected: Box::new(*group_key),
				got: Box::new(got),
			});
		}
		if self.players() != players {
			return Err(OutputError::WrongPlayers);
		}
		Ok(())
	}

	/// Its bytes, the same wherever it is computed.
	pub fn encode(&self) -> Vec<u8> {
		self.0.encode().to_vec()
	}

	/// The hash of its bytes, by which the next committee says what it is ready with.
	pub fn hash(&self) -> Hash {
		output_hash(&self.encode())
	}

	/// The key that it shares.
	pub fn group_key(&self) -> BlsPublic {
		to_public(self.sharing().public())
	}

	/// Who holds the shares, in ascending order.
	pub fn players(&self) -> Vec<MemberId> {
		self.0.players().iter().map(MemberId::from).collect()
	}

	/// How many partial signatures give a seed.
	pub fn quorum(&self) -> u32 {
		quorum(self.0.players().len() as u32)
	}

	/// The polynomial.
	pub(crate) fn sharing(&self) -> &Sharing<MinSig> {
		self.0.public()
	}

	/// The index of a member's share.
	pub(crate) fn index(&self, member: MemberId) -> Option<Participant> {
		let position = self.0.players().position(&member.into())?;
		Some(Participant::from_usize(position))
	}

	/// Whether this is the share of the member: only then its partial signatures count.
	pub fn is_share_of(&self, share: &Share, member: MemberId) -> bool {
		self.index(member) == Some(share.index)
			&& self.sharing().partial_public(share.index).ok() == Some(share.public::<MinSig>())
	}

	/// This sharing in a genesis configuration.
	pub fn genesis(&self) -> GenesisBeacon {
		GenesisBeacon {
			group_key: self.group_key(),
			players: self.players(),
			output: self.encode(),
		}
	}
}

/// The bytes of a public key.
pub(crate) fn to_public(key: &G2) -> BlsPublic {
	let mut bytes = [0; asterism_primitives::committee::BLS_PUBLIC_LEN];
	bytes.copy_from_slice(&key.encode());
	BlsPublic(bytes)
}

/// The bytes of a signature.
pub(crate) fn to_signature(signature: &G1) -> BlsSignature {
	let mut bytes = [0; asterism_primitives::committee::BLS_SIGNATURE_LEN];
	bytes.copy_from_slice(&signature.encode());
	BlsSignature(bytes)
}

/// Members as participants; `None` if one appears twice.
pub(crate) fn identities(members: &[MemberId]) -> Option<Set<Identity>> {
	Set::try_from(members.iter().map(|id| Identity::from(*id)).collect::<Vec<_>>()).ok()
}

/// The partial signature of a share over a round.
pub(crate) fn sign_partial(share: &Share, genesis: Hash, round: u32) -> PartialSignature<MinSig> {
	threshold::sign_message::<MinSig>(
		share,
		&namespace(genesis),
		&asterism_primitives::beacon::message(round),
	)
}

/// Verifies seeds natively, without a runtime.
pub struct Native;

impl VerifySeed for Native {
	fn validate(key: &BlsPublic) -> bool {
		G2::decode(&key.0[..]).is_ok()
	}

	fn verify(key: &BlsPublic, message: &[u8], signature: &BlsSignature) -> bool {
		let (Ok(key), Ok(signature)) = (G2::decode(&key.0[..]), G1::decode(&signature.0[..])) else {
			return false;
		};
		ops::verify::<MinSig>(&key, MinSig::MESSAGE, message, &signature).is_ok()
	}
}

/// Whether this is the seed of its round, for somebody who knows nothing of the network but the group key and the root
/// chain's genesis hash.
pub fn verify_seed(group_key: &BlsPublic, genesis: Hash, seed: &Seed) -> bool {
	seed.verify::<Native>(group_key, genesis)
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::dealt;
	use asterism_primitives::beacon::signed_bytes;
	use commonware_cryptography::bls12381::primitives::ops::sign_message;
	use proptest::prelude::*;

	const GENESIS: Hash = Hash::repeat_byte(3);

	fn members(n: u8) -> Vec<MemberId> {
		(1..=n).map(|i| MemberId([i; 32])).collect()
	}

	#[test]
	fn signed_bytes_are_what_commonware_signs() {
		let dealt = dealt::deal(&members(4)).unwrap();
		let share = &dealt.shares[0].1;
		for round in [0, 1, 127, 128, 65_536, u32::MAX] {
			let partial = sign_partial(share, GENESIS, round);
			let by_namespace = sign_message::<MinSig>(
				&share.private,
				&namespace(GENESIS),
				&asterism_primitives::beacon::message(round),
			);
			assert_eq!(partial.value, by_namespace);
			let public = dealt.output.sharing().partial_public(share.index).unwrap();
			let signature = to_signature(&partial.value);
			assert!(Native::verify(
				&to_public(&public),
				&signed_bytes(GENESIS, round),
				&signature
			));
			let of_other_round = signed_bytes(GENESIS, round.wrapping_add(1));
			assert!(!Native::verify(&to_public(&public), &of_other_round, &signature));
		}
	}

	#[test]
	fn malformed_keys_and_signatures_verify_nothing() {
		let dealt = dealt::deal(&members(1)).unwrap();
		let signature = to_signature(&sign_partial(&dealt.shares[0].1, GENESIS, 5).value);
		let key = dealt.output.group_key();
		let good = Seed { round: 5, signature };
		assert!(Native::validate(&key));
		assert!(verify_seed(&key, GENESIS, &good));
		assert!(!verify_seed(&key, Hash::zero(), &good));
		assert!(!verify_seed(&key, GENESIS, &Seed { round: 6, ..good }));
		let mut infinity = [0; 96];
		infinity[0] = 0xc0;
		for bad in [[0; 96], [0xff; 96], infinity] {
			assert!(!Native::validate(&BlsPublic(bad)));
			assert!(!verify_seed(&BlsPublic(bad), GENESIS, &good));
		}
		for bad in [[0; 48], [0xff; 48]] {
			let signature = BlsSignature(bad);
			assert!(!verify_seed(&key, GENESIS, &Seed { signature, ..good }));
		}
	}

	#[test]
	fn an_output_is_of_one_key_and_one_committee() {
		let dealt = dealt::deal(&members(7)).unwrap();
		let (bytes, key) = (dealt.output.encode(), dealt.output.group_key());
		assert!(bytes.len() <= MAX_OUTPUT_BYTES as usize);
		let output = PublicOutput::checked(&bytes, &key, &members(7)).unwrap();
		assert_eq!((output.encode(), output.quorum()), (bytes.clone(), 5));
		assert_eq!(
			PublicOutput::checked(&bytes, &key, &members(6)),
			Err(OutputError::WrongPlayers)
		);
		let other = dealt::deal(&members(4)).unwrap().output.group_key();
		assert_eq!(
			PublicOutput::checked(&bytes, &other, &members(7)),
			Err(OutputError::WrongKey {
				expected: Box::new(other),
				got: Box::new(key)
			})
		);
		let too_large = vec![0; MAX_OUTPUT_BYTES as usize + 1];
		assert_eq!(
			PublicOutput::decode(&too_large),
			Err(OutputError::TooLarge(too_large.len()))
		);
		let trailing = [&bytes[..], &[0]].concat();
		assert!(matches!(
			PublicOutput::decode(&trailing),
			Err(OutputError::Malformed(_))
		));
		for (member, share) in &dealt.shares {
			assert!(output.is_share_of(share, *member));
			assert!(!output.is_share_of(share, MemberId([99; 32])));
		}
		assert!(!output.is_share_of(&dealt.shares[0].1, dealt.shares[1].0));
	}

	#[test]
	fn the_largest_output_fits() {
		let players: Vec<_> = (0..MAX_MEMBERS)
			.map(|i| {
				let mut id = MemberId([0; 32]);
				id.0[..4].copy_from_slice(&i.to_be_bytes());
				id
			})
			.collect();
		let dealt = dealt::deal(&players).unwrap();
		let bytes = dealt.output.encode();
		// A ceremony adds no more than the list of who had shares revealed.
		assert!(bytes.len() + 32 * MAX_MEMBERS as usize <= MAX_OUTPUT_BYTES as usize + 1);
		assert_eq!(PublicOutput::decode(&bytes).unwrap(), dealt.output);
	}

	proptest! {
		#[test]
		fn any_bytes_are_decoded_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
			let _ = PublicOutput::decode(&bytes);
		}

		#[test]
		fn a_changed_output_is_another_one_or_none(at in 0usize..512, bit in 0u8..8) {
			let dealt = dealt::deal(&members(4)).unwrap();
			let mut bytes = dealt.output.encode();
			let at = at % bytes.len();
			bytes[at] ^= 1 << bit;
			if let Ok(other) = PublicOutput::decode(&bytes) {
				prop_assert_ne!(other.hash(), dealt.output.hash());
			}
		}
	}
}
