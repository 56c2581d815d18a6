//! Texts for QR codes: short, self-contained, readable without any service.

use super::sheet::{fiscal_text, gross_of, plain, times};
use super::words::{Word, word};
use crate::config::KioskConfig;
use crate::format;
use crate::ids::RuleId;
use crate::kiosk::ledger::{OrderRecord, PaymentRecord};
use crate::money::Minor;
use crate::order::{Order, OrderTax};
use crate::text::Lang;
use crate::time::Now;

/// A QR code of this many bytes is still read from a kiosk's screen by an old phone (version 18, level M, two bytes of
/// which say that it is UTF-8).
const SUMMARY_MAX_BYTES: usize = 558;

/// Names an order for people and machines: `K3-042 019f…`.
pub(crate) fn order_reference(order: &OrderRecord) -> String {
    format!("{} {}", order.order.number, order.order.id)
}

/// Names an unclear payment for the staff.
pub(crate) fn payment_reference(order: &OrderRecord, payment: &PaymentRecord) -> String {
    let ours = &payment.payment;
    format!(
        "{}\npayment {}\namount {} {}\nsent {}",
        order_reference(order),
        ours.id,
        plain(&format::amount(ours.amount, ours.currency, &Lang::new("en"))),
        ours.currency.code(),
        payment.sent_at.map_or(0, |at| at.0),
    )
}

/// An amount among words: its sign stays on its side. Only what a phone shows needs the mark.
fn left_to_right(lang: &Lang, amount: &str) -> String {
    const MARK: char = '\u{200e}';
    if lang.is_rtl() { format!("{MARK}{amount}{MARK}") } else { amount.to_owned() }
}

/// The receipt in a few lines, for the customer's phone. The amounts above the total add up to it; on an order that is
/// too long the last of them is the sum of those that are left out.
pub(crate) fn summary(config: &KioskConfig, record: &OrderRecord, now: &Now) -> String {
    let order = &record.order;
    let head = format!("{}{}\n", name_of_shop(config), order.number);
    let end = below_the_rows(config, record, now);
    let rows = rows(order);
    let room = SUMMARY_MAX_BYTES.saturating_sub(head.len() + end.len());
    head + &fitting(order, &rows, room) + &end
}

fn name_of_shop(config: &KioskConfig) -> String {
    config.shop.header.first().map(|name| format!("{name}\n")).unwrap_or_default()
}

fn money(order: &Order, amount: Minor) -> String {
    left_to_right(&order.lang, &plain(&format::money(amount, order.currency, &order.lang)))
}

/// The total, and what stands below it: tip, included taxes, the legal number.
fn below_the_rows(config: &KioskConfig, record: &OrderRecord, now: &Now) -> String {
    let order = &record.order;
    let is_open = record.paid.is_none() && order.total.0 > 0;
    let sum = word(&order.lang, if is_open { Word::ToPay } else { Word::Total });
    let mut lines = vec![format!("{sum} {}", money(order, order.total))];
    if let Some(tip) = record.paying().map(|p| p.payment.tip).filter(|tip| tip.0 > 0) {
        lines.push(format!("{} {}", word(&order.lang, Word::Tip), money(order, tip)));
    }
    lines.extend(order.taxes.iter().filter(|tax| tax.inclusive).map(|tax| tax_row(order, tax)));
    if let Some((number, at)) = record.paid {
        let local = format::local(now, at);
        let day = format::date(local.date, &order.lang);
        lines.push(format!("{day} {} {}", format::time(local.minute), fiscal_text(config, number)));
    }
    if is_open {
        lines.push(word(&order.lang, Word::NotAReceipt).to_owned());
    }
    if record.is_refunded() {
        lines.push(word(&order.lang, Word::GivenBack).to_owned());
    }
    lines.join("\n") + "\n"
}

fn tax_row(order: &Order, tax: &OrderTax) -> String {
    format!("{} {}", tax_name(order, tax), money(order, tax.tax))
}

fn tax_name(order: &Order, tax: &OrderTax) -> String {
    format!("{} {}", word(&order.lang, Word::Tax), plain(&format::percent(tax.rate, &order.lang)))
}

/// Everything that makes up the total: goods before discounts, each discount once, surcharges, taxes on top.
fn rows(order: &Order) -> Vec<(String, Minor)> {
    let shown = order.lines.iter().filter(|line| line.slot.is_none() || line.deposit);
    let mut rows: Vec<(String, Minor)> = shown
        .map(|line| {
            let count = format::quantity(line.quantity, &order.lang);
            (times(&count, &line.name, &order.lang), gross_of(&order.lines, line))
        })
        .collect();
    let mut discounts: Vec<(&RuleId, &str, Minor)> = Vec::new();
    for (rule, name, amount) in order.lines.iter().flat_map(|line| &line.discounts) {
        match discounts.iter_mut().find(|(id, _, _)| *id == rule) {
            Some((_, _, sum)) => *sum += *amount,
            None => discounts.push((rule, name, *amount)),
        }
    }
    rows.extend(discounts.into_iter().map(|(_, name, sum)| (name.to_owned(), -sum)));
    rows.extend(order.surcharges.iter().map(|s| (s.name.to_string(), s.amount)));
    let on_top = order.taxes.iter().filter(|tax| !tax.inclusive);
    rows.extend(on_top.map(|tax| (tax_name(order, tax), tax.tax)));
    rows
}

/// As many rows as fit; the others as one.
fn fitting(order: &Order, rows: &[(String, Minor)], room: usize) -> String {
    let row = |(name, amount): &(String, Minor)| format!("{name} {}\n", money(order, *amount));
    let texts: Vec<String> = rows.iter().map(row).collect();
    let mut left_out = ("…".to_owned(), Minor::ZERO);
    let mut shown = rows.len();
    loop {
        let mut text = texts[..shown].concat();
        if shown < rows.len() {
            text.push_str(&row(&left_out));
        }
        if text.len() <= room || shown == 0 {
            return text;
        }
        shown -= 1;
        left_out.1 += rows[shown].1;
    }
}
