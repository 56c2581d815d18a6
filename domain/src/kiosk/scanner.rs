//! Scanned codes: goods into the cart, labels with a price or weight in them, coupons. No code is ever more
//! than a look-up.

use super::Refusal;
use super::choices;
use super::menu::Menu;
use super::turn::Turn;
use super::visit::ordered;
use crate::cart::{CartLine, LabelValue};
use crate::catalog::{CodeMatch, Item, Price, PriceRule, Variation};
use crate::ids::{LineId, RuleId, VariationId};
use crate::input::ScannerInput;
use crate::money::{MAX_PRICE, MAX_QUANTITY, Minor, Quantity, mul};
use crate::pricing::Priced;
use crate::session::{ItemDraft, Stage};
use crate::view::Notice;

impl Turn<'_> {
    pub(super) fn scanner(&mut self, input: ScannerInput) {
        match input {
            ScannerInput::Present(present) => self.session.devices.scanner = present,
            ScannerInput::Goods(code) => self.scanned(&code, true),
            ScannerInput::Text(code) => self.scanned(&code, false),
        }
    }

    fn scanned(&mut self, code: &str, goods: bool) {
        let Some(menu) = self.menu().filter(|_| self.can_serve()) else {
            return self.refuse(Refusal::NotNow);
        };
        if self.visit().and_then(ordered).is_some() {
            // In the middle of paying: the order is placed and does not change any more.
            return self.refuse(Refusal::NotNow);
        }
        if self.visit().is_none() {
            self.begin_visit();
        }
        self.touch();
        let found = if goods { menu.catalog.find_code(code) } else { None };
        match found {
            Some(found) => self.scanned_goods(&menu, &found),
            None => self.scanned_coupon(&menu, code),
        }
    }

    fn scanned_goods(&mut self, menu: &Menu, found: &CodeMatch) {
        let Some((item, variation)) = menu.catalog.variation(variation_of(found)) else {
            return self.notice(Notice::UnknownCode);
        };
        let offer = self.offer(menu);
        if !offer.is_allowed(item) {
            return self.notice(Notice::UnknownCode);
        }
        if offer.unavailable(item).is_some() {
            let name = self.item_name(&item.id);
            return self.notice(Notice::SoldOut(name));
        }
        let chosen = choices::defaults(&menu.catalog, item);
        if choices::missing(&menu.catalog, item, &chosen).is_some() {
            return self.ask_choices(menu, item, variation);
        }
        let Some((quantity, label)) = amount(found, variation) else {
            return self.notice(Notice::UnknownCode);
        };
        self.add_line(CartLine {
            id: LineId(0),
            item: item.id.clone(),
            variation: variation.id.clone(),
            quantity,
            modifiers: choices::to_line(&menu.catalog, item, &chosen),
            picks: Vec::new(),
            label,
        });
    }

    /// The goods need a choice first: their page opens.
    fn ask_choices(&mut self, menu: &Menu, item: &Item, variation: &Variation) {
        if self.visit().is_some_and(|visit| visit.mode.is_none()) {
            return self.notice(Notice::UnknownCode);
        }
        if let Some(mut draft) = ItemDraft::new(&menu.catalog, item) {
            draft.variation = variation.id.clone();
            self.go(Stage::Item(draft));
        }
    }

    fn scanned_coupon(&mut self, menu: &Menu, code: &str) {
        let rule = menu.catalog.rules.iter().find(|rule| rule.coupon.as_deref() == Some(code));
        let Some(rule) = rule else { return self.notice(Notice::UnknownCode) };
        let Some(visit) = self.visit_mut() else { return };
        let name = menu.words(&rule.name, &visit.lang);
        if !visit.cart.coupons.contains(&rule.id) {
            visit.cart.coupons.push(rule.id.clone());
        }
        self.cart_changed();
        let priced = self.visit().and_then(|visit| visit.price.priced.as_deref());
        let goods = priced.map_or(Minor::ZERO, |priced| goods_before(menu, rule, priced));
        self.notice(if goods < rule.min_subtotal {
            Notice::CodeCountsFrom(name, rule.min_subtotal)
        } else {
            Notice::CodeAccepted(name)
        });
    }
}

/// What a rule's least amount is compared with: the goods as they cost before it and all rules of its kind.
fn goods_before(menu: &Menu, rule: &PriceRule, priced: &Priced) -> Minor {
    let on_line = |id: &RuleId| menu.catalog.rules.iter().any(|r| r.id == *id && !r.kind.is_on_order());
    let goods = priced.lines.iter().filter(|line| !line.deposit);
    goods
        .map(|line| {
            let earlier = line.discounts.iter().filter(|(id, _)| rule.kind.is_on_order() && on_line(id));
            line.gross - earlier.map(|(_, amount)| *amount).sum()
        })
        .sum()
}

/// Quantity and label of the line for a code; `None` if the code and the goods do not go together.
fn amount(found: &CodeMatch, variation: &Variation) -> Option<(Quantity, Option<LabelValue>)> {
    match (found, variation.price) {
        (CodeMatch::Goods { pack, .. }, Price::Fixed(_)) => Some((*pack, None)),
        // Weighed goods without a weight cannot be priced.
        (CodeMatch::Goods { .. }, Price::PerWeight(_)) => None,
        (CodeMatch::Label { quantity, value, .. }, price) => match (value, price) {
            (LabelValue::Price(price), _) if !(1..=MAX_PRICE.0).contains(&price.0) => None,
            (LabelValue::Price(_), Price::Fixed(_)) => Some((Quantity::ONE, Some(*value))),
            // The weight is for stock and display; the printed price counts.
            (LabelValue::Price(price), Price::PerWeight(per_unit)) => {
                let weight = mul(price.0, Quantity::ONE.0, per_unit.0.max(1))?;
                Some((Quantity(weight.max(1)), Some(*value)))
            }
            (LabelValue::Weight, Price::PerWeight(_)) => {
                let sold = (1..=MAX_QUANTITY.0).contains(&quantity.0);
                sold.then_some((*quantity, Some(*value)))
            }
            (LabelValue::Weight, Price::Fixed(_)) => None,
        },
    }
}

fn variation_of(found: &CodeMatch) -> &VariationId {
    match found {
        CodeMatch::Goods { variation, .. } | CodeMatch::Label { variation, .. } => variation,
    }
}
