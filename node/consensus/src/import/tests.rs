use super::*;
use crate::{
	committees::{CommitteeSource, VerifyError},
	forks::Offered,
	mock::*,
	scheme::{self, from_finalization, from_notarization},
};
use asterism_primitives::{
	certificate::Round,
	committee::{Committee, Epoch},
	BlockNumber, Hash,
};
use codec::Encode;
use parking_lot::Mutex;
use polkadot_sdk::{
	sc_consensus::{ImportedState, StateAction, StorageChanges},
	sp_api::ApiError,
	sp_blockchain::{self, BlockStatus, Info},
	sp_runtime::{traits::Block as _, DigestItem},
};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The committee of epoch 0 and no other; that of epoch 2 has a key that is no point.
struct OnRecord;

impl CommitteeSource for OnRecord {
	fn committee(&self, epoch: Epoch) -> Option<Committee> {
		match epoch {
			0 => Some(committee(0)),
			2 => {
				let mut members = committee(2).members().to_vec();
				members[0].key.0 = [0xff; 96];
				Some(Committee::new(2, members).unwrap())
			}
			_ => None,
		}
	}

	fn epoch(&self) -> Option<Epoch> {
		Some(0)
	}

	fn progress(&self) -> BlockNumber {
		0
	}
}

fn certifier() -> Certifier {
	Certifier::new(REALM, Arc::new(OnRecord))
}

fn header(number: BlockNumber, rounds: &[Round]) -> Header {
	let mut header = Header::new(
		number,
		Hash::zero(),
		Hash::zero(),
		Hash::zero(),
		Default::default(),
	);
	header.digest.logs = rounds.iter().map(|round| digest::round_item(*round)).collect();
	header
}

/// Both certificates of a block in a round, by all members.
fn certified(block: Hash, round: Round) -> [Certificate; 2] {
	let by = signers(REALM, &committee(round.epoch), &NAMES);
	let proposal = proposal(round.epoch, round.view, block);
	[
		from_finalization(&finalization(&by, proposal.clone())).unwrap(),
		from_notarization(&notarization(&by, proposal)).unwrap(),
	]
}

fn justified(certificate: &Certificate) -> Option<Justifications> {
	Some((ENGINE_ID, certificate.encode()).into())
}

const ROUND: Round = Round { epoch: 0, view: 5 };

#[test]
fn a_certified_block_says_how_it_is_certified() {
	let header = header(3, &[ROUND]);
	let [final_one, notarized] = certified(header.hash(), ROUND);
	let check =
		|justifications: Option<Justifications>| check(&certifier(), &header, justifications.as_ref(), 0);
	assert_eq!(
		check(justified(&final_one)),
		Ok(Some(CertificateKind::Finalization))
	);
	assert_eq!(
		check(justified(&notarized)),
		Ok(Some(CertificateKind::Notarization))
	);
	assert_eq!(check(None), Ok(None));
	// Another engine's justification is none.
	assert_eq!(check(Some((*b"FRNK", vec![1, 2, 3]).into())), Ok(None));
}

