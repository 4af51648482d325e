//! What must not pass, each with its own error and without a trace.

use super::mock::*;
use crate::*;
use asterism_primitives::{certificate::VerifyAggregate, committee::BlsSignature};
use asterism_runtime_common::bls::HostBls;
use commonware_codec::{DecodeExt, Encode as _};
use commonware_cryptography::bls12381::primitives::{group::G2, ops::compute_public, variant::MinSig};
use commonware_math::algebra::Additive;
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	frame_system::RawOrigin,
	sp_runtime::DispatchError,
};

/// Account 1 has an active node, 2 a leaving one, 3 an excluded one; the keys of 9 are nobody's.
fn with_nodes(test: impl FnOnce()) {
	network(&[genesis_node(1), genesis_node(2), genesis_node(3)]).execute_with(|| {
		at(2);
		assert_ok!(Stake::leave(signed(2)));
		assert!(Stake::exclude(&account(3)));
		Stake::do_try_state().unwrap();
		test();
		Stake::do_try_state().unwrap();
	});
}

#[test]
fn calls_in_the_wrong_status_are_refused() {
	with_nodes(|| {
		let fresh = Secrets::new(9);
		assert_noop!(register(1, &fresh, MINIMUM), Error::<Test>::AlreadyRegistered);
		assert_noop!(
			register(1, &Secrets::new(1), MINIMUM),
			Error::<Test>::AlreadyRegistered
		);
		assert_noop!(register(2, &fresh, MINIMUM), Error::<Test>::Leaving);
		assert_noop!(Stake::add(signed(2), 1), Error::<Test>::Leaving);
		assert_noop!(Stake::add(signed(3), 1), Error::<Test>::Excluded);
		assert_noop!(Stake::add(signed(4), 1), Error::<Test>::NotRegistered);
		assert_noop!(rotate(2, &fresh), Error::<Test>::Leaving);
		assert_noop!(rotate(3, &fresh), Error::<Test>::Excluded);
		assert_noop!(rotate(4, &fresh), Error::<Test>::NotRegistered);
		assert_noop!(rotate(1, &Secrets::new(1)), Error::<Test>::SameKeys);
		assert_noop!(Stake::leave(signed(2)), Error::<Test>::Leaving);
		assert_noop!(Stake::leave(signed(4)), Error::<Test>::NotRegistered);
		assert_noop!(Stake::withdraw(signed(1)), Error::<Test>::NotLeaving);
		assert_noop!(Stake::withdraw(signed(3)), Error::<Test>::NotLeaving);
		assert_noop!(Stake::withdraw(signed(4)), Error::<Test>::NotRegistered);
		assert_noop!(Stake::withdraw(RawOrigin::Root.into()), DispatchError::BadOrigin);
	});
}

#[test]
fn a_stake_is_not_withdrawn_while_it_can_be_slashed() {
	with_nodes(|| {
		for number in [2, 3, 2 + UNBONDING - 1] {
			at(number);
			assert_noop!(Stake::withdraw(signed(2)), Error::<Test>::Slashable);
		}
		// Nor transferred, nor put on hold for another node.
		assert!(Balances::transfer_allow_death(signed(2), account(4), ENDOWMENT - MINIMUM + 1).is_err());
		assert_eq!(
			Stake::slash(&account(2), Perbill::one(), None),
			MINIMUM,
			"all of it is there"
		);
		at(2 + UNBONDING);
		assert_ok!(Stake::withdraw(signed(2)));
		assert_eq!(Balances::free_balance(account(2)), ENDOWMENT - MINIMUM);
	});
}

#[test]
fn amounts_out_of_range_are_refused() {
	with_nodes(|| {
		let fresh = Secrets::new(9);
		assert_noop!(register(4, &fresh, MINIMUM - 1), Error::<Test>::StakeTooSmall);
		assert_noop!(register(4, &fresh, 0), Error::<Test>::StakeTooSmall);
		for amount in [ENDOWMENT - EXISTENTIAL + 1, Balance::MAX] {
			assert_noop!(register(4, &fresh, amount), Error::<Test>::InsufficientFunds);
			assert_noop!(Stake::add(signed(1), amount), Error::<Test>::InsufficientFunds);
			assert_noop!(register(3, &fresh, amount), Error::<Test>::InsufficientFunds);
		}
		assert_noop!(register(60, &fresh, MINIMUM), Error::<Test>::InsufficientFunds);
		assert_noop!(Stake::add(signed(1), 0), Error::<Test>::NothingToAdd);
		assert_ok!(register(4, &fresh, ENDOWMENT - EXISTENTIAL));
	});
}

