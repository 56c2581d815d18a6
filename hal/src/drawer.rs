//! Cash drawers.
//!
//! A drawer hangs on the receipt printer's drawer socket: the printer pulses its solenoid and reports the level of
//! its switch. Which level means open differs from cable to cable and is part of the printer's profile.

mod printer_port;

use std::future::Future;

use crate::printer::{DrawerPin, PrinterError, PrinterFault};

/// A cash drawer that can be opened and looked at. The reason for an opening is the caller's to record.
pub trait CashDrawer: Send {
    /// Pulses the solenoid and waits up to a second for the drawer to open.
    ///
    /// Not cancel-safe: after a dropped call the drawer may be open.
    ///
    /// # Errors
    /// [`DrawerError`]; the drawer was not pulsed, or the link failed and nobody knows.
    fn kick(&mut self, pin: DrawerPin) -> impl Future<Output = Result<Kick, DrawerError>> + Send;

    /// Whether the drawer is open, by the last report.
    fn state(&self) -> DrawerState;
}

/// Whether a drawer is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrawerState {
    /// Open.
    Open,
    /// Closed.
    Closed,
    /// Nothing reports it.
    Unknown,
}

/// What a pulse did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kick {
    /// The switch saw the drawer open.
    Opened,
    /// It was open before; no pulse was sent.
    AlreadyOpen,
    /// Pulsed, but the switch saw nothing within a second: stuck, locked or unplugged.
    DidNotOpen,
    /// Pulsed; nothing reports whether it opened.
    Unverified,
}

/// Why a drawer could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum DrawerError {
    /// The printer obeys no commands in a fault.
    #[error("drawer cannot be opened: printer fault: {0}")]
    Fault(PrinterFault),
    /// The printer's link failed; the driver must be dropped.
    #[error("drawer cannot be opened")]
    Printer(#[from] PrinterError),
}
