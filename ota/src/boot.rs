//! What decides which slot is booted: a boot loader that RAUC speaks to, or a file where there is none.

mod file;
mod rauc;

pub use file::FileChooser;
pub use rauc::{BundleError, Rauc};

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
}
