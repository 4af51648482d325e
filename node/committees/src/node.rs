//! A node's part in elections and misconduct: what to do given a [`View`] and the time. It has a keystore, and neither clock, nor
//! disk, nor network.

use crate::{
	attempts::{elections, misconduct, Attempts, Outcome},
	candidacy::{Open, Unsound, Verdict},
	readiness::{self, Duty, Obstacle},
	view::{Charge, OpenElection, Seat, View},
};
use asterism_primitives::{
	committee::{Epoch, MemberId},
	election::{sign_data, Claim, Phase, Readiness, SortitionProof},
	keys::{SortitionPublic, IDENTITY_KEY, SORTITION_KEY},
	offence::{Evidence, Proof},
	AccountId, BlockNumber, ChainId, Hash,
};
use asterism_protocol::sortition::Standing;
use polkadot_sdk::{sp_core::sr25519, sp_keystore::KeystorePtr};
use std::{
	collections::{BTreeMap, HashSet},
	fmt,
	time::Duration,
};

/// The reports that one step makes at most: more wait for the next one.
pub const MAX_REPORTS: usize = 8;
/// How many notices are remembered, so that they are not given again.
const MAX_TOLD: usize = 4096;

/// Why a keystore does not draw.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum DrawError {
	/// It has no such key.
	#[error("the keystore has no such key of type \"vrf_\"")]
	NoKey,
	/// It fails.
	#[error("the keystore does not sign: {0}")]
	Keystore(String),
	/// What it drew is not the key's.
	#[error("the keystore drew what is not this key's draw")]
	Wrong,
}

/// The keys that a node takes part in elections with.
pub trait Keyring: Send {
	/// The identities, which its operators registered.
	fn identities(&self) -> Vec<MemberId>;
	/// What this key draws in an election.
	///
	/// # Errors
	/// [`DrawError`].
	fn draw(&self, key: &SortitionPublic, election: &Open) -> Result<SortitionProof, DrawError>;
}

impl Keyring for KeystorePtr {
	fn identities(&self) -> Vec<MemberId> {
		let keys = self.sr25519_public_keys(IDENTITY_KEY);
		keys.into_iter().map(|key| MemberId(key.0)).collect()
	}

	fn draw(&self, key: &SortitionPublic, election: &Open) -> Result<SortitionProof, DrawError> {
		let data = sign_data(election.seed(), election.chain(), election.epoch());
		match self.sr25519_vrf_sign(SORTITION_KEY, &sr25519::Public::from_raw(key.0), &data) {
			Ok(Some(signature)) => Ok(SortitionProof::from(&signature)),
			Ok(None) => Err(DrawError::NoKey),
			Err(error) => Err(DrawError::Keystore(error.to_string())),
		}
	}
}

/// What a step asks for. Its [`Outcome`] goes to [`Node::outcome`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
	/// Put a claim on record.
	Claim(Claim, Standing),
	/// Sign a word of readiness with the member's identity key, and put it on record.
	Ready(Readiness),
	/// Report evidence.
	Report(Box<Report>),
}

/// A report of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
	/// What is proved, against a member of its chain's committee.
	pub evidence: Evidence,
	/// What the proof is about: see [`Exhibit`](crate::reports::Exhibit).
	pub exhibit: Hash,
	/// Who gets the reward.
	pub reporter: Option<AccountId>,
	/// The committee's epoch.
	pub epoch: Epoch,
	/// The member's index in the committee.
	pub index: u32,
	/// The member.
	pub member: MemberId,
}

