//! Purses on several chains: the example of Thinkey §5.4, Figure 10, and standing orders.

use asterism_actor::{
	interface,
	testing::{Random, World},
	Address,
};
use payments::{Message, Purse, Terms, MAX_ORDERS, ORDERS};

/// Users and their purses.
struct Stage {
	world: World,
	users: Vec<Address>,
	purses: Vec<Address>,
}

impl Stage {
	/// Alice, Bob and Charlie with 20, 5 and 10 in their purses, on these chains.
	fn new(chains: [u32; 3]) -> Self {
		let mut world = World::new(3);
		let (mut users, mut purses) = (Vec::new(), Vec::new());
		for ((name, balance), chain) in [("alice", 20), ("bob", 5), ("charlie", 10)]
			.into_iter()
			.zip(chains)
		{
			let user = world.user(chain, name, 100 + balance);
			users.push(user);
			purses.push(world.create::<Purse>(&user, &Message::Open, balance));
		}
		world.run();
		Self { world, users, purses }
	}

	/// The user sends a message to their own purse.
	fn tell(&mut self, user: usize, message: Message) {
		self.world
			.send(&self.users[user], &self.purses[user], &message, 0);
	}

	fn refusal(&mut self, user: usize, message: Message) -> Option<String> {
		let before = self.world.received(&self.users[user]).len();
		self.tell(user, message);
		self.world.run();
		let received = &self.world.received(&self.users[user])[before..];
		received.first().and_then(|message| message.refusal())
	}

	fn tran(&self, to: usize, bill: u128) -> Message {
		Message::Tran {
			to: self.purses[to],
			bill,
		}
	}

	fn order(&self, to: usize, bill: u128, first: u32, every: u32) -> Message {
		let to = self.purses[to];
		Message::Order(Terms {
			to,
			bill,
			first,
			every,
		})
	}

	fn balances(&self) -> Vec<u128> {
		self.purses
			.iter()
			.map(|purse| self.world.balance(purse))
			.collect()
	}
}

#[test]
fn alice_pays_bob_who_pays_charlie() {
	for chains in [[1, 1, 1], [1, 2, 3]] {
		let mut stage = Stage::new(chains);
		stage.tell(0, stage.tran(1, 10));
		stage.world.run();
		stage.tell(1, stage.tran(2, 10));
		stage.world.run();
		assert_eq!(stage.balances(), [10, 5, 20]);
		stage.world.assert_conserved();
	}
}

#[test]
fn either_order_is_valid_and_nobody_pays_what_they_dont_have() {
	let (mut paid, mut refused) = (0, 0);
	for seed in 0..50 {
		let mut stage = Stage::new([1, 2, 3]);
		stage.tell(0, stage.tran(1, 10));
		stage.tell(1, stage.tran(2, 10));
		stage.world.run_shuffled(&mut Random::new(seed));
		match stage.world.refusal(&stage.users[1]).as_deref() {
			None => {
				assert_eq!(stage.balances(), [10, 5, 20]);
				paid += 1;
			}
			Some("the balance is smaller than the bill") => {
				assert_eq!(stage.balances(), [10, 15, 10]);
				refused += 1;
			}
			Some(other) => panic!("seed {seed}: {other}"),
		}
		stage.world.assert_conserved();
	}
	assert!(paid > 0 && refused > 0, "{paid} paid, {refused} refused");
}

#[test]
fn only_the_owner_pays() {
	let mut stage = Stage::new([1, 2, 3]);
	let (bob, purse) = (stage.users[1], stage.purses[0]);
	let messages = [stage.tran(1, 1), stage.order(1, 1, 1, 1), Message::Cancel(0)];
	for message in messages {
		stage.world.send(&bob, &purse, &message, 0);
		stage.world.run();
		assert_eq!(
			stage.world.refusal(&bob).as_deref(),
			Some("only the owner may do that")
		);
	}
	stage.world.send(&bob, &purse, &Message::Open, 3);
	stage.world.run();
	assert_eq!(
		stage.world.refusal(&bob).as_deref(),
		Some("the purse has an owner already")
	);
	assert_eq!(stage.balances(), [20, 5, 10]);
}

#[test]
fn anybody_pays_in() {
	let mut stage = Stage::new([1, 2, 3]);
	let (bob, purse) = (stage.users[1], stage.purses[0]);
	stage.world.send(&bob, &purse, &Message::Add { order: None }, 3);
	stage.world.send(&bob, &purse, &(), 4);
	stage.world.run();
	assert_eq!(stage.balances(), [27, 5, 10]);
}

