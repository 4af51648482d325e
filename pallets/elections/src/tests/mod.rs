//! Elections on a mock runtime, with real VRFs and real signatures. Nodes, registry and beacon are kept in the state of the mock,
//! so that what a refused call did to them is taken back with it.

mod lifecycle;
mod random;
mod readiness;
mod refusals;

use super::*;
use crate as pallet_elections;
use asterism_primitives::{
	committee::{quorum, BlsPublic, Committee, Member},
	election::{sign_data, SortitionProof},
	keys::{NodeKeys, SortitionPublic},
	Balance,
};
use asterism_protocol::sortition::{share, standing, Standing};
use pallet_stake::{Node, Status};
use polkadot_sdk::{
	frame_support::{
		derive_impl, parameter_types, storage_alias,
		traits::{Authorize, Hooks},
	},
	frame_system::RawOrigin,
	sp_core::{crypto::VrfSecret, sr25519, Pair},
	sp_io::TestExternalities,
	sp_runtime::{
		traits::{Dispatchable, IdentityLookup},
		BuildStorage, Perbill, StateVersion,
	},
};
use std::sync::LazyLock;

#[frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(RuntimeCall, RuntimeEvent, RuntimeError, RuntimeOrigin, RuntimeTask)]
	pub struct Test;
	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Elections = pallet_elections;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlockU32<Test>;
	type AccountId = AccountId;
	type Lookup = IdentityLookup<AccountId>;
}

parameter_types! {
	pub const ClaimPeriod: BlockNumber = CLAIM_PERIOD;
	pub const ReadyPeriod: BlockNumber = READY_PERIOD;
}

impl Config for Test {
	type Chains = Registry;
	type Stakers = Registry;
	type Weight = StakeWeight<Registry>;
	type Beacon = Beacon;
	type ClaimPeriod = ClaimPeriod;
	type ReadyPeriod = ReadyPeriod;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = Registry;
}

const CLAIM_PERIOD: BlockNumber = 8;
const READY_PERIOD: BlockNumber = 10;
const A: ChainId = ChainId(1);
const B: ChainId = ChainId(2);
/// Members that each chain wants, and that its founders are.
const SIZE: u32 = 4;
/// Nodes, each with the same stake.
const NODES: u8 = 20;
const STAKE: Balance = 1_000;

#[storage_alias]
type Nodes = StorageMap<Mock, Twox64Concat, AccountId, Node>;
#[storage_alias]
type Committees = StorageDoubleMap<Mock, Twox64Concat, ChainId, Twox64Concat, Epoch, Committee>;
#[storage_alias]
type Epochs = StorageMap<Mock, Twox64Concat, ChainId, Epoch>;
#[storage_alias]
type ReadyEpochs = StorageMap<Mock, Twox64Concat, ChainId, Epoch>;
#[storage_alias]
type Unrecordable = StorageValue<Mock, bool, ValueQuery>;
/// The epoch whose sharing is adopted, on a network with beacon.
#[storage_alias]
type Adopted = StorageValue<Mock, Epoch>;
/// The attempt under way, and whether it takes logs.
#[storage_alias]
type UnderWay = StorageValue<Mock, (Epoch, u64, bool)>;

pub struct Registry;

impl CommitteeRecorder for Registry {
	fn serving(chain: ChainId) -> Option<Committee> {
		Committees::get(chain, Epochs::get(chain)?)
	}
	fn expected(chain: ChainId) -> Option<u32> {
		Epochs::contains_key(chain).then_some(SIZE)
	}
	fn record(chain: ChainId, committee: Committee) -> DispatchResult {
		ensure!(!Unrecordable::get(), "no");
		assert_ne!(
			ReadyEpochs::get(chain),
			Some(committee.epoch()),
			"a ready committee is replaced"
		);
		Committees::insert(chain, committee.epoch(), committee);
		Ok(())
	}
	fn set_ready(chain: ChainId, epoch: Epoch) {
		ReadyEpochs::insert(chain, epoch);
	}
}

