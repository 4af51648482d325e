//! How the first root committee makes the group key, before there is a chain: over a directory that its members share.
//!
//! # Flow
//!
//! ```text
//!  deal   <id>.key      every member: a key that dealings to it are sealed with
//!         <id>.dealing  once all keys are there: its polynomial's commitment, and each member's sealed share
//!         <id>.acks     once all dealings are there: that each of them is valid, and stored
//!         <id>.log      once all acknowledgements are there: its signed log
//!  finish               once all logs are there: the share into the keystore, the beacon for the network file
//! ```
//!
//! `deal` goes as far as the files allow and says whom it waits for; it is run again when they have come. How the files get from one
//! member to another doesn't matter (a repository, a shared folder, a courier): each is signed with its member's identity
//! key, and shares are sealed to their member (Noise's pattern N). Nothing secret is in the directory.
//!
//! # Assumptions
//!
//! - All members take part: no share is revealed, and one that is silent is named. That is no loss, for they all have to start the
//!   network anyway.
//! - All see the same files. `finish` prints the hash of its output: members compare it before they start.

use crate::{
	dkg::{watch, Action, DkgError, Participation, StoredDealing, Terms},
	identity::IdentitySigner,
	output::PublicOutput,
	store::{write_private, Store, StoreError},
	wire::Message,
};
use asterism_primitives::{
	beacon::{GenesisBeacon, LogBytes, MAX_LOG_BYTES},
	committee::{MemberId, MAX_MEMBERS},
	Hash,
};
use codec::{Decode, DecodeAll, Encode};
use polkadot_sdk::{
	sc_keystore::LocalKeystore,
	sp_core::{bounded::BoundedVec, sr25519, ConstU32, Pair},
	sp_crypto_hashing::blake2_256,
	sp_keystore::KeystorePtr,
};
use rand::{rngs::OsRng, RngCore};
use std::{
	collections::BTreeMap,
	fs,
	io::Read,
	path::{Path, PathBuf},
};

/// Separates ceremonies from everything else that identity keys sign.
const CEREMONY: &[u8] = b"ASTERISM_BEACON_CEREMONY";
/// How shares are sealed.
const NOISE: &str = "Noise_N_25519_ChaChaPoly_BLAKE2s";
/// Bytes of a sealed share: an ephemeral key, the share and a tag.
const SEALED: usize = 32 + 32 + 16;
/// Bytes that a file may have.
const MAX_FILE: u64 = 128 * 1024;
/// The directory of shares in a keystore's.
pub const SHARES: &str = "beacon";

