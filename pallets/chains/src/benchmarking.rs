//! Benchmarks of the calls.

use super::*;
use asterism_primitives::committee::{BlsPublic, MemberId};
use polkadot_sdk::{
	frame_benchmarking::{self, v2::*},
	sp_core::hashing::blake2_256,
};

/// Compressed G2 generator: the one key that needs no curve arithmetic to be valid.
pub fn generator_key() -> BlsPublic {
	let mut bytes = [0u8; 96];
	let hex =
		"93e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e\
		024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8";
	for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks(2)) {
		let digit = |c: u8| (c as char).to_digit(16).unwrap_or(0) as u8;
		*byte = digit(pair[0]) << 4 | digit(pair[1]);
	}
	BlsPublic(bytes)
}

#[benchmarks]
mod benches {
	use super::*;

	#[benchmark]
	fn register() -> Result<(), BenchmarkError> {
		let origin = T::RegisterOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
		let genesis = Box::new(Header::new(
			0,
			Hash::zero(),
			Hash::repeat_byte(1),
			Hash::zero(),
			Default::default(),
		));
		let member = Member {
			id: MemberId(blake2_256(b"member")),
			key: generator_key(),
		};
		let members = BoundedVec::try_from(alloc::vec![member]).map_err(|_| "one member fits")?;
		let chain = ChainId(u32::MAX);

		#[extrinsic_call]
		_(
			origin as T::RuntimeOrigin,
			chain,
			genesis,
			ChainParameters::default(),
			members,
		);

		assert!(Chains::<T>::contains_key(chain));
		Ok(())
	}
}
