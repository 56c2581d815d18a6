//! Ports (where a kiosk connects) and links (one connection), the same for pseudo terminals and TCP.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::io::{AsyncRead, AsyncWrite};

use super::pty::PtyPort;
use super::tcp::TcpPort;

/// The byte stream of one connected client; end of file means the client has gone.
pub type Link = Box<dyn Stream>;

/// What a [`Link`] can do.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A place where one client at a time can connect, again and again.
#[derive(Debug)]
pub struct Port(Kind);

#[derive(Debug)]
enum Kind {
    Pty(PtyPort),
    Tcp(TcpPort),
}

impl Port {
    /// Opens a pseudo terminal in raw mode and points the symbolic link `path` at it, replacing an older link.
    ///
    /// # Errors
    /// When no pseudo terminal can be had, or `path` cannot be made or exists and is no symbolic link.
    pub fn pty(path: &Path) -> Result<Self, PortError> {
        Ok(Self(Kind::Pty(PtyPort::open(path)?)))
    }

    /// Listens on `addr`; port 0 lets the system choose, see [`Port::endpoint`].
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn tcp(addr: SocketAddr) -> Result<Self, PortError> {
        Ok(Self(Kind::Tcp(TcpPort::bind(addr).await?)))
    }

    /// Where the kiosk connects: the path of the pseudo terminal, or `tcp://address:port`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        match &self.0 {
            Kind::Pty(port) => port.path().display().to_string(),
            Kind::Tcp(port) => format!("tcp://{}", port.addr()),
        }
    }

    /// Whether this is a network port, whose connections end when the device loses its power.
    #[must_use]
    pub fn is_network(&self) -> bool {
        matches!(self.0, Kind::Tcp(_))
    }

    /// Waits for the next client. A second client is left waiting until the [`Link`] of the first is dropped.
    /// While unplugged this waits for ever. Cancel-safe.
    ///
    /// # Errors
    /// When the operating system refuses; the port is of no more use then.
    pub async fn accept(&mut self) -> Result<Link, PortError> {
        match &mut self.0 {
            Kind::Pty(port) => Ok(Box::new(port.accept().await?)),
            Kind::Tcp(port) => Ok(Box::new(port.accept().await?)),
        }
    }

    /// Pulls the cable: the client sees a hang-up, and the port cannot be opened until [`Port::plug`].
    /// Drop the present [`Link`] as well, it keeps the connection alive.
    pub fn unplug(&mut self) {
        match &mut self.0 {
            Kind::Pty(port) => port.unplug(),
            Kind::Tcp(port) => port.unplug(),
        }
    }

    /// Plugs the cable in again, at the same endpoint. Without effect when plugged.
    ///
    /// # Errors
    /// As when the port was first opened.
    pub async fn plug(&mut self) -> Result<(), PortError> {
        match &mut self.0 {
            Kind::Pty(port) => port.plug(),
            Kind::Tcp(port) => port.plug().await,
        }
    }
}

/// What went wrong with a port.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// No pseudo terminal.
    #[error("cannot open a pseudo terminal")]
    OpenPty(#[source] io::Error),
    /// The symbolic link that names the pseudo terminal.
    #[error("cannot point the link {path} at the pseudo terminal")]
    Symlink {
        /// The link.
        path: PathBuf,
        #[source]
        /// Why.
        source: io::Error,
    },
    /// The address is taken or not ours.
    #[error("cannot listen on {addr}")]
    Bind {
        /// The address asked for.
        addr: SocketAddr,
        #[source]
        /// Why.
        source: io::Error,
    },
    /// Waiting for a client failed.
    #[error("cannot accept a client")]
    Accept(#[source] io::Error),
}
