//! The kitchen ticket: what to make, large, nothing else. It speaks the shop's language, not the customer's.

use super::sheet::{Sheet, mode_word, several, times};
use super::{Align, ReceiptDocument, ReceiptKind, Style};
use crate::config::KioskConfig;
use crate::format;
use crate::kiosk::ledger::OrderRecord;
use crate::money::Quantity;
use crate::order::{OrderLine, OrderState};
use crate::text::Lang;
use crate::time::Now;

/// Whether the kitchen may have seen a ticket before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TicketMark {
    /// Certainly not.
    First,
    /// It was handed out before, and nobody confirmed it.
    MayBeKnown,
}

pub(crate) fn ticket(
    config: &KioskConfig,
    order: &OrderRecord,
    mark: TicketMark,
    now: &Now,
) -> ReceiptDocument {
    let lang = config.default_lang.clone().unwrap_or_else(|| Lang::new("en"));
    let mut sheet = Sheet::new(&lang, order.order.currency);
    if mark == TicketMark::MayBeKnown {
        sheet.center("*** REPEAT - CHECK FIRST ***", Style::Strong);
    }
    if order.state == OrderState::AcceptedUnpaid {
        sheet.center("*** NOT PAID YET ***", Style::Strong);
    }
    sheet.center(format!("{:03}", order.order.number.counter), Style::Huge);
    sheet.center(sheet.word(mode_word(order.order.mode)), Style::Large);
    let at = format::local(now, order.order.placed_at);
    sheet.columns(order.order.number.to_string(), format::time(at.minute), Style::Small);
    for station in stations(order) {
        sheet.rule();
        sheet.line(station, Align::Start, Style::Strong);
        for line in order.order.lines.iter().filter(|line| line.station.as_deref() == Some(station)) {
            sheet.line(what(line, &lang), Align::Start, Style::Large);
            for modifier in &line.modifiers {
                let name = several(modifier.count, &modifier.kitchen_name, &lang);
                sheet.line(format!("   {name}"), Align::Start, Style::Strong);
            }
        }
    }
    sheet.finish(ReceiptKind::Kitchen)
}

/// The stations that have something to make, in the order of the lines.
fn stations(order: &OrderRecord) -> Vec<&str> {
    let mut stations: Vec<&str> = Vec::new();
    for station in order.order.lines.iter().filter_map(|line| line.station.as_deref()) {
        if !stations.contains(&station) {
            stations.push(station);
        }
    }
    stations
}

/// How many of what.
fn what(line: &OrderLine, lang: &Lang) -> String {
    let count = if line.quantity.0 % Quantity::ONE.0 == 0 {
        line.quantity.whole().to_string()
    } else {
        format::quantity(line.quantity, lang)
    };
    times(&count, &line.kitchen_name, lang)
}
