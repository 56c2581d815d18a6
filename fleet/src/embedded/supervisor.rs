//! The supervisor's own thread. It lives exactly as long as the engines, because they are told of *its* death:
//! the kernel's parent-death signal follows the thread that started a child.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval_at};

use super::keeper::{Keeper, Order};
use super::mosquitto::{Listeners, Mosquitto};
use super::packages::Programs;
use super::place::{Place, Ports};
use super::postgres::{Postgres, connection_string};
use super::{Database, EmbeddedError, Engines, GaveUp, Options, certificates};
use crate::database::{APP, OWNER};

/// How long engines of a supervisor that was killed may take to end by themselves: they were told to.
const GRACE: Duration = Duration::from_secs(10);

/// So often another port is picked when somebody else was faster.
const PORT_TRIES: usize = 10;

/// Ports are picked from here: free on most machines, and below the range that Linux lends to outgoing
/// connections, one of which could otherwise sit on the broker's port while it restarts.
const PICKED: std::ops::Range<u16> = 20_000..32_000;

/// Orders that may wait. They are handled at once; more can only pile up behind a stop.
const ORDERS: usize = 4;

/// What the handle and the thread share.
pub(super) struct Reports {
    pub started: oneshot::Sender<Result<Engines, EmbeddedError>>,
    pub gave_up: watch::Sender<Option<GaveUp>>,
    pub postgres: watch::Sender<Option<u32>>,
    pub mosquitto: watch::Sender<Option<u32>>,
}

/// Runs until it is told to stop, an engine cannot be kept running, or the handle is gone.
pub(super) async fn run(options: Options, reports: Reports, mut orders: mpsc::Receiver<Order>) {
    let Reports { started, gave_up, postgres, mosquitto } = reports;
    let up = match start(&options, postgres, mosquitto).await {
        Ok(up) => up,
        Err(error) => {
            // Nobody to tell means that nobody waits for the engines either.
            started.send(Err(error)).ok();
            return;
        }
    };
    let Up { place, engines, names, postgres, mosquitto } = up;
    started.send(Ok(engines)).ok();
    let (mut postgres, mut mosquitto) = (Task::spawn(postgres), Task::spawn(mosquitto));
    let mut renewal = interval_at(Instant::now() + certificates::RENEWAL, certificates::RENEWAL);
    let failed = loop {
        tokio::select! {
            end = &mut postgres.task => break outcome(end),
            end = &mut mosquitto.task => break outcome(end),
            order = orders.recv() => match order {
                Some(Order::Reload) => mosquitto.order(Order::Reload).await,
                Some(Order::Stop) | None => break None,
            },
            _ = renewal.tick() => {
                match certificates::renew_own(&place.ca(), &names, SystemTime::now()) {
                    Ok(()) => mosquitto.order(Order::Reload).await,
                    Err(error) => tracing::error!(%error, "the broker's certificate was not renewed"),
                }
            }
        }
    };
    // First the one that brings work, then the one that keeps it.
    mosquitto.stop().await;
    postgres.stop().await;
    // Only what we made and only when it is empty; the next start makes it again.
    std::fs::remove_dir(&place.run).ok();
    if failed.is_some() {
        gave_up.send_replace(failed);
    }
}

fn outcome(end: Result<Result<(), GaveUp>, tokio::task::JoinError>) -> Option<GaveUp> {
    match end {
        Ok(Ok(())) => None,
        Ok(Err(gave_up)) => Some(gave_up),
        Err(error) => Some(GaveUp { engine: "supervisor", why: error.to_string(), last_lines: Vec::new() }),
    }
}

/// One engine's keeper at work.
struct Task {
    orders: mpsc::Sender<Order>,
    task: JoinHandle<Result<(), GaveUp>>,
}

impl Task {
    fn spawn<E: super::engine::Engine>(keeper: Keeper<E>) -> Self {
        let (orders, received) = mpsc::channel(ORDERS);
        Self { orders, task: tokio::spawn(keeper.keep(received)) }
    }

    /// One that has ended needs no orders.
    async fn order(&self, order: Order) {
        self.orders.send(order).await.ok();
    }

    async fn stop(&mut self) {
        if !self.task.is_finished() {
            self.order(Order::Stop).await;
            if let Ok(Err(error)) = (&mut self.task).await {
                tracing::warn!(%error, "gave up while stopping");
            }
        }
    }
}

/// Both engines, started.
struct Up {
    place: Place,
    engines: Engines,
    names: Vec<String>,
    postgres: Keeper<Postgres>,
    mosquitto: Keeper<Mosquitto>,
}

