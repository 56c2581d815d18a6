//! Public keys, of the kinds that releases and the conformance suite are signed with.

use protocol::text::from_hex;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey,
    VerificationAlgorithm,
};
use serde::Deserialize;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::SubjectPublicKeyInfo;

/// As the root has it.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub(super) struct Key {
    keytype: String,
    scheme: String,
    keyval: Value,
}

#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
struct Value {
    public: String,
}

impl Key {
    /// What makes it this key, whatever it is called.
    pub(super) fn identity(&self) -> (&str, &str) {
        (&self.scheme, self.keyval.public.trim())
    }

    /// Whether this is its signature. A key of a kind that is not known here has none.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let algorithm: &dyn VerificationAlgorithm = match (self.keytype.as_str(), self.scheme.as_str()) {
            ("ed25519", "ed25519") => &ED25519,
            ("ecdsa" | "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256") => &ECDSA_P256_SHA256_ASN1,
            ("rsa", "rsassa-pss-sha256") => &RSA_PSS_2048_8192_SHA256,
            ("rsa", "rsa-pkcs1v15-sha256") => &RSA_PKCS1_2048_8192_SHA256,
            _ => return false,
        };
        let bytes = if self.keytype == "ed25519" { from_hex(&self.keyval.public) } else { self.pem() };
        bytes.is_some_and(|bytes| UnparsedPublicKey::new(algorithm, bytes).verify(message, signature).is_ok())
    }

    fn pem(&self) -> Option<Vec<u8>> {
        let pem = pem::parse(&self.keyval.public).ok()?;
        let (_, info) = SubjectPublicKeyInfo::from_der(pem.contents()).ok()?;
        Some(info.subject_public_key.data.into_owned())
    }
}
