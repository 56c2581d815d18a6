//! Releases on trial in a guest: GRUB, dm-verity, systemd and RAUC as they are on a kiosk.

use image::vm::Options;

use super::kiosk::{Kiosk, TRIES};

/// Puts a good and then a broken release into the slot that does not run, and restarts into each. The disk has to be one
/// for a bench.
///
/// # Errors
/// The good one does not stay, or the broken one does.
pub fn perform(options: &Options) -> anyhow::Result<()> {
    let mut kiosk = Kiosk::start(options)?;
    kiosk.runs("A")?;
    kiosk.says("for what in boot root; do dd if=/dev/disk/by-partlabel/$what-a of=/dev/disk/by-partlabel/$what-b bs=4M conv=fsync status=none; done")?;
    let mut kiosk = kiosk.restart_into_the_other_slot()?;
    kiosk.runs("B")?;
    kiosk.is_proven("B")?;
    println!("▶ a good release was on trial and stays");

    // What lies there then is not what the root hash says.
    kiosk.says("dd if=/dev/zero of=/dev/disk/by-partlabel/root-a bs=1M seek=8 count=250 conv=fsync,notrunc status=none")?;
    let mut kiosk = kiosk.restart_into_the_other_slot()?;
    anyhow::ensure!(kiosk.failed == TRIES, "{} starts failed instead of {TRIES}", kiosk.failed);
    kiosk.runs("B")?;
    println!("▶ a release with broken blocks was started {TRIES} times and left; the one before is back");
    kiosk.end()
}
