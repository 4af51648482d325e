//! Making a sharing, and passing it on: commonware's Feldman/Desmedt protocol over a public board, as a state machine without
//! clock, network or disk.
//!
//! # Flow
//!
//! ```text
//!  dealer                          player                       board
//!    │── Dealing (secret) ──────────►│ verify, store              │
//!    │◄───────────── Ack ────────────│                            │
//!    │  all acknowledged, or seal_at: reveal the shares of the silent ones, at most f
//!    │── log, signed ────────────────────────────────────────────►│
//!                                    │◄──── logs of the deadline ─┤  the same for all
//!                                    │ finish: output and share   │
//! ```
//!
//! # Restarts
//!
//! A dealer's polynomial comes from a seed on its disk, so that it deals the same once more; it collects the acknowledgements
//! again. A player stores a dealing before it acknowledges it. The board has the rest.
//!
//! # Assumptions
//!
//! - Messages come from the members that the channel says, and dealings stay secret on their way.
//! - Among the dealers, a quorum is honest and puts its log on the board in time. If not, the attempt fails, and the next one begins
//!   with the old sharing still in force.
//! - An honest player acknowledges an honest dealer in time. The share of one that doesn't is revealed on the board; up to f are, and
//!   f shares tell nothing (the polynomial has the degree of a quorum less one).

use crate::{
	identity::{Identity, IdentitySigner, OneByOne},
	output::{identities, PublicOutput, MAX_PARTICIPANTS},
	rounds::Fault,
	wire::Message,
};
use asterism_primitives::{
	beacon::{Attempt, MAX_LOG_BYTES},
	committee::MemberId,
	Hash,
};
use codec::Decode;
use commonware_codec::{DecodeExt, Encode, Read};
use commonware_cryptography::bls12381::{
	dkg::feldman_desmedt::{
		observe, Dealer, DealerLogSummary, DealerPrivMsg, DealerPubMsg, Error, Info, Logs, Player, PlayerAck,
		SignedDealerLog,
	},
	primitives::{group::Share, sharing::Mode, variant::MinSig},
};
use commonware_parallel::Sequential;
use commonware_utils::N3f1;
use polkadot_sdk::sp_core::bounded::BoundedVec;
use rand::rngs::OsRng;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::collections::{BTreeMap, BTreeSet};

/// Separates sharings from everything else that commonware's protocol may be used for.
const NAMESPACE: &[u8] = b"ASTERISM_BEACON_SHARING";

/// Why an attempt came to nothing, here or for all.
#[derive(Debug, thiserror::Error)]
pub enum DkgError {
	/// The attempt can't be: its members are none, too many, or don't fit the sharing before.
	#[error("attempt {attempt}: {reason}")]
	Impossible {
		/// The attempt.
		attempt: Attempt,
		/// What doesn't fit.
		reason: String,
	},
	/// Fewer dealers than a quorum put a valid log on the board: for all, the attempt failed.
	#[error("attempt {0}: too few valid logs on the board")]
	TooFewLogs(Attempt),
	/// The attempt succeeded, but this member lost a dealing that it acknowledged: it has no share.
	#[error("attempt {0}: this member acknowledged a dealing that it no longer has; it goes without share until the next resharing")]
	LostDealing(Attempt),
}

/// What the board says of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
	/// The genesis hash of the root chain, or the hash of the name of the ceremony that makes the key.
	pub realm: Hash,
	/// The attempt.
	pub attempt: Attempt,
	/// The sharing that is passed on; `None` in the ceremony that makes the key.
	pub previous: Option<PublicOutput>,
	/// Who deals.
	pub dealers: Vec<MemberId>,
	/// Who gets shares.
	pub players: Vec<MemberId>,
}

impl Terms {
	fn info(&self) -> Result<Info<MinSig, Identity>, DkgError> {
		let impossible = |reason: String| DkgError::Impossible {
			attempt: self.attempt,
			reason,
		};
		let most = MAX_PARTICIPANTS.get() as usize;
		let set = |members: &[MemberId], role: &str| {
			identities(members)
				.filter(|set| (1..=most).contains(&set.len()))
				.ok_or_else(|| impossible(format!("{role}: expected 1 to {most} members, each once")))
		};
		Info::new::<N3f1>(
			&[NAMESPACE, self.realm.as_ref()].concat(),
			self.attempt,
			self.previous.as_ref().map(|output| output.0.clone()),
			Mode::default(),
			set(&self.dealers, "dealers")?,
			set(&self.players, "players")?,
		)
		.map_err(|error| impossible(error.to_string()))
	}
}

