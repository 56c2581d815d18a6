//! The two authorities and what each may sign. They are two types, so that the compiler knows, too.

use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, SystemTime};

use protocol::text::hex;
use protocol::topic::{FLEET_USER, KioskId};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType,
};
use x509_parser::prelude::FromDer as _;

use super::request::{CheckedRequest, key_id};
use super::{BACKDATED, PkiError, Role, Serial, representable};

/// How long every certificate but the authorities' own is good for: one year, renewed at two thirds of it.
pub const LEAF_LIFE: Duration = Duration::from_secs(365 * 24 * 3600);

/// Life of an authority: ten years. Kiosks pin it, so a new one means a visit or a renewal of all.
const AUTHORITY_LIFE: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// Signs kiosks and lists the revoked ones. It cannot sign anything that a server or `fleetd` could use.
#[derive(Debug)]
pub struct KioskAuthority(Authority);

/// Signs the fleet's own servers and `fleetd`. It cannot sign kiosks.
#[derive(Debug)]
pub struct FleetAuthority(Authority);

/// A kiosk's new certificate. Serial number and key id belong in the registry: the first to revoke it, the
/// second to notice a key that is used twice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KioskCertificate {
    /// The certificate, PEM. Not secret.
    pub pem: String,
    /// What a revocation list names it by.
    pub serial: Serial,
    /// When it ends.
    pub not_after: SystemTime,
    /// [`CheckedRequest::key_id`] of its key.
    pub key_id: String,
}

/// A certificate of the fleet's own with its private key.
pub struct Identity {
    /// The certificate, PEM.
    pub certificate_pem: String,
    /// The private key, PEM (PKCS #8). Secret.
    pub key_pem: String,
    /// When it ends.
    pub not_after: SystemTime,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("not_after", &self.not_after).finish_non_exhaustive()
    }
}

impl KioskAuthority {
    /// A new authority, ten years good from `now` on.
    ///
    /// # Errors
    /// `now` is a time that certificates cannot state.
    pub fn create(now: SystemTime) -> Result<Self, PkiError> {
        Authority::create(Role::Kiosk, now).map(Self)
    }

    /// Signs a kiosk's checked request: CN = its id, for client authentication only, one year.
    ///
    /// # Errors
    /// The authority itself has expired.
    pub fn sign(
        &self,
        kiosk: &KioskId,
        request: &CheckedRequest,
        now: SystemTime,
    ) -> Result<KioskCertificate, PkiError> {
        let leaf = self.0.leaf(kiosk.as_str(), ExtendedKeyUsagePurpose::ClientAuth, now)?;
        let certificate = leaf.params.signed_by(&request.public_key, &self.0.issuer)?;
        Ok(KioskCertificate {
            pem: certificate.pem(),
            serial: leaf.serial,
            not_after: leaf.not_after,
            key_id: request.key_id.clone(),
        })
    }

    /// The authority's certificate, PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.0.certificate_pem
    }

    pub(super) fn issuer(&self) -> &Issuer<'static, KeyPair> {
        &self.0.issuer
    }

    pub(super) fn der(&self) -> &[u8] {
        &self.0.der
    }

    pub(super) fn key_pem(&self) -> String {
        self.0.issuer.key().serialize_pem()
    }

    pub(super) fn restore(certificate_pem: String, key_pem: &str, path: &Path) -> Result<Self, PkiError> {
        Authority::restore(Role::Kiosk, certificate_pem, key_pem, path).map(Self)
    }
}

impl FleetAuthority {
    /// A new authority, ten years good from `now` on.
    ///
    /// # Errors
    /// `now` is a time that certificates cannot state.
    pub fn create(now: SystemTime) -> Result<Self, PkiError> {
        Authority::create(Role::Fleet, now).map(Self)
    }

    /// A key and a certificate for a server that is reached under `names` (DNS names and IP addresses).
    ///
    /// # Errors
    /// No name, a name that is neither, or the authority itself has expired.
    pub fn issue_server(&self, names: &[String], now: SystemTime) -> Result<Identity, PkiError> {
        let first = names.first().ok_or_else(|| PkiError::ServerName(String::new()))?;
        let alternatives = names.iter().map(|name| alternative(name)).collect::<Result<_, _>>()?;
        // A common name has at most 64 characters; only the alternatives count, this one is for people.
        let shown: String = first.chars().take(64).collect();
        let mut leaf = self.0.leaf(&shown, ExtendedKeyUsagePurpose::ServerAuth, now)?;
        leaf.params.subject_alt_names = alternatives;
        // A machine that was never enrolled and has no clock knows only that its authority's certificate has begun.
        leaf.params.not_before = self.0.not_before.into();
        self.identity(leaf)
    }

    /// A key and the client certificate of `fleetd` itself, CN [`FLEET_USER`].
    ///
    /// # Errors
    /// The authority itself has expired.
    pub fn issue_fleetd(&self, now: SystemTime) -> Result<Identity, PkiError> {
        self.identity(self.0.leaf(FLEET_USER, ExtendedKeyUsagePurpose::ClientAuth, now)?)
    }

