//! The terminal's memory as a file, so that it survives a restart of the emulator as a real one survives a power cut.

use std::fs;
use std::io;
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

/// Replaces the file as a whole: whoever kills the emulator finds the old or the new one. It is not forced onto the
/// disk, because a power cut of the whole machine ends the emulated world as well, and tests pay thousands of times.
pub fn save(path: &Path, book: &Book) -> Result<(), StorageError> {
    write(path, book).map_err(|source| StorageError::Write { path: path.to_owned(), source })
}

fn write(path: &Path, book: &Book) -> io::Result<()> {
    let unfinished = path.with_added_extension("tmp");
    fs::write(&unfinished, serde_json::to_vec_pretty(book)?)?;
    fs::rename(&unfinished, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::book::{Kind, Opening};

    #[test]
    fn a_book_is_read_as_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("terminal.json");
        assert_eq!(load(&path).unwrap(), Book::default(), "a new terminal remembers nothing");
        let mut book = Book::default();
        let number = book.open(Opening { kind: Kind::Sale, amount_minor: 2_500, currency: 978, at: 0 });
        book.assign_numbers(number);
        save(&path, &book).unwrap();
        assert_eq!(load(&path).unwrap(), book);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing unfinished is left");
    }

    #[test]
    fn garbage_is_moved_aside_and_the_terminal_starts_empty() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("terminal.json");
        let mut other = serde_json::to_value(Book::default()).unwrap();
        other["version"] = (VERSION + 1).into();
        let other = other.to_string();
        for garbage in ["", "{\"version\":1", "[]", &other] {
            fs::write(&path, garbage).unwrap();
            assert_eq!(load(&path).unwrap(), Book::default());
            assert!(!path.exists());
            assert_eq!(fs::read_to_string(dir.path().join("terminal.json.damaged")).unwrap(), garbage);
        }
    }
}
