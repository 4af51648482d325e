//! Nodes that put up a stake, and may therefore be elected to committees (Thinkey §4.1).
//!
//! # Overview
//!
//! Anybody runs a node by registering its three keys and a stake under an account, its operator. The stake stays the
//! operator's, on hold; it is the node's weight in elections, and what the node pays with for misbehaviour. Elections and
//! punishment are other pallets' matter: they ask and act through [`Stakers`].
//!
//! # Flow
//!
//! ```text
//!                 add, rotate                unbonding time
//!                  ┌──────┐               ┌───────────────────┐
//!                  ▼      │               ▼                   │
//!  register ──► Active ───┴── leave ──► Leaving ── withdraw ──┴──► gone
//!                │   ▲                    ▲
//!        exclude │   │ register           │
//!                ▼   │                    │
//!              Excluded ───── leave ──────┘
//! ```
//!
//! # Specification
//!
//! - **Keys.** Each is proved to be the operator's by a signature that names all three, the operator and the network: see
//!   [`NodeKeys::ownership_statement`]. A key belongs to one node alone. One that was replaced stays taken for the
//!   unbonding time at least: it is forgotten when its operator rotates or withdraws after that. A node may have
//!   [`Config::MaxRetired`] such keys at a time.
//! - **`since`** is the last block in which a node's weight could rise or its keys changed. Whoever elects with a seed that is
//!   made after a block counts only nodes with an earlier `since`, so nobody can choose a stake or a key that suits the seed.
//! - **Unbonding** is counted in blocks of this chain, from leaving or from the end of the node's last duty in a committee,
//!   whichever is later. Until then the whole stake can be slashed, whatever the node's status.
//! - **Slashing** takes a part of the stake. The reporter gets [`Config::ReporterShare`] of it, the rest goes to
//!   [`Config::OnSlash`].
//! - **Excluded** nodes weigh nothing. They register again, with a new proof and enough stake, or leave. Who leaves stays
//!   excluded, and who leaves can be excluded: see [`Node::is_excluded`].
//!
//! # Assumptions
//!
//! - No evidence is older than [`Config::EvidenceLifetime`] when it is reported, counted from the end of the epoch that it is
//!   about, and who records committees says when their duty begins and ends.
//! - The state knows the hash of block 0, as FRAME keeps it for ever.
//! - Whoever writes a genesis configuration vouches for its nodes: no proof is asked there.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(test)]
mod tests;
mod traits;
pub mod weights;

pub use pallet::*;
pub use traits::Stakers;
pub use weights::WeightInfo;

use alloc::vec::Vec;
use asterism_primitives::{
	certificate::CommitteeKeys,
	committee::{BlsPublic, MemberId},
	keys::{NodeKeys, NodeKeysProof, OwnershipError, SortitionPublic, VerifyPossession},
	AccountId, Balance, BlockNumber, Hash,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	frame_support::{
		self,
		pallet_prelude::*,
		traits::{
			fungible::{Balanced, BalancedHold, Credit, InspectHold, MutateHold},
			tokens::{imbalance::OnUnbalanced, Precision},
			Imbalance,
		},
	},
	frame_system::{self, pallet_prelude::*},
	sp_core::hexdisplay::HexDisplay,
	sp_runtime::{
		traits::{SaturatedConversion, Zero},
		Perbill,
	},
};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// What a node may do.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Status {
	/// It may be elected.
	Active,
	/// It may not be elected any more. Its stake can be withdrawn from this block on, if no duty delays it.
	Leaving {
		/// The block.
		withdrawable_at: BlockNumber,
		/// Whether it misbehaved as well: leaving undoes no exclusion.
		excluded: bool,
	},
	/// It misbehaved, and may neither be elected nor serve until it registers again.
	Excluded,
}

/// A node.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Node {
	/// Its keys.
	pub keys: NodeKeys,
	/// What its operator has on hold for it, in the smallest unit of noOs.
	pub stake: Balance,
	/// The last block in which its weight could rise or its keys changed.
	pub since: BlockNumber,
	/// What it may do.
	pub status: Status,
	/// In how many committees on record it is that may still sign.
	pub duties: u32,
	/// When it was last relieved of a duty. 0 if it never was.
	pub relieved: BlockNumber,
}

