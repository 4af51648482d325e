//! Shares dealt from a well-known seed, for development networks: everybody can compute every share, so everybody can
//! foresee every seed.

use crate::{
	identity::Identity,
	output::{identities, PublicOutput},
};
use asterism_primitives::{
	beacon::GenesisBeacon,
	committee::{BlsPublic, MemberId, MAX_MEMBERS},
};
use codec::Encode;
use commonware_cryptography::bls12381::{
	dkg::feldman_desmedt,
	primitives::{group::Share, sharing::Mode, variant::MinSig},
};
use commonware_utils::N3f1;
use polkadot_sdk::sp_crypto_hashing::blake2_256;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

/// What development shares are derived from, with the members' ids.
const WELL_KNOWN: &[u8] = b"asterism development beacon: everybody knows these shares";

/// A sharing dealt by one who knows all shares.
pub struct Dealt {
	/// Its public side.
	pub output: PublicOutput,
	/// The shares, in ascending order of the members.
	pub shares: Vec<(MemberId, Share)>,
}

/// Deals shares to these members, in any order: the same ones each time. `None` if there are none or too many, or one appears
/// twice.
pub fn deal(members: &[MemberId]) -> Option<Dealt> {
	if members.is_empty() || members.len() > MAX_MEMBERS as usize {
		return None;
	}
	let players = identities(members)?;
	let mut sorted = members.to_vec();
	sorted.sort_unstable();
	let rng = ChaCha20Rng::from_seed(blake2_256(&(WELL_KNOWN, &sorted).encode()));
	let (output, shares) =
		feldman_desmedt::deal::<MinSig, Identity, N3f1>(rng, Mode::default(), players).ok()?;
	let shares = shares
		.iter_pairs()
		.map(|(player, share)| (MemberId::from(player), share.clone()))
		.collect();
	Some(Dealt {
		output: PublicOutput(output),
		shares,
	})
}

/// What goes into the genesis configuration of a development network with these root members; `None` as with [`deal`].
pub fn genesis(members: &[MemberId]) -> Option<GenesisBeacon> {
	deal(members).map(|dealt| dealt.output.genesis())
}

/// The share of `me` if this group key is the one that everybody can compute for these members: of a development network.
pub fn share(group_key: &BlsPublic, members: &[MemberId], me: MemberId) -> Option<Share> {
	let dealt = deal(members).filter(|dealt| dealt.output.group_key() == *group_key)?;
	let (_, share) = dealt.shares.into_iter().find(|(member, _)| *member == me)?;
	Some(share)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn dealing_is_deterministic_and_bound_to_the_members() {
		let members: Vec<_> = [3, 1, 2, 7].map(|i| MemberId([i; 32])).to_vec();
		let mut sorted = members.clone();
		sorted.sort_unstable();
		let first = genesis(&members).unwrap();
		assert_eq!(first, genesis(&sorted).unwrap());
		assert_eq!(first.players, sorted);
		assert_ne!(first.group_key, genesis(&members[..3]).unwrap().group_key);
		for member in &members {
			let share = share(&first.group_key, &first.players, *member).unwrap();
			assert!(PublicOutput::decode(&first.output)
				.unwrap()
				.is_share_of(&share, *member));
		}
		assert!(share(&first.group_key, &first.players, MemberId([9; 32])).is_none());
		// The key of a ceremony is not computed by anybody.
		assert!(share(&BlsPublic([1; 96]), &first.players, members[0]).is_none());
		assert!(deal(&[]).is_none());
		assert!(deal(&[members[0], members[0]]).is_none());
	}
}
