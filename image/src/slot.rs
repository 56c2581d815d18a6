//! Images of slots: ext4 that nobody ever writes to, and the hash tree of dm-verity.
//!
//! The same tree gives the same bytes, whoever makes it and when.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use crate::layout::{BLOCK, Layout, MIB, Partition, tree_bytes};
use crate::run;

/// Kernel arguments of a release, the same in both slots. Nothing of the kernel is shown on the customer's screen: its
/// console is the serial port.
const KERNEL: &str = "quiet loglevel=3 vt.global_cursor_default=0 consoleblank=0 panic=10 \
                      systemd.show_status=auto systemd.gpt_auto=0 fsck.repair=yes";

/// The serial port of PCs, as the kernel's argument `console=` takes it.
pub const CONSOLE: &str = "ttyS0,115200";

/// Makes the image of a root slot, with its hash tree, and what its boot slot has to say of it: `slot.cfg`.
///
/// # Errors
/// The tree does not fit, or a tool is missing.
pub fn root(layout: &Layout, tree: &Path, out: &Path, console: &str) -> anyhow::Result<String> {
    let uuid = &slot_partition(layout, "root")?.uuid;
    Ext4 { tree, out, size_mib: layout.root_data_mib, uuid, epoch: layout.epoch }.make()?;
    let fill = fill_percent(out)?;
    eprintln!("  {fill} % of {} MiB are used", layout.root_data_mib);
    let most = layout.root_fill_max_percent;
    anyhow::ensure!(fill <= most, "the root is {fill} % full; {most} % is the most at this release");
    let verity = add_verity(out, layout.root_data_mib, &layout.model)?;
    Ok(format!("set args=\"console={console} {KERNEL} {}\"\n", verity.argument()))
}

/// Makes the image of a boot slot of a folder with `vmlinuz`, `initrd` and `slot.cfg`.
///
/// # Errors
/// They do not fit, or a tool is missing.
pub fn boot(layout: &Layout, tree: &Path, out: &Path) -> anyhow::Result<()> {
    let uuid = &slot_partition(layout, "boot")?.uuid;
    Ext4 { tree, out, size_mib: layout.boot_data_mib, uuid, epoch: layout.epoch }.make()
}

/// Both slots get the same images, so the first one stands for them.
fn slot_partition<'a>(layout: &'a Layout, image: &str) -> anyhow::Result<&'a Partition> {
    let slots = layout.slots();
    slots.get("A").and_then(|images| images.get(image).copied()).context("the layout has a slot A")
}

/// An ext4 image that is to be made.
pub struct Ext4<'a> {
    /// The files that it holds.
    pub tree: &'a Path,
    /// The image.
    pub out: &'a Path,
    /// Its size.
    pub size_mib: u64,
    /// Its own id, which is also that of its directory hashes.
    pub uuid: &'a str,
    /// The time of all its files.
    pub epoch: u64,
}

/// What dm-verity needs to know of an image.
pub struct Verity {
    /// Of blocks of 4 KiB that are proven.
    pub data_blocks: u64,
    /// Of the tree.
    pub root_hash: String,
    /// Before every block that is hashed.
    pub salt: String,
}

impl Verity {
    /// As `initramfs/init` reads it.
    pub fn argument(&self) -> String {
        format!("kiosk.verity={}:{}:{}", self.data_blocks, self.root_hash, self.salt)
    }
}

