//! Orders, as the tools show them.

use domain::format;
use domain::ids::OrderId;
use domain::kiosk::ledger::{OrderRecord, PaymentRecord};
use domain::money::{Currency, Minor};
use domain::order::{FiscalNumber, OrderLine, OrderState};
use domain::text::Lang;
use domain::time::WallMs;
use hal::printer::{Profile, encode};
use serde_json::{Value, json};
use store::OrderRow;

use super::{Said, status, words};
use crate::clock::ShopClock;
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

/// What state an order is in, in a word.
pub(super) fn state(record: &OrderRecord) -> &'static str {
    if record.is_refunded() { "refunded" } else { status::order_state(record.state) }
}

/// The same, with what became of the money.
pub(super) fn state_with_payment(record: &OrderRecord) -> String {
    match record.paying().or(record.last_payment()) {
        Some(payment) => format!("{}; its payment: {}", state(record), words::payment_meaning(payment)),
        None => state(record).to_owned(),
    }
}

/// An order of the list.
pub(super) fn row(row: &OrderRow, clock: &ShopClock) -> Value {
    json!({
        "id": row.id.to_string(),
        "number": row.number,
        "placed": stamp(row.placed_ms),
        "placed_local": clock.stamp(WallMs(row.placed_ms)),
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

/// One order with everything. Amounts are there twice: in minor units for machines, in words for people.
pub(super) fn show(core: &mut Core, name: &str) -> Said {
    let record = find(core, name)?;
    // The staff read the shop's language, whatever the customer's was.
    let order = &core.kiosk().order_for_staff(record.order.id).unwrap_or_else(|| record.order.clone());
    let amount = |it: Minor| money(it, order.currency);
    let tip = record.paying().map_or(Minor::ZERO, |p| p.payment.tip);
    Ok(json!({
        "id": order.id.to_string(),
        "number": order.number.to_string(),
        "placed": stamp(order.placed_at.0),
        "placed_local": core.clock().stamp(order.placed_at),
        "mode": words::mode(order.mode),
        "state": state(record),
        "cancelled": record.cancelled.map(words::cancelled),
        "fiscal": record.paid.map(|(fiscal, _)| fiscal_number(fiscal)),
        "paid_local": record.paid.map(|(_, at)| core.clock().stamp(at)),
        "lines": order.lines.iter().map(|it| line(it, order.currency)).collect::<Vec<_>>(),
        "surcharges": order.surcharges.iter().map(|it| json!({
            "name": it.name.as_ref(), "amount": amount(it.amount), "amount_minor": it.amount.0,
        })).collect::<Vec<_>>(),
        "discount": amount(order.discount),
        "discount_minor": order.discount.0,
        "taxes": order.taxes.iter().map(|it| json!({
            "name": it.name.as_ref(), "rate": format::percent(it.rate, &Lang::new("en")),
            "inclusive": it.inclusive,
            "base": amount(it.base), "base_minor": it.base.0, "tax": amount(it.tax), "tax_minor": it.tax.0,
        })).collect::<Vec<_>>(),
        "total": amount(order.total),
        "total_minor": order.total.0,
        "tip": amount(tip),
        "tip_minor": tip.0,
        "total_with_tip": amount(order.total + tip),
        "total_with_tip_minor": (order.total + tip).0,
        "catalog_rev": order.catalog_rev,
        "payments": record.payments.iter().map(payment).collect::<Vec<_>>(),
        "refunded": amount(record.refunded()),
        "refunded_minor": record.refunded().0,
        "refunds": record.refunds.iter().copied().map(fiscal_number).collect::<Vec<_>>(),
        "receipts": record.receipts.iter().map(|r| json!({
            "id": r.id.to_string(), "kind": words::receipt_kind(r.kind), "copy": r.copy, "state": words::print_state(&r.state),
        })).collect::<Vec<_>>(),
        "kitchen": record.kitchen.iter().map(|k| json!({
            "id": k.id.to_string(), "state": words::kitchen_state(k.state),
        })).collect::<Vec<_>>(),
    }))
}

fn line(line: &OrderLine, currency: Currency) -> Value {
    let changes: Vec<&str> = line.modifiers.iter().map(|m| m.name.as_ref()).collect();
    json!({
        "name": line.name.as_ref(),
        "part_of_meal": line.slot.is_some(),
        "changes": changes,
        "modifiers": line.modifiers.iter().map(|m| json!({
            "name": m.name.as_ref(), "count": m.count,
            "price": money(m.price, currency), "price_minor": m.price.0,
        })).collect::<Vec<_>>(),
        "discounts": line.discounts.iter().map(|(_, name, off)| json!({
            "name": name.as_ref(), "amount": money(*off, currency), "amount_minor": off.0,
        })).collect::<Vec<_>>(),
        "quantity": format::quantity(line.quantity, &Lang::new("en")),
        "gross": money(line.gross, currency),
        "gross_minor": line.gross.0,
        "net": money(line.net, currency),
        "net_minor": line.net.0,
    })
}

fn fiscal_number(fiscal: FiscalNumber) -> Value {
    json!({"series": fiscal.series, "n": fiscal.n})
}

fn payment(record: &PaymentRecord) -> Value {
    let payment = &record.payment;
    json!({
        "id": payment.id.to_string(),
        "tender": format!("{:?}", payment.tender),
        "amount": money(payment.amount, payment.currency),
        "amount_minor": payment.amount.0,
        "tip_minor": payment.tip.0,
        "state": words::payment_state(&record.state),
        "meaning": words::payment_meaning(record),
        "card": record.approval.as_ref().and_then(|a| a.pan_masked.as_deref()),
        "brand": record.approval.as_ref().and_then(|a| a.brand.as_deref()),
        "terminal_receipt_no": record.approval.as_ref().and_then(|a| a.receipt_no),
        "trace": record.approval.as_ref().and_then(|a| a.trace),
    })
}

/// The receipt of an order, as text and as a printer would get it.
pub(super) fn receipt(core: &mut Core, name: &str) -> Said {
    let record = find(core, name)?;
    if let Some(why) = no_receipt(record) {
        return Err(why);
    }
    let id = record.order.id;
    let document = core.kiosk().order_document(id, &core.clock().now()).ok_or("this order has no receipt")?;
    let paper = devices::paper(&document, None);
    let encoded = encode(&paper, &Profile::tm_t88v(), None).map_err(|e| e.to_string())?;
    let escpos = protocol::text::hex(&encoded.bytes);
    Ok(json!({"text": receipt_text::text(&document), "escpos": escpos}))
}

/// Nothing is to be paid for an order that was given up, and nothing was: no slip may ask for money.
fn no_receipt(record: &OrderRecord) -> Option<String> {
    if record.paid.is_some() {
        return None;
    }
    let end = match record.state {
        OrderState::Cancelled => {
            let why = record.cancelled.map(|why| format!(" ({})", words::cancelled(why))).unwrap_or_default();
            format!("cancelled{why}")
        }
        OrderState::Expired => "not paid in time and has expired".to_owned(),
        OrderState::Placed
        | OrderState::AwaitingPayment
        | OrderState::PaymentUnknown
        | OrderState::Paid
        | OrderState::AcceptedUnpaid
        | OrderState::Fulfilling
        | OrderState::Closed => return None,
    };
    Some(format!("order {} was {end}; nothing was paid, so it has no receipt", record.order.number))
}

fn money(amount: Minor, currency: Currency) -> String {
    format::money(amount, currency, &Lang::new("en"))
}

/// Date and time in UTC, for people and for sorting.
pub(super) fn stamp(wall_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(wall_ms)
        .map_or_else(|_| wall_ms.to_string(), |t| t.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}
