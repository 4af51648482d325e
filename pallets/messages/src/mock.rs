//! A chain with root view and messages, whose handler keeps each account's value in a plain storage entry.

use crate as pallet_messages;
use asterism_primitives::{
	message::{BounceReason, Message},
	root_state::ChainIds,
	AccountId, Balance, ChainId, ChainParameters, CurrencyId, Nonce,
};
use codec::Encode;
use pallet_messages::HandleMessage;
use polkadot_sdk::{
	frame_support::{derive_impl, storage::unhashed, traits::ConstU32, weights::Weight},
	sp_io::TestExternalities,
	sp_runtime::{traits::IdentityLookup, BuildStorage},
	*,
};

use std::collections::BTreeSet;

type Block = frame_system::mocking::MockBlockU32<Test>;

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		RootView: pallet_root_view,
		Messages: pallet_messages,
	}
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountId = AccountId;
	type Lookup = IdentityLookup<AccountId>;
}

impl pallet_root_view::Config for Test {
	type OnAcknowledged = Messages;
	type WeightInfo = ();
}

impl pallet_messages::Config for Test {
	type RootState = RootView;
	type Handler = Vault;
	type MaxDeliveries = ConstU32<512>;
	type WeightInfo = ();
}

/// Credits everybody but [`refusing`].
pub struct Vault;

/// The account that nothing can be deposited with.
pub fn refusing() -> AccountId {
	AccountId::new([0xff; 32])
}

impl Vault {
	pub fn value(account: &AccountId) -> Balance {
		unhashed::get_or_default(&account.encode())
	}

	fn credit(account: &AccountId, value: Balance) {
		unhashed::put(&account.encode(), &(Self::value(account) + value));
	}
}

impl HandleMessage for Vault {
	fn receive(_: ChainId, message: &Message) -> Result<(), BounceReason> {
		// Written first, so that a refusal has something to drop.
		Self::credit(&message.recipient, message.value);
		if message.currency != CurrencyId::NATIVE {
			return Err(BounceReason::UnknownCurrency);
		}
		if message.recipient == refusing() {
			return Err(BounceReason::Refused);
		}
		Ok(())
	}

	fn returned(_: ChainId, message: &Message, _: Nonce, _: BounceReason) {
		Self::credit(&message.recipient, message.value);
	}

	fn weight() -> Weight {
		Weight::from_parts(1_000_000, 0)
	}
}

/// The transaction chains on record at the root chain.
pub fn known() -> ChainIds {
	(1..100).map(ChainId).collect::<BTreeSet<_>>().try_into().unwrap()
}

/// A chain that knows the others already.
pub fn new_test_ext(chain_id: ChainId) -> TestExternalities {
	let root_view = pallet_root_view::GenesisConfig {
		chain_id,
		parameters: ChainParameters::default(),
		..Default::default()
	};
	let mut ext: TestExternalities = RuntimeGenesisConfig {
		root_view,
		..Default::default()
	}
	.build_storage()
	.unwrap()
	.into();
	ext.execute_with(|| {
		System::set_block_number(1);
		pallet_root_view::KnownChains::<Test>::put(known());
	});
	ext
}
