use crate::{Address, Context, Map, Refusal};
use codec::Encode;

/// Value that an actor keeps for those that it couldn't pay, until they ask for it.
///
/// An actor that pays those it doesn't know, as an auctioneer returns bids, must not depend on their taking it: the
/// value may come back, even on purpose. It is kept here then, and whoever it is for says where it should go.
pub struct Unclaimed(Map<Address, u128>);

impl Unclaimed {
	/// Value that is stored in a map with this name.
	///
	/// # Panics
	/// As [`Map::new`].
	pub const fn new(name: &'static str) -> Self {
		Self(Map::new(name))
	}

	/// Keeps the value of a bounce for whom it had been sent to: to be called by [`Actor::bounced`](crate::Actor::bounced).
	///
	/// # Errors
	/// If what is kept for the address doesn't fit into 128 bits, which no currency's issuance exceeds.
	pub fn keep(&self, context: &mut Context) -> Result<(), Refusal> {
		if context.value() == 0 {
			return Ok(());
		}
		let owner = context.sender();
		let kept = self.0.get(context, &owner)?.unwrap_or_default();
		let kept = kept
			.checked_add(context.value())
			.ok_or("more is kept than there is")?;
		self.0.set(context, &owner, &kept)
	}

	/// Sends what is kept for the sender of the message that is handled to an address of its choice, with a message. If it
	/// comes back from there, it is kept for that address.
	///
	/// # Errors
	/// If nothing is kept, and as [`Context::send`].
	pub fn claim(
		&self,
		context: &mut Context,
		to: &Address,
		message: &impl Encode,
		gas: u64,
	) -> Result<(), Refusal> {
		let owner = context.sender();
		let kept = self
			.of(context, &owner)?
			.ok_or("nothing is kept for the sender")?;
		self.0.remove(context, &owner)?;
		context.send(to, message, kept, gas)
	}

	/// What is kept for an address, or none.
	///
	/// # Errors
	/// As [`Map::get`].
	pub fn of(&self, context: &Context, owner: &Address) -> Result<Option<u128>, Refusal> {
		self.0.get(context, owner)
	}

	/// The map that it is stored in, to be read from outside.
	pub const fn map(&self) -> &Map<Address, u128> {
		&self.0
	}
}
