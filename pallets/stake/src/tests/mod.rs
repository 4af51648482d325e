//! Nodes on a mock runtime: what is taken, what is refused, and that stakes are always what is on hold.

pub mod mock;
mod properties;
mod refusals;
mod rules;