/// Why a ceremony doesn't go on.
#[derive(Debug, thiserror::Error)]
pub enum CeremonyError {
	/// The members are none, too many, or one appears twice.
	#[error("members: expected 1 to {MAX_MEMBERS} member ids, each once")]
	Members,
	/// The keystore has no identity key of a member, or of several.
	#[error("keystore: expected the identity key (type `audi`) of exactly one of the members, found {0}")]
	NotOneMember(usize),
	/// A file can't be read or written, or is not what it should be.
	#[error("{file}: {reason}")]
	File {
		/// Which.
		file: PathBuf,
		/// What is wrong.
		reason: String,
	},
	/// A share or secret can't be stored.
	#[error(transparent)]
	Store(#[from] StoreError),
	/// The files don't make a key.
	#[error(transparent)]
	Dkg(#[from] DkgError),
	/// The identity key doesn't sign.
	#[error("the keystore does not sign with the identity key of {0}")]
	Sign(MemberId),
	/// `finish` comes too early.
	#[error("the logs of {0} members are missing: run `deal` until they are there")]
	TooEarly(usize),
	/// This member's secrets of the ceremony are gone, and it has no share.
	#[error("{0}: this member's part of the ceremony is missing: it dealt with another keystore, or its files were deleted")]
	NoSecrets(PathBuf),
}

/// How far `deal` got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
	/// Files of this kind are missing from these members.
	Waiting(&'static str, Vec<MemberId>),
	/// All logs are there: `finish` comes next.
	Complete,
}

/// A ceremony as one member sees it.
pub struct Ceremony {
	realm: Hash,
	members: Vec<MemberId>,
	me: MemberId,
	signer: IdentitySigner,
	directory: PathBuf,
	/// Where shares go.
	shares: PathBuf,
}

/// A file's content and its member's signature.
#[derive(Encode, Decode)]
struct Envelope {
	content: Vec<u8>,
	signature: [u8; 64],
}

#[derive(Encode, Decode)]
struct DealingFile {
	commitment: Vec<u8>,
	/// In the order of the members.
	sealed: BoundedVec<[u8; SEALED], ConstU32<MAX_MEMBERS>>,
}

/// In the order of the members as dealers.
type AcksFile = BoundedVec<[u8; 64], ConstU32<MAX_MEMBERS>>;

impl Ceremony {
	/// The ceremony of this name among these members, in any order, by files in `directory`. This member is the one whose
	/// identity key is in the keystore at `keystore_path`.
	///
	/// # Errors
	/// [`CeremonyError`].
	pub fn open(
		name: &str,
		mut members: Vec<MemberId>,
		directory: PathBuf,
		keystore_path: &Path,
	) -> Result<Self, CeremonyError> {
		members.sort_unstable();
		let once = members.windows(2).all(|pair| pair[0] != pair[1]);
		if members.is_empty() || members.len() > MAX_MEMBERS as usize || !once {
			return Err(CeremonyError::Members);
		}
		let keystore: KeystorePtr = LocalKeystore::open(keystore_path, None)
			.map_err(|error| file_error(keystore_path, error.to_string()))?
			.into();
		let mut mine: Vec<_> = members
			.iter()
			.filter_map(|member| IdentitySigner::of(keystore.clone(), *member))
			.collect();
		let (Some(signer), true) = (mine.pop(), mine.is_empty()) else {
			return Err(CeremonyError::NotOneMember(mine.len()));
		};
		fs::create_dir_all(&directory).map_err(|error| file_error(&directory, error.to_string()))?;
		Ok(Ceremony {
			realm: Hash::from(blake2_256(&(CEREMONY, name, &members).encode())),
			me: signer.id(),
			members,
			signer,
			directory,
			shares: keystore_path.join(SHARES),
		})
	}

	/// Which member this is.
	pub fn me(&self) -> MemberId {
		self.me
	}

	fn terms(&self) -> Terms {
		Terms {
			realm: self.realm,
			attempt: 0,
			previous: None,
			dealers: self.members.clone(),
			players: self.members.clone(),
		}
	}

	/// Where this member's secrets are until the ceremony is over.
	fn secrets(&self) -> PathBuf {
		self.shares
			.join(format!("ceremony-{}", hex::encode(&self.realm.0[..8])))
	}

	fn file(&self, member: MemberId, kind: &str) -> PathBuf {
		self.directory.join(format!("{}.{kind}", hex::encode(member.0)))
	}

	fn statement(&self, kind: &str, content: &[u8]) -> Vec<u8> {
		(CEREMONY, self.realm, kind, content).encode()
	}

	/// Writes this member's file of a kind.
	fn write(&self, kind: &str, content: Vec<u8>) -> Result<(), CeremonyError> {
		let signature = self
			.signer
			.try_sign(&self.statement(kind, &content))
			.ok_or(CeremonyError::Sign(self.me))?;
		let file = self.file(self.me, kind);
		let envelope = Envelope { content, signature };
		write_private(&file, &envelope.encode())
			.and_then(|()| make_readable(&file))
			.map_err(|error| file_error(&file, error.to_string()))
	}

	/// The content of a member's file of a kind, which it signed; `None` if there is none yet.
	fn read<D: Decode>(&self, member: MemberId, kind: &str) -> Result<Option<D>, CeremonyError> {
		let file = self.file(member, kind);
		let error = |reason: &str| file_error(&file, reason.into());
		let opened = match fs::File::open(&file) {
			Ok(opened) => opened,
			Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
			Err(e) => return Err(error(&e.to_string())),
		};
		let mut bytes = Vec::new();
		opened
			.take(MAX_FILE + 1)
			.read_to_end(&mut bytes)
			.map_err(|e| error(&e.to_string()))?;
		if bytes.len() as u64 > MAX_FILE {
			return Err(error(&format!("expected at most {MAX_FILE} bytes")));
		}
		let Envelope { content, signature } = Envelope::decode_all(&mut &bytes[..])
			.map_err(|_| error("expected a file of a beacon ceremony"))?;
		let signed = sr25519::Pair::verify(
			&sr25519::Signature::from_raw(signature),
			self.statement(kind, &content),
			&sr25519::Public::from_raw(member.0),
		);
		if !signed {
			return Err(error(
				"expected the signature of its member for this ceremony: same name, same members",
			));
		}
		D::decode_all(&mut &content[..])
			.map(Some)
			.map_err(|_| error("its content is not of the expected form"))
	}

	/// All members' files of a kind; or whose are missing.
	fn read_all<D: Decode>(
		&self,
		kind: &str,
	) -> Result<Result<BTreeMap<MemberId, D>, Vec<MemberId>>, CeremonyError> {
		let mut all = BTreeMap::new();
		let mut missing = Vec::new();
		for member in &self.members {
			match self.read(*member, kind)? {
				Some(content) => {
					all.insert(*member, content);
				}
				None => missing.push(*member),
			}
		}
		Ok(if missing.is_empty() { Ok(all) } else { Err(missing) })
	}

	/// The key that shares are sealed with to this member: from its secrets, or a new one.
	fn sealing_key(&self) -> Result<[u8; 32], CeremonyError> {
		let file = self.secrets().join("sealing-key");
		let error = |reason: String| file_error(&file, reason);
		let bytes = match fs::read(&file) {
			Ok(bytes) => bytes,
			Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
				// With its public key published, another one would open nothing.
				if self.file(self.me, "key").exists() {
					return Err(CeremonyError::NoSecrets(self.secrets()));
				}
				let pair = noise()
					.and_then(|builder| builder.generate_keypair())
					.map_err(|e| error(e.to_string()))?;
				let bytes = [pair.private, pair.public].concat();
				write_private(&file, &bytes).map_err(|e| error(e.to_string()))?;
				bytes
			}
			Err(e) => return Err(error(e.to_string())),
		};
		let (private, public) = bytes
			.split_first_chunk::<32>()
			.filter(|(_, public)| public.len() == 32)
			.ok_or_else(|| error("expected a secret and a public key of 32 bytes each".into()))?;
		if !self.file(self.me, "key").exists() {
			self.write("key", public.to_vec().encode())?;
		}
		Ok(*private)
	}

	/// What the seal of a share is bound to.
	fn prologue(&self, dealer: MemberId, player: MemberId) -> Vec<u8> {
		(CEREMONY, self.realm, dealer, player).encode()
	}

	fn seal(&self, key: &[u8], player: MemberId, share: &[u8; 32]) -> Result<[u8; SEALED], snow::Error> {
		let prologue = self.prologue(self.me, player);
		let mut state = noise()?
			.remote_public_key(key)?
			.prologue(&prologue)?
			.build_initiator()?;
		let mut sealed = [0; SEALED];
		let length = state.write_message(share, &mut sealed)?;
		if length != SEALED {
			return Err(snow::Error::Input);
		}
		Ok(sealed)
	}

	fn unseal(
		&self,
		key: &[u8; 32],
		dealer: MemberId,
		sealed: &[u8; SEALED],
	) -> Result<[u8; 32], snow::Error> {
		let prologue = self.prologue(dealer, self.me);
		let mut state = noise()?
			.local_private_key(key)?
			.prologue(&prologue)?
			.build_responder()?;
		let mut share = [0; 32];
		match state.read_message(sealed, &mut share)? {
			32 => Ok(share),
			_ => Err(snow::Error::Input),
		}
	}

	/// Goes as far as the files in the directory allow.
	///
	/// # Errors
	/// [`CeremonyError`]: above all, a file that is not what its member should have written.
	pub fn deal(&self) -> Result<Progress, CeremonyError> {
		Store::open(self.shares.clone())?;
		let secrets = Store::open(self.secrets())?;
		let key = self.sealing_key()?;
		let keys: BTreeMap<MemberId, Vec<u8>> = match self.read_all("key")? {
			Ok(keys) => keys,
			Err(missing) => return Ok(Progress::Waiting("key", missing)),
		};
		let stored = secrets.attempt(0, &self.members)?;
		if stored.seed.is_none() && self.file(self.me, "dealing").exists() {
			return Err(CeremonyError::NoSecrets(self.secrets()));
		}
		let mut seed = [0; 32];
		OsRng.fill_bytes(&mut seed);
		let (mut participation, actions) =
			Participation::new(&self.terms(), self.signer.clone(), None, stored, seed)?;
		self.store(&secrets, actions)?;

		if self.read::<DealingFile>(self.me, "dealing")?.is_none() {
			self.write_dealing(&mut participation, &keys, &secrets)?;
		}
		let dealings: BTreeMap<MemberId, DealingFile> = match self.read_all("dealing")? {
			Ok(dealings) => dealings,
			Err(missing) => return Ok(Progress::Waiting("dealing", missing)),
		};
		let acks = self.take_dealings(&mut participation, &key, dealings, &secrets)?;
		if self.read::<AcksFile>(self.me, "acks")?.is_none() {
			self.write("acks", acks.encode())?;
		}
		let acks: BTreeMap<MemberId, AcksFile> = match self.read_all("acks")? {
			Ok(acks) => acks,
			Err(missing) => return Ok(Progress::Waiting("acks", missing)),
		};
		if self.read::<LogBytes>(self.me, "log")?.is_none() {
			let place = self.members.iter().position(|member| *member == self.me);
			for (player, acks) in &acks {
				let signature = place.and_then(|place| acks.get(place)).copied();
				let Some(signature) = signature.filter(|_| acks.len() == self.members.len()) else {
					return Err(file_error(
						&self.file(*player, "acks"),
						format!("expected {} acknowledgements", self.members.len()),
					));
				};
				// Of this member itself, it is known already.
				let _ = participation.receive(
					*player,
					Message::Ack {
						attempt: 0,
						signature,
					},
				);
			}
			let log = participation
				.tick(false, false)
				.into_iter()
				.find_map(|action| match action {
					Action::Post(log) => Some(log),
					_ => None,
				});
			let log = log.and_then(|log| LogBytes::try_from(log).ok()).ok_or_else(|| {
				file_error(
					&self.directory,
					format!(
						"some acknowledgements (*.acks) of the dealing of {} are wrong",
						self.me
					),
				)
			})?;
			self.write("log", log.encode())?;
		}
		Ok(match self.read_all::<LogBytes>("log")? {
			Ok(_) => Progress::Complete,
			Err(missing) => Progress::Waiting("log", missing),
		})
	}

	/// Stores what has to be on disk before it is told to others.
	fn store(&self, secrets: &Store, actions: Vec<Action>) -> Result<(), CeremonyError> {
		for action in actions {
			match action {
				Action::StoreSeed(seed) => secrets.put_seed(0, &seed)?,
				Action::StoreDealing(dealer, dealing) => secrets.put_dealing(0, dealer, &dealing)?,
				Action::Send(..) | Action::Post(_) => {}
			}
		}
		Ok(())
	}

	fn write_dealing(
		&self,
		participation: &mut Participation,
		keys: &BTreeMap<MemberId, Vec<u8>>,
		secrets: &Store,
	) -> Result<(), CeremonyError> {
		let mut shares = BTreeMap::new();
		let mut commitment = Vec::new();
		for action in participation.tick(false, false) {
			if let Action::Send(
				player,
				Message::Dealing {
					commitment: ours,
					share,
					..
				},
			) = action
			{
				commitment = ours.into_inner();
				shares.insert(player, share);
			}
		}
		// A member keeps its own share of its dealing itself.
		let own = secrets.attempt(0, &[self.me])?.dealings.pop();
		if let Some((
			_,
			StoredDealing {
				commitment: ours,
				share,
			},
		)) = own
		{
			commitment = ours;
			shares.insert(self.me, share);
		}
		let mut sealed = Vec::with_capacity(self.members.len());
		for member in &self.members {
			let (Some(share), Some(key)) = (shares.get(member), keys.get(member)) else {
				return Err(CeremonyError::NoSecrets(self.secrets()));
			};
			let bytes = self.seal(key, *member, share).map_err(|error| {
				file_error(
					&self.file(*member, "key"),
					format!("expected a key to seal with: {error}"),
				)
			})?;
			sealed.push(bytes);
		}
		let dealing = DealingFile {
			commitment,
			sealed: BoundedVec::truncate_from(sealed),
		};
		self.write("dealing", dealing.encode())
	}

	/// Opens and checks what each dealer has dealt to this member. Its acknowledgements in the order of the members.
	fn take_dealings(
		&self,
		participation: &mut Participation,
		key: &[u8; 32],
		dealings: BTreeMap<MemberId, DealingFile>,
		secrets: &Store,
	) -> Result<AcksFile, CeremonyError> {
		let place = self.members.iter().position(|member| *member == self.me);
		let mut acks = Vec::with_capacity(self.members.len());
		for (dealer, dealing) in dealings {
			if dealer == self.me {
				// Known, and no message: a place in the file is all that it needs.
				acks.push([0; 64]);
				continue;
			}
			let wrong = |reason: &str| file_error(&self.file(dealer, "dealing"), reason.into());
			let sealed = place
				.and_then(|place| dealing.sealed.get(place))
				.filter(|_| dealing.sealed.len() == self.members.len())
				.ok_or_else(|| wrong("expected a sealed share for each member"))?;
			let share = self
				.unseal(key, dealer, sealed)
				.map_err(|_| wrong("the share for this member can't be opened"))?;
			let commitment = BoundedVec::try_from(dealing.commitment)
				.map_err(|_| wrong("the commitment has too many bytes"))?;
			let message = Message::Dealing {
				attempt: 0,
				commitment,
				share,
			};
			let actions = participation
				.receive(dealer, message)
				.map_err(|_| wrong("the share for this member doesn't fit the commitment"))?;
			let ack = actions.iter().find_map(|action| match action {
				Action::Send(_, Message::Ack { signature, .. }) => Some(*signature),
				_ => None,
			});
			self.store(secrets, actions)?;
			acks.push(ack.ok_or_else(|| wrong("the share for this member doesn't fit the commitment"))?);
		}
		Ok(AcksFile::truncate_from(acks))
	}

	/// Computes the key from all logs, stores this member's share, and deletes its secrets of the ceremony. It may be run again.
	///
	/// # Errors
	/// [`CeremonyError`].
	pub fn finish(&self) -> Result<GenesisBeacon, CeremonyError> {
		let logs: Vec<(MemberId, Vec<u8>)> = match self.read_all::<LogBytes>("log")? {
			Ok(logs) => logs
				.into_iter()
				.map(|(dealer, log)| (dealer, log.into_inner()))
				.collect(),
			Err(missing) => return Err(CeremonyError::TooEarly(missing.len())),
		};
		let output = watch(&self.terms(), &logs)?;
		let shares = Store::open(self.shares.clone())?;
		let stored = shares
			.share(0, 0)?
			.filter(|share| output.is_share_of(share, self.me));
		if stored.is_none() {
			self.compute_share(&output, &logs, &shares)?;
		}
		let secrets = self.secrets();
		match fs::remove_dir_all(&secrets) {
			Ok(()) => {}
			Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
			Err(e) => return Err(file_error(&secrets, e.to_string())),
		}
		Ok(output.genesis())
	}

	fn compute_share(
		&self,
		output: &PublicOutput,
		logs: &[(MemberId, Vec<u8>)],
		shares: &Store,
	) -> Result<(), CeremonyError> {
		if !self.secrets().exists() {
			return Err(CeremonyError::NoSecrets(self.secrets()));
		}
		let stored = Store::open(self.secrets())?.attempt(0, &self.members)?;
		let (participation, _) =
			Participation::new(&self.terms(), self.signer.clone(), None, stored, [0; 32])?;
		match participation.finish(logs)? {
			(computed, Some(share)) if computed == *output => {
				shares.put_share(0, 0, &share, &output.encode())?;
				Ok(())
			}
			_ => Err(CeremonyError::NoSecrets(self.secrets())),
		}
	}
}

fn noise<'a>() -> Result<snow::Builder<'a>, snow::Error> {
	Ok(snow::Builder::new(NOISE.parse()?))
}

fn file_error(file: &Path, reason: String) -> CeremonyError {
	CeremonyError::File {
		file: file.into(),
		reason,
	}
}

/// The files of the ceremony are for all members: nothing in them is secret.
fn make_readable(file: &Path) -> std::io::Result<()> {
	#[cfg(unix)]
	{
		use std::os::unix::fs::PermissionsExt;
		fs::set_permissions(file, fs::Permissions::from_mode(0o644))?;
	}
	Ok(())
}

/// `asterism beacon`: how the first root committee makes the key of the beacon.
#[derive(Debug, clap::Subcommand)]
pub enum BeaconCmd {
	/// Takes part in the ceremony as far as the other members' files allow. Run it again when more have come.
	Deal(CeremonyArgs),

