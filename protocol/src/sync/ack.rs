//! What the fleet says to a batch.

use domain::event::DenyCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::Id;

/// What the fleet says to a batch. Only this, never the broker's own acknowledgement, moves a kiosk's cursor.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Ack")]
pub struct Ack {
    /// The batch.
    pub b: Id,
    /// Its epoch.
    pub ep: u64,
    /// Everything of the epoch up to this is with the fleet for good.
    pub thru: u64,
    /// Events of the batch with any other answer than a plain yes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub x: Vec<Answer>,
    /// The fleet needs this sequence number next: the batch began after a gap, or before what it still has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exp: Option<u64>,
    /// Two machines write this epoch: begin a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fork: Option<Fork>,
    /// The fleet's clock, ms since 1970.
    pub now: i64,
    /// Revision of the catalog meant for this kiosk; 0: none.
    #[serde(default)]
    pub cat: u64,
    /// Revision of the stock document meant for this kiosk; 0: none.
    #[serde(default)]
    pub stk: u64,
}

/// Another answer than a plain yes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// Sequence number.
    pub s: u64,
    /// Event.
    pub id: Id,
    /// The answer.
    #[serde(flatten)]
    pub r: Answered,
}

/// What became of an event.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "r", rename_all = "snake_case")]
pub enum Answered {
    /// Applied. Not written for events up to `thru`.
    Ack,
    /// Known already, and applied then.
    Duplicate,
    /// Stored, and not agreed with: a task for a person.
    Deny {
        /// Why.
        code: DenyReason,
        /// What to do.
        remedy: Remedy,
        /// What the server holds instead, in English.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        srv: String,
    },
    /// Stored; the server's state stands.
    Conflict {
        /// What the server holds.
        srv: String,
    },
    /// Kept verbatim and not understood; a person may have it applied later.
    Quarantine {
        /// Why.
        code: QuarantineReason,
        /// In English.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        srv: String,
    },
}

/// Why a stored event is not agreed with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DenyReason {
    /// More was sold than there is.
    OutOfStock,
    /// The prices are not the catalog's.
    PriceMismatch,
    /// The catalog has no such item.
    UnknownItem,
    /// The fiscal number was used before.
    DuplicateFiscal,
    /// The shop does not allow it.
    Policy,
}

impl From<DenyReason> for DenyCode {
    fn from(reason: DenyReason) -> Self {
        match reason {
            DenyReason::OutOfStock => Self::OutOfStock,
            DenyReason::PriceMismatch => Self::PriceMismatch,
            DenyReason::UnknownItem => Self::UnknownItem,
            DenyReason::DuplicateFiscal => Self::DuplicateFiscal,
            DenyReason::Policy => Self::Policy,
        }
    }
}

impl From<DenyCode> for DenyReason {
    fn from(code: DenyCode) -> Self {
        match code {
            DenyCode::OutOfStock => Self::OutOfStock,
            DenyCode::PriceMismatch => Self::PriceMismatch,
            DenyCode::UnknownItem => Self::UnknownItem,
            DenyCode::DuplicateFiscal => Self::DuplicateFiscal,
            DenyCode::Policy => Self::Policy,
        }
    }
}

/// What a person can do about a denied sale.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// Offer something else.
    Substitute,
    /// Give the money back.
    Refund,
    /// Let it stand.
    Accept,
}

/// Why an event was not understood.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum QuarantineReason {
    /// Its hash does not recompute.
    Chain,
    /// Unknown kind or version.
    Kind,
    /// The body is not of its kind's form.
    Schema,
    /// It cannot be applied.
    Apply,
    /// Two machines write this epoch.
    Fork,
}

/// Where two machines with one identity parted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Fork {
    /// The first sequence number that exists twice.
    pub at: u64,
}
