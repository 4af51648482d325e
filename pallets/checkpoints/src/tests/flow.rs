//! What a checkpoint puts on record.

use super::*;
use asterism_protocol::anchors::WINDOW;
use polkadot_sdk::frame_support::assert_ok;

#[test]
fn genesis_is_the_first_head() {
	new_test_ext().execute_with(|| {
		assert_eq!(
			Checkpoints::head(A),
			Some(BlockRef {
				number: 0,
				hash: genesis_header(A).hash()
			})
		);
		assert_eq!(Checkpoints::head(ChainId::ROOT), None);
		assert_eq!(
			Checkpoints::holdings(),
			[(A, NOOS, 1000), (A, CurrencyId(1), 50), (B, NOOS, 500)]
		);
		assert_eq!(Issuance::<Test>::get(NOOS), 1500);
		Checkpoints::do_try_state().unwrap();
	});
}

#[test]
fn a_chain_that_joins_later_holds_nothing() {
	new_test_ext().execute_with(|| {
		let id = ChainId(7);
		let members = vec![member(id, 0)].try_into().unwrap();
		let header = Box::new(genesis_header(id));
		assert_ok!(Chains::register(
			RawOrigin::Root.into(),
			id,
			header,
			Default::default(),
			members
		));
		assert_eq!(Checkpoints::head(id).unwrap().hash, genesis_header(id).hash());
		assert!(Checkpoints::holdings().iter().all(|(chain, ..)| *chain != id));
		Checkpoints::do_try_state().unwrap();
	});
}

#[test]
fn value_travels_from_chain_to_chain() {
	new_test_ext().execute_with(|| {
		let sends = traffic(&[sent(B, 0, 2)], &[], &[flow(B, 300)], &[]);
		let a = run(&genesis_header(A), [None, Some(sends.clone())]);
		submit(A, &a);
		assert_eq!(Holdings::<Test>::get(A, NOOS), 700);
		assert_eq!(
			Checkpoints::in_flight(),
			[InFlightAmount {
				from: A,
				to: B,
				currency: NOOS,
				amount: 300
			}]
		);
		assert_eq!(Checkpoints::waiting_sources(B), [A]);
		let anchor = Anchors::<Test>::get(A, 2).unwrap();
		assert_eq!(
			anchor,
			Anchor {
				block_hash: a[1].hash(),
				state_root: a[1].state_root,
				outbox_root: sends.outbox_root,
				unacknowledged: 1,
			}
		);
		assert_ne!(anchor.outbox_root, Hash::zero());
		assert_eq!(Anchors::<Test>::get(A, 1).unwrap().outbox_root, Hash::zero());
		System::assert_last_event(
			Event::<Test>::Checkpointed {
				chain: A,
				number: 2,
				hash: a[1].hash(),
				signers: Certificate::bitmap(SIZE, [0, 1, 3]).unwrap(),
			}
			.into(),
		);

		// B takes it in, keeps 200 and sends 100 back.
		let b = traffic(
			&[sent(A, 0, 1)],
			&[received(A, 2)],
			&[flow(A, 100)],
			&[flow(A, 300)],
		);
		submit(B, &run(&genesis_header(B), [Some(b)]));
		assert_eq!(Holdings::<Test>::get(B, NOOS), 700);
		assert_eq!(Checkpoints::waiting_sources(B), []);
		assert_eq!(Checkpoints::waiting_sources(A), [B]);
		assert_eq!(Anchors::<Test>::get(A, 2).unwrap().unacknowledged, 0);
		let channel = Channels::<Test>::get(A, B);
		assert_eq!(
			(channel.recorded, channel.acknowledged, channel.waiting.len()),
			(2, 2, 0)
		);

		submit(
			A,
			&run(
				&a[1],
				[Some(traffic(&[], &[received(B, 1)], &[], &[flow(B, 100)]))],
			),
		);
		assert_eq!(Holdings::<Test>::get(A, NOOS), 800);
		assert_eq!(Checkpoints::in_flight(), []);
	});
}

