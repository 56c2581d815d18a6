//! Byte links to devices: where a device is ([`Endpoint`]), an open connection to it ([`Link`]) and how long to
//! wait before the next attempt ([`Backoff`]).
//!
//! A link carries bytes and nothing else; framing belongs to the device's codec. Serial ports are opened
//! exclusively and start quiet: both directions are flushed and what still trickles in is discarded until the line
//! has been silent for 50 ms. Modem lines are never touched, because a pseudo terminal has none and answers ENOTTY.

mod backoff;
mod endpoint;
mod serial;
mod tcp;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

pub use backoff::Backoff;
pub use endpoint::{DataBits, Endpoint, EndpointError, FlowControl, Parity, SerialLine, StopBits};

/// What a link is made of: a two-way byte stream that can move between tasks.
trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// An open connection to one device.
///
/// It is an ordinary [`AsyncRead`] + [`AsyncWrite`]; [`Link::send`] and [`Link::receive`] add what drivers need: a
/// write deadline, a typed error that names the device, and the count of bytes. Dropping a link closes it; bytes
/// that a serial port has not yet put on the wire are discarded then, so that closing never blocks on a stuck device.
pub struct Link {
    stream: Box<dyn Duplex>,
    peer: String,
    traffic: Traffic,
    bytes_per_second: Option<u32>,
}

/// Bytes that went over a link since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes accepted by the operating system for sending.
    pub bytes_out: u64,
}

