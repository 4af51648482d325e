//! A transfer from one chain to another, with subxt: what a user's program does, from nothing but the chains' metadata.

use crate::node::Node;
use anyhow::{bail, ensure, Context, Result};
use std::time::{Duration, Instant};
use subxt::{
	dynamic::{self, Value},
	events::Events,
	ext::scale_decode::DecodeAsType,
	OnlineClient, PolkadotConfig,
};
use subxt_signer::sr25519::dev;

/// How long a transfer may take.
const WITHIN: Duration = Duration::from_secs(90);

/// The event `messages.Sent`, as far as it matters here.
#[derive(Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Sent {
	nonce: u64,
	value: u128,
}

/// The event `messages.Delivered`.
#[derive(Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Delivered {
	source: ChainId,
	nonce: u64,
}

#[derive(Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct ChainId(u32);

/// The value of `system.account`, as far as it matters here.
#[derive(Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Account {
	data: Funds,
}

#[derive(Debug, DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct Funds {
	free: u128,
}

/// What became of a transfer.
#[derive(Clone, Copy, Debug)]
pub struct Transferred {
	/// The message's nonce in its channel.
	pub nonce: u64,
	/// From submission to finality of the source's block that has it.
	pub sent_after: Duration,
	/// From submission to finality of the destination's block that delivers it.
	pub delivered_after: Duration,
}

async fn balance(client: &OnlineClient<PolkadotConfig>, account: [u8; 32]) -> Result<u128> {
	let address = dynamic::storage::<([u8; 32],), Account>("System", "Account");
	let block = client.at_current_block().await?;
	let value = block.storage().fetch(address, (account,)).await?;
	Ok(value.decode()?.data.free)
}

/// The first event of a name, decoded.
fn find<E: subxt::ext::scale_decode::DecodeAsFields>(
	events: &Events<PolkadotConfig>,
	pallet: &str,
	name: &str,
	matches: impl Fn(&E) -> bool,
) -> Result<Option<E>> {
	for event in events.iter() {
		let event = event?;
		if event.pallet_name() == pallet && event.event_name() == name {
			let fields = event.decode_fields_unchecked_as::<E>()?;
			if matches(&fields) {
				return Ok(Some(fields));
			}
		}
	}
	Ok(None)
}

/// Moves an amount from Alice on one chain to Bob on another, and waits until that is final on both. `from` and `to` are
/// a node and the chain that is asked there.
///
/// # Errors
/// If a chain refuses, the value isn't there in time, or the balances aren't what they must be.
pub async fn transfer(from: (&Node, u32), to: (&Node, u32), amount: u128) -> Result<Transferred> {
	tokio::time::timeout(WITHIN, transfer_now(from, to, amount))
		.await
		.with_context(|| {
			format!(
				"chain {} to chain {}: not delivered within {} s",
				from.1,
				to.1,
				WITHIN.as_secs()
			)
		})?
}

async fn transfer_now(from: (&Node, u32), to: (&Node, u32), amount: u128) -> Result<Transferred> {
	let (source, destination) = (from.0.subxt(from.1).await?, to.0.subxt(to.1).await?);
	let (alice, bob) = (dev::alice(), dev::bob().public_key().0);
	let before = (
		balance(&source, alice.public_key().0).await?,
		balance(&destination, bob).await?,
	);
	let mut blocks = destination.stream_blocks().await?;

	let recipient = Value::named_composite([
		("chain", Value::u128(to.1.into())),
		("account", Value::from_bytes(bob)),
	]);
	let call = dynamic::transaction("Actors", "transfer", (recipient, amount));
	let start = Instant::now();
	let submitted = source
		.tx()
		.await?
		.sign_and_submit_then_watch_default(&call, &alice)
		.await?;
	let events = submitted
		.wait_for_finalized_success()
		.await
		.context("actors.transfer")?;
	let sent = find::<Sent>(events.all_events_in_block(), "Messages", "Sent", |sent| {
		sent.value == amount
	})?
	.context("the transfer's block has no messages.Sent")?;
	let sent_after = start.elapsed();

	loop {
		let Some(block) = blocks.next().await else {
			bail!("the stream of final blocks has ended")
		};
		let events = block?.at().await?.events().fetch().await?;
		let ours = |delivered: &Delivered| delivered.source.0 == from.1 && delivered.nonce == sent.nonce;
		if find(&events, "Messages", "Delivered", ours)?.is_some() {
			break;
		}
	}
	let delivered_after = start.elapsed();

	let after = (
		balance(&source, alice.public_key().0).await?,
		balance(&destination, bob).await?,
	);
	ensure!(
		before.0 - after.0 == amount,
		"Alice had {} and has {}",
		before.0,
		after.0
	);
	ensure!(
		after.1 - before.1 == amount,
		"Bob had {} and has {}",
		before.1,
		after.1
	);
	Ok(Transferred {
		nonce: sent.nonce,
		sent_after,
		delivered_after,
	})
}
