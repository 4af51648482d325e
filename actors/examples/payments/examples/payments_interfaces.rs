//! Prints the interface of the purse, as given to the chain together with an actor:
//! `cargo run --example payments_interfaces`.

use asterism_actor::interface_hex;
use payments::Purse;

fn main() {
	println!(
		"Purse {}",
		interface_hex::<Purse>().expect("the interface is valid")
	);
}
