//! A node's part in the beacon: what to do given what the board says and what members send. It has a disk, and neither clock
//! nor network.

use crate::{
	board::{Board, BoardError, View},
	dealt,
	dkg::{Action, DkgError, Participation, Terms},
	identity::IdentitySigner,
	output::{OutputError, PublicOutput},
	rounds::{Fault, Rounds},
	store::{Store, StoreError},
	wire::{Message, MAX_PARTIALS},
	LOG_TARGET,
};
use asterism_primitives::{
	beacon::{log_statement, output_hash, Attempt, Resharing, Seed, Sharing, SharingId},
	committee::{BlsPublic, Epoch, MemberId},
	BlockNumber, Hash,
};
use commonware_cryptography::bls12381::primitives::group::Share;
use parking_lot::Mutex;
use polkadot_sdk::{sp_core::bounded::BoundedVec, sp_keystore::KeystorePtr};
use rand_core::CryptoRngCore;
use std::{collections::BTreeMap, sync::Arc};

/// Why a step failed. The next one tries again.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
	/// The board can't be read.
	#[error(transparent)]
	Board(#[from] BoardError),
	/// The disk can't be read or written.
	#[error(transparent)]
	Store(#[from] StoreError),
	/// The output on record is not one.
	#[error("sharing of epoch {0}: {1}")]
	Output(Epoch, OutputError),
	/// The attempt can't be taken part in, or came to nothing.
	#[error(transparent)]
	Dkg(#[from] DkgError),
	/// Nobody has published the output yet.
	#[error("the output of the sharing of epoch {0} is neither on the board nor on this disk")]
	NoOutput(Epoch),
}

/// What a step asks for.
#[derive(Clone, PartialEq, Eq)]
pub enum Effect {
	/// Send a message to these members.
	Send(Vec<MemberId>, Message),
	/// Put a log on the board.
	PostLog {
		/// The attempt.
		attempt: Attempt,
		/// The dealer: this member.
		dealer: MemberId,
		/// Its log.
		log: Vec<u8>,
		/// Its signature over the log's statement.
		signature: [u8; 64],
	},
	/// Publish the output of an adopted sharing.
	PublishOutput {
		/// The epoch.
		epoch: Epoch,
		/// The output.
		output: Vec<u8>,
	},
}

/// Tells with which sharing this node is ready for the next epoch of the root chain: it has the share on disk.
#[derive(Clone, Debug, Default)]
pub struct ReadyHandle(Arc<Mutex<Option<(Epoch, SharingId)>>>);

impl ReadyHandle {
	/// The sharing that this node is ready with for the root committee of `epoch`: what its member says on chain. `None` while
	/// it has no share of an attempt that is over.
	pub fn ready(&self, epoch: Epoch) -> Option<SharingId> {
		self.0.lock().filter(|(of, _)| *of == epoch).map(|(_, id)| id)
	}
}

/// The secret identity keys of this node.
pub trait Identities: Send {
	/// The key of this member, if the node has it.
	fn signer(&self, member: MemberId) -> Option<IdentitySigner>;
}

impl Identities for KeystorePtr {
	fn signer(&self, member: MemberId) -> Option<IdentitySigner> {
		IdentitySigner::of(self.clone(), member)
	}
}

struct Serving {
	id: SharingId,
	me: MemberId,
	has_share: bool,
	rounds: Rounds,
}

struct Attempting {
	resharing: Resharing,
	me: MemberId,
	signer: IdentitySigner,
	/// `None` once the attempt is over here.
	participation: Option<Participation>,
}

/// A node's part in the beacon.
pub struct Member<I> {
	genesis: Hash,
	identities: I,
	store: Store,
	serving: Option<Serving>,
	attempting: Option<Attempting>,
	ready: ReadyHandle,
	/// What members did wrong since the epoch began.
	faults: BTreeMap<(MemberId, Fault), u64>,
	epoch: Option<Epoch>,
	cleaned: Option<(Epoch, Attempt)>,
	/// The sharing that this node could not recover its share of, so that it isn't tried at every step.
	lost: Option<SharingId>,
}

impl<I: Identities> Member<I> {
	/// A node with these identity keys and this store, on the network whose root chain has this genesis block.
	pub fn new(genesis: Hash, identities: I, store: Store) -> Self {
		Member {
			genesis,
			identities,
			store,
			serving: None,
			attempting: None,
			ready: ReadyHandle::default(),
			faults: BTreeMap::new(),
			epoch: None,
			cleaned: None,
			lost: None,
		}
	}

	/// Tells others with which sharing this node is ready.
	pub fn ready(&self) -> ReadyHandle {
		self.ready.clone()
	}

	/// The newest seed.
	pub fn newest(&self) -> Option<Seed> {
		self.serving.as_ref().and_then(|serving| serving.rounds.newest())
	}

	/// What members did wrong since the root chain's epoch began, and how often.
	pub fn faults(&self) -> &BTreeMap<(MemberId, Fault), u64> {
		&self.faults
	}

	/// Whether this node signs rounds of the current epoch.
	pub fn signs(&self) -> bool {
		self.serving.as_ref().is_some_and(|serving| serving.has_share)
	}

	fn blame(&mut self, faults: Vec<(MemberId, Fault)>) {
		for (member, fault) in faults {
			let count = self.faults.entry((member, fault)).or_default();
			if *count == 0 {
				log::warn!(target: LOG_TARGET, "member {member}: {fault:?}");
			}
			*count = count.saturating_add(1);
		}
	}

	/// Looks at the board, and does what is due. Effects come first to last; an error leaves the rest to the next step.
	///
	/// # Errors
	/// [`StepError`]. What was done before it stands, with its effects.
	pub fn step(
		&mut self,
		view: &View,
		board: &impl Board,
		rng: &mut impl CryptoRngCore,
		effects: &mut Vec<Effect>,
	) -> Result<(), StepError> {
		if self.epoch != Some(view.epoch) {
			self.epoch = Some(view.epoch);
			self.faults.clear();
		}
		let Some(group_key) = view.group_key else {
			return Ok(());
		};
		let rounds = self.follow_rounds(view, &group_key, board, rng, effects);
		let resharing = self.follow_resharing(view, &group_key, board, rng, effects);
		let adopted = self.follow_adoption(view, &group_key, board, rng, effects);
		let cleaned = self.clean(view);
		rounds.and(resharing).and(adopted).and(cleaned)
	}

	/// Takes a message of a member.
	pub fn receive(
		&mut self,
		from: MemberId,
		bytes: &[u8],
		rng: &mut impl CryptoRngCore,
		effects: &mut Vec<Effect>,
	) -> Result<(), StepError> {
		let Some(message) = Message::read(bytes) else {
			self.blame(vec![(from, Fault::NotUnderstood)]);
			return Ok(());
		};
		match message {
			Message::Partials(partials) => {
				// Of a member of the next committee, or the last one: it is not wrong, it has another epoch.
				let faults = match &mut self.serving {
					Some(serving) if serving.rounds.players().binary_search(&from).is_ok() => {
						serving.rounds.receive(from, &partials, rng)
					}
					_ => Vec::new(),
				};
				self.blame(faults);
			}
			other => {
				let Some(Attempting {
					participation: Some(participation),
					..
				}) = &mut self.attempting
				else {
					return Ok(());
				};
				match participation.receive(from, other) {
					Ok(actions) => self.act(actions, effects)?,
					Err(fault) => self.blame(vec![(from, fault)]),
				}
			}
		}
		Ok(())
	}

	/// Does what the attempt asks for: first the disk, then the rest.
	fn act(&mut self, actions: Vec<Action>, effects: &mut Vec<Effect>) -> Result<(), StepError> {
		let Some(attempting) = &self.attempting else {
			return Ok(());
		};
		let attempt = attempting.resharing.attempt;
		for action in actions {
			match action {
				Action::StoreSeed(seed) => self.store.put_seed(attempt, &seed)?,
				Action::StoreDealing(dealer, dealing) => self.store.put_dealing(attempt, dealer, &dealing)?,
				Action::Send(to, message) => effects.push(Effect::Send(vec![to], message)),
				Action::Post(log) => {
					let statement = log_statement(self.genesis, attempt, &log);
					match attempting.signer.try_sign(&statement) {
						Some(signature) => effects.push(Effect::PostLog {
							attempt,
							dealer: attempting.me,
							log,
							signature,
						}),
						None => log::error!(
							target: LOG_TARGET,
							"the keystore does not sign with the identity key of {}",
							attempting.me
						),
					}
				}
			}
		}
		Ok(())
	}

	/// The first of these members whose identity key this node has.
	fn identity(&self, members: &[MemberId]) -> Option<(MemberId, IdentitySigner)> {
		members
			.iter()
			.find_map(|member| Some((*member, self.identities.signer(*member)?)))
	}

	/// The output of a sharing on record, from the board or from disk.
	fn output(
		&self,
		epoch: Epoch,
		sharing: &Sharing,
		group_key: &BlsPublic,
		board: &impl Board,
	) -> Result<PublicOutput, StepError> {
		let fits = |bytes: &Vec<u8>| output_hash(bytes) == sharing.id.output;
		let bytes = match board.output(epoch)?.filter(fits) {
			Some(bytes) => bytes,
			None => self
				.store
				.output(epoch, sharing.id.attempt)?
				.filter(fits)
				.ok_or(StepError::NoOutput(epoch))?,
		};
		PublicOutput::checked(&bytes, group_key, &sharing.players)
			.map_err(|error| StepError::Output(epoch, error))
	}

	/// This member's share of a sharing on record: from disk, or one that everybody knows.
	fn share(
		&self,
		epoch: Epoch,
		sharing: &Sharing,
		output: &PublicOutput,
		me: MemberId,
	) -> Result<Option<Share>, StepError> {
		if let Some(share) = self.store.share(epoch, sharing.id.attempt)? {
			if output.is_share_of(&share, me) {
				return Ok(Some(share));
			}
			log::error!(
				target: LOG_TARGET,
				"the share of epoch {epoch} on disk is not the share of {me} in the sharing on record"
			);
		}
		if sharing.id.attempt != 0 {
			return Ok(None);
		}
		let dealt = dealt::share(&output.group_key(), &sharing.players, me)
			.filter(|share| output.is_share_of(share, me));
		if dealt.is_some() {
			log::warn!(
				target: LOG_TARGET,
				"⚠️  DEVELOPMENT BEACON: the shares of this network's group key are dealt from a seed that everybody knows. \
				 Anybody can foresee every seed and every election. Never use it for a network that matters"
			);
		}
		Ok(dealt)
	}

	fn follow_rounds(
		&mut self,
		view: &View,
		group_key: &BlsPublic,
		board: &impl Board,
		rng: &mut impl CryptoRngCore,
		effects: &mut Vec<Effect>,
	) -> Result<(), StepError> {
		let Some(sharing) = &view.current else {
			self.serving = None;
			return Ok(());
		};
		let settled = self
			.serving
			.as_ref()
			.is_some_and(|serving| serving.id == sharing.id && serving.has_share);
		if !settled {
			self.serve(view.epoch, sharing, group_key, board)?;
		}
		let Some(serving) = &mut self.serving else {
			return Ok(());
		};
		if let Some(seed) = view.last_seed {
			serving.rounds.on_chain(seed);
		}
		let (_, faults) = serving.rounds.finalized(view.finalized, rng);
		// The new ones, and those that may have got lost.
		let partials = serving.rounds.unanswered();
		let others: Vec<_> = serving
			.rounds
			.players()
			.iter()
			.filter(|member| **member != serving.me)
			.copied()
			.collect();
		for partials in partials.chunks(MAX_PARTIALS as usize) {
			let message = Message::Partials(BoundedVec::truncate_from(partials.to_vec()));
			effects.push(Effect::Send(others.clone(), message));
		}
		self.blame(faults);
		Ok(())
	}

	/// Begins to serve an epoch, or to serve it with a share that has turned up.
	fn serve(
		&mut self,
		epoch: Epoch,
		sharing: &Sharing,
		group_key: &BlsPublic,
		board: &impl Board,
	) -> Result<(), StepError> {
		let known = self
			.serving
			.as_ref()
			.is_some_and(|serving| serving.id == sharing.id);
		if known && self.store.share(epoch, sharing.id.attempt)?.is_none() {
			return Ok(());
		}
		// Who is no member needs no seeds before they are on chain.
		let Some((me, _)) = self.identity(&sharing.players) else {
			self.serving = None;
			return Ok(());
		};
		let output = self.output(epoch, sharing, group_key, board)?;
		let share = self.share(epoch, sharing, &output, me)?;
		let has_share = share.is_some();
		if known && !has_share {
			return Ok(());
		}
		if has_share {
			log::info!(
				target: LOG_TARGET,
				"🎲 member {me} signs the rounds of epoch {epoch}, {} members",
				sharing.players.len()
			);
		} else {
			log::warn!(
				target: LOG_TARGET,
				"member {me} has no share of the group key for epoch {epoch}: it signs no rounds"
			);
		}
		self.serving = Some(Serving {
			id: sharing.id,
			me,
			has_share,
			rounds: Rounds::new(self.genesis, output, share),
		});
		Ok(())
	}

	fn follow_resharing(
		&mut self,
		view: &View,
		group_key: &BlsPublic,
		board: &impl Board,
		rng: &mut impl CryptoRngCore,
		effects: &mut Vec<Effect>,
	) -> Result<(), StepError> {
		let Some(resharing) = &view.resharing else {
			self.attempting = None;
			return Ok(());
		};
		let known = self
			.attempting
			.as_ref()
			.is_some_and(|attempting| attempting.resharing.attempt == resharing.attempt);
		if !known {
			self.attempting = None;
			let mine = self
				.identity(&resharing.players)
				.or_else(|| self.identity(&resharing.dealers));
			let Some((me, signer)) = mine else {
				return Ok(());
			};
			let Some(previous) = board.sharing(resharing.from)? else {
				return Err(StepError::NoOutput(resharing.from));
			};
			let (participation, actions) = self.participate(
				resharing.epoch,
				resharing.attempt,
				(resharing.from, &previous),
				&resharing.players,
				signer.clone(),
				group_key,
				board,
				rng,
			)?;
			log::info!(
				target: LOG_TARGET,
				"🔁 member {me} takes part in attempt {} to pass the group key on to epoch {}",
				resharing.attempt, resharing.epoch
			);
			self.attempting = Some(Attempting {
				resharing: resharing.clone(),
				me,
				signer,
				participation: Some(participation),
			});
			self.act(actions, effects)?;
		}
		let Some(attempting) = &mut self.attempting else {
			return Ok(());
		};
		if view.finalized < resharing.deadline {
			let posted = resharing.dealt.contains(&attempting.me);
			let sealing = view.finalized >= resharing.seal_at();
			let actions = attempting
				.participation
				.as_mut()
				.map(|participation| participation.tick(sealing, posted))
				.unwrap_or_default();
			return self.act(actions, effects);
		}
		let Some(participation) = attempting.participation.take() else {
			return Ok(());
		};
		let logs = board.logs(resharing.attempt)?;
		let (output, share) = participation.finish(&logs)?;
		self.computed(resharing.epoch, resharing.attempt, group_key, output, share)
	}

	/// Takes part in an attempt with what is on disk of it.
	#[allow(clippy::too_many_arguments)]
	fn participate(
		&self,
		epoch: Epoch,
		attempt: Attempt,
		(from, previous): (Epoch, &Sharing),
		players: &[MemberId],
		signer: IdentitySigner,
		group_key: &BlsPublic,
		board: &impl Board,
		rng: &mut impl CryptoRngCore,
	) -> Result<(Participation, Vec<Action>), StepError> {
		let output = self.output(from, previous, group_key, board)?;
		let me = signer.id();
		let share = match previous.players.binary_search(&me) {
			Ok(_) => self.share(from, previous, &output, me)?,
			Err(_) => None,
		};
		if share.is_none() && previous.players.contains(&me) {
			log::warn!(target: LOG_TARGET, "member {me} has no share to deal to the committee of epoch {epoch}");
		}
		let stored = self.store.attempt(attempt, &previous.players)?;
		let mut seed = [0; 32];
		rng.fill_bytes(&mut seed);
		let terms = Terms {
			realm: self.genesis,
			attempt,
			previous: Some(output),
			dealers: previous.players.to_vec(),
			players: players.to_vec(),
		};
		Ok(Participation::new(&terms, signer, share, stored, seed)?)
	}

	/// Stores what an attempt gave.
	fn computed(
		&mut self,
		epoch: Epoch,
		attempt: Attempt,
		group_key: &BlsPublic,
		output: PublicOutput,
		share: Option<Share>,
	) -> Result<(), StepError> {
		let got = output.group_key();
		if got != *group_key {
			let (expected, got) = (Box::new(*group_key), Box::new(got));
			let error = OutputError::WrongKey { expected, got };
			return Err(StepError::Output(epoch, error));
		}
		let Some(share) = share else {
			return Ok(());
		};
		let id = SharingId {
			attempt,
			output: output.hash(),
		};
		self.store.put_share(epoch, attempt, &share, &output.encode())?;
		log::info!(
			target: LOG_TARGET,
			"🔑 this node has its share of the group key for epoch {epoch} (attempt {attempt}, output {:?})", id.output
		);
		*self.ready.0.lock() = Some((epoch, id));
		Ok(())
	}

	/// Publishes the output of a sharing that was adopted, and recovers a share that this node should have of it.
	fn follow_adoption(
		&mut self,
		view: &View,
		group_key: &BlsPublic,
		board: &impl Board,
		rng: &mut impl CryptoRngCore,
		effects: &mut Vec<Effect>,
	) -> Result<(), StepError> {
		let next = view.next.as_ref().zip(view.epoch.checked_add(1));
		let newest = next.or(view.current.as_ref().map(|sharing| (sharing, view.epoch)));
		let Some((sharing, epoch)) = newest.filter(|(sharing, _)| sharing.id.attempt != 0) else {
			return Ok(());
		};
		let Some((me, signer)) = self.identity(&sharing.players) else {
			return Ok(());
		};
		let attempt = sharing.id.attempt;
		if self.store.share(epoch, attempt)?.is_none() {
			if self.lost == Some(sharing.id) {
				return Ok(());
			}
			let Some(from) = epoch.checked_sub(1) else {
				return Ok(());
			};
			// Both are gone when the next resharing has begun: too late then.
			let (Some(previous), logs) = (board.sharing(from)?, board.logs(attempt)?) else {
				return Ok(());
			};
			let (participation, _) = self.participate(
				epoch,
				attempt,
				(from, &previous),
				&sharing.players,
				signer,
				group_key,
				board,
				rng,
			)?;
			let result = participation.finish(&logs);
			if matches!(result, Err(DkgError::LostDealing(_) | DkgError::TooFewLogs(_))) {
				self.lost = Some(sharing.id);
			}
			let (output, share) = result?;
			if output.hash() != sharing.id.output {
				self.lost = Some(sharing.id);
				return Err(StepError::NoOutput(epoch));
			}
			log::info!(target: LOG_TARGET, "member {me} has recovered its share for epoch {epoch} from the board");
			self.computed(epoch, attempt, group_key, output, share)?;
		}
		if board.output(epoch)?.is_none() {
			if let Some(output) = self.store.output(epoch, attempt)? {
				effects.push(Effect::PublishOutput { epoch, output });
			}
		}
		Ok(())
	}

	/// Deletes old shares, and what is left of old attempts.
	fn clean(&mut self, view: &View) -> Result<(), StepError> {
		let next = view.epoch.checked_add(1);
		let adopted = |epoch: Epoch| {
			let sharing = if epoch == view.epoch {
				&view.current
			} else if Some(epoch) == next {
				&view.next
			} else {
				&None
			};
			sharing.as_ref().map(|sharing| sharing.id.attempt)
		};
		let newest = view
			.resharing
			.as_ref()
			.map(|resharing| resharing.attempt)
			.or(view
				.next
				.as_ref()
				.or(view.current.as_ref())
				.map(|sharing| sharing.id.attempt))
			.unwrap_or_default();
		if self.cleaned == Some((view.epoch, newest)) {
			return Ok(());
		}
		self.store.clean(
			|epoch, attempt| epoch >= view.epoch && adopted(epoch).is_none_or(|adopted| attempt == adopted),
			|attempt| attempt >= newest,
		)?;
		self.cleaned = Some((view.epoch, newest));
		Ok(())
	}
}

/// How far a seed is behind the newest final block.
pub(crate) fn lag(finalized: BlockNumber, seed: Option<Seed>) -> BlockNumber {
	finalized.saturating_sub(seed.map_or(0, |seed| seed.round))
}
