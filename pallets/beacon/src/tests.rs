//! The beacon on a mock runtime with real BLS and sr25519 signatures.

use super::*;
use crate as pallet_beacon;
use asterism_primitives::{
	beacon::signed_bytes,
	committee::{quorum, BlsSignature},
};
use asterism_runtime_common::bls::{HostBls, DST};
use blst::min_sig::SecretKey;
use core::cell::RefCell;
use polkadot_sdk::{
	frame_support::{
		assert_noop, assert_ok, derive_impl,
		traits::{Authorize, Hooks},
	},
	frame_system::RawOrigin,
	sp_core::Pair,
	sp_io::TestExternalities,
	sp_runtime::{traits::Dispatchable, BuildStorage, StateVersion},
};
use proptest::prelude::*;

#[frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(RuntimeCall, RuntimeEvent, RuntimeError, RuntimeOrigin, RuntimeTask)]
	pub struct Test;
	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Beacon = pallet_beacon;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlockU32<Test>;
}

std::thread_local! {
	static HEARD: RefCell<Vec<(BlockNumber, Hash)>> = const { RefCell::new(Vec::new()) };
}

pub struct Heard;
impl OnSeed for Heard {
	fn on_seed(round: BlockNumber, randomness: Hash) {
		HEARD.with_borrow_mut(|heard| heard.push((round, randomness)));
	}
}

impl Config for Test {
	type Verify = HostBls;
	type OnSeed = Heard;
	type DealingPeriod = ConstU32<12>;
	type ReadyPeriod = ConstU32<6>;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = Bench;
}

#[cfg(feature = "runtime-benchmarks")]
pub struct Bench;
#[cfg(feature = "runtime-benchmarks")]
impl BenchmarkHelper for Bench {
	fn key() -> BlsPublic {
		asterism_runtime_common::bls::benchmarking::key(0)
	}
	fn sign(message: &[u8]) -> BlsSignature {
		asterism_runtime_common::bls::benchmarking::sign(&[0], message)
	}
}

const GENESIS: Hash = Hash::repeat_byte(9);

fn secret() -> SecretKey {
	SecretKey::key_gen(&[7; 32], &[]).unwrap()
}

fn sign(secret: &SecretKey, genesis: Hash, round: BlockNumber) -> Seed {
	let signature = secret.sign(&signed_bytes(genesis, round), DST, &[]);
	Seed {
		round,
		signature: BlsSignature(signature.to_bytes()),
	}
}

fn seed(round: BlockNumber) -> Seed {
	sign(&secret(), GENESIS, round)
}

fn pair(i: u8) -> sr25519::Pair {
	sr25519::Pair::from_seed(&[i; 32])
}

fn id(i: u8) -> MemberId {
	MemberId(pair(i).public().0)
}

fn ids(range: core::ops::Range<u8>) -> Vec<MemberId> {
	let mut ids: Vec<_> = range.map(id).collect();
	ids.sort_unstable();
	ids
}

const OUTPUT: &[u8] = b"the output of the ceremony";

fn founding() -> GenesisBeacon {
	GenesisBeacon {
		group_key: BlsPublic(secret().sk_to_pk().to_bytes()),
		players: ids(0..4),
		output: OUTPUT.to_vec(),
	}
}

fn with(beacon: Option<GenesisBeacon>) -> TestExternalities {
	HEARD.with_borrow_mut(Vec::clear);
	let mut ext: TestExternalities = RuntimeGenesisConfig {
		beacon: pallet_beacon::GenesisConfig {
			beacon,
			..Default::default()
		},
		..Default::default()
	}
	.build_storage()
	.unwrap()
	.into();
	ext.execute_with(|| {
		frame_system::BlockHash::<Test>::insert(0, GENESIS);
		System::set_block_number(1);
	});
	ext
}

fn new_test_ext() -> TestExternalities {
	with(Some(founding()))
}

#[cfg(feature = "runtime-benchmarks")]
pub fn with_keystore() -> TestExternalities {
	let mut ext = with(None);
	use polkadot_sdk::sp_keystore::{testing::MemoryKeystore, KeystoreExt};
	ext.register_extension(KeystoreExt::new(MemoryKeystore::new()));
	ext
}

fn go_to(number: BlockNumber) {
	while System::block_number() < number {
		System::set_block_number(System::block_number() + 1);
		Beacon::on_initialize(System::block_number());
	}
	Beacon::do_try_state().unwrap();
}