#[test]
fn bad_blocks_are_refused_and_told_why() {
	let good = header(3, &[ROUND]);
	let [of_good, notarized] = certified(good.hash(), ROUND);
	let of = |change: &dyn Fn(&mut Certificate)| {
		let mut certificate = of_good.clone();
		change(&mut certificate);
		justified(&certificate)
	};
	let bytes = |bytes: Vec<u8>| -> Option<Justifications> { Some((ENGINE_ID, bytes).into()) };
	let unverified = |error| Err(ImportError::Unverified(error));
	let bad_signature = unverified(VerifyError::Certificate(CertificateError::BadSignature));

	let other_round = Round { epoch: 0, view: 6 };
	let unknown = header(3, &[Round { epoch: 1, view: 5 }]);
	let bad_key = header(3, &[Round { epoch: 2, view: 5 }]);
	let named = |header: &Header, round| {
		let mut certificate = of_good.clone();
		(certificate.block_hash, certificate.round) = (header.hash(), round);
		justified(&certificate)
	};
	let late = header(3, &[other_round]);
	let mut two_items = good.clone();
	two_items.digest.push(DigestItem::PreRuntime(ENGINE_ID, vec![]));
	let mut malformed_round = good.clone();
	malformed_round.digest.logs = vec![DigestItem::PreRuntime(ENGINE_ID, vec![1, 2])];

	type Verdict = Result<Option<CertificateKind>, ImportError>;
	let cases: Vec<(&str, Header, Option<Justifications>, Verdict)> = vec![
		("no round", header(3, &[]), None, Err(ImportError::NoRound)),
		(
			"two rounds",
			header(3, &[ROUND, ROUND]),
			None,
			Err(ImportError::NoRound),
		),
		("two items", two_items, None, Err(ImportError::NoRound)),
		(
			"malformed round",
			malformed_round,
			None,
			Err(ImportError::NoRound),
		),
		(
			"no round, certified",
			header(3, &[]),
			justified(&of_good),
			Err(ImportError::NoRound),
		),
		("empty", good.clone(), bytes(vec![]), Err(ImportError::Malformed)),
		(
			"trailing",
			good.clone(),
			bytes([of_good.encode(), vec![0]].concat()),
			Err(ImportError::Malformed),
		),
		(
			"cut",
			good.clone(),
			bytes(of_good.encode()[..100].to_vec()),
			Err(ImportError::Malformed),
		),
		(
			"large",
			good.clone(),
			bytes(vec![0xff; 1 << 20]),
			Err(ImportError::Malformed),
		),
		(
			"another block's",
			header(4, &[ROUND]),
			justified(&of_good),
			Err(ImportError::Certificate(CertificateError::WrongBlock)),
		),
		(
			"round",
			good.clone(),
			of(&|c| c.round = other_round),
			Err(ImportError::WrongRound),
		),
		(
			"a later round's",
			late.clone(),
			named(&late, ROUND),
			Err(ImportError::WrongRound),
		),
		(
			"forged for its round",
			late.clone(),
			named(&late, other_round),
			bad_signature.clone(),
		),
		(
			"signature",
			good.clone(),
			of(&|c| c.signature.0[5] ^= 1),
			bad_signature.clone(),
		),
		(
			"kind",
			good.clone(),
			of(&|c| c.kind = CertificateKind::Notarization),
			bad_signature.clone(),
		),
		(
			"signers",
			good.clone(),
			of(&|c| c.signers = Certificate::bitmap(4, [0, 1]).unwrap()),
			unverified(VerifyError::Certificate(CertificateError::NoQuorum {
				needed: 3,
				signed: 2,
			})),
		),
		(
			"no committee",
			unknown.clone(),
			named(&unknown, Round { epoch: 1, view: 5 }),
			unverified(VerifyError::UnknownCommittee(1)),
		),
		(
			"bad key",
			bad_key.clone(),
			named(&bad_key, Round { epoch: 2, view: 5 }),
			unverified(VerifyError::BadKey(scheme::BadKey {
				epoch: 2,
				member: committee(2).members()[0].id,
			})),
		),
	];
	for (name, header, justifications, expected) in cases {
		assert_eq!(
			check(&certifier(), &header, justifications.as_ref(), 0),
			expected,
			"{name}"
		);
	}
	assert!(check(&certifier(), &good, justified(&notarized).as_ref(), 0).is_ok());
}

