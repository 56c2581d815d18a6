//! The private Mosquitto: a listener for kiosks and one on loopback for `fleetd`, each with the authority it
//! trusts and an access list of its own.

mod probe;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use protocol::topic::{FLEET_ACL, KIOSK_ACL};

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
pub(crate) struct Listeners {
    /// `None`: all addresses.
    pub bind: Option<IpAddr>,
    pub kiosks: u16,
    pub internal: u16,
}

impl Listeners {
    pub(crate) const fn internal_address(self) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), self.internal)
    }
}

impl Mosquitto {
    /// Writes configuration and access lists.
    pub(super) fn prepare(
        place: &Place,
        programs: &Programs,
        listeners: Listeners,
    ) -> Result<Self, EmbeddedError> {
        let dir = place.mosquitto();
        let config = dir.join("mosquitto.conf");
        place.write(&dir.join("kiosk.acl"), KIOSK_ACL)?;
        place.write(&dir.join("fleet.acl"), FLEET_ACL)?;
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
    format!(
        "# Written anew at every start of fleetd.\n\
         # A comfort for planned restarts only: what counts stays in the kiosks until the fleet has it.\n\
         persistence true\n\
         persistence_location {}/\n\
         autosave_interval 60\n\
         log_dest stderr\n\
         log_timestamp false\n\
         {}",
        dir.display(),
        for_fleet(dir, ca, listeners)
    )
}

/// What any Mosquitto needs for a fleet, whose access lists are in `dir` and whose authorities in `ca`.
pub(crate) fn for_fleet(dir: &Path, ca: &Path, listeners: Listeners) -> String {
    let (dir, ca) = (dir.display(), ca.display());
    let bind = listeners.bind.map_or_else(String::new, |address| format!(" {address}"));
    let access = |who: &str| {
        format!(
            "cafile {ca}/{who}-ca.pem\ncertfile {ca}/broker.pem\nkeyfile {ca}/broker.key\n\
             require_certificate true\nuse_identity_as_username true\n\
             allow_anonymous false\nacl_file {dir}/{who}.acl\n"
        )
    };
    format!(
        "# Each listener has an authority and an access list of its own.\n\
         per_listener_settings true\n\
         max_packet_size {PACKET_MAX}\n\
         max_queued_messages {QUEUE_MAX}\n\
         # Else an answer waits up to 40 ms for the TCP acknowledgement of the PUBACK before it.\n\
         set_tcp_nodelay true\n\
         \n\
         # Kiosks. The client id is the certificate's name, so that none takes another's session.\n\
         listener {}{bind}\n{}crlfile {ca}/kiosk.crl\n\
         use_username_as_clientid true\n\
         \n\
         # fleetd. Several replicas share the name of one certificate, so each chooses its client id.\n\
         listener {} 127.0.0.1\n{}",
        listeners.kiosks,
        access("kiosk"),
        listeners.internal,
        access("fleet"),
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
    // What all kiosks may read has no place for a kiosk's name.
    let is_meant = line.contains("ACL pattern 'v1/f/#'");
    if !is_meant && (line.starts_with("Error") || line.starts_with("Warning")) {
        tracing::warn!(target: "mosquitto", "{line}");
    } else {
        tracing::debug!(target: "mosquitto", "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_listener_has_its_authority_and_access_list_and_only_kiosks_are_bound_to_their_client_id() {
        let listeners = Listeners { bind: None, kiosks: 8883, internal: 8884 };
        let text = configuration(Path::new("/d/mosquitto"), Path::new("/d/ca"), listeners);
        let (kiosks, internal) = text.split_once("\nlistener 8884 127.0.0.1\n").unwrap();
        assert!(kiosks.contains("\nlistener 8883\ncafile /d/ca/kiosk-ca.pem\n"), "{text}");
        assert!(kiosks.contains("\ncrlfile /d/ca/kiosk.crl\nuse_username_as_clientid true\n"));
        assert!(!kiosks.contains("fleet-ca") && !internal.contains("kiosk"));
        assert!(internal.contains("cafile /d/ca/fleet-ca.pem") && !internal.contains("clientid"));
        for (part, list) in [(kiosks, "kiosk.acl"), (internal, "fleet.acl")] {
            assert!(
                part.contains("\nrequire_certificate true\n") && part.contains("\nallow_anonymous false\n")
            );
            assert!(part.contains(&format!("\nacl_file /d/mosquitto/{list}\n")));
        }
    }

    #[test]
    fn the_kiosks_listener_can_be_bound_to_one_address() {
        let bind = Some("192.0.2.1".parse().unwrap());
        let listeners = Listeners { bind, kiosks: 1, internal: 2 };
        let text = configuration(Path::new("/d"), Path::new("/c"), listeners);
        assert!(text.contains("\nlistener 1 192.0.2.1\n"));
    }
}