fn set(seed: Seed) -> DispatchResult {
	Beacon::set(RawOrigin::None.into(), seed)
}

fn inherent(seed: &Seed) -> Option<Call<Test>> {
	let mut data = InherentData::new();
	data.put_data(BEACON, seed).unwrap();
	Beacon::create_inherent(&data)
}

#[test]
fn a_seed_is_kept_heard_of_and_readable_as_randomness() {
	new_test_ext().execute_with(|| {
		go_to(5);
		assert_eq!(Beacon::random(b"subject").1, 0);
		assert_eq!(inherent(&seed(4)), Some(Call::set { seed: seed(4) }));
		assert!(Beacon::is_inherent(&Call::set { seed: seed(4) }));
		assert_ok!(set(seed(4)));
		let randomness = seed(4).randomness();
		assert_eq!(LastSeed::<Test>::get(), Some(seed(4)));
		assert_eq!(Beacon::seed(4), Some(seed(4)));
		assert_eq!(HEARD.with_borrow(Vec::clone), [(4, randomness)]);
		let (value, known_since) = Beacon::random(b"subject");
		assert_eq!(known_since, 4);
		assert_ne!(value, Beacon::random(b"other subject").0);
		System::assert_last_event(Event::<Test>::SeedSet { round: 4, randomness }.into());
		go_to(9);
		assert_ok!(set(seed(8)));
		assert_ne!(value, Beacon::random(b"subject").0);
		assert_eq!(Beacon::seed(4), Some(seed(4)));
	});
}

#[test]
fn a_block_needs_no_seed() {
	new_test_ext().execute_with(|| {
		assert_eq!(Beacon::create_inherent(&InherentData::new()), None);
		assert!(Beacon::is_inherent_required(&InherentData::new())
			.unwrap()
			.is_none());
	});
}

#[test]
fn wrong_seeds_are_refused() {
	new_test_ext().execute_with(|| {
		go_to(10);
		let other_key = SecretKey::key_gen(&[8; 32], &[]).unwrap();
		let mut of_other_round = seed(4);
		of_other_round.round = 5;
		let mut infinity = [0; 48];
		infinity[0] = 0xc0;
		for wrong in [
			// Of another network, of another key, of another round, and no points at all.
			sign(&secret(), Hash::repeat_byte(8), 4),
			sign(&other_key, GENESIS, 4),
			of_other_round,
			Seed {
				round: 4,
				signature: BlsSignature([0xff; 48]),
			},
			Seed {
				round: 4,
				signature: BlsSignature(infinity),
			},
		] {
			assert_noop!(set(wrong), Error::<Test>::BadSeed);
			assert_eq!(inherent(&wrong), None);
		}
		assert_noop!(
			Beacon::set(RawOrigin::Signed(1).into(), seed(4)),
			DispatchError::BadOrigin
		);
		assert_ok!(set(seed(4)));
	});
}

#[test]
fn the_beacon_never_goes_back_and_never_ahead() {
	new_test_ext().execute_with(|| {
		go_to(10);
		for ahead in [10, 11, u32::MAX] {
			assert_noop!(set(seed(ahead)), Error::<Test>::FutureRound);
			assert_eq!(inherent(&seed(ahead)), None);
		}
		assert_ok!(set(seed(7)));
		// Not even a newer one in the same block.
		assert_noop!(set(seed(8)), Error::<Test>::AlreadySet);
		go_to(11);
		for old in [0, 6, 7] {
			assert_noop!(set(seed(old)), Error::<Test>::OldRound);
			assert_eq!(inherent(&seed(old)), None);
		}
		assert_ok!(set(seed(10)));
	});
}

#[test]
fn without_a_beacon_there_are_no_seeds() {
	with(None).execute_with(|| {
		go_to(5);
		assert_noop!(set(seed(4)), Error::<Test>::NoBeacon);
		assert_noop!(Beacon::start(1, ids(0..4)), Error::<Test>::NoBeacon);
		assert!(Beacon::is_adopted(7));
	});
}

