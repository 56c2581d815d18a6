//! The loop between the port and the engine.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};

use super::Printer;
use crate::device::{Link, PLUG_AGAIN, Port, PortError, Shutdown};

/// One read takes at most this much; the engine says how much fits.
const READ_BYTES: usize = 4096;
/// Answers a host has not fetched; further ones are lost, as when nobody listens on a line.
const UNSENT_BYTES_MAX: usize = 4096;

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

    fn queue(&mut self, bytes: &[u8]) {
        if self.unsent.len() + bytes.len() <= UNSENT_BYTES_MAX {
            self.unsent.extend(bytes);
        }
    }
}

/// What the engine wants from the wire.
struct Demand {
    deadline: Option<Duration>,
    room: usize,
    output: Vec<u8>,
    plugged: bool,
    hang_up: bool,
}

enum Happened {
    Nothing,
    Connected(Link),
    Received(usize),
    Sent(usize),
    Disconnected,
    Stop,
}

/// Serves the port until `shutdown`.
pub async fn run(printer: Arc<Printer>, mut port: Port, mut shutdown: Shutdown) {
    let mut client: Option<Client> = None;
    let mut plugged = true;
    let mut input = [0; READ_BYTES];
    loop {
        let demand = printer.demand();
        if let Some(client) = &mut client {
            client.queue(&demand.output);
        }
        let hung_up = demand.plugged != plugged || demand.hang_up && port.is_network();
        if hung_up {
            client = None;
        }
        let adjusted = adjust(&mut port, &mut plugged, demand.plugged).await;
        // Not before: whoever sees the link down finds the port gone or replaced, never the old one.
        if hung_up {
            printer.set_connected(false);
        }
        let mut deadline = demand.deadline;
        if let Err(error) = adjusted {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(endpoint = port.endpoint(), error, "cannot plug the printer in, trying again");
            let again = printer.now() + PLUG_AGAIN;
            deadline = Some(deadline.map_or(again, |deadline| deadline.min(again)));
        }
        // After everything that changes something: what was received is printed only at the next turn.
        printer.revision.bump();
        let sleep = printer.sleep_until(deadline);
        let happened = tokio::select! {
            () = shutdown.requested() => Happened::Stop,
            () = printer.wake.notified() => Happened::Nothing,
            () = sleep => Happened::Nothing,
            event = exchange(&mut port, client.as_mut(), &mut input[..demand.room.min(READ_BYTES)]) => event,
        };
        match happened {
            Happened::Stop => return,
            Happened::Nothing => {}
            Happened::Connected(link) => {
                client = Some(Client::new(link));
                printer.set_connected(true);
            }
            Happened::Received(count) => printer.receive(&input[..count]),
            Happened::Sent(count) => {
                if let Some(client) = &mut client {
                    client.unsent.drain(..count);
                }
            }
            Happened::Disconnected => {
                client = None;
                printer.set_connected(false);
            }
        }
    }
}

async fn adjust(port: &mut Port, plugged: &mut bool, wanted: bool) -> Result<(), PortError> {
    if wanted && !*plugged {
        port.plug().await?;
    } else if !wanted && *plugged {
        port.unplug();
    }
    *plugged = wanted;
    Ok(())
}

/// The next thing that happens on the wire. Cancel-safe: a cancelled read or write has moved no byte.
async fn exchange(port: &mut Port, client: Option<&mut Client>, input: &mut [u8]) -> Happened {
    let Some(Client { reader, writer, unsent }) = client else {
        return match port.accept().await {
            Ok(link) => Happened::Connected(link),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the printer's port is lost");
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
        // Neither to read nor to write: the client's leaving is noticed when there is room again.
        () = std::future::pending() => Happened::Nothing,
    }
}

impl Printer {
    fn demand(&self) -> Demand {
        let mut inner = self.lock();
        let deadline = self.advance(&mut inner.engine);
        let now = self.now();
        let engine = &mut inner.engine;
        Demand {
            deadline,
            room: engine.room(now),
            output: engine.take_output(now),
            plugged: engine.plugged(),
            hang_up: engine.take_hang_up(),
        }
    }

    fn receive(&self, bytes: &[u8]) {
        let now = self.now();
        self.lock().engine.receive(now, bytes);
    }

    fn set_connected(&self, connected: bool) {
        let mut inner = self.lock();
        inner.connected = connected;
        inner.engine.link_changed();
    }

    async fn sleep_until(&self, deadline: Option<Duration>) {
        match deadline {
            Some(at) => tokio::time::sleep_until(self.epoch + at).await,
            None => std::future::pending().await,
        }
    }
}
