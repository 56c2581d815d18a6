//! The page of a kiosk that belongs to no fleet yet.

use std::sync::Arc;

use crate::claim::Network;
use crate::input::PrinterCondition;
use crate::time::ClockQuality;

/// Claim this kiosk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClaimView {
    /// What to claim it by; none: the fleet has given no code.
    pub code: Option<ClaimCodeView>,
    /// Serial number of the machine.
    pub serial: Arc<str>,
    /// The fleet's host.
    pub host: Arc<str>,
    /// How the fleet answers.
    pub fleet: FleetCheck,
    /// How the kiosk reaches the network; none: not at all.
    pub network: Option<Network>,
    /// Local minute of the day.
    pub minute_of_day: u16,
    /// How far that can be believed; [`ClockQuality::Ntp`]: it follows a time server.
    pub clock: ClockQuality,
    /// Whether the payment terminal is there; none: the settings name none.
    pub terminal: Option<bool>,
    /// How the receipt printer is; none: the settings name none.
    pub printer: Option<PrinterCondition>,
    /// Version of the software.
    pub version: Arc<str>,
}

/// What the kiosk is claimed by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClaimCodeView {
    /// Two groups: `R7KD-4M2P`.
    pub text: Arc<str>,
    /// Where a person opens it; the content of the QR code.
    pub link: Arc<str>,
    /// Milliseconds left, at the time the view was made.
    pub remaining_ms: u32,
    /// Of how many.
    pub total_ms: u32,
}

/// How the fleet answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FleetCheck {
    /// It is being asked.
    Asking,
    /// It answers.
    Answers,
    /// It answers and gives no code.
    Refuses {
        /// HTTP status.
        status: u16,
    },
    /// It cannot be reached.
    Silent {
        /// Since when, local minute of the day.
        since_minute: u16,
    },
}
