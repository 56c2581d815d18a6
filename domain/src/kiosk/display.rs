//! The line display beside the screen: what was added, what is to be paid, which number to wait for.

use std::sync::Arc;

use super::checkout;
use super::pay_page::PayPage;
use super::turn::Turn;
use super::visit::ordered;
use crate::effect::DisplayEffect;
use crate::format;
use crate::money::Minor;
use crate::receipt::words::{Word, word};
use crate::session::DisplayLines;
use crate::text::Lang;

impl Turn<'_> {
    /// Shows what fits the moment, when it has changed.
    pub(super) fn display_duties(&mut self) {
        let lines = self.display_lines();
        if self.session.display == lines {
            return;
        }
        if let Some(DisplayLines { upper, lower }) = lines.clone() {
            self.effect(DisplayEffect::Show { upper, lower });
        }
        self.session.display = lines;
    }

    fn display_lines(&self) -> Option<DisplayLines> {
        let lang = self.visit().map_or_else(|| self.default_lang(), |visit| visit.lang.clone());
        let menu = self.menu()?;
        let brand = || menu.words(&menu.catalog.brand, &lang);
        let Some(visit) = self.visit() else {
            return Some(DisplayLines { upper: brand(), lower: "".into() });
        };
        if let Some(ordered) = ordered(visit) {
            let record = self.ledger.order(ordered.order)?;
            let (amount, currency) = (record.order.total, record.order.currency);
            let tip = || checkout::tip(self.config, &self.session, &self.ledger, record, ordered);
            let due = record
                .last_payment()
                .map_or_else(|| amount + tip().unwrap_or_default(), |p| p.payment.amount);
            let number = || Arc::from(record.order.number.to_string());
            let called = || Arc::from(record.order.number.counter.to_string());
            return Some(match self.pay_page() {
                Some(PayPage::Done) => DisplayLines { upper: called(), lower: brand() },
                Some(PayPage::Unknown) => DisplayLines { upper: number(), lower: "".into() },
                Some(PayPage::Choose | PayPage::AtTerminal | PayPage::Failed | PayPage::Gone) | None => {
                    self.sum(Word::ToPay, due, currency, &lang)
                }
            });
        }
        let last = visit.cart.lines.last();
        let Some(last) = last else { return Some(DisplayLines { upper: brand(), lower: "".into() }) };
        let total = self.sum(Word::Total, visit.price.total(), menu.catalog.currency, &lang);
        Some(DisplayLines { upper: self.item_name(&last.item), ..total })
    }

    fn sum(&self, name: Word, amount: Minor, currency: crate::Currency, lang: &Lang) -> DisplayLines {
        let money = format::money(amount, currency, lang).replace('\u{a0}', " ");
        DisplayLines { upper: word(lang, name).into(), lower: money.into() }
    }
}