#[test]
fn keys_of_others_are_refused_even_with_their_help() {
	with_nodes(|| {
		// Of an active, a leaving and an excluded node, each kind alone.
		for owner in [1, 2, 3] {
			let theirs = Secrets::new(owner);
			let mixed = |identity, sortition, consensus| Secrets {
				identity: Secrets::new(identity).identity,
				sortition: Secrets::new(sortition).sortition,
				consensus: Secrets::new(consensus).consensus,
			};
			let attempts: [(Secrets, Error<Test>); 4] = [
				(theirs, Error::IdentityTaken),
				(mixed(owner, 9, 9), Error::IdentityTaken),
				(mixed(9, owner, 9), Error::SortitionTaken),
				(mixed(9, 9, owner), Error::ConsensusTaken),
			];
			for (secrets, error) in attempts {
				let expected: DispatchError = error.into();
				assert_noop!(register(4, &secrets, MINIMUM), expected);
				if owner != 1 {
					assert_noop!(rotate(1, &secrets), expected);
				}
				if owner != 3 {
					assert_noop!(register(3, &secrets, MINIMUM), expected);
				}
			}
		}
	});
}

#[test]
fn keys_without_their_proofs_are_refused() {
	with_nodes(|| {
		let secrets = Secrets::new(9);
		let keys = secrets.keys();
		let good = secrets.prove(&account(4));
		let bad = |part: usize, value: &NodeKeysProof| {
			let mut proof = good;
			match part {
				0 => proof.identity = value.identity,
				1 => proof.sortition = value.sortition,
				_ => proof.consensus = value.consensus,
			}
			proof
		};
		let zeros = NodeKeysProof {
			identity: [0; 64],
			sortition: [0; 64],
			consensus: BlsSignature([0; 48]),
		};
		let mut identity_point = [0; 48];
		identity_point[0] = 0xc0;
		let infinity = NodeKeysProof {
			consensus: BlsSignature(identity_point),
			..zeros
		};
		let here = genesis();
		let statement = keys.ownership_statement(here, &account(4));
		let voted = NodeKeysProof {
			consensus: secrets.vote(&statement),
			..good
		};
		let other = Secrets::new(8);
		let wrong: [(&str, NodeKeysProof); 6] = [
			("nothing", zeros),
			("the point at infinity", infinity),
			("for another owner", secrets.prove(&account(5))),
			(
				"for another network",
				secrets.prove_on(Hash::repeat_byte(8), &account(4)),
			),
			("by other keys", other.sign(&statement)),
			("of other keys", other.prove(&account(4))),
		];
		let errors: [DispatchError; 3] = [
			Error::<Test>::BadIdentityProof.into(),
			Error::<Test>::BadSortitionProof.into(),
			Error::<Test>::BadConsensusProof.into(),
		];
		for (name, proof) in &wrong {
			for (part, error) in errors.iter().enumerate() {
				let call = || Stake::register(signed(4), keys, bad(part, proof), MINIMUM);
				assert_noop!(call(), *error);
				assert_eq!(Stake::operator_of(&keys.identity), None, "{name}");
			}
		}
		// A vote is no proof, be it over the very statement.
		assert_noop!(
			Stake::register(signed(4), keys, voted, MINIMUM),
			Error::<Test>::BadConsensusProof
		);
		// The proof of a registration that somebody copies from the pool.
		assert_noop!(
			Stake::register(signed(5), keys, good, MINIMUM),
			Error::<Test>::BadIdentityProof
		);
		// One key of the proved ones replaced by another.
		let swapped = NodeKeys {
			consensus: other.keys().consensus,
			..keys
		};
		let proof = NodeKeysProof {
			consensus: other.possession(&statement),
			..good
		};
		assert_noop!(
			Stake::register(signed(4), swapped, proof, MINIMUM),
			Error::<Test>::BadIdentityProof
		);
		// The same for rotation and for registering again.
		for (part, error) in errors.iter().enumerate() {
			let mut proof = secrets.prove(&account(1));
			match part {
				0 => proof.identity[0] ^= 1,
				1 => proof.sortition[0] ^= 1,
				_ => proof.consensus = good.consensus,
			}
			assert_noop!(Stake::rotate(signed(1), keys, proof), *error);
			assert_noop!(Stake::register(signed(3), keys, bad(part, &zeros), MINIMUM), {
				// The first part is checked first: only the owner's own proof gets further.
				let _ = part;
				DispatchError::from(Error::<Test>::BadIdentityProof)
			});
		}
		assert_ok!(Stake::register(signed(4), keys, good, MINIMUM));
	});
}

