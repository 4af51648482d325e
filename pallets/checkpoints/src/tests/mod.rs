//! Checkpoints on a mock runtime with the real registry and real BLS signatures.

mod bytes;
mod conservation;
mod epochs;
mod flow;
mod judge;
mod refusals;

use super::*;
use crate as pallet_checkpoints;
use asterism_primitives::{
	certificate::{CertificateKind, Realm, Round},
	committee::{BlsPublic, BlsSignature, Committee, Epoch, Member, MemberId},
	digest::{round_item, traffic_item, Received, Sent, Traffic},
	message::outbox_root,
	ChainParameters,
};
use asterism_protocol::{channel::Batch, ledger::Flow};
use asterism_runtime_common::bls::{HostBls, DST};
use blst::min_sig::{AggregateSignature, SecretKey};
use pallet_chains::{GenesisChain, GenesisRoot, OnEpoch};
use polkadot_sdk::{
	frame_support::{
		derive_impl, storage_alias,
		traits::{Authorize, ConstU64},
	},
	frame_system::{EnsureRoot, RawOrigin},
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
	pub type Chains = pallet_chains;
	#[runtime::pallet_index(2)]
	pub type Checkpoints = pallet_checkpoints;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlockU32<Test>;
}

impl pallet_chains::Config for Test {
	type RegisterOrigin = EnsureRoot<u64>;
	type Keys = HostBls;
	type OnRegister = Checkpoints;
	type MaxChains = ConstU32<128>;
	type HistoryDepth = ConstU64<2>;
	type OnEpoch = Signals;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = BenchChains;
}

/// What the registry says of signals.
#[storage_alias]
type Heard = StorageValue<Mock, Vec<(ChainId, Epoch)>, ValueQuery>;

pub struct Signals;
impl OnEpoch for Signals {
	fn on_signal(chain: ChainId, next: Epoch) {
		Heard::append((chain, next));
	}
	fn on_end(_: ChainId, _: Epoch) {}
	fn on_forget(_: ChainId, _: Epoch) {}
	fn weight() -> Weight {
		Weight::from_parts(5, 0)
	}
}

impl Config for Test {
	type Chains = Chains;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = BenchChains;
}

#[cfg(feature = "runtime-benchmarks")]
pub struct BenchChains;
#[cfg(feature = "runtime-benchmarks")]
impl pallet_chains::BenchmarkHelper for BenchChains {
	fn key(number: u32) -> BlsPublic {
		asterism_runtime_common::bls::benchmarking::key(number)
	}
}
#[cfg(feature = "runtime-benchmarks")]
impl BenchmarkHelper for BenchChains {
	fn register(chain: ChainId, genesis: &Header, members: u32) {
		// Ids in the order of the keys: what is signed by index is signed by these keys.
		let member = |i: u32| {
			let mut id = [0; 32];
			id[..4].copy_from_slice(&i.to_be_bytes());
			Member {
				id: MemberId(id),
				key: <Self as pallet_chains::BenchmarkHelper>::key(i),
			}
		};
		let members: Vec<_> = (0..members).map(member).collect();
		Chains::register(
			RawOrigin::Root.into(),
			chain,
			Box::new(genesis.clone()),
			Default::default(),
			members.try_into().unwrap(),
		)
		.unwrap();
	}

	fn sign(signers: &[u32], message: &[u8]) -> BlsSignature {
		asterism_runtime_common::bls::benchmarking::sign(signers, message)
	}
}

const A: ChainId = ChainId(1);
const B: ChainId = ChainId(2);
const C: ChainId = ChainId(3);
const NOOS: CurrencyId = CurrencyId::NATIVE;
/// Members of each committee; a quorum is 3.
const SIZE: u32 = 4;

fn secret(chain: ChainId, i: u32) -> SecretKey {
	let mut seed = [i as u8 + 1; 32];
	seed[0] = chain.0 as u8;
	SecretKey::key_gen(&seed, &[]).unwrap()
}

fn member(chain: ChainId, i: u32) -> Member {
	Member {
		id: MemberId([i as u8; 32]),
		key: BlsPublic(secret(chain, i).sk_to_pk().to_bytes()),
	}
}

fn genesis_header(chain: ChainId) -> Header {
	Header::new(
		0,
		Hash::zero(),
		Hash::repeat_byte(chain.0 as u8),
		Hash::zero(),
		Digest::default(),
	)
}

/// Three chains; A holds 1000 noOs and 50 of currency 1, B holds 500 noOs, C nothing.
pub fn new_test_ext() -> TestExternalities {
	let chain = |id: ChainId, holdings: &[(u32, Balance)]| GenesisChain {
		id,
		genesis: genesis_header(id),
		parameters: ChainParameters::default(),
		members: (0..SIZE).map(|i| member(id, i)).collect(),
		holdings: holdings
			.iter()
			.map(|(c, amount)| (CurrencyId(*c), *amount))
			.collect(),
	};
	let root = GenesisRoot {
		parameters: Default::default(),
		members: vec![member(ChainId::ROOT, 0)],
	};
	let chains = vec![
		chain(A, &[(0, 1000), (1, 50)]),
		chain(B, &[(0, 500)]),
		chain(C, &[]),
	];
	let mut ext: TestExternalities = RuntimeGenesisConfig {
		chains: pallet_chains::GenesisConfig {
			root,
			chains,
			..Default::default()
		},
		..Default::default()
	}
	.build_storage()
	.unwrap()
	.into();
	ext.execute_with(|| System::set_block_number(1));
	ext
}

