//! What each chain holds: the root chain's defence against a corrupt committee.
//!
//! # Specification
//!
//! For every currency the ledger knows the *holdings* of each chain and the value *in flight* on each channel.
//!
//! - **Register.** A chain enters with the holdings of its genesis.
//! - **Apply.** A checkpoint of chain `c` moves, in this order, each inflow from a peer out of `in_flight(peer, c)`
//!   into `holdings(c)`, then each outflow to a peer out of `holdings(c)` into `in_flight(c, peer)`. A move of
//!   more than is there refuses the whole checkpoint.
//!
//! Both moves leave the sum of all holdings and all value in flight as it was, so at every root block and for
//! every currency `Σ holdings + Σ in flight = Σ genesis holdings`. A corrupt committee may claim any flow, yet moves
//! nothing beyond what its own chain holds and what is on its way to it.

use crate::types::{Balance, ChainId, CurrencyId};
use alloc::collections::BTreeMap;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// An amount that moves between a chain and a peer.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Flow {
	/// The other chain.
	pub peer: ChainId,
	/// The currency.
	pub currency: CurrencyId,
	/// How much, in the currency's smallest unit.
	pub amount: Balance,
}

/// Why the ledger refuses.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum LedgerError {
	/// A chain sends more than it holds.
	OutflowExceedsHoldings {
		/// The currency.
		currency: CurrencyId,
		/// What it holds.
		holds: Balance,
		/// What it sends.
		sends: Balance,
	},
	/// A chain takes in more than was on its way to it.
	InflowExceedsFlight {
		/// The chain that the value is said to come from.
		peer: ChainId,
		/// The currency.
		currency: CurrencyId,
		/// What is in flight on the channel.
		in_flight: Balance,
		/// What was taken in.
		takes: Balance,
	},
	/// A flow between a chain and itself.
	SelfFlow,
	/// An amount does not fit into 128 bits.
	Overflow,
}

/// Where the amounts are kept. Absent means zero.
pub trait Ledger {
	/// What a chain holds.
	fn holdings(&self, chain: ChainId, currency: CurrencyId) -> Balance;
	/// Sets what a chain holds.
	fn set_holdings(&mut self, chain: ChainId, currency: CurrencyId, amount: Balance);
	/// What is on its way from one chain to another.
	fn in_flight(&self, from: ChainId, to: ChainId, currency: CurrencyId) -> Balance;
	/// Sets what is on its way from one chain to another.
	fn set_in_flight(&mut self, from: ChainId, to: ChainId, currency: CurrencyId, amount: Balance);
}

/// Adds to what a chain holds: its genesis.
///
/// # Errors
/// [`LedgerError::Overflow`]; nothing is changed then.
pub fn register(
	ledger: &mut impl Ledger,
	chain: ChainId,
	currency: CurrencyId,
	amount: Balance,
) -> Result<(), LedgerError> {
	let sum = ledger
		.holdings(chain, currency)
		.checked_add(amount)
		.ok_or(LedgerError::Overflow)?;
	ledger.set_holdings(chain, currency, sum);
	Ok(())
}

/// Applies the flows of one checkpoint of `chain`.
///
/// # Errors
/// Any [`LedgerError`]. The ledger may then be changed in part: the caller drops those changes (a pallet's call is
/// transactional; a value is cloned before).
pub fn apply(
	ledger: &mut impl Ledger,
	chain: ChainId,
	inflows: &[Flow],
	outflows: &[Flow],
) -> Result<(), LedgerError> {
	for flow in inflows {
		let Flow {
			peer,
			currency,
			amount,
		} = *flow;
		if peer == chain {
			return Err(LedgerError::SelfFlow);
		}
		let in_flight = ledger.in_flight(peer, chain, currency);
		let rest = in_flight
			.checked_sub(amount)
			.ok_or(LedgerError::InflowExceedsFlight {
				peer,
				currency,
				in_flight,
				takes: amount,
			})?;
		let holds = ledger
			.holdings(chain, currency)
			.checked_add(amount)
			.ok_or(LedgerError::Overflow)?;
		ledger.set_in_flight(peer, chain, currency, rest);
		ledger.set_holdings(chain, currency, holds);
	}
	for flow in outflows {
		let Flow {
			peer,
			currency,
			amount,
		} = *flow;
		if peer == chain {
			return Err(LedgerError::SelfFlow);
		}
		let holds = ledger.holdings(chain, currency);
		let rest = holds
			.checked_sub(amount)
			.ok_or(LedgerError::OutflowExceedsHoldings {
				currency,
				holds,
				sends: amount,
			})?;
		let in_flight = ledger
			.in_flight(chain, peer, currency)
			.checked_add(amount)
			.ok_or(LedgerError::Overflow)?;
		ledger.set_holdings(chain, currency, rest);
		ledger.set_in_flight(chain, peer, currency, in_flight);
	}
	Ok(())
}

