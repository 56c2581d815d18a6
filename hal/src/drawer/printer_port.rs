//! The drawer on the printer's socket.

use std::time::Duration;

use tokio::time::Instant;

use super::{CashDrawer, DrawerError, DrawerState, Kick};
use crate::printer::codec::commands;
use crate::printer::{DrawerPin, EscposPrinter, PrinterError};

/// A healthy drawer springs open in a tenth of this.
const OPENS_WITHIN: Duration = Duration::from_secs(1);
/// How often the switch is looked at where the printer does not report it by itself.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A solenoid needs five times its on-time to cool.
const REST: Duration = Duration::from_millis(6 * 2 * commands::PULSE_ON_2MS as u64);
/// The command is five bytes; a link that does not take them is stuck.
const COMMAND_WITHIN: Duration = Duration::from_secs(5);

impl CashDrawer for EscposPrinter {
    async fn kick(&mut self, pin: DrawerPin) -> Result<Kick, DrawerError> {
        if self.is_torn() {
            return Err(PrinterError::Torn.into());
        }
        self.check_status().await?;
        if let Some(fault) = self.condition().fault() {
            return Err(DrawerError::Fault(fault));
        }
        if self.drawer_state() == DrawerState::Open {
            return Ok(Kick::AlreadyOpen);
        }
        if let Some(pulsed_at) = self.pulsed_at {
            tokio::time::sleep_until(pulsed_at + REST).await;
        }
        self.queue(&commands::drawer_pulse(pin));
        self.flush(COMMAND_WITHIN).await?;
        let now = Instant::now();
        self.pulsed_at = Some(now);
        if self.drawer_state() == DrawerState::Unknown {
            return Ok(Kick::Unverified);
        }
        let until = now + OPENS_WITHIN;
        while Instant::now() < until {
            let look_at = until.min(Instant::now() + LOOK_EVERY);
            while self.advance(look_at).await?.is_some() {
                if self.drawer_state() == DrawerState::Open {
                    return Ok(Kick::Opened);
                }
            }
            if !self.reports_by_itself() && !self.ask_until_answered(1).await? {
                break;
            }
            if self.drawer_state() == DrawerState::Open {
                return Ok(Kick::Opened);
            }
        }
        Ok(Kick::DidNotOpen)
    }

    fn state(&self) -> DrawerState {
        self.drawer_state()
    }
}
