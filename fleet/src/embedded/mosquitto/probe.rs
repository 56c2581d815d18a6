//! The broker's liveness check: a message from `fleetd` to itself over the internal TLS listener.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use protocol::topic::FLEET_USER;
use rumqttc::mqttbytes::QoS;
use rumqttc::{
    AsyncClient, Event, EventLoop, Incoming, MqttOptions, PublishOptions, TlsConfiguration, Transport,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// No kiosk can have this client id: it has a character that kiosk ids have not.
const CLIENT_ID: &str = "fleetd_supervisor";

/// Room for the subscription and one message.
const REQUESTS: usize = 4;

/// Seconds. The check is far more often than that, so no ping is ever needed.
const KEEP_ALIVE: u16 = 60;

/// An open connection, subscribed to [`topic`].
pub(super) struct Link {
    client: AsyncClient,
    events: EventLoop,
    sent: u64,
}

/// A topic that `fleetd` may write and read, and that no kiosk and no worker hears: no kiosk is called
/// `fleetd`, and workers listen to `up` only.
fn topic() -> String {
    format!("v1/k/{FLEET_USER}/dn/alive")
}

impl Link {
    /// Connects and subscribes.
    pub(super) async fn connect(broker: SocketAddr, ca: &Path) -> Result<Self, String> {
        let tls = tls(ca).map_err(|error| error.to_string())?;
        let mut options = MqttOptions::new(CLIENT_ID, (broker.ip().to_string(), broker.port()));
        options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(Arc::new(tls))));
        options.set_keep_alive(KEEP_ALIVE).set_clean_start(true);
        let (client, events) = AsyncClient::builder(options).capacity(REQUESTS).build();
        client.try_subscribe(topic(), QoS::AtMostOnce).map_err(|error| error.to_string())?;
        let mut link = Self { client, events, sent: 0 };
        link.wait_for(|packet| matches!(packet, Incoming::SubAck(_))).await?;
        Ok(link)
    }

    /// Sends a message and waits until it is back.
    pub(super) async fn round_trip(&mut self) -> Result<(), String> {
        self.sent += 1;
        let payload = self.sent.to_string();
        let sent = self.client.try_publish(topic(), payload.clone(), PublishOptions::new(QoS::AtMostOnce));
        sent.map_err(|error| error.to_string())?;
        self.wait_for(|packet| matches!(packet, Incoming::Publish(back) if back.payload == payload)).await
    }

    async fn wait_for(&mut self, mut wanted: impl FnMut(&Incoming) -> bool) -> Result<(), String> {
        loop {
            match self.events.poll().await {
                Ok(Event::Incoming(packet)) if wanted(&packet) => return Ok(()),
                Ok(_) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
    }
}

/// `fleetd`'s own identity, trusting nothing but the fleet's authority.
fn tls(ca: &Path) -> Result<rustls::ClientConfig, Box<dyn std::error::Error>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca.join("fleet-ca.pem"))?)?;
    let certificate = CertificateDer::from_pem_file(ca.join("fleetd.pem"))?;
    let key = PrivateKeyDer::from_pem_file(ca.join("fleetd.key"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate], key)?)
}
