//! Committees that are elected again and again, while value moves and nodes join, leave and die.

use anyhow::{ensure, Context, Result};
use asterism_network_tests::{stake::STAKE, tell_of, Network};
use std::{collections::BTreeSet, time::Duration};

const MINUTE: Duration = Duration::from_secs(60);

/// What happens in a story.
struct Plot {
	/// How many times the committee of every chain changes.
	epochs: u64,
	/// In every other epoch one of them is dead, which a committee of four can do without.
	victims: &'static [&'static str],
	/// Nodes that come from nowhere and register, each in an epoch.
	joining: &'static [(u64, &'static str)],
	/// Nodes that leave, each in an epoch, and are switched off when they have no duty left.
	leaving: &'static [(u64, &'static str)],
	/// Whether there is time to see who joined in a committee, and who left without a duty.
	to_the_end: bool,
}

/// What has happened so far.
#[derive(Default)]
struct Fates {
	dead: Option<&'static str>,
	joined: BTreeSet<&'static str>,
	/// Those of them that were in a committee.
	seated: BTreeSet<&'static str>,
	left: BTreeSet<&'static str>,
	/// Those of them that have no duty any more.
	free: BTreeSet<&'static str>,
}

impl Plot {
	/// Lives through it: value moves all the time.
	async fn tell(&self, network: &mut Network) -> Result<()> {
		let (mut fates, mut transfers, mut epoch) = (Fates::default(), 0, 0);
		let begin = network.height(0).await;
		self.come_and_go(network, &mut fates, 0).await?;
		loop {
			network.transfer(1, 2).await?;
			network.transfer(2, 1).await?;
			transfers += 2;
			self.follow(network, &mut fates).await?;
			let mut least = u64::MAX;
			for chain in network.chains() {
				least = least.min(network.epoch(chain).await);
			}
			if least >= self.epochs {
				break;
			}
			if least > epoch {
				epoch = least;
				network.say(format!("every chain is in epoch {epoch}, or beyond"));
				self.turn(network, &mut fates, epoch).await?;
			}
		}
		if let Some(name) = fates.dead {
			network.restart(&[name])?;
		}
		network.go_on(&[0, 1, 2], 5, 3 * MINUTE).await?;
		let made = network.height(0).await - begin;
		network.say(format!(
			"{} epochs, {transfers} transfers, {made} root blocks; in a committee: {:?}; left without a duty: {:?}",
			self.epochs, fates.seated, fates.free
		));
		if self.to_the_end {
			ensure!(
				fates.seated == fates.joined,
				"a node that joined was never elected"
			);
			ensure!(fates.free == fates.left, "a node that left is still on duty");
		}
		network.agrees().await
	}

	/// A new epoch: who dies or comes back, joins or leaves.
	async fn turn(&self, network: &mut Network, fates: &mut Fates, epoch: u64) -> Result<()> {
		match fates.dead.take() {
			Some(name) => network.restart(&[name])?,
			None => {
				let name = self.victims[(epoch as usize / 2) % self.victims.len()];
				network.kill(&[name])?;
				fates.dead = Some(name);
			}
		}
		self.come_and_go(network, fates, epoch).await
	}

	/// Who joins or leaves in an epoch.
	async fn come_and_go(&self, network: &mut Network, fates: &mut Fates, epoch: u64) -> Result<()> {
		let due = |list: &'static [(u64, &'static str)], done: &BTreeSet<_>| {
			list.iter()
				.find(|(when, name)| *when <= epoch && !done.contains(name))
				.map(|(_, name)| *name)
		};
		if let Some(name) = due(self.joining, &fates.joined) {
			network.add_candidate(name)?;
			// It has every chain from genesis, before anybody may rely upon it.
			network.go_on(&[0, 1, 2], 2, 3 * MINUTE).await?;
			network.register(name, STAKE).await?;
			ensure!(network.staked(name).await?.is_active(), "{name} is not active");
			fates.joined.insert(name);
		}
		if let Some(name) = due(self.leaving, &fates.left) {
			network.leave(name).await?;
			ensure!(network.staked(name).await?.is_leaving(), "{name} is not leaving");
			fates.left.insert(name);
		}
		Ok(())
	}

	/// Who of those that joined is in a committee, and who of those that left is so no more.
	async fn follow(&self, network: &mut Network, fates: &mut Fates) -> Result<()> {
		for name in fates.joined.difference(&fates.seated.clone()) {
			if network.staked(name).await?.duties > 0 {
				network.say(format!("{name}, which joined, is in a committee"));
				fates.seated.insert(name);
			}
		}
		for name in fates.left.difference(&fates.free.clone()) {
			if network.staked(name).await?.duties == 0 {
				network.say(format!("{name}, which left, has no duty any more"));
				network.kill(&[name])?;
				fates.free.insert(name);
			}
		}
		Ok(())
	}
}

/// Five nodes, two changes of all committees; one joins, one begins to leave. The form for every change.
#[tokio::test(flavor = "multi_thread")]
async fn short() -> Result<()> {
	let plot = Plot {
		epochs: 2,
		victims: &["Dave"],
		joining: &[(0, "Ferdie")],
		leaving: &[(1, "Charlie")],
		to_the_end: false,
	};
	tell_of(
		|| Network::prepare_elected("rotation-short.toml"),
		async |network| {
			tokio::time::timeout(10 * MINUTE, plot.tell(network))
				.await
				.context("two epochs within ten minutes")?
		},
	)
	.await
}

/// Twelve nodes, ten changes of all committees; two join, two leave.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a quarter of an hour: scripts/test --long"]
async fn long() -> Result<()> {
	let plot = Plot {
		epochs: 10,
		victims: &["Grace", "Bob", "Leo", "Eve", "Dave"],
		joining: &[(1, "Mallory"), (3, "Niaj")],
		leaving: &[(2, "Judy"), (4, "Ferdie")],
		to_the_end: true,
	};
	tell_of(
		|| Network::prepare_elected("../chain-specs/networks/rotation.toml"),
		async |network| {
			tokio::time::timeout(45 * MINUTE, plot.tell(network))
				.await
				.context("ten epochs within 45 minutes")?
		},
	)
	.await
}
