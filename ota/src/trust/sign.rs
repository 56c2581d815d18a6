//! The other side: makes and signs metadata.

use protocol::text::{from_hex, hex};
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde_json::{Value, json};

use super::canonical::canonical;
use super::metadata::Role;

/// A private key that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It is none.
    #[error("this is no private Ed25519 key in PEM (PKCS#8)")]
    NotAKey,
    /// The system has no randomness.
    #[error("the system gives no random numbers")]
    NoRandomness,
}

/// A private key. It is never printed.
pub struct SecretKey(Ed25519KeyPair);

impl SecretKey {
    /// Makes a new key. Returns it in PEM, to be stored where nobody else reads it.
    ///
    /// # Errors
    /// The system has no randomness.
    pub fn generate() -> Result<String, KeyError> {
        let document =
            Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| KeyError::NoRandomness)?;
        Ok(pem::encode(&pem::Pem::new("PRIVATE KEY", document.as_ref())))
    }

    /// Reads a key in PEM: ours, or one that OpenSSL made.
    ///
    /// # Errors
    /// It is none.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let pem = pem::parse(text).map_err(|_| KeyError::NotAKey)?;
        let pair =
            Ed25519KeyPair::from_pkcs8_maybe_unchecked(pem.contents()).map_err(|_| KeyError::NotAKey)?;
        Ok(Self(pair))
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(hex(self.0.public_key().as_ref()))
    }

    /// The signature of a document, as it stands beside it.
    ///
    /// # Panics
    /// Never for a document that was made here: all its numbers are whole.
    pub fn sign(&self, signed: &Value) -> Value {
        self.sign_message(&canonical(signed).expect("all numbers are whole"))
    }

    pub(crate) fn sign_message(&self, message: &[u8]) -> Value {
        json!({"keyid": self.public().id(), "sig": hex(self.0.sign(message).as_ref())})
    }
}

/// A public key: 64 hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct PublicKey(String);

impl PublicKey {
    /// Reads 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        from_hex(&text).filter(|bytes| bytes.len() == 32).map(|_| Self(text))
    }

    /// As the root lists it.
    pub fn listed(&self) -> Value {
        json!({"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": self.0}})
    }

    /// What it is called in the metadata: the hash of how it is listed.
    pub fn id(&self) -> String {
        hex(&crate::sha256(&canonical(&self.listed()).expect("there is no number")))
    }

    /// Whether these digits are its signature of this message.
    pub(crate) fn verifies(&self, message: &[u8], signature: &str) -> bool {
        let (Some(key), Some(signature)) = (from_hex(&self.0), from_hex(signature)) else { return false };
        UnparsedPublicKey::new(&ED25519, key).verify(message, &signature).is_ok()
    }

    /// Its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who may sign for a role, and how many of them have to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signers {
    /// Their keys.
    pub keys: Vec<PublicKey>,
    /// So many of them.
    pub threshold: usize,
}

/// A root: whose keys count.
pub fn root(version: u64, expires: &str, signers: &[(Role, Signers)]) -> Value {
    let keys: serde_json::Map<String, Value> =
        signers.iter().flat_map(|(_, it)| &it.keys).map(|key| (key.id(), key.listed())).collect();
    let roles: serde_json::Map<String, Value> = signers
        .iter()
        .map(|(role, it)| {
            let ids: Vec<String> = it.keys.iter().map(PublicKey::id).collect();
            (role.to_string(), json!({"keyids": ids, "threshold": it.threshold}))
        })
        .collect();
    let mut document = document(Role::Root, version, expires);
    document["consistent_snapshot"] = json!(true);
    document["keys"] = keys.into();
    document["roles"] = roles.into();
    document
}

/// What all metadata has.
pub fn document(role: Role, version: u64, expires: &str) -> Value {
    json!({"_type": role.to_string(), "spec_version": "1.0.34", "version": version, "expires": expires})
}
