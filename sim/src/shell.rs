//! The loop between a port and a machine that knows no clock and no wire, for devices that have one of each.
//!
//! ```text
//!   Port ══ Link ── Shell::run ──► Machine::{connected, receive, disconnected}
//!                        ▲    └──► Machine::advance ──► Demand { output, deadline, cable }
//!                        └── wake ── Shell::act ◄── verbs
//! ```

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::device::{Link, PLUG_AGAIN, Port, PortError, Revision, Shutdown};

/// One read takes at most this much.
const READ_BYTES: usize = 4096;
/// A device without clock and wire. Times are spans since the shell was made and never go back.
pub trait Machine: Send + 'static {
    /// Output a kiosk has not fetched; further output is lost, as when nobody listens on a line.
    const UNSENT_BYTES_MAX: usize = 256 * 1024;

    /// The kiosk has opened the port.
    fn connected(&mut self, now: Duration);

    /// The kiosk has closed it, or the cable was pulled.
    fn disconnected(&mut self, now: Duration);

    /// How many bytes it can take now; with none the kiosk has to wait.
    fn room(&self, _now: Duration) -> usize {
        READ_BYTES
    }

    /// Bytes from the kiosk, no more than there was room for.
    fn receive(&mut self, now: Duration, bytes: &[u8]);

    /// Does everything that is due and says what is wanted; `flushed` means that all earlier output was written.
    fn advance(&mut self, now: Duration, flushed: bool) -> Demand;
}

/// What a machine wants from the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// When to call again at the latest.
    pub deadline: Option<Duration>,
    /// What to write.
    pub output: Vec<u8>,
    /// How the cable is.
    pub cable: Cable,
}

/// The cable between device and kiosk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cable {
    /// In.
    Plugged,
    /// Out, until something else is said.
    Unplugged,
    /// In, after the present connection has been cut.
    Replugged,
    /// In, after the present connection of a network has ended; a serial line does not notice.
    HungUp,
}

impl Cable {
    /// Whether the present connection ends on a network, or on a serial line.
    fn cuts(self, network: bool) -> bool {
        match self {
            Self::Plugged => false,
            Self::Unplugged | Self::Replugged => true,
            Self::HungUp => network,
        }
    }
}

/// A machine with its lock, its clock and its watchers.
#[derive(Debug)]
pub struct Shell<M> {
    inner: Mutex<Inner<M>>,
    name: &'static str,
    epoch: Instant,
    /// A verb has changed something the loop must act on.
    wake: Notify,
    revision: Revision,
}

#[derive(Debug)]
struct Inner<M> {
    machine: M,
    connected: bool,
}

struct Client {
    reader: ReadHalf<Link>,
    writer: WriteHalf<Link>,
    unsent: Vec<u8>,
}

impl Client {
    fn new(link: Link) -> Self {
        let (reader, writer) = split(link);
        Self { reader, writer, unsent: Vec::new() }
    }
}

enum Happened {
    Nothing,
    Connected(Link),
    Received(usize),
    Sent(usize),
    Disconnected,
    Stop,
}

impl<M: Machine> Shell<M> {
    /// The clock starts now; `name` is for log lines.
    pub fn new(name: &'static str, machine: M) -> Self {
        Self {
            inner: Mutex::new(Inner { machine, connected: false }),
            name,
            epoch: Instant::now(),
            wake: Notify::new(),
            revision: Revision::new(),
        }
    }

    /// What the machine says of itself, and whether the kiosk has its port open.
    pub fn state(&self, of: impl FnOnce(&M) -> Value) -> Value {
        let inner = self.lock();
        let mut state = of(&inner.machine);
        state["connected"] = json!(inner.connected);
        state
    }

    /// Looks at the machine; a look changes nothing.
    pub fn look<T>(&self, look: impl FnOnce(&M) -> T) -> T {
        look(&self.lock().machine)
    }

    /// Does something to the machine, as a verb does.
    pub fn act<T>(&self, act: impl FnOnce(&mut M, Duration) -> T) -> T {
        let result = act(&mut self.lock().machine, self.epoch.elapsed());
        self.revision.bump();
        self.wake.notify_one();
        result
    }

    /// See [`Device::changes`](crate::device::Device::changes).
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Inner<M>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_connected(&self, connected: bool) {
        let now = self.epoch.elapsed();
        let mut inner = self.lock();
        inner.connected = connected;
        if connected {
            inner.machine.connected(now);
        } else {
            inner.machine.disconnected(now);
        }
    }

