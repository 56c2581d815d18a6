//! Bad releases over the way of a real fleet: each is left for the one before, and the fleet hears why.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use image::vm::Options;

use super::campaign::{Campaign, OLD, Release};

/// What is wrong with a release.
struct Flaw {
    /// In a word.
    name: &'static str,
    /// Files of it that are other than ours: place in the root, text.
    files: &'static [(&'static str, &'static str)],
    /// What the fleet is told.
    why: &'static str,
}

const FLAWS: &[Flaw] = &[
    Flaw {
        name: "its daemon ends again and again",
        files: &[("usr/bin/kioskd", "#!/bin/sh\nexit 1\n")],
        why: "boot_failed",
    },
    Flaw {
        name: "its daemon hangs",
        files: &[
            ("usr/bin/kioskd", "#!/bin/sh\nexec sleep infinity\n"),
            // The timer of a kiosk is for longer than anybody wants to watch.
            ("usr/lib/systemd/system/kiosk-trial.timer.d/soon.conf", "[Timer]\nOnBootSec=\nOnBootSec=150\n"),
        ],
        why: "boot_failed",
    },
    Flaw {
        name: "it never finds the display",
        files: &[("usr/lib/kioskd/kioskd.toml.d/50-display.toml", "[screen]\nnode = '/dev/dri/card9'\n")],
        why: "peripheral_lost",
    },
];

/// Rolls out one bad release after the other to the same guest.
///
/// # Errors
/// One of them stays, or the fleet is not told why it was left.
pub fn perform(options: &Options, programs: &Path) -> anyhow::Result<()> {
    let campaign = Campaign::begin(options, programs)?;
    let mut kiosk = campaign.kiosk()?;
    for (flaw, number) in FLAWS.iter().zip(OLD + 1..) {
        let overlay = Some(flaw.lay(&campaign.dir.join(format!("{number}-files")))?);
        campaign.offer(&Release { number, overlay })?;
        let ended;
        (kiosk, ended) = campaign.roll_out(kiosk, number)?;
        anyhow::ensure!(ended["kiosks"]["bad"] == 1, "{}: the rollout ended with {ended}", flaw.name);
        let why = campaign.why(&ended)?;
        anyhow::ensure!(why == flaw.why, "{}: the fleet was told {why:?} instead of {}", flaw.name, flaw.why);
        kiosk.runs("A")?;
        kiosk.runs_release(OLD)?;
        println!("▶ {}: left for the one before; the fleet was told {why}", flaw.name);
    }
    kiosk.end()
}

impl Flaw {
    fn lay(&self, folder: &Path) -> anyhow::Result<PathBuf> {
        for (place, text) in self.files {
            let path = folder.join(place);
            std::fs::create_dir_all(path.parent().context("a file lies in a folder")?)?;
            std::fs::write(&path, text)?;
            let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))?;
        }
        Ok(folder.to_owned())
    }
}