	/// Ends the ceremony: stores this member's share, and writes the beacon for the network file.
	Finish(FinishArgs),
}

/// Which ceremony.
#[derive(Clone, Debug, clap::Args)]
pub struct CeremonyArgs {
	/// The name of the ceremony, the same for all members: the network's, for example. Another try has another name.
	#[arg(long)]
	pub name: String,

	/// A JSON file with the list of all members' ids in hex.
	#[arg(long)]
	pub members: PathBuf,

	/// The directory that the members share.
	#[arg(long)]
	pub directory: PathBuf,

	/// The directory of the keystore that has this member's identity key. Its share goes into `beacon` in it.
	#[arg(long)]
	pub keystore_path: PathBuf,
}

/// How to finish.
#[derive(Clone, Debug, clap::Args)]
pub struct FinishArgs {
	/// Which ceremony.
	#[command(flatten)]
	pub ceremony: CeremonyArgs,

	/// Where to write the beacon for the network file, as JSON.
	#[arg(long)]
	pub output: PathBuf,
}

impl CeremonyArgs {
	/// Opens the ceremony.
	///
	/// # Errors
	/// [`CeremonyError`].
	pub fn open(&self) -> Result<Ceremony, CeremonyError> {
		let error = |reason: String| file_error(&self.members, reason);
		let text = fs::read_to_string(&self.members).map_err(|e| error(e.to_string()))?;
		let members: Vec<MemberId> = serde_json::from_str(&text)
			.map_err(|e| error(format!("expected a JSON list of member ids in hex: {e}")))?;
		Ceremony::open(&self.name, members, self.directory.clone(), &self.keystore_path)
	}
}

impl BeaconCmd {
	/// Runs the command, and prints to standard output what came of it.
	///
	/// # Errors
	/// [`CeremonyError`].
	pub fn run(&self) -> Result<(), CeremonyError> {
		match self {
			BeaconCmd::Deal(args) => {
				let ceremony = args.open()?;
				println!("This is member {}.", ceremony.me());
				match ceremony.deal()? {
					Progress::Waiting(kind, members) => {
						println!("Waiting for the .{kind} files of {} members:", members.len());
						for member in members {
							println!("  {member}");
						}
						println!("Run this again when they are there.");
					}
					Progress::Complete => println!("All logs are there. Run `asterism beacon finish` next."),
				}
			}
			BeaconCmd::Finish(args) => {
				let ceremony = args.ceremony.open()?;
				let beacon = ceremony.finish()?;
				let error = |reason: String| file_error(&args.output, reason);
				let json = serde_json::to_string_pretty(&beacon).map_err(|e| error(e.to_string()))?;
				fs::write(&args.output, json + "\n").map_err(|e| error(e.to_string()))?;
				println!("Group key: {}", beacon.group_key);
				println!(
					"Output hash: {:?}: all members must have the same",
					asterism_primitives::beacon::output_hash(&beacon.output)
				);
				println!("The share is in {}.", ceremony.shares.display());
				println!("The beacon for the network file is in {}.", args.output.display());
			}
		}
		Ok(())
	}
}

const _: () = assert!(
	MAX_LOG_BYTES as u64 + 128 < MAX_FILE,
	"every log fits into a file"
);

#[cfg(test)]
mod tests {
	use super::*;
	use asterism_primitives::keys::IDENTITY_KEY;
	use polkadot_sdk::{
		sp_core::{sr25519, Pair},
		sp_keystore::Keystore,
	};
	use tempfile::TempDir;

