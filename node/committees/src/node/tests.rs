use super::*;
use crate::{
	attempts::{EARLY_PAUSE, FIRST_PAUSE, LONGEST_PAUSE},
	readiness::{Issuance, Needed, Place, Progressed, Standpoint},
	reports::Exhibit,
};
use asterism_primitives::{
	beacon::SharingId,
	certificate::{Certificate, CertificateKind, Round},
	committee::BlsSignature,
	digest::RootRef,
	election::{Candidacy, Election},
	offence::{Proposal, Vote, Votes},
	Header,
};
use asterism_protocol::sortition::{self, standing};
use parking_lot::Mutex;
use polkadot_sdk::{
	sp_core::Pair,
	sp_keystore::{testing::MemoryKeystore, Keystore},
};
use proptest::{collection::vec, prelude::*};
use std::{collections::BTreeSet, sync::Arc};

const SECOND: Duration = Duration::from_secs(1);

fn operator(i: u8) -> AccountId {
	AccountId::new([i; 32])
}

/// A seed in hex: a phrase takes long to make a key of.
fn suri(i: u8) -> String {
	format!("0x{:064x}", u32::from(i) + 1)
}

fn sortition_key(i: u8) -> SortitionPublic {
	SortitionPublic(sr25519::Pair::from_string(&suri(i), None).unwrap().public().0)
}

type Asked = Arc<Mutex<Vec<(ChainId, Epoch, BlockNumber)>>>;

/// A keystore that notes what is drawn for.
struct Noted {
	inside: KeystorePtr,
	asked: Asked,
}

impl Keyring for Noted {
	fn identities(&self) -> Vec<MemberId> {
		self.inside.identities()
	}
	fn draw(&self, key: &SortitionPublic, election: &Open) -> Result<SortitionProof, DrawError> {
		self.asked
			.lock()
			.push((election.chain(), election.epoch(), election.round()));
		self.inside.draw(key, election)
	}
}

fn keystore(nodes: impl IntoIterator<Item = u8>) -> KeystorePtr {
	let keystore = MemoryKeystore::new();
	for i in nodes {
		let key = sortition_key(i);
		keystore.insert(SORTITION_KEY, &suri(i), &key.0).unwrap();
		keystore.insert(IDENTITY_KEY, &suri(i), &key.0).unwrap();
	}
	Arc::new(keystore)
}

fn node(nodes: impl IntoIterator<Item = u8>) -> (Node<Noted>, Asked) {
	let asked = Asked::default();
	let keyring = Noted {
		inside: keystore(nodes),
		asked: asked.clone(),
	};
	(Node::new(keyring), asked)
}

fn open_election(
	chain: u32,
	epoch: Epoch,
	(signalled, round, opened, deadline): (u32, u32, u32, u32),
	total: u128,
	expected: u32,
) -> OpenElection {
	OpenElection {
		chain: ChainId(chain),
		election: Election {
			epoch,
			attempt: 0,
			signalled,
			total,
			expected,
			phase: Phase::Open {
				round,
				seed: Hash::from_low_u64_be(round.into()),
				opened,
				deadline,
			},
		},
		elected: 0,
		candidates: Vec::new(),
	}
}

fn candidate(i: u8, share: u128, claimed: bool) -> (AccountId, Candidacy) {
	let candidacy = Candidacy {
		sortition: sortition_key(i),
		share,
		claimed,
	};
	(operator(i), candidacy)
}

fn view(finalized: BlockNumber, open: Vec<OpenElection>) -> View {
	View {
		finalized,
		next: finalized + 1,
		open,
		..View::default()
	}
}

/// The number that the claim's key drew, if the claim is right for an election.
fn number(claim: &Claim, i: u8, open: &OpenElection) -> u128 {
	let Phase::Open { seed, round, .. } = open.election.phase else {
		panic!("a claim for an election that is not open");
	};
	assert_eq!(
		(claim.chain, claim.epoch, claim.round),
		(open.chain, open.election.epoch, round)
	);
	let key = sortition_key(i);
	assert!(claim.proof.verify(&key, seed, claim.chain, claim.epoch));
	claim.proof.number(&key, seed, claim.chain, claim.epoch).unwrap()
}

fn claims(step: &Step) -> Vec<(Claim, Standing)> {
	let claim = |action: &Action| match action {
		Action::Claim(claim, standing) => Some((claim.clone(), *standing)),
		_ => None,
	};
	step.actions.iter().filter_map(claim).collect()
}

/// No notice of a step tells anybody what was drawn.
fn assert_secret(step: &Step) {
	for notice in &step.notices {
		let draws = matches!(
			notice,
			Notice::CameForward { .. } | Notice::ClaimRefused { .. } | Notice::Again { .. }
		);
		assert!(!draws, "{notice}");
	}
}

