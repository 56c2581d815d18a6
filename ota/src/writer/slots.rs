//! Opening slots: the inactive one for itself alone, the running one only to be read.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

use nix::fcntl::{Flock, FlockArg, OFlag, PosixFadviseAdvice, posix_fadvise};

use crate::block::{BlockDev, ReadAt};

/// An image of the inactive slot, which nobody else has open to write.
pub(super) struct Target(Flock<File>);

impl Target {
    /// Opens it for this process alone. A block device that is mounted or below a device mapper is refused by the
    /// kernel (`O_EXCL`), so that the running slot is safe from a wrong configuration too.
    ///
    /// # Errors
    /// It is in use, or is not there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        if std::fs::metadata(path)?.file_type().is_block_device() {
            options.custom_flags(OFlag::O_EXCL.bits());
        }
        let file = options.open(path)?;
        Flock::lock(file, FlockArg::LockExclusiveNonblock).map(Self).map_err(|(_, errno)| errno.into())
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
