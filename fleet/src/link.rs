//! The fleet's way to the broker: MQTT 5 over mutual TLS, manual acknowledgements, no session that outlives
//! the connection (an offline worker's session would swallow a share of the messages).

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v5::{PubAckReason, Publish};
use rumqttc::{
    AckMode, AsyncClient, Event, EventLoop, Incoming, MqttOptions, NetworkOptions, Outgoing, PublishOptions,
    PublishResult, TlsConfiguration, Transport,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::sync::mpsc;

/// Messages that may be here without an acknowledgement: the back-pressure of ingest.
pub const UNACKNOWLEDGED_MAX: u16 = 1000;

/// Largest message: a batch of 256 KiB and its headers.
const PACKET_MAX: u32 = 512 * 1024;

/// Seconds after which the broker notices a dead connection, times 1.5.
const KEEP_ALIVE: u16 = 30;

/// Messages that may wait to be sent.
const OUTGOING: usize = 2000;

/// How long a connection attempt may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the broker is and who we are to it.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Broker {
    /// Host name or address, as in its certificate.
    pub host: String,
    /// Port of the listener for `fleetd`.
    pub port: u16,
    /// The authority of the broker's certificate, PEM.
    pub ca: PathBuf,
    /// Our certificate, PEM.
    pub certificate: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
}

impl Broker {
    /// The listener for `fleetd` of a broker of our own, with what our authorities' folder holds for it.
    pub(crate) fn private(listener: SocketAddr, authorities: &Path) -> Self {
        Self {
            host: listener.ip().to_string(),
            port: listener.port(),
            ca: authorities.join("fleet-ca.pem"),
            certificate: authorities.join("fleetd.pem"),
            key: authorities.join("fleetd.key"),
        }
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// A certificate or key cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: rustls::pki_types::pem::Error,
    },
    /// Certificate and key make no identity.
    #[error("the certificate cannot be used")]
    Tls(#[from] rustls::Error),
    /// The broker is not there, or hung up.
    #[error("the broker: {0}")]
    Broker(String),
    /// The broker refused the subscription.
    #[error("the broker refused to deliver {0}")]
    Refused(String),
}

/// An open connection that is subscribed.
pub struct Link {
    client: AsyncClient,
    incoming: mpsc::Receiver<Publish>,
    poll: tokio::task::JoinHandle<LinkError>,
}

/// What the broker said to a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Delivered {
    /// It has it. Whether the kiosk will, only the kiosk can say.
    Taken,
    /// Nobody is there to get it now.
    Nobody,
}

impl Link {
    /// Connects only to send. Until it is dropped a task polls the connection.
    ///
    /// # Errors
    /// No connection, or it is refused.
    pub(crate) async fn open_to_send(broker: &Broker, client_id: &str) -> Result<Self, LinkError> {
        let (client, mut events) =
            AsyncClient::builder(options(broker, client_id)?).capacity(OUTGOING).build();
        loop {
            match events.poll().await {
                Ok(Event::Incoming(Incoming::ConnAck(_))) => break,
                Ok(_) => {}
                Err(error) => return Err(LinkError::Broker(error.to_string())),
            }
        }
        let (sender, incoming) = mpsc::channel(1);
        let poll = tokio::spawn(poll(events, sender));
        Ok(Self { client, incoming, poll })
    }

    /// Connects and subscribes to `filter`. Until it is dropped a task polls the connection and never waits
    /// for whoever takes the messages.
    ///
    /// # Errors
    /// No connection, or it is refused.
    pub async fn open(broker: &Broker, client_id: &str, filter: &str) -> Result<Self, LinkError> {
        let (client, mut events) =
            AsyncClient::builder(options(broker, client_id)?).capacity(OUTGOING).build();
        client.try_subscribe(filter, QoS::AtLeastOnce).map_err(|e| LinkError::Broker(e.to_string()))?;
        subscribed(&mut events, filter).await?;
        // One more than may be unacknowledged, and some of those that need no acknowledgement.
        let (sender, incoming) = mpsc::channel(usize::from(UNACKNOWLEDGED_MAX) * 2);
        let poll = tokio::spawn(poll(events, sender));
        Ok(Self { client, incoming, poll })
    }

