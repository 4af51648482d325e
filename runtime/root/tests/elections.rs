//! Elections, beacon, epochs, checkpoints, stake and punishment together, block by block: from a chain's signal to its next
//! committee.

mod world;

use asterism_primitives::{
	api::runtime_decl_for_root_api::RootApiV1,
	beacon::{log_statement, runtime_decl_for_beacon_api::BeaconApiV1, Seed},
	certificate::Round,
	committee::{quorum, BlsSignature},
	election::{runtime_decl_for_elections_api::ElectionsApiV1, Phase},
	epoch::EpochNote,
	offence::{Evidence, Proof, Proposal, Vote, Votes},
	protocol::sortition::Standing,
	AccountId, BlockNumber, ChainId, Hash,
};
use asterism_root_runtime::{
	Balances, Block, Epochs, Executive, Periods, Runtime, RuntimeCall, RuntimeOrigin, Stake,
	UncheckedExtrinsic,
};
use asterism_runtime_common::{bls::DST, tx_extension};
use pallet_stake::Status;
use polkadot_sdk::{
	sp_block_builder::runtime_decl_for_block_builder::BlockBuilderV6,
	sp_core::Pair,
	sp_runtime::{
		generic::Era,
		traits::Header as _,
		transaction_validity::{
			InvalidTransaction, TransactionValidity, TransactionValidityError, UnknownTransaction,
		},
	},
};
use world::*;

const ROOT: ChainId = ChainId::ROOT;

fn invalid(code: u8) -> TransactionValidity {
	Err(InvalidTransaction::Custom(code).into())
}

fn unknown(code: u8) -> TransactionValidity {
	Err(UnknownTransaction::Custom(code).into())
}

/// All elected nodes come forward in a chain's open election, in one block.
fn come_forward(world: &mut World, chain: ChainId) -> Vec<u8> {
	let elected = who(chain, Standing::Elected);
	let claims = elected.iter().map(|i| world.claim(chain, *i)).collect();
	world.block(claims);
	elected
}

