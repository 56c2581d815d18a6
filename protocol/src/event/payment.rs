//! Bodies of `payment.*`.

use domain::event::PaymentEvent;
use domain::ids::{OrderId, PaymentId};
use domain::money::{Currency, Minor};
use domain::payment::{Approval, LastTransaction, Payment, StaffVerdict, Tender};
use domain::time::WallMs;
use serde::{Deserialize, Serialize};

use super::order::Fiscal;
use crate::text::{Id, shared};

#[derive(Serialize, Deserialize)]
pub(super) struct PaymentCreated {
    payment: Id,
    order: Id,
    amount_minor: i64,
    tip_minor: i64,
    currency: String,
    exponent: u8,
    tender: TenderWire,
    at_ms: i64,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TenderWire {
    Card,
    Counter,
}

impl From<&Payment> for PaymentCreated {
    fn from(payment: &Payment) -> Self {
        Self {
            payment: Id(payment.id.0),
            order: Id(payment.order.0),
            amount_minor: payment.amount.0,
            tip_minor: payment.tip.0,
            currency: payment.currency.code().to_owned(),
            exponent: payment.currency.exponent,
            tender: match payment.tender {
                Tender::Card => TenderWire::Card,
                Tender::Counter => TenderWire::Counter,
            },
            at_ms: payment.created_at.0,
        }
    }
}

impl PaymentCreated {
    pub(super) fn into_domain(self) -> Result<Payment, String> {
        let code = <[u8; 3]>::try_from(self.currency.as_bytes())
            .map_err(|_| format!("currency {:?} has not three letters", self.currency))?;
        Ok(Payment {
            id: PaymentId(self.payment.0),
            order: OrderId(self.order.0),
            amount: Minor(self.amount_minor),
            tip: Minor(self.tip_minor),
            currency: Currency { code, exponent: self.exponent },
            tender: match self.tender {
                TenderWire::Card => Tender::Card,
                TenderWire::Counter => Tender::Counter,
            },
            created_at: WallMs(self.at_ms),
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct PaymentRef {
    pub payment: Id,
}

#[derive(Serialize, Deserialize)]
pub(super) struct PaymentSendStarted {
    pub payment: Id,
    pub last_known: Option<LastKnown>,
    pub at_ms: i64,
}

impl From<PaymentSendStarted> for PaymentEvent {
    fn from(wire: PaymentSendStarted) -> Self {
        Self::SendStarted {
            payment: PaymentId(wire.payment.0),
            last_known: wire.last_known.map(Into::into),
            at: WallMs(wire.at_ms),
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct LastKnown {
    trace: Option<u32>,
    receipt_no: Option<u32>,
    turnover_no: Option<u32>,
    amount_minor: Option<i64>,
    approved: bool,
    reversal: bool,
}

impl From<&LastTransaction> for LastKnown {
    fn from(last: &LastTransaction) -> Self {
        Self {
            trace: last.trace,
            receipt_no: last.receipt_no,
            turnover_no: last.turnover_no,
            amount_minor: last.amount.map(|a| a.0),
            approved: last.approved,
            reversal: last.reversal,
        }
    }
}

impl From<LastKnown> for LastTransaction {
    fn from(last: LastKnown) -> Self {
        Self {
            trace: last.trace,
            receipt_no: last.receipt_no,
            turnover_no: last.turnover_no,
            amount: last.amount_minor.map(Minor),
            approved: last.approved,
            reversal: last.reversal,
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct PaymentApproved {
    pub payment: Id,
    #[serde(flatten)]
    pub approval: ApprovalWire,
    pub at_ms: i64,
}

impl From<PaymentApproved> for PaymentEvent {
    fn from(wire: PaymentApproved) -> Self {
        Self::Approved {
            payment: PaymentId(wire.payment.0),
            approval: wire.approval.into(),
            at: WallMs(wire.at_ms),
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct ApprovalWire {
    trace: Option<u32>,
    receipt_no: Option<u32>,
    turnover_no: Option<u32>,
    auth: Option<String>,
    brand: Option<String>,
    pan_masked: Option<String>,
    aid: Option<String>,
    amount_minor: i64,
}

impl From<&Approval> for ApprovalWire {
    fn from(approval: &Approval) -> Self {
        let text = |t: &Option<std::sync::Arc<str>>| t.as_deref().map(str::to_owned);
        Self {
            trace: approval.trace,
            receipt_no: approval.receipt_no,
            turnover_no: approval.turnover_no,
            auth: text(&approval.auth),
            brand: text(&approval.brand),
            pan_masked: text(&approval.pan_masked),
            aid: text(&approval.aid),
            amount_minor: approval.amount.0,
        }
    }
}

impl From<ApprovalWire> for Approval {
    fn from(approval: ApprovalWire) -> Self {
        let text = |t: Option<String>| t.as_deref().map(shared);
        Self {
            trace: approval.trace,
            receipt_no: approval.receipt_no,
            turnover_no: approval.turnover_no,
            auth: text(approval.auth),
            brand: text(approval.brand),
            pan_masked: text(approval.pan_masked),
            aid: text(approval.aid),
            amount: Minor(approval.amount_minor),
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct PaymentDeclined {
    pub payment: Id,
    pub code: u8,
}

#[derive(Serialize, Deserialize)]
pub(super) struct PaymentUnknown {
    pub payment: Id,
    pub why: String,
    pub at_ms: i64,
}

impl From<PaymentUnknown> for PaymentEvent {
    fn from(wire: PaymentUnknown) -> Self {
        Self::Unknown { payment: PaymentId(wire.payment.0), why: shared(&wire.why), at: WallMs(wire.at_ms) }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct PaymentNeedsStaff {
    pub payment: Id,
    pub evidence: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct PaymentReversed {
    pub payment: Id,
    pub fiscal: Option<Fiscal>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct PaymentResolved {
    pub payment: Id,
    pub verdict: Verdict,
    pub staff: String,
}

impl From<PaymentResolved> for PaymentEvent {
    fn from(wire: PaymentResolved) -> Self {
        Self::Resolved {
            payment: PaymentId(wire.payment.0),
            verdict: wire.verdict.into(),
            staff: shared(&wire.staff),
        }
    }
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    Taken,
    NotTaken,
    GivenBack,
}

impl From<StaffVerdict> for Verdict {
    fn from(verdict: StaffVerdict) -> Self {
        match verdict {
            StaffVerdict::Taken => Self::Taken,
            StaffVerdict::NotTaken => Self::NotTaken,
            StaffVerdict::GivenBack => Self::GivenBack,
        }
    }
}

impl From<Verdict> for StaffVerdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Taken => Self::Taken,
            Verdict::NotTaken => Self::NotTaken,
            Verdict::GivenBack => Self::GivenBack,
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct TerminalReceipt {
    pub payment: Id,
    pub customer: bool,
    pub lines: Vec<String>,
}

impl From<TerminalReceipt> for PaymentEvent {
    fn from(wire: TerminalReceipt) -> Self {
        Self::TerminalReceipt {
            payment: PaymentId(wire.payment.0),
            customer: wire.customer,
            lines: wire.lines.iter().map(|line| shared(line)).collect(),
        }
    }
}
