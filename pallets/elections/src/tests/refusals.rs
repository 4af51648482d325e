//! Each refusal of a claim has its own error, in the pool and at dispatch, and changes nothing.

use super::*;

type Refusal = Error<Test>;

#[track_caller]
fn refused(bad: &Claim, error: Refusal) {
	let only_authorization = matches!(error, Refusal::BadProof);
	refuses(&claim_call(bad), error, only_authorization);
}

/// An open election, its seed and its elected nodes.
fn opened(elected: usize) -> (Hash, Vec<u8>) {
	let randomness = seed_electing(elected);
	open(randomness);
	(randomness, who(Standing::Elected, randomness, A, 1))
}

#[test]
fn forged_proofs() {
	new_test_ext().execute_with(|| {
		let (randomness, elected) = opened(4);
		let good = claim_of(elected[0], A);
		let with = |proof| Claim {
			proof,
			..good.clone()
		};
		// Another elected node's proof under this one's name.
		refused(&with(claim_of(elected[1], A).proof), Refusal::BadProof);
		// A better number than one's own.
		let mut forged = good.proof;
		forged.pre_output = claim_of(elected[1], A).proof.pre_output;
		refused(&with(forged), Refusal::BadProof);
		let mut broken = good.proof;
		broken.proof[40] ^= 1;
		refused(&with(broken), Refusal::BadProof);
		let junk = SortitionProof {
			pre_output: [255; 32],
			proof: [255; 64],
		};
		refused(&with(junk), Refusal::BadProof);
		// A claim of one who drew nothing is refused as what it is.
		let loser = who(Standing::Neither, randomness, A, 1)[0];
		refused(&claim_of(loser, A), Refusal::NotElected);
		come_forward(elected[0], A);
	});
}

#[test]
fn proofs_of_other_elections() {
	new_test_ext().execute_with(|| {
		let (randomness, elected) = opened(5);
		for i in elected {
			let good = claim_of(i, A);
			let others = [
				proof(i, Hash::repeat_byte(200), A, 1),
				proof(i, randomness, B, 1),
				proof(i, randomness, A, 2),
			];
			for proof in others {
				let bad = Claim {
					proof,
					..good.clone()
				};
				refused(&bad, Refusal::BadProof);
			}
			come_forward(i, A);
		}
	});
}

#[test]
fn claims_for_other_elections() {
	new_test_ext().execute_with(|| {
		let (_, elected) = opened(4);
		let good = claim_of(elected[0], A);
		let changed = |change: &dyn Fn(&mut Claim)| {
			let mut bad = good.clone();
			change(&mut bad);
			bad
		};
		refused(&changed(&|claim| claim.chain = B), Refusal::NoElection);
		refused(&changed(&|claim| claim.chain = ChainId(99)), Refusal::NoElection);
		refused(&changed(&|claim| claim.epoch = 2), Refusal::WrongEpoch);
		refused(&changed(&|claim| claim.epoch = 0), Refusal::WrongEpoch);
		refused(&changed(&|claim| claim.round -= 1), Refusal::WrongSeed);
		refused(
			&changed(&|claim| claim.operator = operator(99)),
			Refusal::UnknownNode,
		);
		// Replayed.
		come_forward(elected[0], A);
		refused(&good, Refusal::AlreadyClaimed);
		// With another proof of the same draw, too.
		refused(&claim_of(elected[0], A), Refusal::AlreadyClaimed);
	});
}

/// A claim of the first attempt is worth nothing in the second.
#[test]
fn replayed_into_the_next_attempt() {
	new_test_ext().execute_with(|| {
		let (_, elected) = opened(4);
		let good = claim_of(elected[0], A);
		come_forward(elected[0], A);
		run_by(CLAIM_PERIOD);
		refused(&good, Refusal::Late);
		run_by(READY_PERIOD);
		refused(&good, Refusal::NotOpen);
		run_by(1);
		seed(Hash::repeat_byte(77));
		refused(&good, Refusal::WrongSeed);
	});
}

