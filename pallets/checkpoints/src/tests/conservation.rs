//! Whatever checkpoints claim, no currency is created or lost.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What a chain does in a block: to whom it sends how much, and from whom it takes in everything recorded. A share of
/// the amounts and acknowledgements is wrong, as those of a corrupt committee.
#[derive(Clone, Debug)]
struct Step {
	chain: u32,
	sends: BTreeMap<u32, (u32, Balance)>,
	takes: BTreeMap<u32, bool>,
	lie: Balance,
}

fn step() -> impl Strategy<Value = Step> {
	(
		1u32..4,
		proptest::collection::btree_map(1u32..4, (1u32..5, 0u128..400), 0..3),
		proptest::collection::btree_map(1u32..4, any::<bool>(), 0..3),
		prop_oneof![4 => Just(0u128), 1 => 1u128..100],
	)
		.prop_map(|(chain, sends, takes, lie)| Step {
			chain,
			sends,
			takes,
			lie,
		})
}

/// The traffic of a step: honest but for the lie, which is added to each inflow.
fn traffic_of(step: &Step) -> Traffic {
	let chain = ChainId(step.chain);
	let (mut out, mut outflows, mut inn, mut inflows) = (vec![], vec![], vec![], vec![]);
	for (peer, (count, amount)) in &step.sends {
		let peer = ChainId(*peer);
		if peer != chain {
			out.push(sent(peer, Channels::<Test>::get(chain, peer).recorded, *count));
			outflows.extend((*amount > 0).then(|| flow(peer, *amount)));
		}
	}
	for (peer, with_value) in &step.takes {
		let peer = ChainId(*peer);
		if peer != chain {
			inn.push(received(peer, Channels::<Test>::get(peer, chain).recorded));
			if *with_value {
				let amount = InFlight::<Test>::get((peer, chain, NOOS)) + step.lie;
				inflows.extend((amount > 0).then(|| flow(peer, amount)));
			}
		}
	}
	traffic(&out, &inn, &outflows, &inflows)
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(64))]

	#[test]
	fn nothing_is_created_or_lost(steps in proptest::collection::vec(step(), 1..40)) {
		new_test_ext().execute_with(|| {
			let mut heads: BTreeMap<_, _> = [A, B, C].map(|chain| (chain, genesis_header(chain))).into();
			let (mut taken, mut refused) = (0, 0);
			for step in steps {
				let chain = ChainId(step.chain);
				let headers = run(&heads[&chain], [Some(traffic_of(&step))]);
				// The signature is not what is tested here.
				let certificate = Certificate {
					kind: CertificateKind::Finalization,
					round: Round { epoch: 0, view: headers[0].number.into() },
					parent_view: 0,
					block_hash: headers[0].hash(),
					signers: Certificate::bitmap(SIZE, [0, 1, 2]).unwrap(),
					signature: BlsSignature([0; 48]),
				};
				let before = state();
				let result = frame_support::storage::with_storage_layer(|| dispatch(chain, &headers, &certificate));
				match result {
					Ok(()) => {
						heads.insert(chain, headers[0].clone());
						taken += 1;
					},
					Err(_) => {
						assert_eq!(state(), before);
						refused += 1;
					},
				}
				Checkpoints::do_try_state().unwrap();
				let held: Balance = Checkpoints::holdings().iter().filter(|h| h.1 == NOOS).map(|h| h.2).sum();
				let flying: Balance = Checkpoints::in_flight().iter().map(|f| f.amount).sum();
				assert_eq!(held + flying, 1500);
			}
			assert!(taken + refused > 0);
		});
	}
}
