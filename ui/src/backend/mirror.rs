//! The mirror: the kiosk's screen in a browser, and the browser's pointer and keys as inputs of the kiosk.
//!
//! ```text
//!   GET /            the page (embedded files, nothing external)          port.rs
//!   GET /m           WebSocket, subprotocol kioskd-mirror.1               port.rs → session.rs
//!     hello ───────► one-time token or resume secret                      door.rs
//!     ◄─────────────  welcome, screen, frames (dirty rectangles)          wire.rs
//!     ack, touches, keys ─►                                               wire.rs
//! ```
//! It is made for the machine it runs on: it binds to the loopback address only, answers only to its own name, and
//! lets in who knows a secret that was printed once. One visitor controls, up to four more watch. A slow visitor
//! gets newer pixels later, never a queue: at most one frame is on its way to each.

mod door;
mod port;
mod session;
mod wire;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ring::rand::SystemRandom;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use super::clock::Clock;
use super::hub::FrameHub;
use super::input::InputSender;
use door::Door;
pub use door::Token;

/// How pixels travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// As they are: on the same machine copying is cheaper than compressing.
    #[default]
    None,
    /// Deflated: for tunnels over slow lines.
    Deflate,
}

/// A mirror that may or may not be served yet; cheap to clone.
#[derive(Clone)]
pub struct Mirror {
    shared: Arc<Shared>,
}

struct Shared {
    hub: Arc<FrameHub>,
    input: InputSender,
    clock: Arc<dyn Clock>,
    compression: Compression,
    door: Mutex<Door>,
    /// Places for sockets, awaited when the mirror ends.
    places: Arc<Semaphore>,
    /// Changes whenever a socket takes over a seat: the socket that lost it must end.
    seats: watch::Sender<()>,
    stop: watch::Sender<bool>,
}

/// Why the mirror could not be served.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// The listener is reachable from other machines.
    #[error("the mirror is served on the loopback address only, not on {0}")]
    NotLoopback(SocketAddr),
    /// The listener failed.
    #[error("the mirror's listener failed")]
    Listener(#[source] std::io::Error),
}

impl Mirror {
    /// A mirror of the hub's screen that sends what visitors do to `input`.
    #[must_use]
    pub fn new(hub: Arc<FrameHub>, input: InputSender, compression: Compression) -> Self {
        let clock = hub.clock();
        let shared = Shared {
            hub,
            input,
            clock,
            compression,
            door: Mutex::new(Door::new(SystemRandom::new())),
            places: Arc::new(Semaphore::new(port::MAX_SOCKETS)),
            seats: watch::Sender::default(),
            stop: watch::Sender::new(false),
        };
        Self { shared: Arc::new(shared) }
    }

    /// A new one-time token. Who shows it first gets in: as the controller if nobody controls the kiosk at that
    /// moment, else as a viewer. Older tokens stay valid until they are used, at most eight of them.
    #[must_use]
    pub fn invite(&self) -> Token {
        self.shared.door().invite()
    }

    /// The address to open in a browser. The token is in the fragment, so it enters no request line and no log.
    #[must_use]
    pub fn url(address: SocketAddr, token: &Token) -> String {
        format!("http://127.0.0.1:{}/#t={}", address.port(), token.reveal())
    }

    /// Serves until `shutdown`, then says goodbye to the visitors. Not to be served twice.
    ///
    /// # Errors
    /// When the listener is not on the loopback address, or fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), MirrorError> {
        port::serve(self.shared, listener, shutdown).await
    }
}

impl Shared {
    fn door(&self) -> MutexGuard<'_, Door> {
        // The door's state changes in single steps: after a panic it is still a valid one.
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
