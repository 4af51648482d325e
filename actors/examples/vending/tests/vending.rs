//! A machine on chain 1, and patrons on other chains.

use asterism_actor::{
	interface,
	testing::{Random, World},
	Actor, Address, Context, Kind, Refusal,
};
use codec::Decode;
use vending::{Message, Open, Order, Payment, Slot, Vending, EARNINGS, OPEN, SLOTS, UNCLAIMED};

const PATIENCE: u32 = 20;

struct Stage {
	world: World,
	operator: Address,
	device: Address,
	patron: Address,
	machine: Address,
}

impl Stage {
	/// A machine with two of slot 7, for 30 each, and a patron who has 100.
	fn new() -> Self {
		let mut world = World::new(3);
		let (operator, device) = (world.user(1, "operator", 100), world.user(3, "device", 0));
		let patron = world.user(2, "patron", 100);
		let install = Message::Install {
			device,
			patience: PATIENCE,
		};
		let machine = world.create::<Vending>(&operator, &install, 10);
		let mut stage = Self {
			world,
			operator,
			device,
			patron,
			machine,
		};
		stage.fill(2);
		stage
	}

	fn fill(&mut self, count: u32) {
		let fill = Message::Fill {
			slot: 7,
			price: 30,
			count,
		};
		assert_eq!(self.refusal(self.operator, &fill, 0), None);
	}

	/// Why a message is refused; none if it isn't.
	fn refusal(&mut self, from: Address, message: &Message, value: u128) -> Option<String> {
		let before = self.world.received(&from).len();
		self.world.send(&from, &self.machine, message, value);
		self.world.run();
		self.world.assert_conserved();
		let received = &self.world.received(&from)[before..];
		received.iter().find_map(|message| message.refusal())
	}

	fn slot(&self) -> Option<Slot> {
		self.world.entry(&self.machine, &SLOTS, &7)
	}

	fn count(&self) -> u32 {
		self.slot().map_or(0, |slot| slot.count)
	}

	fn last<T: Decode>(&self, user: Address) -> Option<(T, u128)> {
		let last = self.world.received(&user).last()?;
		Some((last.decode()?, last.value))
	}

	fn balances(&self) -> [u128; 3] {
		[self.operator, self.patron, self.machine].map(|account| self.world.balance(&account))
	}
}

#[test]
fn a_patron_gets_goods_and_change_and_the_operator_the_price() {
	let mut stage = Stage::new();
	assert_eq!(stage.refusal(stage.patron, &Message::Buy { slot: 7 }, 50), None);
	let order = Order::Dispense { sale: 0, slot: 7 };
	assert_eq!(stage.last(stage.device), Some((order, 0)));
	let receipt = Payment::Receipt {
		sale: 0,
		slot: 7,
		price: 30,
	};
	assert_eq!(stage.last(stage.patron), Some((receipt, 20)));
	assert_eq!(stage.count(), 1);
	assert_eq!(
		stage.refusal(stage.operator, &Message::Collect, 0).as_deref(),
		Some("nothing was earned"),
		"the price is held"
	);
	assert_eq!(stage.refusal(stage.device, &Message::Dispensed(0), 0), None);
	assert_eq!(stage.refusal(stage.operator, &Message::Collect, 0), None);
	assert_eq!(stage.last(stage.operator), Some((Payment::Earnings, 30)));
	assert_eq!(stage.balances(), [120, 70, 10]);
	for report in [Message::Dispensed(0), Message::Jammed(0)] {
		assert_eq!(
			stage.refusal(stage.device, &report, 0).as_deref(),
			Some("there is no such sale open")
		);
	}
}

#[test]
fn a_jammed_machine_pays_back_and_sells_no_more() {
	let mut stage = Stage::new();
	assert_eq!(stage.refusal(stage.patron, &Message::Buy { slot: 7 }, 30), None);
	assert_eq!(stage.refusal(stage.device, &Message::Jammed(0), 0), None);
	assert_eq!(stage.last(stage.patron), Some((Payment::Refund { sale: 0 }, 30)));
	assert_eq!(stage.balances(), [90, 100, 10]);
	let buy = Message::Buy { slot: 7 };
	assert_eq!(
		stage.refusal(stage.patron, &buy, 30).as_deref(),
		Some("the slot is empty")
	);
	stage.fill(5);
	assert_eq!(stage.refusal(stage.patron, &buy, 30), None);
}

#[test]
fn a_patron_cancels_when_the_device_is_silent_for_too_long() {
	let mut stage = Stage::new();
	assert_eq!(stage.refusal(stage.patron, &Message::Buy { slot: 7 }, 30), None);
	let cancel = Message::Cancel(0);
	stage.world.advance(1, PATIENCE - 1);
	assert_eq!(
		stage.refusal(stage.patron, &cancel, 0).as_deref(),
		Some("the device still has time to report")
	);
	stage.world.advance(1, 1);
	assert_eq!(
		stage.refusal(stage.operator, &cancel, 0).as_deref(),
		Some("only the patron may do that")
	);
	assert_eq!(stage.refusal(stage.patron, &cancel, 0), None);
	assert_eq!((stage.balances(), stage.count()), ([90, 100, 10], 2));
	assert_eq!(
		stage.refusal(stage.device, &Message::Dispensed(0), 0).as_deref(),
		Some("there is no such sale open")
	);
}

