//! The receipt of a sale, and its copies.

use super::sheet::Sheet;
use super::words::Word;
use super::{Block, ReceiptDocument, ReceiptKind, Style, order_reference};
use crate::config::KioskConfig;
use crate::kiosk::ledger::OrderRecord;
use crate::money::Minor;
use crate::time::Now;

pub(super) fn sale(config: &KioskConfig, order: &OrderRecord, copy: u32, now: &Now) -> ReceiptDocument {
    let mut sheet = Sheet::new(&order.order.lang, order.order.currency);
    sheet.header(config);
    sheet.copy_mark(copy);
    sheet.number(order);
    sheet.rule();
    sheet.lines(order);
    sheet.rule();
    totals(&mut sheet, order);
    sheet.rule();
    sheet.taxes(order, 1);
    sheet.rule();
    if let Some((number, at)) = order.paid {
        sheet.fiscal(config, number);
        sheet.moment(order, at, now);
    }
    terminal_text(&mut sheet, order);
    sheet.push(Block::Space(1));
    sheet.push(Block::Qr(order_reference(order).into()));
    sheet.footer(config);
    sheet.finish(if copy > 0 { ReceiptKind::Copy } else { ReceiptKind::Sale })
}

/// The sum, the tip, and how it was paid.
fn totals(sheet: &mut Sheet, order: &OrderRecord) {
    let total = order.order.total;
    sheet.columns(sheet.word(Word::Total), sheet.money(total), Style::Large);
    let Some(payment) = order.paying() else {
        if total == Minor::ZERO {
            sheet.columns(sheet.word(Word::Free), "", Style::Normal);
        }
        sheet.push(Block::Total(total));
        return;
    };
    let (paid, tip) = (payment.payment.amount, payment.payment.tip);
    if tip > Minor::ZERO {
        sheet.columns(sheet.word(Word::Tip), sheet.money(tip), Style::Normal);
        sheet.columns(sheet.word(Word::Paid), sheet.money(paid), Style::Strong);
    }
    sheet.payment(payment, paid);
    sheet.push(Block::Total(paid));
}

/// The terminal's own words for the customer, which the card schemes ask for.
fn terminal_text(sheet: &mut Sheet, order: &OrderRecord) {
    let Some(payment) = order.paying().filter(|p| !p.receipt_customer.is_empty()) else { return };
    sheet.rule();
    // Set by the terminal for a narrow paper of its own: its rows keep their places as one block in the middle.
    let columns = payment.receipt_customer.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    for line in &payment.receipt_customer {
        sheet.center(format!("{line:<columns$}"), Style::Small);
    }
}
