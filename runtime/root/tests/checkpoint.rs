//! The runtime as nodes meet it: genesis from JSON, a certified checkpoint through the pool and a block, and the storage
//! keys that transaction chains read by proof.

use asterism_primitives::{
	api::runtime_decl_for_chain_api::ChainApiV1,
	api::runtime_decl_for_root_api::RootApiV1,
	certificate::{Certificate, CertificateKind, Realm, Round},
	committee::{BlsPublic, BlsSignature, Member, MemberId},
	digest::round_item,
	root_state::{anchor_key, chains_key, channel_key, ready_key, ChainIds},
	ChainId, ChainParameters, CurrencyId, Hash, Header,
};
use asterism_root_runtime::{
	dust_pot, Block, Executive, Runtime, RuntimeCall, RuntimeGenesisConfig, System, UncheckedExtrinsic,
};
use blst::min_sig::{AggregateSignature, SecretKey};
use codec::DecodeAll;
use polkadot_sdk::{
	frame_support::{genesis_builder_helper, traits::Get},
	pallet_balances, pallet_timestamp,
	sp_io::TestExternalities,
	sp_keyring::Sr25519Keyring,
	sp_runtime::{
		traits::Header as _,
		transaction_validity::{InvalidTransaction, TransactionSource, TransactionValidity},
		Digest,
	},
};

const A: ChainId = ChainId(1);

fn secret(i: u8) -> SecretKey {
	SecretKey::key_gen(&[i + 1; 32], &[]).unwrap()
}

fn member(i: u8) -> Member {
	Member {
		id: MemberId([i; 32]),
		key: BlsPublic(secret(i).sk_to_pk().to_bytes()),
	}
}

fn genesis_header() -> Header {
	Header::new(
		0,
		Hash::zero(),
		Hash::repeat_byte(1),
		Hash::zero(),
		Digest::default(),
	)
}

/// The genesis that a chain spec of a root chain with one transaction chain describes.
fn new_test_ext() -> TestExternalities {
	let members: Vec<_> = (0..4).map(member).collect();
	let alice = Sr25519Keyring::Alice.to_account_id();
	let genesis = serde_json::json!({
		"balances": { "balances": [[alice, 1_000_000_000_000_000u64], [dust_pot(), 1_000_000]] },
		"sudo": { "key": alice },
		"chains": {
			"root": { "parameters": { "blockInterval": 800 }, "members": members },
			"chains": [{
				"id": 1,
				"genesis": genesis_header(),
				"parameters": { "blockInterval": 1000 },
				"members": members,
				"holdings": [[0, 1_000_000_000_000u64]],
			}],
		},
	});
	let mut ext = TestExternalities::new_empty();
	ext.execute_with(|| {
		let mut full = serde_json::to_value(RuntimeGenesisConfig::default()).unwrap();
		for (pallet, config) in genesis.as_object().unwrap() {
			for (field, value) in config.as_object().unwrap() {
				full[pallet][field] = value.clone();
			}
		}
		genesis_builder_helper::build_state::<RuntimeGenesisConfig>(full.to_string().into_bytes()).unwrap();
		let first = Header::new(
			1,
			Hash::zero(),
			Hash::zero(),
			Hash::repeat_byte(9),
			Digest {
				logs: vec![round_item(Round { epoch: 0, view: 1 })],
			},
		);
		Executive::initialize_block(&first);
	});
	ext
}

/// The first block of the chain, certified by these members.
fn checkpoint(signers: &[u8]) -> (Header, Certificate) {
	let digest = Digest {
		logs: vec![round_item(Round { epoch: 0, view: 1 })],
	};
	let header = Header::new(
		1,
		Hash::zero(),
		Hash::repeat_byte(2),
		genesis_header().hash(),
		digest,
	);
	let mut certificate = Certificate {
		kind: CertificateKind::Finalization,
		round: Round { epoch: 0, view: 1 },
		parent_view: 0,
		block_hash: header.hash(),
		signers: Certificate::bitmap(4, signers.iter().map(|i| u32::from(*i))).unwrap(),
		signature: BlsSignature([0; 48]),
	};
	let message = certificate.signed_bytes(Realm {
		chain: A,
		genesis: genesis_header().hash(),
	});
	let shares: Vec<_> = signers
		.iter()
		.map(|i| secret(*i).sign(&message, asterism_runtime_common::bls::DST, &[]))
		.collect();
	let sum = AggregateSignature::aggregate(&shares.iter().collect::<Vec<_>>(), false).unwrap();
	certificate.signature = BlsSignature(sum.to_signature().to_bytes());
	(header, certificate)
}

fn extrinsic(signers: &[u8]) -> UncheckedExtrinsic {
	let (header, certificate) = checkpoint(signers);
	<Runtime as RootApiV1<Block>>::checkpoint_extrinsic(A, vec![header], certificate)
}

fn validate(extrinsic: UncheckedExtrinsic) -> TransactionValidity {
	Executive::validate_transaction(TransactionSource::External, extrinsic, Hash::repeat_byte(9))
}

