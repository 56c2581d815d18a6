//! The machine that the daemon runs on, as far as it may be restarted from afar.

use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use anyhow::Context as _;

use crate::supervisor::Supervisor;
use crate::uplink::Machine;

/// The daemon ends because it is to be started anew (settings).
pub const EXIT_RESTART: u8 = 85;

/// The daemon ends because the machine was to be restarted and it does not run under systemd: whoever started
/// it decides what a restart is.
pub const EXIT_REBOOT: u8 = 86;

/// The unit that makes a kiosk as it left the works.
const FACTORY_RESET: &str = "kiosk-factory-reset.service";

/// With what code the daemon ends.
#[derive(Clone, Debug, Default)]
pub struct Ending(Arc<AtomicU8>);

impl Ending {
    /// The code.
    pub fn code(&self) -> ExitCode {
        ExitCode::from(self.0.load(Ordering::Relaxed))
    }

    fn with(&self, code: u8) {
        self.0.store(code, Ordering::Relaxed);
    }
}

/// This machine.
pub struct ThisMachine {
    /// Whether systemd runs us.
    pub under_systemd: bool,
    /// With what code to end.
    pub ending: Ending,
    /// Ends the daemon.
    pub supervisor: Supervisor,
}

impl Machine for ThisMachine {
    fn reboot(&self) -> anyhow::Result<()> {
        if self.under_systemd {
            let status = Command::new("systemctl").arg("reboot").status().context("systemctl reboot")?;
            anyhow::ensure!(status.success(), "systemctl reboot: {status}");
        } else {
            self.ending.with(EXIT_REBOOT);
            self.supervisor.stop();
        }
        Ok(())
    }

    fn factory_reset(&self) -> anyhow::Result<()> {
        anyhow::ensure!(self.under_systemd, "this kiosk does not run as a service of its own machine");
        let mut start = Command::new("systemctl");
        let status =
            start.args(["--no-block", "start", FACTORY_RESET]).status().context("systemctl start")?;
        anyhow::ensure!(status.success(), "systemctl start {FACTORY_RESET}: {status}");
        Ok(())
    }

    fn restart(&self) {
        self.ending.with(EXIT_RESTART);
        self.supervisor.stop();
    }
}
