//! The parts that all receipts share: a sheet that is filled from top to bottom.

use std::sync::Arc;

use super::words::{Word, word};
use super::{Align, Block, ReceiptDocument, ReceiptKind, Style};
use crate::cart::ServiceMode;
use crate::config::KioskConfig;
use crate::format;
use crate::kiosk::ledger::{OrderRecord, PaymentRecord};
use crate::money::{Currency, Minor, Quantity};
use crate::order::{FiscalNumber, OrderLine};
use crate::payment::Tender;
use crate::text::Lang;
use crate::time::{Now, WallMs};

/// Components and changes stand in from their line by this much.
const INDENT: &str = "  ";

pub(super) struct Sheet {
    lang: Lang,
    currency: Currency,
    blocks: Vec<Block>,
}

impl Sheet {
    pub fn new(lang: &Lang, currency: Currency) -> Self {
        Self { lang: lang.clone(), currency, blocks: Vec::new() }
    }

    pub fn finish(self, kind: ReceiptKind) -> ReceiptDocument {
        ReceiptDocument { lang: self.lang, kind, blocks: self.blocks }
    }

    pub fn word(&self, what: Word) -> &'static str {
        word(&self.lang, what)
    }

    /// An amount, with a plain space: not every printer knows the one that does not break.
    pub fn money(&self, amount: Minor) -> String {
        plain(&format::money(amount, self.currency, &self.lang))
    }

    pub fn push(&mut self, block: Block) {
        self.blocks.push(block);
    }

    pub fn line(&mut self, text: impl Into<Arc<str>>, align: Align, style: Style) {
        self.push(Block::Line { text: text.into(), align, style });
    }

    pub fn center(&mut self, text: impl Into<Arc<str>>, style: Style) {
        self.line(text, Align::Center, style);
    }

    pub fn columns(&mut self, left: impl Into<Arc<str>>, right: impl Into<Arc<str>>, style: Style) {
        self.push(Block::Columns { left: left.into(), right: right.into(), style });
    }

    pub fn rule(&mut self) {
        self.push(Block::Rule);
    }

    /// The shop's mark, name and address.
    pub fn header(&mut self, config: &KioskConfig) {
        self.push(Block::Logo);
        for (i, line) in config.shop.header.iter().enumerate() {
            self.center(line.clone(), if i == 0 { Style::Strong } else { Style::Small });
        }
        self.push(Block::Space(1));
    }

    pub fn footer(&mut self, config: &KioskConfig) {
        for line in &config.shop.footer {
            self.center(line.clone(), Style::Small);
        }
    }

    /// "COPY", and which one.
    pub fn copy_mark(&mut self, copy: u32) {
        if copy > 0 {
            self.center(format!("*** {} {copy} ***", self.word(Word::Copy)), Style::Strong);
        }
    }

    /// The number to wait for, and how the goods are taken.
    pub fn number(&mut self, order: &OrderRecord) {
        self.center(self.word(Word::YourNumber), Style::Normal);
        self.center(order.order.number.counter.to_string(), Style::Huge);
        self.center(self.word(mode_word(order.order.mode)), Style::Strong);
    }

    /// Everything that was bought, with its changes and discounts.
    pub fn lines(&mut self, order: &OrderRecord) {
        let lines = &order.order.lines;
        for line in lines {
            if line.slot.is_some() && !line.deposit {
                self.columns(format!("{INDENT}{}", self.counted(line)), "", Style::Normal);
            } else {
                let gross = self.money(gross_of(lines, line));
                self.columns(self.counted(line), gross, Style::Normal);
            }
            for modifier in &line.modifiers {
                let name = several(modifier.count, &modifier.name, &self.lang);
                self.line(format!("{INDENT}{INDENT}{name}"), Align::Start, Style::Small);
            }
            for (_, name, amount) in &line.discounts {
                self.columns(format!("{INDENT}{name}"), self.money(-*amount), Style::Small);
            }
        }
        for surcharge in &order.order.surcharges {
            self.columns(surcharge.name.clone(), self.money(surcharge.amount), Style::Normal);
        }
    }

    fn counted(&self, line: &OrderLine) -> String {
        if line.quantity == Quantity::ONE {
            line.name.to_string()
        } else {
            times(&format::quantity(line.quantity, &self.lang), &line.name, &self.lang)
        }
    }

    /// Net, tax and gross for each rate. `sign` is -1 on a refund.
    pub fn taxes(&mut self, order: &OrderRecord, sign: i64) {
        let taxes = &order.order.taxes;
        if taxes.is_empty() {
            self.columns(self.word(Word::Untaxed), "", Style::Small);
            return;
        }
        for tax in taxes {
            let (net, vat) = (Minor(tax.base.0 * sign), Minor(tax.tax.0 * sign));
            let rate = plain(&format::percent(tax.rate, &self.lang));
            // Many shops write the rate into the name.
            let name =
                if tax.name.contains('%') { tax.name.to_string() } else { format!("{} {rate}", tax.name) };
            if self.lang.is_rtl() {
                // Among words that run to the left a minus would change its side; alone in a column it does not.
                self.columns(format!("{name}  {}", self.word(Word::Net)), self.amount(net), Style::Small);
                for (what, amount) in [(Word::Tax, vat), (Word::Gross, net + vat)] {
                    self.columns(format!("{INDENT}{}", self.word(what)), self.amount(amount), Style::Small);
                }
                continue;
            }
            let left = format!(
                "{name}  {} {}  {} {}",
                self.word(Word::Net),
                self.amount(net),
                self.word(Word::Tax),
                self.amount(vat)
            );
            let right = format!("{} {}", self.word(Word::Gross), self.amount(net + vat));
            self.columns(left, right, Style::Small);
        }
    }

    fn amount(&self, amount: Minor) -> String {
        plain(&format::amount(amount, self.currency, &self.lang))
    }

    /// How it was paid: brand and last digits, with the terminal's numbers.
    pub fn payment(&mut self, payment: &PaymentRecord, amount: Minor) {
        let approval = payment.approval.clone().unwrap_or_default();
        let name = match payment.payment.tender {
            Tender::Counter => self.word(Word::Counter).to_owned(),
            Tender::Card => {
                let brand = approval.brand.as_deref().unwrap_or_else(|| self.word(Word::Card)).to_owned();
                approval.pan_masked.as_deref().map_or(brand.clone(), |digits| format!("{brand} {digits}"))
            }
        };
        self.columns(name, self.money(amount), Style::Normal);
        let numbers = [("TA", approval.trace), ("No", approval.receipt_no)];
        let mut details: Vec<String> =
            numbers.iter().filter_map(|(name, n)| n.map(|n| format!("{name} {n}"))).collect();
        details.extend(approval.auth.map(|auth| format!("Auth {auth}")));
        if !details.is_empty() {
            self.line(details.join("  "), Align::Start, Style::Small);
        }
    }

    /// The legal number of a document.
    pub fn fiscal(&mut self, config: &KioskConfig, number: FiscalNumber) {
        self.columns(self.word(Word::Receipt), fiscal_text(config, number), Style::Small);
    }

    /// What the order is called, and when it was.
    pub fn moment(&mut self, order: &OrderRecord, at: WallMs, now: &Now) {
        let local = format::local(now, at);
        let moment = format!("{} {}", format::date(local.date, &self.lang), format::time(local.minute));
        self.columns(order.order.number.to_string(), moment, Style::Small);
    }
}

