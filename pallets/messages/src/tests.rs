use crate::{
	mock::{Messages, *},
	*,
};
use asterism_primitives::{
	api::SentState,
	inherents::{RootViewData, ROOT_VIEW},
	message::{Call as Said, MAX_BODY},
	protocol::channel::{ChannelRecord, CAPACITY, RESERVED},
	root_state::Anchor,
};
use pallet_root_view::fixture::RootFixture;
use polkadot_sdk::{
	frame_support::{
		assert_noop, assert_ok,
		inherent::ProvideInherent,
		storage::{with_transaction, TransactionOutcome},
		traits::Hooks,
	},
	sp_io::TestExternalities,
	sp_runtime::{DispatchError, DispatchResult, StateVersion},
};

const A: ChainId = ChainId(1);
const B: ChainId = ChainId(2);
const C: ChainId = ChainId(3);

fn account(n: u8) -> AccountId {
	AccountId::new([n; 32])
}

fn pay(recipient: AccountId, value: Balance) -> Payload {
	Payload {
		sender: account(1),
		recipient,
		currency: CurrencyId::NATIVE,
		value,
		body: MessageBody::Add,
	}
}

/// Sends a deposit that no later one is merged with.
fn send(destination: ChainId, recipient: AccountId, value: Balance) -> Result<Nonce, SendError> {
	let nonce = send_merging(destination, recipient, value)?;
	let _ = OpenDeposits::<Test>::clear(u32::MAX, None);
	Ok(nonce)
}

fn send_merging(destination: ChainId, recipient: AccountId, value: Balance) -> Result<Nonce, SendError> {
	<Messages as SendMessage>::send(destination, pay(recipient, value))
}

fn call_of(len: usize) -> MessageBody {
	MessageBody::Call(Said {
		gas: 1_000,
		depth: 3,
		body: vec![7; len].try_into().unwrap(),
	})
}

/// Ends the block and begins the next; returns the traffic of the ended one.
fn end_block() -> Option<Traffic> {
	let number = System::block_number();
	Messages::on_finalize(number);
	RootView::on_finalize(number);
	Messages::do_try_state().unwrap();
	let traffic = digest::traffic(&System::digest());
	System::reset_events();
	System::initialize(&(number + 1), &Default::default(), &Default::default());
	RootView::on_initialize(number + 1);
	Messages::on_initialize(number + 1);
	if let Some(traffic) = &traffic {
		assert!(traffic.is_consistent());
	}
	traffic
}

fn anchor(outbox_root: Hash) -> Anchor {
	Anchor {
		block_hash: Hash::repeat_byte(1),
		state_root: Hash::repeat_byte(2),
		outbox_root,
		unacknowledged: 1,
	}
}

/// Sees a root block that has these anchors, and these acknowledgements.
fn see(number: BlockNumber, anchors: &[(ChainId, BlockNumber, Hash)], acks: &[(ChainId, Nonce)]) {
	assert_ok!(RootView::set(RuntimeOrigin::none(), view(number, anchors, acks)));
}

fn view(
	number: BlockNumber,
	anchors: &[(ChainId, BlockNumber, Hash)],
	acks: &[(ChainId, Nonce)],
) -> RootViewData {
	let own = <RootView as RootState>::chain_id();
	let mut root = RootFixture::default();
	root.set_chains(known());
	for (chain, number, outbox_root) in anchors {
		root.set_anchor(*chain, *number, anchor(*outbox_root));
	}
	for (destination, nonce) in acks {
		let record = ChannelRecord {
			recorded: *nonce,
			acknowledged: *nonce,
			waiting: vec![],
		};
		root.set_channel(own, *destination, &record);
	}
	let anchors: Vec<_> = anchors
		.iter()
		.map(|(chain, number, _)| (*chain, *number))
		.collect();
	let acks: Vec<_> = acks.iter().map(|(destination, _)| *destination).collect();
	root.view(own, number, &anchors, &acks)
}

fn deliver(deliveries: Vec<Delivery>) -> DispatchResult {
	Messages::deliver(RuntimeOrigin::none(), deliveries)
}

