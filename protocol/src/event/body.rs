//! From a domain event to its kind and canonical body, and back.

use std::sync::Arc;

use domain::event::{
    CatalogEvent, DrawerEvent, Event, KitchenEvent, OrderEvent, PaymentEvent, ReceiptEvent, ServiceEvent,
    TaskEvent,
};
use domain::ids::{ItemId, KitchenJobId, OrderId, PaymentId, ReceiptId, TaskId};
use domain::time::WallMs;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::BODY_MAX;
use super::misc::{
    By, CatalogActivated, ItemRef, KitchenQueued, KitchenRef, Reason, ReceiptFailed, ReceiptQueued,
    ReceiptRef, SoldOut, TaskDone, TaskRaised,
};
use super::order::{OrderCancelled, OrderPaid, OrderPlaced, OrderRef};
use super::payment::{
    PaymentApproved, PaymentCreated, PaymentDeclined, PaymentNeedsStaff, PaymentRef, PaymentResolved,
    PaymentReversed, PaymentSendStarted, PaymentUnknown, TerminalReceipt,
};
use super::wire::{Hex32, Id, shared};

/// Largest integer that every JSON reader keeps exactly.
const INTEGER_MAX: u64 = (1 << 53) - 1;

/// An event ready for its envelope.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Encoded {
    /// For example `order.placed`.
    pub kind: &'static str,
    /// Version of the body.
    pub version: u16,
    /// Canonical JSON.
    pub body: String,
}

/// Why an event cannot be encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// Its body would be larger than [`BODY_MAX`].
    #[error("the body of {kind} has {bytes} bytes, more than {BODY_MAX}")]
    TooLarge {
        /// Kind.
        kind: &'static str,
        /// Bytes it would have.
        bytes: usize,
    },
    /// It has a number that JSON cannot carry exactly.
    #[error("the body of {kind} has an integer beyond 2^53 - 1")]
    Integer {
        /// Kind.
        kind: &'static str,
    },
    /// The serialiser refused.
    #[error("cannot write the body of {kind}")]
    Json {
        /// Kind.
        kind: &'static str,
        /// Why.
        source: serde_json::Error,
    },
}

/// Why a stored event cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Neither this version nor an older one knows this.
    #[error("unknown event {kind} version {version}")]
    Unknown {
        /// Kind.
        kind: String,
        /// Version.
        version: u16,
    },
    /// The body does not have the form of its kind.
    #[error("the body of {kind} is malformed")]
    Json {
        /// Kind.
        kind: String,
        /// Where.
        source: serde_json::Error,
    },
    /// The body has the form, but not the meaning.
    #[error("the body of {kind} makes no sense: {why}")]
    Meaning {
        /// Kind.
        kind: String,
        /// What is wrong.
        why: String,
    },
}

/// `epoch.started`: the first event of every epoch. Written by the store, not by the domain.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EpochStarted {
    /// The last event of the epoch before, if there was one.
    pub anchor: Option<EpochAnchor>,
    /// Why a new epoch began.
    pub reason: EpochReason,
}

/// Where the epoch before ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EpochAnchor {
    /// That epoch.
    pub epoch: u64,
    /// Its last known event.
    pub seq: u64,
    /// That event's hash, lower-case hex.
    pub hash: String,
}

/// Why a new epoch began.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EpochReason {
    /// A new store.
    Provisioned,
    /// A backup was restored.
    Restored,
    /// Factory reset.
    Reset,
    /// The store was damaged and moved aside.
    Damaged,
    /// Two machines had used one identity.
    Fork,
}

/// Kind and body of `epoch.started`.
///
/// # Errors
/// As [`encode`].
pub fn encode_epoch(started: &EpochStarted) -> Result<Encoded, EncodeError> {
    body("epoch.started", started)
}