	struct World {
		shared: TempDir,
		keystores: Vec<TempDir>,
		members: Vec<MemberId>,
	}

	impl World {
		fn new(n: usize) -> World {
			let keystores: Vec<_> = (0..n).map(|_| tempfile::tempdir().unwrap()).collect();
			let members = keystores
				.iter()
				.enumerate()
				.map(|(i, directory)| {
					let keystore = LocalKeystore::open(directory.path(), None).unwrap();
					let suri = format!("//Member{i}");
					let public = sr25519::Pair::from_string(&suri, None).unwrap().public().0;
					keystore.insert(IDENTITY_KEY, &suri, &public).unwrap();
					MemberId(public)
				})
				.collect();
			World {
				shared: tempfile::tempdir().unwrap(),
				keystores,
				members,
			}
		}

		/// Each call is a new process.
		fn ceremony(&self, i: usize) -> Ceremony {
			Ceremony::open(
				"test",
				self.members.clone(),
				self.shared.path().into(),
				self.keystores[i].path(),
			)
			.unwrap()
		}

		fn file(&self, i: usize, kind: &str) -> PathBuf {
			self.ceremony(i).file(self.members[i], kind)
		}

		/// Runs `deal` round after round, until nobody waits.
		fn run(&self) {
			for _ in 0..5 {
				for i in 0..self.members.len() {
					self.ceremony(i).deal().unwrap();
				}
			}
		}
	}

