//! A member that votes twice in a view is found by the others, and loses its stake and its seat.

use anyhow::{ensure, Context, Result};
use asterism_network_tests::{tell_of, Network};
use std::{env, path::PathBuf, time::Duration};

const MINUTE: Duration = Duration::from_secs(60);
/// What rotation-short.toml gives each node, in the smallest unit of noOs.
const STAKE: u128 = 10_000 * 1_000_000_000_000;

/// Eve's node is built with the feature `equivocation`; nobody reports it but the other nodes, by themselves.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a second binary, ASTERISM_EQUIVOCATING: scripts/test --long"]
async fn a_member_that_votes_twice_is_punished_within_two_epochs() -> Result<()> {
	let prepare = || {
		let binary = env::var_os("ASTERISM_EQUIVOCATING").map(PathBuf::from);
		let binary = binary.context("ASTERISM_EQUIVOCATING names no binary")?;
		let mut network = Network::prepare_elected("rotation-short.toml")?;
		network.run_with("Eve", binary)?;
		Ok(network)
	};
	tell_of(prepare, async |network| {
		let story = async {
			loop {
				network.transfer(1, 2).await?;
				let now = network.staked("Eve").await?;
				let epoch = network.epoch(0).await;
				if now.is_excluded() {
					ensure!(now.stake < STAKE, "Eve has lost nothing");
					network.say(format!(
						"Eve is excluded in epoch {epoch}, and has {} of {STAKE} left",
						now.stake
					));
					return Ok(());
				}
				ensure!(epoch <= 2, "Eve is not punished after two epochs");
			}
		};
		tokio::time::timeout(8 * MINUTE, story)
			.await
			.context("two epochs within eight minutes")??;
		for honest in ["Alice", "Bob", "Charlie", "Dave"] {
			let node = network.staked(honest).await?;
			ensure!(!node.is_excluded() && node.stake == STAKE, "{honest} is punished");
		}
		// Without Eve all chains go on.
		network.transfer(2, 1).await?;
		network.go_on(&[0, 1, 2], 5, 2 * MINUTE).await
	})
	.await
}
