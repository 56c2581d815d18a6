//! The drawer on the printer's kick-out connector: a solenoid on pin 2 and a switch on pin 3.

use std::time::Duration;

use serde_json::{Value, json};

/// The ledger keeps this many openings; a busy shop opens its drawer some hundred times a day.
const OPENINGS_MAX: usize = 10_000;
/// How many of them the state shows.
const OPENINGS_SHOWN: usize = 20;

/// Why the drawer is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The printer's pulse.
    Pulse,
    /// A key or a crowbar.
    Hand,
}

#[derive(Debug, Clone, Copy, serde::Serialize)]
struct Opening {
    at_ms: u64,
    cause: Cause,
}

/// The drawer and its ledger.
#[derive(Debug, Default)]
pub struct CashDrawer {
    open: bool,
    /// The lock does not yield to the solenoid.
    stuck: bool,
    /// The switch is wired the other way: pin 3 low when open.
    inverted: bool,
    /// The switch follows this late.
    delay: Duration,
    /// A pulse has moved the lock; the drawer will be seen open then.
    opens_at: Option<Duration>,
    pulses: u64,
    openings: Vec<Opening>,
    openings_total: u64,
}

impl CashDrawer {
    /// The level the printer reads.
    pub fn pin_high(&self) -> bool {
        self.open != self.inverted
    }

    /// A pulse on the solenoid.
    pub fn kick(&mut self, now: Duration) {
        self.pulses += 1;
        if !self.open && !self.stuck && self.opens_at.is_none() {
            self.opens_at = Some(now + self.delay);
            self.advance(now);
        }
    }

    /// Lets a delayed opening happen; says whether it did.
    pub fn advance(&mut self, now: Duration) -> bool {
        let due = self.opens_at.filter(|at| *at <= now);
        if let Some(at) = due {
            self.opens_at = None;
            self.opened(at, Cause::Pulse);
        }
        due.is_some()
    }

    pub fn next_deadline(&self) -> Option<Duration> {
        self.opens_at
    }

    pub fn open_by_hand(&mut self, now: Duration) {
        if !self.open {
            self.opened(now, Cause::Hand);
        }
    }

    pub fn close(&mut self) {
        self.open = false;
        self.opens_at = None;
    }

    pub fn set_stuck(&mut self, stuck: bool) {
        self.stuck = stuck;
    }

    pub fn set_inverted(&mut self, inverted: bool) {
        self.inverted = inverted;
    }

    pub fn set_delay(&mut self, delay: Duration) {
        self.delay = delay;
    }

    /// Ends the faults; the drawer stays as it is, and so does its cable.
    pub fn clear(&mut self) {
        self.stuck = false;
        self.delay = Duration::ZERO;
    }

    /// For the panel and for tests.
    pub fn state(&self) -> Value {
        let faults: Vec<&str> =
            [(self.stuck, "stuck"), (self.inverted, "inverted"), (!self.delay.is_zero(), "slow")]
                .into_iter()
                .filter_map(|(on, name)| on.then_some(name))
                .collect();
        let shown = self.openings.len().saturating_sub(OPENINGS_SHOWN);
        json!({
            "open": self.open,
            "faults": faults,
            "in_force": if self.delay.is_zero() {
                json!({})
            } else {
                json!({"slow": self.delay.as_millis().to_string()})
            },
            "slow_ms": u64::try_from(self.delay.as_millis()).unwrap_or(u64::MAX),
            "pin3": if self.pin_high() { "high" } else { "low" },
            "pulses": self.pulses,
            "openings_total": self.openings_total,
            "openings": self.openings[shown..],
        })
    }

    fn opened(&mut self, at: Duration, cause: Cause) {
        self.open = true;
        self.openings_total += 1;
        if self.openings.len() == OPENINGS_MAX {
            self.openings.remove(0);
        }
        self.openings.push(Opening { at_ms: u64::try_from(at.as_millis()).unwrap_or(u64::MAX), cause });
    }
}
