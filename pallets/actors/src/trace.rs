//! The block's processing order, derived from what was executed and checked by the rules of Thinkey §5.3. Only in tests and under
//! `try-runtime`: elsewhere the events tell it, by the names of messages and of their parents.

use super::*;

/// Notes a processing.
// Where nothing is noted, nothing of the runtime is needed.
#[cfg_attr(
	not(any(test, feature = "try-runtime")),
	allow(clippy::extra_unused_type_parameters)
)]
pub(crate) fn record<T: Config>(account: &AccountId, received: MessageId, sent: Vec<SentNote>) {
	#[cfg(any(test, feature = "try-runtime"))]
	Trace::<T>::append(TraceStep {
		account: account.clone(),
		received,
		sent,
	});
	#[cfg(not(any(test, feature = "try-runtime")))]
	let _ = (account, received, sent);
}

/// Derives the order of the block, checks it, and forgets the notes.
#[cfg(any(test, feature = "try-runtime"))]
pub(crate) fn check<T: Config>() -> Result<(), &'static str> {
	use alloc::collections::BTreeSet;
	use asterism_order::order::{self, Destination, Facts, Input, Produced, Step};

	let steps = Trace::<T>::take();
	let mut facts = Facts::<AccountId, MessageId>::default();
	let produced: BTreeSet<MessageId> = steps
		.iter()
		.flat_map(|step| step.sent.iter().map(|(id, _)| *id))
		.collect();
	let waiting: BTreeSet<MessageId> = Mail::<T>::iter_values()
		.map(|waiting| waiting.payload.id)
		.collect();
	for step in steps {
		if !produced.contains(&step.received) {
			facts.inputs.push(Input {
				message: step.received,
				recipient: step.account.clone(),
			});
		}
		let sent = step.sent.into_iter().map(|(message, to)| Produced {
			message,
			to: to.map_or(Destination::Elsewhere, Destination::Here),
		});
		let sent = sent.collect();
		facts.record(
			step.account,
			Step {
				received: step.received,
				sent,
			},
		);
	}
	facts.left = produced.intersection(&waiting).copied().collect();
	let order = facts
		.order()
		.map_err(|_| "what was executed has no processing order")?;
	order::check(&order, &facts).map_err(|_| "the processing order can't have happened")?;
	Ok(())
}
