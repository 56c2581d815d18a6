//! Which release is to be believed: a client of The Update Framework (TUF 1.0), without delegations.
//!
//! ```text
//!  root ──signs──► keys of ─► timestamp ─► snapshot ─► targets ─► release manifest
//!  (offline)                  (fleetd)     (fleetd)    (offline)
//! ```
//! Whoever has the online keys can withhold releases, until the timestamp ends, and nothing else. Where the bytes come
//! from is not trusted at all: every read has a limit, every file is checked before it is kept, and kept before it is
//! used. Source: The Update Framework specification 1.0.34, section 5.

pub(crate) mod canonical;
mod client;
mod key;
mod metadata;
pub mod sign;

pub use client::{Client, Fetch, Kept};
pub use metadata::{Role, Target};

/// Why metadata or a target is not believed. What was believed before stays.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// It cannot be read.
    #[error("{role} cannot be read: {why}")]
    Malformed {
        /// Which file.
        role: Role,
        /// What is wrong.
        why: String,
    },
    /// Too few of those who may sign it have signed it.
    #[error("{role}: {valid} of the {threshold} signatures that the root asks for are valid")]
    Signatures {
        /// Which file.
        role: Role,
        /// Valid ones, each key once.
        valid: usize,
        /// As many are needed.
        threshold: usize,
    },
    /// It is older than what was believed before: a rollback.
    #[error("{role} has version {found}, {known} was seen before")]
    Rollback {
        /// Which file.
        role: Role,
        /// Its version.
        found: u64,
        /// The one that is known.
        known: u64,
    },
    /// It is another one than was announced: mix and match.
    #[error("{role} is not the one that was announced: {why}")]
    Other {
        /// Which file.
        role: Role,
        /// What differs.
        why: String,
    },
    /// It is not valid any more: a freeze, or nobody signs.
    #[error("{role} has expired at {expires}")]
    Expired {
        /// Which file.
        role: Role,
        /// When, s since 1970.
        expires: i64,
    },
    /// It is not there.
    #[error("{0} is not there")]
    Missing(String),
    /// It is larger than it may be; not more than that was read.
    #[error("{name} is larger than {limit} bytes")]
    TooLarge {
        /// The file.
        name: String,
        /// What was allowed.
        limit: u64,
    },
    /// It cannot be fetched.
    #[error("{name} cannot be fetched")]
    Fetch {
        /// The file.
        name: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// What was believed cannot be kept or read again.
    #[error("{path} cannot be kept")]
    Keep {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A release is not among the targets.
    #[error("there is no target {0}")]
    NoTarget(String),
}