#[test]
fn nothing_is_drawn_before_the_election_is_open_and_sound() {
	let (mut node, asked) = node([1]);
	let mut open = open_election(1, 4, (10, 10, 12, 20), 100, 2);
	open.candidates = vec![candidate(1, 100, false)];
	let Phase::Open {
		seed,
		opened,
		deadline,
		..
	} = open.election.phase
	else {
		unreachable!()
	};
	let with = |phase| OpenElection {
		election: Election {
			phase,
			..open.election
		},
		..open.clone()
	};
	// Not yet open, though the plumbing said so; a seed of before the signal; one of the future.
	for (finalized, phase) in [
		(11, Phase::AwaitingSeed),
		(
			12,
			Phase::Open {
				round: 9,
				seed,
				opened,
				deadline,
			},
		),
		(
			12,
			Phase::Open {
				round: 12,
				seed,
				opened,
				deadline,
			},
		),
		(
			11,
			Phase::Open {
				round: 10,
				seed,
				opened,
				deadline,
			},
		),
		(30, Phase::Recorded { round: 10, until: 40 }),
	] {
		let step = node.step(&view(finalized, vec![with(phase)]), SECOND);
		assert_eq!(step.actions, []);
	}
	assert!(asked.lock().is_empty());
	let step = node.step(&view(12, vec![open.clone()]), SECOND);
	assert_eq!(claims(&step).len(), 1);
	assert_eq!(asked.lock().as_slice(), [(ChainId(1), 4, 10)]);
	// While it syncs, the root chain's state is old.
	let syncing = View {
		syncing: true,
		..view(13, vec![open])
	};
	assert_eq!(node.step(&syncing, 100 * SECOND), Step::default());
}

#[test]
fn a_claim_is_repeated_until_it_is_on_record() {
	let (mut node, asked) = node([1]);
	let mut open = open_election(1, 4, (10, 10, 12, 200), 100, 2);
	open.candidates = vec![candidate(1, 100, false)];
	let at = |finalized| view(finalized, vec![open.clone()]);
	let mut sent = Vec::new();
	for second in 0..100 {
		let now = SECOND * second;
		let step = node.step(&at(12 + second), now);
		assert_secret(&step);
		for (claim, standing) in claims(&step) {
			sent.push((second, claim.clone()));
			let notices = node.outcome(&Action::Claim(claim, standing), &Outcome::Taken, now);
			// It is told once, when it is public.
			assert_eq!(notices.len(), usize::from(sent.len() == 1));
			assert!(notices.iter().all(|n| matches!(n, Notice::CameForward { .. })));
		}
	}
	let seconds: Vec<_> = sent.iter().map(|(second, _)| *second).collect();
	assert_eq!(seconds, [0, 3, 9, 21, 45, 75]);
	assert!(sent.iter().all(|(_, claim)| *claim == sent[0].1), "one claim");
	assert_eq!(asked.lock().len(), 1, "the keystore is asked once");
	open.candidates[0].1.claimed = true;
	for second in 100..200 {
		assert_eq!(
			node.step(&view(112 + second, vec![open.clone()]), SECOND * second),
			Step::default()
		);
	}
}

#[test]
fn refusals_end_a_claim_or_delay_it() {
	let claim_once = |outcome: Outcome| {
		let (mut node, _) = node([1]);
		let mut open = open_election(1, 4, (10, 10, 12, 5_000), 100, 2);
		open.candidates = vec![candidate(1, 100, false)];
		let mut times = Vec::new();
		for second in 0..40 {
			let now = SECOND * second;
			let step = node.step(&view(12 + second, vec![open.clone()]), now);
			for (claim, standing) in claims(&step) {
				times.push(second);
				let notices = node.outcome(&Action::Claim(claim, standing), &outcome, now);
				assert!(notices.iter().all(|notice| notice.level() == log::Level::Debug));
			}
		}
		times
	};
	for code in [
		elections::UNKNOWN_NODE,
		elections::NOT_ACTIVE,
		elections::BAD_PROOF,
		elections::NOT_ELECTED,
	] {
		assert_eq!(claim_once(Outcome::Refused(code)), [0]);
	}
	// The newest block may not become final: it is tried again, ever more slowly.
	assert_eq!(claim_once(Outcome::Refused(13)), [0, 3, 9, 21]);
	assert_eq!(claim_once(Outcome::Failed("full".into())), [0, 3, 9, 21]);
	assert_eq!(claim_once(Outcome::Early), (0..40).collect::<Vec<_>>());
	assert_eq!(EARLY_PAUSE, SECOND);
}

