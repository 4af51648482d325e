//! Members' identity keys (sr25519) as commonware takes them: for who votes in its consensus, and for who deals and plays in
//! its distributed key generation.
//!
//! # Overview
//!
//! | item | what it is |
//! |---|---|
//! | [`Identity`] | a member, by its public key |
//! | [`IdentitySignature`] | a member's signature |
//! | [`IdentitySigner`] | a member's key, which stays in the node's keystore |
//!
//! # Flow
//!
//! ```text
//!  commonware: sign(namespace, message) ──► IdentitySigner ──► keystore ──► IdentitySignature ──► other members: verify
//! ```
//!
//! # Assumptions
//!
//! - Namespaces and messages are joined as commonware joins them for its own keys, so a signature for one purpose is none for
//!   another.

use asterism_primitives::{committee::MemberId, keys::IDENTITY_KEY};
use bytes::{Buf, BufMut};
use commonware_codec::{Error as CodecError, FixedSize, Read, ReadExt, Write};
use commonware_cryptography::{BatchVerifier, PublicKey, Signature, Signer, Verifier};
use commonware_math::algebra::Random;
use commonware_parallel::Strategy;
use commonware_utils::{union_unique, Array, Span};
use polkadot_sdk::{
	sp_core::{sr25519, Pair},
	sp_keystore::KeystorePtr,
};
use rand_core::CryptoRngCore;
use std::{fmt, ops::Deref};

/// The target of this crate's log lines.
pub const LOG_TARGET: &str = "identity";

macro_rules! array_type {
	($(#[$doc:meta])* $name:ident, $len:expr) => {
		$(#[$doc])*
		#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
		pub struct $name(pub [u8; $len]);

		impl Write for $name {
			fn write(&self, buf: &mut impl BufMut) {
				self.0.write(buf);
			}
		}

		impl Read for $name {
			type Cfg = ();
			fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, CodecError> {
				<[u8; $len]>::read(buf).map(Self)
			}
		}

		impl FixedSize for $name {
			const SIZE: usize = $len;
		}

		impl Span for $name {}
		impl Array for $name {}

		impl AsRef<[u8]> for $name {
			fn as_ref(&self) -> &[u8] {
				&self.0
			}
		}

		impl Deref for $name {
			type Target = [u8];
			fn deref(&self) -> &[u8] {
				&self.0
			}
		}

		impl fmt::Debug for $name {
			fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
				write!(f, "0x{}", hex::encode(self.0))
			}
		}

		impl fmt::Display for $name {
			fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
				write!(f, "0x{}", hex::encode(self.0))
			}
		}
	};
}

array_type!(
	/// A member: its identity key, [`MemberId`].
	Identity,
	32
);
array_type!(
	/// An sr25519 signature, by which a member proves its identity.
	IdentitySignature,
	64
);

impl From<MemberId> for Identity {
	fn from(id: MemberId) -> Self {
		Identity(id.0)
	}
}

impl From<&Identity> for MemberId {
	fn from(id: &Identity) -> Self {
		MemberId(id.0)
	}
}

impl Signature for IdentitySignature {}

impl Verifier for Identity {
	type Signature = IdentitySignature;

	fn verify(&self, namespace: &[u8], message: &[u8], signature: &Self::Signature) -> bool {
		sr25519::Pair::verify(
			&sr25519::Signature::from_raw(signature.0),
			union_unique(namespace, message),
			&sr25519::Public::from_raw(self.0),
		)
	}
}

impl PublicKey for Identity {}

/// Verifies signatures one by one: all nodes must come to the same verdict on a log, and a batch equation may take what
/// no single verification takes.
pub struct OneByOne(bool);

impl BatchVerifier for OneByOne {
	type PublicKey = Identity;

	fn new() -> Self {
		OneByOne(true)
	}

	fn add(
		&mut self,
		namespace: &[u8],
		message: &[u8],
		public_key: &Identity,
		signature: &IdentitySignature,
	) -> bool {
		self.0 &= public_key.verify(namespace, message, signature);
		self.0
	}

	fn verify<R: CryptoRngCore>(self, _: &mut R, _: &impl Strategy) -> bool {
		self.0
	}
}

/// A member's secret identity key: in the keystore, or, in tests and for random ones, at hand.
#[derive(Clone)]
pub enum IdentitySigner {
	/// In the keystore.
	Keystore(KeystorePtr, MemberId),
	/// At hand.
	Pair(Box<sr25519::Pair>),
}

impl IdentitySigner {
	/// The identity key of this member in the keystore; `None` if it isn't there.
	pub fn of(keystore: KeystorePtr, id: MemberId) -> Option<Self> {
		keystore
			.has_keys(&[(id.0.to_vec(), IDENTITY_KEY)])
			.then_some(IdentitySigner::Keystore(keystore, id))
	}

	/// The key of a secret seed.
	pub fn from_seed(seed: &[u8; 32]) -> Self {
		IdentitySigner::Pair(Box::new(sr25519::Pair::from_seed(seed)))
	}

