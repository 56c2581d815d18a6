//! A crowd of kiosks as their fleet sees them: each with a certificate, a connection, a log that it chains and
//! sells into, and faults. Own MQTT codec, own client, own events: nothing of the kiosk's.
//!
//! ```text
//! Plan ─► identities (signed with the fleet's kiosk authority) ─► one task a kiosk ─► Report
//! ```
//! A kiosk here keeps its log through every fault, as a real one does on its disk; what it loses is the
//! connection, and what it had sent without an answer.

mod client;
mod codec;
mod identity;
mod kiosk;
mod log;
mod report;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

pub use identity::IdentityError;
pub use report::{KioskReport, Latency, Report};

use identity::Authority;
use kiosk::Kiosk;

/// What to simulate.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The broker's listener for kiosks.
    pub broker: SocketAddr,
    /// Folder with `fleet-ca.pem`, `kiosk-ca.pem` and `kiosk-ca.key`.
    pub authorities: PathBuf,
    /// How many.
    pub kiosks: u32,
    /// Their ids begin with this; a number of five digits follows.
    pub prefix: String,
    /// Sales a minute of all kiosks together.
    pub sales_per_minute: f64,
    /// Sales that every kiosk has in its log when it begins.
    pub backlog: u32,
    /// How long they sell.
    pub sell_for: Duration,
    /// How long answers took is counted from so long after the start: until then they connect.
    pub settle_for: Duration,
    /// How long they may take afterwards to hand everything over.
    pub drain_for: Duration,
    /// Pause between two heartbeats.
    pub heartbeat: Duration,
    /// Mean time between two losses of a kiosk's connection; zero: never.
    pub lose_every: Duration,
    /// How long a batch waits for its answer.
    pub answer_within: Duration,
    /// The kiosks connect spread over this time.
    pub connect_over: Duration,
    /// Everything random follows from this.
    pub seed: u64,
}

impl Plan {
    /// The id of the kiosk of this number, from 1.
    pub fn id(&self, number: u32) -> String {
        format!("{}{number:05}", self.prefix)
    }
}

/// What the kiosks are told while they run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Sell,
    Drain,
    Stop,
}

/// Runs the plan. Every kiosk must be in the fleet's registry already.
///
/// # Errors
/// The authority cannot be read, or a certificate not be made.
pub async fn run(plan: Plan) -> Result<Report, IdentityError> {
    raise_file_limit();
    let authority = Authority::load(&plan.authorities)?;
    let (phase, seen) = watch::channel(Phase::Sell);
    let mut tasks = JoinSet::new();
    let plan = Arc::new(plan);
    let kiosks: Vec<Kiosk> = (1..=plan.kiosks)
        .map(|number| {
            let id = plan.id(number);
            let tls = authority.issue(&id)?;
            Ok(Kiosk::new(Arc::clone(&plan), id, number, tls))
        })
        .collect::<Result<_, IdentityError>>()?;
    // Certificates and backlogs take their time: nobody begins before all are ready.
    for kiosk in kiosks {
        tasks.spawn(kiosk.run(seen.clone()));
    }
    drop(seen);
    tokio::time::sleep(plan.sell_for).await;
    // Nobody listens any more only if every kiosk's task has failed; the report says so.
    phase.send(Phase::Drain).ok();
    let mut kiosks = Vec::new();
    let deadline = tokio::time::Instant::now() + plan.drain_for;
    loop {
        tokio::select! {
            ended = tasks.join_next() => match ended {
                Some(Ok(report)) => kiosks.push(report),
                Some(Err(error)) => tracing::error!(%error, "a kiosk's task failed"),
                None => break,
            },
            () = tokio::time::sleep_until(deadline) => {
                phase.send(Phase::Stop).ok();
                while let Some(ended) = tasks.join_next().await {
                    kiosks.extend(ended);
                }
                break;
            }
        }
    }
    Ok(Report::new(kiosks))
}

/// A connection a kiosk needs a file descriptor each.
fn raise_file_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
    {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
}
