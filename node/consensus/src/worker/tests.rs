use super::*;
use crate::{
	evidence::tests::Memory,
	mock::*,
	network::wire::Wire,
	scheme::{from_finalization, from_notarization, Scheme},
};
use asterism_primitives::certificate::{Certificate, ENGINE_ID};
use asterism_primitives::{certificate::Realm, BlockNumber};
use codec::Encode;
use polkadot_sdk::sc_keystore::LocalKeystore;
use std::{collections::HashMap, time::Instant};

/// A final chain in a map: each block with its justifications.
struct Followed {
	blocks: HashMap<Hash, (Header, Option<Justifications>)>,
	newest: Header,
	by: Vec<Scheme>,
}

/// How a block of a [`Followed`] chain became final.
#[derive(Clone, Copy)]
enum How {
	Finalized,
	Notarized,
	Descendant,
	/// With a finalization whose signature is wrong.
	Forged,
	/// With bytes that are no certificate.
	Malformed,
	/// In another epoch.
	OtherEpoch,
}

impl Followed {
	/// Blocks 1, 2, … in views 1, 2, ….
	fn new(how: &[How]) -> Self {
		let by = signers(REALM, &committee(0), &NAMES);
		let genesis = MemoryChain::default().genesis().clone();
		let mut this = Followed {
			blocks: HashMap::from([(genesis.hash(), (genesis.clone(), None))]),
			newest: genesis,
			by,
		};
		for (view, how) in (1..).zip(how) {
			let epoch = if matches!(how, How::OtherEpoch) { 1 } else { 0 };
			let round = asterism_primitives::certificate::Round { epoch, view };
			let (header, _) =
				polkadot_sdk::sp_runtime::traits::Block::deconstruct(block_upon(&this.newest, round, view));
			let proposal = proposal(epoch, view, header.hash());
			let finalized = from_finalization(&finalization(&this.by, proposal.clone())).unwrap();
			let justified = |certificate: Certificate| Some((ENGINE_ID, certificate.encode()).into());
			let justifications = match how {
				How::Finalized | How::OtherEpoch => justified(finalized),
				How::Notarized => justified(from_notarization(&notarization(&this.by, proposal)).unwrap()),
				How::Descendant => None,
				How::Forged => {
					let mut forged = finalized;
					forged.signature.0[7] ^= 1;
					justified(forged)
				}
				How::Malformed => Some((ENGINE_ID, vec![1, 2, 3]).into()),
			};
			this.newest = header.clone();
			this.blocks.insert(header.hash(), (header, justifications));
		}
		this
	}

	/// The view that an engine of epoch 0 starts from, or the number of the block before the epoch.
	fn start(&self) -> Option<Result<u64, u32>> {
		let look = |hash| self.blocks.get(&hash).cloned();
		let start = start_point(self.newest.hash(), &self.by[0], &committee(0), look)?;
		Some(match start {
			Start::Agreed(finalization) => {
				let certificate = from_finalization(&finalization).unwrap();
				let (header, _) = &self.blocks[&certificate.block_hash];
				assert_eq!(u64::from(header.number), certificate.round.view);
				Ok(certificate.round.view)
			}
			Start::Epoch(hash) => Err(self.blocks[&hash].0.number),
		})
	}
}

#[test]
fn an_engine_starts_from_the_newest_block_that_was_agreed_on() {
	use How::*;
	let start = |how: &[How]| Followed::new(how).start();
	assert_eq!(start(&[]), Some(Err(0)));
	assert_eq!(start(&[Finalized]), Some(Ok(1)));
	assert_eq!(start(&[Finalized, Finalized, Finalized]), Some(Ok(3)));
	// What is final by its descendant, or notarized, is no start.
	assert_eq!(start(&[Finalized, Descendant, Notarized]), Some(Ok(1)));
	assert_eq!(start(&[Descendant, Notarized]), Some(Err(0)));
}

#[test]
fn a_damaged_certificate_is_passed_over() {
	use How::*;
	let start = |how: &[How]| Followed::new(how).start();
	assert_eq!(start(&[Finalized, Forged]), Some(Ok(1)));
	assert_eq!(start(&[Finalized, Finalized, Malformed, Forged]), Some(Ok(2)));
	assert_eq!(start(&[Forged]), Some(Err(0)));
}

