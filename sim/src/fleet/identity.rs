//! Keys and certificates of the crowd.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::CrowdError;

/// How long ago an expired certificate ended.
const EXPIRED_FOR: Duration = Duration::from_secs(3600);

/// What kiosks of a fleet trust.
pub(crate) fn trust(ca: &Path) -> Result<Arc<RootCertStore>, CrowdError> {
    let certificate = CertificateDer::from_pem_slice(read(ca)?.as_bytes())
        .map_err(|error| CrowdError::Content(format!("{}: {error}", ca.display())))?;
    let mut roots = RootCertStore::empty();
    roots.add(certificate)?;
    Ok(Arc::new(roots))
}

fn read(path: &Path) -> Result<String, CrowdError> {
    fs::read_to_string(path).map_err(|source| CrowdError::Read { path: path.to_owned(), source })
}

/// A kiosk's key.
pub(crate) struct Key(KeyPair);

impl Key {
    pub(crate) fn generate() -> Result<Self, CrowdError> {
        Ok(Self(KeyPair::generate()?))
    }

    /// A request to be signed, PEM.
    pub(crate) fn request(&self) -> Result<String, CrowdError> {
        Ok(CertificateParams::default().serialize_request(&self.0)?.pem()?)
    }

    /// TLS with a certificate in PEM.
    pub(crate) fn config(
        &self,
        pem: &str,
        roots: &Arc<RootCertStore>,
    ) -> Result<Arc<ClientConfig>, CrowdError> {
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes())
            .map_err(|error| CrowdError::Content(format!("the certificate: {error}")))?;
        let secret = PrivateKeyDer::try_from(self.0.serialize_der())
            .map_err(|error| CrowdError::Content(error.to_owned()))?;
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(Arc::clone(roots))
            .with_client_auth_cert(vec![certificate], secret)?;
        Ok(Arc::new(config))
    }
}

/// The fleet's authority for kiosks, borrowed from its folder.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    roots: Arc<RootCertStore>,
}

impl Authority {
    pub(crate) fn load(folder: &Path) -> Result<Self, CrowdError> {
        let key = KeyPair::from_pem(&read(&folder.join("kiosk-ca.key"))?)?;
        let issuer = Issuer::from_ca_cert_pem(&read(&folder.join("kiosk-ca.pem"))?, key)?;
        Ok(Self { issuer, roots: trust(&folder.join("fleet-ca.pem"))? })
    }

    /// What a kiosk of this id shows and trusts.
    pub(crate) fn issue(&self, id: &str) -> Result<Arc<ClientConfig>, CrowdError> {
        self.sign(id, CertificateParams::default())
    }

    /// The same with a certificate whose time is over.
    pub(crate) fn issue_expired(&self, id: &str) -> Result<Arc<ClientConfig>, CrowdError> {
        let mut params = CertificateParams::default();
        params.not_after = (SystemTime::now() - EXPIRED_FOR).into();
        self.sign(id, params)
    }

    fn sign(&self, id: &str, mut params: CertificateParams) -> Result<Arc<ClientConfig>, CrowdError> {
        let key = Key::generate()?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, id);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key.0, &self.issuer)?;
        key.config(&certificate.pem(), &self.roots)
    }
}
