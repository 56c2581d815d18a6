//! A crowd of kiosks as their fleet sees them: each with a certificate, a connection, a log that it chains and
//! sells into, and faults. Own MQTT codec, own client, own events: nothing of the kiosk's.
//!
//! ```text
//! Plan ─► members (enrolled, or signed with the fleet's kiosk authority) ─► one task a kiosk ─► Report
//!                                                            Order ─────────────▲
//! ```
//! A kiosk here keeps its log through every fault, as a real one does on its disk; what it loses is the
//! connection, and what it had sent without an answer.

mod client;
mod codec;
mod door;
mod fault;
mod identity;
mod kiosk;
mod log;
mod report;
mod update;

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

pub use door::Door;
pub use fault::{Fault, HELP, NoOrder, Order};
pub use report::{KioskReport, Latency, Report};
pub use update::{Bad, Switch, Updates};

use crate::rng::Rng;
use identity::Authority;
use kiosk::Kiosk;

/// Faults that may wait for one kiosk, which may be frozen.
const FAULTS: usize = 16;

/// A host and a port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl FromStr for Endpoint {
    type Err = CrowdError;

    fn from_str(text: &str) -> Result<Self, CrowdError> {
        let parts = text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let (host, port) = parts.ok_or_else(|| CrowdError::Content(format!("{text:?} is no HOST:PORT")))?;
        Ok(Self { host: host.to_owned(), port })
    }
}

/// Who they are.
#[derive(Clone, Debug)]
pub enum Members {
    /// The fleet takes them in.
    Enrolled(Door),
    /// Their ids are in the registry already: this and five digits. The authority signs them.
    Registered {
        /// The broker's listener for kiosks.
        broker: Endpoint,
        /// What the ids begin with.
        prefix: String,
    },
}

/// A crowd cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum CrowdError {
    /// A file cannot be read.
    #[error("cannot read {}: is this the folder of a fleet?", path.display())]
    Read {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something is not what it should be.
    #[error("{0}")]
    Content(String),
    /// The fleet does not answer.
    #[error("the fleet cannot be reached: does it run there?")]
    Unreachable(#[source] std::io::Error),
    /// The fleet refuses.
    #[error("the fleet refuses: {0}")]
    Refused(String),
    /// The certificate library refused.
    #[error("cannot make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library refused.
    #[error("cannot use a certificate")]
    Tls(#[from] rustls::Error),
}

/// What to simulate.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Who they are.
    pub members: Members,
    /// Folder with `fleet-ca.pem`, `kiosk-ca.pem` and `kiosk-ca.key`: for registered members, and to make certificates
    /// that have expired.
    pub authorities: Option<PathBuf>,
    /// How many.
    pub kiosks: u32,
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
    /// How they are updated; `None`: not at all.
    pub updates: Option<Updates>,
    /// Everything random follows from this.
    pub seed: u64,
}

/// A kiosk of the crowd.
struct Member {
    id: String,
    broker: Endpoint,
    tls: Arc<ClientConfig>,
    /// With a certificate that has expired, if somebody can sign one.
    expired: Option<Arc<ClientConfig>>,
}

async fn members(plan: &Plan) -> Result<Vec<Member>, CrowdError> {
    let authority = plan.authorities.as_deref().map(Authority::load).transpose()?;
    let expired = |id: &str| authority.as_ref().map(|authority| authority.issue_expired(id)).transpose();
    match &plan.members {
        Members::Enrolled(door) => {
            let enrolled = door.enrol(plan.kiosks).await?.into_iter();
            enrolled
                .map(|kiosk| {
                    let expired = expired(&kiosk.id)?;
                    Ok(Member { id: kiosk.id, broker: kiosk.broker, tls: kiosk.tls, expired })
                })
                .collect()
        }
        Members::Registered { broker, prefix } => {
            let authority = authority
                .as_ref()
                .ok_or_else(|| CrowdError::Content("registered kiosks need the authorities".to_owned()))?;
            let ids = (1..=plan.kiosks).map(|number| format!("{prefix}{number:05}"));
            ids.map(|id| {
                let tls = authority.issue(&id)?;
                Ok(Member { id, broker: broker.clone(), tls, expired: None })
            })
            .collect()
        }
    }
}

/// What the kiosks are told while they run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Sell,
    Drain,
    Stop,
}

/// Runs the plan; `orders` may be given meanwhile, and `ready` is called when all members are known.
///
/// # Errors
/// The members cannot be made.
pub async fn run(
    plan: Plan,
    orders: mpsc::Receiver<Order>,
    ready: impl FnOnce(),
) -> Result<Report, CrowdError> {
    raise_file_limit();
    let members = members(&plan).await?;
    ready();
    let (phase, seen) = watch::channel(Phase::Sell);
    let mut tasks = JoinSet::new();
    let plan = Arc::new(plan);
    let mut ears = Vec::new();
    // Backlogs take their time: nobody begins before all are ready.
    let kiosks: Vec<Kiosk> = members
        .into_iter()
        .zip(1..)
        .map(|(member, number)| {
            let (faults, ear) = mpsc::channel(FAULTS);
            ears.push(faults);
            Kiosk::new(Arc::clone(&plan), member, number, ear)
        })
        .collect();
    for kiosk in kiosks {
        tasks.spawn(kiosk.run(seen.clone()));
    }
    drop(seen);
    tokio::select! {
        () = tokio::time::sleep(plan.sell_for) => {}
        () = obey(orders, &ears, Rng::from_seed(plan.seed)) => {}
    }
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

/// Hands faults to kiosks until selling is to stop.
async fn obey(mut orders: mpsc::Receiver<Order>, ears: &[mpsc::Sender<Fault>], mut rng: Rng) {
    loop {
        match orders.recv().await {
            Some(Order::Fault(fault, kiosks)) => {
                let count = kiosks.and_then(|kiosks| usize::try_from(kiosks).ok()).unwrap_or(ears.len());
                let first = usize::try_from(rng.below(ears.len() as u64)).unwrap_or(0);
                for ear in ears.iter().cycle().skip(first).take(count.min(ears.len())) {
                    if ear.try_send(fault).is_err() {
                        tracing::warn!(?fault, "a kiosk has too much to suffer already");
                    }
                }
            }
            Some(Order::Stop) => return,
            None => std::future::pending().await,
        }
    }
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