#[test]
fn another_epochs_blocks_are_no_start() {
	use How::*;
	let start = |how: &[How]| Followed::new(how).start();
	assert_eq!(start(&[OtherEpoch]), Some(Err(1)));
	assert_eq!(start(&[Finalized, OtherEpoch, Descendant]), Some(Err(2)));
	assert_eq!(start(&[OtherEpoch, Finalized]), Some(Ok(2)));
}

#[test]
fn a_chain_that_is_not_all_here_ends_the_search() {
	let mut followed = Followed::new(&[How::Finalized, How::Descendant]);
	let gone = *followed.newest.parent_hash();
	followed.blocks.remove(&gone);
	assert_eq!(followed.start(), None);
	followed.blocks.clear();
	assert_eq!(followed.start(), None);
}

fn address(text: String) -> Multiaddr {
	text.parse().unwrap()
}

#[test]
fn only_other_peers_addresses_are_reserved() {
	let [own, other] = [PeerId::random(), PeerId::random()];
	let good = [
		address(format!("/ip4/127.0.0.1/tcp/30333/p2p/{other}")),
		address(format!("/dns/example.com/tcp/30333/ws/p2p/{other}")),
		address(format!("/p2p/{other}")),
	];
	let bad = [
		address(format!("/ip4/127.0.0.1/tcp/30333/p2p/{own}")),
		address(format!("/p2p/{own}/p2p-circuit/p2p/{other}")),
		address(format!("/p2p/{other}/p2p-circuit/p2p/{own}")),
		address("/ip4/127.0.0.1/tcp/30333".into()),
		address(format!("/p2p/{other}/tcp/30333")),
		Multiaddr::empty(),
	];
	let wanted = reservable(good.iter().chain(&bad).chain(&good).cloned(), &own);
	assert_eq!(wanted, good.into_iter().collect());
	assert!(reservable(bad, &own).is_empty());
}

#[test]
fn addresses_are_reserved_anew_when_they_change() {
	let one = HashSet::from([address(format!("/p2p/{}", PeerId::random()))]);
	let two: HashSet<_> = one
		.iter()
		.cloned()
		.chain([address(format!("/p2p/{}", PeerId::random()))])
		.collect();
	let none = HashSet::new();
	let is_news = |reserved, wanted| is_news(reserved, wanted, true);
	assert!(is_news(&none, &one) && is_news(&one, &two) && is_news(&two, &one));
	assert!(!is_news(&one, &one) && !is_news(&none, &none));
	assert!(!is_news(&one, &none), "members are kept while nothing is known");
	assert!(
		super::is_news(&one, &none, false),
		"without others, none is reserved"
	);
}

/// Who serves: in each epoch two members go and two come.
const ELECTED: [[&str; 4]; 3] = [
	["//Alice", "//Bob", "//Charlie", "//Dave"],
	["//Charlie", "//Dave", "//Eve", "//Ferdie"],
	["//Eve", "//Ferdie", "//Alice", "//Bob"],
];
const EVERYBODY: [&str; 6] = ["//Alice", "//Bob", "//Charlie", "//Dave", "//Eve", "//Ferdie"];
const EPOCH_LENGTH: BlockNumber = 5;

struct Elected;

impl crate::committees::CommitteeSource for Elected {
	fn committee(&self, epoch: Epoch) -> Option<Committee> {
		// Keys take their time to be derived, and this is asked often.
		static HELD: Mutex<BTreeMap<Epoch, Committee>> = Mutex::new(BTreeMap::new());
		let mut held = HELD.lock();
		let committee = held
			.entry(epoch)
			.or_insert_with(|| committee_of(epoch, &ELECTED[epoch as usize % ELECTED.len()]));
		Some(committee.clone())
	}

	fn epoch(&self) -> Option<Epoch> {
		None
	}

	fn progress(&self) -> BlockNumber {
		0
	}
}

