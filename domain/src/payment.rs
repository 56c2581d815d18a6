//! A payment: one attempt to take money for an order. `kiosk::transitions` has every row of the table.
//!
//! ```text
//! CREATED ─► SENDING ─► IN_TERMINAL ─► RESULT_RECEIVED ─► APPROVED ─► COMPLETED
//!    │          │            │  (both in memory only; the disk says SENDING)
//!    │          └────────────┴─► DECLINED | CANCELLED | TIMED_OUT      told by the terminal: definite
//!    └─► CANCELLED           any loss of contact after SENDING ─► UNKNOWN
//! UNKNOWN ─► RECONCILING ─► APPROVED | DECLINED | REVERSED | NEEDS_STAFF ─► resolved by staff
//! APPROVED | COMPLETED ─► REVERSING ─► REVERSED | REVERSAL_UNKNOWN ─► REVERSED | NEEDS_STAFF
//! ```

use std::sync::Arc;

use crate::ids::{OrderId, PaymentId};
use crate::money::{Currency, Minor};
use crate::time::WallMs;

/// Code of a decline that was found out by asking: the terminal never began. Also what the staff's word "not
/// taken" leads to.
pub const CODE_NOT_STARTED: u8 = 0;

/// Code of a decline that was found out by asking: the terminal did not tell why.
pub const CODE_NOT_TOLD: u8 = 0xFF;

/// The code of a payment that the terminal refused to begin: it is not ready, and no bank was asked.
pub const CODE_NOT_READY: u8 = 0xFE;

/// What never changes about a payment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Payment {
    /// Its identity and idempotency key.
    pub id: PaymentId,
    /// The order it pays for.
    pub order: OrderId,
    /// To take, tip included.
    pub amount: Minor,
    /// Of that, tip.
    pub tip: Minor,
    /// Currency.
    pub currency: Currency,
    /// How.
    pub tender: Tender,
    /// When it was created.
    pub created_at: WallMs,
}

/// A means of payment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Tender {
    /// Card or phone at the payment terminal.
    Card,
    /// Cash at the counter.
    Counter,
}

/// The last transaction a terminal remembers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LastTransaction {
    /// Trace number.
    pub trace: Option<u32>,
    /// Receipt number.
    pub receipt_no: Option<u32>,
    /// Turnover number.
    pub turnover_no: Option<u32>,
    /// Amount, if it was told.
    pub amount: Option<Minor>,
    /// Whether it was approved.
    pub approved: bool,
    /// Whether it is a reversal.
    pub reversal: bool,
}

/// What a terminal tells of the card behind a transaction, for the customer's receipt. Never more of its number than
/// the last four digits.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CardFacts {
    /// Authorisation code.
    pub auth: Option<Arc<str>>,
    /// Card brand as printed.
    pub brand: Option<Arc<str>>,
    /// The last digits, masked: `************4821`.
    pub pan_masked: Option<Arc<str>>,
    /// Application id of the chip.
    pub aid: Option<Arc<str>>,
}

/// What a terminal said about an approved payment. Never more of the card than the last four digits.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Approval {
    /// Trace number.
    pub trace: Option<u32>,
    /// Receipt number; a reversal needs it.
    pub receipt_no: Option<u32>,
    /// Turnover number.
    pub turnover_no: Option<u32>,
    /// Authorisation code.
    pub auth: Option<Arc<str>>,
    /// Card brand as printed.
    pub brand: Option<Arc<str>>,
    /// The last digits, masked: `************4821`.
    pub pan_masked: Option<Arc<str>>,
    /// Application id of the chip.
    pub aid: Option<Arc<str>>,
    /// What the terminal says it took.
    pub amount: Minor,
}

/// Where a payment stands on disk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PaymentState {
    /// Written down; nothing was sent.
    Created,
    /// The terminal may have been asked.
    Sending,
    /// Whether money was taken is not known.
    Unknown,
    /// Money was taken; the terminal has not finished yet.
    Approved(Approval),
    /// Money was taken and the terminal is done.
    Completed(Approval),
    /// Refused: no money was taken.
    Declined {
        /// The terminal's code.
        code: u8,
    },
    /// Ended by the customer or before anything was sent: no money was taken.
    Cancelled,
    /// The terminal gave up waiting: no money was taken.
    TimedOut,
    /// The money is being given back.
    Reversing(Approval),
    /// Whether it was given back is not known.
    ReversalUnknown(Approval),
    /// The money was given back.
    Reversed,
    /// A person must decide.
    NeedsStaff {
        /// What spoke against a decision, in English for the staff page.
        evidence: Arc<str>,
    },
}

impl PaymentState {
    /// Whether money was certainly taken and not given back.
    pub fn is_approved(&self) -> bool {
        matches!(self, Self::Approved(_) | Self::Completed(_))
    }

    /// Whether nothing more can happen to it by itself.
    pub fn is_definite(&self) -> bool {
        match self {
            Self::Completed(_)
            | Self::Declined { .. }
            | Self::Cancelled
            | Self::TimedOut
            | Self::Reversed => true,
            Self::Created
            | Self::Sending
            | Self::Unknown
            | Self::Approved(_)
            | Self::Reversing(_)
            | Self::ReversalUnknown(_)
            | Self::NeedsStaff { .. } => false,
        }
    }
}

/// What a member of staff found out about an unclear payment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StaffVerdict {
    /// The terminal's journal shows it as taken.
    Taken,
    /// The terminal's journal shows that nothing was taken.
    NotTaken,
    /// It was taken and has been given back.
    GivenBack,
}
