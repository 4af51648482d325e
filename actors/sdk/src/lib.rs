//! For people who write actors: accounts whose code handles messages (Thinkey §5.1 and §5.2).
//!
//! # Overview
//!
//! | item | what it is |
//! |---|---|
//! | [`Actor`] | the code of an actor: what it does upon a message |
//! | [`actor!`] | makes it a WebAssembly module that a chain can run |
//! | [`Context`] | the message's sender and value, and the three things that an actor can do: send, create, become; and ending it |
//! | [`Item`], [`Map`] | what an actor remembers from message to message |
//! | [`Unclaimed`] | value that came back from those that it was for |
//! | [`Refusal`] | why an actor won't |
//! | [`Interface`] | which messages an actor accepts and emits, for others to build upon |
//! | `testing` | a world of chains in memory, for tests; with the feature `std` |
//!
//! ```
//! use asterism_actor::{actor, testing::World, Actor, Context, Item, Refusal};
//! use codec::{Decode, Encode};
//!
//! #[derive(Encode, Decode)]
//! enum Message {
//!     Add(u64),
//! }
//!
//! const COUNT: Item<u64> = Item::new("count");
//!
//! struct Counter;
//! actor!(Counter);
//!
//! impl Actor for Counter {
//!     type Accepts = Message;
//!
//!     fn handle(context: &mut Context, message: Message) -> Result<(), Refusal> {
//!         let Message::Add(by) = message;
//!         let count = COUNT.get(context)?.unwrap_or_default();
//!         COUNT.set(context, &count.checked_add(by).ok_or("the count is full")?)
//!     }
//! }
//!
//! let mut world = World::new(2);
//! let (alice, bob) = (world.user(1, "alice", 0), world.user(2, "bob", 0));
//! let counter = world.create::<Counter>(&alice, &Message::Add(1), 0);
//! world.send(&bob, &counter, &Message::Add(2), 0);
//! world.run();
//! assert_eq!(world.item(&counter, &COUNT), Some(3));
//! ```
//!
//! # How a message is handled
//!
//! ```text
//!  a message arrives ──► its value is added to the balance
//!    │
//!    ├─ a bounce ─────────► Actor::bounced ─┐           ┌─ Ok ──► all effects take place
//!    ├─ without a body ───► Actor::paid ────┼──────────►│
//!    └─ with a body ──────► Actor::handle ──┘           └─ Err ─► no effect; the value goes back, with the reason
//! ```
//!
//! The code starts anew with each message: nothing but storage is remembered. A body that doesn't decode is refused
//! before the actor sees it.
//!
//! # What to keep in mind
//!
//! - Messages are asynchronous. Those from one chain to another arrive in the order in which they were sent; of messages
//!   from different chains any may come first, and between a message and its answer, others do.
//! - Anybody can send any message: check [`Context::sender`]. The chain vouches for it.
//! - A message may fail at its recipient for want of gas, and its bounce may fail here: don't rely on
//!   [`Actor::bounced`] for more than convenience. Its value is in the balance in any case.
//! - All that comes from outside can be the worst: use checked arithmetic, and refuse with a reason. A panic fails the
//!   message as well, but tells the sender nothing.
//! - Storage has a price that the chain holds back from the actor's balance, so an actor needs some balance of its own.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod context;
mod interface;
mod refusal;
mod storage;
mod unclaimed;

#[cfg(all(feature = "std", not(target_arch = "wasm32")))]
pub mod testing;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod wasm;

/// What can be asked of the chain: by host functions, of a world in memory, or of nobody.
mod host {
	#[cfg(all(feature = "std", not(target_arch = "wasm32")))]
	pub(crate) use crate::testing::Host;
	#[cfg(target_arch = "wasm32")]
	pub(crate) use crate::wasm::Host;

	#[cfg(not(any(feature = "std", target_arch = "wasm32")))]
	mod nowhere;
	#[cfg(not(any(feature = "std", target_arch = "wasm32")))]
	pub(crate) use nowhere::Host;
}

