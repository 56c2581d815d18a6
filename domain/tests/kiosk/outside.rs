//! All that the tests take from outside themselves: what they are told to run, and how long something took. The
//! domain has neither clock nor environment, and the tests have them here only.

use std::time::{Duration, Instant};

/// A number from the environment, for running one seed again or many at once.
#[expect(clippy::disallowed_methods, reason = "a person tells the test which lives to run")]
pub fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}

/// What `work` makes, and how long it took by a real clock.
#[expect(clippy::disallowed_methods, reason = "how fast the domain is cannot be told without a clock")]
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begin = Instant::now();
    let made = work();
    (made, begin.elapsed())
}
