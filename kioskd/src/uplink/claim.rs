//! A kiosk that belongs to no fleet yet offers itself: it shows a code, and somebody whom the fleet knows claims it.
//!
//! ```text
//! POST /v1/claims       {"csr","serial","version"}
//!   → {"code":"R7KD-4M2P","secret","expires_in"}
//! POST /v1/claims/poll  {"secret"}
//!   → {"state":"waiting"}
//!   → {"state":"claimed","enrolled":{as the answer of /v1/enroll}}      404: unknown or over
//! ```
//! The secret is kept in `uplink/claim.json` until the fleet itself has said what became of it: whoever was claimed
//! while the power or the line was gone learns so from the next poll, and is claimed once.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use domain::claim::{Claim, ClaimCode, FleetAnswer, Network, NetworkKind};
use domain::input::UplinkInput;
use domain::time::MonoMs;
use hyper::StatusCode;
use nix::net::if_::InterfaceFlags;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::backoff::Backoff;
use super::driver::{Driver, Left, Woken, random};
use super::enrol::{self, Enrolled};
use super::http::{Http, Refused};
use crate::settings::Settings;

/// How often the fleet is asked whether somebody has claimed us, and the page's facts are looked at.
const POLL: Duration = Duration::from_secs(5);

/// A code lives at least this long: less, and nobody can type it.
const LIFE_MIN_S: u32 = 5;

/// And at most this long.
const LIFE_MAX_S: u32 = 24 * 60 * 60;

/// Longest code that the page has room for, its hyphen included.
const CODE_MAX: usize = 12;

/// systemd-timesyncd makes it once the clock follows a time server (systemd-timesyncd.service(8)).
const SYNCHRONISED: &str = "/run/systemd/timesync/synchronized";

/// What is open at the fleet, as it is kept on disk.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct OpenClaim {
    /// The fleet it is open at.
    pub fleet: String,
    /// What a person types.
    pub code: String,
    /// What we poll with.
    pub secret: String,
    /// When the code ends, ms since 1970.
    pub ends_ms: i64,
    /// How long it lives altogether, s.
    pub life_s: u32,
}

#[derive(Deserialize)]
struct Opened {
    code: String,
    secret: String,
    expires_in: u32,
}

#[derive(Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum Polled {
    Waiting,
    Claimed { enrolled: Box<Enrolled> },
}

impl OpenClaim {
    /// Where a person opens it: `https://fleet.example/claim?code=R7KD-4M2P`.
    pub(crate) fn link(&self) -> String {
        format!("{}/claim?code={}", self.fleet, self.code)
    }
}

/// What the page shows besides the code.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    host: Arc<str>,
    terminal: bool,
    printer: bool,
}

impl Facts {
    pub(super) fn of(settings: &Settings) -> Self {
        let fleet = settings.uplink.as_ref().map_or("", |uplink| uplink.fleet.as_str());
        Self {
            host: fleet.trim_start_matches("https://").into(),
            terminal: settings.terminal.is_some(),
            printer: settings.printer.is_some(),
        }
    }

    pub(super) fn claim(&self, fleet: FleetAnswer, code: Option<ClaimCode>) -> Claim {
        Claim {
            host: Arc::clone(&self.host),
            fleet,
            code,
            network: network(),
            synchronised: Path::new(SYNCHRONISED).exists(),
            terminal: self.terminal,
            printer: self.printer,
        }
    }
}

/// What is open, and what the fleet said last.
struct Offer {
    open: Option<(OpenClaim, MonoMs)>,
    fleet: FleetAnswer,
}

