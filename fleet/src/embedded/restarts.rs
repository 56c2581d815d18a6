//! When a child that ended is started again, and when that is hopeless.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How often and how fast an engine is started again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RestartPolicy {
    /// Pause before the first new start; it doubles with each further failure.
    pub first_pause: Duration,
    /// Longest pause.
    pub longest_pause: Duration,
    /// With this many failures within [`Self::window`] the supervisor gives up.
    pub failures: usize,
    /// See [`Self::failures`].
    pub window: Duration,
}

impl Default for RestartPolicy {
    /// 100 ms to 5 s; five failures in a minute are too many.
    fn default() -> Self {
        Self {
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(5),
            failures: 5,
            window: Duration::from_secs(60),
        }
    }
}

/// The failures of one engine so far.
#[derive(Debug)]
pub(super) struct Restarts {
    policy: RestartPolicy,
    recent: VecDeque<Instant>,
}

impl Restarts {
    pub(super) const fn new(policy: RestartPolicy) -> Self {
        Self { policy, recent: VecDeque::new() }
    }

    /// Notes a failure. The pause before the next start; `None`: give up.
    pub(super) fn failed(&mut self, now: Instant) -> Option<Duration> {
        let policy = self.policy;
        while self.recent.front().is_some_and(|at| now.duration_since(*at) > policy.window) {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        if self.recent.len() >= policy.failures {
            return None;
        }
        let doublings = u32::try_from(self.recent.len() - 1).unwrap_or(u32::MAX);
        Some(policy.first_pause.saturating_mul(2u32.saturating_pow(doublings)).min(policy.longest_pause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_the_fifth_failure_in_a_minute_ends_it() {
        let mut restarts = Restarts::new(RestartPolicy::default());
        let start = Instant::now();
        let pauses: Vec<_> = (0..5).map(|s| restarts.failed(start + Duration::from_secs(s))).collect();
        let ms = |ms| Some(Duration::from_millis(ms));
        assert_eq!(pauses, [ms(100), ms(200), ms(400), ms(800), None]);
    }

    #[test]
    fn a_failure_now_and_then_is_forgotten_after_a_minute() {
        let mut restarts = Restarts::new(RestartPolicy::default());
        let start = Instant::now();
        for minute in 0..100 {
            let pause = restarts.failed(start + Duration::from_secs(61 * minute));
            assert_eq!(pause, Some(Duration::from_millis(100)));
        }
    }

    #[test]
    fn no_pause_is_longer_than_the_longest() {
        let policy = RestartPolicy { failures: 100, ..RestartPolicy::default() };
        let mut restarts = Restarts::new(policy);
        let now = Instant::now();
        let last = (0..99).filter_map(|_| restarts.failed(now)).last();
        assert_eq!(last, Some(policy.longest_pause));
    }
}
