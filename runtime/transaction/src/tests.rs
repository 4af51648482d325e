use crate::*;
use asterism_primitives::{
	certificate::Round,
	digest,
	epoch::{epoch_note, EpochNote},
	inherents::{RootViewData, ROOT_VIEW},
	ChainId,
};
use asterism_runtime_common::{tx_extension, EXISTENTIAL_DEPOSIT, UNIT};
use codec::{Decode, Encode};
use pallet_root_view::fixture::RootFixture;
use polkadot_sdk::{
	sp_genesis_builder::runtime_decl_for_genesis_builder::GenesisBuilderV1,
	sp_inherents::{InherentData, InherentIdentifier},
	sp_io::TestExternalities,
	sp_keyring::Sr25519Keyring,
	sp_runtime::{generic::Era, traits::Header as _, Digest, DispatchError},
};
use serde_json::json;

mod determinism;

fn genesis(chain: u32) -> serde_json::Value {
	let alice = Sr25519Keyring::Alice.to_account_id();
	json!({
		"balances": { "balances": [[alice, 1_000_000_000_000_000u64]] },
		"rootView": { "chainId": chain, "parameters": { "blockInterval": 1_000 } },
	})
}

/// The default genesis with a patch, as chain specs make it.
fn build(patch: serde_json::Value) -> Result<TestExternalities, String> {
	let mut config = serde_json::to_value(RuntimeGenesisConfig::default()).unwrap();
	for (pallet, values) in patch.as_object().unwrap() {
		for (key, value) in values.as_object().unwrap() {
			config[pallet][key] = value.clone();
		}
	}
	let mut ext = TestExternalities::default();
	ext.execute_with(|| <Runtime as GenesisBuilderV1<Block>>::build_state(config.to_string().into_bytes()))?;
	Ok(ext)
}

fn header(number: u32) -> Header {
	let round = Round {
		epoch: 0,
		view: number.into(),
	};
	Header::new(
		number,
		Default::default(),
		Default::default(),
		Default::default(),
		Digest {
			logs: vec![digest::round_item(round)],
		},
	)
}

#[test]
fn genesis_holds_balances_and_the_pot() {
	build(genesis(1)).unwrap().execute_with(|| {
		assert_eq!(Balances::total_issuance(), 1_000 * UNIT + EXISTENTIAL_DEPOSIT);
		assert_eq!(Balances::free_balance(Actors::pot()), EXISTENTIAL_DEPOSIT);
		assert_eq!(RootView::parameters().block_interval, 1_000);
	});
}

#[test]
fn the_genesis_patch_has_this_shape() {
	let config = serde_json::to_value(RuntimeGenesisConfig::default()).unwrap();
	let parameters = json!({ "blockInterval": 1_000, "epochLength": 0, "committeeSize": 4 });
	let default = json!({ "chainId": 0, "parameters": parameters });
	assert_eq!(config["rootView"], default);
	assert_eq!(config["actors"], json!({}));
	assert!(config["balances"]["balances"].is_array());
}

#[test]
fn the_default_genesis_is_of_no_chain() {
	for patch in [json!({}), genesis(0)] {
		let error = build(patch).err().unwrap();
		assert!(error.contains("rootView.chainId: expected the id"), "{error}");
	}
}

/// Alice's transaction.
fn signed(call: RuntimeCall, nonce: Nonce) -> UncheckedExtrinsic {
	let alice = Sr25519Keyring::Alice;
	let payload = SignedPayload::new(call, tx_extension::<Runtime>(Era::Immortal, nonce)).unwrap();
	let signature = payload.using_encoded(|bytes| alice.sign(bytes));
	let (call, extension, _) = payload.deconstruct();
	let address = alice.to_account_id().into();
	UncheckedExtrinsic::new_signed(call, address, Signature::Sr25519(signature), extension)
}

/// Alice's transaction: 5 noOs to Bob's account on that chain.
fn transfer(chain: u32, nonce: Nonce) -> UncheckedExtrinsic {
	let call = RuntimeCall::Actors(pallet_actors::Call::transfer {
		destination: pallet_actors::Address {
			chain: ChainId(chain),
			account: Sr25519Keyring::Bob.to_account_id(),
		},
		amount: 5 * UNIT,
	});
	signed(call, nonce)
}

/// The inherents of a block: the time and, if there is one, a root view.
fn inherents(number: u32, view: Option<&RootViewData>) -> Vec<UncheckedExtrinsic> {
	let mut data = InherentData::new();
	let timestamp: InherentIdentifier = *b"timstap0";
	data.put_data(timestamp, &(u64::from(number) * 1_000_000))
		.unwrap();
	if let Some(view) = view {
		data.put_data(ROOT_VIEW, view).unwrap();
	}
	data.create_extrinsics()
}

