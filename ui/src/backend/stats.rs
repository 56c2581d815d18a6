//! What the screen did: counters for Status and benches, and the signs of life that feed the watchdog.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::clock::micros;

/// Render times kept for the percentiles: about 17 s of constant motion.
const RING_LEN: usize = 1024;
/// No sign of life for longer than this means that the screen hangs. The loop beats once a second.
const BEAT_LIMIT: Duration = Duration::from_secs(3);
/// A change that waits longer than this for its frame means that the screen hangs.
const DIRTY_LIMIT: Duration = Duration::from_secs(2);

/// Counters since the start, and percentiles over the last 1024 frames.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RenderStats {
    /// Frames drawn.
    pub frames: u64,
    /// Pixels drawn, summed over all frames.
    pub dirty_px: u64,
    /// Pixels of the last frame.
    pub last_dirty_px: u64,
    /// When the first frame stood in the buffer, on the screen's clock.
    pub first_frame: Option<Duration>,
    /// Median render time.
    pub render_us_p50: u64,
    /// 95th percentile of the render time.
    pub render_us_p95: u64,
    /// 99th percentile of the render time.
    pub render_us_p99: u64,
    /// Longest render time among the last frames.
    pub render_us_max: u64,
    /// Turns of the event loop: how often the screen's thread woke up.
    pub turns: u64,
    /// Inputs that reached the pages.
    pub inputs: u64,
    /// Inputs that were refused: second contacts, presses right after a page change, stray keys, nonsense.
    pub inputs_refused: u64,
    /// Wishes of the customer that were lost because the core's queue was full.
    pub intents_dropped: u64,
}

/// Evidence that the screen's thread lives and shows what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Liveness {
    /// Last beat of the loop's own timer.
    pub beat: Option<Duration>,
    /// Last frame that was handed to the display.
    pub presented: Option<Duration>,
    /// Since when a change waits for its frame.
    pub dirty_since: Option<Duration>,
}

impl Liveness {
    /// True when the loop moved lately and no change waits too long for its frame.
    #[must_use]
    pub fn is_alive(&self, now: Duration) -> bool {
        let beats = self.beat.is_some_and(|beat| now.saturating_sub(beat) <= BEAT_LIMIT);
        let draws = self.dirty_since.is_none_or(|since| now.saturating_sub(since) <= DIRTY_LIMIT);
        beats && draws
    }
}

/// Where the screen's thread writes and everybody else reads.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    counters: Mutex<Counters>,
    beat: Stamp,
    presented: Stamp,
    dirty_since: Stamp,
}

#[derive(Debug, Default)]
struct Counters {
    stats: RenderStats,
    ring: VecDeque<u64>,
}

/// One frame as it is accounted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FrameCost {
    pub at: Duration,
    pub render: Duration,
    pub dirty_px: u64,
}

impl Recorder {
    pub(crate) fn frame(&self, cost: FrameCost) {
        self.presented.set(cost.at);
        self.dirty_since.clear();
        self.count(|counters| {
            counters.stats.frames += 1;
            counters.stats.dirty_px += cost.dirty_px;
            counters.stats.last_dirty_px = cost.dirty_px;
            counters.stats.first_frame.get_or_insert(cost.at);
            if counters.ring.len() == RING_LEN {
                counters.ring.pop_front();
            }
            counters.ring.push_back(micros(cost.render));
        });
    }

    pub(crate) fn turn(&self) {
        self.count(|counters| counters.stats.turns += 1);
    }

    pub(crate) fn inputs(&self, accepted: u64, refused: u64) {
        self.count(|counters| {
            counters.stats.inputs += accepted;
            counters.stats.inputs_refused += refused;
        });
    }

    pub(crate) fn intent_dropped(&self) {
        self.count(|counters| counters.stats.intents_dropped += 1);
    }

    pub(crate) fn beat(&self, now: Duration) {
        self.beat.set(now);
    }

    /// Notes that a change waits for its frame since `now`, unless an older one already does.
    pub(crate) fn dirty(&self, now: Duration) {
        self.dirty_since.set_if_unset(now);
    }

    pub(crate) fn liveness(&self) -> Liveness {
        Liveness {
            beat: self.beat.get(),
            presented: self.presented.get(),
            dirty_since: self.dirty_since.get(),
        }
    }

    pub(crate) fn stats(&self) -> RenderStats {
        let (mut stats, mut times) = {
            let counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
            (counters.stats, counters.ring.iter().copied().collect::<Vec<_>>())
        };
        times.sort_unstable();
        stats.render_us_p50 = percentile(&times, 50);
        stats.render_us_p95 = percentile(&times, 95);
        stats.render_us_p99 = percentile(&times, 99);
        stats.render_us_max = percentile(&times, 100);
        stats
    }

    fn count(&self, change: impl FnOnce(&mut Counters)) {
        change(&mut self.counters.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The smallest value that `percent` of all values do not exceed; 0 without values.
fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    rank.checked_sub(1).and_then(|index| sorted.get(index)).copied().unwrap_or(0)
}

/// A point in time, or none, that is read without a lock. Stored as microseconds plus one.
#[derive(Debug, Default)]
struct Stamp(AtomicU64);

impl Stamp {
    fn set(&self, at: Duration) {
        self.0.store(micros(at).saturating_add(1), Ordering::Release);
    }

    fn set_if_unset(&self, at: Duration) {
        // Losing the exchange means that an older stamp is already there, which is what is wanted.
        self.0.compare_exchange(0, micros(at).saturating_add(1), Ordering::AcqRel, Ordering::Relaxed).ok();
    }

    fn clear(&self) {
        self.0.store(0, Ordering::Release);
    }

    fn get(&self) -> Option<Duration> {
        self.0.load(Ordering::Acquire).checked_sub(1).map(Duration::from_micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn percentiles_come_from_the_last_frames_only() {
        let recorder = Recorder::default();
        for n in 0..3_000 {
            recorder.frame(FrameCost { at: ms(n), render: Duration::from_micros(n), dirty_px: 10 });
        }
        let stats = recorder.stats();
        assert_eq!((stats.frames, stats.dirty_px), (3_000, 30_000));
        assert_eq!(stats.first_frame, Some(ms(0)));
        assert_eq!(stats.render_us_max, 2_999);
        assert_eq!(stats.render_us_p50, 2_999 - 512);
    }

    #[test]
    fn a_screen_without_beat_or_with_an_old_undrawn_change_counts_as_dead() {
        let recorder = Recorder::default();
        assert!(!recorder.liveness().is_alive(ms(0)), "it has not started");
        recorder.beat(ms(0));
        assert!(recorder.liveness().is_alive(ms(3_000)));
        assert!(!recorder.liveness().is_alive(ms(3_001)));

        recorder.beat(ms(3_000));
        recorder.dirty(ms(1_000));
        recorder.dirty(ms(2_500));
        assert!(recorder.liveness().is_alive(ms(3_000)));
        assert!(!recorder.liveness().is_alive(ms(3_001)), "the older of both changes counts");
        recorder.frame(FrameCost { at: ms(3_001), render: ms(1), dirty_px: 1 });
        assert!(recorder.liveness().is_alive(ms(3_001)));
    }
}
