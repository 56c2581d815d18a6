//! The receipt as a document: what to say, not how a printer says it.

use std::sync::Arc;

use crate::money::Minor;
use crate::text::Lang;

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
