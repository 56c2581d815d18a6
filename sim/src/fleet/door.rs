//! The fleet's API, as far as a crowd needs it to be taken in: HTTP/1.1 over TLS, a connection a question.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::identity::{Key, trust};
use super::{CrowdError, Endpoint};

/// What marks simulated kiosks in the registry.
const TAG: &str = "sim";

/// Pause after the fleet has said that this goes too fast.
const TOO_FAST: Duration = Duration::from_secs(1);
/// So often in a row it says it of everybody here, and for longer than anybody waits for.
const TOO_FAST_MAX: u32 = 30;

/// Where kiosks are enrolled, and who may.
#[derive(Clone, Debug)]
pub struct Door {
    /// Its HTTPS.
    pub fleet: Endpoint,
    /// The authority of its certificate, PEM.
    pub ca: PathBuf,
    /// A token that may enrol kiosks.
    pub token: String,
    /// Where the kiosks stand.
    pub site: String,
}

/// A kiosk as the fleet has taken it in.
pub(crate) struct Enrolled {
    pub id: String,
    pub broker: Endpoint,
    pub tls: Arc<ClientConfig>,
}

impl Door {
    /// Of a `fleetd embedded` that runs in `data` on this machine.
    ///
    /// # Errors
    /// It has never run there, or its files cannot be read.
    pub fn of(data: &Path, site: String) -> Result<Self, CrowdError> {
        let read = |name: &str| {
            let path = data.join(name);
            std::fs::read_to_string(&path).map_err(|source| CrowdError::Read { path, source })
        };
        let api = read("api.toml")?;
        let port = api
            .lines()
            .find_map(|line| {
                line.strip_prefix("https = \"")?.trim_end_matches('"').rsplit(':').next()?.parse().ok()
            })
            .ok_or_else(|| CrowdError::Content("api.toml names no port of HTTPS".to_owned()))?;
        let token = read("admin-token")?.trim().to_owned();
        let fleet = Endpoint { host: "localhost".to_owned(), port };
        Ok(Self { fleet, ca: data.join("ca/fleet-ca.pem"), token, site })
    }

    /// Takes in so many kiosks: those of the last time under their old ids, the others anew.
    ///
    /// # Errors
    /// The fleet cannot be reached, or refuses.
    pub(crate) async fn enrol(&self, kiosks: u32) -> Result<Vec<Enrolled>, CrowdError> {
        let roots = trust(&self.ca)?;
        let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(Arc::clone(&roots))
            .with_no_client_auth();
        let asking = Asking { door: self, tls: Arc::new(tls) };
        let known = asking.known(kiosks).await?;
        let mut enrolled = Vec::new();
        let mut known = known.into_iter();
        for number in 1..=kiosks {
            let name = format!("Simulated {number}");
            let wanted = json!({ "site": self.site, "kiosk": known.next(), "name": name, "tags": [TAG] });
            let code = asking.ask("POST", "/v1/enrolment-codes", Some(&wanted)).await?;
            let key = Key::generate()?;
            let me =
                json!({ "code": code["code"], "csr": key.request()?, "serial": "sim", "version": "sim" });
            let told = asking.ask("POST", "/v1/enroll", Some(&me)).await?;
            let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
            let tls = key.config(&text("certificate"), &roots)?;
            enrolled.push(Enrolled { id: text("kiosk"), broker: text("broker").parse()?, tls });
        }
        Ok(enrolled)
    }
}

struct Asking<'a> {
    door: &'a Door,
    tls: Arc<ClientConfig>,
}

impl Asking<'_> {
    /// Simulated kiosks that the fleet has from an earlier time.
    async fn known(&self, most: u32) -> Result<Vec<String>, CrowdError> {
        let (mut known, mut cursor) = (Vec::new(), String::new());
        while known.len() < usize::try_from(most).unwrap_or(usize::MAX) {
            let filter = format!("tag%3D{TAG}%20and%20site%3D%22{}%22", self.door.site);
            let path = format!("/v1/kiosks?filter={filter}&limit=200{cursor}");
            let page = self.ask("GET", &path, None).await?;
            let rows = page["items"].as_array().into_iter().flatten();
            let active = rows.filter(|row| row["state"] != "decommissioned");
            known.extend(active.filter_map(|row| row["id"].as_str().map(str::to_owned)));
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        Ok(known)
    }

    /// The answer to a request; waits when the fleet says that this goes too fast.
    async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, CrowdError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let (status, answer) = self.once(method, path, body).await.map_err(CrowdError::Unreachable)?;
            match status {
                200..300 => return Ok(answer),
                429 if attempts < TOO_FAST_MAX => tokio::time::sleep(TOO_FAST).await,
                _ => {
                    let why = answer["detail"].as_str().unwrap_or("without a reason");
                    return Err(CrowdError::Refused(format!("{method} {path}: {status}, {why}")));
                }
            }
        }
    }

    async fn once(&self, method: &str, path: &str, body: Option<&Value>) -> std::io::Result<(u16, Value)> {
        let (Endpoint { host, port }, token) = (&self.door.fleet, &self.door.token);
        let name = ServerName::try_from(host.clone()).map_err(std::io::Error::other)?;
        let tcp = TcpStream::connect((host.as_str(), *port)).await?;
        let mut stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, tcp).await?;
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").ok_or(std::io::ErrorKind::InvalidData)?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or(std::io::ErrorKind::InvalidData)?;
        Ok((status, serde_json::from_str(body).unwrap_or_default()))
    }
}
