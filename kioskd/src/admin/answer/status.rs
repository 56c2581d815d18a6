//! `kioskctl status`: how the kiosk is, and what waits for a person.

use std::time::Duration;

use domain::event::{DenyCode, TaskKind};
use domain::ids::{PaymentId, TaskId};
use domain::input::PrinterCondition;
use domain::kiosk::ledger::{OrderRecord, Task};
use domain::kiosk::{Kiosk, KioskStatus, Mode, Obstacle, UpdateGate};
use domain::order::OrderState;
use serde_json::{Value, json};
use store::Outbox as _;

use super::{Said, on_core, orders, state_words};
use crate::admin::AdminContext;
use crate::clock::ShopClock;
use crate::core::Core;
use crate::uplink::UplinkStatus;

pub(super) async fn status(context: &AdminContext) -> Said {
    let stats = context.screen.hub().stats();
    let page = context.screen.hub().screen().borrow().id.clone();
    let has_fleet = context.uplink.is_some();
    let mut value = on_core(context, move |core| of_core(core, has_fleet)).await?;
    value["page"] = json!(page);
    value["screen"] = json!({
        "frames": stats.frames,
        "first_frame_at_ms": stats.first_frame.map(millis),
        "render_us_p50": stats.render_us_p50,
        "render_us_p95": stats.render_us_p95,
        "last_dirty_px": stats.last_dirty_px,
    });
    value["uplink"] = context.uplink.as_ref().map_or(Value::Null, |uplink| uplink_value(&uplink.status()));
    let devices = context.board.devices().into_iter();
    value["devices"] =
        devices.map(|(name, status)| (name.to_owned(), json!(state_words(&status.state)))).collect();
    Ok(value)
}

fn uplink_value(uplink: &UplinkStatus) -> Value {
    json!({
        "fleet": uplink.fleet,
        "enrolled": uplink.identity.as_ref().map(|identity| json!({
            "kiosk": identity.kiosk.as_str(), "broker": identity.broker,
            "tenant": identity.tenant, "site": identity.site,
        })),
        "claim": uplink.claim.as_ref().map(|(code, link, ends_ms)| json!({
            "code": code, "link": link, "until": orders::stamp(*ends_ms),
        })),
        "connected": uplink.connected,
        "connection": uplink.connection.map(|(boot, conn)| json!({"boot": boot, "conn": conn})),
        "last_ack": uplink.last_ack_ms.map(orders::stamp),
        "last_error": uplink.last_error,
    })
}

/// On the screen's clock, `CLOCK_MONOTONIC`.
fn millis(at: Duration) -> u64 {
    u64::try_from(at.as_millis()).unwrap_or(u64::MAX)
}

fn of_core(core: &mut Core, has_fleet: bool) -> Said {
    let unsynced = core.store().unsynced().map_err(|error| core.failure(error).to_string())?;
    let verdicts = core.store().verdicts().map_err(|error| core.failure(error).to_string())?;
    let verdicts: serde_json::Map<String, Value> =
        verdicts.into_iter().map(|(verdict, count)| (verdict, count.into())).collect();
    let kiosk = core.kiosk();
    let status = kiosk.status(&core.clock().now());
    let tasks: Vec<Value> =
        kiosk.ledger().tasks.iter().map(|(id, task)| self::task(kiosk, *id, task, core.clock())).collect();
    Ok(json!({
        "kiosk": kiosk.config().kiosk_id.as_ref(),
        "version": kiosk.config().version.as_ref(),
        "doing": doing(&status),
        "order": status.order.as_ref().map(|order| json!({
            "number": order.number.to_string(), "id": order.id.to_string(),
            "state": if order.refunded { "refunded" } else { order_state(order.state) },
        })),
        "day": {
            "date": status.day.date.map(|d| format!("{:04}-{:02}-{:02}", d.year, d.month, d.day)),
            "placed": status.day.placed, "paid": status.day.paid,
        },
        "catalog_rev": status.catalog_rev,
        "fiscal": {"series": status.fiscal.0, "last": status.fiscal.1},
        "card_payments": status.terminal_ready,
        "printer": printer(status.printer),
        "kitchen": status.kitchen,
        "offline_since": status.offline_since.map(|at| orders::stamp(at.0)),
        "offline_since_local": status.offline_since.map(|at| core.clock().stamp(at)),
        "open_payments": kiosk.ledger().live_payments().count(),
        "unclear_payments": status.unclear_payments,
        "waiting": {"receipts": status.queued_receipts, "kitchen_tickets": status.open_tickets},
        "tasks": tasks,
        "verdicts": verdicts,
        "unsynced": {"events": unsynced.events, "payments": unsynced.payments},
        "update": update(&kiosk.update_gate(if has_fleet { unsynced.payments } else { 0 })),
        "epoch": core.store().epoch(),
        "boot": core.store().boot(),
        "state_hash": format!("{:016x}", kiosk.state_hash()),
    }))
}

