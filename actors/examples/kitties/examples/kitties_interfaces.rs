//! Prints the interfaces of the collector, the auctioneer and the recorder, as given to the chain together with an actor:
//! `cargo run --example kitties_interfaces`.

use asterism_actor::interface_hex;
use kitties_auctioneer::Auctioneer;
use kitties_collector::Collector;
use kitties_recorder::Recorder;

fn main() {
	println!(
		"Collector {}",
		interface_hex::<Collector>().expect("the interface is valid")
	);
	println!(
		"Auctioneer {}",
		interface_hex::<Auctioneer>().expect("the interface is valid")
	);
	println!(
		"Recorder {}",
		interface_hex::<Recorder>().expect("the interface is valid")
	);
}
