//! Which rounds a member signs, and how partial signatures become seeds: a state machine without clock, network or disk.
//!
//! # Specification
//!
//! - A member signs round r only when root block r is final with it, and only rounds newer than the newest seed that it knows.
//!   When finality jumps, it signs the newest [`WINDOW`] rounds.
//! - Partial signatures are taken from each member for itself alone, for rounds up to [`AHEAD`] above the own final block: one for a
//!   member and round. A second one, or one that doesn't verify, isn't looked at again.
//! - As soon as a quorum is there, and the round is final here, they are verified against the sharing's polynomial. Wrong ones are
//!   dropped and counted against their sender, and the seed is recovered from the others. It doesn't depend on which: a BLS signature
//!   is unique.
//!
//! # Handovers
//!
//! Who is a member of two committees in a row signs the rounds before the handover with one share, and those after it with the
//! other; and members see the handover at different times. So nobody is judged by a round that is not final here, as that may be
//! the next committee's; nor by one from before this member served under the sharing, as that may be the last one's.

use crate::{
	output::{sign_partial, to_signature, verify_seed, PublicOutput},
	wire::{Partial, MAX_PARTIALS},
};
use asterism_primitives::{
	beacon::{message, namespace, Seed},
	committee::{BlsPublic, BlsSignature, MemberId},
	BlockNumber, Hash,
};
use commonware_codec::DecodeExt;
use commonware_cryptography::bls12381::primitives::{
	group::{Share, G1},
	ops::threshold,
	variant::{MinSig, PartialSignature},
};
use commonware_parallel::Sequential;
use commonware_utils::N3f1;
use rand_core::CryptoRngCore;
use std::collections::BTreeMap;

/// How many rounds below the own final block are open.
pub const WINDOW: u32 = MAX_PARTIALS;
/// How far above the own final block partial signatures are taken: others may be ahead.
pub const AHEAD: u32 = 64;

/// What a member of the committee did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
	/// It is no member, or sent something that is no message.
	NotUnderstood,
	/// Its partial signature is wrong.
	WrongPartial,
	/// It sent two different partial signatures over one round.
	TwoPartials,
	/// Its dealing doesn't fit its commitment, or its commitment not its share.
	WrongDealing,
	/// It sent two different dealings in one attempt.
	TwoDealings,
}

/// A member's partial signature over one round.
enum Received {
	/// Not verified yet.
	Pending(G1),
	/// Verified.
	Valid(G1),
	/// Wrong.
	Refused,
}

/// The rounds of one sharing.
pub struct Rounds {
	genesis: Hash,
	group_key: BlsPublic,
	output: PublicOutput,
	players: Vec<MemberId>,
	share: Option<Share>,
	/// The first block that was final here under this sharing.
	began: Option<BlockNumber>,
	finalized: Option<BlockNumber>,
	/// By round, then by the member's place.
	open: BTreeMap<BlockNumber, BTreeMap<u32, Received>>,
	/// What this member has signed.
	signed: BTreeMap<BlockNumber, BlsSignature>,
	newest: Option<Seed>,
}

impl Rounds {
	/// The rounds of a sharing on the network whose root chain has this genesis block. Without a share, it recovers and
	/// signs nothing.
	pub fn new(genesis: Hash, output: PublicOutput, share: Option<Share>) -> Self {
		// Each public share is needed in every round.
		output.sharing().precompute_partial_publics();
		Rounds {
			genesis,
			group_key: output.group_key(),
			players: output.players(),
			output,
			share,
			began: None,
			finalized: None,
			open: BTreeMap::new(),
			signed: BTreeMap::new(),
			newest: None,
		}
	}

	/// Who holds the shares, in ascending order.
	pub fn players(&self) -> &[MemberId] {
		&self.players
	}

	/// The newest seed: recovered here, or seen on chain.
	pub fn newest(&self) -> Option<Seed> {
		self.newest
	}

	/// The chain has this seed: older rounds are of no use any more. A seed that the group key didn't sign is ignored.
	pub fn on_chain(&mut self, seed: Seed) {
		let newer = self.newest.is_none_or(|newest| seed.round > newest.round);
		if newer && verify_seed(&self.group_key, self.genesis, &seed) {
			self.settle(seed);
		}
	}

	/// The root block of this height is final here. The partial signatures to send to the other members; none if this one
	/// holds no share. Faults are found as in [`Self::receive`].
	pub fn finalized(
		&mut self,
		number: BlockNumber,
		rng: &mut impl CryptoRngCore,
	) -> (Vec<Partial>, Vec<(MemberId, Fault)>) {
		let before = self.finalized;
		if before.is_some_and(|before| number <= before) {
			return (Vec::new(), Vec::new());
		}
		self.finalized = Some(number);
		self.began.get_or_insert(number);
		self.prune();
		let first = before
			.map_or(number, |before| before.saturating_add(1))
			.max(self.floor());
		let mut partials = Vec::new();
		let mut faults = Vec::new();
		for round in first..=number {
			if let Some(share) = self.share.clone() {
				let partial = sign_partial(&share, self.genesis, round);
				let signature = to_signature(&partial.value);
				self.signed.insert(round, signature);
				partials.push((round, signature));
				let members = self.open.entry(round).or_default();
				members.insert(share.index.get(), Received::Valid(partial.value));
			}
			faults.extend(self.recover(round, rng));
		}
		(partials, faults)
	}