/// What chain A sends to B in one block a list, as deliveries and outbox roots.
fn from_a(blocks: &[&[(AccountId, Balance)]]) -> Vec<(Delivery, Hash)> {
	from(A, blocks)
}

/// What any chain sends to B. Another chain gets some too.
fn from(source: ChainId, blocks: &[&[(AccountId, Balance)]]) -> Vec<(Delivery, Hash)> {
	new_test_ext(source).execute_with(|| {
		blocks
			.iter()
			.map(|messages| {
				let number = System::block_number();
				for (recipient, value) in *messages {
					send(B, recipient.clone(), *value).unwrap();
					send(ChainId(9), recipient.clone(), 1).unwrap();
				}
				let traffic = end_block().unwrap();
				(Messages::delivery(B, number).unwrap(), traffic.outbox_root)
			})
			.collect()
	})
}

/// Runs on chain B in a block that has seen all these anchors.
fn on_b(sent: &[(Delivery, Hash)], run: impl FnOnce()) -> TestExternalities {
	let mut ext = new_test_ext(B);
	ext.execute_with(|| {
		let anchors: Vec<_> = sent.iter().map(|(d, root)| (d.source, d.number, *root)).collect();
		see(1, &anchors, &[]);
		run();
		// What the block would leave behind holds together.
		let ended = with_transaction(|| {
			end_block();
			TransactionOutcome::Rollback(Ok::<_, DispatchError>(()))
		});
		assert_ok!(ended);
	});
	ext
}

#[test]
fn a_block_commits_to_what_it_sends() {
	new_test_ext(A).execute_with(|| {
		assert_eq!(send(B, account(7), 5), Ok(0));
		assert_eq!(send(C, account(7), 9), Ok(0));
		assert_eq!(send(B, account(8), 6), Ok(1));
		assert_eq!(Messages::sent_state(B, 1), SentState::Included { number: 1 });
		let traffic = end_block().unwrap();
		assert_eq!(
			traffic
				.sent
				.iter()
				.map(|s| (s.destination, s.batch.count))
				.collect::<Vec<_>>(),
			[(B, 2), (C, 1)]
		);
		let flow = |peer, amount| Flow {
			peer,
			currency: CurrencyId::NATIVE,
			amount,
		};
		assert_eq!(traffic.outflows.to_vec(), [flow(B, 11), flow(C, 9)]);
		assert!(traffic.inflows.is_empty() && traffic.received.is_empty());
		assert_eq!(Messages::sent_state(B, 1), SentState::Included { number: 1 });
		assert_eq!(Messages::sent_state(B, 2), SentState::Unknown);
		assert_eq!(Messages::unacknowledged(), [B, C]);
		let delivery = Messages::delivery(B, 1).unwrap();
		assert_eq!(delivery.verify(B, traffic.outbox_root).map(|b| b.count), Ok(2));
		assert_eq!(Messages::delivery(B, 2), None);
		assert_eq!(Messages::delivery(ChainId(9), 1), None);
		// Nothing was sent, so the header says nothing.
		assert_eq!(end_block(), None);
	});
}

#[test]
fn deposits_of_a_block_are_merged() {
	new_test_ext(A).execute_with(|| {
		assert_eq!(send_merging(B, account(7), 5), Ok(0));
		assert_eq!(send_merging(B, account(8), 6), Ok(1));
		assert_eq!(send_merging(B, account(7), 7), Ok(0));
		// Another destination, and another currency, are others.
		assert_eq!(send_merging(C, account(7), 1), Ok(0));
		let mut other = pay(account(7), 9);
		other.currency = CurrencyId(1);
		assert_eq!(<Messages as SendMessage>::send(B, other), Ok(2));
		// Calls are never merged.
		for nonce in 3..5 {
			let mut call = pay(account(7), 1);
			call.body = call_of(3);
			assert_eq!(<Messages as SendMessage>::send(B, call), Ok(nonce));
		}
		assert_noop!(
			send_merging(B, account(7), Balance::MAX),
			SendError::ValueOverflow
		);
		let traffic = end_block().unwrap();
		assert_eq!(traffic.outflows[0].amount, 5 + 6 + 7 + 2);
		let delivery = Messages::delivery(B, 1).unwrap();
		assert_eq!(delivery.verify(B, traffic.outbox_root).map(|b| b.count), Ok(5));
		let values: Vec<_> = delivery.messages.iter().map(|message| message.value).collect();
		assert_eq!(values, [12, 6, 9, 1, 1]);
		// The next block begins anew.
		assert_eq!(send_merging(B, account(7), 5), Ok(5));
	});
}

