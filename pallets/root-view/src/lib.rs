//! # Root view pallet
//!
//! A transaction chain's view of the finalized root chain: the newest root block that this chain builds on, and what it
//! reads out of that block's state by proof (Thinkey §4.3).
//!
//! ## Overview
//!
//! - The chain's own id and parameters, from genesis.
//! - One inherent, [`Call::set`], brings in a root header and a state proof. Its proposer leaves it out when it knows
//!   nothing newer.
//! - Each root view proves which transaction chains there are. [`KnownChains`] keeps them until the next one.
//! - Each root view proves which of this chain's committees may take over. [`ReadyEpoch`] keeps it, for the end of the
//!   epoch.
//! - For the rest of that block, other pallets ask [`RootState`] for the anchors that it proved. Acknowledgements go to
//!   [`Config::OnAcknowledged`] at once.
//!
//! ## Flow
//!
//! ```text
//!  proposer's root client ──RootViewData──► Call::set ──► digest: root_ref ──► voters check that it is final
//!                                              │
//!                    ┌─────────────────────────┼───────────────────────┐
//!       View, KnownChains,         Anchors (this block)      OnAcknowledged (now)
//!       ReadyEpoch (stay)
//! ```
//!
//! ## Assumptions
//!
//! - The runtime can't know whether a root header is final. Every voter compares the digest item
//!   [`root_ref`](asterism_primitives::digest::root_ref) with its own root client before it votes.
//! - A header commits to the state root, so all that the proof yields is as true as the header.
//! - The view never goes back, so a value that a block has read is never older than one its ancestors read.
//! - Chains never leave the root chain's registry: a chain that is known here is known there at any later time. A
//!   committee that is ready stays so.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

use alloc::{collections::BTreeMap, vec::Vec};
use asterism_primitives::{
	committee::Epoch,
	digest::{self, RootRef, MAX_PEERS},
	inherents::{RootViewData, ROOT_VIEW},
	root_state::{anchor_key, chains_key, channel_key, ready_key, Anchor, ChainIds, ChannelRecord},
	BlockNumber, ChainId, ChainParameters, Hash, Hashing, Nonce,
};
use codec::{DecodeAll, Encode};
use pallet_epochs::NextCommittee;
use polkadot_sdk::{
	frame_support::{self, traits::Get},
	frame_system,
	sp_inherents::{InherentData, InherentIdentifier, IsFatalError},
	sp_trie::{read_trie_value, LayoutV1, MemoryDB, StorageProof},
};

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(any(test, feature = "std", feature = "runtime-benchmarks"))]
pub mod fixture;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
pub mod weights;

pub use pallet::*;
pub use weights::WeightInfo;

/// Anchors that one block may read.
pub const MAX_ANCHORS: u32 = 256;
/// Bytes that a state proof may have.
pub const MAX_PROOF_BYTES: u32 = 2 * 1024 * 1024;
/// Trie nodes that a state proof may have.
pub const MAX_PROOF_NODES: u32 = 16_384;

/// What a [`RootViewData`] proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
	/// The root block.
	pub root: RootRef,
	/// The transaction chains on record in its state.
	pub chains: ChainIds,
	/// The newest epoch of this chain whose committee may take over, if one was elected.
	pub ready: Option<Epoch>,
	/// The anchors in its state.
	pub anchors: BTreeMap<(ChainId, BlockNumber), Anchor>,
	/// What each destination expects next from this chain, as far as the root chain knows.
	pub acknowledged: BTreeMap<ChainId, Nonce>,
}

/// What other pallets ask of the root chain.
pub trait RootState {
	/// The id of this chain.
	fn chain_id() -> ChainId;
	/// Whether the newest root block that this chain has seen has that transaction chain on record. None is known before
	/// the first root view.
	fn is_known(chain: ChainId) -> bool;
	/// An anchor that this block's root view has proved.
	fn anchor(chain: ChainId, number: BlockNumber) -> Option<Anchor>;
	/// What [`Call::set`] is going to prove in the block that is proposed upon the current state with this inherent data;
	/// `None` if the block won't have that call.
	fn preview(data: &InherentData) -> Option<Verified>;
	/// Makes a chain known, as a root view would.
	#[cfg(feature = "runtime-benchmarks")]
	fn make_known(chain: ChainId);
	/// Makes an anchor known for the rest of the block, as a root view would.
	#[cfg(feature = "runtime-benchmarks")]
	fn set_anchor(chain: ChainId, number: BlockNumber, anchor: Anchor);
}

