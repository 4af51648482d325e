//! The signing scheme of committees, and the two forms of its certificates: the engine's and the chain's.

use asterism_primitives::{
	certificate::{Certificate, CertificateError, CertificateKind, Realm, Round},
	committee::{BlsPublic, BlsSignature, Committee, MemberId},
	Hash,
};
use bytes::{Buf, BufMut};
use commonware_codec::{DecodeExt, Encode, Error as CodecError, FixedSize, Read, ReadExt, Write};
use commonware_consensus::{
	simplex::{
		scheme::bls12381_multisig,
		types::{Finalization, Notarization, Proposal},
	},
	types::{Epoch, Round as EngineRound, View},
};
use commonware_cryptography::{
	bls12381::{
		certificate::multisig::Certificate as MultisigCertificate,
		primitives::{
			group::{Private, G2},
			ops::{aggregate, compute_public},
			variant::MinSig,
		},
	},
	certificate::Signers,
	sha256, PublicKey, Signature, Verifier,
};
use commonware_parallel::Sequential;
use commonware_utils::{ordered::BiMap, Array, Participant, Span};
use polkadot_sdk::sp_core::{sr25519, Pair};
use std::{fmt, ops::Deref};

/// A block hash as the engine's payload. The engine asks for 32 bytes and never hashes itself.
pub type Digest = sha256::Digest;
/// The attributable BLS12-381 multi-signature scheme: keys in G2, signatures in G1.
pub type Scheme = bls12381_multisig::Scheme<Identity, MinSig>;

/// The block hash as the engine's payload.
pub fn to_digest(hash: Hash) -> Digest {
	Digest::from(hash.0)
}

/// The engine's payload as a block hash.
pub fn to_hash(digest: Digest) -> Hash {
	Hash::from(digest.0)
}

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
				write!(f, "{}", MemberIdHex(&self.0))
			}
		}

		impl fmt::Display for $name {
			fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
				write!(f, "{}", MemberIdHex(&self.0))
			}
		}
	};
}

struct MemberIdHex<'a>(&'a [u8]);

impl fmt::Display for MemberIdHex<'_> {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str("0x")?;
		self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
	}
}

array_type!(
	/// A member's identity in the engine: its sr25519 discovery key, [`MemberId`].
	Identity,
	32
);
array_type!(
	/// An sr25519 signature, by which a member proves its identity.
	IdentitySignature,
	64
);

impl Signature for IdentitySignature {}

impl Verifier for Identity {
	type Signature = IdentitySignature;

	fn verify(&self, namespace: &[u8], msg: &[u8], sig: &Self::Signature) -> bool {
		let bytes = commonware_utils::union_unique(namespace, msg);
		sr25519::Pair::verify(
			&sr25519::Signature::from_raw(sig.0),
			bytes,
			&sr25519::Public::from_raw(self.0),
		)
	}
}

impl PublicKey for Identity {}

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

/// A committee that can't be turned into a scheme: its consensus keys are no valid points of the curve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("committee of epoch {epoch}: the consensus key of member {member} is not a valid BLS12-381 public key in G2")]
pub struct BadKey {
	/// The committee's epoch.
	pub epoch: u64,
	/// Whose key.
	pub member: MemberId,
}

fn participants(committee: &Committee) -> Result<BiMap<Identity, G2>, BadKey> {
	let bad = |member| BadKey {
		epoch: committee.epoch(),
		member,
	};
	let mut pairs = Vec::with_capacity(committee.members().len());
	for member in committee.members() {
		let key = G2::decode(&member.key.0[..]).map_err(|_| bad(member.id))?;
		pairs.push((Identity::from(member.id), key));
	}
	let first = committee
		.members()
		.first()
		.map(|m| m.id)
		.unwrap_or(MemberId([0; 32]));
	BiMap::try_from(pairs).map_err(|_| bad(first))
}

/// The scheme by which anybody verifies what a committee signs.
///
/// # Errors
/// [`BadKey`].
pub fn verifier(realm: Realm, committee: &Committee) -> Result<Scheme, BadKey> {
	Ok(Scheme::verifier(&realm.namespace(), participants(committee)?))
}

/// The scheme by which a member signs; `None` if the secret key is of no member.
///
/// # Errors
/// [`BadKey`].
pub fn signer(realm: Realm, committee: &Committee, secret: Private) -> Result<Option<Scheme>, BadKey> {
	Ok(Scheme::signer(
		&realm.namespace(),
		participants(committee)?,
		secret,
	))
}

