//! All stories in one network: the form for every change.

use anyhow::Result;
use asterism_network_tests::tell;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_network_moves_value_and_survives_its_losses() -> Result<()> {
	tell(async |network| {
		// Value moves from chain 1 to chain 2.
		network.transfer(1, 2).await?;

		// One member of each committee is killed: all chains go on, and value still moves.
		network.kill(&["dave-1", "dave-2"])?;
		network.go_on(&[0, 1, 2], 8, MINUTE).await?;
		network.transfer(2, 1).await?;

		// A second one of chain 2: it stops, the others go on.
		network.kill(&["charlie-2"])?;
		network
			.stands_still(2, async |network| network.go_on(&[0, 1], 8, MINUTE).await)
			.await?;
		network.agrees().await?;

		// All are back: chain 2 resumes, and nobody has lost or changed a final block.
		network.restart(&["dave-1", "charlie-2", "dave-2"])?;
		network.go_on(&[0, 1, 2], 5, 2 * MINUTE).await?;
		network.transfer(1, 2).await?;

		// A late node gets it all from genesis, with certificates.
		network.add_follower("late", 1)?;
		network.go_on(&[0, 1], 3, 2 * MINUTE).await?;
		network.certified("late", 0).await?;
		network.certified("late", 1).await?;
		network.agrees().await?;

		// It does so because it verifies them.
		network.kill(&["root"])?;
		network.refuses_forgeries("root")
	})
	.await
}
