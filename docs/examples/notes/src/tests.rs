use super::*;
use crate as pallet_notes;
use codec::{DecodeAll, Encode};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, derive_impl},
	frame_system,
	sp_io::TestExternalities,
};

#[frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(RuntimeCall, RuntimeEvent, RuntimeError, RuntimeOrigin, RuntimeTask)]
	pub struct Test;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Notes = pallet_notes;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlock<Test>;
}

impl pallet_notes::Config for Test {
	type MaxLength = ConstU32<4>;
}

#[test]
fn a_note_belongs_to_who_signed() {
	TestExternalities::default().execute_with(|| {
		let note = BoundedVec::truncate_from(b"ship".to_vec());
		assert_ok!(Notes::write(RuntimeOrigin::signed(1), note.clone()));
		assert_eq!(NoteOf::<Test>::get(1), Some(note.clone()));
		assert_noop!(
			Notes::write(RuntimeOrigin::none(), note),
			DispatchError::BadOrigin
		);
		assert_noop!(Notes::erase(RuntimeOrigin::signed(2)), Error::<Test>::NoNote);
		assert_ok!(Notes::erase(RuntimeOrigin::signed(1)));
		assert_eq!(NoteOf::<Test>::get(1), None);
	});
}

#[test]
fn a_longer_note_is_no_call() {
	let call = |note: &[u8]| RuntimeCall::decode_all(&mut &(1u8, 0u8, note).encode()[..]);
	assert!(call(b"ship").is_ok());
	assert!(call(b"ships").is_err());
}
