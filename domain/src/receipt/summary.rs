//! Texts for QR codes: short, self-contained, readable without any service.

use std::fmt::Write;

use super::sheet::{fiscal_text, gross_of, plain, times};
use super::words::{Word, word};
use crate::config::KioskConfig;
use crate::format;
use crate::kiosk::ledger::{OrderRecord, PaymentRecord};
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

/// The receipt in a few lines, for the customer's phone.
pub(crate) fn summary(config: &KioskConfig, record: &OrderRecord, now: &Now) -> String {
    let order = &record.order;
    let money =
        |amount| left_to_right(&order.lang, &plain(&format::money(amount, order.currency, &order.lang)));
    let mut end = String::new();
    let mut write_end = |line: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        let written = end.write_fmt(line).and_then(|()| end.write_char('\n'));
        debug_assert!(written.is_ok(), "a string takes everything");
    };
    write_end(format_args!("{} {}", word(&order.lang, Word::Total), money(order.total)));
    if let Some(tip) = record.paying().map(|p| p.payment.tip).filter(|tip| tip.0 > 0) {
        write_end(format_args!("{} {}", word(&order.lang, Word::Tip), money(tip)));
    }
    for tax in &order.taxes {
        let rate = plain(&format::percent(tax.rate, &order.lang));
        write_end(format_args!("{} {rate} {}", word(&order.lang, Word::Tax), money(tax.tax)));
    }
    if let Some((number, at)) = record.paid {
        let local = format::local(now, at);
        let day = format::date(local.date, &order.lang);
        write_end(format_args!("{day} {} {}", format::time(local.minute), fiscal_text(config, number)));
    }
    let mut text = String::new();
    if let Some(name) = config.shop.header.first() {
        text.push_str(name);
        text.push('\n');
    }
    text.push_str(&order.number.to_string());
    text.push('\n');
    let shown = order.lines.iter().filter(|line| line.slot.is_none() || line.deposit);
    for line in shown {
        let count = format::quantity(line.quantity, &order.lang);
        let what = times(&count, &line.name, &order.lang);
        let row = format!("{what} {}\n", money(gross_of(&order.lines, line)));
        if text.len() + row.len() + end.len() > SUMMARY_MAX_BYTES {
            text.push_str("…\n");
            break;
        }
        text.push_str(&row);
    }
    text + &end
}
