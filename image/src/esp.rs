//! The EFI system partition: GRUB, its configuration, its environment.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::layout::{Layout, MIB};
use crate::run;

/// What grub.cfg uses, and what it takes to read the disk and to show a word. The Yocto layer reads the list as well.
const GRUB_MODULES: &str = include_str!("../grub-modules.list");

/// Makes the image of the partition.
///
/// # Errors
/// A tool is missing.
pub fn make(
    layout: &Layout,
    files: &BTreeMap<String, String>,
    work: &Path,
    out: &Path,
) -> anyhow::Result<()> {
    let tree = work.join("esp");
    crate::tree::remove(&tree)?;
    for (name, text) in files {
        run::write(&tree.join(name), text)?;
    }
    // Where settings are put by who flashes the disk.
    run::write(&tree.join("kiosk/README.txt"), "Settings of this kiosk: kiosk/provision.toml\r\n")?;
    run::quietly(
        Command::new("grub-mkimage")
            .args(["-O", "x86_64-efi", "-p", "/EFI/BOOT", "-o"])
            .arg(tree.join("EFI/BOOT/BOOTX64.EFI"))
            .args(crate::tree::lines(GRUB_MODULES)),
    )?;
    if out.exists() {
        std::fs::remove_file(out)?;
    }
    let size = layout.partition("esp")?.size_mib * MIB;
    std::fs::File::create(out)?.set_len(size)?;
    let mut mkfs = Command::new("mkfs.vfat");
    run::quietly(mkfs.args(["-F", "32", "-n", "KIOSK", "-i", "4b494f53", "--invariant"]).arg(out))?;
    let touch = format!("@{}", layout.epoch);
    run::quietly(Command::new("find").arg(&tree).args(["-exec", "touch", "-d", &touch, "{}", "+"]))?;
    let mut mcopy = Command::new("mcopy");
    mcopy.args(["-s", "-m", "-i"]).arg(out);
    mcopy.arg(tree.join("EFI")).arg(tree.join("kiosk")).arg("::/");
    mcopy.env("SOURCE_DATE_EPOCH", layout.epoch.to_string()).env("TZ", "UTC");
    run::quietly(&mut mcopy)
}
