//! The slip for paying at the counter, and the proof of money given back.

use super::sheet::Sheet;
use super::words::Word;
use super::{Block, ReceiptDocument, ReceiptKind, Style, order_reference};
use crate::config::KioskConfig;
use crate::kiosk::ledger::OrderRecord;
use crate::time::Now;

pub(super) fn pay_at_counter(
    config: &KioskConfig,
    order: &OrderRecord,
    copy: u32,
    now: &Now,
) -> ReceiptDocument {
    let mut sheet = Sheet::new(&order.order.lang, order.order.currency);
    sheet.header(config);
    sheet.copy_mark(copy);
    sheet.center(sheet.word(Word::PayAtCounter), Style::Strong);
    sheet.number(order);
    sheet.rule();
    sheet.lines(order);
    sheet.rule();
    sheet.columns(sheet.word(Word::ToPay), sheet.money(order.order.total), Style::Large);
    sheet.push(Block::Total(order.order.total));
    sheet.moment(order, order.order.placed_at, now);
    sheet.push(Block::Qr(order_reference(order).into()));
    sheet.center(sheet.word(Word::NotAReceipt), Style::Small);
    sheet.finish(ReceiptKind::PayAtCounter)
}

pub(super) fn refund(config: &KioskConfig, order: &OrderRecord, copy: u32, now: &Now) -> ReceiptDocument {
    let mut sheet = Sheet::new(&order.order.lang, order.order.currency);
    sheet.header(config);
    sheet.copy_mark(copy);
    sheet.center(sheet.word(Word::Refund), Style::Large);
    sheet.rule();
    sheet.lines(order);
    sheet.rule();
    let given_back = order.refunded();
    sheet.columns(sheet.word(Word::GivenBack), sheet.money(-given_back), Style::Large);
    if let Some(payment) = order.paying() {
        sheet.payment(payment, -given_back);
    }
    sheet.push(Block::Total(-given_back));
    sheet.rule();
    sheet.taxes(order, -1);
    sheet.rule();
    if let Some(number) = order.refunds.last() {
        sheet.fiscal(config, *number);
    }
    // The sale that it belongs to.
    if let Some((number, at)) = order.paid {
        sheet.fiscal(config, number);
        sheet.moment(order, at, now);
    }
    sheet.push(Block::Qr(order_reference(order).into()));
    sheet.footer(config);
    sheet.finish(ReceiptKind::Refund)
}
