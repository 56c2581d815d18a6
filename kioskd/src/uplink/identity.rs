//! What a kiosk has from its fleet: key, certificate, name. In `uplink/` of the data folder:
//!
//! | file | what |
//! |---|---|
//! | `key.pem` | P-256 key, made here, never leaves; mode 0600 |
//! | `cert.pem` | certificate and chain |
//! | `claim.json` | the claim that is open at the fleet, until it has said what became of it; mode 0600 |
//! | `identity.json` | name, broker, former names; written last: with it the kiosk is enrolled |
//! | `identity.copy.json` | the same, for when the disk has spoilt the other |
//! | `boots.json` | what the boots of a store that is gone counted up to; lost, the fleet thinks us off until they are as many |
//! | `clock.json` | the fleet's clock, as it last said; lost, only the floor of [`FlooredClock`] is lower |

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use protocol::topic::KioskId;
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use serde::{Deserialize, Serialize};

use super::claim::OpenClaim;
use super::floored_clock::FlooredClock;
use crate::files;

const IDENTITY: &str = "identity.json";
const COPY: &str = "identity.copy.json";

/// How much later than what is in `clock.json` the fleet's clock is before it is written down, s. Certificates begin a
/// day before they are made.
const CLOCK_STEP_S: i64 = 3600;

/// The folder and what is in it.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

/// Who the fleet says we are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Identity {
    /// Our name.
    pub kiosk: KioskId,
    /// Where the broker is: `host:port`.
    pub broker: String,
    /// The tenant, as the fleet names it.
    #[serde(default)]
    pub tenant: String,
    /// The site, as the fleet names it.
    #[serde(default)]
    pub site: String,
    /// Names we had before.
    #[serde(default)]
    pub formerly: Vec<String>,
    /// When our first certificate under this name began, s since 1970: orders from before are of another life.
    #[serde(default)]
    pub enrolled_s: i64,
    /// Who signs which release we are to run, as the fleet said when it took us in.
    #[serde(default)]
    pub campaign_keys: Vec<String>,
}

/// Boots of this machine.
#[derive(Default, Serialize, Deserialize)]
struct Boots {
    /// As many were counted by stores that are gone.
    before: u32,
    /// As many by the one that is there.
    of_store: u32,
}

impl Folder {
    /// The folder below a kiosk's data.
    pub fn below(data_dir: &Path) -> Self {
        Self(data_dir.join("uplink"))
    }

