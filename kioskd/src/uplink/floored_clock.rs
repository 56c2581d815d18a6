//! The time that certificates are judged by: never earlier than what is known to have passed. A machine without a
//! battery begins in 1970, or where it was switched off, and would take every server's certificate for one that is
//! not valid yet. A clock that is ahead is believed.

use std::time::Duration;

use rustls::pki_types::UnixTime;
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};

use crate::clock::WRITTEN_AT_S;

/// The system's clock with a floor.
#[derive(Debug)]
pub(crate) struct FlooredClock {
    floor_s: u64,
}

impl FlooredClock {
    /// Not before this program was written nor before any of `passed`, s since 1970.
    pub(crate) fn new(passed: impl IntoIterator<Item = i64>) -> Self {
        let latest = passed.into_iter().fold(WRITTEN_AT_S, i64::max);
        Self { floor_s: u64::try_from(latest).unwrap_or_default() }
    }

    /// s since 1970.
    pub(crate) fn now_s(&self) -> u64 {
        let system = DefaultTimeProvider.current_time().map_or(0, |time| time.as_secs());
        system.max(self.floor_s)
    }
}

impl TimeProvider for FlooredClock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(self.now_s())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_counts_unless_more_time_is_known_to_have_passed() {
        let system = DefaultTimeProvider.current_time().unwrap().as_secs();
        assert!(FlooredClock::new([0, WRITTEN_AT_S]).now_s() - system <= 1);
        let ahead = system.cast_signed() + 1000;
        assert_eq!(FlooredClock::new([0, ahead, 5]).now_s(), ahead.cast_unsigned());
    }
}