#[test]
fn a_keystore_without_the_key_draws_when_it_gets_it() {
	let keystore = keystore([2]);
	let mut node = Node::new(keystore.clone());
	let mut open = open_election(1, 4, (10, 10, 12, 5_000), 100, 2);
	open.candidates = vec![candidate(1, 100, false), candidate(2, 100, false)];
	let mut told = Vec::new();
	let mut step = |second: u32| {
		let step = node.step(&view(12 + second, vec![open.clone()]), SECOND * second);
		told.extend(step.notices.iter().cloned());
		let operators = claims(&step).into_iter().map(|(claim, _)| claim.operator);
		operators.collect::<Vec<_>>()
	};
	assert_eq!(step(0), [operator(2)], "the other node is not held up");
	assert_eq!(step(1), []);
	keystore
		.insert(SORTITION_KEY, &suri(1), &sortition_key(1).0)
		.unwrap();
	assert_eq!(step(2), []);
	assert_eq!(step(3), [operator(1), operator(2)]);
	let expected = Notice::CannotDraw {
		operator: operator(1),
		key: sortition_key(1),
		error: DrawError::NoKey,
	};
	assert_eq!(told, std::slice::from_ref(&expected));
	assert!(expected.to_string().contains("vrf_"), "{expected}");
}

/// A keystore that answers with another key's draw, or for another election.
struct Liar(bool);
impl Keyring for Liar {
	fn identities(&self) -> Vec<MemberId> {
		Vec::new()
	}
	fn draw(&self, key: &SortitionPublic, election: &Open) -> Result<SortitionProof, DrawError> {
		if self.0 {
			return keystore([2]).draw(&sortition_key(2), election);
		}
		let data = sign_data(Hash::zero(), election.chain(), election.epoch());
		let public = sr25519::Public::from_raw(key.0);
		let signature = keystore([1]).sr25519_vrf_sign(SORTITION_KEY, &public, &data);
		Ok(SortitionProof::from(&signature.unwrap().unwrap()))
	}
}

#[test]
fn a_wrong_draw_is_not_published() {
	for liar in [Liar(true), Liar(false)] {
		let mut node = Node::new(liar);
		let mut open = open_election(1, 4, (10, 10, 12, 20), 100, 2);
		open.candidates = vec![candidate(1, 100, false)];
		let step = node.step(&view(12, vec![open]), SECOND);
		assert_eq!(step.actions, []);
		assert!(matches!(
			step.notices.as_slice(),
			[Notice::CannotDraw {
				error: DrawError::Wrong,
				..
			}]
		));
	}
}

fn any_open() -> impl Strategy<Value = OpenElection> {
	(
		0u32..3,
		0u64..3,
		(0u32..12, 0u32..12, 0u32..14, 0u32..30),
		1u128..200,
		0u32..4,
		0u32..5,
		vec((0u8..3, 0u128..200, prop::bool::weighted(0.2)), 0..3),
	)
		.prop_map(
			|(chain, epoch, blocks, total, expected, elected, candidates)| OpenElection {
				elected,
				candidates: candidates
					.into_iter()
					.map(|(i, share, claimed)| candidate(i, share, claimed))
					.collect::<BTreeMap<_, _>>()
					.into_iter()
					.collect(),
				..open_election(chain, epoch, blocks, total, expected)
			},
		)
}

/// Views that make no sense together, nor each in itself.
fn any_views() -> impl Strategy<Value = Vec<(View, u64)>> {
	let view = (0u32..30, 0u32..3, vec(any_open(), 0..4)).prop_map(|(finalized, ahead, open)| {
		let open: BTreeMap<_, _> = open.into_iter().map(|open| (open.chain, open)).collect();
		View {
			next: finalized + ahead,
			..view(finalized, open.into_values().collect())
		}
	});
	vec((view, 0u64..9_000), 1..12)
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(300))]

	/// Whatever the root chain says, in whatever order: a draw is made and published only for an election that is open in
	/// that very view, whose seed's round is not before the signal; only if the chain's rules take it; always the same
	/// number, and not before its pause is over.
	#[test]
	fn what_reveals_a_draw(views in any_views()) {
		let (mut node, asked) = node([0, 1, 2]);
		let mut numbers = BTreeMap::new();
		let mut last: BTreeMap<ClaimKey, Duration> = BTreeMap::new();
		let mut now = Duration::ZERO;
		for (view, millis) in views {
			now += Duration::from_millis(millis);
			asked.lock().clear();
			let step = node.step(&view, now);
			assert_secret(&step);
			// An election that another one of its chain took the place of is forgotten.
			last.retain(|(chain, epoch, round, _), _| {
				view.open.iter().filter(|open| open.chain == *chain).all(|open| {
					let Phase::Open { round: of, .. } = open.election.phase else { return false };
					(open.election.epoch, of) == (*epoch, *round)
				})
			});
			let sound = |chain: ChainId, epoch: Epoch, round: BlockNumber| {
				view.open.iter().find(|open| open.chain == chain).is_some_and(|open| {
					let election = &open.election;
					let Phase::Open { round: of, opened, .. } = election.phase else { return false };
					election.epoch == epoch && of == round && round >= election.signalled
						&& opened <= view.finalized
				})
			};
			for (chain, epoch, round) in asked.lock().iter() {
				prop_assert!(sound(*chain, *epoch, *round));
			}
			for (claim, as_what) in claims(&step) {
				prop_assert!(sound(claim.chain, claim.epoch, claim.round));
				let open = view.open.iter().find(|open| open.chain == claim.chain).unwrap();
				let i = claim.operator.as_ref() as &[u8];
				let i = i[0];
				let number = number(&claim, i, open);
				let (_, candidacy) =
					open.candidates.iter().find(|(operator, _)| *operator == claim.operator).unwrap();
				prop_assert!(!candidacy.claimed);
				let election = &open.election;
				prop_assert_eq!(as_what, standing(number, candidacy.share, election.total));
				let window = election.window().unwrap();
				prop_assert_eq!(window.accepts(view.next, as_what, open.elected, election.expected), Ok(()));
				let key = (claim.chain, claim.epoch, claim.round, claim.operator.clone());
				prop_assert_eq!(*numbers.entry(key.clone()).or_insert(number), number);
				if let Some(before) = last.insert(key, now) {
					prop_assert!(now - before >= FIRST_PAUSE);
				}
			}
		}
	}
}

