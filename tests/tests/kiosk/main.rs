//! The real programs together: `kioskd`, its emulated devices, a customer at the mirror.
//!
//! `./dev test` builds the programs first. Every test has a folder, a kiosk and devices of its own.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the helpers")]

mod books;
mod catalog;
mod faults;
mod kill;
mod sale;
mod tools;
mod voice;

use std::time::Duration;

use tempfile::TempDir;
use tests::{Customer, Rig, RigOptions};

/// How long anything may take here that is not a person.
const SOON: Duration = Duration::from_secs(30);

/// A kiosk in a shop: its folder, its programs, a customer.
struct Shop {
    rig: Rig,
    customer: Customer,
    dir: TempDir,
}

impl Shop {
    /// Opens a shop whose terminal approves cards by itself after a moment.
    fn open() -> Self {
        Self::open_with(&[], "")
    }

    /// The kiosk keeps its data on a disk of its own of so many KiB.
    fn open_on_disk(kib: u32) -> Self {
        Self::open_rig(&[], RigOptions { disk_kib: Some(kib), ..RigOptions::default() })
    }

    /// Further arguments for the emulators, further settings for the kiosk.
    fn open_with(sim: &[&str], settings: &str) -> Self {
        Self::open_rig(sim, RigOptions { settings: settings.to_owned(), ..RigOptions::default() })
    }

    fn open_rig(sim: &[&str], options: RigOptions) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut always = vec!["--terminal-mode", "auto", "--printer-instant"];
        if !sim.contains(&"--terminal-card-ms") {
            always.extend(["--terminal-card-ms", "150"]);
        }
        let rig = Rig::start(RigOptions {
            dir: dir.path().to_owned(),
            sim: always.iter().chain(sim).map(|s| (*s).to_owned()).collect(),
            quiet: true,
            ..options
        })
        .unwrap();
        let customer = Customer::new(rig.mirror().unwrap()).unwrap();
        Self { rig, customer, dir }
    }

    /// The kiosk starts again after a kill; the customer looks at its new screen.
    fn start_again(&mut self) {
        self.rig.start_kiosk().unwrap();
        self.customer = Customer::new(self.rig.mirror().unwrap()).unwrap();
    }

    /// Somebody orders two burgers and is about to pay.
    fn order(&mut self) {
        self.customer.order_two_burgers().unwrap();
        self.customer.press("Pay").unwrap();
    }

    /// Somebody buys two burgers and leaves.
    fn sell(&mut self) {
        self.order();
        self.see("done");
        self.customer.press_to("Done", "attract").unwrap();
    }

    /// Somebody tries to buy two burgers. Returns the page that ended it; after "done" they leave.
    fn try_to_buy(&mut self) -> String {
        let over = ["done", "out-of-service"];
        let bought = self.customer.order_two_burgers().and_then(|()| self.customer.press("Pay"));
        // Whoever finds the kiosk out of service finds nothing to press.
        let ended = self.customer.mirror.wait("an end", SOON, |m| over.contains(&m.screen().id.as_str()));
        ended.or(bought).unwrap();
        let end = self.customer.mirror.screen().id.clone();
        if end == "done" {
            self.customer.press_to("Done", "attract").unwrap();
        }
        end
    }

    /// Waits for a page.
    fn see(&mut self, page: &str) {
        self.customer.mirror.wait_page(page, SOON).unwrap();
    }
}

/// Lines of a log worth reading after a failure.
const LOG_LINES: usize = 40;

impl Drop for Shop {
    /// A failed test shows what the programs said, and leaves its folder.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        self.dir.disable_cleanup(true);
        println!("--- kept: {}", self.dir.path().display());
        for name in ["kioskd.log", "sim.log"] {
            let log = std::fs::read_to_string(self.rig.dir.join(name)).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            println!("--- {name}\n{}", lines[lines.len().saturating_sub(LOG_LINES)..].join("\n"));
        }
    }
}
