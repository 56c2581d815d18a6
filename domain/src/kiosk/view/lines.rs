//! The lines of a cart in words and money.

use std::sync::Arc;

use super::Scene;
use crate::cart::{CartLine, ComboPick, ModifierChoice};
use crate::catalog::{GroupStyle, Item, ItemKind, Variation};
use crate::kiosk::choices;
use crate::kiosk::menu::Menu;
use crate::kiosk::snapshot::item_name;
use crate::money::Minor;
use crate::pricing::PricedLine;
use crate::session::Visit;
use crate::view::{CartLineView, LineDetail, Unavailable};

/// Pieces of lines; weighed goods count as one.
pub(super) fn pieces(lines: &[CartLine]) -> u32 {
    lines.iter().map(|line| if line.label.is_some() { 1 } else { line.quantity.whole().max(1) }).sum()
}

impl Scene<'_> {
    /// The lines with what `amount` says of each: before discounts where discounts have rows of their own, after
    /// them where they have none. Either way the customer can add up what is shown.
    pub(super) fn cart_lines(
        &self,
        menu: &Menu,
        visit: &Visit,
        amount: fn(&PricedLine) -> Minor,
    ) -> Vec<CartLineView> {
        visit.cart.lines.iter().map(|line| self.cart_line(menu, visit, line, amount)).collect()
    }

    fn cart_line(
        &self,
        menu: &Menu,
        visit: &Visit,
        line: &CartLine,
        amount: fn(&PricedLine) -> Minor,
    ) -> CartLineView {
        let item = menu.catalog.item(&line.item);
        let priced = visit.price.priced.as_ref();
        let total =
            priced.map_or(Minor::ZERO, |p| p.lines.iter().filter(|l| l.line == line.id).map(amount).sum());
        let unavailable = visit.price.unavailable.get(&line.id).copied();
        CartLineView {
            line: line.id,
            name: self.line_name(menu, line),
            details: item.map(|item| self.details(menu, item, line)).unwrap_or_default(),
            picture: picture(menu, line),
            tint: menu.tint(&line.item),
            quantity: pieces(std::slice::from_ref(line)),
            total,
            can_change: line.label.is_none() && item.is_some_and(has_choices),
            unavailable: if item.is_none() { Some(Unavailable::SoldOut) } else { unavailable },
        }
    }

    pub(super) fn line_name(&self, menu: &Menu, line: &CartLine) -> Arc<str> {
        let Some(item) = menu.catalog.item(&line.item) else {
            let former = self.visit.and_then(|visit| visit.former_names.get(&line.item));
            return former.unwrap_or(&line.item.0).clone();
        };
        let variation = item.variations.iter().find(|v| v.id == line.variation);
        variation.map_or_else(|| menu.words(&item.name, &self.lang), |v| item_name(menu, item, v, &self.lang))
    }

    /// What was changed, or the parts of a meal with what was changed on them.
    pub(super) fn details(&self, menu: &Menu, item: &Item, line: &CartLine) -> Vec<LineDetail> {
        let mut details = self.changes(menu, item, &line.modifiers);
        for (pick, count) in same_together(&line.picks) {
            let Some((part, variation)) = menu.catalog.variation(&pick.variation) else { continue };
            let name = item_name(menu, part, variation, &self.lang);
            details.push(LineDetail { name, style: GroupStyle::Choice, count });
            details.extend(self.changes(menu, part, &pick.modifiers));
            details.extend(self.deposit(menu, variation, count));
        }
        let own = item.variations.iter().find(|v| v.id == line.variation);
        details.extend(own.and_then(|variation| self.deposit(menu, variation, 1)));
        details
    }

    /// The deposit, so that the price of the line explains itself.
    fn deposit(&self, menu: &Menu, variation: &Variation, count: u32) -> Option<LineDetail> {
        let (item, _) = menu.catalog.variation(variation.deposit.as_ref()?)?;
        Some(LineDetail { name: menu.words(&item.name, &self.lang), style: GroupStyle::Extra, count })
    }

    fn changes(&self, menu: &Menu, item: &Item, modifiers: &[ModifierChoice]) -> Vec<LineDetail> {
        choices::differences(&menu.catalog, item, modifiers)
            .iter()
            .map(|d| LineDetail { name: menu.words(d.name, &self.lang), style: d.style, count: d.count })
            .collect()
    }
}

/// What a line looks like, with its size and parts; empty if it is no longer sold.
pub(super) fn picture(menu: &Menu, line: &CartLine) -> Arc<str> {
    let picks = line.picks.iter().map(|pick| (&pick.slot, &pick.variation));
    let item = menu.catalog.item(&line.item);
    item.map(|item| menu.picture(item, &line.variation, picks)).unwrap_or_default()
}

/// The parts of a meal, each once, and how many of it: two slots may hold the same.
fn same_together(picks: &[ComboPick]) -> Vec<(&ComboPick, u32)> {
    let mut together: Vec<(&ComboPick, u32)> = Vec::new();
    for pick in picks {
        let is_same =
            |known: &ComboPick| known.variation == pick.variation && known.modifiers == pick.modifiers;
        match together.iter_mut().find(|(known, _)| is_same(known)) {
            Some((_, count)) => *count += pick.count,
            None => together.push((pick, pick.count)),
        }
    }
    together
}

/// Whether there is anything to change about an item.
fn has_choices(item: &Item) -> bool {
    let slots = match &item.kind {
        ItemKind::Combo(slots) => slots.iter().any(|slot| slot.choices.len() > 1),
        ItemKind::Product | ItemKind::Deposit | ItemKind::GiftCard => false,
    };
    slots || item.variations.len() > 1 || !item.groups.is_empty()
}