#[test]
fn a_certified_checkpoint_goes_through_pool_and_block() {
	new_test_ext().execute_with(|| {
		let now =
			UncheckedExtrinsic::new_bare(RuntimeCall::Timestamp(pallet_timestamp::Call::set { now: 1 }));
		Executive::apply_extrinsic(now).unwrap().unwrap();

		let validity = validate(extrinsic(&[0, 1, 2])).unwrap();
		assert!(validity.propagate && validity.provides.len() == 1);
		Executive::apply_extrinsic(extrinsic(&[0, 1, 2]))
			.unwrap()
			.unwrap();

		let record = <Runtime as RootApiV1<Block>>::chain(A).unwrap();
		let (header, _) = checkpoint(&[0, 1, 2]);
		assert_eq!((record.head.number, record.head.hash), (1, header.hash()));
		assert_eq!(
			<Runtime as RootApiV1<Block>>::anchor(A, 1).unwrap().state_root,
			header.state_root
		);
		// Once is enough: code 12 is `Stale`.
		let stale: TransactionValidity = Err(InvalidTransaction::Custom(12).into());
		assert_eq!(validate(extrinsic(&[0, 1, 3])), stale);
		assert_eq!(
			Executive::apply_extrinsic(extrinsic(&[0, 1, 2])).map(drop),
			stale.clone().map(drop)
		);
		Executive::finalize_block();
	});
}

#[test]
fn too_few_signers_do_not_get_into_the_pool() {
	new_test_ext().execute_with(|| {
		// Code 9 is `NoQuorum`.
		assert_eq!(
			validate(extrinsic(&[0, 1])),
			Err(InvalidTransaction::Custom(9).into())
		);
	});
}

#[test]
fn storage_keys_are_those_that_chains_read() {
	use pallet_checkpoints::{Anchors, Channels};
	for (a, b) in [(1, 2), (7, 1), (u32::MAX, 0)] {
		assert_eq!(
			Anchors::<Runtime>::hashed_key_for(ChainId(a), b),
			anchor_key(ChainId(a), b)
		);
		assert_eq!(
			Channels::<Runtime>::hashed_key_for(ChainId(a), ChainId(b)),
			channel_key(ChainId(a), ChainId(b))
		);
		assert_eq!(
			pallet_chains::Ready::<Runtime>::hashed_key_for(ChainId(a)),
			ready_key(ChainId(a))
		);
	}
	assert_eq!(pallet_chains::Ids::<Runtime>::hashed_key().to_vec(), chains_key());
	new_test_ext().execute_with(|| {
		let bytes = polkadot_sdk::sp_io::storage::get(&chains_key()).unwrap();
		let ids = ChainIds::decode_all(&mut &bytes[..]).unwrap();
		assert_eq!(ids.into_iter().collect::<Vec<_>>(), [A]);
	});
}

#[test]
fn apis_answer_from_genesis() {
	new_test_ext().execute_with(|| {
		assert_eq!(<Runtime as ChainApiV1<Block>>::chain_id(), ChainId::ROOT);
		assert_eq!(
			<Runtime as ChainApiV1<Block>>::parameters(),
			ChainParameters {
				block_interval: 800,
				..Default::default()
			}
		);
		let issuance = <Runtime as ChainApiV1<Block>>::issuance();
		assert_eq!(issuance, [(CurrencyId::NATIVE, 1_000_000_001_000_000)]);
		assert_eq!(<Runtime as RootApiV1<Block>>::chains(), [A]);
		assert_eq!(
			<Runtime as RootApiV1<Block>>::committee(ChainId::ROOT, 0)
				.unwrap()
				.size(),
			4
		);
		assert_eq!(
			<Runtime as RootApiV1<Block>>::holdings(),
			[(A, CurrencyId::NATIVE, 1_000_000_000_000)]
		);
		assert_eq!(<Runtime as pallet_timestamp::Config>::MinimumPeriod::get(), 400);
	});
}

#[test]
fn dust_is_kept() {
	new_test_ext().execute_with(|| {
		let before = pallet_balances::Pallet::<Runtime>::total_issuance();
		let alice = Sr25519Keyring::Alice.to_account_id();
		let bob = Sr25519Keyring::Bob.to_account_id();
		let transfer = |from: &Sr25519Keyring, to, value| {
			let call = pallet_balances::Call::<Runtime>::transfer_allow_death { dest: to, value };
			polkadot_sdk::sp_runtime::traits::Dispatchable::dispatch(
				RuntimeCall::from(call),
				polkadot_sdk::frame_system::RawOrigin::Signed(from.to_account_id()).into(),
			)
			.unwrap();
		};
		transfer(&Sr25519Keyring::Alice, bob.clone().into(), 3_000_000);
		transfer(&Sr25519Keyring::Bob, alice.into(), 2_000_001);
		assert!(!System::account_exists(&bob));
		assert_eq!(pallet_balances::Pallet::<Runtime>::total_issuance(), before);
		assert_eq!(
			pallet_balances::Pallet::<Runtime>::free_balance(dust_pot()),
			1_999_999
		);
	});
}