/// A chain that holds an election by the real rules, with nodes that follow it over a lossy way.
struct Simulation {
	open: OpenElection,
	phase_at: BlockNumber,
	weights: Vec<(u8, u128)>,
	record: BTreeMap<AccountId, (u128, Standing, BlockNumber)>,
}

impl Simulation {
	fn view_of(&self, i: u8, finalized: BlockNumber) -> View {
		let elected_then = |record: &BTreeMap<AccountId, (u128, Standing, BlockNumber)>| {
			record
				.values()
				.filter(|(_, standing, at)| *standing == Standing::Elected && *at <= finalized)
				.count() as u32
		};
		let election = self.open.election;
		let share = |weight| sortition::share(weight, election.total, election.expected);
		let weight = self.weights.iter().find(|(other, _)| *other == i).unwrap().1;
		let claimed = self
			.record
			.get(&operator(i))
			.is_some_and(|(.., at)| *at <= finalized);
		let open = OpenElection {
			elected: elected_then(&self.record),
			candidates: vec![candidate(i, share(weight), claimed)],
			election: Election {
				phase: match finalized >= self.phase_at {
					true => election.phase,
					false => Phase::AwaitingSeed,
				},
				..election
			},
			..self.open.clone()
		};
		view(finalized, vec![open])
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(60))]

	/// An election over blocks, in which claims get lost and nodes restart: nobody draws before the seed is final; everybody
	/// who is elected gets on record, once and with one number, if its claims arrive in time; nodes on standby only in the second
	/// half and only while too few are elected; nobody else ever says a word.
	#[test]
	fn an_election_by_the_real_rules(
		weights in vec(1u128..50, 3..7),
		expected in 1u32..4,
		round in 10u32..14,
		lost in vec(prop::bool::weighted(0.5), 200),
		restarts in vec(prop::bool::weighted(0.1), 200),
	) {
		let (signalled, opened, deadline) = (10, round + 1, round + 41);
		let weights: Vec<_> = weights.into_iter().enumerate().map(|(i, weight)| (i as u8, weight)).collect();
		let total = weights.iter().map(|(_, weight)| weight).sum();
		let mut simulation = Simulation {
			open: open_election(1, 4, (signalled, round, opened, deadline), total, expected),
			phase_at: opened,
			weights: weights.clone(),
			record: BTreeMap::new(),
		};
		let mut nodes: Vec<_> = weights.iter().map(|(i, _)| node([*i])).collect();
		let mut seen: BTreeMap<u8, BTreeSet<u128>> = BTreeMap::new();
		let (mut lost, mut restarts) = (lost.into_iter().cycle(), restarts.into_iter().cycle());
		// The way loses two claims of a node at most: the third comes well before the deadline.
		let mut losses: BTreeMap<u8, u32> = BTreeMap::new();
		for block in signalled..deadline + 5 {
			let now = SECOND * block;
			let window = simulation.open.election.window().unwrap();
			for (i, _) in &weights {
				let (node, asked) = &mut nodes[usize::from(*i)];
				if restarts.next().unwrap() {
					(*node, *asked) = self::node([*i]);
				}
				// The newest final block is the one before.
				let step = node.step(&simulation.view_of(*i, block - 1), now);
				assert_secret(&step);
				if block - 1 < opened {
					prop_assert!(asked.lock().is_empty() && step.actions.is_empty());
				}
				for (claim, as_what) in claims(&step) {
					let number = number(&claim, *i, &simulation.open);
					seen.entry(*i).or_default().insert(number);
					let share = sortition::share(weights[usize::from(*i)].1, total, expected);
					prop_assert_eq!(standing(number, share, total), as_what);
					let elected = simulation.record.values().filter(|(_, s, _)| *s == Standing::Elected).count();
					let losses = losses.entry(*i).or_default();
					let outcome = if *losses < 2 && lost.next().unwrap() {
						*losses += 1;
						Outcome::Taken
					} else if simulation.record.contains_key(&claim.operator) {
						Outcome::Refused(13)
					} else {
						match window.accepts(block, as_what, elected as u32, expected) {
							Ok(()) => {
								simulation.record.insert(claim.operator.clone(), (number, as_what, block));
								Outcome::Taken
							},
							// Another node came forward in this very block.
							Err(refusal) => {
								prop_assert_eq!(as_what, Standing::Standby);
								prop_assert!(block >= window.standby_from(), "{:?}", refusal);
								Outcome::Refused(12)
							},
						}
					};
					node.outcome(&Action::Claim(claim, as_what), &outcome, now);
				}
			}
		}
		prop_assert!(seen.values().all(|numbers| numbers.len() == 1), "never two claims");
		let elected = simulation.record.values().filter(|(_, s, _)| *s == Standing::Elected).count() as u32;
		for (i, weight) in &weights {
			// What the key draws, computed apart.
			let mut probe = self::node([*i]).0;
			let open = Open::of(ChainId(1), &simulation.open.election, opened).unwrap().unwrap();
			let key = (ChainId(1), 4, round, operator(*i));
			let drawn = probe.draw(&key, &sortition_key(*i), &open).unwrap();
			let share = sortition::share(*weight, total, expected);
			let record = simulation.record.get(&operator(*i));
			match standing(drawn.number, share, total) {
				Standing::Elected => prop_assert_eq!(record.map(|(_, standing, _)| *standing), Some(Standing::Elected)),
				Standing::Standby => {
					let window = simulation.open.election.window().unwrap();
					prop_assert!(record.is_none_or(|(.., at)| *at >= window.standby_from()));
					// While too few are elected, everybody on standby comes forward.
					prop_assert!(elected >= expected || record.is_some());
				},
				Standing::Neither => prop_assert!(record.is_none() && !seen.contains_key(i)),
			}
		}
	}
}