impl Stakers for Registry {
	fn node(operator: &AccountId) -> Option<Node> {
		Nodes::get(operator)
	}
	fn operator_of(id: &MemberId) -> Option<AccountId> {
		Nodes::iter()
			.find(|(_, node)| node.keys.identity == *id)
			.map(|(operator, _)| operator)
	}
	fn operator_of_key(key: &BlsPublic) -> Option<AccountId> {
		Nodes::iter()
			.find(|(_, node)| node.keys.consensus == *key)
			.map(|(operator, _)| operator)
	}
	fn total() -> Balance {
		Nodes::iter_values().map(|node| node.weight()).sum()
	}
	fn slash(_: &AccountId, _: Perbill, _: Option<&AccountId>) -> Balance {
		unreachable!("elections don't slash")
	}
	fn exclude(operator: &AccountId) -> bool {
		change(operator, |node| node.status = Status::Excluded);
		true
	}
	fn begin_duty(operator: &AccountId) {
		change(operator, |node| node.duties += 1);
	}
	fn end_duty(operator: &AccountId) {
		change(operator, |node| node.duties -= 1);
	}
}

/// Changes a node that is there.
fn change(operator: &AccountId, change: impl FnOnce(&mut Node)) {
	Nodes::mutate(operator, |node| change(node.as_mut().expect("the node is there")));
}

pub struct Beacon;
impl Reshare for Beacon {
	fn start(epoch: Epoch, players: Vec<MemberId>) -> DispatchResult {
		assert!(players.windows(2).all(|pair| pair[0] < pair[1]));
		let attempt = UnderWay::get().map_or(1, |(_, attempt, _)| attempt + 1);
		UnderWay::put((epoch, attempt, true));
		Ok(())
	}
	fn adopt(epoch: Epoch, sharing: SharingId) -> DispatchResult {
		let (of, attempt, dealing) = UnderWay::get().ok_or("none")?;
		ensure!(of == epoch && attempt == sharing.attempt && !dealing, "too early");
		UnderWay::kill();
		Adopted::put(epoch);
		Ok(())
	}
	fn is_adopted(epoch: Epoch) -> bool {
		Adopted::get().is_none_or(|adopted| epoch <= adopted)
	}
	fn attempt(epoch: Epoch) -> Option<u64> {
		UnderWay::get()
			.filter(|(of, ..)| *of == epoch)
			.map(|(_, attempt, _)| attempt)
	}
	fn weight_of_starting() -> Weight {
		Weight::from_parts(1, 0)
	}
	fn weight_of_adopting() -> Weight {
		Weight::from_parts(2, 0)
	}
}

#[cfg(feature = "runtime-benchmarks")]
impl BenchmarkHelper for Registry {
	fn node(number: u32) -> AccountId {
		let mut bytes = [0; 32];
		bytes[28..].copy_from_slice(&number.to_be_bytes());
		let mut consensus = [0; 96];
		consensus[..4].copy_from_slice(&number.to_be_bytes());
		let keys = NodeKeys {
			identity: MemberId(bytes),
			sortition: sortition_key(0).1,
			consensus: BlsPublic(consensus),
		};
		put_node(AccountId::new(bytes), keys, 1_000_000 * STAKE);
		AccountId::new(bytes)
	}
	fn chain(chain: ChainId, members: u32) {
		let members = (0..members).map(|i| {
			let mut id = [255; 32];
			id[..4].copy_from_slice(&i.to_be_bytes());
			let mut key = [255; 96];
			key[..4].copy_from_slice(&i.to_be_bytes());
			Member {
				id: MemberId(id),
				key: BlsPublic(key),
			}
		});
		Epochs::insert(chain, 0);
		Committees::insert(chain, 0, Committee::new(0, members.collect()).unwrap());
	}
}

fn operator(i: u8) -> AccountId {
	AccountId::new([i; 32])
}

fn sortition_key(i: u8) -> (sr25519::Pair, SortitionPublic) {
	let pair = sr25519::Pair::from_seed(&[i; 32]);
	let public = SortitionPublic(pair.public().0);
	(pair, public)
}

