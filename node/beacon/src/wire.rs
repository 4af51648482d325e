//! What members of root committees say to each other, and the channel that carries it.

use asterism_primitives::{
	beacon::Attempt,
	committee::{quorum, BlsSignature, MemberId, MAX_MEMBERS},
	BlockNumber,
};
use codec::{Decode, DecodeAll, Encode};
use polkadot_sdk::sp_core::{bounded::BoundedVec, ConstU32};

/// Partial signatures that one message may hold.
pub const MAX_PARTIALS: u32 = 16;
/// Bytes that the commitment to a dealer's polynomial may have.
const MAX_COMMITMENT: u32 = 8 + 96 * quorum(MAX_MEMBERS);
/// Bytes that a message may have.
pub const MAX_MESSAGE: usize = MAX_COMMITMENT as usize + 128;

/// The channel among the members of the current root committee and of the next one, once that is known.
///
/// What [`Self::send`] sends reaches exactly the named members, encrypted, and [`Self::receive`] names the member that sent it,
/// authenticated: dealings are secret, and a member answers for its messages. Messages may be lost, repeated or
/// reordered; they are sent again until they are answered. Nobody but these members gets a message through.
#[async_trait::async_trait]
pub trait Channel: Send {
	/// Sends to each of these members that is connected. Never blocks; drops what a member's queue doesn't hold.
	fn send(&self, to: &[MemberId], message: Vec<u8>);
	/// The next message and who sent it; `None` when the channel is closed for good. No message is lost when the future is dropped
	/// before it is ready.
	async fn receive(&mut self) -> Option<(MemberId, Vec<u8>)>;
}

/// A member's partial signature over a round.
pub type Partial = (BlockNumber, BlsSignature);

/// What a member says to others.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub enum Message {
	/// Its partial signatures over final rounds.
	Partials(BoundedVec<Partial, ConstU32<MAX_PARTIALS>>),
	/// To one player: the sender's dealing of its share.
	Dealing {
		/// The attempt.
		attempt: Attempt,
		/// The commitment to the sender's polynomial, the same to every player.
		commitment: BoundedVec<u8, ConstU32<MAX_COMMITMENT>>,
		/// The polynomial at the player's place: a secret between the two.
		share: [u8; 32],
	},
	/// To one dealer: the sender has stored its dealing.
	Ack {
		/// The attempt.
		attempt: Attempt,
		/// The signature of the sender's identity key over dealer and commitment.
		signature: [u8; 64],
	},
}

impl Message {
	/// Decodes a message; `None` if it is none.
	pub fn read(bytes: &[u8]) -> Option<Message> {
		if bytes.len() > MAX_MESSAGE {
			return None;
		}
		Message::decode_all(&mut &bytes[..]).ok()
	}
}

impl std::fmt::Debug for Message {
	/// Shares stay out of logs.
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		match self {
			Message::Partials(partials) => {
				let rounds: Vec<_> = partials.iter().map(|(round, _)| round).collect();
				write!(f, "Partials({rounds:?})")
			}
			Message::Dealing { attempt, .. } => write!(f, "Dealing(attempt {attempt})"),
			Message::Ack { attempt, .. } => write!(f, "Ack(attempt {attempt})"),
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	#[test]
	fn messages_are_bounded() {
		let partial = (7, BlsSignature([1; 48]));
		let many = Message::Partials(BoundedVec::truncate_from(vec![partial; 16]));
		assert_eq!(Message::read(&many.encode()), Some(many));
		let too_many = (0u8, vec![partial; 17]).encode();
		assert_eq!(Message::read(&too_many), None);
		let largest = Message::Dealing {
			attempt: 1,
			commitment: BoundedVec::truncate_from(vec![0; MAX_COMMITMENT as usize]),
			share: [9; 32],
		};
		assert!(largest.encode().len() <= MAX_MESSAGE);
		assert!(!format!("{largest:?}").contains('9'), "a share is told");
		let trailing = [largest.encode(), vec![0]].concat();
		assert_eq!(Message::read(&trailing), None);
	}

	proptest! {
		#[test]
		fn any_bytes_are_a_message_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
			if let Some(message) = Message::read(&bytes) {
				prop_assert_eq!(message.encode(), bytes);
			}
		}
	}
}