/// Takes note of acknowledgements.
pub trait OnAcknowledged {
	/// `destination` expects `nonce` next from this chain. It may be no news, but is never older than what was said
	/// before. Accounts for its own weight.
	fn acknowledged(destination: ChainId, nonce: Nonce);
}

impl OnAcknowledged for () {
	fn acknowledged(_: ChainId, _: Nonce) {}
}

/// Why a proposer's root view data can't be used: nothing that another node could find out is wrong with a block for
/// it, so it is never returned by a check.
#[derive(Encode, Debug)]
pub enum InherentError {}

impl IsFatalError for InherentError {
	fn is_fatal_error(&self) -> bool {
		match *self {}
	}
}

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::{pallet_prelude::*, DefaultNoBound};
	use frame_system::pallet_prelude::*;

	/// The pallet.
	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// What the pallet needs.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// Forgets the messages that are acknowledged.
		type OnAcknowledged: OnAcknowledged;
		/// Weights of the calls.
		type WeightInfo: WeightInfo;
	}

	/// The id of this chain.
	#[pallet::storage]
	pub type Chain<T> = StorageValue<_, ChainId, ValueQuery>;

	/// The parameters of this chain.
	#[pallet::storage]
	pub type Parameters<T> = StorageValue<_, ChainParameters, ValueQuery>;

	/// The newest root block that this chain has seen; none until the first.
	#[pallet::storage]
	pub type View<T> = StorageValue<_, RootRef, OptionQuery>;

	/// The transaction chains on record in the newest root block that this chain has seen; empty until the first.
	#[pallet::storage]
	pub type KnownChains<T> = StorageValue<_, ChainIds, ValueQuery>;

	/// The newest epoch of this chain whose committee may take over, as the newest root block that this chain has seen says;
	/// absent if it knows none.
	#[pallet::storage]
	pub type ReadyEpoch<T> = StorageValue<_, Epoch, OptionQuery>;

	/// The anchors that this block's root view has proved; absent if it has none. Gone at the end of the block.
	#[pallet::storage]
	pub type Anchors<T> =
		StorageValue<_, BoundedBTreeMap<(ChainId, BlockNumber), Anchor, ConstU32<MAX_ANCHORS>>, OptionQuery>;

	/// The chain's identity.
	#[pallet::genesis_config]
	#[derive(DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// The id of this chain, not the root chain's.
		pub chain_id: ChainId,
		/// The parameters of this chain, each in its range.
		pub parameters: ChainParameters,
		#[serde(skip)]
		#[allow(missing_docs)]
		pub _config: PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		/// # Panics
		/// If a field is out of its range, with the field's name and what was expected. Only a state of all defaults is
		/// left without an identity (a runtime's default genesis, which takes in no root view).
		fn build(&self) {
			if self.chain_id.is_root() && self.parameters == ChainParameters::default() {
				return;
			}
			assert!(
				!self.chain_id.is_root(),
				"rootView.chainId: expected the id of a transaction chain, 1 or more"
			);
			assert!(
				self.parameters.is_valid(),
				"rootView.parameters: expected blockInterval {} to {} milliseconds, epochLength 0 or from {}, committeeSize 1 \
				 to {}; got {:?}",
				ChainParameters::MIN_BLOCK_INTERVAL,
				ChainParameters::MAX_BLOCK_INTERVAL,
				ChainParameters::MIN_EPOCH_LENGTH,
				ChainParameters::MAX_COMMITTEE_SIZE,
				self.parameters,
			);
			Chain::<T>::put(self.chain_id);
			Parameters::<T>::put(self.parameters);
		}
	}

	/// Why root view data is refused. It is a mandatory inherent: a block with such a call is invalid.
	#[pallet::error]
	pub enum Error<T> {
		/// This block has its root view already.
		AlreadySet,
		/// The root block is older than the one that this chain has seen.
		WentBack,
		/// This chain has seen another root block of that height.
		OtherBlock,
		/// More anchors are asked for than a block may read.
		TooManyAnchors,
		/// More acknowledgements are asked for than there may be destinations in a block.
		TooManyAcknowledgements,
		/// The proof has too many bytes or nodes.
		ProofTooLarge,
		/// The proof doesn't lead from the header's state root to all that is asked for.
		BadProof,
		/// A value in the root chain's state is not of the expected form.
		BadValue,
		/// The root chain has no such anchor.
		NoAnchor,
		/// The root chain has no list of transaction chains.
		NoChains,
		/// This chain's genesis doesn't say which chain it is.
		NoIdentity,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_initialize(_: BlockNumberFor<T>) -> Weight {
			// What `on_finalize` takes.
			T::DbWeight::get().writes(1)
		}

		fn on_finalize(_: BlockNumberFor<T>) {
			Anchors::<T>::kill();
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Brings in a final root block, with the part of its state that this block needs. At most once a block.
		#[pallet::call_index(0)]
		#[pallet::weight((
			T::WeightInfo::set(
				// Two more than are asked for: the list of chains, and the epoch that is ready.
				data.anchors.len() as u32 + data.acknowledgements.len() as u32 + 2,
				proof_bytes(&data.proof),
			),
			DispatchClass::Mandatory,
		))]
		pub fn set(origin: OriginFor<T>, data: RootViewData) -> DispatchResult {
			ensure_none(origin)?;
			ensure!(!Anchors::<T>::exists(), Error::<T>::AlreadySet);
			let Verified {
				root,
				chains,
				ready,
				anchors,
				acknowledged,
			} = Self::verify(&data)?;
			View::<T>::put(root);
			if chains != KnownChains::<T>::get() {
				KnownChains::<T>::put(chains);
			}
			if ready != ReadyEpoch::<T>::get() {
				ReadyEpoch::<T>::set(ready);
			}
			Anchors::<T>::put(BoundedBTreeMap::try_from(anchors).map_err(|_| Error::<T>::TooManyAnchors)?);
			frame_system::Pallet::<T>::deposit_log(digest::root_ref_item(root));
			for (destination, nonce) in acknowledged {
				T::OnAcknowledged::acknowledged(destination, nonce);
			}
			Ok(())
		}
	}

	#[pallet::inherent]
	impl<T: Config> ProvideInherent for Pallet<T> {
		type Call = Call<T>;
		type Error = InherentError;
		const INHERENT_IDENTIFIER: InherentIdentifier = ROOT_VIEW;

		fn create_inherent(data: &InherentData) -> Option<Self::Call> {
			Self::usable(data).map(|(data, _)| Call::set { data })
		}

		fn is_inherent(call: &Self::Call) -> bool {
			matches!(call, Call::set { .. })
		}
	}
}