async fn start(
    options: &Options,
    postgres_pid: watch::Sender<Option<u32>>,
    mosquitto_pid: watch::Sender<Option<u32>>,
) -> Result<Up, EmbeddedError> {
    let programs = Programs::find(&options.data.join("pg"))?;
    let place = Place::enter(&options.data, options.run_dir.as_deref())?;
    raise_open_files();
    let names = server_names(&options.names);
    certificates::prepare(&place.ca(), &names, SystemTime::now())?;

    let engine = Postgres::prepare(&place, &programs).await?;
    let mut postgres = Keeper::new(engine, place.account.clone(), options.timing, postgres_pid);
    if let Err(why) = postgres.start(GRACE).await {
        postgres.kill().await;
        return Err(failed("postgres", why, &postgres.last_lines()));
    }
    let (mosquitto, listeners) = match start_broker(options, &place, &programs, mosquitto_pid).await {
        Ok(broker) => broker,
        Err(error) => {
            let (stop, ordered) = mpsc::channel(1);
            drop(stop);
            postgres.keep(ordered).await.ok();
            return Err(error);
        }
    };
    let engines = Engines {
        database: Database {
            owner: connection_string(&place.run, OWNER),
            app: connection_string(&place.run, APP),
        },
        broker_internal: listeners.internal_address(),
        broker_kiosks: SocketAddr::new(
            listeners.bind.unwrap_or_else(|| Ipv4Addr::UNSPECIFIED.into()),
            listeners.kiosks,
        ),
        ca_dir: place.ca(),
    };
    Ok(Up { place, engines, names, postgres, mosquitto })
}

async fn start_broker(
    options: &Options,
    place: &Place,
    programs: &Programs,
    pid: watch::Sender<Option<u32>>,
) -> Result<(Keeper<Mosquitto>, Listeners), EmbeddedError> {
    // One that was left behind would be found on its own ports.
    super::leftovers::end(&place.mosquitto(), "mosquitto", nix::sys::signal::Signal::SIGTERM, GRACE).await;
    let remembered = place.ports()?;
    let mut tries = 0;
    loop {
        tries += 1;
        let listeners = listeners(options, remembered)?;
        let engine = Mosquitto::prepare(place, programs, listeners)?;
        let mut keeper = Keeper::new(engine, place.account.clone(), options.timing, pid.clone());
        let Err(why) = keeper.start(Duration::ZERO).await else {
            place.remember(Ports {
                kiosks: (options.kiosk_port == 0).then_some(listeners.kiosks),
                internal: (options.internal_port == 0).then_some(listeners.internal),
            })?;
            return Ok((keeper, listeners));
        };
        keeper.kill().await;
        let lines = keeper.last_lines();
        let taken = lines.iter().any(|line| line.contains("Address already in use"));
        if !taken || tries == PORT_TRIES {
            return Err(failed("mosquitto", why, &lines));
        }
    }
}

fn failed(engine: &'static str, why: String, last_lines: &[String]) -> EmbeddedError {
    EmbeddedError::Start(GaveUp { engine, why, last_lines: last_lines.to_vec() })
}

/// Given ports must be free; remembered ones too, because kiosks know them; others are picked.
fn listeners(options: &Options, remembered: Ports) -> Result<Listeners, EmbeddedError> {
    let bind = options.kiosk_bind.unwrap_or_else(|| Ipv4Addr::UNSPECIFIED.into());
    let kiosks = port(SocketAddr::new(bind, options.kiosk_port), remembered.kiosks, 0)?;
    let loopback = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), options.internal_port);
    let internal = port(loopback, remembered.internal, kiosks)?;
    Ok(Listeners { bind: options.kiosk_bind, kiosks, internal })
}

fn port(wanted: SocketAddr, remembered: Option<u16>, other: u16) -> Result<u16, EmbeddedError> {
    let is_free = |port| port != other && TcpListener::bind(SocketAddr::new(wanted.ip(), port)).is_ok();
    let fixed = if wanted.port() == 0 { remembered } else { Some(wanted.port()) };
    match fixed {
        Some(port) if is_free(port) => Ok(port),
        Some(port) => Err(EmbeddedError::PortTaken(port)),
        None => (0..1000)
            .map(|_| random_port())
            .find(|port| is_free(*port))
            .ok_or(EmbeddedError::NoPort { from: PICKED.start, to: PICKED.end }),
    }
}

fn random_port() -> u16 {
    use ring::rand::{SecureRandom as _, SystemRandom};
    let mut bytes = [0; 2];
    // Without randomness all tries are the same port, which is a refusal like any other.
    SystemRandom::new().fill(&mut bytes).ok();
    PICKED.start + u16::from_be_bytes(bytes) % (PICKED.end - PICKED.start)
}

/// Under which the broker is reached; always under those of this machine itself.
pub(super) fn server_names(given: &[String]) -> Vec<String> {
    let mut names = given.to_vec();
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    for own in [host.trim(), "localhost", "127.0.0.1", "::1"] {
        if !own.is_empty() && !names.iter().any(|name| name == own) {
            names.push(own.to_owned());
        }
    }
    names
}

/// Every kiosk is a file to the broker; the usual soft limit is 1024. Children inherit ours.
fn raise_open_files() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard));
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open files stays as it is; many kiosks may be refused");
    }
}
