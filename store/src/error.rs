//! What can go wrong with the store.

use std::path::PathBuf;

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it open.
    #[error("{} is in use by another process", .path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// A file or folder could not be used.
    #[error("cannot {what} {}", .path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// SQLite refused.
    #[error("cannot {what} in the store")]
    Database {
        /// What was tried.
        what: &'static str,
        /// Why.
        source: rusqlite::Error,
    },
    /// The file is not a store of ours, or of a version that this program does not know.
    #[error("{} is not a kiosk store that this version can use: {why}", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// An event could not be written as a body.
    #[error("an event cannot be stored")]
    Encode(#[from] protocol::event::EncodeError),
    /// A stored event could not be read.
    #[error("event {epoch}/{seq} cannot be read")]
    Decode {
        /// Its epoch.
        epoch: u64,
        /// Its sequence number.
        seq: u64,
        /// Why.
        source: protocol::event::DecodeError,
    },
    /// The hash chain does not hold.
    #[error("the event log is damaged at {epoch}/{seq}: {why}")]
    Chain {
        /// The epoch.
        epoch: u64,
        /// The first event that is wrong.
        seq: u64,
        /// What is wrong.
        why: &'static str,
    },
    /// An earlier write failed; what is on disk is not known. The process must exit and start anew.
    #[error("the store failed before and is closed until a restart")]
    Poisoned,
}

impl StoreError {
    /// Whether the disk is full.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Database { source: rusqlite::Error::SqliteFailure(e, _), .. } => {
                e.code == rusqlite::ErrorCode::DiskFull
            }
            Self::File { source, .. } => source.kind() == std::io::ErrorKind::StorageFull,
            Self::Database { .. }
            | Self::Locked { .. }
            | Self::Foreign { .. }
            | Self::Encode(_)
            | Self::Decode { .. }
            | Self::Chain { .. }
            | Self::Poisoned => false,
        }
    }
}

/// Names what was tried when SQLite refuses.
pub(crate) trait Trying<T> {
    fn trying(self, what: &'static str) -> Result<T, StoreError>;
}

impl<T> Trying<T> for Result<T, rusqlite::Error> {
    fn trying(self, what: &'static str) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Database { what, source })
    }
}
