//! How many samples are due: a file is played as a card would deliver it.

use std::time::Duration;

/// Counts samples against a clock.
pub(super) struct Pace {
    rate: u32,
    began: Duration,
    delivered: u64,
}

impl Pace {
    pub(super) fn new(rate: u32, now: Duration) -> Self {
        Self { rate, began: now, delivered: 0 }
    }

    /// Samples that a card would have had since the last call.
    pub(super) fn due(&mut self, now: Duration) -> u64 {
        let micros = u64::try_from(now.saturating_sub(self.began).as_micros()).unwrap_or(u64::MAX);
        let all = micros.saturating_mul(u64::from(self.rate)) / 1_000_000;
        let due = all.saturating_sub(self.delivered);
        self.delivered += due;
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_a_second_exactly_its_samples_are_due_however_often_it_is_asked() {
        let start = Duration::from_secs(77);
        for step_us in [333, 16_000, 1_000_000] {
            let mut pace = Pace::new(22_050, start);
            let steps = 1_000_000 / step_us;
            let mut all: u64 =
                (1..=steps).map(|n| pace.due(start + Duration::from_micros(n * step_us))).sum();
            all += pace.due(start + Duration::from_secs(1));
            assert_eq!(all, 22_050, "steps of {step_us} µs");
        }
    }

    #[test]
    fn nothing_is_due_twice_and_nothing_before_the_start() {
        let mut pace = Pace::new(16_000, Duration::from_secs(5));
        assert_eq!(pace.due(Duration::from_secs(4)), 0);
        assert_eq!(pace.due(Duration::from_secs(6)), 16_000);
        assert_eq!(pace.due(Duration::from_secs(6)), 0);
    }
}
