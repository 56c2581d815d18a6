//! A kiosk's signing request (PKCS #10), checked. Only its public key is taken over: name and extensions of
//! a certificate are the authority's to write, so what a request says about them is not even looked at.

use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::der_parser::asn1_rs::{Oid, Tag};
use x509_parser::oid_registry::{OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_SIG_ECDSA_WITH_SHA256};
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

/// Longest request in bytes. With a P-256 key it has about 500; the room is for subjects and extensions that
/// tools add by themselves.
pub const REQUEST_MAX: usize = 8 * 1024;

/// Why a request is refused. Shown to whoever enrols the kiosk.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RequestError {
    /// Longer than [`REQUEST_MAX`].
    #[error("the request has {0} bytes, {REQUEST_MAX} are allowed")]
    TooLong(usize),
    /// No text block `CERTIFICATE REQUEST`.
    #[error("this is no PEM certificate request")]
    NotPem,
    /// The block holds something else.
    #[error("the certificate request cannot be read")]
    Malformed,
    /// Another kind of key.
    #[error("the key is {0}; only ECDSA P-256 is accepted")]
    Key(String),
    /// Another signature algorithm.
    #[error("the request is not signed with ECDSA and SHA-256")]
    Algorithm,
    /// The sender does not hold the key, or the request was changed on its way.
    #[error("the signature of the request is wrong")]
    Signature,
}

/// A request whose sender holds the private key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckedRequest {
    pub(super) public_key: rcgen::SubjectPublicKeyInfo,
    pub(super) key_id: String,
}

impl CheckedRequest {
    /// SHA-256 of the public key (`SubjectPublicKeyInfo`, DER) in hexadecimal: the same key, the same id.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }
}

/// Checks a request in PEM.
///
/// # Errors
/// It is too long, no request, has another key than P-256, or is not signed by that key.
pub fn check_request(pem: &str) -> Result<CheckedRequest, RequestError> {
    if pem.len() > REQUEST_MAX {
        return Err(RequestError::TooLong(pem.len()));
    }
    let (_, block) = parse_x509_pem(pem.as_bytes()).map_err(|_| RequestError::NotPem)?;
    // Old tools write NEW in front.
    if !["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"].contains(&block.label.as_str()) {
        return Err(RequestError::NotPem);
    }
    check_der(&block.contents)
}

fn check_der(der: &[u8]) -> Result<CheckedRequest, RequestError> {
    let (rest, request) = X509CertificationRequest::from_der(der).map_err(|_| RequestError::Malformed)?;
    if !rest.is_empty() {
        return Err(RequestError::Malformed);
    }
    let key = &request.certification_request_info.subject_pki;
    if !is_p256(key) {
        return Err(RequestError::Key(describe(&key.algorithm)));
    }
    if request.signature_algorithm.algorithm != OID_SIG_ECDSA_WITH_SHA256 {
        return Err(RequestError::Algorithm);
    }
    request.verify_signature().map_err(|_| RequestError::Signature)?;
    let public_key = rcgen::SubjectPublicKeyInfo::from_der(key.raw).map_err(|_| RequestError::Malformed)?;
    Ok(CheckedRequest { public_key, key_id: key_id(key.raw) })
}

fn is_p256(key: &SubjectPublicKeyInfo<'_>) -> bool {
    key.algorithm.algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY
        && curve(&key.algorithm).is_some_and(|c| c == OID_EC_P256)
}

fn curve<'a>(algorithm: &AlgorithmIdentifier<'a>) -> Option<Oid<'a>> {
    let parameters = algorithm.parameters.clone()?;
    // The reader takes any bytes for an object identifier, whatever their tag.
    (parameters.tag() == Tag::Oid).then(|| parameters.oid().ok())?
}

fn describe(algorithm: &AlgorithmIdentifier<'_>) -> String {
    let registry = x509_parser::oid_registry::OidRegistry::default().with_all_crypto();
    let name =
        |oid: &Oid<'_>| registry.get(oid).map_or_else(|| oid.to_id_string(), |entry| entry.sn().to_owned());
    match curve(algorithm) {
        Some(curve) => format!("{} {}", name(&algorithm.algorithm), name(&curve)),
        None => name(&algorithm.algorithm),
    }
}

pub(super) fn key_id(subject_public_key_info: &[u8]) -> String {
    protocol::text::hex(ring::digest::digest(&ring::digest::SHA256, subject_public_key_info).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some tags are not signed, and the reader is lenient about them; the key is what counts.
    #[test]
    fn no_flipped_bit_brings_another_key_and_no_cut_gets_through() {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let request = rcgen::CertificateParams::default().serialize_request(&key).unwrap();
        let der = request.der().to_vec();
        let good = check_der(&der).unwrap();
        for byte in 0..der.len() {
            assert!(check_der(&der[..byte]).is_err(), "cut at {byte}");
            for bit in 0..8 {
                let mut changed = der.clone();
                changed[byte] ^= 1 << bit;
                let taken = check_der(&changed).is_ok_and(|checked| checked != good);
                assert!(!taken, "bit {bit} of byte {byte}");
            }
        }
    }
}
