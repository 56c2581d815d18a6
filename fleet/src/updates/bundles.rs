//! Files that machines of others install releases from, beside the repository: whoever installs one proves it.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::PathBuf;

use protocol::text::hex;
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

use super::store::{Result, Store, StoreError, disk, is_part, write_at};

/// Bytes that are hashed at once.
const PIECE: usize = 1 << 16;

/// What a file is known by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Hashes {
    pub length: u64,
    /// In hex.
    pub sha256: String,
    /// In hex: hawkBit's clients know no better one.
    pub sha1: String,
}

impl Store {
    /// The file for a release, whether it is there or not.
    pub(crate) fn bundle(&self, model: &str, number: i64) -> Result<PathBuf> {
        let name = format!("{model}-{number}");
        if !is_part(&name) {
            return Err(StoreError::Path(name));
        }
        Ok(self.folder().join("bundles").join(name))
    }

    /// Adds to a file that is pushed. At 0 it begins anew.
    pub(crate) fn append_bundle(&self, model: &str, number: i64, offset: u64, bytes: &[u8]) -> Result<u64> {
        write_at(&self.bundle(model, number)?.with_added_extension("part"), offset, bytes)
    }

    /// Puts what was pushed in its place if it is what it should be.
    pub(crate) fn publish_bundle(&self, model: &str, number: i64, sha256: &str) -> Result<Hashes> {
        let to = self.bundle(model, number)?;
        let from = to.with_added_extension("part");
        let file = match File::open(&from) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(StoreError::Nothing),
            file => file.map_err(disk(&from))?,
        };
        let hashes = hashes(&file).map_err(disk(&from))?;
        if hashes.sha256 != sha256 {
            return Err(StoreError::Damaged { is: hashes.sha256, told: sha256.to_owned() });
        }
        file.sync_all().map_err(disk(&from))?;
        let held = self.hold()?;
        fs::rename(&from, &to).map_err(disk(&to))?;
        if let Some(mut held) = held {
            held.put(self.folder(), vec![format!("bundles/{model}-{number}")])?;
        }
        Ok(hashes)
    }
}

fn hashes(mut file: &File) -> io::Result<Hashes> {
    let (mut sha256, mut sha1) = (Context::new(&SHA256), Context::new(&SHA1_FOR_LEGACY_USE_ONLY));
    let (mut piece, mut length) = (vec![0; PIECE], 0);
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            break;
        }
        sha256.update(&piece[..read]);
        sha1.update(&piece[..read]);
        length += read as u64;
    }
    Ok(Hashes { length, sha256: hex(sha256.finish().as_ref()), sha1: hex(sha1.finish().as_ref()) })
}
