//! What must hold however a run went.

use crate::{
	keystore::id,
	ledger::{issued, Ledger},
	node::Machine,
	run::HANDOVERS,
};
use asterism_beacon::verify_seed;
use asterism_consensus::{evidence::EvidenceStore, scheme};
use asterism_primitives::{
	api::runtime_decl_for_root_api::RootApiV1,
	beacon::{runtime_decl_for_beacon_api::BeaconApiV1, Seed},
	certificate::{Certificate, CertificateKind, Realm},
	committee::{BlsPublic, Committee, Epoch},
	digest,
	election::{runtime_decl_for_elections_api::ElectionsApiV1, Phase},
	epoch::{ends_epoch, may_certify},
	BlockNumber, ChainId, Hash, Header,
};
use asterism_root_runtime::{
	Beacon, Block, Chains, Checkpoints, Elections, Epochs, Misconduct, Runtime, Stake,
};
use polkadot_sdk::sp_runtime::traits::Header as _;
use std::collections::{BTreeMap, BTreeSet};

/// All of it. The final blocks.
///
/// # Panics
/// If something doesn't hold.
pub fn all(ledger: &Ledger, machines: &[Machine]) -> Vec<Hash> {
	for machine in machines {
		let complaints = machine.disk.complaints.lock();
		assert!(complaints.is_empty(), "honest nodes are blamed: {complaints:#?}");
		let evidence = EvidenceStore::new(machine.disk.aux.clone()).all();
		assert!(
			evidence.is_empty(),
			"node {} found evidence: {evidence:?}",
			machine.node
		);
	}
	let chain = agreed(machines);
	let finals: Vec<Hash> = chain.iter().map(|(hash, _)| *hash).collect();
	light(ledger, &chain);
	seeds(ledger, &finals);
	elections(ledger, &finals, machines);
	for (number, hash) in finals.iter().enumerate() {
		state(ledger, number as BlockNumber, *hash);
	}
	let issuance: BTreeSet<_> = finals.iter().map(|hash| ledger.at(*hash, issued)).collect();
	assert_eq!(issuance.len(), 1, "the issuance has changed");
	finals
}

type Certified = (Hash, Option<Certificate>);

/// No two blocks are final at one height. The longest chain of final blocks, with all certificates that any node has.
fn agreed(machines: &[Machine]) -> Vec<Certified> {
	let mut chain: Vec<Certified> = Vec::new();
	for machine in machines {
		for (number, (hash, certificate)) in machine.disk.finals().into_iter().enumerate() {
			match chain.get_mut(number) {
				Some((known, of)) => {
					assert_eq!(
						hash, *known,
						"two blocks are final at height {number}, one of them at node {}",
						machine.node
					);
					let better = |kept: &Option<Certificate>| {
						kept.as_ref().map(|c| c.kind) != Some(CertificateKind::Finalization)
					};
					if better(of) && certificate.is_some() {
						*of = certificate;
					}
				}
				None => chain.push((hash, certificate)),
			}
		}
	}
	chain
}

fn committee(ledger: &Ledger, at: Hash, epoch: Epoch) -> Committee {
	ledger
		.at(at, || {
			<Runtime as RootApiV1<Block>>::committee(ChainId::ROOT, epoch)
		})
		.expect("the committee is on record")
}

/// Who knows the first committee verifies the whole chain: each final block, or a final descendant of its epoch, is certified by the
/// committee that the chain had on record when the epoch before ended.
fn light(ledger: &Ledger, chain: &[Certified]) {
	let realm = Realm {
		chain: ChainId::ROOT,
		genesis: ledger.genesis(),
	};
	let mut trusted = committee(ledger, ledger.genesis(), 0);
	let mut verifier = scheme::verifier(realm, &trusted).expect("the keys on record are valid");
	let mut parent = ledger.genesis();
	// Blocks that no certificate has made final yet.
	let mut open = 0;
	for (hash, certificate) in &chain[1..] {
		let header: Header = ledger.header(*hash);
		assert_eq!(*header.parent_hash(), parent, "block {}", header.number);
		parent = *hash;
		let round = digest::round(header.digest()).expect("the header names its round");
		assert_eq!(
			round.epoch,
			trusted.epoch(),
			"block {} is of another epoch",
			header.number
		);
		open += 1;
		if let Some(certificate) = certificate {
			assert_eq!(certificate.block_hash, *hash);
			assert!(may_certify(header.digest(), certificate.round));
			assert_eq!(
				scheme::verify(&verifier, &trusted, certificate),
				Ok(()),
				"block {}",
				header.number
			);
			if certificate.kind == CertificateKind::Finalization {
				open = 0;
			}
		}
		if let Some(next) = ends_epoch(header.digest()) {
			assert_eq!(open, 0, "the last block of epoch {} is not certified", next - 1);
			assert_eq!(next, trusted.epoch() + 1);
			trusted = committee(ledger, *hash, next);
			verifier = scheme::verifier(realm, &trusted).expect("the keys on record are valid");
		}
	}
	assert_eq!(open, 0, "the newest block is not certified");
	assert!(trusted.epoch() >= HANDOVERS);
}

