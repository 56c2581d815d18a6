//! A private Mosquitto and PostgreSQL in one folder, from the distribution's packages: nothing to configure,
//! and the very engines that a large fleet runs on.
//!
//! ```text
//! Embedded ──orders──► thread "engines" ──► keeper of postgres  ──► postgres  (unix socket, no TCP port)
//!    ▲                        │                                        SELECT 1 over a new connection
//!    └──────── reports ───────┴───────────► keeper of mosquitto ──► mosquitto (TLS, two listeners)
//!                                                                      a message to ourselves
//! ```
//! An engine that ends or does not answer is killed and started again, see [`RestartPolicy`]. The system's own
//! database cluster and broker service are never touched: other folders, sockets and ports. When this process
//! dies, the kernel tells both engines to end.

mod account;
pub(crate) mod certificates;
mod child;
mod engine;
mod keeper;
mod leftovers;
pub(crate) mod mosquitto;
mod packages;
mod place;
mod postgres;
mod restarts;
mod supervisor;

use std::ffi::OsString;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

pub use restarts::RestartPolicy;

use crate::pki::PkiError;
use keeper::Order;
use supervisor::Reports;

/// Where kiosks connect, if not told otherwise.
pub const KIOSK_PORT: u16 = 8883;

/// Where `fleetd` connects, if not told otherwise; on loopback only.
pub const INTERNAL_PORT: u16 = 8884;

/// Orders that may wait for the supervisor; more make the sender wait.
const ORDERS: usize = 4;

/// What to run and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// The data folder. Made if it is not there; must be empty or ours.
    pub data: PathBuf,
    /// Port for kiosks; 0: pick a free one and keep it in `DATA/ports.toml`.
    pub kiosk_port: u16,
    /// Port for `fleetd` on 127.0.0.1; 0 as above.
    pub internal_port: u16,
    /// Address for kiosks; `None`: all.
    pub kiosk_bind: Option<IpAddr>,
    /// DNS names and IP addresses under which kiosks reach the broker, for its certificate. Those of the
    /// machine itself are always in it.
    pub names: Vec<String>,
    /// Folder of the database's socket; `None`: one below `/run` or `/tmp`, named after the data folder.
    pub run_dir: Option<PathBuf>,
    /// How patient to be.
    pub timing: Timing,
}

impl Options {
    /// The usual ones for a folder.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            kiosk_port: KIOSK_PORT,
            internal_port: INTERNAL_PORT,
            kiosk_bind: None,
            names: Vec::new(),
            run_dir: None,
            timing: Timing::default(),
        }
    }
}

/// The names of this machine, the given ones first: for certificates of servers on it.
pub fn server_names(given: &[String]) -> Vec<String> {
    supervisor::server_names(given)
}

/// How patient the supervisor is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timing {
    /// Pause between two questions to an engine.
    pub liveness_interval: Duration,
    /// An engine that gives no answer for so long is frozen.
    pub liveness_limit: Duration,
    /// The same for one that was just started.
    pub ready_limit: Duration,
    /// When and how often it is started again.
    pub restart: RestartPolicy,
}

impl Default for Timing {
    /// Asked every 3 s; 10 s without an answer are too long, 60 s at the start. A busy machine answers late,
    /// and a needless restart costs every kiosk its connection.
    fn default() -> Self {
        Self {
            liveness_interval: Duration::from_secs(3),
            liveness_limit: Duration::from_secs(10),
            ready_limit: Duration::from_secs(60),
            restart: RestartPolicy::default(),
        }
    }
}

/// How to reach the engines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Engines {
    /// The database.
    pub database: Database,
    /// The broker for `fleetd`: TLS with `fleetd.pem`, any client id.
    pub broker_internal: SocketAddr,
    /// The broker for kiosks.
    pub broker_kiosks: SocketAddr,
    /// Authorities, `broker.pem`, `fleetd.pem`, their `.key`s, and `kiosk.crl`.
    pub ca_dir: PathBuf,
}

