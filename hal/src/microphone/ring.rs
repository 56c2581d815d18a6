//! From the card's thread to ours: a ring of samples without a lock. One thread pushes, one takes.
//!
//! The pushing side runs in the card's callback, so it neither waits nor allocates: what does not fit is dropped and
//! counted. Samples are overwritten with zeros as they are taken, and all of them when the ring is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicI16, AtomicU64, AtomicUsize, Ordering};

/// Makes a ring for so many samples, at least 1.
pub(super) fn ring(capacity: usize) -> (Pusher, Taker) {
    let samples = (0..capacity.max(1)).map(|_| AtomicI16::new(0)).collect();
    let shared = Arc::new(Shared {
        samples,
        pushed: AtomicUsize::new(0),
        taken: AtomicUsize::new(0),
        dropped: AtomicU64::new(0),
    });
    (Pusher(Arc::clone(&shared)), Taker(shared))
}

struct Shared {
    samples: Box<[AtomicI16]>,
    /// Samples ever pushed and taken, wrapping; their difference is what lies in the ring.
    pushed: AtomicUsize,
    taken: AtomicUsize,
    dropped: AtomicU64,
}

/// The card's side.
pub(super) struct Pusher(Arc<Shared>);

/// Our side.
pub(super) struct Taker(Arc<Shared>);

impl Pusher {
    /// Copies what fits; the rest is counted and gone.
    pub(super) fn push(&mut self, sound: &[i16]) {
        let ring = &*self.0;
        let pushed = ring.pushed.load(Ordering::Relaxed);
        let filled = pushed.wrapping_sub(ring.taken.load(Ordering::Acquire));
        let room = ring.samples.len() - filled.min(ring.samples.len());
        let (kept, lost) = sound.split_at(sound.len().min(room));
        for (at, sample) in kept.iter().enumerate() {
            ring.samples[pushed.wrapping_add(at) % ring.samples.len()].store(*sample, Ordering::Relaxed);
        }
        ring.pushed.store(pushed.wrapping_add(kept.len()), Ordering::Release);
        if !lost.is_empty() {
            ring.dropped.fetch_add(u64::try_from(lost.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }
}

impl Taker {
    /// Moves everything that is there behind `sound`.
    pub(super) fn take(&mut self, sound: &mut Vec<i16>) {
        let ring = &*self.0;
        let taken = ring.taken.load(Ordering::Relaxed);
        let filled = ring.pushed.load(Ordering::Acquire).wrapping_sub(taken);
        sound.extend(
            (0..filled).map(|at| {
                ring.samples[taken.wrapping_add(at) % ring.samples.len()].swap(0, Ordering::Relaxed)
            }),
        );
        ring.taken.store(taken.wrapping_add(filled), Ordering::Release);
    }

    /// Samples that did not fit since it was made.
    pub(super) fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        for sample in &self.samples {
            sample.store(0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(taker: &mut Taker) -> Vec<i16> {
        let mut out = Vec::new();
        taker.take(&mut out);
        out
    }

    #[test]
    fn samples_come_out_in_order_over_the_seam_and_once() {
        let (mut pusher, mut taker) = ring(5);
        pusher.push(&[1, 2, 3]);
        assert_eq!(taken(&mut taker), [1, 2, 3]);
        pusher.push(&[4, 5, 6, 7]);
        assert_eq!(taken(&mut taker), [4, 5, 6, 7]);
        assert_eq!(taken(&mut taker), []);
    }

    #[test]
    fn a_full_ring_keeps_what_it_has_and_counts_the_rest() {
        let (mut pusher, mut taker) = ring(4);
        pusher.push(&[1, 2, 3]);
        pusher.push(&[4, 5, 6]);
        pusher.push(&[7]);
        assert_eq!(taker.dropped(), 3);
        assert_eq!(taken(&mut taker), [1, 2, 3, 4]);
        pusher.push(&[8]);
        assert_eq!(taken(&mut taker), [8]);
    }

    #[test]
    fn what_was_taken_is_not_left_in_memory() {
        let (mut pusher, mut taker) = ring(4);
        pusher.push(&[11, 12, 13]);
        taken(&mut taker);
        assert!(taker.0.samples.iter().all(|sample| sample.load(Ordering::Relaxed) == 0));
    }

    #[test]
    fn two_threads_lose_nothing_that_fits() {
        const COUNT: i16 = 20_000;
        let (mut pusher, mut taker) = ring(30_000);
        let heard = std::thread::scope(|scope| {
            scope.spawn(move || (0..COUNT).for_each(|sample| pusher.push(&[sample])));
            let mut heard = Vec::new();
            while heard.len() < usize::from(COUNT.unsigned_abs()) {
                taker.take(&mut heard);
                std::hint::spin_loop();
            }
            heard
        });
        assert!(heard.iter().copied().eq(0..COUNT));
    }
}
