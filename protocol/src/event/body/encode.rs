//! The wire form of each domain event.

use domain::event::{
    CatalogEvent, KitchenEvent, OrderEvent, PaymentEvent, ReceiptEvent, StockEvent, TaskEvent,
};
use domain::ids::{PaymentId, ReceiptId};

use super::super::misc::{
    CatalogActivated, ItemRef, KitchenQueued, KitchenRef, QuotaInForce, ReceiptFailed, ReceiptQueued,
    ReceiptRef, SoldOut, TaskDone, TaskRaised,
};
use super::super::order::{OrderCancelled, OrderPaid, OrderPlaced, OrderRef};
use super::super::payment::{
    PaymentApproved, PaymentCreated, PaymentDeclined, PaymentNeedsStaff, PaymentRef, PaymentResolved,
    PaymentReversed, PaymentSendStarted, PaymentUnknown, TerminalReceipt,
};
use super::{EncodeError, Encoded, body};
use crate::text::{Hex32, Id};

pub(super) fn order(event: &OrderEvent) -> Result<Encoded, EncodeError> {
    match event {
        OrderEvent::Placed(order) => body("order.placed", &OrderPlaced::from(order.as_ref())),
        OrderEvent::Paid { order, fiscal, at } => {
            body("order.paid", &OrderPaid { order: Id(order.0), fiscal: (*fiscal).into(), at_ms: at.0 })
        }
        OrderEvent::AcceptedUnpaid { order } => {
            body("order.accepted_unpaid", &OrderRef { order: Id(order.0) })
        }
        OrderEvent::Cancelled { order, why } => {
            body("order.cancelled", &OrderCancelled { order: Id(order.0), why: (*why).into() })
        }
        OrderEvent::Expired { order } => body("order.expired", &OrderRef { order: Id(order.0) }),
        OrderEvent::Closed { order } => body("order.closed", &OrderRef { order: Id(order.0) }),
    }
}

pub(super) fn payment(event: &PaymentEvent) -> Result<Encoded, EncodeError> {
    let reference = |payment: &PaymentId| PaymentRef { payment: Id(payment.0) };
    match event {
        PaymentEvent::Created(payment) => body("payment.created", &PaymentCreated::from(payment)),
        PaymentEvent::SendStarted { payment, last_known, at } => body(
            "payment.send_started",
            &PaymentSendStarted {
                payment: Id(payment.0),
                last_known: last_known.as_ref().map(Into::into),
                at_ms: at.0,
            },
        ),
        PaymentEvent::Approved { payment, approval, at } => body(
            "payment.approved",
            &PaymentApproved { payment: Id(payment.0), approval: approval.into(), at_ms: at.0 },
        ),
        PaymentEvent::Completed { payment } => body("payment.completed", &reference(payment)),
        PaymentEvent::Declined { payment, code } => {
            body("payment.declined", &PaymentDeclined { payment: Id(payment.0), code: *code })
        }
        PaymentEvent::Cancelled { payment } => body("payment.cancelled", &reference(payment)),
        PaymentEvent::TimedOut { payment } => body("payment.timed_out", &reference(payment)),
        PaymentEvent::Unknown { payment, why, at } => body(
            "payment.unknown",
            &PaymentUnknown { payment: Id(payment.0), why: why.to_string(), at_ms: at.0 },
        ),
        PaymentEvent::NeedsStaff { payment, evidence } => body(
            "payment.needs_staff",
            &PaymentNeedsStaff { payment: Id(payment.0), evidence: evidence.to_string() },
        ),
        PaymentEvent::RefusedGoods { payment } => body("payment.refused_goods", &reference(payment)),
        PaymentEvent::Reversing { payment } => body("payment.reversing", &reference(payment)),
        PaymentEvent::Reversed { payment, fiscal } => body(
            "payment.reversed",
            &PaymentReversed { payment: Id(payment.0), fiscal: fiscal.map(Into::into) },
        ),
        PaymentEvent::ReversalUnknown { payment } => body("payment.reversal_unknown", &reference(payment)),
        PaymentEvent::ReversalRefused { payment, code } => {
            body("payment.reversal_refused", &PaymentDeclined { payment: Id(payment.0), code: *code })
        }
        PaymentEvent::Resolved { payment, verdict, staff } => body(
            "payment.resolved",
            &PaymentResolved { payment: Id(payment.0), verdict: (*verdict).into(), staff: staff.to_string() },
        ),
        PaymentEvent::TerminalReceipt { payment, customer, lines } => body(
            "payment.terminal_receipt",
            &TerminalReceipt {
                payment: Id(payment.0),
                customer: *customer,
                lines: lines.iter().map(ToString::to_string).collect(),
            },
        ),
    }
}