/// Connection strings for `tokio_postgres`, over the unix socket, without a password.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Database {
    /// As the owner of the tables: migrations.
    pub owner: String,
    /// As the role that everything else runs as.
    pub app: String,
}

/// First processes of the engines; `None` between an end and the next start.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Pids {
    /// PostgreSQL's.
    pub postgres: Option<u32>,
    /// Mosquitto's.
    pub mosquitto: Option<u32>,
}

/// An engine that cannot be kept running.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{engine} cannot be kept running: {why}{}", shown(.last_lines))]
pub struct GaveUp {
    /// Which one.
    pub engine: &'static str,
    /// What happened last.
    pub why: String,
    /// Its last lines of output.
    pub last_lines: Vec<String>,
}

fn shown(lines: &[String]) -> String {
    lines.iter().map(|line| format!("\n    {line}")).collect()
}

/// The engines cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// Packages are missing.
    #[error("Mosquitto and PostgreSQL are needed. Please run: sudo apt-get install mosquitto postgresql")]
    NotInstalled,
    /// The database was made by a version that is not installed any more.
    #[error(
        "{} was made by PostgreSQL {found}, installed is {installed}: install postgresql-{found}, or move the \
         data over with pg_upgrade", path.display()
    )]
    DatabaseVersion {
        /// Folder of the database.
        path: PathBuf,
        /// Version that made it.
        found: String,
        /// Highest version installed.
        installed: u32,
    },
    /// The data folder cannot be used.
    #[error("cannot {action} {}", path.display())]
    Data {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another supervisor works in it.
    #[error("{} is in use by process {pid}", data.display())]
    InUse {
        /// The data folder.
        data: PathBuf,
        /// Who holds the lock.
        pid: String,
    },
    /// Something else lies in it.
    #[error("{} holds {found:?}, which is not ours: choose an empty folder", data.display())]
    NotOurs {
        /// The data folder.
        data: PathBuf,
        /// What was found.
        found: OsString,
    },
    /// Another user's.
    #[error("{} does not belong to {me}: run as its owner or as root", data.display())]
    OwnedByOther {
        /// The data folder.
        data: PathBuf,
        /// Who runs.
        me: String,
    },
    /// The owner is only a number.
    #[error("the data folder belongs to user {0}, who has no account here")]
    NoSuchAccount(u32),
    /// A folder above it is closed.
    #[error(
        "{account} cannot reach {}: the engines run as this account. Choose a folder such as /var/lib/fleet, \
         or open the folders above it (chmod o+x)", data.display()
    )]
    Unreachable {
        /// Who the engines run as.
        account: String,
        /// The data folder.
        data: PathBuf,
    },
    /// A path that cannot stand in configuration files.
    #[error("{:?} cannot be a data folder: no quotes, commas, # or control characters, please", .0)]
    UnfitPath(PathBuf),
    /// Too long for a unix socket.
    #[error("{} is too long for a socket ({length} bytes with its name, 107 are possible)", run.display())]
    SocketPath {
        /// Folder of the socket.
        run: PathBuf,
        /// Length of the socket's path.
        length: usize,
    },
    /// Somebody else made the socket's folder.
    #[error("{} is not ours or open to others: remove it", .0.display())]
    RunTaken(PathBuf),
    /// A port is taken.
    #[error("port {0} is in use by another program: give another one, or 0 and delete ports.toml")]
    PortTaken(u16),
    /// No port to be had.
    #[error("no free port between {from} and {to}")]
    NoPort {
        /// First tried.
        from: u16,
        /// End of those tried.
        to: u16,
    },
    /// The remembered ports cannot be read.
    #[error("{} is damaged: delete it to have ports picked anew", path.display())]
    Ports {
        /// Its path.
        path: PathBuf,
        /// What is wrong.
        source: toml::de::Error,
    },
    /// Certificates.
    #[error("certificates")]
    Pki(#[from] PkiError),
    /// A tool of the database failed.
    #[error("{step} failed{}", shown(.output))]
    Step {
        /// Which one.
        step: &'static str,
        /// Its last lines.
        output: Vec<String>,
    },
    /// An engine does not start.
    #[error(transparent)]
    Start(GaveUp),
    /// The supervisor's thread is gone: a bug.
    #[error("the supervisor's thread ended unexpectedly")]
    ThreadEnded,
}