impl Node {
	/// What it weighs in elections, in the smallest unit of noOs: nothing, unless it is active.
	pub fn weight(&self) -> Balance {
		match self.status {
			Status::Active => self.stake,
			Status::Leaving { .. } | Status::Excluded => 0,
		}
	}

	/// Whether it misbehaved and has not registered again since: it is to serve in no committee then, not even in one that it
	/// was elected to before.
	pub fn is_excluded(&self) -> bool {
		match self.status {
			Status::Active => false,
			Status::Leaving { excluded, .. } => excluded,
			Status::Excluded => true,
		}
	}

	/// Whether it may take part in an election that was announced in the block `signalled`.
	pub fn eligible(&self, signalled: BlockNumber) -> bool {
		self.status == Status::Active && self.since < signalled
	}
}

/// One of a node's keys, by its kind.
#[derive(
	Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum NodeKey {
	/// By which it is found.
	Identity(MemberId),
	/// Whose VRF decides elections.
	Sortition(SortitionPublic),
	/// With which it votes.
	Consensus(BlsPublic),
}

impl NodeKey {
	/// The keys of a node.
	pub fn all(keys: &NodeKeys) -> [NodeKey; 3] {
		[
			NodeKey::Identity(keys.identity),
			NodeKey::Sortition(keys.sortition),
			NodeKey::Consensus(keys.consensus),
		]
	}
}

/// A key that a node has replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct RetiredKey {
	/// The key.
	pub key: NodeKey,
	/// From which block on it may be forgotten.
	pub until: BlockNumber,
}

/// A node in a genesis configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GenesisNode {
	/// Its operator's account, which must have the stake and the existential deposit.
	pub operator: AccountId,
	/// Its keys.
	pub keys: NodeKeys,
	/// Its stake, in the smallest unit of noOs.
	pub stake: Balance,
}

#[frame_support::pallet]
pub mod pallet {
	use super::*;

	/// The pallet.
	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// What the runtime decides.
	#[pallet::config]
	pub trait Config:
		polkadot_sdk::frame_system::Config<
		AccountId = AccountId,
		Hash = Hash,
		RuntimeEvent: From<Event<Self>>,
	>
	{
		/// The runtime's reasons for holds.
		type RuntimeHoldReason: From<HoldReason>;
		/// What is staked.
		type Currency: MutateHold<AccountId, Reason = Self::RuntimeHoldReason, Balance = Balance>
			+ BalancedHold<AccountId>
			+ Balanced<AccountId>;
		/// Checks consensus keys and that somebody has their secrets. If it lets a key pass whose owner doesn't know its
		/// secret, certificates can be forged.
		type Keys: CommitteeKeys + VerifyPossession;
		/// Where slashed stake goes that no reporter gets; `()` burns it.
		type OnSlash: OnUnbalanced<Credit<AccountId, Self::Currency>>;
		/// The least stake of a node, in the smallest unit of noOs. It also pays for the storage that a node takes.
		#[pallet::constant]
		type MinimumStake: Get<Balance>;
		/// For how many blocks a node can be slashed after it left, and a key stays taken after it was replaced.
		#[pallet::constant]
		type Unbonding: Get<BlockNumber>;
		/// For how many blocks evidence is accepted after the epoch that it is about. Must be less than
		/// [`Config::Unbonding`].
		#[pallet::constant]
		type EvidenceLifetime: Get<BlockNumber>;
		/// The part of a slashed amount that its reporter gets.
		#[pallet::constant]
		type ReporterShare: Get<Perbill>;
		/// How many replaced keys a node may have that are not forgotten: three for each change of all its keys.
		#[pallet::constant]
		type MaxRetired: Get<u32>;
		/// The weights of the calls.
		type WeightInfo: WeightInfo;
		/// Prepares benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: BenchmarkHelper;
	}

	/// Makes what a benchmark needs and this pallet can't.
	#[cfg(feature = "runtime-benchmarks")]
	pub trait BenchmarkHelper {
		/// A consensus key, another one for each number.
		fn key(number: u32) -> BlsPublic;
		/// The signature of that key over a statement, as [`VerifyPossession`] wants it.
		fn sign(number: u32, statement: &[u8]) -> asterism_primitives::committee::BlsSignature;
	}