/// A dealing as a player stores it.
#[derive(Clone, PartialEq, Eq, codec::Encode, Decode)]
pub struct StoredDealing {
	/// The commitment to the dealer's polynomial.
	pub commitment: Vec<u8>,
	/// The player's share of it.
	pub share: [u8; 32],
}

/// What to do next, in this order: what is stored must be on disk before what follows it is done.
#[derive(Clone, PartialEq, Eq)]
pub enum Action {
	/// Store the seed of the own polynomial.
	StoreSeed([u8; 32]),
	/// Store a dealing that this member is about to acknowledge.
	StoreDealing(MemberId, StoredDealing),
	/// Send a message to a member.
	Send(MemberId, Message),
	/// Put the own log on the board.
	Post(Vec<u8>),
}

/// What is on disk of an attempt.
#[derive(Clone, Default)]
pub struct Stored {
	/// The seed of the own polynomial.
	pub seed: Option<[u8; 32]>,
	/// The dealings that this member acknowledged.
	pub dealings: Vec<(MemberId, StoredDealing)>,
}

struct Dealing {
	seed: [u8; 32],
	share: Option<Share>,
	commitment: Vec<u8>,
	shares: BTreeMap<Identity, [u8; 32]>,
	acks: BTreeMap<Identity, PlayerAck<Identity>>,
	log: Option<Vec<u8>>,
}

/// A member's part in one attempt.
pub struct Participation {
	attempt: Attempt,
	me: MemberId,
	signer: IdentitySigner,
	info: Info<MinSig, Identity>,
	players: usize,
	quorum: u32,
	dealing: Option<Dealing>,
	player: Option<Player<MinSig, IdentitySigner>>,
	/// The dealings that were acknowledged, and how.
	acknowledged: BTreeMap<MemberId, (StoredDealing, [u8; 64])>,
	/// The dealers whose dealings were wrong: no more of theirs is looked at.
	refused: BTreeSet<MemberId>,
}

fn quorum_of(members: usize) -> u32 {
	asterism_primitives::committee::quorum(u32::try_from(members).unwrap_or(u32::MAX))
}

fn array<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
	bytes.try_into().ok()
}

impl Participation {
	/// Takes part in an attempt as dealer, as player, or as both. `share` is this member's share of the sharing that is passed
	/// on; a dealer without it stays silent. `seed` is used if none is stored yet.
	///
	/// # Errors
	/// [`DkgError::Impossible`].
	pub fn new(
		terms: &Terms,
		signer: IdentitySigner,
		share: Option<Share>,
		stored: Stored,
		seed: [u8; 32],
	) -> Result<(Self, Vec<Action>), DkgError> {
		let info = terms.info()?;
		let me = signer.id();
		let mut this = Participation {
			attempt: terms.attempt,
			me,
			info: info.clone(),
			players: terms.players.len(),
			quorum: quorum_of(terms.players.len()),
			dealing: None,
			player: None,
			acknowledged: BTreeMap::new(),
			refused: BTreeSet::new(),
			signer: signer.clone(),
		};
		let mut actions = Vec::new();
		let reshares = terms.previous.is_some();
		if terms.players.contains(&me) {
			this.player = Player::new(info, signer).ok();
			for (dealer, dealing) in stored.dealings {
				// What was stored was valid, unless the disk says something else now: then it is missing.
				let _ = this.take(dealer, dealing);
			}
		}
		if terms.dealers.contains(&me) && (share.is_some() || !reshares) {
			let dealing_seed = stored.seed.unwrap_or(seed);
			if stored.seed.is_none() {
				actions.push(Action::StoreSeed(dealing_seed));
			}
			// In the ceremony that makes the key a dealer's secret is its seed's.
			actions.extend(this.deal(dealing_seed, share.filter(|_| reshares))?);
		}
		Ok((this, actions))
	}

	fn impossible(&self, error: Error) -> DkgError {
		DkgError::Impossible {
			attempt: self.attempt,
			reason: error.to_string(),
		}
	}

	fn start(&self, seed: [u8; 32], share: Option<Share>) -> Result<Started, DkgError> {
		Dealer::start::<N3f1>(
			ChaCha20Rng::from_seed(seed),
			self.info.clone(),
			self.signer.clone(),
			share,
		)
		.map_err(|error| self.impossible(error))
	}

