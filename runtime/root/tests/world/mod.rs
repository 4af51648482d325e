//! A network with a beacon as the root runtime meets it: every block is proposed with the block builder's calls, and then executed
//! as others do; every extrinsic passes the pool. Keys and signatures are real; clients, finality and the members' threshold
//! signing are played here.

use asterism_primitives::{
	api::runtime_decl_for_root_api::RootApiV1,
	beacon::{output_hash, signed_bytes, Seed, SharingId, BEACON},
	certificate::{Certificate, CertificateKind, Realm, Round},
	committee::{quorum, BlsPublic, BlsSignature, Committee, Epoch, MemberId},
	digest::round_item,
	election::{
		runtime_decl_for_elections_api::ElectionsApiV1, sign_data, Claim, Election, Phase, Readiness,
		SortitionProof,
	},
	epoch::{epoch_item, epoch_note, EpochNote},
	keys::{NodeKeys, NodeKeysProof, SortitionPublic},
	protocol::sortition::{self, Standing},
	root_state::ready_key,
	AccountId, Balance, BlockNumber, ChainId, Hash, Header,
};
use asterism_root_runtime::{
	Beacon, Block, Chains, Epochs, Executive, Runtime, RuntimeGenesisConfig, Stake, UncheckedExtrinsic,
};
use asterism_runtime_common::{bls::DST, possession, UNIT};
use blst::min_sig::{AggregateSignature, SecretKey};
use codec::DecodeAll;
use pallet_chains::{ChainRegistry, CommitteeProvider, Succession};
use pallet_stake::{Node, Stakers};
use polkadot_sdk::{
	frame_support::genesis_builder_helper,
	sp_block_builder::runtime_decl_for_block_builder::BlockBuilderV6,
	sp_core::{crypto::VrfSecret, sr25519, Pair},
	sp_inherents::InherentData,
	sp_io::{storage, TestExternalities},
	sp_runtime::{
		traits::Header as _,
		transaction_validity::{TransactionSource, TransactionValidity},
		Digest,
	},
};
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};

/// The chain whose committee is elected.
pub const A: ChainId = ChainId(1);
/// Nodes. The first four are the root chain's first committee, the next four are A's.
pub const NODES: u8 = 12;
/// The length of epochs in blocks, as of a network for tests.
pub const LENGTH: BlockNumber = 60;
/// Members that a committee is expected to have.
pub const SIZE: u32 = 4;
/// How many blocks it takes until what is in a block is final and clients act upon it in another one.
pub const REACTION: BlockNumber = 5;
/// A node's stake, but for a whale's.
pub const STAKE: Balance = 10_000 * UNIT;

pub fn operator(i: u8) -> AccountId {
	AccountId::new([i + 1; 32])
}

pub fn identity(i: u8) -> sr25519::Pair {
	sr25519::Pair::from_seed(&[i + 1; 32])
}

fn sortition_key(i: u8) -> sr25519::Pair {
	sr25519::Pair::from_seed(&[i + 101; 32])
}

pub fn consensus(i: u8) -> SecretKey {
	SecretKey::key_gen(&[i + 1; 32], &[]).unwrap()
}

fn group_secret() -> SecretKey {
	SecretKey::key_gen(&[255; 32], &[]).unwrap()
}

pub fn id(i: u8) -> MemberId {
	MemberId(identity(i).public().0)
}

fn keys(i: u8) -> NodeKeys {
	NodeKeys {
		identity: id(i),
		sortition: SortitionPublic(sortition_key(i).public().0),
		consensus: BlsPublic(consensus(i).sk_to_pk().to_bytes()),
	}
}

/// The keys of node `i`, and the proof that they are its operator's.
pub fn owned_keys(i: u8, genesis: Hash) -> (NodeKeys, NodeKeysProof) {
	let keys = keys(i);
	let statement = keys.ownership_statement(genesis, &operator(i));
	let proof = NodeKeysProof {
		identity: identity(i).sign(&statement).0,
		sortition: sortition_key(i).sign(&statement).0,
		consensus: BlsSignature(consensus(i).sign(&statement, possession::DST, &[]).to_bytes()),
	};
	(keys, proof)
}