	/// Why balance is on hold.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// It is a node's stake.
		Stake,
	}

	/// Each node, by its operator.
	#[pallet::storage]
	pub type Nodes<T> = StorageMap<_, Blake2_128Concat, AccountId, Node>;

	/// Whose a key is, or was until it was replaced.
	#[pallet::storage]
	pub type KeyOwner<T> = StorageMap<_, Blake2_128Concat, NodeKey, AccountId>;

	/// The keys that each operator has replaced and that are not forgotten, the oldest first.
	#[pallet::storage]
	pub type Retired<T: Config> =
		StorageMap<_, Blake2_128Concat, AccountId, BoundedVec<RetiredKey, T::MaxRetired>, ValueQuery>;

	/// The weight of all nodes together.
	#[pallet::storage]
	pub type Total<T> = StorageValue<_, Balance, ValueQuery>;

	/// The nodes at genesis.
	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// The nodes.
		pub nodes: Vec<GenesisNode>,
		/// Marks the runtime.
		#[serde(skip)]
		pub _runtime: core::marker::PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		/// # Panics
		/// If a node can't be registered, with its place and what was expected.
		fn build(&self) {
			for (i, node) in self.nodes.iter().enumerate() {
				let result = if T::Keys::validate(&node.keys.consensus) {
					Pallet::<T>::check_registration(&node.operator, node.keys, node.stake)
						.and_then(|registration| Pallet::<T>::put_registration(&node.operator, registration))
				} else {
					Err(Error::<T>::BadConsensusProof.into())
				};
				if let Err(error) = result {
					let error: &'static str = error.into();
					panic!(
						"stake.nodes[{i}] (operator 0x{}): {error}; expected: an operator with one node, keys that no other node \
						 has, a valid BLS12-381 key for consensus, a stake of at least {}, and a balance of that and the \
						 existential deposit",
						HexDisplay::from(AsRef::<[u8; 32]>::as_ref(&node.operator)),
						T::MinimumStake::get(),
					);
				}
			}
		}
	}

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A node registered, for the first time or again.
		Registered {
			/// Its operator.
			operator: AccountId,
			/// Its keys.
			keys: NodeKeys,
			/// Its whole stake.
			stake: Balance,
		},
		/// A node's stake was added to.
		Added {
			/// Its operator.
			operator: AccountId,
			/// What was added.
			amount: Balance,
			/// Its whole stake now.
			stake: Balance,
		},
		/// A node replaced keys.
		Rotated {
			/// Its operator.
			operator: AccountId,
			/// Its keys now.
			keys: NodeKeys,
		},
		/// A node can't be elected any more.
		Left {
			/// Its operator.
			operator: AccountId,
			/// From which block on its stake can be withdrawn, if no duty delays it.
			withdrawable_at: BlockNumber,
		},
		/// A node's stake was withdrawn, and its keys are forgotten.
		Withdrawn {
			/// Its operator.
			operator: AccountId,
			/// The stake.
			amount: Balance,
		},
		/// A node lost stake.
		Slashed {
			/// Its operator.
			operator: AccountId,
			/// What it lost.
			amount: Balance,
			/// What of that the reporter got.
			reward: Balance,
		},
		/// A node is to serve in no committee until it registers again.
		Excluded {
			/// Its operator.
			operator: AccountId,
		},
	}

	/// Why a call is refused.
	#[pallet::error]
	pub enum Error<T> {
		/// The account has no node.
		NotRegistered,
		/// The account has a node that is active.
		AlreadyRegistered,
		/// The node is leaving: its stake must be withdrawn before the account can register another one.
		Leaving,
		/// The node is excluded: it must register again first.
		Excluded,
		/// The node is not leaving.
		NotLeaving,
		/// The stake would be less than the least one.
		StakeTooSmall,
		/// The account can't hold this amount.
		InsufficientFunds,
		/// There is nothing to add.
		NothingToAdd,
		/// The identity key is, or was a short time ago, another one's, or one that this node has replaced.
		IdentityTaken,
		/// The sortition key is, or was a short time ago, another one's, or one that this node has replaced.
		SortitionTaken,
		/// The consensus key is, or was a short time ago, another one's, or one that this node has replaced.
		ConsensusTaken,
		/// The identity key didn't sign that all three keys are this account's on this network.
		BadIdentityProof,
		/// The sortition key didn't sign that all three keys are this account's on this network.
		BadSortitionProof,
		/// The consensus key is not valid, or didn't sign that all three keys are this account's on this network.
		BadConsensusProof,
		/// These are the keys that the node has.
		SameKeys,
		/// The node has replaced as many keys as it may within the unbonding time.
		TooManyRotations,
		/// The node can be slashed: the unbonding time is not over.
		Slashable,
		/// The node can be slashed: it is in a committee on record that may still sign.
		OnDuty,
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Registers the caller's node with these keys, and puts `amount` of the caller's balance on hold as its stake. An
		/// excluded node registers again this way: `amount` is added to what is left of its stake then, and its keys may be
		/// other ones.
		///
		/// # Errors
		/// Any [`Error`] about keys and proofs; [`Error::AlreadyRegistered`], [`Error::Leaving`], [`Error::StakeTooSmall`],
		/// [`Error::InsufficientFunds`], [`Error::TooManyRotations`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::register())]
		pub fn register(
			origin: OriginFor<T>,
			keys: NodeKeys,
			proof: NodeKeysProof,
			#[pallet::compact] amount: Balance,
		) -> DispatchResult {
			let operator = ensure_signed(origin)?;
			// What is cheap to find out comes first.
			let registration = Self::check_registration(&operator, keys, amount)?;
			Self::ensure_owned(&operator, &keys, &proof)?;
			let stake = registration.node.stake;
			Self::put_registration(&operator, registration)?;
			Self::deposit_event(Event::Registered {
				operator,
				keys,
				stake,
			});
			Ok(())
		}

		/// Adds to the stake of the caller's node. It takes part in no election that was announced before.
		///
		/// # Errors
		/// [`Error::NotRegistered`], [`Error::Leaving`], [`Error::Excluded`], [`Error::NothingToAdd`],
		/// [`Error::InsufficientFunds`].
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::add())]
		pub fn add(origin: OriginFor<T>, #[pallet::compact] amount: Balance) -> DispatchResult {
			let operator = ensure_signed(origin)?;
			let mut node = Self::active(&operator)?;
			ensure!(!amount.is_zero(), Error::<T>::NothingToAdd);
			Self::hold(&operator, amount)?;
			node.stake = node.stake.saturating_add(amount);
			node.since = Self::now();
			Total::<T>::mutate(|total| *total = total.saturating_add(amount));
			Nodes::<T>::insert(&operator, node);
			Self::deposit_event(Event::Added {
				operator,
				amount,
				stake: node.stake,
			});
			Ok(())
		}

		/// Replaces keys of the caller's node: one, two or all. It takes part in no election that was announced before, and
		/// serves with the old keys in committees that it was elected to with them.
		///
		/// # Errors
		/// Any [`Error`] about keys and proofs; [`Error::NotRegistered`], [`Error::Leaving`], [`Error::Excluded`],
		/// [`Error::SameKeys`], [`Error::TooManyRotations`].
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::rotate())]
		pub fn rotate(origin: OriginFor<T>, keys: NodeKeys, proof: NodeKeysProof) -> DispatchResult {
			let operator = ensure_signed(origin)?;
			let mut node = Self::active(&operator)?;
			ensure!(keys != node.keys, Error::<T>::SameKeys);
			let change = Self::check_keys(&operator, Some(&node.keys), &keys)?;
			Self::ensure_owned(&operator, &keys, &proof)?;
			Self::put_keys(&operator, change);
			node.keys = keys;
			node.since = Self::now();
			Nodes::<T>::insert(&operator, node);
			Self::deposit_event(Event::Rotated { operator, keys });
			Ok(())
		}

		/// Takes the caller's node out of all elections to come. It must serve in the committees that it is elected to, and
		/// can be slashed until the unbonding time is over.
		///
		/// # Errors
		/// [`Error::NotRegistered`], [`Error::Leaving`].
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::leave())]
		pub fn leave(origin: OriginFor<T>) -> DispatchResult {
			let operator = ensure_signed(origin)?;
			let mut node = Nodes::<T>::get(&operator).ok_or(Error::<T>::NotRegistered)?;
			ensure!(
				!matches!(node.status, Status::Leaving { .. }),
				Error::<T>::Leaving
			);
			let withdrawable_at = Self::now().saturating_add(T::Unbonding::get());
			Total::<T>::mutate(|total| *total = total.saturating_sub(node.weight()));
			node.status = Status::Leaving {
				withdrawable_at,
				excluded: node.is_excluded(),
			};
			Nodes::<T>::insert(&operator, node);
			Self::deposit_event(Event::Left {
				operator,
				withdrawable_at,
			});
			Ok(())
		}

		/// Releases the stake of the caller's node, which has left long enough ago, and forgets it and its keys.
		///
		/// # Errors
		/// [`Error::NotRegistered`], [`Error::NotLeaving`], [`Error::OnDuty`], [`Error::Slashable`].
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::withdraw())]
		pub fn withdraw(origin: OriginFor<T>) -> DispatchResult {
			let operator = ensure_signed(origin)?;
			let node = Nodes::<T>::get(&operator).ok_or(Error::<T>::NotRegistered)?;
			let Status::Leaving { withdrawable_at, .. } = node.status else {
				return Err(Error::<T>::NotLeaving.into());
			};
			ensure!(node.duties == 0, Error::<T>::OnDuty);
			let relieved = match node.relieved {
				0 => 0,
				relieved => relieved.saturating_add(T::Unbonding::get()),
			};
			ensure!(
				Self::now() >= withdrawable_at.max(relieved),
				Error::<T>::Slashable
			);
			T::Currency::release(&HoldReason::Stake.into(), &operator, node.stake, Precision::Exact)?;
			let retired = Retired::<T>::take(&operator);
			for key in NodeKey::all(&node.keys)
				.into_iter()
				.chain(retired.into_iter().map(|retired| retired.key))
			{
				KeyOwner::<T>::remove(key);
			}
			Nodes::<T>::remove(&operator);
			Self::deposit_event(Event::Withdrawn {
				operator,
				amount: node.stake,
			});
			Ok(())
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(
				T::Unbonding::get() > T::EvidenceLifetime::get(),
				"no stake is withdrawn as long as there may be evidence"
			);
			assert!(
				!T::MinimumStake::get().is_zero(),
				"a node without stake costs nothing"
			);
			assert!(T::MaxRetired::get() >= 3, "a node can replace all its keys");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}
}

