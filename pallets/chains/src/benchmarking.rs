//! Benchmarks of the calls.

use super::*;
use asterism_primitives::committee::MemberId;
use polkadot_sdk::frame_benchmarking::v2::*;

fn id(i: u32) -> [u8; 32] {
	let mut id = [0; 32];
	id[..4].copy_from_slice(&i.to_be_bytes());
	id
}

#[benchmarks]
mod benches {
	use super::*;

	/// `m`: the members of the committee.
	#[benchmark]
	fn register(m: Linear<1, MAX_MEMBERS>) -> Result<(), BenchmarkError> {
		let origin = T::RegisterOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
		let genesis = Box::new(Header::new(
			0,
			Hash::zero(),
			Hash::repeat_byte(1),
			Hash::zero(),
			Default::default(),
		));
		let members: Vec<_> = (0..m)
			.map(|i| Member {
				id: MemberId(id(i)),
				key: T::BenchmarkHelper::key(i),
			})
			.collect();
		let members = BoundedVec::try_from(members).map_err(|_| "as many members as a committee may have")?;
		let chain = ChainId(u32::MAX);

		#[extrinsic_call]
		_(
			origin as T::RuntimeOrigin,
			chain,
			genesis,
			ChainParameters::default(),
			members,
		);

		assert_eq!(
			Committees::<T>::get(chain, 0).map(|committee| committee.size()),
			Some(m)
		);
		Ok(())
	}

	/// The end of an epoch, with a committee of as many members as there may be to be forgotten.
	#[benchmark]
	fn advance() -> Result<(), BenchmarkError> {
		let depth = T::HistoryDepth::get();
		let member = |i: u32| Member {
			id: MemberId(id(i)),
			key: T::BenchmarkHelper::key(i),
		};
		for epoch in [0, depth.saturating_add(1)] {
			let members = (0..MAX_MEMBERS).map(member).collect();
			let committee = Committee::new(epoch, members).map_err(|_| "the members are a committee")?;
			Pallet::<T>::put_committee(ChainId::ROOT, committee)?;
		}
		Ended::<T>::insert(ChainId::ROOT, 0, 1);
		let info = ChainInfo {
			genesis: Hash::zero(),
			parameters: ChainParameters::default(),
			epoch: depth,
		};
		Chains::<T>::insert(ChainId::ROOT, info);
		Ready::<T>::insert(ChainId::ROOT, depth.saturating_add(1));

		let result;

		#[block]
		{
			result = Pallet::<T>::advance(ChainId::ROOT);
		}

		assert_eq!(result, Ok(()));
		assert!(!Committees::<T>::contains_key(ChainId::ROOT, 0));
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::tests::genesis(alloc::vec![]), crate::tests::Test);
}