#[test]
fn a_chain_gets_its_next_committee_from_signal_to_handover() {
	run(Options::default(), |world| {
		world.blocks(4);
		world.extend_a(None);
		world.extend_a(Some(EpochNote::Signal { next: 1 }));
		let signalled = world.now();
		assert_eq!(
			(
				election(A).epoch,
				election(A).signalled,
				election(A).phase,
				election(A).total
			),
			(1, signalled, Phase::AwaitingSeed, u128::from(NODES) * STAKE)
		);
		assert_eq!(
			<Runtime as ElectionsApiV1<Block>>::elections(),
			[(A, election(A))]
		);

		// The seeds of the next two blocks are of rounds before the signal: somebody might have known them by then.
		world.blocks(2);
		let last = <Runtime as BeaconApiV1<Block>>::last_seed().unwrap();
		assert_eq!(
			(last.round, election(A).phase),
			(signalled - 1, Phase::AwaitingSeed)
		);
		world.blocks(1);
		let seed = <Runtime as BeaconApiV1<Block>>::seed(signalled).unwrap();
		let claims = Periods::of(LENGTH).claims;
		assert_eq!(
			election(A).phase,
			Phase::Open {
				round: signalled,
				seed: seed.randomness(),
				opened: world.now(),
				deadline: world.now() + claims,
			}
		);

		// Not elected, or on standby before its time: no claim gets into the pool. Codes 10 and 11.
		for i in 0..NODES {
			let expected = match standing(A, i) {
				Standing::Elected => continue,
				Standing::Standby => unknown(11),
				Standing::Neither => invalid(10),
			};
			assert_eq!(world.pool(&world.claim(A, i)), expected, "node {i}");
		}
		let elected = come_forward(world, A);
		assert_eq!(
			<Runtime as ElectionsApiV1<Block>>::elected(A) as usize,
			elected.len()
		);
		// Once is enough: code 13.
		assert_eq!(world.pool(&world.claim(A, elected[0])), invalid(13));
		let standby = who(A, Standing::Standby);
		if elected.len() < SIZE as usize {
			world.blocks(claims / 2);
			let claims = standby.iter().map(|i| world.claim(A, *i)).collect();
			world.block(claims);
		}
		world.until_decided(A);

		let new = members(A, 1);
		assert!(new.len() >= SIZE as usize && elected.iter().all(|i| new.contains(i)));
		assert_eq!(members(A, 0), [4, 5, 6, 7]);
		assert!(new.iter().all(|i| node(*i).duties > 0));
		assert!(!ready(A, 1));
		// The epoch can't end yet: code 37. Nor does the new committee certify anything: code 38.
		let end = Some(EpochNote::End { next: 1 });
		assert_eq!(world.pool(&world.checkpoint(end).1), unknown(37));
		let (next, needed) = (committee(A, 1), quorum(new.len() as u32));
		let signers: Vec<u32> = (0..needed).collect();
		assert_eq!(
			world.pool(&world.checkpoint_by(&next, &signers, None).1),
			unknown(38)
		);

		// Words, each by one member; of nobody else: code 17.
		let stranger = (0..NODES).find(|i| !new.contains(i)).unwrap();
		assert_eq!(world.pool(&world.word(A, stranger, None)), invalid(17));
		for i in &new[..needed as usize - 1] {
			world.block(vec![world.word(A, *i, None)]);
		}
		assert!(!ready(A, 1));
		assert_eq!(
			<Runtime as ElectionsApiV1<Block>>::ready_members(A).len() as u32,
			needed - 1
		);
		world.block(vec![world.word(A, new[needed as usize - 1], None)]);
		assert!(ready(A, 1) && !ready(A, 2));
		let waiting = <Runtime as ElectionsApiV1<Block>>::elections();
		assert!(waiting.iter().all(|(chain, _)| *chain != A));

		// Handover: the old committee's last block, then the new committee's first.
		world.extend_a(end);
		assert_eq!(epoch(A), 1);
		let (old, of_old) = (committee(A, 0), [0, 1, 2]);
		// Code 7 is `WrongEpoch`.
		assert_eq!(
			world.pool(&world.checkpoint_by(&old, &of_old, None).1),
			invalid(7)
		);
		world.extend_a(None);
		let record = <Runtime as RootApiV1<Block>>::chain(A).unwrap();
		assert_eq!((record.epoch, record.head.number), (1, world.a.number));
		// Whose service is over has no duty any more.
		for i in (4..8).filter(|i| !new.contains(i)) {
			assert_eq!((node(i).duties, node(i).relieved), (0, world.now() - 1));
		}
	});
}

/// What a client would submit, in the block in which it gets in.
fn after_reaction(world: &mut World) {
	world.blocks(REACTION - 1);
}

/// Runs the root chain's own election for this epoch as clients would, with a reaction time for every step, up to the block that
/// ends the epoch before. Dealers that are away deal nothing.
fn root_epoch(world: &mut World, next: u64, away: &[u8]) -> Vec<u8> {
	let start = Epochs::current().1;
	world.until_note(EpochNote::Signal { next });
	assert_eq!(world.now(), start + LENGTH / 4);
	world.until_open(ROOT);
	after_reaction(world);
	come_forward(world, ROOT);
	world.until_decided(ROOT);
	let new = members(ROOT, next);
	assert_eq!(attempt(next), Some(next));

	// Dealers: the members of the epoch before.
	after_reaction(world);
	let resharing = <Runtime as BeaconApiV1<Block>>::resharing().unwrap();
	assert_eq!((resharing.epoch, resharing.from), (next, next - 1));
	let logs = members(ROOT, next - 1)
		.into_iter()
		.filter(|i| !away.contains(i))
		.map(|i| {
			let log = vec![i; 100];
			let statement = log_statement(world.genesis, next, &log);
			let signature = identity(i).sign(&statement).0;
			<Runtime as BeaconApiV1<Block>>::log_extrinsic(next, id(i), log, signature).unwrap()
		})
		.collect();
	world.block(logs);
	while world.now() < resharing.deadline {
		world.block(vec![]);
	}
	after_reaction(world);
	let words = new.iter().take(quorum(new.len() as u32) as usize);
	let words = words.map(|i| world.word(ROOT, *i, Some(next))).collect();
	world.block(words);
	assert!(ready(ROOT, next) && is_adopted(next));
	world.until_note(EpochNote::End { next });
	new
}