fn sharing(attempt: u64) -> SharingId {
	SharingId {
		attempt,
		output: Hash::repeat_byte(attempt as u8),
	}
}

fn seat(chain: u32, round: BlockNumber, place: Place, needed: Needed) -> Seat {
	Seat {
		chain: ChainId(chain),
		epoch: 4,
		round,
		member: MemberId([1; 32]),
		standpoint: Standpoint {
			place,
			needed,
			share: None,
			said: None,
		},
	}
}

fn here() -> Place {
	let head = RootRef {
		number: 5,
		hash: Hash::repeat_byte(5),
	};
	Place::Here(Progressed {
		finalized: 7,
		head: Some(head),
		local_at_head: Some(head.hash),
		issuance: Issuance::Agrees,
	})
}

fn with_seats(seats: Vec<Seat>) -> View {
	View {
		seats,
		..view(30, Vec::new())
	}
}

#[test]
fn a_word_is_repeated_until_it_is_on_record_and_given_again_for_another_committee() {
	let (mut node, _) = node([1]);
	let mut seat = seat(1, 10, here(), Needed::Nothing);
	let word = |round| Readiness {
		chain: ChainId(1),
		epoch: 4,
		round,
		member: MemberId([1; 32]),
		sharing: None,
	};
	let mut seconds = Vec::new();
	for second in 0..30 {
		let now = SECOND * second;
		for action in node.step(&with_seats(vec![seat.clone()]), now).actions {
			assert_eq!(action, Action::Ready(word(10)));
			seconds.push(second);
			node.outcome(&action, &Outcome::Taken, now);
		}
	}
	assert_eq!(seconds, [0, 3, 9, 21]);
	seat.standpoint.said = Some(None);
	let step = node.step(&with_seats(vec![seat.clone()]), 300 * SECOND);
	assert_eq!(step.actions, []);
	assert!(matches!(step.notices.as_slice(), [Notice::Ready { .. }]));
	assert_eq!(
		node.step(&with_seats(vec![seat.clone()]), 301 * SECOND),
		Step::default()
	);
	// The election was repeated, and the same member elected: another committee.
	seat.round = 50;
	seat.standpoint.said = None;
	let step = node.step(&with_seats(vec![seat.clone()]), 302 * SECOND);
	assert_eq!(step.actions, [Action::Ready(word(50))]);
	// A signature that the chain refuses does not get better.
	let refused = Outcome::Refused(elections::BAD_SIGNATURE);
	node.outcome(&step.actions[0], &refused, 302 * SECOND);
	assert_eq!(
		node.step(&with_seats(vec![seat]), 900 * SECOND).actions,
		Vec::<Action>::new()
	);
}