#[test]
fn uncertified_blocks_are_taken_only_shortly_above_the_final_one() {
	let at = |number, finalized| check(&certifier(), &header(number, &[ROUND]), None, finalized);
	let far = |number, finalized| Err(ImportError::Uncertified { number, finalized });
	assert_eq!(at(MAX_UNCERTIFIED, 0), Ok(None));
	assert_eq!(at(MAX_UNCERTIFIED + 1, 0), far(MAX_UNCERTIFIED + 1, 0));
	assert_eq!(at(MAX_UNCERTIFIED + 1, 1), Ok(None));
	assert_eq!(at(1, 1_000), Ok(None));
	assert_eq!(at(u32::MAX, 0), far(u32::MAX, 0));
	// A certificate lifts the limit.
	let header = header(u32::MAX, &[ROUND]);
	let [final_one, _] = certified(header.hash(), ROUND);
	let result = check(&certifier(), &header, justified(&final_one).as_ref(), 0);
	assert_eq!(result, Ok(Some(CertificateKind::Finalization)));
}

#[test]
fn verifiers_are_held_for_a_few_epochs() {
	struct All;
	impl CommitteeSource for All {
		fn committee(&self, epoch: Epoch) -> Option<Committee> {
			Some(committee(epoch))
		}
		fn epoch(&self) -> Option<Epoch> {
			None
		}

		fn progress(&self) -> BlockNumber {
			0
		}
	}
	let certifier = Certifier::new(REALM, Arc::new(All));
	let by = signers(REALM, &committee(0), &NAMES);
	for epoch in (0..20).chain(0..2) {
		let signed = from_finalization(&finalization(&by, proposal(epoch, 1, Hash::zero()))).unwrap();
		assert_eq!(certifier.verify(&signed), Ok(()));
		assert!(certifier.held() <= Certifier::HELD);
	}
}

#[test]
fn a_committee_counts_as_it_is_on_record_when_its_epoch_begins() {
	/// Epoch 1 is elected twice: the first committee never gets ready.
	#[derive(Default)]
	struct Repeated {
		elected: AtomicUsize,
		current: AtomicUsize,
		asked: AtomicUsize,
	}
	impl CommitteeSource for Repeated {
		fn committee(&self, epoch: Epoch) -> Option<Committee> {
			self.asked.fetch_add(1, Ordering::SeqCst);
			let elected = [&["//Eve", "//Ferdie"][..], &NAMES][self.elected.load(Ordering::SeqCst)];
			Some(committee_of(epoch, elected))
		}
		fn epoch(&self) -> Option<Epoch> {
			Some(self.current.load(Ordering::SeqCst) as Epoch)
		}
		fn progress(&self) -> BlockNumber {
			0
		}
	}
	let source = Arc::new(Repeated::default());
	let certifier = Certifier::new(REALM, source.clone());
	let signed = |names: &[&str]| {
		let by = signers(REALM, &committee_of(1, names), names);
		from_finalization(&finalization(&by, proposal(1, 1, Hash::zero()))).unwrap()
	};
	let (first, second) = (signed(&["//Eve", "//Ferdie"]), signed(&NAMES));
	assert_eq!(certifier.verify(&first), Ok(()));
	assert!(certifier.verify(&second).is_err());
	source.elected.store(1, Ordering::SeqCst);
	assert!(certifier.verify(&first).is_err());
	assert_eq!(certifier.verify(&second), Ok(()));
	// From then on it doesn't change, and isn't read again.
	source.current.store(1, Ordering::SeqCst);
	assert_eq!(certifier.verify(&second), Ok(()));
	let asked = source.asked.load(Ordering::SeqCst);
	assert_eq!(certifier.verify(&second), Ok(()));
	assert_eq!(source.asked.load(Ordering::SeqCst), asked);
	assert_eq!(certifier.held(), 1);
}

/// A client of which only the newest final block is known.
struct Client(BlockNumber);

impl HeaderBackend<OpaqueBlock> for Client {
	fn header(&self, _: Hash) -> sp_blockchain::Result<Option<Header>> {
		Ok(None)
	}

	fn info(&self) -> Info<OpaqueBlock> {
		Info {
			best_hash: Hash::zero(),
			best_number: self.0,
			genesis_hash: REALM.genesis,
			finalized_hash: Hash::zero(),
			finalized_number: self.0,
			finalized_state: None,
			number_leaves: 1,
			block_gap: None,
		}
	}