/// Which node this member is.
pub fn number(member: &MemberId) -> u8 {
	(0..NODES).find(|i| id(*i) == *member).expect("it is a node")
}

/// What a network has from its beginning.
#[derive(Clone, Copy)]
pub struct Options {
	/// Whether there is a beacon.
	pub beacon: bool,
	/// The length of epochs of the root chain and of A.
	pub length: BlockNumber,
	/// The stake of each node, by its number.
	pub stake: fn(u8) -> Balance,
}

impl Default for Options {
	fn default() -> Self {
		Options {
			beacon: true,
			length: LENGTH,
			stake: |_| STAKE,
		}
	}
}

fn genesis_of_a() -> Header {
	let digest = Digest::default();
	Header::new(0, Hash::zero(), Hash::repeat_byte(1), Hash::zero(), digest)
}

fn genesis_json(options: Options) -> serde_json::Value {
	let member = |i: u8| {
		let NodeKeys {
			identity, consensus, ..
		} = keys(i);
		serde_json::json!({ "id": identity, "key": consensus })
	};
	let parameters = serde_json::json!({
		"blockInterval": 1000,
		"epochLength": options.length,
		"committeeSize": SIZE,
	});
	let balances: Vec<_> = (0..NODES)
		.map(|i| (operator(i), 2 * (options.stake)(i) as u64))
		.collect();
	let nodes: Vec<_> = (0..NODES)
		.map(|i| {
			let stake = (options.stake)(i) as u64;
			serde_json::json!({ "operator": operator(i), "keys": keys(i), "stake": stake })
		})
		.collect();
	let mut players: Vec<_> = (0..4).map(id).collect();
	players.sort_unstable();
	let beacon = options.beacon.then(|| {
		let key = BlsPublic(group_secret().sk_to_pk().to_bytes());
		serde_json::json!({ "groupKey": key, "players": players, "output": "0x0102" })
	});
	serde_json::json!({
		"balances": { "balances": balances },
		"chains": {
			"root": { "parameters": parameters, "members": (0..4).map(member).collect::<Vec<_>>() },
			"chains": [{
				"id": A,
				"genesis": genesis_of_a(),
				"parameters": parameters,
				"members": (4..8).map(member).collect::<Vec<_>>(),
				"holdings": [],
			}],
		},
		"stake": { "nodes": nodes },
		"beacon": { "beacon": beacon },
	})
}

/// Runs a story on a new network.
pub fn run(options: Options, story: impl FnOnce(&mut World)) {
	let mut ext = TestExternalities::new_empty();
	ext.execute_with(|| {
		let mut full = serde_json::to_value(RuntimeGenesisConfig::default()).unwrap();
		for (pallet, config) in genesis_json(options).as_object().unwrap() {
			for (field, value) in config.as_object().unwrap() {
				full[pallet][field] = value.clone();
			}
		}
		genesis_builder_helper::build_state::<RuntimeGenesisConfig>(full.to_string().into_bytes()).unwrap();
		let digest = Digest::default();
		let head = Header::new(0, Hash::zero(), Hash::repeat_byte(7), Hash::zero(), digest);
		story(&mut World {
			genesis: head.hash(),
			head,
			seeds: options.beacon,
			a: genesis_of_a(),
		});
	});
}

/// The network.
pub struct World {
	/// The hash of the root chain's genesis block.
	pub genesis: Hash,
	/// The root chain's newest block.
	pub head: Header,
	/// Whether proposers bring in the seeds that the members make.
	pub seeds: bool,
	/// A's newest block.
	pub a: Header,
}

/// Does something whose changes to the state are taken back, even if it panics: as runtime calls that a node makes outside of
/// blocks.
pub fn dry<R>(f: impl FnOnce() -> R) -> R {
	storage::start_transaction();
	let result = catch_unwind(AssertUnwindSafe(f));
	storage::rollback_transaction();
	result.unwrap_or_else(|panic| resume_unwind(panic))
}