#[test]
fn a_standing_order_pays_what_is_due_once() {
	let mut stage = Stage::new([1, 2, 3]);
	let height = 1;
	stage.tell(0, stage.order(1, 3, height + 10, 10));
	assert_eq!(
		stage.refusal(0, Message::Settle).as_deref(),
		Some("no payment is due and covered")
	);
	stage.world.advance(1, 10);
	assert_eq!(stage.refusal(0, Message::Settle), None);
	assert_eq!(stage.balances(), [17, 8, 10]);
	assert!(stage.refusal(0, Message::Settle).is_some());

	// Three payments are due by now, and are made as one.
	stage.world.advance(1, 39);
	let stranger = stage.users[2];
	stage.world.send(&stranger, &stage.purses[0], &Message::Settle, 0);
	stage.world.run();
	assert_eq!(stage.balances(), [8, 17, 10]);

	// Of five, the balance covers two. The others follow once there is a balance again.
	stage.world.advance(1, 50);
	assert_eq!(stage.refusal(0, Message::Settle), None);
	assert_eq!(stage.balances(), [2, 23, 10]);
	stage.world.send(&stranger, &stage.purses[0], &(), 100);
	assert_eq!(stage.refusal(0, Message::Settle), None);
	assert_eq!(stage.balances(), [93, 32, 10]);
	assert_eq!(stage.refusal(0, Message::Cancel(0)), None);
	assert_eq!(
		stage.refusal(0, Message::Cancel(0)).as_deref(),
		Some("there is no such order")
	);
	stage.world.advance(1, 50);
	assert!(stage.refusal(0, Message::Settle).is_some());
	stage.world.assert_conserved();
}

#[test]
fn an_order_to_nobody_is_cancelled_by_what_comes_back() {
	let mut stage = Stage::new([1, 2, 3]);
	let nobody = Address {
		chain: 2,
		account: [9; 32],
	};
	stage.tell(
		0,
		Message::Order(Terms {
			to: nobody,
			bill: 1,
			first: 0,
			every: 1,
		}),
	);
	stage.tell(0, stage.order(2, 1, 0, 1));
	assert_eq!(stage.refusal(0, Message::Settle), None);
	assert_eq!(stage.balances(), [18, 5, 12], "blocks 0 and 1");
	let orders = stage.world.item(&stage.purses[0], &ORDERS).unwrap();
	assert_eq!(orders.iter().map(|order| order.number).collect::<Vec<_>>(), [1]);
}

#[test]
fn all_orders_that_a_purse_may_have_are_settled_by_one_message() {
	let mut stage = Stage::new([1, 2, 3]);
	for _ in 0..MAX_ORDERS {
		stage.tell(0, stage.order(1, 1, 1, 1_000));
	}
	let one_more = stage.order(1, 1, 1, 1_000);
	assert_eq!(
		stage.refusal(0, one_more).as_deref(),
		Some("there are too many orders")
	);
	assert_eq!(stage.refusal(0, Message::Settle), None);
	assert_eq!(stage.balances(), [4, 21, 10]);
	for (bill, every, reason) in [
		(0, 1, "there is nothing to pay"),
		(1, 0, "payments have to be a block apart"),
	] {
		let bad = stage.order(1, bill, 1, every);
		assert_eq!(stage.refusal(0, bad).as_deref(), Some(reason));
	}
}

#[test]
fn the_largest_numbers_are_no_trouble() {
	let mut stage = Stage::new([1, 2, 3]);
	stage.tell(0, stage.order(1, u128::MAX, 0, 1));
	stage.tell(0, stage.order(1, 1, 0, u32::MAX));
	stage.tell(0, stage.order(1, 1, u32::MAX, u32::MAX));
	assert_eq!(stage.refusal(0, Message::Settle), None);
	assert_eq!(stage.balances(), [19, 6, 10]);
	stage.world.advance(1, u32::MAX - 1);
	assert_eq!(stage.refusal(0, Message::Settle), None);
	assert_eq!(stage.balances(), [17, 8, 10]);
	let bill = stage.tran(1, u128::MAX);
	assert_eq!(
		stage.refusal(0, bill).as_deref(),
		Some("the balance is smaller than the bill")
	);
}

#[test]
fn a_purse_is_closed_by_its_owner() {
	let mut stage = Stage::new([1, 2, 3]);
	stage.tell(0, stage.order(1, 1, 1_000, 1));
	assert_eq!(
		stage.refusal(0, Message::Close).as_deref(),
		Some("there are standing orders")
	);
	stage.tell(0, Message::Cancel(0));
	let (bob, purse) = (stage.users[1], stage.purses[0]);
	stage.world.send(&bob, &purse, &Message::Close, 0);
	stage.world.run();
	assert_eq!(
		stage.world.refusal(&bob).as_deref(),
		Some("only the owner may do that")
	);
	assert_eq!(stage.refusal(0, Message::Close), None);
	assert_eq!(stage.world.code(&purse), None);
	assert_eq!(stage.world.balance(&stage.users[0]), 120);
	// What is paid to it now goes back.
	stage.tell(1, stage.tran(0, 5));
	stage.world.run();
	assert_eq!(stage.balances(), [0, 5, 10]);
	stage.world.assert_conserved();
}

#[test]
fn the_interface_is_valid() {
	let purse = interface::<Purse>().unwrap();
	assert!(purse.emitted("payment").is_some());
}