	fn status(&self, _: Hash) -> sp_blockchain::Result<BlockStatus> {
		Ok(BlockStatus::Unknown)
	}

	fn number(&self, _: Hash) -> sp_blockchain::Result<Option<BlockNumber>> {
		Ok(None)
	}

	fn hash(&self, _: BlockNumber) -> sp_blockchain::Result<Option<Hash>> {
		Ok(None)
	}
}

/// What a client whose newest final block has the given number makes of a block.
async fn verified(
	finalized: BlockNumber,
	block: BlockImportParams<OpaqueBlock>,
) -> Result<BlockImportParams<OpaqueBlock>, String> {
	verified_before(Arc::new(()), finalized, block).await
}

/// The same, before a witness.
async fn verified_before(
	witness: Arc<dyn Witness>,
	finalized: BlockNumber,
	block: BlockImportParams<OpaqueBlock>,
) -> Result<BlockImportParams<OpaqueBlock>, String> {
	let verifier = CertificateVerifier {
		client: Arc::new(Client(finalized)),
		certifier: Arc::new(certifier()),
		witness,
	};
	verifier.verify(block).await
}

/// Remembers what it is told: certificates that were verified, and blocks that were refused.
#[derive(Default)]
struct Told(Mutex<Vec<Certificate>>, Mutex<Vec<(Header, Certificate)>>);

impl Witness for Told {
	fn verified(&self, certificate: &Certificate) {
		self.0.lock().push(certificate.clone());
	}

	fn offered(&self, _: &Certificate) -> Offered {
		unreachable!("all certificates of blocks to import are verified")
	}

	fn refused(&self, header: &Header, certificate: &Certificate) {
		self.1.lock().push((header.clone(), certificate.clone()));
	}
}

#[tokio::test]
async fn a_witness_is_told_of_good_certificates_alone() {
	let header = header(3, &[ROUND]);
	let [final_one, notarized] = certified(header.hash(), ROUND);
	let mut forged = final_one.clone();
	forged.signature.0[5] ^= 1;
	let told = Arc::new(Told::default());
	// However far the final chain is: the witness decides what it is worth.
	for finalized in [0, 3, 1_000] {
		for certificate in [&final_one, &forged, &notarized] {
			let block = incoming(BlockOrigin::NetworkBroadcast, &header, justified(certificate));
			let _ = verified_before(told.clone(), finalized, block).await;
		}
		let block = incoming(BlockOrigin::NetworkBroadcast, &header, None);
		let _ = verified_before(told.clone(), finalized, block).await;
		assert_eq!(
			std::mem::take(&mut *told.0.lock()),
			[final_one.clone(), notarized.clone()]
		);
	}
}

fn incoming(
	origin: BlockOrigin,
	header: &Header,
	justifications: Option<Justifications>,
) -> BlockImportParams<OpaqueBlock> {
	let mut block = BlockImportParams::new(origin, header.clone());
	block.justifications = justifications;
	block
}

/// Where an ordinary block may come from.
const ORIGINS: [BlockOrigin; 4] = [
	BlockOrigin::NetworkBroadcast,
	BlockOrigin::NetworkInitialSync,
	BlockOrigin::File,
	BlockOrigin::ConsensusBroadcast,
];

fn is_best(block: &BlockImportParams<OpaqueBlock>) -> Option<bool> {
	match block.fork_choice {
		Some(ForkChoiceStrategy::LongestChain) => None,
		Some(ForkChoiceStrategy::Custom(best)) => Some(best),
		None => panic!("a block without a choice is refused"),
	}
}

