//! The terminal's memory as a file, so that it survives a restart of the emulator as a real one survives a power cut.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::book::{Book, VERSION};

/// Why the memory could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The file is there and cannot be read.
    #[error("cannot read the terminal's memory {path}")]
    Read {
        /// The file.
        path: PathBuf,
        #[source]
        /// Why.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write the terminal's memory {path}")]
    Write {
        /// The file.
        path: PathBuf,
        #[source]
        /// Why.
        source: io::Error,
    },
}

/// The memory in `path`; an empty one when there is no such file. Garbage is moved to `path` + `.damaged` and reported:
/// a terminal that lost its memory is better than one that never starts again.
pub fn load(path: &Path) -> Result<Book, StorageError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Book::default()),
        Err(source) => return Err(StorageError::Read { path: path.to_owned(), source }),
    };
    match serde_json::from_slice::<Book>(&bytes) {
        Ok(book) if book.version == VERSION => return Ok(book),
        Ok(book) => {
            tracing::warn!(path = %path.display(), version = book.version, "a terminal's memory of another version");
        }
        Err(error) => tracing::warn!(path = %path.display(), %error, "a damaged terminal's memory"),
    }
    fs::rename(path, path.with_added_extension("damaged"))
        .map_err(|source| StorageError::Write { path: path.to_owned(), source })?;
    Ok(Book::default())
}

/// Replaces the file as a whole; on return it is on the disk.
pub fn save(path: &Path, book: &Book) -> Result<(), StorageError> {
    write(path, book).map_err(|source| StorageError::Write { path: path.to_owned(), source })
}

fn write(path: &Path, book: &Book) -> io::Result<()> {
    let unfinished = path.with_added_extension("tmp");
    let mut file = File::create(&unfinished)?;
    file.write_all(&serde_json::to_vec_pretty(book)?)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => File::open(dir)?.sync_all(),
        _ => Ok(()),
    }
}