impl Driver {
    /// Waits without an identity, until somebody claims the kiosk or a tool enrols it.
    pub(super) async fn offer(&mut self) -> Left {
        let mut offer = Offer { open: self.kept_claim(), fleet: FleetAnswer::Asking };
        let mut backoff = Backoff::default();
        loop {
            self.show(&offer);
            let mut shutdown = self.shutdown.clone();
            let asked = tokio::select! {
                asked = self.ask(&mut offer.open) => asked,
                () = shutdown.wait() => return Left::Shutdown,
            };
            let pause = match asked {
                Ok(true) => return Left::Renewed,
                Ok(false) => {
                    offer.fleet = FleetAnswer::Answers;
                    backoff.succeeded();
                    self.state.set(|state| state.last_error = None);
                    // At the end of a code the next question brings another one.
                    let ends = offer.open.as_ref().map(|(_, ends)| ends.since(self.clock.now().mono));
                    ends.map_or(POLL, |left| POLL.min(Duration::from_millis(left)))
                }
                Err(error) => {
                    offer.fleet = self.judge(offer.fleet, &error);
                    let pause = Duration::from_millis(backoff.failed(random()));
                    tracing::warn!(error = format!("{error:#}"), ?pause, "the fleet gives no code");
                    self.state.set(|state| state.last_error = Some(format!("{error:#}")));
                    pause
                }
            };
            match self.pause(&offer, pause).await {
                Woken::Shutdown => return Left::Shutdown,
                Woken::Renewed => return Left::Renewed,
                Woken::Asked | Woken::Elapsed => {}
            }
        }
    }

    /// Waits, and keeps what the page says of the machine fresh. A network that came or went is reason to ask at once.
    async fn pause(&mut self, offer: &Offer, pause: Duration) -> Woken {
        let until = self.clock.now().mono.plus(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
        let before = network();
        loop {
            self.show(offer);
            let left = Duration::from_millis(until.since(self.clock.now().mono));
            if left.is_zero() || network() != before {
                return Woken::Elapsed;
            }
            match self.wait(left.min(POLL)).await {
                Woken::Elapsed => {}
                woken => return woken,
            }
        }
    }

    fn judge(&self, before: FleetAnswer, error: &anyhow::Error) -> FleetAnswer {
        match (error.downcast_ref::<Refused>(), before) {
            (Some(refused), _) => FleetAnswer::Refuses { status: refused.status.as_u16() },
            (None, FleetAnswer::Silent { since }) => FleetAnswer::Silent { since },
            (None, _) => FleetAnswer::Silent { since: self.clock.now().wall },
        }
    }

    /// Tells the tools and, unless the kiosk sells unclaimed, the page.
    fn show(&self, offer: &Offer) {
        let now = self.clock.now().mono;
        let answers = matches!(offer.fleet, FleetAnswer::Answers | FleetAnswer::Asking);
        let open = offer.open.as_ref().filter(|(_, ends)| answers && *ends > now);
        self.state.set(|state| state.claim = open.map(|(open, _)| open.clone()));
        if self.settings.sell_unclaimed {
            return;
        }
        let code = open.map(|(open, ends)| ClaimCode {
            text: open.code.as_str().into(),
            link: open.link().into(),
            ends: *ends,
            total_ms: open.life_s.saturating_mul(1000),
        });
        self.tell_core(UplinkInput::Claim(Some(Arc::new(self.facts.claim(offer.fleet, code)))));
    }

    /// Asks once: what became of the open claim, and for another one where there is none any more. Tells whether we
    /// belong to the fleet now.
    async fn ask(&self, open: &mut Option<(OpenClaim, MonoMs)>) -> anyhow::Result<bool> {
        let http =
            Http { fleet: self.settings.fleet.clone(), tls: self.folder.anonymous_tls(&self.settings.ca)? };
        if let Some((claim, ends)) = open.as_ref() {
            let answer = http.post("/v1/claims/poll", &json!({ "secret": claim.secret })).await;
            let over = |error: &anyhow::Error| {
                error.downcast_ref::<Refused>().is_some_and(|refused| refused.status == StatusCode::NOT_FOUND)
            };
            match answer {
                Ok(answer) => {
                    match serde_json::from_value(answer).context("the fleet's answer cannot be read")? {
                        Polled::Claimed { enrolled } => {
                            enrol::join(self, *enrolled).await?;
                            return Ok(true);
                        }
                        Polled::Waiting if *ends > self.clock.now().mono => return Ok(false),
                        Polled::Waiting => {}
                    }
                }
                Err(error) if over(&error) => {}
                Err(error) => return Err(error),
            }
        }
        *open = None;
        *open = Some(self.open_claim(&http).await?);
        Ok(false)
    }

    async fn open_claim(&self, http: &Http) -> anyhow::Result<(OpenClaim, MonoMs)> {
        let body = json!({
            "csr": self.folder.request()?,
            "serial": self.serial,
            "version": env!("CARGO_PKG_VERSION"),
        });
        let answer = http.post("/v1/claims", &body).await?;
        let opened: Opened = serde_json::from_value(answer).context("the fleet's answer cannot be read")?;
        let readable = opened.code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        anyhow::ensure!(readable && (1..=CODE_MAX).contains(&opened.code.len()), "that is no code to type");
        let now = self.clock.now();
        let life_s = opened.expires_in.clamp(LIFE_MIN_S, LIFE_MAX_S);
        let claim = OpenClaim {
            fleet: self.settings.fleet.clone(),
            code: opened.code,
            secret: opened.secret,
            ends_ms: now.wall.0.saturating_add(i64::from(life_s) * 1000),
            life_s,
        };
        self.folder.keep_claim(&claim)?;
        tracing::info!(code = claim.code, life_s, "waits to be claimed");
        Ok((claim, now.mono.plus(u64::from(life_s) * 1000)))
    }

    /// What was open when the program ended, with the end of its code on our clock.
    fn kept_claim(&self) -> Option<(OpenClaim, MonoMs)> {
        let claim = self.folder.claim().filter(|claim| claim.fleet == self.settings.fleet)?;
        let now = self.clock.now();
        let left = claim.ends_ms.saturating_sub(now.wall.0).clamp(0, i64::from(claim.life_s) * 1000);
        Some((claim, now.mono.plus(u64::try_from(left).unwrap_or(0))))
    }
}

/// The address that a technician would look for: of a cable before wireless before the rest, IPv4 before IPv6.
fn network() -> Option<Network> {
    let all = nix::ifaddrs::getifaddrs()
        .inspect_err(|error| tracing::debug!(%error, "no list of networks"))
        .ok()?;
    let running = InterfaceFlags::IFF_UP | InterfaceFlags::IFF_RUNNING;
    all.filter(|it| it.flags.contains(running) && !it.flags.contains(InterfaceFlags::IFF_LOOPBACK))
        .filter_map(|it| {
            let address = it.address?;
            let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
            let v6 = address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip()));
            // Every interface has a link-local address; it leads nowhere.
            let address =
                v4.or(v6).filter(|ip| !matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local()))?;
            Some((kind(&it.interface_name), address, it.interface_name))
        })
        .min_by_key(|(kind, address, name)| (*kind, address.is_ipv6(), name.clone()))
        .map(|(kind, address, name)| Network {
            kind,
            interface: name.into(),
            address: address.to_string().into(),
        })
}

