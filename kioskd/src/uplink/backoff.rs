//! How long to wait after a failure: full jitter, so that ten thousand kiosks do not come back to a restarted
//! broker in the same second.

/// The first wait is at most this.
const FIRST_MS: u64 = 1_000;

/// No wait is longer.
const LONGEST_MS: u64 = 5 * 60 * 1_000;

/// No wait is shorter: dice that fall on zero must not make a busy loop.
const SHORTEST_MS: u64 = 100;

/// Counts failures in a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// It failed (again); tells how long to wait. `random` is any number.
    pub fn failed(&mut self, random: u64) -> u64 {
        let ceiling = FIRST_MS.checked_shl(self.failures).map_or(LONGEST_MS, |ms| ms.min(LONGEST_MS));
        self.failures = self.failures.saturating_add(1).min(u64::BITS / 2);
        (random % (ceiling + 1)).max(SHORTEST_MS)
    }

    /// It went well.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_five_minutes_and_are_spread_over_all_of_it() {
        let mut backoff = Backoff::default();
        let ceilings: Vec<u64> = (0..12).map(|_| backoff.failed(u64::MAX / 300_001 * 300_001 - 1)).collect();
        assert!(ceilings.iter().all(|ms| (SHORTEST_MS..=LONGEST_MS).contains(ms)), "{ceilings:?}");
        assert_eq!(backoff.failures(), 12);
        let longest = (0..5000).map(|random| backoff.clone().failed(random * 61)).max().unwrap();
        assert!(longest > LONGEST_MS * 9 / 10, "{longest}");
        backoff.succeeded();
        assert!((0..5000).all(|random| backoff.clone().failed(random) <= FIRST_MS));
        assert_eq!(backoff.clone().failed(0), SHORTEST_MS);
        for _ in 0..10_000 {
            assert!(backoff.failed(u64::MAX) <= LONGEST_MS);
        }
    }
}