impl Ext4<'_> {
    /// Makes it. The features are named because newer ones are more than GRUB 2.06 can read.
    ///
    /// # Errors
    /// The tree does not fit.
    pub fn make(&self) -> anyhow::Result<()> {
        if self.out.exists() {
            fs::remove_file(self.out)?;
        }
        let mut mke2fs = Command::new("mke2fs");
        mke2fs
            .args(["-q", "-F", "-t", "ext4", "-b", "4096", "-m", "0", "-i", "16384"])
            .args(["-O", "^has_journal,^resize_inode,^metadata_csum_seed,^orphan_file"])
            .args(["-U", self.uuid])
            .args(["-E", &format!("hash_seed={},lazy_itable_init=0,root_owner=0:0,nodiscard", self.uuid)])
            .arg("-d")
            .arg(self.tree)
            .arg(self.out)
            .arg(format!("{}M", self.size_mib))
            // It ignores SOURCE_DATE_EPOCH.
            .env("E2FSPROGS_FAKE_TIME", self.epoch.to_string());
        run::quietly(&mut mke2fs)?;
        self.set_times()?;
        run::quietly(Command::new("e2fsck").args(["-f", "-n"]).arg(self.out))
    }

    /// mke2fs copies when a file was read and changed where the tree was made.
    fn set_times(&self) -> anyhow::Result<()> {
        let mut commands = String::new();
        for inode in std::iter::once(2).chain(11..=self.last_inode()?) {
            for field in ["atime", "ctime", "crtime", "mtime"] {
                _ = writeln!(commands, "sif <{inode}> {field} @{}", self.epoch);
                _ = writeln!(commands, "sif <{inode}> {field}_extra 0");
            }
        }
        let mut debugfs = Command::new("debugfs");
        debugfs.args(["-w", "-f", "-"]).arg(self.out).env("E2FSPROGS_FAKE_TIME", self.epoch.to_string());
        run::with_input(&mut debugfs, &commands)
    }

    /// Inodes are used from the first on.
    fn last_inode(&self) -> anyhow::Result<u64> {
        let said = run::output(Command::new("dumpe2fs").arg("-h").arg(self.out))?;
        let field = |name: &str| {
            let line = said.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|rest| rest.trim().parse::<u64>().ok())
                .with_context(|| format!("dumpe2fs: no {name}"))
        };
        Ok(field("Inode count:")? - field("Free inodes:")?)
    }
}

/// Bytes of an image that its files take, in percent.
///
/// # Errors
/// It is no ext4.
pub fn fill_percent(image: &Path) -> anyhow::Result<u64> {
    let said = run::output(Command::new("dumpe2fs").arg("-h").arg(image))?;
    let field = |name: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.trim().parse::<u64>().ok()).with_context(|| format!("dumpe2fs: no {name}"))
    };
    let (all, free) = (field("Block count:")?, field("Free blocks:")?);
    Ok((all - free) * 100 / all)
}

/// Puts the tree of dm-verity behind an image, as the slot writer does after an update (`ota::verity`), with the salt
/// of the model's releases (`ota::release::Verity`).
///
/// # Errors
/// veritysetup is not there or fails.
pub fn add_verity(image: &Path, size_mib: u64, model: &str) -> anyhow::Result<Verity> {
    let salted = [b"kiosk verity\0", model.as_bytes()].concat();
    let salt = crate::hex(ring::digest::digest(&ring::digest::SHA256, &salted).as_ref());
    let data_blocks = size_mib * MIB / BLOCK;
    let offset = data_blocks * BLOCK;
    File::options().write(true).open(image)?.set_len(offset + tree_bytes(data_blocks))?;
    let options = |verb: &str| {
        let mut command = Command::new("veritysetup");
        command.arg(verb).arg("--no-superblock").arg("--hash=sha256");
        command.args(["--data-block-size=4096", "--hash-block-size=4096"]);
        command.arg(format!("--data-blocks={data_blocks}")).arg(format!("--hash-offset={offset}"));
        command.arg(format!("--salt={salt}")).arg(image).arg(image);
        command
    };
    let said = run::output(&mut options("format"))?;
    let root_hash = said.lines().find_map(|line| line.strip_prefix("Root hash:"));
    let root_hash = root_hash.context("veritysetup tells no root hash")?.trim().to_owned();
    Ok(Verity { data_blocks, root_hash, salt })
}