#[test]
fn before_the_seed_and_after_the_deadline() {
	new_test_ext().execute_with(|| {
		let randomness = seed_electing(4);
		let elected = who(Standing::Elected, randomness, A, 1);
		Elections::on_signal(A, 1);
		let early = Claim {
			chain: A,
			epoch: 1,
			round: System::block_number(),
			operator: operator(elected[0]),
			proof: proof(elected[0], randomness, A, 1),
		};
		refused(&early, Refusal::NotOpen);
		run_by(1);
		seed(randomness);
		run_by(CLAIM_PERIOD - 1);
		let (last, late) = (claim_of(elected[0], A), claim_of(elected[1], A));
		assert_eq!(pool(&claim_call(&last)).unwrap().longevity, 1);
		assert!(try_claim(&last));
		run_by(1);
		refused(&late, Refusal::Late);
	});
}

#[test]
fn weight_raised_or_key_rotated_after_the_signal() {
	new_test_ext().execute_with(|| {
		let randomness = seed_electing(4);
		let elected = who(Standing::Elected, randomness, A, 1);
		let loser = who(Standing::Neither, randomness, A, 1)[0];
		Elections::on_signal(A, 1);
		let signalled = System::block_number();
		// In the very block of the signal, in the next one, and after the seed is known.
		change(&operator(elected[0]), |node| {
			node.stake *= 2;
			node.since = signalled;
		});
		run_by(1);
		change(&operator(elected[1]), |node| {
			node.keys.identity = id(150);
			node.since = System::block_number();
		});
		seed(randomness);
		change(&operator(loser), |node| {
			node.stake *= 1_000;
			node.since = System::block_number();
		});
		for i in [elected[0], elected[1], loser] {
			assert!(Elections::candidacy(A, &operator(i)).is_none());
			refused(&claim_of(i, A), Refusal::ChangedAfterSignal);
		}
		// A sortition key chosen by the seed: found to be elected, and of no use.
		let chosen = (21..=255u8)
			.find(|i| {
				let number = proof(*i, randomness, A, 1).number(&sortition_key(*i).1, randomness, A, 1);
				standing(number.unwrap(), 4 * STAKE, STAKE * 20) == Standing::Elected
			})
			.unwrap();
		change(&operator(loser), |node| {
			node.stake = STAKE;
			node.keys.sortition = sortition_key(chosen).1;
		});
		let ground = Claim {
			proof: proof(chosen, randomness, A, 1),
			..claim_of(loser, A)
		};
		refused(&ground, Refusal::ChangedAfterSignal);
		// One block earlier would have been in time.
		change(&operator(loser), |node| node.since = signalled - 1);
		assert!(try_claim(&ground));
	});
}

#[test]
fn who_registers_leaves_or_is_excluded_after_the_signal() {
	new_test_ext().execute_with(|| {
		let (_, elected) = opened(4);
		change(&operator(elected[0]), |node| {
			node.status = Status::Leaving {
				withdrawable_at: 99,
				excluded: false,
			}
		});
		Registry::exclude(&operator(elected[1]));
		put_node(operator(50), keys(50), 1_000 * STAKE);
		change(&operator(50), |node| node.since = System::block_number());
		refused(&claim_of(elected[0], A), Refusal::NotActive);
		refused(&claim_of(elected[1], A), Refusal::NotActive);
		refused(&claim_of(50, A), Refusal::ChangedAfterSignal);
		assert!(Elections::candidacy(A, &operator(elected[0])).is_none());
		assert!(Elections::candidacy(A, &operator(elected[2])).is_some());
	});
}

#[test]
fn standbys_before_their_turn_or_without_need() {
	new_test_ext().execute_with(|| {
		let (randomness, elected) = opened(4);
		let standby = who(Standing::Standby, randomness, A, 1);
		refused(&claim_of(standby[0], A), Refusal::EarlyStandby);
		for i in &elected[..3] {
			come_forward(*i, A);
		}
		run_by(CLAIM_PERIOD / 2 - 1);
		refused(&claim_of(standby[0], A), Refusal::EarlyStandby);
		run_by(1);
		come_forward(standby[0], A);
		come_forward(elected[3], A);
		refused(&claim_of(standby[1], A), Refusal::NotNeeded);
		run_by(CLAIM_PERIOD / 2);
		assert_eq!(numbers(A, 1), elected);
	});
}

