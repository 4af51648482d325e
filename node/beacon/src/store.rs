//! Shares and what belongs to them on disk.
//!
//! # Files
//!
//! | name | content | kept |
//! |---|---|---|
//! | `share-<epoch>-<attempt>` | the share for an epoch | until the epoch is over |
//! | `output-<epoch>-<attempt>` | the public output that it belongs to | as long |
//! | `seed-<attempt>` | what the own polynomial is made from | until the next attempt begins |
//! | `dealing-<attempt>-<dealer>` | a dealing that was acknowledged | as long |
//!
//! Each is written to another file first, flushed, and renamed, with permissions for its owner alone (0600): after a crash it is there
//! wholly, or not at all. What is deleted is what the next committee relies on: who has a quorum of old shares has the key.

use crate::dkg::{Stored, StoredDealing};
use asterism_primitives::{
	beacon::{Attempt, MAX_OUTPUT_BYTES},
	committee::{Epoch, MemberId},
};
use codec::{Decode, DecodeAll, Encode};
use commonware_codec::{DecodeExt, Encode as _};
use commonware_cryptography::bls12381::primitives::group::Share;
use std::{
	fs,
	io::{self, Read as _, Write as _},
	path::{Path, PathBuf},
};

/// The first byte of each file: the version of its form.
const VERSION: u8 = 1;
/// Bytes that a file may have.
const MAX_FILE: u64 = MAX_OUTPUT_BYTES as u64 + 1024;

/// Why the disk doesn't do what it should.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {reason}")]
pub struct StoreError {
	/// Which file or directory.
	pub file: PathBuf,
	/// What is wrong.
	pub reason: String,
}

/// A directory with shares.
#[derive(Clone, Debug)]
pub struct Store {
	directory: PathBuf,
}

/// Writes a file so that it is there wholly or not at all, readable by its owner alone.
pub(crate) fn write_private(file: &Path, content: &[u8]) -> io::Result<()> {
	let directory = file.parent().unwrap_or(Path::new("."));
	// Files of this kind have mode 0600 from the start.
	let mut temporary = tempfile::Builder::new().prefix(".new-").tempfile_in(directory)?;
	temporary.write_all(content)?;
	temporary.as_file().sync_all()?;
	temporary.persist(file).map_err(|error| error.error)?;
	// The new name is in the directory, which has a content of its own to flush.
	fs::File::open(directory)?.sync_all()
}