#[test]
fn a_block_sends_so_many_bytes_to_a_chain() {
	new_test_ext(A).execute_with(|| {
		let mut payload = pay(account(7), 1);
		payload.body = call_of(MAX_BODY as usize);
		let send_call = |destination| <Messages as SendMessage>::send(destination, payload.clone());
		let mut sent = 0;
		while send_call(B).is_ok() {
			sent += 1;
		}
		assert_noop!(send_call(B), SendError::TooManyBytes);
		assert_eq!(
			sent,
			BATCH_BYTES / (MAX_BODY + 8 + 2 * 32 + 4 + 16 + 1 + 8 + 1 + 2)
		);
		assert_ok!(send_call(C));
		// What goes back isn't counted.
		let mut back = pay(account(7), 1);
		back.body = MessageBody::Bounce {
			nonce: 0,
			reason: BounceReason::Failed,
			call: Some(Said::default()),
		};
		assert_noop!(
			<Messages as SendMessage>::send(B, back.clone()),
			SendError::WrongBody
		);
		assert_ok!(<Messages as SendMessage>::send_back(B, back));
		assert_noop!(
			<Messages as SendMessage>::send_back(B, pay(account(7), 1)),
			SendError::WrongBody
		);
		end_block();
		assert_ok!(send_call(B));
	});
}

#[test]
fn a_refused_call_goes_back_with_what_it_said() {
	new_test_ext(B).execute_with(|| {
		let message = Message {
			nonce: 4,
			sender: account(1),
			recipient: refusing(),
			currency: CurrencyId::NATIVE,
			value: 5,
			body: call_of(9),
		};
		assert_ok!(Messages::execute(A, message));
		end_block();
		let delivery = Messages::delivery(A, 1).unwrap();
		let MessageBody::Call(call) = call_of(9) else {
			unreachable!()
		};
		assert_eq!(
			delivery.messages[0].body,
			MessageBody::Bounce {
				nonce: 4,
				reason: BounceReason::Refused,
				call: Some(call),
			}
		);
	});
}

#[test]
fn what_can_not_be_sent_changes_nothing() {
	new_test_ext(A).execute_with(|| {
		assert_noop!(send(A, account(7), 5), SendError::OwnChain);
		assert_noop!(send(ChainId::ROOT, account(7), 5), SendError::RootChain);
		assert_eq!(send(B, account(7), Balance::MAX), Ok(0));
		assert_noop!(send(B, account(7), 1), SendError::ValueOverflow);
		for _ in 1..MAX_BATCH {
			assert_ok!(send(B, account(7), 0));
		}
		assert_noop!(
			send(B, account(7), 0),
			SendError::Channel(ChannelError::BatchFull)
		);
		for chain in 3..MAX_PEERS + 2 {
			assert_eq!(send(ChainId(chain), account(7), 1), Ok(0));
		}
		assert_noop!(
			send(ChainId(MAX_PEERS + 2), account(7), 1),
			SendError::TooManyFlows
		);
		assert_eq!(end_block().unwrap().sent.len(), MAX_PEERS as usize);
	});
}

#[test]
fn only_chains_on_record_can_be_sent_to() {
	new_test_ext(A).execute_with(|| {
		assert_noop!(send(ChainId(100), account(7), 5), SendError::UnknownDestination);
		assert_noop!(
			send(ChainId(u32::MAX), account(7), 5),
			SendError::UnknownDestination
		);
		// A chain that has joined is known with the next root view.
		let mut root = RootFixture::default();
		root.set_chains(known().into_iter().chain([ChainId(100)]));
		assert_ok!(RootView::set(RuntimeOrigin::none(), root.view(A, 1, &[], &[])));
		assert_eq!(send(ChainId(100), account(7), 5), Ok(0));
		assert_noop!(send(ChainId(101), account(7), 5), SendError::UnknownDestination);
		assert_eq!(end_block().unwrap().sent.len(), 1);
		// Before its first root view, a chain knows none.
		pallet_root_view::KnownChains::<Test>::kill();
		assert_noop!(send(B, account(7), 5), SendError::UnknownDestination);
		assert_noop!(send(A, account(7), 5), SendError::OwnChain);
		assert_eq!(end_block(), None);
	});
}

