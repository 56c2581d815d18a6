//! The clock of the screen: one monotonic time for animations, guards, frame stamps and time-outs.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// A monotonic clock. All times in this crate are measured from its origin.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Time since the clock's origin; never goes backwards.
    fn now(&self) -> Duration;
}

/// `CLOCK_MONOTONIC`: its origin is the boot of the machine, so that stamps can be compared with those of
/// kernel input events and page flips.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        clock_gettime(ClockId::CLOCK_MONOTONIC)
            .map(Duration::from)
            .expect("CLOCK_MONOTONIC exists on every kernel this program runs on")
    }
}

/// A clock that stands still until told otherwise, for tests and benches.
#[derive(Debug, Default)]
pub struct ManualClock {
    now_us: AtomicU64,
}

impl ManualClock {
    /// Moves the clock forward, in whole microseconds.
    pub fn advance(&self, by: Duration) {
        let by_us = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        self.now_us.fetch_add(by_us, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Duration {
        Duration::from_micros(self.now_us.load(Ordering::SeqCst))
    }
}

/// `duration` in whole microseconds, as stamps travel on the wire and rest in atomics.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