/// A registration that was checked.
struct Registration<T: Config> {
	/// The node as it will be.
	node: Node,
	/// What is put on hold.
	amount: Balance,
	/// What becomes of keys.
	change: KeyChange<T>,
}

/// A change of a node's keys that was checked.
struct KeyChange<T: Config> {
	/// Retired long enough ago.
	forgotten: Vec<NodeKey>,
	/// New.
	taken: Vec<NodeKey>,
	/// All that are retired from now on.
	retired: BoundedVec<RetiredKey, T::MaxRetired>,
}

impl<T: Config> Pallet<T> {
	fn now() -> BlockNumber {
		frame_system::Pallet::<T>::block_number().saturated_into()
	}

	/// The operator's node, if it is active.
	fn active(operator: &AccountId) -> Result<Node, DispatchError> {
		let node = Nodes::<T>::get(operator).ok_or(Error::<T>::NotRegistered)?;
		match node.status {
			Status::Active => Ok(node),
			Status::Leaving { .. } => Err(Error::<T>::Leaving.into()),
			Status::Excluded => Err(Error::<T>::Excluded.into()),
		}
	}

	/// Puts stake on hold.
	fn hold(operator: &AccountId, amount: Balance) -> DispatchResult {
		T::Currency::hold(&HoldReason::Stake.into(), operator, amount)
			.map_err(|_| Error::<T>::InsufficientFunds.into())
	}