    /// Lets the machine do what is due: what it wants, and how much it can be given.
    fn turn(&self, flushed: bool) -> (Demand, usize) {
        let mut inner = self.lock();
        let now = self.epoch.elapsed();
        let demand = inner.machine.advance(now, flushed);
        (demand, inner.machine.room(now).min(READ_BYTES))
    }

    async fn sleep_until(&self, deadline: Option<Duration>) {
        match deadline {
            Some(at) => tokio::time::sleep_until(self.epoch + at).await,
            None => std::future::pending().await,
        }
    }
}

/// Serves the port until `shutdown`; `shell` says where in the device the shell is.
pub async fn run<D: Send + Sync + 'static, M: Machine>(
    device: Arc<D>,
    shell: impl Fn(&D) -> &Shell<M> + Send + Sync + 'static,
    mut port: Port,
    mut shutdown: Shutdown,
) {
    let shell = shell(&device);
    let mut client: Option<Client> = None;
    let mut plugged = true;
    let mut input = [0; READ_BYTES];
    loop {
        let flushed = client.as_ref().is_none_or(|client| client.unsent.is_empty());
        let (demand, room) = shell.turn(flushed);
        let hung_up = (demand.cable.cuts(port.is_network()) || !plugged) && client.take().is_some();
        let adjusted = adjust(&mut port, &mut plugged, demand.cable).await;
        // Not before: whoever sees the link down finds the port gone or replaced, never the old one.
        if hung_up {
            shell.set_connected(false);
        }
        let mut deadline = demand.deadline;
        if let Err(error) = adjusted {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(
                device = shell.name,
                endpoint = port.endpoint(),
                error,
                "cannot plug in, trying again"
            );
            let again = shell.epoch.elapsed() + PLUG_AGAIN;
            deadline = Some(deadline.map_or(again, |deadline| deadline.min(again)));
        }
        if let Some(client) = &mut client
            && client.unsent.len() + demand.output.len() <= M::UNSENT_BYTES_MAX
        {
            client.unsent.extend(demand.output);
        }
        // After everything that changes something: what was received takes effect only at the next turn.
        shell.revision.bump();
        let happened = tokio::select! {
            () = shutdown.requested() => Happened::Stop,
            () = shell.wake.notified() => Happened::Nothing,
            () = shell.sleep_until(deadline) => Happened::Nothing,
            event = exchange(shell.name, &mut port, client.as_mut(), &mut input[..room]) => event,
        };
        match happened {
            Happened::Stop => return,
            Happened::Nothing => {}
            Happened::Connected(link) => {
                client = Some(Client::new(link));
                shell.set_connected(true);
            }
            Happened::Received(count) => shell.lock().machine.receive(shell.epoch.elapsed(), &input[..count]),
            Happened::Sent(count) => {
                if let Some(client) = &mut client {
                    client.unsent.drain(..count);
                }
            }
            Happened::Disconnected => {
                client = None;
                shell.set_connected(false);
            }
        }
    }
}

/// Plugs and unplugs as wanted. On a serial line a connection is cut by pulling the cable, even if it is back at once:
/// otherwise nobody on the other side would notice.
async fn adjust(port: &mut Port, plugged: &mut bool, cable: Cable) -> Result<(), PortError> {
    let wanted = cable != Cable::Unplugged;
    if wanted != *plugged || cable == Cable::Replugged && !port.is_network() {
        port.unplug();
        *plugged = false;
        if wanted {
            port.plug().await?;
            *plugged = true;
        }
    }
    Ok(())
}

/// The next thing that happens on the wire. Cancel-safe: a cancelled read or write has moved no byte.
async fn exchange(
    name: &'static str,
    port: &mut Port,
    client: Option<&mut Client>,
    input: &mut [u8],
) -> Happened {
    let Some(Client { reader, writer, unsent }) = client else {
        return match port.accept().await {
            Ok(link) => Happened::Connected(link),
            Err(error) => {
                tracing::error!(device = name, error = &error as &dyn std::error::Error, "the port is lost");
                Happened::Stop
            }
        };
    };
    tokio::select! {
        result = reader.read(input), if !input.is_empty() => match result {
            Ok(0) | Err(_) => Happened::Disconnected,
            Ok(count) => Happened::Received(count),
        },
        result = writer.write(unsent), if !unsent.is_empty() => match result {
            Ok(count) => Happened::Sent(count),
            Err(_) => Happened::Disconnected,
        },
        // Neither to read nor to write: that the kiosk has left is noticed when there is room again.
        () = std::future::pending() => Happened::Nothing,
    }
}