/// A node with its keys, chain and worker.
struct Node {
	peer: PeerId,
	chain: Arc<MemoryChain>,
	directory: tempfile::TempDir,
	evidence: Arc<EvidenceStore<Memory>>,
	tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Node {
	fn start(wire: &Wire, name: &str, interval: Duration) -> Self {
		let chain = Arc::new(MemoryChain::with_epochs(EPOCH_LENGTH));
		let directory = tempfile::tempdir().unwrap();
		let keystore_path = directory.path().join("keystore");
		let keystore = LocalKeystore::open(&keystore_path, None).unwrap();
		let keys = Keys::new(keystore.into());
		crate::keys::insert(&**keys.keystore(), name, None).unwrap();
		let realm = Realm {
			genesis: chain.genesis().hash(),
			..REALM
		};
		let peer = PeerId::random();
		let (service, peers) = wire.join(peer);
		let (channel, _members, task) = CommitteeNetwork::new(realm, Box::new(service), peers);
		let evidence = Arc::new(EvidenceStore::new(Arc::new(Memory::default())));
		let worker = Worker {
			chain: chain.clone(),
			certifier: Arc::new(Certifier::new(realm, Arc::new(Elected))),
			keys,
			interval,
			directory: directory.path().join("consensus"),
			peer,
			evidence: evidence.clone(),
			witness: Arc::new(()),
			acquaint: false,
			metrics: Metrics::new(None).unwrap(),
			channel,
			seats: Seats::default(),
		};
		Node {
			peer,
			chain,
			directory,
			evidence,
			tasks: vec![tokio::spawn(task), tokio::spawn(worker.run())],
		}
	}

	/// The epochs whose vote journals are kept.
	fn journals(&self) -> Vec<Epoch> {
		let entries = std::fs::read_dir(self.directory.path().join("consensus"));
		let names = entries
			.into_iter()
			.flatten()
			.flatten()
			.map(|entry| entry.file_name());
		let mut epochs: Vec<_> = names
			.filter_map(|name| engine::journal_epoch(name.to_str()?))
			.collect();
		epochs.sort_unstable();
		epochs
	}
}

/// What sc-network and sync do for nodes: members are connected, and each final block reaches everybody.
async fn network_and_sync(wire: Wire, nodes: Vec<(PeerId, Arc<MemoryChain>)>) {
	loop {
		for (i, (a, _)) in nodes.iter().enumerate() {
			for (b, _) in &nodes[i + 1..] {
				if !wire.is_open(*a, *b) {
					// A node without a seat yet answers nobody.
					let _ = tokio::time::timeout(Duration::from_millis(20), wire.open(*a, *b)).await;
				}
			}
		}
		let (_, ahead) = nodes
			.iter()
			.max_by_key(|(_, chain)| chain.finalized().0)
			.expect("there are nodes");
		for (_, chain) in &nodes {
			let have = chain.finalized().0;
			for (_, hash, certificate) in ahead.all_final().into_iter().filter(|(n, ..)| *n > have) {
				let block = ahead.block(hash).expect("a final block");
				// The engine may have been quicker.
				let _ = chain.import(block).await;
				let _ = chain.finalize(hash, certificate);
			}
		}
		tokio::time::sleep(Duration::from_millis(50)).await;
	}
}

/// A root chain that a test changes.
struct OnRecord {
	committees: Mutex<BTreeMap<Epoch, Committee>>,
	/// `None` if it can't be read.
	excluded: Mutex<Option<Vec<MemberId>>>,
	number: Mutex<BlockNumber>,
}

impl OnRecord {
	fn new(committees: impl IntoIterator<Item = Committee>) -> Arc<Self> {
		let committees = committees
			.into_iter()
			.map(|committee| (committee.epoch(), committee));
		Arc::new(OnRecord {
			committees: Mutex::new(committees.collect()),
			excluded: Mutex::new(Some(Vec::new())),
			number: Mutex::new(0),
		})
	}

	/// In its next block, these nodes are excluded.
	fn exclude(&self, excluded: Option<&[MemberId]>) {
		*self.excluded.lock() = excluded.map(<[_]>::to_vec);
		*self.number.lock() += 1;
	}
}

impl crate::committees::CommitteeSource for OnRecord {
	fn committee(&self, epoch: Epoch) -> Option<Committee> {
		self.committees.lock().get(&epoch).cloned()
	}

	fn excluded(&self, epoch: Epoch) -> Option<Vec<MemberId>> {
		let excluded = self.excluded.lock().clone()?;
		let committee = self.committee(epoch)?;
		let members = committee.members().iter().map(|member| member.id);
		Some(members.filter(|id| excluded.contains(id)).collect())
	}

	fn epoch(&self) -> Option<Epoch> {
		Some(0)
	}

