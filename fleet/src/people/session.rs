//! Sessions of people: JWTs (RFC 7519) that all replicas sign with one ES256 key (RFC 7518 §3.4). Written on
//! `ring`, because the usual crate no longer offers it.
//!
//! Only what [`Sessions::begin`] makes is believed: exactly its header, so that no `alg`, `kid` or `crit` of
//! the sender's choice is ever looked at.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use protocol::text::hex;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};

use crate::access::{AccessError, digest};
use crate::pki::files::{Access, replace};

/// Seconds that a session lasts: a working day.
pub(crate) const SECONDS: i64 = 12 * 3600;

/// Seconds that replicas' clocks may differ.
const LEEWAY: i64 = 30;

/// Who signs, and for whom.
const ISSUER: &str = "kioskd-fleet";

/// Longest token that is looked at.
const LONGEST: usize = 2000;

/// The key in the folder of the authorities.
const KEY: &str = "sessions.key";

/// What a token says. Whether the person still is who they were, the database says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Claims {
    iss: String,
    aud: String,
    /// The person.
    pub sub: uuid::Uuid,
    /// Epoch of their sessions.
    pub epoch: i64,
    iat: i64,
    nbf: i64,
    /// Until when, seconds since 1970.
    pub exp: i64,
}

/// The key of sessions.
pub(crate) struct Sessions {
    key: EcdsaKeyPair,
    random: SystemRandom,
    /// The header of every token, encoded.
    header: String,
}

impl Sessions {
    /// Reads the key; makes it if there is none. Replicas that start together agree on the first one.
    ///
    /// # Errors
    /// The folder cannot be written, or what is there is no key.
    pub(crate) fn load_or_create(authorities: &Path) -> Result<Self, AccessError> {
        let path = authorities.join(KEY);
        let failed = |source| AccessError::File { path: path.clone(), source };
        if !path.exists() {
            let made = rcgen::KeyPair::generate().map_err(|_| AccessError::Random)?;
            replace(&path, made.serialize_pem().as_bytes(), Access::Owner).map_err(failed)?;
        }
        let pem = std::fs::read(&path).map_err(failed)?;
        Self::from_pem(&pem).ok_or_else(|| failed(std::io::Error::other("this is no P-256 key")))
    }

    fn from_pem(pem: &[u8]) -> Option<Self> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem).ok()?;
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.secret_pkcs8_der(), &random)
            .ok()?;
        let kid = hex(&digest(&hex(key.public_key().as_ref())));
        let header = encode(&serde_json::json!({ "alg": "ES256", "typ": "JWT", "kid": kid }))?;
        Some(Self { key, random, header })
    }

    /// A token for a person, good from `now` (seconds since 1970) for [`SECONDS`].
    pub(crate) fn begin(
        &self,
        person: uuid::Uuid,
        epoch: i64,
        now: i64,
    ) -> Result<(String, i64), AccessError> {
        let exp = now + SECONDS;
        let claims =
            Claims { iss: ISSUER.into(), aud: ISSUER.into(), sub: person, epoch, iat: now, nbf: now, exp };
        let payload = encode(&claims).ok_or(AccessError::Random)?;
        let signed = format!("{}.{payload}", self.header);
        let signature = self.key.sign(&self.random, signed.as_bytes()).map_err(|_| AccessError::Random)?;
        Ok((format!("{signed}.{}", BASE64URL.encode(signature)), exp))
    }

    /// What a token says, if we signed it and it is good now.
    pub(crate) fn read(&self, token: &str, now: i64) -> Option<Claims> {
        if token.len() > LONGEST {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        if header != self.header {
            return None;
        }
        let signature = BASE64URL.decode(signature).ok()?;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.key.public_key())
            .verify(signed.as_bytes(), &signature)
            .ok()?;
        let claims: Claims = serde_json::from_slice(&BASE64URL.decode(payload).ok()?).ok()?;
        let good = claims.iss == ISSUER
            && claims.aud == ISSUER
            && now < claims.exp + LEEWAY
            && now >= claims.nbf - LEEWAY;
        good.then_some(claims)
    }
}

fn encode(value: &impl Serialize) -> Option<String> {
    serde_json::to_vec(value).ok().map(|json| BASE64URL.encode(json))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn sessions() -> Sessions {
        Sessions::from_pem(rcgen::KeyPair::generate().unwrap().serialize_pem().as_bytes()).unwrap()
    }

    fn begun(sessions: &Sessions) -> (uuid::Uuid, String) {
        let person = uuid::Uuid::now_v7();
        (person, sessions.begin(person, 3, NOW).unwrap().0)
    }

    #[test]
    fn a_session_is_good_for_its_time_and_for_its_own_key_only() {
        let ours = sessions();
        let (person, token) = begun(&ours);
        let claims = ours.read(&token, NOW + SECONDS - 1).unwrap();
        assert_eq!((claims.sub, claims.epoch), (person, 3));
        assert_eq!(ours.read(&token, NOW + SECONDS + LEEWAY), None, "over");
        assert_eq!(ours.read(&token, NOW - LEEWAY - 1), None, "a clock that was put back");
        assert_eq!(sessions().read(&token, NOW), None, "another key");
    }

    /// A token with another header, signed with a key of the attacker's or not at all.
    fn forged(header: &serde_json::Value, token: &str, signature: &[u8]) -> String {
        let payload = token.split('.').nth(1).unwrap();
        format!("{}.{payload}.{}", encode(header).unwrap(), BASE64URL.encode(signature))
    }

    #[test]
    fn what_is_signed_otherwise_is_nobodys() {
        let ours = sessions();
        let (_, token) = begun(&ours);
        let public = ours.key.public_key().as_ref().to_vec();
        let none = forged(&serde_json::json!({ "alg": "none" }), &token, b"");
        let hs256 = {
            let header = encode(&serde_json::json!({ "alg": "HS256", "typ": "JWT" })).unwrap();
            let signed = format!("{header}.{}", token.split('.').nth(1).unwrap());
            let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &public);
            format!("{signed}.{}", BASE64URL.encode(ring::hmac::sign(&key, signed.as_bytes())))
        };
        let (signed, _) = token.rsplit_once('.').unwrap();
        let zero = format!("{signed}.{}", BASE64URL.encode([0; 64]));
        let der = {
            use ring::signature::ECDSA_P256_SHA256_ASN1_SIGNING;
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new());
            let other = EcdsaKeyPair::from_pkcs8(
                &ECDSA_P256_SHA256_ASN1_SIGNING,
                pkcs8.unwrap().as_ref(),
                &SystemRandom::new(),
            );
            let signature = other.unwrap().sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
            format!("{signed}.{}", BASE64URL.encode(signature))
        };
        for bad in [
            none,
            hs256,
            zero,
            der,
            signed.to_owned(),
            format!("{token}."),
            format!("{token}A"),
            String::new(),
        ] {
            assert_eq!(ours.read(&bad, NOW), None, "{bad}");
        }
    }

    /// The example of RFC 7515 A.3: key, signed text and signature by others.
    #[test]
    fn the_signature_is_the_one_of_the_standard() {
        let x = BASE64URL.decode("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU").unwrap();
        let y = BASE64URL.decode("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0").unwrap();
        let public: Vec<u8> = [&[4], &x[..], &y[..]].concat();
        let signed = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = BASE64URL
            .decode("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")
            .unwrap();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public)
            .verify(signed.as_bytes(), &signature)
            .unwrap();
    }
}