    /// Who we are; `None` if we were never enrolled.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn identity(&self) -> anyhow::Result<Option<Identity>> {
        match read(&self.0.join(IDENTITY)) {
            Err(spoilt) => match read(&self.0.join(COPY)) {
                Ok(Some(identity)) => {
                    tracing::error!("{spoilt:#}: its copy is used");
                    self.keep_identity(&identity)?;
                    Ok(Some(identity))
                }
                Ok(None) | Err(_) => Err(spoilt),
            },
            found => found,
        }
    }

    /// Our key in PEM, made now if there is none.
    ///
    /// # Errors
    /// The disk refuses.
    pub(crate) fn key(&self) -> anyhow::Result<String> {
        let path = self.key_path();
        if let Ok(pem) = std::fs::read_to_string(&path)
            && KeyPair::from_pem(&pem).is_ok()
        {
            return Ok(pem);
        }
        std::fs::create_dir_all(&self.0).with_context(|| format!("cannot create {}", self.0.display()))?;
        let pem = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?.serialize_pem();
        private(&path, pem.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(pem)
    }

    /// A request to be signed, for our key. It says nothing else: names are the fleet's to give.
    ///
    /// # Errors
    /// As [`Folder::key`].
    pub(crate) fn request(&self) -> anyhow::Result<String> {
        let key = KeyPair::from_pem(&self.key()?)?;
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = DistinguishedName::new();
        Ok(parameters.serialize_request(&key)?.pem()?)
    }

    /// Keeps a certificate.
    ///
    /// # Errors
    /// It is none, or the disk refuses.
    pub(crate) fn keep_certificate(&self, certificate: &str, chain: &str) -> anyhow::Result<()> {
        let both = format!("{}\n{}", certificate.trim_end(), chain.trim_start());
        let found = CertificateDer::pem_slice_iter(both.as_bytes()).collect::<Result<Vec<_>, _>>();
        anyhow::ensure!(found.is_ok_and(|found| !found.is_empty()), "the fleet sent no certificate");
        let path = self.0.join("cert.pem");
        files::replace(&path, both.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Keeps who we are; from now on we are enrolled.
    ///
    /// # Errors
    /// The disk refuses.
    pub(crate) fn keep_identity(&self, identity: &Identity) -> anyhow::Result<()> {
        let bytes = serde_json::to_vec_pretty(identity)?;
        for name in [IDENTITY, COPY] {
            let path = self.0.join(name);
            files::replace(&path, &bytes).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    /// The claim that was open when the program ended. One that cannot be read is none: another is opened.
    pub(crate) fn claim(&self) -> Option<OpenClaim> {
        let bytes = std::fs::read(self.claim_path()).ok()?;
        serde_json::from_slice(&bytes).inspect_err(|error| tracing::warn!(%error, "claim.json")).ok()
    }

    /// Keeps the claim that is open.
    ///
    /// # Errors
    /// The disk refuses.
    pub(crate) fn keep_claim(&self, claim: &OpenClaim) -> anyhow::Result<()> {
        let path = self.claim_path();
        private(&path, &serde_json::to_vec_pretty(claim)?)
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// There is no claim any more.
    pub(crate) fn forget_claim(&self) {
        if let Err(error) = std::fs::remove_file(self.claim_path())
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "claim.json stays");
        }
    }

    /// Remembers what the fleet's clock says, ms since 1970.
    pub(crate) fn note_fleet_time(&self, now_ms: i64) {
        let now = now_ms / 1000;
        if now < self.fleet_time().saturating_add(CLOCK_STEP_S) {
            return;
        }
        let content = serde_json::json!({ "fleet_s": now }).to_string();
        if let Err(error) = files::replace(&self.clock_path(), content.as_bytes()) {
            tracing::warn!(%error, "clock.json stays");
        }
    }

    /// The same connection by a count of boots that goes on when the store, which counts them, was begun anew: whoever
    /// was told of later ones takes no notice of earlier ones.
    pub(crate) fn counted_on(&self, counted: store::Connection) -> store::Connection {
        let path = self.0.join("boots.json");
        let read = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let mut boots: Boots = read.unwrap_or_default();
        if counted.boot < boots.of_store {
            boots.before = boots.before.saturating_add(boots.of_store);
        }
        if counted.boot != boots.of_store {
            boots.of_store = counted.boot;
            let kept = serde_json::to_vec(&boots).map_err(std::io::Error::other);
            if let Err(error) = kept.and_then(|bytes| files::replace(&path, &bytes)) {
                tracing::warn!(%error, "boots.json stays");
            }
        }
        store::Connection { boot: boots.before.saturating_add(counted.boot), ..counted }
    }

    /// What the fleet's clock last said, s since 1970; 0 if nothing is known.
    fn fleet_time(&self) -> i64 {
        #[derive(Deserialize)]
        struct Clock {
            fleet_s: i64,
        }
        let read = std::fs::read(self.clock_path()).ok();
        read.and_then(|bytes| serde_json::from_slice::<Clock>(&bytes).ok()).map_or(0, |clock| clock.fleet_s)
    }

    /// The clock that certificates are judged by.
    ///
    /// # Errors
    /// The authority's certificate cannot be read.
    pub(crate) fn clock(&self, ca: &Path) -> anyhow::Result<FlooredClock> {
        Ok(self.clock_after(&authorities(ca)?))
    }

    /// Our own certificate and those that we trust had begun when we got them.
    fn clock_after(&self, trusted: &[CertificateDer<'_>]) -> FlooredClock {
        let began = |der: &CertificateDer<'_>| {
            let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
            Some(certificate.validity().not_before.timestamp())
        };
        let own = self.validity().ok().map(|(begins, _)| begins);
        FlooredClock::new(trusted.iter().filter_map(began).chain(own).chain([self.fleet_time()]))
    }

    /// When our certificate began and ends to be valid, s since 1970.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn validity(&self) -> anyhow::Result<(i64, i64)> {
        let pem = self.certificate_pem()?;
        let der = CertificateDer::from_pem_slice(&pem)?;
        let (_, certificate) = x509_parser::parse_x509_certificate(&der)?;
        let validity = certificate.validity();
        Ok((validity.not_before.timestamp(), validity.not_after.timestamp()))
    }

    /// TLS with our certificate: for the broker and for the fleet's HTTPS.
    ///
    /// # Errors
    /// We are not enrolled, or a file cannot be read.
    pub(crate) fn tls(&self, ca: &Path) -> anyhow::Result<Arc<ClientConfig>> {
        let pem = self.certificate_pem()?;
        let certificates = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_slice(self.key()?.as_bytes())?;
        Ok(Arc::new(self.builder(ca)?.with_client_auth_cert(certificates, key)?))
    }

    /// TLS without a certificate of our own, for enrolling.
    ///
    /// # Errors
    /// The authority's certificate cannot be read.
    pub(crate) fn anonymous_tls(&self, ca: &Path) -> anyhow::Result<Arc<ClientConfig>> {
        Ok(Arc::new(self.builder(ca)?.with_no_client_auth()))
    }

    /// Whom we believe: servers that the fleet's own authority signed, over TLS 1.3.
    fn builder(
        &self,
        ca: &Path,
    ) -> anyhow::Result<rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>> {
        let trusted = authorities(ca)?;
        let clock = Arc::new(self.clock_after(&trusted));
        let mut roots = RootCertStore::empty();
        for certificate in trusted {
            roots.add(certificate).with_context(|| format!("cannot read {}", ca.display()))?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Ok(ClientConfig::builder_with_details(provider, clock)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots))
    }

    fn certificate_pem(&self) -> anyhow::Result<Vec<u8>> {
        let path = self.0.join("cert.pem");
        std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    fn claim_path(&self) -> PathBuf {
        self.0.join("claim.json")
    }

    fn clock_path(&self) -> PathBuf {
        self.0.join("clock.json")
    }

    fn key_path(&self) -> PathBuf {
        self.0.join("key.pem")
    }
}

/// Who a file says we are; `None` if it is not there.
fn read(path: &Path) -> anyhow::Result<Option<Identity>> {
    let bytes = match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        read => read.with_context(|| format!("cannot read {}", path.display()))?,
    };
    let identity = serde_json::from_slice(&bytes);
    identity.map(Some).with_context(|| format!("{} cannot be read", path.display()))
}

/// Replaces a file that nobody else may read.
fn private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let beside = path.with_added_extension("made");
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    files::rename(&beside, path)
}

/// The certificates of a file; at least one.
fn authorities(ca: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let cannot = || format!("cannot read {}", ca.display());
    let found: Vec<_> = CertificateDer::pem_file_iter(ca)
        .with_context(cannot)?
        .collect::<Result<_, _>>()
        .with_context(cannot)?;
    anyhow::ensure!(!found.is_empty(), "there is no certificate in {}", ca.display());
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_that_the_disk_has_spoilt_comes_from_its_copy() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::below(dir.path());
        assert_eq!(folder.identity().unwrap(), None);
        std::fs::create_dir(&folder.0).unwrap();
        let identity = Identity {
            kiosk: KioskId::new("k7.0001").unwrap(),
            broker: "fleet:8883".into(),
            tenant: "t7".into(),
            site: String::new(),
            formerly: vec!["kiosk".into()],
            enrolled_s: 7,
            campaign_keys: vec!["ab".into()],
        };
        folder.keep_identity(&identity).unwrap();
        std::fs::write(folder.0.join(IDENTITY), b"").unwrap();
        assert_eq!(folder.identity().unwrap().unwrap(), identity);
        assert_eq!(read(&folder.0.join(IDENTITY)).unwrap().unwrap(), identity, "it is whole again");
        for name in [IDENTITY, COPY] {
            std::fs::write(folder.0.join(name), b"{\"kiosk\":").unwrap();
        }
        assert!(folder.identity().unwrap_err().to_string().contains(IDENTITY));
    }

    #[test]
    fn boots_go_on_when_the_store_that_counts_them_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::below(dir.path());
        std::fs::create_dir(&folder.0).unwrap();
        let boots = [1, 2, 2, 4, 1, 1, 2, 3, 1].map(|boot| {
            let told = folder.counted_on(store::Connection { boot, conn: 9 });
            assert_eq!(told.conn, 9);
            told.boot
        });
        assert_eq!(boots, [1, 2, 2, 4, 5, 5, 6, 7, 8]);
        std::fs::write(folder.0.join("boots.json"), b"{").unwrap();
        assert_eq!(folder.counted_on(store::Connection { boot: 3, conn: 1 }).boot, 3);
    }

    #[test]
    fn no_earlier_time_is_believed_than_what_the_fleet_and_the_certificates_told() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::below(dir.path());
        std::fs::create_dir(&folder.0).unwrap();
        let certificate = |begins: i32| {
            let mut parameters = CertificateParams::default();
            parameters.not_before = rcgen::date_time_ymd(begins, 1, 1);
            parameters.not_after = rcgen::date_time_ymd(begins + 10, 1, 1);
            parameters.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
        };
        // 2101-01-01, 2102-01-01, 2103-01-01.
        let years: [u64; 3] = [4_133_980_800, 4_165_516_800, 4_197_052_800];
        let ca = dir.path().join("ca.pem");
        let now = || folder.clock(&ca).unwrap().now_s();
        std::fs::write(&ca, certificate(2101)).unwrap();
        assert_eq!(now(), years[0]);
        folder.keep_certificate(&certificate(2102), "").unwrap();
        assert_eq!(now(), years[1]);
        folder.note_fleet_time(years[2].cast_signed() * 1000);
        folder.note_fleet_time(0);
        assert_eq!(now(), years[2]);
    }
}
