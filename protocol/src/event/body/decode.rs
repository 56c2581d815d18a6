//! The domain event of each stored body.

use std::sync::Arc;

use domain::event::{
    CatalogEvent, DrawerEvent, Event, KitchenEvent, OrderEvent, PaymentEvent, ReceiptEvent, ServiceEvent,
    StockEvent, TaskEvent,
};
use domain::ids::{ItemId, KitchenJobId, OrderId, PaymentId, ReceiptId, TaskId};
use domain::time::WallMs;
use serde::de::DeserializeOwned;

use super::super::misc::{
    By, CatalogActivated, ItemRef, KitchenQueued, KitchenRef, QuotaInForce, Reason, ReceiptFailed,
    ReceiptQueued, ReceiptRef, SoldOut, TaskDone, TaskRaised,
};
use super::super::order::{OrderCancelled, OrderPaid, OrderPlaced, OrderRef};
use super::super::payment::{
    PaymentApproved, PaymentCreated, PaymentDeclined, PaymentNeedsStaff, PaymentRef, PaymentResolved,
    PaymentReversed, PaymentSendStarted, PaymentUnknown, TerminalReceipt,
};
use super::DecodeError;
use crate::text::shared;

fn read<T: DeserializeOwned>(kind: &str, body: &str) -> Result<T, DecodeError> {
    serde_json::from_str(body).map_err(|source| DecodeError::Json { kind: kind.to_owned(), source })
}

pub(super) fn order(kind: &str, body: &str) -> Result<Option<OrderEvent>, DecodeError> {
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

pub(super) fn payment(kind: &str, body: &str) -> Result<Option<PaymentEvent>, DecodeError> {
    let reference = || read::<PaymentRef>(kind, body).map(|wire| PaymentId(wire.payment.0));
    Ok(Some(match kind {
        "payment.created" => PaymentEvent::Created(
            read::<PaymentCreated>(kind, body)?
                .into_domain()
                .map_err(|why| DecodeError::Meaning { kind: kind.to_owned(), why })?,
        ),
        "payment.send_started" => read::<PaymentSendStarted>(kind, body)?.into(),
        "payment.approved" => read::<PaymentApproved>(kind, body)?.into(),
        "payment.completed" => PaymentEvent::Completed { payment: reference()? },
        "payment.declined" => {
            let wire: PaymentDeclined = read(kind, body)?;
            PaymentEvent::Declined { payment: PaymentId(wire.payment.0), code: wire.code }
        }
        "payment.cancelled" => PaymentEvent::Cancelled { payment: reference()? },
        "payment.timed_out" => PaymentEvent::TimedOut { payment: reference()? },
        "payment.unknown" => read::<PaymentUnknown>(kind, body)?.into(),
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
        "payment.reversal_refused" => {
            let wire: PaymentDeclined = read(kind, body)?;
            PaymentEvent::ReversalRefused { payment: PaymentId(wire.payment.0), code: wire.code }
        }
        "payment.resolved" => read::<PaymentResolved>(kind, body)?.into(),
        "payment.terminal_receipt" => read::<TerminalReceipt>(kind, body)?.into(),
        _ => return Ok(None),
    }))
}

pub(super) fn receipt(kind: &str, body: &str) -> Result<Option<ReceiptEvent>, DecodeError> {
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

pub(super) fn other(kind: &str, body: &str) -> Result<Option<Event>, DecodeError> {
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
        "stock.quota" => {
            let wire: QuotaInForce = read(kind, body)?;
            Event::Stock(StockEvent::Quota(Arc::new(wire.into())))
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
