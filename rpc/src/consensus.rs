//! `consensus_*`: how this node's chain agrees.

use crate::{
	error,
	params::{self, Param},
	BlockInfo,
};
use asterism_primitives::{
	api::RootApi,
	certificate::{Certificate, CertificateKind, Round, View, ENGINE_ID},
	committee::{BlsSignature, Epoch, Member},
	digest, ChainId, Hash, OpaqueBlock,
};
use codec::{DecodeAll, Encode, MaxEncodedLen};
use jsonrpsee::{core::RpcResult, proc_macros::rpc};
use polkadot_sdk::{
	sc_client_api::BlockBackend, sp_api::ProvideRuntimeApi, sp_blockchain::HeaderBackend, sp_core::Bytes,
};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;

/// Pieces of evidence that one answer holds.
pub const MAX_EVIDENCE: usize = 256;

/// Evidence of misconduct that a node has kept: conflicting votes and certificates, and certified blocks that it refuses.
pub trait EvidenceSource: Send + Sync {
	/// The encoded pieces, oldest first.
	fn evidence(&self) -> Vec<Vec<u8>>;
}

/// A node that keeps none, because it runs no consensus.
impl EvidenceSource for () {
	fn evidence(&self) -> Vec<Vec<u8>> {
		Vec::new()
	}
}

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateInfo {
	/// What was agreed.
	pub kind: CertificateKind,
	/// In which round.
	pub round: Round,
	/// The view of the parent block.
	pub parent_view: View,
	/// The block.
	pub block_hash: Hash,
	/// The signers' indices in the committee, in ascending order.
	pub signers: Vec<u32>,
	/// Their aggregated signature.
	pub signature: BlsSignature,
	/// The certificate's SCALE encoding, as `checkpoints.submit` takes it.
	pub encoded: Bytes,
}

impl From<Certificate> for CertificateInfo {
	fn from(certificate: Certificate) -> Self {
		CertificateInfo {
			kind: certificate.kind,
			round: certificate.round,
			parent_view: certificate.parent_view,
			block_hash: certificate.block_hash,
			signers: certificate.signer_indices().collect(),
			signature: certificate.signature,
			encoded: certificate.encode().into(),
		}
	}
}

/// A committee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CommitteeInfo {
	/// The chain that it runs.
	pub chain: ChainId,
	/// In which epoch.
	pub epoch: Epoch,
	/// How many votes make a certificate.
	pub quorum: u32,
	/// How many faulty members it tolerates.
	pub faults: u32,
	/// Its members, in the order of the signers' indices.
	pub members: Vec<Member>,
}

/// A block and the round that it was proposed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockRound {
	/// The block.
	#[serde(flatten)]
	pub block: BlockInfo,
	/// The round; `null` for genesis.
	pub round: Option<Round>,
}

/// How far consensus is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoundInfo {
	/// The newest block.
	pub best: BlockRound,
	/// The newest final block.
	pub finalized: BlockRound,
}

/// The methods.
#[rpc(server, namespace = "consensus")]
pub trait ConsensusRpc {
	/// The certificate of a block, by hash or number; `null` if this node has none for it. Final blocks without one
	/// are certified by that of a descendant.
	#[method(name = "certificate", blocking)]
	fn certificate(&self, block: Option<Value>) -> RpcResult<Option<CertificateInfo>>;

	/// The committee of an epoch, by default of the current one.
	#[method(name = "committee", blocking)]
	fn committee(&self, epoch: Option<Value>) -> RpcResult<CommitteeInfo>;

	/// The chain's current epoch.
	#[method(name = "epoch", blocking)]
	fn epoch(&self) -> RpcResult<Epoch>;

	/// Evidence of misconduct that this node has seen, SCALE encoded, the newest [`MAX_EVIDENCE`] pieces: votes first, then
	/// certificates, then blocks. A piece's first byte says what it is: 0, 1 or 2 for votes of a member to notarize two blocks, to
	/// finalize two blocks, or to skip a view and finalize a block in it; 3 for two certificates of one view, which follow; 4 for a
	/// block that a committee made final and that does not execute to what its header says: the header and the certificate follow.
	#[method(name = "evidence", blocking)]
	fn evidence(&self) -> RpcResult<Vec<Bytes>>;

