use crate::{fixture::RootFixture, mock::*, *};
use asterism_primitives::{
	protocol::channel::{Batch, BlockBatch},
	root_state::{anchor_key, chains_key, channel_key, ready_key},
};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, inherent::ProvideInherent, traits::Hooks},
	sp_runtime::DispatchError,
};

const OWN: ChainId = ChainId(1);
const PEER: ChainId = ChainId(2);

fn anchor(n: u8) -> Anchor {
	Anchor {
		block_hash: Hash::repeat_byte(n),
		state_root: Hash::repeat_byte(n + 1),
		outbox_root: Hash::repeat_byte(n + 2),
		unacknowledged: 1,
	}
}

/// A root chain that knows blocks 0 to 99 of the peer, and that the peer expects message 3.
fn root() -> RootFixture {
	let mut root = RootFixture::default();
	root.set_chains([OWN, PEER]);
	for number in 0..100 {
		root.set_anchor(PEER, number, anchor(number as u8));
	}
	let waiting = vec![BlockBatch {
		number: 9,
		batch: Batch {
			first_nonce: 3,
			count: 2,
		},
	}];
	root.set_channel(
		OWN,
		PEER,
		&ChannelRecord {
			recorded: 5,
			acknowledged: 3,
			waiting,
		},
	);
	root
}

fn set(data: RootViewData) -> Result<(), DispatchError> {
	RootView::set(RuntimeOrigin::none(), data)
}

/// To the next block.
fn next() {
	RootView::on_finalize(System::block_number());
	RootView::do_try_state().unwrap();
	System::set_block_number(System::block_number() + 1);
	RootView::on_initialize(System::block_number());
}

#[test]
fn anchors_are_there_for_the_block_and_the_view_stays() {
	new_test_ext().execute_with(|| {
		let data = root().view(OWN, 10, &[(PEER, 4), (PEER, 77)], &[PEER, ChainId(3)]);
		let view = RootRef {
			number: 10,
			hash: data.header.hash(),
		};
		assert_ok!(set(data));
		assert_eq!(RootView::view(), Some(view));
		assert_eq!(digest::root_ref(&System::digest()), Some(view));
		assert_eq!(<RootView as RootState>::anchor(PEER, 77), Some(anchor(77)));
		assert_eq!(<RootView as RootState>::anchor(PEER, 5), None);
		assert_eq!(<RootView as RootState>::chain_id(), OWN);
		// Nothing was ever sent to chain 3.
		assert_eq!(ACKNOWLEDGED.take(), vec![(PEER, 3)]);
		next();
		assert_eq!(<RootView as RootState>::anchor(PEER, 77), None);
		assert_eq!(RootView::view(), Some(view));
	});
}

#[test]
fn it_is_set_once_a_block_and_by_nobody() {
	new_test_ext().execute_with(|| {
		assert_noop!(
			RootView::set(RuntimeOrigin::signed(1), root().view(OWN, 1, &[], &[])),
			DispatchError::BadOrigin
		);
		assert_noop!(
			RootView::set(RuntimeOrigin::root(), root().view(OWN, 1, &[], &[])),
			DispatchError::BadOrigin
		);
		assert_ok!(set(root().view(OWN, 1, &[], &[])));
		assert_noop!(set(root().view(OWN, 2, &[], &[])), Error::<Test>::AlreadySet);
		next();
		assert_ok!(set(root().view(OWN, 2, &[], &[])));
	});
}

#[test]
fn it_never_goes_back() {
	new_test_ext().execute_with(|| {
		let data = root().view(OWN, 10, &[], &[]);
		assert_ok!(set(data.clone()));
		next();
		assert_noop!(set(root().view(OWN, 9, &[], &[])), Error::<Test>::WentBack);
		let mut other = data.clone();
		other.header.extrinsics_root = Hash::repeat_byte(1);
		assert_noop!(set(other), Error::<Test>::OtherBlock);
		// The same block again, to read more of it.
		assert_ok!(set(root().view(OWN, 10, &[(PEER, 1)], &[])));
	});
}