/// Something that an operator may want to know. Each is told once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Notice {
	/// The pool took the node's claim: it is public now.
	CameForward {
		/// The chain.
		chain: ChainId,
		/// The epoch that the committee is for.
		epoch: Epoch,
		/// The node, by its operator.
		operator: AccountId,
		/// Whether it is elected or on standby.
		standing: Standing,
	},
	/// The root chain refuses a claim for good.
	ClaimRefused {
		/// The chain.
		chain: ChainId,
		/// The epoch that the committee is for.
		epoch: Epoch,
		/// The node, by its operator.
		operator: AccountId,
		/// The pallet's code.
		code: u8,
	},
	/// Nothing can be drawn with a node's key.
	CannotDraw {
		/// The node, by its operator.
		operator: AccountId,
		/// Its sortition key on record.
		key: SortitionPublic,
		/// Why.
		error: DrawError,
	},
	/// An election on record is not sound: nothing is drawn for it.
	Unsound {
		/// The chain.
		chain: ChainId,
		/// The epoch that the committee is for.
		epoch: Epoch,
		/// Why.
		fault: Unsound,
	},
	/// The node is a member of a next committee on record.
	Seat {
		/// The chain.
		chain: ChainId,
		/// The epoch that the committee is for.
		epoch: Epoch,
		/// The round of the seed that elected it.
		round: BlockNumber,
		/// The member.
		member: MemberId,
	},
	/// A member is not ready yet.
	NotReady {
		/// The chain.
		chain: ChainId,
		/// The epoch that the committee is for.
		epoch: Epoch,
		/// The member.
		member: MemberId,
		/// Why.
		obstacle: Obstacle,
	},
	/// A member's word of readiness is on record.
	Ready {
		/// The chain.
		chain: ChainId,
		/// The epoch that the committee is for.
		epoch: Epoch,
		/// The round of the seed that elected it.
		round: BlockNumber,
		/// The member.
		member: MemberId,
	},
	/// A member's misconduct was reported.
	Reported {
		/// The chain.
		chain: ChainId,
		/// The committee's epoch.
		epoch: Epoch,
		/// The member.
		member: MemberId,
	},
	/// Those were reported that made a block final which is refused.
	BlockReported {
		/// The chain.
		chain: ChainId,
		/// The committee's epoch.
		epoch: Epoch,
		/// The block.
		block: Hash,
	},
	/// A member that this node had evidence against has been punished.
	Punished {
		/// The chain.
		chain: ChainId,
		/// The committee's epoch.
		epoch: Epoch,
		/// The member.
		member: MemberId,
	},
	/// The evidence against a member is refused for good.
	ReportRefused {
		/// The chain.
		chain: ChainId,
		/// The committee's epoch.
		epoch: Epoch,
		/// The member.
		member: MemberId,
		/// The pallet's code.
		code: u8,
	},
	/// The root chain punishes nobody for a block that was made final and is refused.
	BlockExcused {
		/// The chain.
		chain: ChainId,
		/// The committee's epoch.
		epoch: Epoch,
		/// The block.
		block: Hash,
		/// The pallet's code.
		code: u8,
	},
	/// Something was early, or could not be submitted. It is tried again.
	Again {
		/// What.
		what: &'static str,
		/// The chain.
		chain: ChainId,
		/// Why.
		reason: String,
	},
}

impl Notice {
	/// How loudly to tell it. What would tell others of a draw before its claim is public is never louder than `debug`.
	pub fn level(&self) -> log::Level {
		match self {
			Notice::CameForward { .. }
			| Notice::Seat { .. }
			| Notice::Ready { .. }
			| Notice::Reported { .. }
			| Notice::BlockReported { .. }
			| Notice::Punished { .. } => log::Level::Info,
			Notice::CannotDraw { .. } | Notice::ReportRefused { .. } | Notice::BlockExcused { .. } => {
				log::Level::Warn
			}
			Notice::Unsound { .. } => log::Level::Error,
			Notice::NotReady { obstacle, .. } => match obstacle {
				Obstacle::NotServed | Obstacle::WithoutKeys | Obstacle::UnreadIssuance => log::Level::Warn,
				Obstacle::UnknownChain | Obstacle::Forked | Obstacle::WrongIssuance => log::Level::Error,
				Obstacle::Starting | Obstacle::Behind | Obstacle::NoShare => log::Level::Info,
			},
			Notice::ClaimRefused { .. } | Notice::Again { .. } => log::Level::Debug,
		}
	}
}

