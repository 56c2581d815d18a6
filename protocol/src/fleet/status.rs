//! How a kiosk is: birth, heartbeat and will.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a kiosk is. The will is the same with `on: false`, written at connect, so its counters tell which
/// connection died: one with older counters than a stored birth says nothing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Status")]
pub struct Status {
    /// Connected.
    pub on: bool,
    /// How often the daemon has started on this store.
    pub boot: u32,
    /// How often this boot has connected, from 1.
    pub conn: u32,
    /// Version of the daemon.
    #[serde(default)]
    pub ver: String,
    /// Seconds since the daemon started.
    #[serde(default)]
    pub up: u64,
    /// Clock of the kiosk, ms since 1970.
    #[serde(default)]
    pub t: i64,
    /// Whether it sells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sell: Option<Selling>,
    /// Events not acknowledged yet.
    #[serde(default)]
    pub pend: u64,
    /// Revision of the active catalog; 0: none.
    #[serde(default)]
    pub cat: u64,
    /// What is wrong, in short codes such as `printer.paper_out`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
}

/// Whether a kiosk sells.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Selling {
    /// It sells.
    Open,
    /// Closed on purpose.
    Closed,
    /// Out of service.
    OutOfService,
}

impl Status {
    /// Whether this says something newer than `other` about the connection.
    pub fn is_newer_than(&self, boot: u32, conn: u32) -> bool {
        (self.boot, self.conn) >= (boot, conn)
    }
}
