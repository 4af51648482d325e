//! No currency is created or lost, whatever programs do to each other on two chains.

use super::{code::*, *};

#[derive(Clone, Debug)]
enum Act {
	/// A user calls an actor directly.
	Call {
		chain: u32,
		to: usize,
		to_chain: u32,
		value: Balance,
		said: bool,
	},
	/// A user has a proxy send something.
	Send {
		chain: u32,
		to: usize,
		to_chain: u32,
		value: Balance,
		gas: u64,
	},
	End(u32),
	Checkpoint(u32),
	Inherents(u32),
}

fn act() -> impl Strategy<Value = Act> {
	let chain = || 1u32..3;
	prop_oneof![
		3 => (chain(), 0usize..7, chain(), 0u128..200, any::<bool>())
			.prop_map(|(chain, to, to_chain, value, said)| Act::Call { chain, to, to_chain, value, said }),
		4 => (chain(), 0usize..7, chain(), 0u128..1_500, 0u64..400_000)
			.prop_map(|(chain, to, to_chain, value, gas)| Act::Send { chain, to, to_chain, value, gas }),
		2 => chain().prop_map(Act::End),
		1 => chain().prop_map(Act::Checkpoint),
		1 => chain().prop_map(Act::Inherents),
	]
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(24))]

	#[test]
	fn programs_create_and_lose_nothing(acts in proptest::collection::vec(act(), 1..60)) {
		let mut network = Network::new(2);
		// The same code and salts on both chains make the same accounts.
		let mut accounts = Vec::new();
		for chain in 1..3 {
			accounts = network.on(chain, || vec![
				actor(&proxy(), 2_000),
				actor(&recorder(), 500),
				actor(&refuser(), 500),
				actor(&looper(), 500),
				actor(&mortal(), 500),
				account(2),
				account(99),
			]);
		}
		for act in acts {
			match act {
				Act::Call { chain, to, to_chain, value, said } => {
					let to = Address { chain: ChainId(to_chain), account: accounts[to].clone() };
					let said = if said { body(b"hear") } else { Body::default() };
					let _ = network.on(chain, || polkadot_sdk::frame_support::storage::with_storage_layer(
						|| Actors::call(rich(), to, value, GAS, said)
					));
					network.check();
				},
				Act::Send { chain, to, to_chain, value, gas } => {
					let said = body(&send_to(ChainId(to_chain), &accounts[to], value, gas));
					let proxy = Address { chain: ChainId(chain), account: accounts[0].clone() };
					let _ = network.on(chain, || polkadot_sdk::frame_support::storage::with_storage_layer(
						|| Actors::call(rich(), proxy, 0, GAS, said)
					));
					network.check();
				},
				Act::End(chain) => network.end_block(chain),
				Act::Checkpoint(chain) => network.checkpoint(chain),
				Act::Inherents(chain) => {
					network.end_block(chain);
					network.inherents(chain, true);
				},
			}
		}
		network.settle();
		for chain in 1..3 {
			network.on(chain, || {
				assert_eq!(Actors::queue().len(), 0);
				assert_eq!(Actors::returns_waiting(), 0);
			});
		}
	}
}