#[test]
fn a_full_channel_waits_for_acknowledgement() {
	new_test_ext(A).execute_with(|| {
		for _ in 0..CAPACITY - RESERVED {
			assert_ok!(send(B, account(7), 1));
			end_block();
		}
		assert_noop!(send(B, account(7), 1), SendError::Channel(ChannelError::Full));
		// Values could still go back.
		assert_eq!(Messages::delivery_room(B), MAX_BATCH);
		see(1, &[], &[(B, 2)]);
		assert_eq!(send(B, account(7), 1), Ok(u64::from(CAPACITY - RESERVED)));
	});
}

#[test]
fn acknowledged_messages_are_forgotten() {
	new_test_ext(A).execute_with(|| {
		for _ in 0..3 {
			assert_ok!(send(B, account(7), 1));
			assert_ok!(send(C, account(7), 1));
			end_block();
		}
		see(1, &[], &[(B, 2)]);
		assert_eq!(Messages::sent_state(B, 1), SentState::Delivered);
		assert_eq!(Messages::sent_state(B, 2), SentState::Included { number: 3 });
		assert_eq!(Messages::delivery(B, 2), None);
		// The outbox of the block stays for the other destination.
		assert!(Messages::delivery(C, 2).is_some());
		end_block();
		see(2, &[], &[(B, 3), (C, 3)]);
		end_block();
		assert!(Messages::unacknowledged().is_empty());
		assert_eq!(Outboxes::<Test>::iter().count(), 0);
		// Older news, and news of what was never sent, change nothing.
		see(3, &[], &[(B, 1), (C, 99)]);
		end_block();
		assert_eq!(Outbounds::<Test>::get(C).closed.acknowledged, 3);
	});
}

#[test]
fn messages_are_delivered_in_order() {
	let sent = from_a(&[&[(account(7), 5), (account(8), 6)], &[(account(7), 10)]]);
	on_b(&sent, || {
		assert_ok!(deliver(sent.iter().map(|(d, _)| d.clone()).collect()));
		assert_eq!((Vault::value(&account(7)), Vault::value(&account(8))), (15, 6));
		assert_eq!(Messages::expected(A), 3);
		System::assert_has_event(Event::<Test>::Delivered { source: A, nonce: 2 }.into());
		let traffic = end_block().unwrap();
		assert_eq!(
			traffic.received.to_vec(),
			[Received {
				source: A,
				next_nonce: 3
			}]
		);
		assert_eq!(
			traffic.inflows.to_vec(),
			[Flow {
				peer: A,
				currency: CurrencyId::NATIVE,
				amount: 21
			}]
		);
		assert!(traffic.sent.is_empty() && traffic.outflows.is_empty());
	});
}

