//! Prints the counter's interface, as it is given to the chain together with an actor.

use asterism_actor::interface_hex;
use counter::Counter;

fn main() {
	println!("{}", interface_hex::<Counter>().expect("the interface is valid"));
}