/// What systemd and the kernel call their interfaces (systemd.net-naming-scheme(7)).
fn kind(interface: &str) -> NetworkKind {
    match interface {
        name if name.starts_with("en") || name.starts_with("eth") => NetworkKind::Ethernet,
        name if name.starts_with("wl") => NetworkKind::Wifi,
        _ => NetworkKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_is_told_by_its_name() {
        let kinds = ["eth0", "enp3s0", "end0", "wlan0", "wlp2s0", "wwan0", "docker0", "tun0"].map(kind);
        let (cable, wifi, other) = (NetworkKind::Ethernet, NetworkKind::Wifi, NetworkKind::Other);
        assert_eq!(kinds, [cable, cable, cable, wifi, wifi, other, other, other]);
    }

    #[test]
    fn the_answers_of_a_newer_fleet_are_read_as_far_as_they_can_be() {
        let waiting: Polled = serde_json::from_str(r#"{"state":"waiting","since":3}"#).unwrap();
        assert!(matches!(waiting, Polled::Waiting));
        let text =
            r#"{"state":"claimed","enrolled":{"kiosk":"t7.k1","certificate":"","broker":"b:1","x":1}}"#;
        assert!(matches!(serde_json::from_str(text).unwrap(), Polled::Claimed { .. }));
        assert!(serde_json::from_str::<Polled>(r#"{"state":"eaten"}"#).is_err());
    }

    #[test]
    fn the_link_names_the_code() {
        let open = OpenClaim {
            fleet: "https://fleet.example:8443".into(),
            code: "R7KD-4M2P".into(),
            secret: "s".into(),
            ends_ms: 0,
            life_s: 900,
        };
        assert_eq!(open.link(), "https://fleet.example:8443/claim?code=R7KD-4M2P");
    }
}
