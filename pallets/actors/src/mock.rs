//! A transaction chain of all our pallets, and a small network of such chains around a root chain's rules.

use crate as pallet_actors;
use asterism_order::queue::Limits;
use asterism_primitives::{
	digest::{self, Traffic},
	inherents::{DELIVERIES, ROOT_VIEW},
	message::Delivery,
	protocol::{
		channel::ChannelRecord,
		ledger::{self, MapLedger},
	},
	root_state::{Anchor, ChainIds},
	AccountId, Balance, BlockNumber, ChainId, ChainParameters, CurrencyId, Hash,
};
use pallet_root_view::fixture::RootFixture;
use polkadot_sdk::{
	frame_support::{
		derive_impl,
		inherent::ProvideInherent,
		parameter_types,
		traits::{ConstU128, ConstU32, ConstU64, Hooks, UnixTime},
		weights::{Weight, WeightMeter},
		PalletId,
	},
	sp_inherents::InherentData,
	sp_io::TestExternalities,
	sp_runtime::{
		traits::{Dispatchable, IdentityLookup},
		BuildStorage, Perbill,
	},
	*,
};
use std::{
	collections::{BTreeMap, BTreeSet},
	time::Duration,
};

type Block = frame_system::mocking::MockBlockU32<Test>;

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		RootView: pallet_root_view,
		Messages: pallet_messages,
		Actors: pallet_actors,
	}
);

pub const MINIMUM: Balance = 10;

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountId = AccountId;
	type Lookup = IdentityLookup<AccountId>;
	type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = Balance;
	type AccountStore = System;
	type ExistentialDeposit = ConstU128<MINIMUM>;
	type DustRemoval = pallet_actors::DustToPot<Test>;
}

impl pallet_root_view::Config for Test {
	type OnAcknowledged = Messages;
	type WeightInfo = ();
}

impl pallet_messages::Config for Test {
	type RootState = RootView;
	type Handler = Actors;
	type MaxDeliveries = ConstU32<512>;
	type WeightInfo = ();
}

parameter_types! {
	pub const PotId: PalletId = PalletId(*b"test/pot");
	pub const QueueShare: Perbill = Perbill::from_percent(40);
	pub const QueueLimits: Limits = Limits { depth: 12, mailbox: 8, total: 24 };
}

pub const MAX_GAS: u64 = 5_000_000;
/// What an actor has on hold, beside 2 for each key and 1 for each byte.
pub const PER_ITEM: Balance = 2;

/// A second a block.
pub struct Clock;

impl UnixTime for Clock {
	fn now() -> Duration {
		Duration::from_secs(System::block_number().into())
	}
}

impl pallet_actors::Config for Test {
	type RuntimeHoldReason = RuntimeHoldReason;
	type Currency = Balances;
	type Messages = Messages;
	type Time = Clock;
	type PotId = PotId;
	type DepositPerItem = ConstU128<PER_ITEM>;
	type DepositPerByte = ConstU128<1>;
	type WeightPerGas = ConstU64<30_000>;
	type MaxGas = ConstU64<MAX_GAS>;
	type QueueShare = QueueShare;
	type QueueLimits = QueueLimits;
	type WeightInfo = ();
}

/// The account that uploads code, and what it has.
pub const RICH: u8 = 40;
pub const FORTUNE: Balance = 100_000_000;

/// Gives the rich account what it has.
pub fn endow() {
	use frame_support::traits::fungible::Mutate;
	Balances::mint_into(&account(RICH), FORTUNE).unwrap();
}

pub fn account(n: u8) -> AccountId {
	AccountId::new([n; 32])
}

/// The transaction chains on record at the root chain.
fn known() -> [ChainId; 3] {
	[1, 2, 3].map(ChainId)
}

