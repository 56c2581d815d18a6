//! Bodies of `receipt.*`, `kitchen.*`, `catalog.*`, `service.*`, `drawer.*`, `task.*` and `stock.*`.

use domain::event::TaskKind;
use domain::ids::{OrderId, PaymentId, VariationId};
use domain::money::Quantity;
use domain::quota::{Allowance, Quota};
use domain::receipt::ReceiptKind;
use domain::time::WallMs;
use serde::{Deserialize, Serialize};

use super::payment::LastKnown;
use crate::fleet::Beyond;
use crate::sync::DenyReason;
use crate::text::{Hex32, Id, shared};

#[derive(Serialize, Deserialize)]
pub(super) struct ReceiptQueued {
    pub receipt: Id,
    pub order: Id,
    pub kind: KindWire,
    pub copy: u32,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum KindWire {
    Sale,
    Copy,
    Refund,
    PayAtCounter,
    Kitchen,
}

impl From<ReceiptKind> for KindWire {
    fn from(kind: ReceiptKind) -> Self {
        match kind {
            ReceiptKind::Sale => Self::Sale,
            ReceiptKind::Copy => Self::Copy,
            ReceiptKind::Refund => Self::Refund,
            ReceiptKind::PayAtCounter => Self::PayAtCounter,
            ReceiptKind::Kitchen => Self::Kitchen,
        }
    }
}

impl From<KindWire> for ReceiptKind {
    fn from(kind: KindWire) -> Self {
        match kind {
            KindWire::Sale => Self::Sale,
            KindWire::Copy => Self::Copy,
            KindWire::Refund => Self::Refund,
            KindWire::PayAtCounter => Self::PayAtCounter,
            KindWire::Kitchen => Self::Kitchen,
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct ReceiptRef {
    pub receipt: Id,
}

#[derive(Serialize, Deserialize)]
pub(super) struct ReceiptFailed {
    pub receipt: Id,
    pub why: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct KitchenQueued {
    pub job: Id,
    pub order: Id,
}

#[derive(Serialize, Deserialize)]
pub(super) struct KitchenRef {
    pub job: Id,
}

#[derive(Serialize, Deserialize)]
pub(super) struct CatalogActivated {
    pub rev: u64,
    pub sha256: Hex32,
}

#[derive(Serialize, Deserialize)]
pub(super) struct SoldOut {
    pub item: String,
    pub until_ms: Option<i64>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct ItemRef {
    pub item: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct QuotaInForce {
    pub rev: u64,
    pub until_ms: i64,
    pub goods: Vec<Good>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Good {
    pub variation: String,
    pub upto: i64,
    pub beyond: Beyond,
}

impl From<&Quota> for QuotaInForce {
    fn from(quota: &Quota) -> Self {
        let good = |(variation, allowance): (&VariationId, &Allowance)| Good {
            variation: variation.to_string(),
            upto: allowance.upto.0,
            beyond: allowance.beyond.into(),
        };
        Self { rev: quota.rev, until_ms: quota.until.0, goods: quota.goods.iter().map(good).collect() }
    }
}

impl From<QuotaInForce> for Quota {
    fn from(wire: QuotaInForce) -> Self {
        let good = |good: Good| {
            let allowance = Allowance { upto: Quantity(good.upto), beyond: good.beyond.into() };
            (VariationId::new(&good.variation), allowance)
        };
        Self {
            rev: wire.rev,
            until: WallMs(wire.until_ms),
            goods: wire.goods.into_iter().map(good).collect(),
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct By {
    pub by: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Reason {
    pub reason: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct TaskRaised {
    pub task: Id,
    pub about: About,
    pub at_ms: i64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct TaskDone {
    pub task: Id,
    pub by: String,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum About {
    UnclearPayment { payment: Id },
    ReversedByTerminal { payment: Id, order: Id },
    AmountDiffers { payment: Id },
    CustomerCalled { order: Option<Id> },
    UnexplainedTransaction { transaction: LastKnown, evidence: String },
    SaleDenied { order: Id, code: DenyReason },
    StoreReplaced { moved_to: String, why: String },
}

impl From<&TaskKind> for About {
    fn from(kind: &TaskKind) -> Self {
        match kind {
            TaskKind::UnclearPayment { payment } => Self::UnclearPayment { payment: Id(payment.0) },
            TaskKind::ReversedByTerminal { payment, order } => {
                Self::ReversedByTerminal { payment: Id(payment.0), order: Id(order.0) }
            }
            TaskKind::AmountDiffers { payment } => Self::AmountDiffers { payment: Id(payment.0) },
            TaskKind::CustomerCalled { order } => Self::CustomerCalled { order: order.map(|o| Id(o.0)) },
            TaskKind::UnexplainedTransaction { transaction, evidence } => Self::UnexplainedTransaction {
                transaction: transaction.into(),
                evidence: evidence.to_string(),
            },
            TaskKind::SaleDenied { order, code } => {
                Self::SaleDenied { order: Id(order.0), code: (*code).into() }
            }
            TaskKind::StoreReplaced { moved_to, why } => {
                Self::StoreReplaced { moved_to: moved_to.to_string(), why: why.to_string() }
            }
        }
    }
}

impl From<About> for TaskKind {
    fn from(about: About) -> Self {
        match about {
            About::UnclearPayment { payment } => Self::UnclearPayment { payment: PaymentId(payment.0) },
            About::ReversedByTerminal { payment, order } => {
                Self::ReversedByTerminal { payment: PaymentId(payment.0), order: OrderId(order.0) }
            }
            About::AmountDiffers { payment } => Self::AmountDiffers { payment: PaymentId(payment.0) },
            About::CustomerCalled { order } => Self::CustomerCalled { order: order.map(|o| OrderId(o.0)) },
            About::UnexplainedTransaction { transaction, evidence } => {
                Self::UnexplainedTransaction { transaction: transaction.into(), evidence: shared(&evidence) }
            }
            About::SaleDenied { order, code } => {
                Self::SaleDenied { order: OrderId(order.0), code: code.into() }
            }
            About::StoreReplaced { moved_to, why } => {
                Self::StoreReplaced { moved_to: shared(&moved_to), why: shared(&why) }
            }
        }
    }
}
