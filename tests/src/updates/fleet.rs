//! A fleet that says what the test wants.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use ota::orders::{Action, Assignment, HaltOrder, Window, seal};
use ota::trust::sign::SecretKey;
use protocol::topic::{Broadcast, Down, KIOSK_ACL, KioskId, Topic};
use protocol::update::{Part, PartsWanted, UpdateState};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::server::{Fault, Server};
use crate::process::{Process, wait_until};

/// The kiosk of the test.
pub const KIOSK: &str = "t1.k0042";

/// How long the broker may take to start.
const START_WITHIN: Duration = Duration::from_secs(10);

/// An assignment to be made.
#[derive(Clone, Debug)]
pub struct Order {
    /// For which kiosk.
    pub aud: String,
    /// Of which campaign.
    pub campaign: String,
    /// A later one has a higher one.
    pub generation: u64,
    /// The release.
    pub release: u64,
    /// It is the kiosk's turn.
    pub turn: bool,
    /// When.
    pub window: Option<Window>,
    /// Bytes a second, in 1,000.
    pub rate_kb: Option<u32>,
    /// s from now until it ends.
    pub valid_s: i64,
}

impl Order {
    /// A usual one.
    pub fn of(generation: u64, release: u64) -> Self {
        Self {
            aud: KIOSK.into(),
            campaign: "spring".into(),
            generation,
            release,
            turn: false,
            window: None,
            rate_kb: None,
            valid_s: 3600,
        }
    }
}

/// The fleet.
pub struct ScriptedFleet {
    dir: PathBuf,
    /// Where releases are published.
    pub repository: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    broker: Option<Process>,
    kiosks: u16,
    inner: u16,
    server: Server,
    campaign: SecretKey,
    states: Arc<Mutex<Vec<UpdateState>>>,
    listener: Arc<Mutex<Option<Child>>>,
}

impl ScriptedFleet {
    /// Starts broker and web server in a folder.
    ///
    /// # Errors
    /// One does not start.
    pub fn start(dir: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let repository = dir.join("repo");
        let key = KeyPair::generate()?;
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = named("fleet CA");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca = parameters.self_signed(&key)?.pem();
        let issuer = Issuer::new(parameters, key);
        std::fs::write(dir.join("ca.pem"), &ca)?;
        let server = Server::start(&repository, tls(&issuer, &ca)?)?;
        let [kiosks, inner] = [free_port()?, free_port()?];
        let campaign = SecretKey::from_pem(&SecretKey::generate()?)?;
        let mut fleet = Self {
            dir: dir.to_owned(),
            repository,
            issuer,
            broker: None,
            kiosks,
            inner,
            server,
            campaign,
            states: Arc::default(),
            listener: Arc::default(),
        };
        fleet.start_broker()?;
        fleet.listen()?;
        Ok(fleet)
    }

    fn start_broker(&mut self) -> anyhow::Result<()> {
        let (certificate, key) = issue(&self.issuer, "broker")?;
        let file = |name: &str| self.dir.join(name).display().to_string();
        for (name, content) in
            [("broker.pem", certificate.as_str()), ("broker.key", &key), ("acl", KIOSK_ACL)]
        {
            std::fs::write(file(name), content)?;
        }
        let owner = if nix::unistd::geteuid().is_root() { "user root\n" } else { "" };
        let configuration = format!(
            "{owner}per_listener_settings true\npersistence false\n\
             listener {} 127.0.0.1\nallow_anonymous true\n\
             listener {} 127.0.0.1\nrequire_certificate true\nuse_identity_as_username true\n\
             cafile {}\ncertfile {}\nkeyfile {}\nacl_file {}\n",
            self.inner,
            self.kiosks,
            file("ca.pem"),
            file("broker.pem"),
            file("broker.key"),
            file("acl")
        );
        std::fs::write(file("mosquitto.conf"), configuration)?;
        let log = std::fs::File::create(file("mosquitto.log"))?;
        let mut command = Command::new("mosquitto");
        command
            .env("PATH", with_sbin())
            .arg("-c")
            .arg(file("mosquitto.conf"))
            .stdout(Stdio::null())
            .stderr(log);
        self.broker = Some(Process::start("mosquitto", &mut command)?);
        let inner = self.inner;
        wait_until(START_WITHIN, || std::net::TcpStream::connect(("127.0.0.1", inner)).ok())
            .context("the broker does not start")?;
        Ok(())
    }

