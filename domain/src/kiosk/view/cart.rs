//! The cart page.

use std::sync::Arc;

use super::Scene;
use crate::ids::RuleId;
use crate::kiosk::menu::Menu;
use crate::money::Minor;
use crate::pricing::Priced;
use crate::session::{Undo, Visit};
use crate::view::{CartView, Page, TaxView, UndoView};

impl Scene<'_> {
    pub(super) fn cart_page(&self, menu: &Menu, visit: &Visit) -> Page {
        let priced = visit.price.priced.as_deref();
        Page::Cart(CartView {
            lines: self.cart_lines(menu, visit, |line| line.gross),
            discounts: priced.map(|p| self.discounts(menu, p)).unwrap_or_default(),
            surcharges: priced.map(|p| self.surcharges(menu, p)).unwrap_or_default(),
            taxes: priced.map(taxes).unwrap_or_default(),
            total: visit.price.total(),
            undo: visit.undo.as_ref().map(|undo| self.undo(menu, undo)),
            ready_minutes: menu.catalog.ready_minutes,
            scanner: self.kiosk.session.devices.scanner,
            blocked: !visit.price.unavailable.is_empty(),
        })
    }

    /// Each rule once, with all that it took.
    fn discounts(&self, menu: &Menu, priced: &Priced) -> Vec<(Arc<str>, Minor)> {
        let mut sums: Vec<(&RuleId, Minor)> = Vec::new();
        for (rule, amount) in priced.lines.iter().flat_map(|line| &line.discounts) {
            match sums.iter_mut().find(|(id, _)| *id == rule) {
                Some((_, sum)) => *sum += *amount,
                None => sums.push((rule, *amount)),
            }
        }
        let name = |id: &RuleId| {
            let rule = menu.catalog.rules.iter().find(|rule| rule.id == *id);
            rule.map_or_else(|| id.0.clone(), |rule| menu.words(&rule.name, &self.lang))
        };
        sums.into_iter().map(|(id, sum)| (name(id), sum)).collect()
    }

    fn surcharges(&self, menu: &Menu, priced: &Priced) -> Vec<(Arc<str>, Minor)> {
        let named = priced.surcharges.iter().map(|s| {
            let surcharge = menu.catalog.surcharges.iter().find(|known| known.id == s.id);
            let name = surcharge.map_or_else(|| s.id.0.clone(), |known| menu.words(&known.name, &self.lang));
            (name, s.amount)
        });
        named.collect()
    }

    fn undo(&self, menu: &Menu, undo: &Undo) -> UndoView {
        UndoView {
            name: self.line_name(menu, &undo.line),
            remaining_ms: self.left(undo.until),
            total_ms: u32::try_from(self.kiosk.config.times.undo_ms).unwrap_or(u32::MAX),
        }
    }
}

fn taxes(priced: &Priced) -> Vec<TaxView> {
    priced.taxes.iter().map(|t| TaxView { rate: t.rate.0, tax: t.tax, inclusive: t.inclusive }).collect()
}
