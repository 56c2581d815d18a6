//! The receipt as a document: what to say, not how a printer says it. Built from the stored facts of the order
//! alone, so that a copy years later says the same.

mod sale;
mod sheet;
mod slip;
mod summary;
mod ticket;
pub(crate) mod words;

use std::sync::Arc;

use crate::config::KioskConfig;
use crate::kiosk::ledger::{OrderRecord, ReceiptRecord};

use crate::money::Minor;
use crate::text::Lang;
use crate::time::Now;

pub(crate) use summary::{order_reference, payment_reference, summary};
pub(crate) use ticket::{TicketMark, ticket};

/// A receipt, kitchen ticket or slip, ready to be laid out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReceiptDocument {
    /// Language, for direction and fonts.
    pub lang: Lang,
    /// What it is.
    pub kind: ReceiptKind,
    /// From top to bottom.
    pub blocks: Vec<Block>,
}

/// What a document is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReceiptKind {
    /// The customer's receipt.
    Sale,
    /// The same again, marked.
    Copy,
    /// Proof of money given back.
    Refund,
    /// "Please pay at the counter".
    PayAtCounter,
    /// For the kitchen.
    Kitchen,
}

/// One part of a document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Block {
    /// The mark of the shop.
    Logo,
    /// A line of text.
    Line {
        /// The words.
        text: Arc<str>,
        /// Where.
        align: Align,
        /// How.
        style: Style,
    },
    /// Two columns: words at the start, an amount or word at the end.
    Columns {
        /// At the start.
        left: Arc<str>,
        /// At the end.
        right: Arc<str>,
        /// How.
        style: Style,
    },
    /// A rule across.
    Rule,
    /// Empty space of so many lines.
    Space(u8),
    /// A QR code.
    Qr(Arc<str>),
    /// A bar code (CODE 128).
    Barcode(Arc<str>),
    /// The amount handed over or taken, for machines that read the document; not printed.
    Total(Minor),
}

/// Where a line stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Align {
    /// Where reading starts.
    Start,
    /// In the middle.
    Center,
    /// Where reading ends.
    End,
}

/// How a line looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// Ordinary.
    Normal,
    /// Smaller, for details.
    Small,
    /// Bold.
    Strong,
    /// Twice the size, bold: totals.
    Large,
    /// As large as it gets: the order number.
    Huge,
}

/// The document of a print job.
pub(crate) fn receipt(
    config: &KioskConfig,
    order: &OrderRecord,
    receipt: &ReceiptRecord,
    now: &Now,
) -> ReceiptDocument {
    match receipt.kind {
        ReceiptKind::Sale | ReceiptKind::Copy => sale::sale(config, order, receipt.copy, now),
        ReceiptKind::Refund => slip::refund(config, order, receipt.copy, now),
        ReceiptKind::PayAtCounter => slip::pay_at_counter(config, order, receipt.copy, now),
        ReceiptKind::Kitchen => ticket(config, order, TicketMark::MayBeKnown, now),
    }
}

/// What would be printed for an order now.
pub(crate) fn of_order(config: &KioskConfig, order: &OrderRecord, now: &Now) -> ReceiptDocument {
    if order.paid.is_some() {
        sale::sale(config, order, 0, now)
    } else {
        slip::pay_at_counter(config, order, 0, now)
    }
}