/// Accounts 1 to 3 have 1,000 each. The chain knows the others already.
pub fn chain(chain_id: ChainId) -> TestExternalities {
	let root_view = pallet_root_view::GenesisConfig {
		chain_id,
		parameters: ChainParameters::default(),
		..Default::default()
	};
	let balances = pallet_balances::GenesisConfig {
		balances: (1..4).map(|n| (account(n), 1_000)).collect(),
		..Default::default()
	};
	let mut ext: TestExternalities = RuntimeGenesisConfig {
		root_view,
		balances,
		..Default::default()
	}
	.build_storage()
	.unwrap()
	.into();
	ext.execute_with(|| {
		System::set_block_number(1);
		pallet_root_view::KnownChains::<Test>::put(ChainIds::try_from(BTreeSet::from(known())).unwrap());
	});
	ext
}

pub fn new_test_ext() -> TestExternalities {
	chain(ChainId(1))
}

/// What a block has for the queue: a second.
fn block_weight() -> Weight {
	Weight::from_parts(1_000_000_000_000, u64::MAX)
}

/// Executes what earlier blocks left in the queue.
pub fn poll() {
	let mut meter = WeightMeter::with_limit(block_weight());
	Actors::on_poll(System::block_number(), &mut meter);
}

/// Executes what is in the queue with what is left of a block.
pub fn idle() {
	let used = Actors::on_idle(System::block_number(), block_weight());
	assert!(used.all_lte(block_weight()));
}

/// What the root chain keeps, by the very rules that it runs.
#[derive(Default)]
struct Root {
	number: BlockNumber,
	ledger: MapLedger,
	channels: BTreeMap<(ChainId, ChainId), ChannelRecord>,
	anchors: BTreeMap<(ChainId, BlockNumber), Hash>,
}

/// A block that is not checkpointed yet.
struct Pending {
	number: BlockNumber,
	traffic: Traffic,
}

/// A root chain and its transaction chains, 1 and following.
pub struct Network {
	root: Root,
	chains: Vec<TestExternalities>,
	pending: Vec<Vec<Pending>>,
	issuance: Balance,
}

impl Network {
	pub fn new(chains: u32) -> Self {
		let mut network = Network {
			root: Root::default(),
			chains: (1..=chains).map(|id| chain(ChainId(id))).collect(),
			pending: (0..chains).map(|_| Vec::new()).collect(),
			issuance: 0,
		};
		for id in 1..=chains {
			let held = network.on(id, || {
				endow();
				Balances::total_issuance()
			});
			ledger::register(&mut network.root.ledger, ChainId(id), CurrencyId::NATIVE, held).unwrap();
			network.issuance += held;
		}
		network
	}

	/// Runs in the current block of a chain.
	pub fn on<R>(&mut self, chain: u32, run: impl FnOnce() -> R) -> R {
		self.chains[chain as usize - 1].execute_with(run)
	}

	/// Ends a chain's block.
	pub fn end_block(&mut self, chain: u32) {
		let (number, traffic) = self.on(chain, || {
			let number = System::block_number();
			idle();
			Messages::on_finalize(number);
			Actors::on_finalize(number);
			RootView::on_finalize(number);
			Actors::do_try_state().unwrap();
			let traffic = digest::traffic(&System::digest()).unwrap_or_default();
			System::reset_events();
			System::initialize(&(number + 1), &Default::default(), &Default::default());
			RootView::on_initialize(number + 1);
			Messages::on_initialize(number + 1);
			poll();
			(number, traffic)
		});
		self.pending[chain as usize - 1].push(Pending { number, traffic });
		self.check();
	}

	/// The root chain takes in checkpoints of a chain's blocks, all that it hasn't seen.
	pub fn checkpoint(&mut self, chain: u32) {
		self.root.number += 1;
		let own = ChainId(chain);
		for Pending { number, traffic } in std::mem::take(&mut self.pending[chain as usize - 1]) {
			assert!(traffic.is_consistent());
			let root = &mut self.root;
			ledger::apply(&mut root.ledger, own, &traffic.inflows, &traffic.outflows).unwrap();
			for sent in &traffic.sent {
				root.channels
					.entry((own, sent.destination))
					.or_default()
					.record(number, sent.batch)
					.unwrap();
			}
			for received in &traffic.received {
				let channel = root.channels.entry((received.source, own)).or_default();
				channel.acknowledge(received.next_nonce).unwrap();
			}
			root.anchors.insert((own, number), traffic.outbox_root);
		}
		self.check();
	}

