//! What a block's proposer brings in from outside, as inherent data.

use crate::{message::Delivery, BlockNumber, ChainId, Header};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode};
use polkadot_sdk::sp_inherents::InherentIdentifier;
use scale_info::TypeInfo;

/// Identifies [`RootViewData`].
pub const ROOT_VIEW: InherentIdentifier = *b"rootview";
/// Identifies a list of [`Delivery`].
pub const DELIVERIES: InherentIdentifier = *b"messages";

/// A final root block, with the part of its state that the block needs.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct RootViewData {
	/// The header.
	pub header: Header,
	/// The anchors to read.
	pub anchors: Vec<(ChainId, BlockNumber)>,
	/// The destinations whose acknowledgements to read.
	pub acknowledgements: Vec<ChainId>,
	/// The trie nodes that prove the keys of these, and of the [`ChainIds`](crate::root_state::ChainIds), in the header's
	/// state.
	pub proof: Vec<Vec<u8>>,
}

/// The messages to deliver, in order of source and nonce.
pub type Deliveries = Vec<Delivery>;