fn identity(i: u8) -> sr25519::Pair {
	let mut seed = [i; 32];
	seed[0] ^= 128;
	sr25519::Pair::from_seed(&seed)
}

fn id(i: u8) -> MemberId {
	static IDS: LazyLock<Vec<MemberId>> =
		LazyLock::new(|| (0..=255).map(|i| MemberId(identity(i).public().0)).collect());
	IDS[usize::from(i)]
}

fn keys(i: u8) -> NodeKeys {
	NodeKeys {
		identity: id(i),
		sortition: sortition_key(i).1,
		consensus: BlsPublic([i; 96]),
	}
}

fn put_node(operator: AccountId, keys: NodeKeys, stake: Balance) {
	let node = Node {
		keys,
		stake,
		since: 0,
		status: Status::Active,
		duties: 0,
		relieved: 0,
	};
	Nodes::insert(operator, node);
}

/// The founders of chains: nobody's nodes.
fn founder(i: u8) -> Member {
	Member {
		id: id(200 + i),
		key: BlsPublic([200 + i; 96]),
	}
}

pub(crate) fn new_test_ext() -> TestExternalities {
	let mut ext: TestExternalities = RuntimeGenesisConfig::default().build_storage().unwrap().into();
	ext.execute_with(|| {
		for i in 0..NODES {
			put_node(operator(i), keys(i), STAKE);
		}
		for chain in [ChainId::ROOT, A, B] {
			Epochs::insert(chain, 0);
			let founders = (0..SIZE as u8).map(founder).collect();
			Committees::insert(chain, 0, Committee::new(0, founders).unwrap());
		}
		System::set_block_number(9);
		run_to(10);
	});
	ext
}

/// Goes on to the beginning of block `number`.
#[track_caller]
fn run_to(number: BlockNumber) {
	while System::block_number() < number {
		let next = System::block_number() + 1;
		System::set_block_number(next);
		Elections::on_initialize(next);
		Elections::do_try_state().unwrap();
	}
}

fn run_by(blocks: BlockNumber) {
	run_to(System::block_number() + blocks);
}

/// A seed in this block, of the round before.
fn seed(randomness: Hash) {
	seed_of(System::block_number() - 1, randomness);
}

fn seed_of(round: BlockNumber, randomness: Hash) {
	Elections::on_seed(round, randomness);
	Elections::do_try_state().unwrap();
}

#[track_caller]
fn election(chain: ChainId) -> Election {
	Elections::election(chain).expect("there is an election")
}

/// What node `i` draws.
fn proof(i: u8, seed: Hash, chain: ChainId, epoch: Epoch) -> SortitionProof {
	SortitionProof::from(&sortition_key(i).0.vrf_sign(&sign_data(seed, chain, epoch)))
}

/// How node `i` fares with a seed, with nothing changed since the mock's genesis.
fn fares(i: u8, seed: Hash, chain: ChainId, epoch: Epoch) -> Standing {
	let number = proof(i, seed, chain, epoch)
		.number(&sortition_key(i).1, seed, chain, epoch)
		.unwrap();
	let total = STAKE * Balance::from(NODES);
	standing(number, share(STAKE, total, SIZE), total)
}

fn who(standing: Standing, seed: Hash, chain: ChainId, epoch: Epoch) -> Vec<u8> {
	(0..NODES)
		.filter(|i| fares(*i, seed, chain, epoch) == standing)
		.collect()
}

/// The first seed that elects so many nodes to A's committee of epoch 1, and puts at least four on standby.
fn seed_electing(elected: usize) -> Hash {
	(0u8..=255)
		.map(Hash::repeat_byte)
		.find(|seed| {
			who(Standing::Elected, *seed, A, 1).len() == elected
				&& who(Standing::Standby, *seed, A, 1).len() >= 4
		})
		.expect("some seed elects as many")
}

