//! A member that votes twice in a view is found by the others, loses its stake, and takes no part any more: not even in the
//! committees that it is in.

use anyhow::{ensure, Context, Result};
use asterism_network_tests::{
	stake::{identity, STAKE},
	tell_of, Network,
};
use serde::Deserialize;
use std::{collections::BTreeMap, env, path::PathBuf, time::Duration};
use subxt::rpcs::rpc_params;

const MINUTE: Duration = Duration::from_secs(60);
/// How many final blocks it takes at most, from when the root chain has excluded a node, until all others have cut it off and
/// what it signed before is in no certificate that is still under way.
const MARGIN: u32 = 6;
/// How many blocks of each chain are looked at from then on.
const BLOCKS: u32 = 15;

/// What `consensus_certificate` says of a block, as far as it matters here.
#[derive(Deserialize)]
struct Certificate {
	round: Round,
	signers: Vec<usize>,
}

#[derive(Deserialize)]
struct Round {
	epoch: u64,
}

#[derive(Deserialize)]
struct Committee {
	members: Vec<Member>,
}

#[derive(Deserialize)]
struct Member {
	id: String,
}

/// In the certificates of a chain's blocks from `first` on, `excluded` has not signed; as `asked` holds them. How many of them
/// are of committees that it is in.
async fn signed_by_others(
	network: &mut Network,
	chain: u32,
	first: u32,
	asked: &str,
	excluded: &str,
) -> Result<u32> {
	network.reach(chain, first + BLOCKS, 2 * MINUTE).await?;
	let excluded = identity(excluded)?;
	let node = network.node(asked)?;
	let mut places: BTreeMap<u64, Option<usize>> = BTreeMap::new();
	let mut looked_at = 0;
	for number in first..first + BLOCKS {
		let certificate: Option<Certificate> = node
			.rpc(chain, "consensus_certificate", rpc_params![number])
			.await?;
		// A block without a certificate of its own is final by a descendant.
		let Some(Certificate {
			round: Round { epoch },
			signers,
		}) = certificate
		else {
			continue;
		};
		let place = match places.get(&epoch) {
			Some(place) => *place,
			None => {
				let committee: Committee = node.rpc(chain, "consensus_committee", rpc_params![epoch]).await?;
				let place = committee.members.iter().position(|member| member.id == excluded);
				places.insert(epoch, place);
				place
			}
		};
		if let Some(place) = place {
			ensure!(
				!signers.contains(&place),
				"chain {chain}: who is excluded signed block {number} of epoch {epoch}"
			);
			looked_at += 1;
		}
	}
	Ok(looked_at)
}

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
				tokio::time::sleep(Duration::from_secs(1)).await;
				let now = network.staked("Eve").await?;
				let epoch = network.epoch(0).await;
				if now.is_excluded() {
					ensure!(now.stake < STAKE, "Eve has lost nothing");
					network.say(format!(
						"Eve is excluded in epoch {epoch}, and has {} of {STAKE} left",
						now.stake
					));
					return anyhow::Ok(());
				}
				ensure!(epoch <= 2, "Eve is not punished after two epochs");
			}
		};
		tokio::time::timeout(8 * MINUTE, story)
			.await
			.context("two epochs within eight minutes")??;
		// She is in committees still, and runs. One of the others forgets at once what it has seen of her: it knows from the root
		// chain alone that it is not to listen.
		let mut firsts = Vec::new();
		for chain in [0, 1, 2] {
			firsts.push((chain, network.height(chain).await + MARGIN));
		}
		network.kill(&["Alice"])?;
		network.restart(&["Alice"])?;
		let mut looked_at = 0;
		for (chain, first) in firsts {
			looked_at += signed_by_others(network, chain, first, "Bob", "Eve").await?;
		}
		ensure!(
			looked_at > 0,
			"no certificate of a committee with Eve was looked at: nothing is said of whether she takes part"
		);
		network.say(format!(
			"Eve is in the committees of {looked_at} of {} blocks, and signed none",
			3 * BLOCKS
		));
		for honest in ["Alice", "Bob", "Charlie", "Dave"] {
			let node = network.staked(honest).await?;
			ensure!(!node.is_excluded() && node.stake == STAKE, "{honest} is punished");
		}
		// Without Eve all chains go on.
		network.transfer(1, 2).await?;
		network.transfer(2, 1).await?;
		network.go_on(&[0, 1, 2], 5, 2 * MINUTE).await
	})
	.await
}