impl World {
	/// The number of the newest block.
	pub fn now(&self) -> BlockNumber {
		self.head.number
	}

	/// The seed of a round.
	pub fn seed(&self, round: BlockNumber) -> Seed {
		let signature = group_secret().sign(&signed_bytes(self.genesis, round), DST, &[]);
		Seed {
			round,
			signature: BlsSignature(signature.to_bytes()),
		}
	}

	/// The header that the next block begins with, in this epoch.
	pub fn header(&self, epoch: Epoch) -> Header {
		let number = self.head.number + 1;
		let round = Round {
			epoch,
			view: number.into(),
		};
		let digest = Digest {
			logs: vec![round_item(round)],
		};
		Header::new(number, Hash::zero(), Hash::zero(), self.head.hash(), digest)
	}

	/// What the next block's proposer knows from outside: the time, and a seed.
	pub fn data(&self, seed: Option<Seed>) -> InherentData {
		let mut data = InherentData::new();
		data.put_data(*b"timstap0", &(1_000 * u64::from(self.head.number + 1)))
			.unwrap();
		if let Some(seed) = seed {
			data.put_data(BEACON, &seed).unwrap();
		}
		data
	}

	/// What the pool says of an extrinsic.
	pub fn pool(&self, extrinsic: &UncheckedExtrinsic) -> TransactionValidity {
		let at = self.head.hash();
		dry(|| Executive::validate_transaction(TransactionSource::External, extrinsic.clone(), at))
	}

	/// Proposes a block with these extrinsics, and executes it. Members sign a round two blocks later.
	#[track_caller]
	pub fn block(&mut self, extrinsics: Vec<UncheckedExtrinsic>) {
		for extrinsic in &extrinsics {
			self.pool(extrinsic)
				.unwrap_or_else(|e| panic!("{e:?}: {extrinsic:?}"));
		}
		let seed = self
			.now()
			.checked_sub(2)
			.filter(|_| self.seeds)
			.map(|round| self.seed(round));
		self.block_with(self.data(seed), extrinsics);
	}

	/// As [`Self::block`], with this from outside, and without asking the pool.
	#[track_caller]
	pub fn block_with(&mut self, data: InherentData, extrinsics: Vec<UncheckedExtrinsic>) {
		let (header, body) = dry(|| {
			Executive::initialize_block(&self.header(Epochs::current().0));
			let mut body = <Runtime as BlockBuilderV6<Block>>::inherent_extrinsics(data.clone());
			body.extend(extrinsics);
			for extrinsic in &body {
				let outcome = Executive::apply_extrinsic(extrinsic.clone());
				assert!(matches!(outcome, Ok(Ok(()))), "{outcome:?}: {extrinsic:?}");
			}
			(Executive::finalize_block(), body)
		});
		let block = Block {
			header: header.clone(),
			extrinsics: body,
		};
		let checked = <Runtime as BlockBuilderV6<Block>>::check_inherents(block.clone().into(), data);
		assert!(checked.ok(), "an inherent is refused");
		Executive::execute_block(block.into());
		self.head = header;
		self.try_state();
	}

	/// So many empty blocks.
	#[track_caller]
	pub fn blocks(&mut self, count: BlockNumber) {
		for _ in 0..count {
			self.block(vec![]);
		}
	}

	/// What holds between all pallets after each block.
	#[track_caller]
	fn try_state(&self) {
		Chains::do_try_state().unwrap();
		// The total is what elections divide by.
		let weights: Balance = (0..NODES).map(|i| node(i).weight()).sum();
		assert_eq!(Stake::total(), weights);
		for i in 0..NODES {
			let duties = [ChainId::ROOT, A].into_iter().flat_map(|chain| {
				pallet_elections::Rosters::<Runtime>::iter_prefix_values(chain)
					.filter(|roster| roster.on_duty)
					.flat_map(|roster| roster.operators)
					.filter(|(_, of)| *of == operator(i))
			});
			assert_eq!(node(i).duties as usize, duties.count(), "duties of node {i}");
		}
	}

