//! Evidence on a mock runtime with real BLS signatures.

mod punishment;
mod refusals;

use super::*;
use crate as pallet_misconduct;
use asterism_primitives::{
	certificate::{Certificate, CertificateKind, CommitteeKeys, Realm, Round},
	committee::{BlsPublic, BlsSignature, Committee, Member},
	digest::round_item,
	offence::{Contradiction, Proposal, Vote, Votes},
	ChainParameters,
};
use asterism_runtime_common::bls::{HostBls, DST};
use blst::min_sig::{AggregateSignature, SecretKey};
use pallet_chains::{ChainRegistry, CommitteeHistory, CommitteeProvider};
use polkadot_sdk::{
	frame_support::{derive_impl, parameter_types, storage_alias, traits::Authorize},
	frame_system::RawOrigin,
	sp_io::TestExternalities,
	sp_runtime::{
		traits::{Dispatchable, Header as _},
		BuildStorage, Digest, StateVersion,
	},
};

#[frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(RuntimeCall, RuntimeEvent, RuntimeError, RuntimeOrigin, RuntimeTask)]
	pub struct Test;
	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Misconduct = pallet_misconduct;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlockU32<Test>;
}

parameter_types! {
	pub const SlashFraction: Perbill = Perbill::from_percent(50);
}

impl Config for Test {
	type Chains = Network;
	type Operators = Network;
	type Punish = Network;
	type Judge = Network;
	type SlashFraction = SlashFraction;
	type Lifetime = ConstU32<100>;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = Network;
}

const A: ChainId = ChainId(1);
const B: ChainId = ChainId(2);
/// Members of each committee; a quorum is 3.
const SIZE: u32 = 4;
/// Every chain's current epoch. Those before 3 are forgotten; 3 is long over, 4 is just over.
const EPOCH: Epoch = 5;
const NOW: BlockNumber = 1_000;
const STAKE: Balance = 1_000;

/// What each operator has left.
#[storage_alias]
type Stakes = StorageMap<Mock, Twox64Concat, u64, Balance>;
/// Which operators are excluded.
#[storage_alias]
type Excluded = StorageMap<Mock, Twox64Concat, u64, ()>;
/// Who got rewards.
#[storage_alias]
type Rewarded = StorageValue<Mock, Vec<u64>, ValueQuery>;
/// What the judge says of A's traffic.
#[storage_alias]
type Verdict = StorageValue<Mock, u8, ValueQuery>;

pub struct Network;

fn genesis_hash(chain: ChainId) -> Hash {
	Hash::repeat_byte(chain.0 as u8 + 1)
}

fn secret(chain: ChainId, i: u32) -> SecretKey {
	let mut seed = [i as u8 + 1; 32];
	seed[0] = chain.0 as u8;
	SecretKey::key_gen(&seed, &[]).unwrap()
}

fn id(chain: ChainId, i: u32) -> MemberId {
	let mut id = [i as u8; 32];
	id[31] = chain.0 as u8;
	MemberId(id)
}

/// The account that answers for a member.
fn operator(chain: ChainId, i: u32) -> u64 {
	u64::from(chain.0 * 100 + i)
}

impl CommitteeProvider for Network {
	type Keys = HostBls;
	fn committee(chain: ChainId, epoch: Epoch) -> Option<Committee> {
		let known = chain.0 < 3 && (3..=EPOCH + 1).contains(&epoch);
		let member = |i| Member {
			id: id(chain, i),
			key: BlsPublic(secret(chain, i).sk_to_pk().to_bytes()),
		};
		known.then(|| Committee::new(epoch, (0..SIZE).map(member).collect()).unwrap())
	}
	fn prepared(chain: ChainId, epoch: Epoch) -> Option<<HostBls as CommitteeKeys>::Prepared> {
		HostBls::prepare(&Self::committee(chain, epoch)?)
	}
}

impl CommitteeHistory for Network {
	fn ended(_: ChainId, epoch: Epoch) -> Option<BlockNumber> {
		match epoch {
			3 => Some(NOW - 101),
			4 => Some(NOW - 100),
			_ => None,
		}
	}
}

impl ChainRegistry for Network {
	fn is_transaction_chain(chain: ChainId) -> bool {
		!chain.is_root() && chain.0 < 3
	}
	fn genesis(chain: ChainId) -> Option<Hash> {
		(chain.0 < 3).then(|| genesis_hash(chain))
	}
	fn epoch(chain: ChainId) -> Option<Epoch> {
		(chain.0 < 3).then_some(EPOCH)
	}
	fn parameters(_: ChainId) -> Option<ChainParameters> {
		None
	}
	fn transaction_chains() -> Vec<ChainId> {
		vec![A, B]
	}
}

/// Nobody answers for the last member: it is there since genesis.
impl Operators<u64> for Network {
	fn operator_of(chain: ChainId, _: Epoch, member: &MemberId) -> Option<u64> {
		(0..SIZE - 1)
			.find(|i| id(chain, *i) == *member)
			.map(|i| operator(chain, i))
	}
	fn weight() -> Weight {
		Weight::from_parts(7, 0)
	}
}

impl Punish<u64> for Network {
	fn punish(operator: &u64, fraction: Perbill, reporter: Option<&u64>) -> Balance {
		let stake = Stakes::get(operator).unwrap_or(STAKE);
		let slashed = fraction * stake;
		Stakes::insert(operator, stake - slashed);
		Excluded::insert(operator, ());
		Rewarded::mutate(|rewarded| rewarded.extend(reporter));
		slashed
	}
	fn weight() -> Weight {
		Weight::from_parts(11, 0)
	}
}

