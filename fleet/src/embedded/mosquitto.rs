//! The private Mosquitto: a listener for kiosks and one on loopback for `fleetd`, each with the authority it
//! trusts, one access list for both.

mod probe;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use protocol::topic::ACL;

use super::EmbeddedError;
use super::engine::{Engine, Health};
use super::packages::Programs;
use super::place::Place;
use probe::Probe;

/// Largest packet in bytes: a batch of 256 KiB with its headers, firmware blocks. A larger one cuts the
/// connection.
const PACKET_MAX: u32 = 512 * 1024;

/// Messages kept for a client that is away. More are dropped, which is why nothing relies on the broker.
const QUEUE_MAX: u32 = 1000;

/// The private Mosquitto.
pub(super) struct Mosquitto {
    program: PathBuf,
    dir: PathBuf,
    config: PathBuf,
    ca: PathBuf,
    internal: SocketAddr,
    /// The connection of the liveness check; lost with every restart.
    link: Option<Probe>,
}

/// Where the two listeners are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Listeners {
    /// `None`: all addresses.
    pub bind: Option<IpAddr>,
    pub kiosks: u16,
    pub internal: u16,
}

impl Listeners {
    pub(super) const fn internal_address(self) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), self.internal)
    }
}

impl Mosquitto {
    /// Writes configuration and access list.
    pub(super) fn prepare(
        place: &Place,
        programs: &Programs,
        listeners: Listeners,
    ) -> Result<Self, EmbeddedError> {
        let dir = place.mosquitto();
        let config = dir.join("mosquitto.conf");
        place.write(&dir.join("acl"), ACL)?;
        place.write(&config, &configuration(&dir, &place.ca(), listeners))?;
        Ok(Self {
            program: programs.mosquitto.clone(),
            dir,
            config,
            ca: place.ca(),
            internal: listeners.internal_address(),
            link: None,
        })
    }
}

fn configuration(dir: &Path, ca: &Path, listeners: Listeners) -> String {
    let (dir, ca) = (dir.display(), ca.display());
    let bind = listeners.bind.map_or_else(String::new, |address| format!(" {address}"));
    let tls = |authority: &str| {
        format!(
            "cafile {ca}/{authority}.pem\ncertfile {ca}/broker.pem\nkeyfile {ca}/broker.key\n\
             require_certificate true\nuse_identity_as_username true\n"
        )
    };
    format!(
        "# Written anew at every start of fleetd.\n\
         per_listener_settings false\n\
         allow_anonymous false\n\
         acl_file {dir}/acl\n\
         # A comfort for planned restarts only: what counts stays in the kiosks until the fleet has it.\n\
         persistence true\n\
         persistence_location {dir}/\n\
         autosave_interval 60\n\
         max_packet_size {PACKET_MAX}\n\
         max_queued_messages {QUEUE_MAX}\n\
         # Else an answer waits up to 40 ms for the TCP acknowledgement of the PUBACK before it.\n\
         set_tcp_nodelay true\n\
         log_dest stderr\n\
         log_timestamp false\n\
         \n\
         # Kiosks. The client id is the certificate's name, so that none takes another's session.\n\
         listener {}{bind}\n{}crlfile {ca}/kiosk.crl\n\
         use_username_as_clientid true\n\
         \n\
         # fleetd. Several replicas share the name of one certificate, so each chooses its client id.\n\
         listener {} 127.0.0.1\n{}",
        listeners.kiosks,
        tls("kiosk-ca"),
        listeners.internal,
        tls("fleet-ca"),
    )
}

impl Engine for Mosquitto {
    const NAME: &'static str = "mosquitto";
    /// Writes its database.
    const STOP: Signal = Signal::SIGTERM;
    const STOP_LIMIT: Duration = Duration::from_secs(10);
    const LOG: fn(&str) = log;

    fn dir(&self) -> &Path {
        &self.dir
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("-c").arg(&self.config).current_dir(&self.dir);
        command
    }

    /// A message to ourselves. The connection stays open between two of them: a broker that has no room for
    /// new connections still serves the old ones and must not be restarted for it.
    async fn probe(&mut self) -> Result<Health, String> {
        // Taken out meanwhile: a link whose answer was not waited for is of no more use.
        let mut link = match self.link.take() {
            Some(link) => link,
            None => Probe::connect(self.internal, &self.ca).await.map_err(|error| error.to_string())?,
        };
        link.round_trip().await.map_err(|error| error.to_string())?;
        self.link = Some(link);
        Ok(Health::Ready)
    }
}

fn log(line: &str) {
    if line.starts_with("Error") || line.starts_with("Warning") {
        tracing::warn!(target: "mosquitto", "{line}");
    } else {
        tracing::debug!(target: "mosquitto", "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_listener_trusts_one_authority_and_only_kiosks_are_bound_to_their_client_id() {
        let listeners = Listeners { bind: None, kiosks: 8883, internal: 8884 };
        let text = configuration(Path::new("/d/mosquitto"), Path::new("/d/ca"), listeners);
        let (kiosks, internal) = text.split_once("\nlistener 8884 127.0.0.1\n").unwrap();
        assert!(kiosks.contains("\nlistener 8883\ncafile /d/ca/kiosk-ca.pem\n"), "{text}");
        assert!(kiosks.contains("\ncrlfile /d/ca/kiosk.crl\nuse_username_as_clientid true\n"));
        assert!(!kiosks.contains("fleet-ca") && !internal.contains("kiosk"));
        assert!(internal.contains("cafile /d/ca/fleet-ca.pem") && !internal.contains("clientid"));
        assert!(internal.contains("require_certificate true"));
    }

    #[test]
    fn the_kiosks_listener_can_be_bound_to_one_address() {
        let bind = Some("192.0.2.1".parse().unwrap());
        let listeners = Listeners { bind, kiosks: 1, internal: 2 };
        let text = configuration(Path::new("/d"), Path::new("/c"), listeners);
        assert!(text.contains("\nlistener 1 192.0.2.1\n"));
    }
}
