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
    /// With this many starts in a row that lead to nothing, all within [`Self::window`], the supervisor gives up. One that
    /// ran and died is started again for ever: a broker that somebody can crash must not take the fleet down for good.
    pub starts: usize,
    /// See [`Self::starts`]; failures before it are forgotten.
    pub window: Duration,
}

impl Default for RestartPolicy {
    /// 100 ms to 5 s; five starts in a minute that lead to nothing are too many.
    fn default() -> Self {
        Self {
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(5),
            starts: 5,
            window: Duration::from_secs(60),
        }
    }
}

/// The failures of one engine so far.
#[derive(Debug)]
pub(super) struct Restarts {
    policy: RestartPolicy,
    recent: VecDeque<Instant>,
    /// Failed starts since it last ran.
    in_vain: VecDeque<Instant>,
}

impl Restarts {
    pub(super) const fn new(policy: RestartPolicy) -> Self {
        Self { policy, recent: VecDeque::new(), in_vain: VecDeque::new() }
    }

    /// Notes the end of an engine that ran. The pause before the next start.
    pub(super) fn died(&mut self, now: Instant) -> Duration {
        self.in_vain.clear();
        self.pause(now)
    }

    /// Notes a start that led to nothing. The pause before the next one; `None`: give up.
    pub(super) fn not_started(&mut self, now: Instant) -> Option<Duration> {
        keep_recent(&mut self.in_vain, now, self.policy.window);
        let pause = self.pause(now);
        (self.in_vain.len() < self.policy.starts).then_some(pause)
    }

    fn pause(&mut self, now: Instant) -> Duration {
        let policy = self.policy;
        keep_recent(&mut self.recent, now, policy.window);
        let doublings = u32::try_from(self.recent.len() - 1).unwrap_or(u32::MAX);
        policy.first_pause.saturating_mul(2u32.saturating_pow(doublings)).min(policy.longest_pause)
    }
}

/// Adds this moment and drops those that are longer ago than `window`.
fn keep_recent(moments: &mut VecDeque<Instant>, now: Instant, window: Duration) {
    moments.push_back(now);
    while moments.front().is_some_and(|at| now.duration_since(*at) > window) {
        moments.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn pauses_double_and_the_fifth_start_in_a_minute_that_leads_to_nothing_ends_it() {
        let mut restarts = Restarts::new(RestartPolicy::default());
        let start = Instant::now();
        let pauses: Vec<_> = (0..5).map(|s| restarts.not_started(start + Duration::from_secs(s))).collect();
        assert_eq!(pauses, [Some(ms(100)), Some(ms(200)), Some(ms(400)), Some(ms(800)), None]);
    }

    #[test]
    fn one_that_runs_and_dies_is_started_again_for_ever() {
        let mut restarts = Restarts::new(RestartPolicy::default());
        let start = Instant::now();
        for second in 0..200 {
            let now = start + Duration::from_secs(second);
            assert!(restarts.died(now) <= RestartPolicy::default().longest_pause);
            assert!(
                restarts.not_started(now).is_some(),
                "one failed start in between is no reason to give up"
            );
        }
    }

    #[test]
    fn a_failure_now_and_then_is_forgotten_after_a_minute() {
        let mut restarts = Restarts::new(RestartPolicy::default());
        let start = Instant::now();
        for minute in 0..100 {
            let now = start + Duration::from_secs(61 * minute);
            let pause = if minute % 2 == 0 { Some(restarts.died(now)) } else { restarts.not_started(now) };
            assert_eq!(pause, Some(ms(100)));
        }
    }

    #[test]
    fn no_pause_is_longer_than_the_longest() {
        let policy = RestartPolicy { starts: 100, ..RestartPolicy::default() };
        let mut restarts = Restarts::new(policy);
        let now = Instant::now();
        let last = (0..99).filter_map(|_| restarts.not_started(now)).last();
        assert_eq!(last, Some(policy.longest_pause));
    }
}