/// The bytes of a proof's nodes.
fn proof_bytes(proof: &[Vec<u8>]) -> u32 {
	proof.iter().fold(0, |sum: u32, node| {
		sum.saturating_add(u32::try_from(node.len()).unwrap_or(u32::MAX))
	})
}

impl<T: Config> Pallet<T> {
	/// The newest root block that this chain has seen.
	pub fn view() -> Option<RootRef> {
		View::<T>::get()
	}

	/// The parameters of this chain.
	pub fn parameters() -> ChainParameters {
		Parameters::<T>::get()
	}

	/// Checks all that this chain can of a root view, and reads what it asks for out of the proof.
	///
	/// # Errors
	/// All of [`Error`] but [`Error::AlreadySet`].
	pub fn verify(data: &RootViewData) -> Result<Verified, Error<T>> {
		frame_support::ensure!(!Chain::<T>::get().is_root(), Error::<T>::NoIdentity);
		let root = RootRef {
			number: data.header.number,
			hash: data.header.hash(),
		};
		if let Some(view) = View::<T>::get() {
			frame_support::ensure!(root.number >= view.number, Error::<T>::WentBack);
			frame_support::ensure!(
				root.number > view.number || root.hash == view.hash,
				Error::<T>::OtherBlock
			);
		}
		frame_support::ensure!(
			data.anchors.len() <= MAX_ANCHORS as usize,
			Error::<T>::TooManyAnchors
		);
		frame_support::ensure!(
			data.acknowledgements.len() <= MAX_PEERS as usize,
			Error::<T>::TooManyAcknowledgements
		);
		frame_support::ensure!(
			data.proof.len() <= MAX_PROOF_NODES as usize && proof_bytes(&data.proof) <= MAX_PROOF_BYTES,
			Error::<T>::ProofTooLarge
		);

		let db = StorageProof::new(data.proof.iter().cloned()).into_memory_db::<Hashing>();
		let state_root = data.header.state_root;
		let chains = read(&db, state_root, &chains_key())
			.map_err(Error::<T>::from)?
			.ok_or(Error::<T>::NoChains)?;
		let ready = read(&db, state_root, &ready_key(Chain::<T>::get())).map_err(Error::<T>::from)?;
		let mut anchors = BTreeMap::new();
		for (chain, number) in &data.anchors {
			let anchor = read(&db, state_root, &anchor_key(*chain, *number)).map_err(Error::<T>::from)?;
			anchors.insert((*chain, *number), anchor.ok_or(Error::<T>::NoAnchor)?);
		}
		let mut acknowledged = BTreeMap::new();
		for destination in &data.acknowledgements {
			let key = channel_key(Chain::<T>::get(), *destination);
			// Without a record nothing was sent yet, and so nothing is acknowledged.
			if let Some(record) = read::<ChannelRecord>(&db, state_root, &key).map_err(Error::<T>::from)? {
				acknowledged.insert(*destination, record.acknowledged);
			}
		}
		Ok(Verified {
			root,
			chains,
			ready,
			anchors,
			acknowledged,
		})
	}