pub(super) fn receipt(event: &ReceiptEvent) -> Result<Encoded, EncodeError> {
    let reference = |receipt: &ReceiptId| ReceiptRef { receipt: Id(receipt.0) };
    match event {
        ReceiptEvent::Queued { receipt, order, kind, copy } => body(
            "receipt.queued",
            &ReceiptQueued { receipt: Id(receipt.0), order: Id(order.0), kind: (*kind).into(), copy: *copy },
        ),
        ReceiptEvent::Declined { receipt } => body("receipt.declined", &reference(receipt)),
        ReceiptEvent::Sent { receipt } => body("receipt.sent", &reference(receipt)),
        ReceiptEvent::Confirmed { receipt } => body("receipt.confirmed", &reference(receipt)),
        ReceiptEvent::Unconfirmed { receipt } => body("receipt.unconfirmed", &reference(receipt)),
        ReceiptEvent::Unknown { receipt } => body("receipt.unknown", &reference(receipt)),
        ReceiptEvent::Returned { receipt } => body("receipt.returned", &reference(receipt)),
        ReceiptEvent::Failed { receipt, why } => {
            body("receipt.failed", &ReceiptFailed { receipt: Id(receipt.0), why: why.to_string() })
        }
    }
}

pub(super) fn kitchen(event: &KitchenEvent) -> Result<Encoded, EncodeError> {
    match event {
        KitchenEvent::Queued { job, order } => {
            body("kitchen.queued", &KitchenQueued { job: Id(job.0), order: Id(order.0) })
        }
        KitchenEvent::Dispatched { job } => body("kitchen.dispatched", &KitchenRef { job: Id(job.0) }),
        KitchenEvent::Taken { job } => body("kitchen.taken", &KitchenRef { job: Id(job.0) }),
        KitchenEvent::Withdrawn { job } => body("kitchen.withdrawn", &KitchenRef { job: Id(job.0) }),
    }
}

pub(super) fn catalog(event: &CatalogEvent) -> Result<Encoded, EncodeError> {
    match event {
        CatalogEvent::Activated { rev, sha256 } => {
            body("catalog.activated", &CatalogActivated { rev: *rev, sha256: Hex32(*sha256) })
        }
        CatalogEvent::SoldOut { item, until } => {
            body("catalog.sold_out", &SoldOut { item: item.to_string(), until_ms: until.map(|u| u.0) })
        }
        CatalogEvent::Available { item } => body("catalog.available", &ItemRef { item: item.to_string() }),
    }
}

pub(super) fn stock(event: &StockEvent) -> Result<Encoded, EncodeError> {
    match event {
        StockEvent::Quota(quota) => body("stock.quota", &QuotaInForce::from(quota.as_ref())),
    }
}

pub(super) fn task(event: &TaskEvent) -> Result<Encoded, EncodeError> {
    match event {
        TaskEvent::Raised { task, kind, at } => {
            body("task.raised", &TaskRaised { task: Id(task.0), about: kind.into(), at_ms: at.0 })
        }
        TaskEvent::Done { task, by } => body("task.done", &TaskDone { task: Id(task.0), by: by.to_string() }),
    }
}