impl FlowJudge for Network {
	fn judge(_: ChainId, _: &[Header]) -> Result<(), Acquittal> {
		match Verdict::get() {
			0 => Ok(()),
			1 => Err(Acquittal::Consistent),
			_ => Err(Acquittal::NotNext),
		}
	}
	fn weight(headers: &[Header]) -> Weight {
		Weight::from_parts(13, 0).saturating_mul(headers.len() as u64)
	}
}

#[cfg(feature = "runtime-benchmarks")]
impl BenchmarkHelper for Network {
	fn register(_: ChainId, _: u32) -> Hash {
		unreachable!("benchmarks run on the root chain's runtime")
	}
	fn sign(_: &[u32], _: &[u8]) -> BlsSignature {
		unreachable!("benchmarks run on the root chain's runtime")
	}
}

fn new_test_ext() -> TestExternalities {
	let mut ext: TestExternalities = RuntimeGenesisConfig::default().build_storage().unwrap().into();
	ext.execute_with(|| System::set_block_number(NOW));
	ext
}

fn proposal(block: u8) -> Proposal {
	Proposal {
		parent_view: 6,
		block_hash: Hash::repeat_byte(block),
	}
}

fn notarize(block: u8) -> Vote {
	Vote::Notarize(proposal(block))
}

fn finalize(block: u8) -> Vote {
	Vote::Finalize(proposal(block))
}

fn round(epoch: Epoch, view: u64) -> Round {
	Round { epoch, view }
}

/// What these members of `committee` sign, aggregated.
fn signature(committee: ChainId, signers: &[u32], message: &[u8]) -> BlsSignature {
	let shares: Vec<_> = signers
		.iter()
		.map(|i| secret(committee, *i).sign(message, DST, &[]))
		.collect();
	let sum = AggregateSignature::aggregate(&shares.iter().collect::<Vec<_>>(), false).unwrap();
	BlsSignature(sum.to_signature().to_bytes())
}

fn realm(chain: ChainId) -> Realm {
	Realm {
		chain,
		genesis: genesis_hash(chain),
	}
}

/// A vote of these members of A's committee.
fn votes_at(round: Round, vote: Vote, signers: &[u32]) -> Votes {
	Votes {
		round,
		vote,
		signers: Certificate::bitmap(SIZE, signers.iter().copied()).unwrap(),
		signature: signature(A, signers, &vote.signed_bytes(realm(A), round)),
	}
}

fn votes(vote: Vote, signers: &[u32]) -> Votes {
	votes_at(round(EPOCH, 7), vote, signers)
}

fn evidence(first: Votes, second: Votes) -> Evidence {
	Evidence {
		chain: A,
		proof: Proof::Votes { first, second },
	}
}

/// A run of headers of A, one for each round.
fn headers(rounds: &[Round]) -> Vec<Header> {
	let mut headers: Vec<Header> = Vec::new();
	for round in rounds {
		let parent = headers.last().map_or(Hash::zero(), |header| header.hash());
		headers.push(Header::new(
			headers.len() as u32 + 1,
			Hash::zero(),
			Hash::zero(),
			parent,
			Digest {
				logs: vec![round_item(*round)],
			},
		));
	}
	headers
}

/// A certificate of A's committee over a block.
fn certificate(kind: CertificateKind, block_hash: Hash, epoch: Epoch, signers: &[u32]) -> Certificate {
	let mut certificate = Certificate {
		kind,
		round: round(epoch, 7),
		parent_view: 6,
		block_hash,
		signers: Certificate::bitmap(SIZE, signers.iter().copied()).unwrap(),
		signature: BlsSignature([0; 48]),
	};
	certificate.signature = signature(A, signers, &certificate.signed_bytes(realm(A)));
	certificate
}

fn checkpoint(headers: Vec<Header>, certificate: Certificate) -> Evidence {
	Evidence {
		chain: A,
		proof: Proof::Checkpoint {
			headers: headers.try_into().unwrap(),
			certificate,
		},
	}
}

/// A checkpoint of A, certified by these members.
fn certified(rounds: &[Round], signers: &[u32]) -> Evidence {
	let headers = headers(rounds);
	let last = headers.last().unwrap();
	let certificate = certificate(
		CertificateKind::Finalization,
		last.hash(),
		rounds[0].epoch,
		signers,
	);
	checkpoint(headers, certificate)
}

fn call(evidence: &Evidence, reporter: Option<u64>) -> RuntimeCall {
	Call::<Test>::report {
		evidence: evidence.clone(),
		reporter,
	}
	.into()
}

/// What the pool says.
fn pool(evidence: &Evidence) -> TransactionValidity {
	call(evidence, None)
		.authorize(TransactionSource::External)
		.expect("reports authorize themselves")
		.map(|(validity, _)| validity)
}

/// The dispatch that follows an authorization.
fn dispatch(evidence: &Evidence, reporter: Option<u64>) -> DispatchResult {
	call(evidence, reporter)
		.dispatch(RawOrigin::Authorized.into())
		.map(drop)
		.map_err(|error| error.error)
}

/// Reports as the pool and then a block do.
#[track_caller]
fn report(evidence: &Evidence, reporter: Option<u64>) {
	pool(evidence).unwrap();
	dispatch(evidence, reporter).unwrap();
	Misconduct::do_try_state().unwrap();
}

fn state() -> Vec<u8> {
	polkadot_sdk::sp_io::storage::root(StateVersion::V1)
}

/// The members of A that were punished, by the events.
fn punished() -> Vec<(u32, Offence)> {
	System::events()
		.into_iter()
		.map(|record| match record.event {
			RuntimeEvent::Misconduct(Event::Punished { member, offence, .. }) => {
				((0..SIZE).find(|i| id(A, *i) == member).unwrap(), offence)
			}
			other => panic!("{other:?}"),
		})
		.collect()
}