#[test]
fn the_root_chains_epochs_of_a_minute_pass_in_a_minute() {
	run(Options::default(), |world| {
		let key = <Runtime as BeaconApiV1<Block>>::group_key();
		let mut committees = vec![members(ROOT, 0)];
		for next in 1..=3u64 {
			committees.push(root_epoch(world, next, &[]));
			assert_eq!(u64::from(world.now()), next * u64::from(LENGTH));
			assert_eq!((epoch(ROOT), Epochs::current().0), (next, next));
			let sharing = <Runtime as BeaconApiV1<Block>>::sharing(next).unwrap();
			assert_eq!(sharing.players.len(), members(ROOT, next).len());
			// A block of the epoch that is over is invalid, however well it is made.
			let stale = world.header(next - 1);
			let initialized = std::panic::catch_unwind(|| {
				dry(|| Executive::initialize_block(&stale));
			});
			assert!(initialized.is_err());
		}
		// The key that all seeds are signed with is the same, and the committees are not.
		assert_eq!(<Runtime as BeaconApiV1<Block>>::group_key(), key);
		assert!(committees.windows(2).any(|pair| pair[0] != pair[1]));
		// A member that is away costs nothing.
		let away = members(ROOT, 3)[0];
		root_epoch(world, 4, &[away]);
		assert_eq!(world.now(), 4 * LENGTH);
	});
}

#[test]
fn a_root_epoch_waits_for_its_next_committee() {
	run(Options::default(), |world| {
		// Nobody comes forward and nobody is ready: the committee stays, and seeds go on.
		world.blocks(3 * LENGTH);
		assert_eq!((epoch(ROOT), Epochs::current()), (0, (0, 1)));
		assert!(election(ROOT).attempt > 0);
		assert!(!ready(ROOT, 1));
		let seed = <Runtime as BeaconApiV1<Block>>::last_seed().unwrap();
		assert_eq!(seed.round, world.now() - 3);
		// Of what was recorded, only founders could be kept.
		assert_eq!(members(ROOT, 1), [0, 1, 2, 3]);
	});
}

#[test]
fn the_shares_go_to_the_committee_that_is_elected_in_the_place_of_one_that_is_not_ready() {
	run(Options::default(), |world| {
		let players = || {
			let resharing = <Runtime as BeaconApiV1<Block>>::resharing().expect("an attempt is under way");
			let mut players: Vec<_> = resharing.players.iter().map(number).collect();
			players.sort_unstable();
			(resharing.attempt, players)
		};
		world.until_note(EpochNote::Signal { next: 1 });
		world.until_open(ROOT);
		// Nobody comes forward: the old members stay, and nobody deals or gets ready.
		world.until_decided(ROOT);
		assert_eq!(players(), (1, vec![0, 1, 2, 3]));
		world.blocks(Periods::of(LENGTH).readiness);
		assert_eq!(
			(election(ROOT).attempt, election(ROOT).phase),
			(1, Phase::AwaitingSeed)
		);
		world.until_open(ROOT);
		let elected = come_forward(world, ROOT);
		assert!(elected.iter().any(|i| *i > 3));
		world.until_decided(ROOT);
		let (attempt, players) = players();
		assert!(attempt > 1);
		assert_eq!(players, members(ROOT, 1));
		assert!(elected.iter().all(|i| players.contains(i)));
	});
}

/// Seeds that the next block must not have.
fn wrong_seeds(world: &World) -> Vec<Seed> {
	let good = world.seed(world.now());
	let other = consensus(0).sign(b"something else", DST, &[]);
	vec![
		// Signed by somebody else, or something else, or no signature at all.
		Seed {
			signature: BlsSignature(other.to_bytes()),
			..good
		},
		Seed {
			signature: world.seed(world.now() - 1).signature,
			..good
		},
		Seed {
			signature: BlsSignature([0xff; 48]),
			..good
		},
		// Of a round that is not over, or not new.
		world.seed(world.now() + 1),
		world.seed(world.now() - 3),
	]
}

