//! What bytes are read from and written to: slots, images, files. Positions and lengths in bytes.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom};
use std::os::unix::fs::{FileExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};

/// Something of a known length that can be read anywhere.
pub trait ReadAt {
    /// How long it is.
    ///
    /// # Errors
    /// The system does not tell.
    fn len(&self) -> io::Result<u64>;

    /// Fills the buffer from this position on.
    ///
    /// # Errors
    /// It cannot be read, or ends before the buffer is full.
    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Whether there is nothing in it.
    ///
    /// # Errors
    /// The system does not tell.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}

/// A slot: it can be written, and asked to keep what was written.
pub trait BlockDev: ReadAt {
    /// Writes all of it from this position on. It is kept for certain only after [`BlockDev::flush`].
    ///
    /// # Errors
    /// It cannot be written, or would not fit.
    fn write_at(&mut self, position: u64, bytes: &[u8]) -> io::Result<()>;

    /// Returns when everything that was written survives a power cut.
    ///
    /// # Errors
    /// It may not.
    fn flush(&mut self) -> io::Result<()>;
}

/// What all names of the same file or device have in common.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Place {
    /// The number of a block device.
    Device(u64),
    /// Device and inode of a file.
    File(u64, u64),
}

impl Place {
    /// What this is a name of.
    ///
    /// # Errors
    /// There is nothing.
    pub fn of(path: &Path) -> io::Result<Self> {
        let it = path.metadata()?;
        Ok(if it.file_type().is_block_device() {
            Self::Device(it.rdev())
        } else {
            Self::File(it.dev(), it.ino())
        })
    }
}

/// Opens what is to be written for this process alone, a file that is not there yet too. A block device that is mounted or
/// below a device mapper is refused by the kernel (`O_EXCL`).
///
/// # Errors
/// It is in use, or the system refuses.
pub fn open_alone(path: &Path) -> io::Result<Flock<File>> {
    let mut options = File::options();
    options.read(true).write(true);
    match std::fs::metadata(path) {
        Ok(it) if it.file_type().is_block_device() => _ = options.custom_flags(OFlag::O_EXCL.bits()),
        Ok(_) => {}
        Err(_) => _ = options.create(true),
    }
    let file = options.open(path)?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
        Errno::EWOULDBLOCK => io::Error::new(io::ErrorKind::ResourceBusy, "somebody else is writing there"),
        errno => errno.into(),
    })
}

impl ReadAt for File {
    fn len(&self) -> io::Result<u64> {
        // Not the metadata: for a block device they say 0.
        let mut file = self;
        file.seek(SeekFrom::End(0))
    }

    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.read_exact_at(buffer, position)
    }
}

impl BlockDev for File {
    fn write_at(&mut self, position: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, position)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

impl ReadAt for [u8] {
    fn len(&self) -> io::Result<u64> {
        Ok(<[u8]>::len(self) as u64)
    }

    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<()> {
        let from = usize::try_from(position).ok();
        let part = from.and_then(|from| self.get(from..from.checked_add(buffer.len())?));
        buffer.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

impl ReadAt for Vec<u8> {
    fn len(&self) -> io::Result<u64> {
        ReadAt::len(self.as_slice())
    }

    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.as_slice().read_at(position, buffer)
    }
}

impl BlockDev for Vec<u8> {
    fn write_at(&mut self, position: u64, bytes: &[u8]) -> io::Result<()> {
        let from = usize::try_from(position).ok();
        let part = from.and_then(|from| self.get_mut(from..from.checked_add(bytes.len())?));
        part.ok_or(io::ErrorKind::UnexpectedEof)?.copy_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A part of something longer: from a position to its end.
#[derive(Debug)]
pub struct Tail<'a, T: ?Sized> {
    /// All of it.
    pub whole: &'a T,
    /// Where the part begins.
    pub start: u64,
}

impl<T: ReadAt + ?Sized> ReadAt for Tail<'_, T> {
    fn len(&self) -> io::Result<u64> {
        Ok(self.whole.len()?.saturating_sub(self.start))
    }

    fn read_at(&self, position: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.whole.read_at(self.start.saturating_add(position), buffer)
    }
}
