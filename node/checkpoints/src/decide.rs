//! What to submit next: a function of values.

use asterism_primitives::{digest::RootRef, BlockNumber, Hash};

/// How many headers one submission may carry.
pub const MAX_HEADERS: u32 = 64;

/// What a node sees of its chain and of the root chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
	/// Whether the root client is still far behind its network: what it says of the head is old then.
	pub root_syncing: bool,
	/// The chain's newest checkpointed block; `None` if the root chain has no such chain.
	pub head: Option<RootRef>,
	/// The hash that the local chain has at the head's height, if it reaches that far.
	pub local_at_head: Option<Hash>,
	/// The local chain's final height.
	pub finalized: BlockNumber,
	/// Whether the local blocks after the head have a finalization certificate: entry `i` stands for height
	/// `head + 1 + i`. Entries beyond `finalized` or [`MAX_HEADERS`] are ignored.
	pub certified: Vec<bool>,
}

/// Why there is nothing to submit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
	/// The root client is still syncing.
	RootSyncing,
	/// The root chain does not know this chain (yet).
	UnknownChain,
	/// The local chain is behind the head; somebody else submits.
	Behind,
	/// The root chain has all final blocks.
	NothingNew,
	/// There are new final blocks, but not yet a certificate for one of them.
	NoCertificate,
	/// As many final blocks as a submission may carry follow the head, and none of them has a certificate here.
	/// Only a node that has one can help.
	MissingCertificate,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
	/// Nothing.
	Wait(Waiting),
	/// Submit the headers `first ..= last` with the certificate of `last`.
	Submit {
		/// The first height.
		first: BlockNumber,
		/// The last height, which is certified.
		last: BlockNumber,
	},
	/// The head is not a block of the local final chain: one of the two is on a fork.
	Conflict {
		/// The root chain's head.
		head: RootRef,
		/// The final local block of that height.
		local: Hash,
	},
}