impl fmt::Display for Notice {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Notice::CameForward {
				chain,
				epoch,
				operator,
				standing,
			} => {
				let as_what = match standing {
					Standing::Standby => "is on standby, and needed,",
					Standing::Elected | Standing::Neither => "is elected",
				};
				write!(
					f,
					"🗳️ the node of {operator} {as_what} for the committee of chain {chain} in epoch {epoch}, and has come forward"
				)
			}
			Notice::ClaimRefused {
				chain,
				epoch,
				operator,
				code,
			} => write!(
				f,
				"the root chain refuses the claim of {operator} for chain {chain} in epoch {epoch}: code {code} of pallet-elections"
			),
			Notice::CannotDraw { operator, key, error } => write!(
				f,
				"the node of {operator} can't take part in elections, its sortition key on record is {key}: {error}"
			),
			Notice::Unsound { chain, epoch, fault } => write!(
				f,
				"the election for the committee of chain {chain} in epoch {epoch} is not sound, nothing is drawn for it: {fault}"
			),
			Notice::Seat {
				chain, epoch, member, ..
			} => write!(
				f,
				"🪑 this node is member {member} of the committee of chain {chain} in epoch {epoch}, the next one"
			),
			Notice::NotReady {
				chain,
				epoch,
				member,
				obstacle,
			} => write!(
				f,
				"member {member} is not ready for chain {chain} in epoch {epoch}: {obstacle}"
			),
			Notice::Ready {
				chain, epoch, member, ..
			} => write!(f, "✅ member {member} is ready for chain {chain} in epoch {epoch}"),
			Notice::Reported { chain, epoch, member } => write!(
				f,
				"⚖️ member {member} of the committee of chain {chain} in epoch {epoch} contradicted itself, and was reported"
			),
			Notice::BlockReported { chain, epoch, block } => write!(
				f,
				"⚖️ the committee of chain {chain} in epoch {epoch} made block {block:?} final, whose traffic can't be, and was \
				 reported"
			),
			Notice::Punished { chain, epoch, member } => write!(
				f,
				"⚖️ member {member} of the committee of chain {chain} in epoch {epoch} has been punished"
			),
			Notice::ReportRefused {
				chain,
				epoch,
				member,
				code,
			} => write!(
				f,
				"the root chain refuses the evidence against member {member} of the committee of chain {chain} in epoch {epoch}: \
				 code {code} of pallet-misconduct"
			),
			Notice::BlockExcused {
				chain,
				epoch,
				block,
				code,
			} => write!(
				f,
				"the root chain punishes nobody for block {block:?} of chain {chain}, which the committee of epoch {epoch} made \
				 final and which is refused here: code {code} of pallet-misconduct"
			),
			Notice::Again { what, chain, reason } => {
				write!(f, "chain {chain}: {what} is tried again: {reason}")
			}
		}
	}
}

/// What a step gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
	/// What to do.
	pub actions: Vec<Action>,
	/// What to tell the operator.
	pub notices: Vec<Notice>,
}

type ClaimKey = (ChainId, Epoch, BlockNumber, AccountId);
type WordKey = (ChainId, Epoch, BlockNumber, MemberId, Option<u64>);
type CaseKey = (ChainId, Epoch, u32);

/// What a key drew.
#[derive(Clone, Copy, Debug)]
struct Drawn {
	proof: SortitionProof,
	number: u128,
}

/// A member that this node has evidence against.
#[derive(Clone, Copy, Debug)]
struct Case {
	/// When this node knew that it could report it.
	since: Duration,
	/// Which of the proofs that are left has its turn: each time that one can't be judged or submitted now, the next.
	turn: usize,
}

/// A node's part in elections and misconduct.
pub struct Node<K> {
	keyring: K,
	/// What was drawn in the newest election of each chain.
	drawn: BTreeMap<ClaimKey, Drawn>,
	claims: Attempts<ClaimKey>,
	words: Attempts<WordKey>,
	cases: BTreeMap<CaseKey, Case>,
	reports: Attempts<CaseKey>,
	/// What convicts nobody, as the root chain said.
	refused: HashSet<(ChainId, Hash)>,
	told: HashSet<Notice>,
}