#[test]
fn a_key_that_cancels_others_has_no_proof() {
	with_nodes(|| {
		// The attacker's key is its own less those of 1 and 3: with them in a committee, it would sign for all.
		let attacker = Secrets::new(9);
		let mut rogue = compute_public::<MinSig>(&attacker.consensus);
		for victim in [1, 3] {
			let key = Secrets::new(victim).keys().consensus;
			rogue -= &G2::decode(&key.0[..]).unwrap();
		}
		assert_ne!(rogue, G2::zero());
		let keys = NodeKeys {
			consensus: BlsPublic::try_from(&rogue.encode()[..]).unwrap(),
			..attacker.keys()
		};
		let message = b"a block that nobody else has voted for";
		let all = [
			keys.consensus,
			Secrets::new(1).keys().consensus,
			Secrets::new(3).keys().consensus,
		];
		assert!(
			HostBls::verify_aggregate(all.iter(), message, &attacker.vote(message)),
			"the attack works on committees whose keys nobody asked a proof for"
		);

		let statement = keys.ownership_statement(genesis(), &account(4));
		let proof = attacker.sign(&statement);
		assert_noop!(
			Stake::register(signed(4), keys, proof, MINIMUM),
			Error::<Test>::BadConsensusProof
		);
	});
}

#[test]
fn points_that_are_no_keys_are_refused() {
	with_nodes(|| {
		let secrets = Secrets::new(9);
		let mut infinity = [0; 96];
		infinity[0] = 0xc0;
		let mut bent = secrets.keys().consensus.0;
		bent[95] ^= 1;
		for consensus in [[0; 96], [0xff; 96], infinity, bent] {
			let keys = NodeKeys {
				consensus: BlsPublic(consensus),
				..secrets.keys()
			};
			let proof = secrets.sign(&keys.ownership_statement(genesis(), &account(4)));
			let mut nothing = proof;
			nothing.consensus.0 = [0; 48];
			nothing.consensus.0[0] = 0xc0;
			for proof in [proof, nothing] {
				assert_noop!(
					Stake::register(signed(4), keys, proof, MINIMUM),
					Error::<Test>::BadConsensusProof
				);
			}
		}
	});
}

#[test]
fn keys_are_replaced_no_more_often_than_can_be_remembered() {
	with_nodes(|| {
		assert_ok!(rotate(1, &Secrets::new(10)));
		// Four keys may be remembered, three are.
		assert_noop!(rotate(1, &Secrets::new(11)), Error::<Test>::TooManyRotations);
		let one = Secrets {
			identity: Secrets::new(11).identity,
			..Secrets::new(10)
		};
		assert_ok!(rotate(1, &one));
		at(2 + UNBONDING - 1);
		assert_noop!(rotate(1, &Secrets::new(12)), Error::<Test>::TooManyRotations);
		at(2 + UNBONDING);
		assert_ok!(rotate(1, &Secrets::new(12)));
		// As with another way to change keys.
		assert!(Stake::exclude(&account(1)));
		assert_noop!(register(1, &Secrets::new(13), 0), Error::<Test>::TooManyRotations);
		assert_ok!(register(1, &Secrets::new(12), 0));
	});
}

#[test]
#[should_panic(expected = "stake.nodes[1]")]
fn genesis_with_an_operator_twice_is_refused() {
	network(&[
		genesis_node(1),
		GenesisNode {
			operator: account(1),
			..genesis_node(2)
		},
	]);
}

#[test]
#[should_panic(expected = "IdentityTaken; expected: ")]
fn genesis_with_a_key_twice_is_refused() {
	network(&[
		genesis_node(1),
		GenesisNode {
			keys: genesis_node(1).keys,
			..genesis_node(2)
		},
	]);
}

#[test]
#[should_panic(expected = "StakeTooSmall; expected: ")]
fn genesis_with_too_little_stake_is_refused() {
	network(&[GenesisNode {
		stake: MINIMUM - 1,
		..genesis_node(1)
	}]);
}

#[test]
#[should_panic(expected = "InsufficientFunds; expected: ")]
fn genesis_with_stake_that_the_operator_lacks_is_refused() {
	network(&[GenesisNode {
		stake: ENDOWMENT,
		..genesis_node(1)
	}]);
}

#[test]
#[should_panic(expected = "BadConsensusProof; expected: ")]
fn genesis_with_a_key_that_is_none_is_refused() {
	let mut node = genesis_node(1);
	node.keys.consensus.0 = [0; 96];
	network(&[node]);
}