#[test]
fn the_newest_seeds_are_kept() {
	new_test_ext().execute_with(|| {
		for round in 0..MAX_SEEDS + 3 {
			go_to(round + 1);
			assert_ok!(set(seed(round)));
		}
		assert_eq!(Beacon::seed(2), None);
		assert_eq!(Beacon::seed(3), Some(seed(3)));
		assert_eq!(Rounds::<Test>::get().len(), MAX_SEEDS as usize);
		Beacon::do_try_state().unwrap();
	});
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(24))]

	/// Whatever seeds are tried in whatever blocks, the rounds on record ascend and stay below the block.
	#[test]
	fn rounds_ascend(tries in proptest::collection::vec((1u32..4, 0u32..12), 1..12)) {
		new_test_ext().execute_with(|| {
			let mut newest = None;
			for (blocks, back) in tries {
				go_to(System::block_number() + blocks);
				let round = System::block_number().saturating_sub(back);
				let expected = round < System::block_number() && newest.is_none_or(|newest| round > newest);
				assert_eq!(set(seed(round)).is_ok(), expected);
				if expected {
					newest = Some(round);
				}
				assert_eq!(LastSeed::<Test>::get().map(|seed| seed.round), newest);
				Beacon::do_try_state().unwrap();
			}
		});
	}
}

fn log_of(i: u8) -> LogBytes {
	LogBytes::truncate_from(vec![i; 100])
}

fn signed_log(i: u8, attempt: Attempt) -> Call<Test> {
	let log = log_of(i);
	let signature = pair(i).sign(&log_statement(GENESIS, attempt, &log)).0;
	Call::post_log {
		attempt,
		dealer: id(i),
		log,
		signature,
	}
}

/// Authorizes and dispatches a call, as a block does.
fn apply(call: Call<Test>) -> Result<(), TransactionValidityError> {
	let call = RuntimeCall::Beacon(call);
	call.authorize(TransactionSource::External)
		.expect("the call authorizes itself")?;
	call.dispatch(RawOrigin::Authorized.into())
		.expect("what is authorized can be dispatched");
	Ok(())
}

fn refused(call: Call<Test>, error: Error<Test>) {
	assert_ne!(error.code(), 0, "the pool names its reason");
	let before = sp_io::storage::root(StateVersion::V1);
	assert_eq!(apply(call), Err(error.into()));
	let after = sp_io::storage::root(StateVersion::V1);
	assert_eq!(before, after);
}

fn sharing(attempt: Attempt) -> SharingId {
	SharingId {
		attempt,
		output: output_hash(b"new output"),
	}
}

#[test]
fn the_key_passes_to_the_next_committee() {
	new_test_ext().execute_with(|| {
		assert!(Beacon::is_adopted(0) && !Beacon::is_adopted(1));
		go_to(20);
		let mut players = ids(10..17);
		players.reverse();
		assert_ok!(Beacon::start(1, players));
		assert_eq!(Beacon::attempt(1), Some(1));
		assert_eq!(Beacon::attempt(2), None);
		let resharing = Beacon::resharing().unwrap();
		assert_eq!(
			(resharing.opened, resharing.deadline, resharing.expires),
			(20, 32, 38)
		);
		assert_eq!(resharing.required(), 3);
		assert_eq!(resharing.players.to_vec(), ids(10..17));
		assert_eq!(resharing.dealers.to_vec(), ids(0..4));
		for i in [2, 0, 3] {
			assert_ok!(apply(signed_log(i, 1)));
		}
		// In the order of arrival on record, in the order of members to who computes.
		assert_eq!(Beacon::resharing().unwrap().dealt.to_vec(), [id(2), id(0), id(3)]);
		let mut expected: Vec<_> = [0, 2, 3].map(|i| (id(i), log_of(i).into_inner())).to_vec();
		expected.sort();
		assert_eq!(Beacon::logs(1), expected);

		assert_noop!(Beacon::adopt(1, sharing(1)), Error::<Test>::TooEarly);
		go_to(33);
		assert_noop!(Beacon::adopt(2, sharing(1)), Error::<Test>::NoAttempt);
		assert_noop!(Beacon::adopt(1, sharing(2)), Error::<Test>::WrongAttempt);
		assert_ok!(Beacon::adopt(1, sharing(1)));
		assert!(Beacon::is_adopted(1));
		assert_eq!(Beacon::attempt(1), None);
		// The logs stay for who comes late.
		assert_eq!(Beacon::logs(1), expected);
		assert_eq!(Sharings::<Test>::get(1).unwrap().players.to_vec(), ids(10..17));
		assert!(
			Sharings::<Test>::contains_key(0),
			"the old committee still serves its epoch"
		);
		assert_noop!(Beacon::adopt(1, sharing(1)), Error::<Test>::NoAttempt);

		let output = |bytes: &[u8]| Call::publish_output {
			epoch: 1,
			output: OutputBytes::truncate_from(bytes.to_vec()),
		};
		refused(output(b"another output"), Error::WrongOutput);
		refused(
			Call::publish_output {
				epoch: 2,
				output: OutputBytes::default(),
			},
			Error::UnknownSharing,
		);
		assert_ok!(apply(output(b"new output")));
		refused(output(b"new output"), Error::AlreadyPublished);
		go_to(40);

		// Next time the new committee deals, and what is older than it is forgotten.
		assert_ok!(Beacon::start(2, ids(0..4)));
		assert_eq!(Beacon::resharing().unwrap().dealers.to_vec(), ids(10..17));
		assert!(Beacon::logs(1).is_empty());
		go_to(41);
		for i in 10..10 + quorum(7) as u8 {
			assert_ok!(apply(signed_log(i, 2)));
		}
		go_to(53);
		assert_ok!(Beacon::adopt(2, sharing(2)));
		assert!(!Sharings::<Test>::contains_key(0) && !Outputs::<Test>::contains_key(0));
		assert!(Sharings::<Test>::contains_key(1) && Outputs::<Test>::contains_key(1));
		assert_eq!(
			GroupKey::<Test>::get(),
			Some(founding().group_key),
			"the key is the same"
		);
		go_to(60);
	});
}

