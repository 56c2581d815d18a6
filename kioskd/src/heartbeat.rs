//! Signs of life of a thread, for the watchdog.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts turns. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Heartbeat(Arc<AtomicU64>);

impl Heartbeat {
    /// One more turn.
    pub fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Turns so far.
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