    /// Hears what the kiosk says, and answers its questions for parts.
    fn listen(&self) -> anyhow::Result<()> {
        let mut child = Command::new("mosquitto_sub")
            .args(["-V", "5", "-h", "127.0.0.1", "-p", &self.inner.to_string(), "-q", "1"])
            .args(["-t", "v1/k/+/up/ot", "-t", "v1/k/+/up/bq", "-F", "%t %p"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("mosquitto-clients is installed")?;
        let output = child.stdout.take().context("its output is piped")?;
        *self.listener.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
        let (states, repository) = (Arc::clone(&self.states), self.repository.clone());
        let port = self.inner;
        std::thread::Builder::new().name("fleet".into()).spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let Some((topic, payload)) = line.split_once(' ') else { continue };
                if topic.ends_with("/ot") {
                    let mut states = states.lock().unwrap_or_else(PoisonError::into_inner);
                    states.extend(serde_json::from_str::<UpdateState>(payload));
                } else if let Ok(wanted) = serde_json::from_str::<PartsWanted>(payload) {
                    drop(answer(port, &repository, &wanted));
                }
            }
        })?;
        Ok(())
    }

    /// What the kiosk has told of its updates, oldest first.
    pub fn told(&self) -> Vec<UpdateState> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes the kiosk a member: key, certificate and name are in its data folder.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn admit(&self, data: &Path) -> anyhow::Result<()> {
        let folder = data.join("uplink");
        std::fs::create_dir_all(&folder)?;
        let (certificate, key) = issue(&self.issuer, KIOSK)?;
        let identity = serde_json::json!({
            "kiosk": KIOSK, "broker": format!("localhost:{}", self.kiosks), "formerly": ["demo.k3"],
            "enrolled_s": now_s() - 3600,
        });
        let identity = identity.to_string();
        for (name, content) in [
            ("key.pem", key),
            ("cert.pem", certificate),
            ("identity.json", identity.clone()),
            ("identity.copy.json", identity),
        ] {
            std::fs::write(folder.join(name), content)?;
        }
        Ok(())
    }

    /// The sections of the kiosk's settings.
    pub fn settings(&self, slot_writer: &Path) -> String {
        format!(
            "[uplink]\nfleet = 'https://localhost:{}'\nca = {:?}\n\n\
             [update]\nslot_writer = {slot_writer:?}\ncampaign_keys = ['{}']\nprove_s = 8\n",
            self.server.port,
            self.dir.join("ca.pem"),
            self.campaign.public().as_str(),
        )
    }

    /// Says which release the kiosk is to run.
    ///
    /// # Errors
    /// It cannot be published.
    pub fn assign(&self, order: &Order) -> anyhow::Result<()> {
        self.assign_signed_by(order, &self.campaign)
    }

    /// The same, signed by somebody.
    ///
    /// # Errors
    /// It cannot be published.
    pub fn assign_signed_by(&self, order: &Order, key: &SecretKey) -> anyhow::Result<()> {
        let Order { window, rate_kb, turn, release, .. } = *order;
        let assignment = Assignment {
            v: 1,
            aud: order.aud.clone(),
            campaign: order.campaign.clone(),
            generation: order.generation,
            action: Action::Install { release, turn, window, rate_kb },
            issued: now_s() - 1,
            expires: now_s() + order.valid_s,
        };
        let topic = Topic::Down(KioskId::new(KIOSK)?, Down::Update).to_string();
        publish(self.inner, &topic, &seal(&assignment, key)?, true)
    }

    /// Says which campaigns are halted.
    ///
    /// # Errors
    /// It cannot be published.
    pub fn halt(&self, generation: u64, campaigns: &[&str]) -> anyhow::Result<()> {
        let halted = campaigns.iter().map(|it| (*it).to_owned()).collect();
        let order = HaltOrder { v: 1, generation, issued: now_s(), halted, reason: String::new() };
        publish(self.inner, &Broadcast::Halt.to_string(), &seal(&order, &self.campaign)?, true)
    }

    /// Says the metadata of the repository to every kiosk.
    ///
    /// # Errors
    /// It cannot be published.
    pub fn broadcast_metadata(&self) -> anyhow::Result<()> {
        let repository = ota::repository::Repository::at(&self.repository);
        let version = |role| anyhow::Ok(repository.newest(role)?.unwrap_or(0));
        for (broadcast, file) in [
            (Broadcast::Timestamp, "timestamp.json".to_owned()),
            (Broadcast::Snapshot, format!("{}.snapshot.json", version(ota::trust::Role::Snapshot)?)),
            (Broadcast::Targets, format!("{}.targets.json", version(ota::trust::Role::Targets)?)),
        ] {
            let bytes = std::fs::read(self.repository.join("metadata").join(file))?;
            publish(self.inner, &broadcast.to_string(), &bytes, true)?;
        }
        Ok(())
    }

    /// What the web server does wrong from now on.
    pub fn fault(&self, fault: Fault) {
        self.server.shared().fault = fault;
    }

    /// How long it waits after every 16 KiB.
    pub fn slow_down(&self, pause: Duration) {
        self.server.shared().pause = pause;
    }

    /// Bytes of files whose path has this in it that the web server has sent.
    pub fn sent(&self, part: &str) -> u64 {
        let shared = self.server.shared();
        shared.sent.iter().filter(|(path, _)| path.contains(part)).map(|(_, bytes)| bytes).sum()
    }
}

