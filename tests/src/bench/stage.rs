//! The kiosk that the benches with real programs measure: demo catalog, emulated devices that answer at once.

use std::path::Path;
use std::time::Duration;

use crate::customer::{Customer, PAYMENT_WITHIN};
use crate::rig::{Rig, RigOptions};

/// How long a page may take on a busy machine.
pub(super) const PAGE_WITHIN: Duration = Duration::from_secs(10);

/// Devices without the pauses of people and paper.
pub(super) const AT_ONCE: [&str; 5] =
    ["--terminal-mode", "auto", "--terminal-card-ms", "0", "--printer-instant"];

/// Starts the devices and writes the settings. The kiosk has not started yet.
pub(super) fn devices(dir: &Path) -> anyhow::Result<Rig> {
    Rig::devices_only(RigOptions {
        dir: dir.to_owned(),
        sim: AT_ONCE.map(str::to_owned).to_vec(),
        quiet: true,
        ..RigOptions::default()
    })
}

/// Starts the kiosk once and stops it, so that it has its store and its catalog like every kiosk but a new one.
pub(super) fn settle_in(rig: &mut Rig) -> anyhow::Result<()> {
    rig.start_kiosk()?;
    rig.mirror()?.wait_page("attract", PAGE_WITHIN)?;
    rig.stop_kiosk()
}

/// One order at the mirror from the attract page back to it.
pub(super) fn perform_order(customer: &mut Customer) -> anyhow::Result<()> {
    customer.order_two_burgers()?;
    customer.press_to("Pay", "at-terminal")?;
    customer.mirror.wait_page("done", PAYMENT_WITHIN)?;
    customer.press_to("Done", "attract")
}