pub use asterism_actor_abi as abi;
#[cfg(feature = "std")]
pub use asterism_interface;
pub use context::Context;
#[cfg(feature = "std")]
pub use interface::{interface, interface_hex};
pub use interface::{Interface, MessageType};
pub use refusal::Refusal;
pub use storage::{Item, Map, MAX_NAME};
pub use unclaimed::Unclaimed;

pub use abi::{Account, Address, CodeHash, Info, Kind, Reason};

use codec::Decode;

/// The code of an actor (Thinkey §5.1). It has no fields: what it remembers is in storage.
pub trait Actor {
	/// The messages that it handles, usually an enum. At most [`abi::MAX_BODY`] bytes arrive.
	type Accepts: Decode;

	/// Handles a message, signed by a user or sent by another actor.
	///
	/// # Errors
	/// Why not. Then nothing that was done here takes effect, and the value goes back.
	fn handle(context: &mut Context, message: Self::Accepts) -> Result<(), Refusal>;

	/// Takes value that comes with no body, as by the transfer that every account can do (`add`, Thinkey §5.4).
	///
	/// # Errors
	/// Why not: the value goes back. An actor that doesn't define this takes none.
	fn paid(_context: &mut Context) -> Result<(), Refusal> {
		Err("no message".into())
	}

	/// Learns that a message, which had this body, came back from [`Context::sender`]; [`Context::kind`] has the reason.
	/// Its value is in the balance again. An actor that doesn't define this takes no notice.
	///
	/// # Errors
	/// Then nothing that was done here takes effect; the value stays, since a bounce doesn't bounce.
	fn bounced(_context: &mut Context, _body: &[u8]) -> Result<(), Refusal> {
		Ok(())
	}
}

/// Lets an actor handle a message with this body.
#[cfg(any(feature = "std", target_arch = "wasm32"))]
pub(crate) fn dispatch<A: Actor>(context: &mut Context, mut body: &[u8]) -> Result<(), Refusal> {
	if matches!(context.kind(), Kind::Bounce { .. }) {
		A::bounced(context, body)
	} else if body.is_empty() {
		A::paid(context)
	} else {
		let message = codec::DecodeAll::decode_all(&mut body).map_err(|_| "not a message for this actor")?;
		A::handle(context, message)
	}
}

/// Makes an [`Actor`] a module that a chain can run: the function that handles messages, an allocator, and a panic
/// handler which ends the message.
///
/// It does so for WebAssembly only; for other targets, it does nothing. A module has one actor: crates of several actors
/// that build upon each other have their messages in a crate of its own.
#[macro_export]
macro_rules! actor {
	($actor:ty) => {
		#[cfg(target_arch = "wasm32")]
		const _: () = {
			#[unsafe(no_mangle)]
			extern "C" fn handle() {
				$crate::wasm::handle::<$actor>()
			}

			#[global_allocator]
			static ALLOCATOR: $crate::wasm::Bump = $crate::wasm::Bump::new();

			#[panic_handler]
			fn panic(_: &::core::panic::PanicInfo<'_>) -> ! {
				::core::arch::wasm32::unreachable()
			}
		};
	};
}

/// Refuses the message, with a reason, unless a condition holds.
///
/// ```
/// # use asterism_actor::{ensure, Refusal};
/// fn withdraw(balance: u128, bill: u128) -> Result<u128, Refusal> {
///     ensure!(bill <= balance, "the balance is too small");
///     Ok(balance - bill)
/// }
/// # assert_eq!(withdraw(1, 2), Err("the balance is too small".into()));
/// ```
#[macro_export]
macro_rules! ensure {
	($condition:expr, $reason:expr $(,)?) => {
		if !$condition {
			return ::core::result::Result::Err($crate::Refusal::from($reason));
		}
	};
}