impl Drop for ScriptedFleet {
    fn drop(&mut self) {
        if let Some(mut child) = self.listener.lock().unwrap_or_else(PoisonError::into_inner).take() {
            drop(child.kill().and_then(|()| child.wait()));
        }
    }
}

/// Gives the parts of a file that are wanted.
fn answer(port: u16, repository: &Path, wanted: &PartsWanted) -> anyhow::Result<()> {
    let file = std::fs::read(repository.join(&wanted.file)).unwrap_or_default();
    let topic = Topic::Down(KioskId::new(KIOSK)?, Down::Part).to_string();
    for (at, length) in &wanted.ranges {
        let from = usize::try_from(*at)?.min(file.len());
        let bytes = &file[from..(from + *length as usize).min(file.len())];
        publish(port, &topic, &Part { req: wanted.req, at: *at, bytes }.to_message(), false)?;
    }
    Ok(())
}

fn publish(port: u16, topic: &str, payload: &[u8], retained: bool) -> anyhow::Result<()> {
    let mut command = Command::new("mosquitto_pub");
    command.args(["-V", "5", "-h", "127.0.0.1", "-p", &port.to_string(), "-q", "1", "-t", topic, "-s"]);
    if retained {
        command.arg("-r");
    }
    let mut child = command.stdin(Stdio::piped()).spawn().context("mosquitto-clients is installed")?;
    child.stdin.take().context("its input is piped")?.write_all(payload)?;
    anyhow::ensure!(child.wait()?.success(), "mosquitto_pub {topic}");
    Ok(())
}

fn tls(issuer: &Issuer<'static, KeyPair>, ca: &str) -> anyhow::Result<Arc<ServerConfig>> {
    let (certificate, key) = issue(issuer, "fleetd")?;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.as_bytes())?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build()?;
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes())?],
            PrivateKeyDer::from_pem_slice(key.as_bytes())?,
        )?;
    Ok(Arc::new(config))
}

/// Certificate and key for a name.
fn issue(issuer: &Issuer<'static, KeyPair>, name: &str) -> anyhow::Result<(String, String)> {
    let key = KeyPair::generate()?;
    let mut parameters = CertificateParams::new(vec!["localhost".to_owned()])?;
    parameters.not_before = (SystemTime::now() - Duration::from_secs(3600)).into();
    parameters.distinguished_name = named(name);
    parameters.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    Ok((parameters.signed_by(&key, issuer)?.pem(), key.serialize_pem()))
}

fn named(name: &str) -> DistinguishedName {
    let mut named = DistinguishedName::new();
    named.push(DnType::CommonName, name);
    named
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Mosquitto lies where only root looks for programs.
fn with_sbin() -> String {
    format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default())
}

fn now_s() -> i64 {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(passed.as_secs()).unwrap_or(i64::MAX)
}