/// Why a link could not be opened or used. Every variant names the device.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// There is no such device node, or nobody listens there.
    #[error("{peer} is not there")]
    Absent {
        /// The endpoint as in the settings.
        peer: String,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// Another program has the serial port.
    #[error("{peer} is in use by another program")]
    Busy {
        /// The endpoint as in the settings.
        peer: String,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// Opening took longer than the caller allows.
    #[error("{peer} did not open within {} ms", within.as_millis())]
    OpenTimeout {
        /// The endpoint as in the settings.
        peer: String,
        /// The deadline that passed.
        within: Duration,
    },
    /// Opening failed for any other reason.
    #[error("cannot open {peer}")]
    Open {
        /// The endpoint as in the settings.
        peer: String,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The device took only part of the data before the write deadline.
    #[error("{peer} accepted {accepted} of {total} bytes within {} ms", within.as_millis())]
    WriteTimeout {
        /// The endpoint as in the settings.
        peer: String,
        /// Bytes accepted before the deadline.
        accepted: usize,
        /// Bytes that should have been accepted.
        total: usize,
        /// The deadline that passed.
        within: Duration,
    },
    /// Writing failed.
    #[error("cannot write to {peer} after {accepted} bytes")]
    Write {
        /// The endpoint as in the settings.
        peer: String,
        /// Bytes accepted before the error.
        accepted: usize,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// Reading failed.
    #[error("cannot read from {peer}")]
    Read {
        /// The endpoint as in the settings.
        peer: String,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The other side closed the connection, or the device was unplugged.
    #[error("{peer} closed the connection")]
    Closed {
        /// The endpoint as in the settings.
        peer: String,
    },
}

impl Link {
    /// Opens `endpoint`, giving up after `within` (settling a serial line included).
    ///
    /// # Errors
    /// [`LinkError::Absent`], [`LinkError::Busy`], [`LinkError::OpenTimeout`] or [`LinkError::Open`].
    pub async fn open(endpoint: &Endpoint, within: Duration) -> Result<Self, LinkError> {
        let peer = endpoint.to_string();
        let opening = async {
            match endpoint {
                Endpoint::Tcp { host, port } => tcp::connect(host, *port).await.map(Self::boxed),
                Endpoint::Serial(line) => serial::open(line).await.map(Self::boxed),
            }
        };
        match tokio::time::timeout(within, opening).await {
            Ok(Ok(stream)) => {
                let bytes_per_second = endpoint.bytes_per_second();
                Ok(Self { stream, peer, traffic: Traffic::default(), bytes_per_second })
            }
            Ok(Err(source)) => Err(LinkError::from_open(peer, source)),
            Err(_) => Err(LinkError::OpenTimeout { peer, within }),
        }
    }

    /// A link over any stream that is open already, such as an in-memory pipe; `peer` names it in errors.
    pub fn over(
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        peer: impl Into<String>,
    ) -> Self {
        Self {
            stream: Box::new(stream),
            peer: peer.into(),
            traffic: Traffic::default(),
            bytes_per_second: None,
        }
    }

    /// The endpoint as in the settings, for messages.
    #[must_use]
    pub fn peer(&self) -> &str {
        &self.peer
    }

    /// Bytes in and out since opening.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Writes all of `bytes`, or says how many were accepted before the deadline or the error.
    ///
    /// Accepted means taken by the operating system, not printed or processed. Not cancel-safe: a dropped call
    /// may have written any part.
    ///
    /// # Errors
    /// [`LinkError::WriteTimeout`], [`LinkError::Write`] or [`LinkError::Closed`].
    pub async fn send(&mut self, bytes: &[u8], within: Duration) -> Result<(), LinkError> {
        let deadline = tokio::time::Instant::now() + within;
        let total = bytes.len();
        let mut accepted = 0;
        while accepted < total {
            match tokio::time::timeout_at(deadline, self.write(&bytes[accepted..])).await {
                Ok(Ok(0)) => return Err(self.closed()),
                Ok(Ok(n)) => accepted += n,
                Ok(Err(source)) => return Err(self.write_error(accepted, source)),
                Err(_) => {
                    return Err(LinkError::WriteTimeout { peer: self.peer.clone(), accepted, total, within });
                }
            }
        }
        Ok(())
    }

    /// Waits for bytes and reads what is there into `buffer`; never returns 0.
    ///
    /// Cancel-safe: a dropped call has read nothing.
    ///
    /// # Errors
    /// [`LinkError::Read`] or [`LinkError::Closed`].
    pub async fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, LinkError> {
        match self.read(buffer).await {
            Ok(0) => Err(self.closed()),
            Ok(n) => Ok(n),
            Err(source) => Err(self.read_error(source)),
        }
    }

    /// Bytes a second the line carries, where that is the bottleneck: serial ports.
    #[must_use]
    pub fn bytes_per_second(&self) -> Option<u32> {
        self.bytes_per_second
    }

    pub(crate) fn closed(&self) -> LinkError {
        LinkError::Closed { peer: self.peer.clone() }
    }

    pub(crate) fn write_error(&self, accepted: usize, source: io::Error) -> LinkError {
        LinkError::Write { peer: self.peer.clone(), accepted, source }
    }

    pub(crate) fn read_error(&self, source: io::Error) -> LinkError {
        LinkError::Read { peer: self.peer.clone(), source }
    }

    fn boxed(stream: impl Duplex + 'static) -> Box<dyn Duplex> {
        Box::new(stream)
    }
}

impl LinkError {
    /// The endpoint the error is about.
    #[must_use]
    pub fn peer(&self) -> &str {
        match self {
            Self::Absent { peer, .. }
            | Self::Busy { peer, .. }
            | Self::OpenTimeout { peer, .. }
            | Self::Open { peer, .. }
            | Self::WriteTimeout { peer, .. }
            | Self::Write { peer, .. }
            | Self::Read { peer, .. }
            | Self::Closed { peer } => peer,
        }
    }

    fn from_open(peer: String, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable => Self::Absent { peer, source },
            io::ErrorKind::ResourceBusy | io::ErrorKind::WouldBlock => Self::Busy { peer, source },
            _ => Self::Open { peer, source },
        }
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("peer", &self.peer)
            .field("traffic", &self.traffic)
            .finish_non_exhaustive()
    }
}

impl AsyncRead for Link {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.traffic.bytes_in += (buf.filled().len() - before) as u64;
        polled
    }
}

impl AsyncWrite for Link {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        if let Poll::Ready(Ok(n)) = polled {
            self.traffic.bytes_out += n as u64;
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