#[test]
fn what_is_wrong_is_refused() {
	let mut stage = Stage::new();
	let (operator, device, patron) = (stage.operator, stage.device, stage.patron);
	let install = Message::Install {
		device: patron,
		patience: 0,
	};
	let fill = |price| Message::Fill {
		slot: 7,
		price,
		count: 9,
	};
	for (from, message, value, reason) in [
		(patron, Message::Buy { slot: 7 }, 29, "the price is higher"),
		(patron, Message::Buy { slot: 8 }, 30, "there is no such slot"),
		(patron, install, 0, "the machine is installed already"),
		(patron, fill(1), 0, "only the operator may do that"),
		(operator, fill(0), 0, "the goods have to have a price"),
		(operator, fill(1), 1, "this message takes no value"),
		(patron, Message::Collect, 0, "only the operator may do that"),
		(patron, Message::Dispensed(0), 0, "only the device may do that"),
		(patron, Message::Jammed(0), 0, "only the device may do that"),
		(device, Message::Dispensed(0), 0, "there is no such sale open"),
		(patron, Message::Cancel(0), 0, "there is no such sale open"),
		(
			patron,
			Message::Claim { to: patron },
			0,
			"nothing is kept for the sender",
		),
	] {
		assert_eq!(stage.refusal(from, &message, value).as_deref(), Some(reason));
	}
	assert_eq!((stage.balances(), stage.count()), ([90, 100, 10], 2));
}

#[test]
fn each_of_the_goods_is_sold_once_to_patrons_of_all_chains() {
	for seed in 0..20 {
		let mut random = Random::new(seed);
		let mut stage = Stage::new();
		stage.fill(10);
		let patrons: Vec<Address> = (0..15)
			.map(|patron| stage.world.user(patron % 3 + 1, &format!("patron {patron}"), 35))
			.collect();
		for patron in &patrons {
			let buy = Message::Buy { slot: 7 };
			stage.world.send(patron, &stage.machine, &buy, 35);
		}
		stage.world.run_shuffled(&mut random);
		for message in stage.world.received(&stage.device).to_vec() {
			let Some(Order::Dispense { sale, .. }) = message.decode() else {
				panic!("{message:?}");
			};
			let report = match random.below(3) {
				0 => Message::Jammed(sale),
				_ => Message::Dispensed(sale),
			};
			stage.world.send(&stage.device, &stage.machine, &report, 0);
		}
		stage.world.run_shuffled(&mut random);
		stage.world.assert_conserved();

		let with = |balance| {
			patrons
				.iter()
				.filter(|patron| stage.world.balance(patron) == balance)
				.count() as u128
		};
		// Five found the slot empty; of the others, some were paid back, and the rest had to pay.
		let (paid, unpaid) = (with(5), with(35));
		assert_eq!(paid + unpaid, 15, "seed {seed}");
		let earned = stage.world.item(&stage.machine, &EARNINGS).unwrap_or_default();
		assert_eq!(earned, 30 * paid, "seed {seed}");
		assert_eq!(stage.world.balance(&stage.machine), 10 + earned);
		let open = (0..10).filter_map(|sale| stage.world.entry(&stage.machine, &OPEN, &sale));
		assert_eq!(open.collect::<Vec<Open>>(), []);
	}
}

/// An actor that buys, and takes no change.
struct Hermit;

impl Actor for Hermit {
	type Accepts = (Address, Message, u128);

	fn handle(context: &mut Context, (to, message, value): Self::Accepts) -> Result<(), Refusal> {
		if *context.kind() != Kind::External {
			return Err("go away".into());
		}
		let gas = context.gas_left() / 2;
		context.send(&to, &message, value, gas)
	}
}

#[test]
fn who_does_not_take_change_claims_it_later() {
	let mut stage = Stage::new();
	let Stage { patron, machine, .. } = stage;
	let buy = (machine, Message::Buy { slot: 7 }, 50u128);
	let hermit = stage.world.create::<Hermit>(&patron, &buy, 50);
	stage.world.run();
	assert_eq!(stage.world.entry(&machine, UNCLAIMED.map(), &hermit), Some(20));
	let claim = (machine, Message::Claim { to: patron }, 0u128);
	stage.world.send(&patron, &hermit, &claim, 0);
	stage.world.run();
	assert_eq!(stage.last(patron), Some((Payment::Claimed, 20)));
	assert_eq!(stage.balances(), [90, 70, 40]);
}

#[test]
fn the_interface_is_valid() {
	let vending = interface::<Vending>().unwrap();
	assert!(vending.emitted("order").is_some() && vending.emitted("payment").is_some());
}
