//! What elections and punishment ask of the nodes, and do to them.

use crate::Node;
use asterism_primitives::{
	committee::{BlsPublic, MemberId},
	AccountId, Balance,
};
use polkadot_sdk::sp_runtime::Perbill;

/// The nodes that put up a stake, each known by its operator's account.
pub trait Stakers {
	/// An operator's node, whatever its status: [`Node::weight`] and [`Node::eligible`] tell what it counts in elections.
	fn node(operator: &AccountId) -> Option<Node>;

	/// Whose identity key this is, or was as long as it is not forgotten.
	fn operator_of(id: &MemberId) -> Option<AccountId>;

	/// Whose consensus key this is, or was as long as it is not forgotten.
	fn operator_of_key(key: &BlsPublic) -> Option<AccountId>;

	/// The weight of all nodes together, in the smallest unit of noOs.
	fn total() -> Balance;

	/// Takes this part of a node's stake, rounded up. `reporter` gets its share of it, if it is named, is not the operator
	/// itself, and its account can hold that. Returns what was taken.
	fn slash(operator: &AccountId, fraction: Perbill, reporter: Option<&AccountId>) -> Balance;

	/// Excludes a node until it registers again, also one that is leaving. Returns whether it was not excluded before.
	fn exclude(operator: &AccountId) -> bool;

	/// A committee with the node has been put on record: until [`Self::end_duty`] is called for it, once for each such
	/// committee, its stake can't be withdrawn.
	fn begin_duty(operator: &AccountId);

	/// A committee with the node has served its time: it signs nothing any more. From the last such call on, evidence
	/// against it has the whole unbonding time.
	fn end_duty(operator: &AccountId);
}
