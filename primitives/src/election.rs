//! Elections of committees: how far one has come, what nodes say in it, and the VRF that decides it (Thinkey §4.1, DESIGN
//! §6). The rules themselves are in [`asterism_protocol::sortition`] and [`asterism_protocol::election`].
//!
//! # The draw
//!
//! A node draws its number from the seed, the chain and the epoch with the VRF of its sortition key: [`sign_data`]. Nobody
//! else can know it; the node can draw no other; and its [`SortitionProof`] convinces everybody. Only the election's seed
//! is drawn from, which nobody knew when the keys and weights that count were put on record.

use crate::{
	beacon::SharingId,
	committee::{Committee, Epoch, MemberId},
	keys::SortitionPublic,
	AccountId, BlockNumber, ChainId, Hash,
};
use alloc::vec::Vec;
use asterism_protocol::election::Window;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	sp_api,
	sp_core::{
		crypto::VrfPublic,
		sr25519::{
			self,
			vrf::{VrfPreOutput, VrfProof, VrfSignData, VrfSignature, VrfTranscript},
		},
	},
	sp_runtime::DispatchResult,
};
use scale_info::TypeInfo;

/// The label of the transcripts that nodes draw from.
const SORTITION: &[u8] = b"asterism_sortition";
/// The context in which a VRF's output is made a number.
const NUMBER: &[u8] = b"asterism_sortition_number";
/// Separates words of readiness from all else that identity keys sign.
const READY: &[u8] = b"ASTERISM_READY";

/// What a node draws from in the election for `chain`'s committee of `epoch`, by the seed's
/// [randomness](crate::beacon::Seed::randomness): give it to the keystore's `sr25519_vrf_sign`.
pub fn sign_data(seed: Hash, chain: ChainId, epoch: Epoch) -> VrfSignData {
	transcript(seed, chain, epoch).into_sign_data()
}

fn transcript(seed: Hash, chain: ChainId, epoch: Epoch) -> VrfTranscript {
	VrfTranscript::new(
		SORTITION,
		&[
			(b"seed", seed.as_ref()),
			(b"chain", &chain.0.to_le_bytes()),
			(b"epoch", &epoch.to_le_bytes()),
		],
	)
}

/// What a node drew, and the proof that it is this node's only possible draw.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct SortitionProof {
	/// The VRF's pre-output.
	pub pre_output: [u8; 32],
	/// The proof that it is the sortition key's.
	pub proof: [u8; 64],
}

impl From<&VrfSignature> for SortitionProof {
	fn from(signature: &VrfSignature) -> Self {
		SortitionProof {
			pre_output: *signature.pre_output.0.as_bytes(),
			proof: signature.proof.0.to_bytes(),
		}
	}
}

impl SortitionProof {
	/// The number drawn, uniform in 0..2^128, if the proof is right: ask [`Self::verify`]. `None` if key or pre-output are
	/// not even points of the curve.
	pub fn number(&self, key: &SortitionPublic, seed: Hash, chain: ChainId, epoch: Epoch) -> Option<u128> {
		let pre_output = VrfPreOutput::decode(&mut &self.pre_output[..]).ok()?;
		let bytes: [u8; 16] = sr25519::Public::from_raw(key.0)
			.make_bytes(NUMBER, &transcript(seed, chain, epoch), &pre_output)
			.ok()?;
		Some(u128::from_le_bytes(bytes))
	}

	/// Whether this is what the key draws from the seed for this chain and epoch.
	pub fn verify(&self, key: &SortitionPublic, seed: Hash, chain: ChainId, epoch: Epoch) -> bool {
		let Ok(pre_output) = VrfPreOutput::decode(&mut &self.pre_output[..]) else {
			return false;
		};
		let Ok(proof) = VrfProof::decode(&mut &self.proof[..]) else {
			return false;
		};
		let signature = VrfSignature { pre_output, proof };
		sr25519::Public::from_raw(key.0).vrf_verify(&sign_data(seed, chain, epoch), &signature)
	}
}

/// What a node says that is elected, or on standby.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Claim {
	/// The chain that elects.
	pub chain: ChainId,
	/// The epoch that the committee is for.
	pub epoch: Epoch,
	/// The round of the election's seed.
	pub round: BlockNumber,
	/// The node, by its operator.
	pub operator: AccountId,
	/// What its sortition key drew.
	pub proof: SortitionProof,
}

