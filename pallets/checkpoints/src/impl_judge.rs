//! Judges traffic that was certified and can't be: evidence against those who certified it.

use super::{
	impl_check::{read_traffic, CheckedBlock, CheckedRun},
	*,
};
use asterism_protocol::sequence::{self, Link};
use pallet_misconduct::{Acquittal, FlowJudge};
use polkadot_sdk::frame_support::storage::{with_transaction, TransactionOutcome};

impl<T> Error<T> {
	/// Whether a run that extends its chain on record, and is refused for this, proves that who certified it did wrong. An
	/// honest committee's blocks are never refused for it, whatever other chains do and however old the root block that
	/// they know.
	fn convicts(&self) -> bool {
		matches!(
			self,
			Self::OutflowExceedsHoldings
				| Self::InflowExceedsFlight
				| Self::BadBatchSize
				| Self::BatchRepeated
				| Self::BatchGap
				| Self::AcknowledgedUnsent
				| Self::AcknowledgementReversed
		)
	}
}

impl<T: Config> FlowJudge for Pallet<T> {
	fn judge(chain: ChainId, headers: &[Header]) -> Result<(), Acquittal> {
		let mut blocks = Vec::with_capacity(headers.len());
		for header in headers {
			let well_formed = read_traffic::<T>(&header.digest).and_then(|traffic| {
				Self::check_form(chain, &traffic)?;
				Ok(traffic)
			});
			let Ok(traffic) = well_formed else {
				return Ok(());
			};
			if !traffic.is_consistent() {
				return Ok(());
			}
			blocks.push(CheckedBlock {
				number: header.number,
				anchor: Anchor {
					block_hash: header.hash(),
					state_root: header.state_root,
					outbox_root: traffic.outbox_root,
					unacknowledged: traffic.sent.len() as u32,
				},
				traffic,
				// What is said of epochs is none of this.
				note: None,
			});
		}

		let head = Heads::<T>::get(chain).ok_or(Acquittal::NotNext)?;
		let links = headers.iter().zip(&blocks).map(|(header, block)| Link {
			block: BlockRef {
				number: header.number,
				hash: block.anchor.block_hash,
			},
			parent: header.parent_hash,
		});
		let tip = sequence::extend(head, links).map_err(|_| Acquittal::NotNext)?;
		// A chain that is not on record has no channels and no holdings that something could contradict.
		if !blocks.iter().all(|block| Self::peers_are_known(&block.traffic)) {
			return Err(Acquittal::Consistent);
		}
		let run = CheckedRun { tip, blocks };
		let tried = with_transaction(|| {
			// The outer result says whether storage layers are at their limit, which a transaction's start never is.
			TransactionOutcome::Rollback(Ok::<_, DispatchError>(Self::apply(chain, run)))
		});
		match tried {
			Ok(Err(error)) if error.convicts() => Ok(()),
			_ => Err(Acquittal::Consistent),
		}
	}

	fn weight(headers: &[Header]) -> Weight {
		T::WeightInfo::submit(headers.len() as u32, Self::traffic_entries(headers))
	}
}