	/// Makes the own dealing, the same for the same seed, and takes the own share of it.
	fn deal(&mut self, seed: [u8; 32], share: Option<Share>) -> Result<Vec<Action>, DkgError> {
		let (_, public, private) = self.start(seed, share.clone())?;
		let commitment = public.encode().to_vec();
		let shares: BTreeMap<_, _> = private
			.into_iter()
			.filter_map(|(player, share)| Some((player, array(&share.encode())?)))
			.collect();
		let mine = shares.get(&self.me.into()).copied();
		self.dealing = Some(Dealing {
			seed,
			share,
			commitment: commitment.clone(),
			shares,
			acks: BTreeMap::new(),
			log: None,
		});
		let mut actions = Vec::new();
		if let Some(share) = mine {
			let dealing = StoredDealing { commitment, share };
			if let Ok((signature, new)) = self.take(self.me, dealing.clone()) {
				if new {
					actions.push(Action::StoreDealing(self.me, dealing));
				}
				self.acknowledge(self.me, &signature);
			}
		}
		Ok(actions)
	}

	/// Takes a dealing. Its acknowledgement, and whether it is new.
	fn take(&mut self, dealer: MemberId, dealing: StoredDealing) -> Result<([u8; 64], bool), Fault> {
		if let Some((known, signature)) = self.acknowledged.get(&dealer) {
			return if *known == dealing {
				Ok((*signature, false))
			} else {
				Err(Fault::TwoDealings)
			};
		}
		let player = self.player.as_mut().ok_or(Fault::NotUnderstood)?;
		let mut bytes = &dealing.commitment[..];
		let public = DealerPubMsg::<MinSig>::read_cfg(&mut bytes, &MAX_PARTICIPANTS)
			.ok()
			.filter(|_| bytes.is_empty())
			.ok_or(Fault::WrongDealing)?;
		let private = DealerPrivMsg::decode(&dealing.share[..]).map_err(|_| Fault::WrongDealing)?;
		let ack = player
			.dealer_message::<N3f1>(dealer.into(), public, private)
			.ok_or(Fault::WrongDealing)?;
		let signature = array(&ack.encode()).ok_or(Fault::WrongDealing)?;
		self.acknowledged.insert(dealer, (dealing, signature));
		Ok((signature, true))
	}

	fn acknowledge(&mut self, player: MemberId, signature: &[u8; 64]) {
		let Some(dealing) = &mut self.dealing else {
			return;
		};
		let player = Identity::from(player);
		if let (true, Ok(ack)) = (
			dealing.shares.contains_key(&player),
			PlayerAck::decode(&signature[..]),
		) {
			// A later one replaces a wrong one. Whose are wrong in the end has its share revealed.
			dealing.acks.insert(player, ack);
		}
	}

	/// Takes a message of a member: what to do about it.
	///
	/// # Errors
	/// What the member did wrong.
	pub fn receive(&mut self, from: MemberId, message: Message) -> Result<Vec<Action>, Fault> {
		match message {
			Message::Dealing {
				attempt,
				commitment,
				share,
			} if attempt == self.attempt && from != self.me => {
				if self.player.is_none() {
					return Ok(Vec::new());
				}
				let dealing = StoredDealing {
					commitment: commitment.into_inner(),
					share,
				};
				if self.refused.contains(&from) {
					return Ok(Vec::new());
				}
				let taken = self.take(from, dealing.clone());
				if taken == Err(Fault::WrongDealing) {
					self.refused.insert(from);
				}
				let (signature, new) = taken?;
				let mut actions = Vec::new();
				if new {
					actions.push(Action::StoreDealing(from, dealing));
				}
				actions.push(Action::Send(from, Message::Ack { attempt, signature }));
				Ok(actions)
			}
			Message::Ack { attempt, signature } if attempt == self.attempt && from != self.me => {
				self.acknowledge(from, &signature);
				Ok(Vec::new())
			}
			// Of another attempt: late, or early.
			_ => Ok(Vec::new()),
		}
	}

	/// What to do now: send dealings that are not acknowledged (again), and post the log once everybody has acknowledged, or the
	/// time for that is over and few enough are missing. `sealing`: that time is over. `posted`: the board has the log.
	pub fn tick(&mut self, sealing: bool, posted: bool) -> Vec<Action> {
		if posted {
			return Vec::new();
		}
		let Some(dealing) = &self.dealing else {
			return Vec::new();
		};
		if let Some(log) = &dealing.log {
			// The pool may have dropped it.
			return vec![Action::Post(log.clone())];
		}
		let everybody = dealing.acks.len() == self.players;
		if everybody || (sealing && dealing.acks.len() >= self.quorum as usize) {
			if let Some(log) = self.seal() {
				return vec![Action::Post(log)];
			}
		}
		let Some(dealing) = &self.dealing else {
			return Vec::new();
		};
		dealing
			.shares
			.iter()
			.filter(|(player, _)| !dealing.acks.contains_key(player))
			.filter_map(|(player, share)| {
				let message = Message::Dealing {
					attempt: self.attempt,
					commitment: BoundedVec::try_from(dealing.commitment.clone()).ok()?,
					share: *share,
				};
				Some(Action::Send(player.into(), message))
			})
			.collect()
	}

