//! Keeps one engine running: starts it, asks it every few seconds, starts it again when it ended or froze.
//!
//! ```text
//!            ready                 ended, silent
//! starting ─────────► running ──────────────────────► pause ──► starting
//!     │                  │                              │
//!     │ not ready        │ stop                         │ too many starts in vain
//!     └──► pause         └──► stopped                   └──► gave up
//! ```

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::account::Account;
use super::child::{Child, LastLines, prepare};
use super::engine::{Engine, check, ready};
use super::leftovers;
use super::restarts::Restarts;
use super::{GaveUp, Timing};

/// What an engine's keeper is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Order {
    /// Read configuration, certificates and lists again.
    Reload,
    /// End cleanly.
    Stop,
}

/// Why an engine is not being watched any more.
enum End {
    Stopped,
    Failed(String),
}

/// One engine and all that is needed to keep it running.
pub(super) struct Keeper<E> {
    engine: E,
    account: Account,
    timing: Timing,
    restarts: Restarts,
    lines: LastLines,
    child: Option<Child>,
    pid: watch::Sender<Option<u32>>,
}

impl<E: Engine> Keeper<E> {
    pub(super) fn new(engine: E, account: Account, timing: Timing, pid: watch::Sender<Option<u32>>) -> Self {
        let restarts = Restarts::new(timing.restart);
        Self { engine, account, timing, restarts, lines: LastLines::default(), child: None, pid }
    }

    pub(super) fn last_lines(&self) -> Vec<String> {
        self.lines.get()
    }

    /// Starts it and waits until it works. What an earlier supervisor left behind is ended first: asked for
    /// `grace`, then killed.
    pub(super) async fn start(&mut self, grace: Duration) -> Result<(), String> {
        let left = leftovers::end(self.engine.dir(), E::NAME, E::STOP, grace).await;
        if left > 0 {
            return Err(format!("{left} processes of an earlier {} cannot be killed", E::NAME));
        }
        let mut command = self.engine.command();
        prepare(&mut command, &self.account, E::STOP);
        let child = Child::start(command, E::LOG, &self.lines).map_err(|error| error.to_string())?;
        let pid = child.pid();
        self.pid.send_replace(u32::try_from(pid.as_raw()).ok());
        let child = self.child.insert(child);
        let started = Instant::now();
        tokio::select! {
            end = child.ended() => Err(end),
            ready = ready(&mut self.engine, self.timing.ready_limit) => {
                ready?;
                tracing::info!(engine = E::NAME, %pid, after = ?started.elapsed(), "running");
                Ok(())
            }
        }
    }

    /// Keeps it running until it is told to stop. The first start is the caller's.
    pub(super) async fn keep(mut self, mut orders: mpsc::Receiver<Order>) -> Result<(), GaveUp> {
        loop {
            let why = match self.watch(&mut orders).await {
                End::Stopped => return self.stopped().await,
                End::Failed(why) => why,
            };
            self.kill().await;
            tracing::warn!(engine = E::NAME, %why, "failed");
            let mut pause = self.restarts.died(Instant::now());
            loop {
                let started = tokio::select! {
                    () = stop_ordered(&mut orders) => None,
                    started = async {
                        sleep(pause).await;
                        self.start(Duration::ZERO).await
                    } => Some(started),
                };
                match started {
                    None => return self.stopped().await,
                    Some(Ok(())) => break,
                    Some(Err(why)) => {
                        self.kill().await;
                        tracing::warn!(engine = E::NAME, %why, "cannot be started");
                        pause = match self.restarts.not_started(Instant::now()) {
                            Some(pause) => pause,
                            None => {
                                return Err(GaveUp { engine: E::NAME, why, last_lines: self.lines.get() });
                            }
                        };
                    }
                }
            }
        }
    }

    async fn watch(&mut self, orders: &mut mpsc::Receiver<Order>) -> End {
        let (engine, timing) = (&mut self.engine, self.timing);
        let Some(child) = self.child.as_mut() else {
            return End::Failed("was not started".to_owned());
        };
        loop {
            let checked = async {
                sleep(timing.liveness_interval).await;
                check(engine, timing.liveness_limit).await
            };
            let order = tokio::select! {
                end = child.ended() => return End::Failed(end),
                checked = checked => match checked {
                    Ok(_) => continue,
                    Err(silent) => return End::Failed(silent),
                },
                order = orders.recv() => order,
            };
            match order {
                Some(Order::Reload) => child.signal(Signal::SIGHUP),
                Some(Order::Stop) | None => return End::Stopped,
            }
        }
    }

    async fn stopped(mut self) -> Result<(), GaveUp> {
        if let Some(mut child) = self.child.take() {
            child.stop(E::STOP, E::STOP_LIMIT).await;
        }
        self.kill().await;
        tracing::info!(engine = E::NAME, "stopped");
        Ok(())
    }

    /// Ends all processes of the engine at once.
    pub(super) async fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().await;
        }
        self.pid.send_replace(None);
        leftovers::end(self.engine.dir(), E::NAME, E::STOP, Duration::ZERO).await;
    }
}

/// Waits for the order to stop. A reload is done by starting.
async fn stop_ordered(orders: &mut mpsc::Receiver<Order>) {
    while orders.recv().await == Some(Order::Reload) {}
}