#[test]
fn a_wrong_seed_makes_the_block_invalid() {
	run(Options::default(), |world| {
		world.blocks(6);
		for seed in wrong_seeds(world) {
			let call = RuntimeCall::Beacon(pallet_beacon::Call::set { seed });
			let extrinsic = UncheckedExtrinsic::new_bare(call);
			let outcome = dry(|| {
				Executive::initialize_block(&world.header(0));
				Executive::apply_extrinsic(extrinsic.clone())
			});
			let refused: TransactionValidityError = InvalidTransaction::BadMandatory.into();
			assert_eq!(outcome, Err(refused), "{seed:?}");
			// Whoever proposes leaves it out, and gets a valid block.
			let inherents = dry(|| {
				Executive::initialize_block(&world.header(0));
				<Runtime as BlockBuilderV6<Block>>::inherent_extrinsics(world.data(Some(seed)))
			});
			assert!(!inherents.contains(&extrinsic) && inherents.len() == 1);
			// Nor does it get in as a transaction.
			assert!(world.pool(&extrinsic).is_err());
		}
		// Time comes before the seed, as pallets come.
		let good = world.seed(world.now());
		let calls: Vec<_> = dry(|| {
			Executive::initialize_block(&world.header(0));
			<Runtime as BlockBuilderV6<Block>>::inherent_extrinsics(world.data(Some(good)))
		})
		.into_iter()
		.map(|extrinsic| extrinsic.function)
		.collect();
		assert!(matches!(
			calls[..],
			[RuntimeCall::Timestamp(_), RuntimeCall::Beacon(_)]
		));
	});
}

/// A block that others execute, with this seed in the place of the one that its proposer had.
fn block_with_seed(world: &World, put: Option<Seed>) -> Block {
	let good = world.seed(world.now());
	dry(|| {
		Executive::initialize_block(&world.header(0));
		let mut extrinsics = <Runtime as BlockBuilderV6<Block>>::inherent_extrinsics(world.data(Some(good)));
		for extrinsic in &extrinsics {
			Executive::apply_extrinsic(extrinsic.clone()).unwrap().unwrap();
		}
		let header = Executive::finalize_block();
		if let Some(seed) = put {
			extrinsics[1] =
				UncheckedExtrinsic::new_bare(RuntimeCall::Beacon(pallet_beacon::Call::set { seed }));
		}
		Block { header, extrinsics }
	})
}

#[test]
fn a_block_with_its_right_seed_is_executed() {
	run(Options::default(), |world| {
		world.blocks(6);
		let block = block_with_seed(world, None);
		Executive::execute_block(block.into());
	});
}

#[test]
#[should_panic(expected = "labelled as mandatory")]
fn a_block_with_a_wrong_seed_is_not_executed() {
	run(Options::default(), |world| {
		world.blocks(6);
		let seed = wrong_seeds(world)[0];
		let block = block_with_seed(world, Some(seed));
		Executive::execute_block(block.into());
	});
}

/// Proof that node `i`, a member of A's committee of epoch 0, voted for two blocks in one view.
fn evidence(i: u8, view: u64) -> Evidence {
	let serving = committee(A, 0);
	let index = serving
		.members()
		.iter()
		.position(|member| member.id == id(i))
		.unwrap();
	let round = Round { epoch: 0, view };
	let votes = [1, 2].map(|block| {
		let vote = Vote::Notarize(Proposal {
			parent_view: view - 1,
			block_hash: Hash::repeat_byte(block),
		});
		let signature = consensus(i).sign(&vote.signed_bytes(realm_of_a(), round), DST, &[]);
		let signature = BlsSignature(signature.to_bytes());
		Votes::single(round, vote, serving.size(), index as u32, signature).unwrap()
	});
	let [first, second] = votes;
	Evidence {
		chain: A,
		proof: Proof::Votes { first, second },
	}
}

