//! The counter in a world of two chains.

use asterism_actor::{interface, testing::World, Address};
use counter::{Answer, Counter, Message, COUNT};

fn start() -> (World, Address, Address, Address) {
	let mut world = World::new(2);
	let (alice, bob) = (world.user(1, "alice", 100), world.user(2, "bob", 100));
	let counter = world.create::<Counter>(&alice, &Message::Start, 10);
	world.run();
	(world, alice, bob, counter)
}

#[test]
fn it_counts_for_all_chains() {
	let (mut world, alice, bob, counter) = start();
	world.send(&alice, &counter, &Message::Add(2), 0);
	world.send(&bob, &counter, &Message::Add(3), 0);
	world.run();
	assert_eq!(world.item(&counter, &COUNT), Some(5));
	let answer = world.received(&bob).last().unwrap();
	assert_eq!(answer.decode(), Some(Answer::Count(5)));
	world.assert_conserved();
}

#[test]
fn only_the_owner_sets_it() {
	let (mut world, alice, bob, counter) = start();
	world.send(&bob, &counter, &Message::Set(7), 0);
	world.run();
	assert_eq!(
		world.refusal(&bob).as_deref(),
		Some("only the owner may set the count")
	);
	world.send(&bob, &counter, &Message::Start, 0);
	world.run();
	assert_eq!(
		world.refusal(&bob).as_deref(),
		Some("the counter has an owner already")
	);
	world.send(&alice, &counter, &Message::Set(u64::MAX), 0);
	world.send(&alice, &counter, &Message::Add(1), 0);
	world.run();
	assert_eq!(
		world.refusal(&alice).as_deref(),
		Some("the count would be too large")
	);
	assert_eq!(world.item(&counter, &COUNT), Some(u64::MAX));
}

#[test]
fn it_takes_no_value_but_with_the_first_message() {
	let (mut world, alice, bob, counter) = start();
	world.send(&bob, &counter, &Message::Add(1), 5);
	world.send(&alice, &counter, &(), 5);
	world.run();
	assert_eq!(
		world.refusal(&bob).as_deref(),
		Some("this message takes no value")
	);
	assert_eq!(world.refusal(&alice).as_deref(), Some("no message"));
	assert_eq!(
		(
			world.balance(&alice),
			world.balance(&bob),
			world.balance(&counter)
		),
		(90, 100, 10)
	);
}

#[test]
fn its_interface_is_valid() {
	assert!(interface::<Counter>().unwrap().emitted("answer").is_some());
}