	/// Whose key it is.
	pub fn id(&self) -> MemberId {
		match self {
			IdentitySigner::Keystore(_, id) => *id,
			IdentitySigner::Pair(pair) => MemberId(pair.public().0),
		}
	}

	/// Signs; `None` if the keystore doesn't do it.
	pub fn try_sign(&self, message: &[u8]) -> Option<[u8; 64]> {
		match self {
			IdentitySigner::Keystore(keystore, id) => keystore
				.sr25519_sign(IDENTITY_KEY, &sr25519::Public::from_raw(id.0), message)
				.ok()
				.flatten()
				.map(|signature| signature.0),
			IdentitySigner::Pair(pair) => Some(pair.sign(message).0),
		}
	}
}

impl Random for IdentitySigner {
	fn random(mut rng: impl CryptoRngCore) -> Self {
		let mut seed = [0; 32];
		rng.fill_bytes(&mut seed);
		Self::from_seed(&seed)
	}
}

impl Signer for IdentitySigner {
	type Signature = IdentitySignature;
	type PublicKey = Identity;

	fn public_key(&self) -> Identity {
		self.id().into()
	}

	/// Zeros if the keystore doesn't sign: a signature that everybody refuses, as if this member were silent.
	fn sign(&self, namespace: &[u8], message: &[u8]) -> IdentitySignature {
		let signature = self.try_sign(&union_unique(namespace, message));
		if signature.is_none() {
			log::error!(target: LOG_TARGET, "the keystore does not sign with the identity key of {}", self.id());
		}
		IdentitySignature(signature.unwrap_or([0; 64]))
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use commonware_codec::{DecodeExt, Encode};
	use polkadot_sdk::sp_keystore::{testing::MemoryKeystore, Keystore};
	use std::sync::Arc;

	#[test]
	fn a_key_signs_from_the_keystore_or_from_hand() {
		let keystore = MemoryKeystore::new();
		let public = keystore
			.sr25519_generate_new(IDENTITY_KEY, Some("//Alice"))
			.unwrap();
		let keystore: KeystorePtr = Arc::new(keystore);
		let signer = IdentitySigner::of(keystore.clone(), MemberId(public.0)).unwrap();
		let other = IdentitySigner::from_seed(&[1; 32]);
		assert!(IdentitySigner::of(keystore.clone(), other.id()).is_none());
		for signer in [&signer, &other] {
			let signature = signer.sign(b"namespace", b"message");
			let public = signer.public_key();
			assert!(public.verify(b"namespace", b"message", &signature));
			assert!(!public.verify(b"namespac", b"emessage", &signature));
			assert!(!public.verify(b"namespace", b"other", &signature));
		}
		let signature = signer.sign(b"", b"message");
		assert!(!other.public_key().verify(b"", b"message", &signature));
		// A key that isn't there signs nothing that anybody takes.
		let absent = IdentitySigner::Keystore(keystore, other.id());
		assert!(!other
			.public_key()
			.verify(b"", b"message", &absent.sign(b"", b"message")));
	}

	#[test]
	fn identities_verify_sr25519_signatures() {
		let pair = sr25519::Pair::from_string("//Alice", None).unwrap();
		let identity = Identity(pair.public().0);
		let sign = |bytes: &[u8]| IdentitySignature(pair.sign(bytes).0);
		let signature = sign(&union_unique(b"space", b"message"));
		assert!(identity.verify(b"space", b"message", &signature));
		assert!(!identity.verify(b"space", b"other", &signature));
		assert!(!identity.verify(b"spac", b"emessage", &signature));
		assert!(!identity.verify(b"space", b"message", &IdentitySignature([0xff; 64])));
	}

	#[test]
	fn an_identity_is_its_members_bytes() {
		let member = MemberId([7; 32]);
		let identity = Identity::from(member);
		assert_eq!(MemberId::from(&identity), member);
		assert_eq!(identity.to_string(), member.to_string());
		let bytes = identity.encode();
		assert_eq!(bytes, member.0[..]);
		assert_eq!(Identity::decode(bytes.clone()).unwrap(), identity);
		for wrong in [&bytes[..31], &[&bytes[..], &[0]].concat()] {
			assert!(Identity::decode(wrong).is_err());
		}
	}

	#[test]
	fn one_wrong_signature_spoils_a_batch() {
		let signer = IdentitySigner::from_seed(&[1; 32]);
		let good = signer.sign(b"", b"message");
		let mut bad = good.clone();
		bad.0[0] ^= 1;
		for (signatures, valid) in [
			(vec![&good, &good], true),
			(vec![&bad, &good], false),
			(vec![&good, &bad], false),
		] {
			let mut batch = OneByOne::new();
			for signature in signatures {
				batch.add(b"", b"message", &signer.public_key(), signature);
			}
			assert_eq!(
				batch.verify(&mut rand::rngs::OsRng, &commonware_parallel::Sequential),
				valid
			);
		}
	}
}