	/// What this member has signed of rounds that have no seed yet, newest last: to be sent again, in case it got lost.
	pub fn unanswered(&self) -> Vec<Partial> {
		let open = self.signed.iter().map(|(round, signature)| (*round, *signature));
		open.collect()
	}

	/// Takes partial signatures that a member sent. What was found to be wrong, of this member or of others whose partial
	/// signatures were verified with it.
	pub fn receive(
		&mut self,
		from: MemberId,
		partials: &[Partial],
		rng: &mut impl CryptoRngCore,
	) -> Vec<(MemberId, Fault)> {
		let Some(index) = self.output.index(from).map(|index| index.get()) else {
			return vec![(from, Fault::NotUnderstood)];
		};
		let Some(finalized) = self.finalized else {
			return Vec::new();
		};
		let (floor, ceiling) = (self.floor(), finalized.saturating_add(AHEAD));
		let mut faults = Vec::new();
		for (round, signature) in partials.iter().take(MAX_PARTIALS as usize) {
			// Seeds that are recovered on the way close rounds.
			if *round < floor.max(self.floor()) || *round > ceiling {
				continue;
			}
			let members = self.open.entry(*round).or_default();
			match members.get(&index) {
				Some(Received::Refused) => continue,
				Some(Received::Pending(known) | Received::Valid(known)) => {
					// The same once more is no fault: messages are sent again.
					if to_signature(known) != *signature {
						faults.push((from, Fault::TwoPartials));
					}
					continue;
				}
				None => {}
			}
			let Ok(point) = G1::decode(&signature.0[..]) else {
				members.insert(index, Received::Refused);
				faults.push((from, Fault::WrongPartial));
				continue;
			};
			members.insert(index, Received::Pending(point));
			if *round <= finalized {
				faults.extend(self.recover(*round, rng));
			}
		}
		faults
	}

	/// The lowest open round.
	fn floor(&self) -> BlockNumber {
		let after_newest = self.newest.map_or(0, |seed| seed.round.saturating_add(1));
		let in_window = self
			.finalized
			.map_or(0, |finalized| finalized.saturating_sub(WINDOW - 1));
		after_newest.max(in_window).max(self.began.unwrap_or_default())
	}

	fn prune(&mut self) {
		let floor = self.floor();
		self.open = self.open.split_off(&floor);
		self.signed = self.signed.split_off(&floor);
	}

	fn settle(&mut self, seed: Seed) {
		self.newest = Some(seed);
		self.prune();
	}

	/// Recovers the seed of a round if a quorum signed it. Wrong partial signatures that it comes upon.
	fn recover(&mut self, round: BlockNumber, rng: &mut impl CryptoRngCore) -> Vec<(MemberId, Fault)> {
		let quorum = self.output.quorum() as usize;
		let Some(members) = self.open.get_mut(&round) else {
			return Vec::new();
		};
		let usable = members
			.values()
			.filter(|received| !matches!(received, Received::Refused));
		if usable.count() < quorum {
			return Vec::new();
		}
		let partial = |index: &u32, value: &G1| PartialSignature::<MinSig> {
			index: commonware_utils::Participant::new(*index),
			value: *value,
		};
		let pending: Vec<_> = members
			.iter()
			.filter_map(|(index, received)| match received {
				Received::Pending(value) => Some(partial(index, value)),
				_ => None,
			})
			.collect();
		let wrong: Vec<u32> = threshold::batch_verify_same_message::<_, MinSig, _>(
			rng,
			self.output.sharing(),
			&namespace(self.genesis),
			&message(round),
			&pending,
			&Sequential,
		)
		.err()
		.unwrap_or_default()
		.into_iter()
		.map(|partial| partial.index.get())
		.collect();
		let mut faults = Vec::new();
		for PartialSignature { index, value } in pending {
			let verdict = if wrong.contains(&index.get()) {
				faults.extend(
					self.players
						.get(index.get() as usize)
						.map(|member| (*member, Fault::WrongPartial)),
				);
				Received::Refused
			} else {
				Received::Valid(value)
			};
			members.insert(index.get(), verdict);
		}
		let valid: Vec<_> = members
			.iter()
			.filter_map(|(index, received)| match received {
				Received::Valid(value) => Some(partial(index, value)),
				_ => None,
			})
			.collect();
		if valid.len() < quorum {
			return faults;
		}
		match threshold::recover::<MinSig, _, N3f1>(self.output.sharing(), &valid, &Sequential) {
			Ok(signature) => {
				let seed = Seed {
					round,
					signature: to_signature(&signature),
				};
				// Each partial signature was verified, so this one is right; a leader that trusted it wrongly would lose its block.
				if verify_seed(&self.group_key, self.genesis, &seed) {
					self.settle(seed);
				} else {
					log::error!(target: crate::LOG_TARGET, "valid partial signatures of round {round} give no seed");
				}
			}
			Err(error) => log::error!(target: crate::LOG_TARGET, "round {round} can't be recovered: {error}"),
		}
		faults
	}
}