/// Kind and canonical body of a domain event.
///
/// # Errors
/// The body is too large, or carries an integer that JSON cannot.
pub fn encode(event: &Event) -> Result<Encoded, EncodeError> {
    match event {
        Event::Order(event) => encode_order(event),
        Event::Payment(event) => encode_payment(event),
        Event::Receipt(event) => encode_receipt(event),
        Event::Kitchen(event) => match event {
            KitchenEvent::Queued { job, order } => {
                body("kitchen.queued", &KitchenQueued { job: Id(job.0), order: Id(order.0) })
            }
            KitchenEvent::Dispatched { job } => body("kitchen.dispatched", &KitchenRef { job: Id(job.0) }),
            KitchenEvent::Taken { job } => body("kitchen.taken", &KitchenRef { job: Id(job.0) }),
            KitchenEvent::Withdrawn { job } => body("kitchen.withdrawn", &KitchenRef { job: Id(job.0) }),
        },
        Event::Catalog(event) => match event {
            CatalogEvent::Activated { rev, sha256 } => {
                body("catalog.activated", &CatalogActivated { rev: *rev, sha256: Hex32(*sha256) })
            }
            CatalogEvent::SoldOut { item, until } => {
                body("catalog.sold_out", &SoldOut { item: item.to_string(), until_ms: until.map(|u| u.0) })
            }
            CatalogEvent::Available { item } => {
                body("catalog.available", &ItemRef { item: item.to_string() })
            }
        },
        Event::Service(ServiceEvent::Closed { by }) => body("service.closed", &By { by: by.to_string() }),
        Event::Service(ServiceEvent::Opened { by }) => body("service.opened", &By { by: by.to_string() }),
        Event::Drawer(DrawerEvent::Kicked { reason }) => {
            body("drawer.kicked", &Reason { reason: reason.to_string() })
        }
        Event::Task(TaskEvent::Raised { task, kind, at }) => {
            body("task.raised", &TaskRaised { task: Id(task.0), about: kind.into(), at_ms: at.0 })
        }
        Event::Task(TaskEvent::Done { task, by }) => {
            body("task.done", &TaskDone { task: Id(task.0), by: by.to_string() })
        }
    }
}