#[test]
fn the_board_refuses_what_is_no_dealers_log() {
	new_test_ext().execute_with(|| {
		go_to(20);
		refused(signed_log(0, 1), Error::NoAttempt);
		assert_ok!(Beacon::start(1, ids(10..14)));
		// A player, and a stranger.
		refused(signed_log(10, 1), Error::NoDealer);
		refused(signed_log(99, 1), Error::NoDealer);
		refused(signed_log(0, 2), Error::WrongAttempt);

		let forge = |change: fn(&mut MemberId, &mut LogBytes, &mut [u8; 64])| {
			let Call::post_log {
				attempt,
				mut dealer,
				mut log,
				mut signature,
			} = signed_log(0, 1)
			else {
				unreachable!()
			};
			change(&mut dealer, &mut log, &mut signature);
			Call::post_log {
				attempt,
				dealer,
				log,
				signature,
			}
		};
		refused(forge(|dealer, _, _| *dealer = id(1)), Error::BadLogSignature);
		refused(forge(|_, log, _| log[0] ^= 1), Error::BadLogSignature);
		refused(forge(|_, _, signature| signature[0] ^= 1), Error::BadLogSignature);
		// Signed for another network, and for another attempt.
		refused(
			forge(|_, log, signature| *signature = pair(0).sign(&log_statement(Hash::zero(), 1, log)).0),
			Error::BadLogSignature,
		);
		refused(
			forge(|_, log, signature| *signature = pair(0).sign(&log_statement(GENESIS, 2, log)).0),
			Error::BadLogSignature,
		);
		// One byte more than a committee of four can need.
		refused(
			forge(|_, log, _| *log = LogBytes::truncate_from(vec![0; max_log_bytes(4) as usize + 1])),
			Error::LogTooLarge,
		);
		assert_ok!(apply(signed_log(0, 1)));
		refused(signed_log(0, 1), Error::AlreadyDealt);
		go_to(32);
		assert_ok!(apply(signed_log(1, 1)));
		assert_ok!(apply(signed_log(3, 1)));
		go_to(33);
		refused(signed_log(2, 1), Error::TooLate);
		assert_noop!(
			Beacon::post_log(RawOrigin::Signed(1).into(), 1, id(2), log_of(2), [0; 64]),
			DispatchError::BadOrigin
		);
	});
}

