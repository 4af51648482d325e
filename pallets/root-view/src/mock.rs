//! A runtime of this pallet alone.

use crate as pallet_root_view;
use asterism_primitives::{ChainId, ChainParameters, Nonce};
use core::cell::RefCell;
use polkadot_sdk::{frame_support::derive_impl, sp_io::TestExternalities, sp_runtime::BuildStorage, *};

type Block = frame_system::mocking::MockBlockU32<Test>;

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		RootView: pallet_root_view,
	}
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
}

std::thread_local! {
	pub static ACKNOWLEDGED: RefCell<Vec<(ChainId, Nonce)>> = const { RefCell::new(Vec::new()) };
}

pub struct Acknowledged;
impl pallet_root_view::OnAcknowledged for Acknowledged {
	fn acknowledged(destination: ChainId, nonce: Nonce) {
		ACKNOWLEDGED.with_borrow_mut(|list| list.push((destination, nonce)));
	}
}

impl pallet_root_view::Config for Test {
	type OnAcknowledged = Acknowledged;
	type WeightInfo = ();
}

pub fn genesis(chain_id: ChainId, block_interval: u32) -> TestExternalities {
	let parameters = ChainParameters {
		block_interval,
		..Default::default()
	};
	let root_view = pallet_root_view::GenesisConfig {
		chain_id,
		parameters,
		..Default::default()
	};
	RuntimeGenesisConfig {
		root_view,
		..Default::default()
	}
	.build_storage()
	.unwrap()
	.into()
}

pub fn new_test_ext() -> TestExternalities {
	ACKNOWLEDGED.with_borrow_mut(Vec::clear);
	let mut ext = genesis(ChainId(1), 1_000);
	ext.execute_with(|| System::set_block_number(1));
	ext
}
