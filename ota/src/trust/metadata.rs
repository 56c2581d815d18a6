//! The four files, as far as they are looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use protocol::text::from_hex;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::TrustError;
use super::canonical::canonical;
use super::key::Key;

/// Who signs what. Also the name of the file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Keys and thresholds of all.
    Root,
    /// Which snapshot is the latest.
    Timestamp,
    /// Which targets belong together.
    Snapshot,
    /// Releases.
    Targets,
}

impl Role {
    /// Most bytes that are read of its file.
    pub(crate) fn limit(self) -> u64 {
        match self {
            Self::Root => 512_000,
            Self::Timestamp => 16_384,
            Self::Snapshot => 2_000_000,
            Self::Targets => 5_000_000,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Root => "root",
            Self::Timestamp => "timestamp",
            Self::Snapshot => "snapshot",
            Self::Targets => "targets",
        })
    }
}

/// Kinds of metadata.
pub(super) trait Signed: DeserializeOwned {
    const ROLE: Role;
}

/// What all of them have.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Common {
    #[serde(rename = "_type")]
    kind: String,
    spec_version: String,
    pub version: u64,
    expires: jiff::Timestamp,
}

impl Common {
    pub(super) fn expires_s(&self) -> i64 {
        self.expires.as_second()
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Root {
    #[serde(default)]
    pub consistent_snapshot: bool,
    keys: BTreeMap<String, Key>,
    roles: BTreeMap<Role, Signers>,
}

#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
struct Signers {
    keyids: Vec<String>,
    threshold: usize,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Timestamp {
    meta: TimestampMeta,
}

#[derive(Clone, Debug, Deserialize)]
struct TimestampMeta {
    #[serde(rename = "snapshot.json")]
    snapshot: Announced,
}

impl Timestamp {
    pub(super) fn snapshot(&self) -> &Announced {
        &self.meta.snapshot
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Snapshot {
    pub meta: BTreeMap<String, Announced>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Targets {
    pub targets: BTreeMap<String, Target>,
}

/// What another file says of a file.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub(super) struct Announced {
    pub version: u64,
    pub length: Option<u64>,
    pub hashes: Option<BTreeMap<String, String>>,
}

/// A file that is believed: its length and hashes.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Target {
    /// In bytes.
    pub length: u64,
    /// By algorithm, in hexadecimal digits.
    pub hashes: BTreeMap<String, String>,
    /// What the release says of itself besides.
    #[serde(default)]
    pub custom: Value,
}

impl Signed for Root {
    const ROLE: Role = Role::Root;
}
impl Signed for Timestamp {
    const ROLE: Role = Role::Timestamp;
}
impl Signed for Snapshot {
    const ROLE: Role = Role::Snapshot;
}
impl Signed for Targets {
    const ROLE: Role = Role::Targets;
}

/// Metadata that was read, and not believed yet.
pub(super) struct Document<T> {
    pub common: Common,
    pub content: T,
    message: Vec<u8>,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    keyid: String,
    sig: String,
}

#[derive(Deserialize)]
struct Envelope {
    signed: Value,
    signatures: Vec<Signature>,
}

impl<T: Signed> Document<T> {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, TrustError> {
        let wrong = |why: String| TrustError::Malformed { role: T::ROLE, why };
        let envelope: Envelope = serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        let message = canonical(&envelope.signed).ok_or_else(|| wrong("a number is not whole".into()))?;
        let common = Common::deserialize(&envelope.signed).map_err(|error| wrong(error.to_string()))?;
        if common.kind != T::ROLE.to_string() {
            return Err(wrong(format!("it says that it is {:?}", common.kind)));
        }
        if !common.spec_version.starts_with("1.") {
            return Err(wrong(format!("version {} of the specification", common.spec_version)));
        }
        if common.version == 0 {
            return Err(wrong("version 0".into()));
        }
        let signers: BTreeSet<_> = envelope.signatures.iter().map(|it| &it.keyid).collect();
        if signers.len() < envelope.signatures.len() {
            return Err(wrong("a key has signed twice".into()));
        }
        let content = T::deserialize(envelope.signed).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { common, content, message, signatures: envelope.signatures })
    }
}

impl Root {
    /// Checks that enough of those who may have signed.
    pub(super) fn verify<T: Signed>(&self, document: &Document<T>) -> Result<(), TrustError> {
        let role = T::ROLE;
        let signers = self.signers(role)?;
        // Each key counts once, under however many names it is listed.
        let mut valid = BTreeSet::new();
        for signature in &document.signatures {
            let key = self.keys.get(&signature.keyid).filter(|_| signers.keyids.contains(&signature.keyid));
            if let (Some(key), Some(bytes)) = (key, from_hex(&signature.sig))
                && key.verifies(&document.message, &bytes)
            {
                valid.insert(key.identity());
            }
        }
        let (valid, threshold) = (valid.len(), signers.threshold);
        if valid >= threshold { Ok(()) } else { Err(TrustError::Signatures { role, valid, threshold }) }
    }

    fn signers(&self, role: Role) -> Result<&Signers, TrustError> {
        let wrong = |why: String| TrustError::Malformed { role: Role::Root, why };
        let signers = self.roles.get(&role).ok_or_else(|| wrong(format!("it has no role {role}")))?;
        if signers.threshold == 0 {
            return Err(wrong(format!("anybody may sign {role}")));
        }
        Ok(signers)
    }

    /// Checks that every role is there.
    pub(super) fn check(&self) -> Result<(), TrustError> {
        let roles = [Role::Root, Role::Timestamp, Role::Snapshot, Role::Targets];
        roles.into_iter().try_for_each(|role| self.signers(role).map(drop))
    }

    /// Whether the same keys may sign for this role, and as many of them are needed.
    pub(super) fn has_same(&self, other: &Self, role: Role) -> bool {
        let keys = |root: &Self| -> Option<(usize, BTreeSet<(String, String)>)> {
            let signers = root.roles.get(&role)?;
            let keys = signers.keyids.iter().filter_map(|id| root.keys.get(id)).map(|key| {
                let (scheme, public) = key.identity();
                (scheme.to_owned(), public.to_owned())
            });
            Some((signers.threshold, keys.collect()))
        };
        keys(self) == keys(other)
    }
}

/// Whether bytes are what was announced of them.
pub(super) fn matches(
    bytes: &[u8],
    length: Option<u64>,
    hashes: Option<&BTreeMap<String, String>>,
) -> Result<(), String> {
    if length.is_some_and(|length| length != bytes.len() as u64) {
        return Err(format!("it has {} bytes", bytes.len()));
    }
    for (algorithm, wanted) in hashes.into_iter().flatten() {
        let algorithm = match algorithm.as_str() {
            "sha256" => &ring::digest::SHA256,
            "sha512" => &ring::digest::SHA512,
            other => return Err(format!("{other} is not known here")),
        };
        let found = ring::digest::digest(algorithm, bytes);
        if from_hex(wanted).as_deref() != Some(found.as_ref()) {
            return Err("its hash differs".to_owned());
        }
    }
    Ok(())
}
