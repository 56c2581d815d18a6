//! What the supervisor needs to know of an engine.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep, timeout_at};

/// Pause between two tries to reach an engine.
const RETRY: Duration = Duration::from_millis(20);

/// An engine that answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Health {
    /// It works.
    Ready,
    /// It lives and says that it cannot serve yet: recovery after a crash, no connection left.
    Busy,
}

/// PostgreSQL or Mosquitto.
pub(super) trait Engine: Send + 'static {
    /// Name of its program, and in messages.
    const NAME: &'static str;
    /// Asks it to end cleanly and soon; also sent to it when the supervisor dies.
    const STOP: Signal;
    /// How long it may take for that before it is killed.
    const STOP_LIMIT: Duration;
    /// Writes one of its lines to our log.
    const LOG: fn(&str);

    /// Its working folder, by which its processes are found.
    fn dir(&self) -> &Path;

    /// How it is started, without account and environment.
    fn command(&self) -> Command;

    /// Asks it something once. May hang when it is frozen; cancel-safe.
    fn probe(&mut self) -> impl Future<Output = Result<Health, String>> + Send;
}

/// Asks until there is an answer; an engine that gives none within `limit` is frozen or cannot be reached.
pub(super) async fn check<E: Engine>(engine: &mut E, limit: Duration) -> Result<Health, String> {
    let until = Instant::now() + limit;
    let mut why = "it accepts the question and does not answer".to_owned();
    loop {
        match timeout_at(until, engine.probe()).await {
            Ok(Ok(health)) => return Ok(health),
            Ok(Err(error)) => why = error,
            Err(_) => return Err(format!("no answer for {limit:?}: {why}")),
        }
        if Instant::now() + RETRY > until {
            return Err(format!("no answer for {limit:?}: {why}"));
        }
        sleep(RETRY).await;
    }
}

/// Waits until it works. One that says it is busy may take as long as it needs.
pub(super) async fn ready<E: Engine>(engine: &mut E, limit: Duration) -> Result<(), String> {
    while check(engine, limit).await? == Health::Busy {
        sleep(RETRY).await;
    }
    Ok(())
}