/// The next header upon a parent.
fn child(parent: &Header, traffic: Option<Traffic>) -> Header {
	let number = parent.number + 1;
	let mut logs = vec![round_item(Round {
		epoch: 0,
		view: number.into(),
	})];
	logs.extend(traffic.as_ref().map(traffic_item));
	Header::new(
		number,
		Hash::zero(),
		Hash::repeat_byte(7),
		parent.hash(),
		Digest { logs },
	)
}

/// Headers upon a parent, one for each traffic.
fn run(parent: &Header, traffic: impl IntoIterator<Item = Option<Traffic>>) -> Headers {
	let mut headers = vec![parent.clone()];
	for traffic in traffic {
		headers.push(child(headers.last().unwrap(), traffic));
	}
	headers.remove(0);
	headers.try_into().unwrap()
}

/// `n` quiet headers upon genesis.
fn quiet(chain: ChainId, n: usize) -> Headers {
	run(&genesis_header(chain), vec![None; n])
}

/// The certificate of `chain`'s committee on a header, signed by these members.
fn certify_by(chain: ChainId, header: &Header, signers: &[u32]) -> Certificate {
	let certificate = Certificate {
		kind: CertificateKind::Finalization,
		round: Round {
			epoch: 0,
			view: header.number.into(),
		},
		parent_view: u64::from(header.number) - 1,
		block_hash: header.hash(),
		signers: Certificate::bitmap(SIZE, signers.iter().copied()).unwrap(),
		signature: BlsSignature([0; 48]),
	};
	sign(chain, chain, signers, certificate)
}

/// Signs the certificate, as of chain `realm`, with the keys of `committee`'s members.
fn sign(committee: ChainId, realm: ChainId, signers: &[u32], mut certificate: Certificate) -> Certificate {
	let message = certificate.signed_bytes(Realm {
		chain: realm,
		genesis: genesis_header(realm).hash(),
	});
	let shares: Vec<_> = signers
		.iter()
		.map(|i| secret(committee, *i).sign(&message, DST, &[]))
		.collect();
	let sum = AggregateSignature::aggregate(&shares.iter().collect::<Vec<_>>(), false).unwrap();
	certificate.signature = BlsSignature(sum.to_signature().to_bytes());
	certificate
}

fn certify(chain: ChainId, headers: &Headers) -> Certificate {
	certify_by(chain, headers.last().unwrap(), &[0, 1, 3])
}

fn call(chain: ChainId, headers: &Headers, certificate: &Certificate) -> RuntimeCall {
	Call::<Test>::submit {
		chain,
		headers: headers.clone(),
		certificate: certificate.clone(),
	}
	.into()
}

/// What the pool says.
fn pool(chain: ChainId, headers: &Headers, certificate: &Certificate) -> TransactionValidity {
	call(chain, headers, certificate)
		.authorize(TransactionSource::External)
		.expect("submissions authorize themselves")
		.map(|(validity, _)| validity)
}

/// The dispatch that follows an authorization.
fn dispatch(chain: ChainId, headers: &Headers, certificate: &Certificate) -> DispatchResult {
	call(chain, headers, certificate)
		.dispatch(RawOrigin::Authorized.into())
		.map(drop)
		.map_err(|error| error.error)
}

/// Submits with a good certificate, as the pool and then a block do.
#[track_caller]
fn submit(chain: ChainId, headers: &Headers) {
	let certificate = certify(chain, headers);
	pool(chain, headers, &certificate).unwrap();
	dispatch(chain, headers, &certificate).unwrap();
	Checkpoints::do_try_state().unwrap();
}

fn state() -> Vec<u8> {
	polkadot_sdk::sp_io::storage::root(StateVersion::V1)
}

fn sent(destination: ChainId, first_nonce: u64, count: u32) -> Sent {
	Sent {
		destination,
		batch: Batch { first_nonce, count },
		root: Hash::repeat_byte(3),
	}
}

fn received(source: ChainId, next_nonce: u64) -> Received {
	Received { source, next_nonce }
}

fn flow(peer: ChainId, amount: Balance) -> Flow {
	Flow {
		peer,
		currency: NOOS,
		amount,
	}
}

fn traffic(sent: &[Sent], received: &[Received], outflows: &[Flow], inflows: &[Flow]) -> Traffic {
	let mut traffic = Traffic {
		outbox_root: Hash::zero(),
		sent: sent.to_vec().try_into().unwrap(),
		received: received.to_vec().try_into().unwrap(),
		outflows: outflows.to_vec().try_into().unwrap(),
		inflows: inflows.to_vec().try_into().unwrap(),
	};
	traffic.outbox_root = outbox_root(&traffic.leaves());
	traffic
}
