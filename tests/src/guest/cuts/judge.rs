//! What a disk without power holds: which slot GRUB would start, whether that slot is a whole release, and what the
//! kiosk remembers.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use image::layout::{BLOCK, Layout, MIB, tree_bytes};
use image::run;
use ota::Hash;
use ota::agent::Journal;
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use super::recording::copy;

/// Where the kiosk keeps its store, in the file system of the state.
const STORE: &str = "/lib/kioskd/kiosk.db";

/// `e2fsck`: nothing was wrong, or it was put right.
const PUT_RIGHT: i32 = 1;

/// Partitions by their labels, in bytes of the disk.
pub(super) type Partitions = BTreeMap<String, Range<u64>>;

/// What GRUB remembers.
pub(super) type Memory = BTreeMap<String, String>;

/// What the kiosk remembers: none of it may ever go back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remembered {
    /// Facts in the log.
    pub(super) facts: u64,
    /// Of its updates, if there is anything yet.
    pub(super) journal: Option<Journal>,
}

/// See the module's description.
pub(super) struct Judge {
    pub(super) partitions: Partitions,
    layout: Layout,
    /// What the images of a release are, by slot and image.
    releases: BTreeMap<String, BTreeMap<String, Hash>>,
    work: PathBuf,
}

impl Judge {
    /// The disks are of the releases that belong into the slots; `work` is for copies.
    pub(super) fn new(
        layout: Layout,
        disk: &File,
        releases: &[(&str, &Path)],
        work: PathBuf,
    ) -> anyhow::Result<Self> {
        let mut judge = Self { partitions: partitions(disk)?, layout, releases: BTreeMap::new(), work };
        for (slot, path) in releases {
            let made = File::open(path).with_context(|| path.display().to_string())?;
            // A disk is made with its release in A.
            let images = judge.images(&made, &partitions(&made)?, "A")?;
            judge.releases.insert((*slot).to_owned(), images);
        }
        Ok(judge)
    }

    /// Hashes of the images in a slot, each with its hash tree.
    fn images(
        &self,
        disk: &File,
        partitions: &Partitions,
        slot: &str,
    ) -> anyhow::Result<BTreeMap<String, Hash>> {
        let slots = self.layout.slots();
        let mut hashes = BTreeMap::new();
        for (image, partition) in slots.get(slot).context("the layout has both slots")? {
            let range = partitions.get(&partition.label).with_context(|| partition.label.clone())?;
            // The tree of a boot slot is the updater's own: GRUB reads none.
            let bytes = match *image {
                "root" => {
                    let data = self.layout.root_data_mib * MIB;
                    data + tree_bytes(data / BLOCK)
                }
                _ => self.layout.boot_data_mib * MIB,
            };
            let mut part = Part { file: disk, range: range.start..range.start + bytes };
            hashes.insert((*image).to_owned(), ota::sha256_of(&mut part)?);
        }
        Ok(hashes)
    }

    /// Which slots hold the whole of the release that belongs there.
    ///
    /// # Errors
    /// The disk cannot be read.
    pub(super) fn is_whole(&self, disk: &File, slot: &str) -> anyhow::Result<bool> {
        Ok(self.releases.get(slot) == Some(&self.images(disk, &self.partitions, slot)?))
    }

    /// What GRUB remembers.
    ///
    /// # Errors
    /// The file cannot be found or read.
    pub(super) fn memory(&self, path: &Path) -> anyhow::Result<Memory> {
        let at = self.partitions.get("esp").context("there is an esp")?.start;
        let mut mcopy = Command::new("mcopy");
        mcopy.arg("-i").arg(format!("{}@@{at}", path.display())).args(["::/EFI/BOOT/grubenv", "-"]);
        let text = run::output(&mut mcopy)?;
        anyhow::ensure!(
            text.len() == 1024 && text.starts_with("# GRUB Environment Block\n"),
            "grubenv is torn"
        );
        Ok(text
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect())
    }

    /// What the kiosk remembers after the repair that every start begins with.
    ///
    /// # Errors
    /// The file system or the store cannot be repaired by a start.
    pub(super) fn remembered(&self, disk: &File) -> anyhow::Result<Remembered> {
        let range = self.partitions.get("state").context("there is a state partition")?;
        let state = self.work.join("state.img");
        copy_sparse(disk, range, &state)?;
        let e2fsck = Command::new("e2fsck").args(["-f", "-p"]).arg(&state).output().context("e2fsck")?;
        let said = String::from_utf8_lossy(&e2fsck.stdout);
        anyhow::ensure!(e2fsck.status.code().is_some_and(|it| it <= PUT_RIGHT), "e2fsck: {said}");

        let store = self.work.join("kiosk.db");
        for end in ["", "-wal", "-shm"] {
            let to = format!("{}{end}", store.display());
            if Path::new(&to).exists() {
                std::fs::remove_file(&to)?;
            }
            // The kernel makes the index of the log anew; without the log there is nothing to add.
            if end != "-shm" {
                let dump = format!("dump {STORE}{end} {to}");
                run::output(Command::new("debugfs").args(["-R", &dump]).arg(&state))?;
            }
        }
        read_store(&store).context("the store")
    }
}

