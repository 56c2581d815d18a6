//! The order as a document: everything about it copied from the catalog, in the customer's language, so that it
//! never needs the catalog again.

use std::sync::Arc;

use super::choices::{self, Difference};
use super::menu::Menu;
use crate::cart::{Cart, CartLine, ModifierChoice, ServiceMode};
use crate::catalog::{Allergens, GroupStyle, Item, Variation};
use crate::ids::{OrderId, RuleId};
use crate::order::{Channel, DisplayNumber, Order, OrderLine, OrderModifier, OrderSurcharge, OrderTax};
use crate::pricing::{Priced, PricedLine};
use crate::receipt::words;
use crate::text::{Lang, Text};
use crate::time::Now;

/// What an order is made from.
pub(super) struct Snapshot<'a> {
    pub menu: &'a Menu,
    pub cart: &'a Cart,
    pub priced: &'a Priced,
    pub lang: &'a Lang,
}

impl Snapshot<'_> {
    /// The order.
    pub fn order(&self, id: OrderId, number: DisplayNumber, mode: ServiceMode, now: &Now) -> Order {
        Order {
            id,
            number,
            placed_at: now.wall,
            business_date: now.business_date,
            mode,
            channel: Channel::Touch,
            lang: self.lang.clone(),
            currency: self.menu.catalog.currency,
            catalog_rev: self.menu.catalog.rev,
            lines: self.lines(),
            surcharges: self.surcharges(),
            taxes: self.taxes(),
            discount: self.priced.discount,
            total: self.priced.total,
        }
    }

    fn words(&self, text: &Text) -> Arc<str> {
        self.menu.words(text, self.lang)
    }

    fn lines(&self) -> Vec<OrderLine> {
        // The components of a combo come in the order of its picks; equal picks are told apart by their turn.
        let mut seen: Vec<(&PricedLine, usize)> = Vec::new();
        let mut lines = Vec::new();
        for line in &self.priced.lines {
            let turn = seen.iter().filter(|(other, _)| is_same_pick(other, line)).count();
            seen.push((line, turn));
            lines.extend(self.line(line, turn));
        }
        lines
    }

    fn line(&self, line: &PricedLine, turn: usize) -> Option<OrderLine> {
        let (item, variation) = self.menu.catalog.variation(&line.variation)?;
        let cart_line = self.cart.lines.iter().find(|l| l.id == line.line);
        let modifiers = cart_line.filter(|_| !line.deposit).map_or(&[][..], |l| choices_of(l, line, turn));
        let differences = choices::differences(&self.menu.catalog, item, modifiers);
        Some(OrderLine {
            line: line.line,
            slot: line.slot.clone(),
            item: item.id.clone(),
            variation: variation.id.clone(),
            name: self.name(item, variation),
            kitchen_name: self.kitchen_name(item, variation),
            station: item.station.clone(),
            modifiers: differences.iter().map(|d| self.modifier(d)).collect(),
            quantity: line.quantity,
            unit: line.unit,
            gross: line.gross,
            discounts: line
                .discounts
                .iter()
                .map(|(id, amount)| (id.clone(), self.rule(id), *amount))
                .collect(),
            net: line.net,
            taxes: line.taxes.clone(),
            allergens: allergens(self.menu, item, modifiers),
            deposit: line.deposit,
        })
    }

    fn name(&self, item: &Item, variation: &Variation) -> Arc<str> {
        item_name(self.menu, item, variation, self.lang)
    }

    /// The kitchen reads the shop's language, and needs the size.
    fn kitchen_name(&self, item: &Item, variation: &Variation) -> Arc<str> {
        if item.variations.len() < 2 || variation.name.is_empty() {
            return item.kitchen_name.clone();
        }
        let languages = &self.menu.catalog.languages;
        let size = languages.first().map_or("", |lang| variation.name.get(lang, languages));
        format!("{} ({size})", item.kitchen_name).into()
    }

    fn modifier(&self, difference: &Difference<'_>) -> OrderModifier {
        let name = self.words(difference.name);
        let (name, kitchen_name) = match difference.style {
            GroupStyle::Without => (
                words::without(self.lang, &name),
                format!("{} {}", words::KITCHEN_WITHOUT, difference.kitchen_name).into(),
            ),
            GroupStyle::Choice | GroupStyle::Extra => (name, difference.kitchen_name.clone()),
        };
        OrderModifier { name, kitchen_name, count: difference.count, price: difference.price }
    }

    fn rule(&self, id: &RuleId) -> Arc<str> {
        let rule = self.menu.catalog.rules.iter().find(|rule| rule.id == *id);
        rule.map_or_else(|| id.0.clone(), |rule| self.words(&rule.name))
    }

    fn surcharges(&self) -> Vec<OrderSurcharge> {
        let name = |id: &crate::ids::SurchargeId| {
            self.menu.catalog.surcharges.iter().find(|s| s.id == *id).map(|s| self.words(&s.name))
        };
        self.priced
            .surcharges
            .iter()
            .map(|s| OrderSurcharge {
                name: name(&s.id).unwrap_or_else(|| s.id.0.clone()),
                id: s.id.clone(),
                amount: s.amount,
                taxes: s.taxes.clone(),
            })
            .collect()
    }

    fn taxes(&self) -> Vec<OrderTax> {
        let name = |id: &crate::ids::TaxRateId| {
            self.menu.catalog.tax_rates.get(id).map(|rate| self.words(&rate.name))
        };
        self.priced
            .taxes
            .iter()
            .map(|tax| OrderTax {
                name: name(&tax.rate_id).unwrap_or_else(|| tax.rate_id.0.clone()),
                rate_id: tax.rate_id.clone(),
                rate: tax.rate,
                inclusive: tax.inclusive,
                base: tax.base,
                tax: tax.tax,
            })
            .collect()
    }
}

/// An item's name with the version it is bought in.
pub(super) fn item_name(menu: &Menu, item: &Item, variation: &Variation, lang: &Lang) -> Arc<str> {
    let name = menu.words(&item.name, lang);
    if item.variations.len() < 2 || variation.name.is_empty() {
        return name;
    }
    words::with_version(lang, &name, &menu.words(&variation.name, lang))
}

/// What an item contains with these choices.
pub(super) fn allergens(menu: &Menu, item: &Item, modifiers: &[ModifierChoice]) -> Allergens {
    let chosen = choices::from_line(modifiers);
    let asked = choices::asked(&menu.catalog, item);
    let changes =
        asked.flat_map(|a| a.options().filter(|m| a.count_of(&chosen, &m.id) > 0).collect::<Vec<_>>());
    let (added, removed) = changes.fold((Allergens::default(), Allergens::default()), |(add, remove), m| {
        (add.with(m.adds), remove.with(m.removes))
    });
    // What one choice takes away another may bring: adding wins.
    item.allergens.unwrap_or_default().without(removed).with(added)
}

fn is_same_pick(a: &PricedLine, b: &PricedLine) -> bool {
    a.slot.is_some()
        && a.line == b.line
        && a.slot == b.slot
        && a.variation == b.variation
        && a.deposit == b.deposit
}

/// The choices of a priced line: its own, or those of the pick it comes from.
fn choices_of<'a>(cart_line: &'a CartLine, line: &PricedLine, turn: usize) -> &'a [ModifierChoice] {
    match &line.slot {
        None => &cart_line.modifiers,
        Some(slot) => cart_line
            .picks
            .iter()
            .filter(|pick| pick.slot == *slot && pick.variation == line.variation)
            .nth(turn)
            .map_or(&[], |pick| &pick.modifiers),
    }
}