/// A fiscal number as printed: kiosk, series, number.
pub(super) fn fiscal_text(config: &KioskConfig, number: FiscalNumber) -> String {
    format!("{}-{}-{}", config.kiosk_id, number.series, number.n)
}

pub(super) fn mode_word(mode: ServiceMode) -> Word {
    match mode {
        ServiceMode::DineIn => Word::EatIn,
        ServiceMode::TakeAway => Word::TakeAway,
        ServiceMode::Delivery => Word::Delivery,
    }
}

/// "2 x Cola". The letter would turn a line of Arabic around; the sign does not.
pub(super) fn times(count: &str, name: &str, lang: &Lang) -> String {
    let sign = if lang.is_rtl() { '×' } else { 'x' };
    format!("{count} {sign} {name}")
}

/// The same, and the plain name for one.
pub(super) fn several(count: u32, name: &str, lang: &Lang) -> String {
    if count > 1 { times(&count.to_string(), name, lang) } else { name.to_owned() }
}

/// With ordinary spaces.
pub(super) fn plain(text: &str) -> String {
    text.replace(['\u{a0}', '\u{202f}'], " ")
}

/// What a line costs before discounts; a combo's header stands for its components.
pub(super) fn gross_of(lines: &[OrderLine], header: &OrderLine) -> Minor {
    let parts = lines.iter().filter(|l| l.line == header.line && l.slot.is_some() && !l.deposit);
    header.gross + if header.deposit { Minor::ZERO } else { parts.map(|l| l.gross).sum() }
}
