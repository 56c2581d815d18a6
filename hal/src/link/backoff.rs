//! How long to wait before opening a device again.

use std::time::Duration;

/// First pause: long enough for a USB device to finish enumerating, short enough to go unnoticed.
const PAUSE_MIN: Duration = Duration::from_millis(200);
/// Longest pause: a device that comes back is in service within ten seconds.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// Service of this length counts as good and forgets earlier failures.
const GOOD_SERVICE: Duration = Duration::from_secs(30);
/// Jitter, so that devices behind one hub do not all reconnect in step: ± one fifth, in thousandths.
const JITTER_PER_MILLE: u64 = 200;

/// Reconnect pauses: 0.2 s, doubling to 10 s, each ± 20 %; back to 0.2 s after 30 s of good service.
///
/// Pure: the caller says how long the connection served and brings the randomness.
#[derive(Clone, Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Starts with the shortest pause.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The pause after a connection that served for `served` (zero when it never opened).
    ///
    /// `random` is any number, all its values equally likely.
    pub fn pause_after(&mut self, served: Duration, random: u64) -> Duration {
        if served >= GOOD_SERVICE {
            self.failures = 0;
        }
        let doubled = PAUSE_MIN.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX));
        self.failures = self.failures.saturating_add(1).min(31);
        let per_mille = 1_000 - JITTER_PER_MILLE + random % (2 * JITTER_PER_MILLE + 1);
        let millis = u64::try_from(doubled.min(PAUSE_MAX).as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(millis * per_mille / 1_000)
    }

    /// Failures in a row, for the status text.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }
}
