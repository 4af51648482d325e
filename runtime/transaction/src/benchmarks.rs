//! The benchmarks of this runtime's pallets.

use super::*;

pub use frame_benchmarking::baseline::Pallet as Baseline;
pub use frame_system_benchmarking::{extensions::Pallet as SystemExtensions, Pallet as SystemBenchmarks};

frame_benchmarking::define_benchmarks!(
	[frame_benchmarking, Baseline::<Runtime>]
	[frame_system, SystemBenchmarks::<Runtime>]
	[frame_system_extensions, SystemExtensions::<Runtime>]
	[pallet_balances, Balances]
	[pallet_multisig, Multisig]
	[pallet_proxy, Proxy]
	[pallet_timestamp, Timestamp]
	[pallet_utility, Utility]
	[pallet_root_view, RootView]
	[pallet_messages, Messages]
	[pallet_actors, Actors]
	[pallet_epochs, Epochs]
	[pallet_composition, Composition]
);

impl frame_benchmarking::baseline::Config for Runtime {}
impl frame_system_benchmarking::Config for Runtime {}
