//! The broker's liveness check: a message from `fleetd` to itself over the internal TLS listener.

use std::net::SocketAddr;
use std::path::Path;

use protocol::topic::FLEET_USER;
use rumqttc::PublishOptions;
use rumqttc::mqttbytes::QoS;

use crate::link::{Broker, Link, LinkError};

/// No kiosk can have this client id: it has a character that kiosk ids have not.
const CLIENT_ID: &str = "fleetd_supervisor";

/// An open connection, subscribed to [`topic`].
pub(super) struct Probe {
    link: Link,
    sent: u64,
}

/// A topic that `fleetd` may write and read, and that no kiosk and no worker hears: no kiosk is called
/// `fleetd`, and workers listen to `up` only.
fn topic() -> String {
    format!("v1/k/{FLEET_USER}/dn/alive")
}

impl Probe {
    /// Connects and subscribes.
    pub(super) async fn connect(broker: SocketAddr, ca: &Path) -> Result<Self, LinkError> {
        let link = Link::open(&Broker::private(broker, ca), CLIENT_ID, &topic()).await?;
        Ok(Self { link, sent: 0 })
    }

    /// Sends a message and waits until it is back.
    pub(super) async fn round_trip(&mut self) -> Result<(), LinkError> {
        self.sent += 1;
        let payload = self.sent.to_string();
        let options = PublishOptions::new(QoS::AtMostOnce);
        self.link.publish(topic(), payload.clone().into_bytes(), options).await?;
        while self.link.receive().await?.payload != payload {}
        Ok(())
    }
}