#[test]
fn a_changed_message_is_refused() {
	let sent = from_a(&[&[(account(7), 5), (account(8), 6)]]);
	on_b(&sent, || {
		let good = sent[0].0.clone();
		let refused = |change: &dyn Fn(&mut Delivery), error: Error<Test>| {
			let mut bad = good.clone();
			change(&mut bad);
			assert_noop!(deliver(vec![bad]), error);
		};
		refused(&|d| d.messages[0].value += 1, Error::BadProof);
		refused(&|d| d.messages[0].recipient = account(9), Error::BadProof);
		refused(&|d| d.messages[0].sender = account(9), Error::BadProof);
		refused(&|d| d.messages[0].currency = CurrencyId(1), Error::BadProof);
		refused(
			&|d| {
				d.messages[0].body = MessageBody::Bounce {
					nonce: 0,
					reason: BounceReason::Refused,
					call: None,
				}
			},
			Error::BadProof,
		);
		refused(&|d| d.messages[0].nonce += 1, Error::NotConsecutive);
		refused(
			&|d| d.messages.iter_mut().for_each(|m| m.nonce += 1),
			Error::BadProof,
		);
		let shortened = |d: &mut Delivery| {
			d.messages.pop();
		};
		refused(&shortened, Error::BadProof);
		refused(&|d| d.messages = Default::default(), Error::Empty);
		refused(
			&|d| d.messages.iter_mut().for_each(|m| m.value = Balance::MAX),
			Error::ValueOverflow,
		);
		refused(
			&|d| {
				d.path.pop();
			},
			Error::BadProof,
		);
		refused(&|d| d.index ^= 1, Error::BadProof);
		refused(&|d| d.leaves = u32::MAX, Error::BadProof);
		refused(&|d| d.source = B, Error::BadSource);
		refused(&|d| d.source = ChainId::ROOT, Error::BadSource);
		refused(&|d| d.source = C, Error::UnknownAnchor);
		refused(&|d| d.number = 77, Error::UnknownAnchor);
		assert_ok!(deliver(vec![good]));
	});
}

#[test]
fn a_delivery_for_another_chain_is_refused() {
	let delivery = new_test_ext(A).execute_with(|| {
		send(B, account(7), 1).unwrap();
		send(C, account(7), 1).unwrap();
		let root = end_block().unwrap().outbox_root;
		(Messages::delivery(C, 1).unwrap(), root)
	});
	on_b(std::slice::from_ref(&delivery), || {
		assert_noop!(deliver(vec![delivery.0.clone()]), Error::<Test>::BadProof);
	});
}

#[test]
fn repeats_and_gaps_are_refused() {
	let sent = from_a(&[&[(account(7), 5)], &[(account(7), 6)], &[(account(7), 7)]]);
	let [first, second, third] = [0, 1, 2].map(|i: usize| sent[i].0.clone());
	on_b(&sent, || {
		let mut root = 1;
		let mut next = || {
			end_block();
			root += 1;
			let anchors: Vec<_> = sent.iter().map(|(d, root)| (d.source, d.number, *root)).collect();
			see(root, &anchors, &[]);
		};
		assert_noop!(deliver(vec![second.clone()]), Error::<Test>::Gap);
		assert_noop!(deliver(vec![second.clone(), first.clone()]), Error::<Test>::Gap);
		assert_noop!(
			deliver(vec![first.clone(), first.clone()]),
			Error::<Test>::Repeated
		);
		assert_noop!(deliver(vec![first.clone(), third.clone()]), Error::<Test>::Gap);
		assert_ok!(deliver(vec![first.clone()]));
		assert_noop!(deliver(vec![second.clone()]), Error::<Test>::AlreadyDelivered);
		next();
		assert_noop!(deliver(vec![first]), Error::<Test>::Repeated);
		assert_ok!(deliver(vec![second, third]));
		assert_eq!(Vault::value(&account(7)), 18);
	});
}

#[test]
fn a_proof_needs_an_anchor_of_this_blocks_root_view() {
	let sent = from_a(&[&[(account(7), 5)]]);
	on_b(&sent, || {
		end_block();
		// The block has a root view, but has not read the anchor.
		see(2, &[], &[]);
		assert_noop!(deliver(vec![sent[0].0.clone()]), Error::<Test>::UnknownAnchor);
		end_block();
		// The root chain says otherwise.
		see(3, &[(A, 1, Hash::repeat_byte(7))], &[]);
		assert_noop!(deliver(vec![sent[0].0.clone()]), Error::<Test>::BadProof);
		end_block();
		assert_noop!(deliver(vec![sent[0].0.clone()]), Error::<Test>::UnknownAnchor);
	});
}

#[test]
fn deliveries_are_an_inherent() {
	let sent = from_a(&[&[(account(7), 5)]]);
	on_b(&sent, || {
		assert_noop!(
			Messages::deliver(RuntimeOrigin::signed(account(1)), vec![sent[0].0.clone()]),
			DispatchError::BadOrigin
		);
		assert_noop!(deliver(vec![]), Error::<Test>::NothingToDeliver);
	});
}

