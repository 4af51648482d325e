//! Prints the interface of the vending machine, as given to the chain together with an actor:
//! `cargo run --example vending_interfaces`.

use asterism_actor::interface_hex;
use vending::Vending;

fn main() {
	println!(
		"Vending {}",
		interface_hex::<Vending>().expect("the interface is valid")
	);
}
