//! What a guest wrote to its disk, in its order: the log of QEMU's `blklogwrites`, in the format of dm-log-writes
//! (<https://docs.kernel.org/admin-guide/device-mapper/log-writes.html>).

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::Context as _;
use nix::fcntl::{FallocateFlags, fallocate};

/// First word of a log.
const MAGIC: u64 = 0x006a_7366_7773_6872;

/// Bytes of the unit of the log itself, as the virtual machine is told.
const SECTOR: u64 = 512;

const FLUSH: u64 = 1;
const DISCARD: u64 = 4;

/// Longest copy at once.
const PIECE: u64 = 1 << 20;

/// See the module's description.
pub(super) struct Recording {
    log: File,
    entries: Vec<Entry>,
}

/// Something that was done to a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The first byte on the disk.
    pub(super) at: u64,
    /// How many; none for a flush alone.
    pub(super) bytes: u64,
    flags: u64,
    /// Where in the log its bytes are.
    data: u64,
}

impl Entry {
    /// Whatever was written before it survives a power cut.
    pub(super) fn is_flush(&self) -> bool {
        self.flags & FLUSH != 0
    }
}

impl Recording {
    /// Reads the list of what was done.
    ///
    /// # Errors
    /// It is no such log, or cut short.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let log = File::open(path).with_context(|| path.display().to_string())?;
        let end = log.metadata()?.len();
        let [magic, version, count] = words(&log, 0)?;
        anyhow::ensure!(magic == MAGIC && version == 1, "{} is no log of writes", path.display());
        let mut entries = Vec::new();
        let mut at = SECTOR;
        for _ in 0..count {
            let [sector, sectors, flags] = words(&log, at)?;
            let bytes = sectors.checked_mul(SECTOR).context("a length beyond all disks")?;
            let start = sector.checked_mul(SECTOR).context("a place beyond all disks")?;
            let entry = Entry { at: start, bytes, flags, data: at + SECTOR };
            at = entry.data + if flags & DISCARD == 0 { bytes } else { 0 };
            anyhow::ensure!(at <= end, "the log ends within entry {}", entries.len());
            entries.push(entry);
        }
        Ok(Self { log, entries })
    }

    /// What was done, the first first.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Does it again.
    ///
    /// # Errors
    /// The disk refuses.
    pub(super) fn apply(&self, entry: &Entry, disk: &File) -> anyhow::Result<()> {
        if entry.flags & DISCARD != 0 {
            return empty(disk, entry);
        }
        copy(&self.log, entry.data, disk, entry.at, entry.bytes)
    }

    /// Does these entries, calls `look`, and leaves the disk as it was before.
    ///
    /// # Errors
    /// The disk refuses, or those of `look`.
    pub(super) fn with<T>(
        &self,
        entries: &[Entry],
        disk: &File,
        look: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let mut before = Vec::new();
        for entry in entries {
            let mut bytes = vec![0; usize::try_from(entry.bytes)?];
            disk.read_exact_at(&mut bytes, entry.at)?;
            self.apply(entry, disk)?;
            before.push((entry.at, bytes));
        }
        let seen = look();
        for (at, bytes) in before.iter().rev() {
            disk.write_all_at(bytes, *at)?;
        }
        seen
    }
}

fn empty(disk: &File, entry: &Entry) -> anyhow::Result<()> {
    if entry.bytes > 0 {
        let how = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        fallocate(disk, how, entry.at.try_into()?, entry.bytes.try_into()?)?;
    }
    Ok(())
}

/// The first three words of a sector of the log.
fn words(log: &File, at: u64) -> anyhow::Result<[u64; 3]> {
    let mut words = [0; 3];
    for (word, at) in words.iter_mut().zip((at..).step_by(8)) {
        let mut bytes = [0; 8];
        log.read_exact_at(&mut bytes, at).context("the log is cut short")?;
        *word = u64::from_le_bytes(bytes);
    }
    Ok(words)
}

/// Copies a range of a file into another.
///
/// # Errors
/// One of them ends, or refuses.
pub(super) fn copy(from: &File, at: u64, to: &File, to_at: u64, bytes: u64) -> anyhow::Result<()> {
    let mut piece = vec![0; usize::try_from(bytes.min(PIECE))?];
    let mut done = 0;
    while done < bytes {
        let length = usize::try_from((bytes - done).min(PIECE))?;
        from.read_exact_at(&mut piece[..length], at + done)?;
        to.write_all_at(&piece[..length], to_at + done)?;
        done += u64::try_from(length)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "a test may panic")]

    use super::*;

    fn sector(words: &[u64]) -> Vec<u8> {
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.resize(512, 0);
        bytes
    }

    /// A write of ones, a flush, a write of twos in it, a discard of its first sector.
    fn log() -> Vec<u8> {
        let head = sector(&[MAGIC, 1, 4, 512]);
        let ones = [sector(&[2, 2, 0, 0]), vec![1; 1024]].concat();
        let twos = [sector(&[3, 1, 0, 0]), vec![2; 512]].concat();
        [head, ones, sector(&[0, 0, FLUSH, 0]), twos, sector(&[2, 1, DISCARD, 0])].concat()
    }

    fn read(bytes: &[u8]) -> (tempfile::TempDir, anyhow::Result<Recording>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, bytes).unwrap();
        let read = Recording::open(&path);
        (dir, read)
    }

    #[test]
    fn what_was_written_is_done_again_in_its_order() {
        let (dir, recording) = read(&log());
        let recording = recording.unwrap();
        let flushes: Vec<bool> = recording.entries().iter().map(Entry::is_flush).collect();
        assert_eq!(flushes, [false, true, false, false]);

        let path = dir.path().join("disk");
        std::fs::write(&path, vec![9; 4096]).unwrap();
        let disk = File::options().read(true).write(true).open(&path).unwrap();
        for entry in &recording.entries()[..2] {
            recording.apply(entry, &disk).unwrap();
        }
        let flushed = [vec![9; 1024], vec![1; 1024], vec![9; 2048]].concat();
        assert_eq!(std::fs::read(&path).unwrap(), flushed);

        let end = [vec![9; 1024], vec![0; 512], vec![2; 512], vec![9; 2048]].concat();
        let look = || Ok(std::fs::read(&path)?);
        assert_eq!(recording.with(&recording.entries()[2..], &disk, look).unwrap(), end);
        assert_eq!(std::fs::read(&path).unwrap(), flushed, "as it was before");
    }

    #[test]
    fn a_log_that_is_none_or_cut_short_is_refused() {
        for broken in [vec![], vec![0; 512], log()[..1200].to_vec()] {
            assert!(read(&broken).1.is_err());
        }
    }
}
