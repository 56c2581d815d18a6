//! The real programs together: `kioskd`, its emulated devices, a customer at the mirror.
//!
//! `./dev test` builds the programs first. Every test has a folder, a kiosk and devices of its own.

mod books;
mod catalog;
mod faults;
mod kill;
mod sale;
mod tools;

use std::time::Duration;

use tempfile::TempDir;
use tests::{Customer, Rig, RigOptions};

/// How long anything may take here that is not a person.
const SOON: Duration = Duration::from_secs(30);

/// A kiosk in a shop: its folder, its programs, a customer.
struct Shop {
    rig: Rig,
    customer: Customer,
    _dir: TempDir,
}

impl Shop {
    /// Opens a shop whose terminal approves cards by itself after a moment.
    fn open() -> Self {
        Self::open_with(&[], "")
    }

    /// Further arguments for the emulators, further settings for the kiosk.
    fn open_with(sim: &[&str], settings: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut always = vec!["--terminal-mode", "auto", "--printer-instant"];
        if !sim.contains(&"--terminal-card-ms") {
            always.extend(["--terminal-card-ms", "150"]);
        }
        let rig = Rig::start(RigOptions {
            dir: dir.path().to_owned(),
            sim: always.iter().chain(sim).map(|s| (*s).to_owned()).collect(),
            settings: settings.to_owned(),
            quiet: true,
            ..RigOptions::default()
        })
        .unwrap();
        let customer = Customer::new(rig.mirror().unwrap()).unwrap();
        Self { rig, customer, _dir: dir }
    }

    /// The kiosk starts again after a kill; the customer looks at its new screen.
    fn start_again(&mut self) {
        self.rig.start_kiosk().unwrap();
        self.customer = Customer::new(self.rig.mirror().unwrap()).unwrap();
    }

    /// Waits for a page.
    fn see(&mut self, page: &str) {
        self.customer.mirror.wait_page(page, SOON).unwrap();
    }
}
