//! The network: what nodes send to each other, on which channels.

use asterism_consensus::{
	network::{FreeLane, LaneReceiver, LaneSender},
	scheme::Identity,
};
use asterism_primitives::{
	certificate::Certificate,
	committee::{Committee, Epoch, MemberId},
	BlockNumber, OpaqueBlock,
};
use codec::{Decode, Encode};
use commonware_p2p::{
	simulated::{Control, Oracle, Receiver, Sender},
	LimitedSender, Receiver as _, Recipients, Sender as _,
};
use commonware_runtime::{deterministic::Context, Quota, Spawner};
use polkadot_sdk::sp_runtime::OpaqueExtrinsic;
use std::{num::NonZeroU32, sync::Arc, time::SystemTime};

/// What members say about the beacon.
pub const BEACON: u64 = 0;
/// Extrinsics, [`Extrinsics`].
pub const POOL: u64 = 1;
/// Final blocks, [`Sync`].
pub const SYNC: u64 = 2;
/// The first channel of epoch 0; each epoch has its own.
const EPOCHS: u64 = 16;
/// How many channels an epoch has.
const OF_EPOCH: u64 = 4;

/// Extrinsics that are passed on.
pub type Extrinsics = Vec<OpaqueExtrinsic>;

/// A final block and its certificate.
pub type Final = (OpaqueBlock, Option<Certificate>);

/// What nodes say about final blocks.
#[derive(Encode, Decode)]
pub enum Sync {
	/// The height of the sender's newest one.
	Newest(BlockNumber),
	/// Asks for those from this height on.
	Ask(BlockNumber),
	/// Some, one upon the other.
	Blocks(Vec<Final>),
}

/// Changes the network.
pub type Wires = Oracle<Identity, Context>;
/// One node's access to it.
pub type Access = Control<Identity, Context>;
/// Both ends of a channel.
pub type Ends = (Sender<Identity, Context>, Receiver<Identity>);

/// Opens a channel.
pub async fn open(access: &Access, channel: u64) -> Ends {
	access
		.register(channel, Quota::per_second(NonZeroU32::MAX))
		.await
		.expect("the network runs as long as its nodes")
}

/// Sends to the members of a committee alone.
#[derive(Clone)]
pub struct ToMembers {
	sender: Sender<Identity, Context>,
	others: Arc<Vec<Identity>>,
}

impl LimitedSender for ToMembers {
	type PublicKey = Identity;
	type Checked<'a> = <Sender<Identity, Context> as LimitedSender>::Checked<'a>;

	fn check(&mut self, recipients: Recipients<Identity>) -> Result<Self::Checked<'_>, SystemTime> {
		self.sender.check(match recipients {
			Recipients::All => Recipients::Some(self.others.to_vec()),
			some => some,
		})
	}
}

/// The channels of one epoch's committee, at one of its members.
pub struct Seat {
	/// The committee.
	pub committee: Committee,
	/// Votes.
	pub votes: (ToMembers, Receiver<Identity>),
	/// Certificates.
	pub certificates: (ToMembers, Receiver<Identity>),
	/// The resolver's requests.
	pub resolver: (ToMembers, Receiver<Identity>),
	/// Blocks.
	pub blocks: (ToMembers, Receiver<Identity>),
}

/// Takes a member's seat.
pub async fn take_seat(access: &Access, committee: Committee, me: MemberId) -> Seat {
	let others: Arc<Vec<_>> = Arc::new(
		committee
			.members()
			.iter()
			.filter(|member| member.id != me)
			.map(|member| member.id.into())
			.collect(),
	);
	let epoch: Epoch = committee.epoch();
	let lane = |channel: u64| {
		let others = others.clone();
		async move {
			let (sender, receiver) = open(access, EPOCHS + OF_EPOCH * epoch + channel).await;
			(ToMembers { sender, others }, receiver)
		}
	};
	Seat {
		votes: lane(0).await,
		certificates: lane(1).await,
		resolver: lane(2).await,
		blocks: lane(3).await,
		committee,
	}
}

/// The ends of a lane that these channels carry, as long as the context lives.
pub fn bridge(
	context: Context,
	(mut sender, mut receiver): (ToMembers, Receiver<Identity>),
) -> (LaneSender, LaneReceiver) {
	let (mut lane, ends) = FreeLane::new(asterism_consensus::network::Lane::Blocks);
	let feed = lane.feed();
	context.spawn(|_| async move {
		loop {
			tokio::select! {
				biased;
				sent = lane.sent() => match sent {
					Some((recipients, bytes)) => {
						sender.send(recipients, bytes, false);
					}
					None => return,
				},
				received = receiver.recv() => match received {
					// As in the node: what the queue doesn't hold is lost.
					Ok((from, bytes)) => drop(feed.try_send((from, bytes.into()))),
					Err(_) => return,
				},
			}
		}
	});
	ends
}