#[tokio::test]
async fn a_certificate_decides_what_becomes_of_a_block() {
	let header = header(3, &[ROUND]);
	let [final_one, notarized] = certified(header.hash(), ROUND);
	for origin in ORIGINS {
		let verify = |justifications| verified(0, incoming(origin, &header, justifications));
		let block = verify(justified(&final_one)).await.unwrap();
		assert!(block.finalized && is_best(&block).is_none(), "{origin:?}");
		let block = verify(justified(&notarized)).await.unwrap();
		assert!(!block.finalized && is_best(&block).is_none(), "{origin:?}");
		// Executed, yet never the best one.
		let block = verify(None).await.unwrap();
		assert!(!block.finalized && is_best(&block) == Some(false), "{origin:?}");
		assert!(block.justifications.is_none());
	}
}

#[tokio::test]
async fn only_this_engines_justification_is_kept() {
	let header = header(3, &[ROUND]);
	let [final_one, _] = certified(header.hash(), ROUND);
	let mut several = justified(&final_one).unwrap();
	assert!(several.append((*b"FRNK", vec![1, 2, 3])));
	let block = incoming(BlockOrigin::NetworkBroadcast, &header, Some(several));
	let block = verified(0, block).await.unwrap();
	assert_eq!(block.justifications, justified(&final_one));
	let foreign = Justifications::from((*b"FRNK", vec![1, 2, 3]));
	let block = incoming(BlockOrigin::NetworkBroadcast, &header, Some(foreign));
	let block = verified(0, block).await.unwrap();
	assert!(!block.finalized && block.justifications.is_none());
}

#[tokio::test]
async fn a_bad_certificate_refuses_a_block_wherever_it_comes_from() {
	let header = header(3, &[ROUND]);
	let [mut forged, _] = certified(header.hash(), ROUND);
	forged.signature.0[5] ^= 1;
	for origin in ORIGINS {
		for bad in [justified(&forged), Some((ENGINE_ID, vec![1]).into())] {
			let error = verified(0, incoming(origin, &header, bad)).await.err().unwrap();
			assert!(error.contains("justification"), "{origin:?}: {error}");
		}
	}
}

#[tokio::test]
async fn the_clients_final_block_bounds_blocks_without_certificate() {
	let header = header(MAX_UNCERTIFIED + 5, &[ROUND]);
	let verify = |finalized| verified(finalized, incoming(BlockOrigin::File, &header, None));
	assert!(verify(5).await.is_ok());
	let error = verify(4).await.err().unwrap();
	assert!(error.contains("no certificate"), "{error}");
}

#[tokio::test]
async fn a_state_carries_its_own_proof() {
	// Neither names a round.
	let header = header(3, &[]);
	let genesis = incoming(BlockOrigin::Genesis, &header, None);
	let block = verified(0, genesis).await.unwrap();
	assert_eq!(is_best(&block), Some(false));
	let mut with_state = incoming(BlockOrigin::NetworkInitialSync, &header, None);
	with_state.state_action = StateAction::ApplyChanges(StorageChanges::Import(ImportedState {
		block: header.hash(),
		state: Vec::new().into(),
	}));
	let block = verified(0, with_state).await.unwrap();
	assert_eq!(is_best(&block), Some(true));
	let without = incoming(BlockOrigin::NetworkInitialSync, &header, None);
	assert!(verified(0, without).await.is_err());
}

/// A client that makes this of each block.
struct Says(fn() -> Result<ImportResult, ConsensusError>);

#[async_trait]
impl BlockImport<OpaqueBlock> for Says {
	type Error = ConsensusError;

	async fn check_block(&self, _: BlockCheckParams<OpaqueBlock>) -> Result<ImportResult, ConsensusError> {
		(self.0)()
	}

	async fn import_block(&self, _: BlockImportParams<OpaqueBlock>) -> Result<ImportResult, ConsensusError> {
		(self.0)()
	}
}

/// The client's error when the runtime's execution ends like this.
fn execution(reason: &str) -> ConsensusError {
	let error = ClientError::Execution(Box::new(reason.to_string()));
	let error = ClientError::RuntimeApiError(ApiError::Application(Box::new(error)));
	ConsensusError::ClientImport(error.to_string())
}