#[test]
fn a_corrupt_proof_is_refused() {
	new_test_ext().execute_with(|| {
		let good = root().view(OWN, 10, &[(PEER, 4)], &[PEER]);
		for at in 0..good.proof.len() {
			let mut changed = good.clone();
			let byte = changed.proof[at].len() / 2;
			changed.proof[at][byte] ^= 1;
			assert_noop!(set(changed), Error::<Test>::BadProof);
			let mut cut = good.clone();
			cut.proof[at].pop();
			assert_noop!(set(cut), Error::<Test>::BadProof);
			let mut missing = good.clone();
			missing.proof.remove(at);
			assert_noop!(set(missing), Error::<Test>::BadProof);
		}
		let mut other_root = good.clone();
		other_root.header.state_root = Hash::repeat_byte(9);
		assert_noop!(set(other_root), Error::<Test>::BadProof);
		// The proof of another key.
		let mut other_key = good.clone();
		other_key.anchors = vec![(PEER, 55)];
		assert!(set(other_key).is_err());
		assert_ok!(set(good));
	});
}

#[test]
fn an_absent_anchor_is_refused() {
	new_test_ext().execute_with(|| {
		assert_noop!(
			set(root().view(OWN, 10, &[(PEER, 100)], &[])),
			Error::<Test>::NoAnchor
		);
		assert_noop!(
			set(root().view(OWN, 10, &[(ChainId(3), 1)], &[])),
			Error::<Test>::NoAnchor
		);
	});
}

#[test]
fn a_value_of_another_form_is_refused() {
	new_test_ext().execute_with(|| {
		let mut bad = root();
		bad.set_raw(anchor_key(PEER, 4), vec![1; 99]);
		assert_noop!(set(bad.view(OWN, 10, &[(PEER, 4)], &[])), Error::<Test>::BadValue);
		let mut bad = root();
		bad.set_raw(channel_key(OWN, PEER), vec![0xff; 40]);
		assert_noop!(set(bad.view(OWN, 10, &[], &[PEER])), Error::<Test>::BadValue);
	});
}

#[test]
fn oversized_data_is_refused() {
	new_test_ext().execute_with(|| {
		let good = root().view(OWN, 10, &[(PEER, 4)], &[PEER]);
		let mut anchors = good.clone();
		anchors.anchors = vec![(PEER, 4); MAX_ANCHORS as usize + 1];
		assert_noop!(set(anchors), Error::<Test>::TooManyAnchors);
		let mut acknowledgements = good.clone();
		acknowledgements.acknowledgements = vec![PEER; MAX_PEERS as usize + 1];
		assert_noop!(set(acknowledgements), Error::<Test>::TooManyAcknowledgements);
		let mut bytes = good.clone();
		bytes.proof.push(vec![0; MAX_PROOF_BYTES as usize]);
		assert_noop!(set(bytes), Error::<Test>::ProofTooLarge);
		let mut nodes = good.clone();
		nodes.proof.resize(MAX_PROOF_NODES as usize + 1, vec![]);
		assert_noop!(set(nodes), Error::<Test>::ProofTooLarge);
		let mut most = good;
		most.anchors = vec![(PEER, 4); MAX_ANCHORS as usize];
		assert_ok!(set(most));
	});
}

#[test]
fn a_proposer_leaves_out_what_would_fail() {
	new_test_ext().execute_with(|| {
		let create = |data: &RootViewData| {
			let mut inherents = InherentData::new();
			inherents.put_data(ROOT_VIEW, data).unwrap();
			assert_eq!(
				<RootView as RootState>::preview(&inherents).is_some(),
				RootView::create_inherent(&inherents).is_some()
			);
			RootView::create_inherent(&inherents)
		};
		let good = root().view(OWN, 10, &[(PEER, 4)], &[]);
		let call = create(&good).unwrap();
		assert!(RootView::is_inherent(&call));
		assert_eq!(call, Call::set { data: good.clone() });
		let mut bad = good.clone();
		bad.proof.pop();
		assert_eq!(create(&bad), None);
		assert_eq!(RootView::create_inherent(&InherentData::new()), None);
		let mut garbage = InherentData::new();
		garbage.put_data(ROOT_VIEW, &[7u8; 3]).unwrap();
		assert_eq!(RootView::create_inherent(&garbage), None);
		assert_ok!(set(good));
		next();
		assert_eq!(create(&root().view(OWN, 9, &[], &[])), None);
	});
}

