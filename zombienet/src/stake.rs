//! A staked node on the root chain, with subxt: what is on record of it, and how it joins and leaves.

use crate::node::{hex, Node};
use anyhow::{ensure, Context, Result};
use subxt::{
	dynamic::{self, Value},
	ext::scale_decode::DecodeAsType,
};
use subxt_signer::{sr25519::Keypair, SecretUri};

/// The value of `stake.nodes`, as far as it matters here.
#[derive(Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
pub struct Staked {
	/// Its stake.
	pub stake: u128,
	/// In how many committees on record it is that may still sign.
	pub duties: u32,
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
	/// Whether it may be elected.
	pub fn is_active(&self) -> bool {
		matches!(self.status, Status::Active)
	}

	/// Whether it may not be elected any more, by its operator's own wish.
	pub fn is_leaving(&self) -> bool {
		matches!(self.status, Status::Leaving)
	}

	/// Whether it may not be elected any more, as a punishment.
	pub fn is_excluded(&self) -> bool {
		matches!(self.status, Status::Excluded)
	}
}

/// What the network files give each node, and what nodes that join put up, in the smallest unit of noOs.
pub const STAKE: u128 = 10_000 * 1_000_000_000_000;

/// The identity of a development node whose keys come of its name: the secret is the same as its operator's.
///
/// # Errors
/// If it is no name.
pub fn identity(name: &str) -> Result<String> {
	Ok(hex(&operator(name)?.public_key().0))
}

/// The development account `//<name>`.
fn operator(name: &str) -> Result<Keypair> {
	let uri: SecretUri = format!("//{name}").parse()?;
	Ok(Keypair::from_uri(&uri)?)
}

/// The node of the development account `//<name>`, as another node's root chain has it.
///
/// # Errors
/// If it can't be read, or isn't on record.
pub async fn staked(asked: &Node, name: &str) -> Result<Staked> {
	let operator = operator(name)?.public_key().0;
	let address = dynamic::storage::<([u8; 32],), Staked>("Stake", "Nodes");
	let block = asked.subxt(0).await?.at_current_block().await?;
	let value = block.storage().fetch(address, (operator,)).await;
	let value = value.with_context(|| format!("{name} has no node on record"))?;
	Ok(value.decode()?)
}

/// Submits a call of `stake` that the operator signs, and waits until it is final.
async fn submit(asked: &Node, operator: &Keypair, call: &str, args: Vec<Value>) -> Result<()> {
	let call_of = dynamic::transaction("Stake", call, args);
	let submitted = asked
		.subxt(0)
		.await?
		.tx()
		.await?
		.sign_and_submit_then_watch_default(&call_of, operator)
		.await?;
	submitted
		.wait_for_finalized_success()
		.await
		.with_context(|| format!("stake.{call}"))?;
	Ok(())
}

/// The parts of a byte string in hexadecimal, as one value with these fields.
fn parts(text: &str, fields: [(&str, usize); 3]) -> Result<Value> {
	let digits = text
		.strip_prefix("0x")
		.context("expected bytes in hexadecimal")?
		.as_bytes();
	let bytes = digits
		.chunks(2)
		.map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?))
		.collect::<Result<Vec<u8>>>()?;
	let expected: usize = fields.iter().map(|(_, length)| length).sum();
	ensure!(
		bytes.len() == expected,
		"{} bytes, expected {expected}",
		bytes.len()
	);
	let mut rest = bytes.as_slice();
	let values = fields.map(|(name, length)| {
		let (part, after) = rest.split_at(length);
		rest = after;
		(name, Value::from_bytes(part))
	});
	Ok(Value::named_composite(values))
}

/// Lets a node make keys for the operator of its name, and registers them with a stake.
///
/// # Errors
/// If the node makes none, or the root chain refuses them.
pub async fn register(asked: &Node, node: &Node, stake: u128) -> Result<()> {
	let operator = operator(&node.definition.name)?;
	let made = node.rotate_keys(operator.public_key().0).await?;
	let keys = parts(
		&made.keys,
		[("identity", 32), ("sortition", 32), ("consensus", 96)],
	)?;
	let proof = parts(
		&made.proof,
		[("identity", 64), ("sortition", 64), ("consensus", 48)],
	)?;
	let args = vec![keys, proof, Value::u128(stake)];
	submit(asked, &operator, "register", args).await
}

/// Takes the node of the development account `//<name>` out of elections.
///
/// # Errors
/// If the root chain refuses.
pub async fn leave(asked: &Node, name: &str) -> Result<()> {
	submit(asked, &operator(name)?, "leave", Vec::new()).await
}