fn panics() -> Result<ImportResult, ConsensusError> {
	Err(execution(
		"Execution aborted due to panic: Digest item must match that calculated.",
	))
}

/// The blocks that a witness is told to be refused when a block comes to a client that makes this of it.
async fn told_of(
	says: fn() -> Result<ImportResult, ConsensusError>,
	block: &OpaqueBlock,
	justifications: Option<Justifications>,
) -> Vec<(Header, Certificate)> {
	let told = Arc::new(Told::default());
	let import = Watched {
		inner: Box::new(Says(says)),
		witness: told.clone(),
	};
	let mut params = incoming(BlockOrigin::NetworkBroadcast, block.header(), justifications);
	params.body = Some(block.extrinsics().to_vec());
	if let Ok(params) = verified_before(told.clone(), 0, params).await {
		// The queue is told the same as without a witness.
		let result = import.import_block(params).await;
		assert_eq!(format!("{result:?}"), format!("{:?}", says()));
	}
	let refused = std::mem::take(&mut *told.1.lock());
	refused
}

fn some_block() -> OpaqueBlock {
	block_upon(&header(2, &[]), ROUND, 7)
}

#[tokio::test]
async fn a_block_that_is_made_final_and_does_not_execute_is_told() {
	let block = some_block();
	let [final_one, notarized] = certified(block.hash(), ROUND);
	let expected = [(block.header().clone(), final_one.clone())];
	let says: [fn() -> Result<ImportResult, ConsensusError>; 3] = [
		panics,
		|| {
			Err(execution(
				"Execution aborted due to trap: wasm trap: wasm `unreachable` instruction executed\nWASM backtrace:\n",
			))
		},
		|| {
			Err(ConsensusError::ClientImport(
				ClientError::InvalidStateRoot.to_string(),
			))
		},
	];
	for says in says {
		assert_eq!(told_of(says, &block, justified(&final_one)).await, expected);
		// Whoever notarized it may be honest; and nobody certified it, or nobody who counts.
		let mut forged = final_one.clone();
		forged.signature.0[5] ^= 1;
		let [of_another, _] = certified(Hash::repeat_byte(9), ROUND);
		for other in [
			justified(&notarized),
			justified(&forged),
			justified(&of_another),
			Some((*b"FRNK", final_one.encode()).into()),
			None,
		] {
			assert!(told_of(says, &block, other).await.is_empty());
		}
	}
}

#[tokio::test]
async fn what_is_not_the_blocks_fault_is_not_told() {
	let block = some_block();
	let [final_one, _] = certified(block.hash(), ROUND);
	let cases: [fn() -> Result<ImportResult, ConsensusError>; 7] = [
		|| Ok(ImportResult::imported(true)),
		|| Ok(ImportResult::AlreadyInChain),
		|| Ok(ImportResult::UnknownParent),
		|| Ok(ImportResult::MissingState),
		|| Ok(ImportResult::KnownBad),
		|| Err(ConsensusError::StateUnavailable("it is pruned".into())),
		// The host fails, not the runtime.
		|| {
			Err(execution(
				"Runtime panicked: Externalities not allowed to fail within runtime",
			))
		},
	];
	for says in cases {
		assert!(told_of(says, &block, justified(&final_one)).await.is_empty());
	}
	for error in [
		ClientError::Backend("the disk is full".into()),
		ClientError::StateDatabase("broken".into()),
		ClientError::UnknownBlock("parent".into()),
		ClientError::NotInFinalizedChain,
		ClientError::RuntimeCodeMissing,
		ClientError::IncompletePipeline,
		ClientError::RuntimeApiError(ApiError::UnknownBlock("parent".into())),
	] {
		assert!(!is_blocks_fault(&ConsensusError::ClientImport(error.to_string())));
	}
	// A body that is not the header's is the fault of whoever sent it.
	let foreign = OpaqueBlock::new(block.header().clone(), Vec::new());
	assert!(told_of(panics, &foreign, justified(&final_one)).await.is_empty());
}