/// The pool holds one claim of a node in an election, and prefers the elected.
#[test]
fn the_pool_holds_a_claim_once() {
	new_test_ext().execute_with(|| {
		let (randomness, elected) = opened(3);
		let standby = who(Standing::Standby, randomness, A, 1);
		run_by(CLAIM_PERIOD / 2);
		let (first, second) = (claim_of(elected[0], A), claim_of(elected[0], A));
		assert_ne!(first.proof.proof, second.proof.proof, "two proofs of one draw");
		let validity = |one: &Claim| {
			Elections::authorize_claim(TransactionSource::External, one)
				.unwrap()
				.0
		};
		assert_eq!(validity(&first).provides, validity(&second).provides);
		let other = validity(&claim_of(elected[1], A));
		assert_ne!(validity(&first).provides, other.provides);
		assert!(other.priority > validity(&claim_of(standby[0], A)).priority);
		assert_eq!(other.longevity, u64::from(CLAIM_PERIOD / 2));
	});
}

/// However many claims come, only the best are kept; a worse one is refused, a better one drives out the worst.
#[test]
fn spam_is_bounded() {
	new_test_ext().execute_with(|| {
		let (_, elected) = opened(4);
		let total = election(A).total;
		let full = |number: u128| {
			let claims = (0..MAX_CLAIMS).map(|i| Claimed {
				operator: AccountId::new(
					[[255; 28].as_slice(), &i.to_be_bytes()]
						.concat()
						.try_into()
						.unwrap(),
				),
				number: number + u128::from(i),
				share: total,
			});
			let claims: Vec<_> = claims.collect();
			let claims: BoundedVec<_, ConstU32<MAX_CLAIMS>> = claims.try_into().unwrap();
			Claims::<Test>::insert(A, claims);
			Elections::do_try_state().unwrap();
		};
		full(0);
		refused(&claim_of(elected[0], A), Refusal::Outbid);
		full(u128::MAX - u128::from(MAX_CLAIMS));
		let worst = Claims::<Test>::get(A).last().unwrap().operator.clone();
		come_forward(elected[0], A);
		let claims = Claims::<Test>::get(A);
		assert_eq!(claims.len() as u32, MAX_CLAIMS);
		assert_eq!(claims[0].operator, operator(elected[0]));
		assert!(claims.iter().all(|claim| claim.operator != worst));
	});
}

#[test]
fn calls_need_their_authorization() {
	new_test_ext().execute_with(|| {
		let (_, elected) = opened(4);
		let calls: [RuntimeCall; 2] = [
			Call::<Test>::claim {
				claim: claim_of(elected[0], A),
			}
			.into(),
			Call::<Test>::ready {
				readiness: Readiness {
					chain: A,
					epoch: 1,
					round: 1,
					member: id(0),
					sharing: None,
				},
				signature: [0; 64],
			}
			.into(),
		];
		for call in calls {
			for origin in [RawOrigin::Root, RawOrigin::None, RawOrigin::Signed(operator(1))] {
				let result = call.clone().dispatch(origin.into());
				assert_eq!(result.unwrap_err().error, DispatchError::BadOrigin);
			}
		}
	});
}

/// What is early is not banned; what is wrong is.
#[test]
fn early_is_not_wrong() {
	let early = [
		Refusal::NotOpen,
		Refusal::EarlyStandby,
		Refusal::NotRecorded,
		Refusal::SharingRefused,
	];
	for error in early {
		assert_eq!(error.validity(), UnknownTransaction::Custom(error.code()).into());
	}
	for error in [Refusal::BadProof, Refusal::Late, Refusal::ChangedAfterSignal] {
		assert_eq!(error.validity(), InvalidTransaction::Custom(error.code()).into());
	}
}

#[test]
fn every_error_has_a_code_of_its_own() {
	let errors = [
		Refusal::NoElection,
		Refusal::WrongEpoch,
		Refusal::NotOpen,
		Refusal::WrongSeed,
		Refusal::Late,
		Refusal::UnknownNode,
		Refusal::NotActive,
		Refusal::ChangedAfterSignal,
		Refusal::BadProof,
		Refusal::NotElected,
		Refusal::EarlyStandby,
		Refusal::NotNeeded,
		Refusal::AlreadyClaimed,
		Refusal::Outbid,
		Refusal::NotRecorded,
		Refusal::AlreadySettled,
		Refusal::NoMember,
		Refusal::AlreadyReady,
		Refusal::WrongSharing,
		Refusal::BadSignature,
		Refusal::SharingRefused,
	];
	let codes: Vec<_> = errors.iter().map(Error::code).collect();
	assert_eq!(codes, (1..=21).collect::<Vec<_>>());
}
