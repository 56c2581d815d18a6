//! Both authorities in a folder: `kiosk-ca.pem`, `kiosk-ca.key`, `fleet-ca.pem`, `fleet-ca.key`.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::authority::{FleetAuthority, KioskAuthority};
use super::files::{Access, replace};
use super::{PkiError, Role};

/// The list of revoked kiosks in the same folder.
pub(crate) const LIST: &str = "kiosk.crl";

/// Puts a list of [`KioskAuthority::revocation_list`] where the broker reads it, whole or not at all. The broker
/// has to be told to read it again.
///
/// # Errors
/// The disk refuses; the list from before is still there.
pub fn keep_revocation_list(dir: &Path, list: &str) -> Result<(), PkiError> {
    write(&dir.join(LIST), list, Access::Everybody)
}

/// Both authorities.
#[derive(Debug)]
pub struct Authorities {
    /// Signs kiosks.
    pub kiosk: KioskAuthority,
    /// Signs the fleet's own.
    pub fleet: FleetAuthority,
}

impl Authorities {
    /// Reads both.
    ///
    /// # Errors
    /// A file is missing, unreadable, readable by others, or not what its name says.
    pub fn load(dir: &Path) -> Result<Self, PkiError> {
        let (kiosk, fleet) = (Files::of(Role::Kiosk, dir), Files::of(Role::Fleet, dir));
        Ok(Self {
            kiosk: KioskAuthority::restore(
                kiosk.read_certificate()?,
                &kiosk.read_key()?,
                &kiosk.certificate,
            )?,
            fleet: FleetAuthority::restore(
                fleet.read_certificate()?,
                &fleet.read_key()?,
                &fleet.certificate,
            )?,
        })
    }

    /// Makes what is not there yet, then reads both. An authority that lost its key is not made again: kiosks
    /// trust the old one.
    ///
    /// # Errors
    /// As [`Self::load`], and when a file cannot be written.
    pub fn load_or_create(dir: &Path, now: SystemTime) -> Result<Self, PkiError> {
        let (kiosk, fleet) = (Files::of(Role::Kiosk, dir), Files::of(Role::Fleet, dir));
        if kiosk.are_wanted() {
            let new = KioskAuthority::create(now)?;
            kiosk.write(new.certificate_pem(), &new.key_pem())?;
        }
        if fleet.are_wanted() {
            let new = FleetAuthority::create(now)?;
            fleet.write(new.certificate_pem(), &new.key_pem())?;
        }
        Self::load(dir)
    }
}

struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

impl Files {
    fn of(role: Role, dir: &Path) -> Self {
        let stem = dir.join(role.stem());
        Self { certificate: stem.with_extension("pem"), key: stem.with_extension("key") }
    }

    /// The key is written first: without the certificate it has signed nothing and may be replaced.
    fn are_wanted(&self) -> bool {
        !self.certificate.exists()
    }

    fn write(&self, certificate: &str, key: &str) -> Result<(), PkiError> {
        write(&self.key, key, Access::Owner)?;
        write(&self.certificate, certificate, Access::Everybody)
    }

    fn read_certificate(&self) -> Result<String, PkiError> {
        std::fs::read_to_string(&self.certificate).map_err(file("read", &self.certificate))
    }

    fn read_key(&self) -> Result<String, PkiError> {
        let about = match std::fs::metadata(&self.key) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(PkiError::KeyMissing(self.key.clone()));
            }
            about => about.map_err(file("read", &self.key))?,
        };
        let mode = about.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(PkiError::KeyExposed { path: self.key.clone(), mode });
        }
        std::fs::read_to_string(&self.key).map_err(file("read", &self.key))
    }
}

pub(crate) fn write(path: &Path, content: &str, access: Access) -> Result<(), PkiError> {
    replace(path, content.as_bytes(), access).map_err(file("write", path))
}

pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> PkiError {
    let path = path.to_owned();
    move |source| PkiError::File { action, path, source }
}
