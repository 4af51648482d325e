//! Committees that are elected again and again, while value moves and nodes die.

use anyhow::{Context, Result};
use asterism_network_tests::{tell_of, Network};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// Lives through so many epochs of every chain: value moves all the time, and in every other epoch one node is dead, which a
/// committee of four can do without.
async fn live_through(network: &mut Network, epochs: u64, victims: &[&str]) -> Result<()> {
	let (mut dead, mut transfers, mut epoch) = (None, 0, 0);
	let begin = network.height(0).await;
	loop {
		network.transfer(1, 2).await?;
		network.transfer(2, 1).await?;
		transfers += 2;
		let mut least = u64::MAX;
		for chain in network.chains() {
			least = least.min(network.epoch(chain).await);
		}
		if least >= epochs {
			break;
		}
		if least > epoch {
			epoch = least;
			network.say(format!("every chain is in epoch {epoch}, or beyond"));
			dead = match dead {
				Some(name) => {
					network.restart(&[name])?;
					None
				}
				None => {
					let name = victims[(epoch as usize / 2) % victims.len()];
					network.kill(&[name])?;
					Some(name)
				}
			};
		}
	}
	if let Some(name) = dead {
		network.restart(&[name])?;
	}
	network.go_on(&[0, 1, 2], 5, 3 * MINUTE).await?;
	let made = network.height(0).await - begin;
	network.say(format!(
		"{epochs} epochs, {transfers} transfers, {made} root blocks"
	));
	network.agrees().await
}

/// Five nodes, two changes of all committees. The form for every change.
#[tokio::test(flavor = "multi_thread")]
async fn short() -> Result<()> {
	tell_of(
		|| Network::prepare_elected("rotation-short.toml"),
		async |network| {
			let story = live_through(network, 2, &["Dave"]);
			tokio::time::timeout(10 * MINUTE, story)
				.await
				.context("two epochs within ten minutes")?
		},
	)
	.await
}

/// Twelve nodes, ten changes of all committees.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a quarter of an hour: scripts/test --long"]
async fn long() -> Result<()> {
	tell_of(
		|| Network::prepare_elected("../chain-specs/networks/rotation.toml"),
		async |network| {
			let story = live_through(network, 10, &["Grace", "Bob", "Leo", "Eve", "Dave"]);
			tokio::time::timeout(45 * MINUTE, story)
				.await
				.context("ten epochs within 45 minutes")?
		},
	)
	.await
}
