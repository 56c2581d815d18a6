//! An update over the way of a real fleet: makers sign it, `fleetd` rolls it out, the guest fetches a delta, writes it,
//! restarts into it and proves it.

use std::path::Path;

use image::vm::Options;

use super::campaign::{Campaign, OLD, Release};

/// Makes two releases of these programs, takes the guest that runs the first into a fleet, and rolls out the second.
///
/// # Errors
/// The second one does not come to run, or is not believed.
pub fn perform(options: &Options, programs: &Path) -> anyhow::Result<()> {
    let campaign = Campaign::begin(options, programs)?;
    let new = Release { number: OLD + 1, overlay: None };
    campaign.offer(&new)?;
    let kiosk = campaign.kiosk()?;
    let (mut kiosk, ended) = campaign.roll_out(kiosk, new.number)?;
    anyhow::ensure!(ended["state"] == "done", "the rollout ended with {ended}");
    kiosk.runs("B")?;
    kiosk.is_proven("B")?;
    kiosk.runs_release(new.number)?;
    println!("▶ release {} came as a delta, runs in slot B and is proven", new.number);
    kiosk.end()
}