	#[test]
	fn members_make_one_key_step_by_step() {
		let world = World::new(4);
		let mut others = world.members[1..].to_vec();
		others.sort_unstable();
		assert_eq!(
			world.ceremony(0).deal().unwrap(),
			Progress::Waiting("key", others)
		);
		let mut rounds = 0;
		loop {
			let progress: Vec<_> = (0..4).map(|i| world.ceremony(i).deal().unwrap()).collect();
			rounds += 1;
			if progress.iter().all(|progress| *progress == Progress::Complete) {
				break;
			}
			assert!(rounds < 6, "each round gets further: {progress:?}");
		}
		// Doing it again changes nothing.
		let files = || -> Vec<_> {
			["key", "dealing", "acks", "log"]
				.iter()
				.flat_map(|kind| (0..4).map(|i| fs::read(world.file(i, kind)).unwrap()))
				.collect()
		};
		let before = files();
		world.run();
		assert!(files() == before);
		let beacons: Vec<_> = (0..4).map(|i| world.ceremony(i).finish().unwrap()).collect();
		assert!(beacons.windows(2).all(|pair| pair[0] == pair[1]));
		let output =
			PublicOutput::checked(&beacons[0].output, &beacons[0].group_key, &beacons[0].players).unwrap();
		for i in 0..4 {
			let ceremony = world.ceremony(i);
			let store = Store::open(world.keystores[i].path().join(SHARES)).unwrap();
			let share = store.share(0, 0).unwrap().unwrap();
			assert!(output.is_share_of(&share, ceremony.me()));
			assert!(
				!ceremony.secrets().exists(),
				"what the share was made from is deleted"
			);
			// The share is there: finishing again gives the same.
			assert_eq!(ceremony.finish().unwrap(), beacons[0]);
		}
		// It is not a key that everybody can compute.
		assert!(crate::dealt::share(&beacons[0].group_key, &beacons[0].players, world.members[0]).is_none());
	}