/// What a member of a new committee says as soon as it could take over: it has the chain's state, and on the root chain
/// its share of the group key.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Readiness {
	/// The chain.
	pub chain: ChainId,
	/// The epoch that the committee is for.
	pub epoch: Epoch,
	/// The round of the seed that elected this committee: another attempt's committee is another one.
	pub round: BlockNumber,
	/// The member.
	pub member: MemberId,
	/// The sharing of the group key that it has a share of; only on the root chain of a network with beacon.
	pub sharing: Option<SharingId>,
}

impl Readiness {
	/// The bytes that the member signs with its identity key, on the network whose root chain has this genesis block.
	pub fn statement(&self, genesis: Hash) -> Vec<u8> {
		let mut bytes = READY.to_vec();
		(genesis, self).encode_to(&mut bytes);
		bytes
	}
}

/// How far an election has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum Phase {
	/// The first seed of the signal's round or a later one will open it.
	AwaitingSeed,
	/// Nodes come forward.
	Open {
		/// The seed's round.
		round: BlockNumber,
		/// The seed's randomness.
		seed: Hash,
		/// The block that opened it.
		opened: BlockNumber,
		/// The block at whose beginning it is decided.
		deadline: BlockNumber,
	},
	/// The committee is on record, and gets ready.
	Recorded {
		/// The seed's round.
		round: BlockNumber,
		/// The block at whose beginning the election is repeated if there is no quorum of ready members.
		until: BlockNumber,
	},
	/// A quorum of the committee is ready: it takes over at the end of the epoch.
	Ready,
}

/// The election of a chain's next committee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Election {
	/// The epoch that the committee is for.
	pub epoch: Epoch,
	/// How many elections for this epoch came to nothing before.
	pub attempt: u32,
	/// The block that asked for it. Only nodes count whose weight didn't rise, and whose keys didn't change, in it or
	/// later.
	pub signalled: BlockNumber,
	/// All nodes' weight then.
	pub total: u128,
	/// How many members are wanted.
	pub expected: u32,
	/// How far it has come.
	pub phase: Phase,
}

impl Election {
	/// When claims are taken, while it is open.
	pub fn window(&self) -> Option<Window> {
		match self.phase {
			Phase::Open { opened, deadline, .. } => Some(Window { opened, deadline }),
			_ => None,
		}
	}
}

/// What a node needs to know of itself to take part in an open election.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct Candidacy {
	/// Its sortition key on record.
	pub sortition: SortitionPublic,
	/// Its [share](asterism_protocol::sortition::share) of the election's total.
	pub share: u128,
	/// Whether its claim is on record.
	pub claimed: bool,
}

/// Where elections find and put committees: the registry of chains.
pub trait CommitteeRecorder {
	/// The committee that runs a chain in its current epoch. `None` if there is no such chain.
	fn serving(chain: ChainId) -> Option<Committee>;

	/// How many members a chain wants its committee to have, 1 to half of
	/// [`MAX_MEMBERS`](crate::committee::MAX_MEMBERS). `None` if there is no such chain.
	fn expected(chain: ChainId) -> Option<u32>;

	/// Puts a chain's next committee on record with its prepared keys. It replaces one of the same epoch, whose election came to
	/// nothing: that one was never [ready](Self::set_ready).
	///
	/// # Errors
	/// If it can't be put on record; nothing is changed then.
	fn record(chain: ChainId, committee: Committee) -> DispatchResult;

	/// The committee of this epoch may take over: the chain may end the epoch before. It doesn't change any more.
	fn set_ready(chain: ChainId, epoch: Epoch);
}

