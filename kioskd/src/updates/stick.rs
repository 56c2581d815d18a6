//! What somebody has brought to the kiosk: the folder of a signed release, or a bundle of RAUC. Nothing of it is
//! believed: the slot writer proves what it is given.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::sources::Piece;

/// Where it is, from the root of the file system.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stick {
    /// A repository, as `kiosk-ota` makes it.
    Folder(PathBuf),
    /// A file that RAUC reads by itself.
    Bundle(PathBuf),
}

impl Stick {
    /// A piece of a file of the repository, shorter at the end of the file; `None`: there is no such file.
    ///
    /// # Errors
    /// It cannot be read, or all of it is gone: pulled out.
    pub(super) async fn read(&self, piece: &Piece<'_>) -> io::Result<Option<Vec<u8>>> {
        let Self::Folder(folder) = self else { return Ok(None) };
        let (folder, path) = (folder.clone(), PathBuf::from(piece.path));
        let (at, length) = (piece.at, piece.length as usize);
        let read = tokio::task::spawn_blocking(move || read(&folder, &path, at, length));
        read.await.map_err(io::Error::other)?
    }
}

fn read(folder: &Path, path: &Path, at: u64, length: usize) -> io::Result<Option<Vec<u8>>> {
    let file = folder.join(path);
    match file.metadata() {
        Ok(found) if found.is_file() => {}
        // A pipe would be waited for for ever.
        Ok(_) => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound && is_there(folder) => return Ok(None),
        Err(error) => return Err(error),
    }
    let file = File::open(file)?;
    let mut bytes = vec![0; length];
    let mut done = 0;
    while done < length {
        match file.read_at(&mut bytes[done..], at + done as u64)? {
            0 => break,
            more => done += more,
        }
    }
    bytes.truncate(done);
    Ok(Some(bytes))
}

/// The place where a stick was is an empty folder.
fn is_there(folder: &Path) -> bool {
    folder.join("metadata").is_dir()
}
