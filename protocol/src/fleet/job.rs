//! Something a kiosk is told to do once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::Id;

/// Something to do once, by its id, before it expires.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Job")]
pub struct Job {
    /// UUID.
    pub job: Id,
    /// What.
    #[serde(flatten)]
    pub kind: JobKind,
    /// Not to be begun after this, ms since 1970. The kiosk checks it itself.
    pub exp: i64,
    /// Waits until no customer is at the kiosk.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub idle: bool,
}

/// What to do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", content = "args", rename_all = "snake_case")]
pub enum JobKind {
    /// Start the machine anew.
    Reboot {},
    /// Send the log.
    Logs {
        /// Lines, from the newest back.
        #[serde(default)]
        lines: u32,
    },
    /// Send a picture of the screen.
    Screenshot {},
    /// Send the answers of all checks.
    Diagnostics {},
    /// Fetch the catalog that is meant for this kiosk, even if it is the active one.
    CatalogRefresh {},
    /// Read the settings anew.
    Config {},
    /// Sell, or stop selling.
    Selling {
        /// Which.
        to: OpenOrClose,
    },
}

impl JobKind {
    /// Its name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Reboot {} => "reboot",
            Self::Logs { .. } => "logs",
            Self::Screenshot {} => "screenshot",
            Self::Diagnostics {} => "diagnostics",
            Self::CatalogRefresh {} => "catalog_refresh",
            Self::Config {} => "config",
            Self::Selling { .. } => "selling",
        }
    }
}

/// Sell, or not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OpenOrClose {
    /// Sell.
    Open,
    /// Stop selling.
    Close,
}

/// How far a kiosk is with a job.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "JobProgress")]
pub struct JobProgress {
    /// The job.
    pub job: Id,
    /// How far.
    pub s: JobState,
    /// Percent, while running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pct: Option<u8>,
    /// Why it failed or what it found, in English.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// Where its result was uploaded, a path at the fleet's HTTPS address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
}

/// How far a kiosk is with a job. `queued` and `sent` are known only to the fleet.
///
/// ```text
/// queued → sent → accepted → running → done | failed
///    └──────┴────────┴──────────────────────► expired
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Written down by the kiosk, not begun.
    Accepted,
    /// Begun.
    Running,
    /// Done.
    Done,
    /// Not done, and will not be tried again.
    Failed,
    /// Its time was over before it was begun.
    Expired,
}