	fn progress(&self) -> BlockNumber {
		*self.number.lock()
	}
}

fn id_of(name: &str) -> MemberId {
	crate::keys::member(name).unwrap().id
}

/// A worker that is not run, as the named member.
fn idle_worker(wire: &Wire, name: &str, source: Arc<OnRecord>) -> (Worker<Memory>, tempfile::TempDir) {
	let directory = tempfile::tempdir().unwrap();
	let keystore = LocalKeystore::open(directory.path().join("keystore"), None).unwrap();
	let keys = Keys::new(keystore.into());
	crate::keys::insert(&**keys.keystore(), name, None).unwrap();
	let peer = PeerId::random();
	let (service, peers) = wire.join(peer);
	let (channel, _members, task) = CommitteeNetwork::new(REALM, Box::new(service), peers);
	tokio::spawn(task);
	let worker = Worker {
		chain: Arc::new(MemoryChain::default()),
		certifier: Arc::new(Certifier::new(REALM, source)),
		keys,
		interval: Duration::from_millis(200),
		directory: directory.path().join("consensus"),
		peer,
		evidence: Arc::new(EvidenceStore::new(Arc::new(Memory::default()))),
		witness: Arc::new(()),
		acquaint: true,
		metrics: Metrics::new(None).unwrap(),
		channel,
		seats: Seats::default(),
	};
	(worker, directory)
}

/// Committees of epochs 0 and 1; Bob is in both.
fn two_committees() -> [Committee; 2] {
	[
		committee_of(0, &["//Alice", "//Bob", "//Charlie", "//Dave"]),
		committee_of(1, &["//Alice", "//Bob", "//Eve", "//Ferdie"]),
	]
}

#[tokio::test]
async fn excluded_members_are_cut_off_and_taken_back_as_the_root_chain_says() {
	let source = OnRecord::new(two_committees());
	let (worker, _directory) = idle_worker(&Wire::default(), "//Alice", source.clone());
	let mut taken = BTreeMap::new();
	let mut look = || {
		worker.take_seats(0, &mut taken);
		let places = worker.seats.lock();
		assert_eq!(
			places.others().contains(&id_of("//Bob")),
			places.acquaintances.contains(&id_of("//Bob"))
		);
		let cut_off = |epoch| places.cut_off[&epoch].iter().copied().collect::<Vec<_>>();
		(
			cut_off(0),
			cut_off(1),
			places.others(),
			worker.metrics.excluded.get(),
		)
	};
	let everybody: HashSet<_> = EVERYBODY[1..].iter().map(|name| id_of(name)).collect();
	let but = |names: &[&str]| -> HashSet<_> {
		let gone: Vec<_> = names.iter().map(|name| id_of(name)).collect();
		everybody
			.iter()
			.copied()
			.filter(|id| !gone.contains(id))
			.collect()
	};
	let [bob, dave, eve] = ["//Bob", "//Dave", "//Eve"].map(id_of);
	let nobody = (vec![], vec![], everybody.clone(), 0);
	assert_eq!(look(), nobody);

	// Nobody's seat changes between two blocks of the root chain.
	*source.excluded.lock() = Some(vec![bob]);
	assert_eq!(look(), nobody);
	source.exclude(Some(&[bob]));
	let without_bob = (vec![bob], vec![bob], but(&["//Bob"]), 1);
	assert_eq!(look(), without_bob);

	// One more than either committee stands: the first one is cut off, and the other one stays.
	source.exclude(Some(&[bob, dave, eve]));
	let (of_0, of_1, others, count) = look();
	assert_eq!((of_0, of_1), (vec![bob.min(dave)], vec![bob.min(eve)]));
	assert!(others.contains(&bob.max(dave)) && others.contains(&bob.max(eve)));
	assert!((1..=2).contains(&count));

	// What can't be read changes nothing.
	source.exclude(Some(&[bob]));
	assert_eq!(look(), without_bob);
	source.exclude(None);
	assert_eq!(look(), without_bob);

	// Bob is registered again.
	source.exclude(Some(&[]));
	assert_eq!(look(), nobody);

	// Who is itself excluded still knows the others.
	source.exclude(Some(&[id_of("//Alice")]));
	let (of_0, _, others, _) = look();
	assert_eq!((of_0, others), (vec![id_of("//Alice")], everybody));
}

#[tokio::test]
async fn a_member_of_the_next_committee_that_is_cut_off_is_no_acquaintance() {
	// Charlie has no seat in the next committee, and talks to its members for the sake of the secret that is passed on.
	let source = OnRecord::new(two_committees());
	let (worker, _directory) = idle_worker(&Wire::default(), "//Charlie", source.clone());
	let mut taken = BTreeMap::new();
	worker.take_seats(0, &mut taken);
	assert!(worker.seats.lock().acquaintances.contains(&id_of("//Eve")));
	source.exclude(Some(&[id_of("//Eve")]));
	worker.take_seats(0, &mut taken);
	let places = worker.seats.lock();
	assert!(!places.acquaintances.contains(&id_of("//Eve")));
	assert!(!places.others().contains(&id_of("//Eve")) && places.others().contains(&id_of("//Ferdie")));
	// It is not one of the committees that Charlie serves in.
	assert_eq!(worker.metrics.excluded.get(), 0);
}

#[tokio::test]
async fn the_seat_is_that_of_the_committee_that_is_elected_at_last() {
	let [current, next] = two_committees();
	let source = OnRecord::new([current, next.clone()]);
	let wire = Wire::default();
	let (worker, _directory) = idle_worker(&wire, "//Alice", source.clone());
	let mut taken = BTreeMap::new();
	let mut look = || {
		worker.take_seats(0, &mut taken);
		let places = worker.seats.lock();
		let held: Vec<_> = places
			.seats
			.values()
			.map(|(committee, _)| committee.clone())
			.collect();
		assert!(taken.values().map(|seat| &seat.committee).eq(&held));
		(held, places.others())
	};
	let (held, others) = look();
	assert!(held[1] == next && others.contains(&id_of("//Ferdie")));
	// Its election is repeated. Alice is elected again, then once more without her.
	let again = committee_of(1, &["//Alice", "//Bob", "//Charlie", "//Eve"]);
	source.committees.lock().insert(1, again.clone());
	let (held, others) = look();
	assert!(held[1] == again && !others.contains(&id_of("//Ferdie")));
	source
		.committees
		.lock()
		.insert(1, committee_of(1, &["//Bob", "//Charlie", "//Dave", "//Eve"]));
	assert_eq!(look().0.len(), 1);
	source.committees.lock().insert(1, next.clone());
	assert_eq!(look().0[1], next);
	// A committee that serves is never exchanged.
	source.committees.lock().remove(&1);
	assert_eq!(look().0.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn committees_take_turns_without_a_gap() {
	let wire = Wire::default();
	let interval = Duration::from_millis(200);
	let nodes = EVERYBODY.map(|name| Node::start(&wire, name, interval));
	let ends = nodes.iter().map(|node| (node.peer, node.chain.clone())).collect();
	let network = tokio::spawn(network_and_sync(wire, ends));

	// Five epochs, and into the sixth.
	let wanted = 5 * EPOCH_LENGTH + 2;
	let start = Instant::now();
	while nodes.iter().any(|node| node.chain.finalized().0 < wanted) {
		let heights: Vec<_> = nodes.iter().map(|node| node.chain.finalized().0).collect();
		assert!(
			start.elapsed() < Duration::from_secs(120),
			"expected {wanted} final blocks, got {heights:?}"
		);
		tokio::time::sleep(Duration::from_millis(50)).await;
	}
	let longest = nodes
		.iter()
		.map(|node| node.chain.all_final())
		.max_by_key(Vec::len)
		.unwrap();
	for node in &nodes {
		for (ours, theirs) in node.chain.all_final().iter().zip(&longest) {
			assert_eq!((ours.0, ours.1), (theirs.0, theirs.1), "a fork");
		}
		assert!(node.evidence.all().is_empty(), "nobody is faulty");
	}
	// Each block is of its epoch, and what certifies it is that epoch's committee.
	let certifier = Certifier::new(
		Realm {
			genesis: longest[0].1,
			..REALM
		},
		Arc::new(Elected),
	);
	for (number, hash, certificate) in &longest[1..] {
		let header = nodes[0].chain.header(*hash);
		let Some(header) = header else { continue };
		let epoch = Epoch::from((number - 1) / EPOCH_LENGTH);
		assert_eq!(digest::round(header.digest()).unwrap().epoch, epoch);
		let ends = number % EPOCH_LENGTH == 0;
		assert_eq!(
			asterism_primitives::epoch::ends_epoch(header.digest()),
			ends.then_some(epoch + 1)
		);
		assert!(
			!ends || certificate.is_some(),
			"an epoch's last block is certified itself"
		);
		if let Some(certificate) = certificate {
			let justifications = (ENGINE_ID, certificate.encode()).into();
			import::check(&certifier, &header, Some(&justifications), 0).unwrap();
		}
	}
	network.abort();
	for node in nodes {
		assert!(node.journals().len() <= 2, "{:?}", node.journals());
		node.tasks.iter().for_each(|task| task.abort());
	}
}