impl<K: Keyring> Node<K> {
	/// A node with these keys.
	pub fn new(keyring: K) -> Self {
		Node {
			keyring,
			drawn: BTreeMap::new(),
			claims: Attempts::default(),
			words: Attempts::default(),
			cases: BTreeMap::new(),
			reports: Attempts::default(),
			refused: HashSet::new(),
			told: HashSet::new(),
		}
	}

	/// The identities that it takes part with.
	pub fn identities(&self) -> Vec<MemberId> {
		self.keyring.identities()
	}

	/// What is due at `now`, a time since the node began that never goes back. Each action counts as tried with this.
	pub fn step(&mut self, view: &View, now: Duration) -> Step {
		let mut step = Step::default();
		if view.syncing {
			return step;
		}
		self.forget(view);
		for election in &view.open {
			self.candidacies(election, view, now, &mut step);
		}
		for seat in &view.seats {
			self.seat(seat, now, &mut step);
		}
		let mut reports = 0;
		for charge in &view.charges {
			reports += usize::from(reports < MAX_REPORTS && self.charge(charge, view, now, &mut step));
		}
		step
	}

	/// Forgets what can't come up again: elections that are succeeded by another of their chain, words and cases that are not in
	/// the view.
	fn forget(&mut self, view: &View) {
		let newest: BTreeMap<ChainId, (Epoch, Option<BlockNumber>)> = view
			.open
			.iter()
			.map(|open| {
				let election = open.election;
				let round = match election.phase {
					Phase::Open { round, .. } => Some(round),
					_ => None,
				};
				(open.chain, (election.epoch, round))
			})
			.collect();
		let current = |(chain, epoch, round, _): &ClaimKey| {
			newest
				.get(chain)
				.is_none_or(|newest| *newest == (*epoch, Some(*round)))
		};
		self.drawn.retain(|key, _| current(key));
		self.claims.retain(current);
		let seats: HashSet<_> = view
			.seats
			.iter()
			.map(|seat| (seat.chain, seat.epoch, seat.round, seat.member))
			.collect();
		self.words
			.retain(|(chain, epoch, round, member, _)| seats.contains(&(*chain, *epoch, *round, *member)));
		let charges: HashSet<_> = view
			.charges
			.iter()
			.map(|charge| (charge.chain, charge.epoch, charge.index))
			.collect();
		self.cases.retain(|key, _| charges.contains(key));
		self.reports.retain(|key| charges.contains(key));
		if !self.refused.is_empty() {
			let exhibits: HashSet<_> = view
				.charges
				.iter()
				.flat_map(|charge| charge.proofs.iter().map(|exhibit| (charge.chain, exhibit.id)))
				.collect();
			self.refused.retain(|key| exhibits.contains(key));
		}
		if self.told.len() >= MAX_TOLD {
			self.told.clear();
		}
	}

	fn tell(&mut self, notice: Notice, notices: &mut Vec<Notice>) {
		if self.told.insert(notice.clone()) {
			notices.push(notice);
		}
	}

	fn candidacies(&mut self, election: &OpenElection, view: &View, now: Duration, step: &mut Step) {
		let OpenElection {
			chain,
			election,
			elected,
			candidates,
		} = election;
		if candidates.is_empty() {
			return;
		}
		let open = match Open::of(*chain, election, view.finalized) {
			Ok(Some(open)) => open,
			Ok(None) => return,
			Err(fault) => {
				let notice = Notice::Unsound {
					chain: *chain,
					epoch: election.epoch,
					fault,
				};
				return self.tell(notice, &mut step.notices);
			}
		};
		for (operator, candidacy) in candidates {
			let key = (*chain, open.epoch(), open.round(), operator.clone());
			if candidacy.claimed || !self.claims.is_due(&key, now) {
				continue;
			}
			let drawn = match self.draw(&key, &candidacy.sortition, &open) {
				Ok(drawn) => drawn,
				Err(error) => {
					// The key may be inserted while the election is open.
					self.claims.tried(&key, now);
					let notice = Notice::CannotDraw {
						operator: operator.clone(),
						key: candidacy.sortition,
						error,
					};
					self.tell(notice, &mut step.notices);
					continue;
				}
			};
			if let Verdict::Claim(standing) = open.judge(candidacy, drawn.number, *elected, view.next) {
				self.claims.tried(&key, now);
				let claim = Claim {
					chain: *chain,
					epoch: open.epoch(),
					round: open.round(),
					operator: operator.clone(),
					proof: drawn.proof,
				};
				step.actions.push(Action::Claim(claim, standing));
			}
		}
	}

