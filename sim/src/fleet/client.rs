//! A connection of one kiosk.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Endpoint;
use super::codec::{self, In, Out};

/// How long a step of the connection may take.
const STEP: Duration = Duration::from_secs(20);

/// What the fleet tells all kiosks to stop.
pub(crate) const HALT: &str = "v1/f/halt";

/// An open connection.
pub(crate) struct Client {
    stream: TlsStream<TcpStream>,
    incoming: Vec<u8>,
    /// Bytes sent and received, without TLS.
    pub sent: u64,
    pub received: u64,
}

fn other(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::other(what)
}

impl Client {
    /// Connects, with a will that says the kiosk is off, and subscribes to what the fleet sends it.
    pub(crate) async fn connect(
        broker: &Endpoint,
        tls: Arc<ClientConfig>,
        id: &str,
        keep_alive: u16,
        will: &[u8],
    ) -> io::Result<Self> {
        let Endpoint { host, port } = broker;
        let tcp = timeout(STEP, TcpStream::connect((host.as_str(), *port))).await.map_err(other)??;
        tcp.set_nodelay(true)?;
        let name = ServerName::try_from(host.clone()).map_err(other)?;
        let connecting = TlsConnector::from(tls).connect(name, tcp);
        let stream = timeout(STEP, connecting).await.map_err(other)??;
        let mut client = Self { stream, incoming: Vec::new(), sent: 0, received: 0 };
        let will_topic = format!("v1/k/{id}/up/st");
        client.send(&Out::Connect { client_id: id, keep_alive, will_topic: &will_topic, will }).await?;
        match timeout(STEP, client.receive()).await.map_err(other)?? {
            In::ConnAck { reason: 0 } => {}
            refused => return Err(other(format!("the broker refused: {refused:?}"))),
        }
        let filter = format!("v1/k/{id}/dn/#");
        client.send(&Out::Subscribe { id: 1, filter: &filter }).await?;
        client.send(&Out::Subscribe { id: u16::MAX, filter: HALT }).await?;
        Ok(client)
    }

    pub(crate) async fn send(&mut self, out: &Out<'_>) -> io::Result<()> {
        let mut bytes = Vec::new();
        codec::write(out, &mut bytes);
        self.sent += bytes.len() as u64;
        timeout(STEP, async {
            self.stream.write_all(&bytes).await?;
            self.stream.flush().await
        })
        .await
        .map_err(other)?
    }

    /// The next packet. Cancel-safe.
    pub(crate) async fn receive(&mut self) -> io::Result<In> {
        loop {
            if let Some(packet) = codec::read(&mut self.incoming).map_err(other)? {
                return Ok(packet);
            }
            let before = self.incoming.len();
            if self.stream.read_buf(&mut self.incoming).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.received += (self.incoming.len() - before) as u64;
        }
    }
}