	/// The root view in the inherent data, if a block on the current state can have it, and what it proves.
	fn usable(data: &InherentData) -> Option<(RootViewData, Verified)> {
		let data = data.get_data::<RootViewData>(&ROOT_VIEW).ok().flatten()?;
		match Self::verify(&data) {
			Ok(verified) => Some((data, verified)),
			Err(error) => {
				log::warn!(target: "runtime::root-view", "leaving out root block {}: {error:?}", data.header.number);
				None
			}
		}
	}

	#[cfg(any(test, feature = "try-runtime"))]
	#[allow(dead_code)]
	pub(crate) fn do_try_state() -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
		frame_support::ensure!(
			!Chain::<T>::get().is_root(),
			"a transaction chain is not the root chain"
		);
		frame_support::ensure!(Parameters::<T>::get().is_valid(), "parameters are in their range");
		frame_support::ensure!(!Anchors::<T>::exists(), "anchors don't outlive their block");
		frame_support::ensure!(
			!KnownChains::<T>::get().contains(&ChainId::ROOT),
			"the root chain is no transaction chain"
		);
		Ok(())
	}
}

/// Why a key can't be read.
enum ReadError {
	Proof,
	Value,
}

impl<T: Config> From<ReadError> for Error<T> {
	fn from(error: ReadError) -> Self {
		match error {
			ReadError::Proof => Error::BadProof,
			ReadError::Value => Error::BadValue,
		}
	}
}

/// Reads a value by its key out of the trie nodes; `Ok(None)` if they prove that there is none.
fn read<V: codec::Decode>(db: &MemoryDB<Hashing>, root: Hash, key: &[u8]) -> Result<Option<V>, ReadError> {
	read_trie_value::<LayoutV1<Hashing>, _>(db, &root, key, None, None)
		.map_err(|_| ReadError::Proof)?
		.map(|bytes| V::decode_all(&mut &bytes[..]).map_err(|_| ReadError::Value))
		.transpose()
}

impl<T: Config> NextCommittee for Pallet<T> {
	fn ready(next: Epoch) -> bool {
		ReadyEpoch::<T>::get().is_some_and(|ready| ready >= next)
	}
}

impl<T: Config> RootState for Pallet<T> {
	fn chain_id() -> ChainId {
		Chain::<T>::get()
	}

	fn is_known(chain: ChainId) -> bool {
		KnownChains::<T>::get().contains(&chain)
	}

	fn anchor(chain: ChainId, number: BlockNumber) -> Option<Anchor> {
		Anchors::<T>::get()?.get(&(chain, number)).copied()
	}

	fn preview(data: &InherentData) -> Option<Verified> {
		Self::usable(data).map(|(_, verified)| verified)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn make_known(chain: ChainId) {
		KnownChains::<T>::mutate(|chains| chains.try_insert(chain)).expect("there is room for the chain");
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn set_anchor(chain: ChainId, number: BlockNumber, anchor: Anchor) {
		let mut anchors = Anchors::<T>::get().unwrap_or_default();
		anchors
			.try_insert((chain, number), anchor)
			.expect("there is room for the anchor");
		Anchors::<T>::put(anchors);
	}
}