#[test]
fn the_pool_keeps_one_checkpoint_of_a_chain() {
	new_test_ext().execute_with(|| {
		let (short, long) = (quiet(A, 2), quiet(A, 5));
		let first = pool(A, &short, &certify(A, &short)).unwrap();
		let second = pool(A, &long, &certify(A, &long)).unwrap();
		assert_eq!(first.provides, second.provides);
		assert!(second.priority > first.priority);
		assert!(first.propagate && first.requires.is_empty());
		// The same blocks with other signers are the same to the pool.
		let again = pool(A, &short, &certify_by(A, &short[1], &[0, 1, 2, 3])).unwrap();
		assert_eq!(again, first);
		let other = quiet(B, 2);
		assert_ne!(
			pool(B, &other, &certify(B, &other)).unwrap().provides,
			first.provides
		);
		submit(A, &short);
		let rest = Headers::try_from(long[2..].to_vec()).unwrap();
		assert_ne!(
			pool(A, &rest, &certify(A, &rest)).unwrap().provides,
			first.provides
		);
	});
}

#[test]
fn anchors_leave_the_window_once_delivered() {
	new_test_ext().execute_with(|| {
		// Block 1 sends to B and C, block 2 nothing.
		let both = traffic(&[sent(B, 0, 1), sent(C, 0, 1)], &[], &[], &[]);
		let first = run(&genesis_header(A), [Some(both), None]);
		submit(A, &first);
		let mut parent = first[1].clone();
		for _ in 0..WINDOW / MAX_HEADERS {
			let headers = run(&parent, vec![None; MAX_HEADERS as usize]);
			submit(A, &headers);
			parent = headers.last().unwrap().clone();
		}
		assert_eq!(parent.number, WINDOW + 2);
		assert!(Anchors::<Test>::contains_key(A, 1));
		assert!(!Anchors::<Test>::contains_key(A, 2));
		assert!(Anchors::<Test>::contains_key(A, 3));
		let ack = |chain| {
			run(
				&genesis_header(chain),
				[Some(traffic(&[], &[received(A, 1)], &[], &[]))],
			)
		};
		submit(B, &ack(B));
		assert_eq!(Anchors::<Test>::get(A, 1).unwrap().unacknowledged, 1);
		submit(C, &ack(C));
		assert!(!Anchors::<Test>::contains_key(A, 1));
	});
}

#[test]
fn weight_grows_with_headers_and_traffic() {
	use polkadot_sdk::frame_support::dispatch::GetDispatchInfo;
	let weigh = |headers: &Headers| {
		let call = call(A, headers, &certify(A, headers));
		let info = call.get_dispatch_info();
		assert_eq!(info.class, DispatchClass::Operational);
		(info.call_weight.ref_time(), call.weight_of_authorize().ref_time())
	};
	let one = weigh(&quiet(A, 1));
	let many = weigh(&quiet(A, 9));
	let busy = weigh(&run(
		&genesis_header(A),
		[Some(traffic(&[sent(B, 0, 1)], &[], &[], &[]))],
	));
	assert!(many.0 > one.0 && many.1 > one.1);
	assert!(busy.0 > one.0 && busy.1 > one.1);
}

#[test]
fn committees_are_what_certificates_are_verified_against() {
	new_test_ext().execute_with(|| {
		let committee: Committee = Chains::committee(A, 0).unwrap();
		assert_eq!((committee.size(), committee.quorum()), (SIZE, 3));
		// Every quorum's certificate is taken, whichever member it leaves out.
		let headers = quiet(A, 1);
		let tip = headers.last().unwrap();
		for signers in [&[0, 1, 2][..], &[0, 1, 3], &[0, 2, 3], &[1, 2, 3], &[0, 1, 2, 3]] {
			pool(A, &headers, &certify_by(A, tip, signers)).unwrap();
		}
		// With another chain's prepared keys on record the same certificates are nobody's.
		let of_b = Chains::prepared(B, 0).unwrap();
		pallet_chains::Prepared::<Test>::insert(A, 0, of_b);
		let bad = TransactionValidity::Err(InvalidTransaction::Custom(10).into());
		assert_eq!(pool(A, &headers, &certify(A, &headers)), bad);
	});
}