/// The start of a block.
fn begin_block(number: u32, view: Option<&RootViewData>) {
	Executive::initialize_block(&header(number));
	for inherent in inherents(number, view) {
		Executive::apply_extrinsic(inherent).unwrap().unwrap();
	}
}

#[test]
fn a_signed_transfer_leaves_the_chain() {
	let mut ext = build(genesis(1)).unwrap();
	ext.execute_with(|| {
		let mut root = RootFixture::default();
		root.set_chains([1, 2].map(ChainId));
		let view = root.view(ChainId(1), 7, &[], &[]);
		begin_block(1, Some(&view));
		Executive::apply_extrinsic(transfer(2, 0)).unwrap().unwrap();

		assert_eq!(Balances::total_issuance(), 995 * UNIT + EXISTENTIAL_DEPOSIT);
		let header = Executive::finalize_block();
		let traffic = digest::traffic(header.digest()).unwrap();
		assert!(traffic.is_consistent());
		assert_eq!(traffic.outflows[0].amount, 5 * UNIT);
		assert!(Messages::delivery(ChainId(2), 1).is_some());
		let seen = digest::root_ref(header.digest()).unwrap();
		assert_eq!((seen.number, seen.hash), (7, view.header.hash()));
	});
}

#[test]
fn a_transfer_to_a_chain_that_is_not_on_record_stays() {
	let mut ext = build(genesis(1)).unwrap();
	ext.execute_with(|| {
		let refused = |nonce, chain| {
			let error = Executive::apply_extrinsic(transfer(chain, nonce))
				.unwrap()
				.unwrap_err();
			let expected: DispatchError = pallet_actors::Error::<Runtime>::UnknownDestination.into();
			assert_eq!(error, expected.stripped());
		};
		// Nothing is known before the first root view.
		begin_block(1, None);
		refused(0, 2);
		let header = Executive::finalize_block();
		assert_eq!(digest::root_ref(header.digest()), None);

		let mut root = RootFixture::default();
		root.set_chains([1, 2].map(ChainId));
		begin_block(2, Some(&root.view(ChainId(1), 7, &[], &[])));
		refused(1, 3);
		assert_eq!(Balances::total_issuance(), 1_000 * UNIT + EXISTENTIAL_DEPOSIT);
		let header = Executive::finalize_block();
		assert_eq!(digest::traffic(header.digest()), None);
	});
}

/// A chain with epochs of eight blocks, in block `number`, whose root view says that this epoch's committee is ready.
fn block_with_epochs(number: u32, ready: Option<u64>) -> Digest {
	let mut root = RootFixture::default();
	root.set_chains([ChainId(1)]);
	if let Some(epoch) = ready {
		root.set_ready(ChainId(1), epoch);
	}
	begin_block(number, Some(&root.view(ChainId(1), number, &[], &[])));
	Executive::finalize_block().digest
}

#[test]
fn epochs_signal_and_end_when_the_root_chain_says_that_the_next_committee_is_ready() {
	let mut patch = genesis(1);
	patch["rootView"]["parameters"]["epochLength"] = json!(8);
	build(patch).unwrap().execute_with(|| {
		for number in 1..=8 {
			let note = epoch_note(&block_with_epochs(number, None));
			assert_eq!(note, Ok((number == 3).then_some(EpochNote::Signal { next: 1 })));
		}
		assert_eq!(Epochs::current(), (0, 1));
		let digest = block_with_epochs(9, Some(1));
		assert_eq!(epoch_note(&digest), Ok(Some(EpochNote::End { next: 1 })));
		assert_eq!(Epochs::current(), (1, 10));
	});
}

#[test]
#[should_panic(expected = "header: expected a round of epoch 1, got one of epoch 0")]
fn the_old_committee_does_not_go_on() {
	let mut patch = genesis(1);
	patch["rootView"]["parameters"]["epochLength"] = json!(8);
	build(patch).unwrap().execute_with(|| {
		for number in 1..=9 {
			block_with_epochs(number, Some(1));
		}
	});
}

#[test]
fn metadata_of_all_versions_is_made() {
	build(genesis(1)).unwrap().execute_with(|| {
		for version in Runtime::metadata_versions() {
			assert!(Runtime::metadata_at_version(version).is_some());
		}
		assert!(!Runtime::metadata().encode().is_empty());
	});
}