	/// The rounds of the newest and the newest final block.
	#[method(name = "round", blocking)]
	fn round(&self) -> RpcResult<RoundInfo>;
}

/// Serves `consensus_*` for a chain.
pub struct Consensus<C, R> {
	chain: ChainId,
	client: Arc<C>,
	root_client: Arc<R>,
	evidence: Arc<dyn EvidenceSource>,
}

impl<C, R> Consensus<C, R> {
	/// For a chain and its client, and the root client, which knows its committee. Both are the same on a root node.
	pub fn new(
		chain: ChainId,
		client: Arc<C>,
		root_client: Arc<R>,
		evidence: Arc<dyn EvidenceSource>,
	) -> Self {
		Consensus {
			chain,
			client,
			root_client,
			evidence,
		}
	}
}

impl<C, R> Consensus<C, R>
where
	C: HeaderBackend<OpaqueBlock>,
	R: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock>,
	R::Api: RootApi<OpaqueBlock>,
{
	fn current_epoch(&self, at: Hash) -> RpcResult<Epoch> {
		let epoch = self
			.root_client
			.runtime_api()
			.epoch(at, self.chain)
			.map_err(error::api)?;
		epoch.ok_or_else(|| error::unknown_chain("chain", self.chain))
	}

	fn block_round(&self, hash: Hash) -> RpcResult<BlockRound> {
		let header = self.client.expect_header(hash).map_err(error::client)?;
		Ok(BlockRound {
			block: BlockInfo {
				number: header.number,
				hash,
			},
			round: digest::round(&header.digest),
		})
	}
}

impl<C, R> ConsensusRpcServer for Consensus<C, R>
where
	C: HeaderBackend<OpaqueBlock> + BlockBackend<OpaqueBlock> + Send + Sync + 'static,
	R: ProvideRuntimeApi<OpaqueBlock> + HeaderBackend<OpaqueBlock> + Send + Sync + 'static,
	R::Api: RootApi<OpaqueBlock>,
{
	fn certificate(&self, block: Param) -> RpcResult<Option<CertificateInfo>> {
		let hash = params::block("block", block)?.hash("block", &*self.client)?;
		let justifications = self.client.justifications(hash).map_err(error::client)?;
		let certificate = justifications
			.as_ref()
			.and_then(|justifications| justifications.get(ENGINE_ID))
			.filter(|encoded| encoded.len() <= Certificate::max_encoded_len())
			.and_then(|encoded| Certificate::decode_all(&mut &encoded[..]).ok());
		Ok(certificate.map(CertificateInfo::from))
	}

	fn committee(&self, epoch: Param) -> RpcResult<CommitteeInfo> {
		let at = self.root_client.info().finalized_hash;
		let epoch = match epoch {
			Some(epoch) => params::u64("epoch", Some(epoch))?,
			None => self.current_epoch(at)?,
		};
		let committee = self
			.root_client
			.runtime_api()
			.committee(at, self.chain, epoch)
			.map_err(error::api)?
			.ok_or_else(|| error::unknown_epoch("epoch", self.chain, epoch))?;
		Ok(CommitteeInfo {
			chain: self.chain,
			epoch: committee.epoch(),
			quorum: committee.quorum(),
			faults: committee.faults(),
			members: committee.members().to_vec(),
		})
	}

	fn epoch(&self) -> RpcResult<Epoch> {
		self.current_epoch(self.root_client.info().finalized_hash)
	}

	fn evidence(&self) -> RpcResult<Vec<Bytes>> {
		let mut evidence = self.evidence.evidence();
		let old = evidence.len().saturating_sub(MAX_EVIDENCE);
		Ok(evidence.drain(..).skip(old).map(Bytes).collect())
	}

	fn round(&self) -> RpcResult<RoundInfo> {
		let info = self.client.info();
		Ok(RoundInfo {
			best: self.block_round(info.best_hash)?,
			finalized: self.block_round(info.finalized_hash)?,
		})
	}
}

