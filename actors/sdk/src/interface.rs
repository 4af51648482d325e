use crate::Actor;
use scale_info::{MetaType, TypeInfo};

#[cfg(feature = "std")]
use {
	asterism_interface::{Deadline, Fault, ServiceLevel, Valid},
	codec::Encode,
};

/// A message by its name, and the description of its type: `("collector", meta_type::<collector::Message>)`, with
/// [`scale_info::meta_type`].
pub type MessageType = (&'static str, fn() -> MetaType);

/// What an actor accepts and emits, declared for others, who build upon it without knowing its code (Constellation,
/// "Smart contracts as microservices").
///
/// The description of the types is no part of the module that a chain runs.
pub trait Interface: Actor<Accepts: TypeInfo + 'static> {
	/// The name of the messages that it accepts: at most 64 letters, digits and underscores, not beginning with a digit.
	const NAME: &'static str;
	/// The messages that it emits, at most 32, by such names, all different.
	const EMITS: &'static [MessageType];
	/// What it asks for each message, in the native currency's smallest unit.
	const PRICE: u128 = 0;
	/// Within how many blocks from a message's inclusion on it has emitted its answer, if it promises that.
	const DEADLINE: Option<u32> = None;
}

/// The interface of an actor.
///
/// # Errors
/// What makes it invalid.
#[cfg(feature = "std")]
pub fn interface<A: Interface>() -> Result<Valid<asterism_interface::Interface>, Fault> {
	let builder = asterism_interface::Interface::builder().accepts::<A::Accepts>(A::NAME);
	let builder = A::EMITS.iter().fold(builder, |builder, (name, ty)| {
		builder.emits_described(name, &ty())
	});
	let service = ServiceLevel {
		price: A::PRICE,
		deadline: A::DEADLINE.map(Deadline::Blocks),
	};
	match service == ServiceLevel::default() {
		true => builder,
		false => builder.service(service),
	}
	.build()
}

/// The encoded interface of an actor in hexadecimal, after `0x`, as it is given to the chain together with the actor.
///
/// # Errors
/// What makes it invalid.
#[cfg(feature = "std")]
pub fn interface_hex<A: Interface>() -> Result<String, Fault> {
	let bytes = interface::<A>()?.encode();
	let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
	Ok(["0x".into()].into_iter().chain(digits).collect())
}