	#[test]
	fn one_member_makes_a_key_alone() {
		let world = World::new(1);
		assert_eq!(world.ceremony(0).deal().unwrap(), Progress::Complete);
		world.ceremony(0).finish().unwrap();
	}

	#[test]
	fn wrong_files_are_named() {
		let world = World::new(4);
		assert!(matches!(
			world.ceremony(0).finish(),
			Err(CeremonyError::TooEarly(4))
		));
		for i in 0..4 {
			world.ceremony(i).deal().unwrap();
		}
		for i in 0..4 {
			world.ceremony(i).deal().unwrap();
		}
		let dealing = world.file(1, "dealing");
		let good = fs::read(&dealing).unwrap();
		let attempt = |bytes: &[u8], reason: &str| {
			fs::write(&dealing, bytes).unwrap();
			let error = world.ceremony(0).deal().unwrap_err().to_string();
			assert!(error.contains(reason), "{error}");
			assert!(
				error.contains(dealing.file_name().unwrap().to_str().unwrap()),
				"{error}"
			);
		};
		attempt(b"", "expected a file of a beacon ceremony");
		attempt(&vec![0; MAX_FILE as usize + 1], "expected at most");
		let mut changed = good.clone();
		changed[200] ^= 1;
		attempt(&changed, "expected the signature of its member");
		// Somebody else's file under this member's name.
		attempt(
			&fs::read(world.file(2, "dealing")).unwrap(),
			"expected the signature of its member",
		);
		// Signed, and wrong inside.
		let resign = |dealing: DealingFile| {
			let ceremony = world.ceremony(1);
			let content = dealing.encode();
			let signature = ceremony
				.signer
				.try_sign(&ceremony.statement("dealing", &content))
				.unwrap();
			Envelope { content, signature }.encode()
		};
		let read = || {
			world
				.ceremony(1)
				.read::<DealingFile>(world.members[1], "dealing")
				.unwrap()
				.unwrap()
		};
		fs::write(&dealing, &good).unwrap();
		let mut swapped = read();
		let mut sealed = swapped.sealed.into_inner();
		sealed.swap(0, 1);
		sealed.swap(2, 3);
		swapped.sealed = BoundedVec::truncate_from(sealed);
		attempt(&resign(swapped), "can't be opened");
		fs::write(&dealing, &good).unwrap();
		let mut short = read();
		short.sealed.pop();
		attempt(&resign(short), "expected a sealed share for each member");
		fs::write(&dealing, &good).unwrap();
		let mut other = read();
		other.commitment = world
			.ceremony(2)
			.read::<DealingFile>(world.members[2], "dealing")
			.unwrap()
			.unwrap()
			.commitment;
		attempt(&resign(other), "doesn't fit the commitment");
		fs::write(&dealing, &good).unwrap();
		world.run();
		world.ceremony(0).finish().unwrap();
	}

