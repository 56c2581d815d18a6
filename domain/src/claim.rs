//! How a kiosk joins a fleet: it shows a code, and a person whom the fleet knows claims it by that code. The shell
//! talks to the fleet and reports; the page shows it.

use std::sync::Arc;

use crate::time::{MonoMs, WallMs};

/// A kiosk that has never belonged to its fleet, and how far it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim {
    /// The fleet's host, with its port where it is not the usual one.
    pub host: Arc<str>,
    /// What became of the newest question.
    pub fleet: FleetAnswer,
    /// What to claim the kiosk by; none as long as the fleet has given none.
    pub code: Option<ClaimCode>,
    /// How the kiosk reaches the network; none: it has no address.
    pub network: Option<Network>,
    /// Whether the clock follows a time server.
    pub synchronised: bool,
    /// Whether the settings name a payment terminal.
    pub terminal: bool,
    /// Whether the settings name a receipt printer.
    pub printer: bool,
}

/// What became of a question to the fleet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FleetAnswer {
    /// It was not asked yet, or the answer is not there yet.
    Asking,
    /// It answers.
    Answers,
    /// It answers and gives no code.
    Refuses {
        /// HTTP status.
        status: u16,
    },
    /// It has not been reached since then.
    Silent {
        /// Since when.
        since: WallMs,
    },
}

/// What a kiosk is claimed by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClaimCode {
    /// Two groups: `R7KD-4M2P`.
    pub text: Arc<str>,
    /// Where a person opens it, code included.
    pub link: Arc<str>,
    /// When another one takes its place.
    pub ends: MonoMs,
    /// How long it lives altogether, milliseconds.
    pub total_ms: u32,
}

/// A way into the network.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Network {
    /// Of what kind.
    pub kind: NetworkKind,
    /// The machine's name for it: `eth0`.
    pub interface: Arc<str>,
    /// Our address there.
    pub address: Arc<str>,
}

/// A kind of network, as far as the interface's name tells; the steadier first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum NetworkKind {
    /// A cable.
    Ethernet,
    /// Wireless.
    Wifi,
    /// Something else: a modem, a tunnel.
    Other,
}