    /// The next message.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn receive(&mut self) -> Result<Publish, LinkError> {
        match self.incoming.recv().await {
            Some(message) => Ok(message),
            None => Err(self.lost().await),
        }
    }

    /// A message that is here already.
    pub fn try_receive(&mut self) -> Option<Publish> {
        self.incoming.try_recv().ok()
    }

    /// Sends a message.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn publish(
        &self,
        topic: String,
        payload: Vec<u8>,
        options: PublishOptions,
    ) -> Result<(), LinkError> {
        self.client.publish(topic, payload, options).await.map_err(|e| LinkError::Broker(e.to_string()))
    }

    /// Sends a message and waits until the broker has answered.
    ///
    /// # Errors
    /// The connection is lost, or the broker refuses the message.
    pub(crate) async fn publish_confirmed(
        &self,
        topic: String,
        payload: Vec<u8>,
        options: PublishOptions,
    ) -> Result<Delivered, LinkError> {
        let lost = |error: &dyn std::fmt::Display| LinkError::Broker(error.to_string());
        let notice = self.client.publish_tracked(topic, payload, options).await.map_err(|e| lost(&e))?;
        match notice.wait_async().await.map_err(|e| lost(&e))? {
            PublishResult::Qos1(answer) if answer.reason == PubAckReason::NoMatchingSubscribers => {
                Ok(Delivered::Nobody)
            }
            _ => Ok(Delivered::Taken),
        }
    }

    /// Tells the broker that a message is dealt with.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn acknowledge(&self, message: &Publish) -> Result<(), LinkError> {
        if message.qos == QoS::AtMostOnce {
            return Ok(());
        }
        self.client.ack(message).await.map_err(|e| LinkError::Broker(e.to_string()))
    }

    async fn lost(&mut self) -> LinkError {
        (&mut self.poll).await.unwrap_or_else(|error| LinkError::Broker(error.to_string()))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Closes the socket: what was not acknowledged the kiosks send again.
        self.poll.abort();
    }
}

fn options(broker: &Broker, client_id: &str) -> Result<MqttOptions, LinkError> {
    let mut options = MqttOptions::new(client_id, (broker.host.clone(), broker.port));
    let mut network = NetworkOptions::new();
    // Small messages that somebody waits for, a few at a time.
    network.set_tcp_nodelay(true);
    options.set_network_options(network);
    let tls = TlsConfiguration::Rustls(Arc::new(tls(broker)?));
    options.set_transport(Transport::tls_with_config(tls));
    options
        .set_keep_alive(KEEP_ALIVE)
        .set_clean_start(true)
        .set_session_expiry_interval(Some(0))
        .set_receive_maximum(Some(UNACKNOWLEDGED_MAX))
        .set_max_packet_size(Some(PACKET_MAX))
        .set_connect_timeout(CONNECT_TIMEOUT)
        .set_ack_mode(AckMode::Manual);
    Ok(options)
}

async fn subscribed(events: &mut EventLoop, filter: &str) -> Result<(), LinkError> {
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Incoming::SubAck(granted))) => {
                let refused = granted
                    .return_codes
                    .iter()
                    .any(|code| !matches!(code, rumqttc::mqttbytes::v5::SubscribeReasonCode::Success(_)));
                return if refused { Err(LinkError::Refused(filter.to_owned())) } else { Ok(()) };
            }
            Ok(_) => {}
            Err(error) => return Err(LinkError::Broker(error.to_string())),
        }
    }
}

/// Polls until the connection is lost.
async fn poll(mut events: EventLoop, sender: mpsc::Sender<Publish>) -> LinkError {
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Incoming::Publish(message))) => match sender.try_send(message) {
                Ok(()) => {}
                // Only messages without acknowledgement can be more than the channel holds.
                Err(mpsc::error::TrySendError::Full(message)) if message.qos == QoS::AtMostOnce => {}
                Err(_) => return LinkError::Broker("nobody takes its messages".into()),
            },
            Ok(Event::Incoming(Incoming::Disconnect(why))) => {
                return LinkError::Broker(format!("it hung up: {:?}", why.reason_code));
            }
            Ok(Event::Outgoing(Outgoing::Disconnect)) => return LinkError::Broker("we hung up".into()),
            Ok(_) => {}
            Err(error) => return LinkError::Broker(error.to_string()),
        }
    }
}

/// Our identity, trusting nothing but the authority given.
fn tls(broker: &Broker) -> Result<rustls::ClientConfig, LinkError> {
    let file = |path: &PathBuf| {
        let path = path.clone();
        move |source| LinkError::File { path, source }
    };
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&broker.ca).map_err(file(&broker.ca))?)?;
    let certificate =
        CertificateDer::from_pem_file(&broker.certificate).map_err(file(&broker.certificate))?;
    let key = PrivateKeyDer::from_pem_file(&broker.key).map_err(file(&broker.key))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate], key)?)
}