/// The right claim of node `i` in an open election.
#[track_caller]
fn claim_of(i: u8, chain: ChainId) -> Claim {
	let Election {
		epoch,
		phase: Phase::Open { round, seed, .. },
		..
	} = election(chain)
	else {
		panic!("the election is not open")
	};
	Claim {
		chain,
		epoch,
		round,
		operator: operator(i),
		proof: proof(i, seed, chain, epoch),
	}
}

/// What the pool says.
fn pool(call: &RuntimeCall) -> TransactionValidity {
	call.authorize(TransactionSource::External)
		.expect("the calls authorize themselves")
		.map(|(validity, _)| validity)
}

/// The dispatch that follows an authorization.
fn dispatch(call: &RuntimeCall) -> DispatchResult {
	frame_support::storage::with_storage_layer(|| {
		call.clone()
			.dispatch(RawOrigin::Authorized.into())
			.map(drop)
			.map_err(|error| error.error)
	})
}

/// The pool, and so a block, refuses the call with this error, and the state stays as it was. A dispatch does too, unless the error
/// is one that only the authorization looks for.
#[track_caller]
fn refuses(call: &RuntimeCall, error: Error<Test>, only_authorization: bool) {
	let before = state();
	let expected = error.validity();
	assert_eq!(pool(call), Err(expected), "expected {error:?}");
	if !only_authorization {
		assert_eq!(dispatch(call), Err(error.into()));
	}
	assert_eq!(state(), before);
}

fn claim_call(claim: &Claim) -> RuntimeCall {
	Call::<Test>::claim { claim: claim.clone() }.into()
}

/// Claims as the pool and then a block do; whether the claim is taken.
#[track_caller]
fn try_claim(claim: &Claim) -> bool {
	let call = claim_call(claim);
	let taken = pool(&call).is_ok();
	if taken {
		dispatch(&call).unwrap();
	}
	taken
}

/// Claims as the pool and then a block do.
#[track_caller]
fn come_forward(i: u8, chain: ChainId) {
	let call = claim_call(&claim_of(i, chain));
	pool(&call).unwrap();
	dispatch(&call).unwrap();
	Elections::do_try_state().unwrap();
}

/// The word of a member of a chain's new committee.
#[track_caller]
fn word(i: u8, chain: ChainId, sharing: Option<SharingId>) -> Readiness {
	let Election {
		epoch,
		phase: Phase::Recorded { round, .. },
		..
	} = election(chain)
	else {
		panic!("there is no committee on record")
	};
	Readiness {
		chain,
		epoch,
		round,
		member: id(i),
		sharing,
	}
}

/// A word with the signature of `signer`.
fn word_call(signer: u8, readiness: &Readiness) -> RuntimeCall {
	let signature = identity(signer)
		.sign(&readiness.statement(Elections::genesis()))
		.0;
	Call::<Test>::ready {
		readiness: readiness.clone(),
		signature,
	}
	.into()
}

#[track_caller]
fn say(i: u8, readiness: &Readiness) {
	let call = word_call(i, readiness);
	pool(&call).unwrap();
	dispatch(&call).unwrap();
	Elections::do_try_state().unwrap();
}

fn recorded(chain: ChainId, epoch: Epoch) -> Vec<MemberId> {
	let committee = Committees::get(chain, epoch).expect("a committee is on record");
	committee.members().iter().map(|member| member.id).collect()
}

fn ids(of: impl IntoIterator<Item = u8>) -> Vec<MemberId> {
	let mut ids: Vec<_> = of.into_iter().map(id).collect();
	ids.sort_unstable();
	ids
}

/// The numbers of the members on record: nodes, and founders from 200 on.
fn numbers(chain: ChainId, epoch: Epoch) -> Vec<u8> {
	let members = recorded(chain, epoch);
	(0..=255).filter(|i| members.contains(&id(*i))).collect()
}

/// A's election for epoch 1, open by this seed since this block; the signal is of the block before.
fn open(randomness: Hash) {
	Elections::on_signal(A, 1);
	run_by(1);
	seed(randomness);
	assert!(election(A).window().is_some());
}

fn state() -> Vec<u8> {
	polkadot_sdk::sp_io::storage::root(StateVersion::V1)
}