/// A ledger as a plain value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct MapLedger {
	/// What each chain holds.
	pub holdings: BTreeMap<(ChainId, CurrencyId), Balance>,
	/// What is on its way on each channel.
	pub in_flight: BTreeMap<(ChainId, ChainId, CurrencyId), Balance>,
}

impl MapLedger {
	/// All holdings and all value in flight of a currency; `None` if that doesn't fit into 128 bits.
	pub fn total(&self, currency: CurrencyId) -> Option<Balance> {
		let held = self
			.holdings
			.iter()
			.filter(|((_, c), _)| *c == currency)
			.map(|(_, v)| *v);
		let flying = self
			.in_flight
			.iter()
			.filter(|((_, _, c), _)| *c == currency)
			.map(|(_, v)| *v);
		held.chain(flying).try_fold(0, Balance::checked_add)
	}
}

impl Ledger for MapLedger {
	fn holdings(&self, chain: ChainId, currency: CurrencyId) -> Balance {
		self.holdings.get(&(chain, currency)).copied().unwrap_or(0)
	}
	fn set_holdings(&mut self, chain: ChainId, currency: CurrencyId, amount: Balance) {
		self.holdings.insert((chain, currency), amount);
	}
	fn in_flight(&self, from: ChainId, to: ChainId, currency: CurrencyId) -> Balance {
		self.in_flight.get(&(from, to, currency)).copied().unwrap_or(0)
	}
	fn set_in_flight(&mut self, from: ChainId, to: ChainId, currency: CurrencyId, amount: Balance) {
		self.in_flight.insert((from, to, currency), amount);
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	const A: ChainId = ChainId(1);
	const B: ChainId = ChainId(2);
	const X: CurrencyId = CurrencyId::NATIVE;

	fn flow(peer: ChainId, amount: Balance) -> Flow {
		Flow {
			peer,
			currency: X,
			amount,
		}
	}

	#[test]
	fn value_moves_through_flight() {
		let mut ledger = MapLedger::default();
		register(&mut ledger, A, X, 100).unwrap();
		apply(&mut ledger, A, &[], &[flow(B, 40)]).unwrap();
		assert_eq!((ledger.holdings(A, X), ledger.in_flight(A, B, X)), (60, 40));
		apply(&mut ledger, B, &[flow(A, 40)], &[flow(A, 15)]).unwrap();
		assert_eq!(
			(
				ledger.holdings(B, X),
				ledger.in_flight(A, B, X),
				ledger.in_flight(B, A, X)
			),
			(25, 0, 15)
		);
	}

	#[test]
	fn what_is_not_held_is_not_spent() {
		let mut ledger = MapLedger::default();
		register(&mut ledger, A, X, 100).unwrap();
		assert_eq!(
			apply(&mut ledger, A, &[], &[flow(B, 60), flow(B, 60)]),
			Err(LedgerError::OutflowExceedsHoldings {
				currency: X,
				holds: 40,
				sends: 60
			})
		);
		let mut ledger = MapLedger::default();
		assert_eq!(
			apply(&mut ledger, B, &[flow(A, 1)], &[]),
			Err(LedgerError::InflowExceedsFlight {
				peer: A,
				currency: X,
				in_flight: 0,
				takes: 1
			})
		);
		assert_eq!(
			apply(&mut ledger, A, &[], &[flow(A, 0)]),
			Err(LedgerError::SelfFlow)
		);
		assert_eq!(
			apply(&mut ledger, A, &[flow(A, 0)], &[]),
			Err(LedgerError::SelfFlow)
		);
	}

	#[test]
	fn amounts_do_not_wrap() {
		let mut ledger = MapLedger::default();
		register(&mut ledger, A, X, Balance::MAX).unwrap();
		assert_eq!(register(&mut ledger, A, X, 1), Err(LedgerError::Overflow));
		assert_eq!(ledger.holdings(A, X), Balance::MAX);
	}

	proptest! {
		/// Whatever any chain claims, accepted or refused, no currency is created or lost.
		#[test]
		fn total_is_conserved(
			genesis in proptest::collection::vec(0u128..1_000_000, 4),
			claims in proptest::collection::vec(
				(0u32..4, proptest::collection::vec((0u32..4, 0u128..1_000_000), 0..4),
				 proptest::collection::vec((0u32..4, 0u128..1_000_000), 0..4)),
				0..64,
			),
		) {
			let mut ledger = MapLedger::default();
			for (i, amount) in genesis.iter().enumerate() {
				register(&mut ledger, ChainId(i as u32), X, *amount).unwrap();
			}
			let issuance: Balance = genesis.iter().sum();
			for (chain, inflows, outflows) in claims {
				let flows = |v: Vec<(u32, u128)>| v.into_iter().map(|(p, a)| flow(ChainId(p), a)).collect::<Vec<_>>();
				let mut next = ledger.clone();
				if apply(&mut next, ChainId(chain), &flows(inflows), &flows(outflows)).is_ok() {
					ledger = next;
				}
				prop_assert_eq!(ledger.total(X), Some(issuance));
			}
		}
	}
}