	/// Verifies that the keys are the operator's, on this network.
	fn ensure_owned(operator: &AccountId, keys: &NodeKeys, proof: &NodeKeysProof) -> DispatchResult {
		let genesis = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero());
		keys.verify_ownership::<T::Keys>(genesis, operator, proof)
			.map_err(|error| {
				match error {
					OwnershipError::Identity => Error::<T>::BadIdentityProof,
					OwnershipError::Sortition => Error::<T>::BadSortitionProof,
					OwnershipError::Consensus => Error::<T>::BadConsensusProof,
				}
				.into()
			})
	}

	/// What registering would change, if the keys are the operator's.
	fn check_registration(
		operator: &AccountId,
		keys: NodeKeys,
		amount: Balance,
	) -> Result<Registration<T>, DispatchError> {
		let known = Nodes::<T>::get(operator);
		let before = match &known {
			None => Node {
				keys,
				stake: 0,
				since: 0,
				status: Status::Excluded,
				duties: 0,
				relieved: 0,
			},
			Some(node) => match node.status {
				Status::Active => return Err(Error::<T>::AlreadyRegistered.into()),
				Status::Leaving { .. } => return Err(Error::<T>::Leaving.into()),
				Status::Excluded => *node,
			},
		};
		let node = Node {
			keys,
			stake: before.stake.saturating_add(amount),
			since: Self::now(),
			status: Status::Active,
			..before
		};
		ensure!(node.stake >= T::MinimumStake::get(), Error::<T>::StakeTooSmall);
		let change = Self::check_keys(operator, known.map(|node| node.keys).as_ref(), &keys)?;
		ensure!(
			amount.is_zero() || T::Currency::can_hold(&HoldReason::Stake.into(), operator, amount),
			Error::<T>::InsufficientFunds
		);
		Ok(Registration { node, amount, change })
	}

	/// Carries a checked registration out.
	fn put_registration(operator: &AccountId, registration: Registration<T>) -> DispatchResult {
		let Registration { node, amount, change } = registration;
		if !amount.is_zero() {
			Self::hold(operator, amount)?;
		}
		Self::put_keys(operator, change);
		Total::<T>::mutate(|total| *total = total.saturating_add(node.weight()));
		Nodes::<T>::insert(operator, node);
		Ok(())
	}

	/// What giving a node new keys in place of the old ones would change: those of the old ones that are not among the new
	/// ones are retired, the others must be free, and keys that were retired long enough ago are forgotten.
	fn check_keys(
		operator: &AccountId,
		old: Option<&NodeKeys>,
		new: &NodeKeys,
	) -> Result<KeyChange<T>, DispatchError> {
		let now = Self::now();
		let until = now.saturating_add(T::Unbonding::get());
		let mut retired = Retired::<T>::get(operator);
		let mut forgotten = Vec::new();
		retired.retain(|retired| {
			let keep = retired.until > now;
			if !keep {
				forgotten.push(retired.key);
			}
			keep
		});
		let old = old.map(NodeKey::all);
		let mut taken = Vec::new();
		for (i, key) in NodeKey::all(new).into_iter().enumerate() {
			let old = old.map(|old| old[i]);
			if old == Some(key) {
				continue;
			}
			ensure!(
				!KeyOwner::<T>::contains_key(key),
				match key {
					NodeKey::Identity(_) => Error::<T>::IdentityTaken,
					NodeKey::Sortition(_) => Error::<T>::SortitionTaken,
					NodeKey::Consensus(_) => Error::<T>::ConsensusTaken,
				}
			);
			taken.push(key);
			if let Some(key) = old {
				retired
					.try_push(RetiredKey { key, until })
					.map_err(|_| Error::<T>::TooManyRotations)?;
			}
		}
		Ok(KeyChange {
			forgotten,
			taken,
			retired,
		})
	}

	/// Carries a checked change of keys out.
	fn put_keys(operator: &AccountId, change: KeyChange<T>) {
		for key in change.forgotten {
			KeyOwner::<T>::remove(key);
		}
		for key in change.taken {
			KeyOwner::<T>::insert(key, operator);
		}
		if change.retired.is_empty() {
			Retired::<T>::remove(operator);
		} else {
			Retired::<T>::insert(operator, change.retired);
		}
	}

	/// Stakes are what is on hold for them, the total is that of active nodes, and keys are those of nodes.
	///
	/// # Errors
	/// What doesn't hold.
	#[cfg(any(feature = "std", feature = "try-runtime"))]
	pub fn do_try_state() -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
		let now = Self::now();
		let mut total: Balance = 0;
		let mut keys: usize = 0;
		for (operator, node) in Nodes::<T>::iter() {
			ensure!(
				T::Currency::balance_on_hold(&HoldReason::Stake.into(), &operator) == node.stake,
				"a stake is not what is on hold"
			);
			total = total.checked_add(node.weight()).ok_or("the weights overflow")?;
			ensure!(
				node.since <= now && node.relieved <= now,
				"a node has a block of the future"
			);
			let retired = Retired::<T>::get(&operator);
			ensure!(
				retired.windows(2).all(|pair| pair[0].until <= pair[1].until),
				"retired keys are not in the order of their retirement"
			);
			for key in NodeKey::all(&node.keys)
				.into_iter()
				.chain(retired.iter().map(|retired| retired.key))
			{
				// As many entries as keys, each found: no key is there twice.
				ensure!(
					KeyOwner::<T>::get(key).as_ref() == Some(&operator),
					"a key is not its owner's"
				);
				keys = keys.saturating_add(1);
			}
		}
		ensure!(
			Total::<T>::get() == total,
			"the total is not that of active nodes"
		);
		ensure!(
			KeyOwner::<T>::iter_keys().count() == keys,
			"there are keys of no node, or of two"
		);
		ensure!(
			Retired::<T>::iter_keys().all(Nodes::<T>::contains_key),
			"there are retired keys of no node"
		);
		Ok(())
	}
}

