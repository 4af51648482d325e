//! What weighs in elections.

use asterism_primitives::{AccountId, ChainId};
use core::marker::PhantomData;
use pallet_stake::{Node, Stakers};

/// What a chain's elections weigh nodes by: a policy of the chain.
pub trait ElectionWeight {
	/// The weight of all nodes together, in an election for a chain's committee. Asked when the election is signalled.
	fn total(chain: ChainId) -> u128;

	/// What a node weighs in it, in the same unit. Asked when the node claims that it is elected. It must be part of the
	/// total then, and nothing that the node did after the signal may have raised it: the caller makes sure that
	/// [`Node::since`] is before.
	fn weight(chain: ChainId, operator: &AccountId, node: &Node) -> u128;
}

/// Weighs nodes by their stake alone, on every chain (Thinkey §4.1).
pub struct StakeWeight<S>(PhantomData<S>);

impl<S: Stakers> ElectionWeight for StakeWeight<S> {
	fn total(_: ChainId) -> u128 {
		S::total()
	}

	fn weight(_: ChainId, _: &AccountId, node: &Node) -> u128 {
		node.weight()
	}
}