	#[test]
	fn a_member_that_lost_its_secrets_is_told() {
		let world = World::new(2);
		world.run();
		fs::remove_dir_all(world.ceremony(0).secrets()).unwrap();
		assert!(matches!(
			world.ceremony(0).finish(),
			Err(CeremonyError::NoSecrets(_))
		));
		assert!(matches!(
			world.ceremony(0).deal(),
			Err(CeremonyError::NoSecrets(_))
		));
	}

	#[test]
	fn only_a_member_takes_part() {
		let world = World::new(2);
		let open = |members: &[MemberId]| {
			Ceremony::open(
				"test",
				members.to_vec(),
				world.shared.path().into(),
				world.keystores[0].path(),
			)
			.err()
		};
		assert!(matches!(open(&[]), Some(CeremonyError::Members)));
		assert!(matches!(
			open(&[world.members[0], world.members[0]]),
			Some(CeremonyError::Members)
		));
		assert!(matches!(
			open(&world.members[1..]),
			Some(CeremonyError::NotOneMember(0))
		));
		// Another name is another ceremony: its files prove nothing here.
		world.ceremony(0).deal().unwrap();
		let other = Ceremony::open(
			"other",
			world.members.clone(),
			world.shared.path().into(),
			world.keystores[1].path(),
		)
		.unwrap();
		let error = other.deal().unwrap_err().to_string();
		assert!(error.contains("same name, same members"), "{error}");
	}
}