fn report(evidence: Evidence, reporter: AccountId) -> UncheckedExtrinsic {
	let call = pallet_misconduct::Call::report {
		evidence,
		reporter: Some(reporter),
	};
	UncheckedExtrinsic::new_transaction(
		RuntimeCall::Misconduct(call),
		tx_extension::<Runtime>(Era::Immortal, 0),
	)
}

/// A node whose stake is so large that it is elected each time.
const WHALE: u8 = 5;

fn whale(i: u8) -> u128 {
	if i == WHALE {
		20 * STAKE
	} else {
		STAKE
	}
}

#[test]
fn who_breaks_the_rules_loses_stake_and_is_not_elected() {
	let options = Options {
		stake: whale,
		..Options::default()
	};
	run(options, |world| {
		world.blocks(3);
		world.extend_a(Some(EpochNote::Signal { next: 1 }));
		world.until_open(A);
		// It is elected, and comes forward in time.
		assert_eq!(standing(A, WHALE), Standing::Elected);
		world.block(vec![world.claim(A, WHALE)]);
		assert_eq!(<Runtime as ElectionsApiV1<Block>>::elected(A), 1);

		let excluded = |epoch| <Runtime as RootApiV1<Block>>::excluded(A, epoch);
		assert_eq!(excluded(0), []);
		let reporter = operator(11);
		let before = Balances::free_balance(&reporter);
		world.block(vec![report(evidence(WHALE, 7), reporter.clone())]);
		assert_eq!(node(WHALE).status, Status::Excluded);
		assert_eq!(node(WHALE).stake, 10 * STAKE);
		assert_eq!(Balances::free_balance(&reporter) - before, STAKE);
		// The same again gains nothing: code 10.
		assert_eq!(world.pool(&report(evidence(WHALE, 8), reporter)), invalid(10));

		// Its claim doesn't count, and it doesn't stay as a member of the serving committee either.
		world.until_decided(A);
		assert_eq!(members(A, 1), [4, 6, 7]);
		// It has a duty still, in the committee that serves: it can't withdraw. But the others don't talk to it.
		assert_eq!(node(WHALE).duties, 1);
		assert_eq!((excluded(0), excluded(1)), (vec![id(WHALE)], vec![]));
		assert_eq!(excluded(2), [], "no such committee");

		// Nor can it claim in another election. Code 7 is `NotActive`.
		world.until_open(ROOT);
		assert_eq!(
			<Runtime as ElectionsApiV1<Block>>::candidacy(ROOT, operator(WHALE)),
			None
		);
		assert_eq!(world.pool(&world.claim(ROOT, WHALE)), invalid(7));
		assert_eq!(election(ROOT).total, 11 * STAKE);

		// Leaving is no way around it, and registering again is one.
		dry(|| {
			Stake::leave(RuntimeOrigin::signed(operator(WHALE))).unwrap();
			assert_eq!(excluded(0), [id(WHALE)]);
		});
		let (keys, proof) = owned_keys(WHALE, world.genesis);
		Stake::register(RuntimeOrigin::signed(operator(WHALE)), keys, proof, 0).unwrap();
		assert_eq!(excluded(0), []);
	});
}

#[test]
fn who_is_excluded_while_its_committee_gets_ready_does_not_count() {
	run(Options::default(), |world| {
		world.blocks(4);
		world.extend_a(Some(EpochNote::Signal { next: 1 }));
		world.until_open(A);
		world.until_decided(A);
		// Nobody came forward: the serving members stay, and one of them has voted twice.
		assert_eq!(members(A, 1), [4, 5, 6, 7]);
		world.block(vec![report(evidence(5, 7), operator(11))]);
		for epoch in [0, 1] {
			assert_eq!(<Runtime as RootApiV1<Block>>::excluded(A, epoch), [id(5)]);
		}
		let words = [4, 5, 6].map(|i| world.word(A, i, None));
		world.block(words.into());
		assert!(!ready(A, 1), "two of the three words count");
		world.block(vec![world.word(A, 7, None)]);
		assert!(ready(A, 1));
	});
}

