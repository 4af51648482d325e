//! What the root chain has on record of a staked node, read with subxt.

use crate::node::Node;
use anyhow::{Context, Result};
use subxt::{dynamic, ext::scale_decode::DecodeAsType, OnlineClient, PolkadotConfig};
use subxt_signer::{sr25519::Keypair, SecretUri};

/// The value of `stake.nodes`, as far as it matters here.
#[derive(Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub struct Staked {
	/// Its stake.
	pub stake: u128,
	status: Status,
}

#[derive(Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
enum Status {
	Active,
	Leaving,
	Excluded,
}

impl Staked {
	/// Whether it may not be elected any more, as a punishment.
	pub fn is_excluded(&self) -> bool {
		matches!(self.status, Status::Excluded)
	}
}

/// The node of the development account `//<name>`, as another node's root chain has it.
///
/// # Errors
/// If it can't be read, or isn't on record.
pub async fn staked(asked: &Node, name: &str) -> Result<Staked> {
	let uri: SecretUri = format!("//{name}").parse()?;
	let operator = Keypair::from_uri(&uri)?.public_key().0;
	let client = OnlineClient::<PolkadotConfig>::from_insecure_url(&asked.url(0)?).await?;
	let address = dynamic::storage::<([u8; 32],), Staked>("Stake", "Nodes");
	let block = client.at_current_block().await?;
	let value = block.storage().fetch(address, (operator,)).await;
	let value = value.with_context(|| format!("{name} has no node on record"))?;
	Ok(value.decode()?)
}
