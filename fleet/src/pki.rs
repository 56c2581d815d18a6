//! Who is who: two private authorities that never sign for each other.
//!
//! | authority | signs | trusted by |
//! |---|---|---|
//! | [`FleetAuthority`] | broker, HTTPS, `fleetd`'s own client certificate | every kiosk (pinned), the broker's internal listener |
//! | [`KioskAuthority`] | kiosks (from their requests) and the list of revoked ones | the broker's listener for kiosks |
//!
//! So a kiosk's certificate cannot pass for `fleetd`, whatever name stands in it. All keys are P-256. Time is
//! always a parameter; randomness comes from the operating system, because an authority whose serial numbers
//! or keys can be predicted is none.
//!
//! ```text
//! kiosk: key, request (CSR) ──► check_request ──► KioskAuthority::sign ──► certificate, CN = kiosk id
//! ```

mod authority;
pub(crate) mod files;
pub(crate) mod folder;
mod request;
mod revocation;
mod serial;

use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

pub use authority::{FleetAuthority, Identity, KioskAuthority, KioskCertificate, LEAF_LIFE};
pub use folder::{Authorities, keep_revocation_list};
pub use request::{CheckedRequest, REQUEST_MAX, RequestError, check_request};
pub(crate) use revocation::list_ends;
pub use revocation::{CRL_LIFE, Revoked, RevokedBecause};
pub use serial::{BadSerial, Serial};

/// Which of the two authorities an error or a file is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Signs kiosks.
    Kiosk,
    /// Signs the fleet's servers and `fleetd`.
    Fleet,
}

impl Role {
    /// Name in the certificate's subject and stem of its files.
    const fn stem(self) -> &'static str {
        match self {
            Self::Kiosk => "kiosk-ca",
            Self::Fleet => "fleet-ca",
        }
    }
}

/// An authority, certificate or list could not be made, read or kept.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// A file cannot be read or written.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The certificate is there, its key is not: only a backup can help.
    #[error("{} is missing; bring it back from a backup, kiosks already trust its certificate", .0.display())]
    KeyMissing(PathBuf),
    /// A private key that others can read.
    #[error("{} can be read by others (mode {mode:o}); check who had access, then chmod 600", path.display())]
    KeyExposed {
        /// The key's file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A file holds something else than it should.
    #[error("{} is no {expected}", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What it should be.
        expected: &'static str,
    },
    /// Certificate and key are not a pair.
    #[error("certificate and key of {} do not belong together", .0.display())]
    NotAPair(PathBuf),
    /// A name that cannot stand in a server's certificate.
    #[error("{0:?} is neither a DNS name nor an IP address")]
    ServerName(String),
    /// An authority whose own life is over signs nothing.
    #[error("the {} certificate has expired: make new authorities and enrol again", .0.stem())]
    AuthorityExpired(Role),
    /// A time that certificates cannot carry.
    #[error("{0:?} is outside the years that a certificate can state")]
    Time(SystemTime),
    /// A revocation list that this authority did not sign or that cannot be read.
    #[error("this is no revocation list of this authority")]
    ForeignList,
    /// The certificate library refused.
    #[error("cannot make a certificate")]
    Encode(#[from] rcgen::Error),
    /// The operating system has no randomness.
    #[error("the operating system gave no random bytes")]
    Random,
}

/// Certificates begin this long before they are made, so that a device whose clock is behind accepts them.
const BACKDATED: Duration = Duration::from_secs(24 * 3600);

/// A `time` that X.509 can state (years 1970 to 9999), whole seconds.
fn representable(time: SystemTime) -> Result<SystemTime, PkiError> {
    /// 9999-12-31T23:59:59Z, the end of `GeneralizedTime`.
    const END: u64 = 253_402_300_799;
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) if since.as_secs() <= END => {
            Ok(SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs()))
        }
        Ok(_) | Err(_) => Err(PkiError::Time(time)),
    }
}