#[test]
fn the_roster_answers_for_members_and_not_who_has_their_identity_now() {
	run(Options::default(), |world| {
		world.blocks(3);
		world.extend_a(Some(EpochNote::Signal { next: 1 }));
		// As if the key of a member had been forgotten and another operator had registered it.
		let key = pallet_stake::NodeKey::Identity(id(4));
		pallet_stake::KeyOwner::<Runtime>::insert(key, operator(9));
		world.block(vec![report(evidence(4, 7), operator(11))]);
		assert_eq!(
			(node(4).status, node(9).status),
			(Status::Excluded, Status::Active)
		);
	});
}

#[test]
fn a_network_without_beacon_keeps_its_committees() {
	let options = Options {
		beacon: false,
		length: 0,
		..Options::default()
	};
	run(options, |world| {
		assert_eq!(<Runtime as BeaconApiV1<Block>>::group_key(), None);
		let root = <Runtime as BeaconApiV1<Block>>::sharing(0);
		assert_eq!((root, <Runtime as BeaconApiV1<Block>>::last_seed()), (None, None));
		for _ in 0..2 * LENGTH {
			world.block(vec![]);
			assert_eq!(world.note(), None);
			assert_eq!(world.head.digest().logs().len(), 1);
		}
		world.extend_a(None);
		assert_eq!((epoch(ROOT), epoch(A)), (0, 0));
		assert_eq!(<Runtime as ElectionsApiV1<Block>>::elections(), []);
		// No seed is taken, not even a well-signed one.
		let seed = world.seed(world.now());
		let inherents = dry(|| {
			Executive::initialize_block(&world.header(0));
			<Runtime as BlockBuilderV6<Block>>::inherent_extrinsics(world.data(Some(seed)))
		});
		assert_eq!(inherents.len(), 1);
		// A corrupt committee asks for its successor: nothing comes of it, and the chain goes on.
		world.extend_a(Some(EpochNote::Signal { next: 1 }));
		world.blocks(LENGTH);
		assert_eq!(election(A).phase, Phase::AwaitingSeed);
		world.extend_a(None);
		assert_eq!(members(A, 0), [4, 5, 6, 7]);
	});
}

#[test]
fn the_sizes_of_what_clients_bring_are_checked() {
	run(Options::default(), |_| {
		let most = asterism_primitives::beacon::MAX_LOG_BYTES as usize;
		let log = |bytes| <Runtime as BeaconApiV1<Block>>::log_extrinsic(1, id(0), vec![0; bytes], [0; 64]);
		assert!(log(most).is_some() && log(most + 1).is_none());
		let most = asterism_primitives::beacon::MAX_OUTPUT_BYTES as usize;
		let output = |bytes| <Runtime as BeaconApiV1<Block>>::output_extrinsic(1, vec![0; bytes]);
		assert!(output(most).is_some() && output(most + 1).is_none());
	});
}

#[test]
fn periods_follow_the_root_chains_epochs() {
	for length in [0, LENGTH, 14_400] {
		let options = Options {
			length,
			..Options::default()
		};
		run(options, |_| {
			let Periods {
				claims,
				dealing,
				adoption,
				readiness,
			} = Periods::of(length);
			use pallet_beacon::Config as OfBeacon;
			use pallet_elections::Config as OfElections;
			use polkadot_sdk::frame_support::traits::Get;
			let of_elections: (BlockNumber, BlockNumber) = (
				<Runtime as OfElections>::ClaimPeriod::get(),
				<Runtime as OfElections>::ReadyPeriod::get(),
			);
			assert_eq!(of_elections, (claims, readiness));
			let of_beacon: (BlockNumber, BlockNumber) = (
				<Runtime as OfBeacon>::DealingPeriod::get(),
				<Runtime as OfBeacon>::ReadyPeriod::get(),
			);
			assert_eq!(of_beacon, (dealing, adoption));
		});
	}
}