fn doing(status: &KioskStatus) -> String {
    match &status.mode {
        Mode::Starting => "starting".into(),
        Mode::Unclaimed => "waiting to be claimed by the fleet".into(),
        Mode::Idle => "waiting for a customer".into(),
        Mode::Busy => "serving a customer".into(),
        Mode::NeedsStaff => "needs staff: a payment is unclear".into(),
        Mode::Closed => "closed (kioskctl open)".into(),
        Mode::OutOfService { code, detail } => format!("out of service {code}: {detail}"),
    }
}

pub(super) fn order_state(state: OrderState) -> &'static str {
    match state {
        OrderState::Placed => "placed",
        OrderState::AwaitingPayment => "awaiting payment",
        OrderState::PaymentUnknown => "payment unknown",
        OrderState::Paid => "paid",
        OrderState::AcceptedUnpaid => "to be paid at the counter",
        OrderState::Fulfilling => "paid, being made",
        OrderState::Closed => "closed",
        OrderState::Cancelled => "cancelled",
        OrderState::Expired => "expired",
    }
}

fn printer(condition: PrinterCondition) -> &'static str {
    match condition {
        PrinterCondition::Ready => "ready",
        PrinterCondition::PaperLow => "paper low",
        PrinterCondition::PaperOut => "out of paper",
        PrinterCondition::CoverOpen => "cover open",
        PrinterCondition::Error => "error",
        PrinterCondition::Absent => "absent",
    }
}

fn update(gate: &UpdateGate) -> Value {
    match gate {
        UpdateGate::Open => json!({"allowed": true, "obstacles": []}),
        UpdateGate::Closed(obstacles) => {
            json!({"allowed": false, "obstacles": obstacles.iter().map(obstacle).collect::<Vec<_>>()})
        }
    }
}

/// Why a restart has to wait, in words.
pub(crate) fn obstacle(obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::Starting => "still starting".into(),
        Obstacle::Customer => "a customer is there".into(),
        Obstacle::PaymentUnderWay => "a payment is under way".into(),
        Obstacle::UnsyncedPayments(count) => format!("{count} payment events are not at the fleet yet"),
        Obstacle::Printing => "a receipt is coming out".into(),
        Obstacle::KitchenTicket => "a kitchen ticket is not confirmed".into(),
    }
}

fn denied(code: DenyCode) -> &'static str {
    match code {
        DenyCode::OutOfStock => "there was none left",
        DenyCode::PriceMismatch => "the prices are not the catalog's",
        DenyCode::UnknownItem => "there is no such item",
        DenyCode::DuplicateFiscal => "its receipt number was used before",
        DenyCode::Policy => "the shop does not allow it",
    }
}

/// What waits for a person: about what, since when, and what to do.
fn task(kiosk: &Kiosk, id: TaskId, task: &Task, clock: &ShopClock) -> Value {
    let about = |payment: &PaymentId| {
        let order = kiosk.ledger().in_order().find(|o| o.payments.iter().any(|p| p.payment.id == *payment));
        order.map_or_else(|| payment.to_string(), |o| format!("order {}", o.order.number))
    };
    let number = |record: Option<&OrderRecord>| {
        record.map_or_else(|| "no order".to_owned(), |o| format!("order {}", o.order.number))
    };
    let (what, todo) = match &task.kind {
        TaskKind::UnclearPayment { payment } => (
            format!("{}: it is unclear whether the card was charged", about(payment)),
            format!(
                "look into the terminal's journal, then: kioskctl resolve {payment} taken|not-taken|given-back"
            ),
        ),
        TaskKind::ReversedByTerminal { payment, order } => (
            format!("{}: the terminal gave the money back by itself", number(kiosk.ledger().order(*order))),
            format!("tell the customer, then: kioskctl done {id} (payment {payment})"),
        ),
        TaskKind::AmountDiffers { payment } => (
            format!("{}: the terminal told another amount", about(payment)),
            format!("compare with the terminal's journal, then: kioskctl done {id} (payment {payment})"),
        ),
        TaskKind::CustomerCalled { order } => (
            format!("a customer called ({})", number(order.and_then(|id| kiosk.ledger().order(id)))),
            format!("go there, then: kioskctl done {id}"),
        ),
        TaskKind::UnexplainedTransaction { evidence, .. } => (
            format!("the terminal was used by hand: {evidence}"),
            format!("refund it at the terminal if it was a mistake, then: kioskctl done {id}"),
        ),
        TaskKind::SaleDenied { order, code } => (
            format!("{}: paid, and the fleet says {}", number(kiosk.ledger().order(*order)), denied(*code)),
            format!(
                "offer something else or give the money back (kioskctl order reverse), then: kioskctl done {id}"
            ),
        ),
        TaskKind::StoreReplaced { moved_to, why } => (
            format!("the store was damaged ({why}); a new one was begun without the old orders"),
            format!(
                "keep {moved_to}, compare its sales with the terminal's and the fleet's, then: kioskctl done {id}"
            ),
        ),
    };
    json!({
        "id": id.to_string(), "since": orders::stamp(task.at.0), "since_local": clock.stamp(task.at),
        "what": what, "do": todo,
    })
}
