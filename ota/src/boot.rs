//! What decides which slot is booted: a boot loader that RAUC speaks to, or a file where there is none.

mod file;
mod rauc;

use std::path::Path;

use protocol::text::Hex32;
use serde::{Deserialize, Serialize};

pub use file::FileChooser;
pub use rauc::Rauc;

use crate::chooser::Slot;

/// What the boot chooser says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Booted {
    /// The slot that is running.
    pub slot: Slot,
    /// It is held for good.
    pub good: bool,
    /// The slot that the next boot begins with.
    pub primary: Slot,
}

/// The boot chooser cannot be asked or told.
#[derive(Debug, thiserror::Error)]
pub enum ChooserError {
    /// Nobody knows which slot is running.
    #[error("{0}")]
    Running(String),
    /// Its file cannot be read or written.
    #[error("the file of the boot chooser")]
    File(#[from] std::io::Error),
    /// RAUC does not answer, or says no.
    #[error("RAUC")]
    Rauc(#[from] zbus::Error),
    /// RAUC's own configuration has no such slot.
    #[error("RAUC has no slot with the boot name {0:?}")]
    NoSlot(Slot),
}

/// What a bundle says of itself, once its signature is right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bundle {
    /// The number of the release.
    pub release: u64,
    /// Its name, for people.
    pub version: String,
}

/// What an installer says that it has written to a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Written {
    /// Bytes.
    pub size: u64,
    /// Of these bytes.
    pub sha256: Hex32,
}

/// Why a bundle is not installed.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The boot chooser of this kiosk is not RAUC.
    #[error("this kiosk has no RAUC; bring the release as a folder, as `kiosk-ota publish` makes it")]
    NoInstaller,
    /// RAUC cannot be asked.
    #[error("RAUC cannot be asked")]
    Rauc(#[from] zbus::Error),
    /// Nobody of RAUC's keyring has signed it, or it is no bundle.
    #[error("RAUC does not believe it: {0}")]
    Unbelieved(String),
    /// It is for other kiosks.
    #[error("it is for {found}, this is {wanted}")]
    Foreign {
        /// For which.
        found: String,
        /// What this one is.
        wanted: String,
    },
    /// Its version does not end in `+` and the number of the release.
    #[error("the bundle's version {0:?} tells no release number: 1.4.2+42")]
    Unnumbered(String),
    /// RAUC has not installed it.
    #[error("RAUC: {0}")]
    Failed(String),
    /// RAUC does not say what it has written.
    #[error(
        "RAUC tells no checksum of what it wrote to {0}: its system.conf needs a statusfile, and the bundle this image"
    )]
    Untold(String),
}

/// Which slot is booted. What is told survives a power cut when the call returns.
pub trait BootChooser {
    /// How things are.
    ///
    /// # Errors
    /// It cannot be asked.
    fn booted(&mut self) -> Result<Booted, ChooserError>;

    /// Never to be booted: it is written now, or has failed.
    ///
    /// # Errors
    /// It cannot be told.
    fn mark_bad(&mut self, slot: Slot) -> Result<(), ChooserError>;

    /// It has proven itself.
    ///
    /// # Errors
    /// It cannot be told.
    fn mark_good(&mut self, slot: Slot) -> Result<(), ChooserError>;

    /// To be booted next, on trial.
    ///
    /// # Errors
    /// It cannot be told.
    fn activate(&mut self, slot: Slot) -> Result<(), ChooserError>;

    /// Reads what a bundle in a file is, and has its signature checked.
    ///
    /// # Errors
    /// It is not to be believed, or there is no installer.
    fn bundle(&mut self, _path: &Path) -> Result<Bundle, BundleError> {
        Err(BundleError::NoInstaller)
    }

    /// Has a bundle written to the slot that does not run. Returns when it is done; tells how far it is, in percent,
    /// every second or so. It may have made that slot the primary.
    ///
    /// # Errors
    /// It is not installed. The slot may be half written.
    fn install(&mut self, _path: &Path, _told: &mut dyn FnMut(u8)) -> Result<(), BundleError> {
        Err(BundleError::NoInstaller)
    }

    /// What was written to a device by the last installation, if it was of this bundle.
    ///
    /// # Errors
    /// The installer does not say.
    fn written(&mut self, device: &Path, _bundle: &Bundle) -> Result<Written, BundleError> {
        Err(BundleError::Untold(device.display().to_string()))
    }
}
