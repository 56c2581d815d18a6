//! Whether what comes in is stored. A database that can be asked may still refuse to keep anything: a full
//! disk, a replica, a lost permission.

use std::sync::{Mutex, PoisonError};

use crate::clock::now_ms;

/// A failure this old that nothing has repeated says nothing any more: heartbeats come every minute.
const FAILURE_GOOD_MS: i64 = 10 * 60 * 1000;

/// Of this process.
pub(crate) static STANDING: Standing = Standing(Mutex::new(None));

/// The last failure, if nothing was stored since.
#[derive(Debug)]
pub(crate) struct Standing(Mutex<Option<Failure>>);

#[derive(Debug)]
struct Failure {
    at_ms: i64,
    why: String,
}

impl Standing {
    /// Something was stored.
    pub(super) fn stored(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Something could not be stored.
    pub(super) fn failed(&self, why: String) {
        self.note(why, now_ms());
    }

    /// Why nothing is stored.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.trouble_at(now_ms())
    }

    fn note(&self, why: String, now_ms: i64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Failure { at_ms: now_ms, why });
    }

    fn trouble_at(&self, now_ms: i64) -> Option<String> {
        let failure = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = failure.as_ref().filter(|failure| now_ms - failure.at_ms < FAILURE_GOOD_MS);
        fresh.map(|failure| failure.why.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_until_something_is_stored_or_nobody_has_tried_for_long() {
        let standing = Standing(Mutex::new(None));
        assert_eq!(standing.trouble(), None);
        standing.note("full".into(), 1_000);
        assert_eq!(standing.trouble_at(2_000).as_deref(), Some("full"));
        assert_eq!(standing.trouble_at(1_000 + FAILURE_GOOD_MS), None);
        standing.failed("full".into());
        standing.stored();
        assert_eq!(standing.trouble(), None);
    }
}