#[test]
fn a_root_member_speaks_once_for_each_attempt() {
	let (mut node, _) = node([1]);
	let mut seat = seat(0, 10, here(), Needed::ShareOf(1));
	let words = |node: &mut Node<Noted>, seat: &Seat, second: u32| {
		let actions = node
			.step(&with_seats(vec![seat.clone()]), SECOND * second)
			.actions;
		let sharing = |action: Action| match action {
			Action::Ready(word) => word.sharing,
			_ => panic!("no word"),
		};
		actions.into_iter().map(sharing).collect::<Vec<_>>()
	};
	assert_eq!(words(&mut node, &seat, 0), []);
	seat.standpoint.share = Some(sharing(1));
	assert_eq!(words(&mut node, &seat, 1), [Some(sharing(1))]);
	// The attempt came to nothing: its share is of no use for the next one, which needs no pause.
	seat.standpoint.needed = Needed::ShareOf(2);
	assert_eq!(words(&mut node, &seat, 2), []);
	seat.standpoint.share = Some(sharing(2));
	assert_eq!(words(&mut node, &seat, 2), [Some(sharing(2))]);
	seat.standpoint.said = Some(Some(sharing(2)));
	assert_eq!(words(&mut node, &seat, 100), []);
}

#[test]
fn who_must_run_another_chain_is_told_and_says_nothing() {
	let (mut node, _) = node([1]);
	let seats = vec![
		seat(1, 10, here(), Needed::Nothing),
		seat(2, 10, Place::Elsewhere, Needed::Nothing),
		seat(3, 10, Place::WithoutKeys, Needed::Nothing),
		seat(4, 10, Place::Starting, Needed::Nothing),
	];
	let mut warned = Vec::new();
	for second in 0..100 {
		let step = node.step(&with_seats(seats.clone()), SECOND * second);
		for action in step.actions {
			assert!(matches!(action, Action::Ready(word) if word.chain == ChainId(1)));
		}
		let warnings = step
			.notices
			.into_iter()
			.filter(|notice| notice.level() == log::Level::Warn);
		warned.extend(warnings.map(|notice| notice.to_string()));
	}
	assert_eq!(warned.len(), 2, "{warned:?}");
	assert!(
		warned[0].contains("chain 2") && warned[0].contains("must run the chain"),
		"{}",
		warned[0]
	);
	assert!(
		warned[1].contains("chain 3") && warned[1].contains("keystore"),
		"{}",
		warned[1]
	);
}

fn proof(byte: u8) -> Proof {
	let votes = |block: u8| {
		let vote = Vote::Notarize(Proposal {
			parent_view: 1,
			block_hash: Hash::repeat_byte(block),
		});
		Votes::single(Round { epoch: 4, view: 2 }, vote, 4, 2, BlsSignature([block; 48])).unwrap()
	};
	Proof::Votes {
		first: votes(byte),
		second: votes(byte + 1),
	}
}

fn charge(index: u32, delay: Duration, proofs: Vec<Proof>) -> Charge {
	Charge {
		chain: ChainId(1),
		epoch: 4,
		index,
		member: MemberId([index as u8; 32]),
		convicted: false,
		delay,
		proofs: proofs.into_iter().map(Exhibit::from).collect(),
	}
}

/// What a block may prove that is refused here, with so many headers before it.
fn proof_of_block(byte: u8, before: u32) -> Proof {
	let header = |number| Header {
		parent_hash: Hash::zero(),
		number,
		state_root: Hash::zero(),
		extrinsics_root: Hash::zero(),
		digest: Default::default(),
	};
	Proof::Checkpoint {
		headers: (0..=before).map(header).collect::<Vec<_>>().try_into().unwrap(),
		certificate: Certificate {
			kind: CertificateKind::Finalization,
			round: Round { epoch: 4, view: 2 },
			parent_view: 1,
			block_hash: Hash::repeat_byte(byte),
			signers: Certificate::bitmap(4, [0, 1, 2]).unwrap(),
			signature: BlsSignature([byte; 48]),
		},
	}
}

fn with_charges(charges: Vec<Charge>) -> View {
	View {
		charges,
		reporter: Some(operator(7)),
		..view(30, Vec::new())
	}
}

fn reports(step: &Step) -> Vec<Report> {
	let report = |action: &Action| match action {
		Action::Report(report) => Some((**report).clone()),
		_ => None,
	};
	step.actions.iter().filter_map(report).collect()
}

#[test]
fn a_report_waits_for_its_turn_and_ends_with_the_conviction() {
	let (mut node, _) = node([1]);
	let mut charge = charge(2, 5 * SECOND, vec![proof(1)]);
	let mut seconds = Vec::new();
	for second in 0..20 {
		let now = SECOND * second;
		let step = node.step(&with_charges(vec![charge.clone()]), now);
		for report in reports(&step) {
			seconds.push(second);
			assert_eq!(report.reporter, Some(operator(7)));
			assert_eq!(
				report.evidence,
				Evidence {
					chain: ChainId(1),
					proof: proof(1)
				}
			);
			node.outcome(&Action::Report(Box::new(report)), &Outcome::Taken, now);
		}
	}
	assert_eq!(seconds, [5, 8, 14]);
	charge.convicted = true;
	let step = node.step(&with_charges(vec![charge.clone()]), 500 * SECOND);
	assert_eq!(step.actions, []);
	assert!(matches!(step.notices.as_slice(), [Notice::Punished { .. }]));
	assert_eq!(
		node.step(&with_charges(vec![charge.clone()]), 501 * SECOND),
		Step::default()
	);
	// After a restart, what is settled is no news.
	let (mut node, _) = self::node([1]);
	assert_eq!(node.step(&with_charges(vec![charge]), SECOND), Step::default());
}