impl<T: Config> Stakers for Pallet<T> {
	fn node(operator: &AccountId) -> Option<Node> {
		Nodes::<T>::get(operator)
	}

	fn operator_of(id: &MemberId) -> Option<AccountId> {
		KeyOwner::<T>::get(NodeKey::Identity(*id))
	}

	fn operator_of_key(key: &BlsPublic) -> Option<AccountId> {
		KeyOwner::<T>::get(NodeKey::Consensus(*key))
	}

	fn total() -> Balance {
		Total::<T>::get()
	}

	fn slash(operator: &AccountId, fraction: Perbill, reporter: Option<&AccountId>) -> Balance {
		let Some(mut node) = Nodes::<T>::get(operator) else {
			return 0;
		};
		let before = node.weight();
		let (credit, _) =
			T::Currency::slash(&HoldReason::Stake.into(), operator, fraction.mul_ceil(node.stake));
		let amount = credit.peek();
		if amount.is_zero() {
			return 0;
		}
		node.stake = node.stake.saturating_sub(amount);
		let lost = before.saturating_sub(node.weight());
		Total::<T>::mutate(|total| *total = total.saturating_sub(lost));
		Nodes::<T>::insert(operator, node);

		let mut rest = credit;
		let mut reward = 0;
		if let Some(reporter) = reporter.filter(|reporter| *reporter != operator) {
			let share = rest.extract(T::ReporterShare::get().mul_floor(amount));
			reward = share.peek();
			// An account that would not live on it doesn't get it.
			if let Err(share) = T::Currency::resolve(reporter, share) {
				reward = 0;
				rest.subsume(share);
			}
		}
		T::OnSlash::on_unbalanced(rest);
		Self::deposit_event(Event::Slashed {
			operator: operator.clone(),
			amount,
			reward,
		});
		amount
	}

	fn exclude(operator: &AccountId) -> bool {
		let Some(mut node) = Nodes::<T>::get(operator) else {
			return false;
		};
		if node.is_excluded() {
			return false;
		}
		Total::<T>::mutate(|total| *total = total.saturating_sub(node.weight()));
		node.status = match node.status {
			Status::Leaving { withdrawable_at, .. } => Status::Leaving {
				withdrawable_at,
				excluded: true,
			},
			Status::Active | Status::Excluded => Status::Excluded,
		};
		Nodes::<T>::insert(operator, node);
		Self::deposit_event(Event::Excluded {
			operator: operator.clone(),
		});
		true
	}

	fn begin_duty(operator: &AccountId) {
		Nodes::<T>::mutate_extant(operator, |node| {
			node.duties = node.duties.saturating_add(1);
		});
	}

	fn end_duty(operator: &AccountId) {
		Nodes::<T>::mutate_extant(operator, |node| {
			node.duties = node.duties.saturating_sub(1);
			node.relieved = Self::now();
		});
	}
}
