//! What goes wrong in a run. All of it is decided by the run's seed, and all of it ends.

use crate::ledger::{COMMITTEE, NODES};
use asterism_primitives::committee::faults;
use commonware_p2p::simulated::Link;
use rand::{rngs::StdRng, seq::SliceRandom, Rng};
use std::{collections::BTreeSet, time::Duration};

/// What a network is like, as long as nothing goes wrong.
pub fn link(rng: &mut StdRng) -> Link {
	let loss = [0, 0, 5, 10, 20].choose(rng).copied().unwrap_or(0);
	Link {
		latency: Duration::from_millis(rng.gen_range(5..80)),
		jitter: Duration::from_millis(rng.gen_range(0..40)),
		success_rate: 1.0 - f64::from(loss) / 100.0,
	}
}

/// The node that is silent from the beginning, if any is.
pub fn silent(rng: &mut StdRng) -> Option<usize> {
	rng.gen_bool(0.3).then(|| rng.gen_range(0..NODES))
}

/// How long until the next thing goes wrong.
pub fn pause(rng: &mut StdRng) -> Duration {
	Duration::from_millis(rng.gen_range(1_000..12_000))
}

/// What goes wrong with some nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
	/// They reach each other and nobody else.
	Cut,
	/// Their processes have ended.
	Down,
	/// Their processes end, and begin again at once: in the midst of a view, of which they know by their journals alone what they have
	/// voted.
	Restart,
}

/// Something that goes wrong.
#[derive(Clone, Debug)]
pub struct Fault {
	/// With whom.
	pub nodes: BTreeSet<usize>,
	/// What.
	pub kind: Kind,
	/// For how long.
	pub lasts: Duration,
}

/// Who is who at the newest final block.
#[derive(Clone, Debug)]
pub struct Roles {
	/// The members of the committee that serves.
	pub serving: BTreeSet<usize>,
	/// With whom something is wrong already.
	pub faulty: BTreeSet<usize>,
}

impl Roles {
	/// How many more members of the serving committee may be faulty.
	fn room(&self) -> usize {
		let most = faults(self.serving.len() as u32) as usize;
		most.saturating_sub(self.serving.intersection(&self.faulty).count())
	}

	fn healthy(&self, among: impl Iterator<Item = usize>, rng: &mut StdRng) -> Vec<usize> {
		let mut healthy: Vec<_> = among.filter(|i| !self.faulty.contains(i)).collect();
		healthy.shuffle(rng);
		healthy
	}

	/// Some nodes that may be faulty now.
	fn some(&self, members: usize, others: usize, rng: &mut StdRng) -> BTreeSet<usize> {
		let serving = self.healthy(self.serving.iter().copied(), rng);
		let rest = self.healthy((0..NODES).filter(|i| !self.serving.contains(i)), rng);
		let serving = serving.into_iter().take(members.min(self.room()));
		serving.chain(rest.into_iter().take(others)).collect()
	}

	/// The next thing that goes wrong, if anything may.
	pub fn fault(&self, rng: &mut StdRng) -> Option<Fault> {
		let (kind, members, others, lasts) = match rng.gen_range(0..12) {
			// All others for so long that the committee that is elected of them never gets ready.
			0 => (Kind::Cut, 0, NODES, rng.gen_range(40_000..120_000)),
			1..=5 => (
				Kind::Cut,
				rng.gen_range(0..=COMMITTEE),
				rng.gen_range(0..=NODES),
				rng.gen_range(1_000..20_000),
			),
			6..=8 => (Kind::Restart, 1, 0, 0),
			_ => (
				Kind::Down,
				rng.gen_range(0..=COMMITTEE),
				rng.gen_range(0..=2),
				rng.gen_range(50..8_000),
			),
		};
		let nodes = self.some(members, others, rng);
		(!nodes.is_empty()).then(|| Fault {
			nodes,
			kind,
			lasts: Duration::from_millis(lasts),
		})
	}

	/// A restart at the moment of a handover, for some of them.
	pub fn at_handover(&self, rng: &mut StdRng) -> Option<Fault> {
		let nodes = self.some(rng.gen_range(0..=1), rng.gen_range(0..=1), rng);
		(!nodes.is_empty()).then(|| Fault {
			nodes,
			kind: Kind::Down,
			lasts: Duration::from_millis(rng.gen_range(50..3_000)),
		})
	}
}

#[test]
fn no_more_members_are_faulty_than_a_committee_stands() {
	use rand::SeedableRng;
	let mut rng = StdRng::seed_from_u64(1);
	for _ in 0..2_000 {
		let size = rng.gen_range(1..=NODES);
		let mut all: Vec<_> = (0..NODES).collect();
		all.shuffle(&mut rng);
		let serving: BTreeSet<_> = all[..size].iter().copied().collect();
		let mut roles = Roles {
			serving,
			faulty: BTreeSet::new(),
		};
		for _ in 0..5 {
			let at_handover = rng.gen();
			let fault = match at_handover {
				true => roles.at_handover(&mut rng),
				false => roles.fault(&mut rng),
			};
			let Some(fault) = fault else { continue };
			assert!(fault.nodes.is_disjoint(&roles.faulty));
			roles.faulty.extend(fault.nodes);
			let members = roles.serving.intersection(&roles.faulty).count();
			assert!(members <= faults(size as u32) as usize);
		}
	}
}
