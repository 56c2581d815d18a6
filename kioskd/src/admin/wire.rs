//! What is said over the socket.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A question or a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cmd", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// How the kiosk is.
    Status,
    /// How the devices are.
    Devices,
    /// Orders, the newest first.
    Orders {
        /// At most so many.
        limit: u32,
    },
    /// One order with its payments and receipts.
    Order {
        /// Its number (`K3-042`, the newest of that name) or its id.
        order: String,
    },
    /// The receipt of an order, to be rendered.
    Receipt {
        /// As in `Order`.
        order: String,
    },
    /// Make this catalog the active one.
    CatalogImport {
        /// The JSON document.
        document: String,
    },
    /// The active catalog's document.
    CatalogShow,
    /// What a self-check finds inside the daemon.
    Check,
    /// A new address to open in a browser.
    Mirror,
    /// Decide an unclear payment.
    Resolve {
        /// The payment's id.
        payment: String,
        /// What the terminal's journal says.
        verdict: Verdict,
    },
    /// The staff took the money of an order at the counter.
    PaidAtCounter {
        /// As in `Order`.
        order: String,
    },
    /// Give the money of an order back.
    Reverse {
        /// As in `Order`.
        order: String,
    },
    /// Print an order's receipt again.
    Reprint {
        /// As in `Order`.
        order: String,
    },
    /// Give an order up that nobody has paid.
    CancelOrder {
        /// As in `Order`.
        order: String,
    },
    /// A task was done.
    TaskDone {
        /// Its id, from `Status`.
        task: String,
    },
    /// Close the payment terminal's day.
    EndOfDay,
    /// What came of it. Answered as `EndOfDay` is: with the totals, or that the terminal is still at it.
    DayEnd {
        /// As `EndOfDay` told it: how many days had ended before.
        after: u64,
    },
    /// Open the cash drawer.
    OpenDrawer {
        /// Why, for the log.
        reason: String,
    },
    /// Stop selling.
    Close,
    /// Sell again.
    Open,
    /// Sold out, or to be had again.
    SoldOut {
        /// The item.
        item: String,
        /// Which.
        sold_out: bool,
    },
    /// Become a member of the fleet.
    Enroll {
        /// The one-time code.
        code: String,
    },
    /// How updates are.
    Updates,
    /// Install a release that was brought to the kiosk.
    UpdatesInstall {
        /// Where it is, from the root of the file system: the folder of a signed release, or a `.raucb`.
        path: PathBuf,
        /// Which one; without it the newest that is there.
        release: Option<u64>,
    },
    /// Stop updates up to the restart, until `UpdatesResume`.
    UpdatesHalt,
    /// Go on with updates.
    UpdatesResume,
    /// Delete everything but the system itself, and restart.
    FactoryReset {
        /// Also what was sold and is not at the fleet yet.
        losing_unsent: bool,
    },
    /// The last inputs.
    Dump,
}

/// What the terminal's journal says of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Money was taken.
    Taken,
    /// No money was taken.
    NotTaken,
    /// It was taken and given back.
    GivenBack,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// It worked.
    Ok {
        /// What was asked for.
        ok: Value,
    },
    /// It did not.
    Error {
        /// Why, for a person.
        error: String,
    },
}

impl Answer {
    /// It worked.
    pub fn ok(value: impl Into<Value>) -> Self {
        Self::Ok { ok: value.into() }
    }

    /// It did not.
    pub fn error(why: impl Into<String>) -> Self {
        Self::Error { error: why.into() }
    }
}
