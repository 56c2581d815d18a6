//! Certificates for the crowd, signed as the fleet signs its kiosks.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

/// A certificate cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file of the authority cannot be read.
    #[error("cannot read {}: is this the folder of a fleet's authorities?", path.display())]
    Read {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It holds something else.
    #[error("{0}")]
    Content(String),
    /// The certificate library refused.
    #[error("cannot sign a certificate")]
    Sign(#[from] rcgen::Error),
    /// The TLS library refused.
    #[error("cannot use a certificate")]
    Tls(#[from] rustls::Error),
}

/// The fleet's authority for kiosks, borrowed from its folder.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    roots: Arc<RootCertStore>,
}

impl Authority {
    pub(crate) fn load(folder: &Path) -> Result<Self, IdentityError> {
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read_to_string(&path).map_err(|source| IdentityError::Read { path, source })
        };
        let key = KeyPair::from_pem(&read("kiosk-ca.key")?)?;
        let issuer = Issuer::from_ca_cert_pem(&read("kiosk-ca.pem")?, key)?;
        let fleet = CertificateDer::from_pem_slice(read("fleet-ca.pem")?.as_bytes())
            .map_err(|error| IdentityError::Content(format!("fleet-ca.pem: {error}")))?;
        let mut roots = RootCertStore::empty();
        roots.add(fleet)?;
        Ok(Self { issuer, roots: Arc::new(roots) })
    }

    /// What a kiosk of this id shows and trusts.
    pub(crate) fn issue(&self, id: &str) -> Result<Arc<ClientConfig>, IdentityError> {
        let key = KeyPair::generate()?;
        let mut subject = DistinguishedName::new();
        subject.push(DnType::CommonName, id);
        let mut params = CertificateParams::default();
        params.distinguished_name = subject;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.issuer)?;
        let secret = PrivateKeyDer::try_from(key.serialize_der())
            .map_err(|error| IdentityError::Content(error.to_owned()))?;
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(Arc::clone(&self.roots))
            .with_client_auth_cert(vec![certificate.der().clone()], secret)?;
        Ok(Arc::new(config))
    }
}