/// The key is the one of genesis, each seed on chain is signed with it, and each committee goes on making them.
fn seeds(ledger: &Ledger, finals: &[Hash]) {
	let key = |at: Hash| ledger.at(at, <Runtime as BeaconApiV1<Block>>::group_key);
	let first: BlsPublic = key(ledger.genesis()).expect("there is a beacon");
	let mut last: Option<Seed> = None;
	let mut by_epoch: BTreeMap<Epoch, BlockNumber> = BTreeMap::new();
	let mut start = 1;
	for hash in &finals[1..] {
		let header = ledger.header(*hash);
		assert_eq!(key(*hash), Some(first), "block {}", header.number);
		let newest = ledger.at(*hash, <Runtime as BeaconApiV1<Block>>::last_seed);
		let epoch = digest::round(header.digest()).map_or(0, |round| round.epoch);
		if let Some(seed) = newest.filter(|seed| Some(*seed) != last) {
			assert!(last.is_none_or(|last| seed.round > last.round) && seed.round < header.number);
			assert!(
				verify_seed(&first, ledger.genesis(), &seed),
				"the seed of round {} is wrong",
				seed.round
			);
			// Nobody but this epoch's committee signs its rounds.
			if seed.round >= start {
				*by_epoch.entry(epoch).or_default() += 1;
			}
		}
		last = newest;
		if ends_epoch(header.digest()).is_some() {
			start = header.number + 1;
		}
	}
	for epoch in 0..=HANDOVERS {
		assert!(
			by_epoch.contains_key(&epoch),
			"the committee of epoch {epoch} made no seed"
		);
	}
}

/// Elections are decided by seeds that nobody knew when they were announced, and nobody came forward before he might.
fn elections(ledger: &Ledger, finals: &[Hash], machines: &[Machine]) {
	let election = |at: Hash| ledger.at(at, || <Runtime as ElectionsApiV1<Block>>::election(ChainId::ROOT));
	let mut opened = BTreeSet::new();
	for hash in finals {
		let Some(on_record) = election(*hash) else {
			continue;
		};
		if let Phase::Open {
			round,
			seed,
			opened: block,
			..
		} = on_record.phase
		{
			assert!(round >= on_record.signalled && round < block, "{on_record:?}");
			let of_round = ledger.at(*hash, || <Runtime as BeaconApiV1<Block>>::seed(round));
			assert_eq!(of_round.map(|seed| seed.randomness()), Some(seed));
			opened.insert((on_record.epoch, round));
		}
	}
	for machine in machines {
		for published in machine.disk.published.lock().iter() {
			let claim = &published.claim;
			assert!(
				finals.contains(&published.finalized),
				"node {} took another block for final",
				machine.node
			);
			let on_record = election(published.finalized);
			let open = on_record.is_some_and(|on_record| {
				on_record.epoch == claim.epoch
					&& matches!(on_record.phase, Phase::Open { round, .. } if round == claim.round)
			});
			assert!(
				open,
				"node {} came forward before the election was open: {claim:?}",
				machine.node
			);
			assert!(opened.contains(&(claim.epoch, claim.round)));
		}
	}
	// Each committee after the first is of nodes, as many as there may be.
	let newest = finals.last().expect("genesis is final");
	for epoch in 1..=HANDOVERS {
		for member in committee(ledger, *newest, epoch).members() {
			assert!(machines.iter().any(|machine| id(machine.node) == member.id));
		}
	}
}

/// What each pallet says that always holds.
fn state(ledger: &Ledger, number: BlockNumber, hash: Hash) {
	let all = || {
		Chains::do_try_state()?;
		Checkpoints::do_try_state()?;
		Stake::do_try_state()?;
		Epochs::do_try_state(number)?;
		Beacon::do_try_state()?;
		Elections::do_try_state()?;
		Misconduct::do_try_state()
	};
	if let Err(error) = ledger.at(hash, all) {
		panic!("block {number}: {error:?}");
	}
}
