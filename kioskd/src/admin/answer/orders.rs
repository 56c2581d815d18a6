//! Orders, as the tools show them.

use domain::format;
use domain::ids::OrderId;
use domain::kiosk::ledger::{KitchenState, OrderRecord, PaymentRecord, PrintState};
use domain::money::{Currency, Minor};
use domain::payment::{CODE_NOT_STARTED, CODE_NOT_TOLD, PaymentState};
use domain::text::Lang;
use hal::printer::{Profile, encode};
use serde_json::{Value, json};
use store::OrderRow;

use super::{Said, status};
use crate::core::Core;
use crate::devices;
use crate::receipt_text;

/// The order with this number (the newest of that name) or id.
pub(super) fn find<'a>(core: &'a Core, name: &str) -> Result<&'a OrderRecord, String> {
    let ledger = core.kiosk().ledger();
    let found = match super::parse_uuid(name) {
        Some(id) => ledger.order(OrderId(id)),
        None => {
            ledger.in_order().rev().find(|record| record.order.number.to_string().eq_ignore_ascii_case(name))
        }
    };
    found.ok_or_else(|| format!("no order {name:?} in memory; kioskctl orders lists them"))
}

/// An order of the list.
pub(super) fn row(row: &OrderRow) -> Value {
    json!({
        "id": row.id.to_string(),
        "number": row.number,
        "placed": stamp(row.placed_ms),
        "placed_ms": row.placed_ms,
        "mode": row.mode,
        "pieces": row.pieces,
        "total": money(row.total, row.currency),
        "total_minor": row.total.0,
        "state": if row.refunded.0 > 0 { "refunded" } else { row.state.as_str() },
        "fiscal": row.fiscal.map(|f| f.n),
        "fiscal_series": row.fiscal.map(|f| f.series),
        "refunded_minor": row.refunded.0,
    })
}

/// One order with everything.
pub(super) fn show(core: &mut Core, name: &str) -> Said {
    let record = find(core, name)?;
    let order = &record.order;
    let lines: Vec<Value> = order
        .lines
        .iter()
        .map(|line| {
            let changes: Vec<String> = line.modifiers.iter().map(|m| m.name.to_string()).collect();
            json!({
                "name": line.name.as_ref(),
                "part_of_meal": line.slot.is_some(),
                "changes": changes,
                "quantity": format::quantity(line.quantity, &Lang::new("en")),
                "net": money(line.net, order.currency),
                "net_minor": line.net.0,
            })
        })
        .collect();
    Ok(json!({
        "id": order.id.to_string(),
        "number": order.number.to_string(),
        "placed": stamp(order.placed_at.0),
        "state": if is_refunded(record) { "refunded" } else { status::order_state(record.state) },
        "fiscal": record.paid.map(|(fiscal, _)| json!({"series": fiscal.series, "n": fiscal.n})),
        "total": money(order.total, order.currency),
        "total_minor": order.total.0,
        "catalog_rev": order.catalog_rev,
        "lines": lines,
        "payments": record.payments.iter().map(payment).collect::<Vec<_>>(),
        "receipts": record.receipts.iter().map(|r| json!({
            "id": r.id.to_string(), "kind": format!("{:?}", r.kind), "copy": r.copy, "state": print_state(&r.state),
        })).collect::<Vec<_>>(),
        "kitchen": record.kitchen.iter().map(|k| json!({
            "id": k.id.to_string(), "state": kitchen_state(k.state),
        })).collect::<Vec<_>>(),
    }))
}

/// Paid once, and the money went back.
fn is_refunded(record: &OrderRecord) -> bool {
    record.paid.is_some() && record.paying().is_some_and(|p| p.state == PaymentState::Reversed)
}

fn payment(record: &PaymentRecord) -> Value {
    let payment = &record.payment;
    json!({
        "id": payment.id.to_string(),
        "tender": format!("{:?}", payment.tender),
        "amount": money(payment.amount, payment.currency),
        "amount_minor": payment.amount.0,
        "tip_minor": payment.tip.0,
        "state": payment_state(&record.state),
        "card": record.approval.as_ref().and_then(|a| a.pan_masked.as_deref()),
        "brand": record.approval.as_ref().and_then(|a| a.brand.as_deref()),
        "terminal_receipt_no": record.approval.as_ref().and_then(|a| a.receipt_no),
        "trace": record.approval.as_ref().and_then(|a| a.trace),
    })
}

fn payment_state(state: &PaymentState) -> String {
    match state {
        PaymentState::Created => "created".into(),
        PaymentState::Sending => "sending".into(),
        PaymentState::Unknown => "unknown".into(),
        PaymentState::Approved(_) => "approved".into(),
        PaymentState::Completed(_) => "completed".into(),
        PaymentState::Declined { code: CODE_NOT_STARTED } => "not taken: it never began".into(),
        PaymentState::Declined { code: CODE_NOT_TOLD } => "not taken: the terminal told no reason".into(),
        PaymentState::Declined { code } => format!("declined (code {code:02X})"),
        PaymentState::Cancelled => "cancelled".into(),
        PaymentState::TimedOut => "timed out".into(),
        PaymentState::Reversing(_) => "reversing".into(),
        PaymentState::ReversalUnknown(_) => "reversal unknown".into(),
        PaymentState::Reversed => "reversed".into(),
        PaymentState::NeedsStaff { evidence } => format!("needs staff: {evidence}"),
    }
}

fn print_state(state: &PrintState) -> String {
    match state {
        PrintState::Queued => "queued".into(),
        PrintState::Sent => "sent".into(),
        PrintState::Confirmed => "confirmed".into(),
        PrintState::Unconfirmed => "printed, not confirmed".into(),
        PrintState::Unknown => "unknown".into(),
        PrintState::Declined => "not wanted".into(),
        PrintState::Failed(why) => format!("failed: {why}"),
    }
}

fn kitchen_state(state: KitchenState) -> &'static str {
    match state {
        KitchenState::Queued => "queued",
        KitchenState::Dispatched => "dispatched",
        KitchenState::Taken => "taken",
        KitchenState::Withdrawn => "withdrawn",
    }
}

/// The receipt of an order, as text and as a printer would get it.
pub(super) fn receipt(core: &mut Core, name: &str) -> Said {
    let id = find(core, name)?.order.id;
    let document = core.kiosk().order_document(id, &core.clock().now()).ok_or("this order has no receipt")?;
    let paper = devices::paper(&document, None);
    let encoded = encode(&paper, &Profile::tm_t88v(), None).map_err(|e| e.to_string())?;
    let hex: String = encoded.bytes.iter().map(|b| format!("{b:02x}")).collect();
    Ok(json!({"text": receipt_text::text(&document), "escpos": hex}))
}

fn money(amount: Minor, currency: Currency) -> String {
    format::money(amount, currency, &Lang::new("en"))
}

/// Date and time in UTC, for people and for sorting.
pub(super) fn stamp(wall_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(wall_ms)
        .map_or_else(|_| wall_ms.to_string(), |t| t.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}