#[test]
fn another_committee_ends_the_attempt_for_the_one_before() {
	new_test_ext().execute_with(|| {
		go_to(20);
		assert_ok!(Beacon::start(1, ids(10..14)));
		assert_ok!(apply(signed_log(0, 1)));
		go_to(25);
		// What can't begin ends nothing.
		assert_noop!(Beacon::start(2, ids(12..16)), Error::<Test>::UnknownSharing);
		assert_noop!(Beacon::start(1, Vec::new()), Error::<Test>::BadPlayers);
		assert_eq!(Beacon::attempt(1), Some(1));
		assert_ok!(Beacon::start(1, ids(12..16)));
		System::assert_has_event(
			Event::<Test>::AttemptFailed {
				attempt: 1,
				dealt: 1,
				required: 3,
			}
			.into(),
		);
		let resharing = Beacon::resharing().unwrap();
		assert_eq!((resharing.attempt, resharing.opened, resharing.from), (2, 25, 0));
		assert_eq!(resharing.players.into_inner(), ids(12..16));
		// Nothing of the first attempt counts in the second: its dealer deals again, to the others.
		assert!(resharing.dealt.is_empty() && Beacon::logs(1).is_empty());
		refused(signed_log(1, 1), Error::WrongAttempt);
		for i in 0..3 {
			assert_ok!(apply(signed_log(i, 2)));
		}
		go_to(38);
		let id = |attempt| SharingId {
			attempt,
			output: Hash::repeat_byte(1),
		};
		assert_noop!(Beacon::adopt(1, id(1)), Error::<Test>::WrongAttempt);
		assert_ok!(Beacon::adopt(1, id(2)));
		assert_eq!(
			Sharings::<Test>::get(1).unwrap().players.into_inner(),
			ids(12..16)
		);
		Beacon::do_try_state().unwrap();
	});
}

#[test]
fn too_few_logs_and_no_readiness_lead_to_the_next_attempt() {
	new_test_ext().execute_with(|| {
		go_to(20);
		assert_ok!(Beacon::start(1, ids(10..14)));
		for i in 0..2 {
			assert_ok!(apply(signed_log(i, 1)));
		}
		go_to(32);
		assert_eq!(Beacon::attempt(1), Some(1));
		go_to(33);
		System::assert_has_event(
			Event::<Test>::AttemptFailed {
				attempt: 1,
				dealt: 2,
				required: 3,
			}
			.into(),
		);
		assert_eq!(Beacon::attempt(1), Some(2));
		assert!(Beacon::logs(1).is_empty());
		refused(signed_log(2, 1), Error::WrongAttempt);
		for i in 0..4 {
			assert_ok!(apply(signed_log(i, 2)));
		}
		// Enough logs, but nobody is ready in time.
		let expires = Beacon::resharing().unwrap().expires;
		assert_eq!(expires, 33 + 12 + 6);
		go_to(expires);
		assert_eq!(Beacon::attempt(1), Some(2));
		go_to(expires + 1);
		assert_eq!(Beacon::attempt(1), Some(3));
		assert_noop!(Beacon::adopt(1, sharing(2)), Error::<Test>::WrongAttempt);
		assert!(!Beacon::is_adopted(1), "the old sharing is still in force");
		assert_eq!(NewestSharing::<Test>::get(), Some(0));
	});
}

#[test]
fn only_the_next_epoch_gets_shares_and_only_a_committee() {
	new_test_ext().execute_with(|| {
		for epoch in [0, 2, u64::MAX] {
			assert_noop!(Beacon::start(epoch, ids(10..14)), Error::<Test>::UnknownSharing);
		}
		assert_noop!(Beacon::start(1, vec![]), Error::<Test>::BadPlayers);
		assert_noop!(
			Beacon::start(1, vec![id(1), id(2), id(1)]),
			Error::<Test>::BadPlayers
		);
		let many = (0..=MAX_MEMBERS)
			.map(|i| MemberId(asterism_primitives::Hashing::hash_of(&i).0))
			.collect();
		assert_noop!(Beacon::start(1, many), Error::<Test>::BadPlayers);
	});
}

#[test]
#[should_panic(expected = "beacon.beacon.groupKey: expected a compressed point")]
fn genesis_refuses_a_bad_key() {
	with(Some(GenesisBeacon {
		group_key: BlsPublic([1; 96]),
		..founding()
	}));
}

#[test]
#[should_panic(expected = "beacon.beacon.players: expected 1 to 256 member ids in ascending order")]
fn genesis_refuses_players_out_of_order() {
	let mut beacon = founding();
	beacon.players.reverse();
	with(Some(beacon));
}

#[test]
#[should_panic(expected = "beacon.beacon.output: expected 1 to")]
fn genesis_refuses_an_empty_output() {
	with(Some(GenesisBeacon {
		output: vec![],
		..founding()
	}));
}

#[test]
fn genesis_is_written_as_json_with_hex() {
	let json = serde_json::to_value(founding()).unwrap();
	assert!(json["groupKey"].as_str().unwrap().starts_with("0x"));
	assert_eq!(
		json["output"],
		"0x746865206f7574707574206f662074686520636572656d6f6e79"
	);
	assert_eq!(serde_json::from_value::<GenesisBeacon>(json).unwrap(), founding());
}