	/// Makes the log, if few enough shares have to be revealed in it. A log is made once: from then on acknowledgements come too late.
	fn seal(&mut self) -> Option<Vec<u8>> {
		let dealing = self.dealing.as_ref()?;
		let (mut dealer, _, _) = self.start(dealing.seed, dealing.share.clone()).ok()?;
		for (player, ack) in &dealing.acks {
			dealer.receive_player_ack(player.clone(), ack.clone()).ok()?;
		}
		let signed = dealer.finalize::<N3f1>();
		let (_, log) = signed.clone().check(&self.info)?;
		if let DealerLogSummary::Ok { .. } = log.summary() {
			let bytes = signed.encode().to_vec();
			self.dealing.as_mut()?.log = Some(bytes.clone());
			return Some(bytes);
		}
		// Some acknowledgements are wrong: their players are asked again.
		if let Some(dealing) = &mut self.dealing {
			dealing.acks.clear();
		}
		None
	}

	/// How many players have acknowledged the own dealing; `None` if this member doesn't deal.
	pub fn acks(&self) -> Option<usize> {
		self.dealing.as_ref().map(|dealing| dealing.acks.len())
	}

	/// The end of the attempt, with all logs of the board in any order: the output, and this member's share if it is a player.
	///
	/// # Errors
	/// [`DkgError::TooFewLogs`], for all; [`DkgError::LostDealing`], for this member alone.
	pub fn finish(self, logs: &[(MemberId, Vec<u8>)]) -> Result<(PublicOutput, Option<Share>), DkgError> {
		let attempt = self.attempt;
		let board = read_board(&self.info, logs);
		let Some(player) = self.player else {
			return outcome(attempt, board).map(|output| (output, None));
		};
		match player.finalize::<N3f1, OneByOne>(&mut OsRng, board, &Sequential) {
			Ok((output, share)) => Ok((PublicOutput(output), Some(share))),
			Err(Error::MissingPlayerDealing) => Err(DkgError::LostDealing(attempt)),
			Err(_) => Err(DkgError::TooFewLogs(attempt)),
		}
	}
}

type Started = (
	Dealer<MinSig, IdentitySigner>,
	DealerPubMsg<MinSig>,
	Vec<(Identity, DealerPrivMsg)>,
);

/// The valid logs among those on the board. Each must be signed by the dealer under whose name it is there.
fn read_board(info: &Info<MinSig, Identity>, logs: &[(MemberId, Vec<u8>)]) -> Logs<MinSig, Identity, N3f1> {
	let mut board = Logs::new(info.clone());
	for (dealer, bytes) in logs {
		if bytes.len() > MAX_LOG_BYTES as usize {
			continue;
		}
		let mut rest = &bytes[..];
		let signed = SignedDealerLog::<MinSig, IdentitySigner>::read_cfg(&mut rest, &MAX_PARTICIPANTS);
		let Some((signer, log)) = signed
			.ok()
			.filter(|_| rest.is_empty())
			.and_then(|log| log.check(info))
		else {
			log::warn!(target: crate::LOG_TARGET, "the log of {dealer} on the board is no valid log");
			continue;
		};
		if MemberId::from(&signer) == *dealer {
			board.record(signer, log);
		}
	}
	board
}

fn outcome(attempt: Attempt, board: Logs<MinSig, Identity, N3f1>) -> Result<PublicOutput, DkgError> {
	observe::<_, _, N3f1, OneByOne>(&mut OsRng, board, &Sequential)
		.map(PublicOutput)
		.map_err(|_| DkgError::TooFewLogs(attempt))
}

/// The output of an attempt, for somebody who takes no part in it.
///
/// # Errors
/// [`DkgError::Impossible`], [`DkgError::TooFewLogs`].
pub fn watch(terms: &Terms, logs: &[(MemberId, Vec<u8>)]) -> Result<PublicOutput, DkgError> {
	let info = terms.info()?;
	outcome(terms.attempt, read_board(&info, logs))
}