#[cfg(test)]
mod tests {
	use crate::mock::{call, error_of, transaction_node, MockClient};
	use asterism_primitives::Hash;
	use serde_json::json;

	#[tokio::test]
	async fn a_blocks_certificate_is_found_by_number_and_hash() {
		let (module, client, _) = transaction_node();
		let by_number = call(&module, "consensus_certificate", json!([2])).await;
		let hash = client.at(2);
		assert_eq!(by_number["kind"], "finalization");
		assert_eq!(by_number["round"], json!({ "epoch": 0, "view": 2 }));
		assert_eq!(by_number["blockHash"], json!(hash));
		assert_eq!(by_number["signers"], json!([0, 2]));
		assert!(by_number["encoded"].as_str().unwrap().starts_with("0x01"));
		assert_eq!(
			call(&module, "consensus_certificate", json!([hash])).await,
			by_number
		);
		assert_eq!(
			call(&module, "consensus_certificate", json!({ "block": "2" })).await,
			by_number
		);
		assert_eq!(
			call(&module, "consensus_certificate", json!([1])).await,
			json!(null)
		);
	}

	#[tokio::test]
	async fn malformed_blocks_are_refused_by_name() {
		let (module, ..) = transaction_node();
		for bad in [
			json!([]),
			json!([null]),
			json!(["0x12"]),
			json!([-1]),
			json!([{}]),
			json!(["a".repeat(100_000)]),
		] {
			let (code, message) = error_of(&module, "consensus_certificate", bad).await;
			assert_eq!(code, -32602);
			assert!(message.starts_with("block: expected a block's hash"), "{message}");
		}
		for unknown in [json!([77]), json!([Hash::repeat_byte(0xee)])] {
			let (code, message) = error_of(&module, "consensus_certificate", unknown).await;
			assert_eq!(code, crate::error::UNKNOWN_BLOCK);
			assert!(
				message.starts_with("block: this node has no such block"),
				"{message}"
			);
		}
	}

	#[tokio::test]
	async fn the_committee_comes_with_its_quorum() {
		let (module, ..) = transaction_node();
		let committee = call(&module, "consensus_committee", json!([])).await;
		assert_eq!((&committee["chain"], &committee["epoch"]), (&json!(1), &json!(0)));
		assert_eq!(
			(&committee["quorum"], &committee["faults"]),
			(&json!(3), &json!(1))
		);
		assert_eq!(committee["members"].as_array().unwrap().len(), 4);
		assert_eq!(committee["members"][0]["id"].as_str().unwrap().len(), 66);
		assert_eq!(call(&module, "consensus_committee", json!([0])).await, committee);
		assert_eq!(call(&module, "consensus_epoch", json!([])).await, json!(0));
		let (code, message) = error_of(&module, "consensus_committee", json!([5])).await;
		assert_eq!(code, crate::error::UNKNOWN_EPOCH);
		assert!(message.starts_with("epoch: "), "{message}");
		let (code, message) = error_of(&module, "consensus_committee", json!(["first"])).await;
		assert_eq!(
			(code, message.starts_with("epoch: expected an integer")),
			(-32602, true)
		);
	}

	#[tokio::test]
	async fn rounds_and_evidence() {
		let (module, client, _) = transaction_node();
		let round = call(&module, "consensus_round", json!([])).await;
		assert_eq!(
			round["best"],
			json!({ "number": 3, "hash": client.at(3), "round": { "epoch": 0, "view": 3 } })
		);
		assert_eq!(round["finalized"]["number"], json!(MockClient::FINALIZED));
		assert_eq!(
			call(&module, "consensus_evidence", json!([])).await,
			json!(["0x0102"])
		);
	}
}
