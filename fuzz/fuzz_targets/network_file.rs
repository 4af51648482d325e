//! Network files.
#![no_main]

use asterism_chain_specs::{Cryptography, Error, Plan, EXISTENTIAL_DEPOSIT};
use asterism_primitives::{
	beacon::GenesisBeacon,
	committee::{BlsPublic, Member, MemberId},
	ChainId,
};
use libfuzzer_sys::fuzz_target;
use polkadot_sdk::sp_crypto_hashing::blake2_256;

/// The generator of BLS12-381's G2, as JSON.
const GENERATOR: &str =
	"\"0x93e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e\
024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8\"";

/// Keys that differ from seed to seed, and a beacon of some key.
struct Any;

impl Cryptography for Any {
	fn member(&self, seed: &str) -> Result<Member, String> {
		let id = blake2_256(seed.as_bytes());
		let mut key = [0; 96];
		key[..32].copy_from_slice(&id);
		Ok(Member {
			id: MemberId(id),
			key: BlsPublic(key),
		})
	}

	fn deal(&self, members: &[MemberId]) -> Result<GenesisBeacon, String> {
		let group_key = serde_json::from_str(GENERATOR).map_err(|e| e.to_string())?;
		Ok(GenesisBeacon {
			group_key,
			players: members.to_vec(),
			output: vec![1],
		})
	}

	fn check(&self, _: &GenesisBeacon) -> Result<(), String> {
		Ok(())
	}
}

fuzz_target!(|text: &str| {
	match Plan::parse(text, None, &Any) {
		Ok(plan) => {
			assert!(plan.chains.len() >= 2 && plan.chains.contains_key(&ChainId::ROOT));
			for (chain, of) in &plan.chains {
				assert_eq!(of.committee.check(), Ok(()));
				assert!(of.parameters.is_valid());
				assert!(of.parameters.epoch_length == 0 || plan.beacon.is_some());
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
