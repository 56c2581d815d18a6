//! Opening slots: the inactive one for itself alone, the running one only to be read.

use std::fs::File;
use std::io;
use std::path::Path;

use nix::fcntl::{Flock, PosixFadviseAdvice, posix_fadvise};

use crate::block::{self, BlockDev, ReadAt};

/// An image of the inactive slot, which nobody else has open to write.
pub(super) struct Target(Flock<File>);

impl Target {
    /// Opens it as [`block::open_alone`] does, so that the running slot is safe from a wrong configuration too.
    ///
    /// # Errors
    /// It is in use, or is not there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        std::fs::metadata(path)?;
        block::open_alone(path).map(Self)
    }

    /// Whatever is read from now on comes from the device, not from memory. It was flushed before.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn forget_cached(&self) -> io::Result<()> {
        Ok(posix_fadvise(&*self.0, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?)
    }
}

impl ReadAt for Target {
    fn len(&self) -> io::Result<u64> {
        ReadAt::len(&*self.0)
    }

    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<()> {
        ReadAt::read_at(&*self.0, position, buffer)
    }
}

impl BlockDev for Target {
    fn write_at(&mut self, position: u64, bytes: &[u8]) -> io::Result<()> {
        BlockDev::write_at(&mut *self.0, position, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}

/// An image of the running slot.
///
/// # Errors
/// It is not there.
pub(super) fn seed(path: &Path) -> io::Result<File> {
    File::open(path)
}