fn read_store(path: &Path) -> anyhow::Result<Remembered> {
    let store = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let sound: String = store.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    anyhow::ensure!(sound == "ok", "SQLite finds: {sound}");
    let facts: i64 = store.query_row("SELECT count(*) FROM event", [], |row| row.get(0))?;
    let mut journals = store.prepare("SELECT journal FROM update_journal")?;
    let journal = journals.query_map([], |row| row.get::<_, String>(0))?.next().transpose()?;
    // Beside the journal stands which devices there were.
    let journal = journal.map(|text| serde_json::from_str::<Value>(&text)).transpose()?;
    let journal = journal.map(|mut row| serde_json::from_value(row["journal"].take())).transpose()?;
    Ok(Remembered { facts: facts.try_into()?, journal })
}

/// Which slot GRUB starts, by the rules of `image/src/grub.rs` told once more: those of RAUC (a slot that is not OK is
/// left out, one without tries left too), and that a slot which was marked good is never left.
pub(super) fn grub_starts(memory: &Memory, tries: u8) -> Option<&str> {
    let value = |name: &str| memory.get(name).map_or("", String::as_str);
    let order = memory.get("ORDER").map_or("A B", String::as_str);
    order.split_whitespace().find(|slot| {
        let ok = value(&format!("{slot}_OK"));
        let tried = value(&format!("{slot}_TRY")).parse::<u8>().unwrap_or(0);
        let marked_good = value("TRIAL") == *slot && ok == "1" && tried == 0;
        ok != "0" && (value("PROVEN") == *slot || marked_good || tried < tries)
    })
}

/// The partitions of a disk, by its GUID partition table (UEFI 2.10, 5.3).
fn partitions(disk: &File) -> anyhow::Result<Partitions> {
    const SECTOR: u64 = 512;
    let mut head = [0; 512];
    disk.read_exact_at(&mut head, SECTOR)?;
    anyhow::ensure!(head.starts_with(b"EFI PART"), "there is no partition table");
    let mut found = Partitions::new();
    for index in 0..128_u64 {
        let mut entry = [0; 128];
        disk.read_exact_at(&mut entry, 2 * SECTOR + index * 128)?;
        let word = |at: usize| -> anyhow::Result<u64> {
            Ok(u64::from_le_bytes(entry.get(at..at + 8).context("within an entry")?.try_into()?))
        };
        let (first, last) = (word(32)?, word(40)?);
        if last == 0 {
            continue;
        }
        let name = entry.get(56..).unwrap_or_default().as_chunks::<2>().0;
        let name: Vec<u16> =
            name.iter().map(|pair| u16::from_le_bytes(*pair)).take_while(|unit| *unit != 0).collect();
        found.insert(String::from_utf16(&name)?, first * SECTOR..(last + 1) * SECTOR);
    }
    Ok(found)
}

/// Copies a part of a disk into a file of its own and leaves holes where there is nothing.
fn copy_sparse(disk: &File, range: &Range<u64>, to: &Path) -> anyhow::Result<()> {
    use nix::unistd::{Whence, lseek64};
    let out = File::create(to)?;
    out.set_len(range.end - range.start)?;
    let out = File::options().write(true).open(to)?;
    let mut at = range.start;
    while at < range.end {
        let Ok(data) = lseek64(disk, at.try_into()?, Whence::SeekData) else { break };
        let data = u64::try_from(data)?.min(range.end);
        let hole = u64::try_from(lseek64(disk, data.try_into()?, Whence::SeekHole)?)?.min(range.end);
        copy(disk, data, &out, data - range.start, hole - data)?;
        at = hole;
    }
    Ok(())
}

/// A part of a file, to be read once.
struct Part<'a> {
    file: &'a File,
    range: Range<u64>,
}

impl std::io::Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let left = usize::try_from(self.range.end - self.range.start).unwrap_or(usize::MAX);
        let length = buffer.len().min(left);
        let read = self.file.read_at(buffer.get_mut(..length).unwrap_or_default(), self.range.start)?;
        self.range.start += u64::try_from(read).unwrap_or_default();
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(text: &str) -> Memory {
        let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn grub_starts_the_first_that_may_be_started() {
        for (text, slot) in [
            ("ORDER=A B,A_OK=1,A_TRY=0,B_OK=0,B_TRY=0,PROVEN=A", Some("A")),
            ("ORDER=B A,A_OK=1,A_TRY=0,B_OK=1,B_TRY=0,PROVEN=A", Some("B")),
            ("ORDER=B A,A_OK=1,A_TRY=0,B_OK=1,B_TRY=2,PROVEN=A,TRIAL=B", Some("B")),
            ("ORDER=B A,A_OK=1,A_TRY=0,B_OK=1,B_TRY=3,PROVEN=A,TRIAL=B", Some("A")),
            ("ORDER=B A,A_OK=1,A_TRY=0,B_OK=1,B_TRY=3,PROVEN=B", Some("B")),
            ("ORDER=B A,A_OK=1,A_TRY=0,B_OK=0,B_TRY=0,PROVEN=A", Some("A")),
            ("ORDER=B A,A_OK=0,A_TRY=0,B_OK=0,B_TRY=0,PROVEN=A", None),
        ] {
            assert_eq!(grub_starts(&memory(text), 3), slot, "{text}");
        }
    }
}