/// The public key of a secret one.
pub fn public_key(secret: &Private) -> BlsPublic {
	let bytes = compute_public::<MinSig>(secret).encode();
	let mut key = [0; asterism_primitives::committee::BLS_PUBLIC_LEN];
	key.copy_from_slice(&bytes);
	BlsPublic(key)
}

fn encode(
	kind: CertificateKind,
	proposal: &Proposal<Digest>,
	certificate: &MultisigCertificate<MinSig>,
) -> Option<Certificate> {
	let size = u32::try_from(certificate.signers.len()).ok()?;
	let signature = certificate.signature.get()?.encode();
	Some(Certificate {
		kind,
		round: Round {
			epoch: proposal.round.epoch().get(),
			view: proposal.round.view().get(),
		},
		parent_view: proposal.parent.get(),
		block_hash: to_hash(proposal.payload),
		signers: Certificate::bitmap(size, certificate.signers.iter().map(|p| p.get()))?,
		signature: BlsSignature::try_from(&signature[..]).ok()?,
	})
}

/// A finalization as it goes into a justification.
pub fn from_finalization(finalization: &Finalization<Scheme, Digest>) -> Option<Certificate> {
	encode(
		CertificateKind::Finalization,
		&finalization.proposal,
		&finalization.certificate,
	)
}

/// A notarization as it goes into a justification.
pub fn from_notarization(notarization: &Notarization<Scheme, Digest>) -> Option<Certificate> {
	encode(
		CertificateKind::Notarization,
		&notarization.proposal,
		&notarization.certificate,
	)
}

fn decode(
	committee: &Committee,
	certificate: &Certificate,
) -> Result<(Proposal<Digest>, MultisigCertificate<MinSig>), CertificateError> {
	let size = committee.members().len();
	if certificate.signers.len() != size.div_ceil(8) {
		return Err(CertificateError::BadSigners);
	}
	let indices: Vec<_> = certificate.signer_indices().collect();
	if indices.iter().any(|i| *i as usize >= size) {
		return Err(CertificateError::BadSigners);
	}
	let (needed, signed) = (committee.quorum(), indices.len() as u32);
	if signed < needed {
		return Err(CertificateError::NoQuorum { needed, signed });
	}
	let signature = aggregate::Signature::<MinSig>::decode(&certificate.signature.0[..])
		.map_err(|_| CertificateError::BadSignature)?;
	let round = EngineRound::new(
		Epoch::new(certificate.round.epoch),
		View::new(certificate.round.view),
	);
	let proposal = Proposal::new(
		round,
		View::new(certificate.parent_view),
		to_digest(certificate.block_hash),
	);
	let signers = Signers::from(size, indices.into_iter().map(Participant::new));
	Ok((
		proposal,
		MultisigCertificate {
			signers,
			signature: signature.into(),
		},
	))
}

/// The engine's form of a finalization certificate, verified against its committee.
///
/// # Errors
/// The first [`CertificateError`] found.
pub fn finalization(
	scheme: &Scheme,
	committee: &Committee,
	certificate: &Certificate,
) -> Result<Finalization<Scheme, Digest>, CertificateError> {
	if certificate.kind != CertificateKind::Finalization {
		return Err(CertificateError::WrongKind);
	}
	let (proposal, inner) = checked(committee, certificate)?;
	let finalization = Finalization {
		proposal,
		certificate: inner,
	};
	if !finalization.verify(&mut rand::rngs::OsRng, scheme, &Sequential) {
		return Err(CertificateError::BadSignature);
	}
	Ok(finalization)
}

fn checked(
	committee: &Committee,
	certificate: &Certificate,
) -> Result<(Proposal<Digest>, MultisigCertificate<MinSig>), CertificateError> {
	if certificate.round.epoch != committee.epoch() {
		return Err(CertificateError::WrongEpoch {
			expected: committee.epoch(),
			got: certificate.round.epoch,
		});
	}
	decode(committee, certificate)
}

/// Verifies a certificate of either kind against its committee.
///
/// # Errors
/// The first [`CertificateError`] found.
pub fn verify(
	scheme: &Scheme,
	committee: &Committee,
	certificate: &Certificate,
) -> Result<(), CertificateError> {
	match certificate.kind {
		CertificateKind::Finalization => finalization(scheme, committee, certificate).map(drop),
		CertificateKind::Notarization => {
			let (proposal, inner) = checked(committee, certificate)?;
			let notarization = Notarization {
				proposal,
				certificate: inner,
			};
			notarization
				.verify(&mut rand::rngs::OsRng, scheme, &Sequential)
				.then_some(())
				.ok_or(CertificateError::BadSignature)
		}
	}
}

#[cfg(test)]
mod tests;
