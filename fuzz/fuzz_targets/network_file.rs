//! Network files.
#![no_main]

use asterism_chain_specs::{Error, Plan, EXISTENTIAL_DEPOSIT};
use asterism_primitives::{
	committee::{BlsPublic, Member, MemberId},
	ChainId,
};
use libfuzzer_sys::fuzz_target;
use polkadot_sdk::sp_core::hashing::blake2_256;

/// Keys that differ from seed to seed.
fn derive(seed: &str) -> Result<Member, String> {
	let id = blake2_256(seed.as_bytes());
	let mut key = [0; 96];
	key[..32].copy_from_slice(&id);
	Ok(Member {
		id: MemberId(id),
		key: BlsPublic(key),
	})
}

fuzz_target!(|text: &str| {
	match Plan::parse(text, &derive) {
		Ok(plan) => {
			assert!(plan.chains.len() >= 2 && plan.chains.contains_key(&ChainId::ROOT));
			for (chain, of) in &plan.chains {
				assert_eq!(of.committee.check(), Ok(()));
				assert!(of.parameters.is_valid());
				assert!(of.accounts.values().all(|amount| *amount >= EXISTENTIAL_DEPOSIT));
				assert!(of
					.accounts
					.values()
					.try_fold(0u128, |sum, amount| sum.checked_add(*amount))
					.is_some());
				assert!(plan
					.spec_id(*chain)
					.chars()
					.all(|c| c.is_ascii_alphanumeric() || c == '-'));
			}
		}
		Err(error @ Error::Field { .. }) => assert!(error.to_string().len() < 2_000, "{error}"),
		Err(Error::Syntax { .. }) => {}
		Err(other) => panic!("{other}"),
	}
});
