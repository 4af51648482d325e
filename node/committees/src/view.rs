//! What the root chain's final state says to this node, together with what the node's own chains say.

use crate::{
	readiness::{Issuance, Needed, Place, Progressed, Standpoint},
	reports::{self, Exhibit},
	root::{RootChain, RootError},
	served::{Served, ServedChains, Serving},
};
use asterism_beacon::ReadyHandle;
use asterism_primitives::{
	beacon::SharingId,
	certificate::Round,
	committee::{Committee, Epoch, MemberId},
	digest::RootRef,
	election::{Candidacy, Election, Phase},
	keys::IDENTITY_KEY,
	root_state::MAX_CHAINS,
	AccountId, Balance, BlockNumber, ChainId, CurrencyId, Hash,
};
use std::{
	collections::{BTreeMap, BTreeSet},
	time::Duration,
};

/// How many identities of a keystore take part. A node needs one; a few more come of rotated keys.
pub const MAX_IDENTITIES: usize = 16;

/// An election that takes claims, and this node's candidates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenElection {
	/// The chain.
	pub chain: ChainId,
	/// The election on record.
	pub election: Election,
	/// How many elected nodes came forward.
	pub elected: u32,
	/// The operators of this node's identities that may take part.
	pub candidates: Vec<(AccountId, Candidacy)>,
}

/// A seat of this node in a next committee on record that is not ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seat {
	/// The chain.
	pub chain: ChainId,
	/// The epoch that the committee is for.
	pub epoch: Epoch,
	/// The round of the seed that elected it.
	pub round: BlockNumber,
	/// The member that this node is.
	pub member: MemberId,
	/// What it has and needs to be ready.
	pub standpoint: Standpoint,
}

/// After how many final blocks evidence is looked at again.
pub const CHARGES_EVERY: BlockNumber = 3;

/// What this node can prove against a member of a committee on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
	/// The chain.
	pub chain: ChainId,
	/// The committee's epoch.
	pub epoch: Epoch,
	/// The member's index in the committee.
	pub index: u32,
	/// The member.
	pub member: MemberId,
	/// Whether it has been punished for its service in this committee.
	pub convicted: bool,
	/// How long the report is left to others.
	pub delay: Duration,
	/// What proves it, each for itself: votes first, then certificates, then refused blocks, the oldest first of each.
	pub proofs: Vec<Exhibit>,
}

/// Something that makes no sense. What it is about is passed over.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Fault {
	/// More elections than chains.
	#[error(
		"{0} elections on record, expected at most one for each of {MAX_CHAINS} chains and the root chain"
	)]
	TooManyElections(usize),
	/// A chain with several elections, or one in the wrong place.
	#[error("the elections on record are not in ascending order of their chains, each once: chain {0}")]
	Order(ChainId),
	/// An election's committee is not there, or no committee.
	#[error("chain {0}: the committee of epoch {1} is not on record as one of this epoch, with members in ascending order")]
	Committee(ChainId, Epoch),
	/// The node has more identities than it may.
	#[error("the keystore has {0} identity keys (\"audi\"): only the first {MAX_IDENTITIES} take part in elections")]
	Identities(usize),
	/// A keystore can't be used.
	#[error("chain {0}: {1}")]
	Keys(ChainId, String),
}

/// What is so at one final root block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
	/// Whether the root chain is syncing: then all else is empty.
	pub syncing: bool,
	/// The final root block's number.
	pub finalized: BlockNumber,
	/// The number of the next root block.
	pub next: BlockNumber,
	/// The elections that take claims.
	pub open: Vec<OpenElection>,
	/// This node's seats in next committees.
	pub seats: Vec<Seat>,
	/// What this node can prove.
	pub charges: Vec<Charge>,
	/// Who gets rewards for this node's reports: its first operator.
	pub reporter: Option<AccountId>,
	/// What makes no sense.
	pub faults: Vec<Fault>,
}

/// Tells with which sharing this node is ready.
pub trait Shares: Send {
	/// The sharing for the root committee of this epoch that the node has its share of.
	fn share(&self, epoch: Epoch) -> Option<SharingId>;
}

impl Shares for ReadyHandle {
	fn share(&self, epoch: Epoch) -> Option<SharingId> {
		self.ready(epoch)
	}
}

