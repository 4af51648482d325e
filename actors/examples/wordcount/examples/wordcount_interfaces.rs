//! Prints the interfaces of the mapper and the reducer, as given to the chain together with an actor:
//! `cargo run --example wordcount_interfaces`.

use asterism_actor::interface_hex;
use wordcount_mapper::Mapper;
use wordcount_reducer::Reducer;

fn main() {
	println!(
		"Mapper {}",
		interface_hex::<Mapper>().expect("the interface is valid")
	);
	println!(
		"Reducer {}",
		interface_hex::<Reducer>().expect("the interface is valid")
	);
}