/// Decides what to submit.
pub fn decide(seen: &Observation) -> Decision {
	if seen.root_syncing {
		return Decision::Wait(Waiting::RootSyncing);
	}
	let Some(head) = seen.head else {
		return Decision::Wait(Waiting::UnknownChain);
	};
	if seen.finalized < head.number {
		// Blocks that aren't final may still change: that they differ from the head says nothing.
		return Decision::Wait(Waiting::Behind);
	}
	match seen.local_at_head {
		None => return Decision::Wait(Waiting::Behind),
		Some(local) if local != head.hash => return Decision::Conflict { head, local },
		Some(_) => {}
	}
	let new = seen.finalized - head.number;
	if new == 0 {
		return Decision::Wait(Waiting::NothingNew);
	}
	let limit = new.min(MAX_HEADERS) as usize;
	match seen
		.certified
		.iter()
		.take(limit)
		.rposition(|certified| *certified)
	{
		Some(at) => Decision::Submit {
			first: head.number + 1,
			last: head.number + 1 + at as u32,
		},
		None if new >= MAX_HEADERS => Decision::Wait(Waiting::MissingCertificate),
		None => Decision::Wait(Waiting::NoCertificate),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	const HASH: Hash = Hash::repeat_byte(7);

	fn seen(head: BlockNumber, finalized: BlockNumber, certified: &[bool]) -> Observation {
		Observation {
			root_syncing: false,
			head: Some(RootRef {
				number: head,
				hash: HASH,
			}),
			local_at_head: Some(HASH),
			finalized,
			certified: certified.to_vec(),
		}
	}

	#[test]
	fn the_newest_certified_block_is_the_last() {
		assert_eq!(
			decide(&seen(5, 8, &[true, true, false])),
			Decision::Submit { first: 6, last: 7 }
		);
		assert_eq!(
			decide(&seen(5, 8, &[true, true, true])),
			Decision::Submit { first: 6, last: 8 }
		);
		assert_eq!(
			decide(&seen(0, 1, &[true])),
			Decision::Submit { first: 1, last: 1 }
		);
	}

	#[test]
	fn a_long_backlog_goes_in_parts() {
		assert_eq!(
			decide(&seen(0, 1_000, &[true; 1_000])),
			Decision::Submit {
				first: 1,
				last: MAX_HEADERS
			}
		);
		let mut certified = [false; 200];
		certified[MAX_HEADERS as usize] = true;
		assert_eq!(
			decide(&seen(0, 200, &certified)),
			Decision::Wait(Waiting::MissingCertificate)
		);
		certified[10] = true;
		assert_eq!(
			decide(&seen(0, 200, &certified)),
			Decision::Submit { first: 1, last: 11 }
		);
	}

	#[test]
	fn it_waits_for_what_is_missing() {
		assert_eq!(decide(&seen(5, 5, &[])), Decision::Wait(Waiting::NothingNew));
		assert_eq!(decide(&seen(5, 4, &[true])), Decision::Wait(Waiting::Behind));
		assert_eq!(
			decide(&seen(5, 7, &[false, false])),
			Decision::Wait(Waiting::NoCertificate)
		);
		let syncing = Observation {
			root_syncing: true,
			..seen(5, 8, &[true; 3])
		};
		assert_eq!(decide(&syncing), Decision::Wait(Waiting::RootSyncing));
		let unknown = Observation {
			head: None,
			..seen(5, 8, &[true; 3])
		};
		assert_eq!(decide(&unknown), Decision::Wait(Waiting::UnknownChain));
	}

	#[test]
	fn only_a_final_block_contradicts_the_head() {
		let other = Hash::repeat_byte(8);
		let forked = Observation {
			local_at_head: Some(other),
			..seen(5, 8, &[true; 3])
		};
		let head = RootRef {
			number: 5,
			hash: HASH,
		};
		assert_eq!(decide(&forked), Decision::Conflict { head, local: other });
		let not_final = Observation {
			finalized: 4,
			..forked
		};
		assert_eq!(decide(&not_final), Decision::Wait(Waiting::Behind));
	}

	#[test]
	fn heights_do_not_overflow() {
		let top = u32::MAX;
		assert_eq!(
			decide(&seen(top, top, &[true])),
			Decision::Wait(Waiting::NothingNew)
		);
		assert_eq!(
			decide(&seen(top - 1, top, &[true])),
			Decision::Submit {
				first: top,
				last: top
			}
		);
	}

	proptest! {
		#[test]
		fn a_submission_is_contiguous_final_certified_and_bounded(
			head in any::<u32>(),
			finalized in any::<u32>(),
			near in 0u32..200,
			certified in proptest::collection::vec(any::<bool>(), 0..200),
			close in any::<bool>(),
		) {
			let finalized = if close { head.saturating_add(near) } else { finalized };
			if let Decision::Submit { first, last } = decide(&seen(head, finalized, &certified)) {
				prop_assert_eq!(first, head + 1);
				prop_assert!(first <= last && last <= finalized);
				prop_assert!(last - head <= MAX_HEADERS);
				prop_assert!(certified[(last - first) as usize]);
				// No later block could have been last.
				let later = certified.iter().skip((last - first) as usize + 1);
				let room = (finalized - last).min(MAX_HEADERS - (last - head)) as usize;
				prop_assert!(later.take(room).all(|c| !c));
			}
		}

		/// Step by step, every block reaches the root chain exactly once and in order.
		#[test]
		fn repeated_submissions_cover_the_chain(
			mut certified in proptest::collection::vec(any::<bool>(), 1..400),
		) {
			// At least one in MAX_HEADERS blocks is certified, the last one too.
			for i in (0..certified.len()).step_by(MAX_HEADERS as usize / 2) {
				certified[i] = true;
			}
			*certified.last_mut().unwrap() = true;
			let finalized = certified.len() as u32;
			let mut head = 0;
			while head < finalized {
				match decide(&seen(head, finalized, &certified[head as usize..])) {
					Decision::Submit { first, last } => {
						prop_assert_eq!(first, head + 1);
						head = last;
					},
					other => prop_assert!(false, "{:?}", other),
				}
			}
		}
	}
}
