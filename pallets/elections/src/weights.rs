//! Weights of calls and hooks. Set by hand on the safe side; `scripts/benchmark` measures them.

use crate::{MaxElections, MAX_CLAIMS};
use asterism_primitives::committee::MAX_MEMBERS;
use core::marker::PhantomData;
use polkadot_sdk::{
	frame_support::{traits::Get, weights::Weight},
	frame_system,
};

/// The weights of this pallet's calls and hooks.
pub trait WeightInfo {
	/// Putting a claim on record among as many as there may be.
	fn claim() -> Weight;
	/// What authorizing that takes more: the proof.
	fn prove_claim() -> Weight;
	/// Putting a word on record in the largest committee.
	fn ready() -> Weight;
	/// Authorizing that.
	fn authorize_ready() -> Weight;
	/// What both take more if the word completes the quorum: nodes are looked up for the largest committee.
	fn count_nodes() -> Weight;
	/// Deciding or repeating an election, with `m` claims and members of the serving committee together.
	fn decide(m: u32) -> Weight;
	/// Opening `n` elections.
	fn open_elections(n: u32) -> Weight;
	/// A chain's signal, or the end of its epoch, with committees of `m` members.
	fn turn(m: u32) -> Weight;
	/// A block in which nothing is due.
	fn idle() -> Weight;
}

/// Bytes of the list of claims, and of members.
const CLAIMS: u64 = MAX_CLAIMS as u64 * 64;
const MEMBERS: u64 = MAX_MEMBERS as u64 * 74;

/// Bytes of an agenda.
fn agenda() -> u64 {
	u64::from(<MaxElections as Get<u32>>::get()) * 8
}

/// What the calls and hooks compute, without any access to a database.
impl WeightInfo for () {
	fn claim() -> Weight {
		// Two points of the curve and a hash to it; 256 claims are decoded, compared and encoded.
		Weight::from_parts(900_000_000, 2 * CLAIMS)
	}
	fn prove_claim() -> Weight {
		// Another hash to the curve, and four multiplications.
		Weight::from_parts(1_500_000_000, 2 * CLAIMS)
	}
	fn ready() -> Weight {
		Weight::from_parts(200_000_000, 2 * MEMBERS + agenda())
	}
	fn authorize_ready() -> Weight {
		// A host's verification of a signature; the dispatch is tried.
		Self::ready().saturating_add(Weight::from_parts(100_000_000, 0))
	}
	fn count_nodes() -> Weight {
		// The roster is decoded, and each member looked up in it; then its node.
		Weight::from_parts(500_000_000, MEMBERS + u64::from(MAX_MEMBERS) * 300)
	}
	fn decide(m: u32) -> Weight {
		// Preparing a member's consensus key takes about 1 ms in Wasm; what else there is, is small beside.
		Weight::from_parts(100_000_000, CLAIMS + MEMBERS + 2 * agenda())
			.saturating_add(Weight::from_parts(1_500_000_000, 500).saturating_mul(m.into()))
	}
	fn open_elections(n: u32) -> Weight {
		Weight::from_parts(20_000_000, 2 * agenda())
			.saturating_add(Weight::from_parts(20_000_000, 200).saturating_mul(n.into()))
	}
	fn turn(m: u32) -> Weight {
		Weight::from_parts(60_000_000, 2 * agenda() + MEMBERS)
			.saturating_add(Weight::from_parts(10_000_000, 500).saturating_mul(m.into()))
	}
	fn idle() -> Weight {
		Weight::from_parts(10_000_000, agenda())
	}
}

/// Weights on the database of the runtime.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn claim() -> Weight {
		<() as WeightInfo>::claim().saturating_add(T::DbWeight::get().reads_writes(3, 1))
	}
	fn prove_claim() -> Weight {
		<() as WeightInfo>::prove_claim().saturating_add(T::DbWeight::get().reads(3))
	}
	fn ready() -> Weight {
		<() as WeightInfo>::ready().saturating_add(T::DbWeight::get().reads_writes(10, 10))
	}
	fn authorize_ready() -> Weight {
		<() as WeightInfo>::authorize_ready().saturating_add(T::DbWeight::get().reads_writes(10, 10))
	}
	fn count_nodes() -> Weight {
		// For each member its operator, if the roster doesn't have it, and the operator's node; the registry's list and the agenda.
		let reads = 2 * u64::from(MAX_MEMBERS) + 5;
		<() as WeightInfo>::count_nodes().saturating_add(T::DbWeight::get().reads_writes(reads, 5))
	}
	fn decide(m: u32) -> Weight {
		// For each one, the node, and its duty at the end of one committee and the beginning of the next.
		<() as WeightInfo>::decide(m)
			.saturating_add(T::DbWeight::get().reads_writes(12, 12))
			.saturating_add(T::DbWeight::get().reads_writes(3, 2).saturating_mul(m.into()))
	}
	fn open_elections(n: u32) -> Weight {
		<() as WeightInfo>::open_elections(n)
			.saturating_add(T::DbWeight::get().reads_writes(2, 2))
			.saturating_add(T::DbWeight::get().reads_writes(1, 1).saturating_mul(n.into()))
	}
	fn turn(m: u32) -> Weight {
		<() as WeightInfo>::turn(m)
			.saturating_add(T::DbWeight::get().reads_writes(8, 8))
			.saturating_add(T::DbWeight::get().reads_writes(2, 1).saturating_mul(m.into()))
	}
	fn idle() -> Weight {
		<() as WeightInfo>::idle().saturating_add(T::DbWeight::get().reads(1))
	}
}