	/// What the newest block says of the root chain's epochs.
	pub fn note(&self) -> Option<EpochNote> {
		epoch_note(self.head.digest()).unwrap()
	}

	/// A's next block, with a note, certified by these members of this committee.
	pub fn checkpoint_by(
		&self,
		committee: &Committee,
		signers: &[u32],
		note: Option<EpochNote>,
	) -> (Header, UncheckedExtrinsic) {
		let number = self.a.number + 1;
		let round = Round {
			epoch: committee.epoch(),
			view: number.into(),
		};
		let mut digest = Digest {
			logs: vec![round_item(round)],
		};
		if let Some(note) = note {
			digest.push(epoch_item(note));
		}
		let header = Header::new(
			number,
			Hash::zero(),
			Hash::repeat_byte(number as u8),
			self.a.hash(),
			digest,
		);
		let mut certificate = Certificate {
			kind: CertificateKind::Finalization,
			round,
			parent_view: (number - 1).into(),
			block_hash: header.hash(),
			signers: Certificate::bitmap(committee.size(), signers.iter().copied()).unwrap(),
			signature: BlsSignature([0; 48]),
		};
		let message = certificate.signed_bytes(realm_of_a());
		let shares: Vec<_> = signers
			.iter()
			.map(|i| consensus(number_at(committee, *i)).sign(&message, DST, &[]))
			.collect();
		let sum = AggregateSignature::aggregate(&shares.iter().collect::<Vec<_>>(), false).unwrap();
		certificate.signature = BlsSignature(sum.to_signature().to_bytes());
		let extrinsic =
			<Runtime as RootApiV1<Block>>::checkpoint_extrinsic(A, vec![header.clone()], certificate);
		(header, extrinsic)
	}

	/// As [`Self::checkpoint_by`], by a quorum of A's committee on record.
	pub fn checkpoint(&self, note: Option<EpochNote>) -> (Header, UncheckedExtrinsic) {
		let serving = committee(A, epoch(A));
		let signers: Vec<u32> = (0..quorum(serving.size())).collect();
		self.checkpoint_by(&serving, &signers, note)
	}

	/// A makes a block with this note, and its checkpoint gets into a root block.
	#[track_caller]
	pub fn extend_a(&mut self, note: Option<EpochNote>) {
		let (header, extrinsic) = self.checkpoint(note);
		self.block(vec![extrinsic]);
		self.a = header;
	}

	/// The claim of node `i` in a chain's open election, elected or not.
	#[track_caller]
	pub fn claim(&self, chain: ChainId, i: u8) -> UncheckedExtrinsic {
		let Election { epoch, phase, .. } = election(chain);
		let Phase::Open { round, seed, .. } = phase else {
			panic!("the election is not open: {phase:?}")
		};
		<Runtime as ElectionsApiV1<Block>>::claim_extrinsic(Claim {
			chain,
			epoch,
			round,
			operator: operator(i),
			proof: proof(i, seed, chain, epoch),
		})
	}

	/// The word of node `i` that it is ready for a chain's committee on record, by the sharing of this attempt.
	#[track_caller]
	pub fn word(&self, chain: ChainId, i: u8, attempt: Option<u64>) -> UncheckedExtrinsic {
		let Election { epoch, phase, .. } = election(chain);
		let Phase::Recorded { round, .. } = phase else {
			panic!("no committee waits for words: {phase:?}")
		};
		let readiness = Readiness {
			chain,
			epoch,
			round,
			member: id(i),
			sharing: attempt.map(|attempt| SharingId {
				attempt,
				output: output_hash(&attempt.to_le_bytes()),
			}),
		};
		let signature = identity(i).sign(&readiness.statement(self.genesis)).0;
		<Runtime as ElectionsApiV1<Block>>::ready_extrinsic(readiness, signature)
	}