    /// The name of the workers' shared subscription: all replicas know it, and only those who have this key.
    pub fn share_group(&self) -> String {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, self.0.issuer.key().serialized_der());
        hex(ring::hmac::sign(&key, b"ingest share group").as_ref())
    }

    /// The authority's certificate, PEM: what kiosks pin.
    pub fn certificate_pem(&self) -> &str {
        &self.0.certificate_pem
    }

    fn identity(&self, leaf: Leaf) -> Result<Identity, PkiError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = leaf.params.signed_by(&key, &self.0.issuer)?;
        Ok(Identity {
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            not_after: leaf.not_after,
        })
    }

    pub(super) fn key_pem(&self) -> String {
        self.0.issuer.key().serialize_pem()
    }

    pub(super) fn restore(certificate_pem: String, key_pem: &str, path: &Path) -> Result<Self, PkiError> {
        Authority::restore(Role::Fleet, certificate_pem, key_pem, path).map(Self)
    }
}

#[derive(Debug)]
struct Authority {
    role: Role,
    issuer: Issuer<'static, KeyPair>,
    certificate_pem: String,
    der: Vec<u8>,
    not_before: SystemTime,
    not_after: SystemTime,
}

/// A certificate about to be signed.
struct Leaf {
    params: CertificateParams,
    serial: Serial,
    not_after: SystemTime,
}

impl Authority {
    fn create(role: Role, now: SystemTime) -> Result<Self, PkiError> {
        let now = representable(now)?;
        let not_after = representable(now + AUTHORITY_LIFE)?;
        let serial = Serial::random()?;
        let mut params = CertificateParams::default();
        // The serial number in the name keeps two generations of an authority apart in trust stores.
        params.distinguished_name =
            subject(&format!("{} {}", role.stem(), serial.to_string().get(..8).unwrap_or_default()));
        params.serial_number = Some(serial.to_rcgen());
        let not_before = now - BACKDATED;
        params.not_before = not_before.into();
        params.not_after = not_after.into();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.self_signed(&key)?;
        Ok(Self {
            role,
            certificate_pem: certificate.pem(),
            der: certificate.der().to_vec(),
            issuer: Issuer::new(params, key),
            not_before,
            not_after,
        })
    }

    fn restore(role: Role, certificate_pem: String, key_pem: &str, path: &Path) -> Result<Self, PkiError> {
        let content = |expected| PkiError::Content { path: path.to_owned(), expected };
        let key = KeyPair::from_pkcs8_pem_and_sign_algo(key_pem, &PKCS_ECDSA_P256_SHA256)
            .map_err(|_| content("P-256 key beside its certificate"))?;
        let (_, block) = x509_parser::pem::parse_x509_pem(certificate_pem.as_bytes())
            .map_err(|_| content("certificate in PEM"))?;
        let (_, certificate) = x509_parser::certificate::X509Certificate::from_der(&block.contents)
            .map_err(|_| content("certificate"))?;
        if !certificate.is_ca() || !named_after(&certificate, role) {
            return Err(content(match role {
                Role::Kiosk => "certificate of the kiosks' authority",
                Role::Fleet => "certificate of the fleet's authority",
            }));
        }
        if key_id(certificate.public_key().raw)
            != key_id(&rcgen::PublicKeyData::subject_public_key_info(&key))
        {
            return Err(PkiError::NotAPair(path.to_owned()));
        }
        let time = |asn1: x509_parser::time::ASN1Time| {
            let seconds =
                u64::try_from(asn1.timestamp()).map_err(|_| content("certificate with sensible dates"))?;
            Ok::<_, PkiError>(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        };
        let (not_before, not_after) =
            (time(certificate.validity().not_before)?, time(certificate.validity().not_after)?);
        let der = block.contents.clone();
        let issuer = Issuer::from_ca_cert_der(&der.as_slice().into(), key)?;
        Ok(Self { role, issuer, certificate_pem, der, not_before, not_after })
    }

    fn leaf(&self, name: &str, purpose: ExtendedKeyUsagePurpose, now: SystemTime) -> Result<Leaf, PkiError> {
        let now = representable(now)?;
        if now >= self.not_after {
            return Err(PkiError::AuthorityExpired(self.role));
        }
        // What outlives its authority is worth nothing, but would look good in a list.
        let not_after = representable(now + LEAF_LIFE)?.min(self.not_after);
        let serial = Serial::random()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = subject(name);
        params.serial_number = Some(serial.to_rcgen());
        params.not_before = (now - BACKDATED).into();
        params.not_after = not_after.into();
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![purpose];
        params.use_authority_key_identifier_extension = true;
        Ok(Leaf { params, serial, not_after })
    }
}

fn subject(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

fn named_after(certificate: &x509_parser::certificate::X509Certificate<'_>, role: Role) -> bool {
    certificate
        .subject()
        .iter_common_name()
        .filter_map(|name| name.as_str().ok())
        .any(|name| name.starts_with(role.stem()))
}

fn alternative(name: &str) -> Result<SanType, PkiError> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(address));
    }
    let refused = || PkiError::ServerName(name.to_owned());
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    if name.len() > 253 || !name.split('.').all(label) {
        return Err(refused());
    }
    name.try_into().map(SanType::DnsName).map_err(|_| refused())
}
