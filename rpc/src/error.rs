//! Errors that callers see. Their messages say which parameter is meant and what to do.

use asterism_primitives::{committee::Epoch, BlockNumber, ChainId};
use jsonrpsee::types::{error::INVALID_PARAMS_CODE, ErrorObjectOwned};
use polkadot_sdk::{sp_api::ApiError, sp_blockchain};

/// The block is not in this node's database.
pub const UNKNOWN_BLOCK: i32 = 7001;
/// The root chain has no such chain.
pub const UNKNOWN_CHAIN: i32 = 7002;
/// The root chain has no committee on record for this epoch.
pub const UNKNOWN_EPOCH: i32 = 7003;
/// The state could not be read: pruned, or the runtime failed.
pub const UNREADABLE: i32 = 7004;
/// No chain of this process has sent, or taken in, such a message.
pub const UNKNOWN_MESSAGE: i32 = 7005;

/// A parameter is missing or malformed.
pub fn invalid(field: &str, expected: &str, got: &str) -> ErrorObjectOwned {
	ErrorObjectOwned::owned(
		INVALID_PARAMS_CODE,
		format!("{field}: expected {expected}, got {got}"),
		None::<()>,
	)
}

/// A parameter names a block that isn't here.
pub fn unknown_block(field: &str) -> ErrorObjectOwned {
	let message = format!("{field}: this node has no such block; it may still be syncing");
	ErrorObjectOwned::owned(UNKNOWN_BLOCK, message, None::<()>)
}

/// A parameter asks for a final block that isn't final yet.
pub fn not_final(field: &str, finalized: BlockNumber) -> ErrorObjectOwned {
	let message = format!("{field}: this block is not final here, the newest final block is {finalized}");
	ErrorObjectOwned::owned(UNKNOWN_BLOCK, message, None::<()>)
}

/// A parameter names a chain that isn't on record.
pub fn unknown_chain(field: &str, chain: ChainId) -> ErrorObjectOwned {
	let message = format!("{field}: the root chain has no chain {chain}; network_chains lists them");
	ErrorObjectOwned::owned(UNKNOWN_CHAIN, message, None::<()>)
}

/// A parameter names an epoch that isn't on record.
pub fn unknown_epoch(field: &str, chain: ChainId, epoch: Epoch) -> ErrorObjectOwned {
	let message = format!("{field}: the root chain has no committee of chain {chain} for epoch {epoch}");
	ErrorObjectOwned::owned(UNKNOWN_EPOCH, message, None::<()>)
}

/// A parameter names a message that isn't on record.
pub fn unknown_message(field: &str) -> ErrorObjectOwned {
	let message = format!("{field}: there is no such message in this node's final blocks");
	ErrorObjectOwned::owned(UNKNOWN_MESSAGE, message, None::<()>)
}

/// A parameter names a message of a block whose state isn't kept any more.
pub fn pruned(field: &str, chain: ChainId) -> ErrorObjectOwned {
	let message = format!(
		"{field}: the states of chain {chain} that tell of it are pruned here; a node with --state-pruning=archive has them"
	);
	ErrorObjectOwned::owned(UNREADABLE, message, None::<()>)
}

/// A chain could not be read.
pub fn unreadable(why: &str) -> ErrorObjectOwned {
	ErrorObjectOwned::owned(
		UNREADABLE,
		format!("the chain's state can't be read: {why}"),
		None::<()>,
	)
}

/// A runtime API failed.
pub fn api(error: ApiError) -> ErrorObjectOwned {
	unreadable(&error.to_string())
}

/// A client failed.
pub fn client(error: sp_blockchain::Error) -> ErrorObjectOwned {
	ErrorObjectOwned::owned(
		UNREADABLE,
		format!("the chain's database can't be read: {error}"),
		None::<()>,
	)
}
