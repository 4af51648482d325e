//! The random beacon in a root node: its channel among members, and its seeds in root blocks.

use crate::api::Client;
use asterism_beacon::{BeaconInherents, Channel};
use asterism_consensus::{chain::Verdict, client::Tier, network::MembersLane};
use asterism_primitives::{committee::MemberId, Hash, Header};
use async_trait::async_trait;
use polkadot_sdk::sp_inherents::{InherentData, InherentDataProvider};

/// The root committees' members' lane as the beacon's channel.
pub struct BeaconChannel(pub MembersLane);

#[async_trait]
impl Channel for BeaconChannel {
	fn send(&self, to: &[MemberId], message: Vec<u8>) {
		self.0.send(to, message);
	}

	async fn receive(&mut self) -> Option<(MemberId, Vec<u8>)> {
		self.0
			.next()
			.await
			.map(|(from, message)| (from, message.to_vec()))
	}
}

/// The root tier: a block brings in the newest seed of the beacon, and refers to no other chain.
pub struct RootTier(pub BeaconInherents<Client>);

#[async_trait]
impl Tier for RootTier {
	async fn provide(&self, parent: Hash, data: &mut InherentData) -> Result<(), String> {
		self.0
			.at(parent)
			.provide_inherent_data(data)
			.await
			.map_err(|e| e.to_string())
	}

	fn check(&self, _: &Header, _: &Header) -> Verdict {
		Verdict::Valid
	}
}