#[test]
fn refused_evidence_gives_way_to_the_next_or_ends_the_case() {
	let run = |code: u8| {
		let (mut node, _) = node([1]);
		let charge = charge(2, Duration::ZERO, vec![proof(1), proof(3), proof(5)]);
		let mut proofs = Vec::new();
		for second in 0..200 {
			let now = SECOND * second;
			let step = node.step(&with_charges(vec![charge.clone()]), now);
			for report in reports(&step) {
				proofs.push(report.evidence.proof.clone());
				node.outcome(&Action::Report(Box::new(report)), &Outcome::Refused(code), now);
			}
		}
		proofs
	};
	assert_eq!(run(12), [proof(1), proof(3), proof(5)]);
	for code in [
		misconduct::ALREADY_PUNISHED,
		misconduct::NO_OPERATOR,
		misconduct::TOO_OLD,
		misconduct::NO_COMMITTEE,
	] {
		assert_eq!(run(code), [proof(1)]);
	}
}

#[test]
fn what_cant_be_judged_yet_is_tried_again_ever_more_slowly_and_gives_way_meanwhile() {
	let not_next = Outcome::Refused(misconduct::NOT_NEXT);
	let (mut node, _) = node([1]);
	// More of the chain gets on record, and it is the same block.
	let charge = |second| charge(2, Duration::ZERO, vec![proof_of_block(1, 20 - second / 10)]);
	let mut seconds = Vec::new();
	for second in 0..100 {
		let now = SECOND * second;
		let step = node.step(&with_charges(vec![charge(second)]), now);
		for report in reports(&step) {
			seconds.push(second);
			assert_eq!(report.evidence.proof, proof_of_block(1, 20 - second / 10));
			let notices = node.outcome(&Action::Report(Box::new(report)), &not_next, now);
			assert!(notices.iter().all(|notice| notice.level() == log::Level::Debug));
		}
	}
	assert_eq!(seconds, [0, 3, 9, 21, 45, 75]);
	// At last it is taken, which is told with the block's name.
	let now = 200 * SECOND;
	let step = node.step(&with_charges(vec![charge(200)]), now);
	let report = reports(&step).remove(0);
	let notices = node.outcome(&Action::Report(Box::new(report)), &Outcome::Taken, now);
	let told = Notice::BlockReported {
		chain: ChainId(1),
		epoch: 4,
		block: Hash::repeat_byte(1),
	};
	assert_eq!(notices, [told]);

	// Two blocks, and votes: each has its turn.
	let (mut node, _) = self::node([1]);
	let proofs = vec![proof(1), proof_of_block(3, 0), proof_of_block(5, 0)];
	let charge = self::charge(2, Duration::ZERO, proofs.clone());
	let mut reported = Vec::new();
	for second in 0..80 {
		let now = SECOND * second;
		for report in reports(&node.step(&with_charges(vec![charge.clone()]), now)) {
			let proof = report.evidence.proof.clone();
			let outcome = match proof == proofs[0] {
				true => Outcome::Refused(12),
				false => not_next.clone(),
			};
			reported.push(proof);
			node.outcome(&Action::Report(Box::new(report)), &outcome, now);
		}
	}
	assert_eq!(reported[0], proofs[0]);
	assert!(reported.len() > 4 && reported[1..].iter().all(|proof| *proof != proofs[0]));
	for pair in reported[1..].windows(2) {
		assert_ne!(pair[0], pair[1]);
	}
}

#[test]
fn what_convicts_nobody_is_dropped_for_all_whom_it_names() {
	let (mut node, _) = node([1]);
	let block = proof_of_block(1, 2);
	let mut charges: Vec<_> = (0..20)
		.map(|i| charge(i, Duration::ZERO, vec![block.clone()]))
		.collect();
	// One of them contradicted itself as well.
	charges[7].proofs.push(Exhibit::from(proof(3)));
	let (mut blocks, mut votes, mut notices) = (0, 0, Vec::new());
	for second in 0..100 {
		let now = SECOND * second;
		for report in reports(&node.step(&with_charges(charges.clone()), now)) {
			let outcome = match report.evidence.proof == block {
				true => {
					blocks += 1;
					Outcome::Refused(misconduct::CONSISTENT)
				}
				false => {
					votes += 1;
					assert_eq!(report.index, 7);
					Outcome::Taken
				}
			};
			notices.extend(node.outcome(&Action::Report(Box::new(report)), &outcome, now));
		}
	}
	assert_eq!(blocks, 1);
	assert!(votes > 1, "as long as the member is not convicted");
	let excused = Notice::BlockExcused {
		chain: ChainId(1),
		epoch: 4,
		block: Hash::repeat_byte(1),
		code: misconduct::CONSISTENT,
	};
	assert_eq!(excused.level(), log::Level::Warn);
	assert!(notices.contains(&excused) && notices.len() == 2, "{notices:?}");
	// What is gone from the view is forgotten.
	node.step(&with_charges(Vec::new()), 200 * SECOND);
	assert!(node.refused.is_empty());
}