	/// Goes on until a block says this of the root chain's epochs.
	#[track_caller]
	pub fn until_note(&mut self, note: EpochNote) {
		for _ in 0..2 * LENGTH {
			if self.note() == Some(note) {
				return;
			}
			self.block(vec![]);
		}
		panic!("no block says {note:?}");
	}

	/// Goes on until the seed that opens a chain's election is in a block.
	#[track_caller]
	pub fn until_open(&mut self, chain: ChainId) {
		for _ in 0..10 {
			if election(chain).window().is_some() {
				return;
			}
			self.block(vec![]);
		}
		panic!("the election never opens: {:?}", election(chain));
	}

	/// Goes on until an open election is decided.
	#[track_caller]
	pub fn until_decided(&mut self, chain: ChainId) {
		let window = election(chain).window().expect("it is open");
		while self.now() < window.deadline {
			self.block(vec![]);
		}
	}
}

/// Where members of A's committees sign.
pub fn realm_of_a() -> Realm {
	Realm {
		chain: A,
		genesis: genesis_of_a().hash(),
	}
}

fn number_at(committee: &Committee, index: u32) -> u8 {
	number(&committee.members()[index as usize].id)
}

/// What node `i` draws.
pub fn proof(i: u8, seed: Hash, chain: ChainId, epoch: Epoch) -> SortitionProof {
	SortitionProof::from(&sortition_key(i).vrf_sign(&sign_data(seed, chain, epoch)))
}

#[track_caller]
pub fn node(i: u8) -> Node {
	Stake::node(&operator(i)).expect("it is registered")
}

#[track_caller]
pub fn election(chain: ChainId) -> Election {
	<Runtime as ElectionsApiV1<Block>>::election(chain).expect("there is an election")
}

#[track_caller]
pub fn committee(chain: ChainId, epoch: Epoch) -> Committee {
	Chains::committee(chain, epoch).expect("it is on record")
}

/// A chain's current epoch.
#[track_caller]
pub fn epoch(chain: ChainId) -> Epoch {
	<Chains as ChainRegistry>::epoch(chain).expect("the chain is on record")
}

/// The nodes in a chain's committee of an epoch.
#[track_caller]
pub fn members(chain: ChainId, epoch: Epoch) -> Vec<u8> {
	let mut members: Vec<_> = committee(chain, epoch)
		.members()
		.iter()
		.map(|member| number(&member.id))
		.collect();
	members.sort_unstable();
	members
}

/// How nodes fare in a chain's open election: what each finds out for itself with its candidacy.
#[track_caller]
pub fn standing(chain: ChainId, i: u8) -> Standing {
	let Election {
		epoch, total, phase, ..
	} = election(chain);
	let Phase::Open { seed, .. } = phase else {
		panic!("the election is not open")
	};
	let Some(candidacy) = <Runtime as ElectionsApiV1<Block>>::candidacy(chain, operator(i)) else {
		return Standing::Neither;
	};
	let number = proof(i, seed, chain, epoch)
		.number(&candidacy.sortition, seed, chain, epoch)
		.unwrap();
	sortition::standing(number, candidacy.share, total)
}

/// The nodes of this standing.
#[track_caller]
pub fn who(chain: ChainId, standing_is: Standing) -> Vec<u8> {
	(0..NODES)
		.filter(|i| standing(chain, *i) == standing_is)
		.collect()
}

/// Whether the committee of this epoch may take over, as the chain reads it by proof.
pub fn ready(chain: ChainId, epoch: Epoch) -> bool {
	let stored = storage::get(&ready_key(chain));
	let proved = stored.is_some_and(|bytes| Epoch::decode_all(&mut &bytes[..]).unwrap() >= epoch);
	assert_eq!(proved, Chains::is_ready(chain, epoch));
	proved
}

/// Whether the group key has been passed on to the committee of this epoch.
pub fn is_adopted(epoch: Epoch) -> bool {
	<Beacon as pallet_beacon::Reshare>::is_adopted(epoch)
}

/// The attempt to pass it on that is under way.
pub fn attempt(epoch: Epoch) -> Option<u64> {
	<Beacon as pallet_beacon::Reshare>::attempt(epoch)
}