fn encode_order(event: &OrderEvent) -> Result<Encoded, EncodeError> {
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

fn encode_payment(event: &PaymentEvent) -> Result<Encoded, EncodeError> {
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

fn encode_receipt(event: &ReceiptEvent) -> Result<Encoded, EncodeError> {
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

/// Every kind is at version 1. A later version gets a decoder of its own beside the old one.
const VERSION: u16 = 1;

fn body<T: Serialize>(kind: &'static str, wire: &T) -> Result<Encoded, EncodeError> {
    let mut value = serde_json::to_value(wire).map_err(|source| EncodeError::Json { kind, source })?;
    if !canonicalise(&mut value) {
        return Err(EncodeError::Integer { kind });
    }
    // serde_json's map keeps keys sorted and its compact writer escapes as RFC 8785 asks.
    let body = value.to_string();
    if body.len() > BODY_MAX {
        return Err(EncodeError::TooLarge { kind, bytes: body.len() });
    }
    Ok(Encoded { kind, version: VERSION, body })
}

/// Normalises text to NFC; false if a number cannot be carried.
fn canonicalise(value: &mut Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::Number(number) => number
            .as_u64()
            .map_or_else(|| number.as_i64().map(i64::unsigned_abs), Some)
            .is_some_and(|n| n <= INTEGER_MAX),
        Value::String(text) => {
            if !is_nfc(text) {
                *text = text.nfc().collect();
            }
            true
        }
        Value::Array(values) => values.iter_mut().all(canonicalise),
        Value::Object(fields) => fields.values_mut().all(canonicalise),
    }
}

/// The domain event of a stored kind, version and body. `None` for `epoch.started`, which is the store's.
///
/// # Errors
/// The kind or version is unknown, or the body is not of its form.
pub fn decode(kind: &str, version: u16, body: &str) -> Result<Option<Event>, DecodeError> {
    if version != VERSION {
        return Err(DecodeError::Unknown { kind: kind.to_owned(), version });
    }
    let Some((subject, _)) = kind.split_once('.') else {
        return Err(DecodeError::Unknown { kind: kind.to_owned(), version });
    };
    let event = match subject {
        "epoch" => None,
        "order" => decode_order(kind, body)?.map(Event::Order),
        "payment" => decode_payment(kind, body)?.map(Event::Payment),
        "receipt" => decode_receipt(kind, body)?.map(Event::Receipt),
        _ => decode_other(kind, body)?,
    };
    match event {
        None if kind != "epoch.started" => Err(DecodeError::Unknown { kind: kind.to_owned(), version }),
        event => Ok(event),
    }
}

fn read<T: DeserializeOwned>(kind: &str, body: &str) -> Result<T, DecodeError> {
    serde_json::from_str(body).map_err(|source| DecodeError::Json { kind: kind.to_owned(), source })
}

fn decode_order(kind: &str, body: &str) -> Result<Option<OrderEvent>, DecodeError> {
    Ok(Some(match kind {
        "order.placed" => {
            let order = read::<OrderPlaced>(kind, body)?
                .into_domain()
                .map_err(|why| DecodeError::Meaning { kind: kind.to_owned(), why })?;
            OrderEvent::Placed(Arc::new(order))
        }
        "order.paid" => {
            let wire: OrderPaid = read(kind, body)?;
            OrderEvent::Paid {
                order: OrderId(wire.order.0),
                fiscal: wire.fiscal.into(),
                at: WallMs(wire.at_ms),
            }
        }
        "order.accepted_unpaid" => {
            OrderEvent::AcceptedUnpaid { order: OrderId(read::<OrderRef>(kind, body)?.order.0) }
        }
        "order.cancelled" => {
            let wire: OrderCancelled = read(kind, body)?;
            OrderEvent::Cancelled { order: OrderId(wire.order.0), why: wire.why.into() }
        }
        "order.expired" => OrderEvent::Expired { order: OrderId(read::<OrderRef>(kind, body)?.order.0) },
        "order.closed" => OrderEvent::Closed { order: OrderId(read::<OrderRef>(kind, body)?.order.0) },
        _ => return Ok(None),
    }))
}

fn decode_payment(kind: &str, body: &str) -> Result<Option<PaymentEvent>, DecodeError> {
    let reference = || read::<PaymentRef>(kind, body).map(|wire| PaymentId(wire.payment.0));
    Ok(Some(match kind {
        "payment.created" => PaymentEvent::Created(
            read::<PaymentCreated>(kind, body)?
                .into_domain()
                .map_err(|why| DecodeError::Meaning { kind: kind.to_owned(), why })?,
        ),
        "payment.send_started" => {
            let wire: PaymentSendStarted = read(kind, body)?;
            PaymentEvent::SendStarted {
                payment: PaymentId(wire.payment.0),
                last_known: wire.last_known.map(Into::into),
                at: WallMs(wire.at_ms),
            }
        }
        "payment.approved" => {
            let wire: PaymentApproved = read(kind, body)?;
            PaymentEvent::Approved {
                payment: PaymentId(wire.payment.0),
                approval: wire.approval.into(),
                at: WallMs(wire.at_ms),
            }
        }
        "payment.completed" => PaymentEvent::Completed { payment: reference()? },
        "payment.declined" => {
            let wire: PaymentDeclined = read(kind, body)?;
            PaymentEvent::Declined { payment: PaymentId(wire.payment.0), code: wire.code }
        }
        "payment.cancelled" => PaymentEvent::Cancelled { payment: reference()? },
        "payment.timed_out" => PaymentEvent::TimedOut { payment: reference()? },
        "payment.unknown" => {
            let wire: PaymentUnknown = read(kind, body)?;
            PaymentEvent::Unknown {
                payment: PaymentId(wire.payment.0),
                why: shared(&wire.why),
                at: WallMs(wire.at_ms),
            }
        }
        "payment.needs_staff" => {
            let wire: PaymentNeedsStaff = read(kind, body)?;
            PaymentEvent::NeedsStaff { payment: PaymentId(wire.payment.0), evidence: shared(&wire.evidence) }
        }
        "payment.refused_goods" => PaymentEvent::RefusedGoods { payment: reference()? },
        "payment.reversing" => PaymentEvent::Reversing { payment: reference()? },
        "payment.reversed" => {
            let wire: PaymentReversed = read(kind, body)?;
            PaymentEvent::Reversed { payment: PaymentId(wire.payment.0), fiscal: wire.fiscal.map(Into::into) }
        }
        "payment.reversal_unknown" => PaymentEvent::ReversalUnknown { payment: reference()? },
        "payment.resolved" => {
            let wire: PaymentResolved = read(kind, body)?;
            PaymentEvent::Resolved {
                payment: PaymentId(wire.payment.0),
                verdict: wire.verdict.into(),
                staff: shared(&wire.staff),
            }
        }
        "payment.terminal_receipt" => {
            let wire: TerminalReceipt = read(kind, body)?;
            PaymentEvent::TerminalReceipt {
                payment: PaymentId(wire.payment.0),
                customer: wire.customer,
                lines: wire.lines.iter().map(|line| shared(line)).collect(),
            }
        }
        _ => return Ok(None),
    }))
}

fn decode_receipt(kind: &str, body: &str) -> Result<Option<ReceiptEvent>, DecodeError> {
    let reference = || read::<ReceiptRef>(kind, body).map(|wire| ReceiptId(wire.receipt.0));
    Ok(Some(match kind {
        "receipt.queued" => {
            let wire: ReceiptQueued = read(kind, body)?;
            ReceiptEvent::Queued {
                receipt: ReceiptId(wire.receipt.0),
                order: OrderId(wire.order.0),
                kind: wire.kind.into(),
                copy: wire.copy,
            }
        }
        "receipt.declined" => ReceiptEvent::Declined { receipt: reference()? },
        "receipt.sent" => ReceiptEvent::Sent { receipt: reference()? },
        "receipt.confirmed" => ReceiptEvent::Confirmed { receipt: reference()? },
        "receipt.unconfirmed" => ReceiptEvent::Unconfirmed { receipt: reference()? },
        "receipt.unknown" => ReceiptEvent::Unknown { receipt: reference()? },
        "receipt.returned" => ReceiptEvent::Returned { receipt: reference()? },
        "receipt.failed" => {
            let wire: ReceiptFailed = read(kind, body)?;
            ReceiptEvent::Failed { receipt: ReceiptId(wire.receipt.0), why: shared(&wire.why) }
        }
        _ => return Ok(None),
    }))
}

fn decode_other(kind: &str, body: &str) -> Result<Option<Event>, DecodeError> {
    let job = || read::<KitchenRef>(kind, body).map(|wire| KitchenJobId(wire.job.0));
    Ok(Some(match kind {
        "kitchen.queued" => {
            let wire: KitchenQueued = read(kind, body)?;
            Event::Kitchen(KitchenEvent::Queued {
                job: KitchenJobId(wire.job.0),
                order: OrderId(wire.order.0),
            })
        }
        "kitchen.dispatched" => Event::Kitchen(KitchenEvent::Dispatched { job: job()? }),
        "kitchen.taken" => Event::Kitchen(KitchenEvent::Taken { job: job()? }),
        "kitchen.withdrawn" => Event::Kitchen(KitchenEvent::Withdrawn { job: job()? }),
        "catalog.activated" => {
            let wire: CatalogActivated = read(kind, body)?;
            Event::Catalog(CatalogEvent::Activated { rev: wire.rev, sha256: wire.sha256.0 })
        }
        "catalog.sold_out" => {
            let wire: SoldOut = read(kind, body)?;
            Event::Catalog(CatalogEvent::SoldOut {
                item: ItemId::new(&wire.item),
                until: wire.until_ms.map(WallMs),
            })
        }
        "catalog.available" => {
            Event::Catalog(CatalogEvent::Available { item: ItemId::new(&read::<ItemRef>(kind, body)?.item) })
        }
        "service.closed" => Event::Service(ServiceEvent::Closed { by: shared(&read::<By>(kind, body)?.by) }),
        "service.opened" => Event::Service(ServiceEvent::Opened { by: shared(&read::<By>(kind, body)?.by) }),
        "drawer.kicked" => {
            Event::Drawer(DrawerEvent::Kicked { reason: shared(&read::<Reason>(kind, body)?.reason) })
        }
        "task.raised" => {
            let wire: TaskRaised = read(kind, body)?;
            Event::Task(TaskEvent::Raised {
                task: TaskId(wire.task.0),
                kind: wire.about.into(),
                at: WallMs(wire.at_ms),
            })
        }
        "task.done" => {
            let wire: TaskDone = read(kind, body)?;
            Event::Task(TaskEvent::Done { task: TaskId(wire.task.0), by: shared(&wire.by) })
        }
        _ => return Ok(None),
    }))
}
