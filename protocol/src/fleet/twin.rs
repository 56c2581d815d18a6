//! How a kiosk should be and how it is: two documents with revisions of their own.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::text::Hex32;

/// Largest twin document, encoded.
pub const TWIN_BYTES_MAX: usize = 64 * 1024;

/// Settings by their key, for example `ui.language`.
pub type Desired = BTreeMap<String, Value>;

/// What the kiosk has applied, by key.
pub type Reported = BTreeMap<String, Value>;

/// How a kiosk should be; retained. Applied only if `rev` is greater than the one applied last.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "DesiredTwin")]
pub struct DesiredTwin {
    /// Revision.
    pub rev: u64,
    /// Settings by key.
    pub desired: Desired,
    /// Documents to fetch.
    #[serde(default)]
    pub docs: Documents,
}

/// Documents meant for a kiosk.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Documents {
    /// The catalog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog: Option<DocumentRef>,
}

/// Where a document is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DocumentRef {
    /// Revision; a lower one than the active is refused.
    pub rev: u64,
    /// SHA-256 of its bytes.
    pub sha256: Hex32,
    /// Bytes.
    pub size: u64,
    /// Path at the fleet's HTTPS address.
    pub url: String,
}

/// How a kiosk is; retained.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "ReportedTwin")]
pub struct ReportedTwin {
    /// Revision of the desired twin applied last; 0: none yet.
    pub rev: u64,
    /// What is in force, by key.
    pub reported: Reported,
    /// What could not be applied and why, by key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub errors: BTreeMap<String, String>,
}
