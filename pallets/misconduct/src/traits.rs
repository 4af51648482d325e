//! What this pallet asks of others.

use asterism_primitives::{
	committee::{Epoch, MemberId},
	Balance, ChainId, Header,
};
use polkadot_sdk::{frame_support::weights::Weight, sp_runtime::Perbill};

/// Who stands behind a committee's members.
pub trait Operators<AccountId> {
	/// The account whose stake answers for this member of a chain's committee. `None` if none does, as with the members that
	/// a genesis names.
	fn operator_of(chain: ChainId, epoch: Epoch, member: &MemberId) -> Option<AccountId>;
	/// What answering weighs.
	fn weight() -> Weight;
}

/// Punishes operators.
pub trait Punish<AccountId> {
	/// Takes this fraction of the operator's stake, also of what it is withdrawing, gives the reporter its share of that,
	/// if there is one, and excludes the operator from future committees until it registers again. How much was taken.
	fn punish(operator: &AccountId, fraction: Perbill, reporter: Option<&AccountId>) -> Balance;
	/// What punishing one operator weighs.
	fn weight() -> Weight;
}

/// Why the traffic of certified headers is no proof of anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquittal {
	/// Nothing is wrong with it.
	Consistent,
	/// It is well-formed, and the headers are not the next ones of their chain on record: what the chain held when they were
	/// made is not known.
	NotNext,
}

/// Judges whether what headers say of their traffic can be.
pub trait FlowJudge {
	/// Whether the traffic of one of these headers is such that no honest member lets it pass: it is malformed, or its
	/// outbox root doesn't commit to it; or, if the run extends the chain on record, it moves more than the chain holds or
	/// than was on its way to it, or contradicts the messages on record. Storage is left as it was. Who calls has made sure
	/// that the headers are [linked](asterism_primitives::offence::linked) and certified.
	///
	/// # Errors
	/// [`Acquittal`] if nothing of this is so.
	fn judge(chain: ChainId, headers: &[Header]) -> Result<(), Acquittal>;
	/// What judging these headers weighs.
	fn weight(headers: &[Header]) -> Weight;
}
