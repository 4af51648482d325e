//! Each story in a network of its own, with more time: the form for a release, and for looking closer.

use anyhow::Result;
use asterism_network_tests::tell;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// The members that a committee of four can do without.
#[tokio::test(flavor = "multi_thread")]
async fn one_member_of_each_committee_is_killed_and_all_chains_go_on() -> Result<()> {
	tell(async |network| {
		network.kill(&["dave-1", "bob-2"])?;
		network.go_on(&[0, 1, 2], 20, 2 * MINUTE).await?;
		network.transfer(1, 2).await?;
		network.restart(&["dave-1", "bob-2"])?;
		network.go_on(&[0, 1, 2], 5, 2 * MINUTE).await?;
		network.agrees().await
	})
	.await
}

/// Without a quorum a committee makes nothing final; with one it goes on where it was.
#[tokio::test(flavor = "multi_thread")]
async fn two_members_of_one_committee_are_killed_and_that_chain_waits_for_them() -> Result<()> {
	tell(async |network| {
		network.kill(&["charlie-2", "dave-2"])?;
		network
			.stands_still(2, async |network| network.go_on(&[0, 1], 20, MINUTE).await)
			.await?;
		network.agrees().await?;
		network.restart(&["charlie-2", "dave-2"])?;
		network.go_on(&[0, 1, 2], 10, 2 * MINUTE).await?;
		network.transfer(2, 1).await?;
		network.agrees().await
	})
	.await
}

/// The root chain's committee is no exception. Its members are those of chain 1; chain 2 goes on by itself, and what it
/// sends arrives when the root chain is back.
#[tokio::test(flavor = "multi_thread")]
async fn two_members_of_the_root_committee_are_killed_and_only_the_third_chain_goes_on() -> Result<()> {
	tell(async |network| {
		network.kill(&["charlie-1", "dave-1"])?;
		let others =
			async |network: &mut asterism_network_tests::Network| network.go_on(&[2], 10, MINUTE).await;
		network
			.stands_still(0, async |network| network.stands_still(1, others).await)
			.await?;
		network.restart(&["charlie-1", "dave-1"])?;
		network.go_on(&[0, 1, 2], 10, 2 * MINUTE).await?;
		network.transfer(2, 1).await?;
		network.agrees().await
	})
	.await
}

/// A whole committee at once, as when the power fails: nobody votes twice, nobody loses a final block.
#[tokio::test(flavor = "multi_thread")]
async fn all_members_of_a_committee_are_killed_and_it_resumes() -> Result<()> {
	tell(async |network| {
		let all = ["alice-2", "bob-2", "charlie-2", "dave-2"];
		network.go_on(&[0, 1, 2], 5, MINUTE).await?;
		network.agrees().await?;
		network.kill(&all)?;
		network.go_on(&[0, 1], 5, MINUTE).await?;
		network.restart(&all)?;
		network.go_on(&[0, 1, 2], 10, 2 * MINUTE).await?;
		network.transfer(1, 2).await?;
		network.agrees().await
	})
	.await
}

/// A node that nobody knows, without keys or blocks, verifies everything from genesis on.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_node_syncs_from_genesis_with_certificates() -> Result<()> {
	tell(async |network| {
		network.transfer(1, 2).await?;
		network.go_on(&[0, 1, 2], 30, 2 * MINUTE).await?;
		network.add_follower("late-1", 1)?;
		network.add_follower("late-2", 2)?;
		network.go_on(&[0, 1, 2], 5, 2 * MINUTE).await?;
		for (name, chain) in [("late-1", 0), ("late-1", 1), ("late-2", 0), ("late-2", 2)] {
			network.certified(name, chain).await?;
		}
		network.agrees().await?;
		network.kill(&["root"])?;
		network.refuses_forgeries("root")
	})
	.await
}