#[test]
fn value_without_cover_has_no_proof() {
	// A corrupt chain books less than its messages carry. Its leaf must commit to what it books, or the root chain
	// refuses the checkpoint; and then the messages don't fit the leaf.
	let sent = from_a(&[&[(account(7), 1_000)]]);
	let delivery = sent[0].0.clone();
	let leaf = |value: Balance| OutboxLeaf {
		destination: B,
		batch: delivery.batch().unwrap(),
		root: batch_root(&delivery.messages),
		value: value_hash(&[(CurrencyId::NATIVE, value)]),
	};
	let forged = |value| {
		let proved = Delivery::prove(A, 1, &[leaf(value)], B, delivery.messages.clone()).unwrap();
		(proved, outbox_root(&[leaf(value)]))
	};
	on_b(&[forged(1)], || {
		assert_noop!(deliver(vec![forged(1).0]), Error::<Test>::BadProof);
	});
	on_b(&[forged(1_000)], || {
		assert_ok!(deliver(vec![forged(1_000).0]));
	});
}

#[test]
fn a_refused_message_bounces_and_leaves_no_trace() {
	let sent = from_a(&[&[(account(7), 5), (refusing(), 6), (account(7), 7)]]);
	let mut bounce = None;
	on_b(&sent, || {
		assert_ok!(deliver(vec![sent[0].0.clone()]));
		assert_eq!((Vault::value(&account(7)), Vault::value(&refusing())), (12, 0));
		let reason = BounceReason::Refused;
		System::assert_has_event(
			Event::<Test>::Refused {
				source: A,
				nonce: 1,
				reason,
				returned: 0,
			}
			.into(),
		);
		let number = System::block_number();
		let traffic = end_block().unwrap();
		let flow = |amount| Flow {
			peer: A,
			currency: CurrencyId::NATIVE,
			amount,
		};
		assert_eq!(
			(traffic.inflows.to_vec(), traffic.outflows.to_vec()),
			(vec![flow(18)], vec![flow(6)])
		);
		bounce = Some((Messages::delivery(A, number).unwrap(), traffic.outbox_root));
	});
	let (bounce, root) = bounce.unwrap();
	assert_eq!(bounce.messages[0].sender, refusing());
	let mut a = new_test_ext(A);
	a.execute_with(|| {
		for (recipient, value) in [(account(7), 5), (refusing(), 6), (account(7), 7)] {
			send(B, recipient, value).unwrap();
		}
		end_block();
		see(1, &[(B, 1, root)], &[(B, 3)]);
		assert_ok!(deliver(vec![bounce]));
		assert_eq!(Vault::value(&account(1)), 6);
		assert_eq!(Messages::sent_state(B, 0), SentState::Delivered);
		assert_eq!(
			Messages::sent_state(B, 1),
			SentState::Bounced {
				reason: BounceReason::Refused
			}
		);
		let reason = BounceReason::Refused;
		System::assert_has_event(
			Event::<Test>::Bounced {
				destination: B,
				nonce: 1,
				reason,
			}
			.into(),
		);
		end_block();
	});
}

#[test]
fn nothing_is_taken_in_that_could_not_go_back() {
	let sent = from_a(&[&[(account(7), 5)]]);
	new_test_ext(B).execute_with(|| {
		// B has filled all places of the channel back.
		let batch = |n: u32| asterism_primitives::protocol::channel::Batch {
			first_nonce: n.into(),
			count: 1,
		};
		Outbounds::<Test>::mutate(A, |out| {
			(0..CAPACITY).for_each(|n| out.closed.record(n, batch(n)).unwrap());
		});
		let anchors = [(A, 1, sent[0].1)];
		see(1, &anchors, &[]);
		assert_eq!(Messages::delivery_room(A), 0);
		assert_noop!(deliver(vec![sent[0].0.clone()]), Error::<Test>::NoRoomToBounce);
		RootView::on_finalize(1);
		// An acknowledgement in the same block makes room, for the proposer too.
		let mut data = InherentData::new();
		data.put_data(ROOT_VIEW, &view(2, &anchors, &[(A, 1)])).unwrap();
		data.put_data(DELIVERIES, &vec![sent[0].0.clone()]).unwrap();
		assert!(Messages::create_inherent(&data).is_some());
		see(2, &anchors, &[(A, 1)]);
		assert_ok!(deliver(vec![sent[0].0.clone()]));
	});
}