impl Store {
	/// Opens the directory, and makes it if it isn't there, for its owner alone.
	///
	/// # Errors
	/// [`StoreError`] if that fails.
	pub fn open(directory: PathBuf) -> Result<Self, StoreError> {
		let error = |error: io::Error| StoreError {
			file: directory.clone(),
			reason: error.to_string(),
		};
		fs::create_dir_all(&directory).map_err(error)?;
		#[cfg(unix)]
		{
			use std::os::unix::fs::PermissionsExt;
			fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).map_err(error)?;
		}
		Ok(Store { directory })
	}

	/// The directory.
	pub fn directory(&self) -> &Path {
		&self.directory
	}

	fn put(&self, name: &str, content: &[u8]) -> Result<(), StoreError> {
		let file = self.directory.join(name);
		let bytes = [&[VERSION], content].concat();
		write_private(&file, &bytes).map_err(|error| StoreError {
			file,
			reason: error.to_string(),
		})
	}

	fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
		let file = self.directory.join(name);
		let error = |reason: String| StoreError {
			file: file.clone(),
			reason,
		};
		let opened = match fs::File::open(&file) {
			Ok(opened) => opened,
			Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
			Err(e) => return Err(error(e.to_string())),
		};
		let mut bytes = Vec::new();
		opened
			.take(MAX_FILE + 1)
			.read_to_end(&mut bytes)
			.map_err(|e| error(e.to_string()))?;
		if bytes.len() as u64 > MAX_FILE {
			return Err(error(format!("expected at most {MAX_FILE} bytes")));
		}
		match bytes.split_first() {
			Some((&VERSION, content)) => Ok(Some(content.to_vec())),
			_ => Err(error(format!("expected a file of version {VERSION}"))),
		}
	}

	fn decoded<D: Decode>(&self, name: &str) -> Result<Option<D>, StoreError> {
		let Some(bytes) = self.get(name)? else {
			return Ok(None);
		};
		D::decode_all(&mut &bytes[..]).map(Some).map_err(|_| StoreError {
			file: self.directory.join(name),
			reason: "its content is not of the expected form".into(),
		})
	}

	/// Stores the share for an epoch, and the public output that it belongs to.
	///
	/// # Errors
	/// [`StoreError`].
	pub fn put_share(
		&self,
		epoch: Epoch,
		attempt: Attempt,
		share: &Share,
		output: &[u8],
	) -> Result<(), StoreError> {
		self.put(&format!("output-{epoch}-{attempt}"), output)?;
		self.put(&format!("share-{epoch}-{attempt}"), &share.encode())
	}

	/// The share for an epoch; `None` if there is none.
	///
	/// # Errors
	/// [`StoreError`] if its file can't be read, or is not of its form.
	pub fn share(&self, epoch: Epoch, attempt: Attempt) -> Result<Option<Share>, StoreError> {
		let name = format!("share-{epoch}-{attempt}");
		let Some(bytes) = self.get(&name)? else {
			return Ok(None);
		};
		Share::decode(&bytes[..]).map(Some).map_err(|_| StoreError {
			file: self.directory.join(name),
			reason: "its content is no share".into(),
		})
	}

	/// The public output of an epoch's sharing; `None` if there is none.
	///
	/// # Errors
	/// [`StoreError`].
	pub fn output(&self, epoch: Epoch, attempt: Attempt) -> Result<Option<Vec<u8>>, StoreError> {
		self.get(&format!("output-{epoch}-{attempt}"))
	}

	/// Stores the seed of the own polynomial.
	///
	/// # Errors
	/// [`StoreError`].
	pub fn put_seed(&self, attempt: Attempt, seed: &[u8; 32]) -> Result<(), StoreError> {
		self.put(&format!("seed-{attempt}"), seed)
	}

	/// Stores a dealing.
	///
	/// # Errors
	/// [`StoreError`].
	pub fn put_dealing(
		&self,
		attempt: Attempt,
		dealer: MemberId,
		dealing: &StoredDealing,
	) -> Result<(), StoreError> {
		self.put(
			&format!("dealing-{attempt}-{}", hex::encode(dealer.0)),
			&dealing.encode(),
		)
	}

	/// What is stored of an attempt with these dealers.
	///
	/// # Errors
	/// [`StoreError`] if a file can't be read: better than to deal or acknowledge something else than before.
	pub fn attempt(&self, attempt: Attempt, dealers: &[MemberId]) -> Result<Stored, StoreError> {
		let mut stored = Stored {
			seed: self.decoded(&format!("seed-{attempt}"))?,
			dealings: Vec::new(),
		};
		for dealer in dealers {
			let name = format!("dealing-{attempt}-{}", hex::encode(dealer.0));
			if let Some(dealing) = self.decoded(&name)? {
				stored.dealings.push((*dealer, dealing));
			}
		}
		Ok(stored)
	}

	/// Deletes what is no longer needed: shares and outputs that `keep_share` doesn't name, and what is left of attempts that
	/// `keep_attempt` doesn't name. How many files.
	///
	/// # Errors
	/// [`StoreError`] of the first file that can't be deleted.
	pub fn clean(
		&self,
		keep_share: impl Fn(Epoch, Attempt) -> bool,
		keep_attempt: impl Fn(Attempt) -> bool,
	) -> Result<u32, StoreError> {
		let error = |file: &Path, error: io::Error| StoreError {
			file: file.into(),
			reason: error.to_string(),
		};
		let mut deleted = 0;
		for entry in fs::read_dir(&self.directory).map_err(|e| error(&self.directory, e))? {
			let entry = entry.map_err(|e| error(&self.directory, e))?;
			let name = entry.file_name().to_string_lossy().into_owned();
			let mut parts = name.split('-');
			let kind = parts.next().unwrap_or_default();
			let mut number = || parts.next().and_then(|part| part.parse::<u64>().ok());
			let keep = match kind {
				"share" | "output" => match (number(), number()) {
					(Some(epoch), Some(attempt)) => keep_share(epoch, attempt),
					_ => true,
				},
				"seed" | "dealing" => number().is_none_or(&keep_attempt),
				// Left by a crash.
				".new" => false,
				_ => true,
			};
			if !keep {
				fs::remove_file(entry.path()).map_err(|e| error(&entry.path(), e))?;
				deleted += 1;
			}
		}
		Ok(deleted)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::dealt;

	fn share() -> (Share, Vec<u8>) {
		let dealt = dealt::deal(&[MemberId([1; 32])]).unwrap();
		(dealt.shares[0].1.clone(), dealt.output.encode())
	}

	#[test]
	fn what_is_stored_is_read_back_by_its_owner_alone() {
		let directory = tempfile::tempdir().unwrap();
		let store = Store::open(directory.path().join("beacon")).unwrap();
		let (share, output) = share();
		assert!(store.share(3, 7).unwrap().is_none());
		store.put_share(3, 7, &share, &output).unwrap();
		store.put_seed(7, &[5; 32]).unwrap();
		let dealing = StoredDealing {
			commitment: vec![1, 2, 3],
			share: [4; 32],
		};
		let dealer = MemberId([9; 32]);
		store.put_dealing(7, dealer, &dealing).unwrap();
		let store = Store::open(directory.path().join("beacon")).unwrap();
		assert_eq!(store.share(3, 7).unwrap(), Some(share));
		assert_eq!(store.output(3, 7).unwrap(), Some(output));
		assert!(store.share(3, 8).unwrap().is_none());
		let stored = store.attempt(7, &[dealer, MemberId([8; 32])]).unwrap();
		assert_eq!(stored.seed, Some([5; 32]));
		assert!(stored.dealings == [(dealer, dealing)]);
		assert!(store.attempt(8, &[dealer]).unwrap().seed.is_none());
		#[cfg(unix)]
		{
			use std::os::unix::fs::PermissionsExt;
			let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
			assert_eq!(mode(store.directory()), 0o700);
			for entry in fs::read_dir(store.directory()).unwrap() {
				assert_eq!(mode(&entry.unwrap().path()), 0o600);
			}
		}
	}

	#[test]
	fn damaged_files_are_named_and_never_taken_for_absent() {
		let directory = tempfile::tempdir().unwrap();
		let store = Store::open(directory.path().into()).unwrap();
		for (content, reason) in [
			(&b""[..], "expected a file of version 1"),
			(&b"\x02abc"[..], "expected a file of version 1"),
			(&b"\x01abc"[..], "its content is no share"),
			(&vec![1; MAX_FILE as usize + 1][..], "expected at most"),
		] {
			fs::write(directory.path().join("share-1-1"), content).unwrap();
			let error = store.share(1, 1).unwrap_err().to_string();
			assert!(error.contains("share-1-1") && error.contains(reason), "{error}");
		}
		fs::write(directory.path().join("seed-1"), b"\x01abc").unwrap();
		assert!(store.attempt(1, &[]).is_err());
	}

	#[test]
	fn old_shares_go() {
		let directory = tempfile::tempdir().unwrap();
		let store = Store::open(directory.path().into()).unwrap();
		let (share, output) = share();
		for (epoch, attempt) in [(1, 1), (2, 2), (2, 3), (3, 4)] {
			store.put_share(epoch, attempt, &share, &output).unwrap();
			store.put_seed(attempt, &[1; 32]).unwrap();
		}
		fs::write(directory.path().join(".new-abc"), b"half a file").unwrap();
		fs::write(directory.path().join("notes"), b"not ours").unwrap();
		let deleted = store
			.clean(
				|epoch, attempt| epoch > 2 || (epoch, attempt) == (2, 3),
				|attempt| attempt >= 4,
			)
			.unwrap();
		// Two shares with outputs, three seeds, one half file.
		assert_eq!(deleted, 2 * 2 + 3 + 1);
		assert!(store.share(2, 3).unwrap().is_some() && store.share(3, 4).unwrap().is_some());
		assert!(store.share(1, 1).unwrap().is_none() && store.share(2, 2).unwrap().is_none());
		assert!(directory.path().join("notes").exists());
	}
}
