//! Transaction chains of all that composition rests on: real channels, real actors. Tests carry the messages from one chain to
//! another, as the inbox does once it has verified them.

use crate as pallet_composition;
use crate::{InterfaceOf, OfActors};
use asterism_order::queue::Limits;
use asterism_primitives::{
	message::{BounceReason, Message},
	root_state::ChainIds,
	AccountId, Balance, ChainId, ChainParameters, Hash,
};
use pallet_messages::HandleMessage;
use polkadot_sdk::{
	frame_support::{
		derive_impl, parameter_types,
		storage::with_storage_layer,
		traits::{ConstU128, ConstU32, ConstU64, Hooks, UnixTime},
		PalletId,
	},
	sp_io::TestExternalities,
	sp_runtime::{traits::IdentityLookup, BuildStorage, DispatchError, Perbill},
	*,
};
use std::{collections::BTreeSet, time::Duration};

type Block = frame_system::mocking::MockBlockU32<Test>;

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		RootView: pallet_root_view,
		Messages: pallet_messages,
		Actors: pallet_actors,
		Composition: pallet_composition,
	}
);

pub const MINIMUM: Balance = 10;
/// What each account has.
pub const FORTUNE: Balance = 100_000;
/// Announced interfaces that are kept for each chain.
pub const KEPT: u32 = 4;

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountId = AccountId;
	type Lookup = IdentityLookup<AccountId>;
	type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = Balance;
	type AccountStore = System;
	type ExistentialDeposit = ConstU128<MINIMUM>;
	type DustRemoval = pallet_actors::DustToPot<Test>;
}

impl pallet_root_view::Config for Test {
	type OnAcknowledged = Messages;
	type WeightInfo = ();
}

impl pallet_messages::Config for Test {
	type RootState = RootView;
	type Handler = pallet_composition::Router<Test, Actors>;
	type MaxDeliveries = ConstU32<512>;
	type WeightInfo = ();
}

parameter_types! {
	pub const PotId: PalletId = PalletId(*b"test/pot");
	pub const CompositionId: PalletId = PalletId(*b"testcomp");
	pub const QueueShare: Perbill = Perbill::from_percent(40);
	pub const QueueLimits: Limits = Limits { depth: 12, mailbox: 8, total: 24 };
}

/// A second a block.
pub struct Clock;

impl UnixTime for Clock {
	fn now() -> Duration {
		Duration::from_secs(System::block_number().into())
	}
}

impl pallet_actors::Config for Test {
	type RuntimeHoldReason = RuntimeHoldReason;
	type Currency = Balances;
	type Messages = Messages;
	type Time = Clock;
	type PotId = PotId;
	type DepositPerItem = ConstU128<2>;
	type DepositPerByte = ConstU128<1>;
	type WeightPerGas = ConstU64<30_000>;
	type MaxGas = ConstU64<5_000_000>;
	type QueueShare = QueueShare;
	type QueueLimits = QueueLimits;
	type WeightInfo = ();
}

impl pallet_composition::Config for Test {
	type RuntimeHoldReason = RuntimeHoldReason;
	type Currency = Balances;
	type Messages = Messages;
	type Interfaces = OfActors<Test>;
	type Deliver = OfActors<Test>;
	type PalletId = CompositionId;
	type DepositPerItem = ConstU128<2>;
	type DepositPerByte = ConstU128<1>;
	type MaxConnections = ConstU32<3>;
	type MaxPipelines = ConstU32<2>;
	type MaxAnnounced = ConstU32<KEPT>;
	type WeightInfo = ();
}

pub fn account(n: u8) -> AccountId {
	AccountId::new([n; 32])
}

/// Makes an account an actor with this interface; its code, which needs no gas, isn't there to run.
pub fn set_interface(account: &AccountId, code: Hash, interface: Vec<u8>) {
	OfActors::<Test>::set_interface(account, code, interface);
}

/// A chain that knows chains 1 to 99, on which accounts 1 to 3 are rich.
pub fn chain(id: u32) -> TestExternalities {
	let root_view = pallet_root_view::GenesisConfig {
		chain_id: ChainId(id),
		parameters: ChainParameters::default(),
		..Default::default()
	};
	let balances = pallet_balances::GenesisConfig {
		balances: (1..4).map(|n| (account(n), FORTUNE)).collect(),
		..Default::default()
	};
	let mut ext: TestExternalities = RuntimeGenesisConfig {
		root_view,
		balances,
		..Default::default()
	}
	.build_storage()
	.unwrap()
	.into();
	ext.execute_with(|| {
		System::set_block_number(1);
		let known: BTreeSet<ChainId> = (1..100).map(ChainId).collect();
		pallet_root_view::KnownChains::<Test>::put(ChainIds::try_from(known).unwrap());
	});
	ext
}

#[cfg(feature = "runtime-benchmarks")]
pub fn new_test_ext() -> TestExternalities {
	chain(1)
}

/// Ends the block, and returns what it sent to a chain.
pub fn end_block(destination: u32) -> Vec<Message> {
	let number = System::block_number();
	Messages::on_finalize(number);
	let sent = Messages::delivery(ChainId(destination), number)
		.map(|delivery| delivery.messages.into_inner())
		.unwrap_or_default();
	System::reset_events();
	System::initialize(&(number + 1), &Default::default(), &Default::default());
	sent
}

/// Executes a message from another chain, as the inbox does.
pub fn receive(source: u32, message: &Message) -> Result<(), BounceReason> {
	let mut refused = None;
	let done = with_storage_layer(|| {
		<Test as pallet_messages::Config>::Handler::receive(ChainId(source), message).map_err(|reason| {
			refused = Some(reason);
			DispatchError::Other("refused")
		})
	});
	done.map_err(|_| refused.expect("it says why"))
}
