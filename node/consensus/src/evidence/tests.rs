use super::*;
use crate::mock::*;
use asterism_primitives::{certificate::Realm, ChainId, Hash};
use commonware_consensus::{
	simplex::types::{
		Activity, ConflictingFinalize, ConflictingNotarize, Finalize, Notarize, Nullify, NullifyFinalize,
	},
	types::{Epoch, Round as EngineRound, View},
};
use polkadot_sdk::sp_blockchain;
use std::collections::HashMap;

/// Auxiliary storage in memory.
#[derive(Default)]
pub(crate) struct Memory(Mutex<HashMap<Vec<u8>, Vec<u8>>>);

impl AuxStore for Memory {
	fn insert_aux<
		'a,
		'b: 'a,
		'c: 'a,
		I: IntoIterator<Item = &'a (&'c [u8], &'c [u8])>,
		D: IntoIterator<Item = &'a &'b [u8]>,
	>(
		&self,
		insert: I,
		delete: D,
	) -> sp_blockchain::Result<()> {
		let mut map = self.0.lock();
		map.extend(
			insert
				.into_iter()
				.map(|(key, value)| (key.to_vec(), value.to_vec())),
		);
		for key in delete {
			map.remove(*key);
		}
		Ok(())
	}

	fn get_aux(&self, key: &[u8]) -> sp_blockchain::Result<Option<Vec<u8>>> {
		Ok(self.0.lock().get(key).cloned())
	}
}

/// The three contradictions of a signer in a view.
fn contradictions(by: &Scheme, view: u64) -> [Activity<Scheme, Digest>; 3] {
	let block = |byte| proposal(0, view, Hash::repeat_byte(byte));
	let notarize = |byte| Notarize::sign(by, block(byte)).unwrap();
	let finalize = |byte| Finalize::sign(by, block(byte)).unwrap();
	let nullify = Nullify::sign::<Digest>(by, EngineRound::new(Epoch::zero(), View::new(view))).unwrap();
	[
		Activity::ConflictingNotarize(ConflictingNotarize::new(notarize(1), notarize(2))),
		Activity::ConflictingFinalize(ConflictingFinalize::new(finalize(1), finalize(2))),
		Activity::NullifyFinalize(NullifyFinalize::new(nullify, finalize(1))),
	]
}

#[test]
fn evidence_is_kept_once_and_over_a_restart() {
	let (aux, metrics) = (Arc::new(Memory::default()), Metrics::new(None).unwrap());
	let committee = committee(0);
	let by = signers(REALM, &committee, &NAMES);
	let store = EvidenceStore::new(aux.clone());
	for _ in 0..2 {
		for activity in contradictions(&by[2], 5) {
			store.add(&activity, &by[0], &committee, &metrics);
		}
	}
	let kept = store.all();
	let kinds = [
		Contradiction::ConflictingNotarize,
		Contradiction::ConflictingFinalize,
		Contradiction::NullifyFinalize,
	];
	assert_eq!(kept.iter().map(|e| e.contradiction).collect::<Vec<_>>(), kinds);
	assert!(kept.iter().all(|e| e.member == committee.members()[2].id));
	assert!(kept.iter().all(|e| e.round == Round { epoch: 0, view: 5 }));
	assert_eq!(EvidenceStore::new(aux).all(), kept);
	assert_eq!(metrics.evidence.get(), 3);
}

#[test]
fn forged_evidence_and_single_votes_are_not_kept() {
	let metrics = Metrics::new(None).unwrap();
	let committee = committee(0);
	let by = signers(REALM, &committee, &NAMES);
	let store = EvidenceStore::new(Arc::new(Memory::default()));
	// Signed for another chain: proves nothing here.
	let elsewhere = signers(
		Realm {
			chain: ChainId(2),
			..REALM
		},
		&committee,
		&NAMES,
	);
	for activity in contradictions(&elsewhere[2], 5) {
		store.add(&activity, &by[0], &committee, &metrics);
	}
	let vote = Notarize::sign(&by[1], proposal(0, 5, Hash::zero())).unwrap();
	store.add(&Activity::Notarize(vote), &by[0], &committee, &metrics);
	assert!(store.all().is_empty());
}

#[test]
fn evidence_is_bounded_and_unreadable_evidence_is_dropped() {
	let (aux, metrics) = (Arc::new(Memory::default()), Metrics::new(None).unwrap());
	let committee = committee(0);
	let by = signers(REALM, &committee, &NAMES);
	aux.insert_aux(&[(KEY, &[0xff; 7][..])], &[]).unwrap();
	let store = EvidenceStore::new(aux);
	assert!(store.all().is_empty());

	// Nobody crowds out the evidence against others.
	for view in 1..10 {
		for activity in contradictions(&by[0], view) {
			store.add(&activity, &by[0], &committee, &metrics);
		}
	}
	assert_eq!(store.all().len(), MAX_OF_MEMBER);
	assert_eq!(store.all()[0].round.view, 1);
	store.add(&contradictions(&by[1], 9)[0], &by[0], &committee, &metrics);
	assert_eq!(store.all().len(), MAX_OF_MEMBER + 1);
	assert_eq!(metrics.evidence.get(), MAX_OF_MEMBER as u64 + 1);

	// When all places are taken, the oldest epochs make room for newer ones, and not the other way round.
	let piece = |epoch, i: u32| {
		let mut one = store.all()[0].clone();
		one.round.epoch = epoch;
		one.member.0[..4].copy_from_slice(&i.to_le_bytes());
		one
	};
	let mut kept: Vec<_> = (0..MAX_EVIDENCE as u32)
		.map(|i| piece(1 + u64::from(i % 2), i))
		.collect();
	let full = kept.clone();
	assert!(!make_room(&mut kept, &piece(1, u32::MAX)) && kept == full);
	assert!(make_room(&mut kept, &piece(2, u32::MAX)));
	assert_eq!(kept.len(), MAX_EVIDENCE / 2);
	assert!(kept.iter().all(|piece| piece.round.epoch == 2));
}