	/// What a node drew: the keystore is asked once.
	fn draw(
		&mut self,
		key: &ClaimKey,
		sortition: &SortitionPublic,
		election: &Open,
	) -> Result<Drawn, DrawError> {
		if let Some(drawn) = self.drawn.get(key) {
			return Ok(*drawn);
		}
		let proof = self.keyring.draw(sortition, election)?;
		let (seed, chain, epoch) = (election.seed(), election.chain(), election.epoch());
		let number = proof
			.number(sortition, seed, chain, epoch)
			.filter(|_| proof.verify(sortition, seed, chain, epoch))
			.ok_or(DrawError::Wrong)?;
		let drawn = Drawn { proof, number };
		self.drawn.insert(key.clone(), drawn);
		Ok(drawn)
	}

	fn seat(&mut self, seat: &Seat, now: Duration, step: &mut Step) {
		let Seat {
			chain,
			epoch,
			round,
			member,
			standpoint,
		} = seat;
		let (chain, epoch, round, member) = (*chain, *epoch, *round, *member);
		self.tell(
			Notice::Seat {
				chain,
				epoch,
				round,
				member,
			},
			&mut step.notices,
		);
		match readiness::decide(standpoint) {
			Duty::Said => self.tell(
				Notice::Ready {
					chain,
					epoch,
					round,
					member,
				},
				&mut step.notices,
			),
			Duty::Wait(obstacle) => self.tell(
				Notice::NotReady {
					chain,
					epoch,
					member,
					obstacle,
				},
				&mut step.notices,
			),
			Duty::Say(sharing) => {
				let key = (
					chain,
					epoch,
					round,
					member,
					sharing.map(|sharing| sharing.attempt),
				);
				if self.words.is_due(&key, now) {
					self.words.tried(&key, now);
					step.actions.push(Action::Ready(Readiness {
						chain,
						epoch,
						round,
						member,
						sharing,
					}));
				}
			}
		}
	}

	/// Whether it is reported in this step.
	fn charge(&mut self, charge: &Charge, view: &View, now: Duration, step: &mut Step) -> bool {
		let key = (charge.chain, charge.epoch, charge.index);
		if charge.convicted {
			// What was settled before this node knew of it is no news.
			if self.cases.remove(&key).is_some() {
				let notice = Notice::Punished {
					chain: charge.chain,
					epoch: charge.epoch,
					member: charge.member,
				};
				self.tell(notice, &mut step.notices);
			}
			return false;
		}
		let case = *self.cases.entry(key).or_insert(Case { since: now, turn: 0 });
		if now < case.since.saturating_add(charge.delay) || !self.reports.is_due(&key, now) {
			return false;
		}
		let refused = &self.refused;
		let left: Vec<_> = charge
			.proofs
			.iter()
			.filter(|exhibit| !refused.contains(&(charge.chain, exhibit.id)))
			.collect();
		let Some(exhibit) = case.turn.checked_rem(left.len()).map(|at| left[at]) else {
			return false;
		};
		self.reports.tried(&key, now);
		// What convicts several members is reported once.
		let is_it = |report: &Report| (report.evidence.chain, report.exhibit) == (charge.chain, exhibit.id);
		let is_said = step
			.actions
			.iter()
			.any(|action| matches!(action, Action::Report(report) if is_it(report)));
		if is_said {
			return false;
		}
		step.actions.push(Action::Report(Box::new(Report {
			evidence: Evidence {
				chain: charge.chain,
				proof: Proof::clone(&exhibit.proof),
			},
			exhibit: exhibit.id,
			reporter: view.reporter.clone(),
			epoch: charge.epoch,
			index: charge.index,
			member: charge.member,
		})));
		true
	}

