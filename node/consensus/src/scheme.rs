//! The signing scheme of committees, and the two forms of its certificates: the engine's and the chain's.

use asterism_primitives::{
	certificate::{Certificate, CertificateError, CertificateKind, Realm, Round},
	committee::{BlsPublic, BlsSignature, Committee, MemberId},
	Hash,
};
use commonware_codec::{DecodeExt, Encode};
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
	sha256,
};
use commonware_parallel::Sequential;
use commonware_utils::{ordered::BiMap, Participant};

pub use asterism_identity::Identity;

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