#[test]
fn known_chains_are_those_of_the_newest_view() {
	new_test_ext().execute_with(|| {
		let known = |chain: u32| <RootView as RootState>::is_known(ChainId(chain));
		assert!(!known(1) && !known(2));
		assert_ok!(set(root().view(OWN, 10, &[], &[])));
		assert!(known(1) && known(2) && !known(3) && !known(0));
		next();
		// They stay in blocks without a root view.
		next();
		assert!(known(2) && !known(3));
		let mut more = root();
		more.set_chains([OWN, PEER, ChainId(3)]);
		assert_ok!(set(more.view(OWN, 11, &[], &[])));
		assert!(known(2) && known(3));
		next();
	});
}

#[test]
fn a_view_without_the_list_of_chains_is_refused() {
	new_test_ext().execute_with(|| {
		let mut none = root();
		none.remove(&chains_key());
		assert_noop!(
			set(none.view(OWN, 10, &[(PEER, 4)], &[])),
			Error::<Test>::NoChains
		);
		for bytes in [vec![], vec![4], vec![0xff; 9]] {
			let mut bad = root();
			bad.set_raw(chains_key(), bytes);
			assert_noop!(set(bad.view(OWN, 10, &[], &[])), Error::<Test>::BadValue);
		}
		let mut many = root();
		many.set_chains((1..=asterism_primitives::root_state::MAX_CHAINS + 1).map(ChainId));
		assert_noop!(set(many.view(OWN, 10, &[], &[])), Error::<Test>::BadValue);
		// The list must be proved although nothing else is asked for.
		let mut unproved = root().view(OWN, 10, &[], &[]);
		unproved.proof = vec![];
		assert_noop!(set(unproved), Error::<Test>::BadProof);
	});
}

#[test]
fn a_committee_that_is_ready_is_known_from_the_next_view_on() {
	new_test_ext().execute_with(|| {
		let ready = <RootView as NextCommittee>::ready;
		assert_ok!(set(root().view(OWN, 10, &[], &[])));
		assert!(!ready(0) && !ready(1));
		next();
		let mut elected = root();
		// Another chain's committee is not ours.
		elected.set_ready(PEER, 7);
		assert_ok!(set(elected.view(OWN, 11, &[], &[])));
		assert!(!ready(1));
		next();
		elected.set_ready(OWN, 3);
		assert_ok!(set(elected.view(OWN, 12, &[], &[])));
		assert!(ready(1) && ready(3) && !ready(4));
		next();
		// It stays known in blocks without a root view.
		assert!(ready(3));
	});
}

#[test]
fn a_ready_epoch_of_another_form_is_refused() {
	new_test_ext().execute_with(|| {
		for bytes in [vec![], vec![3; 7], vec![3; 9]] {
			let mut bad = root();
			bad.set_raw(ready_key(OWN), bytes);
			assert_noop!(set(bad.view(OWN, 10, &[], &[])), Error::<Test>::BadValue);
		}
	});
}

#[test]
#[should_panic(expected = "rootView.chainId: expected the id of a transaction chain")]
fn the_root_chain_has_no_root_view() {
	genesis(ChainId::ROOT, 1_001);
}

#[test]
fn a_default_genesis_takes_in_no_root_view() {
	genesis(ChainId::ROOT, 1_000).execute_with(|| {
		assert_noop!(set(root().view(OWN, 10, &[], &[])), Error::<Test>::NoIdentity);
		assert!(RootView::do_try_state().is_err());
	});
}

#[test]
#[should_panic(
	expected = "rootView.parameters: expected blockInterval 200 to 60000 milliseconds, epochLength 0 or"
)]
fn parameters_are_checked() {
	genesis(OWN, 199);
}