impl EmbeddedError {
    fn data(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Data { action, path, source }
    }
}

/// The running engines. Dropped without [`Self::stop`], they are stopped cleanly in the background.
#[derive(Debug)]
pub struct Embedded {
    engines: Engines,
    orders: mpsc::Sender<Order>,
    gave_up: watch::Receiver<Option<GaveUp>>,
    postgres: watch::Receiver<Option<u32>>,
    mosquitto: watch::Receiver<Option<u32>>,
    thread: std::thread::JoinHandle<()>,
}

impl Embedded {
    /// Starts both engines and waits until both can be used. When nobody waits any more, they are stopped again
    /// in the background.
    ///
    /// # Errors
    /// See [`EmbeddedError`]; nothing is left running then.
    pub async fn start(options: Options) -> Result<Self, EmbeddedError> {
        let (orders, received) = mpsc::channel(ORDERS);
        let (started, starting) = oneshot::channel();
        let (gave_up, gave_up_seen) = watch::channel(None);
        let (postgres, postgres_seen) = watch::channel(None);
        let (mosquitto, mosquitto_seen) = watch::channel(None);
        let reports = Reports { started, gave_up, postgres, mosquitto };
        let data = options.data.clone();
        let thread = std::thread::Builder::new()
            .name("engines".to_owned())
            .spawn(move || supervise(options, reports, received))
            .map_err(EmbeddedError::data("start the supervisor of", &data))?;
        let engines = starting.await.unwrap_or(Err(EmbeddedError::ThreadEnded))?;
        Ok(Self {
            engines,
            orders,
            gave_up: gave_up_seen,
            postgres: postgres_seen,
            mosquitto: mosquitto_seen,
            thread,
        })
    }

    /// How to reach the engines. Stays true over restarts.
    pub const fn engines(&self) -> &Engines {
        &self.engines
    }

    /// Lets the broker read its certificates, access list and the list of revoked kiosks again. A revoked
    /// kiosk that is connected stays so; it has to be kicked.
    pub async fn reload_broker(&self) {
        // A supervisor that has ended needs no reload: `failure` tells.
        self.orders.send(Order::Reload).await.ok();
    }

    /// The engines' first processes now, for fault tests.
    pub fn pids(&self) -> Pids {
        Pids { postgres: *self.postgres.borrow(), mosquitto: *self.mosquitto.borrow() }
    }

    /// Resolves when an engine could not be kept running; both are stopped then. Pending as long as all is
    /// well, and for ever after [`Self::stop`]. Independent of `self`, cancel-safe.
    pub fn failure(&self) -> impl Future<Output = GaveUp> + Send + use<> {
        let mut gave_up = self.gave_up.clone();
        async move {
            match gave_up.wait_for(Option::is_some).await.map(|gave_up| gave_up.clone()) {
                Ok(Some(gave_up)) => gave_up,
                Ok(None) | Err(_) => std::future::pending().await,
            }
        }
    }

    /// Stops both cleanly, the broker first; takes at most their limits (40 s), usually milliseconds.
    ///
    /// # Errors
    /// The supervisor's thread panicked.
    pub async fn stop(self) -> Result<(), EmbeddedError> {
        self.orders.send(Order::Stop).await.ok();
        let ended = tokio::task::spawn_blocking(move || self.thread.join()).await;
        ended.ok().and_then(Result::ok).ok_or(EmbeddedError::ThreadEnded)
    }
}

/// A runtime of one thread, this one: whatever it starts is started by a thread that lives until the end.
fn supervise(options: Options, reports: Reports, orders: mpsc::Receiver<Order>) {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(supervisor::run(options, reports, orders)),
        Err(source) => {
            let error = EmbeddedError::Data { action: "make a runtime for", path: options.data, source };
            // Nobody to tell: the program is ending.
            reports.started.send(Err(error)).ok();
        }
    }
}