	/// After the pause, another proof against the same member has its turn, if there is one: it may be a better one, and the pool does
	/// not look at this one for a while.
	fn pass_turn(&mut self, key: &CaseKey) {
		if let Some(case) = self.cases.get_mut(key) {
			case.turn = case.turn.wrapping_add(1);
		}
	}

	/// Takes note of what became of an action. What the operator should know of it.
	pub fn outcome(&mut self, action: &Action, outcome: &Outcome, now: Duration) -> Vec<Notice> {
		let mut notices = Vec::new();
		let reason = match outcome {
			Outcome::Early => Some("it is early".into()),
			Outcome::Refused(code) => Some(format!("refused with code {code}")),
			Outcome::Failed(error) => Some(error.clone()),
			Outcome::Taken | Outcome::Known => None,
		};
		let again = |what, chain| {
			let reason = reason.clone()?;
			Some(Notice::Again { what, chain, reason })
		};
		let notice = match action {
			Action::Claim(claim, standing) => {
				let key = (claim.chain, claim.epoch, claim.round, claim.operator.clone());
				match outcome {
					Outcome::Taken | Outcome::Known => Some(Notice::CameForward {
						chain: claim.chain,
						epoch: claim.epoch,
						operator: claim.operator.clone(),
						standing: *standing,
					}),
					Outcome::Refused(code) if elections::ends_claim(*code) => {
						self.claims.end(&key);
						Some(Notice::ClaimRefused {
							chain: claim.chain,
							epoch: claim.epoch,
							operator: claim.operator.clone(),
							code: *code,
						})
					}
					Outcome::Early => {
						self.claims.early(&key, now);
						again("a claim", claim.chain)
					}
					Outcome::Refused(_) | Outcome::Failed(_) => again("a claim", claim.chain),
				}
			}
			Action::Ready(word) => {
				let attempt = word.sharing.map(|sharing| sharing.attempt);
				let key = (word.chain, word.epoch, word.round, word.member, attempt);
				match outcome {
					Outcome::Refused(code) if elections::ends_word(*code) => self.words.end(&key),
					Outcome::Early => self.words.early(&key, now),
					_ => {}
				}
				again("a word of readiness", word.chain)
			}
			Action::Report(report) => {
				let (chain, epoch, member) = (report.evidence.chain, report.epoch, report.member);
				let key = (chain, epoch, report.index);
				// A refused block is named itself: its proof convicts many.
				let block = match &report.evidence.proof {
					Proof::Votes { .. } => None,
					Proof::Checkpoint { .. } => Some(report.exhibit),
				};
				match outcome {
					Outcome::Taken => Some(match block {
						None => Notice::Reported { chain, epoch, member },
						Some(block) => Notice::BlockReported { chain, epoch, block },
					}),
					// Somebody else's report is in the pool.
					Outcome::Known => None,
					Outcome::Refused(code) if misconduct::may_count_later(*code) => {
						self.pass_turn(&key);
						again("a report", chain)
					}
					Outcome::Refused(code) => {
						if misconduct::ends_case(*code) {
							self.reports.end(&key);
						} else {
							// It convicts no other member either. Another proof against this one may be a better one.
							self.refused.insert((chain, report.exhibit));
							self.reports.restart(&key);
						}
						let code = *code;
						let notice = match block {
							None => Notice::ReportRefused {
								chain,
								epoch,
								member,
								code,
							},
							Some(block) => Notice::BlockExcused {
								chain,
								epoch,
								block,
								code,
							},
						};
						(code != misconduct::ALREADY_PUNISHED).then_some(notice)
					}
					Outcome::Early => {
						self.reports.early(&key, now);
						again("a report", chain)
					}
					Outcome::Failed(_) => {
						self.pass_turn(&key);
						again("a report", chain)
					}
				}
			}
		};
		if let Some(notice) = notice {
			self.tell(notice, &mut notices);
		}
		notices
	}
}

#[cfg(test)]
mod tests;
