//! The boot chooser that is a file: see [`crate::chooser`].

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use super::{BootChooser, Booted, ChooserError};
use crate::chooser::{Chooser, Slot};

/// Bytes of the file: two copies of a sector.
const LENGTH: u64 = 1024;

/// A chooser in a file, and where the kernel's command line is, which names the running slot: `rauc.slot=A`.
#[derive(Clone, Debug)]
pub struct FileChooser {
    /// The file. One that is not there begins with slot A good and slot B bad.
    pub file: PathBuf,
    /// As `/proc/cmdline`.
    pub command_line: PathBuf,
}

impl FileChooser {
    /// Opens the file, making it if it is not there.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn open(path: &Path) -> std::io::Result<File> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        if file.metadata()?.len() < LENGTH {
            file.set_len(LENGTH)?;
        }
        Ok(file)
    }

    fn change(&self, change: impl FnOnce(&mut Chooser)) -> Result<(), ChooserError> {
        let mut file = Self::open(&self.file)?;
        let mut chooser = Chooser::read(&mut file)?;
        let before = chooser.clone();
        change(&mut chooser);
        if chooser != before {
            chooser.write(&mut file)?;
        }
        Ok(())
    }

    fn running(&self) -> Result<Slot, ChooserError> {
        let line = std::fs::read_to_string(&self.command_line)?;
        let named = line.split_whitespace().find_map(|word| word.strip_prefix("rauc.slot="));
        match named {
            Some("A") => Ok(Slot::A),
            Some("B") => Ok(Slot::B),
            _ => {
                let path = self.command_line.display();
                Err(ChooserError::Running(format!("{path} does not say rauc.slot=A or rauc.slot=B")))
            }
        }
    }
}

impl BootChooser for FileChooser {
    fn booted(&mut self) -> Result<Booted, ChooserError> {
        let slot = self.running()?;
        let chooser = Chooser::read(&mut Self::open(&self.file)?)?;
        Ok(Booted { slot, good: chooser.is_good(slot), primary: chooser.primary() })
    }

    fn mark_bad(&mut self, slot: Slot) -> Result<(), ChooserError> {
        self.change(|chooser| chooser.mark_bad(slot))
    }

    fn mark_good(&mut self, slot: Slot) -> Result<(), ChooserError> {
        self.change(|chooser| chooser.mark_good(slot))
    }

    fn activate(&mut self, slot: Slot) -> Result<(), ChooserError> {
        self.change(|chooser| chooser.activate(slot))
    }
}