#[test]
fn evidence_against_many_is_reported_bit_by_bit() {
	let (mut node, _) = node([1]);
	let charges: Vec<_> = (0..20)
		.map(|i| charge(i, Duration::ZERO, vec![proof(i as u8)]))
		.collect();
	let mut reported = BTreeSet::new();
	for second in 0..3 {
		let step = node.step(&with_charges(charges.clone()), SECOND * second);
		assert!(reports(&step).len() <= MAX_REPORTS);
		reported.extend(reports(&step).into_iter().map(|report| report.index));
	}
	assert_eq!(reported.len(), 20);
}

#[test]
fn what_convicts_several_members_is_reported_once() {
	let (mut node, _) = node([1]);
	let mut charges: Vec<_> = (0..20)
		.map(|i| charge(i, Duration::ZERO, vec![proof(1)]))
		.collect();
	charges.push(charge(20, Duration::ZERO, vec![proof(7)]));
	let step = node.step(&with_charges(charges.clone()), Duration::ZERO);
	let reported: Vec<_> = reports(&step).into_iter().map(|report| report.index).collect();
	assert_eq!(reported, [0, 20]);
	assert_eq!(
		reports(&node.step(&with_charges(charges.clone()), SECOND / 4)).len(),
		0
	);
	// It convicts all but one, as that one's stake was gone for a time: then it is reported for that one's sake.
	for charge in &mut charges {
		charge.convicted = charge.index != 5;
	}
	let again: Vec<_> = (1..100u32)
		.flat_map(|second| reports(&node.step(&with_charges(charges.clone()), SECOND * second)))
		.map(|report| report.index)
		.collect();
	assert!(!again.is_empty() && again.iter().all(|index| *index == 5));
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(100))]

	/// The members of a committee see one of them contradict itself. Some are down, the way to the chain takes a block, reports
	/// get lost: the culprit is convicted if anybody is up, and no more than a few reports were made.
	#[test]
	fn several_nodes_report_without_flooding(
		size in 2u32..40,
		view_number in any::<u64>(),
		down in vec(any::<bool>(), 40),
		lost in vec(prop::bool::weighted(0.1), 500),
	) {
		let round = Round { epoch: 4, view: view_number };
		let mut nodes: Vec<_> = (0..size)
			.filter(|place| !down[*place as usize])
			.map(|place| {
				let id = MemberId([place as u8; 32]);
				let delay = crate::reports::delay(ChainId(1), round, size, Some(place), Some(id));
				(node([]).0, charge(0, delay, vec![proof(1)]))
			})
			.collect();
		let mut lost = lost.into_iter().cycle();
		let (mut convicted_at, mut made, mut wasted) = (None::<u32>, 0usize, 0usize);
		for second in 0..120u32 {
			let now = SECOND * second;
			for (node, charge) in &mut nodes {
				// It takes a second until the block is final.
				charge.convicted = convicted_at.is_some_and(|at| second > at + 1);
				for report in reports(&node.step(&with_charges(vec![charge.clone()]), now)) {
					prop_assert!(!charge.convicted);
					made += 1;
					let outcome = if lost.next().unwrap() {
						wasted += 1;
						Outcome::Failed("lost".into())
					} else if convicted_at.is_some() {
						Outcome::Refused(misconduct::ALREADY_PUNISHED)
					} else {
						convicted_at = Some(second);
						Outcome::Taken
					};
					node.outcome(&Action::Report(Box::new(report)), &outcome, now);
				}
			}
		}
		prop_assert_eq!(convicted_at.is_some(), !nodes.is_empty());
		// One that arrives, and those of the turns that begin before its block is final: of one member each, but for the last
		// turn, over which those that share it spread.
		let last_turn = size.saturating_sub(crate::reports::LAST_TURN) as usize;
		prop_assert!(made <= wasted + 2 + last_turn.min(nodes.len()), "{} reports, {} lost", made, wasted);
	}
}

#[test]
fn pauses_have_a_longest_one() {
	assert!(FIRST_PAUSE < LONGEST_PAUSE && LONGEST_PAUSE <= 30 * SECOND);
}