#[test]
fn a_block_takes_in_no_more_than_it_can_execute() {
	let many: Vec<_> = (0..MAX_BATCH).map(|_| (account(7), 1)).collect();
	let mut sent = from_a(&[&many, &many]);
	sent.extend(from(C, &[&many]));
	sent.extend(from(ChainId(4), &[&[(account(7), 1)]]));
	on_b(&sent, || {
		let [first, second, other, more] = [0, 1, 2, 3].map(|i: usize| sent[i].0.clone());
		assert_noop!(
			deliver(vec![first.clone(), other.clone(), more]),
			Error::<Test>::TooManyMessages
		);
		// Two full batches fit into the block, but if they bounced, not into the batch back.
		assert_noop!(
			deliver(vec![first.clone(), second]),
			Error::<Test>::NoRoomToBounce
		);
		assert_ok!(deliver(vec![first, other]));
		assert_eq!(Vault::value(&account(7)), 512);
	});
}

#[test]
fn a_proposer_keeps_what_is_acceptable() {
	let sent = from_a(&[&[(account(7), 5)], &[(account(7), 6)], &[(account(7), 7)]]);
	new_test_ext(B).execute_with(|| {
		let create = |deliveries: Vec<Delivery>, seen: usize| {
			let anchors: Vec<_> = sent[..seen]
				.iter()
				.map(|(d, root)| (d.source, d.number, *root))
				.collect();
			let mut data = InherentData::new();
			data.put_data(ROOT_VIEW, &view(1, &anchors, &[])).unwrap();
			data.put_data(DELIVERIES, &deliveries).unwrap();
			match Messages::create_inherent(&data) {
				Some(Call::deliver { deliveries }) => deliveries,
				None => vec![],
				Some(_) => panic!("another call"),
			}
		};
		let all: Vec<_> = sent.iter().map(|(d, _)| d.clone()).collect();
		assert_eq!(create(all.clone(), 3), all);
		// Without the anchor of the last; with a repeat; with a gap; changed.
		assert_eq!(create(all.clone(), 2), all[..2]);
		assert_eq!(
			create(vec![all[0].clone(), all[0].clone(), all[1].clone()], 3),
			all[..2]
		);
		assert_eq!(create(vec![all[0].clone(), all[2].clone()], 3), all[..1]);
		let mut changed = all.clone();
		changed[1].messages[0].value = 1;
		assert_eq!(create(changed, 3), all[..1]);
		assert_eq!(create(vec![], 3), vec![]);
		// Neither without a root view.
		let mut data = InherentData::new();
		data.put_data(DELIVERIES, &all).unwrap();
		assert_eq!(Messages::create_inherent(&data), None);
		assert!(Messages::is_inherent(&Call::deliver { deliveries: vec![] }));
		// What is created is what is accepted.
		let anchors: Vec<_> = sent.iter().map(|(d, root)| (d.source, d.number, *root)).collect();
		see(1, &anchors, &[]);
		assert_ok!(deliver(all));
	});
}

#[test]
fn a_refused_call_changes_nothing() {
	let sent = from_a(&[&[(account(7), 5)], &[(account(7), 6)]]);
	let mut ext = on_b(&sent, || ());
	let before = ext.execute_with(|| polkadot_sdk::sp_io::storage::root(StateVersion::V1));
	ext.execute_with(|| {
		use polkadot_sdk::sp_runtime::traits::Dispatchable;
		let mut bad = sent[1].0.clone();
		bad.messages[0].value += 1;
		let call = RuntimeCall::Messages(Call::deliver {
			deliveries: vec![sent[0].0.clone(), bad],
		});
		assert!(call.dispatch(RuntimeOrigin::none()).is_err());
		assert_eq!(polkadot_sdk::sp_io::storage::root(StateVersion::V1), before);
	});
}