/// Makes views.
pub struct Reader<B> {
	served: ServedChains,
	shares: B,
	/// The chains that were found to hold what they should.
	vetted: BTreeSet<ChainId>,
	/// The member that a chain's node serves as in a committee, as found before: asking costs signatures.
	members: BTreeMap<ChainId, (Epoch, BlockNumber, MemberId)>,
	/// What can be proved, as of this final block.
	charges: Option<(BlockNumber, Vec<Charge>)>,
}

impl<B: Shares> Reader<B> {
	/// Of these chains and shares.
	pub fn new(served: ServedChains, shares: B) -> Self {
		Reader {
			served,
			shares,
			vetted: BTreeSet::new(),
			members: BTreeMap::new(),
			charges: None,
		}
	}

	/// The chains that run here.
	pub fn served(&self) -> &ServedChains {
		&self.served
	}

	/// What is so now, to a node with these identities.
	///
	/// # Errors
	/// [`RootError`] if the root chain's state can't be read.
	pub fn view(&mut self, root: &dyn RootChain, mut identities: Vec<MemberId>) -> Result<View, RootError> {
		let position = root.position();
		let mut view = View {
			syncing: position.syncing,
			finalized: position.finalized.number,
			next: position.next,
			..View::default()
		};
		if view.syncing {
			return Ok(view);
		}
		let at = position.finalized.hash;
		identities.sort_unstable();
		identities.dedup();
		if identities.len() > MAX_IDENTITIES {
			view.faults.push(Fault::Identities(identities.len()));
			identities.truncate(MAX_IDENTITIES);
		}
		let mut operators = BTreeSet::new();
		for identity in &identities {
			if let Some(operator) = root.operator(at, *identity)? {
				view.reporter.get_or_insert(operator.clone());
				operators.insert(operator);
			}
		}

		let elections = root.elections(at)?;
		if elections.len() > MAX_CHAINS as usize + 1 {
			view.faults.push(Fault::TooManyElections(elections.len()));
			return Ok(view);
		}
		let mut before = None;
		for (chain, election) in elections {
			if before >= Some(chain) {
				view.faults.push(Fault::Order(chain));
				continue;
			}
			before = Some(chain);
			match election.phase {
				Phase::Open { .. } => {
					let mut candidates = Vec::new();
					for operator in &operators {
						if let Some(candidacy) = root.candidacy(at, chain, operator.clone())? {
							candidates.push((operator.clone(), candidacy));
						}
					}
					let elected = match candidates.is_empty() {
						true => 0,
						false => root.elected(at, chain)?,
					};
					view.open.push(OpenElection {
						chain,
						election,
						elected,
						candidates,
					});
				}
				Phase::Recorded { round, .. } => {
					let found = root
						.committee(at, chain, election.epoch)?
						.filter(|committee| committee.epoch() == election.epoch && committee.check().is_ok());
					match found {
						Some(committee) => self.seats(
							root,
							position.finalized,
							chain,
							round,
							&committee,
							&identities,
							&mut view,
						)?,
						None => view.faults.push(Fault::Committee(chain, election.epoch)),
					}
				}
				Phase::AwaitingSeed | Phase::Ready => {}
			}
		}
		let fresh = self
			.charges
			.as_ref()
			.filter(|(read, _)| (*read..read.saturating_add(CHARGES_EVERY)).contains(&view.finalized));
		view.charges = match fresh {
			Some((_, charges)) => charges.clone(),
			None => {
				let charges = self.charges(root, at, &identities)?;
				self.charges = Some((view.finalized, charges.clone()));
				charges
			}
		};
		Ok(view)
	}

