//! A real Mosquitto with the configuration of `docs` and certificates made for the test.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};

use crate::kiosk::{wait_until, wall};

/// A certificate authority.
pub(crate) struct Authority {
    pub pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = named(name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = parameters.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(parameters, key) }
    }

    /// Certificate and key for a name.
    pub(crate) fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        parameters.not_before = (wall() - Duration::from_secs(3600)).into();
        parameters.distinguished_name = named(name);
        parameters.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        (parameters.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    /// Certificate for a request, valid until the end of 2029. `begins`: the year from which on.
    pub(crate) fn sign(&self, request: &str, name: &str, begins: i32) -> String {
        let mut request = CertificateSigningRequestParams::from_pem(request).unwrap();
        request.params.distinguished_name = named(name);
        request.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        request.params.not_before = rcgen::date_time_ymd(begins, 1, 1);
        request.params.not_after = rcgen::date_time_ymd(2030, 1, 1);
        request.signed_by(&self.issuer).unwrap().pem()
    }
}

fn named(name: &str) -> DistinguishedName {
    let mut named = DistinguishedName::new();
    named.push(DnType::CommonName, name);
    named
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) struct Broker {
    dir: PathBuf,
    pub kiosks: u16,
    pub inner: u16,
    pub kiosk_authority: std::sync::Arc<Authority>,
    pub fleet_authority: Authority,
    child: Option<Child>,
}

impl Broker {
    pub(crate) fn start(dir: &Path) -> Self {
        let ca = dir.join("ca");
        std::fs::create_dir_all(&ca).unwrap();
        let (kiosks, inner) = (Authority::new("kiosk CA"), Authority::new("fleet CA"));
        let (certificate, key) = inner.issue("broker");
        let (fleetd, fleetd_key) = inner.issue("fleetd");
        for (name, text) in [
            ("kiosk-ca.pem", &kiosks.pem),
            ("fleet-ca.pem", &inner.pem),
            ("broker.pem", &certificate),
            ("broker.key", &key),
            ("fleetd.pem", &fleetd),
            ("fleetd.key", &fleetd_key),
            ("kiosk.acl", &protocol::topic::KIOSK_ACL.to_owned()),
            ("fleet.acl", &protocol::topic::FLEET_ACL.to_owned()),
        ] {
            std::fs::write(ca.join(name), text).unwrap();
        }
        let mut broker = Self {
            dir: dir.to_owned(),
            kiosks: free_port(),
            inner: free_port(),
            kiosk_authority: kiosks.into(),
            fleet_authority: inner,
            child: None,
        };
        broker.configure();
        broker.restart();
        broker
    }

    fn configure(&self) {
        let ca = self.dir.join("ca");
        let file = |name: &str| ca.join(name).display().to_string();
        let access = |who: &str| {
            format!(
                "cafile {}\ncertfile {}\nkeyfile {}\nrequire_certificate true\nuse_identity_as_username true\n\
                 allow_anonymous false\nacl_file {}\n",
                file(&format!("{who}-ca.pem")),
                file("broker.pem"),
                file("broker.key"),
                file(&format!("{who}.acl"))
            )
        };
        let text = format!(
            "per_listener_settings true\nuser root\npersistence false\n\
             max_packet_size 524288\nlog_dest stderr\n\
             listener {} 127.0.0.1\n{}use_username_as_clientid true\nlistener {} 127.0.0.1\n{}",
            self.kiosks,
            access("kiosk"),
            self.inner,
            access("fleet"),
        );
        std::fs::write(self.dir.join("mosquitto.conf"), text).unwrap();
    }

    /// Starts it (again), with nothing of what it knew.
    pub(crate) fn restart(&mut self) {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.dir.join("broker.log"));
        let child = Command::new("/usr/sbin/mosquitto")
            .arg("-c")
            .arg(self.dir.join("mosquitto.conf"))
            .stdout(Stdio::null())
            .stderr(log.unwrap())
            .spawn()
            .expect("Debian's mosquitto is installed");
        self.child = Some(child);
        wait_until("the broker listens", || std::net::TcpStream::connect(("127.0.0.1", self.inner)).is_ok());
    }

    pub(crate) fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    pub(crate) fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn signal(&self, signal: Signal) {
        let id = self.child.as_ref().unwrap().id();
        kill(Pid::from_raw(id.try_into().unwrap()), signal).unwrap();
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill();
        }
    }
}
