//! How fast somebody may ask: a bucket of tokens each, refilled steadily, in this replica's memory. It keeps one
//! program that went wild from slowing down everybody; it is no protection against an attack from many places.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Instant;

/// Requests at once.
const BURST: f64 = 200.0;

/// Requests a second, for ever.
const RATE: f64 = 40.0;

/// Buckets that are kept. Full ones are forgotten first; they are as good as new.
const KEPT: usize = 20_000;

/// Everybody's buckets.
#[derive(Default)]
pub(crate) struct Pace {
    buckets: Mutex<HashMap<String, Bucket>>,
}

struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    fn refilled(&self, now: Instant) -> f64 {
        (self.left + now.saturating_duration_since(self.at).as_secs_f64() * RATE).min(BURST)
    }
}

impl Pace {
    /// Takes one token of somebody's; `false` if there is none.
    pub(super) fn admits(&self, who: &str, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if buckets.len() >= KEPT && !buckets.contains_key(who) {
            buckets.retain(|_, bucket| bucket.refilled(now) < BURST);
        }
        let bucket = buckets.entry(who.to_owned()).or_insert(Bucket { left: BURST, at: now });
        let left = bucket.refilled(now);
        *bucket = Bucket { left: left - if left >= 1.0 { 1.0 } else { 0.0 }, at: now };
        left >= 1.0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_is_fine_and_then_it_goes_steadily_each_on_their_own() {
        let (pace, now) = (Pace::default(), Instant::now());
        assert_eq!((0..300).filter(|_| pace.admits("a", now)).count(), 200);
        assert!(pace.admits("b", now), "another");
        let later = now + Duration::from_secs(1);
        assert_eq!((0..300).filter(|_| pace.admits("a", later)).count(), 40);
    }

    #[test]
    fn memory_is_bounded_for_those_who_come_once() {
        let (pace, now) = (Pace::default(), Instant::now());
        for who in 0..KEPT * 2 {
            let at = now + Duration::from_millis(who as u64);
            assert!(pace.admits(&who.to_string(), at));
        }
        assert!(pace.buckets.lock().unwrap().len() <= KEPT);
    }
}