	/// The seats of this node in a next committee.
	#[allow(clippy::too_many_arguments)]
	fn seats(
		&mut self,
		root: &dyn RootChain,
		finalized: RootRef,
		chain: ChainId,
		round: BlockNumber,
		committee: &Committee,
		identities: &[MemberId],
		view: &mut View,
	) -> Result<(), RootError> {
		let serving = self.served.get(chain);
		let epoch = committee.epoch();
		let serves_as = match &serving {
			Serving::Yes(served) => match self.serves_as(chain, round, committee, served) {
				Ok(member) => member,
				Err(fault) => {
					view.faults.push(fault);
					None
				}
			},
			Serving::Soon | Serving::No => None,
		};
		let mut ours: BTreeSet<_> = committee
			.members()
			.iter()
			.map(|member| member.id)
			.filter(|id| identities.contains(id))
			.collect();
		ours.extend(serves_as);
		if ours.is_empty() {
			return Ok(());
		}
		let said: BTreeMap<_, _> = root.ready_members(finalized.hash, chain)?.into_iter().collect();
		let needed = match chain.is_root() {
			false => Needed::Nothing,
			true => match root.attempt(finalized.hash, epoch)? {
				None => Needed::Nothing,
				Some(None) => Needed::NoAttempt,
				Some(Some(attempt)) => Needed::ShareOf(attempt),
			},
		};
		for member in ours {
			let place = match &serving {
				Serving::No => Place::Elsewhere,
				Serving::Soon => Place::Starting,
				Serving::Yes(_) if serves_as != Some(member) => Place::WithoutKeys,
				Serving::Yes(served) => Place::Here(self.progressed(root, finalized, chain, served)?),
			};
			view.seats.push(Seat {
				chain,
				epoch,
				round,
				member,
				standpoint: Standpoint {
					place,
					needed,
					share: chain.is_root().then(|| self.shares.share(epoch)).flatten(),
					said: said.get(&member).copied(),
				},
			});
		}
		Ok(())
	}

	/// The member that the chain's node serves as in a committee.
	fn serves_as(
		&mut self,
		chain: ChainId,
		round: BlockNumber,
		committee: &Committee,
		served: &Served,
	) -> Result<Option<MemberId>, Fault> {
		let key = (committee.epoch(), round);
		if let Some((epoch, of, member)) = self.members.get(&chain) {
			if (*epoch, *of) == key {
				return Ok(Some(*member));
			}
		}
		match served.keys.membership(committee) {
			Ok(Some((member, _))) => {
				self.members.insert(chain, (key.0, key.1, member.id));
				Ok(Some(member.id))
			}
			Ok(None) => Ok(None),
			Err(error) => Err(Fault::Keys(chain, error.to_string())),
		}
	}

	fn progressed(
		&mut self,
		root: &dyn RootChain,
		finalized: RootRef,
		chain: ChainId,
		served: &Served,
	) -> Result<Progressed, RootError> {
		let head = match chain.is_root() {
			true => Some(finalized),
			false => root.head(finalized.hash, chain)?,
		};
		let mut progressed = Progressed {
			finalized: served.progress.finalized(),
			head,
			local_at_head: head.and_then(|head| served.progress.final_hash(head.number)),
			issuance: Issuance::Unread,
		};
		// The root chain is followed from genesis, and issues what no chain answers for.
		if chain.is_root() || self.vetted.contains(&chain) {
			progressed.issuance = Issuance::Agrees;
		} else if let Some(head) = head.filter(|head| progressed.local_at_head == Some(head.hash)) {
			if let Some(issued) = served.progress.issued(head.hash) {
				progressed.issuance = match agree(issued, root.holdings(finalized.hash, chain)?) {
					true => Issuance::Agrees,
					false => Issuance::Differs,
				};
			}
		}
		if progressed.issuance == Issuance::Agrees {
			// From here on the node executes all blocks itself.
			self.vetted.insert(chain);
		}
		Ok(progressed)
	}