sp_api::decl_runtime_apis! {
	/// What the root chain says of elections.
	pub trait ElectionsApi {
		/// The elections that nodes take part in: all that are not ready, by chain.
		fn elections() -> Vec<(ChainId, Election)>;
		/// The newest election for a chain's next committee.
		fn election(chain: ChainId) -> Option<Election>;
		/// The operator whose node has this identity.
		fn operator(identity: MemberId) -> Option<AccountId>;
		/// What a node needs to take part in a chain's open election; `None` if it can't.
		fn candidacy(chain: ChainId, operator: AccountId) -> Option<Candidacy>;
		/// How many elected nodes came forward in a chain's open election.
		fn elected(chain: ChainId) -> u32;
		/// The members of a chain's next committee that said that they are ready, and with which sharing.
		fn ready_members(chain: ChainId) -> Vec<(MemberId, Option<SharingId>)>;
		/// The extrinsic that puts a claim on record.
		fn claim_extrinsic(claim: Claim) -> Block::Extrinsic;
		/// The extrinsic by which a member says that it is ready, with the signature over its
		/// [statement](Readiness::statement).
		fn ready_extrinsic(readiness: Readiness, signature: [u8; 64]) -> Block::Extrinsic;
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use polkadot_sdk::sp_core::{crypto::VrfSecret, Pair};

	fn key(i: u8) -> (sr25519::Pair, SortitionPublic) {
		let pair = sr25519::Pair::from_seed(&[i; 32]);
		let public = SortitionPublic(pair.public().0);
		(pair, public)
	}

	fn draw(pair: &sr25519::Pair, seed: Hash, chain: ChainId, epoch: Epoch) -> SortitionProof {
		SortitionProof::from(&pair.vrf_sign(&sign_data(seed, chain, epoch)))
	}

	#[test]
	fn a_draw_is_of_one_key_seed_chain_and_epoch() {
		let (pair, public) = key(1);
		let (seed, chain) = (Hash::repeat_byte(9), ChainId(3));
		let proof = draw(&pair, seed, chain, 7);
		assert!(proof.verify(&public, seed, chain, 7));
		assert!(!proof.verify(&key(2).1, seed, chain, 7));
		assert!(!proof.verify(&public, Hash::repeat_byte(8), chain, 7));
		assert!(!proof.verify(&public, seed, ChainId(4), 7));
		assert!(!proof.verify(&public, seed, chain, 8));
		// A key draws one number however often it signs, although the proofs differ.
		let again = draw(&pair, seed, chain, 7);
		let number = proof.number(&public, seed, chain, 7);
		assert!(number.is_some());
		assert_eq!(number, again.number(&public, seed, chain, 7));
		assert_ne!(proof.proof, again.proof);
		assert_ne!(
			number,
			draw(&pair, seed, chain, 8).number(&public, seed, chain, 8)
		);
	}

	#[test]
	fn forged_draws_are_refused() {
		let (pair, public) = key(1);
		let (seed, chain) = (Hash::repeat_byte(9), ChainId(3));
		let proof = draw(&pair, seed, chain, 7);
		for at in 0..32 {
			let mut forged = proof;
			forged.pre_output[at] ^= 1;
			assert!(!forged.verify(&public, seed, chain, 7));
		}
		for at in 0..64 {
			let mut forged = proof;
			forged.proof[at] ^= 1;
			assert!(!forged.verify(&public, seed, chain, 7));
		}
		// Another's pre-output with the own proof, and bytes that are no points at all.
		let theirs = draw(&key(2).0, seed, chain, 7);
		let mixed = SortitionProof {
			pre_output: theirs.pre_output,
			..proof
		};
		assert!(!mixed.verify(&public, seed, chain, 7));
		let junk = SortitionProof {
			pre_output: [255; 32],
			proof: [255; 64],
		};
		assert!(!junk.verify(&public, seed, chain, 7));
		assert_eq!(junk.number(&public, seed, chain, 7), None);
		assert_eq!(proof.number(&SortitionPublic([255; 32]), seed, chain, 7), None);
	}

	#[test]
	fn a_word_of_readiness_names_everything() {
		let word = Readiness {
			chain: ChainId(1),
			epoch: 2,
			round: 3,
			member: MemberId([4; 32]),
			sharing: None,
		};
		let statement = word.statement(Hash::zero());
		let sharing = SharingId {
			attempt: 1,
			output: Hash::zero(),
		};
		let others = [
			Readiness {
				chain: ChainId(2),
				..word.clone()
			},
			Readiness {
				epoch: 3,
				..word.clone()
			},
			Readiness {
				round: 4,
				..word.clone()
			},
			Readiness {
				member: MemberId([5; 32]),
				..word.clone()
			},
			Readiness {
				sharing: Some(sharing),
				..word.clone()
			},
		];
		for other in others {
			assert_ne!(other.statement(Hash::zero()), statement);
		}
		assert_ne!(word.statement(Hash::repeat_byte(1)), statement);
	}
}