	/// A chain's proposer brings in the newest root view, and all deliveries that others offer it. Couriers may offer
	/// anything twice, and in any order.
	pub fn inherents(&mut self, chain: u32, scramble: bool) {
		let own = ChainId(chain);
		let mut fixture = RootFixture::default();
		fixture.set_chains(known());
		let mut anchors = Vec::new();
		for ((source, number), outbox_root) in &self.root.anchors {
			let anchor = Anchor {
				block_hash: Hash::repeat_byte(1),
				state_root: Hash::repeat_byte(2),
				outbox_root: *outbox_root,
				unacknowledged: 0,
			};
			fixture.set_anchor(*source, *number, anchor);
		}
		let mut acknowledgements = Vec::new();
		for ((source, destination), record) in &self.root.channels {
			fixture.set_channel(*source, *destination, record);
			if *source == own {
				acknowledgements.push(*destination);
			}
			if *destination == own {
				anchors.extend(record.waiting.iter().map(|waiting| (*source, waiting.number)));
			}
		}
		let mut deliveries: Vec<Delivery> = anchors
			.iter()
			.filter_map(|(source, number)| self.on(source.0, || Messages::delivery(own, *number)))
			.collect();
		if scramble {
			deliveries = deliveries.iter().rev().chain(&deliveries).cloned().collect();
		}
		let view = fixture.view(own, self.root.number, &anchors, &acknowledgements);
		self.on(chain, || {
			let mut data = InherentData::new();
			data.put_data(ROOT_VIEW, &view).unwrap();
			data.put_data(DELIVERIES, &deliveries).unwrap();
			// As in the block builder: all are made before any is applied.
			let calls: Vec<RuntimeCall> = [
				RootView::create_inherent(&data).map(Into::into),
				Messages::create_inherent(&data).map(Into::into),
			]
			.into_iter()
			.flatten()
			.collect();
			for call in calls {
				call.dispatch(RuntimeOrigin::none())
					.expect("what a proposer makes is valid");
			}
		});
		self.check();
	}

	/// Sum of balances and value in flight = issuance, as the chains see it; as the root chain does; and both agree on
	/// each chain whose blocks are all checkpointed.
	pub fn check(&mut self) {
		let held: Vec<Balance> = (1..=self.chains.len() as u32)
			.map(|id| self.on(id, Balances::total_issuance))
			.collect();
		let mut flight = self.root.ledger.in_flight.values().sum::<Balance>();
		let (mut out, mut back) = (0, 0);
		for pending in self.pending.iter().flatten() {
			out += pending
				.traffic
				.outflows
				.iter()
				.map(|flow| flow.amount)
				.sum::<Balance>();
			back += pending
				.traffic
				.inflows
				.iter()
				.map(|flow| flow.amount)
				.sum::<Balance>();
		}
		for id in 1..=self.chains.len() as u32 {
			let current = self.on(id, pallet_messages::Current::<Test>::get);
			out += current.outflows.values().sum::<Balance>();
			back += current.inflows.values().sum::<Balance>();
		}
		flight = flight + out - back;
		assert_eq!(held.iter().sum::<Balance>() + flight, self.issuance);
		assert_eq!(self.root.ledger.total(CurrencyId::NATIVE), Some(self.issuance));
	}

	/// Lets everything arrive: no chain sends anything new.
	pub fn settle(&mut self) {
		// Blocks that have their inherents already take no more.
		for chain in 1..=self.chains.len() as u32 {
			self.end_block(chain);
			self.checkpoint(chain);
		}
		for _ in 0..12 {
			for chain in 1..=self.chains.len() as u32 {
				self.inherents(chain, false);
				self.end_block(chain);
				self.checkpoint(chain);
			}
		}
		assert_eq!(self.root.ledger.in_flight.values().sum::<Balance>(), 0);
		for chain in 1..=self.chains.len() as u32 {
			let held = self.on(chain, Balances::total_issuance);
			assert_eq!(
				self.root.ledger.holdings[&(ChainId(chain), CurrencyId::NATIVE)],
				held
			);
			self.on(chain, || assert!(Messages::unacknowledged().is_empty()));
		}
	}
}