	/// What the served chains' evidence proves against members of committees on record, but for this node's own.
	fn charges(
		&self,
		root: &dyn RootChain,
		at: Hash,
		identities: &[MemberId],
	) -> Result<Vec<Charge>, RootError> {
		let mut all = Vec::new();
		for (chain, served) in self.served.running() {
			let evidence = served.evidence.evidence();
			let pairs = served.evidence.certificates();
			// The root chain has no traffic to judge.
			let refused = match chain.is_root() {
				true => Vec::new(),
				false => served.evidence.refused(),
			};
			let head = match refused.is_empty() {
				true => None,
				false => root.head(at, chain)?,
			};
			let mut committees = BTreeMap::new();
			let rounds = evidence.iter().map(|kept| kept.round);
			let rounds = rounds.chain(pairs.iter().map(|pair| pair.round()));
			for Round { epoch, .. } in rounds.chain(refused.iter().map(|block| block.round())) {
				if let std::collections::btree_map::Entry::Vacant(entry) = committees.entry(epoch) {
					let found = root.committee(at, chain, epoch)?;
					entry.insert(
						found.filter(|committee| committee.epoch() == epoch && committee.check().is_ok()),
					);
				}
			}
			let committee = |epoch| committees.get(&epoch).and_then(Option::as_ref);
			let of_votes = evidence.iter().filter_map(|kept| {
				let committee = committee(kept.round.epoch)?;
				let (index, proof) = reports::proof(kept, committee)?;
				Some((committee, kept.round, vec![index], proof))
			});
			let of_certificates = pairs.iter().filter_map(|pair| {
				let committee = committee(pair.round().epoch)?;
				let (guilty, proof) = reports::proof_of_certificates(pair, committee)?;
				Some((committee, pair.round(), guilty, proof))
			});
			let of_blocks = refused.iter().filter_map(|block| {
				let committee = committee(block.round().epoch)?;
				let imported = |hash| served.progress.header_of(hash);
				let (guilty, proof) = reports::proof_of_block(block, committee, head, imported)?;
				Some((committee, block.round(), guilty, proof))
			});
			let mut charges: BTreeMap<(Epoch, u32), Charge> = BTreeMap::new();
			for (committee, round, guilty, proof) in of_votes.chain(of_certificates).chain(of_blocks) {
				let exhibit = Exhibit::from(proof);
				for index in guilty {
					let Some(member) = committee.members().get(index as usize).map(|member| member.id) else {
						continue;
					};
					if identities.contains(&member) || has_identity(&served, &member) {
						continue;
					}
					let epoch = round.epoch;
					if let Some(charge) = charges.get_mut(&(epoch, index)) {
						charge.proofs.push(exhibit.clone());
						continue;
					}
					let charge = Charge {
						chain,
						epoch,
						index,
						member,
						convicted: root.is_convicted(at, chain, epoch, index)?,
						delay: delay(chain, round, committee, &served, identities),
						proofs: vec![exhibit.clone()],
					};
					charges.insert((epoch, index), charge);
				}
			}
			all.extend(charges.into_values());
		}
		Ok(all)
	}
}

fn has_identity(served: &Served, member: &MemberId) -> bool {
	served
		.keys
		.keystore()
		.has_keys(&[(member.0.to_vec(), IDENTITY_KEY)])
}

/// How long this node leaves a report to others.
fn delay(
	chain: ChainId,
	round: Round,
	committee: &Committee,
	served: &Served,
	identities: &[MemberId],
) -> Duration {
	let ours = committee
		.members()
		.iter()
		.map(|member| member.id)
		.find(|id| identities.contains(id) || has_identity(served, id));
	let place = ours.and_then(|id| reports::index_of(committee, &id));
	let id = ours.or(identities.first().copied());
	reports::delay(chain, round, committee.size(), place, id)
}

/// Whether both lists have the same amounts of the same currencies. Nothing of a currency is the same as no entry.
fn agree(issued: Vec<(CurrencyId, Balance)>, held: Vec<(CurrencyId, Balance)>) -> bool {
	let sums = |amounts: Vec<(CurrencyId, Balance)>| {
		let mut sums = BTreeMap::new();
		for (currency, amount) in amounts.into_iter().filter(|(_, amount)| *amount > 0) {
			let sum: &mut Option<Balance> = sums.entry(currency).or_insert(Some(0));
			*sum = sum.and_then(|sum| sum.checked_add(amount));
		}
		sums
	};
	let (issued, held) = (sums(issued), sums(held));
	// A sum that overflows is no amount at all.
	issued == held && issued.values().all(Option::is_some)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn amounts_are_compared_by_currency() {
		let (a, b) = (CurrencyId(0), CurrencyId(1));
		assert!(agree(vec![], vec![]));
		assert!(agree(vec![(a, 0)], vec![]));
		assert!(agree(vec![(a, 1), (b, 2)], vec![(b, 2), (a, 1)]));
		assert!(!agree(vec![(a, 1)], vec![(a, 2)]));
		assert!(!agree(vec![(a, 1)], vec![(b, 1)]));
		assert!(!agree(vec![(a, 1)], vec![]));
		let overflow = vec![(a, Balance::MAX), (a, 1)];
		assert!(!agree(overflow.clone(), overflow));
	}
}
